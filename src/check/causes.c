/* SPDX-License-Identifier: MIT
 *
 * In: a message that was recorded. Out: which one of the other side it answers.
 * Refuses to guess: a JSON-RPC 2.0 response belongs to the request whose id it has, a Socket.IO
 * acknowledgement to the event with its number, and, with "reply PATH", a message to the first one
 * of the other side with the same value there (a pong to the ping whose payload it carries, RFC
 * 6455 section 5.5.3: record.c). More is not certain, and time is no proof: layout.c says what
 * becomes of the rest.
 */
#include "hash.h"
#include "recording.h"
#include "session.h"

struct at { /* the place of a message */
    struct wst_session *s;
    struct wst_connection *c;
    unsigned dir; /* 1: of the server */
};

struct reply { /* what a message says of itself */
    const struct wst_tape *tape;
    struct wst_slice json;
    uint64_t id;
};

static void take_id(void *user, struct wst_tape_node *node)
{
    struct reply *reply = user;

    if (reply->id == 0 && node->kind >= WST_TAPE_STRING)
        reply->id = wst_hash_bytes(1, wst_tape_bytes(reply->json, node)) | 1;
}

static void link_reply(const struct at *at, struct wst_item *item, uint64_t id, bool request,
                       bool response)
{
    struct wst_recording *r = wst_recording_of(at->c, &at->s->budget);
    struct wst_recording_request *slot = r ? wst_recording_request(r, &at->s->budget, id) : NULL;

    if (r == NULL) at->s->failed = true;
    if (slot == NULL) return;
    if (response && slot->item[!at->dir])
        item->answers = slot->item[!at->dir];
    else if (request)
        slot->item[at->dir] = at->c->n;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* JSON-RPC 2.0: "jsonrpc" marks it, a request has a "method", and its response the same "id". */
static void json_rpc(const struct at *at, struct wst_item *item)
{
    const struct wst_tape *tape = &at->s->canon.tape;
    struct wst_slice json = at->s->canon.json;
    bool rpc = false, method = false;
    uint64_t id = 0;

    if (tape->n == 0 || tape->nodes[0].kind != WST_TAPE_OBJECT) return;
    for (uint32_t i = 1; i < tape->n; i = tape->nodes[i].next) {
        struct wst_slice key = wst_tape_key(json, &tape->nodes[i]);
        if (wst_slice_is(key, "jsonrpc")) rpc = true;
        if (wst_slice_is(key, "method")) method = true;
        if (wst_slice_is(key, "id") && tape->nodes[i].kind >= WST_TAPE_STRING)
            id = wst_hash_bytes(2, wst_tape_bytes(json, &tape->nodes[i])) | 1;
    }
    if (rpc && id) link_reply(at, item, id, method, !method);
}

/* Socket.IO 5 in Engine.IO 4: what stands before the JSON array.
 *
 *     4  2    [/namespace,]  17     an event that wants an acknowledgement, and its number
 *     4  51-  [/namespace,]  17     one with a binary message, which comes behind it
 *     4  3    [/namespace,]  17     the acknowledgement; 46n- with n binary messages
 *
 * Returns namespace and number, n == 0: there is none; in `binary` how many such messages. */
static struct wst_slice socket_io_id(struct wst_slice prefix, uint32_t *binary)
{
    enum { BINARY_MAX = 1 << 20 };
    struct wst_slice id = wst_slice_skip(prefix, 2);
    size_t n;

    *binary = 0;
    if (prefix.p[1] >= '5') {
        for (; id.n && is_digit(id.p[0]) && *binary < BINARY_MAX; id = wst_slice_skip(id, 1))
            *binary = *binary * 10 + (id.p[0] - '0');
        id = wst_slice_skip(id, id.n && id.p[0] == '-' ? 1 : id.n);
    }
    for (n = id.n; n > 0 && is_digit(id.p[n - 1]); n--) {
    }
    if (n == id.n || (n > 0 && (id.p[0] != '/' || id.p[n - 1] != ','))) id.n = 0;
    return id;
}

static void socket_io(const struct at *at, struct wst_slice payload, struct wst_item *item)
{
    struct wst_slice prefix = wst_slice_head(payload, (size_t)(at->s->canon.json.p - payload.p));
    uint8_t type = prefix.n > 2 && prefix.p[0] == '4' ? prefix.p[1] : 0;
    bool asks = type == '2' || type == '5', answers = type == '3' || type == '6';
    struct wst_slice name;
    uint32_t binary;
    uint64_t id;

    if (!(asks || answers) || at->s->canon.tape.nodes[0].kind != WST_TAPE_ARRAY) return;
    name = socket_io_id(prefix, &binary);
    id = wst_hash_bytes(3, name) | 1;
    if (name.n) link_reply(at, item, id, asks, answers);
    if (at->c->recording)
        at->c->recording->rest[at->dir] =
            (struct wst_recording_rest){id, asks && name.n ? binary : 0};
}

/* A binary message: what it belongs to is not asked before it is there. */
static void belongs(const struct at *at, struct wst_item *item)
{
    struct wst_recording_rest *rest = &at->c->recording->rest[at->dir];

    if (rest->n == 0) return;
    rest->n--;
    link_reply(at, item, rest->id, true, false);
}

/* "reply PATH": the first of them that leads to a value counts. */
static void settled(const struct at *at, struct wst_item *item)
{
    const struct wst_check_settings *settings = at->s->settings;

    for (uint32_t i = 0; i < settings->reply_n; i++) {
        struct reply reply = {&at->s->canon.tape, at->s->canon.json, 0};
        wst_path_select(&settings->reply[i], reply.json, &at->s->canon.tape, take_id, &reply);
        if (reply.id == 0) continue;
        link_reply(at, item, reply.id + 2 * i, true, true);
        return;
    }
}

void wst_causes(struct wst_session *s, struct wst_connection *c, const struct wst_event *e,
                struct wst_item *item)
{
    struct at at = {s, c, e->dir == WST_S2C};

    if (e->message.opcode == 2 && c->recording) belongs(&at, item);
    if (s->canon.tape.n == 0) return;
    if (s->settings->reply_n) {
        settled(&at, item);
        return;
    }
    json_rpc(&at, item);
    socket_io(&at, e->message.payload, item);
}

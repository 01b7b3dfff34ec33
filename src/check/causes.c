/* SPDX-License-Identifier: MIT
 *
 * In: a message that was recorded. Out: which one of the other side it answers.
 * Refuses to guess: a response belongs to the request with its number (numbered.h), and, with
 * "reply PATH", a message to the first one of the other side with the same value there (a pong to
 * the ping whose payload it carries, RFC 6455 section 5.5.3: record.c). More is not certain, and
 * time is no proof: layout.c says what becomes of the rest.
 */
#include "hash.h"
#include "numbered.h"
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

static void known(const struct at *at, struct wst_slice payload, struct wst_item *item)
{
    struct wst_numbered numbered = wst_numbered_of(payload, &at->s->canon.tape, at->s->canon.json);

    if (numbered.id) link_reply(at, item, numbered.id, numbered.asks, !numbered.asks);
    if (at->c->recording)
        at->c->recording->rest[at->dir] =
            (struct wst_recording_rest){numbered.id, numbered.asks ? numbered.binary : 0};
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
    if (s->settings->reply_n)
        settled(&at, item);
    else
        known(&at, e->message.payload, item);
}

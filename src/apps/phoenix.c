/* SPDX-License-Identifier: MIT
 *
 * Channels of the Phoenix framework, serializers 1.0.0 and 2.0.0; LiveView rides on them.
 * In: a message. Out: what it is of a channel.
 * Refuses what is not in the form of the serializer that the address asks for.
 *
 *     1.0.0   {"topic":…, "event":…, "payload":…, "ref":…, "join_ref":…}
 *     2.0.0   [join_ref, ref, topic, event, payload]
 *
 *     2.0.0 in bytes, for payloads of bytes; a byte each, then the texts, then the payload:
 *     client  0  n(join_ref) n(ref) n(topic) n(event)    push
 *     server  0  n(join_ref) n(topic) n(event)           push
 *             1  n(join_ref) n(ref) n(topic) n(status)   reply
 *             2  n(topic) n(event)                       broadcast
 *
 * github.com/phoenixframework/phoenix: lib/phoenix/socket/serializers/v1_json_serializer.ex and
 * v2_json_serializer.ex; guides/howto/writing_a_channels_client.md.
 */
#include "protocol.h"
#include "slice.h"

enum { REFS = 1 }; /* the space of ids */

struct state {
    uint8_t version; /* of the serializer; 0: not known */
};

struct packet { /* JSON and its nodes; NULL: not there */
    const struct wst_tape_node *join_ref, *ref, *topic, *event, *payload;
};

/* Events that are the protocol's own; "heartbeat" is one in the topic "phoenix". */
static const char *const own[] = {"phx_join", "phx_leave", "phx_reply", "phx_error", "phx_close"};
enum { OWN = sizeof own / sizeof own[0] };

static const char *own_name(const struct wst_json_text *j, const struct packet *p)
{
    for (size_t i = 0; i < OWN; i++)
        if (wst_json_text_is(j, p->event, own[i])) return own[i];
    return wst_json_text_is(j, p->topic, "phoenix") && wst_json_text_is(j, p->event, "heartbeat")
               ? "heartbeat"
               : NULL;
}

static bool is_ref(const struct wst_json_text *j, const struct wst_tape_node *node)
{
    return node && (node->kind == WST_TAPE_STRING || node->kind == WST_TAPE_NUMBER ||
                    wst_slice_is(wst_json_text_raw(j, node), "null"));
}

/* Returns the version that it is written in; 0: neither. */
static uint8_t read_packet(const struct wst_json_text *j, const struct wst_tape_node *all,
                           struct packet *p)
{
    bool array = wst_json_text_kind(all, WST_TAPE_ARRAY);
    if (array ? all->members != 5 : !wst_json_text_kind(all, WST_TAPE_OBJECT)) return 0;
    p->join_ref = array ? wst_json_text_at(j, all, 0) : wst_json_text_get(j, all, "join_ref");
    p->ref = array ? wst_json_text_at(j, all, 1) : wst_json_text_get(j, all, "ref");
    p->topic = array ? wst_json_text_at(j, all, 2) : wst_json_text_get(j, all, "topic");
    p->event = array ? wst_json_text_at(j, all, 3) : wst_json_text_get(j, all, "event");
    p->payload = array ? wst_json_text_at(j, all, 4) : wst_json_text_get(j, all, "payload");
    if (!wst_json_text_kind(p->topic, WST_TAPE_STRING) || !p->payload ||
        !wst_json_text_kind(p->event, WST_TAPE_STRING))
        return 0;
    if (array) return is_ref(j, p->join_ref) && is_ref(j, p->ref) ? 2 : 0;
    return (!p->join_ref || is_ref(j, p->join_ref)) && (!p->ref || is_ref(j, p->ref)) ? 1 : 0;
}

/* What stands for the id of a question; null: it has none. */
static struct wst_slice ref_of(const struct wst_json_text *j, const struct wst_tape_node *ref)
{
    if (wst_json_text_kind(ref, WST_TAPE_NUMBER)) return wst_json_text_raw(j, ref);
    return wst_json_text_inside(j, ref);
}

static void say_ref(struct wst_say *say, const char *name, const struct wst_tape_node *ref)
{
    if (ref_of(&say->json, ref).p) wst_say_json(say, name, wst_json_text_raw(&say->json, ref));
}

static void say_reply(struct wst_say *say, const struct packet *p)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *status = wst_json_text_get(j, p->payload, "status");
    const struct wst_tape_node *response = wst_json_text_get(j, p->payload, "response");
    wst_say_json(say, "status", wst_json_text_raw(j, status));
    if (wst_json_text_is(j, status, "error")) wst_say_error(say);
    wst_say_body_json(say, wst_json_text_raw(j, response ? response : p->payload));
}

/* Of version 1 no message of a server tells whether it goes to one or to all. */
static const char *pushed(const struct wst_say *say, bool joined, uint8_t version)
{
    if (say->event->dir == WST_C2S || (version == 2 && joined)) return "push";
    return version == 2 ? "broadcast" : "message";
}

static void say_text(struct wst_say *say, struct state *state, const struct wst_tape_node *all)
{
    const struct wst_json_text *j = &say->json;
    struct packet p;
    uint8_t version = read_packet(j, all, &p);
    if (version == 0 || (state->version && version != state->version)) {
        wst_say_strange(say);
        return;
    }
    state->version = version;
    const char *name = own_name(j, &p);
    struct wst_slice ref = ref_of(j, p.ref);
    wst_say_packet(say, name ? name : pushed(say, ref_of(j, p.join_ref).p, version));
    say_ref(say, "join_ref", p.join_ref);
    say_ref(say, "ref", p.ref);
    wst_say_json(say, "topic", wst_json_text_raw(j, p.topic));
    if (!name) wst_say_json(say, "event", wst_json_text_raw(j, p.event));
    if (name && strcmp(name, "phx_error") == 0) wst_say_error(say);
    bool reply = name && strcmp(name, "phx_reply") == 0;
    if (reply)
        say_reply(say, &p);
    else
        wst_say_body_json(say, wst_json_text_raw(j, p.payload));
    if (!ref.p) return;
    if (reply)
        wst_say_answers(say, REFS, ref);
    else if (say->event->dir == WST_C2S && name)
        wst_say_asks(say, REFS, ref);
    else if (say->event->dir == WST_C2S)
        wst_say_may_ask(say, REFS, ref); /* a channel answers if it likes */
}

/* -- in bytes ---------------------------------------------------------------------------------- */

enum kind { PUSH, REPLY, BROADCAST };

struct texts {
    struct wst_slice join_ref, ref, topic, event, payload; /* null: not of this kind */
};

/* False: it is no such kind, or too short. */
static bool read_texts(struct wst_slice s, enum wst_dir dir, struct texts *t)
{
    struct wst_slice *both[] = {&t->join_ref, &t->ref, &t->topic, &t->event};
    struct wst_slice *pushed[] = {&t->join_ref, &t->topic, &t->event};
    struct wst_slice **list = both;
    size_t n = 4;
    if (s.n == 0 || s.p[0] > (dir == WST_C2S ? PUSH : BROADCAST)) return false;
    if (s.p[0] == PUSH && dir == WST_S2C) {
        list = pushed;
        n = 3;
    } else if (s.p[0] == BROADCAST) {
        list = both + 2;
        n = 2;
    }
    if (s.n < 1 + n) return false;
    const uint8_t *sizes = s.p + 1;
    s = wst_slice_skip(s, 1 + n);
    for (size_t i = 0; i < n; i++) {
        if (s.n < sizes[i]) return false;
        *list[i] = wst_slice_head(s, sizes[i]);
        s = wst_slice_skip(s, sizes[i]);
    }
    t->payload = s;
    return true;
}

static void say_bytes(struct wst_say *say, const struct state *state, struct wst_slice s)
{
    static const char *const names[] = {"push", "phx_reply", "broadcast"};
    struct texts t = {.payload = {NULL, 0}};
    if (state->version != 2 || !read_texts(s, say->event->dir, &t)) {
        wst_say_strange(say);
        return;
    }
    wst_say_packet(say, names[s.p[0]]);
    if (t.join_ref.n) wst_say_text(say, "join_ref", t.join_ref);
    if (t.ref.n) wst_say_text(say, "ref", t.ref);
    wst_say_text(say, "topic", t.topic);
    wst_say_text(say, s.p[0] == REPLY ? "status" : "event", t.event);
    wst_say_body_bytes(say, t.payload, 0);
    if (s.p[0] == REPLY && wst_slice_is(t.event, "error")) wst_say_error(say);
    if (t.ref.n == 0) return;
    if (s.p[0] == REPLY)
        wst_say_answers(say, REFS, t.ref);
    else
        wst_say_may_ask(say, REFS, t.ref);
}

static void message(struct wst_say *say, void *of, const struct wst_event *event)
{
    struct state *state = of;
    const struct wst_tape_node *all;
    if (event->message.opcode == 2)
        say_bytes(say, state, event->message.payload);
    else if ((all = wst_say_read(say, event->message.payload)))
        say_text(say, state, all);
    else
        wst_say_unread(say);
}

/* -- how it is known --------------------------------------------------------------------------- */

static bool asks_for(const struct wst_event_handshake *shake, uint8_t version)
{
    return wst_app_query(shake, "vsn", version == 1 ? "1.0.0" : "2.0.0");
}

static bool named(const struct wst_event_handshake *shake)
{
    static const char end[] = "/websocket";
    struct wst_slice path = wst_app_path(shake);
    size_t n = sizeof end - 1;
    return path.n >= n && wst_slice_is(wst_slice_skip(path, path.n - n), end) &&
           (asks_for(shake, 1) || asks_for(shake, 2));
}

static void begin(void *of, const struct wst_event_handshake *shake)
{
    struct state *state = of;
    state->version = asks_for(shake, 1) ? 1 : 2;
}

/* One of the events that are its own. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_tape_node *all;
    struct packet p;
    if (event->message.opcode != 1 || !(all = wst_say_read(say, event->message.payload)))
        return false;
    return read_packet(&say->json, all, &p) && p.ref && own_name(&say->json, &p);
}

const struct wst_app_protocol wst_app_phoenix = {
    .app = WST_APP_PHOENIX,
    .state_size = sizeof(struct state),
    .named = named,
    .begin = begin,
    .sounds = sounds,
    .message = message,
};

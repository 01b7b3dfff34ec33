/* SPDX-License-Identifier: MIT
 *
 * Socket.IO (protocol 3 to 5) on Engine.IO (protocol 3 and 4), and Engine.IO alone.
 * In: a message. Out: the packets of both, an event when its last attachment is there.
 * Refuses packets of other types, and payloads that a type does not have.
 *
 *     4  2  1-  /admin,  7  ["bin",{"_placeholder":true,"num":0}]
 *     |  |  |   |        |  payload: JSON
 *     |  |  |   |        id of the acknowledgement that is wanted, or given
 *     |  |  |   namespace; none: "/"
 *     |  |  attachments that follow in binary messages (types 5 and 6)
 *     |  packet type of Socket.IO
 *     packet type of Engine.IO: message
 *
 * socket.io/docs/v4/engine-io-protocol and socket-io-protocol, "Packet encoding" of both. Binary
 * messages of Engine.IO 3 begin with the byte 4, those of 4 have nothing before their data.
 */
#include "protocol.h"
#include "slice.h"

#include <stdlib.h>

enum { PING = 1, CONNECTING, ACKNOWLEDGE }; /* spaces of ids */
enum { KEPT = 256 * 1024 };                 /* bytes of a packet that waits for attachments */

enum engine { OPEN, CLOSE, PINGED, PONG, MESSAGE, UPGRADE, NOOP, ENGINE_TYPES };
static const char *const engine_names[ENGINE_TYPES] = {"open",    "close",   "ping", "pong",
                                                       "message", "upgrade", "noop"};

enum type { CONNECT, DISCONNECT, EVENT, ACK, CONNECT_ERROR, BINARY_EVENT, BINARY_ACK, TYPES };
static const char *const names[TYPES] = {"CONNECT",       "DISCONNECT",   "EVENT",     "ACK",
                                         "CONNECT_ERROR", "BINARY_EVENT", "BINARY_ACK"};

struct packet {
    enum type type;
    uint8_t version; /* of Engine.IO, as in struct state */
    uint64_t attachments;
    struct wst_slice namespace, id, payload; /* null: none */
    bool query; /* of an older client's request: behind it in CONNECT */
    struct wst_slice ack;                    /* namespace and id */
};

struct side {
    bool lost;      /* what a binary message belongs to is not known */
    uint64_t wants; /* attachments that the packet below waits for; 0: none waits */
    uint64_t msg;   /* that it began in */
    uint8_t *kept;  /* it; NULL: it could not be kept */
    size_t kept_n;
};

struct state {
    enum { UNKNOWN, SOCKET_IO, ENGINE_IO } spoken;
    uint8_t version; /* of Engine.IO; 0: not known */
    bool late;       /* messages may have been before the first */
    struct side dir[2];
};

/* -- packets of Socket.IO ---------------------------------------------------------------------- */

static size_t digits(struct wst_slice s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9') n++;
    return n;
}

/* False: no packet. At the number of attachments. */
static bool read_attachments(struct wst_slice *rest, uint64_t *count)
{
    size_t n = digits(*rest);
    if (n == 0 || n > 9 || n == rest->n || rest->p[n] != '-') return false;
    for (size_t i = 0; i < n; i++) *count = *count * 10 + (rest->p[i] - '0');
    *rest = wst_slice_skip(*rest, n + 1);
    return true;
}

/* What stands before the payload. */
static bool read_head(struct wst_slice s, struct packet *p)
{
    p->type = TYPES;
    if (s.n == 0 || s.p[0] < '0' || s.p[0] >= '0' + TYPES) return false;
    p->type = s.p[0] - '0';
    s = wst_slice_skip(s, 1);
    if (p->type >= BINARY_EVENT && !read_attachments(&s, &p->attachments)) return false;
    p->ack = s;
    if (s.n > 0 && s.p[0] == '/') {
        const uint8_t *comma = memchr(s.p, ',', s.n);
        p->namespace = wst_slice_head(s, comma ? (size_t)(comma - s.p) : s.n);
        s = wst_slice_skip(s, p->namespace.n + 1);
        if (p->namespace.n == 1) p->ack = s;
        const uint8_t *query = memchr(p->namespace.p, '?', p->namespace.n);
        p->query = query && p->type == CONNECT;
        if (p->query) p->namespace.n = (size_t)(query - p->namespace.p);
    }
    size_t n = digits(s);
    if (n > 0) p->id = wst_slice_head(s, n);
    s = wst_slice_skip(s, n);
    p->ack.n = (size_t)(s.p - p->ack.p);
    if (s.n > 0) p->payload = s;
    return true;
}

/* That a type may have this payload. `is`: it as JSON, NULL: there is none. Before protocol 5
 * of Socket.IO nothing was said of what an error carries. */
static bool fits(const struct wst_json_text *j, const struct packet *p,
                 const struct wst_tape_node *is)
{
    const struct wst_tape_node *first = wst_json_text_at(j, is, 0);
    switch (p->type) {
    case CONNECT: return !p->id.p && (!is || is->kind == WST_TAPE_OBJECT);
    case DISCONNECT: return !p->id.p && !is;
    case CONNECT_ERROR:
        return !p->id.p && (p->version != 4 ||
                            (is && (is->kind == WST_TAPE_OBJECT || is->kind == WST_TAPE_STRING)));
    case EVENT:
    case BINARY_EVENT:
        return wst_json_text_kind(first, WST_TAPE_STRING) ||
               wst_json_text_kind(first, WST_TAPE_NUMBER);
    default: return p->id.p && wst_json_text_kind(is, WST_TAPE_ARRAY);
    }
}

enum found { IS, IS_NOT, UNREAD };

/* Reads one; its payload's nodes are in say->json, if it has one. */
static enum found read_packet(struct wst_say *say, struct wst_slice s, struct packet *p)
{
    const struct wst_tape_node *all = NULL;
    if (!read_head(s, p)) return IS_NOT;
    if (p->payload.p && !(all = wst_say_read(say, p->payload)))
        return say->json.tape.full ? UNREAD : IS_NOT;
    return fits(&say->json, p, all) ? IS : IS_NOT;
}

static void say_connect(struct wst_say *say, const struct packet *p)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all = p->payload.p ? j->tape.nodes : NULL;
    struct wst_slice to = p->namespace;
    if (to.n == 1) to.n = 0;
    if (say->event->dir == WST_C2S) {
        /* How the client shows who it is is not shown. */
        if (p->query) wst_say_flag(say, "query", true);
        if (all && all->members) wst_say_flag(say, "auth", true);
        wst_say_asks(say, CONNECTING, to);
        return;
    }
    if (p->type == CONNECT)
        wst_say_json(say, "sid", wst_json_text_raw(j, wst_json_text_get(j, all, "sid")));
    else
        wst_say_json(say, "message", wst_json_text_raw(j, wst_json_text_get(j, all, "message")));
    if (all) wst_say_body_json(say, p->payload);
    wst_say_answers(say, CONNECTING, to);
}

/* A packet whose payload was read. */
static void say_packet(struct wst_say *say, const struct packet *p)
{
    const struct wst_json_text *j = &say->json;
    bool error = p->type == CONNECT_ERROR;
    wst_say_packet(say, error && p->version == 3 ? "ERROR" : names[p->type]);
    wst_say_text(say, "namespace", p->namespace);
    if (p->type == EVENT || p->type == BINARY_EVENT)
        wst_say_json(say, "event", wst_json_text_raw(j, wst_json_text_at(j, j->tape.nodes, 0)));
    wst_say_text(say, "id", p->id);
    if (p->type >= BINARY_EVENT) wst_say_number(say, "attachments", (int64_t)p->attachments);
    if (error) wst_say_error(say);
    if (p->type == CONNECT || error) {
        say_connect(say, p);
        return;
    }
    if (p->payload.p) wst_say_body_json(say, p->payload);
    if (!p->id.p) return;
    if (p->type == EVENT || p->type == BINARY_EVENT)
        wst_say_asks(say, ACKNOWLEDGE, p->ack);
    else
        wst_say_answers(say, ACKNOWLEDGE, p->ack);
}

/* -- attachments ------------------------------------------------------------------------------- */

static void drop(struct side *side, struct wst_budget *budget)
{
    if (side->kept) wst_budget_give(budget, side->kept_n);
    free(side->kept);
    side->kept = NULL;
    side->wants = 0;
}

static void keep(struct wst_say *say, struct side *side, struct wst_slice s, uint64_t attachments)
{
    side->wants = attachments;
    side->msg = say->event->message.msg;
    side->kept = s.n <= KEPT ? wst_budget_new(say->budget, s.n) : NULL;
    side->kept_n = s.n;
    if (side->kept) memcpy(side->kept, s.p, s.n);
    wst_say_unfinished(say);
}

/* One has come. What the packet was made of lives in the side until its next packet. */
static void attached(struct wst_say *say, const struct state *state, struct side *side)
{
    struct packet p = {.version = state->version};
    if (--side->wants > 0) {
        wst_say_unfinished(say);
        return;
    }
    if (!side->kept || read_packet(say, wst_slice_of(side->kept, side->kept_n), &p) != IS) {
        wst_say_missed(say);
        wst_say_packet(say, "message"); /* so much is known */
        wst_say_began(say, side->msg);
        return;
    }
    say_packet(say, &p);
    wst_say_began(say, side->msg);
}

/* -- messages of Engine.IO --------------------------------------------------------------------- */

/* The first message tells whether Socket.IO is spoken: it begins with CONNECT, and a refusal of it,
 * but not where messages have gone another way before (HTTP polling, then upgraded). */
static void tell(struct wst_say *say, struct state *state, bool packet, enum type type)
{
    if (state->spoken != UNKNOWN) return;
    state->spoken =
        packet && (state->late || state->version == 0 || type == CONNECT || type == CONNECT_ERROR)
            ? SOCKET_IO
            : ENGINE_IO;
    if (state->spoken == ENGINE_IO) wst_say_app(say, WST_APP_ENGINEIO);
}

static void say_text(struct wst_say *say, struct state *state, struct side *side,
                     struct wst_slice s)
{
    struct packet p = {.type = TYPES, .version = state->version};
    enum found found = state->spoken == ENGINE_IO ? IS_NOT : read_packet(say, s, &p);
    if (p.type == CONNECT_ERROR && say->event->dir == WST_C2S) found = IS_NOT; /* none refuses it */
    if (state->spoken == UNKNOWN && found != UNREAD) tell(say, state, found == IS, p.type);
    if (side->wants > 0) wst_say_strange(say); /* it interrupts what waits for attachments */
    drop(side, say->budget);
    side->lost = false;
    if (found == IS && state->spoken == SOCKET_IO) {
        if (p.attachments > 0)
            keep(say, side, s, p.attachments);
        else
            say_packet(say, &p);
        return;
    }
    if (found == UNREAD) {
        side->lost = p.attachments > 0;
        wst_say_missed(say);
    } else if (state->spoken == SOCKET_IO) {
        wst_say_strange(say);
    }
    wst_say_packet(say, "message");
    wst_say_body(say, s, 0);
}

static void say_binary(struct wst_say *say, struct state *state, struct side *side,
                       struct wst_slice s)
{
    bool typed = s.n > 0 && s.p[0] == MESSAGE; /* or data of version 4 that happen to begin so */
    if (state->version == 3 && !typed) {
        wst_say_strange(say);
        return;
    }
    if (side->wants > 0) {
        attached(say, state, side);
        return;
    }
    if (!state->late) tell(say, state, false, TYPES);
    if (state->spoken == SOCKET_IO && !side->lost) wst_say_strange(say); /* it belongs to nothing */
    wst_say_packet(say, "message");
    if (state->version == 3) s = wst_slice_skip(s, 1);
    if (state->version != 0 || !typed) wst_say_body_bytes(say, s, 0);
}

static void say_open(struct wst_say *say, struct wst_slice data)
{
    const struct wst_json_text *j = &say->json;
    if (say->event->dir == WST_C2S) {
        wst_say_strange(say);
        return;
    }
    const struct wst_tape_node *all = wst_say_read(say, data);
    if (!wst_json_text_kind(all, WST_TAPE_OBJECT)) {
        wst_say_unread(say);
        return;
    }
    wst_say_packet(say, "open");
    wst_say_json(say, "sid", wst_json_text_raw(j, wst_json_text_get(j, all, "sid")));
    wst_say_json(say, "upgrades", wst_json_text_raw(j, wst_json_text_get(j, all, "upgrades")));
    wst_say_json(say, "ping_interval",
                 wst_json_text_raw(j, wst_json_text_get(j, all, "pingInterval")));
    wst_say_json(say, "ping_timeout",
                 wst_json_text_raw(j, wst_json_text_get(j, all, "pingTimeout")));
    wst_say_json(say, "max_payload", wst_json_text_raw(j, wst_json_text_get(j, all, "maxPayload")));
}

static void say_engine(struct wst_say *say, struct state *state, enum engine type,
                       struct wst_slice data)
{
    if (wst_slice_is(data, "probe")) state->late = true; /* HTTP polling was before */
    wst_say_packet(say, engine_names[type]);
    if (data.n > 0) wst_say_body(say, data, 0);
    if (type == PINGED) wst_say_asks(say, PING, data);
    if (type == PONG) wst_say_answers(say, PING, data);
}

static void message(struct wst_say *say, void *of, const struct wst_event *event)
{
    struct state *state = of;
    struct side *side = &state->dir[event->dir];
    struct wst_slice s = event->message.payload, data = wst_slice_skip(s, 1);
    if (side->wants == 0) drop(side, say->budget); /* what the last packet was made of */
    if (event->message.opcode == 2) {
        say_binary(say, state, side, s);
        return;
    }
    if (wst_slice_starts(s, "b4") &&
        state->version != 4) { /* where only text can be sent: base64 */
        if (side->wants > 0) {
            attached(say, state, side);
            return;
        }
        wst_say_packet(say, "message");
        wst_say_flag(say, "base64", true);
        wst_say_body(say, wst_slice_skip(s, 2), 0);
        return;
    }
    if (s.n == 0 || s.p[0] < '0' || s.p[0] >= '0' + ENGINE_TYPES || !event->message.utf8) {
        wst_say_strange(say);
        return;
    }
    switch (s.p[0] - '0') {
    case OPEN: say_open(say, data); break;
    case MESSAGE: say_text(say, state, side, data); break;
    default: say_engine(say, state, s.p[0] - '0', data);
    }
}

static void lost(void *of, struct wst_budget *budget, enum wst_dir dir)
{
    struct state *state = of;
    drop(&state->dir[dir], budget);
    state->dir[dir].lost = true;
    if (state->spoken == UNKNOWN) state->late = true;
}

static void over(void *of, struct wst_budget *budget)
{
    struct state *state = of;
    for (int d = 0; d < 2; d++) drop(&state->dir[d], budget);
}

/* -- how it is known --------------------------------------------------------------------------- */

static bool speaks(const struct wst_event_handshake *shake)
{
    return (wst_app_query(shake, "EIO", "3") || wst_app_query(shake, "EIO", "4")) &&
           wst_app_query(shake, "transport", "websocket");
}

/* Where Engine.IO alone listens when nobody says otherwise. */
static bool engine_named(const struct wst_event_handshake *shake)
{
    return speaks(shake) && wst_slice_starts(wst_app_path(shake), "/engine.io/");
}

static void begin(void *of, const struct wst_event_handshake *shake)
{
    struct state *state = of;
    state->version = wst_app_query(shake, "EIO", "3") ? 3 : 4;
    state->late = wst_app_query(shake, "sid", NULL);
    if (engine_named(shake)) state->spoken = ENGINE_IO;
}

/* "0{…}", as a server begins; "2probe" and its answer, as an upgrade does. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    struct wst_slice s = event->message.payload;
    if (event->message.opcode != 1) return false;
    if (wst_slice_is(s, event->dir == WST_C2S ? "2probe" : "3probe")) return true;
    if (event->dir != WST_S2C || !wst_slice_starts(s, "0{")) return false;
    const struct wst_tape_node *all = wst_say_read(say, wst_slice_skip(s, 1));
    return wst_json_text_kind(wst_json_text_get(j, all, "sid"), WST_TAPE_STRING) &&
           wst_json_text_kind(wst_json_text_get(j, all, "upgrades"), WST_TAPE_ARRAY) &&
           wst_json_text_kind(wst_json_text_get(j, all, "pingInterval"), WST_TAPE_NUMBER) &&
           wst_json_text_kind(wst_json_text_get(j, all, "pingTimeout"), WST_TAPE_NUMBER);
}

const struct wst_app_protocol wst_app_engineio = {
    .app = WST_APP_ENGINEIO,
    .state_size = sizeof(struct state),
    .ids_return = true,
    .named = engine_named,
    .begin = begin,
    .message = message,
    .lost = lost,
    .over = over,
};

const struct wst_app_protocol wst_app_socketio = {
    .app = WST_APP_SOCKETIO,
    .state_size = sizeof(struct state),
    .ids_return = true,
    .named = speaks,
    .begin = begin,
    .sounds = sounds,
    .message = message,
    .lost = lost,
    .over = over,
};

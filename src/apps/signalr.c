/* SPDX-License-Identifier: MIT
 *
 * SignalR of ASP.NET Core: the hub protocol, in JSON and in MessagePack.
 * In: a message. Out: its hub messages, of the handshake and after it.
 * Refuses types that are not of the protocol, and what lacks a member that its type must have.
 *
 *     JSON         {"type":1,"target":"Send","arguments":[42]} 0x1e  …
 *     MessagePack  length  [1, headers, invocationId, "Send", [42]]  …
 *                  as a varint of up to 5 bytes, 7 bits each, the lowest first
 *
 * github.com/dotnet/aspnetcore, src/SignalR/docs/specs/HubProtocol.md: "Overview" (handshake),
 * "JSON Encoding", "MessagePack (MsgPack) encoding". The handshake is JSON in both.
 */
#include "msgpack.h"
#include "protocol.h"
#include "slice.h"

enum { CALLS = 0, SHAKE }; /* spaces of ids */
enum { SEPARATOR = 0x1e };

enum type {
    INVOCATION = 1,
    STREAM_ITEM,
    COMPLETION,
    STREAM_INVOCATION,
    CANCEL_INVOCATION,
    PING,
    CLOSE,
    ACK,
    SEQUENCE,
    TYPES
};
static const char *const names[TYPES] = {
    NULL,   "Invocation", "StreamItem", "Completion", "StreamInvocation", "CancelInvocation",
    "Ping", "Close",      "Ack",        "Sequence"};

struct state {
    enum { UNKNOWN, JSON, MSGPACK, OTHER } hub;
    bool shaken[2]; /* that side's handshake was seen */
};

/* -- the handshake ----------------------------------------------------------------------------- */

static bool is_request(const struct wst_json_text *j, const struct wst_tape_node *all)
{
    return !wst_json_text_get(j, all, "type") &&
           wst_json_text_kind(wst_json_text_get(j, all, "protocol"), WST_TAPE_STRING) &&
           wst_json_text_number(j, wst_json_text_get(j, all, "version")) >= 0;
}

static bool is_response(const struct wst_json_text *j, const struct wst_tape_node *all)
{
    return wst_json_text_kind(all, WST_TAPE_OBJECT) && !wst_json_text_get(j, all, "type") &&
           (all->members == 0 ||
            wst_json_text_kind(wst_json_text_get(j, all, "error"), WST_TAPE_STRING));
}

static void say_request(struct wst_say *say, struct state *state, const struct wst_tape_node *all)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *protocol = wst_json_text_get(j, all, "protocol");
    state->hub = wst_json_text_is(j, protocol, "json") ? JSON
                 : wst_json_text_is(j, protocol, "messagepack") ||
                         wst_json_text_is(j, protocol, "blazorpack")
                     ? MSGPACK
                     : OTHER;
    wst_say_packet(say, "HandshakeRequest");
    wst_say_json(say, "protocol", wst_json_text_raw(j, protocol));
    wst_say_json(say, "version", wst_json_text_raw(j, wst_json_text_get(j, all, "version")));
    wst_say_asks(say, SHAKE, wst_slice_of(NULL, 0));
}

static void say_response(struct wst_say *say, const struct wst_tape_node *all)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *error = wst_json_text_get(j, all, "error");
    wst_say_packet(say, "HandshakeResponse");
    wst_say_json(say, "error", wst_json_text_raw(j, error));
    if (error) wst_say_error(say);
    wst_say_answers(say, SHAKE, wst_slice_of(NULL, 0));
}

/* A record of JSON off the front of `s`, its separator left out; null: there is no separator. */
static struct wst_slice next_record(struct wst_slice *s)
{
    const uint8_t *end = s->n ? memchr(s->p, SEPARATOR, s->n) : NULL;
    if (!end) return wst_slice_of(NULL, 0);
    struct wst_slice record = wst_slice_head(*s, (size_t)(end - s->p));
    *s = wst_slice_skip(*s, record.n + 1);
    return record;
}

/* The first of each side, which no hub message looks like: it has no type, nor does a length come
 * before it. Hub messages may follow in the same message. */
static void shake(struct wst_say *say, struct state *state, struct wst_slice *s)
{
    enum wst_dir dir = say->event->dir;
    struct wst_slice rest = *s;
    if (state->shaken[dir] || rest.n == 0 || rest.p[0] != '{') return;
    const struct wst_tape_node *all = wst_say_read(say, next_record(&rest));
    if (dir == WST_C2S ? !is_request(&say->json, all) : !is_response(&say->json, all)) return;
    state->shaken[dir] = true;
    *s = rest;
    if (dir == WST_C2S)
        say_request(say, state, all);
    else
        say_response(say, all);
}

/* -- in JSON ----------------------------------------------------------------------------------- */

static const struct wst_tape_node *member(const struct wst_say *say, const char *name)
{
    return wst_json_text_get(&say->json, say->json.tape.nodes, name);
}

/* "JSON Encoding": what each type must have. */
static bool has_all(const struct wst_say *say, int32_t type)
{
    bool id = wst_json_text_kind(member(say, "invocationId"), WST_TAPE_STRING);
    bool call = wst_json_text_kind(member(say, "target"), WST_TAPE_STRING) &&
                wst_json_text_kind(member(say, "arguments"), WST_TAPE_ARRAY);
    switch (type) {
    case INVOCATION: return call;
    case STREAM_INVOCATION: return call && id;
    case STREAM_ITEM:
    case COMPLETION:
    case CANCEL_INVOCATION: return id;
    case ACK:
    case SEQUENCE: return wst_json_text_kind(member(say, "sequenceId"), WST_TAPE_NUMBER);
    default: return type == PING || type == CLOSE;
    }
}

static void say_member(struct wst_say *say, const char *field, const char *name)
{
    wst_say_json(say, field, wst_json_text_raw(&say->json, member(say, name)));
}

static void put_question(struct wst_say *say, int32_t type, struct wst_slice id)
{
    if (!id.p) return;
    if (type == INVOCATION || type == STREAM_INVOCATION) wst_say_asks(say, CALLS, id);
    if (type == COMPLETION) wst_say_answers(say, CALLS, id);
}

static void say_record(struct wst_say *say)
{
    const struct wst_json_text *j = &say->json;
    int32_t type = wst_json_text_number(j, member(say, "type"));
    const struct wst_tape_node *error = member(say, "error");
    if (!has_all(say, type)) {
        wst_say_strange(say);
        return;
    }
    wst_say_packet(say, names[type]);
    say_member(say, "invocation_id", "invocationId");
    say_member(say, "target", "target");
    say_member(say, "stream_ids", "streamIds");
    say_member(say, "sequence_id", "sequenceId");
    say_member(say, "allow_reconnect", "allowReconnect");
    if ((type == COMPLETION || type == CLOSE) && wst_json_text_kind(error, WST_TAPE_STRING)) {
        wst_say_json(say, "error", wst_json_text_raw(j, error));
        wst_say_error(say);
    }
    wst_say_body_json(say, wst_json_text_raw(j, member(say, type == STREAM_ITEM  ? "item"
                                                            : type == COMPLETION ? "result"
                                                                                 : "arguments")));
    put_question(say, type, wst_json_text_inside(j, member(say, "invocationId")));
}

static void say_records(struct wst_say *say, struct wst_slice s)
{
    while (s.n > 0) {
        struct wst_slice record = next_record(&s);
        if (!record.p) {
            wst_say_strange(say); /* it does not end */
            return;
        }
        if (wst_say_read(say, record))
            say_record(say);
        else
            wst_say_unread(say);
    }
}

/* -- in MessagePack ---------------------------------------------------------------------------- */

static struct wst_slice text_of(struct wst_slice s)
{
    struct wst_msgpack v;
    return s.p && wst_msgpack_next(&s, &v) && v.kind == WST_MSGPACK_TEXT ? v.bytes
                                                                         : wst_slice_of(NULL, 0);
}

static bool is_kind(struct wst_slice s, enum wst_msgpack_kind kind)
{
    struct wst_msgpack v;
    return s.p && wst_msgpack_next(&s, &v) && v.kind == kind;
}

static bool number_of(struct wst_slice s, int64_t *number)
{
    struct wst_msgpack v;
    if (!s.p || !wst_msgpack_next(&s, &v) || v.kind != WST_MSGPACK_NUMBER) return false;
    *number = (int64_t)v.number;
    return v.negative || v.number <= INT64_MAX;
}

static void say_value(struct wst_say *say, const char *name, struct wst_slice value)
{
    wst_say_json(say, name, wst_msgpack_json(say, value));
}

static void say_body(struct wst_say *say, struct wst_slice value)
{
    struct wst_slice json = wst_msgpack_json(say, value);
    if (json.p)
        wst_say_body_json(say, json);
    else if (value.p)
        wst_say_body_bytes(say, value, 0);
}

static void say_failure(struct wst_say *say, struct wst_slice error)
{
    if (!text_of(error).p) return;
    wst_say_text(say, "error", text_of(error));
    wst_say_error(say);
}

enum { ITEMS = 6 }; /* later ones are for later versions */

/* [type, headers, id, target, arguments, streams?], and the like. */
static bool say_call(struct wst_say *say, int64_t type, const struct wst_slice *item)
{
    struct wst_slice id = text_of(item[2]);
    if (!text_of(item[3]).p || !is_kind(item[4], WST_MSGPACK_ARRAY)) return false;
    if (!id.p && (type != INVOCATION || !is_kind(item[2], WST_MSGPACK_NIL))) return false;
    wst_say_packet(say, names[type]);
    wst_say_text(say, "invocation_id", id);
    wst_say_text(say, "target", text_of(item[3]));
    if (is_kind(item[5], WST_MSGPACK_ARRAY)) say_value(say, "stream_ids", item[5]);
    say_body(say, item[4]);
    put_question(say, (int32_t)type, id);
    return true;
}

/* [2, headers, id, item]; [3, headers, id, kind, error or result]; [5, headers, id] */
static bool say_of_call(struct wst_say *say, int64_t type, const struct wst_slice *item)
{
    enum { ERROR = 1, VOID, RESULT };
    struct wst_slice id = text_of(item[2]);
    int64_t kind = VOID;
    if (!id.p || (type == STREAM_ITEM && !item[3].p)) return false;
    if (type == COMPLETION &&
        (!number_of(item[3], &kind) || kind < ERROR || kind > RESULT ||
         (kind == ERROR && !text_of(item[4]).p) || (kind == RESULT && !item[4].p)))
        return false;
    wst_say_packet(say, names[type]);
    wst_say_text(say, "invocation_id", id);
    if (type == STREAM_ITEM) say_body(say, item[3]);
    if (kind == ERROR) say_failure(say, item[4]);
    if (kind == RESULT) say_body(say, item[4]);
    put_question(say, (int32_t)type, id);
    return true;
}

/* [6]; [7, error, allowReconnect?]; [8, sequenceId]; [9, sequenceId] */
static bool say_other(struct wst_say *say, int64_t type, const struct wst_slice *item)
{
    int64_t number = 0;
    if ((type == ACK || type == SEQUENCE) && !number_of(item[1], &number)) return false;
    if (type == CLOSE && !item[1].p) return false;
    wst_say_packet(say, names[type]);
    if (type == ACK || type == SEQUENCE) wst_say_number(say, "sequence_id", number);
    if (type != CLOSE) return true;
    say_failure(say, item[1]);
    if (is_kind(item[2], WST_MSGPACK_FLAG)) say_value(say, "allow_reconnect", item[2]);
    return true;
}

static bool say_array(struct wst_say *say, struct wst_slice s)
{
    struct wst_slice item[ITEMS] = {{NULL, 0}};
    struct wst_msgpack head;
    int64_t type = 0;
    if (!wst_msgpack_next(&s, &head) || head.kind != WST_MSGPACK_ARRAY) return false;
    for (uint64_t i = 0; i < head.number; i++) {
        struct wst_slice one = wst_msgpack_whole(&s);
        if (!one.p) return false;
        if (i < ITEMS) item[i] = one;
    }
    if (s.n > 0 || !number_of(item[0], &type)) return false;
    switch (type) {
    case INVOCATION:
    case STREAM_INVOCATION: return say_call(say, type, item);
    case STREAM_ITEM:
    case COMPLETION:
    case CANCEL_INVOCATION: return say_of_call(say, type, item);
    case PING:
    case CLOSE:
    case ACK:
    case SEQUENCE: return say_other(say, type, item);
    default: return false;
    }
}

/* False: a length that does not end, or is more than there is. */
static bool next_array(struct wst_slice *s, struct wst_slice *array)
{
    uint64_t length = 0;
    for (size_t i = 0; i < 5 && i < s->n; i++) {
        length |= (uint64_t)(s->p[i] & 0x7f) << 7 * i;
        if (s->p[i] & 0x80) continue;
        if (length > s->n - i - 1) return false;
        *s = wst_slice_skip(*s, i + 1);
        *array = wst_slice_head(*s, (size_t)length);
        *s = wst_slice_skip(*s, (size_t)length);
        return true;
    }
    return false;
}

static void say_arrays(struct wst_say *say, struct wst_slice s)
{
    struct wst_slice array;
    while (s.n > 0) {
        if (!next_array(&s, &array)) {
            wst_say_strange(say);
            return;
        }
        if (!say_array(say, array)) wst_say_strange(say);
    }
}

/* -- a message --------------------------------------------------------------------------------- */

static void message(struct wst_say *say, void *of, const struct wst_event *event)
{
    struct state *state = of;
    struct wst_slice s = event->message.payload;
    shake(say, state, &s);
    if (s.n == 0 && event->message.payload.n > 0) return;
    if (state->hub == MSGPACK && event->message.opcode == 2)
        say_arrays(say, s);
    else if (state->hub == MSGPACK)
        wst_say_strange(say);
    else if (state->hub == JSON || (state->hub == UNKNOWN && event->message.opcode == 1))
        say_records(say, s);
}

/* No address and no subprotocol tells. A handshake's request; or, when that was before, hub
 * messages in JSON with their separators. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    struct wst_slice s = event->message.payload;
    if (s.n == 0 || s.p[0] != '{' || s.p[s.n - 1] != SEPARATOR) return false;
    if (!wst_say_read(say, next_record(&s))) return false;
    if (event->dir == WST_C2S && is_request(&say->json, say->json.tape.nodes)) return true;
    return event->message.opcode == 1 &&
           has_all(say, wst_json_text_number(&say->json, member(say, "type")));
}

const struct wst_app_protocol wst_app_signalr = {
    .app = WST_APP_SIGNALR,
    .state_size = sizeof(struct state),
    .sounds = sounds,
    .message = message,
};

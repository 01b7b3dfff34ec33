/* SPDX-License-Identifier: MIT
 *
 * JSON-RPC 2.0, and the Chrome DevTools Protocol, which is the same without its mark.
 * In: a message. Out: its requests, notifications, results and errors; of a batch each.
 * Refuses what is neither (sections 4 to 6 of the specification).
 */
#include "protocol.h"

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "jsonrpc") || wst_slice_starts(wst_app_path(shake), "/devtools/");
}

/* A method, a result or an error, and nothing that tells of two of them. */
static bool is_call(const struct wst_json_text *j, const struct wst_tape_node *object)
{
    const struct wst_tape_node *method = wst_json_text_get(j, object, "method");
    if (method) return method->kind == WST_TAPE_STRING;
    return wst_json_text_get(j, object, "id") &&
           (wst_json_text_get(j, object, "result") || wst_json_text_get(j, object, "error"));
}

static bool is_marked(const struct wst_json_text *j, const struct wst_tape_node *object)
{
    return wst_json_text_is(j, wst_json_text_get(j, object, "jsonrpc"), "2.0") &&
           is_call(j, object);
}

static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all;
    if (event->message.opcode != 1 || !(all = wst_say_read(say, event->message.payload)))
        return false;
    if (all->kind == WST_TAPE_ARRAY) all = wst_json_text_at(j, all, 0);
    return is_marked(j, all);
}

/* Sessions of the DevTools protocol may number their calls apart: both together are the id. */
static struct wst_slice whole_id(struct wst_say *say, struct wst_slice id, struct wst_slice session)
{
    uint8_t *both = session.p ? wst_say_scratch(say, id.n + session.n) : NULL;
    if (!both) return id;
    memcpy(both, id.p, id.n);
    memcpy(both + id.n, session.p, session.n);
    return (struct wst_slice){both, id.n + session.n};
}

static void say_error(struct wst_say *say, const struct wst_tape_node *error)
{
    const struct wst_json_text *j = &say->json;
    wst_say_error(say);
    wst_say_json(say, "code", wst_json_text_raw(j, wst_json_text_get(j, error, "code")));
    wst_say_json(say, "message", wst_json_text_raw(j, wst_json_text_get(j, error, "message")));
    wst_say_body_json(say, wst_json_text_raw(j, wst_json_text_get(j, error, "data")));
}

static void say_call(struct wst_say *say, const struct wst_tape_node *call)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *error = wst_json_text_get(j, call, "error");
    struct wst_slice id = wst_json_text_raw(j, wst_json_text_get(j, call, "id"));
    struct wst_slice method = wst_json_text_raw(j, wst_json_text_get(j, call, "method"));
    struct wst_slice session = wst_json_text_raw(j, wst_json_text_get(j, call, "sessionId"));
    if (!is_call(j, call)) {
        wst_say_strange(say);
        return;
    }
    wst_say_packet(say, method.p ? (id.p ? "request" : "notification")
                        : error  ? "error"
                                 : "result");
    wst_say_json(say, "id", id);
    wst_say_json(say, "method", method);
    wst_say_json(say, "session", session);
    if (method.p)
        wst_say_body_json(say, wst_json_text_raw(j, wst_json_text_get(j, call, "params")));
    else if (error)
        say_error(say, error);
    else
        wst_say_body_json(say, wst_json_text_raw(j, wst_json_text_get(j, call, "result")));
    if (!id.p) return;
    if (method.p)
        wst_say_asks(say, 0, whole_id(say, id, session));
    else
        wst_say_answers(say, 0, whole_id(say, id, session));
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    const struct wst_tape_node *all = NULL;
    (void)state;
    if (event->message.opcode == 1 && !(all = wst_say_read(say, event->message.payload))) {
        wst_say_unread(say);
        return;
    }
    if (!wst_json_text_kind(all, WST_TAPE_ARRAY)) {
        say_call(say, all);
        return;
    }
    const struct wst_tape_node *call = all + 1;
    for (uint32_t i = 0; i < all->members; i++, call = say->json.tape.nodes + call->next)
        say_call(say, call);
}

const struct wst_app_protocol wst_app_jsonrpc = {
    .app = WST_APP_JSONRPC,
    .named = named,
    .sounds = sounds,
    .message = message,
};

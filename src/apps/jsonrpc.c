/* SPDX-License-Identifier: MIT
 *
 * JSON-RPC 2.0, and the Chrome DevTools Protocol, which is the same without its mark.
 * In: a message. Out: its requests, notifications, results and errors; of a batch each.
 * Refuses what is neither, or two of them at once (sections 4 to 6 of the specification).
 *
 *     {"jsonrpc": "2.0", "id": 1, "method": "subtract", "params": [42, 23]}   no id: notification
 *     {"jsonrpc": "2.0", "id": 1, "result": 19}
 *     {"jsonrpc": "2.0", "id": null, "error": {"code": -32700, "message": "Parse error"}}
 */
#include "protocol.h"

enum what { NOTHING, REQUEST, NOTIFICATION, RESULT, ERROR };
static const char *const names[] = {NULL, "request", "notification", "result", "error"};

struct call {
    enum what what;
    bool marked; /* as JSON-RPC 2.0 */
    const struct wst_tape_node *id, *method, *params, *result, *error, *session;
};

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "jsonrpc") || wst_slice_starts(wst_app_path(shake), "/devtools/");
}

static bool is_id(const struct wst_json_text *j, const struct wst_tape_node *id)
{
    return !id || id->kind == WST_TAPE_STRING || id->kind == WST_TAPE_NUMBER ||
           wst_json_text_is_null(j, id);
}

static bool is_structured(const struct wst_json_text *j, const struct wst_tape_node *params)
{
    return !params || params->kind == WST_TAPE_ARRAY || params->kind == WST_TAPE_OBJECT ||
           wst_json_text_is_null(j, params);
}

/* Errors without an id are what DevTools answer to what they cannot read. */
static enum what what_of(const struct wst_json_text *j, const struct call *c)
{
    if (!is_id(j, c->id)) return NOTHING;
    if (c->method) {
        if (c->result || c->error || !is_structured(j, c->params)) return NOTHING;
        return c->method->kind != WST_TAPE_STRING ? NOTHING : c->id ? REQUEST : NOTIFICATION;
    }
    if (c->error) return c->result || c->error->kind != WST_TAPE_OBJECT ? NOTHING : ERROR;
    return c->result && c->id ? RESULT : NOTHING;
}

static bool read_call(struct call *c, const struct wst_json_text *j,
                      const struct wst_tape_node *object)
{
    const struct wst_tape_node *mark = wst_json_text_get(j, object, "jsonrpc");
    *c = (struct call){.marked = wst_json_text_is(j, mark, "2.0"),
                       .id = wst_json_text_get(j, object, "id"),
                       .method = wst_json_text_get(j, object, "method"),
                       .params = wst_json_text_get(j, object, "params"),
                       .result = wst_json_text_get(j, object, "result"),
                       .error = wst_json_text_get(j, object, "error")};
    /* Before 2.0 that of the two that there is not was null, and some write both to this day. */
    if (c->result && wst_json_text_is_null(j, c->error)) c->error = NULL;
    if (c->error && wst_json_text_is_null(j, c->result)) c->result = NULL;
    if (!mark) c->session = wst_json_text_get(j, object, "sessionId");
    c->what = mark && !c->marked ? NOTHING : what_of(j, c);
    return c->what != NOTHING;
}

/* -- the first message ------------------------------------------------------------------------- */

/* What debuggers say first to an address that says nothing, as that of `node --inspect`. */
static bool is_debugger(const struct wst_json_text *j, const struct call *c)
{
    static const char *const domains[] = {
        "Runtime.", "Debugger.", "Profiler.", "Target.", "NodeWorker.", "NodeRuntime.",
        "Browser.", "Page.",     "Network.",  "Log.",    "Console.",    "HeapProfiler."};
    struct wst_slice method = wst_json_text_inside(j, c->method);
    if (c->what != REQUEST || wst_json_text_number(j, c->id) < 0) return false;
    if (c->params && c->params->kind != WST_TAPE_OBJECT) return false;
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (wst_slice_starts(method, domains[i])) return true;
    return false;
}

/* Of an object: no members but these. */
static bool only_call(const struct wst_tape_node *object, const struct call *c)
{
    uint32_t known = !!c->id + !!c->method + !!c->params + !!c->session;
    return object->members == known;
}

static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all;
    struct call c;
    if (event->message.opcode != 1 || !(all = wst_say_read(say, event->message.payload)))
        return false;
    if (all->kind == WST_TAPE_ARRAY) {
        all = wst_json_text_at(j, all, 0);
        return read_call(&c, j, all) && c.marked;
    }
    if (!read_call(&c, j, all)) return false;
    return c.marked || (event->dir == WST_C2S && only_call(all, &c) && is_debugger(j, &c));
}

/* -- packets ----------------------------------------------------------------------------------- */

/* Sessions of the DevTools protocol may number their calls apart: both together are the id. Null
 * is no id to be asked by: it is that of errors whose request could not be read. */
static struct wst_slice key_of(struct wst_say *say, const struct call *c)
{
    struct wst_slice id = wst_json_text_raw(&say->json, c->id);
    struct wst_slice session = wst_json_text_raw(&say->json, c->session);
    if (wst_json_text_is_null(&say->json, c->id)) return (struct wst_slice){NULL, 0};
    if (!id.p || !session.p) return id;
    uint8_t *both = wst_say_scratch(say, id.n + session.n);
    if (!both) return (struct wst_slice){NULL, 0};
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

static void say_call(struct wst_say *say, const struct wst_tape_node *object)
{
    const struct wst_json_text *j = &say->json;
    struct call c;
    if (!read_call(&c, j, object)) {
        wst_say_strange(say);
        return;
    }
    struct wst_slice key = key_of(say, &c);
    wst_say_packet(say, names[c.what]);
    wst_say_json(say, "id", wst_json_text_raw(j, c.id));
    wst_say_json(say, "method", wst_json_text_raw(j, c.method));
    wst_say_json(say, "session_id", wst_json_text_raw(j, c.session));
    if (c.what == ERROR)
        say_error(say, c.error);
    else
        wst_say_body_json(say, wst_json_text_raw(j, c.what == RESULT ? c.result : c.params));
    if (!key.p) return;
    if (c.what == REQUEST)
        wst_say_asks(say, 0, key);
    else
        wst_say_answers(say, 0, key);
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    const struct wst_tape_node *all = NULL;
    (void)state;
    if (event->message.opcode == 1 && !(all = wst_say_read(say, event->message.payload))) {
        wst_say_unread(say);
        return;
    }
    if (!wst_json_text_kind(all, WST_TAPE_ARRAY) || all->members == 0) {
        say_call(say, all);
        return;
    }
    const struct wst_tape_node *call = all + 1;
    for (uint32_t i = 0; i < all->members; i++, call = say->json.tape.nodes + call->next)
        say_call(say, call);
}

const struct wst_app_protocol wst_app_jsonrpc = {
    .app = WST_APP_JSONRPC,
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

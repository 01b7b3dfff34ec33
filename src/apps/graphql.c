/* SPDX-License-Identifier: MIT
 *
 * GraphQL over WebSocket: graphql-transport-ws, and what was before it, graphql-ws.
 * In: a message. Out: its packet, by the word in its "type".
 * Refuses other words, those of the other side, and operations without an id.
 *
 * graphql-ws PROTOCOL.md (the library; its subprotocol is graphql-transport-ws), "Message types";
 * subscriptions-transport-ws PROTOCOL.md (its subprotocol is graphql-ws), and what AWS AppSync adds
 * to that, start_ack. The two share no word that means something else in the other, and servers
 * are known that chose one and speak the other: words tell, not the subprotocol.
 */
#include "protocol.h"
#include "slice.h"

enum { CONNECTION = 1, PING, OPERATION }; /* spaces of ids */

enum role {
    INIT,      /* of the connection … */
    INIT_OVER, /* … and its answer */
    PINGS,
    PONGS,
    STARTS,   /* an operation … */
    ANSWERED, /* … what comes of it … */
    LEFT,     /* … and its end, by whoever wants it */
    ALONE
};

static const struct kind {
    const char *type;
    enum wst_dir from; /* WST_DIR_NONE: both may */
    enum role role;
    bool error;
} kinds[] = {
    {"connection_init", WST_C2S, INIT, false},
    {"connection_ack", WST_S2C, INIT_OVER, false},
    {"connection_error", WST_S2C, INIT_OVER, true},
    {"connection_terminate", WST_C2S, ALONE, false},
    {"ping", WST_DIR_NONE, PINGS, false},
    {"pong", WST_DIR_NONE, PONGS, false},
    {"ka", WST_S2C, ALONE, false},
    {"subscribe", WST_C2S, STARTS, false},
    {"start", WST_C2S, STARTS, false},
    {"start_ack", WST_S2C, ANSWERED, false},
    {"next", WST_S2C, ANSWERED, false},
    {"data", WST_S2C, ANSWERED, false},
    {"error", WST_S2C, ANSWERED, true},
    {"complete", WST_DIR_NONE, LEFT, false},
    {"stop", WST_C2S, LEFT, false},
};

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "graphql-transport-ws") || wst_app_chose(shake, "graphql-ws");
}

static const struct kind *kind_of(const struct wst_json_text *j, const struct wst_tape_node *all,
                                  enum wst_dir dir)
{
    struct wst_slice type = wst_json_text_inside(j, wst_json_text_get(j, all, "type"));
    for (size_t i = 0; type.p && i < sizeof kinds / sizeof *kinds; i++)
        if (wst_slice_is(type, kinds[i].type))
            return kinds[i].from == WST_DIR_NONE || kinds[i].from == dir ? &kinds[i] : NULL;
    return NULL;
}

/* Strings; a few clients count. */
static bool is_id(const struct wst_tape_node *id)
{
    return wst_json_text_kind(id, WST_TAPE_STRING) || wst_json_text_kind(id, WST_TAPE_NUMBER);
}

static const struct wst_tape_node *query_of(const struct wst_json_text *j,
                                            const struct wst_tape_node *all)
{
    return wst_json_text_get(j, wst_json_text_get(j, all, "payload"), "query");
}

/* Whether an object has members of these names alone. */
static bool only(const struct wst_json_text *j, const struct wst_tape_node *object)
{
    const struct wst_tape_node *n = object + 1;
    for (uint32_t i = 0; i < object->members; i++, n = j->tape.nodes + n->next) {
        struct wst_slice key = wst_tape_key(j->text, n);
        if (!wst_slice_is(key, "type") && !wst_slice_is(key, "id") && !wst_slice_is(key, "payload"))
            return false;
    }
    return true;
}

/* The first word of a connection, or an operation with a query in it. Servers of much else say
 * connection_ack, too. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all;
    if (event->message.opcode != 1 || !(all = wst_say_read(say, event->message.payload)))
        return false;
    const struct kind *kind = kind_of(j, all, event->dir);
    if (!kind || !only(j, all)) return false;
    if (kind->role == STARTS)
        return is_id(wst_json_text_get(j, all, "id")) &&
               wst_json_text_kind(query_of(j, all), WST_TAPE_STRING);
    return kind->role == INIT;
}

/* -- operations -------------------------------------------------------------------------------- */

static bool has(struct wst_slice s, const char *text)
{
    size_t n = strlen(text);
    for (const uint8_t *at; s.n >= n && (at = memchr(s.p, *text, s.n - n + 1));) {
        if (memcmp(at, text, n) == 0) return true;
        s = wst_slice_skip(s, (size_t)(at - s.p) + 1);
    }
    return false;
}

/* A query and a mutation are answered; a subscription has events, or none. Which of them an
 * operation is is certain where the word does not occur, not even in disguise. */
static bool is_answered(struct wst_slice query)
{
    return query.p && !has(query, "subscription") && !has(query, "\\u");
}

static void say_start(struct wst_say *say, const struct wst_tape_node *all, struct wst_slice id)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *payload = wst_json_text_get(j, all, "payload");
    const struct wst_tape_node *name = wst_json_text_get(j, payload, "operationName");
    if (!wst_json_text_is_null(j, name))
        wst_say_json(say, "operation_name", wst_json_text_raw(j, name));
    if (is_answered(wst_json_text_inside(j, query_of(j, all))))
        wst_say_asks(say, OPERATION, id);
    else
        wst_say_may_ask(say, OPERATION, id);
}

/* Errors are a list of objects, of older servers one; those of a result are among its members. */
static void say_errors(struct wst_say *say, const struct wst_tape_node *errors)
{
    const struct wst_json_text *j = &say->json;
    bool list = wst_json_text_kind(errors, WST_TAPE_ARRAY);
    const struct wst_tape_node *first = list ? wst_json_text_at(j, errors, 0) : errors;
    wst_say_error(say);
    if (list) wst_say_number(say, "errors", errors->members);
    wst_say_json(say, "message", wst_json_text_raw(j, wst_json_text_get(j, first, "message")));
}

static const struct wst_tape_node *errors_of(const struct wst_json_text *j, const struct kind *kind,
                                             const struct wst_tape_node *payload)
{
    if (kind->error) return payload;
    if (kind->role != ANSWERED) return NULL;
    const struct wst_tape_node *errors = wst_json_text_get(j, payload, "errors");
    return wst_json_text_kind(errors, WST_TAPE_ARRAY) && errors->members > 0 ? errors : NULL;
}

/* -- packets ----------------------------------------------------------------------------------- */

static void say_role(struct wst_say *say, const struct kind *kind, const struct wst_tape_node *all,
                     struct wst_slice id)
{
    static const struct wst_slice none = {NULL, 0};
    switch (kind->role) {
    case INIT: wst_say_asks(say, CONNECTION, none); break;
    case INIT_OVER: wst_say_answers(say, CONNECTION, none); break;
    case PINGS: wst_say_asks(say, PING, none); break;
    case PONGS: wst_say_answers(say, PING, none); break;
    case STARTS: say_start(say, all, id); break;
    case ANSWERED: wst_say_answers(say, OPERATION, id); break;
    case LEFT:
        if (say->event->dir == WST_S2C)
            wst_say_answers(say, OPERATION, id);
        else
            wst_say_takes_back(say, OPERATION, id);
        break;
    case ALONE: break;
    }
}

/* That of connection_init is how clients show who they are: that there is one is told. */
static void say_payload(struct wst_say *say, const struct kind *kind,
                        const struct wst_tape_node *payload)
{
    if (!payload || wst_json_text_is_null(&say->json, payload)) return;
    if (kind->role == INIT)
        wst_say_flag(say, "payload", true);
    else
        wst_say_body_json(say, wst_json_text_raw(&say->json, payload));
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all = NULL;
    (void)state;
    if (event->message.opcode == 1 && !(all = wst_say_read(say, event->message.payload))) {
        wst_say_unread(say);
        return;
    }
    const struct kind *kind = kind_of(j, all, event->dir);
    const struct wst_tape_node *id = wst_json_text_get(j, all, "id");
    const struct wst_tape_node *payload = wst_json_text_get(j, all, "payload");
    if (wst_json_text_is_null(j, payload)) payload = NULL;
    bool operation = kind && kind->role >= STARTS && kind->role <= LEFT;
    /* A server may not know which operation an error is of. */
    if (!kind || (operation && !kind->error && !is_id(id))) {
        wst_say_strange(say);
        return;
    }
    wst_say_packet(say, kind->type);
    if (is_id(id)) wst_say_json(say, "id", wst_json_text_raw(j, id));
    if (kind->error || errors_of(j, kind, payload)) say_errors(say, errors_of(j, kind, payload));
    say_payload(say, kind, payload);
    say_role(say, kind, all, operation ? wst_json_text_raw(j, id) : (struct wst_slice){NULL, 0});
}

const struct wst_app_protocol wst_app_graphql = {
    .app = WST_APP_GRAPHQL,
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

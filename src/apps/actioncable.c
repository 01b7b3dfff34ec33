/* SPDX-License-Identifier: MIT
 *
 * Action Cable of Ruby on Rails, subprotocol actioncable-v1-json.
 * In: a message. Out: the command that it is, or what the server says.
 * Refuses commands and types that are not of the protocol.
 *
 *     client  {"command":"subscribe", "identifier":"{\"channel\":\"Chat\"}"}
 *     server  {"type":"confirm_subscription", "identifier":"{\"channel\":\"Chat\"}"}
 *     server  {"identifier":"{\"channel\":\"Chat\"}", "message":…}
 *
 * github.com/rails/rails: actioncable/lib/action_cable.rb (INTERNAL), connection/subscriptions.rb,
 * app/javascript/action_cable/connection.js. The identifier is JSON in a string of JSON; both sides
 * write it anew, so that what it means is compared, not how it is written.
 */
#include "protocol.h"
#include "slice.h"

enum { SUBSCRIPTIONS = 1 }; /* the space of ids */

static const struct wst_tape_node *member(const struct wst_say *say, const char *name)
{
    return wst_json_text_get(&say->json, say->json.tape.nodes, name);
}

static void say_member(struct wst_say *say, const char *name)
{
    wst_say_json(say, name, wst_json_text_raw(&say->json, member(say, name)));
}

/* Its channel is read last: the message's own nodes are gone then. */
static void say_identifier(struct wst_say *say, struct wst_slice identifier)
{
    wst_say_text(say, "identifier", identifier);
    if (wst_say_read(say, identifier)) say_member(say, "channel");
}

/* One of these, which is static; NULL: none. */
static const char *one_of(const struct wst_say *say, const char *name, const char *const *words)
{
    const struct wst_tape_node *node = member(say, name);
    while (*words && !wst_json_text_is(&say->json, node, *words)) words++;
    return *words;
}

/* -- what clients say -------------------------------------------------------------------------- */

static const char *const commands[] = {"subscribe", "unsubscribe", "message", NULL};

static const char *command_of(const struct wst_say *say)
{
    const char *command = one_of(say, "command", commands);
    if (!wst_json_text_kind(member(say, "identifier"), WST_TAPE_STRING)) return NULL;
    if (command && strcmp(command, "message") == 0 &&
        !wst_json_text_kind(member(say, "data"), WST_TAPE_STRING))
        return NULL;
    return command;
}

/* `data` is JSON in a string, too; the method of the channel stands in it. */
static void say_data(struct wst_say *say, struct wst_slice data)
{
    if (!data.p) return;
    if (!wst_say_read(say, data)) {
        wst_say_body(say, data, 0);
        return;
    }
    say_member(say, "action");
    wst_say_body_json(say, data);
}

static void say_command(struct wst_say *say)
{
    const struct wst_json_text *j = &say->json;
    const char *command = command_of(say);
    if (!command) {
        wst_say_strange(say);
        return;
    }
    struct wst_slice identifier =
        wst_say_meant(say, wst_json_text_inside(j, member(say, "identifier")));
    struct wst_slice data = wst_say_meant(say, wst_json_text_inside(j, member(say, "data")));
    wst_say_packet(say, command);
    if (strcmp(command, "message") == 0) say_data(say, data);
    say_identifier(say, identifier);
    if (!identifier.p) return;
    if (strcmp(command, "subscribe") == 0) wst_say_asks(say, SUBSCRIPTIONS, identifier);
    if (strcmp(command, "unsubscribe") == 0) wst_say_takes_back(say, SUBSCRIPTIONS, identifier);
}

/* -- what servers say -------------------------------------------------------------------------- */

enum type { WELCOME, PING, DISCONNECT, CONFIRM, REJECT, TYPES };
static const char *const types[TYPES + 1] = {
    "welcome", "ping", "disconnect", "confirm_subscription", "reject_subscription", NULL};

static enum type type_of(const struct wst_say *say)
{
    const char *type = one_of(say, "type", types);
    enum type t = WELCOME;
    while (t < TYPES && types[t] != type) t++;
    return t;
}

static void say_disconnect(struct wst_say *say)
{
    static const char *const refusals[] = {"unauthorized", "invalid_request", NULL};
    say_member(say, "reason");
    say_member(say, "reconnect");
    if (one_of(say, "reason", refusals)) wst_say_error(say);
}

static void say_typed(struct wst_say *say, enum type type)
{
    struct wst_slice identifier =
        wst_say_meant(say, wst_json_text_inside(&say->json, member(say, "identifier")));
    wst_say_packet(say, types[type]);
    if (type == PING) say_member(say, "message");
    if (type == DISCONNECT) say_disconnect(say);
    if (type == REJECT) wst_say_error(say);
    if (type != CONFIRM && type != REJECT) return;
    say_identifier(say, identifier);
    if (identifier.p) wst_say_answers(say, SUBSCRIPTIONS, identifier);
}

static void say_told(struct wst_say *say)
{
    const struct wst_json_text *j = &say->json;
    bool identifier = wst_json_text_kind(member(say, "identifier"), WST_TAPE_STRING);
    enum type type = type_of(say);
    bool subscription = type == CONFIRM || type == REJECT;
    if (type < TYPES && (identifier || !subscription)) {
        say_typed(say, type);
    } else if (type == TYPES && !member(say, "type") && identifier && member(say, "message")) {
        wst_say_packet(say, "message");
        wst_say_body_json(say, wst_json_text_raw(j, member(say, "message")));
        say_identifier(say, wst_say_meant(say, wst_json_text_inside(j, member(say, "identifier"))));
    } else {
        wst_say_strange(say);
    }
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    (void)state;
    if (event->message.opcode != 1)
        wst_say_strange(say);
    else if (!wst_say_read(say, event->message.payload))
        wst_say_unread(say);
    else if (event->dir == WST_C2S)
        say_command(say);
    else
        say_told(say);
}

/* -- how it is known --------------------------------------------------------------------------- */

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "actioncable-v1-json");
}

/* A command, or the answer to one, with an identifier that says its channel. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    if (event->message.opcode != 1 || !wst_say_read(say, event->message.payload)) return false;
    enum type type = type_of(say);
    if (event->dir == WST_C2S ? !command_of(say) : type != CONFIRM && type != REJECT) return false;
    struct wst_slice inside = wst_json_text_inside(&say->json, member(say, "identifier"));
    struct wst_slice identifier = wst_say_meant(say, inside);
    return identifier.p && wst_say_read(say, identifier) &&
           wst_json_text_kind(member(say, "channel"), WST_TAPE_STRING);
}

const struct wst_app_protocol wst_app_actioncable = {
    .app = WST_APP_ACTIONCABLE,
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

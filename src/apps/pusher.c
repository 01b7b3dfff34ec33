/* SPDX-License-Identifier: MIT
 *
 * Pusher Channels, protocol 4 to 7; servers of it are Pusher's own, Soketi and Laravel Reverb.
 * In: a message. Out: the event that it is.
 * Refuses what has no event, and events of the other side.
 *
 *     server  {"event":"pusher:connection_established", "data":"{\"socket_id\":\"1.2\"}"}
 *     client  {"event":"pusher:subscribe", "data":{"channel":"private-a", "auth":"key:…"}}
 *     server  {"event":"pusher_internal:subscription_succeeded", "channel":"private-a"}
 *     server  {"event":"price", "channel":"private-a", "data":"{\"n\":1}"}
 *
 * pusher.com/docs/channels/library_auth_reference/pusher-websockets-protocol. `data` is JSON, or
 * JSON in a string. `auth` is a signature that opens the channel: that there is one is told.
 */
#include "protocol.h"
#include "slice.h"

enum { SUBSCRIPTIONS = 1, SIGNINS, PINGS }; /* the spaces of ids */

struct data { /* of an event; where it was a string, the message's own nodes are gone */
    struct wst_slice raw;
    const struct wst_tape_node *node; /* NULL: it is no JSON, or not there */
};

struct row {
    const char *event;
    enum wst_dir dir; /* whose it is; WST_DIR_NONE: both sides' */
    bool of_channel;  /* which stands beside the data, not in it */
    void (*say)(struct wst_say *say, const struct data *data, struct wst_slice channel);
};

static const struct wst_tape_node *member(const struct wst_say *say, const char *name)
{
    return wst_json_text_get(&say->json, say->json.tape.nodes, name);
}

static struct wst_slice text_of(struct wst_say *say, const struct wst_tape_node *node)
{
    return wst_say_meant(say, wst_json_text_inside(&say->json, node));
}

static struct data data_of(struct wst_say *say)
{
    const struct wst_tape_node *node = member(say, "data");
    struct wst_slice inside = text_of(say, node);
    if (!inside.p) return (struct data){wst_json_text_raw(&say->json, node), node};
    return (struct data){inside, wst_say_read(say, inside)};
}

static const struct wst_tape_node *of_data(const struct wst_say *say, const struct data *data,
                                           const char *name)
{
    return wst_json_text_get(&say->json, data->node, name);
}

static void say_of(struct wst_say *say, const struct data *data, const char *name)
{
    wst_say_json(say, name, wst_json_text_raw(&say->json, of_data(say, data, name)));
}

static void say_body(struct wst_say *say, const struct data *data)
{
    if (!data->raw.p) return;
    if (data->node)
        wst_say_body_json(say, data->raw);
    else
        wst_say_body(say, data->raw, 0);
}

/* A member of the data that is JSON in a string; the data's own nodes are gone then. */
static void say_inside(struct wst_say *say, const struct data *data, const char *name)
{
    struct wst_slice inside = text_of(say, of_data(say, data, name));
    if (inside.p) say_body(say, &(struct data){inside, wst_say_read(say, inside)});
}

/* -- what clients say -------------------------------------------------------------------------- */

/* Of public channels it is empty, or not there. */
static void say_secret(struct wst_say *say, const struct data *data)
{
    const struct wst_tape_node *auth = of_data(say, data, "auth");
    if (auth && !wst_json_text_is(&say->json, auth, "")) wst_say_flag(say, "auth", true);
}

static struct wst_slice say_channel(struct wst_say *say, const struct data *data)
{
    struct wst_slice channel = text_of(say, of_data(say, data, "channel"));
    wst_say_text(say, "channel", channel);
    if (!channel.p) wst_say_strange(say);
    return channel;
}

static void subscribe(struct wst_say *say, const struct data *data, struct wst_slice none)
{
    (void)none;
    struct wst_slice channel = say_channel(say, data);
    say_secret(say, data);
    if (channel.p) wst_say_asks(say, SUBSCRIPTIONS, channel);
    say_inside(say, data, "channel_data");
}

static void unsubscribe(struct wst_say *say, const struct data *data, struct wst_slice none)
{
    (void)none;
    struct wst_slice channel = say_channel(say, data);
    if (channel.p) wst_say_takes_back(say, SUBSCRIPTIONS, channel);
}

static void signin(struct wst_say *say, const struct data *data, struct wst_slice none)
{
    (void)none;
    say_secret(say, data);
    wst_say_asks(say, SIGNINS, (struct wst_slice){NULL, 0});
    say_inside(say, data, "user_data");
}

/* -- what servers say -------------------------------------------------------------------------- */

static void established(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    (void)channel;
    say_of(say, data, "socket_id");
    say_of(say, data, "activity_timeout");
}

static void subscribed(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    say_body(say, data);
    if (channel.p) wst_say_answers(say, SUBSCRIPTIONS, channel);
}

static void refused(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    say_of(say, data, "type");
    say_of(say, data, "error");
    say_of(say, data, "status");
    say_of(say, data, "code"); /* Soketi has it instead where a limit was reached */
    wst_say_error(say);
    if (channel.p) wst_say_answers(say, SUBSCRIPTIONS, channel);
}

static void signed_in(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    (void)channel;
    say_inside(say, data, "user_data");
    wst_say_answers(say, SIGNINS, (struct wst_slice){NULL, 0});
}

/* What it refuses is not known: by the protocol it names no channel, and where a server does, it
 * may be for an event there. */
static void failed(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    wst_say_text(say, "channel", channel);
    say_of(say, data, "code");
    say_of(say, data, "message");
    say_of(say, data, "error"); /* Soketi's word for it */
    wst_say_error(say);
}

/* -- what both say ----------------------------------------------------------------------------- */

static void ping(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    (void)data;
    (void)channel;
    wst_say_asks(say, PINGS, (struct wst_slice){NULL, 0});
}

static void pong(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    (void)data;
    (void)channel;
    wst_say_answers(say, PINGS, (struct wst_slice){NULL, 0});
}

static void carried(struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    (void)channel;
    say_body(say, data);
}

/* -- all of them ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct row rows[] = {
    {"pusher:subscribe", WST_C2S, false, subscribe},
    {"pusher:unsubscribe", WST_C2S, false, unsubscribe},
    {"pusher:signin", WST_C2S, false, signin},
    {"pusher:connection_established", WST_S2C, false, established},
    {"pusher_internal:subscription_succeeded", WST_S2C, true, subscribed},
    {"pusher:subscription_error", WST_S2C, true, refused},
    {"pusher:signin_success", WST_S2C, false, signed_in},
    {"pusher:error", WST_S2C, false, failed},
    {"pusher_internal:member_added", WST_S2C, true, carried},
    {"pusher_internal:member_removed", WST_S2C, true, carried},
    {"pusher_internal:subscription_count", WST_S2C, true, carried},
    {"pusher_internal:watchlist_events", WST_S2C, false, carried},
    {"pusher:cache_miss", WST_S2C, true, carried},
    {"pusher:ping", WST_DIR_NONE, false, ping},
    {"pusher:pong", WST_DIR_NONE, false, pong},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows };

static const struct row *row_of(const struct wst_say *say)
{
    const struct wst_tape_node *event = member(say, "event");
    for (size_t i = 0; i < ROWS; i++)
        if (wst_json_text_is(&say->json, event, rows[i].event)) return &rows[i];
    return NULL;
}

/* What the server itself cannot read, either: only the names tell of it. */
static bool encrypted(const struct wst_say *say, const struct data *data, struct wst_slice channel)
{
    return wst_slice_starts(channel, "private-encrypted-") && of_data(say, data, "ciphertext") &&
           of_data(say, data, "nonce");
}

/* The name is the application's, or one that a server has besides. */
static void say_other(struct wst_say *say, struct wst_slice name, struct wst_slice channel)
{
    wst_say_packet(say, "event");
    wst_say_text(say, "event", name);
    wst_say_text(say, "channel", channel);
    wst_say_json(say, "user_id", wst_json_text_raw(&say->json, member(say, "user_id")));
    struct data data = data_of(say);
    if (encrypted(say, &data, channel)) wst_say_flag(say, "encrypted", true);
    say_body(say, &data);
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    (void)state;
    if (event->message.opcode != 1) {
        wst_say_strange(say);
        return;
    }
    if (!wst_say_read(say, event->message.payload)) {
        wst_say_unread(say);
        return;
    }
    const struct row *row = row_of(say);
    struct wst_slice name = text_of(say, member(say, "event"));
    struct wst_slice channel = text_of(say, member(say, "channel"));
    if (!name.p || (row && row->dir != WST_DIR_NONE && row->dir != event->dir)) {
        wst_say_strange(say);
    } else if (!row) {
        say_other(say, name, channel);
    } else {
        wst_say_packet(say, row->event);
        if (row->of_channel) wst_say_text(say, "channel", channel);
        struct data data = data_of(say);
        row->say(say, &data, channel);
    }
}

/* -- how it is known --------------------------------------------------------------------------- */

/* The key is the last of it; servers behind a proxy have a path before that. */
static bool is_path(struct wst_slice path)
{
    static const char app[] = "/app/";
    size_t key = path.n, n = sizeof app - 1;
    while (key > 0 && path.p[key - 1] != '/') key--;
    return key >= n && key < path.n && wst_slice_starts(wst_slice_skip(path, key - n), app);
}

/* As all of its clients ask: /app/KEY?protocol=7&client=js&version=8.4.0 */
static bool named(const struct wst_event_handshake *shake)
{
    return is_path(wst_app_path(shake)) && wst_app_query(shake, "protocol", NULL) &&
           wst_app_query(shake, "client", NULL) && wst_app_query(shake, "version", NULL);
}

static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    if (event->message.opcode != 1 || !wst_say_read(say, event->message.payload)) return false;
    const struct row *row = row_of(say);
    return row && (row->dir == WST_DIR_NONE || row->dir == event->dir);
}

const struct wst_app_protocol wst_app_pusher = {
    .app = WST_APP_PUSHER,
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

/* SPDX-License-Identifier: MIT
 *
 * Messages of one connection, in any application's protocol and none. What is said of them keeps
 * what event.h promises, each line of JSON is JSON, and no line of text has a control character.
 *
 *     | handshake | kind, length, length | payload | kind, … |
 *
 * kind: 1 server, 2 binary, 4 uncertain, 8 a gap before it, 16 left out in part.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/apps.h>

#include "slice.h"
#include "utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct sinks {
    struct wst_listener json, text;
    uint64_t msg;
    uint64_t packets[2];
};

static void demand(bool holds)
{
    if (!holds) abort();
}

/* -- what is written --------------------------------------------------------------------------- */

struct lines {
    uint8_t *p;
    size_t n;
};

static int on_write(void *user, const uint8_t *p, size_t n)
{
    struct lines *lines = user;
    lines->p = realloc(lines->p, lines->n + n + 1);
    demand(lines->p);
    memcpy(lines->p + lines->n, p, n);
    lines->n += n;
    return 0;
}

static void check_json(const struct lines *lines)
{
    size_t at = 0;
    while (at < lines->n) {
        const uint8_t *end = memchr(lines->p + at, '\n', lines->n - at);
        demand(end);
        size_t n = (size_t)(end - lines->p) - at;
        json_error_t error;
        json_t *line = json_loadb((const char *)lines->p + at, n, JSON_ALLOW_NUL, &error);
        /* jansson refuses numbers beyond its own and names with NUL in them, which are JSON; and
         * what nests deeper than it. */
        demand(line || json_error_code(&error) == json_error_numeric_overflow ||
               json_error_code(&error) == json_error_null_byte_in_key ||
               json_error_code(&error) == json_error_stack_overflow);
        json_decref(line);
        at += n + 1;
    }
}

static void check_text(const struct lines *lines)
{
    demand(wst_utf8_valid((struct wst_slice){lines->p ? lines->p : (const uint8_t *)"", lines->n}));
    for (size_t i = 0; i < lines->n; i++)
        demand(lines->p[i] == '\n' || (lines->p[i] >= 0x20 && lines->p[i] != 0x7f));
}

/* -- what is said ------------------------------------------------------------------------------ */

static void check_value(const struct wst_app_value *value)
{
    if (value->kind == WST_APP_TEXT || value->kind == WST_APP_JSON)
        demand(value->slice.p && wst_utf8_valid(value->slice));
    if (value->kind == WST_APP_BYTES) demand(value->slice.p);
}

static void check_packet(const struct sinks *sinks, const struct wst_app_packet *p)
{
    demand(p->name.p && p->name.n > 0);
    for (size_t i = 0; i < p->name.n; i++) demand(p->name.p[i] >= 0x20 && p->name.p[i] < 0x7f);
    for (size_t i = 0; i < p->fields_n; i++) {
        check_value(&p->fields[i].value);
        for (size_t j = 0; j < i; j++) demand(strcmp(p->fields[i].name, p->fields[j].name) != 0);
    }
    check_value(&p->body);
    demand(p->answers < sinks->msg + 1 && p->first_msg < sinks->msg && p->after_ns >= 0);
    demand(p->answers || !p->after_ns);
}

static void on_event(void *user, const struct wst_event *event)
{
    struct sinks *sinks = user;
    const struct wst_app_said *said =
        event->type == WST_EVENT_MESSAGE ? event->message.app : NULL;
    if (said) {
        demand(wst_app_row(said->app));
        for (size_t i = 0; i < said->packets_n; i++) check_packet(sinks, &said->packets[i]);
        sinks->packets[event->dir] += said->packets_n + said->omitted;
        if (!event->message.certain || event->message.omitted) demand(said->packets_n == 0);
    }
    if (event->type == WST_EVENT_END && event->end.app)
        for (int d = 0; d < 2; d++) {
            const struct wst_app_side *side = &event->end.app->dir[d];
            demand(side->packets == sinks->packets[d] && side->errors <= side->packets);
            demand(side->answered <= side->asked);
        }
    sinks->json.event(sinks->json.user, event);
    sinks->text.event(sinks->text.user, event);
}

/* -- the conversation -------------------------------------------------------------------------- */

static struct wst_event handshake_of(uint8_t byte)
{
    static const char *const words[][2] = {
        {NULL, "/"},
        {"mqtt", "/mqtt"},
        {NULL, "/socket.io/?EIO=4&transport=websocket"},
        {NULL, "/socket.io/?EIO=3&transport=websocket"},
        {NULL, "/engine.io/?EIO=4&transport=websocket"},
        {"v12.stomp", "/stomp"},
        {"wamp.2.json", "/ws"},
        {"wamp.2.msgpack", "/ws"},
        {"wamp.2.json.batched", "/ws"},
        {"graphql-transport-ws", "/graphql"},
        {"graphql-ws", "/graphql"},
        {"ocpp1.6", "/CP1"},
        {"ocpp2.0.1", "/CP1"},
        {NULL, "/socket/websocket?vsn=1.0.0"},
        {NULL, "/socket/websocket?vsn=2.0.0"},
        {"actioncable-v1-json", "/cable"},
        {"sip", "/"},
        {"xmpp", "/xmpp-websocket"},
        {"jsonrpc", "/"},
        {NULL, "/devtools/page/1"},
        {"mqttv3.1", "/"},
        {NULL, "/app/key?protocol=7&client=js&version=8.4.0"},
    };
    const size_t n = sizeof words / sizeof *words;
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .conn = 1, .dir = WST_DIR_NONE};
    e.handshake.uri = wst_slice_text(words[byte % n][1]);
    e.handshake.subprotocol = wst_slice_text(words[byte % n][0]);
    e.handshake.status = 101;
    e.handshake.accepted = true;
    return e;
}

static void tell_message(struct wst_listener to, struct sinks *sinks, uint8_t kind,
                         struct wst_slice payload)
{
    struct wst_event e = {.conn = 1, .dir = kind & 1 ? WST_S2C : WST_C2S};
    e.when = (struct wst_when){sinks->msg + 1, (int64_t)sinks->msg * 1000};
    if (kind & 8) {
        e.type = WST_EVENT_GAP;
        e.gap = (struct wst_event_gap){.bytes = 5};
        to.event(to.user, &e);
    }
    e.type = WST_EVENT_MESSAGE;
    e.message = (struct wst_event_message){.msg = ++sinks->msg,
                                           .opcode = kind & 2 ? 2 : 1,
                                           .certain = !(kind & 4),
                                           .utf8 = !(kind & 2),
                                           .first_pkt = 1,
                                           .frames = 1,
                                           .len = payload.n,
                                           .omitted = kind & 16 ? 3 : 0,
                                           .payload = payload};
    if (e.message.utf8 && !wst_utf8_valid(payload)) e.message.utf8 = false;
    to.event(to.user, &e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    struct lines json = {NULL, 0}, text = {NULL, 0};
    struct wst_text_options options = {.max_text = size % 3 ? 64 : 0, .width = size % 2 ? 90 : 0};
    struct wst_render *as_json = wst_render_json_new(on_write, &json);
    struct wst_render *as_text = wst_render_text_new(&options, on_write, &text);
    demand(as_json && as_text);
    struct sinks sinks = {wst_render_listener(as_json), wst_render_listener(as_text), 0, {0, 0}};
    struct wst_listener next = {&sinks, on_event, NULL};
    struct wst_apps_options little = {.memory = size % 5 ? 64 << 20 : 2000};
    struct wst_apps *apps = wst_apps_new(&little, &next);
    demand(apps);
    struct wst_listener to = wst_apps_listener(apps);

    struct wst_slice rest = wst_slice_skip(wst_slice_of(data, size), 1);
    struct wst_event e = handshake_of(data[0]);
    to.event(to.user, &e);
    while (rest.n >= 3) {
        size_t n = (size_t)wst_be16(rest.p + 1);
        uint8_t kind = rest.p[0];
        rest = wst_slice_skip(rest, 3);
        struct wst_slice s = wst_slice_head(rest, n);
        uint8_t *own = malloc(s.n ? s.n : 1); /* ends where the allocation ends */
        demand(own);
        if (s.n) memcpy(own, s.p, s.n);
        tell_message(to, &sinks, kind, (struct wst_slice){own, s.n});
        free(own);
        rest = wst_slice_skip(rest, s.n);
    }
    e = (struct wst_event){.type = WST_EVENT_END, .conn = 1, .dir = WST_DIR_NONE};
    e.end = (struct wst_event_end){.by = WST_DIR_NONE,
                                   .code = -1,
                                   .tcp_by = WST_DIR_NONE,
                                   .tls_by = WST_DIR_NONE,
                                   .reset_by = WST_DIR_NONE};
    if (size % 7) to.event(to.user, &e);
    wst_apps_free(apps);
    wst_render_flush(as_json);
    wst_render_flush(as_text);
    check_json(&json);
    check_text(&text);
    wst_render_free(as_json);
    wst_render_free(as_text);
    free(json.p);
    free(text.p);
    return 0;
}

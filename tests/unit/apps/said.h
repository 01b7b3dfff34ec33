/* SPDX-License-Identifier: MIT
 *
 * Conversations for the tests of protocols. In: handshake, messages, gaps, the end, one second
 * apart. Out: what is said of each as JSON, without the members that say nothing (false, null, 0,
 * empty ones); behind the packets of a message "unfinished", "strange" or "omitted" where it is so.
 *
 *     struct said s;
 *     said_new(&s);
 *     said_open(&s, "chat", "/chat?v=1");
 *     said_is(said_text(&s, WST_C2S, "…"), "[{\"name\":\"ping\"}]");
 *     said_is(said_end(&s), "json-rpc {\"certain\":true,\"c2s\":{\"packets\":1}}");
 *     said_free(&s);
 *
 * Of a connection whose protocol is not known it is said "". Payloads lie flush against a page that
 * cannot be read, and are gone with the next message.
 */
#ifndef WST_TEST_SAID_H
#define WST_TEST_SAID_H

#include "guard.h"
#include "utf8.h"

#include <jansson.h>
#include <stdio.h>
#include <wstrace/apps.h>

enum { SAID_ROOM = 1 << 20 };

struct said {
    struct guard payload;
    struct wst_render *render;
    struct wst_apps *apps;
    uint64_t msg, pkt;
    char *line; /* of the last event */
    size_t n, room;
    char *shown; /* what was made of it */
};

static int said_write(void *user, const uint8_t *p, size_t n)
{
    struct said *s = user;
    if (s->n + n + 1 > s->room) {
        s->room = 2 * (s->n + n + 1);
        s->line = realloc(s->line, s->room);
        assert_non_null(s->line);
    }
    memcpy(s->line + s->n, p, n);
    s->n += n;
    s->line[s->n] = '\0';
    return 0;
}

static inline bool said_nothing(const json_t *v)
{
    return json_is_null(v) || json_is_false(v) || (json_is_integer(v) && !json_integer_value(v)) ||
           ((json_is_object(v) || json_is_array(v)) && !json_object_size(v) && !json_array_size(v));
}

static inline void said_shorten(json_t *object)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(object, next, key,
                             value) if (said_nothing(value) && strcmp(key, "json") != 0)
        json_object_del(object, key);
}

static inline char *said_dump(json_t *value, const char *before, const char *behind)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY), *all;
    assert_non_null(text);
    size_t n = strlen(before) + strlen(text) + strlen(behind) + 1;
    all = malloc(n);
    assert_non_null(all);
    snprintf(all, n, "%s%s%s", before, text, behind);
    free(text);
    return all;
}

static inline const char *said_show(struct said *s, bool end)
{
    json_t *line = json_loads(s->line, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL), *one;
    assert_non_null(line);
    json_t *app = json_object_get(line, "app"), *packets = json_object_get(app, "packets");
    char behind[64] = "", before[32] = "";
    size_t i;
    free(s->shown);
    s->shown = NULL;
    if (app && end) {
        said_shorten(json_object_get(app, "c2s"));
        said_shorten(json_object_get(app, "s2c"));
        snprintf(before, sizeof before, "%s ", json_string_value(json_object_get(app, "protocol")));
        json_object_del(app, "protocol");
        said_shorten(app);
        s->shown = said_dump(app, before, "");
    } else if (app) {
        json_array_foreach(packets, i, one) said_shorten(one);
        if (json_integer_value(json_object_get(app, "omitted"))) strcat(behind, " omitted");
        if (json_is_true(json_object_get(app, "unfinished"))) strcat(behind, " unfinished");
        if (json_is_true(json_object_get(app, "strange"))) strcat(behind, " strange");
        s->shown = said_dump(packets, "", behind);
    }
    json_decref(line);
    return s->shown ? s->shown : "";
}

static inline const char *said_event(struct said *s, struct wst_event *event)
{
    struct wst_listener l = wst_apps_listener(s->apps);
    s->n = 0;
    event->conn = 1;
    event->when.pkt = ++s->pkt;
    event->when.ns = (int64_t)s->pkt * 1000000000;
    l.event(l.user, event);
    assert_int_equal(wst_render_flush(s->render), 0);
    assert_false(wst_render_failed(s->render));
    return said_show(s, event->type == WST_EVENT_END);
}

static inline void said_start(struct said *s)
{
    struct wst_listener next = wst_render_listener(s->render);
    s->apps = wst_apps_new(NULL, &next);
    assert_non_null(s->apps);
    s->msg = s->pkt = 0;
}

static inline void said_new(struct said *s)
{
    *s = (struct said){.n = 0};
    guard_init(&s->payload, SAID_ROOM);
    s->render = wst_render_json_new(said_write, s);
    assert_non_null(s->render);
    said_start(s);
}

static inline void said_free(struct said *s)
{
    wst_apps_free(s->apps);
    wst_render_free(s->render);
    guard_free(&s->payload);
    free(s->line);
    free(s->shown);
}

/* All anew: another conversation. Without said_open it is one that was joined late. */
static inline void said_again(struct said *s)
{
    wst_apps_free(s->apps);
    said_start(s);
}

/* `subprotocol` may be NULL. */
static inline void said_open(struct said *s, const char *subprotocol, const char *uri)
{
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE};
    e.handshake.accepted = true;
    e.handshake.status = 101;
    e.handshake.uri = (struct wst_slice){(const uint8_t *)uri, strlen(uri)};
    if (subprotocol)
        e.handshake.subprotocol =
            (struct wst_slice){(const uint8_t *)subprotocol, strlen(subprotocol)};
    said_event(s, &e);
}

/* A message of which the last `omitted` bytes are not there. */
static inline const char *said_cut(struct said *s, enum wst_dir dir, uint8_t opcode, const void *p,
                                   size_t n, size_t omitted)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .dir = dir};
    e.message = (struct wst_event_message){.msg = ++s->msg,
                                           .opcode = opcode,
                                           .certain = true,
                                           .first_pkt = 1,
                                           .frames = 1,
                                           .wire_len = n,
                                           .len = n,
                                           .omitted = omitted,
                                           .payload = guard_put(&s->payload, p, n - omitted)};
    e.message.utf8 = opcode == 1 && wst_utf8_valid(e.message.payload);
    return said_event(s, &e);
}

static inline const char *said_bytes(struct said *s, enum wst_dir dir, uint8_t opcode,
                                     const void *p, size_t n)
{
    return said_cut(s, dir, opcode, p, n, 0);
}

static inline const char *said_text(struct said *s, enum wst_dir dir, const char *text)
{
    return said_bytes(s, dir, 1, text, strlen(text));
}

/* Bytes of that side were lost. */
static inline void said_gap(struct said *s, enum wst_dir dir)
{
    struct wst_event e = {.type = WST_EVENT_GAP, .dir = dir};
    e.gap = (struct wst_event_gap){.bytes = 10, .offset = -1};
    said_event(s, &e);
}

static inline const char *said_end(struct said *s)
{
    struct wst_event e = {.type = WST_EVENT_END, .dir = WST_DIR_NONE};
    e.end.code = -1;
    return said_event(s, &e);
}

#define said_is(said, expected) assert_string_equal(said, expected)

/* A conversation of texts, and what each says. */
struct said_row {
    enum wst_dir dir;
    const char *text, *said;
};

static inline void said_talk(struct said *s, const struct said_row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) said_is(said_text(s, rows[i].dir, rows[i].text), rows[i].said);
}

/* For cmocka_run_group_tests: *state is a conversation. */
static inline int said_set_up(void **state)
{
    static struct said s;
    said_new(&s);
    *state = &s;
    return 0;
}

static inline int said_take_down(void **state)
{
    said_free(*state);
    return 0;
}

#endif

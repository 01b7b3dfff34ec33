/* SPDX-License-Identifier: MIT
 *
 * Inside the JSON renderer: json.c has the hot lines (frame, message), json_rare.c the others.
 */
#ifndef WST_RENDER_JSON_H
#define WST_RENDER_JSON_H

#include "clock.h"
#include "digits.h"
#include "renderer.h"

/* `,"ts":"…","pkt":…,"conn":…,"dir":"…"`: at most 39 + 27 + 28 + 12 bytes. */
enum { WST_JSON_HEAD = 112 };

/* What stands for "dir" in a line. */
enum wst_json_dir { WST_JSON_C2S, WST_JSON_S2C, WST_JSON_NULL, WST_JSON_NO_DIR };

struct wst_json {
    struct wst_render render; /* first: a wst_render is freed as one */
    struct wst_clock clock;
    /* The head written last and what it was written for: a frame and its message, close or
     * problem share it. It is copied from the line before, where it still lies in the output
     * buffer: a copy of its own would be read back before its small stores have settled, which
     * costs more than it saves (measured: 20 ns). */
    struct wst_when when;
    uint64_t conn;
    enum wst_json_dir dir;
    bool nanos;
    uint64_t flushes;    /* of the output then; the head is gone when it has moved on */
    const uint8_t *head; /* in the output buffer */
    size_t head_n;       /* 0: nothing yet */
};

/* Writes the common fields to `at`, in the output buffer, with WST_JSON_HEAD bytes of room. */
uint8_t *wst_json_head(struct wst_json *json, uint8_t *at, const struct wst_event *event,
                       enum wst_json_dir dir);

static inline enum wst_json_dir wst_json_dir_of(const struct wst_event *event)
{
    if (event->dir == WST_C2S) return WST_JSON_C2S;
    return event->dir == WST_S2C ? WST_JSON_S2C : WST_JSON_NULL;
}
/* A number from 1; 0: null. */
static inline uint8_t *wst_json_number(uint8_t *at, uint64_t n)
{
    return n ? wst_digits(at, n) : WST_PUT(at, "null");
}
static inline uint8_t *wst_json_bool(uint8_t *at, bool value)
{
    return value ? WST_PUT(at, "true") : WST_PUT(at, "false");
}

/* json_rare.c: one line each. */
void wst_json_meta(struct wst_json *json, const struct wst_event *event);
void wst_json_handshake(struct wst_json *json, const struct wst_event *event);
void wst_json_close(struct wst_json *json, const struct wst_event *event);
void wst_json_gap(struct wst_json *json, const struct wst_event *event);
void wst_json_problem(struct wst_json *json, const struct wst_event *event);
void wst_json_end(struct wst_json *json, const struct wst_event *event);
void wst_json_stats(struct wst_json *json, const struct wst_event *event);

#endif

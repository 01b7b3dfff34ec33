/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of finished output. Out: large pieces of them to the caller's writer.
 * Refuses to go on after the writer has failed: the failure sticks, later bytes are dropped.
 *
 * Hot code reserves room once for a whole line, writes through the bare pointer `at`, and stores
 * it back. What may be larger than the buffer streams through wst_out_bytes or the escape
 * functions in pieces, so memory stays the same whatever the payload.
 */
#ifndef WST_BASE_OUTLET_H
#define WST_BASE_OUTLET_H

#include <string.h>
#include <wstrace/render.h>

enum { WST_OUT_SIZE = 128 * 1024 }; /* bytes: few write calls, and still inside L2 */

struct wst_out {
    wst_write_fn write;
    void *user;
    uint8_t *at;      /* the next byte goes here */
    uint64_t flushes; /* so far: what lay in the buffer before is gone when it moves */
    int failed;       /* what the writer returned; 0: all is well */
    uint8_t buffer[WST_OUT_SIZE];
};

void wst_out_init(struct wst_out *out, wst_write_fn write, void *user);

/* Hands over what is buffered. Returns 0, or the writer's first failure. */
int wst_out_flush(struct wst_out *out);

/* Makes room for `n` <= WST_OUT_SIZE bytes at out->at and returns that place. Never fails: after a
 * failure the room is there, and what is written to it is dropped. */
static inline uint8_t *wst_out_reserve(struct wst_out *out, size_t n)
{
    if ((size_t)(out->buffer + WST_OUT_SIZE - out->at) < n) wst_out_flush(out);
    return out->at;
}

/* Any number of bytes. */
void wst_out_bytes(struct wst_out *out, const void *p, size_t n);
static inline void wst_out_text(struct wst_out *out, const char *text)
{
    size_t n = strlen(text); /* known to the compiler, mostly: then the copy is a few stores */
    if ((size_t)(out->buffer + WST_OUT_SIZE - out->at) < n) {
        wst_out_bytes(out, text, n);
        return;
    }
    memcpy(out->at, text, n);
    out->at += n;
}
/* A decimal number. */
void wst_out_number(struct wst_out *out, uint64_t value);

/* Appends a string literal at a bare pointer that has the room. */
#define WST_PUT(at, literal) wst_put((at), "" literal, sizeof(literal) - 1)
static inline uint8_t *wst_put(uint8_t *at, const char *text, size_t n)
{
    memcpy(at, text, n);
    return at + n;
}

#endif

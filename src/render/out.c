/* SPDX-License-Identifier: MIT
 *
 * In: bytes and renderers. Out: pieces to the writer; the public functions that all formats share.
 * Refuses to write after a failure.
 */
#include "out.h"

#include <stdlib.h>

#include "digits.h"

void wst_out_init(struct wst_out *out, wst_write_fn write, void *user)
{
    out->write = write;
    out->user = user;
    out->at = out->buffer;
    out->flushes = 0;
    out->failed = 0;
}

int wst_out_flush(struct wst_out *out)
{
    size_t n = (size_t)(out->at - out->buffer);
    out->at = out->buffer;
    out->flushes++;
    if (n > 0 && out->failed == 0) out->failed = out->write(out->user, out->buffer, n);
    return out->failed;
}

void wst_out_bytes(struct wst_out *out, const void *p, size_t n)
{
    const uint8_t *from = p;
    while (n > 0) {
        size_t room = (size_t)(out->buffer + WST_OUT_SIZE - out->at);
        size_t piece = n < room ? n : room;
        memcpy(out->at, from, piece);
        out->at += piece;
        from += piece;
        n -= piece;
        if (n > 0) wst_out_flush(out);
    }
}

void wst_out_number(struct wst_out *out, uint64_t value)
{
    out->at = wst_digits(wst_out_reserve(out, WST_DIGITS_MAX), value);
}

static void listener_flush(void *user)
{
    wst_render_flush(user);
}

struct wst_listener wst_render_listener(struct wst_render *render)
{
    return (struct wst_listener){render, render->event, listener_flush};
}

int wst_render_flush(struct wst_render *render)
{
    if (render->settle) render->settle(render);
    return wst_out_flush(&render->out);
}

bool wst_render_failed(const struct wst_render *render)
{
    return render->out.failed != 0;
}

void wst_render_free(struct wst_render *render)
{
    if (render && render->release) render->release(render);
    free(render);
}

/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: large pieces of them to the writer.
 * Refuses to write after a failure.
 */
#include "outlet.h"

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

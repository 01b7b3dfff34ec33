/* SPDX-License-Identifier: MIT
 *
 * In: the payload of a message. Out: the same compressed, on the terms that the server agreed to.
 * Refuses nothing: a message that cannot be compressed goes as it is, which is always allowed
 * (RFC 7692 section 6).
 */
#include "replay.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { INPUT = 1 << 30, PIECE = 1 << 16, TAIL = 4 };

struct wst_replay_deflate {
    z_stream z;
    bool takeover;
    struct wst_budget budget;
    struct wst_buf out; /* of the message at hand */
};

/* zlib has no raw window of 256 bytes. Without matches there are no distances, so that none is too
 * far for it. */
struct wst_replay_deflate *wst_replay_deflate_new(const struct wst_deflate_terms *terms)
{
    struct wst_replay_deflate *d = calloc(1, sizeof *d);
    int bits = terms->client_max_window_bits;

    if (d == NULL) return NULL;
    d->takeover = !terms->client_no_context_takeover;
    d->budget.max = SIZE_MAX; /* of a payload that the script had room for: see room() */
    if (deflateInit2(&d->z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, bits < 9 ? -9 : -bits, 8,
                     bits < 9 ? Z_HUFFMAN_ONLY : Z_DEFAULT_STRATEGY) == Z_OK)
        return d;
    free(d);
    return NULL;
}

void wst_replay_deflate_free(struct wst_replay_deflate *d)
{
    if (d == NULL) return;
    deflateEnd(&d->z);
    wst_buf_free(&d->out, &d->budget);
    free(d);
}

/* More than a payload ever takes: stored blocks have 5 bytes each. */
static size_t room(struct wst_slice payload)
{
    return payload.n + payload.n / 64 + 2 * PIECE;
}

static bool deflate_all(struct wst_replay_deflate *d, struct wst_slice payload)
{
    struct wst_slice rest = payload;

    do {
        size_t n = rest.n < INPUT ? rest.n : INPUT;
        int flush = n == rest.n ? Z_SYNC_FLUSH : Z_NO_FLUSH;
        d->z.next_in = (uint8_t *)(uintptr_t)rest.p; /* zlib does not write there */
        d->z.avail_in = (uInt)n;
        rest = wst_slice_skip(rest, n);
        do {
            if (!wst_buf_reserve(&d->out, &d->budget, PIECE, room(payload))) return false;
            d->z.next_out = d->out.p + d->out.n;
            d->z.avail_out = PIECE;
            if (deflate(&d->z, flush) == Z_STREAM_ERROR) return false;
            d->out.n += PIECE - d->z.avail_out;
        } while (d->z.avail_out == 0);
    } while (rest.n > 0);
    return d->out.n >= TAIL;
}

/* RFC 7692 section 7.2.1; an empty message is a block of nothing, section 7.2.3.6. */
bool wst_replay_deflate(struct wst_replay_deflate *d, struct wst_slice payload,
                        struct wst_slice *packed)
{
    static const uint8_t nothing[1] = {0};
    bool done;

    *packed = wst_slice_of(nothing, sizeof nothing);
    if (payload.n == 0) return true;
    d->out.n = 0;
    done = deflate_all(d, payload);
    if (!done || !d->takeover) deflateReset(&d->z);
    *packed = wst_slice_head(wst_buf_slice(&d->out), done ? d->out.n - TAIL : 0);
    return done;
}

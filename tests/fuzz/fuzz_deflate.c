/* SPDX-License-Identifier: MIT
 *
 * Compressed messages of one direction. An input is:
 *
 *  | terms 1 | piece 1 | length 2 | bytes … | length 2 | bytes … |
 *
 * terms: bit 0: each message by itself; bits 1–3: the window agreed on, 8 and up; bit 4: a small
 * cap.
 *
 * Beside it goes zlib with a window of that size, which is made to forget by taking one byte of
 * output at a time: what both read is the same, and zlib stumbles just where the distance is told
 * that was too far. Said whole and said in pieces, it is the same.
 */
#include "ws/deflate.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { OUT_MAX = 1 << 16, MESSAGES = 32 };

struct told { /* of one message */
    uint64_t len, known;
    enum wst_inflate_end end;
    bool exceeded;
    uint64_t at;
    uint32_t kept, hash;
};

struct reader {
    struct wst_budget budget;
    struct wst_inflaters all;
    struct wst_deflate *context;
    struct wst_buf out;
};

static void reader_begin(struct reader *r, unsigned bits, bool takeover)
{
    memset(r, 0, sizeof *r);
    r->budget.max = 1 << 26;
    if (!wst_inflaters_init(&r->all, &r->budget, OUT_MAX)) abort();
    r->context = wst_deflate_new(&r->all, takeover, true);
    if (!r->context) abort();
    wst_deflate_hold(&r->all, r->context, bits);
    if (!r->context->window) abort();
}

static void reader_end(struct reader *r)
{
    wst_buf_free(&r->out, &r->budget);
    wst_deflate_free(&r->all, r->context);
    wst_inflaters_free(&r->all);
    if (r->budget.used) abort(); /* a leak */
}

static struct told reader_message(struct reader *r, const uint8_t *p, size_t n, size_t piece,
                                  size_t cap)
{
    struct wst_inflation f;
    r->out.n = 0;
    wst_inflation_begin(&r->all, &f, r->context, &r->out, cap, piece < n);
    for (size_t i = 0; i < n; i += piece) {
        size_t k = n - i < piece ? n - i : piece;
        uint8_t *exact = malloc(k);
        if (!exact) abort();
        memcpy(exact, p + i, k);
        wst_inflation_feed(&r->all, &f, (struct wst_slice){exact, k});
        free(exact);
    }
    wst_inflation_finish(&r->all, &f, true);
    if (f.known > f.len || r->out.n > cap || r->out.n > f.len) abort();
    const struct wst_window *w = r->context->window;
    struct told t;
    memset(&t, 0, sizeof t); /* told apart with memcmp */
    t.len = f.len;
    t.known = f.known;
    t.end = f.end;
    t.exceeded = w->exceeded && w->at < f.len; /* what zlib refused before is no distance */
    t.at = t.exceeded ? w->at : 0;
    t.kept = (uint32_t)r->out.n;
    t.hash = 2166136261u;
    for (size_t i = 0; i < r->out.n; i++) t.hash = (t.hash ^ r->out.p[i]) * 16777619u;
    return t;
}

/* zlib, a byte of output at a time: it remembers its window and no more. What came out of this
 * message goes to `out`. True: a distance was too far, after *n bytes. */
static bool strict(z_stream *z, const uint8_t *p, size_t size, uint8_t *out, size_t *n, int *state)
{
    static const uint8_t tail[4] = {0, 0, 0xff, 0xff};
    *n = 0;
    for (int part = 0; part < 2; part++) {
        z->next_in = (Bytef *)(uintptr_t)(part ? tail : p);
        z->avail_in = part ? 4 : (uInt)size;
        do {
            z->next_out = out + (*n < OUT_MAX ? *n : OUT_MAX - 1);
            z->avail_out = 1;
            *state = inflate(z, Z_SYNC_FLUSH);
            *n += 1 - z->avail_out;
            if (*n > OUT_MAX) *state = Z_STREAM_END;  /* a bomb: enough was seen */
            if (*state == Z_STREAM_END) return false; /* what may follow is another story */
            if (*state == Z_DATA_ERROR) return z->msg && strstr(z->msg, "too far back");
        } while (!z->avail_out || (z->avail_in && *state == Z_OK));
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t out[OUT_MAX];
    if (size < 2) return 0;
    bool takeover = !(data[0] & 1);
    unsigned bits = 8 + (data[0] >> 1 & 7) % 7;
    size_t cap = data[0] & 16 ? 100 : OUT_MAX, piece = data[1] ? data[1] : 1;
    struct reader whole, pieces;
    z_stream z = {0};
    if (inflateInit2(&z, -(int)bits) != Z_OK) abort();
    reader_begin(&whole, bits, takeover);
    reader_begin(&pieces, bits, takeover);
    bool sound = true; /* and zlib has followed so far */
    for (size_t at = 2, i = 0; at + 2 <= size && i < MESSAGES; i++) {
        size_t n = (size_t)data[at] << 8 | data[at + 1], came;
        at += 2;
        if (n > size - at) n = size - at;
        struct told a = reader_message(&whole, data + at, n, SIZE_MAX / 2, cap);
        struct told b = reader_message(&pieces, data + at, n, piece, cap);
        if (memcmp(&a, &b, sizeof a)) abort();
        if (sound && n) {
            int state;
            if (!takeover && inflateReset2(&z, -(int)bits) != Z_OK) abort();
            bool far = strict(&z, data + at, n, out, &came, &state);
            /* What is beyond the beginning is bad for both. */
            bool followed = state != Z_STREAM_END; /* behind a final block more may come */
            if (followed && a.exceeded && (!far || a.at != came)) abort();
            if (far && !a.exceeded && a.end == WST_INFLATE_OK) abort();
            bool good = state == Z_OK || state == Z_BUF_ERROR;
            if (good && a.end == WST_INFLATE_OK && (a.len != came || a.known != a.len)) abort();
            if (good && a.end == WST_INFLATE_OK && came <= OUT_MAX &&
                memcmp(out, whole.out.p ? whole.out.p : out, a.kept))
                abort();
            sound = good;
        }
        sound = sound && a.end == WST_INFLATE_OK;
        at += n;
    }
    inflateEnd(&z);
    reader_end(&whole);
    reader_end(&pieces);
    return 0;
}

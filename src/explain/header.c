/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of frames. Out: header bits, and the state of the message they belong to.
 * Refuses nothing: an odd header is a header.
 */
#include <stdlib.h>
#include <string.h>

#include "subject.h"

void wst_header_bits(struct wst_header_bits *h, const uint8_t *p, size_t n)
{
    *h = (struct wst_header_bits){.need = 2};
    h->have = n < SUBJECT_HEADER_MAX ? (unsigned)n : SUBJECT_HEADER_MAX;
    if (h->have) memcpy(h->bytes, p, h->have);
    h->fin = h->bytes[0] >> 7;
    h->rsv = h->bytes[0] >> 4 & 7;
    h->opcode = h->bytes[0] & 15;
    if (h->have < 2) return;
    h->masked = h->bytes[1] >> 7;
    h->len7 = h->bytes[1] & 127;
    h->extended = h->len7 == 126 ? 16 : h->len7 == 127 ? 64 : 0;
    h->need = 2 + h->extended / 8 + (h->masked ? 4 : 0);
    if (h->have > h->need) h->have = h->need;
    h->len = h->extended ? 0 : h->len7;
    for (unsigned i = 2; i < 2 + h->extended / 8 && i < h->have; i++)
        h->len = h->len << 8 | h->bytes[i];
    if (h->masked && h->have == h->need) memcpy(h->key, h->bytes + h->need - 4, 4);
}

/* -- messages ---------------------------------------------------------------------------------- */

void wst_stream_free(struct wst_stream *s)
{
    free(s->raw);
    free(s->history);
    *s = (struct wst_stream){0};
}

static bool raw_append(struct wst_stream *s, struct wst_slice bytes)
{
    if (bytes.n > SUBJECT_RAW_MAX - s->raw_n) return false;
    size_t room = s->raw_room ? s->raw_room : 512;
    while (room < s->raw_n + bytes.n) room *= 2;
    if (room != s->raw_room) {
        uint8_t *p = realloc(s->raw, room);
        if (!p) return false;
        s->raw = p;
        s->raw_room = room;
    }
    if (bytes.n) memcpy(s->raw + s->raw_n, bytes.p, bytes.n);
    s->raw_n += bytes.n;
    return true;
}

bool wst_stream_frame(struct wst_stream *s, const struct wst_header_bits *h, struct wst_slice plain,
                      bool deflate, uint64_t msg)
{
    if (h->opcode == 8) s->closed = true;
    if (h->opcode > 2) return true;
    if (h->opcode) {
        s->open = true;
        s->unsure = s->torn = false;
        s->text = h->opcode == 1;
        s->compressed = deflate && (h->rsv & 4);
        s->frames = 0;
        s->raw_n = 0;
        s->msg = msg;
    } else if (!s->open) {
        return true;
    }
    s->frames++;
    if (plain.n < h->len) s->torn = true;
    if (s->compressed && !s->torn && !raw_append(s, plain)) s->torn = true;
    return !s->torn;
}

static void history_forget(struct wst_stream *s)
{
    s->history_n = s->runs_n = 0;
    s->doubted = false;
}

/* The oldest bytes make room. */
static void history_drop(struct wst_stream *s, size_t n)
{
    memmove(s->history, s->history + n, s->history_n - n);
    memmove(s->doubt, s->doubt + n, s->history_n - n);
    s->history_n -= n;
    s->doubted = s->doubted && s->history_n && memchr(s->doubt, 1, s->history_n);
    while (s->runs_n && n) {
        uint32_t k = s->runs[0].n < n ? s->runs[0].n : (uint32_t)n;
        s->runs[0].n -= k;
        n -= k;
        if (s->runs[0].n) return;
        memmove(s->runs, s->runs + 1, --s->runs_n * sizeof *s->runs);
    }
}

void wst_stream_remember(struct wst_stream *s, struct wst_slice text, const uint8_t *doubt,
                         bool takeover)
{
    if (!takeover) {
        history_forget(s);
        return;
    }
    if (!s->history && !(s->history = malloc((size_t)2 * WST_WALK_WINDOW))) {
        s->history_lost = true;
        return;
    }
    s->doubt = s->history + WST_WALK_WINDOW;
    if (text.n >= WST_WALK_WINDOW) {
        history_forget(s);
        if (doubt) doubt += text.n - WST_WALK_WINDOW;
        text = (struct wst_slice){text.p + (text.n - WST_WALK_WINDOW), WST_WALK_WINDOW};
    }
    if (s->history_n + text.n > WST_WALK_WINDOW)
        history_drop(s, s->history_n + text.n - WST_WALK_WINDOW);
    if (text.n) memcpy(s->history + s->history_n, text.p, text.n);
    memset(s->doubt + s->history_n, 0, text.n);
    if (text.n && doubt) memcpy(s->doubt + s->history_n, doubt, text.n);
    s->doubted = s->doubted || (text.n && doubt && memchr(doubt, 1, text.n));
    s->history_n += text.n;
    if (s->history_n == WST_WALK_WINDOW) s->history_lost = false; /* nothing can point further */
    if (s->runs_n == SUBJECT_RUNS) { /* the two oldest are told apart no more */
        s->runs[1] = (struct wst_run){0, s->runs[0].n + s->runs[1].n};
        memmove(s->runs, s->runs + 1, --s->runs_n * sizeof *s->runs);
    }
    s->runs[s->runs_n++] = (struct wst_run){s->msg, (uint32_t)text.n};
}

void wst_stream_over(struct wst_stream *s)
{
    s->open = s->compressed = s->torn = false;
    s->raw_n = 0;
    s->frames = 0;
}

uint64_t wst_stream_message_at(const struct wst_stream *s, size_t back)
{
    for (unsigned i = s->runs_n; i-- > 0;) {
        if (back <= s->runs[i].n) return s->runs[i].msg;
        back -= s->runs[i].n;
    }
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * In: a payload. Out: all of it below its line, as tcpdump's -A and -X show packets.
 * Refuses to let anything pass that escape.h would not: a line break is the only control character
 * that does what it says.
 *
 *     	Dear Sir,
 *     	thank you for …
 *
 *     	0x0000:  4465 6172 2053 6972 2c0a 7468 616e 6b20  Dear.Sir,.thank.
 *     	… 12 bytes not known
 *     	0x001c:  796f 7520 666f 72                        you.for
 */
#include "digits.h"
#include "quote.h"
#include "text.h"

#include <wstrace/event.h>

enum { ROW = 16, ROW_ROOM = 96 };

/* Blanks as dots, too: in a column of characters a blank looks like the end. */
static uint8_t *put_row(uint8_t *at, const uint8_t *p, size_t n, uint64_t offset)
{
    at = WST_PUT(at, "\t0x");
    for (int shift = offset > 0xffffffff ? 56 : offset > 0xffff ? 24 : 8; shift >= 0; shift -= 8)
        at = wst_digits_hex(at, (uint8_t)(offset >> shift));
    at = WST_PUT(at, ": ");
    for (size_t i = 0; i < ROW; i++) {
        if (i % 2 == 0) *at++ = ' ';
        at = i < n ? wst_digits_hex(at, p[i]) : WST_PUT(at, "  ");
    }
    at = WST_PUT(at, "  ");
    for (size_t i = 0; i < n; i++) *at++ = p[i] > 0x20 && p[i] < 0x7f ? p[i] : '.';
    return WST_PUT(at, "\n");
}

static void dump_hex(struct wst_out *out, struct wst_slice s, uint64_t offset)
{
    for (; s.n > 0; offset += ROW) {
        size_t n = s.n < ROW ? s.n : ROW;
        out->at = put_row(wst_out_reserve(out, ROW_ROOM), s.p, n, offset);
        s.p += n;
        s.n -= n;
    }
}

/* Its own lines, each indented; a carriage return before a line feed belongs to it. */
static void dump_text(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        const uint8_t *end = memchr(s.p, '\n', s.n);
        size_t n = end ? (size_t)(end - s.p) : s.n, shown = n;
        if (end && n > 0 && s.p[n - 1] == '\r') shown--;
        wst_out_text(out, "\t");
        wst_escape_plain(out, (struct wst_slice){s.p, shown});
        wst_out_text(out, "\n");
        s.p += end ? n + 1 : n;
        s.n -= end ? n + 1 : n;
    }
}

/* `offset`: of its first byte. */
static void dump_bytes(struct wst_text *text, struct wst_slice s, uint64_t offset)
{
    if (text->options.dump == WST_DUMP_HEX)
        dump_hex(&text->render.out, s, offset);
    else
        dump_text(&text->render.out, s);
}

static void dump_left(struct wst_text *text, uint64_t bytes, const char *why)
{
    struct wst_out *out = &text->render.out;
    if (bytes == 0) return;
    wst_out_text(out, "\t… ");
    wst_text_count(out, bytes, "byte");
    wst_out_text(out, why);
}

void wst_text_dump(struct wst_text *text, struct wst_slice payload, uint64_t omitted)
{
    if (text->options.dump == WST_DUMP_NONE) return;
    dump_bytes(text, payload, 0);
    dump_left(text, omitted, " more\n");
}

void wst_text_dump_message(struct wst_text *text, const struct wst_event_message *m)
{
    if (m->certain || !m->omitted) {
        wst_text_dump(text, m->payload, m->omitted);
        return;
    }
    if (text->options.dump == WST_DUMP_NONE) return;
    size_t end = m->payload.n;
    uint64_t left = m->omitted;
    dump_bytes(text, m->payload, 0);
    for (struct wst_slice piece; (piece = wst_event_piece(m->sketch, end)).n;) {
        size_t at = (size_t)(piece.p - m->sketch.p);
        dump_left(text, at - end, " not known\n");
        dump_bytes(text, piece, at);
        left -= at - end + piece.n;
        end = at + piece.n;
    }
    dump_left(text, left, " not known\n");
}

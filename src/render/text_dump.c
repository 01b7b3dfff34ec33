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
 */
#include "digits.h"
#include "quote.h"
#include "text.h"

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

static void dump_hex(struct wst_out *out, struct wst_slice s)
{
    for (uint64_t offset = 0; s.n > 0; offset += ROW) {
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

void wst_text_dump(struct wst_text *text, struct wst_slice payload, uint64_t omitted)
{
    struct wst_out *out = &text->render.out;
    if (text->options.dump == WST_DUMP_NONE) return;
    if (text->options.dump == WST_DUMP_HEX)
        dump_hex(out, payload);
    else
        dump_text(out, payload);
    if (omitted == 0) return;
    wst_out_text(out, "\t… ");
    wst_text_count(out, omitted, "byte");
    wst_out_text(out, " more\n");
}

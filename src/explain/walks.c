/* SPDX-License-Identifier: MIT
 *
 * In: text. Out: how its characters are written in bytes (UTF-8, RFC 3629 section 3), or how its
 * characters stand for bytes (base64, RFC 4648 section 4).
 */
#include <stdio.h>
#include <string.h>

#include "subject.h"
#include "utf8.h"

enum { UTF8_ROWS = 48 };

/* "110 00011 · 10 111100": what marks the byte's place, then the bits of the code point. */
static const char *utf8_pattern(const uint8_t *c, size_t n, char to[64])
{
    static const unsigned marks[] = {0, 1, 3, 4, 5};
    char *at = to;
    for (size_t i = 0; i < n; i++) {
        unsigned mark = i ? 2 : marks[n];
        if (i) *at++ = ' ';
        for (unsigned b = 8; b-- > 0;) {
            *at++ = c[i] >> b & 1 ? '1' : '0';
            if (b == 8 - mark) *at++ = '.';
        }
    }
    *at = '\0';
    return to;
}

static void utf8_row(struct wst_paper *p, struct wst_slice text, size_t i, size_t n)
{
    const uint8_t *c = text.p + i;
    char bits[64];
    uint32_t v = c[0] & (n == 1 ? 0x7fu : n == 2 ? 0x1fu : n == 3 ? 0x0fu : 0x07u);
    for (size_t k = 1; k < n; k++) v = v << 6 | (c[k] & 0x3fu);
    wst_paper_cell(p, WST_INK_NONE, "%zu", i);
    wst_paper_cell(p, WST_INK_NONE, "%s", wst_paper_hex(p, (struct wst_slice){c, n ? n : 1}, 4));
    wst_paper_cell(p, WST_INK_LENGTH, "%s", n ? utf8_pattern(c, n, bits) : wst_paper_bits(p, *c, 8));
    if (n)
        wst_paper_cell(p, WST_INK_OPCODE, "U+%04X", (unsigned)v);
    else
        wst_paper_cell(p, WST_INK_BAD, "none");
    wst_paper_cell(p, n ? WST_INK_BOLD : WST_INK_BAD, "%s",
                   n ? wst_paper_quote(p, (struct wst_slice){c, n}, n)
                     : "not UTF-8 (or its rest is in the next frame)");
}

void wst_utf8_explain(struct wst_paper *p, struct wst_slice text, bool all)
{
    static const struct wst_column columns[] = {
        {"at", "byte", WST_COLUMN_NUMBER},
        {"hex", "hex", WST_COLUMN_WORD},
        {"bits", "bits: mark . code point", WST_COLUMN_WORD},
        {"code_point", "code point", WST_COLUMN_WORD},
        {"character", "character", WST_COLUMN_WORD},
    };
    size_t rows = 0, i = 0;
    wst_paper_heading(p, "UTF-8 (RFC 3629 section 3)");
    wst_paper_table(p, "utf8", columns, 5);
    while (i < text.n && (all || rows < UTF8_ROWS)) {
        size_t n = wst_utf8_char(text.p + i, text.p + text.n);
        utf8_row(p, text, i, n);
        i += n ? n : 1;
        rows++;
    }
    wst_paper_table_end(p);
    if (i < text.n) wst_paper_say(p, "… and %zu bytes more; --all shows them", text.n - i);
}

/* -- base64 -------------------------------------------------------------------------------------
 */

static int base64_value(uint8_t c)
{
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Four characters; returns the bytes they stand for, -1: none. */
static int base64_group(const uint8_t *c, bool last, uint8_t out[3])
{
    uint32_t v = 0;
    int pad = last && c[3] == '=' ? c[2] == '=' ? 2 : 1 : 0;
    for (int i = 0; i < 4; i++) {
        int one = i >= 4 - pad ? 0 : base64_value(c[i]);
        if (one < 0) return -1;
        v = v << 6 | (uint32_t)one;
    }
    for (int i = 0; i < 3 - pad; i++) out[i] = (uint8_t)(v >> (16 - 8 * i));
    return 3 - pad;
}

int wst_base64_decode(struct wst_slice text, uint8_t *out, size_t room)
{
    size_t n = 0;
    if (text.n % 4) return -1;
    for (size_t i = 0; i < text.n; i += 4) {
        uint8_t three[3];
        int k = base64_group(text.p + i, i + 4 == text.n, three);
        if (k < 0 || n + (size_t)k > room) return -1;
        memcpy(out + n, three, (size_t)k);
        n += (size_t)k;
    }
    return (int)n;
}

static void base64_row(struct wst_paper *p, const uint8_t *c, bool last)
{
    uint8_t bytes[3];
    char values[32] = "", bits[40] = "";
    int n = base64_group(c, last, bytes);
    wst_paper_cell(p, WST_INK_KEY, "%s", wst_paper_quote(p, (struct wst_slice){c, 4}, 4));
    if (n < 0) {
        for (int i = 0; i < 3; i++) wst_paper_cell(p, WST_INK_BAD, "%s", i ? "" : "not base64");
        return;
    }
    for (int i = 0; i < 4; i++) {
        char one[8];
        if (c[i] == '=')
            snprintf(one, sizeof one, "%s=", i ? " " : "");
        else
            snprintf(one, sizeof one, "%s%d", i ? " " : "", base64_value(c[i]));
        strcat(values, one);
        if (i) strcat(bits, " ");
        for (int b = 5; b >= 0; b--)
            strcat(bits, c[i] == '=' ? "." : base64_value(c[i]) >> b & 1 ? "1" : "0");
    }
    wst_paper_cell(p, WST_INK_NONE, "%s", values);
    wst_paper_cell(p, WST_INK_LENGTH, "%s", bits);
    wst_paper_cell(p, WST_INK_BOLD, "%s",
                   wst_paper_hex(p, (struct wst_slice){bytes, (size_t)n}, 3));
}

void wst_base64_explain(struct wst_paper *p, const char *key, const char *heading,
                        struct wst_slice text, bool all)
{
    static const struct wst_column columns[] = {
        {"characters", "characters", WST_COLUMN_WORD},
        {"values", "values", WST_COLUMN_WORD},
        {"bits", "6 bits each", WST_COLUMN_WORD},
        {"bytes", "bytes", WST_COLUMN_WORD},
    };
    size_t n = all || text.n < 256 ? text.n / 4 * 4 : 256;
    wst_paper_heading(p, "%s", heading);
    wst_paper_table(p, key, columns, 4);
    for (size_t i = 0; i < n; i += 4) base64_row(p, text.p + i, i + 4 == text.n);
    wst_paper_table_end(p);
    if (text.n % 4)
        wst_paper_say(p, "%zu characters are left over: base64 comes in fours.", text.n % 4);
}

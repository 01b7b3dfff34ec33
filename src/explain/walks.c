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

/* "110.00011 10.111100": what marks the byte's place, then the bits of the code point; of the first
 * n bytes of a character of `length`. Ten columns a byte. */
static const char *utf8_pattern(const uint8_t *c, size_t n, unsigned length, char to[64])
{
    static const unsigned marks[] = {0, 1, 3, 4, 5};
    char *at = to;
    for (size_t i = 0; i < n; i++) {
        unsigned mark = i ? 2 : marks[length];
        if (i) *at++ = ' ';
        for (unsigned b = 8; b-- > 0;) {
            *at++ = c[i] >> b & 1 ? '1' : '0';
            if (b == 8 - mark) *at++ = '.';
        }
    }
    *at = '\0';
    return to;
}

/* Bytes of the character that `lead` begins; 0: none begins so. */
static unsigned utf8_length(uint8_t lead)
{
    if (lead < 0x80) return 1;
    if (lead < 0xc2 || lead > 0xf4) return 0;
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/* How many of the bytes at the front may be the beginning of one character; `n` >= 1. */
static size_t utf8_begun(const uint8_t *c, size_t n)
{
    struct wst_utf8 u;
    size_t k = 0, need = utf8_length(*c);
    wst_utf8_init(&u);
    while (k < need && k < n && wst_utf8_feed(&u, (struct wst_slice){c + k, 1})) k++;
    return k;
}

/* Why no character stands at c (RFC 3629 sections 3 and 4); n >= 1. */
static const char *utf8_wrong(const uint8_t *c, size_t n)
{
    if (*c < 0xc0) return "wrong: 10...... goes on with a character, and none was begun";
    if (*c < 0xc2) return "wrong: two bytes for what takes one (overlong)";
    if (*c > 0xf7) return "wrong: no character begins so";
    if (*c > 0xf4 || (*c == 0xf4 && n > 1 && (c[1] & 0xc0) == 0x80 && c[1] > 0x8f))
        return "wrong: beyond U+10FFFF, the last code point";
    if (n > 1 && (c[1] & 0xc0) == 0x80) { /* it goes on, but not with this */
        if (*c == 0xed) return "wrong: half of a surrogate pair, which only UTF-16 has";
        if (*c == 0xe0 || *c == 0xf0) return "wrong: more bytes than it takes (overlong)";
    }
    return "wrong: the character that it begins does not go on";
}

static void utf8_cells(struct wst_paper *p, size_t at, struct wst_slice c, const char *bits,
                       const char *code_point)
{
    wst_paper_cell(p, WST_INK_NONE, "%zu", at);
    wst_paper_cell(p, WST_INK_NONE, "%s", wst_paper_hex(p, c, 4));
    wst_paper_cell(p, WST_INK_LENGTH, "%s", bits);
    wst_paper_cell(p, WST_INK_OPCODE, "%s", code_point);
}

static void utf8_code_point(const uint8_t *c, size_t n, char to[16])
{
    uint32_t v = c[0] & (n == 1 ? 0x7fu : n == 2 ? 0x1fu : n == 3 ? 0x0fu : 0x07u);
    for (size_t k = 1; k < n; k++) v = v << 6 | (c[k] & 0x3fu);
    snprintf(to, 16, "U+%04X", (unsigned)v);
}

/* What stands at text[i]; returns how many bytes that is. */
static size_t utf8_row(struct wst_paper *p, struct wst_slice text, size_t i, bool more)
{
    const uint8_t *c = text.p + i;
    size_t left = text.n - i, n = wst_utf8_char(c, text.p + text.n), begun = utf8_begun(c, left);
    char bits[64], code_point[16];
    if (n) {
        utf8_code_point(c, n, code_point);
        utf8_cells(p, i, (struct wst_slice){c, n}, utf8_pattern(c, n, utf8_length(*c), bits),
                   code_point);
        wst_paper_cell(p, WST_INK_BOLD, "%s",
                       *c == ' ' ? "(blank)" : wst_paper_quote(p, (struct wst_slice){c, n}, n));
        return n;
    }
    if (begun == left) {
        utf8_cells(p, i, (struct wst_slice){c, left}, utf8_pattern(c, left, utf8_length(*c), bits),
                   "");
        wst_paper_cell(p, more ? WST_INK_DIM : WST_INK_BAD, "%zu byte%s of %u; %s", left,
                       left == 1 ? "" : "s", utf8_length(*c),
                       more ? "the rest is in the next frame"
                            : "wrong: the text ends before the rest");
        return left;
    }
    utf8_cells(p, i, (struct wst_slice){c, 1}, wst_paper_bits(p, *c, 8), "none");
    wst_paper_cell(p, WST_INK_BAD, "%s", utf8_wrong(c, left));
    return 1;
}

/* The character that the frames before left open; returns how many bytes here are of it. */
static size_t utf8_open(struct wst_paper *p, struct wst_slice open, struct wst_slice text,
                        bool more)
{
    uint8_t c[4];
    size_t need = utf8_length(open.p[0]), k = need - open.n < text.n ? need - open.n : text.n;
    char bits[64], code_point[16];
    memcpy(c, open.p, open.n);
    memcpy(c + open.n, text.p, k);
    size_t n = open.n + k, begun = utf8_begun(c, n);
    if (begun < n) {
        k = begun - open.n;
        if (!k) {
            utf8_cells(p, 0, (struct wst_slice){text.p, 0}, "", "");
            wst_paper_cell(p, WST_INK_BAD,
                           "wrong: the character that the frame before began does "
                           "not go on");
            return 0;
        }
        n = begun;
    }
    utf8_pattern(c, n, (unsigned)need, bits);
    if (n == need) utf8_code_point(c, n, code_point);
    utf8_cells(p, 0, (struct wst_slice){text.p, k}, bits + open.n * 10,
               n == need ? code_point : "");
    if (n == need)
        wst_paper_cell(p, WST_INK_BOLD, "%s, begun in an earlier frame",
                       wst_paper_quote(p, (struct wst_slice){c, n}, n));
    else
        wst_paper_cell(p, more ? WST_INK_DIM : WST_INK_BAD,
                       "goes on with the character of the frame before: %zu bytes of %zu%s", n,
                       need, more ? "" : "; wrong: the text ends before the rest");
    return k;
}

void wst_utf8_explain(struct wst_paper *p, struct wst_slice open, struct wst_slice text, bool more,
                      bool all)
{
    static const struct wst_column columns[] = {
        {"at", "byte", WST_COLUMN_NUMBER},
        {"hex", "hex", WST_COLUMN_WORD},
        {"bits", "bits: mark . code point", WST_COLUMN_WORD},
        {"code_point", "code", WST_COLUMN_WORD},
        {"character", "character", WST_COLUMN_WORD},
    };
    size_t rows = 0, i = 0;
    wst_paper_heading(p, "UTF-8 (RFC 3629 section 3)");
    wst_paper_table(p, "utf8", columns, 5);
    if (open.n && text.n) i = utf8_open(p, open, text, more);
    while (i < text.n && (all || rows++ < UTF8_ROWS)) i += utf8_row(p, text, i, more);
    wst_paper_table_end(p);
    if (i < text.n)
        wst_paper_say(p, "… and %zu byte%s more; --all shows them", text.n - i,
                      text.n - i == 1 ? "" : "s");
}

size_t wst_utf8_left_open(struct wst_slice open, struct wst_slice text, uint8_t to[4])
{
    uint8_t end[7];
    size_t n = open.n, k = text.n < 4 ? text.n : 4;
    if (text.n < 4)
        memcpy(end, open.p, n);
    else
        n = 0;
    if (k) memcpy(end + n, text.p + (text.n - k), k);
    n += k;
    for (size_t i = n < 4 ? 0 : n - 3; i < n; i++) { /* where one begins that is not over */
        if (utf8_length(end[i]) < 2 || utf8_begun(end + i, n - i) != n - i) continue;
        if (n - i == utf8_length(end[i])) return 0;
        memcpy(to, end + i, n - i);
        return n - i;
    }
    return 0;
}

/* -- base64 ------------------------------------------------------------------------------------ */

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

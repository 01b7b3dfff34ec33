/* SPDX-License-Identifier: MIT
 *
 * In: any bytes. Out: one line that a terminal shows as it is, in quotes as strace writes them.
 * Refuses to let a control or hidden character pass raw:
 *
 *     \n \t \r \" \\      the usual
 *     \x1b                an ASCII control, or a byte that is not UTF-8
 *     \u{202e}            a character that is valid but hides (escape.h)
 */
#include "quote.h"

#include "digits.h"
#include "escape.h"
#include "scan.h"
#include "utf8.h"

enum { PIECE = 8192 }; /* bytes at a time */

/* A byte becomes at most \x1b, four; a character of two at most \u{9b}, six; and a store is 32 or
 * less. */
#define ROOM(n) (4 * (n) + 32)

/* What each byte becomes, when it stands for itself. */
/* clang-format off */
#define X(hex) {"\\x" hex, 4}
#define X8(h)  X(h "8"), X(h "9"), X(h "a"), X(h "b"), X(h "c"), X(h "d"), X(h "e"), X(h "f")
#define X16(h) X(h "0"), X(h "1"), X(h "2"), X(h "3"), X(h "4"), X(h "5"), X(h "6"), X(h "7"), X8(h)
static const struct wst_scan_row rows[256] = {
    X("00"), X("01"), X("02"), X("03"), X("04"), X("05"), X("06"), X("07"),
    X("08"), {"\\t", 2}, {"\\n", 2}, X("0b"), X("0c"), {"\\r", 2}, X("0e"), X("0f"),
    X16("1"), WST_SCAN_PRINTABLE(X("7f")),
    X16("8"), X16("9"), X16("a"), X16("b"), X16("c"), X16("d"), X16("e"), X16("f"),
};
#undef X16
#undef X8
#undef X
/* clang-format on */

/* The number of a character in two, four or six digits. */
static uint8_t *put_hidden(uint8_t *at, uint32_t c)
{
    at = WST_PUT(at, "\\u{");
    if (c > 0xffff) at = wst_digits_hex(at, (uint8_t)(c >> 16));
    if (c > 0xff) at = wst_digits_hex(at, (uint8_t)(c >> 8));
    at = wst_digits_hex(at, (uint8_t)c);
    return WST_PUT(at, "}");
}

/* wst_scan_how.high */
static uint8_t *put_high(uint8_t *at, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *c = *p;
    size_t n = wst_scan_common(at, c, end);
    if (n == 0) {
        n = wst_utf8_char(c, end);
        *p = c + (n ? n : 1);
        if (n == 0) {
            memcpy(at, &rows[*c], sizeof rows[*c]);
            return at + rows[*c].n;
        }
        if (wst_utf8_hidden(wst_scan_code_point(c, n)))
            return put_hidden(at, wst_scan_code_point(c, n));
        for (size_t i = 0; i < n; i++) at[i] = c[i];
    }
    *p = c + n;
    return at + n;
}

static uint8_t *put_piece(uint8_t *at, struct wst_slice s, enum wst_escape_kind kind)
{
    const uint8_t *p = s.p, *end = s.p + s.n;
    if (kind == WST_ESCAPE_BYTES)
        return wst_scan_escape(at, p, end, (struct wst_scan_how){rows, NULL, true, false});
    at = wst_escape_usual(at, &p, end);
    return wst_scan_escape(at, p, end, (struct wst_scan_how){rows, put_high, true, false});
}

void wst_escape_part(struct wst_out *out, struct wst_slice s, enum wst_escape_kind kind)
{
    while (s.n > 0) {
        size_t n = wst_utf8_cut(s, PIECE);
        out->at = put_piece(wst_out_reserve(out, ROOM(n)), (struct wst_slice){s.p, n}, kind);
        s.p += n;
        s.n -= n;
    }
}

void wst_escape_missing(struct wst_out *out, uint64_t missing)
{
    uint8_t *at = wst_out_reserve(out, 48);
    at = wst_digits(WST_PUT(at, "… +"), missing);
    out->at = missing == 1 ? WST_PUT(at, " byte") : WST_PUT(at, " bytes");
}

/* Columns of a byte by itself. A backslash before a quote is not counted: JSON would lose half its
 * room to them. */
static size_t byte_columns(uint8_t c)
{
    return rows[c].n - (c == '"') - (c == '\\');
}

/* Columns that the character at `c` takes, and in *n its bytes. */
static size_t columns_of(const uint8_t *c, const uint8_t *end, size_t *n)
{
    uint8_t written[16];
    *n = *c < 0x80 ? 0 : wst_scan_common_length(c, end);
    if (*n) return *n - 1; /* two bytes: narrow; three: wide */
    if (*c < 0x80 || (*n = wst_utf8_char(c, end)) == 0) {
        *n = 1;
        return byte_columns(*c);
    }
    uint32_t point = wst_scan_code_point(c, *n);
    if (wst_utf8_hidden(point)) return (size_t)(put_hidden(written, point) - written);
    return point < 0x1100 ? 1 : 2; /* East Asian scripts and emoji are wide */
}

/* Whether eight bytes are printable ASCII: none is below 0x20, 0x7f, or above. */
static bool eight_columns(const uint8_t *p)
{
    const uint64_t each = 0x0101010101010101u;
    uint64_t x;
    memcpy(&x, p, 8);
    /* A byte that is too small borrows, and so sets its highest bit; what it does to those above it
     * changes nothing. */
    return !((x | (x - each * 0x20) | ((x ^ each * 0x7f) - each)) & each * 0x80);
}

/* How many bytes of `s` fit into `max` columns, each by itself. */
static size_t fitting_bytes(struct wst_slice s, size_t max)
{
    size_t at = 0, taken = 0;
    while (at < s.n && (taken += byte_columns(s.p[at])) <= max) at++;
    return at;
}

size_t wst_escape_fitting(struct wst_slice s, enum wst_escape_kind kind, size_t max)
{
    size_t at = 0, n;
    if (kind == WST_ESCAPE_BYTES) return fitting_bytes(s, max);
    while (at < s.n) {
        if (max >= 8 && s.n - at >= 8 && eight_columns(s.p + at)) {
            at += 8;
            max -= 8;
            continue;
        }
        size_t columns = columns_of(s.p + at, s.p + s.n, &n);
        if (columns > max) break;
        max -= columns;
        at += n;
    }
    return at;
}

bool wst_escape_fits(struct wst_slice s, enum wst_escape_kind kind, size_t max)
{
    return wst_escape_fitting(s, kind, max) == s.n;
}

void wst_escape_quote(struct wst_out *out, struct wst_slice s, enum wst_escape_kind kind,
                      size_t max, uint64_t omitted)
{
    size_t shown = max == 0 ? s.n : wst_escape_fitting(s, kind, max);
    uint64_t missing = s.n - shown + omitted;
    *wst_out_reserve(out, 1) = '"';
    out->at++;
    wst_escape_part(out, (struct wst_slice){s.p, shown}, kind);
    *wst_out_reserve(out, 1) = '"';
    out->at++;
    if (missing > 0) wst_escape_missing(out, missing);
}

/* The table escapes '"' for the sake of the closing one; here there is none. */
void wst_escape_plain(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        const uint8_t *quote = memchr(s.p, '"', s.n);
        size_t n = quote ? (size_t)(quote - s.p) : s.n;
        wst_escape_part(out, (struct wst_slice){s.p, n}, WST_ESCAPE_TEXT);
        if (quote == NULL) return;
        wst_out_text(out, "\"");
        s.p += n + 1;
        s.n -= n + 1;
    }
}

void wst_escape_word(struct wst_out *out, struct wst_slice s)
{
    bool one = s.n > 0;
    for (size_t i = 0; i < s.n && one; i++) one = s.p[i] != ' ' && s.p[i] != '"';
    if (one)
        wst_escape_plain(out, s);
    else
        wst_escape_quote(out, s, WST_ESCAPE_TEXT, 0, 0);
}

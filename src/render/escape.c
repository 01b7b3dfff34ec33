/* SPDX-License-Identifier: MIT
 *
 * In: any bytes. Out: the inside of a JSON string, always valid UTF-8 and valid JSON.
 * Refuses to let a control character, a terminal escape or a hidden character pass raw.
 */
#include "escape.h"

#include "digits.h"
#include "scan.h"
#include "utf8.h"

enum { PIECE = 8192 }; /* bytes at a time: escaped they are 48 KiB, less than half the buffer */

/* What each ASCII byte becomes. */
/* clang-format off */
#define U(hex) {"\\u00" hex, 6}
static const struct wst_scan_row rows[128] = {
    U("00"), U("01"), U("02"), U("03"), U("04"), U("05"), U("06"), U("07"),
    {"\\b", 2}, {"\\t", 2}, {"\\n", 2}, U("0b"), {"\\f", 2}, {"\\r", 2}, U("0e"), U("0f"),
    U("10"), U("11"), U("12"), U("13"), U("14"), U("15"), U("16"), U("17"),
    U("18"), U("19"), U("1a"), U("1b"), U("1c"), U("1d"), U("1e"), U("1f"),
    WST_SCAN_PRINTABLE(U("7f")),
};
#undef U
/* clang-format on */

static uint8_t *put_u16(uint8_t *at, uint32_t unit)
{
    at = WST_PUT(at, "\\u");
    at = wst_digits_hex(at, (uint8_t)(unit >> 8));
    return wst_digits_hex(at, (uint8_t)unit);
}

/* RFC 8259 section 7: beyond U+FFFF as a surrogate pair. */
static uint8_t *put_escaped(uint8_t *at, uint32_t c)
{
    if (c < 0x10000) return put_u16(at, c);
    c -= 0x10000;
    at = put_u16(at, 0xd800 | c >> 10);
    return put_u16(at, 0xdc00 | (c & 0x3ff));
}

/* Whether a character that begins with this byte may be hidden at all; most scripts go by here. */
static bool lead_may_hide(uint8_t c)
{
    return c == 0xc2 || c == 0xd8 || c == 0xe1 || c == 0xe2 || c == 0xef || c == 0xf0 || c == 0xf3;
}

/* wst_scan_how.high */
static uint8_t *put_high(uint8_t *at, const uint8_t **p, const uint8_t *end)
{
    const uint8_t *c = *p;
    size_t n = wst_scan_common(at, c, end);
    if (n == 0) {
        n = wst_utf8_char(c, end);
        if (n == 0) {
            *p = c + 1;
            return WST_PUT(at, "\\ufffd");
        }
        if (lead_may_hide(*c) && wst_utf8_hidden(wst_scan_code_point(c, n))) {
            *p = c + n;
            return put_escaped(at, wst_scan_code_point(c, n));
        }
        for (size_t i = 0; i < n; i++) at[i] = c[i];
    }
    *p = c + n;
    return at + n;
}

uint8_t *wst_escape_json_at(uint8_t *at, struct wst_slice s)
{
    if (s.n == 0) return at;
    bool valid = s.n >= 64 && wst_utf8_valid(s);
    return wst_scan_escape(at, s.p, s.p + s.n, (struct wst_scan_how){rows, put_high, true, valid});
}

uint8_t *wst_escape_json_scalar(uint8_t *at, struct wst_slice s)
{
    if (s.n == 0) return at;
    return wst_scan_escape(at, s.p, s.p + s.n, (struct wst_scan_how){rows, put_high, false, false});
}

void wst_escape_json(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        size_t n = wst_utf8_cut(s, PIECE);
        uint8_t *at = wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(n));
        out->at = wst_escape_json_at(at, (struct wst_slice){s.p, n});
        s.p += n;
        s.n -= n;
    }
}

static uint8_t *put_latin1(uint8_t *at, uint8_t c)
{
    if (c < 0x80) {
        memcpy(at, &rows[c], sizeof rows[c]);
        return at + rows[c].n;
    }
    if (wst_utf8_hidden(c)) return put_u16(at, c);
    at[0] = (uint8_t)(0xc0 | c >> 6);
    at[1] = (uint8_t)(0x80 | (c & 0x3f));
    return at + 2;
}

void wst_escape_json_loose(struct wst_out *out, struct wst_slice s)
{
    if (wst_utf8_valid(s)) {
        wst_escape_json(out, s);
        return;
    }
    for (size_t i = 0; i < s.n; i++)
        out->at = put_latin1(wst_out_reserve(out, WST_ESCAPE_JSON_ROOM(1)), s.p[i]);
}

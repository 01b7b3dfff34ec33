/* SPDX-License-Identifier: MIT
 *
 * In: pieces of the page. Out: large pieces of them to the caller's writer.
 * Refuses to let data become markup; refuses to go on after the writer has failed.
 */
#include "out.h"

#include <string.h>

#include "utf8.h"

static const char hex[] = "0123456789abcdef";

void wst_report_flush(struct wst_report_out *out)
{
    if (out->n > 0 && out->failed == 0) out->failed = out->write(out->user, out->buffer, out->n);
    out->n = 0;
}

void wst_report_bytes(struct wst_report_out *out, const void *p, size_t n)
{
    const uint8_t *from = p;
    out->total += n;
    while (n > 0) {
        size_t room = WST_REPORT_OUT_SIZE - out->n;
        size_t piece = n < room ? n : room;
        memcpy(out->buffer + out->n, from, piece);
        out->n += piece;
        from += piece;
        n -= piece;
        if (n > 0) wst_report_flush(out);
    }
}

void wst_report_text(struct wst_report_out *out, const char *text)
{
    wst_report_bytes(out, text, strlen(text));
}

/* -- what must not stand as it is -------------------------------------------------------------- */

static bool is_markup(uint8_t c)
{
    return c == '<' || c == '>' || c == '&';
}

static void put_u00(struct wst_report_out *out, uint8_t c)
{
    char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
    wst_report_bytes(out, text, sizeof text);
}

void wst_report_json(struct wst_report_out *out, const uint8_t *p, size_t n)
{
    size_t plain = 0;
    for (size_t i = 0; i < n; i++) {
        if (!is_markup(p[i])) continue;
        wst_report_bytes(out, p + plain, i - plain);
        put_u00(out, p[i]);
        plain = i + 1;
    }
    wst_report_bytes(out, p + plain, n - plain);
}

/* U+2028 and U+2029 end a line in some readers of JSON: e2 80 a8, e2 80 a9. */
static bool is_separator(const uint8_t *p, const uint8_t *end)
{
    return end - p >= 3 && p[0] == 0xe2 && p[1] == 0x80 && (p[2] == 0xa8 || p[2] == 0xa9);
}

/* Writes the character at p, which does not stand as it is. Returns its length. */
static size_t put_escaped(struct wst_report_out *out, const uint8_t *p, const uint8_t *end)
{
    if (is_separator(p, end)) {
        wst_report_text(out, p[2] == 0xa8 ? "\\u2028" : "\\u2029");
        return 3;
    }
    if (*p >= 0x80) { /* not UTF-8 */
        wst_report_text(out, "\\ufffd");
        return 1;
    }
    if (*p == '"' || *p == '\\') {
        char text[2] = {'\\', (char)*p};
        wst_report_bytes(out, text, sizeof text);
    } else {
        put_u00(out, *p);
    }
    return 1;
}

/* Length of the character at p if it may stand as it is; 0: it may not. */
static size_t as_it_is(const uint8_t *p, const uint8_t *end)
{
    if (*p >= 0x80) return is_separator(p, end) ? 0 : wst_utf8_char(p, end);
    return *p >= 0x20 && *p != '"' && *p != '\\' && *p != 0x7f && !is_markup(*p);
}

void wst_report_string(struct wst_report_out *out, struct wst_slice s)
{
    wst_report_text(out, "\"");
    if (s.n > 0) {
        const uint8_t *p = s.p, *end = s.p + s.n, *plain = p;
        while (p < end) {
            size_t n = as_it_is(p, end);
            if (n == 0) {
                wst_report_bytes(out, plain, (size_t)(p - plain));
                n = put_escaped(out, p, end);
                plain = p + n;
            }
            p += n;
        }
        wst_report_bytes(out, plain, (size_t)(end - plain));
    }
    wst_report_text(out, "\"");
}

/* -- numbers, bytes ---------------------------------------------------------------------------- */

static void put_digits(struct wst_report_out *out, uint64_t value)
{
    char digits[20]; /* of UINT64_MAX */
    size_t at = sizeof digits;
    do digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    wst_report_bytes(out, digits + at, sizeof digits - at);
}

void wst_report_number(struct wst_report_out *out, uint64_t value)
{
    bool exact = value < UINT64_C(1) << 53;
    if (!exact) wst_report_text(out, "\"");
    put_digits(out, value);
    if (!exact) wst_report_text(out, "\"");
}

void wst_report_signed(struct wst_report_out *out, int64_t value)
{
    if (value < 0) wst_report_text(out, "-");
    put_digits(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void wst_report_hex(struct wst_report_out *out, struct wst_slice s)
{
    wst_report_text(out, "\"");
    for (size_t i = 0; i < s.n; i++) {
        char text[2] = {hex[s.p[i] >> 4], hex[s.p[i] & 15]};
        wst_report_bytes(out, text, sizeof text);
    }
    wst_report_text(out, "\"");
}

/* RFC 4648 section 4: three bytes become four letters; what is missing of the last three, '='. */
void wst_report_base64(struct wst_report_out *out, struct wst_slice s)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    wst_report_text(out, "\"");
    for (size_t i = 0; i < s.n; i += 3) {
        size_t left = s.n - i;
        uint32_t bits = (uint32_t)s.p[i] << 16 | (left > 1 ? (uint32_t)s.p[i + 1] << 8 : 0) |
                        (left > 2 ? s.p[i + 2] : 0);
        char text[4] = {letters[bits >> 18], letters[bits >> 12 & 63],
                        left > 1 ? letters[bits >> 6 & 63] : '=',
                        left > 2 ? letters[bits & 63] : '='};
        wst_report_bytes(out, text, sizeof text);
    }
    wst_report_text(out, "\"");
}

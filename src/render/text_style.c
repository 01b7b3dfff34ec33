/* SPDX-License-Identifier: MIT
 *
 * In: times, connections, directions, numbers. Out: the left columns that every line has, colours,
 * and small words.
 */
#include "digits.h"
#include "text.h"

#include <wstrace/event.h>

/* -- colour --------------------------------------------------------------------------------- */

uint8_t *wst_text_ink_at(const struct wst_text *text, uint8_t *at, enum wst_text_ink ink)
{
    if (!text->options.colour) return at;
    switch (ink) {
    case WST_TEXT_DIM: return WST_PUT(at, "\x1b[2m");
    case WST_TEXT_CLIENT: return WST_PUT(at, "\x1b[36m"); /* cyan */
    case WST_TEXT_SERVER: return WST_PUT(at, "\x1b[32m"); /* green */
    case WST_TEXT_WARN: return WST_PUT(at, "\x1b[33m");   /* yellow */
    case WST_TEXT_BAD: return WST_PUT(at, "\x1b[31m");    /* red */
    case WST_TEXT_FOUND: return WST_PUT(at, "\x1b[1;31m"); /* bold red, as grep has it */
    }
    return at;
}

uint8_t *wst_text_plain_at(const struct wst_text *text, uint8_t *at)
{
    return text->options.colour ? WST_PUT(at, "\x1b[0m") : at;
}

void wst_text_ink(struct wst_text *text, enum wst_text_ink ink)
{
    struct wst_out *out = &text->render.out;
    out->at = wst_text_ink_at(text, wst_out_reserve(out, 8), ink);
}

void wst_text_plain(struct wst_text *text)
{
    struct wst_out *out = &text->render.out;
    out->at = wst_text_plain_at(text, wst_out_reserve(out, 8));
}

/* -- the left columns ----------------------------------------------------------------------- */

static uint8_t *put_fraction(uint8_t *at, uint32_t ns, bool nanos)
{
    *at++ = '.';
    return nanos ? wst_digits_fixed(at, ns, 9) : wst_digits_fixed(at, ns / 1000, 6);
}

/* -ttt and -ttttt as tcpdump writes them: a sign or a blank, then hours, minutes, seconds. */
static uint8_t *put_difference(uint8_t *at, int64_t from, int64_t to, bool nanos)
{
    uint64_t ns = to < from ? (uint64_t)from - (uint64_t)to : (uint64_t)to - (uint64_t)from;
    uint64_t second = ns / 1000000000u, hours = second / 3600;
    *at++ = to < from ? '-' : ' ';
    if (hours < 10) *at++ = '0';
    at = wst_digits(at, hours);
    *at++ = ':';
    at = wst_digits_fixed(at, (uint32_t)(second / 60 % 60), 2);
    *at++ = ':';
    at = wst_digits_fixed(at, (uint32_t)(second % 60), 2);
    return put_fraction(at, (uint32_t)(ns % 1000000000u), nanos);
}

static uint8_t *put_clock(struct wst_text *text, uint8_t *at, const struct wst_text_left *left)
{
    uint32_t rest = wst_clock_set(&text->clock, left->when.ns);
    if (text->options.time == WST_TIME_DATE) {
        memcpy(at, text->clock.text, WST_CLOCK_DATE);
        at += WST_CLOCK_DATE;
        *at++ = ' ';
    }
    memcpy(at, text->clock.text + WST_CLOCK_DATE + 1, WST_CLOCK_TIME);
    return put_fraction(at + WST_CLOCK_TIME, rest, left->nanos);
}

static uint8_t *put_time(struct wst_text *text, uint8_t *at, const struct wst_text_left *left)
{
    int64_t now = left->when.ns;
    if (!text->timed) text->first_ns = text->last_ns = now;
    text->timed = true;
    switch (text->options.time) {
    case WST_TIME_NONE: return at;
    case WST_TIME_EPOCH: at = wst_digits_seconds(at, now, left->nanos); break;
    case WST_TIME_DELTA: at = put_difference(at, text->last_ns, now, left->nanos); break;
    case WST_TIME_SINCE: at = put_difference(at, text->first_ns, now, left->nanos); break;
    case WST_TIME_CLOCK:
    case WST_TIME_DATE: at = put_clock(text, at, left); break;
    }
    text->last_ns = now;
    *at++ = ' ';
    return at;
}

/* "#12", blanks behind up to the widest number so far: columns move at most once a power of ten. */
static uint8_t *put_conn(struct wst_text *text, uint8_t *at, uint64_t conn)
{
    unsigned digits = conn ? wst_digits_count(conn) : 0;
    if (digits > text->conn_width) text->conn_width = digits;
    *at++ = conn ? '#' : ' ';
    if (conn) at = wst_digits(at, conn);
    for (unsigned i = digits; i < text->conn_width; i++) *at++ = ' ';
    *at++ = ' ';
    return at;
}

uint8_t *wst_text_start(struct wst_text *text, uint8_t *at, const struct wst_text_left *left)
{
    if (text->options.time != WST_TIME_NONE) {
        at = wst_text_ink_at(text, at, WST_TEXT_DIM);
        at = put_time(text, at, left);
        at = wst_text_plain_at(text, at);
    }
    return put_conn(text, at, left->conn);
}

uint8_t *wst_text_left(struct wst_text *text, uint8_t *at, const struct wst_text_left *left)
{
    at = wst_text_start(text, at, left);
    if (left->dir == WST_DIR_NONE) return WST_PUT(at, "   ");
    at = wst_text_ink_at(text, at, left->dir == WST_C2S ? WST_TEXT_CLIENT : WST_TEXT_SERVER);
    at = left->dir == WST_C2S ? WST_PUT(at, ">  ") : WST_PUT(at, " < ");
    return wst_text_plain_at(text, at);
}

/* -- small words ---------------------------------------------------------------------------- */

uint8_t *wst_text_right(uint8_t *at, uint64_t value, unsigned width)
{
    for (unsigned digits = wst_digits_count(value); digits < width; digits++) *at++ = ' ';
    return wst_digits(at, value);
}

void wst_text_count(struct wst_out *out, uint64_t n, const char *what)
{
    wst_out_number(out, n);
    wst_out_text(out, " ");
    wst_out_text(out, what);
    if (n != 1) wst_out_text(out, "s");
}

static void put_thousandths(struct wst_out *out, uint64_t n, const char *unit)
{
    uint8_t *at = wst_digits(wst_out_reserve(out, 32), n / 1000);
    *at++ = '.';
    out->at = wst_digits_fixed(at, (uint32_t)(n % 1000), 3);
    wst_out_text(out, unit);
}

static void put_sixties(struct wst_out *out, uint64_t n, const char *big, const char *small)
{
    wst_out_number(out, n / 60);
    wst_out_text(out, big);
    wst_out_number(out, n % 60);
    wst_out_text(out, small);
}

void wst_text_duration(struct wst_out *out, int64_t ns)
{
    uint64_t n = ns < 0 ? -(uint64_t)ns : (uint64_t)ns, second = n / 1000000000u;
    if (ns < 0) wst_out_text(out, "-");
    if (n < 1000000u) {
        wst_out_number(out, n / 1000);
        wst_out_text(out, " µs");
    } else if (n < 1000000000u) {
        put_thousandths(out, n / 1000, " ms");
    } else if (second < 60) {
        put_thousandths(out, n / 1000000u, " s");
    } else if (second < 3600) {
        put_sixties(out, second, " min ", " s");
    } else {
        put_sixties(out, second / 60, " h ", " min");
    }
}

void wst_text_close_code(struct wst_out *out, int32_t code)
{
    const char *name = wst_close_code_name(code);
    if (code < 0) {
        wst_out_text(out, code == -2 ? "code not captured" : "no code");
        return;
    }
    wst_out_number(out, (uint64_t)code);
    if (name == NULL) return;
    wst_out_text(out, " ");
    wst_out_text(out, name);
}

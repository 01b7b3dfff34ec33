/* SPDX-License-Identifier: MIT
 *
 * In: Cookie and Set-Cookie lines (RFC 6265). Out: cookies, as an archive lists them.
 * Refuses to make up an expiry that the line does not say so that it can be read.
 */
#include "escape.h"
#include "har.h"

/* Takes what stands before the next ';'. */
static bool next(struct wst_slice *rest, struct wst_slice *name, struct wst_slice *value)
{
    if (rest->n == 0) return false;
    const uint8_t *end = memchr(rest->p, ';', rest->n);
    struct wst_slice one = wst_slice_head(*rest, end ? (size_t)(end - rest->p) : rest->n);
    const uint8_t *is = one.n ? memchr(one.p, '=', one.n) : NULL;
    *rest = wst_slice_skip(*rest, one.n + 1);
    *name = is ? wst_slice_head(one, (size_t)(is - one.p)) : wst_slice_of(one.p, 0);
    *value = wst_slice_trimmed(is ? wst_slice_skip(one, name->n + 1) : one);
    *name = wst_slice_trimmed(*name);
    return true;
}

/* -- dates ------------------------------------------------------------------------------------- */

struct date {
    int day, month, year, hour, minute, second;
    bool time;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Leading digits of *s, at most `most`; -1: none. */
static int take_number(struct wst_slice *s, size_t most)
{
    int value = 0;
    size_t n = 0;
    for (; n < s->n && n < most && is_digit(s->p[n]); n++) value = 10 * value + (s->p[n] - '0');
    *s = wst_slice_skip(*s, n);
    return n ? value : -1;
}

static bool take_time(struct date *d, struct wst_slice s)
{
    int part[3];
    for (int i = 0; i < 3; i++) {
        if (i && (s.n == 0 || s.p[0] != ':')) return false;
        if (i) s = wst_slice_skip(s, 1);
        part[i] = take_number(&s, 2);
        if (part[i] < 0) return false;
    }
    d->hour = part[0];
    d->minute = part[1];
    d->second = part[2];
    return d->time = true;
}

static int month_of(struct wst_slice s)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12 && s.n >= 3; i++)
        if (wst_same_nocase(s.p, names + 3 * i, 3)) return i + 1;
    return 0;
}

/* RFC 6265 section 5.1.1: what stands between delimiters, by what it looks like. */
static void take_token(struct date *d, struct wst_slice s)
{
    struct wst_slice rest = s;
    if (!d->time && take_time(d, s)) return;
    int number = take_number(&rest, 4);
    size_t digits = s.n - rest.n;
    if (!d->day && number >= 0 && digits <= 2) {
        d->day = number;
    } else if (!d->month && month_of(s)) {
        d->month = month_of(s);
    } else if (!d->year && number >= 0 && digits >= 2) {
        d->year = digits > 2 ? number : number < 70 ? 2000 + number : 1900 + number;
    }
}

static bool is_delimiter(uint8_t c)
{
    return !(is_digit(c) || c == ':' || (wst_ascii_lower(c) >= 'a' && wst_ascii_lower(c) <= 'z'));
}

static bool is_day(const struct date *d)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (d->year % 4 == 0 && d->year % 100 != 0) || d->year % 400 == 0;
    if (!d->month || d->year < 1601) return false;
    return d->day >= 1 && d->day <= days[d->month - 1] + (leap && d->month == 2);
}

static bool read_date(struct wst_slice s, struct date *d)
{
    *d = (struct date){.time = false};
    while (s.n > 0) {
        size_t n = 0;
        while (n < s.n && !is_delimiter(s.p[n])) n++;
        if (n > 0) take_token(d, wst_slice_head(s, n));
        s = wst_slice_skip(s, n + 1);
    }
    return d->time && is_day(d) && d->hour < 24 && d->minute < 60 && d->second < 60;
}

static void put_two(char *at, int value)
{
    at[0] = (char)('0' + value / 10 % 10);
    at[1] = (char)('0' + value % 10);
}

static void put_expires(struct wst_out *out, struct wst_slice value)
{
    char text[] = "0000-00-00T00:00:00Z";
    struct date d;
    if (!read_date(value, &d)) {
        wst_har_slice(out, ",\"_expires\":", value);
        return;
    }
    put_two(text, d.year / 100);
    put_two(text + 2, d.year % 100);
    put_two(text + 5, d.month);
    put_two(text + 8, d.day);
    put_two(text + 11, d.hour);
    put_two(text + 14, d.minute);
    put_two(text + 17, d.second);
    wst_har_text(out, ",\"expires\":", text);
}

/* -- cookies ----------------------------------------------------------------------------------- */

static void begin(struct wst_out *out, bool *any, struct wst_slice name, struct wst_slice value)
{
    wst_har_slice(out, *any ? ",{\"name\":" : "{\"name\":", name);
    wst_har_slice(out, ",\"value\":", value);
    *any = true;
}

static void put_sent(struct wst_out *out, bool *any, struct wst_slice rest)
{
    struct wst_slice name, value;
    while (next(&rest, &name, &value)) {
        if (name.n + value.n == 0) continue;
        begin(out, any, name, value);
        wst_out_text(out, "}");
    }
}

/* Of an attribute that comes twice the last one counts; a member must not come twice. */
static void put_attributes(struct wst_out *out, struct wst_slice rest)
{
    static const char *const names[] = {"Path",     "Domain",   "Expires",
                                        "SameSite", "HttpOnly", "Secure"};
    static const char *const keys[] = {",\"path\":",     ",\"domain\":", NULL,
                                       ",\"sameSite\":", NULL,           NULL};
    struct wst_slice found[6] = {{NULL, 0}}, name, value;
    while (next(&rest, &name, &value))
        for (int i = 0; i < 6; i++)
            if (wst_slice_is_nocase(name.n ? name : value, names[i])) found[i] = value;
    for (int i = 0; i < 4; i++)
        if (found[i].p && i == 2)
            put_expires(out, found[i]);
        else if (found[i].p)
            wst_har_slice(out, keys[i], found[i]);
    wst_har_bool(out, ",\"httpOnly\":", found[4].p != NULL);
    wst_har_bool(out, ",\"secure\":", found[5].p != NULL);
}

static void put_set(struct wst_out *out, bool *any, struct wst_slice rest)
{
    struct wst_slice name, value;
    if (!next(&rest, &name, &value)) return;
    begin(out, any, name, value);
    put_attributes(out, rest);
    wst_out_text(out, "}");
}

void wst_har_cookies(struct wst_out *out, const struct wst_header *headers, size_t n, bool set)
{
    bool any = false;
    wst_out_text(out, ",\"cookies\":[");
    for (size_t i = 0; i < n; i++) {
        if (!headers[i].name.p || !headers[i].value.n) continue;
        if (!wst_slice_is_nocase(headers[i].name, set ? "Set-Cookie" : "Cookie")) continue;
        if (set)
            put_set(out, &any, headers[i].value);
        else
            put_sent(out, &any, headers[i].value);
    }
    wst_out_text(out, "]");
}

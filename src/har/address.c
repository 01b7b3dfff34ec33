/* SPDX-License-Identifier: MIT
 *
 * In: what a request names. Out: its address as browsers write it, and its query taken apart.
 * Refuses a Host that is none, and bytes that cannot stand in an address: these are written %xx.
 *
 *     /chat?room=1            ws://example.com/chat?room=1
 *     http://a/chat           ws://a/chat        (RFC 9112 section 3.2.2)
 *     no Host, or a bad one   ws://10.0.0.1:8080/chat
 */
#include "digits.h"
#include "escape.h"
#include "har.h"
#include "utf8.h"

static bool is_hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static uint8_t hex_value(uint8_t c)
{
    return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

/* Of RFC 3986 all that it lets stand in a path or a query, and '[' ']', which browsers do. */
static bool may_stand(const uint8_t *p, const uint8_t *end)
{
    static const char others[] = "-._~!$&'()*+,;=:@/?[]";
    uint8_t c = *p;
    if (c == '%') return end - p > 2 && is_hex(p[1]) && is_hex(p[2]);
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c && strchr(others, c));
}

/* Returns whether it is as it was. */
static bool put_part(struct wst_out *out, struct wst_slice s)
{
    bool same = true;
    for (size_t i = 0; i < s.n; i++) {
        uint8_t *at = wst_out_reserve(out, 8);
        if (may_stand(s.p + i, s.p + s.n)) {
            *at++ = s.p[i];
        } else {
            *at++ = '%';
            at = wst_digits_hex(at, s.p[i]);
            same = false;
        }
        out->at = at;
    }
    return same;
}

/* A name or an address, perhaps a port, and nothing that would make it another address. */
static bool is_host(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        bool bracket = s.p[i] == '[' ? i == 0 : s.p[i] != ']' || s.p[0] == '[';
        if (!bracket || !may_stand(s.p + i, s.p + s.n) || strchr("@/?%!$&'()*+,;=", s.p[i]))
            return false;
    }
    return s.n > 0;
}

static void put_server(struct wst_out *out, const struct wst_event_handshake *h, bool secure)
{
    bool six = strchr(h->server_ip, ':') != NULL;
    if (is_host(h->host)) {
        wst_escape_json(out, h->host);
        return;
    }
    wst_out_text(out, six ? "[" : "");
    wst_out_text(out, h->server_ip);
    wst_out_text(out, six ? "]" : "");
    if (h->server_port == (secure ? 443 : 80)) return;
    wst_out_text(out, ":");
    wst_out_number(out, h->server_port);
}

static bool starts_nocase(struct wst_slice s, const char *text)
{
    size_t n = strlen(text);
    return s.n >= n && wst_same_nocase(s.p, text, n);
}

/* An address that the request gives in full: what follows its "scheme://"; else nothing. */
static struct wst_slice absolute(struct wst_slice uri, bool *secure)
{
    static const char *const plain[] = {"http://", "ws://"}, *const sealed[] = {"https://",
                                                                                "wss://"};
    for (int i = 0; i < 2; i++) {
        if (starts_nocase(uri, plain[i])) return wst_slice_skip(uri, strlen(plain[i]));
        if (!starts_nocase(uri, sealed[i])) continue;
        *secure = true;
        return wst_slice_skip(uri, strlen(sealed[i]));
    }
    return wst_slice_of(NULL, 0);
}

bool wst_har_address(struct wst_out *out, const struct wst_event_handshake *h)
{
    bool secure = h->tls != NULL || h->carrier == WST_CARRIER_H3, same;
    struct wst_slice rest = absolute(h->uri, &secure);
    wst_out_text(out, secure ? ",\"url\":\"wss://" : ",\"url\":\"ws://");
    if (rest.n > 0) {
        same = put_part(out, rest);
    } else {
        put_server(out, h, secure);
        same = h->uri.n == 0 || h->uri.p[0] == '/';
        if (!same || h->uri.n == 0) wst_out_text(out, "/");
        same &= put_part(out, h->uri);
    }
    wst_out_text(out, "\"");
    return same;
}

/* -- the query --------------------------------------------------------------------------------- */

enum { SHORT = 4096 }; /* bytes of a name or value that are decoded; more stand as they were sent */

/* '+' is a space and %xx a byte, as forms are sent; what is no UTF-8 then stands as it was sent. */
static void put_decoded(struct wst_out *out, const char *key, struct wst_slice s)
{
    uint8_t text[SHORT];
    size_t n = 0;
    if (s.n > SHORT) {
        wst_har_slice(out, key, s);
        return;
    }
    for (size_t i = 0; i < s.n; i++) {
        bool coded = s.p[i] == '%' && s.n - i > 2 && is_hex(s.p[i + 1]) && is_hex(s.p[i + 2]);
        text[n++] = coded           ? (uint8_t)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2]))
                    : s.p[i] == '+' ? ' '
                                    : s.p[i];
        if (coded) i += 2;
    }
    if (wst_utf8_valid(wst_slice_of(text, n)))
        wst_har_slice(out, key, wst_slice_of(text, n));
    else
        wst_har_slice(out, key, s);
}

void wst_har_query(struct wst_out *out, struct wst_slice target)
{
    const uint8_t *mark = target.n ? memchr(target.p, '?', target.n) : NULL;
    struct wst_slice rest =
        mark ? wst_slice_skip(target, (size_t)(mark + 1 - target.p)) : wst_slice_of(NULL, 0);
    bool any = false;
    wst_out_text(out, ",\"queryString\":[");
    while (rest.n > 0) {
        const uint8_t *end = memchr(rest.p, '&', rest.n);
        struct wst_slice one = wst_slice_head(rest, end ? (size_t)(end - rest.p) : rest.n);
        const uint8_t *is = one.n ? memchr(one.p, '=', one.n) : NULL;
        rest = wst_slice_skip(rest, one.n + 1);
        if (one.n == 0) continue;
        size_t name = is ? (size_t)(is - one.p) : one.n;
        put_decoded(out, any ? ",{\"name\":" : "{\"name\":", wst_slice_head(one, name));
        put_decoded(out, ",\"value\":", wst_slice_skip(one, name + 1));
        wst_out_text(out, "}");
        any = true;
    }
    wst_out_text(out, "]");
}

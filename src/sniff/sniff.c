/* SPDX-License-Identifier: MIT */
#include "sniff.h"

#include "request_line.h"

enum { METHOD_MAX = 20 }; /* the longest registered method has 17 letters */

static const uint8_t proxy2_signature[12] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                             0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};

/* Do the bytes begin with `text`? 1 yes, 0 no, -1 as far as they go. */
static int sniff_begins(struct wst_slice s, const void *text, size_t n)
{
    size_t k = s.n < n ? s.n : n;
    if (s.p[0] != *(const uint8_t *)text || memcmp(s.p, text, k) != 0) return 0;
    return k == n ? 1 : -1;
}

/* A request line begins with upper-case letters (or - and _) and a space. */
static enum wst_sniffed sniff_method(struct wst_slice s)
{
    size_t i = 0;
    while (i < s.n && i <= METHOD_MAX &&
           ((s.p[i] >= 'A' && s.p[i] <= 'Z') || ((s.p[i] == '-' || s.p[i] == '_') && i)))
        i++;
    if (i == s.n && i <= METHOD_MAX) return WST_SNIFF_MORE;
    if (i < 3 || i > METHOD_MAX || s.p[i] != ' ') return WST_SNIFF_OTHER;
    if (i + 1 == s.n) return WST_SNIFF_MORE;
    /* then a target: /path, *, http://…, host:port */
    uint8_t c = s.p[i + 1];
    bool target = c == '/' || c == '*' || c == '[' || (c >= '0' && c <= '9') ||
                  (wst_ascii_lower(c) >= 'a' && wst_ascii_lower(c) <= 'z');
    return target ? WST_SNIFF_HTTP_REQUEST : WST_SNIFF_OTHER;
}

/* type 22, version 3.x, length ≤ 2^14, then a ClientHello or ServerHello */
static enum wst_sniffed sniff_tls(struct wst_slice s)
{
    if (s.n >= 2 && s.p[1] != 3) return WST_SNIFF_OTHER;
    if (s.n >= 3 && s.p[2] > 4) return WST_SNIFF_OTHER;
    if (s.n >= 5 && (wst_be16(s.p + 3) > 16384 || wst_be16(s.p + 3) == 0)) return WST_SNIFF_OTHER;
    if (s.n < 6) return WST_SNIFF_MORE;
    return s.p[5] == 1 || s.p[5] == 2 ? WST_SNIFF_TLS : WST_SNIFF_OTHER;
}

/* version 5, number of methods, the methods: and nothing more, for the client must wait */
static enum wst_sniffed sniff_socks(struct wst_slice s)
{
    if (s.n < 2) return WST_SNIFF_MORE;
    if (s.p[1] == 0 || s.n > 2u + s.p[1]) return WST_SNIFF_OTHER;
    return s.n == 2u + s.p[1] ? WST_SNIFF_SOCKS : WST_SNIFF_MORE;
}

/* a request, and nothing more, for the client must wait */
static enum wst_sniffed sniff_socks4(struct wst_slice s)
{
    int n = wst_socks4_length(s);
    if (n == WST_SOCKS_MORE) return WST_SNIFF_MORE;
    return n > 0 && (size_t)n == s.n ? WST_SNIFF_SOCKS : WST_SNIFF_OTHER;
}

/* length, type 4, no flags, stream 0: the server's first frame, which need not wait for the preface
 */
static enum wst_sniffed sniff_h2_settings(struct wst_slice s)
{
    static const uint8_t settings[6] = {4, 0, 0, 0, 0, 0};
    size_t k = s.n < 3 ? 0 : s.n < 9 ? s.n - 3 : 6;
    if (s.n >= 2 && s.p[1] > 0x3f) return WST_SNIFF_OTHER;
    if (s.n >= 3 && wst_be16(s.p + 1) % 6) return WST_SNIFF_OTHER;
    if (k && memcmp(s.p + 3, settings, k) != 0) return WST_SNIFF_OTHER;
    return s.n < 9 ? WST_SNIFF_MORE : WST_SNIFF_H2;
}

static enum wst_sniffed sniff_text(struct wst_slice s)
{
    static const char h2[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    int is;
    if ((is = sniff_begins(s, h2, sizeof h2 - 1)) == 1) return WST_SNIFF_H2;
    if (is < 0) return WST_SNIFF_MORE;
    if ((is = sniff_begins(s, "HTTP/1.", 7)) == 1) return WST_SNIFF_HTTP_RESPONSE;
    if (is < 0) return WST_SNIFF_MORE;
    if ((is = sniff_begins(s, "PROXY ", 6)) == 1) return WST_SNIFF_PROXY;
    if (is < 0) return WST_SNIFF_MORE;
    if ((is = sniff_begins(s, proxy2_signature, sizeof proxy2_signature)) == 1)
        return WST_SNIFF_PROXY;
    if (is < 0) return WST_SNIFF_MORE;
    /* An empty line before a request is to be ignored (RFC 9112 section 2.2). */
    while (s.n && (s.p[0] == '\r' || s.p[0] == '\n')) s = wst_slice_skip(s, 1);
    return s.n ? sniff_method(s) : WST_SNIFF_MORE;
}

enum wst_sniffed wst_sniff(struct wst_slice s)
{
    if (!s.n) return WST_SNIFF_MORE;
    switch (s.p[0]) {
    case 0x00: return sniff_h2_settings(s);
    case 0x04: return sniff_socks4(s);
    case 0x05: return sniff_socks(s);
    case 0x16: return sniff_tls(s);
    default: return sniff_text(s);
    }
}

bool wst_sniff_request_line(struct wst_slice s)
{
    while (s.n && (s.p[0] == '\r' || s.p[0] == '\n')) s = wst_slice_skip(s, 1);
    return wst_request_line(s);
}

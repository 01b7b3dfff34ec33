/* SPDX-License-Identifier: MIT
 *
 * The PROXY protocol, versions 1 and 2, as HAProxy's proxy-protocol.txt has them. In: a header, or
 * its beginning. Out: how long it is, and whose connection follows it. Refuses what is malformed.
 */
#include <arpa/inet.h>

#include "sniff.h"

enum {
    LINE_MAX = 107, /* the longest line of version 1, as its specification says */
    FIXED = 16,     /* of version 2: signature 12, version and command, family, length 2 */
    TCP4 = 0x11,
    TCP6 = 0x21
};

int wst_sniff_proxy_length(struct wst_slice s)
{
    if (s.n && s.p[0] == 'P') { /* "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n" */
        const uint8_t *end = memchr(s.p, '\n', s.n < LINE_MAX ? s.n : LINE_MAX);
        if (!end) return s.n >= LINE_MAX ? -1 : 0;
        return (int)(end - s.p) + 1;
    }
    if (s.n < FIXED) return 0;
    if (s.p[12] >> 4 != 2) return -1;
    size_t n = FIXED + (size_t)wst_be16(s.p + 14);
    return s.n < n ? 0 : (int)n;
}

/* The next word of a line, and the blank behind it. */
static struct wst_slice word_take(struct wst_slice *line)
{
    const uint8_t *blank = line->n ? memchr(line->p, ' ', line->n) : NULL;
    struct wst_slice word = wst_slice_head(*line, blank ? (size_t)(blank - line->p) : line->n);
    *line = wst_slice_skip(*line, word.n + 1);
    return word;
}

/* "PROXY TCP4 192.0.2.1 192.0.2.2 4711 80": source, destination, their ports. */
static bool line_source(struct wst_slice line, struct wst_sniff_source *source)
{
    char ip[INET6_ADDRSTRLEN];
    while (line.n && (line.p[line.n - 1] == '\n' || line.p[line.n - 1] == '\r')) line.n--;
    word_take(&line);
    struct wst_slice family = word_take(&line), from = word_take(&line);
    word_take(&line);
    int64_t port = wst_slice_decimal(word_take(&line), 5);
    bool six = wst_slice_is(family, "TCP6");
    if ((!six && !wst_slice_is(family, "TCP4")) || from.n >= sizeof ip || port < 0 ||
        port > UINT16_MAX)
        return false;
    memcpy(ip, from.p, from.n);
    ip[from.n] = '\0';
    source->family = six ? 6 : 4;
    source->port = (uint16_t)port;
    return inet_pton(six ? AF_INET6 : AF_INET, ip, source->ip) == 1;
}

bool wst_sniff_proxy_source(struct wst_slice s, struct wst_sniff_source *source)
{
    *source = (struct wst_sniff_source){0};
    if (s.n && s.p[0] == 'P') return line_source(s, source);
    if (s.n < FIXED || s.p[12] != 0x21) return false; /* version 2, PROXY */
    size_t ip = s.p[13] == TCP4 ? 4 : s.p[13] == TCP6 ? 16 : 0;
    struct wst_slice addresses = wst_slice_skip(s, FIXED);
    if (!ip || addresses.n < 2 * ip + 4) return false;
    source->family = ip == 4 ? 4 : 6;
    memcpy(source->ip, addresses.p, ip);
    source->port = wst_be16(addresses.p + 2 * ip);
    return true;
}

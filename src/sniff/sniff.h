/* SPDX-License-Identifier: MIT
 *
 * The door of the sniff room. In: the first bytes of one side of a conversation. Out: whose they
 * are. Refuses to look at ports: content decides.
 */
#ifndef WST_SNIFF_SNIFF_H
#define WST_SNIFF_SNIFF_H

#include "slice.h"

enum wst_sniffed {
    WST_SNIFF_MORE,          /* could still be several things */
    WST_SNIFF_HTTP_REQUEST,  /* RFC 9112 section 3: a method, a space … */
    WST_SNIFF_HTTP_RESPONSE, /* … or "HTTP/1." */
    WST_SNIFF_PROXY,         /* a PROXY protocol header, version 1 or 2 */
    WST_SNIFF_SOCKS,         /* RFC 1928 section 3: a client's greeting; or a SOCKS4 request */
    WST_SNIFF_TLS,           /* RFC 8446 section 5.1: a handshake record */
    WST_SNIFF_H2,            /* RFC 9113 section 3.4: the preface, or a server's SETTINGS */
    WST_SNIFF_OTHER,
};

enum {
    WST_SNIFF_ENOUGH = 257 /* a SOCKS5 greeting with all 255 methods */
}; /* bytes after which WST_SNIFF_MORE is never the answer for HTTP, TLS and SOCKS */

enum wst_sniffed wst_sniff(struct wst_slice bytes);
/* The first line that is not empty is there, and ends as a request line does: " HTTP/1.x". */
bool wst_sniff_request_line(struct wst_slice bytes);

/* Length of the PROXY protocol header at the front; 0: not whole yet; -1: malformed, or too long.
 */
int wst_sniff_proxy_length(struct wst_slice bytes);
struct wst_sniff_source {
    uint8_t family; /* 4 or 6 */
    uint8_t ip[16]; /* network byte order; IPv4 in the first 4 bytes */
    uint16_t port;
};
/* Whose connection it is, as such a header says that is whole. False: it says nothing (UNKNOWN,
 * LOCAL), names no IP address, or is malformed. */
bool wst_sniff_proxy_source(struct wst_slice header, struct wst_sniff_source *source);

/* The SOCKS conversation before the tunnel (RFC 1928, RFC 1929; SOCKS4 and SOCKS4A). */
struct wst_socks {
    uint8_t step[2]; /* what the client (0) and the server (1) say next */
    uint8_t method;  /* the server chose */
};
enum { WST_SOCKS_FAILED = -1, WST_SOCKS_MORE = 0 };
/* Takes the next message of one side from the front of `bytes`; `from_server`: whose.
 * Returns its length, WST_SOCKS_MORE when it is not whole (or not that side's turn), or
 * WST_SOCKS_FAILED. The tunnel is open for a side when wst_socks_open says so. */
int wst_socks_take(struct wst_socks *socks, bool from_server, struct wst_slice bytes);
bool wst_socks_open(const struct wst_socks *socks, bool server);
/* Length of the SOCKS4 request at the front; WST_SOCKS_MORE, WST_SOCKS_FAILED. */
int wst_socks4_length(struct wst_slice bytes);

#endif

/* SPDX-License-Identifier: MIT
 *
 *   client                                   server
 *   05 n methods…            ──▶
 *                            ◀──             05 method
 *   01 ulen user plen pass   ──▶             (method 2, RFC 1929)
 *                            ◀──             01 status
 *   05 cmd 00 type addr port ──▶
 *                            ◀──             05 reply 00 type addr port
 *   then the tunnel
 *
 * SOCKS4 asks once and is answered once; what follows is the tunnel:
 *
 *   04 01 port address user… 00, and with an address of 0.0.0.x (SOCKS4A) host… 00  ──▶
 *                            ◀──             00 5a port address
 */
#include "sniff.h"

enum { STEP_GREETING, STEP_PASSWORD, STEP_REQUEST, STEP_OPEN, STEP_ANSWER4 };
enum { METHOD_NONE = 0, METHOD_PASSWORD = 2, METHOD_UNKNOWN = 0xfe };

int wst_socks4_length(struct wst_slice s)
{
    if (s.n >= 2 && s.p[1] != 1) return WST_SOCKS_FAILED;
    if (s.n < 9) return WST_SOCKS_MORE;
    uint32_t address = wst_be32(s.p + 4);
    struct wst_slice head = wst_slice_head(s, WST_SNIFF_ENOUGH); /* however many came at once */
    const uint8_t *zero = memchr(s.p + 8, 0, head.n - 8);
    if (zero && address && address < 256)
        zero = memchr(zero + 1, 0, head.n - (size_t)(zero + 1 - s.p));
    if (zero) return (int)(zero - s.p) + 1;
    return s.n < WST_SNIFF_ENOUGH ? WST_SOCKS_MORE : WST_SOCKS_FAILED;
}

static int socks4_client(struct wst_socks *k, struct wst_slice s)
{
    int n = wst_socks4_length(s);
    if (n > 0) {
        k->step[0] = STEP_OPEN;
        k->step[1] = STEP_ANSWER4;
    }
    return n;
}

/* 05 x 00 type addr port: request and reply look alike. */
static int socks_address(struct wst_slice s)
{
    if (s.n < 5) return WST_SOCKS_MORE;
    if (s.p[0] != 5) return WST_SOCKS_FAILED;
    size_t n;
    switch (s.p[3]) {
    case 1: n = 4 + 4 + 2; break;
    case 3: n = 4 + 1 + (size_t)s.p[4] + 2; break;
    case 4: n = 4 + 16 + 2; break;
    default: return WST_SOCKS_FAILED;
    }
    return s.n < n ? WST_SOCKS_MORE : (int)n;
}

static int socks_client(struct wst_socks *k, struct wst_slice s)
{
    int n;
    switch (k->step[0]) {
    case STEP_GREETING:
        if (s.n && s.p[0] == 4) return socks4_client(k, s);
        if (s.n < 2 || s.n < 2u + s.p[1]) return WST_SOCKS_MORE;
        if (s.p[0] != 5) return WST_SOCKS_FAILED;
        k->step[0] = STEP_REQUEST;
        k->method = METHOD_UNKNOWN;
        return 2 + s.p[1];
    case STEP_REQUEST:
        if (s.n && s.p[0] == 1) { /* user and password come first */
            if (s.n < 2 || s.n < 3u + s.p[1] || s.n < 3u + s.p[1] + s.p[2 + s.p[1]])
                return WST_SOCKS_MORE;
            k->method = METHOD_PASSWORD;
            return 3 + s.p[1] + s.p[2 + s.p[1]];
        }
        n = socks_address(s);
        if (n > 0) k->step[0] = STEP_OPEN;
        return n;
    default: return WST_SOCKS_MORE;
    }
}

static int socks_server(struct wst_socks *k, struct wst_slice s)
{
    int n;
    switch (k->step[1]) {
    case STEP_GREETING:
        if (s.n < 2) return WST_SOCKS_MORE;
        if (s.p[0] != 5 || (s.p[1] != METHOD_NONE && s.p[1] != METHOD_PASSWORD))
            return WST_SOCKS_FAILED;
        k->step[1] = s.p[1] == METHOD_PASSWORD ? STEP_PASSWORD : STEP_REQUEST;
        return 2;
    case STEP_PASSWORD:
        if (s.n < 2) return WST_SOCKS_MORE;
        if (s.p[1] != 0) return WST_SOCKS_FAILED;
        k->step[1] = STEP_REQUEST;
        return 2;
    case STEP_REQUEST:
        n = socks_address(s);
        if (n > 0 && s.p[1] != 0) return WST_SOCKS_FAILED;
        if (n > 0) k->step[1] = STEP_OPEN;
        return n;
    case STEP_ANSWER4:
        if (s.n < 8) return WST_SOCKS_MORE;
        if (s.p[0] != 0 || s.p[1] != 0x5a) return WST_SOCKS_FAILED;
        k->step[1] = STEP_OPEN;
        return 8;
    default: return WST_SOCKS_MORE;
    }
}

int wst_socks_take(struct wst_socks *k, bool from_server, struct wst_slice bytes)
{
    return from_server ? socks_server(k, bytes) : socks_client(k, bytes);
}

bool wst_socks_open(const struct wst_socks *k, bool server)
{
    return k->step[server] == STEP_OPEN;
}

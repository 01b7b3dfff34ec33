/* SPDX-License-Identifier: MIT
 *
 * In: the payload of an IP packet. Out: the segment; the walk ends here.
 * Refuses a header that is not all there, but for its options: nobody reads those.
 */
#include "walk.h"

enum {
    TCP_HEADER = 20,
    TCP_PROTOCOL = 6,
    /* RFC 7323 section 2.3: a window is less than 2^30, so nothing longer can be in one segment.
     * It keeps a file which lies about lengths from moving sequence numbers half way round. */
    TCP_PAYLOAD_MAX = 1 << 30,
};

/* RFC 9293 section 3.1; the pseudo header for IPv6: RFC 8200 section 8.1.
 *
 * A sum can be checked when every byte is here and the true destination is known. Whoever asks
 * for it must know that a capture at the sending host, or one with GRO, shows sums the network
 * card has yet to fill in; a packet whose length is guessed surely is such a one. */
WST_SELDOM static bool checksum_holds(const struct wst_walk *w)
{
    if (wst_walk_is_cut(w) || (w->quirks & (WST_NET_GUESSED | WST_NET_ROUTED))) return true;
    size_t address = w->out->family == 4 ? 4 : 16;
    uint32_t sum = TCP_PROTOCOL + (uint32_t)(w->len >> 16) + (uint32_t)(w->len & 0xffff);
    sum += wst_net_sum(wst_slice_of(w->out->src, address), 0);
    sum += wst_net_sum(wst_slice_of(w->out->dst, address), 0);
    return wst_net_sum(w->at, sum) == 0xffff;
}

/*   0                   1                   2                   3
 *   0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *  +-------------------------------+-------------------------------+
 *  |          source port          |       destination port        |  0
 *  +-------------------------------+-------------------------------+
 *  |                        sequence number                        |  4
 *  +---------------------------------------------------------------+
 *  |                    acknowledgment number                      |  8
 *  +-------+-------+---------------+-------------------------------+
 *  | offset| rsrvd |     flags     |            window             | 12
 *  +-------+-------+---------------+-------------------------------+
 *  |           checksum            |        urgent pointer         | 16
 *  +-------------------------------+-------------------------------+
 *  |  options, until byte 4 * offset                               | 20
 *  RFC 9293 section 3.1 */
enum wst_net_result wst_net_tcp(struct wst_walk *w)
{
    if (w->at.n < TCP_HEADER) return WST_NET_SHORT;
    if (w->net->verify_checksums && !checksum_holds(w)) return WST_NET_BAD_CHECKSUM;
    const uint8_t *p = w->at.p;
    size_t header = (size_t)(p[12] >> 4) * 4;
    if (header < TCP_HEADER || header > w->len) return WST_NET_SHORT;
    if (w->len - header > TCP_PAYLOAD_MAX) return WST_NET_SHORT;

    struct wst_segment *out = w->out;
    out->src_port = wst_be16(p);
    out->dst_port = wst_be16(p + 2);
    wst_net_take_tcp(out, w->at, header);
    out->payload_len = (uint32_t)(w->len - header);
    return WST_NET_TCP;
}

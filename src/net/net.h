/* SPDX-License-Identifier: MIT
 *
 * The door of the net room. In: one packet as captured. Out: a TCP segment or UDP datagram, or
 * several, one after the other, their addresses and payload still lying in the packet (or, after IP
 * reassembly, in a buffer of ours). Refuses whatever is short, malformed or nested deeper than
 * limits.tunnel_depth, and says which.
 */
#ifndef WST_NET_NET_H
#define WST_NET_NET_H

#include <wstrace/wstrace.h>

#include "segment.h"

enum wst_net_result {
    WST_NET_TCP,   /* *out is filled; its contents are undefined with all others but … */
    WST_NET_UDP,   /* … a datagram: flags, numbers and window mean nothing in it */
    WST_NET_OTHER, /* a packet of another protocol, encrypted, or nested too deep */
    WST_NET_HELD,  /* an IP fragment that waits for the others, or repeats one */
    /* Ends inside a header, or a header is malformed or lies about its length; or a fragment that
     * the snap length cut (it can never be completed) or that contradicts the others. */
    WST_NET_SHORT,
    WST_NET_BAD_CHECKSUM, /* with options.verify_checksums */
    WST_NET_UNKNOWN_LINK, /* a link type this room does not know, or one that PKTAP or PPI names */
    WST_NET_SEVERAL,      /* frames that 802.11 sends as one (A-MSDU): wst_net_next has them */
};

struct wst_net; /* owned by the pipeline: fragments that wait */

struct wst_net *wst_net_new(const struct wst_options *options); /* NULL: out of memory */
void wst_net_free(struct wst_net *net);
/* Pointers and slices of *out are valid until the next call or until `packet` is gone. */
enum wst_net_result wst_net_segment(struct wst_net *net, const struct wst_packet *packet,
                                    struct wst_segment *out);
/* After WST_NET_SEVERAL, while the packet is there: what its next frame is, with *out as above;
 * never WST_NET_SEVERAL. False: there is none. */
bool wst_net_next(struct wst_net *net, enum wst_net_result *result, struct wst_segment *out);
/* Addresses, ports, domain and payload_len (whether captured or not) of a TCP segment in one of the
 * plainest kinds of packet (plain.h). A glance ahead that changes nothing; false: any other. */
bool wst_net_glance(const struct wst_packet *packet, struct wst_segment *out);
/* Whether a link type can be read; for a message before the first packet. */
bool wst_net_knows_link(uint32_t link_type);
/* Bytes held in fragments: those that wait, and the packet put together last. */
size_t wst_net_memory(const struct wst_net *net);
uint64_t wst_net_refused(const struct wst_net *net); /* times the system refused more */

#endif

/* SPDX-License-Identifier: MIT
 *
 * The door of the net room. An input is a row of packets, so that fragments meet:
 *
 *  | link type, index below | options | packet | packet | …
 *  packet:  | length 2 | beyond the snap length 1 | seconds since the last 1 | bytes … |
 */
#include <stdlib.h>
#include <string.h>

#include "net/same.h"
#include "net/walk.h"

static const uint32_t links[] = {1,   0,   9,   12,  14,  50,  51,   101, 104, 105, 108, 113, 119,
                                 127, 163, 228, 229, 239, 276, 4711, 166, 178, 192, 226, 242, 258,
                                 281, 282, 284, 285, 6,   10,  100,  107, 109, 123, 182, 117, 8,
                                 122, 138, 167, 179, 180, 181, 204,  205, 206, 219, 240, 241};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Reads everything the door lets out; a sanitizer watches. */
static unsigned sum(const uint8_t *p, size_t n)
{
    unsigned sum = 0;
    while (n--) sum += *p++;
    return sum;
}

static void check(const struct wst_segment *s)
{
    size_t address = s->family == 4 ? 4 : 16;
    if (s->family != 4 && s->family != 6) abort();
    volatile unsigned all = sum(s->src, address) + sum(s->dst, address);
    all = all + sum(s->payload.p, s->payload.n);
    if (s->payload.n > s->payload_len || s->payload_len > 1u << 30) abort();
}

/* The same by a walk, however plain the packet is: it finds the same, to the bit. */
static enum wst_net_result walked(struct wst_net *walk, const struct wst_packet *packet,
                                  const struct wst_segment *door)
{
    struct wst_segment s;
    if (walk->fragments.whole) wst_fragments_release(&walk->fragments, NULL);
    enum wst_net_result result = wst_net_walk(walk, packet, &s);
    if (result != WST_NET_TCP) return result;
    if (!same_segment(&s, door)) abort();
    return result;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    struct wst_options options = {.verify_checksums = data[1] & 1};
    options.limits.fragment_bytes = data[1] & 2 ? 4096 : 1 << 20;
    options.limits.fragment_ns = 30 * (int64_t)1000000000;
    options.limits.tunnel_depth = data[1] >> 2 & 15;
    struct wst_net *net = wst_net_new(&options), *walk = wst_net_new(&options);
    if (!net || !walk) abort();

    uint32_t link = links[data[0] % (sizeof links / sizeof *links)];
    struct wst_packet packet = {.link_type = link};
    for (size_t at = 2; at + 4 <= size;) {
        size_t n = (size_t)data[at] << 8 | data[at + 1];
        if (n > size - at - 4) n = size - at - 4;
        uint8_t *bytes = malloc(n ? n : 1); /* of its own, so that its end is watched */
        if (!bytes) break;
        memcpy(bytes, data + at + 4, n);
        packet.data = (struct wst_slice){bytes, n};
        packet.wire_len = (uint32_t)n + data[at + 2] * 16u;
        packet.when.pkt++;
        packet.when.ns += data[at + 3] * (int64_t)1000000000;
        at += 4 + n;

        struct wst_segment segment, s;
        enum wst_net_result one, other, result = wst_net_segment(net, &packet, &segment);
        if (result == WST_NET_TCP) check(&segment);
        if (result != walked(walk, &packet, &segment)) abort();
        while (result == WST_NET_SEVERAL && wst_net_next(net, &one, &segment)) {
            if (one == WST_NET_TCP || one == WST_NET_UDP) check(&segment);
            if (one == WST_NET_SEVERAL || !wst_net_next(walk, &other, &s) || one != other) abort();
            if (one == WST_NET_TCP && !same_segment(&s, &segment)) abort();
        }
        bool envelope = link == WST_LINKTYPE_PPI || link == WST_LINKTYPE_PKTAP;
        if (result != WST_NET_UNKNOWN_LINK && !wst_net_knows_link(link)) abort();
        if (result == WST_NET_UNKNOWN_LINK && wst_net_knows_link(link) && !envelope) abort();
        free(bytes);
    }
    wst_net_free(net);
    wst_net_free(walk);
    return 0;
}

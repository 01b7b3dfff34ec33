/* SPDX-License-Identifier: MIT
 *
 * Finding frames again. In: bytes of a direction whose framing is lost, or that nobody has seen
 * the beginning of. Out: the place of the first credible frame.
 * Refuses to believe one header: it counts evidence, in bits, along a chain of frames.
 *
 *        ┌ believed, for it is likely at the front of a segment, or for what the frames say
 *        ▼
 *   ?????├─frame─┤├─frame─┤├─frame─┤          evidence.h: how much a frame says
 *   ??├──┤                                    and then, backwards: what leads exactly there
 *
 * A place at the front of a segment is likely to begin with: senders write whole frames. It needs
 * less evidence than one in the middle.
 */
#ifndef WST_WS_SEEK_H
#define WST_WS_SEEK_H

#include "buf.h"

struct wst_seek_mark { /* where a segment begins in the bytes */
    uint32_t at;
    uint64_t pkt;
};

struct wst_inflaters;
struct wst_seek_rules {
    bool masked;                     /* frames of this direction are */
    bool compressed;                 /* RSV1 may be set */
    struct wst_inflaters *inflaters; /* to see whether a payload is compressed; or NULL */
};

struct wst_seek {
    struct wst_buf bytes;
    struct wst_seek_mark *marks;
    uint32_t marks_n, marks_room;
    uint32_t scan_at; /* look at every place once there are so many bytes */
    uint32_t mark_at; /* look at every mark once there are so many */
    uint64_t offset;  /* of the first byte, in the direction's WebSocket bytes */
    uint64_t skipped; /* bytes given up so far */
    uint64_t seen, segments; /* bytes that came since the search began, and in how many segments */
    /* So many bytes to come lie in a payload that was cut: no frame begins there. */
    uint64_t inside;
};

struct wst_seek *wst_seek_new(struct wst_budget *budget, uint64_t offset);
void wst_seek_free(struct wst_seek *seek, struct wst_budget *budget);
/* A segment. What is more than `cap` bytes old is given up. False: no memory. */
bool wst_seek_push(struct wst_seek *seek, struct wst_budget *budget, struct wst_slice bytes,
                   uint64_t pkt, size_t cap);
/* Everything before another gap of n bytes is given up. */
void wst_seek_gap(struct wst_seek *seek, uint64_t n);
/* The place of the first credible frame; -1: none yet. `final`: no more bytes will come, less
 * evidence must do. */
ptrdiff_t wst_seek_find(struct wst_seek *seek, const struct wst_seek_rules *rules, bool final);
/* How strongly the bytes look like frames of such a direction: the most bits of evidence of any
 * chain that begins at a mark; -1: none. For telling WebSocket from other traffic, so only whole
 * frames count: a header among zeros may well declare 64 bits of length. `beyond`: only chains
 * of which a frame begins in a second segment; what lies before may be what another protocol's
 * frame carries. */
int wst_seek_evidence(const struct wst_seek *seek, const struct wst_seek_rules *rules, bool beyond);
/* What it says, in bits, that a frame from `at` on ends at `end`, at most `most`: 0 inside a
 * segment; the fewer, the more segments it ends at the edge of by chance. */
int wst_seek_end_bits(const struct wst_seek *seek, size_t at, size_t end, int most);
/* The packet that carried the byte at `at`. */
uint64_t wst_seek_packet(const struct wst_seek *seek, size_t at);

#endif

/* SPDX-License-Identifier: MIT
 *
 * In: a supply's bytes, read by who parses them or by a pump. Out: as many of them in a row as a
 * record needs, copied only where they do not lie in a row. Refuses nothing: whatever breaks ends
 * the bytes early and leaves a sentence in `error`; all before it is handed out.
 */
#ifndef WST_CAPTURE_SOURCE_H
#define WST_CAPTURE_SOURCE_H

#include "pump.h"
#include "supply.h"
#include "trial.h"

enum wst_source_cap {
    /* One read. Larger ones save nothing and leave the caches: large messages take 6 % longer with
     * 256 KiB, a tenth with 1 MiB. */
    WST_SOURCE_CHUNK = 1 << 17,
    /* The first read: wst_capture_open looks at hundreds of files up to the first packet only. */
    WST_SOURCE_FIRST_CHUNK = 1 << 16,
    /* Most kept for a rewind: one block of pcapng at its cap, and some. */
    WST_SOURCE_HOLD_MAX = 80 << 20,
};

/*      0        pos          end
 * buf  |  taken  |  to take   |      buf[0] is byte `base` of the unzipped source
 */
struct wst_source {
    uint8_t *buf; /* `own`, or in the pump's block taken last */
    size_t pos, end;
    uint64_t base;
    uint8_t *own;
    size_t cap;        /* of it */
    uint64_t consumed; /* bytes of the file itself that these came from, compressed ones for gzip */
    bool ended;        /* nothing more will come */
    bool hold;         /* keep what is taken, for wst_source_rewind */
    bool full;         /* … which has come to WST_SOURCE_HOLD_MAX */
    struct wst_pump *pump;             /* or NULL */
    bool draining;                     /* it will rest as soon as its blocks are taken */
    size_t round;                      /* bytes, of the trial which of the two is faster; 0: none */
    uint64_t round_from;               /* where it began */
    struct wst_trial trial;            /* here; by the pump */
    struct wst_supply supply;          /* the pump's, while it reads */
    char error[WST_SUPPLY_ERROR_SIZE]; /* why it ended early; "" while all is well */
};

/* As in supply.h; the reason is in source->error. */
int wst_source_open(struct wst_source *source, const char *name, const atomic_bool *stop);
int wst_source_open_fd(struct wst_source *source, int fd, const atomic_bool *stop);
void wst_source_open_memory(struct wst_source *source, struct wst_slice bytes);
/* Any number of times. source->error and the counts stay readable. */
void wst_source_close(struct wst_source *source);

/* From now on a thread of its own reads ahead, until the source is closed; with `round`, only as
 * long as that is found to be faster: every so many bytes the two may be changed for each other.
 * Not for pipes, whose bytes somebody may wait for, and not while it holds. Where there is no
 * thread to be had nothing changes. */
void wst_source_pump(struct wst_source *source, size_t round);

/* Slow half of wst_source_want. */
size_t wst_source_fill(struct wst_source *source, size_t n);

/* Makes `n` bytes lie in a row at wst_source_at. Returns how many do: fewer only at the end, after
 * an error, or out of memory (which is an error). May move them: pointers into the source die. */
static inline size_t wst_source_want(struct wst_source *source, size_t n)
{
    size_t have = source->end - source->pos;
    return have >= n ? have : wst_source_fill(source, n);
}
static inline const uint8_t *wst_source_at(const struct wst_source *source)
{
    return source->buf + source->pos;
}
/* Takes `n` bytes; no more than wst_source_want has returned. */
static inline void wst_source_skip(struct wst_source *source, size_t n)
{
    source->pos += n;
}
/* How many bytes, unzipped, have been taken. */
static inline uint64_t wst_source_offset(const struct wst_source *source)
{
    return source->base + source->pos;
}
/* Takes up to `n` bytes into `to`. Returns how many; 0 at the end. Returns as soon as there are
 * some: a pipe is not waited for to fill a buffer. */
size_t wst_source_read(struct wst_source *source, uint8_t *to, size_t n);

/* From now on (before anything is taken) keep all bytes; at WST_SOURCE_HOLD_MAX the source seems
 * to end, `full` tells … */
void wst_source_hold(struct wst_source *source);
/* … and start over with them, keeping no longer, to the true end. */
void wst_source_rewind(struct wst_source *source);

#endif

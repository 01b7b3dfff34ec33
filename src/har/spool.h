/* SPDX-License-Identifier: MIT
 *
 * In: bytes of many strands, each told by a key, as they come. Out: the same bytes strand by
 * strand, in order of the keys. Refuses to hold more than its memory and its file take.
 *
 *     memory   chains of pieces, one a strand
 *     file     | run | run | run |…     what memory held each time it was full, by order of keys:
 *              | key, length, bytes | key, length, bytes |…
 *     merge    the runs and what is in memory, read side by side
 *
 * The file is written from front to end and then read from as many places as there are runs: a
 * strand costs no seek, and nothing to remember while it has no bytes in memory.
 */
#ifndef WST_HAR_SPOOL_H
#define WST_HAR_SPOOL_H

#include <wstrace/har.h>

enum {
    WST_SPOOL_LEAST = 1 << 16, /* bytes of memory */
    WST_SPOOL_MOST = 1 << 30,
    WST_SPOOL_BUFFER_LEAST = 4096,     /* of each run while they are merged … */
    WST_SPOOL_BUFFER_MOST = 256 << 10, /* … as large as … */
    WST_SPOOL_BUFFERS = 8 << 20,       /* … all of them may be together */
};

struct wst_spool_key { /* compared from top to bottom */
    int64_t ns;
    uint64_t conn;
    uint64_t part;
};

/* Below 0, 0, above 0. */
int wst_spool_compare(const struct wst_spool_key *a, const struct wst_spool_key *b);

/* Where a strand's chain is, while it has one: all 0 at first, kept by who adds to it. */
struct wst_strand {
    uint32_t at;    /* its head in memory … */
    uint32_t round; /* … if the memory was not written out since */
};

struct wst_spool_run { /* in the file */
    uint64_t at, n;
};

struct wst_spool {
    const struct wst_har_spool *file; /* NULL: none, or no longer */
    uint8_t *memory;
    size_t size, used; /* chains grow from the front … */
    size_t heads_n;    /* … places of their heads from the end: uint32_t each */
    size_t reserve;    /* kept for what is not WST_SPOOL_DATA */
    uint32_t round;    /* from 1: how often memory was empty */
    uint64_t written;  /* bytes of whole runs */
    struct wst_spool_run *runs;
    size_t runs_n, runs_room;
    bool full; /* some bytes were refused */
    bool file_failed;
};

/* `file` NULL: memory alone. False: out of memory. */
bool wst_spool_init(struct wst_spool *spool, const struct wst_har_spool *file, size_t memory);
void wst_spool_free(struct wst_spool *spool);

/* When there is no file to go on with, the last of memory is for what gives other bytes their
 * sense, and the very last for ending what was begun: seven times at least, 256 bytes each. */
enum wst_spool_need { WST_SPOOL_DATA, WST_SPOOL_SENSE, WST_SPOOL_END };

/* Adds `s` to the strand of `key`: all of it, or nothing, and then false. */
bool wst_spool_add(struct wst_spool *spool, struct wst_strand *strand,
                   const struct wst_spool_key *key, struct wst_slice s, enum wst_spool_need need);
/* Whether n bytes of WST_SPOOL_DATA can be added now, in parts of 64 KiB or more. */
bool wst_spool_ensure(struct wst_spool *spool, size_t n);

struct wst_spool_sink {
    void *user;
    /* The next bytes of the strand of `key`. False: enough. */
    bool (*bytes)(void *user, const struct wst_spool_key *key, struct wst_slice s);
};
/* All that was added, each strand's bytes in the order of adding. Nothing can be added behind it.
 * False: the file cannot be read, or there is no memory to read it with; what the sink was given is
 * right. */
bool wst_spool_merge(struct wst_spool *spool, const struct wst_spool_sink *sink);

#endif

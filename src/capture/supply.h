/* SPDX-License-Identifier: MIT
 *
 * In: a file, standard input, a pipe or a piece of memory, plain or gzipped. Out: its bytes,
 * unzipped, wherever the caller wants them. Refuses nothing: whatever breaks (a read error, a
 * corrupt or cut gzip member) ends the bytes early and leaves a sentence in `error`; all before it
 * is handed out.
 *
 * One thread at a time: the one that parses, or a pump's (pump.h).
 */
#ifndef WST_CAPTURE_SUPPLY_H
#define WST_CAPTURE_SUPPLY_H

#include <stdatomic.h>
#include <wstrace/types.h>

enum wst_supply_cap {
    /* Compressed bytes read at once; they unfold to what a reader takes or so. */
    WST_SUPPLY_GZIP_CHUNK = 1 << 16,
    /* How late a silent pipe may notice wst_capture_stop. */
    WST_SUPPLY_POLL_MS = 50,
    WST_SUPPLY_ERROR_SIZE = 192,
};

struct wst_gzip;

struct wst_supply {
    uint64_t consumed;       /* bytes read from the file itself, compressed ones for gzip */
    uint64_t size;           /* of a regular file, else 0 */
    int fd;                  /* -1: memory */
    bool close_fd;           /* not for standard input: it is not ours */
    bool regular;            /* a regular file: can be opened again, is never silent */
    bool started;            /* first bytes seen, gzip or not is known */
    bool ended;              /* nothing more will come */
    struct wst_slice memory; /* what is left of it */
    struct wst_gzip *gzip;   /* NULL: plain */
    const atomic_bool *stop; /* asked between reads; may be NULL */
    char error[WST_SUPPLY_ERROR_SIZE]; /* why it ended early; "" while all is well */
};

/* Opens a file; "-" is standard input. `stop` becoming true ends the bytes without an error.
 * Returns 0; -1 with the reason in supply->error: nothing then has to be closed. */
int wst_supply_open(struct wst_supply *supply, const char *name, const atomic_bool *stop);
/* The same with a regular file that is open; the descriptor becomes the supply's, at its beginning.
 */
int wst_supply_open_fd(struct wst_supply *supply, int fd, const atomic_bool *stop);
/* The same over borrowed bytes, which must outlive the supply. Cannot fail. */
void wst_supply_open_memory(struct wst_supply *supply, struct wst_slice bytes);
/* Any number of times. supply->error and the counts stay readable. */
void wst_supply_close(struct wst_supply *supply);

/* Up to `n` bytes (2 at least) to `to`, as soon as there are some: a pipe is not waited for to fill
 * them. Returns how many; 0 when it has ended. */
size_t wst_supply_read(struct wst_supply *supply, uint8_t *to, size_t n);

static inline bool wst_supply_stopped(const struct wst_supply *supply)
{
    return supply->stop && atomic_load_explicit(supply->stop, memory_order_relaxed);
}

#endif

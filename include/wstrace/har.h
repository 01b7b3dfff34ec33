/* SPDX-License-Identifier: MIT
 *
 * HTTP Archive (HAR 1.2): a timeline as one JSON document, as browsers write it of their own
 * WebSocket connections, and read it back. docs/HAR.md says what stands where.
 *
 * One entry a connection, in order of their requests' times. Messages of many connections come one
 * between the other, entries do not; so everything waits until the end, in memory of stated size
 * and then in a file that the caller lends.
 */
#ifndef WSTRACE_HAR_H
#define WSTRACE_HAR_H

#include <wstrace/render.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

/* A file that is written from front to end, then read anywhere; nobody else's. */
struct wst_har_spool {
    void *user;
    /* Appends n bytes. Returns 0, or a negative number when not all of them could be; then it is
     * not called again. */
    int (*write)(void *user, const uint8_t *p, size_t n);
    /* Reads up to n bytes from byte `at` on. Returns how many, at least 1, or a negative number. */
    int64_t (*read)(void *user, uint64_t at, uint8_t *p, size_t n);
    /* Only the first n bytes will be read: others, and their room, can be given up. May be NULL. */
    void (*cut)(void *user, uint64_t n);
};

struct wst_har_options {
    const struct wst_har_spool *spool; /* valid as long as the archive. NULL: memory alone */
    size_t memory;                     /* 16 MiB; 64 KiB to 1 GiB. When it is used up and there is
                                        * no file, or the file is full, what comes is left out, and
                                        * the document says so. */
    /* Takes the output back to its first n bytes, after `write` has failed, so that the document
     * can be ended there. Returns 0, or a negative number: it is shorter, or cannot be taken back.
     * May be NULL. */
    int (*cut)(void *user, uint64_t n);
    const char *comment; /* said of the whole, as it is; or NULL. Not copied */
    /* Bytes that the payloads of all messages take in the archive; a message that would take more
     * is there without its payload, and the document says so. 0: WST_HAR_TOTAL, or WST_HAR_GROWTH
     * times what the messages had on the wire, whichever is more: only bombs have that much. */
    uint64_t max_total;
};
#define WST_HAR_TOTAL ((uint64_t)1 << 30)
#define WST_HAR_GROWTH 64
WST_API void wst_har_options_init(struct wst_har_options *options);

struct wst_har_left { /* what is not in the document */
    uint64_t connections;
    uint64_t items; /* messages, control frames, gaps, findings; those of such connections, too */
    uint64_t payloads; /* messages that are there without theirs: max_total */
    bool unread; /* the spool did not give back what it took, or there was no memory to read it */
};

struct wst_har; /* owned by the caller */

/* Gives the document to `write`, all of it behind the event `stats`. `options` NULL: the defaults.
 * NULL when out of memory. */
WST_API struct wst_har *wst_har_new(const struct wst_har_options *options, wst_write_fn write,
                                    void *user);
/* The archive as a listener, valid as long as it; wants wst_options.headers. */
WST_API struct wst_listener wst_har_listener(struct wst_har *har);
/* The writer has failed. Nothing more is written, but for the end of what was cut. */
WST_API bool wst_har_failed(const struct wst_har *har);
WST_API struct wst_har_left wst_har_left(const struct wst_har *har);
WST_API void wst_har_free(struct wst_har *har);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif

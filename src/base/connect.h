/* SPDX-License-Identifier: MIT
 *
 * One stream that a CONNECT opened, in HTTP/2 or HTTP/3, and whom the room that reads these tells
 * of it. Who is told need not know which of them carries it.
 */
#ifndef WST_BASE_CONNECT_H
#define WST_BASE_CONNECT_H

#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "queue.h"

enum wst_connect_asks {
    WST_CONNECT_WEBSOCKET, /* :protocol websocket, RFC 8441 section 5, RFC 9220 section 3 */
    WST_CONNECT_TUNNEL,    /* no :protocol, RFC 9113 section 8.5, RFC 9114 section 4.4 */
    WST_CONNECT_UNSEEN     /* its request is missing: only its bytes can tell */
};

struct wst_connect_stream {
    uint64_t id;
    uint8_t asks; /* enum wst_connect_asks */
    bool answered, accepted;
    bool refused; /* it was not accepted, and who was told wants what its answer goes on with: the
                   * server's data, gap and fin, until it is false again */
    bool reset;             /* it was broken off, or what it lies in was */
    bool reset_by[2];       /* by direction: who did, where it is known … */
    int64_t reset_code[2];  /* … and with which code; -1: it was not captured */
    bool unserved;          /* the server said that nothing was done on it (GOAWAY) */
    bool unasked;           /* the server had not said that it may be asked (RFC 8441 section 3) */
    struct wst_buf request; /* its fields, packed (fields.h), until they are answered */
    struct wst_when request_when;
    /* What the server said while its answer was lost: it waits until something proves that it was
     * a good one. So many pieces; they are judged again at so many. */
    struct wst_queue said;
    uint32_t said_n, judge_at;
    bool unframed; /* and it began as no frame does */
    void *upper; /* of whom is told */
};

struct wst_connect_sink {
    void *user;
    /* A CONNECT came; stream->request and request_when are filled. False: it cannot be followed. */
    bool (*request)(void *user, void *conversation, struct wst_connect_stream *stream,
                    const struct wst_arrival *arrival);
    /* Its answer: `status`, and its fields, packed. 0: it was not seen, but what follows proves
     * that it was a good one; -1: there was none. Returns whether the stream is accepted; else it
     * may set stream->refused. */
    bool (*answer)(void *user, void *conversation, struct wst_connect_stream *stream,
                   struct wst_slice fields, int status, const struct wst_arrival *arrival);
    /* Whether stream->said is WebSocket beyond doubt, and no body of an answer that refused; `end`:
     * the server says no more. */
    bool (*proves)(void *user, const struct wst_connect_stream *stream, bool end);
    /* Of accepted streams; the server's of refused ones. */
    void (*data)(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                 struct wst_slice bytes, const struct wst_arrival *arrival);
    void (*gap)(void *user, struct wst_connect_stream *stream, enum wst_dir dir, uint64_t bytes,
                bool exact, const struct wst_arrival *arrival);
    void (*fin)(void *user, struct wst_connect_stream *stream, enum wst_dir dir,
                const struct wst_arrival *arrival);
    /* The stream is over, and is freed next; of all that were wanted. */
    void (*end)(void *user, struct wst_connect_stream *stream, enum wst_tcp_end how,
                const struct wst_arrival *arrival);
    /* A finding; `stream` NULL: about the connection. False: of that stream nothing is told. */
    bool (*problem)(void *user, void *conversation, struct wst_connect_stream *stream,
                    enum wst_problem problem, enum wst_dir dir, const char *detail,
                    const struct wst_arrival *arrival);
};

/* connect.c: what packed fields say, those of a request or of an answer. */
/* Whether fields, perhaps not all of the request's, rule it out as one of those that are followed.
 */
bool wst_connect_is_other(struct wst_slice fields);
/* A whole request that may be followed: what it asks for. */
enum wst_connect_asks wst_connect_asked(struct wst_slice fields);
/* Three digits from 100 on (RFC 9110 section 15); -1: none. */
int wst_connect_status(struct wst_slice fields);
/* Whether what was asked is refused; of an answer that is not whole only a status tells. Behind an
 * answer to wait with (1xx) one is still to come. */
bool wst_connect_is_refused(struct wst_slice fields, bool whole);
/* Bytes of the server while its answer is lost. True: with them what it said proves that the answer
 * was a good one. *lost: grows by what did not fit, and then by all that had waited. */
bool wst_connect_says(struct wst_connect_stream *stream, const struct wst_connect_sink *sink,
                      struct wst_budget *budget, struct wst_slice bytes, uint64_t from, size_t cap,
                      uint64_t *lost);
/* Hands on what waited. `exact`: it is known how much of it is missing. */
void wst_connect_waited(struct wst_connect_stream *stream, const struct wst_connect_sink *sink,
                        struct wst_budget *budget, enum wst_dir dir, struct wst_queue *wait,
                        bool exact, const struct wst_arrival *arrival);
/* What the server said will not be used: how many bytes it was. */
uint64_t wst_connect_unsaid(struct wst_connect_stream *stream, struct wst_budget *budget);
/* Whether bytes of a stream are whole frames of WebSocket: 1 masked ones, 0 others; -1: neither. */
int wst_connect_whole_frames(struct wst_slice bytes);

#endif

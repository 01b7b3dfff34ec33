/* SPDX-License-Identifier: MIT
 *
 * Inside the http3 room: the streams of requests, what their frames are, and what these mean.
 */
#ifndef WST_HTTP3_STREAMS_H
#define WST_HTTP3_STREAMS_H

#include "http3.h"
#include "slice.h"

/* One direction of a stream, and who brought what is looked at now. */
struct turn {
    struct wst_http3 *h;
    struct wst_http3_env *env;
    struct wst_http3_stream *s; /* NULL: it is gone */
    enum wst_dir dir;
    const struct wst_arrival *arrival;
};

static inline struct wst_http3_frames *turn_frames(const struct turn *t)
{
    return &t->s->frames[t->dir];
}

/* streams.c: what a stream is, and what is said of it. */
struct wst_http3_stream *wst_streams3_find(const struct wst_http3 *h, uint64_t id);
/* NULL: nothing is told of it. */
struct wst_http3_stream *wst_streams3_new(struct wst_http3 *h, struct wst_http3_env *env,
                                          uint64_t id, const struct wst_arrival *a);
/* A field section is over; its fields are h->fields. Not `whole`: no more than the first of them
 * could be read. */
void wst_streams3_fields(struct turn *t, bool whole);
/* The request of the stream, or its answer, is lost. */
void wst_streams3_lose(struct turn *t);
void wst_streams3_data(struct turn *t, struct wst_slice bytes);
/* n bytes of DATA are missing; not `exact`: so many at most. */
void wst_streams3_hole(struct turn *t, uint64_t n, bool exact);
void wst_streams3_fin(struct turn *t);
void wst_streams3_reset(struct turn *t, uint64_t code);
void wst_streams3_over(struct turn *t, enum wst_tcp_end how);
/* A finding: of the stream, if anything is told of it, or of the connection; once each. */
void wst_streams3_tell(struct turn *t, enum wst_problem what, const char *why);
void wst_streams3_free(struct wst_http3 *h, struct wst_http3_env *env);

/* frames.c: what the bytes of one direction are; it is their turn. t->s is NULL where the stream
 * is gone behind it. */
/* Returns how many were taken: at most one frame, or what is looked through for one. */
size_t wst_frames3_push(struct turn *t, struct wst_slice bytes);
/* n bytes are missing. */
void wst_frames3_gap(struct turn *t, uint64_t n);
void wst_frames3_fin(struct turn *t);
/* The side breaks it off: what of it is missing is known now. */
void wst_frames3_reset(struct turn *t, uint64_t code);
/* No more comes: what frames look like so far must do. */
void wst_frames3_last(struct turn *t);
/* The field section that was kept is read again, for what it refers to came; or it never will. */
void wst_frames3_section_again(struct turn *t);
void wst_frames3_section_lost(struct turn *t);

/* requests.c: bytes of the stream of a request. */
void wst_requests_push(struct turn *t, struct wst_slice bytes);
void wst_requests_gap(struct turn *t, uint64_t n);
void wst_requests_fin(struct turn *t);
void wst_requests_reset(struct turn *t, uint64_t code);
/* The connection is over. */
void wst_requests_end(struct turn *t, enum wst_tcp_end how);
/* What fills the table of `dir` came, or is known to be lost. */
void wst_requests_retry(struct wst_http3 *h, struct wst_http3_env *env, enum wst_dir dir,
                        const struct wst_arrival *a);
/* Streams whose server has waited long enough for the request. */
void wst_requests_hurry(struct wst_http3 *h, struct wst_http3_env *env,
                        const struct wst_arrival *a);

#endif

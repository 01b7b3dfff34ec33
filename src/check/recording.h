/* SPDX-License-Identifier: MIT
 *
 * What a connection needs to remember only while it is recorded: which pings wait for their pongs,
 * which requests for their replies, which frames the message to come has.
 * Refuses to remember more than the caps: the oldest ping goes first, then no more requests.
 */
#ifndef WST_CHECK_RECORDING_H
#define WST_CHECK_RECORDING_H

#include "ids.h"
#include "ink.h"

enum {
    WST_RECORDING_PINGS = 16, /* unanswered ones of a side that a pong is looked for among */
    WST_RECORDING_FRAMES = 64 /* lengths told of one message's frames */
};

struct wst_recording_ping {
    uint64_t payload; /* its hash */
    uint32_t item;    /* index + 1; 0: none */
};

struct wst_recording_request {
    uint64_t id;      /* hash; 0: an empty slot */
    uint32_t item[2]; /* index + 1 of the last message of a side with it, by direction */
};

struct wst_recording_rest { /* of a request: binary messages that its side sends behind it */
    uint64_t id;
    uint32_t n;
};

struct wst_recording {
    struct wst_recording_ping pings[2][WST_RECORDING_PINGS];
    uint32_t pings_n[2];     /* ever */
    struct wst_ids requests; /* of wst_recording_request */
    struct wst_recording_rest rest[2];
    struct wst_ink frames[2];
    uint64_t frames_n[2];
};

struct wst_connection;
struct wst_session;
struct wst_item;
struct wst_event;
/* causes.c: fills in what the message answers. Its JSON, if it is any, lies in the session's tape.
 */
void wst_causes(struct wst_session *session, struct wst_connection *connection,
                const struct wst_event *event, struct wst_item *item);

/* recording.c: the connection's, made if need be; NULL: no memory. */
struct wst_recording *wst_recording_of(struct wst_connection *connection,
                                       struct wst_budget *budget);
void wst_recording_free(struct wst_connection *connection, struct wst_budget *budget);
/* Remembers a ping. */
void wst_recording_ping(struct wst_recording *r, unsigned dir, uint64_t payload, uint32_t item);
/* Takes the oldest unanswered ping of the other side with this payload; its item, or 0. */
uint32_t wst_recording_pong(struct wst_recording *r, unsigned dir, uint64_t payload);
/* What is known of an id (a hash, never 0), made if need be; NULL: no room. */
struct wst_recording_request *wst_recording_request(struct wst_recording *r,
                                                    struct wst_budget *budget, uint64_t id);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Inside the replay room.
 *
 *     url.c      where to
 *     proxy.c    past whom
 *     script.c   events of a capture  ->  what the client sent, and when
 *     request.c  its handshake        ->  one to another server
 *     deflate.c  a payload            ->  the same compressed
 *     frame.c    a piece of it        ->  bytes of a frame, masked
 *     answer.c   is the server's one to go on with?
 *     play.c     which step is next, and whether it may be sent
 *     packets.c  bytes of both sides  ->  packets
 */
#ifndef WST_REPLAY_REPLAY_H
#define WST_REPLAY_REPLAY_H

#include "buf.h"

#include <wstrace/replay.h>

/* -- url --------------------------------------------------------------------------------------- */

/* Steps over `name` in front of *text, in upper or lower case; false: it does not stand there. */
bool wst_replay_scheme(const char **text, const char *name);
/* Returns -1, with `why` in `error`. */
int wst_replay_refuse(char *error, const char *why);
/* These return 0, or -1 with a sentence in `error`. */
int wst_replay_printable(const char *text, size_t n, char *error);
/* text[0..n) is "host", "host:port", "[address]" or "[address]:port"; without a port url->port
 * stays. */
int wst_replay_authority(struct wst_replay_url *url, const char *text, size_t n, char *error);

/* -- script ------------------------------------------------------------------------------------ */

struct wst_replay_span { /* of the script's bytes */
    size_t at, n;
    bool there; /* an empty one is not the same as none */
};
struct wst_replay_field { /* a header line */
    struct wst_replay_span name, value;
};

struct wst_slice wst_replay_script_text(const struct wst_replay_script *script,
                                        struct wst_replay_span span);
/* Of the recorded request: none where the capture does not have it. */
struct wst_slice wst_replay_script_target(const struct wst_replay_script *script);
struct wst_slice wst_replay_script_origin(const struct wst_replay_script *script);
struct wst_slice wst_replay_script_protocols(const struct wst_replay_script *script);
/* The permessage-deflate that it offered, if the server agreed to it. */
struct wst_slice wst_replay_script_deflate(const struct wst_replay_script *script);
/* The recorded server did it, too, and its client went on all the same. */
bool wst_replay_script_taken(const struct wst_replay_script *script, enum wst_problem problem);
const struct wst_replay_field *wst_replay_script_fields(const struct wst_replay_script *script,
                                                        size_t *n);

/* -- request ----------------------------------------------------------------------------------- */

enum { WST_REPLAY_REQUEST_MAX = 1 << 20 }; /* bytes */

/* Appends the request. Returns 0, or -1 with a sentence. */
int wst_replay_request(struct wst_buf *to, struct wst_budget *budget,
                       const struct wst_replay_script *script,
                       const struct wst_replay_options *options, const uint8_t key[16],
                       char error[WST_REPLAY_ERROR_SIZE]);

/* -- answer ------------------------------------------------------------------------------------ */

/* The finding is of an answer that the script's client has to fail the connection for. */
bool wst_replay_unfit(const struct wst_replay_script *script, enum wst_problem problem);

/* -- deflate --------------------------------------------------------------------------------- */

struct wst_replay_deflate; /* what the client's direction is compressed with; owned by who made it
                            */

/* NULL when out of memory. */
struct wst_replay_deflate *wst_replay_deflate_new(const struct wst_deflate_terms *terms);
/* *packed is valid until the next call. False: send the payload as it is. */
bool wst_replay_deflate(struct wst_replay_deflate *deflate, struct wst_slice payload,
                        struct wst_slice *packed);
void wst_replay_deflate_free(struct wst_replay_deflate *deflate);

/* -- frame ------------------------------------------------------------------------------------- */

struct wst_replay_frame { /* one that is being sent */
    struct wst_slice payload;
    uint8_t opcode, mask[4];
    bool more;       /* frames of the message follow: no FIN */
    bool compressed; /* RSV1, in the first frame of a message (RFC 7692 section 6) */
    bool begun;
    size_t at; /* of the payload */
};
/* The next bytes of it, WST_REPLAY_PIECE at most; 0: it is whole. */
size_t wst_replay_frame_next(struct wst_replay_frame *frame, uint8_t to[WST_REPLAY_PIECE]);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room. In: the payload of data frames. Out: one message event (RFC 6455
 * section 5.4). Refuses to keep more than limits.max_message: the rest is counted.
 */
#ifndef WST_WS_MESSAGE_H
#define WST_WS_MESSAGE_H

#include "dir.h"
#include "ws.h"

/* What every step needs to know. */
struct wst_ws_step {
    struct wst_ws *ws;
    struct wst_ws_env *env;
    enum wst_dir dir;
    const struct wst_arrival *arrival;
};

static inline struct wst_ws_place wst_ws_place_of(const struct wst_ws_step *s, enum wst_dir dir)
{
    if (!s->env->place) return (struct wst_ws_place){.known = false};
    return s->env->place(s->env->user, s->ws->conversation, dir);
}

void wst_message_begin(struct wst_ws_message *m, uint8_t opcode, bool compressed, uint64_t pkt);
/* Payload as on the wire; `frame` has the mask, `phase` the place in the frame's payload. */
void wst_message_append(const struct wst_ws_step *step, struct wst_ws_message *m,
                        const struct wst_frame *frame, struct wst_slice payload, uint64_t phase);
/* n payload bytes are missing here. */
void wst_message_lose(const struct wst_ws_step *step, struct wst_ws_message *m, uint64_t n);
/* The frame is over; matters when each frame is compressed by itself. */
void wst_message_frame_over(const struct wst_ws_step *step, struct wst_ws_message *m,
                            const struct wst_frame *frame);
/* The last frame was seen: emits the message and what is wrong with it; m is empty afterwards. */
void wst_message_finish(const struct wst_ws_step *step, struct wst_ws_message *m, uint64_t n);
/* Message `no`, whose only frame, number `n`, lies whole in `payload`, is not compressed and is not
 * inside another: nearly every message. */
void wst_message_simple(const struct wst_ws_step *step, const struct wst_frame *frame,
                        struct wst_slice payload, uint64_t pkt, uint64_t no, uint64_t n);
/* A message whose only frame lies whole in `payload`: nothing is kept. */
void wst_message_whole(const struct wst_ws_step *step, struct wst_ws_message *m,
                       const struct wst_frame *frame, struct wst_slice payload, uint64_t n);
/* Its end will not be seen. `damaged`: because bytes are missing, not because the sender stopped.
 */
void wst_message_abandon(const struct wst_ws_step *step, struct wst_ws_message *m, bool damaged);
/* Its sender stopped inside it: perhaps because the receiver failed the connection, as it may, at a
 * byte that no text could have there (section 8.1). True: there is one, and it was told. */
bool wst_message_text_broken(const struct wst_ws_step *step, struct wst_ws_message *m);
/* It is given up in favour of another; what was compressed in it is missing from the context. */
void wst_message_drop(const struct wst_ws_step *step, struct wst_ws_message *m);
/* Payload of a data frame that belongs to no message: if compressed, the context lacks it. */
void wst_message_thrown_away(const struct wst_ws_step *step);
void wst_message_free(struct wst_ws_env *env, struct wst_ws_message *m);

/* rules.c */
void wst_ws_problem(const struct wst_ws_step *step, enum wst_problem problem, uint64_t n,
                    uint64_t msg, const char *detail);
/* Detail by printf's rules, at most 240 bytes. */
void wst_ws_problemf(const struct wst_ws_step *step, enum wst_problem problem, uint64_t n,
                     uint64_t msg, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same at a place that is not where the current frame begins. */
void wst_ws_problem_at(const struct wst_ws_step *step, enum wst_problem problem, uint64_t n,
                       uint64_t msg, int64_t offset, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
struct wst_frame_context { /* what the rules must know beside the header */
    uint64_t n, msg;
    bool orphan;     /* a continuation of nothing */
    bool interrupts; /* begins a message inside another */
    bool after_close;
    bool http; /* it is none, and that is told */
};
void wst_rules_frame(const struct wst_ws_step *step, const struct wst_frame *frame,
                     const struct wst_frame_context *context);
/* True, and told: the frame is no close frame but HTTP. */
bool wst_rules_http(const struct wst_ws_step *step, const struct wst_frame *frame, uint64_t n,
                    struct wst_slice payload);
/* The same of a frame that would be the client's: it is a request. */
bool wst_rules_http_asked(const struct wst_ws_step *step, const struct wst_frame *frame, uint64_t n,
                          struct wst_slice payload);
void wst_rules_close(const struct wst_ws_step *step, uint64_t n, struct wst_slice payload,
                     bool second, bool http);

#endif

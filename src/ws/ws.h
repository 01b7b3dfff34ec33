/* SPDX-License-Identifier: MIT
 *
 * The door of the ws room. In: the bytes that follow a handshake, both directions, whatever
 * carried them. Out: frame, message, close, gap, problem and end events (RFC 6455, RFC 7692).
 * Refuses nothing on the wire: what breaks a rule is shown and reported. After a loss it keeps the
 * framing when the gap lies inside a payload; else it looks for credible frames (seek.h).
 *
 *   bytes ─▶ header ─▶ payload ─▶ unmask ─▶ join ─▶ inflate ─▶ message
 *              ▲          │
 *              └──────────┘          gap ─▶ seek ─▶ header
 */
#ifndef WST_WS_WS_H
#define WST_WS_WS_H

#include <wstrace/wstrace.h>

#include "arrival.h"
#include "deflate.h"
#include "frame.h"
#include "seek.h"
#include "utf8.h"

struct wst_ws_terms {
    struct wst_deflate_terms deflate;
    bool per_frame : 1; /* x-webkit-deflate-frame: each frame is compressed by itself */
    bool unknown : 1;   /* the answer to the handshake was not seen */
    bool plain : 1;     /* but the request was, and offers no extension */
    bool stream : 1;    /* one of several of a connection: whose end comes first is not asked */
    bool early : 1;     /* frames of the client came before the answer, or may have */
};

/* Whether RSV1 has a meaning: messages may be compressed, and only those take time worth sharing.
 * What such a connection is charged depends on its own bytes alone, whichever thread works on it.
 */
static inline bool wst_ws_may_compress(const struct wst_ws_terms *t)
{
    return t->deflate.agreed || t->per_frame || (t->unknown && !t->plain);
}

/* Seconds. What comes later is not "as soon as is practical" (RFC 6455 sections 5.5.1, 5.5.2). */
enum { WST_WS_LATE = 5 };
enum { WST_WS_KEYS = 4 }; /* masking keys remembered to be judged */
struct wst_ws_pings;      /* judge.c */

/* What pings and close frames leave behind; of most connections nothing. */
struct wst_ws_control {
    struct wst_ws_pings *pings[2]; /* that wait for a pong, by who sent them; NULL: none */
    /* Of the first close frame, here called "it": */
    bool closing;         /* it came, and what follows is valid */
    int64_t close_ns;     /* its time; once `ended` is set: how long before the end it came */
    uint32_t close_place; /* TCP's sequence number behind it */
    uint32_t fin_place;   /* the same behind what the other side had sent, at its sender's FIN */
    uint32_t gaps;        /* of its sender, before it */
    uint32_t heard;       /* TCP's number up to which its sender had what the other side sent */
    bool placed;          /* `close_place` is valid */
    bool hears;           /* `heard` is */
    bool waited;          /* it was captured before it could be read */
    bool overtook;        /* its sender had more of the other side than was captured by then */
    bool late;            /* the other side's FIN was captured before it */
    bool unheard;         /* that FIN was captured behind it, but sent before it arrived */
    bool answered;        /* the other side's close frame came */
    bool unawaited;       /* who sent it ended before the other side's close frame came */
    bool sighted;         /* all that its sender had had was captured, to the end of a message */
    bool overtaken;       /* it waited, and was read behind the end of either side */
    bool ended;           /* one of the sides has ended since */
    int8_t ended_by;      /* enum wst_dir: which was the first to */
};

enum {
    WST_WS_SPARES = 4,                  /* buffers of large messages kept for the next ones */
    WST_WS_SPARE_MIN = 32 * 1024,       /* bytes of one at least */
    WST_WS_SPARE_MAX = 8 * 1024 * 1024, /* bytes of all of them at most */
    WST_WS_SCRATCH = 1 << 20,           /* bytes of a scratch buffer that are never given back */
    WST_WS_RAW =
        64 << 10, /* bytes of a compressed message that wait; then it is inflated as it comes */
};

/* Where the carrier stands with what one direction sends. */
struct wst_ws_place {
    uint32_t end;   /* TCP's number behind the bytes that were pushed, those pushed now included */
    uint32_t acked; /* TCP's number up to which the peer has them */
    bool known;     /* `end` and `acked` are valid: never over QUIC */
    bool over;      /* the direction's FIN was captured; bytes before it may be late, or missing */
    bool behind;    /* the peer has bytes that were not pushed yet: they are late, or missing */
    bool later;     /* over QUIC: that the peer has bytes may show only later */
    bool again;     /* its FIN was sent before, too, and that one was not captured */
};

/* What connections that one thread works on share. */
struct wst_ws_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    void *user;
    /* type, dir, when and body are filled; conn is the receiver's business. What the event points
     * to is borrowed until the call returns. It must not call into the room. */
    void (*emit)(void *user, void *conversation, struct wst_event *event);
    /* Where TCP, or QUIC, stands with what `dir` sends. May be NULL: nobody knows. */
    struct wst_ws_place (*place)(void *user, void *conversation, enum wst_dir dir);
    struct wst_inflaters inflaters;
    /* Of one whole message; reused. WST_WS_SCRATCH of each is there from the beginning and not
     * charged: what a message costs does not depend on those before. */
    struct wst_buf unmasked, inflated;
    struct wst_buf spare[WST_WS_SPARES]; /* let go by large messages, for the next ones: fresh
                                          * pages cost more than the copy into them */
};
/* `env` is all zeros, or has user, emit and place, which are the caller's to fill. `options` and
 * `budget` must outlive it. False: no memory; free it nevertheless. */
bool wst_ws_env_init(struct wst_ws_env *env, const struct wst_options *options,
                     struct wst_budget *budget);
/* Only when all connections that were worked on with it are freed. */
void wst_ws_env_free(struct wst_ws_env *env);
/* Pays from another purse from now on. What was paid from the old one will be given back to the
 * new: whoever changes purses moves the sum, too. */
void wst_ws_env_pay(struct wst_ws_env *env, struct wst_budget *budget);

struct wst_ws_message { /* a message that is being joined */
    uint64_t no, first_pkt, frames, wire_len;
    uint64_t len;                    /* bytes it would have, as far as known */
    uint64_t lost;                   /* payload bytes that are missing */
    struct wst_buf bytes;            /* what is kept, from the front */
    uint64_t known;                  /* of `bytes`, when `holed`: before the first hole */
    struct wst_buf raw;              /* compressed bytes not yet inflated */
    uint64_t sound;                  /* of `bytes`, from the front: known to be UTF-8 */
    struct wst_utf8 utf8;            /* of what did not fit into `bytes`, too, when `overflow` */
    struct wst_inflation *inflation; /* while it is inflated as it comes */
    /* Of one whose frames are inflated by themselves: */
    uint64_t sure;   /* with `doubt`: bytes from the front that are known */
    const char *why; /* zlib's word for what is bad; static, or NULL */
    uint8_t failed;  /* enum wst_inflate_end of the first frame that was not OK, or OK */
    bool doubt;      /* one depends on what was lost */
    bool unsure;     /* what one says is not certain */

    uint16_t empty;                  /* fragments without a byte, the last one not counted */
    uint8_t header_len;              /* of the frame that is all of it */
    uint8_t opcode;
    bool compressed, overflow;
    bool holed;   /* in `bytes` a byte FF stands for each that is missing, or may be one */
    bool torn;    /* what follows a hole is not kept */
    bool endless; /* framing was lost: nobody knows where it ends */
    bool lends;   /* takes and gives spare buffers */
    bool unsound; /* `sound` goes no further */
    bool odd;     /* RSV1, and no extension says what that means: it may be no text at all */
};

struct wst_ws_mark { /* a fragment, so that a byte of the message can be traced to its frame */
    uint64_t n;      /* number of the frame */
    uint64_t end;    /* bytes of the message up to the fragment's end */
    uint64_t offset; /* in the direction, behind the fragment's last byte */
};

struct wst_ws_open {        /* what a frame or message that spans segments needs; made on demand */
    uint64_t frame_pkt;     /* in which the frame began */
    uint64_t frame_lost;    /* payload bytes of it that are missing */
    struct wst_buf control; /* payload so far of a control or reserved frame */
    uint64_t control_omitted;
    struct wst_buf marks; /* where the fragments of a text ended: struct wst_ws_mark */
    bool message;         /* `m` is in use */
    bool interrupts;      /* the frame began a message inside another */
    struct wst_ws_message m;
};

enum wst_ws_mode { WST_WS_HEADER, WST_WS_PAYLOAD, WST_WS_SEEK, WST_WS_OFF };

struct wst_ws_side { /* what every frame touches: one cache line */
    uint64_t offset; /* of the current frame's first byte */
    uint64_t left;   /* payload bytes of it still to come */
    struct wst_ws_open *open;
    uint64_t frames, messages, wire_bytes, bytes;
    uint32_t gaps;
    uint8_t mode;          /* enum wst_ws_mode */
    uint8_t have;          /* header bytes so far, or of the current frame */
    uint8_t probation;     /* frames until a place that was found again is taken for granted */
    bool closed : 1;       /* sent a close frame */
    bool closed_odd : 1;   /* and that broke the rule of masks: so may frames that follow it */
    bool finished : 1;     /* sends nothing more */
    bool resumed : 1;      /* framing was found again: what came before is unknown */
    bool joined : 1;       /* picked up in the middle, nothing found yet */
    bool context_lost : 1; /* compressed messages went missing before the context was made */
    bool blind : 1;        /* what came last was not read */
    bool behind : 1;       /* when it ended it had heard of more than was pushed of the other one */
};

struct wst_ws_rare {             /* and what few do */
    struct wst_deflate *deflate; /* made with the first compressed message */
    struct wst_seek *seek;       /* while in WST_WS_SEEK */
    uint64_t head_pkt;           /* in which the header being read began */
    uint8_t head[WST_FRAME_HEADER_MAX];
    uint8_t larger; /* messages that compression made larger, as far as they are told */
};

struct wst_ws { /* one WebSocket connection */
    void *conversation;
    uint64_t frames, messages;
    uint32_t last_ms;  /* when bytes came last, since it began */
    uint32_t quiet_ms; /* how long ago that was when the first side ended */
    struct wst_ws_terms terms;
    uint8_t keys_n : 4;         /* different ones in `keys`; one more: there are more */
    uint8_t keys_again : 4;     /* that came again, in order, since */
    int8_t tls_by : 2;          /* enum wst_dir: who ended the TLS below first; as `reset_by` */
    uint8_t http : 2;           /* a bit a side: its close frame is none, it is HTTP (frame.http) */
    int8_t http_first : 2;      /* enum wst_dir: whose HTTP came before any close frame */
    int32_t close_code : 17;    /* of the first close frame */
    int8_t closed_by : 2;       /* enum wst_dir: who sent that */
    int8_t fin_by : 2;          /* enum wst_dir: whose FIN came first; the caller says */
    bool keys_judged : 1;       /* the client's masking keys are known */
    bool obscure : 1;           /* how it ended is not known: the caller says, before the end */
    bool partial : 1;           /* what came first is not known */
    int8_t reset_by : 2;        /* enum wst_dir: who reset it; the caller says, before the end */
    bool crossed : 1;           /* both closed, and nobody knows who did first */
    bool stopped : 1;           /* the capture is over, not the connection */
    uint8_t faulty : 2;         /* a bit a side, 1 << enum wst_dir: it broke a rule, or may have */
    uint32_t close_pkt : 24;    /* that carried the first close frame, the end of its number */
    uint8_t keys_seen;          /* frames that the keys were on */
    struct wst_ws_side side[2]; /* [WST_C2S], [WST_S2C] */
    uint32_t keys[WST_WS_KEYS]; /* of the first frames, which look at all of them */
    struct wst_ws_rare rare[2];
    int64_t began_ns;              /* time of the handshake */
    struct wst_ws_control *control; /* made on demand */
};

/* `conversation` is what events are told with; `began_ns`: capture time of the handshake. */
void wst_ws_init(struct wst_ws *ws, void *conversation, const struct wst_ws_terms *terms,
                 int64_t began_ns);
/* Lets go of all it holds, telling nothing. `env`: always the same for one connection. */
void wst_ws_free(struct wst_ws *ws, struct wst_ws_env *env);
/* The direction joins in the middle: its first frame has to be found, in `seek` (taken over; NULL:
 * nothing was seen yet) and what follows. */
void wst_ws_join(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir, struct wst_seek *seek,
                 const struct wst_arrival *arrival);
/* The direction's next bytes, cut anywhere. They are copied where they have to be kept. Without
 * memory for that, what is lost is told as lost, and the rest is right. */
void wst_ws_push(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir,
                 struct wst_slice bytes, const struct wst_arrival *arrival);
/* How well the number of missing bytes is known. When it is not exact, nobody knows where the
 * framing stands behind them. */
enum wst_ws_missing { WST_WS_EXACTLY, WST_WS_AT_MOST, WST_WS_AT_LEAST };
/* n bytes of the direction are missing here. */
void wst_ws_gap(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir, uint64_t n,
                enum wst_ws_missing how, const struct wst_arrival *arrival);
/* That side sent a close frame. */
bool wst_ws_closed(const struct wst_ws *ws, enum wst_dir dir);
/* The direction sends nothing more; ws->fin_by is set by then. A second one does nothing. */
void wst_ws_fin(struct wst_ws *ws, struct wst_ws_env *env, enum wst_dir dir,
                const struct wst_arrival *arrival);
/* From how much of what is held the next bytes may make more (work_memory.c), rounded up. */
struct wst_ws_held {
    uint16_t swell; /* units of 64 KiB: buffers that double when they are full */
    uint16_t raw;   /* KiB: compressed bytes that wait to be inflated; UINT16_MAX: no telling */
};
struct wst_ws_held wst_ws_held(const struct wst_ws *ws);
/* Lets go of compression contexts that no message is using. True: there was one. */
bool wst_ws_shrink(struct wst_ws *ws, struct wst_ws_env *env);
/* The connection is over: finishes both directions and emits `end`. ws->obscure and ws->reset_by
 * are set by then. Once, and only wst_ws_free behind it. */
void wst_ws_end(struct wst_ws *ws, struct wst_ws_env *env, enum wst_tcp_end how,
                const struct wst_arrival *arrival);

#endif

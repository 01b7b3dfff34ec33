/* SPDX-License-Identifier: MIT
 *
 * The door of the http1 room. In: the bytes of both sides of an HTTP/1.1 connection. Out: one
 * handshake event for each attempt to upgrade to WebSocket, and where the WebSocket bytes begin.
 * Refuses heads beyond limits.max_head; what is no HTTP makes the conversation `lost`.
 *
 *      request ──▶ queue of what was asked ──▶ response
 *                        │
 *                        └─ an upgrade or CONNECT: later client bytes wait for the answer;
 *                           server bytes without a request wait for it (captures reorder)
 */
#ifndef WST_HTTP1_HTTP1_H
#define WST_HTTP1_HTTP1_H

#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "extension.h"
#include "queue.h"

enum {
    WST_HTTP_HEADERS = 2048, /* header lines read of one head, more than any server takes; more are
                                passed over */
    WST_HTTP_INLINE = 16     /* requests outstanding without an allocation */
};

/* One head (RFC 9112 section 2). Slices lie in the head's bytes. */
struct wst_head {
    struct wst_slice method, target; /* request */
    int status;                      /* response; -1 in a request */
    struct wst_slice reason;
    int minor;   /* of HTTP/1.x */
    bool http;   /* it begins with a request line or a status line of HTTP/1; else none of these */
    bool bare;   /* a line ends with LF alone (RFC 9112 section 2.2) */
    bool folded; /* a line goes on in the next (RFC 9112 section 5.2): see wst_head_unfold */
    struct wst_header *headers;
    size_t headers_n;
    /* By wst_head_name_place, so that nobody need look through all of them: most names asked for
     * are not there, and those that are stand there once. */
    uint64_t names, again; /* a bit each: some header has it, more than one has it */
    uint8_t first[64];     /* where one has it: index of the first, 255 for any from there on */
};

/* Reads the head at the front of `s`, which does not begin with a line end, in one pass. `room` is
 * for WST_HTTP_HEADERS. Returns its length, blank line included; 0: it is not whole, and `head`
 * says nothing. */
size_t wst_head_read(struct wst_head *head, struct wst_header *room, struct wst_slice s);
/* The same, line by line with memchr, as where there is no AVX2. */
size_t wst_head_read_plain(struct wst_head *head, struct wst_header *room, struct wst_slice s);
/* Reads a head whose lines are folded again, from a copy of its bytes: where a line goes on in the
 * next, spaces are written. */
void wst_head_unfold(struct wst_head *head, uint8_t *bytes, size_t n);
/* Length of the head at the front of `s`, as above, when it comes in pieces: `seen` bytes were
 * looked at before. */
size_t wst_head_length(struct wst_slice s, size_t seen);
/* One of 64 places, which a name shares with few others. An empty one, too, has a byte at p. */
static inline unsigned wst_head_name_place(const uint8_t *p, size_t n)
{
    return (unsigned)((p[0] & 31u) * 5 + n) % 64; /* 31: whatever the case */
}
/* False: it has no header of that name. */
static inline bool wst_head_may_have(const struct wst_head *head, const char *name)
{
    return head->names >> wst_head_name_place((const uint8_t *)name, strlen(name)) & 1;
}
/* Slow half of wst_head_find, of a name that wst_head_may_have: `n` is its length. */
struct wst_slice wst_head_look(const struct wst_head *head, const char *name, size_t n,
                               size_t *from);
/* Value of the first header of that name; p == NULL: none. `from`: index to begin at, may be
 * NULL; left behind the one found. Inline, so that a name that is not there costs one question. */
static inline struct wst_slice wst_head_find(const struct wst_head *head, const char *name,
                                             size_t *from)
{
    if (!wst_head_may_have(head, name)) return (struct wst_slice){NULL, 0};
    return wst_head_look(head, name, strlen(name), from);
}
/* Slow half of wst_head_has_token. */
bool wst_head_lists(const struct wst_head *head, const char *name, const char *token);
/* Does any header of that name hold the token, in a comma-separated list, whatever the case? */
static inline bool wst_head_has_token(const struct wst_head *head, const char *name,
                                      const char *token)
{
    return wst_head_may_have(head, name) && wst_head_lists(head, name, token);
}

/* What the WebSocket room must know of a handshake. */
struct wst_upgrade_terms {
    struct wst_deflate_terms deflate;
    bool per_frame; /* x-webkit-deflate-frame: each frame compressed by itself */
    bool unknown;   /* the answer was not seen: compression is possible … */
    bool plain;     /* … but that the request, which was, offers no extension */
};

/* A Sec-WebSocket-Key that was used. The accept value stands for it: it is a hash already. */
struct wst_key_seen {
    uint8_t accept[16];
    uint64_t request_pkt, answer_pkt; /* 0: free */
    uint64_t ends;                    /* a hash of the two hosts and the server's port */
    uint64_t network;                 /* see wst_http_env */
    int64_t answer_ns;
    int64_t stream; /* of the TCP connection */
    uint16_t client_port;
};

/* Shared by all conversations of one context. */
struct wst_http_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    void *user;
    bool forgotten; /* what ends does so for want of memory: more of it may be in the capture */
    /* The event lacks only addresses and stream numbers. */
    void (*handshake)(void *user, void *conversation, struct wst_event_handshake *event,
                      const struct wst_arrival *arrival);
    void (*problem)(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                    const char *detail, const struct wst_arrival *arrival);
    /* Another for each network in which connections between the same ports are captured. May be
     * NULL. */
    uint64_t (*network)(void *user, void *conversation);
    /* A whole head, as sent, before it is judged. May be NULL. */
    void (*head)(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes);
    struct wst_header headers[2][WST_HTTP_HEADERS]; /* of the request, of the response */
    struct wst_buf fold;                            /* copy of a head that must be changed */
    struct wst_buf text;                            /* joined header values */
    struct wst_key_seen *keys; /* limits.max_keys, found by what their accept value begins with */
};
void wst_http_env_free(struct wst_http_env *env);

enum wst_http_state {
    WST_HTTP_RUNNING,
    WST_HTTP_UPGRADED, /* what is left belongs to WebSocket */
    WST_HTTP_TUNNEL,   /* CONNECT was granted, or HTTP/2, or TLS: what is left is another
                          conversation */
    WST_HTTP_LOST      /* not HTTP, or not any more */
};

struct wst_http_side {
    struct wst_buf head; /* a head that is not whole; a refusal's body */
    uint64_t left;       /* of the body or chunk; digits of a chunk size so far */
    uint8_t mode;
    bool skipping;  /* inside a chunk extension or a trailer line */
    bool untouched; /* a body was announced, and no byte of it has come */
};

/* One HTTP/1.1 connection. "The request" is the last one that asked for an upgrade. */
struct wst_http {
    void *conversation;
    uint8_t state; /* enum wst_http_state */
    /* What the last request asked for (enum http_asked), when it is such that the client's next
     * bytes wait for the answer; else 0. */
    uint8_t awaiting;

    /* What is not in the capture. */
    bool request_lost : 1; /* requests may be missing, so answers do not wait for theirs … */
    bool more : 1;         /* … but while the client's next bytes wait behind a hole, they do */
    bool answers_lost : 1; /* the server's bytes are: who waits may have missed an answer */
    bool torn : 1;       /* the server's next bytes may be the rest of an answer that is missing */
    bool early_torn : 1; /* bytes are missing of what the client sent before it had the answer */
    bool request_seen : 1; /* the upgrade that was granted was asked for in the capture */

    /* The upgrade was granted while the body of its request is still on its way: WebSocket begins
     * behind that. */
    bool granted : 1;
    bool secure : 1; /* the bytes came out of TLS */

    /* How far the order of packets can be believed; set by the caller before each push. */
    bool overtaken : 1; /* what is pushed was sent before it was captured, who knows how long */
    bool skewed : 1;    /* so was something that no hole held up: the order says nothing */

    bool left_before : 1; /* the server had ended TCP before the request */
    /* Who ended TCP first after the request, valid with `left_us`; set by the caller. */
    bool left_reset : 1; /* with a reset, not a FIN */
    bool left_tls : 1;   /* he ended the TLS inside, and the other one TCP then */
    bool heard : 1;      /* packets of the server are in the capture, as far as is known */
    int8_t left_by;      /* enum wst_dir */

    /* Requests without an answer so far: a ring of what each asked (enum http_asked), and in
     * `asked_more` those that found no place in it. */
    uint8_t asked_n, asked_first;
    uint8_t asked[WST_HTTP_INLINE];
    /* Microseconds from the request to the end of TCP, or of TLS, plus one; at most what it holds.
     * 0: nobody ended TCP yet. */
    uint32_t left_us;
    /* Not 0: the upgrade was refused, and the body of that answer is being read (refusal.c). */
    uint32_t refused;
    struct wst_buf asked_more;

    struct wst_http_side side[2];   /* [WST_C2S], [WST_S2C] */
    struct wst_queue wait[2];       /* bytes whose turn has not come; by direction */
    struct wst_buf request;         /* the request's head, while its answer is outstanding */
    struct wst_when request_when;   /* of the packet that made its head whole … */
    uint64_t request_from;          /* … and the one that carried its end */
    struct wst_upgrade_terms terms; /* with WST_HTTP_UPGRADED */
};

/* `http` is all zeros. */
void wst_http_init(struct wst_http *http, void *conversation);
void wst_http_free(struct wst_http *http, struct wst_http_env *env);
/* Bytes of one side that lie inside a body, where nothing can come of them: most of a download.
 * They are taken; false: wst_http_push must look at them. */
bool wst_http_passes(struct wst_http *http, enum wst_dir dir, size_t bytes);
/* Bytes of one side. Returns how many were taken; fewer than given only when the state is no
 * longer RUNNING, or the answer to an upgrade was waited for too long (wst_http_answer_lost). Bytes
 * may be left in wait[] then, too, and come first. */
size_t wst_http_push(struct wst_http *http, struct wst_http_env *env, enum wst_dir dir,
                     struct wst_slice bytes, const struct wst_arrival *arrival);
/* n bytes are missing behind a request for an upgrade that waits for its answer: they wait, too,
 * and are found in wait[] among those that did come. False: they do not, and wst_http_before_gap
 * comes next. */
bool wst_http_gap_waits(struct wst_http *http, struct wst_http_env *env, enum wst_dir dir,
                        uint64_t n, const struct wst_arrival *arrival);
/* n bytes are missing: what waits before them has its turn. False: that changed the state, and
 * whoever goes on must be told of them. True: wst_http_gap must. */
bool wst_http_before_gap(struct wst_http *http, struct wst_http_env *env, enum wst_dir dir,
                         uint64_t n, const struct wst_arrival *arrival);
void wst_http_gap(struct wst_http *http, struct wst_http_env *env, enum wst_dir dir, uint64_t n,
                  const struct wst_arrival *arrival);
/* The side sends nothing more. */
void wst_http_fin(struct wst_http *http, struct wst_http_env *env, enum wst_dir dir,
                  const struct wst_arrival *arrival);
/* The conversation is over, or its answer will not come: reports an upgrade request that is still
 * outstanding. `accepted`: the frames that follow prove that it was granted. */
void wst_http_unanswered(struct wst_http *http, struct wst_http_env *env, bool accepted,
                         const struct wst_arrival *arrival);
/* Nothing is outstanding and nothing waits: all that is known fits in a flag. */
bool wst_http_idle(const struct wst_http *http);
/* An upgrade was asked for and its answer is lost, or both sides' heads are: only the bytes that
 * follow can tell whether it is WebSocket now. */
bool wst_http_answer_lost(const struct wst_http *http);
/* Bytes of that side were lost, and no head has begun behind them. */
bool wst_http_blind(const struct wst_http *http, enum wst_dir dir);

/* keep.c: http->request is `head` from now on. False: too long, or no memory. */
bool wst_request_keep(struct wst_http *http, struct wst_http_env *env, const struct wst_head *head);
/* upgrade.c: reports a handshake and fills http->terms. `response` NULL: none came.
 * Returns whether WebSocket follows. */
bool wst_upgrade_report(struct wst_http *http, struct wst_http_env *env,
                        const struct wst_head *response, bool accepted_unseen,
                        const struct wst_arrival *arrival);

/* extended.c: a WebSocket that HTTP/2 or HTTP/3 carries begins with an extended CONNECT (RFC 8441
 * section 5, RFC 9220 section 3): the same handshake without a key and what is computed from it;
 * 2xx accepts it. */
struct wst_extended {
    void *conversation;
    enum wst_carrier carrier;
    struct wst_header *request, *response; /* fields; response NULL: it was not seen */
    size_t request_n, response_n;          /* WST_HTTP_HEADERS at most */
    int status; /* of the answer; 0: not seen, but frames prove that it was a good one; -1: none */
    struct wst_when request_when;
    bool secure;  /* the bytes came out of TLS */
    bool unasked; /* the server's settings do not allow it */
    bool reset;   /* the stream was reset before it was answered … */
    enum wst_dir reset_by; /* … by this side; WST_DIR_NONE: not known. Without `reset`: the side did
                            * that, and an answer may have come before, which is missing */
    const char *why; /* … with this code, in words; what ended the connection, if reset_by is
                      * WST_DIR_NONE; NULL: not known */
    uint32_t *refused;     /* set to what wst_refusal_begin says of the answer; may be NULL */
};
/* Reports the handshake and fills *terms. Returns whether WebSocket follows. */
bool wst_extended_report(struct wst_http_env *env, const struct wst_extended *extended,
                         struct wst_upgrade_terms *terms, const struct wst_arrival *arrival);

/* refusal.c: what the answer that refuses an upgrade says in its body. It is where servers explain
 * themselves ("Session ID unknown"), and browsers show none of it. */
struct wst_refusal { /* such a body, while it is read */
    struct wst_http_env *env;
    void *conversation;
    uint32_t *reason;     /* what wst_refusal_begin said; 0: none is read */
    struct wst_buf *kept; /* its bytes so far; empty at the beginning, and freed at the end */
    const struct wst_arrival *arrival;
};
/* A head that refuses, with a body behind it: what its status line says, in short; 0: the body
 * cannot be read. */
uint32_t wst_refusal_begin(const struct wst_head *head);
/* Bytes of the body, as they are sent in HTTP/1 without the sizes of chunks. */
void wst_refusal_bytes(const struct wst_refusal *refusal, struct wst_slice bytes);
/* It is over (`whole`), or nobody knows how it goes on: tells what was read of it, if that is text
 * and says more than the status line did. Nothing is being read: nothing. */
void wst_refusal_end(const struct wst_refusal *refusal, bool whole);

/* extensions.c */
struct wst_deflate_params { /* of one permessage-deflate element, RFC 7692 section 7.1 */
    bool server_no_context_takeover, client_no_context_takeover;
    bool has_server_bits, has_client_bits;
    uint8_t server_bits, client_bits; /* 8–15; 0: no value, or none that is sound */
};
/* Reads them, of an offer or an answer. NULL: sound; else what is wrong. */
const char *wst_extension_params(struct wst_slice params, bool offer, struct wst_deflate_params *p);
/* Why `answer` is none to `offer`; NULL: it is one, or means what one would. */
const char *wst_extension_mismatch(const struct wst_deflate_params *answer,
                                   const struct wst_deflate_params *offer);
/* The terms in a server's answer. NULL: sound; else what is wrong. */
const char *wst_extension_deflate(struct wst_slice params, struct wst_deflate_terms *terms);

#endif

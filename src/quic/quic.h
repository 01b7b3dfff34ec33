/* SPDX-License-Identifier: MIT
 *
 * The door of the quic room. In: UDP datagrams, and the secrets of a key log. Out: of each QUIC
 * connection (RFC 9000, 9001, 9369) whose secrets are known the bytes of its streams, each stream's
 * in order, each lost byte stated as a gap, and how they ended; or one note that says why the
 * connection stays closed. Refuses to hand on a byte that no tag proves.
 *
 *   datagram ─▶ packets ─▶ whose? ─▶ opened ─▶ frames ─▶ STREAM ─▶ in order ─▶ data │ gap │ fin
 *                            ▲          │        ├─▶ CRYPTO ─▶ hellos ─▶ keys
 *             connection IDs ┘          │        └─▶ ACK: what will not be sent again
 *                 no keys yet: wait ◀───┘
 *
 * A connection is known by the IDs in its packets, not by addresses: those may change (section 9).
 * Of one whose beginning was not captured the secret is not known, but which it is shows: secrets
 * that are nobody's are tried, and the one that opens a packet is the one.
 */
#ifndef WST_QUIC_QUIC_H
#define WST_QUIC_QUIC_H

#include <wstrace/wstrace.h>

#include "arrival.h"
#include "budget.h"
#include "packet.h"
#include "protect.h"
#include "segment.h"

enum {
    WST_QUIC_CONNECTIONS = 65536, /* at a time; the one that was silent longest gives way */
    WST_QUIC_IDS = 64,            /* of each side of a connection: the oldest are forgotten */
    WST_QUIC_STREAMS = 4096,      /* of a connection, at a time */
    WST_QUIC_SKIPPED = 128,       /* streams that one packet may open before its own */
    WST_QUIC_HANDSHAKE_MAX = 128 * 1024, /* bytes of a handshake message that is read */
    WST_QUIC_TRIES = 64, /* packets that do not open, until the secrets are called wrong */
    WST_QUIC_SNI = 256,  /* bytes, escaped; RFC 1035 allows 253 */
    WST_QUIC_ALPN = 64,
};

/* What TLS agreed on, inside CRYPTO frames; filled in by whoever reads its messages. */
struct wst_quic_terms {
    bool client, server;    /* hellos came */
    bool chosen;            /* alpn is the server's choice, not the client's only offer */
    bool midst;             /* the beginning of the connection was not captured … */
    bool late;              /* … and much of what followed it */
    uint16_t suite;         /* 0: not known yet */
    uint8_t random[32];     /* the client's */
    char sni[WST_QUIC_SNI]; /* escaped; empty: none */
    char alpn[WST_QUIC_ALPN];
    bool resets; /* the server gave a token for a stateless reset */
    uint8_t token[16];
};

/* By epoch; the key log's names are TLS's. */
enum wst_quic_label {
    WST_QUIC_SECRET_EARLY,
    WST_QUIC_SECRET_CLIENT_HS,
    WST_QUIC_SECRET_SERVER_HS,
    WST_QUIC_SECRET_CLIENT,
    WST_QUIC_SECRET_SERVER,
    WST_QUIC_LABELS
};

/* A secret of the key log that no connection has claimed. */
struct wst_quic_offer {
    enum wst_quic_label label;
    uint8_t random[32]; /* of the client whose connection it belongs to */
    struct wst_quic_secret secret;
};
enum wst_quic_offered {
    WST_QUIC_OFFERED,
    WST_QUIC_TAKEN, /* it is somebody's, or none of QUIC's */
    WST_QUIC_GONE,  /* it gave way to newer ones, as all before it */
    WST_QUIC_LAST   /* there are not so many */
};

/* Both ends, as in the packet that began the connection. */
struct wst_quic_ends {
    uint8_t family; /* 4 or 6 */
    uint16_t client_port, server_port;
    uint8_t client[16], server[16]; /* IPv4 in the first 4 bytes */
};

struct wst_quic_connection;

/* CONNECTION_CLOSE (RFC 9000 section 19.19). */
struct wst_quic_close {
    enum wst_dir dir; /* whose */
    bool application; /* the code is the application's, as HTTP/3's */
    bool handshake;   /* it came in a packet of the handshake */
    bool stateless;   /* by a stateless reset: there is no code, and there are no words */
    uint64_t code;
    struct wst_slice reason; /* its beginning: whatever was sent */
};

/* The server's transport parameters (RFC 9000 section 18): what is of interest in them. */
void wst_quic_parameters(struct wst_quic_terms *terms, struct wst_slice parameters);

/* Those of a datagram that the client sent. */
struct wst_quic_ends wst_quic_ends_of(const struct wst_segment *segment);

/* What the room calls. `upper` is what open() made. */
struct wst_quic_sink {
    void *user;
    /* A handshake message of TLS, its four bytes of type and length included. */
    void (*message)(void *user, struct wst_quic_terms *terms, enum wst_dir dir,
                    struct wst_slice message);
    /* A secret of the connection with this client random. False: not known. */
    bool (*secret)(void *user, const struct wst_quic_terms *terms, enum wst_quic_label label,
                   struct wst_quic_secret *secret);
    /* How many secrets the key log has; number `i` of them, in the order in which they came. */
    uint32_t (*offers)(void *user);
    enum wst_quic_offered (*offer)(void *user, uint32_t i, struct wst_quic_offer *offer);
    /* Its secrets are used from now on. */
    void (*opening)(void *user, const struct wst_quic_terms *terms);
    /* The first bytes of a stream are about to be handed on; `connection` and `terms` stay until
     * end(). NULL: nobody wants them. */
    void *(*open)(void *user, const struct wst_quic_connection *connection,
                  const struct wst_quic_ends *ends, const struct wst_quic_terms *terms,
                  const struct wst_arrival *arrival);
    void (*data)(void *user, void *upper, uint64_t stream, enum wst_dir dir, struct wst_slice bytes,
                 const struct wst_arrival *arrival);
    void (*gap)(void *user, void *upper, uint64_t stream, enum wst_dir dir, uint64_t bytes,
                const struct wst_arrival *arrival);
    void (*fin)(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                const struct wst_arrival *arrival);
    void (*reset)(void *user, void *upper, uint64_t stream, enum wst_dir dir, uint64_t code,
                  const struct wst_arrival *arrival);
    /* Whether anybody follows the stream; the others are forgotten first. */
    bool (*follows)(void *user, const void *upper, uint64_t stream);
    /* The window of `dir` let the other side send nothing more on the stream, or (UINT64_MAX) on
     * all, for a second or more. */
    void (*stalled)(void *user, void *upper, uint64_t stream, enum wst_dir dir, const char *detail,
                    const struct wst_arrival *arrival);
    /* A side closed it, behind all that was handed on; end() follows, where anything was. `open`:
     * streams were, or would have been. */
    void (*closed)(void *user, void *upper, const struct wst_quic_ends *ends,
                   const struct wst_quic_terms *terms, bool open,
                   const struct wst_quic_close *close, const struct wst_arrival *arrival);
    /* The connection is over; `upper` must be let go. Returns what `wanted` says from then on. */
    bool (*end)(void *user, void *upper, enum wst_tcp_end how, const struct wst_arrival *arrival);
    /* Whether it is to be kept long when it is silent. */
    bool (*precious)(void *user, const void *upper);
    /* A finding; `upper` NULL: nothing was handed on. `dir`: WST_DIR_NONE, or whose packets. */
    void (*problem)(void *user, void *upper, const struct wst_quic_ends *ends,
                    enum wst_problem problem, enum wst_dir dir, const char *detail,
                    const struct wst_arrival *arrival);
};

struct wst_quic; /* all connections of one context */

/* `options`, `budget` and the sink's user must outlive it. NULL: out of memory. */
struct wst_quic *wst_quic_new(const struct wst_options *options, struct wst_budget *budget,
                              const struct wst_quic_sink *sink);
void wst_quic_free(struct wst_quic *quic); /* tells nothing */
/* More secrets may come while packets do: ciphertext waits for them. */
void wst_quic_keys_may_come(struct wst_quic *quic, bool may);

/* A datagram; `segment` has its addresses, ports, domain and payload. */
void wst_quic_push(struct wst_quic *quic, const struct wst_segment *segment,
                   const struct wst_when *when);
/* Secrets have come: what waits for them is read. */
void wst_quic_wake(struct wst_quic *quic, const struct wst_when *when);
/* Capture time went on: ends what has been silent, declares old holes; looks at so many
 * connections. */
void wst_quic_tick(struct wst_quic *quic, const struct wst_when *when, unsigned steps);
/* Forgets connections until the budget has so many bytes, those that were silent longest first:
 * with INT64_MAX for `silent_ns` those that are not precious; else those that are, too, if they
 * were silent for so long. False: there are not enough. */
bool wst_quic_make_room(struct wst_quic *quic, size_t bytes, int64_t silent_ns,
                        const struct wst_when *when);
/* How many were forgotten so that were not precious so far; and how many because there were
 * WST_QUIC_CONNECTIONS. */
uint64_t wst_quic_evicted(const struct wst_quic *quic);
uint64_t wst_quic_outnumbered(const struct wst_quic *quic);
/* The capture is over: every connection is flushed and ended, in the order in which they began. */
void wst_quic_finish(struct wst_quic *quic, const struct wst_when *when);

/* errors.c: "CONNECTION_REFUSED (0x2): the server takes …" (RFC 9000 section 20.1). */
void wst_quic_error(uint64_t code, char *to, size_t room);

/* Whether bytes of that direction wait behind a hole; or may be in a packet that the other side
 * has, is newer than what brought the last of them, and was not captured, or not yet. */
bool wst_quic_behind(const struct wst_quic_connection *connection, uint64_t stream,
                     enum wst_dir dir);
/* The same at the end, when nothing more is acknowledged: or in one that the other side may have.
 */
bool wst_quic_obscure(const struct wst_quic_connection *connection, uint64_t stream,
                      enum wst_dir dir);
/* One more than the newest packet that the side has sent; and whether the other one has one of
 * those from that on that was not captured. */
uint64_t wst_quic_newest(const struct wst_quic_connection *connection, enum wst_dir dir);
bool wst_quic_missed(const struct wst_quic_connection *connection, enum wst_dir dir,
                     uint64_t since);
/* Datagrams were cut by a snap length, and not pushed: those that were not look like the rest of
 * something, and nobody is told of them. */
void wst_quic_cut(struct wst_quic *quic);
uint64_t wst_quic_count(const struct wst_quic *quic); /* connections so far */
/* Pairs of addresses between which QUIC seems to be spoken whose beginning was not captured, and of
 * which nobody was told. */
uint64_t wst_quic_strangers(const struct wst_quic *quic);

/* Of the datagram pushed last. */
struct wst_quic_last {
    void *upper;     /* what its connection is; NULL: nothing, or it is not known yet */
    bool undecided;  /* … which it may be */
    bool wanted;     /* it is over, and was what somebody wanted */
    uint64_t number; /* of its connection, from 1 on; 0: none */
};
struct wst_quic_last wst_quic_last(const struct wst_quic *quic);
uint64_t wst_quic_number_of(const struct wst_quic_connection *connection); /* the same */

#endif

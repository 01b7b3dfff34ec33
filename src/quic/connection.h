/* SPDX-License-Identifier: MIT
 *
 * Inside the quic room: one connection.
 */
#ifndef WST_QUIC_CONNECTION_H
#define WST_QUIC_CONNECTION_H

#include <sys/queue.h>

#include "elapsed.h"
#include "frames.h"
#include "numbers.h"
#include "order.h"
#include "queue.h"
#include "quic.h"
#include "sorted.h"

enum quic_space { SPACE_INITIAL, SPACE_HANDSHAKE, SPACE_APPLICATION, SPACES };
static inline enum quic_space quic_space_of(enum wst_quic_type type)
{
    return type == WST_QUIC_INITIAL     ? SPACE_INITIAL
           : type == WST_QUIC_HANDSHAKE ? SPACE_HANDSHAKE
                                        : SPACE_APPLICATION;
}

/* A connection ID, in the table; or two addresses that stand for one of no bytes. */
struct quic_id {
    struct quic_id *next;  /* in its bucket */
    struct quic_id *older; /* of the same side */
    struct wst_quic_connection *connection;
    uint64_t hash;
    uint8_t dir; /* of the packets that bear it */
    uint8_t n;
    uint8_t bytes[WST_QUIC_ID];
    bool has_token; /* whoever chose it ends the connection with this, when he knows no keys */
    uint8_t token[WST_QUIC_TOKEN];
};

struct quic_window {  /* of flow control, for what a direction sends */
    uint64_t allowed; /* bytes in all, by what was seen to allow more; 0: nothing was */
    uint64_t limit;   /* its sender has more than so many, it said … */
    int64_t since_ns; /* … first then … */
    uint64_t newest;  /* … before the other side's packet of this number */
    bool closed;
    uint8_t told; /* times that it was */
};
#define QUIC_ALL UINT64_MAX /* in place of a stream: the connection's window */

struct quic_half { /* one direction of a stream */
    struct wst_quic_order order;
    uint64_t size;     /* of all its bytes; UINT64_MAX: not known yet */
    uint64_t tail;     /* packet that brought what was handed on last */
    uint64_t hole;     /* packet behind the hole that is waited for */
    int64_t hole_ns;   /* when it was seen … */
    int64_t acked_ns;  /* … when the other side was seen to have it … */
    uint64_t acked_at; /* … and at which datagram of the connection; 0: not yet */
    bool waits;        /* there is a hole */
    bool over;         /* nothing more is handed on */
    /* RESET_STREAM captured before packets of the other side that its sender had: they come first.
     */
    bool reset;
    uint64_t reset_code, reset_behind; /* behind: the largest number of those and one */
    struct wst_arrival reset_arrival;
    struct quic_window window;
};

struct quic_stream {
    uint64_t id;
    uint64_t touched;         /* datagram of the connection in which it was seen last */
    struct quic_half half[2]; /* by direction */
    bool followed;            /* when that was asked last */
};

struct quic_crypto { /* the CRYPTO stream of one direction and space, RFC 9000 section 19.6 */
    struct wst_quic_order order;
    struct wst_buf message; /* one that is not whole */
    bool over;              /* nobody reads what comes now */
};

struct quic_keys {
    struct wst_quic_mask *mask;
    struct wst_quic_keys *keys;
    bool proven; /* a packet opened */
};

/* A packet whose mask was taken off. */
struct quic_unmasked {
    struct wst_slice header, sealed;
    uint8_t first;
    uint32_t low; /* of its number, the last … */
    size_t low_n; /* … so many bytes */
};

/* What opened a packet with a short header. */
struct quic_found {
    struct wst_quic_mask *mask;
    struct wst_quic_keys *keys, *before; /* of its generation, and of the one before */
    uint64_t number;                     /* of the packet */
    unsigned generation;                 /* key updates before it */
    size_t id_n;                         /* bytes of the ID that it bears … */
    const uint8_t *id;                   /* … among those that were tried */
};

enum {
    QUIC_REASON = 80, /* bytes of why it was closed, that are kept */
    QUIC_SAMPLES = 8, /* packets of a direction that secrets are tried on */
    /* How often all secrets are tried on what came: first on packets of a handshake, then on those
     * behind it, then with what is less likely. */
    QUIC_ROUNDS = 3
};
/* Packets of a direction of which nobody knows what sealed them. */
struct quic_samples {
    struct wst_slice shorts[QUIC_SAMPLES]; /* the oldest, the newest */
    unsigned shorts_n;
    struct wst_quic_packet handshake;
    bool has_handshake;
    uint32_t version; /* 0: not known */
    int id_n;         /* bytes of the ID, by long headers; -1: not known */
};

/* Secrets are tried from the one on that was found last, for those that were used together lie
 * together; before, from the newest on. */
struct quic_trying {
    uint32_t from, to; /* numbers of those that were tried in this round … */
    uint32_t at;       /* … of the last one */
    bool up;           /* it was the next of the larger ones */
    uint32_t n;        /* packets that came, or datagrams */
    uint8_t rounds;
};

struct quic_side { /* what one side sends */
    struct quic_keys initial, handshake, early, application;
    struct wst_quic_keys *before, *after; /* generations next to application.keys */
    uint64_t next[SPACES];                /* packet number that is expected */
    uint64_t phase_from;                  /* the first number of this generation */
    struct quic_crypto crypto[SPACE_APPLICATION];
    struct quic_id *ids; /* that its packets may bear: the other side chose them */
    uint64_t streams[2]; /* of [bidirectional, unidirectional] that it opened: how many */
    struct quic_window window; /* of all its streams */
    size_t segment;      /* bytes of a datagram, where several were captured as one; 0: not so */
    uint32_t failed;     /* packets that did not open, in a row */
    uint32_t ports;      /* of the last packet: its sender's, its receiver's */
    uint8_t id_n;        /* bytes of the ID that its packets bore last */
    bool phase;
    bool nameless; /* its packets bear no ID: they are known by addresses */
    bool keyless;  /* its secret is not known */
    bool opened;   /* a packet of SPACE_APPLICATION was */
};

enum quic_state {
    QUIC_HELLO, /* until its secrets are known */
    QUIC_OPEN,
    QUIC_SEALED, /* nobody will read it, or nobody wants to */
    QUIC_CLOSED  /* it said so */
};

struct wst_quic_connection {
    TAILQ_ENTRY(wst_quic_connection) by_last;  /* place among all by their last packet … */
    TAILQ_ENTRY(wst_quic_connection) by_first; /* … and by their first */
    TAILQ_ENTRY(wst_quic_connection) by_wait;  /* … and among q->waiting */
    uint64_t born;                             /* which of all it is, from 1 on */
    struct wst_quic_ends ends;
    struct wst_quic_terms terms;
    void *upper;
    bool began;    /* `upper` was asked for */
    bool wanted;   /* … and is gone: what its end said */
    uint8_t state; /* enum quic_state */
    uint8_t told;  /* bits of enum quic_finding */
    bool waiting;  /* it is among q->waiting */
    uint32_t version;
    int64_t active;   /* wst_quic.time at its last packet */
    uint64_t packets; /* datagrams so far */
    uint32_t guessed; /* what guesses at a datagram's size cost since the last right one */
    uint64_t crowded; /* datagrams: until then no stream gives way */
    uint8_t first_id_n, first_id[WST_QUIC_ID]; /* what the first packets are sealed with */
    struct quic_side side[2];                  /* [WST_C2S], [WST_S2C] */
    /* The same two of SPACE_APPLICATION; NULL: no packet of it was opened, as of most connections
     * of others. */
    struct wst_quic_numbers *numbers;
    struct wst_sorted streams;                 /* of struct quic_stream */
    uint32_t holes;           /* halves that wait */
    uint32_t resets;          /* … that were reset, which is not told yet */
    struct wst_queue wait[2]; /* packets that no key opens yet, by direction */
    int64_t waits_since;
    int64_t asked_ns[2]; /* when its client began, and did so last */
    bool heard;          /* the server: anything that may be its own */
    bool early;    /* without their key there were packets of the server behind its handshake … */
    bool finished; /* … and of the client: it took the handshake for good */
    bool closes;               /* a side closed it, and packets that it had are still to come */
    uint8_t closes_by;         /* enum wst_dir */
    uint8_t closes_how;        /* enum wst_tcp_end */
    struct wst_arrival closed; /* when */
    struct wst_quic_close close;
    uint8_t close_reason[QUIC_REASON];
    uint8_t secrets; /* bits of enum wst_quic_label: known when it was woken last */
    struct quic_trying trying; /* while its client random is not known */
};

/* Who is worked on, and by what. */
struct quic_step {
    struct wst_quic *quic;
    struct wst_quic_connection *connection;
    enum wst_dir dir;
    uint64_t number; /* of the packet */
    const struct wst_arrival *arrival;
    unsigned skipped; /* streams that it opened before its own */
    bool behind;      /* a long header is before it in its datagram, or may have been */
    bool unnamed;     /* its ID may be one that nobody was seen to choose */
    bool guess;       /* where the packet ends is not known: only likely keys are tried */
};

struct wst_quic {
    const struct wst_options *options;
    struct wst_budget *budget;
    struct wst_quic_sink sink;
    struct wst_quic_crypto crypto;
    struct wst_buf room;           /* for what is opened */
    uint8_t header[WST_QUIC_PART]; /* one, its mask taken off */
    struct quic_id **buckets;
    uint32_t buckets_n, ids_n;
    uint32_t lengths; /* bit n: there were IDs of n bytes */
    uint32_t connections_n;
    uint64_t born; /* connections so far */
    /* … that were forgotten before anybody wanted them: for want of memory; for newer ones */
    uint64_t evicted, outnumbered;
    TAILQ_HEAD(wst_quic_row, wst_quic_connection) by_last;
    struct wst_quic_row by_first;
    struct wst_quic_row waiting; /* for secrets; and some that do not any more */
    struct wst_quic_connection *sweep; /* whose silence is looked at next; NULL: the first's */
    uint64_t datagrams;
    struct wst_elapsed time;          /* all that waits or is silent is held against it */
    struct wst_quic_connection *last; /* of the datagram pushed last */
    struct quic_stranger *strangers;
    uint64_t strangers_n;
    bool stranger_told, cut;
    struct quic_place *places; /* datagrams that are nobody's */
    uint64_t places_n;         /* so many were taken so far */
    uint64_t place;            /* number of the one that has the datagram pushed last; 0: none */
    bool replaying;            /* what waited there is read */
    int64_t purse;             /* what trying secrets may cost now */
    uint32_t near;             /* number of the secret that was found last, plus one */
    bool keys_may_come;
    bool finishing; /* nothing more will come */
};

/* ids.c */
/* Packets of direction `dir` may bear this ID. */
void wst_quic_id_add(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                     struct wst_slice id);
/* Its token, where the connection has that ID. */
void wst_quic_id_token(struct wst_quic *q, struct wst_quic_connection *c, struct wst_slice id,
                       const uint8_t token[WST_QUIC_TOKEN]);
/* A packet of `dir` that does not open ends with a token of its sender (RFC 9000 section 10.3). */
bool wst_quic_id_resets(const struct wst_quic_connection *c, enum wst_dir dir,
                        struct wst_slice packet);
/* … or none, between these addresses; `back`: those of the segment, turned around. */
void wst_quic_id_add_addresses(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                               const struct wst_segment *s, bool back);
void wst_quic_ids_free(struct wst_quic *q); /* after all connections */
void wst_quic_ids_forget(struct wst_quic *q, struct wst_quic_connection *c);
/* Whose packet with a long header it is; NULL: nobody's. */
const struct quic_id *wst_quic_id_find(const struct wst_quic *q, const struct wst_segment *s,
                                       const struct wst_quic_packet *p);
/* Whose packets of the other direction bear the ID that this one says is its sender's. */
const struct quic_id *wst_quic_id_find_back(const struct wst_quic *q,
                                            const struct wst_quic_packet *p);
/* The connection that was between these addresses last. */
const struct quic_id *wst_quic_id_find_addresses(const struct wst_quic *q,
                                                 const struct wst_segment *s);
/* The same of one with a short header, whose ID has no length: p->to and p->number are filled. */
const struct quic_id *wst_quic_id_find_short(const struct wst_quic *q, const struct wst_segment *s,
                                             struct wst_quic_packet *p);

/* Stands for two addresses and ports, whoever of them sends. */
uint64_t wst_quic_pair(const struct wst_quic *q, const struct wst_segment *s);

/* strangers.c */
/* A datagram is nobody's; `certain`: its header is one of QUIC's. False: it is no QUIC. */
bool wst_quic_stranger(struct wst_quic *q, const struct wst_segment *s, bool certain,
                       const struct wst_arrival *arrival);
/* A connection began between its addresses. */
void wst_quic_stranger_known(struct wst_quic *q, const struct wst_segment *s);
void wst_quic_strangers_free(struct wst_quic *q);

/* seal.c */
enum quic_opened {
    QUIC_OPENED,
    QUIC_AGAIN,   /* it was opened before */
    QUIC_KEYLESS, /* its key is not known */
    QUIC_FAILED
};
/* *plain lies in the room; t->number is set. */
enum quic_opened wst_quic_packet_open(struct quic_step *t, const struct wst_quic_packet *p,
                                      struct wst_slice *plain);
void wst_quic_epochs_free(struct wst_quic_connection *c);
/* The header, its mask taken off, lies in q->header. */
bool wst_quic_unmask(struct wst_quic *q, const struct wst_quic_packet *p,
                     struct wst_quic_mask *mask, struct quic_unmasked *u);
/* The keys of `f` are the side's from now on. */
void wst_quic_epoch_found(struct quic_side *s, struct quic_found *f);

/* payload.c */
/* What lies in a packet. */
void wst_quic_payload(struct quic_step *t, enum wst_quic_type type, struct wst_slice plain);
/* The side has lost what it knew of the connection, and says so. */
void wst_quic_payload_reset(struct quic_step *t);
void wst_quic_messages_free(struct wst_quic *q, struct wst_quic_connection *c);

/* streams.c */
void wst_quic_stream_bytes(struct quic_step *t, uint64_t id, uint64_t at, struct wst_slice bytes,
                           bool fin);
void wst_quic_stream_reset(struct quic_step *t, uint64_t id, uint64_t code, uint64_t size);
/* Holes that will not be filled are given up; `all` of them. */
void wst_quic_streams_settle(struct quic_step *t, bool all);
/* Tells the resets that waited long enough; `all`: each. */
void wst_quic_streams_resets(struct quic_step *t, bool all);
/* The connection ends: which of its windows are closed. */
void wst_quic_streams_stalled(struct quic_step *t);
void wst_quic_streams_free(struct wst_quic *q, struct wst_quic_connection *c);

/* stalls.c: frames of t->dir. The stream may send no more than so many bytes, which its sender
 * says, or now so many, which its receiver does. */
void wst_quic_stalls_blocked(struct quic_step *t, uint64_t id, uint64_t limit);
void wst_quic_stalls_allowed(struct quic_step *t, uint64_t id, uint64_t limit);
/* Bytes of the stream up to `until` came. Where a window did not allow them it was opened, and
 * nobody saw when. */
void wst_quic_stalls_moved(struct quic_step *t, struct quic_half *h, uint64_t until);
/* The stream ends, or (NULL) the connection. */
void wst_quic_stalls_over(struct quic_step *t, struct quic_stream *s);

/* versions.c */
/* A datagram that is none of a version that is known: a server was heard. If it is its word that it
 * does not speak the client's (RFC 9000 section 17.2.1), that is told. */
void wst_quic_version_refused(struct wst_quic *q, const struct wst_segment *s,
                              const struct wst_arrival *a);

/* datagram.c */
/* A datagram, or what waited as one. */
void wst_quic_datagram_read(struct wst_quic *q, const struct wst_segment *s,
                            const struct wst_arrival *a);

/* trial.c: secrets that may be anybody's. */
/* Of packets that wait; valid while these do. */
void wst_quic_samples_of(const struct wst_queue wait[2], struct quic_samples samples[2]);
/* Which round of trying it is, from 1 on; 0: there is nothing to be tried now. `last`: nothing more
 * comes. */
unsigned wst_quic_trying_round(struct wst_quic *q, struct quic_trying *trying, bool last);
/* All was tried, and no more secrets come. */
bool wst_quic_trying_over(const struct wst_quic *q, const struct quic_trying *trying);
/* Whether a secret of the key log opens one of the packets of two directions, as far as the
 * purse allows. *client: which direction is the client's, if that was not known (-1).
 * found->keys: NULL: the packet was one of the handshake. `round`: from 1 on; in later ones also
 * what is less likely is thought of. */
bool wst_quic_try_all(struct wst_quic *q, struct quic_trying *trying,
                      struct quic_samples samples[2], int *client, unsigned round,
                      struct wst_quic_offer *offer, struct quic_found *found, uint32_t *version);
/* The same of one secret, and one direction, whose cipher and version are known. `all`: IDs of any
 * length are thought of. */
bool wst_quic_try_one(struct wst_quic *q, const struct quic_samples *samples,
                      const struct wst_quic_secret *secret, enum wst_quic_aead aead,
                      uint32_t version, bool all, struct quic_found *found);
void wst_quic_found_free(struct quic_found *found);
/* Datagrams that were seen pay for what is tried. */
void wst_quic_purse_fill(struct wst_quic *q);

/* pickup.c: datagrams that are nobody's. */
/* The ClientHello of a connection is not whole: which secrets are its own shows when one opens what
 * waits. */
void wst_quic_connection_try(struct quic_step *t, bool last);
/* It is kept, and what is kept between its addresses is tried. */
void wst_quic_place_keep(struct wst_quic *q, const struct wst_segment *s,
                         const struct wst_arrival *a);
/* A connection began between these addresses: what was kept is its, too. */
void wst_quic_place_replay(struct wst_quic *q, const struct wst_segment *s,
                           const struct wst_when *when);
/* Secrets came; or nothing more comes. */
void wst_quic_places_wake(struct wst_quic *q, const struct wst_when *when);
void wst_quic_places_finish(struct wst_quic *q, const struct wst_when *when);
void wst_quic_places_free(struct wst_quic *q);

/* connection.c */
/* Begun by an Initial packet of a client, unless it turns out to be none. NULL: no memory. */
struct wst_quic_connection *wst_quic_connection_new(struct wst_quic *q, const struct wst_segment *s,
                                                    const struct wst_quic_packet *p,
                                                    const struct wst_arrival *arrival);
void wst_quic_connection_free(struct wst_quic *q, struct wst_quic_connection *c);
/* What nobody will read any more is let go. */
void wst_quic_connection_rest(struct wst_quic *q, struct wst_quic_connection *c);
/* The numbers of a direction; where there are none yet, those that nobody used. */
const struct wst_quic_numbers *wst_quic_connection_numbers(const struct wst_quic_connection *c,
                                                           enum wst_dir dir);
/* … to be written to. NULL: no memory. */
struct wst_quic_numbers *
wst_quic_connection_number(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir);
/* Some of its packets have no key, and secrets that come are brought to it; or not any more. */
void wst_quic_connection_waiting(struct wst_quic *q, struct wst_quic_connection *c, bool waiting);
/* It goes on: its turn to be forgotten is the last again. */
void wst_quic_connection_touch(struct quic_step *t);
/* One packet from the future moves nothing: a time is believed when two packets in a row agree. */
void wst_quic_clock_see(struct wst_quic *q, int64_t ns);
/* Looks at the silence of so many connections. */
void wst_quic_sweep(struct wst_quic *q, const struct wst_when *when, unsigned steps);
void wst_quic_connection_end(struct quic_step *t, enum wst_tcp_end how);
/* The connection that was silent longest is forgotten, of those that are not precious. */
void wst_quic_make_place(struct wst_quic *q, const struct wst_when *when);
#define WST_QUIC_ONE_KEYLESS "the secret of one direction is not known: it is not read"
/* Once of a connection. */
enum quic_finding {
    FINDING_SEALED,
    FINDING_KEYLESS,
    FINDING_WRONG,
    FINDING_FAILED,
    FINDING_FRAME,
    FINDING_UNANSWERED,
    FINDING_VERSION
};
void wst_quic_connection_tell(struct quic_step *t, enum quic_finding what, enum wst_dir dir,
                              const char *detail);
/* Told so, and read no further. */
void wst_quic_connection_seal(struct quic_step *t, enum quic_finding what, const char *why);

/* receive.c */
/* The next packet. Returns how many bytes of the datagram it has. */
size_t wst_quic_connection_push(struct quic_step *t, const struct wst_segment *s,
                                const struct wst_quic_packet *p);
/* Opens a packet and reads it; `s`: NULL for one that waited. */
enum quic_opened wst_quic_connection_read(struct quic_step *t, const struct wst_segment *s,
                                          const struct wst_quic_packet *p);
/* A direction's do not open: they are damaged, or sealed with what is not in the key log. */
void wst_quic_packets_wrong(struct quic_step *t);
/* What waited for secrets, in the order of the capture; what still has none waits again. */
void wst_quic_connection_wake(struct quic_step *t);
/* What waited is not read any more; what has its key goes on. */
void wst_quic_connection_wait_over(struct quic_step *t);

/* Some of it can be read, whatever else has no key. */
static inline bool wst_quic_connection_is_read(const struct wst_quic_connection *c)
{
    return c->side[0].opened || c->side[1].opened;
}
static inline bool wst_quic_connection_waits(const struct wst_quic_connection *c)
{
    return !wst_queue_empty(&c->wait[0]) || !wst_queue_empty(&c->wait[1]);
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * The door of the tls room. In: the bytes of both sides of a TLS connection (RFC 8446, RFC 5246)
 * and secrets. Out: the plaintext of each record that a tag or MAC proves, what was lost between
 * them, or one note that says why the connection stays closed and whose secret to look for. Refuses
 * to hand on a byte that is not proven.
 *
 *   bytes ─▶ record ─▶ in clear: hellos ─▶ keys
 *              │                            │
 *              └─▶ sealed: try ◀────────────┘ ─▶ plaintext │ lost
 *                    ▲
 *   no keys yet: wait (capped); after a gap: search
 *
 * A change of keys is believed when a record opens with them, never before: so early data that the
 * server refused, and handshake records whose secrets are not in the log, pass by unharmed.
 */
#ifndef WST_TLS_TLS_H
#define WST_TLS_TLS_H

#include <wstrace/wstrace.h>

#include "arrival.h"
#include "buf.h"
#include "handshake.h"
#include "keys.h"

enum {
    WST_TLS_DEPTH = 4,             /* TLS inside TLS inside …: a proxy reached over TLS is 2 */
    WST_TLS_RECORD = 16384 + 2048, /* bytes of a record's body, RFC 5246 section 6.2.3 */
    WST_TLS_MESSAGE = 128 * 1024,  /* bytes of a handshake message that is read; a chain of
                                    * certificates is passed over whatever its size */
    WST_TLS_SEARCH = 64 * 1024,    /* bytes in which the next record is looked for */
    WST_TLS_RANGE = 1024,          /* sequence numbers that are tried after a loss … */
    WST_TLS_TRIES = 8192,          /* … and tries in all, until a record opens again */
    WST_TLS_NOTE_WAIT = 16 * 1024, /* bytes that wait for a hello when there is no secret at all */
    WST_TLS_STRANGERS = 64,  /* records that do not open, until the secrets are called wrong */
    WST_TLS_PURSE = 1 << 22, /* records opened in vain by guessing their secret: a second's work */
    WST_TLS_EPOCHS = 3,      /* to come: early data, handshake, application */
    WST_TLS_SNI = 256,       /* bytes, escaped; RFC 1035 allows 253 */
    WST_TLS_ALPN = 64,
    WST_TLS_RSA_KEYS = 16
};

/* Shared by all connections of one context. */
struct wst_tls_env {
    const struct wst_options *options;
    struct wst_budget *budget;
    struct wst_keylog *keylog;
    struct wst_tls_crypto crypto;
    EVP_PKEY *rsa[WST_TLS_RSA_KEYS];
    unsigned rsa_n;
    bool keys_may_come; /* the key log is still being written */
    uint32_t purse;     /* what may be spent on guesses whose secret opens a connection (midst.c) */
    /* For plaintext; by depth, for one may be read inside another. */
    struct wst_buf room[WST_TLS_DEPTH];

    void *user;
    void (*plain)(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes,
                  const struct wst_arrival *arrival);
    /* Plaintext is missing: `bytes` of it when exact, else so many at most. */
    void (*lost)(void *user, void *conversation, enum wst_dir dir, uint64_t bytes, bool exact,
                 const struct wst_arrival *arrival);
    /* A finding about the connection. `sealed`: nothing (more) of it will be read. */
    void (*problem)(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                    bool sealed, const char *detail, const struct wst_arrival *arrival);
    /* A connection without its key: is there a key log that was not read yet? Once. May be NULL. */
    void (*wanted)(void *user);
    /* The key-log lines of a connection that is being opened. May be NULL. */
    void (*secrets)(void *user, struct wst_slice lines);
};
bool wst_tls_env_init(struct wst_tls_env *env, const struct wst_options *options,
                      struct wst_budget *budget);
void wst_tls_env_free(struct wst_tls_env *env);
/* A server's private key (PEM) for the RSA key exchange. False: none that can be read, or too many.
 */
bool wst_tls_rsa_key(struct wst_tls_env *env, struct wst_slice pem);

enum wst_tls_state {
    WST_TLS_HELLO,   /* until the ServerHello */
    WST_TLS_OPEN,    /* versions and secrets are known, or (before 1.3) will be needed later */
    WST_TLS_WAITING, /* for secrets */
    WST_TLS_SEALED   /* nobody will read it */
};
/* 0-RTT data, RFC 8446 section 4.2.10. */
enum wst_tls_early {
    WST_TLS_EARLY_NONE,
    WST_TLS_EARLY_OFFERED,
    WST_TLS_EARLY_ACCEPTED,
    WST_TLS_EARLY_REFUSED,
    WST_TLS_EARLY_UNKNOWN /* or accepted, and its secret is not known */
};

struct wst_tls_side {
    struct wst_buf record;    /* of a record that is not whole; or the bytes that are searched */
    struct wst_buf message;   /* of a handshake message that is not whole */
    uint64_t from;            /* the packet in which `record` begins */
    struct wst_tls_keys *now; /* have opened a record; NULL: in clear, or nothing did yet */
    struct wst_tls_keys *next[WST_TLS_EPOCHS]; /* in their order; NULL: none */
    uint64_t sealed, records;                  /* bytes in how many that were opened */
    uint64_t unread; /* bytes since a record was opened last, or that were never told lost */
    uint64_t plain_lost;                       /* plaintext bytes in them, when `exact` */
    uint32_t failed;                           /* records among them whose place is known */
    uint32_t skip_message;                     /* bytes of a handshake message still to pass over */
    uint32_t skip_record;                      /* bytes still to come of a record that has a hole */
    uint32_t searched;                         /* bytes of `record` that were searched */
    uint32_t tries;                            /* left */
    uint32_t said_left;                        /* bytes of the message `said` still to come */
    uint16_t said; /* the handshake message it sent last (left.c); 0: none */
    uint16_t skip_body;                        /* length of that record's body */
    uint8_t skip_type;
    uint8_t guesses; /* midst: records left of which it is tried which secret opens them */
    uint8_t last_block[16]; /* of the record before: the IV of TLS 1.0 */
    bool has_last : 1;
    bool armed : 1;     /* ChangeCipherSpec came: next[0] follows */
    bool exact : 1;     /* plain_lost is all that was lost */
    bool holed : 1;     /* bytes are missing from the capture */
    bool unframed : 1;  /* since a record was opened, nobody knew where records begin */
    bool searching : 1; /* … and still nobody does */
    bool opened : 1;    /* a record of it was */
    bool dead : 1;      /* given up */
    bool keyless : 1;   /* … because its secret alone is not known */
    bool told : 1;      /* a finding says that it is not read to its end */
    bool finished : 1;
    bool notified : 1; /* it sent close_notify */
};

struct wst_tls { /* one TLS connection */
    void *conversation;
    uint8_t state, early, depth;
    bool have_client, have_server; /* hellos */
    bool retried;                  /* a HelloRetryRequest came */
    bool extended, etm;
    bool has_offered, has_ticket; /* the two tickets below */
    bool exchanged;               /* the ClientKeyExchange came: the transcript is over */
    bool stalled; /* what the client sent waits for the ServerHello of a renegotiation … */
    bool ahead;   /* … or what the server sent, from that on, for the ClientHello, or from its
                   * ChangeCipherSpec on for the ClientKeyExchange … */
    bool over;    /* … which will not come: the connection has ended */
    bool ended;   /* a finding says who ended it, and why */
    bool watched; /* it has no key, which was not said yet */
    bool certified; /* watched: the client has answered the server's handshake … */
    bool dismissed; /* … and that a record as small as an alert, the server's last so far */
    bool noted;                   /* the one note was given */
    bool said_certificate;        /* a certificate was shown in clear */
    uint8_t said_last;            /* enum wst_dir: who sent the last handshake message */
    bool midst;                   /* its hellos were before the capture */
    bool waits[2];                /* some of `wait` is of that direction */
    uint16_t version, offered_version;
    const struct wst_tls_suite *suite;
    uint16_t suite_value;
    uint8_t client_random[32], server_random[32];
    uint8_t session[32], session_n;             /* the server's session id */
    uint8_t offered_ticket[32], new_ticket[32]; /* SHA-256 of them */
    struct wst_secret premaster;                /* from an RSA key exchange; n 0: none */
    struct wst_buf hellos;                      /* a transcript until its hash is known … */
    EVP_MD_CTX *transcript;                     /* … and after (RFC 7627 section 3) */
    struct wst_buf wait;                        /* what may not be read yet; tls.c */
    int64_t waits_since;                        /* capture time */
    struct wst_tls_side side[2];                /* [WST_C2S], [WST_S2C] */
    char sni[WST_TLS_SNI], alpn[WST_TLS_ALPN];  /* escaped; empty: none */
};

/* Whether all is known that it has sent so far, to the last record. */
static inline bool wst_tls_side_read(const struct wst_tls_side *side)
{
    return side->opened && !side->holed && !side->dead && !side->unread;
}

/* `tls` is all zeros. */
void wst_tls_init(struct wst_tls *tls, void *conversation, uint8_t depth);
void wst_tls_free(struct wst_tls *tls, struct wst_tls_env *env);
/* Whether the key log has a secret that belongs to no connection, and may open one of TLS 1.3. */
bool wst_tls_midst_hope(struct wst_tls_env *env);
/* Of one that is new: its hellos are not in the capture; such a secret is looked for. */
void wst_tls_midst(struct wst_tls *tls);
void wst_tls_push(struct wst_tls *tls, struct wst_tls_env *env, enum wst_dir dir,
                  struct wst_slice bytes, const struct wst_arrival *arrival);
void wst_tls_gap(struct wst_tls *tls, struct wst_tls_env *env, enum wst_dir dir, uint64_t n,
                 const struct wst_arrival *arrival);
/* The side sends nothing more. */
void wst_tls_fin(struct wst_tls *tls, struct wst_tls_env *env, enum wst_dir dir,
                 const struct wst_arrival *arrival);
/* Tells at once what of a direction without a secret was not read yet: whoever waits for an answer
 * in it waits in vain. */
void wst_tls_keyless(struct wst_tls *tls, struct wst_tls_env *env, enum wst_dir dir,
                     const struct wst_arrival *arrival);
/* Secrets have come: what waits for them is read. */
void wst_tls_wake(struct wst_tls *tls, struct wst_tls_env *env, const struct wst_arrival *arrival);
/* The connection is over: what waits is read with what there is. `by`: who ended it below TLS,
 * WST_DIR_NONE: that is not known; `reset`: and not by a FIN. */
void wst_tls_end(struct wst_tls *tls, struct wst_tls_env *env, enum wst_dir by, bool reset,
                 const struct wst_arrival *arrival);
/* Tells env->secrets, when somebody listens, what the key log has of TLS 1.3 with this client
 * random. */
void wst_tls_tell_secrets(struct wst_tls_env *env, const uint8_t random[32]);
/* Asks for secrets that were not read yet. False: there are none, or it was asked before. */
bool wst_tls_ask(struct wst_tls_env *env);
/* alert.c: "the client ended the handshake with alert 48 unknown_ca: it does not trust …". */
void wst_tls_alert_put(char *to, size_t room, enum wst_dir dir, bool handshake, uint8_t alert);
/* "TLS 1.3"; NULL: no version of TLS. */
const char *wst_tls_version_name(uint16_t version);

#endif

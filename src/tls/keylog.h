/* SPDX-License-Identifier: MIT
 *
 * Secrets, and what they belong to. In: lines of key logs (the NSS format, which all browsers and
 * TLS libraries write) and secrets learnt on the way. Out: the secret of a label and an identity.
 * Refuses lines it does not understand. Keeps WST_KEYLOG_MAX secrets, or as many as there is memory
 * for: the oldest give way. What was kept is wiped.
 *
 *     CLIENT_RANDOM 5f3a…(32 bytes) 9c41…(48 bytes)\n
 *     label         identity        secret
 */
#ifndef WST_TLS_KEYLOG_H
#define WST_TLS_KEYLOG_H

#include "budget.h"
#include "slice.h"

enum {
    WST_SECRET_MAX = 64,       /* bytes; SHA-384 has 48, a premaster secret seldom more */
    WST_IDENTITY = 32,         /* a client random, or what takes its place */
    WST_KEYLOG_MAX = 1 << 20,  /* secrets: a browser of many months; 128 MiB */
    WST_KEYLOG_LINE_MAX = 1024 /* bytes; the longest line has 256 */
};

/* Whose identity is not the client random says so. */
enum wst_secret_label {
    WST_SECRET_MASTER,    /* CLIENT_RANDOM: master secret up to TLS 1.2 */
    WST_SECRET_EARLY,     /* CLIENT_EARLY_TRAFFIC_SECRET: these five RFC 8446 section 7.1 */
    WST_SECRET_CLIENT_HS, /* CLIENT_HANDSHAKE_TRAFFIC_SECRET */
    WST_SECRET_SERVER_HS, /* SERVER_HANDSHAKE_TRAFFIC_SECRET */
    WST_SECRET_CLIENT,    /* CLIENT_TRAFFIC_SECRET_0 */
    WST_SECRET_SERVER,    /* SERVER_TRAFFIC_SECRET_0 */
    WST_SECRET_PREMASTER, /* PMS_CLIENT_RANDOM */
    WST_SECRET_RSA,     /* RSA: premaster secret; identity: the first 8 bytes it is encrypted to */
    WST_SECRET_SESSION, /* RSA Session-ID: master secret; identity: the session id */
    WST_SECRET_TICKET,  /* learnt: master secret; identity: SHA-256 of the ticket */
    WST_SECRET_LABELS
};

struct wst_secret {
    uint8_t n;
    uint8_t bytes[WST_SECRET_MAX];
};

struct wst_keylog;

/* `seed` keys the table: nobody can choose identities that collide. NULL: out of memory. */
struct wst_keylog *wst_keylog_new(struct wst_budget *budget, const uint64_t seed[2]);
void wst_keylog_free(struct wst_keylog *log);
/* Whole lines from the front of `bytes`; the last needs no newline when `final`. Returns how many
 * bytes were taken: the rest is to be given again, with what follows it. */
size_t wst_keylog_push(struct wst_keylog *log, struct wst_slice bytes, bool final);
/* One secret; `identity` is filled up with zeros. What is known already stays as it is. False: not
 * kept: no memory for any, or lengths that cannot be. */
bool wst_keylog_add(struct wst_keylog *log, enum wst_secret_label label, struct wst_slice identity,
                    struct wst_slice secret);
/* NULL: not known. Valid until something is added. Whoever looks for a secret claims it. */
const struct wst_secret *wst_keylog_find(struct wst_keylog *log, enum wst_secret_label label,
                                         struct wst_slice identity);
/* How many came, learnt ones included, and how many of them gave way, the first ones; and number
 * `i`, in the order in which they came, with WST_IDENTITY bytes of identity. NULL: there is none
 * (any more), or somebody claimed it. */
uint32_t wst_keylog_secrets(const struct wst_keylog *log);
uint32_t wst_keylog_gone(const struct wst_keylog *log);
const struct wst_secret *wst_keylog_unasked(const struct wst_keylog *log, uint32_t i,
                                            enum wst_secret_label *label, const uint8_t **identity);
/* What to say of them where none is found: "; N older …", or nothing. */
enum { WST_KEYLOG_MISSING = 64 };
void wst_keylog_missing(const struct wst_keylog *log, char words[WST_KEYLOG_MISSING]);
/* How many came in lines (not learnt); and how many of them need the transcript of a handshake to
 * become a master secret. */
uint32_t wst_keylog_count(const struct wst_keylog *log);
bool wst_keylog_premasters(const struct wst_keylog *log);

/* The line of a secret whose identity is a client random: `label` random secret, newline, NUL.
 * Returns its length. */
enum { WST_KEYLOG_LINE = 40 + 2 * WST_IDENTITY + 2 * WST_SECRET_MAX };
size_t wst_keylog_line(char line[WST_KEYLOG_LINE], enum wst_secret_label label,
                       const uint8_t random[WST_IDENTITY], const struct wst_secret *secret);

#endif

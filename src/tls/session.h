/* SPDX-License-Identifier: MIT
 *
 * Inside the tls room: what its files ask of each other about one connection.
 */
#ifndef WST_TLS_SESSION_H
#define WST_TLS_SESSION_H

#include "tls.h"

struct wst_tls_step { /* one push, of one direction */
    struct wst_tls *tls;
    struct wst_tls_env *env;
    enum wst_dir dir;
    const struct wst_arrival *arrival;
};
static inline struct wst_tls_side *wst_tls_side_of(const struct wst_tls_step *s)
{
    return &s->tls->side[s->dir];
}
/* The direction may not be read on: it waits for the other side's hello, or for secrets. */
static inline bool wst_tls_blocked(const struct wst_tls *t, enum wst_dir dir)
{
    if (t->state == WST_TLS_HELLO) return dir == WST_C2S ? t->have_client : !t->have_client;
    if (t->state == WST_TLS_WAITING) return true;
    if (dir == WST_C2S && t->stalled && !t->have_server) return !t->over;
    if (dir == WST_S2C && t->ahead) return !t->over;
    /* Whether the server took the early data is told in its encrypted extensions. */
    return dir == WST_C2S && t->early == WST_TLS_EARLY_OFFERED;
}

/* record.c: bytes of a direction, up to where it is blocked; how many were taken. */
size_t wst_tls_records(const struct wst_tls_step *s, struct wst_slice bytes);
void wst_tls_records_gap(const struct wst_tls_step *s, uint64_t n);
void wst_tls_records_fin(const struct wst_tls_step *s);

/* open.c: a sealed record. True: it was opened; the plaintext lies in the env's room. What was
 * lost before it has been told. */
bool wst_tls_record_open(const struct wst_tls_step *s, const struct wst_tls_record *record,
                         uint8_t *type, struct wst_slice *plain);
/* The same for the record that is expected next, and nothing is taken of it. */
bool wst_tls_record_peek(const struct wst_tls_step *s, const struct wst_tls_record *record,
                         uint8_t *type, struct wst_slice *plain);
/* A record whose place is known could not be read. */
void wst_tls_record_failed(const struct wst_tls_step *s, uint8_t type, size_t body);
/* The IV of the next record in TLS 1.0 is the last block of this one's ciphertext. */
void wst_tls_remember_block(struct wst_tls_side *side, struct wst_slice body);
/* Where records begin has to be found. `n` bytes were lost. */
void wst_tls_search_begin(const struct wst_tls_step *s, uint64_t n);
/* Bytes to find it in. True: found; wst_tls_side.record begins with a record that opens. */
bool wst_tls_search(const struct wst_tls_step *s, struct wst_slice bytes);

/* rest.c: what was lost and not told yet, at the end of the direction. */
void wst_tls_lost_at_end(const struct wst_tls_step *s);

/* midst.c: the keys that open the record, now in next[0]; NULL: none. What open_slowly does, while
 * nothing of the direction was opened. */
struct wst_tls_keys *wst_tls_midst_open(const struct wst_tls_step *s,
                                        const struct wst_tls_record *record, uint8_t *room,
                                        uint8_t *type, struct wst_slice *plain);
/* Nothing opens it. */
void wst_tls_midst_over(const struct wst_tls_step *s);
/* Bytes came that may be worth a guess. */
void wst_tls_midst_paid(struct wst_tls_env *env);

/* hello.c: handshake messages, in clear or opened. */
void wst_tls_messages(const struct wst_tls_step *s, struct wst_slice bytes, bool clear);

/* secrets.c: finds the secrets of a connection and makes its keys. */
enum wst_tls_resolved { WST_TLS_NO_KEY, WST_TLS_RESOLVED, WST_TLS_UNSUPPORTED };
enum wst_tls_resolved wst_tls_resolve(struct wst_tls *t, struct wst_tls_env *env, bool final);
/* Whether there may be a key at all, once both hellos are known. */
bool wst_tls_hope(const struct wst_tls *t, struct wst_tls_env *env);
/* The premaster secret, encrypted to an RSA key that may be ours. */
void wst_tls_premaster(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice encrypted);
void wst_tls_forget_premaster(struct wst_tls *t);
void wst_tls_learn_ticket(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice ticket);
/* Feeds a whole handshake message to the transcript. */
void wst_tls_transcribe(struct wst_tls *t, struct wst_tls_env *env, struct wst_slice message);
bool wst_tls_transcribes(const struct wst_tls_env *env);
void wst_tls_digest(struct wst_tls_env *env, struct wst_slice bytes, uint8_t digest[32]);
/* Keys of the early data, now that they were accepted. */
void wst_tls_early_keys(struct wst_tls *t, struct wst_tls_env *env);

/* alert.c: two bytes, in clear or opened: a finding when they end the connection for a reason. */
void wst_tls_alert(const struct wst_tls_step *s, struct wst_slice alert);
/* Whether a record, of which only the size may be known, is an alert: told when it ends the
 * connection for a reason. */
bool wst_tls_refused(const struct wst_tls_step *s, const struct wst_tls_record *record);
/* A record of a connection that nobody will open: it is only asked whether the handshake fails. */
void wst_tls_watch(const struct wst_tls_step *s, const struct wst_tls_record *record);
/* It is over, and was watched to its end. */
void wst_tls_unwatched(const struct wst_tls_step *s);

/* left.c: a record, for what it says of how far the handshake went. */
void wst_tls_said(const struct wst_tls_step *s, const struct wst_tls_record *record);
/* The side ended the connection. True: before the handshake was through, which was told. */
bool wst_tls_left(const struct wst_tls_step *s, bool reset);

/* tls.c */
/* There is no key. Before that is said, the handshake is watched to its end. */
void wst_tls_no_key(const struct wst_tls_step *s);
/* The side ended TLS, or what it speaks is none. `sealed`: nothing was, or will be, read. */
void wst_tls_ended(const struct wst_tls_step *s, enum wst_problem problem, const char *why,
                   bool sealed);
/* From here on both directions wait for secrets. */
void wst_tls_wait_for_keys(const struct wst_tls_step *s);
/* The one note. Nothing more will be read. */
void wst_tls_seal(const struct wst_tls_step *s, enum wst_problem problem, const char *why);

#endif

/* SPDX-License-Identifier: MIT
 *
 * In: what the corridor pushes. Out: the same to record.c, now or when it may be read; and the one
 * note about a connection that stays closed. Refuses to keep more than limits.tls_wait of what
 * waits.
 */
#include "tls.h"

#include <openssl/crypto.h>
#include <stdlib.h>

#include "session.h"

/* -- the environment --------------------------------------------------------------------------- */

bool wst_tls_env_init(struct wst_tls_env *env, const struct wst_options *options,
                      struct wst_budget *budget)
{
    env->options = options;
    env->budget = env->crypto.budget = budget;
    env->purse = WST_TLS_PURSE;
    env->keylog = wst_keylog_new(budget, options->hash_seed);
    return env->keylog;
}

void wst_tls_env_free(struct wst_tls_env *env)
{
    wst_keylog_free(env->keylog);
    wst_tls_crypto_free(&env->crypto);
    for (unsigned i = 0; i < env->rsa_n; i++) EVP_PKEY_free(env->rsa[i]);
    for (int i = 0; i < WST_TLS_DEPTH; i++) {
        if (env->room[i].p) OPENSSL_cleanse(env->room[i].p, env->room[i].room);
        wst_buf_free(&env->room[i], env->budget);
    }
}

const char *wst_tls_version_name(uint16_t version)
{
    switch (version) {
    case WST_TLS_1_0: return "TLS 1.0";
    case WST_TLS_1_1: return "TLS 1.1";
    case WST_TLS_1_2: return "TLS 1.2";
    case WST_TLS_1_3: return "TLS 1.3";
    default: return NULL;
    }
}

/* -- one connection ---------------------------------------------------------------------------- */

void wst_tls_init(struct wst_tls *t, void *conversation, uint8_t depth)
{
    t->conversation = conversation;
    t->depth = depth;
    for (int d = 0; d < 2; d++) {
        t->side[d].tries = WST_TLS_TRIES;
        t->side[d].exact = true;
    }
}

static void bytes_free(struct wst_buf *b, struct wst_budget *budget)
{
    if (b->p) wst_buf_free(b, budget);
}

static void keys_free(struct wst_tls_keys **k)
{
    if (!*k) return;
    wst_tls_keys_free(*k);
    *k = NULL;
}

/* One push that may not be read yet. */
struct pushed {
    uint64_t from;        /* the packet that carried it */
    struct wst_when when; /* the packet that made it whole */
    uint64_t n;           /* bytes that follow; of a gap: that are missing */
    uint8_t dir;          /* enum wst_dir */
    enum { PUSHED_BYTES, PUSHED_GAP, PUSHED_FIN } what;
};

/* What waited and will not be read: the pushes from `at` on. */
static void waited_in_vain(struct wst_tls *t, const struct wst_buf *b, size_t at)
{
    while (at < b->n) {
        struct pushed what;
        memcpy(&what, b->p + at, sizeof what);
        at += sizeof what + (what.what == PUSHED_BYTES ? (size_t)what.n : 0);
        if (what.what != PUSHED_FIN) t->side[what.dir].unread += what.n;
    }
}

/* All but the names. Most connections have nothing of it: nobody has their keys. */
static void let_go(struct wst_tls *t, struct wst_budget *budget)
{
    for (int d = 0; d < 2; d++) {
        struct wst_tls_side *side = &t->side[d];
        side->unread += side->record.n;
        bytes_free(&side->record, budget);
        bytes_free(&side->message, budget);
        keys_free(&side->now);
        for (int i = 0; i < WST_TLS_EPOCHS; i++) keys_free(&side->next[i]);
    }
    bytes_free(&t->hellos, budget);
    waited_in_vain(t, &t->wait, 0);
    bytes_free(&t->wait, budget);
    if (t->transcript) EVP_MD_CTX_free(t->transcript);
    t->transcript = NULL;
    wst_tls_forget_premaster(t);
}

void wst_tls_free(struct wst_tls *t, struct wst_tls_env *env)
{
    if (t->state != WST_TLS_SEALED) let_go(t, env->budget); /* else settle() did */
}

enum { DETAIL = WST_TLS_SNI + 384 }; /* bytes: a server's name, and more than all else comes to */

static char *put_hex(char *at, const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

/* "no key; server name example.com; TLS 1.3; TLS_AES_128_GCM_SHA256; client random 5f…"
 * A network has many connections whose key nobody has: printf would be most of what one costs. */
static void describe(const struct wst_tls *t, const char *why, char to[DETAIL])
{
    const char *version = wst_tls_version_name(t->version);
    char *at = stpcpy(to, why);
    if (t->sni[0]) at = stpcpy(stpcpy(at, "; server name "), t->sni);
    if (version) at = stpcpy(stpcpy(at, "; "), version);
    if (t->suite) {
        at = stpcpy(stpcpy(at, "; "), t->suite->name);
    } else if (t->suite_value) {
        uint8_t value[2] = {(uint8_t)(t->suite_value >> 8), (uint8_t)t->suite_value};
        at = put_hex(stpcpy(at, "; cipher suite 0x"), value, sizeof value);
    }
    if (t->have_client || t->version)
        at = put_hex(stpcpy(at, "; client random "), t->client_random, sizeof t->client_random);
    *at = '\0';
}

void wst_tls_seal(const struct wst_tls_step *s, enum wst_problem problem, const char *why)
{
    struct wst_tls *t = s->tls;
    char detail[DETAIL];
    if (t->state == WST_TLS_SEALED) return;
    t->state = WST_TLS_SEALED;
    if (t->noted) return;
    t->noted = true;
    describe(t, why, detail);
    if (problem == WST_PROBLEM_TLS_NO_KEY)
        wst_keylog_missing(s->env->keylog, detail + strlen(detail));
    s->env->problem(s->env->user, t->conversation, problem, WST_DIR_NONE, true, detail, s->arrival);
}

void wst_tls_no_key(const struct wst_tls_step *s)
{
    /* Early data may have the size of anything. */
    if (s->tls->early != WST_TLS_EARLY_NONE) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "no key");
        return;
    }
    s->tls->state = WST_TLS_OPEN;
    s->tls->watched = true;
}

void wst_tls_ended(const struct wst_tls_step *s, enum wst_problem problem, const char *why,
                   bool sealed)
{
    struct wst_tls *t = s->tls;
    char detail[DETAIL];
    if (t->ended) return;
    t->ended = true;
    describe(t, why, detail);
    s->env->problem(s->env->user, t->conversation, problem, s->dir, sealed, detail, s->arrival);
    if (!sealed) return;
    t->noted = true;
    t->state = WST_TLS_SEALED;
}

/* -- what waits ----------------------------------------------------------------------------------
 *
 * Both directions in the order in which they came, so that nothing overtakes what caused it:
 *     │ pushed │ bytes │ pushed │ bytes │ …
 */
void wst_tls_wait_for_keys(const struct wst_tls_step *s)
{
    s->tls->state = WST_TLS_WAITING;
    s->tls->waits_since = s->arrival->when.ns;
}

static void waited_too_long(const struct wst_tls_step *s, bool bytes)
{
    const struct wst_tls *t = s->tls;
    if (t->state == WST_TLS_OPEN && (t->stalled || t->ahead))
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "a hello of a renegotiation is missing");
    else if (t->state != WST_TLS_HELLO)
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY,
                     bytes ? "no key came while more arrived than may wait"
                           : "no key came for too long");
    else
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY,
                     t->have_client ? "the ServerHello is not in the capture"
                                    : "the ClientHello is not in the capture");
}

/* No secret is known and none will come: only the other side's hello is waited for, and only for
 * the note. A capture of one direction has many such connections. */
static bool hopeless(const struct wst_tls_env *env)
{
    return !env->keys_may_come && !env->wanted && !env->rsa_n && !wst_keylog_count(env->keylog);
}

static void keep(const struct wst_tls_step *s, struct wst_buf *b, struct pushed what,
                 struct wst_slice bytes)
{
    size_t cap = hopeless(s->env) ? WST_TLS_NOTE_WAIT : s->env->options->limits.tls_wait;
    if (wst_buf_reserve(b, s->env->budget, sizeof what + bytes.n, cap)) {
        wst_buf_append(b, s->env->budget, wst_slice_of(&what, sizeof what), cap);
        wst_buf_append(b, s->env->budget, bytes, cap);
    } else {
        if (what.what != PUSHED_FIN) wst_tls_side_of(s)->unread += what.n;
        waited_too_long(s, true);
    }
    s->tls->waits[s->dir] = true;
}

/* A record is whole, and waits where it was put together: somebody has to come back to it. */
static bool half_read(const struct wst_tls_step *s)
{
    return wst_tls_side_of(s)->record.n && wst_tls_blocked(s->tls, s->dir);
}

/* What of this comes through; the rest is kept in `later`. True: something was read. */
static bool deliver(const struct wst_tls_step *s, struct pushed what, struct wst_slice bytes,
                    struct wst_buf *later)
{
    size_t done = 0;
    if (!wst_tls_blocked(s->tls, s->dir)) {
        switch (what.what) {
        case PUSHED_BYTES:
            done = wst_tls_records(s, bytes);
            if (done == bytes.n && !half_read(s)) return true;
            break;
        case PUSHED_GAP: wst_tls_records_gap(s, what.n); return true;
        case PUSHED_FIN: wst_tls_records_fin(s); return true;
        }
    }
    if (what.what == PUSHED_BYTES) {
        bytes = wst_slice_skip(bytes, done);
        what.n = bytes.n;
    }
    keep(s, later, what, bytes);
    return done > 0;
}

static bool some_may_go(const struct wst_tls *t)
{
    return (t->waits[0] && !wst_tls_blocked(t, WST_C2S)) ||
           (t->waits[1] && !wst_tls_blocked(t, WST_S2C));
}

/* Everything that waits, once; what still has to stays, and once it may go nothing overtakes it.
 * True: something moved. */
static bool go_through(struct wst_tls *t, struct wst_tls_env *env, const struct wst_arrival *a)
{
    struct wst_buf old = t->wait, later = {0};
    bool moved = false;
    size_t at = 0;
    t->wait = (struct wst_buf){0};
    t->waits[0] = t->waits[1] = false;
    while (at < old.n && t->state != WST_TLS_SEALED) {
        struct pushed what;
        memcpy(&what, old.p + at, sizeof what);
        at += sizeof what;
        struct wst_slice bytes = {old.p + at, what.what == PUSHED_BYTES ? (size_t)what.n : 0};
        at += bytes.n;
        struct wst_arrival carried = {.when = a->when, .from = what.from, .there = what.when};
        struct wst_tls_step step = {t, env, (enum wst_dir)what.dir, &carried};
        if (t->waits[what.dir] || some_may_go(t))
            keep(&step, &later, what, bytes);
        else
            moved |= deliver(&step, what, bytes, &later);
    }
    waited_in_vain(t, &old, at);
    wst_buf_free(&old, env->budget);
    t->wait = later;
    return moved;
}

static void settle(struct wst_tls *t, struct wst_tls_env *env, const struct wst_arrival *a)
{
    while (t->state != WST_TLS_SEALED && some_may_go(t) && go_through(t, env, a)) {
    }
    if (t->state == WST_TLS_SEALED) let_go(t, env->budget);
}

static void push(const struct wst_tls_step *s, struct pushed what, struct wst_slice bytes)
{
    struct wst_tls *t = s->tls;
    if (t->state == WST_TLS_WAITING &&
        wst_ns_between(t->waits_since, s->arrival->when.ns) > s->env->options->limits.tls_wait_ns)
        waited_too_long(s, false);
    if (t->state != WST_TLS_SEALED) {
        what.from = s->arrival->from;
        what.when = wst_arrival_there(s->arrival);
        what.dir = (uint8_t)s->dir;
        /* What comes now must not overtake what waits. */
        if (wst_tls_blocked(t, s->dir) || t->waits[s->dir])
            keep(s, &t->wait, what, bytes);
        else
            deliver(s, what, bytes, &t->wait);
    }
    settle(t, s->env, s->arrival);
}

/* -- the door ---------------------------------------------------------------------------------- */

void wst_tls_push(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir dir,
                  struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_tls_step s = {t, env, dir, a};
    if (!bytes.n) return;
    if (t->midst) wst_tls_midst_paid(env);
    if (t->state == WST_TLS_SEALED) {
        t->side[dir].unread += bytes.n;
        return;
    }
    if (!t->wait.n && !wst_tls_blocked(t, dir)) { /* nearly always */
        size_t done = wst_tls_records(&s, bytes);
        if (done == bytes.n && t->state != WST_TLS_SEALED && !half_read(&s)) return;
        bytes = wst_slice_skip(bytes, done);
    }
    push(&s, (struct pushed){.what = PUSHED_BYTES, .n = bytes.n}, bytes);
}

void wst_tls_gap(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir dir, uint64_t n,
                 const struct wst_arrival *a)
{
    struct wst_tls_step s = {t, env, dir, a};
    if (t->state == WST_TLS_SEALED)
        t->side[dir].unread += n;
    else if (n)
        push(&s, (struct pushed){.what = PUSHED_GAP, .n = n}, (struct wst_slice){NULL, 0});
}

void wst_tls_fin(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir dir,
                 const struct wst_arrival *a)
{
    struct wst_tls_step s = {t, env, dir, a};
    push(&s, (struct pushed){.what = PUSHED_FIN}, (struct wst_slice){NULL, 0});
    if (t->state == WST_TLS_SEALED) wst_tls_records_fin(&s);
}

void wst_tls_keyless(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir dir,
                     const struct wst_arrival *a)
{
    uint64_t unread = t->side[dir].unread;
    if (!t->side[dir].keyless || !unread) return;
    t->side[dir].unread = 0;
    env->lost(env->user, t->conversation, dir, unread, false, a);
}

static void keys_came(struct wst_tls *t, struct wst_tls_env *env, bool final,
                      const struct wst_arrival *a)
{
    struct wst_tls_step s = {t, env, WST_C2S, a};
    if (t->state != WST_TLS_WAITING) return;
    switch (wst_tls_resolve(t, env, final)) {
    case WST_TLS_RESOLVED: t->state = WST_TLS_OPEN; break;
    case WST_TLS_UNSUPPORTED:
        wst_tls_seal(&s, WST_PROBLEM_TLS_UNSUPPORTED, "the cipher cannot be read here");
        break;
    case WST_TLS_NO_KEY: break;
    }
    settle(t, env, a);
}

void wst_tls_wake(struct wst_tls *t, struct wst_tls_env *env, const struct wst_arrival *a)
{
    keys_came(t, env, false, a);
}

void wst_tls_end(struct wst_tls *t, struct wst_tls_env *env, enum wst_dir by, bool reset,
                 const struct wst_arrival *a)
{
    struct wst_tls_step s = {t, env, WST_C2S, a}, left = {t, env, by, a};
    keys_came(t, env, true, a);
    t->over = true;
    settle(t, env, a);
    if (t->early == WST_TLS_EARLY_OFFERED && t->state == WST_TLS_OPEN) {
        t->early = WST_TLS_EARLY_UNKNOWN; /* the answer will not come */
        settle(t, env, a);
    }
    if (t->midst && !t->suite) wst_tls_midst_over(&s);
    if (t->state == WST_TLS_WAITING && t->early == WST_TLS_EARLY_NONE) {
        wst_tls_no_key(&s); /* the handshake may tell more than that */
        settle(t, env, a);
    }
    if (by != WST_DIR_NONE && wst_tls_left(&left, reset))
        settle(t, env, a);
    else if (t->state == WST_TLS_OPEN && t->watched)
        wst_tls_unwatched(&s);
    else if (t->state == WST_TLS_WAITING)
        wst_tls_seal(&s, WST_PROBLEM_TLS_NO_KEY, "no key");
    else if (t->state == WST_TLS_HELLO && t->wait.n)
        waited_too_long(&s, true);
    bool opened = t->side[0].opened || t->side[1].opened;
    if (t->state == WST_TLS_OPEN && !opened && (t->side[0].failed || t->side[1].failed))
        wst_tls_seal(&s, WST_PROBLEM_TLS_WRONG_KEY, "the key does not fit");
    wst_tls_fin(t, env, WST_C2S, a);
    wst_tls_fin(t, env, WST_S2C, a);
}

/* SPDX-License-Identifier: MIT
 *
 * In: a record of a TLS 1.3 connection whose hellos are not in the capture. Out: the secret that
 * opens it, of those in the key log that nobody has claimed, and the number of the record; the tag
 * proves both. Refuses to work for more than its purse holds: pushes fill it, and a long key log
 * tried on many connections empties it.
 *
 *   tried first   the newest secrets, and the numbers of a connection that has said little
 *   not tried     records before TLS 1.3, whose keys need what both hellos said; key updates
 */
#include "session.h"

enum {
    RECORDS = 4,       /* of a direction */
    NEWEST = 4096,     /* secrets */
    FIRST = 1024,      /* numbers tried with all of them, before … */
    LAST = 1 << 16,    /* … all numbers are */
    INCOME = 4,        /* of each push */
    COST_KEYS = 16,    /* of deriving them */
    COST_BYTES = 1024, /* so many of a record cost as much as beginning it */
};

static const uint16_t suites[] = {0x1301, 0x1303, 0x1302};

/* Whether one opens traffic of that direction; or of any, for -1. */
static bool opens(enum wst_secret_label label, int dir)
{
    return (label == WST_SECRET_CLIENT && dir != WST_S2C) ||
           (label == WST_SECRET_SERVER && dir != WST_C2S);
}

static bool secrets_left(const struct wst_tls_env *env)
{
    uint32_t n = wst_keylog_secrets(env->keylog);
    enum wst_secret_label label;
    const uint8_t *identity;
    for (uint32_t i = n; i > 0 && n - i < NEWEST; i--)
        if (wst_keylog_unasked(env->keylog, i - 1, &label, &identity) && opens(label, -1))
            return true;
    return false;
}

bool wst_tls_midst_hope(struct wst_tls_env *env)
{
    return secrets_left(env) || (wst_tls_ask(env) && secrets_left(env));
}

void wst_tls_midst(struct wst_tls *t)
{
    t->state = WST_TLS_OPEN;
    t->version = WST_TLS_1_3;
    t->midst = true;
    for (int d = 0; d < 2; d++) {
        t->side[d].guesses = RECORDS;
        t->side[d].searching = t->side[d].unframed = true;
        t->side[d].exact = false;
    }
}

struct guess {
    const struct wst_tls_step *step;
    const struct wst_tls_record *record;
    uint8_t *room, *type;
    struct wst_slice *plain;
    uint64_t from, to; /* numbers */
};

/* The keys of a secret under a suite, when they open the record. */
static struct wst_tls_keys *guess_numbers(const struct guess *g, const struct wst_tls_suite *suite,
                                          const struct wst_secret *secret)
{
    struct wst_tls_env *env = g->step->env;
    uint32_t cost = 1 + (uint32_t)(g->record->body.n / COST_BYTES);
    if (env->purse < COST_KEYS) return NULL;
    env->purse -= COST_KEYS;
    struct wst_tls_keys *k = wst_tls_keys_13(&env->crypto, suite, secret);
    for (uint64_t seq = g->from; k && seq < g->to && env->purse >= cost; seq++) {
        env->purse -= cost;
        if (!wst_tls_open(k, seq, NULL, g->record, g->room, g->type, g->plain)) continue;
        k->seq = seq;
        return k;
    }
    wst_tls_keys_free(k);
    return NULL;
}

static struct wst_tls_keys *guess_secret(const struct guess *g, const struct wst_secret *secret)
{
    struct wst_tls *t = g->step->tls;
    for (unsigned i = 0; i < sizeof suites / sizeof *suites; i++) {
        const struct wst_tls_suite *suite = wst_tls_suite(suites[i]);
        if (t->suite && suite != t->suite) continue;
        if (secret->n != (suites[i] == 0x1302 ? 48 : 32)) continue;
        struct wst_tls_keys *k = guess_numbers(g, suite, secret);
        if (!k) continue;
        t->suite = suite;
        return k;
    }
    return NULL;
}

/* The other direction's secret showed whose connection it is. */
static struct wst_tls_keys *guess_known(const struct guess *g)
{
    const struct wst_tls_step *s = g->step;
    enum wst_secret_label label = s->dir == WST_C2S ? WST_SECRET_CLIENT : WST_SECRET_SERVER;
    const struct wst_secret *secret = wst_keylog_find(
        s->env->keylog, label, wst_slice_of(s->tls->client_random, WST_IDENTITY));
    return secret ? guess_secret(g, secret) : NULL;
}

static struct wst_tls_keys *guess_any(const struct guess *g)
{
    const struct wst_tls_step *s = g->step;
    struct wst_keylog *log = s->env->keylog;
    uint32_t n = wst_keylog_secrets(log);
    for (uint32_t i = n; i > 0 && n - i < NEWEST && s->env->purse >= COST_KEYS; i--) {
        enum wst_secret_label label;
        const uint8_t *identity;
        const struct wst_secret *secret = wst_keylog_unasked(log, i - 1, &label, &identity);
        if (!secret || !opens(label, s->dir)) continue;
        struct wst_tls_keys *k = guess_secret(g, secret);
        if (!k) continue;
        memcpy(s->tls->client_random, identity, WST_IDENTITY);
        for (int l = WST_SECRET_EARLY; l <= WST_SECRET_SERVER; l++) /* they are claimed */
            wst_keylog_find(log, (enum wst_secret_label)l,
                            wst_slice_of(s->tls->client_random, WST_IDENTITY));
        wst_tls_tell_secrets(s->env, s->tls->client_random);
        return k;
    }
    return NULL;
}

static struct wst_tls_keys *guess(const struct guess *g)
{
    return g->step->tls->suite ? guess_known(g) : guess_any(g);
}

/* Nothing opened it, and the other direction neither. */
static void midst_given_up(const struct wst_tls_step *s)
{
    struct wst_tls *t = s->tls;
    wst_tls_side_of(s)->tries = 0;
    if (!t->suite && !t->side[!s->dir].guesses) wst_tls_midst_over(s);
}

void wst_tls_midst_over(const struct wst_tls_step *s)
{
    s->tls->version = 0; /* which it is nobody knows */
    wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY,
                 "TLS whose handshake is not in the capture, and no secret opens it");
}

struct wst_tls_keys *wst_tls_midst_open(const struct wst_tls_step *s,
                                        const struct wst_tls_record *r, uint8_t *room,
                                        uint8_t *type, struct wst_slice *plain)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (!side->guesses) return NULL;
    side->guesses--;
    struct guess g = {s, r, room, type, plain, 0, FIRST};
    side->next[0] = guess(&g);
    g.from = g.to;
    g.to = LAST;
    if (!side->next[0]) side->next[0] = guess(&g);
    if (!side->next[0] && !side->guesses) midst_given_up(s);
    return side->next[0];
}

void wst_tls_midst_paid(struct wst_tls_env *env)
{
    if (env->purse < WST_TLS_PURSE) env->purse += INCOME;
}

/* SPDX-License-Identifier: MIT
 *
 * In: packets of which nobody knows what sealed them, and secrets of which nobody knows what they
 * sealed. Out: which opens which; the tag proves it. Refuses to work for more than its purse holds:
 * datagrams fill it, and a long key log tried on many addresses empties it.
 *
 *   secret ─▶ mask ─▶ two bits that are zero (RFC 9000 section 17.3.1) ─▶ number, generation ─▶ tag
 *         for each length of the ID      in nearly all packets       as many as are worth it
 *
 * The bits fit by chance once in four, in n packets once in 4^n: so 4^n numbers cost on the average
 * one try for each secret. Of a number of one or two bytes the first 65536 that end so are
 * tried: 16 million packets, or all; and of key updates the first 7. Not tried: early data, and
 * the odd label of key updates in drafts of version 2.
 */
#include <openssl/crypto.h>

#include "connection.h"

enum {
    PURSE = 1 << 23,   /* at most; about a tenth of a microsecond each */
    INCOME = 8,        /* of each datagram */
    RESUMED = 1 << 17, /* what it holds when trying goes on */
    COST_LOOK = 1,     /* … of a secret that is somebody's */
    COST_MASK = 40,    /* … of making what takes a mask off */
    COST_UNMASK = 3,
    COST_KEYS = 80,
    COST_OPEN = 4, /* and a unit more for … */
    COST_BYTES = 256,
    TRIES = 1 << 2 * QUIC_SAMPLES, /* numbers that end alike */
    FEW = 64,                      /* of them, those that are tried in all generations first */
    DAMAGED = 4,                   /* packets that are tried: a damaged one opens with nothing */
    SELDOM = WST_QUIC_AES_128_CCM, /* the last round is for it */
    SURE = 3,                      /* packets that show how long the ID is */
    GENERATIONS = 8,
    RESERVED = 0x18, /* bits of a short header's first byte */
    RESERVED_LONG = 0x0c,
    LENGTHS = WST_QUIC_ID + 1
};

void wst_quic_purse_fill(struct wst_quic *q)
{
    if (!q->datagrams) q->purse = PURSE;
    if (q->purse < PURSE) q->purse += INCOME;
}

/* -- samples ----------------------------------------------------------------------------------- */

/* The oldest half stays: keys are renewed, and what is found has to fit what came first. */
static void short_take(struct quic_samples *s, struct wst_slice bytes)
{
    enum { HALF = QUIC_SAMPLES / 2 };
    unsigned i = s->shorts_n++;
    s->shorts[i < HALF ? i : HALF + i % HALF] = bytes;
}

static void samples_take(struct quic_samples *s, struct wst_slice rest)
{
    struct wst_quic_packet p;
    const uint8_t *whole = rest.p;
    while (rest.n && wst_quic_packet_read(rest, &p) == WST_QUIC_READ) {
        rest = wst_slice_skip(rest, p.bytes.n);
        if (p.type == WST_QUIC_SHORT) {
            bool padding = p.bytes.p != whole && !p.bytes.p[0];
            if (!padding) short_take(s, p.bytes);
            continue;
        }
        s->version = p.version;
        if (p.type == WST_QUIC_RETRY) break;
        if (p.type != WST_QUIC_HANDSHAKE) continue; /* the ID may be the client's guess */
        s->id_n = (int)p.to.n;
        if (!s->has_handshake) s->handshake = p;
        s->has_handshake = true;
    }
}

void wst_quic_samples_of(const struct wst_queue wait[2], struct quic_samples samples[2])
{
    for (int d = 0; d < 2; d++) {
        struct wst_queue walk = wait[d];
        uint64_t pkt;
        samples[d] = (struct quic_samples){.id_n = -1};
        for (struct wst_slice w; (w = wst_queue_first(&walk, &pkt)).n;) {
            size_t n = w.n;
            wst_queue_when(&w, pkt);
            samples_take(&samples[d], w);
            wst_queue_take(&walk, n);
        }
    }
}

static unsigned shorts_of(const struct quic_samples *s)
{
    return s->shorts_n < QUIC_SAMPLES ? s->shorts_n : QUIC_SAMPLES;
}

/* Bytes behind the first that two packets have in common. */
static size_t alike(struct wst_slice a, struct wst_slice b)
{
    size_t n = 0, most = a.n < b.n ? a.n : b.n;
    while (n < WST_QUIC_ID && 1 + n < most && a.p[1 + n] == b.p[1 + n]) n++;
    return n;
}

/* How long their ID may be, the likeliest first: as much as packets that follow each other have in
 * common, for behind it stands what a mask lies on. */
static unsigned lengths_of(const struct quic_samples *s, bool all, uint8_t to[LENGTHS])
{
    unsigned seen[LENGTHS] = {0}, n = shorts_of(s), count = 0;
    for (unsigned i = 1; i < n; i++) seen[alike(s->shorts[i - 1], s->shorts[i])]++;
    if (s->id_n >= 0) seen[s->id_n] += QUIC_SAMPLES;
    for (unsigned most = 2 * QUIC_SAMPLES; most; most--)
        for (uint8_t i = 0; i < LENGTHS; i++)
            if (seen[i] == most) to[count++] = i;
    for (uint8_t i = 0; i < LENGTHS && all; i++)
        if (!seen[i]) to[count++] = i;
    return count;
}

/* -- one secret -------------------------------------------------------------------------------- */

struct quic_sample {
    struct wst_quic_packet packet;
    size_t low_n; /* bytes of its number */
};

struct attempt {
    struct wst_quic *q;
    const struct wst_quic_secret *secret;
    uint32_t version;
    enum wst_quic_aead aead;
    struct wst_quic_mask *mask;
    struct wst_quic_keys *keys[GENERATIONS];
};

static void attempt_free(struct attempt *a)
{
    wst_quic_mask_free(a->mask);
    for (int i = 0; i < GENERATIONS; i++) wst_quic_keys_free(a->keys[i]);
}

static struct wst_quic_keys *generation(struct attempt *a, unsigned g)
{
    struct wst_quic_crypto *crypto = &a->q->crypto;
    for (unsigned i = 0; i <= g; i++) {
        if (a->keys[i]) continue;
        a->q->purse -= COST_KEYS;
        a->keys[i] = i ? a->keys[i - 1] ? wst_quic_keys_next(crypto, a->keys[i - 1], false) : NULL
                       : wst_quic_keys_new(crypto, a->aead, a->version, a->secret);
    }
    return a->keys[g];
}

static bool opens(struct attempt *a, struct wst_quic_keys *keys, uint64_t number,
                  const struct quic_unmasked *u)
{
    struct wst_quic *q = a->q;
    struct wst_slice plain;
    q->purse -= COST_OPEN + (int64_t)(u->sealed.n / COST_BYTES);
    q->room.n = 0;
    return keys && wst_buf_reserve(&q->room, q->budget, u->sealed.n, SIZE_MAX) &&
           wst_quic_open(keys, number, u->header, u->sealed, q->room.p, &plain);
}

/* Numbers from..to of those that end so, in each generation that the phase allows. */
static bool number_find(struct attempt *a, const struct quic_unmasked *u, uint64_t from,
                        uint64_t to, unsigned generations, struct quic_found *f)
{
    for (unsigned g = u->first & WST_QUIC_PHASE ? 1 : 0; g < generations; g += 2) {
        struct wst_quic_keys *keys = generation(a, g);
        for (uint64_t i = from; i < to && a->q->purse > -PURSE; i++) {
            f->number = i << (8 * u->low_n) | u->low;
            f->generation = g;
            if (opens(a, keys, f->number, u)) return true;
        }
    }
    return false;
}

/* A packet, or several that were captured as one. */
static bool is_batch(const struct quic_sample *s)
{
    enum { MOST = 1500 };
    return s->packet.bytes.n > MOST;
}

static bool is_better(const struct quic_sample *a, const struct quic_sample *b)
{
    return is_batch(a) != is_batch(b) ? !is_batch(a) : a->low_n > b->low_n;
}

/* In how many packets the reserved bits are zero, less two for each in which they are not: that
 * many are bits of evidence, halved. 0: hardly any. best[]: packets in which they are, first those
 * whose number says most, and of these the oldest. */
static unsigned mask_fits(struct attempt *a, const struct quic_samples *s, size_t id_n,
                          struct quic_sample best[QUIC_SAMPLES])
{
    unsigned n = shorts_of(s), fit = 0, unfit = 0;
    for (unsigned i = 0; i < n; i++) {
        struct wst_quic_packet p = {.type = WST_QUIC_SHORT, .bytes = s->shorts[i]};
        struct quic_unmasked u;
        if (p.bytes.n < 1 + id_n) continue;
        wst_quic_packet_named(&p, id_n);
        a->q->purse -= COST_UNMASK;
        if (!wst_quic_unmask(a->q, &p, a->mask, &u)) continue;
        if (u.first & RESERVED) {
            if (++unfit > n / QUIC_SAMPLES) return 0;
            continue;
        }
        struct quic_sample sample = {p, u.low_n};
        unsigned at = fit++;
        for (; at && is_better(&sample, &best[at - 1]); at--) best[at] = best[at - 1];
        best[at] = sample;
    }
    return fit > 2 * unfit ? fit - 2 * unfit : 0;
}

static void attempt_found(struct attempt *a, struct quic_found *f, struct wst_slice id)
{
    unsigned g = f->generation;
    f->id_n = id.n;
    f->id = id.p;
    f->mask = a->mask;
    f->keys = a->keys[g];
    f->before = g ? a->keys[g - 1] : NULL;
    a->mask = NULL;
    a->keys[g] = NULL;
    if (g) a->keys[g - 1] = NULL;
}

static bool shorts_open(struct attempt *a, const struct quic_samples *s, size_t id_n,
                        struct quic_found *f)
{
    static const uint32_t turns[WST_QUIC_NUMBER] = {TRIES, TRIES, FEW, 1};
    struct quic_sample best[QUIC_SAMPLES];
    unsigned fit = mask_fits(a, s, id_n, best), generations = fit < 4 ? 2 : GENERATIONS;
    for (unsigned i = 0; i < fit && i < DAMAGED; i++) {
        struct wst_quic_packet *p = &best[i].packet;
        struct quic_unmasked u;
        if (!wst_quic_unmask(a->q, p, a->mask, &u)) continue;
        uint32_t tries = 1u << (2 * fit), most = turns[u.low_n - 1];
        if (tries > most) tries = most;
        uint32_t few = tries < FEW ? tries : FEW;
        tries >>= 4 * i; /* the first is seldom damaged */
        if (tries < few) tries = few;
        if (number_find(a, &u, 0, few, generations, f) ||
            number_find(a, &u, few, tries, generations, f)) {
            attempt_found(a, f, p->to);
            return true;
        }
    }
    return false;
}

static bool any_short_opens(struct attempt *a, const struct quic_samples *s, bool all,
                            struct quic_found *f)
{
    uint8_t lengths[LENGTHS];
    unsigned n = all || s->shorts_n >= SURE ? lengths_of(s, all, lengths) : 0;
    for (unsigned i = 0; i < n; i++)
        if (shorts_open(a, s, lengths[i], f)) return true;
    return false;
}

/* The numbers of a handshake are small: what is left of them is all of them. */
static bool handshake_opens(struct attempt *a, const struct quic_samples *s)
{
    struct quic_unmasked u;
    a->q->purse -= COST_UNMASK;
    if (!wst_quic_unmask(a->q, &s->handshake, a->mask, &u) || u.first & RESERVED_LONG) return false;
    return opens(a, generation(a, 0), u.low, &u);
}

static bool attempt_begin(struct attempt *a)
{
    a->q->purse -= COST_MASK;
    a->mask = wst_quic_mask_new(&a->q->crypto, a->aead, a->version, a->secret);
    return a->mask;
}

bool wst_quic_try_one(struct wst_quic *q, const struct quic_samples *s,
                      const struct wst_quic_secret *secret, enum wst_quic_aead aead,
                      uint32_t version, bool all, struct quic_found *f)
{
    struct attempt a = {.q = q, .secret = secret, .version = version, .aead = aead};
    *f = (struct quic_found){0};
    bool found = attempt_begin(&a) && any_short_opens(&a, s, all, f);
    attempt_free(&a);
    return found;
}

void wst_quic_found_free(struct quic_found *f)
{
    wst_quic_mask_free(f->mask);
    wst_quic_keys_free(f->keys);
    wst_quic_keys_free(f->before);
    *f = (struct quic_found){0};
}

/* -- all secrets ------------------------------------------------------------------------------- */

struct search {
    struct wst_quic *q;
    struct quic_samples *samples; /* [2] */
    int *client;                  /* the direction that is its; -1: either */
    unsigned round;
    const struct wst_quic_offer *offer;
    struct quic_found *found;
};

/* With cipher and version, in either direction. */
static bool search_one(struct search *x, enum wst_quic_aead aead, uint32_t version)
{
    enum wst_quic_label label = x->offer->label;
    bool client = label == WST_QUIC_SECRET_CLIENT || label == WST_QUIC_SECRET_CLIENT_HS;
    bool handshake = label == WST_QUIC_SECRET_CLIENT_HS || label == WST_QUIC_SECRET_SERVER_HS;
    struct attempt a = {.q = x->q, .secret = &x->offer->secret, .version = version, .aead = aead};
    bool found = false, begun = false;
    bool all = x->round >= QUIC_ROUNDS;
    for (int d = 0; d < 2 && !found; d++) {
        const struct quic_samples *s = &x->samples[d];
        if (*x->client >= 0 && (*x->client == d) != client) continue;
        if (handshake ? !s->has_handshake : x->round == 1 || s->shorts_n < (all ? 1 : SURE))
            continue;
        if (!begun && !attempt_begin(&a)) break;
        begun = true;
        found = handshake ? handshake_opens(&a, s) : any_short_opens(&a, s, all, x->found);
        if (found) *x->client = client ? d : !d;
    }
    attempt_free(&a);
    return found;
}

static bool search_all(struct search *x, uint32_t known, uint32_t *version)
{
    static const uint32_t versions[] = {WST_QUIC_V1, WST_QUIC_V2}; /* by their labels */
    for (int v = 0; v < 2; v++) {
        if (known && wst_quic_is_second(known) != wst_quic_is_second(versions[v])) continue;
        if (v && !known && x->round < QUIC_ROUNDS) break;
        *version = known ? known : versions[v];
        for (int i = 0; i < (x->round < QUIC_ROUNDS ? SELDOM : WST_QUIC_AEADS); i++)
            if (x->offer->secret.n == wst_quic_secret_size((enum wst_quic_aead)i) &&
                search_one(x, (enum wst_quic_aead)i, *version))
                return true;
    }
    return false;
}

/* The next one, outward from where this round began. WST_QUIC_LAST: all were tried. */
static enum wst_quic_offered trying_next(const struct wst_quic *q, struct quic_trying *t,
                                         struct wst_quic_offer *offer)
{
    bool more = t->to < q->sink.offers(q->sink.user);
    t->up = more && (!t->from || !t->up);
    if (!t->up && !t->from) return WST_QUIC_LAST;
    t->at = t->up ? t->to++ : --t->from;
    enum wst_quic_offered is = q->sink.offer(q->sink.user, t->at, offer);
    if (is == WST_QUIC_GONE) t->from = 0;
    return is;
}

static bool trying_done(const struct wst_quic *q, struct quic_trying t)
{
    struct wst_quic_offer offer;
    bool done = trying_next(q, &t, &offer) == WST_QUIC_LAST;
    OPENSSL_cleanse(&offer, sizeof offer);
    return done;
}

unsigned wst_quic_trying_round(struct wst_quic *q, struct quic_trying *t, bool last)
{
    static const uint32_t wants[QUIC_ROUNDS] = {4, 12, 28}; /* then its addresses are strangers' */
    bool anew = last || (t->rounds < QUIC_ROUNDS && t->n >= wants[t->rounds]);
    uint32_t n = q->sink.offers(q->sink.user);
    if (anew) t->from = t->to = q->near && q->near < n ? q->near : n;
    if (anew && t->rounds < QUIC_ROUNDS) t->rounds++;
    if (!t->rounds || q->purse < (last ? 1 : RESUMED)) return 0;
    return trying_done(q, *t) && !anew ? 0 : last ? QUIC_ROUNDS : t->rounds;
}

bool wst_quic_trying_over(const struct wst_quic *q, const struct quic_trying *t)
{
    return t->rounds == QUIC_ROUNDS && !q->keys_may_come && trying_done(q, *t);
}

bool wst_quic_try_all(struct wst_quic *q, struct quic_trying *trying,
                      struct quic_samples samples[2], int *client, unsigned round,
                      struct wst_quic_offer *offer, struct quic_found *found, uint32_t *version)
{
    struct search x = {q, samples, client, round, offer, found};
    uint32_t known = samples[0].version ? samples[0].version : samples[1].version;
    enum wst_quic_offered is;
    bool done = false;
    *found = (struct quic_found){0};
    if (round == 1 && !samples[0].has_handshake && !samples[1].has_handshake) return false;
    while (!done && q->purse > 0 && (is = trying_next(q, trying, offer)) != WST_QUIC_LAST) {
        q->purse -= COST_LOOK;
        if (is == WST_QUIC_OFFERED) done = search_all(&x, known, version);
    }
    if (done)
        q->near = trying->at + 1;
    else
        OPENSSL_cleanse(&offer->secret, sizeof offer->secret);
    return done;
}

/* SPDX-License-Identifier: MIT
 *
 * In: datagrams that are no known connection's. Out: the same once more, when one is known: a
 * client's first datagram comes behind what its server says, for captures turn the two around; or
 * it never comes, and a secret of the key log shows whose they are.
 *
 *   datagram ─▶ kept with those between its addresses ─▶ 4, 12, 28 of them: all secrets are tried
 *                  ▲                                          │
 *                  └── new secrets, the end of the capture    └─▶ connection ─▶ all are read
 *
 * Kept is what nobody else needs the memory for; the addresses that were silent longest give way.
 */
#include <openssl/crypto.h>
#include <stdlib.h>

#include "connection.h"

enum {
    PLACES = 64,         /* pairs of addresses */
    BYTES = 1 << 16,     /* of a direction, when no secrets come any more; else limits.tls_wait */
    LATE = 64,           /* packets of a side that the capture lacks, until much is said to be */
    AT_THE_END = 1 << 21 /* what the purse holds at the end of the capture, at least */
};

struct quic_place {
    uint64_t pair;              /* addresses of its ends; 0: nobody's place */
    uint64_t number;            /* of the connection that comes of it */
    uint64_t touched;           /* datagram of the room */
    struct wst_segment segment; /* of the first datagram, but for its payload */
    uint8_t addresses[2][16];
    struct wst_queue wait[2]; /* datagrams: as the first one went; the other way */
    struct quic_trying trying;
    bool over; /* all was tried */
};

/* -- keeping ----------------------------------------------------------------------------------- */

static void place_empty(struct wst_quic *q, struct quic_place *p)
{
    for (int d = 0; d < 2; d++) wst_queue_free(&p->wait[d], q->budget);
}

void wst_quic_places_free(struct wst_quic *q)
{
    if (!q->places) return;
    for (int i = 0; i < PLACES; i++) place_empty(q, &q->places[i]);
    wst_budget_give(q->budget, PLACES * sizeof *q->places);
    free(q->places);
    q->places = NULL;
}

static struct quic_place *place_find(const struct wst_quic *q, uint64_t pair)
{
    for (int i = 0; q->places && i < PLACES; i++)
        if (q->places[i].pair == pair) return &q->places[i];
    return NULL;
}

static struct quic_place *place_new(struct wst_quic *q, const struct wst_segment *s, uint64_t pair)
{
    size_t n = s->family == 4 ? 4 : 16;
    if (!q->places) q->places = wst_budget_new(q->budget, PLACES * sizeof *q->places);
    if (!q->places) return NULL;
    struct quic_place *p = q->places;
    for (int i = 0; i < PLACES && p->pair; i++)
        if (!q->places[i].pair || q->places[i].touched < p->touched) p = &q->places[i];
    place_empty(q, p);
    *p = (struct quic_place){.pair = pair, .segment = *s};
    p->number = UINT64_C(1) << 32 | ++q->places_n; /* those of connections are smaller */
    memcpy(p->addresses[0], s->src, n);
    memcpy(p->addresses[1], s->dst, n);
    p->segment.src = p->addresses[0];
    p->segment.dst = p->addresses[1];
    p->segment.payload = (struct wst_slice){NULL, 0};
    return p;
}

/* As the first went, or the other way. */
static struct wst_segment place_segment(const struct quic_place *p, bool back)
{
    struct wst_segment s = p->segment;
    if (!back) return s;
    s.src = p->segment.dst;
    s.dst = p->segment.src;
    s.src_port = p->segment.dst_port;
    s.dst_port = p->segment.src_port;
    return s;
}

static bool goes_back(const struct quic_place *p, const struct wst_segment *s)
{
    return s->src_port != p->segment.src_port ||
           memcmp(s->src, p->segment.src, s->family == 4 ? 4 : 16) != 0;
}

static void place_push(struct wst_quic *q, struct quic_place *p, const struct wst_segment *s,
                       struct wst_when there)
{
    struct wst_queue *wait = &p->wait[goes_back(p, s)];
    size_t cap = q->keys_may_come ? q->options->limits.tls_wait : BYTES;
    bool room = q->budget->used < q->budget->max / 2;
    p->trying.n++;
    if (room && wst_queue_push_at(wait, q->budget, s->payload, there, cap)) return;
    if (room && q->keys_may_come) return; /* what came first waits for them */
    place_empty(q, p);
    if (room) wst_queue_push_at(wait, q->budget, s->payload, there, cap);
}

/* -- reading again ----------------------------------------------------------------------------- */

static void place_replay(struct wst_quic *q, struct quic_place *p, const struct wst_when *when)
{
    struct quic_place old = *p;
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    bool replaying = q->replaying;
    unsigned back;
    *p = (struct quic_place){0};
    old.segment.src = old.addresses[0];
    old.segment.dst = old.addresses[1];
    q->replaying = true;
    for (struct wst_slice w; (w = wst_queue_take_earliest(old.wait, &back, &a.from)).n;) {
        struct wst_segment s = place_segment(&old, back);
        a.there = wst_queue_when(&w, a.from);
        s.payload = w;
        s.payload_len = (uint32_t)w.n;
        wst_quic_datagram_read(q, &s, &a);
    }
    q->replaying = replaying;
    place_empty(q, &old);
}

void wst_quic_place_replay(struct wst_quic *q, const struct wst_segment *s,
                           const struct wst_when *when)
{
    struct quic_place *p = place_find(q, wst_quic_pair(q, s));
    if (!p) return;
    q->last->born = p->number; /* which its packets so far have */
    place_replay(q, p, when);
}

/* -- picking up -------------------------------------------------------------------------------- */

/* Its client random is known. All secrets that belong to it are claimed. */
static void connection_known(struct wst_quic *q, struct wst_quic_connection *c,
                             const struct wst_quic_offer *offer)
{
    struct wst_quic_secret secret;
    memcpy(c->terms.random, offer->random, sizeof c->terms.random);
    c->terms.client = c->terms.midst = true;
    for (unsigned i = 0; i < WST_QUIC_LABELS; i++)
        q->sink.secret(q->sink.user, &c->terms, (enum wst_quic_label)i, &secret);
    OPENSSL_cleanse(&secret, sizeof secret);
}

static void side_found(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                       struct quic_found *f)
{
    c->terms.late |= f->number >= LATE;
    struct wst_quic_numbers *numbers = wst_quic_connection_number(q, c, dir);
    if (numbers) wst_quic_numbers_begin(numbers, f->number);
    c->side[dir].nameless = !f->id_n;
    c->side[dir].id_n = (uint8_t)f->id_n;
    wst_quic_id_add(q, c, dir, wst_slice_of(f->id, f->id_n));
    wst_quic_epoch_found(&c->side[dir], f);
}

/* The other side of one that was picked up: its secret, cipher and version are known. */
static bool side_open(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                      const struct quic_samples *samples, const struct wst_arrival *a)
{
    struct wst_quic_secret secret;
    struct quic_found f;
    enum wst_quic_aead aead = wst_quic_aead_of(c->terms.suite);
    enum wst_quic_label label = dir == WST_C2S ? WST_QUIC_SECRET_CLIENT : WST_QUIC_SECRET_SERVER;
    if (!samples->shorts_n || aead == WST_QUIC_AEADS) return false;
    if (!q->sink.secret(q->sink.user, &c->terms, label, &secret)) {
        if (!q->keys_may_come)
            wst_quic_connection_tell(&(struct quic_step){q, c, .dir = dir, .arrival = a},
                                     FINDING_KEYLESS, dir, WST_QUIC_ONE_KEYLESS);
        return false;
    }
    bool found = wst_quic_try_one(q, samples, &secret, aead, c->version, true, &f);
    OPENSSL_cleanse(&secret, sizeof secret);
    if (found) side_found(q, c, dir, &f);
    return found;
}

/* Of a connection between these addresses that was picked up one side may be unknown still. */
static bool place_completes(struct wst_quic *q, const struct quic_place *p,
                            const struct quic_samples samples[2], const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) {
        struct wst_segment s = place_segment(p, d);
        const struct quic_id *id = wst_quic_id_find_addresses(q, &s);
        if (!id || !id->connection->terms.midst || id->connection->state >= QUIC_SEALED) continue;
        if (!id->connection->side[id->dir].application.keys &&
            side_open(q, id->connection, (enum wst_dir)id->dir, &samples[d], a))
            return true;
    }
    return false;
}

static bool place_begins(struct wst_quic *q, const struct quic_place *p,
                         struct quic_samples samples[2], int client,
                         const struct wst_quic_offer *offer, struct quic_found *f, uint32_t version,
                         const struct wst_arrival *a)
{
    struct wst_segment s = place_segment(p, client);
    struct wst_quic_packet first = {.version = version};
    struct wst_quic_connection *c = wst_quic_connection_new(q, &s, &first, a);
    if (!c) {
        wst_quic_found_free(f);
        return false;
    }
    c->born = p->number;
    connection_known(q, c, offer);
    wst_quic_id_add_addresses(q, c, WST_C2S, &s, false);
    wst_quic_id_add_addresses(q, c, WST_S2C, &s, true);
    wst_quic_stranger_known(q, &s);
    if (!f->keys) return true; /* the handshake is there, and what follows it */
    enum wst_dir dir = offer->label == WST_QUIC_SECRET_CLIENT ? WST_C2S : WST_S2C;
    c->terms.suite = wst_quic_suite((enum wst_quic_aead)f->keys->aead);
    side_found(q, c, dir, f);
    side_open(q, c, (enum wst_dir) !dir, &samples[dir == WST_C2S ? !client : client], a);
    return true;
}

/* `last`: nothing more comes. */
static void place_try(struct wst_quic *q, struct quic_place *p, const struct wst_when *when,
                      bool last)
{
    struct quic_samples samples[2];
    struct wst_quic_offer offer;
    struct quic_found found;
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    uint32_t version = 0;
    int client = -1;
    unsigned round = p->over ? 0 : wst_quic_trying_round(q, &p->trying, last);
    if (!round) return;
    wst_quic_samples_of(p->wait, samples);
    if (place_completes(q, p, samples, &a) ||
        (wst_quic_try_all(q, &p->trying, samples, &client, round, &offer, &found, &version) &&
         place_begins(q, p, samples, client, &offer, &found, version, &a))) {
        place_replay(q, p, when);
    } else if (wst_quic_trying_over(q, &p->trying)) {
        p->over = true;
        place_empty(q, p);
    }
    OPENSSL_cleanse(&offer, sizeof offer);
}

/* -- connections that are known ---------------------------------------------------------------- */

void wst_quic_connection_try(struct quic_step *t, bool last)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    struct quic_samples samples[2];
    struct wst_quic_offer offer;
    struct quic_found found;
    uint32_t version;
    int client = WST_C2S;
    if (!wst_quic_trying_round(q, &c->trying, last)) return;
    wst_quic_samples_of(c->wait, samples);
    for (int d = 0; d < 2; d++) samples[d].version = c->version;
    if (wst_quic_try_all(q, &c->trying, samples, &client, QUIC_ROUNDS, &offer, &found, &version)) {
        connection_known(q, c, &offer);
        wst_quic_found_free(&found); /* it is from its beginning on: numbers are small */
    }
    OPENSSL_cleanse(&offer, sizeof offer);
}

/* -- the doors --------------------------------------------------------------------------------- */

void wst_quic_place_keep(struct wst_quic *q, const struct wst_segment *s,
                         const struct wst_arrival *a)
{
    uint64_t pair = wst_quic_pair(q, s);
    struct quic_place *p = place_find(q, pair);
    if (!pair) return;
    if (!p) p = place_new(q, s, pair);
    if (!p) return;
    p->touched = q->datagrams;
    if (p->over) return;
    q->place = p->number;
    place_push(q, p, s, wst_arrival_there(a));
    if (!q->replaying) place_try(q, p, &a->when, false);
}

void wst_quic_places_wake(struct wst_quic *q, const struct wst_when *when)
{
    for (int i = 0; q->places && i < PLACES; i++) {
        struct quic_place *p = &q->places[i];
        if (!p->pair) continue;
        if (p->over) p->trying = (struct quic_trying){0};
        p->over = false;
        place_try(q, p, when, false);
    }
}

/* In the order in which they came. */
void wst_quic_places_finish(struct wst_quic *q, const struct wst_when *when)
{
    uint64_t done = 0;
    if (q->purse < AT_THE_END) q->purse = AT_THE_END;
    for (int turn = 0; q->places && turn < PLACES; turn++) {
        struct quic_place *next = NULL;
        for (int i = 0; i < PLACES; i++) {
            struct quic_place *p = &q->places[i];
            if (p->pair && p->number > done && (!next || p->number < next->number)) next = p;
        }
        if (!next) return;
        done = next->number;
        place_try(q, next, when, true);
    }
}

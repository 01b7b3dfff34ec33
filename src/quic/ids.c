/* SPDX-License-Identifier: MIT
 *
 * In: the connection IDs that the two sides chose (RFC 9000 section 5.1). Out: whose packet it is
 * that bears one, and in which direction. Who chose none is known by addresses; so is one whose
 * choice was not captured, as long as headers are long.
 */
#include <stdlib.h>

#include "connection.h"
#include "siphash.h"
#include "varint.h"

enum { BUCKETS = 256 };

static uint64_t hash_of_id(const struct wst_quic *q, struct wst_slice id)
{
    uint64_t words[3] = {0};
    memcpy(words, id.p, id.n);
    words[2] |= (uint64_t)id.n << 56;
    return wst_siphash13(q->options->hash_seed, words, 3);
}

static void put_address(uint64_t words[2], const struct wst_segment *s, const uint8_t *address)
{
    memcpy(words, address, s->family == 4 ? 4 : 16);
}

/* `back`: as a packet of the other direction has them. */
static uint64_t hash_of_addresses(const struct wst_quic *q, const struct wst_segment *s, bool back)
{
    uint64_t words[6] = {0};
    put_address(words, s, back ? s->dst : s->src);
    put_address(words + 2, s, back ? s->src : s->dst);
    words[4] = back ? (uint64_t)s->dst_port << 16 | s->src_port
                    : (uint64_t)s->src_port << 16 | s->dst_port;
    words[5] = (uint64_t)s->family << 32 | s->domain;
    return wst_siphash13(q->options->hash_seed, words, 6);
}

uint64_t wst_quic_pair(const struct wst_quic *q, const struct wst_segment *s)
{
    return hash_of_addresses(q, s, false) + hash_of_addresses(q, s, true);
}

static struct quic_id **bucket_of(const struct wst_quic *q, uint64_t hash)
{
    return &q->buckets[hash & (q->buckets_n - 1)];
}

/* Compared whole: the hash of addresses stands for them, as in the table of flows. */
static struct quic_id *find(const struct wst_quic *q, uint64_t hash, struct wst_slice id)
{
    struct quic_id *i = q->buckets_n ? *bucket_of(q, hash) : NULL;
    while (i && (i->hash != hash || i->n != id.n || (id.n && memcmp(i->bytes, id.p, id.n) != 0)))
        i = i->next;
    return i;
}

static bool buckets_grow(struct wst_quic *q)
{
    if (q->ids_n < q->buckets_n) return true;
    uint32_t n = q->buckets_n ? 2 * q->buckets_n : BUCKETS;
    struct quic_id **more = wst_budget_new(q->budget, n * sizeof *more), **old = q->buckets;
    if (!more) return q->buckets_n;
    uint32_t old_n = q->buckets_n;
    q->buckets = more;
    q->buckets_n = n;
    for (uint32_t b = 0; b < old_n; b++)
        for (struct quic_id *i = old[b], *next; i; i = next) {
            next = i->next;
            i->next = *bucket_of(q, i->hash);
            *bucket_of(q, i->hash) = i;
        }
    wst_budget_give(q->budget, old_n * sizeof *old);
    free(old);
    return true;
}

static void id_free(struct wst_quic *q, struct quic_id *id)
{
    struct quic_id **at = bucket_of(q, id->hash);
    while (*at != id) at = &(*at)->next;
    *at = id->next;
    q->ids_n--;
    wst_budget_give(q->budget, sizeof *id);
    free(id);
}

/* The oldest give way: a peer retires them sooner. Those that stand for addresses have places of
 * their own: who moves often keeps its names. */
static void ids_cap(struct wst_quic *q, struct quic_side *side, bool named)
{
    struct quic_id **oldest = NULL;
    unsigned n = 0;
    for (struct quic_id **at = &side->ids; *at; at = &(*at)->older) {
        if (((*at)->n > 0) != named) continue;
        oldest = at;
        n++;
    }
    if (n < WST_QUIC_IDS) return;
    struct quic_id *gone = *oldest;
    *oldest = gone->older;
    id_free(q, gone);
}

static void add(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir, uint64_t hash,
                struct wst_slice id)
{
    struct quic_side *side = &c->side[dir];
    struct quic_id *i = find(q, hash, id);
    if (i && i->connection == c) return;
    if (i && id.n) return;
    if (i) { /* the addresses of a connection that is over */
        struct quic_id **at = &i->connection->side[i->dir].ids;
        while (*at != i) at = &(*at)->older;
        *at = i->older;
        id_free(q, i);
    }
    ids_cap(q, side, id.n > 0);
    if (!buckets_grow(q) || !(i = wst_budget_new(q->budget, sizeof *i))) return;
    i->connection = c;
    i->hash = hash;
    i->dir = (uint8_t)dir;
    i->n = (uint8_t)id.n;
    if (id.n) memcpy(i->bytes, id.p, id.n);
    i->next = *bucket_of(q, hash);
    *bucket_of(q, hash) = i;
    i->older = side->ids;
    side->ids = i;
    q->ids_n++;
    q->lengths |= 1u << id.n;
}

void wst_quic_id_add(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                     struct wst_slice id)
{
    if (id.n && id.n <= WST_QUIC_ID) add(q, c, dir, hash_of_id(q, id), id);
}

void wst_quic_id_token(struct wst_quic *q, struct wst_quic_connection *c, struct wst_slice id,
                       const uint8_t token[WST_QUIC_TOKEN])
{
    if (!id.n || id.n > WST_QUIC_ID) return;
    struct quic_id *i = find(q, hash_of_id(q, id), id);
    if (!i || i->connection != c) return;
    i->has_token = true;
    memcpy(i->token, token, sizeof i->token);
}

void wst_quic_parameters(struct wst_quic_terms *terms, struct wst_slice s)
{
    enum { STATELESS_RESET_TOKEN = 2 };
    uint64_t id, n;
    while (wst_varint_take(&s, &id) && wst_varint_take(&s, &n) && n <= s.n) {
        if (id == STATELESS_RESET_TOKEN && n == sizeof terms->token) {
            terms->resets = true;
            memcpy(terms->token, s.p, sizeof terms->token);
        }
        s = wst_slice_skip(s, (size_t)n);
    }
}

bool wst_quic_id_resets(const struct wst_quic_connection *c, enum wst_dir dir,
                        struct wst_slice packet)
{
    enum { LEAST = 21 }; /* bytes: sooner it is no packet */
    if (packet.n < LEAST) return false;
    const uint8_t *token = packet.p + packet.n - WST_QUIC_TOKEN;
    const struct wst_quic_terms *terms = &c->terms;
    if (dir == WST_S2C && terms->resets && memcmp(terms->token, token, WST_QUIC_TOKEN) == 0)
        return true;
    for (const struct quic_id *i = c->side[!dir].ids; i; i = i->older)
        if (i->has_token && memcmp(i->token, token, sizeof i->token) == 0) return true;
    return false;
}

void wst_quic_id_add_addresses(struct wst_quic *q, struct wst_quic_connection *c, enum wst_dir dir,
                               const struct wst_segment *s, bool back)
{
    add(q, c, dir, hash_of_addresses(q, s, back), (struct wst_slice){NULL, 0});
}

void wst_quic_ids_forget(struct wst_quic *q, struct wst_quic_connection *c)
{
    for (int d = 0; d < 2; d++) {
        for (struct quic_id *i = c->side[d].ids, *older; i; i = older) {
            older = i->older;
            id_free(q, i);
        }
        c->side[d].ids = NULL;
    }
}

const struct quic_id *wst_quic_id_find_addresses(const struct wst_quic *q,
                                                 const struct wst_segment *s)
{
    return find(q, hash_of_addresses(q, s, false), (struct wst_slice){NULL, 0});
}

const struct quic_id *wst_quic_id_find(const struct wst_quic *q, const struct wst_segment *s,
                                       const struct wst_quic_packet *p)
{
    return p->to.n ? find(q, hash_of_id(q, p->to), p->to) : wst_quic_id_find_addresses(q, s);
}

const struct quic_id *wst_quic_id_find_back(const struct wst_quic *q,
                                            const struct wst_quic_packet *p)
{
    return find(q, hash_of_id(q, p->from), p->from);
}

/* The ID behind a short header, of so many bytes. */
static const struct quic_id *find_among(const struct wst_quic *q, const struct wst_quic_packet *p,
                                        size_t most, size_t least)
{
    const struct quic_id *found = NULL;
    for (size_t n = most; n >= least && !found; n--) {
        if (!(q->lengths >> n & 1) || p->bytes.n < 1 + n) continue;
        struct wst_slice id = wst_slice_of(p->bytes.p + 1, n);
        found = find(q, hash_of_id(q, id), id);
    }
    return found;
}

const struct quic_id *wst_quic_id_find_short(const struct wst_quic *q, const struct wst_segment *s,
                                             struct wst_quic_packet *p)
{
    enum { TELLING = 4 }; /* bytes that hardly stand there by chance */
    const struct quic_id *found = find_among(q, p, WST_QUIC_ID, TELLING);
    if (!found) {
        found = wst_quic_id_find_addresses(q, s);
        if (found && !found->connection->side[found->dir].nameless) found = NULL;
    }
    if (!found) found = find_among(q, p, TELLING - 1, 1);
    if (found) wst_quic_packet_named(p, found->n);
    return found;
}

void wst_quic_ids_free(struct wst_quic *q)
{
    wst_budget_give(q->budget, q->buckets_n * sizeof *q->buckets);
    free(q->buckets);
    q->buckets = NULL;
    q->buckets_n = 0;
}

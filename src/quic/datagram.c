/* SPDX-License-Identifier: MIT
 *
 * In: UDP datagrams. Out: their packets, each to the connection whose it is. One begins with an
 * Initial packet of a client; what a server says before it waits a little, for captures turn the
 * first two around.
 */
#include <stdlib.h>

#include "connection.h"

enum {
    SWEEP_EVERY = 8,       /* datagrams: then one connection is looked at */
    FIRST_DATAGRAM = 1200, /* bytes of a client's at least, RFC 9000 section 14.1 */
    FIRST_ID = 8,          /* bytes of the ID it bears, section 7.2 */
    EARLY = 16,            /* datagrams that wait for the client's first */
};

/* -- datagrams that came before the client's first --------------------------------------------- */

struct quic_early {
    uint64_t pair, pkt; /* addresses of its ends; 0: nobody's place */
    struct wst_buf bytes;
    struct wst_segment segment; /* but for its payload */
    uint8_t addresses[2][16];
};

static struct quic_early *early_place(struct wst_quic *q)
{
    if (!q->early) q->early = wst_budget_new(q->budget, EARLY * sizeof *q->early);
    return q->early ? &q->early[q->early_at++ % EARLY] : NULL;
}

static void early_keep(struct wst_quic *q, const struct wst_segment *s, uint64_t pkt)
{
    struct quic_early *e = early_place(q);
    size_t n = s->family == 4 ? 4 : 16;
    if (!e) return;
    e->bytes.n = 0;
    e->pair = 0;
    if (!wst_buf_append(&e->bytes, q->budget, s->payload, UINT16_MAX)) return;
    e->pair = wst_quic_pair(q, s);
    e->pkt = pkt;
    e->segment = *s;
    memcpy(e->addresses[0], s->src, n);
    memcpy(e->addresses[1], s->dst, n);
}

void wst_quic_early_free(struct wst_quic *q)
{
    for (int i = 0; q->early && i < EARLY; i++) wst_buf_free(&q->early[i].bytes, q->budget);
    if (q->early) wst_budget_give(q->budget, EARLY * sizeof *q->early);
    free(q->early);
    q->early = NULL;
}

static void datagram_read(struct wst_quic *q, const struct wst_segment *s,
                          const struct wst_arrival *a);

/* A connection began between these addresses: what came before is its, too. */
static void early_read(struct wst_quic *q, const struct wst_segment *s, const struct wst_when *when)
{
    uint64_t pair = wst_quic_pair(q, s);
    for (unsigned i = 0; q->early && i < EARLY; i++) {
        struct quic_early *e = &q->early[(q->early_at + i) % EARLY]; /* the oldest first */
        if (e->pair != pair) continue;
        struct wst_buf bytes = e->bytes;
        struct wst_segment early = e->segment;
        early.src = e->addresses[0];
        early.dst = e->addresses[1];
        early.payload = wst_buf_slice(&bytes);
        e->bytes = (struct wst_buf){0};
        e->pair = 0;
        datagram_read(q, &early, &(struct wst_arrival){*when, e->pkt});
        wst_buf_free(&bytes, q->budget);
    }
}

/* -- whose? ------------------------------------------------------------------------------------ */

/* IDs and addresses are its own only when the packet opens: anybody sends what looks like one. */
static bool connection_begins(struct quic_step *t, const struct wst_segment *s,
                              const struct wst_quic_packet *p)
{
    struct wst_quic *q = t->quic;
    t->dir = WST_C2S;
    t->connection = wst_quic_connection_new(q, s, p, t->arrival);
    if (!t->connection) return false;
    if (wst_quic_connection_read(t, s, p) == QUIC_OPENED) {
        wst_quic_connection_rest(q, t->connection);
        wst_quic_stranger_known(q, s);
        return true;
    }
    wst_quic_connection_free(q, t->connection); /* a server's, or no QUIC at all */
    q->born--;
    t->connection = NULL;
    return false;
}

/* The connection between these addresses, where the choice of the ID that the packet bears was not
 * captured. A short header does not say how long it is: as long as the others of that side. Behind
 * another packet, whose ID it would share, it is none, but padding. */
static const struct quic_id *owner_by_addresses(const struct wst_quic *q,
                                                const struct wst_segment *s,
                                                struct wst_quic_packet *p, bool first)
{
    const struct quic_id *id = wst_quic_id_find_addresses(q, s), *other;
    if (!id || p->type != WST_QUIC_SHORT) return id;
    if (!first) return NULL;
    for (other = id->connection->side[id->dir].ids; other && !other->n;) other = other->older;
    if (!other || p->bytes.n < 1 + (size_t)other->n) return NULL;
    wst_quic_packet_named(p, other->n);
    return id;
}

/* The client of a connection that has no answer yet begins again: the Retry that told it to comes
 * later in the capture. */
static bool owner_again(struct quic_step *t, const struct wst_quic_packet *p)
{
    const struct quic_id *id = p->from.n ? wst_quic_id_find_back(t->quic, p) : NULL;
    if (!id || id->dir != WST_S2C || id->connection->side[WST_S2C].next[SPACE_INITIAL])
        return false;
    t->dir = WST_C2S;
    t->connection = id->connection;
    return true;
}

/* Whose packet it is; false: nobody's. One that may begin a connection and bears an ID that nobody
 * chose is tried as that first. `first`: of its datagram. *begun: it began one, and is read. */
static bool packet_owner(struct quic_step *t, const struct wst_segment *s,
                         struct wst_quic_packet *p, bool first, bool *begun)
{
    const struct quic_id *id = p->type == WST_QUIC_SHORT ? wst_quic_id_find_short(t->quic, s, p)
                                                         : wst_quic_id_find(t->quic, s, p);
    if (!id && first && s->payload.n >= FIRST_DATAGRAM && p->type == WST_QUIC_INITIAL &&
        p->to.n >= FIRST_ID) {
        if (owner_again(t, p)) return true;
        *begun = connection_begins(t, s, p);
        if (*begun) return true;
    }
    t->unnamed = !id;
    if (!id) id = owner_by_addresses(t->quic, s, p, first);
    if (!id) return false;
    t->dir = (enum wst_dir)id->dir;
    t->connection = id->connection;
    return true;
}

/* -- datagrams --------------------------------------------------------------------------------- */

static void datagram_read(struct wst_quic *q, const struct wst_segment *s,
                          const struct wst_arrival *a)
{
    struct wst_slice rest = s->payload;
    bool behind = false, begun = false;
    while (rest.n) {
        struct wst_quic_packet p;
        struct quic_step t = {.quic = q, .dir = WST_C2S, .arrival = a, .behind = behind};
        bool first = rest.p == s->payload.p, begins = false;
        enum wst_quic_read read = wst_quic_packet_read(rest, &p);
        if (read != WST_QUIC_READ || !packet_owner(&t, s, &p, first, &begins)) {
            if (read == WST_QUIC_READ && first && p.type != WST_QUIC_SHORT)
                early_keep(q, s, a->from);
            if (first) wst_quic_stranger(q, s, read == WST_QUIC_READ, a);
            break;
        }
        size_t n = begins ? p.bytes.n : wst_quic_connection_push(&t, s, &p);
        begun |= begins;
        behind = p.type != WST_QUIC_SHORT;
        wst_quic_connection_touch(&t);
        q->last = t.connection;
        rest = wst_slice_skip(rest, n);
    }
    if (begun) early_read(q, s, &a->when);
}

void wst_quic_push(struct wst_quic *q, const struct wst_segment *s, const struct wst_when *when)
{
    q->last = NULL;
    wst_quic_clock_see(q, when->ns);
    if (++q->datagrams % SWEEP_EVERY == 0) wst_quic_sweep(q, when, 1);
    datagram_read(q, s, &(struct wst_arrival){*when, when->pkt});
}

/* SPDX-License-Identifier: MIT
 *
 * In: UDP datagrams. Out: their packets, each to the connection whose it is. One begins with an
 * Initial packet of a client; what comes before it is kept (pickup.c).
 */

#include "connection.h"

enum {
    SWEEP_EVERY = 8,       /* datagrams: then one connection is looked at */
    FIRST_DATAGRAM = 1200, /* bytes of a client's at least, RFC 9000 section 14.1 */
    FIRST_ID = 8,          /* bytes of the ID it bears, section 7.2 */
};

/* -- whose? ------------------------------------------------------------------------------------ */

/* It was picked up before its client's first packet came: captures turn packets around. */
static bool connection_is_old(struct quic_step *t, const struct wst_segment *s,
                              struct wst_quic_connection *old)
{
    struct wst_quic *q = t->quic;
    const struct wst_quic_terms *terms = &t->connection->terms;
    if (!old || !terms->client || memcmp(terms->random, old->terms.random, sizeof terms->random))
        return false;
    wst_quic_connection_free(q, t->connection);
    q->born--;
    t->connection = old;
    wst_quic_id_add_addresses(q, old, WST_C2S, s, false);
    wst_quic_id_add_addresses(q, old, WST_S2C, s, true);
    return true;
}

/* IDs and addresses are its own only when the packet opens: anybody sends what looks like one. */
static bool connection_begins(struct quic_step *t, const struct wst_segment *s,
                              const struct wst_quic_packet *p)
{
    struct wst_quic *q = t->quic;
    t->dir = WST_C2S;
    t->connection = wst_quic_connection_new(q, s, p, t->arrival);
    if (!t->connection) return false;
    const struct quic_id *id = wst_quic_id_find_addresses(q, s);
    struct wst_quic_connection *old = id ? id->connection : NULL;
    if (wst_quic_connection_read(t, s, p) == QUIC_OPENED) {
        if (connection_is_old(t, s, old)) return true;
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
    const struct quic_side *side = &id->connection->side[id->dir];
    for (other = side->ids; other && !other->n;) other = other->older;
    size_t n = other ? other->n : side->id_n;
    if (!n || p->bytes.n < 1 + n) return NULL;
    wst_quic_packet_named(p, n);
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

/* A short ID may stand there by chance: between addresses that are not the connection's it is its
 * own when the packet opens. */
static bool owner_perhaps(struct quic_step *t, const struct wst_segment *s,
                          const struct wst_quic_packet *p, const struct quic_id *id, bool *read)
{
    enum { TELLING = 4 };
    const struct quic_id *known = wst_quic_id_find_addresses(t->quic, s);
    t->dir = (enum wst_dir)id->dir;
    t->connection = id->connection;
    if (!id->n || id->n >= TELLING || (known && known->connection == id->connection) ||
        id->connection->state >= QUIC_SEALED)
        return true;
    *read = wst_quic_connection_read(t, s, p) != QUIC_FAILED;
    if (!*read) return false;
    t->connection->side[t->dir].id_n = (uint8_t)p->to.n; /* `id` may be gone by now */
    wst_quic_connection_rest(t->quic, t->connection);
    return true;
}

/* Whose packet it is; false: nobody's. One that may begin a connection and bears an ID that nobody
 * chose is tried as that first. `first`: of its datagram. *begun: it began one, *read: it is read.
 */
static bool packet_owner(struct quic_step *t, const struct wst_segment *s,
                         struct wst_quic_packet *p, bool first, bool *begun, bool *read)
{
    const struct quic_id *id = p->type == WST_QUIC_SHORT ? wst_quic_id_find_short(t->quic, s, p)
                                                         : wst_quic_id_find(t->quic, s, p);
    if (!id && first && s->payload.n >= FIRST_DATAGRAM && p->type == WST_QUIC_INITIAL &&
        p->to.n >= FIRST_ID) {
        if (owner_again(t, p)) return true;
        *read = connection_begins(t, s, p);
        *begun |= *read;
        if (*read) return true;
    }
    if (id && p->type == WST_QUIC_SHORT && owner_perhaps(t, s, p, id, read)) return true;
    if (p->type == WST_QUIC_SHORT) id = NULL;
    t->unnamed = !id;
    if (!id) id = owner_by_addresses(t->quic, s, p, first);
    if (!id) return false;
    t->dir = (enum wst_dir)id->dir;
    t->connection = id->connection;
    return true;
}

/* -- datagrams --------------------------------------------------------------------------------- */

void wst_quic_datagram_read(struct wst_quic *q, const struct wst_segment *s,
                            const struct wst_arrival *a)
{
    struct wst_slice rest = s->payload;
    bool behind = false, begun = false;
    while (rest.n) {
        struct wst_quic_packet p;
        struct quic_step t = {.quic = q, .dir = WST_C2S, .arrival = a, .behind = behind};
        bool first = rest.p == s->payload.p, read = false;
        bool quic = wst_quic_packet_read(rest, &p) == WST_QUIC_READ;
        if (!quic || !packet_owner(&t, s, &p, first, &begun, &read)) {
            if (first && !quic) wst_quic_version_refused(q, s, a);
            if (first && wst_quic_stranger(q, s, quic, a) && quic) wst_quic_place_keep(q, s, a);
            break;
        }
        size_t n = read ? p.bytes.n : wst_quic_connection_push(&t, s, &p);
        behind = p.type != WST_QUIC_SHORT;
        wst_quic_connection_touch(&t);
        q->last = t.connection;
        rest = wst_slice_skip(rest, n);
    }
    if (begun) wst_quic_place_replay(q, s, &a->when);
}

void wst_quic_push(struct wst_quic *q, const struct wst_segment *s, const struct wst_when *when)
{
    q->last = NULL;
    q->place = 0;
    wst_quic_purse_fill(q);
    wst_quic_clock_see(q, when->ns);
    if (++q->datagrams % SWEEP_EVERY == 0) wst_quic_sweep(q, when, 1);
    wst_quic_datagram_read(q, s, &(struct wst_arrival){.when = *when, .from = when->pkt});
}

/* SPDX-License-Identifier: MIT
 *
 * In: datagrams that are no packets of a known version. Out: where a server says that it does not
 * speak that of the client, which it does speak. Refuses what any stranger could have sent: the
 * packet has to name both IDs of the client's first; and what its client must not believe.
 *
 *     │ 1 … │ version 0, 4 │ n 1, to n │ n 1, from n │ version 4 │ version 4 … │
 */
#include <stdio.h>

#include "connection.h"

static bool take_id(struct wst_slice *s, struct wst_slice *id)
{
    if (!s->n || s->p[0] > s->n - 1) return false;
    *id = wst_slice_of(s->p + 1, s->p[0]);
    *s = wst_slice_skip(*s, 1 + id->n);
    return true;
}

/* The connection whose client the datagram goes to. */
static struct wst_quic_connection *client_of(const struct wst_quic *q, const struct wst_segment *s)
{
    const struct quic_id *id = wst_quic_id_find_addresses(q, s);
    return id && id->dir == WST_S2C ? id->connection : NULL;
}

/* RFC 9000 section 17.2.1: from whom, and to whom, the client's packet went. */
static bool names_both(const struct wst_quic_connection *c, struct wst_slice to,
                       struct wst_slice from)
{
    const struct quic_side *server = &c->side[WST_S2C];
    if (from.n != c->first_id_n || memcmp(from.p, c->first_id, from.n) != 0) return false;
    if (!to.n) return server->nameless;
    for (const struct quic_id *id = server->ids; id; id = id->older)
        if (id->n == to.n && !memcmp(id->bytes, to.p, to.n)) return true;
    return false;
}

/* Section 6.2: a client passes over it that had an answer, or sees its own version there. */
static bool believed(const struct wst_quic_connection *c, struct wst_slice offers)
{
    for (; offers.n >= 4; offers = wst_slice_skip(offers, 4))
        if (wst_be32(offers.p) == c->version) return false;
    return c->state == QUIC_HELLO && !c->side[WST_S2C].next[SPACE_INITIAL];
}

void wst_quic_version_refused(struct wst_quic *q, const struct wst_segment *s,
                              const struct wst_arrival *a)
{
    enum { HEAD = 5, SHOWN = 8 };
    struct wst_slice rest = wst_slice_skip(s->payload, HEAD), to, from;
    char detail[192];
    struct quic_step t = {.quic = q, .connection = client_of(q, s), .dir = WST_S2C, .arrival = a};
    if (!t.connection) return;
    t.connection->heard = true; /* whatever it is */
    if (s->payload.n < HEAD || !(s->payload.p[0] & WST_QUIC_LONG) || wst_be32(s->payload.p + 1))
        return;
    if (!take_id(&rest, &to) || !take_id(&rest, &from)) return;
    if (!names_both(t.connection, to, from) || !believed(t.connection, rest)) return;
    int n =
        snprintf(detail, sizeof detail, "QUIC: the server does not speak version 0x%08x; it offers",
                 (unsigned)t.connection->version);
    if (rest.n < 4) n += snprintf(detail + n, sizeof detail - (size_t)n, " none");
    for (int i = 0; i < SHOWN && rest.n >= 4; i++, rest = wst_slice_skip(rest, 4))
        n += snprintf(detail + n, sizeof detail - (size_t)n, "%s 0x%08x", i ? "," : "",
                      (unsigned)wst_be32(rest.p));
    if (rest.n >= 4) snprintf(detail + n, sizeof detail - (size_t)n, " …");
    wst_quic_connection_tell(&t, FINDING_VERSION, WST_S2C, detail);
}

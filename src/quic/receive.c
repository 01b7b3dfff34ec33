/* SPDX-License-Identifier: MIT
 *
 * In: the packets of a connection. Out: packets opened in turn; those that have no key wait.
 */
#include <openssl/crypto.h>

#include "connection.h"

enum {
    GUESSES = 1 << 24,      /* bytes opened in vain at most, to find out a datagram's size … */
    GUESSED_KEYS = 1 << 15, /* … making keys is worth so many */
};

/* -- packets ----------------------------------------------------------------------------------- */

/* It waits for its key. False: there is no room. */
static bool packet_wait(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (wst_queue_empty(&c->wait[0]) && wst_queue_empty(&c->wait[1])) c->waits_since = q->time.now;
    if (!wst_queue_push_at(&c->wait[t->dir], q->budget, p->bytes, wst_arrival_there(t->arrival),
                           q->options->limits.tls_wait))
        return false;
    wst_quic_connection_waiting(q, c, true);
    return true;
}

/* A server may go on behind its handshake before the client has seen that (RFC 9001 section 5.7). A
 * client that refuses it then makes no secrets for what comes behind; what it says is to be read.
 */
static bool server_is_early(const struct quic_step *t, const struct wst_quic_packet *p)
{
    const struct wst_quic_connection *c = t->connection;
    return p->type == WST_QUIC_SHORT && t->dir == WST_S2C && !c->finished &&
           c->side[WST_S2C].handshake.proven && !wst_quic_connection_is_read(c);
}

static void packet_keyless(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    bool hopes = q->keys_may_come && !q->finishing;
    c->finished |= p->type == WST_QUIC_SHORT && t->dir == WST_C2S;
    bool waits = (c->terms.client ? hopes : !q->finishing) && !c->side[t->dir].keyless;
    if (waits && packet_wait(t, p)) {
        c->trying.n++;
        if (!c->terms.client) wst_quic_connection_try(t, false);
        return;
    }
    if (server_is_early(t, p)) {
        c->early = true;
    } else if (waits && !wst_quic_connection_is_read(c)) {
        wst_quic_connection_seal(t, FINDING_SEALED, "more waits for its secrets than may be kept");
    } else if (p->type == WST_QUIC_SHORT && c->side[!t->dir].opened) {
        c->side[t->dir].keyless = true;
        wst_queue_free(&c->wait[t->dir], q->budget);
        wst_quic_connection_tell(t, FINDING_KEYLESS, t->dir, WST_QUIC_ONE_KEYLESS);
    } else if (p->type == WST_QUIC_SHORT) {
        struct wst_quic_secret other;
        enum wst_quic_label label =
            t->dir == WST_C2S ? WST_QUIC_SECRET_SERVER : WST_QUIC_SECRET_CLIENT;
        bool known = q->sink.secret(q->sink.user, &c->terms, label, &other);
        OPENSSL_cleanse(&other, sizeof other);
        if (!known)
            wst_quic_connection_seal(
                t, FINDING_SEALED,
                c->terms.client ? "no key" : "its ClientHello is not whole in the capture");
    }
}

void wst_quic_packets_wrong(struct quic_step *t)
{
    const struct wst_quic_connection *c = t->connection;
    if (c->side[!t->dir].opened)
        wst_quic_connection_tell(t, FINDING_WRONG, t->dir,
                                 "the secret of one direction opens none of its packets");
    else if (c->side[0].handshake.proven || c->side[1].handshake.proven)
        wst_quic_connection_tell(t, FINDING_FAILED, t->dir,
                                 "its handshake opens, and packets behind it do not");
    else
        wst_quic_connection_seal(t, FINDING_WRONG, "its secrets open no packet");
}

/* Initial packets need no secret, and those of early data another one; where a packet of the
 * handshake has opened, its secret is right. */
static void packet_failed(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct quic_side *side = &t->connection->side[t->dir];
    bool tells =
        p->type == WST_QUIC_SHORT || (p->type == WST_QUIC_HANDSHAKE && !side->handshake.proven);
    if (!tells) return;
    if (p->type == WST_QUIC_SHORT && wst_quic_id_resets(t->connection, t->dir, p->bytes)) {
        wst_quic_payload_reset(t);
        return;
    }
    if (side->failed < WST_QUIC_TRIES)
        side->failed++;
    else if (side->opened)
        wst_quic_connection_tell(t, FINDING_FAILED, t->dir, "many packets in a row do not open");
    else
        wst_quic_packets_wrong(t);
}

/* Who chooses IDs says so in the packets of his handshake (RFC 9000 section 7.2), and the other
 * side bears them. */
static void packet_names(struct quic_step *t, const struct wst_segment *s,
                         const struct wst_quic_packet *p)
{
    struct wst_quic *q = t->quic;
    struct wst_quic_connection *c = t->connection;
    enum wst_dir back = (enum wst_dir) !t->dir;
    if (p->type != WST_QUIC_SHORT || t->unnamed) wst_quic_id_add(q, c, t->dir, p->to);
    if (p->type != WST_QUIC_SHORT) {
        wst_quic_id_add(q, c, back, p->from);
        c->side[back].nameless = !p->from.n;
    }
    if (!s) return;
    uint32_t ports = (uint32_t)s->src_port << 16 | s->dst_port;
    bool moved = ports != c->side[t->dir].ports;
    c->side[t->dir].ports = ports;
    if (moved) wst_quic_id_add_addresses(q, c, t->dir, s, false);
    if (moved || c->side[back].nameless) wst_quic_id_add_addresses(q, c, back, s, true);
}

enum quic_opened wst_quic_connection_read(struct quic_step *t, const struct wst_segment *s,
                                          const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_slice plain;
    c->heard |= t->dir == WST_S2C || (p->type != WST_QUIC_INITIAL && p->type != WST_QUIC_EARLY);
    enum quic_opened opened = wst_quic_packet_open(t, p, &plain);
    if (opened == QUIC_FAILED) return opened;
    if (opened == QUIC_KEYLESS) {
        packet_keyless(t, p);
        return opened;
    }
    c->side[t->dir].failed = 0;
    if (opened == QUIC_AGAIN) return opened; /* a copy, maybe from elsewhere */
    packet_names(t, s, p);
    c->asked_ns[1] = t->arrival->when.ns;
    if (!c->asked_ns[0]) c->asked_ns[0] = c->asked_ns[1];
    if (c->state == QUIC_HELLO && (p->type == WST_QUIC_SHORT || p->type == WST_QUIC_EARLY)) {
        c->state = QUIC_OPEN;
        t->quic->sink.opening(t->quic->sink.user, &c->terms);
    }
    wst_quic_payload(t, p->type, plain);
    return opened;
}

/* -- several datagrams that were captured as one ----------------------------------------------- */

static bool piece_read(struct quic_step *t, const struct wst_segment *s,
                       const struct wst_quic_packet *p, size_t size)
{
    struct wst_quic_packet piece = *p;
    piece.bytes = wst_slice_head(p->bytes, size);
    return wst_quic_connection_read(t, s, &piece) != QUIC_FAILED;
}

/* A guess at the size, while guessing has not cost too much: strangers send what looks like many
 * datagrams of any size. */
static bool piece_guess(struct quic_step *t, const struct wst_segment *s,
                        const struct wst_quic_packet *p, size_t size)
{
    struct wst_quic_connection *c = t->connection;
    size_t cost = size + (c->side[t->dir].application.keys ? 0 : GUESSED_KEYS);
    if (c->guessed + cost > GUESSES) return false;
    t->guess = true;
    bool right = piece_read(t, s, p, size);
    t->guess = false;
    c->guessed = right ? 0 : c->guessed + (uint32_t)cost;
    return right;
}

/* A packet with a short header goes on to the end of its datagram; but offload sends many datagrams
 * of one size in one piece, the last may be shorter, and capturing on the sender's machine shows
 * the piece. The first that opens tells the size. Returns the packet's; 0: it does not open. */
static size_t short_read(struct quic_step *t, const struct wst_segment *s,
                         const struct wst_quic_packet *p)
{
    enum { TELLING = 4, SMALL = 3 * 1500, LEAST = 1000, MOST = 1500, SHORTEST = 21 };
    size_t *known = &t->connection->side[t->dir].segment, n = p->bytes.n, id = p->to.n;
    if (*known && *known < n && piece_read(t, s, p, *known)) return *known;
    if (piece_read(t, s, p, n)) return n;
    if (t->connection->side[t->dir].failed >= WST_QUIC_TRIES) return 0;
    /* The next one bears the same ID; where there is none, the usual sizes are tried. */
    bool any = id >= TELLING || n <= SMALL || t->behind;
    size_t from = any ? SHORTEST : LEAST, to = id >= TELLING ? n : MOST;
    for (size_t size = from; size <= to && size < n; size++) {
        const uint8_t *next = p->bytes.p + size;
        if (size == *known || next[0] & WST_QUIC_LONG) continue;
        if (n - size < 1 + id || (id && memcmp(next + 1, p->to.p, id) != 0)) continue;
        if (!piece_guess(t, s, p, size)) continue;
        if (!t->behind) *known = size;
        return size;
    }
    return 0;
}

/* Returns how many bytes it has; 0: it does not open, and nobody knows. */
static size_t packet_any(struct quic_step *t, const struct wst_segment *s,
                         const struct wst_quic_packet *p)
{
    size_t n = p->bytes.n;
    if (p->type == WST_QUIC_SHORT)
        n = short_read(t, s, p);
    else if (wst_quic_connection_read(t, s, p) == QUIC_FAILED)
        n = 0;
    if (!n) packet_failed(t, p);
    return n;
}

/* -- packets that waited ----------------------------------------------------------------------- */

void wst_quic_connection_wake(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_queue wait[2] = {c->wait[0], c->wait[1]};
    struct wst_quic_packet p;
    struct wst_arrival a = *t->arrival;
    int64_t since = c->waits_since;
    unsigned dir;
    memset(c->wait, 0, sizeof c->wait);
    for (struct wst_slice w; (w = wst_queue_take_earliest(wait, &dir, &a.from)).n;) {
        a.there = wst_queue_when(&w, a.from);
        const uint8_t *whole = w.p;
        for (size_t n; w.n && c->state < QUIC_SEALED; w = wst_slice_skip(w, n ? n : w.n)) {
            struct quic_step step = {.quic = t->quic,
                                     .connection = c,
                                     .dir = (enum wst_dir)dir,
                                     .arrival = &a,
                                     .behind = w.p == whole,
                                     .unnamed = true};
            if (wst_quic_packet_read(w, &p) != WST_QUIC_READ) break;
            if (p.type == WST_QUIC_SHORT) wst_quic_packet_named(&p, c->side[dir].id_n);
            n = packet_any(&step, NULL, &p);
        }
    }
    for (int d = 0; d < 2; d++) wst_queue_free(&wait[d], t->quic->budget);
    c->waits_since = since;
    wst_quic_connection_rest(t->quic, c);
}

void wst_quic_connection_wait_over(struct quic_step *t)
{
    struct wst_quic *q = t->quic;
    bool finishing = q->finishing;
    if (!t->connection->terms.client) wst_quic_connection_try(t, true);
    q->finishing = true; /* for this one there is nothing more to wait for */
    wst_quic_connection_wake(t);
    q->finishing = finishing;
}

/* -- the next packet --------------------------------------------------------------------------- */

/* Anybody makes Initial packets who saw the first one. From a side that has sent others none is
 * believed any more, when all was said that they are needed for. */
static bool packet_is_late(const struct quic_step *t, const struct wst_quic_packet *p)
{
    const struct wst_quic_connection *c = t->connection;
    const struct quic_side *s = &c->side[t->dir];
    bool proven = s->handshake.proven || s->opened;
    bool said = t->dir == WST_C2S ? c->terms.client : c->terms.server;
    if (p->type == WST_QUIC_RETRY) return t->dir != WST_S2C || c->side[WST_S2C].next[SPACE_INITIAL];
    return p->type == WST_QUIC_INITIAL && proven && said;
}

size_t wst_quic_connection_push(struct quic_step *t, const struct wst_segment *s,
                                const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    bool knew = c->terms.client;
    if (c->state >= QUIC_SEALED || packet_is_late(t, p)) return p->bytes.n;
    c->heard |= p->type == WST_QUIC_RETRY;
    if (p->type == WST_QUIC_RETRY) { /* the client begins again, to that ID */
        wst_quic_id_add(t->quic, c, (enum wst_dir) !t->dir, p->from);
        return p->bytes.n;
    }
    if (p->type == WST_QUIC_SHORT) c->side[t->dir].id_n = (uint8_t)p->to.n;
    size_t n = packet_any(t, s, p);
    if (!knew && c->terms.client && wst_quic_connection_waits(c)) wst_quic_connection_wake(t);
    bool again = t->quic->last == c; /* not the first of its datagram */
    if (c->state == QUIC_OPEN && c->holes && !again) wst_quic_streams_settle(t, false);
    wst_quic_connection_rest(t->quic, c);
    return n ? n : p->bytes.n;
}

/* SPDX-License-Identifier: MIT
 *
 * In: the packets of a connection, and time. Out: packets opened in turn, those that wait, ends.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "connection.h"

enum {
    GUESSES = 1 << 24,      /* bytes opened in vain at most, to find out a datagram's size … */
    GUESSED_KEYS = 1 << 15, /* … making keys is worth so many */
};

/* -- lists ------------------------------------------------------------------------------------- */

static void unlink_active(struct wst_quic *q, struct wst_quic_connection *c)
{
    *(c->newer ? &c->newer->older : &q->newest) = c->older;
    *(c->older ? &c->older->newer : &q->oldest) = c->newer;
}

static void link_active(struct wst_quic *q, struct wst_quic_connection *c)
{
    c->newer = NULL;
    c->older = q->newest;
    *(q->newest ? &q->newest->newer : &q->oldest) = c;
    q->newest = c;
}

static void link_born(struct wst_quic *q, struct wst_quic_connection *c)
{
    c->earlier = q->latest;
    *(q->latest ? &q->latest->later : &q->first) = c;
    q->latest = c;
}

static void unlink_born(struct wst_quic *q, struct wst_quic_connection *c)
{
    *(c->later ? &c->later->earlier : &q->latest) = c->earlier;
    *(c->earlier ? &c->earlier->later : &q->first) = c->later;
}

/* -- making and letting go --------------------------------------------------------------------- */

struct wst_quic *wst_quic_new(const struct wst_options *options, struct wst_budget *budget,
                              const struct wst_quic_sink *sink)
{
    struct wst_quic *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    q->options = options;
    q->budget = budget;
    q->crypto.budget = budget;
    q->sink = *sink;
    return q;
}

/* All but its IDs: packets that still come are known to be of no interest. */
static void connection_empty(struct wst_quic *q, struct wst_quic_connection *c)
{
    wst_quic_streams_free(q, c);
    wst_quic_messages_free(q, c);
    wst_quic_epochs_free(c);
    for (int d = 0; d < 2; d++) wst_queue_free(&c->wait[d], q->budget);
}

void wst_quic_connection_rest(struct wst_quic *q, struct wst_quic_connection *c)
{
    if (c->state >= QUIC_SEALED) connection_empty(q, c);
}

void wst_quic_connection_free(struct wst_quic *q, struct wst_quic_connection *c)
{
    if (q->last == c) q->last = NULL;
    if (q->sweep == c) q->sweep = c->later;
    connection_empty(q, c);
    wst_quic_ids_forget(q, c);
    unlink_active(q, c);
    unlink_born(q, c);
    q->connections_n--;
    OPENSSL_cleanse(&c->terms, sizeof c->terms);
    wst_budget_give(q->budget, sizeof *c);
    free(c);
}

void wst_quic_free(struct wst_quic *q)
{
    if (!q) return;
    while (q->first) wst_quic_connection_free(q, q->first);
    wst_quic_ids_free(q);
    wst_quic_strangers_free(q);
    wst_quic_places_free(q);
    wst_buf_free(&q->room, q->budget);
    wst_quic_crypto_free(&q->crypto);
    free(q);
}

struct wst_quic_ends wst_quic_ends_of(const struct wst_segment *s)
{
    size_t n = s->family == 4 ? 4 : 16;
    struct wst_quic_ends ends = {
        .family = s->family, .client_port = s->src_port, .server_port = s->dst_port};
    memcpy(ends.client, s->src, n);
    memcpy(ends.server, s->dst, n);
    return ends;
}

struct wst_quic_connection *wst_quic_connection_new(struct wst_quic *q, const struct wst_segment *s,
                                                    const struct wst_quic_packet *p,
                                                    const struct wst_arrival *a)
{
    if (q->connections_n >= WST_QUIC_CONNECTIONS) wst_quic_make_room(q, &a->when);
    struct wst_quic_connection *c = wst_budget_new(q->budget, sizeof *c);
    if (!c) return NULL;
    c->ends = wst_quic_ends_of(s);
    c->version = p->version;
    c->active = q->clock;
    c->first_id_n = (uint8_t)p->to.n;
    if (p->to.n) memcpy(c->first_id, p->to.p, p->to.n);
    c->born = ++q->born;
    link_active(q, c);
    link_born(q, c);
    q->connections_n++;
    return c;
}

/* -- telling ----------------------------------------------------------------------------------- */

void wst_quic_connection_tell(struct quic_step *t, enum quic_finding what, enum wst_dir dir,
                              const char *detail)
{
    static const enum wst_problem problems[] = {[FINDING_SEALED] = WST_PROBLEM_TLS_NO_KEY,
                                                [FINDING_KEYLESS] = WST_PROBLEM_TLS_NO_KEY,
                                                [FINDING_WRONG] = WST_PROBLEM_TLS_WRONG_KEY,
                                                [FINDING_FAILED] = WST_PROBLEM_TLS_LOST,
                                                [FINDING_FRAME] = WST_PROBLEM_QUIC_UNREAD};
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (c->told >> what & 1) return;
    c->told |= (uint8_t)(1u << what);
    q->sink.problem(q->sink.user, c->upper, &c->ends, problems[what], dir, detail, t->arrival);
}

static void connection_seal(struct quic_step *t, enum quic_finding what, const char *why)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    char detail[WST_QUIC_SNI + 96];
    bool named = c->terms.sni[0];
    snprintf(detail, sizeof detail, "QUIC%s%s: %s", named ? " to " : "", named ? c->terms.sni : "",
             why);
    wst_quic_connection_tell(t, what, WST_DIR_NONE, detail);
    if (c->state == QUIC_OPEN) wst_quic_streams_settle(t, true);
    if (c->upper) c->wanted = q->sink.end(q->sink.user, c->upper, WST_TCP_EOF, t->arrival);
    c->upper = NULL;
    c->state = QUIC_SEALED;
    connection_empty(q, c);
}

void wst_quic_connection_end(struct quic_step *t, enum wst_tcp_end how)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (c->closes) {
        how = (enum wst_tcp_end)c->closes_how;
        t->arrival = &c->closed;
    }
    if (c->resets && c->state < QUIC_SEALED) wst_quic_streams_resets(t, true);
    if (c->state == QUIC_OPEN) wst_quic_streams_settle(t, true);
    if (c->upper) c->wanted = q->sink.end(q->sink.user, c->upper, how, t->arrival);
    c->upper = NULL;
    c->began = true;
    if (c->state != QUIC_SEALED) c->state = QUIC_CLOSED;
}

/* -- packets ----------------------------------------------------------------------------------- */

/* It waits for its key. False: there is no room. */
static bool packet_wait(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (wst_queue_empty(&c->wait[0]) && wst_queue_empty(&c->wait[1])) c->waits_since = q->clock;
    return wst_queue_push(&c->wait[t->dir], q->budget, p->bytes, t->arrival->from,
                          q->options->limits.tls_wait);
}

/* Some of it can be read, whatever else has no key. */
static bool connection_is_read(const struct wst_quic_connection *c)
{
    return c->side[0].opened || c->side[1].opened;
}

static void packet_keyless(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    bool hopes = q->keys_may_come && !q->finishing;
    bool waits = (c->terms.client ? hopes : !q->finishing) && !c->side[t->dir].keyless;
    if (waits && packet_wait(t, p)) {
        c->trying.n++;
        if (!c->terms.client) wst_quic_connection_try(t, false);
        return;
    }
    if (waits && !connection_is_read(c)) {
        connection_seal(t, FINDING_SEALED, "more waits for its secrets than may be kept");
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
            connection_seal(t, FINDING_SEALED,
                            c->terms.client ? "no key"
                                            : "its ClientHello is not whole in the capture");
    }
}

/* Packets of a direction do not open: they are damaged, or sealed with what is not in the key log. */
static void packet_wrong(struct quic_step *t)
{
    const struct wst_quic_connection *c = t->connection;
    if (c->side[!t->dir].opened)
        wst_quic_connection_tell(t, FINDING_WRONG, t->dir,
                                 "the secret of one direction opens none of its packets");
    else if (c->side[0].handshake.proven || c->side[1].handshake.proven)
        wst_quic_connection_tell(t, FINDING_FAILED, t->dir,
                                 "its handshake opens, and packets behind it do not");
    else
        connection_seal(t, FINDING_WRONG, "its secrets open no packet");
}

/* Initial packets need no secret, and those of early data another one; where a packet of the
 * handshake has opened, its secret is right. */
static void packet_failed(struct quic_step *t, const struct wst_quic_packet *p)
{
    struct quic_side *side = &t->connection->side[t->dir];
    bool tells =
        p->type == WST_QUIC_SHORT || (p->type == WST_QUIC_HANDSHAKE && !side->handshake.proven);
    if (!tells) return;
    if (side->failed < WST_QUIC_TRIES)
        side->failed++;
    else if (side->opened)
        wst_quic_connection_tell(t, FINDING_FAILED, t->dir, "many packets in a row do not open");
    else
        packet_wrong(t);
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
    enum quic_opened opened = wst_quic_packet_open(t, p, &plain);
    if (opened == QUIC_FAILED) return opened;
    if (opened == QUIC_KEYLESS) {
        packet_keyless(t, p);
        return opened;
    }
    c->side[t->dir].failed = 0;
    if (opened == QUIC_AGAIN) return opened; /* a copy, maybe from elsewhere */
    packet_names(t, s, p);
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

/* What waited for secrets, in the order of the capture; what still has none waits again. */
static void connection_wake(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_queue wait[2] = {c->wait[0], c->wait[1]};
    struct wst_quic_packet p;
    struct wst_arrival a = *t->arrival;
    int64_t since = c->waits_since;
    unsigned dir;
    memset(c->wait, 0, sizeof c->wait);
    for (struct wst_slice w; (w = wst_queue_take_earliest(wait, &dir, &a.from)).n;) {
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

/* What waited is not read any more; what has its key goes on. */
static void connection_wait_over(struct quic_step *t)
{
    struct wst_quic *q = t->quic;
    bool finishing = q->finishing;
    if (!t->connection->terms.client) wst_quic_connection_try(t, true);
    q->finishing = true; /* for this one there is nothing more to wait for */
    connection_wake(t);
    q->finishing = finishing;
}

static bool connection_waits(const struct wst_quic_connection *c)
{
    return !wst_queue_empty(&c->wait[0]) || !wst_queue_empty(&c->wait[1]);
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
    if (p->type == WST_QUIC_RETRY) { /* the client begins again, to that ID */
        wst_quic_id_add(t->quic, c, (enum wst_dir) !t->dir, p->from);
        return p->bytes.n;
    }
    if (p->type == WST_QUIC_SHORT) c->side[t->dir].id_n = (uint8_t)p->to.n;
    size_t n = packet_any(t, s, p);
    if (!knew && c->terms.client && connection_waits(c)) connection_wake(t);
    bool again = t->quic->last == c; /* not the first of its datagram */
    if (c->state == QUIC_OPEN && c->holes && !again) wst_quic_streams_settle(t, false);
    wst_quic_connection_rest(t->quic, c);
    return n ? n : p->bytes.n;
}

void wst_quic_connection_touch(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    c->active = q->clock;
    if (q->last == c) return;
    c->packets++;
    if (q->newest == c) return;
    unlink_active(q, c);
    link_active(q, c);
}

/* -- time -------------------------------------------------------------------------------------- */

void wst_quic_clock_see(struct wst_quic *q, int64_t ns)
{
    int64_t believed = ns < q->last_ns ? ns : q->last_ns;
    if (!q->datagrams) q->clock = believed = ns;
    if (believed > q->clock) q->clock = believed;
    q->last_ns = ns;
}

static void connection_over(struct wst_quic *q, struct wst_quic_connection *c, enum wst_tcp_end how,
                            const struct wst_when *when)
{
    struct wst_arrival a = {*when, when->pkt};
    struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
    if (connection_waits(c) && c->state < QUIC_SEALED) connection_wait_over(&t);
    for (int d = 0; d < 2 && c->state < QUIC_SEALED; d++) { /* too few packets to be sure sooner */
        t.dir = (enum wst_dir)d;
        if (c->side[d].failed && !c->side[d].opened && c->terms.client) packet_wrong(&t);
    }
    wst_quic_connection_end(&t, how);
    wst_quic_connection_free(q, c);
}

static bool connection_kept(const struct wst_quic *q, const struct wst_quic_connection *c)
{
    return c->upper && q->sink.precious(q->sink.user, c->upper);
}

/* What the silence of a connection means by now. */
static void connection_silent(struct wst_quic *q, struct wst_quic_connection *c,
                              const struct wst_when *when)
{
    const struct wst_limits *l = &q->options->limits;
    struct wst_arrival a = {*when, when->pkt};
    struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
    int64_t silent = wst_ns_between(c->active, q->clock);
    int64_t most = c->state == QUIC_CLOSED ? l->idle_closed_ns
                   : connection_kept(q, c) ? l->idle_websocket_ns
                                           : l->idle_other_ns;
    bool waits_long =
        connection_waits(c) && wst_ns_between(c->waits_since, q->clock) >= l->tls_wait_ns;
    if (waits_long && connection_is_read(c))
        connection_wait_over(&t);
    else if (waits_long)
        connection_seal(&t, FINDING_SEALED, "no key");
    if (silent >= l->reorder_ns && c->holes) wst_quic_streams_settle(&t, true);
    if (silent >= l->reorder_acked_ns && c->resets && c->state < QUIC_SEALED)
        wst_quic_streams_resets(&t, true);
    if (silent >= l->reorder_acked_ns && c->closes && c->state < QUIC_CLOSED)
        wst_quic_connection_end(&t, WST_TCP_FIN);
    if (silent >= most) connection_over(q, c, WST_TCP_TIMEOUT, when);
}

void wst_quic_sweep(struct wst_quic *q, const struct wst_when *when, unsigned steps)
{
    while (q->first && steps--) {
        struct wst_quic_connection *c = q->sweep ? q->sweep : q->first;
        q->sweep = c->later;
        connection_silent(q, c, when);
    }
}

void wst_quic_tick(struct wst_quic *q, const struct wst_when *when, unsigned steps)
{
    wst_quic_clock_see(q, when->ns);
    wst_quic_sweep(q, when, steps);
}

bool wst_quic_make_room(struct wst_quic *q, const struct wst_when *when)
{
    struct wst_quic_connection *c = q->oldest;
    while (c && connection_kept(q, c)) c = c->newer;
    if (!c) c = q->oldest;
    if (!c) return false;
    connection_over(q, c, WST_TCP_EVICTED, when);
    return true;
}

static uint8_t secrets_known(struct wst_quic *q, const struct wst_quic_connection *c)
{
    struct wst_quic_secret secret;
    unsigned known = 0;
    for (unsigned i = 0; i < WST_QUIC_LABELS; i++)
        if (q->sink.secret(q->sink.user, &c->terms, (enum wst_quic_label)i, &secret))
            known |= 1u << i;
    OPENSSL_cleanse(&secret, sizeof secret);
    return (uint8_t)known;
}

/* Most secrets that come are those of others. */
void wst_quic_wake(struct wst_quic *q, const struct wst_when *when)
{
    struct wst_arrival a = {*when, when->pkt};
    for (struct wst_quic_connection *c = q->first; c; c = c->later) {
        struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
        if (c->state >= QUIC_SEALED || !connection_waits(c)) continue;
        if (!c->terms.client) wst_quic_connection_try(&t, false);
        if (!c->terms.client) continue;
        uint8_t known = secrets_known(q, c);
        if (known == c->secrets) continue;
        c->secrets = known;
        connection_wake(&t);
    }
    wst_quic_places_wake(q, when);
}

void wst_quic_finish(struct wst_quic *q, const struct wst_when *when)
{
    wst_quic_places_finish(q, when);
    q->finishing = true;
    while (q->first) connection_over(q, q->first, WST_TCP_EOF, when);
}

void wst_quic_keys_may_come(struct wst_quic *q, bool may)
{
    q->keys_may_come = may;
}

uint64_t wst_quic_count(const struct wst_quic *q)
{
    return q->born;
}

struct wst_quic_last wst_quic_last(const struct wst_quic *q)
{
    const struct wst_quic_connection *c = q->last;
    if (!c && q->place) return (struct wst_quic_last){.undecided = true, .number = q->place};
    if (!c) return (struct wst_quic_last){0};
    return (struct wst_quic_last){.upper = c->upper,
                                  .undecided = c->state < QUIC_SEALED && !c->began,
                                  .wanted = c->wanted,
                                  .number = c->born};
}

uint64_t wst_quic_number_of(const struct wst_quic_connection *c)
{
    return c->born;
}

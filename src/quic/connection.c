/* SPDX-License-Identifier: MIT
 *
 * In: connections that begin, and time. Out: which of them there are, and how they end.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>

#include "connection.h"

/* -- making and letting go --------------------------------------------------------------------- */

struct wst_quic *wst_quic_new(const struct wst_options *options, struct wst_budget *budget,
                              const struct wst_quic_sink *sink)
{
    struct wst_quic *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    q->options = options;
    TAILQ_INIT(&q->by_last);
    TAILQ_INIT(&q->by_first);
    TAILQ_INIT(&q->waiting);
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
    if (c->numbers) wst_budget_give(q->budget, 2 * sizeof *c->numbers);
    free(c->numbers);
    c->numbers = NULL;
    for (int d = 0; d < 2; d++) wst_queue_free(&c->wait[d], q->budget);
}

void wst_quic_connection_rest(struct wst_quic *q, struct wst_quic_connection *c)
{
    if (c->state >= QUIC_SEALED) connection_empty(q, c);
}

void wst_quic_connection_free(struct wst_quic *q, struct wst_quic_connection *c)
{
    if (q->last == c) q->last = NULL;
    if (q->sweep == c) q->sweep = TAILQ_NEXT(c, by_first);
    connection_empty(q, c);
    wst_quic_ids_forget(q, c);
    TAILQ_REMOVE(&q->by_last, c, by_last);
    TAILQ_REMOVE(&q->by_first, c, by_first);
    wst_quic_connection_waiting(q, c, false);
    q->connections_n--;
    OPENSSL_cleanse(&c->terms, sizeof c->terms);
    wst_budget_give(q->budget, sizeof *c);
    free(c);
}

void wst_quic_free(struct wst_quic *q)
{
    if (!q) return;
    struct wst_quic_connection *c;
    while ((c = TAILQ_FIRST(&q->by_first))) wst_quic_connection_free(q, c);
    wst_quic_ids_free(q);
    wst_quic_strangers_free(q);
    wst_quic_places_free(q);
    wst_buf_free(&q->room, q->budget);
    wst_quic_crypto_free(&q->crypto);
    free(q);
}

const struct wst_quic_numbers *wst_quic_connection_numbers(const struct wst_quic_connection *c,
                                                           enum wst_dir dir)
{
    static const struct wst_quic_numbers none;
    return c->numbers ? &c->numbers[dir] : &none;
}

struct wst_quic_numbers *wst_quic_connection_number(struct wst_quic *q,
                                                    struct wst_quic_connection *c, enum wst_dir dir)
{
    if (!c->numbers) c->numbers = wst_budget_new(q->budget, 2 * sizeof *c->numbers);
    return c->numbers ? &c->numbers[dir] : NULL;
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
    if (q->connections_n >= WST_QUIC_CONNECTIONS) wst_quic_make_place(q, &a->when);
    struct wst_quic_connection *c = wst_budget_new(q->budget, sizeof *c);
    if (!c) return NULL;
    c->ends = wst_quic_ends_of(s);
    c->version = p->version;
    c->active = q->time.now;
    c->first_id_n = (uint8_t)p->to.n;
    if (p->to.n) memcpy(c->first_id, p->to.p, p->to.n);
    c->born = ++q->born;
    TAILQ_INSERT_TAIL(&q->by_last, c, by_last);
    TAILQ_INSERT_TAIL(&q->by_first, c, by_first);
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
                                                [FINDING_FRAME] = WST_PROBLEM_QUIC_UNREAD,
                                                [FINDING_UNANSWERED] = WST_PROBLEM_QUIC_UNANSWERED,
                                                [FINDING_VERSION] = WST_PROBLEM_QUIC_VERSION};
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    if (c->told >> what & 1) return;
    c->told |= (uint8_t)(1u << what);
    q->sink.problem(q->sink.user, c->upper, &c->ends, problems[what], dir, detail, t->arrival);
}

void wst_quic_connection_seal(struct quic_step *t, enum quic_finding what, const char *why)
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
        c->closed = wst_arrival_waited(&c->closed, t->arrival);
        t->arrival = &c->closed;
    }
    if (c->resets && c->state < QUIC_SEALED) wst_quic_streams_resets(t, true);
    if (c->state == QUIC_OPEN) wst_quic_streams_settle(t, true);
    if (c->state == QUIC_OPEN && how != WST_TCP_EVICTED) wst_quic_streams_stalled(t);
    if (c->closes && c->state < QUIC_SEALED)
        q->sink.closed(q->sink.user, c->upper, &c->ends, &c->terms, c->upper || !c->began,
                       &c->close, t->arrival);
    if (c->upper) c->wanted = q->sink.end(q->sink.user, c->upper, how, t->arrival);
    c->upper = NULL;
    c->began = true;
    if (c->state != QUIC_SEALED) c->state = QUIC_CLOSED;
}

void wst_quic_connection_touch(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    struct wst_quic *q = t->quic;
    c->active = q->time.now;
    if (q->last == c) return;
    c->packets++;
    if (!TAILQ_NEXT(c, by_last)) return;
    TAILQ_REMOVE(&q->by_last, c, by_last);
    TAILQ_INSERT_TAIL(&q->by_last, c, by_last);
}

/* -- time -------------------------------------------------------------------------------------- */

void wst_quic_clock_see(struct wst_quic *q, int64_t ns)
{
    if (!q->datagrams) q->time.now = q->time.last_ns = ns;
    wst_elapsed_see(&q->time, ns);
}

/* A client that hears anything stops to begin again. The datagrams of its first flight are sent at
 * once. */
static void connection_unanswered(struct quic_step *t)
{
    enum { AGAIN_MS = 100 };
    const struct wst_quic_connection *c = t->connection;
    long long ms = wst_ns_between(c->asked_ns[0], c->asked_ns[1]) / 1000000;
    char detail[WST_QUIC_SNI + 128];
    bool named = c->terms.sni[0];
    if (c->heard || c->terms.midst || !c->terms.client || ms < AGAIN_MS) return;
    snprintf(detail, sizeof detail,
             "QUIC%s%s: the client went on to begin for %lld.%03lld s, and nothing came back",
             named ? " to " : "", named ? c->terms.sni : "", ms / 1000, ms % 1000);
    wst_quic_connection_tell(t, FINDING_UNANSWERED, WST_C2S, detail);
}

static void connection_over(struct wst_quic *q, struct wst_quic_connection *c, enum wst_tcp_end how,
                            const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
    if (wst_quic_connection_waits(c) && c->state < QUIC_SEALED) wst_quic_connection_wait_over(&t);
    for (int d = 0; d < 2 && c->state < QUIC_SEALED; d++) { /* too few packets to be sure sooner */
        t.dir = (enum wst_dir)d;
        if (c->side[d].failed && !c->side[d].opened && c->terms.client) wst_quic_packets_wrong(&t);
    }
    if (how != WST_TCP_EVICTED && c->state != QUIC_SEALED) connection_unanswered(&t);
    if (c->early && !c->closes && c->state < QUIC_SEALED && !wst_quic_connection_is_read(c))
        wst_quic_connection_seal(&t, FINDING_SEALED, "no key");
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
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
    int64_t silent = wst_ns_between(c->active, q->time.now);
    int64_t most = c->state == QUIC_CLOSED ? l->idle_closed_ns
                   : connection_kept(q, c) ? l->idle_websocket_ns
                                           : l->idle_other_ns;
    bool waits_long = wst_quic_connection_waits(c) &&
                      wst_ns_between(c->waits_since, q->time.now) >= l->tls_wait_ns;
    if (waits_long && wst_quic_connection_is_read(c))
        wst_quic_connection_wait_over(&t);
    else if (waits_long)
        wst_quic_connection_seal(&t, FINDING_SEALED, "no key");
    if (silent >= l->reorder_ns && c->holes) wst_quic_streams_settle(&t, true);
    if (silent >= l->reorder_acked_ns && c->resets && c->state < QUIC_SEALED)
        wst_quic_streams_resets(&t, true);
    if (silent >= l->reorder_acked_ns && c->closes && c->state < QUIC_CLOSED)
        wst_quic_connection_end(&t, WST_TCP_FIN);
    if (silent >= most) connection_over(q, c, WST_TCP_TIMEOUT, when);
}

void wst_quic_sweep(struct wst_quic *q, const struct wst_when *when, unsigned steps)
{
    while (!TAILQ_EMPTY(&q->by_first) && steps--) {
        struct wst_quic_connection *c = q->sweep ? q->sweep : TAILQ_FIRST(&q->by_first);
        q->sweep = TAILQ_NEXT(c, by_first);
        connection_silent(q, c, when);
    }
}

void wst_quic_tick(struct wst_quic *q, const struct wst_when *when, unsigned steps)
{
    wst_quic_clock_see(q, when->ns);
    wst_quic_sweep(q, when, steps);
}

static void connection_forget(struct wst_quic *q, struct wst_quic_connection *c, uint64_t *count,
                              const struct wst_when *when)
{
    if (c->state < QUIC_SEALED && !connection_kept(q, c)) ++*count;
    connection_over(q, c, WST_TCP_EVICTED, when);
}

void wst_quic_make_place(struct wst_quic *q, const struct wst_when *when)
{
    struct wst_quic_connection *c;
    TAILQ_FOREACH (c, &q->by_last, by_last)
        if (!connection_kept(q, c)) break;
    if (!c) c = TAILQ_FIRST(&q->by_last);
    if (c) connection_forget(q, c, &q->outnumbered, when);
}

/* Many at once: whoever begins when all others are kept would be the next to go each time. */
bool wst_quic_make_room(struct wst_quic *q, size_t bytes, int64_t silent_ns,
                        const struct wst_when *when)
{
    int64_t now = wst_elapsed_of(&q->time, when->ns); /* the last datagram may be long ago */
    bool kept = silent_ns < INT64_MAX;
    struct wst_quic_connection *c, *next;
    for (c = TAILQ_FIRST(&q->by_last); c && wst_budget_left(q->budget) < bytes; c = next) {
        next = TAILQ_NEXT(c, by_last);
        bool wanted = connection_kept(q, c);
        if (wanted && !kept) continue;
        if (wanted && silent_ns && wst_ns_between(c->active, now) < silent_ns) break;
        connection_forget(q, c, &q->evicted, when);
    }
    return wst_budget_left(q->budget) >= bytes;
}

uint64_t wst_quic_evicted(const struct wst_quic *q)
{
    return q->evicted;
}

uint64_t wst_quic_outnumbered(const struct wst_quic *q)
{
    return q->outnumbered;
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

void wst_quic_connection_waiting(struct wst_quic *q, struct wst_quic_connection *c, bool waiting)
{
    if (waiting == c->waiting) return;
    c->waiting = waiting;
    if (waiting)
        TAILQ_INSERT_TAIL(&q->waiting, c, by_wait);
    else
        TAILQ_REMOVE(&q->waiting, c, by_wait);
}

static bool connection_waits(const struct wst_quic_connection *c)
{
    return c->state < QUIC_SEALED && wst_quic_connection_waits(c);
}

/* Most secrets that come are those of others. */
static void connection_wake(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    if (!c->terms.client) wst_quic_connection_try(t, false);
    if (!c->terms.client) return;
    uint8_t known = secrets_known(t->quic, c);
    if (known == c->secrets) return;
    c->secrets = known;
    wst_quic_connection_wake(t);
}

/* A capture may have a block of secrets for each of its connections: not all are asked each time.
 */
void wst_quic_wake(struct wst_quic *q, const struct wst_when *when)
{
    struct wst_arrival a = {.when = *when, .from = when->pkt};
    struct wst_quic_connection *c, *next;
    for (c = TAILQ_FIRST(&q->waiting); c; c = next) {
        struct quic_step t = {.quic = q, .connection = c, .arrival = &a};
        if (connection_waits(c)) connection_wake(&t);
        next = TAILQ_NEXT(c, by_wait);
        if (!connection_waits(c)) wst_quic_connection_waiting(q, c, false);
    }
    wst_quic_places_wake(q, when);
}

void wst_quic_finish(struct wst_quic *q, const struct wst_when *when)
{
    wst_quic_places_finish(q, when);
    q->finishing = true;
    struct wst_quic_connection *c;
    while ((c = TAILQ_FIRST(&q->by_first))) connection_over(q, c, WST_TCP_EOF, when);
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

uint64_t wst_quic_newest(const struct wst_quic_connection *c, enum wst_dir dir)
{
    return wst_quic_connection_numbers(c, dir)->top;
}

bool wst_quic_missed(const struct wst_quic_connection *c, enum wst_dir dir, uint64_t since)
{
    return wst_quic_numbers_missed(wst_quic_connection_numbers(c, dir), since);
}

uint64_t wst_quic_number_of(const struct wst_quic_connection *c)
{
    return c->born;
}

/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of both directions of a request's stream. Out: the same, each in its turn: the
 * server's bytes wait for the request, those behind a field section for what it refers to.
 */
#include "streams.h"

static bool request_waits(const struct turn *t)
{
    return t->s->blocked[t->dir] ||
           (t->dir == WST_S2C && t->s->known == WST_HTTP3_ASKING && !t->h->deaf);
}

static void request_release(struct turn *t);

static bool is_behind(const struct turn *t)
{
    return !wst_queue_empty(&t->s->behind[t->dir]) || t->s->fin_behind[t->dir] ||
           t->s->reset_behind[t->dir];
}

/* What the client said may be what the server's bytes waited for. */
static void request_settle(struct turn *t)
{
    struct turn server = *t;
    if (!t->s || t->dir != WST_C2S) return;
    server.dir = WST_S2C;
    if (request_waits(&server) || !is_behind(&server)) return;
    request_release(&server);
    t->s = server.s;
}

/* Returns how many were taken: fewer when the rest must wait, or nobody wants it. */
static size_t request_run(struct turn *t, struct wst_slice bytes)
{
    size_t n = 0;
    while (n < bytes.n && t->s && !request_waits(t)) {
        struct wst_slice rest = wst_slice_skip(bytes, n);
        if (t->dir == WST_S2C && t->s->known == WST_HTTP3_ASKING) t->s->known = WST_HTTP3_UNKNOWN;
        n += wst_frames3_push(t, rest);
        request_settle(t);
    }
    return n;
}

/* What waited goes on, while nothing holds it up again. */
static void request_release(struct turn *t)
{
    struct wst_arrival carried = *t->arrival;
    request_settle(t); /* what is known now came before what waits */
    if (!t->s) return;
    struct turn then = *t;
    struct wst_queue *behind = &t->s->behind[t->dir];
    struct wst_slice s;
    then.arrival = &carried;
    if (t->dir == WST_S2C && t->s->held && t->s->known != WST_HTTP3_ASKING) {
        t->s->held = false;
        t->h->waiting--;
    }
    while (then.s && !request_waits(&then) && (s = wst_queue_first(behind, &carried.from)).n) {
        size_t n = s.n;
        if (s.p)
            n = request_run(&then, s);
        else
            wst_frames3_gap(&then, s.n);
        if (then.s) wst_queue_take(behind, n);
    }
    t->s = then.s;
    if (!t->s || request_waits(t)) return;
    wst_queue_free(behind, t->env->budget);
    if (t->s->reset_behind[t->dir]) {
        t->s->reset_behind[t->dir] = false;
        wst_frames3_reset(t, (uint64_t)t->s->base.reset_code[t->dir]);
    } else if (t->s->fin_behind[t->dir]) {
        t->s->fin_behind[t->dir] = false;
        wst_frames3_fin(t);
    }
}

/* What it waits for is not awaited any longer. */
static void request_give_up(struct turn *t)
{
    struct wst_http3_stream *s = t->s;
    if (s->blocked[t->dir]) {
        s->blocked[t->dir] = false;
        t->h->blocked--;
        wst_frames3_section_lost(t);
    } else if (t->dir == WST_S2C && s->known == WST_HTTP3_ASKING) {
        struct turn client = *t;
        client.dir = WST_C2S;
        wst_streams3_lose(&client);
    }
    if (t->s && !request_waits(t)) request_release(t);
}

/* Bytes, or where p is NULL as many that are missing, that have to wait. */
static void request_keep(struct turn *t, struct wst_slice bytes)
{
    struct wst_queue *behind = &t->s->behind[t->dir];
    size_t cap = t->env->options->limits.max_early;
    bool kept = bytes.p
                    ? wst_queue_push(behind, t->env->budget, bytes, t->arrival->from, cap)
                    : wst_queue_push_gap(behind, t->env->budget, bytes.n, t->arrival->from, cap);
    if (kept && t->dir == WST_S2C && t->s->known == WST_HTTP3_ASKING && !t->s->held) {
        t->s->held = true;
        t->s->since = t->h->pieces;
        t->h->waiting++;
    }
    while (!kept && t->s && bytes.n) {
        if (request_waits(t)) {
            request_give_up(t);
        } else if (bytes.p) {
            bytes = wst_slice_skip(bytes, request_run(t, bytes));
        } else {
            wst_frames3_gap(t, bytes.n);
            return;
        }
    }
}

/* No more comes, of both directions. */
static void request_stops(struct turn *t)
{
    for (int d = 0; t->s && d < 2; d++) {
        struct turn one = *t;
        one.dir = (enum wst_dir)d;
        wst_frames3_last(&one);
        t->s = one.s;
    }
}

/* -- what the door says ------------------------------------------------------------------------ */

void wst_requests_push(struct turn *t, struct wst_slice bytes)
{
    if (!is_behind(t)) bytes = wst_slice_skip(bytes, request_run(t, bytes));
    if (t->s && bytes.n) request_keep(t, bytes);
    request_settle(t);
}

void wst_requests_gap(struct turn *t, uint64_t n)
{
    if (request_waits(t) || is_behind(t))
        request_keep(t, (struct wst_slice){NULL, (size_t)n});
    else
        wst_frames3_gap(t, n);
    request_settle(t);
}

void wst_requests_fin(struct turn *t)
{
    if (request_waits(t) || is_behind(t))
        t->s->fin_behind[t->dir] = true;
    else
        wst_frames3_fin(t);
    request_settle(t);
}

void wst_requests_reset(struct turn *t, uint64_t code)
{
    if (request_waits(t) || is_behind(t))
        t->s->base.reset_code[t->dir] = (int64_t)code, t->s->reset_behind[t->dir] = true;
    else
        wst_frames3_reset(t, code);
    request_settle(t);
}

void wst_requests_end(struct turn *t, enum wst_tcp_end how)
{
    for (int d = 0; t->s && d < 2; d++) {
        t->dir = (enum wst_dir)d;
        while (t->s && request_waits(t)) request_give_up(t);
    }
    if (t->s) request_stops(t);
    if (t->s) wst_streams3_over(t, how);
}

void wst_requests_retry(struct wst_http3 *h, struct wst_http3_env *env, enum wst_dir dir,
                        const struct wst_arrival *a)
{
    const struct wst_http3_table *table = &h->side[dir].table;
    if (!table->lost && wst_qpack_inserted(table) < h->side[dir].least) return;
    h->side[dir].least = UINT64_MAX;
    for (uint32_t i = 0; h->blocked && i < h->streams.n;) {
        struct turn t = {h, env, h->streams.items[i], dir, a};
        bool ready = table->lost || wst_qpack_inserted(table) >= t.s->needs[dir];
        if (t.s->blocked[dir] && ready) {
            t.s->blocked[dir] = false;
            h->blocked--;
            wst_frames3_section_again(&t);
            if (t.s && !request_waits(&t)) request_release(&t);
            request_settle(&t);
        } else if (t.s->blocked[dir] && t.s->needs[dir] < h->side[dir].least) {
            h->side[dir].least = t.s->needs[dir];
        }
        if (t.s) i++;
    }
}

void wst_requests_hurry(struct wst_http3 *h, struct wst_http3_env *env, const struct wst_arrival *a)
{
    for (uint32_t i = 0; h->waiting && i < h->streams.n;) {
        struct turn t = {h, env, h->streams.items[i], WST_S2C, a};
        if (t.s->held && h->pieces - t.s->since > WST_HTTP3_PATIENCE && !t.s->blocked[WST_C2S])
            request_give_up(&t);
        if (t.s) i++;
    }
}

/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of both directions of a request's stream. Out: its frames in turn. What comes
 * before its turn waits: the server's bytes for the request, those behind a field section for what
 * it refers to.
 */
#include "seldom.h"
#include "streams.h"

/* -- what cannot be read ----------------------------------------------------------------------- */

/* Where framing was lost it may be our own misreading. */
static void request_wrong(struct turn *t, const char *why)
{
    bool sought = turn_frames(t)->sought;
    wst_streams3_tell(t, sought ? WST_PROBLEM_HTTP3_UNREAD : WST_PROBLEM_HTTP3_BROKEN,
                      sought ? "behind what is missing frames do not fit together" : why);
}

static void part_free(struct turn *t)
{
    wst_buf_free(&turn_frames(t)->part, t->env->budget);
}

/* -- field sections ---------------------------------------------------------------------------- */

static bool section_block(struct turn *t, struct wst_slice section, uint64_t needs)
{
    struct wst_http3_frames *f = turn_frames(t);
    size_t cap = t->env->options->limits.max_head;
    if (t->h->blocked >= WST_HTTP3_BLOCKED) return false;
    if (section.p != f->part.p && !wst_buf_append(&f->part, t->env->budget, section, cap))
        return false;
    t->s->blocked[t->dir] = true;
    t->s->needs[t->dir] = needs;
    if (needs < t->h->side[t->dir].least) t->h->side[t->dir].least = needs;
    t->h->blocked++;
    return true;
}

/* Whether it is no CONNECT's shows in the first of its fields. */
static bool section_is_other(const struct turn *t)
{
    return t->dir == WST_C2S && wst_connect_is_other(wst_buf_slice(&t->h->fields));
}

static void section_read(struct turn *t, enum wst_qpack_read is)
{
    if (is == WST_QPACK_BROKEN) request_wrong(t, "a field section that breaks rules of RFC 9204");
    if ((is == WST_QPACK_MISSING && !section_is_other(t)) || is == WST_QPACK_REFUSED)
        wst_streams3_tell(
            t, WST_PROBLEM_HTTP3_UNREAD,
            "a field section that is not whole, or refers to fields that are missing");
    part_free(t);
    if (is == WST_QPACK_REFUSED && t->dir == WST_S2C)
        wst_streams3_over(t, WST_TCP_EVICTED); /* it may have been a bad one */
    else
        wst_streams3_fields(t, is == WST_QPACK_READ);
}

static void section_over(struct turn *t, struct wst_slice section)
{
    uint64_t needs;
    enum wst_qpack_read is =
        wst_qpack_read(&t->h->side[t->dir].table, t->env, section, !turn_frames(t)->torn,
                       t->dir == WST_C2S, &t->h->fields, &needs);
    if (is == WST_QPACK_WAITS) {
        if (section_block(t, section, needs)) return;
        is = WST_QPACK_MISSING;
    }
    if (turn_frames(t)->torn && is == WST_QPACK_READ && !section_is_other(t))
        is = WST_QPACK_MISSING;
    section_read(t, is);
}

/* Bytes are missing in it, or it is too long to be kept: what came before may tell enough. */
static void section_tear(struct turn *t)
{
    turn_frames(t)->torn = true;
}

static void section_bytes(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_frames *f = turn_frames(t);
    if (f->torn) return;
    if (!wst_buf_append(&f->part, t->env->budget, bytes, t->env->options->limits.max_head))
        section_tear(t);
}

/* -- frames ------------------------------------------------------------------------------------ */

static bool section_wanted(const struct turn *t)
{
    const struct wst_http3_stream *s = t->s;
    if (turn_frames(t)->sought) return false;
    return t->dir == WST_C2S ? s->known == WST_HTTP3_ASKING
                             : s->known != WST_HTTP3_ASKING && !s->base.answered;
}

static const char *frame_wrong(const struct turn *t)
{
    const struct wst_http3_frames *f = turn_frames(t);
    const char *why = wst_http3_misplaced(f->type, t->dir, false);
    if (why) return why;
    if (f->type == WST_HTTP3_DATA && !f->first && !f->sought) return "DATA before HEADERS";
    if (f->type == WST_HTTP3_HEADERS && f->first && !f->sought && t->s->base.accepted)
        return "HEADERS on a stream that a CONNECT opened"; /* RFC 9114 section 4.4 */
    return NULL;
}

static void frame_over(struct turn *t)
{
    struct wst_http3_frames *f = turn_frames(t);
    f->begun = false;
    if (f->wanted) section_over(t, wst_buf_slice(&f->part));
}

static void frame_begin(struct turn *t)
{
    struct wst_http3_frames *f = turn_frames(t);
    const char *wrong = frame_wrong(t);
    f->opaque = wrong || f->type != WST_HTTP3_DATA;
    f->wanted = !wrong && f->type == WST_HTTP3_HEADERS && section_wanted(t);
    f->torn = false;
    f->first |= f->type == WST_HTTP3_HEADERS;
    if (wrong) request_wrong(t, wrong);
    if (!f->left) frame_over(t);
}

/* Bytes of the payload; how many were taken. */
static size_t payload_bytes(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_frames *f = turn_frames(t);
    bytes = wst_slice_head(bytes, f->left);
    f->left -= bytes.n;
    if (f->wanted && !f->left && !f->part.n && !f->torn) { /* it is whole where it lies */
        f->begun = false;
        section_over(t, bytes);
        return bytes.n;
    }
    if (f->wanted)
        section_bytes(t, bytes);
    else if (!f->opaque)
        wst_streams3_data(t, bytes);
    if (t->s && !f->left) frame_over(t);
    return bytes.n;
}

static size_t frame_bytes(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_frames *f = turn_frames(t);
    if (f->begun) return payload_bytes(t, bytes);
    size_t n = wst_http3_header(f, bytes);
    if (f->begun) frame_begin(t);
    return n;
}

/* -- after a loss ------------------------------------------------------------------------------ */

static void seek_begin(struct turn *t, uint64_t lost)
{
    struct wst_http3_frames *f = turn_frames(t);
    bool unread = t->dir == WST_C2S ? t->s->known == WST_HTTP3_ASKING : !t->s->base.answered;
    f->lost += lost + f->have;
    f->have = 0;
    f->begun = false;
    f->seeking = f->sought = true;
    part_free(t);
    if (!unread) return;
    if (t->dir == WST_C2S && t->h->enabled && !t->h->lacked) {
        t->h->lacked = true;
        wst_streams3_tell(t, WST_PROBLEM_HTTP3_UNREAD,
                          "bytes are missing in which a WebSocket may have been opened");
    }
    wst_streams3_lose(t);
}

/* Frames begin again, or never. */
static void seek_over(struct turn *t)
{
    struct wst_http3_frames *f = turn_frames(t);
    uint64_t lost = f->lost;
    f->seeking = false;
    f->lost = 0;
    wst_streams3_hole(t, lost, false);
}

/* What lies in front of the next zero is no DATA. */
static void seek_skip(struct wst_http3_frames *f)
{
    const uint8_t *zero = f->part.n > 1 ? memchr(f->part.p + 1, 0, f->part.n - 1) : NULL;
    size_t n = zero ? (size_t)(zero - f->part.p) : f->part.n;
    f->lost += n;
    wst_buf_drop(&f->part, n);
}

/* Looks at what was kept; true: frames begin there, and it was handed on. */
static bool seek_look(struct turn *t, bool last)
{
    struct wst_http3_frames *f = turn_frames(t);
    while (f->part.n) {
        enum wst_http3_found found = wst_http3_sought(wst_buf_slice(&f->part), t->dir, last);
        if (found == WST_HTTP3_NONE) {
            seek_skip(f);
            continue;
        }
        if (found == WST_HTTP3_PERHAPS) return false;
        uint8_t bytes[WST_HTTP3_SOUGHT];
        struct wst_slice s = wst_slice_of(bytes, f->part.n);
        struct wst_arrival carried = *t->arrival;
        struct turn again = *t;
        memcpy(bytes, f->part.p, f->part.n);
        carried.from = f->part_from;
        again.arrival = &carried;
        part_free(t);
        seek_over(&again);
        while (again.s && s.n) s = wst_slice_skip(s, frame_bytes(&again, s));
        t->s = again.s;
        return true;
    }
    return false;
}

/* A tunnel carries anything, so nothing in it would be proof. */
static bool seek_hopeless(const struct turn *t)
{
    return t->s->base.upper && t->s->base.asks == WST_CONNECT_TUNNEL;
}

static size_t seek_bytes(struct turn *t, struct wst_slice bytes)
{
    struct wst_http3_frames *f = turn_frames(t);
    if (seek_hopeless(t)) {
        f->lost += bytes.n;
        return bytes.n;
    }
    if (!f->part.n) {
        const uint8_t *zero = memchr(bytes.p, 0, bytes.n);
        size_t skipped = zero ? (size_t)(zero - bytes.p) : bytes.n;
        if (skipped) {
            f->lost += skipped;
            return skipped;
        }
        f->part_from = t->arrival->from;
    }
    size_t n = WST_HTTP3_SOUGHT - f->part.n;
    bytes = wst_slice_head(bytes, n);
    if (!wst_buf_append(&f->part, t->env->budget, bytes, WST_HTTP3_SOUGHT)) {
        f->lost += bytes.n + f->part.n;
        f->part.n = 0;
    }
    seek_look(t, false);
    return bytes.n;
}

/* -- in turn ----------------------------------------------------------------------------------- */

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
        n += turn_frames(t)->seeking ? seek_bytes(t, rest) : frame_bytes(t, rest);
        request_settle(t);
    }
    return n;
}

static void request_lacks(struct turn *t, uint64_t n)
{
    struct wst_http3_frames *f = turn_frames(t);
    if (f->seeking) {
        f->lost += n + f->part.n;
        f->part.n = 0;
        return;
    }
    if (!f->begun) {
        seek_begin(t, n);
        return;
    }
    uint64_t inside = n < f->left ? n : f->left;
    f->left -= inside;
    if (f->wanted)
        section_tear(t);
    else if (!f->opaque)
        wst_streams3_hole(t, inside, true);
    if (t->s && !f->left) frame_over(t);
    if (t->s && n > inside) seek_begin(t, n - inside);
}

static void request_ends(struct turn *t)
{
    struct wst_http3_frames *f = turn_frames(t);
    if (f->seeking) {
        seek_look(t, true);
        if (t->s && f->seeking) seek_over(t);
    }
    if (t->s && (f->begun || f->have)) {
        if (f->wanted && f->begun) f->torn = true;
        request_wrong(t, "a frame that is longer than what is left of its stream");
        if (f->begun) frame_over(t);
    }
    if (t->s) wst_streams3_fin(t);
}

/* The side breaks it off: what of it is missing is known now. */
static void request_breaks(struct turn *t, uint64_t code)
{
    if (turn_frames(t)->seeking) seek_look(t, true);
    if (t->s && turn_frames(t)->seeking && t->s->base.accepted) seek_over(t);
    if (t->s) wst_streams3_reset(t, code);
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
            request_lacks(&then, s.n);
        if (then.s) wst_queue_take(behind, n);
    }
    t->s = then.s;
    if (!t->s || request_waits(t)) return;
    wst_queue_free(behind, t->env->budget);
    if (t->s->reset_behind[t->dir]) {
        t->s->reset_behind[t->dir] = false;
        request_breaks(t, (uint64_t)t->s->base.reset_code[t->dir]);
    } else if (t->s->fin_behind[t->dir]) {
        t->s->fin_behind[t->dir] = false;
        request_ends(t);
    }
}

/* What it waits for is not awaited any longer. */
static void request_give_up(struct turn *t)
{
    struct wst_http3_stream *s = t->s;
    if (s->blocked[t->dir]) {
        s->blocked[t->dir] = false;
        t->h->blocked--;
        t->h->fields.n = 0;
        section_read(t, WST_QPACK_MISSING);
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
            request_lacks(t, bytes.n);
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
        if (turn_frames(&one)->seeking) seek_look(&one, true);
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
        request_lacks(t, n);
    request_settle(t);
}

void wst_requests_fin(struct turn *t)
{
    if (request_waits(t) || is_behind(t))
        t->s->fin_behind[t->dir] = true;
    else
        request_ends(t);
    request_settle(t);
}

void wst_requests_reset(struct turn *t, uint64_t code)
{
    if (request_waits(t) || is_behind(t))
        t->s->base.reset_code[t->dir] = (int64_t)code, t->s->reset_behind[t->dir] = true;
    else
        request_breaks(t, code);
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
            section_over(&t, wst_buf_slice(&turn_frames(&t)->part));
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

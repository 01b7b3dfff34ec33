/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of one direction of a request's stream, in their order and in their turn. Out: its
 * frames, field sections and DATA (RFC 9114 sections 4.1 and 7); behind a loss, where frames begin
 * again.
 */
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

/* -- what requests.c says -----------------------------------------------------------------------
 */

size_t wst_frames3_push(struct turn *t, struct wst_slice bytes)
{
    return turn_frames(t)->seeking ? seek_bytes(t, bytes) : frame_bytes(t, bytes);
}

void wst_frames3_gap(struct turn *t, uint64_t n)
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

void wst_frames3_fin(struct turn *t)
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

void wst_frames3_reset(struct turn *t, uint64_t code)
{
    if (turn_frames(t)->seeking) seek_look(t, true);
    if (t->s && turn_frames(t)->seeking && t->s->base.accepted) seek_over(t);
    if (t->s) wst_streams3_reset(t, code);
}

void wst_frames3_last(struct turn *t)
{
    if (turn_frames(t)->seeking) seek_look(t, true);
}

void wst_frames3_section_again(struct turn *t)
{
    section_over(t, wst_buf_slice(&turn_frames(t)->part));
}

void wst_frames3_section_lost(struct turn *t)
{
    t->h->fields.n = 0;
    section_read(t, WST_QPACK_MISSING);
}

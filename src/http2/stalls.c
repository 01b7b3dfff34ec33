/* SPDX-License-Identifier: MIT
 *
 * In: what DATA takes of the windows of flow control (RFC 9113 section 5.2), what gives them back,
 * PINGs, and GOAWAY. Out: of each WebSocket that a window stayed closed, that a PING was not
 * acknowledged, that a side ends the connection. Refuses to count where anything may be missing.
 */
#include "stalls.h"

#include <stdio.h>

#include "dir.h"
#include "printable.h"

enum {
    LEAST_MS = 1000, /* less is nothing to tell of */
    /* What follows is done for every stream that is open. */
    CLOSINGS_MAX = 16, /* so often the window of a connection is told to have been closed */
    CHANGES_MAX = 256  /* so often settings may change what all windows begin with */
};

/* All that both sides sent was seen. */
static bool all_seen(const struct wst_http2 *h)
{
    const struct wst_http2_side *c = &h->side[WST_C2S], *s = &h->side[WST_S2C];
    return h->settled && !c->preface && !h->joined && !h->uncounted && !c->holed && !s->holed &&
           !c->dead && !s->dead;
}

static void tell(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                 enum wst_problem what, enum wst_dir dir, const char *detail,
                 const struct wst_arrival *a)
{
    if (s->base.accepted)
        env->sink.problem(env->sink.user, h->conversation, &s->base, what, dir, detail, a);
}

/* -- windows ----------------------------------------------------------------------------------- */

/* Of what `dir` sends, since it was closed; `all`: that of the connection. */
static void tell_window(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                        const struct wst_http2_window *w, enum wst_dir dir, bool all, bool last,
                        const struct wst_arrival *a)
{
    char detail[160];
    long long ms = wst_ns_between(w->closed_ns, a->when.ns) / 1000000;
    if (!w->closed || ms < LEAST_MS || s->ended[dir] || !all_seen(h)) return;
    snprintf(detail, sizeof detail,
             "its window for %s was closed for %s%lld.%03lld s: the %s could not send",
             all ? "the connection" : "the stream", last ? "the last " : "", ms / 1000, ms % 1000,
             wst_dir_sender(dir));
    tell(h, env, s, WST_PROBLEM_HTTP2_WINDOW_CLOSED, wst_dir_other(dir), detail, a);
}

static void window_is(struct wst_http2_window *w, int64_t left, const struct wst_arrival *a)
{
    if (left <= 0 && !w->closed) w->closed_ns = a->when.ns;
    w->left = left;
    w->closed = left <= 0;
}

/* The window of a stream, or (NULL) that of the connection, has so many bytes more for `dir`. */
static void window_grows(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                         enum wst_dir dir, int64_t n, const struct wst_arrival *a)
{
    struct wst_http2_window *w = s ? &s->window[dir] : &h->window[dir], before = *w;
    window_is(w, w->left + n, a);
    if (w->closed || !before.closed) return;
    if (a->from != a->when.pkt) return; /* it waited for a hole: when it was opened nobody knows */
    if (wst_ns_between(before.closed_ns, a->when.ns) < LEAST_MS * (int64_t)1000000) return;
    if (s) {
        tell_window(h, env, s, &before, dir, false, false, a);
        return;
    }
    if (h->closings == CLOSINGS_MAX) return;
    h->closings++;
    for (uint32_t i = 0; i < h->streams.n; i++)
        tell_window(h, env, h->streams.items[i], &before, dir, true, false, a);
}

void wst_stalls_init(struct wst_http2 *h)
{
    enum { INITIAL = 65535 }; /* section 6.9.2 */
    for (int d = 0; d < 2; d++) h->window[d].left = h->initial[d] = INITIAL;
    h->served = UINT32_MAX;
}

void wst_stalls_stream(struct wst_http2 *h, struct wst_http2_stream *s, const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) window_is(&s->window[d], h->initial[d], a);
}

/* More than was seen to be allowed: what allowed it was captured later, or is missing. */
static void window_takes(struct wst_http2 *h, struct wst_http2_window *w, uint32_t n,
                         const struct wst_arrival *a)
{
    if (n) window_is(w, w->left - n, a);
    if (n && w->left < 0) h->uncounted = true;
}

void wst_stalls_data(struct wst_http2 *h, enum wst_dir dir, uint32_t id, uint32_t n,
                     const struct wst_arrival *a)
{
    struct wst_http2_stream *s = wst_sorted_find(&h->streams, id);
    window_takes(h, &h->window[dir], n, a);
    if (s) window_takes(h, &s->window[dir], n, a);
}

void wst_stalls_update(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       uint32_t id, uint32_t n, const struct wst_arrival *a)
{
    struct wst_http2_stream *s = id ? wst_sorted_find(&h->streams, id) : NULL;
    if (!id || s) window_grows(h, env, s, wst_dir_other(dir), n & INT32_MAX, a);
}

void wst_stalls_initial(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                        uint32_t value, const struct wst_arrival *a)
{
    enum wst_dir of = wst_dir_other(dir);
    int64_t more = (int64_t)value - h->initial[of];
    h->initial[of] = value;
    if (more == 0) return;
    if (h->changes == CHANGES_MAX) h->uncounted = true;
    if (h->uncounted) return;
    h->changes++;
    for (uint32_t i = 0; i < h->streams.n; i++)
        window_grows(h, env, h->streams.items[i], of, more, a);
}

/* -- PING -------------------------------------------------------------------------------------- */

void wst_stalls_ping(struct wst_http2 *h, enum wst_dir dir, bool ack, const struct wst_arrival *a)
{
    enum { MANY = 1 << 20 }; /* nobody has so many on the way */
    struct wst_http2_ping *p = &h->ping[ack ? !dir : dir];
    if (ack && p->waiting > -MANY) p->waiting--;
    if (!ack && p->waiting < MANY) p->waiting++;
    if (ack || p->waiting == 1) p->since_ns = a->when.ns; /* the next one was sent before */
}

static void tell_ping(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                      enum wst_dir dir, const struct wst_arrival *a)
{
    const struct wst_http2_ping *p = &h->ping[dir];
    char detail[128];
    long long ms = wst_ns_between(p->since_ns, a->when.ns) / 1000000;
    if (p->waiting <= 0 || ms < LEAST_MS || !all_seen(h)) return;
    snprintf(detail, sizeof detail,
             "the PING of the %s was not acknowledged in the %lld.%03lld s until the end",
             wst_dir_sender(dir), ms / 1000, ms % 1000);
    tell(h, env, s, WST_PROBLEM_HTTP2_PING_UNANSWERED, wst_dir_other(dir), detail, a);
}

/* -- GOAWAY ------------------------------------------------------------------------------------ */

/* A stranger's words, as far as they are plain. */
static int plain_length(struct wst_slice said)
{
    return said.n ? (int)wst_plain(said.p, said.p + said.n) : 0;
}

void wst_stalls_goaway(struct wst_http2 *h, struct wst_http2_env *env, enum wst_dir dir,
                       const uint8_t part[8], struct wst_slice said, const struct wst_arrival *a)
{
    uint32_t last = wst_be32(part) & INT32_MAX, code = wst_be32(part + 4);
    bool error = code != NGHTTP2_NO_ERROR;
    char why[160], detail[320];
    uint8_t told = (uint8_t)(1u << (2 * dir + error)); /* the client's without an error is 1 */
    if (dir == WST_S2C && last < h->served) h->served = last;
    /* A client that asks for nothing more says nothing new, and a server that answers it so. */
    bool seen = h->goaway & told, answers = h->goaway & 1;
    h->goaway |= told;
    if (seen || (!error && (dir == WST_C2S || answers))) return;
    wst_http2_error(code, why, sizeof why);
    int n = plain_length(said);
    snprintf(detail, sizeof detail, "the %s ends the connection: GOAWAY with %s%s%.*s%s",
             wst_dir_sender(dir), why, n ? " (\"" : "", n, n ? (const char *)said.p : "",
             n ? "\")" : "");
    for (uint32_t i = 0; i < h->streams.n; i++)
        tell(h, env, h->streams.items[i], WST_PROBLEM_HTTP2_GOAWAY, dir, detail, a);
}

/* -- the end ----------------------------------------------------------------------------------- */

void wst_stalls_over(struct wst_http2 *h, struct wst_http2_env *env, struct wst_http2_stream *s,
                     const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) {
        enum wst_dir dir = (enum wst_dir)d;
        tell_window(h, env, s, &h->window[d], dir, true, true, a);
        tell_window(h, env, s, &s->window[d], dir, false, true, a);
        tell_ping(h, env, s, dir, a);
    }
}

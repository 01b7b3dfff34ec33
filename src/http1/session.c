/* SPDX-License-Identifier: MIT
 *
 * In: bytes of both sides. Out: heads in turn, bodies passed over untouched (RFC 9112 section 6).
 */
#include <stdlib.h>

#include "asked.h"
#include "begins.h"
#include "body.h"
#include "dir.h"
#include "seldom.h"

enum { STRANGE = 64 }; /* bytes that show what a server speaks that is not HTTP */

void wst_http_init(struct wst_http *h, void *conversation)
{
    h->conversation = conversation;
}

static bool http_owns(const struct wst_http *h)
{
    return h->side[WST_C2S].head.room || h->side[WST_S2C].head.room || h->request.room ||
           h->wait[WST_C2S].buf.room || h->wait[WST_S2C].buf.room || h->asked_more.room;
}

void wst_http_free(struct wst_http *h, struct wst_http_env *env)
{
    if (!http_owns(h)) return; /* as most, in whom nothing ever had to wait */
    for (int d = 0; d < 2; d++) {
        wst_buf_free(&h->side[d].head, env->budget);
        wst_queue_free(&h->wait[d], env->budget);
    }
    wst_buf_free(&h->request, env->budget);
    wst_buf_free(&h->asked_more, env->budget);
}

void wst_http_env_free(struct wst_http_env *env)
{
    wst_buf_free(&env->fold, env->budget);
    wst_buf_free(&env->text, env->budget);
    if (env->keys) wst_budget_give(env->budget, env->options->limits.max_keys * sizeof *env->keys);
    free(env->keys);
}

bool wst_http_idle(const struct wst_http *h)
{
    if (h->asked_n || h->awaiting || h->request_lost || h->state != WST_HTTP_RUNNING) return false;
    for (int d = 0; d < 2; d++)
        if (h->side[d].mode != WST_HTTP_HEAD || h->side[d].head.n || !wst_queue_empty(&h->wait[d]))
            return false;
    return true;
}

bool wst_http_blind(const struct wst_http *h, enum wst_dir dir)
{
    return h->side[dir].mode == WST_HTTP_BLIND;
}

bool wst_http_answer_lost(const struct wst_http *h)
{
    return h->state == WST_HTTP_RUNNING && h->side[WST_S2C].mode == WST_HTTP_BLIND &&
           (h->awaiting ? h->request.n > 0 : h->side[WST_C2S].mode == WST_HTTP_BLIND);
}

/* -- heads ------------------------------------------------------------------------------------- */

static struct wst_refusal http_refusal(struct wst_http *h, struct wst_http_env *env,
                                       const struct wst_arrival *a)
{ /* no head is being read meanwhile */
    return (struct wst_refusal){env, h->conversation, &h->refused, &h->side[WST_S2C].head, a};
}

static void http_refusal_over(struct wst_http *h, struct wst_http_env *env, bool whole,
                              const struct wst_arrival *a)
{
    struct wst_refusal r = http_refusal(h, env, a);
    wst_refusal_end(&r, whole);
}

static void http_lose(struct wst_http *h)
{
    h->state = WST_HTTP_LOST;
}

static uint8_t request_asks(const struct wst_head *head)
{
    uint8_t asks = wst_slice_is(head->method, "HEAD") ? ASKED_HEAD : ASKED_PLAIN;
    if (wst_slice_is(head->method, "CONNECT")) return ASKED_TUNNEL;
    if (wst_head_has_token(head, "Upgrade", "websocket") ||
        wst_head_find(head, "Sec-WebSocket-Key", NULL).p)
        asks |= ASKED_UPGRADE;
    else if (wst_head_has_token(head, "Upgrade", "h2c"))
        asks |= ASKED_OTHER;
    return asks;
}

static void request_head(struct wst_http *h, struct wst_http_env *env, const struct wst_head *head,
                         const struct wst_arrival *a)
{
    uint8_t asks = request_asks(head);
    if (!wst_asked_push(h, env, asks) || !wst_body_begin(&h->side[WST_C2S], head, false)) {
        http_lose(h);
        return;
    }
    if (asks & ASKED_UPGRADE) {
        if (!wst_request_keep(h, env, head)) {
            http_lose(h);
            return;
        }
        h->request_when = wst_arrival_there(a);
        h->request_from = a->from;
    }
    h->awaiting = asks & ASKED_WAITS;
    h->early_torn = false;
}

/* No answer to it comes any more, or none that grants it: its client goes on with HTTP. */
static void http_await_no_other(struct wst_http *h)
{
    if (h->awaiting & ASKED_OTHER) h->awaiting = 0;
}

/* What follows a 101 that is none to WebSocket: HTTP/2 and TLS are known by their first bytes, as
 * in a tunnel; of others nothing is known. */
static uint8_t other_protocol(const struct wst_head *head)
{
    struct wst_slice name = wst_slice_head(wst_head_find(head, "Upgrade", NULL), 4);
    return wst_slice_is_nocase(name, "h2c") || wst_slice_is_nocase(name, "TLS/") ? WST_HTTP_TUNNEL
                                                                                 : WST_HTTP_LOST;
}

/* The client cannot change the protocol in the middle of its request (RFC 9110 section 7.8). */
static bool http_body_owed(const struct wst_http *h)
{
    uint8_t mode = h->side[WST_C2S].mode;
    return mode != WST_HTTP_HEAD && mode != WST_HTTP_BLIND;
}

/* That body has ended, or nobody can say where it does. */
static void http_body_over(struct wst_http *h, bool torn)
{
    h->granted = false;
    h->early_torn |= torn;
    h->state = WST_HTTP_UPGRADED;
}

/* A request was lost, and it is what this answers: the upgrade was asked for later. Both may have
 * been read late, because of holes. */
static bool answers_lost_request(const struct wst_http *h, const struct wst_head *head,
                                 const struct wst_arrival *a)
{
    return h->request_lost && h->asked_n == 1 && (h->awaiting & ASKED_UPGRADE) &&
           head->status != 101 && !h->skewed && a->from < h->request_from;
}

/* An answer to a request for WebSocket, or a 101 whose request was lost. True: with it HTTP is
 * over, or will be when the client's body is. */
static bool response_to_upgrade(struct wst_http *h, struct wst_http_env *env,
                                const struct wst_head *head, const struct wst_arrival *a)
{
    bool granted = wst_upgrade_report(h, env, head, false, a);
    h->request.n = 0;
    h->awaiting = 0;
    if (head->status != 101) return false;
    h->granted = granted && http_body_owed(h);
    if (!h->granted) h->state = granted ? WST_HTTP_UPGRADED : other_protocol(head);
    return true;
}

static void response_head(struct wst_http *h, struct wst_http_env *env, const struct wst_head *head,
                          const struct wst_arrival *a)
{
    if (head->status < 200 && head->status != 101) return; /* the answer is still to come */
    if (head->status == 101 && h->answers_lost && h->request.n &&
        wst_head_has_token(head, "Upgrade", "websocket"))
        while (h->asked_n > 1) wst_asked_pop(h); /* this one is the last request's */
    if (answers_lost_request(h, head, a)) {
        if (!wst_body_begin(&h->side[WST_S2C], head, false)) http_lose(h);
        return;
    }
    uint8_t asked = wst_asked_first(h);
    bool unasked = !h->asked_n; /* the request was lost */
    if ((asked & ASKED_UPGRADE) || (unasked && head->status == 101)) {
        if (response_to_upgrade(h, env, head, a)) return;
    } else if (head->status == 101) {
        h->state = other_protocol(head);
        return;
    } else if (asked & ASKED_TUNNEL) {
        h->awaiting = 0;
        if (head->status < 300) {
            h->state = WST_HTTP_TUNNEL;
            return;
        }
    }
    if (asked & ASKED_OTHER) http_await_no_other(h);
    wst_asked_pop(h);
    if (!wst_body_begin(&h->side[WST_S2C], head, asked & ASKED_HEAD))
        http_lose(h);
    else if (asked & ASKED_UPGRADE && h->side[WST_S2C].mode != WST_HTTP_HEAD)
        h->refused = wst_refusal_begin(head);
}

/* Only a head whose lines are folded is copied, for they are put together there. */
static bool http_unfold(struct wst_http_env *env, struct wst_slice raw, struct wst_head *head)
{
    struct wst_buf *copy = &env->fold;
    copy->n = 0;
    if (!wst_buf_append(copy, env->budget, raw, env->options->limits.max_head)) return false;
    wst_head_unfold(head, copy->p, copy->n);
    return true;
}

/* No head of that side. What a server says in place of an answer is kept, to be told. */
static void http_strange(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                         struct wst_slice raw)
{
    struct wst_buf *kept = &h->side[dir].head;
    if (dir == WST_S2C && h->awaiting && !kept->n)
        wst_buf_append(kept, env->budget, wst_slice_head(raw, STRANGE), STRANGE);
    http_lose(h);
}

/* A whole head, read from `raw`. */
static void http_head(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                      struct wst_slice raw, struct wst_head *head, const struct wst_arrival *a)
{
    if (env->head) env->head(env->user, h->conversation, dir, raw);
    if (!head->http || (head->status >= 0) != (dir == WST_S2C) ||
        (head->folded && !http_unfold(env, raw, head))) {
        http_strange(h, env, dir, raw);
        return;
    }
    if (dir == WST_C2S)
        request_head(h, env, head, a);
    else
        response_head(h, env, head, a);
}

/* Bytes of a head that is not whole in one segment; how many were taken. `whole`: the head, when it
 * is, or empty. */
static size_t http_keep(struct wst_http *h, struct wst_http_env *env, struct wst_buf *kept,
                        struct wst_slice s, struct wst_slice *whole)
{
    size_t cap = env->options->limits.max_head;
    size_t before = kept->n, room = cap - before, take = s.n < room ? s.n : room;
    *whole = (struct wst_slice){NULL, 0};
    if (!wst_buf_append(kept, env->budget, wst_slice_head(s, take), cap)) {
        http_lose(h);
        return s.n;
    }
    size_t n = wst_head_length(wst_buf_slice(kept), before);
    if (!n) {
        if (kept->n >= cap) http_lose(h);
        return take;
    }
    *whole = (struct wst_slice){kept->p, n};
    return n - before;
}

/* Bytes of a head; how many were taken. */
static size_t http_head_bytes(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                              struct wst_slice s, const struct wst_arrival *a)
{
    struct wst_buf *kept = &h->side[dir].head;
    struct wst_slice whole = wst_slice_head(s, env->options->limits.max_head);
    struct wst_head head;
    size_t taken = 0;
    if (!kept->n) { /* empty lines before it are to be ignored (RFC 9112 section 2.2) */
        while (taken < s.n && (s.p[taken] == '\r' || s.p[taken] == '\n')) taken++;
        if (taken) return taken;
        whole.n = taken = wst_head_read(&head, env->headers[dir], whole);
    }
    if (!taken) { /* seldom: it is not whole in one segment */
        taken = http_keep(h, env, kept, s, &whole);
        if (!whole.n) return taken;
        wst_head_read(&head, env->headers[dir], whole);
    }
    http_head(h, env, dir, whole, &head, a);
    if (kept->room && h->state != WST_HTTP_LOST) wst_buf_free(kept, env->budget);
    return taken;
}

/* -- both sides -------------------------------------------------------------------------------- */

static bool http_blocked(const struct wst_http *h, enum wst_dir dir)
{
    const struct wst_http_side *s = &h->side[dir];
    if (s->mode != WST_HTTP_HEAD) return false;
    if (dir == WST_C2S) return h->awaiting;
    return h->granted || (!h->asked_n && (!h->request_lost || h->more));
}

static size_t http_step(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                        struct wst_slice s, const struct wst_arrival *a)
{
    struct wst_http_side *side = &h->side[dir];
    if (side->mode == WST_HTTP_HEAD) return http_head_bytes(h, env, dir, s, a);
    bool content = side->mode == WST_HTTP_BODY || side->mode == WST_HTTP_CHUNK ||
                   side->mode == WST_HTTP_TO_END;
    size_t taken;
    if (!wst_body_bytes(side, s, &taken)) http_lose(h);
    if (h->refused && dir == WST_S2C) {
        bool whole = side->mode == WST_HTTP_HEAD || side->mode == WST_HTTP_TRAILER;
        struct wst_refusal r = http_refusal(h, env, a);
        if (content) wst_refusal_bytes(&r, wst_slice_head(s, taken));
        if (whole || h->state == WST_HTTP_LOST) wst_refusal_end(&r, whole);
    }
    return taken;
}

/* Bytes of one side until they are used up, must wait, or the state changes. */
static size_t http_run(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                       struct wst_slice s, const struct wst_arrival *a)
{
    struct wst_http_side *side = &h->side[dir];
    if (wst_http_may_begin_head(h, dir) && wst_begins_head(s, dir)) {
        if (dir == WST_S2C) http_refusal_over(h, env, true, a);
        side->mode = WST_HTTP_HEAD;
    }
    if (dir == WST_C2S && side->untouched && wst_http_body_or_not(h, s)) return 0;
    if (h->granted && dir == WST_C2S && wst_http_frame_begins(h, s)) http_body_over(h, false);
    struct wst_slice rest = s;
    while (rest.n && h->state == WST_HTTP_RUNNING && !http_blocked(h, dir)) {
        if (side->mode != WST_HTTP_HEAD) side->untouched = false;
        size_t taken = http_step(h, env, dir, rest, a);
        rest.p += taken;
        rest.n -= taken;
        if (h->granted && (h->state == WST_HTTP_LOST || !http_body_owed(h)))
            http_body_over(h, h->state == WST_HTTP_LOST);
    }
    return s.n - rest.n;
}

/* Behind a gap: nobody knows where the next head begins. */
static void http_blind(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir)
{
    wst_buf_free(&h->side[dir].head, env->budget);
    if (dir == WST_S2C) http_await_no_other(h);
    if (dir == WST_S2C || !h->awaiting) h->side[dir].mode = WST_HTTP_BLIND;
    if (dir == WST_C2S)
        h->request_lost = true; /* a request may have been in it */
    else
        h->answers_lost = true;
}

/* Bytes that waited, if their turn has come. True: something moved. */
static bool http_run_waiting(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                             const struct wst_arrival *a)
{
    struct wst_queue *wait = &h->wait[dir];
    if (wst_queue_empty(wait) || h->state != WST_HTTP_RUNNING || http_blocked(h, dir)) return false;
    struct wst_arrival carried = {.when = a->when};
    struct wst_slice first = wst_queue_first(wait, &carried.from);
    if (!first.p) { /* a gap, and no upgrade came of it */
        wst_queue_take(wait, first.n);
        http_blind(h, env, dir);
        return true;
    }
    size_t n = http_run(h, env, dir, first, &carried);
    wst_queue_take(wait, n);
    return n > 0;
}

WST_APART static void http_settle(struct wst_http *h, struct wst_http_env *env, enum wst_dir first,
                                  const struct wst_arrival *a)
{
    enum wst_dir other = wst_dir_other(first);
    while (http_run_waiting(h, env, first, a) || http_run_waiting(h, env, other, a)) {
    }
}

/* Requests were lost, and the client's bytes behind them come late, a hole was waited for: what the
 * server said before those were sent answers none of them. */
static void http_settle_before(struct wst_http *h, struct wst_http_env *env,
                               const struct wst_arrival *a)
{
    uint64_t from;
    h->more = false;
    while (!h->asked_n && h->request_lost && wst_queue_first(&h->wait[WST_S2C], &from).n &&
           from < a->from && http_run_waiting(h, env, WST_S2C, a)) {
    }
}

/* What is lost of a server may have been the beginning of an answer. */
static void http_begin_torn(struct wst_http *h, struct wst_slice s)
{
    h->torn = false;
    if (h->side[WST_S2C].mode == WST_HTTP_HEAD && !wst_begins_head(s, WST_S2C))
        h->side[WST_S2C].mode = WST_HTTP_BLIND;
}

bool wst_http_passes(struct wst_http *h, enum wst_dir dir, size_t bytes)
{
    struct wst_http_side *s = &h->side[dir];
    if (s->untouched || s->left <= bytes || !wst_body_holds(s, bytes)) return false;
    if (h->refused && dir == WST_S2C) return false;
    s->left -= bytes;
    return true;
}

/* There is no room for `rest`, which should wait. A client's bytes, whose answer is lost or late,
 * go on only when they are found to be frames (the caller looks: wst_http_answer_lost); a server's
 * go on without their request. Returns how many were taken. */
static size_t http_waited_too_long(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                                   struct wst_slice rest, const struct wst_arrival *a)
{
    if (dir == WST_C2S && h->awaiting && h->request.n) {
        h->side[WST_S2C].mode = WST_HTTP_BLIND;
        return 0;
    }
    if (dir == WST_C2S && !(h->awaiting & ASKED_OTHER)) http_lose(h);
    http_await_no_other(h);
    if (h->granted && h->state == WST_HTTP_RUNNING) {
        http_body_over(h, true);
        return 0;
    }
    h->request_lost = true;
    h->more = false;
    http_settle(h, env, dir, a);
    return h->state == WST_HTTP_RUNNING ? http_run(h, env, dir, rest, a) : 0;
}

size_t wst_http_push(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                     struct wst_slice s, const struct wst_arrival *a)
{
    if (dir == WST_S2C && h->torn) {
        http_begin_torn(h, s);
        if (wst_http_answer_lost(h)) return 0;
    }
    if (dir == WST_C2S && h->request_lost && !wst_queue_empty(&h->wait[WST_S2C])) {
        bool more = h->more;
        http_settle_before(h, env, a);
        h->more = more;
        if (h->state != WST_HTTP_RUNNING) return 0;
    }
    size_t done = wst_queue_empty(&h->wait[dir]) ? http_run(h, env, dir, s, a) : 0;
    if (h->state == WST_HTTP_RUNNING && done < s.n) {
        struct wst_slice rest = wst_slice_skip(s, done);
        if (!wst_queue_push(&h->wait[dir], env->budget, rest, a->from,
                            env->options->limits.max_early))
            return done + http_waited_too_long(h, env, dir, rest, a);
        done = s.n;
    }
    if (!wst_queue_empty(&h->wait[WST_C2S]) || !wst_queue_empty(&h->wait[WST_S2C]))
        http_settle(h, env, wst_dir_other(dir), a);
    return done;
}

bool wst_http_gap_waits(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir, uint64_t n,
                        const struct wst_arrival *a)
{
    if (dir != WST_C2S || !h->awaiting || h->state != WST_HTTP_RUNNING || !http_blocked(h, dir))
        return false;
    return wst_queue_push_gap(&h->wait[dir], env->budget, n, a->from,
                              env->options->limits.max_early);
}

bool wst_http_before_gap(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir, uint64_t n,
                         const struct wst_arrival *a)
{
    struct wst_http_side *side = &h->side[dir];
    if (dir == WST_S2C) http_refusal_over(h, env, false, a);
    side->untouched = false;
    if (dir == WST_C2S && side->mode != WST_HTTP_HEAD) http_settle(h, env, dir, a);
    if (h->granted && (dir == WST_S2C || !wst_body_holds(side, n))) {
        http_body_over(h, true);
        return false;
    }
    if (!wst_queue_empty(&h->wait[dir]) &&
        dir == WST_S2C) { /* no more waiting: what follows is torn off */
        h->request_lost = true;
        h->more = false;
        http_settle(h, env, dir, a);
        if (h->state != WST_HTTP_RUNNING) return false;
    }
    return true;
}

void wst_http_gap(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir, uint64_t n,
                  const struct wst_arrival *a)
{
    struct wst_http_side *side = &h->side[dir];
    if (h->awaiting && dir == WST_C2S) h->early_torn = true;
    wst_queue_free(&h->wait[dir], env->budget); /* nothing may be glued over the gap */
    if (wst_body_holds(side, n)) {
        wst_body_skip(side, n);
        if (h->granted && !http_body_owed(h)) http_body_over(h, false);
        return;
    }
    if (side->mode == WST_HTTP_TO_END) return;
    http_blind(h, env, dir);
    http_settle(h, env, wst_dir_other(dir), a);
}

void wst_http_fin(struct wst_http *h, struct wst_http_env *env, enum wst_dir dir,
                  const struct wst_arrival *a)
{
    if (dir == WST_C2S) h->request_lost = true; /* nothing more will be asked */
    if (dir == WST_C2S) h->more = false;
    if (dir == WST_C2S && h->granted) http_body_over(h, false);
    http_settle(h, env, dir, a);
    if (dir == WST_S2C) {
        http_refusal_over(h, env, h->side[WST_S2C].mode == WST_HTTP_TO_END, a);
        http_await_no_other(h);
        http_settle(h, env, WST_C2S, a);
    }
}

void wst_http_unanswered(struct wst_http *h, struct wst_http_env *env, bool accepted,
                         const struct wst_arrival *a)
{
    /* What is kept of it would be taken for this one's answer. */
    http_refusal_over(h, env, false, a);
    if (h->state == WST_HTTP_UPGRADED || h->state == WST_HTTP_TUNNEL || !h->request.n) return;
    wst_upgrade_report(h, env, NULL, accepted, a);
    h->request.n = 0;
    h->state = accepted ? WST_HTTP_UPGRADED : WST_HTTP_LOST;
}

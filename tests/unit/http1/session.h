/* SPDX-License-Identifier: MIT
 *
 * Runs an HTTP/1.1 conversation from a script and writes down what the room says, in one line:
 *
 *   {GET /chat 101 yes ok}   a handshake: method, target, status, accepted, accept value
 *   !handshake.version       a problem
 *   upgraded                 the state at the end: running idle unanswered upgraded tunnel lost
 *   torn                     of what the client sent early something is missing
 *   >bytes <bytes            what is left for the next room, by direction
 */
#ifndef WST_TEST_HTTP1_SESSION_H
#define WST_TEST_HTTP1_SESSION_H

#include <stdio.h>

#include "guard.h"
#include "http1.h"

enum step_kind {
    STEP_NONE,
    STEP_REQUEST,
    STEP_ANSWER,
    STEP_LOST_REQUEST,
    STEP_LOST_ANSWER,
    STEP_FIN_CLIENT,
    STEP_FIN_SERVER,
    STEP_OVER
};
struct step {
    enum step_kind kind;
    struct wst_slice bytes;
    uint64_t n; /* bytes lost */
};
#define Q(literal)                      \
    {                                   \
        STEP_REQUEST, SLICE(literal), 0 \
    }
#define A(literal)                     \
    {                                  \
        STEP_ANSWER, SLICE(literal), 0 \
    }
#define LOST_Q(count)                       \
    {                                       \
        STEP_LOST_REQUEST, {NULL, 0}, count \
    }
#define LOST_A(count)                      \
    {                                      \
        STEP_LOST_ANSWER, {NULL, 0}, count \
    }
#define FIN_Q                         \
    {                                 \
        STEP_FIN_CLIENT, {NULL, 0}, 0 \
    }
#define FIN_A                         \
    {                                 \
        STEP_FIN_SERVER, {NULL, 0}, 0 \
    }
#define OVER                    \
    {                           \
        STEP_OVER, {NULL, 0}, 0 \
    } /* the conversation ends */

struct talk {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http_env env;
    struct wst_http http;
    struct guard guard;
    struct wst_arrival arrival;
    struct wst_event_handshake last; /* values only; its slices are gone */
    bool forgetful; /* lets go of an idle conversation and begins it anew, as the pipeline does */
    char log[8192];
    size_t log_n;
    char rest[2][8192];
    size_t rest_n[2];
};

static inline void talk_say(struct talk *t, const char *text, size_t n)
{
    for (size_t i = 0; i < n && t->log_n + 1 < sizeof t->log; i++)
        t->log[t->log_n++] = text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '.';
    t->log[t->log_n] = '\0';
}
static inline void talk_say_text(struct talk *t, const char *text)
{
    talk_say(t, text, strlen(text));
}
static inline void talk_say_slice(struct talk *t, const char *before, struct wst_slice s)
{
    if (!s.p) return;
    talk_say_text(t, before);
    talk_say(t, (const char *)s.p, s.n);
}

static inline void talk_handshake(void *user, void *conversation, struct wst_event_handshake *e,
                                  const struct wst_arrival *a)
{
    struct talk *t = user;
    char number[64];
    assert_ptr_equal(conversation, t);
    assert_ptr_equal(a->when.pkt ? user : NULL, t);
    t->last = *e;
    talk_say_slice(t, "{", e->method.p ? e->method : (struct wst_slice)SLICE("?"));
    talk_say_slice(t, " ", e->uri.p ? e->uri : (struct wst_slice)SLICE("?"));
    snprintf(number, sizeof number, " %d %s %s", (int)e->status, e->accepted ? "yes" : "no",
             e->accept_ok < 0 ? "-"
             : e->accept_ok   ? "ok"
                              : "wrong");
    talk_say_text(t, number);
    for (size_t i = 0; i < e->client_protocols_n; i++)
        talk_say_slice(t, i ? "," : " offers ", e->client_protocols[i]);
    talk_say_slice(t, " speaks ", e->subprotocol);
    talk_say_slice(t, " extends ", e->server_extensions);
    if (e->deflate.agreed) {
        snprintf(number, sizeof number, " deflate %d%s/%d%s", e->deflate.server_max_window_bits,
                 e->deflate.server_no_context_takeover ? "n" : "",
                 e->deflate.client_max_window_bits,
                 e->deflate.client_no_context_takeover ? "n" : "");
        talk_say_text(t, number);
    }
    talk_say_text(t, "} ");
}

static inline void talk_problem(void *user, void *conversation, enum wst_problem problem,
                                enum wst_dir dir, const char *detail, const struct wst_arrival *a)
{
    struct talk *t = user;
    (void)dir;
    assert_ptr_equal(conversation, t);
    assert_non_null(a);
    assert_true(detail[0] && !strchr(detail, '\n'));
    talk_say_text(t, "!");
    talk_say_text(t, wst_problem_row(problem)->id);
    talk_say_text(t, " ");
}

static inline void talk_init(struct talk *t)
{
    memset(t, 0, sizeof *t);
    guard_init(&t->guard, 8192);
    t->options.limits.max_head = 4096;
    t->options.limits.max_early = 2048;
    t->options.limits.max_pipeline = 64;
    t->budget.max = 1 << 20;
    t->env = (struct wst_http_env){.options = &t->options,
                                   .budget = &t->budget,
                                   .user = t,
                                   .handshake = talk_handshake,
                                   .problem = talk_problem};
    wst_http_init(&t->http, t);
}

static inline void talk_free(struct talk *t)
{
    wst_http_free(&t->http, &t->env);
    wst_http_env_free(&t->env);
    assert_int_equal(t->budget.used, 0); /* everything was given back */
    guard_free(&t->guard);
}

static inline void talk_rest(struct talk *t, enum wst_dir d, struct wst_slice s)
{
    assert_true(t->rest_n[d] + s.n <= sizeof t->rest[d]);
    if (s.n) memcpy(t->rest[d] + t->rest_n[d], s.p, s.n);
    t->rest_n[d] += s.n;
}

static inline bool talk_passes(const struct talk *t)
{
    return t->http.state == WST_HTTP_UPGRADED || t->http.state == WST_HTTP_TUNNEL;
}

/* After anything that may have moved it on: what waited belongs to the next room. */
static inline void talk_settled(struct talk *t, enum wst_dir d, struct wst_slice rest)
{
    if (talk_passes(t)) {
        unsigned side;
        uint64_t from;
        for (struct wst_slice s; (s = wst_queue_take_earliest(t->http.wait, &side, &from)).n;)
            talk_rest(t, (enum wst_dir)side, s);
        talk_rest(t, d, rest);
    } else if (t->forgetful && wst_http_idle(&t->http)) {
        wst_http_free(&t->http, &t->env);
        memset(&t->http, 0, sizeof t->http);
        wst_http_init(&t->http, t);
    }
}

static inline void talk_push(struct talk *t, enum wst_dir d, struct wst_slice s)
{
    t->arrival.when.pkt++;
    t->arrival.when.ns += 1000;
    t->arrival.from = t->arrival.when.pkt;
    if (talk_passes(t)) {
        talk_rest(t, d, s);
        return;
    }
    struct wst_slice guarded = guard_put(&t->guard, s.p, s.n);
    size_t n = wst_http_push(&t->http, &t->env, d, guarded, &t->arrival);
    assert_true(n <= s.n &&
                (n == s.n || t->http.state != WST_HTTP_RUNNING || wst_http_answer_lost(&t->http)));
    talk_settled(t, d, wst_slice_skip(guarded, n));
}

static inline void talk_gap(struct talk *t, enum wst_dir d, uint64_t n)
{
    if (wst_http_before_gap(&t->http, &t->env, d, n, &t->arrival))
        wst_http_gap(&t->http, &t->env, d, n, &t->arrival);
}

static inline void talk_step(struct talk *t, const struct step *s)
{
    static const struct wst_slice nothing = {NULL, 0};
    t->arrival.when.pkt++;
    bool client = s->kind == STEP_LOST_REQUEST || s->kind == STEP_FIN_CLIENT;
    enum wst_dir d = client ? WST_C2S : WST_S2C;
    if (s->kind == STEP_OVER) {
        wst_http_unanswered(&t->http, &t->env, false, &t->arrival);
    } else if (!talk_passes(t)) {
        if (s->n)
            talk_gap(t, d, s->n);
        else
            wst_http_fin(&t->http, &t->env, d, &t->arrival);
        talk_settled(t, d, nothing);
    }
}

static inline void talk_end(struct talk *t)
{
    static const char *const words[] = {"running", "upgraded", "tunnel", "lost"};
    bool running = t->http.state == WST_HTTP_RUNNING;
    talk_say_text(t, running && wst_http_answer_lost(&t->http) ? "unanswered"
                     : running && wst_http_idle(&t->http)      ? "idle"
                                                               : words[t->http.state]);
    if (t->http.early_torn) talk_say_text(t, " torn");
    for (int d = 0; d < 2; d++)
        if (t->rest_n[d]) {
            talk_say_text(t, d == WST_C2S ? " >" : " <");
            talk_say(t, t->rest[d], t->rest_n[d]);
        }
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * The door of the http1 room. An input is a conversation:
 *
 *  | limits 1 | step | step | …
 *  step:  | what 1 | length 2 | bytes … |   what: 0 client, 1 server says the bytes
 *                                                 2, 3: `length` bytes of it are lost
 *                                                 4, 5: it ends; 6: the answer will not come
 *
 * Said whole and said by the byte, a conversation without losses is the same. What it begins with,
 * and each head that is found in it, is what the slow reader of heads says it is.
 */
#include "http1/http1.h"

#include <stdlib.h>

#include "http1/slow_head.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http_env env;
    struct wst_http http;
    struct wst_arrival arrival;
    uint64_t sum; /* of everything that was said */
    size_t rest[2];
    bool segments; /* where they begin mattered */
};

/* The modes of session.c that look at where a segment begins: a body up to the end, and blindness
 * after a gap. They are the last ones. */
enum { MODE_TO_END = 6 };

static void note(struct said *s, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n--) s->sum = (s->sum ^ *at++) * 1099511628211u;
}
static void note_slice(struct said *s, struct wst_slice x)
{
    uint8_t is = x.p != NULL;
    note(s, &is, 1);
    if (x.p) note(s, x.p, x.n);
}

static void on_handshake(void *user, void *conversation, struct wst_event_handshake *e,
                         const struct wst_arrival *a)
{
    struct said *s = user;
    if (conversation != s || !a) abort();
    note_slice(s, e->method);
    note_slice(s, e->uri);
    note_slice(s, e->host);
    note_slice(s, e->origin);
    note_slice(s, e->user_agent);
    note_slice(s, e->reason);
    note_slice(s, e->client_key);
    note_slice(s, e->server_accept);
    note_slice(s, e->accept_expected);
    note_slice(s, e->subprotocol);
    note_slice(s, e->client_extensions);
    note_slice(s, e->server_extensions);
    for (size_t i = 0; i < e->client_protocols_n; i++) note_slice(s, e->client_protocols[i]);
    for (size_t i = 0; i < e->request_headers_n; i++) {
        note_slice(s, e->request_headers[i].name);
        note_slice(s, e->request_headers[i].value);
    }
    for (size_t i = 0; i < e->response_headers_n; i++) {
        note_slice(s, e->response_headers[i].name);
        note_slice(s, e->response_headers[i].value);
    }
    note(s, &e->status, sizeof e->status);
    note(s, &e->version, sizeof e->version);
    note(s, &e->accept_ok, 1);
    if (e->accepted && e->status != 101 && e->status != -1) abort();
    if (e->deflate.agreed &&
        (e->deflate.server_max_window_bits < 8 || e->deflate.server_max_window_bits > 15 ||
         e->deflate.client_max_window_bits < 8 || e->deflate.client_max_window_bits > 15))
        abort();
}

static void on_problem(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                       const char *detail, const struct wst_arrival *a)
{
    struct said *s = user;
    (void)a;
    (void)dir;
    if (conversation != s || !wst_problem_row(problem) || !*detail) abort();
    for (const char *c = detail; *c; c++)
        if ((uint8_t)*c < 0x20) abort();
    uint8_t id = (uint8_t)problem;
    if (problem != WST_PROBLEM_HANDSHAKE_EARLY_DATA) note(s, &id, 1); /* a matter of segments */
}

static void compare(struct wst_slice bytes)
{
    if (!bytes.n || bytes.p[0] == '\r' || bytes.p[0] == '\n') return;
    if (slow_head_differs(bytes, wst_head_read) || slow_head_differs(bytes, wst_head_read_plain))
        abort();
}

static void on_head(void *user, void *conversation, enum wst_dir dir, struct wst_slice bytes)
{
    struct said *s = user;
    if (conversation != s || (dir != WST_C2S && dir != WST_S2C)) abort();
    compare(bytes);
}

static void push(struct said *s, enum wst_dir d, const uint8_t *p, size_t n, size_t piece)
{
    for (size_t i = 0; i < n; i += piece) {
        size_t k = n - i < piece ? n - i : piece;
        s->arrival.when.pkt++;
        s->arrival.from = s->arrival.when.pkt;
        if (s->http.state != WST_HTTP_RUNNING) {
            s->rest[d] += k;
            continue;
        }
        uint8_t *exact = malloc(k);
        if (!exact) return;
        memcpy(exact, p + i, k);
        if (k == n) compare((struct wst_slice){exact, k});
        size_t took =
            wst_http_push(&s->http, &s->env, d, (struct wst_slice){exact, k}, &s->arrival);
        free(exact);
        if (took < k && wst_http_answer_lost(&s->http)) { /* its caller looks for frames now */
            s->http.state = WST_HTTP_LOST;
            s->segments = true;
        }
        if (took > k || (took < k && s->http.state == WST_HTTP_RUNNING)) abort();
        if (s->http.side[0].mode >= MODE_TO_END || s->http.side[1].mode >= MODE_TO_END)
            s->segments = true;
        /* A request in place of the body that the one before announced begins a segment. */
        if (s->http.side[0].mode && s->http.side[0].untouched && !s->http.asked_n)
            s->segments = true;
        if (s->http.state == WST_HTTP_RUNNING) continue;
        /* A tunnel granted by an answer that was captured before its request: how much of what the
         * client sent behind that was read as requests depends. */
        if (s->http.state == WST_HTTP_TUNNEL && d == WST_C2S) s->segments = true;
        /* An answer that overtook the body of its request: how much of that was taken depends. */
        if (s->http.side[0].mode) s->segments = true;
        s->rest[0] += wst_queue_bytes(&s->http.wait[0]);
        s->rest[1] += wst_queue_bytes(&s->http.wait[1]);
        s->rest[d] += k - took;
    }
}

/* Returns whether everything was said by bytes alone. */
static bool run(struct said *s, const uint8_t *data, size_t size, size_t piece)
{
    bool plain = true;
    memset(s, 0, sizeof *s);
    s->options.headers = true;
    s->options.limits.max_head = data[0] & 1 ? 300 : 65536;
    s->options.limits.max_early = data[0] & 2 ? 100 : 1 << 20; /* a segment a byte, 17 each */
    s->options.limits.max_pipeline = 8;
    s->budget.max = data[0] & 4 ? 4096 : 1 << 24;
    s->env = (struct wst_http_env){.options = &s->options,
                                   .budget = &s->budget,
                                   .user = s,
                                   .handshake = on_handshake,
                                   .problem = on_problem,
                                   .head = on_head};
    wst_http_init(&s->http, s);
    for (size_t at = 1; at + 3 <= size;) {
        unsigned what = data[at] % 7;
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2];
        at += 3;
        if (what < 2) {
            if (n > size - at) n = size - at;
            push(s, (enum wst_dir)what, data + at, n, piece);
            at += n;
            continue;
        }
        plain = false;
        s->arrival.when.pkt++;
        if (s->http.state != WST_HTTP_RUNNING) continue;
        enum wst_dir dir = (enum wst_dir)(what & 1);
        if (what < 4) {
            if (wst_http_before_gap(&s->http, &s->env, dir, n, &s->arrival))
                wst_http_gap(&s->http, &s->env, dir, n, &s->arrival);
        } else if (what < 6) {
            wst_http_fin(&s->http, &s->env, dir, &s->arrival);
        } else {
            wst_http_unanswered(&s->http, &s->env, n & 1, &s->arrival);
        }
        (void)wst_http_idle(&s->http);
        (void)wst_http_answer_lost(&s->http);
    }
    wst_http_unanswered(&s->http, &s->env, false, &s->arrival);
    note(s, &s->http.state, 1);
    if (s->http.state != WST_HTTP_RUNNING && s->http.state != WST_HTTP_LOST)
        note(s, s->rest, sizeof s->rest);
    wst_http_free(&s->http, &s->env);
    wst_http_env_free(&s->env);
    if (s->budget.used) abort();
    return plain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said whole, bytes;
    if (size < 1) return 0;
    bool plain = run(&whole, data, size, SIZE_MAX / 2);
    run(&bytes, data, size, 1);
    plain = plain && !whole.segments && !bytes.segments;
    if (whole.http.state == WST_HTTP_LOST)
        plain = false; /* before an answer that waited, or after */
    if (plain && !(data[0] & 7) && whole.sum != bytes.sum) abort(); /* limits matter, too */
    return 0;
}

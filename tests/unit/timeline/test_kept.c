/* SPDX-License-Identifier: MIT
 *
 * Events that wait: told later, when nothing they pointed to is there any more, they are what they
 * were. A renderer is the judge; what it prints of the original is the truth.
 */
#include "kept.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <wstrace/render.h>

#include "text.h"

/* What events borrow lies here, and is overwritten after each. */
static uint8_t borrowed[1 << 20];
static size_t borrowed_n;

static struct wst_slice lend(uint64_t *seed, size_t most)
{
    size_t n = rnd_below(seed, most + 1);
    assert_true(borrowed_n + n <= sizeof borrowed);
    for (size_t i = 0; i < n; i++) borrowed[borrowed_n + i] = (uint8_t)('a' + rnd_below(seed, 26));
    struct wst_slice s = {borrowed + borrowed_n, n};
    borrowed_n += n;
    if (rnd_below(seed, 8) == 0) s = (struct wst_slice){NULL, 0};
    return s;
}

static const char *lend_text(uint64_t *seed)
{
    struct wst_slice s = lend(seed, 40);
    if (!s.p) return NULL;
    borrowed[borrowed_n++] = 0;
    return (const char *)s.p;
}

static void *lend_array(size_t n, size_t size)
{
    borrowed_n = (borrowed_n + 15) / 16 * 16;
    void *p = borrowed + borrowed_n;
    borrowed_n += n * size;
    return p;
}

static struct wst_header *lend_headers(uint64_t *seed, size_t n)
{
    struct wst_header *h = lend_array(n, sizeof *h);
    for (size_t i = 0; i < n; i++) h[i] = (struct wst_header){lend(seed, 20), lend(seed, 200)};
    return h;
}

static void any_handshake(struct wst_event_handshake *h, uint64_t *seed)
{
    struct wst_slice *const slices[] = {&h->method,
                                        &h->host,
                                        &h->uri,
                                        &h->origin,
                                        &h->user_agent,
                                        &h->reason,
                                        &h->client_key,
                                        &h->server_accept,
                                        &h->accept_expected,
                                        &h->subprotocol,
                                        &h->client_extensions,
                                        &h->server_extensions};
    *h = (struct wst_event_handshake){.carrier = WST_CARRIER_HTTP1,
                                      .client_ip = "10.0.0.1",
                                      .server_ip = "::1",
                                      .version = 13,
                                      .status = 101,
                                      .accepted = true,
                                      .headers = true};
    for (size_t i = 0; i < ARRAY(slices); i++) *slices[i] = lend(seed, 60);
    if (rnd_below(seed, 2)) {
        struct wst_tls_info *tls = lend_array(1, sizeof *tls);
        *tls = (struct wst_tls_info){lend_text(seed), lend_text(seed), lend_text(seed),
                                     lend_text(seed)};
        h->tls = tls;
    }
    h->client_protocols_n = rnd_below(seed, 4);
    struct wst_slice *protocols = lend_array(h->client_protocols_n, sizeof *protocols);
    for (size_t i = 0; i < h->client_protocols_n; i++) protocols[i] = lend(seed, 20);
    h->client_protocols = protocols;
    h->request_headers_n = rnd_below(seed, 9);
    h->request_headers = lend_headers(seed, h->request_headers_n);
    h->response_headers_n = rnd_below(seed, 9);
    h->response_headers = lend_headers(seed, h->response_headers_n);
    h->refusal_n = rnd_below(seed, 9);
    h->refusal = lend_headers(seed, h->refusal_n);
}

static void any_event(struct wst_event *e, uint64_t *seed)
{
    static const size_t sizes[] = {0, 1, 100, 5000, 70000, 300000};
    size_t size = sizes[rnd_below(seed, ARRAY(sizes))];
    *e = (struct wst_event){.dir = (enum wst_dir)rnd_below(seed, 2),
                            .conn = 1 + rnd_below(seed, 1000),
                            .when = {rnd_below(seed, 100000), 1700000000000000000}};
    borrowed_n = 0;
    switch (rnd_below(seed, 7)) {
    case 0:
        e->type = WST_EVENT_HANDSHAKE;
        e->dir = WST_DIR_NONE;
        any_handshake(&e->handshake, seed);
        break;
    case 1:
        e->type = WST_EVENT_FRAME;
        e->frame = (struct wst_event_frame){.n = 7, .opcode = 9, .utf8 = true, .header_len = 2};
        e->frame.payload = lend(seed, size);
        break;
    case 2:
        e->type = WST_EVENT_CLOSE;
        e->close = (struct wst_event_close){1000, "normal closure", lend(seed, 120), 0, true};
        break;
    case 3:
        e->type = WST_EVENT_GAP;
        e->gap.bytes = rnd_below(seed, 99);
        break;
    case 4:
        e->type = WST_EVENT_PROBLEM;
        e->problem = (struct wst_event_problem){.problem = WST_PROBLEM_LIMIT_MESSAGE, .offset = 3};
        if (!(e->problem.detail = lend_text(seed))) e->problem.detail = "";
        break;
    case 5:
        e->type = WST_EVENT_END;
        e->dir = WST_DIR_NONE;
        e->end = (struct wst_event_end){.tcp = WST_TCP_RST, .code = 1006, .duration_ns = 5};
        break;
    default:
        e->type = WST_EVENT_MESSAGE;
        e->message =
            (struct wst_event_message){.msg = 3, .opcode = 1, .certain = true, .utf8 = true};
        e->message.payload = lend(seed, size);
        if (!e->message.payload.p) e->message.payload.p = (const uint8_t *)"";
    }
}

static void as_they_were(void **state)
{
    struct text want = {0}, got = {0};
    struct wst_render *first = wst_render_json_new(text_keep, &want),
                      *second = wst_render_json_new(text_keep, &got);
    struct wst_listener told = wst_render_listener(first), later = wst_render_listener(second);
    struct wst_kept kept;
    uint64_t seed = 5;
    (void)state;
    assert_true(wst_kept_init(&kept));
    size_t waiting = 0;
    for (unsigned i = 0; i < 3000; i++) {
        struct wst_event e;
        any_event(&e, &seed);
        told.event(told.user, &e);
        assert_true(wst_kept_put(&kept, &e));
        memset(borrowed, 0xdd, borrowed_n);
        memset(&e, 0xdd, sizeof e);
        waiting++;
        for (size_t n = rnd_below(&seed, 5) == 0 ? rnd_below(&seed, waiting + 1) : 0; n--;
             waiting--) {
            later.event(later.user, wst_kept_take(&kept));
            wst_kept_drop(&kept, kept.out);
        }
    }
    for (; waiting; waiting--) later.event(later.user, wst_kept_take(&kept));
    assert_int_equal(kept.put, kept.taken);
    wst_render_flush(first);
    wst_render_flush(second);
    assert_int_equal(want.n, got.n);
    assert_memory_equal(want.p, got.p, want.n);
    wst_render_free(first);
    wst_render_free(second);
    wst_kept_free(&kept);
    free(want.p);
    free(got.p);
}

/* Put in in one order, taken out in another, a few at a time from each place. */
static void from_any_place(void **state)
{
    enum { GROUPS = 40, EACH = 5 };
    struct wst_kept_place places[GROUPS];
    struct wst_kept kept;
    uint64_t seed = 7;
    (void)state;
    assert_true(wst_kept_init(&kept));
    for (unsigned round = 0; round < 20; round++) {
        unsigned n[GROUPS];
        for (unsigned g = 0; g < GROUPS; g++) {
            places[g] = wst_kept_end(&kept);
            n[g] = (unsigned)rnd_below(&seed, EACH);
            for (unsigned i = 0; i < n[g]; i++) {
                struct wst_event e;
                any_event(&e, &seed);
                e.conn = g * EACH + i;
                assert_true(wst_kept_put(&kept, &e));
            }
        }
        struct wst_kept_place end = wst_kept_end(&kept);
        for (unsigned step = 0; step < GROUPS; step++) {
            unsigned g = step * 7 % GROUPS;
            if (n[g]) wst_kept_seek(&kept, places[g]);
            for (unsigned i = 0; i < n[g]; i++)
                assert_int_equal(wst_kept_take(&kept)->conn, g * EACH + i);
        }
        assert_int_equal(kept.put, kept.taken);
        wst_kept_drop(&kept, end);
    }
    wst_kept_free(&kept);
}

/* The same size is told whatever the room, and nothing is written beyond it (ASan watches). */
static void in_any_room(void **state)
{
    uint64_t seed = 8;
    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        struct wst_event e;
        any_event(&e, &seed);
        size_t n = wst_event_copy(NULL, 0, &e),
               room = rnd_below(&seed, 2) ? n : rnd_below(&seed, n);
        uint8_t *to = malloc(room);
        assert_int_equal(n % WST_EVENT_ALIGN, 0);
        assert_int_equal(wst_event_copy(to, room, &e), n);
        free(to);
    }
    assert_int_equal(wst_event_copy(NULL, 0, &(struct wst_event){.type = WST_EVENT_META}), 0);
    assert_int_equal(wst_event_copy(NULL, 0, &(struct wst_event){.type = WST_EVENT_STATS}), 0);
}

/* What was put in and never taken is given back (the leak checker watches). */
static void left_behind(void **state)
{
    struct wst_kept kept;
    struct wst_event e;
    uint64_t seed = 6;
    (void)state;
    assert_true(wst_kept_init(&kept));
    for (unsigned i = 0; i < 100; i++) {
        any_event(&e, &seed);
        assert_true(wst_kept_put(&kept, &e));
        if (i % 3) wst_kept_take(&kept);
        if (i % 7 == 0) wst_kept_drop(&kept, kept.out);
    }
    wst_kept_free(&kept);
}

struct exchange {
    struct wst_kept kept;
    atomic_uint there;
};

enum { EXCHANGED = 20000 };

static void *putting(void *user)
{
    struct exchange *x = user;
    for (unsigned i = 0; i < EXCHANGED; i++) {
        char text[64];
        struct wst_event e = {.type = WST_EVENT_PROBLEM, .conn = i};
        snprintf(text, sizeof text, "event %u", i);
        e.problem.detail = text;
        if (!wst_kept_put(&x->kept, &e)) abort();
        atomic_store(&x->there, i + 1);
    }
    return NULL;
}

/* One thread puts in, one takes out. The thread sanitizer watches. */
static void two_threads(void **state)
{
    struct exchange x;
    pthread_t thread;
    (void)state;
    assert_true(wst_kept_init(&x.kept));
    atomic_init(&x.there, 0);
    assert_int_equal(pthread_create(&thread, NULL, putting, &x), 0);
    for (unsigned i = 0; i < EXCHANGED;) {
        for (unsigned there = atomic_load(&x.there); i < there; i++) {
            char text[64];
            const struct wst_event *e = wst_kept_take(&x.kept);
            snprintf(text, sizeof text, "event %u", i);
            assert_int_equal(e->conn, i);
            assert_string_equal(e->problem.detail, text);
        }
        wst_kept_drop(&x.kept, x.kept.out);
        sched_yield();
    }
    pthread_join(thread, NULL);
    wst_kept_free(&x.kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_they_were), cmocka_unit_test(from_any_place),
        cmocka_unit_test(in_any_room),  cmocka_unit_test(left_behind),
        cmocka_unit_test(two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

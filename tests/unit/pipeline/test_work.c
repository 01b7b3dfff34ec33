/* SPDX-License-Identifier: MIT
 *
 * Several threads, and one that does many steps together, tell what one tells that does each at
 * once, byte for byte: whatever is lost, whatever has to be forgotten for want of memory, wherever
 * the capture ends.
 */
#include <wstrace/render.h>
#include <zlib.h>

#include "flows.h"
#include "text.h"

enum { TALKERS = 18, STEPS = 260, MESSAGE = 200000 };

/* -- the capture ------------------------------------------------------------------------------- */

struct talker {
    struct tcp tcp;
    z_stream z[2];
    bool plain, inside[2]; /* inside: a message goes on */
};

static void talker_open(struct talker *t, struct packets *k, unsigned i)
{
    static const char accepted[] =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    char answer[400];
    *t = (struct talker){.plain = i % 6 == 5};
    snprintf(answer, sizeof answer, "%s%s\r\n", accepted,
             t->plain ? "" : "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    tcp_open(&t->tcp, k, (uint16_t)(41000 + i));
    if (i % 7 != 3) {
        tcp_syn(&t->tcp);
        tcp_data(&t->tcp, 0, REQUEST, strlen(REQUEST));
        tcp_data(&t->tcp, 1, answer, strlen(answer));
    } /* else joined in the middle */
    for (int d = 0; d < 2; d++)
        assert_int_equal(deflateInit2(&t->z[d], 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
}

/* Words, or zeros: a bomb. */
static size_t message(uint8_t *p, uint64_t *seed)
{
    static const size_t sizes[] = {0, 20, 300, 2000, 2000, 20000, MESSAGE};
    size_t n = sizes[rnd_below(seed, ARRAY(sizes))];
    if (n) n = 1 + rnd_below(seed, n);
    bool zeros = rnd_below(seed, 10) == 0;
    for (size_t i = 0; i < n; i++)
        p[i] = (uint8_t)(zeros                ? '0'
                         : rnd_below(seed, 3) ? "etaoin shrdlu"[rnd_below(seed, 13)]
                                              : ' ' + (int)rnd_below(seed, 94));
    return n;
}

static size_t deflated(z_stream *z, uint8_t *p, size_t n, uint8_t *out, size_t room)
{
    z->next_in = p;
    z->avail_in = (uInt)n;
    z->next_out = out;
    z->avail_out = (uInt)room;
    int end = deflate(z, Z_SYNC_FLUSH);
    assert_true(end == Z_OK || end == Z_BUF_ERROR); /* nothing to say */
    size_t size = room - z->avail_out;
    return size >= 4 ? size - 4 : 0;
}

/* One frame, in segments, some of which never come. */
static void talk(struct talker *t, uint64_t *seed)
{
    static uint8_t bytes[MESSAGE + 1], out[MESSAGE + 65536], frame[MESSAGE + 65600];
    int d = (int)rnd_below(seed, 2);
    if (rnd_below(seed, 20) == 0) {
        tcp_data(&t->tcp, d, frame, put_frame(frame, 0x89, d == 0, seed, "are you there", 13));
        return;
    }
    bool compressed = !t->plain && rnd_below(seed, 8), last = rnd_below(seed, 5);
    size_t n = message(bytes, seed);
    if (compressed) n = deflated(&t->z[d], bytes, n, out, sizeof out);
    unsigned first = (last ? 0x80u : 0) | (t->inside[d] ? 0 : compressed ? 0x41 : 1);
    n = put_frame(frame, first, d == 0, seed, compressed ? out : bytes, n);
    t->inside[d] = !last;
    size_t cut = 1 + rnd_below(seed, 9000);
    for (size_t at = 0; at < n; at += cut) {
        size_t k = n - at < cut ? n - at : cut;
        if (rnd_below(seed, 300) == 0)
            t->tcp.seq[d] += (uint32_t)k;
        else
            tcp_data(&t->tcp, d, frame + at, k);
        if (rnd_below(seed, 4) == 0) tcp_packet(&t->tcp, !d, ACK, NULL, 0);
    }
}

static void capture(struct packets *k, uint64_t seed)
{
    static struct talker all[TALKERS];
    for (unsigned i = 0; i < TALKERS; i++) talker_open(&all[i], k, i);
    for (unsigned s = 0; s < STEPS; s++) {
        struct talker *t = &all[rnd_below(&seed, TALKERS)];
        talk(t, &seed);
        if (k->n > 4 && rnd_below(&seed, 8) == 0) /* overtaken */
            packets_swap(k, k->n - 1 - rnd_below(&seed, 4), k->n - 1);
    }
    for (unsigned i = 0; i < TALKERS; i++) {
        if (i % 3) tcp_fin(&all[i].tcp);
        deflateEnd(&all[i].z[0]);
        deflateEnd(&all[i].z[1]);
    }
}

/* -- what is told ------------------------------------------------------------------------------ */

struct how {
    uint32_t jobs, batch, batch_from;
};

static const struct how at_once = {1, 0, 0};

static struct text tell(const struct packets *k, const struct wst_options *o, struct how how,
                        size_t packets, bool finish, size_t *most)
{
    struct text text = {0};
    struct wst_options options = *o;
    struct wst_render *render = wst_render_json_new(text_keep, &text);
    struct wst_listener listener = wst_render_listener(render);
    options.jobs = how.jobs;
    options.batch = how.batch;
    options.batch_from = how.batch_from;
    struct wst_context *c = wst_context_new(&options, &listener);
    assert_non_null(c);
    wst_context_begin(c, &(struct wst_event_meta){0});
    for (size_t i = 0; i < packets; i++) {
        context_feed(c, k, i);
        if (most && wst_context_memory(c) > *most) *most = wst_context_memory(c);
        if (i % 1000 == 999) { /* all that would have been told at once by now */
            wst_context_settle(c);
            wst_render_flush(render);
            text_keep(&text, (const uint8_t *)"--\n", 3);
        }
    }
    if (finish) wst_context_finish(c, NULL);
    wst_context_free(c);
    wst_render_flush(render);
    wst_render_free(render);
    return text;
}

static void expect_same(const struct text *want, const struct text *got)
{
    size_t i = 0, line = 0;
    while (i < want->n && i < got->n && want->p[i] == got->p[i]) {
        i++;
        if (want->p[i - 1] == '\n') line = i;
    }
    if (i == want->n && i == got->n) return;
    print_error("at once: %.300s\nlater:   %.300s\n", line < want->n ? want->p + line : "",
                line < got->n ? got->p + line : "");
    fail();
}

static unsigned count(const struct text *t, const char *what)
{
    unsigned n = 0;
    size_t k = strlen(what);
    for (size_t i = 0; i + k <= t->n; i++) n += t->p[i] == what[0] && !memcmp(t->p + i, what, k);
    return n;
}

static void options_for(struct wst_options *o, size_t memory, size_t max_message)
{
    wst_options_init(o);
    o->hash_seed[0] = 1;
    o->limits.memory = memory;
    o->limits.max_message = max_message;
    o->problems = WST_PROBLEMS_ALL;
}

static void every_budget(void **state)
{
    static const struct {
        size_t memory, max_message;
    } cases[] = {{1 << 30, 16 << 20}, {64 << 20, 1 << 20}, {20 << 20, 64 << 10},
                 {12 << 20, 1 << 20}, {3 << 20, 16 << 20}, {2 << 20, 64 << 10}};
    static const struct how later[] = {{2, 0, 0}, {3, 4096, 0}, {1, 7, 0}, {1, 4096, 0}};
    unsigned evicted = 0, messages = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        struct packets k = {0};
        capture(&k, seed);
        for (size_t i = 0; i < ARRAY(cases); i++) {
            struct wst_options o;
            size_t most = 0;
            options_for(&o, cases[i].memory, cases[i].max_message);
            if (i % 2) o.max_payload = 500;
            struct text want = tell(&k, &o, at_once, k.n, true, &most);
            assert_true(most <= cases[i].memory);
            evicted += count(&want, "capture.evicted") + count(&want, "limit.context");
            messages += count(&want, "\"type\":\"message\"");
            for (size_t j = 0; j < ARRAY(later); j++) {
                most = 0;
                struct text got = tell(&k, &o, later[j], k.n, true, &most);
                expect_same(&want, &got);
                assert_true(most <= cases[i].memory);
                free(got.p);
            }
            free(want.p);
        }
        packets_free(&k);
    }
    print_message("%u messages, %u connections or contexts forgotten\n", messages, evicted);
    assert_true(evicted > 20 && messages > 1000);
}

/* Let go of at any packet, with or without an end (the leak checker watches). */
static void any_end(void **state)
{
    struct packets k = {0};
    struct wst_options o;
    uint64_t seed = 9;
    (void)state;
    capture(&k, 4);
    options_for(&o, 32 << 20, 256 << 10);
    for (unsigned i = 0; i < 6; i++) {
        size_t packets = rnd_below(&seed, k.n + 1);
        static const struct how later[] = {
            {WST_JOBS_MAX, 64, 0}, {1, 1, 0}, {1, 2, 0}, {1, 64, 10}};
        struct text want = tell(&k, &o, at_once, packets, i % 2, NULL);
        for (size_t j = 0; j < ARRAY(later); j++) {
            struct text got = tell(&k, &o, later[j], packets, i % 2, NULL);
            if (i % 2) expect_same(&want, &got);
            free(got.p);
        }
        free(want.p);
    }
    packets_free(&k);
}

/* More comes out of one batch than is kept: what is left of it is done when it is told. */
static void swollen(void **state)
{
    enum { BOMBS = 60, SIZE = 700000 };
    static struct talker all[BOMBS];
    static uint8_t zeros[SIZE], out[SIZE / 100], frame[SIZE / 50];
    struct packets k = {0};
    struct wst_options o;
    uint64_t seed = 3;
    (void)state;
    memset(zeros, '0', sizeof zeros);
    for (unsigned i = 0; i < BOMBS; i++) {
        talker_open(&all[i], &k, 7 * i);
        size_t n = deflated(&all[i].z[0], zeros, sizeof zeros, out, sizeof out);
        if (all[i].plain) continue;
        tcp_data(&all[i].tcp, 0, frame, put_frame(frame, 0xc1, true, &seed, out, n));
    }
    for (unsigned i = 0; i < BOMBS; i++) {
        deflateEnd(&all[i].z[0]);
        deflateEnd(&all[i].z[1]);
    }
    options_for(&o, 1 << 30, 1 << 20);
    static const struct how later[] = {{1, 4096, 0}, {2, 4096, 0}};
    struct text want = tell(&k, &o, at_once, k.n, true, NULL);
    assert_true(want.n > 40 * SIZE / 2);
    for (size_t j = 0; j < ARRAY(later); j++) {
        struct text got = tell(&k, &o, later[j], k.n, true, NULL);
        expect_same(&want, &got);
        free(got.p);
    }
    free(want.p);
    packets_free(&k);
}

/* So many steps that both ways are tried (base/trial.h), whichever wins here: by one thread that
 * does all, and by each of two. */
static void both_ways(void **state)
{
    enum { CONNECTIONS = 5, MESSAGES = 75000 };
    static struct talker all[CONNECTIONS];
    struct packets k = {0};
    struct wst_options o;
    uint64_t seed = 11;
    uint8_t bytes[40], out[200], frame[300];
    (void)state;
    for (unsigned i = 0; i < CONNECTIONS; i++) talker_open(&all[i], &k, i + 6 * (i == 3));
    for (unsigned i = 0; i < MESSAGES; i++) {
        struct talker *t = &all[rnd_below(&seed, CONNECTIONS)];
        int d = (int)rnd_below(&seed, 2);
        size_t n = 1 + rnd_below(&seed, sizeof bytes);
        for (size_t b = 0; b < n; b++) bytes[b] = (uint8_t)('a' + rnd_below(&seed, 26));
        n = deflated(&t->z[d], bytes, n, out, sizeof out);
        tcp_data(&t->tcp, d, frame, put_frame(frame, 0xc1, d == 0, &seed, out, n));
    }
    options_for(&o, 1 << 30, 1 << 20);
    struct text want = tell(&k, &o, at_once, k.n, true, NULL);
    assert_int_equal(count(&want, "\"type\":\"message\""), MESSAGES);
    for (uint32_t jobs = 1; jobs <= 2; jobs++) {
        struct text got = tell(&k, &o, (struct how){jobs, 4096, 2}, k.n, true, NULL);
        expect_same(&want, &got);
        free(got.p);
    }
    for (unsigned i = 0; i < CONNECTIONS; i++)
        for (int d = 0; d < 2; d++) deflateEnd(&all[i].z[d]);
    free(want.p);
    packets_free(&k);
}

/* Compressed connections have become few: what they said does not wait for more of it. */
static void mostly_plain(void **state)
{
    enum { PACKETS = 300, FRAMES = 10 };
    static struct talker one, other;
    uint8_t text[] = "one of many", out[64], frame[64], many[FRAMES * 64];
    struct packets k = {0};
    struct wst_options o;
    uint64_t seed = 4;
    (void)state;
    talker_open(&one, &k, 0);
    talker_open(&other, &k, 5);
    assert_true(!one.plain && other.plain);
    size_t n = deflated(&one.z[0], text, sizeof text - 1, out, sizeof out);
    tcp_data(&one.tcp, 0, frame, put_frame(frame, 0xc1, true, &seed, out, n));
    for (unsigned i = 0; i < PACKETS; i++) {
        n = 0;
        for (unsigned j = 0; j < FRAMES; j++)
            n += put_frame(many + n, 0x81, true, &seed, text, sizeof text - 1);
        tcp_data(&other.tcp, 0, many, n);
    }
    options_for(&o, 1 << 30, 1 << 20);
    static const struct how later = {1, 4096, 0};
    struct text want = tell(&k, &o, at_once, k.n, false, NULL);
    struct text few = tell(&k, &o, later, k.n / 2, false, NULL);
    struct text got = tell(&k, &o, later, k.n, false, NULL);
    assert_int_equal(count(&few, "\"type\":\"message\""), 0);
    assert_int_equal(count(&want, "\"type\":\"message\""), PACKETS * FRAMES + 1);
    expect_same(&want, &got);
    for (int d = 0; d < 2; d++) {
        deflateEnd(&one.z[d]);
        deflateEnd(&other.z[d]);
    }
    free(want.p);
    free(few.p);
    free(got.p);
    packets_free(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_budget), cmocka_unit_test(any_end),      cmocka_unit_test(swollen),
        cmocka_unit_test(both_ways),    cmocka_unit_test(mostly_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The walk through compressed bytes, held against zlib: the examples of RFC 7692 section 7.2.3 as
 * they are printed there, every compressed message of every shipped capture, what zlib's compressor
 * makes of random texts in all its ways, and random bytes, which both must refuse alike.
 */
#include "guard.h"
#include "inflate.h"

#include <dirent.h>
#include <stdio.h>
#include <wstrace/wstrace.h>
#include <zlib.h>

/* What zlib makes of the same: a raw stream with `history` before it. NULL: it refuses. */
static uint8_t *oracle(struct wst_slice history, struct wst_slice in, size_t *n)
{
    static const uint8_t tail[] = {0, 0, 0xff, 0xff};
    size_t room = 1 << 16;
    uint8_t *out = malloc(room), *all = malloc(in.n + 4);
    z_stream z = {0};
    assert_true(out && all);
    memcpy(all, in.p, in.n);
    memcpy(all + in.n, tail, 4);
    assert_int_equal(inflateInit2(&z, -15), Z_OK);
    if (history.n > 32768) history = (struct wst_slice){history.p + history.n - 32768, 32768};
    assert_int_equal(inflateSetDictionary(&z, history.p, (uInt)history.n), Z_OK);
    z.next_in = all;
    z.avail_in = (uInt)in.n + 4;
    z.next_out = out;
    z.avail_out = (uInt)room;
    int ret;
    while ((ret = inflate(&z, Z_SYNC_FLUSH)) == Z_OK && z.avail_out == 0) {
        size_t made = room;
        out = realloc(out, room *= 2);
        assert_non_null(out);
        z.next_out = out + made;
        z.avail_out = (uInt)(room - made);
    }
    *n = room - z.avail_out;
    bool good = ret == Z_OK && z.avail_in == 0 && (z.data_type & 128);
    inflateEnd(&z);
    free(all);
    if (good) return out;
    free(out);
    return NULL;
}

struct steps {
    struct wst_walk_step all[64];
    size_t n;
    uint64_t bit; /* where the last one ended: they follow one another */
};

static void on_step(void *user, const struct wst_walk_step *s)
{
    struct steps *t = user;
    assert_true(s->bit >= t->bit && s->bit - t->bit < 8);
    t->bit = s->bit + s->bits;
    if (t->n < ARRAY(t->all)) t->all[t->n] = *s;
    t->n++;
}

static void assert_text(const struct wst_walk *w, const char *text)
{
    assert_int_equal(w->n, strlen(text));
    assert_memory_equal(w->out, text, w->n);
}

/* -- RFC 7692 section 7.2.3 -------------------------------------------------------------------- */

static void test_rfc(void **state)
{
    (void)state;
    static const struct {
        const char *section;
        struct wst_slice in;
        enum wst_walk_end end;
        bool tail;
        const char *kinds; /* b block, l literal, m match, s stored, e end */
    } rows[] = {
        {"7.2.3.1", SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), WST_WALK_FINE, true, "blllllebs"},
        {"7.2.3.3", SLICE("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"), WST_WALK_FINE, true,
         "bsbs"},
        {"7.2.3.4", SLICE("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"), WST_WALK_FINE, true, "blllllebs"},
        {"7.2.3.5", SLICE("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"), WST_WALK_FINE,
         true, "bllebsblllebs"},
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct steps t = {0};
        struct wst_walk w = {.max = 100, .user = &t, .step = on_step};
        wst_walk_run(&w, rows[i].in, true);
        assert_text(&w, "Hello");
        assert_int_equal(w.end, rows[i].end);
        assert_int_equal(w.tail_added, rows[i].tail);
        assert_int_equal(t.n, strlen(rows[i].kinds));
        for (size_t k = 0; k < t.n; k++)
            assert_int_equal("bsclme"[t.all[k].kind], rows[i].kinds[k]);
        free(w.out);
    }
}

/* 7.2.3.2: the same text again, sharing the window of the message before: "f2 00 11 00 00" */
static void test_rfc_window(void **state)
{
    (void)state;
    struct steps t = {0};
    struct wst_walk w = {.history = SLICE("Hello"), .max = 100, .user = &t, .step = on_step};
    struct wst_slice in = SLICE("\xf2\x00\x11\x00\x00");
    wst_walk_run(&w, in, true);
    assert_text(&w, "Hello");
    assert_int_equal(w.end, WST_WALK_FINE);
    assert_int_equal(t.all[1].kind, WST_WALK_LITERAL);
    assert_int_equal(t.all[1].byte, 'H');
    assert_int_equal(t.all[2].kind, WST_WALK_MATCH);
    assert_int_equal(t.all[2].length, 4);
    assert_int_equal(t.all[2].distance, 5);
    free(w.out);
}

static void test_refused(void **state)
{
    (void)state;
    static const struct {
        struct wst_slice in;
        enum wst_walk_end end;
    } rows[] = {
        {SLICE("\x06"), WST_WALK_BAD_TYPE},
        {SLICE("\x00\x05\x00\x00\x00"), WST_WALK_BAD_STORED},
        {SLICE("\xf2\x00\x11\x00\x00"), WST_WALK_BAD_DISTANCE},
        {SLICE("\xfc\x00\x00\x00\x00\x00\x00"), WST_WALK_BAD_CODES},
        {SLICE("\xf2\x48"), WST_WALK_TRUNCATED},
        {SLICE(""), WST_WALK_TRUNCATED},
    };
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_walk w = {.max = 100};
        wst_walk_run(&w, rows[i].in, true);
        assert_int_equal(w.end, rows[i].end);
        assert_true(wst_walk_end_text(w.end)[0]);
        free(w.out);
    }
    struct wst_walk w = {.max = 3};
    wst_walk_run(&w, (struct wst_slice)SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00"), true);
    assert_int_equal(w.end, WST_WALK_LIMIT);
    assert_text(&w, "Hel");
    free(w.out);
}

/* A part of a message gives the front of its text, and never more. */
static void test_parts(void **state)
{
    (void)state;
    struct wst_slice in = SLICE("\xf2\x48\xcd\xc9\xc9\x07\x00");
    for (size_t n = 0; n <= in.n; n++) {
        struct wst_walk w = {.max = 100};
        wst_walk_run(&w, (struct wst_slice){in.p, n}, false);
        assert_true(w.n <= 5 && !memcmp(w.out ? w.out : (uint8_t *)"", "Hello", w.n));
        assert_false(w.tail_added);
        assert_true(w.end == WST_WALK_TRUNCATED || w.end == WST_WALK_FINE);
        free(w.out);
    }
}

/* -- what zlib writes -------------------------------------------------------------------------- */

static size_t random_text(uint64_t *seed, uint8_t *to, size_t room)
{
    static const char *const words[] = {
        "{\"type\":\"", "ticker",           "price", "\",", "Hello", "0.1", "\xc3\xa4",
        "<b>",          "aaaaaaaaaaaaaaaa", "\n"};
    size_t n = 0, most = rnd_below(seed, room);
    while (n + 16 < most) {
        if (rnd_below(seed, 4) == 0) {
            to[n++] = (uint8_t)rnd(seed);
            continue;
        }
        const char *word = words[rnd_below(seed, ARRAY(words))];
        memcpy(to + n, word, strlen(word));
        n += strlen(word);
    }
    return n;
}

static void test_deflated(void **state)
{
    (void)state;
    static const int strategies[] = {Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE,
                                     Z_FIXED};
    static uint8_t text[100000], packed[200000], history[32768];
    uint64_t seed = 77;
    for (int round = 0; round < 300; round++) {
        size_t n = random_text(&seed, text, round % 10 ? 2000 : sizeof text);
        size_t before = random_text(&seed, history, sizeof history);
        z_stream z = {0};
        int level = (int)rnd_below(&seed, 10), bits = 9 + (int)rnd_below(&seed, 7);
        assert_int_equal(deflateInit2(&z, level, Z_DEFLATED, -bits, 8,
                                      strategies[rnd_below(&seed, ARRAY(strategies))]),
                         Z_OK);
        deflateSetDictionary(&z, history, (uInt)before);
        z.next_in = text;
        z.avail_in = (uInt)n;
        z.next_out = packed;
        z.avail_out = sizeof packed;
        assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
        size_t len = sizeof packed - z.avail_out;
        deflateEnd(&z);
        assert_memory_equal(packed + len - 4, "\0\0\xff\xff", 4);
        for (int kept = 0; kept < 2;
             kept++) { /* also when the sender forgot to take the tail off */
            struct steps t = {0};
            struct wst_walk w = {
                .history = {history, before}, .max = sizeof text, .user = &t, .step = on_step};
            wst_walk_run(&w, (struct wst_slice){packed, kept ? len : len - 4}, true);
            assert_int_equal(w.end, WST_WALK_FINE);
            assert_int_equal(w.n, n);
            if (n) assert_memory_equal(w.out, text, n);
            free(w.out);
        }
    }
}

/* Bytes that nobody compressed, and compressed ones with a bit turned: the same verdict as zlib's,
 * and the same output. */
static void test_random(void **state)
{
    (void)state;
    uint64_t seed = 5;
    unsigned agreed = 0, refused = 0;
    for (int round = 0; round < 20000; round++) {
        uint8_t bytes[64];
        size_t n = 1 + rnd_below(&seed, sizeof bytes), made;
        rnd_fill(&seed, bytes, n);
        bytes[0] = (uint8_t)((bytes[0] & 0xf8) | (rnd_below(&seed, 3) << 1)); /* BFINAL 0 */
        struct wst_slice history = SLICE("what was said before, and so on"), in = {bytes, n};
        uint8_t *out = oracle(history, in, &made);
        struct wst_walk w = {.history = history, .max = 1 << 20};
        wst_walk_run(&w, in, true);
        /* After a last block the walk goes on where zlib would have to be told to. */
        if (out) {
            assert_int_equal(w.end, WST_WALK_FINE);
            assert_int_equal(w.n, made);
            assert_memory_equal(w.out ? w.out : bytes, out, made);
            agreed++;
        } else {
            refused++;
        }
        free(w.out);
        free(out);
    }
    assert_true(agreed > 100 && refused > 1000);
}

/* -- every compressed message of the captures -------------------------------------------------- */

struct side {
    uint8_t *raw, *history;
    size_t raw_n, history_n;
    bool compressed, torn, lost;
};

struct watch { /* connections of one capture; few enough for an array */
    struct side sides[256][2];
    bool takeover[256][2];
    uint64_t messages, compared, unknown; /* unknown: they lean on bytes that the capture lacks */
};

static void on_wire_frame(void *user, const struct wst_wire_frame *f)
{
    struct watch *w = user;
    const struct wst_event_frame *e = &f->event->frame;
    struct side *s = &w->sides[f->event->conn][f->event->dir];
    if (e->opcode > 2) return;
    if (e->opcode) {
        s->raw_n = 0;
        s->torn = false;
    }
    if (f->payload.n < e->len || !f->header.p) s->torn = true;
    s->raw = realloc(s->raw, s->raw_n + f->payload.n + 1);
    for (size_t i = 0; i < f->payload.n; i++)
        s->raw[s->raw_n++] = f->payload.p[i] ^ (e->masked ? e->mask_key[i & 3] : 0);
}

static void remember(struct side *s, const struct wst_slice text)
{
    s->history = realloc(s->history, s->history_n + text.n + 1);
    memcpy(s->history + s->history_n, text.p, text.n);
    s->history_n += text.n;
    if (s->history_n <= 32768) return;
    memmove(s->history, s->history + s->history_n - 32768, 32768);
    s->history_n = 32768;
}

/* What the walk makes of it is what the library made of it, with zlib. */
static void compare(struct watch *w, const struct side *s, const struct wst_event_message *m)
{
    struct steps t = {0};
    struct wst_walk walk = {
        .history = {s->history, s->history_n}, .max = 64 << 20, .user = &t, .step = on_step};
    wst_walk_run(&walk, (struct wst_slice){s->raw, s->raw_n}, true);
    if (walk.end == WST_WALK_BAD_DISTANCE && s->lost) {
        w->unknown++;
    } else {
        assert_true(walk.end == WST_WALK_FINE || walk.end == WST_WALK_FINAL);
        assert_int_equal(walk.n, m->len);
        assert_memory_equal(walk.out ? walk.out : s->raw, m->payload.p, m->payload.n);
        w->compared++;
    }
    free(walk.out);
}

static void on_message(struct watch *w, const struct wst_event *e)
{
    const struct wst_event_message *m = &e->message;
    struct side *s = &w->sides[e->conn][e->dir];
    if (!m->compressed) return;
    w->messages++;
    if (!m->certain || m->omitted || s->torn) { /* what comes after may lean on what is not there */
        s->lost = true;
        s->history_n = 0;
        w->unknown++;
        return;
    }
    if (!w->takeover[e->conn][e->dir]) s->history_n = 0;
    compare(w, s, m);
    remember(s, m->payload);
}

static void on_event(void *user, const struct wst_event *e)
{
    struct watch *w = user;
    if (e->type == WST_EVENT_HANDSHAKE && e->conn < 256) {
        w->takeover[e->conn][WST_C2S] = !e->handshake.deflate.client_no_context_takeover;
        w->takeover[e->conn][WST_S2C] = !e->handshake.deflate.server_no_context_takeover;
        for (int d = 0; d < 2; d++) w->sides[e->conn][d].lost = e->handshake.status != 101;
    }
    if (e->type == WST_EVENT_MESSAGE) on_message(w, e);
}

static int on_packet(void *user, const struct wst_packet *p)
{
    wst_context_packet(user, p);
    return 0;
}

static void walk_capture(struct watch *w, const char *path)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    const struct wst_wire wire = {w, NULL, NULL, on_wire_frame};
    const struct wst_listener listener = {w, on_event, NULL};
    struct wst_options options;
    wst_options_init(&options);
    options.wire = &wire;
    options.limits.max_message = 64 << 20;
    struct wst_capture *capture = wst_capture_new();
    struct wst_context *c = wst_context_new(&options, &listener);
    const struct wst_capture_sink sink = {.user = c, .packet = on_packet};
    assert_int_equal(wst_capture_add_file(capture, path, NULL), 0);
    assert_int_equal(wst_capture_open(capture, error), 0);
    wst_capture_run(capture, &sink);
    wst_context_finish(c, NULL);
    wst_context_free(c);
    wst_capture_free(capture);
}

static void test_captures(void **state)
{
    (void)state;
    const char *other = getenv("WSTRACE_WALK_CAPTURES"); /* a folder of one's own */
    const char *folders[] = {other ? other : WST_TEST_CAPTURES, WST_TEST_CAPTURES "/peers"};
    uint64_t messages = 0, compared = 0, unknown = 0;
    for (size_t i = 0; i < ARRAY(folders); i++) {
        DIR *folder = opendir(folders[i]);
        assert_non_null(folder);
        for (struct dirent *d; (d = readdir(folder));) {
            char path[512];
            /* peers/bomb inflates to 512 MiB, which the library does not keep either */
            if (!strstr(d->d_name, ".pcap") || !strncmp(d->d_name, "bomb", 4)) continue;
            struct watch *w = calloc(1, sizeof *w);
            snprintf(path, sizeof path, "%s/%s", folders[i], d->d_name);
            walk_capture(w, path);
            messages += w->messages;
            compared += w->compared;
            unknown += w->unknown;
            for (int k = 0; k < 512; k++) {
                free(w->sides[k / 2][k % 2].raw);
                free(w->sides[k / 2][k % 2].history);
            }
            free(w);
        }
        closedir(folder);
    }
    print_message("%d compressed messages, %d walked, %d lean on what is not in the capture\n",
                  (int)messages, (int)compared, (int)unknown);
    assert_int_equal(messages, compared + unknown);
    assert_true(compared > 900 && unknown < compared / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfc),      cmocka_unit_test(test_rfc_window),
        cmocka_unit_test(test_refused),  cmocka_unit_test(test_parts),
        cmocka_unit_test(test_deflated), cmocka_unit_test(test_random),
        cmocka_unit_test(test_captures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

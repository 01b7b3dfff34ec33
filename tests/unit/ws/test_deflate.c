/* SPDX-License-Identifier: MIT
 *
 * Inflating by itself. zlib's deflate is the sender; what it was given is the truth.
 */
#include "deflate.h"
#include "room.h"

struct bench {
    struct wst_budget budget;
    struct wst_inflaters all;
    struct wst_buf out;
};

static void bench_open(struct bench *b, uint64_t max_inflate)
{
    *b = (struct bench){.budget = {0, (size_t)1 << 30}};
    assert_true(wst_inflaters_init(&b->all, &b->budget, max_inflate));
}
static void bench_close(struct bench *b)
{
    wst_inflaters_free(&b->all);
    wst_buf_free(&b->out, &b->budget);
}

/* Feeds a payload in pieces of exactly allocated memory. */
static void inflate_pieces(struct bench *b, struct wst_inflation *f, struct wst_deflate *c,
                           struct wst_slice in, size_t piece, size_t cap)
{
    b->out.n = 0;
    wst_inflation_begin(&b->all, f, c, &b->out, cap, false);
    for (size_t i = 0; i < in.n; i += piece) {
        size_t n = in.n - i < piece ? in.n - i : piece;
        uint8_t *exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, in.p + i, n);
        wst_inflation_feed(&b->all, f, (struct wst_slice){exact, n});
        free(exact);
    }
    wst_inflation_finish(&b->all, f, true);
}

static void expect(const struct bench *b, const struct wst_inflation *f, const uint8_t *truth,
                   size_t n)
{
    assert_int_equal(f->end, WST_INFLATE_OK);
    assert_int_equal(f->len, n);
    assert_int_equal(f->known, n);
    assert_int_equal(b->out.n, n);
    if (n) assert_memory_equal(b->out.p, truth, n);
}

/* All windows, both takeovers, levels from stored to best, fixed Huffman: message after message.
 * zlib cannot write raw streams with a window of 8 bits and takes 9 instead, as senders do. */
static void every_window(void **state)
{
    static const int levels[] = {0, 1, 6, 9};
    static uint8_t text[70000];
    uint64_t seed = 77;
    (void)state;
    for (int bits = 8; bits <= 15; bits++)
        for (unsigned i = 0; i < 2 * ARRAY(levels) + 2; i++) {
            bool anew = i & 1;
            int strategy = i >= 2 * ARRAY(levels) ? Z_FIXED : Z_DEFAULT_STRATEGY;
            int level = i >= 2 * ARRAY(levels) ? 6 : levels[i / 2];
            struct bench b;
            struct deflater d;
            struct wire wire = {0};
            bench_open(&b, 1 << 30);
            deflater_init(&d, bits == 8 ? 9 : bits, level, strategy, anew);
            struct wst_deflate *c = wst_deflate_new(&b.all, !anew, true);
            for (unsigned k = 0; k < 12; k++) {
                size_t n = k == 3 ? 0 : k == 7 ? sizeof text : rnd_below(&seed, 4000);
                size_t piece = k % 3 == 0 ? SIZE_MAX / 2 : k % 3 == 1 ? 1 : 1000;
                struct wst_inflation f;
                fill_message(&seed, text, n, k == 5);
                wire.n = 0;
                deflater_message(&d, text, n, &wire);
                inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, piece, 1 << 20);
                expect(&b, &f, text, n);
            }
            wst_deflate_free(&b.all, c);
            deflater_free(&d);
            wire_free(&wire);
            bench_close(&b);
        }
}

/* What came of one message, said in pieces or whole. */
struct came {
    uint64_t len, known;
    enum wst_inflate_end end;
    enum wst_deflate_state state;
    const char *why;
    size_t n;
    uint8_t bytes[2][5000]; /* of it, and of the message behind it */
};

/* `wire` behind another message of the same sender, and what that one is good for then. */
static void come(struct came *came, struct wst_slice before, struct wst_slice wire, size_t piece,
                 size_t cap, uint64_t max)
{
    struct bench b;
    struct wst_inflation f;
    bench_open(&b, max);
    struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
    memset(came, 0, sizeof *came);
    inflate_pieces(&b, &f, c, before, piece, 5000);
    inflate_pieces(&b, &f, c, wire, piece, cap);
    came->len = f.len;
    came->known = f.known;
    came->end = f.end;
    came->state = (enum wst_deflate_state)c->state;
    came->why = f.why;
    came->n = b.out.n;
    memcpy(came->bytes[0], b.out.p, b.out.n);
    inflate_pieces(&b, &f, c, before, piece, 5000);
    memcpy(came->bytes[1], b.out.p, b.out.n);
    wst_deflate_free(&b.all, c);
    bench_close(&b);
}

static void same_in_pieces(struct wst_slice before, struct wst_slice wire, size_t cap, uint64_t max)
{
    static struct came whole, pieces;
    uint8_t *exact = malloc(wire.n + 1);
    assert_non_null(exact);
    memcpy(exact, wire.p, wire.n);
    wire.p = exact;
    come(&whole, before, wire, SIZE_MAX / 2, cap, max);
    come(&pieces, before, wire, 1, cap, max);
    assert_memory_equal(&whole, &pieces, sizeof whole);
    free(exact);
}

/* A message comes to the same whole and a byte at a time: sound, cut anywhere, damaged anywhere,
 * with the four bytes or a final block at its end, beyond what is kept and beyond what is read. */
static void whole_or_in_pieces(void **state)
{
    static const struct {
        int level, strategy, flush;
    } how[] = {{6, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH}, {6, Z_FIXED, Z_SYNC_FLUSH},
               {0, Z_DEFAULT_STRATEGY, Z_SYNC_FLUSH}, {6, Z_HUFFMAN_ONLY, Z_SYNC_FLUSH},
               {9, Z_RLE, Z_SYNC_FLUSH},              {6, Z_DEFAULT_STRATEGY, Z_FINISH},
               {6, Z_FIXED, Z_PARTIAL_FLUSH},         {6, Z_DEFAULT_STRATEGY, Z_BLOCK}};
    static uint8_t text[4000], out[8192];
    uint64_t seed = 99;
    (void)state;
    for (unsigned k = 0; k < 6 * ARRAY(how); k++) {
        struct deflater d;
        struct wire before = {0}, wire = {0};
        deflater_init(&d, 15, how[k % ARRAY(how)].level, how[k % ARRAY(how)].strategy, false);
        size_t n = k < ARRAY(how) ? k : rnd_below(&seed, k % 3 ? 120 : 900);
        fill_message(&seed, text, sizeof text, k % 5 == 4);
        deflater_message(&d, text, 300, &before);
        d.z.next_in = text + 100;
        d.z.avail_in = (uInt)n;
        d.z.next_out = out;
        d.z.avail_out = sizeof out;
        assert_true(deflate(&d.z, how[k % ARRAY(how)].flush) != Z_STREAM_ERROR);
        wire_put(&wire, out, sizeof out - d.z.avail_out);
        wire_put(&wire, "\0\0\xff\xff\0", 5); /* it may have been taken off, or not */
        struct wst_slice b = {before.p, before.n};
        for (size_t cut = 1; cut <= wire.n; cut++)
            same_in_pieces(b, (struct wst_slice){wire.p, cut}, 5000, 1 << 20);
        for (unsigned i = 0; i < 60; i++) {
            size_t at = rnd_below(&seed, (uint32_t)wire.n), cut = rnd_below(&seed, 7);
            uint8_t bit = (uint8_t)(1u << rnd_below(&seed, 8));
            wire.p[at] ^= bit;
            same_in_pieces(b, (struct wst_slice){wire.p, wire.n - (cut < wire.n ? cut : 0)}, 5000,
                           1 << 20);
            wire.p[at] ^= bit;
        }
        for (unsigned i = 0; i < 6 && wire.n > 9; i++) {
            size_t few = 1 + rnd_below(&seed, (uint32_t)n + 2);
            same_in_pieces(b, (struct wst_slice){wire.p, wire.n - 9 + i}, few, 1 << 20);
            same_in_pieces(b, (struct wst_slice){wire.p, wire.n - 9 + i}, 5000, 300 + few);
        }
        deflater_free(&d);
        wire_free(&before);
        wire_free(&wire);
    }
}

/* More directions than there are inflaters, in random turns: nobody gets another's context. */
static void many_directions(void **state)
{
    enum { DIRECTIONS = 40 };
    static struct deflater d[DIRECTIONS];
    struct wst_deflate *c[DIRECTIONS];
    static uint8_t text[3000];
    struct wire wire = {0};
    uint64_t seed = 3;
    struct bench b;
    (void)state;
    bench_open(&b, 1 << 30);
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        deflater_init(&d[i], 9 + (int)(i % 7), 6, Z_DEFAULT_STRATEGY, i % 5 == 4);
        c[i] = wst_deflate_new(&b.all, i % 5 != 4, true);
    }
    for (unsigned k = 0; k < 6000; k++) {
        size_t i = rnd_below(&seed, DIRECTIONS), n = rnd_below(&seed, 600);
        struct wst_inflation f;
        fill_message(&seed, text, n, rnd_below(&seed, 8) == 0);
        wire.n = 0;
        deflater_message(&d[i], text, n, &wire);
        inflate_pieces(&b, &f, c[i], (struct wst_slice){wire.p, wire.n}, 400, 1 << 20);
        expect(&b, &f, text, n);
        if (k % 500 == 499) { /* one leaves, another takes its memory */
            wst_deflate_free(&b.all, c[i]);
            deflateReset(&d[i].z);
            c[i] = wst_deflate_new(&b.all, i % 5 != 4, true);
        }
    }
    assert_true(b.all.n <= WST_INFLATERS);
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        wst_deflate_free(&b.all, c[i]);
        deflater_free(&d[i]);
    }
    wire_free(&wire);
    assert_int_equal(b.budget.used, b.out.room); /* the inflaters that wait cost nothing */
    bench_close(&b);
}

/* What a direction is charged does not depend on who else is there: with an inflater of its own or
 * without one, and when that is taken away again. */
static void same_charge(void **state)
{
    enum { DIRECTIONS = 6, SIDES = 3 };
    static struct deflater d[DIRECTIONS];
    struct wst_deflate *c[SIDES][DIRECTIONS];
    static uint8_t text[9000];
    struct wire wire = {0};
    struct bench b[SIDES];
    uint64_t seed = 21;
    (void)state;
    for (unsigned s = 0; s < SIDES; s++) bench_open(&b[s], 1 << 30);
    b[1].all.own_max = 0;
    b[2].all.own_max = 2; /* changes hands */
    for (unsigned i = 0; i < DIRECTIONS; i++) {
        deflater_init(&d[i], 15, 6, Z_DEFAULT_STRATEGY, false);
        for (unsigned s = 0; s < SIDES; s++) c[s][i] = wst_deflate_new(&b[s].all, true, true);
    }
    for (unsigned k = 0; k < 400; k++) {
        size_t i = rnd_below(&seed, DIRECTIONS), n = rnd_below(&seed, sizeof text), cap = 6000;
        fill_message(&seed, text, n, rnd_below(&seed, 8) == 0);
        wire.n = 0;
        deflater_message(&d[i], text, n, &wire);
        if (k % 50 == 49) b[2].all.clock += 1u << 20; /* the owners have been silent for long */
        for (unsigned s = 0; s < SIDES; s++) {
            struct wst_inflation f;
            inflate_pieces(&b[s], &f, c[s][i], (struct wst_slice){wire.p, wire.n}, 4000, cap);
            assert_int_equal(f.known, n);
            assert_memory_equal(b[s].out.p, text, n < cap ? n : cap);
            assert_int_equal(b[s].budget.used, b[0].budget.used);
        }
        if (k % 90 != 89) continue;
        for (unsigned s = 0; s < SIDES; s++) wst_deflate_lose(&b[s].all, c[s][i], WST_CONTEXT_LOST);
        for (unsigned s = 0; s < SIDES; s++) assert_int_equal(b[s].budget.used, b[0].budget.used);
        for (unsigned s = 0; s < SIDES; s++) {
            wst_deflate_free(&b[s].all, c[s][i]);
            c[s][i] = wst_deflate_new(&b[s].all, true, true);
        }
        deflateReset(&d[i].z);
    }
    assert_true(b[0].all.own_n > 2 && b[1].all.own_n == 0 && b[2].all.own_n == 2);
    for (unsigned s = 0; s < SIDES; s++) {
        for (unsigned i = 0; i < DIRECTIONS; i++) wst_deflate_free(&b[s].all, c[s][i]);
        bench_close(&b[s]);
    }
    for (unsigned i = 0; i < DIRECTIONS; i++) deflater_free(&d[i]);
    wire_free(&wire);
}

/* Messages inflated as they come, many at the same time, end in any order. */
static void at_the_same_time(void **state)
{
    enum { N = 30 };
    static struct deflater d[N];
    static uint8_t text[N][5000];
    struct wst_deflate *c[N];
    struct wst_inflation f[N];
    struct wst_buf out[N] = {{0}};
    struct wire wire[N] = {{0}};
    uint64_t seed = 9;
    const unsigned char *cut = NULL;
    struct bench b;
    (void)state;
    bench_open(&b, 1 << 30);
    for (unsigned i = 0; i < N; i++) {
        deflater_init(&d[i], 15, 6, Z_DEFAULT_STRATEGY, false);
        c[i] = wst_deflate_new(&b.all, true, true);
    }
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < N; i++) {
            fill_message(&seed, text[i], sizeof text[i], false);
            wire[i].n = 0;
            deflater_message(&d[i], text[i], sizeof text[i], &wire[i]);
            out[i].n = 0;
            wst_inflation_begin(&b.all, &f[i], c[i], &out[i], 1 << 20, true);
        }
        for (size_t at = 0, more = 1; more; at += 100) {
            more = 0;
            for (unsigned i = 0; i < N; i++) {
                if (at >= wire[i].n) continue;
                size_t n = wire[i].n - at < 100 ? wire[i].n - at : 100;
                wst_inflation_feed(&b.all, &f[i], (struct wst_slice){wire[i].p + at, n});
                more = 1;
            }
        }
        for (unsigned i = 0; i < N; i++) {
            unsigned k = (i * 7 + round) % N;
            wst_inflation_finish(&b.all, &f[k], true);
            assert_int_equal(f[k].known, sizeof text[k]);
            assert_memory_equal(out[k].p, text[k], sizeof text[k]);
        }
        /* Those that nobody needs any more are used again. */
        if (!round) cut = b.all.area.cut;
        assert_ptr_equal(b.all.area.cut, cut);
    }
    for (unsigned i = 0; i < N; i++) {
        wst_buf_free(&out[i], &b.budget);
        wst_deflate_free(&b.all, c[i]);
        deflater_free(&d[i]);
        wire_free(&wire[i]);
    }
    bench_close(&b);
}

/* A sender that leaves the last four bytes in, and output that just fills the room there is for it
 * when they come: the decoder still stands between two blocks, and what follows is certain. */
static void tail_left_in(void **state)
{
    static const size_t sizes[] = {2047, 2048, 2049, 4096, 8192, 65536};
    static const size_t pieces[] = {SIZE_MAX / 2, 1000, 1};
    static uint8_t text[65536];
    uint64_t seed = 33;
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes) * ARRAY(pieces); i++) {
        struct bench b;
        struct deflater d;
        struct wire wire = {0};
        size_t n = sizes[i / ARRAY(pieces)];
        bench_open(&b, 1 << 30);
        deflater_init(&d, 15, 6, Z_DEFAULT_STRATEGY, false);
        struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
        for (unsigned k = 0; k < 3; k++) {
            struct wst_inflation f;
            fill_message(&seed, text, n, k == 1);
            wire.n = 0;
            deflater_message(&d, text, n, &wire);
            wire_put(&wire, "\0\0\xff\xff", 4);
            if (!k) wst_buf_free(&b.out, &b.budget); /* room as it grows with the first message */
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, pieces[i % ARRAY(pieces)],
                           1 << 20);
            expect(&b, &f, text, n);
            assert_int_equal(c->state, WST_CONTEXT_WHOLE);
        }
        wst_deflate_free(&b.all, c);
        deflater_free(&d);
        wire_free(&wire);
        bench_close(&b);
    }
}

/* What does not fit under the cap is counted, and is history all the same. */
static void beyond_the_cap(void **state)
{
    static const size_t caps[] = {0, 1, 100, 2048, 20000, 99999, 100000, 200000};
    static uint8_t text[100000];
    uint64_t seed = 21;
    (void)state;
    for (size_t i = 0; i < ARRAY(caps); i++) {
        struct bench b;
        struct deflater d;
        struct wire wire = {0};
        bench_open(&b, 1 << 30);
        deflater_init(&d, 15, 6, Z_DEFAULT_STRATEGY, false);
        struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
        for (unsigned k = 0; k < 6; k++) {
            struct wst_inflation f;
            size_t n = k % 2 ? sizeof text : 500;
            fill_message(&seed, text, n, k == 3);
            wire.n = 0;
            deflater_message(&d, text, n, &wire);
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, 5000, caps[i]);
            assert_int_equal(f.end, WST_INFLATE_OK);
            assert_int_equal(f.len, n);
            assert_int_equal(f.known, n);
            assert_int_equal(b.out.n, n < caps[i] ? n : caps[i]);
            if (b.out.n) assert_memory_equal(b.out.p, text, b.out.n);
        }
        wst_deflate_free(&b.all, c);
        deflater_free(&d);
        wire_free(&wire);
        bench_close(&b);
    }
}

/* 64 MiB of nothing in 64 KiB: stopped at the limit, the context broken, memory bounded. */
static void bomb(void **state)
{
    static uint8_t zeros[1 << 20];
    struct bench b;
    struct deflater d;
    struct wire wire = {0};
    struct wst_inflation f;
    (void)state;
    bench_open(&b, 8 << 20);
    deflater_init(&d, 15, 9, Z_DEFAULT_STRATEGY, false);
    struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
    d.z.next_in = zeros;
    for (unsigned i = 0; i < 64; i++) {
        wire.n = i ? wire.n : 0;
        deflater_message(&d, zeros, sizeof zeros, &wire);
        if (i < 63) wire_put(&wire, "\0\0\xff\xff", 4);
    }
    static const size_t pieces[] = {SIZE_MAX / 2, 1000, 1};
    for (unsigned i = 0; i < 3; i++) { /* however it comes, it ends in the same place */
        inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, pieces[i], 1 << 20);
        assert_int_equal(f.end, WST_INFLATE_LIMIT);
        assert_int_equal(f.len, 8 << 20);
        assert_int_equal(b.out.n, 1 << 20);
        assert_int_equal(c->state, WST_CONTEXT_BROKEN);
        assert_true(b.budget.used < 2 << 20);
        wst_deflate_free(&b.all, c);
        c = wst_deflate_new(&b.all, true, true);
    }
    /* One byte under the limit is no bomb. */
    wst_deflate_free(&b.all, c);
    deflateReset(&d.z);
    c = wst_deflate_new(&b.all, true, true);
    wire.n = 0;
    for (unsigned i = 0; i < 8; i++) {
        deflater_message(&d, zeros, sizeof zeros, &wire);
        if (i < 7) wire_put(&wire, "\0\0\xff\xff", 4);
    }
    inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, SIZE_MAX / 2, 1 << 20);
    assert_int_equal(f.end, WST_INFLATE_OK);
    assert_int_equal(f.len, 8 << 20);
    wst_deflate_free(&b.all, c);
    deflater_free(&d);
    wire_free(&wire);
    bench_close(&b);
}

/* -- payloads that are bad -- */

struct bad_row {
    const char *name;
    struct wst_slice in;
    enum wst_inflate_end end;
    struct wst_slice out;
};

static const struct bad_row bad_rows[] = {
    {"nothing at all", SLICE(""), WST_INFLATE_TRUNCATED, SLICE("")},
    {"the empty message", SLICE("\0"), WST_INFLATE_OK, SLICE("")},
    {"Hello", SLICE("\xf2\x48\xcd\xc9\xc9\x07\0"), WST_INFLATE_OK, SLICE("Hello")},
    {"a block type that is none", SLICE("\x06"), WST_INFLATE_BAD, SLICE("")},
    {"stored, lengths that disagree", SLICE("\0\5\0\xfb\xffHello\0"), WST_INFLATE_BAD, SLICE("")},
    {"stored, cut", SLICE("\0\5\0\xfa\xffHel"), WST_INFLATE_TRUNCATED, SLICE("Hel")},
    {"stored, cut in its length", SLICE("\0\5"), WST_INFLATE_TRUNCATED, SLICE("")},
    {"fixed, cut", SLICE("\xf2\x48\xcd"), WST_INFLATE_TRUNCATED, SLICE("He")},
    {"a distance before the beginning", SLICE("\xf2\0\x11\0\0"), WST_INFLATE_BAD, SLICE("H")},
    {"a dynamic block of impossible codes", SLICE("\xff\xff\xff\xff"), WST_INFLATE_BAD, SLICE("")},
    {"garbage behind BFINAL", SLICE("\xf3\x48\xcd\xc9\xc9\x07\0\xff\xff"), WST_INFLATE_BAD,
     SLICE("Hello")},
    {"BFINAL alone", SLICE("\xf3\x48\xcd\xc9\xc9\x07\0"), WST_INFLATE_OK, SLICE("Hello")},
    {"BFINAL and the byte after it", SLICE("\xf3\x48\xcd\xc9\xc9\x07\0\0"), WST_INFLATE_OK,
     SLICE("Hello")},
    {"BFINAL, then more", SLICE("\xf3\x48\xcd\xc9\xc9\x07\0\xf2\x48\xcd\xc9\xc9\x07\0"),
     WST_INFLATE_OK, SLICE("HelloHello")},
    {"BFINAL, then a reference back over it", SLICE("\xf3\x48\xcd\xc9\xc9\x07\0\xf2\0\x11\0\0"),
     WST_INFLATE_OK, SLICE("HelloHello")},
    {"the tail kept", SLICE("\xf2\x48\xcd\xc9\xc9\x07\0\0\0\xff\xff"), WST_INFLATE_OK,
     SLICE("Hello")},
    {"the tail kept twice", SLICE("\xf2\x48\xcd\xc9\xc9\x07\0\0\0\xff\xff\0\0\0\xff\xff"),
     WST_INFLATE_OK, SLICE("Hello")},
    {"a stored block that looks like the tail", SLICE("\0\4\0\xfb\xff\0\0\xff\xff"), WST_INFLATE_OK,
     SLICE("\0\0\xff\xff")},
    {"a block that ends in what looks like the tail, with a bit of the next",
     SLICE("\x04\xe0\xe1\xc8\xb6\x6d\xdb\xb6\x6d\xb3\x0e\xe3\x34\x2f\xeb\xb6\x1f\xe7\x75"
           "\x3f\xef\xe7\x5f\x55\x5f\0\0\xff\xff"), /* its end: 15 bits that are set */
     WST_INFLATE_TRUNCATED, SLICE("aaaaaaaaaaaaaaaa")},
    {"cut in a stored block that holds the tail",
     SLICE("\0\x10\0\xef\xff"
           "ab\0\0\xff\xff"),
     WST_INFLATE_TRUNCATED, SLICE("ab\0\0\xff\xff")},
};

static void bad_payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(bad_rows); i++)
        for (size_t piece = 1; piece <= 16; piece++) {
            const struct bad_row *r = &bad_rows[i];
            struct bench b;
            struct wst_inflation f;
            bench_open(&b, 1 << 20);
            struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
            inflate_pieces(&b, &f, c, r->in, piece, 1000);
            size_t n = r->out.n;
            if (f.end != r->end || f.len != n || b.out.n != n ||
                (n && memcmp(b.out.p, r->out.p, n) != 0))
                fail_msg("%s, by %zu: end %d, %llu bytes", r->name, piece, f.end,
                         (unsigned long long)f.len);
            assert_int_equal(c->state, r->end == WST_INFLATE_OK ? WST_CONTEXT_WHOLE
                                       : r->in.n                ? WST_CONTEXT_BROKEN
                                                                : WST_CONTEXT_SHAKEN);
            wst_deflate_free(&b.all, c);
            bench_close(&b);
        }
}

/* -- lost contexts -- */

/* Random messages, some of which are lost. Whatever is reported as known is truly right; what is
 * sound gets through as soon as it may; 32 KiB that agree make the context whole. */
static void lost_contexts(void **state)
{
    static uint8_t text[40000];
    unsigned known_all = 0, known_part = 0, known_none = 0, healed = 0, wrong = 0;
    size_t behind = 0, unknown = 0;
    (void)state;
    for (uint64_t round = 1; round <= 150; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15u;
        struct bench b;
        struct deflater d;
        struct wire wire = {0};
        bench_open(&b, 1 << 30);
        deflater_init(&d, 9 + (int)(round % 7), 1 + (int)(round % 9), Z_DEFAULT_STRATEGY, false);
        struct wst_deflate *c = wst_deflate_new(&b.all, true, round % 3 != 0);
        bool whole = round % 3 != 0; /* as far as we know better */
        for (unsigned k = 0; k < 60; k++) {
            struct wst_inflation f;
            size_t n = rnd_below(&seed, rnd_below(&seed, 8) ? 300 : sizeof text);
            size_t piece = 1 + rnd_below(&seed, 3000);
            fill_message(&seed, text, n, rnd_below(&seed, 4) == 0);
            wire.n = 0;
            deflater_message(&d, text, n, &wire);
            if (rnd_below(&seed, 12) == 0) { /* it is lost */
                wst_deflate_lose(&b.all, c, WST_CONTEXT_LOST);
                whole = false;
                continue;
            }
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, piece, SIZE_MAX / 2);
            assert_int_equal(f.end, WST_INFLATE_OK);
            assert_int_equal(f.len, n);
            if (f.known) assert_memory_equal(b.out.p, text, f.known);
            if (whole) assert_int_equal(f.known, n);
            /* known goes exactly as far as the first byte that differs from the truth's twins */
            assert_true(f.known <= n);
            if (f.known < n) assert_int_equal(b.out.p[f.known], 0xff);
            for (size_t i = f.known; i < n; i++) { /* behind it: right, or marked as not known */
                if (b.out.p[i] != 0xff) assert_int_equal(b.out.p[i], text[i]);
                behind += b.out.p[i] != 0xff;
                unknown += b.out.p[i] == 0xff;
            }
            if (f.known == n)
                known_all++;
            else if (f.known)
                known_part++;
            else
                known_none++;
            if (!whole && c->state == WST_CONTEXT_WHOLE) {
                healed++;
                whole = true;
            }
            wrong += whole && c->state != WST_CONTEXT_WHOLE;
        }
        wst_deflate_free(&b.all, c);
        deflater_free(&d);
        wire_free(&wire);
        bench_close(&b);
    }
    print_message("lost contexts: %u messages known, %u in part, %u not; %u contexts healed\n",
                  known_all, known_part, known_none, healed);
    print_message("behind the first that is not: %zu bytes known, %zu not\n", behind, unknown);
    assert_int_equal(wrong, 0);
    assert_true(behind > 100000 && unknown > 100000);
    assert_true(known_all > 3000 && known_part > 500 && known_none > 100 && healed > 50);
}

/* Exactly 32 KiB that do not depend on what was lost, in one message or many. */
static void whole_again(void **state)
{
    static const size_t sizes[] = {32768, 8192, 1000, 100};
    static uint8_t text[32768];
    uint64_t seed = 1234;
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes); i++) {
        struct bench b;
        struct deflater d;
        struct wire wire = {0};
        struct wst_inflation f;
        bench_open(&b, 1 << 30);
        deflater_init(&d, 15, 0, Z_DEFAULT_STRATEGY, false); /* stored: refers to nothing */
        struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
        wst_deflate_lose(&b.all, c, WST_CONTEXT_LOST);
        for (size_t done = 0; done < 32768; done += sizes[i]) {
            assert_int_equal(c->state, WST_CONTEXT_LOST);
            rnd_fill(&seed, text, sizes[i]);
            wire.n = 0;
            deflater_message(&d, text, sizes[i], &wire);
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, 500, 1 << 20);
            expect(&b, &f, text, sizes[i]);
        }
        assert_int_equal(c->state, WST_CONTEXT_WHOLE);
        assert_null(c->history[1].p); /* and the second history is let go */
        /* A message that refers as far back as may be. */
        deflateParams(&d.z, 9, Z_DEFAULT_STRATEGY);
        memcpy(text, "again", 5);
        wire.n = 0;
        deflater_message(&d, text, sizes[i], &wire);
        inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, 500, 1 << 20);
        expect(&b, &f, text, sizes[i]);
        wst_deflate_free(&b.all, c);
        deflater_free(&d);
        wire_free(&wire);
        bench_close(&b);
    }
}

/* A message without a bit leaves the history alone, wherever it is kept: what follows is read with
 * it, and 32 KiB of that make up for it. */
static void nothing_shakes(void **state)
{
    static const size_t sizes[] = {100, 20000}; /* in a ring; in an inflater of its own */
    static uint8_t text[32768];
    uint64_t seed = 99;
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes); i++) {
        struct bench b;
        struct deflater d;
        struct wire wire = {0};
        struct wst_inflation f;
        bench_open(&b, 1 << 30);
        deflater_init(&d, 15, 9, Z_DEFAULT_STRATEGY, false);
        struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
        rnd_fill(&seed, text, sizes[i]);
        for (size_t done = 0; done < 32768 + sizes[i]; done += sizes[i]) {
            wire.n = 0;
            deflater_message(&d, text, sizes[i], &wire); /* the same: refers to the one before */
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, 500, 1 << 20);
            expect(&b, &f, text, sizes[i]);
            if (done) continue;
            assert_int_equal(!!c->own, sizes[i] >= WST_INFLATERS_OWN_FROM);
            inflate_pieces(&b, &f, c, (struct wst_slice){NULL, 0}, 1, 1 << 20);
            assert_int_equal(f.end, WST_INFLATE_TRUNCATED);
            assert_int_equal(c->state, WST_CONTEXT_SHAKEN);
        }
        assert_int_equal(c->state, WST_CONTEXT_WHOLE);
        wst_deflate_free(&b.all, c);
        deflater_free(&d);
        wire_free(&wire);
        bench_close(&b);
    }
}

/* Without takeover nothing can be lost. */
static void nothing_to_lose(void **state)
{
    struct bench b;
    struct wst_inflation f;
    (void)state;
    bench_open(&b, 1 << 20);
    struct wst_deflate *c = wst_deflate_new(&b.all, false, false);
    assert_int_equal(c->state, WST_CONTEXT_WHOLE);
    inflate_pieces(&b, &f, c, bad_rows[2].in, 3, 1000);
    expect(&b, &f, (const uint8_t *)"Hello", 5);
    wst_deflate_lose(&b.all, c, WST_CONTEXT_BROKEN);
    inflate_pieces(&b, &f, c, bad_rows[2].in, 3, 1000);
    expect(&b, &f, (const uint8_t *)"Hello", 5);
    wst_deflate_free(&b.all, c);
    bench_close(&b);
}

/* Memory is used again: a new context must not find what the one before it left in an inflater. */
static void new_is_empty(void **state)
{
    struct bench b;
    struct wst_inflation f;
    (void)state;
    bench_open(&b, 1 << 20);
    for (unsigned i = 0; i < 40; i++) {
        struct wst_deflate *c = wst_deflate_new(&b.all, true, true);
        inflate_pieces(&b, &f, c, bad_rows[2].in, 100, 1000);
        expect(&b, &f, (const uint8_t *)"Hello", 5);
        wst_deflate_free(&b.all, c);
        c = wst_deflate_new(&b.all, true, true);
        inflate_pieces(&b, &f, c, bad_rows[8].in, 100, 1000); /* refers to a Hello before it */
        assert_int_equal(f.end, WST_INFLATE_BAD);
        wst_deflate_free(&b.all, c);
    }
    bench_close(&b);
}

/* A history that is made up takes no memory until something stands behind it: connections whose
 * data are bad may be many. */
static void made_up_is_free(void **state)
{
    struct bench b;
    struct wst_inflation f;
    (void)state;
    bench_open(&b, 1 << 20);
    struct wst_deflate *c = wst_deflate_new(&b.all, true, false);
    assert_int_equal(b.budget.used, sizeof *c);
    inflate_pieces(&b, &f, c, (struct wst_slice){(const uint8_t *)"\xff\xff\xff\xff", 4}, 4, 1000);
    assert_int_equal(f.end, WST_INFLATE_BAD);
    assert_int_equal(c->state, WST_CONTEXT_BROKEN);
    assert_int_equal(b.budget.used - b.out.room, sizeof *c);
    inflate_pieces(&b, &f, c, (struct wst_slice){(const uint8_t *)"\x4b\x04\x00", 3}, 4,
                   1000); /* "a" */
    assert_int_equal(f.end, WST_INFLATE_OK);
    assert_int_equal(f.known, 1);
    assert_int_equal(b.budget.used - b.out.room, sizeof *c + 2 * WST_WINDOW);
    wst_deflate_free(&b.all, c);
    bench_close(&b);
}

/* No memory at any point: said, never guessed, and given back. */
static void starved(void **state)
{
    static uint8_t text[6000];
    struct wire wire = {0};
    struct deflater d;
    uint64_t seed = 8;
    unsigned refused = 0;
    (void)state;
    deflater_init(&d, 15, 6, Z_DEFAULT_STRATEGY, true);
    fill_message(&seed, text, sizeof text, false);
    deflater_message(&d, text, sizeof text, &wire);
    for (size_t memory = 0; memory < 200000; memory += 500) {
        struct bench b;
        struct wst_inflation f;
        bench_open(&b, 1 << 20);
        b.budget.max = memory;
        struct wst_deflate *c = wst_deflate_new(&b.all, true, memory % 1000 == 0);
        for (unsigned k = 0; c && k < 3; k++) {
            inflate_pieces(&b, &f, c, (struct wst_slice){wire.p, wire.n}, 700, 1 << 20);
            assert_true(f.known <= f.len);
            size_t n = f.known < b.out.n ? f.known : b.out.n;
            if (n) assert_memory_equal(b.out.p, text, n);
            refused += f.end == WST_INFLATE_STARVED;
        }
        wst_deflate_free(&b.all, c);
        bench_close(&b);
    }
    assert_true(refused > 50);
    deflater_free(&d);
    wire_free(&wire);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_or_in_pieces), cmocka_unit_test(every_window),
        cmocka_unit_test(many_directions),    cmocka_unit_test(same_charge),
        cmocka_unit_test(at_the_same_time),   cmocka_unit_test(tail_left_in),
        cmocka_unit_test(beyond_the_cap),     cmocka_unit_test(bomb),
        cmocka_unit_test(bad_payloads),       cmocka_unit_test(lost_contexts),
        cmocka_unit_test(whole_again),        cmocka_unit_test(nothing_shakes),
        cmocka_unit_test(nothing_to_lose),    cmocka_unit_test(new_is_empty),
        cmocka_unit_test(made_up_is_free),    cmocka_unit_test(starved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

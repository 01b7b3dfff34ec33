/* SPDX-License-Identifier: MIT
 *
 * Finding frames again: tables, then thousands of streams joined at a random byte.
 */
#include "evidence.h"
#include "frame.h"
#include "room.h"

struct row {
    const char *name;
    struct wst_slice segments[6];
    ptrdiff_t at, at_final; /* what is found; before the end, and at it */
    bool masked, compressed;
};

#define M0 "\0\0\0\0"
#define TEXT26 \
    "\x81\x1a" \
    "A text of twenty-six bytes"
#define Z42 "\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7\1\2\3\4\5\6\7"
static const struct row rows[] = {
    {"segments that are texts",
     {SLICE(TEXT26), SLICE("\x81\x0d"
                           "and then this")},
     0,
     0,
     false,
     false},
    {"the same, masked", {SLICE("\x81\x9a" M0 "A text of twenty-six bytes")}, 0, 0, true, false},
    {"the wrong side",
     {SLICE(TEXT26), SLICE("\x81\x0d"
                           "and then this")},
     -1,
     -1,
     true,
     false},
    {"an empty one that fills a segment leads to it",
     {SLICE("\x82\0"), SLICE("\x81\0"), SLICE(TEXT26)},
     0,
     0,
     false,
     false},
    {"one in the middle of nowhere does not",
     {SLICE("of another\x82\0" TEXT26)},
     -1,
     12,
     false,
     false},
    {"but what a long one says about itself is enough",
     {SLICE("other\x82\x7e\0\x7e" Z42 Z42 Z42 "\x82\x03\x05\x06\x07"), SLICE(TEXT26)},
     5,
     5,
     false,
     false},
    {"a long one that leads nowhere",
     {SLICE("other\x82\x7e\0\x7f" Z42 Z42 Z42 "\x82\x03\x05\x06\x07"), SLICE(TEXT26)},
     140,
     140,
     false,
     false},
    {"the wrong side, masked",
     {SLICE("\x81\x9a" M0 "A text of twenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"a text that is none",
     {SLICE("\x81\x1a"
            "A text of\xfftwenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"behind bytes of another payload", {SLICE("remains"), SLICE(TEXT26)}, 7, 7, false, false},
    {"one small frame is not enough",
     {SLICE("\x81\x01"
            "a")},
     -1,
     0,
     false,
     false},
    {"four of them are",
     {SLICE("\x81\x09"
            "abcdefghi\x81\x08"
            "bcdefghi"),
      SLICE("\x81\x08"
            "cdefghij"),
      SLICE("\x82\x08"
            "defghijk")},
     0,
     0,
     false,
     false},
    {"a ping and a pong, each a segment", {SLICE("\x89\0"), SLICE("\x8a\0")}, 0, 0, false, false},
    {"compression not agreed on",
     {SLICE("\xc1\x08"
            "12345678"),
      SLICE("\xc1\x08"
            "23456789")},
     -1,
     -1,
     false,
     false},
    {"compression agreed on",
     {SLICE("\xc1\x08"
            "12345678"),
      SLICE("\xc1\x08"
            "23456789")},
     0,
     0,
     false,
     true},
    {"a close with a code", {SLICE("\x88\x04\x03\xe8ok")}, -1, 0, false, false},
    {"a close with an impossible code", {SLICE("\x88\x04\x00\x07ok")}, -1, -1, false, false},
    {"a length that is not minimal",
     {SLICE("\x81\x7e\0\x1a"
            "A text of twenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"reserved bits",
     {SLICE("\xb1\x1a"
            "A text of twenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"a reserved opcode",
     {SLICE("\x83\x1a"
            "A text of twenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"a fragmented ping",
     {SLICE("\x09\x1a"
            "A text of twenty-six bytes")},
     -1,
     -1,
     false,
     false},
    {"zeros",
     {SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),
      SLICE("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0")},
     -1,
     -1,
     false,
     false},
    {"words",
     {SLICE("All work and no play makes Jack a dull boy. "),
      SLICE("All work and no play makes Jack a dull boy. ")},
     -1,
     -1,
     false,
     false},
    {"the end of a longer length is a header of its own, masked with the same key",
     {SLICE("\x81\xfe\x01\x90" M0 "Sixteen letters.")},
     -1,
     -1,
     true,
     false},
    {"nothing follows a close",
     {SLICE("\x88\x04\x03\xe8ok\x81\x05Hello\x81\x05Hello")},
     -1,
     -1,
     false,
     false},
    {"a continuation after a whole message",
     {SLICE("\x81\x05Hello\x80\x05Hello"), SLICE("\x81\x05Hello")},
     -1,
     14,
     false,
     false},
    {"fragments in order",
     {SLICE("\x01\x05Hello\x00\x05Hello\x80\x05Hello"), SLICE("\x81\x0d"
                                                              "and then this")},
     0,
     0,
     false,
     false},
};

static void table(void **state)
{
    unsigned failed = 0;
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        struct wst_budget budget = {.max = 1 << 20};
        struct wst_seek_rules rules = {.masked = r->masked, .compressed = r->compressed};
        struct wst_seek *k = wst_seek_new(&budget, 1000);
        ptrdiff_t found = -1;
        for (size_t s = 0; s < 6 && r->segments[s].n; s++) {
            assert_true(wst_seek_push(k, &budget, r->segments[s], 10 + s, 1 << 16));
            if (found < 0) found = wst_seek_find(k, &rules, false);
        }
        if (found != r->at) print_error("%s: %td, not %td\n", r->name, found, r->at);
        ptrdiff_t final = wst_seek_find(k, &rules, true);
        if (final != r->at_final) print_error("%s, at the end: %td\n", r->name, final);
        failed += found != r->at || final != r->at_final;
        wst_seek_free(k, &budget);
        assert_int_equal(budget.used, 0);
    }
    assert_int_equal(failed, 0);
}

/* What begins a segment, fills it and leads to a frame is one, too. But not where segments are of a
 * few bytes: among so many some do by chance. */
static void shreds(void **state)
{
    static const struct wst_slice leads = SLICE("\x81\x02"
                                                "ab");
    (void)state;
    for (size_t each = 4; each <= 40; each *= 10) {
        struct wst_budget budget = {.max = 1 << 20};
        struct wst_seek_rules rules = {0};
        struct wst_seek *k = wst_seek_new(&budget, 0);
        char before[40];
        memset(before, 'x', sizeof before);
        for (int i = 0; i < 8; i++)
            assert_true(wst_seek_push(k, &budget, wst_slice_of(before, each), 1, 1 << 16));
        assert_true(wst_seek_push(k, &budget, leads, 2, 1 << 16));
        for (size_t at = 0; at < sizeof TEXT26 - 1; at += 7)
            assert_true(wst_seek_push(k, &budget, wst_slice_of(TEXT26 + at, 7), 3, 1 << 16));
        assert_int_equal(wst_seek_find(k, &rules, true), each == 4 ? 8 * each + leads.n : 8 * each);
        wst_seek_free(k, &budget);
    }
}

/* For telling WebSocket from strangers only whole frames count: among zeros stands many a header
 * with 64 bits of length. */
static void evidence(void **state)
{
    static const struct {
        struct wst_slice bytes;
        int at_least, at_most;
        bool masked;
    } cases[] = {
        {SLICE("\x00\xff\0\0\0\0\0\x8c\0\0\0\0\0\0\0\0\0\0"), -1, 0, true},
        {SLICE("\x82\xff\0\0\0\0\0\1\0\0\1\2\3\4pay"), -1, 0, true},
        {SLICE("\x81\x9a" M0 "A text of twenty-six bytes"), 30, 60, true},
        {SLICE("\x81\x9a" M0 "A text of twenty-six byte"), -1, 0, true},
        {SLICE("\x81\x9a" M0 "A text of twenty-six bytes\x81\xff\0\0\0\0\0\1\0\0" M0 "a"), 20, 35,
         true},
        {SLICE("\x81\x9a" M0 "A text of twenty-six bytes"), -1, 0, false},
        {SLICE("\0\x1d"
               "12345678901234567890123456789\0\x1d"
               "abcdefghijklmnopqrstuvwxyzabc"),
         -1, 0, false}, /* a length before each message */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(cases); i++) {
        struct wst_budget budget = {.max = 1 << 20};
        struct wst_seek_rules rules = {.masked = cases[i].masked, .compressed = true};
        struct wst_seek *k = wst_seek_new(&budget, 0);
        assert_true(wst_seek_push(k, &budget, cases[i].bytes, 1, 1 << 16));
        int bits = wst_seek_evidence(k, &rules, false);
        if (bits < cases[i].at_least || bits > cases[i].at_most)
            fail_msg("case %zu: %d bits", i, bits);
        wst_seek_free(k, &budget);
    }
}

/* What is too old is given up, in order, and counted; packets are remembered. */
static void bookkeeping(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_seek *k = wst_seek_new(&budget, 5000);
    uint8_t bytes[100];
    (void)state;
    memset(bytes, 0xff, sizeof bytes);
    for (uint64_t i = 0; i < 50; i++) {
        assert_true(wst_seek_push(k, &budget, (struct wst_slice){bytes, 100}, 100 + i, 1000));
        assert_true(k->bytes.n <= 1000);
        assert_int_equal(k->offset + k->bytes.n, 5000 + (i + 1) * 100);
        assert_int_equal(k->skipped + k->bytes.n, (i + 1) * 100);
        assert_int_equal(wst_seek_packet(k, k->bytes.n - 1), 100 + i);
        assert_int_equal(wst_seek_packet(k, 0), 100 + i - (k->bytes.n - 100) / 100);
    }
    wst_seek_gap(k, 77);
    assert_int_equal(k->bytes.n, 0);
    assert_int_equal(k->offset, 5000 + 5000 + 77);
    /* More than fits at once: its end stays. */
    static uint8_t many[3000];
    assert_true(wst_seek_push(k, &budget, (struct wst_slice){many, 3000}, 999, 1000));
    assert_int_equal(k->offset + k->bytes.n, 10077 + 3000);
    wst_seek_free(k, &budget);
    assert_int_equal(budget.used, 0);
}

/* -- joined at a random byte -- */

enum kind { RANDOM, ASCII, CJK, ZEROS, RECORDS, DEFLATED, KINDS };
static const char *const kind_names[] = {"random", "ASCII", "CJK", "zeros", "records", "deflate"};

static void fill_kind(uint64_t *seed, enum kind kind, uint8_t *p, size_t n)
{
    switch (kind) {
    case ASCII: fill_message(seed, p, n, false); break;
    case CJK: /* three bytes a character: every second byte could be the length of a frame */
        for (size_t i = 0; i < n; i++)
            p[i] = i % 3 == 0 ? (uint8_t)(0xe4 + rnd_below(seed, 6))
                              : (uint8_t)(0x80 + rnd_below(seed, 64));
        break;
    case ZEROS:
        memset(p, 0, n);
        for (size_t i = 0; i < n / 50; i++) p[rnd_below(seed, n)] = (uint8_t)rnd(seed);
        break;
    case RECORDS: /* type, length, value */
        for (size_t i = 0; i < n;) {
            size_t k = rnd_below(seed, 40);
            p[i++] = (uint8_t)(rnd_below(seed, 5) * 8 + 2);
            if (i < n) p[i++] = (uint8_t)k;
            while (k-- && i < n) p[i++] = (uint8_t)rnd_below(seed, 128);
        }
        break;
    default: rnd_fill(seed, p, n);
    }
}

struct truth {
    struct wire wire;
    bool *begins; /* a frame begins at this byte */
    size_t room;
};

static void make(struct truth *t, uint64_t *seed, enum kind kind, bool masked)
{
    static uint8_t payload[12000];
    t->wire.n = 0;
    size_t starts[200], n_starts = 0;
    while (n_starts < 24) {
        size_t n = rnd_below(seed, rnd_below(seed, 6) ? 400 : sizeof payload);
        unsigned op = kind == ASCII || kind == CJK ? 1 : 2;
        uint8_t key[4];
        if (op == 1) n -= n % 3;
        fill_kind(seed, kind, payload, n);
        rnd_fill(seed, key, 4);
        starts[n_starts++] = t->wire.n;
        wire_frame(&t->wire, 0x80 | op | (kind == DEFLATED ? 0x40 : 0), masked ? key : NULL,
                   payload, n);
    }
    t->begins = realloc(t->begins, t->wire.n);
    memset(t->begins, 0, t->wire.n);
    for (size_t i = 0; i < n_starts; i++) t->begins[starts[i]] = true;
}

/* Joins at `from`; the place that is found, -1: none. */
static ptrdiff_t join(const struct truth *t, size_t from, bool sends_frames,
                      const struct wst_seek_rules *rules)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_seek *k = wst_seek_new(&budget, from);
    ptrdiff_t found = -1;
    for (size_t at = from; found < 0 && at < t->wire.n;) {
        size_t n = t->wire.n - at < 1460 ? t->wire.n - at : 1460;
        for (size_t i = 1; sends_frames && i < n; i++)
            if (t->begins[at + i]) n = i;
        assert_true(wst_seek_push(k, &budget, (struct wst_slice){t->wire.p + at, n}, 1, 262144));
        at += n;
        found = wst_seek_find(k, rules, at == t->wire.n);
    }
    if (found >= 0) found += (ptrdiff_t)k->offset;
    wst_seek_free(k, &budget);
    assert_int_equal(budget.used, 0);
    return found;
}

/* Senders that begin a segment with every frame, as most do; and streams cut in full segments. */
static void joined(void **state)
{
    struct truth t = {0};
    unsigned all[2] = {0}, right[2] = {0}, wrong[2] = {0}, never[2][KINDS] = {{0}}, silent[2] = {0};
    (void)state;
    for (unsigned round = 0; round < 1200; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15u + 1;
        enum kind kind = round % KINDS;
        bool masked = round / KINDS % 2, sends_frames = round / KINDS / 2 % 2;
        struct wst_seek_rules rules = {.masked = masked, .compressed = kind == DEFLATED};
        make(&t, &seed, kind, masked);
        size_t from = 1 + rnd_below(&seed, t.wire.n / 2);
        ptrdiff_t found = join(&t, from, sends_frames, &rules);
        all[sends_frames]++;
        if (found < 0) {
            never[sends_frames][kind]++;
            silent[sends_frames]++;
        } else if (t.begins[found]) {
            right[sends_frames]++;
        } else {
            wrong[sends_frames]++;
            print_message("  round %u: %s, %s, joined at %zu: byte %td is no frame\n", round,
                          kind_names[kind], masked ? "masked" : "not masked", from, found);
        }
    }
    for (int i = 0; i < 2; i++) {
        print_message("joined in the middle, %s: %u streams, %u found again, %u wrongly, %u never",
                      i ? "a segment a frame" : "full segments", all[i], right[i], wrong[i],
                      silent[i]);
        for (int k = 0; k < KINDS; k++)
            if (never[i][k]) print_message(", %s %u", kind_names[k], never[i][k]);
        print_message("\n");
    }
    free(t.begins);
    wire_free(&t.wire);
    assert_true(wrong[0] + wrong[1] <= 6); /* evidence is not proof: one in 200 */
    assert_true(silent[1] <= all[1] / 100);
    assert_int_equal(never[0][ASCII] + never[0][CJK], 0); /* text speaks for itself anywhere */
}

/* What two bytes rule out, the whole header would have; and they rule out nearly all. */
static void first_bytes(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct wst_seek_rules rules = {.masked = kind & 1, .compressed = kind & 2};
        unsigned may = 0;
        for (unsigned v = 0; v < 65536; v++) {
            uint8_t header[14] = {(uint8_t)(v >> 8), (uint8_t)v};
            if ((v & 0x7f) == 126) header[2] = 1; /* of 256 */
            if ((v & 0x7f) == 127) header[7] = 1; /* of 65536 */
            struct wst_frame f;
            assert_true(wst_frame_parse(header, sizeof header, &f));
            bool begins = wst_evidence_may_begin(header, &rules);
            if (wst_evidence_credible(&f, &rules)) assert_true(begins);
            may += begins;
        }
        assert_true(may < 65536 / 20);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(table),       cmocka_unit_test(shreds),
                                       cmocka_unit_test(evidence),    cmocka_unit_test(first_bytes),
                                       cmocka_unit_test(bookkeeping), cmocka_unit_test(joined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

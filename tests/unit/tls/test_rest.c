/* SPDX-License-Identifier: MIT
 *
 * Captures that stop inside a record, a record that cannot be one, and what lies where records are
 * looked for: how many bytes were not read, and that what follows is.
 */
#include "guard.h"
#include "peers.h"
#include "room.h"

#define T13 TLS1_3_VERSION
#define T12 TLS1_2_VERSION

enum { HEAD = 5, LONG = 3000, LINES = 40 };

/* clang-format off */
static const struct peers_terms all[] = {
    {.name = "1.3", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256"},
    {.name = "1.2 GCM", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"},
    {.name = "1.2 CBC, EtM", .version = T12, .cipher = "ECDHE-RSA-AES128-SHA"},
    {.name = "1.2 CBC, MtE", .version = T12, .cipher = "ECDHE-RSA-AES256-SHA384", .no_etm = true},
};
/* clang-format on */

static char word[LONG];
static struct peers_line lines[LINES + 1];

enum { BEFORE = 5 + LONG }; /* bytes of plain text before … */
struct talk {
    struct peers_talk said;
    size_t chunk, at, n; /* … the server's second record that is long: in which chunk, where */
};

static void talk_init(struct talk *t, const struct peers_terms *of)
{
    struct peers_terms terms = *of;
    struct peers_talk two[2];
    unsigned seen = 0;
    memset(word, 'x', sizeof word);
    terms.lines = lines;
    terms.lines_n = ARRAY(lines);
    lines[0] = (struct peers_line){0, "hello", 5};
    for (size_t i = 1; i <= LINES; i++) lines[i] = (struct peers_line){1, word, LONG};
    peers_talk(&terms, two);
    *t = (struct talk){.said = two[0]};
    for (size_t i = 0; i < t->said.chunks_n; i++) {
        const struct peers_chunk *c = &t->said.chunks[i];
        const uint8_t *p = t->said.wire.p + c->at;
        for (size_t at = 0, n; at < c->n; at += n) {
            n = HEAD + (size_t)wst_be16(p + at + 3);
            if (c->dir == 0 || p[at] != 23 || n < LONG || seen++ != 1) continue;
            t->chunk = i;
            t->at = at;
            t->n = n;
        }
    }
    assert_int_equal(seen, LINES);
}

static const uint8_t *record(const struct talk *t)
{
    return t->said.wire.p + t->said.chunks[t->chunk].at + t->at;
}

/* All before the record. */
static void begin(struct room *r, const struct talk *t)
{
    room_init(r);
    room_keys(r, (const char *)t->said.keylog.p);
    for (size_t i = 0; i < t->chunk; i++)
        room_push(r, (enum wst_dir)t->said.chunks[i].dir, t->said.wire.p + t->said.chunks[i].at,
                  t->said.chunks[i].n);
    if (t->at) room_push(r, WST_S2C, record(t) - t->at, t->at);
    assert_int_equal(r->n, BEFORE);
}

static size_t lost(const struct room *r)
{
    size_t n = 0;
    for (size_t i = 0; i < r->pieces_n; i++) n += r->pieces[i].lost ? r->pieces[i].n : 0;
    return n;
}

static void finish(struct room *r, size_t n, const char *text)
{
    char detail[128];
    snprintf(detail, sizeof detail, text, n);
    room_end(r);
    assert_int_equal(r->n, BEFORE);
    assert_string_equal(r->detail, detail);
    assert_int_equal(r->problems[WST_PROBLEM_TLS_LOST], 1);
    assert_int_equal(lost(r), n);
    room_free(r);
}

/* The capture ends inside a record: what came of it; all of it, where a part is missing. */
static void cut_short(void **state)
{
    static const char text[] = "the last record has no end: %zu bytes of it were not read";
    static const char one[] = "the last record has no end: %zu byte of it was not read";
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct talk t;
        static struct room r;
        talk_init(&t, &all[i]);
        const size_t came[] = {1, HEAD - 1, HEAD, HEAD + 1, t.n / 2, t.n - 1};
        for (size_t k = 0; k < ARRAY(came); k++) {
            begin(&r, &t);
            room_push(&r, WST_S2C, record(&t), came[k]);
            finish(&r, came[k], came[k] == 1 ? one : text);
        }
        begin(&r, &t);
        room_push(&r, WST_S2C, record(&t), 100);
        room_gap(&r, WST_S2C, 200);
        room_push(&r, WST_S2C, record(&t) + 300, 50);
        finish(&r, t.n, text);
        begin(&r, &t); /* and a second hole, that ends in the next one */
        room_push(&r, WST_S2C, record(&t), 100);
        room_gap(&r, WST_S2C, 200);
        room_push(&r, WST_S2C, record(&t) + 300, 50);
        room_gap(&r, WST_S2C, t.n - 350 + 10);
        finish(&r, t.n + 10, "no record opened again in the %zu bytes that follow");
        begin(&r, &t); /* where the next one begins nobody knows */
        room_push(&r, WST_S2C, record(&t), 3);
        room_gap(&r, WST_S2C, 200);
        room_push(&r, WST_S2C, record(&t) + 203, 1000);
        finish(&r, 1203, "no record opened again in the %zu bytes that follow");
        peers_free(&t.said);
    }
}

/* Two holes, the second to the end of the next record: the one behind it is read at once. */
static void two_holes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct talk t;
        static struct room r;
        talk_init(&t, &all[i]);
        begin(&r, &t);
        room_push(&r, WST_S2C, record(&t), 100);
        room_gap(&r, WST_S2C, 200);
        room_push(&r, WST_S2C, record(&t) + 300, 50);
        room_gap(&r, WST_S2C, 2 * t.n - 350);
        room_push(&r, WST_S2C, record(&t) + 2 * t.n, t.n);
        assert_int_equal(r.n, BEFORE + LONG);
        assert_int_equal(lost(&r), 2 * t.n);
        room_free(&r);
        peers_free(&t.said);
    }
}

/* A record between two that follow each other, shorter than what each has in front of its text or
 * behind it: nothing that was said is missing, and it is not passed over without a word. */
static void too_small(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++)
        for (uint8_t n = 1; n < 16; n++) {
            static struct talk t;
            static struct room r;
            char detail[64];
            uint8_t small[HEAD + 16] = {23, 3, 3, 0, n, 1, 2, 3, 4, 5, 6, 7, 8};
            if (n == 1) talk_init(&t, &all[i]);
            begin(&r, &t);
            room_push(&r, WST_S2C, small, HEAD + n);
            room_push(&r, WST_S2C, record(&t), t.n);
            assert_int_equal(r.n, BEFORE + LONG);
            assert_memory_equal(r.bytes + BEFORE, word, LONG);
            assert_int_equal(r.problems[WST_PROBLEM_TLS_BAD_RECORD], 1);
            snprintf(detail, sizeof detail, "1 record, %d bytes, with a wrong tag", HEAD + n);
            assert_string_equal(r.detail, detail);
            assert_int_equal(lost(&r), 0);
            room_free(&r);
            if (n == 15) peers_free(&t.said);
        }
}

/* More than is kept to look for a record in is no record's, and what looks like the beginning of a
 * long one stands in front of it. */
static void long_search(void **state)
{
    static uint8_t noise[LINES * (LONG + 100)];
    static const uint8_t head[HEAD] = {23, 3, 3, 0x40, 0};
    enum { LOST = 70, AT = 1000 };
    (void)state;
    memset(noise, 0xff, sizeof noise);
    memcpy(noise + AT, head, HEAD);
    for (size_t i = 0; i < ARRAY(all); i++) {
        static struct talk t;
        static struct room r;
        talk_init(&t, &all[i]);
        for (size_t spoilt = 1; spoilt < 36; spoilt += 5) {
            size_t n = spoilt * t.n, left = LINES - 1 - spoilt;
            begin(&r, &t);
            room_gap(&r, WST_S2C, LOST);
            room_push(&r, WST_S2C, noise + LOST, AT + 100 - LOST);
            room_push(&r, WST_S2C, noise + AT + 100, n - AT - 100);
            room_push(&r, WST_S2C, record(&t) + n, left * t.n);
            assert_int_equal(r.n, BEFORE + left * LONG);
            assert_int_equal(r.problems[WST_PROBLEM_TLS_RESYNC], 1);
            room_free(&r);
        }
        peers_free(&t.said);
    }
}

/* Secrets that are others': told once so many records did not open, not only at the end. */
static void wrong_key(void **state)
{
    static const struct peers_terms small[] = {
        {.name = "1.3", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256", .small = true},
        {.name = "1.2", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256", .small = true}};
    (void)state;
    for (size_t i = 0; i < ARRAY(small); i++) {
        static struct room r;
        struct peers_terms terms = small[i];
        struct peers_talk two[2];
        terms.lines = lines;
        terms.lines_n = ARRAY(lines);
        peers_talk(&terms, two);
        char *log = (char *)two[0].keylog.p;
        for (char *at = log; (at = strchr(at, '\n')); at++) at[-1] = at[-1] == '0' ? '1' : '0';
        room_init(&r);
        room_keys(&r, log);
        for (size_t c = 0; c < two[0].chunks_n; c++)
            room_push(&r, (enum wst_dir)two[0].chunks[c].dir, two[0].wire.p + two[0].chunks[c].at,
                      two[0].chunks[c].n);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_WRONG_KEY], 1);
        assert_int_equal(r.sealed, 1);
        assert_memory_equal(r.detail, "the key does not fit", 20);
        room_end(&r);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_WRONG_KEY], 1);
        assert_int_equal(r.n, 0);
        room_free(&r);
        peers_free(&two[0]);
    }
}

/* A cipher suite that nobody knows is named by its number. */
static void unknown_suite(void **state)
{
    static struct talk t;
    static struct room r;
    const struct peers_chunk *c;
    (void)state;
    talk_init(&t, &all[1]);
    for (c = t.said.chunks; c->dir != WST_S2C; c++) {
    }
    /* Head of the record, head of the message, version, random, session, suite. */
    uint8_t *suite = t.said.wire.p + c->at + HEAD + 4 + 2 + 32;
    suite += 1 + *suite;
    suite[0] = 0xfe;
    suite[1] = 0x0d;
    room_init(&r);
    room_keys(&r, (const char *)t.said.keylog.p);
    room_push(&r, WST_C2S, t.said.wire.p + t.said.chunks[0].at, t.said.chunks[0].n);
    room_push(&r, WST_S2C, t.said.wire.p + c->at, c->n);
    assert_int_equal(r.problems[WST_PROBLEM_TLS_UNSUPPORTED], 1);
    assert_non_null(strstr(r.detail, "; TLS 1.2; cipher suite 0xfe0d; client random "));
    room_free(&r);
    peers_free(&t.said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cut_short), cmocka_unit_test(two_holes),
        cmocka_unit_test(too_small), cmocka_unit_test(long_search),
        cmocka_unit_test(wrong_key), cmocka_unit_test(unknown_suite)};
    return cmocka_run_group_tests(tests, NULL, peers_teardown);
}

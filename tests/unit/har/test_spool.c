/* SPDX-License-Identifier: MIT
 *
 * The spool against a slow twin: a row of strands, each with all its bytes, sorted in the end.
 */
#include "file.h"

#include "spool.h"

enum { STRANDS = 300 };

struct slow {
    struct wst_spool_key key;
    struct wst_strand strand;
    uint8_t *p;
    size_t n;
};

struct told { /* what the merge gave */
    struct slow *rows;
    size_t n, left; /* left: pieces until it has enough; SIZE_MAX: never */
};

static void append(struct slow *s, const uint8_t *p, size_t n)
{
    s->p = realloc(s->p, s->n + n + 1);
    assert_non_null(s->p);
    memcpy(s->p + s->n, p, n);
    s->n += n;
}

static bool on_bytes(void *user, const struct wst_spool_key *key, struct wst_slice bytes)
{
    struct told *t = user;
    assert_true(bytes.n > 0);
    if (t->n == 0 || wst_spool_compare(&t->rows[t->n - 1].key, key) != 0) {
        t->rows = realloc(t->rows, (t->n + 1) * sizeof *t->rows);
        assert_non_null(t->rows);
        t->rows[t->n++] = (struct slow){.key = *key};
    }
    append(&t->rows[t->n - 1], bytes.p, bytes.n);
    return t->left == SIZE_MAX || --t->left > 0;
}

static int by_key(const void *a, const void *b)
{
    const struct slow *one = a, *other = b;
    return wst_spool_compare(&one->key, &other->key);
}

static void forget(struct slow *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) free(rows[i].p);
}

/* Every key once, in no order; some alike but for one field. */
static void make_keys(struct slow *rows, uint64_t *seed)
{
    for (size_t i = 0; i < STRANDS; i++)
        rows[i] = (struct slow){.key = {(int64_t)(random_next(seed) % 40) - 20, i / 3, i % 3}};
}

struct run {
    size_t memory, most, largest;
    bool file;
    unsigned adds, shorts;
};

static void one(const struct run *run, uint64_t seed)
{
    static uint8_t noise[300000];
    struct slow rows[STRANDS];
    struct file file = {.most = run->most, .unread = SIZE_MAX, .shorts = run->shorts};
    struct wst_har_spool lent = {&file, file_write, file_read, file_cut};
    struct told told = {.left = SIZE_MAX};
    struct wst_spool spool;
    size_t kept = 0, at = 0, refused = 0;
    bool ended = false;
    make_keys(rows, &seed);
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)random_next(&seed);
    assert_true(wst_spool_init(&spool, run->file ? &lent : NULL, run->memory));
    for (unsigned i = 0; i < run->adds; i++) {
        uint64_t r = random_next(&seed);
        /* Few are busy, most are told now and then, as connections are. */
        struct slow *s = &rows[r % 4 ? (r >> 8) % 7 : (r >> 8) % STRANDS];
        size_t n = (size_t)((r >> 32) % (r % 13 ? 200 : run->largest));
        enum wst_spool_need need = r % 29 == 0 ? WST_SPOOL_SENSE : WST_SPOOL_DATA;
        bool ensured = r % 31 == 0 && wst_spool_ensure(&spool, n);
        struct wst_slice bytes = {noise + (r >> 20) % (sizeof noise - n), n};
        bool added = wst_spool_add(&spool, &s->strand, &s->key, bytes, need);
        assert_true(added || !ensured);
        refused += !added;
        if (added) append(s, bytes.p, n);
        /* Once there is no way on, what was begun can still be ended. */
        if (!added && !ended) {
            for (int k = 0; k < 7; k++) {
                struct wst_slice last = {noise, 250};
                assert_true(
                    wst_spool_add(&spool, &rows[k].strand, &rows[k].key, last, WST_SPOOL_END));
                append(&rows[k], last.p, last.n);
            }
            ended = true;
        }
        assert_true(spool.used + spool.heads_n * sizeof(uint32_t) <= spool.size);
    }
    assert_int_equal(refused > 0, spool.full);
    if (run->most == SIZE_MAX && run->file) assert_int_equal(refused, 0);
    if (run->most != SIZE_MAX || !run->file) assert_true(refused > 0);
    assert_true(wst_spool_merge(&spool, &(struct wst_spool_sink){&told, on_bytes}));
    qsort(rows, STRANDS, sizeof *rows, by_key);
    for (size_t i = 0; i < STRANDS; i++) kept += rows[i].n > 0;
    assert_int_equal(told.n, kept);
    for (size_t i = 0; i < STRANDS; i++) {
        if (rows[i].n == 0) continue;
        assert_int_equal(wst_spool_compare(&rows[i].key, &told.rows[at].key), 0);
        assert_int_equal(rows[i].n, told.rows[at].n);
        assert_memory_equal(rows[i].p, told.rows[at].p, rows[i].n);
        at++;
    }
    wst_spool_free(&spool);
    forget(rows, STRANDS);
    forget(told.rows, told.n);
    free(told.rows);
    free(file.p);
}

static void against_the_slow_twin(void **state)
{
    static const struct run runs[] = {
        {.memory = 1 << 16, .most = SIZE_MAX, .file = true, .largest = 20000, .adds = 4000},
        {.memory = 1 << 16,
         .most = SIZE_MAX,
         .file = true,
         .largest = 50,
         .adds = 9000,
         .shorts = 7},
        {.memory = 1 << 20, .most = SIZE_MAX, .file = true, .largest = 250000, .adds = 900},
        {.memory = 1 << 17, .most = 900000, .file = true, .largest = 9000, .adds = 4000},
        {.memory = 1 << 17, .most = 0, .file = true, .largest = 9000, .adds = 2000},
        {.memory = 1 << 18, .file = false, .largest = 9000, .adds = 2000},
    };
    (void)state;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        for (uint64_t seed = 1; seed < 9; seed++) one(&runs[i], seed);
}

static void nothing_is_in_order(void **state)
{
    struct wst_spool spool;
    struct told told = {.left = SIZE_MAX};
    (void)state;
    assert_true(wst_spool_init(&spool, NULL, 0));
    assert_true(wst_spool_merge(&spool, &(struct wst_spool_sink){&told, on_bytes}));
    assert_int_equal(told.n, 0);
    wst_spool_free(&spool);
}

/* What is told before it fails is right, and a beginning. */
static void a_file_that_loses_bytes(void **state)
{
    static uint8_t zeros[1000];
    (void)state;
    for (size_t unread = 0; unread < 400000; unread += 37777) {
        struct file file = {.most = SIZE_MAX, .unread = unread};
        struct wst_har_spool lent = {&file, file_write, file_read, file_cut};
        struct told told = {.left = SIZE_MAX};
        struct wst_strand strands[16] = {{0}};
        struct wst_spool spool;
        assert_true(wst_spool_init(&spool, &lent, 1 << 17));
        for (unsigned i = 0; i < 500; i++) {
            struct wst_spool_key key = {1, i % 16, 0};
            assert_true(wst_spool_add(&spool, &strands[i % 16], &key,
                                      (struct wst_slice){zeros, sizeof zeros}, WST_SPOOL_DATA));
        }
        assert_true(file.n > 400000);
        assert_false(wst_spool_merge(&spool, &(struct wst_spool_sink){&told, on_bytes}));
        for (size_t i = 0; i < told.n; i++) {
            assert_int_equal(told.rows[i].key.conn, i);
            assert_true(told.rows[i].n <= 32 * sizeof zeros);
        }
        wst_spool_free(&spool);
        forget(told.rows, told.n);
        free(told.rows);
        free(file.p);
    }
}

static void enough(void **state)
{
    struct wst_spool spool;
    struct wst_strand strands[5] = {{0}};
    struct told told = {.left = 2};
    (void)state;
    assert_true(wst_spool_init(&spool, NULL, 0));
    for (uint64_t i = 0; i < 5; i++)
        assert_true(wst_spool_add(&spool, &strands[i], &(struct wst_spool_key){0, 9 - i, 0},
                                  (struct wst_slice){(const uint8_t *)"x", 1}, WST_SPOOL_DATA));
    assert_true(wst_spool_merge(&spool, &(struct wst_spool_sink){&told, on_bytes}));
    assert_int_equal(told.n, 2);
    assert_int_equal(told.rows[0].key.conn, 5);
    wst_spool_free(&spool);
    forget(told.rows, told.n);
    free(told.rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(against_the_slow_twin),
        cmocka_unit_test(nothing_is_in_order),
        cmocka_unit_test(a_file_that_loses_bytes),
        cmocka_unit_test(enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

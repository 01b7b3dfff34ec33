/* SPDX-License-Identifier: MIT
 *
 * Lines of key logs: what is taken, what is passed over, cut anywhere.
 */
#include "guard.h"
#include "keylog.h"

#define ID "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define S32 "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define S48 S32 "c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"

static const struct {
    const char *lines;
    int label; /* under which the secret is found; -1: nothing */
    size_t n, id_n;
} rows[] = {
    {"CLIENT_RANDOM " ID " " S48 "\n", WST_SECRET_MASTER, 48, 32},
    {"CLIENT_RANDOM " ID " " S48, WST_SECRET_MASTER, 48, 32},
    {"CLIENT_RANDOM " ID " " S48 "\r\n", WST_SECRET_MASTER, 48, 32},
    {"CLIENT_RANDOM " ID " " S48 " \n", WST_SECRET_MASTER, 48, 32},
    {"CLIENT_RANDOM\t" ID "  " S48 "\n", WST_SECRET_MASTER, 48, 32},
    {"# SSL/TLS secrets log file\n\nCLIENT_RANDOM " ID " " S48 "\n", WST_SECRET_MASTER, 48, 32},
    {"garbage\n\xff\xfe\nCLIENT_RANDOM " ID " " S48 "\n", WST_SECRET_MASTER, 48, 32},
    {"CLIENT_EARLY_TRAFFIC_SECRET " ID " " S32 "\n", WST_SECRET_EARLY, 32, 32},
    {"CLIENT_HANDSHAKE_TRAFFIC_SECRET " ID " " S48 "\n", WST_SECRET_CLIENT_HS, 48, 32},
    {"SERVER_HANDSHAKE_TRAFFIC_SECRET " ID " " S32 "\n", WST_SECRET_SERVER_HS, 32, 32},
    {"CLIENT_TRAFFIC_SECRET_0 " ID " " S32 "\n", WST_SECRET_CLIENT, 32, 32},
    {"SERVER_TRAFFIC_SECRET_0 " ID " " S48 "\n", WST_SECRET_SERVER, 48, 32},
    {"PMS_CLIENT_RANDOM " ID " " S32 "\n", WST_SECRET_PREMASTER, 32, 32},
    {"RSA 0001020304050607 " S48 "\n", WST_SECRET_RSA, 48, 8},
    {"RSA Session-ID:" ID " Master-Key:" S48 "\n", WST_SECRET_SESSION, 48, 32},
    {"RSA Session-ID:000102 Master-Key:" S48 "\n", WST_SECRET_SESSION, 48, 3},
    /* passed over */
    {"", -1, 0, 0},
    {"\n\n\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID "\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID " " S32 "\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID " " S48 "00\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID " " S48 " more\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID "00 " S48 "\n", -1, 0, 0},
    {"CLIENT_RANDOM 00 " S48 "\n", -1, 0, 0},
    {"CLIENT_RANDOM " ID " g0" S48 "\n", -1, 0, 0},
    {"client_random " ID " " S48 "\n", -1, 0, 0},
    {"CLIENT_RANDOMS " ID " " S48 "\n", -1, 0, 0},
    {"EXPORTER_SECRET " ID " " S32 "\n", -1, 0, 0},
    {"CLIENT_TRAFFIC_SECRET_1 " ID " " S32 "\n", -1, 0, 0},
    {"SERVER_TRAFFIC_SECRET_0 " ID " 00\n", -1, 0, 0},
    {"RSA 00 " S48 "\n", -1, 0, 0},
    {"RSA Session-ID: Master-Key:" S48 "\n", -1, 0, 0},
    {"QUIC_CLIENT_TRAFFIC_SECRET_0 " ID " " S32 "\n", -1, 0, 0},
};

static const uint64_t seed[2] = {1, 2};

static void check(struct wst_keylog *k, size_t i)
{
    uint8_t id[32], secret[48];
    for (uint8_t b = 0; b < 32; b++) id[b] = b;
    for (uint8_t b = 0; b < 48; b++) secret[b] = (uint8_t)(0xa0 + b);
    for (int label = 0; label < WST_SECRET_LABELS; label++) {
        size_t n = rows[i].id_n ? rows[i].id_n : 32;
        const struct wst_secret *found =
            wst_keylog_find(k, (enum wst_secret_label)label, (struct wst_slice){id, n});
        if (label != rows[i].label) {
            if (found) fail_msg("row %zu: found as %d", i, label);
            continue;
        }
        if (!found) fail_msg("row %zu: not found", i);
        assert_int_equal(found->n, rows[i].n);
        assert_memory_equal(found->bytes, secret, found->n);
    }
    assert_int_equal(wst_keylog_count(k), rows[i].label >= 0);
}

static void lines_whole(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_budget budget = {.max = 1 << 20};
        struct wst_keylog *k = wst_keylog_new(&budget, seed);
        size_t n = strlen(rows[i].lines);
        assert_int_equal(wst_keylog_push(k, guard_put(&g, rows[i].lines, n), true), n);
        check(k, i);
        wst_keylog_free(k);
        assert_int_equal(budget.used, 0);
    }
    guard_free(&g);
}

/* What is not taken is given again, with one byte more, as whoever follows a growing file does. */
static void lines_by_the_byte(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct wst_budget budget = {.max = 1 << 20};
        struct wst_keylog *k = wst_keylog_new(&budget, seed);
        size_t n = strlen(rows[i].lines), from = 0;
        for (size_t to = 1; to <= n; to++) {
            size_t taken =
                wst_keylog_push(k, guard_put(&g, rows[i].lines + from, to - from), to == n);
            assert_true(taken <= to - from);
            if (to < n) assert_true(!taken || rows[i].lines[from + taken - 1] == '\n');
            from += taken;
        }
        assert_int_equal(from, n);
        check(k, i);
        wst_keylog_free(k);
    }
    guard_free(&g);
}

/* A line that never ends must not be asked for again and again. */
static void endless_line(void **state)
{
    static char long_line[8192];
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_keylog *k = wst_keylog_new(&budget, seed);
    (void)state;
    memset(long_line, 'A', sizeof long_line);
    struct wst_slice all = {(const uint8_t *)long_line, sizeof long_line};
    assert_int_equal(wst_keylog_push(k, (struct wst_slice){all.p, 1000}, false), 0);
    assert_int_equal(wst_keylog_push(k, all, false), sizeof long_line);
    assert_int_equal(wst_keylog_count(k), 0);
    wst_keylog_free(k);
}

static void first_one_stays(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_keylog *k = wst_keylog_new(&budget, seed);
    const char *two = "CLIENT_RANDOM " ID " " S48 "\nCLIENT_RANDOM " ID " " ID
                      "000102030405060708090a0b0c0d0e0f\n";
    uint8_t id[32];
    (void)state;
    for (uint8_t b = 0; b < 32; b++) id[b] = b;
    wst_keylog_push(k, (struct wst_slice){(const uint8_t *)two, strlen(two)}, true);
    const struct wst_secret *found =
        wst_keylog_find(k, WST_SECRET_MASTER, (struct wst_slice){id, 32});
    assert_int_equal(found->bytes[0], 0xa0);
    wst_keylog_free(k);
}

/* The table grows inside the budget; then the oldest give way, for a log that is followed for
 * months never ends. Their numbers stay theirs, and what is known is not taken anew. */
static void many_until_the_budget_ends(void **state)
{
    struct wst_budget budget = {.max = 300 * 1000};
    struct wst_keylog *k = wst_keylog_new(&budget, seed);
    uint8_t id[32] = {0}, secret[48] = {0};
    enum wst_secret_label label;
    const uint8_t *identity;
    (void)state;
    for (uint32_t i = 0; i < 50000; i++) {
        uint32_t gone = wst_keylog_gone(k);
        for (uint32_t back = 0; back <= 500 && back <= i; back += 100) {
            uint32_t is = i - back;
            memcpy(id, &is, sizeof is);
            memcpy(secret, &is, sizeof is);
            assert_true(wst_keylog_add(k, WST_SECRET_MASTER, (struct wst_slice){id, 32},
                                       (struct wst_slice){secret, 48}));
            if (back) assert_true(gone == wst_keylog_gone(k));
            gone = wst_keylog_gone(k);
        }
        assert_true(budget.used <= budget.max);
    }
    uint32_t all = wst_keylog_secrets(k), gone = wst_keylog_gone(k);
    assert_int_equal(all, 50000);
    assert_true(gone >= 45000 && gone <= 49500);
    assert_null(wst_keylog_unasked(k, gone - 1, &label, &identity));
    for (uint32_t i = 0; i < all; i++) {
        if (i >= gone) {
            assert_non_null(wst_keylog_unasked(k, i, &label, &identity));
            assert_memory_equal(identity, &i, sizeof i);
        }
        memcpy(id, &i, sizeof i);
        const struct wst_secret *found =
            wst_keylog_find(k, WST_SECRET_MASTER, (struct wst_slice){id, 32});
        assert_true(!found == (i < gone));
        if (found) assert_memory_equal(found->bytes, &i, sizeof i);
    }
    assert_null(wst_keylog_unasked(k, all - 1, &label, &identity));
    wst_keylog_free(k);
    assert_int_equal(budget.used, 0);
}

/* In the order in which they came, but for those that somebody looked for. */
static void unasked(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_keylog *k = wst_keylog_new(&budget, seed);
    uint8_t id[32] = {0}, secret[48] = {0};
    enum wst_secret_label label;
    const uint8_t *identity;
    (void)state;
    assert_int_equal(wst_keylog_secrets(k), 0);
    for (uint32_t i = 0; i < 1000; i++) {
        memcpy(id, &i, sizeof i);
        memcpy(secret, &i, sizeof i);
        enum wst_secret_label of = i % 2 ? WST_SECRET_CLIENT : WST_SECRET_SERVER;
        assert_true(
            wst_keylog_add(k, of, (struct wst_slice){id, 32}, (struct wst_slice){secret, 48}));
        if (i % 3) continue;
        assert_non_null(wst_keylog_find(k, of, (struct wst_slice){id, 32}));
        assert_null(wst_keylog_find(k, WST_SECRET_MASTER, (struct wst_slice){id, 32}));
    }
    assert_int_equal(wst_keylog_secrets(k), 1000);
    for (uint32_t i = 0; i < 1000; i++) {
        const struct wst_secret *s = wst_keylog_unasked(k, i, &label, &identity);
        if (i % 3) {
            assert_non_null(s);
            assert_int_equal(label, i % 2 ? WST_SECRET_CLIENT : WST_SECRET_SERVER);
            assert_memory_equal(identity, &i, sizeof i);
            assert_memory_equal(s->bytes, &i, sizeof i);
        } else {
            assert_null(s);
        }
    }
    assert_null(wst_keylog_unasked(k, 1000, &label, &identity));
    wst_keylog_free(k);
    assert_int_equal(budget.used, 0);
}

static void line_goes_round(void **state)
{
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_keylog *k = wst_keylog_new(&budget, seed), *copy = wst_keylog_new(&budget, seed);
    const char *one = "SERVER_TRAFFIC_SECRET_0 " ID " " S48 "\n";
    char line[WST_KEYLOG_LINE];
    uint8_t id[32];
    (void)state;
    for (uint8_t b = 0; b < 32; b++) id[b] = b;
    wst_keylog_push(k, (struct wst_slice){(const uint8_t *)one, strlen(one)}, true);
    size_t n = wst_keylog_line(line, WST_SECRET_SERVER, id,
                               wst_keylog_find(k, WST_SECRET_SERVER, (struct wst_slice){id, 32}));
    assert_int_equal(n, strlen(one));
    assert_string_equal(line, one);
    wst_keylog_free(k);
    wst_keylog_free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_whole),
        cmocka_unit_test(lines_by_the_byte),
        cmocka_unit_test(endless_line),
        cmocka_unit_test(first_one_stays),
        cmocka_unit_test(many_until_the_budget_ends),
        cmocka_unit_test(unasked),
        cmocka_unit_test(line_goes_round),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

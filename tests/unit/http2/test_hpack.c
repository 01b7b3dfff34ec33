/* SPDX-License-Identifier: MIT
 *
 * Header blocks: those of RFC 7541 appendix C, whole and by the byte; what refers to fields that
 * are lost, what is too large, and no memory at any point. A field is written "name: value|".
 */
#include <stdio.h>

#include "fields.h"
#include "guard.h"
#include "http2.h"

struct blocks {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_http2_env env;
    struct wst_http2_side side;
    struct guard guard;
    char text[65536];
};

static struct blocks *begin(void)
{
    struct blocks *b = calloc(1, sizeof *b);
    assert_non_null(b);
    guard_init(&b->guard, 65536);
    b->options.limits.max_head = 4096;
    b->budget.max = 1 << 24;
    wst_http2_env_init(&b->env, &b->options, &b->budget);
    return b;
}

static void end(struct blocks *b)
{
    wst_hpack_lose(&b->side);
    wst_buf_free(&b->side.fields, &b->budget);
    assert_int_equal(b->budget.used, 0);
    guard_free(&b->guard);
    free(b);
}

static void text_of(struct blocks *b)
{
    struct wst_slice all = wst_buf_slice(&b->side.fields);
    struct wst_header f;
    size_t n = 0;
    b->text[0] = '\0';
    while (wst_fields_next(&all, &f))
        n += (size_t)snprintf(b->text + n, sizeof b->text - n, "%.*s: %.*s|", (int)f.name.n,
                              (const char *)f.name.p, (int)f.value.n, (const char *)f.value.p);
    assert_int_equal(all.n, 0);
    assert_true(n < sizeof b->text);
}

/* In pieces of `piece` bytes; the last says so, or nothing behind it does. */
static bool block(struct blocks *b, const void *p, size_t n, size_t piece)
{
    bool good = true;
    b->side.fields.n = 0;
    for (size_t i = 0; i < n && good; i += piece) {
        size_t k = n - i < piece ? n - i : piece;
        struct wst_slice s = guard_put(&b->guard, (const uint8_t *)p + i, k);
        good = wst_hpack_push(&b->side, &b->env, s, piece > 1 && i + k == n);
    }
    if (good && piece == 1)
        good = wst_hpack_push(&b->side, &b->env, (struct wst_slice){NULL, 0}, true);
    text_of(b);
    return good;
}

static size_t unhex(const char *hex, uint8_t *to)
{
    size_t n = 0;
    for (unsigned byte; *hex; hex += 2) {
        while (*hex == ' ') hex++;
        assert_int_equal(sscanf(hex, "%2x", &byte), 1);
        to[n++] = (uint8_t)byte;
    }
    return n;
}

static bool block_hex(struct blocks *b, const char *hex, size_t piece)
{
    uint8_t bytes[512];
    return block(b, bytes, unhex(hex, bytes), piece);
}

/* -- RFC 7541 appendix C ----------------------------------------------------------------------- */

#define R1 ":method: GET|:scheme: http|:path: /|:authority: www.example.com|"
#define R2 R1 "cache-control: no-cache|"
#define R3                                                                        \
    ":method: GET|:scheme: https|:path: /index.html|:authority: www.example.com|" \
    "custom-key: custom-value|"
#define DATE(second) "date: Mon, 21 Oct 2013 20:13:2" second " GMT|"
#define AT "location: https://www.example.com|"
#define A1 ":status: 302|cache-control: private|" DATE("1") AT
#define A2 ":status: 307|cache-control: private|" DATE("1") AT
#define A3                                              \
    ":status: 200|cache-control: private|" DATE("2") AT \
        "content-encoding: gzip|"                       \
        "set-cookie: foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1|"

struct appendix {
    const char *name;
    const char *size; /* of the table, as an update would say it; the examples agree on 256 */
    struct {
        const char *hex, *fields;
    } blocks[3];
};

static const struct appendix appendices[] = {
    {"C.2.1",
     "",
     {{"400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572",
       "custom-key: custom-header|"}}},
    {"C.2.2", "", {{"040c 2f73 616d 706c 652f 7061 7468", ":path: /sample/path|"}}},
    {"C.2.3", "", {{"1008 7061 7373 776f 7264 0673 6563 7265 74", "password: secret|"}}},
    {"C.2.4", "", {{"82", ":method: GET|"}}},
    {"C.3",
     "",
     {{"8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d", R1},
      {"8286 84be 5808 6e6f 2d63 6163 6865", R2},
      {"8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65", R3}}},
    {"C.4",
     "",
     {{"8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff", R1},
      {"8286 84be 5886 a8eb 1064 9cbf", R2},
      {"8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf", R3}}},
    {"C.5",
     "3fe101",
     {{"4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a "
       "3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
       A1},
      {"4803 3330 37c1 c0bf", A2},
      {"88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04 "
       "677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49 "
       "553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
       A3}}},
    {"C.6",
     "3fe101",
     {{"4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e "
       "919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
       A1},
      {"4883 640e ffc1 c0bf", A2},
      {"88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7 "
       "821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed "
       "4ee5 b106 3d50 07",
       A3}}},
};

static void rfc7541_c(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(appendices); i++)
        for (size_t piece = 1; piece < 100; piece += 49) { /* by the byte; 50; whole */
            const struct appendix *a = &appendices[i];
            struct blocks *b = begin();
            for (size_t j = 0; j < 3 && a->blocks[j].hex; j++) {
                char hex[1024];
                snprintf(hex, sizeof hex, "%s%s", j ? "" : a->size, a->blocks[j].hex);
                assert_true(block_hex(b, hex, piece == 99 ? 1000 : piece));
                assert_string_equal(b->text, a->blocks[j].fields);
            }
            end(b);
        }
}

/* -- what is lost ------------------------------------------------------------------------------ */

/* Of each example the later blocks alone: the fields in front of what is missing, and no other. */
static void lost(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(appendices); i++)
        for (size_t j = 1; j < 3 && appendices[i].blocks[j].hex; j++) {
            const struct appendix *a = &appendices[i];
            struct blocks *b = begin();
            assert_true(block_hex(b, a->blocks[0].hex, 1000));
            wst_hpack_lose(&b->side);
            assert_false(block_hex(b, a->blocks[j].hex, 1000));
            assert_memory_equal(b->text, a->blocks[j].fields, strlen(b->text));
            assert_true(strlen(b->text) < strlen(a->blocks[j].fields));
            end(b);
        }
}

/* What was added behind the loss is found, and nothing that is older: refused, it loses the rest.
 */
static void found_again(void **state)
{
    (void)state;
    struct blocks *b = begin();
    assert_true(block_hex(b, "4001 61 01 31 4001 62 01 32", 1000));
    assert_true(block_hex(b, "be bf", 1000));
    assert_string_equal(b->text, "b: 2|a: 1|");
    wst_hpack_lose(&b->side);
    assert_true(block_hex(b, "4001 63 01 33", 1000));
    assert_true(block_hex(b, "be", 1));
    assert_string_equal(b->text, "c: 3|");
    assert_false(block_hex(b, "be bf", 1));
    assert_string_equal(b->text, "c: 3|");
    assert_false(block_hex(b, "be", 1));
    assert_string_equal(b->text, "");
    end(b);
}

/* A block that ends in the middle of a field. */
static void cut(void **state)
{
    uint8_t bytes[512];
    size_t n = unhex(appendices[7].blocks[2].hex, bytes);
    (void)state;
    for (size_t k = 0; k < n; k++) {
        struct blocks *b = begin();
        assert_true(block_hex(b, "3fe101", 1000));
        assert_true(block_hex(b, appendices[7].blocks[0].hex, 1000));
        assert_true(block_hex(b, appendices[7].blocks[1].hex, 1000));
        block(b, bytes, k, 1);
        assert_memory_equal(b->text, A3, strlen(b->text));
        end(b);
    }
}

/* -- the size of the table --------------------------------------------------------------------- */

static void sizes(void **state)
{
    static const struct {
        const char *hex;
        bool good;
    } rows[] = {
        {"20", true},           /* 0 */
        {"3f e1 1f", true},     /* 4096 */
        {"3f e1 ff 3f", true},  /* 2^20 */
        {"3f e2 ff 3f", false}, /* and one */
        {"3f e1 ff ff 7f", false},
        {"3f ff ff ff ff 0f", false},
        {"20 3f e1 1f", true}, /* the smallest, and what it is then */
        {"82 20", false},      /* not behind a field */
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t piece = 1; piece < 3; piece++) {
            struct blocks *b = begin();
            assert_true(block_hex(b, "82", 1000));
            assert_int_equal(block_hex(b, rows[i].hex, piece == 1 ? 1 : 1000), rows[i].good);
            assert_int_equal(block_hex(b, "82", 1000), true);
            end(b);
        }
}

/* An empty table holds nothing; a large one what the sender put there, paid for. */
static void table_used(void **state)
{
    (void)state;
    struct blocks *b = begin();
    assert_true(block_hex(b, "20 4001 61 01 31", 1000));
    assert_false(block_hex(b, "be", 1000));
    assert_true(block_hex(b, "3f e1 ff 3f", 1000));
    size_t before = b->budget.used;
    for (unsigned i = 0; i < 1000; i++) {
        char hex[64];
        snprintf(hex, sizeof hex, "4001 61 04 %02x %02x %02x 30", '0' + i / 100, '0' + i / 10 % 10,
                 '0' + i % 10);
        assert_true(block_hex(b, hex, 1000));
    }
    assert_true(b->budget.used > before + 1000 * 32);
    assert_true(block_hex(b, "ff a6 07", 1000)); /* the oldest */
    assert_string_equal(b->text, "a: 0000|");
    assert_false(block_hex(b, "ff a7 07", 1000));
    end(b);
}

/* -- limits ------------------------------------------------------------------------------------ */

static size_t put_field(uint8_t *to, const char *name, size_t value, uint8_t fill)
{
    size_t n = 0;
    to[n++] = 0x40; /* and into the table with it */
    to[n++] = (uint8_t)strlen(name);
    memcpy(to + n, name, strlen(name));
    n += strlen(name);
    to[n++] = 127;
    to[n++] = (uint8_t)((value - 127) % 128 | 128);
    to[n++] = (uint8_t)((value - 127) / 128);
    memset(to + n, fill, value);
    return n + value;
}

/* What does not fit is left out; the fields around it, and the table, are as they were sent. */
static void too_large(void **state)
{
    uint8_t bytes[20000];
    (void)state;
    for (size_t piece = 1; piece < 2000; piece += 617)
        for (size_t value = 300; value < 3000; value += 100) {
            struct blocks *b = begin();
            b->options.limits.max_head = 1024;
            size_t n = put_field(bytes, "a", 200, 'x');
            n += put_field(bytes + n, "b", value, 'y');
            n += put_field(bytes + n, "c", 200, 'z');
            assert_true(block(b, bytes, n, piece));
            assert_true(b->side.fields.n <= 1024);
            assert_non_null(strstr(b->text, "a: xx"));
            assert_int_equal(strstr(b->text, "b: yy") != NULL, value <= 806);
            assert_int_equal(strstr(b->text, "c: zz") != NULL, value <= 597 || value > 806);
            assert_true(block_hex(b, "c0", 1000));
            assert_memory_equal(b->text, "a: xxx", 6);
            end(b);
        }
}

/* -- memory ------------------------------------------------------------------------------------ */

/* Refused from the nth byte on: defined, and what is said was sent. */
static void starved(void **state)
{
    (void)state;
    for (size_t max = 0; max < 12000; max += 13) {
        struct blocks *b = begin();
        b->budget.max = max;
        for (size_t round = 0; round < 2; round++) {
            const struct appendix *a = &appendices[5 + round];
            for (size_t j = 0; j < 3; j++)
                if (block_hex(b, a->blocks[j].hex, round ? 1000 : 1) && max > 11000)
                    assert_string_equal(b->text, a->blocks[j].fields);
            b->budget.max = max + 1000;
        }
        end(b);
    }
}

/* The same, of each request in turn alone. */
static void refused_once(void **state)
{
    (void)state;
    for (size_t j = 0; j < 3; j++)
        for (size_t left = 0; left < 8000; left += 7) {
            const struct appendix *a = &appendices[4];
            struct blocks *b = begin();
            for (size_t i = 0; i < 3; i++) {
                b->budget.max = i == j ? b->budget.used + left : 1 << 24;
                bool good = block_hex(b, a->blocks[i].hex, 1 + left % 2 * 99);
                if (good && i < j) assert_string_equal(b->text, a->blocks[i].fields);
                if (i > j && good) assert_string_equal(b->text, a->blocks[i].fields);
            }
            end(b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc7541_c), cmocka_unit_test(lost),    cmocka_unit_test(found_again),
        cmocka_unit_test(cut),       cmocka_unit_test(sizes),   cmocka_unit_test(table_used),
        cmocka_unit_test(too_large), cmocka_unit_test(starved), cmocka_unit_test(refused_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
#include "said.h"

#include "msgpack.h"

struct row {
    struct wst_slice bytes;
    const char *json; /* NULL: it is no whole value, or has no JSON */
};

/* Every format of the specification, at its limits. */
static const struct row rows[] = {
    {SLICE("\x82\xa7"
           "compact\xc3\xa6schema\x00"),
     "{\"compact\":true,\"schema\":0}"},
    {SLICE("\xc0"), "null"},
    {SLICE("\xc2"), "false"},
    {SLICE("\xc3"), "true"},
    {SLICE("\x00"), "0"},
    {SLICE("\x7f"), "127"},
    {SLICE("\xe0"), "-32"},
    {SLICE("\xff"), "-1"},
    {SLICE("\xcc\xff"), "255"},
    {SLICE("\xcd\xff\xff"), "65535"},
    {SLICE("\xce\xff\xff\xff\xff"), "4294967295"},
    {SLICE("\xcf\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615"},
    {SLICE("\xd0\x80"), "-128"},
    {SLICE("\xd0\x7f"), "127"},
    {SLICE("\xd1\x80\x00"), "-32768"},
    {SLICE("\xd2\x80\x00\x00\x00"), "-2147483648"},
    {SLICE("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"), "-9223372036854775808"},
    {SLICE("\xca\x3f\xc0\x00\x00"), "1.5"},
    {SLICE("\xca\x3d\xcc\xcc\xcd"), "0.1"},
    {SLICE("\xcb\x3f\xb9\x99\x99\x99\x99\x99\x9a"), "0.1"},
    {SLICE("\xcb\x40\x35\x80\x00\x00\x00\x00\x00"), "21.5"},
    {SLICE("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"), "{\"float\":\"NaN\"}"},
    {SLICE("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"), "{\"float\":\"Infinity\"}"},
    {SLICE("\xca\xff\x80\x00\x00"), "{\"float\":\"-Infinity\"}"},
    {SLICE("\xa0"), "\"\""},
    {SLICE("\xa3"
           "a\"\n"),
     "\"a\\\"\\u000a\""},
    {SLICE("\xd9\x02\xc3\xa9"), "\"\xc3\xa9\""},
    {SLICE("\xda\x00\x01\\"), "\"\\\\\""},
    {SLICE("\xdb\x00\x00\x00\x01x"), "\"x\""},
    {SLICE("\xa1\xff"), "{\"b64\":\"/w==\"}"},
    {SLICE("\xc4\x02\x01\x02"), "{\"b64\":\"AQI=\"}"},
    {SLICE("\xc5\x00\x00"), "{\"b64\":\"\"}"},
    {SLICE("\xc6\x00\x00\x00\x01\x00"), "{\"b64\":\"AA==\"}"},
    {SLICE("\xd4\x05\x01"), "{\"ext\":5,\"b64\":\"AQ==\"}"},
    {SLICE("\xd5\x05\x01\x02"), "{\"ext\":5,\"b64\":\"AQI=\"}"},
    {SLICE("\xd6\xff\x01\x02\x03\x04"), "{\"ext\":-1,\"b64\":\"AQIDBA==\"}"},
    {SLICE("\xd7\xff\x01\x02\x03\x04\x05\x06\x07\x08"), "{\"ext\":-1,\"b64\":\"AQIDBAUGBwg=\"}"},
    {SLICE("\xd8\x01\x01\x02\x03\x04\x05\x06\x07\x08\x01\x02\x03\x04\x05\x06\x07\x08"),
     "{\"ext\":1,\"b64\":\"AQIDBAUGBwgBAgMEBQYHCA==\"}"},
    {SLICE("\xc7\x01\x05\x01"), "{\"ext\":5,\"b64\":\"AQ==\"}"},
    {SLICE("\xc8\x00\x00\x05"), "{\"ext\":5,\"b64\":\"\"}"},
    {SLICE("\xc9\x00\x00\x00\x01\x05\x01"), "{\"ext\":5,\"b64\":\"AQ==\"}"},
    {SLICE("\x90"), "[]"},
    {SLICE("\x93\x90\x80\x91\x01"), "[[],{},[1]]"},
    {SLICE("\xdc\x00\x01\xc0"), "[null]"},
    {SLICE("\xdd\x00\x00\x00\x01\xc0"), "[null]"},
    {SLICE("\xde\x00\x01\x01\xc0"), "{\"1\":null}"},
    {SLICE("\xdf\x00\x00\x00\x01\xff\xc0"), "{\"-1\":null}"},
    {SLICE("\x81\x90\xc0"), NULL}, /* a key that is an array */
    {SLICE("\x81\xa1\xff\xc0"), NULL},
    {SLICE("\xc1"), NULL},
    {SLICE("\xdd\xff\xff\xff\xff\x00"), NULL},
    {SLICE("\xdf\xff\xff\xff\xff\x00"), NULL},
    {SLICE("\xdb\xff\xff\xff\xffx"), NULL},
};

static struct wst_slice json_of(struct wst_say *say, struct guard *g, const void *p, size_t n)
{
    struct wst_slice s = guard_put(g, p, n), whole = wst_msgpack_whole(&s);
    say->scratch_n = 0;
    if (!whole.p) return whole;
    assert_int_equal(whole.n + s.n, n);
    return wst_msgpack_json(say, whole);
}

static void formats(void **state)
{
    struct wst_say *say = calloc(1, sizeof *say);
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        struct wst_slice got = json_of(say, &g, r->bytes.p, r->bytes.n);
        if (!r->json) {
            assert_null(got.p);
            continue;
        }
        assert_int_equal(got.n, strlen(r->json));
        assert_memory_equal(got.p, r->json, got.n);
        assert_int_equal(say->scratch_n, got.n);
        for (size_t n = 0; n < r->bytes.n; n++) assert_null(json_of(say, &g, r->bytes.p, n).p);
    }
    guard_free(&g);
    free(say);
}

/* As deep as is allowed, one deeper, and far too deep; and no room left. */
static void limits(void **state)
{
    struct wst_say *say = calloc(1, sizeof *say);
    uint8_t deep[4096];
    struct guard g;
    (void)state;
    guard_init(&g, SAID_ROOM);
    memset(deep, 0x91, sizeof deep);
    deep[WST_MSGPACK_DEPTH] = 0xc0;
    assert_int_equal(json_of(say, &g, deep, WST_MSGPACK_DEPTH + 1).n, 2 * WST_MSGPACK_DEPTH + 4);
    deep[WST_MSGPACK_DEPTH] = 0x91;
    deep[WST_MSGPACK_DEPTH + 1] = 0xc0;
    assert_null(json_of(say, &g, deep, WST_MSGPACK_DEPTH + 2).p);
    deep[WST_MSGPACK_DEPTH + 1] = 0x91;
    deep[sizeof deep - 1] = 0xc0;
    assert_null(json_of(say, &g, deep, sizeof deep).p);

    uint8_t *big = calloc(1, WST_SAY_SCRATCH + 8);
    for (uint32_t n = WST_SAY_SCRATCH - 8; n < WST_SAY_SCRATCH; n++) {
        memset(big, 'x', WST_SAY_SCRATCH + 8);
        big[0] = 0xdb;
        for (int i = 0; i < 4; i++) big[1 + i] = (uint8_t)(n >> (24 - 8 * i));
        struct wst_slice got = json_of(say, &g, big, n + 5);
        if (n + 2 <= WST_SAY_SCRATCH)
            assert_int_equal(got.n, n + 2);
        else
            assert_null(got.p);
        big[0] = 0xc6; /* base64 is longer: no room */
        assert_null(json_of(say, &g, big, n + 5).p);
        assert_int_equal(say->scratch_n, 0);
    }
    free(big);
    guard_free(&g);
    free(say);
}

/* Anything: what is whole becomes JSON, or nothing; never a byte too far. */
static void anything(void **state)
{
    struct wst_say *say = calloc(1, sizeof *say);
    struct guard g;
    uint64_t seed = 7;
    size_t whole = 0;
    (void)state;
    guard_init(&g, 4096);
    for (int i = 0; i < 20000; i++) {
        uint8_t bytes[24];
        size_t n = rnd_below(&seed, sizeof bytes + 1);
        rnd_fill(&seed, bytes, n);
        if (n && i % 2) bytes[0] = (uint8_t)(0x80 + bytes[0] % 0x20);
        struct wst_slice got = json_of(say, &g, bytes, n);
        if (!got.p) continue;
        json_t *v = json_loadb((const char *)got.p, got.n,
                               JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(v);
        json_decref(v);
        whole++;
    }
    assert_true(whole > 1000);
    guard_free(&g);
    free(say);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),
        cmocka_unit_test(limits),
        cmocka_unit_test(anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

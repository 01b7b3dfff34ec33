/* SPDX-License-Identifier: MIT */
#include "hkdf.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "guard.h"

static struct wst_hkdf hkdf;

/* HMAC by HMAC, as RFC 5869 sections 2.2 and 2.3 and RFC 8446 section 7.1 write it down. */
static void slow_extract(const EVP_MD *md, struct wst_slice salt, struct wst_slice key, uint8_t *to)
{
    assert_non_null(HMAC(md, salt.p, (int)salt.n, key.p, key.n, to, NULL));
}

static void slow_expand(const EVP_MD *md, struct wst_slice secret, const char *label, uint8_t *to,
                        size_t n)
{
    size_t hash_n = (size_t)EVP_MD_get_size(md), label_n = strlen(label), done = 0;
    uint8_t block[EVP_MAX_MD_SIZE + 64], hash[EVP_MAX_MD_SIZE];
    for (uint8_t i = 1; done < n; i++) {
        size_t k = i > 1 ? hash_n : 0;
        memcpy(block, hash, k); /* the one before */
        block[k++] = (uint8_t)(n / 256);
        block[k++] = (uint8_t)(n % 256);
        block[k++] = (uint8_t)(6 + label_n);
        memcpy(block + k, "tls13 ", 6);
        memcpy(block + k + 6, label, label_n);
        k += 6 + label_n;
        block[k++] = 0;
        block[k++] = i;
        assert_non_null(HMAC(md, secret.p, (int)secret.n, block, k, hash, NULL));
        for (size_t j = 0; j < hash_n && done < n; j++) to[done++] = hash[j];
    }
}

static void as_written_down(void **state)
{
    static const char *const labels[] = {
        "key",       "iv", "traffic upd",           "quic hp", "quicv2 ku",
        "server in", "",   "of 22 bytes, no longer"};
    static const struct {
        const char *name;
        const EVP_MD *(*md)(void);
    } hashes[] = {{"SHA256", EVP_sha256}, {"SHA384", EVP_sha384}};
    uint64_t random = 1;
    (void)state;
    for (size_t step = 0; step < 2000; step++) {
        const EVP_MD *md = hashes[step % 2].md();
        size_t hash_n = (size_t)EVP_MD_get_size(md), n = 1 + rnd_below(&random, 300);
        const char *label = labels[rnd_below(&random, ARRAY(labels))];
        uint8_t salt[20], id[20], first[2][48], out[2][300];
        struct wst_slice key = wst_slice_of(id, 1 + rnd_below(&random, sizeof id));
        rnd_fill(&random, salt, sizeof salt);
        rnd_fill(&random, id, sizeof id);
        slow_extract(md, wst_slice_of(salt, sizeof salt), key, first[0]);
        assert_true(wst_hkdf_extract(&hkdf, hashes[step % 2].name, wst_slice_of(salt, sizeof salt),
                                     key, first[1], hash_n));
        assert_memory_equal(first[0], first[1], hash_n);
        struct wst_slice secret = wst_slice_of(first[0], hash_n);
        slow_expand(md, secret, label, out[0], n);
        assert_true(wst_hkdf_expand_label(&hkdf, hashes[step % 2].name, secret, label, out[1], n));
        assert_memory_equal(out[0], out[1], n);
    }
}

/* RFC 9001 appendix A.1, from the connection ID to the client's keys. */
static void rfc9001(void **state)
{
    static const uint8_t salt[] = {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                                   0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
                         id[] = {0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08},
                         initial[] = {0x7d, 0xb5, 0xdf, 0x06, 0xe7, 0xa6, 0x9e, 0x43,
                                      0x24, 0x96, 0xad, 0xed, 0xb0, 0x08, 0x51, 0x92,
                                      0x35, 0x95, 0x22, 0x15, 0x96, 0xae, 0x2a, 0xe9,
                                      0xfb, 0x81, 0x15, 0xc1, 0xe9, 0xed, 0x0a, 0x44},
                         client[] = {0xc0, 0x0c, 0xf1, 0x51, 0xca, 0x5b, 0xe0, 0x75,
                                     0xed, 0x0e, 0xbf, 0xb5, 0xc8, 0x03, 0x23, 0xc4,
                                     0x2d, 0x6b, 0x7d, 0xb6, 0x78, 0x81, 0x28, 0x9a,
                                     0xf4, 0x00, 0x8f, 0x1f, 0x6c, 0x35, 0x7a, 0xea},
                         key[] = {0x1f, 0x36, 0x96, 0x13, 0xdd, 0x76, 0xd5, 0x46,
                                  0x77, 0x30, 0xef, 0xcb, 0xe3, 0xb1, 0xa2, 0x2d};
    uint8_t out[3][32];
    (void)state;
    assert_true(wst_hkdf_extract(&hkdf, "SHA256", wst_slice_of(salt, sizeof salt),
                                 wst_slice_of(id, sizeof id), out[0], 32));
    assert_memory_equal(out[0], initial, 32);
    assert_true(
        wst_hkdf_expand_label(&hkdf, "SHA256", wst_slice_of(out[0], 32), "client in", out[1], 32));
    assert_memory_equal(out[1], client, 32);
    assert_true(
        wst_hkdf_expand_label(&hkdf, "SHA256", wst_slice_of(out[1], 32), "quic key", out[2], 16));
    assert_memory_equal(out[2], key, 16);
}

static void too_long(void **state)
{
    static const uint8_t secret[32];
    uint8_t out[16];
    (void)state;
    assert_false(wst_hkdf_expand_label(&hkdf, "SHA256", wst_slice_of(secret, sizeof secret),
                                       "a label of 23 bytes is.", out, sizeof out));
    assert_false(wst_hkdf_expand_label(&hkdf, "NAMELESS", wst_slice_of(secret, sizeof secret),
                                       "key", out, sizeof out));
}

static int done(void **state)
{
    (void)state;
    wst_hkdf_free(&hkdf);
    for (size_t i = 0; i < ARRAY(hkdf.hashes); i++) assert_null(hkdf.hashes[i].hmac);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_written_down), cmocka_unit_test(rfc9001),
                                       cmocka_unit_test(too_long)};
    return cmocka_run_group_tests(tests, NULL, done);
}

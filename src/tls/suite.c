/* SPDX-License-Identifier: MIT
 *
 * In: a cipher suite's number. Out: its row of the registries.
 */
#include "keys.h"

static const struct wst_tls_cipher_row ciphers[WST_TLS_CIPHERS] = {
#define GCM WST_TLS_GCM
#define CHACHA WST_TLS_CHACHA
#define CCM WST_TLS_CCM
#define CBC WST_TLS_CBC
#define UNREAD WST_TLS_NOT
#define WST_TLS_CIPHER(NAME, evp, kind, key, fixed, explicit_iv, tag, block) \
    [WST_TLS_##NAME] = {evp, kind, key, fixed, explicit_iv, tag, block},
#include "ciphers.def"
#undef WST_TLS_CIPHER
#undef GCM
#undef CHACHA
#undef CCM
#undef CBC
#undef UNREAD
};

#define WST_TLS_NONE WST_TLS_HASH_NONE
static const struct wst_tls_suite suites[] = {
#define WST_TLS_SUITE(value, name, cipher, hash, mac) \
    {value, name, WST_TLS_##cipher, WST_TLS_##hash, WST_TLS_##mac},
#include "suites.def"
#undef WST_TLS_SUITE
};

const struct wst_tls_suite *wst_tls_suite(uint16_t value)
{
    size_t low = 0, high = sizeof suites / sizeof *suites;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (suites[middle].value == value) return &suites[middle];
        if (suites[middle].value < value)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct wst_tls_cipher_row *wst_tls_cipher_row(const struct wst_tls_suite *suite)
{
    return &ciphers[suite->cipher];
}

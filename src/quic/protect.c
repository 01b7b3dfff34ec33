/* SPDX-License-Identifier: MIT */
#include "protect.h"

#include <openssl/crypto.h>
#include <stdlib.h>

enum { NONCE = 12, SALT = 20 };

static const struct aead_row {
    const char *aead, *mask, *hash; /* libcrypto's names */
    uint16_t suite;                 /* RFC 8446 appendix B.4 */
    uint8_t key, secret;            /* bytes */
} rows[WST_QUIC_AEADS] = {
    [WST_QUIC_AES_128_GCM] = {"AES-128-GCM", "AES-128-ECB", "SHA256", 0x1301, 16, 32},
    [WST_QUIC_AES_256_GCM] = {"AES-256-GCM", "AES-256-ECB", "SHA384", 0x1302, 32, 48},
    [WST_QUIC_CHACHA20] = {"ChaCha20-Poly1305", "ChaCha20", "SHA256", 0x1303, 32, 32},
    [WST_QUIC_AES_128_CCM] = {"AES-128-CCM", "AES-128-ECB", "SHA256", 0x1304, 16, 32},
};

static const struct version_row {
    uint32_t version;
    bool second;
    uint8_t salt[SALT]; /* of Initial packets: RFC 9001 section 5.2, RFC 9369 section 3.3.1 */
} versions[] = {
    {WST_QUIC_V1, false, {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
                          0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a}},
    {WST_QUIC_V2, true, {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
                         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9}},
    {WST_QUIC_V2_DRAFT, true, {0xa7, 0x07, 0xc2, 0x03, 0xa5, 0x9b, 0x47, 0x18, 0x4a, 0x1d,
                               0x62, 0xca, 0x57, 0x04, 0x06, 0xea, 0x7a, 0xe3, 0xe5, 0xd3}},
    {WST_QUIC_DRAFT_29, false, {0xaf, 0xbf, 0xec, 0x28, 0x99, 0x93, 0xd2, 0x4c, 0x9e, 0x97,
                                0x86, 0xf1, 0x9c, 0x61, 0x11, 0xe0, 0x43, 0x90, 0xa8, 0x99}},
};

static const struct version_row *version_row(uint32_t version)
{
    for (size_t i = 0; i < sizeof versions / sizeof *versions; i++)
        if (versions[i].version == version) return &versions[i];
    return NULL;
}

bool wst_quic_knows(uint32_t version)
{
    return version_row(version);
}

bool wst_quic_is_second(uint32_t version)
{
    const struct version_row *row = version_row(version);
    return row && row->second;
}

enum wst_quic_aead wst_quic_aead_of(uint16_t suite)
{
    unsigned i = 0;
    while (i < WST_QUIC_AEADS && rows[i].suite != suite) i++;
    return (enum wst_quic_aead)i;
}

uint16_t wst_quic_suite(enum wst_quic_aead aead)
{
    return rows[aead].suite;
}

size_t wst_quic_secret_size(enum wst_quic_aead aead)
{
    return rows[aead].secret;
}

void wst_quic_crypto_free(struct wst_quic_crypto *c)
{
    for (int i = 0; i < WST_QUIC_AEADS; i++) {
        EVP_CIPHER_free(c->aead[i]);
        EVP_CIPHER_free(c->mask[i]);
    }
    wst_hkdf_free(&c->hkdf);
    *c = (struct wst_quic_crypto){0};
}

/* -- derivation -------------------------------------------------------------------------------- */

static bool expand(struct wst_quic_crypto *c, const char *hash,
                   const struct wst_quic_secret *secret, const char *label, uint8_t *to, size_t n)
{
    return wst_hkdf_expand_label(&c->hkdf, hash, wst_slice_of(secret->bytes, secret->n), label, to,
                                 n);
}

/* RFC 9369 section 3.3.2: the second version has other labels. */
static bool expand_quic(struct wst_quic_crypto *c, const char *hash, uint32_t version,
                        const struct wst_quic_secret *secret, const char *what, uint8_t *to,
                        size_t n)
{
    char label[16];
    strcpy(label, wst_quic_is_second(version) ? "quicv2 " : "quic ");
    strcat(label, what);
    return expand(c, hash, secret, label, to, n);
}

bool wst_quic_initial(struct wst_quic_crypto *c, uint32_t version, struct wst_slice id,
                      struct wst_quic_secret secrets[2])
{
    const char *hash = rows[WST_QUIC_AES_128_GCM].hash;
    struct wst_quic_secret first = {.n = 32};
    secrets[0].n = secrets[1].n = 32;
    return wst_hkdf_extract(&c->hkdf, hash, wst_slice_of(version_row(version)->salt, SALT), id,
                            first.bytes, first.n) &&
           expand(c, hash, &first, "client in", secrets[0].bytes, 32) &&
           expand(c, hash, &first, "server in", secrets[1].bytes, 32);
}

/* -- contexts ---------------------------------------------------------------------------------- */

static void *paid_new(struct wst_quic_crypto *c, size_t n)
{
    if (!wst_budget_take(c->budget, WST_QUIC_KEYS_COST)) return NULL;
    void *p = calloc(1, n);
    if (!p) wst_budget_refused(c->budget, WST_QUIC_KEYS_COST);
    return p;
}

static EVP_CIPHER *fetched(EVP_CIPHER **at, const char *name)
{
    if (!*at) *at = EVP_CIPHER_fetch(NULL, name, NULL);
    return *at;
}

void wst_quic_keys_free(struct wst_quic_keys *k)
{
    if (!k) return;
    EVP_CIPHER_CTX_free(k->cipher); /* wipes what it holds */
    wst_budget_give(k->budget, WST_QUIC_KEYS_COST);
    OPENSSL_cleanse(k, sizeof *k);
    free(k);
}

void wst_quic_mask_free(struct wst_quic_mask *m)
{
    if (!m) return;
    EVP_CIPHER_CTX_free(m->cipher);
    wst_budget_give(m->budget, WST_QUIC_KEYS_COST);
    free(m);
}

static bool keys_init(struct wst_quic_crypto *c, struct wst_quic_keys *k, const uint8_t *key)
{
    EVP_CIPHER *cipher = fetched(&c->aead[k->aead], rows[k->aead].aead);
    k->cipher = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!k->cipher || EVP_DecryptInit_ex(k->cipher, cipher, NULL, NULL, NULL) != 1) return false;
    if (k->aead == WST_QUIC_AES_128_CCM &&
        (EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_IVLEN, NONCE, NULL) != 1 ||
         EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, WST_QUIC_TAG, NULL) != 1))
        return false;
    return EVP_DecryptInit_ex(k->cipher, NULL, NULL, key, NULL) == 1;
}

struct wst_quic_keys *wst_quic_keys_new(struct wst_quic_crypto *c, enum wst_quic_aead aead,
                                        uint32_t version, const struct wst_quic_secret *secret)
{
    uint8_t key[32];
    if (secret->n != rows[aead].secret) return NULL;
    struct wst_quic_keys *k = paid_new(c, sizeof *k);
    if (!k) return NULL;
    k->budget = c->budget;
    k->aead = (uint8_t)aead;
    k->version = version;
    k->secret = *secret;
    bool done = expand_quic(c, rows[aead].hash, version, secret, "key", key, rows[aead].key) &&
                expand_quic(c, rows[aead].hash, version, secret, "iv", k->iv, sizeof k->iv) &&
                keys_init(c, k, key);
    OPENSSL_cleanse(key, sizeof key);
    if (done) return k;
    wst_quic_keys_free(k);
    return NULL;
}

struct wst_quic_keys *wst_quic_keys_next(struct wst_quic_crypto *c, const struct wst_quic_keys *k,
                                         bool odd)
{
    struct wst_quic_secret next = {.n = k->secret.n};
    struct wst_quic_keys *made = NULL;
    uint32_t version = odd ? WST_QUIC_V1 : k->version;
    if (expand_quic(c, rows[k->aead].hash, version, &k->secret, "ku", next.bytes, next.n))
        made = wst_quic_keys_new(c, (enum wst_quic_aead)k->aead, k->version, &next);
    OPENSSL_cleanse(&next, sizeof next);
    return made;
}

struct wst_quic_mask *wst_quic_mask_new(struct wst_quic_crypto *c, enum wst_quic_aead aead,
                                        uint32_t version, const struct wst_quic_secret *secret)
{
    uint8_t key[32];
    if (secret->n != rows[aead].secret) return NULL;
    struct wst_quic_mask *m = paid_new(c, sizeof *m);
    if (!m) return NULL;
    m->budget = c->budget;
    m->aead = (uint8_t)aead;
    EVP_CIPHER *cipher = fetched(&c->mask[aead], rows[aead].mask);
    m->cipher = cipher ? EVP_CIPHER_CTX_new() : NULL;
    bool done = m->cipher &&
                expand_quic(c, rows[aead].hash, version, secret, "hp", key, rows[aead].key) &&
                EVP_EncryptInit_ex(m->cipher, cipher, NULL, key, NULL) == 1;
    OPENSSL_cleanse(key, sizeof key);
    if (done) return m;
    wst_quic_mask_free(m);
    return NULL;
}

/* -- packets ----------------------------------------------------------------------------------- */

/* RFC 9001 section 5.4.3 and 5.4.4: a block of AES; of ChaCha20 counter and nonce are the sample.
 */
bool wst_quic_mask_make(struct wst_quic_mask *m, const uint8_t sample[WST_QUIC_SAMPLE],
                        uint8_t bits[WST_QUIC_MASK])
{
    static const uint8_t zeros[WST_QUIC_MASK];
    uint8_t block[2 * WST_QUIC_SAMPLE];
    int n = 0;
    if (m->aead == WST_QUIC_CHACHA20)
        return EVP_EncryptInit_ex(m->cipher, NULL, NULL, NULL, sample) == 1 &&
               EVP_EncryptUpdate(m->cipher, bits, &n, zeros, WST_QUIC_MASK) == 1;
    if (EVP_EncryptUpdate(m->cipher, block, &n, sample, WST_QUIC_SAMPLE) != 1) return false;
    memcpy(bits, block, WST_QUIC_MASK);
    return true;
}

bool wst_quic_open(struct wst_quic_keys *k, uint64_t number, struct wst_slice header,
                   struct wst_slice sealed, uint8_t *room, struct wst_slice *plain)
{
    uint8_t nonce[NONCE];
    bool ccm = k->aead == WST_QUIC_AES_128_CCM;
    if (sealed.n < WST_QUIC_TAG) return false;
    int n = (int)(sealed.n - WST_QUIC_TAG), out = 0;
    void *tag = (void *)(sealed.p + n);
    memcpy(nonce, k->iv, sizeof nonce);
    for (int i = 0; i < 8; i++) nonce[NONCE - 1 - i] ^= (uint8_t)(number >> (8 * i));
    /* CCM wants its tag and length before everything, and gives its verdict with the last byte. */
    if (ccm && EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, WST_QUIC_TAG, tag) != 1)
        return false;
    if (EVP_DecryptInit_ex(k->cipher, NULL, NULL, NULL, nonce) != 1) return false;
    if (ccm && EVP_DecryptUpdate(k->cipher, NULL, &out, NULL, n) != 1) return false;
    if (EVP_DecryptUpdate(k->cipher, NULL, &out, header.p, (int)header.n) != 1) return false;
    if ((n || ccm) && EVP_DecryptUpdate(k->cipher, room, &out, sealed.p, n) != 1) return false;
    *plain = wst_slice_of(room, (size_t)n);
    if (ccm) return true;
    return EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, WST_QUIC_TAG, tag) == 1 &&
           EVP_DecryptFinal_ex(k->cipher, room + n, &out) == 1;
}

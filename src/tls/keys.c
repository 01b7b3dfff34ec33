/* SPDX-License-Identifier: MIT
 *
 * In: secrets. Out: contexts of libcrypto that open records.
 *
 *   TLS 1.3   traffic secret ──HKDF-Expand-Label──▶ "key", "iv"          RFC 8446 section 7.3
 *   before    premaster ──PRF──▶ master ──PRF──▶ key block:               RFC 5246 section 6.3
 *
 *     │ client MAC │ server MAC │ client key │ server key │ client IV │ server IV │
 */
#include "keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <stdlib.h>

enum { KEY_BLOCK_MAX = 2 * (48 + 32 + 16) };

void wst_tls_crypto_free(struct wst_tls_crypto *c)
{
    for (int i = 0; i < WST_TLS_CIPHERS; i++) EVP_CIPHER_free(c->ciphers[i]);
    wst_hkdf_free(&c->hkdf);
    EVP_KDF_free(c->prf);
    EVP_MAC_free(c->hmac);
    EVP_MD_free(c->sha256);
    *c = (struct wst_tls_crypto){0};
}

static EVP_CIPHER *fetch_cipher(struct wst_tls_crypto *c, const struct wst_tls_suite *suite)
{
    EVP_CIPHER **at = &c->ciphers[suite->cipher];
    if (!*at) *at = EVP_CIPHER_fetch(NULL, wst_tls_cipher_row(suite)->evp, NULL);
    return *at;
}

static const char *digest_name(uint8_t hash)
{
    return hash == WST_TLS_SHA384 ? "SHA384" : hash == WST_TLS_SHA1 ? "SHA1" : "SHA256";
}

static uint8_t digest_size(uint8_t hash)
{
    return hash == WST_TLS_SHA384 ? 48 : hash == WST_TLS_SHA1 ? 20 : hash ? 32 : 0;
}

const char *wst_tls_hash_name(const struct wst_tls_suite *suite, uint16_t version)
{
    return version < WST_TLS_1_2 ? "MD5-SHA1" : digest_name(suite->hash);
}

void wst_tls_keys_free(struct wst_tls_keys *k)
{
    if (!k) return;
    EVP_CIPHER_CTX_free(k->cipher); /* wipes what it holds */
    EVP_MAC_CTX_free(k->mac);
    if (k->budget) wst_budget_give(k->budget, WST_TLS_KEYS_COST);
    OPENSSL_cleanse(k, sizeof *k);
    free(k);
}

/* -- contexts ---------------------------------------------------------------------------------- */

static bool mac_init(struct wst_tls_crypto *c, struct wst_tls_keys *k, const uint8_t *key)
{
    char name[8];
    OSSL_PARAM params[2] = {OSSL_PARAM_END, OSSL_PARAM_END};
    if (!k->mac_n) return true;
    strcpy(name, digest_name(k->suite->mac));
    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0);
    if (!c->hmac) c->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    k->mac = c->hmac ? EVP_MAC_CTX_new(c->hmac) : NULL;
    return k->mac && EVP_MAC_init(k->mac, key, k->mac_n, params) == 1;
}

static bool cipher_init(struct wst_tls_crypto *c, struct wst_tls_keys *k, const uint8_t *key)
{
    EVP_CIPHER *cipher = fetch_cipher(c, k->suite);
    k->cipher = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!k->cipher || EVP_DecryptInit_ex(k->cipher, cipher, NULL, NULL, NULL) != 1) return false;
    if (k->row->kind == WST_TLS_CCM &&
        (EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) != 1 ||
         EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, k->row->tag, NULL) != 1))
        return false;
    if (EVP_DecryptInit_ex(k->cipher, NULL, NULL, key, NULL) != 1) return false;
    return k->row->kind != WST_TLS_CBC || EVP_CIPHER_CTX_set_padding(k->cipher, 0) == 1;
}

static struct wst_tls_keys *keys_new(struct wst_tls_crypto *c, const struct wst_tls_suite *suite,
                                     uint16_t version, const uint8_t *key, const uint8_t *mac)
{
    if (c->budget && !wst_budget_take(c->budget, WST_TLS_KEYS_COST)) return NULL;
    struct wst_tls_keys *k = calloc(1, sizeof *k);
    if (!k) {
        if (c->budget) wst_budget_refused(c->budget, WST_TLS_KEYS_COST);
        return NULL;
    }
    k->budget = c->budget;
    k->suite = suite;
    k->row = wst_tls_cipher_row(suite);
    k->version = version;
    k->application = true;
    k->mac_n = digest_size(suite->mac);
    if (cipher_init(c, k, key) && mac_init(c, k, mac)) return k;
    wst_tls_keys_free(k);
    return NULL;
}

/* -- TLS 1.3 ----------------------------------------------------------------------------------- */

static bool expand_label(struct wst_tls_crypto *c, const struct wst_tls_suite *suite,
                         const struct wst_secret *secret, const char *label, uint8_t *to, size_t n)
{
    return wst_hkdf_expand_label(&c->hkdf, digest_name(suite->hash),
                                 wst_slice_of(secret->bytes, secret->n), label, to, n);
}

struct wst_tls_keys *wst_tls_keys_13(struct wst_tls_crypto *c, const struct wst_tls_suite *suite,
                                     const struct wst_secret *secret)
{
    const struct wst_tls_cipher_row *row = wst_tls_cipher_row(suite);
    struct wst_tls_keys *k = NULL;
    uint8_t key[32], iv[12];
    if (!row->evp || row->kind == WST_TLS_CBC || secret->n != digest_size(suite->hash)) return NULL;
    if (expand_label(c, suite, secret, "key", key, row->key) &&
        expand_label(c, suite, secret, "iv", iv, sizeof iv))
        k = keys_new(c, suite, WST_TLS_1_3, key, NULL);
    if (k) {
        memcpy(k->iv, iv, sizeof iv);
        k->secret = *secret;
    }
    OPENSSL_cleanse(key, sizeof key);
    OPENSSL_cleanse(iv, sizeof iv);
    return k;
}

struct wst_tls_keys *wst_tls_keys_updated(struct wst_tls_crypto *c, const struct wst_tls_keys *keys)
{
    struct wst_secret next = {.n = keys->secret.n};
    struct wst_tls_keys *k = NULL;
    if (expand_label(c, keys->suite, &keys->secret, "traffic upd", next.bytes, next.n))
        k = wst_tls_keys_13(c, keys->suite, &next);
    if (k) k->update = true;
    OPENSSL_cleanse(&next, sizeof next);
    return k;
}

/* -- before TLS 1.3 ---------------------------------------------------------------------------- */

/* PRF(secret, label, seed) of RFC 5246 section 5, or of RFC 2246 with MD5 and SHA-1. */
static bool prf(struct wst_tls_crypto *c, const char *hash, struct wst_slice secret,
                const char *label, struct wst_slice seed1, struct wst_slice seed2, uint8_t *to,
                size_t n)
{
    char name[16];
    uint8_t seed[32 + 64 + 64];
    size_t seed_n = strlen(label);
    if (seed_n + seed1.n + seed2.n > sizeof seed) return false;
    memcpy(seed, label, seed_n);
    memcpy(seed + seed_n, seed1.p, seed1.n);
    seed_n += seed1.n;
    if (seed2.n) memcpy(seed + seed_n, seed2.p, seed2.n);
    seed_n += seed2.n;
    strcpy(name, hash);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)secret.p, secret.n),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, seed_n), OSSL_PARAM_END};
    if (!c->prf) c->prf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
    EVP_KDF_CTX *kdf = c->prf ? EVP_KDF_CTX_new(c->prf) : NULL;
    bool done = kdf && EVP_KDF_derive(kdf, to, n, params) == 1;
    EVP_KDF_CTX_free(kdf);
    return done;
}

bool wst_tls_master(struct wst_tls_crypto *c, const struct wst_tls_terms_12 *t,
                    struct wst_slice premaster, struct wst_slice session_hash,
                    struct wst_secret *master)
{
    const char *hash = wst_tls_hash_name(t->suite, t->version);
    struct wst_slice none = {NULL, 0}, client = {t->client_random, 32},
                     server = {t->server_random, 32};
    master->n = 48;
    if (session_hash.n)
        return prf(c, hash, premaster, "extended master secret", session_hash, none, master->bytes,
                   48);
    return prf(c, hash, premaster, "master secret", client, server, master->bytes, 48);
}

/* Nobody but TLS 1.0 takes the first block's predecessor from the key block. */
static size_t iv_size(const struct wst_tls_cipher_row *row, uint16_t version)
{
    if (row->kind == WST_TLS_CBC) return version == WST_TLS_1_0 ? row->block : 0;
    return row->fixed;
}

bool wst_tls_keys_12(struct wst_tls_crypto *c, const struct wst_tls_terms_12 *t,
                     const struct wst_secret *master, struct wst_tls_keys *keys[2])
{
    const struct wst_tls_cipher_row *row = wst_tls_cipher_row(t->suite);
    uint8_t block[KEY_BLOCK_MAX];
    size_t mac = digest_size(t->suite->mac), iv = iv_size(row, t->version),
           n = 2 * (mac + row->key + iv);
    keys[0] = keys[1] = NULL;
    if (!row->evp || (row->kind != WST_TLS_CBC && t->version != WST_TLS_1_2)) return false;
    bool done = prf(c, wst_tls_hash_name(t->suite, t->version), wst_slice_of(master->bytes, 48),
                    "key expansion", wst_slice_of(t->server_random, 32),
                    wst_slice_of(t->client_random, 32), block, n);
    for (size_t i = 0; i < 2 && done; i++) {
        const uint8_t *key = block + 2 * mac + i * row->key;
        keys[i] = keys_new(c, t->suite, t->version, key, block + i * mac);
        done = keys[i];
        if (!done) break;
        keys[i]->etm = t->etm && row->kind == WST_TLS_CBC;
        memcpy(keys[i]->iv, block + 2 * (mac + row->key) + i * iv, iv);
    }
    OPENSSL_cleanse(block, sizeof block);
    if (done) return true;
    wst_tls_keys_free(keys[0]);
    keys[0] = NULL;
    return false;
}

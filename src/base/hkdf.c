/* SPDX-License-Identifier: MIT */
#include "hkdf.h"

#include <openssl/core_names.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

void wst_hkdf_free(struct wst_hkdf *h)
{
    EVP_KDF_free(h->kdf);
    h->kdf = NULL;
}

/* `what`: the parameter that only this mode has. */
static bool derive(struct wst_hkdf *h, int mode, const char *hash, struct wst_slice key,
                   const char *what, struct wst_slice value, uint8_t *to, size_t n)
{
    char name[8];
    if (strlen(hash) >= sizeof name) return false;
    strcpy(name, hash);
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)key.p, key.n),
        OSSL_PARAM_construct_octet_string(what, (void *)value.p, value.n), OSSL_PARAM_END};
    if (!h->kdf) h->kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *c = h->kdf ? EVP_KDF_CTX_new(h->kdf) : NULL;
    bool done = c && EVP_KDF_derive(c, to, n, params) == 1;
    EVP_KDF_CTX_free(c);
    return done;
}

bool wst_hkdf_extract(struct wst_hkdf *h, const char *hash, struct wst_slice salt,
                      struct wst_slice key, uint8_t *to, size_t n)
{
    return derive(h, EVP_KDF_HKDF_MODE_EXTRACT_ONLY, hash, key, OSSL_KDF_PARAM_SALT, salt, to, n);
}

/*   │ length, 2 │ n, 1 │ "tls13 " label, n │ 0, 1 │ */
bool wst_hkdf_expand_label(struct wst_hkdf *h, const char *hash, struct wst_slice secret,
                           const char *label, uint8_t *to, size_t n)
{
    size_t label_n = strlen(label);
    uint8_t info[32] = {(uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(6 + label_n)};
    if (label_n > sizeof info - 10) return false;
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, label_n);
    return derive(h, EVP_KDF_HKDF_MODE_EXPAND_ONLY, hash, secret, OSSL_KDF_PARAM_INFO,
                  wst_slice_of(info, 10 + label_n), to, n);
}

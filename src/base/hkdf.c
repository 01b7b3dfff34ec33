/* SPDX-License-Identifier: MIT */
#include "hkdf.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum { HASHES = sizeof((struct wst_hkdf *)0)->hashes / sizeof(struct wst_hkdf_hash) };

void wst_hkdf_free(struct wst_hkdf *h)
{
    for (size_t i = 0; i < HASHES; i++) EVP_MAC_CTX_free(h->hashes[i].hmac);
    *h = (struct wst_hkdf){0};
}

static EVP_MAC_CTX *hmac_new(char *hash)
{
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, hash, 0),
                           OSSL_PARAM_END};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *c = mac ? EVP_MAC_CTX_new(mac) : NULL;
    EVP_MAC_free(mac);
    if (c && EVP_MAC_CTX_set_params(c, params) == 1) return c;
    EVP_MAC_CTX_free(c);
    return NULL;
}

/* NULL: no such hash, or no memory. */
static EVP_MAC_CTX *hmac_of(struct wst_hkdf *h, const char *hash)
{
    struct wst_hkdf_hash made = {.name = ""}, *place = &h->hashes[HASHES - 1];
    for (size_t i = 0; i < HASHES; i++)
        if (h->hashes[i].hmac && !strcmp(h->hashes[i].name, hash)) return h->hashes[i].hmac;
    if (strlen(hash) >= sizeof made.name) return NULL;
    strcpy(made.name, hash);
    if (!(made.hmac = hmac_new(made.name))) return NULL;
    for (size_t i = HASHES; i-- > 0;)
        if (!h->hashes[i].hmac) place = &h->hashes[i];
    EVP_MAC_CTX_free(place->hmac);
    *place = made;
    return made.hmac;
}

bool wst_hkdf_extract(struct wst_hkdf *h, const char *hash, struct wst_slice salt,
                      struct wst_slice key, uint8_t *to, size_t n)
{
    EVP_MAC_CTX *c = hmac_of(h, hash);
    size_t made;
    return c && EVP_MAC_init(c, salt.p, salt.n, NULL) == 1 && EVP_MAC_CTX_get_mac_size(c) == n &&
           EVP_MAC_update(c, key.p, key.n) == 1 && EVP_MAC_final(c, to, &made, n) == 1;
}

/* RFC 5869 section 2.3: the hash's bytes again and again, each time of those before, the info and
 * a number. */
static bool expand(EVP_MAC_CTX *c, struct wst_slice secret, struct wst_slice info, uint8_t *to,
                   size_t n)
{
    uint8_t block[EVP_MAX_MD_SIZE];
    size_t before = 0, made;
    for (unsigned i = 1; n > 0; i++) {
        uint8_t number = (uint8_t)i;
        if (i > UINT8_MAX || EVP_MAC_init(c, secret.p, secret.n, NULL) != 1 ||
            EVP_MAC_update(c, block, before) != 1 || EVP_MAC_update(c, info.p, info.n) != 1 ||
            EVP_MAC_update(c, &number, 1) != 1 ||
            EVP_MAC_final(c, block, &before, sizeof block) != 1)
            return false;
        made = before < n ? before : n;
        memcpy(to, block, made);
        to += made;
        n -= made;
    }
    return true;
}

/*   │ length, 2 │ n, 1 │ "tls13 " label, n │ 0, 1 │ */
bool wst_hkdf_expand_label(struct wst_hkdf *h, const char *hash, struct wst_slice secret,
                           const char *label, uint8_t *to, size_t n)
{
    EVP_MAC_CTX *c = hmac_of(h, hash);
    size_t label_n = strlen(label);
    uint8_t info[32] = {(uint8_t)(n >> 8), (uint8_t)n, (uint8_t)(6 + label_n)};
    if (!c || label_n > sizeof info - 10) return false;
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, label_n);
    return expand(c, secret, wst_slice_of(info, 10 + label_n), to, n);
}

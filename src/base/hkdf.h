/* SPDX-License-Identifier: MIT
 *
 * HKDF (RFC 5869) as TLS 1.3 and QUIC ask for it. In: secrets. Out: secrets and keys, by
 * libcrypto's HMAC. (Its HKDF makes a new one each time, which takes three times as long.) It lies
 * here since two rooms need it, and no header here shows libcrypto to the others.
 */
#ifndef WST_BASE_HKDF_H
#define WST_BASE_HKDF_H

#include "slice.h"

struct wst_hkdf { /* zeroed: nothing is fetched yet */
    struct wst_hkdf_hash {
        char name[8];
        struct evp_mac_ctx_st *hmac; /* libcrypto's, made once */
    } hashes[2];                     /* SHA-256 and SHA-384: there are no others */
};
void wst_hkdf_free(struct wst_hkdf *hkdf);

/* `hash`: libcrypto's name, 7 characters at most. False: libcrypto refuses. */
/* HKDF-Extract: n bytes, which are the hash's. */
bool wst_hkdf_extract(struct wst_hkdf *hkdf, const char *hash, struct wst_slice salt,
                      struct wst_slice key, uint8_t *to, size_t n);
/* HKDF-Expand-Label with an empty context (RFC 8446 section 7.1); a label of 22 bytes at most. */
bool wst_hkdf_expand_label(struct wst_hkdf *hkdf, const char *hash, struct wst_slice secret,
                           const char *label, uint8_t *to, size_t n);

#endif

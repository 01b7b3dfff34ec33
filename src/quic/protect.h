/* SPDX-License-Identifier: MIT
 *
 * Packet protection (RFC 9001 section 5, RFC 9369). In: a traffic secret, or the connection ID that
 * the first packets are sealed with. Out: what takes the mask off a header and opens a payload.
 * Refuses suites that QUIC does not allow. libcrypto derives and decrypts.
 *
 *   secret ──HKDF-Expand-Label──▶ "quic key" "quic iv" ─▶ keys: renewed by a key update
 *                            └──▶ "quic hp" ────────────▶ mask: the same for the epoch's life
 */
#ifndef WST_QUIC_PROTECT_H
#define WST_QUIC_PROTECT_H

#include <openssl/evp.h>

#include "budget.h"
#include "hkdf.h"
#include "slice.h"

enum wst_quic_version {
    WST_QUIC_V1 = 0x00000001,
    WST_QUIC_V2 = 0x6b3343cf,
    WST_QUIC_V2_DRAFT = 0x709a50c4, /* draft-ietf-quic-v2-01 to -09: of libraries of 2022 */
    WST_QUIC_DRAFT_29 = 0xff00001d, /* the last that was in use before the first version */
};
bool wst_quic_knows(uint32_t version);
/* Types and labels are those of the second version. */
bool wst_quic_is_second(uint32_t version);

enum {
    WST_QUIC_SECRET = 48,      /* bytes: SHA-384 */
    WST_QUIC_SAMPLE = 16,      /* bytes of ciphertext that the mask is made of */
    WST_QUIC_MASK = 5,         /* bytes of the mask */
    WST_QUIC_TAG = 16,         /* bytes of a tag; all suites have as many */
    WST_QUIC_KEYS_COST = 2048, /* bytes: what libcrypto allocates for one of either, at most */
};

struct wst_quic_secret {
    uint8_t n; /* 0: none */
    uint8_t bytes[WST_QUIC_SECRET];
};

enum wst_quic_aead {
    WST_QUIC_AES_128_GCM,
    WST_QUIC_AES_256_GCM,
    WST_QUIC_CHACHA20,
    WST_QUIC_AES_128_CCM,
    WST_QUIC_AEADS
};
/* Of a cipher suite of TLS 1.3; WST_QUIC_AEADS: it cannot be QUIC's. */
enum wst_quic_aead wst_quic_aead_of(uint16_t suite);
uint16_t wst_quic_suite(enum wst_quic_aead aead); /* the same back */
/* Bytes of its secrets. */
size_t wst_quic_secret_size(enum wst_quic_aead aead);

/* libcrypto's algorithms, each fetched once. */
struct wst_quic_crypto {
    EVP_CIPHER *aead[WST_QUIC_AEADS], *mask[WST_QUIC_AEADS];
    struct wst_hkdf hkdf;
    struct wst_budget *budget;
};
void wst_quic_crypto_free(struct wst_quic_crypto *crypto);

struct wst_quic_keys {
    EVP_CIPHER_CTX *cipher;
    struct wst_budget *budget;
    struct wst_quic_secret secret;
    uint32_t version;
    uint8_t aead; /* enum wst_quic_aead */
    uint8_t iv[12];
};
struct wst_quic_mask {
    EVP_CIPHER_CTX *cipher;
    struct wst_budget *budget;
    uint8_t aead;
};

/* NULL: no memory, or the secret has another length. */
struct wst_quic_keys *wst_quic_keys_new(struct wst_quic_crypto *crypto, enum wst_quic_aead aead,
                                        uint32_t version, const struct wst_quic_secret *secret);
/* The generation after (RFC 9001 section 6.1); `odd`: by the label of version 1, whatever it is. */
struct wst_quic_keys *wst_quic_keys_next(struct wst_quic_crypto *crypto,
                                         const struct wst_quic_keys *keys, bool odd);
void wst_quic_keys_free(struct wst_quic_keys *keys);
struct wst_quic_mask *wst_quic_mask_new(struct wst_quic_crypto *crypto, enum wst_quic_aead aead,
                                        uint32_t version, const struct wst_quic_secret *secret);
void wst_quic_mask_free(struct wst_quic_mask *mask);

/* The secrets of Initial packets, [0] the client's (RFC 9001 section 5.2). */
bool wst_quic_initial(struct wst_quic_crypto *crypto, uint32_t version, struct wst_slice id,
                      struct wst_quic_secret secrets[2]);

bool wst_quic_mask_make(struct wst_quic_mask *mask, const uint8_t sample[WST_QUIC_SAMPLE],
                        uint8_t bits[WST_QUIC_MASK]);
/* Opens packet `number`, whose header, its mask taken off, is `header`. `room` has sealed.n bytes
 * and does not overlap them; what was opened lies in it. False: these keys did not seal it. */
bool wst_quic_open(struct wst_quic_keys *keys, uint64_t number, struct wst_slice header,
                   struct wst_slice sealed, uint8_t *room, struct wst_slice *plain);

#endif

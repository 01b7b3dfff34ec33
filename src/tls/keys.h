/* SPDX-License-Identifier: MIT
 *
 * From secrets to record keys. In: a cipher suite and a traffic secret (TLS 1.3) or a master secret
 * and both randoms (before). Out: what opens the records of one direction in one epoch (decrypt.c).
 * Refuses suites whose cipher libcrypto does not offer. libcrypto derives; nothing is computed
 * here.
 */
#ifndef WST_TLS_KEYS_H
#define WST_TLS_KEYS_H

#include <openssl/evp.h>

#include "hkdf.h"
#include "keylog.h"

enum { /* protocol versions, as on the wire */
       WST_TLS_1_0 = 0x0301,
       WST_TLS_1_1 = 0x0302,
       WST_TLS_1_2 = 0x0303,
       WST_TLS_1_3 = 0x0304
};

enum wst_tls_cipher {
#define WST_TLS_CIPHER(NAME, evp, kind, key, fixed, explicit_iv, tag, block) WST_TLS_##NAME,
#include "ciphers.def"
#undef WST_TLS_CIPHER
    WST_TLS_CIPHERS
};
enum wst_tls_kind { WST_TLS_GCM, WST_TLS_CHACHA, WST_TLS_CCM, WST_TLS_CBC, WST_TLS_NOT };
enum wst_tls_hash { WST_TLS_HASH_NONE, WST_TLS_SHA1, WST_TLS_SHA256, WST_TLS_SHA384 };

struct wst_tls_cipher_row {
    const char *evp;                             /* libcrypto's name; NULL: known by name only */
    uint8_t kind;                                /* enum wst_tls_kind */
    uint8_t key, fixed, explicit_iv, tag, block; /* bytes */
};
struct wst_tls_suite {
    uint16_t value;
    const char *name;
    uint8_t cipher, hash, mac; /* enum wst_tls_cipher, wst_tls_hash */
};
/* The row of a suite; NULL: not in the registry here. */
const struct wst_tls_suite *wst_tls_suite(uint16_t value);
const struct wst_tls_cipher_row *wst_tls_cipher_row(const struct wst_tls_suite *suite);

/* libcrypto's algorithms, each fetched once: fetching costs three times what a record does. */
struct wst_tls_crypto {
    EVP_CIPHER *ciphers[WST_TLS_CIPHERS];
    struct wst_hkdf hkdf;
    EVP_KDF *prf;
    EVP_MAC *hmac;
    EVP_MD *sha256;
    struct wst_budget *budget; /* keys are paid from it; NULL: from none */
};
enum { WST_TLS_KEYS_COST = 2048 }; /* bytes: what libcrypto allocates for one direction, at most */
void wst_tls_crypto_free(struct wst_tls_crypto *crypto);

/* One direction of one epoch. */
struct wst_tls_keys {
    EVP_CIPHER_CTX *cipher;
    EVP_MAC_CTX *mac; /* CBC only */
    struct wst_budget *budget;
    const struct wst_tls_suite *suite;
    const struct wst_tls_cipher_row *row;
    uint16_t version;
    bool etm;         /* encrypt-then-MAC, RFC 7366 */
    bool application; /* carries application data: false for the handshake epoch of TLS 1.3 */
    bool update;      /* a key update that was not seen yet */
    bool chained; /* TLS 1.0 with encrypt-then-MAC: the MAC of the record tried last was right */
    uint8_t mac_n;
    uint8_t iv[16];           /* the fixed part; TLS 1.0: the last block of the record before */
    struct wst_secret secret; /* TLS 1.3: the keys after an update come from it */
    uint64_t seq;             /* of the next record */
    uint64_t good;            /* one more than that of the last record that was opened */
};

/* Keys of a traffic secret (RFC 8446 section 7.3). NULL: the suite cannot be read, a secret of the
 * wrong length, no memory. */
struct wst_tls_keys *wst_tls_keys_13(struct wst_tls_crypto *crypto,
                                     const struct wst_tls_suite *suite,
                                     const struct wst_secret *secret);
/* The generation after (RFC 8446 section 7.2). */
struct wst_tls_keys *wst_tls_keys_updated(struct wst_tls_crypto *crypto,
                                          const struct wst_tls_keys *keys);
/* Keys of both directions, [0] the client's, from a master secret (RFC 5246 section 6.3). */
struct wst_tls_terms_12 {
    const struct wst_tls_suite *suite;
    uint16_t version;
    bool etm;
    const uint8_t *client_random, *server_random; /* 32 bytes each */
};
bool wst_tls_keys_12(struct wst_tls_crypto *crypto, const struct wst_tls_terms_12 *terms,
                     const struct wst_secret *master, struct wst_tls_keys *keys[2]);
void wst_tls_keys_free(struct wst_tls_keys *keys);

/* The master secret of a premaster secret; `session_hash` (RFC 7627) empty: not extended. */
bool wst_tls_master(struct wst_tls_crypto *crypto, const struct wst_tls_terms_12 *terms,
                    struct wst_slice premaster, struct wst_slice session_hash,
                    struct wst_secret *master);
/* libcrypto's name of the hash of a transcript or PRF: "SHA256", "MD5-SHA1". */
const char *wst_tls_hash_name(const struct wst_tls_suite *suite, uint16_t version);

/* -- decrypt.c --------------------------------------------------------------------------------- */

struct wst_tls_record {  /* one record as on the wire (RFC 8446 section 5.1) */
    const uint8_t *head; /* its 5 bytes: type, version, length */
    struct wst_slice body;
};
/* Opens `record` as number `seq`; `iv` is the block before it (TLS 1.0 with CBC), else not used.
 * `room` must hold body.n bytes and must not overlap it. On success *type is the content type,
 * *plain lies in `room`. False: it is not that record of these keys. */
bool wst_tls_open(struct wst_tls_keys *keys, uint64_t seq, const uint8_t *iv,
                  const struct wst_tls_record *record, uint8_t *room, uint8_t *type,
                  struct wst_slice *plain);
/* Bytes of a record that are not plaintext, where that is the same for all (an AEAD before
 * TLS 1.3); -1: it varies. */
int wst_tls_overhead(const struct wst_tls_keys *keys);

#endif

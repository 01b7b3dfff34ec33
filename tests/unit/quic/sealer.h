/* SPDX-License-Identifier: MIT
 *
 * The other end of packet protection (RFC 9001 section 5, RFC 9369): makes packets, with HMAC and
 * ciphers of libcrypto and nothing of the room. For tests and the fuzzer.
 */
#ifndef WST_TEST_QUIC_SEALER_H
#define WST_TEST_QUIC_SEALER_H

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { SEAL_AES_128_GCM, SEAL_AES_256_GCM, SEAL_CHACHA20, SEAL_AES_128_CCM, SEAL_KINDS };
enum { SEAL_INITIAL, SEAL_EARLY, SEAL_HANDSHAKE, SEAL_SHORT };
enum { SEAL_V1 = 0x00000001, SEAL_V2 = 0x6b3343cf };

struct sealer {
    int kind;
    bool second;
    size_t n, key_n; /* bytes of the secret, of the key */
    uint8_t secret[48], key[32], iv[12], hp[32];
};

static inline void seal_must(bool ok)
{
    if (!ok) abort();
}

/* RFC 8446 appendix B.4. */
static inline uint16_t seal_suite(int kind)
{
    static const uint16_t suites[SEAL_KINDS] = {0x1301, 0x1302, 0x1303, 0x1304};
    return suites[kind];
}

static inline const EVP_MD *seal_hash(int kind)
{
    return kind == SEAL_AES_256_GCM ? EVP_sha384() : EVP_sha256();
}

/* One block of HKDF-Expand-Label is enough for all of QUIC's. */
static inline void seal_expand(const EVP_MD *md, const uint8_t *secret, size_t secret_n,
                               const char *label, uint8_t *to, size_t n)
{
    uint8_t info[64] = {0, (uint8_t)n, (uint8_t)(6 + strlen(label))}, mac[EVP_MAX_MD_SIZE];
    size_t at = 9 + strlen(label);
    unsigned size;
    memcpy(info + 3, "tls13 ", 6);
    memcpy(info + 9, label, strlen(label));
    info[at + 1] = 1;
    seal_must(HMAC(md, secret, (int)secret_n, info, at + 2, mac, &size) && n <= size);
    memcpy(to, mac, n);
}

static inline void seal_keys(struct sealer *s)
{
    const EVP_MD *md = seal_hash(s->kind);
    seal_expand(md, s->secret, s->n, s->second ? "quicv2 key" : "quic key", s->key, s->key_n);
    seal_expand(md, s->secret, s->n, s->second ? "quicv2 iv" : "quic iv", s->iv, 12);
}

static inline void sealer_init(struct sealer *s, int kind, uint32_t version, const uint8_t *secret)
{
    *s = (struct sealer){.kind = kind, .second = version == SEAL_V2};
    s->n = kind == SEAL_AES_256_GCM ? 48 : 32;
    s->key_n = kind == SEAL_AES_256_GCM || kind == SEAL_CHACHA20 ? 32 : 16;
    memcpy(s->secret, secret, s->n);
    seal_keys(s);
    seal_expand(seal_hash(kind), s->secret, s->n, s->second ? "quicv2 hp" : "quic hp", s->hp,
                s->key_n);
}

/* A key update. */
static inline void sealer_next(struct sealer *s)
{
    uint8_t next[48];
    seal_expand(seal_hash(s->kind), s->secret, s->n, s->second ? "quicv2 ku" : "quic ku", next,
                s->n);
    memcpy(s->secret, next, s->n);
    seal_keys(s);
}

/* Of Initial packets, by the ID that the client's first one bears; [0]: the client's. */
static inline void sealer_initial(struct sealer s[2], uint32_t version, const uint8_t *id, size_t n)
{
    static const uint8_t salts[2][20] = {
        {0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
         0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a},
        {0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
         0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9}};
    uint8_t first[32], secret[32];
    unsigned size;
    seal_must(HMAC(EVP_sha256(), salts[version == SEAL_V2], 20, id, n, first, &size));
    for (int d = 0; d < 2; d++) {
        seal_expand(EVP_sha256(), first, 32, d ? "server in" : "client in", secret, 32);
        sealer_init(&s[d], SEAL_AES_128_GCM, version, secret);
    }
}

static inline void seal_mask(const struct sealer *s, const uint8_t *sample, uint8_t mask[5])
{
    static const uint8_t zeros[5];
    uint8_t block[32];
    int n;
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    const EVP_CIPHER *how = s->kind == SEAL_CHACHA20      ? EVP_chacha20()
                            : s->kind == SEAL_AES_256_GCM ? EVP_aes_256_ecb()
                                                          : EVP_aes_128_ecb();
    bool chacha = s->kind == SEAL_CHACHA20;
    seal_must(c && EVP_EncryptInit_ex(c, how, NULL, s->hp, chacha ? sample : NULL) == 1 &&
              EVP_EncryptUpdate(c, block, &n, chacha ? zeros : sample, chacha ? 5 : 16) == 1);
    memcpy(mask, block, 5);
    EVP_CIPHER_CTX_free(c);
}

/* Payload behind `header_n` bytes of header in `out`, whose last `number_n` are the packet's
 * number; then the mask on both. Returns the packet's length. */
static inline size_t seal(const struct sealer *s, uint8_t *out, size_t header_n, uint64_t number,
                          size_t number_n, const uint8_t *payload, size_t n)
{
    const EVP_CIPHER *how = s->kind == SEAL_AES_128_GCM   ? EVP_aes_128_gcm()
                            : s->kind == SEAL_AES_256_GCM ? EVP_aes_256_gcm()
                            : s->kind == SEAL_CHACHA20    ? EVP_chacha20_poly1305()
                                                          : EVP_aes_128_ccm();
    uint8_t nonce[12], mask[5], *body = out + header_n;
    bool ccm = s->kind == SEAL_AES_128_CCM;
    int k = 0;
    memcpy(nonce, s->iv, 12);
    for (int i = 0; i < 8; i++) nonce[11 - i] ^= (uint8_t)(number >> (8 * i));
    EVP_CIPHER_CTX *c = EVP_CIPHER_CTX_new();
    seal_must(c && EVP_EncryptInit_ex(c, how, NULL, NULL, NULL) == 1);
    seal_must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) == 1);
    if (ccm) seal_must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, 16, NULL) == 1);
    seal_must(EVP_EncryptInit_ex(c, NULL, NULL, s->key, nonce) == 1);
    if (ccm) seal_must(EVP_EncryptUpdate(c, NULL, &k, NULL, (int)n) == 1);
    seal_must(EVP_EncryptUpdate(c, NULL, &k, out, (int)header_n) == 1);
    seal_must(EVP_EncryptUpdate(c, body, &k, payload, (int)n) == 1);
    seal_must(EVP_EncryptFinal_ex(c, body + n, &k) == 1);
    seal_must(EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_GET_TAG, 16, body + n) == 1);
    EVP_CIPHER_CTX_free(c);
    seal_mask(s, out + header_n - number_n + 4, mask);
    out[0] ^= mask[0] & (out[0] & 0x80 ? 0x0f : 0x1f);
    for (size_t i = 0; i < number_n; i++) out[header_n - number_n + i] ^= mask[1 + i];
    return header_n + n + 16;
}

static inline size_t seal_number(uint8_t *to, uint64_t number, size_t n)
{
    for (size_t i = 0; i < n; i++) to[i] = (uint8_t)(number >> (8 * (n - 1 - i)));
    return n;
}

/* RFC 9000 section 16, in the shortest form, or in `least` bytes. */
static inline size_t seal_varint(uint8_t *to, uint64_t v, size_t least)
{
    size_t n = v < 64 ? 1 : v < 16384 ? 2 : v < UINT64_C(1) << 30 ? 4 : 8;
    unsigned bits = 0;
    if (n < least) n = least;
    while ((size_t)1 << bits < n) bits++;
    seal_number(to, v, n);
    to[0] |= (uint8_t)(bits << 6);
    return n;
}

struct seal_head {
    int type; /* SEAL_INITIAL … */
    uint32_t version;
    const uint8_t *to, *from; /* connection IDs */
    size_t to_n, from_n;
    const uint8_t *token;
    size_t token_n;
    uint64_t number;
    size_t number_n; /* 1 to 4 */
    bool phase;
};

/* A whole packet; its length. The payload gets PADDING where it is too short to be sealed. */
static inline size_t seal_packet(const struct sealer *s, const struct seal_head *h, uint8_t *out,
                                 const uint8_t *payload, size_t n)
{
    uint8_t longer[4] = {0};
    size_t at = 0;
    if (n < 4 && h->number_n + n < 4) {
        if (n) memcpy(longer, payload, n);
        payload = longer;
        n = 4 - h->number_n;
    }
    if (h->type == SEAL_SHORT) {
        out[at++] = (uint8_t)(0x40 | h->phase << 2 | (h->number_n - 1));
        if (h->to_n) memcpy(out + at, h->to, h->to_n);
        at += h->to_n;
    } else {
        int type = h->version == SEAL_V2 ? (h->type + 1) % 4 : h->type;
        out[at++] = (uint8_t)(0xc0 | type << 4 | (h->number_n - 1));
        at += seal_number(out + at, h->version, 4);
        out[at++] = (uint8_t)h->to_n;
        if (h->to_n) memcpy(out + at, h->to, h->to_n);
        at += h->to_n;
        out[at++] = (uint8_t)h->from_n;
        if (h->from_n) memcpy(out + at, h->from, h->from_n);
        at += h->from_n;
        if (h->type == SEAL_INITIAL) {
            at += seal_varint(out + at, h->token_n, 1);
            if (h->token_n) memcpy(out + at, h->token, h->token_n);
            at += h->token_n;
        }
        at += seal_varint(out + at, h->number_n + n + 16, 2);
    }
    at += seal_number(out + at, h->number, h->number_n);
    return seal(s, out, at, h->number, h->number_n, payload, n);
}

/* The first datagram of a client's connection: a ClientHello without extensions, in a CRYPTO frame
 * of an Initial packet; the rest is PADDING. Its length. `id`: of both ends. */
enum { SEAL_HELLO_ID = 8, SEAL_HELLO_RANDOM = 32, SEAL_HELLO_ROOM = 1300 };
static inline size_t seal_hello(uint8_t out[SEAL_HELLO_ROOM], const uint8_t id[SEAL_HELLO_ID],
                                uint64_t number, const uint8_t random[SEAL_HELLO_RANDOM])
{
    static const uint8_t begins[] = {6, 0, 45, 1, 0, 0, 41, 3, 3};
    uint8_t payload[1172] = {0};
    struct sealer s[2];
    struct seal_head head = {.type = SEAL_INITIAL,
                             .version = SEAL_V1,
                             .to = id,
                             .to_n = SEAL_HELLO_ID,
                             .from = id,
                             .from_n = SEAL_HELLO_ID,
                             .number = number,
                             .number_n = 1};
    memcpy(payload, begins, sizeof begins);
    memcpy(payload + sizeof begins, random, SEAL_HELLO_RANDOM);
    memcpy(payload + sizeof begins + SEAL_HELLO_RANDOM + 1, "\0\2\x13\1\1", 5);
    sealer_initial(s, SEAL_V1, id, SEAL_HELLO_ID);
    return seal_packet(&s[0], &head, out, payload, sizeof payload);
}

#endif

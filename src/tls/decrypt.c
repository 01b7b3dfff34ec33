/* SPDX-License-Identifier: MIT
 *
 * In: a record, keys, a sequence number. Out: its plaintext, proven by the tag or the MAC.
 * Refuses everything else: bytes that are not proven never leave this file.
 *
 *   AEAD, TLS 1.3   │ head, 5 │ sealed: content, type, zeros │ tag │     RFC 8446 section 5.2
 *   AEAD, TLS 1.2   │ head, 5 │ explicit nonce │ sealed │ tag │         RFC 5246 section 6.2.3.3
 *   CBC             │ head, 5 │ IV │ E(content, MAC, padding) │         RFC 5246 section 6.2.3.2
 *   encrypt-then-MAC│ head, 5 │ IV │ E(content, padding) │ MAC │        RFC 7366 section 3
 */
#include "keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>

enum { TYPE_HEAD = 5, NONCE = 12, AAD_MAX = 13 };

int wst_tls_overhead(const struct wst_tls_keys *k)
{
    if (k->version == WST_TLS_1_3 || k->row->kind == WST_TLS_CBC) return -1;
    return k->row->explicit_iv + k->row->tag;
}

static void put64(uint8_t *to, uint64_t v)
{
    for (int i = 0; i < 8; i++) to[i] = (uint8_t)(v >> (56 - 8 * i));
}

/* -- AEAD -------------------------------------------------------------------------------------- */

/* RFC 8446 section 5.3, RFC 7905 section 2: the fixed part with the number XORed into its end; RFC
 * 5288 section 3: the fixed part and what stands before the record. */
static void make_nonce(const struct wst_tls_keys *k, uint64_t seq, const uint8_t *explicit_iv,
                       uint8_t nonce[NONCE])
{
    memcpy(nonce, k->iv, NONCE);
    if (explicit_iv) {
        memcpy(nonce + k->row->fixed, explicit_iv, k->row->explicit_iv);
        return;
    }
    put64(nonce + 4, wst_be64(nonce + 4) ^ seq);
}

/* The head as it is (TLS 1.3), or number, type, version and the plaintext's length. */
static int make_aad(const struct wst_tls_keys *k, uint64_t seq, const uint8_t *head, size_t plain_n,
                    uint8_t aad[AAD_MAX])
{
    if (k->version == WST_TLS_1_3) {
        memcpy(aad, head, TYPE_HEAD);
        return TYPE_HEAD;
    }
    put64(aad, seq);
    memcpy(aad + 8, head, 3);
    aad[11] = (uint8_t)(plain_n >> 8);
    aad[12] = (uint8_t)plain_n;
    return AAD_MAX;
}

static bool open_aead(struct wst_tls_keys *k, uint64_t seq, const struct wst_tls_record *r,
                      uint8_t *room, struct wst_slice *plain)
{
    bool old = k->version != WST_TLS_1_3;
    size_t front = old ? k->row->explicit_iv : 0, tag = k->row->tag;
    if (r->body.n < front + tag) return false;
    const uint8_t *sealed = r->body.p + front;
    int n = (int)(r->body.n - front - tag), out = 0;
    uint8_t nonce[NONCE], aad[AAD_MAX];
    make_nonce(k, seq, front ? r->body.p : NULL, nonce);
    int aad_n = make_aad(k, seq, r->head, (size_t)n, aad);
    bool ccm = k->row->kind == WST_TLS_CCM;
    /* CCM wants its tag and length before everything, and gives its verdict with the last byte. */
    if (ccm &&
        EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag, (void *)(sealed + n)) != 1)
        return false;
    if (EVP_DecryptInit_ex(k->cipher, NULL, NULL, NULL, nonce) != 1) return false;
    if (ccm && EVP_DecryptUpdate(k->cipher, NULL, &out, NULL, n) != 1) return false;
    if (EVP_DecryptUpdate(k->cipher, NULL, &out, aad, aad_n) != 1) return false;
    out = 0;
    if ((n || ccm) && EVP_DecryptUpdate(k->cipher, room, &out, sealed, n) != 1) return false;
    *plain = wst_slice_of(room, (size_t)n);
    if (ccm) return true;
    if (EVP_CIPHER_CTX_ctrl(k->cipher, EVP_CTRL_AEAD_SET_TAG, (int)tag, (void *)(sealed + n)) != 1)
        return false;
    return EVP_DecryptFinal_ex(k->cipher, room + out, &out) == 1;
}

/* -- CBC --------------------------------------------------------------------------------------- */

/* HMAC over number, type, version, length and bytes. */
static bool mac_agrees(struct wst_tls_keys *k, uint64_t seq, const uint8_t *head,
                       struct wst_slice bytes, const uint8_t *mac)
{
    uint8_t front[AAD_MAX], computed[EVP_MAX_MD_SIZE];
    size_t n;
    put64(front, seq);
    memcpy(front + 8, head, 3);
    front[11] = (uint8_t)(bytes.n >> 8);
    front[12] = (uint8_t)bytes.n;
    return EVP_MAC_init(k->mac, NULL, 0, NULL) == 1 &&
           EVP_MAC_update(k->mac, front, sizeof front) == 1 &&
           EVP_MAC_update(k->mac, bytes.p, bytes.n) == 1 &&
           EVP_MAC_final(k->mac, computed, &n, sizeof computed) == 1 && n == k->mac_n &&
           CRYPTO_memcmp(computed, mac, n) == 0;
}

/* n padding bytes, each n, and n once more. Nobody measures how long we take: no secret hangs on
 * it here. Returns what is left; -1: no such padding. */
static ptrdiff_t strip_padding(const uint8_t *p, size_t n)
{
    if (!n || (size_t)p[n - 1] + 1 > n) return -1;
    uint8_t pad = p[n - 1];
    for (size_t i = 0; i <= pad; i++)
        if (p[n - 1 - i] != pad) return -1;
    return (ptrdiff_t)(n - pad - 1);
}

static bool open_cbc(struct wst_tls_keys *k, uint64_t seq, const uint8_t *iv,
                     const struct wst_tls_record *r, uint8_t *room, struct wst_slice *plain)
{
    struct wst_slice body = r->body;
    size_t block = k->row->block, mac = k->mac_n;
    if (k->etm) {
        if (body.n < mac) return false;
        body.n -= mac;
        if (!mac_agrees(k, seq, r->head, body, body.p + body.n)) return false;
        k->chained = true;
    }
    if (k->version != WST_TLS_1_0) {
        if (body.n < block) return false;
        iv = body.p;
        body = wst_slice_skip(body, block);
    }
    if (!body.n || body.n % block || !iv) return false;
    int out = 0;
    if (EVP_DecryptInit_ex(k->cipher, NULL, NULL, NULL, iv) != 1 ||
        EVP_DecryptUpdate(k->cipher, room, &out, body.p, (int)body.n) != 1 || (size_t)out != body.n)
        return false;
    ptrdiff_t left = strip_padding(room, body.n);
    if (left < 0 || (!k->etm && (size_t)left < mac)) return false;
    *plain = wst_slice_of(room, (size_t)left - (k->etm ? 0 : mac));
    return k->etm || mac_agrees(k, seq, r->head, *plain, room + plain->n);
}

/* -- both -------------------------------------------------------------------------------------- */

/* RFC 8446 section 5.4: the type is the last byte that is not zero. */
static bool inner_type(struct wst_slice *plain, uint8_t *type)
{
    size_t n = plain->n;
    while (n && !plain->p[n - 1]) n--;
    if (!n) return false;
    *type = plain->p[n - 1];
    plain->n = n - 1;
    return true;
}

bool wst_tls_open(struct wst_tls_keys *k, uint64_t seq, const uint8_t *iv,
                  const struct wst_tls_record *r, uint8_t *room, uint8_t *type,
                  struct wst_slice *plain)
{
    if (k->row->kind == WST_TLS_CBC) {
        if (!open_cbc(k, seq, iv, r, room, plain)) return false;
    } else if (!open_aead(k, seq, r, room, plain)) {
        return false;
    }
    *type = r->head[0];
    return k->version != WST_TLS_1_3 || inner_type(plain, type);
}

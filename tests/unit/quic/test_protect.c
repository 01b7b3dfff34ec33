/* SPDX-License-Identifier: MIT
 *
 * Packet protection against what the RFCs print (9001 appendix A, 9369 appendix A), and against the
 * tests' own sealer for what they do not: CCM, SHA-384, key updates of each.
 */
#include "guard.h"
#include "packet.h"
#include "protect.h"
#include "sealer.h"

enum { ROOM = 2048 };

static struct wst_budget budget;
static struct wst_quic_crypto crypto;

static void begin(void)
{
    budget = (struct wst_budget){.max = 1 << 20};
    crypto = (struct wst_quic_crypto){.budget = &budget};
}

static void end(void)
{
    wst_quic_crypto_free(&crypto);
    assert_int_equal(budget.used, 0);
}

static size_t hex(uint8_t *to, const char *text)
{
    size_t n = 0;
    for (; text[2 * n]; n++) {
        char two[3] = {text[2 * n], text[2 * n + 1], '\0'};
        to[n] = (uint8_t)strtoul(two, NULL, 16);
    }
    return n;
}

static void same(const uint8_t *p, const char *text)
{
    uint8_t bytes[ROOM];
    assert_memory_equal(p, bytes, hex(bytes, text));
}

/* The mask is taken off as RFC 9001 section 5.4.1 shows it; then the room opens the packet. */
static size_t open_packet(struct wst_quic_mask *mask, struct wst_quic_keys *keys, uint8_t *p,
                          size_t n, size_t number_at, uint64_t next, uint8_t *room,
                          struct wst_slice *plain)
{
    uint8_t bits[WST_QUIC_MASK];
    uint32_t low = 0;
    assert_true(wst_quic_mask_make(mask, p + number_at + 4, bits));
    p[0] ^= bits[0] & (p[0] & 0x80 ? 0x0f : 0x1f);
    size_t k = (size_t)(p[0] & 3) + 1;
    for (size_t i = 0; i < k; i++) low = low << 8 | (p[number_at + i] ^= bits[1 + i]);
    struct wst_slice sealed = wst_slice_of(p + number_at + k, n - number_at - k);
    bool opened = wst_quic_open(keys, wst_quic_number(next, low, k), wst_slice_of(p, number_at + k),
                                sealed, room, plain);
    return opened ? k : 0;
}

static const char client_crypto[] =
    "060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868"
    "04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578"
    "616d706c652e636f6dff01000100000a00080006001d00170018001000070005"
    "04616c706e000500050100000000003300260024001d00209370b2c9caa47fba"
    "baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400"
    "0d0010000e0403050306030203080408050806002d00020101001c0002400100"
    "3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000"
    "75300901100f088394c8f03e51570806048000ffff";
static const char server_frames[] =
    "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739"
    "88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94"
    "0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00"
    "020304";

static const struct vector {
    uint32_t version;
    const char *secret[2], *key[2], *iv[2];
    const char *client_head, *client_front, *client_tag;              /* A.2 */
    const char *server_packet;                                        /* A.3 */
    const char *chacha_key, *chacha_iv, *chacha_next, *chacha_packet; /* A.5; 9369: A.5 */
} vectors[] = {
    {WST_QUIC_V1,
     {"c00cf151ca5be075ed0ebfb5c80323c42d6b7db67881289af4008f1f6c357aea",
      "3c199828fd139efd216c155ad844cc81fb82fa8d7446fa7d78be803acdda951b"},
     {"1f369613dd76d5467730efcbe3b1a22d", "cf3a5331653c364c88f0f379b6067e37"},
     {"fa044b2f42a3fd3b46fb255c", "0ac1493ca1905853b0bba03e"},
     "c300000001088394c8f03e5157080000449e00000002",
     "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11d242b123dc9b",
     "e221af44860018ab0856972e194cd934",
     "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a"
     "5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3"
     "dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84"
     "022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4"
     "2158407dd074ee",
     "c6d98ff3441c3fe1b2182094f69caa2ed4b716b65488960a7a984979fb23e1c8",
     "e0459b3474bdd0e44a41c144",
     "1223504755036d556342ee9361d253421a826c9ecdf3c7148684b36b714881f9",
     "4cfe4189655e5cd55c41f69080575d7999c25a5bfb"},
    {WST_QUIC_V2,
     {"14ec9d6eb9fd7af83bf5a668bc17a7e283766aade7ecd0891f70f9ff7f4bf47b",
      "0263db1782731bf4588e7e4d93b7463907cb8cd8200b5da55a8bd488eafc37c1"},
     {"8b1a0bc121284290a29e0971b5cd045d", "82db637861d55e1d011f19ea71d5d2a7"},
     {"91f73e2351d8fa91660e909f", "dd13c276499c0249d3310652"},
     "d36b3343cf088394c8f03e5157080000449e00000002",
     "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485dd04de806071",
     NULL,
     "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698"
     "baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17"
     "f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2"
     "c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8"
     "4bed8521e2e140",
     "3bfcddd72bcf02541d7fa0dd1f5f9eeea817e09a6963a0e6c7df0f9a1bab90f2",
     "a6b5bc6ab7dafce30ffff5dd",
     "c69374c49e3d2a9466fa689e49d476db5d0dfbc87d32ceeaa6343fd0ae4c7d88",
     "5558b1c60ae7b6b932bc27d786f4bc2bb20f2162ba"},
};

static void initial_vectors(const struct vector *v)
{
    uint8_t id[8], p[ROOM] = {0}, payload[ROOM] = {0}, room[ROOM];
    struct wst_quic_secret secrets[2];
    struct wst_slice plain;
    struct sealer sealers[2];
    hex(id, "8394c8f03e515708");
    assert_true(wst_quic_initial(&crypto, v->version, wst_slice_of(id, 8), secrets));
    sealer_initial(sealers, v->version, id, 8);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(secrets[d].n, 32);
        same(secrets[d].bytes, v->secret[d]);
        same(sealers[d].key, v->key[d]);
        same(sealers[d].iv, v->iv[d]);
        struct wst_quic_keys *k =
            wst_quic_keys_new(&crypto, WST_QUIC_AES_128_GCM, v->version, &secrets[d]);
        struct wst_quic_mask *m =
            wst_quic_mask_new(&crypto, WST_QUIC_AES_128_GCM, v->version, &secrets[d]);
        assert_non_null(k);
        assert_non_null(m);
        same(k->iv, v->iv[d]);
        size_t n, number_n, head;
        if (d) {
            n = hex(p, v->server_packet);
            head = 18;
        } else { /* 1200 bytes: front and tag stand for them */
            head = hex(p, v->client_head) - 4;
            hex(payload, client_crypto);
            n = seal(&sealers[0], p, head + 4, 2, 4, payload, 1162);
            assert_int_equal(n, 1200);
            same(p, v->client_front);
            if (v->client_tag) same(p + n - 16, v->client_tag);
        }
        number_n = open_packet(m, k, p, n, head, 0, room, &plain);
        assert_int_equal(number_n, d ? 2 : 4);
        assert_int_equal(plain.n, d ? 99 : 1162);
        same(plain.p, d ? server_frames : client_crypto);
        wst_quic_keys_free(k);
        wst_quic_mask_free(m);
    }
}

static void chacha_vectors(const struct vector *v)
{
    uint8_t p[64], room[64];
    struct wst_quic_secret secret = {.n = 32};
    struct wst_slice plain;
    struct sealer s;
    hex(secret.bytes, "9ac312a7f877468ebe69422748ad00a15443f18203a07d6060f688f30f21632b");
    sealer_init(&s, SEAL_CHACHA20, v->version, secret.bytes);
    same(s.key, v->chacha_key);
    struct wst_quic_keys *k = wst_quic_keys_new(&crypto, WST_QUIC_CHACHA20, v->version, &secret);
    struct wst_quic_mask *m = wst_quic_mask_new(&crypto, WST_QUIC_CHACHA20, v->version, &secret);
    assert_non_null(k);
    assert_non_null(m);
    same(k->iv, v->chacha_iv);
    size_t n = hex(p, v->chacha_packet);
    assert_int_equal(open_packet(m, k, p, n, 1, 654360564, room, &plain), 3);
    assert_int_equal(plain.n, 1);
    assert_int_equal(plain.p[0], 1);
    struct wst_quic_keys *next = wst_quic_keys_next(&crypto, k, false);
    assert_non_null(next);
    same(next->secret.bytes, v->chacha_next);
    wst_quic_keys_free(next);
    wst_quic_keys_free(k);
    wst_quic_mask_free(m);
}

static void printed(void **state)
{
    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY(vectors); i++) {
        initial_vectors(&vectors[i]);
        chacha_vectors(&vectors[i]);
    }
    end();
}

/* Each cipher and version, several generations; whatever is changed or cut does not open. */
static void round_trips(void **state)
{
    static uint8_t p[ROOM], payload[ROOM], copy[ROOM], room[ROOM];
    uint64_t s = 11;
    (void)state;
    begin();
    for (int i = 0; i < 2 * SEAL_KINDS; i++) {
        uint32_t version = i % 2 ? SEAL_V2 : SEAL_V1;
        struct wst_quic_secret secret = {.n = i / 2 == SEAL_AES_256_GCM ? 48 : 32};
        struct sealer sealer;
        struct wst_slice plain;
        rnd_fill(&s, secret.bytes, secret.n);
        sealer_init(&sealer, i / 2, version, secret.bytes);
        assert_int_equal(wst_quic_secret_size((enum wst_quic_aead)(i / 2)), secret.n);
        struct wst_quic_keys *k =
            wst_quic_keys_new(&crypto, (enum wst_quic_aead)(i / 2), version, &secret);
        struct wst_quic_mask *m =
            wst_quic_mask_new(&crypto, (enum wst_quic_aead)(i / 2), version, &secret);
        assert_non_null(k);
        assert_non_null(m);
        for (int round = 0; round < 60; round++) {
            size_t number_n = 1 + rnd_below(&s, 4), n = 3 + rnd_below(&s, round % 2 ? 30 : 1300);
            uint64_t number = rnd_below(&s, 1 << 20) + (UINT64_C(1) << (round % 61));
            struct seal_head h = {.type = SEAL_SHORT, .number = number, .number_n = number_n};
            rnd_fill(&s, payload, n);
            size_t size = seal_packet(&sealer, &h, p, payload, n);
            for (int flip = 0; flip < 20; flip++) {
                memcpy(copy, p, size);
                size_t at = rnd_below(&s, size), cut = flip % 2;
                if (!cut) copy[at] ^= (uint8_t)(1 << rnd_below(&s, 8));
                if (cut && size - 1 < 21) continue;
                assert_int_equal(open_packet(m, k, copy, size - cut, 1, number, room, &plain), 0);
            }
            memcpy(copy, p, size);
            assert_int_equal(open_packet(m, k, copy, size, 1, number, room, &plain), number_n);
            assert_int_equal(plain.n, n);
            assert_memory_equal(plain.p, payload, n);
            if (round % 20 != 19) continue;
            struct wst_quic_keys *next = wst_quic_keys_next(&crypto, k, false);
            assert_non_null(next);
            wst_quic_keys_free(k);
            k = next;
            sealer_next(&sealer);
        }
        assert_false(wst_quic_open(k, 0, wst_slice_of(p, 5), wst_slice_of(p, 15), room, &plain));
        wst_quic_keys_free(k);
        wst_quic_mask_free(m);
    }
    end();
}

static void refusals(void **state)
{
    (void)state;
    begin();
    for (uint8_t n = 0; n <= 48; n++)
        for (int a = 0; a < WST_QUIC_AEADS; a++) {
            struct wst_quic_secret secret = {.n = n};
            struct wst_quic_keys *k =
                wst_quic_keys_new(&crypto, (enum wst_quic_aead)a, WST_QUIC_V1, &secret);
            assert_int_equal(k != NULL, n == wst_quic_secret_size((enum wst_quic_aead)a));
            wst_quic_keys_free(k);
        }
    struct wst_quic_secret secret = {.n = 32};
    budget.max = 100; /* neither fits */
    assert_null(wst_quic_keys_new(&crypto, WST_QUIC_CHACHA20, WST_QUIC_V1, &secret));
    assert_null(wst_quic_mask_new(&crypto, WST_QUIC_CHACHA20, WST_QUIC_V1, &secret));
    for (unsigned suite = 0; suite < 65536; suite++)
        assert_int_equal(wst_quic_aead_of((uint16_t)suite) != WST_QUIC_AEADS,
                         suite >= 0x1301 && suite <= 0x1304);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(printed),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Bodies of handshake messages: what is taken from them, and every way to cut them short. And the
 * registry of suites.
 */
#include "guard.h"
#include "handshake.h"
#include "keys.h"

#define R8 "RRRRRRRR"
#define RANDOM R8 R8 R8 R8

#define CLIENT_FRONT       \
    "\3\3" RANDOM "\4SESS" \
    "\0\2\x13\1"           \
    "\1\0"
#define SNI "\0\0\0\x0d\0\x0b\0\0\x08wss.test"
#define TICKET "\0\x23\0\3TKT"
#define EARLY "\0\x2a\0\0"
static const struct wst_slice client = SLICE(CLIENT_FRONT "\0\x1c" SNI TICKET EARLY);

static void client_hello(void **state)
{
    struct wst_tls_client_hello h;
    (void)state;
    assert_true(wst_tls_client_hello(client, &h));
    assert_int_equal(h.version, 0x303);
    assert_memory_equal(h.random, RANDOM, 32);
    assert_int_equal(h.session.n, 4);
    assert_memory_equal(h.session.p, "SESS", 4);
    assert_int_equal(h.sni.n, 8);
    assert_memory_equal(h.sni.p, "wss.test", 8);
    assert_int_equal(h.ticket.n, 3);
    assert_true(h.early_data);
    /* without extensions, as in 1999 */
    assert_true(wst_tls_client_hello((struct wst_slice){client.p, sizeof CLIENT_FRONT - 1}, &h));
    assert_null(h.sni.p);
    assert_false(h.early_data);
}

#define SERVER_FRONT       \
    "\3\3" RANDOM "\4SESS" \
    "\x13\2"               \
    "\0"
#define VERSIONS "\0\x2b\0\2\3\4"
#define ALPN "\0\x10\0\x0b\0\x09\x08http/1.1"
#define ETM "\0\x16\0\0"
#define EMS "\0\x17\0\0"
static const struct wst_slice server = SLICE(SERVER_FRONT "\0\x1d" VERSIONS ALPN ETM EMS);

static void server_hello(void **state)
{
    struct wst_tls_server_hello h;
    (void)state;
    assert_true(wst_tls_server_hello(server, &h));
    assert_int_equal(h.version, 0x304);
    assert_int_equal(h.suite, 0x1302);
    assert_int_equal(h.compression, 0);
    assert_true(h.etm && h.extended && !h.retry);
    assert_int_equal(h.alpn.n, 8);
    assert_memory_equal(h.alpn.p, "http/1.1", 8);
    assert_true(wst_tls_server_hello((struct wst_slice){server.p, sizeof SERVER_FRONT - 1}, &h));
    assert_int_equal(h.version, 0x303);
    assert_false(h.etm || h.extended);
}

static void retry(void **state)
{
    /* SHA-256("HelloRetryRequest"), RFC 8446 section 4.1.3 */
    struct wst_tls_server_hello h;
    uint8_t body[64] = {3, 3}, digest[32];
    (void)state;
    EVP_Digest("HelloRetryRequest", 17, digest, NULL, EVP_sha256(), NULL);
    memcpy(body + 2, digest, 32);
    body[35] = 0x13, body[36] = 1;
    assert_true(wst_tls_server_hello((struct wst_slice){body, 38}, &h));
    assert_true(h.retry);
    body[9] ^= 1;
    assert_true(wst_tls_server_hello((struct wst_slice){body, 38}, &h));
    assert_false(h.retry);
}

static void encrypted_extensions(void **state)
{
    static const struct wst_slice rows[] = {SLICE("\0\x13" ALPN EARLY), SLICE("\0\0"),
                                            SLICE("\0\7\0\x39\0\3abc")};
    struct wst_tls_encrypted_extensions x;
    (void)state;
    assert_true(wst_tls_encrypted_extensions(rows[0], &x));
    assert_true(x.early_data && x.alpn.n == 8);
    assert_true(wst_tls_encrypted_extensions(rows[1], &x));
    assert_false(x.early_data || x.alpn.p || x.quic.p);
    assert_true(wst_tls_encrypted_extensions(rows[2], &x));
    assert_true(x.quic.n == 3 && memcmp(x.quic.p, "abc", 3) == 0);
}

/* Laid flush against a page that cannot be read: nobody looks further, and whoever runs short says
 * so. A cut between the fixed part and the extensions is a message of its own. */
static void every_cut(void **state)
{
    struct guard g;
    struct wst_tls_client_hello c;
    struct wst_tls_server_hello s;
    struct wst_slice part;
    (void)state;
    guard_init(&g, 4096);
    for (size_t n = 0; n < client.n; n++)
        assert_int_equal(wst_tls_client_hello(guard_put(&g, client.p, n), &c),
                         n == sizeof CLIENT_FRONT - 1);
    for (size_t n = 0; n < server.n; n++)
        assert_int_equal(wst_tls_server_hello(guard_put(&g, server.p, n), &s),
                         n == sizeof SERVER_FRONT - 1);
    for (size_t n = 0; n < 10; n++) {
        assert_int_equal(wst_tls_ticket(guard_put(&g, "\0\0\0\7\0\4TICK", n), &part), n == 10);
        assert_false(wst_tls_rsa_exchange(guard_put(&g,
                                                    "\0\x08"
                                                    "10111213",
                                                    n),
                                          &part));
    }
    assert_true(wst_tls_ticket(guard_put(&g, "\0\0\0\7\0\4TICK", 10), &part));
    assert_true(wst_tls_rsa_exchange(guard_put(&g,
                                               "\0\x08"
                                               "10111213",
                                               10),
                                     &part));
    guard_free(&g);
}

/* Any byte of them turned into any other: never a look beyond. */
static void every_byte(void **state)
{
    struct guard g;
    uint8_t copy[256];
    struct wst_tls_client_hello c;
    struct wst_tls_server_hello s;
    struct wst_tls_encrypted_extensions x;
    (void)state;
    guard_init(&g, 4096);
    for (size_t at = 0; at < client.n; at++)
        for (int value = 0; value < 256; value++) {
            memcpy(copy, client.p, client.n);
            copy[at] = (uint8_t)value;
            if (wst_tls_client_hello(guard_put(&g, copy, client.n), &c) && c.sni.n)
                assert_true(c.sni.p + c.sni.n <= g.p + g.room);
            memcpy(copy, server.p, server.n);
            copy[at % server.n] = (uint8_t)value;
            wst_tls_server_hello(guard_put(&g, copy, server.n), &s);
            wst_tls_encrypted_extensions(guard_put(&g, copy + 41, server.n - 41), &x);
        }
    guard_free(&g);
}

/* A name is what the client wrote there: what is no sign on paper, and the sign that says so, are
 * written as numbers, and what has no room whole is left out. */
static void names(void **state)
{
    static const struct {
        const char *name, *shown;
        size_t room;
    } rows[] = {
        {"wss.test", "wss.test", 64}, {"a\x1b[31m", "a\\x1b[31m", 64},
        {"a b", "a\\x20b", 64},       {"a\\b", "a\\x5cb", 64},
        {"~\x7f", "~\\x7f", 64},      {"!\xc3\xa9", "!\\xc3\\xa9", 64},
        {"\n\n", "\\x0a", 8},         {"\n\n", "\\x0a\\x0a", 9},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        char *to = malloc(rows[i].room); /* its end is watched */
        assert_non_null(to);
        wst_tls_name(to, rows[i].room, wst_slice_of(rows[i].name, strlen(rows[i].name)));
        assert_string_equal(to, rows[i].shown);
        free(to);
    }
}

static void suites(void **state)
{
    size_t readable = 0, known = 0;
    struct wst_tls_crypto crypto = {0};
    (void)state;
    for (uint32_t value = 0; value <= 0xffff; value++) {
        const struct wst_tls_suite *suite = wst_tls_suite((uint16_t)value);
        if (!suite) continue;
        known++;
        assert_int_equal(suite->value, value);
        const struct wst_tls_cipher_row *row = wst_tls_cipher_row(suite);
        if (!row->evp) continue;
        readable++;
        assert_int_equal(row->kind == WST_TLS_CBC, suite->mac != 0);
        EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, row->evp, NULL);
        assert_non_null(cipher); /* libcrypto has it, with a key of that length */
        assert_int_equal(EVP_CIPHER_get_key_length(cipher), row->key);
        if (row->block) assert_int_equal(EVP_CIPHER_get_block_size(cipher), row->block);
        EVP_CIPHER_free(cipher);
    }
    assert_true(known > 150 && readable > 130);
    assert_string_equal(wst_tls_suite(0x1301)->name, "TLS_AES_128_GCM_SHA256");
    assert_string_equal(wst_tls_suite(0xc02f)->name, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    assert_null(wst_tls_suite(0x0000));
    assert_null(wst_tls_suite(0xffff));
    wst_tls_crypto_free(&crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(client_hello), cmocka_unit_test(server_hello),
        cmocka_unit_test(retry),        cmocka_unit_test(encrypted_extensions),
        cmocka_unit_test(every_cut),    cmocka_unit_test(every_byte),
        cmocka_unit_test(names),        cmocka_unit_test(suites),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

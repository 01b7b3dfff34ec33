/* SPDX-License-Identifier: MIT */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "peers.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "guard.h"

/* -- who they are ------------------------------------------------------------------------------ */

static EVP_PKEY *keys[2]; /* RSA, ECDSA: made once, for all tests of a program */
static X509 *certificates[2];

static X509 *self_signed(EVP_PKEY *key)
{
    X509 *x = X509_new();
    assert_non_null(x);
    X509_set_version(x, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -3600);
    X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
                               (const unsigned char *)"wss.test", -1, -1, 0);
    X509_set_issuer_name(x, X509_get_subject_name(x));
    X509_set_pubkey(x, key);
    assert_true(X509_sign(x, key, EVP_sha256()) > 0);
    return x;
}

static void make_keys(void)
{
    if (keys[0]) return;
    keys[0] = EVP_RSA_gen(2048);
    keys[1] = EVP_EC_gen("P-256");
    for (int i = 0; i < 2; i++) {
        assert_non_null(keys[i]);
        certificates[i] = self_signed(keys[i]);
    }
}

void peers_end(void)
{
    for (int i = 0; i < 2; i++) {
        EVP_PKEY_free(keys[i]);
        X509_free(certificates[i]);
        keys[i] = NULL;
        certificates[i] = NULL;
    }
}

int peers_teardown(void **state)
{
    (void)state;
    peers_end();
    return 0;
}

char *peers_rsa_pem(void)
{
    make_keys();
    BIO *bio = BIO_new(BIO_s_mem());
    char *p, *copy;
    assert_int_equal(PEM_write_bio_PrivateKey(bio, keys[0], NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(bio, &p);
    copy = calloc(1, (size_t)n + 1);
    assert_non_null(copy);
    memcpy(copy, p, (size_t)n);
    BIO_free(bio);
    return copy;
}

/* -- the pair ---------------------------------------------------------------------------------- */

struct pair {
    const struct peers_terms *terms;
    struct peers_talk *talk;
    SSL *ssl[2]; /* client, server: so also the direction of what they say */
    bool early_over;
    size_t said; /* of terms->lines, as early data */
    bool spoils;
    uint64_t seed;
};

static void put(struct peers_buf *b, const void *p, size_t n)
{
    while (b->n + n > b->size) {
        b->size = b->size ? b->size * 2 : 4096;
        b->p = realloc(b->p, b->size);
        assert_non_null(b->p);
    }
    if (n) memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void on_keylog(const SSL *ssl, const char *line)
{
    struct pair *pair = SSL_get_app_data(ssl);
    put(&pair->talk->keylog, line, strlen(line));
    put(&pair->talk->keylog, "\n", 1);
}

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_n,
                       const unsigned char *in, unsigned in_n, void *user)
{
    struct pair *pair = SSL_get_app_data(ssl);
    (void)in_n;
    (void)user;
    if (!pair->terms->alpn) return SSL_TLSEXT_ERR_NOACK;
    *out = in + 1;
    *out_n = in[0];
    return SSL_TLSEXT_ERR_OK;
}

static int trust(int ok, X509_STORE_CTX *store)
{
    (void)ok;
    (void)store;
    return 1;
}

static int refuse_early(SSL *ssl, void *user)
{
    (void)ssl;
    (void)user;
    return 0;
}

/* Carries what was sent to the other side, and notes it. */
static void carry(struct pair *pair)
{
    struct peers_talk *t = pair->talk;
    for (int from = 0; from < 2; from++) {
        BIO *out = SSL_get_wbio(pair->ssl[from]);
        uint8_t bytes[16384];
        int n;
        while ((n = BIO_read(out, bytes, sizeof bytes)) > 0) {
            struct peers_chunk *last = t->chunks_n ? &t->chunks[t->chunks_n - 1] : NULL;
            if (!last || last->dir != from) {
                assert_true(t->chunks_n < ARRAY(t->chunks));
                last = &t->chunks[t->chunks_n++];
                *last = (struct peers_chunk){(uint8_t)from, t->wire.n, 0};
            }
            last->n += (size_t)n;
            put(&t->wire, bytes, (size_t)n);
            bytes[n - 1] ^= pair->spoils; /* behind who captured it */
            assert_int_equal(BIO_write(SSL_get_rbio(pair->ssl[!from]), bytes, n), n);
        }
    }
}

static void fine(SSL *ssl, int result)
{
    const struct pair *pair = SSL_get_app_data(ssl);
    int error = SSL_get_error(ssl, result);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_NONE)
        return;
    ERR_print_errors_fp(stderr);
    fail_msg("%s: libssl: error %d", pair->terms->name, error);
}

/* Early data stays with the server's reading function until it says that there is no more. */
static void server_step(struct pair *pair)
{
    SSL *server = pair->ssl[1];
    if (pair->terms->early && SSL_is_init_finished(pair->ssl[0]) == 0 && !pair->early_over) {
        uint8_t bytes[4096];
        size_t n = 0;
        int how = SSL_read_early_data(server, bytes, sizeof bytes, &n);
        if (how == SSL_READ_EARLY_DATA_SUCCESS) put(&pair->talk->said[0], bytes, n);
        if (how == SSL_READ_EARLY_DATA_FINISH) pair->early_over = true;
        return;
    }
    fine(server, SSL_do_handshake(server));
}

static void shake_hands(struct pair *pair)
{
    for (int i = 0; i < 20; i++) {
        if (!SSL_is_init_finished(pair->ssl[0])) fine(pair->ssl[0], SSL_do_handshake(pair->ssl[0]));
        carry(pair);
        if (!SSL_is_init_finished(pair->ssl[1])) server_step(pair);
        carry(pair);
        if (SSL_is_init_finished(pair->ssl[0]) && SSL_is_init_finished(pair->ssl[1])) return;
    }
    fail_msg("%s: no handshake", pair->terms->name);
}

/* Both sides read all there is; whoever has something to answer does. */
static void listen(struct pair *pair)
{
    for (int round = 0; round < 4; round++)
        for (int i = 0; i < 2; i++) {
            uint8_t bytes[16384];
            int n;
            while ((n = SSL_read(pair->ssl[i], bytes, sizeof bytes)) > 0) {
            }
            fine(pair->ssl[i], n);
            carry(pair);
        }
}

static void say_this(struct pair *pair, int who, const void *p, size_t n)
{
    assert_int_equal(SSL_write(pair->ssl[who], p, (int)n), (int)n);
    put(&pair->talk->said[who], p, n);
    carry(pair);
    listen(pair);
}

static void say(struct pair *pair, int who, size_t n)
{
    uint8_t *bytes = malloc(n);
    assert_non_null(bytes);
    rnd_fill(&pair->seed, bytes, n);
    say_this(pair, who, bytes, n);
    free(bytes);
}

static void update(struct pair *pair, int who, int how)
{
    assert_int_equal(SSL_key_update(pair->ssl[who], how), 1);
    say(pair, who, 30);
    say(pair, !who, 31);
}

static void renegotiate(struct pair *pair)
{
    assert_int_equal(SSL_renegotiate(pair->ssl[0]), 1);
    for (int i = 0; i < 6; i++) {
        uint8_t byte;
        fine(pair->ssl[0], SSL_do_handshake(pair->ssl[0]));
        carry(pair);
        fine(pair->ssl[1], SSL_read(pair->ssl[1], &byte, 1));
        carry(pair);
    }
    assert_int_equal(SSL_renegotiate_pending(pair->ssl[0]), 0);
}

static void spoil(struct pair *pair)
{
    uint8_t byte = 'x';
    assert_int_equal(SSL_write(pair->ssl[0], &byte, 1), 1);
    put(&pair->talk->said[0], &byte, 1);
    pair->spoils = true;
    carry(pair);
    pair->spoils = false;
    assert_true(SSL_read(pair->ssl[1], &byte, 1) <= 0);
    ERR_clear_error();
    carry(pair);
}

static void converse(struct pair *pair)
{
    static const size_t sizes[] = {1, 17, 500, 5000, 3, 20000, 64};
    const struct peers_terms *t = pair->terms;
    for (size_t i = pair->said; i < t->lines_n; i++)
        say_this(pair, t->lines[i].who, t->lines[i].p, t->lines[i].n);
    size_t rounds = t->lines_n ? 0 : t->dull ? 6 : ARRAY(sizes);
    for (size_t i = 0; i < rounds; i++) {
        say(pair, 0, t->dull ? 100 + i : sizes[i]);
        say(pair, 1, t->dull ? 200 + i : sizes[ARRAY(sizes) - 1 - i]);
        if (i == 2 && t->updates) update(pair, 0, SSL_KEY_UPDATE_NOT_REQUESTED);
        if (i == 3 && t->updates) update(pair, 1, SSL_KEY_UPDATE_REQUESTED);
        if (i == 4 && t->updates) update(pair, 0, SSL_KEY_UPDATE_REQUESTED);
        if (i == 3 && t->renegotiates) renegotiate(pair);
    }
    if (t->spoilt) {
        spoil(pair);
        return;
    }
    for (int i = 0; i < 2; i++) SSL_shutdown(pair->ssl[i]);
    carry(pair);
}

/* -- what they agree on ------------------------------------------------------------------------ */

static SSL_CTX *context(const struct peers_terms *t, bool server)
{
    SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());
    assert_non_null(c);
    SSL_CTX_set_security_level(c, 0); /* what is old or short is read, too */
    SSL_CTX_set_min_proto_version(c, t->version);
    SSL_CTX_set_max_proto_version(c, t->version);
    if (t->version == TLS1_3_VERSION) {
        assert_int_equal(SSL_CTX_set_ciphersuites(c, t->cipher), 1);
    } else {
        assert_int_equal(SSL_CTX_set_cipher_list(c, t->cipher), 1);
    }
    if (server || t->client_auth) {
        assert_int_equal(SSL_CTX_use_certificate(c, certificates[t->ecdsa]), 1);
        assert_int_equal(SSL_CTX_use_PrivateKey(c, keys[t->ecdsa]), 1);
    }
    SSL_CTX_set_verify(c, server && !t->client_auth ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, trust);
    SSL_CTX_set_options(c, SSL_OP_ALLOW_CLIENT_RENEGOTIATION | SSL_OP_LEGACY_SERVER_CONNECT);
    if (t->no_etm) SSL_CTX_set_options(c, SSL_OP_NO_ENCRYPT_THEN_MAC);
    if (t->no_ems) SSL_CTX_set_options(c, SSL_OP_NO_EXTENDED_MASTER_SECRET);
    if (t->no_tickets) SSL_CTX_set_options(c, SSL_OP_NO_TICKET);
    SSL_CTX_set_session_id_context(c, (const unsigned char *)"t", 1);
    if (t->small) SSL_CTX_set_max_send_fragment(c, 512);
    if (t->padding) SSL_CTX_set_block_padding(c, 1024);
    if (t->early && server) SSL_CTX_set_max_early_data(c, 16384);
    SSL_CTX_set1_groups_list(c, t->retry ? server ? "P-384" : "X25519:P-384" : "X25519:P-256");
    SSL_CTX_set_dh_auto(c, 1);
    if (server) SSL_CTX_set_alpn_select_cb(c, choose_alpn, NULL);
    if (!server) SSL_CTX_set_keylog_callback(c, on_keylog);
    return c;
}

static void introduce(struct pair *pair, SSL_CTX *const contexts[2], SSL_SESSION *resumed)
{
    uint8_t alpn[64];
    for (int i = 0; i < 2; i++) {
        pair->ssl[i] = SSL_new(contexts[i]);
        assert_non_null(pair->ssl[i]);
        SSL_set_app_data(pair->ssl[i], pair);
        SSL_set_bio(pair->ssl[i], BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    }
    SSL_set_connect_state(pair->ssl[0]);
    SSL_set_accept_state(pair->ssl[1]);
    SSL_set_tlsext_host_name(pair->ssl[0], "wss.test");
    if (resumed) SSL_set_session(pair->ssl[0], resumed);
    if (!pair->terms->alpn) return;
    alpn[0] = (uint8_t)strlen(pair->terms->alpn);
    memcpy(alpn + 1, pair->terms->alpn, alpn[0]);
    SSL_set_alpn_protos(pair->ssl[0], alpn, alpn[0] + 1u);
}

static SSL_SESSION *connection(const struct peers_terms *terms, SSL_CTX *const contexts[2],
                               SSL_SESSION *resumed, struct peers_talk *talk)
{
    struct pair pair = {.terms = terms, .talk = talk, .seed = resumed ? 77 : 99};
    SSL_SESSION *session;
    size_t n;
    memset(talk, 0, sizeof *talk);
    introduce(&pair, contexts, resumed);
    if (resumed && terms->early) {
        const struct peers_line dull = {0, "too early", 9};
        const struct peers_line *first = terms->lines_n ? terms->lines : &dull;
        assert_int_equal(SSL_write_early_data(pair.ssl[0], first->p, first->n, &n), 1);
        if (terms->early == PEERS_EARLY)
            pair.said = terms->lines_n > 0;
        else
            SSL_set_allow_early_data_cb(pair.ssl[1], refuse_early, NULL);
    } else {
        pair.early_over = true;
    }
    shake_hands(&pair);
    if (resumed && !SSL_session_reused(pair.ssl[0]) && !(terms->early && terms->retry))
        fail_msg("%s: not resumed", terms->name);
    converse(&pair);
    strcpy(talk->cipher, SSL_CIPHER_standard_name(SSL_get_current_cipher(pair.ssl[0])));
    put(&talk->keylog, "", 1);
    session = SSL_get1_session(pair.ssl[0]);
    for (int i = 0; i < 2; i++) SSL_free(pair.ssl[i]);
    return session;
}

void peers_talk(const struct peers_terms *terms, struct peers_talk talk[2])
{
    make_keys();
    SSL_CTX *contexts[2] = {context(terms, false), context(terms, true)};
    SSL_SESSION *session = connection(terms, contexts, NULL, &talk[0]);
    if (terms->resume) SSL_SESSION_free(connection(terms, contexts, session, &talk[1]));
    SSL_SESSION_free(session);
    for (int i = 0; i < 2; i++) SSL_CTX_free(contexts[i]);
}

void peers_free(struct peers_talk *t)
{
    free(t->wire.p);
    free(t->said[0].p);
    free(t->said[1].p);
    free(t->keylog.p);
    memset(t, 0, sizeof *t);
}

/* SPDX-License-Identifier: MIT
 *
 * What two real endpoints said, against what is read of it: every version, kind of cipher and turn
 * that the room knows, pushed as it was sent and one byte at a time; with all secrets, with fewer,
 * with later ones, with wrong ones, with none.
 */
#include "guard.h"
#include "peers.h"
#include "room.h"

#define T13 TLS1_3_VERSION
#define T12 TLS1_2_VERSION
#define AES128 "TLS_AES_128_GCM_SHA256"

/* clang-format off */
static const struct peers_terms all[] = {
    {.name = "1.3 AES-128-GCM", .version = T13, .cipher = AES128},
    {.name = "1.3 AES-256-GCM", .version = T13, .cipher = "TLS_AES_256_GCM_SHA384"},
    {.name = "1.3 ChaCha20", .version = T13, .cipher = "TLS_CHACHA20_POLY1305_SHA256"},
    {.name = "1.3 CCM", .version = T13, .cipher = "TLS_AES_128_CCM_SHA256"},
    {.name = "1.3 CCM-8", .version = T13, .cipher = "TLS_AES_128_CCM_8_SHA256"},
    {.name = "1.3 retry", .version = T13, .cipher = AES128, .retry = true},
    {.name = "1.3 client certificate", .version = T13, .cipher = AES128, .client_auth = true, .ecdsa = true},
    {.name = "1.3 small records", .version = T13, .cipher = AES128, .small = true},
    {.name = "1.3 padding", .version = T13, .cipher = AES128, .padding = true},
    {.name = "1.3 key updates", .version = T13, .cipher = "TLS_AES_256_GCM_SHA384", .updates = true},
    {.name = "1.3 resumption", .version = T13, .cipher = AES128, .resume = true},
    {.name = "1.3 resumption with retry", .version = T13, .cipher = AES128, .resume = true, .retry = true},
    {.name = "1.3 early data", .version = T13, .cipher = AES128, .resume = true, .early = PEERS_EARLY},
    {.name = "1.3 early data, small records", .version = T13, .cipher = AES128, .resume = true, .early = PEERS_EARLY, .small = true},
    {.name = "1.3 early data refused", .version = T13, .cipher = AES128, .resume = true, .early = PEERS_EARLY_REFUSED},
    {.name = "1.3 early data refused by a retry", .version = T13, .cipher = AES128, .resume = true, .early = PEERS_EARLY_REFUSED, .retry = true},
    {.name = "1.3 ALPN", .version = T13, .cipher = AES128, .alpn = "http/1.1"},
    {.name = "1.2 ECDHE GCM", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"},
    {.name = "1.2 ECDHE GCM-256", .version = T12, .cipher = "ECDHE-RSA-AES256-GCM-SHA384", .alpn = "http/1.1"},
    {.name = "1.2 ECDSA CCM", .version = T12, .cipher = "ECDHE-ECDSA-AES128-CCM", .ecdsa = true},
    {.name = "1.2 ECDSA CCM-8", .version = T12, .cipher = "ECDHE-ECDSA-AES256-CCM8", .ecdsa = true},
    {.name = "1.2 ChaCha20", .version = T12, .cipher = "ECDHE-RSA-CHACHA20-POLY1305"},
    {.name = "1.2 DHE", .version = T12, .cipher = "DHE-RSA-AES128-GCM-SHA256"},
    {.name = "1.2 ARIA", .version = T12, .cipher = "ECDHE-ARIA128-GCM-SHA256"},
    {.name = "1.2 CBC SHA, EtM", .version = T12, .cipher = "ECDHE-RSA-AES128-SHA"},
    {.name = "1.2 CBC SHA, MtE", .version = T12, .cipher = "ECDHE-RSA-AES128-SHA", .no_etm = true},
    {.name = "1.2 CBC SHA256", .version = T12, .cipher = "AES256-SHA256"},
    {.name = "1.2 CBC SHA256, MtE", .version = T12, .cipher = "AES128-SHA256", .no_etm = true},
    {.name = "1.2 CBC SHA384", .version = T12, .cipher = "ECDHE-RSA-AES256-SHA384"},
    {.name = "1.2 CBC SHA384, MtE", .version = T12, .cipher = "ECDHE-RSA-AES256-SHA384", .no_etm = true},
    {.name = "1.2 Camellia", .version = T12, .cipher = "CAMELLIA256-SHA"},
    {.name = "1.2 no EMS", .version = T12, .cipher = "AES128-GCM-SHA256", .no_ems = true},
    {.name = "1.2 ticket", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256", .resume = true},
    {.name = "1.2 session id", .version = T12, .cipher = "ECDHE-RSA-AES128-SHA", .resume = true, .no_tickets = true},
    {.name = "1.2 client certificate", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256", .client_auth = true},
    {.name = "1.2 renegotiation", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256", .renegotiates = true},
    {.name = "1.2 renegotiation, CBC", .version = T12, .cipher = "AES128-SHA", .renegotiates = true, .no_etm = true},
    {.name = "1.2 small records", .version = T12, .cipher = "ECDHE-RSA-AES256-GCM-SHA384", .small = true},
    {.name = "1.1 CBC", .version = TLS1_1_VERSION, .cipher = "ECDHE-RSA-AES128-SHA"},
    {.name = "1.1 CBC, MtE", .version = TLS1_1_VERSION, .cipher = "AES256-SHA", .no_etm = true},
    {.name = "1.0 CBC", .version = TLS1_VERSION, .cipher = "AES128-SHA"},
    {.name = "1.0 CBC, MtE, no EMS", .version = TLS1_VERSION, .cipher = "AES128-SHA", .no_etm = true, .no_ems = true},
    {.name = "1.0 session id", .version = TLS1_VERSION, .cipher = "ECDHE-RSA-AES128-SHA", .resume = true, .no_tickets = true},
    {.name = "1.0 renegotiation", .version = TLS1_VERSION, .cipher = "AES128-SHA", .renegotiates = true},
};
/* clang-format on */

/* `piece` 0: as it was sent. */
static void feed(struct room *r, const struct peers_talk *t, size_t piece)
{
    struct guard g;
    guard_init(&g, 1 << 16);
    for (size_t i = 0; i < t->chunks_n; i++) {
        const struct peers_chunk *c = &t->chunks[i];
        size_t step = piece ? piece : 1 << 16;
        for (size_t at = 0; at < c->n; at += step) {
            size_t n = c->n - at < step ? c->n - at : step;
            room_push(r, (enum wst_dir)c->dir, guard_put(&g, t->wire.p + c->at + at, n).p, n);
        }
    }
    room_end(r);
    guard_free(&g);
}

static void check_said(const char *name, const struct room *r, const struct peers_talk *t,
                       enum wst_dir dir)
{
    size_t n;
    uint8_t *said = room_said(r, dir, &n);
    if (n != t->said[dir].n || memcmp(said, t->said[dir].p, n) != 0)
        fail_msg("%s, direction %d: %zu bytes, not %zu, or others; %s", name, dir, n,
                 t->said[dir].n, r->detail);
    free(said);
}

static void check_all(const char *name, const struct room *r, const struct peers_talk *t)
{
    check_said(name, r, t, WST_C2S);
    check_said(name, r, t, WST_S2C);
    if (room_losses(r)) fail_msg("%s: a loss", name);
    for (int i = 0; i < WST_PROBLEMS; i++)
        if (r->problems[i]) fail_msg("%s: %s", name, r->detail);
    assert_string_equal(r->tls.suite->name, t->cipher);
    assert_string_equal(r->tls.sni, "wss.test");
}

static void hold(struct peers_talk *talk, const struct peers_terms *terms, size_t piece)
{
    struct room r;
    room_init(&r);
    for (int i = 0; i <= terms->resume; i++) {
        room_again(&r);
        room_keys(&r, (const char *)talk[i].keylog.p);
        feed(&r, &talk[i], piece);
        check_all(terms->name, &r, &talk[i]);
        assert_string_equal(r.tls.alpn, terms->alpn ? terms->alpn : "");
        assert_int_equal(r.tls.version, terms->version);
    }
    room_free(&r);
}

static void read_whole_and_by_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        peers_talk(&all[i], talk);
        hold(talk, &all[i], 0);
        hold(talk, &all[i], 1);
        hold(talk, &all[i], 1460);
        for (int k = 0; k <= all[i].resume; k++) peers_free(&talk[k]);
    }
}

/* A log that has every second connection of a resumption only. */
/* A message may be split over records as its sender likes (RFC 8446 section 5.1): the same talks,
 * the hello of each side in records of `body` bytes. */
static void feed_split(struct room *r, const struct peers_talk *t, size_t body)
{
    bool begun[2] = {false, false};
    enum { HEAD = 5 };
    uint8_t record[HEAD + 64];
    for (size_t i = 0; i < t->chunks_n; i++) {
        const struct peers_chunk *c = &t->chunks[i];
        const uint8_t *p = t->wire.p + c->at;
        size_t first = begun[c->dir] ? 0 : HEAD + (size_t)wst_be16(p + 3);
        for (size_t at = HEAD; at < first; at += body) {
            size_t n = first - at < body ? first - at : body;
            memcpy(record, p, 3);
            record[3] = 0;
            record[4] = (uint8_t)n;
            memcpy(record + HEAD, p + at, n);
            room_push(r, (enum wst_dir)c->dir, record, HEAD + n);
        }
        begun[c->dir] = true;
        if (c->n > first) room_push(r, (enum wst_dir)c->dir, p + first, c->n - first);
    }
    room_end(r);
}

static void split_hellos(void **state)
{
    static const struct peers_terms terms[] = {
        {.name = "1.3 split", .version = T13, .cipher = "TLS_AES_128_GCM_SHA256"},
        {.name = "1.2 split", .version = T12, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"},
    };
    static const size_t bodies[] = {1, 2, 3, 4, 5, 37, 64};
    (void)state;
    for (size_t i = 0; i < ARRAY(terms); i++) {
        struct peers_talk talk[2];
        peers_talk(&terms[i], talk);
        for (size_t k = 0; k < ARRAY(bodies); k++) {
            struct room r;
            room_init(&r);
            room_keys(&r, (const char *)talk[0].keylog.p);
            feed_split(&r, &talk[0], bodies[k]);
            check_all(terms[i].name, &r, &talk[0]);
            room_free(&r);
        }
        peers_free(&talk[0]);
    }
}

static void resumed_without_its_line(void **state)
{
    static const struct peers_terms terms[] = {
        {.name = "ticket", .version = T12, .cipher = "AES128-GCM-SHA256", .resume = true},
        {.name = "session id",
         .version = T12,
         .cipher = "AES128-GCM-SHA256",
         .resume = true,
         .no_tickets = true},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(terms); i++) {
        struct peers_talk talk[2];
        struct room r;
        peers_talk(&terms[i], talk);
        room_init(&r);
        room_keys(&r, (const char *)talk[0].keylog.p);
        feed(&r, &talk[0], 0);
        check_all(terms[i].name, &r, &talk[0]);
        room_again(&r);
        feed(&r, &talk[1], 1);
        check_all(terms[i].name, &r, &talk[1]);
        assert_non_null(strstr(r.secrets, "CLIENT_RANDOM "));
        room_free(&r);
        peers_free(&talk[0]);
        peers_free(&talk[1]);
    }
}

/* -- other secrets ----------------------------------------------------------------------------- */

/* The lines that begin with `label`. */
static char *lines_with(const struct peers_talk *t, const char *label)
{
    char *to = calloc(1, t->keylog.n + 1);
    assert_non_null(to);
    for (const char *line = (const char *)t->keylog.p; *line; line = strchr(line, '\n') + 1)
        if (strncmp(line, label, strlen(label)) == 0)
            strncat(to, line, (size_t)(strchr(line, '\n') + 1 - line));
    return to;
}

static void talk_with_lines(const struct peers_terms *terms, const char *label, bool c2s, bool s2c)
{
    struct peers_talk talk[2];
    struct room r;
    size_t n;
    peers_talk(terms, talk);
    char *lines = lines_with(&talk[0], label);
    assert_true(lines[0]);
    room_init(&r);
    room_keys(&r, lines);
    feed(&r, &talk[0], 0);
    if (c2s && s2c) check_all(label, &r, &talk[0]);
    if (c2s) check_said(label, &r, &talk[0], WST_C2S);
    if (s2c) check_said(label, &r, &talk[0], WST_S2C);
    free(room_said(&r, c2s ? WST_S2C : WST_C2S, &n));
    if (c2s != s2c) assert_int_equal(n, 0);
    free(lines);
    room_free(&r);
    peers_free(&talk[0]);
}

static void fewer_secrets(void **state)
{
    static const struct peers_terms new = {.name = "",
                                           .version = T13,
                                           .cipher = AES128,
                                           .updates = true},
                                    old = {.name = "", .version = T12, .cipher = "AES128-SHA256"};
    (void)state;
    talk_with_lines(&new, "CLIENT_TRAFFIC", true, false);
    talk_with_lines(&new, "SERVER_TRAFFIC", false, true);
    talk_with_lines(&old, "RSA ", true, true); /* the premaster secret of NSS */
    talk_with_lines(&old, "CLIENT_RANDOM ", true, true);
}

/* Application secrets alone, as some libraries log them. */
static void no_handshake_secrets(void **state)
{
    static const struct peers_terms terms = {
        .name = "application secrets", .version = T13, .cipher = AES128, .client_auth = true};
    struct peers_talk talk[2];
    struct room r;
    (void)state;
    peers_talk(&terms, talk);
    char *client = lines_with(&talk[0], "CLIENT_TRAFFIC"),
         *server = lines_with(&talk[0], "SERVER_TRAFFIC");
    room_init(&r);
    room_keys(&r, client);
    room_keys(&r, server);
    feed(&r, &talk[0], 1);
    check_all(terms.name, &r, &talk[0]);
    free(client);
    free(server);
    room_free(&r);
    peers_free(&talk[0]);
}

/* All of the server's behind the first that the client sent, and then the rest of the client's. */
static void feed_server_early(struct room *r, const struct peers_talk *talk)
{
    for (int turn = 0; turn < 3; turn++)
        for (size_t c = 0, of_client = 0; c < talk->chunks_n; c++) {
            const struct peers_chunk *k = &talk->chunks[c];
            int its = k->dir == WST_S2C ? 1 : of_client++ ? 2 : 0;
            if (its == turn) room_push(r, (enum wst_dir)k->dir, talk->wire.p + k->at, k->n);
        }
    room_end(r);
}

static void rsa_key(void **state)
{
    static const struct peers_terms terms[] = {
        {.name = "RSA key", .version = T12, .cipher = "AES128-GCM-SHA256"},
        {.name = "RSA key, no EMS", .version = T12, .cipher = "AES256-SHA256", .no_ems = true},
        {.name = "RSA key, SHA-384", .version = T12, .cipher = "AES256-GCM-SHA384"},
        {.name = "RSA key, client certificate",
         .version = T12,
         .cipher = "AES128-SHA",
         .client_auth = true},
        {.name = "RSA key, renegotiation",
         .version = T12,
         .cipher = "AES128-SHA",
         .renegotiates = true},
        {.name = "RSA key, TLS 1.1", .version = TLS1_1_VERSION, .cipher = "AES128-SHA"},
        {.name = "RSA key, TLS 1.0",
         .version = TLS1_VERSION,
         .cipher = "AES128-SHA",
         .no_ems = true},
        {.name = "RSA key, resumption", .version = T12, .cipher = "AES128-SHA", .resume = true},
        {.name = "RSA key, small records", .version = T12, .cipher = "AES128-SHA", .small = true},
    };
    char *pem = peers_rsa_pem();
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY(terms); i++) {
        const struct peers_terms *of = &terms[i / 2];
        struct peers_talk talk[2];
        struct room r;
        peers_talk(of, talk);
        room_init(&r);
        assert_true(wst_tls_rsa_key(&r.env, (struct wst_slice){(uint8_t *)pem, strlen(pem)}));
        for (int k = 0; k <= of->resume; k++) {
            room_again(&r);
            if (i % 2)
                feed_server_early(&r, &talk[k]);
            else
                feed(&r, &talk[k], 1460);
            check_all(of->name, &r, &talk[k]);
            assert_non_null(
                strstr(r.secrets, "CLIENT_RANDOM ")); /* that opens it for others, too */
            peers_free(&talk[k]);
        }
        room_free(&r);
    }
    free(pem);
}

static void rsa_key_of_somebody_else(void **state)
{
    static const struct peers_terms terms = {.name = "", .version = T12, .cipher = "AES128-SHA"};
    struct peers_talk talk[2];
    struct room r;
    (void)state;
    char *pem = peers_rsa_pem();
    peers_end();
    peers_talk(&terms, talk);
    room_init(&r);
    assert_true(wst_tls_rsa_key(&r.env, (struct wst_slice){(uint8_t *)pem, strlen(pem)}));
    assert_false(wst_tls_rsa_key(&r.env, (struct wst_slice){(uint8_t *)pem, strlen(pem) / 2}));
    feed(&r, &talk[0], 0);
    assert_int_equal(r.pieces_n, 0);
    assert_int_equal(r.sealed, 1);
    room_free(&r);
    peers_free(&talk[0]);
    free(pem);
}

/* -- no secrets -------------------------------------------------------------------------------- */

static const struct peers_terms closed[] = {
    {.name = "TLS 1.3; " AES128, .version = T13, .cipher = AES128},
    {.name = "TLS 1.3; " AES128, .version = T13, .cipher = AES128, .retry = true},
    {.name = "TLS 1.2; TLS_RSA_WITH_AES_128_GCM_SHA256",
     .version = T12,
     .cipher = "AES128-GCM-SHA256"},
    {.name = "TLS 1.0; TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
     .version = TLS1_VERSION,
     .cipher = "ECDHE-RSA-AES128-SHA"},
};

static void check_note(const struct room *r, const struct peers_talk *t, const char *terms)
{
    char *line = lines_with(t, "CLIENT_"), random[65] = "";
    memcpy(random, strchr(line, ' ') + 1, 64);
    if (!strstr(r->detail, random) || !strstr(r->detail, "server name wss.test") ||
        !strstr(r->detail, terms))
        fail_msg("%s", r->detail);
    free(line);
}

static void no_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(closed); i++) {
        struct peers_talk talk[2];
        peers_talk(&closed[i], talk);
        for (size_t piece = 0; piece < 2; piece++) {
            struct room r;
            room_init(&r);
            feed(&r, &talk[0], piece);
            assert_int_equal(r.pieces_n, 0);
            assert_int_equal(r.problems[WST_PROBLEM_TLS_NO_KEY], 1);
            assert_int_equal(r.sealed, 1);
            check_note(&r, &talk[0], closed[i].name);
            room_free(&r);
        }
        peers_free(&talk[0]);
    }
}

static void wrong_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(closed); i++) {
        struct peers_talk talk[2];
        struct room r;
        peers_talk(&closed[i], talk);
        char *lines = (char *)talk[0].keylog.p;
        for (char *end = strchr(lines, '\n'); end; end = strchr(end + 1, '\n'))
            end[-1] = end[-1] == '0' ? '1' : '0';
        room_init(&r);
        room_keys(&r, lines);
        feed(&r, &talk[0], 0);
        assert_int_equal(r.pieces_n, 0);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_WRONG_KEY], 1);
        assert_int_equal(r.sealed, 1);
        check_note(&r, &talk[0], closed[i].name);
        room_free(&r);
        peers_free(&talk[0]);
    }
}

/* RFC 8446 section 4.1.4: one is all there may be. Endless ones would cost memory and certainty. */
static void one_retry(void **state)
{
    static const struct peers_terms terms = {
        .name = "", .version = T13, .cipher = AES128, .retry = true};
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&terms, talk);
    for (int again = 0; again < 2; again++) {
        const struct peers_talk *t = &talk[0];
        struct room r;
        room_init(&r);
        room_keys(&r, (const char *)t->keylog.p);
        for (size_t k = 0; k < t->chunks_n; k++) {
            const struct peers_chunk *c = &t->chunks[k];
            assert_true(k > 1 || c->dir == (k ? WST_S2C : WST_C2S));
            room_push(&r, (enum wst_dir)c->dir, t->wire.p + c->at, c->n);
            if (k != 1 || !again) continue;
            for (size_t i = 0; i < 2; i++) /* the same hello, the same answer */
                room_push(&r, i ? WST_S2C : WST_C2S, t->wire.p + t->chunks[i].at, t->chunks[i].n);
        }
        room_end(&r);
        assert_int_equal(r.sealed, again);
        assert_true(again == (r.pieces_n == 0));
        if (again) assert_non_null(strstr(r.detail, "a second HelloRetryRequest; server name"));
        room_free(&r);
    }
    peers_free(&talk[0]);
}

/* -- later secrets ----------------------------------------------------------------------------- */

static void late_keys(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        struct room r;
        if (all[i].resume) continue;
        peers_talk(&all[i], talk);
        room_init(&r);
        r.env.keys_may_come = true;
        for (size_t k = 0; k < talk[0].chunks_n; k++) {
            const struct peers_chunk *c = &talk[0].chunks[k];
            room_push(&r, (enum wst_dir)c->dir, talk[0].wire.p + c->at, c->n);
        }
        assert_int_equal(r.pieces_n, 0);
        room_arrive(&r);
        for (char *line = (char *)talk[0].keylog.p, *end; *line; line = end + 1) { /* one by one */
            end = strchr(line, '\n');
            wst_keylog_push(r.env.keylog,
                            (struct wst_slice){(uint8_t *)line, (size_t)(end + 1 - line)}, false);
            wst_tls_wake(&r.tls, &r.env, &r.arrival);
        }
        check_all(all[i].name, &r, &talk[0]);
        for (size_t k = 0; k < r.pieces_n; k++)
            assert_int_equal(r.pieces[k].pkt, r.arrival.when.pkt); /* nothing goes back in time */
        room_end(&r);
        room_free(&r);
        peers_free(&talk[0]);
    }
}

static void waiting_has_an_end(void **state)
{
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&all[0], talk);
    for (int how = 0; how < 2; how++) {
        struct room r;
        room_init(&r);
        r.env.keys_may_come = true;
        if (how == 0) r.options.limits.tls_wait = 8192;
        size_t most = 0;
        for (size_t k = 0; k < talk[0].chunks_n; k++) {
            const struct peers_chunk *c = &talk[0].chunks[k];
            if (how == 1) r.arrival.when.ns += r.options.limits.tls_wait_ns / 4;
            room_push(&r, (enum wst_dir)c->dir, talk[0].wire.p + c->at, c->n);
            if (r.tls.wait.n > most) most = r.tls.wait.n;
        }
        assert_true(most > 0 && most <= r.options.limits.tls_wait);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_NO_KEY], 1);
        assert_non_null(strstr(r.detail, how ? "for too long" : "more arrived than may wait"));
        room_keys(&r, (const char *)talk[0].keylog.p); /* too late */
        wst_tls_wake(&r.tls, &r.env, &r.arrival);
        room_end(&r);
        assert_int_equal(r.pieces_n, 0);
        assert_int_equal(r.sealed, 1);
        room_free(&r);
    }
    peers_free(&talk[0]);
}

/* Only one direction is in the capture: the other is not waited for long. */
static void one_direction(void **state)
{
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&all[0], talk);
    for (int dir = 0; dir < 2; dir++)
        for (int keys = 0; keys < 2; keys++) {
            struct room r;
            room_init(&r);
            if (keys) room_keys(&r, (const char *)talk[0].keylog.p);
            size_t most = 0;
            for (size_t k = 0; k < talk[0].chunks_n; k++) {
                const struct peers_chunk *c = &talk[0].chunks[k];
                if (c->dir == dir) room_push(&r, (enum wst_dir)dir, talk[0].wire.p + c->at, c->n);
                if (r.tls.wait.n > most) most = r.tls.wait.n;
            }
            assert_true(keys || most <= WST_TLS_NOTE_WAIT);
            room_end(&r);
            assert_int_equal(r.pieces_n, 0);
            assert_int_equal(r.problems[WST_PROBLEM_TLS_NO_KEY], 1);
            assert_non_null(strstr(r.detail, dir ? "the ClientHello is not in the capture"
                                                 : "the ServerHello is not in the capture"));
            room_free(&r);
        }
    peers_free(&talk[0]);
}

static void give_keys(struct room *r)
{
    room_keys(r, r->user);
}

/* Secrets that stand behind the packets are asked for once. */
static void wanted_once(void **state)
{
    struct peers_talk talk[2];
    struct room r;
    (void)state;
    peers_talk(&all[0], talk);
    room_init(&r);
    r.env.wanted = room_wanted;
    r.on_wanted = give_keys;
    r.user = talk[0].keylog.p;
    feed(&r, &talk[0], 1);
    check_all("wanted", &r, &talk[0]);
    room_again(&r);
    feed(&r, &talk[0], 0);
    check_all("wanted", &r, &talk[0]);
    assert_int_equal(r.wanted, 1);
    room_free(&r);
    peers_free(&talk[0]);
}

/* A hole may hold up what one side sent: the other's part of a renegotiation waits for it, also
 * where its records come in pieces of `step` bytes. */
static void one_held_up(enum wst_dir dir, size_t step)
{
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        struct room r;
        if (!all[i].renegotiates || all[i].resume) continue;
        peers_talk(&all[i], talk);
        room_init(&r);
        room_keys(&r, (const char *)talk[0].keylog.p);
        bool held[ARRAY(talk[0].chunks)] = {false};
        for (int late = 0; late < 2; late++)
            for (size_t c = 0; c < talk[0].chunks_n; c++) {
                const struct peers_chunk *k = &talk[0].chunks[c];
                if (late) {
                    if (!held[c]) continue;
                } else if (k->dir == dir && r.tls.side[dir].opened) {
                    held[c] = true;
                    continue;
                }
                for (size_t at = 0, n; at < k->n; at += n) {
                    n = k->n - at < step ? k->n - at : step;
                    room_push(&r, (enum wst_dir)k->dir, talk[0].wire.p + k->at + at, n);
                }
            }
        room_end(&r);
        check_all(all[i].name, &r, &talk[0]);
        room_free(&r);
        peers_free(&talk[0]);
    }
}

static void one_side_held_up(void **state)
{
    (void)state;
    one_held_up(WST_S2C, SIZE_MAX);
    one_held_up(WST_S2C, 7);
    one_held_up(WST_C2S, SIZE_MAX);
    one_held_up(WST_C2S, 7);
}

static uint64_t lost_of_client(const struct room *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < r->pieces_n; i++)
        if (r->pieces[i].lost && r->pieces[i].dir == WST_C2S) n += r->pieces[i].n;
    return n;
}

/* It never comes: whoever waits no longer for it has lost no less than who waited to the end. */
static void server_gone(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        uint64_t lost[2];
        if (!all[i].renegotiates || all[i].resume) continue;
        peers_talk(&all[i], talk);
        for (int patient = 0; patient < 2; patient++) {
            struct room r;
            room_init(&r);
            if (!patient) r.options.limits.tls_wait = 64;
            room_keys(&r, (const char *)talk[0].keylog.p);
            for (size_t c = 0; c < talk[0].chunks_n; c++) {
                const struct peers_chunk *k = &talk[0].chunks[c];
                if (k->dir == WST_S2C && r.tls.side[WST_S2C].opened) continue;
                room_push(&r, (enum wst_dir)k->dir, talk[0].wire.p + k->at, k->n);
            }
            room_end(&r);
            lost[patient] = lost_of_client(&r);
            room_free(&r);
        }
        if (lost[0] < lost[1]) print_message("%s\n", all[i].name);
        assert_true(lost[0] >= lost[1] && lost[1] > 0);
        peers_free(&talk[0]);
    }
}

/* Secrets may be scattered over a file: one direction's alone is a reason to look for the other's.
 */
static void half_the_secrets_wanted(void **state)
{
    static const char label[] = "SERVER_TRAFFIC_SECRET_0";
    struct peers_talk talk[2];
    struct room r;
    (void)state;
    peers_talk(&all[0], talk);
    char *keys = strdup((const char *)talk[0].keylog.p), *line = strstr(keys, label);
    assert_non_null(line);
    *line = '#';
    room_init(&r);
    room_keys(&r, keys);
    r.env.wanted = room_wanted;
    r.on_wanted = give_keys;
    r.user = talk[0].keylog.p;
    feed(&r, &talk[0], 1);
    check_all("half", &r, &talk[0]);
    assert_int_equal(r.wanted, 1);
    room_free(&r);
    peers_free(&talk[0]);
    free(keys);
}

/* What embeds secrets gets those of the connection, and they open it. */
static void secrets_are_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(all); i++) {
        struct peers_talk talk[2];
        struct room r;
        if (all[i].resume) continue;
        peers_talk(&all[i], talk);
        room_init(&r);
        room_keys(&r, (const char *)talk[0].keylog.p);
        room_keys(&r,
                  "CLIENT_RANDOM 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f "
                  "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627"
                  "28292a2b2c2d2e2f\n");
        feed(&r, &talk[0], 0);
        assert_null(strstr(r.secrets, "000102030405"));
        char *secrets = strdup(r.secrets);
        room_free(&r);
        room_init(&r);
        room_keys(&r, secrets);
        feed(&r, &talk[0], 0);
        check_all(all[i].name, &r, &talk[0]);
        free(secrets);
        room_free(&r);
        peers_free(&talk[0]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(read_whole_and_by_the_byte),
        cmocka_unit_test(split_hellos),
        cmocka_unit_test(resumed_without_its_line),
        cmocka_unit_test(fewer_secrets),
        cmocka_unit_test(no_handshake_secrets),
        cmocka_unit_test(rsa_key),
        cmocka_unit_test(rsa_key_of_somebody_else),
        cmocka_unit_test(no_key),
        cmocka_unit_test(wrong_key),
        cmocka_unit_test(one_retry),
        cmocka_unit_test(late_keys),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(one_direction),
        cmocka_unit_test(wanted_once),
        cmocka_unit_test(half_the_secrets_wanted),
        cmocka_unit_test(server_gone),
        cmocka_unit_test(one_side_held_up),
        cmocka_unit_test(secrets_are_enough),
    };
    return cmocka_run_group_tests(tests, NULL, peers_teardown);
}

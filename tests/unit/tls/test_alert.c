/* SPDX-License-Identifier: MIT
 *
 * Handshakes that fail, as OpenSSL, Node and nginx wrote them: who ended them, and why; no word of
 * a key. And what answers a ClientHello without being TLS.
 */
#include "guard.h"
#include "peers.h"
#include "room.h"

/* A ClientHello of TLS 1.2, as short as it may be; a ServerHello of TLS 1.2, and of 1.3. */
#define RANDOM "0123456789abcdef0123456789abcdef"
#define CLIENT "\x16\3\1\0\x2d\1\0\0\x29\3\3" RANDOM "\0\0\2\xc0\x2f\1\0"
#define SERVER12 "\x16\3\3\0\x2a\2\0\0\x26\3\3" RANDOM "\0\xc0\x2f\0"
#define SERVER13 "\x16\3\3\0\x32\2\0\0\x2e\3\3" RANDOM "\0\x13\1\0\0\6\0\x2b\0\2\3\4"
#define CHANGE "\x14\3\3\0\1\1"
#define SEALED19     \
    "\x17\3\3\0\x13" \
    "0123456789abcdefghi"
#define SEALED53     \
    "\x17\3\3\0\x35" \
    "0123456789012345678901234567890123456789012345678901\1"

#define SEALED25     \
    "\x17\3\3\0\x19" \
    "0123456789012345678901234"

struct said {
    const char *bytes;
    size_t n;
    enum wst_dir dir;
};
#define C(s)                      \
    {                             \
        s, sizeof(s) - 1, WST_C2S \
    }
#define S(s)                      \
    {                             \
        s, sizeof(s) - 1, WST_S2C \
    }

static const struct row {
    const char *name;
    struct said said[7];
    enum wst_problem problem;
    const char *words;
} rows[] = {
    {"the server knows no such name",
     {C(CLIENT), S("\x15\3\3\0\2\2\x70")},
     WST_PROBLEM_TLS_ALERT,
     "the server ended the handshake with alert 112 unrecognized_name"},
    {"… nor such a version",
     {C(CLIENT), S("\x15\3\1\0\2\2\x46")},
     WST_PROBLEM_TLS_ALERT,
     "the server ended the handshake with alert 70 protocol_version"},
    {"TLS 1.2: the client does not trust the signer",
     {C(CLIENT), S(SERVER12), C("\x15\3\3\0\2\2\x30")},
     WST_PROBLEM_TLS_ALERT,
     "the client ended the handshake with alert 48 unknown_ca"},
    {"TLS 1.3: the same, in clear",
     {C(CLIENT), S(SERVER13), C("\x15\3\3\0\2\2\x30")},
     WST_PROBLEM_TLS_ALERT,
     "the client ended the handshake with alert 48 unknown_ca"},
    {"TLS 1.3: sealed, and of an alert's size",
     {C(CLIENT), S(SERVER13), C(CHANGE), C(SEALED19)},
     WST_PROBLEM_TLS_ALERT,
     "the client ended the handshake with an alert behind"},
    {"TLS 1.2: the server refuses what came behind the client's change",
     {C(CLIENT), S(SERVER12), C(CHANGE), S("\x15\3\3\0\2\2\x33")},
     WST_PROBLEM_TLS_ALERT,
     "the server ended the handshake with alert 51 decrypt_error"},
    {"an alert of a number that nobody knows",
     {C(CLIENT), S("\x15\3\3\0\2\2\xc8")},
     WST_PROBLEM_TLS_ALERT,
     "the server ended the handshake with alert 200;"},
    {"TLS 1.3: Finished is no alert",
     {C(CLIENT), S(SERVER13), C(CHANGE), C(SEALED53)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"TLS 1.3: the client has no certificate, and the server says two bytes to that",
     {C(CLIENT), S(SERVER13), S(SEALED53), C(SEALED25), C(SEALED53), S(SEALED19)},
     WST_PROBLEM_TLS_ALERT,
     "the server seems to have asked for a certificate, and all that it said to the client's "
     "answer "
     "is a record as small as an alert"},
    {"TLS 1.3: the same of a client that was not asked: its request, and close_notify",
     {C(CLIENT), S(SERVER13), S(SEALED53), C(SEALED53), C(SEALED25), S(SEALED19)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"TLS 1.3: the server goes on",
     {C(CLIENT), S(SERVER13), C(SEALED25), C(SEALED53), S(SEALED53), S(SEALED19)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"TLS 1.3: behind two bytes, too",
     {C(CLIENT), S(SERVER13), C(SEALED25), C(SEALED53), S(SEALED19), S(SEALED53)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"TLS 1.3: the client alone ends what it was asked in",
     {C(CLIENT), S(SERVER13), C(SEALED25), C(SEALED53), C(SEALED19)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"TLS 1.2: a handshake that is through",
     {C(CLIENT), S(SERVER12), C(CHANGE), S(CHANGE)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"a warning ends nothing",
     {C(CLIENT), S("\x15\3\3\0\2\1\x70"), S(SERVER12), S(CHANGE)},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"nor does close_notify",
     {C(CLIENT), S(SERVER12), C("\x15\3\3\0\2\1\0")},
     WST_PROBLEM_TLS_NO_KEY,
     "no key;"},
    {"a hello whose session id is longer than it",
     {C("\x16\3\1\0\x2d\1\0\0\x29\3\3" RANDOM "\xff\0\2\xc0\x2f\1\0"), S(SERVER12)},
     WST_PROBLEM_TLS_NO_KEY,
     "a ClientHello that cannot be read"},
    {"HTTP",
     {C(CLIENT), S("HTTP/1.1 400 Bad Request\r\n\r\n")},
     WST_PROBLEM_TLS_PLAINTEXT,
     "the server answers in HTTP, not in TLS;"},
    {"something else",
     {C(CLIENT), S("220 mail.example\r\n")},
     WST_PROBLEM_TLS_PLAINTEXT,
     "the server does not answer in TLS;"},
};

static void play(const struct row *row, size_t piece)
{
    static struct room room, *r = &room;
    room_init(r);
    for (size_t i = 0; i < ARRAY(row->said) && row->said[i].n; i++)
        for (size_t at = 0, n; at < row->said[i].n; at += n) {
            n = row->said[i].n - at < piece ? row->said[i].n - at : piece;
            room_push(r, row->said[i].dir, row->said[i].bytes + at, n);
        }
    room_end(r);
    unsigned all = 0;
    for (int p = 0; p < WST_PROBLEMS; p++) all += r->problems[p];
    if (all != 1 || r->problems[row->problem] != 1 ||
        strncmp(r->detail, row->words, strlen(row->words)))
        fail_msg("%s, %zu bytes at a time: %u findings, \"%s\"", row->name, piece, all, r->detail);
    room_free(r);
}

static void alerts(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        play(&rows[i], 1000);
        play(&rows[i], 1);
    }
}

/* What ended, as far as the keys tell that have opened something: h those of the handshake, a those
 * behind it, '-' none, the client's first. */
static void when(void **state)
{
    static const struct {
        int version;
        const char *keys;
        bool midst, holed; /* the other side's bytes */
        enum wst_dir by;
        bool handshake;
    } turns[] = {
        {WST_TLS_1_3, "hh", 0, 0, WST_C2S, true},  {WST_TLS_1_3, "aa", 0, 0, WST_C2S, false},
        {WST_TLS_1_3, "ah", 0, 0, WST_C2S, false}, {WST_TLS_1_3, "a-", 0, 0, WST_C2S, false},
        {WST_TLS_1_3, "ha", 0, 0, WST_S2C, true},  {WST_TLS_1_3, "ah", 0, 0, WST_S2C, true},
        {WST_TLS_1_3, "aa", 0, 0, WST_S2C, false}, {WST_TLS_1_3, "-a", 1, 0, WST_S2C, false},
        {WST_TLS_1_3, "-a", 0, 1, WST_S2C, false}, {WST_TLS_1_2, "a-", 0, 0, WST_C2S, true},
        {WST_TLS_1_2, "a-", 0, 0, WST_S2C, true},  {WST_TLS_1_2, "a-", 1, 0, WST_C2S, false},
        {WST_TLS_1_2, "a-", 0, 1, WST_C2S, false}, {WST_TLS_1_2, "aa", 0, 0, WST_C2S, false},
    };
    static struct room room, *r = &room;
    struct wst_tls_keys hand = {.application = false}, application = {.application = true};
    (void)state;
    for (size_t i = 0; i < ARRAY(turns); i++) {
        room_init(r);
        r->tls.version = (uint16_t)turns[i].version;
        r->tls.midst = turns[i].midst;
        r->tls.side[!turns[i].by].holed = turns[i].holed;
        for (int d = 0; d < 2; d++)
            r->tls.side[d].now = turns[i].keys[d] == 'h'   ? &hand
                                 : turns[i].keys[d] == 'a' ? &application
                                                           : NULL;
        struct wst_tls_step s = {&r->tls, &r->env, turns[i].by, &r->arrival};
        wst_tls_alert(&s, wst_slice_of("\2\x14", 2));
        if (!strstr(r->detail, "handshake with") != !turns[i].handshake)
            fail_msg("turn %zu: %s", i, r->detail);
        r->tls.side[0].now = r->tls.side[1].now = NULL;
        room_free(r);
    }
}

/* OpenSSL 3 answers an end of TCP that no close_notify announced (RFC 8446 section 6.1) with
 * decode_error. */
static void left(void **state)
{
    static const struct {
        bool finished, notified, opened, holed;
        const char *words;
    } ends[] = {
        {1, 0, 1, 0,
         "alert 50 decode_error; the client had ended TCP before, without close_notify"},
        {1, 1, 1, 0, "alert 50 decode_error; the client had ended TCP before"},
        {1, 0, 1, 1, "alert 50 decode_error; the client had ended TCP before"},
        {1, 0, 0, 0, "alert 50 decode_error; the client had ended TCP before"},
        {0, 0, 1, 0, "alert 50 decode_error"},
    };
    static struct room room, *r = &room;
    struct wst_tls_keys application = {.application = true};
    (void)state;
    for (size_t i = 0; i < ARRAY(ends); i++) {
        room_init(r);
        r->tls.version = WST_TLS_1_3;
        struct wst_tls_side *client = &r->tls.side[WST_C2S];
        client->now = r->tls.side[WST_S2C].now = &application;
        client->opened = ends[i].opened;
        client->holed = ends[i].holed;
        if (ends[i].notified) {
            struct wst_tls_step s = {&r->tls, &r->env, WST_C2S, &r->arrival};
            wst_tls_alert(&s, wst_slice_of("\1\0", 2));
        }
        client->finished = ends[i].finished;
        struct wst_tls_step s = {&r->tls, &r->env, WST_S2C, &r->arrival};
        wst_tls_alert(&s, wst_slice_of("\2\x32", 2));
        const char *at = strstr(r->detail, "alert 50");
        size_t n = strlen(ends[i].words);
        if (!at || strncmp(at, ends[i].words, n) || (at[n] && strncmp(at + n, "; TLS", 5)))
            fail_msg("row %zu: %s", i, r->detail);
        client->now = r->tls.side[WST_S2C].now = NULL;
        room_free(r);
    }
}

/* A server that got another last record than was captured: it says so under the connection's keys.
 */
static void opened(void **state)
{
    static const struct peers_terms terms[] = {
        {.version = TLS1_3_VERSION, .cipher = "TLS_AES_128_GCM_SHA256"},
        {.version = TLS1_2_VERSION, .cipher = "ECDHE-RSA-AES128-GCM-SHA256"},
        {.version = TLS1_VERSION, .cipher = "ECDHE-RSA-AES128-SHA"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(terms); i++) {
        struct peers_terms spoilt = terms[i];
        struct peers_talk talk[2];
        struct room r;
        size_t n;
        spoilt.spoilt = spoilt.dull = true;
        peers_talk(&spoilt, talk);
        room_init(&r);
        room_keys(&r, (const char *)talk[0].keylog.p);
        for (size_t k = 0; k < talk[0].chunks_n; k++) {
            const struct peers_chunk *c = &talk[0].chunks[k];
            room_push(&r, (enum wst_dir)c->dir, talk[0].wire.p + c->at, c->n);
        }
        room_end(&r);
        assert_int_equal(r.problems[WST_PROBLEM_TLS_ALERT], 1);
        assert_non_null(strstr(r.detail, "the server ended the connection with alert 20 "
                                         "bad_record_mac"));
        for (int d = 0; d < 2; d++) {
            uint8_t *said = room_said(&r, (enum wst_dir)d, &n);
            assert_int_equal(n, talk[0].said[d].n);
            free(said);
        }
        room_free(&r);
        peers_free(&talk[0]);
    }
}

/* Who goes in the midst of the handshake, and what was said last; nothing where it may have been
 * through, or where nobody saw all of it. */
#define CERTIFICATE12 "\x16\3\3\0\x0a\x0b\0\0\2\0\0\x0e\0\0\0"
#define EXCHANGE12 "\x16\3\3\0\5\x10\0\0\1\0"
#define RETRY13                                                                                    \
    "\x16\3\3\0\x32\2\0\0\x2e\3\3\xcf\x21\xad\x74\xe5\x9a\x61\x11\xbe\x1d\x8c\x02\x1e\x65\xb8"     \
    "\x91\xc2\xa2\x11\x16\x7a\xbb\x8c\x5e\x07\x9e\x09\xe2\xc8\xa8\x33\x9c\0\x13\1\0\0\6\0\x2b\0\2" \
    "\3\4"
static const struct {
    const char *name;
    struct said said[7];
    enum wst_dir left;
    bool reset, key;   /* one is awaited: the key log grows */
    const char *words; /* NULL: it is not told */
} leavings[] = {
    {"the client, unanswered",
     {C(CLIENT)},
     WST_C2S,
     false,
     false,
     "the client closed the connection during the handshake, behind the client's ClientHello, and "
     "no alert says why;"},
    {"the server has no answer",
     {C(CLIENT)},
     WST_S2C,
     true,
     false,
     "the server reset the connection during the handshake, behind the client's ClientHello, and "
     "no alert says why;"},
    {"TLS 1.2: the client, behind the certificate",
     {C(CLIENT), S(SERVER12), S(CERTIFICATE12)},
     WST_C2S,
     false,
     false,
     "the client closed the connection during the handshake, behind the server's ServerHelloDone, "
     "and no alert says why: it may not accept the certificate"},
    {"TLS 1.2: the server, behind the client's key exchange",
     {C(CLIENT), S(SERVER12), S(CERTIFICATE12), C(EXCHANGE12), C(CHANGE)},
     WST_S2C,
     false,
     false,
     "the server closed the connection during the handshake, behind the client's "
     "change_cipher_spec, and no alert says why;"},
    {"TLS 1.3: the client, behind all that the server said",
     {C(CLIENT), S(SERVER13), S(CHANGE), S(SEALED53), C(CHANGE)},
     WST_C2S,
     true,
     false,
     "the client reset the connection during the handshake, behind the server's ServerHello and "
     "what it sealed, and no alert says why: it may not accept the certificate"},
    {"TLS 1.3: the same, while a key is awaited",
     {C(CLIENT), S(SERVER13), S(CHANGE), S(SEALED53), C(CHANGE)},
     WST_C2S,
     true,
     true,
     "the client reset the connection during the handshake, behind the server's ServerHello and "
     "what it sealed, and no alert says why: it may not accept the certificate"},
    {"TLS 1.3: the client, asked for another hello",
     {C(CLIENT), S(RETRY13)},
     WST_C2S,
     false,
     false,
     "the client closed the connection during the handshake, behind the server's "
     "HelloRetryRequest, and no alert says why;"},
    {"TLS 1.3: Finished",
     {C(CLIENT), S(SERVER13), S(SEALED53), C(SEALED53)},
     WST_C2S,
     false,
     false,
     NULL},
    {"TLS 1.2: both have changed",
     {C(CLIENT), S(SERVER12), C(CHANGE), S(CHANGE)},
     WST_C2S,
     false,
     false,
     NULL},
    {"nobody knows who left",
     {C(CLIENT), S(SERVER13), S(SEALED53)},
     WST_DIR_NONE,
     false,
     false,
     NULL},
    {"the ClientHello is not in the capture",
     {S(SERVER13), S(SEALED53)},
     WST_C2S,
     false,
     false,
     NULL},
    {"an alert says why",
     {C(CLIENT), S(SERVER12), C("\x15\3\3\0\2\2\x30")},
     WST_C2S,
     false,
     false,
     NULL},
};

static void play_leaving(size_t i, size_t piece)
{
    static struct room room, *r = &room;
    room_init(r);
    r->env.keys_may_come = leavings[i].key;
    for (size_t k = 0; k < ARRAY(leavings[i].said) && leavings[i].said[k].n; k++)
        for (size_t at = 0, n; at < leavings[i].said[k].n; at += n) {
            n = leavings[i].said[k].n - at;
            if (n > piece) n = piece;
            room_push(r, leavings[i].said[k].dir, leavings[i].said[k].bytes + at, n);
        }
    r->left = leavings[i].left;
    r->reset = leavings[i].reset;
    room_end(r);
    const char *words = leavings[i].words;
    if (r->problems[WST_PROBLEM_TLS_UNFINISHED] != (words != NULL) ||
        (words &&
         (strncmp(r->detail, words, strlen(words)) || r->problems[WST_PROBLEM_TLS_NO_KEY])))
        fail_msg("%s, %zu bytes at a time: \"%s\"", leavings[i].name, piece, r->detail);
    room_free(r);
}

static void leaves(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY(leavings); i++) {
        play_leaving(i, 1000);
        play_leaving(i, 1);
    }
}

/* What a hole hides may have finished it. */
static void left_holed(void **state)
{
    static struct room room, *r = &room;
    (void)state;
    room_init(r);
    room_push(r, WST_C2S, CLIENT, sizeof CLIENT - 1);
    room_push(r, WST_S2C, SERVER13, sizeof SERVER13 - 1);
    room_gap(r, WST_C2S, 80);
    r->left = WST_C2S;
    room_end(r);
    assert_int_equal(r->problems[WST_PROBLEM_TLS_UNFINISHED], 0);
    room_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(alerts), cmocka_unit_test(when),
                                       cmocka_unit_test(left), cmocka_unit_test(opened),
                                       cmocka_unit_test(leaves), cmocka_unit_test(left_holed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * The whole way of encrypted connections: packets of real endpoints in, a timeline out. What is
 * inside may be WebSocket, HTTP/2, something else, or TLS again.
 */
#include "guard.h"
#include "pipeline.h"
#include "tls/peers.h"

#include <stdio.h>
#include <wstrace/wstrace.h>

#define T13 TLS1_3_VERSION
#define AES128 "TLS_AES_128_GCM_SHA256"
#define LINE(who, text)             \
    {                               \
        who, text, sizeof(text) - 1 \
    }

static const struct peers_line websocket[] = {
    LINE(0, "GET /chat HTTP/1.1\r\nHost: wss.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"),
    LINE(1, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"),
    LINE(0, "\x81\x85\1\2\3\4\x49\x67\x6f\x68\x6e"), /* "Hello", masked */
    LINE(1, "\x81\3Hi!"),
    LINE(0, "\x88\x82\0\0\0\0\3\xe8"),
    LINE(1, "\x88\2\3\xe8"),
};

/* -- packets ----------------------------------------------------------------------------------- */

struct world {
    struct wst_context *context;
    struct wst_when when;
    uint32_t seq[2];
    char log[4096]; /* what was told, a word or two each */
    struct wst_event_stats stats;
    uint64_t plain[2], secrets;
    uint64_t request, answer; /* packets of the handshake */
    int64_t rtt_ns;
};

static void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}
static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* Raw IPv4 (link type 101). */
static void packet(struct world *w, int from, uint8_t flags, const void *p, size_t n)
{
    uint8_t bytes[40 + 1400] = {0x45, [8] = 64, [9] = 6, [32] = 0x50};
    assert_true(n <= 1400);
    put16(bytes + 2, 40 + n);
    put32(bytes + 12, from ? 0xc0000202 : 0xc0000201);
    put32(bytes + 16, from ? 0xc0000201 : 0xc0000202);
    put16(bytes + 20, from ? 443 : 40000);
    put16(bytes + 22, from ? 40000 : 443);
    put32(bytes + 24, w->seq[from]);
    put32(bytes + 28, w->seq[!from]);
    bytes[33] = flags;
    put16(bytes + 34, 65535);
    if (n) memcpy(bytes + 40, p, n);
    w->seq[from] += (uint32_t)n + (flags & 3 ? 1 : 0);
    w->when.pkt++;
    w->when.ns += 1000000;
    struct wst_packet packet = {
        .when = w->when, .link_type = 101, .data = {bytes, 40 + n}, .wire_len = (uint32_t)(40 + n)};
    wst_context_packet(w->context, &packet);
}

/* What an HTTP proxy or nobody carries: chunks of a talk, in segments. */
static void carry_some(struct world *w, const struct peers_talk *t, size_t from, size_t until)
{
    for (size_t i = from; i < until; i++) {
        const struct peers_chunk *c = &t->chunks[i];
        for (size_t at = 0; at < c->n; at += 1400)
            packet(w, c->dir, 0x18, t->wire.p + c->at + at, c->n - at < 1400 ? c->n - at : 1400);
    }
}

static void carry(struct world *w, const struct peers_talk *t)
{
    carry_some(w, t, 0, t->chunks_n);
}

/* -- what is told ------------------------------------------------------------------------------ */

static void event(void *user, const struct wst_event *e)
{
    struct world *w = user;
    char *to = w->log + strlen(w->log);
    size_t room = sizeof w->log - strlen(w->log);
    if (e->type == WST_EVENT_HANDSHAKE) {
        w->request = e->handshake.request_pkt;
        w->answer = e->when.pkt;
        w->rtt_ns = e->handshake.rtt_ns;
    }
    if (e->type == WST_EVENT_HANDSHAKE)
        snprintf(to, room, "[%s %s%s%s%s] ", e->handshake.tls ? e->handshake.tls->version : "clear",
                 e->handshake.tls && e->handshake.tls->alpn ? e->handshake.tls->alpn : "",
                 e->handshake.accepted ? "" : " refused", *e->handshake.proxied_ip ? " for " : "",
                 e->handshake.proxied_ip);
    else if (e->type == WST_EVENT_MESSAGE)
        snprintf(to, room, "%c%.*s ", e->dir == WST_C2S ? '>' : '<', (int)e->message.payload.n,
                 (const char *)e->message.payload.p);
    else if (e->type == WST_EVENT_GAP)
        snprintf(to, room, "%s ", e->gap.least ? "gap+" : e->gap.inexact ? "gap-" : "gap");
    else if (e->type == WST_EVENT_PROBLEM && wst_problem_row(e->problem.problem)->id[0] == 't')
        snprintf(to, room, "!%s ", wst_problem_row(e->problem.problem)->id);
    else if (e->type == WST_EVENT_PROBLEM &&
             e->problem.problem == WST_PROBLEM_HANDSHAKE_NO_RESPONSE)
        snprintf(to, room, "!%s", e->problem.detail);
    else if (e->type == WST_EVENT_STATS)
        w->stats = e->stats;
}

static void on_plain(void *user, const struct wst_tls_plain *p)
{
    struct world *w = user;
    assert_int_equal(p->offset, w->plain[p->dir]);
    assert_true(p->server_port == 443 && p->client_port == 40000 && p->family == 4);
    if (p->depth == 0) w->plain[p->dir] += p->bytes.n;
}

static void on_secrets(void *user, struct wst_slice lines)
{
    struct world *w = user;
    for (size_t i = 0; i < lines.n; i++) w->secrets += lines.p[i] == '\n';
}

static void world_begin(struct world *w, const char *keys, size_t memory, bool plain)
{
    struct wst_listener listener = {.user = w, .event = event};
    struct wst_options o;
    struct wst_event_meta meta = {0};
    struct wst_tls_hooks hooks = {
        .user = w, .plain = plain ? on_plain : NULL, .secrets = on_secrets};
    memset(w, 0, sizeof *w);
    wst_options_init(&o);
    o.problems = WST_PROBLEMS_ALL;
    if (memory) o.limits.memory = memory;
    w->context = wst_context_new(&o, &listener);
    assert_non_null(w->context);
    wst_context_tls(w->context, &hooks);
    if (keys)
        wst_context_keylog(w->context, (struct wst_slice){(const uint8_t *)keys, strlen(keys)},
                           true);
    w->seq[0] = 1000;
    w->seq[1] = 5000;
    w->when.ns = 1700000000000000000;
    wst_context_begin(w->context, &meta);
    packet(w, 0, 2, NULL, 0);
    packet(w, 1, 0x12, NULL, 0);
    packet(w, 0, 0x10, NULL, 0);
}

static void world_end(struct world *w)
{
    packet(w, 0, 0x11, NULL, 0);
    packet(w, 1, 0x11, NULL, 0);
    wst_context_finish(w->context, NULL);
    wst_context_free(w->context);
}

static void watch(struct world *w, const struct peers_talk *t, const char *keys, size_t memory)
{
    world_begin(w, keys, memory, false);
    carry(w, t);
    world_end(w);
}

/* -- the cases --------------------------------------------------------------------------------- */

static void websocket_inside(void **state)
{
    static const struct peers_terms rows[] = {
        {.name = "1.3",
         .version = T13,
         .cipher = AES128,
         .alpn = "http/1.1",
         .lines = websocket,
         .lines_n = ARRAY(websocket)},
        {.name = "1.2",
         .version = TLS1_2_VERSION,
         .cipher = "ECDHE-RSA-AES128-SHA",
         .alpn = "http/1.1",
         .lines = websocket,
         .lines_n = ARRAY(websocket)},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct peers_talk talk[2];
        struct world w;
        char want[64];
        peers_talk(&rows[i], talk);
        watch(&w, &talk[0], (const char *)talk[0].keylog.p, 0);
        snprintf(want, sizeof want, "[TLS %s http/1.1] >Hello <Hi! ", rows[i].name);
        assert_string_equal(w.log, want);
        assert_int_equal(w.stats.connections, 1);
        assert_int_equal(w.stats.tls + w.stats.http + w.stats.other + w.stats.tls_no_key, 0);
        assert_true(w.secrets > 0);
        watch(&w, &talk[0], NULL, 0);
        assert_string_equal(w.log, "!tls.no-key ");
        assert_int_equal(w.stats.tls, 1);
        assert_int_equal(w.stats.tls_no_key, 1);
        assert_int_equal(w.stats.connections, 0);
        assert_int_equal(w.secrets, 0);
        peers_free(&talk[0]);
    }
}

/* A request was said when its packet came, and the time until the answer is counted from there:
 * with early data, which are read only when the server has said that it takes them; and where the
 * keys come last of all. */
static void said_before_it_was_read(void **state)
{
    static const struct peers_terms rows[] = {
        {.name = "1.3 early data",
         .version = T13,
         .cipher = AES128,
         .resume = true,
         .early = PEERS_EARLY,
         .lines = websocket,
         .lines_n = ARRAY(websocket)},
        {.name = "1.3",
         .version = T13,
         .cipher = AES128,
         .lines = websocket,
         .lines_n = ARRAY(websocket)},
    };
    const uint64_t opening = 3; /* packets before the ClientHello */
    const struct wst_tls_hooks hooks = {.keys_may_come = true};
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct peers_talk talk[2];
        struct world w, late;
        peers_talk(&rows[i], talk);
        const struct peers_talk *t = &talk[rows[i].resume];
        const char *keys = (const char *)t->keylog.p;
        watch(&w, t, keys, 0);
        assert_string_equal(w.log, "[TLS 1.3 ] >Hello <Hi! ");
        if (rows[i].early) assert_int_equal(w.request, opening + 1);
        assert_int_equal(w.rtt_ns, (w.answer - w.request) * 1000000);

        world_begin(&late, NULL, 0, false);
        wst_context_tls(late.context, &hooks);
        carry(&late, t);
        wst_context_keylog(late.context, (struct wst_slice){(const uint8_t *)keys, strlen(keys)},
                           true);
        world_end(&late);
        assert_string_equal(late.log, w.log);
        assert_int_equal(late.request, w.request);
        assert_int_equal(late.rtt_ns, w.rtt_ns);
        for (int k = 0; k <= rows[i].resume; k++) peers_free(&talk[k]);
    }
}

/* The secret of one direction is not in the log, or is another one's: nobody takes the one that was
 * read for the whole. The other is a gap of at most so many bytes, told when its answer is missed.
 */
static void half_of_the_keys(void **state)
{
    static const struct {
        const char *label;
        bool wrong;
        const char *want;
    } rows[] = {
        {"SERVER_TRAFFIC_SECRET_0", false, "[TLS 1.3 ] gap- >Hello gap- !tls.no-key "},
        {"SERVER_TRAFFIC_SECRET_0", true, "[TLS 1.3 http/1.1] gap- >Hello !tls.wrong-key "},
        {"CLIENT_TRAFFIC_SECRET_0", false, "[TLS 1.3 http/1.1] gap- <Hi! gap- !tls.no-key "},
        {"CLIENT_TRAFFIC_SECRET_0", true, "[TLS 1.3 http/1.1] gap- <Hi! !tls.wrong-key "},
    };
    const struct peers_terms terms = {.version = T13,
                                      .cipher = AES128,
                                      .alpn = "http/1.1",
                                      .lines = websocket,
                                      .lines_n = ARRAY(websocket)};
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        struct peers_talk talk[2];
        struct world w;
        peers_talk(&terms, talk);
        char *line = strstr((char *)talk[0].keylog.p, rows[i].label);
        assert_non_null(line);
        if (rows[i].wrong)
            memset(strchr(line, '\n') - 16, 'a', 16);
        else
            *line = '#';
        watch(&w, &talk[0], (const char *)talk[0].keylog.p, 0);
        assert_string_equal(w.log, rows[i].want);
        assert_int_equal(w.stats.problems[WST_WARNING] + w.stats.problems[WST_ERROR], 0);
        peers_free(&talk[0]);
    }
}

static void another_secret(struct world *w, char digit)
{
    char line[24 + 64 + 1 + 64 + 2] = "CLIENT_TRAFFIC_SECRET_0 ";
    memset(line + 24, digit, 64 + 1 + 64);
    line[24 + 64] = ' ';
    line[24 + 64 + 1 + 64] = '\n';
    wst_context_keylog(w->context, (struct wst_slice){(const uint8_t *)line, strlen(line)}, true);
}

/* A capture may have as many blocks of secrets as it has connections: each is brought to those that
 * wait for some, not to all that are open; and one whose secrets came before, to nobody. */
static void woken(void **state)
{
    const struct peers_terms terms = {
        .version = T13, .cipher = AES128, .lines = websocket, .lines_n = ARRAY(websocket)};
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&terms, talk);
    struct wst_slice keys = {talk[0].keylog.p, strlen((char *)talk[0].keylog.p)};
    for (int again = 0; again < 2; again++) {
        struct world w;
        struct wst_tls_hooks hooks = {.user = &w, .keys_may_come = true};
        world_begin(&w, NULL, 0, false);
        wst_context_tls(w.context, &hooks);
        assert_true(TAILQ_EMPTY(&w.context->encrypted_waiting));
        carry(&w, &talk[0]);
        another_secret(&w, 'a');
        assert_false(TAILQ_EMPTY(&w.context->encrypted_waiting));
        if (again) {
            wst_keylog_push(w.context->tls.keylog, keys, true); /* as whoever reads ahead */
            another_secret(&w, 'a');
            assert_string_equal(w.log, ""); /* nobody looked */
            another_secret(&w, 'b');
        } else {
            wst_context_keylog(w.context, keys, true);
        }
        assert_string_equal(w.log, "[TLS 1.3 ] >Hello <Hi! ");
        assert_true(TAILQ_EMPTY(&w.context->encrypted_waiting));
        world_end(&w);
    }
    peers_free(&talk[0]);
}

/* Nobody answers, and the server ends TCP. When keys come later the request is read behind that,
 * and how long it was waited for nobody knows: it was sent before all the same. */
static void unanswered(void **state)
{
    static const char *const want[] = {
        "no answer to the upgrade request in 1.000 ms; then the server ended TCP",
        "no answer to the upgrade request was captured"};
    const struct peers_terms terms = {
        .version = T13, .cipher = AES128, .lines = websocket, .lines_n = 1};
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&terms, talk);
    struct wst_slice keys = {talk[0].keylog.p, strlen((char *)talk[0].keylog.p)};
    size_t request = talk[0].chunks_n;
    for (size_t i = 0; i < talk[0].chunks_n; i++)
        if (talk[0].chunks[i].dir == WST_C2S && talk[0].chunks[i].n > 150) request = i;
    talk[0].chunks[request].n -= 24; /* its last word, close_notify, which would end TLS before */
    for (int late = 0; late < 2; late++) {
        struct world w;
        struct wst_tls_hooks hooks = {.user = &w, .keys_may_come = true};
        world_begin(&w, NULL, 0, false);
        wst_context_tls(w.context, &hooks);
        if (!late) wst_context_keylog(w.context, keys, true);
        carry_some(&w, &talk[0], 0, request + 1);
        packet(&w, 1, 0x11, NULL, 0);
        packet(&w, 0, 0x18, "\x17\3\3\0\x13", 5); /* the beginning of its last word */
        if (late) wst_context_keylog(w.context, keys, true);
        packet(&w, 0, 0x10, NULL, 0);
        wst_context_finish(w.context, NULL);
        wst_context_free(w.context);
        if (!strstr(w.log, want[late])) fail_msg("late %d: %s", late, w.log);
    }
    peers_free(&talk[0]);
}

/* A client that does not wait: frames behind a request that nobody answers are no conversation
 * whose handshake is missing, as long as all was read that the server sent. */
static void unawaited(void **state)
{
    const struct peers_line lines[] = {websocket[0], websocket[2], websocket[2], websocket[2],
                                       websocket[4]};
    static const char missing[] = "[TLS 1.3  refused] !no answer to the upgrade request in ";
    (void)state;
    for (int early = 0; early < 2; early++) {
        const struct peers_terms terms = {.name = "1.3",
                                          .version = T13,
                                          .cipher = AES128,
                                          .resume = early,
                                          .early = early ? PEERS_EARLY : PEERS_EARLY_NONE,
                                          .lines = lines,
                                          .lines_n = ARRAY(lines)};
        struct peers_talk talk[2];
        peers_talk(&terms, talk);
        const struct peers_talk *t = &talk[early];
        /* whole; a record of the server not captured; one that cannot be read */
        for (int lost = 0; lost < 3; lost++) {
            struct world w;
            world_begin(&w, (const char *)t->keylog.p, 0, false);
            carry(&w, t);
            if (lost == 1) w.seq[1] += 40;
            if (lost == 2)
                packet(&w, 1, 0x18,
                       "\x17\3\3\0\x14"
                       "12345678901234567890",
                       25);
            world_end(&w);
            if (!strncmp(w.log, missing, sizeof missing - 1) == (lost > 0))
                fail_msg("early %d, lost %d: %s", early, lost, w.log);
            assert_int_equal(w.stats.connections, lost > 0);
        }
        for (int k = 0; k <= early; k++) peers_free(&talk[k]);
    }
}

/* What a capture that ends inside a record has of it is not passed over. */
static void ends_inside_a_record(void **state)
{
    const struct peers_terms terms = {
        .version = T13, .cipher = AES128, .lines = websocket, .lines_n = ARRAY(websocket)};
    struct peers_talk talk[2];
    struct world w;
    (void)state;
    peers_talk(&terms, talk);
    for (size_t i = talk[0].chunks_n - 1; i > 0; i--) {
        const struct peers_chunk *c = &talk[0].chunks[i];
        if (c->dir != WST_S2C || c->n > 100) continue;
        for (int hole = 0; hole < 2; hole++) {
            world_begin(&w, (const char *)talk[0].keylog.p, 0, false);
            carry_some(&w, &talk[0], 0, i);
            if (hole) w.seq[WST_S2C] += 6;
            packet(&w, WST_S2C, 0x18, talk[0].wire.p + c->at, c->n - 8);
            packet(&w, WST_C2S, 0x10, NULL, 0);
            world_end(&w);
            assert_non_null(strstr(w.log, hole ? "gap" : "!tls.lost gap- "));
        }
        break;
    }
    peers_free(&talk[0]);
}

/* A reset that was injected: the keys are there, but what they had opened was let go with it. */
static void reset_ignored(void **state)
{
    struct peers_line lines[24];
    struct peers_terms terms = {.name = "1.3",
                                .version = T13,
                                .cipher = AES128,
                                .alpn = "http/1.1",
                                .lines = lines,
                                .lines_n = ARRAY(lines)};
    struct peers_talk talk[2];
    struct world w;
    (void)state;
    for (size_t i = 0; i < ARRAY(lines); i++) lines[i] = websocket[i < 2 ? i : 2 + i % 2];
    peers_talk(&terms, talk);
    size_t at = talk[0].chunks_n - 16;
    world_begin(&w, (const char *)talk[0].keylog.p, 0, false);
    carry_some(&w, &talk[0], 0, at);
    packet(&w, 1, 4, NULL, 0);
    carry_some(&w, &talk[0], at, talk[0].chunks_n);
    world_end(&w);
    assert_non_null(strstr(w.log, "<Hi! !tcp.reset-ignored !tls.no-key "));
    assert_int_equal(w.stats.connections, 1);
    assert_int_equal(w.stats.tls_no_key, 0);
    peers_free(&talk[0]);
}

/* Known by ALPN, and without it by its first bytes. */
static void http2_inside(void **state)
{
    static const struct peers_line lines[] = {
        LINE(0, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0"),
        LINE(1, "\0\0\6\4\0\0\0\0\0\0\10\0\0\0\1"),
        /* HEADERS of stream 1: literals that are not indexed (RFC 7541 section 6.2.2) */
        LINE(0, "\0\0\x53\1\4\0\0\0\1"
                "\0\7:method\7CONNECT\0\11:protocol\11websocket\0\7:scheme\5https\0\5:path\1/"
                "\0\12:authority\10wss.test"),
        LINE(1, "\0\0\1\1\4\0\0\0\1\x88"), /* :status 200, section A */
        LINE(1, "\0\0\5\0\0\0\0\0\1\x81\3Hi!")};
    static const char *const alpn[] = {"h2", NULL};
    (void)state;
    for (int i = 0; i < 2; i++) {
        struct peers_terms terms = {.name = "h2",
                                    .version = T13,
                                    .cipher = AES128,
                                    .alpn = alpn[i],
                                    .lines = lines,
                                    .lines_n = sizeof lines / sizeof *lines};
        struct peers_talk talk[2];
        struct world w;
        peers_talk(&terms, talk);
        watch(&w, &talk[0], (const char *)talk[0].keylog.p, 0);
        assert_non_null(strstr(w.log, "<Hi! "));
        assert_int_equal(w.stats.connections, 1);
        assert_int_equal(w.stats.http, 0);
        assert_int_equal(w.stats.other, 0);
        assert_int_equal(w.stats.tls, 0);
        peers_free(&talk[0]);
    }
}

/* What is not WebSocket is let go, unless somebody wants all plaintext. */
static void http_inside(void **state)
{
    static const struct peers_line lines[] = {
        LINE(0, "GET / HTTP/1.1\r\nHost: wss.test\r\n\r\n"),
        LINE(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
        LINE(0, "GET /2 HTTP/1.1\r\nHost: wss.test\r\n\r\n"),
        LINE(1, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
    };
    static const struct peers_line other[] = {LINE(0, "\1\2\3 binary"), LINE(1, "\4\5\6 answer"),
                                              LINE(0, "\7 more")};
    (void)state;
    for (int i = 0; i < 4; i++) {
        struct peers_terms terms = {.name = "http",
                                    .version = T13,
                                    .cipher = AES128,
                                    .lines = i < 2 ? lines : other,
                                    .lines_n = i < 2 ? 4 : 3};
        struct peers_talk talk[2];
        struct world w;
        peers_talk(&terms, talk);
        world_begin(&w, (const char *)talk[0].keylog.p, 0, i % 2);
        carry(&w, &talk[0]);
        world_end(&w);
        assert_string_equal(w.log, "");
        assert_int_equal(w.stats.http, i < 2);
        assert_int_equal(w.stats.other, i >= 2);
        assert_int_equal(w.stats.tls, 0);
        assert_int_equal(w.plain[0], i % 2 ? talk[0].said[0].n : 0);
        assert_int_equal(w.plain[1], i % 2 ? talk[0].said[1].n : 0);
        peers_free(&talk[0]);
    }
}

/* A balancer that passes TLS on says before it, in the open, whom it is for. */
static void proxied(void **state)
{
    static const char outside[] = "PROXY TCP4 192.0.2.1 192.0.2.2 5 443\r\n";
    struct peers_terms terms = {.name = "proxied",
                                .version = T13,
                                .cipher = AES128,
                                .lines = websocket,
                                .lines_n = ARRAY(websocket)};
    struct peers_talk talk[2];
    (void)state;
    peers_talk(&terms, talk);
    for (size_t cut = 0; cut < sizeof outside; cut++) {
        struct world w;
        world_begin(&w, (char *)talk[0].keylog.p, 0, false);
        if (cut) packet(&w, 0, 0x18, outside, cut);
        if (cut < strlen(outside)) packet(&w, 0, 0x18, outside + cut, strlen(outside) - cut);
        carry(&w, &talk[0]);
        world_end(&w);
        assert_string_equal(w.log, "[TLS 1.3  for 192.0.2.1] >Hello <Hi! ");
    }
    peers_free(&talk[0]);
}

/* A proxy reached over TLS, and wss through it: TLS inside TLS, four times over. */
static void tls_inside_tls(void **state)
{
    struct peers_terms terms = {.name = "inner",
                                .version = T13,
                                .cipher = AES128,
                                .lines = websocket,
                                .lines_n = ARRAY(websocket)};
    struct peers_talk talk[2];
    struct peers_buf keys = {0};
    (void)state;
    peers_talk(&terms, talk);
    for (int depth = 1; depth <= 5; depth++) {
        static struct peers_line lines[2 + ARRAY(talk[0].chunks)];
        struct peers_talk inner = talk[0];
        size_t n = 0, log_n = strlen((char *)inner.keylog.p);
        struct world w;
        keys.p = realloc(keys.p, keys.n + log_n + 1);
        memcpy(keys.p + keys.n, inner.keylog.p, log_n + 1);
        keys.n += log_n;
        watch(&w, &inner, (const char *)keys.p, 0);
        if (depth <= 4) /* as deep as is looked */
            assert_string_equal(w.log, "[TLS 1.3 ] >Hello <Hi! ");
        else
            assert_string_equal(w.log, "");
        lines[n++] =
            (struct peers_line)LINE(0, "CONNECT wss.test:443 HTTP/1.1\r\nHost: wss.test\r\n\r\n");
        lines[n++] = (struct peers_line)LINE(1, "HTTP/1.1 200 OK\r\n\r\n");
        for (size_t i = 0; i < inner.chunks_n; i++)
            lines[n++] = (struct peers_line){inner.chunks[i].dir, inner.wire.p + inner.chunks[i].at,
                                             inner.chunks[i].n};
        terms = (struct peers_terms){.name = "outer",
                                     .version = depth % 2 ? TLS1_2_VERSION : T13,
                                     .cipher = depth % 2 ? "ECDHE-RSA-AES128-GCM-SHA256" : AES128,
                                     .lines = lines,
                                     .lines_n = n};
        peers_talk(&terms, talk);
        peers_free(&inner);
    }
    peers_free(&talk[0]);
    free(keys.p);
}

/* What TCP lost, and why, is told of what is inside. */
static void tcp_inside(void **state)
{
    struct peers_line lines[2 + 40];
    struct peers_terms terms = {
        .name = "1.3", .version = T13, .cipher = AES128, .lines = lines, .lines_n = ARRAY(lines)};
    struct peers_talk talk[2];
    struct world w;
    (void)state;
    for (size_t i = 0; i < ARRAY(lines); i++) lines[i] = websocket[i < 2 ? i : 2 + i % 2];
    peers_talk(&terms, talk);
    size_t until = talk[0].chunks_n - 30, all = talk[0].chunks_n; /* a line each */

    world_begin(&w, (const char *)talk[0].keylog.p, 0, false);
    talk[0].chunks_n = until;
    carry(&w, &talk[0]);
    w.seq[0] += 2200000000u; /* numbers go round */
    w.log[0] = '\0';
    for (size_t i = until; i < all; i++)
        packet(&w, talk[0].chunks[i].dir, 0x18, talk[0].wire.p + talk[0].chunks[i].at,
               talk[0].chunks[i].n);
    world_end(&w);
    assert_non_null(strstr(w.log, "!tcp.sequence-round "));
    assert_null(strstr(strstr(w.log, "!tcp.sequence-round ") + 1, "!tcp.sequence-round "));
    assert_non_null(strstr(w.log, "gap+ "));
    const char *rest = strstr(w.log, "gap- "); /* when it was given up, what came then */
    assert_true(!rest || rest > strstr(w.log, "gap+ "));

    world_begin(&w, (const char *)talk[0].keylog.p, 0, false);
    carry(&w, &talk[0]);
    for (int i = 0; i < 20000 && !strstr(w.log, "!tcp."); i++) {
        w.seq[0]++; /* a hole each */
        packet(&w, 0, 0x18, "x", 1);
    }
    assert_non_null(strstr(w.log, "!tcp.reorder-limit "));
    world_end(&w);
    talk[0].chunks_n = all;
    peers_free(&talk[0]);
}

/* However little memory there is: no crash, and nothing that was not said. */
static void little_memory(void **state)
{
    struct peers_terms terms = {.name = "1.3",
                                .version = T13,
                                .cipher = AES128,
                                .lines = websocket,
                                .lines_n = ARRAY(websocket)};
    struct peers_talk talk[2];
    unsigned read = 0;
    (void)state;
    peers_talk(&terms, talk);
    for (size_t memory = 1000; memory < 400000; memory += 3000) {
        struct world w;
        watch(&w, &talk[0], (const char *)talk[0].keylog.p, memory);
        if (strstr(w.log, "Hello")) assert_non_null(strstr(w.log, ">Hello <Hi! "));
        read += strstr(w.log, "Hello") != NULL;
    }
    assert_true(read > 20);
    peers_free(&talk[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(websocket_inside),     cmocka_unit_test(said_before_it_was_read),
        cmocka_unit_test(http2_inside),         cmocka_unit_test(half_of_the_keys),
        cmocka_unit_test(ends_inside_a_record), cmocka_unit_test(woken),
        cmocka_unit_test(unanswered),           cmocka_unit_test(unawaited),
        cmocka_unit_test(http_inside),          cmocka_unit_test(tls_inside_tls),
        cmocka_unit_test(tcp_inside),           cmocka_unit_test(little_memory),
        cmocka_unit_test(reset_ignored),        cmocka_unit_test(proxied),
    };
    return cmocka_run_group_tests(tests, NULL, peers_teardown);
}

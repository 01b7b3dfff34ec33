/* SPDX-License-Identifier: MIT
 *
 * Every verdict, and the byte at which it is reached: before it the answer is "more", from it on
 * it does not change.
 */
#include "guard.h"
#include "sniff.h"

#define PROXY2 "\r\n\r\n\0\r\nQUIT\n"
#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
enum { NEVER = 9999 };

struct row {
    struct wst_slice bytes;
    enum wst_sniffed is;
    size_t at; /* bytes that settle it; NEVER: all of them do not */
};

static const struct row rows[] = {
    /* requests: a method, a space, the first byte of a target */
    {SLICE("GET / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 5},
    {SLICE("PUT * HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 5},
    {SLICE("POST /x HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 6},
    {SLICE("PATCH /x HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 7},
    {SLICE("PROPFIND /x HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 10},
    {SLICE("OPTIONS * HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 9},
    {SLICE("CONNECT [::1]:80 HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 9},
    {SLICE("CONNECT 10.0.0.1:80 HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 9},
    {SLICE("CONNECT h:80 HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 9},
    {SLICE("GET http://h/ HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 5},
    {SLICE("M-SEARCH * HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 10},
    {SLICE("BASELINE-CONTROL /x HTTP/1.1"), WST_SNIFF_HTTP_REQUEST, 18},
    {SLICE("UPDATEREDIRECTREF /x"), WST_SNIFF_HTTP_REQUEST, 19},
    {SLICE("ABCDEFGHIJKLMNOPQRST /x"), WST_SNIFF_HTTP_REQUEST, 22},
    {SLICE("ABCDEFGHIJKLMNOPQRSTU /x"), WST_SNIFF_OTHER, 21},
    {SLICE("\r\nGET / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 7},
    {SLICE("\n\nGET / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 7},
    {SLICE("\r\n\r\n\r\nGET / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 11},
    {SLICE("HEAD / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 6},
    {SLICE("HTTPX / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 7},
    {SLICE("PROXY-FOO / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 11},
    {SLICE("PRIVATE / HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 9},
    /* what only begins so */
    {SLICE("GET"), WST_SNIFF_MORE, NEVER},
    {SLICE("GET "), WST_SNIFF_MORE, NEVER},
    {SLICE("\r\n\r"), WST_SNIFF_MORE, NEVER},
    {SLICE("GE /"), WST_SNIFF_OTHER, 3},
    {SLICE("get / HTTP/1.1"), WST_SNIFF_OTHER, 1},
    {SLICE("Get / HTTP/1.1"), WST_SNIFF_OTHER, 2},
    {SLICE("-GET / HTTP/1.1"), WST_SNIFF_OTHER, 1},
    {SLICE("GET\t/ HTTP/1.1"), WST_SNIFF_OTHER, 4},
    {SLICE("GET  / HTTP/1.1"), WST_SNIFF_OTHER, 5},
    {SLICE("EHLO\r\n"), WST_SNIFF_OTHER, 5},
    {SLICE("SSH-2.0-OpenSSH_9.6\r\n"), WST_SNIFF_OTHER, 5},
    {SLICE("220 mail ESMTP\r\n"), WST_SNIFF_OTHER, 1},
    {SLICE("* OK IMAP4\r\n"), WST_SNIFF_OTHER, 1},
    {SLICE("+OK POP3\r\n"), WST_SNIFF_OTHER, 1},
    {SLICE("\x10\x0f\0\4MQTT"), WST_SNIFF_OTHER, 1},
    {SLICE("\xff"), WST_SNIFF_OTHER, 1},
    {SLICE("\x81\x05Hello"), WST_SNIFF_OTHER, 1},
    /* responses */
    {SLICE("HTTP/1.1 101 Switching Protocols\r\n"), WST_SNIFF_HTTP_RESPONSE, 7},
    {SLICE("HTTP/1.0 200 OK\r\n"), WST_SNIFF_HTTP_RESPONSE, 7},
    {SLICE("HTTP/2.0 200 OK\r\n"), WST_SNIFF_OTHER, 6},
    {SLICE("HTTP/1"), WST_SNIFF_MORE, NEVER},
    /* HTTP/2's preface, whole */
    {SLICE(PREFACE), WST_SNIFF_H2, sizeof PREFACE - 1},
    {SLICE("PRI * HTTP/1.1\r\n"), WST_SNIFF_HTTP_REQUEST, 12},
    {SLICE("PRI /\r\n"), WST_SNIFF_HTTP_REQUEST, 5},
    {SLICE("PRI * HTTP/2.0\r\n\r\nSM\r\n\r"), WST_SNIFF_MORE, NEVER},
    {SLICE("\0\0\6\4\0\0\0\0\0\0\x08\0\0\0\1"), WST_SNIFF_H2, 9}, /* or SETTINGS first */
    {SLICE("\0\0\0\4\0\0\0\0\0"), WST_SNIFF_H2, 9},
    {SLICE("\0\0\0\4\0\0\0\0"), WST_SNIFF_MORE, NEVER},
    {SLICE("\0\0\0\0"), WST_SNIFF_OTHER, 4},
    {SLICE("\0\0\5\4"), WST_SNIFF_OTHER, 3},
    {SLICE("\0\x40\0\4"), WST_SNIFF_OTHER, 2},
    {SLICE("\0\0\6\4\1"), WST_SNIFF_OTHER, 5}, /* an acknowledgement is never first */
    {SLICE("\0\0\6\4\0\0\0\0\1"), WST_SNIFF_OTHER, 9},
    /* PROXY */
    {SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\n"), WST_SNIFF_PROXY, 6},
    {SLICE("PROXY UNKNOWN\r\n"), WST_SNIFF_PROXY, 6},
    {SLICE(PROXY2 "\x21\x11\0\x0c"), WST_SNIFF_PROXY, 12},
    {SLICE("\r\n\r\n\0\r\nQUIT\r"), WST_SNIFF_OTHER, 12},
    {SLICE("\r\n\r\n\0\r\nQ"), WST_SNIFF_MORE, NEVER},
    {SLICE("\r\n\r\n\1"), WST_SNIFF_OTHER, 5},
    /* TLS: record 22, version 3.x, a sound length, ClientHello or ServerHello */
    {SLICE("\x16\3\1\2\0\1\0\1\xfc\3\3"), WST_SNIFF_TLS, 6},
    {SLICE("\x16\3\3\0\x7a\2\0\0\x76"), WST_SNIFF_TLS, 6},
    {SLICE("\x16\3\4\x40\0\1"), WST_SNIFF_TLS, 6},
    {SLICE("\x16\3\0\0\4\1"), WST_SNIFF_TLS, 6},
    {SLICE("\x16\3\3\0\x7a"), WST_SNIFF_MORE, NEVER},
    {SLICE("\x16\2\1\2\0\1"), WST_SNIFF_OTHER, 2},
    {SLICE("\x16\3\5\2\0\1"), WST_SNIFF_OTHER, 3},
    {SLICE("\x16\3\1\x40\1\1"), WST_SNIFF_OTHER, 5},
    {SLICE("\x16\3\1\0\1\1"), WST_SNIFF_TLS, 6}, /* a byte a record is allowed */
    {SLICE("\x16\3\1\0\0\1"), WST_SNIFF_OTHER, 5},
    {SLICE("\x16\3\1\0\x50\3"), WST_SNIFF_OTHER, 6},
    {SLICE("\x17\3\3\0\x50\1"), WST_SNIFF_OTHER, 1},
    /* SOCKS5, SOCKS4, SOCKS4A */
    {SLICE("\5\1\0"), WST_SNIFF_SOCKS, 3},
    {SLICE("\5\3\0\1\2"), WST_SNIFF_SOCKS, 5},
    {SLICE("\5\2\0"), WST_SNIFF_MORE, NEVER},
    {SLICE("\5\0"), WST_SNIFF_OTHER, 2},
    {SLICE("\4\1\0\x50\x0a\0\0\1\0"), WST_SNIFF_SOCKS, 9},
    {SLICE("\4\1\0\x50\x0a\0\0\1me\0"), WST_SNIFF_SOCKS, 11},
    {SLICE("\4\1\0\x50\0\0\0\1\0host\0"), WST_SNIFF_SOCKS, 14},
    {SLICE("\4\1\0\x50\0\0\0\1me\0host"), WST_SNIFF_MORE, NEVER},
    {SLICE("\4\2\0\x50"), WST_SNIFF_OTHER, 2},
};

static void every_prefix(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++)
        for (size_t n = 0; n <= rows[i].bytes.n; n++) {
            enum wst_sniffed want = n < rows[i].at ? WST_SNIFF_MORE : rows[i].is;
            enum wst_sniffed is = wst_sniff(guard_put(&g, rows[i].bytes.p, n));
            if (is != want)
                fail_msg("row %zu (%.12s), %zu bytes: %d, not %d", i, (const char *)rows[i].bytes.p,
                         n, is, want);
        }
    guard_free(&g);
}

/* A greeting with more behind it is none: the client must wait for the answer. */
static void socks_greeting_alone(void **state)
{
    uint8_t bytes[2 + 255 + 1] = {5, 255};
    (void)state;
    for (unsigned methods = 1; methods <= 255; methods++) {
        bytes[1] = (uint8_t)methods;
        assert_int_equal(wst_sniff(wst_slice_of(bytes, 1 + methods)), WST_SNIFF_MORE);
        assert_int_equal(wst_sniff(wst_slice_of(bytes, 2 + methods)), WST_SNIFF_SOCKS);
        assert_int_equal(wst_sniff(wst_slice_of(bytes, 3 + methods)), WST_SNIFF_OTHER);
    }
}

/* A SOCKS4 request that does not end in time is none, though its end should come with the rest. */
static void socks4_request_endless(void **state)
{
    uint8_t bytes[WST_SNIFF_ENOUGH + 1] = {4, 1, 0, 80, 10, 0, 0, 1};
    (void)state;
    memset(bytes + 8, 'u', sizeof bytes - 8);
    bytes[WST_SNIFF_ENOUGH - 1] = 0;
    assert_int_equal(wst_sniff(wst_slice_of(bytes, WST_SNIFF_ENOUGH - 1)), WST_SNIFF_MORE);
    assert_int_equal(wst_sniff(wst_slice_of(bytes, WST_SNIFF_ENOUGH)), WST_SNIFF_SOCKS);
    bytes[WST_SNIFF_ENOUGH - 1] = 'u';
    bytes[WST_SNIFF_ENOUGH] = 0;
    assert_int_equal(wst_sniff(wst_slice_of(bytes, WST_SNIFF_ENOUGH)), WST_SNIFF_OTHER);
    assert_int_equal(wst_sniff(wst_slice_of(bytes, WST_SNIFF_ENOUGH + 1)), WST_SNIFF_OTHER);
}

/* What sniff.h promises of WST_SNIFF_ENOUGH: random continuations of every beginning. */
static void enough_is_enough(void **state)
{
    uint64_t seed = 11;
    uint8_t bytes[WST_SNIFF_ENOUGH];
    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        const struct wst_slice row = rows[rnd_below(&seed, ARRAY(rows))].bytes;
        size_t n = rnd_below(&seed, row.n + 1);
        rnd_fill(&seed, bytes, sizeof bytes);
        if (i & 1) memset(bytes, 'A' + (int)(i % 26), sizeof bytes);
        memcpy(bytes, row.p, n);
        if (n && (bytes[n - 1] == '\r' || bytes[n - 1] == '\n'))
            continue; /* a run of empty lines */
        if (wst_sniff(wst_slice_of(bytes, sizeof bytes)) == WST_SNIFF_MORE)
            fail_msg("%02x %02x %02x …", bytes[0], bytes[1], bytes[2]);
    }
}

/* -- PROXY header lengths -- */

struct proxy_row {
    struct wst_slice bytes;
    int length; /* 0: never whole; -1: malformed */
    size_t at;  /* bytes from which that is the answer */
};

#define X20 "xxxxxxxxxxxxxxxxxxxx"
static const struct proxy_row proxy_rows[] = {
    {SLICE("PROXY TCP4 192.0.2.1 192.0.2.2 4711 80\r\nGET /"), 40, 40},
    {SLICE("PROXY TCP6 2001:db8::1 2001:db8::2 4711 80\r\n"), 44, 44},
    {SLICE("PROXY UNKNOWN\r\nGET"), 15, 15},
    {SLICE("PROXY UNKNOWN\nGET"), 14, 14},
    {SLICE("PROXY " X20 X20 X20 X20 X20 "\n" X20), 107, 107},     /* the longest */
    {SLICE("PROXY " X20 X20 X20 X20 X20 "x\nmore" X20), -1, 107}, /* one too long */
    {SLICE("PROXY TCP4 192.0.2.1"), 0, 0},
    {SLICE(PROXY2 "\x21\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x1f\x90GET"), 28, 28},
    {SLICE(PROXY2 "\x20\x00\0\0GET"), 16, 16}, /* LOCAL */
    {SLICE(PROXY2 "\x21\x11\0\x0c\x01\x02"), 0, 0},
    {SLICE(PROXY2 "\x31\x11\0\x0c\x01\x02\x03\x04\x05\x06\x07\x08\0\x50\x1f\x90"), -1, 16},
    {SLICE(PROXY2 "\x01\x11\0\0"), -1, 16},
};

static void proxy_lengths(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(proxy_rows); i++) {
        const struct proxy_row *r = &proxy_rows[i];
        for (size_t n = 0; n <= r->bytes.n; n++) {
            int want = n < r->at ? 0 : r->length;
            int is = wst_sniff_proxy_length(guard_put(&g, r->bytes.p, n));
            if (is != want) fail_msg("row %zu, %zu bytes: %d, not %d", i, n, is, want);
        }
    }
    /* Any length version 2 can have. */
    static uint8_t big[16 + 65535] = PROXY2 "\x21\x11";
    for (unsigned n = 0; n < 65536; n += 257) {
        big[14] = (uint8_t)(n >> 8);
        big[15] = (uint8_t)n;
        assert_int_equal(wst_sniff_proxy_length(wst_slice_of(big, 16 + n)), 16 + n);
        if (n) assert_int_equal(wst_sniff_proxy_length(wst_slice_of(big, 15 + n)), 0);
    }
    guard_free(&g);
}

/* -- SOCKS conversations -- */

struct turn {
    bool server;
    struct wst_slice bytes; /* one message, or what breaks it */
    int took;               /* what wst_socks_take says when it is whole; WST_SOCKS_FAILED */
};
struct talk {
    const char *name;
    struct turn turns[8];
    bool open;
};

#define C(literal, took)            \
    {                               \
        false, SLICE(literal), took \
    }
#define S(literal, took)           \
    {                              \
        true, SLICE(literal), took \
    }
#define GREET C("\5\1\0", 3)
#define GREET2 C("\5\2\0\2", 4)
#define CHOSE S("\5\0", 2)
#define CHOSE2 S("\5\2", 2)
#define ASK4 C("\5\1\0\1\x0a\0\0\1\0\x50", 10)
#define SAY4 S("\5\0\0\1\x0a\0\0\2\x10\0", 10)
#define BAD WST_SOCKS_FAILED

static const struct talk talks[] = {
    {"no password, IPv4", {GREET, CHOSE, ASK4, SAY4}, true},
    {"a name", {GREET, CHOSE, C("\5\1\0\3\7example\0\x50", 14), SAY4}, true},
    {"the empty name", {GREET, CHOSE, C("\5\1\0\3\0\0\x50", 7), S("\5\0\0\3\0\0\x50", 7)}, true},
    {"IPv6",
     {GREET, CHOSE, C("\5\1\0\4\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0\x50", 22),
      S("\5\0\0\4\0\1\2\3\4\5\6\7\0\1\2\3\4\5\6\7\0\x50", 22)},
     true},
    {"a password", {GREET2, CHOSE2, C("\1\4user\4pass", 11), S("\1\0", 2), ASK4, SAY4}, true},
    {"an empty password", {GREET2, CHOSE2, C("\1\1u\0", 4), S("\1\0", 2), ASK4, SAY4}, true},
    {"a wrong password", {GREET2, CHOSE2, C("\1\1u\1p", 5), S("\1\1", BAD)}, false},
    {"no method", {GREET, S("\5\xff", BAD)}, false},
    {"GSSAPI", {GREET, S("\5\1", BAD)}, false},
    {"version 4 answers", {GREET, S("\4\0", BAD)}, false},
    {"version 4", {C("\4\1\0\x50\x0a\0\0\1\0", 9), S("\0\x5a\0\x50\x0a\0\0\1", 8)}, true},
    {"version 4 with a name",
     {C("\4\1\0\x50\0\0\0\1me\0host\0", 16), S("\0\x5a\0\0\0\0\0\0", 8)},
     true},
    {"version 4 refused", {C("\4\1\0\x50\x0a\0\0\1\0", 9), S("\0\x5b\0\0\0\0\0\0", BAD)}, false},
    {"version 4 asks for a connection back", {C("\4\2\0", BAD)}, false},
    {"version 4 asks after a greeting", {GREET, CHOSE, C("\4\1\0\1\0", BAD)}, false},
    {"refused", {GREET, CHOSE, ASK4, S("\5\5\0\1\0\0\0\0\0\0", BAD)}, false},
    {"an address that is none", {GREET, CHOSE, C("\5\1\0\2\0", BAD)}, false},
    {"a reply that is none", {GREET, CHOSE, ASK4, S("\5\0\0\2\0", BAD)}, false},
    {"a request of version 6", {GREET, CHOSE, C("\6\1\0\1\0", BAD)}, false},
    /* Seen in a capture, the sides may run ahead of one another. */
    {"the client asks at once", {GREET, ASK4, CHOSE, SAY4}, true},
    {"the password at once", {GREET2, C("\1\1u\1p", 5), ASK4, CHOSE2, S("\1\0", 2), SAY4}, true},
};

static void socks_talks(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(talks); i++) {
        struct wst_socks k = {0};
        for (const struct turn *t = talks[i].turns; t < talks[i].turns + 8 && t->bytes.n; t++) {
            if (wst_socks_open(&k, false) && wst_socks_open(&k, true))
                fail_msg("%s: open too early", talks[i].name);
            for (size_t n = 0; n < t->bytes.n; n++) { /* not before it is whole */
                int is = wst_socks_take(&k, t->server, guard_put(&g, t->bytes.p, n));
                if (is != WST_SOCKS_MORE && !(is < 0 && t->took < 0))
                    fail_msg("%s, turn %d, %zu bytes: %d", talks[i].name, (int)(t - talks[i].turns),
                             n, is);
            }
            int is = wst_socks_take(&k, t->server, guard_put(&g, t->bytes.p, t->bytes.n));
            if (is != t->took)
                fail_msg("%s, turn %d: %d, not %d", talks[i].name, (int)(t - talks[i].turns), is,
                         t->took);
            /* What follows is another message. */
            struct wst_socks again = k;
            uint8_t more[64];
            memset(more, 5, sizeof more);
            (void)wst_socks_take(&again, t->server, guard_put(&g, more, sizeof more));
        }
        if ((wst_socks_open(&k, false) && wst_socks_open(&k, true)) != talks[i].open)
            fail_msg("%s: open", talks[i].name);
    }
    guard_free(&g);
}

/* Nothing is taken once the tunnel is open, whatever it looks like. */
static void socks_open_takes_nothing(void **state)
{
    struct wst_socks k = {0};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_true(wst_socks_take(&k, talks[0].turns[i].server, talks[0].turns[i].bytes) > 0);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(wst_socks_take(&k, false, talks[0].turns[i].bytes), WST_SOCKS_MORE);
        assert_int_equal(wst_socks_take(&k, true, talks[0].turns[i].bytes), WST_SOCKS_MORE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_prefix),
        cmocka_unit_test(socks_greeting_alone),
        cmocka_unit_test(enough_is_enough),
        cmocka_unit_test(socks4_request_endless),
        cmocka_unit_test(proxy_lengths),
        cmocka_unit_test(socks_talks),
        cmocka_unit_test(socks_open_takes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

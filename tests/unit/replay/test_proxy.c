/* SPDX-License-Identifier: MIT
 *
 * Proxies: what is read of their names, what they are asked, and what their answers come to; whole,
 * by the byte, and cut anywhere.
 */
#include "guard.h"

#include <stdio.h>
#include <wstrace/replay.h>

/* -- names ------------------------------------------------------------------------------------- */

static const struct {
    const char *text;
    bool socks;
    const char *host;
    unsigned port;
    const char *name, *password; /* NULL: none */
} good[] = {
    {"http://a", false, "a", 80, NULL, NULL},
    {"http://a/", false, "a", 80, NULL, NULL},
    {"HTTP://a:3128", false, "a", 3128, NULL, NULL},
    {"Socks5://a", true, "a", 1080, NULL, NULL},
    {"socks5h://a:", true, "a", 1080, NULL, NULL},
    {"socks5://a:80", true, "a", 80, NULL, NULL},
    {"socks5://a:080", true, "a", 80, NULL, NULL},
    {"socks5://[::80]", true, "::80", 1080, NULL, NULL},
    {"http://me@a", false, "a", 80, "me", ""},
    {"http://me:a:b@a:1", false, "a", 1, "me", "a:b"},
    {"http://me:p@ss@a:1", false, "a", 1, "me", "p@ss"},
    {"http://me:%2f%3F%23%40@a:1", false, "a", 1, "me", "/?#@"},
    {"socks5://m%3Ae:x@a", true, "a", 1080, "m:e", "x"},
};

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "http:// or socks5://"},
    {"a:1", "http:// or socks5://"},
    {"socks4://a", "http:// or socks5://"},
    {"http:/a", "http:// or socks5://"},
    {"http://", "no host"},
    {"http://me@", "no host"},
    {"http://@a", "name and password"},
    {"http://%zz@a", "name and password"},
    {"http://m%3ae:x@a", "colon"}, /* RFC 7617 section 2 */
    {"http://a/x", "behind its port"},
    {"http://a?", "behind its port"},
    {"http://me:a/b@a", "percent-encoded"},
    {"http://me:a#b@a", "percent-encoded"},
    {"http://a b", "printable"},
    {"http://a:65536", "no such port"},
};

static void test_names(void **state)
{
    struct wst_replay_proxy p;
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY(good); i++) {
        if (wst_replay_proxy_read(&p, good[i].text, error) != 0)
            fail_msg("'%s': %s", good[i].text, error);
        assert_int_equal(p.socks, good[i].socks);
        assert_string_equal(p.host, good[i].host);
        assert_int_equal(p.port, good[i].port);
        assert_int_equal(p.login, good[i].name != NULL);
        assert_string_equal(p.name, good[i].name ? good[i].name : "");
        assert_string_equal(p.password, good[i].password ? good[i].password : "");
    }
    for (size_t i = 0; i < ARRAY(bad); i++) {
        if (wst_replay_proxy_read(&p, bad[i].text, error) == 0) fail_msg("'%s'", bad[i].text);
        if (!strstr(error, bad[i].why)) fail_msg("'%s': %s", bad[i].text, error);
    }
}

/* -- answers ----------------------------------------------------------------------------------- */

#define BYTES(text) text, sizeof text - 1
#define HEAD "HTTP/1.1 200 OK\r\n\r\n"

static const struct {
    const char *proxy, *answer;
    size_t n;
    size_t takes;     /* bytes of the answer: what is behind them is the server's */
    const char *says; /* NULL: it is through; "": it waits for more */
} answers[] = {
    {"http://a", BYTES(HEAD), 19, NULL},
    {"http://a", BYTES(HEAD "HTTP/1.1 101 x\r\n"), 19, NULL},
    {"http://a", BYTES("HTTP/1.0 200\n\n\n"), 14, NULL},
    {"http://a", BYTES("HTTP/1.1 299 x\r\nA: b\r\n\r\n"), 24, NULL},
    {"http://a", BYTES("HTTP/1.1 200 OK\r\n"), 17, ""},
    /* Others may come before the answer, RFC 9110 section 15.2. */
    {"http://a", BYTES("HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 100 x\r\n\r\n" HEAD "x"), 68,
     NULL},
    {"http://a", BYTES("HTTP/1.1 100 x\r\n\r\nHTTP/1.1 403 No\r\n\r\n"), 37,
     "answered 403 No, not 200"},
    {"http://a", BYTES("HTTP/1.1 100 x\r\n\r\nx"), 19, "does not speak HTTP"},
    {"http://a", BYTES("HTTP/1.1 407 Who\r\nContent-Length: 1\r\n\r\nx"), 39,
     "answered 407 Who, not 200"},
    /* Who speaks something else is not waited for. */
    {"http://a", BYTES("SSH-2.0-x\r\n"), 1, "does not speak HTTP"},
    {"http://a", BYTES("HTTP/2.0 200 OK\r\n\r\n"), 6, "does not speak HTTP"},
    {"http://a", BYTES("\5\377"), 1, "does not speak HTTP"},
    {"http://a", BYTES("HTTP/1.1\r\n\r\n"), 12, "does not speak HTTP"},
    {"http://a", BYTES("HTTP/1.1 2xx OK\r\n\r\n"), 19, "does not speak HTTP"},
    {"http://a", BYTES("HTTP/1.1 2000 OK\r\n\r\n"), 20, "does not speak HTTP"},
    {"socks5://a", BYTES("\5\0\5\0\0\1abcdpp"), 12, NULL},
    {"socks5://a", BYTES("\5\0\5\0\0\1abcdppHTTP"), 12, NULL},
    {"socks5://a", BYTES("\5\0\5\0\0\4abcdefghijklmnoppp"), 24, NULL},
    {"socks5://a", BYTES("\5\0\5\0\0\3\3abcppx"), 12, NULL},
    {"socks5://a", BYTES("\5\0\5\0\0\3\0ppx"), 9, NULL},
    {"socks5://a", BYTES("\5\0\5\0\0\1abcdp"), 11, ""},
    {"socks5://a", BYTES("\5\0\5\0\0\2abcdpp"), 7, "no SOCKS 5"},
    /* Which refusal it is stands in front: what is behind it need not come. */
    {"socks5://a", BYTES("\5\0\5\4"), 4, "cannot reach the server"},
    {"socks5://a", BYTES("\5\0\5\5\0\1abcdpp"), 4, "was refused by the server"},
    {"socks5://a", BYTES("\5\0\5\310\0\1abcdpp"), 4, "has failed"},
    {"socks5://a", BYTES("\5\0\4\0"), 4, "no SOCKS 5"},
    {"socks5://a", BYTES("\4\0"), 2, "does not speak SOCKS 5"},
    {"socks5://a", BYTES("\5\377"), 2, "wants a login"},
    {"socks5://a", BYTES("\5\2"), 2, "wants a name and password"},
    {"socks5://a", BYTES("\5\1"), 2, "was not offered"},
    {"socks5://n:p@a", BYTES("\5\377"), 2, "takes no name and password"},
    {"socks5://n:p@a", BYTES("\5\1"), 2, "was not offered"},
    {"socks5://n:p@a", BYTES("\5\2\1\1"), 4, "does not take this name and password"},
    {"socks5://n:p@a", BYTES("\5\2\1\0\5\0\0\1abcdpp"), 14, NULL},
    {"socks5://n:p@a", BYTES("\5\0\5\0\0\1abcdpp"), 12, NULL},
};

/* Lets it hear bytes, `most` at a time and no more than it wants. Returns how many it took. */
static size_t converse(struct wst_replay_tunnel *t, struct guard *g, const char *bytes, size_t n,
                       size_t most)
{
    size_t at = 0, want;

    wst_replay_tunnel_says(t);
    while (at < n && (want = wst_replay_tunnel_wants(t)) > 0) {
        size_t now = want < most ? want : most;
        if (now > n - at) now = n - at;
        wst_replay_tunnel_hears(t, guard_put(g, bytes + at, now));
        wst_replay_tunnel_says(t);
        at += now;
    }
    return at;
}

static void test_answers(void **state)
{
    struct wst_replay_proxy p;
    struct wst_replay_tunnel t;
    char error[WST_REPLAY_ERROR_SIZE];
    struct guard g;

    (void)state;
    guard_init(&g, 512);
    for (size_t i = 0; i < 2 * ARRAY(answers); i++) {
        size_t row = i / 2, took;
        const char *says = answers[row].says, *failure;
        assert_int_equal(wst_replay_proxy_read(&p, answers[row].proxy, error), 0);
        wst_replay_tunnel_begin(&t, &p, "server", 7);
        took = converse(&t, &g, answers[row].answer, answers[row].n, i & 1 ? 1 : SIZE_MAX);
        failure = wst_replay_tunnel_failure(&t);
        if (took != answers[row].takes || !failure != (!says || !*says) ||
            (failure && !strstr(failure, says)))
            fail_msg("row %zu took %zu: %s", row, took, failure ? failure : "no failure");
        assert_int_equal(wst_replay_tunnel_wants(&t) > 0, says && !*says);
    }
    guard_free(&g);
}

/* Whatever comes, it ends: no more is taken than the room for it, and nothing is read beside it. */
static void test_endless(void **state)
{
    static const char *const proxies[] = {"http://n:p@a", "socks5://a", "socks5://n:p@a"};
    static char bytes[3 * sizeof((struct wst_replay_tunnel *)NULL)->in];
    static const char early[] = "HTTP/1.1 100 x\r\n\r\n";
    struct wst_replay_proxy p;
    struct wst_replay_tunnel t;
    char error[WST_REPLAY_ERROR_SIZE];
    uint64_t seed = 1;
    struct guard g;

    (void)state;
    guard_init(&g, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = early[i % (sizeof early - 1)];
    for (size_t round = 0; round < 3000; round++) {
        for (size_t i = 0; round > 3 && i < 300; i++) {
            uint64_t x = rnd(&seed);
            bytes[i] = i < 6 && x & 256 ? "\5\0\5\0\0\3"[i] : (char)x;
        }
        assert_int_equal(wst_replay_proxy_read(&p, proxies[round % 3], error), 0);
        wst_replay_tunnel_begin(&t, &p, "server", 7);
        converse(&t, &g, bytes, sizeof bytes, SIZE_MAX);
        assert_int_equal(wst_replay_tunnel_wants(&t), 0);
        if (round == 0) assert_non_null(strstr(wst_replay_tunnel_failure(&t), "no end"));
    }
    guard_free(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

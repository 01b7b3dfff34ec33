/* SPDX-License-Identifier: MIT
 *
 * WebSocket URIs: what is read from them, and what is refused.
 */
#include "guard.h"

#include <wstrace/replay.h>

static const struct {
    const char *text;
    bool secure;
    const char *host;
    unsigned port;
    const char *authority, *target;
} good[] = {
    {"ws://a", false, "a", 80, "a", NULL},
    {"ws://a/", false, "a", 80, "a", "/"},
    {"WS://Example.org:80/chat", false, "Example.org", 80, "Example.org", "/chat"},
    {"ws://example.org:8080/chat?x=1", false, "example.org", 8080, "example.org:8080", "/chat?x=1"},
    {"ws://a?x=/y", false, "a", 80, "a", "?x=/y"},
    {"ws://a:/x", false, "a", 80, "a", "/x"},
    {"wss://a", true, "a", 443, "a", NULL},
    {"wss://a:443", true, "a", 443, "a", NULL},
    {"wss://a:80/", true, "a", 80, "a:80", "/"},
    {"ws://[::1]:9000/x", false, "::1", 9000, "[::1]:9000", "/x"},
    {"wss://[2001:db8::1]", true, "2001:db8::1", 443, "[2001:db8::1]", NULL},
    {"ws://a:65535/@:[", false, "a", 65535, "a:65535", "/@:["},
    {"ws://a:0080/", false, "a", 80, "a", "/"},
};

static const char *const bad[] = {
    "",
    "a",
    "http://a/",
    "ws:/a",
    "ws//a",
    "ws://",
    "ws:///x",
    "ws://:80/",
    "ws://a:0/",
    "ws://a:65536/",
    "ws://a:8x/",
    "ws://a:99999999999/",
    "ws://u@a/",
    "ws://u:p@a/",
    "ws://::1/",
    "ws://[::1",
    "ws://[::1]x/",
    "ws://[]/",
    "ws://a/#b",
    "ws://a/b c",
    "ws://a/\x01",
    "ws://ä/",
    "ws://a/ä",
    "ws://a/\r\nX: y",
    "ws://a\x7f/",
};

static void test_good(void **state)
{
    struct wst_replay_url url;
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        assert_int_equal(wst_replay_url_read(&url, good[i].text, error), 0);
        assert_int_equal(url.secure, good[i].secure);
        assert_string_equal(url.host, good[i].host);
        assert_int_equal(url.port, good[i].port);
        assert_string_equal(url.authority, good[i].authority);
        if (good[i].target)
            assert_string_equal(url.target, good[i].target);
        else
            assert_null(url.target);
    }
}

static void test_bad(void **state)
{
    struct wst_replay_url url;
    char error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        error[0] = '\0';
        if (wst_replay_url_read(&url, bad[i], error) != -1) fail_msg("taken: %s", bad[i]);
        assert_true(error[0]);
    }
}

/* A host of 255 bytes fits with the longest port; one of 256 is refused. */
static void test_long(void **state)
{
    struct wst_replay_url url;
    char text[400] = "ws://[", error[WST_REPLAY_ERROR_SIZE];

    (void)state;
    memset(text + 6, 'a', 255);
    strcpy(text + 6 + 255, "]:65535/");
    assert_int_equal(wst_replay_url_read(&url, text, error), 0);
    assert_int_equal(strlen(url.host), 255);
    assert_true(strlen(url.authority) >= 255 + 2);
    assert_memory_equal(url.authority + strlen(url.authority) - 6, ":65535", 6);
    memset(text + 6, 'a', 256);
    strcpy(text + 6 + 256, "]:65535/");
    assert_int_equal(wst_replay_url_read(&url, text, error), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

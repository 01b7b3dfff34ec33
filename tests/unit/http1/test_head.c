/* SPDX-License-Identifier: MIT
 *
 * Heads: where they end, found at any split; what is in them.
 */
#include <stdio.h>

#include "guard.h"
#include "http1.h"

struct row {
    struct wst_slice bytes;
    size_t length;    /* of the head at the front; 0: none that is whole */
    const char *text; /* "method target minor status reason|name=value|…"; NULL: no HTTP head */
};

#define R101 "HTTP/1.1 101 Switching Protocols\r\n"
static const struct row rows[] = {
    {SLICE("GET /chat HTTP/1.1\r\nHost: h\r\n\r\nrest"), 31, "GET /chat 1 -1 |Host=h"},
    {SLICE("GET /chat HTTP/1.0\r\n\r\n"), 22, "GET /chat 0 -1 "},
    {SLICE(R101 "Upgrade: websocket\r\n\r\n\x81\x00"), 56,
     "  1 101 Switching Protocols|Upgrade=websocket"},
    {SLICE("HTTP/1.1 200 OK\r\n\r\n"), 19, "  1 200 OK"},
    {SLICE("HTTP/1.1 200\r\n\r\n"), 16, "  1 200 "},
    {SLICE("HTTP/1.1 200 \r\n\r\n"), 17, "  1 200 "},
    {SLICE("HTTP/1.1 999 What\r\n\r\n"), 21, "  1 999 What"},
    /* bare LF, alone and mixed */
    {SLICE("GET / HTTP/1.1\nHost: h\n\nrest"), 24, "GET / 1 -1 |Host=h"},
    {SLICE("GET / HTTP/1.1\r\nHost: h\n\r\nrest"), 26, "GET / 1 -1 |Host=h"},
    {SLICE("GET / HTTP/1.1\nHost: h\r\n\nrest"), 25, "GET / 1 -1 |Host=h"},
    /* one empty line before; the session takes away whatever there is */
    {SLICE("\r\nGET / HTTP/1.1\r\n\r\n"), 20, "GET / 1 -1 "},
    {SLICE("\nGET / HTTP/1.1\r\n\r\n"), 19, "GET / 1 -1 "},
    /* folding: the line end becomes spaces (RFC 9112 section 5.2) */
    {SLICE("GET / HTTP/1.1\r\nA: one\r\n two\r\n\tthree\r\nB: x\r\n\r\n"), 46,
     "GET / 1 -1 |A=one   two  \tthree|B=x"},
    {SLICE("GET / HTTP/1.1\nA: one\n two\nB: x\n\n"), 33, "GET / 1 -1 |A=one  two|B=x"},
    {SLICE("GET / HTTP/1.1\r\nA:\r\n one\r\n\r\n"), 28, "GET / 1 -1 |A=one"},
    /* around the colon */
    {SLICE("GET / HTTP/1.1\r\nA:b\r\nC:  d \t\r\nE :f\r\nG:\r\nH:i:j\r\n\r\n"), 49,
     "GET / 1 -1 |A=b|C=d|E=f|G=|H=i:j"},
    {SLICE("GET / HTTP/1.1\r\nno colon here\r\nA: b\r\n\r\n"), 39, "GET / 1 -1 |A=b"},
    {SLICE("GET / HTTP/1.1\r\n: v\r\nA: b\r\n\r\n"), 29, "GET / 1 -1 |=v|A=b"},
    {SLICE("GET / HTTP/1.1\r\nA: \xff\x00\x01 b\r\n\r\n"), 28, "GET / 1 -1 |A=??? b"},
    /* targets */
    {SLICE("GET http://h/x?y HTTP/1.1\r\n\r\n"), 29, "GET http://h/x?y 1 -1 "},
    {SLICE("GET /with space HTTP/1.1\r\n\r\n"), 28, "GET /with space 1 -1 "},
    {SLICE("CONNECT h:80 HTTP/1.1\r\n\r\n"), 25, "CONNECT h:80 1 -1 "},
    /* no head */
    {SLICE("GET /\r\n\r\n"), 9, NULL},
    {SLICE("GET / HTTP/2.0\r\n\r\n"), 18, NULL},
    {SLICE("GET /HTTP/1.1\r\n\r\n"), 17, NULL},
    {SLICE("GET HTTP/1.1\r\n\r\n"), 16, NULL},
    {SLICE("GET\r\n\r\n"), 7, NULL},
    {SLICE("HTTP/1.1 20 OK\r\n\r\n"), 18, NULL},
    {SLICE("HTTP/1.1 2000 OK\r\n\r\n"), 20, NULL},
    {SLICE("HTTP/1.1 099 OK\r\n\r\n"), 19, NULL},
    {SLICE("HTTP/1.1 x00 OK\r\n\r\n"), 19, NULL},
    {SLICE("HTTP/1.1\r\n\r\n"), 12, NULL},
    {SLICE("HTTP/2 200 OK fine\r\n\r\n"), 22, NULL},
    {SLICE("HTTP/1.12200 OK\r\n\r\n"), 19, NULL},
    /* not whole */
    {SLICE(""), 0, NULL},
    {SLICE("GET / HTTP/1.1"), 0, NULL},
    {SLICE("GET / HTTP/1.1\r\n"), 0, NULL},
    {SLICE("GET / HTTP/1.1\r\n\r"), 0, NULL},
    {SLICE("GET / HTTP/1.1\r\nA: b\r\n"), 0, NULL},
    {SLICE("GET / HTTP/1.1\r\nA: b\r\n\r"), 0, NULL},
};

static size_t put_slice(char *to, struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++)
        to[i] = (s.p[i] >= 0x20 && s.p[i] < 0x7f) || s.p[i] == '\t' ? (char)s.p[i] : '?';
    return s.n;
}

static void head_text(const struct wst_head *h, char *to)
{
    to += put_slice(to, h->method);
    *to++ = ' ';
    to += put_slice(to, h->target);
    to += sprintf(to, " %d %d ", h->minor, h->status);
    to += put_slice(to, h->reason);
    for (size_t i = 0; i < h->headers_n; i++) {
        *to++ = '|';
        to += put_slice(to, h->headers[i].name);
        *to++ = '=';
        to += put_slice(to, h->headers[i].value);
    }
    *to = '\0';
}

/* However much of it was looked at before, the end is found where it is, and not earlier. */
static void lengths(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        size_t until = r->length ? r->length : r->bytes.n;
        if (until > r->bytes.n) fail_msg("row %zu: has only %zu bytes", i, r->bytes.n);
        for (size_t n = 0; n <= r->bytes.n; n++)
            for (size_t seen = 0; seen <= n && seen < until; seen++) {
                size_t want = n >= until ? r->length : 0;
                size_t is = wst_head_length(guard_put(&g, r->bytes.p, n), seen);
                if (is != want)
                    fail_msg("row %zu, %zu bytes, %zu seen: %zu, not %zu", i, n, seen, is, want);
            }
    }
    guard_free(&g);
}

static void parsing(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows); i++) {
        const struct row *r = &rows[i];
        size_t n = r->length ? r->length : r->bytes.n;
        struct wst_slice s = guard_put(&g, r->bytes.p, n);
        struct wst_header room[WST_HTTP_HEADERS];
        struct wst_head head;
        char text[512];
        bool is = wst_head_parse(&head, room, (uint8_t *)(uintptr_t)s.p, n);
        if (!r->length) continue; /* defined, whatever it says */
        if (is != (r->text != NULL)) fail_msg("row %zu: %s", i, is ? "a head" : "no head");
        if (!is) continue;
        head_text(&head, text);
        if (strcmp(text, r->text) != 0) fail_msg("row %zu: %s, not %s", i, text, r->text);
    }
    guard_free(&g);
}

/* Lines beyond the room are passed over; the request line and the first lines stand. */
static void many_lines(void **state)
{
    static const size_t counts[] = {2047, 2048, 2049, 5000};
    (void)state;
    for (size_t c = 0; c < ARRAY(counts); c++) {
        char *p = malloc(64 + counts[c] * 16);
        assert_non_null(p);
        size_t n = (size_t)sprintf(p, "GET / HTTP/1.1\r\n");
        for (size_t i = 0; i < counts[c]; i++) n += (size_t)sprintf(p + n, "N%zu: v%zu\r\n", i, i);
        n += (size_t)sprintf(p + n, "\r\n");
        uint8_t *exact = malloc(n);
        assert_non_null(exact);
        memcpy(exact, p, n);
        struct wst_header room[WST_HTTP_HEADERS];
        struct wst_head head;
        assert_int_equal(wst_head_length(wst_slice_of(exact, n), 0), n);
        assert_true(wst_head_parse(&head, room, exact, n));
        assert_int_equal(head.headers_n,
                         counts[c] < WST_HTTP_HEADERS ? counts[c] : WST_HTTP_HEADERS);
        assert_true(wst_slice_is(wst_head_find(&head, "n2046", NULL), "v2046"));
        assert_true((wst_head_find(&head, "N2047", NULL).p != NULL) == (counts[c] > 2047));
        assert_null(wst_head_find(&head, "N2048", NULL).p);
        free(exact);
        free(p);
    }
}

static void finding(void **state)
{
    static const char text[] = "GET / HTTP/1.1\r\nConnection: keep-alive, Upgrade\r\n"
                               "X: 1\r\nx: 2\r\nX: \r\nUPGRADE:h2c ,\twebSocket\r\n\r\n";
    uint8_t bytes[sizeof text];
    struct wst_header room[WST_HTTP_HEADERS];
    struct wst_head head;
    (void)state;
    memcpy(bytes, text, sizeof text);
    assert_true(wst_head_parse(&head, room, bytes, sizeof text - 1));
    size_t from = 0;
    assert_true(wst_slice_is(wst_head_find(&head, "x", &from), "1"));
    assert_true(wst_slice_is(wst_head_find(&head, "x", &from), "2"));
    struct wst_slice empty = wst_head_find(&head, "x", &from);
    assert_true(empty.p && !empty.n);
    assert_null(wst_head_find(&head, "x", &from).p);
    assert_true(wst_head_has_token(&head, "connection", "upgrade"));
    assert_true(wst_head_has_token(&head, "Connection", "Keep-Alive"));
    assert_false(wst_head_has_token(&head, "Connection", "keep"));
    assert_true(wst_head_has_token(&head, "Upgrade", "websocket"));
    assert_true(wst_head_has_token(&head, "Upgrade", "h2c"));
    assert_false(wst_head_has_token(&head, "Upgrade", "websocke"));
    assert_false(wst_head_has_token(&head, "Nothing", "websocket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),
        cmocka_unit_test(parsing),
        cmocka_unit_test(many_lines),
        cmocka_unit_test(finding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

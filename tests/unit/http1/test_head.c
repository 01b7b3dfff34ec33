/* SPDX-License-Identifier: MIT
 *
 * Heads: where they end, found at any split; what is in them. Read twice, plainly and 64 bytes at a
 * time, and compared with a slow twin.
 */
#include <stdio.h>

#include "guard.h"
#include "http1.h"
#include "slow_head.h"

static slow_head_reader *const readers[] = {wst_head_read, wst_head_read_plain};

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
    /* folding: the line end becomes spaces (RFC 9112 section 5.2) */
    {SLICE("GET / HTTP/1.1\r\nA: one\r\n two\r\n\tthree\r\nB: x\r\n\r\n"), 46,
     "GET / 1 -1 |A=one   two  \tthree|B=x"},
    {SLICE("GET / HTTP/1.1\nA: one\n two\nB: x\n\n"), 33, "GET / 1 -1 |A=one  two|B=x"},
    {SLICE("GET / HTTP/1.1\r\nA:\r\n one\r\n\r\n"), 28, "GET / 1 -1 |A=one"},
    {SLICE("GET / HTTP/1.1\r\n A: b\r\n c\r\n\r\n"), 29, "GET / 1 -1 |A=b   c"},
    {SLICE("GET / HTTP/1.1\r\nA\r\n : b\r\n\r\n"), 27, "GET / 1 -1 |A=b"},
    {SLICE("GET / HTTP/1.1\r\nno\r\n colon\r\nA: b\r\n\r\n"), 36, "GET / 1 -1 |A=b"},
    {SLICE("GET / HTTP/1.1\r\nA: b\r\n \r\n\r\n"), 27, "GET / 1 -1 |A=b"},
    /* CR alone ends nothing */
    {SLICE("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"), 29, "GET / 1 -1 |A=b?C: d"},
    {SLICE("GET / HTTP/1.1\r\nA: b\r\n\rC: d\r\n\r\n"), 31, "GET / 1 -1 |A=b|?C=d"},
    {SLICE("GET / HTTP/1.1\r\nA: b\r\r\n\r\r\n\r\n"), 28, "GET / 1 -1 |A=b"},
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

/* Neither reader says anything of it, cut off after any byte or not, that the slow one does not. */
static void compare(struct guard *g, struct wst_slice s, bool cut)
{
    for (size_t n = cut ? 0 : s.n; n <= s.n; n++)
        for (size_t i = 0; i < ARRAY(readers); i++) {
            const char *differs = slow_head_differs(guard_put(g, s.p, n), readers[i]);
            if (differs)
                fail_msg("reader %zu, %zu bytes: %s: %.*s", i, n, differs, (int)n,
                         (const char *)s.p);
        }
}

static void parsing(void **state)
{
    struct guard g;
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(rows) * ARRAY(readers); i++) {
        const struct row *r = &rows[i / ARRAY(readers)];
        struct wst_slice s = guard_put(&g, r->bytes.p, r->bytes.n);
        struct wst_header room[WST_HTTP_HEADERS];
        struct wst_head head;
        char text[512];
        size_t n = readers[i % ARRAY(readers)](&head, room, s);
        if (n != r->length) fail_msg("%s: a head of %zu bytes", (const char *)r->bytes.p, n);
        if (!n) continue;
        if (head.folded) wst_head_unfold(&head, (uint8_t *)(uintptr_t)s.p, n);
        if (head.http != (r->text != NULL))
            fail_msg("%s: %s", (const char *)r->bytes.p, head.http ? "a head" : "no head");
        if (!head.http) continue;
        head_text(&head, text);
        if (strcmp(text, r->text) != 0)
            fail_msg("%s: %s, not %s", (const char *)r->bytes.p, text, r->text);
    }
    for (size_t i = 0; i < ARRAY(rows); i++) compare(&g, rows[i].bytes, true);
    guard_free(&g);
}

/* A target, a name, a value of any length: whatever is looked at together, each line end and each
 * colon lies at each place of it. */
static void places(void **state)
{
    static const char *const heads[] = {
        "GET /%s HTTP/1.1\r\nA: b\r\nC:d\r\n\r\n%s",
        "GET / HTTP/1.1\r\n%s: b\r\nC : d\r\n\r\n%s",
        "GET / HTTP/1.1\r\nA: %s\r\nC: d\r\n\r\n%s",
        "GET / HTTP/1.1\nA: %s\nC: d\n\n%s",
        "GET / HTTP/1.1\r\nA: %s\r\n b: c\r\nD: e\r\n\r\n%s",
        "GET / HTTP/1.1\r\nA: b\r\n%s\r\nC: d\r\n\r\n%s",
        "HTTP/1.1 200 %s\r\nA: b\r\n\r\n%s",
    };
    static const size_t rest[] = {0, 1, 63, 64, 200};
    struct guard g;
    char pad[201], body[201], text[1024];
    (void)state;
    guard_init(&g, 4096);
    for (size_t i = 0; i < ARRAY(heads) * ARRAY(rest); i++)
        for (size_t n = 0; n < sizeof pad; n++) {
            memset(pad, 'x', n);
            memset(body, '\n', sizeof body);
            pad[n] = body[rest[i % ARRAY(rest)]] = '\0';
            int length = snprintf(text, sizeof text, heads[i / ARRAY(rest)], pad, body);
            compare(&g, wst_slice_of(text, (size_t)length), false);
        }
    guard_free(&g);
}

/* Each byte of a head as browsers send them, replaced by each that means something. */
static void damaged(void **state)
{
    static const char whole[] =
        "GET /chat?room=1 HTTP/1.1\r\nHost: example.test\r\nConnection: keep-alive, Upgrade\r\n"
        "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n"
        "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nCookie: a=b; c=d\r\n\r\n\x81\x80";
    static const uint8_t instead[] = {0, '\n', '\r', ' ', '\t', ':', 'x', 0x7f, 0x80, 0xff};
    struct guard g;
    uint8_t bytes[sizeof whole - 1];
    (void)state;
    guard_init(&g, 4096);
    memcpy(bytes, whole, sizeof bytes);
    compare(&g, wst_slice_of(bytes, sizeof bytes), true);
    for (size_t at = 1; at < sizeof bytes; at++)
        for (size_t i = 0; i < ARRAY(instead); i++) {
            bytes[at] = instead[i];
            compare(&g, wst_slice_of(bytes, sizeof bytes), false);
            bytes[at] = (uint8_t)whole[at];
        }
    guard_free(&g);
}

/* What heads are made of, and what they are not, in any order. */
static void anything(void **state)
{
    static const struct wst_slice parts[] = {
        SLICE("\r\n"),
        SLICE("\r\n"),
        SLICE("\r\n"),
        SLICE("\n"),
        SLICE("\r"),
        SLICE(" "),
        SLICE("\t"),
        SLICE(":"),
        SLICE(": "),
        SLICE("\0"),
        SLICE("A: b"),
        SLICE("\x80"),
        SLICE("Content-Length"),
        SLICE("chunked"),
        SLICE("\r\n "),
        SLICE("\n\t"),
        SLICE("\r\n\r"),
        SLICE("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")};
    static const struct wst_slice starts[] = {SLICE("GET / HTTP/1.1\r\n"), SLICE("X"),
                                              SLICE("HTTP/1.1 204 No\n")};
    struct guard g;
    uint64_t random = 9112;
    (void)state;
    guard_init(&g, 4096);
    for (int round = 0; round < 30000; round++) {
        uint8_t bytes[2048];
        struct wst_slice s = starts[rnd_below(&random, ARRAY(starts))];
        size_t n = 0, count = rnd_below(&random, 32);
        for (size_t i = 0; i <= count; i++, s = parts[rnd_below(&random, ARRAY(parts))]) {
            memcpy(bytes + n, s.p, s.n);
            n += s.n;
        }
        compare(&g, wst_slice_of(bytes, n), false);
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
        assert_int_equal(wst_head_read(&head, room, wst_slice_of(exact, n)), n);
        assert_true(head.http);
        assert_int_equal(head.headers_n,
                         counts[c] < WST_HTTP_HEADERS ? counts[c] : WST_HTTP_HEADERS);
        assert_true(wst_slice_is(wst_head_find(&head, "n2046", NULL), "v2046"));
        assert_true((wst_head_find(&head, "N2047", NULL).p != NULL) == (counts[c] > 2047));
        assert_null(wst_head_find(&head, "N2048", NULL).p);
        assert_null(slow_head_differs(wst_slice_of(exact, n), wst_head_read));
        assert_null(slow_head_differs(wst_slice_of(exact, n), wst_head_read_plain));
        free(exact);
        free(p);
    }
}

/* What is beyond the room is not judged either: LF alone, and lines that go on in the next. */
static void beyond_the_room(void **state)
{
    static const char *const ends[] = {"N: v\n\r\n", "N: v\r\n f\r\n\r\n",      "\n",
                                       "N: v\r\n\n", "N\r\n : v\r\nN: v\n\r\n", "\r\n"};
    (void)state;
    for (size_t e = 0; e < ARRAY(ends); e++)
        for (size_t count = WST_HTTP_HEADERS - 2; count < WST_HTTP_HEADERS + 2; count++) {
            size_t n = 0, room = 64 + count * 6;
            char *p = malloc(room);
            assert_non_null(p);
            n += (size_t)sprintf(p, "GET / HTTP/1.1\r\n");
            for (size_t i = 0; i < count; i++) n += (size_t)sprintf(p + n, "N: v\r\n");
            n += (size_t)sprintf(p + n, "%s", ends[e]);
            assert_null(slow_head_differs(wst_slice_of(p, n), wst_head_read));
            assert_null(slow_head_differs(wst_slice_of(p, n), wst_head_read_plain));
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
    assert_int_equal(wst_head_read(&head, room, wst_slice_of(bytes, sizeof text - 1)),
                     sizeof text - 1);
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

/* Where the first one of a name is, is remembered of the first 255 lines. */
static void finding_far_down(void **state)
{
    enum { AT = 300 };
    char text[8 * AT + 64];
    struct wst_header room[WST_HTTP_HEADERS];
    struct wst_head head;
    size_t n = (size_t)sprintf(text, "GET / HTTP/1.1\r\n");
    (void)state;
    for (size_t i = 0; i < AT; i++) n += (size_t)sprintf(text + n, "N: %zu\r\n", i % 10);
    n += (size_t)sprintf(text + n, "Host: far\r\n\r\n");
    assert_int_equal(wst_head_read(&head, room, wst_slice_of(text, n)), n);
    for (size_t begin = 0; begin < AT + 2; begin++) {
        size_t from = begin;
        struct wst_slice value = wst_head_find(&head, "host", &from);
        assert_true(begin > AT ? !value.p : wst_slice_is(value, "far"));
        assert_int_equal(from, AT + 1);
        from = begin;
        assert_true((wst_head_find(&head, "n", &from).p != NULL) == (begin < AT));
        assert_int_equal(from, begin + (begin < AT));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths),          cmocka_unit_test(parsing),
        cmocka_unit_test(places),           cmocka_unit_test(damaged),
        cmocka_unit_test(anything),         cmocka_unit_test(many_lines),
        cmocka_unit_test(beyond_the_room),  cmocka_unit_test(finding),
        cmocka_unit_test(finding_far_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

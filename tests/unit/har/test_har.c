/* SPDX-License-Identifier: MIT
 *
 * Events in, a document out, which jansson reads: what is hostile, what has no room, what cannot be
 * written, what requests name.
 */
#include "file.h"

#include <jansson.h>
#include <stdio.h>
#include <wstrace/wstrace.h>

#include "slice.h"

#define T0 INT64_C(1795176001123456789)

struct sink {
    uint8_t *p;
    size_t n, room;
    size_t most; /* bytes there is room for */
    unsigned cuts;
    uint8_t *rest; /* what is written on and on is freed with it */
};

static int sink_write(void *user, const uint8_t *p, size_t n)
{
    struct sink *s = user;
    size_t fits = s->most - s->n < n ? s->most - s->n : n;
    if (s->n + fits > s->room) {
        s->room = 2 * (s->n + fits);
        s->p = realloc(s->p, s->room);
        assert_non_null(s->p);
    }
    if (fits) memcpy(s->p + s->n, p, fits);
    s->n += fits;
    return fits == n ? 0 : -5;
}

static int sink_cut(void *user, uint64_t n)
{
    struct sink *s = user;
    if (n > s->n) return -1;
    s->n = (size_t)n;
    s->cuts++;
    return 0;
}

/* -- events ------------------------------------------------------------------------------------ */

static void tell(struct wst_har *har, const struct wst_event *event)
{
    struct wst_listener to = wst_har_listener(har);
    to.event(to.user, event);
}

static struct wst_event handshake(uint64_t conn, int64_t ns)
{
    struct wst_event e = {
        .type = WST_EVENT_HANDSHAKE, .conn = conn, .dir = WST_DIR_NONE, .when = {conn, ns}};
    e.handshake = (struct wst_event_handshake){.carrier = WST_CARRIER_HTTP1,
                                               .tcp_stream = 7,
                                               .stream_id = -1,
                                               .client_ip = "10.0.0.1",
                                               .server_ip = "10.0.0.2",
                                               .server_port = 8080,
                                               .request_pkt = 1,
                                               .method = wst_slice_text("GET"),
                                               .host = wst_slice_text("example.com"),
                                               .uri = wst_slice_text("/chat"),
                                               .status = 101,
                                               .accepted = true,
                                               .request_http = 11,
                                               .response_http = 11,
                                               .rtt_ns = -1};
    return e;
}

static void message(struct wst_har *har, uint64_t conn, struct wst_slice payload, bool utf8)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .conn = conn, .dir = WST_C2S, .when = {2, T0}};
    e.message = (struct wst_event_message){
        .msg = 1, .opcode = 1, .certain = true, .utf8 = utf8, .len = payload.n, .payload = payload};
    tell(har, &e);
}

static void end(struct wst_har *har, uint64_t conn)
{
    struct wst_event e = {
        .type = WST_EVENT_END, .conn = conn, .dir = WST_DIR_NONE, .when = {3, T0}};
    e.end = (struct wst_event_end){.tcp = WST_TCP_FIN,
                                   .by = WST_DIR_NONE,
                                   .code = -1,
                                   .tcp_by = WST_DIR_NONE,
                                   .tls_by = WST_DIR_NONE,
                                   .duration_ns = 1500000};
    tell(har, &e);
}

static void finish(struct wst_har *har)
{
    tell(har, &(struct wst_event){.type = WST_EVENT_STATS, .stats = {.dropped = -1}});
}

/* The log; the caller lets go of what json_t it lies in. */
static json_t *read_log(struct sink *s, json_t **whole)
{
    json_error_t error;
    *whole = json_loadb((char *)s->p, s->n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
    if (*whole == NULL) fail_msg("%s at %d", error.text, error.position);
    for (size_t i = 0; i < s->n; i++)
        if ((s->p[i] < 0x20 && s->p[i] != '\n') || s->p[i] == 0x7f)
            fail_msg("byte %zu: control", i);
    free(s->p);
    s->p = NULL;
    s->n = s->room = 0;
    return json_object_get(*whole, "log");
}

static const char *text_of(json_t *object, const char *name)
{
    return json_string_value(json_object_get(object, name));
}

/* -- what is hostile --------------------------------------------------------------------------- */

static void hostile_bytes(void **state)
{
    static const char bytes[] = "\x1b[2J\0\x7f\"\\\n</script>\xe2\x80\xae";
    static const char surrogate[] = "a\xed\xa0\x80z"; /* U+D800 in what looks like UTF-8 */
    struct wst_slice s = {(const uint8_t *)bytes, sizeof bytes - 1};
    struct wst_slice no = {(const uint8_t *)surrogate, sizeof surrogate - 1};
    struct wst_header headers[] = {{s, s}, {no, no}, {{NULL, 0}, {NULL, 0}}};
    struct sink sink = {.most = SIZE_MAX};
    struct wst_har *har = wst_har_new(NULL, sink_write, &sink);
    struct wst_event e = handshake(1, T0);
    json_t *whole, *entry, *messages;
    const char *const sources[] = {bytes};
    struct wst_event meta = {.type = WST_EVENT_META,
                             .meta = {.sources = sources, .sources_n = 1, .filter = bytes}};
    (void)state;
    assert_non_null(har);
    tell(har, &meta);
    e.handshake.host = e.handshake.method = e.handshake.reason = e.handshake.subprotocol = s;
    e.handshake.uri = (struct wst_slice){(const uint8_t *)"/a\x1b\0 \"\xff?x=\x1b&%zz", 15};
    e.handshake.request_headers = e.handshake.response_headers = headers;
    e.handshake.request_headers_n = e.handshake.response_headers_n = 3;
    tell(har, &e);
    message(har, 1, s, true);
    message(har, 1, no, false);
    end(har, 1);
    finish(har);
    assert_false(wst_har_failed(har));
    entry = json_array_get(json_object_get(read_log(&sink, &whole), "entries"), 0);
    messages = json_object_get(entry, "_webSocketMessages");
    assert_int_equal(json_array_size(messages), 2);
    json_t *data = json_object_get(json_array_get(messages, 0), "data");
    assert_int_equal(json_string_length(data), s.n);
    assert_memory_equal(json_string_value(data), s.p, s.n);
    assert_string_equal(text_of(json_array_get(messages, 1), "data"), "Ye2ggHo=");
    assert_string_equal(text_of(json_array_get(messages, 1), "_encoding"), "base64");
    assert_string_equal(text_of(json_object_get(entry, "request"), "url"),
                        "ws://10.0.0.2:8080/a%1b%00%20%22%ff?x=%1b&%25zz");
    json_decref(whole);
    wst_har_free(har);
}

/* -- what requests name ------------------------------------------------------------------------ */

static void addresses(void **state)
{
    static const struct {
        const char *host, *uri;
        bool tls;
        uint16_t port;
        const char *url, *query;
    } rows[] = {
        {"example.com", "/", false, 80, "ws://example.com/", "[]"},
        {"example.com:81", "/a?b", true, 81, "wss://example.com:81/a?b",
         "[{\"name\":\"b\",\"value\":\"\"}]"},
        {"[::1]:9", "/a?b=c=d&&e+f=%41%c3%A9+&=", false, 9,
         "ws://[::1]:9/a?b=c=d&&e+f=%41%c3%A9+&=",
         "[{\"name\":\"b\",\"value\":\"c=d\"},{\"name\":\"e f\",\"value\":\"A\xc3\xa9 "
         "\"},{\"name\":\"\",\"value\":\"\"}]"},
        {NULL, "/x?%ff=%fe", true, 443, "wss://10.0.0.2/x?%ff=%fe",
         "[{\"name\":\"%ff\",\"value\":\"%fe\"}]"},
        {"evil@example.com", "/x", false, 8080, "ws://10.0.0.2:8080/x", "[]"},
        {"a/b", "/x", false, 80, "ws://10.0.0.2/x", "[]"},
        {"h", "http://other:8/p?q=1", false, 80, "ws://other:8/p?q=1",
         "[{\"name\":\"q\",\"value\":\"1\"}]"},
        {"h", "HTTPS://other/p", false, 80, "wss://other/p", "[]"},
        {"h", "*", false, 80, "ws://h/*", "[]"},
        {"h", "/a#b%", false, 80, "ws://h/a%23b%25", "[]"},
        {"h", NULL, false, 80, "ws://h/", "[]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        static const struct wst_tls_info tls;
        struct sink sink = {.most = SIZE_MAX};
        struct wst_har *har = wst_har_new(NULL, sink_write, &sink);
        struct wst_event e = handshake(1, T0);
        json_t *whole, *request, *query;
        e.handshake.host = wst_slice_text(rows[i].host);
        e.handshake.uri = wst_slice_text(rows[i].uri);
        e.handshake.server_port = rows[i].port;
        e.handshake.tls = rows[i].tls ? &tls : NULL;
        tell(har, &e);
        finish(har);
        request = json_object_get(
            json_array_get(json_object_get(read_log(&sink, &whole), "entries"), 0), "request");
        assert_string_equal(text_of(request, "url"), rows[i].url);
        query = json_loads(rows[i].query, 0, NULL);
        assert_true(json_equal(json_object_get(request, "queryString"), query));
        json_decref(query);
        json_decref(whole);
        wst_har_free(har);
    }
}

static void cookies(void **state)
{
    static const char *const rows[][3] = {
        {"Cookie", "a=b; c = d ;;e; f=g=h",
         "[{\"name\":\"a\",\"value\":\"b\"},{\"name\":\"c\",\"value\":\"d\"},{\"name\":\"\","
         "\"value\":\"e\"},"
         "{\"name\":\"f\",\"value\":\"g=h\"}]"},
        {"Set-Cookie",
         "id=1; Path=/x; Domain=a.b; Expires=Wed, 21 Oct 2015 07:28:00 GMT; Secure; HttpOnly; "
         "SameSite=Lax",
         "[{\"name\":\"id\",\"value\":\"1\",\"path\":\"/"
         "x\",\"domain\":\"a.b\",\"expires\":\"2015-10-21T07:28:00Z\","
         "\"sameSite\":\"Lax\",\"httpOnly\":true,\"secure\":true}]"},
        {"set-cookie", "id=1; path=/; PATH=/y; expires=Sunday, 06-Nov-94 08:49:37 GMT",
         "[{\"name\":\"id\",\"value\":\"1\",\"path\":\"/y\",\"expires\":\"1994-11-06T08:49:37Z\","
         "\"httpOnly\":false,\"secure\":false}]"},
        {"Set-Cookie", "id=1; Expires=Thu, 30 Feb 2023 00:00:00 GMT",
         "[{\"name\":\"id\",\"value\":\"1\",\"_expires\":\"Thu, 30 Feb 2023 00:00:00 GMT\","
         "\"httpOnly\":false,\"secure\":false}]"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct wst_header header = {wst_slice_text(rows[i][0]), wst_slice_text(rows[i][1])};
        struct sink sink = {.most = SIZE_MAX};
        struct wst_har *har = wst_har_new(NULL, sink_write, &sink);
        struct wst_event e = handshake(1, T0);
        json_t *whole, *entry, *want = json_loads(rows[i][2], 0, NULL);
        assert_non_null(want);
        e.handshake.request_headers = e.handshake.response_headers = &header;
        e.handshake.request_headers_n = e.handshake.response_headers_n = 1;
        tell(har, &e);
        finish(har);
        entry = json_array_get(json_object_get(read_log(&sink, &whole), "entries"), 0);
        entry = json_object_get(entry, i ? "response" : "request");
        if (!json_equal(json_object_get(entry, "cookies"), want))
            fail_msg("%zu: %s", i, json_dumps(json_object_get(entry, "cookies"), 0));
        json_decref(want);
        json_decref(whole);
        wst_har_free(har);
    }
}

/* Entries by the times of their requests, whenever those were answered. */
static void order(void **state)
{
    static const int64_t asked[] = {5, 3, 0, 4, 3};
    static const int want[] = {2, 5, 4, 1, 3};
    struct sink sink = {.most = SIZE_MAX};
    struct wst_har *har = wst_har_new(NULL, sink_write, &sink);
    json_t *whole, *entries, *one;
    size_t i;
    (void)state;
    for (uint64_t c = 1; c <= 5; c++) {
        struct wst_event e = handshake(c, T0 + 10000000000 + (int64_t)c);
        if (asked[c - 1]) e.handshake.request_ns = T0 + asked[c - 1] * 1000000000;
        e.handshake.accepted = c != 2;
        if (c == 4) e.handshake.request_ns += 1;
        if (c == 5) e.handshake.request_ns += 2;
        tell(har, &e);
    }
    for (uint64_t c = 5; c > 0; c--) end(har, c); /* of the refused one, nobody tells */
    finish(har);
    entries = json_object_get(read_log(&sink, &whole), "entries");
    assert_int_equal(json_array_size(entries), 5);
    json_array_foreach(entries, i, one)
        assert_int_equal(json_integer_value(json_object_get(one, "_conn")), want[i]);
    json_decref(whole);
    wst_har_free(har);
}

/* -- text known by the piece --------------------------------------------------------------------
 */

enum { SKETCH = 90000, LARGE = 40000 };

/* Of three bytes in a row a beginning, many short pieces, one that is long, and an end not known.
 */
static uint8_t *sketch_of(void)
{
    uint8_t *p = malloc(SKETCH);
    assert_non_null(p);
    for (size_t i = 0; i < SKETCH; i++) p[i] = (uint8_t) "ab\"\\\n<"[i % 6];
    for (size_t i = 2; i < SKETCH - LARGE - 9; i += 10) p[i] = 0xff;
    p[SKETCH - LARGE - 9] = 0xff;
    memset(p + SKETCH - 9, 0xff, 9);
    return p;
}

/* Each at its place, nothing twice, and together what a viewer shows. */
static void look_at_pieces(json_t *message, const uint8_t *sketch, bool whole)
{
    const char *shown = text_of(message, "data");
    size_t i, end = 0, known = 0;
    json_t *one;
    json_array_foreach(json_object_get(message, "_pieces"), i, one)
    {
        size_t at = (size_t)json_integer_value(json_object_get(one, "at"));
        size_t n = json_string_length(json_object_get(one, "text"));
        assert_true(at >= end && at + n <= SKETCH);
        assert_memory_equal(sketch + at, text_of(one, "text"), n);
        if (at > end) {
            assert_memory_equal(shown, "…", strlen("…"));
            shown += strlen("…");
        }
        assert_memory_equal(shown, sketch + at, n);
        shown += n;
        known += n;
        end = at + n;
    }
    assert_true(json_is_false(json_object_get(message, "_certain")));
    if (!whole) return;
    assert_string_equal(shown, "…");
    assert_int_equal(end, SKETCH - 9);
    assert_int_equal(json_integer_value(json_object_get(message, "_omitted")), SKETCH - known);
}

static void by_the_piece(void **state)
{
    uint8_t *sketch = sketch_of();
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .conn = 1, .dir = WST_S2C, .when = {2, T0}};
    e.message = (struct wst_event_message){.msg = 1,
                                           .opcode = 1,
                                           .utf8 = true,
                                           .len = SKETCH,
                                           .omitted = SKETCH - 2,
                                           .payload = {sketch, 2},
                                           .sketch = {sketch, SKETCH}};
    (void)state;
    for (size_t memory = 1 << 16; memory < 1 << 22; memory += memory / 9) {
        struct wst_har_options options;
        struct sink sink = {.most = SIZE_MAX};
        struct wst_event shake = handshake(1, T0);
        json_t *whole, *messages, *one;
        size_t i, n = 0;
        wst_har_options_init(&options);
        options.memory = memory;
        struct wst_har *har = wst_har_new(&options, sink_write, &sink);
        tell(har, &shake);
        for (unsigned m = 0; m < 4; m++) tell(har, &e);
        end(har, 1);
        finish(har);
        struct wst_har_left left = wst_har_left(har);
        json_t *log = read_log(&sink, &whole);
        messages = json_object_get(json_array_get(json_object_get(log, "entries"), 0),
                                   "_webSocketMessages");
        json_array_foreach(messages, i, one)
        {
            bool there = i + left.items < 4;
            look_at_pieces(one, sketch, there);
            n += there;
        }
        assert_int_equal(n + left.items, 4);
        assert_true(memory < 1 << 21 || n == 4);
        json_decref(whole);
        wst_har_free(har);
    }
    free(sketch);
}

/* -- what has no room -------------------------------------------------------------------------- */

struct plan {
    size_t memory, file, size; /* file: bytes it takes; SIZE_MAX: there is none */
    unsigned conns, messages;
    bool binary;
};

static uint8_t *payload_of(size_t n, bool utf8)
{
    uint8_t *p = malloc(n + 1);
    assert_non_null(p);
    for (size_t i = 0; i < n; i++)
        p[i] = utf8 ? (uint8_t)("ab\"\xc3\xa9\n"[i % 6]) : (uint8_t)(i * 7);
    return p;
}

/* Everything of it is there, or counted as left out; what is cut says by how much. */
static void look_through(const struct plan *plan, json_t *log, const struct wst_har_left *left)
{
    json_t *entries = json_object_get(log, "entries"), *entry, *one;
    uint64_t there = 0, said = 0;
    size_t i, k;
    json_array_foreach(entries, i, entry)
    {
        json_array_foreach(json_object_get(entry, "_webSocketMessages"), k, one)
        {
            uint64_t omitted = (uint64_t)json_integer_value(json_object_get(one, "_omitted"));
            size_t n = json_string_length(json_object_get(one, "data"));
            if (plan->binary) {
                const char *data = text_of(one, "data");
                n = n / 4 * 3 - (n && data[n - 1] == '=') - (n && data[n - 2] == '=');
            }
            assert_int_equal(n + omitted, plan->size);
            there += omitted == 0;
        }
        assert_non_null(json_object_get(entry, "time"));
        said += (uint64_t)json_integer_value(json_object_get(entry, "_leftOut"));
    }
    assert_int_equal(there + left->items, (uint64_t)plan->conns * plan->messages);
    assert_int_equal(json_array_size(entries) + left->connections, plan->conns);
    assert_true(said <= left->items);
    assert_true((left->items > 0) == (text_of(log, "comment") != NULL));
}

static void run_plan(const struct plan *plan, size_t most, size_t unread)
{
    struct file file = {.most = plan->file, .unread = unread};
    struct wst_har_spool spool = {&file, file_write, file_read, file_cut};
    struct wst_har_options options;
    struct sink sink = {.most = most};
    uint8_t *p = payload_of(plan->size, !plan->binary);
    struct wst_har_left left;
    json_t *whole, *log;
    bool failed;
    wst_har_options_init(&options);
    options.memory = plan->memory;
    options.cut = sink_cut;
    if (plan->file != SIZE_MAX) options.spool = &spool;
    struct wst_har *har = wst_har_new(&options, sink_write, &sink);
    for (uint64_t c = 1; c <= plan->conns; c++) {
        struct wst_event e = handshake(c, T0 + (int64_t)c);
        tell(har, &e);
    }
    for (unsigned m = 0; m < plan->messages; m++)
        for (uint64_t c = 1; c <= plan->conns; c++)
            message(har, c, wst_slice_of(p, plan->size), !plan->binary);
    for (uint64_t c = 1; c <= plan->conns; c++) end(har, c);
    finish(har);
    left = wst_har_left(har);
    failed = wst_har_failed(har);
    if (!failed || sink.cuts) {
        log = read_log(&sink, &whole);
        if (!sink.cuts && !left.unread) look_through(plan, log, &left);
        if (sink.cuts || left.unread) assert_non_null(text_of(log, "comment"));
        json_decref(whole);
    } else {
        assert_true(most < 1000); /* there was no room for a document without entries */
    }
    assert_int_equal(left.unread, unread < file.n);
    wst_har_free(har);
    free(sink.p);
    free(file.p);
    free(p);
}

static void no_room(void **state)
{
    static const struct plan plans[] = {
        {.memory = 65536, .file = SIZE_MAX, .size = 96, .conns = 5, .messages = 300},
        {.memory = 65536, .file = SIZE_MAX, .size = 96, .conns = 400, .messages = 2},
        {.memory = 65536, .file = SIZE_MAX, .size = 200000 / 6 * 6, .conns = 1, .messages = 2},
        {.memory = 1 << 20, .file = SIZE_MAX, .size = 300000, .conns = 2, .messages = 4},
        {.memory = 1 << 20,
         .file = SIZE_MAX,
         .size = 300001,
         .conns = 2,
         .messages = 4,
         .binary = true},
        {.memory = 65536, .file = 300000, .size = 1000, .conns = 9, .messages = 90, .binary = true},
        {.memory = 65536, .file = 0, .size = 60, .conns = 300, .messages = 9},
        {.memory = 65536, .file = SIZE_MAX - 1, .size = 300000, .conns = 3, .messages = 5},
        {.memory = 65536, .file = SIZE_MAX - 1, .size = 90, .conns = 900, .messages = 9},
    };
    (void)state;
    for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
        run_plan(&plans[i], SIZE_MAX, SIZE_MAX);
}

/* The output is full, or the file forgets, at one place after the other. */
static void cut_anywhere(void **state)
{
    static const struct plan plan = {
        .memory = 65536, .file = SIZE_MAX - 1, .size = 1200, .conns = 30, .messages = 30};
    (void)state;
    for (size_t most = 0; most < 1400000; most += 43777) run_plan(&plan, most, SIZE_MAX);
    for (size_t unread = 1; unread < 1400000; unread += 43777) run_plan(&plan, SIZE_MAX, unread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_bytes), cmocka_unit_test(addresses),    cmocka_unit_test(cookies),
        cmocka_unit_test(order),         cmocka_unit_test(by_the_piece), cmocka_unit_test(no_room),
        cmocka_unit_test(cut_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Extended CONNECTs over HTTP/2 and HTTP/3: each finding is told under the name of what carried it.
 */
#include <stdio.h>

#include "guard.h"
#include "http1.h"

static struct {
    enum wst_problem found[16];
    size_t n;
    bool handshake;
    enum wst_carrier carrier;
    uint32_t refused;
    char detail[256]; /* of the last one */
} told;

static void on_handshake(void *user, void *conversation, struct wst_event_handshake *event,
                         const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)a;
    told.handshake = true;
    told.carrier = event->carrier;
}

static void on_problem(void *user, void *conversation, enum wst_problem problem, enum wst_dir dir,
                       const char *detail, const struct wst_arrival *a)
{
    (void)user, (void)conversation, (void)dir, (void)a;
    assert_true(*detail);
    snprintf(told.detail, sizeof told.detail, "%s", detail);
    assert_true(told.n < ARRAY(told.found));
    told.found[told.n++] = problem;
}

static struct wst_slice text(const char *s)
{
    return (struct wst_slice){(const uint8_t *)s, s ? strlen(s) : 0};
}

static struct wst_http_env env;
static struct { /* of a stream that was not answered */
    bool unanswered, reset, forgotten;
    enum wst_dir by;
    const char *why;
} over = {.by = WST_DIR_NONE};

/* A good request but for the field `name`: with this value, or without it. */
static bool reports(enum wst_carrier carrier, bool unasked, int status, const char *name,
                    const char *value)
{
    static const char *const good[][2] = {
        {":method", "CONNECT"},   {":protocol", "websocket"},       {":scheme", "https"},
        {":path", "/chat"},       {":authority", "server.example"}, {"sec-websocket-version", "13"},
        {"origin", "https://a.b"}};
    struct wst_options options;
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_header request[WST_HTTP_HEADERS], response[WST_HTTP_HEADERS];
    struct wst_upgrade_terms terms;
    struct wst_arrival now = {.from = 1, .when = {.pkt = 1}};
    size_t n = 0;
    wst_options_init(&options);
    memset(&told, 0, sizeof told);
    env = (struct wst_http_env){.options = &options,
                                .budget = &budget,
                                .handshake = on_handshake,
                                .problem = on_problem,
                                .forgotten = over.forgotten};
    for (size_t i = 0; i < ARRAY(good); i++)
        if (!name || strcmp(name, good[i][0]) != 0)
            request[n++] = (struct wst_header){text(good[i][0]), text(good[i][1])};
    if (value) request[n++] = (struct wst_header){text(name), text(value)};
    response[0] = (struct wst_header){text(":status"), text("200")};
    response[1] = (struct wst_header){text("content-encoding"), text("br")};
    struct wst_extended x = {.carrier = carrier,
                             .request = request,
                             .request_n = n,
                             .response = over.unanswered ? NULL : response,
                             .response_n = name && !strcmp(name, "coded") ? 2 : 1,
                             .status = status,
                             .secure = true,
                             .unasked = unasked,
                             .reset = over.reset,
                             .reset_by = over.by,
                             .why = over.why,
                             .refused = &told.refused};
    bool accepted = wst_extended_report(&env, &x, &terms, &now);
    assert_true(told.handshake);
    wst_http_env_free(&env);
    assert_int_equal(budget.used, 0);
    return accepted;
}

static void finds(enum wst_problem one)
{
    assert_int_equal(told.n, 1);
    assert_int_equal(told.found[0], one);
}

static void by_carrier(void **state)
{
    (void)state;
    static const struct {
        enum wst_carrier carrier;
        enum wst_problem not_enabled, pseudo, hop;
    } rows[] = {{WST_CARRIER_H2, WST_PROBLEM_HTTP2_NOT_ENABLED, WST_PROBLEM_HTTP2_PSEUDO_MISSING,
                 WST_PROBLEM_HTTP2_HOP_HEADER},
                {WST_CARRIER_H3, WST_PROBLEM_HTTP3_NOT_ENABLED, WST_PROBLEM_HTTP3_PSEUDO_MISSING,
                 WST_PROBLEM_HTTP3_HOP_HEADER}};
    for (size_t i = 0; i < ARRAY(rows); i++) {
        assert_true(reports(rows[i].carrier, false, 200, NULL, NULL));
        assert_int_equal(told.n, 0);
        assert_int_equal(told.carrier, rows[i].carrier);
        assert_true(reports(rows[i].carrier, false, 299, "te", "trailers"));
        assert_int_equal(told.n, 0);
        assert_false(reports(rows[i].carrier, false, 403, NULL, NULL));
        reports(rows[i].carrier, true, 200, NULL, NULL);
        finds(rows[i].not_enabled);
        static const char *const needed[] = {":scheme", ":path", ":authority"};
        for (size_t k = 0; k < ARRAY(needed); k++) {
            reports(rows[i].carrier, false, 200, needed[k], NULL);
            finds(rows[i].pseudo);
        }
        reports(rows[i].carrier, false, 200, "connection", "upgrade");
        finds(rows[i].hop);
        reports(rows[i].carrier, false, 200, "upgrade", "websocket");
        finds(rows[i].hop);
    }
}

/* What is told of a body that comes in two pieces. */
static const char *says(int status, const char *body, bool whole)
{
    struct wst_buf kept = {0};
    struct wst_budget budget = {.max = 1 << 20};
    struct wst_arrival now = {.from = 1, .when = {.pkt = 1}};
    size_t n = strlen(body) / 2;
    assert_false(reports(WST_CARRIER_H2, false, status, NULL, NULL));
    assert_true(told.refused);
    struct wst_refusal r = {&env, NULL, &told.refused, &kept, &now};
    env.budget = &budget;
    told.n = 0;
    wst_refusal_bytes(&r, wst_slice_head(text(body), n));
    wst_refusal_bytes(&r, wst_slice_skip(text(body), n));
    wst_refusal_end(&r, whole);
    assert_false(told.refused);
    wst_refusal_bytes(&r, text("behind its end"));
    wst_refusal_end(&r, whole);
    assert_int_equal(budget.used, 0);
    if (!told.n) return "";
    finds(WST_PROBLEM_HANDSHAKE_REFUSAL_BODY);
    return told.detail;
}

/* There is no status line, and so none whose words a body could repeat: the registered ones do. */
static void bodies_of_refusals(void **state)
{
    (void)state;
    assert_string_equal(says(403, "no room", true), "the answer says: no room");
    assert_string_equal(says(403, "no room", false), "the answer says: no room...");
    assert_string_equal(says(403, "Not Found", true), "the answer says: Not Found");
    assert_string_equal(says(403, "Forbidden", true), "");
    assert_string_equal(says(404, "404 not found\n", true), "");
    assert_string_equal(says(404, "<html><title>404 Not Found</title>", true), "");
    assert_string_equal(says(599, "Not Found", true), "the answer says: Not Found");
    assert_string_equal(says(403, "", true), "");
    assert_false(reports(WST_CARRIER_H3, false, 403, "coded", NULL));
    assert_int_equal(told.refused, 0);
    assert_true(reports(WST_CARRIER_H3, false, 200, NULL, NULL));
    assert_int_equal(told.refused, 0);
}

/* Where an answer may be among what is missing nobody says that there was none. */
static void unanswered(void **state)
{
    static const struct {
        bool reset;
        enum wst_dir by;
        const char *why, *said;
    } rows[] = {
        {true, WST_S2C, "CODE",
         "the server reset the stream before the extended CONNECT was answered, with CODE"},
        {true, WST_C2S, NULL,
         "the client reset the stream before the extended CONNECT was answered"},
        {false, WST_C2S, "CODE",
         "no answer to the extended CONNECT was captured, and the client reset the stream, with "
         "CODE"},
        {true, WST_DIR_NONE, "the client closed the connection",
         "no answer to the extended CONNECT was captured, and the client closed the connection"},
        {true, WST_DIR_NONE, NULL, "the stream was reset before the extended CONNECT was answered"},
        {false, WST_DIR_NONE, NULL, "no answer to the extended CONNECT was captured"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY(rows); i++) {
        over.unanswered = true;
        over.reset = rows[i].reset;
        over.by = rows[i].by;
        over.why = rows[i].why;
        assert_false(reports(WST_CARRIER_H2, false, -1, NULL, NULL));
        finds(WST_PROBLEM_HANDSHAKE_NO_RESPONSE);
        assert_string_equal(told.detail, rows[i].said);
    }
    over.forgotten = true; /* for want of memory: it may have come behind that */
    for (size_t i = 0; i < ARRAY(rows); i++) {
        over.reset = rows[i].reset;
        over.by = rows[i].by;
        over.why = rows[i].why;
        assert_false(reports(WST_CARRIER_H2, false, -1, NULL, NULL));
        finds(over.reset ? WST_PROBLEM_HANDSHAKE_NO_RESPONSE : WST_PROBLEM_CAPTURE_EVICTED);
    }
    memset(&over, 0, sizeof over);
    over.by = WST_DIR_NONE;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_carrier), cmocka_unit_test(unanswered),
                                       cmocka_unit_test(bodies_of_refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

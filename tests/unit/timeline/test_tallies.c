/* SPDX-License-Identifier: MIT
 *
 * What the timeline counts.
 *
 * What is kept of a connection's findings goes when the connection does: a month of sniffing holds
 * no more of them than there are connections open.
 */
#include "timeline.h"

#include "guard.h"

enum { CONNECTIONS = 50, CAP = 8 };

struct room {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_timeline timeline;
    uint64_t told; /* findings */
};

static void on_event(void *user, const struct wst_event *e)
{
    struct room *r = user;
    r->told += e->type == WST_EVENT_PROBLEM;
}

static void open_room(struct room *r)
{
    const struct wst_listener listener = {.user = r, .event = on_event};
    *r = (struct room){.budget = {.max = SIZE_MAX}};
    wst_options_init(&r->options);
    r->options.problems = WST_PROBLEMS_FIRST;
    r->options.limits.max_findings = CAP;
    wst_timeline_init(&r->timeline, &listener, &r->options, &r->budget);
}

static void close_room(struct room *r)
{
    wst_timeline_free(&r->timeline);
    assert_int_equal(r->budget.used, 0);
}

static void handshake(struct room *r, bool accepted, uint64_t *conn)
{
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .dir = WST_DIR_NONE};
    e.handshake.accepted = accepted;
    wst_timeline_emit(&r->timeline, &e, conn);
}

static void finding(struct room *r, uint64_t *conn)
{
    struct wst_event e = {.type = WST_EVENT_PROBLEM, .dir = WST_C2S};
    e.problem.problem = WST_PROBLEM_HANDSHAKE_HOST;
    wst_timeline_emit(&r->timeline, &e, conn);
}

/* A refused one has no end: its findings go with the next handshake. */
static void one_after_another(void **state)
{
    (void)state;
    for (int accepted = 0; accepted < 2; accepted++) {
        struct room r;
        open_room(&r);
        for (unsigned i = 0; i < CONNECTIONS; i++) {
            struct wst_event end = {.type = WST_EVENT_END, .dir = WST_DIR_NONE};
            uint64_t conn = 0;
            handshake(&r, accepted, &conn);
            finding(&r, &conn);
            finding(&r, &conn);
            if (accepted) wst_timeline_emit(&r.timeline, &end, &conn);
            assert_int_equal(r.timeline.tallies.conns.n, !accepted);
        }
        assert_int_equal(r.told, CONNECTIONS); /* the first of each */
        close_room(&r);
    }
}

/* limits.max_findings at a time; of those beyond it is not known what was told: all is. */
static void all_at_once(void **state)
{
    struct room r;
    (void)state;
    open_room(&r);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        uint64_t conn = 0;
        handshake(&r, true, &conn);
        finding(&r, &conn);
        finding(&r, &conn);
        assert_int_equal(r.timeline.tallies.conns.n, i < CAP ? i + 1 : CAP);
    }
    assert_int_equal(r.told, CAP + 2 * (CONNECTIONS - CAP));
    close_room(&r);
}

/* How a connection ended, for the words of the summary: by its frames, else by its carrier. */
static void endings(void **state)
{
    enum { NOBODY = WST_DIR_NONE };
    static const struct {
        struct wst_event_end end;
        enum wst_ended is;
    } rows[] = {
        {{.tcp = WST_TCP_RST, .clean = true, .by = WST_C2S}, WST_ENDED_CLEAN},
        {{.tcp = WST_TCP_RST, .by = WST_S2C}, WST_ENDED_ONE},
        /* what looks like the server's close frame is HTTP, or the client's */
        {{.tcp = WST_TCP_RST, .by = WST_S2C, .http = {[WST_S2C] = true}}, WST_ENDED_RESET},
        {{.tcp = WST_TCP_FIN, .by = WST_C2S, .http = {[WST_C2S] = true}}, WST_ENDED_NONE},
        {{.tcp = WST_TCP_FIN, .by = WST_C2S, .http = {[WST_S2C] = true}}, WST_ENDED_ONE},
        {{.tcp = WST_TCP_FIN, .by = NOBODY}, WST_ENDED_NONE},
        {{.tcp = WST_TCP_TIMEOUT, .by = NOBODY}, WST_ENDED_SILENT},
        {{.tcp = WST_TCP_EVICTED, .by = NOBODY}, WST_ENDED_FORGOTTEN},
        /* the capture was over first; but one side had ended it */
        {{.tcp = WST_TCP_EOF, .by = NOBODY, .tcp_by = NOBODY, .tls_by = NOBODY}, WST_ENDED_OPEN},
        {{.tcp = WST_TCP_EOF, .by = NOBODY, .tcp_by = NOBODY, .tls_by = NOBODY, .half = true},
         WST_ENDED_NONE},
        {{.tcp = WST_TCP_EOF, .by = NOBODY, .tcp_by = WST_C2S, .tls_by = NOBODY}, WST_ENDED_NONE},
        {{.tcp = WST_TCP_EOF, .by = NOBODY, .tcp_by = NOBODY, .tls_by = WST_C2S}, WST_ENDED_NONE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct room r;
        struct wst_event e = {.type = WST_EVENT_END, .dir = WST_DIR_NONE};
        uint64_t conn = 0;
        e.end = rows[i].end;
        open_room(&r);
        handshake(&r, true, &conn);
        wst_timeline_emit(&r.timeline, &e, &conn);
        for (int k = 0; k < WST_ENDED; k++)
            assert_int_equal(r.timeline.stats.ended[k], k == (int)rows[i].is);
        close_room(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_another),
        cmocka_unit_test(all_at_once),
        cmocka_unit_test(endings),
    };
    return cmocka_run_group_tests_name("timeline/tallies", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * Connections captured in several networks: which of them are one.
 */
#include "rig.h"

/* A mirror that tags what one side sends, or each with another VLAN: the SYN that answers says so,
 * and from then on all that either carries is one network's. */
static void test_tagged(void **state)
{
    static const uint32_t domains[][2] = {{7, 0}, {0, 7}, {7, 9}};
    static const struct row rows[] = {
        {"one side tagged", "cS0 sS0,1 c1,1=a s1,2=b cF2,2 sF2,3 c3,3",
         "c\"a\" s\"b\" c. s. (fin)"},
        {"its request comes before the answer", "cS0 c1=a sS0,1 s1,2=b $", "c\"a\" s\"b\" (eof)"},
        {"bytes came with the SYN, and the answer has them", "cS0=a sS0,2 s1,2=b $",
         "c\"a\" s\"b\" (eof)"},
        {"the next connection is known from its SYN on",
         "cS0 sS0,1 cR1 cS9000 s1,9001 c9001,1=a sS0,9001 s1,9002=b $",
         "(rst) c\"a\" s\"b\" (eof)"},
    };
    struct rig like;
    (void)state;
    rig_init(&like);
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++) {
        memcpy(like.domain, domains[i], sizeof like.domain);
        RIG_ROWS(rows, &like);
    }
}

static void on(struct rig *r, uint32_t client, uint32_t server)
{
    r->domain[0] = client;
    r->domain[1] = server;
}

/* Before and behind a router each network has both directions. Where one SYN is missing they stay
 * two all the same. */
static void test_routed(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    on(&r, 7, 7), rig_run(&r, "cS0");
    on(&r, 9, 9), rig_run(&r, "cS0 sS0,1");
    on(&r, 7, 7), rig_run(&r, "sS0,1");
    assert_int_equal(wst_flow_streams(r.table), 2);
    r.client++;
    on(&r, 7, 9), rig_run(&r, "cS0 sS0,1");
    assert_int_equal(wst_flow_streams(r.table), 4);
    rig_close(&r);
}

/* What was told; the record of a copy ends without a byte, as one that is forgotten. */
static const char *but_for_copy(struct rig *r)
{
    static const char end[] = "(evicted)";
    char *at = strstr(r->told, end);
    if (!at) return r->told;
    char *next = at + sizeof end - 1;
    if (*next)
        next++;
    else if (at > r->told)
        at--; /* the space before it */
    memmove(at, next, strlen(next) + 1);
    return r->told;
}

/* Both SYNs have the same numbers in two networks: it is one connection, whose bytes are told once,
 * whichever network has them, and first. */
static void test_copies(void **state)
{
    static const char *const both[] = {"cS0",     "sS70,1",   "c1,71=a",
                                       "s71,2=b", "c2,72=cc", "s72,4=d"};
    struct rig r;
    (void)state;
    for (unsigned i = 0; i < 24; i++) {
        unsigned late = i % 6;           /* packets by which the second network is behind */
        uint32_t there = i < 12 ? 7 : 9; /* 9: each direction has its own tag */
        bool tagged = i / 6 % 2;         /* is the first */
        rig_init(&r);
        rig_open(&r);
        for (unsigned k = 0; k < 6 + late; k++) {
            on(&r, tagged ? 7 : 0, tagged ? there : 0);
            if (k < 6) rig_run(&r, both[k]);
            on(&r, tagged ? 0 : 7, tagged ? 0 : there);
            if (k >= late) rig_run(&r, both[k - late]);
        }
        assert_string_equal(but_for_copy(&r), "c\"a\" s\"b\" c\"cc\" s\"d\"");
        on(&r, 7, there), rig_run(&r, "c4,73=e"); /* which the other has not */
        assert_string_equal(but_for_copy(&r), "c\"a\" s\"b\" c\"cc\" s\"d\" c\"e\"");
        on(&r, 0, 0), rig_run(&r, "c5,73=f cF6,73 sF73,7");
        on(&r, 7, there), rig_run(&r, "c4,73=e c5,73=f cF6,73 sF73,7 c7,74");
        assert_string_equal(but_for_copy(&r), "c\"a\" s\"b\" c\"cc\" s\"d\" c\"ef\" c. s. (fin)");
        /* The next one from the same port, which the second network has alone. */
        on(&r, 7, there), rig_run(&r, "cS9000 sS7000,9001 c9001,7001=g");
        on(&r, 0, 0), rig_run(&r, "c7,74");
        assert_string_equal(but_for_copy(&r),
                            "c\"a\" s\"b\" c\"cc\" s\"d\" c\"ef\" c. s. (fin) c\"g\"");
        rig_close(&r);
    }
}

/* Other numbers: another connection, be it of a side alone. */
static void test_no_copies(void **state)
{
    static const char *const rows[][2] = {{"cS0 sS70,1 c1,71=a", "cS0 sS71,1 c1,72=a"},
                                          {"cS1 sS70,2 c2,71=a", "cS0 sS70,1 c1,71=a"}};
    struct rig r;
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        rig_init(&r);
        rig_open(&r);
        on(&r, 0, 0), rig_run(&r, rows[i][0]);
        on(&r, 7, 7), rig_run(&r, rows[i][1]);
        assert_string_equal(r.told, "c\"aa\""); /* each its own */
        rig_close(&r);
    }
}

/* That two are one says nothing of a third. */
static void test_third(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    on(&r, 5, 5), rig_run(&r, "cS0 sS0,1");
    r.client++;
    on(&r, 7, 9), rig_run(&r, "cS0 sS0,1");
    assert_int_equal(wst_flow_streams(r.table), 2);
    r.client++;
    on(&r, 5, 5), rig_run(&r, "cS0");
    on(&r, 7, 7), rig_run(&r, "cS0");
    assert_int_equal(wst_flow_streams(r.table), 4);
    on(&r, 9, 9), rig_run(&r, "cS0");
    assert_int_equal(wst_flow_streams(r.table), 4);
    rig_close(&r);
}

/* Many networks answered in one: what is told of it first stays what it is. */
static void test_trunk(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    r.ends = 100;
    for (uint32_t i = 1; i < 200; i++) {
        r.client++;
        on(&r, i, 0), rig_run(&r, "cS0 sS0,1");
        if (i < 60) assert_int_equal(wst_flow_streams(r.table), i);
    }
    r.client -= 199 - 30; /* the thirtieth goes on in its place */
    on(&r, 30, 0), rig_run(&r, "c1,1=a s1,2=b");
    assert_string_equal(r.told, "c\"a\" s\"b\"");
    rig_close(&r);
}

/* Begun before the capture: the numbers of the first segment in the second network say that it is
 * the connection of the first, whichever network is behind. */
static void test_joined(void **state)
{
    static const char *const both[] = {"c1,71",    "c1,71=a", "s71,2=b",
                                       "c2,72=cc", "c4,72",   "s72,4=d"};
    enum { N = sizeof both / sizeof *both };
    static const struct {
        uint32_t first, client, server; /* networks: of both, and of each in the second */
        unsigned late;
    } rows[] = {{0, 7, 7, 0}, {7, 0, 0, 0}, {0, 7, 9, 0}, {0, 7, 7, 1},
                {7, 0, 0, 1}, {0, 7, 9, 2}, {7, 0, 0, 3}, {7, 9, 9, 5}};
    struct rig r;
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_init(&r);
        rig_open(&r);
        for (unsigned k = 0; k < N + rows[i].late; k++) {
            on(&r, rows[i].first, rows[i].first);
            if (k < N) rig_run(&r, both[k]);
            on(&r, rows[i].client, rows[i].server);
            if (k >= rows[i].late) rig_run(&r, both[k - rows[i].late]);
        }
        while (strstr(r.told, "(evicted)")) but_for_copy(&r);
        assert_string_equal(r.told, "c\"a\" s\"b\" c\"cc\" s\"d\"");
        rig_close(&r);
    }
}

/* The SYNs were captured in one network alone. */
static void test_joined_late(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    on(&r, 0, 0), rig_run(&r, "cS0 sS70,1 c1,71=a");
    on(&r, 7, 7), rig_run(&r, "c1,71=a");
    on(&r, 0, 0), rig_run(&r, "s71,2=b");
    on(&r, 7, 7), rig_run(&r, "s71,2=b");
    assert_string_equal(but_for_copy(&r), "c\"a\" s\"b\"");
    rig_close(&r);
}

/* A mirror that tags one side's packets: each network has a direction. */
static void test_joined_tagged(void **state)
{
    static const struct row rows[] = {
        {"one goes on where the other says", ONCE "c1,71=a s71,2=b c2,72=c $",
         "c\"a\" (evicted) s\"b\" c\"c\" (eof)"},
        {"what was on its way is missing", ONCE "c1,71=a s171,2=b c2,172=c s172,3=d $",
         "c\"a\" (evicted) c\"c\" s-100 s\"bd\" (eof)"},
    };
    struct rig like;
    (void)state;
    rig_init(&like);
    on(&like, 7, 0);
    RIG_ROWS(rows, &like);
}

/* Numbers that are another's, or a time that is. */
static void test_not_joined(void **state)
{
    static const char *const rows[][2] = {
        {"c1,71=a", "c200001,71=a"}, {"c1,71=a", "c1,200071=a"}, {"c1,71=a", "c1=a"},
        {"c1,71=a", "@14 c1,71=a"},  {"cS0", "c1,71=a"},         {"c1,71=a cR2,71", "c1,71=a"}};
    struct rig r;
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        rig_init(&r);
        rig_open(&r);
        on(&r, 0, 0), rig_run(&r, rows[i][0]);
        on(&r, 7, 7), rig_run(&r, rows[i][1]);
        if (strstr(r.told, "(evicted)")) fail_msg("%s: one with %s", rows[i][1], rows[i][0]);
        rig_close(&r);
    }
}

/* What waits for its answer goes with its flow to another network, and is spoken of at its end. */
static void test_call_moves(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    on(&r, 0, 0), rig_run(&r, "cS0 sS0,1 cR1,1"); /* in which connections are whole */
    r.client++;
    on(&r, 7, 0), rig_run(&r, "cS0 c1,1=a cS9000=G sS0,1 $");
    assert_string_equal(r.told, "(rst) c\"a\" c:1 (eof)");
    rig_close(&r);
}

/* So does what waits where another flow was, of which a call waited, too. */
static void test_call_moves_in(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    on(&r, 0, 0), rig_run(&r, "cS0 sS0,1 cR1,1");
    r.client++;
    on(&r, 0, 0), rig_run(&r, "c1,71=a s71,2=b cS5000=GG");
    on(&r, 7, 0), rig_run(&r, "cS700000 c700001,800001=c cS9000=G sS800000,700001 $");
    assert_string_equal(r.told, "(rst) c\"a\" s\"b\" c\"c\" c:2 (timeout) c:1 (eof)");
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tagged),        cmocka_unit_test(test_routed),
        cmocka_unit_test(test_third),         cmocka_unit_test(test_copies),
        cmocka_unit_test(test_no_copies),     cmocka_unit_test(test_trunk),
        cmocka_unit_test(test_joined),        cmocka_unit_test(test_joined_late),
        cmocka_unit_test(test_joined_tagged), cmocka_unit_test(test_not_joined),
        cmocka_unit_test(test_call_moves),    cmocka_unit_test(test_call_moves_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

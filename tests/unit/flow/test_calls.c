/* SPDX-License-Identifier: MIT
 *
 * SYNs into open connections, which wait for their answer: many at a time, or with many bytes.
 */
#include "rig.h"

#define OPEN "cS0 sS0,1 c1,1 "
#define ROUND "~ ~ ~ ~ ~ ~ ~ ~ ~ ~ " /* of the sweep */

/* A SYN with more bytes than may wait ends nothing, either. */
static void test_many_bytes(void **state)
{
    enum { MANY = 20000 };
    struct rig r;
    char script[MANY + 64];
    int n = snprintf(script, sizeof script, OPEN "c1,1=a cS9000=");
    (void)state;
    memset(script + n, 'G', MANY);
    snprintf(script + n + MANY, sizeof script - (size_t)n - MANY, " c2,1=b s1,3=x $");
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, script);
    assert_string_equal(r.told, "c\"ab\" s\"x\" c:20000 (eof)");
    rig_close(&r);
}

/* Many wait at a time, none in the place of another, whatever the hashes are: each keeps the number
 * of its SYN. When there are more than have room, those that came last have it. */
static void test_many_calls(void **state)
{
    enum { FLOWS = 80, ROOM = 64 };
    struct rig r;
    (void)state;
    for (uint16_t flows = ROOM; flows <= FLOWS; flows += FLOWS - ROOM) {
        rig_init(&r);
        rig_open(&r);
        const uint16_t first = r.client;
        for (uint16_t i = 0; i < flows; i++, r.client++) rig_run(&r, OPEN "c1,1=a");
        r.client = first;
        for (uint16_t i = 0; i < flows; i++, r.client++) rig_run(&r, "cS9000");
        assert_int_equal(wst_flow_streams(r.table), 2 * flows);
        r.client = (uint16_t)(first + flows - ROOM);
        for (uint16_t i = flows - ROOM; i < flows; i++, r.client++) {
            rig_run(&r, "sS7000,9001");
            assert_int_equal(wst_flow_last(r.table)->stream, flows + i);
        }
        assert_int_equal(wst_flow_streams(r.table), 2 * flows);
        rig_close(&r);
    }
}

/* A connection in the place of one that was heard both ways, of which the capture has one direction
 * alone: nobody answers it there, and nothing more comes of the one before. */
static void test_one_way(void **state)
{
    static const struct row rows[] = {
        {"its client", OPEN "c1,1=a s1,2=b cS9000 c9001,7001 c9001,7001=G @1 c9002,7101=b $",
         "c\"a\" s\"b\" (timeout) c\"Gb\" s-100 (eof)"},
        {"its client, far off",
         OPEN "c1,1=a cS50009000 c50009001,90007001 c50009001,90007001=G @1 c50009002,90007101=b $",
         "c\"a\" (timeout) c\"Gb\" s-100 (eof)"},
        {"its server",
         OPEN "c1,1=a s1,2=b sS7000,9001 s7001,9101 s7001,9101=G @1 s7002,9101=b s7003,9101=c $",
         "c\"a\" s\"b\" (timeout) s\"Gbc\" c-100 (eof)"},
        {"it is over at once, and the capture later",
         OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G c9002,7101=b cF9003,7101 @1 $",
         "c\"a\" (timeout) c\"Gb\" c. s-99 (eof)"},
        {"it is reset", OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G c9002,7101=b @1 cR9003 $",
         "c\"a\" (timeout) c\"Gb\" s-100 (rst)"},
        {"another comes behind it",
         OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G c9002,7101 @1 cS20000 sS30000,20001 $",
         "c\"a\" (timeout) c\"G\" s-100 (timeout) (eof)"},
        {"idle",
         OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G c9002,7101 @700 " ROUND "@700 " ROUND
              "@700 " ROUND,
         "c\"a\" (timeout) c\"G\" s-100 (timeout)"},
        {"too soon to say", OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G c9002,7101=b $",
         "c\"a\" c:2 (eof)"},
        {"the one before is heard of",
         OPEN "c1,1=a cS9000 s1,2 c9001,7001 c9001,7001=G @1 c9002,7101=b @1 $",
         "c\"a\" c:2 (eof)"},
        {"who sends it has no answer",
         OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=G @1 c9002,7001=b @1 $", "c\"a\" c:2 (eof)"},
        {"it begins none", OPEN "c1,1=a cS9000 c9001,7001 c9001,7001=x @1 c9002,7101=b @1 $",
         "c\"a\" c:2 (eof)"},
    };
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(rows, &like);
}

/* A connection in the place of a WebSocket, near its numbers, of which no SYN was captured: no
 * frame begins as it does. */
static void test_near(void **state)
{
    static const struct row rows[] = {
        {"both begin", OPEN "c1,1=a s1,2=b c9001,7001=G s7001,9002=H c9002,7002=x s7002,9003=y $",
         "c\"a\" s\"b\" (timeout) c\"G\" s\"H\" c\"x\" s\"y\" (eof)"},
        {"acknowledgments come before",
         OPEN "c1,1=a s1,2=b c9001,7001 c9001,7001=G s7001,9002 c9002,7001=x s7001,9003=H "
              "s7002,9003=y $",
         "c\"a\" s\"b\" (timeout) c\"Gx\" s\"Hy\" (eof)"},
        {"its server is far off, or its client",
         OPEN "c1,1=a s1,2=b c9001,90007001=G s90007001,9002=H c90009001,7001=G s7001,90009002=H $",
         "c\"a\" s\"b\" (timeout) c\"G\" s\"H\" (timeout) c\"G\" s\"H\" (eof)"},
        {"the answer's first bytes are missing",
         OPEN "c1,1=a s1,2=b c9001,7001=G c9002,7101=x s7101,9003=y $",
         "c\"a\" s\"b\" (timeout) c\"Gx\" s-100 s\"y\" (eof)"},
        {"it ends with its client", OPEN "c1,1=a c9001,7001=G cF9002,7001 s7001,9003=H $",
         "c\"a\" (timeout) c\"G\" c. s\"H\" (eof)"},
        {"nobody answers", OPEN "c1,1=a c9001,7001=G s1,2=b c2,2=c $",
         "c\"a\" s\"b\" c\"c\" c:1 (eof)"},
        {"it was early", OPEN "c1,1=a c5,1=G s1,2=b c6,2=d c2,1=xyz s2,7=e $",
         "c\"a\" s\"b\" c\"xyzGd\" s\"e\" (eof)"},
        {"what answers it does not begin", ONCE OPEN "c1,1=a c9001,1=G s1,9002=b $",
         "c\"a\" s\"b\" c-8999 c\"G\" (eof)"},
    };
    struct rig like;
    (void)state;
    rig_init(&like);
    like.precious = true;
    RIG_ROWS(rows, &like);
}

/* Of what else it may be one may go on so. */
static void test_near_other(void **state)
{
    static const struct row row = {"requests were lost",
                                   OPEN "c1,1=a c9001,1=G s1,9002=H @3 c9002,2 $",
                                   "c\"a\" s\"H\" c-8999 c\"G\" (eof)"};
    struct rig like;
    (void)state;
    rig_init(&like);
    rig_row(&row, &like);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_way),    cmocka_unit_test(test_near),
        cmocka_unit_test(test_near_other), cmocka_unit_test(test_many_bytes),
        cmocka_unit_test(test_many_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

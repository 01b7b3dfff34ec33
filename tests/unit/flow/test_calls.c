/* SPDX-License-Identifier: MIT
 *
 * SYNs into open connections, which wait for their answer: many at a time, or with many bytes.
 */
#include "rig.h"

#define OPEN "cS0 sS0,1 c1,1 "

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_bytes),
        cmocka_unit_test(test_many_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * How long a side sent the same bytes again, or took none. rig.h has the language of the rows.
 */
#include "rig.h"

#define OPEN "cS0 sS0,1 c1,1 "

static const struct row again[] = {
    {"until they are acknowledged", ONCE OPEN "c1,1=abc @1 c1,1=abc @2 c1,1=abc @1 s1,4 $",
     "c\"abc\" c+2x3/3 (eof)"},
    {"… by bytes of the other side", ONCE OPEN "c1,1=abc @1 c1,1=abc @1 c1,1=abc @1 s1,4=x $",
     "c\"abc\" c+2x3/2 s\"x\" (eof)"},
    {"until the end", ONCE OPEN "c1,1=abc c1,1=abc @1 c1,1=abc @2 c1,1=abc $",
     "c\"abc\" c+3x3/3... (eof)"},
    {"until a reset", ONCE OPEN "s1,1=abc s1,1=abc @7 s1,1=abc sR4,1", "s\"abc\" s+2x3/7... (rst)"},
    {"the second segment of three is what is missing",
     ONCE OPEN "c1,1=ab s1,3 c3,1=cd c5,1=ef c3,1=cd @1 c5,1=ef @1 c3,1=cd s1,7 $",
     "c\"abcdef\" c+2x2/2 (eof)"},
    {"and again, later",
     ONCE OPEN "c1,1=ab @1 c1,1=ab @1 c1,1=ab s1,3 c3,1=cd @1 c3,1=cd @2 c3,1=cd s1,5 $",
     "c\"ab\" c+2x2/1 c\"cd\" c+2x2/2 (eof)"},
    {"both sides",
     ONCE OPEN "c1,1=aa s1,1=bb @1 c1,1=aa s1,1=bb @1 c1,1=aa s1,1=bb @2 s3,3=x @1 c3,4=y $",
     "c\"aa\" s\"bb\" c+2x2/3 s\"x\" s+2x2/4 c\"y\" (eof)"},
    {"the capture has every packet twice",
     ONCE OPEN "c1,1=abc c1,1=abc @1 c1,1=abc c1,1=abc @2 c1,1=abc c1,1=abc @1 s1,4 $",
     "c\"abc\" c+2x3/3 (eof)"},
    {"… the second time behind a queue",
     ONCE OPEN
     "c1,1=abc#5 @1 c1,1=abc#5 @1 c1,1=abc#6 @1 c1,1=abc#6 @2 c1,1=abc#7 @1 c1,1=abc#7 s1,4 $",
     "c\"abc\" c+2x3/4 (eof)"},
    {"… one after the other",
     ONCE OPEN "c1,1=abc#5 @1 c1,1=abc#6 @1 c1,1=abc#7 c1,1=abc#6 @2 c1,1=abc#7 s1,4 $",
     "c\"abc\" c+2x3/3 (eof)"},
    {"… but not those that were lost between",
     ONCE OPEN "c1,1=abc#5 @1 c1,1=abc#6 @1 c1,1=abc#7 @2 c1,1=abc#8 @1 c1,1=abc#8 s1,4 $",
     "c\"abc\" c+>=2x3/3 (eof)"},
    {"… of which one was sent once",
     ONCE OPEN "c1,1=abc#5 @1 c1,1=abc#5 @1 c1,1=abc#6 @1 c1,1=abc#6 @1 s1,4 $", "c\"abc\" (eof)"},
    {"who stops so soon was heard", ONCE OPEN "c1,1=abc @1 c1,1=abc @1 c1,1=abc @6 $",
     "c\"abc\" (eof)"},
    {"… but not who would have been silent so long anyhow",
     ONCE OPEN "c1,1=abc @1 c1,1=abc @1 c1,1=abc @4 $", "c\"abc\" c+2x3/5... (eof)"},
    {"… but may give up",
     ONCE OPEN "c1,1=abc c1,1=abc @1 c1,1=abc @1 c1,1=abc @1 c1,1=abc @1 c1,1=abc @1 c1,1=abc @9 $",
     "c\"abc\" c+6x3/14... (eof)"},
    {"once is nothing", ONCE OPEN "c1,1=abc @1 c1,1=abc @3 s1,4 $", "c\"abc\" (eof)"},
    {"nor is a capture with every packet twice", OPEN "c1,1=abc @3 s1,4 $", "c\"abc\" (eof)"},
    {"nor what is not the first that lacks",
     ONCE OPEN "c1,1=ab c3,1=cd @1 c3,1=cd @1 c3,1=cd @2 s1,5 $", "c\"abcd\" (eof)"},
    {"less than a second is nothing", ONCE OPEN "c1,1=abc c1,1=abc s1,4 @9 $", "c\"abc\" (eof)"},
    {"nor is what comes in time", ONCE OPEN "c1,1=abc @9 s1,4 @9 c4,1=d s1,5 $", "c\"abcd\" (eof)"},
    {"nor a keep-alive", ONCE OPEN "c1,1=abc @1 s1,4 @9 c3,1=c @9 c3,1=c @9 c3,1=c $",
     "c\"abc\" (eof)"},
    {"nor a capture of one side", "cS0 c1,1=abc c1,1=abc @9 c1,1=abc $", "c\"abc\" (eof)"},
};

static const struct row unheard[] = {
    {"acknowledged, and sent again until new bytes come",
     ONCE OPEN "c1,1=abc s1,4 c1,1=abc @1 c1,1=abc @1 c1,1=abc @1 c4,1=d $",
     "c\"abc\" c&3x3/3 c\"d\" (eof)"},
    {"… until the end", ONCE OPEN "c1,1=abc s1,4 c1,1=abc @1 c1,1=abc @1 c1,1=abc $",
     "c\"abc\" c&3x3/2... (eof)"},
    {"other bytes each time",
     ONCE OPEN "c1,1=ab c3,1=cd s1,5 c1,1=ab @1 c3,1=cd @1 c1,1=ab @1 c3,1=cd @1 c5,1=e $",
     "c\"abcde\" (eof)"},
    {"the capture has every packet twice, the second time behind a queue",
     ONCE OPEN
     "c1,1=abc#5 s1,4 @1 c1,1=abc#5 @1 c1,1=abc#6 @1 c1,1=abc#6 @1 c1,1=abc#7 @1 c1,1=abc#7 "
     "c4,1=d $",
     "c\"abcd\" (eof)"},
    {"twice is nothing", ONCE OPEN "c1,1=abc s1,4 c1,1=abc @2 c1,1=abc @1 c4,1=d $",
     "c\"abcd\" (eof)"},
};

static const struct row shut[] = {
    {"no room for a while", OPEN "c1,1=ab sW1,3 @4 s1,3 c3,1=c $", "c\"ab\" s*0x0/4 c\"c\" (eof)"},
    {"no room to the end", OPEN "c1,1=ab sW1,3 @4 $", "c\"ab\" s*0x0/4... (eof)"},
    {"probes are none that were sent again",
     OPEN "c1,1=ab sW1,3 @1 c2,1=b sW1,3 @1 c2,1=b sW1,3 @2 s1,3 $", "c\"ab\" s*0x0/4 (eof)"},
    {"an old acknowledgment has none", OPEN "c1,1=ab s1,3 c3,1=cd s1,5 sW1,3 @4 $",
     "c\"abcd\" (eof)"},
    {"nor opens any", OPEN "c1,1=ab s1,3 c3,1=cd sW1,5 @4 s1,3 @2 s1,5 $",
     "c\"abcd\" s*0x0/6 (eof)"},
    {"one from far ahead hides none",
     OPEN "c1,1=ab s1,3 sW1,60003 @1 s1,3 c3,1=cd s1,5 @4 c5,1=ef s1,7 $",
     "c\"ab\" s*0x0/1 c\"cdef\" c-59996 (eof)"},
    {"who has all needs none any more", OPEN "c1,1=ab sW1,3 @1 cF3,1 sW1,4 @4 s1,4 @4 $",
     "c\"ab\" c. s*0x0/1 (eof)"},
    {"who has sent all has not been heard yet", OPEN "c1,1=ab cF3,1=cd sW1,3 @4 $",
     "c\"abcd\" c. s*0x0/4... (eof)"},
    {"who has all needs none", OPEN "c1,1=ab cF3,1 sW1,4 @4 $", "c\"ab\" c. (eof)"},
    {"room again at once", OPEN "c1,1=ab sW1,3 s1,3 @9 $", "c\"ab\" (eof)"},
    {"a reset has no window", ONCE OPEN "c1,1=ab @1 sRW1,3", "c\"ab\" (rst)"},
};

static void test_again(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(again, &like);
}
static void test_unheard(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(unheard, &like);
}
static void test_shut(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(shut, &like);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_unheard),
        cmocka_unit_test(test_shut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

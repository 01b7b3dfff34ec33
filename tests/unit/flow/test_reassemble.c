/* SPDX-License-Identifier: MIT
 *
 * Segments to bytes: order, overlaps, holes, what was cut off. rig.h has the language of the rows.
 */
#include "rig.h"

#define OPEN "cS0 sS0,1 c1,1 "

static const struct row ordered[] = {
    {"in order", OPEN "c1,1=hello c6,1=world s1,11=ok $", "c\"helloworld\" s\"ok\" (eof)"},
    {"two swapped", OPEN "c6,1=world c1,1=hello $", "c\"helloworld\" (eof)"},
    {"backwards", OPEN "c4,1=d c3,1=c c2,1=b c1,1=a $", "c\"abcd\" (eof)"},
    {"both sides mixed", OPEN "c3,1=cd s3,1=CD s1,1=AB c1,3=ab $", "s\"ABCD\" c\"abcd\" (eof)"},
    {"sent again", OPEN "c1,1=hello c1,1=hello c6,1=! $", "c\"hello!\" (eof)"},
    {"sent again, more of it", OPEN "c1,1=he c1,1=hello $", "c\"hello\" (eof)"},
    {"sent again while it waits", OPEN "c3,1=cd c3,1=cd c1,1=ab $", "c\"abcd\" (eof)"},
    {"a segment that covers two waiting and the holes", OPEN "c3,1=c c6,1=f c2,1=bcdefg c1,1=a $",
     "c\"abcdefg\" (eof)"},
    {"one that was cut off waits last where no more may wait, and comes whole",
     OPEN "c3,1=c c5,1=e c7,1=g c9,1=i c11,1=k c13,1=m c15,1=o c17,1+1 c17,1=q c1,1=ab c4,1=d "
          "c6,1=f c8,1=h c10,1=j c12,1=l c14,1=n c16,1=p $",
     "c\"abcdefghijklmnopq\" (eof)"},
    {"keep-alive without a byte", OPEN "c1,1=ab c2,1 s1,3 $", "c\"ab\" (eof)"},
    {"keep-alive with a wrong byte", OPEN "c1,1=ab c2,1=X s1,3 c3,1=c $", "c\"abc\" (eof)"},
    {"zero-window probe", OPEN "c1,1=ab s1,3 c3,1=c s1,3 c3,1=cde $", "c\"abcde\" (eof)"},
};

/* Numbers that went round: what comes next is not old, though it looks like it. */
#define FAR " c2500000001,1=a c2500000002,1=b c2500000003,1=c c2500000004,1=d c2500000005,1=e"
#define FAR8 FAR " c2500000006,1=f c2500000007,1=g c2500000008,1=h c2500000009,1=i"
#define FAR_ACKS " s1,2500000001 s1,2500000001 s1,2500000001 s1,2500000001"
static const struct row round_rows[] = {
    {"more than 2 GiB missing", ONCE OPEN "c1,1=xy" FAR8 " $",
     "c\"xy\" c@2500000005 c\"hi\" (eof)"},
    {"… one direction captured", ONCE "cS0 c1=xy" FAR8 " $", "c\"xy\" c@2500000005 c\"hi\" (eof)"},
    {"… what waited comes first", ONCE OPEN "c1,1=xy c5,1=z" FAR8 " $",
     "c\"xy\" c-2 c\"z\" c@2500000002 c\"hi\" (eof)"},
    {"… and only ACKs tell",
     ONCE OPEN "c1,1=xy s1,3" FAR_ACKS FAR_ACKS FAR_ACKS FAR_ACKS " c2500000001,1=abc $",
     "c\"xy\" c@2499999998 c\"abc\" (eof)"},
    {"too few of them", ONCE OPEN "c1,1=xy" FAR " c3,1=z" FAR " $", "c\"xyz\" (eof)"},
    {"its end is more than half of all numbers ahead",
     OPEN "c2147483648,1=far c5,1=d c1,1=abc c4,1=_ $", "c\"abc_d\" (eof)"},
    {"they are old, as their time says: a file too late", ONCE OPEN "@9 c1,1=xy ~ @-5" FAR8 " $",
     "c\"xy\" (eof)"},
};

/* The byte that came first is kept; equal bytes are no news. */
static const struct row overlaps[] = {
    {"other bytes, delivered before", ONCE OPEN "c1,1=hello c1,1=hexxo $", "c\"hello\" c!2 (eof)"},
    {"other bytes beside new ones", ONCE OPEN "c1,1=abc c2,1=bXd $", "c\"abc\" c!1 c\"d\" (eof)"},
    {"other bytes while they wait", ONCE OPEN "c3,1=cd c2,1=bXd c1,1=a $", "c!1 c\"abcd\" (eof)"},
    {"in order, over what waits", ONCE OPEN "c3,1=cd c1,1=abXX $", "c!2 c\"abcd\" (eof)"},
    {"equal bytes", OPEN "c3,1=cd c1,1=abcd c1,1=abcd c2,1=bc $", "c\"abcd\" (eof)"},
    {"over two pieces, both other", ONCE OPEN "c2,1=b c4,1=d c1,1=aXcXe $", "c!2 c\"abcde\" (eof)"},
};

static const struct row cut[] = {
    {"cut in order", OPEN "c1,1=ab+3 c6,1=fg $", "c\"ab\" c~3 c\"fg\" (eof)"},
    {"nothing of it captured", OPEN "c1,1+5 c6,1=fg $", "c~5 c\"fg\" (eof)"},
    {"cut, out of order", OPEN "c6,1=fg c1,1=ab+3 $", "c\"ab\" c~3 c\"fg\" (eof)"},
    {"cut one waits", OPEN "c3,1=c+2 c1,1=ab c6,1=f $", "c\"abc\" c~2 c\"f\" (eof)"},
    {"cut one waits, then a whole one comes", OPEN "c3,1=c+2 c3,1=cde c1,1=ab c6,1=f $",
     "c\"abcdef\" (eof)"},
    {"… of its middle", OPEN "c3,1+5 c5,1=e c1,1=ab $", "c\"ab\" c~2 c\"e\" c~2 (eof)"},
    {"… of more than it", OPEN "c4,1+2 c3,1=cdefg c1,1=ab $", "c\"abcdefg\" (eof)"},
    {"… and a cut one again changes nothing", OPEN "c3,1=cde c3,1=c+2 c1,1=ab $",
     "c\"abcde\" (eof)"},
    {"cut, and a FIN behind it", OPEN "cF1,1=a+4 s1,7 $", "c\"a\" c~4 c. (eof)"},
    {"cut one sent again: stated once", OPEN "c1,1=ab+3 c1,1=ab+3 c6,1=f $",
     "c\"ab\" c~3 c\"f\" (eof)"},
    {"other bytes, and no room for what was cut off: told once",
     ONCE OPEN "c3,1=c c6,1=f c9,1=i c12,1=l c12,1=X+3 $",
     "c!1 c^2 c\"c\" c-2 c\"f\" c-2 c\"i\" c-2 c\"l\" c~3 (eof)"},
};

/* limits: 5 packets or 2 s when acknowledged, 10 s when not, 40 bytes or 4 pieces. */
static const struct row holes[] = {
    {"nobody acknowledged: it waits", OPEN "c4,1=d @9 ~ c5,1=e @1 ~ $", "c-3 c\"de\" (eof)"},
    {"nobody acknowledged, ten seconds", OPEN "c4,1=d @11 ~ $", "c-3 c\"d\" (eof)"},
    {"… the late one still counts before", OPEN "c4,1=d @9 ~ c1,1=abc $", "c\"abcd\" (eof)"},
    {"acknowledged, then five packets", ONCE OPEN "c4,1=d s1,5 s1,5 s1,5 s1,5 c1,1=abc $",
     "c\"abcd\" (eof)"},
    {"acknowledged, five packets are over", ONCE OPEN "c4,1=d s1,5 s1,5 s1,5 s1,5 s1,5 c1,1=abc $",
     "c-3 c\"d\" (eof)"},
    {"acknowledged, two seconds", OPEN "c4,1=d s1,5 @3 ~ c1,1=abc $", "c-3 c\"d\" (eof)"},
    {"acknowledged long after it opened: two seconds from there",
     OPEN "c4,1=d @8 ~ s1,5 @1 ~ c1,1=abc $", "c\"abcd\" (eof)"},
    {"nothing behind the hole", OPEN "s1,9 @3 ~ c9,1=i $", "c-8 c\"i\" (eof)"},
    {"what was acknowledged later waits for itself",
     ONCE OPEN "s1,3 s1,3 s1,3 s1,3 s1,9 c3,1=cdefgh $", "c-2 c\"cdefgh\" (eof)"},
    {"nothing waits behind it: packets do not say that it is lost",
     ONCE OPEN "s1,3 s1,3 s1,3 s1,3 s1,3 s1,3 s1,9 s1,9 s1,9 s1,9 s1,9 s1,9 c1,1=ab c3,1=cdefgh $",
     "c\"abcdefgh\" (eof)"},
    {"… two seconds do", ONCE OPEN "s1,3 @3 ~ c1,1=ab c3,1=cdefgh $", "c-2 c\"cdefgh\" (eof)"},
    {"captured later than its acknowledgments, twice: packets say nothing of the next hole either",
     ONCE OPEN "s1,3 c1,1=a c2,1=b c4,1=d s1,5 s1,5 s1,5 s1,5 s1,5 s1,5 c3,1=c $",
     "c\"abcd\" (eof)"},
    {"… once: it was overtaken",
     ONCE OPEN "s1,3 c1,1=ab c4,1=d s1,5 s1,5 s1,5 s1,5 s1,5 s1,5 c3,1=c $",
     "c\"ab\" c-1 c\"d\" (eof)"},
    {"… twice, and then one was not",
     ONCE OPEN "s1,3 c1,1=a c2,1=b c3,1=c c5,1=e s1,6 s1,6 s1,6 s1,6 s1,6 s1,6 c4,1=d $",
     "c\"abc\" c-1 c\"e\" (eof)"},
    {"… but time does", ONCE OPEN "s1,3 c1,1=a c2,1=b c4,1=d s1,5 s1,5 @3 ~ c3,1=c $",
     "c\"ab\" c-1 c\"d\" (eof)"},
    {"… from the last bytes that came: what is left of the hole has its own time",
     OPEN "s1,9 @1 ~ c1,1=ab @1 ~ c3,1=cdefgh $", "c\"abcdefgh\" (eof)"},
    {"… and half of what may wait",
     ONCE OPEN
     "s1,3 c1,1=a c2,1=b c4,1=defghijklmnopqrstuvwxyz s1,27 s1,27 s1,27 s1,27 s1,27 c3,1=c $",
     "c\"ab\" c-1 c\"defghijklmnopqrstuvwxyz\" (eof)"},
    {"one direction captured: it waits", "cS0 c4=d @9 ~ c1=abc $", "c\"abcd\" (eof)"},
    {"… ten seconds", "cS0 c4=d @11 ~ c1=abc $", "c-3 c\"d\" (eof)"},
    {"… two, where the capture had just dropped packets", "cS0 ! @1 c4=d @3 ~ c1=abc $",
     "c-3 c\"d\" (eof)"},
    {"… not where it had long before", "cS0 ! @2 c4=d @3 ~ c1=abc $", "c\"abcd\" (eof)"},
    {"… nor where it did so later", "cS0 c4=d @1 ! @3 ~ c1=abc $", "c\"abcd\" (eof)"},
    {"two holes, two gaps", OPEN "c2,1=b c4,1=d $", "c-1 c\"b\" c-1 c\"d\" (eof)"},
    {"acknowledged at the end", OPEN "c1,1=ab s1,9 $", "c\"ab\" c-6 (eof)"},
    {"one number more is a FIN's", OPEN "c1,1=ab s1,4 @3 ~ $", "c\"ab\" (eof)"},
    {"too many pieces", OPEN "c2,1=b c4,1=d c6,1=f c8,1=h c10,1=j $",
     "c^1 c\"b\" c-1 c\"d\" c-1 c\"f\" c-1 c\"h\" c-1 c\"j\" (eof)"},
    {"… the others may still be filled",
     ONCE OPEN "c2,1=b c4,1=d c6,1=f c8,1=h c10,1=j c3,1=c c5,1=e c7,1=g c9,1=i $",
     "c^1 c\"bcdefghij\" (eof)"},
    {"… and the one that is too many may lie before them all",
     ONCE OPEN "c6,1=f c8,1=h c10,1=j c12,1=l c2,1=bcd c5,1=e c7,1=g $",
     "c^1 c\"bcdefgh\" c-1 c\"j\" c-1 c\"l\" (eof)"},
    {"… and over all that waits, where only the end of it was too many",
     OPEN "c4,1=d c6,1=f c8,1=h c10,1=j c2,1=bcdefghijkl $", "c^1 c\"bcdefghijkl\" (eof)"},
    {"what no longer waits makes room for others",
     OPEN "c100,1=z c2,1=bcdefghijklmnopqrst c1,1=a c22,1=vwxyzabcdefghijklmn c21,1=u "
          "c42,1=pqrstuvwxyzabcdefgh c41,1=o $",
     "c\"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyzabcdefgh\" c-39 c\"z\" (eof)"},
    {"too many bytes", OPEN "c2,1=bcdefghijklmnopqrstuvwxyz c40,1=bcdefghijklmnopqrstuvwxyz $",
     "c^1 c\"bcdefghijklmnopqrstuvwxyz\" c-13 c\"bcdefghijklmnopqrstuvwxyz\" (eof)"},
    {"a segment larger than the limit",
     OPEN "c2,1=bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz c52,1=! $",
     "c^1 c\"bcdefghijklmnopqrstuvwxyzbcdefghijklmnopqrstuvwxyz!\" (eof)"},
    {"far ahead, and the receiver has nothing of it: left out", OPEN "c300000,1=xyz s1,1 $",
     "c?3 (eof)"},
    {"… it had less on its way before, too", OPEN "c1,1=a+299999 c700001,1=xyz s1,1 $",
     "c\"a\" c~299999 c?3 (eof)"},
    {"… or more", OPEN "c1,1=a+399999 c700001,1=xyz s1,1 $",
     "c\"a\" c~399999 c-300000 c\"xyz\" (eof)"},
    {"the hole before a FIN", OPEN "cF5,1 s1,6 $", "c-4 c. (eof)"},
};

/* The clock of the capture is set back an hour, or two taps have clocks so far apart: what waits
 * and is silent does not wait for the old time. A letter more each time: so many seconds. */
#define TICKS "@1 ~ "
#define TICKS_8 TICKS TICKS TICKS TICKS TICKS TICKS TICKS TICKS
#define TICKS_24 TICKS_8 TICKS_8 TICKS_8
#define TAP "@3600 c1,1 c1,1 @-3600 ~ ~ ~ ~ ~ ~ ~ ~ ~ @1 ~ "
#define TAP_8 TAP TAP TAP TAP TAP TAP TAP TAP
static const struct row set_back[] = {
    {"a hole, and the clock is set back", "cS0 c4=d @-3600 " TICKS_24 "c1=abc $",
     "c-3 c\"d\" (eof)"},
    {"… not before its time", "cS0 c4=d @-3600 " TICKS_8 "c1=abc $", "c\"abcd\" (eof)"},
    {"… and forward again: no hour went by",
     "cS0 ~ @-3600 " TICKS_24 "c4=d @3600 " TICKS "c1=abc $", "c\"abcd\" (eof)"},
    {"… acknowledged", OPEN "c4,1=d s1,5 @-3600 " TICKS_24 "c1,1=abc $", "c-3 c\"d\" (eof)"},
    {"… twice", "cS0 ~ @-3600 " TICKS_24 "@-3600 " TICKS_24 "c4=d " TICKS_8 TICKS_8 "c1=abc $",
     "c-3 c\"d\" (eof)"},
    {"… where the capture had just dropped packets",
     "cS0 ~ @-3600 " TICKS_24 "! @1 c4=d @3 ~ c1=abc $", "c-3 c\"d\" (eof)"},
    {"a hole, and the clock is set forward: that may be silence", "cS0 c4=d @3600 ~ c1=abc $",
     "c-3 c\"d\" (eof)"},
    {"a connection that is silent ends",
     OPEN "c1,1=a @-3600 " TICKS_24 "@100 " TICKS_8 "@100 " TICKS_8 "@100 " TICKS_8 "@100 " TICKS_8
          "@100 " TICKS_8 "@100 " TICKS_8 "@20 " TICKS "@20 " TICKS "$",
     "c\"a\" (timeout)"},
    {"two taps an hour apart: no hole waited long",
     OPEN "c1,1 c1,1 @3600 c1,1 c1,1 c4,1=d @-3600 " TAP_8 "c1,1=abc $", "c\"abcd\" (eof)"},
    {"… and no connection was silent", OPEN "c1,1=a @3600 ~ @-3600 " TAP_8 TAP_8 "$",
     "c\"a\" (eof)"},
};

/* What no hole explains is not told as one: more than a window, and nobody had it. */
static const struct row beyond[] = {
    {"one direction, wider than any window", "cS0 c1=a c1900000001=x $", "c\"a\" c?1 (eof)"},
    {"… in one it may have been lost", "cS0 c1=a c100000001=x $", "c\"a\" c-99999999 c\"x\" (eof)"},
    {"… but not behind its reset", "cS0 c1=a c4=y c100000001=x cR5 $",
     "c\"a\" c-2 c\"y\" c?1 (rst)"},
    {"far from all that was acknowledged", OPEN "c1,1=a c100000001,1=x s1,5 $",
     "c\"a\" c?1 c-3 (eof)"},
    {"an acknowledgment of more than a window", OPEN "c1,1=a s1,1900000001 $", "c\"a\" (eof)"},
    {"… of less", OPEN "c1,1=a s1,100000001 $", "c\"a\" c-99999999 (eof)"},
};

static void test_order(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.limits.reorder_segments = 8;
    RIG_ROWS(ordered, &like);
}
static void test_beyond(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(beyond, &like);
}

static void test_round(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.limits.reorder_segments = 8;
    RIG_ROWS(round_rows, &like);
}
static void test_overlaps(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    like.limits.reorder_segments = 8;
    RIG_ROWS(overlaps, &like);
}
static void test_cut(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(cut, &like);
}
static void test_holes(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(holes, &like);
}

static void test_set_back(void **state)
{
    struct rig like;
    (void)state;
    rig_init(&like);
    RIG_ROWS(set_back, &like);
}

/* An unacknowledged hole in one flow does not keep another flow's from its time. */
static void test_holes_in_line(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, OPEN "c4,1=d");
    r.client++;
    rig_run(&r, OPEN "c4,1=D s1,5");
    r.client++;
    rig_run(&r, "cS0 @3 cS0 @1 cS0");
    assert_string_equal(r.told, "c-3 c\"D\"");
    rig_close(&r);
}

/* From inside each callback: nothing more is told, and nothing is kept. */
static void test_ignored_inside(void **state)
{
    static const struct {
        const char *at, *script, *told;
    } rows[] = {
        {"d", ONCE OPEN "c1,1=a c2,1=b s1,3=x cF3,1 sF2,4", "c\"a\" (fin)"},
        {"d", ONCE OPEN "c2,1=b c4,1=d c1,1=a c3,1=c $", "c\"a\" (eof)"},
        {"d", ONCE OPEN "c1,1=a+3 c5,1=e $", "c\"a\" (eof)"},
        {"g", ONCE OPEN "c1,1+3 c4,1=d $", "c~3 (eof)"},
        {"g", ONCE OPEN "c2,1=b c4,1=d @11 ~ c9,1=i $", "c-1 (eof)"},
        {"g", ONCE OPEN "c2,1=b s1,9 $", "c-1 (eof)"},
        {"f", ONCE OPEN "c1,1=a cF2,1 s1,3=x $", "c\"a\" c. (eof)"},
        {"c", ONCE OPEN "c1,1=abc c2,1=XXdef c7,1=g $", "c\"abc\" c!2 (eof)"},
        {"c", ONCE OPEN "c3,1=cd c2,1=bXd c1,1=a $", "c!1 (eof)"},
        {"c", ONCE OPEN "c3,1=cd c2,1=bXde+4 c1,1=a c12,1=l @11 ~ $", "c!1 (eof)"},
        {"e", ONCE OPEN "c1,1=a cR2,1 c2,1=b $", "c\"a\" (rst)"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rig like;
        struct row row = {rows[i].script, rows[i].script, rows[i].told};
        rig_init(&like);
        like.ignore_at = rows[i].at;
        rig_row(&row, &like);
    }
}

/* The packet that carried a byte, and the one that let it through. */
struct carried {
    uint64_t from[8], when[8];
    unsigned n;
};
static void carried_data(void *user, struct wst_flow *f, unsigned side, struct wst_slice bytes,
                         const struct wst_arrival *a)
{
    struct carried *c = user;
    (void)f, (void)side, (void)bytes;
    c->from[c->n] = a->from;
    c->when[c->n++] = a->when.pkt;
}
static void test_arrival(void **state)
{
    struct rig r;
    struct carried c = {.n = 0};
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, OPEN);
    r.table->sink.data = carried_data;
    r.table->sink.user = &c;
    rig_run(&r, "c2,1=b c3,1=c c1,1=a");
    r.table->sink.user = &r;
    assert_int_equal(c.n, 3);
    for (unsigned i = 0; i < 3; i++) {
        static const uint64_t from[] = {6, 4, 5};
        assert_int_equal(c.from[i], from[i]);
        assert_int_equal(c.when[i], 6);
    }
    rig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),    cmocka_unit_test(test_round),
        cmocka_unit_test(test_overlaps), cmocka_unit_test(test_cut),
        cmocka_unit_test(test_holes),    cmocka_unit_test(test_holes_in_line),
        cmocka_unit_test(test_beyond),   cmocka_unit_test(test_ignored_inside),
        cmocka_unit_test(test_arrival),  cmocka_unit_test(test_set_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

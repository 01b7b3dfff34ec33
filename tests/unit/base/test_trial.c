/* SPDX-License-Identifier: MIT
 *
 * Of two ways the faster one is kept, whatever the clock says about both.
 */
#include "trial.h"

#include "guard.h"

enum { STRETCH = 4, KEPT = 32, KEPT_MOST = 4096, ROUND_WORK = 1000 };

static const struct wst_trial_rules once = {
    .stretch = STRETCH, .pairs = 1, .kept = KEPT, .kept_most = KEPT_MOST, .gain = 0.02};
static const struct wst_trial_rules thrice = {
    .stretch = 1, .pairs = 3, .kept = KEPT, .kept_most = KEPT, .gain = 0};

struct clockwork {
    struct wst_trial trial;
    uint64_t now, first, second; /* ns, and what a round of each takes */
};

/* Rounds until the stretch is over, and which way they went. */
static unsigned stretch(struct clockwork *w, uint64_t work, bool *second)
{
    unsigned rounds = 0;
    bool over;
    *second = wst_trial_second(&w->trial);
    do {
        assert_int_equal(wst_trial_second(&w->trial), *second);
        w->now += (*second ? w->second : w->first) * work / ROUND_WORK;
        over = wst_trial_round(&w->trial, work);
        rounds++;
    } while (!over);
    wst_trial_next(&w->trial, w->now);
    return rounds;
}

/* Both are tried; then the winner goes on for `kept` rounds. */
static void expect(struct clockwork *w, bool winner, unsigned kept)
{
    bool second;
    for (uint32_t i = 0; i < w->trial.rules->pairs; i++) {
        assert_int_equal(stretch(w, ROUND_WORK, &second), w->trial.rules->stretch);
        assert_false(second);
        assert_int_equal(stretch(w, 3 * ROUND_WORK, &second), w->trial.rules->stretch);
        assert_true(second); /* and had more to do */
    }
    assert_int_equal(stretch(w, ROUND_WORK, &second), kept);
    assert_int_equal(second, winner);
}

static void the_faster_one(void **state)
{
    struct clockwork w = {.now = 5000000, .first = 1000, .second = 900};
    (void)state;
    wst_trial_begin(&w.trial, &once, w.now);
    expect(&w, true, KEPT);
    expect(&w, true, KEPT * 2);
    w.second = 1100; /* another load */
    expect(&w, false, KEPT);
    for (unsigned kept = KEPT * 2; kept < KEPT_MOST; kept *= 2) expect(&w, false, kept);
    expect(&w, false, KEPT_MOST);
    expect(&w, false, KEPT_MOST);
    w.second = 800;
    expect(&w, true, KEPT);
}

/* What all begins with costs the first way more, and does not count. */
static void warm(void **state)
{
    static const struct wst_trial_rules rules = {
        .warm = 2, .stretch = STRETCH, .pairs = 1, .kept = KEPT, .kept_most = KEPT_MOST};
    struct clockwork w = {.first = 5000, .second = 1100};
    bool second;
    (void)state;
    wst_trial_begin(&w.trial, &rules, w.now);
    assert_int_equal(stretch(&w, ROUND_WORK, &second), rules.warm);
    assert_false(second);
    w.first = 1000;
    expect(&w, false, KEPT);
    expect(&w, false, KEPT * 2);
}

/* As fast is not enough where something is to be gained. A clock that stands still says nothing. */
static void no_gain(void **state)
{
    struct clockwork w = {.first = 1000, .second = 990};
    (void)state;
    wst_trial_begin(&w.trial, &once, w.now);
    expect(&w, false, KEPT);
    w.first = w.second = 0;
    expect(&w, false, KEPT * 2);
}

/* All becomes slower meanwhile, by more than the second way gains: in turns that is seen. */
static void in_turns(void **state)
{
    struct clockwork w = {.first = 1000, .second = 940};
    bool second;
    (void)state;
    wst_trial_begin(&w.trial, &thrice, w.now);
    for (unsigned i = 0; i < 6; i++) {
        w.first += 10 * i;
        w.second += 10 * i;
        assert_int_equal(stretch(&w, ROUND_WORK, &second), 1);
        assert_int_equal(second, i % 2);
    }
    stretch(&w, ROUND_WORK, &second);
    assert_true(second);
}

static void begun_anew(void **state)
{
    struct clockwork w = {.first = 1000, .second = 900};
    bool second;
    (void)state;
    wst_trial_begin(&w.trial, &thrice, w.now);
    for (unsigned i = 0; i < 6; i++) {
        if (i % 2) {
            w.now += 500; /* until the second way could begin */
            wst_trial_anew(&w.trial, w.now);
        }
        stretch(&w, ROUND_WORK, &second);
    }
    stretch(&w, ROUND_WORK, &second);
    assert_true(second);
}

/* Rounds in which the first, or the second way had nothing to do say nothing about either. */
static void nothing_to_do(void **state)
{
    (void)state;
    for (unsigned idle = 0; idle < 2; idle++) {
        struct clockwork w = {.first = 1000, .second = 1000};
        bool second;
        wst_trial_begin(&w.trial, &once, w.now);
        for (unsigned way = 0; way < 2; way++) {
            w.now += 5000;
            stretch(&w, way == idle ? 0 : ROUND_WORK, &second);
            assert_int_equal(second, way);
        }
        stretch(&w, ROUND_WORK, &second);
        assert_false(second);
    }
}

/* The stretch at whose end it was earlier than when it began is left out. */
static void a_clock_that_goes_back(void **state)
{
    (void)state;
    for (unsigned which = 0; which < 6; which++) {
        struct clockwork w = {.now = 100000, .first = 1000, .second = which % 2 ? 900 : 1100};
        bool second;
        wst_trial_begin(&w.trial, &thrice, w.now);
        for (unsigned i = 0; i < 6; i++) {
            if (i == which) w.now -= 50000;
            stretch(&w, ROUND_WORK, &second);
        }
        stretch(&w, ROUND_WORK, &second);
        assert_int_equal(second, which % 2);
    }
}

/* Doubled, but never more than the most. */
static void kept_no_longer(void **state)
{
    static const struct wst_trial_rules odd = {
        .stretch = STRETCH, .pairs = 1, .kept = KEPT, .kept_most = 100, .gain = 0};
    struct clockwork w = {.first = 1000, .second = 900};
    (void)state;
    wst_trial_begin(&w.trial, &odd, w.now);
    expect(&w, true, KEPT);
    expect(&w, true, KEPT * 2);
    expect(&w, true, 100);
    expect(&w, true, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_one), cmocka_unit_test(warm),
        cmocka_unit_test(no_gain),
        cmocka_unit_test(in_turns),       cmocka_unit_test(begun_anew),
        cmocka_unit_test(nothing_to_do),  cmocka_unit_test(a_clock_that_goes_back),
        cmocka_unit_test(kept_no_longer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

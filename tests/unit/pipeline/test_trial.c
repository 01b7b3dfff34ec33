/* SPDX-License-Identifier: MIT
 *
 * Of two ways the faster one is kept, whatever the clock says about both.
 */
#include "work.h"

#include "guard.h"

enum { TRIED = 4, KEPT = 32, KEPT_MOST = 4096, ROUND_BYTES = 1000 };

struct clockwork {
    struct wst_trial trial;
    uint64_t now, at_once, batched; /* ns, and what a round of each takes */
};

/* Rounds until the phase is over, and which way they went. */
static unsigned phase(struct clockwork *w, uint64_t bytes, bool *batched)
{
    unsigned rounds = 0;
    bool over;
    *batched = wst_trial_batches(&w->trial);
    do {
        assert_int_equal(wst_trial_batches(&w->trial), *batched);
        w->now += (*batched ? w->batched : w->at_once) * bytes / ROUND_BYTES;
        over = wst_trial_round(&w->trial, bytes);
        rounds++;
    } while (!over);
    wst_trial_next(&w->trial, w->now);
    return rounds;
}

/* Both are tried; then the winner goes on for `kept` rounds. */
static void expect(struct clockwork *w, bool winner, unsigned kept)
{
    bool batched;
    assert_int_equal(phase(w, ROUND_BYTES, &batched), TRIED);
    assert_false(batched);
    assert_int_equal(phase(w, 3 * ROUND_BYTES, &batched), TRIED); /* there was more to do */
    assert_true(batched);
    assert_int_equal(phase(w, ROUND_BYTES, &batched), kept);
    assert_int_equal(batched, winner);
}

static void the_faster_one(void **state)
{
    struct clockwork w = {.now = 5000000, .at_once = 1000, .batched = 900};
    (void)state;
    wst_trial_begin(&w.trial, w.now);
    expect(&w, true, KEPT);
    expect(&w, true, KEPT * 2);
    w.batched = 1100; /* another load */
    expect(&w, false, KEPT);
    for (unsigned kept = KEPT * 2; kept < KEPT_MOST; kept *= 2) expect(&w, false, kept);
    expect(&w, false, KEPT_MOST);
    expect(&w, false, KEPT_MOST);
    w.batched = 800;
    expect(&w, true, KEPT);
}

/* A batch takes memory: as fast is not enough. A clock that stands still says nothing. */
static void no_gain(void **state)
{
    struct clockwork w = {.at_once = 1000, .batched = 990};
    (void)state;
    wst_trial_begin(&w.trial, w.now);
    expect(&w, false, KEPT);
    w.at_once = w.batched = 0;
    expect(&w, false, KEPT * 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_faster_one),
        cmocka_unit_test(no_gain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

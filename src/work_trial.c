/* SPDX-License-Identifier: MIT
 *
 * In: what rounds of operations took, done at once and in batches. Out: which of the two is next.
 *
 * A batch spares the windows of the inflaters a way through memory, and pays with one for what
 * comes out of them. Which way is longer is a matter of the processor: of two that were measured
 * one gains an eighth by batches, the other loses a tenth. So both are tried, and the faster one is
 * kept, until they are tried again, more and more seldom while the same one wins.
 *
 *     at once │ batched │ the faster one   │ at once │ batched │ the faster one
 *     TRIED     TRIED     KEPT rounds        TRIED     TRIED     twice as many, or KEPT …
 */
#include "work.h"

#include <string.h>

enum { TRIED = 4, KEPT = 32, KEPT_MOST = 4096 }; /* rounds */
#define GAIN 0.02 /* batches take memory: they have to gain as much at least */

static void trial_phase(struct wst_trial *t, enum wst_trial_phase phase, uint32_t rounds,
                        uint64_t now_ns)
{
    t->phase = phase;
    t->left = rounds;
    t->began_ns = now_ns;
}

void wst_trial_begin(struct wst_trial *t, uint64_t now_ns)
{
    *t = (struct wst_trial){.kept = KEPT};
    trial_phase(t, WST_TRIAL_AT_ONCE, TRIED, now_ns);
}

bool wst_trial_round(struct wst_trial *t, uint64_t bytes)
{
    if (t->phase != WST_TRIAL_KEPT) t->bytes[t->phase] += bytes;
    return --t->left == 0;
}

/* The two phases had not the same number of bytes: time is compared as if they had. */
static bool trial_won(const struct wst_trial *t)
{
    double at_once = (double)t->ns[WST_TRIAL_AT_ONCE] * (double)t->bytes[WST_TRIAL_BATCHED],
           batched = (double)t->ns[WST_TRIAL_BATCHED] * (double)t->bytes[WST_TRIAL_AT_ONCE];
    return batched < at_once * (1 - GAIN);
}

void wst_trial_next(struct wst_trial *t, uint64_t now_ns)
{
    if (t->phase == WST_TRIAL_KEPT) {
        memset(t->ns, 0, sizeof t->ns);
        memset(t->bytes, 0, sizeof t->bytes);
        trial_phase(t, WST_TRIAL_AT_ONCE, TRIED, now_ns);
        return;
    }
    t->ns[t->phase] = now_ns - t->began_ns;
    if (t->phase == WST_TRIAL_AT_ONCE) {
        trial_phase(t, WST_TRIAL_BATCHED, TRIED, now_ns);
        return;
    }
    bool won = trial_won(t);
    if (won != t->won || !t->decided) t->kept = KEPT;
    t->won = won;
    t->decided = true;
    trial_phase(t, WST_TRIAL_KEPT, t->kept, now_ns);
    if (t->kept < KEPT_MOST) t->kept *= 2;
}

bool wst_trial_batches(const struct wst_trial *t)
{
    return t->phase == WST_TRIAL_BATCHED || (t->phase == WST_TRIAL_KEPT && t->won);
}

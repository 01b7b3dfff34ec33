/* SPDX-License-Identifier: MIT */
#include "trial.h"

void wst_trial_anew(struct wst_trial *t, uint64_t now_ns)
{
    t->under_way = 0;
    t->began_ns = now_ns;
}

static void trial_stretch(struct wst_trial *t, uint32_t rounds, uint64_t now_ns)
{
    t->left = rounds;
    wst_trial_anew(t, now_ns);
}

static void trial_try(struct wst_trial *t, uint64_t now_ns)
{
    t->stretches = 0;
    for (unsigned way = 0; way < 2; way++) t->ns[way] = t->work[way] = 0;
    trial_stretch(t, t->rules->stretch, now_ns);
}

void wst_trial_begin(struct wst_trial *t, const struct wst_trial_rules *rules, uint64_t now_ns)
{
    *t = (struct wst_trial){.rules = rules, .kept = rules->kept, .warming = rules->warm > 0};
    if (t->warming)
        trial_stretch(t, rules->warm, now_ns);
    else
        trial_try(t, now_ns);
}

bool wst_trial_round(struct wst_trial *t, uint64_t work)
{
    t->under_way += work;
    return --t->left == 0;
}

/* One may have had more to do than the other: time is compared as if both had had the same. Where
 * one had nothing to do nothing is known, and the first goes on. */
static bool trial_won(const struct wst_trial *t)
{
    if (!t->work[0] || !t->work[1]) return false;
    double first = (double)t->ns[0] * (double)t->work[1],
           second = (double)t->ns[1] * (double)t->work[0];
    return second < first * (1 - t->rules->gain);
}

static void trial_keep(struct wst_trial *t, uint64_t now_ns)
{
    bool won = trial_won(t);
    if (won != t->won) t->kept = t->rules->kept;
    t->won = won;
    trial_stretch(t, t->kept, now_ns);
    t->kept = t->kept < t->rules->kept_most / 2 ? 2 * t->kept : t->rules->kept_most;
}

static bool trial_trying(const struct wst_trial *t)
{
    return !t->warming && t->stretches < 2 * t->rules->pairs;
}

/* A clock that went back (that of another thread, say) has not measured the stretch. */
static void trial_count(struct wst_trial *t, unsigned way, uint64_t now_ns)
{
    if (now_ns < t->began_ns) return;
    t->ns[way] += now_ns - t->began_ns;
    t->work[way] += t->under_way;
}

void wst_trial_next(struct wst_trial *t, uint64_t now_ns)
{
    if (!trial_trying(t)) {
        t->warming = false;
        trial_try(t, now_ns);
        return;
    }
    trial_count(t, t->stretches++ & 1, now_ns);
    if (trial_trying(t))
        trial_stretch(t, t->rules->stretch, now_ns);
    else
        trial_keep(t, now_ns);
}

bool wst_trial_second(const struct wst_trial *t)
{
    return trial_trying(t) ? t->stretches & 1 : t->won;
}

/* SPDX-License-Identifier: MIT
 *
 * In: what rounds of work took, done in one way and in the other. Out: which way is next.
 *
 * Which of two ways is faster can be a matter of the processor, and of what else runs: then nobody
 * can say beforehand. So both are tried, in turns, and the faster one is kept until they are tried
 * again, more and more seldom while the same one wins.
 *
 *     first │ first │ second │ first │ second │ …   the faster one   │ first │ second │ …
 *     `warm`  stretches of rounds, `pairs` times    `kept` rounds
 */
#ifndef WST_BASE_TRIAL_H
#define WST_BASE_TRIAL_H

#include <stdbool.h>
#include <stdint.h>

struct wst_trial_rules {
    uint32_t warm;            /* rounds in the first way that do not count: all begins cold */
    uint32_t stretch;         /* rounds in one way, then the other has its turn … */
    uint32_t pairs;           /* … so many times */
    uint32_t kept, kept_most; /* rounds; doubled each time that the same way wins */
    double gain;              /* the second way has to save such a part of the time at least */
};

struct wst_trial {
    const struct wst_trial_rules *rules;
    uint32_t left;      /* rounds of the stretch at hand */
    uint32_t stretches; /* tried so far; all of them: one way is kept */
    uint32_t kept;      /* rounds, next time */
    bool warming;
    bool won;           /* the second way, when they were tried last */
    uint64_t began_ns;  /* the stretch */
    uint64_t ns[2];     /* by way: what it took … */
    uint64_t work[2];   /* … for how much */
    uint64_t under_way; /* work of the stretch at hand */
};

/* `rules` must outlive the trial. The first way has its turn. */
void wst_trial_begin(struct wst_trial *trial, const struct wst_trial_rules *rules, uint64_t now_ns);
/* The stretch begins only now: what was before belongs to neither. */
void wst_trial_anew(struct wst_trial *trial, uint64_t now_ns);
/* A round is over, in which so much was done (bytes, say). True: so is the stretch. */
bool wst_trial_round(struct wst_trial *trial, uint64_t work);
/* After that, once whatever the stretch began has been done. */
void wst_trial_next(struct wst_trial *trial, uint64_t now_ns);
/* Whose turn it is: the second way's? */
bool wst_trial_second(const struct wst_trial *trial);

#endif

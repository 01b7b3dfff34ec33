/* SPDX-License-Identifier: MIT
 *
 * In: what is found in the answer to the handshake. Out: whether a client may go on with it.
 * Refuses what only the recorded client was seen to take, where the recorded server was right.
 */
#include "replay.h"

/* Answers that a client has to fail the connection for (RFC 6455 section 4.1, RFC 7692 section
 * 5.1). With these nobody knows on which terms it would compress, or what its frames would mean. */
static bool unreadable(enum wst_problem problem)
{
    return problem == WST_PROBLEM_HANDSHAKE_EXTENSION_NOT_OFFERED ||
           problem == WST_PROBLEM_HANDSHAKE_EXTENSION_BAD ||
           problem == WST_PROBLEM_HANDSHAKE_EXTENSION_TWICE ||
           problem == WST_PROBLEM_HANDSHAKE_DEFLATE_UNMATCHED;
}

/* These some clients take: where the recorded one did, the replay does. */
static bool disagreed(enum wst_problem problem)
{
    return problem == WST_PROBLEM_HANDSHAKE_UPGRADE ||
           problem == WST_PROBLEM_HANDSHAKE_CONNECTION ||
           problem == WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_NOT_OFFERED ||
           problem == WST_PROBLEM_HANDSHAKE_SUBPROTOCOL_SEVERAL;
}

bool wst_replay_unfit(const struct wst_replay_script *script, enum wst_problem problem)
{
    return unreadable(problem) ||
           (disagreed(problem) && !wst_replay_script_taken(script, problem));
}

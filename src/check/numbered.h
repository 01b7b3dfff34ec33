/* SPDX-License-Identifier: MIT
 *
 * In: a message. Out: whether it asks or answers, by a protocol that numbers its requests.
 * Refuses to guess: JSON-RPC 2.0 and Socket.IO say so themselves.
 */
#ifndef WST_CHECK_NUMBERED_H
#define WST_CHECK_NUMBERED_H

#include "tape.h"

struct wst_numbered {
    uint64_t id;           /* hash of the name: what answers has that of what asked, and each side
                              counts for itself. 0: it is no such message */
    struct wst_slice name; /* borrowed */
    bool asks;             /* else it answers */
    uint32_t binary;       /* messages that belong to it and come behind it */
};

/* `json`: the end of the payload that the tape is of; tape->n == 0: there is none. */
struct wst_numbered wst_numbered_of(struct wst_slice payload, const struct wst_tape *tape,
                                    struct wst_slice json);

#endif

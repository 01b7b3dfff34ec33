/* SPDX-License-Identifier: MIT
 *
 * In: files that are read one after another, and the times of their packets. Out: a word when one
 * of them ends before its predecessor began, and their names say that they belong together: a shell
 * lists cap10 before cap2, and a connection that goes over the border is then read from its end.
 * Refuses to change the order: it was asked for. Others may be read in any.
 */
#ifndef WST_TOOL_TURNS_H
#define WST_TOOL_TURNS_H

#include <stdbool.h>
#include <stdint.h>

struct wst_tool_turn {
    const char *name;    /* of the file; NULL: there was none */
    int64_t first, last; /* of its packets, as they stand there */
    bool any;            /* there was a packet */
};

struct wst_tool_turns {
    struct wst_tool_turn before, now; /* the last one that had packets; the one that is read */
    bool told;
};

/* The turn of `name`, which must live on; NULL: there are no more. True: the file that was read
 * until now is older than the one before it, which has a name like it, for the first time. */
bool wst_tool_turns_next(struct wst_tool_turns *turns, const char *name, const char **older,
                         const char **newer);

/* Packets of the file whose turn it is: the first and the last of a row. */
static inline void wst_tool_turns_packets(struct wst_tool_turns *turns, int64_t first, int64_t last)
{
    struct wst_tool_turn *now = &turns->now;
    if (!now->any) *now = (struct wst_tool_turn){now->name, first, last, true};
    if (last > now->last) now->last = last;
}

#endif

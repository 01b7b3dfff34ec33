/* SPDX-License-Identifier: MIT */
#include "turns.h"

#include <string.h>

/* But for their digits the names are the same: of those that one recording made. */
static bool alike(const char *a, const char *b)
{
    for (;; a++, b++) {
        a += strspn(a, "0123456789");
        b += strspn(b, "0123456789");
        if (*a != *b) return false;
        if (!*a) return true;
    }
}

bool wst_tool_turns_next(struct wst_tool_turns *turns, const char *name, const char **older,
                         const char **newer)
{
    struct wst_tool_turn before = turns->before, now = turns->now;
    bool backwards = before.any && now.any && now.last < before.first;

    if (now.any) turns->before = now;
    turns->now = (struct wst_tool_turn){.name = name};
    if (!backwards || turns->told || !alike(now.name, before.name)) return false;
    turns->told = true;
    *older = now.name;
    *newer = before.name;
    return true;
}

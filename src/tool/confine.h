/* SPDX-License-Identifier: MIT
 *
 * In: a run with everything open. Out: the same run, without root and without a way out.
 * Refuses to go on when what should be given up cannot be.
 */
#ifndef WST_TOOL_CONFINE_H
#define WST_TOOL_CONFINE_H

#include <stdbool.h>
#include <stddef.h>

struct wst_tool_confinement { /* in what way */
    const char *user;         /* -Z, or NULL */
    bool no_sandbox;
    bool live;    /* it listens: then not even root's name may be kept */
    bool verbose; /* say, too, that this system has no sandbox */
};

/* clang-format off */
#define WST_TOOL_CONFINE_ROWS(type, at) \
    {"Safety", 'Z', "relinquish-privileges", "USER", WST_TOOL_WORD, offsetof(type, at.user), 0, 0, NULL, "root becomes USER (default: who called sudo, or nobody)"}, \
    {NULL, 0, "no-sandbox", NULL, WST_TOOL_FLAG, offsetof(type, at.no_sandbox), 0, 0, NULL, "keep access to files, network and programs while parsing"}
/* clang-format on */

/* Who a run as root becomes: -Z, the user of sudo, or nobody. NULL: it is not root. */
const char *wst_tool_confine_user(const struct wst_tool_confinement *confinement);

/* Whose new files shall be: who it becomes, unless that is nobody or root. NULL: the caller's. */
const char *wst_tool_confine_owner(const struct wst_tool_confinement *confinement);

/* Before the first packet is looked at, and before the first thread. `readable`: files that may
 * still be opened. Returns 0 or the exit status after a complaint. */
int wst_tool_confine(const struct wst_tool_confinement *confinement, const char *const *readable,
                     size_t readable_n);
/* Its two halves, for who has something to do between them that no sandbox lets through. */
int wst_tool_confine_drop(const struct wst_tool_confinement *confinement);
int wst_tool_confine_wall(const struct wst_tool_confinement *confinement,
                          const char *const *readable, size_t readable_n);

#endif

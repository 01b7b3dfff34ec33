/* SPDX-License-Identifier: MIT
 *
 * In: folders. Out: test cases: each golden or file of rules in them with the capture of its name.
 * Refuses to guess: an expectation without a capture, or with two, is a case in trouble.
 */
#ifndef WST_TOOL_SUITE_H
#define WST_TOOL_SUITE_H

#include "case.h"

#include <stddef.h>

struct wst_tool_suite {
    struct wst_tool_case *cases; /* owned */
    size_t n, room;
    bool failed; /* out of memory */
};

/* A case of its own: these two files. */
void wst_tool_suite_pair(struct wst_tool_suite *suite, const char *capture, const char *expected);
/* All expectations in `folder` and below it, in the order of their names; their captures are looked
 * for beside them, or at the same place below `captures` when it is not NULL. Captures that nobody
 * expects are told to `unexpected`. False: the folder cannot be read, and `trouble` says why. */
bool wst_tool_suite_folder(struct wst_tool_suite *suite, const char *folder, const char *captures,
                           void (*unexpected)(const char *capture),
                           struct wst_tool_trouble *trouble);
/* The expectations beside one capture. Returns how many there are. */
size_t wst_tool_suite_beside(struct wst_tool_suite *suite, const char *capture);
void wst_tool_suite_free(struct wst_tool_suite *suite);

#endif

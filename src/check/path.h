/* SPDX-License-Identifier: MIT
 *
 * In: a JSONPath, and a JSON text as nodes. Out: the nodes that it names, marked or told.
 * Refuses what is not in the subset of RFC 9535 that is read here:
 *
 *     $                     the whole
 *     .name  ['na.me']      a member (section 2.3.1); "name" or 'name' in brackets
 *     .*  [*]               every member or element (2.3.2)
 *     [2]  [-1]             an element, from the end when negative (2.3.3)
 *     ..name  ..*  ..[2]    the same at any depth (2.5.2)
 *
 * Filters, slices, unions and functions are not read, and said to be so.
 */
#ifndef WST_CHECK_PATH_H
#define WST_CHECK_PATH_H

#include "tape.h"

enum { WST_PATH_STEPS = 32 }; /* segments of one path */

struct wst_path_step {
    enum { WST_PATH_NAME, WST_PATH_INDEX, WST_PATH_ALL } kind;
    bool deep;             /* .. before it */
    struct wst_slice name; /* decoded; into the path's own text */
    int64_t index;
};

struct wst_path {
    struct wst_path_step steps[WST_PATH_STEPS];
    uint32_t n;
    char *text;  /* owned: as written, NUL-terminated */
    char *names; /* owned: the decoded names */
};

/* Reads a path. NULL, or what is wrong, with its place in *at (bytes from the beginning); then
 * there is nothing to free. The text is copied. */
const char *wst_path_read(struct wst_path *path, struct wst_slice text, size_t *at);
void wst_path_free(struct wst_path *path);

/* Calls `found` for each node that the path names; a node may come twice. */
void wst_path_select(const struct wst_path *path, struct wst_slice text, struct wst_tape *tape,
                     void (*found)(void *user, struct wst_tape_node *node), void *user);

#endif

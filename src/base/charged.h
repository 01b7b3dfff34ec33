/* SPDX-License-Identifier: MIT
 *
 * Memory for libraries that ask for it by a function: paid for from the budget, and known piece by
 * piece, so that all of it can be given back at once without asking a library that has failed.
 */
#ifndef WST_BASE_CHARGED_H
#define WST_BASE_CHARGED_H

#include "budget.h"

struct wst_charged_piece;
struct wst_charged {
    struct wst_budget *budget;
    struct wst_charged_piece *newest;
    size_t used; /* bytes */
};

/* `user` is a struct wst_charged. NULL: the budget or the system has none. */
void *wst_charged_new(size_t n, void *user);
void wst_charged_free(void *what, void *user);
void *wst_charged_array(size_t n, size_t each, void *user); /* zeroed */
void *wst_charged_resize(void *what, size_t n, void *user);
/* Gives back all that is left. */
void wst_charged_free_all(struct wst_charged *charged);

#endif

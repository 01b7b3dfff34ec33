/* SPDX-License-Identifier: MIT
 *
 * What a renderer wrote, kept whole: text_keep is a sink (wstrace/render.h), free(text.p) the end.
 */
#ifndef WST_TEST_TEXT_H
#define WST_TEST_TEXT_H

#include <stdlib.h>
#include <string.h>

#include "guard.h"

struct text {
    char *p;
    size_t n, room;
};

static int text_keep(void *user, const uint8_t *p, size_t n)
{
    struct text *t = user;
    while (t->n + n > t->room) {
        t->room = t->room ? 2 * t->room : 65536;
        t->p = realloc(t->p, t->room);
        assert_non_null(t->p);
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
    return 0;
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * In: a direction. Out: the one against it; who sends in it. Refuses nothing.
 */
#ifndef WST_BASE_DIR_H
#define WST_BASE_DIR_H

#include <stddef.h>
#include <wstrace/types.h>

static inline enum wst_dir wst_dir_other(enum wst_dir dir)
{
    return dir == WST_C2S ? WST_S2C : WST_C2S;
}

/* "client" or "server"; NULL: WST_DIR_NONE. */
static inline const char *wst_dir_sender(enum wst_dir dir)
{
    return dir == WST_C2S ? "client" : dir == WST_S2C ? "server" : NULL;
}

#endif

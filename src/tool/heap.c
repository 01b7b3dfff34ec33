/* SPDX-License-Identifier: MIT */
#include "heap.h"

#include <stdlib.h> /* says whose library it is */
#ifdef __GLIBC__
#include <malloc.h>
#endif

enum { WORTH = 8 << 20 };

void wst_tool_heap_look(struct wst_tool_heap *heap, size_t held)
{
    if (held > heap->most) heap->most = held;
    if (heap->most - held < WORTH || held > heap->most / 2) return;
    heap->most = held;
#ifdef __GLIBC__
    malloc_trim(0); /* free() gives back no more than what lies behind all that is in use */
#endif
}

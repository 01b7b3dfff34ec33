/* SPDX-License-Identifier: MIT
 *
 * In: how much a context holds, now and again. Out: after a burst the heap's free pages are the
 * system's again: a sniffer that runs for a month does not keep what one minute of it needed.
 * Refuses to do so often: pages that are soon wanted again cost more than they are worth.
 */
#ifndef WST_TOOL_HEAP_H
#define WST_TOOL_HEAP_H

#include <stddef.h>

struct wst_tool_heap {
    size_t most; /* bytes held at the height of it */
};

/* `held`: wst_context_memory. Cheap. */
void wst_tool_heap_look(struct wst_tool_heap *heap, size_t held);

#endif

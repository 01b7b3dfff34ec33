/* SPDX-License-Identifier: MIT
 *
 * What all formats of the render room begin with.
 */
#ifndef WST_RENDER_RENDERER_H
#define WST_RENDER_RENDERER_H

#include "outlet.h"

/* A renderer: an output and what it does with an event. The first member of each format's own
 * structure; one malloc, one free. */
struct wst_render {
    void (*event)(void *render, const struct wst_event *event);
    void (*settle)(struct wst_render *render);  /* before a flush: write what waits; or NULL */
    void (*release)(struct wst_render *render); /* before it is freed: let go of its own; or NULL */
    struct wst_out out;
};

#endif

/* SPDX-License-Identifier: MIT
 *
 * In: renderers. Out: the public functions that all formats share.
 */
#include "renderer.h"

#include <stdlib.h>

static void listener_flush(void *user)
{
    wst_render_flush(user);
}

struct wst_listener wst_render_listener(struct wst_render *render)
{
    return (struct wst_listener){render, render->event, listener_flush};
}

int wst_render_flush(struct wst_render *render)
{
    if (render->settle) render->settle(render);
    return wst_out_flush(&render->out);
}

bool wst_render_failed(const struct wst_render *render)
{
    return render->out.failed != 0;
}

void wst_render_free(struct wst_render *render)
{
    if (render && render->release) render->release(render);
    free(render);
}

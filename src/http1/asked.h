/* SPDX-License-Identifier: MIT
 *
 * Inside the http1 room: the requests that were not answered yet, and what is special about each.
 */
#ifndef WST_HTTP1_ASKED_H
#define WST_HTTP1_ASKED_H

#include "http1.h"

/* What is special about a request. */
enum http_asked {
    ASKED_PLAIN = 0, /* nothing */
    ASKED_HEAD = 1,  /* its answer has no body, whatever it announces */
    ASKED_UPGRADE = 2,
    ASKED_TUNNEL = 4,
    ASKED_OTHER = 8, /* to go on in another protocol, as h2c */
    /* After any of these the client's next bytes wait for the answer. */
    ASKED_WAITS = ASKED_UPGRADE | ASKED_TUNNEL | ASKED_OTHER,
};

/* False: there is no room for one more. */
static inline bool wst_asked_push(struct wst_http *h, struct wst_http_env *env, uint8_t asks)
{
    if (h->asked_n < WST_HTTP_INLINE) {
        h->asked[(h->asked_first + h->asked_n++) % WST_HTTP_INLINE] = asks;
        return true;
    }
    return wst_buf_append(&h->asked_more, env->budget, wst_slice_of(&asks, 1),
                          env->options->limits.max_pipeline);
}

/* Of the one that is answered next. */
static inline uint8_t wst_asked_first(const struct wst_http *h)
{
    return h->asked_n ? h->asked[h->asked_first] : ASKED_PLAIN;
}

/* It was. */
static inline void wst_asked_pop(struct wst_http *h)
{
    if (!h->asked_n) return;
    h->asked_first = (uint8_t)((h->asked_first + 1) % WST_HTTP_INLINE);
    h->asked_n--;
    if (h->asked_more.n) {
        h->asked[(h->asked_first + h->asked_n++) % WST_HTTP_INLINE] = h->asked_more.p[0];
        wst_buf_drop(&h->asked_more, 1);
    }
}

#endif

/* SPDX-License-Identifier: MIT */
#include "begins.h"

#include "body.h"

enum { BEGINS = 320 }; /* bytes that show a request: a method, a host's name and a port */

bool wst_http_may_begin_head(const struct wst_http *h, enum wst_dir dir)
{
    const struct wst_http_side *side = &h->side[dir];
    if (side->mode == WST_HTTP_HEAD) return false;
    if (side->mode == WST_HTTP_BLIND) return true;
    if (side->mode == WST_HTTP_TO_END) return h->asked_n > 0;
    return dir == WST_C2S && side->untouched && !h->asked_n;
}

bool wst_http_frame_begins(const struct wst_http *h, struct wst_slice s)
{
    uint8_t two[2];
    if (!h->side[WST_C2S].untouched) return false;
    if (s.n < sizeof two && !wst_queue_empty(&h->wait[WST_C2S]))
        s = wst_slice_of(two, wst_queue_front(&h->wait[WST_C2S], two, sizeof two));
    return wst_begins_frame(s);
}

bool wst_http_body_or_not(struct wst_http *h, struct wst_slice s)
{
    struct wst_http_side *side = &h->side[WST_C2S];
    uint8_t room[BEGINS];
    bool head = wst_http_may_begin_head(h, WST_C2S) && side->mode != WST_HTTP_BLIND;
    if (!head && !h->granted) return false;
    if (!wst_queue_empty(&h->wait[WST_C2S]))
        s = wst_slice_of(room, wst_queue_front(&h->wait[WST_C2S], room, sizeof room));
    bool more = s.n && s.n < BEGINS && (side->mode != WST_HTTP_BODY || s.n < side->left);
    if (h->granted) return more && wst_begins_frame_yet(s);
    if (!wst_begins_head(s, WST_C2S)) return more && wst_begins_head_yet(s);
    side->mode = WST_HTTP_HEAD;
    return false;
}

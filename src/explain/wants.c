/* SPDX-License-Identifier: MIT
 *
 * In: frames, handshakes, endings and packets that are asked for; then what a capture has. Out:
 * which of it is wanted, and at the end what was wanted and is not there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "array.h"
#include "explain.h"

static int want(struct wst_explain *x, struct wst_want w)
{
    if (x->wants_n == x->wants_room) {
        void *more = wst_array_double(x->wants, &x->wants_room, sizeof *x->wants, 8);
        if (!more) return -1;
        x->wants = more;
    }
    x->wants[x->wants_n++] = w;
    x->any_conn = x->any_conn || w.kind == WANT_PACKET;
    return 0;
}

int wst_explain_frames(struct wst_explain *x, uint64_t conn, uint64_t first, uint64_t last)
{
    return want(x,
                (struct wst_want){.kind = WANT_FRAMES, .conn = conn, .first = first, .last = last});
}

int wst_explain_handshake(struct wst_explain *x, uint64_t conn)
{
    return want(x, (struct wst_want){.kind = WANT_HANDSHAKE, .conn = conn});
}

int wst_explain_packet(struct wst_explain *x, uint64_t pkt)
{
    return want(x, (struct wst_want){.kind = WANT_PACKET, .first = pkt});
}

int wst_explain_closing(struct wst_explain *x, uint64_t conn)
{
    for (struct wst_ending *e = x->endings; e; e = e->next)
        if (e->conn == conn) return 0; /* once is enough */
    struct wst_ending *e = calloc(1, sizeof *e);
    if (!e) return -1;
    e->conn = conn;
    e->tcp_stream = -1;
    for (int d = 0; d < 2; d++) e->end[d] = e->ack[d] = -1;
    struct wst_ending **last = &x->endings;
    while (*last) last = &(*last)->next;
    *last = e;
    return want(x, (struct wst_want){.kind = WANT_CLOSING, .conn = conn});
}

static bool carries(const struct wst_wire_segment *segments, size_t n, uint64_t pkt)
{
    for (size_t i = 0; i < n; i++)
        if (segments[i].pkt == pkt) return true;
    return false;
}

/* `kept`: it can be shown. */
bool wst_wants_frame(struct wst_explain *x, const struct wst_wire_frame *f, bool kept)
{
    const struct wst_event *e = f->event;
    bool any = false;
    for (size_t i = 0; i < x->wants_n; i++) {
        struct wst_want *w = &x->wants[i];
        bool hit = false;
        if (w->kind == WANT_FRAMES && w->conn == e->conn) {
            w->frames = e->frame.n;
            hit = e->frame.n >= w->first && e->frame.n <= w->last;
        } else if (w->kind == WANT_PACKET) {
            hit = w->first == e->when.pkt || carries(f->segments, f->segments_n, w->first);
        }
        w->found = w->found || (hit && kept);
        w->lost = w->lost || (hit && !kept);
        any = any || hit;
    }
    return any && kept;
}

bool wst_wants_handshake(struct wst_explain *x, const struct wst_wire_handshake *h)
{
    const struct wst_event *e = h->event;
    bool any = false;
    for (size_t i = 0; i < x->wants_n; i++) {
        struct wst_want *w = &x->wants[i];
        bool hit = w->kind == WANT_HANDSHAKE && w->conn == e->conn;
        if (w->kind == WANT_PACKET)
            hit = w->first == e->when.pkt || w->first == e->handshake.request_pkt ||
                  carries(h->request_segments, h->request_segments_n, w->first) ||
                  carries(h->response_segments, h->response_segments_n, w->first);
        w->met = w->met || w->conn == e->conn;
        w->found = w->found || hit || (w->kind == WANT_CLOSING && w->met);
        any = any || hit;
    }
    return any;
}

bool wst_wants_frames_of(const struct wst_explain *x, uint64_t conn)
{
    for (size_t i = 0; i < x->wants_n; i++)
        if (x->wants[i].kind == WANT_FRAMES && x->wants[i].conn == conn) return true;
    return x->any_conn;
}

static bool over(const struct wst_explain *x, const struct wst_want *w)
{
    const struct wst_ending *e = x->endings;
    switch (w->kind) {
    case WANT_FRAMES: return w->frames >= w->last;
    case WANT_HANDSHAKE: return w->found;
    case WANT_CLOSING:
        while (e && e->conn != w->conn) e = e->next;
        return e && e->ended && (e->told || e->tcp != WST_TCP_FIN);
    default: return false;
    }
}

bool wst_explain_enough(const struct wst_explain *x)
{
    for (size_t i = 0; i < x->wants_n; i++)
        if (!over(x, &x->wants[i])) return false;
    return x->wants_n > 0;
}

static void missing(const struct wst_want *w, char text[WST_EXPLAIN_ERROR_SIZE])
{
    size_t size = WST_EXPLAIN_ERROR_SIZE;
    if (w->kind == WANT_PACKET)
        snprintf(text, size, "packet %" PRIu64 " carries nothing of a handshake or frame%s",
                 w->first, w->lost ? " that could be shown" : "");
    else if (!w->met)
        snprintf(text, size, "there is no connection %" PRIu64, w->conn);
    else if (w->lost)
        snprintf(text, size,
                 "frame %" PRIu64 ".%" PRIu64 " cannot be shown: its bytes are missing from "
                 "the capture, or were too many to be kept",
                 w->conn, w->first);
    else if (w->frames)
        snprintf(text, size,
                 "connection %" PRIu64 " has %" PRIu64 " frame%s; there is no %" PRIu64 ".%" PRIu64,
                 w->conn, w->frames, w->frames == 1 ? "" : "s", w->conn, w->first);
    else
        snprintf(text, size, "connection %" PRIu64 " has no frames", w->conn);
}

bool wst_explain_missing(const struct wst_explain *x, size_t i, char text[WST_EXPLAIN_ERROR_SIZE])
{
    for (size_t k = 0; k < x->wants_n; k++)
        if (!x->wants[k].found && i-- == 0) {
            missing(&x->wants[k], text);
            return true;
        }
    return false;
}

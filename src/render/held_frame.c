/* SPDX-License-Identifier: MIT */
#include <stddef.h>
#include <string.h>
#include <wstrace/render.h>

enum { OP_CLOSE = 8 };

void wst_held_frame_keep(struct wst_held_frame *held, const struct wst_event *frame)
{
    held->waiting = true;
    memcpy(&held->event, frame, offsetof(struct wst_event, frame) + sizeof frame->frame);
    held->event.frame.payload = (struct wst_slice){NULL, 0};
}

bool wst_held_frame_take(struct wst_held_frame *held, const struct wst_event *event)
{
    const struct wst_event_frame *f = &held->event.frame;
    if (!held->waiting || held->event.conn != event->conn || held->event.dir != event->dir)
        return false;
    bool all = f->opcode == OP_CLOSE
                   ? event->type == WST_EVENT_CLOSE
                   : event->type == WST_EVENT_MESSAGE && f->msg == event->message.msg &&
                         event->message.frames == 1;
    if (all) held->waiting = false;
    return all;
}

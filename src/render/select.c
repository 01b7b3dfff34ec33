/* SPDX-License-Identifier: MIT
 *
 * In: a timeline. Out: the part of it that was asked for, to the next listener.
 * Refuses events of other connections, directions and opcodes, and in which nothing is found; never
 * totals.
 */
#include <wstrace/render.h>

static uint8_t opcode_of(const struct wst_event *event)
{
    switch (event->type) {
    case WST_EVENT_FRAME: return event->frame.opcode & 15;
    case WST_EVENT_MESSAGE: return event->message.opcode & 15;
    default: return 8; /* close */
    }
}

static bool has_opcode(const struct wst_event *event)
{
    return event->type == WST_EVENT_FRAME || event->type == WST_EVENT_MESSAGE ||
           event->type == WST_EVENT_CLOSE;
}

static bool matches(const struct wst_select *select, const struct wst_event *event)
{
    if (event->type == WST_EVENT_META || event->type == WST_EVENT_STATS) return true;
    if (select->conn != 0 && event->conn != select->conn) return false;
    if (event->type == WST_EVENT_END) return true;
    /* A handshake is of both directions, a finding may be of none: neither is asked. */
    if (select->dir != WST_DIR_NONE && event->dir != WST_DIR_NONE && event->dir != select->dir)
        return false;
    if (select->ops != 0 && has_opcode(event)) return select->ops >> opcode_of(event) & 1;
    return true;
}

static void pass(const struct wst_select *select, const struct wst_event *event)
{
    select->next.event(select->next.user, event);
}

/* A frame whose message or close comes next, if it is the last one, and will be judged then. */
static bool is_part(const struct wst_event *event)
{
    return event->type == WST_EVENT_FRAME && (event->frame.opcode <= 2 || event->frame.opcode == 8);
}

/* The frame that waits, if it is this event's: of several, too. */
static void pass_held(const struct wst_select *select, const struct wst_event *event)
{
    const struct wst_event *held = &select->held.event;
    bool closes = event->type == WST_EVENT_CLOSE;
    if (select->held.waiting && held->conn == event->conn && held->dir == event->dir &&
        closes == (held->frame.opcode == 8))
        pass(select, held);
}

static void pass_wanted(struct wst_select *select, const struct wst_event *event)
{
    switch (event->type) {
    case WST_EVENT_META:
    case WST_EVENT_STATS:
    case WST_EVENT_GAP: pass(select, event); break;
    case WST_EVENT_FRAME:
        if (is_part(event))
            wst_held_frame_keep(&select->held, event);
        else if (wst_grep_event(select->grep, event))
            pass(select, event);
        break;
    case WST_EVENT_MESSAGE:
    case WST_EVENT_CLOSE:
        if (!wst_grep_event(select->grep, event)) break;
        pass_held(select, event);
        pass(select, event);
        break;
    default: break;
    }
}

static void select_event(void *user, const struct wst_event *event)
{
    struct wst_select *select = user;
    if (!matches(select, event)) return;
    if (!select->grep) {
        pass(select, event);
        return;
    }
    pass_wanted(select, event);
    if (!is_part(event)) select->held.waiting = false;
}

static void select_flush(void *user)
{
    struct wst_select *select = user;
    if (select->next.flush) select->next.flush(select->next.user);
}

struct wst_listener wst_select_listener(struct wst_select *select)
{
    return (struct wst_listener){select, select_event, select_flush};
}

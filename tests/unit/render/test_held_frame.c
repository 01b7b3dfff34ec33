/* SPDX-License-Identifier: MIT
 *
 * Frames lie flush against a page that cannot be read, as copies of events may.
 */
#include <wstrace/render.h>

#include "guard.h"

static struct guard page;

static const struct wst_event *flush(const struct wst_event *event)
{
    _Alignas(WST_EVENT_ALIGN) static uint8_t copy[4096];
    size_t n = wst_event_copy(copy, sizeof copy, event);
    assert_in_range(n, 1, sizeof copy);
    return (const struct wst_event *)(const void *)guard_put(&page, copy, n).p;
}

static struct wst_event frame_of(uint8_t opcode, uint64_t msg)
{
    struct wst_event e = {.type = WST_EVENT_FRAME, .dir = WST_S2C, .conn = 7, .when = {3, 4}};
    e.frame = (struct wst_event_frame){.opcode = opcode, .msg = msg, .fin = true, .len = 5};
    return e;
}

static struct wst_event message_of(uint64_t msg, uint64_t frames)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .dir = WST_S2C, .conn = 7, .when = {3, 4}};
    e.message.msg = msg;
    e.message.frames = frames;
    return e;
}

static void keep(struct wst_held_frame *held, struct wst_event frame)
{
    uint8_t bytes[] = {1, 2, 3, 4, 5};
    frame.frame.payload = (struct wst_slice){bytes, sizeof bytes};
    *held = (struct wst_held_frame){.waiting = false};
    wst_held_frame_keep(held, flush(&frame));
    assert_true(held->waiting);
    assert_null(held->event.frame.payload.p);
    assert_int_equal(held->event.frame.payload.n, 0);
    frame.frame.payload = held->event.frame.payload;
    assert_memory_equal(&held->event.frame, &frame.frame, sizeof frame.frame);
    assert_true(held->event.type == WST_EVENT_FRAME && held->event.dir == frame.dir);
    assert_true(held->event.conn == 7 && held->event.when.pkt == 3 && held->event.when.ns == 4);
}

static void its_message(void **state)
{
    struct wst_held_frame held;
    struct wst_event message = message_of(9, 1), other = message_of(8, 1), more = message_of(9, 2);
    struct wst_event close = {.type = WST_EVENT_CLOSE, .dir = WST_S2C, .conn = 7};
    struct wst_event gap = {.type = WST_EVENT_GAP, .dir = WST_S2C, .conn = 7};
    struct wst_event back = message, elsewhere = message;
    (void)state;
    back.dir = WST_C2S;
    elsewhere.conn = 6;
    keep(&held, frame_of(1, 9));
    assert_false(wst_held_frame_take(&held, flush(&other)));
    assert_false(wst_held_frame_take(&held, flush(&more)));
    assert_false(wst_held_frame_take(&held, flush(&close)));
    assert_false(wst_held_frame_take(&held, flush(&gap)));
    assert_false(wst_held_frame_take(&held, flush(&back)));
    assert_false(wst_held_frame_take(&held, flush(&elsewhere)));
    assert_true(held.waiting);
    assert_true(wst_held_frame_take(&held, flush(&message)));
    assert_false(wst_held_frame_take(&held, flush(&message))); /* once */
    assert_int_equal(held.event.frame.len, 5);
}

static void its_close(void **state)
{
    struct wst_held_frame held;
    struct wst_event close = {.type = WST_EVENT_CLOSE, .dir = WST_S2C, .conn = 7};
    struct wst_event message = message_of(0, 1), gap = {.type = WST_EVENT_GAP, .dir = WST_S2C};
    (void)state;
    keep(&held, frame_of(8, 0));
    gap.conn = 7;
    assert_false(wst_held_frame_take(&held, flush(&message)));
    assert_false(wst_held_frame_take(&held, flush(&gap)));
    assert_true(wst_held_frame_take(&held, flush(&close)));
    assert_false(wst_held_frame_take(&held, flush(&close)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(its_message), cmocka_unit_test(its_close)};
    guard_init(&page, 4096);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    guard_free(&page);
    return failed;
}

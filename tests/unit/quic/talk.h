/* SPDX-License-Identifier: MIT
 *
 * One room and one connection in it, and what both of its ends say on a stream.
 */
#ifndef WST_TEST_QUIC_TALK_H
#define WST_TEST_QUIC_TALK_H

#include "room.h"

static struct room room;
static struct conn conn;

static inline void end(void)
{
    room_finish(&room);
    room_free(&room);
}

static inline const struct room_half *half(uint64_t stream, enum wst_dir dir)
{
    return &room.half[stream][dir];
}

static inline void talk(struct conn *c, uint64_t base)
{
    conn_stream(c, WST_C2S, base, 0, 100, false);
    conn_stream(c, WST_S2C, base, 0, 1000, false);
    conn_stream(c, WST_C2S, base, 100, 50, true);
    conn_stream(c, WST_S2C, base, 1000, 0, true);
}

static inline void talked(uint64_t base)
{
    assert_int_equal(half(base, WST_C2S)->at, 150);
    assert_int_equal(half(base, WST_S2C)->at, 1000);
    for (int d = 0; d < 2; d++) {
        assert_int_equal(half(base, (enum wst_dir)d)->fins, 1);
        assert_int_equal(half(base, (enum wst_dir)d)->gaps, 0);
    }
}

#endif

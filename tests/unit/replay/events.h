/* SPDX-License-Identifier: MIT
 *
 * Events as a context would tell them of one connection, made by hand.
 */
#ifndef WST_TEST_EVENTS_H
#define WST_TEST_EVENTS_H

#include "guard.h"
#include "slice.h"

#include <wstrace/replay.h>

#define MS 1000000ll

static uint64_t event_pkt;

static inline void tell(const struct wst_listener *to, struct wst_event e, int64_t ms)
{
    e.when = (struct wst_when){++event_pkt, ms * MS};
    to->event(to->user, &e);
}

static inline void tell_handshake(const struct wst_listener *to, uint64_t conn, const char *uri,
                                  int32_t status, bool accepted)
{
    struct wst_event e = {.type = WST_EVENT_HANDSHAKE, .conn = conn, .dir = WST_DIR_NONE};

    e.handshake.request_pkt = 1;
    e.handshake.uri = wst_slice_text(uri);
    e.handshake.status = status;
    e.handshake.accepted = accepted;
    e.handshake.accept_ok = accepted ? 1 : -1;
    tell(to, e, 0);
}

static inline void tell_message(const struct wst_listener *to, uint64_t conn, enum wst_dir dir,
                                const char *text, int64_t ms)
{
    struct wst_event e = {.type = WST_EVENT_MESSAGE, .conn = conn, .dir = dir};

    e.message.opcode = 1;
    e.message.certain = true;
    e.message.payload = wst_slice_text(text);
    e.message.len = e.message.payload.n;
    tell(to, e, ms);
}

static inline struct wst_event control(uint64_t conn, enum wst_dir dir, uint8_t opcode,
                                       const char *text)
{
    struct wst_event e = {.type = WST_EVENT_FRAME, .conn = conn, .dir = dir};

    e.frame.opcode = opcode;
    e.frame.fin = e.frame.complete = true;
    e.frame.payload = wst_slice_text(text);
    e.frame.len = e.frame.payload.n;
    return e;
}

static inline void tell_close(const struct wst_listener *to, uint64_t conn, enum wst_dir dir,
                              int32_t code, const char *reason, int64_t ms)
{
    struct wst_event e = {.type = WST_EVENT_CLOSE, .conn = conn, .dir = dir};

    e.close.code = code;
    e.close.reason = wst_slice_text(reason);
    tell(to, e, ms);
}

#endif

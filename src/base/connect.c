/* SPDX-License-Identifier: MIT
 *
 * In: the fields of a CONNECT or of its answer. Out: what they ask for, what they say. And what the
 * server says behind an answer that is lost, until it is proven to be WebSocket.
 */
#include "connect.h"

#include "fields.h"
#include "slice.h"

bool wst_connect_is_other(struct wst_slice fields)
{
    struct wst_slice method = wst_fields_named(fields, ":method");
    struct wst_slice protocol = wst_fields_named(fields, ":protocol");
    return (method.p && !wst_slice_is(method, "CONNECT")) ||
           (protocol.p && !wst_slice_is_nocase(protocol, "websocket"));
}

enum wst_connect_asks wst_connect_asked(struct wst_slice fields)
{
    return wst_fields_named(fields, ":protocol").p ? WST_CONNECT_WEBSOCKET : WST_CONNECT_TUNNEL;
}

int wst_connect_status(struct wst_slice fields)
{
    struct wst_slice v = wst_fields_named(fields, ":status");
    if (v.n != 3) return -1;
    int status = 0;
    for (size_t i = 0; i < 3; i++) {
        if (v.p[i] < '0' || v.p[i] > '9') return -1;
        status = status * 10 + (v.p[i] - '0');
    }
    return status >= 100 ? status : -1;
}

bool wst_connect_is_refused(struct wst_slice fields, bool whole)
{
    int status = wst_connect_status(fields);
    return status < 0 ? whole : status >= 300 || status == 101;
}

/* RFC 6455 section 5.2. Nothing that is zipped begins so, either. "A" and "B" would begin a
 * compressed message in fragments. */
static bool connect_begins_frame(uint8_t c)
{
    uint8_t opcode = c & 15;
    if (c & 0x30 || (c & 0xc0) == 0x40) return false;
    return opcode == 1 || opcode == 2 || (c >= 0x88 && c <= 0x8a);
}

bool wst_connect_says(struct wst_connect_stream *s, const struct wst_connect_sink *to,
                      struct wst_budget *budget, struct wst_slice bytes, uint64_t from, size_t cap,
                      uint64_t *lost)
{
    enum { EACH = 16 /* pieces judged one by one; then when a quarter more has come */ };
    bool first = !*lost && wst_queue_empty(&s->said);
    s->unframed |= first && !connect_begins_frame(bytes.p[0]);
    if (s->unframed) {
        *lost += bytes.n;
        return false;
    }
    if (!wst_queue_push(&s->said, budget, bytes, from, cap)) {
        *lost += bytes.n + wst_connect_unsaid(s, budget);
        return false;
    }
    if (++s->said_n > EACH && s->said_n < s->judge_at) return false;
    s->judge_at = s->said_n + s->said_n / 4;
    return to->proves(to->user, s, false);
}

void wst_connect_waited(struct wst_connect_stream *s, const struct wst_connect_sink *to,
                        struct wst_budget *budget, enum wst_dir dir, struct wst_queue *wait,
                        bool exact, const struct wst_arrival *a)
{
    struct wst_arrival carried = *a;
    for (struct wst_slice w; (w = wst_queue_first(wait, &carried.from)).n;) {
        if (w.p)
            to->data(to->user, s, dir, w, &carried);
        else
            to->gap(to->user, s, dir, w.n, exact, &carried);
        wst_queue_take(wait, w.n);
    }
    wst_queue_free(wait, budget);
}

uint64_t wst_connect_unsaid(struct wst_connect_stream *s, struct wst_budget *budget)
{
    uint64_t n = wst_queue_bytes(&s->said);
    wst_queue_free(&s->said, budget);
    s->said_n = s->judge_at = 0;
    return n;
}

int wst_connect_whole_frames(struct wst_slice s)
{
    enum { ENOUGH = 16 };
    int masked = -1;
    for (unsigned i = 0; s.n >= 2; i++) {
        uint8_t opcode = s.p[0] & 15, m = s.p[1] >> 7, n = s.p[1] & 127;
        size_t head = 2 + (m ? 4u : 0) + (n < 126 ? 0 : n == 126 ? 2 : 8);
        bool legal = !(s.p[0] & 0x30) && (opcode <= 2 || (opcode >= 8 && opcode <= 10 && n < 126));
        if (!legal || s.n < head || (masked >= 0 && masked != m)) return -1;
        if (i == ENOUGH) return masked;
        uint64_t length = n < 126 ? n : n == 126 ? wst_be16(s.p + 2) : wst_be64(s.p + 2);
        if (length > s.n - head || (opcode == 0 && !length)) return -1;
        masked = m;
        s = wst_slice_skip(s, head + (size_t)length);
    }
    return s.n ? -1 : masked;
}

/* SPDX-License-Identifier: MIT */
#include "packet.h"

#include "varint.h"

/* RFC 9000 section 17.2; RFC 9369 section 3.2 counts them from another place. */
static enum wst_quic_type long_type(uint8_t first, uint32_t version)
{
    unsigned type = first >> 4 & 3;
    return (enum wst_quic_type)(wst_quic_is_second(version) ? (type + 3) % 4 : type);
}

/* Takes a length of one byte and a connection ID. */
static bool take_id(struct wst_slice *s, struct wst_slice *id)
{
    if (!s->n || s->p[0] > WST_QUIC_ID || s->p[0] > s->n - 1) return false;
    *id = wst_slice_of(s->p + 1, s->p[0]);
    *s = wst_slice_skip(*s, 1 + id->n);
    return true;
}

/*  │ first 1 │ version 4 │ n 1, to n │ n 1, from n │ token, of Initial │ length │ number 1–4 … */
static enum wst_quic_read read_long(struct wst_slice s, struct wst_quic_packet *p)
{
    struct wst_slice rest = wst_slice_skip(s, 5);
    uint64_t n;
    if (s.n < 5) return WST_QUIC_ABSENT;
    p->version = wst_be32(s.p + 1);
    if (!wst_quic_knows(p->version)) return WST_QUIC_NOT;
    p->type = long_type(s.p[0], p->version);
    if (!take_id(&rest, &p->to) || !take_id(&rest, &p->from)) return WST_QUIC_ABSENT;
    p->bytes = s;
    if (p->type == WST_QUIC_RETRY) return WST_QUIC_READ;
    if (p->type == WST_QUIC_INITIAL) {
        if (!wst_varint_take(&rest, &n) || n > rest.n) return WST_QUIC_ABSENT;
        rest = wst_slice_skip(rest, (size_t)n);
    }
    if (!wst_varint_take(&rest, &n) || n > rest.n) return WST_QUIC_ABSENT;
    p->number = (size_t)(rest.p - s.p);
    p->bytes.n = p->number + (size_t)n;
    return WST_QUIC_READ;
}

enum wst_quic_read wst_quic_packet_read(struct wst_slice s, struct wst_quic_packet *p)
{
    *p = (struct wst_quic_packet){.type = WST_QUIC_SHORT, .bytes = s};
    if (!s.n) return WST_QUIC_ABSENT;
    if (s.p[0] & WST_QUIC_LONG) return read_long(s, p);
    return WST_QUIC_READ;
}

bool wst_quic_packet_begins(struct wst_slice s)
{
    if (s.n < 7 || (s.p[0] & (WST_QUIC_LONG | WST_QUIC_FIXED)) != (WST_QUIC_LONG | WST_QUIC_FIXED))
        return false;
    uint32_t version = wst_be32(s.p + 1);
    return wst_quic_knows(version) && long_type(s.p[0], version) == WST_QUIC_INITIAL;
}

uint64_t wst_quic_number(uint64_t next, uint32_t low, size_t n)
{
    uint64_t window = UINT64_C(1) << (8 * n), half = window / 2;
    uint64_t number = (next & ~(window - 1)) | low;
    if (number + half <= next && number < (UINT64_C(1) << 62) - window) return number + window;
    if (number > next + half && number >= window) return number - window;
    return number;
}

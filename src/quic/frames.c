/* SPDX-License-Identifier: MIT */
#include "frames.h"

#include "varint.h"

static const struct row {
    uint16_t type;
    const char *layout;
} rows[] = {
#define WST_QUIC_ROW(NAME, type, layout) {type, layout},
#include "frames.def"
#undef WST_QUIC_ROW
};

static const char *layout_of(uint64_t type)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].type == type) return rows[i].layout;
    return NULL;
}

static bool take_bytes(struct wst_slice *s, uint64_t n, struct wst_slice *part)
{
    if (n > s->n) return false;
    *part = wst_slice_head(*s, n);
    *s = wst_slice_skip(*s, (size_t)n);
    return true;
}

static bool take_laid_out(struct wst_slice *s, struct wst_quic_frame *f, const char *layout)
{
    struct wst_slice part;
    unsigned values = 0;
    uint64_t n;
    for (; *layout; layout++) {
        switch (*layout) {
        case 'v':
            if (!wst_varint_take(s, &f->v[values++])) return false;
            break;
        case 'b':
            if (!wst_varint_take(s, &n) || !take_bytes(s, n, &f->bytes)) return false;
            break;
        case 'i':
            if (!take_bytes(s, 1, &part) || !take_bytes(s, part.p[0], &f->bytes)) return false;
            break;
        case '8':
            if (!take_bytes(s, 8, &part)) return false;
            break;
        case 't':
            if (!take_bytes(s, WST_QUIC_TOKEN, &part)) return false;
            f->token = part.p;
            break;
        default: take_bytes(s, s->n, &f->bytes); break;
        }
    }
    return true;
}

/* RFC 9000 section 19.8: │ stream │ offset, if O │ length, if L │ bytes │ */
static bool take_stream(struct wst_slice *s, struct wst_quic_frame *f)
{
    uint64_t n;
    if (!wst_varint_take(s, &f->v[0])) return false;
    if (f->type & WST_QUIC_STREAM_OFFSET && !wst_varint_take(s, &f->v[1])) return false;
    n = s->n;
    if (f->type & WST_QUIC_STREAM_LENGTH && !wst_varint_take(s, &n)) return false;
    return take_bytes(s, n, &f->bytes) && f->v[1] + n < UINT64_C(1) << 62;
}

/* RFC 9000 section 19.3: │ largest │ delay │ count │ first │ (gap │ length) … │ three counts, ECN │
 * bytes: from `first` on. */
static bool take_ack(struct wst_slice *s, struct wst_quic_frame *f)
{
    uint64_t count, v;
    if (!wst_varint_take(s, &f->v[0]) || !wst_varint_take(s, &v) || !wst_varint_take(s, &count))
        return false;
    struct wst_slice ranges = *s;
    if (!wst_varint_take(s, &v) || count > s->n) return false;
    for (uint64_t i = 0; i < 2 * count; i++)
        if (!wst_varint_take(s, &v)) return false;
    f->bytes = wst_slice_of(ranges.p, ranges.n - s->n);
    for (int i = 0; i < 3 && f->type == WST_QUIC_ACK_ECN; i++)
        if (!wst_varint_take(s, &v)) return false;
    return true;
}

bool wst_quic_frame_take(struct wst_slice *s, struct wst_quic_frame *f)
{
    *f = (struct wst_quic_frame){0};
    if (!wst_varint_take(s, &f->type)) return false;
    const char *layout = layout_of(f->type);
    if (!layout) return false;
    if (*layout != '*') return take_laid_out(s, f, layout);
    return f->type <= WST_QUIC_ACK_ECN ? take_ack(s, f) : take_stream(s, f);
}

struct wst_quic_ack wst_quic_ack_of(const struct wst_quic_frame *f)
{
    return (struct wst_quic_ack){.rest = f->bytes, .next = f->v[0], .more = true};
}

/* RFC 9000 section 19.3.1: a gap of 0 leaves one number out. */
bool wst_quic_ack_next(struct wst_quic_ack *a, uint64_t *from, uint64_t *to)
{
    uint64_t n, gap;
    if (!a->more || !wst_varint_take(&a->rest, &n) || n > a->next) return false;
    *to = a->next;
    *from = a->next - n;
    a->more = wst_varint_take(&a->rest, &gap) && *from >= gap + 2;
    if (a->more) a->next = *from - gap - 2;
    return true;
}

/* SPDX-License-Identifier: MIT */
#include "seek.h"

#include <stdlib.h>

#include "array.h"
#include "evidence.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum {
    /* what is needed, in bits; see the table in evidence.h */
    NEED_MARK = 22,   /* at the front of a segment */
    NEED_MIDDLE = 34, /* anywhere else */
    NEED_MARK_FINAL = 13,
    NEED_MIDDLE_FINAL = 26,
    NEED_FIRST = 17, /* of it, the first frame of a chain in the middle by itself */
    /* the first of frames that lead exactly to one already believed */
    BITS_JOIN = 7,    /* that a 7-bit length does */
    BITS_JOIN16 = 16, /* a longer one */
    BITS_FRONT = 12,  /* it begins a segment: there is one such place, not a hundred */
    NEED_JOIN = 24,
    NEED_SHREDS = 8, /* more than all that, among segments of a few bytes */
    CUT_TEXT = BITS_HEADER + BITS_LENGTH64 + BITS_TEXT_MAX, /* a long text whose end is not there */
};
enum {
    SCAN_FIRST = 64,
    MARKS_FIRST = 16,
    CHAIN_MAX = 24,      /* frames; more evidence than any threshold */
    LEAD_MAX = 256,      /* frames that lead to one believed */
    ZEROS_MAX = 4,       /* frames of no evidence in a chain */
    EVIDENCE_MARKS = 64, /* marks looked at from either end */
    SHRED = 8,           /* bytes: a shorter segment is one */
    SEGMENTS_TELL = 8,   /* how long segments are */
};

struct wst_seek *wst_seek_new(struct wst_budget *budget, uint64_t offset)
{
    struct wst_seek *k = wst_budget_new(budget, sizeof *k);
    if (!k) return NULL;
    k->offset = offset;
    k->scan_at = SCAN_FIRST;
    k->mark_at = 1;
    return k;
}

void wst_seek_free(struct wst_seek *k, struct wst_budget *budget)
{
    if (!k) return;
    wst_buf_free(&k->bytes, budget);
    wst_budget_give(budget, sizeof *k + k->marks_room * sizeof *k->marks);
    free(k->marks);
    free(k);
}

static void seek_drop(struct wst_seek *k, size_t n)
{
    uint32_t i = 0;
    while (i < k->marks_n && k->marks[i].at < n) i++;
    /* A mark for what is left of a segment would be a lie; drop it with its front. */
    if (i < k->marks_n) memmove(k->marks, k->marks + i, (k->marks_n - i) * sizeof *k->marks);
    k->marks_n -= i;
    for (i = 0; i < k->marks_n; i++) k->marks[i].at -= (uint32_t)n;
    wst_buf_drop(&k->bytes, n);
    k->offset += n;
    k->skipped += n;
    k->scan_at = SCAN_FIRST;
    k->mark_at = 1;
}

static bool seek_mark(struct wst_seek *k, struct wst_budget *budget, uint64_t pkt)
{
    if (k->marks_n == k->marks_room) {
        void *marks = wst_array_double_paid(budget, k->marks, &k->marks_room, sizeof *k->marks, 8);
        if (!marks) return false;
        k->marks = marks;
    }
    k->marks[k->marks_n++] = (struct wst_seek_mark){(uint32_t)k->bytes.n, pkt};
    return true;
}

bool wst_seek_push(struct wst_seek *k, struct wst_budget *budget, struct wst_slice s, uint64_t pkt,
                   size_t cap)
{
    k->segments++;
    k->seen += s.n;
    size_t inside = k->inside < s.n ? (size_t)k->inside : s.n;
    k->inside -= inside;
    k->offset += inside;
    k->skipped += inside;
    s = wst_slice_skip(s, inside);
    if (inside && !s.n) return true;
    if (s.n > cap / 2) { /* larger than what is looked at: its end is kept */
        seek_drop(k, k->bytes.n);
        k->marks_n = 0;
        k->offset += s.n - cap / 2;
        k->skipped += s.n - cap / 2;
        s = wst_slice_skip(s, s.n - cap / 2);
    }
    if (k->bytes.n + s.n > cap)
        seek_drop(k, k->bytes.n / 2 + s.n < k->bytes.n ? k->bytes.n / 2 + s.n : k->bytes.n);
    return seek_mark(k, budget, pkt) && wst_buf_append(&k->bytes, budget, s, cap);
}

void wst_seek_gap(struct wst_seek *k, uint64_t n)
{
    seek_drop(k, k->bytes.n);
    k->marks_n = 0;
    k->offset += n;
    k->inside -= k->inside < n ? k->inside : n;
}

/* The first mark at or behind `at`. */
static uint32_t seek_mark_of(const struct wst_seek *k, size_t at)
{
    uint32_t lo = 0, hi = k->marks_n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->marks[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

uint64_t wst_seek_packet(const struct wst_seek *k, size_t at)
{
    uint32_t behind = seek_mark_of(k, at + 1);
    if (!k->marks_n) return 0;
    return k->marks[behind ? behind - 1 : 0].pkt;
}

/* Whether `i`, the first mark at or behind `at`, is at it; the end of the bytes is one, too. */
static bool seek_is_at(const struct wst_seek *k, uint32_t i, size_t at)
{
    return at == k->bytes.n || (i < k->marks_n && k->marks[i].at == at);
}

int wst_seek_end_bits(const struct wst_seek *k, size_t at, size_t end, int most)
{
    uint32_t last = seek_mark_of(k, end);
    if (!seek_is_at(k, last, end)) return 0;
    int bits = most;
    for (uint32_t n = last - seek_mark_of(k, at + 1) + 1; n > 1 && bits; n /= 2) bits--;
    return bits;
}

/* Bytes of a segment since the search began; of a few segments nobody knows. */
static size_t seek_segment(const struct wst_seek *k)
{
    return k->segments < SEGMENTS_TELL ? SIZE_MAX : (size_t)(k->seen / k->segments);
}

/* What it says, in bits, that a frame from `at` to `end` begins a segment. That it is one says all;
 * else it says little among segments of a few bytes, where much of what is no frame begins one. */
static int seek_front(const struct wst_seek *k, size_t at, size_t end)
{
    if (wst_seek_end_bits(k, at, end, 1)) return BITS_FRONT;
    int bits = 0;
    for (size_t each = seek_segment(k); each > 1 && bits < BITS_FRONT; each /= 2)
        bits += BITS_FRONT / 4;
    return bits;
}

/* Where segments are shorter than frames there is a place to begin at every few bytes. */
static int seek_shreds(const struct wst_seek *k)
{
    return seek_segment(k) < SHRED ? NEED_SHREDS : 0;
}

struct seek_chain {
    int bits, first; /* of all frames, of the first */
    int cut;         /* of the last, when its end is not in the bytes */
    unsigned whole;  /* frames that end inside the bytes */
    bool to_end;     /* the last frame ends with the bytes */
    size_t end;      /* of the first */
    size_t last;     /* where the last that says something begins */
    bool plain;      /* the first is beyond doubt, though its end is not in the bytes */
};

/* A run of 81 is as many frames as one likes, so is any byte over and over when it is masked, and
 * many a table of numbers. Byte for byte the same as one of the two before it, a frame says nothing
 * new. */
static bool seek_repeats(const struct wst_seek *k, size_t at, size_t n, const size_t before[2])
{
    const uint8_t *p = k->bytes.p;
    for (int i = 0; i < 2; i++)
        if (before[i] != SIZE_MAX && !memcmp(p + before[i], p + at, n)) return true;
    return false;
}

/* A 64-bit length: a run of zeros that no chance and no text has. Or a long text; "~" is the second
 * byte of its header, which without FIN may be the end of the length in another header. */
static bool seek_plain(const struct wst_frame *f, int bits)
{
    if (f->length_bits == 64) return bits > 0;
    return (f->masked || f->fin) && bits >= BITS_HEADER + BITS_LENGTH16 + BITS_TEXT_MAX;
}

/* A piece of a header: only its first byte can speak. */
static bool seek_piece_fits(uint8_t first, const struct wst_seek_rules *r)
{
    return !(first & 0x30) && (!(first & 0x40) || r->compressed);
}

enum seek_open { OPEN_UNKNOWN, OPEN_NO, OPEN_YES }; /* is a fragmented message open? */

/* False: the frame cannot stand here, for it goes on with no message, or begins one inside
 * another. */
static bool seek_fits_open(enum seek_open *open, const struct wst_frame *f)
{
    bool goes_on = f->opcode == WST_OP_CONTINUATION;
    if (!wst_frame_is_data(f)) return true;
    if (*open == (goes_on ? OPEN_NO : OPEN_YES)) return false;
    *open = f->fin ? OPEN_NO : OPEN_YES;
    return true;
}

/* Follows frame after frame from `at`. False: the chain breaks, or its first frame has fewer than
 * `need` bits. */
static bool seek_chain(const struct wst_seek *k, size_t at, const struct wst_seek_rules *r,
                       int need, struct seek_chain *c)
{
    *c = (struct seek_chain){0};
    const size_t start = at;
    enum seek_open open = OPEN_UNKNOWN;
    unsigned zeros = 0;
    size_t before[2] = {SIZE_MAX, SIZE_MAX};
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        if (at == k->bytes.n) {
            c->to_end = true;
            return c->whole > 0;
        }
        struct wst_frame f;
        if (!wst_frame_parse(k->bytes.p + at, k->bytes.n - at, &f))
            return seek_piece_fits(k->bytes.p[at], r);
        int bits = wst_evidence(k, at, start, &f, r);
        if (bits < 0 || (i == 0 && bits < need) || !seek_fits_open(&open, &f)) return false;
        size_t n = k->bytes.n - at;
        if (f.len <= n - f.header_len) n = f.header_len + (size_t)f.len;
        if (seek_repeats(k, at, n, before)) bits = 0;
        c->bits += bits;
        if (bits) c->last = at;
        if (i == 0) {
            c->first = bits;
            c->plain = seek_plain(&f, bits);
        }
        if (!bits && ++zeros > ZEROS_MAX) return true;
        if (f.len > n - f.header_len) {
            c->cut = bits;
            return true;
        }
        before[1] = before[0];
        before[0] = at;
        at += n;
        if (!c->whole++) c->end = at;
        if (f.opcode == WST_OP_CLOSE) { /* nothing follows a close */
            c->to_end = at == k->bytes.n;
            return true;
        }
    }
    return true;
}

/* The first frame must be credible by itself, or stand where one is likely; the evidence of those
 * behind it proves only that somewhere before them are frames. */
static bool seek_enough(const struct seek_chain *c, bool final)
{
    if ((!c->whole && !c->plain) || c->first < NEED_FIRST) return false;
    return c->bits >= NEED_MIDDLE || (final && c->to_end && c->bits >= NEED_MIDDLE_FINAL);
}

/* The same at the front of a segment. Where segments are short that is no special place. */
static bool seek_enough_front(const struct wst_seek *k, size_t at, const struct seek_chain *c,
                              bool final)
{
    int shreds = seek_shreds(k), less = BITS_FRONT + shreds;
    if (c->whole) less -= seek_front(k, at, c->end);
    if (!c->whole && !c->plain) return false;
    if (c->first < (shreds ? NEED_FIRST : NEED_FIRST - BITS_FRONT + less)) return false;
    return c->bits >= NEED_MARK + less || (final && c->to_end && c->bits >= NEED_MARK_FINAL + less);
}

/* Whether the first data frame from `at` on goes on with a message: 1, 0; -1: not known. */
static int seek_continues(const struct wst_seek *k, size_t at)
{
    struct wst_frame f;
    while (wst_frame_parse(k->bytes.p + at, k->bytes.n - at, &f)) {
        if (wst_frame_is_data(&f)) return f.opcode == WST_OP_CONTINUATION;
        if (f.len >= k->bytes.n - at - f.header_len) break;
        at += f.header_len + (size_t)f.len;
    }
    return -1;
}

/* Evidence of the frame at `at`, when its length leads to another. */
static int seek_lead(const struct wst_seek *k, size_t at, const struct wst_frame *f, int bits)
{
    bool front = seek_is_at(k, seek_mark_of(k, at), at);
    if (!bits && front && !f->len && f->fin && f->opcode != 0) bits = BITS_HEADER;
    if (!bits) return 0;
    size_t end = at + f->header_len + (size_t)f->len;
    bits += f->length_bits == 7 ? BITS_JOIN : BITS_JOIN16;
    if (front) bits += seek_front(k, at, end);
    int shreds = seek_shreds(k);
    /* There, the edge it ends at says no more than the frame that begins at it. */
    return shreds ? bits - shreds - wst_seek_end_bits(k, at, end, BITS_SEGMENT_END) : bits;
}

/* Evidence of the first of the frames from `at` on that end exactly where `until` begins; -1: they
 * do not. `continues`: as for `until`. */
static int seek_joins(const struct wst_seek *k, size_t at, size_t until, int continues,
                      const struct wst_seek_rules *r)
{
    const size_t start = at;
    int lead = 0, open = -1;
    for (unsigned i = 0; at < until; i++) {
        struct wst_frame f;
        if (!wst_frame_parse(k->bytes.p + at, until - at, &f)) return -1;
        if (f.len > until - at - f.header_len || f.opcode == WST_OP_CLOSE) return -1;
        if (i == LEAD_MAX) return -1;
        int bits = wst_evidence(k, at, start, &f, r);
        if (bits < 0) return -1;
        size_t n = f.header_len + (size_t)f.len;
        if (at == start) {
            lead = seek_lead(k, at, &f, bits);
            bool again =
                n <= k->bytes.n - at - n && !memcmp(k->bytes.p + at, k->bytes.p + at + n, n);
            if (lead < NEED_JOIN || again) return -1;
        }
        if (wst_frame_is_data(&f)) {
            if (open >= 0 && open != (f.opcode == WST_OP_CONTINUATION)) return -1;
            open = !f.fin;
        }
        at += n;
    }
    return open >= 0 && continues >= 0 && open != continues ? -1 : lead;
}

#ifdef __SSE2__
/* wst_evidence_may_begin() of sixteen places, a bit for each; reads a byte more. Of the opcodes
 * those are known whose lower three bits are 0, 1 or 2. */
static unsigned seek_sixteen(const uint8_t *p, const struct wst_seek_rules *r)
{
    __m128i x = _mm_loadu_si128((const __m128i *)(const void *)p);
    __m128i behind = _mm_loadu_si128((const __m128i *)(const void *)(p + 1));
    __m128i rsv = _mm_and_si128(x, _mm_set1_epi8(0x30)), low = _mm_and_si128(x, _mm_set1_epi8(7));
    __m128i may = _mm_and_si128(_mm_cmpeq_epi8(rsv, _mm_setzero_si128()),
                                _mm_cmplt_epi8(low, _mm_set1_epi8(3)));
    unsigned masked = (unsigned)_mm_movemask_epi8(behind);
    return (unsigned)_mm_movemask_epi8(may) & (r->masked ? masked : ~masked);
}
#endif

/* The first place from `at` on, before `until`, at which a header may begin; else `until`. */
static size_t seek_next(const struct wst_seek *k, size_t at, size_t until,
                        const struct wst_seek_rules *r)
{
    size_t last = until;
    if (until && until == k->bytes.n) last--; /* there is nothing behind it */
#ifdef __SSE2__
    for (; at < last && last - at >= 16; at += 16) {
        unsigned may = seek_sixteen(k->bytes.p + at, r);
        if (may) return at + (unsigned)__builtin_ctz(may);
    }
#endif
    while (at < last && !wst_evidence_may_begin(k->bytes.p + at, r)) at++;
    return at < last ? at : until;
}

/* Frames just before one that is believed need less evidence: they lead to it. */
static size_t seek_back(const struct wst_seek *k, size_t found, const struct wst_seek_rules *r)
{
    int continues = seek_continues(k, found);
    for (size_t at = seek_next(k, 0, found, r); at < found; at = seek_next(k, at + 1, found, r))
        if (seek_joins(k, at, found, continues, r) >= NEED_JOIN) return at;
    return found;
}

/* The first place in the middle of segments, before `until`. SIZE_MAX: none. *wait: one that is
 * credible, and not whole yet, covers `until`: what looks like frames there may be its payload. */
static size_t seek_scan(const struct wst_seek *k, size_t until, const struct wst_seek_rules *r,
                        bool final, bool *wait)
{
    struct seek_chain c;
    for (size_t at = seek_next(k, 0, until, r); at < until; at = seek_next(k, at + 1, until, r)) {
        if (!seek_chain(k, at, r, NEED_FIRST, &c)) continue;
        if (seek_enough(&c, final)) return at;
        if (!final && !c.whole && c.first >= NEED_MIDDLE) *wait = true;
    }
    return SIZE_MAX;
}

ptrdiff_t wst_seek_find(struct wst_seek *k, const struct wst_seek_rules *r, bool final)
{
    /* Every look at all places costs their number; looking when it has doubled keeps the sum
     * linear, whatever the segments are like. */
    bool marks = final || k->marks_n >= k->mark_at, scan = final || k->bytes.n >= k->scan_at;
    if (!marks && !scan) return -1;
    if (marks) k->mark_at = k->marks_n < MARKS_FIRST ? k->marks_n + 1 : k->marks_n * 2;
    if (scan) k->scan_at = (uint32_t)k->bytes.n * 2;
    struct seek_chain c;
    size_t best = SIZE_MAX;
    for (uint32_t i = 0; marks && i < k->marks_n && best == SIZE_MAX; i++) {
        if (k->marks[i].at >= k->bytes.n) break;
        if (seek_chain(k, k->marks[i].at, r, 1, &c) &&
            seek_enough_front(k, k->marks[i].at, &c, final))
            best = k->marks[i].at;
    }
    bool wait = false;
    if (scan || best != SIZE_MAX) { /* something may begin earlier, in the middle of a segment */
        size_t at = seek_scan(k, best != SIZE_MAX ? best : k->bytes.n, r, final, &wait);
        if (at != SIZE_MAX)
            best = at;
        else if (wait)
            return -1;
    }
    return best == SIZE_MAX ? -1 : (ptrdiff_t)seek_back(k, best, r);
}

int wst_seek_evidence(const struct wst_seek *k, const struct wst_seek_rules *r, bool beyond)
{
    int best = -1;
    struct seek_chain c;
    for (uint32_t i = 0; i < k->marks_n && k->marks[i].at < k->bytes.n; i++) {
        if (i == EVIDENCE_MARKS && k->marks_n > 2 * EVIDENCE_MARKS) i = k->marks_n - EVIDENCE_MARKS;
        if (!seek_chain(k, k->marks[i].at, r, 0, &c)) continue;
        /* A header among zeros is nothing until its payload has ended, unless that is a text. */
        bool text = c.cut >= CUT_TEXT;
        size_t reach = text ? k->bytes.n : c.last;
        if (beyond && (i + 1 == k->marks_n || reach < k->marks[i + 1].at)) continue;
        int bits = text ? c.bits : c.bits - c.cut;
        if (bits > best) best = bits;
    }
    return best;
}

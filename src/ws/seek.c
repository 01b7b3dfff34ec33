/* SPDX-License-Identifier: MIT */
#include "seek.h"

#include <stdlib.h>

#include "deflate.h"
#include "frame.h"
#include "registry.h"
#include "utf8.h"

/* Evidence; see the table in seek.h. */
enum seek_bits {
    BITS_HEADER = 5,
    BITS_LENGTH16 = 6,
    BITS_LENGTH64 = 30,
    BITS_CONTROL = 2,
    BITS_CLOSE = 6,
    BITS_TEXT_MAX = 24,
    BITS_DEFLATE = 12,
    BITS_DEFLATE_TEXT = 8,
    BITS_SEGMENT_END = 8,
    /* what is needed */
    NEED_MARK = 22,   /* at the front of a segment */
    NEED_MIDDLE = 34, /* anywhere else */
    NEED_MARK_FINAL = 13,
    NEED_MIDDLE_FINAL = 26,
    NEED_FIRST = 17, /* of it, the first frame of a chain in the middle by itself */
    /* frames that lead exactly to one already believed */
    BITS_JOIN = 7,    /* that a 7-bit length does */
    BITS_JOIN16 = 16, /* a longer one */
    NEED_JOIN = 24,
    CUT_TEXT = BITS_HEADER + BITS_LENGTH64 + BITS_TEXT_MAX, /* a long text whose end is not there */
};
enum {
    SCAN_FIRST = 64,
    MARKS_FIRST = 16,
    TEXT_BEFORE = 6,     /* bytes that tell whether a place is inside a text */
    CHAIN_MAX = 24,      /* frames; more evidence than any threshold */
    ZEROS_MAX = 4,       /* frames of no evidence in a chain */
    EVIDENCE_MARKS = 64, /* marks looked at from either end */
};

struct wst_seek *wst_seek_new(struct wst_budget *budget, uint64_t offset)
{
    if (!wst_budget_take(budget, sizeof(struct wst_seek))) return NULL;
    struct wst_seek *k = calloc(1, sizeof *k);
    if (!k) {
        wst_budget_give(budget, sizeof *k);
        return NULL;
    }
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
        uint32_t room = k->marks_room ? k->marks_room * 2 : 8;
        size_t more = (room - k->marks_room) * sizeof *k->marks;
        if (!wst_budget_take(budget, more)) return false;
        struct wst_seek_mark *marks = realloc(k->marks, room * sizeof *marks);
        if (!marks) {
            wst_budget_give(budget, more);
            return false;
        }
        k->marks = marks;
        k->marks_room = room;
    }
    k->marks[k->marks_n++] = (struct wst_seek_mark){(uint32_t)k->bytes.n, pkt};
    return true;
}

bool wst_seek_push(struct wst_seek *k, struct wst_budget *budget, struct wst_slice s, uint64_t pkt,
                   size_t cap)
{
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
}

uint64_t wst_seek_packet(const struct wst_seek *k, size_t at)
{
    uint64_t pkt = k->marks_n ? k->marks[0].pkt : 0;
    for (uint32_t i = 0; i < k->marks_n && k->marks[i].at <= at; i++) pkt = k->marks[i].pkt;
    return pkt;
}

static bool seek_is_mark(const struct wst_seek *k, size_t at)
{
    if (at == k->bytes.n) return true;
    uint32_t lo = 0, hi = k->marks_n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (k->marks[mid].at < at)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < k->marks_n && k->marks[lo].at == at;
}

/* A header no sound endpoint writes in this direction. */
static bool seek_illegal(const struct wst_frame *f, const struct wst_seek_rules *r)
{
    if (f->masked != r->masked || (f->rsv & 3)) return true;
    if (f->rsv && (!r->compressed || f->opcode == 0 || f->opcode > 2)) return true;
    if (f->opcode > 2 && f->opcode != WST_OP_CLOSE && f->opcode != WST_OP_PING &&
        f->opcode != WST_OP_PONG)
        return true;
    if (f->opcode >= 8 && (!f->fin || f->len > 125)) return true;
    if (f->length_bits == 16 && f->len < 126) return true;
    return f->length_bits == 64 && (f->len < 65536 || f->len >> 31);
}

/* Text payload as far as it is there: bits, or -1 when it is no UTF-8. */
static int seek_text(const struct wst_frame *f, struct wst_slice payload)
{
    uint8_t plain[256];
    struct wst_slice s = wst_slice_head(payload, sizeof plain);
    if (f->masked) {
        wst_frame_unmask(plain, s.p, s.n, f->key, 0);
        s.p = plain;
    }
    struct wst_utf8 u;
    wst_utf8_init(&u);
    if (!wst_utf8_feed(&u, s)) return -1;
    if (f->fin && s.n == f->len && !wst_utf8_done(&u)) return -1;
    size_t control = 0; /* legal in UTF-8, but hardly in a text */
    for (size_t i = 0; i < s.n; i++)
        control += s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r';
    /* Inside a masked text, bytes taken for a key cancel the mask, and what comes out is ASCII: but
     * the difference of two letters is a control character. */
    if (control > s.n / 8 + 1) return f->masked ? -1 : 0;
    return s.n < BITS_TEXT_MAX ? (int)s.n : BITS_TEXT_MAX;
}

/* Text without control characters, or hardly any. */
static bool seek_is_text(struct wst_slice s)
{
    struct wst_utf8 u;
    size_t control = 0;
    wst_utf8_init(&u);
    for (size_t i = 0; i < s.n; i++)
        control += s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r';
    return wst_utf8_feed(&u, s) && wst_utf8_done(&u) && control <= s.n / 16 + 1;
}

/* A whole compressed message: bits, or 0. A chance hit must end in an end-of-block code and zeros
 * at the right place. */
static int seek_deflated(const struct wst_frame *f, struct wst_slice payload,
                         const struct wst_seek_rules *r)
{
    uint8_t plain[4096];
    struct wst_slice out;
    if (!r->inflaters || !f->fin || payload.n != f->len || payload.n < 4 ||
        payload.n > sizeof plain)
        return 0;
    wst_frame_unmask(plain, payload.p, payload.n, f->key, 0);
    if (!wst_deflate_plausible(r->inflaters, (struct wst_slice){plain, payload.n}, &out)) return 0;
    if (f->opcode != WST_OP_TEXT || out.n < 4) return BITS_DEFLATE;
    return seek_is_text(out) ? BITS_DEFLATE + BITS_DEFLATE_TEXT : 0;
}

static int seek_close(const struct wst_frame *f, struct wst_slice payload)
{
    uint8_t code[2];
    if (f->len == 0) return 0;
    if (f->len == 1) return -1;
    if (payload.n < 2) return 0;
    wst_frame_unmask(code, payload.p, 2, f->key, 0);
    return wst_close_code_may_be_sent(wst_be16(code)) ? BITS_CLOSE : -1;
}

/* In a text of many a language the bytes 80, 81, 82, 88 … are the ends of characters ("с " is the
 * header of a text frame of 32 bytes, and UTF-8 behind it proves nothing). True when the bytes
 * before `at` are such a text, in the middle of a character. Masked texts do not look like one. */
static bool seek_in_text(const struct wst_seek *k, size_t at, const struct wst_seek_rules *r)
{
    const uint8_t *p = k->bytes.p;
    if (r->masked || (p[at] & 0xc0) != 0x80) return false;
    size_t from = at > TEXT_BEFORE ? at - TEXT_BEFORE : 0;
    for (unsigned i = 0; i < 3 && from < at && (p[from] & 0xc0) == 0x80; i++) from++;
    struct wst_utf8 u;
    wst_utf8_init(&u);
    return wst_utf8_feed(&u, (struct wst_slice){p + from, at - from}) && !wst_utf8_done(&u) &&
           wst_utf8_feed(&u, (struct wst_slice){p + at, 1});
}

/* Evidence of one frame by itself; -1: it is none. */
static int seek_frame(const struct wst_seek *k, size_t at, const struct wst_frame *f,
                      const struct wst_seek_rules *r)
{
    if (seek_illegal(f, r) || seek_in_text(k, at, r)) return -1;
    struct wst_slice payload = {k->bytes.p + at + f->header_len, k->bytes.n - at - f->header_len};
    payload = wst_slice_head(payload, (size_t)f->len);
    if (f->len == 0 && f->opcode <= 2)
        return 0; /* legal, but a run of zeros looks like many of them */
    if (f->opcode == 0 && !f->fin && !f->masked && f->length_bits == 7)
        return 0; /* and so does every protocol with a 16-bit length before its messages */
    int bits = BITS_HEADER, more = 0;
    if (f->length_bits == 16) bits += BITS_LENGTH16;
    if (f->length_bits == 64) bits += BITS_LENGTH64;
    if (f->opcode >= 8) bits += BITS_CONTROL;
    if (f->opcode == WST_OP_TEXT && !f->rsv) more = seek_text(f, payload);
    if (f->rsv) more = seek_deflated(f, payload, r);
    if (f->opcode == WST_OP_CLOSE) more = seek_close(f, payload);
    if (more < 0) return -1;
    /* At the very front nobody knows whether it lies in a text; a text has no runs of zeros. */
    if (at || r->masked || f->rsv || f->length_bits == 64) bits += more;
    size_t end = at + f->header_len + payload.n;
    if (payload.n == f->len && seek_is_mark(k, end)) bits += BITS_SEGMENT_END;
    return bits;
}

struct seek_chain {
    int bits, first; /* of all frames, of the first */
    int cut;         /* of the last, when its end is not in the bytes */
    unsigned whole;  /* frames that end inside the bytes */
    bool to_end;     /* the last frame ends with the bytes */
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

/* Follows frame after frame from `at`. False: the chain breaks, or its first frame has fewer than
 * `need` bits. */
static bool seek_chain(const struct wst_seek *k, size_t at, const struct wst_seek_rules *r,
                       int need, struct seek_chain *c)
{
    *c = (struct seek_chain){0};
    int open = -1; /* a fragmented message: unknown, no, yes */
    unsigned zeros = 0;
    size_t before[2] = {SIZE_MAX, SIZE_MAX};
    for (unsigned i = 0; i < CHAIN_MAX; i++) {
        if (at == k->bytes.n) {
            c->to_end = true;
            return c->whole > 0;
        }
        struct wst_frame f;
        if (!wst_frame_parse(k->bytes.p + at, k->bytes.n - at, &f)) {
            /* a piece of a header: only its first byte can speak */
            uint8_t b0 = k->bytes.p[at];
            return !(b0 & 0x30) && (!(b0 & 0x40) || r->compressed);
        }
        int bits = seek_frame(k, at, &f, r);
        if (bits < 0 || (i == 0 && bits < need)) return false;
        if (f.opcode <= 2) {
            if ((open == 0 && f.opcode == 0) || (open == 1 && f.opcode != 0)) return false;
            open = !f.fin;
        }
        size_t n = k->bytes.n - at;
        if (f.len <= n - f.header_len) n = f.header_len + (size_t)f.len;
        if (seek_repeats(k, at, n, before)) bits = 0;
        c->bits += bits;
        if (i == 0) c->first = bits;
        if (!bits && ++zeros > ZEROS_MAX) return true;
        if (f.len > n - f.header_len) {
            c->cut = bits;
            return true;
        }
        before[1] = before[0];
        before[0] = at;
        at += n;
        c->whole++;
        if (f.opcode == WST_OP_CLOSE) { /* nothing follows a close */
            c->to_end = at == k->bytes.n;
            return true;
        }
    }
    return true;
}

/* A header that no chance and no text has: a 64-bit length with its run of zeros. */
static bool seek_plain(const struct seek_chain *c)
{
    return c->first >= BITS_HEADER + BITS_LENGTH64;
}

/* The first frame must be credible by itself, or stand where one is likely; the evidence of those
 * behind it proves only that somewhere before them are frames. */
static bool seek_enough(const struct seek_chain *c, bool mark, bool final)
{
    if (!c->whole && !seek_plain(c)) return false;
    if (mark) return c->bits >= NEED_MARK || (final && c->to_end && c->bits >= NEED_MARK_FINAL);
    if (c->first < NEED_FIRST) return false;
    return c->bits >= NEED_MIDDLE || (final && c->to_end && c->bits >= NEED_MIDDLE_FINAL);
}

/* Evidence of frames from `at` on that end exactly where `until` begins; -1: they do not, or the
 * first is nothing by itself. */
static int seek_joins(const struct wst_seek *k, size_t at, size_t until,
                      const struct wst_seek_rules *r)
{
    int total = 0, last = 0, open = -1;
    size_t before[2] = {SIZE_MAX, SIZE_MAX};
    bool first = true;
    while (at < until) {
        struct wst_frame f;
        if (!wst_frame_parse(k->bytes.p + at, until - at, &f)) return -1;
        if (f.len > until - at - f.header_len) return -1;
        int bits = seek_frame(k, at, &f, r);
        if (bits < 0 || (first && (!bits || (bits < NEED_FIRST && !seek_is_mark(k, at)))))
            return -1;
        first = false;
        if (f.opcode <= 2) {
            if ((open == 0 && f.opcode == 0) || (open == 1 && f.opcode != 0)) return -1;
            open = !f.fin;
        }
        if (f.opcode == WST_OP_CLOSE) return -1;
        size_t n = f.header_len + (size_t)f.len;
        if (seek_repeats(k, at, n, before)) bits = 0;
        total += bits;
        last = !bits ? 0 : f.length_bits == 7 ? BITS_JOIN : BITS_JOIN16;
        before[1] = before[0];
        before[0] = at;
        at += n;
    }
    return total + last;
}

/* Frames just before one that is believed need less evidence: they lead to it. */
static size_t seek_back(const struct wst_seek *k, size_t found, const struct wst_seek_rules *r)
{
    for (size_t at = 0; at < found; at++)
        if (seek_joins(k, at, found, r) >= NEED_JOIN) return at;
    return found;
}

/* The first place in the middle of segments, before `until`. SIZE_MAX: none. *wait: one that is
 * credible, and not whole yet, covers `until`: what looks like frames there may be its payload. */
static size_t seek_scan(const struct wst_seek *k, size_t until, const struct wst_seek_rules *r,
                        bool final, bool *wait)
{
    struct seek_chain c;
    for (size_t at = 0; at < until; at++) {
        if (!seek_chain(k, at, r, NEED_FIRST, &c)) continue;
        if (seek_enough(&c, false, final)) return at;
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
        if (seek_chain(k, k->marks[i].at, r, 1, &c) && seek_enough(&c, true, final))
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

bool wst_seek_credible(const struct wst_frame *f, const struct wst_seek_rules *r)
{
    return !seek_illegal(f, r);
}

int wst_seek_evidence(const struct wst_seek *k, const struct wst_seek_rules *r)
{
    int best = -1;
    struct seek_chain c;
    for (uint32_t i = 0; i < k->marks_n && k->marks[i].at < k->bytes.n; i++) {
        if (i == EVIDENCE_MARKS && k->marks_n > 2 * EVIDENCE_MARKS) i = k->marks_n - EVIDENCE_MARKS;
        if (!seek_chain(k, k->marks[i].at, r, 0, &c)) continue;
        /* A header among zeros is nothing until its payload has ended, unless that is a text. */
        int bits = c.cut >= CUT_TEXT ? c.bits : c.bits - c.cut;
        if (bits > best) best = bits;
    }
    return best;
}

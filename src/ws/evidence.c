/* SPDX-License-Identifier: MIT */
#include "evidence.h"

#include "deflate.h"
#include "registry.h"
#include "utf8.h"

enum {
    TEXT_BEFORE = 6, /* bytes that tell whether a place is inside a text */
    TEXT_CHAIN = 64, /* the same, of a frame that others lead to */
};

/* A header no sound endpoint writes in this direction. */
static bool evidence_illegal(const struct wst_frame *f, const struct wst_seek_rules *r)
{
    if (f->masked != r->masked || wst_frame_rsv_stray(f, r->compressed)) return true;
    bool begins = wst_frame_is_data(f) && f->opcode != WST_OP_CONTINUATION;
    if ((f->rsv & WST_RSV1) && !begins) return true;
    if (wst_frame_opcode_reserved(f->opcode)) return true;
    if (wst_frame_is_control(f) && (!f->fin || f->len > 125)) return true;
    if (f->length_bits == 16 && f->len < 126) return true;
    return f->length_bits == 64 && (f->len < 65536 || f->len >> 31);
}

bool wst_evidence_credible(const struct wst_frame *f, const struct wst_seek_rules *r)
{
    return !evidence_illegal(f, r);
}

/* Characters that are legal in UTF-8, but hardly in a text. */
static size_t control_characters(struct wst_slice s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += s.p[i] < 0x20 && s.p[i] != '\t' && s.p[i] != '\n' && s.p[i] != '\r';
    return n;
}

/* Text payload as far as it is there: bits, or -1 when it is no UTF-8. */
static int evidence_text(const struct wst_frame *f, struct wst_slice payload)
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
    /* Inside a masked text, bytes taken for a key cancel the mask, and what comes out is ASCII: but
     * the difference of two letters is a control character. */
    if (control_characters(s) > s.n / 8 + 1) return f->masked ? -1 : 0;
    return s.n < BITS_TEXT_MAX ? (int)s.n : BITS_TEXT_MAX;
}

/* Text without control characters, or hardly any. */
static bool evidence_is_text(struct wst_slice s)
{
    struct wst_utf8 u;
    wst_utf8_init(&u);
    return wst_utf8_feed(&u, s) && wst_utf8_done(&u) && control_characters(s) <= s.n / 16 + 1;
}

/* A whole compressed message: bits, or 0. A chance hit must end in an end-of-block code and zeros
 * at the right place. */
static int evidence_deflated(const struct wst_frame *f, struct wst_slice payload,
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
    return evidence_is_text(out) ? BITS_DEFLATE + BITS_DEFLATE_TEXT : 0;
}

static int evidence_close(const struct wst_frame *f, struct wst_slice payload)
{
    uint8_t code[2];
    if (f->len == 0) return 0;
    if (f->len == 1) return -1;
    if (payload.n < 2) return 0;
    wst_frame_unmask(code, payload.p, 2, f->key, 0);
    return wst_close_code_may_be_sent(wst_be16(code)) ? BITS_CLOSE : -1;
}

/* In a text of many a language the bytes 80, 81, 82, 88 … are the ends of characters ("с " is the
 * header of a text frame of 32 bytes, and UTF-8 behind it proves nothing). True when the `before`
 * bytes before `at` are such a text, in the middle of a character. Masked texts do not look like
 * one. */
static bool evidence_in_text(const struct wst_seek *k, size_t at, size_t before,
                             const struct wst_seek_rules *r)
{
    const uint8_t *p = k->bytes.p;
    if (r->masked || (p[at] & 0xc0) != 0x80) return false;
    size_t from = at > before ? at - before : 0;
    for (unsigned i = 0; i < 3 && from < at && (p[from] & 0xc0) == 0x80; i++) from++;
    struct wst_utf8 u;
    wst_utf8_init(&u);
    return wst_utf8_feed(&u, (struct wst_slice){p + from, at - from}) && !wst_utf8_done(&u) &&
           wst_utf8_feed(&u, (struct wst_slice){p + at, 1});
}

/* Nothing before it but what may be the end of a character. */
static bool evidence_front(const struct wst_seek *k, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (i == 3 || (k->bytes.p[i] & 0xc0) != 0x80) return false;
    return true;
}

/* A first byte, which ends a character, a letter and this: can be a piece of such a text, too. */
static bool evidence_text_goes_on(uint8_t second, struct wst_slice payload)
{
    struct wst_utf8 u;
    size_t foreign = 0;
    wst_utf8_init(&u);
    if (second < 0x20 || second > 0x3f || !wst_utf8_feed(&u, payload) || !wst_utf8_done(&u))
        return false;
    for (size_t i = 0; i < payload.n; i++) foreign += payload.p[i] >> 7;
    return foreign > payload.n / 8;
}

/* Of 128 short lengths one leads to the edge of a given segment; of 32, when there are four. */
static int evidence_end(const struct wst_seek *k, size_t at, size_t end, const struct wst_frame *f)
{
    int most = f->length_bits == 7 ? BITS_SEGMENT_END : 2 * BITS_SEGMENT_END;
    int bits = wst_seek_end_bits(k, at, end, most);
    return bits < BITS_SEGMENT_END ? bits : BITS_SEGMENT_END;
}

/* The last two bytes of a longer length, and the key behind them, are a header, too: with a payload
 * that unmasks to the beginning of the true one. True when a header that is sound stands before it.
 */
static bool evidence_in_header(const struct wst_seek *k, size_t at, const struct wst_seek_rules *r)
{
    for (size_t back = 2; back <= 8 && back <= at; back += 6) {
        struct wst_frame f;
        const uint8_t *p = k->bytes.p + at - back;
        if (wst_frame_parse(p, k->bytes.n - at + back, &f) && !evidence_illegal(&f, r) &&
            f.header_len - (f.masked ? 4u : 0) == back + 2)
            return true;
    }
    return false;
}

/* Legal, and no evidence: a run of zeros looks like many empty frames, and every protocol with a
 * 16-bit length before its messages like short continuations. */
static bool evidence_none(const struct wst_frame *f)
{
    if (f->len == 0 && wst_frame_is_data(f)) return true;
    return f->opcode == WST_OP_CONTINUATION && !f->fin && !f->masked && f->length_bits == 7;
}

/* What the header says by itself. */
static int evidence_header(const struct wst_frame *f)
{
    int bits = BITS_HEADER;
    if (f->length_bits == 16) bits += BITS_LENGTH16;
    if (f->length_bits == 64) bits += BITS_LENGTH64;
    if (wst_frame_is_control(f)) bits += BITS_CONTROL;
    return bits;
}

/* What the payload adds to it; -1: it can be none of such a frame. */
static int evidence_payload(const struct wst_frame *f, struct wst_slice payload,
                            const struct wst_seek_rules *r)
{
    if (f->opcode == WST_OP_CLOSE) return evidence_close(f, payload);
    if (f->rsv) return evidence_deflated(f, payload, r);
    return f->opcode == WST_OP_TEXT ? evidence_text(f, payload) : 0;
}

int wst_evidence(const struct wst_seek *k, size_t at, size_t start, const struct wst_frame *f,
                 const struct wst_seek_rules *r)
{
    size_t before = at == start ? TEXT_BEFORE : at - start < TEXT_CHAIN ? at - start : TEXT_CHAIN;
    if (evidence_illegal(f, r) || evidence_in_text(k, at, before, r)) return -1;
    if (at == start && evidence_in_header(k, at, r)) return -1;
    struct wst_slice payload = {k->bytes.p + at + f->header_len, k->bytes.n - at - f->header_len};
    payload = wst_slice_head(payload, f->len);
    if (evidence_none(f)) return 0;
    int more = evidence_payload(f, payload, r);
    if (more < 0) return -1;
    size_t end = at + f->header_len + payload.n;
    int ends = payload.n == f->len ? evidence_end(k, at, end, f) : 0;
    int bits = evidence_header(f) + ends;
    /* At the very front nobody knows whether it lies in a text; a text has no runs of zeros. */
    if (r->masked || f->rsv || f->length_bits == 64 || !evidence_front(k, at)) return bits + more;
    bool other = f->length_bits == 7 && !ends && evidence_text_goes_on(k->bytes.p[at + 1], payload);
    return other ? 0 : bits;
}

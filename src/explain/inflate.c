/* SPDX-License-Identifier: MIT
 *
 *     RFC 1951 section 3.2.3: a block begins with three bits
 *
 *      0       1 2
 *     +-------+-----+
 *     |BFINAL |BTYPE|   00 stored   01 fixed codes   10 dynamic codes   11 an error
 *     +-------+-----+
 *
 * Numbers are read lowest bit first, Huffman codes highest bit first (section 3.1.1).
 */
#include "inflate.h"

#include "deflate_codes.h"

#include <stdlib.h>
#include <string.h>

enum {
    CODE_BITS = 15,    /* the longest code */
    LITERALS = 288,    /* symbols of the literal and length alphabet, two of them never used */
    DISTANCES = 32,    /* likewise */
    LENGTH_CODES = 19, /* the alphabet in which code lengths are written */
    END_OF_BLOCK = 256,
    OUT_FIRST = 4096,
};

struct huffman {                   /* canonical codes (section 3.2.2) */
    uint16_t count[CODE_BITS + 1]; /* codes of each length */
    uint16_t symbol[LITERALS];     /* by length, then by value */
};

struct reader {
    struct wst_walk *walk;
    const uint8_t *p;
    size_t n;           /* bytes at p; the tail may come behind */
    uint64_t bits, bit; /* in all; read so far */
    size_t before_tail; /* output then */
    bool whole;
    struct huffman literal, distance;
};

static const uint8_t sync_tail[4] = {0x00, 0x00, 0xff, 0xff};

static void put_tail_back(struct reader *r)
{
    r->walk->tail_added = true;
    r->before_tail = r->walk->n;
    r->bits += 8 * sizeof sync_tail;
}

/* The next bit; -1: there is none. */
static int bit(struct reader *r)
{
    if (r->bit == r->bits && r->whole && !r->walk->tail_added) put_tail_back(r);
    if (r->bit == r->bits) {
        r->walk->end = WST_WALK_TRUNCATED;
        return -1;
    }
    size_t byte = (size_t)(r->bit / 8);
    uint8_t b = byte < r->n ? r->p[byte] : sync_tail[byte - r->n];
    return b >> (r->bit++ % 8) & 1;
}

/* A number of n bits, lowest first; -1: they are not there. */
static int32_t number(struct reader *r, unsigned n)
{
    int32_t value = 0;
    for (unsigned i = 0; i < n; i++) {
        int b = bit(r);
        if (b < 0) return -1;
        value |= b << i;
    }
    return value;
}

static bool fail(struct reader *r, enum wst_walk_end why)
{
    r->walk->end = why;
    return false;
}

static void tell(const struct reader *r, const struct wst_walk_step *step)
{
    if (r->walk->step) r->walk->step(r->walk->user, step);
}

/* -- output ------------------------------------------------------------------------------------ */

static bool room(struct reader *r, size_t n)
{
    struct wst_walk *w = r->walk;
    if (n > w->max - w->n) return fail(r, WST_WALK_LIMIT);
    if (w->n + n <= w->room) return true;
    size_t more = w->room ? w->room : OUT_FIRST;
    while (more < w->n + n) more *= 2;
    uint8_t *p = realloc(w->out, more);
    if (!p) return fail(r, WST_WALK_MEMORY);
    w->out = p;
    if (w->lost || w->history_doubt) {
        if (!(p = realloc(w->doubt, more))) return fail(r, WST_WALK_MEMORY);
        w->doubt = p;
    }
    w->room = more;
    return true;
}

static bool put(struct reader *r, uint8_t byte)
{
    if (!room(r, 1)) return false;
    if (r->walk->doubt) r->walk->doubt[r->walk->n] = 0;
    r->walk->out[r->walk->n++] = byte;
    return true;
}

/* The byte `back` bytes before the first that comes out, and whether it is not known. */
static uint8_t earlier(const struct wst_walk *w, size_t back, bool *doubt)
{
    *doubt = back > w->history.n;
    if (*doubt) return 0xff; /* in no UTF-8 */
    size_t at = w->history.n - back;
    *doubt = w->history_doubt && w->history_doubt[at];
    return w->history.p[at];
}

/* Copies from `distance` bytes back, perhaps from what it has just written (section 3.2.3). */
static bool copy(struct reader *r, unsigned length, unsigned distance)
{
    struct wst_walk *w = r->walk;
    size_t before = w->history.n < WST_WALK_WINDOW ? w->history.n : WST_WALK_WINDOW;
    if (w->lost) before = WST_WALK_WINDOW;
    if (distance > w->n && distance - w->n > before) return fail(r, WST_WALK_BAD_DISTANCE);
    if (!room(r, length)) return false;
    for (unsigned i = 0; i < length; i++, w->n++) {
        bool inside = distance <= w->n, doubt = inside && w->doubt && w->doubt[w->n - distance];
        w->out[w->n] = inside ? w->out[w->n - distance] : earlier(w, distance - w->n, &doubt);
        if (w->doubt) w->doubt[w->n] = doubt;
    }
    return true;
}

/* -- codes ------------------------------------------------------------------------------------- */

/* False: more codes than there is room for, or too few of them where that is not allowed. One
 * code of one bit may stand alone, and a block without matches needs no distance code. */
static bool huffman_make(struct huffman *h, const uint8_t *lengths, unsigned n)
{
    uint16_t at[CODE_BITS + 2] = {0};
    int left = 1;
    memset(h->count, 0, sizeof h->count);
    for (unsigned i = 0; i < n; i++) h->count[lengths[i]]++;
    unsigned used = n - h->count[0];
    for (unsigned bits = 1; bits <= CODE_BITS; bits++) {
        left = left * 2 - h->count[bits];
        if (left < 0) return false;
        at[bits + 1] = (uint16_t)(at[bits] + h->count[bits]);
    }
    for (unsigned i = 0; i < n; i++)
        if (lengths[i]) h->symbol[at[lengths[i]]++] = (uint16_t)i;
    h->count[0] = 0;
    return left == 0 || used == 0 || (used == 1 && h->count[1] == 1);
}

/* The next symbol; -1: none. `step` takes the code. */
static int symbol(struct reader *r, const struct huffman *h, struct wst_walk_step *step)
{
    int code = 0, first = 0, index = 0;
    for (unsigned bits = 1; bits <= CODE_BITS; bits++) {
        int b = bit(r);
        if (b < 0) return -1;
        code |= b;
        if (code - first < h->count[bits]) {
            if (step) {
                step->code = (uint32_t)code;
                step->code_bits = (uint8_t)bits;
            }
            return h->symbol[index + code - first];
        }
        index += h->count[bits];
        first = (first + h->count[bits]) * 2;
        code *= 2;
    }
    fail(r, WST_WALK_BAD_CODE);
    return -1;
}

/* Section 3.2.6. */
static void codes_fixed(struct reader *r)
{
    uint8_t lengths[LITERALS];
    for (int i = 0; i < LITERALS; i++) lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
    huffman_make(&r->literal, lengths, LITERALS);
    memset(lengths, 5, DISTANCES);
    huffman_make(&r->distance, lengths, DISTANCES);
}

/* The code lengths of both alphabets, run-length coded (section 3.2.7). */
static bool lengths_read(struct reader *r, uint8_t *lengths, unsigned n)
{
    for (unsigned i = 0; i < n;) {
        int s = symbol(r, &r->literal, NULL), repeat = 1;
        uint8_t value = (uint8_t)s;
        if (s < 0) return false;
        if (s == 16) {
            if (!i) return fail(r, WST_WALK_BAD_CODES);
            value = lengths[i - 1];
        } else if (s > 16) {
            value = 0;
        }
        if (s >= 16) {
            int32_t extra = number(r, s == 16 ? 2 : s == 17 ? 3 : 7);
            if (extra < 0) return false;
            repeat = (s == 18 ? 11 : 3) + extra;
        }
        if ((unsigned)repeat > n - i) return fail(r, WST_WALK_BAD_CODES);
        memset(lengths + i, value, (size_t)repeat);
        i += (unsigned)repeat;
    }
    return true;
}

static bool codes_dynamic(struct reader *r)
{
    struct wst_walk_step step = {.kind = WST_WALK_CODES, .bit = r->bit, .at = r->walk->n};
    uint8_t lengths[LITERALS + DISTANCES] = {0};
    int32_t hlit = number(r, 5), hdist = number(r, 5), hclen = number(r, 4);
    if (hclen < 0) return false;
    for (int i = 0; i < hclen + 4; i++) {
        int32_t n = number(r, 3);
        if (n < 0) return false;
        lengths[wst_deflate_order[i]] = (uint8_t)n;
    }
    if (hlit > 29 || hdist > 29) return fail(r, WST_WALK_BAD_CODES); /* symbols nobody may use */
    if (!huffman_make(&r->literal, lengths, LENGTH_CODES)) return fail(r, WST_WALK_BAD_CODES);
    unsigned literals = (unsigned)hlit + 257, distances = (unsigned)hdist + 1;
    if (!lengths_read(r, lengths, literals + distances)) return false;
    if (!lengths[END_OF_BLOCK] || !huffman_make(&r->literal, lengths, literals) ||
        !huffman_make(&r->distance, lengths + literals, distances))
        return fail(r, WST_WALK_BAD_CODES);
    step.bits = r->bit - step.bit;
    step.literal_codes = (uint16_t)literals;
    step.distance_codes = (uint16_t)distances;
    step.length_codes = (uint16_t)(hclen + 4);
    tell(r, &step);
    return true;
}

/* -- blocks ------------------------------------------------------------------------------------ */

/* Section 3.2.5: lengths 3 to 258, distances 1 to 32768. */
static bool match(struct reader *r, int s, struct wst_walk_step *step)
{
    if (s - 257 >= 29) return fail(r, WST_WALK_BAD_CODE);
    int32_t extra = number(r, wst_deflate_length_extra[s - 257]);
    if (extra < 0) return false;
    int d = symbol(r, &r->distance, NULL);
    if (d < 0) return false;
    if (d >= 30) return fail(r, WST_WALK_BAD_CODE);
    int32_t far = number(r, d < 4 ? 0 : (unsigned)d / 2 - 1);
    if (far < 0) return false;
    step->kind = WST_WALK_MATCH;
    step->length = (uint16_t)(wst_deflate_length_base[s - 257] + extra);
    step->distance = (uint16_t)(wst_deflate_distance_base[d] + far);
    return copy(r, step->length, step->distance);
}

static bool block_coded(struct reader *r)
{
    for (;;) {
        struct wst_walk_step step = {.bit = r->bit, .at = r->walk->n};
        int s = symbol(r, &r->literal, &step);
        if (s < 0) return false;
        if (s < END_OF_BLOCK) {
            step.kind = WST_WALK_LITERAL;
            step.byte = (uint8_t)s;
            if (!put(r, step.byte)) return false;
        } else if (s == END_OF_BLOCK) {
            step.kind = WST_WALK_END;
        } else if (!match(r, s, &step)) {
            return false;
        }
        step.bits = r->bit - step.bit;
        tell(r, &step);
        if (s == END_OF_BLOCK) return true;
    }
}

/* Section 3.2.4: to the next byte, LEN, its complement, the bytes. */
static bool block_stored(struct reader *r)
{
    struct wst_walk_step step = {.kind = WST_WALK_STORED, .bit = r->bit, .at = r->walk->n};
    while (r->bit % 8)
        if (bit(r) < 0) return false;
    int32_t len = number(r, 16), complement = number(r, 16);
    if (len < 0 || complement < 0) return fail(r, WST_WALK_TRUNCATED);
    if ((len ^ complement) != 0xffff) return fail(r, WST_WALK_BAD_STORED);
    for (int32_t i = 0; i < len; i++) {
        int32_t byte = number(r, 8);
        if (byte < 0 || !put(r, (uint8_t)byte)) return false;
    }
    step.bits = r->bit - step.bit;
    step.length = (uint16_t)len;
    tell(r, &step);
    return true;
}

/* One block. *final: it says that it is the last. */
static bool block(struct reader *r, bool *final)
{
    struct wst_walk_step step = {
        .kind = WST_WALK_BLOCK, .bit = r->bit, .bits = 3, .at = r->walk->n};
    int32_t last = number(r, 1), type = number(r, 2);
    if (last < 0 || type < 0) return fail(r, WST_WALK_TRUNCATED);
    step.final = *final = last;
    step.type = (uint8_t)type;
    tell(r, &step);
    switch (type) {
    case 0: return block_stored(r);
    case 1: codes_fixed(r); return block_coded(r);
    case 2: return codes_dynamic(r) && block_coded(r);
    default: return fail(r, WST_WALK_BAD_TYPE);
    }
}

/* The bits are used up between two blocks: is it the end? Not when the sender took the four bytes
 * off that belong there (RFC 7692 section 7.2.1). */
static bool is_over(const struct reader *r, bool final)
{
    bool kept = r->n >= 4 && !memcmp(r->p + r->n - 4, sync_tail, 4);
    return !r->whole || final || kept || r->walk->tail_added;
}

/* Blocks until the bits are used up. After a last block another row of blocks begins with the next
 * byte (section 7.2.3.4). */
static void blocks(struct reader *r)
{
    bool final = false;
    for (;;) {
        if (r->bit == r->bits) {
            if (is_over(r, final)) break;
            put_tail_back(r);
        }
        if (!block(r, &final)) return;
        if (final)
            while (r->bit % 8) r->bit++;
    }
    r->walk->end = final ? WST_WALK_FINAL : WST_WALK_FINE;
}

void wst_walk_run(struct wst_walk *w, struct wst_slice in, bool whole)
{
    struct reader r = {.walk = w, .p = in.p, .n = in.n, .bits = 8 * (uint64_t)in.n, .whole = whole};
    w->n = 0;
    w->tail_added = false;
    blocks(&r);
    w->end_bit = r.bit;
    /* The four bytes end an empty block; if they meant anything else, the message was cut. */
    if (w->tail_added && (w->n != r.before_tail || w->end != WST_WALK_FINE)) {
        if (w->end == WST_WALK_FINE) w->end = WST_WALK_TRUNCATED;
        w->n = r.before_tail;
    }
}

void wst_walk_free(struct wst_walk *w)
{
    free(w->out);
    free(w->doubt);
}

const char *wst_walk_end_text(enum wst_walk_end end)
{
    static const char *const words[] = {
        [WST_WALK_FINE] = "",
        [WST_WALK_FINAL] = "",
        [WST_WALK_TRUNCATED] = "the data end inside a block",
        [WST_WALK_BAD_TYPE] = "block type 11 is an error (RFC 1951 section 3.2.3)",
        [WST_WALK_BAD_STORED] =
            "LEN and NLEN of a stored block do not agree (RFC 1951 section 3.2.4)",
        [WST_WALK_BAD_CODES] = "the code lengths make no Huffman code (RFC 1951 section 3.2.7)",
        [WST_WALK_BAD_CODE] = "a code that stands for nothing (RFC 1951 section 3.2.5)",
        [WST_WALK_BAD_DISTANCE] = "a distance beyond the first byte there is",
        [WST_WALK_LIMIT] = "more output than is shown here",
        [WST_WALK_MEMORY] = "out of memory",
    };
    return words[end];
}

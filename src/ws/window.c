/* SPDX-License-Identifier: MIT
 *
 *      block = BFINAL(1) BTYPE(2)  00 stored: to the byte, LEN, NLEN, bytes
 *                                  01 fixed codes   10 codes in front of the data
 *      data  = literal | length [extra] distance [extra] | end       RFC 1951 section 3.2
 *
 * Each step is taken only when all its bits are there, so the walk can stop at any byte.
 */
#include "window.h"

#include "deflate_codes.h"

enum window_state {
    WINDOW_BLOCK,
    WINDOW_STORED_LENGTH,
    WINDOW_STORED,
    WINDOW_COUNTS,  /* HLIT, HDIST, HCLEN */
    WINDOW_SIZES,   /* of the code for code lengths */
    WINDOW_LENGTHS, /* code lengths */
    WINDOW_DATA,
    WINDOW_OVER, /* not deflate, or enough was seen */
};

enum { SYMBOL_MORE = -1, SYMBOL_BAD = -2 };

void wst_window_init(struct wst_window *w, unsigned bits)
{
    *w = (struct wst_window){.limit = (uint32_t)1 << bits};
}

void wst_window_begin(struct wst_window *w)
{
    w->exceeded = false;
    w->bits = 0;
    w->bits_n = 0;
    w->state = WINDOW_BLOCK;
    w->last = false;
    w->out = 0;
}

/* -- bits and codes ---------------------------------------------------------------------------- */

static unsigned window_take(struct wst_window *w, unsigned n)
{
    unsigned v = (unsigned)(w->bits & (((uint64_t)1 << n) - 1));
    w->bits >>= n;
    w->bits_n -= n;
    return v;
}

static void codes_make(struct wst_codes *c, const uint8_t *lengths, unsigned n)
{
    uint16_t at[WST_WINDOW_CODES];
    memset(c->count, 0, sizeof c->count);
    for (unsigned i = 0; i < n; i++) c->count[lengths[i]]++;
    at[1] = 0;
    for (unsigned i = 1; i + 1 < WST_WINDOW_CODES; i++) at[i + 1] = (uint16_t)(at[i] + c->count[i]);
    for (unsigned i = 0; i < n; i++)
        if (lengths[i]) c->symbol[at[lengths[i]]++] = (uint16_t)i;
    c->count[0] = 0;
}

/* The symbol whose code begins `skip` bits on; *used: its bits and those. */
static int codes_symbol(const struct wst_window *w, const struct wst_codes *c, unsigned skip,
                        unsigned *used)
{
    uint64_t bits = w->bits >> skip;
    int code = 0, first = 0, index = 0;
    for (unsigned n = 1; n < WST_WINDOW_CODES; n++, bits >>= 1) {
        if (skip + n > w->bits_n) return SYMBOL_MORE;
        code |= (int)(bits & 1);
        int count = c->count[n];
        if (code - count < first) {
            *used = skip + n;
            return c->symbol[index + (code - first)];
        }
        index += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return SYMBOL_BAD;
}

/* -- blocks: each step says whether it could be taken ------------------------------------------ */

static bool window_over(struct wst_window *w)
{
    w->state = WINDOW_OVER;
    return false;
}

static bool block_begin(struct wst_window *w)
{
    if (w->bits_n < 3) return false;
    w->last = window_take(w, 1);
    switch (window_take(w, 2)) {
    case 0: /* goes on at the next byte */
        window_take(w, w->bits_n % 8);
        w->state = WINDOW_STORED_LENGTH;
        return true;
    case 1: {
        for (unsigned i = 0; i < 288; i++)
            w->lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        codes_make(&w->literal, w->lengths, 288);
        memset(w->lengths, 5, 30);
        codes_make(&w->distance, w->lengths, 30);
        w->state = WINDOW_DATA;
        return true;
    }
    case 2: w->state = WINDOW_COUNTS; return true;
    default: return window_over(w);
    }
}

/* After a final block the next one begins at a byte (RFC 7692 section 7.2.3.4). */
static bool block_end(struct wst_window *w)
{
    if (w->last) window_take(w, w->bits_n % 8);
    w->state = WINDOW_BLOCK;
    return true;
}

static bool stored_length(struct wst_window *w)
{
    if (w->bits_n < 32) return false;
    w->stored = (uint16_t)window_take(w, 16);
    if (window_take(w, 16) != (uint16_t)~w->stored) return window_over(w);
    w->state = WINDOW_STORED;
    return true;
}

static bool stored_byte(struct wst_window *w)
{
    if (!w->stored) return block_end(w);
    if (w->bits_n < 8) return false;
    window_take(w, 8);
    w->stored--;
    w->out++;
    return true;
}

static bool dynamic_counts(struct wst_window *w)
{
    if (w->bits_n < 14) return false;
    w->literals = (uint16_t)(257 + window_take(w, 5));
    w->all = (uint16_t)(w->literals + 1 + window_take(w, 5));
    w->sizes = (uint16_t)(4 + window_take(w, 4));
    w->n = 0;
    if (w->literals > 286 || w->all > w->literals + 30) return window_over(w);
    memset(w->lengths, 0, 19);
    w->state = WINDOW_SIZES;
    return true;
}

static bool dynamic_size(struct wst_window *w)
{
    if (w->n == w->sizes) {
        codes_make(&w->literal, w->lengths, 19);
        w->n = 0;
        w->state = WINDOW_LENGTHS;
        return true;
    }
    if (w->bits_n < 3) return false;
    w->lengths[wst_deflate_order[w->n++]] = (uint8_t)window_take(w, 3);
    return true;
}

static bool dynamic_length(struct wst_window *w)
{
    static const struct {
        uint8_t bits, least;
    } repeats[3] = {{2, 3}, {3, 3}, {7, 11}};
    if (w->n == w->all) {
        codes_make(&w->distance, w->lengths + w->literals, w->all - w->literals);
        codes_make(&w->literal, w->lengths, w->literals);
        w->state = WINDOW_DATA;
        return true;
    }
    unsigned used;
    int symbol = codes_symbol(w, &w->literal, 0, &used);
    if (symbol == SYMBOL_BAD) return window_over(w);
    if (symbol < 0) return false;
    if (symbol < 16) {
        window_take(w, used);
        w->lengths[w->n++] = (uint8_t)symbol;
        return true;
    }
    unsigned extra = repeats[symbol - 16].bits;
    if (w->bits_n < used + extra) return false;
    window_take(w, used);
    unsigned n = repeats[symbol - 16].least + window_take(w, extra);
    if ((symbol == 16 && !w->n) || w->n + n > w->all) return window_over(w);
    memset(w->lengths + w->n, symbol == 16 ? w->lengths[w->n - 1] : 0, n);
    w->n = (uint16_t)(w->n + n);
    return true;
}

/* -- data: section 3.2.5 ----------------------------------------------------------------------- */

static bool data_step(struct wst_window *w)
{
    unsigned used;
    int symbol = codes_symbol(w, &w->literal, 0, &used);
    if (symbol == SYMBOL_BAD || symbol > 285) return window_over(w);
    if (symbol < 0) return false;
    if (symbol <= 256) {
        window_take(w, used);
        if (symbol == 256) return block_end(w);
        w->out++;
        return true;
    }
    unsigned extra = wst_deflate_length_extra[symbol - 257], from = used;
    int far = codes_symbol(w, &w->distance, used + extra, &used);
    if (far == SYMBOL_BAD || far > 29) return window_over(w);
    if (far < 0) return false;
    unsigned far_extra = far < 4 ? 0u : (unsigned)(far / 2 - 1);
    if (w->bits_n < used + far_extra) return false;
    window_take(w, from);
    unsigned length = wst_deflate_length_base[symbol - 257] + window_take(w, extra);
    window_take(w, used - from - extra);
    uint32_t distance = wst_deflate_distance_base[far] + window_take(w, far_extra);
    if (distance > w->limit) {
        w->exceeded = true;
        w->worst = distance;
        w->at = w->out;
        return window_over(w);
    }
    w->out += length;
    return true;
}

static bool window_step(struct wst_window *w)
{
    switch (w->state) {
    case WINDOW_BLOCK: return block_begin(w);
    case WINDOW_STORED_LENGTH: return stored_length(w);
    case WINDOW_STORED: return stored_byte(w);
    case WINDOW_COUNTS: return dynamic_counts(w);
    case WINDOW_SIZES: return dynamic_size(w);
    case WINDOW_LENGTHS: return dynamic_length(w);
    case WINDOW_DATA: return data_step(w);
    default: return false;
    }
}

void wst_window_feed(struct wst_window *w, struct wst_slice in)
{
    for (size_t i = 0; i < in.n && w->state != WINDOW_OVER;) {
        /* The longest step takes 15 + 5 + 15 + 13 bits. */
        for (; i < in.n && w->bits_n <= 56; w->bits_n += 8)
            w->bits |= (uint64_t)in.p[i++] << w->bits_n;
        while (window_step(w)) {
        }
    }
}

/* SPDX-License-Identifier: MIT
 *
 * In: MessagePack. Out: its values one by one, and a value as JSON.
 * Refuses what is cut off, the byte 0xc1, and, as JSON, what is too deep.
 */
#include "msgpack.h"

#include "escape.h"
#include "utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* -- values ------------------------------------------------------------------------------------ */

static uint64_t read_be(const uint8_t *p, size_t n)
{
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | *p++;
    return v;
}

static uint64_t extended(uint64_t v, size_t n) /* the sign of n bytes */
{
    unsigned shift = 64 - 8 * (unsigned)n;
    return (uint64_t)((int64_t)(v << shift) >> shift);
}

static double real_of(uint64_t bits, size_t n)
{
    uint32_t few = (uint32_t)bits;
    float single;
    double real;
    memcpy(&single, &few, sizeof single);
    memcpy(&real, &bits, sizeof real);
    return n == 4 ? (double)single : real;
}

/* "Formats" of the specification from 0xc0 to 0xdf: how many bytes of length or value follow. */
struct format {
    uint8_t kind, n;
    uint8_t fixed; /* of extensions: their length; of 0xc2 … flags: the value */
};
static const struct format formats[0x20] = {
    [0x00] = {WST_MSGPACK_NIL, 0, 0},       [0x02] = {WST_MSGPACK_FLAG, 0, 0},
    [0x03] = {WST_MSGPACK_FLAG, 0, 1},      [0x04] = {WST_MSGPACK_BYTES, 1, 0},
    [0x05] = {WST_MSGPACK_BYTES, 2, 0},     [0x06] = {WST_MSGPACK_BYTES, 4, 0},
    [0x07] = {WST_MSGPACK_EXTENSION, 1, 0}, [0x08] = {WST_MSGPACK_EXTENSION, 2, 0},
    [0x09] = {WST_MSGPACK_EXTENSION, 4, 0}, [0x0a] = {WST_MSGPACK_FLOAT, 4, 0},
    [0x0b] = {WST_MSGPACK_FLOAT, 8, 0},     [0x0c] = {WST_MSGPACK_NUMBER, 1, 0},
    [0x0d] = {WST_MSGPACK_NUMBER, 2, 0},    [0x0e] = {WST_MSGPACK_NUMBER, 4, 0},
    [0x0f] = {WST_MSGPACK_NUMBER, 8, 0},    [0x10] = {WST_MSGPACK_NUMBER, 1, 1},
    [0x11] = {WST_MSGPACK_NUMBER, 2, 1},    [0x12] = {WST_MSGPACK_NUMBER, 4, 1},
    [0x13] = {WST_MSGPACK_NUMBER, 8, 1},    [0x14] = {WST_MSGPACK_EXTENSION, 0, 1},
    [0x15] = {WST_MSGPACK_EXTENSION, 0, 2}, [0x16] = {WST_MSGPACK_EXTENSION, 0, 4},
    [0x17] = {WST_MSGPACK_EXTENSION, 0, 8}, [0x18] = {WST_MSGPACK_EXTENSION, 0, 16},
    [0x19] = {WST_MSGPACK_TEXT, 1, 0},      [0x1a] = {WST_MSGPACK_TEXT, 2, 0},
    [0x1b] = {WST_MSGPACK_TEXT, 4, 0},      [0x1c] = {WST_MSGPACK_ARRAY, 2, 0},
    [0x1d] = {WST_MSGPACK_ARRAY, 4, 0},     [0x1e] = {WST_MSGPACK_MAP, 2, 0},
    [0x1f] = {WST_MSGPACK_MAP, 4, 0},
};

/* The first byte says it all, but for what follows of text. False: no fixed format. */
static bool fixed(uint8_t c, struct wst_msgpack *v, uint64_t *length)
{
    if (c < 0x80 || c >= 0xe0) {
        v->kind = WST_MSGPACK_NUMBER;
        v->number = c < 0x80 ? c : extended(c, 1);
        v->negative = c >= 0xe0;
    } else if (c < 0xa0) {
        v->kind = c < 0x90 ? WST_MSGPACK_MAP : WST_MSGPACK_ARRAY;
        v->number = c & 0x0f;
    } else if (c < 0xc0) {
        v->kind = WST_MSGPACK_TEXT;
        *length = c & 0x1f;
    } else {
        return false;
    }
    return true;
}

/* `p`: the bytes behind the first one, all that the format wants. */
static void formatted(const struct format *f, const uint8_t *p, struct wst_msgpack *v,
                      uint64_t *length)
{
    uint64_t number = read_be(p, f->n);
    v->kind = f->kind;
    switch (v->kind) {
    case WST_MSGPACK_FLAG: v->number = f->fixed; break;
    case WST_MSGPACK_NUMBER:
        v->number = f->fixed ? extended(number, f->n) : number;
        v->negative = f->fixed && (int64_t)v->number < 0;
        break;
    case WST_MSGPACK_FLOAT:
        v->single = f->n == 4;
        v->real = real_of(number, f->n);
        break;
    case WST_MSGPACK_ARRAY:
    case WST_MSGPACK_MAP: v->number = number; break;
    case WST_MSGPACK_NIL: break;
    default: *length = f->n ? number : f->fixed;
    }
}

bool wst_msgpack_next(struct wst_slice *s, struct wst_msgpack *value)
{
    struct wst_slice rest = wst_slice_skip(*s, 1);
    uint64_t length = 0;
    *value = (struct wst_msgpack){.kind = WST_MSGPACK_NIL};
    if (s->n == 0 || s->p[0] == 0xc1) return false;
    if (!fixed(s->p[0], value, &length)) {
        const struct format *f = &formats[s->p[0] - 0xc0];
        if (rest.n < f->n) return false;
        formatted(f, rest.p, value, &length);
        rest = wst_slice_skip(rest, f->n);
    }
    if (value->kind == WST_MSGPACK_EXTENSION) {
        if (rest.n == 0) return false;
        value->type = (int8_t)rest.p[0];
        rest = wst_slice_skip(rest, 1);
    }
    if (length > rest.n) return false;
    value->bytes = wst_slice_head(rest, length);
    *s = wst_slice_skip(rest, length);
    return true;
}

static uint64_t elements(const struct wst_msgpack *v)
{
    return v->kind == WST_MSGPACK_ARRAY ? v->number
           : v->kind == WST_MSGPACK_MAP ? 2 * v->number
                                        : 0;
}

struct wst_slice wst_msgpack_whole(struct wst_slice *s)
{
    struct wst_slice rest = *s;
    struct wst_msgpack v;
    for (uint64_t left = 1; left > 0;) {
        if (left > rest.n || !wst_msgpack_next(&rest, &v)) return wst_slice_of(NULL, 0);
        left += elements(&v) - 1;
    }
    struct wst_slice whole = wst_slice_head(*s, s->n - rest.n);
    *s = rest;
    return whole;
}

/* -- as JSON ----------------------------------------------------------------------------------- */

struct writer {
    uint8_t *at, *end;
    bool full;
};

static void put(struct writer *w, const void *p, size_t n)
{
    if (w->full || n > (size_t)(w->end - w->at)) {
        w->full = true;
        return;
    }
    if (n) memcpy(w->at, p, n);
    w->at += n;
}

static void put_words(struct writer *w, const char *words)
{
    put(w, words, strlen(words));
}

static void put_text(struct writer *w, struct wst_slice s)
{
    static const char hex[] = "0123456789abcdef";
    put_words(w, "\"");
    for (size_t i = 0, n; i < s.n; i += n) {
        uint8_t c = s.p[i];
        n = 1;
        if (c < 0x20) {
            char escaped[] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
            put(w, escaped, sizeof escaped);
        } else if (c == '"' || c == '\\') {
            char escaped[] = {'\\', (char)c};
            put(w, escaped, sizeof escaped);
        } else {
            while (i + n < s.n && s.p[i + n] >= 0x20 && s.p[i + n] != '"' && s.p[i + n] != '\\')
                n++;
            put(w, s.p + i, n);
        }
    }
    put_words(w, "\"");
}

static void put_base64(struct writer *w, struct wst_slice s)
{
    put_words(w, "\"b64\":\"");
    if (w->full || s.n > (size_t)(w->end - w->at) ||
        WST_ESCAPE_BASE64_ROOM(s.n) > (size_t)(w->end - w->at))
        w->full = true;
    else
        w->at = wst_escape_base64_at(w->at, s);
    put_words(w, "\"}");
}

static void put_number(struct writer *w, const struct wst_msgpack *v)
{
    char digits[24];
    if (v->negative)
        snprintf(digits, sizeof digits, "%lld", (long long)v->number);
    else
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)v->number);
    put_words(w, digits);
}

/* The fewest digits that read back as the same; wherever the program's language has a comma. */
static void put_real(struct writer *w, const struct wst_msgpack *v)
{
    char digits[40];
    int n = v->single ? 6 : 15, most = v->single ? 9 : 17;
    if (isnan(v->real) || isinf(v->real)) {
        put_words(w, isnan(v->real) ? "{\"float\":\"NaN\"}"
                     : v->real > 0  ? "{\"float\":\"Infinity\"}"
                                    : "{\"float\":\"-Infinity\"}");
        return;
    }
    for (; n <= most; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, v->real);
        if (v->single ? strtof(digits, NULL) == (float)v->real : strtod(digits, NULL) == v->real)
            break;
    }
    for (char *at = digits; *at; at++)
        if (*at == ',') *at = '.';
    put_words(w, digits);
}

/* All but arrays and maps. */
static void put_scalar(struct writer *w, const struct wst_msgpack *v)
{
    char type[24];
    switch (v->kind) {
    case WST_MSGPACK_NIL: put_words(w, "null"); break;
    case WST_MSGPACK_FLAG: put_words(w, v->number ? "true" : "false"); break;
    case WST_MSGPACK_NUMBER: put_number(w, v); break;
    case WST_MSGPACK_FLOAT: put_real(w, v); break;
    case WST_MSGPACK_EXTENSION:
        snprintf(type, sizeof type, "{\"ext\":%d,", v->type);
        put_words(w, type);
        put_base64(w, v->bytes);
        break;
    default:
        if (v->kind == WST_MSGPACK_TEXT && wst_utf8_valid(v->bytes)) {
            put_text(w, v->bytes);
            break;
        }
        put_words(w, "{");
        put_base64(w, v->bytes);
    }
}

/* Names of JSON are text: a number is written as one. */
static void put_key(struct writer *w, const struct wst_msgpack *v)
{
    if (v->kind == WST_MSGPACK_TEXT && wst_utf8_valid(v->bytes)) {
        put_text(w, v->bytes);
    } else if (v->kind == WST_MSGPACK_NUMBER) {
        put_words(w, "\"");
        put_number(w, v);
        put_words(w, "\"");
    } else {
        w->full = true;
    }
}

struct level { /* an array or map that is open */
    uint64_t left;
    bool map, first;
};

/* What stands before the next value of the innermost; closes what has none. */
static size_t between(struct writer *w, struct level *levels, size_t depth)
{
    while (depth > 0 && levels[depth - 1].left == 0) put_words(w, levels[--depth].map ? "}" : "]");
    return depth;
}

static void write_value(struct writer *w, struct wst_slice s)
{
    struct level levels[WST_MSGPACK_DEPTH];
    struct wst_msgpack v;
    size_t depth = 0;
    do {
        struct level *in = depth > 0 ? &levels[depth - 1] : NULL;
        if (in && !in->first) put_words(w, ",");
        if (in) in->first = false;
        if (in) in->left--;
        if (in && in->map) {
            if (!wst_msgpack_next(&s, &v)) break;
            put_key(w, &v);
            put_words(w, ":");
        }
        if (!wst_msgpack_next(&s, &v)) break;
        if (v.kind == WST_MSGPACK_ARRAY || v.kind == WST_MSGPACK_MAP) {
            bool map = v.kind == WST_MSGPACK_MAP;
            if (depth == WST_MSGPACK_DEPTH) break;
            put_words(w, map ? "{" : "[");
            levels[depth++] = (struct level){v.number, map, true};
        } else {
            put_scalar(w, &v);
        }
        depth = between(w, levels, depth);
        if (depth == 0) return;
    } while (!w->full);
    w->full = true;
}

struct wst_slice wst_msgpack_json(struct wst_say *say, struct wst_slice value)
{
    uint8_t *from = say->scratch + say->scratch_n;
    struct writer w = {from, say->scratch + WST_SAY_SCRATCH, false};
    if (!value.p) return value;
    write_value(&w, value);
    if (w.full) {
        wst_say_without(say);
        return wst_slice_of(NULL, 0);
    }
    wst_say_scratch(say, (size_t)(w.at - from));
    return wst_slice_of(from, (size_t)(w.at - from));
}

/* SPDX-License-Identifier: MIT
 *
 * In: a payload. Out: its canonical form, if it is an object of scalars that has nothing about it
 * that needs a second look: what most programs say most of the time, in a quarter of the time that
 * the tape takes. tests/unit/check holds it against the long way. Refuses everything else, having
 * written nothing.
 */
#include "canon.h"

#include "printable.h"

enum { MEMBERS = 48, STRIDE = 16 };

struct scalar {
    uint64_t first;             /* bytes of the key, the first the highest, 0 behind its end */
    const uint8_t *key, *value; /* the value with its quotes */
    uint32_t key_n, value_n;
};

struct reader {
    const uint8_t *at, *end;
};

static void blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

/* At the opening quote; false: not plain. */
static bool string(struct reader *r)
{
    r->at++;
    r->at += wst_plain(r->at, r->end);
    if (r->at == r->end || *r->at != '"') return false;
    r->at++;
    return true;
}

static bool word(struct reader *r)
{
    static const char *const words[] = {"true", "null", "false"};

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(r->end - r->at) <= n || memcmp(r->at, words[i], n) != 0) continue;
        r->at += n;
        return true;
    }
    return false;
}

static bool member(struct reader *r, struct scalar *m)
{
    blanks(r);
    if (r->at == r->end || *r->at != '"') return false;
    m->key = r->at + 1;
    if (!string(r)) return false;
    m->key_n = (uint32_t)(r->at - 1 - m->key);
    m->first = wst_printable_first(wst_slice_of(m->key, m->key_n), r->end);
    blanks(r);
    if (r->at == r->end || *r->at++ != ':') return false;
    blanks(r);
    if (r->at == r->end) return false;
    m->value = r->at;
    if (!(*r->at == '"'   ? string(r)
          : *r->at <= '9' ? wst_printable_decimal(&r->at, r->end)
                          : word(r)))
        return false;
    m->value_n = (uint32_t)(r->at - m->value);
    blanks(r);
    return r->at < r->end;
}

/* As compare_members() of canon.c; members come in the order sent, so equal names keep it. */
static bool behind(const struct scalar *a, const struct scalar *b)
{
    uint32_t n = a->key_n < b->key_n ? a->key_n : b->key_n;
    int order;

    if (a->first != b->first) return a->first > b->first;
    order = memcmp(a->key, b->key, n);
    return order ? order > 0 : a->key_n > b->key_n;
}

static void insert(struct scalar *list, uint32_t n, const struct scalar *m)
{
    while (n > 0 && behind(&list[n - 1], m)) {
        list[n] = list[n - 1];
        n--;
    }
    list[n] = *m;
}

/* Short pieces are copied with what stands behind them, which the next piece covers: there is room
 * for it, and up to `end` it may be read. */
static inline uint8_t *put(uint8_t *to, const uint8_t *p, size_t n, const uint8_t *end)
{
    if (n <= STRIDE && end - p >= STRIDE)
        memcpy(to, p, STRIDE);
    else
        memcpy(to, p, n);
    return to + n;
}

static inline uint8_t *put_stride(uint8_t *to, const uint8_t *p, size_t n)
{
    memcpy(to, p, STRIDE);
    return to + n;
}

/* What stands between members and before the closing bracket; STRIDE bytes of it may be read. */
struct between {
    const uint8_t *text; /* a comma, and what separates */
    size_t n;
    size_t first, last; /* of what separates, before the first member and behind the last */
};

static void write(struct wst_ink *ink, const struct scalar *list, uint32_t n,
                  const struct between *b, const uint8_t *end)
{
    const uint8_t *separates = b->text + 1;
    size_t length = 2 + b->last + n * (b->n + 4) + STRIDE;
    uint8_t *to;

    for (uint32_t i = 0; i < n; i++) length += list[i].key_n + list[i].value_n;
    to = wst_ink_room(ink, length);
    if (to == NULL) return;
    *to++ = '{';
    for (uint32_t i = 0; i < n; i++) {
        if (i)
            to = put_stride(to, b->text, b->n);
        else
            to = put_stride(to, separates, b->first);
        *to++ = '"';
        to = put(to, list[i].key, list[i].key_n, end);
        memcpy(to, "\": ", 3);
        to = put(to + 3, list[i].value, list[i].value_n, end);
    }
    to = put_stride(to, separates, b->last);
    *to++ = '}';
    ink->buf.n = (size_t)(to - ink->buf.p);
}

bool wst_canon_flat(struct wst_ink *ink, struct wst_slice text, size_t line, unsigned indent)
{
    static const char line_of[STRIDE + 1] = ", ";
    static const char lines_of[] = ",\n                "; /* as deep as anybody asks */
    struct between b = {(const uint8_t *)line_of, 2, 0, 0};
    struct reader r = {text.p, NULL};
    struct scalar list[MEMBERS], m;
    size_t length = 0;
    uint32_t n = 0;

    if (text.n < 2 || text.n > WST_CANON_FLAT || *r.at++ != '{') return false;
    r.end = text.p + text.n;
    do {
        if (n == MEMBERS || !member(&r, &m)) return false;
        if (m.key_n == 7 && memcmp(m.key, "jsonrpc", 7) == 0)
            return false; /* it answers something */
        insert(list, n++, &m);
        length += 1 + m.key_n + 3 + m.value_n + 2; /* ", ", or both brackets */
    } while (*r.at++ == ',');
    if (r.at[-1] != '}') return false;
    blanks(&r);
    if (r.at != r.end || indent + 4 > STRIDE) return false;
    if (length > line)
        b = (struct between){(const uint8_t *)lines_of, 2 + indent + 2, 1 + indent + 2, 1 + indent};
    write(ink, list, n, &b, r.end);
    return true;
}

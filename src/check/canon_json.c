/* SPDX-License-Identifier: MIT
 *
 * In: JSON. Out: its canonical form: sorted names, normal blanks, on as few lines as fit.
 * Refuses to convert: what a number or string was written with decides.
 */
#include "canon.h"

#include "printable.h"

#include <stdlib.h>

enum {
    PREFIX_MAX = 64, /* bytes before the JSON: "42/chat,7" of Socket.IO, "a" of SockJS */
    STEP = 2         /* columns that a nested line is indented by */
};

/* -- members in order -------------------------------------------------------------------------- */

struct member {     /* enough to sort by without looking anything up */
    uint64_t first; /* eight bytes of the key, the first the highest, 0 behind its end */
    const uint8_t *key;
    uint32_t key_n, index;
    bool escaped;
};

/* By what the names mean, byte for byte; equal names stay in the order sent. */
static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    uint32_t n = x->key_n < y->key_n ? x->key_n : y->key_n;
    int order;

    if (x->escaped || y->escaped) {
        order = wst_ink_compare(wst_slice_of(x->key, x->key_n), wst_slice_of(y->key, y->key_n));
        return order ? order : x->index < y->index ? -1 : 1;
    }
    if (x->first != y->first) return x->first < y->first ? -1 : 1;
    order = memcmp(x->key, y->key, n);
    if (order == 0 && x->key_n != y->key_n) order = x->key_n < y->key_n ? -1 : 1;
    return order ? order : x->index < y->index ? -1 : 1;
}

/* By insertion while they are few: libc's would go through a function pointer for each. */
static void sort_members(struct member *list, uint32_t n)
{
    enum { FEW = 24 };

    if (n > FEW) {
        qsort(list, n, sizeof *list, compare_members);
        return;
    }
    for (uint32_t i = 1; i < n; i++) {
        struct member m = list[i];
        uint32_t k = i;
        for (; k > 0 && compare_members(&list[k - 1], &m) > 0; k--) list[k] = list[k - 1];
        list[k] = m;
    }
}

static struct member member_of(const struct wst_canon *c, uint32_t index)
{
    const struct wst_tape_node *node = &c->tape.nodes[index];

    struct wst_slice key = wst_tape_key(c->json, node);

    return (struct member){wst_printable_first(key, c->json.p + c->json.n), key.p, node->key_n,
                           index, !node->key_plain};
}

static bool sorted(const struct wst_canon *c, uint32_t parent)
{
    uint32_t end = c->tape.nodes[parent].next, i = parent + 1;
    struct member before;

    if (c->tape.nodes[parent].kind != WST_TAPE_OBJECT || i == end) return true;
    before = member_of(c, i);
    while ((i = c->tape.nodes[i].next) < end) {
        struct member m = member_of(c, i);
        if (compare_members(&before, &m) > 0) return false;
        before = m;
    }
    return true;
}

/* A walk over the members in canonical order. What lies sorted is walked as it lies, the rest by
 * way of a list on the stack c->order. */
struct members {
    uint32_t next, end; /* node to come, behind the last; of a list: places in it */
    size_t bottom;      /* of the list in c->order, bytes */
    bool list;
};

static struct members members_begin(struct wst_canon *c, uint32_t parent)
{
    const struct wst_tape_node *node = &c->tape.nodes[parent];
    struct members m = {parent + 1, node->next, c->order.n, !sorted(c, parent)};
    struct member *list;
    uint32_t n = 0;

    if (!m.list) return m;
    if (!wst_buf_reserve(&c->order, c->budget, node->members * sizeof *list, SIZE_MAX)) {
        c->failed = true;
        m.list = false;
        return m;
    }
    list = (struct member *)(void *)(c->order.p + m.bottom);
    for (uint32_t i = parent + 1; i < node->next; i = c->tape.nodes[i].next)
        list[n++] = member_of(c, i);
    sort_members(list, n);
    c->order.n += n * sizeof *list;
    m.next = 0;
    m.end = n;
    return m;
}

static bool members_next(const struct wst_canon *c, struct members *m, uint32_t *index)
{
    if (m->next >= m->end) return false;
    if (m->list) {
        const struct member *list = (const struct member *)(const void *)(c->order.p + m->bottom);
        *index = list[m->next++].index;
        return true;
    }
    *index = m->next;
    m->next = c->tape.nodes[m->next].next;
    return true;
}

static void members_end(struct wst_canon *c, const struct members *m)
{
    if (m->list) c->order.n = m->bottom;
}

/* -- values ------------------------------------------------------------------------------------ */

static void put_string(struct wst_canon *c, struct wst_slice inside, bool canonical)
{
    wst_ink_byte(c->ink, '"');
    if (c->settings->redact.n == 0) {
        if (canonical)
            wst_ink_bytes(c->ink, inside);
        else
            wst_ink_unescaped(c->ink, inside);
    } else {
        c->scratch.buf.n = 0;
        wst_ink_decoded(&c->scratch, inside);
        wst_canon_bare(c, wst_ink_slice(&c->scratch));
    }
    wst_ink_byte(c->ink, '"');
}

/* A number of which something is redacted becomes a string: what is left is none. */
static void put_number(struct wst_canon *c, struct wst_slice digits)
{
    size_t before = c->ink->buf.n;
    bool redacted = c->redacted;

    c->redacted = false;
    if (c->settings->redact.n) wst_canon_quoted(c, digits);
    if (!c->redacted) {
        wst_ink_cut(c->ink, before);
        wst_ink_bytes(c->ink, digits);
    }
    c->redacted |= redacted;
}

static void put_scalar(struct wst_canon *c, const struct wst_tape_node *node)
{
    struct wst_slice bytes = wst_tape_bytes(c->json, node);

    if (node->mark)
        wst_ink_text(c->ink, "\"<ignored>\"");
    else if (node->kind == WST_TAPE_STRING)
        put_string(c, wst_slice_of(bytes.p + 1, bytes.n - 2), node->canonical);
    else if (node->kind == WST_TAPE_NUMBER)
        put_number(c, bytes);
    else
        wst_ink_bytes(c->ink, bytes);
}

static void put_key(struct wst_canon *c, const struct wst_tape_node *node)
{
    if (node->key == 0) return;
    put_string(c, wst_tape_key(c->json, node), node->key_plain);
    wst_ink_text(c->ink, ": ");
}

static bool is_scalar(const struct wst_tape_node *node)
{
    return node->mark || node->kind > WST_TAPE_ARRAY;
}

/* Bytes that a scalar takes at least: an escape is six at most for one. */
static size_t least(const struct wst_canon *c, const struct wst_tape_node *node)
{
    size_t n = node->to - node->from;

    if (node->mark || c->settings->redact.n) return 0;
    return node->canonical || node->kind != WST_TAPE_STRING ? n : n / 6;
}

/* Whether a value would take more than `room` bytes on one line, as far as counting shows: the
 * nodes of all that is in it lie in a row. */
static bool too_long(const struct wst_canon *c, uint32_t at, size_t room)
{
    uint32_t end = c->tape.nodes[at].next;
    size_t n = 0;

    for (uint32_t i = at + 1; i < end && n <= room && c->settings->redact.n == 0; i++) {
        const struct wst_tape_node *node = &c->tape.nodes[i];
        if (node->mark) return false; /* what is in it does not count */
        n += node->key_plain ? node->key_n : 0;
        n += 2 + (node->kind > WST_TAPE_ARRAY ? least(c, node) : 0);
    }
    return n > room;
}

/* {"a": 1, "b": [2, 3]}; false as soon as the text is longer than `stop` bytes, or will be. */
static bool put_flat(struct wst_canon *c, uint32_t at, size_t stop)
{
    const struct wst_tape_node *node = &c->tape.nodes[at];
    struct members m;
    uint32_t child;
    bool fits = true, first = true;

    put_key(c, node);
    if (is_scalar(node)) {
        if (c->ink->buf.n + least(c, node) > stop) return false;
        put_scalar(c, node);
        return c->ink->buf.n <= stop;
    }
    wst_ink_byte(c->ink, node->kind == WST_TAPE_OBJECT ? '{' : '[');
    m = members_begin(c, at);
    while (fits && members_next(c, &m, &child)) {
        if (!first) wst_ink_text(c->ink, ", ");
        first = false;
        fits = put_flat(c, child, stop);
    }
    members_end(c, &m);
    wst_ink_byte(c->ink, node->kind == WST_TAPE_OBJECT ? '}' : ']');
    return fits && c->ink->buf.n <= stop;
}

/* On one line if it fits into what is left of it, else a line for each member. */
static void put_value_at(struct wst_canon *c, uint32_t at, size_t line, unsigned indent)
{
    const struct wst_tape_node *node = &c->tape.nodes[at];
    size_t before = c->ink->buf.n;
    bool redacted = c->redacted, first = true;
    struct members m;
    uint32_t child;

    if (is_scalar(node)) {
        put_key(c, node);
        put_scalar(c, node);
        return;
    }
    if (c->ink->failed) return;
    if (before >= line + WST_CANON_WIDTH || !too_long(c, at, line + WST_CANON_WIDTH - before)) {
        if (put_flat(c, at, line + WST_CANON_WIDTH) || node->members == 0) return;
        wst_ink_cut(c->ink, before);
    }
    c->redacted = redacted;
    put_key(c, node);
    wst_ink_byte(c->ink, node->kind == WST_TAPE_OBJECT ? '{' : '[');
    m = members_begin(c, at);
    while (members_next(c, &m, &child)) {
        size_t start = c->ink->buf.n + !first + 1;
        wst_ink_text(c->ink, first ? "\n" : ",\n");
        first = false;
        wst_ink_blanks(c->ink, indent + STEP);
        put_value_at(c, child, start, indent + STEP);
    }
    members_end(c, &m);
    wst_ink_byte(c->ink, '\n');
    wst_ink_blanks(c->ink, indent);
    wst_ink_byte(c->ink, node->kind == WST_TAPE_OBJECT ? '}' : ']');
}

/* -- a payload --------------------------------------------------------------------------------- */

/* Where the JSON begins: at once, or behind a prefix of such letters as event protocols write
 * there. SIZE_MAX: nowhere. A bare number or string is text: most of them were never meant as JSON.
 */
size_t wst_canon_json_begins(struct wst_slice text)
{
    for (size_t i = 0; i < text.n && i <= PREFIX_MAX; i++) {
        uint8_t c = text.p[i];
        if (c == '{' || c == '[') return i;
        if (c > 0x7e || (c <= 0x20 && i > 0 && text.p[i - 1] > 0x20) || c == '"' || c == '\'' ||
            c == '<' || c == '(')
            return SIZE_MAX;
        if (c < 0x20 && c != '\n' && c != '\r' && c != '\t') return SIZE_MAX;
    }
    return SIZE_MAX;
}

static void mark(void *user, struct wst_tape_node *node)
{
    (void)user;
    node->mark = 1;
}

bool wst_canon_read_json(struct wst_canon *c, struct wst_slice text, size_t *begins)
{
    const struct wst_check_settings *s = c->settings;

    c->tape.n = 0;
    *begins = wst_canon_json_begins(text);
    if (*begins == SIZE_MAX) return false;
    c->json = wst_slice_skip(text, *begins);
    if (!wst_tape_read(&c->tape, c->budget, c->json)) {
        c->tape.n = 0;
        return false;
    }
    for (uint32_t i = 0; i < s->ignore_n; i++)
        wst_path_select(&s->ignore[i], c->json, &c->tape, mark, NULL);
    return true;
}

void wst_canon_put_flat(struct wst_canon *c)
{
    put_flat(c, 0, SIZE_MAX);
}

void wst_canon_put_json(struct wst_canon *c, size_t line)
{
    put_value_at(c, 0, line, WST_CANON_BASE);
}

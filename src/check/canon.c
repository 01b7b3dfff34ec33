/* SPDX-License-Identifier: MIT
 *
 * In: payloads. Out: text that is the same whenever they mean the same.
 * Refuses to let a control or hidden character pass raw.
 */
#include "canon.h"

#include "plain.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 100, /* columns of a golden's line, where JSON can be broken */
    BASE = 4,    /* columns before a closing bracket of the outermost value */
    STEP = 2,
    PREFIX_MAX = 64,  /* bytes before the JSON: "42/chat,7" of Socket.IO, "a" of SockJS */
    BEGIN = 256,      /* bytes shown of what has a hash */
    DUMP = 16,        /* bytes on a line of a dump */
    BINARY_SHARE = 16 /* a byte of binary takes more room than one of text */
};

void wst_canon_init(struct wst_canon *c, const struct wst_check_settings *settings,
                    struct wst_budget *budget)
{
    *c = (struct wst_canon){.settings = settings, .budget = budget};
    c->scratch.budget = c->values.budget = budget;
}

void wst_canon_free(struct wst_canon *c)
{
    if (c->budget == NULL) return;
    wst_tape_free(&c->tape, c->budget);
    wst_redact_values_free(&c->values);
    wst_ink_free(&c->scratch);
    wst_buf_free(&c->order, c->budget);
}

/* -- text ------------------------------------------------------------------------------------ */

static void put_literal(void *user, struct wst_slice text)
{
    struct wst_canon *c = user;

    wst_ink_escaped(c->ink, text);
}

static void put_value(void *user, uint32_t rule, uint32_t number)
{
    static const char hex[] = "0123456789abcdef";
    struct wst_canon *c = user;
    uint8_t *at = wst_ink_room(c->ink, WST_CANON_MARK_N);

    if (at == NULL) return;
    *at++ = WST_CANON_MARK;
    *at++ = (uint8_t)hex[rule >> 4 & 15];
    *at++ = (uint8_t)hex[rule & 15];
    for (int shift = 28; shift >= 0; shift -= 4) *at++ = (uint8_t)hex[number >> shift & 15];
    c->ink->buf.n += WST_CANON_MARK_N;
}

void wst_canon_bare(struct wst_canon *c, struct wst_slice text)
{
    struct wst_redact_sink sink = {c, put_literal, put_value};

    if (c->settings->redact.n == 0)
        wst_ink_escaped(c->ink, text);
    else if (wst_redact_text(&c->settings->redact, &c->values, text, &sink))
        c->redacted = true;
}

void wst_canon_quoted(struct wst_canon *c, struct wst_slice text)
{
    wst_ink_byte(c->ink, '"');
    wst_canon_bare(c, text);
    wst_ink_byte(c->ink, '"');
}

/* A line of its own for each line of the text: "a\n" over "b". */
static void put_lines(struct wst_canon *c, struct wst_slice text, unsigned indent)
{
    do {
        const uint8_t *end = text.n ? memchr(text.p, '\n', text.n) : NULL;
        size_t n = end ? (size_t)(end - text.p) + 1 : text.n;
        wst_canon_quoted(c, wst_slice_head(text, n));
        text = wst_slice_skip(text, n);
        if (text.n) {
            wst_ink_byte(c->ink, '\n');
            wst_ink_blanks(c->ink, indent);
        }
    } while (text.n);
}

/* -- JSON ------------------------------------------------------------------------------------ */

struct member {      /* enough to sort by without looking anything up */
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

    return (struct member){wst_plain_first(key, c->json.p + c->json.n), key.p, node->key_n, index,
                           !node->key_plain};
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
    const struct member *list = (const struct member *)(const void *)(c->order.p + m->bottom);

    if (m->next >= m->end) return false;
    if (m->list) {
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

/* Whether a value would take more than `room` bytes on one line, as far as counting shows: the nodes
 * of all that is in it lie in a row. */
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
    if (before >= line + WIDTH || !too_long(c, at, line + WIDTH - before)) {
        if (put_flat(c, at, line + WIDTH) || node->members == 0) return;
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

static bool read_json(struct wst_canon *c, struct wst_slice text, size_t *begins)
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

/* -- what is too long to be shown ------------------------------------------------------------ */

/* SHA-256; where the text may hold placeholders, a redacted value counts by its rule alone. */
static void put_sha256(struct wst_canon *c, struct wst_slice text, bool placeholders)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    EVP_MD_CTX *sha = EVP_MD_CTX_new();

    if (sha == NULL || !EVP_DigestInit_ex(sha, EVP_sha256(), NULL)) c->failed = true;
    while (sha && text.n) {
        const uint8_t *value = placeholders ? memchr(text.p, WST_CANON_MARK, text.n) : NULL;
        size_t some = value ? (size_t)(value - text.p) + 3 : text.n;
        EVP_DigestUpdate(sha, text.p, some);
        text = wst_slice_skip(text, value ? some + 8 : some);
    }
    if (sha) EVP_DigestFinal_ex(sha, digest, &n);
    EVP_MD_CTX_free(sha);
    wst_ink_text(c->ink, "sha256 ");
    for (unsigned i = 0; i < n; i++) wst_ink_format(c->ink, "%02x", digest[i]);
}

/* What was written behind `before` is replaced by its length, its hash and its beginning. */
static void put_hashed(struct wst_canon *c, size_t before)
{
    struct wst_slice text;
    size_t n;

    c->scratch.buf.n = 0;
    wst_ink_bytes(&c->scratch, wst_slice_skip(wst_ink_slice(c->ink), before));
    text = wst_ink_slice(&c->scratch);
    n = text.n < BEGIN ? text.n : BEGIN;
    wst_ink_cut(c->ink, before);
    wst_ink_number(c->ink, text.n);
    wst_ink_text(c->ink, " bytes, ");
    put_sha256(c, text, true);
    wst_ink_text(c->ink, "\n      begins ");
    while (n > 0 && n < text.n && (text.p[n] & 0xc0) == 0x80) n--;
    for (size_t i = n; i-- > 0 && i + WST_CANON_MARK_N > n;) /* not through a placeholder */
        if (text.p[i] == WST_CANON_MARK) n = i;
    wst_ink_bytes(c->ink, wst_slice_head(text, n));
}

/* Nothing is replaced in it: its own length and hash, which sha256sum would say, too. */
static void put_hashed_text(struct wst_canon *c, struct wst_slice text)
{
    size_t n = text.n < BEGIN ? text.n : BEGIN;

    while (n > 0 && n < text.n && (text.p[n] & 0xc0) == 0x80) n--;
    wst_ink_number(c->ink, text.n);
    wst_ink_text(c->ink, " bytes, ");
    put_sha256(c, text, false);
    wst_ink_text(c->ink, "\n      begins ");
    wst_canon_quoted(c, wst_slice_head(text, n));
}

/* -- a payload ------------------------------------------------------------------------------- */

static void put_json(struct wst_canon *c, const struct wst_canon_payload *p, size_t begins)
{
    struct wst_slice prefix = wst_slice_head(p->bytes, begins);
    size_t line, before;

    while (prefix.n && prefix.p[0] <= 0x20) prefix = wst_slice_skip(prefix, 1);
    wst_ink_text(c->ink, "json ");
    line = c->ink->buf.n - BASE - 5;
    wst_canon_bare(c, prefix);
    before = c->ink->buf.n;
    if (c->json.n <= c->settings->max_payload) {
        put_value_at(c, 0, line, BASE);
        return;
    }
    put_flat(c, 0, SIZE_MAX); /* blanks do not count: the canonical form decides */
    if (c->ink->buf.n - before > c->settings->max_payload) {
        put_hashed(c, before);
        return;
    }
    wst_ink_cut(c->ink, before);
    put_value_at(c, 0, line, BASE);
}

static void put_text(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t before;

    wst_ink_text(c->ink, p->op);
    wst_ink_byte(c->ink, ' ');
    before = c->ink->buf.n;
    if (p->bytes.n <= c->settings->max_payload) {
        put_lines(c, p->bytes, BASE + 1 + (unsigned)strlen(p->op));
        return;
    }
    if (c->settings->redact.n == 0) {
        put_hashed_text(c, p->bytes);
        return;
    }
    wst_canon_quoted(c, p->bytes);
    put_hashed(c, before);
}

static void put_dump_line(struct wst_canon *c, struct wst_slice bytes)
{
    static const char hex[] = "0123456789abcdef";
    char line[3 * DUMP + 2 + DUMP + 1], *text = line + 3 * DUMP;

    memset(line, ' ', sizeof line);
    *text++ = '|';
    for (size_t i = 0; i < bytes.n; i++) {
        line[3 * i] = hex[bytes.p[i] >> 4];
        line[3 * i + 1] = hex[bytes.p[i] & 15];
        *text++ = bytes.p[i] >= 0x20 && bytes.p[i] < 0x7f ? (char)bytes.p[i] : '.';
    }
    *text++ = '|';
    wst_ink_text(c->ink, "\n      ");
    wst_ink_bytes(c->ink, wst_slice_of(line, (size_t)(text - line)));
}

static void put_binary(struct wst_canon *c, const struct wst_canon_payload *p)
{
    struct wst_slice rest = p->bytes;
    size_t most = (size_t)(c->settings->max_payload / BINARY_SHARE);

    wst_ink_text(c->ink, p->op);
    if (p->text) wst_ink_text(c->ink, ", not UTF-8");
    wst_ink_byte(c->ink, ' ');
    wst_ink_number(c->ink, rest.n);
    wst_ink_text(c->ink, rest.n == 1 ? " byte" : " bytes");
    if (rest.n > most) {
        wst_ink_text(c->ink, ", ");
        put_sha256(c, rest, false);
        rest = wst_slice_head(rest, most < 2 * DUMP ? most : 2 * DUMP);
    }
    while (rest.n) {
        put_dump_line(c, wst_slice_head(rest, DUMP));
        rest = wst_slice_skip(rest, DUMP);
    }
}

/* Nothing is asked of the JSON but its form. */
static bool may_be_flat(const struct wst_check_settings *s)
{
    return s->redact.n == 0 && s->ignore_n == 0 && s->reply_n == 0 &&
           s->max_payload >= WST_CANON_FLAT;
}

/* "json {…}" on one line, the short way. */
static bool put_flat_object(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t before = c->ink->buf.n;

    if (p->bytes.n == 0 || p->bytes.p[0] != '{' || !may_be_flat(c->settings)) return false;
    wst_ink_text(c->ink, "json ");
    if (wst_canon_flat(c->ink, p->bytes, WIDTH - BASE - 5, BASE)) return true;
    wst_ink_cut(c->ink, before);
    return false;
}

void wst_canon_payload(struct wst_canon *c, const struct wst_canon_payload *p)
{
    size_t begins;

    c->tape.n = 0;
    if (p->text && p->utf8 && p->certain && put_flat_object(c, p)) return;
    if (p->text && p->utf8 && p->certain && read_json(c, p->bytes, &begins))
        put_json(c, p, begins);
    else if (p->utf8)
        put_text(c, p);
    else
        put_binary(c, p);
    if (!p->certain)
        wst_ink_text(c->ink, "\n      bytes are missing from the capture");
    else if (p->bytes.n < p->len) {
        wst_ink_format(c->ink, "\n      of %llu bytes, beyond the limit",
                       (unsigned long long)p->len);
    }
    if (c->scratch.failed || c->values.failed) c->failed = true;
}

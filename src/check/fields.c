/* SPDX-License-Identifier: MIT
 *
 * In: two canonical JSON texts. Out: which fields differ, by path, with both values.
 * Refuses to search large objects and arrays that have little in common: they then count as one
 * field.
 */
#include "compare.h"

#include <stdlib.h>

enum { SEARCH_MAX = 1 << 22 }; /* names or elements compared with each other in one object */

struct side {
    struct wst_slice text;
    struct wst_tape tape;
};

struct fields {
    struct wst_outcome *outcome;
    struct wst_session *session;
    struct side side[2];
    struct wst_ink path, value;
    struct wst_field_list *list;
};

static struct wst_slice bytes_of(const struct fields *f, int side, uint32_t node)
{
    return wst_tape_bytes(f->side[side].text, &f->side[side].tape.nodes[node]);
}
static const struct wst_tape_node *node_of(const struct fields *f, int side, uint32_t node)
{
    return &f->side[side].tape.nodes[node];
}

/* On one line, cut: the canonical form's newlines are behind brackets and commas. */
static const char *shown(struct fields *f, struct wst_slice text)
{
    struct wst_ink *ink = &f->value;
    size_t i = 0;

    ink->buf.n = 0;
    while (i < text.n && ink->buf.n < WST_COMPARE_VALUE) {
        if (text.p[i] != '\n') {
            wst_ink_byte(ink, (char)text.p[i++]);
            continue;
        }
        while (++i < text.n && text.p[i] == ' ') continue;
        if (ink->buf.n && ink->buf.p[ink->buf.n - 1] == ',') wst_ink_byte(ink, ' ');
    }
    while (i < text.n && ink->buf.n && (text.p[i] & 0xc0) == 0x80) { /* not through a character */
        ink->buf.n--;
        i--;
    }
    if (i < text.n) wst_ink_text(ink, "...");
    return wst_outcome_text(f->outcome, wst_ink_slice(ink));
}

/* One field; UINT32_MAX: it is not there on that side. */
static void tell(struct fields *f, uint32_t before, uint32_t after)
{
    struct wst_field_list *l = f->list;
    struct wst_field_change *change = l->n < WST_COMPARE_FIELDS ? &l->list[l->n] : NULL;

    l->count++;
    if (change == NULL) return;
    l->n++;
    change->path = wst_outcome_text(f->outcome, wst_ink_slice(&f->path));
    change->before = before == UINT32_MAX ? NULL : shown(f, bytes_of(f, 0, before));
    change->after = after == UINT32_MAX ? NULL : shown(f, bytes_of(f, 1, after));
}

static bool plain_name(struct wst_slice name)
{
    for (size_t i = 0; i < name.n; i++) {
        uint8_t c = name.p[i], lower = c | 0x20;
        bool letter = (lower >= 'a' && lower <= 'z') || c == '_' || c > 0x7f;
        if (!letter && (i == 0 || !(c >= '0' && c <= '9'))) return false;
    }
    return name.n > 0;
}

/* .name or ['na.me'], as --ignore takes it. */
static void push_name(struct fields *f, struct wst_slice name)
{
    bool plain = plain_name(name);

    wst_ink_text(&f->path, plain ? "." : "['");
    for (size_t i = 0; i < name.n; i++) {
        if (!plain && name.p[i] == '\'') wst_ink_byte(&f->path, '\\');
        wst_ink_byte(&f->path, (char)name.p[i]);
    }
    if (!plain) wst_ink_text(&f->path, "']");
}

static void push_index(struct fields *f, uint32_t index)
{
    wst_ink_byte(&f->path, '[');
    wst_ink_number(&f->path, index);
    wst_ink_byte(&f->path, ']');
}

static void compare(struct fields *f, uint32_t a, uint32_t b);

/* -- objects --------------------------------------------------------------------------------- */

static bool same_name(const struct fields *f, uint32_t a, uint32_t b)
{
    return wst_session_same(f->session, wst_tape_key(f->side[0].text, node_of(f, 0, a)),
                            wst_tape_key(f->side[1].text, node_of(f, 1, b)));
}

/* The member of `parent` on the other side with the name of `member`; looks from *hint on, once
 * around. UINT32_MAX: none. */
static uint32_t find(const struct fields *f, int side, uint32_t member, uint32_t parent,
                     uint32_t *hint)
{
    const struct wst_tape_node *other = node_of(f, !side, parent);
    uint32_t at = *hint;

    for (uint32_t i = 0; i < other->members; i++) {
        if (at >= other->next) at = parent + 1;
        if (side == 0 ? same_name(f, member, at) : same_name(f, at, member)) {
            *hint = node_of(f, !side, at)->next;
            return at;
        }
        at = node_of(f, !side, at)->next;
    }
    return UINT32_MAX;
}

static void compare_objects(struct fields *f, uint32_t a, uint32_t b)
{
    size_t length = f->path.buf.n;
    uint32_t hint = b + 1;

    for (uint32_t i = a + 1; i < node_of(f, 0, a)->next; i = node_of(f, 0, i)->next) {
        uint32_t there = find(f, 0, i, b, &hint);
        push_name(f, wst_tape_key(f->side[0].text, node_of(f, 0, i)));
        if (there == UINT32_MAX)
            tell(f, i, UINT32_MAX);
        else
            compare(f, i, there);
        wst_ink_cut(&f->path, length);
    }
    hint = a + 1;
    for (uint32_t i = b + 1; i < node_of(f, 1, b)->next; i = node_of(f, 1, i)->next) {
        if (find(f, 1, i, a, &hint) != UINT32_MAX) continue;
        push_name(f, wst_tape_key(f->side[1].text, node_of(f, 1, i)));
        tell(f, UINT32_MAX, i);
        wst_ink_cut(&f->path, length);
    }
}

/* -- arrays ---------------------------------------------------------------------------------- */

struct elements {
    const struct fields *f;
    uint32_t *of[2]; /* nodes of the elements of both */
};

static bool same_element(const void *user, uint32_t i, uint32_t j)
{
    const struct elements *e = user;

    return wst_session_same(e->f->session, bytes_of(e->f, 0, e->of[0][i]),
                            bytes_of(e->f, 1, e->of[1][j]));
}

static void list_elements(const struct fields *f, int side, uint32_t parent, uint32_t *list)
{
    for (uint32_t i = parent + 1; i < node_of(f, side, parent)->next; i = node_of(f, side, i)->next)
        *list++ = i;
}

/* Elements that are equal are aligned; of those between them the first is held against the first.
 */
static void tell_elements(struct fields *f, const struct wst_align *align, const struct elements *e)
{
    size_t length = f->path.buf.n;

    for (uint32_t i = 0, j = 0; i < align->n || j < align->m;) {
        uint32_t next = i;
        if (i < align->n && align->to[i] == j) {
            i++;
            j++;
            continue;
        }
        while (next < align->n && align->to[next] == UINT32_MAX) next++;
        bool here = i < next, there = j < (next < align->n ? align->to[next] : align->m);
        push_index(f, here ? i : j);
        if (here && there)
            compare(f, e->of[0][i], e->of[1][j]);
        else
            tell(f, here ? e->of[0][i] : UINT32_MAX, here ? UINT32_MAX : e->of[1][j]);
        wst_ink_cut(&f->path, length);
        i += here;
        j += there;
    }
}

static bool compare_arrays(struct fields *f, uint32_t a, uint32_t b)
{
    uint32_t n = node_of(f, 0, a)->members, m = node_of(f, 1, b)->members;
    uint32_t *room = malloc((2 * (size_t)n + m + 1) * sizeof *room);
    struct elements e = {f, {room, room + n}};
    struct wst_align align = {n, m, same_element, &e, room + n + m};
    bool told = room != NULL;

    if (told) {
        list_elements(f, 0, a, e.of[0]);
        list_elements(f, 1, b, e.of[1]);
        told = wst_align(&align);
    }
    if (told) tell_elements(f, &align, &e);
    free(room);
    return told;
}

/* -- both ------------------------------------------------------------------------------------ */

static void compare(struct fields *f, uint32_t a, uint32_t b)
{
    const struct wst_tape_node *x = node_of(f, 0, a), *y = node_of(f, 1, b);

    if (wst_session_same(f->session, bytes_of(f, 0, a), bytes_of(f, 1, b))) return;
    if (x->kind == y->kind && (uint64_t)x->members * y->members <= SEARCH_MAX) {
        if (x->kind == WST_TAPE_OBJECT) {
            compare_objects(f, a, b);
            return;
        }
        if (x->kind == WST_TAPE_ARRAY && compare_arrays(f, a, b)) return;
    }
    tell(f, a, b);
}

/* "  > json 42{…}\n": the JSON of an item; without p when it has none. */
static struct wst_slice json_of(struct wst_slice item)
{
    size_t at = 4;

    if (!wst_slice_starts(wst_slice_skip(item, at), "json ")) return (struct wst_slice){NULL, 0};
    for (at += 5; at < item.n && item.p[at] != '{' && item.p[at] != '[' && item.p[at] != '\n';)
        at++;
    return wst_slice_skip(item, at);
}

/* With "frames" a line about them follows the JSON; so does what is missing. */
static bool read_side(struct side *side, struct wst_budget *budget, struct wst_slice item)
{
    struct wst_slice json = json_of(item);

    while (json.n) {
        side->text = json;
        if (wst_tape_read(&side->tape, budget, json)) return true;
        do json.n--;
        while (json.n && json.p[json.n - 1] != '\n');
    }
    return false;
}

bool wst_fields(struct wst_outcome *outcome, struct wst_session *session, struct wst_slice before,
                struct wst_slice after, struct wst_field_list *list)
{
    struct fields f = {.outcome = outcome, .session = session, .list = list};
    bool both;

    list->n = 0;
    list->count = 0;
    f.path.budget = f.value.budget = &outcome->budget;
    both = read_side(&f.side[0], &outcome->budget, before) &&
           read_side(&f.side[1], &outcome->budget, after);
    if (both) {
        wst_ink_byte(&f.path, '$');
        compare(&f, 0, 0);
    }
    for (int i = 0; i < 2; i++) wst_tape_free(&f.side[i].tape, &outcome->budget);
    wst_ink_free(&f.path);
    wst_ink_free(&f.value);
    return both && list->count;
}

/* SPDX-License-Identifier: MIT
 *
 * In: connections in the order in which the capture has them. Out: an order that another recording
 * of the same conversation has, too. Refuses to let time decide.
 *
 * Each side's items keep their order. Between the sides a capture proves little: that a message
 * came before another at this place on the wire may be cause or chance. What is certain is what
 * answers what (causes.c), so only that is kept, and the rest is laid in one fixed way:
 *
 *     1. the client's items, each followed by the server's up to what answers it;
 *     2. what the server says otherwise;
 *     3. the closes, the first one first; what a side says after its close behind it.
 *
 *     seen    > a   < tick   > b {"id":1}   < tick   < {"id":1}   > c      (or any other mixture)
 *     laid    > a   > b {"id":1}   < tick   < tick   < {"id":1}   > c
 *
 * A pong stands behind its ping: it is sent between whatever its side was saying. Connections are
 * ordered by their texts, which begin with the URI.
 */
#include "session.h"

#include <stdlib.h>

/* -- within a connection --------------------------------------------------------------------- */

struct side {
    uint32_t *items; /* indexes, without floating ones */
    uint32_t n;
    uint32_t *needs; /* how many of the other side's items come before it; grows along the side */
    uint32_t *own;   /* the same, of this item alone; 0: none */
    uint32_t close;  /* where the first close stands; n: none */
    uint32_t at;
};

/* What most need to know of an item: a connection's lie in a row, while the items themselves lie
 * where they came, far apart. */
struct seen {
    uint32_t item; /* of the session */
    int8_t dir;
    uint8_t kind;
    bool answers;
};

struct layout { /* items are named by which of the connection they were */
    struct wst_connection *c;
    const struct wst_item *items; /* the session's */
    const struct seen *seen;      /* the connection's, in the capture's order */
    struct side side[2];
    uint32_t *place;   /* of an item in its side */
    uint32_t *pong_of; /* item + 1 that floats behind an item */
    uint32_t n;        /* laid */
};

static const struct wst_item *item_of(const struct layout *l, uint32_t i)
{
    return &l->items[l->seen[i].item];
}

static void emit(struct layout *l, uint32_t item)
{
    l->c->order[l->n++] = l->seen[item].item;
    if (l->pong_of[item]) l->c->order[l->n++] = l->seen[l->pong_of[item] - 1].item;
}

static void sort_out(struct layout *l)
{
    for (uint32_t i = 0; i < l->c->n; i++) {
        const struct wst_item *item = item_of(l, i);
        struct side *s = &l->side[item->dir == WST_S2C];
        if (item->dir == WST_DIR_NONE) {
            emit(l, i);
        } else if (item->floats) {
            l->pong_of[item->answers - 1] = i + 1;
        } else {
            l->place[i] = s->n;
            if (item->kind == WST_ITEM_CLOSE && s->close == UINT32_MAX) s->close = s->n;
            s->items[s->n++] = i;
        }
    }
    for (int dir = 0; dir < 2; dir++)
        if (l->side[dir].close == UINT32_MAX) l->side[dir].close = l->side[dir].n;
}

static void find_needs(struct layout *l, int dir)
{
    struct side *s = &l->side[dir];
    uint32_t most = 0;

    for (uint32_t i = 0; i < s->n; i++) {
        const struct wst_item *item = item_of(l, s->items[i]);
        uint32_t need = item->answers ? l->place[item->answers - 1] + 1 : 0;
        if (need > l->side[!dir].close) need = l->side[!dir].close;
        s->own[i] = need;
        if (need > most) most = need;
        s->needs[i] = most;
    }
}

/* Whether at or behind the server's next item stands a reply to something already laid. */
static bool reply_waits(const struct layout *l, uint32_t *next)
{
    const struct side *s = &l->side[WST_S2C];

    if (*next < s->at) *next = s->at;
    while (*next < s->close && s->own[*next] == 0) ++*next;
    return *next < s->close && s->needs[*next] <= l->side[WST_C2S].at;
}

static bool may(const struct layout *l, int dir)
{
    const struct side *s = &l->side[dir];

    return s->at < s->close && s->needs[s->at] <= l->side[!dir].at;
}

static void step(struct layout *l, int dir)
{
    struct side *s = &l->side[dir];

    emit(l, s->items[s->at++]);
}

static void merge(struct layout *l)
{
    struct side *client = &l->side[WST_C2S], *server = &l->side[WST_S2C];
    uint32_t reply = 0;
    int first;

    while (client->at < client->close || server->at < server->close) {
        if (may(l, WST_S2C) && reply_waits(l, &reply))
            step(l, WST_S2C);
        else if (may(l, WST_C2S))
            step(l, WST_C2S);
        else
            step(l, server->at < server->close ? WST_S2C : WST_C2S);
    }
    first = server->at < server->n &&
            (client->at == client->n || server->items[server->at] < client->items[client->at]);
    while (l->side[first].at < l->side[first].n) step(l, first);
    while (l->side[!first].at < l->side[!first].n) step(l, !first);
}

static bool has_answers(const struct layout *l)
{
    for (uint32_t i = 0; i < l->c->n; i++)
        if (l->seen[i].answers) return true;
    return false;
}

/* What merge() comes to when nothing answers anything: one side, the other, the closes. */
static void lay_sides(struct layout *l)
{
    static const int8_t dirs[] = {WST_DIR_NONE, WST_C2S, WST_S2C};
    uint32_t n = l->c->n, close[3] = {n, n, n}, *order = l->c->order;
    const struct seen *seen = l->seen;

    for (uint32_t i = n; i-- > 0;)
        for (int k = 1; k < 3; k++)
            if (seen[i].dir == dirs[k] && seen[i].kind == WST_ITEM_CLOSE) close[k] = i;
    for (int k = 0; k < 3; k++)
        for (uint32_t i = 0; i < close[k]; i++)
            if (seen[i].dir == dirs[k]) *order++ = seen[i].item;
    for (int turn = 0; turn < 2; turn++) {
        int k = (close[1] < close[2]) == (turn == 0) ? 1 : 2;
        for (uint32_t i = close[k]; i < n; i++)
            if (seen[i].dir == dirs[k]) *order++ = seen[i].item;
    }
}

/* False: no memory. */
static bool lay_answers(struct layout *l)
{
    size_t n = l->c->n;
    uint32_t *room = calloc(8 * n + 1, sizeof *room);

    if (room == NULL) return false;
    l->place = room;
    l->pong_of = room + n;
    for (int dir = 0; dir < 2; dir++)
        l->side[dir] = (struct side){.items = room + (2 + 3 * (size_t)dir) * n,
                                     .needs = room + (3 + 3 * (size_t)dir) * n,
                                     .own = room + (4 + 3 * (size_t)dir) * n,
                                     .close = UINT32_MAX};
    sort_out(l);
    find_needs(l, WST_C2S);
    find_needs(l, WST_S2C);
    merge(l);
    free(room);
    return true;
}

/* False: no memory. */
static bool lay_connection(const struct wst_session *s, struct wst_connection *c,
                           const struct seen *seen)
{
    struct layout l = {.c = c, .items = s->items, .seen = seen};

    if (s->settings->strict_order) {
        for (uint32_t i = 0; i < c->n; i++) c->order[i] = seen[i].item;
        return true;
    }
    if (has_answers(&l)) return lay_answers(&l);
    lay_sides(&l);
    return true;
}

/* Each connection's items, in the capture's order. `at`: where its next one goes. */
static void gather(const struct wst_session *s, struct seen *seen, uint32_t *at)
{
    for (uint32_t i = 0; i < s->n; i++) at[i + 1] = at[i] + s->connections[i]->n;
    for (uint32_t i = 0; i < s->items_n; i++) {
        const struct wst_item *item = &s->items[i];
        seen[at[item->connection]++] = (struct seen){i, item->dir, item->kind, item->answers != 0};
    }
}

static bool lay_connections(struct wst_session *s)
{
    struct seen *seen = malloc((s->items_n + (size_t)1) * sizeof *seen);
    uint32_t *at = calloc(s->n + (size_t)1, sizeof *at), from = 0;
    size_t scratch = s->items_n * sizeof *seen;
    bool paid = wst_budget_take(&s->budget, s->items_n * sizeof *s->order + scratch);
    bool good = seen && at && paid;

    if (good) s->order = malloc((s->items_n + (size_t)1) * sizeof *s->order);
    good = good && s->order;
    if (good) gather(s, seen, at);
    for (uint32_t i = 0; i < s->n && good; i++) {
        struct wst_connection *c = s->connections[i];
        c->items = s->items;
        c->order = s->order + from;
        good = lay_connection(s, c, seen + from);
        from += c->n;
    }
    free(seen);
    free(at);
    if (paid) wst_budget_give(&s->budget, scratch);
    return good;
}

/* -- among connections ----------------------------------------------------------------------- */

/* Placeholders of one rule are equal: their numbers are not known yet, and chance. */
static int compare_texts(struct wst_slice a, struct wst_slice b, bool values)
{
    size_t n = a.n < b.n ? a.n : b.n;

    for (size_t i = 0; values && i < n; i++) {
        if (a.p[i] != b.p[i]) return a.p[i] < b.p[i] ? -1 : 1;
        if (a.p[i] != WST_CANON_MARK || i + WST_CANON_MARK_N > n) continue;
        if (memcmp(a.p + i, b.p + i, 3) != 0) return memcmp(a.p + i, b.p + i, 3);
        i += WST_CANON_MARK_N - 1;
    }
    if (!values && memcmp(a.p, b.p, n) != 0) return memcmp(a.p, b.p, n);
    return a.n == b.n ? 0 : a.n < b.n ? -1 : 1;
}

static int compare_connections(const void *p, const void *q)
{
    const struct wst_connection *a = *(struct wst_connection *const *)p;
    const struct wst_connection *b = *(struct wst_connection *const *)q;

    for (uint32_t i = 0; i < a->n && i < b->n; i++) {
        const struct wst_item *x = wst_connection_item(a, i), *y = wst_connection_item(b, i);
        int order = compare_texts(wst_item_text(x), wst_item_text(y), x->redacted || y->redacted);
        if (order) return order;
    }
    if (a->n != b->n) return a->n < b->n ? -1 : 1;
    return a->conn < b->conn ? -1 : a->conn > b->conn;
}

/* -- the numbers of redacted values ------------------------------------------------------------ */

struct numbers {
    struct wst_session *s;
    uint32_t *final;                 /* by number as met; 0: not told yet */
    uint32_t used[WST_REDACT_RULES]; /* of each rule */
};

static uint32_t hex(const uint8_t *p, int n)
{
    uint32_t v = 0;

    while (n--) {
        v = v << 4 | (uint32_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
        p++;
    }
    return v;
}

static void put_number(struct numbers *numbers, struct wst_ink *ink, const uint8_t *mark)
{
    uint32_t rule = hex(mark + 1, 2), number = hex(mark + 3, 8);

    if (numbers->final[number] == 0) numbers->final[number] = ++numbers->used[rule];
    wst_ink_byte(ink, '<');
    wst_ink_text(ink, numbers->s->settings->redact.rules[rule].name);
    wst_ink_byte(ink, '-');
    wst_ink_number(ink, numbers->final[number]);
    wst_ink_byte(ink, '>');
}

/* The item's text once more, with names for its placeholders. */
static void name_values(struct numbers *numbers, struct wst_item *item)
{
    struct wst_ink *ink = &numbers->s->ink;
    struct wst_slice text = wst_item_text(item);

    ink->buf.n = 0;
    while (text.n) {
        const uint8_t *mark = memchr(text.p, WST_CANON_MARK, text.n);
        size_t n = mark ? (size_t)(mark - text.p) : text.n;
        wst_ink_bytes(ink, wst_slice_head(text, n));
        if (mark) put_number(numbers, ink, mark);
        text = wst_slice_skip(text, mark ? n + WST_CANON_MARK_N : n);
    }
    item->text = wst_arena_bytes(&numbers->s->pages, wst_ink_slice(ink));
    item->n = (uint32_t)ink->buf.n;
    if (ink->failed || ink->buf.n > UINT32_MAX || item->text == NULL) numbers->s->failed = true;
}

static void number_values(struct wst_session *s)
{
    struct numbers numbers = {.s = s};

    if (s->settings->redact.n == 0) return;
    numbers.final = calloc((size_t)s->canon.values.n + 1, sizeof *numbers.final);
    if (numbers.final == NULL) s->failed = true;
    for (uint32_t i = 0; i < s->n && !s->failed; i++) {
        struct wst_connection *c = s->connections[i];
        for (uint32_t k = 0; k < c->n && !s->failed; k++) {
            struct wst_item *item = wst_connection_item(c, k);
            if (item->redacted) name_values(&numbers, item);
        }
    }
    free(numbers.final);
}

void wst_layout(struct wst_session *s)
{
    if (!lay_connections(s)) s->failed = true;
    if (s->failed) return;
    if (s->n) qsort(s->connections, s->n, sizeof *s->connections, compare_connections);
    number_values(s);
}

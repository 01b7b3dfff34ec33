/* SPDX-License-Identifier: MIT
 *
 * In: what record.c or golden.c read. Out: a session that grows by connections and items.
 * Refuses to grow past its budget: the session has then failed, and says so when it is sealed.
 */
#include "session.h"

#include "array.h"
#include "hash.h"
#include "recording.h"

#include <stdlib.h>

struct wst_session *wst_session_new(const struct wst_check_settings *settings, size_t memory)
{
    struct wst_session *s = calloc(1, sizeof *s);

    if (s == NULL) return NULL;
    s->budget.max = memory;
    s->settings = settings;
    s->ink.budget = s->pages.budget = &s->budget;
    wst_canon_init(&s->canon, settings, &s->budget);
    s->canon.ink = &s->ink;
    return s;
}

void wst_session_free(struct wst_session *s)
{
    if (s == NULL) return;
    for (uint32_t i = 0; i < s->n; i++) {
        wst_recording_free(s->connections[i], &s->budget);
        free(s->connections[i]);
    }
    free(s->connections);
    free(s->items);
    free(s->order);
    wst_ink_free(&s->ink);
    wst_arena_free(&s->pages);
    wst_canon_free(&s->canon);
    wst_buf_free(&s->text, &s->budget);
    wst_buf_free(&s->beginning, &s->budget);
    wst_check_settings_free(s->own);
    free(s);
}

/* Makes room for one more of `size` bytes in an array of `n`. */
static void *grown(struct wst_session *s, void *array, uint32_t n, uint32_t *room, size_t size)
{
    return n < *room ? array : wst_array_double_paid(&s->budget, array, room, size, 8);
}

struct wst_connection *wst_session_add_connection(struct wst_session *s)
{
    struct wst_connection **list = grown(s, s->connections, s->n, &s->room, sizeof *s->connections);
    struct wst_connection *c = NULL;

    if (list) {
        s->connections = list;
        if (wst_budget_take(&s->budget, sizeof *c)) c = calloc(1, sizeof *c);
    }
    if (c == NULL) {
        s->failed = true;
        return NULL;
    }
    s->connections[s->n++] = c;
    return c;
}

struct wst_item *wst_session_add_item(struct wst_session *s, uint32_t connection,
                                      enum wst_item_kind kind)
{
    struct wst_item *items = grown(s, s->items, s->items_n, &s->items_room, sizeof *items);

    if (items == NULL) {
        s->failed = true;
        return NULL;
    }
    s->items = items;
    s->counts[kind]++;
    s->connections[connection]->n++;
    items[s->items_n] =
        (struct wst_item){.kind = (uint8_t)kind, .dir = WST_DIR_NONE, .connection = connection};
    return &items[s->items_n++];
}

const struct wst_check_settings *wst_session_settings(const struct wst_session *s)
{
    return s->settings;
}

const char *wst_session_seal(struct wst_session *s)
{
    static const char much[] = "the conversation needs more memory than it may have";

    if (!s->sealed && !s->failed && !s->canon.failed) wst_layout(s);
    s->sealed = true;
    for (uint32_t i = 0; i < s->n; i++) wst_recording_free(s->connections[i], &s->budget);
    return s->failed || s->canon.failed ? much : NULL;
}

struct wst_session_facts wst_session_facts(const struct wst_session *s)
{
    return (struct wst_session_facts){.connections = s->n,
                                      .conn = s->settings->conn,
                                      .known = s->known,
                                      .items = s->items_n - s->counts[WST_ITEM_HEAD],
                                      .messages = s->counts[WST_ITEM_MESSAGE],
                                      .gaps = s->gaps,
                                      .late = s->late,
                                      .unread = s->unread,
                                      .quic = s->quic,
                                      .cut = s->canon.values.cut};
}

/* -- keys ------------------------------------------------------------------------------------ */

/* <NAME-12>, as layout.c writes it. */
size_t wst_session_value(const struct wst_session *s, struct wst_slice text, uint32_t *rule,
                         uint32_t *number)
{
    if (text.n < 4 || text.p[0] != '<') return 0;
    for (uint32_t i = 0; i < s->settings->redact.n; i++) {
        const char *name = s->settings->redact.rules[i].name;
        size_t n = strlen(name), at = 1 + n + 1;
        uint64_t value = 0;
        if (n == 0 || text.n <= at || memcmp(text.p + 1, name, n) != 0 || text.p[1 + n] != '-')
            continue;
        while (at < text.n && text.p[at] >= '0' && text.p[at] <= '9' && value < UINT32_MAX)
            value = value * 10 + (text.p[at++] - '0');
        if (at == 1 + n + 1 || at == text.n || text.p[at] != '>') continue;
        *rule = i;
        *number = (uint32_t)value;
        return at + 1;
    }
    return 0;
}

/* The text's hash, a value in it counting by its rule alone. */
static uint64_t key_of(struct wst_session *s, struct wst_slice text, bool *values)
{
    struct wst_ink *ink = &s->canon.scratch;
    uint32_t rule, number;

    *values = false;
    if (s->settings->redact.n == 0 || memchr(text.p, '<', text.n) == NULL)
        return wst_hash_bytes(0, text);
    ink->buf.n = 0;
    while (text.n) {
        const uint8_t *open = memchr(text.p, '<', text.n);
        size_t n = open ? (size_t)(open - text.p) : text.n, value;
        wst_ink_bytes(ink, wst_slice_head(text, n));
        text = wst_slice_skip(text, n);
        if (text.n == 0) break;
        value = wst_session_value(s, text, &rule, &number);
        if (value) {
            wst_ink_byte(ink, WST_CANON_MARK);
            wst_ink_byte(ink, (char)rule);
            *values = true;
        } else {
            wst_ink_byte(ink, '<');
        }
        text = wst_slice_skip(text, value ? value : 1);
    }
    if (ink->failed) s->failed = true;
    return wst_hash_bytes(0, wst_ink_slice(ink));
}

void wst_session_keys(struct wst_session *s)
{
    for (uint32_t i = 0; i < s->n; i++) {
        struct wst_connection *c = s->connections[i];
        c->whole = 0;
        for (uint32_t k = 0; k < c->n; k++) {
            struct wst_item *item = wst_connection_item(c, k);
            item->key = key_of(s, wst_item_text(item), &item->redacted);
            c->whole = wst_hash_bytes(c->whole, wst_slice_of(&item->key, sizeof item->key));
        }
        c->key = c->n ? wst_connection_item(c, 0)->key : 0;
    }
}

bool wst_session_same(const struct wst_session *s, struct wst_slice p, struct wst_slice q)
{
    uint32_t rules[2], number;

    while (p.n && q.n) {
        size_t n = p.p[0] == '<' ? wst_session_value(s, p, &rules[0], &number) : 0;
        size_t m = q.p[0] == '<' ? wst_session_value(s, q, &rules[1], &number) : 0;
        if ((n > 0) != (m > 0) || (n ? rules[0] != rules[1] : p.p[0] != q.p[0])) return false;
        p = wst_slice_skip(p, n ? n : 1);
        q = wst_slice_skip(q, m ? m : 1);
    }
    return p.n == 0 && q.n == 0;
}

bool wst_item_same(const struct wst_session *s, const struct wst_item *x, const struct wst_item *y)
{
    struct wst_slice p = wst_item_text(x), q = wst_item_text(y);

    if (x->key != y->key) return false;
    if (x->redacted || y->redacted) return wst_session_same(s, p, q);
    return wst_slice_same(p, q);
}

/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: the members and items of its JSON, as they were sent.
 * Refuses what is not JSON in UTF-8 as a whole.
 */
#include "json.h"

#include "utf8.h"

const struct wst_tape_node *wst_json_text_read(struct wst_json_text *j, struct wst_budget *budget,
                                               struct wst_slice text)
{
    j->text = text;
    if (!text.p || !wst_utf8_valid(text)) return NULL;
    return wst_tape_read(&j->tape, budget, text) ? j->tape.nodes : NULL;
}

const struct wst_tape_node *wst_json_text_get(const struct wst_json_text *j,
                                              const struct wst_tape_node *object, const char *name)
{
    const struct wst_tape_node *found = NULL;
    if (!wst_json_text_kind(object, WST_TAPE_OBJECT)) return NULL;
    const struct wst_tape_node *n = object + 1;
    for (uint32_t i = 0; i < object->members; i++, n = j->tape.nodes + n->next)
        if (wst_slice_is(wst_tape_key(j->text, n), name)) found = n;
    return found;
}

const struct wst_tape_node *wst_json_text_at(const struct wst_json_text *j,
                                             const struct wst_tape_node *array, uint32_t i)
{
    if (!wst_json_text_kind(array, WST_TAPE_ARRAY) || i >= array->members) return NULL;
    const struct wst_tape_node *n = array + 1;
    while (i-- > 0) n = j->tape.nodes + n->next;
    return n;
}

struct wst_slice wst_json_text_raw(const struct wst_json_text *j, const struct wst_tape_node *node)
{
    return node ? wst_tape_bytes(j->text, node) : (struct wst_slice){NULL, 0};
}

struct wst_slice wst_json_text_inside(const struct wst_json_text *j,
                                      const struct wst_tape_node *node)
{
    if (!wst_json_text_kind(node, WST_TAPE_STRING)) return (struct wst_slice){NULL, 0};
    struct wst_slice s = wst_tape_bytes(j->text, node);
    return (struct wst_slice){s.p + 1, s.n - 2};
}

bool wst_json_text_is(const struct wst_json_text *j, const struct wst_tape_node *node,
                      const char *text)
{
    struct wst_slice s = wst_json_text_inside(j, node);
    return s.p && wst_slice_is(s, text);
}

bool wst_json_text_is_null(const struct wst_json_text *j, const struct wst_tape_node *node)
{
    return wst_json_text_kind(node, WST_TAPE_WORD) && j->text.p[node->from] == 'n';
}

int32_t wst_json_text_number(const struct wst_json_text *j, const struct wst_tape_node *node)
{
    if (!wst_json_text_kind(node, WST_TAPE_NUMBER)) return -1;
    return (int32_t)wst_slice_decimal(wst_tape_bytes(j->text, node), 9);
}

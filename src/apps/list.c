/* SPDX-License-Identifier: MIT
 *
 * In: texts and numbers, one by one. Out: a field that is a JSON array of them.
 * Refuses a list that there is no room for: then there is no such field.
 */
#include "list.h"

#include "digits.h"
#include "escape.h"
#include "utf8.h"

enum { PIECE = 512 }; /* bytes at a time: escaped they need six times as much */

static bool room(struct wst_list *list, size_t n)
{
    if (list->at && (size_t)(list->end - list->at) < n) list->at = NULL;
    return list->at;
}

static void put(struct wst_list *list, const char *text)
{
    size_t n = strlen(text);
    if (!room(list, n)) return;
    memcpy(list->at, text, n);
    list->at += n;
}

static void put_next(struct wst_list *list)
{
    if (list->begun) put(list, ",");
    list->begun = true;
}

static void put_text(struct wst_list *list, struct wst_slice text)
{
    put(list, "\"");
    while (text.n > 0) {
        struct wst_slice piece = wst_slice_head(text, wst_utf8_cut(text, PIECE));
        if (!room(list, WST_ESCAPE_JSON_ROOM(piece.n))) return;
        list->at = wst_escape_json_at(list->at, piece);
        text = wst_slice_skip(text, piece.n);
    }
    put(list, "\"");
}

struct wst_list wst_list_new(struct wst_say *say)
{
    struct wst_list list = {.say = say};
    if (!say->packet) return list;
    list.at = say->scratch + say->scratch_n;
    list.end = say->scratch + WST_SAY_SCRATCH;
    put(&list, "[");
    return list;
}

void wst_list_text(struct wst_list *list, struct wst_slice text)
{
    put_next(list);
    put_text(list, text);
}

void wst_list_number(struct wst_list *list, uint64_t number)
{
    put_next(list);
    if (room(list, WST_DIGITS_MAX)) list->at = wst_digits(list->at, number);
}

void wst_list_pair(struct wst_list *list, struct wst_slice name, struct wst_slice value)
{
    put_next(list);
    put(list, "[");
    put_text(list, name);
    put(list, ",");
    put_text(list, value);
    put(list, "]");
}

void wst_list_say(struct wst_list *list, const char *name)
{
    struct wst_say *say = list->say;
    put(list, "]");
    if (!list->at && say->packet) wst_say_without(say);
    if (!list->at) return;
    uint8_t *from = say->scratch + say->scratch_n;
    size_t n = (size_t)(list->at - from);
    say->scratch_n += n;
    wst_say_json(say, name, wst_slice_of(from, n));
}

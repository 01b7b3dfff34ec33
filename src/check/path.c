/* SPDX-License-Identifier: MIT
 *
 * In: a JSONPath. Out: its steps; the nodes of a text that they lead to.
 * Refuses what is outside the subset that path.h states.
 */
#include "path.h"

#include "ink.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct wst_path *path;
    const char *at;
    char *names; /* where the next decoded name goes */
    unsigned deep;
};

static bool name_first(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool name_char(char c)
{
    return name_first(c) || (c >= '0' && c <= '9') || c == '-';
}

/* .name: RFC 9535's member-name-shorthand, and a dash in it, which people write. */
static const char *bare_name(struct reader *r, struct wst_path_step *step)
{
    const char *from = r->at;

    if (!name_first(*r->at)) return "a name, * or [ was expected";
    while (name_char(*r->at)) r->at++;
    step->kind = WST_PATH_NAME;
    step->name = wst_slice_of(from, (size_t)(r->at - from));
    return NULL;
}

static const char *quoted_name(struct reader *r, struct wst_path_step *step)
{
    char quote = *r->at++;
    char *to = r->names;

    while (*r->at && *r->at != quote) {
        if (*r->at == '\\') {
            if (r->at[1] != quote && r->at[1] != '\\')
                return "only \\\\ and the quote are escaped here";
            r->at++;
        }
        *to++ = *r->at++;
    }
    if (*r->at != quote) return "the name has no closing quote";
    r->at++;
    step->kind = WST_PATH_NAME;
    step->name = wst_slice_of(r->names, (size_t)(to - r->names));
    r->names = to;
    return NULL;
}

static const char *index_number(struct reader *r, struct wst_path_step *step)
{
    const char *from = r->at;
    char *end;

    if (*r->at == '-') r->at++;
    if (*r->at < '0' || *r->at > '9') {
        if (*r->at == '?') return "filters are not read here";
        if (*r->at == ':') return "slices are not read here";
        return "a quoted name, a number or * was expected";
    }
    step->kind = WST_PATH_INDEX;
    step->index = strtoll(from, &end, 10);
    r->at = end;
    if (*r->at == ':') return "slices are not read here";
    if (step->index > UINT32_MAX || step->index < -(int64_t)UINT32_MAX) return "no such index";
    return NULL;
}

static const char *bracket(struct reader *r, struct wst_path_step *step)
{
    const char *wrong = NULL;

    r->at++;
    if (*r->at == '*') {
        step->kind = WST_PATH_ALL;
        r->at++;
    } else if (*r->at == '\'' || *r->at == '"') {
        wrong = quoted_name(r, step);
    } else {
        wrong = index_number(r, step);
    }
    if (wrong) return wrong;
    if (*r->at == ',') return "unions are not read here; write two paths";
    if (*r->at != ']') return "] was expected";
    r->at++;
    return NULL;
}

static const char *step(struct reader *r)
{
    struct wst_path_step *s;

    if (r->path->n == WST_PATH_STEPS) return "more than 32 steps";
    s = &r->path->steps[r->path->n++];
    if (*r->at == '[') return bracket(r, s);
    if (*r->at != '.') return ". or [ was expected";
    r->at++;
    if (*r->at == '.') {
        /* Each .. may begin anew at every depth: two cost depth x nodes, more would cost powers. */
        if (++r->deep > 2) return "more than two .. in one path";
        s->deep = true;
        r->at++;
        if (*r->at == '[') return bracket(r, s);
    }
    if (*r->at == '*') {
        s->kind = WST_PATH_ALL;
        r->at++;
        return NULL;
    }
    return bare_name(r, s);
}

const char *wst_path_read(struct wst_path *path, struct wst_slice text, size_t *at)
{
    struct reader r = {.path = path};
    const char *wrong = NULL;

    *at = 0;
    *path = (struct wst_path){0};
    path->text = malloc(text.n + 1);
    path->names = malloc(text.n + 1);
    if (path->text == NULL || path->names == NULL) {
        wst_path_free(path);
        return "out of memory";
    }
    memcpy(path->text, text.p, text.n);
    path->text[text.n] = '\0';
    r.at = path->text;
    r.names = path->names;
    if (*r.at != '$')
        wrong = "a path begins with $";
    else
        r.at++;
    while (wrong == NULL && *r.at) wrong = step(&r);
    if (wrong == NULL && (size_t)(r.at - path->text) != text.n) wrong = "a zero byte";
    if (wrong) {
        *at = (size_t)(r.at - path->text);
        wst_path_free(path);
    }
    return wrong;
}

void wst_path_free(struct wst_path *path)
{
    free(path->text);
    free(path->names);
    *path = (struct wst_path){0};
}

/* -- walking --------------------------------------------------------------------------------- */

struct walk {
    const struct wst_path *path;
    struct wst_slice text;
    struct wst_tape *tape;
    void (*found)(void *user, struct wst_tape_node *node);
    void *user;
};

/* Whether the key, written with escapes, is this name. */
static bool means(struct wst_slice key, struct wst_slice name)
{
    struct wst_slice plain = name;

    return memchr(plain.p, '\\', plain.n) == NULL && wst_ink_compare(key, plain) == 0;
}

static bool fits(const struct walk *w, const struct wst_path_step *s,
                 const struct wst_tape_node *parent, const struct wst_tape_node *node,
                 uint32_t position)
{
    struct wst_slice key = wst_tape_key(w->text, node);
    int64_t index = s->index < 0 ? s->index + parent->members : s->index;

    if (s->kind == WST_PATH_ALL) return true;
    if (s->kind == WST_PATH_INDEX) return parent->kind == WST_TAPE_ARRAY && index == position;
    if (parent->kind != WST_TAPE_OBJECT) return false;
    if (wst_slice_same(key, s->name)) return true;
    return key.n > s->name.n && memchr(key.p, '\\', key.n) && means(key, s->name);
}

/* Recursion goes as deep as the text nests or the path is long: both are capped. */
static void walk(const struct walk *w, uint32_t at, uint32_t step)
{
    struct wst_tape_node *parent = &w->tape->nodes[at];
    const struct wst_path_step *s;
    uint32_t position = 0;

    if (step == w->path->n) {
        w->found(w->user, parent);
        return;
    }
    s = &w->path->steps[step];
    if (parent->kind != WST_TAPE_OBJECT && parent->kind != WST_TAPE_ARRAY) return;
    for (uint32_t i = at + 1; i < parent->next; i = w->tape->nodes[i].next, position++) {
        if (fits(w, s, parent, &w->tape->nodes[i], position)) walk(w, i, step + 1);
        if (s->deep) walk(w, i, step);
    }
}

void wst_path_select(const struct wst_path *path, struct wst_slice text, struct wst_tape *tape,
                     void (*found)(void *user, struct wst_tape_node *node), void *user)
{
    struct walk w = {path, text, tape, found, user};

    if (tape->n) walk(&w, 0, 0);
}

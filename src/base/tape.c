/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: its JSON values as nodes. Refuses what is not JSON (RFC 8259), too deep, too
 * many.
 */
#include "tape.h"

#include "array.h"
#include "printable.h"

#include <stdlib.h>
#include <string.h>

struct reader {
    struct wst_tape *tape;
    struct wst_budget *budget;
    const uint8_t *text, *at, *end;
    uint32_t parents[WST_TAPE_DEPTH]; /* open objects and arrays */
    uint32_t depth;
    uint32_t key, key_n; /* of the value to come */
    bool key_plain;
};

static bool grow(struct wst_tape *tape, struct wst_budget *budget)
{
    void *nodes = NULL;

    if (tape->room <= WST_TAPE_NODES / 2)
        nodes = wst_array_double_paid(budget, tape->nodes, &tape->room, sizeof *tape->nodes, 64);
    if (nodes) tape->nodes = nodes;
    tape->full = nodes == NULL;
    return nodes;
}

static struct wst_tape_node *add(struct reader *r, enum wst_tape_kind kind)
{
    struct wst_tape *tape = r->tape;
    struct wst_tape_node *node;

    if (tape->n == tape->room && !grow(tape, r->budget)) return NULL;
    node = &tape->nodes[tape->n++];
    *node = (struct wst_tape_node){.from = (uint32_t)(r->at - r->text),
                                   .key = r->key,
                                   .key_n = r->key_n,
                                   .next = tape->n,
                                   .kind = (uint8_t)kind,
                                   .key_plain = r->key_plain};
    r->key = r->key_n = 0;
    if (r->depth) tape->nodes[r->parents[r->depth - 1]].members++;
    return node;
}

static void blanks(struct reader *r)
{
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\r' || *r->at == '\t'))
        r->at++;
}

static bool hex(uint8_t c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'f');
}

/* At the backslash; leaves r->at behind the escape. */
static bool escape(struct reader *r, bool *canonical)
{
    uint8_t c = r->end - r->at > 1 ? r->at[1] : '\0';

    if (c == '\0' || strchr("\"\\/bfnrtu", c) == NULL) return false;
    if (c == '/' || c == 'u') *canonical = false;
    r->at += 2;
    if (c != 'u') return true;
    if (r->end - r->at < 4) return false;
    for (int i = 0; i < 4; i++)
        if (!hex(*r->at++)) return false;
    return true;
}

struct string {     /* how it is written */
    bool plain;     /* it means its own bytes, and none of them needs a look */
    bool canonical; /* it would be written the same again */
};

/* RFC 8259 section 7. At the opening quote; leaves r->at behind the closing one. */
static bool string(struct reader *r, struct string *how)
{
    *how = (struct string){true, true};
    for (r->at++; r->at < r->end;) {
        r->at += wst_printable_text(r->at, r->end);
        if (r->at == r->end || *r->at < 0x20) return false;
        if (*r->at == '"') {
            r->at++;
            return true;
        }
        how->plain = false;
        if (*r->at == '\\') {
            if (!escape(r, &how->canonical)) return false;
            continue;
        }
        how->canonical = false; /* it is hidden; the bytes of a character come together */
        for (r->at++; r->at < r->end && *r->at >= 0x80;) r->at++;
    }
    return false;
}

/* Section 6: a decimal, and ([eE] [+-]? [0-9]+)? */
static bool number(struct reader *r)
{
    if (!wst_printable_decimal(&r->at, r->end)) return false;
    if (r->at == r->end || (*r->at | 0x20) != 'e') return true;
    r->at++;
    if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
    return wst_printable_digits(&r->at, r->end);
}

static bool word(struct reader *r, const char *text)
{
    size_t n = strlen(text);

    if ((size_t)(r->end - r->at) < n || memcmp(r->at, text, n) != 0) return false;
    r->at += n;
    return true;
}

static bool scalar(struct reader *r)
{
    uint8_t c = *r->at;
    enum wst_tape_kind kind = c == '"'                             ? WST_TAPE_STRING
                              : c == '-' || (c >= '0' && c <= '9') ? WST_TAPE_NUMBER
                                                                   : WST_TAPE_WORD;
    uint32_t index = r->tape->n;
    struct string how = {false, false};

    if (!add(r, kind)) return false;
    if (!(kind == WST_TAPE_STRING   ? string(r, &how)
          : kind == WST_TAPE_NUMBER ? number(r)
                                    : word(r, "true") || word(r, "false") || word(r, "null")))
        return false;
    r->tape->nodes[index].to = (uint32_t)(r->at - r->text);
    r->tape->nodes[index].canonical = how.canonical;
    return true;
}

static bool name(struct reader *r)
{
    struct string how;
    uint32_t from;

    blanks(r);
    if (r->at == r->end || *r->at != '"') return false;
    from = (uint32_t)(r->at - r->text) + 1;
    if (!string(r, &how)) return false;
    r->key_plain = how.plain;
    r->key = from;
    r->key_n = (uint32_t)(r->at - r->text) - 1 - from;
    blanks(r);
    if (r->at == r->end || *r->at != ':') return false;
    r->at++;
    return true;
}

static void close_one(struct reader *r)
{
    struct wst_tape_node *node = &r->tape->nodes[r->parents[--r->depth]];

    r->at++;
    node->to = (uint32_t)(r->at - r->text);
    node->next = r->tape->n;
}

/* Behind a value: closes what ends here, and stands before the next value. 0: all is read; -1:
 * refused. */
static int behind(struct reader *r)
{
    while (r->depth) {
        bool object = r->tape->nodes[r->parents[r->depth - 1]].kind == WST_TAPE_OBJECT;
        blanks(r);
        if (r->at == r->end) return -1;
        if (*r->at == ',') {
            r->at++;
            return object && !name(r) ? -1 : 1;
        }
        if (*r->at != (object ? '}' : ']')) return -1;
        close_one(r);
    }
    blanks(r);
    return r->at == r->end ? 0 : -1;
}

/* At { or [. 1: a value follows; 0: it was empty and all is read; -1: refused. */
static int open_one(struct reader *r)
{
    bool object = *r->at == '{';
    uint32_t index = r->tape->n;

    if (r->depth == WST_TAPE_DEPTH) r->tape->full = true;
    if (r->depth == WST_TAPE_DEPTH || !add(r, object ? WST_TAPE_OBJECT : WST_TAPE_ARRAY)) return -1;
    r->parents[r->depth++] = index;
    r->at++;
    blanks(r);
    if (r->at == r->end) return -1;
    if (*r->at == (object ? '}' : ']')) {
        close_one(r);
        return behind(r);
    }
    return object && !name(r) ? -1 : 1;
}

bool wst_tape_read(struct wst_tape *tape, struct wst_budget *budget, struct wst_slice text)
{
    struct reader r = {.tape = tape, .budget = budget, .text = text.p, .at = text.p};
    int more = 1;

    tape->n = 0;
    tape->full = text.n >= UINT32_MAX;
    if (text.n == 0 || text.n >= UINT32_MAX) return false;
    r.end = text.p + text.n;
    while (more > 0) {
        blanks(&r);
        if (r.at == r.end) return false;
        if (*r.at == '{' || *r.at == '[')
            more = open_one(&r);
        else
            more = scalar(&r) ? behind(&r) : -1;
    }
    return more == 0;
}

void wst_tape_free(struct wst_tape *tape, struct wst_budget *budget)
{
    wst_budget_give(budget, tape->room * sizeof *tape->nodes);
    free(tape->nodes);
    *tape = (struct wst_tape){0};
}

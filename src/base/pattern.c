/* SPDX-License-Identifier: MIT
 *
 * In: regular expressions. Out: the same, compiled. Refuses expensive ones.
 */
#include "pattern.h"

#include <stdlib.h>

enum {
    DEPTH = 64,   /* of parentheses */
    CHARACTER = 4 /* bytes of one, in UTF-8; the tool keeps the C locale, where it is one */
};

/* How many states the expression unfolds into; each repetition multiplies what stands before it. */
struct weight {
    const char *at;
    uint64_t before[DEPTH]; /* of the enclosing groups, up to where they were opened */
    uint64_t sum, atom;     /* of this group without its last atom; of that atom */
    unsigned depth;
    bool endless; /* something may be repeated as often as it likes */
};

/* [...], with ] first or inside [: :] being itself. */
static const char *behind_bracket(const char *p)
{
    p++;
    if (*p == '^') p++;
    if (*p == ']') p++;
    while (*p && *p != ']') {
        char kind = p[0] == '[' ? p[1] : '\0';
        if (kind == ':' || kind == '.' || kind == '=') {
            p += 2;
            while (*p && !(p[0] == kind && p[1] == ']')) p++;
            if (*p) p += 2;
        } else {
            p++;
        }
    }
    return *p ? p + 1 : p;
}

/* {n}, {n,}, {n,m}, {,m}: the largest number of copies, and where it ends; 0: it is no interval. */
static uint64_t interval(const char **p, bool *endless)
{
    char *end;
    uint64_t n, m;
    bool open = false;

    /* "{,m}" is {0,m} to the C library. */
    if (((*p)[1] < '0' || (*p)[1] > '9') && (*p)[1] != ',') return 0;
    n = m = strtoull(*p + 1, &end, 10);
    if (*end == ',') {
        end++;
        open = *end == '}';
        if (*end >= '0' && *end <= '9') m = strtoull(end, &end, 10);
    }
    if (*end != '}') return 0;
    *endless |= open;
    *p = end + 1;
    if (m < n) m = n;
    return m > WST_PATTERN_STATES ? WST_PATTERN_STATES + 1 : m ? m : 1;
}

static void atom(struct weight *w, uint64_t states)
{
    w->sum += w->atom;
    w->atom = states;
}

static const char *step(struct weight *w)
{
    uint64_t times;

    switch (*w->at) {
    case '\\':
        if (w->at[1] >= '1' && w->at[1] <= '9') return "back references are not read here";
        atom(w, 1);
        w->at += w->at[1] ? 2 : 1;
        return NULL;
    case '[':
        atom(w, 1);
        w->at = behind_bracket(w->at);
        return NULL;
    case '(':
        if (w->depth == DEPTH) return "more than 64 parentheses inside each other";
        atom(w, 0);
        w->before[w->depth++] = w->sum;
        w->sum = 0;
        break;
    case ')':
        if (w->depth == 0) break;
        w->atom += w->sum;
        w->sum = w->before[--w->depth];
        break;
    case '{':
        times = interval(&w->at, &w->endless);
        if (times == 0) break;
        w->atom *= times;
        if (w->sum + w->atom > WST_PATTERN_STATES) return "too many repetitions inside each other";
        return NULL;
    case '*':
    case '+':
        w->atom++; /* a state of its own */
        w->endless = true;
        break;
    default: atom(w, 1);
    }
    w->at++;
    return NULL;
}

const char *wst_pattern_read(struct wst_pattern *pattern, struct wst_slice text, bool nocase,
                             char error[WST_PATTERN_ERROR])
{
    struct weight weight = {.sum = 0};
    const char *wrong = NULL;
    int failed;

    if (text.n == 0 || memchr(text.p, '\0', text.n)) return "a regular expression was expected";
    pattern->text = malloc(text.n + 1);
    if (pattern->text == NULL) return "out of memory";
    memcpy(pattern->text, text.p, text.n);
    pattern->text[text.n] = '\0';
    for (weight.at = pattern->text; *weight.at && wrong == NULL;) wrong = step(&weight);
    if (wrong == NULL) {
        failed =
            regcomp(&pattern->compiled, pattern->text, REG_EXTENDED | (nocase ? REG_ICASE : 0));
        pattern->longest = weight.endless ? UINT64_MAX : (weight.sum + weight.atom) * CHARACTER;
        if (failed == 0) return NULL;
        regerror(failed, &pattern->compiled, error, WST_PATTERN_ERROR);
        wrong = error;
    }
    free(pattern->text);
    return wrong;
}

void wst_pattern_free(struct wst_pattern *pattern)
{
    regfree(&pattern->compiled);
    free(pattern->text);
}

/* -- searching ------------------------------------------------------------------------------- */

bool wst_pattern_text(struct wst_pattern_text *to, struct wst_slice text, struct wst_buf *scratch,
                      struct wst_budget *budget)
{
    size_t n = text.n;
    uint8_t *nul;

    scratch->n = 0;
    if (!wst_buf_reserve(scratch, budget, n + 1, SIZE_MAX)) return false;
    if (n) memcpy(scratch->p, text.p, n);
    for (nul = scratch->p; (nul = memchr(nul, '\0', n - (size_t)(nul - scratch->p))) != NULL;)
        *nul = 0x01;
    scratch->p[n] = '\0';
    *to = (struct wst_pattern_text){(char *)scratch->p, n, false, false};
    return true;
}

/* What regexec finds in the bytes begin..end, which are a part of the text. */
static int search(const struct wst_pattern *pattern, const struct wst_pattern_text *text,
                  size_t begin, size_t end, size_t *from, size_t *to)
{
    int flags = (begin || text->before ? REG_NOTBOL : 0) |
                (end < text->n || text->more ? REG_NOTEOL : 0),
        status;
    size_t base = begin;
    regmatch_t m;

#ifdef REG_STARTEND
    /* Of BSD and glibc. What stands before the part is seen, which \< and \b ask for. */
    base -= begin ? 1 : 0;
    m = (regmatch_t){(regoff_t)(begin - base), (regoff_t)(end - base)};
    status = regexec(&pattern->compiled, text->p + base, 1, &m, flags | REG_STARTEND);
#else
    char behind = text->p[end];
    text->p[end] = '\0';
    status = regexec(&pattern->compiled, text->p + base, 1, &m, flags);
    text->p[end] = behind;
#endif
    if (status == REG_NOMATCH) return 0;
    if (status != 0) return -1;
    *from = base + (size_t)m.rm_so;
    *to = base + (size_t)m.rm_eo;
    return 1;
}

/* What begins in the second half of a window might go on behind it, or be preceded by what does:
 * the next window tells. What touches the end is looked at again with a window of its own. */
int wst_pattern_find(const struct wst_pattern *pattern, const struct wst_pattern_text *text,
                     size_t at, size_t *from, size_t *to)
{
    for (size_t begin = at;;) {
        bool last = text->n - begin <= WST_PATTERN_WINDOW;
        size_t end = last ? text->n : begin + WST_PATTERN_WINDOW;
        int found = search(pattern, text, begin, end, from, to);

        if (found < 0 || last) return found;
        if (found == 0 || *from - begin >= WST_PATTERN_WINDOW / 2)
            begin += WST_PATTERN_WINDOW / 2;
        else if (*to == end && *from > begin)
            begin = *from;
        else
            return 1;
    }
}

bool wst_pattern_sure(const struct wst_pattern *pattern, const struct wst_pattern_text *text)
{
    return text->n <= WST_PATTERN_WINDOW || pattern->longest < WST_PATTERN_WINDOW / 2;
}

bool wst_pattern_asks_behind(const struct wst_pattern *pattern)
{
    for (const char *p = pattern->text; (p = strchr(p, '\\')) != NULL && p[1]; p += 2)
        if (strchr("bB<>'", p[1])) return true;
    return false;
}

/* SPDX-License-Identifier: MIT
 *
 * The slow twin of wst_head_read and wst_head_unfold: RFC 9112 section 2 by the byte, in a copy.
 * slow_head_differs tells what a reader says otherwise. For the unit tests and the fuzzer.
 */
#ifndef WST_TEST_SLOW_HEAD_H
#define WST_TEST_SLOW_HEAD_H

#include <stdlib.h>

#include "http1/http1.h"

typedef size_t slow_head_reader(struct wst_head *head, struct wst_header *room, struct wst_slice s);

struct slow_head {
    uint8_t *p; /* a copy, in which folded lines are put together */
    size_t n;   /* of the head at the front; 0: it is not whole */
    struct wst_head head;
    struct wst_header headers[WST_HTTP_HEADERS], read[WST_HTTP_HEADERS];
};

static inline struct wst_slice slow_trim(const uint8_t *p, size_t n)
{
    while (n && (*p == ' ' || *p == '\t')) p++, n--;
    while (n && (p[n - 1] == ' ' || p[n - 1] == '\t' || p[n - 1] == '\r')) n--;
    return (struct wst_slice){p, n};
}

/* After the first line end that is followed by another. */
static inline size_t slow_length(struct wst_slice s)
{
    for (size_t i = 0; i + 1 < s.n; i++) {
        if (s.p[i] != '\n') continue;
        if (s.p[i + 1] == '\n') return i + 2;
        if (i + 2 < s.n && s.p[i + 1] == '\r' && s.p[i + 2] == '\n') return i + 3;
    }
    return 0;
}

static inline bool slow_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* "HTTP/1." any " " three digits, 100 at least, then nothing or " " reason */
static inline bool slow_status_line(struct wst_head *h, struct wst_slice s)
{
    if (s.n < 12 || memcmp(s.p, "HTTP/1.", 7) != 0 || s.p[8] != ' ') return false;
    if (!slow_digit(s.p[9]) || !slow_digit(s.p[10]) || !slow_digit(s.p[11])) return false;
    if (s.p[9] == '0' || (s.n > 12 && s.p[12] != ' ')) return false;
    h->minor = s.p[7] - '0';
    h->status = (s.p[9] - '0') * 100 + (s.p[10] - '0') * 10 + (s.p[11] - '0');
    h->reason = slow_trim(s.p + 12, s.n - 12);
    return true;
}

/* method " " target " HTTP/1." any; what is between the first space and the last may be anything */
static inline bool slow_request_line(struct wst_head *h, struct wst_slice s)
{
    size_t method = 0;
    while (method < s.n && s.p[method] != ' ') method++;
    if (s.n < method + 1 + 9 || memcmp(s.p + s.n - 9, " HTTP/1.", 8) != 0) return false;
    h->method = (struct wst_slice){s.p, method};
    h->target = slow_trim(s.p + method + 1, s.n - 9 - (method + 1));
    h->minor = s.p[s.n - 1] - '0';
    h->status = -1;
    return true;
}

/* The line end before `at`, which goes away, when the line is one of those that are read. */
static inline void slow_unfold(struct slow_head *s, size_t at)
{
    if (s->head.headers_n == WST_HTTP_HEADERS) return;
    s->head.folded = true;
    s->p[at - 1] = ' ';
    if (s->p[at - 2] == '\r') s->p[at - 2] = ' ';
}

/* Takes a line from *at on, with those that it goes on in. */
static inline struct wst_slice slow_line(struct slow_head *s, size_t *at)
{
    size_t from = *at;
    for (bool more = true; more;) {
        size_t begin = *at;
        while (s->p[*at] != '\n') ++*at;
        if ((*at == begin || s->p[*at - 1] != '\r') && s->head.headers_n < WST_HTTP_HEADERS)
            s->head.bare = true;
        ++*at;
        more = from && *at < s->n && (s->p[*at] == ' ' || s->p[*at] == '\t');
        if (more) slow_unfold(s, *at);
    }
    size_t n = *at - 1 - from;
    if (n && s->p[from + n - 1] == '\r') n--;
    return (struct wst_slice){s->p + from, n};
}

static inline void slow_read(struct slow_head *s, struct wst_slice bytes)
{
    size_t at = 0;
    s->n = slow_length(bytes);
    s->head = (struct wst_head){.headers = s->headers};
    if (!s->n) return;
    memcpy(s->p, bytes.p, s->n);
    struct wst_slice line = slow_line(s, &at);
    s->head.http = line.n >= 5 && memcmp(line.p, "HTTP/", 5) == 0
                       ? slow_status_line(&s->head, line)
                       : slow_request_line(&s->head, line);
    while (at < s->n) {
        line = slow_line(s, &at);
        size_t name = 0;
        while (name < line.n && line.p[name] != ':') name++;
        if (name == line.n || s->head.headers_n == WST_HTTP_HEADERS) continue;
        s->headers[s->head.headers_n++] = (struct wst_header){
            slow_trim(line.p, name), slow_trim(line.p + name + 1, line.n - name - 1)};
    }
}

static inline bool slow_same(struct wst_slice a, struct wst_slice b)
{
    return a.n == b.n && (!a.n || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool slow_same_nocase(struct wst_slice a, struct wst_slice b)
{
    if (a.n != b.n) return false;
    for (size_t i = 0; i < a.n; i++)
        if (wst_ascii_lower(a.p[i]) != wst_ascii_lower(b.p[i])) return false;
    return true;
}

/* Asked for the headers of a name, not an empty one, it gives each of them in turn. */
static inline bool slow_finds(const struct wst_head *is, struct wst_slice name)
{
    size_t from = 0;
    for (size_t i = 0; i < is->headers_n; i++) {
        if (!slow_same_nocase(is->headers[i].name, name)) continue;
        struct wst_slice value = wst_head_look(is, (const char *)name.p, name.n, &from);
        if (from != i + 1 || value.p != is->headers[i].value.p) return false;
    }
    return wst_head_look(is, (const char *)name.p, name.n, &from).p == NULL;
}

static inline const char *slow_head_compare(const struct slow_head *s, const struct wst_head *is)
{
    const struct wst_head *want = &s->head;
    if (is->http != want->http) return "whether it is HTTP";
    if (is->bare != want->bare) return "bare line ends";
    if (is->http && is->status != want->status) return "the status";
    if (is->http && is->minor != want->minor) return "the version";
    if (is->http && !slow_same(is->method, want->method)) return "the method";
    if (is->http && !slow_same(is->target, want->target)) return "the target";
    if (is->http && !slow_same(is->reason, want->reason)) return "the reason";
    if (is->headers_n != want->headers_n) return "how many headers";
    for (size_t i = 0; i < is->headers_n; i++) {
        if (!slow_same(is->headers[i].name, s->headers[i].name)) return "a header's name";
        if (!slow_same(is->headers[i].value, s->headers[i].value)) return "a header's value";
        if (!(is->names >> wst_head_name_place(is->headers[i].name.p, is->headers[i].name.n) & 1))
            return "that a header may be there";
    }
    for (size_t i = 0; i < is->headers_n && i < 64; i++)
        if (is->headers[i].name.n && !slow_finds(is, is->headers[i].name))
            return "which headers have a name";
    return NULL;
}

/* What `reader` says of the head at the front of `bytes` that is not so; NULL: nothing. The bytes
 * do not begin with a line end. */
static inline const char *slow_head_differs(struct wst_slice bytes, slow_head_reader *reader)
{
    static struct slow_head s;
    struct wst_head head;
    uint8_t *room = malloc(2 * bytes.n + 1); /* each of the two unfolds its own */
    const char *differs = NULL;
    if (!room) return NULL;
    s.p = room;
    slow_read(&s, bytes);
    size_t n = reader(&head, s.read, bytes);
    if (n != s.n) {
        differs = "its length";
    } else if (n && head.folded != s.head.folded) {
        differs = "whether lines are folded";
    } else if (n) {
        if (head.folded) {
            memcpy(room + bytes.n, bytes.p, n);
            wst_head_unfold(&head, room + bytes.n, n);
        }
        differs = slow_head_compare(&s, &head);
    }
    free(room);
    return differs;
}

#endif

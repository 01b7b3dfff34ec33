/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: one message head, its lines split (RFC 9112 sections 2–5).
 * Refuses what does not begin with a request line or a status line of HTTP/1.
 */
#include "http1.h"

size_t wst_head_length(struct wst_slice s, size_t seen)
{
    size_t i = seen > 3 ? seen - 3 : 0; /* the blank line may straddle the old end */
    while (i < s.n) {
        const uint8_t *lf = memchr(s.p + i, '\n', s.n - i);
        if (!lf) return 0;
        i = (size_t)(lf - s.p) + 1;
        if (i < s.n && s.p[i] == '\n') return i + 1;
        if (i + 1 < s.n && s.p[i] == '\r' && s.p[i + 1] == '\n') return i + 2;
    }
    return 0;
}

static inline bool head_space(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static inline struct wst_slice head_trim(struct wst_slice s)
{
    const uint8_t *p = s.p, *end = s.p + s.n;
    while (p < end && head_space(*p)) p++;
    while (p < end && (head_space(end[-1]) || end[-1] == '\r')) end--;
    return (struct wst_slice){p, (size_t)(end - p)};
}

/* Takes a line, without its end, from the front. */
static inline struct wst_slice head_line(struct wst_head *h, struct wst_slice *s)
{
    const uint8_t *lf = s->n ? memchr(s->p, '\n', s->n) : NULL;
    struct wst_slice line = {s->p, lf ? (size_t)(lf - s->p) : s->n};
    *s = wst_slice_skip(*s, line.n + 1);
    if (line.n && line.p[line.n - 1] == '\r')
        line.n--;
    else if (lf)
        h->bare = true;
    return line;
}

/* HTTP/1.1 101 Switching Protocols */
static bool head_status_line(struct wst_head *h, struct wst_slice line)
{
    if (line.n < 12 || !wst_slice_starts(line, "HTTP/1.") || line.p[8] != ' ') return false;
    h->minor = line.p[7] - '0';
    h->status = 0;
    for (int i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9') return false;
        h->status = h->status * 10 + (line.p[i] - '0');
    }
    if (line.n > 12 && line.p[12] != ' ') return false;
    h->reason = head_trim(wst_slice_skip(line, 12));
    return h->status >= 100;
}

/* GET /chat HTTP/1.1 */
static bool head_request_line(struct wst_head *h, struct wst_slice line)
{
    const uint8_t *sp = memchr(line.p, ' ', line.n);
    if (!sp) return false;
    h->method = (struct wst_slice){line.p, (size_t)(sp - line.p)};
    line = wst_slice_skip(line, h->method.n + 1);
    if (line.n < 9) return false;
    struct wst_slice version = {line.p + line.n - 8, 8};
    if (!wst_slice_starts(version, "HTTP/1.") || version.p[-1] != ' ') return false;
    h->minor = version.p[7] - '0';
    h->target = head_trim((struct wst_slice){line.p, line.n - 9});
    h->status = -1;
    return true;
}

/* A line that begins with a space goes on the one before: the line end between becomes spaces. */
static struct wst_slice head_unfold(struct wst_head *h, uint8_t *bytes, struct wst_slice line,
                                    struct wst_slice *rest)
{
    while (rest->n && head_space(rest->p[0])) {
        uint8_t *lf = bytes + (rest->p - bytes) - 1;
        *lf = ' ';
        if (lf > line.p && lf[-1] == '\r') lf[-1] = ' ';
        struct wst_slice more = head_line(h, rest);
        line.n = (size_t)(more.p + more.n - line.p);
    }
    return line;
}

bool wst_head_parse(struct wst_head *h, struct wst_header *room, uint8_t *bytes, size_t size)
{
    *h = (struct wst_head){.headers = room};
    struct wst_slice rest = {bytes, size};
    while (rest.n && (rest.p[0] == '\r' || rest.p[0] == '\n')) rest = wst_slice_skip(rest, 1);
    struct wst_slice line = head_line(h, &rest);
    if (!line.n) return false;
    if (!(wst_slice_starts(line, "HTTP/") ? head_status_line(h, line) : head_request_line(h, line)))
        return false;
    while (rest.n && h->headers_n < WST_HTTP_HEADERS) {
        line = head_line(h, &rest);
        if (rest.n && head_space(rest.p[0])) line = head_unfold(h, bytes, line, &rest);
        if (!line.n) break;
        const uint8_t *colon = memchr(line.p, ':', line.n);
        if (!colon) continue; /* no header; not ours to judge here */
        size_t n = (size_t)(colon - line.p);
        struct wst_slice name = head_trim((struct wst_slice){line.p, n});
        h->lengths |= wst_head_length_bit(name.n);
        h->headers[h->headers_n++] =
            (struct wst_header){name, head_trim(wst_slice_skip(line, n + 1))};
    }
    return true;
}

struct wst_slice wst_head_look(const struct wst_head *h, const char *name, size_t n, size_t *from)
{
    for (size_t i = from ? *from : 0; i < h->headers_n; i++)
        if (h->headers[i].name.n == n && wst_same_nocase(h->headers[i].name.p, name, n)) {
            if (from) *from = i + 1;
            return h->headers[i].value;
        }
    return (struct wst_slice){NULL, 0};
}

bool wst_head_has_token(const struct wst_head *h, const char *name, const char *token)
{
    size_t from = 0;
    struct wst_slice value;
    while ((value = wst_head_find(h, name, &from)).p) {
        while (value.n) {
            const uint8_t *comma = memchr(value.p, ',', value.n);
            size_t n = comma ? (size_t)(comma - value.p) : value.n;
            if (wst_slice_is_nocase(head_trim((struct wst_slice){value.p, n}), token)) return true;
            value = wst_slice_skip(value, n + 1);
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT
 *
 * In: the head of a request to upgrade. Out: a shorter one, with what will be asked of it when the
 * answer comes. Refuses what may have grown beyond twice limits.max_head.
 */
#include "http1.h"

/* Header lines of a request that a handshake is told by; the others (cookies …) are not kept. */
static bool keep_line(const struct wst_http_env *env, struct wst_slice name)
{
    if (env->options->headers) return true;
    switch (name.n) {
    case 4: return wst_slice_is_nocase(name, "Host");
    case 6: return wst_slice_is_nocase(name, "Origin");
    case 7: return wst_slice_is_nocase(name, "Upgrade");
    case 10:
        return wst_slice_is_nocase(name, "User-Agent") || wst_slice_is_nocase(name, "Connection");
    default: return name.n > 14 && wst_slice_is_nocase(wst_slice_head(name, 14), "Sec-WebSocket-");
    }
}

/* That they were there is judged; what they say is nobody's business, and long. */
static bool keep_name(const struct wst_http_env *env, struct wst_slice name)
{
    return !env->options->headers &&
           (wst_slice_is_nocase(name, "Cookie") || wst_slice_is_nocase(name, "Authorization"));
}

/* A line in the kept head: "Name: value", "Name:" or nothing. */
enum keep { KEEP_NOT, KEEP_NAME, KEEP_LINE };
static enum keep keep_what(const struct wst_http_env *env, struct wst_slice name)
{
    if (keep_line(env, name)) return KEEP_LINE;
    return keep_name(env, name) ? KEEP_NAME : KEEP_NOT;
}

static uint8_t *keep_put(uint8_t *at, struct wst_slice s, const char *end, size_t end_n)
{
    if (s.n) memcpy(at, s.p, s.n);
    memcpy(at + s.n, end, end_n);
    return at + s.n + end_n;
}

/* The request waits for its answer: as a head again, with what will be asked of it. */
bool wst_request_keep(struct wst_http *h, struct wst_http_env *env, const struct wst_head *head)
{
    enum { LINE = 16 }; /* of the request line, and the empty one, more than its two words */
    uint8_t what[WST_HTTP_HEADERS]; /* enum keep, of each */
    size_t n = head->method.n + head->target.n + LINE;
    for (size_t i = 0; i < head->headers_n; i++) {
        const struct wst_header *line = &head->headers[i];
        what[i] = (uint8_t)keep_what(env, line->name);
        if (what[i] != KEEP_NOT) n += line->name.n + 3;
        if (what[i] == KEEP_LINE) n += line->value.n + 1;
    }
    h->request.n = 0;
    /* Just as much as it takes: a hundred thousand may wait at a time. The line ends may be longer
     * than they were. */
    if (n > env->options->limits.max_head * 2 || !wst_buf_room(&h->request, env->budget, n))
        return false;
    const char version[] = {' ', 'H', 'T', 'T', 'P', '/', '1', '.', (char)('0' + head->minor)};
    const char *line_end = head->bare ? "\n" : "\r\n"; /* which is judged */
    uint8_t *at = keep_put(h->request.p, head->method, " ", 1);
    at = keep_put(at, head->target, version, sizeof version);
    at = keep_put(at, wst_slice_text(line_end), "", 0);
    for (size_t i = 0; i < head->headers_n; i++) {
        const struct wst_header *line = &head->headers[i];
        if (what[i] == KEEP_LINE) {
            at = keep_put(at, line->name, ": ", 2);
            at = keep_put(at, line->value, "\r\n", 2);
        } else if (what[i] == KEEP_NAME) {
            at = keep_put(at, line->name, ":\r\n", 3);
        }
    }
    at = keep_put(at, (struct wst_slice){NULL, 0}, "\r\n", 2);
    h->request.n = (size_t)(at - h->request.p);
    return true;
}

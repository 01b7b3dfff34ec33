/* SPDX-License-Identifier: MIT
 *
 * In: a head, and the bytes behind it. Out: where its body ends (RFC 9112 sections 6 and 7).
 * Refuses lengths and chunk sizes that are no numbers.
 */
#include "body.h"

static bool body_number(struct wst_slice *v, uint64_t *n)
{
    size_t i = 0;
    for (*n = 0; i < v->n && i < 19 && v->p[i] >= '0' && v->p[i] <= '9'; i++)
        *n = *n * 10 + (uint64_t)(v->p[i] - '0');
    *v = wst_slice_skip(*v, i);
    return i > 0 && (!v->n || v->p[0] < '0' || v->p[0] > '9');
}

/* One number, or the same again and again, as whoever joins repeated headers makes of them
 * (RFC 9110 section 8.6). */
static bool body_length(struct wst_slice v, uint64_t *n)
{
    uint64_t again;
    if (!body_number(&v, n)) return false;
    while (v.n) {
        if (v.p[0] == ',' || v.p[0] == ' ' || v.p[0] == '\t')
            v = wst_slice_skip(v, 1);
        else if (!body_number(&v, &again) || again != *n)
            return false;
    }
    return true;
}

bool wst_body_begin(struct wst_http_side *s, const struct wst_head *head, bool of_head)
{
    bool response = head->status >= 0;
    s->mode = WST_HTTP_HEAD;
    s->left = 0;
    s->skipping = false;
    s->untouched = true;
    if (response && (head->status < 200 || head->status == 204 || head->status == 304 || of_head))
        return true;
    if (wst_head_has_token(head, "Transfer-Encoding", "chunked")) {
        s->mode = WST_HTTP_CHUNK_SIZE;
        return true;
    }
    struct wst_slice length = wst_head_find(head, "Content-Length", NULL);
    if (length.p) {
        if (!body_length(length, &s->left)) return false;
        s->mode = s->left ? WST_HTTP_BODY : WST_HTTP_HEAD;
    } else if (response) {
        s->mode = WST_HTTP_TO_END;
    }
    return true;
}

static void chunk_begin(struct wst_http_side *s)
{
    s->skipping = false;
    s->mode = s->left ? WST_HTTP_CHUNK : WST_HTTP_TRAILER;
}

/* One byte of a chunk-size line. False: no chunk size. */
static bool chunk_size_byte(struct wst_http_side *s, uint8_t c)
{
    if (c == '\n') {
        chunk_begin(s);
        return true;
    }
    if (s->skipping) return true;
    uint8_t lower = wst_ascii_lower(c);
    int digit = c >= '0' && c <= '9'           ? c - '0'
                : lower >= 'a' && lower <= 'f' ? lower - 'a' + 10
                                               : -1;
    if (digit < 0) {
        s->skipping = true; /* extension, space or CR */
        return c == ';' || c == '\r' || c == ' ' || c == '\t';
    }
    if (s->left >> 58) return false;
    s->left = s->left << 4 | (uint64_t)digit;
    return true;
}

/* Trailer lines until an empty one; `left` counts the line's bytes. */
static void trailer_byte(struct wst_http_side *s, uint8_t c)
{
    if (c != '\n') {
        if (c != '\r') s->left++;
        return;
    }
    if (!s->left) s->mode = WST_HTTP_HEAD;
    s->left = 0;
}

void wst_body_skip(struct wst_http_side *s, uint64_t n)
{
    s->left -= n;
    if (!s->left) s->mode = s->mode == WST_HTTP_BODY ? WST_HTTP_HEAD : WST_HTTP_CHUNK_END;
}

bool wst_body_bytes(struct wst_http_side *s, struct wst_slice bytes, size_t *taken)
{
    uint8_t first = bytes.p[0];
    *taken = 1;
    switch (s->mode) {
    case WST_HTTP_BODY:
    case WST_HTTP_CHUNK:
        *taken = s->left < bytes.n ? (size_t)s->left : bytes.n;
        wst_body_skip(s, *taken);
        return true;
    case WST_HTTP_CHUNK_END:
        if (first == '\n') {
            s->mode = WST_HTTP_CHUNK_SIZE;
            s->left = 0;
        }
        return first == '\n' || first == '\r';
    case WST_HTTP_CHUNK_SIZE: return chunk_size_byte(s, first);
    case WST_HTTP_TRAILER: trailer_byte(s, first); return true;
    default: *taken = bytes.n; return true;
    }
}

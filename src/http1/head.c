/* SPDX-License-Identifier: MIT
 *
 * In: bytes. Out: one message head, its lines split (RFC 9112 sections 2–5).
 * Refuses what does not begin with a request line or a status line of HTTP/1.
 */
#include "http1.h"
#include "line.h"

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

static inline struct wst_slice head_trim(const uint8_t *p, const uint8_t *end)
{
    while (p < end && head_space(*p)) p++;
    while (p < end && (head_space(end[-1]) || end[-1] == '\r')) end--;
    return (struct wst_slice){p, (size_t)(end - p)};
}

/* HTTP/1.1 101 Switching Protocols */
static bool head_status_line(struct wst_head *h, struct wst_slice line)
{
    int status = 0;
    if (line.n < 12 || !wst_slice_starts(line, "HTTP/1.") || line.p[8] != ' ') return false;
    for (int i = 9; i < 12; i++) {
        if (line.p[i] < '0' || line.p[i] > '9') return false;
        status = status * 10 + (line.p[i] - '0');
    }
    if (line.n > 12 && line.p[12] != ' ') return false;
    h->minor = line.p[7] - '0';
    h->status = status;
    h->reason = head_trim(line.p + 12 + (line.n > 12), line.p + line.n);
    h->method = (struct wst_slice){NULL, 0};
    h->target = (struct wst_slice){NULL, 0};
    return status >= 100;
}

/* GET /chat HTTP/1.1 */
static bool head_request_line(struct wst_head *h, struct wst_slice line)
{
    size_t n = 0; /* of the method */
    while (n < line.n && line.p[n] != ' ') n++;
    if (line.n - n < 10) return false;
    const uint8_t *version = line.p + line.n - 8;
    if (memcmp(version, "HTTP/1.", 7) != 0 || version[-1] != ' ') return false;
    h->minor = version[7] - '0';
    h->status = -1;
    h->reason = (struct wst_slice){NULL, 0};
    h->method = (struct wst_slice){line.p, n};
    h->target = head_trim(line.p + n + 1, version - 1);
    return true;
}

static bool head_start(struct wst_head *h, struct wst_slice line)
{
    return wst_slice_starts(line, "HTTP/") ? head_status_line(h, line) : head_request_line(h, line);
}

/* Bytes of the empty line at p; 0: it is none. */
static inline size_t head_blank(const uint8_t *p, const uint8_t *end)
{
    if (*p == '\n') return 1;
    return *p == '\r' && end - p > 1 && p[1] == '\n' ? 2 : 0;
}

/* The rest of a line that goes on in the next, or the next ones. lf == NULL: it is not whole. */
static struct wst_line head_fold(struct wst_head *h, struct wst_line line, const uint8_t *end)
{
    struct wst_lines lines = {.p = line.lf + 1, .end = end};
    struct wst_line more;
    h->folded = true;
    while (head_space(*lines.p)) {
        if (!wst_lines_next_plain(&lines, &more) || lines.p == end)
            return (struct wst_line){NULL, NULL};
        if (more.lf[-1] != '\r') h->bare = true;
        if (!line.colon) line.colon = more.colon;
        line.lf = more.lf;
    }
    return line;
}

/* "Name: value", CR, LF, and no more of it in the next line, as nearly all are. */
static inline bool head_usual(const uint8_t *p, struct wst_line line)
{
    const uint8_t *colon = line.colon, *lf = line.lf;
    return colon && p[0] > ' ' && colon[-1] > ' ' && colon[1] == ' ' && colon[2] > ' ' &&
           lf[-2] > ' ' && lf[-1] == '\r' && (lf[1] > ' ' || lf[1] == '\r');
}

/* Any other. Returns where it ends; lf == NULL: it is not whole; colon == NULL: it is no header. */
static struct wst_line head_unusual(struct wst_head *h, struct wst_header *header, const uint8_t *p,
                                    struct wst_line line, const uint8_t *end)
{
    if (line.lf[-1] != '\r') h->bare = true;
    if (head_space(line.lf[1])) line = head_fold(h, line, end);
    if (line.lf && line.colon)
        *header = (struct wst_header){head_trim(p, line.colon), head_trim(line.colon + 1, line.lf)};
    return line;
}

static inline __attribute__((always_inline)) size_t
head_read(struct wst_head *h, struct wst_header *room, struct wst_slice s, wst_lines_next *next)
{
    struct wst_lines lines = {.p = s.p, .end = s.p + s.n};
    struct wst_line line;
    struct wst_header *header = room, *room_end = room + WST_HTTP_HEADERS;
    uint64_t names = 0, again = 0;
    size_t blank = 0;
    if (!s.n || !next(&lines, &line) || lines.p == lines.end) return 0;
    h->bare = line.lf == s.p || line.lf[-1] != '\r';
    h->folded = false;
    h->http = head_start(h, (struct wst_slice){s.p, (size_t)(line.lf - s.p) - !h->bare});
    while (*lines.p > '\r' || !(blank = head_blank(lines.p, lines.end))) {
        const uint8_t *p = lines.p;
        if (!next(&lines, &line) || lines.p == lines.end) return 0;
        if (header == room_end) continue;
        if (head_usual(p, line)) {
            header->name = (struct wst_slice){p, (size_t)(line.colon - p)};
            header->value = (struct wst_slice){line.colon + 2, (size_t)(line.lf - line.colon - 3)};
        } else {
            line = head_unusual(h, header, p, line, lines.end);
            if (!line.lf) return 0;
            lines = (struct wst_lines){.p = line.lf + 1, .end = lines.end};
            if (!line.colon) continue; /* not ours to judge here */
        }
        unsigned place = wst_head_name_place(header->name.p, header->name.n);
        uint64_t bit = UINT64_C(1) << place;
        size_t i = (size_t)(header++ - room);
        if (names & bit)
            again |= bit;
        else
            h->first[place] = i < UINT8_MAX ? (uint8_t)i : UINT8_MAX;
        names |= bit;
    }
    if (blank == 1 && header < room_end) h->bare = true;
    h->headers = room;
    h->headers_n = (size_t)(header - room);
    h->names = names;
    h->again = again;
    return (size_t)(lines.p - s.p) + blank;
}

size_t wst_head_read_plain(struct wst_head *h, struct wst_header *room, struct wst_slice s)
{
    return head_read(h, room, s, wst_lines_next_plain);
}

#ifdef WST_LINES_WIDE
__attribute__((target("avx2"))) static size_t
head_read_wide(struct wst_head *h, struct wst_header *room, struct wst_slice s)
{
    return head_read(h, room, s, wst_lines_next_wide);
}
#endif

size_t wst_head_read(struct wst_head *h, struct wst_header *room, struct wst_slice s)
{
#ifdef WST_LINES_WIDE
    if (s.n >= WST_LINES_WIDE && __builtin_cpu_supports("avx2")) return head_read_wide(h, room, s);
#endif
    return wst_head_read_plain(h, room, s);
}

void wst_head_unfold(struct wst_head *h, uint8_t *bytes, size_t n)
{
    uint8_t *lf = memchr(bytes, '\n', n), *end = bytes + n;
    bool bare = h->bare; /* which a line end that goes away may have been */
    while ((lf = memchr(lf + 1, '\n', (size_t)(end - lf - 1))) && lf + 1 < end) {
        if (!head_space(lf[1])) continue;
        *lf = ' ';
        if (lf[-1] == '\r') lf[-1] = ' ';
    }
    wst_head_read(h, h->headers, (struct wst_slice){bytes, n});
    h->bare = bare;
}

struct wst_slice wst_head_look(const struct wst_head *h, const char *name, size_t n, size_t *from)
{
    unsigned place = wst_head_name_place((const uint8_t *)name, n);
    size_t i = h->first[place];
    if (from && *from > i) { /* behind the first one, unless that is only known to be far down */
        if (i < UINT8_MAX && !(h->again >> place & 1)) return (struct wst_slice){NULL, 0};
        i = *from;
    }
    for (; i < h->headers_n; i++)
        if (h->headers[i].name.n == n && wst_same_nocase(h->headers[i].name.p, name, n)) {
            if (from) *from = i + 1;
            return h->headers[i].value;
        }
    return (struct wst_slice){NULL, 0};
}

bool wst_head_lists(const struct wst_head *h, const char *name, const char *token)
{
    size_t from = 0;
    struct wst_slice value;
    while ((value = wst_head_find(h, name, &from)).p) {
        while (value.n) {
            const uint8_t *comma = memchr(value.p, ',', value.n);
            size_t n = comma ? (size_t)(comma - value.p) : value.n;
            if (wst_slice_is_nocase(head_trim(value.p, value.p + n), token)) return true;
            value = wst_slice_skip(value, n + 1);
        }
    }
    return false;
}

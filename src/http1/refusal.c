/* SPDX-License-Identifier: MIT
 *
 * In: the body of an answer that refuses an upgrade. Out: a finding that quotes its beginning, or
 * the title of the page that it is, or its text when the title says nothing. Refuses what is
 * compressed, binary, or only repeats the status line, as the pages of most servers do.
 */
#include <stdio.h>

#include "fnv.h"
#include "http1.h"
#include "utf8.h"

enum {
    READ_MAX = 2048, /* bytes of a body; a title stands near its beginning */
    TOLD_MAX = 160   /* bytes of a quotation */
};

static uint32_t hash_of(struct wst_slice s) /* whatever the case */
{
    uint64_t h = WST_FNV_BEGIN;
    for (size_t i = 0; i < s.n; i++) h = wst_fnv_byte(h, wst_ascii_lower(s.p[i]));
    return (uint32_t)(h >> 32);
}

/* What the status line of that status usually says. */
static const char *usual_reason(unsigned status)
{
    static const struct {
        unsigned status;
        const char *reason;
    } rows[] = {
#define WST_HTTP_STATUS(status, reason) {status, reason},
#include "statuses.def"
#undef WST_HTTP_STATUS
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].status == status) return rows[i].reason;
    return "";
}

/* What is kept of the status line: ┤ hash of its words 22 bits ├ status 10 bits ┤. Pages say either
 * those words or what is usual, which HTTP/2 and HTTP/3 leave to them alone. */
enum { STATUS = 0x3ff };

static bool is_reason(struct wst_slice s, uint32_t line)
{
    return !((hash_of(s) << 10 ^ line) & ~(uint32_t)STATUS) ||
           wst_slice_is_nocase(s, usual_reason(line & STATUS));
}

uint32_t wst_refusal_begin(const struct wst_head *head)
{
    struct wst_slice coding = wst_head_find(head, "Content-Encoding", NULL);
    if (coding.n && !wst_slice_is_nocase(coding, "identity")) return 0;
    return hash_of(head->reason) << 10 | ((uint32_t)head->status & STATUS);
}

/* -- what it says ------------------------------------------------------------------------------ */

struct quotation {
    char text[TOLD_MAX + 4]; /* "...", and a zero */
    size_t n;
};

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What begins with `<`: behind the first tag of that name. p == NULL: there is none. */
static struct wst_slice behind_tag(struct wst_slice s, const char *tag)
{
    size_t n = strlen(tag);
    for (; s.n > n; s = wst_slice_skip(s, 1)) {
        if (!wst_same_nocase(s.p, tag, n)) continue;
        const uint8_t *end = memchr(s.p, '>', s.n);
        return end ? wst_slice_skip(s, (size_t)(end + 1 - s.p)) : (struct wst_slice){NULL, 0};
    }
    return (struct wst_slice){NULL, 0};
}

/* The title of a page; all of what is none. Empty: a page without. */
static struct wst_slice said(struct wst_slice body)
{
    if (wst_slice_starts(body, "\xef\xbb\xbf"))
        body = wst_slice_skip(body, 3); /* a byte order mark */
    while (body.n && blank(body.p[0])) body = wst_slice_skip(body, 1);
    if (!body.n || body.p[0] != '<') return body;
    struct wst_slice title = behind_tag(body, "<title");
    if (!title.p && !behind_tag(body, "<html").p) return body; /* XML */
    const uint8_t *end = title.n ? memchr(title.p, '<', title.n) : NULL;
    return end ? wst_slice_head(title, (size_t)(end - title.p)) : (struct wst_slice){NULL, 0};
}

/* The text of a page: tags are ends of lines, and so is what no reader sees. `to`: as many bytes.
 */
static struct wst_slice text_of(struct wst_slice page, uint8_t *to)
{
    struct wst_slice s = behind_tag(page, "<body");
    if (!s.p) s = behind_tag(page, "</head");
    size_t n = 0;
    while (s.n) {
        if (s.p[0] != '<') {
            to[n++] = s.p[0];
            s = wst_slice_skip(s, 1);
            continue;
        }
        bool script = s.n > 7 && wst_same_nocase(s.p, "<script", 7),
             style = s.n > 6 && wst_same_nocase(s.p, "<style", 6);
        s = behind_tag(s, script ? "</script" : style ? "</style" : "<");
        to[n++] = '\n';
    }
    return (struct wst_slice){to, n};
}

/* How long the word is that `s` begins with, if it is one of those around a status; 0: it is none.
 */
static size_t usual_word(struct wst_slice s)
{
    static const char *const words[] = {"http",    "error",    "status",     "code",
                                        "message", "response", "explanation"};
    size_t n = 0;
    while (n < s.n && wst_ascii_lower(s.p[n]) >= 'a' && wst_ascii_lower(s.p[n]) <= 'z') n++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (wst_slice_is_nocase(wst_slice_head(s, n), words[i])) return n;
    return 0;
}

/* What stands around a status: blanks and dashes, and with `usual` words and points, too. */
static struct wst_slice skip_usual(struct wst_slice s, bool usual)
{
    static const char dash[] = "\xe2\x80\x93";
    for (size_t n; s.n; s = wst_slice_skip(s, n)) {
        n = blank(s.p[0]) || s.p[0] == ':' || s.p[0] == '-';
        if (!n && usual) n = s.p[0] == '.' || s.p[0] == '!' || s.p[0] == '(' || s.p[0] == ')';
        if (!n && usual) n = wst_slice_starts(s, dash) ? sizeof dash - 1 : usual_word(s);
        if (!n) break;
    }
    return s;
}

static bool is_number(struct wst_slice s)
{
    return s.n >= 3 && wst_slice_decimal(wst_slice_head(s, 3), 3) >= 100 &&
           (s.n == 3 || s.p[3] < '0' || s.p[3] > '9');
}

/* Whether a sentence does, behind its first n bytes: "Bad request syntax". */
static bool goes_on(struct wst_slice s, size_t n)
{
    return s.n > n + 1 && s.p[n] == ' ' && s.p[n + 1] >= 'a' && s.p[n + 1] <= 'z';
}

/* Behind the number and the reason of the status line, as pages begin, in either order of tags. The
 * usual words count where they lead to the reason, or there is nothing behind them. */
static struct wst_slice behind_status(struct wst_slice s, uint32_t line, bool usual)
{
    enum { TIMES = 3, REASON_MAX = 60 };
    struct wst_slice begin = s;
    bool found = false;
    s = skip_usual(s, usual);
    for (int i = 0; i < TIMES; i++) {
        if (is_number(s)) s = skip_usual(wst_slice_skip(s, 3), usual);
        for (size_t n = 1; n <= s.n && n <= REASON_MAX; n++) {
            if (!is_reason(wst_slice_head(s, n), line) || goes_on(s, n)) continue;
            s = skip_usual(wst_slice_skip(s, n), usual);
            found = true;
            break;
        }
    }
    return usual && !found && s.n ? behind_status(begin, line, false) : s;
}

/* What a page says beside the status. A word or two are the name of its server. */
static struct wst_slice page_says(struct wst_slice page, uint32_t line, uint8_t *to)
{
    enum { WORDS = 3 };
    struct wst_slice s = behind_status(text_of(page, to), line, true);
    int words = 0;
    for (size_t i = 0; i < s.n; i++) words += !blank(s.p[i]) && (i == 0 || blank(s.p[i - 1]));
    return words < WORDS ? (struct wst_slice){NULL, 0} : s;
}

/* Copies words, with a blank between two; "..." where more follows. False: that is no text. */
static bool quote(struct wst_slice s, bool whole, struct quotation *to)
{
    to->n = 0;
    for (size_t i = 0; i < s.n;) {
        if (blank(s.p[i])) {
            i++;
            continue;
        }
        size_t apart = i > 0 && to->n > 0 && blank(s.p[i - 1]);
        size_t n = wst_utf8_char(s.p + i, s.p + s.n);
        if (n == 0 && s.n - i < 4 && s.p[i] >= 0xc0) break; /* it may be cut */
        if (n == 0 || s.p[i] < 0x20 || s.p[i] == 0x7f) return false;
        if (to->n + apart + n > TOLD_MAX) {
            whole = false;
            break;
        }
        if (apart) to->text[to->n++] = ' ';
        memcpy(to->text + to->n, s.p + i, n);
        to->n += n;
        i += n;
    }
    memcpy(to->text + to->n, "...", 4);
    if (whole) to->text[to->n] = 0;
    return to->n > 0;
}

/* "400 Bad Request", "Error 400: Bad Request", "Bad Request.", "Error response", the bare number.
 */
static bool repeats(const struct quotation *q, uint32_t line)
{
    return behind_status(wst_slice_of(q->text, q->n), line, true).n == 0;
}

static void tell(const struct wst_refusal *r, bool whole)
{
    struct quotation q;
    char detail[TOLD_MAX + 64];
    uint8_t text[READ_MAX];
    struct wst_slice body = wst_buf_slice(r->kept), words = said(body);
    bool title = words.p > body.p && words.p[-1] == '>';
    const char *what = title ? "the title of the page: " : "the answer says: ";
    if (!quote(words, whole || title, &q) || repeats(&q, *r->reason)) {
        what = "the page says: ";
        bool page = title || !words.p;
        if (!page || !quote(page_says(body, *r->reason, text), whole, &q)) return;
    }
    snprintf(detail, sizeof detail, "%s%s", what, q.text);
    r->env->problem(r->env->user, r->conversation, WST_PROBLEM_HANDSHAKE_REFUSAL_BODY, WST_S2C,
                    detail, r->arrival);
}

/* -- while it is read -------------------------------------------------------------------------- */

void wst_refusal_bytes(const struct wst_refusal *r, struct wst_slice bytes)
{
    struct wst_buf *kept = r->kept;
    if (!*r->reason) return;
    if (!wst_buf_append(kept, r->env->budget, wst_slice_head(bytes, READ_MAX - kept->n),
                        READ_MAX) ||
        kept->n == READ_MAX)
        wst_refusal_end(r, false);
}

void wst_refusal_end(const struct wst_refusal *r, bool whole)
{
    if (!*r->reason) return;
    tell(r, whole);
    *r->reason = 0;
    wst_buf_free(r->kept, r->env->budget);
}

/* SPDX-License-Identifier: MIT */
#include "outcome.h"

#include <stdio.h>

enum {
    LARGER_FROM = 64, /* bytes: shorter ones seldom get smaller, and who compresses all knows it */
    LARGER_TOLD = 16, /* times in a direction */
    EMPTY_FRAGMENTS = 8 /* without a byte, in one message; more are told */
};

static const char *const inflate_words[] = {[WST_INFLATE_OK] = "",
                                            [WST_INFLATE_BAD] = "the data are not valid",
                                            [WST_INFLATE_TRUNCATED] = "the data end inside a block",
                                            [WST_INFLATE_LIMIT] = "more output than the limit",
                                            [WST_INFLATE_STARVED] = "no memory for its context"};

/* Where byte `bad` of the message went over the wire: *n its frame, the offset; -1: not known. */
static int64_t outcome_place(const struct wst_ws_step *s, const struct wst_ws_message *m,
                             uint64_t bad, uint64_t *n)
{
    const struct wst_ws_side *side = &s->ws->side[s->dir];
    const struct wst_ws_open *open = side->open;
    if (m->compressed) return -1;
    for (size_t at = 0; open && at + sizeof(struct wst_ws_mark) <= open->marks.n;
         at += sizeof(struct wst_ws_mark)) {
        struct wst_ws_mark mark;
        memcpy(&mark, open->marks.p + at, sizeof mark);
        if (bad >= mark.end) continue;
        *n = mark.n;
        return (int64_t)((mark.offset - (mark.end - bad)) & INT64_MAX);
    }
    /* No marks: all of it is the current frame. */
    return m->frames > 1 ? -1 : (int64_t)((side->offset + m->header_len + bad) & INT64_MAX);
}

void wst_outcome_bad_text(const struct wst_ws_step *s, const struct wst_ws_message *m,
                          const struct wst_outcome *r, uint64_t n)
{
    struct wst_utf8 u = m->utf8;
    char byte[16] = "";
    if (!r->judged) {
        wst_utf8_init(&u);
        wst_utf8_feed(&u, r->payload);
    }
    bool ends = u.bad == UINT64_MAX;
    uint64_t bad = ends ? r->len : u.bad;
    int64_t offset = outcome_place(s, m, ends && bad ? bad - 1 : bad, &n);
    if (ends) {
        wst_ws_problem_at(s, WST_PROBLEM_MESSAGE_INVALID_UTF8, n, m->no, offset,
                          "it ends inside a character, after %llu bytes", (unsigned long long)bad);
        return;
    }
    if (bad < r->payload.n) snprintf(byte, sizeof byte, "byte %02x ", r->payload.p[bad]);
    wst_ws_problem_at(s, WST_PROBLEM_MESSAGE_INVALID_UTF8, n, m->no, offset, "%sat %s%llu of %llu",
                      byte, *byte ? "" : "byte ", (unsigned long long)bad,
                      (unsigned long long)r->len);
}

/* Whoever compresses pictures does so with each: the first ones are told. */
static void outcome_larger(const struct wst_ws_step *s, const struct wst_ws_message *m,
                           const struct wst_outcome *r, uint64_t n)
{
    uint8_t *told = &s->ws->rare[s->dir].larger;
    if (*told == LARGER_TOLD) return;
    wst_ws_problemf(s, WST_PROBLEM_MESSAGE_COMPRESSED_LARGER, n, m->no, "%llu bytes became %llu%s",
                    (unsigned long long)r->len, (unsigned long long)m->wire_len,
                    ++*told == LARGER_TOLD ? "; no more of this direction are told" : "");
}

static bool outcome_unread(const struct wst_outcome *r)
{
    return r->inflated == WST_INFLATE_BAD || r->inflated == WST_INFLATE_TRUNCATED;
}

/* Nobody saw what was agreed on: it may be compressed in another way, or not at all. */
static bool outcome_strange(const struct wst_ws_step *s, const struct wst_outcome *r)
{
    return outcome_unread(r) && s->ws->terms.unknown;
}

/* Nor did any data show that it is permessage-deflate: of the plain messages of one byte that have
 * RSV1 set, against the rules, one in eight reads so, as nothing. */
static bool outcome_supposed(const struct wst_ws_step *s, const struct wst_ws_message *m,
                             const struct wst_outcome *r)
{
    if (!s->ws->terms.unknown || !m->compressed || r->len || r->inflated != WST_INFLATE_OK)
        return false;
    for (int d = 0; d < 2; d++) {
        const struct wst_deflate *c = s->ws->rare[d].deflate;
        if (c && wst_deflate_read_some(c)) return false;
    }
    return true;
}

/* What is wrong with a message that was read to its end. */
static void outcome_judge(const struct wst_ws_step *s, const struct wst_ws_message *m,
                          const struct wst_outcome *r, uint64_t n)
{
    if (m->empty > EMPTY_FRAGMENTS)
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_EMPTY_FRAGMENTS, n, m->no,
                        "%u of %llu fragments carry nothing", m->empty,
                        (unsigned long long)m->frames);
    if (m->compressed && r->certain && m->wire_len > r->len && r->len >= LARGER_FROM)
        outcome_larger(s, m, r, n);
}

/* One distance is enough: the sender does not keep to what was agreed on. What zlib refused before
 * that place is no distance. */
static void outcome_window(const struct wst_ws_step *s, const struct wst_ws_message *m,
                           const struct wst_outcome *r, uint64_t n)
{
    const struct wst_deflate *c = s->ws->rare[s->dir].deflate;
    if (!m->compressed || !c || !c->window || !c->window->exceeded) return;
    if (c->window->at >= r->len) return;
    wst_ws_problemf(s, WST_PROBLEM_MESSAGE_WINDOW, n, m->no,
                    "byte %llu is taken from %u bytes before it; the window agreed on has %u",
                    (unsigned long long)c->window->at, c->window->worst, c->window->limit);
    c->window->exceeded = false;
}

/* Where a capture begins behind the handshake most messages are like that to its end: each says so
 * itself, by `certain` and `omitted`; why is told once until more is lost. What is not known may be
 * missing from the capture, be bad, or have been let go for memory. */
static void outcome_doubt(const struct wst_ws_step *s, const struct wst_ws_message *m,
                          const struct wst_outcome *r, uint64_t n)
{
    struct wst_deflate *c = s->ws->rare[s->dir].deflate;
    if (r->inflated == WST_INFLATE_STARVED) {
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_CONTEXT_LOST, n, m->no, "it is not read: %s",
                        inflate_words[r->inflated]);
        return;
    }
    if (c && c->doubted) return;
    if (c) c->doubted = true;
    wst_ws_problemf(s, WST_PROBLEM_MESSAGE_CONTEXT_LOST, n, m->no,
                    "not known from byte %llu of %llu on: it refers to earlier bytes that are not "
                    "known%s",
                    (unsigned long long)r->known, (unsigned long long)r->len,
                    c ? ", and so may what follows, of which it is not told again" : "");
}

/* Why some of it is not shown, or not certain: the first reason that there is. */
static void outcome_lack(const struct wst_ws_step *s, const struct wst_ws_message *m,
                         const struct wst_outcome *r, uint64_t omitted, uint64_t n)
{
    const struct wst_limits *limits = &s->env->options->limits;
    unsigned long long len = r->len, left_out = omitted;
    if (m->endless)
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_INCOMPLETE, n, m->no,
                        "its end is not in the capture; %llu payload bytes came",
                        (unsigned long long)(m->wire_len - m->lost));
    else if (m->lost)
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_INCOMPLETE, n, m->no,
                        "%llu of %llu payload bytes are missing", (unsigned long long)m->lost,
                        (unsigned long long)m->wire_len);
    else if (outcome_strange(s, r))
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_CONTEXT_LOST, n, m->no,
                        "what was agreed on is not in the capture: read as permessage-deflate it "
                        "is not valid after %llu bytes of output",
                        len);
    else if (r->supposed)
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_CONTEXT_LOST, n, m->no,
                        "what was agreed on is not in the capture: read as permessage-deflate it "
                        "is empty");
    else if (r->inflated == WST_INFLATE_TRUNCATED && !m->wire_len)
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_BAD_DEFLATE, n, m->no,
                        "no data at all; nothing is compressed to the byte 00");
    else if (outcome_unread(r))
        wst_ws_problemf(s, WST_PROBLEM_MESSAGE_BAD_DEFLATE, n, m->no,
                        "%s%s%s%s, after %llu bytes of output", inflate_words[r->inflated],
                        r->why ? " (" : "", r->why ? r->why : "", r->why ? ")" : "", len);
    else if (r->inflated == WST_INFLATE_LIMIT)
        wst_ws_problemf(s, WST_PROBLEM_LIMIT_INFLATE, n, m->no,
                        "%llu compressed bytes gave more than %llu",
                        (unsigned long long)m->wire_len, (unsigned long long)limits->max_inflate);
    else if (r->doubt)
        outcome_doubt(s, m, r, n);
    else if (r->payload.n < len && r->payload.n >= limits->max_message)
        wst_ws_problemf(s, WST_PROBLEM_LIMIT_MESSAGE, n, m->no, "%llu of %llu bytes are left out",
                        left_out, len);
    else if (omitted)
        wst_ws_problemf(s, WST_PROBLEM_LIMIT_PAYLOAD, n, m->no, "%llu of %llu bytes are left out",
                        left_out, len);
}

static void outcome_problems(const struct wst_ws_step *s, const struct wst_ws_message *m,
                             const struct wst_outcome *r, const struct wst_event_message *e,
                             uint64_t n)
{
    outcome_lack(s, m, r, e->omitted, n);
    bool text = m->opcode == WST_OP_TEXT, kept = r->judged || r->payload.n == r->len;
    if (text && r->certain && kept && !e->utf8 && !m->odd) wst_outcome_bad_text(s, m, r, n);
    if (text && !kept) s->ws->faulty |= 1u << s->dir; /* for all that we know */
    outcome_window(s, m, r, n);
    if (m->compressed || m->empty) outcome_judge(s, m, r, n);
}

/* What is known of a text behind its first `shown` bytes, of which no more than `max` may be. */
static void outcome_sketch(const struct wst_outcome *r, size_t shown, uint64_t max,
                           struct wst_slice *sketch)
{
    struct wst_slice all =
        wst_slice_head(r->payload, max < r->payload.n ? (size_t)max : r->payload.n);
    if (r->inflated == WST_INFLATE_OK && wst_event_piece(all, shown).n) *sketch = all;
}

/* Text to print: valid as far as it goes. What was cut is cut between characters. */
static void outcome_payload(const struct wst_ws_step *s, struct wst_ws_message *m,
                            struct wst_outcome *r, struct wst_event_message *e)
{
    struct wst_slice p = r->payload;
    bool text = m->opcode == WST_OP_TEXT, cut = r->known < r->len || p.n < r->len;
    if (p.n > r->known) p.n = (size_t)r->known;
    if (text && !cut) {
        e->utf8 = wst_utf8_valid(wst_slice_skip(p, (size_t)m->sound));
    } else if (text) {
        p.n = p.n ? wst_utf8_cut((struct wst_slice){p.p, p.n}, p.n) : 0;
        struct wst_utf8 u;
        wst_utf8_init(&u);
        wst_utf8_feed(&u, p);
        if (u.bad == UINT64_MAX) p.n = (size_t)u.good; /* not inside a character */
        e->utf8 = u.bad == UINT64_MAX && (!r->judged || wst_utf8_done(&m->utf8));
    }
    uint64_t max = s->env->options->max_payload;
    if (p.n > max) p.n = e->utf8 ? wst_utf8_cut(p, (size_t)max) : (size_t)max;
    e->payload = p.p ? p : (struct wst_slice){(const uint8_t *)"", 0};
    e->omitted = r->len - p.n;
    if (text && r->known < r->payload.n) outcome_sketch(r, p.n, max, &e->sketch);
}

void wst_outcome_emit(const struct wst_ws_step *s, struct wst_ws_message *m, struct wst_outcome *r,
                      uint64_t n)
{
    struct wst_ws_side *side = &s->ws->side[s->dir];
    struct wst_event e;
    r->supposed = outcome_supposed(s, m, r);
    if (r->supposed) r->certain = false;
    e.type = WST_EVENT_MESSAGE;
    e.dir = s->dir;
    e.when = s->arrival->when;
    e.message = (struct wst_event_message){.msg = m->no,
                                           .opcode = m->opcode,
                                           .compressed = m->compressed,
                                           .certain = r->certain,
                                           .first_pkt = m->first_pkt,
                                           .frames = m->frames,
                                           .wire_len = m->wire_len,
                                           .len = r->len};
    if (outcome_strange(s, r)) r->known = 0;
    outcome_payload(s, m, r, &e.message);
    side->messages++;
    side->bytes += r->len;
    s->env->emit(s->env->user, s->ws->conversation, &e);
    outcome_problems(s, m, r, &e.message, n);
}

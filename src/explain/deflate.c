/* SPDX-License-Identifier: MIT
 *
 * In: the compressed bytes of one message and the text before it. Out: every step of inflating
 * them (RFC 7692 section 7.2.2, RFC 1951): blocks, literals, and matches with the text they
 * repeat, also that of earlier messages.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "subject.h"

enum {
    EACH = 40,  /* steps told one by one; in more of them, literals in a row are one line */
    LINES = 60, /* then it is enough, unless all was asked for */
};

struct telling {
    struct wst_paper *p;
    const struct wst_subject *s;
    const struct wst_walk *w; /* all that comes out: the walk is run a second time to be told */
    bool each, all;
    uint64_t lines, left_out;
    /* a run of literals that waits */
    uint64_t run_bit, run_bits, run_at, run;
    uint8_t type;
};

static void count(void *user, const struct wst_walk_step *step)
{
    (void)step;
    ++*(uint64_t *)user;
}

static const char *code_bits(const struct wst_walk_step *w, char to[20])
{
    for (unsigned i = 0; i < w->code_bits; i++)
        to[i] = w->code >> (w->code_bits - 1 - i) & 1 ? '1' : '0';
    to[w->code_bits] = '\0';
    return to;
}

struct line {
    uint64_t bit, bits;
    const char *code, *kind;
    uint64_t length, distance, from; /* 0: null */
    enum wst_ink ink;
};

static bool line_begin(struct telling *t, const struct line *l)
{
    if (!t->all && t->lines >= LINES) {
        t->left_out++;
        return false;
    }
    t->lines++;
    wst_paper_cell(t->p, WST_INK_DIM, "%" PRIu64, l->bit);
    wst_paper_cell(t->p, WST_INK_DIM, "%" PRIu64, l->bits);
    wst_paper_cell(t->p, l->ink, "%s", l->code);
    wst_paper_cell(t->p, l->ink, "%s", l->kind);
    wst_paper_cell_number(t->p, l->length != 0, l->length);
    wst_paper_cell_number(t->p, l->distance != 0, l->distance);
    wst_paper_cell_number(t->p, l->from != 0, l->from);
    return true;
}

static const char *quoted(struct telling *t, uint64_t at, uint64_t n)
{
    if (at > t->w->n) at = t->w->n;
    if (n > t->w->n - at) n = t->w->n - at;
    struct wst_slice s = {t->w->out + at, (size_t)n};
    return wst_paper_known(t->p, s, t->w->doubt ? t->w->doubt + at : NULL, 60, t->s->stream->text);
}

/* How many of so many bytes that came out are not known. */
static size_t unknown(const struct wst_walk *w, uint64_t at, size_t n)
{
    size_t found = 0;
    for (size_t i = 0; w->doubt && i < n && at + i < w->n; i++) found += w->doubt[at + i];
    return found;
}

static void tell_run(struct telling *t)
{
    struct line l = {.bit = t->run_bit,
                     .bits = t->run_bits,
                     .code = "",
                     .kind = t->run == 1 ? "literal" : "literals",
                     .length = t->run > 1 ? t->run : 0,
                     .ink = WST_INK_PAYLOAD};
    bool told = t->run && line_begin(t, &l);
    if (told && t->run > 1)
        wst_paper_cell(t->p, WST_INK_BOLD, "%" PRIu64 ": \"%s\"", t->run,
                       quoted(t, t->run_at, t->run));
    else if (told)
        wst_paper_cell(t->p, WST_INK_BOLD, "\"%s\"", quoted(t, t->run_at, 1));
    t->run = 0;
}

static void tell_literal(struct telling *t, const struct wst_walk_step *w)
{
    char code[20];
    if (!t->each) {
        if (!t->run) {
            t->run_bit = w->bit;
            t->run_at = w->at;
            t->run_bits = 0;
        }
        t->run++;
        t->run_bits += w->bits;
        return;
    }
    struct line l = {.bit = w->bit,
                     .bits = w->bits,
                     .code = code_bits(w, code),
                     .kind = "literal",
                     .ink = WST_INK_PAYLOAD};
    if (line_begin(t, &l))
        wst_paper_cell(t->p, WST_INK_BOLD, "%02x \"%s\"", w->byte, quoted(t, w->at, 1));
}

static void tell_match(struct telling *t, const struct wst_walk_step *w)
{
    char code[20];
    const struct wst_stream *stream = t->s->stream;
    bool earlier = w->distance > w->at;
    uint64_t msg = earlier ? wst_stream_message_at(stream, w->distance - (size_t)w->at) : 0;
    struct line l = {.bit = w->bit,
                     .bits = w->bits,
                     .code = t->each ? code_bits(w, code) : "",
                     .kind = "match",
                     .length = w->length,
                     .distance = w->distance,
                     .from = msg,
                     .ink = WST_INK_OPCODE};
    if (!line_begin(t, &l)) return;
    char from[64];
    if (msg)
        snprintf(from, sizeof from, "message %" PRIu64, msg);
    else if (earlier)
        snprintf(from, sizeof from, "an earlier message");
    else
        snprintf(from, sizeof from, "byte %" PRIu64 " of this message", w->at - w->distance);
    if (unknown(t->w, w->at, w->length) == w->length)
        wst_paper_cell(t->p, WST_INK_BAD, "length %u, distance %u: not known, from %s", w->length,
                       w->distance, from);
    else
        wst_paper_cell(t->p, WST_INK_OPCODE, "length %u, distance %u: \"%s\" again, from %s",
                       w->length, w->distance, quoted(t, w->at, w->length), from);
}

static void tell_other(struct telling *t, const struct wst_walk_step *w)
{
    static const char *const types[] = {"stored: bytes as they are", "fixed Huffman codes",
                                        "dynamic Huffman codes, which come first", "an error"};
    char code[24] = "";
    struct line l = {
        .bit = w->bit, .bits = w->bits, .code = code, .kind = "block", .ink = WST_INK_LENGTH};
    switch (w->kind) {
    case WST_WALK_BLOCK:
        snprintf(code, sizeof code, "%d %d%d", w->final, w->type >> 1, w->type & 1);
        if (line_begin(t, &l))
            wst_paper_cell(t->p, WST_INK_LENGTH, "BFINAL %d%s, BTYPE %d%d: %s", w->final,
                           w->final ? " (the last block)" : "", w->type >> 1, w->type & 1,
                           types[w->type]);
        break;
    case WST_WALK_STORED:
        l.kind = "stored";
        l.length = w->length;
        if (!line_begin(t, &l)) break;
        if (w->length)
            wst_paper_cell(t->p, WST_INK_BOLD, "LEN %04x, NLEN %04x, then \"%s\"", w->length,
                           w->length ^ 0xffff, quoted(t, w->at, w->length));
        else
            wst_paper_cell(t->p, WST_INK_LENGTH,
                           "LEN 0000, NLEN ffff: empty; it only fills up to a whole byte");
        break;
    case WST_WALK_CODES:
        l.kind = "codes";
        if (line_begin(t, &l))
            wst_paper_cell(t->p, WST_INK_LENGTH,
                           "lengths of %u literal and length codes and %u distance codes, "
                           "themselves written in %u code lengths",
                           w->literal_codes, w->distance_codes, w->length_codes);
        break;
    default:
        l.kind = "end";
        l.code = t->each ? code_bits(w, code) : "";
        if (line_begin(t, &l)) wst_paper_cell(t->p, WST_INK_LENGTH, "end of the block");
        break;
    }
}

static void tell(void *user, const struct wst_walk_step *w)
{
    struct telling *t = user;
    if (w->kind != WST_WALK_LITERAL) tell_run(t);
    if (w->kind == WST_WALK_LITERAL)
        tell_literal(t, w);
    else if (w->kind == WST_WALK_MATCH)
        tell_match(t, w);
    else
        tell_other(t, w);
}

static void tell_steps(struct wst_paper *p, const struct wst_subject *s, struct wst_slice raw,
                       bool whole, const struct wst_walk *first, uint64_t steps)
{
    static const struct wst_column columns[] = {
        {"bit", "bit", WST_COLUMN_NUMBER},  {"bits", "bits", WST_COLUMN_NUMBER},
        {"code", "code", WST_COLUMN_WORD},  {"kind", "what", WST_COLUMN_WORD},
        {"length", "", WST_COLUMN_COUNT},   {"distance", "", WST_COLUMN_COUNT},
        {"from_msg", "", WST_COLUMN_COUNT}, {"text", "gives", WST_COLUMN_WORD},
    };
    struct telling t = {.p = p, .s = s, .w = first};
    struct wst_walk again = {.history = first->history,
                             .history_doubt = first->history_doubt,
                             .lost = first->lost,
                             .max = SUBJECT_OUT_MAX,
                             .user = &t,
                             .step = tell};
    t.all = s->options->all;
    t.each = t.all || steps <= EACH;
    wst_paper_table(p, "steps", columns, 8);
    wst_walk_run(&again, raw, whole);
    tell_run(&t);
    wst_paper_table_end(p);
    wst_walk_free(&again);
    if (t.left_out)
        wst_paper_say(p, "… and %" PRIu64 " lines more; --all shows them, and every code",
                      t.left_out);
}

static void tell_end(struct wst_paper *p, const struct wst_subject *s, const struct wst_walk *w,
                     bool whole)
{
    bool good = w->end == WST_WALK_FINE || w->end == WST_WALK_FINAL;
    struct wst_slice out = {w->out, w->n};
    wst_paper_bool(p, "tail_added", w->tail_added);
    wst_paper_bool(p, "whole", whole && good);
    wst_paper_number(p, "compressed_bytes", s->stream->raw_n);
    wst_paper_number(p, "inflated_bytes", w->n);
    wst_paper_number(p, "history_bytes", s->stream->history_n);
    if (!whole && (good || w->end == WST_WALK_TRUNCATED)) {
        wst_paper_line(p, "result", "so far", WST_INK_NONE,
                       "%zu byte%s; the message goes on in its next frame", w->n,
                       w->n == 1 ? "" : "s");
    } else if (good) {
        wst_paper_line(p, "result", "inflated", WST_INK_NONE, "%zu byte%s from %zu", w->n,
                       w->n == 1 ? "" : "s", s->stream->raw_n);
    } else {
        wst_paper_line(p, "result", "it ends here", WST_INK_BAD, "%s, at bit %" PRIu64,
                       wst_walk_end_text(w->end), w->end_bit);
    }
    size_t most = p->json || s->options->all ? 1000 : 240;
    size_t lacking = unknown(w, 0, w->n);
    if (lacking) {
        wst_paper_number(p, "not_known", lacking);
        wst_paper_line(p, NULL, "not known", WST_INK_BAD,
                       "%zu of them: they repeat what is missing here; … below", lacking);
    }
    const char *shown = wst_paper_known(p, out, w->doubt, most, s->stream->text);
    wst_paper_word(p, "inflated_text", shown);
    if (w->n)
        wst_paper_line(p, NULL, s->stream->text ? "text" : "bytes", WST_INK_BOLD, "\"%s\"", shown);
}

void wst_deflate_explain(struct wst_paper *p, const struct wst_subject *s, bool whole,
                         struct wst_walk *w)
{
    uint64_t steps = 0;
    const struct wst_stream *stream = s->stream;
    struct wst_slice raw = {stream->raw, stream->raw_n};
    *w = (struct wst_walk){.max = SUBJECT_OUT_MAX, .user = &steps, .step = count};
    w->history = (struct wst_slice){stream->history, stream->history_n};
    w->history_doubt = stream->doubted ? stream->doubt : NULL;
    w->lost = s->takeover && stream->history_lost;
    wst_walk_run(w, raw, whole);
    if (!p) return;
    wst_paper_heading(p, "Inflating (RFC 7692 section 7.2.2, RFC 1951)");
    wst_paper_object(p, "inflating");
    if (p->json || stream->frames > 1)
        wst_paper_line(p, "input", "its frames hold", WST_INK_PAYLOAD, "%s",
                       wst_paper_hex(p, raw, p->json || s->options->all ? 320 : 32));
    if (whole && w->tail_added)
        wst_paper_line(p, NULL, "put back", WST_INK_KEY,
                       "00 00 ff ff: each compressed message ends with them, so the sender takes "
                       "them off");
    else if (whole && w->end == WST_WALK_FINAL)
        wst_paper_line(p, NULL, "put back", WST_INK_KEY,
                       "nothing: its last block says that it is the last");
    if (stream->history_n)
        wst_paper_line(p, NULL, "before it", WST_INK_NONE,
                       "%zu byte%s of earlier messages, which matches may repeat",
                       stream->history_n, stream->history_n == 1 ? "" : "s");
    if (stream->history_lost || stream->doubted)
        wst_paper_line(p, "history_lost", "before it", WST_INK_BAD,
                       "bytes that are missing here: what a match repeats of them is not known");
    tell_steps(p, s, raw, whole, w, steps);
    tell_end(p, s, w, whole);
    wst_paper_close(p, '}');
}

/* SPDX-License-Identifier: MIT
 *
 * In: a message of which not all can be known. Out: what is known of it behind its beginning, in
 * quotes, each piece with the number of bytes before it that nobody knows, and their sum:
 *
 *     uncertain  28? "b43e1f1" 11? "6504"  1427 bytes not known
 */
#include "digits.h"
#include "slice.h"
#include "text.h"

/* Columns of what comes behind the pieces. */
static unsigned pieces_tail(const struct wst_text *text, const struct wst_event_message *m)
{
    size_t words = text->narrow ? sizeof "   not known" : sizeof " …   bytes not known" - 2;
    return (unsigned)(words - 1 + wst_digits_count(m->omitted));
}

/* Columns for all of them, the first of which begins here. */
static size_t pieces_room(const struct wst_text *text, const struct wst_event_message *m)
{
    size_t most = text->options.max_text ? text->options.max_text : SIZE_MAX;
    if (!text->options.width) return most;
    size_t taken = wst_text_columns(&text->render.out) + pieces_tail(text, m);
    size_t left = text->options.width > taken ? text->options.width - taken : 0;
    return left < most ? left : most;
}

static bool piece_has(struct wst_slice piece, const struct wst_slice *found)
{
    return found && (uintptr_t)found->p >= (uintptr_t)piece.p &&
           (uintptr_t)found->p < (uintptr_t)piece.p + piece.n;
}

/* As much as the line has room for, beside what comes behind it. */
static void put_beside(struct wst_text *text, const struct wst_event_message *m,
                       struct wst_slice known, enum wst_escape_kind kind)
{
    unsigned width = text->options.width, tail = pieces_tail(text, m);
    if (width > tail) text->options.width -= tail;
    wst_text_quote(text, known, kind, 0);
    text->options.width = width;
}

/* How many columns of a piece have room in so many; 0: it is not shown. What is cut is counted
 * behind it. */
static size_t piece_room(struct wst_slice piece, size_t before, size_t left)
{
    size_t taken = wst_digits_count(before) + sizeof " ? \"\"" - 1;
    size_t counted = wst_digits_count(piece.n) + sizeof "… + bytes" - sizeof "…" + 1;
    if (left < taken + WST_PIECE_LEAST) return 0;
    if (wst_escape_fits(piece, WST_ESCAPE_TEXT, left - taken)) return left - taken;
    return left < taken + counted + WST_PIECE_LEAST ? 0 : left - taken - counted;
}

/* Of `left` columns those that are left behind it. */
static size_t put_piece(struct wst_text *text, const struct wst_event_message *m,
                        struct wst_slice piece, size_t before, size_t room, size_t left)
{
    struct wst_out *out = &text->render.out;
    uint8_t *from = wst_out_reserve(out, 64);
    uint64_t flushes = out->flushes;
    wst_out_text(out, " ");
    wst_text_ink(text, WST_TEXT_DIM);
    if (!text->narrow) out->at = wst_digits(wst_out_reserve(out, 32), before);
    wst_out_text(out, "?");
    wst_text_plain(text);
    wst_out_text(out, " ");
    if (piece_has(piece, text->options.found))
        put_beside(text, m, piece, WST_ESCAPE_TEXT);
    else
        wst_escape_quote(out, piece, WST_ESCAPE_TEXT, room, 0);
    /* Where it began may have left the buffer: then it is about as long as it is. */
    size_t taken = flushes == out->flushes ? wst_text_columns_between(from, out->at) : piece.n + 8;
    return left > taken ? left - taken : 0;
}

/* Not "left out for brevity": nobody can know them. */
static void put_sum(struct wst_text *text, uint64_t bytes)
{
    struct wst_out *out = &text->render.out;
    wst_out_text(out, "  ");
    wst_text_ink(text, WST_TEXT_WARN);
    if (text->narrow)
        out->at = wst_digits(wst_out_reserve(out, 32), bytes);
    else
        wst_text_count(out, bytes, "byte");
    wst_out_text(out, " not known");
    wst_text_plain(text);
}

/* Whether what was looked for is in a piece: what is before that is then passed over. */
static bool pieces_have(const struct wst_text *text, const struct wst_event_message *m)
{
    return m->sketch.n && piece_has(wst_slice_skip(m->sketch, m->payload.n), text->options.found);
}

void wst_text_in_part(struct wst_text *text, const struct wst_event_message *m,
                      enum wst_escape_kind kind)
{
    struct wst_out *out = &text->render.out;
    bool wait = pieces_have(text, m), passed = wait && m->payload.n;
    if (m->sketch.n && (wait || !m->payload.n)) {
        wst_out_text(out, " ");
    } else {
        wst_out_text(out, "  ");
        put_beside(text, m, m->payload, kind);
    }
    size_t left = pieces_room(text, m), end = m->payload.n;
    uint64_t unknown = m->omitted;
    for (struct wst_slice piece; (piece = wst_event_piece(m->sketch, end)).n;) {
        size_t at = (size_t)(piece.p - m->sketch.p), shown = piece_room(piece, at - end, left);
        bool found = piece_has(piece, text->options.found);
        wait = wait && !found;
        if (!found && (wait || !shown)) {
            passed = true;
            left = wait ? left : 0; /* none behind one that has no room */
        } else {
            if (passed && !text->narrow) {
                wst_out_text(out, " …");
                left -= left < 2 ? left : 2;
            }
            passed = false;
            left = put_piece(text, m, piece, at - end, shown, left);
        }
        end = at + piece.n;
        unknown -= piece.n;
    }
    if (passed && !text->narrow) wst_out_text(out, " …");
    put_sum(text, unknown);
}

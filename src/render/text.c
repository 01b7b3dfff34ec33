/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: lines for people: one a message, one a control frame, one for whatever else.
 * Refuses to show a stranger's bytes other than through escape.h.
 *
 * A frame that is a whole message says nothing that its message does not, but for its mask; so it
 * is held until the next event, and both become one line. The same for a close frame and its
 * close. When something else comes next, the frame gets its own line after all.
 */
#include "text.h"

#include <stdlib.h>

#include "digits.h"
#include "quote.h"

enum { LINE = 512 }; /* bytes: more than any line without its payload */

enum { OP_TEXT = 1, OP_CLOSE = 8, UNCERTAIN_WIDTH = 132 };

/* Seven columns each. */
static const char op_words[16][8] = {
    "cont   ", "text   ", "binary ", "op 3   ", "op 4   ", "op 5   ", "op 6   ", "op 7   ",
    "close  ", "ping   ", "pong   ", "op 11  ", "op 12  ", "op 13  ", "op 14  ", "op 15  ",
};

/* -- columns -------------------------------------------------------------------------------- */

/* "FIN  mask 37fa213d", 18 columns; blank where it is not so. */
static uint8_t *put_flags(const struct wst_text *text, uint8_t *at, const struct wst_event_frame *f)
{
    at = wst_text_ink_at(text, at, WST_TEXT_DIM);
    at = f->fin ? WST_PUT(at, "FIN") : WST_PUT(at, "   ");
    if (f->masked) {
        at = WST_PUT(at, "  mask ");
        for (int i = 0; i < 4; i++) at = wst_digits_hex(at, f->mask_key[i]);
    } else {
        at = WST_PUT(at, "               ");
    }
    return wst_text_plain_at(text, at);
}

/* The same 18 columns for a message whose frames are not on this line: "3 frames". */
static uint8_t *put_frame_count(const struct wst_text *text, uint8_t *at, uint64_t frames)
{
    uint8_t *end;
    at = wst_text_ink_at(text, at, WST_TEXT_DIM);
    end = at + 18;
    if (frames > 1) at = WST_PUT(wst_digits(at, frames), " frames");
    while (at < end) *at++ = ' ';
    return wst_text_plain_at(text, at);
}

/* Time to length. `f` NULL: not known, or too many. A narrow line has no room for what is nearly
 * always the same. */
static uint8_t *put_columns(struct wst_text *text, uint8_t *at, const struct wst_text_left *left,
                            uint8_t opcode, const struct wst_event_frame *f, uint64_t frames,
                            uint64_t len)
{
    at = wst_text_left(text, at, left);
    text->render.out.at = at;
    wst_text_fold_here(text); /* if the payload has no room, it stands below */
    memcpy(at, op_words[opcode & 15], 8);
    at += 7;
    if (!text->narrow) at = f ? put_flags(text, at, f) : put_frame_count(text, at, frames);
    /* The column is full: keep it apart, from the masking key too. */
    if (len > (f && f->masked && !text->narrow ? 999999 : 9999999)) at = WST_PUT(at, "  ");
    return wst_text_right(at, len, 7);
}

static uint8_t *put_note(const struct wst_text *text, uint8_t *at, enum wst_text_ink ink,
                         const char *word)
{
    size_t n = strlen(word);
    at = wst_text_ink_at(text, WST_PUT(at, "  "), ink);
    memcpy(at, word, n);
    return wst_text_plain_at(text, at + n);
}

/* What is unusual about a frame. RSV1 is not when it says "compressed". */
static uint8_t *put_frame_notes(const struct wst_text *text, uint8_t *at,
                                const struct wst_event_frame *f, bool compressed)
{
    if (!f->fin && text->narrow) at = put_note(text, at, WST_TEXT_DIM, "not FIN");
    if (f->rsv1 && !compressed) at = put_note(text, at, WST_TEXT_DIM, "rsv1");
    if (f->rsv2) at = put_note(text, at, WST_TEXT_DIM, "rsv2");
    if (f->rsv3) at = put_note(text, at, WST_TEXT_DIM, "rsv3");
    if (!f->complete) at = put_note(text, at, WST_TEXT_WARN, "incomplete");
    return at;
}

/* The length that it came from, and unless the line is narrow once more the one before. */
static uint8_t *put_deflate(const struct wst_text *text, uint8_t *at,
                            const struct wst_event_message *m)
{
    at = wst_text_ink_at(text, at, WST_TEXT_DIM);
    at = wst_digits(WST_PUT(at, "  deflate "), m->wire_len);
    if (!text->narrow) at = wst_digits(WST_PUT(at, "→"), m->len);
    return wst_text_plain_at(text, at);
}

static uint8_t *put_frames(const struct wst_text *text, uint8_t *at, uint64_t frames)
{
    at = wst_text_ink_at(text, WST_PUT(at, "  "), WST_TEXT_DIM);
    at = WST_PUT(wst_digits(at, frames), " frames");
    return wst_text_plain_at(text, at);
}

/* -- lines ---------------------------------------------------------------------------------- */

static void finish_line(struct wst_out *out)
{
    *wst_out_reserve(out, 1) = '\n';
    out->at++;
}

static void frame_line(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_event_frame *f = &event->frame;
    struct wst_text_left left = wst_text_left_of(event);
    struct wst_out *out = &text->render.out;
    uint8_t *at = wst_out_reserve(out, LINE);
    at = put_columns(text, at, &left, f->opcode, f, 1, f->len);
    out->at = put_frame_notes(text, at, f, false);
    if (f->payload.n > 0 || f->payload_omitted > 0)
        wst_text_payload(text, f->payload, f->utf8 ? WST_ESCAPE_TEXT : WST_ESCAPE_BYTES,
                         f->payload_omitted);
    finish_line(out);
    wst_text_dump(text, f->payload, f->payload_omitted);
}

/* `f`: the one frame of the message, or NULL. */
static void message_line(struct wst_text *text, const struct wst_event *event,
                         const struct wst_event_frame *f)
{
    const struct wst_event_message *m = &event->message;
    struct wst_text_left left = wst_text_left_of(event);
    struct wst_out *out = &text->render.out;
    uint8_t *at = wst_out_reserve(out, LINE);
    at = put_columns(text, at, &left, m->opcode, f, m->frames, m->len);
    if (m->compressed) at = put_deflate(text, at, m);
    if (text->narrow && m->frames > 1) at = put_frames(text, at, m->frames);
    if (f) at = put_frame_notes(text, at, f, m->compressed);
    /* Where columns are few, what is not known says so: at 120 they are the room of a piece. */
    bool few = text->options.width && text->options.width < UNCERTAIN_WIDTH;
    if (!m->certain && !(few && m->omitted)) at = put_note(text, at, WST_TEXT_WARN, "uncertain");
    out->at = at;
    /* In a text that is not UTF-8, show what is. */
    enum wst_escape_kind kind = m->opcode == OP_TEXT ? WST_ESCAPE_TEXT : WST_ESCAPE_BYTES;
    if (!m->certain && m->omitted)
        wst_text_in_part(text, m, kind);
    else
        wst_text_payload(text, m->payload, kind, m->omitted);
    finish_line(out);
    if (m->app) wst_text_app_said(text, event);
    wst_text_dump_message(text, m);
}

static void close_line(struct wst_text *text, const struct wst_event *event,
                       const struct wst_event_frame *f)
{
    const struct wst_event_close *c = &event->close;
    struct wst_text_left left = wst_text_left_of(event);
    struct wst_out *out = &text->render.out;
    uint8_t *at = wst_out_reserve(out, LINE);
    uint64_t len = c->code < 0 ? 0 : 2 + c->reason.n;
    at = put_columns(text, at, &left, OP_CLOSE, f, 1, f ? f->len : len);
    if (f) at = put_frame_notes(text, at, f, false);
    out->at = WST_PUT(at, "  ");
    wst_text_close_code(out, c->code);
    if (c->reason.n > 0) {
        wst_out_text(out, " ");
        wst_text_quote(text, c->reason, WST_ESCAPE_TEXT, 0);
    }
    finish_line(out);
    wst_text_dump(text, c->reason, 0);
}

/* -- holding -------------------------------------------------------------------------------- */

/* Gives the held frame its own line, if there is one. */
static void settle(struct wst_render *render)
{
    struct wst_text *text = (struct wst_text *)render;
    if (!text->held.waiting) return;
    text->held.waiting = false;
    frame_line(text, &text->held.event);
}

static void frame(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_event_frame *f = &event->frame;
    bool part = f->msg != 0 && f->opcode <= 2; /* of a message, which gets its line */
    bool whole = part && f->fin && f->opcode != 0;
    if (whole || f->opcode == OP_CLOSE)
        wst_held_frame_keep(&text->held, event);
    else if (!part || text->options.frames)
        frame_line(text, event);
}

static void event_line(void *user, const struct wst_event *event)
{
    struct wst_text *text = user;
    const struct wst_event_frame *held =
        wst_held_frame_take(&text->held, event) ? &text->held.event.frame : NULL;
    settle(&text->render);
    switch (event->type) {
    case WST_EVENT_META: break;
    case WST_EVENT_HANDSHAKE: wst_text_handshake(text, event); break;
    case WST_EVENT_FRAME: frame(text, event); break;
    case WST_EVENT_MESSAGE: message_line(text, event, held); break;
    case WST_EVENT_CLOSE: close_line(text, event, held); break;
    case WST_EVENT_GAP: wst_text_gap(text, event); break;
    case WST_EVENT_PROBLEM: wst_text_problem(text, event); break;
    case WST_EVENT_END: wst_text_end(text, event); break;
    case WST_EVENT_STATS: wst_text_stats(text, event); break;
    case WST_EVENT_TYPES: break;
    }
}

struct wst_render *wst_render_text_new(const struct wst_text_options *options, wst_write_fn write,
                                       void *user)
{
    struct wst_text *text = malloc(sizeof *text);
    if (text == NULL) return NULL;
    text->render.event = event_line;
    text->render.settle = settle;
    text->render.release = NULL;
    wst_out_init(&text->render.out, write, user);
    text->options = options ? *options : (struct wst_text_options){.max_text = 0};
    text->clock = (struct wst_clock){.local = text->options.local_time};
    text->timed = false;
    text->first_ns = text->last_ns = 0;
    text->conn_width = 1;
    text->narrow = wst_text_narrow(&text->options);
    text->held.waiting = false;
    text->no_keys = 0;
    memset(text->again, 0, sizeof text->again);
    text->fold.place = text->fold.indent = 0;
    text->fold.flushes = 0;
    return &text->render;
}

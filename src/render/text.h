/* SPDX-License-Identifier: MIT
 *
 * Inside the text renderer. Every line begins alike:
 *
 *     12:00:01.123456 #1 >  text   FIN  mask 37fa213d      5  "Hello"
 *     12:00:01.123789 #1  < text   FIN                     5  "Hello"
 *     |time          |conn |op    |flags and mask   |length  what there is to say
 *                        direction
 *
 * On a narrow terminal without the flags and the mask. text.c has the lines of frames, messages and
 * closes, text_payload.c what of a payload has room on them, text_pieces.c what is known of one
 * that is not known from its beginning on; text_handshake.c and text_rare.c the others, text_fold.c
 * folds them; text_again.c what is not said again; text_dump.c payloads in full; text_app.c the
 * lines below; text_style.c the left columns, colours and small words.
 */
#ifndef WST_RENDER_TEXT_H
#define WST_RENDER_TEXT_H

#include "clock.h"
#include "quote.h"
#include "renderer.h"

/* Restrained: dim for what is seldom read, a colour a direction, two for what is wrong. Nothing is
 * told by colour alone. */
enum wst_text_ink {
    WST_TEXT_DIM,
    WST_TEXT_CLIENT,
    WST_TEXT_SERVER,
    WST_TEXT_WARN,
    WST_TEXT_BAD,
    WST_TEXT_FOUND
};

/* Findings that are told once in the same words; and those words, of each. */
enum { WST_TEXT_AGAIN = 2, WST_TEXT_WORDINGS = 8 };

struct wst_text {
    struct wst_render render; /* first: a wst_render is freed as one */
    struct wst_text_options options;
    struct wst_clock clock;
    bool narrow;               /* see wst_text_narrow */
    bool timed;                /* a line was written: the next two hold */
    int64_t first_ns, last_ns; /* times of the first line and of the last */
    unsigned conn_width;       /* digits of the largest connection number so far */
    uint32_t no_keys;          /* notes about TLS without a key so far */
    struct {
        uint64_t told[WST_TEXT_WORDINGS]; /* its words; 0: none yet */
        uint64_t more;                    /* not told again */
    } again[WST_TEXT_AGAIN];              /* see text_again.c */
    struct {
        uint64_t flushes; /* of the outlet, when the line began */
        size_t place;     /* in its buffer: where the line may be broken; 0: nowhere yet */
        unsigned indent;
    } fold; /* see text_fold.c */
    size_t most; /* columns that the last payload had, all of which it filled unless all of it is
                  * shown; 0: all of it is */
    struct wst_held_frame held;
};

/* What the left columns of a line are made of. */
struct wst_text_left {
    struct wst_when when;
    bool nanos;
    enum wst_dir dir;
    uint64_t conn;
};
static inline struct wst_text_left wst_text_left_of(const struct wst_event *event)
{
    return (struct wst_text_left){event->when, event->nanos, event->dir, event->conn};
}

/* Room that the left columns need, with all colours. */
enum { WST_TEXT_LEFT = 160 };

/* Time and connection, each with a space behind; and those two and the direction. */
uint8_t *wst_text_start(struct wst_text *text, uint8_t *at, const struct wst_text_left *left);
uint8_t *wst_text_left(struct wst_text *text, uint8_t *at, const struct wst_text_left *left);

/* Changes colour, and back; nothing when colours are off. Room: 8 bytes each. */
uint8_t *wst_text_ink_at(const struct wst_text *text, uint8_t *at, enum wst_text_ink ink);
uint8_t *wst_text_plain_at(const struct wst_text *text, uint8_t *at);
void wst_text_ink(struct wst_text *text, enum wst_text_ink ink);
void wst_text_plain(struct wst_text *text);

/* `value` with blanks in front to fill `width`. Room: 32 bytes. */
uint8_t *wst_text_right(uint8_t *at, uint64_t value, unsigned width);
/* "1 packet", "2 packets". */
void wst_text_count(struct wst_out *out, uint64_t n, const char *what);
/* "12 µs", "1.234 ms", "2.001 s", "3 min 20 s", "5 h 3 min". */
void wst_text_duration(struct wst_out *out, int64_t ns);
/* "1000 normal closure", "4711", "no code" for -1, "code not captured" for -2. */
void wst_text_close_code(struct wst_out *out, int32_t code);

/* text_fold.c. A line that may become longer than the terminal's; where its first field begins, and
 * those below it; a field follows, its blanks first; the line's end follows. */
void wst_text_fold_begin(struct wst_text *text);
void wst_text_fold_here(struct wst_text *text);
void wst_text_field(struct wst_text *text);
void wst_text_fold_end(struct wst_text *text);
/* A payload follows: on a line of its own, if this one has next to nothing left. */
void wst_text_fold_payload(struct wst_text *text);
/* Words of our own, which may be broken between any two. */
void wst_text_words(struct wst_text *text, const char *words);
/* A value, cut to what a line has room for beside so many columns that belong to it. */
void wst_text_word(struct wst_text *text, struct wst_slice value, size_t beside);

/* Columns of what was written from `at` to `end`. */
size_t wst_text_columns_between(const uint8_t *at, const uint8_t *end);
/* Columns of the line so far, or up to `end`. */
size_t wst_text_columns_to(const struct wst_out *out, const uint8_t *end);
static inline size_t wst_text_columns(const struct wst_out *out)
{
    return wst_text_columns_to(out, out->at);
}
/* A terminal on which a line leaves out what is nearly always the same. */
bool wst_text_narrow(const struct wst_text_options *options);
/* As much of a payload as the line has room for, in quotes: the line's last words (text_payload.c).
 * wst_text_payload puts it apart from what stands before it. */
void wst_text_quote(struct wst_text *text, struct wst_slice s, enum wst_escape_kind kind,
                    uint64_t omitted);
void wst_text_payload(struct wst_text *text, struct wst_slice payload, enum wst_escape_kind kind,
                      uint64_t omitted);

/* The same of a message that is not known whole: and what is known behind the payload, and how much
 * is not (text_pieces.c). */
void wst_text_in_part(struct wst_text *text, const struct wst_event_message *m,
                      enum wst_escape_kind kind);

/* All of a payload below its line, if the options want that (text_dump.c). `omitted`: bytes of it
 * that the caller does not have. */
void wst_text_dump(struct wst_text *text, struct wst_slice payload, uint64_t omitted);
/* The same of a message: of one that is not known whole what is known, each piece in its place. */
void wst_text_dump_message(struct wst_text *text, const struct wst_event_message *m);

/* A finding that need not be told again is counted (text_again.c); and how many there were. */
bool wst_text_told_before(struct wst_text *text, const struct wst_event *event);
void wst_text_not_again(struct wst_text *text);

/* Below the line of a message, and of an end: what is said in the application's protocol
 * (text_app.c). */
void wst_text_app_said(struct wst_text *text, const struct wst_event *event);
void wst_text_app_total(struct wst_text *text, const struct wst_app_total *total);

/* One event each: its line, or lines (text_handshake.c, text_rare.c). */
void wst_text_handshake(struct wst_text *text, const struct wst_event *event);
void wst_text_gap(struct wst_text *text, const struct wst_event *event);
void wst_text_problem(struct wst_text *text, const struct wst_event *event);
void wst_text_end(struct wst_text *text, const struct wst_event *event);
void wst_text_stats(struct wst_text *text, const struct wst_event *event);

#endif

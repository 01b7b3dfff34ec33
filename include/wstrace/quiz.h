/* SPDX-License-Identifier: MIT
 *
 * Questions about WebSocket, drawn from a capture. A listener collects what can be asked; then
 * questions are drawn. The same capture and seed give the same questions, everywhere.
 *
 *     struct wst_quiz *q = wst_quiz_new(seed);
 *     … a context is told wst_quiz_wire(q) and wst_quiz_listener(q), and reads a capture …
 *     n = wst_quiz_draw(q, 10);
 *     … wst_quiz_question(q, i), wst_quiz_right(question, answer) …
 *     wst_quiz_free(q);
 */
#ifndef WSTRACE_QUIZ_H
#define WSTRACE_QUIZ_H

#include <wstrace/render.h>
#include <wstrace/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wst_question {   /* strings are the quiz's, printable, NUL-terminated; lines end in \n */
    const char *topic;  /* "lengths" */
    const char *text;   /* one to eight lines of at most 76 columns */
    const char *answer; /* as a teacher would write it */
    const char *explanation; /* why; one paragraph */
    char see[48];            /* "1.7" or "1": what to have explained; "" : nothing */
    const char *accepted;    /* what counts as right beside `answer`, one a line */
};

struct wst_quiz; /* owned by the caller */

/* NULL when out of memory. */
WST_API struct wst_quiz *wst_quiz_new(uint64_t seed);
WST_API struct wst_wire wst_quiz_wire(struct wst_quiz *quiz);
WST_API struct wst_listener wst_quiz_listener(struct wst_quiz *quiz);
/* Draws up to `count` questions, all different. Returns how many there are; fewer when the capture
 * does not hold more. */
WST_API size_t wst_quiz_draw(struct wst_quiz *quiz, size_t count);
/* The i-th drawn, from 0; NULL beyond. Valid as long as the quiz. */
WST_API const struct wst_question *wst_quiz_question(const struct wst_quiz *quiz, size_t i);
/* Whether the answer is right: case, blanks and "0x" do not count, where they carry nothing. */
WST_API bool wst_quiz_right(const struct wst_question *question, const char *answer);
WST_API void wst_quiz_free(struct wst_quiz *quiz);

#ifdef __cplusplus
}
#endif
#endif

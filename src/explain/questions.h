/* SPDX-License-Identifier: MIT
 *
 * Inside the explain room: what is kept of a capture to ask about, and a question while it is
 * drawn.
 */
#ifndef WST_EXPLAIN_QUESTIONS_H
#define WST_EXPLAIN_QUESTIONS_H

#include <wstrace/quiz.h>

#include "subject.h"

enum {
    QUIZ_FRAMES = 256,    /* frames in the sample */
    QUIZ_SHAKES = 32,     /* handshakes */
    QUIZ_PARTS = 24,      /* frames of one fragmented message that are looked at */
    QUIZ_FRAGMENTED = 16, /* such messages */
    QUIZ_CODES = 32,      /* close frames with a code */
    QUIZ_CONNS = 64,      /* connections of which it is known whether they compress */
    QUIZ_TEXT = 1200,
    QUIZ_TRIES = 40, /* for a question that was not asked yet */
    QUIZ_QUESTIONS = 200,
    QUIZ_KINDS = 11,
};

struct wst_quiz_frame { /* what can be asked of it */
    struct wst_header_bits header;
    uint64_t conn, n;
    enum wst_dir dir;
    uint8_t payload[4]; /* as on the wire */
    uint8_t payload_n;  /* how many of these are there */
    bool compressed;
};

struct wst_quiz_shake {
    uint64_t conn;
    char key[32];
};

struct wst_quiz_part {
    uint64_t n;
    uint8_t first; /* its first byte */
};

struct wst_quiz_message { /* a message of several frames */
    uint64_t conn, msg;
    enum wst_dir dir;
    struct wst_quiz_part parts[QUIZ_PARTS];
    unsigned n;
    bool open; /* its last frame has not come yet: not asked about */
};

struct wst_quiz_drawn {
    struct wst_question question;
    char text[QUIZ_TEXT], answer[64], explanation[QUIZ_TEXT], accepted[160];
};

struct wst_quiz {
    uint64_t random;
    struct wst_quiz_frame frames[QUIZ_FRAMES];
    uint64_t seen; /* frames, of which the sample was taken */
    struct wst_quiz_shake shakes[QUIZ_SHAKES];
    unsigned shakes_n;
    struct wst_quiz_message fragmented[QUIZ_FRAGMENTED];
    unsigned fragmented_n;
    struct {
        int32_t code;
        uint64_t conn, n;
    } codes[QUIZ_CODES];
    unsigned codes_n;
    uint64_t last_n, last_conn;
    bool deflate[QUIZ_CONNS]; /* of the first connections: agreed on */
    struct wst_quiz_drawn *drawn;
    size_t drawn_n;
};

uint64_t wst_quiz_random(struct wst_quiz *q);
unsigned wst_quiz_below(struct wst_quiz *q, uint64_t n); /* 0 to n - 1; 0 for n 0 */

/* questions.c: fills *d with a question of this kind, 0 to QUIZ_KINDS - 1. False: this try found
 * nothing to ask about. */
bool wst_quiz_ask(struct wst_quiz *q, unsigned kind, struct wst_quiz_drawn *d);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What the commands of the classroom share (explain, quiz, demo): reading one capture, looks.
 */
#ifndef WST_TOOL_LESSON_H
#define WST_TOOL_LESSON_H

#include "options.h"

#include <wstrace/wstrace.h>

/* What their command lines have in common; the first member of each one's own. */
struct wst_tool_lesson {
    enum wst_tool_colour colour;
    struct wst_tool_key_options keys; /* lists owned */
    struct wst_tool_confinement confinement;
};

/* Room for the words of a command line. Returns 0, or the exit status after a complaint. */
int wst_tool_lesson_begin(struct wst_tool_lesson *lesson, int argc);
void wst_tool_lesson_end(struct wst_tool_lesson *lesson);

/* Each is a WST_TOOL_CALL; `target` begins with a struct wst_tool_lesson. */
int wst_tool_lesson_take_colour(void *target, const char *text);
int wst_tool_lesson_take_keylog(void *target, const char *text);
int wst_tool_lesson_take_rsa_key(void *target, const char *text);
/* clang-format off */
#define WST_TOOL_LESSON_COLOUR {NULL, 0, "color", "WHEN", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_colour, "auto (default), always or never"}
#define WST_TOOL_LESSON_KEYLOG {NULL, 0, "keylog", "FILE", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_keylog, "TLS key log, for wss; SSLKEYLOGFILE is read, too"}
#define WST_TOOL_LESSON_RSA_KEY {NULL, 0, "rsa-key", "PEM", WST_TOOL_CALL, 0, 0, 0, wst_tool_lesson_take_rsa_key, "the server's private key, for RSA key exchange"}
#define WST_TOOL_LESSON_SAFETY(type) WST_TOOL_CONFINE_ROWS(type, lesson.confinement)
/* clang-format on */

struct wst_tool_pupil { /* who a capture is read to */
    struct wst_wire wire;
    struct wst_listener listener;
    void *user;
    bool (*enough)(void *user); /* asked after each packet: true ends the reading; or NULL */
    struct wst_event_stats *stats; /* filled in when all was read; or NULL */
};

/* Reads `file` ("-": standard input) to the pupil, confined from then on. Returns 0, or the exit
 * status after a complaint; what could be read was told all the same. *any: that there was
 * something to read, damaged or not. */
int wst_tool_lesson_read(const struct wst_tool_lesson *lesson, const char *file,
                         const struct wst_tool_pupil *pupil, bool *any);

bool wst_tool_lesson_colour(const struct wst_tool_lesson *lesson, int fd);
unsigned wst_tool_lesson_width(int fd); /* 80 when it is no terminal */

/* Where the shipped captures are: installed beside the program, else with the sources it was built
 * in, else installed where it was configured to be. NULL: nowhere. */
const char *wst_tool_lesson_captures(char *path, size_t size);

#endif

/* SPDX-License-Identifier: MIT
 *
 * In: a capture and what of it is wanted, or bytes that were typed. Out: each, explained.
 * Refuses targets that mean nothing, and says what was not found.
 */
#include "args.h"
#include "command.h"
#include "lesson.h"
#include "output.h"
#include "say.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wstrace/explain.h>

struct request {
    struct wst_tool_lesson lesson; /* first: its options are taken there */
    const char **words;            /* owned; into argv */
    const char **packets;          /* owned; of --pkt */
    int words_n, packets_n;
    const char *hex;
    bool json, all, base64, utf8, close, help;
};

static int take_word(void *target, const char *text)
{
    struct request *r = target;

    r->words[r->words_n++] = text;
    return 0;
}

static int take_packet(void *target, const char *text)
{
    struct request *r = target;

    r->packets[r->packets_n++] = text;
    return 0;
}

#define AT(field) offsetof(struct request, field), 0, 0, NULL
/* clang-format off */
static const struct wst_tool_arg rows[] = {
    {"What", 0, "pkt", "N", WST_TOOL_CALL, 0, 0, 0, take_packet, "whatever packet N carries a byte of; may be repeated"},
    {NULL, 0, "close", NULL, WST_TOOL_FLAG, AT(close), "of a connection: how it ended instead of how it began"},
    {NULL, 0, "hex", "BYTES", WST_TOOL_WORD, AT(hex), "frames typed as hex digits in any spelling; '-': standard input"},
    {"How", 0, "all", NULL, WST_TOOL_FLAG, AT(all), "every byte, every step of inflating, every code"},
    {NULL, 0, "utf8", NULL, WST_TOOL_FLAG, AT(utf8), "frames: how their text is written in UTF-8, character by character"},
    {NULL, 0, "base64", NULL, WST_TOOL_FLAG, AT(base64), "handshakes: how the key and the accept value are written in base64"},
    {NULL, 0, "json", NULL, WST_TOOL_FLAG, AT(json), "the same as data, one JSON object a line"},
    WST_TOOL_LESSON_COLOUR,
    WST_TOOL_LESSON_KEYLOG,
    WST_TOOL_LESSON_RSA_KEY,
    WST_TOOL_LESSON_SAFETY(struct request),
    {"Help", 'h', "help", NULL, WST_TOOL_FLAG, AT(help), "this text"},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows };

static int help(void)
{
    puts("Usage: wstrace explain CAPTURE                what there is to explain in it\n"
         "       wstrace explain CAPTURE 1              the handshake of connection 1\n"
         "       wstrace explain CAPTURE 1 --close      how connection 1 ended\n"
         "       wstrace explain CAPTURE 1.7            frame 7 of connection 1\n"
         "       wstrace explain CAPTURE 1.3-1.7        frames 3 to 7\n"
         "       wstrace explain --hex '81 85 37 fa 21 3d 7f 9f 4d 51 58'");
    wst_tool_args_help(stdout, rows, ROWS);
    return wst_tool_stdout_done();
}

/* -- targets ----------------------------------------------------------------------------------- */

/* Digits at *p, 1 to UINT64_MAX. False: none. */
static bool number(const char **p, uint64_t *value)
{
    char *end;

    if (!isdigit((unsigned char)**p)) return false;
    *value = strtoull(*p, &end, 10);
    *p = end;
    return *value > 0 && *value < UINT64_MAX;
}

/* "1", "1.7", "1.3-1.7", "1.3-7". False: none of these. */
static bool target(const char *text, uint64_t *conn, uint64_t *first, uint64_t *last)
{
    const char *p = text;
    uint64_t other;

    *first = *last = 0;
    if (!number(&p, conn)) return false;
    if (*p == '\0') return true;
    if (*p++ != '.' || !number(&p, first)) return false;
    *last = *first;
    if (*p == '\0') return true;
    if (*p++ != '-' || !number(&p, last)) return false;
    if (*p == '.') { /* the connection again */
        other = *last;
        p++;
        if (other != *conn || !number(&p, last)) return false;
    }
    return *p == '\0' && *last >= *first;
}

static int add_targets(struct wst_explain *x, const struct request *r)
{
    uint64_t conn, first, last, pkt;
    int bad = 0;

    for (int i = 1; i < r->words_n; i++) {
        if (!target(r->words[i], &conn, &first, &last))
            return wst_tool_misuse(
                "'%s' names nothing: 1 is how connection 1 began, and with --close how it ended, "
                "1.7 its frame 7, 1.3-1.7 frames 3 to 7",
                r->words[i]);
        if (first) bad |= wst_explain_frames(x, conn, first, last);
        if (!first && !r->close) bad |= wst_explain_handshake(x, conn);
        if (r->close) bad |= wst_explain_closing(x, conn);
    }
    for (int i = 0; i < r->packets_n; i++) {
        const char *p = r->packets[i];
        if (!number(&p, &pkt) || *p)
            return wst_tool_misuse("--pkt wants a packet's number, not '%s'", r->packets[i]);
        bad |= wst_explain_packet(x, pkt);
    }
    if (bad) wst_tool_say("out of memory");
    return bad ? WST_TOOL_TROUBLE : 0;
}

/* -- the two ways ------------------------------------------------------------------------------ */

static int finish(struct wst_explain *x, const struct wst_tool_output *output)
{
    char text[WST_EXPLAIN_ERROR_SIZE];
    int status = 0;

    if (wst_explain_finish(x) < 0 && output->error == 0) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    for (size_t i = 0; wst_explain_missing(x, i, text); i++) {
        wst_tool_say("%s", text);
        status = WST_TOOL_TROUBLE;
    }
    return status;
}

static bool enough(void *user)
{
    return wst_explain_enough(user);
}

static int explain_capture(struct wst_explain *x, const struct request *r,
                           const struct wst_tool_output *output)
{
    struct wst_event_stats stats = {0};
    struct wst_tool_pupil pupil = {.wire = wst_explain_wire(x),
                                   .listener = wst_explain_listener(x),
                                   .user = x,
                                   .enough = enough,
                                   .stats = &stats};
    int status = add_targets(x, r);

    if (status) return status;
    if (r->close && r->words_n < 2)
        return wst_tool_misuse("--close wants the number of a connection");
    bool any;
    status = wst_tool_lesson_read(&r->lesson, r->words[0], &pupil, &any);
    int end = any ? finish(x, output) : 0; /* else nobody knows what is not in it */
    if (end && stats.connections + stats.refused == 0) wst_tool_keys_say_closed(&stats, "read");
    return status ? status : end;
}

/* All words of the hex, or standard input. NULL: out of memory, or too much. */
static char *hex_text(const struct request *r)
{
    size_t room = 65536, n = 0;
    char *text;

    if (strcmp(r->hex, "-") == 0) {
        text = malloc(room);
        while (text && !feof(stdin) && !ferror(stdin)) {
            n += fread(text + n, 1, room - n - 1, stdin);
            if (n + 1 < room) continue;
            char *more = room < (64u << 20) ? realloc(text, room *= 2) : NULL;
            if (!more) free(text);
            text = more;
        }
        if (text) text[n] = '\0';
        return text;
    }
    for (int i = 0; i < r->words_n; i++) n += strlen(r->words[i]) + 1;
    text = malloc(strlen(r->hex) + n + 1);
    if (!text) return NULL;
    strcpy(text, r->hex);
    for (int i = 0; i < r->words_n; i++) strcat(strcat(text, " "), r->words[i]);
    return text;
}

static int explain_hex(struct wst_explain *x, const struct request *r,
                       const struct wst_tool_output *output)
{
    char error[WST_EXPLAIN_ERROR_SIZE], *text = hex_text(r);
    int frames, status;

    if (!text) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    if ((status = wst_tool_confine(&r->lesson.confinement, NULL, 0)) != 0) {
        free(text);
        return status;
    }
    frames = wst_explain_hex(x, text, error);
    free(text);
    if (frames < 0) return wst_tool_misuse("--hex: %s", error);
    return finish(x, output);
}

static int explain(const struct request *r)
{
    struct wst_tool_output output;
    int status = wst_tool_output_open(&output, NULL, NULL, NULL, 0);

    if (status) return status;
    struct wst_explain_options options = {.json = r->json,
                                          .colour = wst_tool_lesson_colour(&r->lesson, output.fd),
                                          .width = wst_tool_lesson_width(output.fd),
                                          .all = r->all,
                                          .base64 = r->base64,
                                          .utf8 = r->utf8};
    struct wst_explain *x = wst_explain_new(&options, wst_tool_output_write, &output);
    if (!x) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    status = r->hex ? explain_hex(x, r, &output) : explain_capture(x, r, &output);
    wst_explain_free(x);
    int end = wst_tool_output_close(&output);
    return status ? status : end;
}

int wst_tool_explain(int argc, char **argv)
{
    struct request r = {.words = calloc((size_t)argc + 1, sizeof(char *)),
                        .packets = calloc((size_t)argc + 1, sizeof(char *))};
    int status = r.words && r.packets ? 0 : WST_TOOL_TROUBLE;

    if (status == 0) status = wst_tool_lesson_begin(&r.lesson, argc);
    if (status == 0) status = wst_tool_args(rows, ROWS, argc, argv, &r, take_word);
    if (status == 0 && r.help)
        status = help();
    else if (status == 0 && r.hex == NULL && r.words_n == 0)
        status = wst_tool_misuse("explain wants a capture, or --hex and bytes");
    else if (status == 0 && r.hex && (r.packets_n || r.close))
        status = wst_tool_misuse("%s is about a capture; --hex has none",
                                 r.packets_n ? "--pkt" : "--close");
    else if (status == 0)
        status = explain(&r);
    wst_tool_lesson_end(&r.lesson);
    free(r.words);
    free(r.packets);
    return status;
}

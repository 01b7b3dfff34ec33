/* SPDX-License-Identifier: MIT
 *
 * Everything between the bytes of a capture file and what a student reads: explanations of the
 * first connections, their handshakes, endings and frames, as text and as JSON, and a quiz. What is
 * said is safe for a terminal; questions have one answer, and it is right.
 */
#include "capture/memory.h"

#include <stdlib.h>
#include <string.h>
#include <wstrace/explain.h>
#include <wstrace/quiz.h>
#include <wstrace/wstrace.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int on_write(void *user, const uint8_t *p, size_t n)
{
    (void)user;
    for (size_t i = 0; i < n; i++)
        if ((p[i] < 0x20 && p[i] != '\n') || p[i] == 0x7f) abort();
    return 0;
}

static int on_packet(void *user, const struct wst_packet *p)
{
    wst_context_packet(user, p);
    return 0;
}

/* The whole capture, told to one who asked for the wire. */
static void read_all(struct wst_slice file, struct wst_wire wire, struct wst_listener listener)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct wst_options options;
    struct wst_event_meta meta = {0};
    wst_options_init(&options);
    options.wire = &wire;
    options.limits.max_wire = 1 << 16;
    struct wst_context *context = wst_context_new(&options, &listener);
    struct wst_capture *capture = wst_capture_new();
    struct wst_capture_sink sink = {.user = context, .packet = on_packet};
    if (!context || !capture) abort();
    if (wst_capture_add_memory(capture, "input", file, NULL)) abort();
    if (wst_capture_open(capture, error) == 0) {
        wst_context_begin(context, &meta);
        wst_capture_run(capture, &sink);
        wst_context_finish(context, NULL);
    }
    wst_context_free(context);
    wst_capture_free(capture);
}

static void explain(struct wst_slice file, const struct wst_explain_options *options, bool list)
{
    char text[WST_EXPLAIN_ERROR_SIZE];
    struct wst_explain *x = wst_explain_new(options, on_write, NULL);
    if (!x) abort();
    for (uint64_t conn = 1; conn < 4 && !list; conn++)
        if (wst_explain_handshake(x, conn) || wst_explain_closing(x, conn) ||
            wst_explain_frames(x, conn, 1, 40))
            abort();
    if (!list && wst_explain_packet(x, 20)) abort();
    read_all(file, wst_explain_wire(x), wst_explain_listener(x));
    if (wst_explain_finish(x) < 0) abort();
    for (size_t i = 0; wst_explain_missing(x, i, text); i++)
        if (!*text) abort();
    wst_explain_free(x);
}

static void quiz(struct wst_slice file)
{
    struct wst_quiz *q = wst_quiz_new(file.n);
    if (!q) abort();
    read_all(file, wst_quiz_wire(q), wst_quiz_listener(q));
    size_t n = wst_quiz_draw(q, 50);
    for (size_t i = 0; i < n; i++) {
        const struct wst_question *question = wst_quiz_question(q, i);
        on_write(NULL, (const uint8_t *)question->text, strlen(question->text));
        on_write(NULL, (const uint8_t *)question->explanation, strlen(question->explanation));
        if (!wst_quiz_right(question, question->answer) ||
            wst_quiz_right(question, "no such thing"))
            abort();
    }
    if (wst_quiz_question(q, n)) abort();
    wst_quiz_free(q);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wst_slice file = {data, size};
    struct wst_explain_options text = {.all = size % 2, .base64 = true, .utf8 = true, .width = 80};
    struct wst_explain_options json = {.json = true, .utf8 = true};
    if (size > 1 << 15) return 0;
    explain(file, &text, true);
    explain(file, &text, false);
    explain(file, &json, false);
    quiz(file);
    return 0;
}

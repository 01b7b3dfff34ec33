/* SPDX-License-Identifier: MIT
 *
 * In: a capture, and answers on standard input, one a line. Out: questions, and what the answers
 * were worth. Refuses a capture in which nothing can be asked about.
 */
#include "args.h"
#include "command.h"
#include "lesson.h"
#include "output.h"
#include "say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <wstrace/quiz.h>

struct request {
    struct wst_tool_lesson lesson; /* first: its options are taken there */
    const char *capture;
    uint64_t seed, count;
    bool answers, help;
    char shown[1024]; /* the capture's name, as it may be shown */
};

static int take_capture(void *target, const char *text)
{
    struct request *r = target;

    if (r->capture) return wst_tool_misuse("quiz takes one capture; '%s' is one too many", text);
    r->capture = text;
    wst_tool_safe(r->shown, sizeof r->shown, text, strlen(text));
    return 0;
}

#define AT(field) offsetof(struct request, field)
/* clang-format off */
static const struct wst_tool_arg rows[] = {
    {"Options", 0, "count", "N", WST_TOOL_NUMBER, AT(count), 1, 200, NULL, "questions to ask (default 10)"},
    {NULL, 0, "seed", "N", WST_TOOL_NUMBER, AT(seed), 0, UINT64_MAX, NULL, "the same questions again; without it, others each time"},
    {NULL, 0, "answers", NULL, WST_TOOL_FLAG, AT(answers), 0, 0, NULL, "the teacher's sheet: questions with answers and reasons"},
    WST_TOOL_LESSON_COLOUR,
    WST_TOOL_LESSON_KEYLOG,
    WST_TOOL_LESSON_RSA_KEY,
    WST_TOOL_LESSON_SAFETY(struct request),
    {"Help", 'h', "help", NULL, WST_TOOL_FLAG, AT(help), 0, 0, NULL, "this text"},
};
/* clang-format on */
enum { ROWS = sizeof rows / sizeof *rows, WIDTH = 76 };

static int help(void)
{
    puts("Usage: wstrace quiz [OPTION...] CAPTURE\n\n"
         "Asks questions about the frames and handshakes of the capture. Answers are read from\n"
         "standard input, one a line; an empty line passes, q ends. The exit status is 0 when\n"
         "every question was answered rightly, and 1 when not.");
    wst_tool_args_help(stdout, rows, ROWS);
    return wst_tool_stdout_done();
}

/* -- telling ----------------------------------------------------------------------------------- */

struct sitting {
    const struct request *request;
    const struct wst_quiz *quiz;
    size_t n, right, asked;
    bool colour;
};

static void inked(const struct sitting *s, const char *ink, const char *text)
{
    printf("%s%s%s", s->colour ? ink : "", text, s->colour ? "\x1b[0m" : "");
}

/* A paragraph, broken at blanks, two columns in. */
static void paragraph(const char *text)
{
    while (*text) {
        size_t n = strlen(text);
        if (n > WIDTH) {
            n = WIDTH;
            while (n && text[n] != ' ') n--;
            if (!n) n = WIDTH;
        }
        printf("  %.*s\n", (int)n, text);
        text += n;
        while (*text == ' ') text++;
    }
}

static void ask(const struct sitting *s, size_t i, const struct wst_question *q)
{
    char head[96];

    snprintf(head, sizeof head, "Question %zu of %zu: %s\n", i + 1, s->n, q->topic);
    inked(s, "\x1b[1m", head);
    for (const char *line = q->text; *line;) {
        size_t n = strcspn(line, "\n");
        printf("  %.*s\n", (int)n, line);
        line += n + (line[n] == '\n');
    }
}

/* What opened the capture here opens it there, too. */
static void keys(const char *option, const char *const *names, size_t n)
{
    char shown[1024];

    for (size_t i = 0; i < n; i++) {
        wst_tool_safe(shown, sizeof shown, names[i], strlen(names[i]));
        printf(" %s %s", option, shown);
    }
}

static void see(const struct request *r, const char *what)
{
    const struct wst_tool_key_options *k = &r->lesson.keys;

    printf("  see: wstrace explain %s %s", r->shown, what);
    keys("--keylog", (const char *const *)k->keylogs, k->keylogs_n);
    keys("--rsa-key", (const char *const *)k->rsa_keys, k->rsa_keys_n);
    putchar('\n');
}

static void tell(const struct sitting *s, const struct wst_question *q)
{
    printf("  answer: ");
    inked(s, "\x1b[1m", q->answer);
    putchar('\n');
    paragraph(q->explanation);
    if (q->see[0]) see(s->request, q->see);
}

/* The next line of standard input without its end. False: there is none, or q. */
static bool answer_read(char *to, size_t size)
{
    fflush(stdout);
    if (!fgets(to, (int)size, stdin)) return false;
    size_t n = strlen(to);
    if (n && to[n - 1] != '\n')
        for (int c; (c = getchar()) != EOF && c != '\n';) {
        }
    while (n && (to[n - 1] == '\n' || to[n - 1] == '\r' || to[n - 1] == ' ')) to[--n] = '\0';
    return strcmp(to, "q") != 0;
}

static bool sit_one(struct sitting *s, size_t i)
{
    const struct wst_question *q = wst_quiz_question(s->quiz, i);
    char answer[256];

    ask(s, i, q);
    if (s->request->answers) {
        tell(s, q);
        putchar('\n');
        return true;
    }
    fputs("> ", stdout);
    if (!answer_read(answer, sizeof answer)) {
        putchar('\n');
        return false;
    }
    s->asked++;
    /* What was typed is on the screen only when it was typed there. */
    if (!isatty(STDIN_FILENO)) putchar('\n');
    if (wst_quiz_right(q, answer)) {
        s->right++;
        inked(s, "\x1b[32m", "  right\n");
    } else {
        inked(s, answer[0] ? "\x1b[31m" : "\x1b[33m", answer[0] ? "  wrong\n" : "  passed\n");
        tell(s, q);
    }
    putchar('\n');
    return true;
}

static int sit(const struct request *r, struct wst_quiz *quiz, uint64_t unread)
{
    struct sitting s = {.request = r, .quiz = quiz, .n = wst_quiz_draw(quiz, r->count)};

    s.colour = wst_tool_lesson_colour(&r->lesson, STDOUT_FILENO);
    if (s.n == 0) {
        wst_tool_say("%s: there is nothing in it to ask about%s", r->capture,
                     unread ? ", as far as it could be read: keys are missing (--keylog FILE)"
                            : "");
        return WST_TOOL_TROUBLE;
    }
    printf("%zu question%s from %s, seed %" PRIu64 "\n\n", s.n, s.n == 1 ? "" : "s", r->shown,
           r->seed);
    for (size_t i = 0; i < s.n && sit_one(&s, i); i++) {
    }
    if (!r->answers) {
        printf("%zu of %zu right", s.right, s.n);
        if (s.asked < s.n) printf(", %zu not answered", s.n - s.asked);
        putchar('\n');
    }
    if (wst_tool_stdout_done()) return WST_TOOL_TROUBLE;
    return r->answers || s.right == s.n ? WST_TOOL_FINE : WST_TOOL_FOUND;
}

static int quiz(const struct request *r)
{
    struct wst_quiz *q = wst_quiz_new(r->seed);
    int status = WST_TOOL_TROUBLE;

    if (q) {
        struct wst_event_stats stats = {0};
        struct wst_tool_pupil pupil = {
            .wire = wst_quiz_wire(q), .listener = wst_quiz_listener(q), .stats = &stats};
        bool any;
        status = wst_tool_lesson_read(&r->lesson, r->capture, &pupil, &any);
        if (any) { /* of a damaged file, about what is before the damage */
            int end = sit(r, q, stats.tls_no_key);
            status = status ? status : end;
        }
    } else {
        wst_tool_say("out of memory");
    }
    wst_quiz_free(q);
    return status;
}

static int quiz_checked(struct request *r)
{
    if (r->help) return help();
    if (r->capture == NULL) return wst_tool_misuse("quiz wants a capture");
    if (strcmp(r->capture, "-") == 0 && !r->answers)
        return wst_tool_misuse("the answers come from standard input; the capture cannot, too");
    if (r->seed == UINT64_MAX) { /* short enough to be written on a blackboard */
        if (getentropy(&r->seed, sizeof r->seed) != 0) r->seed = (uint64_t)getpid();
        r->seed %= 1000000;
    }
    return quiz(r);
}

int wst_tool_quiz(int argc, char **argv)
{
    struct request r = {.count = 10, .seed = UINT64_MAX};
    int status = wst_tool_lesson_begin(&r.lesson, argc);

    if (status == 0) status = wst_tool_args(rows, ROWS, argc, argv, &r, take_capture);
    if (status == 0) status = quiz_checked(&r);
    wst_tool_lesson_end(&r.lesson);
    return status;
}

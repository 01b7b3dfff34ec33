/* SPDX-License-Identifier: MIT
 *
 * In: a command line. Out: the exit status of the command that its first word names.
 * Refuses what is nearly a command and no file; else what is no command is left to the default,
 * which traces.
 *
 * The tool is a guest of the library: it includes <wstrace/…> and the system's headers.
 */
#include "args.h"
#include "command.h"
#include "options.h"
#include "output.h"
#include "say.h"
#include "spelling.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* One row makes the dispatch and a line of usage. The first is what happens without a command. */
static const struct wst_tool_command commands[] = {
    {"trace", "[trace] [OPTION...] FILE...", "show the WebSocket traffic of captures",
     wst_tool_trace},
    {"trace", "[trace] [OPTION...] -r FILE [FILTER]", "the same, of packets a BPF filter picks",
     wst_tool_trace},
    {"trace", "[trace] [OPTION...] -i NAME [FILTER]", "the same, live from an interface",
     wst_tool_trace},
    {"explain", "explain CAPTURE [CONN[.FRAME]]...", "a handshake, an ending, a frame bit by bit",
     wst_tool_explain},
    {"lint", "lint [OPTION...] FILE...", "only findings, a verdict for each connection",
     wst_tool_lint},
    {"report", "report [OPTION...] FILE... -o PAGE", "one HTML page to look at and pass on",
     wst_tool_report},
    {"har", "har [OPTION...] FILE... -o ARCHIVE", "an HTTP Archive for browsers and other tools",
     wst_tool_har},
    {"extract", "extract [OPTION...] FILE... -o FOLDER",
     "payloads as they are, a file for each message", wst_tool_extract},
    {"top", "top [OPTION...] -i NAME | FILE...", "a live table of connections", wst_tool_top},
    {"quiz", "quiz CAPTURE", "questions about the capture, graded", wst_tool_quiz},
    {"demo", "demo [LESSON]", "the shipped lessons: list, trace or write one", wst_tool_demo},
    {"snapshot", "snapshot [OPTION...] CAPTURE -o GOLDEN", "what was said, without what is chance",
     wst_tool_snapshot},
    {"check", "check [OPTION...] CAPTURE EXPECTED...", "a capture held against goldens or rules",
     wst_tool_check},
    {"diff", "diff [OPTION...] OLD NEW", "what two captures say differently", wst_tool_diff},
    {"replay", "replay [OPTION...] CAPTURE URL", "send again what a client sent, to a server",
     wst_tool_replay},
    {"problems", "problems [ID...]", "list the findings there are, or explain some",
     wst_tool_problems},
};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* What others call by these names. */
static const char *const elsewhere[][2] = {{"help", "--help"}, {"version", "--version"}};

/* A word that is neither a file nor a command, and nearly one. */
static const char *meant(const char *word)
{
    struct wst_tool_spelling spelling = wst_tool_spelling_of(word, strlen(word));

    if (*word == '-' || access(word, F_OK) == 0) return NULL;
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(word, elsewhere[i][0]) == 0) return elsewhere[i][1];
    for (size_t i = 0; i < COMMANDS; i++) wst_tool_spelling_try(&spelling, commands[i].name);
    return spelling.meant;
}

static const char examples[] =
    "\nExample\n"
    "  wstrace demo frames                             a shipped capture: what was said\n";

int wst_tool_help(void)
{
    for (int i = 0; i < COMMANDS; i++)
        printf("%s wstrace %-39s %s\n", i ? "      " : "Usage:", commands[i].usage,
               commands[i].what);
    wst_tool_args_help(stdout, wst_tool_trace_args, wst_tool_trace_args_n);
    fputs(examples, stdout);
    return wst_tool_stdout_done();
}

/* A capture must not be opened as descriptor 1 and be written to because the caller closed
 * standard output. In place of the three: /dev/null, opened the wrong way round so that using it
 * fails as the closed one would. */
static void keep_standard_descriptors(void)
{
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
}

int main(int argc, char **argv)
{
    const char *near;

    keep_standard_descriptors();
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is an answer of write(), see output.c */
    for (int i = 0; argc > 1 && i < COMMANDS; i++) {
        if (strcmp(argv[1], commands[i].name) != 0) continue;
        wst_tool_say_command(commands[i].name);
        if (argc == 3 && (!strcmp(argv[2], "--version") || !strcmp(argv[2], "-V")))
            return wst_tool_version();
        return commands[i].run(argc - 1, argv + 1);
    }
    if (argc > 1 && (near = meant(argv[1])))
        return wst_tool_misuse("%s is no command and no file; did you mean wstrace %s?", argv[1],
                               near);
    return commands[0].run(argc, argv);
}

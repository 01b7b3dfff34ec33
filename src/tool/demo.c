/* SPDX-License-Identifier: MIT
 *
 * In: the name of a lesson. Out: its capture, traced or written to a file; without a name, the
 * list. Refuses what is no lesson, and to write over a file that is there.
 */
#include "args.h"
#include "command.h"
#include "lesson.h"
#include "output.h"
#include "say.h"
#include "spelling.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The labs in docs/labs/ begin with these; the others go with them. */
/* clang-format off */
static const struct lesson_row {
    const char *name, *capture, *what;
    int lab; /* 0: none of its own */
} lessons[] = {
    {"handshake", "04_real_failures.pcap", "ten handshakes: granted, refused, sent elsewhere", 1},
    {"accept", "04_wrong_accept_continues.pcap", "an accept value that is wrong", 0},
    {"frames", "01_ws_plain_basic.pcap", "frames of every kind, and lengths around 125", 2},
    {"examples", "05_rfc6455_examples.pcap", "the examples of RFC 6455 section 5.7, byte for byte", 0},
    {"burst", "01_ws_plain_burst.pcap", "six hundred small messages: many frames in a packet", 0},
    {"masking", "05_unmasked_client.pcap", "a client that forgets to mask", 3},
    {"fragments", "01_ws_plain_frag.pcap", "messages in pieces, pings between them, a character cut in two", 4},
    {"compression", "05_deflate_rfc_examples.pcap", "the examples of RFC 7692 section 7.2.3, byte for byte", 5},
    {"deflate", "02_pmd_default.pcap", "a chat in which each message leans on the ones before", 0},
    {"bomb", "02_pmd_bomb.pcap", "32 MiB in 34 kB", 0},
    {"closing", "01_ws_plain_closes.pcap", "fourteen ways to end a connection", 6},
    {"after-close", "05_data_after_close.pcap", "a sender that goes on after its close", 0},
    {"broken", "09_capture_loss_one.pcap", "a capture with holes in it", 7},
    {"lossy", "09_net_loss.pcap", "a network that loses packets, and TCP that repairs it", 0},
    {"cut", "09_snap96.pcap", "packets of which only the first 96 bytes were kept", 0},
    {"late", "09_mid_deflate.pcap", "a capture that was begun too late", 0},
    {"orphans", "05_continuation_without_start.pcap", "pieces of messages that never began", 0},
    {"garbage", "05_deflate_garbage.pcap", "bytes that do not inflate", 0},
    {"utf8", "05_invalid_utf8.pcap", "text that is no text, in every way there is", 0},
    {"encrypted", "06_tls13_keyupdate_dsb.pcapng", "wss, with the secrets in the capture", 0},
    {"socketio", "08_socketio_websocket.pcap", "what Socket.IO says over WebSocket", 0},
    {"browser", "03_chromium_deflate.pcap", "what a browser says", 0},
};
/* clang-format on */
enum { LESSONS = sizeof lessons / sizeof *lessons };

struct request {
    const char *lesson, *write;
    bool help;
    char **more; /* owned; options of the trace */
    int more_n;
};

static int help(void)
{
    puts("Usage: wstrace demo                          list the lessons\n"
         "       wstrace demo LESSON [OPTION...]       trace one, with the options of a trace\n"
         "       wstrace demo LESSON --write FILE      write its capture to FILE ('-': standard "
         "output)\n\n"
         "Needs no root and no network. docs/labs/ has seven labs that begin with a lesson each.");
    return wst_tool_stdout_done();
}

static int list(void)
{
    puts("Lessons ('wstrace demo LESSON' traces one, '--write FILE' writes its capture):\n");
    for (int i = 0; i < LESSONS; i++) {
        char lab[8] = "";
        if (lessons[i].lab) snprintf(lab, sizeof lab, "lab %d", lessons[i].lab);
        printf("  %-12s %-5s  %s\n", lessons[i].name, lab, lessons[i].what);
    }
    return wst_tool_stdout_done();
}

static int find(const char *name, char *path, size_t size)
{
    struct wst_tool_spelling spelling = wst_tool_spelling_of(name, strlen(name));
    char folder[4096];

    for (int i = 0; i < LESSONS; i++) {
        if (strcmp(lessons[i].name, name) != 0) continue;
        if (wst_tool_lesson_captures(folder, sizeof folder) == NULL) {
            wst_tool_say("the shipped captures are not here; %s was to hold them", WST_CAPTURES);
            return WST_TOOL_TROUBLE;
        }
        snprintf(path, size, "%s/%s", folder, lessons[i].capture);
        return 0;
    }
    for (int i = 0; i < LESSONS; i++) wst_tool_spelling_try(&spelling, lessons[i].name);
    if (spelling.meant)
        return wst_tool_misuse("no lesson is called '%s'; did you mean %s?", name, spelling.meant);
    return wst_tool_misuse("no lesson is called '%s'; 'wstrace demo' lists them", name);
}

static int copy(int from, struct wst_tool_output *to, const char *path)
{
    uint8_t bytes[65536];
    ssize_t n;

    while ((n = read(from, bytes, sizeof bytes)) > 0)
        if (wst_tool_output_write(to, bytes, (size_t)n) < 0) break;
    if (n >= 0) return 0;
    wst_tool_say("%s: %s", path, strerror(errno));
    return WST_TOOL_TROUBLE;
}

static int write_to(const char *path, const char *name)
{
    struct wst_tool_output output = {.fd = STDOUT_FILENO, .name = "standard output"};
    int from = open(path, O_RDONLY | O_CLOEXEC), status = WST_TOOL_TROUBLE;

    if (from < 0) {
        wst_tool_say("%s: %s", path, strerror(errno));
        return WST_TOOL_TROUBLE;
    }
    if (strcmp(name, "-") != 0) {
        output.name = name;
        output.fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    }
    if (output.fd < 0) {
        wst_tool_say("%s: %s", name, strerror(errno));
    } else {
        status = copy(from, &output, path);
        int end = wst_tool_output_close(&output);
        if (status == 0) status = end;
    }
    close(from);
    return status;
}

/* The words are few, and what is not ours belongs to the trace: so they are taken by hand. */
static int take(struct request *r, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-h") == 0 || strcmp(argv[i], "--help") == 0) {
            r->help = true;
        } else if (strcmp(argv[i], "--write") == 0) {
            if (++i == argc) return wst_tool_misuse("--write wants the name of a file");
            r->write = argv[i];
        } else if (strncmp(argv[i], "--write=", 8) == 0) {
            r->write = argv[i] + 8;
        } else if (r->lesson == NULL && argv[i][0] != '-') {
            r->lesson = argv[i];
        } else {
            r->more[r->more_n++] = argv[i];
        }
    }
    if (r->lesson == NULL && (r->write || r->more_n))
        return wst_tool_misuse("demo wants the name of a lesson; 'wstrace demo' lists them");
    return r->write && r->more_n
               ? wst_tool_misuse("--write writes the capture as it is; '%s' is for "
                                 "a trace",
                                 r->more[0])
               : 0;
}

static int trace(const struct request *r, char *path)
{
    char **argv = calloc((size_t)r->more_n + 3, sizeof *argv);
    static char name[] = "trace";
    int n = 0;

    if (argv == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    argv[n++] = name;
    for (int i = 0; i < r->more_n; i++) argv[n++] = r->more[i];
    argv[n++] = path;
    int status = wst_tool_trace_lesson(n, argv);
    free(argv);
    return status;
}

int wst_tool_demo(int argc, char **argv)
{
    struct request r = {.more = calloc((size_t)argc + 1, sizeof(char *))};
    char path[4400];
    int status = r.more ? take(&r, argc, argv) : WST_TOOL_TROUBLE;

    if (status == 0 && r.help)
        status = help();
    else if (status == 0 && r.lesson == NULL)
        status = list();
    else if (status == 0 && (status = find(r.lesson, path, sizeof path)) == 0)
        status = r.write ? write_to(path, r.write) : trace(&r, path);
    free(r.more);
    return status;
}

/* SPDX-License-Identifier: MIT
 *
 * In: the name of a capture. Out: everything in it, pushed.
 * Refuses what is no capture.
 */
#include "lesson.h"

#include "say.h"
#include "stop.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct lesson {
    struct wst_context *context;
    uint32_t unread; /* link types said to be unknown */
};

static int on_packet(void *user, const struct wst_packet *packet)
{
    struct lesson *lesson = user;
    char name[64];

    if (!wst_context_reads_link_type(packet->link_type) && lesson->unread++ == 0)
        wst_tool_say("link type %" PRIu32 " (%s) is not known here; its packets are passed over",
                     packet->link_type, wst_capture_link_type_name(packet->link_type, name));
    wst_context_packet(lesson->context, packet);
    return 0;
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    (void)user;
    if (pkt || byte)
        wst_tool_say("%s: packet %" PRIu64 ", byte %" PRIu64 ": %s", source, pkt, byte, what);
    else
        wst_tool_say("%s: %s", source, what);
}

static int run(struct wst_capture *capture, struct lesson *lesson, const char *file)
{
    struct wst_capture_sink sink = {.user = lesson, .packet = on_packet, .trouble = on_trouble};
    struct wst_event_meta meta = {.sources = &file, .sources_n = 1};
    char error[WST_CAPTURE_ERROR_SIZE];

    if (wst_capture_add_file(capture, file, NULL) != 0) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    if (wst_capture_open(capture, error) != 0) {
        wst_tool_say("%s", error);
        return WST_TOOL_TROUBLE;
    }
    meta.link_types = wst_capture_link_types(capture, &meta.link_types_n);
    wst_tool_stop_on_signals(capture);
    wst_context_begin(lesson->context, &meta);
    int troubles = wst_capture_run(capture, &sink);
    wst_context_finish(lesson->context, NULL);
    wst_tool_stop_on_signals(NULL);
    return troubles || lesson->unread ? WST_TOOL_TROUBLE : 0;
}

int wst_tool_lesson_read(const char *file, const struct wst_options *options,
                         const struct wst_listener *listener)
{
    struct wst_capture *capture = wst_capture_new();
    struct lesson lesson = {wst_context_new(options, listener), 0};
    int status = WST_TOOL_TROUBLE;

    if (capture && lesson.context)
        status = run(capture, &lesson, file);
    else
        wst_tool_say("out of memory");
    wst_context_free(lesson.context);
    wst_capture_free(capture);
    return status;
}

/* -- looks ---------------------------------------------------------------------------------------
 */

int wst_tool_lesson_take_colour(void *target, const char *text)
{
    static const char *const words[] = {"auto", "always", "never"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            *(enum wst_tool_colour *)target = (enum wst_tool_colour)i;
            return 0;
        }
    return wst_tool_misuse("--color wants auto, always or never, not '%s'", text);
}

bool wst_tool_lesson_colour(enum wst_tool_colour wish, int fd)
{
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (wish != WST_TOOL_COLOUR_AUTO) return wish == WST_TOOL_COLOUR_ALWAYS;
    return isatty(fd) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

unsigned wst_tool_lesson_width(int fd)
{
    struct winsize size;

    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* -- the shipped captures ------------------------------------------------------------------------
 */

static bool is_folder(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* The folder of the running program; false: the system does not tell. */
static bool own_folder(char *path, size_t size)
{
    ssize_t n = readlink("/proc/self/exe", path, size - 1);

    if (n <= 0) return false;
    path[n] = '\0';
    char *slash = strrchr(path, '/');
    if (slash) *slash = '\0';
    return slash != NULL;
}

const char *wst_tool_lesson_captures(char *path, size_t size)
{
    static const char *const beside[] = {
        "../../captures",            /* build/release/wstrace in the sources */
        "../share/wstrace/captures", /* bin/wstrace, wherever it was moved to */
    };
    char own[4096];

    for (size_t i = 0; own_folder(own, sizeof own) && i < sizeof beside / sizeof *beside; i++)
        if ((size_t)snprintf(path, size, "%s/%s", own, beside[i]) < size && is_folder(path))
            return path;
    if ((size_t)snprintf(path, size, "%s", WST_CAPTURES) < size && is_folder(path)) return path;
    return NULL;
}

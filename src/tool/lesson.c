/* SPDX-License-Identifier: MIT
 *
 * In: the name of a capture. Out: everything in it, pushed.
 * Refuses what is no capture.
 */
#include "lesson.h"

#include "broker.h"
#include "say.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

struct reading {
    struct wst_context *context;
    struct wst_capture *capture;
    struct wst_tool_keys keys;
    struct wst_tool_broker *broker; /* or NULL */
    const struct wst_tool_pupil *pupil;
    uint32_t unread; /* packets of link types that are not known */
    bool follow;     /* keys may come while packets do */
};

static int on_packet(void *user, const struct wst_packet *packet)
{
    struct reading *reading = user;
    char name[64];

    if (!wst_context_reads_link_type(packet->link_type) && reading->unread++ == 0)
        wst_tool_say("link type %" PRIu32 " (%s) is not known here; its packets are passed over",
                     packet->link_type, wst_capture_link_type_name(packet->link_type, name));
    if (reading->follow) wst_tool_keys_look(&reading->keys, false);
    wst_context_packet(reading->context, packet);
    return reading->pupil->enough && reading->pupil->enough(reading->pupil->user);
}

static void on_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    struct reading *reading = user;

    wst_tool_keys_secrets(&reading->keys, type, secrets);
}

/* A connection without its key: the secrets may stand behind the packets. */
static void on_wanted(void *user)
{
    struct reading *reading = user;

    wst_capture_secrets_ahead(reading->capture, wst_tool_keys_secrets, &reading->keys);
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

static bool grows(const char *file)
{
    struct stat st;

    return strcmp(file, "-") == 0 && fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode);
}

/* Key logs that grow may be replaced, or not be there yet. */
static int start_broker(struct reading *reading, const struct wst_tool_lesson *lesson)
{
    const char **names = calloc(WST_TOOL_KEYS_NAMES(&lesson->keys), sizeof *names);
    struct wst_tool_brokered files = {.readable = names};

    if (names) files.readable_n = wst_tool_keys_names(&lesson->keys, names);
    if (names) reading->keys.broker = reading->broker = wst_tool_broker_start(&files);
    free(names);
    if (reading->broker) return 0;
    wst_tool_say("cannot start another process: %s", strerror(errno));
    return WST_TOOL_TROUBLE;
}

/* What can be opened is opened; from then on nothing can. */
static int prepare(struct reading *reading, const struct wst_tool_lesson *lesson, const char *file)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    int status;

    if (wst_capture_add_file(reading->capture, file, NULL) != 0) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    if (wst_capture_open(reading->capture, error) != 0) {
        wst_tool_say("%s", error);
        return WST_TOOL_TROUBLE;
    }
    reading->follow = wst_tool_keys_may_come(&lesson->keys, grows(file));
    status =
        wst_tool_keys_open(&reading->keys, reading->context, &lesson->keys, NULL, reading->follow);
    if (status == 0 && reading->follow) status = start_broker(reading, lesson);
    return status ? status : wst_tool_confine(&lesson->confinement, NULL, 0);
}

static int run(struct reading *reading, const struct wst_tool_lesson *lesson, const char *file,
               bool *any)
{
    struct wst_capture_sink sink = {
        .user = reading, .packet = on_packet, .trouble = on_trouble, .secrets = on_secrets};
    struct wst_event_meta meta = {.sources = &file, .sources_n = 1};
    int status = prepare(reading, lesson, file);

    if (status) return status;
    *any = true;
    struct wst_tls_hooks hooks = {
        .user = reading, .wanted = on_wanted, .keys_may_come = reading->follow};
    wst_context_tls(reading->context, &hooks);
    meta.link_types = wst_capture_link_types(reading->capture, &meta.link_types_n);
    wst_tool_stop_on_signals(reading->capture);
    wst_context_begin(reading->context, &meta);
    int troubles = wst_capture_run(reading->capture, &sink);
    wst_tool_keys_look(&reading->keys, true);
    wst_context_finish(reading->context, NULL);
    wst_tool_stop_on_signals(NULL);
    if (reading->pupil->stats) wst_context_stats(reading->context, reading->pupil->stats);
    return troubles || reading->unread ? WST_TOOL_TROUBLE : 0;
}

int wst_tool_lesson_read(const struct wst_tool_lesson *lesson, const char *file,
                         const struct wst_tool_pupil *pupil, bool *any)
{
    struct wst_options options;
    int status = WST_TOOL_TROUBLE;

    *any = false;
    wst_options_init(&options);
    options.wire = &pupil->wire;
    options.headers = true; /* of a stream of HTTP/2 the wire has no head */
    struct reading reading = {.context = wst_context_new(&options, &pupil->listener),
                              .capture = wst_capture_new(),
                              .pupil = pupil};
    if (reading.capture && reading.context)
        status = run(&reading, lesson, file, any);
    else
        wst_tool_say("out of memory");
    wst_tool_keys_close(&reading.keys);
    wst_tool_broker_end(reading.broker);
    wst_context_free(reading.context);
    wst_capture_free(reading.capture);
    return status;
}

/* -- the command line -------------------------------------------------------------------------- */

int wst_tool_lesson_begin(struct wst_tool_lesson *lesson, int argc)
{
    lesson->keys.keylogs = calloc((size_t)argc + 1, sizeof *lesson->keys.keylogs);
    lesson->keys.rsa_keys = calloc((size_t)argc + 1, sizeof *lesson->keys.rsa_keys);
    if (lesson->keys.keylogs && lesson->keys.rsa_keys) return 0;
    wst_tool_say("out of memory");
    return WST_TOOL_TROUBLE;
}

void wst_tool_lesson_end(struct wst_tool_lesson *lesson)
{
    free(lesson->keys.keylogs);
    free(lesson->keys.rsa_keys);
}

int wst_tool_lesson_take_keylog(void *target, const char *text)
{
    struct wst_tool_lesson *lesson = target;

    lesson->keys.keylogs[lesson->keys.keylogs_n++] = text;
    return 0;
}

int wst_tool_lesson_take_rsa_key(void *target, const char *text)
{
    struct wst_tool_lesson *lesson = target;

    lesson->keys.rsa_keys[lesson->keys.rsa_keys_n++] = text;
    return 0;
}

/* -- looks ------------------------------------------------------------------------------------- */

int wst_tool_lesson_take_colour(void *target, const char *text)
{
    static const char *const words[] = {"auto", "always", "never"};

    for (int i = 0; i < 3; i++)
        if (strcmp(text, words[i]) == 0) {
            ((struct wst_tool_lesson *)target)->colour = (enum wst_tool_colour)i;
            return 0;
        }
    return wst_tool_misuse("--color wants auto, always or never, not '%s'", text);
}

bool wst_tool_lesson_colour(const struct wst_tool_lesson *lesson, int fd)
{
    enum wst_tool_colour wish = lesson->colour;
    const char *no = getenv("NO_COLOR"), *terminal = getenv("TERM");

    if (wish != WST_TOOL_COLOUR_AUTO) return wish == WST_TOOL_COLOUR_ALWAYS;
    return isatty(fd) && !(no && *no) && terminal && strcmp(terminal, "dumb") != 0;
}

unsigned wst_tool_lesson_width(int fd)
{
    struct winsize size;

    return isatty(fd) && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* -- the shipped captures ---------------------------------------------------------------------- */

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
        "../share/wstrace/captures", /* bin/wstrace, wherever it was moved to */
        "../../captures",            /* build/release/wstrace in the sources */
    };
    char own[4096];

    for (size_t i = 0; own_folder(own, sizeof own) && i < sizeof beside / sizeof *beside; i++)
        if ((size_t)snprintf(path, size, "%s/%s", own, beside[i]) < size && is_folder(path))
            return path;
    if ((size_t)snprintf(path, size, "%s", WST_CAPTURES) < size && is_folder(path)) return path;
    return NULL;
}

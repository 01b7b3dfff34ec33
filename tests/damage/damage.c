/* SPDX-License-Identifier: MIT
 *
 * In: capture files. Out: nothing, unless one of their damaged versions makes the library crash,
 * hang, leak or print what is not JSON.
 *
 *     damage [--cuts N] [--every-below BYTES] [--flips N] [--seed S] [--bits N] [--shard I/N]
 *            [--case K] [--keep PATH] FILE|FOLDER…
 *
 * --cuts N          each file cut at N places, spread evenly
 * --every-below B   files smaller than B bytes: cut at every place
 * --flips N         N versions of each file with 1 to --bits (8) random bytes changed
 * --case K          only that case of each file, as a failure names it; --keep: leave the input
 * there
 *
 * After a failure it goes on behind it, until ten are found. Both renderers listen. Every line of
 * JSON is parsed by jansson; the text may hold no control character but the newline. Each case is
 * the whole way: file, context, renderers, end.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "captures.h"

enum { HANG_SECONDS = 30, MAX_FAILURES = 10 };

static struct {
    uint64_t cuts, every_below, flips, bits, seed, shard, shards;
    int64_t only;
    const char *keep;
} options = {.bits = 8, .seed = 1, .shards = 1, .only = -1};

/* What is being done. Shared with the parent, which tells it when the child dies, and starts
 * another child behind that case. */
static struct now {
    char file[512];
    uint64_t file_number, number, cases;
    char how[16];
    uint64_t at;
} * now;

static uint64_t skip_files, skip_cases; /* what former children did */

static void fail(const char *what)
{
    fprintf(stderr, "damage: %s\n", what);
    exit(1);
}

/* -- what is printed, looked at ------------------------------------------------------------- */

struct sink {
    char *line; /* the unfinished one */
    size_t n, capacity;
    uint64_t lines;
    bool json;
    char last[16]; /* type of the last event */
};

static void check_json(struct sink *sink, const char *p, size_t n)
{
    /* JSON_DECODE_INT_AS_REAL: a declared length may be above 2^63. */
    json_error_t error;
    json_t *value =
        json_loadb(p, n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, &error);
    const char *type = json_string_value(json_object_get(value, "type"));
    if (!type) {
        fprintf(stderr, "%.*s\n%s at %d\n", (int)(n < 2000 ? n : 2000), p, error.text,
                error.position);
        fail("prints what is not an event in JSON");
    }
    if ((sink->lines == 0) != (strcmp(type, "meta") == 0)) fail("meta is not the first line");
    if (strcmp(sink->last, "stats") == 0) fail("prints after stats");
    snprintf(sink->last, sizeof sink->last, "%s", type);
    json_decref(value);
}

static void check_text(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        bool c1 = c == 0xc2 && i + 1 < n && ((unsigned char)p[i + 1] & 0xe0) == 0x80;
        if (c < 0x20 || c == 0x7f || c1) {
            fprintf(stderr, "%.*s\n", (int)(n < 2000 ? n : 2000), p);
            fail("prints a control character");
        }
    }
}

static void check_line(struct sink *sink, const char *p, size_t n)
{
    if (sink->json)
        check_json(sink, p, n);
    else
        check_text(p, n);
    sink->lines++;
}

static void keep_rest(struct sink *sink, const char *p, size_t n)
{
    if (sink->n + n > sink->capacity) {
        sink->capacity = (sink->n + n) * 2;
        sink->line = realloc(sink->line, sink->capacity);
        if (!sink->line) fail("out of memory");
    }
    if (n) memcpy(sink->line + sink->n, p, n);
    sink->n += n;
}

static int take(void *user, const uint8_t *bytes, size_t n)
{
    struct sink *sink = user;
    const char *p = (const char *)bytes, *end = p + n;
    for (const char *newline; (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1) {
        if (sink->n) {
            keep_rest(sink, p, (size_t)(newline - p));
            check_line(sink, sink->line, sink->n);
            sink->n = 0;
        } else {
            check_line(sink, p, (size_t)(newline - p));
        }
        if (newline + 1 == end) return 0;
    }
    keep_rest(sink, p, (size_t)(end - p));
    return 0;
}

static struct sink json_sink = {.json = true}, text_sink;

static void sink_done(struct sink *sink)
{
    if (sink->n) fail("the last line has no newline");
    if (sink->json && strcmp(sink->last, "stats") != 0) fail("the last line is not stats");
    sink->lines = 0;
    sink->last[0] = '\0';
}

/* -- the whole way -------------------------------------------------------------------------- */

struct listeners {
    struct wst_listener json, text;
};

static void both(void *user, const struct wst_event *event)
{
    struct listeners *l = user;
    l->json.event(l->json.user, event);
    l->text.event(l->text.user, event);
}

static int packet(void *user, const struct wst_packet *p)
{
    wst_context_packet(user, p);
    return 0;
}

static void trouble(void *user, const char *source, uint64_t pkt, uint64_t byte, const char *what)
{
    (void)user, (void)source, (void)pkt, (void)byte;
    if (!what || !*what || strchr(what, '\n')) fail("a trouble is not a sentence");
}

static void secrets(void *user, uint32_t type, struct wst_slice bytes)
{
    (void)type;
    wst_context_keylog(user, bytes, true);
}

static void trace(struct wst_capture *capture, const char *path, struct listeners *to)
{
    char error[WST_CAPTURE_ERROR_SIZE] = "";
    struct wst_listener listener = {.user = to, .event = both};
    struct wst_options o;
    wst_options_init(&o);
    o.hash_seed[0] = o.hash_seed[1] = 1;
    o.headers = now->number & 1;
    o.verify_checksums = false;
    struct wst_context *context = wst_context_new(&o, &listener);
    if (!context) fail("out of memory");
    captures_keys(context, now->file);

    struct wst_event_meta meta = {.sources = &path, .sources_n = 1};
    int opened = wst_capture_open(capture, error);
    if (opened != 0 && !error[0]) fail("open fails without a word");
    if (opened == 0) meta.link_types = wst_capture_link_types(capture, &meta.link_types_n);
    wst_context_begin(context, &meta);
    struct wst_capture_sink sink = {
        .user = context, .packet = packet, .secrets = secrets, .trouble = trouble};
    if (opened == 0) wst_capture_run(capture, &sink);
    wst_context_finish(context, NULL);
    if (!captures_free(context)) fail("the budget does not come to 0");
}

/* Processor time: on a busy machine no case takes longer. What sleeps for good is ctest's to find. */
static void hang_guard(unsigned seconds)
{
    struct itimerval timer = {.it_value.tv_sec = seconds};
    if (setitimer(ITIMER_PROF, &timer, NULL)) fail("no timer");
}

static void run_case(const char *path)
{
    hang_guard(HANG_SECONDS);
    struct wst_text_options text = {.max_text = 80, .frames = true, .headers = true};
    struct wst_render *json = wst_render_json_new(take, &json_sink);
    struct wst_render *words = wst_render_text_new(&text, take, &text_sink);
    struct wst_capture *capture = wst_capture_new();
    if (!json || !words || !capture) fail("out of memory");
    struct listeners to = {wst_render_listener(json), wst_render_listener(words)};
    if (wst_capture_add_file(capture, path, NULL)) fail("out of memory");
    trace(capture, path, &to);
    if (wst_render_flush(json) || wst_render_flush(words)) fail("a renderer fails");
    wst_render_free(json);
    wst_render_free(words);
    wst_capture_free(capture);
    sink_done(&json_sink);
    sink_done(&text_sink);
    hang_guard(0);
    now->cases++;
}

/* -- damage --------------------------------------------------------------------------------- */

static uint64_t random_next(uint64_t *state) /* xorshift64* */
{
    *state ^= *state >> 12, *state ^= *state << 25, *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dULL;
}

/* The damaged file: one file all the time, cut from long to short, flipped and mended. */
struct victim {
    int fd;
    const uint8_t *p;
    size_t n;
};

static char victim_path[256];

static void write_at(const struct victim *v, const uint8_t *p, size_t n, size_t at)
{
    while (n > 0) {
        ssize_t done = pwrite(v->fd, p, n, (off_t)at);
        if (done <= 0) fail("cannot write the damaged file");
        p += done, n -= (size_t)done, at += (size_t)done;
    }
}

static bool wanted(void)
{
    if (now->file_number < skip_files) return false;
    if (now->file_number == skip_files && now->number < skip_cases) return false;
    if (options.only >= 0) return now->number == (uint64_t)options.only;
    return now->number % options.shards == options.shard;
}

static void keep(const struct victim *v)
{
    FILE *file = fopen(options.keep, "wb");
    uint8_t block[65536];
    ssize_t n = 0;
    for (off_t at = 0; file && (n = pread(v->fd, block, sizeof block, at)) > 0; at += n)
        if (fwrite(block, 1, (size_t)n, file) != (size_t)n) n = -1;
    if (!file || n < 0 || fclose(file) != 0) fail("cannot keep the damaged file");
}

static void run_wanted(const struct victim *v)
{
    if (wanted()) {
        if (options.only >= 0 && options.keep) keep(v);
        run_case(victim_path);
    }
    now->number++;
}

static void cut(const struct victim *v)
{
    uint64_t places = v->n < options.every_below ? v->n : options.cuts < v->n ? options.cuts : v->n;
    strcpy(now->how, "cut to");
    for (uint64_t i = places; i-- > 0;) {
        now->at = (uint64_t)((double)v->n * (double)i / (double)places);
        if (ftruncate(v->fd, (off_t)now->at) != 0) fail("cannot cut");
        run_wanted(v);
    }
    if (ftruncate(v->fd, 0) != 0) fail("cannot cut");
    write_at(v, v->p, v->n, 0);
}

static void flip(const struct victim *v)
{
    strcpy(now->how, "flip");
    for (uint64_t i = 0; i < options.flips && v->n; i++) {
        size_t places[256];
        uint64_t state =
            (options.seed * 0x9e3779b97f4a7c15ULL) ^ (i * 0xbf58476d1ce4e5b9ULL) ^ v->n;
        if (state == 0) state = 1;
        for (int warm = 0; warm < 4; warm++) random_next(&state);
        size_t n = 1 + random_next(&state) % options.bits;
        for (size_t k = 0; k < n; k++) {
            /* Half of the flips go to the first kilobytes: file and packet headers, handshakes. */
            uint64_t r = random_next(&state);
            size_t span = (r & 1) && v->n > 4096 ? 4096 : v->n;
            places[k] = (size_t)((r >> 1) % span);
            uint8_t byte = (uint8_t)(v->p[places[k]] ^ (1 + random_next(&state) % 255));
            write_at(v, &byte, 1, places[k]);
        }
        now->at = i;
        run_wanted(v);
        for (size_t k = 0; k < n; k++) write_at(v, v->p + places[k], 1, places[k]);
    }
}

static void damage_file(const char *path, size_t size)
{
    struct victim v = {.n = size};
    FILE *file = fopen(path, "rb");
    uint8_t *p = malloc(size + 1);
    if (!file || !p || fread(p, 1, size, file) != size) fail("cannot read it");
    fclose(file);
    v.p = p;
    v.fd = open(victim_path, O_RDWR | O_TRUNC | O_CLOEXEC);
    if (v.fd < 0) fail("cannot open the file to damage");
    write_at(&v, p, size, 0);

    snprintf(now->file, sizeof now->file, "%s", path);
    strcpy(now->how, "whole");
    now->number = 0, now->at = size;
    run_wanted(&v);
    if (options.cuts || size < options.every_below) cut(&v);
    flip(&v);
    now->file_number++;

    close(v.fd);
    free(p);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = strtoull(text, &end, 0);
    if (end == text || (*end && *end != '/')) {
        fprintf(stderr, "damage: not a number: %s\n", text);
        exit(2);
    }
    return value;
}

static bool option(const char *name, const char *value)
{
    static const struct {
        const char *name;
        uint64_t *value;
    } numbers[] = {
        {"--cuts", &options.cuts},   {"--every-below", &options.every_below},
        {"--flips", &options.flips}, {"--bits", &options.bits},
        {"--seed", &options.seed},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (strcmp(name, numbers[i].name) != 0) continue;
        *numbers[i].value = number(value);
        return true;
    }
    if (strcmp(name, "--case") == 0) {
        options.only = (int64_t)number(value);
    } else if (strcmp(name, "--keep") == 0) {
        options.keep = value;
    } else if (strcmp(name, "--shard") == 0 && strchr(value, '/')) {
        options.shard = number(value);
        options.shards = number(strchr(value, '/') + 1);
    } else {
        return false;
    }
    return true;
}

/* The child. Leaks are found when it exits. */
static void run_all(char **paths)
{
    now->file_number = 0;
    for (; *paths; paths++) captures_each(*paths, 0, damage_file);
    free(json_sink.line);
    free(text_sink.line);
    exit(0);
}

static void tell(int status)
{
    const char *what = "the library, or what it prints, is at fault";
    if (WIFSIGNALED(status)) what = WTERMSIG(status) == SIGPROF ? "it hangs" : "it crashes";
    fprintf(stderr,
            "damage: %s: %s, --case %" PRIu64 " (%s %" PRIu64 ") --seed %" PRIu64 " --bits %" PRIu64
            "\n\n",
            what, now->file, now->number, now->how, now->at, options.seed, options.bits);
}

static int supervise(char **paths)
{
    int failures = 0, status = 1;
    do {
        pid_t child = fork();
        if (child == 0) run_all(paths);
        if (child < 0 || waitpid(child, &status, 0) != child) fail("cannot fork");
        if (status == 0) break;
        if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return 2;
        tell(status);
        skip_files = now->file_number, skip_cases = now->number + 1;
    } while (++failures < MAX_FAILURES && options.only < 0);
    unlink(victim_path);
    printf("%" PRIu64 " damaged captures, %d of them not survived\n", now->cases, failures);
    return failures ? 1 : 0;
}

static bool prepare(void)
{
    const char *folder = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR");
    snprintf(victim_path, sizeof victim_path, "%s/wstrace-damage-XXXXXX", folder ? folder : "/tmp");
    int fd = mkstemp(victim_path);
    if (fd >= 0) close(fd);
    now = mmap(NULL, sizeof *now, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return fd >= 0 && now != MAP_FAILED;
}

int main(int argc, char **argv)
{
    int i = 1;
    for (; i + 1 < argc && strncmp(argv[i], "--", 2) == 0; i += 2)
        if (!option(argv[i], argv[i + 1])) break;
    if (i >= argc || argv[i][0] == '-' || options.bits < 1 || options.bits > 256 ||
        options.shards < 1) {
        fprintf(stderr, "usage: damage [OPTION VALUE]… FILE|FOLDER…\n");
        return 2;
    }
    if (!prepare()) fail("cannot make a file to damage");
    return supervise(argv + i);
}

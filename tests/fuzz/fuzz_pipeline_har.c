/* SPDX-License-Identifier: MIT
 *
 * Everything between the bytes of a capture file and an archive: it is valid JSON, whatever there
 * is room for in memory, in the file it waits in, and in its output. The input's length says how
 * much.
 */
#include "capture/memory.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <wstrace/har.h>
#include <wstrace/wstrace.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
    uint8_t *p;
    size_t n, most;
    bool cut;
};

static int on_write(void *user, const uint8_t *p, size_t n)
{
    struct bytes *b = user;
    size_t fits = b->most - b->n < n ? b->most - b->n : n;
    b->p = realloc(b->p, b->n + fits + 1);
    if (!b->p) abort();
    if (fits) memcpy(b->p + b->n, p, fits);
    b->n += fits;
    return fits == n ? 0 : -1;
}

static int64_t on_read(void *user, uint64_t at, uint8_t *p, size_t n)
{
    struct bytes *b = user;
    if (at >= b->n) return -1;
    if (n > b->n - at) n = b->n - (size_t)at;
    memcpy(p, b->p + at, n);
    return (int64_t)n;
}

static int on_cut(void *user, uint64_t n)
{
    struct bytes *b = user;
    if (n > b->n) return -1;
    b->n = (size_t)n;
    b->cut = true;
    return 0;
}

static int on_packet(void *user, const struct wst_packet *p)
{
    wst_context_packet(user, p);
    return 0;
}

static void read_all(struct wst_slice file, struct wst_har *har)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    const char *const sources[] = {"input\x1b"};
    struct wst_event_meta meta = {.sources = sources, .sources_n = 1};
    struct wst_listener listener = wst_har_listener(har);
    struct wst_options options;
    wst_options_init(&options);
    options.headers = true;
    struct wst_context *context = wst_context_new(&options, &listener);
    struct wst_capture *capture = wst_capture_new();
    struct wst_capture_sink sink = {.user = context, .packet = on_packet};
    if (!context || !capture) abort();
    if (wst_capture_add_memory(capture, "input", file, NULL)) abort();
    if (wst_capture_open(capture, error) != 0) memset(error, 0, sizeof error);
    wst_context_begin(context, &meta);
    wst_capture_run(capture, &sink);
    wst_context_finish(context, NULL);
    wst_context_free(context);
    wst_capture_free(capture);
}

static void archive(struct wst_slice file, size_t room, size_t spooled, bool lent)
{
    struct bytes out = {.most = room}, waiting = {.most = spooled};
    struct wst_har_spool spool = {&waiting, on_write, on_read, NULL};
    struct wst_har_options options;
    wst_har_options_init(&options);
    options.memory = 1 << 16;
    options.spool = lent ? &spool : NULL;
    options.cut = on_cut;
    struct wst_har *har = wst_har_new(&options, on_write, &out);
    if (!har) abort();
    read_all(file, har);
    if (wst_har_left(har).unread) abort();
    if (!wst_har_failed(har) || out.cut) {
        json_error_t error;
        json_t *json =
            json_loadb((const char *)out.p, out.n, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
        if (!json) abort();
        json_decref(json);
    }
    wst_har_free(har);
    free(out.p);
    free(waiting.p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wst_slice file = {data, size};
    archive(file, SIZE_MAX, SIZE_MAX, true);
    archive(file, SIZE_MAX, size % 7 * 20000, true);
    archive(file, SIZE_MAX, 0, false);
    archive(file, 1000 + size % 11 * 9000, SIZE_MAX, true);
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * The door of the capture room: any bytes as a capture file, or two of them.
 *
 *     | options 1 | file …        bit 0: with a filter; bit 1: the same bytes are also a second
 *                                 file; bit 2: stop at the third packet; bit 3: with the first
 *                                 packet, look ahead for secrets; bit 4: packets come by the row
 */
#include "capture/memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    uint64_t pkt;
    uint64_t stop_at;
    unsigned troubles;
    struct wst_capture *ahead; /* to look ahead in; NULL: not, or done */
    volatile uint8_t sum;
};

/* Reads everything that is handed out; a sanitizer watches. */
static void touch(struct seen *seen, struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++) seen->sum ^= s.p[i];
}

/* It said that it has enough. */
static bool over(const struct seen *seen)
{
    return seen->stop_at && seen->pkt >= seen->stop_at;
}

static void on_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    (void)type;
    touch(user, secrets);
}

static int on_packet(void *user, const struct wst_packet *p)
{
    struct seen *seen = user;
    if (p->when.pkt <= seen->pkt) abort(); /* numbers rise */
    if (over(seen)) abort();
    seen->pkt = p->when.pkt;
    if (seen->ahead) wst_capture_secrets_ahead(seen->ahead, on_secrets, seen);
    seen->ahead = NULL;
    touch(seen, p->data);                               /* still there */
    return over(seen);                                  /* the third may not match the filter */
}

static int on_packets(void *user, const struct wst_packet *packets, size_t n)
{
    for (size_t i = 0; i < n; i++) touch(user, packets[i].data); /* all are there at once */
    for (size_t i = 0; i < n; i++)
        if (on_packet(user, &packets[i]) != 0) return 1;
    return 0;
}

/* On the file, or on the packet that comes next. */
static void on_comment(void *user, uint64_t pkt, struct wst_slice text)
{
    struct seen *seen = user;
    if (over(seen)) abort();
    if (pkt != 0 && pkt <= seen->pkt) abort();
    touch(seen, text);
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    struct seen *seen = user;
    (void)pkt;
    (void)byte;
    if (over(seen)) abort();
    seen->troubles++;
    if (!*source || !*what || strchr(what, '\n')) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct wst_capture *c;
    struct seen seen = {0};
    struct wst_capture_sink sink = {.user = &seen,
                                    .packet = on_packet,
                                    .secrets = on_secrets,
                                    .comment = on_comment,
                                    .trouble = on_trouble};
    struct wst_slice file;
    if (size < 1) return 0;
    file = (struct wst_slice){data + 1, size - 1};
    c = wst_capture_new();
    if (!c) return 0;
    if (data[0] & 1) wst_capture_set_filter(c, "ip or greater 60");
    if (data[0] & 4) seen.stop_at = 3;
    if (data[0] & 8) seen.ahead = c;
    if (data[0] & 16) sink.packets = on_packets;
    wst_capture_add_memory(c, "one", file, NULL);
    if (data[0] & 2) wst_capture_add_memory(c, "two", file, "less 1000");
    if (wst_capture_open(c, error) < 0) {
        if (!*error || strchr(error, '\n')) abort();
    } else if (wst_capture_run(c, &sink) != (int)seen.troubles) {
        abort();
    }
    wst_capture_free(c);
    return 0;
}

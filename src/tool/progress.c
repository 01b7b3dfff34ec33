/* SPDX-License-Identifier: MIT
 *
 * In: how far reading has come. Out: one line on a terminal, rewritten in place.
 * Refuses to show itself where standard error is no terminal, and in the first second.
 */
#include "progress.h"

#include "now.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
    CHECK_PACKETS = 256, /* between looks at the clock */
    MEGA = 1000000
};
static const int64_t first_ns = 1000000000, again_ns = 200000000;

/* A terminal that can take back what it shows. */
static bool can_show(void)
{
    const char *terminal = getenv("TERM");

    return isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

static void put(const char *text, size_t n)
{
    if (write(STDERR_FILENO, text, n) < 0) return; /* a terminal that hung up */
}

void wst_tool_progress_start(struct wst_tool_progress *progress, const struct wst_capture *capture,
                             bool wanted)
{
    *progress = (struct wst_tool_progress){.capture = wanted && can_show() ? capture : NULL};
    if (progress->capture) progress->next_ns = wst_tool_now_steady() + first_ns;
}

static void draw(struct wst_tool_progress *progress)
{
    uint64_t total = wst_capture_total_bytes(progress->capture);
    uint64_t done = wst_capture_read_bytes(progress->capture);
    char line[96];
    int n;

    if (total > 0 && done <= total)
        n = snprintf(line, sizeof line,
                     "\r%3u%%  %" PRIu64 " of %" PRIu64 " MB  %" PRIu64 " packets\033[K",
                     (unsigned)((double)done * 100 / (double)total), done / MEGA, total / MEGA,
                     progress->packets);
    else
        n = snprintf(line, sizeof line, "\r%" PRIu64 " packets\033[K", progress->packets);
    put(line, (size_t)n);
    progress->shown = true;
}

void wst_tool_progress_step(struct wst_tool_progress *progress, size_t packets)
{
    uint64_t before = progress->packets;
    int64_t now;

    if (progress->capture == NULL) return;
    progress->packets += packets;
    if (before / CHECK_PACKETS == progress->packets / CHECK_PACKETS) return;
    now = wst_tool_now_steady();
    if (now < progress->next_ns) return;
    progress->next_ns = now + again_ns;
    draw(progress);
}

/* What is longer than a line would not be taken back whole. */
static int columns(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1 ? size.ws_col - 1 : 79;
}

void wst_tool_progress_show(struct wst_tool_progress *progress, const char *text)
{
    char line[320];
    int n;

    if (can_show())
        n = snprintf(line, sizeof line, "\r%.*s\033[K", columns() < 300 ? columns() : 300, text);
    else
        n = snprintf(line, sizeof line, "%s\n", text);
    put(line, (size_t)n);
    progress->shown = can_show();
}

void wst_tool_progress_erase(struct wst_tool_progress *progress)
{
    if (!progress->shown) return;
    put("\r\033[K", 4);
    progress->shown = false;
}

/* SPDX-License-Identifier: MIT
 *
 * In: packets, pauses, a blocked output, SIGUSR1. Out: flushes, ticks, lines on standard error.
 * Refuses to read the clock for every packet: twenty-odd nanoseconds each would be a tenth of it.
 */
#include "attend.h"

#include "now.h"
#include "progress.h"
#include "say.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>

enum { PACKETS = 64, MEGA = 1000000, MEBI = 1 << 20 };
#define SECOND_NS 1000000000ll
static const int64_t flush_ns = 20000000; /* output waits no longer while packets pour in */
static const int64_t tick_ns = 50000000;
static const int64_t look_ns = 250000000; /* at the queue */
/* How long the output has to take what comes before it has caught up: a pager that turns a page, or
 * an output that is stuck while little waits, has not. */
static const int64_t flowing_ns = 1000000000;

/* A handler is given nothing but a number, so this one variable has to be outside. */
static volatile sig_atomic_t asked;

static void on_usr1(int number)
{
    (void)number;
    asked = 1;
}

void wst_tool_attend_start(struct wst_tool_attend *a, struct wst_capture *capture,
                           struct wst_context *context, struct wst_render *render,
                           struct wst_tool_progress *progress, uint64_t seconds)
{
    struct sigaction action = {.sa_handler = on_usr1};

    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    *a = (struct wst_tool_attend){.capture = capture,
                                  .context = context,
                                  .render = render,
                                  .progress = progress,
                                  .period_ns = (int64_t)seconds * SECOND_NS};
    a->now_ns = a->told_ns = wst_tool_now_steady();
}

void wst_tool_attend_counters(const struct wst_counters *c)
{
    wst_tool_say_bare("%" PRId64 " packet%s captured", c->captured, c->captured == 1 ? "" : "s");
    wst_tool_say_bare("%" PRId64 " packet%s received by filter", c->received,
                      c->received == 1 ? "" : "s");
    wst_tool_say_bare("%" PRId64 " packet%s dropped by kernel", c->dropped,
                      c->dropped == 1 ? "" : "s");
}

static struct wst_counters counters(const struct wst_tool_attend *a)
{
    uint64_t captured, received, dropped;

    wst_capture_counters(a->capture, &captured, &received, &dropped);
    return (struct wst_counters){(int64_t)captured, (int64_t)received, (int64_t)dropped};
}

/* tcpdump's answer to SIGUSR1 (SIGINFO on BSD): the counters, and on it goes. */
static void answer(struct wst_tool_attend *a)
{
    struct wst_counters now = counters(a);

    asked = 0;
    wst_tool_progress_erase(a->progress);
    wst_tool_attend_counters(&now);
}

static double per_second(uint64_t n, int64_t ns)
{
    return ns > 0 ? (double)n * 1e9 / (double)ns : 0;
}

static void tell_stats(struct wst_tool_attend *a)
{
    struct wst_event_stats s;
    size_t used, size;
    int64_t ns = a->now_ns - a->told_ns;
    char line[256];

    wst_context_stats(a->context, &s);
    wst_capture_queue(a->capture, &used, &size);
    snprintf(line, sizeof line,
             "%" PRIu64 " connection%s, %.0f frames/s, %.3f MB/s, %" PRId64
             " dropped, %.1f MiB, queue %.0f%%",
             s.connections, s.connections == 1 ? "" : "s", per_second(s.frames - a->frames, ns),
             per_second(s.bytes - a->bytes, ns) / MEGA, counters(a).dropped,
             (double)(wst_context_memory(a->context) + used) / MEBI,
             size ? (double)used * 100 / (double)size : 0);
    wst_tool_progress_show(a->progress, line);
    a->told_ns = a->now_ns;
    a->frames = s.frames;
    a->bytes = s.bytes;
}

/* Said once when half the queue is full, and once when that is over. */
static void look_at_queue(struct wst_tool_attend *a)
{
    size_t used, size;

    wst_capture_queue(a->capture, &used, &size);
    if (size == 0 || (a->behind ? used > size / 16 : used < size / 2)) return;
    if (a->behind && a->now_ns - a->blocked_ns < flowing_ns) return;
    a->behind = !a->behind;
    wst_tool_progress_erase(a->progress);
    if (a->behind)
        wst_tool_say("the output does not keep up: %.1f of %.1f MiB of packets wait; when the "
                     "queue is full, packets will be dropped",
                     (double)used / MEBI, (double)size / MEBI);
    else
        wst_tool_say("the output has caught up");
}

static void attend(struct wst_tool_attend *a)
{
    a->packets = 0;
    a->now_ns = wst_tool_now_steady();
    if (asked) answer(a);
    if (a->period_ns && a->now_ns - a->told_ns >= a->period_ns) tell_stats(a);
    if (a->now_ns - a->looked_ns >= look_ns) {
        a->looked_ns = a->now_ns;
        look_at_queue(a);
    }
}

/* All that the packets so far have told. */
static void flush(struct wst_tool_attend *a)
{
    a->flushed_ns = a->now_ns;
    wst_context_settle(a->context);
    if (a->render) wst_render_flush(a->render);
}

void wst_tool_attend_packet(struct wst_tool_attend *a)
{
    if (a->capture == NULL || ++a->packets < PACKETS) return;
    attend(a);
    if (a->now_ns - a->flushed_ns >= flush_ns) flush(a);
}

void wst_tool_attend_pause(struct wst_tool_attend *a, int64_t ns)
{
    if (a->capture == NULL) return;
    attend(a);
    if (ns && a->now_ns - a->ticked_ns >= tick_ns) {
        a->ticked_ns = a->now_ns;
        wst_context_tick(a->context, ns);
    }
    flush(a);
}

void wst_tool_attend_blocked(struct wst_tool_attend *a, unsigned ms)
{
    size_t used, size;

    if (a->capture == NULL) return;
    a->blocked_ns = wst_tool_now_steady();
    attend(a);
    wst_capture_queue(a->capture, &used, &size);
    if (a->behind || ms < 1000 || size == 0) return;
    a->behind = true;
    wst_tool_progress_erase(a->progress);
    wst_tool_say("the output takes no more: %.1f of %.1f MiB of packets wait; when the queue is "
                 "full, packets will be dropped",
                 (double)used / MEBI, (double)size / MEBI);
}

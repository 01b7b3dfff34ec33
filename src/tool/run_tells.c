/* SPDX-License-Identifier: MIT
 *
 * In: packets, secrets, comments, trouble, pauses. Out: the same for the context and for people.
 * Refuses to go on when the output cannot be written.
 */
#include "run.h"

#include "now.h"
#include "say.h"

#include <inttypes.h>
#include <stdio.h>

enum {
    SCREEN_PACKETS = 64, /* between looks at the keys … */
    HEAP_PACKETS = 1024  /* … and at what is held */
};

/* A link type met for the first time that cannot be read: said once, and the rest is still read. */
__attribute__((noinline)) static void meet_link_type(struct wst_tool_run *run, uint32_t link_type)
{
    char name[64];

    run->link_type = link_type;
    if (wst_context_reads_link_type(link_type)) return;
    for (unsigned i = 0; i < run->links_unread; i++)
        if (run->unread[i] == link_type) return;
    if (run->links_unread == WST_TOOL_UNREAD_MAX) return;
    run->unread[run->links_unread++] = link_type;
    wst_tool_progress_erase(&run->progress);
    wst_tool_say("link type %" PRIu32 " (%s) is not known here; its packets are passed over",
                 link_type, wst_capture_link_type_name(link_type, name));
}

/* Keys and drawing; with `stay` until the user leaves. True: the user has left. */
bool wst_tool_run_screen(struct wst_tool_run *run, bool stay)
{
    struct wst_tool_screen_status status = {.source = run->sources_n ? run->sources[0] : "",
                                            .live = run->options->devices_n && !stay,
                                            .now_ns = wst_tool_now()};
    uint64_t captured, received;
    size_t used, size;

    wst_capture_counters(run->capture, &captured, &received, &status.dropped);
    wst_capture_queue(run->capture, &used, &size);
    status.memory = wst_context_memory(run->context) + run->watch->line_bytes + used;
    if (!stay) return run->left = wst_tool_screen_attend(run->screen, &status);
    wst_tool_screen_stay(run->screen, &status);
    return true;
}

/* Out of line: a capture read to its end and printed needs nothing of it. True: enough. */
__attribute__((noinline)) static bool look_after(struct wst_tool_run *run,
                                                 const struct wst_packet *packet)
{
    wst_tool_keys_look(&run->keys, false);
    if (wst_tool_sensitive_wanted(&run->embedded)) wst_tool_embed_packet(&run->embedded, packet);
    if (wst_tool_save_packet(&run->save, packet, run->context)) return true;
    wst_tool_attend_packet(&run->attend);
    if (run->packets % HEAP_PACKETS == 0)
        wst_tool_heap_look(&run->heap, wst_context_memory(run->context));
    if (run->prompt) wst_tool_run_flush(run);
    return run->screen && run->packets % SCREEN_PACKETS == 0 && wst_tool_run_screen(run, false);
}

/* Nothing that is read from here on could be written. */
static bool over(const struct wst_tool_run *run)
{
    return run->output.error || (run->payloads && run->payloads->broken);
}

static int on_packet(void *user, const struct wst_packet *packet)
{
    struct wst_tool_run *run = user;

    if (packet->link_type != run->link_type) meet_link_type(run, packet->link_type);
    wst_tool_turns_packets(&run->turns, packet->when.ns, packet->when.ns);
    if (!run->blind) wst_context_packet(run->context, packet);
    if (run->busy && look_after(run, packet)) return 1;
    wst_tool_progress_step(&run->progress, 1);
    if (over(run)) return 1;
    return ++run->packets == run->options->count;
}

static int on_packets(void *user, const struct wst_packet *packets, size_t n)
{
    struct wst_tool_run *run = user;

    if (run->busy || run->blind || run->options->count) {
        for (size_t i = 0; i < n; i++)
            if (on_packet(user, &packets[i]) != 0) return 1;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        if (packets[i].link_type != run->link_type) meet_link_type(run, packets[i].link_type);
    wst_tool_turns_packets(&run->turns, packets[0].when.ns, packets[n - 1].when.ns);
    wst_context_packets(run->context, packets, n);
    wst_tool_progress_step(&run->progress, n);
    run->packets += n;
    return over(run);
}

/* Everything that the packets so far have told. */
static void show_all(struct wst_tool_run *run)
{
    wst_context_settle(run->context);
    wst_tool_run_flush(run);
}

/* Comments are no events (docs/EVENTS.md), so only text shows them, between its lines. */
static void on_comment(void *user, uint64_t pkt, struct wst_slice text)
{
    struct wst_tool_run *run = user;
    char line[4096];
    size_t n = 0;

    if (run->options->verbose == 0 || run->options->json) return;
    if (pkt)
        n = (size_t)snprintf(line, sizeof line, "comment on packet %" PRIu64 ": ", pkt);
    else
        n = (size_t)snprintf(line, sizeof line, "comment: ");
    n += wst_tool_safe(line + n, sizeof line - n - 1, (const char *)text.p, text.n);
    line[n++] = '\n';
    show_all(run);
    wst_tool_output_write(&run->output, (const uint8_t *)line, n);
}

static void on_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    struct wst_tool_run *run = user;

    wst_tool_keys_secrets(&run->keys, type, secrets);
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    struct wst_tool_run *run = user;

    show_all(run); /* on one terminal: after what could still be read */
    wst_tool_progress_erase(&run->progress);
    if (pkt || byte)
        wst_tool_say("%s: packet %" PRIu64 ", byte %" PRIu64 ": %s", source, pkt, byte, what);
    else
        wst_tool_say("%s: %s", source, what);
}

void wst_tool_run_turn(void *user, const char *name)
{
    struct wst_tool_run *run = user;
    const char *older, *newer;

    if (!wst_tool_turns_next(&run->turns, name, &older, &newer)) return;
    show_all(run);
    wst_tool_progress_erase(&run->progress);
    wst_tool_say("warning: %s is older than %s, which was read before it: what goes on from one to "
                 "the other is not read rightly (a pattern in quotes, 'NAME*', is read in order of "
                 "time)",
                 older, newer);
}

static void on_dropped(void *user, uint64_t packets, int64_t ns)
{
    wst_context_dropped(((struct wst_tool_run *)user)->context, packets, ns);
}

static void on_pause(void *user, int64_t ns)
{
    struct wst_tool_run *run = user;

    wst_tool_keys_look(&run->keys, false); /* before capture time goes on: late keys are in time */
    wst_tool_attend_pause(&run->attend, ns);
    wst_tool_heap_look(&run->heap, wst_context_memory(run->context));
    wst_tool_save_flush(&run->save);
    if (run->screen && wst_tool_run_screen(run, false)) wst_capture_stop(run->capture);
}

static int64_t on_clock(void *user)
{
    (void)user;
    return wst_tool_now();
}

struct wst_capture_sink wst_tool_run_sink(struct wst_tool_run *run)
{
    return (struct wst_capture_sink){.user = run,
                                     .packet = on_packet,
                                     .packets = on_packets,
                                     .secrets = on_secrets,
                                     .turn = wst_tool_run_turn,
                                     .comment = on_comment,
                                     .trouble = on_trouble,
                                     .dropped = on_dropped,
                                     .pause = on_pause,
                                     .now = on_clock};
}

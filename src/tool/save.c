/* SPDX-License-Identifier: MIT
 *
 * In: packets. Out: one capture file, or a row of them.
 * Refuses to go on after a file that cannot be opened or written: a hole in a row of files would
 * not be noticed.
 */
#include "save.h"

#include "attend.h"
#include "folder.h"
#include "now.h"
#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS 1000000000ll

/* By the end of the name, as tcpdump and Wireshark users know them; numbers of -C may follow. */
static enum wst_save_format format(const char *name)
{
    size_t n = strlen(name);

    while (n > 0 && name[n - 1] >= '0' && name[n - 1] <= '9') n--;
    return n > 7 && memcmp(name + n - 7, ".pcapng", 7) == 0 ? WST_SAVE_PCAPNG : WST_SAVE_PCAP;
}

/* tcpdump's: as many as the largest number of a ring of -W files needs. */
static int digits(uint64_t files)
{
    int n = 0;

    for (uint64_t last = files ? files - 1 : 0; last > 0; last /= 10) n++;
    return n;
}

static int refuse(const char *name, const char *why)
{
    wst_tool_say("%s: %s", name, why);
    return WST_TOOL_TROUBLE;
}

int wst_tool_save_open(struct wst_tool_save *save, const struct wst_tool_options *o,
                       const char *const *inputs, size_t inputs_n)
{
    uint32_t snaplen = o->snaplen ? (uint32_t)o->snaplen : 262144;
    const char *owner = wst_tool_confine_owner(&o->confinement);

    *save = (struct wst_tool_save){.output.fd = -1};
    if (o->write == NULL) return 0;
    save->options = o;
    save->naming = (struct wst_tool_naming){o->write, o->rotate_seconds > 0, o->rotate_bytes > 0,
                                            digits(o->rotate_files)};
    save->save = wst_save_new(format(o->write), snaplen, 0, wst_tool_output_write, &save->output);
    if (save->save == NULL) return refuse(o->write, "out of memory");
    save->rotates = o->rotate_seconds || o->rotate_bytes;
    return save->rotates ? 0
                         : wst_tool_output_open(&save->output, o->write, owner, inputs, inputs_n);
}

/* Another file, from the broker. That the one before was removed is no reason to have no other. */
static int next_file(struct wst_tool_save *save)
{
    int64_t second = save->began_ns / SECOND_NS;
    int fd;

    if (wst_tool_output_close(&save->output) != 0) {
        save->lacks = true;
        if (save->output.error) return -1;
    }
    fd = wst_tool_broker_create(save->broker, second, save->count);
    int why = errno;
    if (wst_tool_naming(&save->naming, second, save->count, save->name) != 0)
        strcpy(save->name, "the name of -w");
    if (fd < 0) {
        refuse(save->name, why == ELOOP ? WST_TOOL_CROSSED : strerror(why));
        save->lacks = true;
        return -1;
    }
    save->output = (struct wst_tool_output){.fd = fd, .name = save->name, .named = true};
    return wst_save_begin(save->save, save->link_type);
}

int wst_tool_save_begin(struct wst_tool_save *save, uint32_t link_type)
{
    if (save->options == NULL) return 0;
    save->link_type = link_type;
    if (!save->rotates) return wst_save_begin(save->save, link_type);
    if (save->options->devices_n == 0) return 0; /* the first packet has the time of the name */
    save->began_ns = wst_tool_now();
    return next_file(save);
}

/* -G looks at the time of packets. -W ends the row; with -C it is a ring, see below. */
static bool period_over(const struct wst_tool_save *save, int64_t ns)
{
    uint64_t seconds = save->options->rotate_seconds;

    return seconds && ns - save->began_ns >= (int64_t)seconds * SECOND_NS;
}

/* Before a packet: is it the first of another file? 0; 1: no more files; -1: it cannot be had. */
static int rotate(struct wst_tool_save *save, int64_t ns)
{
    const struct wst_tool_options *o = save->options;

    if (!save->rotates) return 0;
    if (save->output.fd < 0) { /* the very first */
        save->began_ns = ns;
        return next_file(save);
    }
    if (period_over(save, ns)) {
        if (o->rotate_files && !o->rotate_bytes && ++save->files >= o->rotate_files) return 1;
        save->began_ns = ns;
        save->count = 0;
    } else if (o->rotate_bytes && wst_save_bytes(save->save) > o->rotate_bytes) {
        save->count++;
        if (o->rotate_files && !o->rotate_seconds && save->count >= o->rotate_files)
            save->count = 0;
    } else {
        return 0;
    }
    if (wst_save_end(save->save, NULL, NULL) < 0) return -1;
    return next_file(save);
}

/* Another link type in a classic file: said once, counted. */
static void left_out(struct wst_tool_save *save)
{
    if (save->refused++ == 0)
        wst_tool_say("%s: packets of a second link type are left out; a name that ends in .pcapng "
                     "makes a file that can hold them",
                     save->options->write);
}

int wst_tool_save_packet(struct wst_tool_save *save, const struct wst_packet *packet,
                         const struct wst_context *context)
{
    int rc;

    if (save->options == NULL) return 0;
    if ((rc = rotate(save, packet->when.ns)) != 0) return 1;
    if (save->options->only_websocket) {
        uint64_t stream;
        enum wst_fate fate = wst_context_fate(context, &stream);
        rc = wst_save_chosen(save->save, packet, fate, stream);
    } else {
        rc = wst_save_packet(save->save, packet);
    }
    if (rc == WST_SAVE_LINK_TYPE) left_out(save);
    if (save->options->packet_buffered) rc = wst_save_flush(save->save);
    return rc < 0;
}

/* A failure sticks, and is met with the next packet or at the end. */
void wst_tool_save_websocket(void *user, uint64_t stream)
{
    struct wst_tool_save *save = user;

    if (save->output.fd < 0) return; /* a row's next file could not be had */
    if (wst_save_release(save->save, stream) == WST_SAVE_LINK_TYPE) left_out(save);
}

void wst_tool_save_flush(struct wst_tool_save *save)
{
    if (save->options && save->output.fd >= 0) wst_save_flush(save->save);
}

/* What the file may lack. */
static void say_missing(const struct wst_tool_save *save)
{
    uint64_t forgotten = wst_save_forgotten(save->save);
    struct wst_save_undecided u = wst_save_undecided(save->save);

    if (forgotten)
        wst_tool_say("%s: %" PRIu64 " packet%s of WebSocket connections %s forgotten before it "
                     "was known what they are",
                     save->options->write, forgotten, forgotten == 1 ? "" : "s",
                     forgotten == 1 ? "was" : "were");
    if (u.packets)
        wst_tool_say("%s: %" PRIu64 " packet%s of %s%" PRIu64 " connection%s %s left out: it was "
                     "not known in time whether WebSocket is spoken there",
                     save->options->write, u.packets, u.packets == 1 ? "" : "s",
                     u.at_most && u.connections > 1 ? "up to " : "", u.connections,
                     u.connections == 1 ? "" : "s", u.packets == 1 ? "was" : "were");
}

/* A run without a packet leaves a file without packets, as in tcpdump. */
int wst_tool_save_close(struct wst_tool_save *save, const struct wst_counters *c)
{
    uint64_t received = c ? (uint64_t)c->received : 0, dropped = c ? (uint64_t)c->dropped : 0;
    int status;

    if (save->options == NULL || save->save == NULL) return 0;
    if (save->output.fd >= 0) wst_save_end(save->save, c ? &received : NULL, c ? &dropped : NULL);
    status = wst_tool_output_close(&save->output);
    if (save->lacks) status = WST_TOOL_TROUBLE;
    say_missing(save);
    wst_tool_save_free(save);
    return status;
}

void wst_tool_save_free(struct wst_tool_save *save)
{
    wst_save_free(save->save);
    *save = (struct wst_tool_save){.output.fd = -1};
}

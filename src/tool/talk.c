/* SPDX-License-Identifier: MIT
 *
 * In: turns of a replay, bytes of a server. Out: packets, into a context and a file.
 * Refuses to read on while something is there that was not looked at: one piece at a time.
 */
#include "talk.h"

#include "dial.h"
#include "now.h"
#include "say.h"
#include "stop.h"

#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS 1000000000ll
enum {
    GOODBYE_NS = 1000000000, /* the dialer lingers for less */
    LOOK_MS = 1000           /* a signal may come right before the wait */
};

struct state {
    const struct wst_tool_talk *talk;
    const char *url;
    struct wst_replay_packets *packets; /* NULL: there is no connection yet */
    struct wst_slice out;               /* not taken by the dialer yet … */
    int64_t out_ns;                     /* … since */
    int64_t until_ns;                   /* nothing to do before, but to listen */
    bool closed;                        /* we have ended the connection … */
    bool told;                          /* … and the dialer knows */
    bool reset;                         /* the server has, not in good order */
    bool over;
    int status;
    struct wst_tool_dial_message in;
};

static void on_packet(void *user, const struct wst_packet *packet)
{
    struct state *s = user;

    wst_context_packet(s->talk->context, packet);
    if (wst_tool_save_packet(s->talk->save, packet, s->talk->context) == 0) return;
    s->status = WST_TOOL_TROUBLE; /* said when the file is closed */
    s->over = true;
}

static void trouble(struct state *s, const char *what, struct wst_slice why)
{
    wst_tool_say("%s: %s%.*s", s->url, what, (int)why.n, why.p ? (const char *)why.p : "");
    s->status = WST_TOOL_TROUBLE;
    s->over = true;
}

/* -- what the dialer says ---------------------------------------------------------------------- */

static void open_packets(struct state *s)
{
    struct wst_replay_ends ends;

    if (s->in.n != sizeof ends || s->packets) return;
    memcpy(&ends, s->in.wire.bytes, sizeof ends);
    s->packets = wst_replay_packets_new(&ends, on_packet, s);
    if (s->talk->opened) *s->talk->opened = true;
    if (s->packets)
        wst_replay_packets_open(s->packets, wst_tool_now());
    else
        trouble(s, "out of memory", (struct wst_slice){NULL, 0});
}

static void hear(struct state *s)
{
    struct wst_slice bytes = {s->in.wire.bytes, s->in.n};
    int64_t ns = wst_tool_now();
    bool reset = s->in.wire.kind == WST_TOOL_DIAL_RESET;

    switch ((enum wst_tool_dial_kind)s->in.wire.kind) {
    case WST_TOOL_DIAL_OPEN: open_packets(s); break;
    case WST_TOOL_DIAL_FAILED: trouble(s, "", bytes); break;
    case WST_TOOL_DIAL_DATA:
        if (s->packets) wst_replay_packets_data(s->packets, WST_S2C, bytes, ns);
        break;
    case WST_TOOL_DIAL_RESET:
    case WST_TOOL_DIAL_END:
        s->reset = reset;
        if (reset) s->out.n = 0;
        if (s->packets) wst_replay_packets_close(s->packets, WST_S2C, reset, ns);
        wst_replay_ended(s->talk->replay, reset);
        break;
    case WST_TOOL_DIAL_GO: break;
    }
}

/* One piece, for the replay may have something to say to it. */
static void listen_once(struct state *s)
{
    int rc = wst_tool_dial_take(s->talk->dial, &s->in);

    if (rc > 0) hear(s);
    if (rc >= 0 || s->over) return;
    if (!s->told)
        trouble(s, "the process that was connected to it is gone", (struct wst_slice){NULL, 0});
    s->over = true;
}

/* -- what the replay wants --------------------------------------------------------------------- */

static void send_out(struct state *s, int64_t now)
{
    while (s->out.n > 0) {
        size_t n = s->out.n < WST_TOOL_DIAL_PIECE ? s->out.n : WST_TOOL_DIAL_PIECE;
        struct wst_slice piece = {s->out.p, n};
        if (wst_tool_dial_send(s->talk->dial, WST_TOOL_DIAL_DATA, piece) <= 0) break;
        wst_replay_packets_data(s->packets, WST_C2S, piece, wst_tool_now());
        s->out.p += n;
        s->out.n -= n;
        s->out_ns = now;
    }
    if (s->out.n > 0 && now - s->out_ns >= s->talk->timeout_ns) {
        wst_tool_say("%s: the server takes nothing more", s->url);
        s->status = WST_TOOL_FOUND;
        s->closed = s->told = s->over = true;
    }
}

static void end_ours(struct state *s, int64_t now)
{
    if (!s->closed && s->packets && !s->reset)
        wst_replay_packets_close(s->packets, WST_C2S, false, wst_tool_now());
    if (!s->closed) s->until_ns = now + GOODBYE_NS;
    s->closed = true;
    s->out.n = 0;
    if (!s->told) s->told = wst_tool_dial_send(s->talk->dial, WST_TOOL_DIAL_END, s->out) > 0;
    if (now >= s->until_ns || !s->packets) s->over = true;
}

/* All that can be done now. */
static void act(struct state *s)
{
    int64_t now = wst_tool_now_steady();

    if (wst_tool_stopped()) s->over = !s->packets;
    if (s->closed || (s->packets && wst_tool_stopped())) end_ours(s, now);
    s->until_ns = s->closed ? s->until_ns : now + 60 * SECOND_NS;
    while (s->packets && !s->closed && !s->over) {
        struct wst_replay_turn turn;
        send_out(s, now);
        if (s->out.n > 0) {
            s->until_ns = s->out_ns + s->talk->timeout_ns;
            return;
        }
        now = wst_tool_now_steady();
        turn = wst_replay_next(s->talk->replay, now);
        s->until_ns = turn.until_ns;
        s->out = turn.bytes;
        s->out_ns = now;
        if (turn.act == WST_REPLAY_CLOSE) end_ours(s, now);
        if (turn.act == WST_REPLAY_WAIT) return;
    }
}

static void wait_for_more(const struct state *s)
{
    struct pollfd wait = {s->talk->dial, POLLIN, 0};
    int64_t ns = s->until_ns - wst_tool_now_steady(), ms = (ns + 999999) / 1000000;

    if (s->out.n > 0 || (s->closed && !s->told)) wait.events |= POLLOUT;
    if (ms < 0) ms = 0;
    if (poll(&wait, 1, 0) == 0) {
        if (s->talk->flush) s->talk->flush(s->talk->user);
        poll(&wait, 1, ms < LOOK_MS ? (int)ms : LOOK_MS);
    }
}

/* -- the whole --------------------------------------------------------------------------------- */

static int verdict(const struct state *s)
{
    const char *failure = wst_replay_failure(s->talk->replay);
    struct wst_replay_sent sent = wst_replay_sent(s->talk->replay);

    if (s->status) return s->status;
    if (failure && sent.misses > 1)
        wst_tool_say("%s: %s; %" PRIu64 " more waited in vain", s->url, failure, sent.misses - 1);
    else if (failure)
        wst_tool_say("%s: %s", s->url, failure);
    return failure ? WST_TOOL_FOUND : 0;
}

int wst_tool_talk(const struct wst_tool_talk *talk, const char *url)
{
    struct state *s = calloc(1, sizeof *s);
    int status;

    if (s == NULL) {
        wst_tool_say("out of memory");
        return WST_TOOL_TROUBLE;
    }
    s->talk = talk;
    s->url = url;
    if (wst_tool_dial_send(talk->dial, WST_TOOL_DIAL_GO, s->out) <= 0)
        trouble(s, "the process that was to connect to it is gone", s->out);
    while (!s->over) {
        act(s);
        if (s->over) break;
        wait_for_more(s);
        listen_once(s);
    }
    status = verdict(s);
    wst_replay_packets_free(s->packets);
    free(s);
    return status;
}

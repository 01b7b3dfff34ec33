/* SPDX-License-Identifier: MIT */
#include "payloads.h"

#include "say.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct wst_tool_payload_stream { /* a direction of a connection that has said something */
    struct wst_tool_payload_stream *next;
    uint64_t conn, part;
    uint64_t begun; /* message of which frames were told, and no more yet; 0: none */
    enum wst_dir dir;
    bool made; /* the part's file */
    bool hole; /* before what comes next */
    bool late; /* picked up: the first part is not known; not counted yet */
    int fd;    /* -1: not open, … */
    unsigned place; /* … else where it stands among those that are */
};

static const char *s_of(uint64_t n)
{
    return n == 1 ? "" : "s";
}

static struct wst_tool_payload_stream **bucket(struct wst_tool_payloads *p, uint64_t conn)
{
    return &p->buckets[conn % WST_TOOL_PAYLOADS_BUCKETS];
}

/* NULL: out of memory. */
static struct wst_tool_payload_stream *find(struct wst_tool_payloads *p, uint64_t conn,
                                            enum wst_dir dir)
{
    struct wst_tool_payload_stream **at = bucket(p, conn), *s = *at;

    while (s && (s->conn != conn || s->dir != dir)) s = s->next;
    if (s || !(s = calloc(1, sizeof *s))) return s;
    *s = (struct wst_tool_payload_stream){
        .next = *at, .conn = conn, .part = 1, .dir = dir, .fd = -1};
    return *at = s;
}

static void fail(struct wst_tool_payloads *p, const struct wst_tool_deposit *which, int error)
{
    p->broken = true;
    p->error = error;
    if (which) wst_tool_deposit_name(which, p->name);
}

static struct wst_tool_deposit part_of(const struct wst_tool_payload_stream *s)
{
    return (struct wst_tool_deposit){
        .conn = s->conn, .n = s->part, .from_server = s->dir == WST_S2C, .stream = true};
}

/* Quotas and NFS may speak only now. */
static bool close_file(struct wst_tool_payloads *p, int fd, const struct wst_tool_deposit *which)
{
    if (close(fd) == 0 || errno == EINTR) return true;
    if (!p->broken) fail(p, which, errno);
    return false;
}

static void shut(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s)
{
    struct wst_tool_deposit which = part_of(s);

    if (s->fd < 0) return;
    close_file(p, s->fd, &which);
    s->fd = -1;
    p->open[s->place] = NULL;
}

/* A direction; of a connection that is over both: WST_DIR_NONE. */
static void forget(struct wst_tool_payloads *p, uint64_t conn, enum wst_dir dir)
{
    struct wst_tool_payload_stream **at = bucket(p, conn), *s;

    while ((s = *at) != NULL) {
        if (s->conn != conn || (dir != WST_DIR_NONE && s->dir != dir)) {
            at = &s->next;
            continue;
        }
        *at = s->next;
        p->unfinished += s->begun != 0;
        shut(p, s);
        free(s);
    }
}

static void tell(const struct wst_tool_payloads *p, const struct wst_tool_deposit *which)
{
    char line[WST_TOOL_DEPOSIT_NAME + 1];

    if (!p->tell) return;
    wst_tool_deposit_name(which, line);
    strcat(line, "\n");
    wst_tool_output_write(p->output, (const uint8_t *)line, strlen(line));
}

/* -1: not to be had, or one more than there may be. */
static int make(struct wst_tool_payloads *p, struct wst_tool_deposit *which)
{
    int fd;

    if (p->files == p->max_files) return -1;
    which->want = WST_TOOL_DEPOSIT_NEW;
    fd = wst_tool_broker_deposit(p->broker, which);
    if (fd < 0) {
        fail(p, which, errno);
        if (p->error != EMFILE) return -1;
        which->want = WST_TOOL_DEPOSIT_DROP; /* it may be there, and nobody can write into it */
        wst_tool_broker_deposit(p->broker, which);
        return -1;
    }
    p->files++;
    tell(p, which);
    return fd;
}

static bool put(struct wst_tool_payloads *p, int fd, struct wst_slice s,
                struct wst_tool_deposit *which)
{
    while (s.n > 0) {
        ssize_t n = write(fd, s.p, s.n);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) {
            fail(p, which, errno);
            return false;
        }
        s.p += n;
        s.n -= (size_t)n;
    }
    return true;
}

/* After the first one that is too much there are no more, though they be smaller: a stream would
 * have holes that are not in the capture. */
static bool is_too_much(struct wst_tool_payloads *p, struct wst_slice payload)
{
    if (!p->too_much && payload.n <= p->max_total - p->bytes) return false;
    p->too_much++;
    return true;
}

static void count(struct wst_tool_payloads *p, const struct wst_event_message *m)
{
    p->messages++;
    p->bytes += m->payload.n;
    p->beginnings += !m->certain || m->omitted;
}

/* -- a file for each --------------------------------------------------------------------------- */

static void keep_message(struct wst_tool_payloads *p, const struct wst_event *e)
{
    const struct wst_event_message *m = &e->message;
    struct wst_tool_deposit which = {.conn = e->conn,
                                     .n = m->msg,
                                     .from_server = e->dir == WST_S2C,
                                     .text = m->utf8,
                                     .beginning = !m->certain || m->omitted};
    int fd = make(p, &which);
    bool whole;

    if (fd < 0) {
        p->left_out++;
        return;
    }
    whole = put(p, fd, m->payload, &which);
    if (close_file(p, fd, &which) && whole) {
        count(p, m);
        return;
    }
    which.want = WST_TOOL_DEPOSIT_DROP; /* half a file must not look like a whole one */
    wst_tool_broker_deposit(p->broker, &which);
    p->files--;
}

/* -- a file for each direction ----------------------------------------------------------------- */

static void hold_open(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s, int fd)
{
    unsigned i = p->turn++ % p->places;

    if (p->open[i]) shut(p, p->open[i]);
    p->open[i] = s;
    s->place = i;
    s->fd = fd;
}

/* The file of what comes next, open in s->fd. */
static bool open_part(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s,
                      struct wst_tool_deposit *which)
{
    int fd;

    if (s->hole) { /* what was told before it ends its file */
        shut(p, s);
        s->part++;
        s->hole = s->made = false;
    }
    *which = part_of(s);
    if (s->fd >= 0) return true;
    if (!s->made) {
        fd = make(p, which);
    } else {
        which->want = WST_TOOL_DEPOSIT_AGAIN;
        fd = wst_tool_broker_deposit(p->broker, which);
        if (fd < 0) fail(p, which, errno);
    }
    if (fd < 0) return false;
    s->made = true;
    hold_open(p, s, fd);
    return true;
}

static void meet_hole(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s)
{
    p->holes += !s->hole;
    s->hole = true;
}

static void begin_late(struct wst_tool_payloads *p, uint64_t conn)
{
    for (enum wst_dir dir = WST_C2S; dir <= WST_S2C; dir++) {
        struct wst_tool_payload_stream *s = find(p, conn, dir);
        if (s == NULL) {
            fail(p, NULL, ENOMEM);
            return;
        }
        s->part = 2;
        s->late = true;
    }
}

static void keep_stream(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s,
                        const struct wst_event_message *m)
{
    struct wst_tool_deposit which;

    /* Whether its beginning came before a hole or behind it, nobody tells: it has a file for
     * itself. */
    if ((m->certain || m->payload.n > 0) && is_too_much(p, m->payload)) return;
    if (!m->certain) meet_hole(p, s);
    if (!p->broker && s->hole) {
        fail(p, NULL, 0);
        return;
    }
    p->late += s->late;
    s->late = false;
    if (m->payload.n > 0) {
        if (p->broker && !open_part(p, s, &which)) {
            p->left_out++;
            return;
        }
        if (!p->broker)
            wst_tool_output_write(p->output, m->payload.p, m->payload.n);
        else if (!put(p, s->fd, m->payload, &which))
            return;
    }
    if (m->certain || m->payload.n > 0) count(p, m);
    if (m->omitted && m->certain) meet_hole(p, s);
    s->hole |= !m->certain;
}

/* Bytes that are in the capture, too, may be lost to a stream: between frames that could not be
 * told from what is none, and in frames that belong to no message. */
static bool is_hole(const struct wst_event *e)
{
    switch (e->type) {
    case WST_EVENT_GAP: return true;
    case WST_EVENT_FRAME: return e->frame.opcode <= 2 && e->frame.msg == 0 && e->frame.len > 0;
    case WST_EVENT_PROBLEM:
        return e->problem.problem == WST_PROBLEM_STREAM_LOST ||
               e->problem.problem == WST_PROBLEM_STREAM_RESYNC;
    default: return false;
    }
}

/* A message whose last frame never comes is told by its frames alone. */
static void follow(struct wst_tool_payloads *p, struct wst_tool_payload_stream *s,
                   const struct wst_event *e)
{
    uint64_t msg = e->type == WST_EVENT_MESSAGE ? e->message.msg : e->frame.msg;

    if (s->begun && s->begun != msg) {
        p->unfinished++;
        if (p->streams) meet_hole(p, s);
    }
    s->begun = e->type == WST_EVENT_MESSAGE ? 0 : msg;
}

static bool is_of_message(const struct wst_event *e)
{
    return e->type == WST_EVENT_MESSAGE ||
           (e->type == WST_EVENT_FRAME && e->frame.opcode <= 2 && e->frame.msg != 0);
}

static void keep(struct wst_tool_payloads *p, const struct wst_event *e)
{
    bool hole = p->streams && is_hole(e);
    struct wst_tool_payload_stream *s;

    if (e->conn == 0 || e->dir == WST_DIR_NONE || (!hole && !is_of_message(e))) return;
    if ((s = find(p, e->conn, e->dir)) == NULL) {
        fail(p, NULL, ENOMEM);
        return;
    }
    if (is_of_message(e)) follow(p, s, e);
    if (hole) meet_hole(p, s);
    if (e->type != WST_EVENT_MESSAGE) return;
    if (p->streams) {
        keep_stream(p, s, &e->message);
        return;
    }
    if ((e->message.certain || e->message.payload.n > 0) && !is_too_much(p, e->message.payload))
        keep_message(p, e);
    forget(p, e->conn, e->dir); /* with --grep nobody tells that the connection is over */
}

/* A line in the end, where there is no list and nobody wants quiet: then nobody passes the event
 * on. */
static void tell_figures(const struct wst_tool_payloads *p)
{
    char line[128];
    int n = snprintf(
        line, sizeof line, "%" PRIu64 " message%s, %" PRIu64 " byte%s, in %" PRIu64 " file%s\n",
        p->messages, s_of(p->messages), p->bytes, s_of(p->bytes), p->files, s_of(p->files));

    if (p->broker && !p->tell) wst_tool_output_write(p->output, (const uint8_t *)line, (size_t)n);
}

static void take(void *user, const struct wst_event *e)
{
    struct wst_tool_payloads *p = user;
    bool message = e->type == WST_EVENT_MESSAGE;

    if (e->type == WST_EVENT_STATS) tell_figures(p);
    if (p->broken) return;
    if (message && !e->message.certain && e->message.payload.n == 0) p->unknown++;
    if (p->streams && e->type == WST_EVENT_HANDSHAKE && e->handshake.carrier == WST_CARRIER_UNKNOWN)
        begin_late(p, e->conn);
    keep(p, e);
    if (e->type != WST_EVENT_END) return;
    p->forgotten += p->streams && e->end.tcp == WST_TCP_EVICTED;
    forget(p, e->conn, WST_DIR_NONE);
}

/* A stream whose file is not open costs two visits to the broker, 20 times what its bytes cost: so
 * as many as the system allows are. Others want some, too. */
static unsigned places(void)
{
    struct rlimit limit;
    rlim_t want = WST_TOOL_PAYLOADS_OPEN / 3 * 4;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1;
    if (limit.rlim_cur < want) {
        struct rlimit more = limit;
        more.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
        if (setrlimit(RLIMIT_NOFILE, &more) == 0) limit = more;
    }
    if (limit.rlim_cur >= want) return WST_TOOL_PAYLOADS_OPEN;
    return limit.rlim_cur < 4 ? 1 : (unsigned)limit.rlim_cur / 4;
}

struct wst_tool_payloads *wst_tool_payloads_new(void)
{
    struct wst_tool_payloads *p = calloc(1, sizeof *p);

    if (p) p->places = places();
    return p;
}

struct wst_listener wst_tool_payloads_listener(struct wst_tool_payloads *payloads)
{
    return (struct wst_listener){payloads, take, NULL};
}

/* -- the end ----------------------------------------------------------------------------------- */

/* What looks like less than it is, or is not there. */
static void say_lacking(const struct wst_tool_payloads *p)
{
    if (p->beginnings)
        wst_tool_say("%" PRIu64
                     " message%s %s beginning%s: the rest is not in the capture, or beyond "
                     "--max-message or --max-payload",
                     p->beginnings, s_of(p->beginnings), p->beginnings == 1 ? "is a" : "are",
                     s_of(p->beginnings));
    if (p->unknown)
        wst_tool_say("%" PRIu64 " more message%s, of which the beginning is not known: no file",
                     p->unknown, s_of(p->unknown));
    if (p->unfinished)
        wst_tool_say("%" PRIu64 " message%s begun, and never ended: nothing of %s was written",
                     p->unfinished, p->unfinished == 1 ? " was" : "s were",
                     p->unfinished == 1 ? "it" : "them");
    if (p->holes && p->broker)
        wst_tool_say("%" PRIu64 " hole%s in the streams; what follows one is in another file, with "
                     "the next number",
                     p->holes, s_of(p->holes));
    if (p->forgotten)
        wst_tool_say("%" PRIu64 " connection%s for want of memory (--memory): %s streams end there",
                     p->forgotten, p->forgotten == 1 ? " was forgotten" : "s were forgotten",
                     p->forgotten == 1 ? "its" : "their");
    if (p->late)
        wst_tool_say("%" PRIu64 " stream%s picked up without a handshake: what was said before is "
                     "not known%s",
                     p->late, p->late == 1 ? " was" : "s were",
                     p->broker ? ", and files begin with the number 2" : "");
    if (p->left_out && !p->broken)
        wst_tool_say("%" PRIu64 " message%s left out: more than %" PRIu64 " files (--max-files)",
                     p->left_out, p->left_out == 1 ? " was" : "s were", p->max_files);
    if (p->too_much)
        wst_tool_say("%" PRIu64 " message%s left out: more than %" PRIu64
                     " bytes in all (--max-total)",
                     p->too_much, p->too_much == 1 ? " was" : "s were", p->max_total);
}

static int judge(const struct wst_tool_payloads *p)
{
    if (p->broken && p->error)
        wst_tool_say("%s: %s; nothing more was written", p->name[0] ? p->name : "payloads",
                     strerror(p->error));
    else if (!p->broker && p->holes)
        wst_tool_say("the capture lacks bytes behind what was written; -o FOLDER goes on behind "
                     "them, in another file");
    return p->broken || p->left_out || p->too_much ||
                   (!p->broker && (p->holes || p->late || p->unfinished || p->forgotten))
               ? WST_TOOL_TROUBLE
               : 0;
}

int wst_tool_payloads_end(struct wst_tool_payloads *p)
{
    for (size_t i = 0; i < WST_TOOL_PAYLOADS_OPEN; i++)
        if (p->open[i]) shut(p, p->open[i]);
    say_lacking(p);
    return judge(p);
}

void wst_tool_payloads_free(struct wst_tool_payloads *p)
{
    for (size_t i = 0; p && i < WST_TOOL_PAYLOADS_BUCKETS; i++)
        while (p->buckets[i]) forget(p, p->buckets[i]->conn, WST_DIR_NONE);
    free(p);
}

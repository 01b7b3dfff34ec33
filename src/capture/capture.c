/* SPDX-License-Identifier: MIT
 *
 * In: names of files and devices, filters. Out: one row of numbered packets.
 * Refuses to start when nothing can be read; goes on past whatever breaks later.
 */
#include "array.h"
#include "feed.h"
#include "linktype.h"
#include "listen.h"
#include "memory.h"
#include "reader.h"
#include "source.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    /* Kept for a sentence about the capture; a hostile one could have 65536. */
    LINK_NAMES_MAX = 256,
    /* Files held open until their turn: half of the usual limit. */
    HELD_MAX = 512,
    /* Bytes from which a file is read ahead. One of 2 MiB is read as fast without; a row of those
     * of 1 MiB takes a tenth longer with a thread each. */
    PUMP_FROM = 4 << 20,
    PUMP_ROUND = 4 << 20, /* some milliseconds */
};

struct entry {
    char *name;
    struct wst_filter filter; /* its own */
    struct wst_live *live;    /* a device, or NULL */
    bool in_memory;
    struct wst_slice memory;
    struct wst_source source;
    bool open;    /* the source is: a pipe that waits with its first bytes, or what is being read */
    bool is_held; /* a regular file that waits for its turn as the descriptor `held` */
    int held;
    bool has_second; /* `second` is a descriptor of it, too: to look for secrets while it is read */
    int second;
    char *why;           /* it could not be opened: a sentence, owned; or NULL */
    bool met;            /* it was opened, and needs not be again after wst_capture_open failed */
    bool readable;       /* and there is something to read */
    bool has_link;       /* first_link is known */
    uint32_t first_link; /* of the first interface */
};

struct wst_capture {
    struct entry *entries;
    size_t n, cap;
    size_t held;              /* descriptors put by for later: HELD_MAX at most */
    const char **unopened;    /* names of those closed until their turn */
    struct wst_filter filter; /* of all */
    uint32_t *links;          /* met, distinct */
    char (*link_texts)[64];
    const char **link_names; /* into link_texts */
    size_t n_links;
    bool read_ahead;
    bool endless;             /* one source has no size: there is no total */
    uint64_t total, done;     /* bytes of files: all, those finished */
    struct entry *now;        /* being read */
    struct wst_listen listen; /* to all devices at once */
    bool opened;
    atomic_bool stop;
};

struct wst_capture *wst_capture_new(void)
{
    struct wst_capture *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    atomic_init(&c->stop, false);
    c->listen.queue = WST_CAPTURE_QUEUE;
    c->links = calloc(LINK_NAMES_MAX, sizeof *c->links);
    c->link_texts = calloc(LINK_NAMES_MAX, sizeof *c->link_texts);
    c->link_names = calloc(LINK_NAMES_MAX, sizeof *c->link_names);
    if (c->links && c->link_texts && c->link_names) return c;
    wst_capture_free(c);
    return NULL;
}

static void free_entry(struct entry *e)
{
    if (e->open) wst_source_close(&e->source);
    wst_live_free(e->live);
    if (e->is_held) close(e->held);
    if (e->has_second) close(e->second);
    wst_filter_free(&e->filter);
    free(e->name);
    free(e->why);
}

void wst_capture_free(struct wst_capture *c)
{
    if (!c) return;
    for (size_t i = 0; i < c->n; i++) free_entry(&c->entries[i]);
    wst_filter_free(&c->filter);
    wst_listen_free(&c->listen);
    free(c->entries);
    free(c->unopened);
    free(c->links);
    free(c->link_texts);
    free(c->link_names);
    free(c);
}

/* ---- adding ---- */

static int add(struct wst_capture *c, const char *name, const char *filter, struct entry **added)
{
    struct entry e = {0};
    if (c->n == c->cap) {
        void *entries = wst_array_double(c->entries, &c->cap, sizeof *c->entries, 8);
        if (!entries) return -1;
        c->entries = entries;
    }
    e.name = strdup(name);
    if (!e.name || wst_filter_set(&e.filter, filter) < 0) {
        free_entry(&e);
        return -1;
    }
    c->entries[c->n] = e;
    *added = &c->entries[c->n++];
    return 0;
}

int wst_capture_add_file(struct wst_capture *c, const char *name, const char *filter)
{
    struct entry *e;
    return add(c, name, filter, &e);
}

int wst_capture_add_memory(struct wst_capture *c, const char *name, struct wst_slice bytes,
                           const char *filter)
{
    struct entry *e;
    if (add(c, name, filter, &e) < 0) return -1;
    e->in_memory = true;
    e->memory = bytes;
    return 0;
}

int wst_capture_add_live(struct wst_capture *c, const struct wst_live_options *options)
{
    struct wst_live *live = wst_live_new(options);
    struct entry *e;
    if (live && wst_listen_add(&c->listen, live) == 0) {
        if (add(c, wst_live_name(live), NULL, &e) == 0) {
            e->live = live;
            return 0;
        }
        c->listen.n--;
    }
    wst_live_free(live);
    return -1;
}

void wst_capture_set_queue(struct wst_capture *c, size_t bytes)
{
    c->listen.queue = bytes;
}

void wst_capture_set_read_ahead(struct wst_capture *c, bool on)
{
    c->read_ahead = on;
}

int wst_capture_set_filter(struct wst_capture *c, const char *filter)
{
    return wst_filter_set(&c->filter, filter);
}

/* ---- opening ---- */

static void meet_link(struct wst_capture *c, uint32_t link_type)
{
    for (size_t i = 0; i < c->n_links; i++)
        if (c->links[i] == link_type) return;
    if (c->n_links == LINK_NAMES_MAX) return;
    c->links[c->n_links] = link_type;
    c->link_names[c->n_links] = wst_linktype_name(link_type, c->link_texts[c->n_links]);
    c->n_links++;
}

struct peek {
    struct wst_capture *capture;
    struct entry *entry;
};

static void on_link(void *user, uint32_t link_type)
{
    struct peek *peek = user;
    meet_link(peek->capture, link_type);
    if (peek->entry->has_link) return;
    peek->entry->has_link = true;
    peek->entry->first_link = link_type;
}

/* Standard input has one beginning, however often it is named. */
static bool named_before(const struct wst_capture *c, const struct entry *e)
{
    for (const struct entry *p = c->entries; p < e; p++)
        if (!p->live && !p->in_memory && strcmp(p->name, "-") == 0) return true;
    return false;
}

static int open_source(struct wst_capture *c, struct entry *e, char *error)
{
    if (e->in_memory) {
        wst_source_open_memory(&e->source, e->memory);
        return 0;
    }
    if (strcmp(e->name, "-") == 0 && named_before(c, e)) {
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "standard input can be read only once");
        return -1;
    }
    if (e->is_held) {
        e->is_held = false;
        if (wst_source_open_fd(&e->source, e->held, &c->stop) == 0) return 0;
    } else if (wst_source_open(&e->source, e->name, &c->stop) == 0) {
        return 0;
    }
    snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s", e->source.error);
    return -1;
}

/* pcapng, or gzip with whatever in it. */
static bool may_hold_secrets(int fd)
{
    uint8_t magic[2];
    if (pread(fd, magic, sizeof magic, 0) != (ssize_t)sizeof magic) return false;
    return magic[0] == 0x0a || (magic[0] == 0x1f && magic[1] == 0x8b);
}

/* Regular files wait without their bytes. Most keep their descriptor, for who opens now may not be
 * allowed to later (wstrace/live.h); hundreds of them would use up the descriptors. */
static void put_by(struct wst_capture *c, struct entry *e)
{
    int fd = e->source.supply.fd;
    if (c->held < HELD_MAX && (e->held = fcntl(fd, F_DUPFD_CLOEXEC, 3)) >= 0) {
        e->is_held = true;
        c->held++;
    }
    if (c->held < HELD_MAX && may_hold_secrets(fd)) {
        e->has_second = (e->second = open(e->name, O_RDONLY | O_NOCTTY | O_CLOEXEC)) >= 0;
        c->held += e->has_second;
    }
    wst_source_close(&e->source);
}

/* Pipes, which cannot be opened a second time, wait with the bytes they have given. */
static int peek_file(struct wst_capture *c, struct entry *e, char *error)
{
    struct peek peek = {c, e};
    int rc;
    if (open_source(c, e, error) < 0) {
        free(e->why); /* of the time before */
        e->why = strdup(error);
        return -1;
    }
    e->met = true;
    free(e->why);
    e->why = NULL;
    e->open = !(e->source.supply.regular && e->source.supply.close_fd);
    if (e->open) wst_source_hold(&e->source);
    rc = wst_reader_peek(&e->source, on_link, &peek, error);
    c->total += e->source.supply.size;
    if (!e->source.supply.regular && !e->in_memory) c->endless = true;
    if (e->open)
        wst_source_rewind(&e->source);
    else
        put_by(c, e);
    return atomic_load(&c->stop) ? 0 : rc; /* a pipe we stopped waiting for is no trouble */
}

static int open_live(struct wst_capture *c, struct entry *e, char *error)
{
    if (wst_live_open(e->live, c->filter.text, error) < 0) return -1;
    c->endless = true;
    e->met = e->readable = true;
    e->has_link = true;
    e->first_link = wst_live_link_type(e->live);
    meet_link(c, e->first_link);
    return 0;
}

/* With the link type a filter meets first; Ethernet where a file names none, so that a slip of
 * the pen is found even before a missing file is. */
static int compile_filters(struct wst_capture *c, char *error)
{
    const struct entry *first = NULL;
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        uint32_t link_type = e->has_link ? e->first_link : WST_LINKTYPE_ETHERNET;
        if (wst_filter_compile(&e->filter, link_type, error) < 0) return -1;
        if (!first && e->has_link && !e->live) first = e;
    }
    if (!first && c->n_links > 0) return 0; /* devices only: compiled with their handles */
    return wst_filter_compile(&c->filter, first ? first->first_link : WST_LINKTYPE_ETHERNET, error);
}

/* A filter may hold names that only files of this machine, or a name server, can explain. So it is
 * compiled now for what was met, not when it may be too late to ask. What does not compile is left
 * to the packet that needs it. */
static void compile_for_all_links(struct wst_capture *c)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    for (size_t i = 0; i < c->n_links && c->filter.text; i++) {
        size_t before = c->filter.n;
        if (wst_filter_compile(&c->filter, c->links[i], error) < 0) c->filter.n = before;
    }
}

int wst_capture_open(struct wst_capture *c, char error[WST_CAPTURE_ERROR_SIZE])
{
    char first[WST_CAPTURE_ERROR_SIZE] = "", why[WST_CAPTURE_ERROR_SIZE];
    size_t readable = 0;
    if (c->opened) return 0;
    for (size_t i = 0; i < c->n; i++) {
        struct entry *e = &c->entries[i];
        snprintf(why, sizeof why, "nothing in it can be read");
        if (e->live && !e->met && open_live(c, e, error) < 0) return -1;
        if (!e->live && !e->met) e->readable = peek_file(c, e, why) == 0;
        if (e->readable)
            readable++;
        else if (!first[0])
            snprintf(first, sizeof first, "%.120s: %.380s", e->name, why);
    }
    if (compile_filters(c, error) < 0) return WST_CAPTURE_BAD_FILTER;
    compile_for_all_links(c);
    c->opened = readable > 0;
    if (c->opened) return 0;
    snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s", c->n > 0 ? first : "nothing to read");
    return -1;
}

const char *const *wst_capture_unopened(struct wst_capture *c, size_t *n)
{
    *n = 0;
    if (!c->unopened) c->unopened = calloc(c->n + 1, sizeof *c->unopened);
    for (size_t i = 0; i < c->n && c->unopened; i++) {
        const struct entry *e = &c->entries[i];
        bool later = !e->live && !e->in_memory && !e->open && !e->is_held && !e->why;
        if (later) c->unopened[(*n)++] = e->name;
    }
    return c->unopened;
}

const char *const *wst_capture_link_types(const struct wst_capture *c, size_t *n)
{
    *n = c->n_links;
    return c->link_names;
}

uint32_t wst_capture_first_link_type(const struct wst_capture *c)
{
    return c->n_links ? c->links[0] : WST_LINKTYPE_ETHERNET;
}

/* ---- reading ---- */

/* Tests hand over small files in memory, and mean them. */
static bool worth_pumping(const struct entry *e)
{
    return e->in_memory || (e->source.supply.regular && e->source.supply.size >= PUMP_FROM);
}

static void run_file(struct wst_capture *c, struct entry *e, struct wst_feed *feed)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    if (e->why || (!e->open && open_source(c, e, error) < 0)) {
        wst_feed_trouble_nowhere(feed, e->why ? e->why : error);
        return;
    }
    e->open = true;
    c->now = e;
    if (feed->sink->turn) feed->sink->turn(feed->sink->user, e->name);
    if (c->read_ahead && worth_pumping(e))
        wst_source_pump(&e->source, e->in_memory ? 0 : PUMP_ROUND);
    wst_reader_run(&e->source, feed);
    c->now = NULL;
    c->done += e->source.consumed;
    wst_source_close(&e->source);
    e->open = false;
}

int wst_capture_run(struct wst_capture *c, const struct wst_capture_sink *sink)
{
    struct wst_feed feed;
    wst_feed_begin(&feed, sink, &c->stop, NULL);
    for (size_t i = 0; i < c->n && !wst_feed_over(&feed); i++) {
        struct entry *e = &c->entries[i];
        feed.source = e->live ? wst_live_name(e->live) : e->name;
        unsigned n = 0;
        feed.filters[0] = feed.filters[1] = NULL;
        if (c->filter.text && !e->live) feed.filters[n++] = &c->filter;
        if (e->filter.text) feed.filters[n++] = &e->filter;
        if (e->live)
            wst_listen_run(&c->listen, &feed); /* a second time there is nothing left */
        else
            run_file(c, e, &feed);
    }
    return feed.troubles;
}

static int pass_over(void *user, const struct wst_packet *packet)
{
    (void)user;
    (void)packet;
    return 0;
}

/* A second descriptor of a regular file, with a place of its own, for the first may be being read.
 * -1: there is none to be had; of a pipe never, whose bytes could not be put back. */
static int open_again(const struct entry *e)
{
    struct stat st;
    int fd;
    if (!e->has_second) {
        if (strcmp(e->name, "-") == 0 || stat(e->name, &st) != 0 || !S_ISREG(st.st_mode)) return -1;
        return open(e->name, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    }
    fd = fcntl(e->second, F_DUPFD_CLOEXEC, 3);
    if (fd >= 0) lseek(fd, 0, SEEK_SET);
    return fd;
}

/* Reads the entry from its beginning, with a source of its own: the one being read stays where it
 * is.
 */
static void secrets_of(struct wst_capture *c, const struct entry *e,
                       const struct wst_capture_sink *sink)
{
    struct wst_feed feed;
    struct wst_source source;
    int fd;
    wst_feed_begin(&feed, sink, &c->stop, e->name);
    if (e->in_memory)
        wst_source_open_memory(&source, e->memory);
    else if ((fd = open_again(e)) < 0 || wst_source_open_fd(&source, fd, &c->stop) != 0)
        return;
    wst_reader_secrets(&source, &feed);
    wst_source_close(&source);
}

void wst_capture_secrets_ahead(struct wst_capture *c,
                               void (*secrets)(void *user, uint32_t type, struct wst_slice secrets),
                               void *user)
{
    struct wst_capture_sink sink = {.user = user, .packet = pass_over, .secrets = secrets};
    size_t from = c->now ? (size_t)(c->now - c->entries) : 0;
    for (size_t i = from; i < c->n; i++)
        if (!c->entries[i].live) secrets_of(c, &c->entries[i], &sink);
}

void wst_capture_stop(struct wst_capture *c)
{
    atomic_store(&c->stop, true);
}

/* ---- accounts ---- */

uint64_t wst_capture_total_bytes(const struct wst_capture *c)
{
    return c->total;
}

uint64_t wst_capture_read_bytes(const struct wst_capture *c)
{
    return c->done + (c->now ? c->now->source.consumed : 0);
}

bool wst_capture_counters(struct wst_capture *c, uint64_t *captured, uint64_t *received,
                          uint64_t *dropped)
{
    wst_listen_counters(&c->listen, captured, received, dropped);
    return c->listen.n > 0;
}

void wst_capture_queue(const struct wst_capture *c, size_t *used, size_t *size)
{
    wst_listen_queue(&c->listen, used, size);
}

const char *wst_capture_link_type_name(uint32_t link_type, char text[64])
{
    return wst_linktype_name(link_type, text);
}

/* SPDX-License-Identifier: MIT
 *
 * In: events. Out: parts of entries in the spool; with the last event the document.
 * Refuses to remember a connection that is over.
 */
#include "har.h"

#include <stdlib.h>

#include "escape.h"

enum { MEMORY = 16 << 20 };

void wst_har_options_init(struct wst_har_options *options)
{
    *options = (struct wst_har_options){.memory = MEMORY};
}

/* -- an item ----------------------------------------------------------------------------------- */

static bool is_list(enum wst_har_part part)
{
    return part != WST_HAR_HEAD && part != WST_HAR_CLOSE && part != WST_HAR_TAIL;
}

static bool add(struct wst_har *h, const uint8_t *p, size_t n, enum wst_spool_need need)
{
    struct wst_spool_key key = {h->conn->start_ns, h->conn->node.conn, h->part};
    return wst_spool_add(&h->spool, &h->conn->strands[h->part], &key, wst_slice_of(p, n), need);
}

static int item_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_har *h = user;
    enum wst_spool_need need = h->part == WST_HAR_TAIL ? WST_SPOOL_SENSE : WST_SPOOL_DATA;
    if (h->refused_item || !add(h, p, n, need)) {
        h->refused_item = true;
        return -1;
    }
    h->taken += n;
    return 0;
}

struct wst_out *wst_har_item(struct wst_har *h, struct wst_har_conn *conn, enum wst_har_part part)
{
    struct wst_out *out = &h->item;
    h->conn = conn;
    h->part = part;
    h->refused_item = h->doubtful_item = h->in_piece = h->piece_open = false;
    h->taken = h->payload = h->payload_taken = h->omitted = 0;
    out->at = out->buffer;
    out->failed = 0;
    if (is_list(part))
        out->at = conn->strands[part].round ? WST_PUT(out->at, "\n,") : WST_PUT(out->at, "\n");
    return out;
}

bool wst_har_item_more(struct wst_har *h, uint64_t payload)
{
    wst_out_flush(&h->item);
    if (h->refused_item) return false;
    h->payload_taken = payload;
    h->piece_open = h->in_piece;
    return true;
}

/* The string of its payload is open, or that of a piece behind all its members. */
static void repair(struct wst_har *h)
{
    struct wst_out *out = &h->item;
    out->at = out->buffer;
    if (h->piece_open) {
        wst_out_text(out, "\"}]}");
    } else {
        wst_har_number(out, "\",\"_omitted\":", h->omitted + h->payload - h->payload_taken);
        if (h->doubtful_item) wst_har_bool(out, ",\"_certain\":", false);
        wst_har_text(out, ",\"comment\":", "there was no room for the rest of it");
        wst_out_text(out, "}");
    }
    add(h, out->buffer, (size_t)(out->at - out->buffer), WST_SPOOL_END);
}

bool wst_har_item_end(struct wst_har *h)
{
    wst_out_flush(&h->item);
    if (!h->refused_item) return true;
    if (h->taken > 0) repair(h);
    return false;
}

/* -- connections that are not over ------------------------------------------------------------- */

static struct wst_har_conn *find(struct wst_har *h, uint64_t conn)
{
    return conn ? wst_conns_find(&h->open, conn) : &h->whole;
}

/* NULL: there is no memory, or it is there already. */
static struct wst_har_conn *open_conn(struct wst_har *h, uint64_t conn)
{
    struct wst_har_conn *c = find(h, conn) ? NULL : calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    c->node.conn = conn;
    if (wst_conns_add(&h->open, &c->node)) return c;
    free(c);
    return NULL;
}

static void over(struct wst_har *h, struct wst_har_conn *c, const struct wst_event_end *end)
{
    if (!c->lost) wst_har_tail(h, c, end);
    if (c == h->refused_conn) h->refused_conn = NULL;
    wst_conns_take(&h->open, &c->node);
    free(c);
}

/* -- events ------------------------------------------------------------------------------------ */

/* What is wrong with a refused upgrade was told before the next one; it has no end. */
static void refused_over(struct wst_har *h)
{
    if (h->refused_conn) over(h, h->refused_conn, NULL);
}

static void on_handshake(struct wst_har *h, const struct wst_event *event)
{
    const struct wst_event_handshake *shake = &event->handshake;
    int64_t ns = event->when.ns, asked_ns = shake->request_ns;
    struct wst_har_conn *c;
    refused_over(h);
    c = open_conn(h, event->conn);
    if (c == NULL) {
        h->left.connections++;
        return;
    }
    c->start_ns = asked_ns ? asked_ns : ns;
    if (c->start_ns == WST_HAR_NO_ENTRY) c->start_ns--;
    c->wait_ns = ns > c->start_ns ? (int64_t)((uint64_t)ns - (uint64_t)c->start_ns) : 0;
    if (c->wait_ns < 0) c->wait_ns = 0; /* centuries */
    c->accepted = shake->accepted;
    c->asked = shake->uri.p != NULL;
    c->answered = shake->status >= 0;
    if (!c->accepted) h->refused_conn = c;
    if (wst_har_entry(h, c, event)) return;
    c->lost = true;
    h->left.connections++;
}

/* Whether there is something to be left out. */
static bool is_item(const struct wst_event *event)
{
    return event->type != WST_EVENT_FRAME || event->frame.payload.p != NULL;
}

static bool put_item(struct wst_har *h, struct wst_har_conn *c, const struct wst_event *event)
{
    switch (event->type) {
    case WST_EVENT_MESSAGE: return wst_har_message(h, c, event);
    case WST_EVENT_FRAME: return wst_har_frame(h, c, event);
    case WST_EVENT_CLOSE: return wst_har_close(h, c, event);
    case WST_EVENT_GAP: return wst_har_gap(h, c, event);
    default: return wst_har_problem(h, c, event);
    }
}

static void on_item(struct wst_har *h, const struct wst_event *event)
{
    struct wst_har_conn *c;
    if (event->conn == 0 && event->type != WST_EVENT_PROBLEM) return;
    c = find(h, event->conn);
    if (c && !c->lost && put_item(h, c, event)) return;
    if (!is_item(event)) return;
    h->left.items++;
    if (c) c->left_out++;
}

static void on_stats(struct wst_har *h, const struct wst_event *event)
{
    refused_over(h);
    for (struct wst_har_conn *c = wst_conns_next(&h->open, NULL), *after; c; c = after) {
        after = wst_conns_next(&h->open, &c->node);
        over(h, c, NULL); /* a selection may have kept back its end */
    }
    h->stats = event->stats;
    h->stats.findings = NULL;
    wst_har_document_end(h);
    h->done = true;
}

static void on_event(void *user, const struct wst_event *event)
{
    struct wst_har *h = user;
    if (h->done) return;
    if (!h->begun) wst_har_document_begin(h, event->type == WST_EVENT_META ? &event->meta : NULL);
    h->begun = true;
    switch (event->type) {
    case WST_EVENT_META: break;
    case WST_EVENT_HANDSHAKE: on_handshake(h, event); break;
    case WST_EVENT_END: {
        struct wst_har_conn *c = event->conn ? find(h, event->conn) : NULL;
        if (c) over(h, c, &event->end);
        break;
    }
    case WST_EVENT_STATS: on_stats(h, event); break;
    default: on_item(h, event);
    }
}

/* -- the door ---------------------------------------------------------------------------------- */

struct wst_har *wst_har_new(const struct wst_har_options *options, wst_write_fn write, void *user)
{
    struct wst_har *h = calloc(1, sizeof *h);
    if (h == NULL) return NULL;
    wst_har_options_init(&h->options);
    if (options) h->options = *options;
    h->write = write;
    h->user = user;
    h->whole.start_ns = WST_HAR_NO_ENTRY;
    wst_out_init(&h->item, item_write, h);
    wst_har_document_init(h);
    if (wst_spool_init(&h->spool, h->options.spool, h->options.memory)) return h;
    free(h);
    return NULL;
}

struct wst_listener wst_har_listener(struct wst_har *har)
{
    return (struct wst_listener){har, on_event, NULL};
}

bool wst_har_failed(const struct wst_har *har)
{
    return har->failed != 0;
}

struct wst_har_left wst_har_left(const struct wst_har *har)
{
    return har->left;
}

void wst_har_free(struct wst_har *har)
{
    if (har == NULL) return;
    for (struct wst_har_conn *c = wst_conns_next(&har->open, NULL), *after; c; c = after) {
        after = wst_conns_next(&har->open, &c->node);
        free(c);
    }
    wst_conns_free(&har->open);
    wst_spool_free(&har->spool);
    free(har);
}

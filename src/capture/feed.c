/* SPDX-License-Identifier: MIT
 *
 * In: packets, secrets, comments and troubles of one source. Out: the same to the sink.
 * Refuses packets that fail a filter; their numbers stay used.
 */
#include "feed.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

void wst_feed_begin(struct wst_feed *f, const struct wst_capture_sink *sink,
                    const atomic_bool *stop, const char *source)
{
    memset(f, 0, offsetof(struct wst_feed, row));
    f->sink = sink;
    f->stop = stop;
    f->source = source;
    f->place = f->row;
    f->end = f->row + (sink->packets ? WST_CAPTURE_ROW : 1);
}

void wst_feed_flush(struct wst_feed *f)
{
    const struct wst_capture_sink *sink = f->sink;
    size_t n = (size_t)(f->place - f->row);
    int status;
    f->place = f->row;
    if (n == 0 || f->refused) return;
    status =
        sink->packets ? sink->packets(sink->user, f->row, n) : sink->packet(sink->user, f->row);
    if (status != 0) f->refused = true;
}

/* What comes behind the packets of the row; false: they were enough, so it is nobody's concern. */
static bool tells_on(struct wst_feed *f)
{
    wst_feed_flush(f);
    return !wst_feed_over(f);
}

bool wst_feed_passes(struct wst_feed *f, const struct wst_packet *packet)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    for (int i = 0; i < 2 && f->filters[i]; i++) {
        int match = wst_filter_matches(f->filters[i], packet, error);
        if (match < 0) wst_feed_trouble_nowhere(f, error);
        if (match <= 0) return false;
    }
    return true;
}

void wst_feed_secrets(struct wst_feed *f, uint32_t type, struct wst_slice secrets)
{
    if (tells_on(f) && f->sink->secrets) f->sink->secrets(f->sink->user, type, secrets);
}

void wst_feed_comment(struct wst_feed *f, uint64_t pkt, struct wst_slice text)
{
    if (tells_on(f) && f->sink->comment) f->sink->comment(f->sink->user, pkt, text);
}

static void tell(struct wst_feed *f, uint64_t pkt, uint64_t byte, const char *what)
{
    if (!tells_on(f)) return;
    f->troubles++;
    if (f->sink->trouble) f->sink->trouble(f->sink->user, f->source, pkt, byte, what);
}

void wst_feed_trouble(struct wst_feed *f, uint64_t byte, const char *what, ...)
{
    char text[WST_CAPTURE_ERROR_SIZE];
    va_list args;
    va_start(args, what);
    vsnprintf(text, sizeof text, what, args);
    va_end(args);
    tell(f, f->number, byte, text);
}

void wst_feed_trouble_nowhere(struct wst_feed *f, const char *what)
{
    tell(f, 0, 0, what);
}

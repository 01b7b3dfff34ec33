/* SPDX-License-Identifier: MIT
 *
 * In: the name of a capture. Out: its timeline, told to a listener.
 * Refuses to leave out in silence: what cannot be read is trouble.
 */
#include "feed.h"

#include "processors.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

void wst_tool_trouble_add(struct wst_tool_trouble *trouble, const char *format, ...)
{
    va_list arguments;

    if (wst_tool_trouble_is(trouble)) {
        trouble->more++;
        return;
    }
    va_start(arguments, format);
    vsnprintf(trouble->what, sizeof trouble->what, format, arguments);
    va_end(arguments);
}

struct feed {
    const char *file;
    struct wst_capture *capture;
    struct wst_tool_keys keys;
    struct wst_context *context;
    struct wst_tool_trouble *trouble;
    uint32_t link_type; /* of the packet before; UINT32_MAX, which is none: there was none */
    bool unread;        /* one was said to be unknown */
};

static void meet_link_type(struct feed *feed, uint32_t link_type)
{
    char name[64];

    feed->link_type = link_type;
    if (feed->unread || wst_context_reads_link_type(link_type)) return;
    feed->unread = true;
    wst_tool_trouble_add(feed->trouble, "%s: link type %" PRIu32 " (%s) is not known here",
                         feed->file, link_type, wst_capture_link_type_name(link_type, name));
}

static int on_packets(void *user, const struct wst_packet *packets, size_t n)
{
    struct feed *feed = user;

    for (size_t i = 0; i < n; i++)
        if (packets[i].link_type != feed->link_type) meet_link_type(feed, packets[i].link_type);
    wst_context_packets(feed->context, packets, n);
    return 0;
}

static int on_packet(void *user, const struct wst_packet *packet)
{
    return on_packets(user, packet, 1);
}

static void on_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                       const char *what)
{
    struct feed *feed = user;

    if (pkt || byte)
        wst_tool_trouble_add(feed->trouble, "%s: packet %" PRIu64 ", byte %" PRIu64 ": %s", source,
                             pkt, byte, what);
    else
        wst_tool_trouble_add(feed->trouble, "%s: %s", source, what);
}

static void on_secrets(void *user, uint32_t type, struct wst_slice secrets)
{
    wst_tool_keys_secrets(&((struct feed *)user)->keys, type, secrets);
}

/* A connection without its key: the secrets may stand behind the packets. */
static void on_wanted(void *user)
{
    struct feed *feed = user;

    wst_capture_secrets_ahead(feed->capture, wst_tool_keys_secrets, &feed->keys);
}

static void run(struct feed *feed, const struct wst_tool_source *source)
{
    struct wst_capture *capture = feed->capture;
    struct wst_capture_sink sink = {.user = feed,
                                    .packet = on_packet,
                                    .packets = on_packets,
                                    .secrets = on_secrets,
                                    .trouble = on_trouble};
    struct wst_event_meta meta = {.sources = &feed->file, .sources_n = 1, .filter = source->filter};
    struct wst_tls_hooks hooks = {.user = feed, .wanted = on_wanted};

    if (wst_tool_keys_open(&feed->keys, feed->context, source->keys, source->broker, false) != 0) {
        wst_tool_trouble_add(feed->trouble, "%s: was not read without its keys", feed->file);
        return;
    }
    wst_context_tls(feed->context, &hooks);
    meta.link_types = wst_capture_link_types(capture, &meta.link_types_n);
    wst_context_begin(feed->context, &meta);
    wst_capture_run(capture, &sink);
    wst_context_finish(feed->context, NULL);
}

struct wst_capture *wst_tool_feed_open(const char *file, const struct wst_tool_source *source,
                                       struct wst_tool_trouble *trouble)
{
    struct wst_capture *capture = wst_capture_new();
    char error[WST_CAPTURE_ERROR_SIZE];
    int status;

    if (capture == NULL || wst_capture_add_file(capture, file, NULL) != 0 ||
        (source->filter && wst_capture_set_filter(capture, source->filter) != 0))
        wst_tool_trouble_add(trouble, "out of memory");
    else if ((status = wst_capture_open(capture, error)) == WST_CAPTURE_BAD_FILTER &&
             source->golden)
        wst_tool_trouble_add(trouble, "%s: %s", source->golden, error);
    else if (status != 0)
        wst_tool_trouble_add(trouble, "%s", error);
    else
        return capture;
    wst_capture_free(capture);
    return NULL;
}

void wst_tool_feed(struct wst_capture *capture, const char *file,
                   const struct wst_tool_source *source, const struct wst_options *options,
                   const struct wst_listener *listener, struct wst_tool_trouble *trouble)
{
    struct feed feed = {
        .file = file, .capture = capture, .trouble = trouble, .link_type = UINT32_MAX};
    struct wst_options own = *options;

    own.batch = WST_BATCH_MAX;
    if (source->alone) own.jobs = wst_tool_jobs_for(wst_capture_total_bytes(capture));
    wst_capture_set_read_ahead(capture, own.jobs > 1);
    feed.context = wst_context_new(&own, listener);

    if (feed.context)
        run(&feed, source);
    else
        wst_tool_trouble_add(trouble, "out of memory");
    wst_tool_keys_close(&feed.keys);
    wst_context_free(feed.context);
    wst_capture_free(feed.capture);
}

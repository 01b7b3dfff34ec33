/* SPDX-License-Identifier: MIT
 *
 * In: a source. Out: its packets, through the reader of its format.
 * Refuses what is neither pcap nor pcapng, and says what it looks like instead.
 */
#include "reader.h"
#include "classic.h"
#include "pcapng.h"

#include <stdio.h>
#include <string.h>

enum format { FORMAT_NONE, FORMAT_CLASSIC, FORMAT_PCAPNG };

/* What people hand to a capture reader by mistake, and what makes a capture of it. */
static const struct {
    const char *magic;
    size_t n;
    const char *what;
} others[] = {
    {"\x28\xb5\x2f\xfd", 4, "it is compressed with zstd; zstd -dc unpacks it"},
    {"\xfd"
     "7zXZ",
     5, "it is compressed with xz; xz -dc unpacks it"},
    {"BZh", 3, "it is compressed with bzip2; bzip2 -dc unpacks it"},
    {"\x04\x22\x4d\x18", 4, "it is compressed with lz4; lz4 -dc unpacks it"},
    {"\x1f\x8b", 2, "it is compressed with gzip twice"},
    {"PK\x03\x04", 4, "it is a zip archive"},
    {"snoop", 5, "it is in Solaris snoop format; editcap converts it"},
    {"GMBU", 4, "it is in Microsoft Network Monitor format; editcap converts it"},
    {"\x7f"
     "ELF",
     4, "it is a program"},
    {"{", 1, "it looks like JSON"},
    {"CLIENT_", 7, "it looks like a TLS key log"},
    {"SERVER_", 7, "it looks like a TLS key log"},
    {"# SSL", 5, "it looks like a TLS key log"},
};

static void name_other(const uint8_t *p, size_t n, char *error)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (n >= others[i].n && memcmp(p, others[i].magic, others[i].n) == 0) {
            snprintf(error, WST_CAPTURE_ERROR_SIZE, "not a capture file: %s", others[i].what);
            return;
        }
    if (n < 4)
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "not a capture file: it has only %zu bytes", n);
    else
        snprintf(error, WST_CAPTURE_ERROR_SIZE,
                 "not a capture file: it begins with %02x %02x %02x %02x, the mark of neither pcap "
                 "nor pcapng",
                 p[0], p[1], p[2], p[3]);
}

static enum format find_format(struct wst_source *source, char *error)
{
    size_t n = wst_source_want(source, 4);
    if (n >= 4 && wst_classic_is(wst_source_at(source))) return FORMAT_CLASSIC;
    if (n >= 4 && wst_pcapng_is(wst_source_at(source))) return FORMAT_PCAPNG;
    if (source->error[0])
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s", source->error);
    else if (n == 0)
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "the file is empty");
    else
        name_other(wst_source_at(source), wst_source_want(source, 8), error);
    return FORMAT_NONE;
}

/* ---- the peek: a run whose sink stops at the first packet ---- */

static int stop_at_packet(void *user, const struct wst_packet *packet)
{
    (void)user;
    (void)packet;
    return 1;
}

static void note_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                         const char *what)
{
    (void)source;
    (void)pkt;
    (void)byte;
    snprintf(user, WST_CAPTURE_ERROR_SIZE, "%s", what);
}

/* Damage after the first interface is told when the file is read. Nor is it damage that a pipe has
 * more secrets before its first interface than can be kept. */
static int peek_pcapng(struct wst_source *source, void (*link)(void *, uint32_t), void *user,
                       char *error)
{
    static const atomic_bool never = false;
    struct wst_capture_sink sink = {
        .user = error, .packet = stop_at_packet, .trouble = note_trouble};
    struct wst_feed feed;
    struct wst_pcapng ng;
    bool readable;
    wst_feed_begin(&feed, &sink, source->supply.stop ? source->supply.stop : &never, NULL);
    wst_pcapng_init(&ng, source);
    wst_pcapng_run(&ng, &feed);
    for (size_t i = 0; i < ng.n; i++) link(user, ng.interfaces[i].link_type);
    readable = ng.n > 0 || feed.troubles == 0 || source->full;
    wst_pcapng_free(&ng);
    return readable ? 0 : -1;
}

int wst_reader_peek(struct wst_source *source, void (*link)(void *user, uint32_t link_type),
                    void *user, char error[WST_CAPTURE_ERROR_SIZE])
{
    uint32_t link_type;
    switch (find_format(source, error)) {
    case FORMAT_CLASSIC:
        if (wst_classic_link_type(source, &link_type, error) < 0) return -1;
        link(user, link_type);
        return 0;
    case FORMAT_PCAPNG: return peek_pcapng(source, link, user, error);
    case FORMAT_NONE: break;
    }
    return -1;
}

void wst_reader_run(struct wst_source *source, struct wst_feed *feed)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct wst_pcapng ng;
    switch (find_format(source, error)) {
    case FORMAT_CLASSIC: wst_classic_run(source, feed); break;
    case FORMAT_PCAPNG:
        wst_pcapng_init(&ng, source);
        wst_pcapng_run(&ng, feed);
        wst_pcapng_free(&ng);
        break;
    case FORMAT_NONE:
        if (!wst_feed_over(feed)) wst_feed_trouble_nowhere(feed, error);
        break;
    }
}

void wst_reader_secrets(struct wst_source *source, struct wst_feed *feed)
{
    struct wst_pcapng ng;
    if (wst_source_want(source, 4) < 4 || !wst_pcapng_is(wst_source_at(source))) return;
    wst_pcapng_init(&ng, source);
    wst_pcapng_run(&ng, feed);
    wst_pcapng_free(&ng);
}

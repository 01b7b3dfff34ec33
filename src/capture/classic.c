/* SPDX-License-Identifier: MIT
 *
 * In: bytes of a source. Out: packets with nanosecond times.
 * Refuses what libpcap refuses; a cut or damaged file gives all packets before the damage.
 *
 *     source (gunzips) -> header -> libpcap: version, byte order, link type
 *                      -> records, read where they lie -> feed
 *
 * libpcap says what a header means. The records are read here, because only who has the bytes can
 * look at the packets that come next while this one is worked on (docs/PERFORMANCE.md).
 */
#include "classic.h"
#include "linktype.h"
#include "seldom.h"
#include "slice.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <sys/types.h>

struct classic {
    struct wst_source *source;
    struct wst_feed *feed;
    uint8_t head[WST_CLASSIC_HEAD];
    size_t head_n, head_pos; /* there, given to libpcap */
    uint32_t record_head;    /* bytes before each packet's data */
    uint32_t longest;        /* captured bytes a record may have */
    uint32_t link_type;
    uint32_t tick; /* nanoseconds in a unit of its fractions */
    bool swapped;  /* numbers lie in the other byte order than ours */
    bool foreign;  /* they need turning round in one way or the other */
    enum { LENGTHS_SOUND, LENGTHS_PERHAPS_SWAPPED, LENGTHS_SWAPPED } lengths;
};

/* Too large for an enum. */
#define MICRO UINT32_C(0xa1b2c3d4)
#define NANO UINT32_C(0xa1b23c4d)
#define KUZNETZOV UINT32_C(0xa1b2cd34)
#define NONE UINT32_C(0)

static uint32_t swap32(uint32_t v)
{
    return __builtin_bswap32(v);
}

/* The magic in the order a person reads it; `little`: how the file's other numbers lie. */
static uint32_t magic_of(const uint8_t p[4], bool *little)
{
    uint32_t v = wst_be32(p);
    *little = (v & 0xffff) == 0xb2a1;
    if (*little) v = swap32(v);
    return v == MICRO || v == NANO || v == KUZNETZOV ? v : NONE;
}

bool wst_classic_is(const uint8_t magic[4])
{
    bool little;
    return magic_of(magic, &little) != NONE;
}

/*      0       4       6       8         12        16        20          24
 *      | magic | major | minor | thiszone | sigfigs | snaplen | link type |
 * The snap length is put to 0, the most: libpcap would cut packets at it, even those the file holds
 * whole, and so says how long a packet of this link type may be. */
static void mend_head(struct classic *c)
{
    bool little;
    uint32_t magic = magic_of(c->head, &little);
    c->tick = magic == NANO ? 1 : 1000;
    c->record_head = magic == KUZNETZOV ? 24 : 16;
    memset(c->head + 16, 0, 4);
}

static void take_head(struct classic *c)
{
    while (c->head_n < sizeof c->head) {
        size_t n = wst_source_read(c->source, c->head + c->head_n, sizeof c->head - c->head_n);
        if (n == 0) return; /* libpcap will say how much is missing */
        c->head_n += n;
    }
    mend_head(c);
}

/* ---- the header, by libpcap ---- */

static ssize_t cookie_read(void *cookie, char *to, size_t n)
{
    struct classic *c = cookie;
    size_t left = c->head_n - c->head_pos;
    if (n > left) n = left;
    memcpy(to, c->head + c->head_pos, n);
    c->head_pos += n;
    return (ssize_t)n;
}

#ifdef __linux__
static FILE *open_cookie(struct classic *c)
{
    return fopencookie(c, "rb", (cookie_io_functions_t){.read = cookie_read});
}
#else
static int cookie_read_int(void *cookie, char *to, int n)
{
    return (int)cookie_read(cookie, to, (size_t)n);
}
static FILE *open_cookie(struct classic *c)
{
    return funopen(c, cookie_read_int, NULL, NULL, NULL);
}
#endif

/* libpcap's sentence, made to begin as ours do. A source that broke down (a corrupt gzip) is the
 * cause; libpcap only sees that nothing more comes. */
static int fail(const struct classic *c, char *error, const char *why)
{
    static const char cut[] = "truncated dump file; ";
    const size_t n = sizeof cut - 1;
    if (c->source->error[0])
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s", c->source->error);
    else if (strncmp(why, cut, n) == 0)
        snprintf(error, WST_CAPTURE_ERROR_SIZE,
                 "truncated: the file ends in the middle of its header (%s)", why + n);
    else
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "its header cannot be read: %s", why);
    return -1;
}

/* Before version 2.3 captured and original length stood the other way round; writers of 2.3 did
 * both. 543.0 is what a tcpdump of DG/UX wrote. */
static void take_version(struct classic *c, int major, int minor)
{
    c->lengths = LENGTHS_SOUND;
    if (major == 543 || (major == 2 && minor < 3)) c->lengths = LENGTHS_SWAPPED;
    if (major == 2 && minor == 3) c->lengths = LENGTHS_PERHAPS_SWAPPED;
}

static int open_classic(struct classic *c, struct wst_source *source, char *error)
{
    char why[PCAP_ERRBUF_SIZE];
    *c = (struct classic){.source = source};
    take_head(c);
    FILE *file = open_cookie(c);
    if (!file) return fail(c, error, "out of memory");
    pcap_t *pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!pcap) {
        fclose(file);
        return fail(c, error, why);
    }
    c->link_type = wst_linktype_of_dlt(pcap_datalink(pcap));
    c->longest = (uint32_t)pcap_snapshot(pcap);
    c->swapped = pcap_is_swapped(pcap);
    take_version(c, pcap_major_version(pcap), pcap_minor_version(pcap));
    c->foreign = c->swapped || c->lengths != LENGTHS_SOUND;
    pcap_close(pcap);
    return 0;
}

int wst_classic_link_type(struct wst_source *source, uint32_t *link_type,
                          char error[WST_CAPTURE_ERROR_SIZE])
{
    struct classic c;
    if (open_classic(&c, source, error) < 0) return -1;
    *link_type = c.link_type;
    return 0;
}

/* ---- records ---- */

struct record {
    uint32_t seconds, fraction, captured, original;
};

WST_SELDOM static struct record turn_round(const struct classic *c, struct record r)
{
    if (c->swapped)
        r = (struct record){swap32(r.seconds), swap32(r.fraction), swap32(r.captured),
                            swap32(r.original)};
    if (c->lengths == LENGTHS_SWAPPED ||
        (c->lengths == LENGTHS_PERHAPS_SWAPPED && r.captured > r.original))
        r = (struct record){r.seconds, r.fraction, r.original, r.captured};
    return r;
}

/*      0         4          8                 12               16
 *      | seconds | fraction | captured length | original length | … data
 *      modified by Kuznetzov: … | interface 4 | protocol 2 | type 1 | padding 1 | at 16
 *
 * Seconds and fraction have no sign, so even the year 2106 and a hostile fraction stay far inside
 * 64 bits. */
static inline void take_record(const struct classic *c, const uint8_t *p, struct wst_packet *packet)
{
    struct record r;
    memcpy(&r, p, sizeof r);
    if (c->foreign) r = turn_round(c, r);
    packet->data = wst_slice_of(p + c->record_head, r.captured);
    packet->wire_len = r.original;
    packet->link_type = c->link_type;
    packet->when.ns = (int64_t)r.seconds * 1000000000 + (int64_t)r.fraction * c->tick;
    packet->nanos = c->tick == 1;
    packet->device = 0;
}

/* False: they do not come. */
WST_SELDOM static bool want_more(struct classic *c, size_t n, const char *what)
{
    size_t have = wst_feed_want(c->feed, c->source, n);
    if (wst_feed_over(c->feed)) return false;
    if (have >= n) return true;
    if (c->source->error[0])
        wst_feed_trouble(c->feed, wst_source_offset(c->source), "%s", c->source->error);
    else if (have)
        wst_feed_trouble(c->feed, wst_source_offset(c->source),
                         "truncated: the file ends in the middle of a packet (tried to read %zu %s "
                         "bytes, only got %zu)",
                         n == c->record_head ? n : n - c->record_head, what,
                         n == c->record_head ? have : have - c->record_head);
    return false;
}

/* Makes `n` bytes lie in a row. */
static inline bool want(struct classic *c, size_t n, const char *what)
{
    return c->source->end - c->source->pos >= n || want_more(c, n, what);
}

/* The record behind the one taken, and the headers of its packet: the kernel has just written them,
 * but further away than the first cache. */
static inline void fetch_next(const struct classic *c)
{
    enum { LINE = 64, LINES = 2 };
    if (c->source->end - c->source->pos < LINES * LINE) return;
    for (size_t i = 0; i < LINES; i++) __builtin_prefetch(wst_source_at(c->source) + i * LINE);
}

/* A step: takes the next packet, or has it come. False: there is none. */
static inline bool take_packet(struct classic *c)
{
    if (!want(c, c->record_head, "header")) return false;
    struct wst_packet *packet = c->feed->place;
    take_record(c, wst_source_at(c->source), packet);
    size_t captured = packet->data.n, n = c->record_head + captured;
    if (captured > c->longest) {
        wst_feed_trouble(c->feed, wst_source_offset(c->source),
                         "a packet cannot be read: invalid packet capture length %zu, bigger than "
                         "snaplen of %u",
                         captured, c->longest);
        return false;
    }
    if (c->source->end - c->source->pos < n)
        return want_more(c, n, "captured"); /* then once more, for nothing lies where it did */
    wst_source_skip(c->source, n);
    fetch_next(c);
    return wst_feed_take(c->feed, packet);
}

void wst_classic_run(struct wst_source *source, struct wst_feed *feed)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct classic c;
    if (open_classic(&c, source, error) < 0) {
        if (!wst_feed_over(feed)) wst_feed_trouble_nowhere(feed, error);
        return;
    }
    c.feed = feed;
    while (take_packet(&c)) {
    }
    wst_feed_flush(feed);
}

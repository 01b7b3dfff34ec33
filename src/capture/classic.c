/* SPDX-License-Identifier: MIT
 *
 * In: bytes of a source, through a FILE made over it. Out: packets with nanosecond times.
 * Refuses what libpcap refuses; a cut or damaged file gives all packets before the damage.
 *
 *     source (gunzips) -> cookie (mends the header) -> FILE (256 KiB) -> libpcap -> feed
 */
#include "classic.h"
#include "linktype.h"
#include "slice.h"

#include <pcap/pcap.h>
#include <stdio.h>
#ifdef __linux__
#include <stdio_ext.h>
#endif
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

struct classic {
    struct wst_source *source;
    struct wst_feed *feed;
    pcap_t *pcap; /* owns the FILE */
    char *buffer; /* of the FILE; setvbuf(NULL, size) would keep the small one */
    uint8_t head[WST_CLASSIC_HEAD];
    size_t head_n, head_pos; /* there, given to libpcap */
    uint64_t offset;         /* where the record after the last one begins */
    uint32_t record_head;    /* bytes before each packet's data */
    uint32_t link_type;
    bool nanos;
    bool plain; /* libpcap reads the file itself */
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
 * Raises the snap length. 0 already means the most, and larger ones are some link types' right. */
static bool mend_head(struct classic *c)
{
    bool little;
    uint32_t magic = magic_of(c->head, &little);
    uint32_t snaplen = wst_be32(c->head + 16);
    c->nanos = magic == NANO;
    c->record_head = magic == KUZNETZOV ? 24 : 16;
    if (little) snaplen = swap32(snaplen);
    if (snaplen == 0 || snaplen >= WST_CLASSIC_SNAPLEN) return false;
    snaplen = little ? swap32(WST_CLASSIC_SNAPLEN) : WST_CLASSIC_SNAPLEN;
    for (int i = 0; i < 4; i++) c->head[16 + i] = (uint8_t)(snaplen >> (24 - 8 * i));
    return true;
}

/* True: the header is not the file's own any more. */
static bool take_head(struct classic *c)
{
    while (c->head_n < sizeof c->head) {
        size_t n = wst_source_read(c->source, c->head + c->head_n, sizeof c->head - c->head_n);
        if (n == 0) return false; /* libpcap will say how much is missing */
        c->head_n += n;
    }
    c->offset = sizeof c->head;
    return mend_head(c);
}

/* ---- a FILE over the source ---- */

static ssize_t cookie_read(void *cookie, char *to, size_t n)
{
    struct classic *c = cookie;
    size_t left = c->head_n - c->head_pos;
    if (left == 0) return (ssize_t)wst_source_read(c->source, (uint8_t *)to, n);
    if (n > left) n = left;
    memcpy(to, c->head + c->head_pos, n);
    c->head_pos += n;
    return (ssize_t)n;
}

#ifdef __linux__
/* Nobody else has this FILE: without its lock, taken twice a packet, reading is a quarter faster.
 */
static FILE *open_cookie(struct classic *c)
{
    FILE *file = fopencookie(c, "rb", (cookie_io_functions_t){.read = cookie_read});
    if (file) __fsetlocking(file, FSETLOCKING_BYCALLER);
    return file;
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

/* A plain file whose header needs no mending is read without the cookie: stdio copies a packet's
 * 16-byte header byte by byte from a cookie, and at once from a file. NULL: not such a file. */
static FILE *open_plain(struct classic *c, bool mended)
{
    const struct wst_source *s = c->source;
    if (mended || !s->regular || s->gzip || c->head_n < sizeof c->head) return NULL;
    int fd = dup(s->fd);
    if (fd < 0) return NULL;
    FILE *file = lseek(fd, 0, SEEK_SET) == 0 ? fdopen(fd, "rb") : NULL;
    if (!file) {
        close(fd);
        return NULL;
    }
#ifdef __linux__
    __fsetlocking(file, FSETLOCKING_BYCALLER);
#endif
    c->plain = true;
    return file;
}

/* libpcap's sentence, made to begin as ours do. `part`: what was being read. A source that broke
 * down (a corrupt gzip) is the cause; libpcap only sees that nothing more comes. */
static void explain(const struct classic *c, const char *part, const char *why, char *error)
{
    static const char cut[] = "truncated dump file; ";
    const size_t n = sizeof cut - 1;
    if (c->source->error[0])
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s", c->source->error);
    else if (strncmp(why, cut, n) == 0)
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "truncated: the file ends in the middle of %s (%s)",
                 part, why + n);
    else
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "%s cannot be read: %s", part, why);
}

static int fail(struct classic *c, char *error, const char *why)
{
    explain(c, "its header", why, error);
    return -1;
}

/* `buffer`: bytes for stdio, 0: its own. */
static int open_classic(struct classic *c, struct wst_source *source, size_t buffer, char *error)
{
    char why[PCAP_ERRBUF_SIZE];
    FILE *file;
    *c = (struct classic){.source = source};
    bool mended = take_head(c);
    file = open_plain(c, mended);
    if (!file) file = open_cookie(c);
    if (!file) return fail(c, error, "out of memory");
    if (buffer && (c->buffer = malloc(buffer)) != NULL) setvbuf(file, c->buffer, _IOFBF, buffer);
    c->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
    if (!c->pcap) {
        fclose(file);
        free(c->buffer);
        return fail(c, error, why);
    }
    c->link_type = wst_linktype_of_dlt(pcap_datalink(c->pcap));
    return 0;
}

static void close_classic(struct classic *c)
{
    pcap_close(c->pcap);
    free(c->buffer);
}

/* ---- packets ---- */

/* Seconds are 32 bits without a sign in the file (libpcap reads a sign into them in one byte
 * order), so even the year 2106 and a hostile fraction stay far inside 64 bits. */
static void on_packet(u_char *user, const struct pcap_pkthdr *head, const u_char *data)
{
    struct classic *c = (struct classic *)user;
    struct wst_packet packet = {
        .data = {data, head->caplen},
        .wire_len = head->len,
        .link_type = c->link_type,
        .when.ns = (int64_t)(uint32_t)head->ts.tv_sec * 1000000000 + (int64_t)head->ts.tv_usec,
        .nanos = c->nanos,
    };
    c->offset += c->record_head + head->caplen;
    if (c->plain) c->source->consumed = c->offset;
    if (wst_feed_admit(c->feed, &packet)) wst_feed_push(c->feed, &packet);
    if (wst_feed_over(c->feed)) pcap_breakloop(c->pcap);
}

int wst_classic_link_type(struct wst_source *source, uint32_t *link_type,
                          char error[WST_CAPTURE_ERROR_SIZE])
{
    struct classic c;
    if (open_classic(&c, source, 0, error) < 0) return -1;
    *link_type = c.link_type;
    close_classic(&c);
    return 0;
}

void wst_classic_run(struct wst_source *source, struct wst_feed *feed)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    struct classic c;
    int rc;
    if (open_classic(&c, source, WST_CLASSIC_BUFFER, error) < 0) {
        if (!wst_feed_over(feed)) wst_feed_trouble_nowhere(feed, error);
        return;
    }
    c.feed = feed;
    rc = pcap_loop(c.pcap, -1, on_packet, (u_char *)&c);
    if (!wst_feed_over(feed) && (rc == PCAP_ERROR || source->error[0])) {
        explain(&c, "a packet", pcap_geterr(c.pcap), error);
        wst_feed_trouble(feed, c.offset, "%s", error);
    }
    close_classic(&c);
}

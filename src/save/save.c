/* SPDX-License-Identifier: MIT
 *
 * In: packets. Out: bytes of a classic pcap or a pcapng file.
 * Refuses a second link type in a classic file. The first failure to write is the last.
 */
#include "hold.h"

#include <stdlib.h>
#include <string.h>

enum {
    BUFFER = 1 << 16,
    HEAD_MAX = 128,       /* of anything written before a packet's bytes */
    INTERFACES_MAX = 256, /* link types of one pcapng file */
    HOLD = 32 << 20,
};

struct wst_save {
    enum wst_save_format format;
    uint32_t snaplen, link_type;
    uint32_t interfaces[INTERFACES_MAX]; /* their link types */
    uint32_t interfaces_n;
    wst_write_fn write;
    void *user;
    int failed; /* what the writer returned first */
    uint64_t bytes;
    struct wst_hold hold;
    size_t n;
    uint8_t buffer[BUFFER];
};

struct wst_save *wst_save_new(enum wst_save_format format, uint32_t snaplen, size_t hold,
                              wst_write_fn write, void *user)
{
    struct wst_save *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->format = format;
    s->snaplen = snaplen;
    s->write = write;
    s->user = user;
    if (wst_hold_init(&s->hold, hold ? hold : HOLD) == 0) return s;
    free(s);
    return NULL;
}

void wst_save_free(struct wst_save *s)
{
    if (!s) return;
    wst_hold_free(&s->hold);
    free(s);
}

/* -- bytes ------------------------------------------------------------------------------------- */

int wst_save_flush(struct wst_save *s)
{
    if (s->n && !s->failed) {
        int rc = s->write(s->user, s->buffer, s->n);
        if (rc < 0) s->failed = rc;
    }
    s->n = 0;
    return s->failed;
}

static void put(struct wst_save *s, const void *p, size_t n)
{
    s->bytes += n;
    if (n > sizeof s->buffer - s->n) wst_save_flush(s);
    if (n > sizeof s->buffer) {
        int rc = s->failed ? 0 : s->write(s->user, p, n);
        if (rc < 0) s->failed = rc;
        return;
    }
    memcpy(s->buffer + s->n, p, n);
    s->n += n;
}

/* Blocks and heads are made of 16-, 32- and 64-bit numbers in the machine's byte order: readers of
 * both formats look at a magic number to learn it. */
struct head {
    size_t n;
    uint8_t bytes[HEAD_MAX];
};
static void add16(struct head *h, uint16_t v)
{
    memcpy(h->bytes + h->n, &v, sizeof v);
    h->n += sizeof v;
}
static void add32(struct head *h, uint32_t v)
{
    memcpy(h->bytes + h->n, &v, sizeof v);
    h->n += sizeof v;
}

/* -- classic (draft-ietf-opsawg-pcap) ---------------------------------------------------------- */

static void pcap_begin(struct wst_save *s)
{
    struct head h = {0};
    add32(&h, 0xa1b23c4d); /* nanoseconds */
    add16(&h, 2);
    add16(&h, 4);
    add32(&h, 0);
    add32(&h, 0);
    add32(&h, s->snaplen);
    add32(&h, s->link_type);
    put(s, h.bytes, h.n);
}

static void pcap_packet(struct wst_save *s, const struct wst_packet *p)
{
    struct head h = {0};
    int64_t ns = p->when.ns < 0 ? 0 : p->when.ns; /* before 1970 there is no time in this format */
    add32(&h, (uint32_t)(ns / 1000000000));
    add32(&h, (uint32_t)(ns % 1000000000));
    add32(&h, (uint32_t)p->data.n);
    add32(&h, p->wire_len > p->data.n ? p->wire_len : (uint32_t)p->data.n);
    put(s, h.bytes, h.n);
    put(s, p->data.p, p->data.n);
}

/* -- pcapng (draft-ietf-opsawg-pcapng) -----------------------------------------------------------
 *
 *   type | total length | body | options: code, length, value … end | total length
 */
enum { BLOCK_SECTION = 0x0a0d0d0a, BLOCK_INTERFACE = 1, BLOCK_STATISTICS = 5, BLOCK_PACKET = 6 };
enum { OPT_END = 0, SHB_USERAPPL = 4, IF_TSRESOL = 9, ISB_IFRECV = 4, ISB_IFDROP = 5 };

static void ng_end(struct wst_save *s, struct head *h, uint32_t more)
{
    uint32_t total = (uint32_t)h->n + more + 4;
    memcpy(h->bytes + 4, &total, 4);
    if (!more) add32(h, total);
    put(s, h->bytes, h->n);
}

static void ng_begin(struct wst_save *s)
{
    static const char name[8] = "wstrace";
    struct head h = {0};
    add32(&h, BLOCK_SECTION);
    add32(&h, 0);
    add32(&h, 0x1a2b3c4d);
    add16(&h, 1);
    add16(&h, 0);
    add32(&h, UINT32_MAX); /* length of the section: not known */
    add32(&h, UINT32_MAX);
    add16(&h, SHB_USERAPPL);
    add16(&h, 7);
    memcpy(h.bytes + h.n, name, 8);
    h.n += 8;
    add32(&h, OPT_END);
    ng_end(s, &h, 0);
    s->interfaces_n = 0;
}

/* One interface for each link type, described before its first packet. */
static uint32_t ng_interface(struct wst_save *s, uint32_t link_type)
{
    struct head h = {0};
    uint32_t i = 0;
    while (i < s->interfaces_n && s->interfaces[i] != link_type) i++;
    if (i < s->interfaces_n || i == INTERFACES_MAX) return i;
    s->interfaces[s->interfaces_n++] = link_type;
    add32(&h, BLOCK_INTERFACE);
    add32(&h, 0);
    add16(&h, (uint16_t)link_type);
    add16(&h, 0);
    add32(&h, s->snaplen);
    add16(&h, IF_TSRESOL);
    add16(&h, 1);
    add32(&h, 0);
    h.bytes[h.n - 4] = 9; /* 10^-9 s */
    add32(&h, OPT_END);
    ng_end(s, &h, 0);
    return i;
}

static int ng_packet(struct wst_save *s, const struct wst_packet *p)
{
    static const uint8_t padding[4];
    struct head h = {0};
    uint64_t ns = p->when.ns < 0 ? 0 : (uint64_t)p->when.ns;
    uint32_t interface = ng_interface(s, p->link_type), n = (uint32_t)p->data.n, total;
    if (interface == INTERFACES_MAX) return WST_SAVE_LINK_TYPE;
    add32(&h, BLOCK_PACKET);
    add32(&h, 0);
    add32(&h, interface);
    add32(&h, (uint32_t)(ns >> 32));
    add32(&h, (uint32_t)ns);
    add32(&h, n);
    add32(&h, p->wire_len > n ? p->wire_len : n);
    total = (uint32_t)h.n + (n + 3) / 4 * 4 + 4;
    ng_end(s, &h, (n + 3) / 4 * 4);
    put(s, p->data.p, n);
    put(s, padding, (4 - n % 4) % 4);
    put(s, &total, 4);
    return 0;
}

static void ng_statistics(struct wst_save *s, uint64_t received, uint64_t dropped)
{
    struct head h = {0};
    if (!s->interfaces_n) return;
    add32(&h, BLOCK_STATISTICS);
    add32(&h, 0);
    add32(&h, 0); /* of all interfaces, told with the first */
    add32(&h, 0);
    add32(&h, 0);
    add16(&h, ISB_IFRECV);
    add16(&h, 8);
    memcpy(h.bytes + h.n, &received, 8);
    h.n += 8;
    add16(&h, ISB_IFDROP);
    add16(&h, 8);
    memcpy(h.bytes + h.n, &dropped, 8);
    h.n += 8;
    add32(&h, OPT_END);
    ng_end(s, &h, 0);
}

/* -- the door ---------------------------------------------------------------------------------- */

int wst_save_begin(struct wst_save *s, uint32_t link_type)
{
    s->bytes = 0;
    s->link_type = link_type;
    if (s->format == WST_SAVE_PCAPNG)
        ng_begin(s);
    else
        pcap_begin(s);
    return s->failed;
}

int wst_save_packet(struct wst_save *s, const struct wst_packet *p)
{
    if (s->failed) return s->failed;
    if (s->format == WST_SAVE_PCAPNG) {
        int rc = ng_packet(s, p);
        return rc ? rc : s->failed;
    }
    if (p->link_type != s->link_type) return WST_SAVE_LINK_TYPE;
    pcap_packet(s, p);
    return s->failed;
}

int wst_save_chosen(struct wst_save *s, const struct wst_packet *p, enum wst_fate fate,
                    uint64_t stream)
{
    switch (fate) {
    case WST_FATE_OTHER: wst_hold_forget(&s->hold, stream); return 0;
    case WST_FATE_UNDECIDED: wst_hold_keep(&s->hold, stream, p); return 0;
    case WST_FATE_WEBSOCKET: break;
    }
    int before = wst_save_release(s, stream), rc = before < 0 ? before : wst_save_packet(s, p);
    return rc ? rc : before;
}

int wst_save_release(struct wst_save *s, uint64_t stream)
{
    struct wst_packet held;
    int rc = 0, all = 0;
    while (rc >= 0 && wst_hold_take(&s->hold, stream, &held))
        if ((rc = wst_save_packet(s, &held)) != 0) all = rc;
    return all;
}

int wst_save_end(struct wst_save *s, const uint64_t *received, const uint64_t *dropped)
{
    if (s->format == WST_SAVE_PCAPNG && received && dropped) ng_statistics(s, *received, *dropped);
    return wst_save_flush(s);
}

uint64_t wst_save_bytes(const struct wst_save *s)
{
    return s->bytes;
}

uint64_t wst_save_forgotten(const struct wst_save *s)
{
    return s->hold.forgotten;
}

struct wst_save_undecided wst_save_undecided(const struct wst_save *s)
{
    struct wst_save_undecided u = {s->hold.given_up, s->hold.given_up_streams,
                                   s->hold.given_up_streams > 0};
    for (const struct wst_hold_stream *h = s->hold.oldest; h; h = h->newer) {
        u.packets += h->packets + h->lost;
        u.connections++;
    }
    return u;
}

/* SPDX-License-Identifier: MIT
 *
 * What zlib alone takes for the messages of a capture: gathered first, unmasked, in the order of
 * the capture; then, and only this is timed, inflated with one z_stream a stream and direction.
 * Prints the processor seconds, the messages, and the bytes in and out. Takes what gen.c writes:
 * Ethernet, IPv4, everything in order, nothing lost.
 */
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

enum { TABLE = 1 << 22, FRAME = 8192, OUT = 1 << 20 };

struct side { /* one direction of a connection */
    uint64_t addresses;
    uint32_t ports;
    bool used, upgraded;
    z_stream z;
    uint8_t frame[FRAME]; /* one that spans segments */
    size_t n;
};

struct message {
    struct side *side;
    size_t at, n;
};

struct gathered {
    struct side **table;
    struct message *messages;
    size_t messages_n, messages_room;
    uint8_t *bytes;
    size_t n, room;
};

static void *grown(void *p, size_t n)
{
    p = realloc(p, n);
    if (p) return p;
    fputs("out of memory\n", stderr);
    exit(2);
}

static struct side *find(struct gathered *g, uint64_t addresses, uint32_t ports)
{
    uint64_t hash = (addresses ^ (uint64_t)ports << 17) * 0x9e3779b97f4a7c15u;
    for (size_t i = hash >> 42;; i = (i + 1) % TABLE) {
        struct side *s = g->table[i];
        if (!s) {
            s = g->table[i] = grown(NULL, sizeof *s);
            memset(s, 0, sizeof *s);
            s->addresses = addresses;
            s->ports = ports;
            return s;
        }
        if (s->addresses == addresses && s->ports == ports) return s;
    }
}

static void keep(struct gathered *g, struct side *s, const uint8_t *p, size_t n, const uint8_t *key)
{
    static const uint8_t tail[4] = {0x00, 0x00, 0xff, 0xff}; /* RFC 7692 section 7.2.2 */
    if (g->messages_n == g->messages_room)
        g->messages = grown(g->messages,
                            (g->messages_room = g->messages_room * 2 + 1024) * sizeof *g->messages);
    if (g->room < g->n + n + 4) g->bytes = grown(g->bytes, g->room = (g->n + n) * 2 + 65536);
    uint8_t *to = g->bytes + g->n;
    for (size_t i = 0; i < n; i++) to[i] = key ? p[i] ^ key[i & 3] : p[i];
    memcpy(to + n, tail, 4);
    g->messages[g->messages_n++] = (struct message){s, g->n, n + 4};
    g->n += n + 4;
}

/* One frame at the beginning; returns its length, 0: not all of it is here. */
static size_t frame(struct gathered *g, struct side *s, const uint8_t *p, size_t n)
{
    if (n < 2) return 0;
    bool masked = p[1] & 0x80;
    size_t len = p[1] & 0x7f, head = 2;
    if (len == 126) {
        if (n < 4) return 0;
        len = (size_t)p[2] << 8 | p[3];
        head = 4;
    }
    if (n < head + 4 * masked + len) return 0;
    const uint8_t *key = masked ? p + head : NULL;
    head += 4 * masked;
    if (p[0] == 0xc1 || p[0] == 0xc2) keep(g, s, p + head, len, key);
    return head + len;
}

static void payload(struct gathered *g, struct side *s, const uint8_t *p, size_t n)
{
    if (!s->upgraded) { /* a head is one segment */
        s->upgraded = true;
        return;
    }
    if (s->n + n > FRAME) {
        fputs("a frame is larger than this program takes\n", stderr);
        exit(2);
    }
    memcpy(s->frame + s->n, p, n);
    s->n += n;
    size_t done = 0, k;
    while ((k = frame(g, s, s->frame + done, s->n - done)) > 0) done += k;
    memmove(s->frame, s->frame + done, s->n -= done);
}

static void packet(u_char *user, const struct pcap_pkthdr *head, const u_char *p)
{
    enum { ETHER = 14, IP = 20 };
    struct gathered *g = (void *)user;
    if (head->caplen < ETHER + IP + 20 || p[ETHER + 9] != 6) return;
    uint64_t addresses;
    uint32_t ports;
    memcpy(&addresses, p + ETHER + 12, 8);
    memcpy(&ports, p + ETHER + IP, 4);
    size_t before = ETHER + IP + (p[ETHER + IP + 12] >> 4) * 4u;
    if (head->caplen > before)
        payload(g, find(g, addresses, ports), p + before, head->caplen - before);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t inflate_all(const struct gathered *g)
{
    static uint8_t out[OUT];
    uint64_t bytes = 0;
    for (size_t i = 0; i < g->messages_n; i++) {
        const struct message *m = &g->messages[i];
        struct side *s = m->side;
        if (!s->used && inflateInit2(&s->z, -15) != Z_OK) exit(2);
        s->used = true;
        s->z.next_in = g->bytes + m->at;
        s->z.avail_in = (uInt)m->n;
        do {
            s->z.next_out = out;
            s->z.avail_out = OUT;
            int rc = inflate(&s->z, Z_SYNC_FLUSH);
            if (rc != Z_OK && rc != Z_BUF_ERROR) {
                fputs("not deflate\n", stderr);
                exit(2);
            }
            bytes += OUT - s->z.avail_out;
        } while (!s->z.avail_out);
    }
    return bytes;
}

int main(int argc, char **argv)
{
    char error[PCAP_ERRBUF_SIZE] = "usage: rawzlib FILE";
    struct gathered g = {.table = calloc(TABLE, sizeof *g.table)};
    pcap_t *pcap = argc == 2 ? pcap_open_offline(argv[1], error) : NULL;
    if (!pcap || !g.table) {
        fprintf(stderr, "%s\n", error);
        return 2;
    }
    pcap_loop(pcap, -1, packet, (u_char *)&g);
    pcap_close(pcap);
    double began = seconds();
    uint64_t bytes = inflate_all(&g);
    printf("%.6f %zu %zu %llu\n", seconds() - began, g.messages_n, g.n, (unsigned long long)bytes);
    return 0; /* the system takes back what is left */
}

/* SPDX-License-Identifier: MIT
 *
 * In: a profile, a size, a seed. Out: a capture of WebSocket traffic, and on standard error what
 * is in it. The same arguments give the same bytes (compressed: with the same zlib).
 * Refuses what is no option. What the profiles are for: docs/PERFORMANCE.md.
 */
#include "content.h"
#include "wire.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

struct job {
    const char *profile, *out;
    uint64_t bytes;       /* of the file, about; 0: the profile's own */
    uint32_t conns, msgs; /* 0: the profile's own */
    uint64_t size;        /* large: every message has this many bytes; 0: 64 KiB to 1 MiB */
    uint64_t seed;
};

static void *allocate(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return p;
}

/* Room for the close frames and FINs of `conns` connections is left. */
static bool full(const struct wire *w, const struct job *job, uint32_t conns, size_t next)
{
    return w->truth.bytes + next + conns * UINT64_C(500) >= job->bytes;
}

static struct wire_conn *open_all(struct wire *w, uint32_t n, uint32_t server, uint16_t port,
                                  bool deflate)
{
    struct wire_conn *conns = allocate(n, sizeof *conns);
    for (uint32_t i = 0; i < n; i++) {
        wire_conn(w, &conns[i], i, server, port);
        wire_ws_open(w, &conns[i], deflate);
    }
    return conns;
}

static void close_all(struct wire *w, struct wire_conn *conns, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) wire_ws_close(w, &conns[i]);
    free(conns);
}

/* -- small: a masked tick of 64 bytes, its echo, an ACK; one frame a segment ------------------- */

static void echo(struct wire *w, struct wire_conn *c, uint32_t i, size_t want)
{
    char tick[1024];
    size_t n = content_tick(w, tick, c->number, i, want);
    wire_message(w, c, C2S, tick, n);
    wire_message(w, c, S2C, tick, n);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

static void small(struct wire *w, const struct job *job)
{
    uint32_t n = job->conns ? job->conns : 200;
    struct wire_conn *conns = open_all(w, n, 0xc0000201, 8080, false);
    for (uint32_t i = 0; !full(w, job, n, 400); i++) echo(w, &conns[wire_below(w, n)], i, 64);
    close_all(w, conns, n);
}

/* -- large: frames of 64 KiB to 1 MiB in full segments, half binary, half text ----------------- */

struct transfer { /* a frame on its way; connections take turns in bursts */
    uint8_t *frame;
    size_t n, done;
    enum wire_dir dir;
    unsigned segments;
};

static void load(struct wire *w, const struct content *c, struct transfer *t, size_t n)
{
    unsigned kind = wire_below(w, 4);
    const uint8_t *p = c->binary + wire_below(w, (uint32_t)(c->block - n));
    if (kind == 2) p = c->ascii + wire_below(w, (uint32_t)(c->block - n));
    if (kind == 3) p = content_utf8(c, w, &n);
    t->dir = wire_below(w, 2) ? S2C : C2S;
    t->n = wire_frame(w, t->frame, kind < 2 ? 0x82 : 0x81, t->dir, p, n);
    t->done = 0;
    wire_count(w, t->dir, n, n, kind >= 2);
}

static void burst(struct wire *w, struct wire_conn *c, struct transfer *t)
{
    for (uint32_t k = 1 + wire_below(w, 32); k && t->done < t->n; k--) {
        size_t n = t->n - t->done < WIRE_SEGMENT ? t->n - t->done : WIRE_SEGMENT;
        bool last = t->done + n == t->n;
        wire_tcp(w, c, t->dir, last ? PSH | ACK : ACK, t->frame + t->done, n);
        t->done += n;
        if (++t->segments % 2 == 0) wire_tcp(w, c, !t->dir, ACK, NULL, 0);
    }
}

static void large(struct wire *w, const struct job *job)
{
    const size_t least = job->size ? job->size : 65536, most = job->size ? job->size : 1 << 20;
    uint32_t n = job->conns ? job->conns : 20, busy = 0;
    struct content content;
    content_begin(&content, w, 2 * most > 4u << 20 ? 2 * most : 4u << 20);
    struct wire_conn *conns = open_all(w, n, 0xc0000202, 80, false);
    struct transfer *transfers = allocate(n, sizeof *transfers);
    for (uint32_t i = 0; i < n; i++) transfers[i].frame = allocate(1, most + WIRE_FRAME_HEAD);
    uint64_t owed = 0; /* bytes of frames begun and not sent */
    for (bool stop = false; !stop || busy;) {
        uint32_t i = wire_below(w, n);
        struct transfer *t = &transfers[i];
        if (t->done == t->n) {
            size_t size = least + wire_below(w, (uint32_t)(most - least + 1));
            stop = stop || full(w, job, n, (owed + size) / 100 * 108);
            if (stop) continue;
            load(w, &content, t, size);
            owed += t->n;
            busy++;
        }
        size_t before = t->done;
        burst(w, &conns[i], t);
        owed -= t->done - before;
        busy -= t->done == t->n;
    }
    for (uint32_t i = 0; i < n; i++) free(transfers[i].frame);
    free(transfers);
    close_all(w, conns, n);
    content_end(&content);
}

/* -- compressed: chat of 200 to 2000 bytes, permessage-deflate with context takeover ----------- */

static void deflate_begin(z_stream *z)
{
    if (deflateInit2(z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK) return;
    fputs("zlib: out of memory\n", stderr);
    exit(1);
}

/* RFC 7692 section 7.2.1: the flush's last four bytes stay at home. */
static size_t deflate_message(z_stream *z, char *text, size_t n, uint8_t *to, size_t room)
{
    z->next_in = (Bytef *)text;
    z->avail_in = (uInt)n;
    z->next_out = to;
    z->avail_out = (uInt)room;
    deflate(z, Z_SYNC_FLUSH);
    return room - z->avail_out - 4;
}

static void compressed(struct wire *w, const struct job *job)
{
    uint32_t n = job->conns ? job->conns : 200;
    struct content content;
    content_begin(&content, w, 0);
    struct wire_conn *conns = open_all(w, n, 0xc0000203, 8080, true);
    z_stream *z = allocate(2 * n, sizeof *z); /* a quarter of a megabyte each */
    for (uint32_t i = 0; i < 2 * n; i++) deflate_begin(&z[i]);
    for (uint32_t i = 0; !full(w, job, n, 2500); i++) {
        char text[CONTENT_CHAT];
        uint8_t packed[CONTENT_CHAT], frame[CONTENT_CHAT + WIRE_FRAME_HEAD];
        uint32_t k = wire_below(w, n);
        enum wire_dir dir = wire_below(w, 10) < 3 ? C2S : S2C;
        size_t raw = content_chat(&content, w, text, k, i, 200 + wire_below(w, 1800));
        size_t wire = deflate_message(&z[2 * k + dir], text, raw, packed, sizeof packed);
        wire_stream(w, &conns[k], dir, frame, wire_frame(w, frame, 0xc1, dir, packed, wire));
        wire_count(w, dir, wire, raw, true);
        wire_tcp(w, &conns[k], !dir, ACK, NULL, 0);
    }
    for (uint32_t i = 0; i < 2 * n; i++) deflateEnd(&z[i]);
    free(z);
    close_all(w, conns, n);
    content_end(&content);
}

/* -- many: all connections at once, every step of all of them shuffled ------------------------- */

static void shuffle(struct wire *w, uint32_t *order, uint32_t n)
{
    for (uint32_t i = n; i > 1; i--) {
        uint32_t k = wire_below(w, i), v = order[k];
        order[k] = order[i - 1];
        order[i - 1] = v;
    }
}

static void many(struct wire *w, const struct job *job)
{
    enum { A_CONN = 5700 }; /* bytes, with 20 messages */
    uint32_t n = job->conns ? job->conns : job->bytes ? (uint32_t)(job->bytes / A_CONN) : 100000;
    uint32_t rounds = job->msgs ? job->msgs : 20;
    struct wire_conn *conns = allocate(n, sizeof *conns);
    uint32_t *order = allocate(n, sizeof *order);
    char(*keys)[32] = allocate(n, sizeof *keys);
    for (uint32_t i = 0; i < n; i++) {
        order[i] = i;
        wire_conn(w, &conns[i], i, 0xc0000210 + i % 16, 8080);
        wire_handshake(w, &conns[i]);
    }
    shuffle(w, order, n);
    for (uint32_t i = 0; i < n; i++) wire_upgrade(w, &conns[order[i]], false, keys[order[i]]);
    shuffle(w, order, n);
    for (uint32_t i = 0; i < n; i++) wire_upgraded(w, &conns[order[i]], false, keys[order[i]]);
    for (uint32_t round = 0; round < rounds; round++) {
        shuffle(w, order, n);
        for (uint32_t i = 0; i < n; i++) {
            struct wire_conn *c = &conns[order[i]];
            enum wire_dir dir = round & 1 ? S2C : C2S;
            char tick[256];
            size_t size = content_tick(w, tick, c->number, round, 62 + wire_below(w, 60));
            wire_message(w, c, dir, tick, size);
            if (dir == S2C) wire_tcp(w, c, C2S, ACK, NULL, 0);
        }
    }
    for (uint32_t i = 0; i < n; i++) wire_ws_close(w, &conns[order[i]]);
    free(keys);
    free(order);
    free(conns);
}

/* -- noise: one packet in ten is WebSocket; around it DNS, QUIC, TLS and HTTP come and go ------ */

struct other { /* a TCP connection of other traffic */
    struct wire_conn conn;
    uint32_t left; /* exchanges; 0: not open */
};

static void dns(struct wire *w)
{
    struct wire_conn c;
    uint8_t p[128] = {0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 3, 'w', 'w', 'w'};
    static const uint8_t tail[] = "\4test\0\0\1\0\1\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x5d\xb8\xd8\x22";
    enum { QUESTION = 10, ALL = sizeof tail - 1 };
    wire_conn(w, &c, wire_below(w, 65536), 0x08080808, 53);
    c.port[0] = (uint16_t)(1024 + wire_below(w, 60000));
    size_t n = 16;
    uint32_t label = 4 + wire_below(w, 12);
    p[0] = (uint8_t)wire_random(w);
    p[n++] = (uint8_t)label;
    while (label--) p[n++] = (uint8_t)('a' + wire_below(w, 26));
    memcpy(p + n, tail, ALL);
    wire_udp(w, &c, C2S, p, n + QUESTION);
    p[2] = 0x81;
    p[3] = 0x80;
    p[7] = 1;
    wire_udp(w, &c, S2C, p, n + ALL);
}

static void quic(struct wire *w, const struct content *content)
{
    struct wire_conn c;
    wire_conn(w, &c, wire_below(w, 2000), 0xcb007100 + wire_below(w, 20), 443);
    c.port[0] = (uint16_t)(40000 + wire_below(w, 200));
    for (uint32_t k = 1 + wire_below(w, 10); k; k--)
        wire_udp(w, &c, wire_below(w, 4) ? S2C : C2S,
                 content->binary + wire_below(w, (uint32_t)content->block - 2000),
                 100 + wire_below(w, 1150));
}

/* One TLS record of random bytes (RFC 8446 section 5.1); its content may be given a beginning. */
static void tls_record(struct wire *w, const struct content *content, struct wire_conn *c,
                       enum wire_dir dir, uint8_t type, size_t n, const char *begin)
{
    uint8_t record[5 + 16384];
    memcpy(record + 5, content->binary + wire_below(w, (uint32_t)(content->block - n)), n);
    record[0] = type;
    record[1] = 3;
    record[2] = begin && *begin == 1 ? 1 : 3;
    record[3] = (uint8_t)(n >> 8);
    record[4] = (uint8_t)n;
    if (begin) {
        const uint8_t hello[] = {(uint8_t)*begin,  0, (uint8_t)((n - 4) >> 8),
                                 (uint8_t)(n - 4), 3, 3};
        memcpy(record + 5, hello, sizeof hello);
    }
    wire_stream(w, c, dir, record, 5 + n);
}

static void tls_open(struct wire *w, const struct content *content, struct wire_conn *c)
{
    tls_record(w, content, c, C2S, 22, 512, "\1"); /* ClientHello, ServerHello, the rest */
    tls_record(w, content, c, S2C, 22, 122, "\2");
    tls_record(w, content, c, S2C, 23, 2868, NULL);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

static void tls_exchange(struct wire *w, const struct content *content, struct wire_conn *c)
{
    tls_record(w, content, c, C2S, 23, 45 + wire_below(w, 600), NULL);
    tls_record(w, content, c, S2C, 23, 195 + wire_below(w, wire_below(w, 4) ? 3000 : 16000), NULL);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

static void http_exchange(struct wire *w, const struct content *content, struct wire_conn *c)
{
    char head[512];
    static char response[256 + 32768];
    int n = snprintf(head, sizeof head,
                     "GET /api/v1/item/%u?page=%u HTTP/1.1\r\nHost: www.example.test\r\n"
                     "User-Agent: Mozilla/5.0\r\nAccept: */*\r\nAccept-Encoding: gzip\r\n"
                     "Cookie: sid=%016llx%016llx\r\n\r\n",
                     wire_below(w, 100000), wire_below(w, 100), (unsigned long long)wire_random(w),
                     (unsigned long long)wire_random(w));
    wire_tcp(w, c, C2S, PSH | ACK, head, (size_t)n);
    uint32_t body = 100 + wire_below(w, wire_below(w, 4) ? 3000 : 30000);
    n = snprintf(response, 256,
                 "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                 "Content-Length: %u\r\nServer: bench\r\n\r\n",
                 body);
    memcpy(response + n, content->ascii + wire_below(w, (uint32_t)(content->block - body)), body);
    wire_stream(w, c, S2C, response, (size_t)n + body);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

static void other_step(struct wire *w, const struct content *content, struct other *o,
                       uint32_t *number)
{
    struct wire_conn *c = &o->conn;
    if (!o->left) {
        bool tls = wire_below(w, 75) >= 35;
        wire_conn(w, c, (*number)++, 0xc6336401 + wire_below(w, 50), tls ? 443 : 80);
        o->left = 1 + wire_below(w, 12);
        wire_handshake(w, c);
        if (tls) tls_open(w, content, c);
    }
    if (c->port[1] == 443)
        tls_exchange(w, content, c);
    else
        http_exchange(w, content, c);
    if (--o->left) return;
    wire_tcp(w, c, C2S, FIN | ACK, NULL, 0);
    wire_tcp(w, c, S2C, FIN | ACK, NULL, 0);
    wire_tcp(w, c, C2S, ACK, NULL, 0);
}

static void noise(struct wire *w, const struct job *job)
{
    enum { OTHERS = 3000 };
    uint32_t n = job->conns ? job->conns : 100, number = 100000;
    struct content content;
    content_begin(&content, w, 4 << 20);
    struct other *others = allocate(OTHERS, sizeof *others);
    struct wire_conn *conns = open_all(w, n, 0xc0000204, 80, false);
    uint64_t ours = w->truth.packets;
    for (uint32_t i = 0; !full(w, job, n, 40000);) {
        if (ours * 10 < w->truth.packets) {
            uint64_t before = w->truth.packets;
            echo(w, &conns[wire_below(w, n)], i++, 64 + wire_below(w, 400));
            ours += w->truth.packets - before;
            continue;
        }
        uint32_t what = wire_below(w, 100);
        if (what < 15)
            dns(w);
        else if (what < 25)
            quic(w, &content);
        else
            other_step(w, &content, &others[wire_below(w, OTHERS)], &number);
    }
    w->truth.ws_packets = ours + 5 * n;
    close_all(w, conns, n);
    free(others);
    content_end(&content);
}

/* -- the command line -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*run)(struct wire *w, const struct job *job);
    uint64_t bytes; /* when none are asked for; 0: the profile counts connections */
    uint32_t gap_us;
} profiles[] = {
    {"small", small, 500000000, 8},           {"large", large, 500000000, 8},
    {"compressed", compressed, 200000000, 8}, {"many", many, 0, 2},
    {"noise", noise, 500000000, 8},
};

static int usage(void)
{
    fputs("usage: gen --profile small|large|compressed|many|noise [--bytes N] [--seed N]\n"
          "           [--conns N] [--msgs N] [--size N] [--reorder PERMILLE] [--dup PERMILLE]\n"
          "           [--loss PERMILLE] -o FILE\n",
          stderr);
    return 2;
}

static bool take(struct wire *w, struct job *job, const char *name, const char *value)
{
    uint64_t n = wire_number(value);
    if (!strcmp(name, "--profile"))
        job->profile = value;
    else if (!strcmp(name, "-o"))
        job->out = value;
    else if (!strcmp(name, "--bytes"))
        job->bytes = n;
    else if (!strcmp(name, "--seed"))
        job->seed = n;
    else if (!strcmp(name, "--conns"))
        job->conns = (uint32_t)n;
    else if (!strcmp(name, "--msgs"))
        job->msgs = (uint32_t)n;
    else if (!strcmp(name, "--size"))
        job->size = n;
    else if (!strcmp(name, "--reorder"))
        w->reorder = (unsigned)n;
    else if (!strcmp(name, "--dup"))
        w->duplicate = (unsigned)n;
    else if (!strcmp(name, "--loss"))
        w->loss = (unsigned)n;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct wire w;
    struct job job = {.seed = 1};
    for (int i = 1; i < argc; i += 2)
        if (i + 1 >= argc || !take(&w, &job, argv[i], argv[i + 1])) return usage();
    if (!job.profile || !job.out) return usage();
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++) {
        if (strcmp(profiles[i].name, job.profile) != 0) continue;
        if (!job.bytes) job.bytes = profiles[i].bytes;
        w.gap_us = profiles[i].gap_us;
        wire_begin(&w, job.out, job.seed);
        profiles[i].run(&w, &job);
        wire_end(&w, job.profile);
        return 0;
    }
    return usage();
}

/* SPDX-License-Identifier: MIT
 *
 * A random WebSocket session, and everything that is true about it: the bytes of both directions,
 * which frame lies where, what each message says. In: a seed. Out: bytes, and how they were cut.
 */
#ifndef WST_TEST_ORACLE_SESSION_H
#define WST_TEST_ORACLE_SESSION_H

#include <zlib.h>

#include "wire.h"

struct bytes {
    uint8_t *p;
    size_t n, room;
};

static inline uint8_t *bytes_add(struct bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->room) {
        b->room = (b->n + n) * 2 + 4096;
        b->p = realloc(b->p, b->room);
        if (!b->p) abort();
    }
    if (p && n) memcpy(b->p + b->n, p, n);
    b->n += n;
    return b->p + b->n - n;
}

struct sent_message {
    uint8_t dir, opcode;
    bool compressed;
    uint32_t at, n;      /* its payload in session.texts */
    uint64_t begin, end; /* in the direction's WebSocket bytes: first header, last payload byte */
};

struct sent_frame {
    uint64_t offset;     /* of its header */
    uint32_t len, head;  /* payload, header */
    uint32_t at;         /* control frames: payload in session.texts */
    int32_t message;     /* index; -1: a control frame */
    uint8_t opcode, fin; /* as in the header */
};

struct session_kind {
    bool deflate, takeover[2]; /* by direction */
    bool aligned;              /* each frame begins a segment */
    bool shreds;               /* no segment has more than 9 bytes */
    uint32_t messages;
    uint32_t longest; /* usual payload */
    int8_t only;      /* messages of this direction only; -1: both */
    bool fragments, controls, close;
};

struct session {
    struct session_kind kind;
    struct bytes stream[2], texts;
    uint32_t head[2]; /* bytes of the HTTP head */
    struct sent_message *message;
    uint32_t messages;
    struct sent_frame *frame[2];
    uint32_t frames[2], frames_room[2];
    z_stream z[2];
    bool z_ready[2];
    struct bytes squeezed;
};

static inline void session_frame(struct session *s, struct rnd *r, unsigned dir, uint8_t first,
                                 const uint8_t *payload, uint32_t n, int32_t message)
{
    uint8_t h[14];
    uint32_t head = 2;
    if (s->frames[dir] == s->frames_room[dir]) {
        s->frames_room[dir] = s->frames_room[dir] * 2 + 64;
        s->frame[dir] = realloc(s->frame[dir], s->frames_room[dir] * sizeof **s->frame);
        if (!s->frame[dir]) abort();
    }
    h[0] = first;
    if (n < 126) {
        h[1] = (uint8_t)n;
    } else if (n < 65536) {
        h[1] = 126, h[2] = (uint8_t)(n >> 8), h[3] = (uint8_t)n;
        head = 4;
    } else {
        h[1] = 127;
        for (int i = 0; i < 8; i++) h[2 + i] = (uint8_t)((uint64_t)n >> (56 - 8 * i));
        head = 10;
    }
    uint8_t key[4] = {0};
    if (dir == 0) {
        uint32_t k = (uint32_t)rnd_next(r);
        memcpy(key, &k, 4);
        memcpy(h + head, key, 4);
        head += 4;
        h[1] |= 0x80;
    }
    uint32_t at = 0;
    if (message < 0) {
        at = (uint32_t)s->texts.n;
        bytes_add(&s->texts, payload, n);
    }
    s->frame[dir][s->frames[dir]++] = (struct sent_frame){.offset = s->stream[dir].n - s->head[dir],
                                                          .len = n,
                                                          .head = head,
                                                          .at = at,
                                                          .message = message,
                                                          .opcode = first & 15,
                                                          .fin = first >> 7};
    bytes_add(&s->stream[dir], h, head);
    uint8_t *to = bytes_add(&s->stream[dir], payload, n);
    for (uint32_t i = 0; i < n && dir == 0; i++) to[i] ^= key[i & 3];
}

/* What messages say. Each text names its place, so that no two are alike. */
static inline void session_text(struct session *s, struct rnd *r, unsigned dir, uint32_t n,
                                bool text)
{
    static const char *const words[] = {"price",     "{\"id\":",   "grüße ", "null", "世界",
                                        "subscribe", "\"data\":[", "]},",    "…",    "true"};
    /* Cyrillic letters end in the very bytes that frames begin with: 80 81 82 88 89 8a. */
    static const char *const letters[] = {"с ",  "т ", "рост ", "с", "вот ",
                                          "щ, ", "ш",  "ъ1 ",   "р", "а "};
    char name[32];
    uint32_t from = (uint32_t)s->texts.n;
    int len = snprintf(name, sizeof name, "%c%u:", dir ? 's' : 'c', s->messages);
    uint32_t style = rnd_below(r, 4);
    bool russian = rnd_below(r, 2);
    if (n && (uint32_t)len <= n) bytes_add(&s->texts, name, (size_t)len);
    while (s->texts.n - from < n) {
        uint32_t left = n - (uint32_t)(s->texts.n - from);
        uint8_t random[8];
        uint64_t v = rnd_next(r);
        memcpy(random, &v, 8);
        if (!text && style < 2) {
            bytes_add(&s->texts, style ? random : (const uint8_t *)"\0\0\0\0\0\0\0",
                      left < 8 ? left : 8);
            continue;
        }
        const char *w = (russian ? letters : words)[rnd_below(r, 10)];
        if (strlen(w) > left) w = "a";
        bytes_add(&s->texts, w, strlen(w));
    }
}

/* RFC 7692 section 7.2.1 */
static inline struct bytes *session_squeeze(struct session *s, unsigned dir, const uint8_t *p,
                                            uint32_t n)
{
    z_stream *z = &s->z[dir];
    if (!s->z_ready[dir] && deflateInit2(z, 3, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    s->z_ready[dir] = true;
    s->squeezed.n = 0;
    bytes_add(&s->squeezed, NULL, n + n / 8 + 64);
    z->next_in = (Bytef *)(uintptr_t)p;
    z->avail_in = n;
    z->next_out = s->squeezed.p;
    z->avail_out = (uInt)s->squeezed.n;
    deflate(z, Z_SYNC_FLUSH);
    s->squeezed.n -= z->avail_out;
    if (s->squeezed.n >= 4)
        s->squeezed.n -= 4;
    else
        s->squeezed.p[0] = 0, s->squeezed.n = 1; /* section 7.2.3.6: an empty message */
    if (!s->kind.takeover[dir]) deflateReset(z);
    return &s->squeezed;
}

static inline void session_control(struct session *s, struct rnd *r, unsigned dir)
{
    uint8_t payload[125];
    uint32_t n = rnd_below(r, 3) ? rnd_below(r, 20) : rnd_below(r, 126);
    for (uint32_t i = 0; i < n; i++) payload[i] = (uint8_t)rnd_next(r);
    session_frame(s, r, dir, rnd_below(r, 2) ? 0x89 : 0x8a, payload, n, -1);
}

static inline void session_message(struct session *s, struct rnd *r, unsigned dir)
{
    uint32_t longest = s->kind.longest, n = rnd_below(r, longest + 1);
    uint32_t odd = rnd_below(r, 100);
    if (odd < 5) n = 0;
    if (odd >= 5 && odd < 10) n = 120 + rnd_below(r, 12);
    if (odd == 10) n = rnd_below(r, 20 * longest + 1);
    if (odd == 11 && longest > 500) n = 65500 + rnd_below(r, 80);
    struct sent_message m = {.dir = (uint8_t)dir,
                             .opcode = 1 + (rnd_below(r, 3) == 0),
                             .compressed = s->kind.deflate && rnd_below(r, 8),
                             .at = (uint32_t)s->texts.n,
                             .n = n};
    int32_t index = (int32_t)s->messages;
    session_text(s, r, dir, n, m.opcode == 1);
    m.begin = s->stream[dir].n - s->head[dir];
    const uint8_t *wire = s->texts.p + m.at;
    struct bytes copy = {0};
    if (m.compressed) {
        struct bytes *b = session_squeeze(s, dir, wire, n);
        wire = b->p;
        n = (uint32_t)b->n;
    } else if (n) { /* texts may move while control frames are noted */
        wire = bytes_add(&copy, wire, n);
    }
    uint32_t pieces = s->kind.fragments && !rnd_below(r, 6) ? 1 + rnd_below(r, 4) : 1, at = 0;
    for (uint32_t i = 1; i <= pieces; i++) {
        uint32_t part = i == pieces ? n - at : rnd_below(r, n - at + 1);
        uint8_t first = i == 1 ? m.opcode | (m.compressed ? 0x40 : 0) : 0;
        session_frame(s, r, dir, first | (i == pieces ? 0x80 : 0), wire + at, part, index);
        at += part;
        if (i < pieces && s->kind.controls && !rnd_below(r, 2)) session_control(s, r, dir);
    }
    m.end = s->stream[dir].n - s->head[dir];
    free(copy.p);
    s->message[s->messages++] = m;
}

static inline void session_heads(struct session *s)
{
    static const char request[] =
        "GET /feed HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    static const char answer[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                 "Connection: Upgrade\r\n"
                                 "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    char line[200];
    bytes_add(&s->stream[0], request, sizeof request - 1);
    bytes_add(&s->stream[1], answer, sizeof answer - 1);
    if (s->kind.deflate) {
        int n = snprintf(line, sizeof line, "Sec-WebSocket-Extensions: permessage-deflate%s%s\r\n",
                         s->kind.takeover[0] ? "" : "; client_no_context_takeover",
                         s->kind.takeover[1] ? "" : "; server_no_context_takeover");
        bytes_add(&s->stream[0], line, (size_t)n);
        bytes_add(&s->stream[1], line, (size_t)n);
    }
    for (int d = 0; d < 2; d++) {
        bytes_add(&s->stream[d], "\r\n", 2);
        s->head[d] = (uint32_t)s->stream[d].n;
    }
}

/* `talk`: the TCP conversation that carries it. Frames are cut as kind.aligned says. */
static inline void session_send(struct session *s, struct wire_talk *talk, struct rnd *r, bool all)
{
    for (unsigned d = 0; d < 2; d++)
        while ((uint64_t)talk->sent[d] < s->stream[d].n) {
            uint64_t left = s->stream[d].n - (uint64_t)talk->sent[d];
            uint32_t n = 1460;
            if (!s->kind.aligned && rnd_below(r, 2)) n = 1 + rnd_below(r, 1460);
            if (s->kind.shreds) n = 1 + rnd_below(r, 9);
            if (left < n) {
                /* Not aligned: what is left waits for the next frame, mostly. */
                if (!s->kind.aligned && !all && rnd_below(r, 4)) break;
                n = (uint32_t)left;
            }
            wire_segment(talk, d, n, 0);
        }
}

static inline void session_make(struct session *s, struct wire_talk *talk, struct rnd *r)
{
    s->stream[0].n = s->stream[1].n = s->texts.n = 0;
    s->frames[0] = s->frames[1] = s->messages = 0;
    s->message = realloc(s->message, (s->kind.messages + 1) * sizeof *s->message);
    if (!s->message) abort();
    for (int d = 0; d < 2; d++)
        if (s->z_ready[d]) deflateReset(&s->z[d]);
    session_heads(s);
    wire_open(talk, WIRE_WHOLE);
    for (unsigned d = 0; d < 2; d++) {
        uint32_t i = talk->out->n;
        wire_segment(talk, d, s->head[d], 0);
        talk->out->p[i].pinned = true;
    }
    while (s->messages < s->kind.messages) {
        unsigned dir = s->kind.only >= 0 ? (unsigned)s->kind.only : rnd_below(r, 2);
        if (s->kind.controls && !rnd_below(r, 10)) session_control(s, r, dir);
        session_message(s, r, dir);
        if (s->kind.aligned) {
            /* frame by frame */
            for (uint32_t i = 0; i < s->frames[dir]; i++) {
                const struct sent_frame *f = &s->frame[dir][i];
                int64_t from = (int64_t)f->offset + s->head[dir];
                if (from < talk->sent[dir]) continue;
                for (uint32_t left = f->len + f->head; left;) {
                    uint32_t n = left < 1460 ? left : 1460;
                    wire_segment(talk, dir, n, 0);
                    left -= n;
                }
            }
        } else {
            session_send(s, talk, r, false);
        }
    }
    for (unsigned d = 0; d < 2 && s->kind.close; d++)
        session_frame(s, r, d, 0x88, (const uint8_t *)"\x03\xe8", 2, -1);
    session_send(s, talk, r, true);
    wire_close(talk, 0, 2);
}

static inline void session_free(struct session *s)
{
    for (int d = 0; d < 2; d++) {
        free(s->stream[d].p);
        free(s->frame[d]);
        if (s->z_ready[d]) deflateEnd(&s->z[d]);
    }
    free(s->texts.p);
    free(s->message);
    free(s->squeezed.p);
}

#endif

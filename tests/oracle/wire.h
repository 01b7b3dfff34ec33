/* SPDX-License-Identifier: MIT
 *
 * What a capture makes of TCP conversations. In: how two endpoints cut their streams. Out: packets
 * in the order of a capture that reorders, duplicates, loses and cuts.
 *
 *      cuts ──▶ a conversation's packets ──▶ all conversations mixed ──▶ impaired
 *
 * Places in a stream are 64-bit offsets that never wrap; only wire_seq makes sequence numbers of
 * them. The endpoints get everything: what the capture lacks was lost by the capture alone.
 */
#ifndef WST_TEST_ORACLE_WIRE_H
#define WST_TEST_ORACLE_WIRE_H

#include "random.h"

enum wire_flag { WIRE_FIN = 0x01, WIRE_SYN = 0x02, WIRE_ACK = 0x10 }; /* as in TCP */

struct wire_packet {
    uint16_t conn;
    uint8_t side, flags;
    uint32_t len, captured; /* payload bytes; of them in the capture */
    int64_t off;            /* of the payload's first byte; a SYN is at -1, a FIN at the end */
    int64_t ack;            /* offset of the next byte expected */
    uint32_t key;           /* place in the capture */
    bool pinned;            /* part of the handshake: not moved, not dropped, not doubled */
    bool lost;
};

struct wire_cut { /* `n` bytes sent by `side` in one segment */
    uint8_t side;
    uint32_t n;
};

enum wire_handshake { WIRE_WHOLE, WIRE_NO_SYN, WIRE_NO_SYNACK, WIRE_JOINED };

struct wire_how {
    uint32_t moved;    /* a packet comes up to so many places late */
    uint32_t again_of; /* retransmissions repeat what was sent in so many packets before */
    uint32_t again, acks, lose, twice; /* permille of packets */
    uint32_t snap;                     /* payload bytes captured of a packet */
    int8_t deaf_to;                    /* no packet of this side is captured; -1: both are */
    bool spare_ends;                   /* handshake, FIN and last ACK are never lost */
};

struct wire {
    struct wire_packet *p;
    uint32_t n, room;
};

static inline struct wire_packet *wire_add(struct wire *w, struct wire_packet p)
{
    if (w->n == w->room) {
        w->room = w->room ? w->room * 2 : 256;
        w->p = realloc(w->p, w->room * sizeof *w->p);
        if (!w->p) abort();
    }
    w->p[w->n] = p;
    return &w->p[w->n++];
}

struct wire_talk { /* one conversation while it is made */
    struct wire *out;
    struct rnd *r;
    const struct wire_how *how;
    uint16_t conn;
    int64_t sent[2], acked[2]; /* acked[side]: what `side` has acknowledged */
    uint32_t recent[2][64];    /* packet numbers of the last segments … */
    int64_t recent_off[2][64]; /* … and where they began */
    uint32_t recent_n[2];
    uint32_t began;
};

/* An endpoint acknowledges some of what it has, never less than before. */
static inline int64_t wire_ack(struct wire_talk *t, unsigned side)
{
    int64_t more = t->sent[!side] - t->acked[side];
    if (more > 0) t->acked[side] += rnd_below(t->r, 3) ? more : rnd_below(t->r, (uint32_t)more + 1);
    return t->acked[side];
}

static inline void wire_send(struct wire_talk *t, unsigned side, int64_t off, uint32_t len,
                             uint8_t flags)
{
    struct wire_packet p = {.conn = t->conn,
                            .side = (uint8_t)side,
                            .flags = flags | WIRE_ACK,
                            .len = len,
                            .captured = len < t->how->snap ? len : t->how->snap,
                            .off = off,
                            .ack = wire_ack(t, side)};
    wire_add(t->out, p);
}

/* Something sent not long ago, cut anew. */
static inline void wire_send_again(struct wire_talk *t, unsigned side)
{
    int64_t from = t->sent[side];
    for (uint32_t i = 0; i < t->recent_n[side] && i < 64; i++) {
        uint32_t k = (t->recent_n[side] - 1 - i) % 64;
        if (t->out->n - t->recent[side][k] > t->how->again_of) break;
        from = t->recent_off[side][k];
    }
    uint32_t span = (uint32_t)(t->sent[side] - from);
    if (!span) return;
    uint32_t a = rnd_below(t->r, span), n = 1 + rnd_below(t->r, span - a);
    if (n > 1460) n = 1460;
    wire_send(t, side, from + a, n, 0);
}

static inline void wire_segment(struct wire_talk *t, unsigned side, uint32_t n, uint8_t flags)
{
    uint32_t k = t->recent_n[side]++ % 64;
    t->recent[side][k] = t->out->n;
    t->recent_off[side][k] = t->sent[side];
    wire_send(t, side, t->sent[side], n, flags);
    t->sent[side] += n;
    if (rnd_permille(t->r, t->how->acks)) wire_send(t, !side, t->sent[!side], 0, 0);
    if (rnd_permille(t->r, t->how->again)) wire_send_again(t, side);
    if (rnd_permille(t->r, t->how->again)) wire_send_again(t, !side);
}

static inline void wire_open(struct wire_talk *t, enum wire_handshake h)
{
    struct wire_packet syn = {.conn = t->conn, .flags = WIRE_SYN, .off = -1, .pinned = true};
    struct wire_packet synack = {
        .conn = t->conn, .side = 1, .flags = WIRE_SYN | WIRE_ACK, .off = -1, .pinned = true};
    struct wire_packet ack = {.conn = t->conn, .flags = WIRE_ACK, .pinned = true};
    t->began = t->out->n;
    if (h == WIRE_JOINED) return;
    if (h != WIRE_NO_SYN) wire_add(t->out, syn);
    if (h != WIRE_NO_SYNACK) wire_add(t->out, synack);
    wire_add(t->out, ack);
}

/* Both FINs, each maybe with the last byte, and the ACKs they get. */
static inline void wire_close(struct wire_talk *t, unsigned first, unsigned fins)
{
    for (unsigned i = 0; i < fins; i++) {
        unsigned side = i ? !first : first;
        wire_send(t, side, t->sent[side], 0, WIRE_FIN);
        t->sent[side]++; /* the FIN's own number */
        wire_send(t, !side, t->sent[!side], 0, 0);
        struct wire_packet *p = t->out->p + t->out->n;
        p[-1].ack = t->acked[!side] = t->sent[side];
    }
    for (uint32_t i = 1; t->how->spare_ends && i <= 2 * fins; i++)
        t->out->p[t->out->n - i].pinned = true;
}

/* Mixes conversations, each in its own order. */
static inline void wire_mix(struct wire *to, struct wire *from, uint32_t n, struct rnd *r)
{
    uint32_t at[16] = {0}, left = 0;
    for (uint32_t i = 0; i < n; i++) left += from[i].n;
    while (left) {
        uint32_t k = rnd_below(r, n);
        for (uint32_t run = 1 + rnd_below(r, 4); run && at[k] < from[k].n; run--, left--)
            wire_add(to, from[k].p[at[k]++]);
    }
}

static inline int wire_by_key(const void *x, const void *y)
{
    const struct wire_packet *a = x, *b = y;
    return a->key < b->key ? -1 : a->key > b->key;
}

static inline void wire_impair(struct wire *w, const struct wire_how *how, struct rnd *r)
{
    uint32_t n = w->n;
    for (uint32_t i = 0; i < n; i++) {
        struct wire_packet *p = &w->p[i];
        p->key = i;
        if ((int)p->side == how->deaf_to) p->lost = true;
        if (p->pinned) continue;
        p->key += rnd_below(r, how->moved + 1);
        if (rnd_permille(r, how->lose)) p->lost = true;
        if (rnd_permille(r, how->twice)) {
            struct wire_packet copy = *p;
            copy.key = i + rnd_below(r, how->moved + 1);
            wire_add(w, copy); /* may move w->p */
        }
    }
    /* Unique keys: qsort is not stable, and a case must be the same everywhere. */
    for (uint32_t i = 0; i < w->n; i++) w->p[i].key = w->p[i].key * (n + w->n + 1) + i;
    qsort(w->p, w->n, sizeof *w->p, wire_by_key);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < w->n; i++)
        if (!w->p[i].lost) w->p[kept++] = w->p[i];
    w->n = kept;
}

static inline uint32_t wire_seq(uint32_t isn, int64_t offset)
{
    return isn + 1 + (uint32_t)offset;
}

#endif

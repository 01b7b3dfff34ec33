/* SPDX-License-Identifier: MIT
 *
 * The quic room by itself, and connections made for it. Every stream's bytes follow from its
 * number, direction and place, so whatever the room hands on is checked at once: nothing that was
 * not sent, nothing twice, nothing out of order, and a gap's bytes are counted as passed.
 */
#ifndef WST_TEST_QUIC_ROOM_H
#define WST_TEST_QUIC_ROOM_H

#include <stdio.h>

#include "connection.h"
#include "guard.h"
#include "hello.h"
#include "sealer.h"

enum { ROOM_STREAMS = 2048, ROOM_DATAGRAM = 65536, ROOM_SENT = 8192 };

struct room_half { /* what was said of a stream's direction */
    uint64_t at, lost;
    unsigned gaps, fins, resets;
    uint64_t from, there; /* the packet that its last bytes came in; that they were said with */
};

struct room {
    struct wst_options options;
    struct wst_budget budget;
    bool precious; /* all that were opened are to be kept */
    struct wst_quic *quic;
    struct wst_when now;
    int64_t sent[ROOM_SENT]; /* when, by number of packet */
    uint64_t told;           /* the packet with which something was told last */
    struct guard guard;
    struct room_half half[ROOM_STREAMS][2];
    unsigned stalled; /* times that a window of a stream was, or of the connection */
    unsigned opened, ended, opening, messages, problems[WST_PROBLEMS], asked;
    enum wst_tcp_end how;
    char detail[512]; /* of the last problem */
    unsigned known;   /* secrets, by label */
    bool wrong;       /* … that are others */
    bool unwanted;
    unsigned uppers;
    uint64_t followed; /* streams below are followed */
    uint32_t offers;   /* secrets of the key log, of others but for … */
    uint32_t offer_at; /* … the one here and those behind it, by label: */
    uint8_t offer_of, offer_n; /* of that connection, so many bytes */
    unsigned offered;          /* bits of enum wst_quic_label: which of them are there */
    uint64_t looked;           /* how often one was asked for */
    unsigned closed;
    struct wst_quic_close close; /* the last … */
    char reason[96];             /* … as a text */
    bool close_open;
};

/* -- what is sent ------------------------------------------------------------------------------ */

static inline uint8_t room_byte(uint64_t stream, unsigned dir, uint64_t at)
{
    return (uint8_t)(at * 13 + (at >> 8) * 7 + stream * 31 + dir * 101);
}

/* Secrets follow from the first byte of the client random. */
static inline void room_secret_of(uint8_t conn, unsigned label, uint8_t secret[48])
{
    for (unsigned i = 0; i < 48; i++) secret[i] = (uint8_t)(conn * 17 + label * 59 + i * 3);
}

/* -- the sink ---------------------------------------------------------------------------------- */

static inline void room_message(void *user, struct wst_quic_terms *terms, enum wst_dir dir,
                                struct wst_slice m)
{
    struct room *r = user;
    r->messages++;
    hello_read(terms, dir, m);
}

static inline bool room_secret(void *user, const struct wst_quic_terms *terms,
                               enum wst_quic_label label, struct wst_quic_secret *secret)
{
    struct room *r = user;
    r->asked++;
    if (!(r->known >> label & 1) || !terms->client) return false;
    secret->n = terms->random[1];
    room_secret_of(terms->random[0], (unsigned)label, secret->bytes);
    if (r->wrong) secret->bytes[0] ^= 1;
    return true;
}

static inline uint32_t room_offers(void *user)
{
    return ((const struct room *)user)->offers;
}

static inline enum wst_quic_offered room_offer(void *user, uint32_t i, struct wst_quic_offer *o)
{
    struct room *r = user;
    r->looked++;
    if (i >= r->offers) return WST_QUIC_LAST;
    uint32_t label = i - r->offer_at;
    bool own = i >= r->offer_at && label < WST_QUIC_LABELS;
    if (own && !(r->offered >> label & 1)) return WST_QUIC_TAKEN;
    if (!own) label = WST_QUIC_SECRET_CLIENT_HS + i % 4;
    *o = (struct wst_quic_offer){.label = (enum wst_quic_label)label, .secret.n = r->offer_n};
    memset(o->random, 0x77, sizeof o->random); /* as client_hello() does */
    o->random[0] = r->offer_of;
    o->random[1] = r->offer_n;
    room_secret_of(r->offer_of, label, o->secret.bytes);
    if (!own) {
        memcpy(o->random + 4, &i, sizeof i);
        memcpy(o->secret.bytes + 4, &i, sizeof i);
    }
    return WST_QUIC_OFFERED;
}

static inline void room_opening(void *user, const struct wst_quic_terms *terms)
{
    struct room *r = user;
    assert_true(terms->client);
    r->opening++;
}

static inline void *room_open(void *user, const struct wst_quic_connection *connection,
                              const struct wst_quic_ends *ends, const struct wst_quic_terms *terms,
                              const struct wst_arrival *a)
{
    struct room *r = user;
    assert_int_equal(ends->family, 4);
    assert_true(connection && terms && a->from <= a->when.pkt);
    r->opened++;
    if (r->unwanted) return NULL;
    r->uppers++;
    return r;
}

/* Events come in the order of the packets that complete them; what they have of another packet
 * has that one's time. */
static inline void room_in_order(struct room *r, const struct wst_arrival *a)
{
    assert_true(a->when.pkt >= r->told);
    r->told = a->when.pkt;
    assert_true(!a->there.pkt || a->there.pkt <= a->when.pkt);
    if (a->there.pkt) assert_true(a->there.ns == r->sent[a->there.pkt % ROOM_SENT]);
}

static inline struct room_half *room_half(struct room *r, const void *upper, uint64_t stream,
                                          enum wst_dir dir, const struct wst_arrival *a)
{
    assert_ptr_equal(upper, r);
    assert_true(r->uppers > 0);
    assert_true(a->from <= a->when.pkt);
    room_in_order(r, a);
    struct room_half *h = &r->half[stream % ROOM_STREAMS][dir];
    assert_false(h->fins || h->resets);
    return h;
}

static inline void room_data(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                             struct wst_slice bytes, const struct wst_arrival *a)
{
    struct room_half *h = room_half(user, upper, stream, dir, a);
    assert_true(bytes.n > 0);
    for (size_t i = 0; i < bytes.n; i++)
        if (bytes.p[i] != room_byte(stream, dir, h->at + i))
            fail_msg("stream %llu: byte %llu was never sent", (unsigned long long)stream,
                     (unsigned long long)(h->at + i));
    h->at += bytes.n;
    h->from = a->from;
    h->there = wst_arrival_there(a).pkt;
}

static inline void room_gap(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                            uint64_t bytes, const struct wst_arrival *a)
{
    struct room_half *h = room_half(user, upper, stream, dir, a);
    assert_true(bytes > 0);
    h->at += bytes;
    h->lost += bytes;
    h->gaps++;
}

static inline void room_fin(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                            const struct wst_arrival *a)
{
    room_half(user, upper, stream, dir, a)->fins++;
}

static inline void room_reset(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                              uint64_t code, const struct wst_arrival *a)
{
    (void)code;
    room_half(user, upper, stream, dir, a)->resets++;
}

static inline bool room_follows(void *user, const void *upper, uint64_t stream)
{
    struct room *r = user;
    assert_ptr_equal(upper, r);
    return stream < r->followed;
}

static inline void room_closed(void *user, void *upper, const struct wst_quic_ends *ends,
                               const struct wst_quic_terms *terms, bool open,
                               const struct wst_quic_close *x, const struct wst_arrival *a)
{
    struct room *r = user;
    assert_true(!upper || (upper == r && r->uppers > 0 && open));
    assert_true(ends->family == 4 && terms && a);
    assert_true(x->reason.n < sizeof r->reason);
    memcpy(r->reason, x->reason.p, x->reason.n);
    r->reason[x->reason.n] = 0;
    r->close = *x;
    r->closed++;
    r->close_open = open;
}

static inline bool room_end(void *user, void *upper, enum wst_tcp_end how,
                            const struct wst_arrival *a)
{
    struct room *r = user;
    room_in_order(r, a);
    assert_ptr_equal(upper, r);
    assert_true(r->uppers > 0);
    r->uppers--;
    r->ended++;
    r->how = how;
    return true;
}

static inline bool room_precious(void *user, const void *upper)
{
    const struct room *r = user;
    assert_ptr_equal(upper, user);
    return r->precious;
}

static inline void room_problem(void *user, void *upper, const struct wst_quic_ends *ends,
                                enum wst_problem problem, enum wst_dir dir, const char *detail,
                                const struct wst_arrival *a)
{
    struct room *r = user;
    (void)dir;
    (void)a;
    assert_true(!upper || upper == r);
    assert_int_equal(ends->family, 4);
    assert_true(strlen(detail) < sizeof r->detail);
    strcpy(r->detail, detail);
    r->problems[problem]++;
}

static inline void room_stalled(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                                const char *detail, const struct wst_arrival *a)
{
    struct room *r = user;
    (void)a;
    assert_true(upper == r);
    snprintf(r->detail, sizeof r->detail, "%lld %d %s", (long long)stream, dir, detail);
    r->stalled++;
}

static inline void room_new(struct room *r)
{
    const struct wst_quic_sink sink = {.user = r,
                                       .message = room_message,
                                       .secret = room_secret,
                                       .offers = room_offers,
                                       .offer = room_offer,
                                       .opening = room_opening,
                                       .open = room_open,
                                       .data = room_data,
                                       .gap = room_gap,
                                       .fin = room_fin,
                                       .reset = room_reset,
                                       .follows = room_follows,
                                       .stalled = room_stalled,
                                       .closed = room_closed,
                                       .end = room_end,
                                       .precious = room_precious,
                                       .problem = room_problem};
    r->quic = wst_quic_new(&r->options, &r->budget, &sink);
    assert_non_null(r->quic);
}

static inline void room_init(struct room *r)
{
    memset(r, 0, sizeof *r);
    wst_options_init(&r->options);
    r->options.hash_seed[0] = 1;
    r->budget.max = r->options.limits.memory;
    r->known = ~0u;
    r->now = (struct wst_when){1, 1000000000};
    r->followed = UINT64_MAX;
    guard_init(&r->guard, ROOM_DATAGRAM);
    room_new(r);
}

/* All that was taken from the budget must have come back. */
static inline void room_free(struct room *r)
{
    wst_quic_free(r->quic);
    assert_int_equal(r->budget.used, 0);
    guard_free(&r->guard);
}

static inline void room_finish(struct room *r)
{
    wst_quic_finish(r->quic, &r->now);
    assert_int_equal(r->uppers, 0);
}

/* -- a connection ------------------------------------------------------------------------------ */

struct conn {
    struct room *room;
    uint8_t name; /* the first byte of its random */
    uint32_t version;
    int kind;   /* SEAL_AES_128_GCM … */
    bool quiet; /* no ServerHello */
    uint8_t first[8];
    uint8_t id[2][20]; /* that packets of [dir] bear */
    size_t id_n[2];
    uint16_t port;
    struct sealer initial[2], handshake[2], early, app[2];
    uint64_t next[2][3]; /* packet numbers by direction and space */
    size_t number_n;
    bool phase[2];
};

static inline void conn_seal(struct conn *c, uint32_t version)
{
    static const enum wst_quic_label hs[] = {WST_QUIC_SECRET_CLIENT_HS, WST_QUIC_SECRET_SERVER_HS},
                                     app[] = {WST_QUIC_SECRET_CLIENT, WST_QUIC_SECRET_SERVER};
    uint8_t secret[48];
    c->version = version;
    sealer_initial(c->initial, version, c->first, sizeof c->first);
    for (int d = 0; d < 2; d++) {
        room_secret_of(c->name, hs[d], secret);
        sealer_init(&c->handshake[d], c->kind, version, secret);
        room_secret_of(c->name, app[d], secret);
        sealer_init(&c->app[d], c->kind, version, secret);
    }
    room_secret_of(c->name, WST_QUIC_SECRET_EARLY, secret);
    sealer_init(&c->early, c->kind, version, secret);
}

/* Both sides' IDs have so many bytes. */
static inline void conn_init(struct conn *c, struct room *r, uint8_t name, uint32_t version,
                             int kind, size_t to_client, size_t to_server)
{
    *c = (struct conn){.room = r, .name = name, .kind = kind, .port = (uint16_t)(40000 + name)};
    c->number_n = 2;
    c->id_n[WST_C2S] = to_server;
    c->id_n[WST_S2C] = to_client;
    memset(c->first, 0x80 + name, sizeof c->first);
    memset(c->id[WST_C2S], 0x20 + name, 20);
    memset(c->id[WST_S2C], 0x50 + name, 20);
    for (int d = 0; d < 2; d++) c->id[d][19] = c->id[d][1] = (uint8_t)d; /* not all alike */
    conn_seal(c, version);
}

static inline size_t conn_packet(struct conn *c, enum wst_dir dir, int type, uint8_t *out,
                                 const uint8_t *payload, size_t n)
{
    int space = type == SEAL_INITIAL ? 0 : type == SEAL_HANDSHAKE ? 1 : 2;
    struct seal_head h = {.type = type,
                          .version = c->version,
                          .to = c->id[dir],
                          .to_n = c->id_n[dir],
                          .from = c->id[!dir],
                          .from_n = c->id_n[!dir],
                          .number = c->next[dir][space]++,
                          .number_n = c->number_n,
                          .phase = c->phase[dir]};
    const struct sealer *s = type == SEAL_INITIAL     ? &c->initial[dir]
                             : type == SEAL_HANDSHAKE ? &c->handshake[dir]
                             : type == SEAL_EARLY     ? &c->early
                                                      : &c->app[dir];
    if (dir == WST_C2S && type != SEAL_SHORT && !c->next[WST_S2C][0])
        h.to = c->first, h.to_n = sizeof c->first; /* the server has chosen none yet */
    return seal_packet(s, &h, out, payload, n);
}

/* A datagram between the two, as it is. */
static inline void conn_push(struct conn *c, enum wst_dir dir, const uint8_t *p, size_t n)
{
    struct room *r = c->room;
    r->now.pkt++;
    r->now.ns += 1000000;
    r->sent[r->now.pkt % ROOM_SENT] = r->now.ns;
    struct wst_segment s = hello_datagram(dir, c->port, guard_put(&r->guard, p, n));
    wst_quic_push(r->quic, &s, &r->now);
    assert_true(r->budget.used <= r->budget.max);
}

/* -- frames ------------------------------------------------------------------------------------ */

static inline size_t put_stream(uint8_t *to, enum wst_dir dir, uint64_t id, uint64_t at, size_t n,
                                bool fin)
{
    size_t k = 0;
    to[k++] = (uint8_t)(0x0e | fin);
    k += seal_varint(to + k, id, 1);
    k += seal_varint(to + k, at, 1);
    k += seal_varint(to + k, n, 1);
    for (size_t i = 0; i < n; i++) to[k++] = room_byte(id, dir, at + i);
    return k;
}

/* [from, to] */
static inline size_t put_ack(uint8_t *to, uint64_t first, uint64_t last)
{
    size_t k = 0;
    to[k++] = 0x02;
    k += seal_varint(to + k, last, 1);
    to[k++] = 0;
    to[k++] = 0;
    return k + seal_varint(to + k, last - first, 1);
}

static inline size_t put_crypto(uint8_t *to, uint64_t at, const uint8_t *p, size_t n)
{
    size_t k = 0;
    to[k++] = 0x06;
    k += seal_varint(to + k, at, 1);
    k += seal_varint(to + k, n, 1);
    memcpy(to + k, p, n);
    return k + n;
}

static inline size_t client_hello(const struct conn *c, uint8_t m[42])
{
    memset(m, 0x77, 42);
    m[0] = 1, m[1] = 0, m[2] = 0, m[3] = 38, m[4] = 3, m[5] = 3;
    m[6] = c->name, m[7] = c->kind == SEAL_AES_256_GCM ? 48 : 32;
    return 42;
}

static inline size_t server_hello(const struct conn *c, uint8_t m[42])
{
    memset(m, 0x33, 42);
    m[0] = 2, m[1] = 0, m[2] = 0, m[3] = 38, m[4] = 3, m[5] = 3, m[38] = 0;
    m[39] = (uint8_t)(seal_suite(c->kind) >> 8), m[40] = (uint8_t)seal_suite(c->kind), m[41] = 0;
    return 42;
}

static uint8_t room_out[ROOM_DATAGRAM]; /* the datagram that is being made */

/* The client's first datagram, in room_out; its length. */
static inline size_t conn_first(struct conn *c)
{
    uint8_t m[42], payload[1400] = {0};
    put_crypto(payload, 0, m, client_hello(c, m));
    return conn_packet(c, WST_C2S, SEAL_INITIAL, room_out, payload, 1190);
}

static inline size_t conn_answer(struct conn *c)
{
    uint8_t m[42], payload[1400] = {0};
    static const uint8_t extensions[] = {8, 0, 0, 2, 0, 0};
    size_t n = c->quiet ? 1 : put_crypto(payload, 0, m, server_hello(c, m));
    if (c->quiet) payload[0] = 1;
    n = conn_packet(c, WST_S2C, SEAL_INITIAL, room_out, payload, n);
    size_t k = put_crypto(payload, 0, extensions, sizeof extensions);
    return n + conn_packet(c, WST_S2C, SEAL_HANDSHAKE, room_out + n, payload, k);
}

static inline void conn_hellos(struct conn *c)
{
    static const uint8_t ping[] = {1};
    conn_push(c, WST_C2S, room_out, conn_first(c));
    conn_push(c, WST_S2C, room_out, conn_answer(c));
    conn_push(c, WST_C2S, room_out, conn_packet(c, WST_C2S, SEAL_HANDSHAKE, room_out, ping, 1));
}

/* A packet with a short header, and nothing else in its datagram. */
static inline void conn_short(struct conn *c, enum wst_dir dir, const uint8_t *payload, size_t n)
{
    conn_push(c, dir, room_out, conn_packet(c, dir, SEAL_SHORT, room_out, payload, n));
}

static inline void conn_stream(struct conn *c, enum wst_dir dir, uint64_t id, uint64_t at, size_t n,
                               bool fin)
{
    static uint8_t payload[ROOM_DATAGRAM];
    conn_short(c, dir, payload, put_stream(payload, dir, id, at, n, fin));
}

/* As conn_stream, but the capture lacks it. */
static inline void conn_lost(struct conn *c, enum wst_dir dir)
{
    c->next[dir][2]++;
}

static inline void conn_ack(struct conn *c, enum wst_dir dir, uint64_t first, uint64_t last)
{
    uint8_t payload[32];
    conn_short(c, dir, payload, put_ack(payload, first, last));
}

static inline void conn_update(struct conn *c, enum wst_dir dir)
{
    sealer_next(&c->app[dir]);
    c->phase[dir] = !c->phase[dir];
}

/* With H3_INTERNAL_ERROR, and a reason. */
static inline void conn_close_application(struct conn *c, enum wst_dir dir)
{
    uint8_t payload[] = {0x1d, 0x41, 0x02, 5, 'w', 'h', 'y', ' ', 0xff};
    conn_short(c, dir, payload, sizeof payload);
}

static inline void conn_close(struct conn *c, enum wst_dir dir, uint8_t code)
{
    uint8_t payload[] = {0x1c, code, 0, 0};
    conn_short(c, dir, payload, sizeof payload);
}

#endif

/* SPDX-License-Identifier: MIT
 *
 * The door of the quic room. An input is what happens to two connections whose secrets are known;
 * what lies behind the tags is reached because payloads are sealed here:
 *
 *  | terms 1 | step | step | …       terms: bit 0: secrets come late; 1: no hellos; 2: version 2;
 *                                    3: the client chose no ID; 4, 5: the cipher; 6: little memory
 *                                    7: secrets are offered to whoever has no hellos
 *  step:  | what 1 | length 2 | bytes … |
 *         what, bits 0–3: 0 a datagram as it is        1 a payload, sealed as the next short packet
 *                         2, 3, 4 the same as Initial, Handshake, early packet
 *                         5 a payload given straight to the frames       6 packets are lost
 *                         7 a key update   8 time goes on   9 secrets    10 room is made
 *                         11 the address changes   12 as 1, but it waits and goes with the next
 *               bit 4: of the server             bit 5: the second connection
 *               bits 6, 7: bytes of the packet number, less one
 */
#include "quic/connection.h"
#include "quic/hello.h"
#include "quic/sealer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STREAMS = 64, LARGE = 1 << 16, OPEN_MAX = 512 };

struct upper {
    bool open;
    struct {
        uint64_t stream;
        uint8_t dir;
    } over[STREAMS];
    unsigned over_n;
};

struct end { /* one connection's */
    uint8_t name;
    uint16_t port;
    struct sealer initial[2], handshake[2], early, app[2];
    uint64_t next[2][3];
    bool phase[2];
};

struct said {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_quic *quic;
    struct wst_when now;
    uint32_t version;
    int kind;
    bool keys, nameless, offers;
    struct upper uppers[OPEN_MAX];
    unsigned uppers_n;
    struct end ends[2];
};

static uint8_t out[2 * LARGE];
static size_t out_n;

/* -- what the room says ------------------------------------------------------------------------ */

static void on_message(void *user, struct wst_quic_terms *terms, enum wst_dir dir,
                       struct wst_slice m)
{
    (void)user;
    hello_read(terms, dir, m);
}

static void secret_of(uint8_t name, unsigned label, uint8_t secret[48])
{
    memset(secret, (int)(name * 8 + label), 48);
}

static bool on_secret(void *user, const struct wst_quic_terms *terms, enum wst_quic_label label,
                      struct wst_quic_secret *secret)
{
    struct said *s = user;
    if (!s->keys) return false;
    secret->n = s->kind == SEAL_AES_256_GCM ? 48 : 32;
    secret_of(terms->random[0], (unsigned)label, secret->bytes);
    return true;
}

static uint32_t on_offers(void *user)
{
    const struct said *s = user;
    return s->keys && s->offers ? 16 : 0;
}

/* Of others, and of both connections in turn. */
static enum wst_quic_offered on_offer(void *user, uint32_t i, struct wst_quic_offer *offer)
{
    struct said *s = user;
    if (i >= on_offers(user)) return WST_QUIC_LAST;
    if (i % 3 == 2) return WST_QUIC_TAKEN;
    offer->label = (enum wst_quic_label)(WST_QUIC_SECRET_CLIENT_HS + i % 4);
    offer->secret.n = s->kind == SEAL_AES_256_GCM ? 48 : 32;
    memset(offer->random, 1 + (int)(i / 4 % 4), sizeof offer->random);
    secret_of(offer->random[0], (unsigned)offer->label, offer->secret.bytes);
    return WST_QUIC_OFFERED;
}

static void on_opening(void *user, const struct wst_quic_terms *terms)
{
    (void)user;
    (void)terms;
}

static void *on_open(void *user, const struct wst_quic_connection *connection,
                     const struct wst_quic_ends *ends, const struct wst_quic_terms *terms,
                     const struct wst_arrival *a)
{
    (void)connection;
    struct said *s = user;
    (void)terms;
    if (ends->family != 4 || a->from > a->when.pkt) abort();
    if (s->uppers_n == OPEN_MAX) return NULL;
    struct upper *u = &s->uppers[s->uppers_n++];
    u->open = true;
    return u;
}

static void on_stream(void *upper, uint64_t stream, enum wst_dir dir, bool over,
                      const struct wst_arrival *a)
{
    struct upper *u = upper;
    if (!u->open || a->from > a->when.pkt) abort();
    for (unsigned i = 0; i < u->over_n; i++) /* nothing behind an end */
        if (u->over[i].stream == stream && u->over[i].dir == dir) abort();
    if (!over || u->over_n == STREAMS) return;
    u->over[u->over_n].stream = stream;
    u->over[u->over_n++].dir = (uint8_t)dir;
}

static void on_data(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    static volatile uint8_t sum;
    (void)user;
    if (!bytes.n) abort();
    for (size_t i = 0; i < bytes.n; i++) sum = (uint8_t)(sum + bytes.p[i]);
    on_stream(upper, stream, dir, false, a);
}

static void on_gap(void *user, void *upper, uint64_t stream, enum wst_dir dir, uint64_t bytes,
                   const struct wst_arrival *a)
{
    (void)user;
    if (!bytes || bytes >> 62) abort();
    on_stream(upper, stream, dir, false, a);
}

static void on_fin(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    (void)user;
    on_stream(upper, stream, dir, true, a);
}

static void on_reset(void *user, void *upper, uint64_t stream, enum wst_dir dir, uint64_t code,
                     const struct wst_arrival *a)
{
    (void)user;
    (void)code;
    on_stream(upper, stream, dir, true, a);
}

static bool on_follows(void *user, const void *upper, uint64_t stream)
{
    (void)user;
    if (!((const struct upper *)upper)->open) abort();
    return stream % 8 == 0;
}

static void on_closed(void *user, void *upper, const struct wst_quic_ends *ends,
                      const struct wst_quic_terms *terms, bool open, const struct wst_quic_close *x,
                      const struct wst_arrival *a)
{
    struct upper *u = upper;
    unsigned sum = 0;
    (void)user;
    if (!ends || !terms || !a || x->dir > WST_S2C || (u && (!u->open || !open))) abort();
    for (size_t i = 0; i < x->reason.n; i++) sum += x->reason.p[i];
    if (sum > 255 * x->reason.n) abort();
}

static bool on_end(void *user, void *upper, enum wst_tcp_end how, const struct wst_arrival *a)
{
    struct upper *u = upper;
    (void)user;
    (void)how;
    (void)a;
    if (!u->open) abort();
    u->open = false;
    return true;
}

static bool on_precious(void *user, const void *upper)
{
    (void)user;
    return ((const struct upper *)upper)->open;
}

static void on_stalled(void *user, void *upper, uint64_t stream, enum wst_dir dir,
                       const char *detail, const struct wst_arrival *a)
{
    (void)user;
    (void)stream;
    (void)dir;
    (void)a;
    if (!upper || !*detail) abort();
}

static void on_problem(void *user, void *upper, const struct wst_quic_ends *ends,
                       enum wst_problem problem, enum wst_dir dir, const char *detail,
                       const struct wst_arrival *a)
{
    (void)user;
    (void)ends;
    (void)problem;
    (void)dir;
    (void)a;
    if (upper && !((struct upper *)upper)->open) abort();
    for (const char *p = detail; *p; p++)
        if ((unsigned char)*p < ' ' || (unsigned char)*p > '~') abort();
}

/* -- the ends ---------------------------------------------------------------------------------- */

static void end_init(struct said *s, struct end *e, uint8_t name)
{
    uint8_t first[8], secret[48];
    memset(e, 0, sizeof *e);
    e->name = name;
    e->port = (uint16_t)(4000 + name);
    memset(first, name, sizeof first);
    sealer_initial(e->initial, s->version, first, sizeof first);
    for (unsigned d = 0; d < 2; d++) {
        secret_of(name, WST_QUIC_SECRET_CLIENT_HS + d, secret);
        sealer_init(&e->handshake[d], s->kind, s->version, secret);
        secret_of(name, WST_QUIC_SECRET_CLIENT + d, secret);
        sealer_init(&e->app[d], s->kind, s->version, secret);
    }
    secret_of(name, WST_QUIC_SECRET_EARLY, secret);
    sealer_init(&e->early, s->kind, s->version, secret);
}

/* A packet behind what waits in `out`. */
static void put(struct said *s, struct end *e, unsigned dir, int type, size_t number_n,
                struct wst_slice payload)
{
    static uint8_t ids[2][8];
    unsigned space = type == SEAL_INITIAL ? 0 : type == SEAL_HANDSHAKE ? 1 : 2;
    memset(ids[0], e->name, 8);
    memset(ids[1], e->name + 0x10, 8);
    struct seal_head h = {.type = type,
                          .version = s->version,
                          .to = ids[dir],
                          .to_n = dir && s->nameless ? 0 : 8,
                          .from = ids[!dir],
                          .from_n = !dir && s->nameless ? 0 : 8,
                          .number = e->next[dir][space]++,
                          .number_n = number_n,
                          .phase = e->phase[dir]};
    const struct sealer *seals[] = {&e->initial[dir], &e->early, &e->handshake[dir], &e->app[dir]};
    if (payload.n > LARGE / 2 || out_n > LARGE / 2) return;
    out_n += seal_packet(seals[type], &h, out + out_n, payload.p, payload.n);
}

static void push(struct said *s, const struct end *e, unsigned dir, const uint8_t *p, size_t n)
{
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact) return;
    if (n) memcpy(exact, p, n);
    struct wst_segment segment = hello_datagram(dir, e->port, wst_slice_of(exact, n));
    wst_quic_push(s->quic, &segment, &s->now);
    free(exact);
    struct wst_quic_last last = wst_quic_last(s->quic);
    if (last.upper && !((struct upper *)last.upper)->open) abort();
    if (s->budget.used > s->budget.max) abort();
}

static void flush(struct said *s, const struct end *e, unsigned dir)
{
    push(s, e, dir, out, out_n);
    out_n = 0;
}

static void hellos(struct said *s, struct end *e)
{
    uint8_t first[1200] = {6, 0, 42, 1, 0, 0, 38, 3, 3}, answer[45] = {6, 0, 42, 2, 0, 0, 38, 3, 3};
    memset(first + 9, e->name, 32);
    answer[42] = (uint8_t)(seal_suite(s->kind) >> 8);
    answer[43] = (uint8_t)seal_suite(s->kind);
    put(s, e, 0, SEAL_INITIAL, 2, wst_slice_of(first, sizeof first));
    flush(s, e, 0);
    put(s, e, 1, SEAL_INITIAL, 2, wst_slice_of(answer, sizeof answer));
    flush(s, e, 1);
}

/* -- what happens ------------------------------------------------------------------------------ */

/* Frames as if a packet had held them: the streams are followed behind any tag. */
static void straight(struct said *s, unsigned dir, struct wst_slice payload)
{
    struct wst_arrival a = {.when = s->now, .from = s->now.pkt};
    struct wst_quic_connection *c = TAILQ_LAST(&s->quic->by_first, wst_quic_row);
    if (!c || c->state >= QUIC_SEALED) return;
    struct quic_side *side = &c->side[dir];
    struct quic_step t = {
        .quic = s->quic, .connection = c, .dir = (enum wst_dir)dir, .arrival = &a};
    if (c->state == QUIC_HELLO) c->state = QUIC_OPEN;
    t.number = side->next[SPACE_APPLICATION]++;
    struct wst_quic_numbers *numbers = wst_quic_connection_number(s->quic, c, (enum wst_dir)dir);
    if (numbers) wst_quic_numbers_see(numbers, t.number);
    uint8_t *exact = malloc(payload.n ? payload.n : 1);
    if (!exact) return;
    if (payload.n) memcpy(exact, payload.p, payload.n);
    wst_quic_payload(&t, WST_QUIC_SHORT, wst_slice_of(exact, payload.n));
    free(exact);
}

static void step(struct said *s, uint8_t what, struct wst_slice b, size_t length)
{
    unsigned dir = what >> 4 & 1;
    struct end *e = &s->ends[what >> 5 & 1];
    size_t number_n = (size_t)(what >> 6) + 1;
    s->now.pkt++;
    s->now.ns += 100000;
    switch (what & 15) {
    case 0: push(s, e, dir, b.p, b.n); break;
    case 1:
        put(s, e, dir, SEAL_SHORT, number_n, b);
        flush(s, e, dir);
        break;
    case 2:
    case 3:
    case 4:
        put(s, e, dir,
            (what & 15) == 2   ? SEAL_INITIAL
            : (what & 15) == 3 ? SEAL_HANDSHAKE
                               : SEAL_EARLY,
            number_n, b);
        flush(s, e, dir);
        break;
    case 5: straight(s, dir, b); break;
    case 6: e->next[dir][2] += length; break;
    case 7:
        sealer_next(&e->app[dir]);
        e->phase[dir] = !e->phase[dir];
        break;
    case 8:
        s->now.ns += (int64_t)length * 10000000;
        wst_quic_tick(s->quic, &s->now, 4);
        break;
    case 9:
        s->keys = true;
        wst_quic_wake(s->quic, &s->now);
        break;
    case 10:
        wst_quic_make_room(s->quic, (size_t)length << 12, length & 1 ? 0 : INT64_MAX, &s->now);
        break;
    case 11: e->port++; break;
    case 12: put(s, e, dir, SEAL_SHORT, number_n, b); break;
    default: break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said s;
    const struct wst_quic_sink sink = {.user = &s,
                                       .message = on_message,
                                       .secret = on_secret,
                                       .offers = on_offers,
                                       .offer = on_offer,
                                       .opening = on_opening,
                                       .open = on_open,
                                       .data = on_data,
                                       .gap = on_gap,
                                       .fin = on_fin,
                                       .reset = on_reset,
                                       .follows = on_follows,
                                       .stalled = on_stalled,
                                       .closed = on_closed,
                                       .end = on_end,
                                       .precious = on_precious,
                                       .problem = on_problem};
    if (size < 1 || size > LARGE) return 0;
    uint8_t terms = data[0];
    memset(&s, 0, sizeof s);
    wst_options_init(&s.options);
    s.options.hash_seed[0] = 1;
    s.options.limits.reorder_bytes = 1 << 14;
    s.options.limits.reorder_segments = 64;
    s.options.limits.tls_wait = 1 << 14;
    s.budget.max = terms & 0x40 ? 1 << 15 : 1 << 20;
    s.version = terms & 4 ? SEAL_V2 : SEAL_V1;
    s.kind = terms >> 4 & 3;
    s.keys = !(terms & 1);
    s.nameless = terms & 8;
    s.offers = terms & 0x80;
    s.now = (struct wst_when){1, 1};
    s.quic = wst_quic_new(&s.options, &s.budget, &sink);
    if (!s.quic) abort();
    wst_quic_keys_may_come(s.quic, terms & 1);
    out_n = 0;
    for (uint8_t i = 0; i < 2; i++) end_init(&s, &s.ends[i], (uint8_t)(1 + i));
    for (int i = 0; i < 2 && !(terms & 2); i++) hellos(&s, &s.ends[i]);
    for (size_t at = 1; at + 3 <= size;) {
        uint8_t what = data[at];
        size_t n = wst_be16(data + at + 1), left = size - at - 3;
        unsigned kind = what & 15;
        at += 3;
        size_t taken = kind >= 6 && kind <= 11 ? 0 : n < left ? n : left;
        step(&s, what, wst_slice_of(data + at, taken), n);
        at += taken;
    }
    wst_quic_finish(s.quic, &s.now);
    for (unsigned i = 0; i < s.uppers_n; i++)
        if (s.uppers[i].open) abort();
    wst_quic_free(s.quic);
    if (s.budget.used) abort();
    return 0;
}

/* SPDX-License-Identifier: MIT
 *
 * In: packets. Out: what a tag proves to lie in them. Keys are made when the first packet asks for
 * them: which cipher a secret belongs to shows when one opens, whether the ServerHello was captured
 * or not.
 */
#include <openssl/crypto.h>

#include "connection.h"

enum { GENERATIONS = 4 }; /* key updates in a row that the capture may lack */

/* How many numbers with the same end are tried behind the likely one, by the bytes of that end: the
 * capture may lack so many packets that the end alone is not enough. */
static const uint8_t turns[WST_QUIC_NUMBER] = {64, 4, 1, 0};

static void epoch_free(struct quic_keys *e)
{
    wst_quic_mask_free(e->mask);
    wst_quic_keys_free(e->keys);
    *e = (struct quic_keys){0};
}

/* Generations made of an epoch's keys go with them. */
static void generations_free(struct quic_side *s)
{
    wst_quic_keys_free(s->before);
    wst_quic_keys_free(s->after);
    s->before = s->after = NULL;
}

void wst_quic_epochs_free(struct wst_quic_connection *c)
{
    for (int d = 0; d < 2; d++) {
        struct quic_side *s = &c->side[d];
        epoch_free(&s->initial);
        epoch_free(&s->handshake);
        epoch_free(&s->early);
        epoch_free(&s->application);
        generations_free(s);
    }
}

/* RFC 9001 section 5.4.2: the sample stands where a number of four bytes would end. */
bool wst_quic_unmask(struct wst_quic *q, const struct wst_quic_packet *p,
                     struct wst_quic_mask *mask, struct quic_unmasked *u)
{
    uint8_t bits[WST_QUIC_MASK];
    size_t at = p->number;
    if (at + WST_QUIC_NUMBER > sizeof q->header || p->bytes.n < at + WST_QUIC_NUMBER ||
        p->bytes.n - at - WST_QUIC_NUMBER < WST_QUIC_SAMPLE ||
        !wst_quic_mask_make(mask, p->bytes.p + at + WST_QUIC_NUMBER, bits))
        return false;
    memcpy(q->header, p->bytes.p, at);
    q->header[0] ^= bits[0] & (p->type == WST_QUIC_SHORT ? 0x1f : 0x0f);
    u->first = q->header[0];
    u->low_n = (size_t)(u->first & 3) + 1;
    u->low = 0;
    for (size_t i = 0; i < u->low_n; i++) {
        q->header[at + i] = p->bytes.p[at + i] ^ bits[1 + i];
        u->low = u->low << 8 | q->header[at + i];
    }
    u->header = wst_slice_of(q->header, at + u->low_n);
    u->sealed = wst_slice_skip(p->bytes, at + u->low_n);
    return true;
}

static bool open_with(struct quic_step *t, struct wst_quic_keys *keys,
                      const struct quic_unmasked *u, struct wst_slice *plain)
{
    struct wst_buf *room = &t->quic->room;
    room->n = 0;
    if (!keys || !wst_buf_reserve(room, t->quic->budget, u->sealed.n, SIZE_MAX)) return false;
    return wst_quic_open(keys, t->number, u->header, u->sealed, room->p, plain);
}

/* -- key updates (RFC 9001 section 6) ---------------------------------------------------------- */

static void generation_next(struct quic_step *t, struct quic_side *s)
{
    wst_quic_keys_free(s->before);
    s->before = s->application.keys;
    s->application.keys = s->after;
    s->after = NULL;
    s->phase = !s->phase;
    s->phase_from = t->number;
}

/* Libraries of 2022 renew the keys of version 2 with the label of version 1. */
static bool open_odd(struct quic_step *t, struct quic_side *s, const struct quic_unmasked *u,
                     struct wst_slice *plain)
{
    if (!wst_quic_is_second(s->application.keys->version)) return false;
    struct wst_quic_keys *odd = wst_quic_keys_next(&t->quic->crypto, s->application.keys, true);
    if (!open_with(t, odd, u, plain)) {
        wst_quic_keys_free(odd);
        return false;
    }
    wst_quic_keys_free(s->after);
    s->after = odd;
    generation_next(t, s);
    return true;
}

/* The generations behind the next one, where the capture lacks some. */
static bool open_ahead(struct quic_step *t, struct quic_side *s, const struct quic_unmasked *u,
                       bool phase, struct wst_slice *plain)
{
    struct wst_quic *q = t->quic;
    if (!s->after) s->after = wst_quic_keys_next(&q->crypto, s->application.keys, false);
    struct wst_quic_keys *k = s->after;
    bool found = false;
    for (int i = 1; i < GENERATIONS && k && !found; i++) {
        struct wst_quic_keys *more = wst_quic_keys_next(&q->crypto, k, false);
        if (k != s->after) wst_quic_keys_free(k);
        k = more;
        found = (phase != s->phase) == !(i % 2) && open_with(t, k, u, plain);
    }
    if (k == s->after) return false;
    if (!found) {
        wst_quic_keys_free(k);
        return false;
    }
    wst_quic_keys_free(s->after);
    s->after = k;
    generation_next(t, s);
    s->phase = phase;
    return true;
}

/* With this generation or the one after, as the packet's bit says. */
static bool open_near(struct quic_step *t, struct quic_side *s, const struct quic_unmasked *u,
                      bool phase, struct wst_slice *plain)
{
    if (phase == s->phase) return open_with(t, s->application.keys, u, plain);
    if (!s->after) s->after = wst_quic_keys_next(&t->quic->crypto, s->application.keys, false);
    if (!open_with(t, s->after, u, plain)) return open_odd(t, s, u, plain);
    generation_next(t, s);
    return true;
}

static bool open_application(struct quic_step *t, const struct quic_unmasked *u,
                             struct wst_slice *plain)
{
    struct quic_side *s = &t->connection->side[t->dir];
    bool phase = u->first & WST_QUIC_PHASE;
    uint64_t number = t->number;
    if (phase != s->phase && number < s->phase_from && open_with(t, s->before, u, plain))
        return true;
    if (open_near(t, s, u, phase, plain)) return true;
    if (t->guess || !s->opened || s->failed >= WST_QUIC_TRIES) return false;
    if (open_ahead(t, s, u, phase, plain)) return true;
    for (unsigned i = 1; i <= turns[u->low_n - 1]; i++) {
        t->number = number + ((uint64_t)i << (8 * u->low_n));
        if (open_near(t, s, u, phase, plain)) return true;
    }
    return false;
}

/* -- epochs ------------------------------------------------------------------------------------ */

static bool epoch_open(struct quic_step *t, struct quic_keys *e, const struct wst_quic_packet *p,
                       struct wst_slice *plain)
{
    struct wst_quic_connection *c = t->connection;
    struct quic_unmasked u;
    enum quic_space space = quic_space_of(p->type);
    if (!e->keys || !e->mask || !wst_quic_unmask(t->quic, p, e->mask, &u)) return false;
    t->number = wst_quic_number(c->side[t->dir].next[space], u.low, u.low_n);
    bool opened = p->type == WST_QUIC_SHORT ? open_application(t, &u, plain)
                                            : open_with(t, e->keys, &u, plain);
    e->proven |= opened;
    return opened;
}

static bool epoch_make(struct wst_quic *q, struct quic_keys *e, enum wst_quic_aead aead,
                       uint32_t version, const struct wst_quic_secret *secret)
{
    epoch_free(e);
    e->keys = wst_quic_keys_new(&q->crypto, aead, version, secret);
    e->mask = wst_quic_mask_new(&q->crypto, aead, version, secret);
    if (e->keys && e->mask) return true;
    epoch_free(e);
    return false;
}

/* Whether these are keys of the cipher that the two agreed on; if not, more are tried. */
static enum quic_opened epoch_try(struct quic_step *t, struct quic_keys *e,
                                  enum wst_quic_label label, const struct wst_quic_secret *secret,
                                  const struct wst_quic_packet *p, struct wst_slice *plain)
{
    struct wst_quic_connection *c = t->connection;
    enum wst_quic_aead agreed = c->terms.server && label != WST_QUIC_SECRET_EARLY
                                    ? wst_quic_aead_of(c->terms.suite)
                                    : WST_QUIC_AEADS;
    for (int i = 0; i < WST_QUIC_AEADS; i++) {
        enum wst_quic_aead aead = (enum wst_quic_aead)i;
        if (secret->n != wst_quic_secret_size(aead) || (agreed != WST_QUIC_AEADS && agreed != aead))
            continue;
        if (p->type == WST_QUIC_SHORT) generations_free(&c->side[t->dir]);
        if (!epoch_make(t->quic, e, aead, c->version, secret) || !epoch_open(t, e, p, plain))
            continue;
        if (!c->terms.server && label != WST_QUIC_SECRET_EARLY)
            c->terms.suite = wst_quic_suite(aead);
        return QUIC_OPENED;
    }
    if (agreed == WST_QUIC_AEADS) epoch_free(e); /* else the next packet may open */
    return QUIC_FAILED;
}

/* The first packet of an epoch shows which cipher its secret is of. */
static enum quic_opened epoch_begin(struct quic_step *t, struct quic_keys *e,
                                    enum wst_quic_label label, const struct wst_quic_packet *p,
                                    struct wst_slice *plain)
{
    struct wst_quic *q = t->quic;
    struct wst_quic_connection *c = t->connection;
    struct wst_quic_secret secret;
    if (!c->terms.client || !q->sink.secret(q->sink.user, &c->terms, label, &secret))
        return QUIC_KEYLESS;
    enum quic_opened opened = epoch_try(t, e, label, &secret, p, plain);
    OPENSSL_cleanse(&secret, sizeof secret);
    return opened;
}

void wst_quic_epoch_found(struct quic_side *s, struct quic_found *f)
{
    epoch_free(&s->application);
    generations_free(s);
    s->application = (struct quic_keys){f->mask, f->keys, true};
    s->before = f->before;
    s->phase = f->generation & 1;
    s->phase_from = s->next[SPACE_APPLICATION] = f->number;
    f->mask = NULL;
    f->keys = f->before = NULL;
}

/* -- Initial packets: sealed with what everybody knows ----------------------------------------- */

/* Of one direction: to most clients of a flood nobody answers. */
static bool initial_keys(struct quic_step *t, uint32_t version, struct wst_slice id)
{
    struct wst_quic *q = t->quic;
    struct wst_quic_secret secrets[2];
    return wst_quic_initial(&q->crypto, version, id, secrets) &&
           epoch_make(q, &t->connection->side[t->dir].initial, WST_QUIC_AES_128_GCM, version,
                      &secrets[t->dir]);
}

/* After a Retry the client says its hello from the front, and some say another one. */
static void begin_again(struct wst_quic *q, struct wst_quic_connection *c)
{
    struct quic_crypto *m = &c->side[WST_C2S].crypto[SPACE_INITIAL];
    wst_quic_order_free(&m->order, q->budget);
    wst_buf_free(&m->message, q->budget);
    *m = (struct quic_crypto){0};
    epoch_free(&c->side[WST_C2S].early);
    c->terms.client = false;
}

static enum quic_opened initial_open(struct quic_step *t, const struct wst_quic_packet *p,
                                     struct wst_slice *plain)
{
    struct wst_quic_connection *c = t->connection;
    struct quic_keys *e = &c->side[t->dir].initial;
    struct wst_slice first = wst_slice_of(c->first_id, c->first_id_n);
    if (!first.n && t->dir == WST_S2C) return QUIC_FAILED; /* the client's first was not captured */
    if ((!e->keys || e->keys->version != p->version) && !initial_keys(t, p->version, first))
        return QUIC_FAILED;
    if (epoch_open(t, e, p, plain)) {
        c->version = p->version; /* the server may have chosen another: RFC 9368 */
        return QUIC_OPENED;
    }
    /* After a Retry they are sealed with the ID that it gave (RFC 9001 section 5.2); but whoever
     * sends Initial packets has no more to say when the server has answered. */
    if (t->dir != WST_C2S || c->side[WST_S2C].next[SPACE_INITIAL] ||
        wst_slice_same(p->to, first))
        return QUIC_FAILED;
    if (!initial_keys(t, p->version, p->to) || !epoch_open(t, e, p, plain)) {
        epoch_free(e);
        return QUIC_FAILED;
    }
    epoch_free(&c->side[WST_S2C].initial);
    c->first_id_n = (uint8_t)p->to.n;
    memcpy(c->first_id, p->to.p, p->to.n);
    begin_again(t->quic, c);
    return QUIC_OPENED;
}

/* -- the door ---------------------------------------------------------------------------------- */

static enum quic_opened open_any(struct quic_step *t, const struct wst_quic_packet *p,
                                 struct wst_slice *plain)
{
    struct quic_side *s = &t->connection->side[t->dir];
    bool client = t->dir == WST_C2S;
    struct quic_keys *e;
    enum wst_quic_label label;
    switch (p->type) {
    case WST_QUIC_INITIAL: return initial_open(t, p, plain);
    case WST_QUIC_EARLY:
        if (!client) return QUIC_FAILED;
        e = &s->early;
        label = WST_QUIC_SECRET_EARLY;
        break;
    case WST_QUIC_HANDSHAKE:
        e = &s->handshake;
        label = client ? WST_QUIC_SECRET_CLIENT_HS : WST_QUIC_SECRET_SERVER_HS;
        break;
    default:
        e = &s->application;
        label = client ? WST_QUIC_SECRET_CLIENT : WST_QUIC_SECRET_SERVER;
        break;
    }
    if (!e->keys) return epoch_begin(t, e, label, p, plain);
    return epoch_open(t, e, p, plain) ? QUIC_OPENED : QUIC_FAILED;
}

enum quic_opened wst_quic_packet_open(struct quic_step *t, const struct wst_quic_packet *p,
                                      struct wst_slice *plain)
{
    enum quic_opened opened = open_any(t, p, plain);
    struct quic_side *s = &t->connection->side[t->dir];
    enum quic_space space = quic_space_of(p->type);
    if (opened != QUIC_OPENED) return opened;
    struct wst_quic_numbers *numbers = NULL;
    if (space == SPACE_APPLICATION &&
        !(numbers = wst_quic_connection_number(t->quic, t->connection, t->dir)))
        return QUIC_FAILED;
    if (t->number >= s->next[space]) s->next[space] = t->number + 1;
    if (!numbers) return QUIC_OPENED;
    s->opened |= p->type == WST_QUIC_SHORT;
    return wst_quic_numbers_see(numbers, t->number) ? QUIC_OPENED : QUIC_AGAIN;
}

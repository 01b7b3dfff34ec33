/* SPDX-License-Identifier: MIT
 *
 * In: what lay in a packet. Out: its frames, each to whom it concerns: streams, packet numbers,
 * connection IDs, the TLS messages in CRYPTO.
 */
#include <stdio.h>

#include "connection.h"

/* -- CRYPTO: handshake messages, RFC 8446 section 4 -------------------------------------------- */

enum { HEAD = 4, CLIENT_HELLO = 1, SERVER_HELLO = 2, ENCRYPTED_EXTENSIONS = 8 };

/* Only hellos are in Initial packets, which anybody makes. Behind them EncryptedExtensions is the
 * server's first message: what comes after one that nobody wants is not wanted, either. */
static bool message_wanted(uint8_t type, enum quic_space space)
{
    bool hello = type == CLIENT_HELLO || type == SERVER_HELLO;
    return space == SPACE_INITIAL ? hello : type == ENCRYPTED_EXTENSIONS;
}

static uint32_t message_length(const uint8_t *p)
{
    return wst_be32(p) & 0xffffff;
}

/* Takes a message, or as much of it as is there; how many bytes. */
static size_t message_bytes(struct quic_step *t, struct quic_crypto *m, struct wst_slice bytes)
{
    struct wst_quic *q = t->quic;
    struct wst_buf *kept = &m->message;
    bool initial = m == &t->connection->side[t->dir].crypto[SPACE_INITIAL];
    enum quic_space space = initial ? SPACE_INITIAL : SPACE_HANDSHAKE;
    if (m->over) return bytes.n;
    size_t want = kept->n < HEAD ? HEAD : HEAD + message_length(kept->p), n = want - kept->n;
    if (n > bytes.n) n = bytes.n;
    if (!wst_buf_append(kept, q->budget, wst_slice_head(bytes, n), HEAD + WST_QUIC_HANDSHAKE_MAX)) {
        wst_buf_free(kept, q->budget);
        m->over = true; /* what follows would be taken for something else */
        return bytes.n;
    }
    if (kept->n < HEAD) return n;
    uint32_t length = message_length(kept->p);
    if (!message_wanted(kept->p[0], space) || length > WST_QUIC_HANDSHAKE_MAX) {
        m->over = true;
        wst_buf_free(kept, q->budget);
    } else if (kept->n == HEAD + length) {
        q->sink.message(q->sink.user, &t->connection->terms, t->dir, wst_buf_slice(kept));
        wst_buf_free(kept, q->budget);
    }
    return n;
}

static void crypto_bytes(struct quic_step *t, struct quic_crypto *m, struct wst_slice bytes)
{
    while (bytes.n) bytes = wst_slice_skip(bytes, message_bytes(t, m, bytes));
}

static void crypto(struct quic_step *t, enum quic_space space, uint64_t at, struct wst_slice bytes)
{
    static const struct wst_quic_caps caps = {WST_QUIC_HANDSHAKE_MAX, 1024};
    struct quic_crypto *m = &t->connection->side[t->dir].crypto[space];
    struct wst_budget *budget = t->quic->budget;
    struct wst_slice now;
    uint64_t pkt = t->arrival->from;
    while (wst_quic_order_put(&m->order, budget, at, bytes, pkt, &caps, &now) && now.n)
        for (; now.n; now = wst_quic_order_next(&m->order, &pkt)) {
            crypto_bytes(t, m, now);
            wst_quic_order_pass(&m->order, budget, now.n);
        }
}

void wst_quic_messages_free(struct wst_quic *q, struct wst_quic_connection *c)
{
    for (int d = 0; d < 2; d++)
        for (int s = 0; s < SPACE_APPLICATION; s++) {
            wst_quic_order_free(&c->side[d].crypto[s].order, q->budget);
            wst_buf_free(&c->side[d].crypto[s].message, q->budget);
        }
}

/* -- the others -------------------------------------------------------------------------------- */

static void acknowledged(struct quic_step *t, const struct wst_quic_frame *f)
{
    struct wst_quic_ack a = wst_quic_ack_of(f);
    struct wst_quic_numbers *numbers =
        wst_quic_connection_number(t->quic, t->connection, (enum wst_dir) !t->dir);
    uint64_t from = 0, to, high = a.next;
    if (!numbers) return;
    while (wst_quic_ack_next(&a, &from, &to)) wst_quic_numbers_ack(numbers, from, to);
    wst_quic_numbers_told(numbers, from, high);
}

/* Its sender had packets of the other side that are newer than all that were captured: the
 * directions may come from two taps. */
static bool close_waits(const struct wst_quic_connection *c)
{
    const struct wst_quic_numbers *other =
        wst_quic_connection_numbers(c, (enum wst_dir) !c->closes_by);
    return other->top > other->came;
}

/* RFC 9000 section 19.19: 0 and, of HTTP/3, H3_NO_ERROR (RFC 9114 section 8.1) are no errors. */
static void closed(struct quic_step *t, enum quic_space space, const struct wst_quic_frame *f)
{
    enum { H3_NO_ERROR = 0x100 };
    struct wst_quic_connection *c = t->connection;
    bool orderly =
        f->v[0] == 0 || (f->type == WST_QUIC_CLOSE_APPLICATION && f->v[0] == H3_NO_ERROR);
    if (c->closes || c->state >= QUIC_CLOSED) return;
    c->closes = true;
    c->closes_by = (uint8_t)t->dir;
    c->closes_how = orderly ? WST_TCP_FIN : WST_TCP_RST;
    c->closed = *t->arrival;
    struct wst_slice reason = wst_slice_head(f->bytes, sizeof c->close_reason);
    if (reason.n) memcpy(c->close_reason, reason.p, reason.n);
    c->close = (struct wst_quic_close){.dir = t->dir,
                                       .application = f->type == WST_QUIC_CLOSE_APPLICATION,
                                       .handshake = space != SPACE_APPLICATION,
                                       .code = f->v[0],
                                       .reason = wst_slice_of(c->close_reason, reason.n)};
}

void wst_quic_payload_reset(struct quic_step *t)
{
    struct wst_quic_connection *c = t->connection;
    if (c->closes || c->state != QUIC_OPEN) return;
    c->closes = true;
    c->closes_by = (uint8_t)t->dir;
    c->closes_how = WST_TCP_RST;
    c->closed = *t->arrival;
    c->close = (struct wst_quic_close){
        .dir = t->dir, .stateless = true, .reason = wst_slice_of(c->close_reason, 0)};
    if (!close_waits(c)) wst_quic_connection_end(t, WST_TCP_RST);
}

/* False: nothing behind it is to be read. */
static bool frame(struct quic_step *t, enum quic_space space, const struct wst_quic_frame *f)
{
    struct wst_quic_connection *c = t->connection;
    bool fin = f->type & WST_QUIC_STREAM_FIN;
    if (f->type == WST_QUIC_CRYPTO) {
        if (space != SPACE_APPLICATION) crypto(t, space, f->v[0], f->bytes);
        return true;
    }
    if (f->type == WST_QUIC_CLOSE_TRANSPORT || f->type == WST_QUIC_CLOSE_APPLICATION) {
        closed(t, space, f);
        return false;
    }
    if (space != SPACE_APPLICATION) { /* of what it acknowledges something came back */
        c->heard |= f->type == WST_QUIC_ACK || f->type == WST_QUIC_ACK_ECN;
        return true;
    }
    if (f->type >= WST_QUIC_STREAM && f->type <= WST_QUIC_STREAM_OLF) {
        wst_quic_stream_bytes(t, f->v[0], f->v[1], f->bytes, fin);
        return true;
    }
    switch (f->type) {
    case WST_QUIC_ACK:
    case WST_QUIC_ACK_ECN: acknowledged(t, f); break;
    case WST_QUIC_RESET_STREAM: wst_quic_stream_reset(t, f->v[0], f->v[1], f->v[2]); break;
    case WST_QUIC_DATA_BLOCKED: wst_quic_stalls_blocked(t, QUIC_ALL, f->v[0]); break;
    case WST_QUIC_STREAM_DATA_BLOCKED: wst_quic_stalls_blocked(t, f->v[0], f->v[1]); break;
    case WST_QUIC_MAX_DATA: wst_quic_stalls_allowed(t, QUIC_ALL, f->v[0]); break;
    case WST_QUIC_MAX_STREAM_DATA: wst_quic_stalls_allowed(t, f->v[0], f->v[1]); break;
    case WST_QUIC_NEW_CONNECTION_ID:
        wst_quic_id_add(t->quic, c, (enum wst_dir) !t->dir, f->bytes);
        wst_quic_id_token(t->quic, c, f->bytes, f->token);
        break;
    default: break;
    }
    return true;
}

static void frames(struct quic_step *t, enum wst_quic_type type, struct wst_slice plain)
{
    enum quic_space space = quic_space_of(type);
    struct wst_quic_frame f;
    char detail[96];
    while (plain.n) {
        if (!plain.p[0]) { /* PADDING comes by the thousand */
            plain = wst_slice_skip(plain, 1);
            continue;
        }
        if (!wst_quic_frame_take(&plain, &f)) {
            snprintf(detail, sizeof detail,
                     "a packet has a frame that cannot be read (type 0x%llx): what follows it "
                     "in the packet is missing",
                     (unsigned long long)f.type);
            wst_quic_connection_tell(t, FINDING_FRAME, t->dir, detail);
            return;
        }
        if (!frame(t, space, &f)) return;
    }
}

void wst_quic_payload(struct quic_step *t, enum wst_quic_type type, struct wst_slice plain)
{
    struct wst_quic_connection *c = t->connection;
    frames(t, type, plain);
    if (c->resets && c->state < QUIC_SEALED) wst_quic_streams_resets(t, false);
    if (c->closes && c->state < QUIC_CLOSED && !close_waits(c))
        wst_quic_connection_end(t, WST_TCP_FIN);
}

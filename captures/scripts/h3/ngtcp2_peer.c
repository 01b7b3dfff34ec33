// SPDX-License-Identifier: MIT
// An HTTP/3 peer on ngtcp2, nghttp3 and GnuTLS, told what to do through its standard input: the
// QUIC half of a recording. Connections, streams and bytes come and go as messages (lib/h3_peer.js
// has the other end):
//   length u32, type u8, connection u32, stream i64, payload; all big-endian, length of what
//   follows it
// needs: libngtcp2-dev libngtcp2-crypto-gnutls-dev libnghttp3-dev libgnutls28-dev
// build: cc -O1 -o ngtcp2_peer ngtcp2_peer.c -lngtcp2 -lngtcp2_crypto_gnutls -lnghttp3 -lgnutls
// usage: ngtcp2_peer server HOST PORT KEY CERT [NAME=VALUE…]    ngtcp2_peer client [NAME=VALUE…]
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_CONNS 64
#define MAX_SCIDS 64
#define SECOND NGTCP2_SECONDS

struct chunk {
    struct chunk *next;
    size_t len;
    uint8_t data[];
};

struct stream {
    int64_t id;
    struct stream *next;
    struct chunk *first, *last; // all that was ever to be sent; kept until the connection ends
    struct chunk *sending;      // where the reader stands
    size_t sent;                // bytes of `sending` that are handed out
    int fin, fin_sent, started;
    int raw;        // a stream that is not nghttp3's
    uint8_t *heads; // fields that arrive
    size_t heads_len;
};

struct conn {
    unsigned number;
    int fd, own_fd;
    ngtcp2_conn *quic;
    nghttp3_conn *h3;
    gnutls_session_t tls;
    ngtcp2_crypto_conn_ref ref;
    struct stream *streams;
    ngtcp2_cid scids[MAX_SCIDS];
    int scid_count;
    struct sockaddr_storage local, remote;
    socklen_t addr_len;
    int established, closed, early;
    int held; // nothing is sent before the first request is there, so that 0-RTT has one
    ngtcp2_path_storage new_path;
    int new_fd;
};

static struct options {
    long cid, version, prefer, retry, gso, data, table, blocked, table_out, udp, mtud, idle, active,
        v1only, window;
    const char *cipher, *alpn, *group;
} opt = {.cid = 8,
         .version = NGTCP2_PROTO_VER_V1,
         .data = 1 << 20,
         .udp = 1200,
         .idle = 30,
         .active = 7,
         .alpn = "h3",
         .window = 1 << 20};

static int is_server, server_fd = -1;
static struct sockaddr_storage server_addr;
static socklen_t server_addr_len;
static struct conn *conns[MAX_CONNS];
static unsigned next_number = 1;
static gnutls_certificate_credentials_t credentials;
static gnutls_datum_t ticket_key, saved_ticket;
static gnutls_anti_replay_t anti_replay;
static ngtcp2_transport_params saved_params;
static int have_params;
static uint8_t secret[32];

static uint64_t now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void put_be(uint8_t *p, uint64_t v, int n)
{
    while (n--) {
        p[n] = (uint8_t)v;
        v >>= 8;
    }
}

static uint64_t get_be(const uint8_t *p, int n)
{
    uint64_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

static void write_all(const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t done = write(1, p, n);
        if (done < 0 && errno == EAGAIN) {
            struct pollfd w = {1, POLLOUT, 0};
            poll(&w, 1, 1000);
            continue;
        }
        if (done <= 0) _exit(0);
        p += done;
        n -= (size_t)done;
    }
}

static void tell(char type, const struct conn *c, int64_t stream, const void *data, size_t len)
{
    uint8_t head[17];
    put_be(head, 13 + len, 4);
    head[4] = (uint8_t)type;
    put_be(head + 5, c ? c->number : 0, 4);
    put_be(head + 9, (uint64_t)stream, 8);
    write_all(head, sizeof head);
    write_all(data, len);
}

static void tell_text(char type, const struct conn *c, const char *text)
{
    tell(type, c, -1, text, strlen(text));
}

static struct stream *find_stream(struct conn *c, int64_t id, int make)
{
    for (struct stream *s = c->streams; s; s = s->next)
        if (s->id == id) return s;
    if (!make) return NULL;
    struct stream *s = calloc(1, sizeof *s);
    s->id = id;
    s->next = c->streams;
    return c->streams = s;
}

static void add_chunk(struct stream *s, const uint8_t *data, size_t len)
{
    struct chunk *k = malloc(sizeof *k + len);
    k->next = NULL;
    k->len = len;
    memcpy(k->data, data, len);
    if (s->last)
        s->last->next = k;
    else
        s->first = k;
    s->last = k;
    if (!s->sending) {
        s->sending = k;
        s->sent = 0;
    }
}

// -- nghttp3 ---------------------------------------------------------------------------------

/** Each call makes one DATA frame: what one message from the script held, or a part of it. */
static nghttp3_ssize read_data(nghttp3_conn *h3, int64_t id, nghttp3_vec *vec, size_t n,
                               uint32_t *flags, void *cp, void *sp)
{
    struct stream *s = find_stream(cp, id, 0);
    (void)h3, (void)sp, (void)n;
    while (s && s->sending && s->sent == s->sending->len) {
        s->sending = s->sending->next;
        s->sent = 0;
    }
    if (s && s->sending) {
        size_t len = s->sending->len - s->sent;
        if (len > (size_t)opt.data) len = (size_t)opt.data;
        vec[0] = (nghttp3_vec){s->sending->data + s->sent, len};
        s->sent += len;
        return 1;
    }
    if (s && s->fin) {
        *flags |= NGHTTP3_DATA_FLAG_EOF;
        return 0;
    }
    return NGHTTP3_ERR_WOULDBLOCK;
}

static int h3_data(nghttp3_conn *h3, int64_t id, const uint8_t *data, size_t len, void *cp,
                   void *sp)
{
    struct conn *c = cp;
    (void)h3, (void)sp;
    tell('D', c, id, data, len);
    ngtcp2_conn_extend_max_stream_offset(c->quic, id, len);
    ngtcp2_conn_extend_max_offset(c->quic, len);
    return 0;
}

static int h3_consumed(nghttp3_conn *h3, int64_t id, size_t len, void *cp, void *sp)
{
    struct conn *c = cp;
    (void)h3, (void)sp;
    ngtcp2_conn_extend_max_stream_offset(c->quic, id, len);
    ngtcp2_conn_extend_max_offset(c->quic, len);
    return 0;
}

static int h3_begin(nghttp3_conn *h3, int64_t id, void *cp, void *sp)
{
    struct stream *s = find_stream(cp, id, 1);
    (void)h3, (void)sp;
    free(s->heads);
    s->heads = calloc(1, 1);
    s->heads_len = 1; // the flags
    return 0;
}

static int h3_field(nghttp3_conn *h3, int64_t id, int32_t token, nghttp3_rcbuf *name,
                    nghttp3_rcbuf *value, uint8_t flags, void *cp, void *sp)
{
    struct stream *s = find_stream(cp, id, 1);
    nghttp3_vec v[2] = {nghttp3_rcbuf_get_buf(name), nghttp3_rcbuf_get_buf(value)};
    (void)h3, (void)sp, (void)token, (void)flags;
    for (int i = 0; i < 2; i++) {
        s->heads = realloc(s->heads, s->heads_len + v[i].len + 1);
        memcpy(s->heads + s->heads_len, v[i].base, v[i].len);
        s->heads_len += v[i].len;
        s->heads[s->heads_len++] = 0;
    }
    return 0;
}

static int h3_end_fields(nghttp3_conn *h3, int64_t id, int fin, void *cp, void *sp)
{
    struct stream *s = find_stream(cp, id, 1);
    (void)h3, (void)sp;
    s->heads[0] = fin ? 1 : 0;
    tell('H', cp, id, s->heads, s->heads_len);
    return 0;
}

static int h3_end_stream(nghttp3_conn *h3, int64_t id, void *cp, void *sp)
{
    (void)h3, (void)sp;
    tell('F', cp, id, NULL, 0);
    return 0;
}

static int h3_stop_sending(nghttp3_conn *h3, int64_t id, uint64_t code, void *cp, void *sp)
{
    (void)h3, (void)sp;
    ngtcp2_conn_shutdown_stream_read(((struct conn *)cp)->quic, id, code);
    return 0;
}

static int h3_reset(nghttp3_conn *h3, int64_t id, uint64_t code, void *cp, void *sp)
{
    (void)h3, (void)sp;
    ngtcp2_conn_shutdown_stream_write(((struct conn *)cp)->quic, id, code);
    return 0;
}

static int setup_h3(struct conn *c)
{
    if (c->h3 || strcmp(opt.alpn, "h3")) return 0;
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.qpack_max_dtable_capacity = (size_t)opt.table;
    settings.qpack_encoder_max_dtable_capacity = (size_t)opt.table_out;
    settings.qpack_blocked_streams = (size_t)opt.blocked;
    settings.enable_connect_protocol = is_server;
    nghttp3_callbacks cb = {
        .recv_data = h3_data,
        .deferred_consume = h3_consumed,
        .begin_headers = h3_begin,
        .recv_header = h3_field,
        .end_headers = h3_end_fields,
        .end_stream = h3_end_stream,
        .stop_sending = h3_stop_sending,
        .reset_stream = h3_reset,
    };
    int64_t control, encoder, decoder;
    if (ngtcp2_conn_open_uni_stream(c->quic, &control, NULL) ||
        ngtcp2_conn_open_uni_stream(c->quic, &encoder, NULL) ||
        ngtcp2_conn_open_uni_stream(c->quic, &decoder, NULL))
        return -1;
    if (is_server) {
        nghttp3_conn_server_new(&c->h3, &cb, &settings, nghttp3_mem_default(), c);
        nghttp3_conn_set_max_client_streams_bidi(c->h3, 1000);
    } else {
        nghttp3_conn_client_new(&c->h3, &cb, &settings, nghttp3_mem_default(), c);
    }
    nghttp3_conn_bind_control_stream(c->h3, control);
    nghttp3_conn_bind_qpack_streams(c->h3, encoder, decoder);
    return 0;
}

// -- ngtcp2 ----------------------------------------------------------------------------------

static void random_cb(uint8_t *dest, size_t len, const ngtcp2_rand_ctx *ctx)
{
    (void)ctx;
    gnutls_rnd(GNUTLS_RND_RANDOM, dest, len);
}

static void remember_cid(struct conn *c, const ngtcp2_cid *cid)
{
    c->scids[c->scid_count++ % MAX_SCIDS] = *cid;
}

static int new_cid(ngtcp2_conn *q, ngtcp2_cid *cid, uint8_t *token, size_t len, void *cp)
{
    (void)q;
    gnutls_rnd(GNUTLS_RND_RANDOM, cid->data, len);
    cid->datalen = len;
    ngtcp2_crypto_generate_stateless_reset_token(token, secret, sizeof secret, cid);
    remember_cid(cp, cid);
    return 0;
}

static int stream_data(ngtcp2_conn *q, uint32_t flags, int64_t id, uint64_t offset,
                       const uint8_t *data, size_t len, void *cp, void *sp)
{
    struct conn *c = cp;
    (void)offset, (void)sp;
    if (!c->h3) {
        tell('D', c, id, data, len);
        if (flags & NGTCP2_STREAM_DATA_FLAG_FIN) tell('F', c, id, NULL, 0);
        ngtcp2_conn_extend_max_stream_offset(q, id, len);
        ngtcp2_conn_extend_max_offset(q, len);
        return 0;
    }
    nghttp3_ssize used =
        nghttp3_conn_read_stream(c->h3, id, data, len, flags & NGTCP2_STREAM_DATA_FLAG_FIN);
    if (used < 0) {
        tell_text('L', c, nghttp3_strerror((int)used));
        return NGTCP2_ERR_CALLBACK_FAILURE;
    }
    ngtcp2_conn_extend_max_stream_offset(q, id, (uint64_t)used);
    ngtcp2_conn_extend_max_offset(q, (uint64_t)used);
    return 0;
}

static int acked(ngtcp2_conn *q, int64_t id, uint64_t offset, uint64_t len, void *cp, void *sp)
{
    struct conn *c = cp;
    (void)q, (void)offset, (void)sp;
    if (c->h3) nghttp3_conn_add_ack_offset(c->h3, id, len);
    return 0;
}

static int stream_close(ngtcp2_conn *q, uint32_t flags, int64_t id, uint64_t code, void *cp,
                        void *sp)
{
    struct conn *c = cp;
    (void)sp;
    if (!(flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET)) code = 0x100;
    if (c->h3) nghttp3_conn_close_stream(c->h3, id, code);
    if (is_server && !(id & 3)) ngtcp2_conn_extend_max_streams_bidi(q, 1);
    if (!(id & 2)) tell('Z', c, id, NULL, 0);
    return 0;
}

static int stream_reset(ngtcp2_conn *q, int64_t id, uint64_t size, uint64_t code, void *cp,
                        void *sp)
{
    struct conn *c = cp;
    uint8_t be[8];
    (void)q, (void)size, (void)sp;
    if (c->h3) nghttp3_conn_shutdown_stream_read(c->h3, id);
    put_be(be, code, 8);
    tell('R', c, id, be, 8);
    return 0;
}

static int stop_sending(ngtcp2_conn *q, int64_t id, uint64_t code, void *cp, void *sp)
{
    struct conn *c = cp;
    (void)q, (void)code, (void)sp;
    if (c->h3) nghttp3_conn_shutdown_stream_read(c->h3, id);
    return 0;
}

static int more_data(ngtcp2_conn *q, int64_t id, uint64_t max, void *cp, void *sp)
{
    struct conn *c = cp;
    (void)q, (void)max, (void)sp;
    if (c->h3) nghttp3_conn_unblock_stream(c->h3, id);
    return 0;
}

static int tx_key(ngtcp2_conn *q, ngtcp2_crypto_level level, void *cp)
{
    (void)q;
    return is_server && level == NGTCP2_CRYPTO_LEVEL_APPLICATION ? setup_h3(cp) : 0;
}

static int completed(ngtcp2_conn *q, void *cp)
{
    struct conn *c = cp;
    char text[64];
    if (is_server)
        gnutls_session_ticket_send(c->tls, 1, 0);
    else {
        if (!c->h3 && setup_h3(c)) return NGTCP2_ERR_CALLBACK_FAILURE;
        saved_params = *ngtcp2_conn_get_remote_transport_params(q);
        have_params = 1;
    }
    c->established = 1;
    snprintf(text, sizeof text, "%s %08x %d", gnutls_cipher_get_name(gnutls_cipher_get(c->tls)),
             ngtcp2_conn_get_negotiated_version(q),
             c->early ? ngtcp2_conn_get_early_data_rejected(q) ? -1 : 1 : 0);
    tell_text('E', c, text);
    return 0;
}

static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref)
{
    return ((struct conn *)ref->user_data)->quic;
}

static int ticket_hook(gnutls_session_t tls, unsigned type, unsigned when, unsigned in,
                       const gnutls_datum_t *msg)
{
    (void)when, (void)in, (void)msg, (void)type;
    gnutls_free(saved_ticket.data);
    saved_ticket.data = NULL;
    gnutls_session_get_data2(tls, &saved_ticket);
    tell_text('T', NULL, "ticket");
    return 0;
}

static int setup_tls(struct conn *c, const char *name)
{
    char priority[512];
    unsigned flags = (is_server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT) |
                     GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA;
    if (gnutls_init(&c->tls, flags)) return -1;
    snprintf(
        priority, sizeof priority,
        "%%DISABLE_TLS13_COMPAT_MODE:NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+%s:-GROUP-ALL:+%s",
        opt.cipher ? opt.cipher : "AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AES-128-CCM",
        opt.group ? opt.group : "GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1");
    if (gnutls_priority_set_direct(c->tls, priority, NULL)) return -1;
    if (is_server) {
        ngtcp2_crypto_gnutls_configure_server_session(c->tls);
        gnutls_session_ticket_enable_server(c->tls, &ticket_key);
        gnutls_anti_replay_enable(c->tls, anti_replay);
        gnutls_record_set_max_early_data_size(c->tls, 0xffffffffu);
    } else {
        ngtcp2_crypto_gnutls_configure_client_session(c->tls);
        gnutls_server_name_set(c->tls, GNUTLS_NAME_DNS, name, strlen(name));
        gnutls_handshake_set_hook_function(c->tls, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET,
                                           GNUTLS_HOOK_POST, ticket_hook);
        if (c->early && saved_ticket.data)
            gnutls_session_set_data(c->tls, saved_ticket.data, saved_ticket.size);
    }
    c->ref.get_conn = get_conn;
    c->ref.user_data = c;
    gnutls_session_set_ptr(c->tls, &c->ref);
    gnutls_credentials_set(c->tls, GNUTLS_CRD_CERTIFICATE, credentials);
    gnutls_datum_t alpn = {(unsigned char *)opt.alpn, (unsigned)strlen(opt.alpn)};
    gnutls_alpn_set_protocols(c->tls, &alpn, 1, GNUTLS_ALPN_MANDATORY);
    return 0;
}

/** The keys that follow `current`, as RFC 9369 has it: the library still has the label of version 1
 * there. */
static int next_keys(ngtcp2_conn *q, int sends, uint8_t *next, ngtcp2_crypto_aead_ctx *ctx,
                     uint8_t *iv, const uint8_t *current, size_t len)
{
    const ngtcp2_crypto_ctx *crypto = ngtcp2_conn_get_crypto_ctx(q);
    const ngtcp2_crypto_md *md = &crypto->md;
    uint8_t key[64];
    size_t key_len = ngtcp2_crypto_aead_keylen(&crypto->aead);
    size_t iv_len = ngtcp2_crypto_packet_protection_ivlen(&crypto->aead);
    if (key_len > sizeof key ||
        ngtcp2_crypto_hkdf_expand_label(next, len, md, current, len, (const uint8_t *)"quicv2 ku",
                                        9) ||
        ngtcp2_crypto_hkdf_expand_label(key, key_len, md, next, len, (const uint8_t *)"quicv2 key",
                                        10) ||
        ngtcp2_crypto_hkdf_expand_label(iv, iv_len, md, next, len, (const uint8_t *)"quicv2 iv", 9))
        return -1;
    return sends ? ngtcp2_crypto_aead_ctx_encrypt_init(ctx, &crypto->aead, key, iv_len)
                 : ngtcp2_crypto_aead_ctx_decrypt_init(ctx, &crypto->aead, key, iv_len);
}

static int update_key(ngtcp2_conn *q, uint8_t *rx, uint8_t *tx, ngtcp2_crypto_aead_ctx *rx_ctx,
                      uint8_t *rx_iv, ngtcp2_crypto_aead_ctx *tx_ctx, uint8_t *tx_iv,
                      const uint8_t *rx_now, const uint8_t *tx_now, size_t len, void *cp)
{
    if (ngtcp2_conn_get_negotiated_version(q) != 0x6b3343cfu)
        return ngtcp2_crypto_update_key_cb(q, rx, tx, rx_ctx, rx_iv, tx_ctx, tx_iv, rx_now, tx_now,
                                           len, cp);
    return next_keys(q, 0, rx, rx_ctx, rx_iv, rx_now, len) ||
                   next_keys(q, 1, tx, tx_ctx, tx_iv, tx_now, len)
               ? NGTCP2_ERR_CALLBACK_FAILURE
               : 0;
}

static const ngtcp2_callbacks *callbacks(void)
{
    static ngtcp2_callbacks cb;
    cb = (ngtcp2_callbacks){
        .client_initial = ngtcp2_crypto_client_initial_cb,
        .recv_client_initial = ngtcp2_crypto_recv_client_initial_cb,
        .recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb,
        .handshake_completed = completed,
        .encrypt = ngtcp2_crypto_encrypt_cb,
        .decrypt = ngtcp2_crypto_decrypt_cb,
        .hp_mask = ngtcp2_crypto_hp_mask_cb,
        .recv_stream_data = stream_data,
        .acked_stream_data_offset = acked,
        .stream_close = stream_close,
        .recv_retry = ngtcp2_crypto_recv_retry_cb,
        .rand = random_cb,
        .get_new_connection_id = new_cid,
        .update_key = update_key,
        .stream_reset = stream_reset,
        .extend_max_stream_data = more_data,
        .delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb,
        .delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb,
        .get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb,
        .stream_stop_sending = stop_sending,
        .version_negotiation = ngtcp2_crypto_version_negotiation_cb,
        .recv_tx_key = tx_key,
    };
    return &cb;
}

static void fill(ngtcp2_settings *s, ngtcp2_transport_params *p)
{
    static uint32_t preferred[2];
    ngtcp2_settings_default(s);
    s->initial_ts = now();
    s->max_tx_udp_payload_size = (size_t)opt.udp;
    s->no_pmtud = !opt.mtud;
    if (opt.prefer) {
        preferred[0] = (uint32_t)opt.prefer;
        preferred[1] = NGTCP2_PROTO_VER_V1;
        s->preferred_versions = preferred;
        s->preferred_versionslen = 2;
        s->other_versions = preferred;
        s->other_versionslen = 2;
    }
    ngtcp2_transport_params_default(p);
    p->initial_max_stream_data_bidi_local = (uint64_t)opt.window;
    p->initial_max_stream_data_bidi_remote = (uint64_t)opt.window;
    p->initial_max_stream_data_uni = 65536;
    p->initial_max_data = (uint64_t)opt.window * 4;
    p->initial_max_streams_bidi = 100;
    p->initial_max_streams_uni = 16;
    p->max_idle_timeout = (uint64_t)opt.idle * SECOND;
    p->active_connection_id_limit = (uint64_t)opt.active;
    p->grease_quic_bit = 1;
}

static struct conn *add_conn(unsigned number)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        if (conns[i]) continue;
        struct conn *c = calloc(1, sizeof *c);
        c->number = number;
        c->fd = c->new_fd = -1;
        return conns[i] = c;
    }
    return NULL;
}

static void drop_conn(struct conn *c)
{
    for (int i = 0; i < MAX_CONNS; i++)
        if (conns[i] == c) conns[i] = NULL;
    tell_text('X', c, "");
    if (c->h3) nghttp3_conn_del(c->h3);
    ngtcp2_conn_del(c->quic);
    gnutls_deinit(c->tls);
    if (c->own_fd) close(c->fd);
    if (c->new_fd >= 0) close(c->new_fd);
    free(c); // the streams stay: the process is short-lived
}

static ngtcp2_path path_of(struct conn *c)
{
    return (ngtcp2_path){{(struct sockaddr *)&c->local, c->addr_len},
                         {(struct sockaddr *)&c->remote, c->addr_len},
                         NULL};
}

static void name_of(char *out, size_t size, const struct sockaddr_storage *a)
{
    char host[64];
    if (a->ss_family == AF_INET6) {
        const struct sockaddr_in6 *v6 = (const void *)a;
        inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host);
        snprintf(out, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    } else {
        const struct sockaddr_in *v4 = (const void *)a;
        inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host);
        snprintf(out, size, "%s:%u", host, ntohs(v4->sin_port));
    }
}

static void tell_new(struct conn *c)
{
    char a[80], b[80], text[180];
    name_of(a, sizeof a, is_server ? &c->remote : &c->local);
    name_of(b, sizeof b, is_server ? &c->local : &c->remote);
    snprintf(text, sizeof text, "%s>%s", a, b);
    tell_text('N', c, text);
}

// -- datagrams -------------------------------------------------------------------------------

static uint8_t batch[65536];
static size_t batch_len, batch_segment;

static void flush_batch(int fd, const struct sockaddr *to, socklen_t to_len)
{
    if (!batch_len) return;
    struct iovec iov = {batch, batch_len};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct msghdr msg = {
        .msg_name = (void *)to, .msg_namelen = to_len, .msg_iov = &iov, .msg_iovlen = 1};
    if (batch_len > batch_segment) {
        msg.msg_control = &control;
        msg.msg_controllen = sizeof control.room;
        control.head.cmsg_level = SOL_UDP;
        control.head.cmsg_type = UDP_SEGMENT;
        control.head.cmsg_len = CMSG_LEN(sizeof(uint16_t));
        uint16_t size = (uint16_t)batch_segment;
        memcpy(CMSG_DATA(&control.head), &size, sizeof size);
    }
    sendmsg(fd, &msg, 0);
    batch_len = batch_segment = 0;
}

static void send_datagram(int fd, const ngtcp2_path *path, const uint8_t *data, size_t len)
{
    if (!opt.gso) {
        sendto(fd, data, len, 0, path->remote.addr, path->remote.addrlen);
        return;
    }
    if (batch_len && (len > batch_segment || batch_len % batch_segment || batch_len + len > 60000))
        flush_batch(fd, path->remote.addr, path->remote.addrlen);
    if (!batch_len) batch_segment = len;
    memcpy(batch + batch_len, data, len);
    batch_len += len;
}

static void close_conn(struct conn *c, const ngtcp2_connection_close_error *error)
{
    uint8_t buf[1500];
    ngtcp2_path_storage ps;
    ngtcp2_pkt_info pi;
    ngtcp2_path_storage_zero(&ps);
    ngtcp2_ssize n = ngtcp2_conn_write_connection_close(c->quic, &ps.path, &pi, buf,
                                                        (size_t)opt.udp, error, now());
    if (n > 0) {
        ngtcp2_path p = path_of(c);
        sendto(c->fd, buf, (size_t)n, 0, p.remote.addr, p.remote.addrlen);
    }
    c->closed = 1;
}

static void fail(struct conn *c, int error)
{
    ngtcp2_connection_close_error e;
    char text[120];
    snprintf(text, sizeof text, "%s", ngtcp2_strerror(error));
    tell_text('L', c, text);
    ngtcp2_connection_close_error_default(&e);
    ngtcp2_connection_close_error_set_transport_error_liberr(&e, error, NULL, 0);
    close_conn(c, &e);
}

static int fd_of(struct conn *c, const ngtcp2_path *path)
{
    if (c->new_fd < 0) return c->fd;
    const struct sockaddr_in *used = (const void *)path->local.addr,
                             *fresh = (const void *)c->new_path.path.local.addr;
    return used->sin_port == fresh->sin_port ? c->new_fd : c->fd;
}

static void write_conn(struct conn *c)
{
    uint8_t buf[2048];
    ngtcp2_path_storage ps;
    int fd = c->fd;
    ngtcp2_path_storage_zero(&ps);
    for (int packets = 0; packets < 100 && !c->closed;) {
        nghttp3_vec vec[16];
        int64_t id = -1;
        int fin = 0, raw = 0;
        nghttp3_ssize n = 0;
        ngtcp2_ssize used = -1;
        struct stream *s = NULL;
        if (c->h3 && ngtcp2_conn_get_max_data_left(c->quic)) {
            n = nghttp3_conn_writev_stream(c->h3, &id, &fin, vec, 16);
            if (n < 0) {
                tell_text('L', c, nghttp3_strerror((int)n));
                c->closed = 1;
                return;
            }
        }
        if (id < 0) {
            for (s = c->streams; s && id < 0; s = s->next) {
                if (!s->raw || s->fin_sent || (!s->sending && !s->fin)) continue;
                while (s->sending && s->sent == s->sending->len && s->sending->next) {
                    s->sending = s->sending->next;
                    s->sent = 0;
                }
                size_t left = s->sending ? s->sending->len - s->sent : 0;
                if (!left && !s->fin) continue;
                vec[0] = (nghttp3_vec){left ? s->sending->data + s->sent : NULL, left};
                n = left ? 1 : 0;
                fin = s->fin && (!s->sending || !s->sending->next);
                id = s->id;
                raw = 1;
                break;
            }
        }
        uint32_t flags = NGTCP2_WRITE_STREAM_FLAG_MORE | (fin ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0);
        ngtcp2_pkt_info pi;
        ngtcp2_ssize len = ngtcp2_conn_writev_stream(
            c->quic, &ps.path, &pi, buf, ngtcp2_conn_get_max_tx_udp_payload_size(c->quic), &used,
            flags, id, (ngtcp2_vec *)vec, (size_t)n, now());
        if (used >= 0) {
            if (raw) {
                s->sent += (size_t)used;
                if (fin && s->sent == (s->sending ? s->sending->len : 0)) s->fin_sent = 1;
            } else
                nghttp3_conn_add_write_offset(c->h3, id, (size_t)used);
        }
        if (len == NGTCP2_ERR_WRITE_MORE) continue;
        if (len == NGTCP2_ERR_STREAM_DATA_BLOCKED && !raw) {
            nghttp3_conn_block_stream(c->h3, id);
            continue;
        }
        if (len == NGTCP2_ERR_STREAM_SHUT_WR && !raw) {
            nghttp3_conn_shutdown_stream_write(c->h3, id);
            continue;
        }
        if (len == NGTCP2_ERR_STREAM_NOT_FOUND && raw) {
            s->fin_sent = 1;
            continue;
        }
        if (len < 0) {
            flush_batch(fd, ps.path.remote.addr, ps.path.remote.addrlen);
            fail(c, (int)len);
            return;
        }
        if (!len) break;
        packets++;
        fd = fd_of(c, &ps.path);
        send_datagram(fd, &ps.path, buf, (size_t)len);
    }
    if (opt.gso && ps.path.remote.addrlen)
        flush_batch(fd, ps.path.remote.addr, ps.path.remote.addrlen);
    ngtcp2_conn_update_pkt_tx_time(c->quic, now());
}

static void read_conn(struct conn *c, const ngtcp2_path *path, const uint8_t *data, size_t len)
{
    ngtcp2_pkt_info pi = {0};
    int rv = ngtcp2_conn_read_pkt(c->quic, path, &pi, data, len, now());
    if (rv == NGTCP2_ERR_DRAINING) {
        c->closed = 1;
        return;
    }
    if (rv == NGTCP2_ERR_RECV_VERSION_NEGOTIATION) {
        tell_text('V', c, "");
        c->closed = 1;
        return;
    }
    if (rv == NGTCP2_ERR_DROP_CONN)
        c->closed = 1;
    else if (rv)
        fail(c, rv);
}

static int same_addr(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
    const struct sockaddr_in *x = (const void *)a, *y = (const void *)b;
    return x->sin_port == y->sin_port;
}

static struct conn *find_conn(const uint8_t *dcid, size_t len, const struct sockaddr_storage *from)
{
    for (int i = 0; i < MAX_CONNS; i++) {
        struct conn *c = conns[i];
        if (!c) continue;
        for (int k = 0; k < c->scid_count && k < MAX_SCIDS; k++)
            if (c->scids[k].datalen == len && len && !memcmp(c->scids[k].data, dcid, len)) return c;
        if (!len && same_addr(&c->remote, from)) return c;
    }
    return NULL;
}

static void send_negotiation(const ngtcp2_version_cid *vc, const struct sockaddr *to,
                             socklen_t to_len)
{
    uint8_t buf[256];
    uint32_t versions[3] = {0x1a2a3a4a, NGTCP2_PROTO_VER_V1, NGTCP2_PROTO_VER_V2_DRAFT};
    ngtcp2_ssize n =
        ngtcp2_pkt_write_version_negotiation(buf, sizeof buf, 0x35, vc->scid, vc->scidlen, vc->dcid,
                                             vc->dcidlen, versions, opt.v1only ? 2 : 3);
    if (n > 0) sendto(server_fd, buf, (size_t)n, 0, to, to_len);
}

static struct conn *accept_conn(const uint8_t *data, size_t len,
                                const struct sockaddr_storage *from, socklen_t from_len,
                                const ngtcp2_version_cid *vc)
{
    ngtcp2_pkt_hd hd;
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    if (opt.v1only && vc->version != NGTCP2_PROTO_VER_V1 && vc->version) {
        send_negotiation(vc, (const struct sockaddr *)from, from_len);
        return NULL;
    }
    if (ngtcp2_accept(&hd, data, len)) return NULL;
    fill(&settings, &params);
    params.original_dcid = hd.dcid;
    if (hd.token.len) {
        ngtcp2_cid original;
        if (hd.token.base[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY) {
            if (ngtcp2_crypto_verify_retry_token(
                    &original, hd.token.base, hd.token.len, secret, sizeof secret, hd.version,
                    (const struct sockaddr *)from, from_len, &hd.dcid, 10 * SECOND, now()))
                return NULL;
            params.original_dcid = original;
            params.retry_scid = hd.dcid;
            params.retry_scid_present = 1;
            settings.token = hd.token;
        }
    } else if (opt.retry) {
        uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN], buf[1500];
        ngtcp2_cid scid = {.datalen = (size_t)opt.cid};
        gnutls_rnd(GNUTLS_RND_RANDOM, scid.data, scid.datalen);
        ngtcp2_ssize t = ngtcp2_crypto_generate_retry_token(
            token, secret, sizeof secret, hd.version, (const struct sockaddr *)from, from_len,
            &scid, &hd.dcid, now());
        ngtcp2_ssize n = ngtcp2_crypto_write_retry(buf, sizeof buf, hd.version, &hd.scid, &scid,
                                                   &hd.dcid, token, (size_t)t);
        if (n > 0) sendto(server_fd, buf, (size_t)n, 0, (const struct sockaddr *)from, from_len);
        return NULL;
    }
    struct conn *c = add_conn(next_number++);
    if (!c) return NULL;
    c->fd = server_fd;
    c->local = server_addr;
    c->remote = *from;
    c->addr_len = from_len;
    ngtcp2_cid scid = {.datalen = (size_t)opt.cid};
    gnutls_rnd(GNUTLS_RND_RANDOM, scid.data, scid.datalen);
    remember_cid(c, &scid);
    remember_cid(c, &hd.dcid);
    params.stateless_reset_token_present = 1;
    ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token, secret,
                                                 sizeof secret, &scid);
    ngtcp2_path path = path_of(c);
    if (ngtcp2_conn_server_new(&c->quic, &hd.scid, &scid, &path, hd.version, callbacks(), &settings,
                               &params, NULL, c) ||
        setup_tls(c, NULL))
        return NULL;
    ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
    tell_new(c);
    return c;
}

static void read_socket(int fd, struct conn *owner, int fresh)
{
    static uint8_t buf[65536];
    for (int i = 0; i < 64; i++) {
        struct sockaddr_storage from;
        socklen_t from_len = sizeof from;
        ssize_t n =
            recvfrom(fd, buf, sizeof buf, MSG_DONTWAIT, (struct sockaddr *)&from, &from_len);
        if (n < 0) return;
        struct conn *c = owner;
        if (is_server) {
            ngtcp2_version_cid vc;
            int rv = ngtcp2_pkt_decode_version_cid(&vc, buf, (size_t)n, (size_t)opt.cid);
            if (rv == NGTCP2_ERR_VERSION_NEGOTIATION) {
                send_negotiation(&vc, (struct sockaddr *)&from, from_len);
                continue;
            }
            if (rv) continue;
            c = find_conn(vc.dcid, vc.dcidlen, &from);
            if (!c && vc.version) c = accept_conn(buf, (size_t)n, &from, from_len, &vc);
        }
        if (!c || c->closed) continue;
        ngtcp2_path path = path_of(c);
        path.remote.addr = (struct sockaddr *)&from;
        if (fresh) path.local = c->new_path.path.local;
        read_conn(c, &path, buf, (size_t)n);
        if (c->closed) return;
    }
}

// -- what the script says ----------------------------------------------------------------------

static int bind_any(struct sockaddr_storage *local, socklen_t *len, int family, const char *host)
{
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 4 << 20;
    memset(local, 0, sizeof *local);
    local->ss_family = (sa_family_t)family;
    if (family == AF_INET6) {
        inet_pton(AF_INET6, host, &((struct sockaddr_in6 *)local)->sin6_addr);
        *len = sizeof(struct sockaddr_in6);
    } else {
        inet_pton(AF_INET, host, &((struct sockaddr_in *)local)->sin_addr);
        *len = sizeof(struct sockaddr_in);
    }
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    if (bind(fd, (struct sockaddr *)local, *len)) return -1;
    socklen_t n = *len;
    getsockname(fd, (struct sockaddr *)local, &n);
    return fd;
}

static void connect_to(unsigned number, char *text)
{
    char host[64];
    int port, early = 0, cid = (int)opt.cid;
    unsigned long version = (unsigned long)opt.version;
    if (sscanf(text, "%63s %d %d %d %lx", host, &port, &early, &cid, &version) < 2) return;
    struct conn *c = add_conn(number);
    int family = strchr(host, ':') ? AF_INET6 : AF_INET;
    c->fd = bind_any(&c->local, &c->addr_len, family, host);
    c->own_fd = 1;
    c->remote = c->local;
    if (family == AF_INET6)
        ((struct sockaddr_in6 *)&c->remote)->sin6_port = htons((uint16_t)port);
    else
        ((struct sockaddr_in *)&c->remote)->sin_port = htons((uint16_t)port);
    c->early = early;
    ngtcp2_settings settings;
    ngtcp2_transport_params params;
    fill(&settings, &params);
    ngtcp2_cid dcid = {.datalen = 18}, scid = {.datalen = (size_t)cid};
    gnutls_rnd(GNUTLS_RND_RANDOM, dcid.data, dcid.datalen);
    gnutls_rnd(GNUTLS_RND_RANDOM, scid.data, scid.datalen);
    ngtcp2_path path = path_of(c);
    int rv = ngtcp2_conn_client_new(&c->quic, &dcid, &scid, &path, (uint32_t)version, callbacks(),
                                    &settings, &params, NULL, c);
    if (rv || setup_tls(c, "localhost")) {
        tell_text('L', c, ngtcp2_strerror(rv));
        return;
    }
    ngtcp2_conn_set_tls_native_handle(c->quic, c->tls);
    tell_new(c);
    if (early && have_params && saved_ticket.data) {
        ngtcp2_conn_set_early_remote_transport_params(c->quic, &saved_params);
        c->held = 1;
        setup_h3(c);
    }
}

static size_t parse_fields(uint8_t *p, size_t len, nghttp3_nv *nv, size_t max)
{
    size_t n = 0;
    for (uint8_t *end = p + len; p < end && n < max; n++) {
        nv[n].name = p;
        nv[n].namelen = strlen((char *)p);
        p += nv[n].namelen + 1;
        nv[n].value = p;
        nv[n].valuelen = strlen((char *)p);
        p += nv[n].valuelen + 1;
        nv[n].flags = NGHTTP3_NV_FLAG_NONE;
    }
    return n;
}

static void migrate(struct conn *c)
{
    socklen_t len;
    struct sockaddr_storage local;
    char host[64] = "127.0.0.1";
    if (c->local.ss_family == AF_INET6) strcpy(host, "::1");
    if (c->new_fd >= 0) {
        close(c->fd);
        c->fd = c->new_fd;
        memcpy(&c->local, c->new_path.path.local.addr, c->addr_len);
    }
    c->new_fd = bind_any(&local, &len, c->local.ss_family, host);
    ngtcp2_path_storage_init(&c->new_path, (struct sockaddr *)&local, len,
                             (struct sockaddr *)&c->remote, len, NULL);
    int rv = ngtcp2_conn_initiate_immediate_migration(c->quic, &c->new_path.path, now());
    if (rv) tell_text('L', c, ngtcp2_strerror(rv));
    char name[80];
    name_of(name, sizeof name, &local);
    tell_text('P', c, name);
}

static void command(uint8_t *m, size_t len)
{
    char type = (char)m[0];
    unsigned number = (unsigned)get_be(m + 1, 4);
    int64_t id = (int64_t)get_be(m + 5, 8);
    uint8_t *data = m + 13;
    size_t n = len - 13;
    struct conn *c = NULL;
    nghttp3_nv nv[64];
    nghttp3_data_reader reader = {read_data};
    if (type == 'c') {
        data[n] = 0;
        connect_to(number, (char *)data);
        return;
    }
    if (type == 'Q') _exit(0);
    for (int i = 0; i < MAX_CONNS; i++)
        if (conns[i] && conns[i]->number == number) c = conns[i];
    if (!c || c->closed) return;
    struct stream *s;
    switch (type) {
    case 'o': // a raw stream
        if (ngtcp2_conn_open_bidi_stream(c->quic, &id, NULL)) break;
        s = find_stream(c, id, 1);
        s->raw = 1;
        tell('O', c, id, NULL, 0);
        break;
    case 'q':
        if (ngtcp2_conn_open_bidi_stream(c->quic, &id, NULL)) {
            tell_text('L', c, "no stream");
            break;
        }
        c->held = 0;
        s = find_stream(c, id, 1);
        s->fin = data[0] & 1;
        tell('O', c, id, NULL, 0);
        if (nghttp3_conn_submit_request(c->h3, id, nv, parse_fields(data + 1, n - 1, nv, 64),
                                        data[0] & 1 ? NULL : &reader, NULL))
            tell_text('L', c, "submit_request");
        break;
    case 'h':
        s = find_stream(c, id, 1);
        if (data[0] & 2) {
            nghttp3_conn_submit_info(c->h3, id, nv, parse_fields(data + 1, n - 1, nv, 64));
            break;
        }
        if (nghttp3_conn_submit_response(c->h3, id, nv, parse_fields(data + 1, n - 1, nv, 64),
                                         data[0] & 1 ? NULL : &reader))
            tell_text('L', c, "submit_response");
        break;
    case 'd':
        s = find_stream(c, id, 1);
        if (!c->h3) s->raw = 1;
        add_chunk(s, data, n);
        if (!s->raw) nghttp3_conn_resume_stream(c->h3, id);
        break;
    case 'f':
        s = find_stream(c, id, 1);
        s->fin = 1;
        if (!s->raw) nghttp3_conn_resume_stream(c->h3, id);
        break;
    case 'r':
        if (c->h3) nghttp3_conn_shutdown_stream_write(c->h3, id);
        ngtcp2_conn_shutdown_stream(c->quic, id, get_be(data, 8));
        break;
    case 'u': // a unidirectional stream of these bytes
        if (ngtcp2_conn_open_uni_stream(c->quic, &id, NULL)) break;
        s = find_stream(c, id, 1);
        s->raw = 1;
        s->fin = 1;
        add_chunk(s, data, n);
        break;
    case 'k': {
        int rv = ngtcp2_conn_initiate_key_update(c->quic, now());
        tell_text('K', c, rv ? ngtcp2_strerror(rv) : "");
        break;
    }
    case 'm': migrate(c); break;
    case 's': // data frames of this size from now on
        opt.data = (long)get_be(data, 8);
        break;
    case 'g':
        nghttp3_conn_submit_shutdown_notice(c->h3);
        nghttp3_conn_shutdown(c->h3);
        break;
    case 'x': {
        ngtcp2_connection_close_error e;
        ngtcp2_connection_close_error_default(&e);
        ngtcp2_connection_close_error_set_application_error(&e, get_be(data, 8), data + 8, n - 8);
        close_conn(c, &e);
        break;
    }
    }
}

static void read_commands(void)
{
    static uint8_t *buf;
    static size_t have, room;
    if (have + 65536 > room) buf = realloc(buf, room = (have + 65536) * 2);
    ssize_t n = read(0, buf + have, 65536);
    if (n <= 0) _exit(0);
    have += (size_t)n;
    size_t at = 0;
    while (have - at >= 4) {
        size_t len = (size_t)get_be(buf + at, 4);
        if (have - at - 4 < len) break;
        uint8_t *copy = malloc(len + 1);
        memcpy(copy, buf + at + 4, len);
        command(copy, len);
        free(copy);
        at += 4 + len;
    }
    memmove(buf, buf + at, have - at);
    have -= at;
}

static void set_option(char *text)
{
    char *value = strchr(text, '=');
    if (!value) return;
    *value++ = 0;
    static const struct {
        const char *name;
        long *at;
    } numbers[] = {
        {"cid", &opt.cid},       {"version", &opt.version}, {"prefer", &opt.prefer},
        {"retry", &opt.retry},   {"gso", &opt.gso},         {"data", &opt.data},
        {"table", &opt.table},   {"blocked", &opt.blocked}, {"table_out", &opt.table_out},
        {"udp", &opt.udp},       {"mtud", &opt.mtud},       {"idle", &opt.idle},
        {"active", &opt.active}, {"v1only", &opt.v1only},   {"window", &opt.window},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strcmp(text, numbers[i].name)) *numbers[i].at = strtol(value, NULL, 0);
    if (!strcmp(text, "cipher")) opt.cipher = value;
    if (!strcmp(text, "alpn")) opt.alpn = value;
    if (!strcmp(text, "group")) opt.group = value;
}

int main(int argc, char **argv)
{
    int first = 2;
    if (argc < 2) return 2;
    is_server = !strcmp(argv[1], "server");
    if (is_server) first = 6;
    for (int i = first; i < argc; i++) set_option(argv[i]);
    gnutls_certificate_allocate_credentials(&credentials);
    gnutls_rnd(GNUTLS_RND_RANDOM, secret, sizeof secret);
    if (is_server) {
        gnutls_certificate_set_x509_key_file(credentials, argv[5], argv[4], GNUTLS_X509_FMT_PEM);
        gnutls_session_ticket_key_generate(&ticket_key);
        gnutls_anti_replay_init(&anti_replay);
        int family = strchr(argv[2], ':') ? AF_INET6 : AF_INET, size = 4 << 20;
        server_fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        setsockopt(server_fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
        server_addr.ss_family = (sa_family_t)family;
        if (family == AF_INET6) {
            struct sockaddr_in6 *v6 = (void *)&server_addr;
            inet_pton(family, argv[2], &v6->sin6_addr);
            v6->sin6_port = htons((uint16_t)atoi(argv[3]));
            server_addr_len = sizeof *v6;
        } else {
            struct sockaddr_in *v4 = (void *)&server_addr;
            inet_pton(family, argv[2], &v4->sin_addr);
            v4->sin_port = htons((uint16_t)atoi(argv[3]));
            server_addr_len = sizeof *v4;
        }
        if (bind(server_fd, (struct sockaddr *)&server_addr, server_addr_len)) {
            perror("bind");
            return 1;
        }
    }
    tell_text('B', NULL, "ready");
    for (;;) {
        struct pollfd fds[2 + 2 * MAX_CONNS] = {{0, POLLIN, 0}, {server_fd, POLLIN, 0}};
        struct conn *owner[2 + 2 * MAX_CONNS] = {0};
        int fresh[2 + 2 * MAX_CONNS] = {0};
        nfds_t n = 2;
        uint64_t until = UINT64_MAX, t = now();
        for (int i = 0; i < MAX_CONNS; i++) {
            struct conn *c = conns[i];
            if (!c) continue;
            uint64_t expiry = ngtcp2_conn_get_expiry(c->quic);
            if (expiry < until) until = expiry;
            if (!is_server) {
                owner[n] = c;
                fds[n++] = (struct pollfd){c->fd, POLLIN, 0};
                if (c->new_fd >= 0) {
                    owner[n] = c;
                    fresh[n] = 1;
                    fds[n++] = (struct pollfd){c->new_fd, POLLIN, 0};
                }
            }
        }
        int wait = until == UINT64_MAX ? 1000 : until <= t ? 0 : (int)((until - t) / 1000000 + 1);
        poll(fds, n, wait > 1000 ? 1000 : wait);
        if (fds[0].revents) read_commands();
        if (fds[1].revents) read_socket(server_fd, NULL, 0);
        for (nfds_t i = 2; i < n; i++)
            if (fds[i].revents && owner[i]->quic && !owner[i]->closed)
                read_socket(fds[i].fd, owner[i], fresh[i]);
        for (int i = 0; i < MAX_CONNS; i++) {
            struct conn *c = conns[i];
            if (!c) continue;
            if (!c->closed && ngtcp2_conn_get_expiry(c->quic) <= now()) {
                int rv = ngtcp2_conn_handle_expiry(c->quic, now());
                if (rv) c->closed = 1;
            }
            if (!c->closed && !c->held) write_conn(c);
            if (c->closed) drop_conn(c);
        }
    }
}

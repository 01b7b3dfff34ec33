/* SPDX-License-Identifier: MIT
 *
 * In: bytes of handshake messages, from records in clear or opened. Out: what the connection agreed
 * on, and its keys. Refuses messages beyond WST_TLS_MESSAGE; those that nobody needs are passed
 * over without being kept.
 *
 *     ├ type 1 ┼ length 3 ┼──── body ────┤      RFC 8446 section 4
 */
#include "session.h"

enum { HEAD = 4 };

/* -- the messages ------------------------------------------------------------------------------ */

/* RFC 8446 section 4.1.2: TLS 1.3 has no renegotiation. Another hello, sealed or in clear, must not
 * change what the keys in use were made for. */
static bool hellos_over(const struct wst_tls *t)
{
    return t->have_server && t->version == WST_TLS_1_3;
}

static void client_hello(const struct wst_tls_step *s, struct wst_slice body)
{
    struct wst_tls *t = s->tls;
    struct wst_tls_client_hello h;
    if (s->dir != WST_C2S || !wst_tls_client_hello(body, &h)) {
        if (t->state == WST_TLS_HELLO)
            wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "a ClientHello that cannot be read");
        return;
    }
    if (hellos_over(t)) return;
    memcpy(t->client_random, h.random, sizeof t->client_random);
    t->offered_version = h.version;
    if (h.sni.p) wst_tls_name(t->sni, sizeof t->sni, h.sni);
    t->has_offered = h.ticket.p;
    if (h.ticket.p) wst_tls_digest(s->env, h.ticket, t->offered_ticket);
    if (t->state == WST_TLS_HELLO && t->early == WST_TLS_EARLY_NONE && h.early_data)
        t->early = WST_TLS_EARLY_OFFERED;
    t->have_client = true;
    t->have_server = t->stalled = t->ahead = false;
    t->has_ticket = false;
    wst_tls_forget_premaster(t);
    t->exchanged = false;
}

/* TLS 1.3: the secrets must be there now, or never, or come later. */
static void server_hello_13(const struct wst_tls_step *s)
{
    struct wst_tls *t = s->tls;
    enum wst_tls_resolved found = wst_tls_resolve(t, s->env, false);
    if (found == WST_TLS_UNSUPPORTED) {
        wst_tls_seal(s, WST_PROBLEM_TLS_UNSUPPORTED, "the cipher cannot be read here");
    } else if (found == WST_TLS_RESOLVED) {
        t->state = WST_TLS_OPEN;
    } else if (s->env->keys_may_come) {
        wst_tls_wait_for_keys(s);
    } else {
        wst_tls_no_key(s);
    }
}

static bool suite_readable(const struct wst_tls *t, const struct wst_tls_server_hello *h)
{
    return t->suite && wst_tls_cipher_row(t->suite)->evp && !h->compression &&
           wst_tls_version_name(t->version);
}

static void server_hello(const struct wst_tls_step *s, struct wst_slice body)
{
    struct wst_tls *t = s->tls;
    struct wst_tls_server_hello h;
    if (s->dir != WST_S2C || !t->have_client || !wst_tls_server_hello(body, &h)) {
        if (t->state == WST_TLS_HELLO)
            wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "a ServerHello that cannot be read");
        return;
    }
    if (hellos_over(t)) return;
    t->version = h.version;
    t->suite_value = h.suite;
    t->suite = wst_tls_suite(h.suite);
    if (h.retry && t->retried) { /* RFC 8446 section 4.1.4 */
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "a second HelloRetryRequest");
        return;
    }
    if (h.retry) { /* another ClientHello comes, and its early data is not wanted */
        t->retried = true;
        if (t->early == WST_TLS_EARLY_OFFERED) t->early = WST_TLS_EARLY_REFUSED;
        t->have_client = false;
        return;
    }
    memcpy(t->server_random, h.random, sizeof t->server_random);
    t->session_n = (uint8_t)h.session.n;
    if (h.session.n) memcpy(t->session, h.session.p, h.session.n);
    t->extended = h.extended;
    t->etm = h.etm;
    t->have_server = true;
    if (h.alpn.p) wst_tls_name(t->alpn, sizeof t->alpn, h.alpn);
    if (!suite_readable(t, &h)) {
        wst_tls_seal(s, WST_PROBLEM_TLS_UNSUPPORTED, "the cipher cannot be read here");
    } else if (t->version == WST_TLS_1_3) {
        server_hello_13(s);
    } else {
        t->early = WST_TLS_EARLY_NONE;
        if (!wst_tls_hope(t, s->env))
            wst_tls_no_key(s);
        else
            t->state = WST_TLS_OPEN; /* in clear until ChangeCipherSpec */
    }
}

static void encrypted_extensions(const struct wst_tls_step *s, struct wst_slice body)
{
    struct wst_tls *t = s->tls;
    struct wst_tls_encrypted_extensions x;
    if (s->dir != WST_S2C || t->version != WST_TLS_1_3 || !wst_tls_encrypted_extensions(body, &x))
        return;
    if (x.alpn.p) wst_tls_name(t->alpn, sizeof t->alpn, x.alpn);
    if (t->early != WST_TLS_EARLY_OFFERED) return;
    t->early = x.early_data ? WST_TLS_EARLY_ACCEPTED : WST_TLS_EARLY_REFUSED;
    if (x.early_data) wst_tls_early_keys(t, s->env);
}

/* RFC 8446 section 4.6.3: what follows is sealed with the next generation of keys. */
static void key_update(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (s->tls->version != WST_TLS_1_3 || !side->now || !side->now->application) return;
    struct wst_tls_keys *k = wst_tls_keys_updated(&s->env->crypto, side->now);
    wst_tls_keys_free(side->now);
    side->now = k;
    if (k)
        k->update = false;
    else
        side->dead = true; /* out of memory */
}

/* All of a handshake before TLS 1.3; a renegotiation's is not in clear. */
static bool transcribed(const struct wst_tls_step *s, bool clear)
{
    return wst_tls_transcribes(s->env) && (clear || s->tls->version != WST_TLS_1_3);
}

static void message(const struct wst_tls_step *s, struct wst_slice whole, bool clear)
{
    struct wst_tls *t = s->tls;
    struct wst_slice body = wst_slice_skip(whole, HEAD), part;
    uint8_t type = whole.p[0];
    if (transcribed(s, clear) && type != WST_TLS_HELLO_REQUEST)
        wst_tls_transcribe(t, s->env, whole);
    switch (type) {
    case WST_TLS_CLIENT_HELLO: client_hello(s, body); break;
    case WST_TLS_SERVER_HELLO: server_hello(s, body); break;
    case WST_TLS_ENCRYPTED_EXTENSIONS:
        if (!clear) encrypted_extensions(s, body);
        break;
    case WST_TLS_CLIENT_KEY_EXCHANGE:
        if (s->dir == WST_C2S && t->have_server && wst_tls_rsa_exchange(body, &part))
            wst_tls_premaster(t, s->env, part);
        t->exchanged = true;
        t->ahead = false;
        break;
    case WST_TLS_NEW_TICKET:
        if (s->dir == WST_S2C && t->have_server && t->version != WST_TLS_1_3 &&
            wst_tls_ticket(body, &part))
            wst_tls_learn_ticket(t, s->env, part);
        break;
    case WST_TLS_KEY_UPDATE:
        if (!clear) key_update(s);
        break;
    default: break;
    }
}

/* -- putting them together --------------------------------------------------------------------- */

static bool message_wanted(const struct wst_tls_step *s, uint8_t type, bool clear)
{
    if (transcribed(s, clear)) return true;
    switch (type) {
    case WST_TLS_CLIENT_HELLO:
    case WST_TLS_SERVER_HELLO:
    case WST_TLS_NEW_TICKET:
    case WST_TLS_ENCRYPTED_EXTENSIONS:
    case WST_TLS_CLIENT_KEY_EXCHANGE:
    case WST_TLS_KEY_UPDATE: return true;
    default: return false;
    }
}

static uint32_t message_length(const uint8_t *p)
{
    return wst_be32(p) & 0xffffff;
}

/* Takes a message, or as much of it as is there; how many bytes. */
static size_t message_bytes(const struct wst_tls_step *s, struct wst_slice bytes, bool clear)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    struct wst_buf *kept = &side->message;
    if (side->skip_message) {
        size_t n = bytes.n < side->skip_message ? bytes.n : side->skip_message;
        side->skip_message -= (uint32_t)n;
        return n;
    }
    if (!kept->n && bytes.n >= HEAD && message_length(bytes.p) <= bytes.n - HEAD) {
        size_t n = HEAD + message_length(bytes.p);
        message(s, wst_slice_head(bytes, n), clear);
        return n;
    }
    size_t want = kept->n < HEAD ? HEAD : HEAD + message_length(kept->p), take = want - kept->n;
    if (take > bytes.n) take = bytes.n;
    if (!wst_buf_append(kept, s->env->budget, wst_slice_head(bytes, take),
                        HEAD + WST_TLS_MESSAGE)) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "out of memory");
        return bytes.n;
    }
    if (kept->n < HEAD) return take;
    uint32_t length = message_length(kept->p);
    if (length > WST_TLS_MESSAGE || !message_wanted(s, kept->p[0], clear)) {
        side->skip_message = length - (uint32_t)(kept->n - HEAD);
        wst_buf_free(kept, s->env->budget);
    } else if (kept->n == HEAD + length) {
        struct wst_buf whole = *kept;
        *kept = (struct wst_buf){0};
        message(s, wst_buf_slice(&whole), clear);
        wst_buf_free(&whole, s->env->budget);
    }
    return take;
}

void wst_tls_messages(const struct wst_tls_step *s, struct wst_slice bytes, bool clear)
{
    while (bytes.n && s->tls->state != WST_TLS_SEALED)
        bytes = wst_slice_skip(bytes, message_bytes(s, bytes, clear));
}

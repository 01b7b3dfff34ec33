/* SPDX-License-Identifier: MIT */
#include "handshake.h"

/* IANA, "TLS ExtensionType Values". */
enum extension {
    EXT_SERVER_NAME = 0,
    EXT_ALPN = 16,
    EXT_ENCRYPT_THEN_MAC = 22,
    EXT_EXTENDED_MASTER = 23,
    EXT_SESSION_TICKET = 35,
    EXT_EARLY_DATA = 42,
    EXT_SUPPORTED_VERSIONS = 43,
    EXT_QUIC = 57 /* RFC 9001 section 8.2 */
};

/* SHA-256 of "HelloRetryRequest" (RFC 8446 section 4.1.3) */
static const uint8_t retry_random[32] = {
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* -- vectors: a length of `size` bytes, then so many ------------------------------------------- */

/* The next n bytes. False: there are fewer. */
static bool take(struct wst_slice *s, size_t n, struct wst_slice *part)
{
    if (s->n < n) return false;
    *part = wst_slice_head(*s, n);
    *s = wst_slice_skip(*s, n);
    return true;
}

static bool take_vector(struct wst_slice *s, size_t size, struct wst_slice *part)
{
    struct wst_slice length;
    size_t n = 0;
    if (!take(s, size, &length)) return false;
    for (size_t i = 0; i < size; i++) n = n << 8 | length.p[i];
    return take(s, n, part);
}

/* Extensions: type, 2; vector of 2. 1: one was taken; 0: no more; -1: malformed. */
static int take_extension(struct wst_slice *s, uint16_t *type, struct wst_slice *data)
{
    if (!s->n) return 0;
    if (s->n < 4 || s->n - 4 < wst_be16(s->p + 2)) return -1;
    *type = wst_be16(s->p);
    *data = wst_slice_of(s->p + 4, wst_be16(s->p + 2));
    *s = wst_slice_skip(*s, 4 + data->n);
    return 1;
}

/* A list of one name (RFC 7301 section 3.1). */
static struct wst_slice alpn_chosen(struct wst_slice data)
{
    struct wst_slice list, name, none = {NULL, 0};
    if (!take_vector(&data, 2, &list) || !take_vector(&list, 1, &name) || !name.n) return none;
    return name;
}

/* The first name of type host_name (RFC 6066 section 3). */
static struct wst_slice sni_name(struct wst_slice data)
{
    struct wst_slice list, type, name, none = {NULL, 0};
    if (!take_vector(&data, 2, &list)) return none;
    while (take(&list, 1, &type) && take_vector(&list, 2, &name))
        if (type.p[0] == 0 && name.n) return name;
    return none;
}

/* -- the messages ------------------------------------------------------------------------------ */

/*  │ version 2 │ random 32 │ session ≤32 │ suites │ compression │ extensions │ */
bool wst_tls_client_hello(struct wst_slice body, struct wst_tls_client_hello *h)
{
    struct wst_slice head, skipped, extensions = {NULL, 0}, data;
    uint16_t type;
    int more;
    *h = (struct wst_tls_client_hello){0};
    if (!take(&body, 34, &head) || !take_vector(&body, 1, &h->session) || h->session.n > 32 ||
        !take_vector(&body, 2, &skipped) || !take_vector(&body, 1, &skipped))
        return false;
    h->version = wst_be16(head.p);
    h->random = head.p + 2;
    if (body.n && !take_vector(&body, 2, &extensions)) return false;
    while ((more = take_extension(&extensions, &type, &data)) > 0) {
        if (type == EXT_SERVER_NAME) h->sni = sni_name(data);
        if (type == EXT_SESSION_TICKET && data.n) h->ticket = data;
        if (type == EXT_ALPN) take_vector(&data, 2, &h->alpn);
        if (type == EXT_EARLY_DATA) h->early_data = true;
    }
    return more == 0;
}

/*  │ version 2 │ random 32 │ session ≤32 │ suite 2 │ compression 1 │ extensions │ */
bool wst_tls_server_hello(struct wst_slice body, struct wst_tls_server_hello *h)
{
    struct wst_slice head, terms, extensions = {NULL, 0}, data;
    uint16_t type;
    int more;
    *h = (struct wst_tls_server_hello){0};
    if (!take(&body, 34, &head) || !take_vector(&body, 1, &h->session) || h->session.n > 32 ||
        !take(&body, 3, &terms))
        return false;
    h->version = wst_be16(head.p);
    h->random = head.p + 2;
    h->suite = wst_be16(terms.p);
    h->compression = terms.p[2];
    h->retry = memcmp(h->random, retry_random, 32) == 0;
    if (body.n && !take_vector(&body, 2, &extensions)) return false;
    while ((more = take_extension(&extensions, &type, &data)) > 0) {
        if (type == EXT_SUPPORTED_VERSIONS && data.n == 2) h->version = wst_be16(data.p);
        if (type == EXT_ALPN) h->alpn = alpn_chosen(data);
        if (type == EXT_ENCRYPT_THEN_MAC) h->etm = true;
        if (type == EXT_EXTENDED_MASTER) h->extended = true;
    }
    return more == 0;
}

bool wst_tls_encrypted_extensions(struct wst_slice body, struct wst_tls_encrypted_extensions *x)
{
    struct wst_slice extensions, data;
    uint16_t type;
    int more;
    *x = (struct wst_tls_encrypted_extensions){0};
    if (!take_vector(&body, 2, &extensions)) return false;
    while ((more = take_extension(&extensions, &type, &data)) > 0) {
        if (type == EXT_ALPN) x->alpn = alpn_chosen(data);
        if (type == EXT_EARLY_DATA) x->early_data = true;
        if (type == EXT_QUIC) x->quic = data;
    }
    return more == 0;
}

bool wst_tls_ticket(struct wst_slice body, struct wst_slice *ticket)
{
    struct wst_slice lifetime;
    return take(&body, 4, &lifetime) && take_vector(&body, 2, ticket) && ticket->n;
}

bool wst_tls_rsa_exchange(struct wst_slice body, struct wst_slice *encrypted)
{
    return take_vector(&body, 2, encrypted) && encrypted->n >= 8;
}

bool wst_tls_offers(struct wst_slice names, const char *name)
{
    struct wst_slice one;
    while (take_vector(&names, 1, &one))
        if (wst_slice_is(one, name)) return true;
    return false;
}

void wst_tls_name(char *to, size_t room, struct wst_slice name)
{
    static const char digits[] = "0123456789abcdef";
    size_t n = 0;
    for (size_t i = 0; i < name.n && n + 5 <= room; i++) {
        uint8_t c = name.p[i];
        if (c > ' ' && c < 0x7f && c != '\\') {
            to[n++] = (char)c;
            continue;
        }
        to[n++] = '\\';
        to[n++] = 'x';
        to[n++] = digits[c >> 4];
        to[n++] = digits[c & 15];
    }
    to[n] = '\0';
}

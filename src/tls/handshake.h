/* SPDX-License-Identifier: MIT
 *
 * In: the bodies of handshake messages. Out: what the two sides offer and agree on.
 * Refuses bodies whose lengths do not agree with each other: the hello is then none.
 */
#ifndef WST_TLS_HANDSHAKE_H
#define WST_TLS_HANDSHAKE_H

#include "slice.h"

/* RFC 8446 section 4, RFC 5246 section 7.4. */
enum wst_tls_message {
    WST_TLS_HELLO_REQUEST = 0,
    WST_TLS_CLIENT_HELLO = 1,
    WST_TLS_SERVER_HELLO = 2,
    WST_TLS_NEW_TICKET = 4,
    WST_TLS_ENCRYPTED_EXTENSIONS = 8,
    WST_TLS_CLIENT_KEY_EXCHANGE = 16,
    WST_TLS_KEY_UPDATE = 24
};

/* Slices lie in the message. p == NULL: not there. */
struct wst_tls_client_hello { /* RFC 8446 section 4.1.2 */
    uint16_t version;         /* legacy_version */
    const uint8_t *random;    /* 32 bytes */
    struct wst_slice session, sni, ticket;
    struct wst_slice alpn; /* names offered, each behind a byte of length */
    bool early_data;
};
struct wst_tls_server_hello { /* RFC 8446 section 4.1.3 */
    uint16_t version;         /* chosen */
    const uint8_t *random;    /* 32 bytes */
    struct wst_slice session, alpn;
    uint16_t suite;
    uint8_t compression;
    bool retry;    /* a HelloRetryRequest */
    bool extended; /* extended_master_secret, RFC 7627 */
    bool etm;      /* encrypt_then_mac, RFC 7366 */
};
struct wst_tls_encrypted_extensions { /* RFC 8446 section 4.3.1 */
    struct wst_slice alpn;
    struct wst_slice quic; /* transport parameters, RFC 9000 section 18 */
    bool early_data;       /* was accepted */
};

bool wst_tls_client_hello(struct wst_slice body, struct wst_tls_client_hello *hello);
bool wst_tls_server_hello(struct wst_slice body, struct wst_tls_server_hello *hello);
bool wst_tls_encrypted_extensions(struct wst_slice body, struct wst_tls_encrypted_extensions *x);
/* The ticket of a NewSessionTicket of TLS 1.2 (RFC 5077 section 3.3). */
bool wst_tls_ticket(struct wst_slice body, struct wst_slice *ticket);
/* The encrypted premaster secret of an RSA ClientKeyExchange (RFC 5246 section 7.4.7.1). */
bool wst_tls_rsa_exchange(struct wst_slice body, struct wst_slice *encrypted);

/* Whether a list of names has this one (RFC 7301 section 3.1). */
bool wst_tls_offers(struct wst_slice names, const char *name);
/* A stranger's name as words: what is not a letter of a host name's sort is escaped. What does not
 * fit is left out. */
void wst_tls_name(char *to, size_t room, struct wst_slice name);

#endif

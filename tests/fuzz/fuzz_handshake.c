/* SPDX-License-Identifier: MIT
 *
 * Bodies of TLS handshake messages.
 *
 *     | which 1 | body …
 */
#include "tls/handshake.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sum;

/* What is handed out lies in the body, and can be read. */
static void inside(struct wst_slice body, struct wst_slice part)
{
    if (!part.p) {
        if (part.n) abort();
        return;
    }
    if (part.p < body.p || part.p + part.n > body.p + body.n) abort();
    for (size_t i = 0; i < part.n; i++) sum ^= part.p[i];
}

static void look(uint8_t which, struct wst_slice body)
{
    struct wst_tls_client_hello c;
    struct wst_tls_server_hello s;
    struct wst_tls_encrypted_extensions x;
    struct wst_slice part;
    switch (which % 5) {
    case 0:
        if (!wst_tls_client_hello(body, &c)) return;
        inside(body, (struct wst_slice){c.random, 32});
        inside(body, c.session);
        inside(body, c.sni);
        inside(body, c.ticket);
        if (c.session.n > 32) abort();
        return;
    case 1:
        if (!wst_tls_server_hello(body, &s)) return;
        inside(body, (struct wst_slice){s.random, 32});
        inside(body, s.session);
        inside(body, s.alpn);
        if (s.session.n > 32) abort();
        return;
    case 2:
        if (wst_tls_encrypted_extensions(body, &x)) inside(body, x.alpn);
        return;
    case 3:
        if (wst_tls_ticket(body, &part)) inside(body, part);
        return;
    default:
        if (wst_tls_rsa_exchange(body, &part)) inside(body, part);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (!size) return 0;
    uint8_t *exact = malloc(size);
    if (!exact) return 0;
    memcpy(exact, data + 1, size - 1);
    look(data[0], (struct wst_slice){exact, size - 1});
    free(exact);
    return 0;
}

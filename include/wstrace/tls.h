/* SPDX-License-Identifier: MIT
 *
 * Encrypted WebSockets (wss): secrets in, and what leaves by other ways than the timeline.
 *
 *     wst_context_tls(c, &hooks);                          before the first packet; may be left out
 *     wst_context_keylog(c, bytes, true);                  any time; late ones open what waits
 *
 * Secrets are kept in the context, wiped when it is freed, and leave only by hooks.secrets.
 */
#ifndef WSTRACE_TLS_H
#define WSTRACE_TLS_H

#include <wstrace/event.h>

#ifdef __cplusplus
extern "C" {
#endif

struct wst_context;

/* Decrypted bytes of one direction of one TLS connection, whatever they are: one record, or none
 * when only `lost` is told. Borrowed until the callback returns. */
struct wst_tls_plain {
    struct wst_when when;                 /* the packet that completed the record */
    uint32_t tcp_stream;                  /* Wireshark's tcp.stream */
    uint8_t depth;                        /* 0; inside another TLS connection 1 … */
    enum wst_dir dir;                     /* c2s: the TLS client sent it */
    uint8_t family;                       /* 4 or 6 */
    const uint8_t *client_ip, *server_ip; /* 4 or 16 bytes, network byte order */
    uint16_t client_port, server_port;
    uint64_t offset;       /* of the first byte in the direction's decrypted bytes … */
    uint64_t other_offset; /* … and how many the other direction has had */
    uint64_t lost; /* bytes missing right before it (at most so many); `offset` counts them */
    struct wst_slice bytes;
};

/* Any may be NULL. None may push packets. */
struct wst_tls_hooks {
    void *user;
    /* All plaintext of TLS over TCP; none of QUIC. Sensitive. With it, connections that are not
     * WebSocket are decrypted to their end; without, they are let go as soon as that is known. */
    void (*plain)(void *user, const struct wst_tls_plain *plain);
    /* Key-log lines (NSS format) of a connection that is being opened, newline after each, before
     * its first plaintext. Sensitive. */
    void (*secrets)(void *user, struct wst_slice lines);
    /* The first connection whose key is not known: the last chance to call wst_context_keylog for
     * it, from inside. Called once. */
    void (*wanted)(void *user);
    /* More secrets will come while packets do: ciphertext waits for them (limits.tls_wait,
     * limits.tls_wait_ns). */
    bool keys_may_come;
};
/* Copied. */
WST_API void wst_context_tls(struct wst_context *context, const struct wst_tls_hooks *hooks);

/* Key-log lines in the NSS format: whole lines are taken from the front of `bytes`; the last needs
 * no newline when `final`. Returns how many bytes were taken: give the rest again with what
 * follows. Lines that are not understood are passed over. What waits for these secrets is read at
 * once, with the packet last given as the one that completes it. */
WST_API size_t wst_context_keylog(struct wst_context *context, struct wst_slice bytes, bool final);
/* How many secrets have come in such lines, without repetitions of what was known. */
WST_API uint64_t wst_context_secrets(const struct wst_context *context);

/* A server's private RSA key as PEM, for connections with RSA key exchange (TLS 1.2 and before, no
 * forward secrecy). 16 at most. Returns 0; -1: no RSA key (or an encrypted one), or too many. */
WST_API int wst_context_rsa_key(struct wst_context *context, struct wst_slice pem);

#ifdef __cplusplus
}
#endif
#endif

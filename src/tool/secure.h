/* SPDX-License-Identifier: MIT
 *
 * In: a connected socket. Out: the same, through TLS, as a client.
 * Refuses a server that cannot prove its name, unless told to.
 */
#ifndef WST_TOOL_SECURE_H
#define WST_TOOL_SECURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wst_tool_secure;

enum { WST_TOOL_SECURE_ERROR = 256 };
/* Besides numbers of bytes, which are positive. */
enum wst_tool_secure_state {
    WST_TOOL_SECURE_END = 0,
    WST_TOOL_SECURE_WANTS_READ = -1,
    WST_TOOL_SECURE_WANTS_WRITE = -2,
    WST_TOOL_SECURE_FAILED = -3
};

/* Reads all the certificates that are trusted: SSL_CERT_FILE and SSL_CERT_DIR, or the system's.
 * Nothing more is read later. `host` is a name or an address. NULL with a sentence. */
struct wst_tool_secure *wst_tool_secure_new(const char *host, bool insecure,
                                            char error[WST_TOOL_SECURE_ERROR]);
/* From now on this socket, which does not block. False: out of memory. */
bool wst_tool_secure_attach(struct wst_tool_secure *secure, int fd);
/* Each returns a number of bytes (of the handshake 1, when it is done), or a state; with
 * WST_TOOL_SECURE_FAILED a sentence. */
int wst_tool_secure_handshake(struct wst_tool_secure *secure, char error[WST_TOOL_SECURE_ERROR]);
int wst_tool_secure_read(struct wst_tool_secure *secure, uint8_t *p, size_t n);
int wst_tool_secure_write(struct wst_tool_secure *secure, const uint8_t *p, size_t n);
/* Bytes are here that the socket does not show. */
bool wst_tool_secure_pending(const struct wst_tool_secure *secure);
/* Says that nothing more will come. */
void wst_tool_secure_shut(struct wst_tool_secure *secure);
void wst_tool_secure_free(struct wst_tool_secure *secure);

#endif

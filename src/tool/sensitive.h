/* SPDX-License-Identifier: MIT
 *
 * In: decrypted bytes, packets and their secrets. Out: two sorts of capture files that only their
 * owner may read: --tls-plaintext (pcap, raw IP) and --embed-keys (pcapng).
 * Refuses to write into an input, or to standard output.
 */
#ifndef WST_TOOL_SENSITIVE_H
#define WST_TOOL_SENSITIVE_H

#include "output.h"

#include <wstrace/wstrace.h>

struct wst_tool_sensitive { /* one file being written */
    struct wst_tool_output output;
    uint8_t *buf; /* NULL: not asked for */
    size_t n;
    struct { /* pcapng: an interface for each link type and precision met */
        uint32_t link_type;
        bool nanos;
    } interfaces[64];
    unsigned interfaces_n;
};

/* Both: `name` NULL: nothing to do. `owner`: see create.h. Warns what the file holds. Returns 0 or
 * the exit status. */
int wst_tool_plaintext_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                            const char *const *inputs, size_t inputs_n);
int wst_tool_embed_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                        const char *const *inputs, size_t inputs_n);
/* Writes what is left and closes. Returns 0 or the exit status. */
int wst_tool_sensitive_close(struct wst_tool_sensitive *file);
static inline bool wst_tool_sensitive_wanted(const struct wst_tool_sensitive *file)
{
    return file->buf != NULL;
}

/* A wst_tls_hooks.plain and .secrets whose user is the file; and every packet, after its secrets.
 */
void wst_tool_plaintext_write(void *user, const struct wst_tls_plain *plain);
void wst_tool_embed_secrets(void *user, struct wst_slice lines);
void wst_tool_embed_packet(struct wst_tool_sensitive *file, const struct wst_packet *packet);

/* sensitive.c, for the two writers. */
int wst_tool_sensitive_open(struct wst_tool_sensitive *file, const char *name, const char *owner,
                            const char *what, const char *const *inputs, size_t inputs_n);
void wst_tool_sensitive_put(struct wst_tool_sensitive *file, const void *p, size_t n);

#endif

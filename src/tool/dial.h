/* SPDX-License-Identifier: MIT
 *
 * In: the name of a server. Out: a connection to it, for a process that may make none itself.
 * Refuses any other server: the name is from the command line, and what it is sent are bytes.
 *
 *   parser (sandboxed) ── what to send ──▶ dialer (connects, then sandboxed, too) ──▶ server
 *                      ◀── what came ───                                          ◀──
 */
#ifndef WST_TOOL_DIAL_H
#define WST_TOOL_DIAL_H

#include "confine.h"

#include <stdint.h>
#include <wstrace/replay.h>

enum { WST_TOOL_DIAL_PIECE = 1 << 14 };

enum wst_tool_dial_kind {
    /* to the dialer */
    WST_TOOL_DIAL_GO,
    /* either way */
    WST_TOOL_DIAL_DATA,
    WST_TOOL_DIAL_END, /* no more data this way */
    /* from the dialer */
    WST_TOOL_DIAL_OPEN,  /* a struct wst_replay_ends */
    WST_TOOL_DIAL_RESET, /* the connection is broken */
    WST_TOOL_DIAL_FAILED /* there is none: a sentence */
};

struct wst_tool_dial_message {
    size_t n;
    struct {
        uint8_t kind;
        uint8_t bytes[WST_TOOL_DIAL_PIECE];
    } wire;
};

struct wst_tool_dialled {
    const char *host;
    uint16_t port;
    const struct wst_replay_proxy *proxy; /* on the way; or NULL */
    bool secure, insecure;
    int timeout_ms; /* of each step: a connection to one address; the proxy's answer; the handshake
                     * of TLS */
    const struct wst_tool_confinement *confinement;
};

/* Starts the dialer, a process of its own that ends with this one, at the latest. What it holds is
 * valid in this call only. Returns a descriptor that does not block, or -1 with errno. */
int wst_tool_dial_start(const struct wst_tool_dialled *dialled);
/* Each returns 1; 0: not now; -1: the dialer is gone. */
int wst_tool_dial_send(int dial, enum wst_tool_dial_kind kind, struct wst_slice bytes);
int wst_tool_dial_take(int dial, struct wst_tool_dial_message *message);

#endif

/* SPDX-License-Identifier: MIT
 *
 * What a captured client sent, sent again to another server.
 *
 *     events of a capture ──▶ script ──▶ replay ──▶ bytes for a server
 *                                          ▲            │
 *                     events of a context ─┘            ▼
 *                                    ▲──── packets ◀── bytes of both sides
 *
 * Nothing here opens a socket, reads a clock or makes up chance: bytes, times and random numbers
 * are the caller's. What the server says is read by a context that the packets are pushed into, as
 * if somebody had captured the conversation; its events are what the replay goes by.
 */
#ifndef WSTRACE_REPLAY_H
#define WSTRACE_REPLAY_H

#include <wstrace/capture.h>
#include <wstrace/compose.h>
#include <wstrace/render.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

#define WST_REPLAY_ERROR_SIZE 512

/* -- where to ---------------------------------------------------------------------------------- */

/* A WebSocket URI, RFC 6455 section 3. */
struct wst_replay_url {
    bool secure;             /* wss */
    char host[256];          /* without brackets */
    uint16_t port;           /* 80 and 443 where none is given */
    char authority[256 + 8]; /* as a Host line has it: without a port that goes without saying */
    const char *target;      /* path and query, into the text that was read; NULL: it has
                              * none. "?a=b" alone stands behind "/" */
};
/* `text` must outlive the URL. Returns 0, or -1 with a sentence in `error`. */
WST_API int wst_replay_url_read(struct wst_replay_url *url, const char *text,
                                char error[WST_REPLAY_ERROR_SIZE]);

/* -- a proxy on the way ------------------------------------------------------------------------ */

/* "http://[name[:password]@]host[:port]", a proxy that knows CONNECT, or "socks5://…". */
struct wst_replay_proxy {
    bool socks, login;
    char host[256];
    uint16_t port; /* 80, or 1080, where none is given */
    char name[256], password[256];
};
/* Returns 0, or -1 with a sentence in `error`. */
WST_API int wst_replay_proxy_read(struct wst_replay_proxy *proxy, const char *text,
                                  char error[WST_REPLAY_ERROR_SIZE]);

/* Asking it for a way to `host`: send what it says; as long as it wants bytes read so many, no
 * more, and let it hear them. All members are its own. */
struct wst_replay_tunnel {
    const struct wst_replay_proxy *proxy;
    const char *host;
    uint16_t port;
    int step;
    size_t want, n, in_n, head;
    uint8_t bytes[2048], in[8192];
    char error[WST_REPLAY_ERROR_SIZE];
};
/* What is named must live as long as the tunnel. */
WST_API void wst_replay_tunnel_begin(struct wst_replay_tunnel *tunnel,
                                     const struct wst_replay_proxy *proxy, const char *host,
                                     uint16_t port);
/* Empty: nothing. Valid until it hears something. */
WST_API struct wst_slice wst_replay_tunnel_says(struct wst_replay_tunnel *tunnel);
/* 0: it is done. */
WST_API size_t wst_replay_tunnel_wants(const struct wst_replay_tunnel *tunnel);
WST_API void wst_replay_tunnel_hears(struct wst_replay_tunnel *tunnel, struct wst_slice bytes);
/* NULL: what is sent now goes to the server; or a sentence. */
WST_API const char *wst_replay_tunnel_failure(const struct wst_replay_tunnel *tunnel);

/* -- what was sent ----------------------------------------------------------------------------- */

struct wst_replay_step {      /* a message, ping, unasked pong or close of the client */
    uint8_t opcode;           /* 1, 2, 8, 9, 10 */
    bool closed;              /* the server had sent its close by then */
    struct wst_slice payload; /* of a close: code and reason. Lives as long as the script */
    uint64_t said;            /* messages that the server had said by then */
    int64_t after_ns;         /* the step before, or the answer to the handshake */
    uint64_t pkt;             /* of the recording */
    bool compressed;          /* a message that was, in the recording */
    /* What its frames carried there, but for the last one's; 0: it was one frame. Live as long as
     * the script. */
    const uint64_t *lengths;
    size_t lengths_n;
};

struct wst_replay_script_options {
    uint64_t conn;       /* 0: the only one that was accepted */
    size_t memory;       /* 0: 1 GiB */
    bool skip_uncertain; /* leave out what is not whole, rather than refuse all */
};

struct wst_replay_script; /* of one connection; owned by who made it */

/* NULL when out of memory. */
WST_API struct wst_replay_script *
wst_replay_script_new(const struct wst_replay_script_options *options);
/* Feeds the script; wants wst_options.headers, and problems, for what the recorded client took that
 * others would not. Valid as long as it. */
WST_API struct wst_listener wst_replay_script_listener(struct wst_replay_script *script);

enum wst_replay_end {
    WST_REPLAY_FINE,
    WST_REPLAY_NONE,      /* no such connection, or it was refused */
    WST_REPLAY_MANY,      /* several: which one? */
    WST_REPLAY_UNCERTAIN, /* something that the client sent, or waited for, is not whole */
    WST_REPLAY_MEMORY     /* it takes more than it may */
};
/* All was told. With anything but WST_REPLAY_FINE `error` is a sentence that says what is so, and
 * the script cannot be played; with it, the first that was left out, or "". Once. */
WST_API enum wst_replay_end wst_replay_script_end(struct wst_replay_script *script,
                                                  char error[WST_REPLAY_ERROR_SIZE]);

struct wst_replay_facts {
    uint64_t conn;    /* of the recording */
    size_t steps;     /* that will be sent */
    uint64_t said;    /* messages of the server */
    uint64_t skipped; /* what was left out, as it was not whole */
    bool closed;      /* the server sent a close */
    uint64_t
        unread; /* TLS and QUIC connections of the capture that stayed closed; known at its end */
};
WST_API struct wst_replay_facts wst_replay_script_facts(const struct wst_replay_script *script);
/* The i-th step; NULL behind the last. */
WST_API const struct wst_replay_step *wst_replay_script_step(const struct wst_replay_script *script,
                                                             size_t i);
WST_API void wst_replay_script_free(struct wst_replay_script *script);

/* -- sending it again -------------------------------------------------------------------------- */

struct wst_replay_options {
    const struct wst_replay_url *url;
    const char *const *headers; /* "Name: value": in place of all others of that name; "Name:": none
                                 * of that name */
    size_t headers_n;
    bool recorded_headers; /* send those of the recording: cookies, credentials, whatever */
    bool plain;     /* offer no compression; else the recording's, if its server agreed to it,
                     * for the messages that were compressed there */
    bool fragments; /* send messages in as many frames as the recording has, each as long */
    bool recorded_pace;    /* leave as much time between two steps as the recording has, or more */
    int64_t timeout_ns;    /* how long the server may say nothing that is waited for */
    void *user;
    /* n bytes that nobody can foretell: keys and masks. */
    void (*random)(void *user, uint8_t *p, size_t n);
};

struct wst_replay; /* owned by who made it */

/* The script must have ended well, and outlive this; `options` are copied, what they point to must
 * live as long. NULL with a sentence in `error`: a header line that cannot be sent, memory. */
WST_API struct wst_replay *wst_replay_new(const struct wst_replay_script *script,
                                          const struct wst_replay_options *options,
                                          char error[WST_REPLAY_ERROR_SIZE]);
/* Wants the events of the context that the packets are pushed into. */
WST_API struct wst_listener wst_replay_listener(struct wst_replay *replay);

enum wst_replay_act {
    WST_REPLAY_SEND, /* `bytes`, until the next call; then ask again, of the time at which they had
                        gone */
    WST_REPLAY_WAIT, /* for events, or until `until_ns` */
    WST_REPLAY_CLOSE /* the connection; there is nothing more to do */
};
struct wst_replay_turn {
    enum wst_replay_act act;
    struct wst_slice bytes;
    int64_t until_ns;
};
enum { WST_REPLAY_PIECE = 1 << 14 }; /* bytes of a turn, at most, but for the handshake's */

/* What to do now. Times are of one clock that never goes back; their beginning does not matter. */
WST_API struct wst_replay_turn wst_replay_next(struct wst_replay *replay, int64_t now_ns);
/* The server has ended the connection; `reset`: not in good order. All that it had sent before was
 * told. */
WST_API void wst_replay_ended(struct wst_replay *replay, bool reset);
/* NULL: all was sent, and the server said at least as many messages as in the recording. Else a
 * sentence about the first that went otherwise. */
WST_API const char *wst_replay_failure(const struct wst_replay *replay);

struct wst_replay_sent {
    size_t steps;    /* so far */
    uint64_t said;   /* messages that the server said */
    uint64_t misses; /* times that the server did not say in time what was waited for */
    bool accepted;
};
WST_API struct wst_replay_sent wst_replay_sent(const struct wst_replay *replay);
WST_API void wst_replay_free(struct wst_replay *replay);

/* -- packets of it ----------------------------------------------------------------------------- */

struct wst_replay_ends { /* network byte order but for the ports */
    uint8_t family;      /* 4 or 6 */
    uint8_t client_ip[16], server_ip[16];
    uint16_t client_port, server_port;
};

struct wst_replay_packets; /* owned by who made it */

enum { WST_REPLAY_LINK_TYPE = WST_COMPOSE_LINK_TYPE };

/* Tells `packet` a TCP connection as if it had been captured: IP packets,
 * numbered from 1, in time. NULL when out of memory. */
WST_API struct wst_replay_packets *
wst_replay_packets_new(const struct wst_replay_ends *ends,
                       void (*packet)(void *user, const struct wst_packet *packet), void *user);
/* These make packets of time `ns` (since 1970; it never goes back in them). */
WST_API void wst_replay_packets_open(struct wst_replay_packets *packets, int64_t ns);
WST_API void wst_replay_packets_data(struct wst_replay_packets *packets, enum wst_dir from,
                                     struct wst_slice bytes, int64_t ns);
WST_API void wst_replay_packets_close(struct wst_replay_packets *packets, enum wst_dir from,
                                      bool reset, int64_t ns);
WST_API void wst_replay_packets_free(struct wst_replay_packets *packets);

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif

/* SPDX-License-Identifier: MIT
 *
 * The few shapes every other header is made of.
 */
#ifndef WSTRACE_TYPES_H
#define WSTRACE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32) || !defined(__GNUC__)
#define WST_API
#else
#define WST_API __attribute__((visibility("default")))
#endif

/* Some functions have the name of the struct that they give: GCC's -Wshadow holds that against them
 * in C++, and need not. */
#ifdef __GNUC__
#define WST_ALIKE _Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wshadow\"")
#define WST_ALIKE_END _Pragma("GCC diagnostic pop")
#else
#define WST_ALIKE
#define WST_ALIKE_END
#endif

/* Borrowed bytes. Never NUL-terminated, never owned by who receives them; valid until the
 * function or callback they were handed to returns. `p == NULL` means "there is no value"
 * (JSON null), which is not the same as an empty one. */
struct wst_slice {
    const uint8_t *p;
    size_t n; /* bytes */
};

/* Who sent it. `c2s`: the side that asked for the upgrade. */
enum wst_dir { WST_DIR_NONE = -1, WST_C2S = 0, WST_S2C = 1 };

/* What a packet is to somebody who wants those of WebSocket connections only. */
enum wst_fate {
    WST_FATE_OTHER,     /* of something else */
    WST_FATE_UNDECIDED, /* of a conversation that may still become WebSocket */
    WST_FATE_WEBSOCKET, /* of one that is or was, or asked to become it; or an IP fragment */
};

/* The packet that brought something about. */
struct wst_when {
    uint64_t pkt; /* 1-based, as Wireshark numbers it; goes on from file to file */
    int64_t ns;   /* its time, nanoseconds since 1970-01-01T00:00:00Z */
};

#ifdef __cplusplus
}
#endif
#endif

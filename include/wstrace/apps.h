/* SPDX-License-Identifier: MIT
 *
 * What rides on WebSocket: messages in the protocols that applications speak over it, named, taken
 * apart as far as their envelope goes, and answers put to what they answer.
 *
 *     timeline  ->  wst_apps  ->  the next listener
 *
 * A connection's protocol is known by the subprotocol or the URI of its handshake, or by one of
 * its first messages. What is said of a message is then in wst_event_message.app, and of the
 * connection in wst_event_end.app; all else passes as it came. Nothing is guessed: what was lost,
 * cut or is not of the protocol has no packets.
 */
#ifndef WSTRACE_APPS_H
#define WSTRACE_APPS_H

#include <wstrace/render.h>

#ifdef __cplusplus
WST_ALIKE
extern "C" {
#endif

struct wst_app_row {
    const char *id;    /* "socket.io"; stable */
    const char *title; /* "Socket.IO" */
    const char *where; /* where it is written down */
};
/* The row of `app`; NULL when it is out of range or WST_APP_NONE. Static storage. */
WST_API const struct wst_app_row *wst_app_row(enum wst_app app);

struct wst_apps; /* owned by the caller */

struct wst_apps_options {
    size_t memory; /* bytes for connections whose protocol is known, and what they left unfinished;
                    * beyond that they pass as they came. 64 MiB */
};
WST_API void wst_apps_options_init(struct wst_apps_options *options);

/* `options` NULL: the defaults. NULL when out of memory. `next` must outlive it. */
WST_API struct wst_apps *wst_apps_new(const struct wst_apps_options *options,
                                      const struct wst_listener *next);
/* It as a listener, valid as long as it. It wants every message of a connection, whole: what is
 * selected or cut is to come behind it. */
WST_API struct wst_listener wst_apps_listener(struct wst_apps *apps);
WST_API void wst_apps_free(struct wst_apps *apps); /* may be NULL */

#ifdef __cplusplus
}
WST_ALIKE_END
#endif
#endif

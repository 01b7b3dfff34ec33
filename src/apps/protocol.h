/* SPDX-License-Identifier: MIT
 *
 * What the door (apps.c) asks of a protocol: one row of functions each, one file each.
 */
#ifndef WST_APPS_PROTOCOL_H
#define WST_APPS_PROTOCOL_H

#include "say.h"

struct wst_app_protocol {
    enum wst_app app;
    size_t state_size; /* of what it remembers of a connection; zeroed at first */
    bool ids_return;   /* answered ids are used again, or some questions have none: behind a loss,
                        * what was asked before it may have had its answer, and one that comes may
                        * be another's */

    /* Whether a handshake says that this will be spoken: by what was chosen, else by the URI.
     * May be NULL: then only a first message tells. */
    bool (*named)(const struct wst_event_handshake *shake);
    /* Whether one of the first messages can only be of this protocol. It is whole and certain. May
     * be NULL: then only a handshake tells. */
    bool (*sounds)(struct wst_say *say, const struct wst_event *event);

    /* The handshake of a connection that it named. May be NULL. */
    void (*begin)(void *state, const struct wst_event_handshake *shake);
    /* A message, whole and certain, all of its payload there. Says its packets. */
    void (*message)(struct wst_say *say, void *state, const struct wst_event *event);
    /* A message of that side was lost, or is not whole or not certain; or bytes were lost between
     * two. May be NULL: each message stands alone. */
    void (*lost)(void *state, struct wst_budget *budget, enum wst_dir dir);
    /* Lets go of what the state owns. May be NULL. */
    void (*over)(void *state, struct wst_budget *budget);
};

#define WST_APP_ROW(NAME, symbol, id, title, where) \
    extern const struct wst_app_protocol wst_app_##symbol;
#include <wstrace/apps.def>
#undef WST_APP_ROW

/* The subprotocol that the server chose is `name`. */
bool wst_app_chose(const struct wst_event_handshake *shake, const char *name);
/* The path of the request, without what stands behind '?'. */
struct wst_slice wst_app_path(const struct wst_event_handshake *shake);
/* A member of the query is `name`=`value`, or, value NULL, there is one of that name. */
bool wst_app_query(const struct wst_event_handshake *shake, const char *name, const char *value);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Inside the ws room. In: a message that was read to its end, or as far as it came. Out: its event,
 * and what is wrong with it. Refuses to show bytes that may be others than were sent.
 */
#ifndef WST_WS_OUTCOME_H
#define WST_WS_OUTCOME_H

#include "message.h"

struct wst_outcome { /* what a finished message turned out to be */
    struct wst_slice payload;
    uint64_t len, known; /* known: bytes from the front that are right; those behind it are, too, or
                          * FF, if it is a text */
    bool certain;
    bool judged; /* utf8 says whether all of it is valid, though not all is kept */
    enum wst_inflate_end inflated;
    const char *why; /* the data are bad, in zlib's words; or NULL */
    bool doubt;      /* some of it depends on what was lost */
    bool supposed;   /* nothing shows that it is permessage-deflate, as which it is empty */
};

/* Tells the message and its problems; n: number of its last frame. */
void wst_outcome_emit(const struct wst_ws_step *step, struct wst_ws_message *m,
                      struct wst_outcome *r, uint64_t n);
/* Tells that it is no text: at the first byte that cannot be right an endpoint may fail the
 * connection (section 8.1). */
void wst_outcome_bad_text(const struct wst_ws_step *step, const struct wst_ws_message *m,
                          const struct wst_outcome *r, uint64_t n);

#endif

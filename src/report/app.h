/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol. Out: as much of it as a page has room for.
 * Refuses JSON values, which a browser would read as numbers that are not what was sent: they
 * become text; and bodies that the message shows anyway.
 */
#ifndef WST_REPORT_APP_H
#define WST_REPORT_APP_H

#include <wstrace/event.h>

enum {
    WST_REPORT_APP_PACKETS = 32, /* of a message */
    WST_REPORT_APP_FIELDS = 256, /* of all of them */
    WST_REPORT_APP_VALUE = 1024, /* bytes of a value */
    WST_REPORT_APP_CUT = 32      /* values of a message that are shown in part */
};

struct wst_report_app {
    struct wst_app_said said;
    struct wst_app_packet packets[WST_REPORT_APP_PACKETS];
    struct wst_app_field fields[WST_REPORT_APP_FIELDS];
    size_t cut_n;
    uint8_t cut[WST_REPORT_APP_CUT][WST_REPORT_APP_VALUE + sizeof "…"];
};

/* What it borrows stays borrowed. `text`: the message is one. */
const struct wst_app_said *wst_report_app_shorten(struct wst_report_app *to,
                                                  const struct wst_app_said *said, bool text);

#endif

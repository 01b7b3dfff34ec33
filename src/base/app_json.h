/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol, or what a connection came to. Out: a JSON
 * object, as docs/EVENTS.md has it. Refuses nothing: what has no value has no member.
 */
#ifndef WST_BASE_APP_JSON_H
#define WST_BASE_APP_JSON_H

#include "outlet.h"

/* `nanos`: seconds have 9 digits, not 6. */
void wst_app_json_said(struct wst_out *out, const struct wst_app_said *said, bool nanos);
void wst_app_json_total(struct wst_out *out, const struct wst_app_total *total, bool nanos);

#endif

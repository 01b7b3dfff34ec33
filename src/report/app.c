/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol. Out: as much of it as a page has room for.
 * Refuses JSON values, and bodies that the message shows anyway.
 */
#include "app.h"

#include "slice.h"
#include "utf8.h"

/* Returns the bytes that are not in it. */
static uint64_t shorten(struct wst_app_value *value)
{
    struct wst_slice s = value->slice;
    if (value->kind == WST_APP_JSON) value->kind = WST_APP_TEXT;
    if (value->kind != WST_APP_TEXT && value->kind != WST_APP_BYTES) return 0;
    size_t most = value->kind == WST_APP_TEXT ? wst_utf8_cut(s, WST_REPORT_APP_VALUE)
                                              : (size_t)WST_REPORT_APP_VALUE;
    value->slice = wst_slice_head(s, most);
    return s.n - value->slice.n;
}

const struct wst_app_said *wst_report_app_shorten(struct wst_report_app *to,
                                                  const struct wst_app_said *said, bool text)
{
    size_t fields = 0;
    to->said = *said;
    to->said.packets = to->packets;
    if (said->packets_n > WST_REPORT_APP_PACKETS) {
        to->said.packets_n = WST_REPORT_APP_PACKETS;
        to->said.omitted += said->packets_n - WST_REPORT_APP_PACKETS;
    }
    for (size_t i = 0; i < to->said.packets_n; i++) {
        struct wst_app_packet *p = &to->packets[i];
        *p = said->packets[i];
        if (p->fields_n > WST_REPORT_APP_FIELDS - fields)
            p->fields_n = WST_REPORT_APP_FIELDS - fields;
        for (size_t k = 0; k < p->fields_n; k++) {
            to->fields[fields + k] = said->packets[i].fields[k];
            shorten(&to->fields[fields + k].value);
        }
        p->fields = to->fields + fields;
        fields += p->fields_n;
        if ((text && p->first_msg == 0) || p->body.kind == WST_APP_JSON) {
            p->body.kind = WST_APP_NOTHING;
            p->body_omitted = 0;
        }
        p->body_omitted += shorten(&p->body);
    }
    return &to->said;
}

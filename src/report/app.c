/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol. Out: as much of it as a page has room for.
 * Refuses JSON values, and bodies that the message shows anyway.
 */
#include "app.h"

#include "slice.h"
#include "utf8.h"

static struct wst_slice head_of(const struct wst_app_value *value)
{
    struct wst_slice s = value->slice;
    bool text = value->kind != WST_APP_BYTES;
    return wst_slice_head(s, text ? wst_utf8_cut(s, WST_REPORT_APP_VALUE) : WST_REPORT_APP_VALUE);
}

static bool is_slice(const struct wst_app_value *value)
{
    return value->kind == WST_APP_TEXT || value->kind == WST_APP_BYTES;
}

/* A field has no member for what is left out of it: it ends with a mark. Bytes have no room for
 * one. */
static void shorten_field(struct wst_report_app *to, struct wst_app_value *value)
{
    if (value->kind == WST_APP_JSON) value->kind = WST_APP_TEXT;
    if (!is_slice(value) || value->slice.n <= WST_REPORT_APP_VALUE) return;
    struct wst_slice head = head_of(value), mark = wst_slice_text("…");
    bool fits = value->kind == WST_APP_TEXT && to->cut_n < WST_REPORT_APP_CUT;
    value->kind = WST_APP_TEXT;
    value->slice = mark;
    if (!fits) return;
    uint8_t *at = to->cut[to->cut_n++];
    memcpy(at, head.p, head.n);
    memcpy(at + head.n, mark.p, mark.n);
    value->slice = wst_slice_of(at, head.n + mark.n);
}

/* JSON is not for pages; a text shows it anyway. */
static void shorten_body(struct wst_app_packet *p, bool text)
{
    if ((text && p->first_msg == 0) || p->body.kind == WST_APP_JSON) {
        p->body.kind = WST_APP_NOTHING;
        p->body_omitted = 0;
    }
    if (!is_slice(&p->body)) return;
    struct wst_slice head = head_of(&p->body);
    p->body_omitted += p->body.slice.n - head.n;
    p->body.slice = head;
}

const struct wst_app_said *wst_report_app_shorten(struct wst_report_app *to,
                                                  const struct wst_app_said *said, bool text)
{
    size_t fields = 0, n = 0;
    to->said = *said;
    to->said.packets = to->packets;
    to->cut_n = 0;
    for (; n < said->packets_n && n < WST_REPORT_APP_PACKETS; n++) {
        struct wst_app_packet *p = &to->packets[n];
        *p = said->packets[n];
        if (p->fields_n > WST_REPORT_APP_FIELDS - fields) break;
        for (size_t k = 0; k < p->fields_n; k++) {
            to->fields[fields + k] = said->packets[n].fields[k];
            shorten_field(to, &to->fields[fields + k].value);
        }
        p->fields = to->fields + fields;
        fields += p->fields_n;
        shorten_body(p, text);
    }
    to->said.packets_n = n;
    to->said.omitted += said->packets_n - n;
    return &to->said;
}

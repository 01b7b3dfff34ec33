/* SPDX-License-Identifier: MIT
 *
 * Stated in app_json.h.
 */
#include "app_json.h"

#include "digits.h"
#include "escape.h"
#include "slice.h"

#include <wstrace/apps.h>

static void put_slice(struct wst_out *out, struct wst_slice s, bool utf8)
{
    wst_out_text(out, "\"");
    if (utf8)
        wst_escape_json(out, s);
    else
        wst_escape_base64(out, s);
    wst_out_text(out, "\"");
}

static void put_signed(struct wst_out *out, int64_t value)
{
    if (value < 0) wst_out_text(out, "-");
    wst_out_number(out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

static void put_value(struct wst_out *out, const struct wst_app_value *value)
{
    switch (value->kind) {
    case WST_APP_NOTHING: wst_out_text(out, "null"); break;
    case WST_APP_TEXT: put_slice(out, value->slice, true); break;
    case WST_APP_BYTES:
        wst_out_text(out, "{\"b64\":");
        put_slice(out, value->slice, false);
        wst_out_text(out, "}");
        break;
    case WST_APP_JSON: wst_escape_json_value(out, value->slice); break;
    case WST_APP_NUMBER: put_signed(out, value->number); break;
    case WST_APP_FLAG: wst_out_text(out, value->flag ? "true" : "false"); break;
    }
}

static void put_body(struct wst_out *out, const struct wst_app_packet *p)
{
    const struct wst_app_value *body = &p->body;
    switch (body->kind) {
    case WST_APP_TEXT:
        wst_out_text(out, ",\"text\":");
        put_value(out, body);
        break;
    case WST_APP_BYTES:
        wst_out_text(out, ",\"b64\":");
        put_slice(out, body->slice, false);
        break;
    case WST_APP_NOTHING: break;
    default: wst_out_text(out, ",\"json\":"); put_value(out, body);
    }
    if (p->body_omitted == 0) return;
    wst_out_text(out, ",\"omitted\":");
    wst_out_number(out, p->body_omitted);
}

static void put_number_or_null(struct wst_out *out, const char *key, uint64_t n)
{
    wst_out_text(out, key);
    if (n)
        wst_out_number(out, n);
    else
        wst_out_text(out, "null");
}

/* Seconds; null where there is no message that they belong to. */
static void put_seconds(struct wst_out *out, const char *key, uint64_t msg, int64_t ns, bool nanos)
{
    wst_out_text(out, key);
    if (msg)
        out->at = wst_digits_seconds(wst_out_reserve(out, 32), ns, nanos);
    else
        wst_out_text(out, "null");
}

static void put_packet(struct wst_out *out, const struct wst_app_packet *p, bool nanos)
{
    wst_out_text(out, "{\"name\":");
    put_slice(out, p->name, true);
    wst_out_text(out, p->error ? ",\"error\":true" : ",\"error\":false");
    wst_out_text(out, ",\"fields\":{");
    for (size_t i = 0; i < p->fields_n; i++) {
        wst_out_text(out, i ? ",\"" : "\"");
        wst_out_text(out, p->fields[i].name);
        wst_out_text(out, "\":");
        put_value(out, &p->fields[i].value);
    }
    wst_out_text(out, "}");
    put_body(out, p);
    put_number_or_null(out, ",\"first_msg\":", p->first_msg);
    put_number_or_null(out, ",\"answers\":", p->answers);
    put_seconds(out, ",\"after\":", p->answers, p->after_ns, nanos);
    wst_out_text(out, "}");
}

static void put_protocol(struct wst_out *out, enum wst_app app)
{
    const struct wst_app_row *row = wst_app_row(app);
    wst_out_text(out, "{\"protocol\":\"");
    wst_out_text(out, row ? row->id : "unknown");
    wst_out_text(out, "\"");
}

void wst_app_json_said(struct wst_out *out, const struct wst_app_said *said, bool nanos)
{
    put_protocol(out, said->app);
    wst_out_text(out, ",\"packets\":[");
    for (size_t i = 0; i < said->packets_n; i++) {
        if (i) wst_out_text(out, ",");
        put_packet(out, &said->packets[i], nanos);
    }
    wst_out_text(out, "],\"omitted\":");
    wst_out_number(out, said->omitted);
    wst_out_text(out, said->unfinished ? ",\"unfinished\":true" : ",\"unfinished\":false");
    wst_out_text(out, said->strange ? ",\"strange\":true}" : ",\"strange\":false}");
}

static void put_side(struct wst_out *out, const char *key, const struct wst_app_side *side,
                     bool nanos)
{
    wst_out_text(out, key);
    wst_out_text(out, "{\"packets\":");
    wst_out_number(out, side->packets);
    wst_out_text(out, ",\"errors\":");
    wst_out_number(out, side->errors);
    wst_out_text(out, ",\"asked\":");
    wst_out_number(out, side->asked);
    wst_out_text(out, ",\"answered\":");
    wst_out_number(out, side->answered);
    put_number_or_null(out, ",\"slowest_msg\":", side->slowest_msg);
    put_seconds(out, ",\"slowest\":", side->slowest_msg, side->slowest_ns, nanos);
    put_number_or_null(out, ",\"unanswered_msg\":", side->unanswered_msg);
    wst_out_text(out, "}");
}

void wst_app_json_total(struct wst_out *out, const struct wst_app_total *total, bool nanos)
{
    put_protocol(out, total->app);
    wst_out_text(out, total->certain ? ",\"certain\":true" : ",\"certain\":false");
    put_side(out, ",\"c2s\":", &total->dir[WST_C2S], nanos);
    put_side(out, ",\"s2c\":", &total->dir[WST_S2C], nanos);
    wst_out_text(out, "}");
}

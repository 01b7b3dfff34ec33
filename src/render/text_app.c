/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol. Out: a line for each packet, below the
 * line of the message:
 *
 *         MQTT  PUBLISH  topic a/b  qos 1  id 7  "21.5"
 *         MQTT  PUBACK  id 7  answer after 1.204 ms
 *
 * and, below the line of an end, what came of questions. Refuses to show a stranger's bytes other
 * than through quote.h, and to repeat what the line above shows: the body of a packet in a text.
 */
#include "quote.h"
#include "slice.h"
#include "text.h"

#include <wstrace/apps.h>

enum { VALUE = 48 }; /* columns of a field's value */

static bool is_plain(uint8_t c)
{
    return c >= 0x20 && c < 0x7f;
}

/* JSON as it was sent, on one line, and nothing hidden in it. */
static void put_json(struct wst_out *out, struct wst_slice s)
{
    while (s.n > 0) {
        size_t n = 0;
        while (n < s.n && is_plain(s.p[n])) n++;
        wst_out_bytes(out, s.p, n);
        s = wst_slice_skip(s, n);
        for (n = 0; n < s.n && s.p[n] <= ' '; n++) wst_out_text(out, " ");
        s = wst_slice_skip(s, n);
        for (n = 0; n < s.n && s.p[n] >= 0x7f;) n++;
        wst_escape_part(out, wst_slice_head(s, n), WST_ESCAPE_TEXT);
        s = wst_slice_skip(s, n);
    }
}

static void put_value(struct wst_text *text, const struct wst_app_value *value)
{
    struct wst_out *out = &text->render.out;
    struct wst_slice s = value->slice;
    size_t most = text->options.max_text ? VALUE : SIZE_MAX, n;
    switch (value->kind) {
    case WST_APP_TEXT:
        if (wst_escape_fits(s, WST_ESCAPE_TEXT, most))
            wst_escape_word(out, s);
        else
            wst_escape_quote(out, s, WST_ESCAPE_TEXT, most, 0);
        break;
    case WST_APP_BYTES: wst_escape_quote(out, s, WST_ESCAPE_BYTES, VALUE, 0); break;
    case WST_APP_JSON:
        n = wst_escape_fits(s, WST_ESCAPE_TEXT, most)
                ? s.n
                : wst_escape_fitting(s, WST_ESCAPE_TEXT, most);
        put_json(out, wst_slice_head(s, n));
        if (n < s.n) wst_escape_missing(out, s.n - n);
        break;
    case WST_APP_NUMBER:
        if (value->number < 0) wst_out_text(out, "-");
        wst_out_number(out, value->number < 0 ? -(uint64_t)value->number : (uint64_t)value->number);
        break;
    case WST_APP_FLAG: wst_out_text(out, value->flag ? "yes" : "no"); break;
    case WST_APP_NOTHING: break;
    }
}

/* A flag that is set is its name alone. */
static void put_field(struct wst_text *text, const struct wst_app_field *field)
{
    struct wst_out *out = &text->render.out;
    wst_text_field(text);
    wst_out_text(out, "  ");
    wst_text_ink(text, WST_TEXT_DIM);
    wst_out_text(out, field->name);
    wst_text_plain(text);
    if (field->value.kind == WST_APP_FLAG && field->value.flag) return;
    wst_out_text(out, " ");
    put_value(text, &field->value);
}

static void put_protocol(struct wst_text *text, enum wst_app app)
{
    struct wst_out *out = &text->render.out;
    const struct wst_app_row *row = wst_app_row(app);
    wst_text_fold_begin(text);
    wst_out_text(out, "    ");
    wst_text_ink(text, WST_TEXT_DIM);
    wst_out_text(out, row ? row->title : "unknown protocol");
    wst_text_plain(text);
    wst_out_text(out, "  ");
    wst_text_fold_here(text);
}

static void put_answer(struct wst_text *text, const struct wst_app_packet *p)
{
    struct wst_out *out = &text->render.out;
    if (p->first_msg == 0 && p->answers == 0) return;
    wst_text_ink(text, WST_TEXT_DIM);
    wst_text_field(text);
    if (p->first_msg) {
        wst_out_text(out, "  begun in a message before");
    }
    if (p->answers) {
        wst_text_field(text);
        wst_out_text(out, "  answer after ");
        wst_text_duration(out, p->after_ns);
    }
    wst_text_plain(text);
}

/* The line above has it; or it has not, for it was full before that: STOMP and SIP say first what
 * they carry it with. `seen`: where in the message that line ends; NULL: it shows no text. */
static bool shown(const struct wst_app_packet *p, const uint8_t *seen, struct wst_slice message)
{
    if (!seen || p->first_msg) return false;
    if (p->body.kind != WST_APP_TEXT || !p->body.slice.n) return true;
    uintptr_t at = (uintptr_t)p->body.slice.p;
    return at < (uintptr_t)seen || at >= (uintptr_t)message.p + message.n;
}

static void put_body(struct wst_text *text, const struct wst_app_packet *p)
{
    struct wst_out *out = &text->render.out;
    if (p->body.kind == WST_APP_TEXT || p->body.kind == WST_APP_BYTES) {
        wst_text_fold_payload(text);
        wst_text_payload(text, p->body.slice,
                         p->body.kind == WST_APP_TEXT ? WST_ESCAPE_TEXT : WST_ESCAPE_BYTES,
                         p->body_omitted);
        return;
    }
    wst_text_field(text);
    wst_out_text(out, "  ");
    put_value(text, &p->body);
}

static void packet_line(struct wst_text *text, const struct wst_event *event,
                        const struct wst_app_packet *p, const uint8_t *seen)
{
    struct wst_out *out = &text->render.out;
    put_protocol(text, event->message.app->app);
    wst_text_ink(text, p->error                ? WST_TEXT_BAD
                       : event->dir == WST_C2S ? WST_TEXT_CLIENT
                                               : WST_TEXT_SERVER);
    wst_escape_plain(out, p->name);
    wst_text_plain(text);
    for (size_t i = 0; i < p->fields_n; i++) put_field(text, &p->fields[i]);
    put_answer(text, p);
    bool told = p->body.kind == WST_APP_NOTHING || shown(p, seen, event->message.payload);
    if (!told) put_body(text, p);
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

static void note_line(struct wst_text *text, enum wst_app app, enum wst_text_ink ink,
                      const char *words)
{
    put_protocol(text, app);
    wst_text_ink(text, ink);
    wst_out_text(&text->render.out, words);
    wst_text_plain(text);
    wst_out_text(&text->render.out, "\n");
}

void wst_text_app_said(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_app_said *said = event->message.app;
    struct wst_out *out = &text->render.out;
    struct wst_slice payload = event->message.payload;
    const uint8_t *seen = NULL;
    if (event->message.opcode == 1)
        seen = payload.p +
               (text->most ? wst_escape_fitting(payload, WST_ESCAPE_TEXT, text->most) : payload.n);
    for (size_t i = 0; i < said->packets_n; i++) packet_line(text, event, &said->packets[i], seen);
    if (!event->message.certain)
        note_line(text, said->app, WST_TEXT_DIM, "not read: not all of it is known");
    else if (event->message.omitted)
        note_line(text, said->app, WST_TEXT_DIM, "not read: a limit cut it");
    if (said->omitted) {
        put_protocol(text, said->app);
        wst_out_text(out, "and ");
        wst_text_count(out, said->omitted, "packet");
        wst_out_text(out, " more\n");
    }
    /* Where there is nothing else the packet will say in the end that it began here. */
    if (said->unfinished && said->packets_n > 0)
        note_line(text, said->app, WST_TEXT_DIM, "another goes on in the next message");
    if (said->strange)
        note_line(text, said->app, WST_TEXT_WARN, "something here is not of the protocol");
}

/* -- the end ----------------------------------------------------------------------------------- */

static void put_side(struct wst_text *text, const char *who, const struct wst_app_side *side)
{
    struct wst_out *out = &text->render.out;
    wst_out_text(out, who);
    if (side->asked == 0 && side->errors == 0) {
        wst_text_count(out, side->packets, "packet");
        return;
    }
    const char *before = "";
    if (side->asked > 0) {
        wst_out_number(out, side->answered);
        wst_out_text(out, " of ");
        wst_text_count(out, side->asked, "question");
        wst_out_text(out, " answered");
        before = ",";
    }
    if (side->slowest_msg) {
        wst_out_text(out, side->answered > 1 ? "," : "");
        wst_text_field(text);
        wst_out_text(out, side->answered > 1 ? " the slowest after " : " after ");
        wst_text_duration(out, side->slowest_ns);
    }
    if (side->errors == 0) return;
    wst_out_text(out, before);
    if (*before) wst_text_field(text);
    if (*before) wst_out_text(out, " ");
    wst_text_ink(text, WST_TEXT_BAD);
    wst_text_count(out, side->errors, "error");
    wst_text_plain(text);
}

void wst_text_app_total(struct wst_text *text, const struct wst_app_total *total)
{
    struct wst_out *out = &text->render.out;
    put_protocol(text, total->app);
    put_side(text, "client: ", &total->dir[WST_C2S]);
    wst_out_text(out, ";");
    wst_text_field(text);
    put_side(text, " server: ", &total->dir[WST_S2C]);
    if (!total->certain) {
        wst_out_text(out, ";");
        wst_text_field(text);
        wst_out_text(out, " not all was seen");
    }
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
}

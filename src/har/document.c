/* SPDX-License-Identifier: MIT
 *
 * In: what waited in the spool, in order. Out: one JSON document.
 * Refuses to leave half of one behind, as far as the output can be taken back to where it could
 * end.
 *
 *     {"log":{…,"entries":[
 *     {…,"_webSocketMessages":[
 *     {…}
 *     ,{…}],…}
 *     ,{…}
 *     ],"_problems":[…],…}}
 *
 * Inside of strings there is no end of line; so each stands where the document can be cut.
 */
#include <wstrace/wstrace.h>

#include "digits.h"
#include "escape.h"
#include "har.h"

enum { PIECE = 32 << 10 };

static const char *const lists[WST_HAR_PARTS] = {
    [WST_HAR_MESSAGES] = ",\"_webSocketMessages\":[",
    [WST_HAR_CONTROL] = ",\"_webSocketControlFrames\":[",
    [WST_HAR_GAPS] = ",\"_gaps\":[",
    [WST_HAR_PROBLEMS] = ",\"_problems\":[",
};

/* -- where it could end ------------------------------------------------------------------------ */

static uint64_t position(const struct wst_har *h)
{
    return h->written + (uint64_t)(h->out.at - h->out.buffer);
}

static void note_place(struct wst_har *h, uint64_t at)
{
    if (h->out.failed) return; /* positions are none any more */
    h->now = (struct wst_har_place){at, h->level, h->key.part};
}

static int document_write(void *user, const uint8_t *p, size_t n)
{
    struct wst_har *h = user;
    int rc = h->write(h->user, p, n);
    if (rc != 0) return h->failed = rc;
    h->written += n;
    if (h->now.at <= h->written && h->now.at > h->safe.at) {
        h->safer = h->safe;
        h->safe = h->now;
    }
    return 0;
}

/* The output ends at `place`, and goes on from there. */
static bool take_back(struct wst_har *h, const struct wst_har_place *place)
{
    struct wst_out *out = &h->out;
    if (place->level == WST_HAR_NOWHERE) return false;
    if (!out->failed && place->at >= h->written) { /* it lies in the buffer */
        out->at = out->buffer + (place->at - h->written);
    } else {
        if (!h->options.cut || h->options.cut(h->user, place->at) != 0) return false;
        out->at = out->buffer;
        h->written = place->at;
    }
    out->failed = 0;
    h->level = place->level;
    h->key.part = place->part;
    h->any_messages = place->part > WST_HAR_MESSAGES;
    h->cut = true;
    return true;
}

/* -- entries ----------------------------------------------------------------------------------- */

/* At the end of a part of an entry. */
static void end_part(struct wst_har *h)
{
    if (lists[h->key.part]) wst_out_text(&h->out, "]");
    if (h->key.part == WST_HAR_MESSAGES) h->any_messages = true;
}

static void no_messages(struct wst_har *h)
{
    if (!h->any_messages) wst_out_text(&h->out, ",\"_webSocketMessages\":[]");
    h->any_messages = true;
}

static void end_entry(struct wst_har *h)
{
    end_part(h);
    no_messages(h);
    if (h->key.part != WST_HAR_TAIL) { /* it found no room */
        wst_har_no_times(&h->out);
        wst_har_bool(&h->out, ",\"_certain\":", false);
        wst_har_text(&h->out, ",\"comment\":", "there was no room for the rest of this entry");
    }
    wst_out_text(&h->out, "}");
    h->level = WST_HAR_ENTRIES;
}

static void begin_entry(struct wst_har *h)
{
    note_place(h, position(h));
    wst_out_text(&h->out, h->any_entry ? "\n," : "\n");
    h->any_entry = true;
    h->any_messages = false;
    h->level = WST_HAR_ENTRY;
}

static void end_entries(struct wst_har *h)
{
    wst_out_text(&h->out, "\n],\"_problems\":[");
    h->level = WST_HAR_FINDINGS;
}

static void go_on(struct wst_har *h, const struct wst_spool_key *key)
{
    bool same = h->level == WST_HAR_ENTRY && key->ns == h->key.ns && key->conn == h->key.conn;
    if (same) {
        end_part(h);
        if (key->part > WST_HAR_MESSAGES) no_messages(h);
    } else {
        if (h->level == WST_HAR_ENTRY) end_entry(h);
        if (key->conn)
            begin_entry(h);
        else
            end_entries(h);
    }
    h->key = *key;
    if (key->conn && lists[key->part]) wst_out_text(&h->out, lists[key->part]);
}

static const uint8_t *last_line(struct wst_slice s)
{
    for (size_t n = s.n; n > 0; n--)
        if (s.p[n - 1] == '\n') return s.p + n - 1;
    return NULL;
}

static bool on_bytes(void *user, const struct wst_spool_key *key, struct wst_slice s)
{
    struct wst_har *h = user;
    bool fresh = h->level == WST_HAR_ENTRIES || wst_spool_compare(key, &h->key) != 0;
    if (fresh) go_on(h, key);
    while (s.n > 0) {
        struct wst_slice piece = wst_slice_head(s, PIECE);
        const uint8_t *line = lists[key->part] ? last_line(piece) : NULL;
        if (line) note_place(h, position(h) + (uint64_t)(line - piece.p));
        wst_out_bytes(&h->out, piece.p, piece.n);
        s = wst_slice_skip(s, piece.n);
    }
    return !h->out.failed;
}

/* -- the whole --------------------------------------------------------------------------------- */

void wst_har_document_init(struct wst_har *h)
{
    wst_out_init(&h->out, document_write, h);
}

static void put_sources(struct wst_out *out, const struct wst_event_meta *meta)
{
    wst_out_text(out, ",\"_sources\":[");
    for (size_t i = 0; i < meta->sources_n; i++) wst_har_text(out, i ? "," : "", meta->sources[i]);
    wst_out_text(out, "]");
    if (meta->filter) wst_har_text(out, ",\"_filter\":", meta->filter);
}

void wst_har_document_begin(struct wst_har *h, const struct wst_event_meta *meta)
{
    struct wst_out *out = &h->out;
    wst_har_text(out,
                 "{\"log\":{\"version\":\"1.2\",\"creator\":{\"name\":\"wstrace\",\"version\":",
                 wst_version());
    wst_out_text(out, "}");
    if (meta) put_sources(out, meta);
    wst_out_text(out, ",\"entries\":[");
    h->level = WST_HAR_ENTRIES;
    note_place(h, position(h));
    h->first = h->now;
}

static void put_remark(struct wst_out *out, bool *any, struct wst_slice words)
{
    wst_out_text(out, *any ? "; " : ",\"comment\":\"");
    wst_escape_json_loose(out, words);
    *any = true;
}

static void put_remarks(struct wst_har *h)
{
    const struct wst_har_left *left = &h->left;
    struct wst_out *out = &h->out;
    bool any = false;
    if (h->options.comment) put_remark(out, &any, wst_slice_text(h->options.comment));
    if (left->connections || left->items) {
        put_remark(out, &any, wst_slice_text("there was no room for "));
        wst_out_number(out, left->connections);
        wst_out_text(out, " connections and ");
        wst_out_number(out, left->items);
        wst_out_text(out, " items, which were left out");
    }
    if (left->payloads) {
        put_remark(out, &any, wst_slice_text("without the payloads of "));
        wst_out_number(out, left->payloads);
        wst_out_text(out, " messages, which would have made it too large");
    }
    if (h->cut)
        put_remark(out, &any,
                   wst_slice_text("it ends before its time: what follows could not be "
                                  "written or read"));
    if (any) wst_out_text(out, "\"");
}

static void end_log(struct wst_har *h)
{
    const struct wst_event_stats *s = &h->stats;
    struct wst_out *out = &h->out;
    if (h->level == WST_HAR_ENTRY) end_entry(h);
    if (h->level == WST_HAR_ENTRIES) end_entries(h);
    wst_har_number(out, "],\"_capture\":{\"packets\":", s->packets);
    wst_har_number(out, ",\"connections\":", s->connections);
    wst_har_number(out, ",\"refused\":", s->refused);
    wst_har_number(out, ",\"gaps\":", s->gaps);
    wst_har_number(out, ",\"tlsWithoutKey\":", s->tls_no_key);
    if (s->dropped >= 0) wst_har_number(out, ",\"dropped\":", (uint64_t)s->dropped);
    wst_out_text(out, "}");
    if (h->left.connections) wst_har_number(out, ",\"_leftOut\":", h->left.connections);
    put_remarks(h);
    wst_out_text(out, "}}\n");
    wst_out_flush(out);
}

void wst_har_document_end(struct wst_har *h)
{
    const struct wst_spool_sink sink = {h, on_bytes};
    h->left.unread = !wst_spool_merge(&h->spool, &sink);
    if (h->left.unread && !h->out.failed) {
        struct wst_har_place place = h->now;
        if (!take_back(h, &place)) h->failed = -1;
    }
    if (!h->out.failed && !h->failed) end_log(h);
    if (!h->out.failed) return;
    /* What was written of the last piece is not known here: the cut says so. And the end may find
     * no room either, but where more was cut off. */
    const struct wst_har_place places[] = {h->now, h->safe, h->safer, h->first};
    for (size_t i = 0; i < sizeof places / sizeof *places && h->out.failed; i++)
        if (take_back(h, &places[i])) end_log(h);
}

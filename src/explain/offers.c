/* SPDX-License-Identifier: MIT
 *
 * In: an opening handshake. Out: which extensions and subprotocols were offered, which were chosen.
 */
#include "slice.h"
#include "subject.h"

static struct wst_slice item_next(struct wst_slice *list, char separator)
{
    bool quoted = false;
    size_t n = 0;
    while (n < list->n && (quoted || list->p[n] != (uint8_t)separator)) {
        if (list->p[n] == '"') quoted = !quoted;
        n++;
    }
    struct wst_slice one = wst_slice_trimmed((struct wst_slice){list->p, n});
    *list = wst_slice_skip(*list, n + 1);
    return one;
}

static const char *parameter_means(struct wst_slice name)
{
    static const char *const rows[][2] = {
        {"permessage-deflate", "messages are compressed with DEFLATE (RFC 7692)"},
        {"client_max_window_bits",
         "how far back the client's matches may point: 2^n bytes; offered "
         "without a value it says: I can be told (section 7.1.2.2)"},
        {"server_max_window_bits", "how far back the server's matches may point: 2^n bytes "
                                   "(section 7.1.2.1)"},
        {"client_no_context_takeover", "the client forgets its history after each message "
                                       "(section 7.1.1.2)"},
        {"server_no_context_takeover", "the server forgets its history after each message "
                                       "(section 7.1.1.1)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (wst_slice_is_nocase(name, rows[i][0])) return rows[i][1];
    return "not known here";
}

static void extension_rows(struct wst_paper *p, struct wst_slice list, const char *who,
                           enum wst_ink ink)
{
    unsigned rows = 0;
    while (list.n && rows < HANDSHAKE_LINES) {
        struct wst_slice one = item_next(&list, ',');
        for (bool first = true; (one.n || first) && rows < HANDSHAKE_LINES; first = false, rows++) {
            struct wst_slice part = item_next(&one, ';'), rest = part;
            struct wst_slice name = wst_slice_trimmed(item_next(&rest, '='));
            wst_paper_cell(p, ink, "%s", first ? who : "");
            wst_paper_cell(p, ink, "%s%s", first ? "" : "  ", wst_paper_quote(p, part, 60));
            wst_paper_cell(p, WST_INK_NONE, "%s", parameter_means(name));
        }
    }
}

static void extensions_explain(struct wst_paper *p, const struct wst_event_handshake *e)
{
    static const struct wst_column columns[] = {
        {"who", "", WST_COLUMN_WORD},
        {"item", "extension", WST_COLUMN_WORD},
        {"meaning", "meaning", WST_COLUMN_WORD},
    };
    if (!e->client_extensions.p && !e->server_extensions.p) return;
    wst_paper_heading(p, "Extensions (RFC 6455 section 9.1)");
    wst_paper_table(p, "extensions", columns, 3);
    extension_rows(p, e->client_extensions, "offered", WST_INK_CLIENT);
    extension_rows(p, e->server_extensions, "chosen", WST_INK_SERVER);
    wst_paper_table_end(p);
    if (e->client_extensions.p && !e->server_extensions.p && e->accepted)
        wst_paper_say(p, e->status >= 0 ? "The server chose none: nothing is compressed."
                                        : "What the server chose is not known.");
}

static const char *context_means(bool no_takeover)
{
    return no_takeover ? "forgotten after each message" : "kept from message to message";
}

static void deflate_explain(struct wst_paper *p, const struct wst_deflate_terms *d)
{
    if (!d->agreed) return;
    if (p->json) {
        wst_paper_object(p, "deflate");
        wst_paper_number(p, "client_max_window_bits", d->client_max_window_bits);
        wst_paper_number(p, "server_max_window_bits", d->server_max_window_bits);
        wst_paper_bool(p, "client_no_context_takeover", d->client_no_context_takeover);
        wst_paper_bool(p, "server_no_context_takeover", d->server_no_context_takeover);
        wst_paper_close(p, '}');
    }
    wst_paper_say(p,
                  "Agreed: permessage-deflate. Client: window of %u bits, context %s. Server: "
                  "window of %u bits, context %s.",
                  d->client_max_window_bits, context_means(d->client_no_context_takeover),
                  d->server_max_window_bits, context_means(d->server_no_context_takeover));
}

static void subprotocols_explain(struct wst_paper *p, const struct wst_event_handshake *e)
{
    if (!e->client_protocols_n && !e->subprotocol.p) return;
    wst_paper_heading(p, "Subprotocol (RFC 6455 section 1.9)");
    wst_paper_array(p, "subprotocols_offered");
    for (size_t i = 0; i < e->client_protocols_n; i++) {
        const char *name = wst_paper_quote(p, e->client_protocols[i], 60);
        wst_paper_word(p, NULL, name);
        if (!p->json) wst_paper_line(p, NULL, i ? "" : "offered", WST_INK_CLIENT, "%s", name);
    }
    wst_paper_close(p, ']');
    wst_paper_line(p, "subprotocol", "chosen", WST_INK_SERVER, "%s",
                   e->subprotocol.p ? wst_paper_quote(p, e->subprotocol, 60) : "none");
}

void wst_offers_explain(struct wst_paper *p, const struct wst_event_handshake *e)
{
    extensions_explain(p, e);
    deflate_explain(p, &e->deflate);
    subprotocols_explain(p, e);
}

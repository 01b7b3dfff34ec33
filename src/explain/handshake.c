/* SPDX-License-Identifier: MIT
 *
 * In: the two heads of an opening handshake (RFC 6455 section 4). Out: each line with the reason it
 * exists, the accept value worked out step by step, the key's bytes, what was offered and chosen.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "slice.h"
#include "subject.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
enum { LINES = 256, KEY_MAX = 256, VALUE_SHOWN = 200 };

/* -- why a header is there --------------------------------------------------------------------- */

static const struct reason {
    const char *name, *request, *response;
} reasons[] = {
    {"Host", "which of the names this server answers to is meant (section 4.1 item 4)", NULL},
    {"Upgrade", "asks HTTP to become WebSocket on this very connection (item 5)",
     "agrees: from the empty line on it is WebSocket (section 4.2.2 item 5)"},
    {"Connection", "Upgrade concerns this hop only: proxies must not pass it on blindly (item 6)",
     "the same for the answer"},
    {"Sec-WebSocket-Key",
     "16 random bytes in base64; what answers must prove that it knows WebSocket (item 7)", NULL},
    {"Sec-WebSocket-Key1", "of a draft of 2010, which had two keys; RFC 6455 has one", NULL},
    {"Sec-WebSocket-Key2", "of a draft of 2010, which had two keys; RFC 6455 has one", NULL},
    {"Sec-WebSocket-Version", "13 is RFC 6455; lower ones are drafts (item 9)",
     "the versions that the server speaks, when it refuses (section 4.4)"},
    {"Sec-WebSocket-Protocol", "subprotocols the client can speak, best first (item 10)",
     "the one subprotocol chosen of those offered"},
    {"Sec-WebSocket-Extensions", "extensions the client offers, best first (item 11, section 9)",
     "those that are used, with their parameters"},
    {"Sec-WebSocket-Accept", NULL,
     "proof that this server read the key; no cache or other server answers so (item 5.4)"},
    {"Origin",
     "the page that opens it; a browser sends it, and a server can refuse strangers (item 8, "
     "section 10.2)",
     NULL},
    {"User-Agent", "which program asks; for statistics only", NULL},
    {"Cookie", "who is asking, as in any HTTP request (section 4.1 item 12)", NULL},
    {"Authorization", "who is asking, as in any HTTP request (section 10.5)", NULL},
    {"Cache-Control", "no cache should answer in the server's place", NULL},
    {"Pragma", "the same for caches of HTTP/1.0", NULL},
    {"Accept-Encoding", "about HTTP bodies; means nothing to WebSocket", NULL},
    {"Accept-Language", "the languages a person reads", NULL},
    {"Accept", "about HTTP bodies; means nothing to WebSocket", NULL},
    {"Server", NULL, "which program answers"},
    {"X-Powered-By", NULL, "which framework answers"},
    {"Via", "proxies on the way", "proxies on the way"},
    {"X-Forwarded-For", "the client a proxy speaks for", NULL},
    {"Date", NULL, "when the answer was made"},
    {"Content-Length", "length of an HTTP body; a GET needs none",
     "length of the HTTP body that says why not"},
    {"Content-Type", NULL, "kind of the HTTP body that says why not"},
    {"Transfer-Encoding", NULL, "the HTTP body comes in pieces"},
    {"Location", NULL, "where to ask instead"},
    {"Retry-After", NULL, "when to ask again"},
    {"Set-Cookie", NULL, "who the server takes this to be, as in any HTTP response"},
    {"Sec-Fetch-Mode", "which kind of request the browser makes; websocket", NULL},
    {"Sec-Fetch-Site", "whether the page is of the same site as the server", NULL},
    {"Sec-Fetch-Dest", "what the browser wants it for; websocket", NULL},
    {"X-Forwarded-Proto", "whether the client's side of a proxy is TLS", NULL},
    {"X-Real-IP", "the client a proxy speaks for", NULL},
    {"Forwarded", "the client a proxy speaks for", NULL},
    {"DNT", "a wish not to be followed; means nothing to WebSocket", NULL},
    {"WWW-Authenticate", NULL, "how to say who is asking"},
    {"Keep-Alive", "about HTTP; nothing of it is left after the upgrade",
     "about HTTP; nothing of it is left after the upgrade"},
};

static const char *reason_of(struct wst_slice name, bool response)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (wst_slice_is_nocase(name, reasons[i].name))
            return response ? reasons[i].response : reasons[i].request;
    return NULL;
}

/* Whether `word` is one of the words of the value, whatever its case; a comma stands between two.
 */
static bool has_word(struct wst_slice value, const char *word)
{
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= value.n; i++) {
        bool begins = i == 0 || value.p[i - 1] == ',' || value.p[i - 1] == ' ';
        bool ends = i + n == value.n || value.p[i + n] == ',' || value.p[i + n] == ' ';
        if (begins && ends && wst_slice_is_nocase((struct wst_slice){value.p + i, n}, word))
            return true;
    }
    return false;
}

static struct wst_slice line_next(struct wst_slice *rest)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    struct wst_slice line = {rest->p, end ? (size_t)(end - rest->p) : rest->n};
    *rest = wst_slice_skip(*rest, line.n + 1);
    if (line.n && line.p[line.n - 1] == '\r') line.n--;
    return line;
}

/* The lines of one name are one list (RFC 9110 section 5.3): whether another one has the word. */
static bool list_has_word(struct wst_slice head, const char *name, const char *word)
{
    struct wst_slice line;
    size_t len = strlen(name);
    for (unsigned n = 0; head.n && n < LINES; n++) {
        line = line_next(&head);
        if (!line.n) break;
        if (line.n > len && line.p[len] == ':' && wst_same_nocase(line.p, name, len) &&
            has_word(wst_slice_skip(line, len + 1), word))
            return true;
    }
    return false;
}

/* What is wrong with the value, or is meant otherwise than mostly; NULL: nothing. */
static const char *value_reason(struct wst_slice head, struct wst_slice name,
                                struct wst_slice value, bool response, int32_t status)
{
    if (wst_slice_is_nocase(name, "Connection") && !has_word(value, "upgrade")) {
        if (response && status != 101) return "about HTTP: whether it goes on after this answer";
        if (list_has_word(head, "Connection", "upgrade"))
            return "one list with the line that names Upgrade (RFC 9110 section 5.3)";
        return response ? "wrong: it must name Upgrade (section 4.2.2 item 5.3)"
                        : "wrong: it must name Upgrade (item 6)";
    }
    if (wst_slice_is_nocase(name, "Upgrade") && !has_word(value, "websocket")) {
        if (response && status != 101) return "which other protocols the server speaks";
        return list_has_word(head, "Upgrade", "websocket")
                   ? "one list with the line that names websocket (RFC 9110 section 5.3)"
                   : "wrong: it must name websocket (item 5)";
    }
    if (wst_slice_is_nocase(name, "Sec-WebSocket-Version") && !response &&
        !wst_slice_is(value, "13"))
        return "wrong: 13 is RFC 6455; other numbers are those of drafts (item 9)";
    return NULL;
}

/* -- lines ------------------------------------------------------------------------------------- */

static struct wst_slice trimmed(struct wst_slice s)
{
    while (s.n && (*s.p == ' ' || *s.p == '\t')) s = wst_slice_skip(s, 1);
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

static const char *status_reason(int32_t status)
{
    if (status == 101) return "yes: the protocol is switched after the empty line (section 4.2.2)";
    if (status >= 300 && status < 400)
        return "no: ask elsewhere; a client may follow (section 4.1)";
    if (status == 401) return "no: say who you are; HTTP goes on (section 4.1)";
    if (status == 426) return "no: speak another version (section 4.4)";
    return "no: the connection stays HTTP (section 4.1)";
}

static void line_cells(struct wst_paper *p, enum wst_ink ink, struct wst_slice line,
                       const char *why)
{
    /* The line may be longer than the terminal is wide: the reason goes under it. */
    if (p->json) {
        wst_paper_object(p, NULL);
        wst_paper_word(p, "line", "%s", wst_paper_quote(p, line, 1000));
        if (why)
            wst_paper_word(p, "why", "%s", why);
        else
            wst_paper_null(p, "why");
        wst_paper_close(p, '}');
        return;
    }
    wst_paper_under(p, 2, ink, "%s", wst_paper_quote(p, line, 320));
    if (why) wst_paper_under(p, 6, WST_INK_DIM, "%s", why);
}

static void head_explain(struct wst_paper *p, const struct wst_wire_handshake *h, bool response)
{
    struct wst_slice rest = response ? h->response : h->request, line;
    enum wst_ink ink = response ? WST_INK_SERVER : WST_INK_CLIENT;
    bool first = true;
    unsigned n = 0;
    wst_paper_array(p, response ? "response" : "request");
    while (rest.n && n++ < LINES) {
        line = line_next(&rest);
        if (!line.n) break;
        if (first) {
            line_cells(p, ink, line,
                       response ? status_reason(h->event->handshake.status)
                       : line.n > 4 && !memcmp(line.p, "GET ", 4)
                           ? "a GET of HTTP/1.1 or later (section 4.1 item 2)"
                           : "wrong: the method must be GET (section 4.1 item 2)");
        } else {
            const uint8_t *colon = memchr(line.p, ':', line.n);
            struct wst_slice name = {line.p, colon ? (size_t)(colon - line.p) : 0};
            struct wst_slice value = trimmed(wst_slice_skip(line, name.n + 1));
            const char *why = value_reason(response ? h->response : h->request, name, value,
                                           response, h->event->handshake.status);
            line_cells(p, ink, line, why ? why : reason_of(name, response));
        }
        first = false;
    }
    wst_paper_close(p, ']');
    if (!p->json && !rest.n) wst_paper_put(p, WST_INK_DIM, "  (empty line: the head is over)\n");
}

/* -- the same over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220) --------------------------------------
 */

/* Over QUIC, whether its request was seen or not. */
static bool is_h3(const struct wst_event_handshake *e)
{
    return e->tcp_stream < 0;
}

static const struct reason reasons_h2[] = {
    {":method",
     "an extended CONNECT: not the server, this stream is asked for (RFC 8441 section 4)", NULL},
    {":protocol", "what the stream is to speak; HTTP/1.1 has Upgrade for it (RFC 8441 section 4)",
     NULL},
    {":scheme", "https for a wss URI, http for ws (RFC 8441 section 5)", NULL},
    {":path", "path and query of the URI; HTTP/1.1 has them behind GET", NULL},
    {":authority", "which of the names this server answers to is meant; HTTP/1.1 has Host for it",
     NULL},
    {"Upgrade", "wrong: no such field in HTTP/2; :protocol says it (RFC 9113 section 8.2.2)",
     "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)"},
    {"Connection", "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)",
     "wrong: no such field in HTTP/2 (RFC 9113 section 8.2.2)"},
    {"Sec-WebSocket-Key", "means nothing here: HTTP/2 needs no such proof (RFC 8441 section 5)",
     NULL},
    {"Sec-WebSocket-Accept", NULL,
     "means nothing here: HTTP/2 needs no such proof (RFC 8441 section 5)"},
    {"Content-Length", "length of an HTTP body; a CONNECT has none",
     "length of the HTTP body that says why not"},
};

/* What of these HTTP/3 says elsewhere; all else is RFC 8441's (RFC 9220 section 3). */
static const struct reason reasons_h3[] = {
    {"Upgrade", "wrong: no such field in HTTP/3; :protocol says it (RFC 9114 section 4.2)",
     "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)"},
    {"Connection", "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)",
     "wrong: no such field in HTTP/3 (RFC 9114 section 4.2)"},
    {"Sec-WebSocket-Key", "means nothing here: HTTP/3 needs no such proof (RFC 8441 section 5)",
     NULL},
    {"Sec-WebSocket-Accept", NULL,
     "means nothing here: HTTP/3 needs no such proof (RFC 8441 section 5)"},
};

static const struct reason *stream_reason_row(struct wst_slice name, bool h3)
{
    for (size_t i = 0; h3 && i < sizeof reasons_h3 / sizeof *reasons_h3; i++)
        if (wst_slice_is_nocase(name, reasons_h3[i].name)) return &reasons_h3[i];
    for (size_t i = 0; i < sizeof reasons_h2 / sizeof *reasons_h2; i++)
        if (wst_slice_is_nocase(name, reasons_h2[i].name)) return &reasons_h2[i];
    return NULL;
}

static const char *stream_status(int32_t status, bool h3)
{
    if (status / 100 == 2) return "yes: from here on the stream is WebSocket (RFC 8441 section 5)";
    if (status == 101)
        return h3 ? "wrong: HTTP/3 has no 101 (RFC 9114 section 4.5)"
                  : "wrong: HTTP/2 has no 101 (RFC 9113 section 8.6)";
    if (status >= 300 && status < 400) return "no: ask elsewhere";
    return h3 ? "no: the stream is over, the QUIC connection goes on"
              : "no: the stream is over, the HTTP/2 connection goes on";
}

static const char *stream_reason(const struct wst_header *f, bool response, int32_t status, bool h3)
{
    if (wst_slice_is(f->name, ":status")) return stream_status(status, h3);
    const struct reason *row = stream_reason_row(f->name, h3);
    if (row) return response ? row->response : row->request;
    const char *why =
        value_reason((struct wst_slice){NULL, 0}, f->name, f->value, response, status);
    return why ? why : reason_of(f->name, response);
}

static void stream_head(struct wst_paper *p, const struct wst_event *event, bool response)
{
    const struct wst_event_handshake *e = &event->handshake;
    const struct wst_header *fields = response ? e->response_headers : e->request_headers;
    size_t n = response ? e->response_headers_n : e->request_headers_n;
    wst_paper_heading(p, response ? "Response: the server's answer (RFC 8441 section 5)"
                                  : "Request: the client asks for a stream (RFC 8441 section 4)");
    if (response ? e->status < 0 : !e->request_pkt) {
        wst_paper_say(p, response ? "none that could be read" : "not in the capture");
        return;
    }
    wst_paper_array(p, response ? "response" : "request");
    for (size_t i = 0; i < n && i < LINES; i++) {
        uint8_t line[1100];
        struct wst_slice name = wst_slice_head(fields[i].name, 100);
        struct wst_slice value = wst_slice_head(fields[i].value, sizeof line - 102);
        memcpy(line, name.p, name.n);
        memcpy(line + name.n, ": ", 2);
        if (value.n) memcpy(line + name.n + 2, value.p, value.n);
        line_cells(p, response ? WST_INK_SERVER : WST_INK_CLIENT,
                   (struct wst_slice){line, name.n + 2 + value.n},
                   stream_reason(&fields[i], response, e->status, is_h3(e)));
    }
    wst_paper_close(p, ']');
    wst_paper_say(p, "complete with packet %" PRIu64, response ? event->when.pkt : e->request_pkt);
}

static void stream_explain(struct wst_paper *p, const struct wst_event *event)
{
    const struct wst_event_handshake *e = &event->handshake;
    bool h3 = is_h3(e);
    wst_paper_heading(p,
                      h3 ? "Inside QUIC (RFC 9000), HTTP/3 (RFC 9114)" : "Then, HTTP/2 (RFC 9113)");
    wst_paper_say(p,
                  "What was opened is stream %" PRId64 ": other streams may share its %s "
                  "connection, before, beside and after it. The client may ask for it when the "
                  "server's SETTINGS hold SETTINGS_ENABLE_CONNECT_PROTOCOL = 1 (RFC %s section "
                  "3). Request and answer are HEADERS frames; their fields, compressed with %s "
                  "on the wire, are shown decoded. WebSocket's frames then lie in DATA "
                  "frames, wherever those begin and end. Items are those of RFC 6455 section 4.1.",
                  e->stream_id, h3 ? "QUIC" : "TCP", h3 ? "9220" : "8441",
                  h3 ? "QPACK (RFC 9204)" : "HPACK (RFC 7541)");
    if (h3)
        wst_paper_say(p, "QUIC seals every packet, orders each stream for itself and sends again "
                         "what was lost: a packet that is late holds up no other stream.");
    stream_head(p, event, false);
    stream_head(p, event, true);
    wst_paper_heading(p, "No key, no accept value");
    wst_paper_say(p,
                  "In HTTP/1.1 they prove that the server knows what Upgrade asks for. Here its "
                  "SETTINGS and its answer to :protocol do; %s (RFC 8441 section 5).",
                  e->client_key.p || e->server_accept.p ? "what was sent of them means nothing"
                                                        : "neither is sent");
}

/* -- the key and its answer -------------------------------------------------------------------- */

static void key_explain(struct wst_paper *p, struct wst_slice key)
{
    uint8_t bytes[KEY_MAX];
    int n = wst_base64_decode(key, bytes, sizeof bytes);
    wst_paper_heading(p, "The key");
    wst_paper_line(p, "key", "as sent", WST_INK_KEY, "%s", wst_paper_quote(p, key, VALUE_SHOWN));
    if (n == 16)
        wst_paper_line(p, "key_bytes", "its 16 bytes", WST_INK_KEY, "%s",
                       wst_paper_hex(p, (struct wst_slice){bytes, 16}, 16));
    else if (n >= 0)
        wst_paper_line(p, "key_bytes", "its bytes", WST_INK_BAD,
                       "%s: wrong: %d of them, 16 are demanded (section 4.1 item 7)",
                       wst_paper_hex(p, (struct wst_slice){bytes, (size_t)n}, 32), n);
    else
        wst_paper_line(p, "key_bytes", "its bytes", WST_INK_BAD,
                       "wrong: it is no base64 (section 4.1 item 7)");
}

static void accept_explain(struct wst_paper *p, const struct wst_event_handshake *e)
{
    uint8_t text[KEY_MAX + sizeof GUID], digest[EVP_MAX_MD_SIZE], base64[64];
    unsigned n = 0;
    struct wst_slice key = e->client_key;
    if (!key.p || key.n > KEY_MAX) return;
    memcpy(text, key.p, key.n);
    memcpy(text + key.n, GUID, sizeof GUID - 1);
    if (!EVP_Digest(text, key.n + sizeof GUID - 1, digest, &n, EVP_sha1(), NULL) || n != 20) return;
    EVP_EncodeBlock(base64, digest, 20);
    wst_paper_heading(p, "The accept value (RFC 6455 section 4.2.2 item 5.4)");
    wst_paper_object(p, "accept");
    wst_paper_line(p, "key", "key", WST_INK_KEY, "%s", wst_paper_quote(p, key, VALUE_SHOWN));
    wst_paper_line(p, "guid", "GUID", WST_INK_NONE, "%s", GUID);
    wst_paper_line(p, "concatenation", "together", WST_INK_NONE, "%s",
                   wst_paper_quote(p, (struct wst_slice){text, key.n + sizeof GUID - 1}, 300));
    wst_paper_line(p, "sha1", "SHA-1", WST_INK_NONE, "%s",
                   wst_paper_hex(p, (struct wst_slice){digest, 20}, 20));
    wst_paper_line(p, "base64", "base64 of it", WST_INK_BOLD, "%s", (char *)base64);
    if (e->server_accept.p) {
        bool same = wst_slice_is(e->server_accept, (char *)base64);
        wst_paper_line(p, "server", "the server sent", same ? WST_INK_GOOD : WST_INK_BAD, "%s",
                       wst_paper_quote(p, e->server_accept, VALUE_SHOWN));
        wst_paper_bool(p, "right", same);
        wst_paper_line(p, "verdict", "", same ? WST_INK_GOOD : WST_INK_BAD, "%s",
                       same
                           ? "the same: it speaks WebSocket and read this key"
                           : "different: wrong; the client must fail the connection (section 4.1)");
    } else if (e->status == 101) {
        wst_paper_line(p, "verdict", "the server sent", WST_INK_BAD,
                       "none: wrong; the client must fail the connection (section 4.1)");
    }
    wst_paper_close(p, '}');
}

/* -- what was offered, what was chosen --------------------------------------------------------- */

static struct wst_slice item_next(struct wst_slice *list, char separator)
{
    bool quoted = false;
    size_t n = 0;
    while (n < list->n && (quoted || list->p[n] != (uint8_t)separator)) {
        if (list->p[n] == '"') quoted = !quoted;
        n++;
    }
    struct wst_slice one = trimmed((struct wst_slice){list->p, n});
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
    while (list.n && rows < LINES) {
        struct wst_slice one = item_next(&list, ',');
        for (bool first = true; (one.n || first) && rows < LINES; first = false, rows++) {
            struct wst_slice part = item_next(&one, ';'), rest = part;
            struct wst_slice name = trimmed(item_next(&rest, '='));
            wst_paper_cell(p, ink, "%s", first ? who : "");
            wst_paper_cell(p, ink, "%s%s", first ? "" : "  ", wst_paper_quote(p, part, 60));
            wst_paper_cell(p, WST_INK_NONE, "%s", parameter_means(name));
        }
    }
}

static void offers_explain(struct wst_paper *p, const struct wst_event_handshake *e)
{
    static const struct wst_column columns[] = {
        {"who", "", WST_COLUMN_WORD},
        {"item", "extension", WST_COLUMN_WORD},
        {"meaning", "meaning", WST_COLUMN_WORD},
    };
    if (e->client_extensions.p || e->server_extensions.p) {
        wst_paper_heading(p, "Extensions (RFC 6455 section 9.1)");
        wst_paper_table(p, "extensions", columns, 3);
        extension_rows(p, e->client_extensions, "offered", WST_INK_CLIENT);
        extension_rows(p, e->server_extensions, "chosen", WST_INK_SERVER);
        wst_paper_table_end(p);
        if (e->client_extensions.p && !e->server_extensions.p && e->accepted)
            wst_paper_say(p, e->status >= 0 ? "The server chose none: nothing is compressed."
                                            : "What the server chose is not known.");
    }
    if (e->deflate.agreed && p->json) {
        wst_paper_object(p, "deflate");
        wst_paper_number(p, "client_max_window_bits", e->deflate.client_max_window_bits);
        wst_paper_number(p, "server_max_window_bits", e->deflate.server_max_window_bits);
        wst_paper_bool(p, "client_no_context_takeover", e->deflate.client_no_context_takeover);
        wst_paper_bool(p, "server_no_context_takeover", e->deflate.server_no_context_takeover);
        wst_paper_close(p, '}');
    }
    if (e->deflate.agreed)
        wst_paper_say(p,
                      "Agreed: permessage-deflate. Client: window of %u bits, context %s. Server: "
                      "window of %u bits, context %s.",
                      e->deflate.client_max_window_bits,
                      e->deflate.client_no_context_takeover ? "forgotten after each message"
                                                            : "kept from message to message",
                      e->deflate.server_max_window_bits,
                      e->deflate.server_no_context_takeover ? "forgotten after each message"
                                                            : "kept from message to message");
    if (!e->client_protocols_n && !e->subprotocol.p) return;
    wst_paper_heading(p, "Subprotocol (RFC 6455 section 1.9)");
    wst_paper_array(p, "subprotocols_offered");
    for (size_t i = 0; i < e->client_protocols_n; i++) {
        const char *name = wst_paper_quote(p, e->client_protocols[i], 60);
        wst_paper_word(p, NULL, "%s", name);
        if (!p->json) wst_paper_line(p, NULL, i ? "" : "offered", WST_INK_CLIENT, "%s", name);
    }
    wst_paper_close(p, ']');
    wst_paper_line(p, "subprotocol", "chosen", WST_INK_SERVER, "%s",
                   e->subprotocol.p ? wst_paper_quote(p, e->subprotocol, 60) : "none");
}

/* -- all of it --------------------------------------------------------------------------------- */

static void syn_explain(struct wst_paper *p, const struct wst_wire_packet *syn, unsigned n,
                        uint8_t client)
{
    static const struct wst_column columns[] = {
        {"pkt", "packet", WST_COLUMN_NUMBER},
        {"who", "from", WST_COLUMN_WORD},
        {"flags", "flags", WST_COLUMN_WORD},
        {"meaning", "meaning", WST_COLUMN_WORD},
    };
    if (!n) return;
    wst_paper_heading(p, "First, TCP (RFC 9293 section 3.5)");
    wst_paper_table(p, "tcp", columns, 4);
    for (unsigned i = 0; i < n; i++) {
        bool from_client = syn[i].side == client, ack = syn[i].flags & 16;
        wst_paper_cell(p, WST_INK_NONE, "%" PRIu64, syn[i].when.pkt);
        wst_paper_cell(p, from_client ? WST_INK_CLIENT : WST_INK_SERVER, "%s",
                       from_client ? "client" : "server");
        wst_paper_cell(p, WST_INK_NONE, "%s",
                       !(syn[i].flags & 2) ? "ACK"
                       : ack               ? "SYN ACK"
                                           : "SYN");
        if (syn[i].flags & 2)
            wst_paper_cell(p, WST_INK_NONE, "%smy bytes begin at sequence number %" PRIu32,
                           ack ? "heard; " : "", syn[i].seq + 1);
        else
            wst_paper_cell(p, WST_INK_NONE, "heard; the connection is open");
    }
    wst_paper_table_end(p);
}

static void head_part(struct wst_paper *p, const struct wst_wire_handshake *h, bool response)
{
    const struct wst_wire_segment *s = response ? h->response_segments : h->request_segments;
    size_t n = response ? h->response_segments_n : h->request_segments_n;
    if (response)
        wst_paper_heading(p, "Response: the server's answer (section 4.2.2)");
    else
        wst_paper_heading(p, "Request: the client asks (section 4.1)");
    if (!(response ? h->response.p : h->request.p)) {
        wst_paper_say(p, "not in the capture");
        return;
    }
    head_explain(p, h, response);
    if (n)
        wst_segments_explain(p, response ? "response_segments" : "request_segments", s, n, 0,
                             wst_inside_of(&h->event->handshake));
}

void wst_handshake_explain(struct wst_paper *p, const struct wst_wire_handshake *h,
                           const struct wst_explain_options *options,
                           const struct wst_wire_packet *syn, unsigned syn_n)
{
    const struct wst_event *event = h->event;
    const struct wst_event_handshake *e = &event->handshake;
    /* Of a stream whose answer could not be read the request's fields are there all the same. */
    bool h2 = e->carrier == WST_CARRIER_H2 || e->carrier == WST_CARRIER_H3 ||
              (e->carrier == WST_CARRIER_UNKNOWN && e->stream_id >= 0 && e->request_pkt);
    char way[96];
    wst_paper_begin(p, "handshake");
    wst_paper_number(p, "conn", event->conn);
    wst_paper_number(p, "pkt", event->when.pkt);
    wst_paper_bool(p, "accepted", e->accepted);
    if (e->status >= 0)
        wst_paper_number(p, "status", (uint64_t)e->status);
    else
        wst_paper_null(p, "status");
    wst_paper_word(p, "client_ip", "%s", e->client_ip);
    wst_paper_number(p, "client_port", e->client_port);
    wst_paper_word(p, "server_ip", "%s", e->server_ip);
    wst_paper_number(p, "server_port", e->server_port);
    if (is_h3(e))
        wst_paper_null(p, "tcp_stream");
    else
        wst_paper_number(p, "tcp_stream", (uint64_t)e->tcp_stream);
    wst_paper_word(p, "carrier", "%s", wst_carrier_name(e->carrier));
    if (e->stream_id >= 0)
        wst_paper_number(p, "stream_id", (uint64_t)e->stream_id);
    else
        wst_paper_null(p, "stream_id");
    wst_paper_title(p, "Connection %" PRIu64 ": the opening handshake, %s", event->conn,
                    !h->request.p && !h->response.p && !h2 ? "not in the capture"
                    : e->accepted && e->status < 0         ? "its answer not to be read"
                    : e->accepted                          ? "accepted"
                    : e->status < 0                        ? "without an answer"
                    : e->status == 101                     ? "not that of RFC 6455"
                                                           : "refused");
    if (is_h3(e))
        snprintf(way, sizeof way, "QUIC, HTTP/3 stream %" PRId64, e->stream_id);
    else if (e->stream_id >= 0)
        snprintf(way, sizeof way, "TCP stream %" PRId64 ", HTTP/2 stream %" PRId64, e->tcp_stream,
                 e->stream_id);
    else
        snprintf(way, sizeof way, "TCP stream %" PRId64, e->tcp_stream);
    wst_paper_say(p, "client %s port %u, server %s port %u, %s", e->client_ip, e->client_port,
                  e->server_ip, e->server_port, way);
    syn_explain(p, syn, syn_n, h->client_side);
    if (h2) {
        stream_explain(p, event);
    } else {
        head_part(p, h, false);
        head_part(p, h, true);
    }
    if (e->client_key.p && !h2) {
        key_explain(p, e->client_key);
        if (options->base64)
            wst_base64_explain(p, "key_base64", "Base64 of the key (RFC 4648 section 4)",
                               e->client_key, options->all);
        accept_explain(p, e);
        if (options->base64 && e->server_accept.p)
            wst_base64_explain(p, "accept_base64", "Base64 of the accept value", e->server_accept,
                               options->all);
    }
    offers_explain(p, e);
}

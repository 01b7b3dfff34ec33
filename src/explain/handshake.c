/* SPDX-License-Identifier: MIT
 *
 * In: the two heads of an opening handshake (RFC 6455 section 4). Out: each line with the reason it
 * exists, the accept value worked out step by step, the key's bytes.
 */
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "slice.h"
#include "subject.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
enum { KEY_MAX = 256, VALUE_SHOWN = 200 };

/* -- lines ------------------------------------------------------------------------------------- */

static void line_cells(struct wst_paper *p, enum wst_ink ink, struct wst_slice line,
                       const char *why)
{
    /* The line may be longer than the terminal is wide: the reason goes under it. */
    if (p->json) {
        wst_paper_object(p, NULL);
        wst_paper_word(p, "line", wst_paper_quote(p, line, 1000));
        if (why)
            wst_paper_word(p, "why", why);
        else
            wst_paper_null(p, "why");
        wst_paper_close(p, '}');
        return;
    }
    wst_paper_under(p, 2, ink, wst_paper_quote(p, line, 320));
    if (why) wst_paper_under(p, 6, WST_INK_DIM, why);
}

static void head_explain(struct wst_paper *p, const struct wst_wire_handshake *h, bool response)
{
    struct wst_slice rest = response ? h->response : h->request, line;
    enum wst_ink ink = response ? WST_INK_SERVER : WST_INK_CLIENT;
    bool first = true;
    unsigned n = 0;
    wst_paper_array(p, response ? "response" : "request");
    while (rest.n && n++ < HANDSHAKE_LINES) {
        line = wst_head_line(&rest);
        if (!line.n) break;
        if (first) {
            line_cells(p, ink, line,
                       response ? wst_status_reason(h->event->handshake.status)
                       : line.n > 4 && !memcmp(line.p, "GET ", 4)
                           ? "a GET of HTTP/1.1 or later (section 4.1 item 2)"
                           : "wrong: the method must be GET (section 4.1 item 2)");
        } else {
            const uint8_t *colon = memchr(line.p, ':', line.n);
            struct wst_slice name = {line.p, colon ? (size_t)(colon - line.p) : 0};
            struct wst_slice value = wst_slice_trimmed(wst_slice_skip(line, name.n + 1));
            line_cells(p, ink, line,
                       wst_field_reason(response ? h->response : h->request, name, value, response,
                                        h->event->handshake.status));
        }
        first = false;
    }
    wst_paper_close(p, ']');
    if (!p->json && !rest.n) wst_paper_put(p, WST_INK_DIM, "  (empty line: the head is over)\n");
}

/* -- over HTTP/2 (RFC 8441) and HTTP/3 (RFC 9220) ---------------------------------------------- */

/* Over QUIC, whether its request was seen or not. */
static bool is_h3(const struct wst_event_handshake *e)
{
    return e->tcp_stream < 0;
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
    for (size_t i = 0; i < n && i < HANDSHAKE_LINES; i++) {
        uint8_t line[1100];
        struct wst_slice name = wst_slice_head(fields[i].name, 100);
        struct wst_slice value = wst_slice_head(fields[i].value, sizeof line - 102);
        memcpy(line, name.p, name.n);
        memcpy(line + name.n, ": ", 2);
        if (value.n) memcpy(line + name.n + 2, value.p, value.n);
        line_cells(p, response ? WST_INK_SERVER : WST_INK_CLIENT,
                   (struct wst_slice){line, name.n + 2 + value.n},
                   wst_stream_reason(&fields[i], response, e->status, is_h3(e)));
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
    bool stream = h->event->handshake.stream_id >= 0; /* picked up there: its fields are lost */
    if (response)
        wst_paper_heading(p, "Response: the server's answer (%s)",
                          stream ? "RFC 8441 section 5" : "section 4.2.2");
    else
        wst_paper_heading(p, "Request: the client asks (%s)",
                          stream ? "RFC 8441 section 4" : "section 4.1");
    if (!(response ? h->response.p : h->request.p)) {
        wst_paper_say(p, "not in the capture");
        return;
    }
    head_explain(p, h, response);
    if (n)
        wst_segments_explain(p, response ? "response_segments" : "request_segments", s, n, 0,
                             wst_inside_of(&h->event->handshake));
}

static const char *outcome_words(const struct wst_event_handshake *e)
{
    if (e->accepted) return e->status < 0 ? "its answer not to be read" : "accepted";
    if (e->status < 0) return "without an answer";
    return e->status == 101 ? "not that of RFC 6455" : "refused";
}

/* Who, where and over what: in JSON each by itself, in text as one line under the title. */
static void connection_explain(struct wst_paper *p, const struct wst_event *event)
{
    const struct wst_event_handshake *e = &event->handshake;
    char way[96];
    wst_paper_number(p, "conn", event->conn);
    wst_paper_number(p, "pkt", event->when.pkt);
    wst_paper_bool(p, "accepted", e->accepted);
    wst_paper_number_if(p, "status", e->status >= 0, (uint64_t)e->status);
    wst_paper_word(p, "client_ip", e->client_ip);
    wst_paper_number(p, "client_port", e->client_port);
    wst_paper_word(p, "server_ip", e->server_ip);
    wst_paper_number(p, "server_port", e->server_port);
    wst_paper_number_if(p, "tcp_stream", !is_h3(e), (uint64_t)e->tcp_stream);
    wst_paper_word(p, "carrier", wst_carrier_name(e->carrier));
    wst_paper_number_if(p, "stream_id", e->stream_id >= 0, (uint64_t)e->stream_id);
    if (is_h3(e))
        snprintf(way, sizeof way, "QUIC, HTTP/3 stream %" PRId64, e->stream_id);
    else if (e->stream_id >= 0)
        snprintf(way, sizeof way, "TCP stream %" PRId64 ", HTTP/2 stream %" PRId64, e->tcp_stream,
                 e->stream_id);
    else
        snprintf(way, sizeof way, "TCP stream %" PRId64, e->tcp_stream);
    wst_paper_say(p, "client %s port %u, server %s port %u, %s", e->client_ip, e->client_port,
                  e->server_ip, e->server_port, way);
}

/* Key and accept value, which only the handshake of HTTP/1.1 has. */
static void proof_explain(struct wst_paper *p, const struct wst_event_handshake *e,
                          const struct wst_explain_options *options)
{
    if (!e->client_key.p) return;
    key_explain(p, e->client_key);
    if (options->base64)
        wst_base64_explain(p, "key_base64", "Base64 of the key (RFC 4648 section 4)", e->client_key,
                           options->all);
    accept_explain(p, e);
    if (options->base64 && e->server_accept.p)
        wst_base64_explain(p, "accept_base64", "Base64 of the accept value", e->server_accept,
                           options->all);
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
    bool seen = h->request.p || h->response.p || h2;
    wst_paper_begin(p, "handshake");
    wst_paper_title(p, "Connection %" PRIu64 ": the opening handshake, %s", event->conn,
                    seen ? outcome_words(e) : "not in the capture");
    connection_explain(p, event);
    syn_explain(p, syn, syn_n, h->client_side);
    if (h2) {
        stream_explain(p, event);
    } else {
        head_part(p, h, false);
        head_part(p, h, true);
        proof_explain(p, e, options);
    }
    wst_offers_explain(p, e);
}

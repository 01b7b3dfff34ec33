/* SPDX-License-Identifier: MIT
 *
 * In: a handshake, and how the connection ended. Out: the members of its entry that are no lists of
 * items. Refuses to fill in what was not seen: it is empty, 0 or -1, and a comment says why.
 */
#include "digits.h"
#include "dir.h"
#include "escape.h"
#include "har.h"

enum {
    USUAL = 64 << 10
}; /* bytes: a head that is smaller fits into one piece, whatever is in it */

/* -- values ------------------------------------------------------------------------------------ */

void wst_har_text(struct wst_out *out, const char *key, const char *value)
{
    wst_escape_json_member(out, key, wst_slice_text(value));
}

void wst_har_slice(struct wst_out *out, const char *key, struct wst_slice value)
{
    wst_escape_json_member(out, key, value.p ? value : wst_slice_text(""));
}

void wst_har_number(struct wst_out *out, const char *key, uint64_t value)
{
    wst_out_text(out, key);
    wst_out_number(out, value);
}

void wst_har_bool(struct wst_out *out, const char *key, bool value)
{
    wst_out_text(out, key);
    wst_out_text(out, value ? "true" : "false");
}

/* Milliseconds: 1.250000 */
static void put_ms(struct wst_out *out, const char *key, int64_t ns)
{
    uint64_t n = ns > 0 ? (uint64_t)ns : 0;
    uint8_t *at;
    wst_out_text(out, key);
    at = wst_digits(wst_out_reserve(out, 32), n / 1000000);
    *at++ = '.';
    out->at = wst_digits_fixed(at, (uint32_t)(n % 1000000), 6);
}

void wst_har_seconds(struct wst_out *out, const char *key, int64_t ns)
{
    wst_out_text(out, key);
    out->at = wst_digits_seconds(wst_out_reserve(out, 32), ns, false);
}

static void put_date(struct wst_har *har, struct wst_out *out, const char *key, int64_t ns)
{
    uint32_t rest = wst_clock_set(&har->clock, ns);
    uint8_t *at;
    wst_out_text(out, key);
    at = wst_out_reserve(out, 64);
    *at++ = '"';
    memcpy(at, har->clock.text, sizeof har->clock.text);
    at += sizeof har->clock.text;
    *at++ = '.';
    at = wst_digits_fixed(at, rest / 1000, 6);
    out->at = WST_PUT(at, "Z\"");
}

/* -- request and response ---------------------------------------------------------------------- */

static struct wst_slice header(const struct wst_header *headers, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (headers[i].name.p && wst_slice_is_nocase(headers[i].name, name))
            return headers[i].value.p ? headers[i].value : wst_slice_text("");
    return wst_slice_text(NULL);
}

static void put_headers(struct wst_out *out, const struct wst_header *headers, size_t n)
{
    wst_out_text(out, ",\"headers\":[");
    for (size_t i = 0; i < n; i++) {
        wst_har_slice(out, i ? ",{\"name\":" : "{\"name\":", headers[i].name);
        wst_har_slice(out, ",\"value\":", headers[i].value);
        wst_out_text(out, "}");
    }
    wst_out_text(out, "]");
}

/* As Chrome writes it. `http`: as in the event. */
static void put_version(struct wst_out *out, enum wst_carrier carrier, uint8_t http)
{
    char version[] = "HTTP/1.0";
    version[7] = (char)('0' + http % 10);
    wst_har_text(out, ",\"httpVersion\":",
                 carrier == WST_CARRIER_H2   ? "http/2.0"
                 : carrier == WST_CARRIER_H3 ? "h3"
                 : http                      ? version
                                             : "");
}

static void put_request(struct wst_out *out, const struct wst_event_handshake *h)
{
    wst_har_slice(out, ",\"request\":{\"method\":", h->method);
    if (!wst_har_address(out, h)) wst_har_slice(out, ",\"_target\":", h->uri);
    put_version(out, h->carrier, h->request_http);
    wst_har_cookies(out, h->request_headers, h->request_headers_n, false);
    put_headers(out, h->request_headers, h->request_headers_n);
    wst_har_query(out, h->uri);
    wst_out_text(out, h->uri.p ? ",\"headersSize\":-1,\"bodySize\":0"
                               : ",\"headersSize\":-1,\"bodySize\":-1");
    if (!h->uri.p)
        wst_har_text(out, ",\"comment\":",
                     "the capture does not have the request: its method, path and headers are not "
                     "known");
    wst_out_text(out, "}");
}

static void put_response(struct wst_out *out, const struct wst_event_handshake *h)
{
    const struct wst_header *headers = h->response_headers;
    size_t n = h->response_headers_n;
    struct wst_slice type = header(headers, n, "Content-Type");
    bool seen = h->status >= 0;
    wst_har_number(out, ",\"response\":{\"status\":", seen ? (uint64_t)h->status : 0);
    wst_har_slice(out, ",\"statusText\":", h->reason);
    put_version(out, seen ? h->carrier : WST_CARRIER_UNKNOWN, h->response_http);
    wst_har_cookies(out, headers, n, true);
    put_headers(out, headers, n);
    wst_out_text(out, ",\"content\":{\"size\":0");
    wst_har_slice(out, ",\"mimeType\":", type.n ? type : wst_slice_text("x-unknown"));
    if (seen && !h->accepted) wst_har_text(out, ",\"comment\":", "a body is not kept");
    wst_har_slice(out, "},\"redirectURL\":", header(headers, n, "Location"));
    wst_out_text(out, seen && h->accepted ? ",\"headersSize\":-1,\"bodySize\":0"
                                          : ",\"headersSize\":-1,\"bodySize\":-1");
    if (!seen) wst_har_text(out, ",\"comment\":", "the capture has no response");
    wst_out_text(out, "}");
}

static void put_tls(struct wst_out *out, const struct wst_tls_info *tls)
{
    wst_har_text(out, ",\"_tls\":{\"version\":", tls->version);
    wst_har_text(out, ",\"cipher\":", tls->cipher);
    wst_har_text(out, ",\"sni\":", tls->sni);
    wst_har_text(out, ",\"alpn\":", tls->alpn);
    wst_out_text(out, "}");
}

/* Chrome takes `connection` for the server's port, and shows it; the connection has a member of its
 * own there. */
static void put_connection(struct wst_out *out, const struct wst_event *event)
{
    const struct wst_event_handshake *h = &event->handshake;
    wst_har_text(out, ",\"serverIPAddress\":", h->server_ip);
    wst_har_number(out, ",\"connection\":\"", h->server_port);
    wst_out_text(out, "\"");
    if (h->tcp_stream >= 0) {
        wst_har_number(out, ",\"_connectionId\":\"", (uint64_t)h->tcp_stream);
        wst_out_text(out, "\"");
    }
    if (h->stream_id >= 0) wst_har_number(out, ",\"_streamId\":", (uint64_t)h->stream_id);
    wst_har_text(out, ",\"_clientIPAddress\":", h->client_ip);
    wst_har_number(out, ",\"_clientPort\":", h->client_port);
    if (*h->proxied_ip) {
        wst_har_text(out, ",\"_proxiedIPAddress\":", h->proxied_ip);
        wst_har_number(out, ",\"_proxiedPort\":", h->proxied_port);
    }
    wst_har_number(out, ",\"_conn\":", event->conn);
    wst_har_text(out, ",\"_carrier\":", wst_carrier_name(h->carrier));
    wst_har_bool(out, ",\"_accepted\":", h->accepted);
    if (h->subprotocol.p) wst_har_slice(out, ",\"_subprotocol\":", h->subprotocol);
    if (h->tls) put_tls(out, h->tls);
}

/* What may be written three times (a cookie is a header, too; a query is in the address), six bytes
 * for each. */
static size_t at_most(const struct wst_event_handshake *h)
{
    size_t n = h->method.n + h->reason.n + h->uri.n + h->host.n + h->subprotocol.n;
    for (size_t i = 0; i < h->request_headers_n; i++)
        n += h->request_headers[i].name.n + h->request_headers[i].value.n + 16;
    for (size_t i = 0; i < h->response_headers_n; i++)
        n += h->response_headers[i].name.n + h->response_headers[i].value.n + 16;
    return 18 * n + 4096;
}

bool wst_har_entry(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event *event)
{
    const struct wst_event_handshake *h = &event->handshake;
    size_t most = at_most(h);
    struct wst_out *out;
    if (most > USUAL && !wst_spool_ensure(&har->spool, most)) return false;
    out = wst_har_item(har, conn, WST_HAR_HEAD);
    wst_out_text(out, "{\"_resourceType\":\"websocket\"");
    put_date(har, out, ",\"startedDateTime\":", conn->start_ns);
    put_connection(out, event);
    put_request(out, h);
    put_response(out, h);
    wst_out_text(out, ",\"cache\":{}");
    return wst_har_item_end(har);
}

/* -- the end ----------------------------------------------------------------------------------- */

static void put_times(struct wst_out *out, const struct wst_har_conn *conn, int64_t receive_ns)
{
    if (receive_ns < 0) receive_ns = 0;
    if (receive_ns > INT64_MAX - conn->wait_ns) receive_ns = INT64_MAX - conn->wait_ns;
    put_ms(out, ",\"time\":", conn->wait_ns + receive_ns);
    wst_out_text(out,
                 ",\"timings\":{\"blocked\":-1,\"dns\":-1,\"connect\":-1,\"ssl\":-1,\"send\":0");
    put_ms(out, ",\"wait\":", conn->wait_ns);
    put_ms(out, ",\"receive\":", receive_ns);
    wst_out_text(out, "}");
}

void wst_har_no_times(struct wst_out *out)
{
    put_times(out, &(struct wst_har_conn){.wait_ns = 0}, 0);
}

static void put_end(struct wst_out *out, const struct wst_event_end *e)
{
    wst_har_text(out, ",\"_end\":{\"tcp\":", wst_tcp_end_name(e->tcp));
    wst_har_text(out, ",\"tcpBy\":", wst_dir_sender(e->tcp_by));
    if (e->tcp == WST_TCP_RST) wst_har_text(out, ",\"resetBy\":", wst_dir_sender(e->reset_by));
    wst_har_bool(out, ",\"clean\":", e->clean);
    wst_har_text(out, ",\"closedBy\":", wst_dir_sender(e->by));
    wst_out_text(out, "}");
}

static void put_remark(struct wst_out *out, bool *any, const char *words)
{
    wst_out_text(out, *any ? "; " : ",\"comment\":\"");
    wst_out_text(out, words);
    *any = true;
}

static void put_count(struct wst_out *out, bool *any, uint64_t n, const char *one, const char *many)
{
    if (n == 0) return;
    put_remark(out, any, "");
    wst_out_number(out, n);
    wst_out_text(out, n == 1 ? one : many);
}

/* What a reader of underscores would not need, and others do not see. */
static void put_remarks(struct wst_out *out, const struct wst_har_conn *conn,
                        const struct wst_event_end *e)
{
    bool any = false;
    if (conn->accepted && !conn->asked)
        put_remark(out, &any, "picked up without its handshake");
    else if (conn->accepted && !conn->answered)
        put_remark(out, &any, "the answer to its request is not in the capture");
    put_count(out, &any, conn->gaps, " gap: the capture lacks bytes",
              " gaps: the capture lacks bytes");
    put_count(out, &any, conn->doubtful, " message is not whole", " messages are not whole");
    put_count(out, &any, conn->bare, " message is there without its payload: too large in all",
              " messages are there without their payloads: too large in all");
    put_count(out, &any, conn->left_out, " item was left out: there was no room",
              " items were left out: there was no room");
    if (e && e->tcp == WST_TCP_EOF) put_remark(out, &any, "not over when the capture ended");
    if (e && e->tcp == WST_TCP_TIMEOUT)
        put_remark(out, &any, "nothing more came; its end was not seen");
    if (e && e->tcp == WST_TCP_EVICTED)
        put_remark(out, &any, "given up to save memory; it may go on");
    if (any) wst_out_text(out, "\"");
}

void wst_har_tail(struct wst_har *har, struct wst_har_conn *conn, const struct wst_event_end *e)
{
    struct wst_out *out = wst_har_item(har, conn, WST_HAR_TAIL);
    /* As HTTP Toolkit writes an end without a close frame, and reads it. */
    if (e && !e->clean && e->by == WST_DIR_NONE && !conn->gaps &&
        (e->tcp == WST_TCP_FIN || e->tcp == WST_TCP_RST) && !conn->strands[WST_HAR_CLOSE].round)
        wst_har_text(out, ",\"_webSocketClose\":", "aborted");
    put_times(out, conn, e ? e->duration_ns : 0);
    if (e) put_end(out, e);
    if (conn->gaps || conn->doubtful || conn->left_out) wst_har_bool(out, ",\"_certain\":", false);
    if (conn->left_out) wst_har_number(out, ",\"_leftOut\":", conn->left_out);
    put_remarks(out, conn, e);
    wst_har_item_end(har);
}

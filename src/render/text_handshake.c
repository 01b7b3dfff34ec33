/* SPDX-License-Identifier: MIT
 *
 * In: a handshake. Out: its two lines for people: who asked whom for what and the answer; then the
 * terms they agreed on. Every field has two blanks in front, so a line can be cut by eye.
 * Refuses to show a stranger's words other than through escape.h.
 */
#include "quote.h"
#include "slice.h"
#include "text.h"

#include <stdio.h>

#include <wstrace/event.h>

/* "  key value", nothing when there is no value. */
static void put_field(struct wst_text *text, const char *key, struct wst_slice value)
{
    struct wst_out *out = &text->render.out;
    if (value.p == NULL) return;
    wst_text_field(text);
    wst_out_text(out, "  ");
    wst_out_text(out, key);
    wst_text_word(text, value, strlen(key));
}

static void put_escaped(struct wst_out *out, const char *words)
{
    wst_escape_plain(out, wst_slice_text(words));
}

static void put_endpoint(struct wst_out *out, const char *ip, uint16_t port)
{
    bool six = strchr(ip, ':') != NULL;
    wst_out_text(out, six ? "[" : "");
    put_escaped(out, ip);
    wst_out_text(out, six ? "]:" : ":");
    wst_out_number(out, port);
}

/* "  h2 stream 3": which stream of what, when it is not the whole of a TCP connection; inside a
 * tunnel, or picked up: "  stream 3". */
static void put_carrier(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    bool itself = h->carrier == WST_CARRIER_H2 || h->carrier == WST_CARRIER_H3;
    if (!itself && h->stream_id < 0) return;
    wst_text_field(text);
    wst_out_text(out, itself ? "  " : " ");
    if (itself) wst_out_text(out, wst_carrier_name(h->carrier));
    if (h->stream_id < 0) return;
    wst_out_text(out, " stream ");
    wst_out_number(out, (uint64_t)h->stream_id);
}

/* Whether the Host header says no more than the address that stands before it. */
static bool is_endpoint(struct wst_slice host, const char *ip, uint16_t port)
{
    char text[64];
    snprintf(text, sizeof text, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip, (unsigned)port);
    if (wst_slice_is(host, text)) return true;
    if (port == 80 || port == 443) *strrchr(text, ':') = '\0';
    return wst_slice_is(host, text);
}

static void put_request(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    put_field(text, "", h->method);
    if (h->uri.p) {
        if (!h->method.p) wst_text_field(text);
        wst_out_text(out, h->method.p ? " " : "  ");
        wst_text_word(text, h->uri, h->method.n + 1);
    }
    if (!is_endpoint(h->host, h->server_ip, h->server_port)) put_field(text, "host ", h->host);
}

static void put_status(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    bool picked_up = h->accepted && h->status < 0;
    wst_text_field(text);
    wst_out_text(out, "  ");
    if (!h->accepted || picked_up) wst_text_ink(text, WST_TEXT_WARN);
    if (picked_up) {
        wst_out_text(out, "picked up without its handshake");
    } else if (h->status < 0) {
        wst_out_text(out, "no response");
    } else {
        wst_out_number(out, (uint64_t)h->status);
        wst_out_text(out, h->reason.n > 0 ? " " : "");
        wst_escape_plain(out, h->reason);
        if (!h->accepted) wst_text_field(text);
        if (!h->accepted) wst_out_text(out, h->status == 101 ? "  not followed" : "  refused");
    }
    if (!h->accepted || picked_up) wst_text_plain(text);
}

static void put_accept(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    wst_text_ink(text, WST_TEXT_DIM);
    put_field(text, "key ", h->client_key);
    put_field(text, "accept ", h->server_accept);
    wst_text_plain(text);
    if (h->accept_ok == 1) wst_out_text(out, " ok");
    if (h->accept_ok != 0) return;
    wst_text_ink(text, WST_TEXT_BAD);
    wst_text_field(text);
    wst_out_text(out, h->server_accept.p ? " WRONG, expected " : "  accept MISSING, expected ");
    wst_escape_word(out, h->accept_expected);
    wst_text_plain(text);
}

/* The one chosen; if none was, those offered. */
static void put_protocol(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    put_field(text, "protocol ", h->subprotocol);
    if (h->subprotocol.p || h->client_protocols_n == 0) return;
    wst_text_field(text);
    wst_out_text(out, "  offered ");
    for (size_t i = 0; i < h->client_protocols_n; i++) {
        wst_out_text(out, i ? "," : "");
        if (i) wst_text_field(text);
        wst_out_text(out, i ? " " : "");
        wst_text_word(text, h->client_protocols[i], 1);
    }
}

/* "  deflate 15/12": window bits of client and server, in the order of > and <. */
static void put_deflate(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    const struct wst_deflate_terms *d = &h->deflate;
    if (!d->agreed) {
        if (h->server_extensions.n > 0) put_field(text, "extensions ", h->server_extensions);
        return;
    }
    wst_text_field(text);
    wst_out_text(out, "  deflate ");
    wst_out_number(out, d->client_max_window_bits);
    wst_out_text(out, "/");
    wst_out_number(out, d->server_max_window_bits);
    if (d->client_no_context_takeover && d->server_no_context_takeover)
        wst_out_text(out, " no context takeover");
    else if (d->client_no_context_takeover)
        wst_out_text(out, " no client context takeover");
    else if (d->server_no_context_takeover)
        wst_out_text(out, " no server context takeover");
}

/* Whether the host is `name`, with or without a port: nearly always so, and not worth repeating. */
static bool names_host(struct wst_slice host, const char *name)
{
    size_t n = strlen(name);
    if (host.n < n || n == 0 || memcmp(host.p, name, n) != 0) return false;
    return host.n == n || host.p[n] == ':';
}

static void put_tls(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    const struct wst_tls_info *t = h->tls;
    if (t == NULL) return;
    wst_text_field(text);
    wst_out_text(out, "  ");
    put_escaped(out, t->version ? t->version : "TLS");
    if (t->cipher) wst_out_text(out, " ");
    if (t->cipher) put_escaped(out, t->cipher);
    if (t->sni && !names_host(h->host, t->sni)) put_field(text, "sni ", wst_slice_text(t->sni));
    put_field(text, "alpn ", wst_slice_text(t->alpn));
}

/* "  location https://example.com/": what a refusal says of who refused, and what would help. */
static void put_refusal(struct wst_text *text, const struct wst_event_handshake *h)
{
    for (size_t i = 0; i < h->refusal_n; i++) {
        char key[32];
        struct wst_slice name = h->refusal[i].name;
        if (name.n + 2 > sizeof key) continue;
        for (size_t k = 0; k < name.n; k++) {
            uint8_t c = name.p[k];
            key[k] = (char)(c <= ' ' || c >= 0x7f ? '?' : c >= 'A' && c <= 'Z' ? c | 32 : c);
        }
        memcpy(key + name.n, " ", 2);
        put_field(text, key, h->refusal[i].value);
    }
}

static bool other_version(const struct wst_event_handshake *h)
{
    return h->version >= 0 && h->version != 13;
}

static void put_terms(struct wst_text *text, const struct wst_event_handshake *h)
{
    struct wst_out *out = &text->render.out;
    put_accept(text, h);
    if (other_version(h)) {
        wst_text_field(text);
        wst_out_text(out, "  version ");
        wst_out_number(out, (uint64_t)h->version);
    }
    put_protocol(text, h);
    put_deflate(text, h);
    put_field(text, "origin ", h->origin);
    if (*h->proxied_ip) {
        wst_text_field(text);
        wst_out_text(out, "  PROXY for ");
        put_endpoint(out, h->proxied_ip, h->proxied_port);
    }
    put_tls(text, h);
    if (h->rtt_ns >= 0) {
        wst_text_field(text);
        wst_out_text(out, "  rtt ");
        wst_text_duration(out, h->rtt_ns);
    }
    put_refusal(text, h);
}

static bool has_terms(const struct wst_event_handshake *h)
{
    return h->client_key.p || h->server_accept.p || h->accept_ok == 0 || other_version(h) ||
           h->subprotocol.p || h->client_protocols_n > 0 || h->deflate.agreed ||
           h->server_extensions.n > 0 || h->origin.p || *h->proxied_ip || h->tls ||
           h->rtt_ns >= 0 || h->refusal_n > 0;
}

static void put_headers(struct wst_text *text, const char *mark, enum wst_text_ink ink,
                        const struct wst_header *headers, size_t n)
{
    struct wst_out *out = &text->render.out;
    for (size_t i = 0; i < n; i++) {
        wst_out_text(out, "    ");
        wst_text_ink(text, ink);
        wst_out_text(out, mark);
        wst_text_plain(text);
        wst_escape_plain(out, headers[i].name);
        wst_out_text(out, ": ");
        wst_escape_plain(out, headers[i].value);
        wst_out_text(out, "\n");
    }
}

void wst_text_handshake(struct wst_text *text, const struct wst_event *event)
{
    const struct wst_event_handshake *h = &event->handshake;
    struct wst_out *out = &text->render.out;
    struct wst_text_left left = wst_text_left_of(event);
    wst_text_fold_begin(text);
    out->at = wst_text_start(text, wst_out_reserve(out, WST_TEXT_LEFT), &left);
    wst_out_text(out, " ");
    wst_text_fold_here(text);
    put_endpoint(out, h->client_ip, h->client_port);
    wst_text_field(text);
    wst_out_text(out, " > ");
    put_endpoint(out, h->server_ip, h->server_port);
    put_carrier(text, h);
    put_request(text, h);
    put_status(text, h);
    wst_text_fold_end(text);
    wst_out_text(out, "\n");
    if (has_terms(h)) {
        wst_text_fold_begin(text);
        text->fold.indent = 4;
        wst_out_text(out, "  "); /* and the two of the first field: four */
        put_terms(text, h);
        wst_text_fold_end(text);
        wst_out_text(out, "\n");
    }
    if (!text->options.headers || !h->headers) return;
    put_headers(text, "> ", WST_TEXT_CLIENT, h->request_headers, h->request_headers_n);
    put_headers(text, "< ", WST_TEXT_SERVER, h->response_headers, h->response_headers_n);
}

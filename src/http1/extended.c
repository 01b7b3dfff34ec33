/* SPDX-License-Identifier: MIT
 *
 * In: the fields of an extended CONNECT (RFC 8441) and of its answer. Out: WebSocket or not, on
 * what terms; one handshake event. rules.h judges it.
 */
#include "report.h"

/* The head that the fields would be in HTTP/1.1. */
static struct wst_head extended_head(struct wst_header *fields, size_t n)
{
    struct wst_head h = {.status = -1, .minor = 1, .http = true, .headers = fields, .headers_n = n};
    for (size_t i = 0; i < n; i++) {
        if (!fields[i].name.n) continue;
        unsigned place = wst_head_name_place(fields[i].name.p, fields[i].name.n);
        uint64_t bit = UINT64_C(1) << place;
        if (h.names & bit)
            h.again |= bit;
        else
            h.first[place] = i < UINT8_MAX ? (uint8_t)i : UINT8_MAX;
        h.names |= bit;
    }
    return h;
}

static void extended_request(struct wst_report *r, struct wst_head *q)
{
    q->method = wst_head_find(q, ":method", NULL);
    q->target = wst_head_find(q, ":path", NULL);
    r->request = q;
    wst_upgrade_request(r);
    struct wst_slice authority = wst_head_find(q, ":authority", NULL);
    if (authority.p) r->event.host = authority;
}

static void extended_response(struct wst_report *r, struct wst_head *a, int status)
{
    a->status = status;
    r->response = a;
    wst_upgrade_response(r);
    r->event.accepted = status / 100 == 2;
}

bool wst_extended_report(struct wst_http_env *env, const struct wst_extended *x,
                         struct wst_upgrade_terms *terms, const struct wst_arrival *a)
{
    struct wst_slice protocols[WST_PROTOCOLS_MAX];
    struct wst_report r = {.env = env,
                           .conversation = x->conversation,
                           .request_when = x->request_when,
                           .terms = terms,
                           .arrival = a,
                           .secure = x->secure,
                           .protocols = protocols,
                           .event = wst_upgrade_event(env, x->carrier)};
    struct wst_head request = extended_head(x->request, x->request_n), response;
    wst_upgrade_text(env);
    *terms = (struct wst_upgrade_terms){0};
    extended_request(&r, &request);
    /* Who sends a key all the same means nothing by it (RFC 8441 section 5). */
    r.event.accept_expected = (struct wst_slice){NULL, 0};
    r.hixie = false;
    if (x->response) {
        response = extended_head(x->response, x->response_n);
        extended_response(&r, &response, x->status);
    } else if (x->status == 0) {
        r.event.accepted = true;
        terms->unknown = true;
        terms->plain = !r.event.client_extensions.n;
    }
    if (r.event.accepted && !r.response) r.event.carrier = WST_CARRIER_UNKNOWN;
    if (r.event.accepted && r.response) wst_upgrade_agreed(&r);
    env->handshake(env->user, x->conversation, &r.event, a);
    wst_extended_judge(&r, x);
    if (x->refused && x->response && !r.event.accepted) *x->refused = wst_refusal_begin(&response);
    return r.event.accepted;
}

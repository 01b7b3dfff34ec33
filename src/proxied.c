/* SPDX-License-Identifier: MIT
 *
 * In: headers of the PROXY protocol before all else that a connection carries. Out: whom its
 * handshakes come from, where the packets name a proxy.
 * Refuses to keep what there is no memory for: then nothing is told of it.
 */
#include <stdlib.h>

#include "pipeline.h"

struct proxied {
    struct wst_conn_node node; /* by the number of what carries it, from 1 */
    struct wst_sniff_source source;
};

/* What the flow goes by; QUIC connections, which have numbers of their own, by 0. */
static uint64_t proxied_number(const struct wst_flow *f)
{
    const struct wst_flow *carrier = wst_conversation_carrier(f);
    return carrier->kind == KIND_QUIC ? 0 : carrier->stream + UINT64_C(1);
}

static struct proxied *proxied_find(const struct wst_context *c, const struct wst_flow *f)
{
    return wst_conns_find(&c->proxied, proxied_number(f));
}

void wst_proxied_note(struct wst_context *c, const struct wst_flow *f, struct wst_slice header)
{
    struct wst_sniff_source source;
    if (!proxied_number(f) || !wst_sniff_proxy_source(header, &source)) return;
    struct proxied *p = proxied_find(c, f);
    if (p) { /* a proxy before a proxy: the one behind speaks first */
        p->source = source;
        return;
    }
    if (!(p = wst_budget_new(&c->budget, sizeof *p))) return;
    p->node.conn = proxied_number(f);
    p->source = source;
    if (wst_conns_add(&c->proxied, &p->node)) return;
    wst_budget_give(&c->budget, sizeof *p);
    free(p);
}

void wst_proxied_tell(const struct wst_context *c, const struct wst_flow *f,
                      struct wst_event_handshake *h)
{
    const struct proxied *p = proxied_find(c, f);
    if (!p) return;
    wst_endpoint_address(p->source.family, p->source.ip, h->proxied_ip);
    h->proxied_port = p->source.port;
}

void wst_proxied_forget(struct wst_context *c, const struct wst_flow *f)
{
    struct proxied *p = c->proxied.n ? proxied_find(c, f) : NULL;
    if (!p) return;
    wst_conns_take(&c->proxied, &p->node);
    wst_budget_give(&c->budget, sizeof *p);
    free(p);
}

void wst_proxied_free(struct wst_context *c)
{
    for (struct proxied *p = wst_conns_next(&c->proxied, NULL), *after; p; p = after) {
        after = wst_conns_next(&c->proxied, &p->node);
        free(p);
    }
    wst_conns_free(&c->proxied);
}

/* SPDX-License-Identifier: MIT
 *
 * In: a handshake. Out: what it says about the protocol to come.
 * Refuses to read more into it than its words.
 */
#include "protocol.h"
#include "slice.h"

bool wst_app_chose(const struct wst_event_handshake *shake, const char *name)
{
    return shake->subprotocol.p && wst_slice_is_nocase(shake->subprotocol, name);
}

static size_t query_at(struct wst_slice uri)
{
    const uint8_t *mark = uri.n ? memchr(uri.p, '?', uri.n) : NULL;
    return mark ? (size_t)(mark - uri.p) : uri.n;
}

struct wst_slice wst_app_path(const struct wst_event_handshake *shake)
{
    return wst_slice_head(shake->uri, query_at(shake->uri));
}

bool wst_app_query(const struct wst_event_handshake *shake, const char *name, const char *value)
{
    size_t n = strlen(name);
    struct wst_slice rest = wst_slice_skip(shake->uri, query_at(shake->uri));
    while (rest.n > 0) {
        rest = wst_slice_skip(rest, 1);
        const uint8_t *next = rest.n ? memchr(rest.p, '&', rest.n) : NULL;
        struct wst_slice one = wst_slice_head(rest, next ? (size_t)(next - rest.p) : rest.n);
        rest = wst_slice_skip(rest, one.n);
        if (!wst_slice_starts(one, name)) continue;
        if (one.n == n) return !value;
        if (one.p[n] == '=' && (!value || wst_slice_is(wst_slice_skip(one, n + 1), value)))
            return true;
    }
    return false;
}

/* SPDX-License-Identifier: MIT
 *
 * In: header blocks, by the piece. Out: their fields, one behind the other; nghttp2 takes them
 * apart. Refuses to keep more of one block than limits.max_head: the rest is read, for the table,
 * and passed over.
 */
#include "http2.h"

#include "fields.h"

void wst_http2_env_init(struct wst_http2_env *env, const struct wst_options *options,
                        struct wst_budget *budget)
{
    env->options = options;
    env->budget = budget;
    env->charged = (struct wst_charged){.budget = budget};
    env->memory = (nghttp2_mem){&env->charged, wst_charged_new, wst_charged_free, wst_charged_array,
                                wst_charged_resize};
}

/* -- fields ------------------------------------------------------------------------------------ */

static void hpack_field(struct wst_http2_side *s, struct wst_http2_env *env, const nghttp2_nv *nv)
{
    struct wst_slice name = wst_slice_of(nv->name, nv->namelen);
    struct wst_slice value = wst_slice_of(nv->value, nv->valuelen);
    size_t cap = env->options->limits.max_head;
    if (s->unwanted) return;
    s->unwanted = s->connects && wst_slice_is(name, ":method") && !wst_slice_is(value, "CONNECT");
    wst_fields_put(&s->fields, env->budget, name, value, cap);
}

/* -- the table --------------------------------------------------------------------------------- */

void wst_hpack_lose(struct wst_http2_side *s)
{
    if (s->inflater) nghttp2_hd_inflate_del(s->inflater);
    s->inflater = NULL;
}

/* With an empty table whatever the sender's holds: a place is counted from the newest, so what was
 * added since is found where the sender means it, and what is older is not found at all. */
static bool hpack_ready(struct wst_http2_side *s, struct wst_http2_env *env)
{
    if (s->inflater) return true;
    if (nghttp2_hd_inflate_new2(&s->inflater, &env->memory) != 0) {
        s->inflater = NULL;
        return false;
    }
    return nghttp2_hd_inflate_change_table_size(s->inflater, WST_HTTP2_TABLE_MAX) == 0;
}

bool wst_hpack_push(struct wst_http2_side *s, struct wst_http2_env *env, struct wst_slice bytes,
                    bool last)
{
    static const uint8_t nothing = 0;
    if (!hpack_ready(s, env)) {
        s->holed = true;
        return false;
    }
    if (!bytes.p) bytes.p = &nothing;
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(s->inflater, &nv, &flags, bytes.p, bytes.n, last);
        if (n < 0 || (size_t)n > bytes.n) {
            if (n == NGHTTP2_ERR_NOMEM) s->holed = true; /* who sent it did nothing wrong */
            wst_hpack_lose(s);
            return false;
        }
        bytes = wst_slice_skip(bytes, (size_t)n);
        if (flags & NGHTTP2_HD_INFLATE_EMIT) hpack_field(s, env, &nv);
        if (flags & NGHTTP2_HD_INFLATE_FINAL) nghttp2_hd_inflate_end_headers(s->inflater);
        if (flags & NGHTTP2_HD_INFLATE_FINAL || (!(flags & NGHTTP2_HD_INFLATE_EMIT) && !bytes.n))
            return true;
    }
}

/* SPDX-License-Identifier: MIT
 *
 * In: header blocks, by the piece. Out: their fields, one behind the other; nghttp2 takes them
 * apart. Refuses to keep more of one block than limits.max_head: the rest is read, for the table,
 * and passed over.
 */
#include <stdlib.h>

#include "http2.h"

/* -- memory, which is paid for ----------------------------------------------------------------- */

struct charged { /* stands in front of what was handed out */
    _Alignas(max_align_t) size_t n;
};

static void *charged_new(size_t n, void *user)
{
    struct charged *p = n < SIZE_MAX / 2 ? wst_budget_new(user, n + sizeof *p) : NULL;
    if (!p) return NULL;
    p->n = n + sizeof *p;
    return p + 1;
}

static void charged_free(void *what, void *user)
{
    struct charged *p = what;
    if (!p) return;
    wst_budget_give(user, p[-1].n);
    free(p - 1);
}

static void *charged_array(size_t n, size_t each, void *user) /* wst_budget_new clears it */
{
    return each && n > SIZE_MAX / 2 / each ? NULL : charged_new(n * each, user);
}

static void *charged_resize(void *what, size_t n, void *user)
{
    void *more = charged_new(n, user);
    if (!more || !what) return more;
    size_t was = ((struct charged *)what)[-1].n - sizeof(struct charged);
    memcpy(more, what, was < n ? was : n);
    charged_free(what, user);
    return more;
}

void wst_http2_env_init(struct wst_http2_env *env, const struct wst_options *options,
                        struct wst_budget *budget)
{
    env->options = options;
    env->budget = budget;
    env->memory = (nghttp2_mem){budget, charged_new, charged_free, charged_array, charged_resize};
}

/* -- fields ------------------------------------------------------------------------------------ */

struct field { /* stands in front of its name and value */
    uint32_t name, value;
};

bool wst_http2_field(struct wst_slice *fields, struct wst_header *field)
{
    struct field f;
    if (fields->n < sizeof f) return false;
    memcpy(&f, fields->p, sizeof f);
    *fields = wst_slice_skip(*fields, sizeof f);
    field->name = wst_slice_head(*fields, f.name);
    *fields = wst_slice_skip(*fields, f.name);
    field->value = wst_slice_head(*fields, f.value);
    *fields = wst_slice_skip(*fields, f.value);
    return true;
}

static void hpack_field(struct wst_http2_side *s, struct wst_http2_env *env, const nghttp2_nv *nv)
{
    struct field f = {(uint32_t)nv->namelen, (uint32_t)nv->valuelen};
    size_t cap = env->options->limits.max_head;
    if (s->unwanted) return;
    s->unwanted = s->connects && wst_slice_is(wst_slice_of(nv->name, nv->namelen), ":method") &&
                  !wst_slice_is(wst_slice_of(nv->value, nv->valuelen), "CONNECT");
    if (nv->namelen > cap || nv->valuelen > cap ||
        !wst_buf_reserve(&s->fields, env->budget, sizeof f + nv->namelen + nv->valuelen, cap))
        return;
    wst_buf_append(&s->fields, env->budget, wst_slice_of(&f, sizeof f), cap);
    wst_buf_append(&s->fields, env->budget, wst_slice_of(nv->name, nv->namelen), cap);
    wst_buf_append(&s->fields, env->budget, wst_slice_of(nv->value, nv->valuelen), cap);
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

/* SPDX-License-Identifier: MIT
 *
 * In: field sections, and what fills the table that they refer to. Out: their fields, packed;
 * nghttp3 takes them apart. Refuses to keep more of one section than limits.max_head.
 *
 * A place in the table is sent as a remainder, and how large the table may grow says of what
 * (RFC 9204 section 4.5.1.1): so a decoder has exactly the capacity that the reader allows.
 */
#include "fields.h"
#include "http3.h"

enum { ANSWERS = 64 }; /* bytes that one call makes a decoder want to say to its encoder, at most */

void wst_http3_env_init(struct wst_http3_env *env, const struct wst_options *options,
                        struct wst_budget *budget)
{
    env->options = options;
    env->budget = budget;
}

/* -- the table --------------------------------------------------------------------------------- */

/* nghttp3 0.8 dies of an assertion, or forgets memory, when it lets go of a decoder to which memory
 * was refused. So it is not asked to: all that a decoder has is known. */
static void table_drop(struct wst_http3_table *t)
{
    wst_charged_free_all(&t->charged);
    t->decoder = NULL;
}

void wst_qpack_lose(struct wst_http3_table *t, struct wst_http3_env *env)
{
    table_drop(t);
    wst_buf_free(&t->early, env->budget);
    t->lost = true;
}

void wst_qpack_free(struct wst_http3_table *t, struct wst_http3_env *env)
{
    table_drop(t);
    wst_buf_free(&t->early, env->budget);
}

/* While nobody knows its capacity, or what was in it, only what needs none is read. */
static bool table_ready(struct wst_http3_table *t, struct wst_http3_env *env)
{
    if (t->decoder) return true;
    size_t capacity = t->known && !t->lost ? (size_t)t->capacity : 0;
    t->charged = (struct wst_charged){.budget = env->budget};
    t->memory = (nghttp3_mem){&t->charged, wst_charged_new, wst_charged_free, wst_charged_array,
                              wst_charged_resize};
    if (nghttp3_qpack_decoder_new(&t->decoder, capacity, WST_HTTP3_BLOCKED, &t->memory) == 0)
        return true;
    table_drop(t);
    return false;
}

/* What it would say to the encoder is the peer's to say. */
static void table_hush(struct wst_http3_table *t)
{
    uint8_t said[ANSWERS];
    nghttp3_buf buf = {said, said + sizeof said, said, said};
    size_t n = nghttp3_qpack_decoder_get_decoder_streamlen(t->decoder);
    if (n && n <= sizeof said) nghttp3_qpack_decoder_write_decoder(t->decoder, &buf);
}

bool wst_qpack_insert(struct wst_http3_table *t, struct wst_http3_env *env, struct wst_slice bytes)
{
    if (t->lost || !bytes.n) return true;
    if (!t->known) {
        if (!wst_buf_append(&t->early, env->budget, bytes, env->options->limits.max_early))
            wst_qpack_lose(t, env);
        return true;
    }
    if (!table_ready(t, env)) {
        wst_qpack_lose(t, env);
        return true;
    }
    nghttp3_ssize n = nghttp3_qpack_decoder_read_encoder(t->decoder, bytes.p, bytes.n);
    if (n < 0 || (size_t)n != bytes.n) {
        wst_qpack_lose(t, env);
        return n == NGHTTP3_ERR_NOMEM; /* who sent it did nothing wrong */
    }
    table_hush(t);
    if (t->charged.used > WST_HTTP3_TABLE_MAX) wst_qpack_lose(t, env);
    return true;
}

bool wst_qpack_allow(struct wst_http3_table *t, struct wst_http3_env *env, uint64_t capacity)
{
    if (t->known) return true;
    t->known = true;
    t->capacity = capacity;
    t->lost |= (size_t)capacity != capacity; /* no table here can be so large */
    table_drop(t); /* it was made for none */
    struct wst_buf early = t->early;
    t->early = (struct wst_buf){0};
    bool sound = wst_qpack_insert(t, env, wst_buf_slice(&early));
    wst_buf_free(&early, env->budget);
    return sound;
}

uint64_t wst_qpack_inserted(const struct wst_http3_table *t)
{
    return t->decoder ? nghttp3_qpack_decoder_get_icnt(t->decoder) : 0;
}

/* -- sections ---------------------------------------------------------------------------------- */

static struct wst_slice text_of(nghttp3_rcbuf *buf)
{
    nghttp3_vec v = nghttp3_rcbuf_get_buf(buf);
    return wst_slice_of(v.base, v.len);
}

/* Returns whether more of them are wanted. */
static bool section_field(struct wst_http3_env *env, nghttp3_qpack_nv *nv, bool connects,
                          struct wst_buf *fields)
{
    struct wst_slice name = text_of(nv->name), value = text_of(nv->value);
    bool other = connects && wst_slice_is(name, ":method") && !wst_slice_is(value, "CONNECT");
    wst_fields_put(fields, env->budget, name, value, env->options->limits.max_head);
    nghttp3_rcbuf_decref(nv->name);
    nghttp3_rcbuf_decref(nv->value);
    return !other;
}

static enum wst_qpack_read section_fields(struct wst_http3_table *t, struct wst_http3_env *env,
                                          nghttp3_qpack_stream_context *context,
                                          struct wst_slice bytes, bool whole, bool connects,
                                          struct wst_buf *fields, uint64_t *needs)
{
    for (;;) {
        nghttp3_qpack_nv nv;
        uint8_t flags = 0;
        nghttp3_ssize n = nghttp3_qpack_decoder_read_request(t->decoder, context, &nv, &flags,
                                                             bytes.p, bytes.n, whole);
        if (n == NGHTTP3_ERR_NOMEM) return WST_QPACK_REFUSED;
        if (n < 0 || (size_t)n > bytes.n) return WST_QPACK_BROKEN;
        bytes = wst_slice_skip(bytes, (size_t)n);
        if (flags & NGHTTP3_QPACK_DECODE_FLAG_BLOCKED) {
            *needs = nghttp3_qpack_stream_context_get_ricnt(context);
            return whole ? WST_QPACK_WAITS : WST_QPACK_MISSING;
        }
        bool emitted = flags & NGHTTP3_QPACK_DECODE_FLAG_EMIT;
        if (emitted && !section_field(env, &nv, connects, fields)) return WST_QPACK_READ;
        if (flags & NGHTTP3_QPACK_DECODE_FLAG_FINAL) return WST_QPACK_READ;
        if (!emitted && !bytes.n) return WST_QPACK_MISSING;
    }
}

enum wst_qpack_read wst_qpack_read(struct wst_http3_table *t, struct wst_http3_env *env,
                                   struct wst_slice section, bool whole, bool connects,
                                   struct wst_buf *fields, uint64_t *needs)
{
    nghttp3_qpack_stream_context *context = NULL;
    fields->n = 0;
    *needs = 0;
    if (!section.n) return whole ? WST_QPACK_BROKEN : WST_QPACK_MISSING;
    if (section.p[0]) { /* it needs the table */
        if (t->lost) return WST_QPACK_MISSING;
        if (!t->known) return whole ? WST_QPACK_WAITS : WST_QPACK_MISSING;
    }
    if (!table_ready(t, env)) return WST_QPACK_REFUSED;
    enum wst_qpack_read is = WST_QPACK_REFUSED;
    if (nghttp3_qpack_stream_context_new(&context, 0, &t->memory) == 0)
        is = section_fields(t, env, context, section, whole, connects, fields, needs);
    if (is < WST_QPACK_REFUSED) {
        nghttp3_qpack_stream_context_del(context);
        table_hush(t);
        return is;
    }
    table_drop(t); /* after an error it reads nothing more; one without a table is made anew */
    t->lost |= t->known && t->capacity;
    return is;
}

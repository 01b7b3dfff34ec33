/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of each stream. Out: frames in turn.
 */
#include "charged.h"
#include "http3.h"

void wst_http3_env_init(struct wst_http3_env *env, const struct wst_options *options,
                        struct wst_budget *budget)
{
    env->options = options;
    env->budget = budget;
    env->memory = (nghttp3_mem){budget, wst_charged_new, wst_charged_free, wst_charged_array,
                                wst_charged_resize};
}

void wst_http3_init(struct wst_http3 *h, void *conversation)
{
    h->conversation = conversation;
}

void wst_http3_free(struct wst_http3 *h, struct wst_http3_env *env)
{
    (void)h, (void)env;
}

void wst_http3_push(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    (void)h, (void)env, (void)id, (void)dir, (void)bytes, (void)a;
}

void wst_http3_gap(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                   uint64_t n, const struct wst_arrival *a)
{
    (void)h, (void)env, (void)id, (void)dir, (void)n, (void)a;
}

void wst_http3_fin(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    (void)h, (void)env, (void)id, (void)dir, (void)a;
}

void wst_http3_reset(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                     uint64_t code, const struct wst_arrival *a)
{
    (void)h, (void)env, (void)id, (void)dir, (void)code, (void)a;
}

void wst_http3_one_sided(struct wst_http3 *h)
{
    (void)h;
}

void wst_http3_end(struct wst_http3 *h, struct wst_http3_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    (void)h, (void)env, (void)how, (void)a;
}

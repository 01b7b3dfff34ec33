/* SPDX-License-Identifier: MIT
 *
 * The tls room by itself: what it opened, piece by piece, what it said was lost, what it noted.
 */
#ifndef WST_TEST_TLS_ROOM_H
#define WST_TEST_TLS_ROOM_H

#include "guard.h"
#include "keylog.h"
#include "session.h"

struct room_piece { /* one record's plaintext, or a loss */
    uint8_t dir;
    bool lost, exact;
    size_t at, n; /* in room.bytes; of a loss: n bytes */
    uint64_t pkt; /* that completed it */
};

struct room {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_tls_env env;
    struct wst_tls tls;
    struct wst_arrival arrival;
    enum wst_dir left; /* who ends the connection below TLS */
    bool reset;
    struct room_piece pieces[4096];
    size_t pieces_n;
    uint8_t *bytes;
    size_t n, size;
    unsigned problems[WST_PROBLEMS], sealed;
    unsigned wanted;
    char detail[1024];   /* of the last problem */
    char secrets[16384]; /* lines of the connection being opened */
    void (*on_wanted)(struct room *room);
    const void *user;
};

static inline void room_plain(void *user, void *conversation, enum wst_dir dir,
                              struct wst_slice bytes, const struct wst_arrival *a)
{
    struct room *r = user;
    assert_ptr_equal(conversation, r);
    assert_true(r->pieces_n < ARRAY(r->pieces));
    assert_true(bytes.n > 0);
    while (r->n + bytes.n > r->size) {
        r->size = r->size ? r->size * 2 : 65536;
        r->bytes = realloc(r->bytes, r->size);
        assert_non_null(r->bytes);
    }
    memcpy(r->bytes + r->n, bytes.p, bytes.n);
    r->pieces[r->pieces_n++] =
        (struct room_piece){.dir = (uint8_t)dir, .at = r->n, .n = bytes.n, .pkt = a->when.pkt};
    r->n += bytes.n;
}

static inline void room_lost(void *user, void *conversation, enum wst_dir dir, uint64_t bytes,
                             bool exact, const struct wst_arrival *a)
{
    struct room *r = user;
    assert_ptr_equal(conversation, r);
    assert_true(r->pieces_n < ARRAY(r->pieces));
    r->pieces[r->pieces_n++] = (struct room_piece){
        .dir = (uint8_t)dir, .lost = true, .exact = exact, .n = bytes, .pkt = a->when.pkt};
}

static inline void room_problem(void *user, void *conversation, enum wst_problem problem,
                                enum wst_dir dir, bool sealed, const char *detail,
                                const struct wst_arrival *a)
{
    struct room *r = user;
    (void)dir;
    (void)a;
    assert_ptr_equal(conversation, r);
    assert_true(strlen(detail) < sizeof r->detail && !strchr(detail, '\n'));
    strcpy(r->detail, detail);
    r->problems[problem]++;
    r->sealed += sealed;
}

static inline void room_secrets(void *user, struct wst_slice lines)
{
    struct room *r = user;
    size_t n = strlen(r->secrets);
    assert_true(n + lines.n < sizeof r->secrets);
    memcpy(r->secrets + n, lines.p, lines.n);
    r->secrets[n + lines.n] = '\0';
}

static inline void room_wanted(void *user)
{
    struct room *r = user;
    r->wanted++;
    if (r->on_wanted) r->on_wanted(r);
}

static inline void room_init(struct room *r)
{
    memset(r, 0, sizeof *r);
    wst_options_init(&r->options);
    r->options.hash_seed[0] = 1;
    r->budget.max = r->options.limits.memory;
    r->env = (struct wst_tls_env){.user = r,
                                  .plain = room_plain,
                                  .lost = room_lost,
                                  .problem = room_problem,
                                  .secrets = room_secrets};
    assert_true(wst_tls_env_init(&r->env, &r->options, &r->budget));
    wst_tls_init(&r->tls, r, 0);
    r->left = WST_DIR_NONE;
}
static inline void room_keys(struct room *r, const char *lines)
{
    wst_keylog_push(r->env.keylog, (struct wst_slice){(const uint8_t *)lines, strlen(lines)}, true);
}
static inline void room_arrive(struct room *r)
{
    r->arrival.when.pkt++;
    r->arrival.when.ns += 1000000;
    r->arrival.from = r->arrival.when.pkt;
}
static inline void room_push(struct room *r, enum wst_dir dir, const void *p, size_t n)
{
    room_arrive(r);
    wst_tls_push(&r->tls, &r->env, dir, (struct wst_slice){p, n}, &r->arrival);
}
static inline void room_gap(struct room *r, enum wst_dir dir, uint64_t n)
{
    room_arrive(r);
    wst_tls_gap(&r->tls, &r->env, dir, n, &r->arrival);
}
static inline void room_end(struct room *r)
{
    room_arrive(r);
    wst_tls_end(&r->tls, &r->env, r->left, r->reset, &r->arrival);
}
/* A new connection; the secrets stay. */
static inline void room_again(struct room *r)
{
    wst_tls_free(&r->tls, &r->env);
    r->tls = (struct wst_tls){0};
    wst_tls_init(&r->tls, r, 0);
    r->pieces_n = 0;
    r->n = 0;
    r->sealed = 0;
    r->secrets[0] = r->detail[0] = '\0';
    memset(r->problems, 0, sizeof r->problems);
}
/* All that was taken from the budget must have come back. */
static inline void room_free(struct room *r)
{
    wst_tls_free(&r->tls, &r->env);
    wst_tls_env_free(&r->env);
    assert_int_equal(r->budget.used, 0);
    free(r->bytes);
}

/* What a direction said, joined; losses left out. The caller frees it. */
static inline uint8_t *room_said(const struct room *r, enum wst_dir dir, size_t *n)
{
    uint8_t *all = malloc(r->n + 1);
    assert_non_null(all);
    *n = 0;
    for (size_t i = 0; i < r->pieces_n; i++) {
        const struct room_piece *p = &r->pieces[i];
        if (p->dir != dir || p->lost) continue;
        memcpy(all + *n, r->bytes + p->at, p->n);
        *n += p->n;
    }
    return all;
}
static inline unsigned room_losses(const struct room *r)
{
    unsigned n = 0;
    for (size_t i = 0; i < r->pieces_n; i++) n += r->pieces[i].lost;
    return n;
}

#endif

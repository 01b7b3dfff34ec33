/* SPDX-License-Identifier: MIT
 *
 * What was delivered last, against a model that keeps all of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlap.h"

enum { RING = 1 << 16, STREAMS = 3000, EACH = 4096, PIECE_MAX = 64 };

static uint32_t random_next(uint32_t *state) /* xorshift */
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

struct direction {
    uint32_t stream, begin; /* its first sequence number */
    unsigned side;
    size_t n;
    uint8_t bytes[EACH];
    uint64_t at[EACH];     /* of each: how many bytes of all had been delivered before */
    uint64_t record[EACH]; /* the piece it was delivered in, counted over all */
};

static void deliver(struct wst_overlap *o, struct direction *d, uint64_t *written, uint64_t *pieces,
                    uint32_t *x)
{
    size_t n = 1 + random_next(x) % PIECE_MAX;
    if (d->n + n > EACH) return;
    for (size_t i = 0; i < n; i++) {
        d->bytes[d->n + i] = (uint8_t)random_next(x);
        d->at[d->n + i] = *written + i;
        d->record[d->n + i] = *pieces;
    }
    wst_overlap_remember(o, d->stream, d->side, d->begin + (uint32_t)d->n,
                         (struct wst_slice){d->bytes + d->n, n});
    d->n += n;
    *written += n;
    ++*pieces;
}

/* Bytes of a direction again, some of them changed: those that are remembered are told. A piece is
 * remembered while all of it is in the ring, and 2048 pieces are. */
static void repeat(struct wst_overlap *o, const struct direction *d, uint64_t written,
                   uint64_t pieces, uint32_t *x)
{
    if (!d->n) return;
    uint8_t again[3 * PIECE_MAX];
    size_t from = random_next(x) % d->n, n = 1 + random_next(x) % sizeof again, differing = 0;
    if (n > d->n - from) n = d->n - from;
    memcpy(again, d->bytes + from, n);
    for (size_t i = 0; i < n; i++) {
        size_t k = from + i, first = k;
        if (random_next(x) % 8) continue;
        again[i] ^= 0x55;
        while (first && d->record[first - 1] == d->record[k]) first--;
        differing += written - d->at[first] <= RING && pieces - d->record[k] <= OVERLAP_RECORDS;
    }
    assert_int_equal(wst_overlap_differing(o, d->stream, d->side, d->begin + (uint32_t)from,
                                           (struct wst_slice){again, n}),
                     differing);
}

/* `active` directions speak at a time: one chain that is all of the ring, or many that share. */
static void check_model(unsigned active)
{
    static struct direction all[STREAMS];
    struct wst_overlap o;
    uint32_t x = 4711;
    uint64_t written = 0, pieces = 0;
    assert_true(wst_overlap_init(&o, RING));
    for (uint32_t i = 0; i < STREAMS; i++)
        all[i] = (struct direction){.stream = i / 2, .side = i % 2, .begin = 0u - i * 1000};
    for (unsigned step = 0; step < 60000; step++) {
        struct direction *d = &all[(step / 20000 * active + random_next(&x) % active) % STREAMS];
        deliver(&o, d, &written, &pieces, &x);
        repeat(&o, &all[random_next(&x) % 4 ? (size_t)(d - all) : random_next(&x) % STREAMS],
               written, pieces, &x);
    }
    assert_true(written > 2 * RING || active == 1);
    wst_overlap_free(&o);
}

static void test_model(void **state)
{
    (void)state;
    check_model(1);
    check_model(40);
    check_model(STREAMS);
}

/* The oldest piece is there as long as all of it is. */
static void test_edge(void **state)
{
    static uint8_t bytes[RING / 4], others[RING / 4];
    const struct wst_slice sent = {bytes, sizeof bytes}, again = {others, sizeof others};
    struct wst_overlap o;
    (void)state;
    memset(others, 1, sizeof others);
    assert_true(wst_overlap_init(&o, RING));
    for (uint32_t i = 0; i < 4; i++) wst_overlap_remember(&o, 7, 1, i * (RING / 4), sent);
    assert_int_equal(wst_overlap_differing(&o, 7, 1, 0, again), RING / 4);
    assert_int_equal(wst_overlap_differing(&o, 7, 1, 0, sent), 0);
    wst_overlap_remember(&o, 7, 1, RING, (struct wst_slice){bytes, 1});
    assert_int_equal(wst_overlap_differing(&o, 7, 1, 0, again), 0);
    assert_int_equal(wst_overlap_differing(&o, 7, 1, RING / 4, again), RING / 4);
    wst_overlap_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_model), cmocka_unit_test(test_edge)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

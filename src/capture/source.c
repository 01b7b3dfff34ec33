/* SPDX-License-Identifier: MIT
 *
 * In: bytes of a supply, read here or by a pump. Out: as many in a row as are wanted.
 * Refuses nothing; see source.h for what happens to broken input.
 */
#include "source.h"

#include "stopwatch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- opening ---- */

/* What the supply's error is, is the source's. */
static void see_end(struct wst_source *s)
{
    s->ended = true;
    if (!s->error[0]) memcpy(s->error, s->supply.error, sizeof s->error);
}

static int opened(struct wst_source *s, int rc)
{
    if (rc < 0) see_end(s);
    return rc;
}

int wst_source_open(struct wst_source *s, const char *name, const atomic_bool *stop)
{
    memset(s, 0, sizeof *s);
    return opened(s, wst_supply_open(&s->supply, name, stop));
}

int wst_source_open_fd(struct wst_source *s, int fd, const atomic_bool *stop)
{
    memset(s, 0, sizeof *s);
    return opened(s, wst_supply_open_fd(&s->supply, fd, stop));
}

void wst_source_open_memory(struct wst_source *s, struct wst_slice bytes)
{
    memset(s, 0, sizeof *s);
    wst_supply_open_memory(&s->supply, bytes);
}

/* Short stretches many times, for what lies in a file changes on the way. */
static const struct wst_trial_rules ways = {
    .stretch = 1, .pairs = 3, .kept = 32, .kept_most = 4096, .gain = 0.03};

void wst_source_pump(struct wst_source *s, size_t round)
{
    if (s->pump || s->ended || !(s->pump = wst_pump_begin(&s->supply))) return;
    s->round = round;
    s->round_from = s->base + s->end;
    s->draining = round; /* it has begun */
    if (round) wst_trial_begin(&s->trial, &ways, wst_stopwatch_wall());
}

void wst_source_close(struct wst_source *s)
{
    wst_pump_end(s->pump);
    s->pump = NULL;
    wst_supply_close(&s->supply);
    s->ended = true;
    free(s->own);
    s->own = s->buf = NULL;
    s->base += s->pos;
    s->pos = s->end = s->cap = 0;
}

/* ---- a buffer of our own ---- */

static bool grow(struct wst_source *s, size_t cap)
{
    uint8_t *own = realloc(s->own, cap);
    if (!own) {
        s->ended = true;
        if (!s->error[0]) snprintf(s->error, sizeof s->error, "out of memory");
        return false;
    }
    s->own = s->buf = own;
    s->cap = cap;
    return true;
}

static void drop_taken(struct wst_source *s)
{
    memmove(s->buf, s->buf + s->pos, s->end - s->pos);
    s->base += s->pos;
    s->end -= s->pos;
    s->pos = 0;
}

/* Room behind `end`: first by dropping what is taken, then by doubling, so that a block's claimed
 * length costs no more memory than twice the bytes that did come. */
static bool make_room(struct wst_source *s)
{
    size_t cap = s->cap * 2;
    if (s->cap == 0) return grow(s, WST_SOURCE_FIRST_CHUNK);
    if (s->pos > 0 && !s->hold) drop_taken(s);
    if (s->cap < WST_SOURCE_CHUNK && s->base > 0) return grow(s, WST_SOURCE_CHUNK);
    if (s->end < s->cap) return true;
    s->full = s->hold && s->cap >= WST_SOURCE_HOLD_MAX;
    if (s->full) return false;
    return grow(s, s->hold && cap > WST_SOURCE_HOLD_MAX ? WST_SOURCE_HOLD_MAX : cap);
}

static bool read_more(struct wst_source *s)
{
    size_t n;
    if (!make_room(s)) return false;
    n = s->cap - s->end;
    n = wst_supply_read(&s->supply, s->buf + s->end, n < WST_SOURCE_CHUNK ? n : WST_SOURCE_CHUNK);
    s->end += n;
    s->consumed = s->supply.consumed;
    if (s->supply.ended) see_end(s);
    return !s->ended;
}

/* ---- the blocks of a pump ---- */

static bool lies_in_block(const struct wst_source *s)
{
    return s->buf != s->own;
}

/* What is left goes before the block's bytes. */
static void step_to(struct wst_source *s, const struct wst_pump_block *b, size_t left)
{
    bool in_block = lies_in_block(s);
    uint8_t *to = b->bytes - left;
    if (left) memcpy(to, s->buf + s->pos, left);
    if (in_block) wst_pump_give_back(s->pump);
    s->base += s->pos;
    s->buf = to;
    s->pos = 0;
    s->end = left + b->n;
}

/* What is left does not fit before the block's bytes: both are copied, and will be until the record
 * that is so long has been taken. */
static bool gather(struct wst_source *s, const struct wst_pump_block *b, size_t left)
{
    const uint8_t *from = s->buf + s->pos;
    bool in_block = lies_in_block(s);
    size_t cap = s->cap ? s->cap : WST_SOURCE_CHUNK;
    if (!in_block && s->pos > 0) drop_taken(s);
    while (cap < left + b->n) cap *= 2;
    if (cap > s->cap && !grow(s, cap)) return false;
    if (in_block) {
        memcpy(s->own, from, left);
        s->base += s->pos;
        s->pos = 0;
        wst_pump_give_back(s->pump);
    }
    s->buf = s->own;
    memcpy(s->buf + left, b->bytes, b->n);
    s->end = left + b->n;
    wst_pump_give_back(s->pump);
    return true;
}

static bool take_block(struct wst_source *s)
{
    const struct wst_pump_block *b = wst_pump_take(s->pump);
    size_t left = s->end - s->pos;
    s->consumed = b->consumed;
    if (b->last) see_end(s);
    if (left > WST_PUMP_FRONT) return gather(s, b, left);
    step_to(s, b, left);
    return true;
}

/* ---- by the pump or here ---- */

/* What is left of a block comes into our own buffer, behind which reading goes on. */
static bool leave_block(struct wst_source *s)
{
    size_t left = s->end - s->pos, cap = s->cap ? s->cap : WST_SOURCE_CHUNK;
    const uint8_t *from = s->buf + s->pos;
    while (cap < left) cap *= 2;
    if (cap > s->cap && !grow(s, cap)) return false; /* what is left is still good */
    memcpy(s->own, from, left);
    wst_pump_give_back(s->pump);
    s->buf = s->own;
    s->base += s->pos;
    s->pos = 0;
    s->end = left;
    return true;
}

/* Whose turn it is. */
static bool pumped(const struct wst_source *s)
{
    return !s->round || wst_trial_second(&s->trial);
}

static void look_at_trial(struct wst_source *s)
{
    uint64_t got = s->base + s->end;
    if (got - s->round_from < s->round) return;
    if (wst_trial_round(&s->trial, got - s->round_from)) {
        bool before = pumped(s);
        wst_trial_next(&s->trial, wst_stopwatch_wall());
        if (!before && pumped(s)) wst_pump_go_on(s->pump);
        s->draining = before && !pumped(s);
    }
    s->round_from = got;
}

/* The pump rests, and all that it read has been taken: now it is our turn. */
static bool drained(struct wst_source *s)
{
    if (!wst_pump_rest(s->pump)) return false;
    s->draining = false;
    s->round_from = s->base + s->end;
    wst_trial_anew(&s->trial, wst_stopwatch_wall());
    return true;
}

static bool more(struct wst_source *s)
{
    if (!s->pump) return read_more(s);
    if (s->round && !s->draining) look_at_trial(s);
    if (pumped(s) || (s->draining && !drained(s))) return take_block(s);
    return (!lies_in_block(s) || leave_block(s)) && read_more(s);
}

/* ---- what readers call ---- */

size_t wst_source_fill(struct wst_source *s, size_t n)
{
    while (s->end - s->pos < n && !s->ended)
        if (!more(s)) break;
    return s->end - s->pos;
}

size_t wst_source_read(struct wst_source *s, uint8_t *to, size_t n)
{
    size_t have = wst_source_want(s, 1);
    if (n > have) n = have;
    if (n == 0) return 0;
    memcpy(to, s->buf + s->pos, n);
    s->pos += n;
    return n;
}

void wst_source_hold(struct wst_source *s)
{
    s->hold = true;
}

void wst_source_rewind(struct wst_source *s)
{
    s->pos = 0;
    s->hold = false;
}

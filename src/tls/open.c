/* SPDX-License-Identifier: MIT
 *
 * In: a sealed record, or bytes in which one is looked for. Out: its plaintext, and what was lost
 * before it. Refuses to guess: which keys and which number are right is what the tag says.
 *
 *   tried in this order          number
 *   the keys in use              the expected one; then, when records were lost, from the last good
 *                                one on, as many as fit into the bytes that were not read
 *   those after key updates      from 0 on, when updates may be among what was lost
 *   the epochs to come           from 0 on
 */
#include "session.h"

#include <stdio.h>

enum {
    HEAD = 5,
    RECORD_MIN = 22, /* a head, a byte and a tag: the smallest worth counting */
    CHAIN = 16 + 48  /* before a record in TLS 1.0: its IV, and the MAC behind that */
};

/* -- trying ------------------------------------------------------------------------------------ */

/* How many numbers beyond the first may be right. */
static uint64_t range_of(const struct wst_tls_side *side)
{
    if (!side->unframed) return side->failed < 8 ? side->failed : 8;
    uint64_t n = side->unread / RECORD_MIN + 2;
    return n < WST_TLS_RANGE ? n : WST_TLS_RANGE;
}

/* How many at least were lost: as many as the largest records fill the bytes; and when the range
 * does not reach from none to all, about as many as those of the size seen so far would. */
static uint64_t skipped(const struct wst_tls_side *side)
{
    uint64_t least = side->unread / (HEAD + WST_TLS_RECORD);
    if (!side->unframed || !side->records) return least;
    uint64_t likely = side->unread / (side->sealed / side->records + 1);
    uint64_t from = likely > WST_TLS_RANGE / 2 ? likely - WST_TLS_RANGE / 2 : 0;
    return from > least ? from : least;
}

struct trial {
    const struct wst_tls_step *step;
    const struct wst_tls_record *record;
    uint8_t *room, *type;
    struct wst_slice *plain;
};

static bool try_number(const struct trial *x, struct wst_tls_keys *k, uint64_t seq)
{
    const struct wst_tls_side *side = wst_tls_side_of(x->step);
    const uint8_t *iv = !seq             ? k->iv
                        : side->has_last ? side->last_block + 16 - k->row->block
                                         : NULL;
    if (!wst_tls_open(k, seq, iv, x->record, x->room, x->type, x->plain)) return false;
    k->seq = seq;
    return true;
}

static bool try_range(const struct trial *x, struct wst_tls_keys *k, uint64_t from, uint64_t n)
{
    struct wst_tls_side *side = wst_tls_side_of(x->step);
    for (uint64_t i = 0; i <= n; i++) {
        if (!side->tries) return false;
        side->tries--;
        if (try_number(x, k, from + i)) return true;
    }
    return false;
}

/* Key updates may have been lost: their keys are tried like those of epochs to come. */
static void expect_updates(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    const struct wst_tls_keys *last = side->now;
    int n = 0;
    while (n < WST_TLS_EPOCHS && side->next[n]) last = side->next[n++];
    if (!last || last->version != WST_TLS_1_3 || !last->application || last->update ||
        s->tls->early == WST_TLS_EARLY_OFFERED)
        return;
    for (; n < WST_TLS_EPOCHS && last; last = side->next[n++])
        side->next[n] = wst_tls_keys_updated(&s->env->crypto, last);
}

/* There was none. */
static void forget_updates(struct wst_tls_side *side)
{
    for (int i = 0; i < WST_TLS_EPOCHS; i++) { /* the last ones */
        if (!side->next[i] || !side->next[i]->update) continue;
        wst_tls_keys_free(side->next[i]);
        side->next[i] = NULL;
    }
}

/* The keys that open the record; NULL: none of those there are. */
static struct wst_tls_keys *open_slowly(const struct trial *x)
{
    struct wst_tls_side *side = wst_tls_side_of(x->step);
    uint64_t range = range_of(side);
    if (x->step->tls->midst && !side->opened && !side->now)
        return wst_tls_midst_open(x->step, x->record, x->room, x->type, x->plain);
    bool lost = side->failed || side->unframed;
    if (side->now && lost && try_range(x, side->now, side->now->good + skipped(side), range))
        return side->now;
    if (lost) expect_updates(x->step);
    bool sealed13 = x->step->tls->version == WST_TLS_1_3;
    for (int i = 0; i < WST_TLS_EPOCHS && side->next[i]; i++) {
        if (!sealed13 && !side->armed && !side->unframed) break;
        if (try_range(x, side->next[i], 0, range)) return side->next[i];
    }
    return NULL;
}

/* -- what was lost ----------------------------------------------------------------------------- */

static void tell_lost(const struct wst_tls_step *s, uint64_t bytes, bool exact, uint64_t records)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    char detail[160];
    if (side->unframed)
        snprintf(detail, sizeof detail, "a record opens again; %llu bytes before it were not read",
                 (unsigned long long)side->unread);
    else
        snprintf(detail, sizeof detail, "%llu record%s, %llu bytes, %s",
                 (unsigned long long)records, records == 1 ? "" : "s",
                 (unsigned long long)side->unread,
                 side->holed ? "not wholly in the capture" : "with a wrong tag");
    s->env->problem(s->env->user, s->tls->conversation,
                    side->unframed || side->holed ? WST_PROBLEM_TLS_RESYNC
                                                  : WST_PROBLEM_TLS_BAD_RECORD,
                    s->dir, false, detail, s->arrival);
    if (bytes || !exact)
        s->env->lost(s->env->user, s->tls->conversation, s->dir, bytes, exact, s->arrival);
}

/* Record k->seq of `k` was opened; `now` is still what was in use before. */
static void losses(const struct wst_tls_step *s, const struct wst_tls_keys *k)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    const struct wst_tls_keys *now = side->now;
    if (now == k) {
        uint64_t records = k->seq - k->good;
        if (!k->application) return;
        if (!records) { /* what did not open stood between two that follow each other */
            if (side->failed) tell_lost(s, 0, true, side->failed);
            return;
        }
        bool exact = side->exact && !side->unframed && records == side->failed;
        tell_lost(s, exact ? side->plain_lost : side->unread, exact, records);
        return;
    }
    bool before = now ? now->application && side->unread
                      : s->dir == WST_C2S && s->tls->early == WST_TLS_EARLY_UNKNOWN && side->unread;
    if (before || (k->application && (k->seq || k->update)))
        tell_lost(s, side->unread, false, side->failed);
}

/* Keys proved right: what came before them is over. */
static void commit(struct wst_tls_side *side, struct wst_tls_keys *k)
{
    int at = 0;
    while (side->next[at] != k) wst_tls_keys_free(side->next[at++]);
    int left = WST_TLS_EPOCHS - at - 1;
    memmove(side->next, side->next + at + 1, (size_t)left * sizeof *side->next);
    memset(side->next + left, 0, (size_t)(at + 1) * sizeof *side->next);
    wst_tls_keys_free(side->now);
    side->now = k;
    k->update = false;
    side->armed = false;
}

static void settle(const struct wst_tls_step *s, struct wst_tls_keys *k)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (side->unread || k->seq != k->good || k != side->now) losses(s, k);
    if (k != side->now) commit(side, k);
    forget_updates(side);
    if (s->dir == WST_S2C && k->application && s->tls->early == WST_TLS_EARLY_OFFERED)
        s->tls->early = WST_TLS_EARLY_UNKNOWN; /* where the answer stood was not read */
    k->good = ++k->seq;
    side->unread = side->plain_lost = 0;
    side->failed = 0;
    side->tries = WST_TLS_TRIES;
    side->exact = side->opened = true;
    side->holed = side->unframed = side->searching = false;
}

bool wst_tls_record_open(const struct wst_tls_step *s, const struct wst_tls_record *r,
                         uint8_t *type, struct wst_slice *plain)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    struct wst_buf *room = &s->env->room[s->tls->depth];
    if (room->room < WST_TLS_RECORD && !wst_buf_room(room, s->env->budget, WST_TLS_RECORD))
        return false;
    struct trial x = {s, r, room->p, type, plain};
    struct wst_tls_keys *k = side->now;
    if (k) k->chained = false;
    for (int i = 0; i < WST_TLS_EPOCHS && side->next[i]; i++) side->next[i]->chained = false;
    if (!k || !try_number(&x, k, k->seq)) k = open_slowly(&x);
    if (!k) return false;
    side->sealed += HEAD + r->body.n;
    side->records++;
    settle(s, k);
    return true;
}

void wst_tls_record_failed(const struct wst_tls_step *s, uint8_t type, size_t body)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    int overhead = side->now ? wst_tls_overhead(side->now) : -1;
    side->unread += HEAD + body;
    side->failed++;
    if (overhead < 0)
        side->exact = false;
    else if (type == 23 && body >= (size_t)overhead)
        side->plain_lost += body - (size_t)overhead;
    if (side->now) side->now->seq++;
    side->message.n = 0; /* a handshake message is broken off */
    side->skip_message = 0;
    bool refused_early = s->dir == WST_C2S && s->tls->early != WST_TLS_EARLY_NONE;
    if (!s->tls->side[0].opened && !s->tls->side[1].opened && !refused_early &&
        side->failed >= WST_TLS_STRANGERS)
        wst_tls_seal(s, WST_PROBLEM_TLS_WRONG_KEY, "the key does not fit");
}

bool wst_tls_record_peek(const struct wst_tls_step *s, const struct wst_tls_record *r,
                         uint8_t *type, struct wst_slice *plain)
{
    struct wst_tls_keys *k = wst_tls_side_of(s)->now;
    struct wst_buf *room = &s->env->room[s->tls->depth];
    if (!k || (room->room < WST_TLS_RECORD && !wst_buf_room(room, s->env->budget, WST_TLS_RECORD)))
        return false;
    struct trial x = {s, r, room->p, type, plain};
    return try_number(&x, k, k->seq);
}

/* Whose MAC, behind the ciphertext, was right for the record that was tried last; or NULL. */
static const struct wst_tls_keys *chained(const struct wst_tls_side *side)
{
    if (side->now && side->now->chained) return side->now;
    for (int i = 0; i < WST_TLS_EPOCHS && side->next[i]; i++)
        if (side->next[i]->chained) return side->next[i];
    return NULL;
}

/* Encrypt-then-MAC proves the ciphertext, not the IV: a block that nothing proved would make
 * another block of plaintext, and no MAC would tell. */
void wst_tls_remember_block(struct wst_tls_side *side, struct wst_slice body)
{
    const struct wst_tls_keys *k = side->now ? side->now : side->next[0];
    size_t n = sizeof side->last_block, mac = 0;
    if (k && k->etm) {
        k = chained(side);
        side->has_last = false;
        if (!k) return;
        mac = k->mac_n; /* stands behind */
    }
    side->has_last = body.n >= n + mac;
    if (side->has_last) memcpy(side->last_block, body.p + body.n - mac - n, n);
}

/* -- searching --------------------------------------------------------------------------------- */

void wst_tls_search_begin(const struct wst_tls_step *s, uint64_t n)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    side->unread += n;
    side->unframed = side->searching = true;
    side->exact = false;
    side->searched = 0;
    side->message.n = 0;
    side->skip_message = 0;
    if (!side->tries) side->tries = WST_TLS_TRIES;
}

/* A head that this connection's peers would write. */
static bool head_credible(const struct wst_tls *t, const uint8_t *p)
{
    bool new = t->version == WST_TLS_1_3;
    size_t n = wst_be16(p + 3);
    if (p[0] > 23 || p[0] < (new ? 23 : 20)) return false;
    return wst_be16(p + 1) == (new ? WST_TLS_1_2 : t->version) && n >= RECORD_MIN - HEAD &&
           n <= WST_TLS_RECORD;
}

/* Tries the record at `at`, which is whole. */
static bool search_try(const struct wst_tls_step *s, size_t at)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    const uint8_t *p = side->record.p + at;
    struct wst_tls_record r = {p, wst_slice_of(p + HEAD, wst_be16(p + 3))};
    struct wst_buf *room = &s->env->room[s->tls->depth];
    uint8_t type;
    struct wst_slice plain;
    if (room->room < WST_TLS_RECORD && !wst_buf_room(room, s->env->budget, WST_TLS_RECORD))
        return false;
    struct wst_tls_keys *likely = side->now ? side->now : side->next[0];
    if (likely) likely->chained = true; /* the bytes before it are there, without a hole */
    wst_tls_remember_block(side, wst_slice_of(side->record.p, at));
    struct trial x = {s, &r, room->p, &type, &plain};
    uint64_t before = side->unread;
    side->unread += at;
    struct wst_tls_keys *k = open_slowly(&x);
    if (!k) {
        side->unread = before;
        return false;
    }
    /* It is read like any other, next: with the number that is now known. */
    if (k != side->now || k->seq != k->good) losses(s, k);
    if (k != side->now) commit(side, k);
    forget_updates(side);
    k->good = k->seq;
    side->unread = 0;
    side->searching = false;
    return true;
}

static void search_forget(struct wst_tls_side *side, size_t n)
{
    side->unread += n;
    side->searched = side->searched > n ? side->searched - (uint32_t)n : 0;
    wst_buf_drop(&side->record, n);
}

static void search_give_up(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    wst_tls_lost_at_end(s);
    wst_buf_free(&side->record, s->env->budget);
    side->dead = true;
}

/* The place of the first record that opens; -1: none. *keep: the first that is not whole yet. */
static ptrdiff_t search_scan(const struct wst_tls_step *s, size_t *keep)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    const struct wst_buf *b = &side->record;
    *keep = b->n;
    for (size_t at = 0; at < b->n && side->tries; at++) {
        const uint8_t *p = b->p + at;
        size_t left = b->n - at;
        if (left >= HEAD && !head_credible(s->tls, p)) continue;
        if (left < HEAD && (p[0] > 23 || p[0] < 20)) continue;
        size_t total = left < HEAD ? HEAD : HEAD + (size_t)wst_be16(p + 3);
        if (left < HEAD || left < total) {
            if (*keep == b->n) *keep = at;
            continue;
        }
        if (at + total > side->searched && search_try(s, at)) return (ptrdiff_t)at;
    }
    return -1;
}

bool wst_tls_search(const struct wst_tls_step *s, struct wst_slice bytes)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    struct wst_buf *b = &side->record;
    do {
        size_t take = WST_TLS_SEARCH - b->n < bytes.n ? WST_TLS_SEARCH - b->n : bytes.n, keep;
        side->from = s->arrival->from; /* at the latest */
        if (!wst_buf_append(b, s->env->budget, wst_slice_head(bytes, take), WST_TLS_SEARCH)) {
            search_give_up(s);
            return false;
        }
        bytes = wst_slice_skip(bytes, take);
        ptrdiff_t at = search_scan(s, &keep);
        if (at >= 0) {
            wst_buf_drop(b, (size_t)at);
            if (wst_buf_append(b, s->env->budget, bytes, SIZE_MAX)) return true;
            side->unread += bytes.n;
            search_give_up(s);
            return false;
        }
        if (!side->tries) {
            search_give_up(s);
            return false;
        }
        side->searched = (uint32_t)b->n;
        size_t context = s->tls->version == WST_TLS_1_0 ? CHAIN : 0;
        size_t forget = keep > context ? keep - context : 0;
        if (!forget && b->n == WST_TLS_SEARCH) forget = 1; /* cannot be: a record is shorter */
        search_forget(side, forget);
    } while (bytes.n);
    return false;
}

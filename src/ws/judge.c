/* SPDX-License-Identifier: MIT */
#include "judge.h"

#include <stdlib.h>

#include "ending.h"
#include "fnv.h"

enum {
    KEYS_CONSTANT = 4, /* frames with one key: by chance once in 2^96 */
    KEYS_FEW = 16,     /* frames with no more than WST_WS_KEYS keys: once in 2^370 */
    PONGS_MAX = 8,     /* that no ping was seen for, where one may come yet; the same */
    PINGS_MAX = 16,    /* not answered yet, a direction; the oldest makes room and is forgotten */
};
#define SECOND_NS 1000000000ll
static const int64_t unanswered_ns = 1 * SECOND_NS; /* an endpoint that lives answers sooner */
static const int64_t late_ns = WST_WS_LATE * SECOND_NS;

/* -- masking keys, section 5.3 ------------------------------------------------------------------
 *
 * Of a sender that draws its keys at random the first five differ, and the first four never come
 * again one after the other: by chance once in 2^128 at each frame. A generator that runs in a
 * circle brings them back, however long that is (Boost.Beast 1.74: 16 keys, sixteen times over).
 */

static uint32_t turned(uint32_t v) /* the same four bytes, read from the other end */
{
    return v >> 24 | (v >> 8 & 0xff00) | (v << 8 & 0xff0000) | v << 24;
}

static bool keys_step(const struct wst_ws *ws, uint32_t fifth, bool turn, uint32_t *step)
{
    uint32_t before = turn ? turned(ws->keys[0]) : ws->keys[0];
    for (unsigned i = 1; i <= WST_WS_KEYS; i++) {
        uint32_t key = i < WST_WS_KEYS ? ws->keys[i] : fifth;
        if (turn) key = turned(key);
        if (i > 1 && key - before != *step) return false;
        *step = key - before;
        before = key;
    }
    return true;
}

static void keys_fifth(const struct wst_ws_step *s, uint32_t key, uint64_t n, uint64_t msg)
{
    const uint32_t *k = s->ws->keys;
    uint32_t step;
    s->ws->keys_n = WST_WS_KEYS + 1;
    s->ws->keys_judged = keys_step(s->ws, key, false, &step) || keys_step(s->ws, key, true, &step);
    if (s->ws->keys_judged)
        wst_ws_problemf(s, WST_PROBLEM_FRAME_MASK_SEQUENTIAL, n, msg,
                        "the keys are %08x, %08x, %08x, %08x, %08x: a step of %d each", k[0], k[1],
                        k[2], k[3], key, (int)(int32_t)step);
}

static void keys_again(const struct wst_ws_step *s, uint32_t key, uint64_t n, uint64_t msg)
{
    const uint32_t *k = s->ws->keys;
    /* All four differ: one that is not the next may be the first, and no other. */
    if (key != k[s->ws->keys_again]) s->ws->keys_again = 0;
    if (key == k[s->ws->keys_again]) s->ws->keys_again++;
    if (s->ws->keys_again < WST_WS_KEYS) return;
    s->ws->keys_judged = true;
    wst_ws_problemf(s, WST_PROBLEM_FRAME_MASK_FEW, n, msg,
                    "the first four keys, %08x, %08x, %08x and %08x, come again in this order",
                    k[0], k[1], k[2], k[3]);
}

static void keys_repeated(const struct wst_ws_step *s, uint64_t n, uint64_t msg)
{
    struct wst_ws *ws = s->ws;
    if (ws->keys_n == 1 && ws->keys_seen == KEYS_CONSTANT) {
        ws->keys_judged = true;
        if (ws->keys[0]) /* zero has a finding of its own */
            wst_ws_problemf(s, WST_PROBLEM_FRAME_MASK_CONSTANT, n, msg,
                            "the first %u frames all have the key %08x", ws->keys_seen,
                            ws->keys[0]);
    } else if (ws->keys_seen == KEYS_FEW) {
        ws->keys_judged = true;
        wst_ws_problemf(s, WST_PROBLEM_FRAME_MASK_FEW, n, msg,
                        "the first %u frames have %u keys, among them %08x and %08x", ws->keys_seen,
                        ws->keys_n, ws->keys[0], ws->keys[1]);
    }
}

void wst_judge_key(const struct wst_ws_step *s, const struct wst_frame *f, uint64_t n, uint64_t msg)
{
    struct wst_ws *ws = s->ws;
    uint32_t key = wst_be32(f->key);
    if (!f->len) return; /* nothing was masked with it */
    if (!key)
        wst_ws_problem(s, WST_PROBLEM_FRAME_MASK_ZERO, n, msg,
                       "the masking key is 00000000: the payload is sent as it is");
    if (ws->keys_judged) return;
    if (ws->keys_n > WST_WS_KEYS) {
        keys_again(s, key, n, msg);
        return;
    }
    unsigned i = 0;
    while (i < ws->keys_n && ws->keys[i] != key) i++;
    ws->keys_seen++;
    if (i == WST_WS_KEYS) {
        keys_fifth(s, key, n, msg);
        return;
    }
    if (i == ws->keys_n) ws->keys[ws->keys_n++] = key;
    keys_repeated(s, n, msg);
}

/* -- pings and pongs, sections 5.5.2 and 5.5.3 ------------------------------------------------- */

struct ping {
    uint64_t n, offset;
    uint64_t hash; /* of its payload */
    int64_t ns;
    uint32_t len;
    bool answered; /* a pong with this payload came, or may have: it may have been for this one */
    bool excused;  /* a later one was answered, which does for this one; its pong may come yet */
    bool idle;     /* its sender had closed: who knows that owes nothing, and may answer */
};

struct pong { /* for which no ping waits: one may be captured behind it */
    uint64_t n, offset, hash;
    uint32_t len;
};

struct wst_ws_pings { /* of one direction, oldest first: those that are excused, then those that
                         wait */
    uint8_t n;
    bool torn;    /* some were forgotten or not seen: a pong may be for one of them */
    bool blurred; /* a pong came before what it answers: what comes later may be answered already */
    int64_t closing_ns;
    bool closing;
    struct ping at[PINGS_MAX];
    uint8_t pongs; /* the other side's */
    struct pong pong[PONGS_MAX];
};

/* Two payloads with one hash cost a note at most. */
static uint64_t ping_hash(struct wst_slice s)
{
    uint64_t h = WST_FNV_BEGIN;
    for (size_t i = 0; i < s.n; i++) h = wst_fnv_byte(h, s.p[i]);
    return h;
}

bool wst_judge_blind(const struct wst_ws_side *side)
{
    /* Just found again: the frame in question may have been among those that were not read. */
    return side->blind || side->joined || side->mode == WST_WS_SEEK || side->probation;
}

/* Something of that direction is missing. */
static bool pings_holes(const struct wst_ws_side *side)
{
    return side->gaps || wst_judge_blind(side);
}

static void pings_free(struct wst_ws *ws, struct wst_ws_env *env, int d)
{
    if (!ws->control || !ws->control->pings[d]) return;
    wst_budget_give(env->budget, sizeof *ws->control->pings[d]);
    free(ws->control->pings[d]);
    ws->control->pings[d] = NULL;
}

void wst_judge_free(struct wst_ws *ws, struct wst_ws_env *env)
{
    pings_free(ws, env, 0);
    pings_free(ws, env, 1);
}

static struct wst_ws_pings *pings_of(const struct wst_ws_step *s, enum wst_dir dir)
{
    struct wst_ws_control *control = wst_ending_control(s);
    struct wst_ws_pings **p = control ? &control->pings[dir] : NULL;
    if (p && !*p) *p = wst_budget_new(s->env->budget, sizeof **p);
    return p ? *p : NULL;
}

static struct wst_ws_pings *pings_had(const struct wst_ws *ws, enum wst_dir dir)
{
    return ws->control ? ws->control->pings[dir] : NULL;
}

static void closing(const struct wst_ws_step *s, struct wst_ws_pings *p)
{
    if (p->closing) return;
    p->closing = true;
    p->closing_ns = s->arrival->when.ns;
}

/* A later one was answered, or may have been. */
static void pings_excused(struct wst_ws_pings *p)
{
    for (unsigned i = 0; p && i < p->n; i++) p->at[i].excused = true;
}

/* A pong for it came before. */
static bool pong_came(struct wst_ws_pings *p, uint64_t hash, size_t n)
{
    for (unsigned i = 0; i < p->pongs; i++) {
        if (p->pong[i].hash != hash || p->pong[i].len != n) continue;
        p->pongs--;
        memmove(p->pong + i, p->pong + i + 1, (p->pongs - i) * sizeof *p->pong);
        return true;
    }
    return false;
}

void wst_judge_ping(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload)
{
    struct wst_ws_pings *p;
    if (!(p = pings_of(s, s->dir))) return;
    if (s->ws->closed_by != WST_DIR_NONE) closing(s, p); /* it need not be answered, and may be */
    if (p->n == PINGS_MAX) {
        if (!p->at[0].excused) p->torn = true;
        memmove(p->at, p->at + 1, (PINGS_MAX - 1) * sizeof *p->at);
        p->n--;
    }
    /* It waited to be read: its pong may have come meanwhile. */
    bool waited = s->arrival->from != s->arrival->when.pkt;
    uint64_t hash = ping_hash(payload);
    bool came = pong_came(p, hash, payload.n);
    if (came) pings_excused(p);
    p->at[p->n++] = (struct ping){.n = n,
                                  .answered = came || waited,
                                  .offset = s->ws->side[s->dir].offset,
                                  .hash = hash,
                                  .ns = s->arrival->when.ns,
                                  .len = (uint32_t)payload.n,
                                  .idle = s->ws->side[s->dir].closed};
}

/* It waited, or what it answers may: it is late, or missing. */
static bool pong_overtakes(const struct wst_ws_step *s, enum wst_dir asked)
{
    bool waited = s->arrival->from != s->arrival->when.pkt;
    return waited || wst_ws_place_of(s, asked).behind;
}

void wst_judge_control_torn(const struct wst_ws_step *s, uint8_t opcode)
{
    enum wst_dir asked = opcode == WST_OP_PING ? s->dir : wst_dir_other(s->dir);
    struct wst_ws_pings *p = pings_of(s, asked);
    if (!p) return;
    p->torn = true;
    if (opcode != WST_OP_PONG) return;
    p->n = 0; /* it may be for any of them, and for one that comes yet */
    if (pong_overtakes(s, asked)) p->blurred = true;
}

void wst_judge_frames_lost(const struct wst_ws_step *s)
{
    struct wst_ws_pings *p = pings_had(s->ws, wst_dir_other(s->dir));
    for (unsigned i = 0; p && i < p->n; i++) p->at[i].answered = true;
}

/* Those that wait are the newest. */
static bool pings_wait(const struct wst_ws_pings *p, unsigned n)
{
    return n && !p->at[n - 1].excused;
}

/* There may have been a ping that is not among these. */
static bool pings_unseen(const struct wst_ws_step *s, const struct wst_ws_pings *p,
                         enum wst_dir asked)
{
    return (p && p->torn) || s->ws->partial || pings_holes(&s->ws->side[asked]);
}

static void pong_unasked(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload,
                         const struct wst_ws_pings *p)
{
    if (!p || !pings_wait(p, p->n))
        wst_ws_problemf(s, WST_PROBLEM_CONTROL_PONG_UNASKED, n, 0,
                        "a pong of %zu bytes, and no ping waits for one", payload.n);
    else if (payload.n)
        wst_ws_problemf(s, WST_PROBLEM_CONTROL_PONG_UNASKED, n, 0,
                        "a pong of %zu bytes, and none of the pings that wait has these",
                        payload.n);
    else /* uWSGI answers every ping so */
        wst_ws_problemf(s, WST_PROBLEM_CONTROL_PONG_UNASKED, n, 0,
                        "an empty pong, and none of the pings that wait is; the last has %u bytes, "
                        "which its answer must repeat",
                        p->at[p->n - 1].len);
}

/* Over QUIC nobody knows yet what its sender had: its ping may be in a packet that comes later. */
static bool pong_kept(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload,
                      enum wst_dir asked)
{
    struct wst_ws_pings *p = wst_ws_place_of(s, asked).later ? pings_of(s, asked) : NULL;
    if (!p) return false;
    if (p->pongs == PONGS_MAX) memmove(p->pong, p->pong + 1, --p->pongs * sizeof *p->pong);
    p->pong[p->pongs++] = (struct pong){.n = n,
                                        .offset = s->ws->side[s->dir].offset,
                                        .hash = ping_hash(payload),
                                        .len = (uint32_t)payload.n};
    return true;
}

/* All pings of the direction are known. */
static void pongs_end(const struct wst_ws_step *s, const struct wst_ws_pings *p, enum wst_dir asked)
{
    struct wst_ws_step told = *s;
    told.dir = wst_dir_other(asked);
    if (s->ws->obscure || pings_unseen(s, p, asked)) return;
    for (unsigned i = 0; i < p->pongs; i++)
        wst_ws_problem_at(&told, WST_PROBLEM_CONTROL_PONG_UNASKED, p->pong[i].n, 0,
                          (int64_t)(p->pong[i].offset & INT64_MAX),
                          "a pong of %u bytes, and no ping has these", p->pong[i].len);
}

/* It waited, or what it answers does: among the bytes that are not here yet, or never will be. */
static void pong_early(const struct wst_ws_step *s, enum wst_dir asked)
{
    struct wst_ws_pings *p = pings_of(s, asked);
    if (!p) return;
    p->torn = p->blurred = true;
    p->n = 0;
}

static bool ping_has(const struct ping *ping, uint64_t hash, size_t n)
{
    return ping->hash == hash && ping->len == n;
}

/* Which ping has this payload, rather one that waits; p->n: none. */
static unsigned ping_find(const struct wst_ws_pings *p, uint64_t hash, size_t n)
{
    unsigned found = p->n;
    for (unsigned i = 0; i < p->n; i++) {
        if (!ping_has(&p->at[i], hash, n)) continue;
        if (!p->at[i].excused) return i;
        if (found == p->n) found = i;
    }
    return found;
}

bool wst_judge_pong_due(const struct wst_ws_step *s, struct wst_slice payload, bool whole)
{
    enum wst_dir asked = wst_dir_other(s->dir);
    const struct wst_ws_pings *p = pings_had(s->ws, asked);
    if (pings_unseen(s, p, asked) || pong_overtakes(s, asked)) return true;
    if (!p) return false;
    unsigned i = whole ? ping_find(p, ping_hash(payload), payload.n) : 0; /* any may be it */
    while (!whole && i < p->n && p->at[i].idle) i++;
    return i < p->n && !p->at[i].idle;
}

static void pong_late(const struct wst_ws_step *s, uint64_t n, const struct ping *ping)
{
    int64_t after = wst_ns_between(ping->ns, s->arrival->when.ns);
    if (after < late_ns || ping->answered || ping->excused || ping->idle) return;
    wst_ws_problemf(s, WST_PROBLEM_CONTROL_PONG_LATE, n, 0,
                    "the pong came %lld.%03lld s after the ping, frame %llu",
                    (long long)(after / SECOND_NS), (long long)(after % SECOND_NS / 1000000),
                    (unsigned long long)ping->n);
}

/* The one at i was. It does for those before it, too, for only the most recent needs an answer; a
 * side may answer all in any order. */
static void pings_answered(struct wst_ws_pings *p, unsigned i)
{
    struct ping done = p->at[i];
    for (unsigned k = 0; k < i; k++) p->at[k].excused = true;
    p->n--;
    for (unsigned k = i; k < p->n; k++) {
        p->at[k] = p->at[k + 1];
        if (ping_has(&p->at[k], done.hash, done.len)) p->at[k].answered = true;
    }
}

void wst_judge_pong(const struct wst_ws_step *s, uint64_t n, struct wst_slice payload, bool at_once)
{
    enum wst_dir asked = wst_dir_other(s->dir);
    uint64_t hash = ping_hash(payload);
    unsigned i = 0;
    if (pong_overtakes(s, asked)) {
        pong_early(s, asked);
        return;
    }
    struct wst_ws_pings *p = pings_had(s->ws, asked);
    if (p) i = ping_find(p, hash, payload.n);
    if (!p || i == p->n) {
        if (pings_unseen(s, p, asked))
            pings_excused(p); /* its own may have come behind these */
        else if (!pong_kept(s, n, payload, asked))
            pong_unasked(s, n, payload, p);
        return;
    }
    if (at_once && !p->blurred) pong_late(s, n, &p->at[i]);
    pings_answered(p, i);
    if (!p->n && !p->pongs && !p->torn) pings_free(s->ws, s->env, asked);
}

void wst_judge_closing(const struct wst_ws_step *s)
{
    for (int d = 0; d < 2; d++) {
        struct wst_ws_pings *p = pings_had(s->ws, (enum wst_dir)d);
        if (p) closing(s, p);
    }
}

/* The last ping alone: a pong for it would have answered all. */
void wst_judge_pings_end(const struct wst_ws_step *s, enum wst_dir dir)
{
    const struct wst_ws_pings *p = pings_had(s->ws, dir);
    enum wst_dir other = wst_dir_other(dir);
    if (p) pongs_end(s, p, dir);
    if (!p || p->blurred || s->ws->obscure || pings_holes(&s->ws->side[other])) return;
    unsigned n = p->n;
    while (n && p->closing && p->at[n - 1].ns > p->closing_ns) n--; /* sent when it was closing */
    if (!pings_wait(p, n)) return;
    const struct ping *ping = &p->at[n - 1];
    for (unsigned i = 0; i < n; i++)
        if (!p->at[i].answered && !p->at[i].excused &&
            wst_ns_between(p->at[i].ns, ping->ns) < unanswered_ns) {
            ping = &p->at[i];
            break;
        }
    int64_t until = p->closing ? p->closing_ns : s->arrival->when.ns;
    int64_t waited = wst_ns_between(ping->ns, until);
    if (ping->answered || waited < unanswered_ns) return;
    struct wst_ws_step told = *s;
    told.dir = dir;
    wst_ws_problem_at(
        &told, WST_PROBLEM_CONTROL_PING_UNANSWERED, ping->n, 0, (int64_t)(ping->offset & INT64_MAX),
        "the ping of %u bytes had no pong in the %lld.%03lld s that followed%s", ping->len,
        (long long)(waited / SECOND_NS), (long long)(waited % SECOND_NS / 1000000),
        pings_wait(p, n - 1) ? ", nor had others" : "");
}

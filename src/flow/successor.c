/* SPDX-License-Identifier: MIT
 *
 * In: segments of an open flow that may be the first of another connection in its place. Out: they,
 * once the other side has answered. Refuses to let them end anything before that: anybody may send
 * a segment in another's name, and no endpoint would look at this one.
 */
#include <stdlib.h>

#include "buf.h"
#include "seldom.h"
#include "table.h"

enum {
    /* Connections that wait for their answer, of all flows and sides. They lie in a hash table
     * without chains: a new one takes the place of whichever lies there. */
    SUCCESSORS = 64,
    SEGMENTS = 16,        /* of one; a first window is 10 (RFC 6928) */
    BYTES = 16384,        /* of one */
    ANSWER_NEAR = 1 << 20 /* so far apart a call and its answer are at most, in either's numbers */
};

struct wst_successor {
    uint64_t hash; /* of the flow; with `side` it says whose this is */
    uint8_t side;  /* that was heard */
    uint8_t n;     /* segments; 0: the place is free */
    struct wst_successor_segment segment[SEGMENTS];
    struct wst_buf bytes;
    uint64_t left_out; /* bytes, of this one and of those in whose place it came */
};

static struct wst_successor *successor_place(const struct wst_flow_table *t,
                                             const struct wst_flow *f, unsigned side)
{
    return &t->successors[(f->hash * 2 + side) % SUCCESSORS];
}

static struct wst_successor *successor_find(const struct wst_flow_table *t,
                                            const struct wst_flow *f, unsigned side)
{
    if (!f->succeeding || !t->successors) return NULL;
    struct wst_successor *x = successor_place(t, f, side);
    return x->n && x->hash == f->hash && x->side == side ? x : NULL;
}

static void successor_drop(struct wst_flow_table *t, struct wst_successor *x)
{
    wst_buf_free(&x->bytes, t->budget);
    *x = (struct wst_successor){0};
}

static bool is_far(int32_t ahead)
{
    return ahead < -STALE_FAR || ahead > FIN_NEAR;
}

static bool is_near(uint32_t a, uint32_t b)
{
    int32_t d = wst_seq_diff(a, b);
    return d >= -ANSWER_NEAR && d <= ANSWER_NEAR;
}

static bool successor_add(struct wst_flow_table *t, struct wst_successor *x,
                          const struct wst_segment *s, const struct wst_when *when)
{
    if (x->n == SEGMENTS || !wst_buf_append(&x->bytes, t->budget, s->payload, BYTES)) return false;
    x->segment[x->n++] = (struct wst_successor_segment){.when = *when,
                                                        .seq = s->seq,
                                                        .ack = s->ack,
                                                        .flags = s->flags,
                                                        .window = s->window,
                                                        .payload_len = s->payload_len,
                                                        .captured = (uint32_t)s->payload.n};
    x->left_out += s->payload_len;
    return true;
}

WST_APART bool wst_successor_waits(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                                   const struct wst_segment *s, const struct wst_when *when)
{
    if (!s->payload_len) return !(s->flags & WST_TCP_FLAG_FIN);
    struct wst_successor *x = successor_find(t, f, side);
    if (x && is_near(s->seq, x->segment[0].seq)) {
        (void)successor_add(t, x, s, when); /* what there is no room for is a hole in it */
        return true;
    }
    if (!t->sink.begins || !t->sink.begins(t->sink.user, s->payload)) return false;
    if (!t->successors)
        t->successors = wst_budget_new(t->budget, SUCCESSORS * sizeof *t->successors);
    if (!t->successors) return false;
    uint64_t left_out = x ? x->left_out : 0;
    x = successor_place(t, f, side);
    successor_drop(t, x);
    if (!successor_add(t, x, s, when)) return false;
    x->hash = f->hash;
    x->side = (uint8_t)side;
    x->left_out += left_out;
    f->succeeding = true;
    return true;
}

bool wst_successor_is_far(const struct wst_flow *f, unsigned side, const struct wst_segment *s)
{
    const struct wst_half *h = &f->half[side], *o = &f->half[!side];
    return !f->ignored && f->state == WST_FLOW_OPEN &&
           (s->flags & (WST_TCP_FLAG_ACK | WST_TCP_FLAG_RST)) == WST_TCP_FLAG_ACK &&
           (h->flags & o->flags & WST_HALF_STARTED) && is_far(wst_seq_diff(s->seq, h->next)) &&
           is_far(wst_seq_diff(s->ack, o->next));
}

bool wst_successor_answered(const struct wst_flow_table *t, const struct wst_flow *f, unsigned side,
                            const struct wst_segment *s)
{
    const struct wst_successor *x = successor_find(t, f, !side);
    if (!x || (s->flags & (WST_TCP_FLAG_ACK | WST_TCP_FLAG_RST)) != WST_TCP_FLAG_ACK) return false;
    return is_near(s->seq, x->segment[0].ack) && is_near(s->ack, x->segment[0].seq);
}

unsigned wst_successor_take(struct wst_flow_table *t, struct wst_flow *f, unsigned side,
                            struct wst_successor_segment **segments, struct wst_buf *bytes)
{
    struct wst_successor *x = successor_find(t, f, side);
    *segments = x->segment;
    *bytes = x->bytes;
    unsigned n = x->n;
    x->bytes = (struct wst_buf){0};
    x->n = 0;
    return n;
}

WST_SELDOM void wst_successor_over(struct wst_flow_table *t, struct wst_flow *f,
                                   const struct wst_arrival *a)
{
    for (unsigned side = 0; side < 2; side++) {
        struct wst_successor *x = successor_find(t, f, side);
        if (!x) continue;
        uint64_t left_out = x->left_out;
        successor_drop(t, x);
        if (!f->ignored)
            t->sink.unbelieved(t->sink.user, f, side, left_out, WST_UNBELIEVED_CALL, a);
    }
    f->succeeding = false;
}

void wst_successor_free(struct wst_flow_table *t)
{
    if (!t->successors) return;
    for (unsigned i = 0; i < SUCCESSORS; i++) wst_buf_free(&t->successors[i].bytes, t->budget);
    wst_budget_give(t->budget, SUCCESSORS * sizeof *t->successors);
    free(t->successors);
}

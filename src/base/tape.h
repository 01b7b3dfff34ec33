/* SPDX-License-Identifier: MIT
 *
 * In: a text. Out: its JSON values (RFC 8259) as a row of nodes, parents before children, each with
 * the bytes it was read from; nothing is converted, so no digit of a number is lost.
 * Refuses what is not JSON, nests deeper than WST_TAPE_DEPTH, or has more than WST_TAPE_NODES
 * values.
 *
 * Own code, where a library would do for most: what is compared must be what was sent. A library
 * turns 12345678901234567890 and 1.0 into a double, and drops the first of two equal names.
 */
#ifndef WST_BASE_TAPE_H
#define WST_BASE_TAPE_H

#include "budget.h"

#include <wstrace/types.h>

enum {
    WST_TAPE_DEPTH = 128,    /* as deep as hand-written and most generated JSON never is */
    WST_TAPE_NODES = 1 << 20 /* 28 MiB of nodes: what one message can make us hold */
};

enum wst_tape_kind {
    WST_TAPE_OBJECT,
    WST_TAPE_ARRAY,
    WST_TAPE_STRING,
    WST_TAPE_NUMBER,
    WST_TAPE_WORD /* true, false, null */
};

struct wst_tape_node {
    uint32_t from, to;   /* its bytes in the text, quotes and brackets with them */
    uint32_t key, key_n; /* a member's name without its quotes; key == 0: no member */
    uint32_t next;       /* the node behind this one and all inside it */
    uint32_t members;    /* of an object or array */
    uint8_t kind;
    uint8_t mark;   /* the user's; 0 after reading */
    bool canonical; /* of a string: canon would write it as it is written */
    bool key_plain; /* the name means its own bytes, and is canonical */
};

struct wst_tape {
    struct wst_tape_node *nodes; /* [0] is the whole */
    uint32_t n, room;
    bool full; /* the last reading ended at a limit, or without memory: it may be JSON */
};

/* Reads all of `text`, blanks around it allowed. `text` must be UTF-8 and outlive the nodes. False:
 * refused, or no memory. The tape's memory is used again by the next reading. */
bool wst_tape_read(struct wst_tape *tape, struct wst_budget *budget, struct wst_slice text);
void wst_tape_free(struct wst_tape *tape, struct wst_budget *budget);

static inline struct wst_slice wst_tape_bytes(struct wst_slice text,
                                              const struct wst_tape_node *node)
{
    return (struct wst_slice){text.p + node->from, node->to - node->from};
}
static inline struct wst_slice wst_tape_key(struct wst_slice text, const struct wst_tape_node *node)
{
    return (struct wst_slice){text.p + node->key, node->key_n};
}

#endif

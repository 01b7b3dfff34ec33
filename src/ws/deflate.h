/* SPDX-License-Identifier: MIT
 *
 * permessage-deflate, one direction (RFC 7692 section 7.2). In: the compressed payload of one
 * message, in slices. Out: its bytes, and how many of them are known to be right.
 * Refuses to keep more than the caller's cap and to inflate beyond limits.max_inflate.
 *
 * What a direction is charged depends on what came in it alone: a history costs the same in a ring
 * of its own and in an inflater, and inflaters cost nothing but while a message that spans calls
 * keeps one. So what fits into the budget does not depend on who shares them.
 *
 * When bytes were lost, the history is made up twice, with no byte in common: output that comes
 * out the same both ways cannot depend on what was lost, and 32 KiB of such output in a row make
 * the context whole again. What comes out otherwise is FF in the output.
 */
#ifndef WST_WS_DEFLATE_H
#define WST_WS_DEFLATE_H

#include "buf.h"
#include "inflater.h"
#include "window.h"

struct wst_history { /* the last bytes that came out, WST_WINDOW at most */
    /* Owned; NULL: there are none, an inflater of the direction's own has them, or `made_up`. */
    uint8_t *p;
    uint32_t n;    /* how many they are */
    uint32_t room; /* bytes paid for, also when the inflater has them */
    uint32_t at;   /* place of the oldest; 0 until `room` is WST_WINDOW and all of it is used */
    bool made_up;  /* nobody knows them: they are all `with`, and take no memory */
    uint8_t with;
};

enum wst_deflate_state {
    WST_CONTEXT_WHOLE,
    WST_CONTEXT_SHAKEN, /* a message had no bits at all: the history stands, the sender is in doubt */
    WST_CONTEXT_LOST,   /* bytes are missing */
    WST_CONTEXT_BROKEN, /* the sender's data were bad */
};

struct wst_deflate {               /* the compression context of one direction */
    struct wst_history history[2]; /* [1]: the other made-up one, while not whole */
    struct wst_inflater *own;      /* holds the bytes of history[0]; or NULL */
    /* While the context is not whole: so many bytes, the last ones, came out the same with both
     * made-up histories, or without a fault. WST_WINDOW of them make it whole. */
    uint32_t agreed;
    uint8_t state; /* enum wst_deflate_state */
    bool takeover; /* the context goes on from message to message */
    bool starved;  /* no memory for a history */
    bool doubted;  /* since the last loss a message was told to refer to what is not known */
    struct wst_window *window; /* checks the distances; NULL: any will do */
};

enum wst_inflate_end {
    WST_INFLATE_OK,
    WST_INFLATE_BAD,       /* not deflate data, or a distance before the beginning */
    WST_INFLATE_TRUNCATED, /* ends inside a block */
    WST_INFLATE_LIMIT,     /* beyond max_inflate */
    WST_INFLATE_STARVED,   /* no memory */
};

/* One message being inflated. */
struct wst_inflation {
    struct wst_deflate *context;
    struct wst_inflater *by[2]; /* [1] only while the context is not whole */
    struct wst_buf *out;        /* the first `cap` bytes go here, after what it holds */
    size_t cap, begin;
    size_t paid;         /* for inflaters, from begin to finish */
    uint64_t len;        /* bytes that came out */
    uint64_t known;      /* of them, from the front, known to be right */
    uint64_t last_doubt; /* place after the last byte that differed */
    uint8_t tail[4];     /* the last four bytes put in */
    uint64_t in;         /* bytes put in */
    enum wst_inflate_end end;
    const char *why; /* zlib's word for what is BAD; static, or NULL */
    bool stopped;    /* a final block (BFINAL) ended with the input */
};

struct wst_deflate *wst_deflate_new(struct wst_inflaters *all, bool takeover, bool whole);
/* Holds the sender to a window of 2 to the `bits`. Without memory for that it is not held. */
void wst_deflate_hold(struct wst_inflaters *all, struct wst_deflate *context, unsigned bits);
void wst_deflate_free(struct wst_inflaters *all, struct wst_deflate *context);
/* Whether anything was inflated that later messages may refer to. */
bool wst_deflate_remembers(const struct wst_deflate *context);
/* Whether any bytes came out, the same with both made-up histories. */
static inline bool wst_deflate_read_some(const struct wst_deflate *context)
{
    return context->state == WST_CONTEXT_WHOLE ? wst_deflate_remembers(context) : context->agreed;
}
/* Compressed bytes went missing, or were bad: what follows may refer to anything. */
void wst_deflate_lose(struct wst_inflaters *all, struct wst_deflate *context,
                      enum wst_deflate_state why);

/* Whether `in`, the payload of one message, can be what a compressor wrote: it inflates to the end,
 * with any history. *out: what came out, for as far as it is kept; bytes of the history it refers
 * to stand as spaces. Valid until the next call. */
bool wst_deflate_plausible(struct wst_inflaters *all, struct wst_slice in, struct wst_slice *out);

/* `spans`: it will go on in a later call, and pays for the inflater that it keeps until then. */
void wst_inflation_begin(struct wst_inflaters *all, struct wst_inflation *inflation,
                         struct wst_deflate *context, struct wst_buf *out, size_t cap, bool spans);
void wst_inflation_feed(struct wst_inflaters *all, struct wst_inflation *inflation,
                        struct wst_slice in);
/* The message is over (`whole`) or its rest is lost. Gives the inflaters back; the context takes in
 * what came out. Fills inflation->end, len and known. */
void wst_inflation_finish(struct wst_inflaters *all, struct wst_inflation *inflation, bool whole);

#endif

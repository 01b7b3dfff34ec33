/* SPDX-License-Identifier: MIT
 *
 * Inside the room: what was said, as connections made of items. An item is one message, control
 * frame, finding or line of a handshake, and its canonical text is the very text that stands in a
 * golden; so a capture is compared with a golden by comparing bytes, and looked into only where
 * they differ.
 *
 *     connection GET /chat             the key, by which connections are paired
 *       status 101                     items of kind WST_ITEM_HEAD
 *       > json {"type": "join"}        2 blanks, direction, what
 *       < text "one\n"
 *              "two"                   4 blanks or more: goes on
 */
#ifndef WST_CHECK_SESSION_H
#define WST_CHECK_SESSION_H

#include "arena.h"
#include "canon.h"
#include "settings.h"

enum wst_item_kind {
    WST_ITEM_HEAD, /* of the handshake; direction none */
    WST_ITEM_MESSAGE,
    WST_ITEM_PING,
    WST_ITEM_PONG,
    WST_ITEM_CLOSE,
    WST_ITEM_OTHER, /* findings, reserved opcodes */
    WST_ITEM_KINDS
};

/* All items of a session lie in one row, as they came, and so do their texts: recording goes
 * through memory from front to back, however many connections take turns. */
struct wst_item {
    const uint8_t *text; /* canonical: in the session's pages, or the golden's */
    uint32_t n;          /* bytes of it, the newline at the end among them */
    uint8_t kind;
    int8_t dir;          /* enum wst_dir */
    bool redacted;       /* holds placeholders */
    bool floats;         /* a pong: stands behind the ping it answers, wherever its side was */
    uint32_t connection; /* index; until the session is sealed */
    uint32_t answers;    /* 1 + which item of the connection, of the other side, it is a reply to;
                            0: none */
    uint32_t line;       /* in the golden; 0: not from one */
    uint64_t first_pkt, pkt;
    int64_t ns;         /* time of pkt */
    int64_t silence_ns; /* since what happened before it in the connection */
    uint64_t key;       /* hash of the text without the numbers of redacted values */
};

struct wst_connection {
    uint64_t conn;          /* in the timeline; 0: a golden's */
    uint32_t line;          /* in the golden */
    uint32_t n;             /* items */
    struct wst_item *items; /* the session's, once it is sealed; a golden's begin with the first */
    uint32_t *order;        /* into the session's: indexes in canonical order; NULL: as they lie */
    struct wst_recording *recording; /* owned; until it is sealed; NULL: nothing to remember yet */
    int64_t last_ns;                 /* of what was recorded last */
    struct wst_connection *pair;     /* of the other session, when compared */
    bool shifted;                    /* items of the pair were missing, extra or moved */
    uint64_t key;                    /* of the connection line, without values */
    uint64_t whole;                  /* of all items, in order */
};

struct wst_session {
    const struct wst_check_settings *settings;
    struct wst_check_settings *own; /* a golden's, freed with it */
    bool refiltered;                /* its head names another filter, or none */
    struct wst_budget budget;
    struct wst_canon canon;
    struct wst_connection **connections; /* owned; by number while recording, then in order */
    uint32_t n, room;
    struct wst_item *items; /* owned */
    uint32_t items_n, items_room;
    uint32_t *order; /* owned: connection after connection; NULL: a golden's lie in order */
    uint64_t counts[WST_ITEM_KINDS];
    struct wst_ink ink;      /* the item at hand */
    struct wst_arena pages;  /* the texts of those before */
    struct wst_slice golden; /* as given, borrowed; of one that lies elsewhere its beginning */
    struct wst_golden_source source; /* where the rest lies; read == NULL: it is all here */
    struct wst_buf beginning;
    bool read;           /* the body was, if there is one */
    struct wst_buf text; /* a golden's, whole, once its body was read */
    uint32_t head_lines;
    struct wst_slice head;       /* of a golden: all before its first connection */
    uint64_t known;              /* the highest number of a connection of the capture */
    uint64_t gaps, late, unread; /* as in the facts … */
    bool quic;                   /* … and this */
    bool opened;                 /* some of it was encrypted */
    bool failed, sealed;
};

static inline struct wst_item *wst_connection_item(const struct wst_connection *c, uint32_t i)
{
    return &c->items[c->order ? c->order[i] : i];
}
static inline struct wst_slice wst_item_text(const struct wst_item *item)
{
    return (struct wst_slice){item->text, item->n};
}
/* The i-th item is wanted, and some behind it will be: with many connections, each would wait for
 * memory. */
static inline const struct wst_item *wst_connection_ahead(const struct wst_connection *c,
                                                          uint32_t i)
{
    enum { ITEMS = 12, TEXTS = 6 };

    if (i + ITEMS < c->n) __builtin_prefetch(wst_connection_item(c, i + ITEMS));
    if (i + TEXTS < c->n) __builtin_prefetch(wst_connection_item(c, i + TEXTS)->text);
    return wst_connection_item(c, i);
}

/* The last or a new connection or item, zeroed; NULL: no memory, and the session has failed. */
struct wst_connection *wst_session_add_connection(struct wst_session *session);
struct wst_item *wst_session_add_item(struct wst_session *session, uint32_t connection,
                                      enum wst_item_kind kind);

#define WST_GOLDEN_FIRST_LINE "wstrace golden 1"
/* golden.c: whether a session is written just as the body of an unread golden; reads that body. */
bool wst_golden_is_text_of(const struct wst_session *golden, const struct wst_session *seen);
bool wst_golden_read_body(struct wst_session *golden, struct wst_check_error *error);
/* layout.c: the order within a connection and among connections; the numbers of values. */
void wst_layout(struct wst_session *session);
/* session.c: fills in the keys of items and connections. */
void wst_session_keys(struct wst_session *session);
/* Equal but for the numbers of redacted values. */
bool wst_item_same(const struct wst_session *s, const struct wst_item *x, const struct wst_item *y);
/* The same of two texts. */
bool wst_session_same(const struct wst_session *s, struct wst_slice p, struct wst_slice q);
/* If `text` begins with a redacted value, <NAME-12>, its length and rule and number; else 0. */
size_t wst_session_value(const struct wst_session *session, struct wst_slice text, uint32_t *rule,
                         uint32_t *number);

#endif

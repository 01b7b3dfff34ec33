/* SPDX-License-Identifier: MIT
 *
 * Inside the explain room: what is explained, and what is known around it.
 */
#ifndef WST_EXPLAIN_SUBJECT_H
#define WST_EXPLAIN_SUBJECT_H

#include <wstrace/explain.h>
#include <wstrace/wire.h>

#include "inflate.h"
#include "paper.h"

enum {
    SUBJECT_HEADER_MAX = 14,
    SUBJECT_RAW_MAX = 16 << 20, /* compressed bytes of a message that are kept */
    SUBJECT_OUT_MAX = 64 << 20, /* bytes it may inflate to; the bomb of the captures has 32 MiB */
    SUBJECT_RUNS = 64,          /* messages that the history is told apart by */
};

/* A header as its bytes say it (RFC 6455 section 5.2); judged elsewhere. */
struct wst_header_bits {
    uint8_t bytes[SUBJECT_HEADER_MAX];
    unsigned have, need; /* bytes there are; bytes the header has, as far as these tell */
    bool fin, masked;
    uint8_t rsv, opcode, len7;
    unsigned extended; /* bits of extended payload length: 0, 16, 64 */
    uint64_t len;      /* when have >= need; else as much as is known */
    uint8_t key[4];
};
/* Reads the header at the front of p[0, n). */
void wst_header_bits(struct wst_header_bits *h, const uint8_t *p, size_t n);

struct wst_run { /* a piece of history: the last n bytes of a message */
    uint64_t msg;
    uint32_t n;
};

/* One direction of a connection: what a frame in it continues, and refers to. */
struct wst_stream {
    bool open, compressed, text; /* a message has begun and is not over */
    bool torn;                   /* bytes of it are missing */
    bool closed;                 /* a close frame was sent */
    bool unsure;                 /* what came before is not known: a message may be open */
    uint64_t msg, frames;        /* of the open message; frames so far */
    uint8_t open_char[4];        /* of plain text: a character that its frames left open */
    size_t open_char_n;
    uint8_t *raw; /* its payload so far, unmasked; only when compressed */
    size_t raw_n, raw_room;
    uint8_t *history; /* text of earlier compressed messages: the last WST_WALK_WINDOW bytes */
    size_t history_n;
    uint8_t *doubt;    /* for each byte of it 1: it is not known */
    bool history_lost; /* something before is not known */
    bool doubted;      /* something in it is not */
    struct wst_run runs[SUBJECT_RUNS];
    unsigned runs_n;
};
void wst_stream_free(struct wst_stream *s);
/* Takes a data frame in: raw grows, and what is told of the message. False: no memory. */
bool wst_stream_frame(struct wst_stream *s, const struct wst_header_bits *h, struct wst_slice plain,
                      bool deflate, uint64_t msg);
/* The message is over: its text becomes history. `doubt`: which bytes of it are not known, or NULL.
 */
void wst_stream_remember(struct wst_stream *s, struct wst_slice text, const uint8_t *doubt,
                         bool takeover);
void wst_stream_over(struct wst_stream *s);
/* Which message the byte `back` bytes before the end of the history is of; 0: not known. */
uint64_t wst_stream_message_at(const struct wst_stream *s, size_t back);

/* What segments count the bytes of. */
enum wst_inside { WST_INSIDE_TCP, WST_INSIDE_TLS, WST_INSIDE_STREAM, WST_INSIDE_QUIC };
enum wst_inside wst_inside_of(const struct wst_event_handshake *h);

enum wst_known { WST_UNKNOWN = -1, WST_NO = 0, WST_YES = 1 };

struct wst_subject { /* a frame */
    const struct wst_explain_options *options;
    struct wst_header_bits header;
    struct wst_slice payload; /* as on the wire; as much as there is */
    struct wst_slice plain;   /* the same unmasked */
    enum wst_dir dir;         /* WST_DIR_NONE: guessed from the mask */
    enum wst_known deflate;   /* whether permessage-deflate was agreed on */
    bool takeover;            /* the context goes on to the next message */
    bool before_open, before_closed,
        before_unsure;               /* a message was open, a close frame sent, before this frame */
    const struct wst_stream *stream; /* with this frame taken in */
    uint64_t conn, n;                /* 0: bytes that were typed */
    const struct wst_event *event;   /* or NULL */
    const struct wst_wire_segment *segments;
    size_t segments_n;
    uint64_t unlisted;
    enum wst_inside inside;
};

/* How many payload bytes the capture lacks, as far as segments tell; `payload` ends at the first of
 * them, and others may lie behind. Of typed bytes whatever is not there. */
uint64_t wst_payload_lacks(const struct wst_subject *s);
/* grid.c: the figure of RFC 6455 section 5.2, with this frame's bits in it. */
void wst_grid_draw(struct wst_paper *p, const struct wst_subject *s);
enum wst_ink wst_bit_ink(const struct wst_header_bits *h, unsigned bit);
/* fields.c: each field, its bits and what they mean; the bytes; the segments. */
void wst_fields_explain(struct wst_paper *p, const struct wst_subject *s);
void wst_bytes_explain(struct wst_paper *p, const struct wst_subject *s);
void wst_segments_explain(struct wst_paper *p, const char *key,
                          const struct wst_wire_segment *segments, size_t n, uint64_t unlisted,
                          enum wst_inside inside);
/* payload.c: unmasking, what it says. */
void wst_payload_explain(struct wst_paper *p, const struct wst_subject *s);
/* deflate.c: the walk through the compressed bytes of a message; wst_walk_free() it. */
void wst_deflate_explain(struct wst_paper *p, const struct wst_subject *s, bool whole,
                         struct wst_walk *walk);
/* walks.c */
/* `open`: bytes of a character that an earlier frame began; `more`: the text goes on. */
void wst_utf8_explain(struct wst_paper *p, struct wst_slice open, struct wst_slice text, bool more,
                      bool all);
/* The bytes of a character that is begun and not over where the text ends: 0 to 3, into `to`. */
size_t wst_utf8_left_open(struct wst_slice open, struct wst_slice text, uint8_t to[4]);
void wst_base64_explain(struct wst_paper *p, const char *key, const char *heading,
                        struct wst_slice text, bool all);
/* Decodes standard base64 with padding. Bytes written to out; -1: it is none, or longer. */
int wst_base64_decode(struct wst_slice text, uint8_t *out, size_t room);
/* reasons.c: why a line of a handshake is there, or what is wrong with it; NULL: nobody knows. */
enum { HANDSHAKE_LINES = 256 }; /* of each head */
/* Takes the next line off the front of a head; empty: the head is over. */
struct wst_slice wst_head_line(struct wst_slice *rest);
const char *wst_status_reason(int32_t status);
/* `head`: all of it, for lines of one name are one list. */
const char *wst_field_reason(struct wst_slice head, struct wst_slice name, struct wst_slice value,
                             bool response, int32_t status);
/* Over HTTP/2, or HTTP/3. */
const char *wst_stream_reason(const struct wst_header *field, bool response, int32_t status,
                              bool h3);
/* offers.c */
void wst_offers_explain(struct wst_paper *p, const struct wst_event_handshake *e);
/* handshake.c, closing.c */
void wst_handshake_explain(struct wst_paper *p, const struct wst_wire_handshake *h,
                           const struct wst_explain_options *options,
                           const struct wst_wire_packet *syn, unsigned syn_n);

#endif

/* SPDX-License-Identifier: MIT
 *
 * Where a protocol says what it found in a message, packet by packet. In: its words. Out: a
 * wst_app_said, valid until the next message.
 * Refuses more than WST_SAY_PACKETS packets of a message and WST_SAY_FIELDS fields of them all:
 * packets are counted then.
 */
#ifndef WST_APPS_SAY_H
#define WST_APPS_SAY_H

#include "asks.h"
#include "json.h"

#include <wstrace/apps.h>

enum {
    WST_SAY_PACKETS = 256,      /* a broker that was held up sends many in one message */
    WST_SAY_FIELDS = 2048,      /* of all of them */
    WST_SAY_SCRATCH = 64 * 1024 /* bytes of values that are not borrowed from the message */
};

struct wst_say {
    struct wst_budget *budget;
    struct wst_json_text json;
    const struct wst_tape_node *read; /* what the last reading gave, of json.text */
    const struct wst_event *event; /* the message */
    struct wst_asks *asks;         /* of its connection */
    struct wst_app_total *total;
    struct wst_app_said said;
    struct wst_app_packet *packet; /* the one that fields go to; NULL: one too many */
    size_t fields_n, scratch_n;
    struct wst_app_packet packets[WST_SAY_PACKETS];
    struct wst_app_field fields[WST_SAY_FIELDS];
    uint8_t scratch[WST_SAY_SCRATCH];
};

/* A packet begins; the words below are of it, until the next. `name`: static storage. */
void wst_say_packet(struct wst_say *say, const char *name);

/* A field of its envelope; names are static storage. Null slices say nothing. */
void wst_say_text(struct wst_say *say, const char *name, struct wst_slice s); /* or bytes */
void wst_say_bytes(struct wst_say *say, const char *name, struct wst_slice s);
void wst_say_json(struct wst_say *say, const char *name, struct wst_slice s);
void wst_say_number(struct wst_say *say, const char *name, int64_t value);
void wst_say_flag(struct wst_say *say, const char *name, bool value);
void wst_say_word(struct wst_say *say, const char *name, const char *word); /* static storage */

/* What it carries: text if it is UTF-8, else bytes; or JSON. `omitted`: bytes that are not in it;
 * of a text, half a character before them is none, either. */
void wst_say_body(struct wst_say *say, struct wst_slice s, uint64_t omitted);
void wst_say_body_bytes(struct wst_say *say, struct wst_slice s, uint64_t omitted);
void wst_say_body_json(struct wst_say *say, struct wst_slice s);

/* It says that something failed. */
void wst_say_error(struct wst_say *say);
/* It began in an earlier message. */
void wst_say_began(struct wst_say *say, uint64_t msg);
/* It wants an answer that bears this id; it is one to what bears it, of the other side. Kinds of
 * ids that are numbered apart have a `space` each. Of questions without ids (empty ones) the oldest
 * is answered; of several that bear the same, it is not known which. */
void wst_say_asks(struct wst_say *say, uint8_t space, struct wst_slice id);
void wst_say_answers(struct wst_say *say, uint8_t space, struct wst_slice id);
/* It may get an answer, or none: a question only when there is one. */
void wst_say_may_ask(struct wst_say *say, uint8_t space, struct wst_slice id);
/* It asks, unless the same question is open: then it was sent again. */
void wst_say_asks_once(struct wst_say *say, uint8_t space, struct wst_slice id);
/* What this side says is not understood: the other's questions may have their answers there. They
 * are not open any more, for ids come again. */
void wst_say_unheard(struct wst_say *say);
/* What this side asked needs no answer any more. */
void wst_say_takes_back(struct wst_say *say, uint8_t space, struct wst_slice id);
/* Ids begin anew: whatever either side asked before has no answer behind this. */
void wst_say_anew(struct wst_say *say);

/* Of the message: something in it is not of the protocol; a packet goes on in the next. */
void wst_say_strange(struct wst_say *say);
void wst_say_unfinished(struct wst_say *say);
/* There was no room to read or keep what is in it: what is counted of the connection is not all. */
void wst_say_missed(struct wst_say *say);
/* Of the message: there is no room for a value of one of its packets, which is told without. */
void wst_say_without(struct wst_say *say);
/* What wst_say_read refused: strange, or, if it was only too much to be read, missed. */
void wst_say_unread(struct wst_say *say);
/* Of the connection, from this message on: it is another protocol than it seemed. */
void wst_say_app(struct wst_say *say, enum wst_app app);

/* n bytes that live as long as what is said; NULL: there are none left. */
uint8_t *wst_say_scratch(struct wst_say *say, size_t n);

/* All of a message as JSON, or a part of it: the nodes are valid until another text is read, the
 * slices as long as the message. NULL: it is not JSON (what is not UTF-8 is none), or too much. */
const struct wst_tape_node *wst_say_read(struct wst_say *say, struct wst_slice text);

/* What a string of JSON means, from what stands between its quotes: borrowed, or in the scratch.
 * Null: there is no room, or half a pair of surrogates in it. */
struct wst_slice wst_say_meant(struct wst_say *say, struct wst_slice inside);

/* For the door: another message's bytes are there from now on; one begins to be said, its packets
 * counted in `total`, its questions put to `asks` (NULL: it is only listened to). */
void wst_say_next(struct wst_say *say);
void wst_say_begin(struct wst_say *say, const struct wst_event *event, struct wst_asks *asks,
                   struct wst_app_total *total);

#endif

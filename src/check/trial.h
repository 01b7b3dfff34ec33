/* SPDX-License-Identifier: MIT
 *
 * Inside the room: what a capture has shown of each rule so far. trial.c listens, trial_end.c
 * tells.
 */
#ifndef WST_CHECK_TRIAL_H
#define WST_CHECK_TRIAL_H

#include "arena.h"
#include "compare.h"
#include "ids.h"
#include "outlet.h"
#include "rules.h"
#include "tape.h"

enum {
    WST_TRIAL_PINGS = 16,  /* unanswered ones remembered of a side */
    WST_TRIAL_DETAIL = 160 /* bytes of what was seen, in words */
};

struct wst_trial_ping {
    uint64_t payload; /* its hash */
    uint64_t pkt;
    int64_t ns;
    bool waits;
};

struct wst_trial_request { /* an id that was sent by one side */
    uint64_t id;           /* hash; 0: an empty slot */
    uint64_t pkt;
    int64_t ns;
    int8_t dir;
    bool asked, answered;
};

struct wst_trial_state {     /* of one rule in one connection */
    uint64_t n;              /* counted; bytes; the largest */
    uint64_t first_pkt, pkt; /* of what decided, or of the last that counted */
    int64_t ns;              /* a time that was too long */
    bool broken, met;
    uint8_t unsure; /* WST_TRIAL_LONG, _PARTIAL: whether something fits is not known */
    char *detail;   /* in the arena, or NULL */
    int64_t
        *reached;  /* of a chain: when each step was last reached; INT64_MIN: never. In the arena */
    uint32_t late; /* 1 + the step that came too late */
    struct wst_trial_ping *pings; /* [2][WST_TRIAL_PINGS], in the arena */
    uint32_t pings_n[2];
    struct wst_ids requests; /* of wst_trial_request */
};

enum {                       /* why it is not known whether something fits */
       WST_TRIAL_LONG = 1,   /* an expression may have missed a long match */
       WST_TRIAL_PARTIAL = 2 /* not all of it is in the capture */
};

struct wst_trial_lack {         /* what the capture does not have of a connection */
    uint64_t gaps[2], bytes[2]; /* by direction; those of no direction in both */
    bool closed[2];             /* its close frame was seen: nothing comes behind it */
    bool inexact;               /* how many bytes is not certain */
    bool late;                  /* it was joined in the middle */
    bool no_request, no_response;
    bool ended; /* its end is in the capture */
};

struct wst_trial_connection {
    uint64_t conn;
    const char *uri; /* in the arena */
    bool accepted;
    bool said, known; /* there was a message; one in a protocol that is known */
    int64_t start_ns, last_ns;
    uint64_t pkt, last_pkt;
    struct wst_trial_lack lack;
    bool *in;                       /* by scope; in the arena */
    struct wst_trial_state *states; /* by rule; in the arena */
};

struct wst_trial {
    const struct wst_check_rules *rules;
    struct wst_budget budget;
    struct wst_arena arena;
    struct wst_trial_connection **connections; /* owned; by number */
    uint32_t n, room;
    struct wst_buf string; /* the text at work, for regexec */
    struct wst_ink scratch;
    struct wst_tape tape;
    struct wst_ink said; /* what the message at hand says in its protocol, as JSON … */
    struct wst_tape said_tape;
    struct wst_out *said_out; /* … and what it is written with; owned; NULL: nobody asked */
    uint64_t messages, gaps, late, unread;
    bool quic;
    uint64_t cut; /* times that an expression found nothing, but might have matched too much */
    uint32_t undecided; /* the line of the first rule that has no verdict; 0: none */
    uint32_t long_uri;  /* the line of a scope that a longer address may belong to; 0: none */
    bool failed;
};

/* -- trial_state.c: what was seen ------------------------------------------------------------- */

/* What decides a rule, or counted last; `broken`: it is not kept. */
void wst_trial_decide(struct wst_trial_state *state, const struct wst_event *event, bool broken);
/* A copy in the arena, made safe; "" when there is no memory. */
const char *wst_trial_keep(struct wst_trial *trial, struct wst_slice text);
/* What was seen, in words; the first stays. Strangers' text comes through the other one. */
void wst_trial_detail(struct wst_trial *trial, struct wst_trial_state *state,
                      struct wst_slice words);
void wst_trial_detail_shown(struct wst_trial *trial, struct wst_trial_state *state,
                            struct wst_slice payload);
/* A stranger's text in quotes, cut; in the trial's scratch. */
struct wst_slice wst_trial_shown(struct wst_trial *trial, struct wst_slice payload);

/* -- trial_test.c: whether something is as a rule wants it ------------------------------------- */

/* Of a header's value, a subprotocol, a reason, a payload; p == NULL: it is not there. */
bool wst_trial_text(struct wst_trial *trial, const struct wst_test *test, struct wst_slice text);
/* Of the values in `tape`, which is of `json`: one of them is good; with != none may be bad. */
bool wst_trial_json(struct wst_trial *trial, const struct wst_test *test, struct wst_tape *tape,
                    struct wst_slice json);
bool wst_trial_matches(struct wst_trial *trial, const struct wst_pattern *pattern,
                       struct wst_slice text);
bool wst_trial_holds(enum wst_compare compare, uint64_t seen, uint64_t amount);

/* -- what each sort of event shows of a rule --------------------------------------------------- */

struct wst_trial_said { /* a message, read as far as somebody asked */
    const struct wst_event *event;
    struct wst_slice json; /* of t->tape */
    bool read, app_read;
    bool too_much, app_too_much; /* it may have more than could be read */
    uint8_t unsure; /* why it may fit all the same; 0: it does not */
};
/* trial_app.c: likewise, of what the message says in its application's protocol. */
bool wst_trial_app(struct wst_trial *trial, const struct wst_test *test,
                   struct wst_trial_said *message);
/* Whether what is so of the packets that were read is so whatever the others say. */
bool wst_trial_app_stays(const struct wst_test *test);

/* trial_message.c, trial_frame.c, trial_handshake.c: what an event is to a rule. */
void wst_trial_message(struct wst_trial *trial, const struct wst_trial_connection *connection,
                       const struct wst_check_rule *rule, struct wst_trial_state *state,
                       struct wst_trial_said *message);
void wst_trial_frame(struct wst_trial *trial, const struct wst_check_rule *rule,
                     struct wst_trial_state *state, const struct wst_event *event);
void wst_trial_close(struct wst_trial *trial, const struct wst_check_rule *rule,
                     struct wst_trial_state *state, const struct wst_event *event);
void wst_trial_handshake(struct wst_trial *trial, const struct wst_check_rule *rule,
                         struct wst_trial_state *state, const struct wst_event *event);

/* -- trial_lack.c: what is not known ----------------------------------------------------------- */

void wst_trial_lack(struct wst_trial_lack *lack, const struct wst_event *event);
/* Whether what the capture lacks could decide otherwise; why, in words. */
bool wst_trial_undecided(const struct wst_trial *trial,
                         const struct wst_trial_connection *connection,
                         const struct wst_check_rule *rule, const struct wst_trial_state *state,
                         struct wst_ink *why);
/* Whether a rule that counts would be decided otherwise by a larger number. */
bool wst_trial_may_turn(const struct wst_check_rule *rule, uint64_t least);

#endif

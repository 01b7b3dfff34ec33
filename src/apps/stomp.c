/* SPDX-License-Identifier: MIT
 *
 * STOMP 1.0, 1.1 and 1.2 over WebSocket. In: messages. Out: the frames that end in them, and
 * heart-beats. Refuses what is no frame, and to guess where one begins.
 *
 *     SEND                         command      "STOMP Frames"; an end of line is LF or CR LF
 *     destination:/queue/a         headers      of one name the first counts ("Repeated Header
 *     content-length:5             …             Entries")
 *
 *     hello^@                      body, of as many bytes, or up to the first NUL
 *
 * Between frames there may be ends of lines; a message of them alone is a heart-beat. Clients cut
 * large frames into several messages, and servers may send several frames in one.
 */
#include "buf.h"
#include "protocol.h"

enum {
    HEAD = 64 << 10, /* bytes of command and headers at most; brokers allow less */
    KEPT = 1 << 20   /* bytes of a frame that is spread over messages; the rest is counted */
};

enum space { HELLO, RECEIPT, ACK }; /* what is asked */

/* Headers of the specification, and what they are called here. Of others nothing is told: some hold
 * tokens. */
#define HEADER_ROWS                                               \
    ROW(VERSION, "version", "version")                            \
    ROW(ACCEPT_VERSION, "accept-version", "accept_version")       \
    ROW(HOST, "host", "host")                                     \
    ROW(SERVER, "server", "server")                               \
    ROW(SESSION, "session", "session")                            \
    ROW(LOGIN, "login", "login")                                  \
    ROW(PASSCODE, "passcode", "passcode") /* that there is one */ \
    ROW(HEART_BEAT, "heart-beat", "heart_beat")                   \
    ROW(DESTINATION, "destination", "destination")                \
    ROW(ID, "id", "id")                                           \
    ROW(ACK_ID, "ack", "ack")                                     \
    ROW(SUBSCRIPTION, "subscription", "subscription")             \
    ROW(MESSAGE_ID, "message-id", "message_id")                   \
    ROW(TRANSACTION, "transaction", "transaction")                \
    ROW(RECEIPT_ASKED, "receipt", "receipt")                      \
    ROW(RECEIPT_ID, "receipt-id", "receipt_id")                   \
    ROW(MESSAGE, "message", "message")                            \
    ROW(CONTENT_TYPE, "content-type", "content_type")             \
    ROW(CONTENT_LENGTH, "content-length", "content_length")
#define ROW(number, name, field) number,
enum header { HEADER_ROWS HEADERS, NONE = HEADERS };
#undef ROW
#define ROW(number, name, field) {sizeof(name) - 1, name, field},
static const struct {
    size_t n;
    const char *name, *field;
} headers[HEADERS] = {HEADER_ROWS};
#undef ROW

struct command {
    const char *name;
    enum wst_dir from;
    enum header must; /* it must have in every version */
};
static const struct command commands[] = {
    {"CONNECT", WST_C2S, NONE},       {"STOMP", WST_C2S, NONE},
    {"SEND", WST_C2S, DESTINATION},   {"SUBSCRIBE", WST_C2S, DESTINATION},
    {"UNSUBSCRIBE", WST_C2S, NONE},   {"ACK", WST_C2S, NONE},
    {"NACK", WST_C2S, NONE},          {"BEGIN", WST_C2S, TRANSACTION},
    {"COMMIT", WST_C2S, TRANSACTION}, {"ABORT", WST_C2S, TRANSACTION},
    {"DISCONNECT", WST_C2S, NONE},    {"CONNECTED", WST_S2C, NONE},
    {"MESSAGE", WST_S2C, MESSAGE_ID}, {"RECEIPT", WST_S2C, RECEIPT_ID},
    {"ERROR", WST_S2C, NONE},
};

enum phase { BETWEEN, IN_HEAD, IN_BODY };

struct side {
    enum phase phase;
    bool doubt;          /* where a frame begins is not known */
    struct wst_buf held; /* the front of a frame that is spread */
    struct wst_buf told; /* that of the frame before, until what is said of it was heard */
    size_t line;         /* of the head, in `held`: where its last line begins */
    size_t head;         /* bytes of the head, its empty line with it */
    uint64_t got;        /* bytes of the body so far */
    int64_t length;      /* of the body; -1: up to a NUL */
    uint64_t first_msg;
};

struct stomp {
    uint8_t version; /* 10, 11, 12; 0: not known */
    struct side side[2];
};

/* -- lines ------------------------------------------------------------------------------------- */

static bool next_line(struct wst_slice *rest, struct wst_slice *line)
{
    const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
    if (!end) return false;
    *line = wst_slice_head(*rest, (size_t)(end - rest->p));
    *rest = wst_slice_skip(*rest, line->n + 1);
    if (line->n && line->p[line->n - 1] == '\r') line->n--;
    return true;
}

/* Bytes of the head at the front of `all`, of which the lines before *line are known to be none of
 * the empty one; 0: it does not end there. */
static size_t head_size(struct wst_slice all, size_t *line)
{
    struct wst_slice rest = wst_slice_skip(all, *line), one;
    while (next_line(&rest, &one)) {
        *line = all.n - rest.n;
        if (one.n == 0) return *line;
    }
    return 0;
}

static bool next_header(struct wst_slice *rest, struct wst_slice *name, struct wst_slice *value)
{
    struct wst_slice line;
    if (!next_line(rest, &line) || line.n == 0) return false;
    const uint8_t *colon = memchr(line.p, ':', line.n);
    *name = wst_slice_head(line, colon ? (size_t)(colon - line.p) : 0);
    *value = wst_slice_skip(line, name->n + 1);
    return true;
}

/* As they were sent, the first of each name; null: there is none. */
static void values_of(struct wst_slice head, struct wst_slice values[HEADERS])
{
    struct wst_slice name, value;
    memset(values, 0, HEADERS * sizeof *values);
    next_line(&head, &name);
    while (next_header(&head, &name, &value))
        for (size_t i = 0; i < HEADERS; i++)
            if (name.n == headers[i].n && !values[i].p &&
                memcmp(name.p, headers[i].name, name.n) == 0)
                values[i] = value;
}

/* -1: there is none. -2: it is no number. */
static int64_t length_in(struct wst_slice value)
{
    if (!value.p) return -1;
    int64_t n = wst_slice_decimal(value, 15);
    return n < 0 ? -2 : n;
}

static int64_t length_of(struct wst_slice head)
{
    struct wst_slice name, value;
    next_line(&head, &name);
    while (next_header(&head, &name, &value))
        if (wst_slice_is(name, "content-length")) return length_in(value);
    return -1;
}

static const struct command *command_of(struct wst_slice head, enum wst_dir dir)
{
    struct wst_slice line;
    next_line(&head, &line);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (commands[i].from == dir && wst_slice_is(line, commands[i].name)) return &commands[i];
    return NULL;
}

/* A command of that side, lines with a colon, nothing that ends a frame. */
static bool head_fits(struct wst_slice head, enum wst_dir dir)
{
    struct wst_slice name, value, rest = head;
    if (!command_of(head, dir) || memchr(head.p, 0, head.n) || length_of(head) == -2) return false;
    next_line(&rest, &name);
    while (next_header(&rest, &name, &value))
        if (name.n == 0) return false;
    return true;
}

/* -- a frame ----------------------------------------------------------------------------------- */

struct frame {
    const struct command *command;
    struct wst_slice head, body, values[HEADERS];
    uint64_t missing; /* bytes of the body that are not in it */
    bool escapes, known;
};

/* "Value Encoding": 1.1 has \n \c and \\, 1.2 also \r; not in CONNECT and CONNECTED, nor in 1.0.
 * False: another escape, which is an error. */
static bool value_fits(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] != '\\') continue;
        if (++i == s.n || !strchr("ncr\\", s.p[i])) return false;
    }
    return true;
}

static struct wst_slice value_of(struct wst_say *say, const struct frame *f, struct wst_slice s)
{
    const struct wst_slice none = {NULL, 0};
    if (!s.n || !memchr(s.p, '\\', s.n)) return s;
    if (!f->known) return none;
    uint8_t *to = f->escapes ? wst_say_scratch(say, s.n) : NULL, *at = to;
    if (!f->escapes) return s;
    if (!to) return none;
    for (size_t i = 0; i < s.n; i++, at++) {
        *at = s.p[i];
        if (s.p[i] != '\\') continue;
        uint8_t c = s.p[++i];
        *at = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 'c' ? ':' : c;
    }
    return wst_slice_of(to, (size_t)(at - to));
}

static bool frame_fits(const struct frame *f)
{
    struct wst_slice rest = f->head, name, value;
    if (f->command->must != NONE && !f->values[f->command->must].p) return false;
    next_line(&rest, &name);
    while (f->escapes && next_header(&rest, &name, &value))
        if (!value_fits(value)) return false;
    return true;
}

static void say_headers(struct wst_say *say, const struct frame *f)
{
    for (size_t i = 0; i < HEADERS; i++) {
        struct wst_slice value = f->values[i];
        if (!value.p) continue;
        if (i == PASSCODE)
            wst_say_flag(say, headers[i].field, true);
        else if (i == CONTENT_LENGTH)
            wst_say_number(say, headers[i].field, length_in(value));
        else
            wst_say_text(say, headers[i].field, value_of(say, f, value));
    }
}

static bool is(const struct frame *f, const char *command)
{
    return strcmp(f->command->name, command) == 0;
}

/* Ids are compared as they were sent: a server may not write them otherwise than it got them. */
static void say_flow(struct wst_say *say, const struct frame *f, uint8_t version)
{
    const struct wst_slice none = wst_slice_of("", 0);
    bool hello = is(f, "CONNECT") || is(f, "STOMP"), error = is(f, "ERROR");
    struct wst_slice receipt = f->values[RECEIPT_ASKED], ack = f->values[ACK_ID];
    struct wst_slice receipt_id = f->values[RECEIPT_ID];
    if (hello) wst_say_asks(say, HELLO, none);
    if (is(f, "CONNECTED") || (error && !receipt_id.p)) wst_say_answers(say, HELLO, none);
    if (f->command->from == WST_C2S && !hello && receipt.p) wst_say_asks(say, RECEIPT, receipt);
    if ((error || is(f, "RECEIPT")) && receipt_id.p) wst_say_answers(say, RECEIPT, receipt_id);
    if (version != 12) return; /* before, several subscriptions may share an id */
    if (is(f, "MESSAGE") && ack.p) wst_say_may_ask(say, ACK, ack);
    if (is(f, "ACK") || is(f, "NACK")) {
        if (f->values[ID].p) wst_say_answers(say, ACK, f->values[ID]);
    }
}

static uint8_t version_of(struct wst_slice s)
{
    if (!s.p || wst_slice_is(s, "1.0")) return 10;
    return wst_slice_is(s, "1.1") ? 11 : wst_slice_is(s, "1.2") ? 12 : 0;
}

static void frame_ends(struct wst_say *say, struct stomp *stomp, struct frame *f)
{
    bool hello = is(f, "CONNECT") || is(f, "STOMP") || is(f, "CONNECTED");
    f->known = hello || stomp->version;
    f->escapes = !hello && stomp->version > 10;
    values_of(f->head, f->values);
    if (!frame_fits(f)) {
        wst_say_strange(say);
        wst_say_unheard(say);
        return;
    }
    if (is(f, "CONNECTED")) stomp->version = version_of(f->values[VERSION]);
    wst_say_packet(say, f->command->name);
    say_headers(say, f);
    if (f->body.n || f->missing) wst_say_body(say, f->body, f->missing);
    if (is(f, "ERROR") || is(f, "NACK")) wst_say_error(say);
    say_flow(say, f, stomp->version);
}

/* -- the stream -------------------------------------------------------------------------------- */

static void forget(struct side *side, struct wst_budget *budget)
{
    wst_buf_free(&side->held, budget);
    *side = (struct side){.doubt = true, .told = side->told};
}

static void refuse(struct wst_say *say, struct side *side, bool strange)
{
    if (strange) wst_say_strange(say);
    wst_say_unheard(say);
    forget(side, say->budget);
}

/* Its head may be in `held`, or else is taken from the message, if it ends there; null: it goes on.
 */
static struct wst_slice head_take(struct wst_say *say, struct side *side, struct wst_slice *rest)
{
    struct wst_slice all = *rest;
    size_t before = side->held.n;
    if (side->phase == IN_BODY) return wst_slice_head(wst_buf_slice(&side->held), side->head);
    if (before > 0) {
        wst_buf_append(&side->held, say->budget, wst_slice_head(*rest, HEAD - before), HEAD);
        all = wst_buf_slice(&side->held);
    }
    side->head = head_size(wst_slice_head(all, HEAD), &side->line);
    if (side->head) {
        *rest = wst_slice_skip(*rest, side->head - before);
        if (before) side->held.n = side->head;
        return wst_slice_head(all, side->head);
    }
    if (!before) wst_buf_append(&side->held, say->budget, wst_slice_head(*rest, HEAD), HEAD);
    bool kept = side->held.n == before + rest->n;
    *rest = wst_slice_skip(*rest, rest->n);
    if (!kept) refuse(say, side, false);
    return (struct wst_slice){NULL, 0};
}

/* Takes of the body what is there. True: it ends here, the NUL is taken, too; `fits` false: there
 * is something else where the NUL must be. */
static bool body_take(struct side *side, struct wst_slice *rest, struct wst_slice *part, bool *fits)
{
    const uint8_t *nul = NULL;
    *fits = true;
    if (side->length >= 0) {
        *part = wst_slice_head(*rest, (uint64_t)side->length - side->got);
        if (part->n < rest->n) nul = rest->p + part->n;
        *fits = !nul || *nul == 0;
    } else {
        nul = rest->n ? memchr(rest->p, 0, rest->n) : NULL;
        *part = wst_slice_head(*rest, nul ? (size_t)(nul - rest->p) : rest->n);
    }
    *rest = wst_slice_skip(*rest, part->n + (nul ? 1 : 0));
    side->got += part->n;
    return nul;
}

static void hold(struct wst_say *say, struct side *side, struct wst_slice head,
                 struct wst_slice part)
{
    bool behind = side->held.n && side->held.n - side->head < side->got - part.n;
    if (side->held.n == 0 && !wst_buf_append(&side->held, say->budget, head, KEPT)) return;
    if (!behind)
        wst_buf_append(&side->held, say->budget, wst_slice_head(part, KEPT - side->held.n), KEPT);
}

/* False: what stands there is no frame, or none that could be kept. */
static bool frame_take(struct wst_say *say, struct stomp *stomp, enum wst_dir dir,
                       struct wst_slice *rest)
{
    struct side *side = &stomp->side[dir];
    struct wst_slice head = head_take(say, side, rest), part;
    bool fits;
    if (!head.p) return !side->doubt;
    if (side->phase != IN_BODY && !head_fits(head, dir)) {
        refuse(say, side, true);
        return false;
    }
    if (side->phase != IN_BODY) side->length = length_of(head);
    side->phase = IN_BODY;
    bool ends = body_take(side, rest, &part, &fits);
    if (!fits) {
        refuse(say, side, true);
        return false;
    }
    struct frame f = {.command = command_of(head, dir), .head = head, .body = part};
    if (!ends || side->held.n) {
        hold(say, side, head, part);
        if (side->held.n == 0) {
            refuse(say, side, false);
            return false;
        }
        f.head = wst_slice_head(wst_buf_slice(&side->held), side->head);
        f.body = wst_slice_skip(wst_buf_slice(&side->held), side->head);
    }
    if (!ends) return true;
    f.missing = side->got - f.body.n;
    if (f.missing) wst_say_missed(say);
    frame_ends(say, stomp, &f);
    wst_say_began(say, side->first_msg);
    if (side->held.n) side->told = side->held; /* the one that ends first in a message, no other */
    *side = (struct side){.told = side->told};
    return true;
}

static size_t lines_between(struct wst_slice s)
{
    size_t n = 0;
    while (n < s.n && (s.p[n] == '\n' || (s.p[n] == '\r' && n + 1 < s.n && s.p[n + 1] == '\n')))
        n++;
    return n;
}

static void read_on(struct wst_say *say, struct stomp *stomp, enum wst_dir dir,
                    struct wst_slice rest, uint64_t msg)
{
    struct side *side = &stomp->side[dir];
    if (side->phase == BETWEEN && rest.n && lines_between(rest) == rest.n) {
        wst_say_packet(say, "heart-beat");
        return;
    }
    while (rest.n > 0) {
        if (side->phase == BETWEEN) {
            rest = wst_slice_skip(rest, lines_between(rest));
            if (rest.n == 0) break;
            side->phase = IN_HEAD;
            side->first_msg = msg;
        }
        if (!frame_take(say, stomp, dir, &rest)) return;
    }
    if (side->phase != BETWEEN) wst_say_unfinished(say);
}

/* The whole of it is frames, from its first byte on. */
static bool all_fit(struct wst_slice all, enum wst_dir dir)
{
    if (all.n == 0 || all.p[0] == '\n' || all.p[0] == '\r') return false;
    while (all.n > 0) {
        size_t line = 0, size = head_size(wst_slice_head(all, HEAD), &line);
        struct wst_slice head = wst_slice_head(all, size), part;
        bool fits;
        if (!size || !head_fits(head, dir)) return false;
        struct side side = {.length = length_of(head)};
        all = wst_slice_skip(all, size);
        if (!body_take(&side, &all, &part, &fits) || !fits) return false;
        all = wst_slice_skip(all, lines_between(all));
    }
    return true;
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    struct stomp *stomp = state;
    struct side *side = &stomp->side[event->dir];
    wst_buf_free(&side->told, say->budget);
    if (side->doubt && !all_fit(event->message.payload, event->dir)) {
        wst_say_unheard(say);
        return;
    }
    side->doubt = false;
    read_on(say, stomp, event->dir, event->message.payload, event->message.msg);
}

/* -- the protocol ------------------------------------------------------------------------------ */

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "v12.stomp") || wst_app_chose(shake, "v11.stomp") ||
           wst_app_chose(shake, "v10.stomp") || wst_app_chose(shake, "stomp");
}

/* The client's first message is a CONNECT, all of it. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    struct wst_slice all = event->message.payload;
    (void)say;
    return event->dir == WST_C2S &&
           (wst_slice_starts(all, "CONNECT") || wst_slice_starts(all, "STOMP")) &&
           all_fit(all, WST_C2S);
}

static void begin(void *state, const struct wst_event_handshake *shake)
{
    struct stomp *stomp = state;
    if (wst_app_chose(shake, "v10.stomp")) stomp->version = 10;
    if (wst_app_chose(shake, "v11.stomp")) stomp->version = 11;
    if (wst_app_chose(shake, "v12.stomp")) stomp->version = 12;
}

static void lost(void *state, struct wst_budget *budget, enum wst_dir dir)
{
    struct stomp *stomp = state;
    forget(&stomp->side[dir], budget);
}

static void over(void *state, struct wst_budget *budget)
{
    struct stomp *stomp = state;
    for (int d = 0; d < 2; d++) {
        forget(&stomp->side[d], budget);
        wst_buf_free(&stomp->side[d].told, budget);
    }
}

const struct wst_app_protocol wst_app_stomp = {
    .app = WST_APP_STOMP,
    .ids_return = true,
    .state_size = sizeof(struct stomp),
    .named = named,
    .sounds = sounds,
    .begin = begin,
    .message = message,
    .lost = lost,
    .over = over,
};

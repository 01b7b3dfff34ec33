/* SPDX-License-Identifier: MIT
 *
 * WAMP 2, the Web Application Messaging Protocol, of both profiles.
 * In: a message. Out: what it is by its type, of a batch each; answers by their request's id.
 * Refuses types that are not there, of the other side, and lists that have not their elements.
 *
 *     [48, 7814135, {}, "com.myapp.ping", [23], {"verbose": true}]
 *      |   |        |   |                 |     ArgumentsKw
 *      |   |        |   Procedure         Arguments
 *      |   Request  Options
 *      MessageType: CALL
 *
 * wamp-proto.org, "Messages": "Message Definitions", "Message Codes and Direction"; "Transports":
 * "Batched Transport". Batches end each message with RS (0x1e); what counts octal ends it with CAN.
 * In MessagePack each has its length before it, in four bytes. CBOR and others are not looked into.
 */
#include "msgpack.h"
#include "protocol.h"
#include "slice.h"

enum {
    HELLO = 1,
    WELCOME = 2,
    ABORT = 3,
    CHALLENGE = 4,
    AUTHENTICATE = 5,
    GOODBYE = 6,
    ERROR = 8,
    PUBLISH = 16,
    CALL = 48,
    RESULT = 50,
    INVOCATION = 68,
    YIELD = 70
};

struct state {
    enum { JSON, MESSAGEPACK, OTHER } form;
    bool alone;      /* no batches were agreed */
    bool goodbye[2]; /* that side said it first */
};

/* The elements behind the type, a letter each (see below); behind '|' there may be none, for '*'
 * there may be Arguments, and ArgumentsKw. `to`: the type it answers. */
static const struct kind {
    uint8_t type;
    const char *name;
    enum wst_dir from; /* WST_DIR_NONE: both may */
    const char *elements;
    uint8_t to;
} kinds[] = {
    {HELLO, "HELLO", WST_C2S, "mi", 0},
    {WELCOME, "WELCOME", WST_S2C, "si", HELLO},
    {ABORT, "ABORT", WST_DIR_NONE, "dn*", 0},
    {CHALLENGE, "CHALLENGE", WST_S2C, "az", HELLO},
    {AUTHENTICATE, "AUTHENTICATE", WST_C2S, "xy", CHALLENGE},
    {GOODBYE, "GOODBYE", WST_DIR_NONE, "dn", 0},
    {ERROR, "ERROR", WST_DIR_NONE, "qrde*", 0},
    {PUBLISH, "PUBLISH", WST_C2S, "rot*", 0},
    {17, "PUBLISHED", WST_S2C, "rp", PUBLISH},
    {32, "SUBSCRIBE", WST_C2S, "rot", 0},
    {33, "SUBSCRIBED", WST_S2C, "ru", 32},
    {34, "UNSUBSCRIBE", WST_C2S, "ru", 0},
    {35, "UNSUBSCRIBED", WST_S2C, "r|d", 34},
    {36, "EVENT", WST_S2C, "upd*", 0},
    {CALL, "CALL", WST_C2S, "roc*", 0},
    {49, "CANCEL", WST_C2S, "ro", 0},
    {RESULT, "RESULT", WST_S2C, "rd*", CALL},
    {64, "REGISTER", WST_C2S, "roc", 0},
    {65, "REGISTERED", WST_S2C, "rg", 64},
    {66, "UNREGISTER", WST_C2S, "rg", 0},
    {67, "UNREGISTERED", WST_S2C, "r|d", 66},
    {INVOCATION, "INVOCATION", WST_S2C, "rgd*", 0},
    {69, "INTERRUPT", WST_S2C, "ro", 0},
    {YIELD, "YIELD", WST_C2S, "ro*", INVOCATION},
};

enum role { FIELD, IF_ANY, INSIDE, CARRIED, WHICH, SECRET, UNSAID };
static const struct element {
    char letter;
    enum wst_tape_kind kind;
    const char *name;
    enum role role;
} elements[] = {
    {'r', WST_TAPE_NUMBER, "request", FIELD},
    {'s', WST_TAPE_NUMBER, "session", FIELD},
    {'u', WST_TAPE_NUMBER, "subscription", FIELD},
    {'p', WST_TAPE_NUMBER, "publication", FIELD},
    {'g', WST_TAPE_NUMBER, "registration", FIELD},
    {'q', WST_TAPE_NUMBER, "request_type", WHICH}, /* said by its name */
    {'m', WST_TAPE_STRING, "realm", FIELD},
    {'t', WST_TAPE_STRING, "topic", FIELD},
    {'c', WST_TAPE_STRING, "procedure", FIELD},
    {'e', WST_TAPE_STRING, "error", FIELD},
    {'n', WST_TAPE_STRING, "reason", FIELD},
    {'a', WST_TAPE_STRING, "authmethod", FIELD},
    {'o', WST_TAPE_OBJECT, "options", IF_ANY},
    {'d', WST_TAPE_OBJECT, "details", IF_ANY},
    {'i', WST_TAPE_OBJECT, "details", INSIDE}, /* of these, who it is */
    {'z', WST_TAPE_OBJECT, "extra", CARRIED},
    {'x', WST_TAPE_STRING, "signature", SECRET},
    {'y', WST_TAPE_OBJECT, "extra", UNSAID},
};

static const struct element *element_of(char letter)
{
    const struct element *e = elements;
    while (e->letter != letter) e++;
    return e;
}

static const struct kind *kind_of_type(int32_t type)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kinds[i].type == type) return &kinds[i];
    return NULL;
}

/* Of a message: its list, and what it is. */
struct list {
    const struct wst_json_text *j;
    const struct wst_tape_node *all;
    const struct kind *kind;
};

static const struct wst_tape_node *element_at(const struct list *l, char letter)
{
    uint32_t i = 1;
    for (const char *c = l->kind->elements; *c && *c != '*'; c++) {
        if (*c == '|') continue;
        if (*c == letter) return wst_json_text_at(l->j, l->all, i);
        i++;
    }
    return NULL;
}

/* -- what is one ------------------------------------------------------------------------------- */

static bool is_element(const struct list *l, const struct element *e, const struct wst_tape_node *n)
{
    if (n->kind != e->kind) return false;
    if (e->role == WHICH) return kind_of_type(wst_json_text_number(l->j, n)) != NULL;
    if (e->kind != WST_TAPE_NUMBER) return true;
    struct wst_slice s = wst_json_text_raw(l->j, n); /* an id: a whole number up to 2^53 */
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9') return false;
    return s.n <= 16;
}

/* Arguments are a list, or, encrypted, a string; ArgumentsKw a dictionary behind them. */
static bool fits(const struct list *l)
{
    const struct wst_tape_node *n = l->all + 2; /* behind the type, which is one node */
    uint32_t left = l->all->members - 1;
    const char *c = l->kind->elements;
    for (bool may = false; *c && *c != '*'; c++) {
        if (*c == '|') {
            may = true;
            continue;
        }
        if (left == 0) return may;
        if (!is_element(l, element_of(*c), n)) return false;
        n = l->j->tape.nodes + n->next;
        left--;
    }
    if (*c != '*' || left == 0) return left == 0;
    if (n->kind != WST_TAPE_ARRAY && n->kind != WST_TAPE_STRING) return false;
    if (left == 1) return true;
    return left == 2 && l->j->tape.nodes[n->next].kind == WST_TAPE_OBJECT;
}

static bool read_list(struct list *l, const struct wst_json_text *j,
                      const struct wst_tape_node *all, enum wst_dir dir)
{
    const struct wst_tape_node *type = wst_json_text_at(j, all, 0);
    *l = (struct list){j, all, kind_of_type(wst_json_text_number(j, type))};
    return l->kind && (l->kind->from == WST_DIR_NONE || l->kind->from == dir) && fits(l);
}

static bool named(const struct wst_event_handshake *shake)
{
    return shake->subprotocol.p && wst_slice_starts(shake->subprotocol, "wamp.2.");
}

static void begin(void *opaque, const struct wst_event_handshake *shake)
{
    struct state *state = opaque;
    bool json = wst_app_chose(shake, "wamp.2.json"),
         packed = wst_app_chose(shake, "wamp.2.msgpack");
    state->alone = json || packed;
    if (json || wst_app_chose(shake, "wamp.2.json.batched"))
        state->form = JSON;
    else
        state->form =
            packed || wst_app_chose(shake, "wamp.2.msgpack.batched") ? MESSAGEPACK : OTHER;
}

/* HELLO, or WELCOME, with the roles that they must bear. */
static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    const struct wst_json_text *j = &say->json;
    const struct wst_tape_node *all;
    struct list l;
    if (event->message.opcode != 1 || !(all = wst_say_read(say, event->message.payload)) ||
        !read_list(&l, j, all, event->dir) || l.kind->type > WELCOME)
        return false;
    const struct wst_tape_node *roles = wst_json_text_get(j, element_at(&l, 'i'), "roles");
    return wst_json_text_kind(roles, WST_TAPE_OBJECT) && roles->members > 0;
}

/* -- what it says ------------------------------------------------------------------------------ */

static void say_inside(struct wst_say *say, const struct wst_tape_node *details)
{
    static const char *const names[] = {"authid", "authrole", "authmethod", "authmethods"};
    const struct wst_json_text *j = &say->json;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        wst_say_json(say, names[i], wst_json_text_raw(j, wst_json_text_get(j, details, names[i])));
}

static void say_element(struct wst_say *say, const struct element *e, const struct wst_tape_node *n)
{
    const struct wst_json_text *j = &say->json;
    switch (e->role) {
    case IF_ANY:
        if (n->members == 0) return;
        /* fall through */
    case FIELD: wst_say_json(say, e->name, wst_json_text_raw(j, n)); return;
    case WHICH: wst_say_word(say, e->name, kind_of_type(wst_json_text_number(j, n))->name); return;
    case INSIDE:
        say_inside(say, n);
        /* fall through */
    case CARRIED:
        if (n->members > 0) wst_say_body_json(say, wst_json_text_raw(j, n));
        return;
    case SECRET: wst_say_flag(say, e->name, true); return;
    case UNSAID: return;
    }
}

static void say_elements(struct wst_say *say, const struct list *l)
{
    const struct wst_tape_node *n = l->all + 2;
    uint32_t left = l->all->members - 1;
    const char *c = l->kind->elements;
    for (; left > 0 && *c != '*'; c++) {
        if (*c == '|') continue;
        say_element(say, element_of(*c), n);
        n = l->j->tape.nodes + n->next;
        left--;
    }
    if (left > 1)
        wst_say_json(say, "arguments_kw", wst_json_text_raw(l->j, l->j->tape.nodes + n->next));
    if (left > 0) wst_say_body_json(say, wst_json_text_raw(l->j, n));
}

/* -- questions and answers --------------------------------------------------------------------- */

static bool is_set(const struct list *l, const char *name)
{
    const struct wst_tape_node *dict = element_at(l, 'o');
    if (!dict) dict = element_at(l, 'd');
    const struct wst_tape_node *value = wst_json_text_get(l->j, dict, name);
    return wst_json_text_kind(value, WST_TAPE_WORD) &&
           wst_slice_is(wst_json_text_raw(l->j, value), "true");
}

/* Either side may say it first. */
static void say_goodbye(struct wst_say *say, struct state *state, const struct list *l)
{
    static const struct wst_slice none = {NULL, 0};
    enum wst_dir dir = say->event->dir;
    bool *mine = &state->goodbye[dir], *theirs = &state->goodbye[dir == WST_C2S];
    if (*theirs || wst_json_text_is(l->j, element_at(l, 'n'), "wamp.close.goodbye_and_out")) {
        wst_say_answers(say, GOODBYE, none);
        *theirs = false;
    } else {
        wst_say_asks(say, GOODBYE, none);
        *mine = true;
    }
}

/* A session is opened by HELLO, which is answered by WELCOME, ABORT or CHALLENGE, and that by
 * AUTHENTICATE, which is answered as HELLO. */
static bool say_session(struct wst_say *say, struct state *state, const struct list *l)
{
    static const struct wst_slice none = {NULL, 0};
    uint8_t type = l->kind->type;
    if (type > GOODBYE) return false;
    if (type == HELLO) {
        wst_say_anew(say);
        memset(state->goodbye, 0, sizeof state->goodbye);
    }
    if (l->kind->to) wst_say_answers(say, l->kind->to, none);
    if (type == HELLO || type == AUTHENTICATE) wst_say_asks(say, HELLO, none);
    if (type == CHALLENGE) wst_say_asks(say, CHALLENGE, none);
    if (type == ABORT) wst_say_answers(say, say->event->dir == WST_S2C ? HELLO : CHALLENGE, none);
    if (type == GOODBYE) say_goodbye(say, state, l);
    return true;
}

/* Ids of requests are numbered through for all types, but an ERROR names the type: it is in the
 * key. A call, or an answer, that has "progress" set is not the last of its request. */
static void say_request(struct wst_say *say, const struct list *l)
{
    struct wst_slice id = wst_json_text_raw(l->j, element_at(l, 'r'));
    uint8_t type = l->kind->type;
    bool progress = (type == CALL || type == RESULT || type == INVOCATION || type == YIELD) &&
                    is_set(l, "progress");
    if (type == ERROR)
        wst_say_answers(say, (uint8_t)wst_json_text_number(l->j, element_at(l, 'q')), id);
    if (!id.p || progress) return;
    if (l->kind->to) wst_say_answers(say, l->kind->to, id);
    if (type == PUBLISH ? is_set(l, "acknowledge")
                        : type == 32 || type == 34 || type == CALL || type == 64 || type == 66 ||
                              type == INVOCATION)
        wst_say_asks(say, type, id);
}

static void one(struct wst_say *say, struct state *state, struct wst_slice text)
{
    const struct wst_tape_node *all = wst_say_read(say, text);
    struct list l;
    if (!all) {
        wst_say_unread(say);
        return;
    }
    if (!read_list(&l, &say->json, all, say->event->dir)) {
        wst_say_strange(say);
        return;
    }
    wst_say_packet(say, l.kind->name);
    if (l.kind->type == ERROR || l.kind->type == ABORT) wst_say_error(say);
    say_elements(say, &l);
    if (!say_session(say, state, &l)) say_request(say, &l);
}

static size_t end_of(struct wst_slice s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != 0x1e && s.p[n] != 0x18) n++;
    return n;
}

/* JSON has neither RS nor CAN in it. */
static void texts(struct wst_say *say, struct state *state, struct wst_slice rest)
{
    do {
        size_t n = state->alone ? rest.n : end_of(rest);
        one(say, state, wst_slice_head(rest, n));
        rest = wst_slice_skip(rest, n + 1);
    } while (rest.n > 0);
}

/* Read as JSON, if there is room for it. */
static void one_packed(struct wst_say *say, struct state *state, struct wst_slice rest)
{
    struct wst_slice whole = wst_msgpack_whole(&rest);
    if (!whole.p || rest.n > 0) {
        wst_say_strange(say);
        return;
    }
    struct wst_slice json = wst_msgpack_json(say, whole);
    if (json.p)
        one(say, state, json);
    else
        wst_say_missed(say);
}

static void packed(struct wst_say *say, struct state *state, struct wst_slice rest)
{
    do {
        size_t n = state->alone ? rest.n : rest.n < 4 ? SIZE_MAX : wst_be32(rest.p);
        if (!state->alone) rest = wst_slice_skip(rest, 4);
        if (n > rest.n) {
            wst_say_strange(say);
            return;
        }
        one_packed(say, state, wst_slice_head(rest, n));
        rest = wst_slice_skip(rest, n);
    } while (rest.n > 0);
}

static void message(struct wst_say *say, void *opaque, const struct wst_event *event)
{
    struct state *state = opaque;
    if (event->message.opcode != (state->form == JSON ? 1 : 2))
        wst_say_strange(say);
    else if (state->form == JSON)
        texts(say, state, event->message.payload);
    else if (state->form == MESSAGEPACK)
        packed(say, state, event->message.payload);
}

/* What was said of a GOODBYE may have been answered, and another session opened. */
static void lost(void *opaque, struct wst_budget *budget, enum wst_dir dir)
{
    struct state *state = opaque;
    (void)budget;
    (void)dir;
    memset(state->goodbye, 0, sizeof state->goodbye);
}

const struct wst_app_protocol wst_app_wamp = {
    .app = WST_APP_WAMP,
    .state_size = sizeof(struct state),
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .begin = begin,
    .message = message,
    .lost = lost,
};

/* SPDX-License-Identifier: MIT
 *
 * XMPP over WebSocket (RFC 7395).
 * In: a message. Out: its outermost element, by its name and attributes; what is in it is the body.
 * Refuses messages that are not one element from their first byte to their last (section 3.3.3).
 *
 *     <iq type="get" id="1" to="a@example.com"><ping xmlns="urn:xmpp:ping"/></iq>
 *
 * RFC 7395 section 3.3 (open, close), RFC 6120 sections 6.4 (SASL) and 8 (stanzas), XEP-0388
 * (authenticate, continue, next), XEP-0198 (enable, r, a …). Inside the element nothing is looked
 * at but the condition of an error: it is not held to be XML.
 */
#include "protocol.h"
#include "slice.h"

enum { OPENING = 1, CLOSING, SASL, CHALLENGE, IQ, MANAGEMENT, COUNT }; /* spaces of ids */
enum { ATTRIBUTES = 64 };

struct state {
    bool closed[2]; /* that side said it first */
};

enum role { ALONE, ASKS, ANSWERS, STANZA, OPEN, CLOSE, CHALLENGES, RESPONDS };
static const struct kind {
    const char *name;
    enum role role;
    uint8_t space;
    bool error, secret; /* secret: what is in it shows who somebody is */
} kinds[] = {
    {"open", OPEN, OPENING, false, false},
    {"close", CLOSE, CLOSING, false, false},
    {"message", STANZA, 0, false, false},
    {"presence", STANZA, 0, false, false},
    {"iq", STANZA, IQ, false, false},
    {"stream:features", ALONE, 0, false, false},
    {"stream:error", ALONE, 0, true, false},
    {"auth", ASKS, SASL, false, true},
    {"challenge", CHALLENGES, SASL, false, true},
    {"response", RESPONDS, SASL, false, true},
    {"authenticate", ASKS, SASL, false, true},
    {"continue", ANSWERS, SASL, false, true},
    {"next", ASKS, SASL, false, true},
    {"success", ANSWERS, SASL, false, true},
    {"failure", ANSWERS, SASL, true, false},
    {"abort", ALONE, 0, false, false},
    {"enable", ASKS, MANAGEMENT, false, false},
    {"enabled", ANSWERS, MANAGEMENT, false, false},
    {"resume", ASKS, MANAGEMENT, false, false},
    {"resumed", ANSWERS, MANAGEMENT, false, false},
    {"failed", ANSWERS, MANAGEMENT, true, false},
    {"r", ASKS, COUNT, false, false},
    {"a", ANSWERS, COUNT, false, false},
};
static const struct kind other = {"element", ALONE, 0, false, false};

/* What of an element is told, in this order. */
enum { TYPE, ID, TO, FROM, VERSION, MECHANISM, HANDLED, SEE_OTHER, XMLNS, TOLD };
static const struct {
    const char *attribute, *name;
} told[TOLD] = {
    {"type", "type"},
    {"id", "id"},
    {"to", "to"},
    {"from", "from"},
    {"version", "version"},
    {"mechanism", "mechanism"},
    {"h", "h"},
    {"see-other-uri", "see_other_uri"},
    {"xmlns", "xmlns"},
};

struct element {
    struct wst_slice name, inside; /* inside: null: <name/> */
    struct wst_slice values[TOLD]; /* as they are written; null: there is none */
};

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "xmpp");
}

/* -- the outermost element --------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct wst_slice skip_blanks(struct wst_slice s)
{
    while (s.n > 0 && is_blank(*s.p)) s = wst_slice_skip(s, 1);
    return s;
}

/* A name off the front of `s`; empty: there is none. What a name may consist of is not asked. */
static struct wst_slice take_name(struct wst_slice *s)
{
    size_t n = 0;
    while (n < s->n && !is_blank(s->p[n]) && !memchr("=/><\"'!?&", s->p[n], 9)) n++;
    struct wst_slice name = wst_slice_head(*s, n);
    *s = wst_slice_skip(*s, n);
    return name;
}

/* name="value", or with apostrophes. */
static bool take_attribute(struct wst_slice *s, struct element *e)
{
    struct wst_slice name = take_name(s);
    *s = skip_blanks(*s);
    if (name.n == 0 || s->n == 0 || *s->p != '=') return false;
    *s = skip_blanks(wst_slice_skip(*s, 1));
    if (s->n == 0 || (*s->p != '"' && *s->p != '\'')) return false;
    const uint8_t *end = memchr(s->p + 1, *s->p, s->n - 1);
    if (!end) return false;
    struct wst_slice value = {s->p + 1, (size_t)(end - s->p) - 1};
    if (memchr(value.p, '<', value.n)) return false;
    *s = wst_slice_skip(*s, value.n + 2);
    for (int i = 0; i < TOLD; i++)
        if (wst_slice_is(name, told[i].attribute)) {
            if (e->values[i].p) return false; /* an attribute is there once */
            e->values[i] = value;
        }
    return true;
}

/* The end tag, from the end of the message on; what is before it is inside. */
static bool cut_end(struct wst_slice *s, struct wst_slice name)
{
    if (s->n == 0 || s->p[--s->n] != '>') return false;
    while (s->n > 0 && is_blank(s->p[s->n - 1])) s->n--;
    if (s->n < name.n + 2) return false;
    s->n -= name.n + 2;
    return memcmp(s->p + s->n, "</", 2) == 0 && memcmp(s->p + s->n + 2, name.p, name.n) == 0;
}

static bool read_element(struct wst_slice s, struct element *e)
{
    *e = (struct element){.inside = {NULL, 0}};
    if (s.n < 2 || *s.p != '<') return false;
    s = wst_slice_skip(s, 1);
    e->name = take_name(&s);
    if (e->name.n == 0) return false;
    for (int i = 0; i < ATTRIBUTES; i++) {
        struct wst_slice rest = skip_blanks(s);
        if (rest.n == 0) return false;
        if (*rest.p == '/') return rest.n == 2 && rest.p[1] == '>';
        if (*rest.p == '>') {
            e->inside = wst_slice_skip(rest, 1);
            return cut_end(&e->inside, e->name);
        }
        if (rest.n == s.n || !take_attribute(&rest, e)) return false; /* no blank between them */
        s = rest;
    }
    return false;
}

static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    struct element e;
    (void)say;
    return event->message.opcode == 1 && read_element(event->message.payload, &e) &&
           wst_slice_is(e.name, "open") && e.values[XMLNS].p &&
           wst_slice_is(e.values[XMLNS], "urn:ietf:params:xml:ns:xmpp-framing");
}

/* -- what it says ------------------------------------------------------------------------------ */

/* An id is of who asked: a client's own, but of a server whoever it speaks for. */
static void say_iq(struct wst_say *say, const struct element *e)
{
    struct wst_slice type = e->values[TYPE], id = e->values[ID];
    bool asks = type.p && (wst_slice_is(type, "get") || wst_slice_is(type, "set"));
    bool answers = type.p && (wst_slice_is(type, "result") || wst_slice_is(type, "error"));
    bool by_client = asks == (say->event->dir == WST_C2S);
    struct wst_slice who = by_client ? wst_slice_of(NULL, 0) : e->values[asks ? FROM : TO];
    if (!id.p || (!asks && !answers)) return;
    uint8_t *key = wst_say_scratch(say, id.n + 1 + who.n);
    if (!key) return;
    memcpy(key, id.p, id.n);
    key[id.n] = '<'; /* in no value */
    if (who.n) memcpy(key + id.n + 1, who.p, who.n);
    if (asks)
        wst_say_asks(say, IQ, wst_slice_of(key, id.n + 1 + who.n));
    else
        wst_say_answers(say, IQ, wst_slice_of(key, id.n + 1 + who.n));
}

static void say_close(struct wst_say *say, struct state *state)
{
    enum wst_dir dir = say->event->dir;
    if (state->closed[dir == WST_C2S]) {
        wst_say_answers(say, CLOSING, wst_slice_of(NULL, 0));
    } else {
        wst_say_asks(say, CLOSING, wst_slice_of(NULL, 0));
        state->closed[dir] = true;
    }
}

static void say_role(struct wst_say *say, struct state *state, const struct kind *kind,
                     const struct element *e)
{
    const struct wst_slice none = {NULL, 0};
    switch (kind->role) {
    case ALONE: break;
    case STANZA:
        if (kind->space == IQ) say_iq(say, e);
        break;
    case OPEN:
        if (say->event->dir == WST_C2S)
            wst_say_asks(say, kind->space, none);
        else
            wst_say_answers(say, kind->space, none);
        break;
    case CLOSE: say_close(say, state); break;
    case ASKS: wst_say_asks(say, kind->space, none); break;
    case ANSWERS: wst_say_answers(say, kind->space, none); break;
    case CHALLENGES:
        wst_say_answers(say, kind->space, none);
        wst_say_asks(say, CHALLENGE, none);
        break;
    case RESPONDS:
        wst_say_answers(say, CHALLENGE, none);
        wst_say_asks(say, kind->space, none);
        break;
    }
}

/* -- why something failed: RFC 6120 sections 4.9, 6.5 and 8.3 ---------------------------------- */

/* Text and a tag off the front of `s`: its name, and how much deeper it leads. False: there is
 * none, or something else that is no text (CDATA, say). */
static bool take_tag(struct wst_slice *s, struct wst_slice *name, int *deeper)
{
    const uint8_t *at = s->n ? memchr(s->p, '<', s->n) : NULL;
    uint8_t quote = 0;
    size_t i = 0;
    if (!at) return false;
    *s = wst_slice_skip(*s, (size_t)(at - s->p) + 1);
    bool end = s->n > 0 && *s->p == '/';
    *s = wst_slice_skip(*s, end);
    *name = take_name(s);
    for (; i < s->n && (quote || s->p[i] != '>'); i++) {
        if (quote ? s->p[i] == quote : s->p[i] == '"' || s->p[i] == '\'')
            quote = quote ? 0 : s->p[i];
    }
    if (name->n == 0 || i == s->n) return false;
    *deeper = end ? -1 : i > 0 && s->p[i - 1] == '/' ? 0 : 1;
    *s = wst_slice_skip(*s, i + 1);
    return true;
}

/* The name of the element that is not <text>: of a stanza's <error>, or right inside. */
static struct wst_slice condition(struct wst_slice s, bool stanza)
{
    bool there = !stanza;
    int depth = 0, deeper;
    struct wst_slice name;
    while (depth >= 0 && take_tag(&s, &name, &deeper)) {
        if (deeper >= 0 && there && depth == (stanza ? 1 : 0) && !wst_slice_is(name, "text"))
            return name;
        if (deeper >= 0 && stanza && depth == 0) there = wst_slice_is(name, "error");
        depth += deeper;
    }
    return wst_slice_of(NULL, 0);
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    const struct kind *kind = &other;
    struct element e;
    if (event->message.opcode != 1 || !read_element(event->message.payload, &e)) {
        wst_say_strange(say);
        return;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (wst_slice_is(e.name, kinds[i].name)) kind = &kinds[i];
    wst_say_packet(say, kind->name);
    if (kind == &other) wst_say_text(say, "name", e.name);
    for (int i = 0; i < XMLNS; i++) wst_say_text(say, told[i].name, e.values[i]);
    bool failed = kind->role == STANZA && e.values[TYPE].p && wst_slice_is(e.values[TYPE], "error");
    if (kind->error || failed) {
        wst_say_error(say);
        wst_say_text(say, "condition", condition(e.inside, failed));
    }
    if (e.inside.n > 0 && !kind->secret) wst_say_body(say, e.inside, 0);
    say_role(say, state, kind, &e);
}

const struct wst_app_protocol wst_app_xmpp = {
    .app = WST_APP_XMPP,
    .state_size = sizeof(struct state),
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

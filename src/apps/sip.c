/* SPDX-License-Identifier: MIT
 *
 * SIP over WebSocket (RFC 7118). In: messages. Out: the request or the response that each holds.
 * Refuses a message that is not one (RFC 3261 sections 7 and 25).
 *
 *     INVITE sip:bob@example.com SIP/2.0          or   SIP/2.0 180 Ringing
 *     Via: SIP/2.0/WS host;branch=z9hG4bK56sd     the first names the transaction: branch
 *     CSeq: 1 INVITE                              and method (RFC 3261 section 17.1.3)
 *     Call-ID: …
 *
 *     body
 *
 * A message of line ends alone keeps the connection open (RFC 7118 section 6, RFC 5626 section
 * 3.5.1): two of them ask, one answers.
 */
#include "protocol.h"
#include "slice.h"

#include <assert.h>

enum space { TRANSACTION, KEEP_ALIVE };

/* Rows of the table below that are asked for by themselves; the others lie between them. */
enum {
    CALL_ID = 0,
    CSEQ = 1,
    CONTENT_LENGTH = 17,
    AUTHORIZATION = 18,
    PROXY_AUTHORIZATION = 19,
    VIA = 20
};

/* Headers that are looked for, with their short names (RFC 3261 section 7.3.3), and what they are
 * told as. Authorization and its like are not told: that there is one is. */
#define NAME(name, compact) (name), sizeof(name) - 1, (compact)
static const struct header {
    const char *name;
    uint8_t n;
    char compact; /* a capital letter; 0: none */
    const char *field;
    bool number; /* told as one if it is one: some write something else */
} headers[] = {
    [CALL_ID] = {NAME("Call-ID", 'I'), "call_id", false},
    [CSEQ] = {NAME("CSeq", 0), "cseq", false},
    {NAME("From", 'F'), "from", false},
    {NAME("To", 'T'), "to", false},
    {NAME("Contact", 'M'), "contact", false},
    {NAME("Max-Forwards", 0), "max_forwards", true},
    {NAME("Expires", 0), "expires", true},
    {NAME("Event", 'O'), "event", false},
    {NAME("Subscription-State", 0), "subscription_state", false},
    {NAME("Refer-To", 'R'), "refer_to", false},
    {NAME("RAck", 0), "rack", false},
    {NAME("RSeq", 0), "rseq", true},
    {NAME("Reason", 0), "reason", false},
    {NAME("Retry-After", 0), "retry_after", false},
    {NAME("User-Agent", 0), "user_agent", false},
    {NAME("Server", 0), "server", false},
    {NAME("Content-Type", 'C'), "content_type", false},
    [CONTENT_LENGTH] = {NAME("Content-Length", 'L'), "content_length", true},
    [AUTHORIZATION] = {NAME("Authorization", 0), NULL, false},
    [PROXY_AUTHORIZATION] = {NAME("Proxy-Authorization", 0), NULL, false},
    [VIA] = {NAME("Via", 'V'), NULL, false},
};

enum { HEADERS = sizeof headers / sizeof *headers };
static_assert(HEADERS == VIA + 1, "no row is beyond the last");

/* Methods that IANA lists; others are told as "request". */
static const char *const methods[] = {
    "ACK",     "BYE",   "CANCEL",  "INFO",  "INVITE",   "MESSAGE",   "NOTIFY",
    "OPTIONS", "PRACK", "PUBLISH", "REFER", "REGISTER", "SUBSCRIBE", "UPDATE",
};

struct sip {
    struct wst_slice start, body;
    struct wst_slice values[HEADERS];     /* of each header the first; null: none */
    struct wst_slice method, uri;         /* of a request; of a response the method of its CSeq */
    int status;                           /* 0: a request */
    bool agree;                           /* a request's method is that of its CSeq */
    struct wst_slice phrase, cseq, call_id, branch;
};

/* -- lines ------------------------------------------------------------------------------------- */

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static struct wst_slice trim(struct wst_slice s)
{
    while (s.n && (is_blank(s.p[0]) || s.p[0] == '\r' || s.p[0] == '\n')) s = wst_slice_skip(s, 1);
    while (s.n && (is_blank(s.p[s.n - 1]) || s.p[s.n - 1] == '\r' || s.p[s.n - 1] == '\n')) s.n--;
    return s;
}

/* Up to CR LF; `folded`: lines that begin with a blank go on (section 7.3.1). */
static bool next_line(struct wst_slice *rest, struct wst_slice *line, bool folded)
{
    size_t at = 0;
    while (at < rest->n) {
        const uint8_t *end = memchr(rest->p + at, '\n', rest->n - at);
        if (!end) return false;
        at = (size_t)(end - rest->p) + 1;
        if (at < 2 || end[-1] != '\r') return false;
        if (folded && at > 2 && at < rest->n && is_blank(rest->p[at])) continue;
        *line = wst_slice_head(*rest, at - 2);
        *rest = wst_slice_skip(*rest, at);
        return true;
    }
    return false;
}

static bool next_header(struct wst_slice *rest, struct wst_slice *name, struct wst_slice *value)
{
    struct wst_slice line;
    if (!next_line(rest, &line, true) || line.n == 0) return false;
    const uint8_t *colon = memchr(line.p, ':', line.n);
    *name = trim(wst_slice_head(line, colon ? (size_t)(colon - line.p) : 0));
    *value = trim(wst_slice_skip(line, colon ? (size_t)(colon - line.p) + 1 : line.n));
    return true;
}

/* A message has hundreds, or has the same one thousands of times: each is looked at once. */
static void header_note(struct sip *sip, struct wst_slice name, struct wst_slice value)
{
    if (name.n == 0) return;
    const char first = (char)(name.p[0] & ~0x20); /* in capitals, if it is a letter */
    for (size_t i = 0; i < HEADERS; i++) {
        const struct header *h = &headers[i];
        bool is = name.n == 1 ? first == h->compact
                              : name.n == h->n && first == h->name[0] &&
                                    wst_same_nocase(name.p, h->name, h->n);
        if (!is) continue;
        if (!sip->values[i].p) sip->values[i] = value;
        return;
    }
}

static struct wst_slice word(struct wst_slice *s)
{
    const uint8_t *blank = s->n ? memchr(s->p, ' ', s->n) : NULL;
    struct wst_slice w = wst_slice_head(*s, blank ? (size_t)(blank - s->p) : s->n);
    *s = wst_slice_skip(*s, w.n + 1);
    return w;
}

static bool is_token(struct wst_slice s)
{
    for (size_t i = 0; i < s.n; i++) {
        uint8_t c = s.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z', digit = c >= '0' && c <= '9';
        if (!letter && !digit && !(c && strchr("-.!%*_+`'~", c))) return false;
    }
    return s.n > 0;
}

/* -1: it is no number. */
static int64_t number(struct wst_slice s)
{
    return wst_slice_decimal(s, 10);
}

/* The parameter of the first Via: other hops stand behind a comma. Quoted strings do not stand
 * there (section 20.42). */
static struct wst_slice branch_of(struct wst_slice via)
{
    const uint8_t *comma = via.n ? memchr(via.p, ',', via.n) : NULL;
    if (comma) via.n = (size_t)(comma - via.p);
    while (via.n > 0) {
        const uint8_t *end = memchr(via.p, ';', via.n);
        if (!end) break;
        via = trim(wst_slice_skip(via, (size_t)(end - via.p) + 1));
        if (via.n < 7 || !wst_same_nocase(via.p, "branch", 6)) continue;
        struct wst_slice value = trim(wst_slice_skip(via, 6));
        if (value.n == 0 || value.p[0] != '=') continue;
        value = trim(wst_slice_skip(value, 1));
        const uint8_t *semicolon = memchr(value.p, ';', value.n);
        return trim(wst_slice_head(value, semicolon ? (size_t)(semicolon - value.p) : value.n));
    }
    return (struct wst_slice){NULL, 0};
}

/* -- a message --------------------------------------------------------------------------------- */

static bool start_read(struct sip *sip)
{
    struct wst_slice rest = sip->start;
    struct wst_slice first = word(&rest), second = word(&rest);
    if (wst_slice_is_nocase(first, "SIP/2.0")) {
        int64_t status = second.n == 3 ? number(second) : -1;
        sip->status = (int)status;
        sip->phrase = rest;
        return status >= 100 && status < 700;
    }
    sip->method = first;
    sip->uri = second;
    return is_token(first) && second.n && memchr(second.p, ':', second.n) &&
           wst_slice_is_nocase(rest, "SIP/2.0");
}

/* Headers that each must have (section 8.1.1), and as many bytes behind them as it says. */
static bool sip_read(struct sip *sip, struct wst_slice all)
{
    struct wst_slice rest, name, value;
    *sip = (struct sip){.status = 0};
    if (!next_line(&all, &sip->start, false) || !start_read(sip)) return false;
    rest = all;
    while (next_header(&rest, &name, &value)) {
        if (!is_token(name)) return false;
        header_note(sip, name, value);
    }
    size_t n = all.n - rest.n;
    if (n < 2 || memcmp(all.p + n - 2, "\r\n", 2) != 0 || (n > 2 && all.p[n - 3] != '\n'))
        return false;
    sip->body = rest;
    struct wst_slice length = sip->values[CONTENT_LENGTH];
    if (length.p && number(length) != (int64_t)sip->body.n) return false;
    sip->call_id = sip->values[CALL_ID];
    sip->cseq = sip->values[CSEQ];
    sip->branch = branch_of(sip->values[VIA]);
    size_t digits = 0; /* blanks may be ends of lines, too, where it is folded */
    while (digits < sip->cseq.n && sip->cseq.p[digits] >= '0' && sip->cseq.p[digits] <= '9')
        digits++;
    struct wst_slice sequence = wst_slice_head(sip->cseq, digits);
    struct wst_slice method = trim(wst_slice_skip(sip->cseq, digits));
    if (digits + method.n == sip->cseq.n) return false;
    if (!sip->call_id.n || number(sequence) < 0 || !is_token(method)) return false;
    if (sip->status) sip->method = method;
    sip->agree = wst_slice_same(method, sip->method);
    return true;
}

static const char *name_of(const struct sip *sip)
{
    if (sip->status) return "response";
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (wst_slice_is(sip->method, methods[i])) return methods[i];
    return "request";
}

/* The branch and the method: CANCEL has the branch of what it cancels. Branches that are unique
 * begin with z9hG4bK (section 8.1.1.7); of others nothing is certain. */
static void say_flow(struct wst_say *say, const struct sip *sip)
{
    struct wst_slice b = sip->branch, m = sip->method;
    if (!wst_slice_starts(b, "z9hG4bK") || b.n < 8 || !sip->agree) return;
    if (!sip->status && wst_slice_is(m, "ACK")) return; /* never answered (section 17) */
    if (sip->status && sip->status < 200) return;       /* provisional */
    uint8_t *both = wst_say_scratch(say, b.n + m.n + 1);
    if (!both) return;
    memcpy(both, b.p, b.n);
    both[b.n] = 0;
    memcpy(both + b.n + 1, m.p, m.n);
    struct wst_slice id = wst_slice_of(both, b.n + m.n + 1);
    if (sip->status)
        wst_say_answers(say, TRANSACTION, id);
    else
        wst_say_asks(say, TRANSACTION, id);
}

static void say_header(struct wst_say *say, const struct header *header, struct wst_slice value)
{
    if (header->number && number(value) >= 0)
        wst_say_number(say, header->field, number(value));
    else
        wst_say_text(say, header->field, value);
}

static void say_sip(struct wst_say *say, const struct sip *sip)
{
    wst_say_packet(say, name_of(sip));
    if (sip->status) {
        wst_say_number(say, "status_code", sip->status);
        wst_say_text(say, "reason_phrase", sip->phrase);
    } else {
        wst_say_text(say, "method", sip->method);
        wst_say_text(say, "request_uri", sip->uri);
    }
    wst_say_text(say, "branch", sip->branch);
    for (size_t i = 0; i < HEADERS; i++)
        if (headers[i].field) say_header(say, &headers[i], sip->values[i]);
    if (sip->values[AUTHORIZATION].p) wst_say_flag(say, "authorization", true);
    if (sip->values[PROXY_AUTHORIZATION].p) wst_say_flag(say, "proxy_authorization", true);
    if (sip->body.n) wst_say_body(say, sip->body, 0);
    if (sip->status >= 400) wst_say_error(say);
    say_flow(say, sip);
}

static void message(struct wst_say *say, void *state, const struct wst_event *event)
{
    const struct wst_slice none = wst_slice_of("", 0);
    struct wst_slice all = event->message.payload;
    struct sip sip;
    (void)state;
    if (wst_slice_is(all, "\r\n\r\n")) {
        wst_say_packet(say, "ping");
        wst_say_asks(say, KEEP_ALIVE, none);
    } else if (wst_slice_is(all, "\r\n")) {
        wst_say_packet(say, "pong");
        wst_say_answers(say, KEEP_ALIVE, none);
    } else if (sip_read(&sip, all)) {
        say_sip(say, &sip);
    } else {
        wst_say_strange(say);
    }
}

static bool named(const struct wst_event_handshake *shake)
{
    return wst_app_chose(shake, "sip");
}

static bool sounds(struct wst_say *say, const struct wst_event *event)
{
    struct sip sip;
    (void)say;
    return sip_read(&sip, event->message.payload);
}

const struct wst_app_protocol wst_app_sip = {
    .app = WST_APP_SIP,
    .ids_return = true,
    .named = named,
    .sounds = sounds,
    .message = message,
};

/* SPDX-License-Identifier: MIT */
#include "ending.h"

#include <stdio.h>

#include "budget.h"
#include "judge.h"

#define SECOND_NS 1000000000ll
static const int64_t reply_ns = 1 * SECOND_NS; /* an endpoint that lives answers sooner */

static const char *what_ended(const struct wst_ws *ws)
{
    return ws->terms.stream ? "the stream" : "TCP";
}

/* -- what is remembered ------------------------------------------------------------------------ */

struct wst_ws_control *wst_ending_control(const struct wst_ws_step *s)
{
    struct wst_ws *ws = s->ws;
    if (!ws->control) ws->control = wst_budget_new(s->env->budget, sizeof *ws->control);
    return ws->control;
}

/* Nothing that the other side sent, and who closes has, is missing, late, or half a message: who is
 * told of no fault in it may take it that there is none. */
static bool sighted(const struct wst_ws_step *s)
{
    enum wst_dir far = wst_dir_other(s->dir);
    const struct wst_ws_side *other = &s->ws->side[far];
    struct wst_ws_place place = wst_ws_place_of(s, far);
    if (s->arrival->from != s->arrival->when.pkt || !place.known || place.behind) return false;
    if (!other->frames || other->closed) return false; /* it is about the handshake */
    return other->mode == WST_WS_HEADER && !(other->open && other->open->message);
}

void wst_ending_close(const struct wst_ws_step *s)
{
    struct wst_ws *ws = s->ws;
    struct wst_ws_control *c = wst_ending_control(s);
    const struct wst_ws_side *other = &ws->side[wst_dir_other(s->dir)];
    bool waited = s->arrival->from != s->arrival->when.pkt; /* the FIN may have come meanwhile */
    struct wst_ws_place place = wst_ws_place_of(s, s->dir);
    struct wst_ws_place far = wst_ws_place_of(s, wst_dir_other(s->dir));
    bool missed = place.known && (int32_t)(place.acked - place.end) < 0;
    ws->closed_by = (int8_t)s->dir;
    ws->close_pkt = s->arrival->from & 0xffffff;
    if (!c) return;
    c->closing = true;
    c->close_ns = wst_arrival_there(s->arrival).ns;
    c->close_place = place.end;
    c->placed = place.known;
    c->heard = far.acked;
    c->hears = far.known && missed && !waited; /* else it was sent before the last of them */
    c->overtook = far.behind;
    c->waited = waited;
    c->late = other->finished ? !other->behind : missed && far.over;
    c->late &= !waited;
    c->sighted = sighted(s);
    c->gaps = ws->side[s->dir].gaps;
    c->overtaken = (waited && other->finished) || ws->side[s->dir].finished;
    /* It waited behind bytes that nobody acknowledged until the other side's end, nor it. */
    c->unheard = waited && missed && far.over;
    c->unawaited = c->answered = false;
    c->ended = other->finished; /* and had heard of it, or nobody knows */
    if (c->ended) c->close_ns = 0;
    c->ended_by = (int8_t)(c->ended ? wst_dir_other(s->dir) : WST_DIR_NONE);
}

/* Whoever ends TCP acknowledges what has reached him: was the first close frame among that? */
static bool unheard(const struct wst_ws_step *s)
{
    const struct wst_ws_control *c = s->ws->control;
    struct wst_ws_place place = wst_ws_place_of(s, (enum wst_dir)s->ws->closed_by);
    return c->placed && place.known && (int32_t)(place.acked - c->close_place) < 0;
}

enum wst_dir wst_ending_first(const struct wst_ws_step *s, bool before)
{
    const struct wst_ws_control *c = s->ws->control;
    enum wst_dir by = before ? s->dir : (enum wst_dir)s->ws->closed_by;
    bool waited = s->arrival->from != s->arrival->when.pkt;
    if (!c || !c->closing) return by;
    struct wst_ws_place place = wst_ws_place_of(s, s->dir);
    if (!c->placed || !place.known) return c->overtook ? WST_DIR_NONE : by;
    if (c->hears && (int32_t)(c->heard - place.end) >= 0) return s->dir;
    if (before && !c->waited) return WST_DIR_NONE; /* packets are no measure then */
    if (c->hears) return by;
    /* It waited, as for the answer to the handshake in a capture whose clocks are apart. */
    return c->overtook || (!waited && unheard(s)) ? WST_DIR_NONE : by;
}

/* The first end behind the first close frame. */
static void ended(const struct wst_ws_step *s, enum wst_dir dir)
{
    struct wst_ws_control *c = s->ws->control;
    if (c->ended) return;
    c->ended = true;
    c->ended_by = (int8_t)dir;
    c->close_ns = wst_ns_between(c->close_ns, wst_arrival_there(s->arrival).ns);
}

/* The first side ends. Bytes of the other one may yet come; when those that are missing were sent
 * nobody knows. */
static void quiet(const struct wst_ws_step *s)
{
    struct wst_ws *ws = s->ws;
    uint32_t age = wst_ending_age(ws, s->arrival);
    if (ws->side[0].finished || ws->side[1].finished) return;
    bool lacks = wst_ws_place_of(s, WST_C2S).behind || wst_ws_place_of(s, WST_S2C).behind;
    ws->quiet_ms = age > ws->last_ms && !lacks ? age - ws->last_ms : 0;
}

void wst_ending_fin(const struct wst_ws_step *s)
{
    struct wst_ws *ws = s->ws;
    enum wst_dir far = wst_dir_other(s->dir);
    struct wst_ws_side *side = &ws->side[s->dir];
    side->behind = wst_ws_place_of(s, far).behind;
    quiet(s);
    if (!ws->control || !ws->control->closing) return;
    ended(s, s->dir);
    if (ws->closed_by == (int8_t)s->dir) {
        ws->control->fin_place = wst_ws_place_of(s, far).end;
        ws->control->unawaited =
            !wst_ws_closed(ws, far) && !ws->side[far].finished && !side->behind;
    } else {
        ws->control->unheard = unheard(s);
    }
}

/* -- what is made of it ------------------------------------------------------------------------ */

/* Whose end came first; none: nobody knows, or both at once. */
static enum wst_dir first_to_end(const struct wst_ws *ws)
{
    bool tcp = !ws->terms.stream && (ws->side[0].finished || ws->side[1].finished);
    return (enum wst_dir)(tcp ? ws->fin_by : ws->control->ended_by);
}

/* Behind its own FIN a host resets what has something to say still. None of that was captured: it
 * may have been the close frame. */
static bool answered_unseen(const struct wst_ws_step *s, enum wst_dir by)
{
    const struct wst_ws *ws = s->ws;
    return !ws->terms.stream && ws->side[by].finished && ws->reset_by == (int8_t)by &&
           wst_ws_place_of(s, wst_dir_other(by)).end == ws->control->fin_place;
}

/* Who sent the first close frame may have ended the stream before the other side did: that end has
 * no place in TCP as a FIN has, and was read late, or may lie in what is missing. */
static bool end_unseen(const struct wst_ws *ws)
{
    const struct wst_ws_control *c = ws->control;
    return ws->terms.stream && (c->overtaken || ws->side[ws->closed_by].gaps != c->gaps);
}

static enum wst_no_reply no_reply(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir by = (enum wst_dir)ws->closed_by, other = wst_dir_other(by);
    bool over = how == WST_TCP_FIN || how == WST_TCP_RST;
    bool finished = ws->side[other].finished;
    if (by == WST_DIR_NONE || wst_ws_closed(ws, other)) return WST_REPLY_NOT_DUE;
    if (!ws->control || !ws->control->closing || wst_judge_blind(&ws->side[other]) || ws->obscure)
        return WST_REPLY_UNSEEN;
    if (how == WST_TCP_RST && !finished && ws->reset_by == (int8_t)other)
        ws->control->unheard = unheard(s);
    if (ws->control->late || ws->control->unheard) return WST_REPLY_LATE;
    /* It acknowledges the close frame, as the first may not have done. */
    if (finished && wst_ws_place_of(s, other).again) return WST_REPLY_UNSEEN;
    if (!over && !finished) return how == WST_TCP_TIMEOUT ? WST_REPLY_NONE : WST_REPLY_OPEN;
    enum wst_dir first = first_to_end(ws);
    bool soon = ws->control->close_ns < reply_ns;
    if (first == by && how == WST_TCP_RST && answered_unseen(s, by)) return WST_REPLY_UNSEEN;
    if (first == by && soon) return WST_REPLY_NO_TIME;
    if (first != by && end_unseen(ws)) return WST_REPLY_UNSEEN;
    if (first == WST_DIR_NONE && how == WST_TCP_RST && soon) return WST_REPLY_UNSEEN;
    return WST_REPLY_NONE;
}

/* "0.302 ms", "12.000 s". A capture whose clock was set back may ask for less than nothing. */
static const char *span(char text[32], int64_t ns)
{
    if (ns < 0) ns = 0;
    bool seconds = ns >= SECOND_NS;
    long long n = ns / (seconds ? 1000000 : 1000);
    snprintf(text, 32, "%lld.%03lld %s", n / 1000, n % 1000, seconds ? "s" : "ms");
    return text;
}

void wst_ending_answer(const struct wst_ws_step *s, uint64_t n, bool at_once)
{
    struct wst_ws_control *c = s->ws->control;
    enum wst_dir by = wst_dir_other(s->dir);
    if (!c || !c->closing || s->ws->closed_by != (int8_t)by || c->answered) return;
    c->answered = true;
    bool waited = s->arrival->from != s->arrival->when.pkt;
    if (!at_once || waited || c->ended || wst_ws_place_of(s, by).behind) return;
    int64_t after = wst_ns_between(c->close_ns, wst_arrival_there(s->arrival).ns);
    char text[32];
    if (after < WST_WS_LATE * SECOND_NS) return;
    wst_ws_problemf(s, WST_PROBLEM_CLOSE_LATE, n, 0, "the %s's close frame came %s after the %s's",
                    wst_dir_sender(s->dir), span(text, after), wst_dir_sender(by));
}

/* In whose hand it was, and for how long. */
static void tell_no_reply(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir by = (enum wst_dir)ws->closed_by, other = wst_dir_other(by),
                 first = first_to_end(ws);
    bool reset = how == WST_TCP_RST && first != WST_DIR_NONE && ws->reset_by == (int8_t)first &&
                 !ws->side[first].finished;
    const char *did = reset ? "reset" : "ended";
    bool later = ws->control->close_ns > 0;
    char after[32];
    struct wst_ws_step told = *s;
    told.dir = other;
    span(after, ws->control->close_ns);
    if (first == WST_DIR_NONE)
        wst_ws_problemf(&told, WST_PROBLEM_CLOSE_NO_REPLY, 0, 0,
                        how == WST_TCP_RST
                            ? "the %s sent a close frame, the %s none; %s was reset %s later"
                            : "the %s sent a close frame, the %s none; both ended %s, %s later",
                        wst_dir_sender(by), wst_dir_sender(other), what_ended(ws), after);
    else if (first == by)
        wst_ws_problemf(&told, WST_PROBLEM_CLOSE_NO_REPLY, 0, 0,
                        "the %s sent a close frame, the %s none in %s; then the %s %s %s",
                        wst_dir_sender(by), wst_dir_sender(other), after, wst_dir_sender(by), did,
                        what_ended(ws));
    else
        wst_ws_problemf(&told, WST_PROBLEM_CLOSE_NO_REPLY, 0, 0,
                        "the %s sent a close frame, the %s none; the %s %s %s%s%s%s",
                        wst_dir_sender(by), wst_dir_sender(other), wst_dir_sender(other), did,
                        what_ended(ws), later ? " " : "", later ? after : "",
                        later ? " later" : "");
}

/* Neither was it possible to answer; nor was the close frame that is missing sent. */
static void tell_late(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir by = (enum wst_dir)ws->closed_by, other = wst_dir_other(by);
    struct wst_ws_step told = *s;
    bool reset = how == WST_TCP_RST && !ws->side[other].finished;
    told.dir = other;
    wst_ws_problemf(&told, WST_PROBLEM_CLOSE_MISSING, 0, 0,
                    "the %s %s %s without a close frame; the %s's %s", wst_dir_sender(other),
                    reset ? "reset" : "ended", what_ended(ws), wst_dir_sender(by),
                    ws->control->late ? "came after that" : "had not reached it");
}

static void tell_no_time(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir by = (enum wst_dir)ws->closed_by;
    bool reset = how == WST_TCP_RST && !ws->side[by].finished;
    char after[32];
    struct wst_ws_step told = *s;
    told.dir = by;
    span(after, ws->control->close_ns);
    wst_ws_problemf(
        &told, WST_PROBLEM_CLOSE_NOT_AWAITED, 0, 0,
        "the %s %s %s %s%s its close frame, and had none of the %s's yet", wst_dir_sender(by),
        reset ? "reset" : "ended", what_ended(ws), ws->control->close_ns > 0 ? after : "together",
        ws->control->close_ns > 0 ? " after" : " with", wst_dir_sender(wst_dir_other(by)));
}

/* Who ended what first: TLS is ended above TCP, and by a proxy that has had enough, or a server
 * that stops, before its peer ends TCP. */
static const char *first_ends(const struct wst_ws *ws, char text[64])
{
    enum wst_dir tls = (enum wst_dir)ws->tls_by, tcp = (enum wst_dir)ws->fin_by;
    text[0] = '\0';
    if (tls != WST_DIR_NONE && tls != tcp)
        snprintf(text, 64, "; first to end TLS was the %s%s%s", wst_dir_sender(tls),
                 tcp == WST_DIR_NONE ? "" : ", TCP then the ",
                 tcp == WST_DIR_NONE ? "" : wst_dir_sender(tcp));
    else if (tcp != WST_DIR_NONE)
        snprintf(text, 64, "; first to end TCP was the %s", wst_dir_sender(tcp));
    return text;
}

static void tell_missing(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir reset_by = (enum wst_dir)ws->reset_by;
    char end[64], silence[64] = "", after[32], first[64];
    if (wst_judge_blind(&ws->side[0]) || wst_judge_blind(&ws->side[1])) return;
    if (how == WST_TCP_RST && reset_by != WST_DIR_NONE)
        snprintf(end, sizeof end, "the %s reset %s", wst_dir_sender(reset_by), what_ended(ws));
    else if (how == WST_TCP_RST)
        snprintf(end, sizeof end, "%s",
                 ws->terms.stream ? "the stream was reset" : "TCP ended with a reset");
    else
        snprintf(end, sizeof end, "%s",
                 ws->terms.stream ? "the stream ended" : "TCP ended with FIN");
    quiet(s);
    if (ws->quiet_ms >= 1000)
        snprintf(silence, sizeof silence, " after %s of silence",
                 span(after, ws->quiet_ms * (SECOND_NS / 1000)));
    wst_ws_problemf(s, WST_PROBLEM_CLOSE_MISSING, 0, 0,
                    "%s%s, and neither side had sent a close frame%s", end, silence,
                    first_ends(ws, first));
}

static void tell_client_first(const struct wst_ws_step *s)
{
    struct wst_ws_step told = *s;
    told.dir = WST_C2S;
    wst_ws_problem(
        &told, WST_PROBLEM_CLOSE_CLIENT_FIRST, 0, 0,
        s->ws->control && s->ws->control->unawaited
            ? "the client's FIN came before the server's close frame"
            : "both had sent their close frames; the client's FIN came before the server's");
}

/* RFC 6455 section 7.4.1: codes that say the other side broke a rule. */
static bool blames(int32_t code)
{
    return code == 1002 || code == 1007;
}

static void tell_unexplained(const struct wst_ws_step *s)
{
    const struct wst_ws *ws = s->ws;
    enum wst_dir by = (enum wst_dir)ws->closed_by;
    if (by == WST_DIR_NONE || !blames(ws->close_code) || ws->partial || ws->terms.unknown) return;
    if (ws->crossed) return;
    enum wst_dir far = wst_dir_other(by);
    const struct wst_ws_side *other = &ws->side[far];
    if (!ws->control || !ws->control->sighted || (ws->faulty & 1u << far)) return;
    if (other->gaps || other->resumed || other->context_lost || wst_judge_blind(other)) return;
    struct wst_ws_step told = *s;
    told.dir = by;
    wst_ws_problemf(&told, WST_PROBLEM_CLOSE_UNEXPLAINED, 0, 0,
                    "the %s closed with %d (%s), and no frame of the %s breaks a rule of WebSocket",
                    wst_dir_sender(by), (int)ws->close_code, wst_close_code_name(ws->close_code),
                    wst_dir_sender(far));
}

enum wst_no_reply wst_ending_judge(const struct wst_ws_step *s, enum wst_tcp_end how)
{
    struct wst_ws *ws = s->ws;
    bool over = how == WST_TCP_FIN || how == WST_TCP_RST;
    if (ws->control && ws->control->closing)
        ended(s, how == WST_TCP_RST ? (enum wst_dir)ws->reset_by : WST_DIR_NONE);
    tell_unexplained(s);
    enum wst_no_reply why = no_reply(s, how);
    if (!over || ws->obscure) return why;
    if (ws->closed_by == WST_DIR_NONE) tell_missing(s, how);
    if (why == WST_REPLY_NONE) tell_no_reply(s, how);
    if (why == WST_REPLY_LATE) tell_late(s, how);
    if (why == WST_REPLY_NO_TIME) tell_no_time(s, how);
    bool both = wst_ws_closed(ws, WST_C2S) && wst_ws_closed(ws, WST_S2C);
    if (both && ws->fin_by == WST_C2S) tell_client_first(s);
    return why;
}

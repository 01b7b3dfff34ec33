/* SPDX-License-Identifier: MIT
 *
 * In: a script, and the events of the conversation that it is played in. Out: what to send next, or
 * how long to wait for the server.
 * Refuses to wait for ever: what the server does not say in time is written off, once, and the rest
 * goes on behind it.
 *
 *     REQUEST ──▶ ANSWER ──▶ STEPS ──▶ REST ──▶ GOODBYE ──▶ OVER
 *                   │          │         what the recording's server   what both have closed,
 *                refused    it closed    said behind the last step     the server ends (§7.1.1)
 */
#include "replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum phase { REQUEST, ANSWER, STEPS, REST, GOODBYE, OVER };
enum { CONTROL_MOST = 125 };
#define SECOND_NS 1000000000ll

struct control { /* a frame of our own, not of the script's */
    uint8_t bytes[CONTROL_MOST];
    size_t n;
    bool due;
};

struct wst_replay {
    const struct wst_replay_script *script;
    struct wst_replay_options options;
    struct wst_replay_facts facts;
    struct wst_budget budget;
    struct wst_buf request;
    enum phase phase;
    size_t step;
    struct wst_replay_frame frame; /* that is being sent */
    bool sending;
    struct wst_slice rest; /* of the message, behind that frame … */
    const uint64_t *lengths;
    size_t lengths_n;                   /* … and of its frames, but for the last */
    struct wst_replay_deflate *deflate; /* NULL: the server did not agree */
    bool closing; /* our close was sent, or is being sent */
    bool polite;  /* a close of the server is answered: not by a client that never did */
    struct control pong, close;
    /* what the server did */
    bool answered, accepted, key_wrong, closed, ended, reset;
    int32_t status;
    char reason[64];
    int32_t code; /* of its close */
    uint64_t said, written_off;
    bool stirred; /* it said something that counts; the clock has not been looked at since */
    int64_t sent_ns, stirred_ns;
    struct wst_replay_sent sent;
    char failure[WST_REPLAY_ERROR_SIZE];
    uint8_t piece[WST_REPLAY_PIECE];
};

static bool polite(const struct wst_replay_script *script)
{
    const struct wst_replay_step *step;

    if (!wst_replay_script_facts(script).closed) return true;
    for (size_t i = 0; (step = wst_replay_script_step(script, i)); i++)
        if (step->opcode == 8) return true;
    return false;
}

static bool owes_close(const struct wst_replay *r)
{
    return r->closed && !r->closing && r->polite;
}

struct wst_replay *wst_replay_new(const struct wst_replay_script *script,
                                  const struct wst_replay_options *options,
                                  char error[WST_REPLAY_ERROR_SIZE])
{
    struct wst_replay *r = calloc(1, sizeof *r);
    uint8_t key[16];

    snprintf(error, WST_REPLAY_ERROR_SIZE, "out of memory");
    if (r == NULL) return NULL;
    r->script = script;
    r->options = *options;
    r->facts = wst_replay_script_facts(script);
    r->polite = polite(script);
    r->budget.max = 2 * WST_REPLAY_REQUEST_MAX;
    options->random(options->user, key, sizeof key);
    if (wst_replay_request(&r->request, &r->budget, script, options, key, error) == 0) return r;
    wst_replay_free(r);
    return NULL;
}

void wst_replay_free(struct wst_replay *r)
{
    if (r == NULL) return;
    wst_buf_free(&r->request, &r->budget);
    wst_replay_deflate_free(r->deflate);
    free(r);
}

static void __attribute__((format(printf, 2, 3)))
fail(struct wst_replay *r, const char *format, ...)
{
    va_list arguments;

    if (r->failure[0]) return;
    va_start(arguments, format);
    vsnprintf(r->failure, sizeof r->failure, format, arguments);
    va_end(arguments);
}

/* -- what the server says ---------------------------------------------------------------------- */

static void on_handshake(struct wst_replay *r, const struct wst_event_handshake *h)
{
    if (h->status < 0 || r->answered) return;
    r->answered = true;
    r->status = h->status;
    r->key_wrong = h->accept_ok == 0;
    r->accepted = h->accepted && !r->key_wrong;
    if (r->accepted && h->deflate.agreed && !r->options.plain)
        r->deflate = wst_replay_deflate_new(&h->deflate);
    snprintf(r->reason, sizeof r->reason, "%.*s", (int)(h->reason.n < 60 ? h->reason.n : 60),
             h->reason.p ? (const char *)h->reason.p : "");
}

static void on_problem(struct wst_replay *r, const struct wst_event_problem *p)
{
    if (r->phase > ANSWER || !r->accepted || !wst_replay_unfit(r->script, p->problem)) return;
    r->accepted = false;
    fail(r, "the server's answer is one that a client has to fail the connection for: %s",
         p->detail);
}

/* Only the last of several has to be answered (RFC 6455 section 5.5.3), so no storm of them makes
 * more work than it does itself. */
static void on_ping(struct wst_replay *r, struct wst_slice payload)
{
    if (payload.n > sizeof r->pong.bytes) return;
    r->pong.n = payload.n;
    if (payload.n) memcpy(r->pong.bytes, payload.p, payload.n);
    r->pong.due = true;
}

static void on_close(struct wst_replay *r, const struct wst_event_close *c)
{
    if (r->closed) return;
    r->stirred = true;
    r->closed = true;
    r->code = c->code;
    r->close.n = 0;
    if (c->code < 0) return;
    r->close.bytes[r->close.n++] = (uint8_t)(c->code >> 8);
    r->close.bytes[r->close.n++] = (uint8_t)c->code;
}

/* Messages. What nobody waits for is no reason for patience: a server may talk for ever. */
static uint64_t awaited(const struct wst_replay *r)
{
    const struct wst_replay_step *step = wst_replay_script_step(r->script, r->step);

    return step && r->phase <= STEPS ? step->said : r->facts.said;
}

static void on_event(void *user, const struct wst_event *e)
{
    struct wst_replay *r = user;

    if (e->type == WST_EVENT_HANDSHAKE) on_handshake(r, &e->handshake);
    if (e->dir != WST_S2C || e->conn == 0 || !r->accepted) return;
    if (e->type == WST_EVENT_PROBLEM) {
        on_problem(r, &e->problem);
    } else if (e->type == WST_EVENT_MESSAGE) {
        r->stirred = r->stirred || r->said + r->written_off < awaited(r);
        r->said++;
    } else if (e->type == WST_EVENT_FRAME && e->frame.opcode == 9) {
        on_ping(r, e->frame.payload);
    } else if (e->type == WST_EVENT_CLOSE) {
        on_close(r, &e->close);
    }
}

struct wst_listener wst_replay_listener(struct wst_replay *r)
{
    return (struct wst_listener){r, on_event, NULL};
}

void wst_replay_ended(struct wst_replay *r, bool reset)
{
    r->ended = true;
    r->reset = reset;
}

/* -- turns ------------------------------------------------------------------------------------- */

static struct wst_replay_turn send_bytes(struct wst_slice bytes)
{
    return (struct wst_replay_turn){WST_REPLAY_SEND, bytes, 0};
}

static struct wst_replay_turn wait_until(int64_t ns)
{
    return (struct wst_replay_turn){WST_REPLAY_WAIT, {NULL, 0}, ns};
}

static struct wst_replay_turn over(struct wst_replay *r)
{
    r->phase = OVER;
    return (struct wst_replay_turn){WST_REPLAY_CLOSE, {NULL, 0}, 0};
}

static struct wst_replay_turn send_frame(struct wst_replay *r, const struct wst_replay_frame *frame,
                                         int64_t now)
{
    r->frame = *frame;
    r->options.random(r->options.user, r->frame.mask, sizeof r->frame.mask);
    r->sending = true;
    r->sent_ns = now;
    return send_bytes(wst_slice_of(r->piece, wst_replay_frame_next(&r->frame, r->piece)));
}

static struct wst_replay_turn begin_frame(struct wst_replay *r, uint8_t opcode,
                                          struct wst_slice payload, int64_t now)
{
    struct wst_replay_frame frame = {.payload = payload, .opcode = opcode};

    if (opcode == 8) r->closing = true;
    return send_frame(r, &frame, now);
}

/* Each as long as it was, as far as the message goes: compressed anew it has another length. */
static struct wst_replay_turn next_fragment(struct wst_replay *r, uint8_t opcode, bool compressed,
                                            int64_t now)
{
    struct wst_replay_frame frame = {
        .payload = r->rest, .opcode = opcode, .compressed = compressed, .more = r->lengths_n > 0};

    if (frame.more) {
        if (*r->lengths < frame.payload.n) frame.payload.n = (size_t)*r->lengths;
        r->lengths++;
        r->lengths_n--;
    }
    r->rest = wst_slice_skip(r->rest, frame.payload.n);
    return send_frame(r, &frame, now);
}

static struct wst_replay_turn begin_message(struct wst_replay *r,
                                            const struct wst_replay_step *step, int64_t now)
{
    bool compressed =
        step->compressed && r->deflate && wst_replay_deflate(r->deflate, step->payload, &r->rest);

    if (!compressed) r->rest = step->payload;
    r->lengths = step->lengths;
    r->lengths_n = r->options.fragments ? step->lengths_n : 0;
    return next_fragment(r, step->opcode, compressed, now);
}

/* -- a step ------------------------------------------------------------------------------------ */

static const char *seconds(const struct wst_replay *r, char text[32])
{
    snprintf(text, 32, "%g s", (double)r->options.timeout_ns / (double)SECOND_NS);
    return text;
}

static void describe(const struct wst_replay *r, char text[128])
{
    const struct wst_replay_step *step = wst_replay_script_step(r->script, r->step);

    snprintf(text, 128, "step %zu of %zu (%s, %zu byte%s, packet %" PRIu64 " of the recording)",
             r->step + 1, r->facts.steps, wst_opcode_name(step->opcode), step->payload.n,
             step->payload.n == 1 ? "" : "s", step->pkt);
}

/* When waiting for the server comes to its end: it has been silent for so long. */
static int64_t patience(const struct wst_replay *r, int64_t from)
{
    int64_t since = r->stirred_ns > from ? r->stirred_ns : from;

    return since + r->options.timeout_ns;
}

static void miss(struct wst_replay *r, const struct wst_replay_step *step)
{
    char which[128], time[32];

    describe(r, which);
    r->sent.misses++;
    if (r->said + r->written_off < step->said) {
        fail(r, "%s waited %s for message %" PRIu64 " of the server in vain: it had said %" PRIu64,
             which, seconds(r, time), step->said, r->said);
        r->written_off = step->said - r->said;
    } else {
        fail(r, "%s waited %s for the server's close in vain", which, seconds(r, time));
    }
}

static struct wst_replay_turn next_step(struct wst_replay *r, int64_t now)
{
    const struct wst_replay_step *step = wst_replay_script_step(r->script, r->step);
    int64_t paced = r->options.recorded_pace ? r->sent_ns + step->after_ns : r->sent_ns;
    bool heard = r->said + r->written_off >= step->said && (r->closed || !step->closed);

    if (r->closed && step->opcode == 8) heard = true; /* there will be no more to wait for */
    if (!heard && now < patience(r, paced)) return wait_until(patience(r, paced));
    if (!heard) miss(r, step);
    if (now < paced) return wait_until(paced);
    r->step++;
    r->sent.steps++;
    if (step->opcode < 8) return begin_message(r, step, now);
    return begin_frame(r, step->opcode, step->payload, now);
}

/* -- phases ------------------------------------------------------------------------------------ */

static struct wst_replay_turn refused(struct wst_replay *r)
{
    if (r->key_wrong)
        fail(r, "the server's Sec-WebSocket-Accept does not fit the key that was sent");
    else if (r->status == 101)
        fail(r, "the server's 101 is no agreement to WebSocket");
    else
        fail(r, "the server answered %" PRId32 "%s%s, not 101", r->status, *r->reason ? " " : "",
             r->reason);
    return over(r);
}

static struct wst_replay_turn await_answer(struct wst_replay *r, int64_t now)
{
    char time[32];

    if (r->answered && !r->accepted) return refused(r);
    if (r->answered) {
        r->phase = STEPS;
        r->sent.accepted = true;
        r->sent_ns = r->stirred_ns = now;
        return wst_replay_next(r, now);
    }
    if (now < r->sent_ns + r->options.timeout_ns)
        return wait_until(r->sent_ns + r->options.timeout_ns);
    fail(r, "the server did not answer the handshake within %s", seconds(r, time));
    return over(r);
}

/* It has closed, or it is gone, before all was sent. */
static void fail_early(struct wst_replay *r, const char *how)
{
    char which[128], code[40] = "";

    describe(r, which);
    if (r->closed && r->code >= 0) snprintf(code, sizeof code, " with %" PRId32, r->code);
    fail(r, "the server %s%s before %s", how, r->closed ? code : "", which);
}

static struct wst_replay_turn steps(struct wst_replay *r, int64_t now)
{
    const struct wst_replay_step *step = wst_replay_script_step(r->script, r->step);

    /* Who has closed hears nothing more (section 5.5.1); but in the recording it was spoken to. */
    if (step && r->closed && !step->closed && step->opcode != 8) {
        fail_early(r, "closed");
        step = NULL;
    }
    if (step) return next_step(r, now);
    r->phase = REST;
    if (owes_close(r)) return begin_frame(r, 8, wst_slice_of(r->close.bytes, r->close.n), now);
    return wst_replay_next(r, now);
}

static struct wst_replay_turn rest(struct wst_replay *r, int64_t now)
{
    bool said = r->said + r->written_off >= r->facts.said;
    bool closed = r->closed || !(r->facts.closed || r->closing);
    char time[32];

    if (owes_close(r)) return begin_frame(r, 8, wst_slice_of(r->close.bytes, r->close.n), now);
    if (((!said && !r->closed) || !closed) && now < patience(r, r->sent_ns))
        return wait_until(patience(r, r->sent_ns));
    if (!said || (!closed && r->facts.closed)) r->sent.misses++;
    if (!said && r->closed)
        fail(r, "the server closed when it had said %" PRIu64 " of %" PRIu64 " messages", r->said,
             r->facts.said);
    else if (!said)
        fail(r,
             "the server said %" PRIu64 " of %" PRIu64 " messages; behind the last step %s went by "
             "without another",
             r->said, r->facts.said, seconds(r, time));
    else if (!closed && r->facts.closed)
        fail(r, "the server did not close within %s", seconds(r, time));
    r->phase = GOODBYE;
    r->stirred_ns = now;
    return wst_replay_next(r, now);
}

/* The server ends the connection first; one that does not is not waited for long. */
static struct wst_replay_turn goodbye(struct wst_replay *r, int64_t now)
{
    int64_t most = r->options.timeout_ns < SECOND_NS ? r->options.timeout_ns : SECOND_NS;

    if (r->closed && r->closing && now < r->stirred_ns + most)
        return wait_until(r->stirred_ns + most);
    return over(r);
}

static struct wst_replay_turn gone(struct wst_replay *r)
{
    const char *how = r->reset ? "reset the connection" : "ended the connection";

    if (r->phase == ANSWER && r->answered && !r->accepted) return refused(r);
    if (!r->accepted)
        fail(r, "the server %s without an answer to the handshake", how);
    else if (r->sending && (r->frame.more || r->frame.at < r->frame.payload.n))
        fail(r, "the server %s while step %zu of %zu was being sent", how, r->step, r->facts.steps);
    else if (wst_replay_script_step(r->script, r->step) && r->phase <= STEPS)
        fail_early(r, how);
    else if (r->said + r->written_off < r->facts.said)
        fail(r, "the server %s when it had said %" PRIu64 " of %" PRIu64 " messages", how, r->said,
             r->facts.said);
    else if (r->facts.closed && !r->closed)
        fail(r, "the server %s without a close", how);
    return over(r);
}

/* A frame is being sent: *turn: what of it goes next. False: all of it has gone. */
static bool send_on(struct wst_replay *r, int64_t now, struct wst_replay_turn *turn)
{
    size_t n = wst_replay_frame_next(&r->frame, r->piece);

    if (n > 0) {
        r->sent_ns = now; /* the server has not seen the end of it before */
        *turn = send_bytes(wst_slice_of(r->piece, n));
        return true;
    }
    if (r->frame.more) {
        *turn = next_fragment(r, 0, false, now);
        return true;
    }
    /* Only now has a step gone: pace counts from here. A pong is no step. */
    if (r->frame.opcode != 10) r->sent_ns = now;
    r->sending = false;
    return false;
}

static struct wst_replay_turn send_pong(struct wst_replay *r, int64_t now)
{
    int64_t before = r->sent_ns; /* a storm of pings is no reason to be patient */
    struct wst_replay_turn turn = begin_frame(r, 10, wst_slice_of(r->pong.bytes, r->pong.n), now);

    r->sent_ns = before;
    return turn;
}

struct wst_replay_turn wst_replay_next(struct wst_replay *r, int64_t now)
{
    struct wst_replay_turn turn;

    if (r->stirred) r->stirred_ns = now;
    r->stirred = false;
    if (r->phase == OVER) return over(r);
    /* What it closed with in its last breath is answered: half of the connection is still ours. */
    if (r->ended && (r->reset || !r->accepted || !owes_close(r))) return gone(r);
    if (r->sending && send_on(r, now, &turn)) return turn;
    if (r->pong.due && r->phase >= STEPS) {
        r->pong.due = false;
        if (!r->closing) return send_pong(r, now);
    }
    switch (r->phase) {
    case REQUEST:
        r->phase = ANSWER;
        r->sent_ns = now;
        return send_bytes(wst_buf_slice(&r->request));
    case ANSWER: return await_answer(r, now);
    case STEPS: return steps(r, now);
    case REST: return rest(r, now);
    case GOODBYE: return goodbye(r, now);
    case OVER: break;
    }
    return over(r);
}

const char *wst_replay_failure(const struct wst_replay *r)
{
    if (r->failure[0]) return r->failure;
    return r->phase == OVER ? NULL : "the replay was cut short";
}

struct wst_replay_sent wst_replay_sent(const struct wst_replay *r)
{
    struct wst_replay_sent sent = r->sent;

    sent.said = r->said;
    return sent;
}

/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of a TLS connection. Out: what is inside, as a flow of its own that is sniffed and
 * walks on like any other; one note for what stays closed.
 *
 *   flow ──▶ tls ──plaintext──▶ inner flow ──▶ http, ws … (or TLS again, behind a proxy)
 *    ▲                              │
 *    └── nobody wants it ◀──────────┘
 */
#include <stdio.h>

#include "dir.h"
#include "pipeline.h"

static struct conversation_tls *encrypted_of(const struct wst_flow *f)
{
    return f->upper;
}

/* For secrets, or not any more. */
static void encrypted_waits(struct wst_context *c, struct conversation_tls *t, bool waits)
{
    if (waits == t->waits) return;
    t->waits = waits;
    if (waits)
        TAILQ_INSERT_TAIL(&c->encrypted_waiting, t, place);
    else
        TAILQ_REMOVE(&c->encrypted_waiting, t, place);
}

/* -- making and letting go --------------------------------------------------------------------- */

bool wst_encrypted_begin(struct wst_context *c, struct wst_flow *f, unsigned client)
{
    unsigned depth = wst_conversation_depth(f);
    struct conversation_tls *t =
        depth < WST_TLS_DEPTH ? wst_pool_take(&c->encrypted, &c->budget) : NULL;
    f->upper = NULL;
    if (!t) {
        wst_conversation_ignore(c, f);
        return false;
    }
    t->base = (struct conversation){.flow = f, .client = (uint8_t)client};
    wst_conversation_inside(c, &t->inside, f);
    wst_tls_init(&t->tls, t, (uint8_t)depth);
    f->upper = t;
    f->kind = KIND_TLS;
    return true;
}

int wst_encrypted_client(const struct wst_flow *f)
{
    const struct wst_flow *outer = f->inner ? wst_conversation_outer(f) : NULL;
    if (!outer || outer->kind != KIND_TLS) return -1;
    return ((const struct conversation *)outer->upper)->client;
}

bool wst_encrypted_read(const struct wst_flow *f, unsigned side)
{
    const struct conversation_tls *t = f->upper;
    enum wst_dir dir = wst_conversation_direction(&t->base, side);
    const struct wst_tls_side *s = &t->tls.side[dir];
    return t->tls.state == WST_TLS_OPEN && s->opened && !t->tls.waits[dir] && !s->record.n &&
           !s->unread && !s->holed && !s->dead && !s->told;
}

/* Which side is the client nobody saw; servers have the smaller port, nearly always. */
bool wst_encrypted_midst(struct wst_context *c, struct wst_flow *f, unsigned side)
{
    unsigned client = f->port[side] == f->port[!side] ? side : f->port[1] > f->port[0];
    if (f->resumed || !wst_tls_midst_hope(&c->tls)) return false;
    c->timeline.stats.tls++;
    if (wst_encrypted_begin(c, f, client)) wst_tls_midst(&encrypted_of(f)->tls);
    return true;
}

void wst_encrypted_free(struct wst_context *c, struct conversation_tls *t)
{
    wst_conversation_free(c, &t->inside.flow);
    wst_wire_forget(c, &t->inside.flow);
    encrypted_waits(c, t, false);
    wst_tls_free(&t->tls, &c->tls);
    wst_pool_give(&c->encrypted, &c->budget, t);
}

const struct wst_tls_info *wst_encrypted_info(const struct wst_flow *inner)
{
    while (inner->inner && wst_conversation_outer(inner)->kind != KIND_TLS)
        inner = wst_conversation_outer(inner);
    if (!inner->inner) return wst_datagrams_info(inner);
    struct conversation_tls *t = encrypted_of(wst_conversation_outer(inner));
    t->info = (struct wst_tls_info){.version = wst_tls_version_name(t->tls.version),
                                    .cipher = t->tls.suite ? t->tls.suite->name : NULL,
                                    .sni = t->tls.sni[0] ? t->tls.sni : NULL,
                                    .alpn = t->tls.alpn[0] ? t->tls.alpn : NULL};
    return &t->info;
}

bool wst_encrypted_behind(const struct wst_flow *f, unsigned side)
{
    for (; f->inner; f = wst_conversation_outer(f)) {
        const struct wst_flow *outer = wst_conversation_outer(f);
        if (outer->kind != KIND_TLS) continue;
        const struct conversation_tls *t = outer->upper;
        const struct wst_tls_side *s = &t->tls.side[wst_conversation_direction(&t->base, side)];
        if (s->unread || s->skip_record) return true;
    }
    return false;
}

/* -- what the tls room says -------------------------------------------------------------------- */

/* Somebody outside wants the plaintext. */
static void tell_plain(struct wst_context *c, struct conversation_tls *t, enum wst_dir dir,
                       struct wst_slice bytes, const struct wst_arrival *a)
{
    unsigned client = t->base.client;
    struct wst_tls_plain p = {.when = a->when,
                              .tcp_stream = t->inside.flow.stream,
                              .depth = t->tls.depth,
                              .dir = dir,
                              .family = t->inside.flow.family,
                              .client_ip = t->inside.flow.addr[client],
                              .server_ip = t->inside.flow.addr[!client],
                              .client_port = t->inside.flow.port[client],
                              .server_port = t->inside.flow.port[!client],
                              .offset = t->plain[dir],
                              .other_offset = t->plain[!dir],
                              .lost = t->lost[dir],
                              .bytes = bytes};
    t->lost[dir] = 0;
    c->tls_hooks.plain(c->tls_hooks.user, &p);
}

/* What ALPN chose (RFC 7301) need not be guessed; all else is sniffed. */
static void encrypted_chosen(struct wst_context *c, struct conversation_tls *t,
                             const struct wst_arrival *a)
{
    if (t->inside.flow.kind == KIND_NEW && strcmp(t->tls.alpn, "h2") == 0)
        wst_first_http2(c, &t->inside.flow, t->base.client, a);
}

static void encrypted_plain(void *user, void *conversation, enum wst_dir dir,
                            struct wst_slice bytes, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_tls *t = conversation;
    unsigned side = wst_conversation_side(&t->base, dir);
    if (!t->opened) {
        t->opened = true;
        c->timeline.stats.tls--;
        encrypted_chosen(c, t, a);
    }
    if (c->tls_hooks.plain) tell_plain(c, t, dir, bytes, a);
    /* Its answer is missing, not late; and a client has nothing to say before it is asked. */
    if (t->inside.flow.kind == KIND_HTTP || t->inside.flow.kind == KIND_HTTP2 ||
        (t->inside.flow.kind == KIND_NEW && dir == WST_S2C))
        wst_tls_keyless(&t->tls, &c->tls, !dir, a);
    t->plain[dir] += bytes.n;
    t->inside.flow.half[side].next += (uint32_t)bytes.n;
    if (!t->inside.flow.ignored) c->sink.data(c, &t->inside.flow, side, bytes, a);
}

static void encrypted_lost(void *user, void *conversation, enum wst_dir dir, uint64_t bytes,
                           bool exact, const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_tls *t = conversation;
    unsigned side = wst_conversation_side(&t->base, dir);
    t->lost[dir] += bytes;
    t->plain[dir] += bytes;
    t->inside.flow.half[side].next += (uint32_t)bytes;
    enum wst_gap_cause cause = exact           ? WST_GAP_LOST
                               : t->round[dir] ? WST_GAP_ROUND
                                               : WST_GAP_SEALED;
    if (!exact) t->round[dir] = false;
    if (!t->inside.flow.ignored) c->sink.gap(c, &t->inside.flow, side, bytes, cause, a);
}

/* What is inside and has a number in the timeline, or one of them; NULL: nothing has. */
static struct conversation *inner_told(struct wst_flow *f)
{
    struct conversation *base = f->upper, *told = NULL;
    struct conversation_stream *s;
    uint32_t i = 0;
    while (!told && (s = wst_multiplexed_next(f, &i))) told = inner_told(&s->inside.flow);
    if (told) return told;
    return (f->kind == KIND_WS || f->kind == KIND_HTTP) && base && base->conn ? base : NULL;
}

static void encrypted_problem(void *user, void *conversation, enum wst_problem problem,
                              enum wst_dir dir, bool sealed, const char *detail,
                              const struct wst_arrival *a)
{
    struct wst_context *c = user;
    struct conversation_tls *t = conversation;
    bool failed = problem == WST_PROBLEM_TLS_ALERT || problem == WST_PROBLEM_TLS_PLAINTEXT ||
                  problem == WST_PROBLEM_TLS_UNFINISHED;
    if (sealed && !failed && !t->tls.side[0].opened && !t->tls.side[1].opened)
        c->timeline.stats.tls_no_key++;
    struct conversation *told = inner_told(&t->inside.flow);
    if (told)
        wst_conversation_problem(c, told, problem, dir, detail, a);
    else if (sealed || failed) /* losses in traffic that is not WebSocket are nobody's concern */
        wst_conversation_note(c, &t->base, problem, dir, detail, a);
}

void wst_encrypted_unseen(struct wst_context *c, struct wst_flow *f, unsigned side,
                          const struct wst_arrival *a)
{
    struct conversation base = {.flow = f, .client = (uint8_t)side};
    if (!f->resumed) c->timeline.stats.tls_no_key++; /* else its beginning was read */
    wst_conversation_note(
        c, &base, WST_PROBLEM_TLS_NO_KEY, WST_DIR_NONE,
        f->resumed ? "TLS that goes on behind its reset: what it was opened with was let go"
                   : "TLS whose handshake is not in the capture",
        a);
}

/* -- what the flow room says ------------------------------------------------------------------- */

/* Nobody wants what is inside, or nobody will ever see it. */
static void encrypted_settled(struct wst_context *c, struct wst_flow *f)
{
    struct conversation_tls *t = encrypted_of(f);
    bool empty = t->inside.flow.kind == KIND_NEW && !t->inside.flow.upper;
    if (t->tls.state == WST_TLS_WAITING) encrypted_waits(c, t, true);
    if (t->tls.state == WST_TLS_SEALED ? empty || t->inside.flow.ignored
                                       : t->inside.flow.ignored && !c->tls_hooks.plain)
        wst_conversation_ignore(c, f);
}

/* Whether there is nothing that `dir` may have said before what is read now: its own close_notify
 * may be missing, or wait for its turn. */
static bool encrypted_silent(struct conversation_tls *t, enum wst_dir dir)
{
    return wst_tls_side_read(&t->tls.side[dir]) &&
           !wst_conversation_place(NULL, &t->base, dir).behind;
}

/* What was said is said first when the other side, as it ends in its turn, acknowledges it: of two
 * taps the slower one shows the answer sooner. */
static void encrypted_heard(struct conversation_tls *t, const struct wst_arrival *a)
{
    enum wst_dir dir = (enum wst_dir)t->left_by;
    struct wst_ws_place place = wst_conversation_place(NULL, &t->base, dir);
    t->left_heard |= a->from == a->when.pkt && place.known &&
                     (int32_t)(place.acked - t->left_end) >= 0 &&
                     encrypted_silent(t, wst_dir_other(dir));
    t->left = t->left_heard; /* what comes later has no say */
}

/* close_notify, RFC 8446 section 6.1; nobody knows when it came that waited to be read. */
static void encrypted_notified(struct conversation_tls *t, enum wst_dir dir,
                               const struct wst_arrival *a)
{
    enum wst_dir far = wst_dir_other(dir);
    const struct wst_tls_side *other = &t->tls.side[far];
    if (t->left && !t->left_heard && t->left_by != dir) encrypted_heard(t, a);
    if (other->notified || other->finished || a->from != a->when.pkt) return;
    if (!encrypted_silent(t, far)) return;
    t->left = true;
    t->left_by = (uint8_t)dir;
    t->left_end = wst_conversation_place(NULL, &t->base, dir).end;
    t->left_ns = a->when.ns;
}

int wst_encrypted_left_by(const struct wst_flow *f, int64_t *ns)
{
    const struct wst_flow *outer = f->inner ? wst_conversation_outer(f) : NULL;
    const struct conversation_tls *t = outer ? outer->upper : NULL;
    if (!outer || outer->kind != KIND_TLS || !t->left_heard) return -1;
    *ns = t->left_ns;
    return (int)wst_conversation_side(&t->base, (enum wst_dir)t->left_by);
}

void wst_encrypted_data(struct wst_context *c, struct wst_flow *f, unsigned side,
                        struct wst_slice bytes, const struct wst_arrival *a)
{
    struct conversation_tls *t = encrypted_of(f);
    enum wst_dir dir = wst_conversation_direction(&t->base, side);
    bool notified = t->tls.side[dir].notified;
    wst_tls_push(&t->tls, &c->tls, dir, bytes, a);
    if (!notified && t->tls.side[dir].notified) encrypted_notified(t, dir, a);
    encrypted_settled(c, f);
}

void wst_encrypted_gap(struct wst_context *c, struct wst_flow *f, unsigned side, uint64_t n,
                       enum wst_gap_cause cause, const struct wst_arrival *a)
{
    struct conversation_tls *t = encrypted_of(f);
    if (cause == WST_GAP_ROUND) t->round[wst_conversation_direction(&t->base, side)] = true;
    wst_tls_gap(&t->tls, &c->tls, wst_conversation_direction(&t->base, side), n, a);
    encrypted_settled(c, f);
}

void wst_encrypted_fin(struct wst_context *c, struct wst_flow *f, unsigned side,
                       const struct wst_arrival *a)
{
    struct conversation_tls *t = encrypted_of(f);
    enum wst_dir dir = wst_conversation_direction(&t->base, side);
    if (t->left && !t->left_heard && t->left_by != dir) encrypted_heard(t, a);
    wst_tls_fin(&t->tls, &c->tls, dir, a);
    if (!t->inside.flow.ignored && !t->tls.waits[dir]) c->sink.fin(c, &t->inside.flow, side, a);
    encrypted_settled(c, f);
}

/* Whose FIN was first, or who reset it before that; -1: nobody knows, or one side alone was heard.
 */
static int encrypted_left(const struct wst_flow *tcp, bool *reset)
{
    const struct wst_half *half = tcp->half;
    *reset = false;
    if (tcp->obscure || tcp->heard != 3 || tcp->kind == KIND_QUIC) return -1;
    for (int side = 0; side < 2; side++)
        if (half[side].flags & WST_HALF_FIRST) return side;
    if ((half[0].flags | half[1].flags) & WST_HALF_FIN) return -1;
    *reset = true;
    for (int side = 0; side < 2; side++)
        if ((half[side].flags & WST_HALF_RESET) && !(half[!side].flags & WST_HALF_RESET))
            return side;
    return -1;
}

void wst_encrypted_end(struct wst_context *c, struct wst_flow *f, enum wst_tcp_end how,
                       const struct wst_arrival *a)
{
    struct conversation_tls *t = encrypted_of(f);
    bool reset;
    int side = encrypted_left(wst_conversation_carrier(f), &reset);
    if (t->left && !t->left_heard) encrypted_heard(t, a);
    wst_tls_end(&t->tls, &c->tls,
                side < 0 ? WST_DIR_NONE : wst_conversation_direction(&t->base, (unsigned)side),
                reset, a);
    if (t->inside.flow.kind != KIND_IGNORED) c->sink.end(c, &t->inside.flow, how, a);
}

/* -- the public door --------------------------------------------------------------------------- */

bool wst_encrypted_init(struct wst_context *c)
{
    wst_pool_init(&c->encrypted, &c->area, sizeof(struct conversation_tls));
    c->tls.user = c;
    c->tls.plain = encrypted_plain;
    c->tls.lost = encrypted_lost;
    c->tls.problem = encrypted_problem;
    return wst_tls_env_init(&c->tls, &c->options, &c->budget);
}

static void encrypted_secrets(void *user, struct wst_slice lines)
{
    struct wst_context *c = user;
    c->tls_hooks.secrets(c->tls_hooks.user, lines);
}

static void encrypted_wanted(void *user)
{
    struct wst_context *c = user;
    c->tls_wanting = true;
    c->tls_hooks.wanted(c->tls_hooks.user);
    c->tls_wanting = false;
}

void wst_context_tls(struct wst_context *c, const struct wst_tls_hooks *hooks)
{
    c->tls_hooks = *hooks;
    c->tls.keys_may_come = hooks->keys_may_come;
    wst_quic_keys_may_come(c->quic, hooks->keys_may_come);
    c->tls.secrets = hooks->secrets ? encrypted_secrets : NULL;
    c->tls.wanted = hooks->wanted ? encrypted_wanted : NULL;
}

/* Whoever is freed by what wakes up lies inside it: `t` itself is there afterwards. */
static void encrypted_wake(struct wst_context *c)
{
    struct wst_arrival a = {.when = c->now, .from = c->now.pkt};
    struct conversation_tls *t, *next;
    for (t = TAILQ_FIRST(&c->encrypted_waiting); t; t = next) {
        wst_tls_wake(&t->tls, &c->tls, &a);
        next = TAILQ_NEXT(t, place);
        if (t->tls.state != WST_TLS_WAITING) encrypted_waits(c, t, false);
    }
    wst_quic_wake(c->quic, &c->now);
}

size_t wst_context_keylog(struct wst_context *c, struct wst_slice bytes, bool final)
{
    /* Blocks that were read ahead come once more when it is their turn: nobody waits for those. */
    uint32_t before = wst_keylog_secrets(c->tls.keylog);
    size_t taken = wst_keylog_push(c->tls.keylog, bytes, final);
    if (wst_keylog_secrets(c->tls.keylog) != before && !c->tls_wanting && !c->finished)
        encrypted_wake(c);
    return taken;
}

uint64_t wst_context_secrets(const struct wst_context *c)
{
    return wst_keylog_count(c->tls.keylog);
}

int wst_context_rsa_key(struct wst_context *c, struct wst_slice pem)
{
    return wst_tls_rsa_key(&c->tls, pem) ? 0 : -1;
}

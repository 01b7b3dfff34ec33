/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of one direction, cut anywhere. Out: whole records, in clear or opened, each to
 * whom it is for. Refuses bytes that are no records: then the next one that opens is looked for.
 *
 *     ├ type 1 ┼ version 2 ┼ length 2 ┼──── body ────┤      RFC 8446 section 5.1
 *     20 change_cipher_spec  21 alert  22 handshake  23 application_data  24 heartbeat
 */
#include "session.h"

enum { HEAD = 5 };
enum { NO_RENEGOTIATION = 100 }; /* an alert, RFC 5246 section 7.2.2 */
enum { CHANGE_CIPHER = 20, ALERT = 21, HANDSHAKE = 22, APPLICATION = 23, HEARTBEAT = 24 };

static bool head_plausible(const uint8_t *p)
{
    return p[0] >= CHANGE_CIPHER && p[0] <= HEARTBEAT && p[1] == 3 && p[2] <= 4 &&
           wst_be16(p + 3) <= WST_TLS_RECORD;
}

/* -- one record -------------------------------------------------------------------------------- */

/* Before TLS 1.3: what this side sends next is sealed with the keys that were agreed on. */
static void change_cipher(const struct wst_tls_step *s)
{
    struct wst_tls *t = s->tls;
    struct wst_tls_side *side = wst_tls_side_of(s);
    side->armed = true;
    if (s->dir == WST_C2S) t->ahead = false; /* its key exchange would have come before */
    if (side->next[0]) return;
    enum wst_tls_resolved found = wst_tls_resolve(t, s->env, false);
    if (found == WST_TLS_UNSUPPORTED)
        wst_tls_seal(s, WST_PROBLEM_TLS_UNSUPPORTED, "the cipher cannot be read here");
    else if (found == WST_TLS_NO_KEY && s->env->keys_may_come)
        wst_tls_wait_for_keys(s);
    else if (found == WST_TLS_NO_KEY)
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY,
                     t->have_server ? "no key" : "a hello of a renegotiation is missing");
}

static void opened(const struct wst_tls_step *s, uint8_t type, struct wst_slice plain)
{
    struct wst_tls *t = s->tls;
    if (type == APPLICATION) {
        if (plain.n) s->env->plain(s->env->user, t->conversation, s->dir, plain, s->arrival);
    } else if (type == HANDSHAKE) {
        wst_tls_messages(s, plain, false);
    } else if (type == CHANGE_CIPHER && t->version != WST_TLS_1_3) {
        change_cipher(s); /* a renegotiation's */
    } else if (type == ALERT && s->dir == WST_S2C && plain.n == 2 &&
               plain.p[1] == NO_RENEGOTIATION) {
        t->have_server = true; /* the hello of before holds */
    } else if (type == ALERT) {
        wst_tls_alert(s, plain);
    }
}

static void sealed(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    uint8_t type;
    struct wst_slice plain;
    if (wst_tls_record_open(s, r, &type, &plain))
        opened(s, type, plain);
    else
        wst_tls_record_failed(s, r->head[0], r->body.n);
}

static void record(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    const struct wst_tls *t = s->tls;
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (!side->now) wst_tls_said(s, r);
    if (t->state == WST_TLS_HELLO) { /* whatever else comes is early data that was refused */
        if (r->head[0] == HANDSHAKE) wst_tls_messages(s, r->body, true);
        if (r->head[0] == ALERT && (t->have_client || t->retried)) wst_tls_alert(s, r->body);
        return;
    }
    if (t->watched) {
        wst_tls_watch(s, r);
        return;
    }
    if (t->version == WST_TLS_1_3) {
        if (r->head[0] == APPLICATION)
            sealed(s, r);
        else if (r->head[0] == ALERT && !side->now) /* before it had keys */
            wst_tls_alert(s, r->body);              /* the rest is for middleboxes, or not ours */
    } else if (side->now || side->armed) {
        sealed(s, r);
    } else if (r->head[0] == HANDSHAKE) {
        wst_tls_messages(s, r->body, true);
    } else if (r->head[0] == CHANGE_CIPHER) {
        change_cipher(s);
    } else if (r->head[0] == ALERT) {
        wst_tls_alert(s, r->body);
    }
    wst_tls_remember_block(side, r->body);
}

/* Before TLS 1.3: what the client answers in a renegotiation is read when the ServerHello was,
 * which a hole may hold up. Application data go on meanwhile. */
static bool hello_missed(const struct wst_tls_step *s, struct wst_slice rest)
{
    struct wst_tls *t = s->tls;
    const struct wst_tls_side *side = wst_tls_side_of(s);
    if (t->have_server || s->dir != WST_C2S || t->state != WST_TLS_OPEN || t->over || !side->now ||
        side->searching || side->skip_record)
        return false;
    if (side->record.n) rest = wst_buf_slice(&side->record);
    if (!rest.n || (rest.p[0] != HANDSHAKE && rest.p[0] != CHANGE_CIPHER)) return false;
    return t->stalled = true;
}

/* The server's half of it: captured before the ClientHello that it answers. Its keys would be made
 * of that of before. The server may also ask for a renegotiation, which need not be answered. */
static bool hello_ahead(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    struct wst_tls *t = s->tls;
    const struct wst_tls_side *side = wst_tls_side_of(s);
    uint8_t type;
    struct wst_slice plain;
    if (!t->have_server || s->dir != WST_S2C || t->state != WST_TLS_OPEN || t->over ||
        t->version == WST_TLS_1_3 || r->head[0] != HANDSHAKE || side->armed || side->message.n ||
        side->skip_message || !wst_tls_record_peek(s, r, &type, &plain))
        return false;
    return t->ahead = plain.n && plain.p[0] == WST_TLS_SERVER_HELLO;
}

/* What the server seals lies before the client's key exchange that makes its keys. */
static bool exchange_ahead(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    struct wst_tls *t = s->tls;
    const struct wst_tls_side *side = wst_tls_side_of(s);
    if (r->head[0] != CHANGE_CIPHER || s->dir != WST_S2C || t->state != WST_TLS_OPEN || t->over ||
        t->watched || t->version == WST_TLS_1_3 || t->exchanged || side->next[0] ||
        !t->have_server || t->side[WST_C2S].armed || !wst_tls_transcribes(s->env) ||
        wst_tls_resolve(t, s->env, false) != WST_TLS_NO_KEY)
        return false;
    return t->ahead = true;
}

static bool ahead(const struct wst_tls_step *s, const struct wst_tls_record *r)
{
    return hello_ahead(s, r) || exchange_ahead(s, r);
}

/* -- framing ----------------------------------------------------------------------------------- */

/* What comes next is no record: unless something is known to search with, that was all. */
static void framing_lost(const struct wst_tls_step *s, uint64_t n, const char *why)
{
    const struct wst_tls_side *side = wst_tls_side_of(s);
    if (s->tls->watched) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "no key");
        return;
    }
    if (s->tls->state == WST_TLS_OPEN && !side->now && !side->next[0] &&
        wst_tls_resolve(s->tls, s->env, true) == WST_TLS_RESOLVED)
        wst_tls_side_of(s)->armed = true;
    if (s->tls->state == WST_TLS_OPEN && (side->now || side->next[0] || side->guesses))
        wst_tls_search_begin(s, n);
    else
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, why);
}

/* Bytes that were kept. Returns false when the first record there is not whole. */
static bool kept_record(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    struct wst_buf *b = &side->record;
    if (b->n < HEAD) return false;
    if (!head_plausible(b->p)) { /* the next one may lie in the same bytes */
        if (s->tls->state == WST_TLS_HELLO && s->dir == WST_S2C && s->tls->have_client)
            wst_tls_ended(s, WST_PROBLEM_TLS_PLAINTEXT,
                          memcmp(b->p, "HTTP/", HEAD) ? "the server does not answer in TLS"
                                                      : "the server answers in HTTP, not in TLS",
                          true);
        else
            framing_lost(s, 0, "what follows is not TLS");
        return side->searching && wst_tls_search(s, (struct wst_slice){NULL, 0});
    }
    size_t total = HEAD + (size_t)wst_be16(b->p + 3);
    if (b->n < total) return false;
    struct wst_arrival carried = {
        .when = s->arrival->when, .from = side->from, .there = s->arrival->there};
    struct wst_tls_step step = *s;
    step.arrival = &carried;
    struct wst_tls_record r = {b->p, wst_slice_of(b->p + HEAD, total - HEAD)};
    if (ahead(&step, &r)) return false;
    record(&step, &r);
    wst_buf_drop(b, total);
    return true;
}

/* Takes bytes until the record that was begun is whole; how many. */
static size_t complete_record(const struct wst_tls_step *s, struct wst_slice bytes)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    struct wst_buf *b = &side->record;
    size_t want = b->n < HEAD ? HEAD : HEAD + (size_t)wst_be16(b->p + 3);
    size_t take = want > b->n ? want - b->n : 0;
    if (take > bytes.n) take = bytes.n;
    if (!b->n) side->from = s->arrival->from;
    if (b->n >= HEAD) wst_buf_reserve(b, s->env->budget, want - b->n, HEAD + WST_TLS_RECORD);
    if (!wst_buf_append(b, s->env->budget, wst_slice_head(bytes, take), HEAD + WST_TLS_RECORD)) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "out of memory");
        return bytes.n;
    }
    return take;
}

static size_t skip_record(const struct wst_tls_step *s, size_t n)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    size_t take = n < side->skip_record ? n : side->skip_record;
    side->skip_record -= (uint32_t)take;
    if (!side->skip_record) wst_tls_record_failed(s, side->skip_type, side->skip_body);
    return take;
}

/* One step forward; how many bytes. */
static size_t records_step(const struct wst_tls_step *s, struct wst_slice bytes)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (side->skip_record) return skip_record(s, bytes.n);
    if (side->searching) {
        wst_tls_search(s, bytes);
        return bytes.n;
    }
    if (!side->record.n && bytes.n >= HEAD && head_plausible(bytes.p)) {
        size_t total = HEAD + (size_t)wst_be16(bytes.p + 3);
        if (bytes.n >= total) { /* nearly always: the whole record lies here */
            struct wst_tls_record r = {bytes.p, wst_slice_of(bytes.p + HEAD, total - HEAD)};
            if (ahead(s, &r)) return 0;
            record(s, &r);
            return total;
        }
    }
    return complete_record(s, bytes);
}

/* The log lacks the secret of what the client sends when it never came to that: its first record
 * behind the hellos may say so. Only where it lies in one piece. */
static void keyless_first(const struct wst_tls_step *s, struct wst_slice bytes)
{
    const struct wst_tls_side *side = wst_tls_side_of(s);
    if (!side->keyless || side->unread || s->dir != WST_C2S) return;
    if (bytes.n > HEAD && bytes.p[0] == CHANGE_CIPHER && wst_be16(bytes.p + 3) == 1)
        bytes = wst_slice_skip(bytes, HEAD + 1);
    if (bytes.n < HEAD || !head_plausible(bytes.p)) return;
    size_t n = wst_be16(bytes.p + 3);
    struct wst_tls_record r = {bytes.p, wst_slice_of(bytes.p + HEAD, n)};
    if (bytes.n == HEAD + n && s->tls->early == WST_TLS_EARLY_NONE) wst_tls_refused(s, &r);
}

size_t wst_tls_records(const struct wst_tls_step *s, struct wst_slice bytes)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    size_t done = 0;
    for (;;) {
        if (s->tls->state == WST_TLS_SEALED || side->dead) {
            if (s->tls->state != WST_TLS_SEALED) keyless_first(s, wst_slice_skip(bytes, done));
            side->unread += bytes.n - done;
            return bytes.n;
        }
        if (wst_tls_blocked(s->tls, s->dir)) return done;
        if (hello_missed(s, wst_slice_skip(bytes, done))) return done;
        if (!side->searching && !side->skip_record && kept_record(s)) continue;
        if (wst_tls_blocked(s->tls, s->dir)) return done;
        if (done == bytes.n) break;
        done += records_step(s, wst_slice_skip(bytes, done));
    }
    if (!side->record.n && side->record.room) wst_buf_free(&side->record, s->env->budget);
    return done;
}

/* -- holes ------------------------------------------------------------------------------------- */

/*      ├ head ┼────── body ──────┤
 *      ├─ here ─┤  n missing  ├──┤     the framing stands; that record is lost */
static bool gap_inside(const struct wst_tls_step *s, uint64_t n)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    const struct wst_buf *b = &side->record;
    if (side->searching || b->n < HEAD || !head_plausible(b->p)) return false;
    size_t total = HEAD + (size_t)wst_be16(b->p + 3);
    if (n > total - b->n) return false;
    side->skip_type = b->p[0];
    side->skip_body = (uint16_t)(total - HEAD);
    side->skip_record = (uint32_t)(total - b->n - n);
    side->record.n = 0;
    if (!side->skip_record) wst_tls_record_failed(s, side->skip_type, side->skip_body);
    return true;
}

void wst_tls_records_gap(const struct wst_tls_step *s, uint64_t n)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (s->tls->state == WST_TLS_SEALED || side->dead) {
        side->unread += n;
        return;
    }
    if (s->tls->state == WST_TLS_HELLO) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "the hellos are not wholly in the capture");
        return;
    }
    if (s->tls->watched) {
        wst_tls_seal(s, WST_PROBLEM_TLS_NO_KEY, "no key");
        return;
    }
    side->holed = true;
    if (side->skip_record && n <= side->skip_record) {
        skip_record(s, (size_t)n);
        return;
    }
    if (side->skip_record) {
        n -= side->skip_record;
        skip_record(s, side->skip_record);
    }
    side->has_last = false;
    if (!n || gap_inside(s, n)) return;
    side->unread += side->record.n;
    side->record.n = 0;
    framing_lost(s, n, "the handshake is not wholly in the capture");
}

void wst_tls_records_fin(const struct wst_tls_step *s)
{
    struct wst_tls_side *side = wst_tls_side_of(s);
    if (side->finished) return;
    side->finished = true;
    wst_tls_lost_at_end(s);
}

/* SPDX-License-Identifier: MIT
 *
 * In: the bytes of each stream. Out: those of requests to where their frames are read; settings,
 * and what fills the tables. All other streams pass by.
 */
#include <stdio.h>

#include "streams.h"

enum { CONTROL, PUSH, ENCODER, DECODER }; /* types of streams, RFC 9114 section 6.2, RFC 9204 4.2 */
enum { SETTING_TABLE = 0x01, SETTING_CONNECT = 0x08 };

/* One side of a connection, and who brought what is looked at now. */
struct step {
    struct wst_http3 *h;
    struct wst_http3_env *env;
    struct wst_http3_side *side;
    enum wst_dir dir;
    const struct wst_arrival *arrival;
};

static struct step step_of(struct wst_http3 *h, struct wst_http3_env *env, enum wst_dir dir,
                           const struct wst_arrival *a)
{
    return (struct step){h, env, &h->side[dir], dir, a};
}

void wst_http3_init(struct wst_http3 *h, void *conversation)
{
    h->conversation = conversation;
    h->served = UINT64_MAX;
}

void wst_http3_free(struct wst_http3 *h, struct wst_http3_env *env)
{
    for (int d = 0; d < 2; d++) wst_qpack_free(&h->side[d].table, env);
    wst_buf_free(&h->fields, env->budget);
    wst_streams3_free(h, env);
}

void wst_http3_mute(struct wst_http3 *h, bool mute)
{
    h->mute = mute;
}

void wst_http3_one_sided(struct wst_http3 *h)
{
    h->deaf = true;
}

/* Tells it of each stream that is open. Whether there was any. */
static bool session_tell(struct step *t, enum wst_problem problem, const char *detail)
{
    const struct wst_connect_sink *to = &t->env->sink;
    struct wst_http3 *h = t->h;
    bool heard = false;
    for (uint32_t i = 0; i < h->streams.n; i++) {
        struct wst_http3_stream *s = h->streams.items[i];
        if (s->base.upper)
            heard |= to->problem(to->user, h->conversation, &s->base, problem, t->dir, detail,
                                 t->arrival);
    }
    return heard;
}

/* Told once of a direction: of each stream that is open, or of the connection when none is. */
static void session_wrong(struct step *t, const char *why)
{
    const struct wst_connect_sink *to = &t->env->sink;
    struct wst_http3 *h = t->h;
    if (t->side->told || h->doubtful) return;
    t->side->told = true;
    if (!session_tell(t, WST_PROBLEM_HTTP3_BROKEN, why))
        to->problem(to->user, h->conversation, NULL, WST_PROBLEM_HTTP3_BROKEN, t->dir, why,
                    t->arrival);
}

/* -- the tables -------------------------------------------------------------------------------- */

static void table_bytes(struct step *t, struct wst_slice bytes)
{
    while (bytes.n) { /* what waits for one field need not wait for those behind it */
        size_t n = t->h->blocked ? 1 : bytes.n;
        if (!wst_qpack_insert(&t->side->table, t->env, wst_slice_head(bytes, n)))
            session_wrong(t, "a table of fields that is filled against the rules (RFC 9204)");
        wst_requests_retry(t->h, t->env, t->dir, t->arrival);
        bytes = wst_slice_skip(bytes, n);
    }
}

static void table_lose(struct step *t, bool doubted)
{
    if (t->side->table.lost) return;
    wst_qpack_lose(&t->side->table, t->env);
    t->side->table.doubted = doubted;
    wst_requests_retry(t->h, t->env, t->dir, t->arrival);
}

/* A stream whose type was missing was another one. */
static void table_believe(struct wst_http3_table *table)
{
    if (table->doubted) table->lost = table->doubted = false;
}

/* -- control streams --------------------------------------------------------------------------- */

static void settings_over(struct step *t)
{
    struct step other = step_of(t->h, t->env, (enum wst_dir) !t->dir, t->arrival);
    t->side->settled = true;
    t->h->doubtful = false;
    if (!wst_qpack_allow(&other.side->table, t->env, t->side->allows))
        session_wrong(&other, "a table of fields that is filled against the rules (RFC 9204)");
    wst_requests_retry(t->h, t->env, other.dir, t->arrival);
}

/* How large the other side's table may be is not known, then. */
static void settings_lose(struct step *t, bool doubted)
{
    struct step other = step_of(t->h, t->env, (enum wst_dir) !t->dir, t->arrival);
    if (t->side->settled || t->side->unsettled) return;
    t->side->unsettled = true;
    table_lose(&other, doubted);
}

static void setting(struct step *t, uint64_t what, uint64_t value)
{
    if (what == SETTING_TABLE) t->side->allows = value;
    if (what == SETTING_CONNECT && t->dir == WST_S2C) t->h->enabled = value == 1;
    if (what == 0 || (what >= 2 && what <= 5))
        session_wrong(t, "a setting of HTTP/2 that HTTP/3 does not have");
}

static void settings_byte(struct step *t, uint8_t byte)
{
    struct wst_http3_frames *f = &t->side->frames;
    uint64_t what, value;
    f->head[f->have++] = byte;
    size_t first = wst_varint_read(f->head, f->have, &what);
    if (!first || !wst_varint_read(f->head + first, f->have - first, &value)) return;
    f->have = 0;
    setting(t, what, value);
}

/* RFC 9114 section 5.2. A server that is about to stop says first that it takes no more, with the
 * largest number there is, and which it answered later. What a client says concerns what it is
 * pushed. */
static void goaway(struct step *t, uint64_t id)
{
    const uint64_t soon = ((uint64_t)1 << 62) - 4;
    struct wst_http3 *h = t->h;
    char detail[128];
    if (t->dir == WST_C2S) return;
    if (id < h->served) h->served = id;
    for (uint32_t i = 0; i < h->streams.n; i++) {
        struct wst_http3_stream *s = h->streams.items[i];
        if (s->base.id >= id && !s->base.answered) s->base.unserved = true;
    }
    if (h->goaway) return;
    h->goaway = true;
    if (id >= soon)
        snprintf(detail, sizeof detail, "the server is about to end the connection: GOAWAY");
    else
        snprintf(detail, sizeof detail,
                 "the server ends the connection: GOAWAY, and no request is answered from stream "
                 "%llu on",
                 (unsigned long long)id);
    session_tell(t, WST_PROBLEM_HTTP3_GOAWAY, detail);
}

/* None may take back what one before it said (RFC 9114 section 5.2). */
static bool goaway_grows(struct step *t, uint64_t id)
{
    uint64_t *last = &t->h->away[t->dir];
    bool grows = *last && id >= *last;
    *last = id + 1;
    return grows;
}

static void goaway_over(struct step *t)
{
    const struct wst_http3_frames *f = &t->side->frames;
    uint64_t id;
    if (!f->have || wst_varint_read(f->head, f->have, &id) != f->have)
        session_wrong(t, "a GOAWAY that is not one number");
    else if (t->dir == WST_S2C && id % 4 != 0)
        session_wrong(t, "a GOAWAY with a stream that no client asks on");
    else if (goaway_grows(t, id))
        session_wrong(t, "a GOAWAY with a greater number than the one before it");
    else
        goaway(t, id);
}

static void goaway_byte(struct step *t, uint8_t byte)
{
    struct wst_http3_frames *f = &t->side->frames;
    if (f->have < sizeof f->head) f->head[f->have++] = byte;
}

static void control_over(struct step *t)
{
    struct wst_http3_frames *f = &t->side->frames;
    if (f->wanted && !f->torn && f->type == WST_HTTP3_GOAWAY) {
        goaway_over(t);
        f->wanted = false;
    }
    bool whole = f->have == 0;
    f->begun = false;
    f->have = 0;
    if (!f->wanted || f->torn) return;
    if (!whole) session_wrong(t, "a frame that ends within a setting");
    settings_over(t);
}

static void control_begin(struct step *t)
{
    struct wst_http3_frames *f = &t->side->frames;
    const char *wrong = wst_http3_misplaced(f->type, t->dir, true);
    bool settings = f->type == WST_HTTP3_SETTINGS;
    if (!f->first && !settings) wrong = "a control stream that does not begin with SETTINGS";
    if (f->first && settings) wrong = "SETTINGS that come again";
    if (wrong) session_wrong(t, wrong);
    f->wanted = (settings && !f->first) || (f->type == WST_HTTP3_GOAWAY && t->side->settled);
    f->first = true;
    f->torn = false;
    if (!f->left) control_over(t);
}

static void control_bytes(struct step *t, struct wst_slice bytes)
{
    struct wst_http3_frames *f = &t->side->frames;
    while (bytes.n && !f->seeking) {
        size_t n = 1;
        if (!f->begun) {
            n = wst_http3_header(f, bytes);
            if (f->begun) control_begin(t);
        } else if (f->wanted && !f->torn) {
            f->left--;
            if (f->type == WST_HTTP3_GOAWAY)
                goaway_byte(t, bytes.p[0]);
            else
                settings_byte(t, bytes.p[0]);
            if (!f->left) control_over(t);
        } else {
            n = f->left < bytes.n ? (size_t)f->left : bytes.n;
            f->left -= n;
            if (!f->left) control_over(t);
        }
        bytes = wst_slice_skip(bytes, n);
    }
}

static void control_gap(struct step *t, uint64_t n)
{
    struct wst_http3_frames *f = &t->side->frames;
    if (f->begun && n <= f->left) {
        f->left -= n;
        f->torn = true;
        f->have = 0;
        if (f->wanted && !t->side->settled) settings_lose(t, false);
        if (!f->left) control_over(t);
        return;
    }
    f->seeking = true; /* for good: settings come first, and nothing else is wanted */
    settings_lose(t, false);
}

/* -- unidirectional streams -------------------------------------------------------------------- */

static uint64_t *critical_of(struct wst_http3_side *s, uint64_t type)
{
    switch (type) {
    case CONTROL: return &s->control;
    case ENCODER: return &s->encoder;
    case DECODER: return &s->decoder;
    default: return NULL;
    }
}

static bool is_critical(const struct wst_http3_side *s, uint64_t id)
{
    return id + 1 == s->control || id + 1 == s->encoder || id + 1 == s->decoder;
}

/* The stream's type is known. */
static void stream_typed(struct step *t, uint64_t id, uint64_t type)
{
    uint64_t *critical = critical_of(t->side, type);
    wst_http3_done(&t->side->done, id / 4);
    if (type == PUSH && t->dir == WST_C2S) session_wrong(t, "a client that pushes");
    if (!critical) return;
    if (*critical) {
        session_wrong(t, "a second stream of a kind of which each side has one");
        return;
    }
    *critical = id + 1;
    if (type == ENCODER) table_believe(&t->side->table);
    if (type == CONTROL && t->side->unsettled) {
        t->side->unsettled = false;
        if (!t->h->side[!t->dir].encoder) table_believe(&t->h->side[!t->dir].table);
    }
}

/* The place of a stream whose type is not whole, or a new one; NULL: nobody wants it. */
static struct wst_http3_untyped *untyped_of(struct step *t, uint64_t id)
{
    struct wst_http3_untyped *room = NULL;
    for (int i = 0; i < WST_HTTP3_UNTYPED; i++) {
        struct wst_http3_untyped *u = &t->side->untyped[i];
        if (u->have && u->id == id) return u;
        if (!u->have && !room) room = u;
    }
    if (wst_http3_is_done(&t->side->done, id / 4)) return NULL;
    if (room)
        room->id = id;
    else
        wst_http3_done(&t->side->done, id / 4);
    return room;
}

/* Bytes of its type; how many were taken. */
static size_t untyped_bytes(struct step *t, uint64_t id, struct wst_slice bytes)
{
    struct wst_http3_untyped *u = untyped_of(t, id);
    uint64_t type;
    size_t n = 0;
    if (!u) return bytes.n;
    while (n < bytes.n) {
        u->head[u->have++] = bytes.p[n++];
        if (!wst_varint_read(u->head, u->have, &type)) continue;
        u->have = 0;
        stream_typed(t, id, type);
        break;
    }
    return n;
}

static void single_push(struct step *t, uint64_t id, struct wst_slice bytes)
{
    if (!is_critical(t->side, id)) bytes = wst_slice_skip(bytes, untyped_bytes(t, id, bytes));
    if (!bytes.n) return;
    if (id + 1 == t->side->control) control_bytes(t, bytes);
    if (id + 1 == t->side->encoder) table_bytes(t, bytes);
}

/* It may have been any that has not come yet. */
static void untyped_lose(struct step *t, uint64_t id)
{
    struct wst_http3_untyped *u = untyped_of(t, id);
    if (!u) return;
    u->have = 0;
    wst_http3_done(&t->side->done, id / 4);
    if (!t->side->control) settings_lose(t, true);
    if (!t->side->encoder) table_lose(t, true);
}

static void single_gap(struct step *t, uint64_t id, uint64_t n)
{
    if (id + 1 == t->side->control)
        control_gap(t, n);
    else if (id + 1 == t->side->encoder)
        table_lose(t, false);
    else if (id + 1 != t->side->decoder)
        untyped_lose(t, id);
}

static void single_end(struct step *t, uint64_t id)
{
    if (is_critical(t->side, id)) {
        t->side->closing = true; /* as all streams do when the connection ends */
        return;
    }
    struct wst_http3_untyped *u = untyped_of(t, id);
    if (u) u->have = 0;
    wst_http3_done(&t->side->done, id / 4);
}

/* What has not come of settings and tables by now is missing; a stream that comes after all is
 * believed. */
static void single_lacks(struct wst_http3 *h, struct wst_http3_env *env,
                         const struct wst_arrival *a)
{
    for (int d = 0; d < 2; d++) {
        struct step t = step_of(h, env, (enum wst_dir)d, a);
        if (!t.side->control) settings_lose(&t, true);
        if (!t.side->encoder) table_lose(&t, true);
    }
}

void wst_http3_midst(struct wst_http3 *h, struct wst_http3_env *env, bool late, bool doubtful,
                     const struct wst_arrival *a)
{
    h->midst = true;
    h->doubtful = doubtful;
    if (late) single_lacks(h, env, a);
}

/* -- the door ---------------------------------------------------------------------------------- */

/* Bits of a stream's number, RFC 9000 section 2.1. */
enum { BY_SERVER = 1, ONE_WAY = 2 };

/* Who sends on it, where only one may. */
static bool single_fits(uint64_t id, enum wst_dir dir)
{
    return (id & BY_SERVER ? WST_S2C : WST_C2S) == dir;
}

/* The stream of a request. NULL: nobody wants it. */
static struct wst_http3_stream *request_of(struct wst_http3 *h, struct wst_http3_env *env,
                                           uint64_t id, const struct wst_arrival *a)
{
    if (id & BY_SERVER) return NULL; /* HTTP/3 has none; section 6.1 */
    struct wst_http3_stream *s = wst_streams3_find(h, id);
    if (s || wst_http3_is_done(&h->done, id / 4)) return s;
    return wst_streams3_new(h, env, id, a);
}

void wst_http3_push(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                    struct wst_slice bytes, const struct wst_arrival *a)
{
    struct step step = step_of(h, env, dir, a);
    if (!bytes.n) return;
    if (id & ONE_WAY) {
        if (single_fits(id, dir)) single_push(&step, id, bytes);
        return;
    }
    if (h->side[dir].closing) session_wrong(&step, "the end of a stream that has to stay open");
    struct turn t = {h, env, request_of(h, env, id, a), dir, a};
    if (t.s) wst_requests_push(&t, bytes);
    if (dir == WST_C2S) h->pieces++;
    if (h->midst && h->blocked && h->pieces % 16 == 0) single_lacks(h, env, a);
    if (h->waiting && h->pieces % 16 == 0) wst_requests_hurry(h, env, a);
}

void wst_http3_gap(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                   uint64_t n, const struct wst_arrival *a)
{
    struct step step = step_of(h, env, dir, a);
    if (!n) return;
    if (id & ONE_WAY) {
        if (single_fits(id, dir)) single_gap(&step, id, n);
        return;
    }
    struct turn t = {h, env, request_of(h, env, id, a), dir, a};
    if (t.s) wst_requests_gap(&t, n);
}

void wst_http3_fin(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                   const struct wst_arrival *a)
{
    struct step step = step_of(h, env, dir, a);
    if (id & ONE_WAY) {
        if (single_fits(id, dir)) single_end(&step, id);
        return;
    }
    struct turn t = {h, env, request_of(h, env, id, a), dir, a};
    if (t.s) wst_requests_fin(&t);
}

void wst_http3_reset(struct wst_http3 *h, struct wst_http3_env *env, uint64_t id, enum wst_dir dir,
                     uint64_t code, const struct wst_arrival *a)
{
    struct step step = step_of(h, env, dir, a);
    if (id & ONE_WAY) {
        if (single_fits(id, dir)) single_end(&step, id);
        return;
    }
    struct turn t = {h, env, request_of(h, env, id, a), dir, a};
    if (t.s) wst_requests_reset(&t, code);
}

void wst_http3_end(struct wst_http3 *h, struct wst_http3_env *env, enum wst_tcp_end how,
                   const struct wst_arrival *a)
{
    while (h->streams.n) {
        struct turn t = {h, env, h->streams.items[0], WST_C2S, a};
        wst_requests_end(&t, how);
    }
}

bool wst_http3_wants(const struct wst_http3 *h, uint64_t id)
{
    const struct wst_http3_side *side = &h->side[id & BY_SERVER ? WST_S2C : WST_C2S];
    if (id & ONE_WAY) return id + 1 == side->control || id + 1 == side->encoder;
    return wst_streams3_find(h, id);
}

bool wst_http3_behind(const struct wst_http3 *h, uint64_t id, enum wst_dir dir)
{
    const struct wst_http3_stream *s = wst_streams3_find(h, id);
    return s && (s->frames[dir].seeking || s->blocked[dir] || !wst_queue_empty(&s->behind[dir]));
}

/* SPDX-License-Identifier: MIT
 *
 * The door of the ws room. An input is a connection:
 *
 *  | terms 1 | limits 1 | step | step | …
 *  step:  | what 1 | length 2 | bytes … |   what: 0 client, 1 server says the bytes
 *                                                 2, 3: `length` bytes of it are lost
 *                                                 4, 5: it ends; 6: it joins in the middle
 *
 * Said whole and said by the byte, a connection without losses is the same.
 */
#include "ws/ws.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct said {
    struct wst_options options;
    struct wst_budget budget;
    struct wst_ws_env env;
    struct wst_ws ws;
    struct wst_arrival arrival;
    uint64_t sum, frames, messages, offset[2], gaps[2];
    bool ended, sought, behind;
};

static struct wst_ws_place place(void *user, void *conversation, enum wst_dir dir)
{
    const struct said *s = user;
    if (conversation != s || (dir != WST_C2S && dir != WST_S2C)) abort();
    return (struct wst_ws_place){.behind = s->behind};
}

static void note(struct said *s, const void *p, size_t n)
{
    const uint8_t *at = p;
    while (n--) s->sum = (s->sum ^ *at++) * 1099511628211u;
}

static void on_frame(struct said *s, enum wst_dir d, const struct wst_event_frame *f)
{
    if (f->n != ++s->frames || f->opcode > 15 || f->header_len < 2 || f->header_len > 14) abort();
    if (f->offset < s->offset[d]) abort(); /* they follow one another */
    s->offset[d] = f->offset + f->header_len + f->len;
    if (f->payload.n + f->payload_omitted > f->len) abort();
    note(s, &f->len, sizeof f->len);
    note(s, &f->offset, sizeof f->offset);
    note(s, &f->opcode, 1);
    note(s, f->mask_key, 4);
    if (f->payload.p) note(s, f->payload.p, f->payload.n);
}

static void on_message(struct said *s, const struct wst_event_message *m)
{
    s->messages++;
    if (!m->payload.p || m->payload.n + m->omitted != m->len || !m->frames) abort();
    if (m->payload.n > s->options.limits.max_message || m->payload.n > s->options.max_payload)
        abort();
    if (m->opcode == 1 && m->utf8 && !wst_utf8_valid(m->payload)) abort();
    if (m->certain && m->omitted && m->payload.n + 4 < s->options.limits.max_message &&
        m->payload.n + 4 < s->options.max_payload && s->budget.max > 1 << 20)
        abort(); /* left out for no reason */
    note(s, &m->len, sizeof m->len);
    note(s, &m->msg, sizeof m->msg);
    note(s, m->payload.p, m->payload.n);
}

static void on_event(void *user, void *conversation, struct wst_event *e)
{
    struct said *s = user;
    uint8_t type = (uint8_t)e->type;
    if (conversation != s || s->ended) abort();
    note(s, &type, 1);
    switch (e->type) {
    case WST_EVENT_FRAME: on_frame(s, e->dir, &e->frame); break;
    case WST_EVENT_MESSAGE: on_message(s, &e->message); break;
    case WST_EVENT_CLOSE:
        if (e->close.utf8 != wst_utf8_valid(e->close.reason)) abort();
        note(s, e->close.reason.p, e->close.reason.n);
        break;
    case WST_EVENT_GAP: s->gaps[e->dir]++; break;
    case WST_EVENT_PROBLEM:
        if (!*e->problem.detail || strchr(e->problem.detail, '\n')) abort();
        type = (uint8_t)e->problem.problem;
        note(s, &type, 1);
        break;
    case WST_EVENT_END:
        s->ended = true;
        for (int d = 0; d < 2; d++)
            if (e->end.dir[d].gaps < s->gaps[d]) abort();
        if (e->end.dir[0].frames + e->end.dir[1].frames != s->frames) abort();
        if (e->end.dir[0].messages + e->end.dir[1].messages != s->messages) abort();
        break;
    default: abort();
    }
}

static void push(struct said *s, enum wst_dir d, const uint8_t *p, size_t n, size_t piece)
{
    for (size_t i = 0; i < n; i += piece) {
        size_t k = n - i < piece ? n - i : piece;
        uint8_t *exact = malloc(k);
        if (!exact) return;
        memcpy(exact, p + i, k);
        s->arrival.when.pkt++;
        s->arrival.from = s->arrival.when.pkt;
        wst_ws_push(&s->ws, &s->env, d, (struct wst_slice){exact, k}, &s->arrival);
        free(exact);
    }
}

static void begin(struct said *s, const uint8_t *data)
{
    struct wst_ws_terms terms = {.per_frame = data[0] & 1, .unknown = data[0] & 2};
    memset(s, 0, sizeof *s);
    if (data[0] & 4)
        terms.deflate = (struct wst_deflate_terms){true, data[0] & 8, data[0] & 16,
                                                   data[0] & 32 ? 9 : 15, data[0] & 64 ? 8 : 15};
    s->behind = data[0] & 128;
    s->options.max_payload = data[1] & 1 ? 10 : UINT64_MAX;
    s->options.limits.max_message = data[1] & 2 ? 200 : 1 << 20;
    s->options.limits.max_inflate = data[1] & 4 ? 5000 : 1 << 22;
    s->options.limits.max_resync = data[1] & 8 ? 600 : 1 << 16;
    s->budget.max = data[1] & 16 ? 120000 : 1 << 26;
    if (!wst_ws_env_init(&s->env, &s->options, &s->budget)) abort();
    s->env.user = s;
    s->env.emit = on_event;
    s->env.place = place;
    wst_ws_init(&s->ws, s, &terms, 0);
}

static bool run(struct said *s, const uint8_t *data, size_t size, size_t piece)
{
    bool plain = true;
    begin(s, data);
    for (size_t at = 2; at + 3 <= size;) {
        unsigned what = data[at] % 7;
        size_t n = (size_t)data[at + 1] << 8 | data[at + 2];
        at += 3;
        if (what < 2) {
            if (n > size - at) n = size - at;
            push(s, (enum wst_dir)what, data + at, n, piece);
            at += n;
            continue;
        }
        plain = false;
        s->arrival.when.pkt++;
        if (what < 4 && n)
            wst_ws_gap(&s->ws, &s->env, (enum wst_dir)(what - 2), n, (enum wst_ws_missing)(n % 3),
                       &s->arrival);
        else if (what == 6 && !s->sought && !s->frames && at == 5)
            wst_ws_join(&s->ws, &s->env, (enum wst_dir)(n & 1), wst_seek_new(&s->budget, 0),
                        &s->arrival),
                s->sought = true;
        else if (what >= 4 && what < 6)
            wst_ws_fin(&s->ws, &s->env, (enum wst_dir)(what - 4), &s->arrival);
    }
    wst_ws_end(&s->ws, &s->env, WST_TCP_FIN, &s->arrival);
    if (!s->ended) abort();
    wst_ws_free(&s->ws, &s->env);
    wst_ws_env_free(&s->env);
    return plain;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct said whole, bytes;
    if (size < 2) return 0;
    bool plain = run(&whole, data, size, SIZE_MAX / 2);
    run(&bytes, data, size, 1);
    /* A limit of memory may be met here and not there. */
    if (plain && !(data[1] & 16) && whole.sum != bytes.sum) abort();
    return 0;
}

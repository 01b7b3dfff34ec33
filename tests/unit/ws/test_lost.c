/* SPDX-License-Identifier: MIT
 *
 * Random sessions with random losses, held against what was sent: a frame that is reported is a
 * frame that was sent; a payload is a front of what was sent, and all of it when it is certain;
 * what no loss touched arrives; every lost byte is stated.
 */
#include "room.h"

enum { MESSAGES = 60, FRAMES = 200 };

struct sent {
    struct {
        size_t at, end, message;
        bool last;
    } frames[FRAMES];
    struct {
        uint8_t *p;
        size_t n, begin, end;
        bool text, seen, certain;
    } messages[MESSAGES];
    size_t frames_n;
    struct wire wire;
    /* what was heard */
    uint64_t gaps;
    size_t of_msg[2 * FRAMES]; /* message number -> what was sent, + 1 */
    unsigned false_frames, certain, doubtful, pieces;
};

static void heard_frame(struct sent *t, const struct wst_event_frame *f)
{
    for (size_t i = 0; i < t->frames_n; i++)
        if (t->frames[i].at == f->offset) {
            assert_int_equal(t->frames[i].end - t->frames[i].at, f->header_len + f->len);
            if (f->msg && f->msg < ARRAY(t->of_msg)) {
                size_t *of = &t->of_msg[f->msg];
                assert_true(!*of || *of == t->frames[i].message + 1);
                *of = t->frames[i].message + 1;
            }
            return;
        }
    t->false_frames++;
}

static void heard_message(struct sent *t, const struct wst_event_message *m)
{
    if (m->msg >= ARRAY(t->of_msg) || !t->of_msg[m->msg]) return; /* of a false frame */
    size_t i = t->of_msg[m->msg] - 1;
    assert_true(m->payload.n <= t->messages[i].n);
    if (m->payload.n) assert_memory_equal(m->payload.p, t->messages[i].p, m->payload.n);
    struct wst_slice piece;
    for (size_t at = m->payload.n; (piece = wst_event_piece(m->sketch, at)).n; at += piece.n) {
        at = (size_t)(piece.p - m->sketch.p); /* its place is known, too */
        assert_true(!m->certain && at + piece.n <= t->messages[i].n);
        assert_memory_equal(piece.p, t->messages[i].p + at, piece.n);
        t->pieces++;
    }
    if (m->certain) {
        assert_int_equal(m->len, t->messages[i].n);
        assert_int_equal(m->omitted, 0);
        assert_int_equal(m->opcode, t->messages[i].text ? 1 : 2);
        t->messages[i].certain = true;
    }
    assert_false(t->messages[i].seen);
    t->messages[i].seen = true;
    t->certain += m->certain;
    t->doubtful += !m->certain;
}

static void hear(struct room *r, const struct wst_event *e)
{
    struct sent *t = r->user;
    if (e->type == WST_EVENT_FRAME) heard_frame(t, &e->frame);
    if (e->type == WST_EVENT_MESSAGE) heard_message(t, &e->message);
    if (e->type == WST_EVENT_GAP) t->gaps += e->gap.bytes;
    if (e->type == WST_EVENT_PROBLEM)
        assert_true(e->problem.problem != WST_PROBLEM_MESSAGE_BAD_DEFLATE || t->false_frames);
}

enum style { PLAIN, TAKEOVER, ANEW };

static void send_all(struct sent *t, uint64_t *seed, enum style style, bool masked)
{
    struct deflater d;
    struct wire z = {0};
    deflater_init(&d, 9 + (int)rnd_below(seed, 7), 6, Z_DEFAULT_STRATEGY, style == ANEW);
    for (size_t i = 0; i < MESSAGES; i++) {
        size_t n = 1 + rnd_below(seed, rnd_below(seed, 10) ? 400 : 20000);
        bool compressed = style != PLAIN && rnd_below(seed, 5);
        t->messages[i].p = malloc(n);
        t->messages[i].n = n;
        t->messages[i].text = rnd_below(seed, 2);
        t->messages[i].begin = t->wire.n;
        assert_non_null(t->messages[i].p);
        fill_message(seed, t->messages[i].p, n, !t->messages[i].text);
        struct wst_slice payload = {t->messages[i].p, n};
        if (compressed) {
            z.n = 0;
            deflater_message(&d, t->messages[i].p, n, &z);
            payload = (struct wst_slice){z.p, z.n};
        }
        size_t parts = rnd_below(seed, 4) ? 1 : 2;
        for (size_t part = 0; part < parts; part++) {
            size_t from = part ? payload.n / 2 : 0,
                   to = part + 1 < parts ? payload.n / 2 : payload.n;
            unsigned first = part ? 0 : (t->messages[i].text ? 1u : 2u) | (compressed ? 0x40u : 0);
            uint8_t key[4];
            rnd_fill(seed, key, 4);
            t->frames[t->frames_n].at = t->wire.n;
            t->frames[t->frames_n].message = i;
            wire_frame(&t->wire, first | (part + 1 == parts ? 0x80u : 0), masked ? key : NULL,
                       payload.p + from, to - from);
            t->frames[t->frames_n++].end = t->wire.n;
        }
        t->messages[i].end = t->wire.n;
    }
    deflater_free(&d);
    wire_free(&z);
}

/* Segments as a sender makes them; some are lost. Returns the bytes lost; `touched`: by message. */
static uint64_t deliver(struct room *r, const struct sent *t, uint64_t *seed, enum wst_dir dir,
                        size_t one_in, bool touched[MESSAGES])
{
    uint64_t lost = 0, gap = 0;
    for (size_t at = 0, frame = 0; at < t->wire.n;) {
        while (frame < t->frames_n && t->frames[frame].end <= at) frame++;
        size_t n = t->frames[frame].end - at;
        if (n > 1460) n = 1460;
        if (rnd_below(seed, one_in) == 0) {
            gap += n;
            for (size_t i = 0; i < MESSAGES; i++)
                if (t->messages[i].begin < at + n && t->messages[i].end > at) touched[i] = true;
        } else {
            if (gap) room_gap(r, dir, gap);
            lost += gap;
            gap = 0;
            room_push(r, dir, t->wire.p + at, n);
        }
        at += n;
    }
    return lost;
}

static void random_losses(void **state)
{
    static struct sent t;
    unsigned pieces = 0, certain = 0, doubtful = 0, false_frames = 0, missing = 0, untouched = 0;
    (void)state;
    for (unsigned round = 0; round < 900; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15u + 7;
        enum style style = round % 3;
        bool masked = round / 3 % 2, touched[MESSAGES] = {false};
        enum wst_dir dir = masked ? WST_C2S : WST_S2C;
        struct room r = {0};
        struct wst_ws_terms terms = {0};
        if (style != PLAIN)
            terms.deflate = (struct wst_deflate_terms){true, style == ANEW, style == ANEW, 15, 15};
        memset(&t, 0, sizeof t);
        send_all(&t, &seed, style, masked);
        room_open(&r, &terms);
        r.event = hear;
        r.user = &t;
        uint64_t lost = deliver(&r, &t, &seed, dir, round % 2 ? 20 : 150, touched);
        room_end(&r);
        assert_int_equal(t.gaps, lost); /* every absent byte stated */
        bool any = false;
        for (size_t i = 0; i < MESSAGES; i++) {
            any = any || touched[i];
            if (touched[i]) continue;
            untouched++;
            missing += !t.messages[i].seen;
            /* Without a context that can be lost, what no loss touched is certain. */
            if (t.messages[i].seen && style != TAKEOVER) assert_true(t.messages[i].certain);
            if (!any) assert_true(t.messages[i].certain);
        }
        certain += t.certain;
        doubtful += t.doubtful;
        pieces += t.pieces;
        false_frames += t.false_frames;
        for (size_t i = 0; i < MESSAGES; i++) free(t.messages[i].p);
        wire_free(&t.wire);
        room_close(&r);
    }
    print_message(
        "losses: %u messages certain, %u shown as doubtful, %u of %u that no loss touched "
        "not found again, %u frames that were none\n",
        certain, doubtful, missing, untouched, false_frames);
    assert_int_equal(false_frames, 0);
    assert_true(missing * 50 < untouched); /* those right behind a lost header */
    print_message("%u pieces behind what is not known\n", pieces);
    assert_true(certain > 20000 && doubtful > 500 && pieces > 100);
}

/* A connection joined in the middle of a compressed stream: nothing is said that is not so. */
static void joined_compressed(void **state)
{
    static struct sent t;
    unsigned pieces = 0, certain = 0, doubtful = 0;
    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        uint64_t seed = round * 0x9e3779b97f4a7c15u + 99;
        struct room r = {0};
        struct wst_ws_terms terms = {.unknown = true};
        memset(&t, 0, sizeof t);
        send_all(&t, &seed, round % 2 ? TAKEOVER : ANEW, true);
        room_open(&r, &terms);
        r.event = hear;
        r.user = &t;
        size_t begin = 1 + rnd_below(&seed, 20), from = t.frames[begin].at;
        room_arrive(&r);
        wst_ws_join(&r.ws, &r.env, WST_C2S, wst_seek_new(&r.budget, from), &r.arrival);
        for (size_t i = begin; i < t.frames_n; i++) {
            size_t n = t.frames[i].end - t.frames[i].at;
            room_push(&r, WST_C2S, t.wire.p + t.frames[i].at, n);
        }
        room_end(&r);
        assert_int_equal(t.false_frames, 0);
        certain += t.certain;
        doubtful += t.doubtful;
        pieces += t.pieces;
        for (size_t i = 0; i < MESSAGES; i++) free(t.messages[i].p);
        wire_free(&t.wire);
        room_close(&r);
    }
    print_message("joined, compressed: %u messages certain, %u doubtful, %u pieces\n", certain,
                  doubtful, pieces);
    assert_true(certain > 4000 && doubtful > 100 && pieces > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_losses),
                                       cmocka_unit_test(joined_compressed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

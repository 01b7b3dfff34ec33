/* SPDX-License-Identifier: MIT
 *
 * Large messages, limits, and random streams held against their maker, and against wslay.
 */
#include "room.h"
#if WST_HAVE_WSLAY
#include <wslay/wslay.h>
#endif

static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};

struct seen { /* the last message, copied; how many */
    struct wst_event_message m;
    uint8_t *p;
    unsigned n;
    bool frames_complete;
};

static void keep(struct room *r, const struct wst_event *e)
{
    struct seen *s = r->user;
    if (e->type == WST_EVENT_FRAME && !e->frame.complete) s->frames_complete = false;
    if (e->type != WST_EVENT_MESSAGE) return;
    s->m = e->message;
    s->n++;
    free(s->p);
    s->p = malloc(e->message.payload.n + 1);
    assert_non_null(s->p);
    memcpy(s->p, e->message.payload.p, e->message.payload.n);
}

static void open_keeping(struct room *r, struct seen *s, bool deflate, bool anew)
{
    struct wst_ws_terms terms = {0};
    if (deflate) terms.deflate = (struct wst_deflate_terms){true, anew, anew, 15, 15};
    *r = (struct room){0};
    *s = (struct seen){.frames_complete = true};
    room_open(r, &terms);
    r->event = keep;
    r->user = s;
}

static void push_pieces(struct room *r, enum wst_dir d, const struct wire *w, size_t piece)
{
    for (size_t i = 0; i < w->n; i += piece)
        room_push(r, d, w->p + i, w->n - i < piece ? w->n - i : piece);
}

/* Beyond max_message: what is left out is counted exactly, text is judged whole, and the messages
 * that follow are right. Plain, masked, compressed, in one segment, in many, in fragments. */
static void max_message(void **state)
{
    static const size_t sizes[] = {999, 1000, 1001, 1002, 1500, 70000, 200000};
    static uint8_t text[200000];
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes); i++)
        for (unsigned how = 0; how < 36; how++) {
            bool masked = how & 1, fragments = how & 2;
            unsigned style = how / 4 % 3; /* plain, takeover, no takeover */
            static const size_t pieces[] = {SIZE_MAX / 2, 1460, 7};
            struct room r;
            struct seen s;
            struct wire w = {0}, z = {0};
            struct deflater d;
            uint64_t seed = 5;
            enum wst_dir dir = masked ? WST_C2S : WST_S2C;
            if (how / 12 == 2 && sizes[i] > 2000) continue;
            open_keeping(&r, &s, style, style == 2);
            r.options.limits.max_message = 1000;
            deflater_init(&d, 15, 6, Z_DEFAULT_STRATEGY, style == 2);
            for (unsigned k = 0; k < 4; k++) {
                size_t n = k % 2 ? 50 + k : sizes[i];
                fill_message(&seed, text, n, false);
                if (k == 0) memcpy(text + 998, "\xc3\xa9", sizes[i] >= 1000 ? 2 : 0);
                struct wst_slice payload = {text, n};
                if (style) {
                    z.n = 0;
                    deflater_message(&d, text, n, &z);
                    payload = (struct wst_slice){z.p, z.n};
                }
                w.n = 0;
                unsigned first = 1u | (style ? 0x40u : 0);
                size_t half = fragments ? payload.n / 3 : payload.n;
                wire_frame(&w, first | (fragments ? 0 : 0x80u), masked ? key : NULL, payload.p,
                           half);
                if (fragments)
                    wire_frame(&w, 0x80, masked ? key : NULL, payload.p + half, payload.n - half);
                push_pieces(&r, dir, &w, pieces[how / 12]);
                assert_int_equal(s.n, k + 1);
                assert_int_equal(s.m.len, n);
                assert_true(s.m.certain && s.m.utf8);
                assert_int_equal(s.m.wire_len, payload.n);
                size_t kept = n <= 1000 ? n : 1000;
                if (n > 1000 && (text[999] & 0xc0) == 0x80 && (text[1000] & 0xc0) == 0x80) kept--;
                assert_int_equal(s.m.payload.n, kept);
                assert_int_equal(s.m.omitted, n - kept);
                assert_memory_equal(s.p, text, kept);
                assert_int_equal(r.problems[WST_PROBLEM_LIMIT_MESSAGE], n > 1000 ? k / 2 + 1
                                                                        : sizes[i] > 1000
                                                                            ? k / 2 + 1
                                                                            : 0);
            }
            assert_int_equal(r.problems[WST_PROBLEM_MESSAGE_INVALID_UTF8], 0);
            deflater_free(&d);
            wire_free(&w);
            wire_free(&z);
            free(s.p);
            room_close(&r);
        }
}

/* Compressed messages of more than 64 KiB on the wire are inflated as they come. */
static void large_compressed(void **state)
{
    static uint8_t data[600000];
    static const size_t pieces[] = {SIZE_MAX / 2, 65536, 1460};
    (void)state;
    for (unsigned how = 0; how < 6; how++) {
        struct room r;
        struct seen s;
        struct wire w = {0}, z = {0};
        struct deflater d;
        uint64_t seed = how + 1;
        open_keeping(&r, &s, true, how & 1);
        deflater_init(&d, 15, 6, Z_DEFAULT_STRATEGY, how & 1);
        for (unsigned k = 0; k < 4; k++) {
            size_t n = k == 1 ? 100 : sizeof data;
            for (size_t at = 0; at < n; at += 1000)
                fill_message(&seed, data + at, n - at < 1000 ? n - at : 1000, at % 3000 == 0);
            z.n = w.n = 0;
            deflater_message(&d, data, n, &z);
            if (k != 1) assert_true(z.n > 3 * 65536);
            size_t third = z.n / 3;
            wire_frame(&w, 0x42, key, z.p, third);
            wire_frame(&w, 0x89, key, "ping", 4);
            wire_frame(&w, 0x80, key, z.p + third, z.n - third);
            push_pieces(&r, WST_C2S, &w, pieces[how / 2]);
            assert_int_equal(s.n, k + 1);
            assert_true(s.m.certain);
            assert_int_equal(s.m.omitted, 0);
            assert_int_equal(s.m.len, n);
            assert_memory_equal(s.p, data, n);
        }
        deflater_free(&d);
        wire_free(&w);
        wire_free(&z);
        free(s.p);
        room_close(&r);
    }
}

/* x-webkit-deflate-frame: frames of any length, each as it likes, over one context. */
static void large_frames(void **state)
{
    static const size_t pieces[] = {SIZE_MAX / 2, 30000, 1460};
    static uint8_t text[400000];
    uint64_t seed = 9;
    (void)state;
    for (size_t i = 0; i < 3 * ARRAY(pieces); i++) {
        struct room r;
        struct seen s;
        struct wire w = {0}, z = {0};
        struct deflater d;
        struct wst_ws_terms terms = {.per_frame = true};
        size_t max = i < ARRAY(pieces) ? SIZE_MAX : i < 2 * ARRAY(pieces) ? 200000 : 1000;
        open_keeping(&r, &s, false, false);
        r.ws.terms = terms;
        if (max < SIZE_MAX) r.options.limits.max_message = max;
        deflater_init(&d, 15, 1, Z_DEFAULT_STRATEGY, false);
        fill_message(&seed, text, sizeof text, true);
        for (unsigned k = 0; k < 4; k++) { /* squeezed, plain, squeezed, squeezed */
            z.n = 0;
            if (k != 1) deflater_message(&d, text + k * 100000, 100000, &z);
            wire_frame(&w, (k ? 0u : 2u) | (k == 3 ? 0x80u : 0) | (k != 1 ? 0x40u : 0), NULL,
                       k == 1 ? text + 100000 : z.p, k == 1 ? 100000 : z.n);
        }
        push_pieces(&r, WST_S2C, &w, pieces[i % ARRAY(pieces)]);
        assert_int_equal(s.n, 1);
        assert_true(s.m.certain && s.m.compressed && s.frames_complete);
        assert_int_equal(s.m.len, sizeof text);
        assert_int_equal(s.m.payload.n, max < sizeof text ? max : sizeof text);
        assert_int_equal(s.m.omitted, s.m.len - s.m.payload.n);
        assert_memory_equal(s.p, text, s.m.payload.n);
        room_close(&r);
        free(s.p);
        deflater_free(&d);
        wire_free(&w);
        wire_free(&z);
    }
}

/* Invalid UTF-8 beyond what is kept, or asked for, is found, too, however the bytes come. */
static void judged_whole(void **state)
{
    static uint8_t text[5000];
    (void)state;
    for (size_t bad = 900; bad < 5000; bad += 371)
        for (unsigned i = 0; i < 8; i++) {
            unsigned masked = i & 1;
            struct room r;
            struct seen s;
            struct wire w = {0};
            open_keeping(&r, &s, false, false);
            if (i & 4)
                r.options.max_payload = 10;
            else
                r.options.limits.max_message = 1000;
            memset(text, 'a', sizeof text);
            text[bad] = 0xff;
            wire_frame(&w, 0x81, masked ? key : NULL, text, sizeof text);
            push_pieces(&r, masked ? WST_C2S : WST_S2C, &w, i & 2 ? SIZE_MAX / 2 : 333);
            assert_int_equal(r.problems[WST_PROBLEM_MESSAGE_INVALID_UTF8], 1);
            assert_false(s.m.utf8);
            assert_int_equal(s.m.len, sizeof text);
            wire_free(&w);
            free(s.p);
            room_close(&r);
        }
}

static void max_payload(void **state)
{
    struct room r;
    struct seen s;
    struct wire w = {0};
    (void)state;
    for (uint64_t max = 0; max < 12; max++) {
        open_keeping(&r, &s, false, false);
        r.options.max_payload = max;
        w.n = 0;
        wire_frame(&w, 0x81, NULL,
                   "abc\xe2\x82\xac"
                   "d",
                   7);
        wire_frame(&w, 0x82, NULL,
                   "abc\xe2\x82\xac"
                   "d",
                   7);
        room_push(&r, WST_S2C, w.p, 9);
        size_t kept = max >= 7 ? 7 : max == 4 || max == 5 ? 3 : (size_t)max;
        assert_int_equal(s.m.payload.n, kept); /* text is cut between characters */
        assert_int_equal(s.m.omitted, 7 - kept);
        assert_true(s.m.utf8 && s.m.certain);
        room_push(&r, WST_S2C, w.p + 9, 9);
        assert_int_equal(s.m.payload.n, max >= 7 ? 7 : max);
        assert_int_equal(r.problems[WST_PROBLEM_LIMIT_PAYLOAD], max >= 7 ? 0 : 2);
        free(s.p);
        room_close(&r);
    }
    wire_free(&w);
}

/* Each form of length on both sides of its borders. */
static void minimal_lengths(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 127, 65535, 65536, 65537};
    static uint8_t payload[65537];
    (void)state;
    for (size_t i = 0; i < ARRAY(sizes); i++)
        for (unsigned form = 7; form <= 64; form = form == 7 ? 16 : form == 16 ? 64 : 65) {
            size_t n = sizes[i];
            if ((form == 7 && n > 125) || (form == 16 && n > 65535)) continue;
            uint8_t head[10] = {0x82, (uint8_t)(form == 7 ? n : form == 16 ? 126 : 127)};
            size_t more = form == 7 ? 0 : form / 8;
            for (size_t k = 0; k < more; k++)
                head[2 + k] = (uint8_t)((uint64_t)n >> (8 * (more - 1 - k)));
            struct room r;
            struct seen s;
            open_keeping(&r, &s, false, false);
            room_push(&r, WST_S2C, head, 2 + more);
            if (n) room_push(&r, WST_S2C, payload, n);
            assert_int_equal(s.n, 1);
            assert_int_equal(s.m.len, n);
            bool minimal = form == 7 || (form == 16 ? n > 125 : n > 65535);
            assert_int_equal(r.problems[WST_PROBLEM_FRAME_LENGTH_NOT_MINIMAL], !minimal);
            free(s.p);
            room_close(&r);
        }
}

/* -- random streams -- */

struct twin { /* what the maker wrote, in order */
    struct {
        unsigned first;
        size_t len;
        uint64_t offset;
    } frames[4000];
    size_t n, at;
};

static void compare(struct room *r, const struct wst_event *e)
{
    struct twin *t = r->user;
    if (e->type == WST_EVENT_PROBLEM && e->problem.problem != WST_PROBLEM_CONTROL_PONG_UNASKED)
        fail_msg("%s", e->problem.detail);
    if (e->type != WST_EVENT_FRAME) return;
    const struct wst_event_frame *f = &e->frame;
    assert_true(t->at < t->n);
    assert_int_equal(f->fin, t->frames[t->at].first >> 7);
    assert_int_equal(f->opcode, t->frames[t->at].first & 15);
    assert_int_equal(f->len, t->frames[t->at].len);
    assert_int_equal(f->offset, t->frames[t->at].offset);
    assert_true(f->complete);
    t->at++;
}

static void random_stream(struct wire *w, struct twin *t, uint64_t *seed, bool masked)
{
    static uint8_t payload[70000];
    bool open = false;
    t->n = t->at = 0;
    w->n = 0;
    fill_message(seed, payload, sizeof payload, false);
    while (t->n < 300) {
        bool control = rnd_below(seed, 4) == 0, fin = rnd_below(seed, 3) > 0;
        unsigned op = control ? 9 + (unsigned)rnd_below(seed, 2)
                      : open  ? 0
                              : 1 + (unsigned)rnd_below(seed, 2);
        size_t n = rnd_below(seed, control                    ? 126
                                   : rnd_below(seed, 20) == 0 ? 70000
                                   : rnd_below(seed, 4) == 0  ? 1000
                                                              : 130);
        uint8_t k[4];
        rnd_fill(seed, k, 4);
        unsigned first = op | (control || fin ? 0x80u : 0);
        t->frames[t->n].first = first;
        t->frames[t->n].len = n;
        t->frames[t->n++].offset = w->n;
        wire_frame(w, first, masked ? k : NULL, payload, n);
        if (!control) open = !fin;
    }
}

#if WST_HAVE_WSLAY
struct reader {
    const struct wire *w;
    size_t at;
};
static ssize_t reader_recv(uint8_t *p, size_t n, int flags, void *user)
{
    struct reader *r = user;
    (void)flags;
    if (n > r->w->n - r->at) n = r->w->n - r->at;
    memcpy(p, r->w->p + r->at, n);
    r->at += n;
    return n ? (ssize_t)n : -1;
}
/* wslay agrees with the maker: so the maker is no fool. */
static void check_wslay(const struct wire *w, const struct twin *t)
{
    struct reader reader = {w, 0};
    struct wslay_frame_callbacks callbacks = {.recv_callback = reader_recv};
    wslay_frame_context_ptr c;
    assert_int_equal(wslay_frame_context_init(&c, &callbacks, &reader), 0);
    for (size_t i = 0; i < t->n; i++) {
        struct wslay_frame_iocb f;
        uint64_t done = 0;
        do {
            memset(&f, 0, sizeof f);
            ssize_t n = wslay_frame_recv(c, &f);
            assert_true(n >= 0);
            done += (uint64_t)n;
        } while (done < f.payload_length);
        assert_int_equal(f.fin, t->frames[i].first >> 7);
        assert_int_equal(f.opcode, t->frames[i].first & 15);
        assert_int_equal(f.payload_length, t->frames[i].len);
    }
    wslay_frame_context_free(c);
}
#else
static void check_wslay(const struct wire *w, const struct twin *t)
{
    (void)w;
    (void)t;
}
#endif

static void random_streams(void **state)
{
    static struct twin t;
    struct wire w = {0};
    uint64_t seed = 31;
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        struct room r = {0};
        struct wst_ws_terms terms = {0};
        bool masked = round & 1;
        random_stream(&w, &t, &seed, masked);
        check_wslay(&w, &t);
        room_open(&r, &terms);
        r.event = compare;
        r.user = &t;
        for (size_t i = 0; i < w.n;) {
            size_t n = 1 + rnd_below(&seed, round % 4 < 2 ? 1460 : 20);
            if (n > w.n - i) n = w.n - i;
            room_push(&r, masked ? WST_C2S : WST_S2C, w.p + i, n);
            i += n;
        }
        assert_int_equal(t.at, t.n);
        room_close(&r);
    }
    wire_free(&w);
}

/* A frame says that it has 2^40 bytes, and the connection ends behind the third: three came on the
 * wire. Of a message that is not told none count; of a ping, and of a continuation of nothing,
 * which stand by themselves, those that came. */
static void keep_end(struct room *r, const struct wst_event *e)
{
    if (e->type == WST_EVENT_END) *(struct wst_event_end *)r->user = e->end;
}
static void cut_bytes(void **state)
{
    static const struct {
        uint8_t first;
        unsigned counted;
    } frames[] = {{0x82, 0}, {0x02, 0}, {0x80, 3}, {0x89, 3}};
    (void)state;
    for (size_t i = 0; i < ARRAY(frames); i++) {
        struct wst_event_end end = {0};
        struct wst_ws_terms terms = {0};
        struct room r = {0};
        uint8_t bytes[] = {frames[i].first, 127, 0, 0, 1, 0, 0, 0, 0, 0, 'a', 'b', 'c'};
        room_open(&r, &terms);
        r.event = keep_end;
        r.user = &end;
        room_push(&r, WST_S2C, bytes, sizeof bytes);
        room_end(&r);
        assert_int_equal(end.dir[WST_S2C].wire_bytes, 3);
        assert_int_equal(end.dir[WST_S2C].bytes, frames[i].counted);
        room_close(&r);
    }
}

/* The clock of the capture was set back between the close frame and the end: nothing lasts less
 * than no time. */
static void keep_detail(struct room *r, const struct wst_event *e)
{
    if (e->type == WST_EVENT_PROBLEM && (e->problem.problem == WST_PROBLEM_CLOSE_NO_REPLY ||
                                         e->problem.problem == WST_PROBLEM_MESSAGE_CONTEXT_LOST))
        snprintf(r->user, 240, "%s", e->problem.detail);
}
static void clock_set_back(void **state)
{
    struct wst_ws_terms terms = {0};
    struct room r = {0};
    char detail[240] = "";
    (void)state;
    room_open(&r, &terms);
    r.event = keep_detail;
    r.user = detail;
    r.arrival.when.ns = 100000000000;
    room_push(&r, WST_C2S, "\x88\x80\0\0\0\0", 6);
    r.arrival.when.ns -= 1500000000;
    wst_ws_fin(&r.ws, &r.env, WST_C2S, &r.arrival);
    wst_ws_fin(&r.ws, &r.env, WST_S2C, &r.arrival);
    room_end(&r);
    assert_string_equal(
        detail, "the client sent a close frame, the server none; both ended TCP, 0.000 ms later");
    room_close(&r);
}

/* A history that was let go for memory, and one that there was none for: the capture lacks nothing.
 */
static void memory_is_none(void **state)
{
    static const char *const details[] = {
        "not known from byte 1 of 5 on: it refers to earlier bytes that are not known, and so may "
        "what follows, of which it is not told again",
        "it is not read: no memory for its context",
    };
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        struct wst_ws_terms terms = {.deflate = {true, false, false, 15, 15}};
        struct room r = {0};
        char detail[240] = "";
        room_open(&r, &terms);
        r.event = keep_detail;
        r.user = detail;
        room_push(&r, WST_S2C, "\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\0", 9);
        assert_string_equal(detail, "");
        assert_true(wst_ws_shrink(&r.ws, &r.env));
        if (i) r.budget.max = r.budget.used + 1000;
        room_push(&r, WST_S2C, "\xc1\x05\xf2\0\x11\0\0", 7);
        assert_string_equal(detail, details[i]);
        room_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(max_message),    cmocka_unit_test(large_compressed),
        cmocka_unit_test(judged_whole),   cmocka_unit_test(minimal_lengths),
        cmocka_unit_test(max_payload),    cmocka_unit_test(random_streams),
        cmocka_unit_test(large_frames),   cmocka_unit_test(cut_bytes),
        cmocka_unit_test(clock_set_back), cmocka_unit_test(memory_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

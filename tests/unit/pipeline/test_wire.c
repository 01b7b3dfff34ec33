/* SPDX-License-Identifier: MIT
 *
 * What options.wire tells: held against the packets themselves. Every run of bytes that it says a
 * packet carried must be found in that packet, at that sequence number; together they must be the
 * frame that the event tells of.
 */
#include "flows.h"

#include <dirent.h>
#include <stdio.h>
#include <ws/frame.h>

struct kept { /* a packet of the capture */
    uint8_t *p;
    size_t n;
    uint32_t seq, len; /* of the last TCP segment seen in it */
    bool tcp;
};

struct watch {
    struct kept *packets;
    size_t packets_n;
    uint64_t frames, told, unknown, cut, handshakes, heads;
    struct wst_wire_frame last; /* borrowed parts are not looked at */
    uint64_t last_conn;
    uint8_t *plain; /* payload of the last frame, unmasked */
    size_t plain_n;
    bool plain_whole;
    uint64_t compared;
    bool inside[16]; /* of HTTP/2; by connection */
    /* hand-made conversations look at these */
    struct wst_wire_segment segments[16];
    size_t segments_n, payload_n;
    uint64_t unlisted;
};

static bool holds(const struct kept *k, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + n <= k->n; i++)
        if (!memcmp(k->p + i, p, n)) return true;
    return n == 0;
}

static void check_segments(struct watch *w, const struct wst_wire_segment *s, size_t n,
                           struct wst_slice bytes, uint64_t total)
{
    uint64_t at = 0;
    for (size_t i = 0; i < n; at += s[i++].n) {
        assert_int_equal(s[i].at, at);
        assert_true(s[i].n > 0);
        if (!s[i].pkt) continue;
        assert_true(s[i].pkt <= w->packets_n);
        const struct kept *k = &w->packets[s[i].pkt - 1];
        assert_true(k->tcp);
        assert_true(s[i].seq - k->seq + s[i].n <= k->len);
        if (at + s[i].n <= bytes.n) assert_true(holds(k, bytes.p + at, s[i].n));
    }
    assert_int_equal(at, total);
}

static void on_wire_frame(void *user, const struct wst_wire_frame *f)
{
    struct watch *w = user;
    const struct wst_event_frame *e = &f->event->frame;
    struct wst_frame parsed;
    w->told++;
    w->last = *f;
    w->last_conn = f->event->conn;
    w->plain_n = 0;
    w->plain_whole = false;
    w->segments_n = f->segments_n < 16 ? f->segments_n : 16;
    if (f->segments_n) memcpy(w->segments, f->segments, w->segments_n * sizeof *f->segments);
    w->payload_n = f->payload.n;
    w->unlisted = f->unlisted;
    if (!f->header.p) {
        assert_int_equal(f->segments_n, 0);
        w->unknown++;
        return;
    }
    assert_int_equal(f->header.n, e->header_len);
    assert_int_equal(wst_frame_parse(f->header.p, f->header.n, &parsed), e->header_len);
    assert_int_equal(parsed.len, e->len);
    assert_int_equal(parsed.opcode, e->opcode);
    assert_true(f->payload.n <= e->len);
    /* Header and payload lie in one piece, so they can be looked for together. */
    assert_ptr_equal(f->payload.p, f->header.p + f->header.n);
    if (!w->inside[f->event->conn % ARRAY(w->inside)]) /* else they are counted in the stream */
        check_segments(w, f->segments, f->segments_n,
                       (struct wst_slice){f->header.p, f->header.n + f->payload.n},
                       e->header_len + e->len - f->unlisted);
    if (f->payload.n < e->len) w->cut++;
    w->plain = realloc(w->plain, f->payload.n + 1);
    wst_frame_unmask(w->plain, f->payload.p, f->payload.n, parsed.key, 0);
    w->plain_n = f->payload.n;
    w->plain_whole = f->payload.n == e->len;
}

static void on_wire_packet(void *user, const struct wst_wire_packet *p)
{
    struct watch *w = user;
    if (p->when.pkt > w->packets_n) return; /* the test that counts nothing */
    struct kept *k = &w->packets[p->when.pkt - 1];
    k->seq = p->seq + (p->flags & SYN ? 1 : 0);
    k->len = p->len;
    k->tcp = true;
    assert_true(p->side < 2);
}

static void on_wire_handshake(void *user, const struct wst_wire_handshake *h)
{
    struct watch *w = user;
    const struct wst_event_handshake *e = &h->event->handshake;
    w->handshakes++;
    if (e->stream_id >= 0) w->inside[h->event->conn % ARRAY(w->inside)] = true;
    bool fields = e->carrier == WST_CARRIER_H2 ||
                  (e->carrier == WST_CARRIER_UNKNOWN && e->stream_id >= 0);
    if (fields) { /* its head is none */
        assert_null(h->request.p);
        assert_null(h->response.p);
        return;
    }
    assert_int_equal(h->request.p != NULL, e->request_pkt != 0);
    assert_int_equal(h->response.p != NULL, e->status >= 0);
    if (h->request.p) {
        assert_memory_equal(h->request.p, e->method.p, e->method.n);
        check_segments(w, h->request_segments, h->request_segments_n, h->request, h->request.n);
        w->heads++;
    }
    if (h->response.p) {
        assert_memory_equal(h->response.p, "HTTP/1.", 7);
        check_segments(w, h->response_segments, h->response_segments_n, h->response, h->response.n);
        w->heads++;
    }
}

static void on_event(void *user, const struct wst_event *e)
{
    struct watch *w = user;
    if (e->type == WST_EVENT_FRAME) {
        w->frames++;
        assert_int_equal(w->told, w->frames); /* one for each, before it */
        assert_int_equal(w->last_conn, e->conn);
        if (e->frame.payload.p && w->plain_whole && e->frame.complete) {
            assert_int_equal(w->plain_n, e->frame.payload.n + e->frame.payload_omitted);
            assert_memory_equal(w->plain, e->frame.payload.p, e->frame.payload.n);
            w->compared++;
        }
    }
    if (e->type == WST_EVENT_MESSAGE && e->message.frames == 1 && !e->message.compressed &&
        w->plain_whole && e->message.certain) {
        assert_int_equal(w->plain_n, e->message.len);
        assert_memory_equal(w->plain, e->message.payload.p, e->message.payload.n);
        w->compared++;
    }
}

static int on_packet(void *user, const struct wst_packet *p)
{
    void **both = user;
    struct watch *w = both[0];
    w->packets = realloc(w->packets, (w->packets_n + 1) * sizeof *w->packets);
    struct kept *k = &w->packets[w->packets_n++];
    *k = (struct kept){malloc(p->data.n + 1), p->data.n, 0, 0, false};
    memcpy(k->p, p->data.p, p->data.n);
    wst_context_packet(both[1], p);
    return 0;
}

static void watch_free(struct watch *w)
{
    for (size_t i = 0; i < w->packets_n; i++) free(w->packets[i].p);
    free(w->packets);
    free(w->plain);
}

static void watch_capture(struct watch *w, const char *path)
{
    char error[WST_CAPTURE_ERROR_SIZE];
    const struct wst_wire wire = {w, on_wire_packet, on_wire_handshake, on_wire_frame};
    const struct wst_listener listener = {w, on_event, NULL};
    struct wst_options options;
    wst_options_init(&options);
    options.wire = &wire;
    struct wst_capture *capture = wst_capture_new();
    struct wst_context *c = wst_context_new(&options, &listener);
    void *both[2] = {w, c};
    const struct wst_capture_sink sink = {.user = both, .packet = on_packet};
    assert_int_equal(wst_capture_add_file(capture, path, NULL), 0);
    assert_int_equal(wst_capture_open(capture, error), 0);
    wst_capture_run(capture, &sink);
    wst_context_finish(c, NULL);
    assert_int_equal(w->told, w->frames);
    wst_context_free(c);
    wst_capture_free(capture);
}

/* Where the bytes of a packet are not those of the segment, or there are too many to look through.
 */
static bool left_out(const char *name)
{
    static const char *const names[] = {
        "bomb",       "_256k", "02_pmd_bomb", "length_", "split_2", /* large */
        "ipfrag",     /* a segment lies in several packets */
        "port_reuse", /* told apart elsewhere */
    };
    for (size_t i = 0; i < ARRAY(names); i++)
        if (strstr(name, names[i])) return true;
    return !strstr(name, ".pcap");
}

static void test_captures(void **state)
{
    (void)state;
    const char *other = getenv("WSTRACE_WIRE_CAPTURES"); /* a folder of one's own */
    const char *folders[] = {other ? other : WST_TEST_CAPTURES, WST_TEST_CAPTURES "/peers"};
    uint64_t frames = 0, compared = 0, heads = 0;
    for (size_t i = 0; i < ARRAY(folders); i++) {
        DIR *folder = opendir(folders[i]);
        assert_non_null(folder);
        for (struct dirent *d; (d = readdir(folder));) {
            char path[512];
            struct watch w = {0};
            if (left_out(d->d_name)) continue;
            snprintf(path, sizeof path, "%s/%s", folders[i], d->d_name);
            watch_capture(&w, path);
            if (w.unknown) print_message("%s: %d frames not known\n", path, (int)w.unknown);
            assert_int_equal(w.unknown, 0);
            frames += w.frames;
            compared += w.compared;
            heads += w.heads;
            watch_free(&w);
        }
        closedir(folder);
    }
    print_message("%d frames, %d compared, %d heads\n", (int)frames, (int)compared, (int)heads);
    assert_true(frames > 2000 && compared > 1000 && heads > 100); /* it looked at something */
}

/* -- by hand ----------------------------------------------------------------------------------- */

static struct wst_context *watched(struct watch *w, size_t max_wire)
{
    const struct wst_wire wire = {w, on_wire_packet, NULL, on_wire_frame};
    const struct wst_listener listener = {w, on_event, NULL};
    struct wst_options options;
    wst_options_init(&options);
    options.hash_seed[0] = 1;
    options.wire = &wire;
    if (max_wire) options.limits.max_wire = max_wire;
    struct wst_context *c = wst_context_new(&options, &listener);
    assert_non_null(c);
    return c;
}

static void feed(struct watch *w, struct wst_context *c, const struct packets *k)
{
    w->packets = calloc(k->n, sizeof *w->packets);
    w->packets_n = k->n;
    for (size_t i = 0; i < k->n; i++) {
        w->packets[i] = (struct kept){k->all[i].p, k->all[i].n, 0, 0, false};
        context_feed(c, k, i);
    }
}

/* The memory that the same takes when nobody asks for wire bytes. */
static size_t unwatched(const struct packets *k)
{
    struct wst_context *c = context_open((struct wst_listener){0});
    for (size_t i = 0; i < k->n; i++) context_feed(c, k, i);
    size_t n = wst_context_memory(c);
    context_close(c);
    return n;
}

static void done(struct watch *w, struct wst_context *c, struct packets *k)
{
    context_close(c);
    free(w->packets);
    free(w->plain);
    packets_free(k);
}

enum { FIRST = 6 }; /* the number of the first packet after handshakes of TCP and WebSocket */

static void opened(struct tcp *t, struct packets *k)
{
    tcp_open(t, k, 40000);
    tcp_syn(t);
    tcp_data(t, 0, REQUEST, strlen(REQUEST));
    tcp_data(t, 1, ANSWER, strlen(ANSWER));
}

static void assert_segment(const struct watch *w, size_t i, uint64_t pkt, uint64_t at, uint64_t n,
                           int64_t rel)
{
    assert_int_equal(w->segments[i].pkt, pkt);
    assert_int_equal(w->segments[i].at, at);
    assert_int_equal(w->segments[i].n, n);
    assert_int_equal(w->segments[i].relative, rel);
}

/* A frame of 106 bytes in three segments, the second of which comes last. */
static void test_reordered(void **state)
{
    (void)state;
    struct watch w = {0};
    struct packets k = {0};
    struct tcp t;
    uint8_t frame[128], text[100];
    uint64_t seed = 1;
    memset(text, 'x', sizeof text);
    assert_int_equal(put_frame(frame, 0x81, true, &seed, text, 100), 106);
    opened(&t, &k);
    int64_t rel = 1 + (int64_t)strlen(REQUEST);
    tcp_data(&t, 0, frame, 40);
    t.seq[0] += 30;
    tcp_data(&t, 0, frame + 70, 36);
    t.seq[0] -= 66;
    tcp_data(&t, 0, frame + 40, 30);
    struct wst_context *c = watched(&w, 0);
    feed(&w, c, &k);
    assert_int_equal(w.frames, 1);
    assert_int_equal(w.segments_n, 3);
    assert_segment(&w, 0, FIRST, 0, 40, rel);
    assert_segment(&w, 1, FIRST + 2, 40, 30, rel + 40);
    assert_segment(&w, 2, FIRST + 1, 70, 36, rel + 70);
    assert_int_equal(w.payload_n, 100);
    done(&w, c, &k);
}

/* The middle never comes: the payload ends where the hole begins, and the hole has no packet. */
static void test_hole(void **state)
{
    (void)state;
    struct watch w = {0};
    struct packets k = {0};
    struct tcp t;
    uint8_t frame[128], text[100];
    uint64_t seed = 1;
    memset(text, 'x', sizeof text);
    put_frame(frame, 0x81, true, &seed, text, 100);
    opened(&t, &k);
    int64_t rel = 1 + (int64_t)strlen(REQUEST);
    tcp_data(&t, 0, frame, 40);
    t.seq[0] += 30;
    tcp_data(&t, 0, frame + 70, 36);
    for (int i = 0; i < 20; i++) tcp_packet(&t, 1, ACK, NULL, 0);
    struct wst_context *c = watched(&w, 0);
    feed(&w, c, &k);
    assert_int_equal(w.frames, 1);
    assert_int_equal(w.segments_n, 3);
    assert_segment(&w, 0, FIRST, 0, 40, rel);
    assert_segment(&w, 1, 0, 40, 30, -1);
    assert_segment(&w, 2, FIRST + 1, 70, 36, rel + 70);
    assert_int_equal(w.payload_n, 34);
    done(&w, c, &k);
}

/* The answer is missing, so that the client's frames wait: what waited is counted once, a hole in
 * it too. */
static void waited(int hole)
{
    struct watch w = {0};
    struct packets k = {0};
    struct tcp t;
    uint8_t frame[64], text[20];
    uint64_t seed = 1;
    memset(text, 'x', sizeof text);
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    tcp_data(&t, 0, REQUEST, strlen(REQUEST));
    t.seq[1] += 129; /* the answer, which the client acknowledges */
    for (int i = 0; i < 12; i++) {
        if (i == hole) t.seq[0] += 26; /* a frame */
        tcp_data(&t, 0, frame, put_frame(frame, 0x81, true, &seed, text, sizeof text));
    }
    for (int i = 0; i < 20; i++) tcp_packet(&t, 1, ACK, NULL, 0);
    struct wst_context *c = watched(&w, 0);
    feed(&w, c, &k);
    wst_context_finish(c, NULL);
    assert_int_equal(w.frames, 12);
    assert_int_equal(w.unknown, 0);
    done(&w, c, &k);
}

static void test_waited(void **state)
{
    (void)state;
    waited(-1);
    waited(0); /* before anything tells what it is */
    waited(6);
}

/* Beyond the limit the front of a frame is kept, and the frame behind it is whole again. */
static void test_limit(void **state)
{
    (void)state;
    struct watch w = {0};
    struct packets k = {0};
    struct tcp t;
    enum { LONG = 50000 };
    uint8_t *bytes = calloc(1, LONG + 64), text[10] = "0123456789";
    uint64_t seed = 1;
    uint8_t *payload = calloc(1, LONG);
    size_t n = put_frame(bytes, 0x82, true, &seed, payload, LONG);
    n += put_frame(bytes + n, 0x81, true, &seed, text, 10);
    opened(&t, &k);
    for (size_t at = 0; at < n; at += 1000)
        tcp_packet(&t, 0, ACK, bytes + at, n - at < 1000 ? n - at : 1000);
    struct wst_context *c = watched(&w, 4000);
    feed(&w, c, &k);
    assert_int_equal(w.frames, 2);
    assert_int_equal(w.payload_n, 10); /* of the second */
    assert_int_equal(w.cut, 1);        /* the first */
    assert_int_equal(w.unknown, 0);
    assert_true(wst_context_memory(c) < unwatched(&k) + 20000);
    done(&w, c, &k);
    free(bytes);
    free(payload);
}

/* Nothing that will not be a frame is kept: a connection that goes on and on with HTTP. */
static void test_memory(void **state)
{
    (void)state;
    struct watch w = {0};
    struct packets k = {0};
    struct tcp t;
    static const char get[] = "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
                      ok[] = "HTTP/1.1 200 OK\r\nContent-Length: 50000\r\n\r\n";
    static uint8_t body[50000];
    tcp_open(&t, &k, 40000);
    tcp_syn(&t);
    for (int i = 0; i < 200; i++) {
        tcp_data(&t, 0, get, strlen(get));
        tcp_data(&t, 1, ok, strlen(ok));
        tcp_data(&t, 1, body, sizeof body);
    }
    struct wst_context *c = watched(&w, 0);
    feed(&w, c, &k);
    assert_true(wst_context_memory(c) < unwatched(&k) + 20000);
    done(&w, c, &k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_captures), cmocka_unit_test(test_reordered),
        cmocka_unit_test(test_hole),     cmocka_unit_test(test_limit),
        cmocka_unit_test(test_memory),   cmocka_unit_test(test_waited),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

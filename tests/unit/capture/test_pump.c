/* SPDX-License-Identifier: MIT
 *
 * The thread that reads ahead: whatever the file, all is told as without it, to the byte. Captures
 * here are longer than all blocks together, and their records end everywhere in one.
 */
#include "bytes.h"
#include "capture/reader.h"

#include <dirent.h>
#include <unistd.h>

/* ---- files of some size ---- */

struct file {
    uint8_t *b;
    size_t n, cap;
};

static void add(struct file *f, const void *p, size_t n)
{
    while (f->n + n > f->cap) {
        f->cap = f->cap ? f->cap * 2 : 1 << 20;
        f->b = realloc(f->b, f->cap);
        assert_non_null(f->b);
    }
    if (n) memcpy(f->b + f->n, p, n);
    f->n += n;
}

static void add32(struct file *f, uint32_t v)
{
    add(f, &v, 4);
}

static uint32_t chance(uint32_t *seed)
{
    *seed = *seed * 1664525 + 1013904223;
    return *seed >> 8;
}

/* Packets as a network has them, some that do not fit before a block, some longer than it. */
static uint32_t some_length(uint32_t *seed)
{
    uint32_t kind = chance(seed) % 64;
    if (kind == 0) return 200000 + chance(seed) % 62145; /* to the longest there may be */
    if (kind < 4) return WST_PUMP_FRONT - 30 + chance(seed) % 60;
    return chance(seed) % (kind < 40 ? 1500 : 100);
}

/* It shrinks by half, and no two places are alike. */
static void add_data(struct file *f, uint32_t *seed, uint32_t n)
{
    static uint8_t data[1 << 20];
    assert_true(n <= sizeof data);
    for (uint32_t i = 0; i < n; i++) data[i] = (uint8_t)(i % 2 ? chance(seed) : 'a');
    add(f, data, n);
}

static const uint8_t classic_head[24] = {0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4,   0, 0, 0, 0, 0,
                                         0,    0,    0,    0,    0, 0, 255, 0, 1, 0, 0, 0};

static struct file classic(uint32_t seed, size_t size)
{
    struct file f = {0};
    add(&f, classic_head, sizeof classic_head);
    while (f.n < size) {
        uint32_t n = some_length(&seed);
        add32(&f, (uint32_t)f.n);
        add32(&f, 0);
        add32(&f, n);
        add32(&f, n);
        add_data(&f, &seed, n);
    }
    return f;
}

static void add_block(struct file *f, uint32_t type, const struct file *body)
{
    uint32_t n = (uint32_t)(body->n + 3) / 4 * 4;
    add32(f, type);
    add32(f, n + 12);
    add(f, body->b, body->n);
    add(f, "\0\0\0", n - body->n);
    add32(f, n + 12);
}

/* A section, an interface; packets, and secrets longer than all blocks of the pump. */
static struct file pcapng(uint32_t seed, size_t size)
{
    static const uint8_t section_body[16] = {0x4d, 0x3c, 0x2b, 0x1a, 1,    0,    0,    0,
                                             0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    struct file f = {0}, body = {0};
    add(&body, section_body, sizeof section_body);
    add_block(&f, 0x0a0d0d0a, &body);
    body.n = 0;
    add(&body, "\1\0\0\0\0\0\0\0", 8);
    add_block(&f, 1, &body);
    while (f.n < size) {
        bool secrets = chance(&seed) % 100 == 0;
        uint32_t n = secrets ? 900000 : some_length(&seed);
        body.n = 0;
        add32(&body, secrets ? 0x544c534b : 0);
        add32(&body, secrets ? n : 0);
        for (int i = 0; i < 3 && !secrets; i++) add32(&body, i ? n : (uint32_t)f.n);
        add_data(&body, &seed, n);
        add_block(&f, secrets ? 10 : 6, &body);
    }
    free(body.b);
    return f;
}

static struct file zipped(const struct file *in, size_t member)
{
    struct file f = {0};
    for (size_t at = 0; at < in->n; at += member) {
        size_t n = in->n - at < member ? in->n - at : member;
        z_stream z = {0};
        uint8_t *to = malloc(n + 1000);
        assert_non_null(to);
        assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = in->b + at;
        z.avail_in = (uInt)n;
        z.next_out = to;
        z.avail_out = (uInt)n + 1000;
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        add(&f, to, z.total_out);
        deflateEnd(&z);
        free(to);
    }
    return f;
}

/* ---- all that is told, as one number, and the last trouble for people ---- */

struct heard {
    uint64_t sum, packets, troubles, stop_after;
    struct wst_capture *capture; /* whose bytes read are looked at */
    uint64_t read;
    size_t threads; /* most, beside the caller's */
    volatile uint8_t touched;
    char last[300];
};

static size_t threads(void)
{
    struct dirent *e;
    size_t n = 0;
    DIR *d = opendir("/proc/self/task");
    if (!d) return 0;
    while ((e = readdir(d)) != NULL) n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void hear(struct heard *h, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) h->sum = (h->sum ^ b[i]) * UINT64_C(0x100000001b3);
}

static int hear_packet(void *user, const struct wst_packet *p)
{
    struct heard *h = user;
    uint64_t read = h->capture ? wst_capture_read_bytes(h->capture) : 0;
    size_t n = h->packets < 3 ? threads() : 0;
    if (n > h->threads) h->threads = n;
    hear(h, &p->when, sizeof p->when);
    hear(h, &p->wire_len, sizeof p->wire_len);
    hear(h, p->data.p, p->data.n);
    assert_true(read >= h->read);
    h->read = read;
    return ++h->packets == h->stop_after;
}

static int hear_packets(void *user, const struct wst_packet *packets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (hear_packet(user, &packets[i]) != 0) return 1;
    return 0;
}

static void hear_secrets(void *user, uint32_t type, struct wst_slice s)
{
    hear(user, &type, sizeof type);
    hear(user, s.p, s.n);
}

static void hear_trouble(void *user, const char *source, uint64_t pkt, uint64_t byte,
                         const char *what)
{
    struct heard *h = user;
    (void)source;
    h->troubles++;
    hear(h, &pkt, sizeof pkt);
    hear(h, &byte, sizeof byte);
    hear(h, what, strlen(what));
    snprintf(h->last, sizeof h->last, "%s", what);
}

static struct wst_capture_sink ear(struct heard *h)
{
    return (struct wst_capture_sink){
        .user = h, .packet = hear_packet, .secrets = hear_secrets, .trouble = hear_trouble};
}

enum how { HERE, BY_PUMP, IN_TURNS };

/* Without a peek before, so that each byte comes through the pump; or, in turns, so that after each
 * read it is another's. */
static struct heard listen(const uint8_t *p, size_t n, enum how how, uint64_t stop_after)
{
    static const atomic_bool never = false;
    struct wst_source source;
    struct heard h = {.stop_after = stop_after};
    struct wst_capture_sink sink = ear(&h);
    struct wst_feed feed;
    uint8_t *exact = malloc(n ? n : 1);
    if (how != HERE) sink.packets = hear_packets;
    wst_feed_begin(&feed, &sink, &never, "m");
    assert_non_null(exact);
    if (n) memcpy(exact, p, n);
    wst_source_open_memory(&source, (struct wst_slice){exact, n});
    if (how != HERE) wst_source_pump(&source, how == IN_TURNS);
    assert_true(how == HERE || source.pump);
    wst_reader_run(&source, &feed);
    wst_source_close(&source);
    h.read = source.consumed;
    free(exact);
    return h;
}

static struct heard assert_same(const uint8_t *p, size_t n)
{
    struct heard without = listen(p, n, HERE, 0), with = without;
    for (enum how how = BY_PUMP; how <= IN_TURNS; how++) {
        with = listen(p, n, how, 0);
        assert_string_equal(with.last, without.last);
        assert_int_equal(with.packets, without.packets);
        assert_int_equal(with.troubles, without.troubles);
        assert_true(with.sum == without.sum);
        if (without.troubles == 0) assert_int_equal(with.read, n);
    }
    return with;
}

/* ---- tests ---- */

typedef struct file maker(uint32_t seed, size_t size);
static maker *const makers[] = {classic, pcapng};
enum { MAKERS = 2, LARGE = 2 << 20, PUMPED = 8 << 20 /* through the door, even when zipped */ };

static void records_end_anywhere(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 6; seed++) {
        struct file f = makers[seed % MAKERS](seed, LARGE);
        struct heard h = assert_same(f.b, f.n);
        assert_int_equal(h.troubles, 0);
        assert_true(h.packets > 50);
        free(f.b);
    }
}

static void gzip_of_one_member_and_of_many(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct file f = makers[i](9 + i, LARGE);
        for (size_t member = f.n; member > 1000; member /= 40) {
            struct file z = zipped(&f, member);
            assert_int_equal(assert_same(z.b, z.n).troubles, 0);
            add(&z, "\0\0garbage", 9);
            assert_int_equal(assert_same(z.b, z.n).troubles, 1);
            free(z.b);
        }
        free(f.b);
    }
}

static void small_files_cut_at_every_byte(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct file f = makers[i](3, 600), z = zipped(&f, 200);
        size_t n = f.n < 1000 ? f.n : 1000;
        for (size_t cut = 0; cut <= n; cut++) assert_same(f.b, cut);
        for (size_t cut = 0; cut <= z.n && cut < 600; cut++) assert_same(z.b, cut);
        free(f.b);
        free(z.b);
    }
}

static void large_files_cut_where_blocks_meet(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct file f = makers[i](20 + i, LARGE), z = zipped(&f, LARGE);
        for (size_t k = 1; k <= 3; k++)
            for (size_t cut = k * WST_PUMP_BLOCK - 20; cut <= k * WST_PUMP_BLOCK + 20; cut += 4)
                assert_same(f.b, cut);
        for (size_t cut = 1000; cut < z.n; cut += z.n / 20) assert_same(z.b, cut);
        free(f.b);
        free(z.b);
    }
}

static void damaged_gzip(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < MAKERS; i++) {
        struct file f = makers[i](30 + i, 600000), z = zipped(&f, 100000);
        for (size_t at = 3; at < z.n; at += z.n / 40) {
            z.b[at] ^= 0x10;
            assert_same(z.b, z.n);
            z.b[at] ^= 0x10;
        }
        free(f.b);
        free(z.b);
    }
}

/* However much is asked for at a time, a cut member gives the same bytes: none is left in zlib. */
static void nothing_is_left_in_a_cut_member(void **state)
{
    static uint8_t all[200000], got[200000];
    struct file f = {0}, z;
    (void)state;
    for (uint32_t i = 0; i < 600; i++) {
        add32(&f, i * i);
        add(&f, all, 200);
    }
    z = zipped(&f, f.n);
    for (size_t cut = z.n - 400; cut < z.n; cut += 3) {
        struct wst_supply s;
        size_t n, most = 0;
        wst_supply_open_memory(&s, (struct wst_slice){z.b, cut});
        while ((n = wst_supply_read(&s, all + most, sizeof all - most)) > 0) most += n;
        wst_supply_close(&s);
        for (size_t piece = 31; piece < 300; piece += 37) {
            size_t sum = 0;
            wst_supply_open_memory(&s, (struct wst_slice){z.b, cut});
            while ((n = wst_supply_read(&s, got + sum, piece)) > 0) sum += n;
            assert_memory_equal(s.error, "truncated gzip data", 19);
            wst_supply_close(&s);
            assert_int_equal(sum, most);
            assert_memory_equal(got, all, sum);
        }
        memset(all, 0, sizeof all);
    }
    free(f.b);
    free(z.b);
}

static void a_sink_that_wants_no_more(void **state)
{
    struct file f = classic(40, LARGE);
    size_t before = threads();
    (void)state;
    for (uint64_t stop = 1; stop < 100; stop += 3) {
        struct heard with = listen(f.b, f.n, stop % 2 ? BY_PUMP : IN_TURNS, stop),
                     without = listen(f.b, f.n, HERE, stop);
        assert_int_equal(with.packets, stop);
        assert_true(with.sum == without.sum);
    }
    assert_int_equal(threads(), before);
    free(f.b);
}

/* Closed at once, after a block or two, and never read. */
static void closed_at_any_time(void **state)
{
    struct file f = classic(41, LARGE);
    (void)state;
    for (size_t want = 0; want < 5 * WST_PUMP_BLOCK; want += 30011) {
        struct wst_source s;
        wst_source_open_memory(&s, (struct wst_slice){f.b, f.n});
        wst_source_pump(&s, want % 2);
        if (want) {
            assert_true(wst_source_want(&s, want) >= want);
            assert_memory_equal(wst_source_at(&s), f.b, want);
            wst_source_skip(&s, want);
            assert_int_equal(wst_source_offset(&s), want);
        }
        wst_source_close(&s);
        wst_source_close(&s);
        assert_int_equal(wst_source_offset(&s), want);
    }
    free(f.b);
}

/* Bytes come by and by, from the pump and from here; each way has its turns, and what one has read
 * ahead of the other's turn is not lost. */
static void turns_are_taken(void **state)
{
    struct file f = classic(42, 2 * LARGE), z = zipped(&f, f.n);
    (void)state;
    for (int gzip = 0; gzip < 2; gzip++) {
        struct wst_source s;
        size_t at = 0, n, begun = 0, here = 0;
        bool before = false;
        wst_source_open_memory(&s, (struct wst_slice){gzip ? z.b : f.b, gzip ? z.n : f.n});
        wst_source_pump(&s, 1);
        while ((n = wst_source_want(&s, 1)) > 0) {
            assert_memory_equal(wst_source_at(&s), f.b + at, n);
            wst_source_skip(&s, n);
            at += n;
            bool pumped = wst_trial_second(&s.trial);
            begun += pumped && !before;
            here += !pumped && !s.draining;
            before = pumped;
        }
        assert_int_equal(at, f.n);
        assert_true(begun >= 3 && here >= 3); /* source.c: three pairs */
        wst_source_close(&s);
    }
    free(f.b);
    free(z.b);
}

/* Stopped in either way's turn, or between: whether the rest still comes (a file's does, when it is
 * read here) or not, what comes is right, it ends without an error, and no thread stays. */
static void stopped_in_any_turn(void **state)
{
    struct file f = classic(43, 2 * LARGE);
    FILE *file = tmpfile();
    size_t before = threads();
    (void)state;
    assert_non_null(file);
    assert_int_equal(fwrite(f.b, 1, f.n, file), f.n);
    assert_int_equal(fflush(file), 0);
    for (unsigned reads = 0; reads < 40; reads++) {
        struct wst_source s;
        atomic_bool stop = false;
        size_t at = 0, n;
        assert_int_equal(wst_source_open_fd(&s, dup(fileno(file)), &stop), 0);
        wst_source_pump(&s, 1);
        for (unsigned i = 0; (n = wst_source_want(&s, 1)) > 0; i++) {
            if (i == reads) atomic_store(&stop, true);
            assert_memory_equal(wst_source_at(&s), f.b + at, n);
            wst_source_skip(&s, n);
            at += n;
        }
        assert_true(s.ended && !s.error[0] && at <= f.n);
        wst_source_close(&s);
    }
    assert_int_equal(threads(), before);
    fclose(file);
    free(f.b);
}

/* ---- through the door ---- */

static const char *save(const struct file *f)
{
    static char name[] = "/tmp/wstrace-pump-XXXXXX";
    int fd;
    strcpy(name + sizeof name - 7, "XXXXXX");
    fd = mkstemp(name);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, f->b, f->n), f->n);
    close(fd);
    return name;
}

static struct heard run_file(const char *name, bool pumped, uint64_t stop_after)
{
    struct wst_capture *c = wst_capture_new();
    struct heard h = {.stop_after = stop_after, .capture = c};
    struct wst_capture_sink sink = ear(&h);
    char error[WST_CAPTURE_ERROR_SIZE];
    assert_non_null(c);
    wst_capture_set_read_ahead(c, pumped);
    for (int i = 0; i < 2; i++) assert_int_equal(wst_capture_add_file(c, name, NULL), 0);
    assert_int_equal(wst_capture_open(c, error), 0);
    assert_int_equal(wst_capture_run(c, &sink), h.troubles);
    if (!stop_after) assert_int_equal(wst_capture_read_bytes(c), wst_capture_total_bytes(c));
    wst_capture_free(c);
    return h;
}

static void a_row_of_files(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 2 * MAKERS; i++) {
        struct file f = makers[i % MAKERS](50 + i, PUMPED), z = zipped(&f, f.n);
        size_t before = threads();
        const char *name = save(i < MAKERS ? &f : &z);
        struct heard without = run_file(name, false, 0), with = run_file(name, true, 0);
        assert_true(with.sum == without.sum);
        assert_int_equal(with.troubles, 0);
        assert_int_equal(without.threads, before);
        if (before) assert_int_equal(with.threads, before + 1);
        assert_int_equal(threads(), before);
        with = run_file(name, true, with.packets - 3); /* in the second */
        assert_int_equal(with.packets, without.packets - 3);
        unlink(name);
        free(f.b);
        free(z.b);
    }
}

static int stop_capture(void *user, const struct wst_packet *p)
{
    (void)p;
    wst_capture_stop(((struct heard *)user)->capture);
    return 0;
}

static void stopping(void **state)
{
    struct file f = pcapng(60, PUMPED);
    const char *name = save(&f);
    struct wst_capture *c = wst_capture_new();
    struct heard h = {.capture = c};
    struct wst_capture_sink sink = ear(&h);
    char error[WST_CAPTURE_ERROR_SIZE];
    size_t before = threads();
    (void)state;
    sink.packet = stop_capture;
    wst_capture_set_read_ahead(c, true);
    assert_int_equal(wst_capture_add_file(c, name, NULL), 0);
    assert_int_equal(wst_capture_open(c, error), 0);
    assert_int_equal(wst_capture_run(c, &sink), 0);
    assert_int_equal(h.troubles, 0);
    assert_int_equal(threads(), before);
    wst_capture_free(c);
    unlink(name);
    free(f.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_end_anywhere),
        cmocka_unit_test(gzip_of_one_member_and_of_many),
        cmocka_unit_test(small_files_cut_at_every_byte),
        cmocka_unit_test(large_files_cut_where_blocks_meet),
        cmocka_unit_test(damaged_gzip),
        cmocka_unit_test(nothing_is_left_in_a_cut_member),
        cmocka_unit_test(a_sink_that_wants_no_more),
        cmocka_unit_test(closed_at_any_time),
        cmocka_unit_test(turns_are_taken),
        cmocka_unit_test(stopped_in_any_turn),
        cmocka_unit_test(a_row_of_files),
        cmocka_unit_test(stopping),
    };
    return cmocka_run_group_tests_name("pump", tests, NULL, NULL);
}

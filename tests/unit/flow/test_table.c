/* SPDX-License-Identifier: MIT
 *
 * The table of conversations: growth, floods, time, and who goes when room is short.
 */
#include "rig.h"

#if defined(__SANITIZE_ADDRESS__)
enum { FEWER = 10 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
enum { FEWER = 10 };
#else
enum { FEWER = 1 };
#endif
#else
enum { FEWER = 1 };
#endif

static uint32_t random_next(uint32_t *state) /* xorshift */
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    return *state ^= *state << 5;
}

/* A segment of conversation `who`: addresses and ports come from its number. Of IPv6 every other
 * one comes from the server: both directions find the same conversation. */
static struct wst_segment segment_of(const struct rig *r, uint32_t who, uint8_t client[16])
{
    static const uint8_t server[16] = {192, 0, 2, 1, [12] = 1};
    memset(client, 0, 16);
    client[0] = 10;
    client[r->v6 ? 11 : 1] = (uint8_t)(who >> 24);
    client[2] = (uint8_t)(who >> 16);
    client[r->v6 ? 15 : 3] = (uint8_t)(who >> 8);
    struct wst_segment s = {.src = client,
                            .dst = server,
                            .family = r->v6 ? 6 : 4,
                            .src_port = (uint16_t)(1024 + (who & 0xff)),
                            .dst_port = 80};
    if (r->v6 && r->when.pkt % 2) {
        s.src = server, s.dst = client;
        s.dst_port = s.src_port, s.src_port = 80;
    }
    return s;
}

static void push_of(struct rig *r, uint32_t who, uint8_t flags, uint32_t seq, const char *text)
{
    uint8_t client[16];
    struct wst_segment s = segment_of(r, who, client);
    s.flags = flags;
    s.seq = seq;
    s.payload_len = (uint32_t)strlen(text);
    s.payload = (struct wst_slice){(const uint8_t *)text, strlen(text)};
    r->when.pkt++;
    wst_flow_tick(r->table, &r->when);
    wst_flow_push(r->table, &s, &r->when);
}

static struct wst_flow *find_of(struct rig *r, uint32_t who)
{
    uint8_t client[16];
    struct wst_segment s = segment_of(r, who, client);
    unsigned side;
    uint64_t hash;
    return wst_flow_find(r->table, &s, &side, &hash);
}

/* It will be found soon: changes nothing. */
static void ahead_of(struct rig *r, uint32_t who)
{
    uint8_t client[16];
    struct wst_segment s = segment_of(r, who, client);
    wst_flow_ahead(r->table, &s);
}

static uint32_t records(const struct rig *r)
{
    return r->table->chunks_n * FLOW_CHUNK;
}

/* -- growth and deletion against a model that cannot be wrong ---------------------------------- */

/* 40,000 conversations begin and end at random, in runs of one hash slot and of many. The model:
 * which of them are there, as an array. */
static void check_model(bool v6)
{
    enum { KINDS = 40000, STEPS = 500000 };
    static uint32_t stream[KINDS]; /* its number plus 1; 0: not there */
    struct rig r;
    uint32_t x = 12345, there = 0, most = 0;
    memset(stream, 0, sizeof stream);
    rig_init(&r);
    r.v6 = v6;
    r.limits.max_embryonic = KINDS;
    rig_open(&r);
    uint32_t first = r.table->slots_mask + 1;
    r.ends = 100; /* tells nothing */
    for (uint32_t i = 0; i < STEPS; i++) {
        uint32_t who = random_next(&x) % KINDS;
        ahead_of(&r, (who + i % 7 * 31) % KINDS * 7919); /* this one, or another */
        struct wst_flow *f = find_of(&r, who * 7919);
        assert_int_equal(f ? f->stream + 1 : 0, stream[who]);
        bool grow = i % 200000 < 130000; /* grows, shrinks, grows */
        if (!f) {
            push_of(&r, who * 7919, WST_TCP_FLAG_SYN, i, "");
            stream[who] = wst_flow_streams(r.table);
            there++;
        } else if (!grow || random_next(&x) % 8 == 0) {
            struct wst_arrival a = {.when = r.when, .from = r.when.pkt};
            wst_flow_close(r.table, f, WST_TCP_TIMEOUT, &a);
            wst_flow_remove(r.table, f);
            stream[who] = 0;
            there--;
        }
        assert_int_equal(r.table->used, there);
        if (there > most) most = there;
    }
    assert_true(r.table->slots_mask + 1 >= 4 * first); /* enlarged at least twice */
    assert_true(r.table->chunks_n <= most / FLOW_CHUNK + 1); /* records are used again */
    for (uint32_t who = 0; who < KINDS; who++) {
        struct wst_flow *f = find_of(&r, who * 7919);
        assert_int_equal(f ? f->stream + 1 : 0, stream[who]);
    }
    rig_close(&r);
}

static void test_model(void **state)
{
    (void)state;
    check_model(false);
    check_model(true);
}

/* -- floods ------------------------------------------------------------------------------------ */

static void establish(struct rig *r, uint32_t who)
{
    push_of(r, who, WST_TCP_FLAG_SYN, 0, "");
    push_of(r, who, 0, 1, "hello");
    find_of(r, who)->precious = true;
}

static void check_alive(struct rig *r, uint32_t who, const char *told)
{
    r->told[0] = '\0';
    r->last = NULL;
    push_of(r, who, 0, 6, "again");
    assert_string_equal(r->told, told);
}

static void test_flood(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    r.ends = 100;
    rig_open(&r);
    establish(&r, UINT32_MAX);
    for (uint32_t i = 0; i < 1000000 / FEWER; i++) {
        r.when.ns += 1000;
        push_of(&r, i, WST_TCP_FLAG_SYN, i, "");
        if (i % 4096 == 0) assert_true(records(&r) <= 1001 + FLOW_CHUNK); /* 1000 embryos */
    }
    assert_int_equal(wst_flow_streams(r.table), 1000000 / FEWER + 1);
    assert_int_equal(wst_flow_outnumbered(r.table), 1000000 / FEWER - 1000);
    check_alive(&r, UINT32_MAX, "c\"again\"");
    rig_close(&r);
}

/* As the pipeline does: what nobody wants, and only then what matters. */
static bool make_room(struct rig *r, size_t bytes)
{
    return wst_flow_make_room(r->table, bytes, INT64_MAX, &r->when) ||
           wst_flow_make_room(r->table, bytes, 0, &r->when);
}

/* A flood that is not cut short by its own limit, in a small budget: records are used again, and
 * the connection that matters is not among them. */
static void flood_budget(bool payload)
{
    struct rig r;
    rig_init(&r);
    r.limits.max_embryonic = UINT32_MAX;
    r.limits.overlap_bytes = 0;
    r.budget.max = 2 << 20;
    r.ends = 100;
    rig_open(&r);
    establish(&r, UINT32_MAX);
    for (uint32_t i = 0; i < 300000 / FEWER; i++) {
        push_of(&r, i, payload ? 0 : WST_TCP_FLAG_SYN, i, payload ? "x" : "");
        if (r.budget.used > r.budget.max - r.budget.max / 16) make_room(&r, r.budget.max / 8);
        assert_true(r.budget.used <= r.budget.max);
        assert_non_null(find_of(&r, i)); /* the newest is always there */
    }
    assert_int_equal(wst_flow_streams(r.table), 300000 / FEWER + 1);
    assert_true(records(&r) * sizeof(struct wst_flow) <= r.budget.max / 2);
    check_alive(&r, UINT32_MAX, "c\"again\"");
    rig_close(&r);
}
static void test_flood_syn_budget(void **state)
{
    (void)state;
    flood_budget(false);
}
static void test_flood_data_budget(void **state)
{
    (void)state;
    flood_budget(true);
}

/* Limits of nothing are limits, too. */
static void test_no_embryos(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    r.limits.max_embryonic = 0;
    rig_open(&r);
    rig_run(&r, "cS0 sS0,1 c1,1=a $");
    assert_string_equal(r.told, "c\"a\" (eof)");
    rig_close(&r);
}

/* Connections that ended by the thousand: the latest absorb stragglers, and no more records than
 * that are kept. One that mattered is not among them. */
static void test_many_closed(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    r.limits.max_closed = 100;
    r.ends = 100;
    rig_open(&r);
    push_of(&r, UINT32_MAX, 0, 1, "x");
    find_of(&r, UINT32_MAX)->precious = true;
    push_of(&r, UINT32_MAX, WST_TCP_FLAG_RST, 2, "");
    for (uint32_t i = 0; i < 5000; i++) {
        push_of(&r, i, 0, 1, "x");
        push_of(&r, i, WST_TCP_FLAG_RST, 2, "");
    }
    assert_int_equal(records(&r), FLOW_CHUNK);
    assert_non_null(find_of(&r, 4999));
    assert_non_null(find_of(&r, 4901));
    assert_null(find_of(&r, 4000));
    assert_non_null(find_of(&r, UINT32_MAX));
    uint32_t streams = wst_flow_streams(r.table);
    push_of(&r, 4990, 0, 2, "late");
    assert_int_equal(wst_flow_streams(r.table), streams);
    rig_close(&r);
}

/* -- making room ------------------------------------------------------------------------------- */

/* What the pipeline hangs on a flow: bytes from the budget, given back at the end. */
static void heavy_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                      const struct wst_arrival *a)
{
    struct rig *r = user;
    if (f->upper) wst_budget_give(&r->budget, 100000);
    f->upper = NULL;
    rig_end(user, f, how, a);
}

static void test_make_room(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    r.limits.reorder_bytes = 100000;
    rig_open(&r);
    r.table->sink.end = heavy_end;
    for (uint32_t who = 0; who < 3; who++) {
        push_of(&r, who, WST_TCP_FLAG_SYN, 0, "");
        push_of(&r, who, 0, 1, who == 0 ? "zero" : who == 1 ? "one" : "two");
        struct wst_flow *f = find_of(&r, who);
        assert_true(wst_budget_take(&r.budget, 100000));
        f->upper = &r;
        f->precious = who == 1;
    }
    push_of(&r, 1, 0, 50, "late"); /* the precious one has a hole */
    push_of(&r, 3, WST_TCP_FLAG_SYN, 0, "");
    push_of(&r, 3, 0, 1, "three"); /* holds nothing: no use in forgetting it */
    r.told[0] = '\0';
    r.last = NULL;

    size_t used = r.budget.used;
    r.budget.max = used;
    assert_true(make_room(&r, 1));
    assert_string_equal(r.told, "(evicted)"); /* one of the two that are not precious */
    assert_int_equal(wst_flow_evicted(r.table), 1);
    assert_true(make_room(&r, 100001));
    assert_string_equal(r.told, "(evicted) (evicted)");
    /* Then what waits behind a hole, stated; then, and only then, what matters. */
    assert_true(make_room(&r, 200001));
    assert_string_equal(r.told, "(evicted) (evicted) c^46 c\"late\"");
    assert_non_null(find_of(&r, 1));
    assert_true(make_room(&r, 300000));
    assert_string_equal(r.told, "(evicted) (evicted) c^46 c\"late\" (evicted)");
    assert_null(find_of(&r, 1));
    assert_non_null(find_of(&r, 3));
    assert_false(make_room(&r, r.budget.max + 1));
    assert_int_equal(wst_flow_evicted(r.table), 2); /* the precious one is told by its end */
    rig_close(&r);
}

/* All that nobody wants are asked before any that matters, however many there are, and though each
 * had a packet lately. */
static void test_make_room_of_many(void **state)
{
    enum { MANY = 20000 };
    struct rig r;
    (void)state;
    rig_init(&r);
    r.budget.max = (size_t)1 << 40;
    r.ends = 100;
    rig_open(&r);
    r.table->sink.end = heavy_end;
    for (uint32_t who = 0; who <= MANY; who++) {
        push_of(&r, who, WST_TCP_FLAG_SYN, 0, "");
        push_of(&r, who, 0, 1, "x");
        struct wst_flow *f = find_of(&r, who);
        assert_true(wst_budget_take(&r.budget, 100000));
        f->upper = &r;
        f->precious = !who;
    }
    r.budget.max = r.budget.used;
    assert_true(wst_flow_make_room(r.table, (size_t)MANY / 2 * 100000, INT64_MAX, &r.when));
    assert_in_range(wst_flow_evicted(r.table), MANY / 2, MANY / 2 + 1);
    assert_true(wst_flow_make_room(r.table, (size_t)MANY * 100000, INT64_MAX, &r.when));
    assert_int_equal(wst_flow_evicted(r.table), MANY);
    assert_non_null(find_of(&r, 0));
    assert_true(make_room(&r, (size_t)(MANY + 1) * 100000));
    assert_null(find_of(&r, 0));
    rig_close(&r);
}

/* Of those that matter the ones that were silent for so long. */
static void test_make_room_of_silence(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    r.table->sink.end = heavy_end;
    for (uint32_t who = 0; who < 3; who++) {
        push_of(&r, who, WST_TCP_FLAG_SYN, 0, "");
        push_of(&r, who, 0, 1, "x");
        struct wst_flow *f = find_of(&r, who);
        assert_true(wst_budget_take(&r.budget, 100000));
        f->upper = &r;
        f->precious = who < 2;
    }
    r.when.ns += 100 * SECOND;
    push_of(&r, 0, 0, 2, "y");
    push_of(&r, 0, 0, 3, "z");
    r.budget.max = r.budget.used;
    assert_true(wst_flow_make_room(r.table, 100000, INT64_MAX, &r.when));
    assert_null(find_of(&r, 2));
    assert_false(wst_flow_make_room(r.table, 300000, INT64_MAX, &r.when));
    assert_false(wst_flow_make_room(r.table, 300000, 200 * SECOND, &r.when));
    assert_non_null(find_of(&r, 1));
    assert_false(wst_flow_make_room(r.table, 300000, 60 * SECOND, &r.when));
    assert_null(find_of(&r, 1));
    assert_non_null(find_of(&r, 0));
    assert_true(make_room(&r, 300000));
    assert_null(find_of(&r, 0));
    rig_close(&r);
}

/* A reset waits for the bytes that its sender had before it. When those are given up for want of
 * memory the connection is over, and not a day later, when it has been idle for long enough. */
static void test_make_room_settles(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    r.precious = true;
    rig_open(&r);
    rig_run(&r, "cS0 sS0,1 c1,1=a c5,1=late sR1,9");
    assert_string_equal(r.told, "c\"a\"");
    r.budget.max = r.budget.used;
    assert_true(make_room(&r, 1));
    assert_string_equal(r.told, "c\"a\" c^3 c\"late\" (rst)");
    rig_close(&r);
}

/* A flow heard of since the hand came by has a second chance. */
static void test_second_chance(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    r.table->sink.end = heavy_end;
    for (uint32_t who = 0; who < 2; who++) {
        push_of(&r, who, 0, 1, "x");
        assert_true(wst_budget_take(&r.budget, 100000));
        find_of(&r, who)->upper = &r;
        find_of(&r, who)->touched = false;
    }
    push_of(&r, 0, 0, 2, "y");
    r.budget.max = r.budget.used;
    assert_true(make_room(&r, 1));
    assert_non_null(find_of(&r, 0));
    assert_null(find_of(&r, 1));
    wst_flow_finish(r.table, &r.when);
    rig_close(&r);
}

/* -- time -------------------------------------------------------------------------------------- */

enum { PASSER_BY = 0x00abcdef };

static struct wst_flow *pass_by(struct rig *r)
{
    push_of(r, PASSER_BY, WST_TCP_FLAG_SYN, 0, "");
    return find_of(r, PASSER_BY);
}

/* Lets `seconds` go by; before and after them come enough packets of another conversation for the
 * sweep to come round. */
static void pass(struct rig *r, int64_t seconds)
{
    for (int round = 0; round < 2; round++) {
        for (uint32_t i = 0; i < 2 * FLOW_CHUNK / 16 + 2; i++) {
            r->when.ns += 1000;
            push_of(r, PASSER_BY, 0, 1, "");
        }
        if (round == 0) r->when.ns += seconds * SECOND;
    }
}

static void test_idle(void **state)
{
    static const struct {
        const char *script;
        bool precious;
        int64_t alive, gone; /* seconds */
        const char *told;    /* when it goes */
    } rows[] = {
        {"cS0", false, 50, 100, "(timeout)"},
        {"cS0 c1=a", false, 590, 630, "(timeout)"},
        {"cS0 c1=a", true, 86000, 86500, "(timeout)"},
        {"cS0 c1=a c3=c s1=x", false, 590, 630, "c-1 c\"c\" (timeout)"},
        {"cS0 c1=a cR2", false, 20, 60, ""}, /* it ended before */
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (int late = 0; late < 2; late++) {
            struct rig r;
            rig_init(&r);
            r.limits.reorder_ns = INT64_MAX;
            r.precious = rows[i].precious;
            rig_open(&r);
            rig_run(&r, rows[i].script);
            r.told[0] = '\0';
            r.last = NULL;
            wst_flow_ignore(r.table, pass_by(&r));
            pass(&r, late ? rows[i].gone : rows[i].alive);
            assert_string_equal(r.told, late ? rows[i].told : "");
            assert_int_equal(r.table->used, late ? 1 : 2);
            rig_close(&r);
        }
}

/* One packet from the far future, or from the past, moves nothing: no flow expires, no hole is
 * declared, and the flow it belonged to is not kept for ever. */
static void test_future(void **state)
{
    static const int64_t strange[] = {INT64_MAX, INT64_MIN, 0, -1, 4000000000 * SECOND};
    (void)state;
    for (size_t i = 0; i < sizeof strange / sizeof *strange; i++) {
        struct rig r;
        rig_init(&r);
        rig_open(&r);
        rig_run(&r, "cS0 sS0,1 c1,1=a c3,1=c");
        int64_t now = r.when.ns;
        r.when.ns = strange[i];
        rig_run(&r, "s1,4"); /* one, that acknowledges the hole */
        r.when.ns = now;
        rig_run(&r, "~ c4,1=d ~ c2,1=b");
        assert_string_equal(r.told, "c\"abcd\"");
        pass(&r, 700);
        assert_non_null(strstr(r.told, "(timeout)"));
        rig_close(&r);
    }
}

/* What a packet from the far future left behind grows old all the same. */
static void test_future_ages(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, "cS0 c1=a");
    int64_t now = r.when.ns;
    r.when.ns = INT64_MAX;
    rig_run(&r, "c3=c"); /* a hole, and the last that is heard of the flow */
    r.when.ns = now;
    wst_flow_ignore(r.table, pass_by(&r));
    pass(&r, 1);
    assert_string_equal(r.told, "c\"a\"");
    pass(&r, 11);
    assert_string_equal(r.told, "c\"a\" c-1 c\"c\"");
    pass(&r, 20); /* the sweep comes by, and sets it right */
    pass(&r, 700);
    assert_string_equal(r.told, "c\"a\" c-1 c\"c\" (timeout)");
    rig_close(&r);
}

/* A flow that begins again in an old place is as young as its SYN. */
static void test_renewed(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, "cS0 sS0,1 cF1,1=a sF1,3");
    r.when.ns += 25 * SECOND; /* the closed one is still there, and the sweep is due */
    rig_run(&r, "cS9000 ~ ~ ~");
    for (int i = 0; i < 200; i++) wst_flow_tick(r.table, &r.when);
    rig_run(&r, "sS7000,9001 c9001,7001=b");
    assert_string_equal(r.told, "c\"a\" c. s. (fin) c\"b\"");
    assert_int_equal(wst_flow_streams(r.table), 2);
    rig_close(&r);
}

/* A swap after a silence is a swap, not a hole that has waited through the silence. */
static void test_swap_after_silence(void **state)
{
    struct rig r;
    (void)state;
    rig_init(&r);
    rig_open(&r);
    rig_run(&r, "cS0 sS0,1 c1,1=a @3600 c3,1=c c2,1=b @3600 s1,6 c4,1=d c5,1=e");
    assert_string_equal(r.told, "c\"abcde\"");
    rig_close(&r);
}

/* Any times at all, in any order: UBSan looks on. */
static void test_hostile_times(void **state)
{
    static const int64_t times[] = {INT64_MIN,           INT64_MIN + 1, -1,       0, 1,
                                    1700000000 * SECOND, INT64_MAX - 1, INT64_MAX};
    struct rig r;
    uint32_t x = 99;
    (void)state;
    rig_init(&r);
    r.ends = 100;
    rig_open(&r);
    for (int i = 0; i < 20000; i++) {
        r.when.ns = times[random_next(&x) % 8];
        r.told[0] = '\0';
        r.last = NULL;
        push_of(&r, random_next(&x) % 50, random_next(&x) & 0x13, random_next(&x) % 40,
                random_next(&x) & 1 ? "abc" : "");
        if (i % 3 == 0) wst_flow_tick(r.table, &r.when);
    }
    wst_flow_finish(r.table, &r.when);
    rig_close(&r);
}

/* -- several tables ---------------------------------------------------------------------------- */

/* Two tables at once know nothing of each other: no globals. */
static void test_two_tables(void **state)
{
    struct rig a, b;
    (void)state;
    rig_init(&a);
    rig_init(&b);
    rig_open(&a);
    rig_open(&b);
    rig_run(&a, "cS0 sS0,1 c1,1=a c3,1=c");
    rig_run(&b, "cS0 sS0,1 c1,1=A");
    rig_run(&a, "c2,1=b");
    rig_run(&b, "c2,1=B c3,1=C $");
    rig_run(&a, "$");
    assert_string_equal(a.told, "c\"abc\" (eof)");
    assert_string_equal(b.told, "c\"ABC\" (eof)");
    rig_close(&b);
    rig_close(&a);
}

/* At the end everything open is ended, in the order of the stream numbers. */
struct order {
    uint32_t last, n;
};
static void order_end(void *user, struct wst_flow *f, enum wst_tcp_end how,
                      const struct wst_arrival *a)
{
    struct order *o = user;
    (void)how, (void)a;
    assert_true(o->n == 0 || f->stream > o->last);
    o->last = f->stream;
    o->n++;
}
static void test_finish_order(void **state)
{
    struct rig r;
    struct order o = {0, 0};
    uint32_t x = 7, n = 0;
    (void)state;
    rig_init(&r);
    r.limits.max_embryonic = 4000;
    r.ends = 100;
    rig_open(&r);
    for (int i = 0; i < 3000; i++) { /* records are used again, out of order */
        uint32_t who = random_next(&x) % 1500;
        push_of(&r, who, WST_TCP_FLAG_SYN, (uint32_t)i, "");
        if (i % 3) continue;
        struct wst_arrival a = {.when = r.when, .from = r.when.pkt};
        struct wst_flow *f = find_of(&r, who);
        wst_flow_close(r.table, f, WST_TCP_TIMEOUT, &a);
        wst_flow_remove(r.table, f);
    }
    n = r.table->used;
    r.table->sink.user = &o;
    r.table->sink.end = order_end;
    wst_flow_finish(r.table, &r.when);
    wst_flow_finish(r.table, &r.when); /* a second time does nothing */
    assert_int_equal(o.n, n);
    r.table->sink.user = &r;
    rig_close(&r);
}

/* A conversation of nothing but zeros, before and after others were met in between. */
static void check_zeros(bool v6)
{
    static const uint8_t nobody[16];
    struct wst_segment s = {
        .src = nobody, .dst = nobody, .family = v6 ? 6 : 4, .flags = WST_TCP_FLAG_SYN, .seq = 7};
    struct rig r;
    rig_init(&r);
    r.v6 = v6;
    r.limits.max_embryonic = 10000;
    rig_open(&r);
    for (unsigned round = 0; round < 2; round++) {
        wst_flow_push(r.table, &s, &r.when);
        assert_int_equal(wst_flow_last(r.table)->stream, 0);
        assert_int_not_equal(wst_flow_last(r.table)->hash, 0);
        for (uint32_t who = 0; who < 4096; who++) push_of(&r, who, WST_TCP_FLAG_SYN, 1, "");
        assert_int_equal(wst_flow_streams(r.table), 4097);
    }
    rig_close(&r);
}

static void test_zeros(void **state)
{
    (void)state;
    check_zeros(false);
    check_zeros(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_flood_syn_budget),
        cmocka_unit_test(test_flood_data_budget),
        cmocka_unit_test(test_no_embryos),
        cmocka_unit_test(test_make_room),
        cmocka_unit_test(test_make_room_of_many),
        cmocka_unit_test(test_make_room_of_silence),
        cmocka_unit_test(test_make_room_settles),
        cmocka_unit_test(test_second_chance),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_future),
        cmocka_unit_test(test_future_ages),
        cmocka_unit_test(test_renewed),
        cmocka_unit_test(test_many_closed),
        cmocka_unit_test(test_swap_after_silence),
        cmocka_unit_test(test_hostile_times),
        cmocka_unit_test(test_two_tables),
        cmocka_unit_test(test_finish_order),
        cmocka_unit_test(test_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

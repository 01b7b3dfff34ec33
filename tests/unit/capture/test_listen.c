/* SPDX-License-Identifier: MIT
 *
 * Listening on two devices, whose packets and clock are made here: told in order of time.
 */
#include "capture/listen.h"

#include <setjmp.h> /* cmocka wants these before */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define MS 1000000ll

/* -- devices ----------------------------------------------------------------------------------- */

struct wst_live {
    int64_t ns[4];   /* when its packets passed */
    int64_t late_ms; /* handing over the first of them takes so long: the ring was full */
    size_t n, at;
};

static int64_t clock_ns;

int wst_live_next(struct wst_live *l, struct wst_packet *packet, char error[WST_CAPTURE_ERROR_SIZE])
{
    static const uint8_t byte = 0;
    if (l->at == 1) {
        clock_ns += l->late_ms * MS;
        l->late_ms = 0;
    }
    if (l->at == l->n && clock_ns > 2000 * MS) {
        snprintf(error, WST_CAPTURE_ERROR_SIZE, "over");
        return -1;
    }
    if (l->at == l->n || l->ns[l->at] > clock_ns) return 0;
    *packet = (struct wst_packet){.data = {&byte, 1}, .wire_len = 1, .when.ns = l->ns[l->at++]};
    return 1;
}

int wst_live_read(struct wst_live *l, void (*packet)(void *, const struct wst_packet *), void *user,
                  char error[WST_CAPTURE_ERROR_SIZE])
{
    struct wst_packet p;
    int n = wst_live_next(l, &p, error);
    if (n > 0) packet(user, &p);
    return n;
}

const char *wst_live_name(const struct wst_live *l)
{
    return l ? "made" : "";
}

bool wst_live_is_down(const struct wst_live *l)
{
    return l == NULL;
}

void wst_live_break(struct wst_live *l)
{
    l->n = l->at;
}

int wst_live_fd(const struct wst_live *l) /* whoever asks is about to wait */
{
    clock_ns += 5 * MS;
    return l ? -1 : 0;
}

void wst_live_count(struct wst_live *l, uint64_t *received, uint64_t *dropped)
{
    *received = l->at;
    *dropped = 0;
}

/* -- what is told ------------------------------------------------------------------------------ */

struct told {
    int64_t ns[8];
    size_t n;
};

static int64_t now(void *user)
{
    assert_non_null(user);
    return clock_ns;
}

static int on_packets(void *user, const struct wst_packet *packets, size_t n)
{
    struct told *told = user;
    for (size_t i = 0; i < n && told->n < 8; i++) told->ns[told->n++] = packets[i].when.ns;
    return 0;
}

static void listen_on(struct wst_live *a, struct wst_live *b, struct told *told)
{
    const struct wst_capture_sink sink = {.user = told, .packets = on_packets, .now = now};
    static struct wst_feed feed;
    static struct wst_listen l;
    atomic_bool stop = false;
    clock_ns = 1000 * MS;
    memset(told, 0, sizeof *told);
    memset(&l, 0, sizeof l);
    wst_feed_begin(&feed, &sink, &stop, "made");
    assert_int_equal(wst_listen_add(&l, a), 0);
    assert_int_equal(wst_listen_add(&l, b), 0);
    wst_listen_run(&l, &feed);
    wst_listen_free(&l);
}

static void expect(const struct told *told, const int64_t *ns, size_t n)
{
    assert_int_equal(told->n, n);
    for (size_t i = 0; i < n; i++) assert_int_equal(told->ns[i], ns[i]);
}

static void the_oldest_is_first(void **state)
{
    struct wst_live a = {.ns = {1001 * MS, 1008 * MS, 1031 * MS}, .n = 3};
    struct wst_live b = {.ns = {1002 * MS, 1007 * MS, 1030 * MS}, .n = 3};
    struct told told;
    (void)state;
    listen_on(&a, &b, &told);
    expect(&told, (int64_t[]){1001 * MS, 1002 * MS, 1007 * MS, 1008 * MS, 1030 * MS, 1031 * MS}, 6);
}

/* What came meanwhile is later than the beginning of the turn, not than the clock. */
static void a_turn_may_take_long(void **state)
{
    struct wst_live a = {.ns = {900 * MS, 1004 * MS, 1200 * MS}, .n = 3, .late_ms = 300};
    struct wst_live b = {.ns = {1002 * MS, 1003 * MS, 1100 * MS}, .n = 3};
    struct told told;
    (void)state;
    listen_on(&a, &b, &told);
    expect(&told, (int64_t[]){900 * MS, 1002 * MS, 1003 * MS, 1004 * MS, 1100 * MS, 1200 * MS}, 6);
}

static void what_waits_is_told_when_the_other_is_gone(void **state)
{
    struct wst_live a = {.ns = {1995 * MS, 2000 * MS, 2001 * MS}, .n = 3};
    struct wst_live b = {.n = 0};
    struct told told;
    (void)state;
    listen_on(&a, &b, &told);
    expect(&told, (int64_t[]){1995 * MS, 2000 * MS, 2001 * MS}, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_is_first),
        cmocka_unit_test(a_turn_may_take_long),
        cmocka_unit_test(what_waits_is_told_when_the_other_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

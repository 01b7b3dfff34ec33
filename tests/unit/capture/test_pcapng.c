/* SPDX-License-Identifier: MIT
 *
 * Blocks built in memory, each capture also read byte by byte (assert_tells does both).
 */
#include "bytes.h"
#include "capture/pcapng.h"

#define SECOND UINT64_C(1000000) /* in ticks of the default resolution */

static struct bytes in; /* emptied by fresh(); large for a stack */

static struct bytes *fresh(bool big)
{
    in.n = 0;
    in.big = big;
    return &in;
}

static void both_byte_orders(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes *o = fresh(big);
        section(o);
        interface(o, 1, 65535);
        packet(o, 0, 1 * SECOND, "a");
        packet(o, 0, 2 * SECOND, "four");
        packet(o, 0, 3 * SECOND, "");
        assert_tells(o, NULL,
                     "1 1000000000 link 1 len 1 a\n"
                     "2 2000000000 link 1 len 4 four\n"
                     "3 3000000000 link 1 len 0 \n");
    }
}

static void sections_have_their_own_order_and_interfaces(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    interface(o, 1, 0);
    interface(o, 113, 96);
    packet(o, 1, 1, "sll");
    o->big = true;
    section(o);
    interface(o, 101, 0);
    packet(o, 0, 2, "raw");
    packet(o, 1, 3, "not described here");
    assert_tells(
        o, NULL,
        "1 1000 link 113 len 3 sll\n"
        "2 2000 link 101 len 3 raw\n"
        "trouble m 2 @188 damaged block: its packet is of interface 1, but only 1 have been "
        "described\n");
}

static void minor_versions_only_add(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    o->b[14] = 2; /* 1.2: some writers; 1.9: may come */
    interface(o, 1, 0);
    packet(o, 0, 1, "x");
    assert_tells(o, NULL, "1 1000 link 1 len 1 x\n");
    o->b[14] = 9;
    assert_tells(o, NULL, "1 1000 link 1 len 1 x\n");
    o->b[12] = 2;
    assert_tells(o, NULL, "error m: pcapng version 2.9 is unknown\n");
}

static void times(void **state)
{
    static const struct {
        uint8_t resolution;
        uint64_t ticks;
        int64_t seconds;
        const char *expected; /* ns, and " ns" when finer than µs */
    } rows[] = {
        {6, 1500000, 0, "1500000000"},
        {9, 1700000000123456789, 0, "1700000000123456789 ns"},
        {7, 15, 0, "1500 ns"},
        {3, 15, 0, "15000000"},
        {0, 15, 0, "15000000000"},
        {12, 1999, 0, "1 ns"},
        {28, UINT64_MAX, 0, "1 ns"},
        {29, UINT64_MAX, 0, "0 ns"},
        {127, UINT64_MAX, 0, "0 ns"},
        {0x80 | 10, 1536, 0, "1500000000"},
        {0x80 | 20, 1 << 19, 0, "500000000 ns"},
        {0x80 | 32, 1u << 31, 0, "500000000 ns"},
        {0x80 | 63, UINT64_MAX, 0, "1999999999 ns"},
        {0x80 | 64, UINT64_MAX, 0, "999999999 ns"},
        {0x80 | 95, UINT64_MAX, 0, "0 ns"},
        {0x80 | 127, UINT64_MAX, 0, "0 ns"},
        {0x80 | 31, UINT64_C(0x123456789abcdef), 0, "38177487075555555 ns"},
        {0x80 | 33, UINT64_C(0x123456789abcdef), 0, "9544371768888888 ns"},
        {0x80 | 40, UINT64_C(0x123456789abcdef), 0, "74565404444444 ns"},
        {0x80 | 0, 3, 0, "3000000000"},
        /* if_tsoffset */
        {6, 1, 1700000000, "1700000000000001000"},
        {6, 5 * SECOND, -3, "2000000000"},
        {6, 1, -1, "-999999000"},
        /* hostile: clamped, never wrapped */
        {6, UINT64_MAX, 0, "9223372036854775807"},
        {0, UINT64_MAX, INT64_MAX, "9223372036854775807"},
        {0x80, UINT64_MAX, INT64_MAX, "9223372036854775807"},
        {0x80 | 1, UINT64_MAX, 0, "9223372036854775807"},
        {6, 0, INT64_MIN, "-9223372036854775808"},
        {6, UINT64_MAX, INT64_MIN, "-9223372036854775808"},
        {9, INT64_MAX, 1, "9223372036854775807 ns"},
    };
    (void)state;
    for (size_t i = 0; i < 2 * sizeof rows / sizeof rows[0]; i++) {
        struct bytes *o = fresh(i % 2), offset = {.big = i % 2};
        char expected[96];
        size_t at;
        section(o);
        at = interface_begin(o, 1, 0);
        option(o, 2, "eth0", 4);
        option(o, 9, &rows[i / 2].resolution, 1);
        put_uint(&offset, (uint64_t)rows[i / 2].seconds, 8);
        option(o, 14, offset.b, 8);
        option(o, 0, "", 0);
        end(o, at);
        packet(o, 0, rows[i / 2].ticks, "x");
        snprintf(expected, sizeof expected, "1 %s link 1 len 1 x\n", rows[i / 2].expected);
        assert_tells(o, NULL, expected);
    }
}

/* No time, no interface, no captured length. */
static void simple_packets_are_cut_at_the_snap_length(void **state)
{
    struct bytes *o = fresh(false);
    size_t at;
    (void)state;
    section(o);
    interface(o, 1, 6);
    at = begin(o, 3);
    put32(o, 3);
    put(o, "abc\0", 4);
    end(o, at);
    at = begin(o, 3);
    put32(o, 1000);
    put(o, "abcdef\0\0", 8);
    end(o, at);
    assert_tells(o, NULL, "1 0 link 1 len 3 abc\n2 0 link 1 len 1000 abcdef\n");

    o = fresh(false);
    section(o);
    interface(o, 1, 0);
    at = begin(o, 3);
    put32(o, 1000);
    put(o, "abcdef\0\0", 8);
    end(o, at);
    assert_tells(o, NULL, "trouble m 0 @48 damaged block: its packet is longer than the block\n");

    for (unsigned snaplen = 0; snaplen < 2;
         snaplen++) { /* one that fills its block, one too long */
        o = fresh(snaplen);
        section(o);
        interface(o, 1, snaplen);
        for (unsigned n = 8; n < 10; n++) {
            at = begin(o, 3);
            put32(o, n);
            put(o, snaplen ? "a\0\0" : "abcdefgh", snaplen ? 4 : 8);
            end(o, at);
        }
        assert_tells(o, NULL,
                     snaplen ? "1 0 link 1 len 8 a\n2 0 link 1 len 9 a\n"
                             : "1 0 link 1 len 8 abcdefgh\n"
                               "trouble m 1 @72 damaged block: its packet is longer than the "
                               "block\n");
    }
}

static void obsolete_packets(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes *o = fresh(big);
        size_t at;
        section(o);
        interface(o, 1, 0);
        interface(o, 101, 0);
        at = begin(o, 2);
        put16(o, 1);
        put16(o, 7); /* drops */
        put32(o, 0);
        put32(o, 5);
        put32(o, 2);
        put32(o, 9);
        put(o, "hi\0\0", 4);
        comment(o, "old");
        end(o, at);
        assert_tells(o, NULL, "comment 1 old\n1 5000 link 101 len 9 hi\n");
    }
}

static void blocks_without_packets_are_stepped_over(void **state)
{
    static const uint32_t types[] = {4, 5, 7, 9, 0xbad, 0x40000bad, 0x80000001, 0xffffffff};
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    interface(o, 1, 0);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        size_t at = begin(o, types[i]);
        put(o, "whatever it may hold\0\0\0\0", i % 2 ? 24 : 0);
        end(o, at);
    }
    packet(o, 0, 1, "x");
    assert_tells(o, NULL, "1 1000 link 1 len 1 x\n");
}

static void secrets(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct bytes *o = fresh(big);
        size_t at;
        section(o);
        at = begin(o, 10);
        put32(o, 0x544c534b);
        put32(o, 13);
        put(o, "CLIENT_RANDOM///", 16); /* padding is anything */
        comment(o, "of the secrets: not told");
        end(o, at);
        interface(o, 1, 0);
        packet(o, 0, 1, "x");
        at = begin(o, 10);
        put32(o, 0x57474b4c);
        put32(o, 0);
        end(o, at);
        assert_tells(o, NULL,
                     "secrets 544c534b CLIENT_RANDOM\n1 1000 link 1 len 1 x\nsecrets 57474b4c \n");
    }
}

static void comments_come_before_their_packet(void **state)
{
    struct bytes *o = fresh(true);
    size_t at;
    (void)state;
    at = section_begin(o);
    option(o, 3, "Linux", 5);
    comment(o, "the file");
    end(o, at); /* no end of options: allowed */
    at = interface_begin(o, 1, 0);
    comment(o, "the interface");
    option(o, 0, "", 0);
    comment(o, "behind the end of options");
    end(o, at);
    packet(o, 0, 1, "a");
    at = packet_begin(o, 0, 2, "b");
    comment(o, "one");
    option(o, 2, "\0\0\0\1", 4);
    comment(o, "");
    comment(o, "two");
    end(o, at);
    assert_tells(o, NULL,
                 "comment 0 the file\ncomment 0 the interface\n"
                 "1 1000 link 1 len 1 a\n"
                 "comment 2 one\ncomment 2 \ncomment 2 two\n2 2000 link 1 len 1 b\n");
    /* Who does not see the packet does not see what is said about it. */
    assert_tells(o, "ether[0] = 0x61",
                 "comment 0 the file\ncomment 0 the interface\n1 1000 link 1 len 1 a\n");
}

static void options_are_bounded(void **state)
{
    static char expected[32768];
    struct bytes *o = fresh(false);
    size_t at, n = 0;
    (void)state;
    section(o);
    interface(o, 1, 0);
    at = packet_begin(o, 0, 1, "x");
    for (int i = 0; i < WST_PCAPNG_OPTIONS_MAX + 10; i++) comment(o, "c");
    end(o, at);
    for (int i = 0; i < WST_PCAPNG_OPTIONS_MAX; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, "comment 1 c\n");
    snprintf(expected + n, sizeof expected - n, "1 1000 link 1 len 1 x\n");
    assert_tells(o, NULL, expected);
}

static void lengths_of_packets_may_lie_about_the_wire(void **state)
{
    struct bytes *o = fresh(false);
    size_t at;
    (void)state;
    section(o);
    interface(o, 1, 2); /* a snap length below what is captured */
    at = packet_begin(o, 0, 1, "abcdef");
    end(o, at);
    set32(o, at + 24, 1); /* on the wire: less than captured */
    assert_tells(o, NULL, "1 1000 link 1 len 1 abcdef\n");
}

/* One good packet, then the block; every one stops at byte 84 after packet 1. */
static void damaged(void **state)
{
    static const struct {
        const char *what;
        size_t at; /* in the block; SIZE_MAX: none */
        uint32_t value;
    } rows[] = {
        {"damaged block: its length, 8, is less than a block has", 4, 8},
        {"damaged block: its length, 0, is less than a block has", 4, 0},
        {"damaged block: its length, 37, is not a multiple of 4", 4, 37},
        {"damaged block: its length, 67108868, is more than 64 MiB", 4, 67108868},
        {"damaged block: its length, 4294967292, is more than 64 MiB", 4, UINT32_MAX - 3},
        {"truncated: the file ends in the middle of a packet (48 of 67108864 bytes)", 4, 67108864},
        {"damaged block: it begins with length 48 and ends with 44", 44, 44},
        {"damaged block: it begins with length 44 and ends with 50331649", 4, 44},
        {"damaged block: its packet is of interface 1, but only 1 have been described", 8, 1},
        {"damaged block: its packet is longer than the block", 20, 17},
        {"damaged block: its packet is longer than the block", 20, UINT32_MAX},
        {"damaged block: its section header has no byte-order magic", 0, 0x0a0d0d0a},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes *o = fresh(false);
        char expected[256];
        size_t at;
        section(o);
        interface(o, 1, 0);
        packet(o, 0, 1, "good");
        at = packet_begin(o, 0, 2, "12345678");
        option(o, 0x300, "\1\0\0\3", 4);
        end(o, at);
        assert_int_equal(at, 84);
        assert_int_equal(o->n - at, 48);
        set32(o, at + rows[i].at, rows[i].value);
        snprintf(expected, sizeof expected, "1 1000 link 1 len 4 good\ntrouble m 1 @84 %s\n",
                 rows[i].what);
        assert_tells(o, NULL, expected);
    }
}

static void too_short_for_its_kind(void **state)
{
    static const struct {
        uint32_t type;
        size_t body;
        const char *what;
    } rows[] = {
        {0x0a0d0d0a, 12, "its section header is too short"},
        {1, 4, "its interface description is too short"},
        {2, 16, "its packet is too short"},
        {3, 0, "its packet is too short"},
        {6, 16, "its packet is too short"},
        {10, 4, "its secrets are too short"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bytes *o = fresh(false);
        char expected[128];
        size_t at;
        section(o);
        interface(o, 1, 0);
        at = begin(o, rows[i].type);
        for (size_t n = 0; n < rows[i].body; n += 4)
            put32(o, n == 0 && rows[i].type == 0x0a0d0d0a ? 0x1a2b3c4d : 0);
        end(o, at);
        snprintf(expected, sizeof expected, "trouble m 0 @48 damaged block: %s\n", rows[i].what);
        assert_tells(o, NULL, expected);
    }
}

static void secrets_longer_than_their_block(void **state)
{
    struct bytes *o = fresh(false);
    size_t at;
    (void)state;
    section(o);
    interface(o, 1, 0);
    at = begin(o, 10);
    put32(o, 0x544c534b);
    put32(o, 5);
    put32(o, 0);
    end(o, at);
    assert_tells(o, NULL, "trouble m 0 @48 damaged block: its secrets are longer than the block\n");
}

/* The packet itself is sound and is told. */
static void damaged_options(void **state)
{
    struct bytes *o = fresh(false);
    size_t at;
    (void)state;
    section(o);
    interface(o, 1, 0);
    at = packet_begin(o, 0, 1, "x");
    comment(o, "good");
    put16(o, 1);
    put16(o, 5);
    put32(o, 0);
    end(o, at);
    packet(o, 0, 2, "y");
    assert_tells(o, NULL,
                 "comment 1 good\n1 1000 link 1 len 1 x\n"
                 "trouble m 1 @48 damaged block: an option is longer than the block\n");

    /* if_tsresol has one byte, if_tsoffset eight */
    static const struct {
        unsigned code;
        size_t n;
    } wrong[] = {{9, 2}, {9, 0}, {14, 4}, {14, 12}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        o = fresh(false);
        section(o);
        interface(o, 1, 0);
        at = interface_begin(o, 1, 0);
        option(o, wrong[i].code, "\6\6\6\6\6\6\6\6\6\6\6\6", wrong[i].n);
        end(o, at);
        assert_tells(o, NULL,
                     "trouble m 0 @48 damaged block: an option of its interface has a wrong "
                     "length\n");
    }
}

static void no_section(void **state)
{
    struct bytes *o = fresh(false);
    (void)state;
    section(o);
    set32(o, 8, 0x11223344);
    assert_tells(o, NULL, "error m: damaged block: its section header has no byte-order magic\n");
}

/* A packet can be told before its interface, and an SPB without any is damage, not a crash. */
static void no_interface(void **state)
{
    struct bytes *o = fresh(false);
    size_t at;
    (void)state;
    section(o);
    at = begin(o, 3);
    put32(o, 0);
    end(o, at);
    assert_tells(o, NULL,
                 "error m: damaged block: its packet is of interface 0, but only 0 have been "
                 "described\n");
    o = fresh(false);
    section(o);
    assert_tells(o, NULL, ""); /* a capture of nothing is no trouble */
}

static void many_interfaces(void **state)
{
    static struct told t;
    struct wst_capture *c = wst_capture_new();
    struct bytes *o = fresh(false);
    uint8_t *all = malloc(28 + 20 * (size_t)65537), *p = all + 28;
    (void)state;
    section(o);
    memcpy(all, o->b, 28);
    for (unsigned i = 0; i < 65537; i++, p += 20) {
        o = fresh(false);
        interface(o, i & 0xffff, 0);
        memcpy(p, o->b, 20);
    }
    wst_capture_add_memory(c, "m", (struct wst_slice){all, (size_t)(p - all)}, NULL);
    t = (struct told){.n = 0};
    run(c, &t);
    assert_string_equal(t.text, "trouble m 0 @1310748 damaged block: more than 65536 interfaces\n");
    free(all);
}

/* Cut anywhere: the packets before, and a trouble unless the cut is between two blocks. */
static void cut_at_every_byte(void **state)
{
    size_t ends[8], n = 0;
    struct bytes *o = fresh(false);
    static struct told t;
    (void)state;
    section(o);
    ends[n++] = o->n;
    interface(o, 1, 0);
    ends[n++] = o->n;
    for (uint64_t i = 1; i <= 5; i++) {
        packet(o, 0, i, "some bytes");
        ends[n++] = o->n;
    }
    for (size_t cut = 0; cut <= o->n; cut++) {
        size_t whole = 0;
        while (whole < n && ends[whole] <= cut) whole++;
        t = (struct told){.n = 0};
        run_bytes(o->b, cut, NULL, &t);
        assert_int_equal(t.packets, whole > 2 ? whole - 2 : 0);
        if (whole < 2 && !(whole > 0 && cut == ends[whole - 1]))
            assert_memory_equal(t.text, "error m: ", 9); /* not even a link type */
        else if (cut == ends[whole - 1])
            assert_int_equal(t.troubles, 0);
        else
            assert_non_null(strstr(t.text, "truncated: the file ends in the middle of a"));
    }
}

/* Larger than the buffer: it must grow, and the packets around it must survive. */
static void large_blocks(void **state)
{
    static struct told t;
    const size_t size = 5 << 20;
    struct wst_capture *c = wst_capture_new();
    struct bytes *o = fresh(false);
    uint8_t *all, *p;
    (void)state;
    section(o);
    interface(o, 1, 0);
    packet(o, 0, 1, "before");
    all = p = calloc(1, o->n * 3 + size);
    memcpy(p, o->b, o->n);
    p += o->n;
    o = fresh(false);
    put32(o, 0xbad);
    put32(o, size);
    memcpy(p, o->b, 8);
    memcpy(p + size - 4, o->b + 4, 4);
    p += size;
    o = fresh(false);
    packet(o, 0, 2, "after");
    memcpy(p, o->b, o->n);
    p += o->n;
    wst_capture_add_memory(c, "m", (struct wst_slice){all, (size_t)(p - all)}, NULL);
    t = (struct told){.n = 0};
    run(c, &t);
    assert_string_equal(t.text, "1 1000 link 1 len 6 before\n2 2000 link 1 len 5 after\n");
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_byte_orders),
        cmocka_unit_test(sections_have_their_own_order_and_interfaces),
        cmocka_unit_test(minor_versions_only_add),
        cmocka_unit_test(times),
        cmocka_unit_test(simple_packets_are_cut_at_the_snap_length),
        cmocka_unit_test(obsolete_packets),
        cmocka_unit_test(blocks_without_packets_are_stepped_over),
        cmocka_unit_test(secrets),
        cmocka_unit_test(comments_come_before_their_packet),
        cmocka_unit_test(options_are_bounded),
        cmocka_unit_test(lengths_of_packets_may_lie_about_the_wire),
        cmocka_unit_test(damaged),
        cmocka_unit_test(too_short_for_its_kind),
        cmocka_unit_test(secrets_longer_than_their_block),
        cmocka_unit_test(damaged_options),
        cmocka_unit_test(no_section),
        cmocka_unit_test(no_interface),
        cmocka_unit_test(many_interfaces),
        cmocka_unit_test(cut_at_every_byte),
        cmocka_unit_test(large_blocks),
    };
    return cmocka_run_group_tests_name("pcapng", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT
 *
 * IP and TCP headers: options, extension headers, lengths that lie, checksums.
 */
#include "build.h"

static void ipv4_options(struct build *b)
{
    put_segment(b), put_ipv4_full(b, 1, 6, 1, 0, 40);
}
static void ipv4_reserved_bit(struct build *b)
{
    put_segment(b), put_ipv4_full(b, 1, 6, 1, 0xc000, 0);
}
static void tcp_bare(struct build *b)
{
    put_tcp(b, build_text, strlen(build_text), 0), put_ipv4(b, 1, 6);
}
static void tcp_all_options(struct build *b)
{
    put_tcp(b, build_text, strlen(build_text), 40), put_ipv6(b, 1, 6);
}

/* The TCP checksum is made first, as the extension headers are not part of it. */
static void put_tcp6(struct build *b)
{
    put_segment(b), put_ipv6(b, 1, 6);
    b->at += 40;
}
static void ipv6_hop_by_hop(struct build *b)
{
    put_tcp6(b), PUT(b, 6, 0, 5, 2, 0, 0, 1, 0), put_ipv6(b, 1, 0);
}
static void ipv6_chain(struct build *b)
{
    put_tcp6(b);
    PUT(b, 6, 2, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 9, 9, 9, 9);   /* AH */
    PUT(b, 51, 0, 0, 0, 0, 0, 0, 7);                          /* atomic fragment */
    PUT(b, 44, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0); /* destination options */
    put_zero(b, 16), PUT(b, 60, 2, 0, 0, 0, 0, 0, 0);         /* routing, no segment left */
    PUT(b, 43, 0, 1, 4, 0, 0, 0, 0);                          /* hop by hop */
    put_ipv6(b, 1, 0);
}
static void ipv6_mobility(struct build *b)
{
    put_tcp6(b), PUT(b, 6, 0, 0, 0, 0, 0, 0, 0);
    PUT(b, 139, 0, 0, 0, 0, 0, 0, 0), PUT(b, 140, 0, 0, 0, 0, 0, 0, 0), put_ipv6(b, 1, 135);
}
static void ipv4_ah(struct build *b)
{
    put_segment(b), put_ipv4(b, 1, 6);
    b->at += 20;
    put_zero(b, 12), PUT(b, 6, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 2), put_ipv4(b, 1, 51);
}

static const struct wrapping packets[] = {
    {"IPv4 options", 101, ipv4_options, PLAIN},
    {"IPv4 reserved bit", 101, ipv4_reserved_bit, PLAIN},
    {"TCP without options", 101, tcp_bare, PLAIN},
    {"TCP, 40 bytes of options", 101, tcp_all_options, PLAIN},
    {"hop by hop", 101, ipv6_hop_by_hop, PLAIN},
    {"all extension headers", 101, ipv6_chain, PLAIN},
    {"mobility, HIP, shim6", 101, ipv6_mobility, PLAIN},
    {"IPv4 AH", 101, ipv4_ah, PLAIN},
};

static void test_every_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof packets / sizeof *packets; i++) check_wrapping(&packets[i]);
}

/* -- what tells a packet from another -- */

static uint16_t mark_of(struct build *b)
{
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    assert_non_null(net);
    struct shot shot = shoot(net, 101, build_packet(b), build_size(b), build_size(b), 0);
    assert_int_equal(shot.result, WST_NET_TCP);
    uint16_t mark = wst_segment_mark(&shot.segment);
    free(shot.bytes);
    wst_net_free(net);
    return mark;
}

static void test_mark(void **state)
{
    static const uint8_t alone[] = {1, 1, 8, 10, 9, 9, 0x12, 0x34, 8, 8, 8, 8},
                         syn[] = {2, 4, 5, 180, 4, 2, 8, 10, 9, 9, 0x12, 0x34, 0, 0, 0, 0},
                         late[] = {2, 4, 5, 180, 1, 3, 3, 6, 1, 1, 8, 10, 9, 9, 0x12, 0x34};
    static const struct {
        const uint8_t *options;
        size_t n;
        uint16_t mark;
    } cases[] = {{alone, sizeof alone, 0x1234},
                 {syn, sizeof syn, 0x1234},
                 {late, sizeof late, 0x1234},
                 {alone + 4, 8, 0},
                 {NULL, 0, 0}};
    static struct build b;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int with = 0; with < 3; with++) { /* IPv6; IPv4 without an identification, and with */
            b.at = BUILD_ROOM;
            put_tcp(&b, build_text, strlen(build_text), cases[i].n);
            if (cases[i].n) memcpy(build_packet(&b) + 20, cases[i].options, cases[i].n);
            if (with)
                put_ipv4_full(&b, 1, 6, with == 2 ? 0x4242 : 0, 0x4000, 0);
            else
                put_ipv6(&b, 1, 6);
            assert_int_equal(mark_of(&b), with == 2 ? 0x4242 : cases[i].mark);
        }
}

/* -- one bad byte -- */

static void udp(struct build *b)
{
    put32(b, 1), put_udp(b, 53), put_ipv4(b, 1, 17);
}
static void esp(struct build *b)
{
    put_segment(b), put_ipv6(b, 1, 50);
}
static void plain4(struct build *b)
{
    put_plain4(b);
}
static void plain6(struct build *b)
{
    put_plain6(b);
}

static void test_one_byte(void **state)
{
    (void)state;
    static struct build b;
    static const struct {
        const char *name;
        void (*put)(struct build *b);
        size_t at;
        uint8_t to;
        enum wst_net_result result;
    } cases[] = {
        {"as it is", plain4, 0, 0x45, WST_NET_TCP},
        {"header below 20", plain4, 0, 0x44, WST_NET_SHORT},
        {"header beyond the packet", udp, 0, 0x4f, WST_NET_SHORT},
        {"total below header", plain4, 3, 19, WST_NET_SHORT},
        {"total within TCP", plain4, 3, 39, WST_NET_SHORT},
        {"total within the options", plain4, 3, 41, WST_NET_SHORT},
        {"data offset 4", plain4, 32, 0x40, WST_NET_SHORT},
        {"data offset beyond the packet", plain4, 32, 0xf0, WST_NET_SHORT},
        {"ICMP", plain4, 9, 1, WST_NET_OTHER},
        {"a version 6 extension in version 4", plain4, 9, 60, WST_NET_OTHER},
        {"UDP", udp, 0, 0x45, WST_NET_UDP},
        {"UDP length 7", udp, 25, 7, WST_NET_SHORT},
        {"UDP length 0", udp, 25, 0, WST_NET_UDP},
        {"ESP", esp, 6, 50, WST_NET_OTHER},
        {"no next header", plain6, 6, 59, WST_NET_OTHER},
        {"extension beyond the packet", ipv6_hop_by_hop, 41, 255, WST_NET_SHORT},
        {"AH beyond the packet", ipv4_ah, 21, 200, WST_NET_SHORT},
        {"AH too short", ipv4_ah, 21, 0, WST_NET_SHORT},
    };
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        cases[i].put(&b);
        size_t n = build_size(&b);
        build_packet(&b)[cases[i].at] = cases[i].to;
        struct shot shot = shoot(net, 101, build_packet(&b), n, n, 0);
        if (shot.result != cases[i].result) fail_msg("%s: %d", cases[i].name, shot.result);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* -- datagrams -- */

static void in_ipv4(struct build *b)
{
    put_ipv4(b, 1, 17);
}
static void in_ipv6_options(struct build *b)
{
    PUT(b, 17, 0, 1, 4, 0, 0, 0, 0), put_ipv6(b, 1, 60);
}
static void in_gre(struct build *b)
{
    put_ipv4(b, 1, 17), PUT(b, 0, 0, 8, 0), put_ipv4(b, 2, 47);
}

/* Their own length counts, not that of what they lie in; 0 is none; and what the snap length took
 * is known to be missing. On the short way, and behind headers that it does not know. */
static void test_datagrams(void **state)
{
    (void)state;
    static struct build b;
    static void (*const in[])(struct build * b) = {in_ipv4, in_ipv6_options, in_gre};
    const size_t n = strlen(build_text), padding = 3, cut = 5;
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof in / sizeof *in; i++)
        for (int how = 0; how < 4; how++) { /* as it is; padded; without a length; cut */
            b.at = BUILD_ROOM;
            if (how == 1) put_zero(&b, padding);
            put(&b, build_text, n);
            put_udp(&b, 443);
            if (how == 1 || how == 2) build_packet(&b)[5] = how == 1 ? (uint8_t)(n + 8) : 0;
            in[i](&b);
            size_t size = build_size(&b), kept = how == 3 ? n - cut : n;
            struct shot shot =
                shoot(net, 101, build_packet(&b), how == 3 ? size - cut : size, size, 0);
            assert_int_equal(shot.result, WST_NET_UDP);
            assert_int_equal(shot.segment.src_port, 52000);
            assert_int_equal(shot.segment.dst_port, 443);
            assert_int_equal(shot.segment.payload_len, n);
            assert_int_equal(shot.segment.payload.n, kept);
            assert_memory_equal(shot.segment.payload.p, build_text, kept);
            free(shot.bytes);
        }
    wst_net_free(net);
}

/* -- packets longer than their length fields can say -- */

static char *long_text(size_t n)
{
    char *text = malloc(n);
    assert_non_null(text);
    for (size_t i = 0; i < n; i++) text[i] = (char)('a' + i % 23);
    return text;
}

static void test_offload(void **state)
{
    (void)state;
    enum { LONG = 200000 };
    static struct build b;
    char *text = long_text(LONG);
    struct wst_options options = build_options();
    options.verify_checksums = true; /* of such packets the TCP sum is not looked at */
    struct wst_net *net = wst_net_new(&options);
    for (int family = 4; family <= 6; family += 2) {
        b.at = BUILD_ROOM;
        put_tcp(&b, text, LONG, 0);
        if (family == 4)
            put_ipv4(&b, 1, 6);
        else
            put_ipv6(&b, 1, 6);
        memset(build_packet(&b) + (family == 4 ? 2 : 4), 0, 2);
        if (family == 4) build_ipv4_sum(&b);
        build_packet(&b)[family == 4 ? 36 : 56] ^= 1;
        put_ether(&b, family == 4 ? 0x0800 : 0x86dd);
        size_t n = build_size(&b);
        struct shot shot = shoot(net, 1, build_packet(&b), n, n, 0);
        assert_text(&shot, text, LONG);
        assert_int_equal(shot.segment.payload.n, LONG);
        free(shot.bytes);
        shot = shoot(net, 1, build_packet(&b), 100, n, 0);
        assert_text(&shot, text, LONG);
        free(shot.bytes);
    }
    wst_net_free(net);
    free(text);
}

static void test_jumbogram(void **state)
{
    (void)state;
    enum { LONG = 100000 };
    static struct build b;
    char *text = long_text(LONG);
    struct wst_options options = build_options();
    options.verify_checksums = true;
    struct wst_net *net = wst_net_new(&options);
    b.at = BUILD_ROOM;
    put_tcp(&b, text, LONG, 0), put_ipv6(&b, 1, 6);
    b.at += 40;
    put32(&b, LONG + 20 + 16), PUT(&b, 6, 1, 0, 1, 4, 0, 0, 0, 0, 0, 0xc2, 4);
    put_ipv6(&b, 1, 0);
    memset(build_packet(&b) + 4, 0, 2);
    size_t n = build_size(&b);
    /* The length is the option's, whatever follows the packet. */
    struct shot shot = shoot(net, 101, build_packet(&b), n, n + 999, 0);
    assert_text(&shot, text, LONG);
    free(shot.bytes);
    memset(build_packet(&b) + 52, 0xff, 4); /* a length no segment can have: no length */
    shot = shoot(net, 101, build_packet(&b), n, n, 0);
    assert_text(&shot, text, LONG);
    free(shot.bytes);
    /* Nor can a file make one up. */
    shot = shoot(net, 101, build_packet(&b), n, UINT32_MAX, 0);
    assert_int_equal(shot.result, WST_NET_SHORT);
    free(shot.bytes);
    wst_net_free(net);
    free(text);
}

/* -- checksums -- */

static enum wst_net_result with_flip(void (*fill)(struct build *), size_t at, bool verify,
                                     size_t cut)
{
    static struct build b;
    b.at = BUILD_ROOM;
    fill(&b);
    if (at) build_packet(&b)[at] ^= 0x10;
    struct wst_options options = build_options();
    options.verify_checksums = verify;
    struct wst_net *net = wst_net_new(&options);
    size_t n = build_size(&b);
    struct shot shot = shoot(net, 101, build_packet(&b), n - cut, n, 0);
    free(shot.bytes);
    wst_net_free(net);
    return shot.result;
}

static void odd(struct build *b)
{
    put_tcp(b, "odd", 3, 0), put_ipv4(b, 1, 6);
}
static void tunnelled(struct build *b)
{
    put_plain4(b), put_ipv4(b, 2, 4);
}
/* Source routed: the sum was made for the last address of the route. */
static void routed4(struct build *b)
{
    put_segment(b), put_ipv4_full(b, 1, 6, 1, 0, 8);
    memcpy(build_packet(b) + 20, (uint8_t[]){1, 0x83, 7, 4, 10, 0, 0, 9}, 8);
    build_ipv4_sum(b);
    build_packet(b)[28 + 16] ^= 0x55;
}
static void routed6(struct build *b)
{
    put_tcp6(b), put_zero(b, 16), PUT(b, 6, 2, 0, 1, 0, 0, 0, 0), put_ipv6(b, 9, 43);
}

static void test_checksums(void **state)
{
    (void)state;
    assert_int_equal(with_flip(plain4, 0, true, 0), WST_NET_TCP);
    assert_int_equal(with_flip(odd, 0, true, 0), WST_NET_TCP);
    assert_int_equal(with_flip(plain4, 8, true, 0), WST_NET_BAD_CHECKSUM); /* time to live */
    assert_int_equal(with_flip(plain4, 8, false, 0), WST_NET_TCP);
    assert_int_equal(with_flip(plain4, 54, true, 0), WST_NET_BAD_CHECKSUM); /* payload */
    assert_int_equal(with_flip(odd, 42, true, 0), WST_NET_BAD_CHECKSUM);
    assert_int_equal(with_flip(plain4, 54, false, 0), WST_NET_TCP);
    assert_int_equal(with_flip(plain4, 54, true, 1), WST_NET_TCP); /* cut: unknown */
    assert_int_equal(with_flip(plain6, 74, true, 0), WST_NET_BAD_CHECKSUM);
    assert_int_equal(with_flip(plain6, 23, true, 0), WST_NET_BAD_CHECKSUM); /* an address */
    assert_int_equal(with_flip(tunnelled, 8, true, 0), WST_NET_BAD_CHECKSUM);
    assert_int_equal(with_flip(tunnelled, 28, true, 0), WST_NET_BAD_CHECKSUM);
    assert_int_equal(with_flip(routed4, 0, true, 0), WST_NET_TCP);
    assert_int_equal(with_flip(routed6, 0, true, 0), WST_NET_TCP);
}

/* Thousands of headers of eight bytes: a loop, not a recursion. */
static void test_long_chain(void **state)
{
    (void)state;
    static struct build b;
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    b.at = BUILD_ROOM;
    put_tcp6(&b);
    PUT(&b, 6, 0, 0, 0, 0, 0, 0, 0);
    for (int i = 0; i < 8000; i++) PUT(&b, 60, 0, 0, 0, 0, 0, 0, 0);
    put_ipv6(&b, 1, 60);
    size_t n = build_size(&b);
    struct shot shot = shoot(net, 101, build_packet(&b), n, n, 0);
    assert_segment(&shot, false, "chain");
    free(shot.bytes);
    wst_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_packet), cmocka_unit_test(test_mark),
        cmocka_unit_test(test_one_byte),     cmocka_unit_test(test_offload),
        cmocka_unit_test(test_jumbogram),    cmocka_unit_test(test_checksums),
        cmocka_unit_test(test_long_chain),   cmocka_unit_test(test_datagrams),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

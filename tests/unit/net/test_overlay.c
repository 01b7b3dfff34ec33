/* SPDX-License-Identifier: MIT
 *
 * Frame Relay, ATM, rings; service chains, meshes, LISP and CAPWAP: each one, and what only looks
 * like one.
 */
#include "build.h"

static void put_bridged(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
}
static void frelay(struct build *b)
{
    put_plain4(b), PUT(b, 0x18, 0x41, 3, 0xcc);
}
static void frelay_ipv6(struct build *b)
{
    put_plain6(b), PUT(b, 0x18, 0x41, 3, 0x8e);
}
static void frelay_long_address(struct build *b)
{
    put_plain4(b), PUT(b, 0x18, 0x40, 0x40, 0x41, 3, 0, 0xcc);
}
static void frelay_snap(struct build *b)
{
    put_plain4(b), PUT(b, 0x18, 0x41, 3, 0, 0x80, 0, 0, 0, 8, 0);
}
static void frelay_bridged(struct build *b)
{
    put_bridged(b), PUT(b, 0x18, 0x41, 3, 0, 0x80, 0, 0x80, 0xc2, 0, 7);
}
static void frelay_ppp(struct build *b)
{
    put_plain4(b), PUT(b, 0x18, 0x41, 3, 0xcf, 0, 0x21);
}
static void frelay_cisco(struct build *b)
{
    put_plain4(b), PUT(b, 0x18, 0x41, 8, 0);
}
static void mfr(struct build *b)
{
    frelay(b), PUT(b, 0xc2, b->reply ? 7 : 9);
}
static void atm(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
}
static void atm_bridged(struct build *b)
{
    put_bridged(b), PUT(b, 0xaa, 0xaa, 3, 0, 0x80, 0xc2, 0, 1, 0, 0);
}
static void atm_ppp(struct build *b)
{
    put_plain4(b), PUT(b, 0xfe, 0xfe, 3, 0xcf, 0, 0x21);
}
static void sunatm(struct build *b)
{
    atm(b), PUT(b, b->reply ? 0x82 : 2, 0, 0, 0x20);
}
static void sunatm_lane(struct build *b)
{
    put_bridged(b), PUT(b, 1, 0, 0, 0x20, 0, 5);
}
static void token_ring(struct build *b)
{
    atm(b), put_zero(b, 12), PUT(b, 0x10, 0x40);
}
static void token_ring_routed(struct build *b)
{
    atm(b), PUT(b, 6, 0x30, 0, 0x11, 0, 0x20), put_zero(b, 5), PUT(b, 0x80);
    put_zero(b, 6), PUT(b, 0x10, 0x40);
}
static void fddi(struct build *b)
{
    atm(b), put_zero(b, 12), PUT(b, b->reply ? 0xd0 : 0x57);
}
static void enc(struct build *b)
{
    put_plain4(b), put_zero(b, 8), PUT(b, 0, 0, 0, 2);
}
static void enc_little(struct build *b)
{
    put_plain6(b), put_zero(b, 8), PUT(b, 24, 0, 0, 0);
}

static void nsh(struct build *b)
{
    put_plain4(b), put_zero(b, 16), PUT(b, 0x0f, 0xc6, 1, 1, 0, 0, b->reply ? 1 : 2, 0xff);
    put_ether(b, 0x894f);
}
static void nsh_ethernet(struct build *b)
{
    put_bridged(b), PUT(b, 0x0f, 0xc2, 2, 3, 0, 0, 1, 0xff), put_ether(b, 0x894f);
}
static void nsh_in_gpe(struct build *b)
{
    put_plain6(b), PUT(b, 0x0f, 0xc2, 2, 2, 0, 0, 1, 0xff), PUT(b, 0x0c, 0, 0, 4, 0, 0, 45, 0);
    put_udp(b, 4790), put_ipv4(b, 70, 17), put_ether(b, 0x0800);
}
static void batman(struct build *b)
{
    put_bridged(b), put_zero(b, 6), PUT(b, 0x40, 15, 0x32, 1), put_ether(b, 0x4305);
}
static void batman_4addr(struct build *b)
{
    put_bridged(b), put_zero(b, 14), PUT(b, 0x42, 15, 0x32, 1), put_ether(b, 0x4305);
}
static void put_tunnel(struct build *b)
{
    put_ipv4(b, 70, 17), put_ether(b, 0x0800);
}
static void lisp(struct build *b)
{
    put_plain4(b), PUT(b, 0x88, 1, 2, 3, 0, 0, 5, 1), put_udp(b, 4341), put_tunnel(b);
}
static void lisp_7(struct build *b)
{
    put_plain4(b), PUT(b, 8, 0, 0, 0, 0, 0, 7, 1), put_udp(b, 4341), put_tunnel(b);
}
static void lisp_bare(struct build *b)
{
    put_plain6(b), PUT(b, 0x40, 0, 0, 0, 0, 0, 0, 1), put_udp(b, 4341);
    put_ipv4(b, b->reply ? 71 : 72, 17), put_ether(b, 0x0800);
}
static void put_capwap_ports(struct build *b)
{
    size_t n = build_size(b);
    put16(b, 0), put16(b, (unsigned)(n + 8));
    put16(b, b->reply ? 52000 : 5247), put16(b, b->reply ? 5247 : 52000);
    put_tunnel(b);
}
static void capwap(struct build *b)
{
    put_bridged(b), PUT(b, 0, 0x10, 0x42, 0, 0, 0, 0, 0), put_capwap_ports(b);
}
static void capwap_wifi(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800), put_zero(b, 22), PUT(b, 8, b->reply ? 2 : 1);
    put_zero(b, 8), PUT(b, 0, 0x20, 0x43, 0x10, 0, 0, 0, 0), put_capwap_ports(b);
}
static void capwap_turned(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800), put_zero(b, 24), PUT(b, b->reply ? 2 : 1, 0x88);
    PUT(b, 0, 0x10, 3, 0, 0, 0, 0, 0), put_capwap_ports(b);
}

static const struct wrapping all[] = {
    {"Frame Relay", 107, frelay, PLAIN},
    {"Frame Relay, IPv6", 107, frelay_ipv6, PLAIN},
    {"Frame Relay, long address", 107, frelay_long_address, PLAIN},
    {"Frame Relay, SNAP", 107, frelay_snap, PLAIN},
    {"Frame Relay, bridged", 107, frelay_bridged, PLAIN},
    {"Frame Relay, PPP", 107, frelay_ppp, PLAIN},
    {"Frame Relay, Cisco", 107, frelay_cisco, PLAIN},
    {"Frame Relay, multilink", 182, mfr, PLAIN},
    {"ATM", 100, atm, PLAIN},
    {"ATM, bridged", 100, atm_bridged, PLAIN},
    {"ATM, PPP", 100, atm_ppp, PLAIN},
    {"Sun's ATM", 123, sunatm, PLAIN},
    {"Sun's ATM, emulated LAN", 123, sunatm_lane, PLAIN},
    {"Token Ring", 6, token_ring, PLAIN},
    {"Token Ring, routed", 6, token_ring_routed, PLAIN},
    {"FDDI", 10, fddi, PLAIN},
    {"enc", 109, enc, PLAIN},
    {"enc, little-endian", 109, enc_little, PLAIN},
    {"NSH", 1, nsh, PLAIN},
    {"NSH, Ethernet", 1, nsh_ethernet, PLAIN},
    {"NSH in VXLAN-GPE", 1, nsh_in_gpe, APART},
    {"B.A.T.M.A.N.", 1, batman, PLAIN},
    {"B.A.T.M.A.N., four addresses", 1, batman_4addr, PLAIN},
    {"LISP", 1, lisp, APART},
    {"LISP without instance", 1, lisp_bare, APART},
    {"CAPWAP", 1, capwap, APART},
    {"CAPWAP, 802.11", 1, capwap_wifi, APART},
    {"CAPWAP, 802.11 turned", 1, capwap_turned, APART},
};

static void test_every_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) check_wrapping(&all[i]);
}

static void test_distinct(void **state)
{
    (void)state;
    static const struct wrapping different[] = {
        {"instance 5", 1, lisp, APART},
        {"instance 7", 1, lisp_7, APART},
        {"no instance", 1, lisp_bare, APART},
        {"CAPWAP", 1, capwap, APART},
    };
    check_distinct(different, sizeof different / sizeof *different);
}

static void test_refused(void **state)
{
    (void)state;
    enum { UDP = 14 + 20 + 8 }; /* behind Ethernet, IP and UDP */
    static struct build b;
    static const struct {
        const char *name;
        uint32_t link;
        enum wst_net_result result;
        void (*put)(struct build *b);
        size_t at;  /* this byte … */
        uint8_t to; /* … becomes this */
    } cases[] = {
        {"Frame Relay, endless address", 107, WST_NET_OTHER, frelay_long_address, 3, 0x40},
        {"Frame Relay, another protocol", 107, WST_NET_OTHER, frelay, 3, 0xb1},
        {"Frame Relay, another organisation", 107, WST_NET_OTHER, frelay_snap, 5, 0x0c},
        {"multilink, first part", 182, WST_NET_OTHER, mfr, 0, 0x82},
        {"multilink, control", 182, WST_NET_OTHER, mfr, 0, 0xe2},
        {"ATM, another organisation", 100, WST_NET_OTHER, atm_bridged, 5, 0xc3},
        {"Sun's ATM, signals", 123, WST_NET_OTHER, sunatm, 0, 6},
        {"Token Ring, MAC", 6, WST_NET_OTHER, token_ring, 1, 0},
        {"FDDI, SMT", 10, WST_NET_OTHER, fddi, 0, 0x41},
        {"enc, other family", 109, WST_NET_OTHER, enc, 3, 7},
        {"NSH version", 1, WST_NET_OTHER, nsh, 14, 0x4f},
        {"NSH maintenance", 1, WST_NET_OTHER, nsh, 14, 0x2f},
        {"NSH too short", 1, WST_NET_OTHER, nsh, 15, 0xc1},
        {"NSH, another protocol", 1, WST_NET_OTHER, nsh, 17, 6},
        {"B.A.T.M.A.N. version", 1, WST_NET_OTHER, batman, 15, 14},
        {"B.A.T.M.A.N. fragment", 1, WST_NET_OTHER, batman, 14, 0x41},
        {"LISP reserved", 1, WST_NET_UDP, lisp, UDP, 0x8c},
        {"LISP encrypted", 1, WST_NET_UDP, lisp, UDP, 0x89},
        {"LISP nonce and versions", 1, WST_NET_UDP, lisp, UDP, 0x98},
        {"LISP without IP", 1, WST_NET_UDP, lisp, UDP + 8, 0x55},
        {"CAPWAP encrypted", 1, WST_NET_UDP, capwap, UDP, 1},
        {"CAPWAP too short", 1, WST_NET_UDP, capwap, UDP + 1, 8},
        {"CAPWAP fragment", 1, WST_NET_OTHER, capwap, UDP + 3, 0x80},
        {"CAPWAP keepalive", 1, WST_NET_OTHER, capwap, UDP + 3, 0x08},
        {"CAPWAP, another radio", 1, WST_NET_OTHER, capwap_wifi, UDP + 2, 0x45},
        {"CAPWAP, beacon", 1, WST_NET_OTHER, capwap_wifi, UDP + 16, 0x80},
    };
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        cases[i].put(&b);
        build_packet(&b)[cases[i].at] = cases[i].to;
        struct shot shot =
            shoot(net, cases[i].link, build_packet(&b), build_size(&b), build_size(&b), 0);
        if (shot.result != cases[i].result) fail_msg("%s: %d", cases[i].name, shot.result);
        free(shot.bytes);
    }
    wst_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_one),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

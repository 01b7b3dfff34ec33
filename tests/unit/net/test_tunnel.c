/* SPDX-License-Identifier: MIT
 *
 * Tunnels: each one, one in another, and what only looks like one.
 */
#include "build.h"

/* -- over IP -- */

static void ipip(struct build *b)
{
    put_plain4(b), put_ipv4(b, 50, 4);
}
static void ipip_other(struct build *b)
{
    put_plain4(b), put_ipv4(b, 51, 4);
}
static void ip6_in_4(struct build *b)
{
    put_plain6(b), put_ipv4(b, 52, 41);
}
static void ip4_in_6(struct build *b)
{
    put_plain4(b), put_ipv6(b, 53, 4);
}
static void ip6_in_6(struct build *b)
{
    put_plain6(b), put_ipv6(b, 54, 41);
}
static void mpls_in_ip(struct build *b)
{
    put_plain4(b), PUT(b, 0, 1, b->reply ? 1 : 0x11, 64), put_ipv4(b, 55, 137);
}
static void etherip(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), PUT(b, 0x30, 0), put_ipv4(b, 56, 97);
}
/* Segment routing: the addresses differ by direction, and count for nothing. */
static void srv6(struct build *b)
{
    put_plain4(b), put_zero(b, 16), PUT(b, 4, 2, 4, 1, 0, 0, 0, 0);
    put_ipv6(b, b->reply ? 57 : 58, 43);
}
static void srv6_ethernet(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), put_ipv6(b, b->reply ? 57 : 58, 143);
}

/* -- GRE -- */

static void gre(struct build *b)
{
    put_plain4(b), PUT(b, 0, 0, 8, 0), put_ipv4(b, 60, 47);
}
static void gre_ipv6(struct build *b)
{
    put_plain6(b), PUT(b, 0, 0, 0x86, 0xdd), put_ipv6(b, 61, 47);
}
static void put_gre_all(struct build *b, uint32_t key)
{
    put32(b, b->reply ? 70 : 80); /* sequence number */
    put32(b, key);
    PUT(b, 0xb0, 0, 8, 0, 1, 2, 0, 0);
}
static void gre_all(struct build *b)
{
    put_plain4(b), put_gre_all(b, 7), put_ipv4(b, 60, 47);
}
static void gre_key_8(struct build *b)
{
    put_plain4(b), put_gre_all(b, 8), put_ipv4(b, 60, 47);
}
static void gre_routed(struct build *b)
{
    put_plain4(b), PUT(b, 0, 0, 0, 0), PUT(b, 8, 0, 0, 4, 10, 0, 0, 9);
    PUT(b, 0x40, 0, 8, 0, 0, 0, 0, 0), put_ipv4(b, 62, 47);
}
static void gretap(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), PUT(b, 0, 0, 0x65, 0x58), put_ipv4(b, 63, 47);
}
static void gretap_key(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    PUT(b, 0x20, 0, 0x65, 0x58, 0, 0, 0, 99), put_ipv4(b, 63, 47);
}
/* The flow number is the sender's whim, and either end has several addresses. */
static void nvgre(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    PUT(b, 0x20, 0, 0x65, 0x58, 0, 0x20, 1, b->reply ? 17 : 200);
    put_ipv4(b, b->reply ? 63 : 64, 47);
}
static void nvgre_other(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    PUT(b, 0x20, 0, 0x65, 0x58, 0, 0x20, 2, 200), put_ipv4(b, 63, 47);
}
static void gre_ppp(struct build *b)
{
    put_plain4(b), PUT(b, 0x21), PUT(b, 0, 0, 0x88, 0x0b), put_ipv4(b, 65, 47);
}
static void pptp(struct build *b)
{
    put_plain4(b), PUT(b, 0xff, 3, 0, 0x21);
    size_t n = build_size(b);
    put32(b, 4), put32(b, 3);             /* acknowledgment, sequence */
    put16(b, b->reply ? 0x1111 : 0x2222); /* call id */
    put16(b, (unsigned)n), PUT(b, 0x30, 0x81, 0x88, 0x0b), put_ipv4(b, 66, 47);
}
static void gre_mpls(struct build *b)
{
    put_plain6(b), PUT(b, 0, 1, 1, 64), PUT(b, 0, 0, 0x88, 0x47), put_ipv4(b, 67, 47);
}
static void put_mirror(struct build *b)
{
    /* Both directions go the same way: from the switch to whoever looks at the mirror. */
    bool reply = b->reply;
    b->reply = false;
    put_ipv4(b, 68, 47);
    b->reply = reply;
}
static void erspan_1(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), PUT(b, 0, 0, 0x88, 0xbe), put_mirror(b);
}
static void erspan_2(struct build *b)
{
    put_plain4(b), put_vlan(b, 5, 0x0800), put_ether(b, 0x8100);
    PUT(b, 0x10, b->reply ? 5 : 6, 0x18, b->reply ? 1 : 2, 0, 0, 0, 3);
    PUT(b, 0x10, 0, 0x88, 0xbe, 0, 0, 0, 9), put_mirror(b);
}
static void erspan_3(struct build *b)
{
    put_plain6(b), put_ether(b, 0x86dd);
    PUT(b, 0x20, 5, 0, 1, 0, 0, 0, 3, 0, 0, 0, b->reply ? 8 : 0);
    PUT(b, 0x10, 0, 0x22, 0xeb, 0, 0, 0, 9), put_mirror(b);
}
static void erspan_3_platform(struct build *b)
{
    put_plain4(b), PUT(b, 1, 2, 3, 4, 5, 6, 7, 8);
    PUT(b, 0x20, 5, 0, 1, 0, 0, 0, 3, 0, 0, 8, 1); /* frame type 2: IP */
    PUT(b, 0x10, 0, 0x22, 0xeb, 0, 0, 0, 9), put_mirror(b);
}

/* -- over UDP -- */

static void vni(struct build *b, unsigned port, unsigned flags, uint32_t id, unsigned net)
{
    put32(b, id << 8), put32(b, flags << 24);
    put_udp(b, port), put_ipv4(b, net, 17);
}
static void vxlan(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), vni(b, 4789, 8, 42, b->reply ? 70 : 71);
}
static void vxlan_43(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), vni(b, 4789, 8, 43, 70);
}
static void vxlan_zero(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), vni(b, 4789, 8, 0, 70);
}
static void vxlan_linux(struct build *b)
{
    put_plain6(b), put_vlan(b, 3, 0x86dd), put_ether(b, 0x8100), vni(b, 8472, 8, 42, 70);
}
static void vxlan_policy(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    PUT(b, 0x88, 0x48, 0x12, 0x34, 0, 0, 44, 0), put_udp(b, 4789), put_ipv6(b, 70, 17);
}
static void gpe(struct build *b)
{
    put_plain6(b), PUT(b, 0x0c, 0, 0, 2, 0, 0, 45, 0), put_udp(b, 4790), put_ipv4(b, 70, 17);
}
static void gpe_ethernet(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    PUT(b, 0x0c, 0, 0, 3, 0, 0, 46, 0), put_udp(b, 4790), put_ipv4(b, 70, 17);
}
static void geneve(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), PUT(b, 1, 2, 0x80, 1, 9, 9, 9, 9);
    PUT(b, 2, 0x40, 0x65, 0x58, 0, 0, 42, 0);
    put_udp(b, 6081), put_ipv4(b, b->reply ? 72 : 73, 17);
}
static void geneve_ip(struct build *b)
{
    put_plain6(b), PUT(b, 0, 0, 0x86, 0xdd, 0, 0, 43, 0), put_udp(b, 6081), put_ipv6(b, 72, 17);
}
static void gtp(struct build *b)
{
    put_plain4(b);
    size_t n = build_size(b);
    put32(b, b->reply ? 0x1111 : 0x2222), put16(b, (unsigned)n), PUT(b, 0x30, 0xff);
    put_udp(b, 2152), put_ipv4(b, 74, 17);
}
/* A PDU session container and another extension. */
static void gtp_extended(struct build *b)
{
    put_plain6(b);
    PUT(b, 2, 0, 0, 0, 0, 0, 0, 0), PUT(b, 1, 0x10, 9, 0xc0), PUT(b, 0, 7, 0, 0x85);
    size_t n = build_size(b);
    put32(b, 0x3333), put16(b, (unsigned)n), PUT(b, 0x36, 0xff);
    put_udp(b, 2152), put_ipv4(b, 75, 17);
}
static void put_teredo(struct build *b)
{
    put_udp(b, 3544), put_ipv4(b, 76, 17);
}
static void put_teredo6(struct build *b)
{
    put_segment(b), put_ipv6_prefix(b, 0x20010000, 1, 6);
}
static void teredo(struct build *b)
{
    put_teredo6(b), put_teredo(b);
}
static void teredo_indications(struct build *b)
{
    put_teredo6(b), PUT(b, 0, 0, 1, 2, 3, 4, 5, 6);
    PUT(b, 0, 1, 2, 1, 'i', 'd', 'v', 1, 2, 3, 4, 5, 6, 7, 8, 0), put_teredo(b);
}

static void put_l2tp(struct build *b)
{
    put_udp(b, 1701), put_ipv4(b, 77, 17);
}
/* Tunnel and session are the receiver's. */
static void l2tp(struct build *b)
{
    put_plain4(b), PUT(b, 0xff, 3, 0, 0x21);
    PUT(b, 0, 2, 0, b->reply ? 5 : 9, 0, b->reply ? 6 : 8), put_l2tp(b);
}
static void l2tp_all(struct build *b)
{
    put_plain6(b), put16(b, 0x0057), PUT(b, 0, 3, 0xba, 0xad, 0);
    PUT(b, 0, 5, 0, 6, 0, 1, 0, 0);
    size_t n = build_size(b);
    put16(b, (unsigned)n + 4), PUT(b, 0x4b, 2), put_l2tp(b);
}
static void l2tp_answer(struct build *b)
{
    put_plain4(b), PUT(b, 0x21), PUT(b, 0, 2, 0, 5, 0, 6);
    size_t n = build_size(b);
    put16(b, 0), put16(b, (unsigned)n + 8);
    put16(b, b->reply ? 1701 : 40000), put16(b, b->reply ? 40000 : 1701), put_ipv4(b, 77, 17);
}
static void mpls_in_udp(struct build *b)
{
    put_plain4(b), PUT(b, 0, 1, b->reply ? 1 : 0x11, 64), put_udp(b, 6635), put_ipv4(b, 78, 17);
}
/* Both directions go the same way, as with ERSPAN. */
static void put_overheard(struct build *b)
{
    bool reply = b->reply;
    b->reply = false;
    put_udp(b, 37008), put_ipv4(b, 79, 17);
    b->reply = reply;
}
static void tzsp(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800), PUT(b, 1, 0, 0, 1, 1), put_overheard(b);
}
static void tzsp_tags(struct build *b)
{
    put_plain6(b), put_ether(b, 0x86dd);
    PUT(b, 1, 0, 0, 1, 10, 1, 0xd0, 0, 0, 0x28, 2, 1, 2, 0x29, 0, 1), put_overheard(b);
}
static void tzsp_wifi(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800), put_zero(b, 22), PUT(b, 8, b->reply ? 2 : 1);
    PUT(b, 1, 0, 0, 18, 1), put_overheard(b);
}
static void tzsp_raw(struct build *b)
{
    put_plain4(b), PUT(b, 1, 0, 0, 7, 1), put_overheard(b);
}
static void tzsp_ppp(struct build *b)
{
    put_plain4(b), PUT(b, 0x21), PUT(b, 1, 0, 0, 4, 1), put_overheard(b);
}

/* -- one in another -- */

static void gre_in_vxlan_in_vlan(struct build *b)
{
    gre_all(b), put_ether(b, 0x0800), vni(b, 4789, 8, 42, 80);
    put_vlan(b, 5, 0x0800), put_ether(b, 0x8100);
}
static void vxlan_in_gtp_in_pppoe(struct build *b)
{
    vxlan(b);
    size_t n = build_size(b);
    put32(b, 1), put16(b, (unsigned)n), PUT(b, 0x30, 0xff), put_udp(b, 2152);
    put_ipv4(b, 81, 17), put16(b, 0x0021);
    n = build_size(b);
    put16(b, (unsigned)n), PUT(b, 0x11, 0, 0, 7), put_ether(b, 0x8864);
}
static void eight_deep(struct build *b)
{
    put_plain4(b);
    for (unsigned i = 0; i < 8; i++) put_ipv4(b, 90 + i, 4);
}

static const struct wrapping tunnels[] = {
    {"IP in IP", 101, ipip, APART},
    {"IP in IP, other ends", 101, ipip_other, APART},
    {"6in4", 101, ip6_in_4, APART},
    {"4in6", 101, ip4_in_6, APART},
    {"6in6", 101, ip6_in_6, APART},
    {"MPLS in IP", 101, mpls_in_ip, APART},
    {"EtherIP", 101, etherip, APART},
    {"GRE", 101, gre, APART},
    {"GRE, IPv6", 101, gre_ipv6, APART},
    {"GRE with everything", 101, gre_all, APART},
    {"GRE, other key", 101, gre_key_8, APART},
    {"GRE with routes", 101, gre_routed, APART},
    {"GRE tap", 101, gretap, APART},
    {"GRE tap with key", 101, gretap_key, APART},
    {"NVGRE", 101, nvgre, APART},
    {"NVGRE, other subnet", 101, nvgre_other, APART},
    {"GRE PPP", 101, gre_ppp, APART},
    {"PPTP", 101, pptp, APART},
    {"GRE MPLS", 101, gre_mpls, APART},
    {"ERSPAN I", 101, erspan_1, APART},
    {"ERSPAN II", 101, erspan_2, APART},
    {"VXLAN", 101, vxlan, APART},
    {"VXLAN 43", 101, vxlan_43, APART},
    {"VXLAN 0", 101, vxlan_zero, APART},
    {"VXLAN, Linux port", 101, vxlan_linux, APART},
    {"VXLAN with policy", 101, vxlan_policy, APART},
    {"VXLAN GPE", 101, gpe, APART},
    {"VXLAN GPE Ethernet", 101, gpe_ethernet, APART},
    {"Geneve", 101, geneve, APART},
    {"Geneve IPv6", 101, geneve_ip, APART},
    {"GTP", 101, gtp, APART},
    {"GTP with extensions", 101, gtp_extended, APART},
    {"Teredo", 101, teredo, APART},
    {"L2TP", 101, l2tp, APART},
    {"MPLS in UDP", 101, mpls_in_udp, APART},
    {"GRE in VXLAN in VLAN", 1, gre_in_vxlan_in_vlan, APART},
    {"VXLAN in GTP in PPPoE", 1, vxlan_in_gtp_in_pppoe, APART},
    {"eight deep", 101, eight_deep, APART},
};

/* Those which share a domain with one above, as they should. */
static const struct wrapping others[] = {
    {"ERSPAN III", 101, erspan_3, APART},
    {"ERSPAN III, platform", 101, erspan_3_platform, APART},
    {"Teredo with indications", 101, teredo_indications, APART},
    {"L2TP with everything", 101, l2tp_all, APART},
    {"L2TP from its port", 101, l2tp_answer, APART},
    {"TZSP", 101, tzsp, PLAIN},
    {"TZSP with tags", 101, tzsp_tags, PLAIN},
    {"TZSP, 802.11", 101, tzsp_wifi, PLAIN},
    {"TZSP, raw", 101, tzsp_raw, PLAIN},
    {"TZSP, PPP", 101, tzsp_ppp, PLAIN},
    {"SRv6", 101, srv6, PLAIN},
    {"SRv6 Ethernet", 101, srv6_ethernet, PLAIN},
};

static void test_every_tunnel(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tunnels / sizeof *tunnels; i++) check_wrapping(&tunnels[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) check_wrapping(&others[i]);
}

static void test_distinct(void **state)
{
    (void)state;
    check_distinct(tunnels, sizeof tunnels / sizeof *tunnels);
}

/* The right port with one bit wrong is ordinary UDP. `at` counts from the UDP payload. */
static void test_implausible(void **state)
{
    (void)state;
    static struct build b;
    static const struct {
        const char *name;
        void (*put)(struct build *b);
        size_t at;
        uint8_t flip;
    } cases[] = {
        {"VXLAN without I", vxlan, 0, 0x08},
        {"VXLAN reserved flag", vxlan, 0, 0x01},
        {"VXLAN reserved", vxlan, 2, 0x40},
        {"VXLAN last byte", vxlan, 7, 0x01},
        {"VXLAN policy flag", vxlan_policy, 1, 0x80},
        {"GPE version", gpe, 0, 0x10},
        {"GPE maintenance", gpe, 0, 0x01},
        {"GPE reserved", gpe, 1, 0x01},
        {"GPE NSH", gpe, 3, 0x06},
        {"Geneve version", geneve, 0, 0x40},
        {"Geneve control", geneve, 1, 0x80},
        {"Geneve reserved", geneve, 1, 0x01},
        {"Geneve last byte", geneve, 7, 0x80},
        {"GTP version", gtp, 0, 0x60},
        {"GTP prime", gtp, 0, 0x10},
        {"GTP echo", gtp, 1, 0xfe},
        {"GTP too long", gtp, 2, 0x80},
        {"GTP not IP", gtp, 8, 0x10},
        {"Teredo version", teredo, 0, 0x10},
        {"Teredo too long", teredo, 4, 0x80},
        {"Teredo prefix", teredo, 8 + 3, 0x01},
    };
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        cases[i].put(&b);
        size_t n = build_size(&b), header = build_packet(&b)[0] >> 4 == 4 ? 28 : 48;
        build_packet(&b)[header + cases[i].at] ^= cases[i].flip;
        /* Teredo: only one of the two addresses has to be a client's. */
        if (cases[i].at == 11) build_packet(&b)[header + 24 + 3] ^= cases[i].flip;
        struct shot shot = shoot(net, 101, build_packet(&b), n, n, 0);
        if (shot.result != WST_NET_OTHER) fail_msg("%s: %d", cases[i].name, shot.result);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* Ports that others are given, too: what is no such tunnel is a datagram, and may be QUIC. */
static void test_anybodys_port(void **state)
{
    (void)state;
    static struct build b;
    static const struct {
        const char *name;
        void (*put)(struct build *b);
        size_t at;
        uint8_t flip;
    } cases[] = {
        {"TZSP version", tzsp, 0, 0x40},    {"TZSP keep-alive", tzsp, 1, 0x04},
        {"TZSP of FDDI", tzsp, 3, 0x04},    {"L2TP control", l2tp, 0, 0x80},
        {"L2TP version", l2tp, 1, 0x01},    {"L2TP reserved", l2tp, 1, 0x10},
        {"L2TP reserved 2", l2tp, 0, 0x20}, {"L2TP, answer", l2tp_answer, 1, 0x01},
    };
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        cases[i].put(&b);
        build_packet(&b)[28 + cases[i].at] ^= cases[i].flip;
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        if (shot.result != WST_NET_UDP) fail_msg("%s: %d", cases[i].name, shot.result);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* A client's address says that it is Teredo, whichever end the client is. */
static void test_teredo_ends(void **state)
{
    static const size_t ends[] = {8, 24};
    static struct build b;
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        b.at = BUILD_ROOM;
        teredo(&b);
        build_packet(&b)[28 + ends[i]] ^= 1;
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        assert_int_equal(shot.result, WST_NET_TCP);
        free(shot.bytes);
    }
    wst_net_free(net);
}

static void test_depth(void **state)
{
    (void)state;
    static struct build b;
    for (uint32_t depth = 0; depth < 12; depth++) {
        struct wst_options options = build_options();
        options.limits.tunnel_depth = depth;
        struct wst_net *net = wst_net_new(&options);
        b.at = BUILD_ROOM;
        eight_deep(&b);
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        assert_int_equal(shot.result, depth < 8 ? WST_NET_OTHER : WST_NET_TCP);
        free(shot.bytes);
        wst_net_free(net);
    }
}

/* Mirrors of mirrors count, too. */
static void test_mirror_depth(void **state)
{
    (void)state;
    static struct build b;
    for (uint32_t depth = 0; depth < 6; depth++) {
        struct wst_options options = build_options();
        options.limits.tunnel_depth = depth;
        struct wst_net *net = wst_net_new(&options);
        b.at = BUILD_ROOM;
        put_plain4(&b);
        for (unsigned i = 0; i < 3; i++)
            put_ether(&b, 0x0800), PUT(&b, 1, 0, 0, 1, 1), put_overheard(&b);
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        assert_int_equal(shot.result, depth < 3 ? WST_NET_OTHER : WST_NET_TCP);
        free(shot.bytes);
        wst_net_free(net);
    }
}

/* RFC 2637 section 4.1: without a sequence number it is an acknowledgment, and carries nothing. */
static void test_pptp_acknowledgment(void **state)
{
    (void)state;
    static struct build b;
    static const struct {
        uint8_t flags;
        bool length;
        enum wst_net_result result;
    } cases[] = {{0x30, true, WST_NET_TCP},
                 {0x20, true, WST_NET_OTHER},
                 {0x20, false, WST_NET_OTHER},
                 {0x30, false, WST_NET_OTHER}};
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        put_plain4(&b), PUT(&b, 0xff, 3, 0, 0x21);
        size_t n = cases[i].length ? build_size(&b) : 0;
        put32(&b, 4);
        if (cases[i].flags & 0x10) put32(&b, 3);
        put16(&b, 0x2222), put16(&b, (unsigned)n);
        PUT(&b, cases[i].flags, 0x81, 0x88, 0x0b), put_ipv4(&b, 66, 47);
        struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
        if (shot.result != cases[i].result) fail_msg("%zu: %d", i, shot.result);
        free(shot.bytes);
    }
    wst_net_free(net);
}

/* The limit's limit: 3000 headers in one packet neither crash nor take long. */
static void test_abyss(void **state)
{
    (void)state;
    static struct build b;
    struct wst_options options = build_options();
    options.limits.tunnel_depth = UINT32_MAX;
    struct wst_net *net = wst_net_new(&options);
    b.at = BUILD_ROOM;
    put_plain4(&b);
    for (unsigned i = 0; i < 3000; i++) put_ipv4(&b, i & 0xff, 4);
    struct shot shot = shoot(net, 101, build_packet(&b), build_size(&b), build_size(&b), 0);
    assert_int_equal(shot.result, WST_NET_OTHER);
    free(shot.bytes);
    wst_net_free(net);
}

/* A mirror cut the frame and wrapped the rest in a sound packet: it is cut, not malformed. */
static void test_cut_mirror(void **state)
{
    (void)state;
    static struct build b;
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    b.at = BUILD_ROOM;
    put_plain4(&b), put_ether(&b, 0x0800);
    size_t n = build_size(&b) - 5;
    memmove(build_packet(&b) + 5, build_packet(&b), n);
    b.at += 5;
    vni(&b, 4789, 8, 42, 70);
    n = build_size(&b);
    struct shot shot = shoot(net, 101, build_packet(&b), n, n, 0);
    assert_segment(&shot, false, "cut mirror");
    assert_int_equal(shot.segment.payload.n, strlen(build_text) - 5);
    free(shot.bytes);
    wst_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_tunnel),
        cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_teredo_ends),
        cmocka_unit_test(test_implausible),
        cmocka_unit_test(test_anybodys_port),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_abyss),
        cmocka_unit_test(test_mirror_depth),
        cmocka_unit_test(test_pptp_acknowledgment),
        cmocka_unit_test(test_cut_mirror),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

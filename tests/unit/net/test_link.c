/* SPDX-License-Identifier: MIT
 *
 * Link headers: every link type and what may stand between it and IP.
 */
#include "build.h"

static void link_ether(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
}
static void link_ether6(struct build *b)
{
    put_plain6(b), put_ether(b, 0x86dd);
}
static void link_raw4(struct build *b)
{
    put_plain4(b);
}
static void link_raw6(struct build *b)
{
    put_plain6(b);
}

/* What lies beyond IP's total length is not data, though it is captured. */
static void link_padded(struct build *b)
{
    link_ether(b);
    size_t n = build_size(b), padding = 18;
    memmove(build_packet(b) - padding, build_packet(b), n);
    b->at -= padding;
    memset(build_packet(b) + n, 0xee, padding);
}

static void link_null_le(struct build *b)
{
    put_plain4(b), PUT(b, 2, 0, 0, 0);
}
static void link_null_be(struct build *b)
{
    put_plain4(b), PUT(b, 0, 0, 0, 2);
}
static void link_null_bsd(struct build *b)
{
    put_plain6(b), PUT(b, 24, 0, 0, 0);
}
static void link_null_freebsd(struct build *b)
{
    put_plain6(b), PUT(b, 0, 0, 0, 28);
}
static void link_null_darwin(struct build *b)
{
    put_plain6(b), PUT(b, 30, 0, 0, 0);
}
static void link_null_linux(struct build *b)
{
    put_plain6(b), PUT(b, 10, 0, 0, 0);
}

static void link_sll(struct build *b)
{
    put_plain4(b);
    PUT(b, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 8, 0);
}
static void link_sll6(struct build *b)
{
    put_plain6(b);
    PUT(b, 0, 4, 3, 4, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x86, 0xdd);
}
static void link_sll_llc(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    PUT(b, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0, 4);
}
static void link_sll_vlan(struct build *b)
{
    put_plain4(b), put_vlan(b, 5, 0x0800);
    PUT(b, 0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0);
}
static void link_sll2(struct build *b)
{
    put_plain4(b);
    PUT(b, 8, 0, 0, 0, 0, 0, 0, 7, 0, 1, 4, 6, 2, 0, 0, 0, 0, 1, 0, 0);
}

static void link_ppp(struct build *b)
{
    put_plain4(b), put16(b, 0x0021);
}
static void link_ppp6(struct build *b)
{
    put_plain6(b), put16(b, 0x0057);
}
static void link_ppp_framed(struct build *b)
{
    put_plain4(b), PUT(b, 0xff, 3, 0, 0x21);
}
static void link_ppp_compressed(struct build *b)
{
    put_plain4(b), put8(b, 0x21);
}
static void link_ppp_framed_compressed(struct build *b)
{
    put_plain6(b), PUT(b, 0xff, 3, 0x57);
}
static void link_ppp_mpls(struct build *b)
{
    put_plain4(b), PUT(b, 2, 0x81, 0, 1, 0x11, 64);
}
static void link_cisco(struct build *b)
{
    put_plain4(b), PUT(b, 0x0f, 0, 8, 0);
}
static void link_cisco_multicast(struct build *b)
{
    put_plain6(b), PUT(b, 0x8f, 0, 0x86, 0xdd);
}
static void link_pppoe(struct build *b)
{
    put_plain4(b), put16(b, 0x0021);
    size_t n = build_size(b);
    put16(b, (unsigned)n), PUT(b, 0x11, 0, 0x12, 0x34);
}

/* Hook header, then the payload, in either byte order. */
static void link_nflog_le(struct build *b)
{
    put_plain4(b);
    size_t n = build_size(b) + 4;
    PUT(b, (uint8_t)n, (uint8_t)(n >> 8), 9, 0);
    PUT(b, 5, 0, 10, 0, 'x', 0, 0, 0); /* a prefix of one byte, padded */
    PUT(b, 8, 0, 1, 0, 8, 0, 1, 0);
    PUT(b, 2, 0, 0, 5);
}
static void link_nflog_be(struct build *b)
{
    put_plain6(b);
    size_t n = build_size(b) + 4;
    PUT(b, (uint8_t)(n >> 8), (uint8_t)n, 0, 9);
    PUT(b, 0, 8, 0, 1, 0x86, 0xdd, 1, 0);
    PUT(b, 10, 0, 0, 5);
}

static void put_wifi(struct build *b, unsigned fc0, unsigned fc1)
{
    put_zero(b, 22);
    PUT(b, (uint8_t)fc0, (uint8_t)fc1);
}
static void link_wifi(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800), put_wifi(b, 0x08, b->reply ? 0x02 : 0x01);
}
static void link_wifi_qos(struct build *b)
{
    put_plain6(b), put_snap(b, 0x86dd), PUT(b, 0, 0), put_wifi(b, 0x88, 0x01);
}
static void link_wifi_wds(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    PUT(b, 0, 0), put_zero(b, 6), put_wifi(b, 0x88, 0x03);
}
static void link_wifi_htc(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    PUT(b, 0, 0, 1, 2, 3, 4), put_wifi(b, 0x88, 0x81);
}
/* A subframe that is not IP, padded, then the one with the segment. */
static void link_wifi_amsdu(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    put16(b, (unsigned)build_size(b)), put_zero(b, 12);
    PUT(b, 0, 9, 0xaa, 0xaa, 3, 0, 0, 0, 0x99, 0x99, 0x77, 0), put_zero(b, 12);
    PUT(b, 0x80, 0), put_wifi(b, 0x88, 0x02);
}
static void link_radiotap(struct build *b)
{
    link_wifi(b);
    PUT(b, 0, 0, 8, 0, 0, 0, 0, 0);
}
static void link_radiotap_pad(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    PUT(b, 0, 0, 0xba, 0xad), put_wifi(b, 0x88, 0x01);
    /* Two presence words, the timer aligned to 8, flags: padded. */
    PUT(b, 0, 0, 25, 0, 3, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x20);
}
static void link_prism(struct build *b)
{
    link_wifi(b);
    put_zero(b, 144 - 8), PUT(b, 0x44, 0, 0, 0, 144, 0, 0, 0);
}
static void link_prism_be(struct build *b)
{
    link_wifi(b);
    put_zero(b, 144 - 8), PUT(b, 0, 0, 0, 0x44, 0, 0, 0, 144);
}
static void link_avs(struct build *b)
{
    link_wifi(b);
    put_zero(b, 64 - 8), PUT(b, 0x80, 0x21, 0x10, 1, 0, 0, 0, 64);
}

static void link_pppd(struct build *b)
{
    put_plain4(b), PUT(b, b->reply ? 0 : 1, 3, 0, 0x21);
}
static void link_ipnet(struct build *b)
{
    put_plain6(b), put_zero(b, 12), PUT(b, 0, 0, 0, 1, 0, 0, 0, 92), PUT(b, 1, 26, 0, 4);
}
static void link_infiniband(struct build *b)
{
    put_plain4(b), PUT(b, 8, 0, 0, 0), put_zero(b, 40);
}
static void link_juniper(struct build *b)
{
    link_ether(b), PUT(b, 'M', 'G', 'C', b->reply ? 1 : 0);
}
static void link_juniper_extended(struct build *b)
{
    link_ether6(b), PUT(b, 'M', 'G', 'C', 0x81, 0, 6, 1, 1, 4, 2, 1, 4);
}
static void link_juniper_bare(struct build *b)
{
    put_plain6(b), PUT(b, 6, 0, 0, 0), PUT(b, 'M', 'G', 'C', 0x82, 0, 6, 1, 1, 4, 2, 1, 4);
}
static void link_pflog(struct build *b)
{
    put_plain4(b), put_zero(b, 60), PUT(b, 61, 2, 0, 0);
}
static void link_pflog6(struct build *b)
{
    put_plain6(b), put_zero(b, 96), PUT(b, 100, 24, 0, 0);
}
static void link_slip(struct build *b)
{
    put_plain4(b), put_zero(b, 15), PUT(b, b->reply ? 0 : 1);
}
static void link_ppp_direction(struct build *b)
{
    link_ppp(b), PUT(b, b->reply ? 0 : 1);
}
static void link_ieee1394(struct build *b)
{
    put_plain6(b), PUT(b, 0x86, 0xdd), put_zero(b, 16);
}
/* Header of version 2, the length of the frame is not looked at. */
static void link_netanalyzer(struct build *b)
{
    link_ether(b), PUT(b, 0, 0x48, 60, 0);
}
static void link_netanalyzer_transparent(struct build *b)
{
    link_ether6(b), PUT(b, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0x55, 0xd5), PUT(b, 0, 0x46, 60, 0);
}
static void link_netanalyzer_short(struct build *b)
{
    link_ether(b), PUT(b, 0x55, 0x55, 0xd5), PUT(b, 0x40, 0x46, 60, 0);
}
static void put_pktap(struct build *b, unsigned link, size_t header)
{
    put_zero(b, header - 12 - 3), PUT(b, 'e', 'n', '0');
    PUT(b, (uint8_t)header, 0, 0, 0, 1, 0, 0, 0, (uint8_t)link, 0, 0, 0);
}
static void link_pktap(struct build *b)
{
    link_ether(b), put_pktap(b, 1, 108);
}
static void link_pktap_loop(struct build *b)
{
    link_null_darwin(b), put_pktap(b, 0, 156);
}
static void link_pktap_raw(struct build *b)
{
    link_raw4(b), put_pktap(b, 12, 108);
}
static void link_pktap_be(struct build *b)
{
    link_ether6(b), put_zero(b, 96), PUT(b, 0, 0, 0, 108, 0, 0, 0, 1, 0, 0, 0, 1);
}
static void link_ppi(struct build *b)
{
    link_wifi(b), PUT(b, 0, 0, 8, 0, 105, 0, 0, 0);
}
static void link_ppi_fields(struct build *b)
{
    link_wifi_qos(b), put_zero(b, 20), PUT(b, 0, 0, 32, 0, 105, 0, 0, 0, 2, 0, 20, 0);
}
/* Ports of a switch: where a packet comes from, or where it is to go. */
static void put_dsa(struct build *b)
{
    PUT(b, b->reply ? 0x40 : 0, 0x10, 0, 0);
}
static void put_addresses(struct build *b)
{
    PUT(b, 2, 0, 0, 0, 0, b->reply ? 1 : 2, 2, 0, 0, 0, 0, b->reply ? 2 : 1);
}
static void link_dsa(struct build *b)
{
    put_plain4(b), put16(b, 0x0800), put_dsa(b), put_addresses(b);
}
static void link_dsa_snap(struct build *b)
{
    put_plain6(b), put_snap(b, 0x86dd), put16(b, (unsigned)build_size(b));
    put_dsa(b), put_addresses(b);
}
static void link_dsa_front(struct build *b)
{
    link_ether(b), put_dsa(b);
}
static void ether_edsa(struct build *b)
{
    put_plain4(b), put16(b, 0x0800), put_dsa(b), PUT(b, 0, 0), put_ether(b, 0xdada);
}

static void ether_vn_tag(struct build *b)
{
    put_plain4(b), PUT(b, 0, 1, b->reply ? 0x80 : 0, 2, 8, 0), put_ether(b, 0x8926);
}
static void ether_e_tag(struct build *b)
{
    put_plain6(b), PUT(b, 0, 1, b->reply ? 0 : 2, 0, 0, 0, 0x86, 0xdd), put_ether(b, 0x893f);
}
static void ether_metadata(struct build *b)
{
    put_plain4(b), PUT(b, 1, 1, 0, 1, 0, b->reply ? 4 : 5, 8, 0), put_ether(b, 0x8909);
}
/* The integrity check behind the packet is none of it. */
static void ether_macsec(struct build *b)
{
    put_plain4(b);
    size_t n = build_size(b);
    memmove(build_packet(b) - 16, build_packet(b), n);
    b->at -= 16;
    memset(build_packet(b) + n, 0xee, 16);
    PUT(b, 0x20, 0, 0, 0, 0, b->reply ? 9 : 7, 2, 0, 0, 0, 0, 1, 0, 1, 8, 0), put_ether(b, 0x88e5);
}
static void ether_macsec_bare(struct build *b)
{
    put_plain6(b), PUT(b, 0x02, 0, 0, 0, 0, 1, 0x86, 0xdd), put_ether(b, 0x88e5);
}
static void ether_many_tags(struct build *b)
{
    put_plain4(b), PUT(b, 0, 1, 0, 2, 8, 0), PUT(b, 1, 1, 0, 1, 0, 5, 0x89, 0x26);
    put_vlan(b, 11, 0x8909), put_ether(b, 0x8100);
}

static void ether_vlan(struct build *b)
{
    put_plain4(b), put_vlan(b, 5, 0x800), put_ether(b, 0x8100);
}
static void ether_priority(struct build *b)
{
    put_plain4(b);
    if (b->reply)
        put_vlan(b, 0, 0x0800), put_ether(b, 0x8100);
    else
        put_ether(b, 0x0800);
}
static void ether_qinq(struct build *b)
{
    put_plain6(b), put_vlan(b, 5, 0x86dd), put_vlan(b, 6, 0x8100), put_ether(b, 0x88a8);
}
static void ether_old_qinq(struct build *b)
{
    put_plain4(b), put_vlan(b, 7, 0x0800), put_vlan(b, 6, 0x9200), put_vlan(b, 5, 0x9100);
    put_ether(b, 0x9300);
}
static void ether_snap(struct build *b)
{
    put_plain4(b), put_snap(b, 0x0800);
    put_ether(b, (unsigned)build_size(b));
}
static void ether_vlan_snap(struct build *b)
{
    put_plain6(b), put_snap(b, 0x86dd);
    put_vlan(b, 5, (unsigned)build_size(b)), put_ether(b, 0x8100);
}
static void ether_llc_ip(struct build *b)
{
    put_plain4(b), PUT(b, 6, 6, 3);
    put_ether(b, (unsigned)build_size(b));
}
static void put_label(struct build *b, unsigned label, bool bottom)
{
    put32(b, (b->reply ? label + 100 : label) << 12 | (bottom ? 0x100u : 0) | 64);
}
static void ether_mpls(struct build *b)
{
    put_plain4(b), put_label(b, 16, true), put_ether(b, 0x8847);
}
static void ether_mpls_stack(struct build *b)
{
    put_plain6(b), put_label(b, 18, true), put_label(b, 17, false), put_label(b, 16, false);
    put_ether(b, 0x8848);
}
static void ether_pseudowire(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    put_label(b, 16, true), put_ether(b, 0x8847);
}
static void ether_pseudowire_control(struct build *b)
{
    put_plain4(b), put_vlan(b, 9, 0x0800), put_ether(b, 0x8100);
    PUT(b, 0, 0, 0, b->reply ? 8 : 9), put_label(b, 16, true), put_ether(b, 0x8847);
}
/* A destination address that begins like an IP version. */
static void ether_pseudowire_4x(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    memcpy(build_packet(b), (uint8_t[]){0x45, 0, 0xff, 0xff}, 4);
    put_label(b, 16, true), put_ether(b, 0x8847);
}
static void ether_pseudowire_6x(struct build *b)
{
    put_plain4(b), put_ether(b, 0x0800);
    memcpy(build_packet(b), (uint8_t[]){0x60, 0, 0, 0, 0xff, 0xff}, 6);
    put_label(b, 16, true), put_ether(b, 0x8847);
}
static void ether_pppoe(struct build *b)
{
    link_pppoe(b), put_ether(b, 0x8864);
}
static void ether_teb(struct build *b)
{
    link_ether(b), put_ether(b, 0x6558);
}
static void ether_pbb(struct build *b)
{
    link_ether(b), PUT(b, b->reply ? 0x60 : 0, 0, 0x12, 0x34), put_ether(b, 0x88e7);
}

static const struct wrapping links[] = {
    {"Ethernet", 1, link_ether, PLAIN},
    {"Ethernet, IPv6", 1, link_ether6, PLAIN},
    {"Ethernet, padded", 1, link_padded, PLAIN},
    {"raw IPv4", 101, link_raw4, PLAIN},
    {"raw IPv6", 101, link_raw6, PLAIN},
    {"raw 12", 12, link_raw4, PLAIN},
    {"raw 14", 14, link_raw6, PLAIN},
    {"IPV4", 228, link_raw4, PLAIN},
    {"IPV6", 229, link_raw6, PLAIN},
    {"NULL little", 0, link_null_le, PLAIN},
    {"NULL big", 0, link_null_be, PLAIN},
    {"NULL BSD", 0, link_null_bsd, PLAIN},
    {"NULL FreeBSD", 0, link_null_freebsd, PLAIN},
    {"NULL Darwin", 0, link_null_darwin, PLAIN},
    {"NULL Linux", 0, link_null_linux, PLAIN},
    {"LOOP", 108, link_null_be, PLAIN},
    {"SLL", 113, link_sll, PLAIN},
    {"SLL IPv6", 113, link_sll6, PLAIN},
    {"SLL LLC", 113, link_sll_llc, PLAIN},
    {"SLL VLAN", 113, link_sll_vlan, APART},
    {"SLL2", 276, link_sll2, PLAIN},
    {"PPP", 9, link_ppp, PLAIN},
    {"PPP IPv6", 9, link_ppp6, PLAIN},
    {"PPP framed", 9, link_ppp_framed, PLAIN},
    {"PPP compressed", 9, link_ppp_compressed, PLAIN},
    {"PPP both", 9, link_ppp_framed_compressed, PLAIN},
    {"PPP MPLS", 9, link_ppp_mpls, PLAIN},
    {"PPP HDLC", 50, link_ppp_framed, PLAIN},
    {"Cisco HDLC", 50, link_cisco, PLAIN},
    {"Cisco HDLC multicast", 104, link_cisco_multicast, PLAIN},
    {"PPP_ETHER", 51, link_pppoe, APART},
    {"NFLOG little", 239, link_nflog_le, PLAIN},
    {"NFLOG big", 239, link_nflog_be, PLAIN},
    {"802.11", 105, link_wifi, PLAIN},
    {"802.11 QoS", 105, link_wifi_qos, PLAIN},
    {"802.11 four addresses", 105, link_wifi_wds, PLAIN},
    {"802.11 HT control", 105, link_wifi_htc, PLAIN},
    {"802.11 A-MSDU", 105, link_wifi_amsdu, PLAIN},
    {"radiotap", 127, link_radiotap, PLAIN},
    {"radiotap padded", 127, link_radiotap_pad, PLAIN},
    {"Prism", 119, link_prism, PLAIN},
    {"Prism big-endian", 119, link_prism_be, PLAIN},
    {"AVS", 119, link_avs, PLAIN},
    {"PPPD", 166, link_pppd, PLAIN},
    {"IPNET", 226, link_ipnet, PLAIN},
    {"InfiniBand", 242, link_infiniband, PLAIN},
    {"Juniper", 178, link_juniper, PLAIN},
    {"Juniper, extended", 178, link_juniper_extended, PLAIN},
    {"Juniper, no link header", 178, link_juniper_bare, PLAIN},
    {"PFLOG", 117, link_pflog, PLAIN},
    {"PFLOG, IPv6", 117, link_pflog6, PLAIN},
    {"SLIP", 8, link_slip, PLAIN},
    {"PPP, direction", 204, link_ppp_direction, PLAIN},
    {"IEEE 1394", 138, link_ieee1394, PLAIN},
    {"netANALYZER", 240, link_netanalyzer, PLAIN},
    {"netANALYZER, transparent", 241, link_netanalyzer_transparent, PLAIN},
    {"netANALYZER, less of the preamble", 241, link_netanalyzer_short, PLAIN},
    {"PKTAP", 258, link_pktap, PLAIN},
    {"PKTAP, loopback", 258, link_pktap_loop, PLAIN},
    {"PKTAP, raw", 258, link_pktap_raw, PLAIN},
    {"PKTAP big-endian", 258, link_pktap_be, PLAIN},
    {"PPI", 192, link_ppi, PLAIN},
    {"PPI with fields", 192, link_ppi_fields, PLAIN},
    {"DSA Broadcom", 281, link_dsa, PLAIN},
    {"DSA, length", 281, link_dsa_snap, PLAIN},
    {"DSA in front", 282, link_dsa_front, PLAIN},
    {"DSA Marvell", 284, link_dsa, PLAIN},
    {"EDSA", 285, ether_edsa, PLAIN},
    {"EDSA on Ethernet", 1, ether_edsa, PLAIN},
    {"VN-Tag", 1, ether_vn_tag, PLAIN},
    {"E-Tag", 1, ether_e_tag, PLAIN},
    {"Cisco MetaData", 1, ether_metadata, PLAIN},
    {"MACsec", 1, ether_macsec, PLAIN},
    {"MACsec without channel", 1, ether_macsec_bare, PLAIN},
    {"VLAN, group, port", 1, ether_many_tags, APART},
    {"VLAN", 1, ether_vlan, APART},
    {"priority tag", 1, ether_priority, PLAIN},
    {"QinQ", 1, ether_qinq, APART},
    {"QinQ, old types", 1, ether_old_qinq, APART},
    {"802.3 SNAP", 1, ether_snap, PLAIN},
    {"VLAN SNAP", 1, ether_vlan_snap, APART},
    {"802.3 LLC IP", 1, ether_llc_ip, PLAIN},
    {"MPLS", 1, ether_mpls, PLAIN},
    {"MPLS stack", 1, ether_mpls_stack, PLAIN},
    {"pseudowire", 1, ether_pseudowire, PLAIN},
    {"pseudowire, control word", 1, ether_pseudowire_control, APART},
    {"pseudowire, 4x address", 1, ether_pseudowire_4x, PLAIN},
    {"pseudowire, 6x address", 1, ether_pseudowire_6x, PLAIN},
    {"PPPoE", 1, ether_pppoe, APART},
    {"TEB", 1, ether_teb, PLAIN},
    {"802.1ah", 1, ether_pbb, APART},
};

static void test_every_link(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) check_wrapping(&links[i]);
}

static void vlan_6(struct build *b)
{
    put_plain4(b), put_vlan(b, 6, 0x0800), put_ether(b, 0x8100);
}
static void vlan_6_5(struct build *b)
{
    put_plain4(b), put_vlan(b, 6, 0x0800), put_vlan(b, 5, 0x8100), put_ether(b, 0x88a8);
}

static void test_distinct(void **state)
{
    (void)state;
    static const struct wrapping different[] = {
        {"VLAN 5", 1, ether_vlan, APART},    {"VLAN 6", 1, vlan_6, APART},
        {"6 in 5", 1, vlan_6_5, APART},      {"5 in 6", 1, ether_qinq, APART},
        {"three", 1, ether_old_qinq, APART}, {"PPPoE", 1, ether_pppoe, APART},
        {"backbone", 1, ether_pbb, APART},   {"VLAN 9", 1, ether_pseudowire_control, APART},
    };
    check_distinct(different, sizeof different / sizeof *different);
}

static void test_refused(void **state)
{
    (void)state;
    static struct build b;
    static const struct {
        const char *name;
        uint32_t link;
        enum wst_net_result result;
        void (*put)(struct build *b);
        size_t at;  /* this byte … */
        uint8_t to; /* … becomes this */
    } cases[] = {
        {"unknown link", 4711, WST_NET_UNKNOWN_LINK, link_ether, 0, 0},
        {"ARP", 1, WST_NET_OTHER, link_ether, 13, 6},
        {"wrong version", 1, WST_NET_SHORT, link_ether, 14, 0x65},
        {"raw version 5", 101, WST_NET_OTHER, link_raw4, 0, 0x55},
        {"802.11 management", 105, WST_NET_OTHER, link_wifi, 0, 0x80},
        {"802.11 null", 105, WST_NET_OTHER, link_wifi, 0, 0x48},
        {"802.11 protected", 105, WST_NET_OTHER, link_wifi, 1, 0x41},
        {"802.11 fragment", 105, WST_NET_OTHER, link_wifi, 22, 0x01},
        {"PPP LCP", 9, WST_NET_OTHER, link_ppp, 0, 0xc0},
        {"PPPoE discovery", 1, WST_NET_OTHER, ether_pppoe, 15, 0x09},
        {"LLC spanning tree", 1, WST_NET_OTHER, ether_llc_ip, 14, 0x42},
        {"SLL netlink", 113, WST_NET_OTHER, link_sll, 14, 0},
        {"MACsec encrypted", 1, WST_NET_OTHER, ether_macsec, 14, 0x2c},
        {"MACsec changed", 1, WST_NET_OTHER, ether_macsec, 14, 0x24},
        {"MACsec version", 1, WST_NET_OTHER, ether_macsec, 14, 0xa0},
        {"MetaData version", 1, WST_NET_OTHER, ether_metadata, 14, 2},
        {"MetaData length", 1, WST_NET_OTHER, ether_metadata, 15, 2},
        {"PFLOG too short", 117, WST_NET_OTHER, link_pflog, 0, 44},
        {"PFLOG longer than the packet", 117, WST_NET_SHORT, link_pflog, 0, 255},
        {"netANALYZER, the FCS is wrong", 240, WST_NET_OTHER, link_netanalyzer, 0, 4},
        {"netANALYZER, a pin", 240, WST_NET_OTHER, link_netanalyzer, 1, 0x49},
        {"netANALYZER, a tick", 240, WST_NET_OTHER, link_netanalyzer, 3, 0x30},
        {"netANALYZER, no preamble", 241, WST_NET_OTHER, link_netanalyzer, 0, 0},
        {"netANALYZER, damaged preamble", 241, WST_NET_OTHER, link_netanalyzer_transparent, 6,
         0x54},
        {"Juniper magic", 178, WST_NET_OTHER, link_juniper, 0, 'm'},
        {"PKTAP without packet", 258, WST_NET_OTHER, link_pktap, 4, 0},
        {"PPI in PKTAP", 258, WST_NET_OTHER, link_pktap, 8, 192},
        {"PKTAP unknown", 258, WST_NET_UNKNOWN_LINK, link_pktap, 8, 77},
        {"PKTAP too short", 258, WST_NET_OTHER, link_pktap, 0, 11},
        {"PPI version", 192, WST_NET_OTHER, link_ppi, 0, 1},
        {"PPI in PPI", 192, WST_NET_OTHER, link_ppi, 4, 192},
        {"PPI too short", 192, WST_NET_OTHER, link_ppi, 2, 7},
        {"NULL other family", 0, WST_NET_OTHER, link_null_be, 3, 7},
    };
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        b.at = BUILD_ROOM;
        cases[i].put(&b);
        size_t n = build_size(&b);
        if (cases[i].to)
            build_packet(&b)[cases[i].at] = cases[i].to;
        else if (cases[i].at)
            build_packet(&b)[cases[i].at] = 0;
        struct shot shot = shoot(net, cases[i].link, build_packet(&b), n, n, 0);
        if (shot.result != cases[i].result) fail_msg("%s: %d", cases[i].name, shot.result);
        free(shot.bytes);
    }
    assert_false(wst_net_knows_link(4711));
    wst_net_free(net);
}

/* The frame check sequence is no payload where IP gives no length. */
static void test_fcs(void **state)
{
    (void)state;
    static struct build b;
    b.at = BUILD_ROOM;
    put32(&b, 0xfcfcfcfc);
    put_tcp(&b, build_text, strlen(build_text), 0);
    put_ipv4(&b, 1, 6);
    memset(build_packet(&b) + 2, 0, 2); /* total length */
    put_snap(&b, 0x0800), put_wifi(&b, 0x08, 0x01);
    PUT(&b, 0, 0, 9, 0, 2, 0, 0, 0, 0x10);
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    struct shot shot = shoot(net, 127, build_packet(&b), build_size(&b), build_size(&b), 0);
    assert_segment(&shot, false, "FCS");
    free(shot.bytes);
    build_packet(&b)[8] |= 0x40; /* bad */
    shot = shoot(net, 127, build_packet(&b), build_size(&b), build_size(&b), 0);
    assert_int_equal(shot.result, WST_NET_OTHER);
    free(shot.bytes);
    wst_net_free(net);
}

/* Each frame of an A-MSDU is let out: the last one was, and no other that came behind one of TCP.
 */
static void test_aggregate(void **state)
{
    (void)state;
    static struct build b, one;
    b.at = BUILD_ROOM;
    for (unsigned i = 3; i > 0; i--) { /* from the last to the first */
        one.at = BUILD_ROOM;
        put_tcp(&one, build_text, strlen(build_text) - i, 0);
        build_packet(&one)[7] = (uint8_t)i;
        put_ipv4(&one, 1, 6), put_snap(&one, 0x0800);
        unsigned n = (unsigned)build_size(&one);
        if (i < 3) put_zero(&b, (4 - (14 + n) % 4) % 4);
        put(&b, build_packet(&one), n), put16(&b, n), put_zero(&b, 12);
    }
    PUT(&b, 0x80, 0), put_wifi(&b, 0x88, 0x02);
    struct wst_options options = build_options();
    struct wst_net *net = wst_net_new(&options);
    struct wst_packet packet = {.data = {build_packet(&b), build_size(&b)}, .link_type = 105};
    struct wst_segment s;
    enum wst_net_result result;
    assert_int_equal(wst_net_segment(net, &packet, &s), WST_NET_SEVERAL);
    for (size_t i = 0; i < 3; i++) {
        assert_true(wst_net_next(net, &result, &s));
        assert_int_equal(result, WST_NET_TCP);
        assert_int_equal(s.seq & 0xff, i + 1);
        assert_int_equal(s.payload_len, strlen(build_text) - 1 - i);
    }
    assert_false(wst_net_next(net, &result, &s));
    packet.data.n -= 60; /* the last is cut within its headers */
    packet.wire_len = (uint32_t)build_size(&b);
    assert_int_equal(wst_net_segment(net, &packet, &s), WST_NET_SEVERAL);
    assert_true(wst_net_next(net, &result, &s) && result == WST_NET_TCP);
    assert_true(wst_net_next(net, &result, &s) && result == WST_NET_TCP);
    assert_true(wst_net_next(net, &result, &s) && result == WST_NET_SHORT);
    assert_false(wst_net_next(net, &result, &s));
    assert_int_equal(wst_net_segment(net, &packet, &s), WST_NET_SEVERAL);
    packet = (struct wst_packet){.data = {build_packet(&b), 30}, .link_type = 105};
    assert_int_equal(wst_net_segment(net, &packet, &s), WST_NET_SHORT);
    assert_false(wst_net_next(net, &result, &s)); /* nothing is left of the packet before */
    wst_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_link), cmocka_unit_test(test_distinct),
        cmocka_unit_test(test_refused),    cmocka_unit_test(test_fcs),
        cmocka_unit_test(test_aggregate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

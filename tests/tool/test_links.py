#!/usr/bin/env python3
"""Whatever stands before IP, the same is said. Each packet of a capture is put behind another link header, tag or
tunnel; tshark 4.0 or tcpdump 4.99 find the same segments in each of them, but for MPLS, netANALYZER's frames
with a preamble and the types with a direction, which libpcap's registry describes and neither reads."""

import os
import struct

from toolcheck import BASIC, check, directory, done, run

ADDRESSES = bytes.fromhex("020000000002 020000000001")
IP, SNAP, PPP = b"\x08\x00", b"\xaa\xaa\x03\0\0\0\x08\x00", b"\xff\x03\0\x21"


def ethernet(p):
    return ADDRESSES + IP + p


def wifi(p):
    return b"\x08\x01\0\0" + ADDRESSES + bytes.fromhex("020000000003") + b"\0\0" + SNAP + p


def checksum(header):
    total = sum(struct.unpack(f">{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def udp(to, p, source=50000):
    header = struct.pack(">BBHHHBBH", 0x45, 0, 28 + len(p), 7, 0, 64, 17, 0) + bytes([192, 0, 2, 1, 192, 0, 2, 2])
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return ethernet(header + struct.pack(">HHHH", source, to, 8 + len(p), 0) + p)


def pktap(link, size, name):
    return struct.pack("<III", size, 1, link) + name.ljust(size - 12, b"\0")


def pflog(length, size):
    """A packet that was let pass on em0."""
    return (bytes([length, 2, 0, 0]) + b"em0".ljust(16, b"\0") + bytes(16) + b"\0\0\0\3\xff\xff\xff\xff").ljust(size, b"\0")


def netanalyzer(packet, transparent):
    """Of version 1, from port 1, without an error; the frame with its FCS."""
    return struct.pack("<I", (len(packet) + 18) % 4096 << 16 | 1 << 14 | 1 << 10 | transparent << 8)


LINKS = {  # link type, and what becomes of an IP packet
    "PKTAP": (258, lambda p: pktap(1, 108, b"en0") + ethernet(p)),
    "PKTAP of a VPN": (258, lambda p: pktap(12, 108, b"utun0") + p),
    "PKTAP of the loopback": (258, lambda p: pktap(0, 156, b"lo0") + b"\2\0\0\0" + p),
    "PPI": (192, lambda p: struct.pack("<BBHI", 0, 0, 8, 105) + wifi(p)),
    "PPI with fields": (192, lambda p: struct.pack("<BBHIHH", 0, 0, 32, 105, 2, 20) + bytes(20) + wifi(p)),
    "pppd": (166, lambda p: b"\1\3\0\x21" + p),
    "IPNET": (226, lambda p: struct.pack(">BBHIIIII", 1, 2, 4, len(p), 1, 0, 0, 0) + p),
    "InfiniBand": (242, lambda p: bytes(40) + b"\x08\0\0\0" + p),
    "Juniper": (178, lambda p: b"MGC\x80\0\6\1\1\1\2\1\1" + ethernet(p)),
    "Juniper, no link header": (178, lambda p: b"MGC\x83\0\6\1\1\1\2\1\1" + b"\2\0\0\0" + p),
    "Juniper's PPPoE": (167, lambda p: b"MGC\1" + ethernet(p)),
    "Juniper's PPP": (179, lambda p: b"MGC\1" + PPP + p),
    "Juniper's Frame Relay": (180, lambda p: b"MGC\1" + b"\x18\x41\x03\xcc" + p),
    "Juniper's HDLC": (181, lambda p: b"MGC\1" + b"\x0f\0" + IP + p),
    "pf of FreeBSD": (117, lambda p: pflog(61, 64) + p),
    "pf of NetBSD": (117, lambda p: pflog(48, 48) + p),
    "pf of OpenBSD": (117, lambda p: pflog(100, 100) + p),
    "SLIP": (8, lambda p: b"\1" + p[:15] + p),
    "Fibre Channel": (122, lambda p: b"\x10\0" + ADDRESSES[:6] + b"\x10\0" + ADDRESSES[6:] + SNAP + p),
    "IEEE 1394": (138, lambda p: bytes(16) + IP + p),
    "PPP, direction": (204, lambda p: b"\1" + PPP + p),
    "Cisco's HDLC, direction": (205, lambda p: b"\0\x0f\0" + IP + p),
    "Frame Relay, direction": (206, lambda p: b"\1\x18\x41\x03\xcc" + p),
    "MPLS": (219, lambda p: struct.pack(">I", 1000 << 12 | 1 << 8 | 64) + p),
    "netANALYZER": (240, lambda p: netanalyzer(p, 0) + ethernet(p) + bytes(4)),
    "netANALYZER, transparent": (241, lambda p: netanalyzer(p, 2) + b"\x55" * 7 + b"\xd5" + ethernet(p) + bytes(4)),
    "DSA Broadcom": (281, lambda p: ADDRESSES + b"\0\0\0\1" + IP + p),
    "DSA Broadcom, in front": (282, lambda p: b"\0\0\0\1" + ethernet(p)),
    "DSA Marvell": (284, lambda p: ADDRESSES + b"\x60\x08\0\5" + IP + p),
    "EDSA": (285, lambda p: ADDRESSES + b"\xda\xda\0\0\xc0\x08\0\0" + IP + p),
    "VN-Tag": (1, lambda p: ADDRESSES + b"\x89\x26\0\1\0\2" + IP + p),
    "E-Tag": (1, lambda p: ADDRESSES + b"\x89\x3f\0\1\0\2\0\0" + IP + p),
    "Cisco MetaData": (1, lambda p: ADDRESSES + b"\x89\x09\1\1\0\1\0\5" + IP + p),
    "MACsec, not encrypted": (1, lambda p: ADDRESSES + b"\x88\xe5\x20\0\0\0\0\1" + bytes(8) + IP + p + bytes(16)),
    "TZSP": (1, lambda p: udp(37008, b"\1\0\0\1\x0a\1\xd0\0\0\x28\2\1\2\1" + ethernet(p))),
    "TZSP, 802.11": (1, lambda p: udp(37008, b"\1\0\0\x12\1" + wifi(p))),
    "L2TP": (1, lambda p: udp(1701, b"\0\2\0\5\0\6" + PPP + p)),
    "L2TP with everything": (1, lambda p: udp(1701, struct.pack(">HHHHHHHH", 0x4a02, 20 + len(p), 5, 6, 1, 0, 2, 0)
                                              + PPP + p)),
    "Frame Relay": (107, lambda p: b"\x18\x41\x03\xcc" + p),
    "Frame Relay, SNAP": (107, lambda p: b"\x18\x41\x03\0\x80\0\0\0" + IP + p),
    "Frame Relay, bridged": (107, lambda p: b"\x18\x41\x03\0\x80\0\x80\xc2\0\7" + ethernet(p)),
    "Frame Relay, multilink": (182, lambda p: b"\xc0\7\x18\x41\x03\xcc" + p),
    "Sun's ATM": (123, lambda p: b"\x82\0\0\x20" + SNAP + p),
    "Sun's ATM, emulated LAN": (123, lambda p: b"\x01\0\0\x20\0\5" + ethernet(p)),
    "ATM": (100, lambda p: SNAP + p),
    "ATM, bridged": (100, lambda p: b"\xaa\xaa\3\0\x80\xc2\0\7\0\0" + ethernet(p)),
    "Token Ring": (6, lambda p: b"\x10\x40" + ADDRESSES + SNAP + p),
    "Token Ring, routed": (6, lambda p: b"\x10\x40" + ADDRESSES[:6] + b"\x82" + ADDRESSES[7:] + b"\6\x30\0\x11\0\x20" + SNAP
                           + p),
    "FDDI": (10, lambda p: b"\x50" + ADDRESSES + SNAP + p),
    "IPsec, opened": (109, lambda p: b"\0\0\0\2" + bytes(4) + b"\0\0\1\0" + p),
    "NSH": (1, lambda p: ADDRESSES + b"\x89\x4f\x0f\xc6\1\1\0\0\x2a\xff" + bytes(16) + p),
    "B.A.T.M.A.N.": (1, lambda p: ADDRESSES + b"\x43\5\x40\x0f\x32\1" + bytes(6) + ethernet(p)),
    "B.A.T.M.A.N., four addresses": (1, lambda p: ADDRESSES + b"\x43\5\x42\x0f\x32\1" + bytes(12) + b"\1\0" + ethernet(p)),
    "LISP": (1, lambda p: udp(4341, b"\x88\1\2\3\0\0\5\1" + p)),
    "CAPWAP": (1, lambda p: udp(5247, b"\0\x10\2\0\0\0\0\0" + ethernet(p))),
    "CAPWAP from its port": (1, lambda p: udp(50000, b"\0\x10\2\0\0\0\0\0" + ethernet(p), 5247)),
    "CAPWAP, 802.11": (1, lambda p: udp(5247, b"\0\x10\3\0\0\0\0\0" + wifi(p))),
    "CAPWAP, 802.11 turned": (1, lambda p: udp(5247, b"\0\x10\3\0\0\0\0\0" + b"\1\x08" + wifi(p)[2:])),
    "VXLAN-GPE, NSH": (1, lambda p: udp(4790, b"\x0c\0\0\4\0\0\5\0\x0f\xc2\2\1\0\0\x2a\xff" + p)),
    "MPLS in UDP": (1, lambda p: udp(6635, struct.pack(">I", 1000 << 12 | 1 << 8 | 64) + p)),
}

with open(BASIC, "rb") as file:
    capture = file.read()
packets, at = [], 24
while at < len(capture):
    size = int.from_bytes(capture[at + 8:at + 12], "little")
    packets.append((capture[at:at + 8], capture[at + 30:at + 16 + size]))  # its time; what is behind Ethernet
    at += 16 + size


def said(result):
    """All but the source, and how many bytes were captured."""
    return [{k: v for k, v in e.items() if k != "bytes"} for e in result.events() if e["type"] != "meta"]


bare = said(run("--json", BASIC))

with directory() as folder:
    for name, (link, around) in LINKS.items():
        path = os.path.join(folder, "wrapped.pcap")
        with open(path, "wb") as file:
            file.write(capture[:20] + struct.pack("<I", link))
            for when, packet in packets:
                wrapped = around(packet)
                file.write(when + struct.pack("<II", len(wrapped), len(wrapped)) + wrapped)
        result = run("--json", path)
        check(f"{name}: the same is said", said(result) == bare and result.err == b"", result)

    # 802.11 sends several frames as one (A-MSDU): each has its packet. What is said is the same; numbers and times of
    # packets are not.
    path = os.path.join(folder, "aggregated.pcap")
    with open(path, "wb") as file:
        file.write(capture[:20] + struct.pack("<I", 105))
        for i in range(0, len(packets), 4):
            frame = b""
            for _, packet in packets[i:i + 4]:
                frame += bytes(-len(frame) % 4) + ADDRESSES + struct.pack(">H", 8 + len(packet)) + SNAP + packet
            frame = b"\x88\x02\0\0" + ADDRESSES + bytes.fromhex("020000000003") + b"\0\0\x80\0" + frame
            file.write(packets[i][0] + struct.pack("<II", len(frame), len(frame)) + frame)
    result = run("--json", path)
    NOT_THE_SAME = {"ts", "pkt", "first_pkt", "request_pkt", "rtt", "duration", "packets"}
    saved = os.path.join(folder, "saved.pcap")
    run("--only-websocket", "-w", saved, path)
    told = [[{k: v for k, v in e.items() if k not in NOT_THE_SAME} for e in events]
            for events in (bare, said(result), said(run("--json", saved)))]
    check("A-MSDU: the same is said", told[0] == told[1] and result.err == b"", result)
    check("A-MSDU: and of what was saved", told[0] == told[2])

done()

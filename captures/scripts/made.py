#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""File shapes that no recorder writes on demand, made from 01_ws_plain_basic.pcap; and one from
06_tls13_keyupdate.pcap and its key log.

usage: made.py [FOLDER]      the folder holds these and gets made_*, 06_tls13_keyupdate_dsb_last.pcapng
"""
import os
import struct
import sys

ETHERNET, SLL2 = 1, 276


def read(path):
    """The file header's fields, and the packets as (seconds, microseconds, bytes)."""
    with open(path, 'rb') as file:
        data = file.read()
    head = struct.unpack('<IHHiIII', data[:24])
    packets, at = [], 24
    while at < len(data):
        s, us, n, _ = struct.unpack('<IIII', data[at:at + 16])
        packets.append((s, us, data[at + 16:at + 16 + n]))
        at += 16 + n
    return head, packets


def classic(head, packets, order='<'):
    out = struct.pack(order + 'IHHiIII', *head)
    for s, us, p in packets:
        out += struct.pack(order + 'IIII', s, us, len(p), len(p)) + p
    return out


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def two_links(packets):
    """What `dumpcap -i lo -i any` writes: two interfaces, two link types, two snap lengths, every
    packet twice. libpcap refuses such a file."""
    out = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack('<HHI', ETHERNET, 0, 262144))
    out += block(1, struct.pack('<HHI', SLL2, 0, 65535))
    for s, us, p in packets:
        # LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD_LOOPBACK, type, address length
        cooked = p[12:14] + struct.pack('>HIHBB', 0, 1, 772, 4, 6) + bytes(8) + p[14:]
        for interface, later, data in ((0, 0, p), (1, 2, cooked)):
            when = s * 1000000 + us + later
            out += block(6, struct.pack('<IIIII', interface, when >> 32, when & 0xffffffff,
                                        len(data), len(data)) + data)
    return out


def secrets_last(packets, keys):
    """Secrets behind the packets they open, as a recorder writes them that learns them at the end."""
    out = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1))
    out += block(1, struct.pack('<HHI', ETHERNET, 0, 262144))
    for s, us, p in packets:
        when = s * 1000000 + us
        out += block(6, struct.pack('<IIIII', 0, when >> 32, when & 0xffffffff, len(p), len(p)) + p)
    return out + block(10, b'KSLT' + struct.pack('<I', len(keys)) + keys)


def main(folder):
    _, encrypted = read(os.path.join(folder, '06_tls13_keyupdate.pcap'))
    keys = os.path.join(folder, '06_tls13_keyupdate.keys')
    if not os.path.exists(keys):  # as recorded
        keys = os.path.join(folder, '../keys/06_tls13_keyupdate.keys')
    with open(keys, 'rb') as file:
        last = secrets_last(encrypted, file.read())
    with open(os.path.join(folder, '06_tls13_keyupdate_dsb_last.pcapng'), 'wb') as file:
        file.write(last)
    head, packets = read(os.path.join(folder, '01_ws_plain_basic.pcap'))
    small_snaplen = head[:5] + (96,) + head[6:]
    for name, data in (
            ('made_two_links.pcapng', two_links(packets)),
            ('made_bigendian.pcap', classic(head, packets, '>')),
            ('made_snaplen_lies.pcap', classic(small_snaplen, packets)),
            ('made_damaged.pcap', classic(head, packets)[:-20])):
        with open(os.path.join(folder, name), 'wb') as file:
            file.write(data)


if __name__ == '__main__':
    recorded = os.environ.get('WSTRACE_RECORDED') or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), '../../build/recorded')
    main(sys.argv[1] if len(sys.argv) > 1 else os.path.join(recorded, 'captures'))

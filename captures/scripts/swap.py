#!/usr/bin/env python3
"""little-endian nanosecond pcap -> big-endian microsecond pcap"""
import struct, sys
d = open(sys.argv[1], 'rb').read(); h = struct.unpack('<IHHiIII', d[:24]); out = struct.pack('>IHHiIII', 0xa1b2c3d4, *h[1:]); o = 24
while o + 16 <= len(d):
    s, n, c, w = struct.unpack('<IIII', d[o:o+16]); out += struct.pack('>IIII', s, n // 1000, c, w) + d[o+16:o+16+c]; o += 16 + c
open(sys.argv[2], 'wb').write(out)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A TLS handshake that one side leaves without an alert: captures of handshakes that succeeded, cut behind a flight,
and then a FIN or a reset. Said of it: who left, behind which message; and nothing of the sort where nobody can know.
"""
import json
import os
import struct
import subprocess
import sys
import tempfile

from talk import ACK, C2S, FIN, RST, S2C, SOURCE, TOOL, other

PLAIN = struct.Struct('>HHIIBBHHH')  # a TCP header
SEEN = {'tls.unfinished', 'tls.no-key', 'tls.alert'}


class Segment:
    """One packet of an Ethernet or raw-IP capture over IPv4."""

    def __init__(self, head, data, link):
        self.head, self.data, self.at = head, bytearray(data), {1: 14, 101: 0, 228: 0, 113: 16, 276: 20}[link]
        self.tcp = self.at + (self.data[self.at] & 15) * 4
        self.source, self.target, self.seq, self.ack, size, self.flags, *_ = PLAIN.unpack_from(self.data, self.tcp)
        total = struct.unpack_from('>H', self.data, self.at + 2)[0]
        self.body = self.tcp + (size >> 4) * 4
        self.n = self.at + total - self.body

    def bare(self, flags, seq, ack):
        """The same, with nothing in it."""
        data = self.data[:self.tcp + 20]
        struct.pack_into('>H', data, self.at + 2, self.tcp + 20 - self.at)
        PLAIN.pack_into(data, self.tcp, self.source, self.target, seq, ack, 5 << 4, flags, 64000, 0, 0)
        return struct.pack('<IIII', *self.head[:2], len(data), len(data)) + data


def flights(name):
    """Its file header, the packets of its first connection, the way of each."""
    with open(os.path.join(SOURCE, 'captures', name), 'rb') as f:
        raw = f.read()
    link, at, segments = struct.unpack_from('<I', raw, 20)[0], 24, []
    while at < len(raw):
        head = struct.unpack_from('<IIII', raw, at)
        segments.append(Segment(head, raw[at + 16:at + 16 + head[2]], link))
        at += 16 + head[2]
    first = segments[0]
    mine = [s for s in segments if {s.source, s.target} == {first.source, first.target}]
    return raw[:24], mine, [C2S if s.source == first.source else S2C for s in mine]


def left(name, turns, by, flags, only=None):
    """The capture up to so many turns of who speaks; then the end, if there is one. `only`: one way is captured."""
    head, segments, ways = flights(name)
    kept, last, seen = [], None, 0
    place = {}
    for s, way in zip(segments, ways):
        if s.n and way != last:
            seen, last = seen + 1, way
        if seen > turns:
            break
        place[way] = ((s.seq + s.n + (s.flags >> 1 & 1)) & 0xffffffff, s)
        if only in (None, way):
            kept.append(struct.pack('<IIII', *s.head) + s.data)
    if flags:
        kept.append(place[by][1].bare(flags, place[by][0], place[other(by)][0]))
    with tempfile.NamedTemporaryFile(suffix='.pcap') as f:
        f.write(head + b''.join(kept))
        f.flush()
        run = subprocess.run([TOOL, '--json', f.name], stdout=subprocess.PIPE, check=True)
    events = [json.loads(line) for line in run.stdout.splitlines()]
    return [(e['id'], e['dir'], e['detail']) for e in events if e['type'] == 'problem' and e['id'] in SEEN]


TLS13, TLS12 = '06_tls13_aes128gcm.pcap', '06_tls12_ecdhe_rsa_aes128sha.pcap'
NO_KEY = ('tls.no-key', None, '')
ROWS = [
    ('TLS 1.3, the client closes', (TLS13, 2, C2S, FIN | ACK),
     ('tls.unfinished', 'c2s', "the client closed the connection during the handshake, behind the server's ServerHello and what it sealed")),
    ('TLS 1.3, the client resets', (TLS13, 2, C2S, RST | ACK),
     ('tls.unfinished', 'c2s', "the client reset the connection during the handshake, behind the server's ServerHello and what it sealed")),
    ('TLS 1.3, the server does not answer', (TLS13, 1, S2C, FIN | ACK),
     ('tls.unfinished', 's2c', "the server closed the connection during the handshake, behind the client's ClientHello")),
    ('TLS 1.2, the client closes', (TLS12, 2, C2S, FIN | ACK),
     ('tls.unfinished', 'c2s', "the client closed the connection during the handshake, behind the server's ServerHelloDone")),
    ('TLS 1.2, the server does', (TLS12, 3, S2C, RST | ACK),
     ('tls.unfinished', 's2c', "the server reset the connection during the handshake, behind the client's change_cipher_spec")),
    ('TLS 1.3, the capture ends', (TLS13, 2, C2S, 0), NO_KEY),
    ('TLS 1.2, the capture ends', (TLS12, 2, C2S, 0), NO_KEY),
    ('TLS 1.3, through', (TLS13, 3, C2S, FIN | ACK), NO_KEY),
    ('TLS 1.2, through', (TLS12, 4, C2S, FIN | ACK), NO_KEY),
    ('only the client is captured', (TLS13, 1, C2S, FIN | ACK, C2S), NO_KEY),
]


def main():
    wrong = 0
    for name, how, want in ROWS:
        have = left(*how)
        if '--show' in sys.argv:
            print(name, have)
        fits = len(have) == 1 and have[0][:2] == want[:2] and want[2] in have[0][2]
        if not fits:
            wrong += 1
            print(f'WRONG  {name}: {have} instead of {want}')
    print(f'{len(ROWS)} handshakes, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

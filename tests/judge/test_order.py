#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Events come in the order of the packets that complete them (docs/EVENTS.md), also where a QUIC connection was closed
while packets that its peer had were not captured: they are waited for, other connections go on meanwhile, and then
the capture ends.
"""
import itertools
import json
import os
import struct
import subprocess
import sys
import tempfile

from talk import SOURCE, TOOL

FIRST, THEN = '07_h3_basic', '07_h3_ends'
LAST = 8  # packets of the first, of which any two are left out
START = 1_790_000_000_000_000


def packets(name):
    """The file's header; microseconds since its first packet, and bytes."""
    with open(os.path.join(SOURCE, 'captures', name + '.pcap'), 'rb') as f:
        raw = f.read()
    at, out = 24, []
    while at < len(raw):
        seconds, us, n, _ = struct.unpack_from('<IIII', raw, at)
        out.append((seconds * 1_000_000 + us, raw[at + 16:at + 16 + n]))
        at += 16 + n
    return raw[:24], [(us - out[0][0], data) for us, data in out]


def events(head, rows, keys):
    with tempfile.TemporaryDirectory() as d:
        path = os.path.join(d, 'c.pcap')
        with open(path, 'wb') as f:
            f.write(head)
            for us, data in rows:
                f.write(struct.pack('<IIII', (START + us) // 1_000_000, (START + us) % 1_000_000, len(data), len(data)) + data)
        run = subprocess.run([TOOL, '--json', '--keylog', keys, path], stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def main():
    wrong, n = 0, 0
    head, first = packets(FIRST)
    then = [(first[-1][0] + 1000 + us, data) for us, data in packets(THEN)[1][:40]]
    with tempfile.NamedTemporaryFile() as keys:
        for name in FIRST, THEN:
            with open(os.path.join(SOURCE, 'captures', name + '.keys'), 'rb') as f:
                keys.write(f.read())
        keys.flush()
        for lost in itertools.combinations(range(len(first) - LAST, len(first) - 1), 2):
            rows = [row for i, row in enumerate(first) if i not in lost]
            told = events(head, rows + then, keys.name)
            order = [(e['pkt'], e['ts']) for e in told if 'pkt' in e]
            n += 1
            if not any(e['type'] == 'end' for e in told) or order != sorted(order):
                wrong += 1
                print(f'WRONG  without the packets {lost}: {order}')
    print(f'{n} captures, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A capture of all interfaces sees what goes through a VLAN twice: with its tag, or with one for each direction, and
without, a little later or sooner. It is one connection all the same, and told once.

In:  captures (classic pcap, Ethernet) whose connections begin in them. Out: a line a delay. Exit status 1 when of any
     connection another timeline is told than of the capture as it is; when another number of connections is told where
     none of the SYNs is in the capture, or not its first half; or when, the tagged SYNs not captured, the client is
     said to have used its key for two connections.

usage: networks.py [--tool WSTRACE] [--by MILLISECONDS]... [-v] [CAPTURE...]
"""
import argparse
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import shuffle  # noqa: E402

CAPTURES = os.path.join(HERE, '../../captures')
SPARED = {'07_h3_missing_5'}  # what is missing of QUIC is told when so many packets came behind it
SYN = 2
TAG = b'\x81\0\0'
PLACES = ('ts', 'pkt', 'conn', 'first_pkt', 'request_pkt', 'tcp_stream', 'rtt', 'duration')  # of a packet: not the same


def is_syn(p):
    return p.flow and p.data[14 + (p.data[14] & 15) * 4 + 13] & SYN


def tagged_by(p, split):
    """`split`: what the greater end sends has another tag."""
    return p.data[:12] + TAG + (b'\7' if not split or not p.flow or p.flow[:2] < p.flow[2:] else b'\t') + p.data[12:]


def doubled(data, by, split=False, syns=True, behind=False):
    """The capture with every packet once more, tagged, `by` seconds later; or all but the SYNs."""
    head, packets = shuffle.read_classic(data)
    unit = 10**9 if head[:4] == b'\x4d\x3c\xb2\xa1' else 10**6
    timed = []
    for n, p in enumerate(packets):
        at = p.when[0] * unit + p.when[1]
        timed.append((at, n, 0, p))
        if syns or not is_syn(p):
            timed.append((at + round(by * unit), n, 1, p))
    timed.sort(key=lambda t: (behind and t[2], t[0], t[1], t[2] if by >= 0 else -t[2]))
    out = [shuffle.Packet(p.when, tagged_by(p, split)) if tagged else p for _, _, tagged, p in timed]
    return shuffle.write_classic(head, out, [divmod(t[0], unit) for t in timed])


def joined(data, share):
    """The capture without its SYNs, and without a share of its packets before."""
    head, packets = shuffle.read_classic(data)
    left = [p for n, p in enumerate(packets) if n >= len(packets) * share and not is_syn(p)]
    return shuffle.write_classic(head, left, [p.when for p in left])


def told(tool, path, keys, whole=True):
    """What is said of each connection; what is said of none. None: not all connections begin in it, as `whole` asks."""
    words = [tool, '--json', *(['--keylog', keys] if os.path.exists(keys) else []), path]
    lines = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout
    connections = {}
    for line in lines.splitlines():
        event = json.loads(line)
        if event['type'] in ('meta', 'stats') or event.get('conn') is None:
            continue
        connections.setdefault(event['conn'], []).append(
            re.sub(r'packet \d+', 'packet', json.dumps({k: v for k, v in event.items() if k not in PLACES})))
        if whole and event.get('id') in ('handshake.picked-up', 'stream.picked-up'):
            return None
    return sorted(connections.values())


def keys_of_copies(tool):
    """Behind all the others, as of another interface: the copy of the request comes behind the first answer."""
    with open(os.path.join(CAPTURES, '01_ws_plain_basic.pcap'), 'rb') as file:
        data = doubled(file.read(), 0.00001, syns=False, behind=True)
    with tempfile.NamedTemporaryFile(suffix='.pcap') as copy:
        copy.write(data)
        copy.flush()
        found = told(tool, copy.name, '')
    reused = [line for connection in found for line in connection if 'handshake.key-reused' in line]
    print(f'tagged behind all, without SYNs: {len(found)} connections, {len(reused)} with a key of another')
    return len(found) == 2 and not reused


def begun_before(tool, captures, share, split):
    """Neither network has the SYNs: as many connections are told as of one network alone."""
    done = wrong = 0
    with tempfile.TemporaryDirectory(prefix='wstrace-networks-') as scratch:
        for path in captures:
            keys, copy = os.path.splitext(path)[0] + '.keys', os.path.join(scratch, 'joined.pcap')
            counts = []
            try:
                with open(path, 'rb') as file:
                    data = joined(file.read(), share)
                for data in (data, doubled(data, 0.00001, split)):
                    with open(copy, 'wb') as file:
                        file.write(data)
                    counts.append(len(told(tool, copy, keys, whole=False)))
            except ValueError:
                continue  # another link type
            done += 1
            if counts[0] != counts[1]:
                wrong += 1
                print(f'  DIFFERS {path}: {counts[0]} connections, {counts[1]} when seen twice')
    print(f'begun before{" by direction" if split else ""}, {share:.0%} cut off: {done} captures compared, {wrong} differ')
    return wrong + (not done)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--by', type=float, action='append', help='milliseconds that the tagged ones are late')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('captures', nargs='*')
    options = parser.parse_args()
    captures = options.captures or sorted(glob.glob(os.path.join(CAPTURES, '*.pcap')))
    bad = not keys_of_copies(options.tool)
    for share, split in ((0, False), (0.5, True)):
        bad += begun_before(options.tool, captures, share, split)
    for by, split in itertools.product(options.by or (-0.01, 0.01), (False, True)):
        done = wrong = 0
        with tempfile.TemporaryDirectory(prefix='wstrace-networks-') as scratch:
            for path in captures:
                name = os.path.splitext(os.path.basename(path))[0]
                copy, keys = os.path.join(scratch, 'twice.pcap'), os.path.splitext(path)[0] + '.keys'
                try:
                    with open(path, 'rb') as file:
                        data = doubled(file.read(), by / 1000, split)
                except ValueError:
                    continue  # another link type
                with open(copy, 'wb') as file:
                    file.write(data)
                once = told(options.tool, path, keys)
                if not once or name in SPARED:
                    continue
                twice = told(options.tool, copy, keys)
                done += 1
                if once == twice:
                    continue
                wrong += 1
                print(f'  DIFFERS {name}: {len(once)} connections, {len(twice or [])} when seen twice')
                if options.verbose:
                    for a, b in zip(once, twice or []):
                        for x, y in zip(a, b):
                            if x != y:
                                print(f'      {x[:300]}\n      {y[:300]}')
                                break
        print(f'tagged{" by direction" if split else ""} {by:+g} ms: {done} captures compared, {wrong} differ')
        bad += wrong + (not done)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

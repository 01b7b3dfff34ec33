#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What real taps do to a capture blames nobody.

The connections of rules.py, and captures of real endpoints, once more as taps have them: packets cut, the beginning
or the end missing, one direction missing for a while, bursts lost, everything twice, before and behind a router or a
NAT, two taps with clocks apart, answers before their questions. Of each connection nobody is blamed for what the whole
of it does not show, no message is certain that was not sent, and no end is clean that was not.
usage: test_taps.py [--seed N] [--seeds COUNT] [--tap NAME] [--keep FOLDER] [CAPTURE...]
"""
import argparse
import collections
import json
import os
import random
import socket
import struct
import subprocess
import sys
import tempfile

from talk import SOURCE, TOOL, classic
from test_impaired import ALSO, OF_CAPTURE, play

PEER = ('handshake', 'frame', 'message', 'close', 'control')
SOUND = {'handshake.refusal-body', 'handshake.no-response', 'message.compressed-larger'}  # no frame is broken
RECORD = struct.Struct('<IIII')
REAL = ['01_ws_plain_basic', '01_ws_plain_closes', '01_ws_plain_frag', '02_pmd_default', '02_pmd_no_ctx_server',
        '03_jetty', '03_py_autobahn_client', '04_go', '05_rfc6455_examples', '08_socketio_websocket',
        '06_tls12_cbc_no_etm', '06_tls13_ccm', '07_h2c_prior', '07_h2_node_tls12', '07_h2_two_streams', '07_h3_basic',
        '07_h3_ends', '07_h3_quicgo_early', '07_h3_v2_retry', '07_h3_refused', '07_h3_many', '07_h3_migration', '07_h2c_upgrade', '05_cowboy']


class Packet:
    """Of a capture: Ethernet, IPv4, TCP or UDP."""
    __slots__ = ('ns', 'data', 'length', 'key', 'way', 'size', 'tcp', 'number')

    def __init__(self, ns, data, length, number=0):
        self.ns, self.data, self.length, self.key, self.way, self.size, self.tcp = ns, data, length, None, 0, 0, 0
        self.number = number  # in the capture of which it is, also when it was copied from there
        if len(data) < 54 or data[12:14] != b'\x08\0' or data[23] not in (6, 17):
            return
        at = 14 + (data[14] & 15) * 4
        ends = (data[26:30], data[at:at + 2]), (data[30:34], data[at + 2:at + 4])
        self.key, self.way, self.tcp = tuple(sorted(ends)), int(ends[0] > ends[1]), at
        head = (data[at + 12] >> 4) * 4 if data[23] == 6 else 8
        self.size = int.from_bytes(data[16:18], 'big') + 14 - at - head  # of the payload

    def but(self, ns=None, data=None):
        p = Packet(self.ns if ns is None else ns, self.data if data is None else data, self.length, self.number)
        p.key, p.way, p.size, p.tcp = self.key, self.way, self.size, self.tcp
        return p


def read(data):
    little = data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1')
    record = RECORD if little else struct.Struct('>IIII')
    unit = 1 if b'\x3c' in data[:4] else 1000
    out, at = [], 24
    while at + 16 <= len(data):
        s, f, n, length = record.unpack_from(data, at)
        out.append(Packet(s * 10**9 + f * unit, data[at + 16:at + 16 + n], length, len(out) + 1))
        at += 16 + n
    return out


def written(packets):
    out = [struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, 1)]
    for p in packets:
        length = max(p.length, len(p.data))
        out += [RECORD.pack(p.ns // 10**9, p.ns % 10**9, len(p.data), length), p.data]
    return b''.join(out)


# -- taps: the packets of one connection, as they have it ----------------------------------------------

def cut(packets, rng):
    n = rng.choice((54, 60, 68, 96, 128, 200))
    return [p.but(data=p.data[:n]) for p in packets]


def some_cut(packets, rng):
    return [p.but(data=p.data[:rng.randint(54, max(54, len(p.data)))]) if rng.random() < 0.2 else p for p in packets]


def late(packets, rng):
    return packets[rng.randrange(len(packets)):]


def early(packets, rng):
    return packets[:rng.randrange(len(packets)) + 1]


def within(packets, rng):
    a, b = sorted(rng.randrange(len(packets) + 1) for _ in range(2))
    return packets[a:b]


def one_way(packets, rng):
    """One direction is missing for a while."""
    way = rng.randrange(2)
    a, b = sorted(rng.randrange(len(packets) + 1) for _ in range(2))
    return [p for i, p in enumerate(packets) if not (a <= i < b and p.way == way)]


def one_side(packets, rng):
    way = rng.randrange(2)
    return [p for p in packets if p.way == way]


def burst(packets, rng):
    a = rng.randrange(len(packets))
    b = a + rng.randint(1, 12)
    return packets[:a] + packets[b:]


def but_one(packets, rng):
    a = rng.randrange(len(packets))
    return packets[:a] + packets[a + 1:]


def mirrored(packets, rng):
    return [q for p in packets for q in (p, p.but(ns=p.ns + rng.randint(0, 3000)))]


def checksummed(head):
    head = head[:10] + b'\0\0' + head[12:]
    s = sum(struct.unpack(f'>{len(head) // 2}H', head))
    s = (s & 0xffff) + (s >> 16)
    s = ~(s + (s >> 16)) & 0xffff
    return head[:10] + struct.pack('>H', s) + head[12:]


def routed_packet(p, rng):
    data = bytearray(p.data)
    data[22] -= 1
    end = 14 + (data[14] & 15) * 4
    data[14:end] = checksummed(bytes(data[14:end]))
    return p.but(ns=p.ns + rng.randint(1000, 90000), data=bytes(data))


def merged(a, b):
    return sorted(a + b, key=lambda p: p.ns)


def lossy(packets, rng, much=0.05):
    return [p for p in packets if rng.random() >= much]


def routed(packets, rng):
    """Before and behind a router, each with losses of its own."""
    return merged(lossy(packets, rng), lossy([routed_packet(p, rng) for p in packets], rng))


def tagged(packets, rng):
    """With a VLAN tag, too."""
    tag = [p.but(ns=p.ns + rng.randint(0, 90000), data=p.data[:12] + b'\x81\0\0\x2a' + p.data[12:]) for p in packets]
    for p in tag:
        p.length += 4
    return merged(lossy(packets, rng), lossy(tag, rng))


def clocks(packets, rng):
    """Two taps, a direction each, whose clocks are apart."""
    way, by = rng.randrange(2), rng.choice((-1, 1)) * rng.choice((100_000, 1_000_000, 20_000_000, 300_000_000))
    return sorted((p.but(ns=p.ns + by) if p.way == way else p for p in packets), key=lambda p: p.ns)


def set_back(packets, rng):
    """The clock is set back, once."""
    a, by = rng.randrange(len(packets)), rng.choice((10**6, 10**9, 3600 * 10**9, 10**15))
    return packets[:a] + [p.but(ns=p.ns - by) for p in packets[a:]]


def set_forward(packets, rng):
    """… or forward: a pause, for all that packets say."""
    a, by = rng.randrange(len(packets)), rng.choice((10**6, 10**9, 3600 * 10**9, 10**15))
    return packets[:a] + [p.but(ns=p.ns + by) for p in packets[a:]]


def again(packets, rng):
    """Segments that were lost before the tap: it sees what was sent again, later, and what came behind it first."""
    out, wait = [], []
    for p in packets:
        if p.size > 0 and rng.random() < 0.15:
            wait.append((rng.randint(1, 6), p))
            continue
        out.append(p)
        wait = [(n - (p.way == q.way), q) for n, q in wait]
        out += [q.but(ns=p.ns) for n, q in wait if n <= 0]
        wait = [(n, q) for n, q in wait if n > 0]
    return out + [q.but(ns=packets[-1].ns) for _, q in wait]


def crossed(packets, rng):
    """Answers before their questions: neighbours of other directions change places."""
    out = list(packets)
    for i in range(len(out) - 1):
        near = out[i + 1].ns - out[i].ns < 10**8
        if near and out[i].way != out[i + 1].way and rng.random() < 0.4:
            a, b = out[i], out[i + 1]
            out[i], out[i + 1] = b.but(ns=a.ns), a.but(ns=b.ns)
    return out


def spotted(packets, rng):
    """Bad in all ways at once."""
    return crossed(burst(one_way(lossy(packets, rng, 0.1), rng) or packets, rng) or packets, rng)


TAPS = {f.__name__: f for f in (cut, some_cut, late, early, within, one_way, one_side, burst, but_one, mirrored,
                                routed, again, tagged, clocks, crossed, spotted)}
# seeds that found something
FOUND = {'burst': (2,), 'crossed': (4,), 'but_one': (4,), 'some_cut': (4, 5), 'tagged': (12, 17, 18, 19)}
CLOCK = {'set_back': set_back}  # of the machine that captures all of them
# What was captured later than half a second or 16 packets after it was acknowledged is no more waited for; what two
# networks have of a connection whose beginning one of them lacks is two connections.
LOSING = 'again', 'tagged'
# Who closes a QUIC connection ends it: what the other's clock puts behind that is not read.
QUIC_LOSING = 'clocks',
# Packets of both close frames wait behind holes, and change places; or one is found only with the bytes behind it.
UNORDERED = 'spotted', 'again'
ASKED = {'set_forward': set_forward}  # the same, only when asked for: --tap


# -- what is said ---------------------------------------------------------------------------------------

class Said:
    """Of one connection."""

    def __init__(self):
        self.found, self.messages, self.ends, self.texts, self.negative = set(), set(), [], {}, False
        self.accepted = set()  # what was asked for
        self.last = {}  # of each certain message: in which packets it lay


def said(packets, keys=()):
    with tempfile.NamedTemporaryFile(suffix='.pcap') as file:
        file.write(written(packets))
        file.flush()
        done = subprocess.run([TOOL, '--json', '--problems=all', '--max-payload', str(1 << 24), *keys, file.name],
                              capture_output=True, check=False)
    if done.returncode > 2:
        sys.exit(f'status {done.returncode}: {done.stderr.decode(errors="replace")[-2000:]}')
    by, whose = collections.defaultdict(Said), {}
    for line in done.stdout.splitlines():
        e = json.loads(line)
        if e['type'] == 'handshake':
            a, b = (e['client_ip'], e['client_port']), (e['server_ip'], e['server_port'])
            whose[e['conn']] = tuple(sorted((a, b)))
            if e['accepted'] and e['uri']:
                by[whose[e['conn']]].accepted.add(e['uri'])
        if e.get('conn') is None:
            continue
        s = by[whose.get(e['conn'])]
        if e['type'] == 'problem':
            s.found.add((e['id'], e['dir']))
            s.texts[e['id']] = f"{e['level']} {e['id']} {e['dir']}: {e['detail']} (packet {e['pkt']})"
        elif e['type'] == 'message' and e['certain'] and not e['omitted']:
            message = e['op'], e.get('text', e.get('b64'))
            s.messages.add(message)
            s.last.setdefault(message, (e['first_pkt'], e['pkt']))
        elif e['type'] == 'end':
            s.ends.append((e['clean'], e['by'], e['code'], e.get('no_reply')))
            s.negative |= e['duration'] < 0
    return by


def which_of(key, by):
    """Of two connections of a client one has what the other had: which, clocks that are apart do not say."""
    hosts = [ip for ip, _ in key]
    return {'handshake.key-reused'} & {i for k, s in by.items() if [ip for ip, _ in k] == hosts for i, _ in s.found}


def suspects(whole, seen, also, ordered=True):
    """What is said of a connection, and is not of the whole of it."""
    ids = {i for i, _ in whole.found}
    allowed = OF_CAPTURE | ids | also | {ALSO.get(i) for i in ids} | {'handshake.refusal-body'}  # or its beginning
    if 'frame.http' in ids:  # what is left of it is not known to be HTTP
        return
    for i, _ in sorted(seen.found, key=str):
        if i.split('.')[0] in PEER and i not in allowed:
            yield seen.texts[i]
    # Frames of a client speak for an answer that was lost, unless it waits for none.
    for uri in seen.accepted - whole.accepted if 'handshake.early-client-data' not in ids else ():
        yield f'{uri} was not granted'
    sound = all(i in SOUND for i in ids)
    for op, data in seen.messages - whole.messages if sound and whole.ends else ():
        yield f'certain {op} that was not sent: {str(data)[:60]!r}'
    if seen.negative:
        yield 'an end before its handshake'
    for end in seen.ends:
        if end[0] and not any(e[0] for e in whole.ends):
            yield f'a clean end: {end}'
        # Of those that were captured it is the first: where the other side's is missing, that is said.
        known = {(by, c) for _, by, code, _ in whole.ends for c in (code, None)}
        if whole.ends and end[1] and ordered and end[3] != 'unseen' and end[1:3] not in known:
            yield f'closed by the {end[1]} with {end[2]}: {end}, not {whole.ends}'


def whole_until(mine, got):
    """The first packet with bytes, or that begins the connection, which the tap has not as it was."""
    there = {(p.number, len(p.data) - 4 * (p.data[12:14] == b'\x81\0')) for p in got}
    lacks = (p.number for p in mine if (p.size > 0 or p.data[p.tcp + 13] & 2) and (p.number, len(p.data)) not in there)
    return min(lacks, default=1 << 60)


def untold(whole, seen, mine, got):
    """Certain messages that are told no more, as (is all before their end there, what); their own packets are."""
    first = whole_until(mine, got)
    there = {(p.number, len(p.data)) for p in got}
    for message, (begin, end) in whole.last.items():
        own = [p for p in mine if begin <= p.number <= end and p.size > 0]
        if message not in seen.messages and all((p.number, len(p.data)) in there for p in own):
            yield end < first, f'{message[0]} {str(message[1])[:60]!r} of packet {end}'


def ends_of(key):
    """As packets have them."""
    return tuple(sorted((socket.inet_aton(ip), port.to_bytes(2, 'big')) for ip, port in key if ':' not in ip))


def main():
    p = argparse.ArgumentParser()
    p.add_argument('--seed', type=int, default=0)
    p.add_argument('--seeds', type=int, default=2)
    p.add_argument('--tap', action='append')
    p.add_argument('--keep')
    p.add_argument('--lost', action='store_true', help='list what need not be lost, too')
    p.add_argument('captures', nargs='*')
    args = p.parse_args()
    sources, keys = {}, {}
    for name in args.captures or [f'{SOURCE}/captures/{n}.pcap' for n in REAL]:
        with open(name, 'rb') as file:
            sources[os.path.basename(name)] = read(file.read())
        log = name.removesuffix('.pcap') + '.keys'
        if os.path.exists(log):
            keys[os.path.basename(name)] = ('--keylog', log)
    wire, _ = play()
    if not args.captures:
        sources['rules'] = read(classic(wire.packets))
    wrong = judged = 0
    for source, packets in sources.items():
        whole = said(packets, keys.get(source, ()))
        flows = collections.defaultdict(list)
        for q in packets:
            if q.key:
                flows[q.key].append(q)
        for tap in (args.tap or TAPS | CLOCK) if flows else ():
            found = FOUND.get(tap, ()) if args.tap is None else ()
            for seed in {*range(args.seed, args.seed + args.seeds), *found}:
                rng = random.Random(f'{source} {tap} {seed}')
                if tap in CLOCK | ASKED:
                    got = (CLOCK | ASKED)[tap]([q for q in packets if q.key], rng)
                else:
                    got = [q for flow in flows.values() for q in TAPS[tap](flow, rng)]
                    got.sort(key=lambda q: q.ns)
                told, of = said(got, keys.get(source, ())), collections.defaultdict(list)
                for q in got:
                    of[q.key].append(q)
                for key in whole.keys() | told.keys():
                    judged += 1
                    if key not in whole or key is None or ends_of(key) not in flows:
                        continue
                    seen, mine = told.get(key, Said()), ends_of(key)
                    # Of QUIC nothing is known of what a packet acknowledged.
                    tcp = all(q.data[23] == 6 for q in flows[mine])
                    losing = LOSING if tcp else LOSING + QUIC_LOSING
                    wrongs = list(suspects(whole[key], seen, which_of(key, whole), tcp and tap not in UNORDERED))
                    moves = [q for q in packets if q.key and q.data[23] == 17]  # of QUIC: to other addresses
                    were, are = (flows[mine], of[mine]) if tcp or not moves else (moves, got)
                    for must, what in untold(whole[key], seen, were, are):
                        if must and tap not in losing:
                            wrongs.append(f'all is there, but not told: {what}')
                        elif args.lost:
                            print(f'LOST   {source}, {tap}, seed {seed}: {key}: {what}')
                    for what in wrongs:
                        wrong += 1
                        print(f'WRONG  {source}, {tap}, seed {seed}: {key}: {what}')
                        if args.keep:
                            where = '_'.join(str(x) for end in key for x in end)
                            with open(f'{args.keep}/{source}_{tap}_{seed}_{where}.pcap', 'wb') as file:
                                file.write(written([q for q in got if q.key == mine]))
    print(f'{judged} connections, {wrong} wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

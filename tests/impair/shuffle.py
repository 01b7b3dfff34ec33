#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A clean capture, shuffled: packets lost, late, doubled. What wstrace says of it must be true.

In:  classic Ethernet captures with their truth, or none: then sessions made here (two directions, text and
     binary, plain, compressed with and without context takeover, segments that cut frames anywhere).
Out: a line a variant: what was lost and how many of the messages that were captured whole were told right.
     Exit status 1 and the seed when
       - a frame is told that nobody sent, or a message with any other content than that of its frames;
       - an uncertain message shows more than its true beginning;
       - the gaps of a direction do not add up to the bytes that are missing;
       - the clean capture itself differs from its truth;
       - fewer are told than FLOOR says.

usage: shuffle.py [--tool WSTRACE] [--messages N] [--seed N] [--seeds COUNT] [--keep FOLDER]
                  [--loss P] [--reorder P] [--duplicate P] [CAPTURE TRUTH]...
"""
import argparse
import base64
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '../truth'), os.path.join(HERE, '../../captures/scripts')]
import check_truth  # noqa: E402
import wire  # noqa: E402

LATE = 8  # packets by which a reordered one is late at most
# Of the messages that were captured whole, the share that must be told, by the name of the session.
# After a hole without a length the next frame or two help to find the frames again and are told; but with
# context takeover whatever leans on lost bytes stays untold.
FLOOR = {'plain': 0.98, 'no-takeover': 0.98}


# -- sessions ----------------------------------------------------------------------------------

WORDS = 'lorem ipsum dolor sit amet consectetur bid ask last volume open close héllo wörld 日本 😀'.split()


def some_text(rng, i):
    n = rng.choice((1, 3, 5, 9, 20, 60)) if rng.random() < 0.97 else 700
    return json.dumps({'n': i, 'said': ' '.join(rng.choice(WORDS) for _ in range(n))},
                      ensure_ascii=False).encode()


def session(name, messages, seed):
    """(capture, truth lines) of one connection with so many messages."""
    rng = random.Random(seed)
    offer = {'plain': None, 'takeover': 'permessage-deflate',
             'no-takeover': 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'}[name]
    w = wire.Wire(step=50)
    s = wire.Session(w, client=('10.1.0.1', 40000 + seed % 20000), seed=seed).handshake('/shuffle', offer, offer)
    deflaters = {way: offer and wire.Deflater(takeover=name == 'takeover', level=6)
                 for way in (wire.C2S, wire.S2C)}
    done = 0
    while done < messages:
        way = rng.choice((wire.C2S, wire.S2C))
        s.hold(way)
        for _ in range(min(rng.choice((1, 1, 2, 5, 12)), messages - done)):
            z = deflaters[way] if rng.random() < 0.9 else None
            if rng.random() < 0.65:
                opcode, data = wire.TEXT, some_text(rng, done)
            else:
                opcode, data = wire.BINARY, rng.randbytes(rng.choice((0, 1, 30, 125, 126, 400, 2500)))
            if not z and rng.random() < 0.05 and len(data) > 4:
                s.say(way, opcode, data, cuts=(len(data) // 2,))
            else:
                s.say(way, opcode, data, z)
            done += 1
            if rng.random() < 0.02:
                s.frame(way, wire.PING, b'%d' % done)
                s.message(way, wire.PING, b'%d' % done)
        s.release(way, rng.choice((1460, 1460, 536, 100)))
    s.close()
    truth = [{k: v for k, v in t.items() if not k.startswith('_')} for t in w.truth()]
    return wire.classic(w.packets), truth


# -- packets -------------------------------------------------------------------------------------

class Packet:
    """One of a capture: its bytes, and what it carries of which flow."""

    def __init__(self, when, data):
        self.when, self.data, self.flow, self.n = when, data, None, 0
        if data[12:14] == b'\x08\0' and data[23:24] == b'\x06' and len(data) >= 54:
            ip = 14 + (data[14] & 15) * 4
            tcp = ip + (data[ip + 12] >> 4) * 4
            sport, dport, self.seq = struct.unpack('>HHI', data[ip:ip + 8])
            address = ['.'.join(map(str, data[i:i + 4])) for i in (26, 30)]
            self.flow = (address[0], sport, address[1], dport)
            self.n = 14 + struct.unpack('>H', data[16:18])[0] - tcp


def read_classic(data):
    magic = struct.unpack('<I', data[:4])[0]
    if magic not in (0xa1b2c3d4, 0xa1b23c4d) or struct.unpack('<I', data[20:24])[0] != 1:
        raise ValueError('only little-endian classic pcap of Ethernet is shuffled')
    at, out = 24, []
    while at + 16 <= len(data):
        s, f, n, _ = struct.unpack('<IIII', data[at:at + 16])
        out.append(Packet((s, f), data[at + 16:at + 16 + n]))
        at += 16 + n
    return data[:24], out


def write_classic(head, packets, times):
    return head + b''.join(struct.pack('<IIII', *when, len(p.data), len(p.data)) + p.data
                           for p, when in zip(packets, times))


def shuffle(packets, spared, options, rng):
    """The packets as a bad tap would have seen them; and (lost, late, doubled)."""
    order, counts = [], [0, 0, 0]
    for i, p in enumerate(packets):
        if i < spared:
            order.append((i, i, p))
            continue
        copies = [i]
        if rng.random() < options.duplicate:
            copies.append(i + rng.uniform(0.5, LATE))
            counts[2] += 1
        if rng.random() < options.reorder:
            copies[0] += rng.uniform(1, LATE)
            counts[1] += 1
        for at in copies:
            if rng.random() < options.loss:
                counts[0] += 1
            else:
                order.append((at, i, p))
    order.sort(key=lambda o: o[:2])
    got = [p for _, _, p in order]
    times = sorted(p.when for p in got)
    return got, times, counts


def missing(packets, got):
    """Bytes absent from `got`, by flow."""
    def spans(some):
        by_flow = {}
        for p in some:
            if p.flow and p.n:
                by_flow.setdefault(p.flow, []).append(p)
        out = {}
        for flow, ps in by_flow.items():
            base = first[flow]
            out[flow] = wire.union([((p.seq - base) % 2**32, (p.seq - base) % 2**32 + p.n) for p in ps])
        return out

    first = {}
    for p in packets:
        if p.flow and p.n:
            first.setdefault(p.flow, p.seq)
    size = {f: sum(b - a for a, b in s) for f, s in spans(packets).items()}
    have = spans(got)
    return {f: n - sum(b - a for a, b in have.get(f, [])) for f, n in size.items()}, have, first


# -- what wstrace says ---------------------------------------------------------------------------

def run(tool, path):
    done = subprocess.run([tool, '--json', path], capture_output=True, check=False, timeout=300)
    if done.returncode or done.stderr:
        raise RuntimeError(f'exit status {done.returncode}: {done.stderr.decode(errors="replace")[-300:]}')
    return [json.loads(line) for line in done.stdout.splitlines()]


class Told:
    """The events of one run, by connection, direction and offset."""

    def __init__(self, events):
        self.frames, self.messages, self.gaps, self.handshakes = {}, {}, {}, {}
        names, of_message = {}, {}
        for e in events:
            if e['type'] == 'handshake':
                names[e['conn']] = (e['client_ip'], e['client_port'], e['server_ip'], e['server_port'])
                self.handshakes[names[e['conn']]] = e
            elif e['type'] == 'frame':
                key = (names[e['conn']], e['dir'], e['offset'])
                self.frames[key] = e
                if e['msg'] is not None:
                    of_message.setdefault((e['conn'], e['msg']), []).append(key)
            elif e['type'] == 'message':
                keys = of_message.get((e['conn'], e['msg']), [])
                self.messages[(names[e['conn']], e['dir'], e['msg'])] = (e, keys)
            elif e['type'] == 'gap':
                client = names[e['conn']]
                flow = client if e['dir'] == 'c2s' else client[2:] + client[:2]
                self.gaps[flow] = self.gaps.get(flow, 0) + e['bytes']

    def by_first_frame(self):
        return {keys[0]: (e, keys) for e, keys in self.messages.values() if keys}


def payload(e):
    return e['text'].encode() if 'text' in e else base64.b64decode(e['b64'])


def judge(clean, got, say):
    """Compares the events of a variant with those of the clean capture; returns (told, keys told)."""
    truth, right = clean.by_first_frame(), set()
    begins = {k: first for first, (_, keys) in truth.items() for k in keys}
    for key, f in got.frames.items():
        want = clean.frames.get(key)
        same = ('opcode', 'fin', 'rsv1', 'masked', 'mask_key', 'len', 'header_len')
        if want is None or any(want[k] != f[k] for k in same):
            say(f'packet {f["pkt"]}: {f["dir"]} frame at offset {f["offset"]} ({f["op"]}, {f["len"]} bytes), '
                f'which nobody sent there')
        elif f['opcode'] > 8 and f['complete'] and payload(f) != payload(want):
            say(f'packet {f["pkt"]}: {f["dir"]} {f["op"]} at offset {f["offset"]} has another payload')
    for e, keys in got.messages.values():
        where = f'packet {e["pkt"]}: {e["dir"]} message {e["msg"]}'
        if not keys:
            say(f'{where}: without frames')
            continue
        if keys[0] not in begins:
            continue  # its first frame is a false one: said above
        first = begins[keys[0]]
        want, all_keys = truth[first]
        if e['certain']:
            if keys != all_keys or payload(e) != payload(want) or e['op'] != want['op'] or e['len'] != want['len']:
                say(f'{where}: certain, but wrong: {payload(e)[:60]!r} instead of {payload(want)[:60]!r}')
            else:
                right.add(first)
        elif keys[0] == first and not payload(want).startswith(payload(e)):
            say(f'{where}: shows {payload(e)[:60]!r} of {payload(want)[:60]!r}')
        elif keys[0] != first and payload(e) not in payload(want):
            say(f'{where}: shows {payload(e)[:60]!r}, not within {payload(want)[:60]!r}')
    return right


def captured_whole(clean, have, first):
    """Messages all of whose bytes are there: keys of their first frames."""
    out = set()
    for key, (_, keys) in clean.by_first_frame().items():
        whole = True
        for k in keys:
            client, way, offset = k
            f = clean.frames[k]
            flow = client if way == 'c2s' else client[2:] + client[:2]
            at = clean.start[(client, way)] + offset
            whole = whole and wire.covered(have.get(flow, []), at, at + f['header_len'] + f['len'])
        if whole:
            out.add(key)
    return out


def heads(clean, packets):
    """Where WebSocket begins in each flow's bytes: the heads are what came before the last frame's end."""
    total = {}
    for p in packets:
        if p.flow and p.n:
            total.setdefault(p.flow, []).append(p)
    clean.start = {}
    for client in clean.handshakes:
        for way in ('c2s', 's2c'):
            flow = client if way == 'c2s' else client[2:] + client[:2]
            stream = {}
            for p in total.get(flow, []):
                stream.setdefault(p.seq, p)
            data = b''.join(p.data[len(p.data) - p.n:] for p in list(stream.values())[:40])
            clean.start[(client, way)] = data.index(b'\r\n\r\n') + 4


# -- one capture, many variants --------------------------------------------------------------------

def check(options, name, data, truth, seeds, scratch):
    """How many variants are wrong."""
    path = os.path.join(scratch, f'{name}.pcap')
    with open(path, 'wb') as file:
        file.write(data)
    events = run(options.tool, path)
    wrong = []
    check_truth.compare(truth, events, wrong.append)
    if wrong:
        print(f'WRONG  {name}, not even shuffled:\n    ' + '\n    '.join(wrong[:10]))
        return 1
    clean = Told(events)
    head, packets = read_classic(data)
    heads(clean, packets)
    spared = max(e['pkt'] for e in clean.handshakes.values()) if clean.handshakes else 0
    bad = 0
    for seed in seeds:
        wrong = []
        got, times, counts = shuffle(packets, spared, options, random.Random(f'{name} {seed}'))
        variant = os.path.join(scratch, f'{name}_{seed}.pcap')
        with open(variant, 'wb') as file:
            file.write(write_classic(head, got, times))
        told = Told(run(options.tool, variant))
        right = judge(clean, told, wrong.append)
        absent, have, first = missing(packets, got)
        for flow, n in absent.items():
            if n != told.gaps.get(flow, 0):
                wrong.append(f'{flow[0]}:{flow[1]} > {flow[2]}:{flow[3]}: {n} bytes are missing, '
                             f'the gaps say {told.gaps.get(flow, 0)}')
        whole = captured_whole(clean, have, first)
        share = len(right & whole) / len(whole) if whole else 1
        if share < FLOOR.get(name, 0):
            untold = sorted(whole - right, key=lambda k: k[1:])[:3]
            wrong.append(f'only {share:.2%} of the whole messages told; untold, for example, at '
                         + ', '.join(f'{way} offset {offset}' for _, way, offset in untold))
        print(f'{"WRONG " if wrong else "ok    "} {name} seed {seed}: {len(packets)} packets, {counts[0]} lost, '
              f'{counts[1]} late, {counts[2]} doubled; {sum(absent.values())} bytes missing; '
              f'{len(right & whole)} of {len(whole)} whole messages told ({share:.2%}), '
              f'{len(clean.messages)} sent')
        for w in wrong[:10]:
            print(f'    {w}')
        if wrong and options.keep:
            os.makedirs(options.keep, exist_ok=True)
            os.replace(variant, os.path.join(options.keep, os.path.basename(variant)))
        elif os.path.exists(variant):
            os.remove(variant)
        bad += bool(wrong)
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--messages', type=int, default=10_000)
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--seeds', type=int, default=1, metavar='COUNT')
    parser.add_argument('--loss', type=float, default=0.02)
    parser.add_argument('--reorder', type=float, default=0.05)
    parser.add_argument('--duplicate', type=float, default=0.02)
    parser.add_argument('--keep', help='folder for the variants that went wrong')
    parser.add_argument('--session', action='append', choices=['plain', 'takeover', 'no-takeover'])
    parser.add_argument('files', nargs='*', metavar='CAPTURE TRUTH')
    options = parser.parse_args()
    if len(options.files) % 2:
        parser.error('each CAPTURE with its TRUTH')
    seeds = range(options.seed, options.seed + options.seeds)
    bad = 0
    with tempfile.TemporaryDirectory(prefix='wstrace-shuffle-') as scratch:
        for capture, truth in zip(options.files[::2], options.files[1::2]):
            with open(capture, 'rb') as file, open(truth, encoding='utf-8') as lines:
                bad += check(options, check_truth.stem(capture), file.read(),
                             [json.loads(line) for line in lines], seeds, scratch)
        if not options.files:
            for name in options.session or ('plain', 'takeover', 'no-takeover'):
                data, truth = session(name, options.messages, options.seed)
                bad += check(options, name, data, truth, seeds, scratch)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

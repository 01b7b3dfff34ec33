#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""After a loss nobody is blamed for what he may not have done.

The connections of rules.py once more, as a bad tap would have seen them: packets lost, late, doubled, heads and
SYNs included. What is then found about the endpoints must have been found in the whole connection, too; what the
capture lacks may be told besides. usage: test_impaired.py [SEED COUNT]
"""
import random
import sys

from rules import TABLE
from talk import SECOND, Talk, Wire, lint, rows_of

# Findings that say what the capture lacks, whoever sent it; and one more: a pong that was lost, and after which
# nothing came, leaves no trace.
OF_CAPTURE = {'handshake.picked-up', 'handshake.no-response', 'frame.truncated', 'message.context-lost',
              'message.incomplete', 'http2.unread', 'http3.unread', 'control.ping-unanswered'}
# What is left of the one when some is lost may be the other.
# (what came behind END_STREAM came behind a close frame, too; whose FIN came before a close frame sent none;
# a packet that changes places changes times, too: then an end seems to come at once)
ALSO = {'message.invalid-utf8': 'message.unfinished', 'frame.mask-few': 'frame.mask-constant',
        'http2.broken': 'frame.after-close', 'close.missing': 'close.no-reply', 'close.no-reply': 'close.not-awaited'}
LATE = 8  # packets by which one is late at most
SEEDS = *range(6), 14, 25, 37, 87, 116, 146
PAUSE = SECOND // 2  # behind such a one it does not fall
# (lost, late, doubled), and how often
TAPS = {'lossy': (0.05, 0, 0), 'late': (0, 0.15, 0), 'doubled': (0, 0, 0.1), 'all of it': (0.05, 0.15, 0.05),
        'half of it': (0.5, 0.1, 0.1)}


def tapped(packets, tap, rng):
    """The packets of one connection as the tap saw them, and when: what is late comes with those that it fell behind,
    but no tap keeps a packet for as long as people wait for an answer."""
    lost, late, doubled = tap
    order, last = [], 0
    for i, p in enumerate(packets):
        while last < len(packets) and packets[last].when <= p.when + PAUSE:
            last += 1
        places = [i + (rng.uniform(1, LATE) if rng.random() < late else 0)]
        if rng.random() < doubled:
            places.append(i + rng.uniform(0.5, LATE))
        order += [(min(at, last - 0.5), i) for at in places if rng.random() >= lost]
    packets, now, times = [packets[i] for _, i in sorted(order)], 0, []
    for p in packets:
        now = max(now, p.when)
        times.append(now)
    return packets, times


def play():
    """Connections with what may be found in them, one after the other; (client, expected, name)."""
    wire, table, n = Wire(), [], 0

    def talk():
        nonlocal n
        n += 1
        t = Talk(wire, (f'10.{n >> 8 & 255}.{n & 255}.1', 40000 + n % 20000), seed=n)
        t.another, t.lose = talk, lambda which, index: None
        return t

    for rule, kind, expected, function in TABLE:
        first = n
        t = talk()
        function(t)
        wire.now += 60 * 1_000_000
        for other in wire.sessions[first:]:
            table.append((other, expected, f'{rule} {kind} {function.__qualname__}'))
    return wire, table


def main():
    seeds = range(int(sys.argv[1]), int(sys.argv[1]) + int(sys.argv[2])) if len(sys.argv) > 2 else SEEDS
    rows, (wire, table) = rows_of(), play()
    assert OF_CAPTURE | ALSO.keys() < rows.keys()
    by_session = {}
    for p in wire.packets:
        by_session.setdefault(p.session, []).append(p)
    wrong = judged = 0
    for seed in seeds:
        for name, tap in TAPS.items():
            rng = random.Random(f'{name} {seed}')
            packets, times = [], []
            for t, _, _ in table:
                got, when = tapped(by_session[t], tap, rng)
                packets += got
                times += when
            order = sorted(range(len(packets)), key=lambda i: times[i])
            lines, _ = lint([packets[i] for i in order], times=[times[i] for i in order])
            found = {line['client']['ip']: line for line in lines if line['type'] == 'lint' and line['client']}
            # Of a connection without handshake the roles may be taken for each other.
            found |= {line['server']['ip']: line for line in lines if line['type'] == 'lint' and line['client']}
            for t, expected, what in table:
                line = found.get(t.client[0])
                for f in line['findings'] if line else ():
                    judged += 1
                    peer = f['id'].split('.')[0] in ('handshake', 'frame', 'message', 'close', 'control')
                    allowed = OF_CAPTURE | expected | {ALSO.get(i) for i in expected}
                    if not peer or f['id'] in allowed:
                        continue
                    wrong += 1
                    print(f"WRONG  {name}, seed {seed}: {what}, connection of {t.client[0]}: {f['level']} {f['id']}: "
                          f"{f['detail']} (packet {f['pkt']})")
    print(f'{judged} findings in {len(table)} connections, {len(TAPS)} taps, {len(seeds)} seeds: {wrong} wrong')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())

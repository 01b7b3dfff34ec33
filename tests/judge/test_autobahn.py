#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Autobahn test suite, played: wstrace's verdict over each case is what a strict endpoint does about it.

Each case of autobahn.py is played twice, the fuzzer as client and as server, against an endpoint that is strict:
it echoes messages, answers pings, and fails the connection where the case says that it must. Then
    - what wstrace finds is what the case names, no more and no less;
    - it is an error just where the endpoint fails the connection or must not listen any more;
    - every frame and byte of both sides is counted.
docs/AUTOBAHN.md is the table of it.

usage: test_autobahn.py [--full] [--write] [CASE...]     CASE: 7.3.2, or a beginning of some (6.4)
--full: all sizes and counts of the suite (12 GB: half an hour); --write: the table anew
"""
import base64
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

from talk import SOURCE, TOOL, Frame, accept_of, rows_of
from autobahn import CASES, CONT, ECHO, FAIL, FAIL_TEXT, PONGS, UNDEFINED, F
from wire import ACK, C2S, CLOSE, FIN, PING, PSH, S2C, START, SYN, other

TABLE = os.path.join(SOURCE, 'docs/AUTOBAHN.md')
MSS = 65000
ERRORS = {i for i, row in rows_of().items() if row[1] == 'error'}
VERDICTS = ('Fail', 'Non-Strict', 'Info', 'Pass')


class Tape:
    """A capture of raw IP, written to whoever wants it as it is made. Checksums are 0, as on hosts whose card
    computes them."""

    def __init__(self, outs):
        self.outs, self.now = outs, START
        self.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))

    def write(self, data):
        for out in self.outs:
            out.write(data)

    def packet(self, data):
        self.now += 20
        self.write(struct.pack('<IIII', self.now // 1000000, self.now % 1000000, len(data), len(data)) + data)


class Connection:
    """The fuzzer at one end, a strict endpoint at the other."""

    def __init__(self, tape, number, fuzzer):
        self.tape, self.fuzzer, self.endpoint = tape, fuzzer, other(fuzzer)
        self.ip = (f'10.{number >> 8}.{number & 255}.1', '10.255.0.1')
        self.random = random.Random(number)
        self.sent = {C2S: 0, S2C: 0}
        self.wire, self.frames = {C2S: 0, S2C: 0}, {C2S: 0, S2C: 0}  # payload bytes, frames
        self.dead = self.closed = False  # the endpoint listens no more; the fuzzer sent a close
        self.part = []                   # of the message that is open

    # -- TCP

    def segment(self, way, flags, data=b''):
        ends = [bytes(map(int, ip.split('.'))) for ip in self.ip]
        ports = [40000, 9001]
        i = way == S2C
        tcp = struct.pack('>HHIIBBHHH', ports[i], ports[1 - i], 1000 + self.sent[way],
                          1000 + self.sent[other(way)] if flags & ACK else 0, 5 << 4, flags, 65535, 0, 0)
        self.tape.packet(struct.pack('>BBHHHBBH', 0x45, 0, 40 + len(data), 0, 0x4000, 64, 6, 0) + ends[i] + ends[1 - i]
                         + tcp + data)
        self.sent[way] += len(data) + (1 if flags & (SYN | FIN) else 0)

    def write(self, way, data, chop=None):
        for i in range(0, len(data), chop or MSS):
            self.segment(way, PSH | ACK, data[i:i + (chop or MSS)])

    # -- WebSocket

    def open(self, offer, agreed):
        key = base64.b64encode(self.random.randbytes(16))
        more = [f'Sec-WebSocket-Extensions: {x}\r\n'.encode() if x else b'' for x in (offer, agreed)]
        self.segment(C2S, SYN)
        self.segment(S2C, SYN | ACK)
        self.write(C2S, b'GET / HTTP/1.1\r\nHost: localhost:9001\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   b'Sec-WebSocket-Key: ' + key + b'\r\nSec-WebSocket-Version: 13\r\n' + more[0] + b'\r\n')
        self.write(S2C, b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                   b'Sec-WebSocket-Accept: ' + accept_of(key) + b'\r\n' + more[1] + b'\r\n')

    def bytes(self, way, f):
        self.frames[way] += 1
        self.wire[way] += len(f.data)
        key = self.random.randbytes(4) if way == C2S else None
        return Frame(f.opcode, f.data, fin=f.fin, rsv=f.rsv, key=key).bytes()

    def say(self, way, f):
        self.write(way, self.bytes(way, f))

    def react(self, f):
        """The strict endpoint has a frame."""
        if self.dead:
            return
        if f.fails:
            self.dead = True
            self.say(self.endpoint, F(CLOSE, f.fails.to_bytes(2, 'big')))
        elif f.opcode == PING:
            self.say(self.endpoint, F(10, f.data))
        elif f.opcode == CLOSE:
            self.dead = True
            self.say(self.endpoint, F(CLOSE, b'\3\xe8'))
        elif f.opcode <= 2:
            self.part = [f] if f.opcode != CONT else [*self.part, f]
            if f.fin:
                echo = getattr(f, 'echo', None)
                self.say(self.endpoint, echo or F(self.part[0].opcode, b''.join(p.data for p in self.part)))
                self.part = []

    def play(self, case, full):
        self.open(case.offer, case.agreed)
        inside = False
        for w in case.writes(full) if callable(case.writes) else case.writes:
            if self.dead and w.wait:  # it has heard; what it sends at once is on its way
                break
            self.tape.now += w.wait * 1_000_000
            if w.half:  # one frame in several writes
                if not inside:
                    inside = self.bytes(self.fuzzer, w.frames[0])
                    head = len(inside) - len(w.frames[0].data)
                    self.write(self.fuzzer, inside[:head + w.half])
                    self.wire[self.fuzzer] -= len(w.frames[0].data) - w.half
                else:
                    self.write(self.fuzzer, inside[head + w.half[0]:head + w.half[1]])
                    self.wire[self.fuzzer] += w.half[1] - w.half[0]
            else:
                self.write(self.fuzzer, b''.join(self.bytes(self.fuzzer, f) for f in w.frames), w.chop)
            self.closed = self.closed or any(f.opcode == CLOSE for f in w.frames)
            for f in w.frames:
                if not w.half or f.fails:
                    self.react(f)
        if not self.closed and not inside:  # to end it, or in answer to the endpoint's
            f = F(CLOSE, b'\3\xe8')
            self.say(self.fuzzer, f)
            self.react(f)
        self.segment(S2C, FIN | ACK)
        self.segment(C2S, FIN | ACK)
        self.segment(S2C, ACK)


# -- what wstrace says of it --------------------------------------------------------------------------

RUNS = (['lint', '--json', '-v', '-'], ['--json', '--op', 'close', '-'])


def run(cases, full):
    """(case, fuzzer, connection, its lint line, its end) of all of them, in one capture."""
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as two:
        tools = [subprocess.Popen([TOOL, *args], stdin=subprocess.PIPE, stdout=out)
                 for args, out in zip(RUNS, (one, two))]
        tape = Tape([t.stdin for t in tools])
        played = []
        for case in cases:
            for fuzzer in (C2S, S2C):
                c = Connection(tape, len(played) + 1, fuzzer)
                c.play(case, full)
                tape.now += 1_000_000
                played.append((case, fuzzer, c))
        for t in tools:
            t.stdin.close()
        statuses = [t.wait() for t in tools]
        one.seek(0)
        two.seek(0)
        lints, ends = [json.loads(line) for line in one], [json.loads(line) for line in two]
    if statuses[0] > 1 or statuses[1]:
        sys.exit(f'exit status {statuses}')
    lint = {line['client']['ip']: line for line in lints if line['type'] == 'lint' and line['client']}
    names = {e['conn']: e['client_ip'] for e in ends if e['type'] == 'handshake'}
    end = {names[e['conn']]: e for e in ends if e['type'] == 'end'}
    return [(case, fuzzer, c, lint.get(c.ip[0]), end.get(c.ip[0])) for case, fuzzer, c in played]


def verdict_of(case):
    levels = {rows_of()[i][1] for i in case.ids}
    return next((v for v, level in zip(VERDICTS, ('error', 'warning', 'note')) if level in levels), 'Pass')


def judge(case, fuzzer, c, lint, end):
    """What is wrong; '' nothing."""
    if not lint or not end:
        return 'the connection is not told'
    # The server ends TCP at once: behind its own close frame that leaves the client no time, behind the client's it
    # is no answer.
    ids = {f['id'].replace('not-awaited', 'no-reply') if fuzzer == C2S else f['id'] for f in lint['findings']}
    if not case.ids <= ids <= case.ids | case.also:
        return f'found {sorted(ids)} instead of {sorted(case.ids)}'
    wrong = {f['id'] for f in lint['findings'] if f['dir'] == other(fuzzer) and f['id'] in ERRORS}
    if wrong:
        return f'the strict endpoint is accused of {sorted(wrong)}'
    if lint['verdict'] not in (verdict_of(case), 'Info' if ids & case.also else verdict_of(case)):
        return f"the verdict is {lint['verdict']}"
    fails = case.does not in (ECHO, PONGS, 'closes', 'ignores it')
    if fails != (lint['verdict'] == 'Fail'):
        return f"the endpoint {case.does}, and the verdict is {lint['verdict']}"
    for way in (C2S, S2C):
        told = end[way]
        if (told['frames'], told['wire_bytes'], told['gaps']) != (c.frames[way], c.wire[way], 0):
            return f"{way}: {told} instead of {c.frames[way]} frames, {c.wire[way]} bytes"
    return ''


# -- the table ----------------------------------------------------------------------------------------

HEAD = '''# The Autobahn test suite, seen by a bystander

The [Autobahn test suite](https://github.com/crossbario/autobahn-testsuite) sends an endpoint what a peer may and may
not send, and judges what it does. wstrace only listens: its verdict over the sender is here what the suite expects of a
strict endpoint. Every case of parts 1 to 7, 9, 10, 12 and 13 is played into a capture by `tests/judge/autobahn.py`,
with the suite's fuzzer as client and as server, against an endpoint that does what this table says, and
`tests/judge/test_autobahn.py` checks each of the {connections} connections: exactly the findings named here, an error
just where a strict endpoint fails the connection or stops listening, and every frame and byte counted.

The test writes this table (`--write`) and fails when it differs. Cases marked * are played with fewer or smaller
messages in everyday runs; `--full` plays them as the suite does. Parts 12 and 13 may add the note
`message.compressed-larger`. 5000 and more as a close code (7.13) is undefined for the suite; for wstrace
it must not be sent (RFC 6455 §7.4.2 ends at 4999).

| case | the fuzzer sends | a strict endpoint | verdict | findings |
|---|---|---|---|---|
'''


def table():
    lines = [f'| {c.number}{"*" if c.full else ""} | {c.what} | {c.does} | {verdict_of(c)} | '
             + ', '.join(f'`{i}`' for i in sorted(c.ids)) + ' |\n' for c in CASES]
    return HEAD.format(connections=2 * len(CASES)) + ''.join(lines)


def main():
    words = [w for w in sys.argv[1:] if not w.startswith('-')]
    full = '--full' in sys.argv
    if '--write' in sys.argv:
        with open(TABLE, 'w', encoding='utf-8') as file:
            file.write(table())
    cases = [c for c in CASES if not words or any(f'{c.number}.'.startswith(f'{w}.') for w in words)]
    wrong = 0
    for part in sorted({c.number.split('.')[0] for c in cases}, key=int):
        group = [c for c in cases if c.number.split('.')[0] == part]
        for case, fuzzer, c, lint, end in run(group, full):
            what = judge(case, fuzzer, c, lint, end)
            wrong += bool(what)
            if what:
                print(f'WRONG  {case.number} ({case.what}), the fuzzer is the {"client" if fuzzer == C2S else "server"}: {what}')
    with open(TABLE, encoding='utf-8') as file:
        if file.read() != table():
            wrong += 1
            print('WRONG  docs/AUTOBAHN.md is not what these cases give: test_autobahn.py --write')
    print(f'{len(cases)} cases, {2 * len(cases)} connections, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

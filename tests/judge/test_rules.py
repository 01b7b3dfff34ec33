#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every rule is broken alone, and nearly broken; wstrace lint tells exactly that.

All connections of rules.py go into one capture, one after the other, and are judged in one run. Then each rule
once more: a rule of problems.def about endpoints without a row here fails the test.
"""
import sys

from rules import CIRCLE, SAYS_HTTP, TABLE, WINDOWS
from talk import ACK, BINARY, C2S, CLOSE, DEFLATE, S2C, TEXT, Deflater, Stream, Talk, Wire, distance, lint, rows_of

VERDICTS = {'error': 'Fail', 'warning': 'Non-Strict', 'note': 'Info'}  # over peers; what is of nobody is no verdict
failures = 0


def check(what, good, detail=''):
    global failures
    if not good:
        failures += 1
        print(f'WRONG  {what}: {detail}')


class Player:
    """Makes connections, each with an address of its own, by which it is found again."""

    def __init__(self):
        self.wire, self.lost, self.n = Wire(), [], 0

    def talk(self):
        self.n += 1
        t = Talk(self.wire, (f'10.{self.n >> 8 & 255}.{self.n & 255}.1', 40000 + self.n % 20000), seed=self.n)
        t.another = self.talk
        t.lose = lambda which, index: self.lose(t, which, index)
        return t

    def lose(self, t, which, index):
        self.lost.append([p for p in self.wire.packets if p.session is t and which(p)][index])


def play():
    player, played = Player(), []
    for rule, kind, expected, function in TABLE:
        t = player.talk()
        function(t)
        player.wire.now += 60 * 1_000_000
        played.append((f'{rule} {kind} ({function.__qualname__}, connection of {t.client[0]})', rule, kind, expected, t))
    return player, played


def often():
    """What every message of a sender breaks is told of the first ones in each direction; of its keys, once."""
    t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
    t.agree(offer=DEFLATE, agreed=DEFLATE)
    for way, times in ((C2S, 40), (S2C, 16)):
        squeeze = Deflater()
        for _ in range(times):
            t.frame(way, BINARY, squeeze(t.random.randbytes(200)), rsv=4)
    t.bye()
    lines, _ = lint(t.wire.packets)
    times = [f['times'] for line in lines if line['type'] == 'lint' and line['client'] for f in line['findings']]
    check('compressed-larger, 40 times and 16', times == [16, 16], times)
    for rule, keys in (('frame.mask-constant', [0x01020304]), ('frame.mask-sequential', range(7, 19)),
                       ('frame.mask-few', CIRCLE)):
        t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
        t.agree()
        for n in list(keys) * (60 // len(keys)):
            t.frame(C2S, TEXT, 'masked', mask=n.to_bytes(4, 'big'))
        t.bye()
        lines, _ = lint(t.wire.packets)
        told = [(f['id'], f['times']) for line in lines if line['type'] == 'lint' and line['client']
                for f in line['findings']]
        check(f'{rule}, however many frames there are', told == [(rule, 1)], told)


def joined():
    """Joined behind the client's preface, and of the server the end of the stream is captured, and nothing before it:
    its close frame may have been there."""
    for by in (C2S, S2C):
        t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
        s = Stream(t).agree()
        s.frame(C2S, TEXT, b'a question')
        s.bye(by)
        sent = {way: [p for p in t.wire.packets if p.way == way and len(p)] for way in (C2S, S2C)}
        lost = [sent[C2S][0], *sent[S2C][:3], next(p for p in t.wire.packets if p.way == S2C and p.flags == ACK)]
        lines, _ = lint([p for p in t.wire.packets if p not in lost])
        ids = [f['id'] for line in lines if line['type'] == 'lint' for f in line['findings']]
        check(f'joined, {by} ends the stream', ids == ['handshake.picked-up'], ids)


def unasked():
    """The answer is missing; but nobody asked for compression, and it is not read as that."""
    t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
    t.agree()
    t.frame(C2S, TEXT, b'\0', rsv=4)
    answer = next(p for p in t.wire.packets if p.way == S2C and len(p))
    t.bye()
    lines, _ = lint([p for p in t.wire.packets if p is not answer])
    ids = [f['id'] for line in lines if line['type'] == 'lint' for f in line['findings']]
    check('nobody asked for compression', ids == ['handshake.picked-up', 'stream.resync'], ids)


def supposed():
    """Neither head was captured, and a byte of text with RSV1 set reads like an empty message that was compressed."""
    t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
    t.agree()
    heads = [p for p in t.wire.packets if len(p)]
    t.frame(S2C, TEXT, b'a question')
    t.frame(S2C, TEXT, b'x', rsv=4)
    t.frame(S2C, TEXT, b'another question')
    t.bye()
    lines, _ = lint([p for p in t.wire.packets if p not in heads])
    ids = [f['id'] for line in lines if line['type'] == 'lint' for f in line['findings']]
    check('nobody knows what was agreed on', 'message.context-lost' in ids, ids)


def replaced():
    """How it ended was not captured: another connection has its place. Nobody is blamed for what was open."""
    t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
    t.agree()
    t.frame(C2S, TEXT, 'begun', fin=False)
    t.wait(1)
    for way in (C2S, S2C):
        t.sent[way] += 1 << 28
    t.agree()
    t.bye()
    lines, _ = lint(t.wire.packets)
    ids = [{f['id'] for f in line['findings']} for line in lines if line['type'] == 'lint' and line['client']]
    check('another has its place', ids == [{'message.incomplete'}, set()], ids)


def whole():
    """What is true of whole captures alone: with a packet less it may be another rule that is broken."""
    def answered_in_http(t):
        """What comes in place of the answer is none, however late it is."""
        t.agree()
        t.frame(C2S, CLOSE, b'\x03\xe8')
        t.wait(9)
        t.write(S2C, SAYS_HTTP)
        t.shut()

    def compressed_unasked(t):
        """Its RSV1 says that it is no plain text, whatever else it may be."""
        t.agree()
        t.frame(C2S, TEXT, b'\xff', rsv=4)
        t.frame(C2S, TEXT, b'\xff', rsv=4, fin=False)
        t.bye()

    def before_the_first(t):
        """Farther back than the first byte there was: what nothing inflates is no distance."""
        t.agree(offer=WINDOWS, agreed=f'{DEFLATE}; client_max_window_bits=9')
        t.frame(C2S, BINARY, distance(601), rsv=4)
        t.bye()

    for play_one, expected in ((answered_in_http, {'frame.http', 'close.no-reply'}),
                               (compressed_unasked, {'frame.rsv', 'message.unfinished'}),
                               (before_the_first, {'message.bad-deflate'})):
        t = Talk(Wire(), ('10.9.9.1', 40000), seed=1)
        play_one(t)
        lines, _ = lint(t.wire.packets)
        ids = {f['id'] for line in lines if line['type'] == 'lint' for f in line['findings']}
        check(f'whole: {play_one.__name__}', ids == expected, ids)


def contract(packets):
    """Each close frame has its `close` right behind it, whatever else it may be; `end` counts what they say."""
    lines, _ = lint(packets, command=None)
    first, sides, ended = {}, {}, 0
    for e, after in zip(lines, lines[1:]):
        conn = e.get('conn')
        if e['type'] == 'frame' and e['op'] == 'close':
            check(f"close frame {conn}.{e['n']}", (after['type'], after.get('conn'), after.get('dir')) == ('close', conn, e['dir']), after)
        elif e['type'] == 'close':
            first.setdefault(conn, ({'c2s': 'client', 's2c': 'server'}[e['dir']], e['code']))
            sides.setdefault(conn, set()).add(e['dir'])
        elif e['type'] == 'end':
            ended += 1
            told = (e['by'], e['code'], e['clean'])
            if told == (None, 1000, True):  # both at once, with one code: nobody knows whose was first
                continue
            check(f'end of {conn}', told == (*first.get(conn, (None, None)), len(sides.get(conn, ())) == 2), told)
    check('connections ended', ended > 400, ended)


def main():
    often()
    replaced()
    whole()
    joined()
    unasked()
    supposed()
    rows = rows_of()
    player, played = play()
    captured = [p for p in player.wire.packets if p not in set(player.lost)]
    contract(captured)
    lines, status = lint(captured)
    found = {line['client']['ip']: line for line in lines if line['type'] == 'lint' and line['client']}
    for name, rule, kind, expected, t in played:
        line = found.get(t.client[0])
        if line is None:
            check(name, False, 'lint says nothing about it')
            continue
        ids = {f['id'] for f in line['findings']}
        check(name, ids == expected, f'found {sorted(ids)} instead of {sorted(expected)}')
        levels = [rows[i][1] for i in ids if rows[i][2] == 'peer']
        worst = next((v for k, v in VERDICTS.items() if k in levels), 'Info' if ids else 'Pass')
        check(f'{name}: the verdict', line['verdict'] == worst, f"{line['verdict']} instead of {worst}")
        for f in line['findings']:
            check(f"{name}: {f['id']} names where", f['pkt'] > 0 and f['detail'], f)
            if f['n'] is not None and f['id'].split('.')[0] == 'frame':
                check(f"{name}: {f['id']} has an offset", f['offset'] is not None, f)
    check('the exit status', status == 1, status)
    for rule in rows:
        if rule.split('.')[0] not in ('handshake', 'frame', 'message', 'close', 'control'):
            continue
        for kind in ('breaks', 'near'):
            check(f'{rule}: a row that {kind}', any(p[1:3] == (rule, kind) for p in played), 'there is none')
    print(f'{len(played)} connections, {failures} wrong')
    return 1 if failures else 0


sys.exit(main())

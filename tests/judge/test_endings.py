#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How connections end: each order of close frames, FINs, resets, the end of the capture and a loss, with what one
who knows the RFC would say of it (docs/EVENTS.md, `no_reply`).

Each row is a connection; one capture holds them all. Said of it: the words of the `end` line, its `no_reply`, and
the findings, with the direction they are about.
"""
import json
import re
import subprocess
import sys
import tempfile

from talk import ACK, C2S, CLOSE, FIN, RST, S2C, TEXT, TOOL, Stream, Talk, Wire, classic

ROWS = []
BYE = b'\3\xe8'
SIZE = {C2S: 8, S2C: 4}  # of a close frame with a code


def row(words, no_reply, findings='', last=False):
    """`findings`: 'c2s close.missing', separated by commas. `last`: of the capture, which ends before it does."""
    def add(function):
        ROWS.append((function.__doc__, words, no_reply, {tuple(f.split()) for f in findings.split(',') if f}, last, function))
        return function
    return add


def close(t, way, after=0):
    t.wait(after)
    t.frame(way, CLOSE, BYE)
    t.closed = getattr(t, 'closed', t.wire.packets[-2].when)


def close_unheard(t, way):
    """It is on its way, and nobody has acknowledged it."""
    close(t, way)
    t.lose(t.wire.packets[-1])


def behind_a_hole(t):
    """A text of the client that comes nowhere, and behind it the close frame, which nobody acknowledges."""
    before = t.sent[C2S]
    t.frame(C2S, TEXT, 'it goes through a hole in the road')
    t.hole = t.sent[C2S] - before
    t.lose(t.wire.packets[-2]), t.lose(t.wire.packets[-1])
    close_unheard(t, C2S)


def fin(t, way, after=0):
    t.wait(after)
    t.packet(way, FIN | ACK)
    t.sent[way] += 1


def deaf(t, way, count, act):
    """What `way` sends in act() acknowledges all but the last `count` bytes of the other side."""
    far = S2C if way == C2S else C2S
    t.sent[far] -= count
    act()
    t.sent[far] += count


def fin_lost(t, way):
    """It is lost on the way to where the capture is."""
    fin(t, way)
    t.lose(t.wire.packets[-1])


def fin_again(t, way):
    """What came meanwhile is acknowledged, and by the FIN, which is sent again, too."""
    t.packet(way, ACK)
    t.sent[way] -= 1
    fin(t, way, 1)


# -- both close ------------------------------------------------------------------------------------------------

@row('closed by client, 1000 normal closure, TCP closed', None)
def _(t):
    """client close, server close, server FIN, client FIN"""
    close(t, C2S), close(t, S2C), fin(t, S2C), fin(t, C2S)


@row('closed by server, 1000 normal closure, TCP closed', None)
def _(t):
    """server close, client close, server FIN, client FIN"""
    close(t, S2C), close(t, C2S), fin(t, S2C), fin(t, C2S)


@row('closed by client, 1000 normal closure, TCP closed', None, 'c2s close.client-first')
def _(t):
    """client close, server close, client FIN, server FIN"""
    close(t, C2S), close(t, S2C), fin(t, C2S), fin(t, S2C)


@row('closed by client, 1000 normal closure, TCP closed', None, 'c2s close.client-first')
def _(t):
    """client close, client FIN, server close, server FIN: it was answered, and nobody listened"""
    close(t, C2S), fin(t, C2S), close(t, S2C), fin(t, S2C)


@row('closed by server, 1000 normal closure, TCP closed', None)
def _(t):
    """server close, server FIN at once, client close, client FIN: it was answered all the same"""
    close(t, S2C), fin(t, S2C), close(t, C2S), fin(t, C2S)


@row('closed by client, 1000 normal closure, TCP reset by client', None)
def _(t):
    """client close, server close, client RST"""
    close(t, C2S), close(t, S2C), t.reset(C2S)


@row('closed by client, 1000 normal closure, TCP closed', None)
def _(t):
    """client close, server close, FINs that cross: nobody was first"""
    close(t, C2S), close(t, S2C), fin(t, C2S)
    deaf(t, S2C, 1, lambda: fin(t, S2C))


# -- one closes, and the other could have answered ---------------------------------------------------------------

@row('closed by client, 1000 normal closure, not answered, TCP closed', 'none', 's2c close.no-reply')
def _(t):
    """client close, server FIN that acknowledges it, client FIN"""
    close(t, C2S), fin(t, S2C), fin(t, C2S)


@row('closed by server, 1000 normal closure, not answered, TCP closed', 'none', 'c2s close.no-reply')
def _(t):
    """server close, client FIN that acknowledges it, server FIN"""
    close(t, S2C), fin(t, C2S), fin(t, S2C)


@row('closed by client, 1000 normal closure, not answered, TCP reset by server', 'none', 's2c close.no-reply')
def _(t):
    """client close, server RST that acknowledges it"""
    close(t, C2S), t.reset(S2C)


@row('closed by server, 1000 normal closure, not answered, TCP reset by client', 'none', 'c2s close.no-reply')
def _(t):
    """server close, client RST that acknowledges it"""
    close(t, S2C), t.reset(C2S)


@row('closed by client, 1000 normal closure, not answered, TCP closed', 'none', 's2c close.no-reply')
def _(t):
    """client close, five seconds, client FIN, server FIN"""
    close(t, C2S), fin(t, C2S, 5), fin(t, S2C)


@row('closed by server, 1000 normal closure, not answered, TCP reset by server', 'none', 'c2s close.no-reply')
def _(t):
    """server close, five seconds, server RST"""
    close(t, S2C), t.wait(5), t.reset(S2C)


@row('closed by client, 1000 normal closure, not answered, TCP closed', 'none', 's2c close.no-reply')
def _(t):
    """client close, FINs that cross, the server's acknowledges the close frame: it ended TCP for an answer"""
    close(t, C2S), fin(t, C2S)
    deaf(t, S2C, 1, lambda: fin(t, S2C))


@row('closed by client, 1000 normal closure, not answered, TCP closed', 'none', 's2c close.no-reply')
def _(t):
    """client close, captured behind the server FIN that acknowledges it"""
    t.sent[C2S] += 8
    fin(t, S2C)
    t.sent[C2S] -= 8
    close(t, C2S), fin(t, C2S, 3)


@row('closed by client, 1000 normal closure, not answered, TCP reset by server', 'none', 's2c close.no-reply')
def _(t):
    """client close, server FIN that acknowledges it, two seconds, server RST: the FIN was its end"""
    close(t, C2S), fin(t, S2C), t.wait(2), t.reset(S2C)


# -- one closes, and leaves no time --------------------------------------------------------------------------------

@row('closed by client, 1000 normal closure, no time to answer, TCP closed', 'no-time', 'c2s close.not-awaited')
def _(t):
    """client close, client FIN at once, server FIN"""
    close(t, C2S), fin(t, C2S), fin(t, S2C)


@row('closed by server, 1000 normal closure, no time to answer, TCP closed', 'no-time', 's2c close.not-awaited')
def _(t):
    """server close, server FIN at once, client FIN"""
    close(t, S2C), fin(t, S2C), fin(t, C2S)


@row('closed by client, 1000 normal closure, no time to answer, TCP closed', 'no-time', 'c2s close.not-awaited')
def _(t):
    """client close, client FIN at once, server FIN ten seconds later: there was nobody to answer any more"""
    close(t, C2S), fin(t, C2S), fin(t, S2C, 10)


@row('closed by client, 1000 normal closure, no time to answer, TCP reset by client', 'no-time', 'c2s close.not-awaited')
def _(t):
    """client close, client RST at once"""
    close(t, C2S), t.reset(C2S)


@row('closed by server, 1000 normal closure, no time to answer, TCP reset by server', 'no-time', 's2c close.not-awaited')
def _(t):
    """server close, server RST at once"""
    close(t, S2C), t.reset(S2C)


@row('closed by server, 1000 normal closure, no time to answer, TCP reset by client', 'no-time', 's2c close.not-awaited')
def _(t):
    """server close, server FIN at once, client RST"""
    close(t, S2C), fin(t, S2C), t.reset(C2S)


@row('closed by client, 1000 normal closure, no time to answer, TCP reset by client', 'no-time', 'c2s close.not-awaited')
def _(t):
    """client close, client FIN at once, server text, client RST"""
    close(t, C2S), fin(t, C2S), t.frame(S2C, TEXT, 'tick'), t.reset(C2S)


# -- one closes, and the other had ended before -------------------------------------------------------------------

@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """server FIN, client close, client FIN"""
    fin(t, S2C), close(t, C2S), fin(t, C2S)


@row('closed by server, 1000 normal closure, client had ended TCP, TCP closed', 'late', 'c2s close.missing')
def _(t):
    """client FIN, server close, server FIN"""
    fin(t, C2S), close(t, S2C), fin(t, S2C)


@row('closed by client, 1000 normal closure, server had ended TCP, TCP reset by server', 'late', 's2c close.missing')
def _(t):
    """server FIN, client close, server RST"""
    fin(t, S2C), close(t, C2S), t.reset(S2C)


@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """client close, server FIN that does not acknowledge it, client FIN: they crossed"""
    close_unheard(t, C2S)
    deaf(t, S2C, SIZE[C2S], lambda: fin(t, S2C))
    fin(t, C2S)


@row('closed by server, 1000 normal closure, client had ended TCP, TCP closed', 'late', 'c2s close.missing')
def _(t):
    """server close, client FIN that does not acknowledge it, server FIN: they crossed"""
    close_unheard(t, S2C)
    deaf(t, C2S, SIZE[S2C], lambda: fin(t, C2S))
    fin(t, S2C)


@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """client close, FINs that cross, the server's does not acknowledge the close frame"""
    close_unheard(t, C2S), fin(t, C2S)
    deaf(t, S2C, SIZE[C2S] + 1, lambda: fin(t, S2C))


@row('closed by client, 1000 normal closure, server had ended TCP, TCP reset by server', 'late', 's2c close.missing')
def _(t):
    """client close, server RST that does not acknowledge it"""
    close_unheard(t, C2S)
    deaf(t, S2C, SIZE[C2S], lambda: t.reset(S2C))


@row('closed by client, 1000 normal closure, server had ended TCP, TCP reset by server', 'late', 's2c close.missing')
def _(t):
    """client close, server RST without an acknowledgment: nobody is there any more"""
    close_unheard(t, C2S), t.packet(S2C, RST)


@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """client text that is lost for good, client close behind it, client FIN, server FIN that acknowledges none of them"""
    behind_a_hole(t), fin(t, C2S)
    deaf(t, S2C, t.hole + SIZE[C2S] + 1, lambda: fin(t, S2C))


@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """the same, the server's FIN first"""
    behind_a_hole(t)
    deaf(t, S2C, t.hole + SIZE[C2S], lambda: fin(t, S2C))
    fin(t, C2S)


@row('closed by client, 1000 normal closure, server had ended TCP, TCP reset by server', 'late', 's2c close.missing')
def _(t):
    """the same, server RST that acknowledges none of them"""
    behind_a_hole(t)
    deaf(t, S2C, t.hole + SIZE[C2S], lambda: t.reset(S2C))


@row('closed by client, 1000 normal closure, server had ended TCP, TCP closed', 'late', 's2c close.missing')
def _(t):
    """server text that is late, server FIN, client close, which the server acknowledges, then the text, client FIN"""
    t.frame(S2C, TEXT, 'abc')
    late, _ = t.wire.packets[-2:]
    t.lose(late), t.lose(t.wire.packets[-1])
    fin(t, S2C), close(t, C2S), t.packet(S2C, ACK)
    sent, t.sent[S2C] = t.sent[S2C], late.place
    t.frame(S2C, TEXT, 'abc')
    t.sent[S2C] = sent
    fin(t, C2S)


# -- nobody closes --------------------------------------------------------------------------------------------------

@row('no close frame, TCP closed', None, 'null close.missing')
def _(t):
    """server FIN, client FIN"""
    fin(t, S2C), fin(t, C2S)


@row('no close frame, TCP closed', None, 'null close.missing')
def _(t):
    """client FIN, server FIN"""
    fin(t, C2S), fin(t, S2C)


@row('no close frame, TCP reset by server', None, 'null close.missing')
def _(t):
    """server RST"""
    t.reset(S2C)


@row('no close frame, TCP reset by client', None, 'null close.missing')
def _(t):
    """client RST, and the server's close frame behind it"""
    t.reset(C2S), close(t, S2C)


@row('no close frame, TCP reset by server', None, 'null close.missing')
def _(t):
    """client FIN, server RST"""
    fin(t, C2S), t.reset(S2C)


# -- the capture ends -----------------------------------------------------------------------------------------------

@row('still open, capture over', None, last=True)
def _(t):
    """nothing"""
    t.frame(C2S, TEXT, 'x')


@row('no close frame, client ended TCP, capture over', None, last=True)
def _(t):
    """client FIN"""
    fin(t, C2S)


@row('no close frame, capture over', None, last=True)
def _(t):
    """server FIN that is lost, client FIN, which acknowledges it: who ended TCP first was not captured"""
    fin_lost(t, S2C), fin(t, C2S)


@row('closed by client, 1000 normal closure, not answered yet, capture over', 'open', last=True)
def _(t):
    """client close"""
    close(t, C2S)


@row('closed by client, 1000 normal closure, not answered yet, capture over', 'open', last=True)
def _(t):
    """client close, client FIN"""
    close(t, C2S), fin(t, C2S)


@row('closed by client, 1000 normal closure, not answered, capture over', 'none', last=True)
def _(t):
    """client close, server FIN"""
    close(t, C2S), fin(t, S2C)


@row('closed by client, 1000 normal closure, server had ended TCP, capture over', 'late', last=True)
def _(t):
    """server FIN, client close"""
    fin(t, S2C), close(t, C2S)


@row('closed by server, 1000 normal closure, capture over', None, last=True)
def _(t):
    """server close, client close"""
    close(t, S2C), close(t, C2S)


# -- something is lost -----------------------------------------------------------------------------------------------

@row('closed by client, 1000 normal closure, no answer captured, TCP closed', 'unseen')
def _(t):
    """client close, lost bytes of the server, server FIN, client FIN"""
    close(t, C2S)
    t.sent[S2C] += 4
    fin(t, S2C), fin(t, C2S)


@row('closed by server, 1000 normal closure, no answer captured, TCP closed', 'unseen')
def _(t):
    """lost bytes of the client, server close, client FIN, server FIN"""
    t.sent[C2S] += 8
    close(t, S2C), fin(t, C2S), fin(t, S2C)


@row('closed by client, 1000 normal closure, TCP closed', None)
def _(t):
    """client close, server close, server FIN that is lost, client FIN, server ACK, server FIN: it was no later"""
    close(t, C2S), close(t, S2C), fin_lost(t, S2C), fin(t, C2S), fin_again(t, S2C)


@row('closed by client, 1000 normal closure, TCP closed', None, 'c2s close.client-first')
def _(t):
    """client close, server close, client FIN, server ACK, server FIN that is lost, and again"""
    close(t, C2S), close(t, S2C), fin(t, C2S), t.packet(S2C, ACK), fin_lost(t, S2C)
    t.sent[S2C] -= 1
    fin(t, S2C, 1)


@row('closed by client, 1000 normal closure, TCP closed', None)
def _(t):
    """client close, server close, server FIN that is lost, client FIN, which acknowledges it, server FIN again"""
    close(t, C2S), close(t, S2C), fin_lost(t, S2C), fin(t, C2S)
    t.sent[S2C] -= 1
    fin(t, S2C, 1)


@row('closed by client, 1000 normal closure, no answer captured, TCP closed', 'unseen')
def _(t):
    """server FIN that is lost, client close, server ACK, server FIN, client FIN: it was no answer"""
    fin_lost(t, S2C), close(t, C2S), fin_again(t, S2C), fin(t, C2S)


@row('closed by server, 1000 normal closure, no answer captured, TCP closed', 'unseen')
def _(t):
    """client FIN that is lost, server close, client ACK, client FIN, server FIN: it was no answer"""
    fin_lost(t, C2S), close(t, S2C), fin_again(t, C2S), fin(t, S2C)


@row('closed by client, 1000 normal closure, no answer captured, silent too long', 'unseen')
def _(t):
    """client close, and a new connection from the same port: nobody saw how the one before ended"""
    close(t, C2S), t.wait(5)
    t.sent = {way: n + 0x1000000 for way, n in t.sent.items()}
    t.agree(), t.bye()


@row('closed by client, 1000 normal closure, no answer captured, TCP reset by server', 'unseen')
def _(t):
    """client close, server RST behind bytes that were lost"""
    close(t, C2S)
    t.sent[S2C] += 40
    t.reset(S2C)


@row('closed by client, 1000 normal closure, not answered, TCP closed', 'none', 's2c close.no-reply')
def _(t):
    """a loss long before, made good: lost bytes inside a message of the server, a text, client close, FINs"""
    t.frame(S2C, TEXT, 'a' * 200, mss=100)
    t.lose(t.wire.packets[-2])
    t.frame(S2C, TEXT, 'b')
    close(t, C2S), fin(t, S2C), fin(t, C2S)


# -- streams of HTTP/2 -------------------------------------------------------------------------------------------------

def stream(words, no_reply, findings=''):
    def add(function):
        def play(t):
            function(Stream(t).agree())
            t.shut()
        play.__doc__ = function.__doc__
        return row(words, no_reply, findings)(play)
    return add


def end(s, way):
    s.send(way, Stream.DATA, b'', Stream.END_STREAM)


@stream('closed by client, 1000 normal closure, not answered, stream closed', 'none', 's2c close.no-reply')
def _(s):
    """client close, server END_STREAM, client END_STREAM"""
    s.frame(C2S, CLOSE, BYE), end(s, S2C), end(s, C2S)


@stream('closed by client, 1000 normal closure, server had ended the stream, stream closed', 'late', 's2c close.missing')
def _(s):
    """server END_STREAM, client close, client END_STREAM"""
    end(s, S2C), s.frame(C2S, CLOSE, BYE), end(s, C2S)


@stream('closed by client, 1000 normal closure, no time to answer, stream closed', 'no-time', 'c2s close.not-awaited')
def _(s):
    """client close, client END_STREAM at once, server END_STREAM"""
    s.frame(C2S, CLOSE, BYE), end(s, C2S), end(s, S2C)


@stream('closed by server, 1000 normal closure, no time to answer, stream reset by server', 'no-time', 's2c close.not-awaited')
def _(s):
    """server close, server RST_STREAM at once"""
    s.frame(S2C, CLOSE, BYE), s.send(S2C, Stream.RST_STREAM, b'\0\0\0\1')


@stream('closed by server, 1000 normal closure, not answered, stream reset by client', 'none', 'c2s close.no-reply')
def _(s):
    """server close, client RST_STREAM"""
    s.frame(S2C, CLOSE, BYE), s.send(C2S, Stream.RST_STREAM, b'\0\0\0\1')


@stream('closed by server, 1000 normal closure, no answer captured, stream closed', 'unseen')
def _(s):
    """server close, server END_STREAM that is lost, client END_STREAM: who was the first to end it is not known"""
    s.frame(S2C, CLOSE, BYE)
    s.talk.sent[S2C] += 9
    end(s, C2S)


@stream('closed by client, 1000 normal closure, no answer captured, stream closed', 'unseen')
def _(s):
    """lost bytes of the client, client close, client END_STREAM, server END_STREAM, which is read before them"""
    s.talk.sent[C2S] += 9
    s.frame(C2S, CLOSE, BYE), end(s, C2S), end(s, S2C)


@stream('closed by client, 1000 normal closure, no answer captured, stream closed', 'unseen')
def _(s):
    """lost bytes of the client, client close, client END_STREAM with which that is read, later server END_STREAM"""
    s.talk.sent[C2S] += 9
    s.frame(C2S, CLOSE, BYE), end(s, C2S)
    s.talk.wait(0.5), s.talk.packet(S2C, ACK), s.talk.wait(0.5), end(s, S2C)


@stream('closed by server, 1000 normal closure, no answer captured, stream reset by client', 'unseen')
def _(s):
    """lost bytes of the server, server close and END_STREAM, client RST_STREAM"""
    s.talk.sent[S2C] += 9
    s.frame(S2C, CLOSE, BYE), end(s, S2C)
    s.send(C2S, Stream.RST_STREAM, b'\0\0\0\1')


# -- all of them ---------------------------------------------------------------------------------------------------------

FOUND = ('close.missing', 'close.no-reply', 'close.not-awaited', 'close.client-first')


def run(packets, *options):
    with tempfile.NamedTemporaryFile(suffix='.pcap') as file:
        file.write(classic(packets))
        file.flush()
        done = subprocess.run([TOOL, '-q', '--problems=all', *options, file.name], capture_output=True, check=False, text=True)
    if done.returncode or done.stderr:
        sys.exit(f'wstrace: status {done.returncode}: {done.stderr[-2000:]}')
    return done.stdout.splitlines()


def time_wrong(t, lost, detail):
    """Said is how long after the close frame a side ended TCP; known is when its FIN was captured. Behind a loss it
    waits, and is told later."""
    said = re.search(r'the (client|server) (reset|ended) TCP ([\d.]+) (m?s) later', detail)
    if not said:
        return False
    way = C2S if said[1] == 'client' else S2C
    flag = FIN if said[2] == 'ended' else RST
    if any(p.session is t and p.way == way and p.payload for p in lost):
        return False
    ends = [p for p in t.wire.packets if p.session is t and p.way == way and p.flags & (FIN | RST)]
    return not ends[0].flags & flag or ends[0].when - t.closed != round(float(said[3]) * (1000 if said[4] == 'ms' else 1e6))


def judge(rows, shown):
    wire, lost, talks = Wire(), set(), []
    for n, (_, _, _, _, last, function) in enumerate(rows):
        t = Talk(wire, (f'10.0.{n}.1', 40000), seed=n)
        t.lose = lost.add
        talks.append(t)
        if 'Stream' not in function.__code__.co_names:
            t.agree()
        function(t)
        wire.now += 0 if last else 600 * 1_000_000
    packets = [p for p in wire.packets if p not in lost]
    events = [json.loads(line) for line in run(packets, '--json')]
    conns = {e['client_ip']: e['conn'] for e in reversed(events) if e['type'] == 'handshake'}
    lines = [line for line in run(packets, '--utc') if ' end    ' in line]
    wrong = 0
    for n, (name, words, no_reply, findings, _, _) in enumerate(rows):
        conn = conns[f'10.0.{n}.1']
        ended = [e for e in events if e['type'] == 'end' and e['conn'] == conn][0]
        line = [line for line in lines if f'#{conn} ' in line][0].split(' end    ')[1]
        said = line.split(' after ')[0]
        told = [e for e in events if e['type'] == 'problem' and e['conn'] == conn and e['id'] in FOUND]
        found = {(e['dir'] or 'null', e['id']) for e in told}
        if shown:
            print(f'{name}\n    {line}')
            for e in told:
                print(f"    {e['dir']} {e['level']} {e['id']}: {e['detail']}")
        for e in told:
            if time_wrong(talks[n], lost, e['detail']):
                wrong += 1
                print(f"WRONG  {name}: {e['detail']}")
        for what, have, want in (('words', said, words), ('no_reply', ended.get('no_reply'), no_reply),
                                 ('findings', found, findings)):
            if have != want:
                wrong += 1
                print(f'WRONG  {name}: {what}: {have} instead of {want}')
    return wrong


def main():
    shown = '--show' in sys.argv
    wrong = judge([r for r in ROWS if not r[4]], shown)
    for r in ROWS:
        if r[4]:
            wrong += judge([r], shown)
    print(f'{len(ROWS)} endings, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

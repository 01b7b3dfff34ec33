#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two connections with the same addresses and ports: the end of the first was not captured, nor, maybe, the SYNs of
the second, which is told all the same. But what a stranger sends in a client's name, a SYN too, ends nothing: no
endpoint would look at it, and nobody answers it.
"""
import json
import subprocess
import sys
import tempfile

from talk import ACK, C2S, S2C, TEXT, TOOL, Talk, Wire, classic

from wire import SYN


def told(packets, *options):
    with tempfile.NamedTemporaryFile(suffix='.pcap') as f:
        f.write(classic(packets))
        f.flush()
        run = subprocess.run([TOOL, '--json', *options, f.name], stdout=subprocess.PIPE, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def talk(wire, seed, path):
    return Talk(wire, seed=seed).ask(path=path)


def agreed(wire, seed, path, behind=None):
    """`behind`: its numbers lie near those of that one, as of a port that is used again within a second."""
    t = talk(wire, seed, path)
    if behind:
        t.isn = {way: n + 1_000_000 & 0xffffffff for way, n in behind.isn.items()}
    t.send_request()
    t.wait(0.25)
    t.send_answer()
    t.start = dict(t.sent)
    return t


def texts(events):
    return [(e['conn'], e['text']) for e in events if e['type'] == 'message']


def second_told(near):
    def run():
        """Its handshake, with the packets and the time that are the request's own."""
        wire = Wire()
        first = agreed(wire, 1, '/first')
        first.frame(C2S, TEXT, b'one')
        first.frame(S2C, TEXT, b'two')
        second = agreed(wire, 2, '/second', behind=first if near else None)
        second.frame(C2S, TEXT, b'three')
        packets = [p for p in wire.packets if p.session is first or not p.flags & SYN]
        asked = 1 + [i for i, p in enumerate(packets) if p.payload.startswith(b'GET /second')][0]
        events = told(packets)
        shakes = [e for e in events if e['type'] == 'handshake']
        ends = [e for e in events if e['type'] == 'end']
        return [('handshakes', [(e['uri'], e['accepted']) for e in shakes], [('/first', True), ('/second', True)]),
                ('request_pkt', shakes[-1]['request_pkt'], asked),
                ('rtt', shakes[-1]['rtt'] > 0.25, True),
                ('messages', texts(events), [(1, 'one'), (1, 'two'), (2, 'three')]),
                ('ends', [(e['conn'], e['tcp'], e.get('reset_by')) for e in ends], [(1, 'timeout', None), (2, 'eof', None)]),
                ('gaps', [e for e in events if e['type'] == 'gap'], []),
                ('problems', [e['id'] for e in events if e['type'] == 'problem'], [])]
    return run


def stranger(way):
    def run():
        """The connection goes on, and what the stranger sent is left out."""
        wire = Wire()
        first = agreed(wire, 1, '/first')
        first.frame(C2S, TEXT, b'one')
        forged = talk(wire, 2, '/forged')
        (forged.send_request if way == C2S else forged.send_answer)()
        first.frame(C2S, TEXT, b'two')
        first.frame(S2C, TEXT, b'three')
        packets = [p for p in wire.packets if p.session is first or p.way == way and p.payload]
        events = told(packets)
        return [('handshakes', [e['uri'] for e in events if e['type'] == 'handshake'], ['/first']),
                ('messages', texts(events), [(1, 'one'), (1, 'two'), (1, 'three')]),
                ('gaps', [e for e in events if e['type'] == 'gap'], []),
                ('end', [e['tcp'] for e in events if e['type'] == 'end'], ['eof']),
                ('problems', [(e['id'], e['dir'], e['detail'][-8:]) for e in events if e['type'] == 'problem'],
                 [('tcp.unbelieved', 'c2s' if way == C2S else 's2c', 'left out')])]
    return run


def calls(accepted):
    def run():
        """A SYN into the open connection: the other's first, or a stranger's, which the server answers with what it
        has of the connection (RFC 9293 section 3.10.7.4)."""
        wire = Wire()
        first = agreed(wire, 1, '/first')
        first.frame(C2S, TEXT, b'one')
        second = talk(wire, 2, '/second')
        if accepted:
            second.send_request()
            second.send_answer()
        else:
            second.packet(C2S, SYN)
            first.packet(S2C, ACK)
            first.frame(C2S, TEXT, b'two')
            first.bye()
        events = told(wire.packets)
        uris = ['/first', '/second'] if accepted else ['/first']
        return [('handshakes', [e['uri'] for e in events if e['type'] == 'handshake'], uris),
                ('messages', texts(events), [(1, 'one')] + ([] if accepted else [(1, 'two')])),
                ('ends', [(e['tcp'], e['clean']) for e in events if e['type'] == 'end'],
                 [('timeout', False), ('eof', False)] if accepted else [('fin', True)]),
                ('problems', [e['id'] for e in events if e['type'] == 'problem'], [])]
    return run


def alone():
    """Only what the client sends is captured: the answer is a gap, which the end counts, too."""
    wire = Wire()
    first = agreed(wire, 1, '/first')
    first.frame(C2S, TEXT, b'one')
    first.reset(by=C2S)
    events = told([p for p in wire.packets if p.way == C2S])
    return [('gaps', [e['dir'] for e in events if e['type'] == 'gap'], ['s2c']),
            ('counted', [(e['c2s']['gaps'], e['s2c']['gaps']) for e in events if e['type'] == 'end'], [(0, 1)])]


def main():
    wrong = 0
    for what in second_told(False), second_told(True), stranger(C2S), stranger(S2C), calls(True), calls(False), alone:
        for name, have, want in what():
            if have != want:
                wrong += 1
                print(f'WRONG  {name}: {have} instead of {want}')
    return 1 if wrong else 0


sys.exit(main())

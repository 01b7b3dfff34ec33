#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wss that ends with close_notify and no close frame: who was the first to end TLS (docs/EVENTS.md, `tls_by`).

The TLS is OpenSSL's, the packets are made here: who says what when, who has acknowledged what, and which packets the
capture shows late, is known. What a proxy does that has had enough is the first row.
"""
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile

from talk import ACK, C2S, FIN, S2C, TEXT, TOOL, Frame, Talk, Wire, accept_of, classic, other

ROWS, ASKED = [], []
FIRST = 'first to end '


def row(tls_by, words, told):
    def add(function):
        ROWS.append((function.__doc__, tls_by, words, told, function))
        return function
    return add


def asked(told):
    """Of a handshake that is not answered."""
    def add(function):
        ASKED.append((function.__doc__, told, function))
        return function
    return add


class Sealed(Talk):
    """A Talk inside TLS."""

    def begin(self, contexts):
        self.late = []
        self.to = {C2S: ssl.MemoryBIO(), S2C: ssl.MemoryBIO()}
        self.tls = {C2S: contexts[C2S].wrap_bio(self.to[S2C], self.to[C2S], server_hostname='wss.test'),
                    S2C: contexts[S2C].wrap_bio(self.to[C2S], self.to[S2C], server_side=True)}
        self.open()
        waits = {C2S, S2C}
        while waits:
            for way in (C2S, S2C):
                try:
                    self.tls[way].do_handshake()
                    waits.discard(way)
                except ssl.SSLWantReadError:
                    pass
                self.flush(way)

    def flush(self, way):
        """What OpenSSL has written: to the capture, and to the other side."""
        data = self.to[way].read()
        if data:
            self.write(way, data)
            self.to[way].write(data)

    def say(self, way, data):
        self.tls[way].write(data)
        self.flush(way)
        self.tls[other(way)].read(65536)

    def notify(self, way):
        """close_notify, RFC 8446 section 6.1."""
        try:
            self.tls[way].unwrap()
        except (ssl.SSLWantReadError, ssl.SSLSyscallError):
            pass
        self.flush(way)

    def frames(self, way, text):
        self.say(way, Frame(TEXT, text, key=b'\1\2\3\4' if way == C2S else None).bytes())


def fin(t, way):
    t.packet(way, FIN | ACK)
    t.sent[way] += 1


@row('server', 'no close frame, server ended TLS, TCP closed',
     'TCP ended with FIN after 60.001 s of silence, and neither side had sent a close frame; '
     'first to end TLS was the server, TCP then the client')
def _(t):
    """the server's close_notify after a minute, the client's, its FIN, the server's"""
    t.wait(60), t.notify(S2C), t.notify(C2S), fin(t, C2S), fin(t, S2C)


@row('client', 'no close frame, client ended TLS, TCP closed', FIRST + 'TLS was the client, TCP then the server')
def _(t):
    """the client's close_notify, the server's FIN"""
    t.notify(C2S), fin(t, S2C), fin(t, C2S)


@row('server', 'no close frame, TCP closed', FIRST + 'TCP was the server')
def _(t):
    """the server's close_notify and FIN: the one is enough"""
    t.notify(S2C), fin(t, S2C), t.notify(C2S), fin(t, C2S)


@row('server', 'no close frame, server ended TLS, TCP reset by client', FIRST + 'TLS was the server')
def _(t):
    """the server's close_notify, the client's reset that acknowledges it"""
    t.notify(S2C), t.reset(C2S)


@row(None, 'no close frame, TCP closed', FIRST + 'TCP was the client')
def _(t):
    """both at once: neither had heard the other's"""
    before = t.sent[S2C]
    t.notify(S2C)
    t.wire.packets.pop()  # which acknowledged it
    ahead = t.sent[S2C] - before
    t.sent[S2C] -= ahead
    t.notify(C2S), fin(t, C2S)
    t.sent[S2C] += ahead
    fin(t, S2C)


@row(None, 'no close frame, TCP closed', FIRST + 'TCP was the server')
def _(t):
    """the client's comes first, and its tap is slow: what answers it stands before it"""
    t.notify(C2S)
    t.late.append((t.wire.packets[-2], 2))
    t.notify(S2C), fin(t, S2C), fin(t, C2S)


@row('server', 'no close frame, server ended TLS, capture over', None)
def _(t):
    """the server's close_notify, and nothing more"""
    t.notify(S2C)


@row(None, 'no close frame, TCP closed', FIRST + 'TCP was the client')
def _(t):
    """nobody says so"""
    fin(t, C2S), fin(t, S2C)


@row(None, 'no close frame, TCP closed', None)
def _(t):
    """the server's close_notify is not in the capture, and the client's answers it"""
    t.notify(S2C)
    t.wire.packets.pop(-2)
    t.notify(C2S), fin(t, S2C), fin(t, C2S)


@row(None, 'no close frame, capture over', None)
def _(t):
    """nor is the server's FIN behind it"""
    t.notify(S2C)
    t.wire.packets.pop(-2)
    fin(t, S2C)
    t.wire.packets.pop()
    t.notify(C2S), fin(t, C2S), t.packet(S2C, ACK)


@row(None, 'no close frame, TCP closed', None)
def _(t):
    """both at once, and the server's is not in the capture: its FIN acknowledges the client's"""
    before = t.sent[S2C]
    t.notify(S2C)
    t.wire.packets.pop(), t.wire.packets.pop()
    ahead = t.sent[S2C] - before
    t.sent[S2C] -= ahead
    t.notify(C2S)
    t.sent[S2C] += ahead
    fin(t, S2C), fin(t, C2S)


@row(None, 'no close frame, TCP reset by client', None)
def _(t):
    """the client's is not in the capture; the server's answers it, and the client resets"""
    t.notify(C2S)
    t.wire.packets.pop(-2)
    t.notify(S2C), t.reset(C2S)


@asked('no answer to the upgrade request in 2.000 s; then the server ended TLS')
def _(t):
    """asked; the server's close_notify after two seconds, the client's three later, its FIN, the server's"""
    t.wait(2), t.notify(S2C), t.wait(3), t.notify(C2S), fin(t, C2S), fin(t, S2C)


@asked('no answer to the upgrade request in 5.000 s; then the client ended TLS')
def _(t):
    """asked; the client's close_notify after five seconds, the server's FIN, the client's"""
    t.wait(5), t.notify(C2S), fin(t, S2C), fin(t, C2S)


@asked('no answer to the upgrade request in 5.000 s; then the client ended TCP')
def _(t):
    """asked; the client's close_notify and FIN"""
    t.wait(5), t.notify(C2S), fin(t, C2S), fin(t, S2C)


def contexts_of(folder, version):
    server, client = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    server.load_cert_chain(folder + '/cert.pem', folder + '/key.pem')
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.keylog_filename = folder + '/keys'
    client.minimum_version = client.maximum_version = version
    return {C2S: client, S2C: server}


def judge(folder, version, shown):
    contexts = contexts_of(folder, version)
    wire, late = Wire(), []
    for n, (*_, function) in enumerate(ROWS + ASKED):
        t = Sealed(wire, (f'10.0.{n}.1', 40000), server=('192.0.2.1', 443), seed=n)
        t.begin(contexts)
        t.say(C2S, f'GET / HTTP/1.1\r\nHost: wss.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: '
                   f'{t.ask().key}\r\nSec-WebSocket-Version: 13\r\n\r\n'.encode())
        if n < len(ROWS):
            t.say(S2C, b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                       b'Sec-WebSocket-Accept: ' + accept_of(t.key.encode()) + b'\r\n\r\n')
            t.frames(C2S, b'a question'), t.frames(S2C, b'an answer')
        function(t)
        late += t.late
        t.wait(600)
    packets = list(wire.packets)
    for packet, by in late:
        at = packets.index(packet)
        packets.insert(at + by, packets.pop(at))
    with open(folder + '/it.pcap', 'wb') as file:
        file.write(classic(packets, times=sorted(p.when for p in packets)))
    told = {}
    for mode in ('--json', '--utc'):
        done = subprocess.run([TOOL, mode, '--keylog', folder + '/keys', folder + '/it.pcap'], capture_output=True, check=True)
        told[mode] = done.stdout.decode().splitlines()
    events = [json.loads(line) for line in told['--json']]
    conns = {e['client_ip']: e['conn'] for e in events if e['type'] == 'handshake'}
    wrong = 0
    for n, (name, tls_by, words, detail, _) in enumerate(ROWS):
        conn = conns[f'10.0.{n}.1']
        end = [e for e in events if e['type'] == 'end' and e['conn'] == conn][0]
        missing = [e['detail'] for e in events if e['type'] == 'problem' and e['conn'] == conn and e['id'] == 'close.missing']
        line = [line for line in told['--utc'] if f'#{conn} ' in line and ' end    ' in line][0]
        said = line.split(' end    ')[1].split(' after ')[0]
        if shown:
            print(f'{name}\n    {line}\n    {missing}')
        for what, have, want in (('tls_by', end.get('tls_by'), tls_by), ('words', said, words),
                                 ('finding', [d[-len(detail or d):] for d in missing], [detail] if detail else [])):
            if have != want:
                wrong += 1
                print(f'WRONG  {version.name} {name}: {what}: {have} instead of {want}')
    for n, (name, detail, _) in enumerate(ASKED, len(ROWS)):
        said = [e['detail'] for e in events if e['type'] == 'problem' and e['conn'] == conns[f'10.0.{n}.1']]
        if [re.sub(r'\d s;', '0 s;', d) for d in said] != [detail]:  # the clock goes on with each packet
            wrong += 1
            print(f'WRONG  {version.name} {name}: {said} instead of {detail}')
    return wrong


def main():
    if not shutil.which('openssl'):
        print('no openssl program to make a certificate')
        return 77
    wrong = 0
    versions = ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_2
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-subj', '/CN=wss.test', '-days', '1',
                        '-keyout', folder + '/key.pem', '-out', folder + '/cert.pem'], capture_output=True, check=True)
        for version in versions:
            wrong += judge(folder, version, '--show' in sys.argv)
    print(f'{len(ROWS + ASKED) * len(versions)} endings, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

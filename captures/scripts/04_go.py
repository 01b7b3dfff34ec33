#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""04_go: Go's three implementations of WebSocket (gorilla, nhooyr, x/net), and a client that writes frames by hand.

As root. Needs golang-go, golang-github-gorilla-websocket-dev, golang-nhooyr-websocket-dev and
golang-golang-x-net-dev. The client records what it sends and hears; the server, why it upgraded not.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
from rawlab import ROOT, F, Z, request
from recorder import recorder
from refdec import message, messages, pmd_of, ws_frames

NAME, PORT = '04_go', 22152
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
DEFLATE = b'Sec-WebSocket-Extensions: permessage-deflate\r\n'
TRUTH = []


def key(n):
    return b'AAAAAAAAAAAAAAAAAAAA' + str(10 + n).encode() + b'=='


def talk(n, path, steps, early=b'', offer=b'', http=b'1.1'):
    """`steps`: (frames sent with one write, seconds to listen then)."""
    tcp = socket.create_connection(('127.0.0.1', PORT), 5)
    tcp.settimeout(3)
    conn = f'127.0.0.1:{tcp.getsockname()[1]}>127.0.0.1:{PORT}'
    tcp.sendall(request(path, key(n), offer, host=b'127.0.0.1:%d' % PORT, http=http) + early)
    heard = b''
    while b'\r\n\r\n' not in heard and (more := tcp.recv(65536)):
        heard += more
    head, _, heard = heard.partition(b'\r\n\r\n')
    status = int(head.split()[1]) if head else None
    if head:
        TRUTH.append({'kind': 'handshake', 'conn': conn, 'path': path.decode(), 'status': status, 'at': 'client'})
    else:
        TRUTH.append({'kind': 'note', 'conn': conn, 'path': path.decode(), 'at': 'client', 'event': 'no answer; the server ended TCP'})
    if status == 101:
        fields = dict(line.lower().split(': ', 1) for line in head.decode().split('\r\n')[1:])
        agreed = fields.get('sec-websocket-extensions')
        for frames, payloads in steps:
            tcp.sendall(b''.join(f.bytes('c') for f in frames))
            for opcode, payload in payloads:
                TRUTH.append({**message(conn, 'c2s', opcode, payload), 'seen': 'sent'})
            tcp.settimeout(0.3)
            try:
                while more := tcp.recv(65536):
                    heard += more
            except TimeoutError:
                pass
        for opcode, payload, _, _ in messages(ws_frames(heard)[0], pmd_of(agreed, 'server')):
            try:
                line = message(conn, 's2c', opcode, payload)
            except UnicodeDecodeError:
                line = {**message(conn, 's2c', BINARY, payload), 'opcode': TEXT, 'hex': payload.hex()}
            TRUTH.append({**line, 'seen': 'recv'})
    tcp.close()
    time.sleep(0.1)


def say(*said):
    """Frames of whole messages, and those."""
    return [F(opcode, payload) for opcode, payload in said], said


def play():
    bye = (CLOSE, (1000).to_bytes(2, 'big') + b'bye')
    z, words = Z(), b'fan, fan and once more: fan'
    talk(0, b'/gorilla', [], early=F(TEXT, b'early').bytes('c'))
    talk(1, b'/gorilla', [say((TEXT, b'hello')), say(bye)])
    talk(2, b'/nhooyr', [([F(TEXT, z(words), rsv=4)], [(TEXT, words)]), ([F(TEXT, z(words), rsv=4)], [(TEXT, words)]), say((TEXT, b'short'), (TEXT, b'')), say(bye)],
         offer=DEFLATE)
    talk(3, b'/nhooyr', [], http=b'1.0')
    talk(4, b'/nhooyr', [], offer=b'Origin: http://elsewhere.example\r\n')
    talk(5, b'/xnet', [say((TEXT, b'hello')), say((BINARY, b'\xff\xfe')), ([F(TEXT, b'in two ', fin=0), F(0, b'parts')], [(TEXT, b'in two parts')]), say((PING, b'x')), say(bye)],
         offer=b'Origin: http://127.0.0.1\r\n')


for directory in ('captures', 'truth', 'run'):
    os.makedirs(os.path.join(ROOT, directory), exist_ok=True)
program = os.path.join(ROOT, 'run', 'servers')
subprocess.run(['go', 'build', '-o', program, os.path.join(HERE, 'peers', 'servers.go')], check=True,
               env={**os.environ, 'GO111MODULE': 'off', 'GOPATH': '/usr/share/gocode'})
server = subprocess.Popen([program, f'127.0.0.1:{PORT}'], stdout=subprocess.PIPE, text=True)
for _ in range(100):
    with socket.socket() as s:
        if not s.connect_ex(('127.0.0.1', PORT)):
            break
    time.sleep(0.05)
tcpdump = recorder(f'{ROOT}/captures/{NAME}.pcap', 'lo', 'tcp', 'port', str(PORT))
play()
time.sleep(0.5)
tcpdump.send_signal(signal.SIGINT)
tcpdump.wait()
server.terminate()
for line in server.stdout:
    client, path, why = line.rstrip('\n').split(' ', 2)
    TRUTH.append({'kind': 'note', 'conn': f'{client}>127.0.0.1:{PORT}', 'path': path, 'at': 'server', 'event': 'not upgraded', 'message': why})
with open(f'{ROOT}/truth/{NAME}.ndjson', 'w', encoding='utf-8') as file:
    for line in TRUTH:
        file.write(json.dumps(line, ensure_ascii=False, separators=(',', ':')) + '\n')

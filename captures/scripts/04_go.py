#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""04_go: Go's three implementations of WebSocket (gorilla, nhooyr, x/net), and a client that writes frames by hand.

As root. Needs golang-go, golang-github-gorilla-websocket-dev, golang-nhooyr-websocket-dev and
golang-golang-x-net-dev. The client records what it sends and hears; the server, why it upgraded not.
"""
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
from rawlab import ROOT, F, Z
from rawtalk import listening, say, talk
from recorder import recorder

NAME, PORT = '04_go', 22152
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9
DEFLATE = b'Sec-WebSocket-Extensions: permessage-deflate\r\n'
TRUTH = []


def play():
    bye = (CLOSE, (1000).to_bytes(2, 'big') + b'bye')
    z, words = Z(), b'fan, fan and once more: fan'
    talk(TRUTH, PORT, 0, b'/gorilla', [], early=F(TEXT, b'early').bytes('c'))
    talk(TRUTH, PORT, 1, b'/gorilla', [say((TEXT, b'hello')), say(bye)])
    talk(TRUTH, PORT, 2, b'/nhooyr', [([F(TEXT, z(words), rsv=4)], [(TEXT, words)]), ([F(TEXT, z(words), rsv=4)], [(TEXT, words)]), say((TEXT, b'short'), (TEXT, b'')), say(bye)],
         offer=DEFLATE)
    talk(TRUTH, PORT, 3, b'/nhooyr', [], http=b'1.0')
    talk(TRUTH, PORT, 4, b'/nhooyr', [], offer=b'Origin: http://elsewhere.example\r\n')
    talk(TRUTH, PORT, 5, b'/xnet', [say((TEXT, b'hello')), say((BINARY, b'\xff\xfe')), ([F(TEXT, b'in two ', fin=0), F(0, b'parts')], [(TEXT, b'in two parts')]), say((PING, b'x')), say(bye)],
         offer=b'Origin: http://127.0.0.1\r\n')


for directory in ('captures', 'truth', 'run'):
    os.makedirs(os.path.join(ROOT, directory), exist_ok=True)
program = os.path.join(ROOT, 'run', 'servers')
subprocess.run(['go', 'build', '-o', program, os.path.join(HERE, 'peers', 'servers.go')], check=True,
               env={**os.environ, 'GO111MODULE': 'off', 'GOPATH': '/usr/share/gocode'})
server = subprocess.Popen([program, f'127.0.0.1:{PORT}'], stdout=subprocess.PIPE, text=True)
listening(PORT)
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

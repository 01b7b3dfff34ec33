#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""05_cowboy: Erlang's Cowboy, and a client that writes frames by hand.

As root. Needs rabbitmq-server, which brings Cowboy. The client records what it sends and hears; the server, why
it ended each connection.
"""
import glob
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

NAME, PORT = '05_cowboy', 22153
TEXT, CONT, CLOSE, PING = 1, 0, 8, 9
DEFLATE = b'Sec-WebSocket-Extensions: permessage-deflate\r\n'
TRUTH = []


def fragments(data, words, rsv=0):
    """A ping between two fragments of a message."""
    return [F(TEXT, data[:6], fin=0, rsv=rsv), F(PING, 'amid'), F(CONT, data[6:])], [(PING, b'amid'), (TEXT, words)]


def play():
    z, words = Z(), b'in two parts, and a ping between the two parts'
    talk(TRUTH, PORT, 0, b'/echo', [fragments(words, words), say((CLOSE, (1000).to_bytes(2, 'big') + b'bye'))])
    talk(TRUTH, PORT, 1, b'/echo', [([F(TEXT, z(words), rsv=4)], [(TEXT, words)]), say((PING, b'alone')), fragments(z(words[::-1]), words[::-1], 4),
                                    say((CLOSE, (1007).to_bytes(2, 'big')))], offer=DEFLATE)
    talk(TRUTH, PORT, 2, b'/echo', [], method=b'POST')


for directory in ('captures', 'truth', 'run'):
    os.makedirs(os.path.join(ROOT, directory), exist_ok=True)
code = [path for part in ('cowboy', 'cowlib', 'ranch') for path in glob.glob(f'/usr/lib/rabbitmq/lib/*/plugins/{part}-*/ebin')]
server = subprocess.Popen(['escript', os.path.join(HERE, 'peers', 'cowboy.erl'), str(PORT), *code], stdout=subprocess.PIPE, text=True)
listening(PORT)
tcpdump = recorder(f'{ROOT}/captures/{NAME}.pcap', 'lo', 'tcp', 'port', str(PORT))
play()
time.sleep(0.5)
tcpdump.send_signal(signal.SIGINT)
tcpdump.wait()
server.terminate()
for line in server.stdout:
    port, _, why = line.rstrip('\n').partition(' ')
    if not port.isdigit():
        continue  # Erlang's own reports
    TRUTH.append({'kind': 'note', 'conn': f'127.0.0.1:{port}>127.0.0.1:{PORT}', 'at': 'server', 'event': 'ended', 'message': why})
with open(f'{ROOT}/truth/{NAME}.ndjson', 'w', encoding='utf-8') as file:
    for line in TRUTH:
        file.write(json.dumps(line, ensure_ascii=False, separators=(',', ':')) + '\n')

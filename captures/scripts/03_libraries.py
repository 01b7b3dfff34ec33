#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""03_beast and 03_jetty: libraries in C++ and Java, each with itself; peers/ has the programs.

As root. Needs g++, libboost-dev; javac, libjetty9-java, libtomcat9-java (for the servlet interfaces).
What the libraries answer by themselves (close frames) they tell nobody: the truth has it from refdec, "derived".
usage: 03_libraries.py [beast|jetty]...
"""
import difflib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
from rawlab import ROOT
from refdec import decode, message

RUN = os.path.join(ROOT, 'run')
JAVA = '/usr/share/java'


def close(code, reason=''):
    return code.to_bytes(2, 'big') + reason.encode()


def noise(n):
    return b''.join(hashlib.md5(b'%d' % i).digest() for i in range(n // 16 + 1))[:n]


TALK = [('T', 'Hello from a library'), ('T', 'héllo wörld 日本語 😀'), ('T', ''), ('B', b''), ('B', bytes((0, 1, 2, 255)) * 20),
        ('T', 'x' * 125), ('T', 'x' * 126), ('T', 'repeat ' * 60), ('T', 'repeat ' * 60), ('B', noise(300)), ('P', 'ping'),
        ('T', 'fragment öne, ', 'w' * 200, ' and three'), *[('T', f'number {i}') for i in range(12)],
        ('C', close(1000, 'client bye'))]
BYE = [('T', 'one'), ('T', '!close'), ('W',)]
LEAVE = [('T', 'two'), ('L',)]
LEFT = [('T', 'three'), ('T', '!leave'), ('W',)]


def beast():
    program = os.path.join(RUN, 'beast')
    subprocess.run(['g++', '-std=c++17', os.path.join(HERE, 'peers/beast.cpp'), '-o', program, '-lpthread'], check=True)
    return [program]


def jetty():
    jars = ['jetty9-' + part for part in ('servlet', 'server', 'util', 'http', 'io', 'security', 'client', 'xml')]
    jars += ['jetty9-websocket-' + part for part in ('api', 'common', 'client', 'server', 'servlet')]
    path = ':'.join([RUN] + [f'{JAVA}/{jar}.jar' for jar in jars + ['tomcat9-servlet-api']])
    subprocess.run(['javac', '-nowarn', '-cp', path, '-d', RUN, os.path.join(HERE, 'peers/Jetty.java')], check=True)
    return ['java', '-XX:TieredStopAtLevel=1', '-cp', path, 'Jetty']


CAPTURES = {'beast': (beast, 22140, [TALK, BYE, LEAVE]), 'jetty': (jetty, 22141, [TALK[:12] + TALK[-1:], BYE, LEAVE, LEFT])}


def load(path):
    """(connection, sent or recv) -> [(opcode, payload)]"""
    table = {}
    with open(path, encoding='ascii') as file:
        for line in file:
            conn, side, opcode, payload = line.rstrip('\n').split(' ')
            table.setdefault((conn, side), []).append((int(opcode), bytes.fromhex(payload)))
    return table


def union(a, b, names):
    """Two lists of one sequence, each of which may lack some: [(item, who has it)]"""
    out = []
    for what, i, j, k, l in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if what == 'equal':
            out += [(x, names[2]) for x in a[i:j]]
        else:
            out += [(x, names[0]) for x in a[i:j]] + [(x, names[1]) for x in b[k:l]]
    return out


def truth(name, client, server):
    for n, c in enumerate(decode(f'{ROOT}/captures/{name}.pcap')):
        path = f'/{n}'
        yield {'kind': 'handshake', 'conn': c['conn'], 'path': path, 'status': 101}
        for way, sender, receiver in (('c2s', client, server), ('s2c', server, client)):
            known = union(sender.get((path, 'sent'), []), receiver.get((path, 'recv'), []), ('sent', 'recv', 'both'))
            seen = dict(known)
            wire = [(opcode, payload) for opcode, payload, _, _ in c[way]]
            for (opcode, payload), where in union([x for x, _ in known], wire, ('never', 'derived', 'known')):
                if where == 'never' or where == 'derived' and opcode < 8:
                    sys.exit(f'{name} {path} {way}: {where}: opcode {opcode}, {payload[:40]}')
                yield {**message(c['conn'], way, opcode, payload), 'seen': seen[opcode, payload] if where == 'known' else where}


def record(which):
    build, port, talks = CAPTURES[which]
    program, name = build(), f'03_{which}'
    records = {side: os.path.join(RUN, f'{name}.{side}') for side in ('client', 'server')}
    for path in records.values():
        open(path, 'w').close()
    tcpdump = subprocess.Popen(['tcpdump', '-U', '--immediate-mode', '-Z', 'root', '-i', 'lo', '-w', f'{ROOT}/captures/{name}.pcap',
                                'tcp', 'port', str(port)], stderr=subprocess.PIPE)
    while b'listening on' not in tcpdump.stderr.readline():
        pass
    server = subprocess.Popen(program + ['server', str(port), records['server']], stdout=subprocess.PIPE)
    server.stdout.readline()
    for n, talk in enumerate(talks):
        steps = os.path.join(RUN, f'{name}.steps')
        with open(steps, 'w', encoding='ascii') as file:
            for kind, *parts in talk:
                parts = [part.encode() if isinstance(part, str) else part for part in parts]
                file.write(' '.join([kind] + [part.hex() for part in parts]) + '\n')
        subprocess.run(program + ['client', str(port), f'/{n}', steps, records['client']], timeout=30, check=False)
        time.sleep(0.4)
    server.terminate()
    time.sleep(0.4)
    tcpdump.send_signal(signal.SIGINT)
    tcpdump.wait()
    with open(f'{ROOT}/truth/{name}.ndjson', 'w', encoding='utf-8') as file:
        for line in truth(name, load(records['client']), load(records['server'])):
            file.write(json.dumps(line, ensure_ascii=False, separators=(',', ':')) + '\n')


for which in sys.argv[1:] or CAPTURES:
    record(which)

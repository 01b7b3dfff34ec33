#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""04_qemu and 05_emacs: a server and a client that have an implementation of their own, and what they do wrong.

As root. Needs qemu-system-x86 and python3-websocket; emacs-nox, elpa-websocket and python3-aiohttp.
What the programs answer by themselves (pongs, close frames) they tell nobody: the truth has it from refdec, "derived".
usage: 05_programs.py [qemu|emacs]...
"""
import asyncio
import glob
import json
import os
import signal
import socket
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, 'lib'))
from rawlab import ROOT
from rawtalk import listening
from recorder import recorder
from refdec import decode, message

NOTED = {}  # (which talk, "sent" or "recv" of the client or the server) -> [(opcode, payload)]
REFUSED = {}  # conn -> a line of the truth


def note(path, who, opcode, payload):
    NOTED.setdefault((path, who), []).append((opcode, payload))


# -- QEMU's VNC server, with python3-websocket ---------------------------------------------------

def qemu(port, run):
    import websocket
    server = subprocess.Popen(['qemu-system-x86_64', '-display', 'none', '-nodefaults', '-vga', 'std', '-m', '32', '-S', '-accel', 'tcg',
                               '-monitor', 'none', '-serial', 'none', '-vnc', f'127.0.0.1:90,websocket={port}'])
    listening(port)
    run()
    for path, protocol in (('/', 'binary'), ('/', 'binary'), ('/', 'chat'), ('/elsewhere', 'binary')):
        tcp = socket.create_connection(('127.0.0.1', port), 3)
        conn = f'127.0.0.1:{tcp.getsockname()[1]}>127.0.0.1:{port}'
        try:
            client = websocket.create_connection(f'ws://127.0.0.1:{port}{path}', socket=tcp, subprotocols=[protocol], suppress_origin=True)
        except websocket.WebSocketBadStatusException as e:
            REFUSED[conn] = {'kind': 'handshake', 'conn': conn, 'path': path, 'status': e.status_code, 'at': 'client'}
            continue
        except websocket.WebSocketException as e:
            REFUSED[conn] = {'kind': 'note', 'conn': conn, 'path': path, 'at': 'client', 'event': 'no answer', 'message': str(e)}
            continue

        def hear(want, conn=conn, client=client):
            while want:
                frame = client.recv_frame()
                note(conn, 'client recv', frame.opcode, frame.data)
                want -= frame.opcode == 2

        def send(opcode, payload, conn=conn, client=client):
            note(conn, 'client sent', opcode, payload)
            client.send(payload, opcode)

        hear(1)
        send(2, b'RFB 003.008\n')
        hear(1)
        if len(NOTED) == 2:  # the first talk
            send(9, b'hello qemu')
            send(2, b'\1')
            hear(1)
            send(8, (3000).to_bytes(2, 'big') + b'enough')
        else:
            send(1, b'text')
        while client.recv_frame().opcode != 8:
            pass
        time.sleep(0.3)
        client.shutdown()
        time.sleep(0.3)
    server.terminate()
    server.wait()


# -- Emacs, with aiohttp -------------------------------------------------------------------------

def emacs(port, run):
    from aiohttp import WSMsgType, web
    lines = os.path.join(ROOT, 'run', '05_emacs.client')
    open(lines, 'w').close()

    async def answer(request):
        ws = web.WebSocketResponse(compress=False)
        await ws.prepare(request)
        async for message in ws:
            if message.type == WSMsgType.TEXT:
                text = message.data.encode()
                note(request.path, 'server recv', 1, text)
                if text == b'!close':
                    await ws.close(code=4001, message=b'server bye')
                    break
                if text == b'!ping':
                    await ws.ping(b'aiohttp')
                note(request.path, 'server sent', 1, text)
                await ws.send_str(message.data)
        return ws

    async def talk():
        app = web.Application()
        app.router.add_get('/{n}', answer)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, '127.0.0.1', port).start()
        run()
        where = glob.glob('/usr/share/emacs/site-lisp/elpa/websocket-*')[0]
        client = await asyncio.create_subprocess_exec('emacs', '--batch', '-Q', '-L', where, '-l', os.path.join(HERE, 'peers', 'talk.el'), str(port), lines)
        await asyncio.wait_for(client.wait(), 60)
        await runner.cleanup()

    asyncio.run(talk())
    with open(lines, encoding='ascii') as file:
        for line in file:
            path, side, opcode, payload = line.rstrip('\n').split(' ')
            note(path, f'client {side}', int(opcode), bytes.fromhex(payload))


# -- both ----------------------------------------------------------------------------------------

def seen(key, way, opcode, payload):
    """Who has noted it; what neither did must be a frame that libraries answer with. Each is taken once."""
    sender, receiver = ('client', 'server') if way == 'c2s' else ('server', 'client')
    have = []
    for who in (f'{sender} sent', f'{receiver} recv'):
        noted = NOTED.get((key, who), [])
        if noted and noted[0] == (opcode, payload):
            noted.pop(0)
            have.append(who.split()[1])
    if not have and opcode < 8:
        sys.exit(f'{key} {way}: on the wire and noted by nobody: opcode {opcode}, {payload[:40]}')
    return 'both' if len(have) == 2 else have[0] if have else 'derived'


def truth(name):
    for n, c in enumerate(decode(f'{ROOT}/captures/{name}.pcap')):
        if c['conn'] in REFUSED:
            yield REFUSED.pop(c['conn'])
            continue
        key, path = (f'/{n}', f'/{n}') if name == '05_emacs' else (c['conn'], '/')
        yield {'kind': 'handshake', 'conn': c['conn'], 'path': path, 'status': 101}
        for way in ('c2s', 's2c'):
            for opcode, payload, _, _ in c[way]:
                yield {**message(c['conn'], way, opcode, payload), 'seen': seen(key, way, opcode, payload)}
    yield from REFUSED.values()  # refdec sees no answer


def record(which):
    name, port, talk = CAPTURES[which]
    tcpdump = []
    NOTED.clear()
    REFUSED.clear()
    talk(port, lambda: tcpdump.append(recorder(f'{ROOT}/captures/{name}.pcap', 'lo', 'tcp', 'port', str(port))))
    time.sleep(0.5)
    tcpdump[0].send_signal(signal.SIGINT)
    tcpdump[0].wait()
    with open(f'{ROOT}/truth/{name}.ndjson', 'w', encoding='utf-8') as file:
        for line in truth(name):
            file.write(json.dumps(line, ensure_ascii=False, separators=(',', ':')) + '\n')
    for key, left in NOTED.items():
        if left:
            sys.exit(f'{name}: noted and not on the wire: {key} {left}')


CAPTURES = {'qemu': ('04_qemu', 22150, qemu), 'emacs': ('05_emacs', 22151, emacs)}
for directory in ('captures', 'truth', 'run'):
    os.makedirs(os.path.join(ROOT, directory), exist_ok=True)
for which in sys.argv[1:] or CAPTURES:
    record(which)

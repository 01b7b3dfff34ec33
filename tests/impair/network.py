#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A real talk over a bad network: two namespaces, the kernel's own TCP at both ends, a link that loses,
delays and doubles packets, tcpdump at both ends. wstrace must show, of either recording, every message.

In:  nothing. Needs root, iproute2, tcpdump, and either sch_netem or /dev/net/tun.
Out: a line a recording. Exit status 77 and SKIP with the reason where that is missing.

The link is veth with `tc netem` where the kernel has it; else (and with --link user) two TAP devices and this
program between them, which does the same by its own dice.

usage: network.py [--tool WSTRACE] [--link netem|user] [--messages N] [--seed N] [--loss P] [--reorder P]
                  [--duplicate P] [--mtu N] [--deflate] [--keep FOLDER]
"""
import argparse
import base64
import ctypes
import fcntl
import hashlib
import heapq
import json
import os
import random
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '../truth'), os.path.join(HERE, '../../captures/scripts')]
import check_truth  # noqa: E402
import shuffle  # noqa: E402
import wire  # noqa: E402

SERVER, CLIENT, PORT = '10.77.0.2', '10.77.0.1', 8080
DEFLATE = 'permessage-deflate'
SECONDS = 60  # for one talk
CLONE_NEWNET = 0x40000000


def skip(why):
    print('SKIP:', why)
    sys.exit(77)


# -- the peers: each a process of its own, inside its namespace ------------------------------------

class Peer:
    """One end of a WebSocket connection. Writes down what it sends and what it gets."""

    def __init__(self, sock, way, seed, deflate):
        self.sock, self.way, self.random = sock, way, random.Random(f'{seed} {way}')
        self.deflater = wire.Deflater() if deflate else None
        self.sent, self.got, self.buffer = [], [], b''

    def record(self, opcode, data):
        return {'kind': 'message', 'conn': None, 'dir': self.way, 'opcode': opcode, 'length': len(data),
                'sha256': hashlib.sha256(data).hexdigest(), 'seq': len(self.sent)}

    def send(self, opcode, data):
        body, rsv = data, 0
        if self.deflater and opcode < 8:
            body, rsv = self.deflater(data), 4
        key = self.random.randbytes(4) if self.way == wire.C2S else None
        line = self.record(opcode, data)
        if opcode == wire.CLOSE:
            line |= {'code': data[0] << 8 | data[1], 'reason': data[2:].decode()}
        self.sent.append(line)
        self.sock.sendall(wire.Frame(opcode, body, rsv=rsv, key=key).bytes())

    def talk(self, messages):
        for i in range(messages):
            kind = self.random.random()
            n = self.random.choice((0, 20, 100, 126, 500, 1400, 6000))
            if kind < 0.6:
                self.send(wire.TEXT, (f'{self.way} {i} ' + 'héllo wörld ' * (n // 14)).encode())
            elif kind < 0.95:
                self.send(wire.BINARY, self.random.randbytes(n))
            else:
                self.send(wire.PING, f'ping {i}'.encode())
            if self.random.random() < 0.3:
                time.sleep(0.001)
        self.send(wire.CLOSE, b'\x03\xe8' + f'{self.way} done'.encode())

    def need(self, n):
        while len(self.buffer) < n:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, self.buffer = self.buffer[:n], self.buffer[n:]
        return out

    def head(self):
        while b'\r\n\r\n' not in self.buffer:
            more = self.sock.recv(65536)
            if not more:
                raise EOFError
            self.buffer += more
        out, _, self.buffer = self.buffer.partition(b'\r\n\r\n')
        return out.decode()

    def listen(self):
        """Frames as they come, until the peer's close."""
        while True:
            a, b = self.need(2)
            n = b & 127
            n = struct.unpack('>H', self.need(2))[0] if n == 126 else \
                struct.unpack('>Q', self.need(8))[0] if n == 127 else n
            key = self.need(4) if b & 128 else None
            body = self.need(n)
            self.got.append((a & 15, hashlib.sha256(wire.xor(body, key) if key else body).hexdigest()))
            if a & 15 == wire.CLOSE:
                return


def peer(role, folder, seed, messages, deflate):
    agreed = f'Sec-WebSocket-Extensions: {DEFLATE}\r\n' if deflate else ''
    if role == 'server':
        door = socket.create_server((SERVER, PORT))
        print('listening', flush=True)
        door.settimeout(SECONDS)
        sock, _ = door.accept()
        p = Peer(sock, wire.S2C, seed, deflate)
        key = next(line[19:] for line in p.head().split('\r\n') if line.startswith('Sec-WebSocket-Key: '))
        sock.sendall(('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                      f'Sec-WebSocket-Accept: {wire.accept_of(key.encode()).decode()}\r\n{agreed}\r\n').encode())
    else:
        sock = socket.create_connection((SERVER, PORT), timeout=SECONDS)
        p = Peer(sock, wire.C2S, seed, deflate)
        key = base64.b64encode(p.random.randbytes(16)).decode()
        sock.sendall((f'GET /impair HTTP/1.1\r\nHost: {SERVER}:{PORT}\r\nUpgrade: websocket\r\n'
                      f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{agreed}\r\n'
                      ).encode())
        p.head()
    sock.settimeout(SECONDS)
    here, there = sock.getsockname(), sock.getpeername()
    client, server = (here, there) if role == 'client' else (there, here)
    conn = f'{client[0]}:{client[1]}>{server[0]}:{server[1]}'
    ears = threading.Thread(target=p.listen, daemon=True)
    ears.start()
    p.talk(messages)
    ears.join(SECONDS)
    # The server hangs up first; the client's recv() returning nothing means that all has arrived.
    if role == 'server':
        sock.shutdown(socket.SHUT_WR)
    while sock.recv(4096):
        pass
    with open(os.path.join(folder, f'{role}.json'), 'w', encoding='utf-8') as file:
        json.dump({'sent': [t | {'conn': conn} for t in p.sent], 'got': len(p.got)}, file)
    sock.close()


# -- the network -----------------------------------------------------------------------------------

def command(*words, check=True):
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if check and done.returncode:
        raise OSError(f'{" ".join(words)}: {done.stderr.strip()}')
    return done.returncode == 0


class Network:
    """Two namespaces and what lies between. A context manager: nothing stays behind."""

    def __init__(self, options):
        self.options = options
        self.names = [f'wst-{end}-{os.getpid()}' for end in 'ab']
        self.devices = ['wsta', 'wstb']
        self.thread = self.stop = None
        self.counts = dict(lost=0, late=0, doubled=0)

    def __enter__(self):
        try:
            for name in self.names:
                command('ip', 'netns', 'add', name)
                command('ip', '-n', name, 'link', 'set', 'lo', 'up')  # what can be made need not be open: in a chroot it is not
            self.how = self.options.link or ('netem' if self.netem() else 'user')
            if self.how == 'user':
                self.user()
            elif self.options.link and not self.netem():
                raise OSError('tc has no netem here')
            for name, device, address in zip(self.names, self.devices, (CLIENT, SERVER)):
                command('ip', '-n', name, 'addr', 'add', f'{address}/24', 'dev', device)
                command('ip', '-n', name, 'link', 'set', device, 'gso_max_segs', '1', check=False)
                command('ip', '-n', name, 'link', 'set', device, 'mtu', str(self.options.mtu), 'up')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self.thread:
            self.stop.set()
            self.thread.join()
            for fd in self.taps:
                os.close(fd)
        for name in self.names:
            command('ip', 'netns', 'del', name, check=False)

    def netem(self):
        """veth with netem at both ends. False when the kernel has no netem."""
        (a, b), (x, y), o = self.names, self.devices, self.options
        if not command('ip', '-n', a, 'link', 'show', x, check=False):
            command('ip', 'link', 'add', x, 'netns', a, 'type', 'veth', 'peer', 'name', y, 'netns', b)
        good = all(command('tc', '-n', name, 'qdisc', 'replace', 'dev', device, 'root', 'netem',
                           'delay', '2ms', 'loss', f'{o.loss:%}', 'duplicate', f'{o.duplicate:%}',
                           'reorder', f'{1 - o.reorder:%}', check=False)
                   for name, device in ((a, x), (b, y)))
        if not good:
            command('ip', '-n', a, 'link', 'del', x, check=False)
        return good

    def user(self):
        libc = ctypes.CDLL(None, use_errno=True)
        home = os.open('/proc/self/ns/net', os.O_RDONLY)
        self.taps = []
        for name, device in zip(self.names, self.devices):
            fd = os.open(f'/run/netns/{name}', os.O_RDONLY)
            if libc.setns(fd, CLONE_NEWNET):
                raise OSError(f'setns: {os.strerror(ctypes.get_errno())}')
            os.close(fd)
            try:
                tap = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
                fcntl.ioctl(tap, 0x400454CA, struct.pack('16sH22x', device.encode(), 0x1002))  # IFF_TAP, IFF_NO_PI
            finally:
                libc.setns(home, CLONE_NEWNET)
            self.taps.append(tap)
        os.close(home)
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.carry, daemon=True)
        self.thread.start()

    def carry(self):
        """Ethernet frames from one TAP to the other, by the dice."""
        dice, o, queue, count = random.Random(self.options.seed), self.options, [], 0
        a, b = self.taps
        while not self.stop.is_set():
            now = time.monotonic()
            while queue and queue[0][0] <= now:
                _, _, out, frame = heapq.heappop(queue)
                try:
                    os.write(out, frame)
                except OSError:
                    pass
            wait = min(0.05, max(0, queue[0][0] - now)) if queue else 0.05
            for fd in select.select([a, b], [], [], wait)[0]:
                while True:
                    try:
                        frame = os.read(fd, 65536)
                    except (BlockingIOError, OSError):
                        break
                    due, copies = time.monotonic() + 0.0005, 1
                    if frame[12:14] == b'\x08\0':  # not ARP
                        if dice.random() < o.loss:
                            self.counts['lost'] += 1
                            continue
                        if dice.random() < o.reorder:
                            self.counts['late'] += 1
                            due += 0.003
                        if dice.random() < o.duplicate:
                            self.counts['doubled'] += 1
                            copies = 2
                    for i in range(copies):
                        count += 1
                        heapq.heappush(queue, (due + i * 0.0007, count, b if fd == a else a, frame))


def in_namespace(name, *words, **how):
    return subprocess.Popen(['ip', 'netns', 'exec', name, *words], **how)


def tap(name, device, path):
    """A tcpdump that has begun."""
    # In immediate mode the buffer has slots of the snap length; veth hands over what TCP made in one piece.
    # Not root's folder but a file that is open: tcpdump stops being root, and with -Z root Ubuntu's dies.
    with open(path, 'wb') as file:
        process = in_namespace(name, 'tcpdump', '-i', device, '-s', '65600', '-B', '65536', '-U', '--immediate-mode',
                               '-w', '-', 'tcp', stdout=file, stderr=subprocess.PIPE)
    seen = b''
    while b'listening on' not in seen:
        line = process.stderr.readline()
        if not line:
            raise OSError(f'tcpdump: {seen.decode(errors="replace").strip()}')
        seen += line
    return process


def talk(options, network, folder):
    """One session; returns the truth. The recordings are client.pcap and server.pcap."""
    me = [sys.executable, os.path.abspath(__file__)]
    more = ['--seed', str(options.seed), '--messages', str(options.messages), '--folder', folder]
    more += ['--deflate'] if options.deflate else []
    processes, taps = [], []
    try:
        for name, device, role in zip(network.names, network.devices, ('client', 'server')):
            taps.append(tap(name, device, os.path.join(folder, f'{role}.pcap')))
        server = in_namespace(network.names[1], *me, '--peer', 'server', *more, stdout=subprocess.PIPE)
        processes.append(server)
        if server.stdout.readline() != b'listening\n':
            raise RuntimeError('the server did not start')
        processes.append(in_namespace(network.names[0], *me, '--peer', 'client', *more))
        for p in processes:
            if p.wait(SECONDS * 2):
                raise RuntimeError('a peer failed')
        time.sleep(0.5)  # FINs, and what was still on the link
    finally:
        for p in processes:
            if p.poll() is None:
                p.kill()
        for p in taps:
            p.send_signal(signal.SIGINT)
            p.wait(10)
    said = {}
    for role in ('client', 'server'):
        with open(os.path.join(folder, f'{role}.json'), encoding='utf-8') as file:
            said[role] = json.load(file)
    for role, peer_role in (('client', 'server'), ('server', 'client')):
        if said[role]['got'] != len(said[peer_role]['sent']):
            raise RuntimeError(f'the {role} got {said[role]["got"]} of {len(said[peer_role]["sent"])}')
    conn = said['client']['sent'][0]['conn']
    head = {'kind': 'handshake', 'conn': conn, 'status': 101, 'path': '/impair',
            'extensions': DEFLATE if options.deflate else ''}
    return [head, *said['client']['sent'], *said['server']['sent']]


def holes(path):
    """Bytes that neither tcpdump's first nor any later copy has: it may drop packets on a busy machine."""
    with open(path, 'rb') as file:
        packets = shuffle.read_classic(file.read())[1]
    by_flow = {}
    for p in packets:
        if p.flow and p.n:
            by_flow.setdefault(p.flow, []).append(p)
    total = 0
    for some in by_flow.values():
        spans = wire.union([((p.seq - some[0].seq) % 2**32, (p.seq - some[0].seq) % 2**32 + p.n) for p in some])
        total += sum(b[0] - a[1] for a, b in zip(spans, spans[1:]))
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--link', choices=['netem', 'user'])
    parser.add_argument('--messages', type=int, default=400, help='each way')
    parser.add_argument('--seed', type=int, default=1)
    parser.add_argument('--loss', type=float, default=0.02)
    parser.add_argument('--reorder', type=float, default=0.05)
    parser.add_argument('--duplicate', type=float, default=0.02)
    parser.add_argument('--mtu', type=int, default=576)
    parser.add_argument('--deflate', action='store_true')
    parser.add_argument('--keep', help='folder for recordings that went wrong')
    parser.add_argument('--peer', choices=['client', 'server'], help=argparse.SUPPRESS)
    parser.add_argument('--folder', help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.peer:
        peer(options.peer, options.folder, options.seed, options.messages, options.deflate)
        return 0

    if os.geteuid():
        skip('only root may make network namespaces')
    for program in ('ip', 'tcpdump'):
        if not shutil.which(program):
            skip(f'{program} is not installed')
    bad = 0
    with tempfile.TemporaryDirectory(prefix='wstrace-network-') as folder:
        try:
            with Network(options) as network:
                truth = talk(options, network, folder)
        except OSError as error:
            skip(str(error))
        what = 'deflate' if options.deflate else 'plain'
        for role in ('client', 'server'):
            path = os.path.join(folder, f'{role}.pcap')
            events, status, err = check_truth.run(options.tool, [path], [])
            wrong = [f'exit status {status}: {err.strip()}'] if status else []
            absent = holes(path)
            expected = [t | {'decodable': False} for t in truth] if absent else truth
            check_truth.compare(expected, events, wrong.append)
            gaps = sum(e['bytes'] for e in events if e['type'] == 'gap')
            if gaps != absent:
                wrong.append(f'{gaps} bytes said to be missing, but the recording lacks {absent}')
            for e in events:
                if e['type'] == 'problem' and e['level'] == 'error':
                    wrong.append(f'a sound peer is blamed: {e["id"]}: {e["detail"]}')
            dice = ', '.join(f'{n} {k}' for k, n in network.counts.items()) if network.how == 'user' else 'netem'
            print(f'{"WRONG " if wrong else "ok    "} {what}, MTU {options.mtu}, link {network.how} ({dice}), '
                  f'recorded at the {role}: {events[-1]["packets"]} packets, {len(truth) - 1} messages' +
                  (f'; tcpdump lost {absent} bytes: only what is told is compared' if absent else ''))
            for w in wrong[:10]:
                print(f'    {w}')
            if wrong and options.keep:
                os.makedirs(options.keep, exist_ok=True)
                shutil.copy(path, os.path.join(options.keep, f'{what}_{role}_{options.seed}.pcap'))
                with open(os.path.join(options.keep, f'{what}_{role}_{options.seed}.ndjson'), 'w',
                          encoding='utf-8') as file:
                    file.write(wire.ndjson(truth))
            bad += bool(wrong)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

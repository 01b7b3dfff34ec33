#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A capture of half a megabyte that inflates to 512 MiB costs bounded memory and time, is told
about, and spoils nothing that follows."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import zlib

INFLATED = 512 << 20
LIMIT_KIB = 64 << 10
KEPT = 16 << 20 # the default of --max-message
REQUEST = (b'GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
           b'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'
           b'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n')
ANSWER = (b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
          b'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n'
          b'Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n')


class Capture:
    """A classic pcap of one TCP connection, link type RAW."""

    def __init__(self, path):
        self.file = open(path, 'wb')
        self.file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 101))
        self.seq = {'c2s': 1000, 's2c': 5000}
        self.clock = 0

    def packet(self, way, flags, payload=b''):
        other = 's2c' if way == 'c2s' else 'c2s'
        ports, ips = ((40000, 80), (b'\x0a\0\0\1', b'\x0a\0\0\2'))
        if way == 's2c':
            ports, ips = ports[::-1], ips[::-1]
        tcp = struct.pack('>HHIIBBHHH', *ports, self.seq[way], self.seq[other], 5 << 4, flags, 65535, 0, 0)
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 40 + len(payload), 0, 0, 64, 6, 0, *ips)
        data = ip + tcp + payload
        self.clock += 1
        self.file.write(struct.pack('<IIII', 1, self.clock, len(data), len(data)) + data)
        self.seq[way] += len(payload) + (flags & 3 != 0)

    def send(self, way, payload):
        for at in range(0, len(payload), 1400):
            self.packet(way, 0x18, payload[at:at + 1400])


def frame(first, payload):
    n = len(payload)
    if n < 126:
        return bytes([first, n]) + payload
    if n < 65536:
        return struct.pack('>BBH', first, 126, n) + payload
    return struct.pack('>BBQ', first, 127, n) + payload


def bomb(path):
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    chunk = bytes(1 << 20)
    data = b''.join(deflate.compress(chunk) for _ in range(INFLATED >> 20))
    data += deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    after = deflate.compress(b'still here') + deflate.flush(zlib.Z_SYNC_FLUSH)[:-4]
    capture = Capture(path)
    capture.packet('c2s', 2)
    capture.packet('s2c', 0x12)
    capture.send('c2s', REQUEST)
    capture.send('s2c', ANSWER)
    capture.send('s2c', frame(0xc2, data))
    capture.send('s2c', frame(0xc1, after))
    capture.send('s2c', frame(0x81, b'and here'))
    capture.file.close()


def run(*command):
    """(status, output, peak memory in KiB, seconds)"""
    with tempfile.TemporaryFile() as out:
        begin = time.monotonic()
        process = subprocess.Popen(command, stdout=out)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        out.seek(0)
        return os.waitstatus_to_exitcode(status), out.read(), usage.ru_maxrss, time.monotonic() - begin


def main():
    tool = os.environ.get('WSTRACE', 'build/release/wstrace')
    wrong = []
    with tempfile.TemporaryDirectory() as scratch:
        path = os.path.join(scratch, 'bomb.pcap')
        bomb(path)
        for mode in ([], ['--json']): # the large output last: a child's peak counts what its parent holds
            status, out, peak, seconds = run(tool, *mode, path)
            name = ' '.join(mode) or 'text'
            print(f'{name}: {os.path.getsize(path)} bytes, {peak >> 10} MiB, {seconds:.1f} s')
            if status != 0:
                wrong.append(f'{name}: exit status {status}')
            if peak > LIMIT_KIB:
                wrong.append(f'{name}: {peak} KiB of memory')
            if seconds > 20:
                wrong.append(f'{name}: {seconds:.1f} s')
            if mode:
                events = [json.loads(line) for line in out.splitlines()]
                messages = [e for e in events if e['type'] == 'message']
                said = [(m['len'], m['omitted'], m.get('text')) for m in messages]
                if said != [(INFLATED, INFLATED - KEPT, None), (10, 0, 'still here'), (8, 0, 'and here')]:
                    wrong.append(f'the messages are {said}')
                if not any(e['type'] == 'problem' and e['msg'] == messages[0]['msg'] for e in events):
                    wrong.append('no problem says why it was cut')
    print('\n'.join(wrong))
    return 1 if wrong else 0


sys.exit(main())

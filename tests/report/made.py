# SPDX-License-Identifier: MIT
"""Captures made for the report: one connection, any frames, written as classic pcap.

In:  frames as bytes, each with its direction. Out: a file. Only what the tests need of TCP.
"""
import base64
import hashlib
import random
import struct

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
C2S, S2C = 0, 1
chance = random.Random(1) # the same captures every time


def frame(direction, opcode, payload, fin=True, rsv1=False, key=None):
    key = key or chance.randbytes(4)
    head = bytes([(0x80 if fin else 0) | (0x40 if rsv1 else 0) | opcode])
    mask = 0x80 if direction == C2S else 0
    n = len(payload)
    head += bytes([mask | n]) if n < 126 else bytes([mask | 126]) + struct.pack('>H', n) if n < 65536 else bytes([mask | 127]) + struct.pack('>Q', n)
    if direction == S2C:
        return head + payload
    wide = int.from_bytes((key * (n // 4 + 1))[:n], 'big') ^ int.from_bytes(payload, 'big')
    return head + key + wide.to_bytes(n, 'big')


class Capture:
    """Packets of one conversation after the other, a millisecond apart unless told."""

    def __init__(self, path):
        self.file = open(path, 'wb')
        self.file.write(struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, 1))
        self.us = 1_700_000_000_000_000
        self.port = 40000

    def packet(self, direction, flags, payload=b'', step=1000):
        self.us += step
        source, target = ((self.port, 80), (80, self.port))[direction]
        tcp = struct.pack('>HHIIBBHHH', source, target, self.seq[direction], self.seq[1 - direction], 0x50, flags, 65535, 0, 0) + payload
        ends = (b'\x0a\0\0\x01', b'\x0a\0\0\x02')
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, ends[direction], ends[1 - direction]) + tcp
        data = b'\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0' + ip
        self.file.write(struct.pack('<IIII', self.us // 1_000_000, self.us % 1_000_000, len(data), len(data)) + data)
        self.seq[direction] = (self.seq[direction] + len(payload) + (flags & 3 != 0)) & 0xffffffff

    def send(self, direction, data, step=1000):
        for at in range(0, len(data), 60000):
            self.packet(direction, 0x18, data[at:at + 60000], step if at == 0 else 10)

    def open(self, uri=b'/chat', headers=b'', answer=b'', key=None, wait=1000):
        key = key or base64.b64encode(chance.randbytes(16))
        self.port += 1
        self.seq = [1000, 9000]
        self.packet(C2S, 2)
        self.packet(S2C, 0x12)
        self.packet(C2S, 0x10)
        self.send(C2S, b'GET ' + uri + b' HTTP/1.1\r\nHost: chat.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: '
                  + key + b'\r\nSec-WebSocket-Version: 13\r\n' + headers + b'\r\n')
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.send(S2C, b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: '
                  + accept + b'\r\n' + answer + b'\r\n', wait)

    def end(self):
        self.packet(C2S, 0x11)
        self.packet(S2C, 0x11)
        self.packet(C2S, 0x10)

    def close(self):
        self.file.close()

# SPDX-License-Identifier: MIT
"""WebSocket traffic that never was on a wire: sessions made of packets, and the truth about them.

In:  what client and server say, frame by frame, and what then happens to their packets.
Out: packets (Ethernet or raw IP), a capture file, the truth as captures/README.md describes it.
Standard library only; the same calls make the same bytes.
"""
import base64
import gzip
import hashlib
import json
import random
import struct
import zlib

GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
C2S, S2C = 'c2s', 's2c'
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
START = 1_790_000_000_000_000  # microseconds since 1970


def other(way):
    return S2C if way == C2S else C2S


def accept_of(key):
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def xor(data, key):
    n = len(data)
    mask = int.from_bytes((key * (n // 4 + 1))[:n], 'big')
    return (int.from_bytes(data, 'big') ^ mask).to_bytes(n, 'big')


# -- frames ----------------------------------------------------------------------------------

class Frame:
    """A frame as its sender wrote it. `declared`: the length its header states, if not the true one."""

    def __init__(self, opcode, data=b'', fin=True, rsv=0, key=None, form=None, declared=None,
                 violation=None):
        self.opcode, self.data, self.fin, self.rsv, self.key = opcode, data, fin, rsv, key
        self.length = len(data) if declared is None else declared
        self.form = form or (7 if self.length < 126 else 16 if self.length < 65536 else 64)
        self.violation = violation

    def header(self):
        mask = 0x80 if self.key else 0
        out = bytes([self.fin << 7 | self.rsv << 4 | self.opcode])
        out += {7: lambda: bytes([mask | self.length]),
                16: lambda: struct.pack('>BH', mask | 126, self.length),
                64: lambda: struct.pack('>BQ', mask | 127, self.length)}[self.form]()
        return out + (self.key or b'')

    def bytes(self):
        return self.header() + (xor(self.data, self.key) if self.key else self.data)

    def truth(self, conn, way):
        t = {'kind': 'frame', 'conn': conn, 'dir': way, 'fin': int(self.fin), 'rsv': self.rsv,
             'opcode': self.opcode, 'masked': bool(self.key), 'length': self.length,
             'sent_payload': len(self.data), 'lenenc': self.form}
        if self.key:
            t['key'] = self.key.hex()
        if self.violation:
            t['violation'] = self.violation
        return t


class Deflater:
    """The sending half of permessage-deflate."""

    def __init__(self, bits=15, takeover=True, level=9):
        self.bits, self.takeover, self.level = bits, takeover, level
        self.reset()

    def reset(self):
        self.stream = zlib.compressobj(self.level, zlib.DEFLATED, -self.bits)

    def __call__(self, data):
        if not self.takeover:
            self.reset()
        return (self.stream.compress(data) + self.stream.flush(zlib.Z_SYNC_FLUSH))[:-4]

    def final(self, data):
        """A block with BFINAL, as RFC 7692 §7.2.3.4 allows, and the byte that completes it."""
        out = self.stream.compress(data) + self.stream.flush(zlib.Z_FINISH)
        self.reset()
        return out + b'\0'


# -- packets ---------------------------------------------------------------------------------

def checksum(data):
    if len(data) & 1:
        data += b'\0'
    s = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff


class Packet:
    """One TCP segment. `place`: where its payload lies in its direction's bytes."""
    __slots__ = ('session', 'when', 'way', 'flags', 'place', 'ack', 'payload', 'index')

    def __init__(self, session, when, way, flags, place, ack, payload, index):
        self.session, self.when, self.way, self.flags = session, when, way, flags
        self.place, self.ack, self.payload, self.index = place, ack, payload, index

    def ip(self):
        s = self.session
        source, target = (s.client, s.server) if self.way == C2S else (s.server, s.client)
        a, b = (bytes(map(int, end[0].split('.'))) for end in (source, target))
        seq = (s.isn[self.way] + (0 if self.flags & SYN else 1) + self.place) & 0xffffffff
        ack = (s.isn[other(self.way)] + 1 + self.ack) & 0xffffffff if self.flags & ACK else 0
        tcp = struct.pack('>HHIIBBHHH', source[1], target[1], seq, ack, 5 << 4, self.flags, 64000, 0, 0)
        pseudo = a + b + struct.pack('>BBH', 0, 6, len(tcp) + len(self.payload))
        tcp = tcp[:16] + struct.pack('>H', checksum(pseudo + tcp + self.payload)) + tcp[18:]
        head = struct.pack('>BBHHHBBH', 0x45, 0, 40 + len(self.payload), self.index & 0xffff, 0x4000,
                           64, 6, 0) + a + b
        return head[:10] + struct.pack('>H', checksum(head)) + head[12:] + tcp + self.payload

    def ethernet(self):
        macs = b'\x02\0\0\0\0\x01', b'\x02\0\0\0\0\x02'
        there, here = macs if self.way == S2C else macs[::-1]
        return there + here + b'\x08\0' + self.ip()

    def __len__(self):
        return len(self.payload)


class Session:
    """One TCP connection from SYN to FIN. Every segment is acknowledged by the peer."""

    def __init__(self, wire, client=('10.1.0.1', 50001), server=('10.1.0.2', 8080), seed=1, mss=1460):
        self.wire, self.client, self.server, self.mss = wire, client, server, mss
        self.random = random.Random(seed)
        self.isn = {w: self.random.getrandbits(32) for w in (C2S, S2C)}
        self.sent = {C2S: 0, S2C: 0}     # bytes so far, handshake included
        self.start = {C2S: None, S2C: None}  # where the WebSocket bytes begin
        self.truth, self.count = [], {C2S: 0, S2C: 0}
        self.conn = '>'.join(f'{ip}:{port}' for ip, port in (client, server))
        self.held, self.fragments = {C2S: None, S2C: None}, {C2S: [], S2C: []}
        wire.sessions.append(self)

    # -- TCP

    def packet(self, way, flags, payload=b''):
        p = Packet(self, self.wire.tick(), way, flags, self.sent[way], self.sent[other(way)], payload,
                   len(self.wire.packets))
        self.wire.packets.append(p)
        self.sent[way] += len(payload)

    def open(self):
        self.packet(C2S, SYN)
        self.packet(S2C, SYN | ACK)
        self.packet(C2S, ACK)
        return self

    def write(self, way, data, mss=None):
        mss = mss or self.mss
        for i in range(0, len(data), mss):
            self.packet(way, PSH | ACK, data[i:i + mss])
            self.packet(other(way), ACK)

    def shut(self):
        self.packet(C2S, FIN | ACK)
        self.packet(S2C, FIN | ACK)
        self.sent[C2S] += 1
        self.sent[S2C] += 1
        self.packet(C2S, ACK)

    # -- WebSocket

    def handshake(self, path='/', offer=None, agreed=None, accept=None, more=''):
        key = base64.b64encode(self.random.randbytes(16))
        request = (f'GET {path} HTTP/1.1\r\nHost: {self.server[0]}:{self.server[1]}\r\n'
                   f'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: {key.decode()}\r\n'
                   'Sec-WebSocket-Version: 13\r\n')
        if offer:
            request += f'Sec-WebSocket-Extensions: {offer}\r\n'
        answer = ('HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                  f'Sec-WebSocket-Accept: {(accept or accept_of(key)).decode()}\r\n')
        if agreed:
            answer += f'Sec-WebSocket-Extensions: {agreed}\r\n'
        truth = {'kind': 'handshake', 'conn': self.conn, 'status': 101, 'path': path,
                 'extensions': agreed or ''}
        if accept:
            truth['accept'] = 'wrong'
        self.truth.append(truth)
        self.open()
        self.write(C2S, (request + more + '\r\n').encode('utf-8', 'surrogateescape'))
        self.write(S2C, (answer + '\r\n').encode())
        self.start = dict(self.sent)
        return self

    def mask(self, way):
        return self.random.randbytes(4) if way == C2S else None

    def hold(self, way):
        """From here on frames wait, until release() writes them together."""
        self.held[way] = b''

    def release(self, way, mss=None):
        data, self.held[way] = self.held[way], None
        self.write(way, data, mss)

    def frame(self, way, opcode, data=b'', mask=True, mss=None, **how):
        """Sends one frame. `mask`: False or bytes where the role's own habit is not wanted."""
        data = data.encode() if isinstance(data, str) else data
        key = mask if isinstance(mask, bytes) else self.mask(way) if mask else None
        f = Frame(opcode, data, key=key, **how)
        at = self.sent[way] + len(self.held[way] or b'')
        self.truth.append(f.truth(self.conn, way) | {'_at': at, '_head': len(f.header())})
        self.fragments[way].append((at, len(f.header()) + len(data)))
        if self.held[way] is not None:
            self.held[way] += f.bytes()
        else:
            self.write(way, f.bytes(), mss)
        return f

    def message(self, way, opcode, data, **more):
        """Records what the frames just sent meant; `more` goes into the truth."""
        data = data.encode() if isinstance(data, str) else data
        t = {'kind': 'message', 'conn': self.conn, 'dir': way, 'opcode': opcode, 'length': len(data),
             'sha256': hashlib.sha256(data).hexdigest(), 'seq': self.count[way], 'seen': 'derived',
             '_pieces': self.fragments[way]}
        self.fragments[way] = []
        self.count[way] += 1
        if opcode == CLOSE and len(data) > 1:
            t |= {'code': data[0] << 8 | data[1], 'reason': data[2:].decode('utf-8', 'backslashreplace')}
        elif opcode == TEXT and len(data) <= 100:
            try:
                t['text'] = data.decode()
            except UnicodeDecodeError:
                t['hex'] = data.hex()
        self.truth.append(t | more)

    def say(self, way, opcode, data, deflater=None, cuts=(), **how):
        """A message, frames and truth; `cuts`: where its wire bytes are cut into fragments."""
        data = data.encode() if isinstance(data, str) else data
        body = deflater(data) if deflater else data
        more = {'compressed': True} if deflater else {}
        edges = [0, *cuts, len(body)]
        for i, (a, b) in enumerate(zip(edges, edges[1:])):
            self.frame(way, 0 if i else opcode, body[a:b], fin=i == len(cuts),
                       rsv=4 if deflater and not i else 0, **how)
        self.message(way, opcode, data, **more)

    def close(self, code=1000, reason='bye', by=C2S, shut=True):
        data = code.to_bytes(2, 'big') + reason.encode()
        for way in (by, other(by)):
            self.frame(way, CLOSE, data)
            self.message(way, CLOSE, data)
        if shut:
            self.shut()


class Wire:
    """Packets of all sessions in the order in which they were sent."""

    def __init__(self, step=100):
        self.packets, self.sessions, self.now, self.step = [], [], START, step

    def tick(self):
        self.now += self.step
        return self.now

    def truth(self, captured=None, partial=False):
        """The truth lines. With `captured` (packets): which messages those hold. A message whose
        every byte was captured is `in_capture`; whoever made the capture says what is `decodable`."""
        have = None
        if captured is not None:
            have = {}
            for p in captured:
                have.setdefault((p.session, p.way), []).append((p.place, p.place + len(p)))
            have = {k: union(v) for k, v in have.items()}
        for s in self.sessions:
            for t in s.truth:
                if have is not None and t['kind'] == 'message':
                    spans = have.get((s, t['dir']), [])
                    t['in_capture'] = all(covered(spans, a, a + n) for a, n in t['_pieces'])
                    if partial:
                        t.setdefault('decodable', t['in_capture'])
                yield t


def union(spans):
    out = []
    for a, b in sorted(spans):
        if out and a <= out[-1][1]:
            out[-1][1] = max(out[-1][1], b)
        else:
            out.append([a, b])
    return out


def covered(spans, a, b):
    return a == b or any(x <= a and b <= y for x, y in spans)


# -- files -----------------------------------------------------------------------------------

def classic(packets, link=1, times=None):
    """A classic pcap. Packets keep their times; `times` overrides."""
    out = [struct.pack('<IHHiIII', 0xa1b2c3d4, 2, 4, 0, 0, 262144, link)]
    for i, p in enumerate(packets):
        data = p.ethernet() if link == 1 else p.ip()
        when = times[i] if times else p.when
        out.append(struct.pack('<IIII', when // 1000000, when % 1000000, len(data), len(data)) + data)
    return b''.join(out)


def squeeze(data):
    return gzip.compress(data, 9, mtime=0)


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, len(body) + 12) + body + struct.pack('<I', len(body) + 12)


def option(code, value):
    return struct.pack('<HH', code, len(value)) + value + bytes(-len(value) % 4)


SECTION = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1))


def interface(link, snaplen, name=None):
    return block(1, struct.pack('<HHI', link, 0, snaplen) +
                 (option(2, name.encode()) + option(0, b'') if name else b''))


def enhanced(index, when, data, length=None, options=b''):
    return block(6, struct.pack('<IIIII', index, when >> 32, when & 0xffffffff, len(data),
                                length or len(data)) + data + bytes(-len(data) % 4) + options)


def ndjson(lines):
    return ''.join(json.dumps({k: v for k, v in t.items() if not k.startswith('_')}, ensure_ascii=False)
                   + '\n' for t in lines)

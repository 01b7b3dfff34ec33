# SPDX-License-Identifier: MIT
"""Connections for the judge: each may break one rule, and nothing else.

In:  what client and server say, and the headers they say it with.
Out: one capture of all connections, and what `wstrace lint` finds in each.
The packets are made by captures/scripts/wire.py; the same calls make the same bytes.
"""
import base64
import json
import os
import subprocess
import sys
import tempfile

SOURCE = os.path.abspath(os.environ.get('WSTRACE_SOURCE', os.path.join(os.path.dirname(__file__), '../..')))
sys.path.insert(0, os.path.join(SOURCE, 'captures/scripts'))

from wire import (ACK, BINARY, C2S, CLOSE, FIN, PING, PONG, PSH, RST, S2C, TEXT, Deflater,  # noqa: E402,F401
                  Frame, Session, Wire, accept_of, classic, other)

TOOL = os.path.abspath(os.environ.get('WSTRACE', os.path.join(SOURCE, 'build/release/wstrace')))
DEFLATE = 'permessage-deflate'
CONT = 0
SECOND = 1_000_000  # microseconds


def lines_of(headers):
    """'Name: value' lines; a value None leaves the header out, a list repeats it."""
    out = ''
    for name, value in headers.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                out += f'{name}: {one}\r\n'
    return out


class Talk(Session):
    """A Session whose handshake can be bent, and whose server ends TCP first, as it should."""

    def ask(self, method='GET', path='/', http='HTTP/1.1', key=None, more=b'', bare=None, **_):
        self.bare = bare  # the direction whose lines end with LF alone
        self.key = key or base64.b64encode(self.random.randbytes(16)).decode()
        self.request = {'Host': 'example.com', 'Upgrade': 'websocket', 'Connection': 'Upgrade',
                        'Sec-WebSocket-Key': self.key, 'Sec-WebSocket-Version': '13'}
        self.line = f'{method} {path} {http}\r\n'
        self.early = more
        return self

    def line_ends(self, way, head):
        return head.replace('\r\n', '\n' if way == self.bare else '\r\n').encode()

    def send_request(self, changes=None):
        self.open()
        head = self.line + lines_of(self.request | (changes or {})) + '\r\n'
        self.write(C2S, self.line_ends(C2S, head) + self.early)

    def send_answer(self, changes=None, status='101 Switching Protocols', more=b''):
        headers = {'Upgrade': 'websocket', 'Connection': 'Upgrade',
                   'Sec-WebSocket-Accept': accept_of(self.key.encode()).decode()}
        if not status.startswith('101'):
            headers = {'Content-Length': '0'}
        head = f'HTTP/1.1 {status}\r\n' + lines_of(headers | (changes or {})) + '\r\n'
        self.write(S2C, self.line_ends(S2C, head) + more)
        self.start = dict(self.sent)

    def agree(self, request=None, answer=None, offer=None, agreed=None, status='101 Switching Protocols', **line):
        self.ask(**line)
        self.send_request((request or {}) | ({'Sec-WebSocket-Extensions': offer} if offer else {}))
        self.send_answer((answer or {}) | ({'Sec-WebSocket-Extensions': agreed} if agreed else {}), status)
        return self

    def wait(self, seconds):
        self.wire.now += int(seconds * SECOND)

    def shut(self, first=S2C):
        self.packet(first, FIN | ACK)
        self.sent[first] += 1
        self.packet(other(first), FIN | ACK)
        self.sent[other(first)] += 1
        self.packet(first, ACK)

    def reset(self, by=S2C):
        self.packet(by, RST | ACK)

    def bye(self, code=1000, by=C2S, first=S2C):
        data = b'' if code is None else code.to_bytes(2, 'big')
        self.frame(by, CLOSE, data)
        self.frame(other(by), CLOSE, data)
        self.shut(first)


def h2_frame(kind, stream, data=b'', flags=0):
    return len(data).to_bytes(3, 'big') + bytes([kind, flags]) + stream.to_bytes(4, 'big') + data


class Stream:
    """WebSocket over HTTP/2 (RFC 8441) on the connection of a Talk: stream 1, header fields as literals."""
    DATA, HEADERS, RST_STREAM, SETTINGS = 0, 1, 3, 4
    END_STREAM, END_HEADERS = 1, 4
    CONNECT_PROTOCOL, FRAME_SIZE = 8, 5  # settings

    def __init__(self, talk, settings=None):
        self.talk = talk
        settings = {self.CONNECT_PROTOCOL: 1} if settings is None else settings
        talk.open()
        talk.write(C2S, b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + h2_frame(self.SETTINGS, 0))
        talk.write(S2C, h2_frame(self.SETTINGS, 0, b''.join(k.to_bytes(2, 'big') + v.to_bytes(4, 'big')
                                                            for k, v in settings.items())))

    def send(self, way, kind, data=b'', flags=0):
        self.talk.write(way, h2_frame(kind, 1, data, flags))

    def fields(self, way, fields):
        block = b''  # RFC 7541 section 6.2.2: literals that are not indexed
        for name, value in fields.items():
            if value is not None:
                block += b'\0' + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()
        self.send(way, self.HEADERS, block, self.END_HEADERS)

    def agree(self, request=None, answer=None):
        self.fields(C2S, {':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'https', ':path': '/',
                          ':authority': 'example.com', 'sec-websocket-version': '13'} | (request or {}))
        self.fields(S2C, {':status': '200'} | (answer or {}))
        return self

    def frame(self, way, opcode, data=b''):
        """A WebSocket frame of its own DATA frame."""
        key = self.talk.random.randbytes(4) if way == C2S else None
        self.send(way, self.DATA, Frame(opcode, data, key=key).bytes())

    def bye(self, first=S2C):
        self.frame(C2S, CLOSE, b'\x03\xe8')
        self.frame(S2C, CLOSE, b'\x03\xe8')
        self.end(first)
        self.talk.shut()

    def end(self, first=S2C):
        self.send(first, self.DATA, b'', self.END_STREAM)
        self.send(other(first), self.DATA, b'', self.END_STREAM)


class Bits:
    """Deflate by hand (RFC 1951): distances no compressor would choose."""

    def __init__(self):
        self.value, self.n, self.out = 0, 0, b''

    def put(self, value, n):
        self.value |= value << self.n
        self.n += n
        while self.n >= 8:
            self.out += bytes([self.value & 255])
            self.value >>= 8
            self.n -= 8

    def code(self, value, n):
        """Huffman codes go in from their highest bit."""
        self.put(int(f'{value:0{n}b}'[::-1], 2), n)

    def stored(self, data):
        self.put(0, 3)
        if self.n:
            self.put(0, 8 - self.n)
        self.out += len(data).to_bytes(2, 'little') + (len(data) ^ 0xffff).to_bytes(2, 'little') + data

    def match(self, distance, times):
        """A fixed block with matches of 3 bytes, then its end."""
        bases = [1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
                 3073, 4097, 6145, 8193, 12289, 16385, 24577]
        symbol = max(i for i, base in enumerate(bases) if base <= distance)
        self.put(0b010, 3)  # BFINAL 0, BTYPE 01
        for _ in range(times):
            self.code(1, 7)     # length 3: symbol 257
            self.code(symbol, 5)
            self.put(distance - bases[symbol], 0 if symbol < 4 else symbol // 2 - 1)
        self.code(0, 7)     # end of block

    def message(self):
        """As permessage-deflate sends it: an empty stored block's 00 00 FF FF is left out."""
        self.put(0, 3)
        if self.n:
            self.put(0, 8 - self.n)
        return self.out


def distance(far, literal=600):
    """`literal` bytes, then 3 from `far` bytes before, and some from near by: so that it got smaller."""
    b = Bits()
    b.stored(bytes(65 + i * 7 % 26 for i in range(literal)))
    b.match(far, 1)
    b.match(1, 40)
    return b.message()


def lint(packets, options=(), times=None, command='lint'):
    """Runs the tool over packets: (its lines, exit status). `command` None: the events themselves."""
    with tempfile.NamedTemporaryFile(suffix='.pcap') as file:
        file.write(classic(packets, times=times))
        file.flush()
        words = [TOOL, command, '--json', *options, file.name]
        done = subprocess.run([w for w in words if w], capture_output=True, check=False)
    if done.returncode > 1 or done.stderr:
        sys.exit(f'wstrace {command or "--json"}: status {done.returncode}: {done.stderr.decode(errors="replace")[-2000:]}')
    return [json.loads(line) for line in done.stdout.splitlines()], done.returncode


def rows_of(path=os.path.join(SOURCE, 'include/wstrace/problems.def')):
    """id -> (name, level, of, rfc, meaning, advice) of the registry; `of` is 'peer' or 'nobody'."""
    import re
    with open(path, encoding='utf-8') as file:
        text = file.read()
    rows = re.findall(r'WST_PROBLEM_ROW\((\w+),\s*"([^"]+)",\s*WST_(\w+),\s*WST_(\w+),\s*(NULL|"[^"]*"),\s*"([^"]*)",\s*"([^"]*)"\)', text)
    return {i: (name, level.lower(), of.lower(), None if rfc == 'NULL' else rfc.strip('"'), meaning, advice)
            for name, i, level, of, rfc, meaning, advice in rows}

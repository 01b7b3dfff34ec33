"""HTTP/2 frame by frame, and WebSockets in it, over a socket pair: one process is both ends. What one end writes the
other reads and compares. Truth: handshakes, messages and every WebSocket frame; `conn` ends in "#STREAM"."""
import hashlib
import json
import os
import signal
import socket
import struct
import sys
import threading
import time

import hpack

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rawlab import F, ROOT  # noqa: E402
from recorder import recorder  # noqa: E402

PREFACE = b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM, ACK, END_HEADERS, PADDED, HAS_PRIORITY = 1, 1, 4, 8, 0x20
HEADER_TABLE_SIZE, MAX_STREAMS, WINDOW, MAX_FRAME, ENABLE_CONNECT = 1, 3, 4, 5, 8
PROTOCOL_ERROR, STREAM_CLOSED, FRAME_SIZE_ERROR, CANCEL, COMPRESSION_ERROR = 1, 5, 6, 8, 9
CLIENT, SERVER = 'c', 's'
TEXT, BINARY, CLOSE, PING_FRAME, PONG_FRAME = 1, 2, 8, 9, 10
DIRECTION = {CLIENT: 'c2s', SERVER: 's2c'}
OFFER = 'permessage-deflate; client_max_window_bits'
DEFLATE = 'permessage-deflate'
LARGEST_FRAGMENT = 16000
NORMAL = ((ENABLE_CONNECT, 1),)


def word(value):
    return struct.pack('>I', value)


def frame(kind, flags, stream, payload=b''):
    return len(payload).to_bytes(3, 'big') + bytes([kind, flags]) + word(stream) + payload


def settings(*pairs):
    return frame(SETTINGS, 0, 0, b''.join(struct.pack('>HI', *pair) for pair in pairs))


def settings_ack():
    return frame(SETTINGS, ACK, 0)


def reset(stream, code):
    return frame(RST_STREAM, 0, stream, word(code))


def goaway(last=0, code=0, text=''):
    return frame(GOAWAY, 0, 0, word(last) + word(code) + text.encode())


def data(stream, payload=b'', end=False, pad=None, padding=b'\0'):
    """`pad`: the length of the padding, which is made of `padding`; None: not padded."""
    flags = END_STREAM if end else 0
    if pad is not None:
        flags |= PADDED
        payload = bytes([pad]) + payload + (padding * (pad // len(padding) + 1))[:pad]
    return frame(DATA, flags, stream, payload)


def pieces(whole, sizes):
    """`whole` in pieces of these sizes, round and round."""
    out, i = [], 0
    while whole:
        n = sizes[i % len(sizes)]
        out.append(whole[:n])
        whole, i = whole[n:], i + 1
    return out


class Capture:
    """tcpdump, a listening socket and the truth; `with` it, record connections."""

    def __init__(self, script, name, port, contains):
        self.script, self.name, self.port, self.contains = script, name, port, contains
        self.truth = [{'kind': 'note', 'contains': contains}]

    def __enter__(self):
        self.listener = socket.create_server(('127.0.0.1', self.port))
        self.listener.settimeout(5)
        self.tcpdump = recorder(f'{ROOT}/captures/{self.name}.pcap', 'lo', 'tcp', 'port', str(self.port))
        time.sleep(0.15)
        return self

    def __exit__(self, error, *_):
        self.listener.close()
        time.sleep(0.3)
        self.tcpdump.send_signal(signal.SIGINT)
        self.tcpdump.wait(5)
        if error:
            return
        with open(f'{ROOT}/truth/{self.name}.ndjson', 'w', encoding='utf-8') as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + '\n' for line in self.truth)
        manifest(f'{self.name}.pcap', truth=f'{self.name}.ndjson', script=self.script, contains=self.contains,
                 made='raw-socket client and server, tcpdump -i lo', port=self.port, check='messages')
        print(self.name, sum(line['kind'] == 'frame' for line in self.truth), 'frames',
              sum(line['kind'] == 'message' for line in self.truth), 'messages')


def manifest(file, **more):
    path = f'{ROOT}/run/manifest.ndjson'
    lines = open(path, encoding='utf-8').read().splitlines() if os.path.exists(path) else []
    lines = [line for line in lines if json.loads(line)['file'] != file] + [json.dumps({'file': file, **more})]
    with open(path, 'w', encoding='utf-8') as out:
        out.writelines(line + '\n' for line in lines)


class Connection:
    """Both ends of one TCP connection. start False: nothing has been written, not even the preface."""

    def __init__(self, capture, start=True, client_settings=(), server_settings=NORMAL):
        client = socket.create_connection(('127.0.0.1', capture.port), 5)
        server, _ = capture.listener.accept()
        self.capture, self.ends = capture, {CLIENT: client, SERVER: server}
        for end in self.ends.values():
            end.settimeout(5)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.name = f'127.0.0.1:{client.getsockname()[1]}>127.0.0.1:{capture.port}'
        self.hpack = {CLIENT: hpack.Encoder(), SERVER: hpack.Encoder()}
        self.count = {}
        if start:
            self.write(CLIENT, PREFACE, settings(*client_settings))
            self.write(SERVER, settings(*server_settings), settings_ack())
            self.write(CLIENT, settings_ack())

    # -- TCP

    def write(self, role, *parts):
        """All of it at once; the other end has read it when this returns."""
        whole = b''.join(parts)
        sender = threading.Thread(target=self.ends[role].sendall, args=(whole,))
        sender.start()
        reader, got = self.ends[SERVER if role == CLIENT else CLIENT], bytearray()
        while len(got) < len(whole):
            part = reader.recv(len(whole) - len(got))
            if not part:
                break
            got += part
        sender.join()
        if got != whole:
            sys.exit(f'{self.capture.name} {self.name}: {len(got)} of {len(whole)} bytes arrived')
        time.sleep(0.002)

    def write_each(self, role, parts):
        for part in parts:
            self.write(role, part)

    def fin(self, *roles):
        for role in roles:
            self.ends[role].shutdown(socket.SHUT_WR)
            time.sleep(0.02)

    def done(self):
        for end in self.ends.values():
            end.close()
        time.sleep(0.02)

    # -- header blocks

    def block(self, role, headers, huffman=True):
        """A header of three parts is never indexed."""
        fields = [hpack.NeverIndexedHeaderTuple(*h[:2]) if len(h) == 3 else hpack.HeaderTuple(*h) for h in headers]
        return self.hpack[role].encode(fields, huffman=huffman)

    def headers(self, role, stream, headers, end=False, pad=None, priority=None, split=(), huffman=True, promise=None):
        """HEADERS and CONTINUATION frames. split: sizes of the first fragments; promise: a stream that is pushed."""
        block, fragments = self.block(role, headers, huffman), []
        for size in split:
            fragments.append(block[:size])
            block = block[size:]
        fragments += pieces(block, [LARGEST_FRAGMENT])
        flags, before = END_STREAM if end else 0, b''
        if pad is not None:
            flags, before = flags | PADDED, bytes([pad])
        if priority:
            flags, before = flags | HAS_PRIORITY, before + struct.pack('>IB', *priority)
        if promise:
            before += word(promise)
        if len(fragments) == 1:
            flags |= END_HEADERS
        out = frame(PUSH_PROMISE if promise else HEADERS, flags, stream, before + fragments[0] + bytes(pad or 0))
        for i, fragment in enumerate(fragments[1:], 2):
            out += frame(CONTINUATION, END_HEADERS if i == len(fragments) else 0, stream, fragment)
        return out

    def request(self, path='/chat', offer=None, protocol='websocket', version='13', without=(), extra=()):
        """The headers of an extended CONNECT; those that are None are left out."""
        headers = [(':method', 'CONNECT'), (':protocol', protocol), (':scheme', 'http'), (':path', path),
                   (':authority', f'127.0.0.1:{self.capture.port}'), ('sec-websocket-version', version),
                   ('origin', 'http://127.0.0.1'), ('user-agent', 'raw'), ('sec-websocket-extensions', offer)]
        return [h for h in headers if h[0] not in without and h[1] is not None] + list(extra)

    def get(self, stream, path, extra=(), status='200', answer=(), body=None):
        headers = [(':method', 'GET'), (':scheme', 'http'), (':path', path), (':authority', 'x'), *extra]
        self.write(CLIENT, self.headers(CLIENT, stream, headers, end=True))
        self.write(SERVER, self.headers(SERVER, stream, [(':status', status), *answer], end=body is None))
        if body is not None:
            self.write(SERVER, data(stream, body, end=True))

    def open(self, stream, path, offer=None, accept=None, answer=(), sent=None, answered=None, truth=None, **request):
        """An extended CONNECT and its 200. sent, answered: options of headers() for the two."""
        headers = self.request(path, offer, **request)
        accepted = [('sec-websocket-extensions', accept)] if accept else []
        self.write(CLIENT, self.headers(CLIENT, stream, headers, **(sent or {})))
        self.write(SERVER, self.headers(SERVER, stream, [(':status', '200'), *accepted, *answer], **(answered or {})))
        self.handshake(stream, path=path, status=200, extensions=accept, offered=offer, **(truth or {}))

    # -- truth

    def of_stream(self, stream):
        return f'{self.name}#{stream}' if stream else self.name

    def handshake(self, stream, **more):
        self.capture.truth.append({'kind': 'handshake', 'conn': self.of_stream(stream), **more})

    def note(self, stream, event):
        self.capture.truth.append({'kind': 'note', 'conn': self.of_stream(stream), 'event': event})

    def told(self, role, stream, opcode, payload, **more):
        """The truth of a message."""
        payload = payload.encode() if isinstance(payload, str) else payload
        conn, way = self.of_stream(stream), DIRECTION[role]
        seq = self.count.get((conn, way), 0)
        self.count[conn, way] = seq + 1
        line = {'kind': 'message', 'conn': conn, 'dir': way, 'opcode': opcode, 'length': len(payload),
                'sha256': hashlib.sha256(payload).hexdigest(), 'seq': seq, 'seen': 'both', **more}
        if opcode == CLOSE and len(payload) >= 2:
            line['code'] = int.from_bytes(payload[:2], 'big')
            line['reason'] = payload[2:].decode()
        elif opcode == TEXT and len(payload) <= 200:
            line['text'] = payload.decode('utf-8', 'backslashreplace')
        self.capture.truth.append(line)

    # -- WebSocket

    def frames(self, role, stream, *frames):
        """The bytes of WebSocket frames, and the truth of each."""
        out = b''
        for f in frames:
            out += f.bytes(role)
            self.capture.truth.append(f.rec(self.of_stream(stream), DIRECTION[role]))
        return out

    def message(self, role, stream, opcode, payload, deflate=None, frames=1, **options):
        """The bytes of a message in so many frames, and the truth. options: those of F"""
        raw = payload.encode() if isinstance(payload, str) else payload
        wire = deflate(raw) if deflate else raw
        size = -(-len(wire) // frames)
        parts = [wire[i * size:(i + 1) * size] for i in range(frames)]
        out = self.frames(role, stream, *[
            F(opcode if i == 0 else 0, part, fin=int(i == frames - 1), rsv=4 if deflate and i == 0 else 0, **options)
            for i, part in enumerate(parts)])
        self.told(role, stream, opcode, raw, frames=frames)
        return out

    def text(self, role, stream, text, **options):
        """A text message in one DATA frame, written."""
        self.write(role, data(stream, self.message(role, stream, TEXT, text, **options)))

    def both(self, stream, more=''):
        """A message each way."""
        self.text(CLIENT, stream, 'to the server' + more)
        self.text(SERVER, stream, 'to the client' + more)

    def close_frame(self, role, stream, code=1000, reason=''):
        return self.message(role, stream, CLOSE, struct.pack('>H', code) + reason.encode() if code else b'')

    def bye(self, stream, code=1000, reason='bye'):
        self.write(CLIENT, data(stream, self.close_frame(CLIENT, stream, code, reason)))
        self.write(SERVER, data(stream, self.close_frame(SERVER, stream, code, reason), end=True))
        self.write(CLIENT, data(stream, end=True))

# SPDX-License-Identifier: MIT
"""Servers to replay to, of sockets and threads alone.

In:  a handler, which is given each connection; or the events of a recording, and then the server says
     what the recorded one said, when it has heard what that one had heard.
Out: a port.
"""
import base64
import hashlib
import socket
import ssl
import struct
import threading
import time
import zlib

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Gone(Exception):
    pass


class Peer:
    """One connection, as a server has it."""

    def __init__(self, sock):
        self.sock, self.buffer, self.head = sock, b"", b""
        self.lock = threading.Lock()

    def more(self):
        try:
            piece = self.sock.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            raise Gone
        self.buffer += piece

    def take(self, n):
        while len(self.buffer) < n:
            self.more()
        taken, self.buffer = self.buffer[:n], self.buffer[n:]
        return taken

    def request(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        self.head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return self.head

    def field(self, name):
        for line in self.head.split(b"\r\n")[1:]:
            key, value = line.split(b":", 1)
            if key.lower() == name.lower():
                return value.strip()
        return None

    def accept(self, more=b"", upgrade=b"Upgrade: websocket\r\nConnection: Upgrade\r\n"):
        self.request()
        key = self.field(b"Sec-WebSocket-Key")
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.write(b"HTTP/1.1 101 Switching Protocols\r\n" + upgrade +
                   b"Sec-WebSocket-Accept: " + accept + b"\r\n" + more + b"\r\n")

    def write(self, data):
        with self.lock:
            try:
                self.sock.sendall(data)
            except OSError:
                raise Gone from None

    def frame(self, opcode, payload=b"", mask=None, fin=True, rsv=0):
        n, bit = len(payload), 128 if mask else 0
        head = bytes([(128 if fin else 0) | rsv << 4 | opcode])
        head += bytes([bit | n]) if n < 126 else struct.pack(">BH", bit | 126, n) if n < 65536 else struct.pack(">BQ", bit | 127, n)
        if mask:
            head += mask
            payload = bytes(b ^ mask[i % 4] for i, b in enumerate(payload))
        self.write(head + payload)

    def hear(self):
        """The next frame: (opcode, payload). What is wrong with it is a wrong test."""
        first, payload = self.hear_frame()
        assert first & 0x70 == 0, "nothing was agreed on"
        return first & 15, payload

    def hear_frame(self):
        """The next frame: (first byte, payload)."""
        first, second = self.take(2)
        n = second & 127
        if n > 125:
            n = struct.unpack(">H" if n == 126 else ">Q", self.take(2 if n == 126 else 8))[0]
        assert second & 128, "a client's frame is masked"
        mask = self.take(4)
        payload = self.take(n)
        if n:
            wide = (mask * (n // 4 + 1))[:n]
            payload = (int.from_bytes(payload, "big") ^ int.from_bytes(wide, "big")).to_bytes(n, "big")
        return first, payload

    def drain(self):
        try:
            while True:
                self.buffer = b""
                self.more()
        except Gone:
            pass


class Server:
    def __init__(self, handler, family=socket.AF_INET, tls=None, backlog=8):
        self.handler, self.tls, self.errors, self.threads = handler, tls, [], []
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
        self.socket.listen(backlog)
        self.port = self.socket.getsockname()[1]
        self.heads = []
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                sock, _ = self.socket.accept()
            except OSError:
                return
            thread = threading.Thread(target=self.serve, args=(sock,), daemon=True)
            self.threads.append(thread)
            thread.start()

    def serve(self, sock):
        try:
            sock.settimeout(30)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            peer = Peer(sock)
            try:
                self.handler(peer)
            finally:
                self.heads.append(peer.head)
        except (Gone, OSError):
            pass
        except Exception as e:  # told by the test that looks
            self.errors.append(e)
        finally:
            sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()
        for thread in self.threads:
            thread.join(40)


def echo(peer):
    peer.accept()
    while True:
        opcode, payload = peer.hear()
        if opcode in (1, 2):
            peer.frame(opcode, payload)
        elif opcode == 9:
            peer.frame(10, payload)
        elif opcode == 8:
            peer.frame(8, payload)
            return


def inflating(heard, terms=b"permessage-deflate", bits=15, takeover=True, says=0):
    """A server that agrees to permessage-deflate on these terms, or to nothing, and puts into `heard` what each message
    was: (compressed, lengths of its frames, bytes). It says so many messages at once, so that nobody waits for more."""
    def handler(peer):
        peer.accept(b"Sec-WebSocket-Extensions: " + terms + b"\r\n" if terms else b"")
        for _ in range(says):
            peer.frame(1, b"said")
        inflater, parts, first = zlib.decompressobj(-bits), [], 0
        while True:
            byte, payload = peer.hear_frame()
            opcode = byte & 15
            if opcode == 8:
                peer.frame(8, payload)
                return
            if opcode > 8:
                continue
            first = byte if opcode else first
            assert (opcode == 0) == bool(parts) and byte & 0x70 in ((0, 0x40) if terms and opcode else (0,)), byte
            parts.append(payload)
            if not byte & 128:
                continue
            data = b"".join(parts)
            if first & 0x40:
                inflater = inflater if takeover else zlib.decompressobj(-bits)
                data = inflater.decompress(data + b"\0\0\xff\xff")
            heard.append((bool(first & 0x40), [len(part) for part in parts], data))
            parts = []
    return handler


def payload_of(event):
    if event.get("text") is not None:
        return event["text"].encode()
    return base64.b64decode(event["b64"])


def mirror(events):
    """The server of one recorded connection: events of its --json."""
    protocol = next((e["subprotocol"] for e in events if e["type"] == "handshake"), None)
    steps = []  # (messages heard before, opcode, payload)
    heard = 0
    client_closed = False
    for e in events:
        if e["type"] == "message" and e["dir"] == "c2s":
            heard += 1
        elif e["type"] == "message":
            steps.append((heard, {"text": 1, "binary": 2}[e["op"]], payload_of(e)))
        elif e["type"] == "frame" and e["op"] == "ping" and e["dir"] == "s2c":
            steps.append((heard, 9, payload_of(e)))
        elif e["type"] == "close" and e["dir"] == "c2s":
            client_closed = True
        elif e["type"] == "close" and e["dir"] == "s2c":
            code = b"" if e["code"] is None else struct.pack(">H", e["code"]) + (e["reason"] or "").encode()
            steps.append((None if client_closed else heard, 8, code))

    def handler(peer):
        peer.accept(b"Sec-WebSocket-Protocol: " + protocol.encode() + b"\r\n" if protocol else b"")
        said, heard_now, closed = 0, 0, False
        while True:
            while said < len(steps) and (closed if steps[said][0] is None else heard_now >= steps[said][0]):
                peer.frame(steps[said][1], steps[said][2])
                said += 1
            if closed and said == len(steps):
                return
            opcode, payload = peer.hear()
            heard_now += opcode in (1, 2)
            closed = closed or opcode == 8
            if opcode == 9:
                peer.frame(10, payload)
    return handler


def slowly(peer, data, seconds=0.0):
    """A byte at a time."""
    for i in range(len(data)):
        peer.write(data[i:i + 1])
        time.sleep(seconds)


def certificate(folder, run, names="DNS:localhost,IP:127.0.0.1"):
    """A self-made one: returns its name and a context with it, or None where there is no openssl."""
    key, cert = f"{folder}/key.pem", f"{folder}/cert.pem"
    try:
        made = run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", cert, "-days", "2",
                    "-subj", "/CN=replay", "-addext", f"subjectAltName={names}"], capture_output=True)
    except FileNotFoundError:
        return None
    if made.returncode:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    return cert, context

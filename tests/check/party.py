# SPDX-License-Identifier: MIT
"""One conversation, recorded as often as one likes, never twice the same way.

In:  a seed: times, ports, keys, masks, fragments, compression, ids and the mixture of the two sides
     are its business; and a change that somebody made to the server.
Out: a capture. What was said does not depend on the seed.
"""
import json
import os
import random
import sys

SOURCE = os.path.abspath(os.environ.get("WSTRACE_SOURCE", os.path.join(os.path.dirname(__file__), "../..")))
sys.path.insert(0, os.path.join(SOURCE, "captures/scripts"))
sys.path.insert(0, os.path.join(SOURCE, "tests/tool"))

from wire import BINARY, C2S, CLOSE, PING, PONG, S2C, TEXT, Deflater, Session, Wire, accept_of, classic, other  # noqa: E402

DEFLATE = "permessage-deflate"


class Step:
    """What one side says. `after`: a step of the same connection that must have been said before."""

    def __init__(self, way, op, data, after=None):
        self.way, self.op, self.data, self.after = way, op, data, after
        if isinstance(data, (dict, list)):
            self.data = lambda r: spelled(data, r)


def spelled(value, r):
    """The value as JSON in one of the ways in which programs write it."""
    if isinstance(value, dict):
        items = list(value.items())
        r.shuffle(items)
        value = dict(items)
    return json.dumps(value, separators=r.choice([(",", ":"), (", ", ": ")]), ensure_ascii=r.random() < .5)


def chat(r, user):
    """The login connection: requests and replies, a ping, bytes, a close."""
    room = "".join(r.choice("0123456789abcdef") for _ in range(32))
    stamp = lambda: r.randrange(1 << 40)  # noqa: E731
    ping = b"%08x" % r.getrandbits(32)
    steps = [
        ("hello", Step(S2C, TEXT, {"type": "welcome", "user": user, "ts": stamp(), "id": room})),
        ("ask 1", Step(C2S, TEXT, {"jsonrpc": "2.0", "id": 1, "method": "join", "params": {"room": room, "name": "Zoë"}})),
        ("ask 2", Step(C2S, TEXT, {"jsonrpc": "2.0", "id": 2, "method": "list"})),
        ("reply 2", Step(S2C, TEXT, {"jsonrpc": "2.0", "id": 2, "result": [{"name": "Ann", "age": 41}, {"name": "Bob"}]}, "ask 2")),
        ("reply 1", Step(S2C, TEXT, {"jsonrpc": "2.0", "id": 1, "result": {"room": room, "ts": stamp()}}, "ask 1")),
        ("line", Step(S2C, TEXT, "a line of text\nand one more")),
        ("ping", Step(S2C, PING, ping)),
        ("pong", Step(C2S, PONG, ping, "ping")),
        ("bytes", Step(C2S, BINARY, bytes(range(64)))),
        ("big", Step(S2C, TEXT, {"type": "state", "list": [{"n": n, "word": "w" * (n % 7)} for n in range(60)]})),
        ("done", Step(C2S, TEXT, "done", "big")),
    ]
    return dict(steps)


def feed(r):
    """The other one: the server talks, the client is silent."""
    return {f"tick {n}": Step(S2C, TEXT, {"tick": n, "price": f"{n * 7 % 10}.50", "at": r.randrange(1 << 40)}) for n in range(12)}


class Party:
    """Connections by name, each {path, steps, code, reason, subprotocol, status}: to be changed, then
    recorded."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        r = self.random
        self.connections = {
            "ann": {"path": "/chat?user=ann", "steps": chat(r, "ann")},
            "bob": {"path": "/chat?user=bob", "steps": chat(r, "bob")},
            "feed": {"path": "/feed", "steps": feed(r), "subprotocol": "prices.v1"},
        }

    def open(self, wire, c):
        r = self.random
        s = Session(wire, client=(f"10.1.0.{r.randrange(1, 200)}", r.randrange(20000, 60000)), seed=r.getrandbits(32), mss=r.choice([100, 536, 1460]))
        offer = c.get("subprotocol")
        more = f"Sec-WebSocket-Protocol: {offer}\r\n" if offer else ""
        more += c.get("headers", "")
        agreed = r.random() < .5
        if c.get("status"):
            s.open()
            s.write(C2S, f"GET {c['path']} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                         "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
            s.write(S2C, f"HTTP/1.1 {c['status']} No\r\nContent-Length: 0\r\n\r\n".encode())
            s.shut()
            return None
        if offer:  # wire.py's answers have no subprotocol
            import base64
            key = base64.b64encode(s.random.randbytes(16))
            extension = f"Sec-WebSocket-Extensions: {DEFLATE}\r\n" if agreed else ""
            s.open()
            s.write(C2S, (f"GET {c['path']} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Key: {key.decode()}\r\nSec-WebSocket-Version: 13\r\n{more}{extension}\r\n").encode())
            s.write(S2C, ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept_of(key).decode()}\r\n"
                          f"Sec-WebSocket-Protocol: {c.get('chosen', offer)}\r\n{extension}\r\n").encode())
        else:
            s.handshake(c["path"], DEFLATE if agreed else None, DEFLATE if agreed else None, more=more)
        s.deflaters = {w: Deflater(level=r.randrange(1, 10)) for w in (C2S, S2C)} if agreed else None
        return s

    def say(self, s, step):
        r = self.random
        data = step.data(r) if callable(step.data) else step.data
        if step.op in (PING, PONG):
            s.frame(step.way, step.op, data)
            return
        deflater = s.deflaters[step.way] if s.deflaters and r.random() < .8 else None
        data = data.encode() if isinstance(data, str) else data
        cuts = ()
        if r.random() < .3 and not deflater and len(data) > 3:
            cuts = sorted(r.sample(range(1, len(data)), 2))
        s.say(step.way, step.op, data, deflater, cuts)

    def record(self):
        """The packets of all, mixed as chance will have it."""
        r, wire = self.random, Wire(self.random.randrange(1, 50000))
        waiting = list(self.connections.values())
        r.shuffle(waiting)
        talks = []
        while waiting or talks:
            if waiting and (not talks or r.random() < .3):
                c = waiting.pop()
                s = self.open(wire, c)
                if s:
                    talks.append((s, c, {w: [k for k, v in c["steps"].items() if v.way == w] for w in (C2S, S2C)}, set()))
                continue
            talk = r.choice(talks)
            s, c, rest, said = talk
            able = [w for w in (C2S, S2C) if rest[w] and c["steps"][rest[w][0]].after in said | {None}]
            if able:
                name = rest[r.choice(able) if len(able) > 1 else able[0]].pop(0)
                self.say(s, c["steps"][name])
                said.add(name)
                continue
            s.close(c.get("code", 1000), c.get("reason", "bye"))
            talks.remove(talk)
        return wire.packets

    def write(self, path):
        with open(path, "wb") as file:
            file.write(classic(self.record()))
        return path


def settings():
    return ["--ignore", "$..ts", "--ignore", "$.at", "--redact", "[0-9a-f]{32}=ROOM", "--redact", "^[0-9a-f]{8}$=PING"]

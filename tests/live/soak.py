#!/usr/bin/env python3
"""Hours in small: 500 connections that come and go say 20,000 messages a second over loopback, and the
tool listens. Its memory must stay flat, nothing may be dropped, and its counts must be those of the
endpoints, which are this program.

    tests/live/soak.py build/release/wstrace [--minutes 20] [--rate 22000] [--connections 500]

Not part of the tests: cmake --build --preset release --target soak
"""

import argparse
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("tool")
parser.add_argument("--minutes", type=float, default=20)
parser.add_argument("--rate", type=int, default=22000, help="messages a second, both directions together")
parser.add_argument("--connections", type=int, default=500)
parser.add_argument("--life", type=float, default=20, help="mean seconds of a connection")
options = parser.parse_args()

REQUEST = (b"GET /soak HTTP/1.1\r\nHost: soak\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ANSWER = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
BATCH = 4  # messages of one segment


def frame(opcode, payload, key=None):
    masked = 0x80 if key else 0
    n = len(payload)
    head = bytes([0x80 | opcode]) + (bytes([masked | n]) if n < 126 else bytes([masked | 126]) + struct.pack("!H", n))
    if not key:
        return head + payload
    return head + key + bytes(b ^ key[i & 3] for i, b in enumerate(payload))


chance = random.Random(1)
texts = [json.dumps({"id": i, "text": "soak " * chance.randrange(1, 40)}).encode() for i in range(64)]
from_client = [b"".join(frame(1, chance.choice(texts), chance.randbytes(4)) for _ in range(BATCH)) for _ in range(64)]
from_server = [b"".join(frame(1, chance.choice(texts)) for _ in range(BATCH)) for _ in range(64)]
bye = frame(8, b"\x03\xe8", b"\1\2\3\4"), frame(8, b"\x03\xe8")

listener = socket.create_server(("127.0.0.1", 0), backlog=64)
port = listener.getsockname()[1]
opened = messages = 0
scratch = bytearray(1 << 16)


def take(sock):
    try:
        while sock.recv_into(scratch) == len(scratch):
            pass
    except BlockingIOError:
        pass


def open_one():
    global opened
    client = socket.create_connection(("127.0.0.1", port))
    server, _ = listener.accept()
    client.sendall(REQUEST)
    server.recv(4096)
    server.sendall(ANSWER)
    client.recv(4096)
    for s in (client, server):
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        s.setblocking(False)
    opened += 1
    return client, server


def close_one(pair):
    client, server = pair
    for s in pair:
        s.setblocking(True)
    client.sendall(bye[0])
    server.sendall(bye[1])
    for s in pair:
        s.setblocking(False)
        take(s)
    server.close()
    client.close()


def talk(pair):
    global messages
    client, server = pair
    for sender, taker, batches in ((client, server, from_client), (server, client, from_server)):
        bytes_ = chance.choice(batches)
        if sender.send(bytes_) != len(bytes_):
            sys.exit("soak: a socket took only a part: the endpoints are too slow for this rate")
        take(taker)
    messages += 2 * BATCH


out = subprocess.Popen(["tail", "-n", "1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
tool = subprocess.Popen([options.tool, "--json", "-i", "lo", "--stats", "60", f"tcp port {port}"],
                        stdin=subprocess.DEVNULL, stdout=out.stdin)
out.stdin.close()
time.sleep(2)


def resident():
    for line in open(f"/proc/{tool.pid}/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0


pairs = [open_one() for _ in range(options.connections)]
# After each turn a connection ends with this chance, so that it lives as long as asked for.
turn = options.connections * 2 * BATCH / options.rate / options.life
began, seconds, at, samples, next_sample = time.monotonic(), options.minutes * 60, 0, [], 0
while (now := time.monotonic() - began) < seconds:
    while messages < now * options.rate:
        at = (at + 1) % len(pairs)
        talk(pairs[at])
        if chance.random() < turn:
            close_one(pairs[at])
            pairs[at] = open_one()
        if time.monotonic() - began > now + 0.5:
            break
    if now >= next_sample:
        samples.append((now, resident()))
        next_sample = now + 1
    time.sleep(0.002)
took = time.monotonic() - began
for pair in pairs:
    close_one(pair)
time.sleep(3)
tool.send_signal(signal.SIGTERM)  # SIGINT may be ignored: a shell does that in the background
stats = json.loads(out.stdout.read())
tool.wait()

quarter = [[mib for t, mib in samples if q * seconds / 4 <= t < (q + 1) * seconds / 4] for q in range(4)]
means = [sum(q) / len(q) if q else 0 for q in quarter]
drift = (means[3] / means[1] - 1) * 100
print(f"{took:.0f} s, {messages} messages ({messages / took:.0f}/s), {opened} connections")
print("resident MiB, mean of each quarter: " + ", ".join(f"{m:.2f}" for m in means) + f"; fourth against second {drift:+.2f} %")
print(f"the tool: {stats['messages']} messages, {stats['connections']} connections, {stats['gaps']} gaps, {stats['dropped']} dropped")
good = (stats["messages"] == messages and stats["connections"] == opened and stats["dropped"] == 0 and abs(drift) <= 2
        and messages / took >= 20000)
print("good" if good else "NOT as it should be")
sys.exit(0 if good else 1)

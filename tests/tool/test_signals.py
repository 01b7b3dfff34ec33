#!/usr/bin/env python3
"""Being stopped: by a signal while waiting for a pipe, and on a live interface."""

import os
import re
import signal
import socket
import subprocess
import time

from toolcheck import BASIC, TOOL, check, done, environment


def start(*args, **more):
    return subprocess.Popen([TOOL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(), **more)


# -- a pipe that stays open ------------------------------------------------------------------------------

data = open(BASIC, "rb").read()
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    process = start("--json", "-", stdin=subprocess.PIPE)
    process.stdin.write(data)
    process.stdin.flush()
    first = process.stdout.readline()
    time.sleep(0.3)
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=20)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    lines = (first + out).splitlines()
    check(f"{number.name}: status 0, nothing to complain about",
          process.returncode == 0 and err == b"", (process.returncode, err))
    check(f"{number.name}: finished cleanly", lines and b'"type":"stats"' in lines[-1], lines[-1:])

process = start("--json", "--conn", "9", "-", stdin=subprocess.PIPE)
process.stdin.write(data)
process.stdin.flush()
process.stdout.readline()
time.sleep(0.3)
process.send_signal(signal.SIGINT)
out, err = process.communicate(timeout=20)
check("a connection that had not come yet is not said to be missing",
      process.returncode == 0 and err == b"wstrace: there was no connection 9 yet; so far 1\n", (process.returncode, err))

process = start("--json", "-", stdin=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
process.stdin.write(data[:-1])
process.stdin.flush()
process.stdout.readline()
process.send_signal(signal.SIGHUP)
time.sleep(0.3)
check("nohup: SIGHUP stays ignored", process.poll() is None)
process.stdin.write(data[-1:])
out, err = process.communicate(timeout=20)
check("and reading goes on to the end", process.returncode == 0 and b'"type":"stats"' in out.splitlines()[-1], err)

# A shell that starts it in the background of a script ignores SIGINT for it; timeout(1) sends its signal twice.
process = start("--json", "-", stdin=subprocess.PIPE, preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN))
process.stdin.write(data)
process.stdin.flush()
process.stdout.readline()
process.send_signal(signal.SIGINT)
process.send_signal(signal.SIGINT)
try:
    out, err = process.communicate(timeout=20)
except subprocess.TimeoutExpired:
    process.kill()
    out, err = process.communicate()
check("SIGINT of a script's background job, sent twice: finished cleanly",
      process.returncode == 0 and b'"type":"stats"' in out.splitlines()[-1], (process.returncode, err))

# -- a live interface --------------------------------------------------------------------------------------


def wait_for(stream, words, seconds=10):
    os.set_blocking(stream.fileno(), False)
    got, end = b"", time.monotonic() + seconds
    while time.monotonic() < end and words not in got:
        got += stream.read() or b""
        time.sleep(0.02)
    os.set_blocking(stream.fileno(), True)
    return got


def talk():
    """A WebSocket conversation by hand, over loopback: 101, one text, both closes."""
    server = socket.create_server(("127.0.0.1", 0))
    client = socket.create_connection(server.getsockname())
    peer, _ = server.accept()
    client.sendall(b"GET /live HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
    client.recv(4096)
    client.sendall(bytes.fromhex("818537fa213d7f9f4d5158"))  # "Hello", masked: RFC 6455 section 5.7
    peer.recv(4096)
    peer.sendall(bytes.fromhex("880203e8"))
    client.recv(4096)
    client.sendall(bytes.fromhex("88820000000003e8"))
    peer.recv(4096)
    for s in (client, peer, server):
        s.close()


number = re.search(r"^(\d+)\.lo\b", subprocess.run([TOOL, "-D"], stdout=subprocess.PIPE).stdout.decode(), re.M)
process = start("--json", "-i", number.group(1) if number else "lo", "tcp")  # by its number: named all the same
said = wait_for(process.stderr, b"\n")
if b"listening on lo" not in said:
    process.kill()
    process.communicate()
    check("no permission: says what would give it", b"setcap" in said or b"No such device" in said, said)
    print("SKIP: no live capture here:", said.decode(errors="replace").strip())
    done()
check("listening on, in tcpdump's words",
      re.fullmatch(rb"listening on lo, link-type \S+, snapshot length \d+ bytes\n", said), said)
talk()
seen = wait_for(process.stdout, b'"text":"Hello"')
check("a message shows while the capture runs", b'"text":"Hello"' in seen, seen)
time.sleep(0.2)
process.send_signal(signal.SIGINT)
out, err = process.communicate(timeout=20)
check("SIGINT ends it with status 0", process.returncode == 0, (process.returncode, err))
check("tcpdump's three lines, word for word",
      re.fullmatch(rb"\d+ packets? captured\n\d+ packets? received by filter\n\d+ packets? dropped by kernel\n", err), err)
stats = (seen + out).splitlines()[-1]
check("the same figures in stats", b'"captured":' + err.split()[0] in stats, (err, stats))

process = start("-q", "-i", "lo", "-c", "3", "tcp")
time.sleep(0.7)
talk()
try:
    out, err = process.communicate(timeout=20)
except subprocess.TimeoutExpired:
    process.kill()
    out, err = process.communicate()
check("-c ends a live capture", process.returncode == 0 and err.startswith(b"3 packets captured\n"), (process.returncode, err))

done()

# SPDX-License-Identifier: MIT
"""A scripted session between real peers, recorded as often as one likes.

In:  who plays server and client (node, python, chromium), whether nginx stands between them, how fast.
Out: a capture of each: by tcpdump on the loopback, or, where that is not allowed, by a relay between
     the two that writes what passes, when it passes, as packets.

usage: recordings.py OUT [--count N] [--tcpdump] [--servers node,python] [--clients node,python,chromium] [--nginx]
OUT/*.pcap, and OUT/changed-*.pcap with one thing changed at the server. What is not installed is left out; what
is in OUT already is kept, so that an interrupted run goes on where it was. A session that a busy machine let
fail, or of which packets were lost, is played again.
"""
import argparse
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.abspath(os.path.join(HERE, "../../.."))
sys.path.insert(0, os.path.join(SOURCE, "captures/scripts"))
from wire import ACK, C2S, FIN, PSH, S2C, Session, Wire, classic  # noqa: E402

WS = os.path.join(SOURCE, "build/peers/node_modules/ws")
CHANGES = ("word", "field", "order", "code", "ping")
ATTEMPTS = 4
PATIENCE = 120  # seconds for one session
PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
NGINX = """daemon off; pid {tmp}/nginx.pid; error_log {tmp}/nginx.log; worker_processes 1;
events {{ worker_connections 64; }}
http {{ access_log off; client_body_temp_path {tmp}/b; proxy_temp_path {tmp}/p; fastcgi_temp_path {tmp}/f;
 uwsgi_temp_path {tmp}/u; scgi_temp_path {tmp}/s;
 server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://127.0.0.1:{to}; proxy_http_version 1.1;
  proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }} }} }}
"""


def have(what):
    if what == "node":
        return shutil.which("node") and os.path.isdir(WS)
    if what == "python":
        return subprocess.run([PYTHON, "-c", "import websockets"], capture_output=True, check=False).returncode == 0
    return shutil.which({"nginx": "nginx", "chromium": "chromium", "tcpdump": "tcpdump"}[what])


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Failed(Exception):
    """A recording that says nothing: somebody was too slow, or packets were lost."""


class Relay(threading.Thread):
    """One connection passes; each piece is written as segments, at the time at which it came."""

    def __init__(self, to):
        super().__init__(daemon=True)
        self.to, self.listening = to, socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.packets = []

    def run(self):
        client, address = self.listening.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        wire = Wire(1)
        s = Session(wire, client=address, server=("127.0.0.1", self.port), seed=random.getrandbits(32))
        s.open()
        ways = {client: (C2S, server), server: (S2C, client)}
        while ways:
            for end in select.select(list(ways), [], [], 30)[0]:
                way, other = ways[end]
                try:
                    data = end.recv(65536)
                except ConnectionError:
                    data = b""
                wire.now = max(wire.now + 1, int(time.time() * 1e6))
                if data:
                    s.write(way, data)
                    other.sendall(data)
                else:
                    s.packet(way, FIN | ACK)
                    s.sent[way] += 1
                    del ways[end]
                    try:
                        other.shutdown(socket.SHUT_WR)
                    except OSError:
                        pass
        self.packets = wire.packets

    def write(self, path):
        self.join(30)
        with open(path, "wb") as file:
            file.write(classic(self.packets))


class Tcpdump:
    """A datagram to the same port tells when it has come as far as this: before and behind the session."""

    def __init__(self, port, path):
        self.port, self.path = port, path
        self.process = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-B", "65536", "-s", "0", "-w", path, "port", str(port)],
                                        stderr=subprocess.PIPE, text=True)
        self.probe()

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def probe(self):
        before, end = self.size(), time.monotonic() + PATIENCE
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while self.size() <= max(before, 24) and time.monotonic() < end:
                s.sendto(b"probe", ("127.0.0.1", self.port))
                time.sleep(.05)

    def end(self):
        time.sleep(.2)
        self.probe()
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=PATIENCE)[1]
        if "\n0 packets dropped by kernel" not in said:
            raise Failed("tcpdump lost packets")


def start(words, **environment):
    quiet = subprocess.DEVNULL if words[0] == "chromium" else None
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=quiet, text=True, env=dict(os.environ, WS_MODULE=WS, **environment))


def play(path, server, client, tmp, pace=5, deflate=False, change="", nginx=False, tcpdump=False):
    """One session, recorded at `path`."""
    env = {"PACE": str(pace), "DEFLATE": "1" if deflate else "0", "CHANGE": change}
    served = start(["node", f"{HERE}/server.js"] if server == "node" else [PYTHON, f"{HERE}/server.py"], **env)
    port, proxy, dump = int(served.stdout.readline()), None, None
    if nginx:
        at = free_port()
        with open(f"{tmp}/nginx.conf", "w", encoding="utf-8") as file:
            file.write(NGINX.format(tmp=tmp, port=at, to=port))
        proxy = subprocess.Popen(["nginx", "-p", tmp, "-c", f"{tmp}/nginx.conf"], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", at)).close()
                break
            except OSError:
                time.sleep(.05)
        port = at
    relay = None
    if tcpdump:
        dump = Tcpdump(port, path)
    else:
        relay = Relay(port)
        relay.start()
        port = relay.port
    if client == "chromium":
        url = f"file://{HERE}/client.html?{port},{pace}"
        played = start(["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp}/chromium", "--remote-debugging-port=0", url], **env)
    else:
        played = start(["node", f"{HERE}/client.js", str(port)] if client == "node" else [PYTHON, f"{HERE}/client.py", str(port)], **env)
    try:
        if served.wait(PATIENCE) != 0:
            raise Failed(f"the server ended with {served.returncode}")
        if client == "chromium":
            played.kill()
        elif played.wait(PATIENCE) != 0:
            raise Failed(f"the client ended with {played.returncode}")
    except subprocess.TimeoutExpired as slow:
        raise Failed("the session did not come to its end") from slow
    finally:
        for process in (played, served, proxy):
            if process and process.poll() is None:
                process.kill()
                process.wait()
        if dump and dump.process.poll() is None and sys.exc_info()[0]:
            dump.process.kill()
            dump.process.wait()
    if dump:
        dump.end()
    else:
        relay.write(path)


def record(path, *peers, **how):
    """play(), again if need be; the capture is there when it is whole. False: it could not be had."""
    if os.path.exists(path):
        return True
    for _ in range(ATTEMPTS):
        try:
            play(path + ".part", *peers, **how)
            os.rename(path + ".part", path)
            return True
        except Failed as why:
            print(f"{os.path.basename(path)}: {why}", file=sys.stderr, flush=True)
    return False


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("out")
    p.add_argument("--count", type=int, default=20, help="recordings of each pair")
    p.add_argument("--tcpdump", action="store_true")
    p.add_argument("--nginx", action="store_true", help="also through nginx")
    p.add_argument("--servers", default="node,python")
    p.add_argument("--clients", default="node,python,chromium")
    a = p.parse_args()
    os.makedirs(a.out, exist_ok=True)
    servers = [s for s in a.servers.split(",") if have(s)]
    clients = [c for c in a.clients.split(",") if have(c)]
    made = failed = 0
    for server in servers:
        for client in clients:
            for nginx in [False, True] if a.nginx and have("nginx") else [False]:
                name = f"{server}-{client}" + ("-nginx" if nginx else "")
                for i in range(a.count):
                    good = record(f"{a.out}/{name}-{i:02}.pcap", server, client, a.out, pace=[0, 2, 10, 40][i % 4], deflate=i % 2 == 1,
                                  nginx=nginx, tcpdump=a.tcpdump)
                    made += good
                    failed += not good
                for change in CHANGES:
                    failed += not record(f"{a.out}/changed-{change}-{name}.pcap", server, client, a.out, change=change, nginx=nginx,
                                         tcpdump=a.tcpdump)
                print(f"{name}: recorded", file=sys.stderr, flush=True)
    print(f"{made} recordings of {len(servers)} servers and {len(clients)} clients" + (f", {failed} could not be had" if failed else ""))
    return 1 if failed else 0 if made else 77


if __name__ == "__main__":
    sys.exit(main())

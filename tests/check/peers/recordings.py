# SPDX-License-Identifier: MIT
"""A scripted session between real peers, recorded as often as one likes.

In:  who plays server and client (node, python, chromium), whether nginx stands between them, how fast.
Out: a capture of each: by tcpdump on the loopback, or, where that is not allowed, by a relay between
     the two that writes what passes, when it passes, as packets.

usage: recordings.py OUT [--count N] [--tcpdump] [--servers node,python] [--clients node,python,chromium] [--nginx]
OUT/*.pcap, and OUT/changed-*.pcap with one thing changed at the server. What is not installed is left out.
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
        self.process = subprocess.Popen(["tcpdump", "-i", "lo", "-U", "-s", "0", "-w", path, "port", str(port)], stderr=subprocess.DEVNULL)
        self.probe()

    def size(self):
        return os.path.getsize(self.path) if os.path.exists(self.path) else 0

    def probe(self):
        before, end = self.size(), time.monotonic() + 20
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            while self.size() <= max(before, 24) and time.monotonic() < end:
                s.sendto(b"probe", ("127.0.0.1", self.port))
                time.sleep(.05)

    def end(self):
        time.sleep(.2)
        self.probe()
        self.process.send_signal(signal.SIGINT)
        self.process.wait(10)


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
        if served.wait(40) != 0:
            sys.exit(f"the server ended with {served.returncode}: {path}")
        if client == "chromium":
            played.kill()
        elif played.wait(40) != 0:
            sys.exit(f"the client ended with {played.returncode}: {path}")
    finally:
        for process in (played, served, proxy):
            if process and process.poll() is None:
                process.kill()
                process.wait()
    if dump:
        dump.end()
    else:
        relay.write(path)


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
    made = 0
    for server in servers:
        for client in clients:
            for nginx in [False, True] if a.nginx and have("nginx") else [False]:
                name = f"{server}-{client}" + ("-nginx" if nginx else "")
                for i in range(a.count):
                    play(f"{a.out}/{name}-{i:02}.pcap", server, client, a.out, pace=[0, 2, 10, 40][i % 4], deflate=i % 2 == 1, nginx=nginx,
                         tcpdump=a.tcpdump)
                    made += 1
                for change in CHANGES:
                    play(f"{a.out}/changed-{change}-{name}.pcap", server, client, a.out, change=change, nginx=nginx, tcpdump=a.tcpdump)
    print(f"{made} recordings of {len(servers)} servers and {len(clients)} clients")
    return 0 if made else 77


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""wss while it passes: the key log is not there when listening begins, grows, is replaced by another; and
whoever reads it then may open no file any more."""

import os
import shutil
import socket
import ssl
import subprocess
import time

from endpoints import Listening, need_root
from toolcheck import check, directory, done, skip

need_root()
if not shutil.which("openssl"):
    skip("no openssl program to make a certificate")

REQUEST = (b"GET /wss HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ANSWER = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def endpoints(tmp):
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=wss.test", "-days", "1",
                           "-keyout", "key.pem", "-out", "cert.pem"], cwd=tmp, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if made.returncode:
        skip("openssl makes no certificate: " + made.stderr.decode()[-200:])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(os.path.join(tmp, "cert.pem"), os.path.join(tmp, "key.pem"))
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    return server, client


class Secure:
    """Both ends of one connection in one thread: what the handshake says goes through memory, and by
    hand over loopback."""

    def __init__(self, listener, server, client):
        self.sockets = [socket.create_connection(listener.getsockname()), listener.accept()[0]]
        self.bios = [(ssl.MemoryBIO(), ssl.MemoryBIO()) for _ in range(2)]
        self.ends = [client.wrap_bio(*self.bios[0]), server.wrap_bio(*self.bios[1], server_side=True)]
        for s in self.sockets:
            s.setblocking(False)
        shaken = [False, False]
        while not all(shaken):
            for i in (0, 1):
                try:
                    self.ends[i].do_handshake()
                    shaken[i] = True
                except ssl.SSLWantReadError:
                    pass
                self.carry(i)

    def carry(self, i):
        data = self.bios[i][1].read()
        if data:
            self.sockets[i].setblocking(True)
            self.sockets[i].sendall(data)
            self.sockets[i].setblocking(False)
        while data:
            try:
                piece = self.sockets[1 - i].recv(65536)
            except BlockingIOError:
                time.sleep(0.001)
                continue
            self.bios[1 - i][0].write(piece)
            data = data[len(piece):]

    def send(self, i, data):
        self.ends[i].write(data)
        self.carry(i)
        got = b""
        while len(got) < len(data):
            try:
                got += self.ends[1 - i].read(65536)
            except ssl.SSLWantReadError:
                self.carry(i)

    def begin(self):
        self.send(0, REQUEST)
        self.send(1, ANSWER)

    def say(self, text):
        data = text.encode()
        self.send(0, bytes([0x81, 0x80 | len(data)]) + bytes(4) + data)
        self.send(1, bytes([0x81, len(data)]) + data)

    def close(self):
        self.send(1, bytes.fromhex("880203e8"))
        self.send(0, bytes.fromhex("88820000000003e8"))
        for s in self.sockets:
            s.close()


def texts(listening):
    return [(e["conn"], e["dir"], e["text"]) for e in listening.events() if e["type"] == "message"]


with directory() as tmp, socket.create_server(("127.0.0.1", 0)) as listener:
    os.chmod(tmp, 0o700)  # nobody, whom root becomes, could not open the log
    server, client = endpoints(tmp)
    log, hidden = os.path.join(tmp, "late.keys"), os.path.join(tmp, "hidden.keys")
    client.keylog_filename = hidden
    other = os.path.join(tmp, "other.keys")  # nobody writes to it: the second one is followed all the same
    os.close(os.open(other, os.O_CREAT | os.O_WRONLY, 0o600))
    listening = Listening(tmp, "--json", "-i", "lo", "--keylog", other, "--keylog", log, f"tcp port {listener.getsockname()[1]}")
    check("that the log is not there yet is said", listening.wait_for("waiting for it"), listening.said())

    one = Secure(listener, server, client)
    one.begin()
    one.say("before there is a log")
    time.sleep(0.3)
    check("nothing can be told yet", texts(listening) == [], texts(listening))
    shutil.copy(hidden, log)
    os.chmod(log, 0o600)
    check("then the log comes, and what waited is told", listening.wait_events("message", 2), listening.said())
    one.say("with a log")
    check("and what follows, at once", listening.wait_events("message", 4), listening.said())

    two = Secure(listener, server, client)
    with open(hidden) as old, open(log, "a") as new:
        new.write(old.read()[os.path.getsize(log):])
    two.begin()
    two.say("the log has grown")
    check("a log that grows", listening.wait_events("message", 6), listening.said())

    three = Secure(listener, server, client)
    os.rename(hidden, log)  # another file of that name
    os.chmod(log, 0o600)
    three.begin()
    three.say("another log")
    check("a log that is replaced", listening.wait_events("message", 8), listening.said())
    for c in (one, two, three):
        c.close()
    listening.wait_events("end", 3)
    check("SIGINT: status 0", listening.stop() == 0, listening.said())
    said = ["before there is a log", "with a log", "the log has grown", "another log"]
    check("both sides said the same, and all of it is told",
          [t for _, d, t in texts(listening) if d == "c2s"] == said == [t for _, d, t in texts(listening) if d == "s2c"], texts(listening))
    shakes = [e for e in listening.events() if e["type"] == "handshake"]
    check("over TLS", len(shakes) == 3 and all(e["tls"] and e["tls"]["version"].startswith("TLS 1.") for e in shakes), shakes)
    stamps = [e["pkt"] for e in listening.events() if e.get("pkt")]
    check("the timeline does not go back", stamps == sorted(stamps))
    check("nothing stayed closed", listening.events()[-1]["tls_no_key"] == 0, listening.events()[-1])

    # -- connections that are soon over, each with a log that takes the place of the one before
    listening = Listening(tmp, "--json", "-i", "lo", "--keylog", other, "--keylog", log, f"tcp port {listener.getsockname()[1]}")
    for i in range(6):
        client.keylog_filename = hidden
        c = Secure(listener, server, client)
        os.chmod(hidden, 0o600)
        os.rename(hidden, log)
        c.begin()
        c.say(f"soon over {i}")
        time.sleep(0.4)
        c.close()
    check("short connections, and a log that is replaced for each", listening.wait_events("message", 12, 10), listening.said())
    check("... SIGINT: status 0", listening.stop() == 0, listening.said())

done()

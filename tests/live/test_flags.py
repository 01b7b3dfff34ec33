#!/usr/bin/env python3
"""tcpdump's flags and ours, each with real traffic on loopback: what they promise is what happens."""

import glob
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import zlib

from endpoints import Listening, need_root
from toolcheck import TOOL, check, directory, done, environment, run

need_root()

REQUEST = (b"GET /live HTTP/1.1\r\nHost: test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
ANSWER = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
          b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def agreeing(head):
    """The same, compressing every message."""
    return head[:-2] + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


class Talk:
    """A WebSocket connection over loopback, one packet for each thing said, each answered."""

    def __init__(self, server, compresses=False):
        self.client = socket.create_connection(server.getsockname())
        self.peer, _ = server.accept()
        for s in (self.client, self.peer):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.said = []
        self.deflate = zlib.compressobj(wbits=-15) if compresses else None
        self.send(self.client, self.peer, agreeing(REQUEST) if compresses else REQUEST)
        self.send(self.peer, self.client, agreeing(ANSWER) if compresses else ANSWER)

    @staticmethod
    def send(one, other, data):
        one.sendall(data)
        while data:
            data = data[len(other.recv(len(data))):]

    def say(self, text):
        data = text.encode()
        if self.deflate:
            data = (self.deflate.compress(data) + self.deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        assert len(data) < 126
        self.send(self.client, self.peer, bytes([0xc1 if self.deflate else 0x81, 0x80 | len(data)]) + bytes(4) + data)
        self.said.append(text)

    def close(self):
        self.send(self.peer, self.client, bytes.fromhex("880203e8"))
        self.send(self.client, self.peer, bytes.fromhex("88820000000003e8"))
        self.client.close()
        self.peer.close()


server = socket.create_server(("127.0.0.1", 0))
PORT = server.getsockname()[1]
ONLY = f"tcp port {PORT}"


def texts(result_or_events):
    events = result_or_events if isinstance(result_or_events, list) else result_or_events.events()
    return [e["text"] for e in events if e["type"] == "message"]


def talk(n, words="message"):
    t = Talk(server)
    for i in range(n):
        t.say(f"{words} {i}")
    t.close()
    return t.said


def user_of(pid):
    return re.search(r"^Uid:\t(\d+)\t(\d+)\t(\d+)", open(f"/proc/{pid}/status").read(), re.M).groups()


def ended(listening, seconds=60):
    """The exit status of a run that ends by itself; None: it does not."""
    try:
        return listening.process.wait(seconds)
    except subprocess.TimeoutExpired:
        listening.stop(signal.SIGKILL)
        return None


def figures(tmp):
    listening = Listening(tmp, "--json", "-i", "lo", "--stats", "1", ONLY)
    t = Talk(server)
    found, end = None, time.monotonic() + 60
    while not found and time.monotonic() < end:
        t.say("x" * 100)
        found = re.search(r"^1 connections?, ([1-9]\d*) frames/s, (\d+\.\d+) MB/s, 0 dropped, \d+\.\d MiB, queue \d+%$",
                          listening.said(), re.M)
        time.sleep(0.02)
    check("--stats: connections, frames and bytes a second", found, listening.said()[-400:])
    t.close()
    listening.wait_events("message", len(t.said))
    check("--stats: status 0", listening.stop() == 0, listening.said())
    check("--stats: and everything is told besides", texts(listening.events()) == t.said)


def users(tmp):
    home = environment(SUDO_USER=None)
    daemon, games = pwd.getpwnam("daemon").pw_uid, pwd.getpwnam("games").pw_uid
    os.chmod(tmp, 0o755)
    for words, env, uid in (([], home, pwd.getpwnam("nobody").pw_uid), (["-Z", "daemon"], home, daemon),
                            ([], environment(SUDO_USER="games"), games), (["-Z", "daemon"], environment(SUDO_USER="games"), daemon)):
        what = " ".join([*words, f"SUDO_USER={env.get('SUDO_USER')}"])
        path = os.path.join(tmp, "w.pcap")
        listening = Listening(tmp, "--json", "--print", "-i", "lo", *words, "-w", path, ONLY, env=env)
        check(f"{what}: that user it becomes", user_of(listening.process.pid) == (str(uid),) * 3, user_of(listening.process.pid))
        said = talk(3)
        listening.wait_events("end", 1)
        check(f"{what}: status 0", listening.stop() == 0, listening.said())
        check(f"{what}: the file is the user's, unless nobody's", os.stat(path).st_uid == (0 if "nobody" in pwd.getpwuid(uid).pw_name else uid))
        check(f"{what}: what was said is in it", texts(run("--json", path)) == said)
        os.unlink(path)
    unknown = run("-i", "lo", "-Z", "no-such-user-here", env=home)
    check("-Z of nobody known: fatal", unknown.status == 2 and "there is no user no-such-user-here" in unknown.says, unknown)
    path = os.path.join(tmp, "tool")
    shutil.copy(TOOL, path)  # where that user can reach it
    got = subprocess.run([path, "-i", "lo"], env=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE, user="nobody", timeout=60)
    check("the line that gives the right to listen", got.returncode == 2 and
          f"setcap cap_net_raw,cap_net_admin+eip {os.path.realpath(path)}".encode() in got.stderr, got.stderr)


def rotation(tmp):
    listening = Listening(tmp, "-i", "lo", "-G", "1", "-W", "2", "-w", "g-%s.pcap", ONLY)
    t, end = Talk(server), time.monotonic() + 60
    while listening.process.poll() is None and time.monotonic() < end:  # the time of packets turns the page
        t.say(f"tick {len(t.said)}")
        time.sleep(0.05)
    check("-G -W: it ends by itself after so many files, status 0", ended(listening, 1) == 0, listening.said())
    t.close()
    names = sorted(glob.glob(os.path.join(tmp, "g-*.pcap")))
    check("-G -W: two files, named by their time", len(names) == 2, names)
    back = texts(run("--json", "-r", os.path.join(tmp, "g-*.pcap")))
    check("-G -W: together what was said, from the beginning", len(back) > 2 and back == t.said[:len(back)], (back[:3], len(t.said)))

    listening = Listening(tmp, "--json", "--print", "-i", "lo", "-C", "2K", "-w", "c.pcap", ONLY)
    said = talk(60)
    listening.wait_events("end", 1)
    check("-C: status 0", listening.stop() == 0, listening.said())
    check("-C: several files, and together what was said", len(glob.glob(os.path.join(tmp, "c.pcap*"))) > 2
          and texts(run("--json", "-r", os.path.join(tmp, "c.pcap*"))) == said)

    listening = Listening(tmp, "--json", "--print", "-i", "lo", "-C", "2K", "-W", "3", "-w", "ring.pcap", ONLY)
    said = talk(200)
    listening.wait_events("end", 1)
    check("-C -W: status 0", listening.stop() == 0, listening.said())
    names = sorted(os.path.basename(n) for n in glob.glob(os.path.join(tmp, "ring*")))
    back = texts(run("--json", "-r", os.path.join(tmp, "ring.pcap*")))
    check("-C -W: a ring", names == ["ring.pcap0", "ring.pcap1", "ring.pcap2"], names)
    check("-C -W: that holds what was said last", back and back == said[-len(back):], (back[:2], said[-2:]))


def saving(tmp):
    path = os.path.join(tmp, "u.pcap")
    listening = Listening(tmp, "--json", "-i", "lo", "-U", "--print", "-w", path, ONLY)
    t = Talk(server)
    for i in range(3):
        t.say(f"now {i}")
        check("-U: a packet is in the file at once", any(texts(run("--json", path))[-1:] == [f"now {i}"] or time.sleep(0.1)
                                                         for _ in range(100)))
    check("--print: and printed as well", listening.wait_events("message", 3) and texts(listening.events()) == t.said)
    t.close()
    check("-U --print: status 0", listening.stop() == 0, listening.said())


def choosing(tmp):
    filters = os.path.join(tmp, "filter")
    with open(filters, "w") as file:
        file.write(f"# only ours\ntcp and # and\nport {PORT}\n")
    listening = Listening(tmp, "--json", "-i", "lo", "-F", filters)
    with socket.create_server(("127.0.0.1", 0)) as other:
        o = Talk(other)
        o.say("not this")
        o.close()
    said = talk(2)
    listening.wait_events("end", 1)
    check("-F: status 0", listening.stop() == 0, listening.said())
    check("-F: only what it picks", texts(listening.events()) == said, listening.events()[-1])

    listening = Listening(tmp, "--json", "-i", "any", "-c", "9", ONLY)
    said = talk(5)
    check("-i any -c: ends after so many packets, status 0", ended(listening) == 0, listening.said())
    check("-c: so many", re.search(r"^9 packets captured$", listening.said(), re.M), listening.said())
    check("-i any: what they held", texts(listening.events()) == said[:len(texts(listening.events()))] != [], listening.events())

    listening = Listening(tmp, "--json", "-i", "lo", "-p", "-s", "80", "-y", "EN10MB", ONLY)
    t = Talk(server)
    t.say("y" * 100)
    t.close()
    listening.wait_events("end", 1)
    check("-s -p -y: status 0", listening.stop() == 0, listening.said())
    check("-s: said", "snapshot length 80 bytes" in listening.said() and "link-type EN10MB" in listening.said(), listening.said())
    check("-s: what is cut is a gap, not a message", not texts(listening.events())
          and any(e["type"] == "gap" for e in listening.events()), listening.events())
    types = run("-L", "-i", "lo")
    check("-L: link types, as tcpdump writes them", types.status == 0 and "  EN10MB (Ethernet)\n" in types.text, types)
    wrong = run("-i", "lo", "-y", "NO_SUCH_TYPE")
    check("-y of nothing: refused", wrong.status == 2 and "NO_SUCH_TYPE" in wrong.says, wrong)
    wrong = run("-i", "no-such-interface")
    check("-i of nothing: refused", wrong.status == 2 and "no-such-interface" in wrong.says, wrong)


def answers(tmp):
    """SIGUSR1 while packets come, and once more when none do."""
    listening = Listening(tmp, "--json", "-i", "lo", ONLY)
    talk(3)
    listening.wait_events("end", 1)
    counters = re.compile(r"^(\d+) packets captured\n(\d+) packets received by filter\n0 packets dropped by kernel\n", re.M)
    for n in (1, 2):
        listening.process.send_signal(signal.SIGUSR1)
        end = time.monotonic() + 30
        while len(counters.findall(listening.said())) < n and time.monotonic() < end:
            time.sleep(0.02)
    check("SIGTERM: status 0", listening.stop(signal.SIGTERM) == 0, listening.said())
    found = [(int(captured), int(received)) for captured, received in counters.findall(listening.said())]
    # The last bare acknowledgment may come after the first answer.
    check("SIGUSR1: tcpdump's lines each time, and at the end", len(found) == 3 and found == sorted(found)
          and found[0][0] > 10 and found[2][0] == listening.events()[-1]["packets"], listening.said())


def promptly(tmp):
    """Compressed connections are worked on together when many are busy, and in other threads; a pause tells all."""
    for jobs in (1, 2):
        listening = Listening(tmp, "--json", "-i", "lo", "--jobs", jobs, ONLY)
        talks = [Talk(server, compresses=True) for _ in range(200)]
        for i in range(20):
            for t in talks:
                t.say(f"the {i}th of them")
        n = sum(len(t.said) for t in talks)
        check(f"--jobs {jobs}: all is told while the connections are open", listening.wait_events("message", n, 60), listening.said())
        for i in range(3):
            talks[7 * i].say("and then one more")
            check(f"--jobs {jobs}: and one more, at once", listening.wait_events("message", n + i + 1, 10), listening.said())
        for t in talks:
            t.close()
        listening.wait_events("end", len(talks))
        check(f"--jobs {jobs}: status 0", listening.stop() == 0, listening.said())
        by = {}
        for e in listening.events():
            if e["type"] == "message":
                by.setdefault(e["conn"], []).append(e["text"])
        check(f"--jobs {jobs}: each as it was said", list(by.values()) == [t.said for t in talks])


def stuck(tmp):
    """Nobody reads, and little passes: the queue is nearly empty, and yet nothing has caught up."""
    reading, writing = os.pipe()
    listening = Listening(tmp, "--json", "-i", "lo", ONLY, stdout=writing)
    os.close(writing)
    t = Talk(server)
    for _ in range(1000):
        t.say("x" * 100)
    check("an output that takes no more: said", listening.wait_for("the output takes no more"), listening.said())
    for _ in range(30):
        t.say("and more")
        time.sleep(0.1)
    told = listening.said()
    check("... once, and nothing has caught up", told.count("takes no more") == 1 and "caught up" not in told, told)
    lines = []
    with os.fdopen(reading, "rb") as pipe:
        reader = threading.Thread(target=lambda: lines.extend(pipe))
        reader.start()
        end = time.monotonic() + 30
        while "has caught up" not in listening.said() and time.monotonic() < end:
            t.say("and more")
            time.sleep(0.1)
        check("... and that it goes on, when it does", listening.said().count("has caught up") == 1, listening.said())
        t.close()
        while not any(b'"type":"end"' in line for line in lines[-9:]) and time.monotonic() < end:
            time.sleep(0.05)
        check("... and all of it came", listening.stop() == 0, listening.said())
        reader.join(60)
    check("... word for word", texts([json.loads(line) for line in lines]) == t.said)


def stuck_saving(tmp):
    """A pipe that -w writes into, as one to another host, and nobody takes what comes."""
    reading, writing = os.pipe()
    listening = Listening(tmp, "-i", "lo", "-U", "-w", "-", "--stats", "1", ONLY, stdout=writing)
    os.close(writing)
    t = Talk(server)
    for _ in range(600):
        t.say("x" * 100)
    check("-w - that takes no more: said", listening.wait_for("the output takes no more", 20), listening.said())
    check("... and --stats go on", listening.wait_for("connection, 0 frames/s", 20), listening.said())
    saved = []
    with os.fdopen(reading, "rb") as pipe:
        reader = threading.Thread(target=lambda: saved.append(pipe.read()))
        reader.start()
        t.close()
        time.sleep(0.5)
        check("... all of it comes", listening.stop() == 0, listening.said())
        reader.join(60)
    path = os.path.join(tmp, "saved.pcap")
    with open(path, "wb") as file:
        file.write(saved[0])
    check("... whole", texts(run("--json", path)) == t.said)


for part in (promptly, stuck, stuck_saving, figures, users, rotation, saving, choosing, answers):
    with directory() as folder:
        part(folder)
server.close()
done()

"""What the live tests share: node's ws as endpoints, the tool listening to them, and whether the
timeline is what the endpoints say they sent."""

import atexit
import base64
import hashlib
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tool"))

from toolcheck import SOURCE, TOOL, check, environment, skip  # noqa: E402

TALK = os.path.join(os.path.dirname(os.path.abspath(__file__)), "talk.js")


def need_node():
    modules = os.path.join(SOURCE, "build", "peers", "node_modules")
    env = environment(NODE_PATH=modules)
    try:
        subprocess.run(["node", "-e", "require('ws')"], env=env, check=True, stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        skip("no node with ws: .ci/deps test installs it into build/peers")
    return env


NODE = need_node()


def need_root():
    if os.geteuid() != 0:
        skip("not root: listening on an interface needs that, or CAP_NET_RAW")


def end_with_us(process):
    """A test that breaks off leaves nobody behind: ctest waits for whoever still holds its output."""
    atexit.register(lambda: process.poll() is None and process.kill())


class Node:
    def __init__(self, *words, before=()):
        self.process = subprocess.Popen([*before, "node", TALK, *map(str, words)], env=NODE,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        end_with_us(self.process)
        self.records, self.lines = [], queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def next(self, seconds=120):
        """The next record; None: there is no more, or none came in that time."""
        try:
            record = self.lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if record is not None:
            self.records.append(record)
        return record

    def rest(self):
        while self.next():
            pass
        return self.records

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.rest()


def server(host="127.0.0.1", before=()):
    node = Node("server", host, before=before)
    return node, node.next()["listening"]


class Listening:
    """The tool on an interface; what it prints goes to files, so that it never waits for us."""

    def __init__(self, tmp, *words, before=(), stdout=None, env=None):
        self.out, self.err = os.path.join(tmp, "out"), os.path.join(tmp, "err")
        with open(self.out, "wb") as out, open(self.err, "wb") as err:
            self.process = subprocess.Popen([*before, TOOL, *map(str, words)], env=env or environment(), cwd=tmp,
                                            stdin=subprocess.DEVNULL, stdout=stdout or out, stderr=err)
        end_with_us(self.process)
        self.wait_for("listening on", 60)

    def said(self):
        return open(self.err, encoding="utf-8", errors="replace").read()

    def wait_for(self, words, seconds=60, where=None):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            text = self.said() if where is None else open(where, encoding="utf-8", errors="replace").read()
            if words in text:
                return True
            if self.process.poll() is not None:
                if "permi" in text.lower():
                    skip(text.strip())
                return words in text
            time.sleep(0.05)
        return False

    def events(self):
        return [json.loads(line) for line in open(self.out, encoding="utf-8").read().splitlines()]

    def wait_events(self, kind, n, seconds=120):
        """Until n events of the kind are written."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if open(self.out, "rb").read().count(b'"type":"%s"' % kind.encode()) >= n:
                return True
            time.sleep(0.1)
        return False

    def stop(self, number=signal.SIGINT):
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            return self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def payload(event):
    return event["text"].encode() if event.get("text") is not None else base64.b64decode(event["b64"])


def compare(what, events, records):
    """Every message that an endpoint says it sent is in the timeline, in its order, and no other."""
    port = {e["conn"]: e["client_port"] for e in events if e["type"] == "handshake" and e["accepted"]}
    seen, sent = {}, {}
    for e in events:
        if e["type"] == "message":
            data = payload(e)
            seen.setdefault((port.get(e["conn"]), e["dir"]), []).append(
                (e["op"], len(data), hashlib.sha1(data).hexdigest()))
            if not e["certain"]:
                check(f"{what}: nothing is uncertain", False, e)
    for r in records:
        if "sha1" in r:
            sent.setdefault((r["port"], r["dir"]), []).append((r["op"], r["len"], r["sha1"]))
    check(f"{what}: the same connections and directions", set(seen) == set(sent), (sorted(seen), sorted(sent)))
    for key in sent:
        check(f"{what}: {key}: {len(sent[key])} messages as sent", seen.get(key) == sent[key],
              (len(seen.get(key, [])), len(sent[key])))
    closes = {r["port"]: r["close"] for r in records if "close" in r}
    ends = {port.get(e["conn"]): e["code"] for e in events if e["type"] == "end"}
    for p, code in closes.items():
        check(f"{what}: {p} closed with {code}", ends.get(p) == code, ends)
    return sum(map(len, sent.values()))

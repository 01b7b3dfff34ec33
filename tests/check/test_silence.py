#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings that differ by chance alone are the same; whatever a server changes is caught and named."""
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import party  # noqa: E402
from party import C2S, PING, S2C, TEXT, Party, Step  # noqa: E402
from toolcheck import check, directory, done, run  # noqa: E402

SEEDS = 20


def steps(p, name="ann"):
    return p.connections[name]["steps"]


def changed(name, key, data, way=S2C, op=TEXT, after=None):
    def change(p):
        steps(p, name)[key] = Step(way, op, data, after or steps(p, name)[key].after)
    return change


def swapped(p):
    s = steps(p, "feed")
    s["tick 3"], s["tick 4"] = s["tick 4"], s["tick 3"]


def inserted(key, step, name="ann"):
    """Before the step `key`."""
    def change(p):
        old = steps(p, name)
        new = {}
        for k, v in old.items():
            if k == key:
                new["new"] = step
            new[k] = v
        p.connections[name]["steps"] = new
    return change


def left_out(key):
    return lambda p: steps(p).pop(key)


def reply_before(p):
    """The server says the reply before it was asked: only an order of causes can catch that."""
    s = steps(p)
    s["reply 2"].after = None
    s["ask 2"].after = "reply 2"


def other_room(p):
    """The id of the room is no longer the one that the welcome named."""
    s = steps(p)
    s["reply 1"] = Step(S2C, TEXT, {"jsonrpc": "2.0", "id": 1, "result": {"room": "f" * 32, "ts": 1}}, "ask 1")


def setting(name, **values):
    return lambda p: p.connections[name].update(values)


def more(p):
    p.connections["new"] = {"path": "/admin", "steps": {}}


# the change, and what the report must say of it
CHANGES = {
    "one word": (changed("ann", "line", "a line of prose\nand one more"), ["/chat?user=ann", "message 4 from the server", "prose"]),
    "one field": (changed("bob", "reply 2", {"jsonrpc": "2.0", "id": 2, "result": [{"name": "Ann", "age": 42}, {"name": "Bob"}]}),
                  ["/chat?user=bob", "$.result[0].age was 41, is 42"]),
    "a field more": (changed("ann", "reply 2", {"jsonrpc": "2.0", "id": 2, "result": [{"name": "Ann", "age": 41}, {"name": "Bob", "age": 1}]}),
                     ["$.result[1].age is new: 1"]),
    "a number's type": (changed("ann", "reply 2", {"jsonrpc": "2.0", "id": 2, "result": [{"name": "Ann", "age": "41"}, {"name": "Bob"}]}),
                        ['$.result[0].age was 41, is "41"']),
    "one element of sixty": (changed("ann", "big", {"type": "state", "list": [{"n": n, "word": "w" * (n % 7 if n != 44 else 9)} for n in range(60)]}),
                             ["$.list[44].word"]),
    "one order": (swapped, ["/feed", '"tick": 3', "another place"]),
    "one close code": (setting("bob", code=1001), ["/chat?user=bob", "close 1000", "close 1001"]),
    "a close reason": (setting("feed", reason="go"), ["/feed", '"bye"', '"go"']),
    "one ping more": (inserted("ping", Step(S2C, PING, b"extra")), ["ping from the server was not expected", '"extra"']),
    "a message less": (left_out("line"), ["message 4 from the server is missing", "a line of text"]),
    "a message more": (inserted("line", Step(S2C, TEXT, "new here")), ["message 4 from the server was not expected", "new here"]),
    "a reply before its request": (reply_before, ["/chat?user=ann"]),
    "another id": (other_room, ["<ROOM-"]),
    "another subprotocol": (setting("feed", chosen="prices.v2"), ["prices.v2"]),
    "a connection refused": (setting("feed", status=403), ["403"]),
    "a connection more": (more, ["/admin", "this connection was not expected"]),
    "a connection less": (lambda p: p.connections.pop("bob"), ["/chat?user=bob", "this connection is missing"]),
    "another address": (setting("feed", path="/feed2"), ["/feed2", "/feed"]),
}

with directory() as tmp:
    golden = os.path.join(tmp, "party.golden")
    first = Party(0).write(os.path.join(tmp, "0.pcap"))
    made = run("snapshot", *party.settings(), first, "-o", golden)
    check("snapshot", made.status == 0 and made.out == b"" and made.err == b"", made)
    text = open(golden, encoding="utf-8").read()
    for volatile in ("10.1.0.", "AAAA", "Sec-WebSocket-Key", "deflate"):
        check(f"the golden does not hold {volatile}", volatile not in text, text)
    check("the golden names the id", text.count("<ROOM-1>") == 3 and text.count("<ROOM-2>") == 3, text)
    pings = 0
    for seed in range(SEEDS):
        capture = Party(seed).write(os.path.join(tmp, f"{seed}.pcap"))
        result = run("check", capture, golden)
        check(f"seed {seed}: the same", result.status == 0 and result.text.count("\n") == 1 and "is the same as" in result.text, result)
        again = run("snapshot", *party.settings(), capture)
        check(f"seed {seed}: the same golden", again.text.split("\n", 3)[3] == text.split("\n", 3)[3], again)
        if seed % 5 == 1:
            result = run("diff", *party.settings(), first, capture)
            check(f"seed {seed}: diff is silent, too", result.status == 0, result)
    for what, (change, words) in CHANGES.items():
        for seed in (100, 101, 102):
            p = Party(seed)
            change(p)
            capture = p.write(os.path.join(tmp, "changed.pcap"))
            result = run("check", capture, golden)
            check(f"{what}, seed {seed}: exit status 1", result.status == 1 and result.err == b"", result)
            for word in words:
                check(f"{what}, seed {seed}: says {word!r}", word in result.text, result)
            pings += result.text.count("packet")
            count = int(result.text.split(" difference")[0].split()[-1])
            check(f"{what}, seed {seed}: no flood", count <= 6, result)
        result = run("diff", *party.settings(), first, capture)
        check(f"{what}: diff sees it, too", result.status == 1, result)
    check("packets are named", pings > 20, pings)

    # The order between the sides matters only when asked for; then another mixture is another session.
    run("snapshot", "--force", "--strict-order", *party.settings(), first, "-o", golden)
    strict = [run("check", os.path.join(tmp, f"{seed}.pcap"), golden).status for seed in range(10)]
    check("--strict-order: the first is itself", strict[0] == 0, strict)
    check("--strict-order: other mixtures are not", strict[1:].count(1) >= 7, strict)
    run("snapshot", "--force", "--frames", *party.settings(), first, "-o", golden)
    frames = [run("check", os.path.join(tmp, f"{seed}.pcap"), golden).status for seed in range(10)]
    check("--frames: fragments matter", frames[0] == 0 and frames[1:] == [1] * 9, frames)
    run("snapshot", "--force", "--no-control", *party.settings(), first, "-o", golden)
    p = Party(7)
    CHANGES["one ping more"][0](p)
    check("--no-control: pings do not matter", run("check", p.write(os.path.join(tmp, "x.pcap")), golden).status == 0)
    run("snapshot", "--force", first, "-o", golden)
    check("without settings the volatile is caught", run("check", os.path.join(tmp, "3.pcap"), golden).status == 1)

done()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings sent again: to servers that say the same, that say something else, and that mean harm."""
import os
import re
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import time

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tool")]
from servers import Gone, Server, certificate, echo, inflating, mirror, payload_of, slowly  # noqa: E402
from toolcheck import BASIC, CAPTURES, SOURCE, TOOL, Result, check, directory, done, environment, private, refused, run  # noqa: E402

SUBPROTOCOL = os.path.join(CAPTURES, "04_subprotocol.pcap")
SOCKETIO = os.path.join(CAPTURES, "08_socketio_websocket.pcap")


def capture(name):
    return os.path.join(CAPTURES, name)


def url(server, path="", scheme="ws", host="127.0.0.1"):
    return f"{scheme}://{host}:{server.port}{path}"


def said(events, conn):
    """What each side said, in its order."""
    told = {"c2s": [], "s2c": []}
    for e in events:
        if e.get("conn") == conn and e["type"] == "message":
            told[e["dir"]].append((e["op"], e.get("text"), e.get("b64")))
        elif e.get("conn") == conn and e["type"] == "close":
            told[e["dir"]].append(("close", e["code"], e["reason"]))
    return told


with directory() as tmp:
    new, golden = os.path.join(tmp, "new.pcap"), os.path.join(tmp, "a.golden")

    # -- the same server: what comes of it is the recording ------------------------------------------
    # Ping and pong are left out of goldens: a timer's ping may come when the client has closed.
    for name, options in (("01_ws_plain_basic.pcap", ()), ("01_ws_plain_burst.pcap", ()), ("01_ws_plain_closes.pcap", ()),
                          ("01_ws_plain_dumpcap.pcapng", ()), ("01_ws_plain_frag.pcap", ()), ("02_pmd_default.pcap", ()),
                          ("02_pmd_no_ctx_server.pcap", ()), ("03_chromium_deflate.pcap", ()), ("03_py_autobahn_client.pcap", ()),
                          ("03_py_websockets_server.pcap", ()), ("04_ipv6.pcap", ()), ("04_subprotocol.pcap", ()),
                          ("05_data_after_close.pcap", ()), ("05_invalid_utf8.pcap", ()), ("09_half_close.pcap", ()),
                          ("06_tls13_keyupdate_dsb.pcapng", ()),
                          ("06_tls13_keyupdate.pcap", ("--keylog", private(capture("06_tls13_keyupdate.keys"), tmp))),
                          ("07_h2c_prior.pcap", ()), ("08_socketio_websocket.pcap", ()), ("08_signalr_msgpack.pcap", ()),
                          ("09_net_reorder.pcap", ()), ("09_fmt.pcap.gz", ())):
        if not os.path.exists(capture(name)) or options and not os.path.exists(options[1]):
            check(f"{name} is there", False)
            continue
        events = run("--json", *options, capture(name)).events()
        conns = [e["conn"] for e in events if e["type"] == "handshake" and e["accepted"]]
        check(f"{name} has connections", conns)
        for conn in conns:
            with Server(mirror([e for e in events if e.get("conn") == conn])) as server:
                result = run("replay", *options, *(["--conn", conn] if len(conns) > 1 else []), capture(name), url(server), "-w", new)
            check(f"{name} #{conn}: replayed", result.status == 0 and result.err == b"" and result.out == b"", result)
            check(f"{name} #{conn}: the server met no fault", server.errors == [], server.errors)
            again = run("--json", new)
            check(f"{name} #{conn}: the same was said", said(again.events(), 1) == said(events, conn), (said(again.events(), 1), said(events, conn)))
            shakes = [[e for e in all_ if e["type"] == "handshake" and e["conn"] == c][0] for all_, c in ((events, conn), (again.events(), 1))]
            for field in ("uri", "origin", "client_protocols", "subprotocol"):
                check(f"{name} #{conn}: {field}", shakes[0][field] == shakes[1][field], shakes)
        if len(conns) == 1 and not any(e["type"] == "handshake" and not e["accepted"] for e in events):
            # What is wrong in a recording is not sent again but for what was said; so the golden has no findings.
            result = run("snapshot", "--no-control", *options, capture(name), "-o", golden, "--force")
            if "error " not in open(golden, encoding="utf-8", errors="replace").read():
                result = run("check", new, golden)
                check(f"{name}: check against the recording's golden", result.status == 0, result)

    # -- what is written ---------------------------------------------------------------------------
    with Server(echo) as server:
        result = run("replay", BASIC, url(server, "/other?x=1"))
        check("text: the usual timeline", result.status == 0 and "GET /other?x=1  101" in result.text
              and "20 messages" in result.text and result.err == b"", result)
        check("the request went to that path", server.heads[-1].startswith(b"GET /other?x=1 HTTP/1.1\r\n"), server.heads)
        check("no extension is offered, no header sent unasked", not re.search(rb"(?i)extensions|user-agent|cookie", server.heads[-1]), server.heads)
        result = run("replay", "-q", "-t", "--max-text", "5", BASIC, url(server))
        check("-q -t --max-text", result.status == 0 and '"Hello' in result.text and not re.search(r"^\d\d:|connection,", result.text, re.M), result)
        result = run("replay", "--json", BASIC, url(server))
        kinds = {e["type"] for e in result.events()}
        check("--json", result.status == 0 and {"meta", "handshake", "frame", "message", "close", "end", "stats"} <= kinds, result)
        check("--json: the source is the URL", result.events("meta")[0]["sources"] == [url(server)], result)
        check("--json: real ports", result.events("handshake")[0]["server_port"] == server.port, result)
        masks = [e["mask_key"] for e in result.events("frame") if e["dir"] == "c2s"]
        check("mask keys are fresh", len(set(masks)) == len(masks), masks)
        out = os.path.join(tmp, "out.json")
        result = run("replay", "--json", "-o", out, "-w", os.path.join(tmp, "new.pcapng"), "--print", BASIC, url(server))
        check("-o and -w --print", result.status == 0 and result.out == b"" and '"type":"stats"' in open(out).read(), result)
        for file, magic in (("new.pcap", b"\x4d\x3c\xb2\xa1"), ("new.pcapng", b"\x0a\x0d\x0d\x0a")):
            check(f"{file}: its format", open(os.path.join(tmp, file), "rb").read(4) in (magic, magic[::-1]))
        lines = {k: run(k, "--json", "--verify-checksums", os.path.join(tmp, "new.pcapng")).text.splitlines()[1:] for k in ("trace",)}
        check("the saved packets tell what was told", lines["trace"] == open(out).read().splitlines()[1:], lines["trace"][:2])
        result = run("replay", "-w", BASIC, BASIC, url(server))
        check("-w over its input", result.status == 2 and "input and output" in result.says, result)

    # -- header lines --------------------------------------------------------------------------------
    def cookies(peer):
        peer.accept()
        while peer.hear()[0] != 8:
            pass
        peer.frame(8, struct.pack(">H", 1000))
    recorded = run("--json", "--headers", "--conn", "1", capture("03_chromium_deflate.pcap")).events("handshake")[0]
    agent = recorded["user_agent"].encode()
    words = ["replay", "--conn", "1", "--timeout", "0.1", capture("03_chromium_deflate.pcap")]
    with Server(cookies) as server:
        run(*words, url(server))
        check("Origin as recorded, and nothing else", recorded["origin"].encode() in server.heads[-1] and agent not in server.heads[-1], server.heads)
        run(*words, "--send-headers", url(server))
        check("--send-headers", b": " + agent in server.heads[-1] and server.heads[-1].lower().count(b"sec-websocket-key") == 1
              and server.heads[-1].lower().count(b"extensions") == 1, server.heads)
        check("Host is the server's", b"Host: 127.0.0.1:%d\r\n" % server.port in server.heads[-1], server.heads)
        run(*words, "--send-headers", "--header", "user-agent: mine", "--header", "Origin:", "--header", "Authorization: Bearer x", url(server))
        check("--header", b"user-agent: mine" in server.heads[-1] and agent not in server.heads[-1] and b"rigin" not in server.heads[-1]
              and b"Authorization: Bearer x" in server.heads[-1], server.heads)

    # -- compression, and frames as recorded -------------------------------------------------------------
    for name in ("02_pmd_default.pcap", "02_pmd_no_ctx_server.pcap", "03_chromium_deflate.pcap", "01_ws_plain_frag.pcap", "01_ws_plain_basic.pcap"):
        events = [e for e in run("--json", capture(name)).events() if e.get("conn") == 1]
        shake = [e for e in events if e["type"] == "handshake"][0]
        sent = [e for e in events if e["type"] == "message" and e["dir"] == "c2s"]
        lengths = [[f["len"] for f in events if f["type"] == "frame" and f["dir"] == "c2s" and f["msg"] == m["msg"]] for m in sent]
        agreed = shake["deflate"] is not None
        says = sum(e["type"] == "message" and e["dir"] == "s2c" for e in events)
        words = ["replay", "--conn", "1", "--timeout", "30", capture(name)]
        for option in ((), ("--fragments",), ("--no-deflate",), ("--no-deflate", "--fragments")):
            for terms, more in ((b"permessage-deflate", {}), (b"permessage-deflate; client_no_context_takeover", {"takeover": False}),
                                (b"permessage-deflate; client_max_window_bits=9", {"bits": 9}),
                                (b"permessage-deflate; client_max_window_bits=8", {"bits": 8}), (b"", {})):
                offers = agreed and "--no-deflate" not in option
                if terms and (not offers or b"bits" in terms and "client_max_window_bits" not in shake["client_extensions"]):
                    continue
                heard, why = [], (name, option, terms)
                with Server(inflating(heard, terms, says=says, **more)) as server:
                    result = run(*words, *option, url(server), "-w", new)
                offered = [line for line in server.heads[-1].split(b"\r\n") if line.lower().startswith(b"sec-websocket-extensions:")]
                check(f"{why}: the server met no fault", server.errors == [] and result.status == 0, (server.errors, result))
                check(f"{why}: the recording's offer, where there was an agreement",
                      offered == ([b"Sec-WebSocket-Extensions: " + shake["client_extensions"].encode()] if offers else []), offered)
                check(f"{why}: the same was said", [h[2] for h in heard] == [payload_of(m) for m in sent], len(heard))
                check(f"{why}: compressed as recorded, where it may be",
                      [h[0] for h in heard] == [bool(m["compressed"] and terms) for m in sent], [h[0] for h in heard])
                check(f"{why}: frames as recorded, when asked",
                      [len(h[1]) for h in heard] == [len(of) if "--fragments" in option else 1 for of in lengths], [h[1] for h in heard])
                if "--fragments" in option and not terms and not any(m["compressed"] for m in sent):
                    check(f"{why}: each as long", [h[1] for h in heard] == lengths, [h[1] for h in heard])
                again = [e for e in run("--json", new).events("message") if e["dir"] == "c2s"]
                check(f"{why}: the saved packets say so, too", [(m["compressed"], m["frames"], payload_of(m)) for m in again]
                      == [(h[0], len(h[1]), h[2]) for h in heard], again)

    # -- refused, and nothing sent -------------------------------------------------------------------
    contacts = []
    with Server(lambda peer: contacts.append(peer)) as server:
        there = url(server)
        refused("no URL", run("replay", BASIC), "a capture and a URL")
        refused("no capture", run("replay"))
        refused("two captures", run("replay", BASIC, BASIC, there), "a capture and a URL")
        refused("http", run("replay", BASIC, "http://a/"), "ws://")
        refused("a fragment", run("replay", BASIC, there + "/#x"), "fragment")
        refused("a password", run("replay", BASIC, "ws://a:b@c/"), "password")
        refused("--timeout 0", run("replay", "--timeout", "0", BASIC, there), "--timeout")
        for value in ("1s", "1.2.3", "1..", "1e3", "0x10", ""):
            refused(f"--timeout {value}", run("replay", "--timeout", value, BASIC, there), f"not '{value}'")
        refused("--pace slow", run("replay", "--pace", "slow", BASIC, there), "--pace")
        refused("a header line that is none", run("replay", "--header", "x", BASIC, there), "Name: value")
        refused("a header line in a header line", run("replay", "--header", "x: y\r\nz: a", BASIC, there), "control characters")
        refused("the handshake's own line", run("replay", "--header", "Sec-WebSocket-Key: x", BASIC, there), "handshake's own")
        refused("no such capture", run("replay", tmp + "/none.pcap", there), "none.pcap")
        refused("no capture", run("replay", os.path.join(SOURCE, "README.md"), there), "README.md")
        refused("several connections", run("replay", SUBPROTOCOL, there), "3 connections", "#1 /chat", "--conn")
        refused("a connection that is not there", run("replay", "--conn", "9", SUBPROTOCOL, there), "#9")
        refused("one that was refused", run("replay", "--conn", "1", capture("04_real_failures.pcap"), there), "401")
        refused("no WebSocket at all", run("replay", capture("06_tls13_aes128gcm.pcap"), there), "no WebSocket connection")
        refused("joined late", run("replay", "--conn", "1", capture("09_snap96.pcap"), there), "beginning", "--skip-uncertain")
        refused("joined late, and no path", run("replay", "--skip-uncertain", "--conn", "1", capture("09_snap96.pcap"), there).__class__(
            2, b"", run("replay", "--skip-uncertain", "--conn", "1", capture("09_snap96.pcap"), there).err.splitlines(True)[-1]), "give a path")
        refused("a message that is not whole", run("replay", capture("05_deflate_garbage.pcap"), there), "message 2 (text)", "packet 10")
        refused("a capture cut short", run("replay", capture("made_damaged.pcap"), there), "truncated")
    check("nobody was connected to", contacts == [], contacts)

    with Server(echo) as server:
        result = run("replay", "--skip-uncertain", "--conn", "1", capture("09_snap96.pcap"), url(server, "/x"), "--timeout", "0.3", "--json")
        whole = [e for e in run("--json", "--conn", "1", capture("09_snap96.pcap")).events("message") if e["dir"] == "c2s" and e["certain"] and not e["omitted"]]
        sent = [e for e in result.events("message") if e["dir"] == "c2s"]
        check("--skip-uncertain: what is whole is sent", whole and [e.get("text") for e in sent] == [e.get("text") for e in whole], result)
        check("--skip-uncertain: says so", "left out" in result.says and "packet" in result.says, result)

    # -- servers that do otherwise -------------------------------------------------------------------
    def without(n):
        """Echoes all but the n-th message."""
        def handler(peer):
            peer.accept()
            count = 0
            while True:
                opcode, payload = peer.hear()
                count += opcode in (1, 2)
                if opcode == 8:
                    peer.frame(8, payload)
                    return
                if opcode in (1, 2) and count != n:
                    peer.frame(opcode, payload)
        return handler

    def answering(text):
        def handler(peer):
            peer.request()
            peer.write(text)
            peer.drain()
        return handler

    def accepted_then(*frames, end=None):
        def handler(peer):
            peer.accept()
            for frame in frames:
                peer.frame(*frame)
            if end == "reset":
                peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif end != "fin":
                if end == "last breath":  # and reads on: a reset could overtake the answer
                    peer.sock.shutdown(socket.SHUT_WR)
                peer.drain()
        return handler

    def silent(peer):
        peer.drain()

    def bytewise(peer):
        """All that an echo says, a byte at a time."""
        whole, peer.write = peer.write, lambda data: slowly(type("Raw", (), {"write": staticmethod(whole)}), data)
        echo(peer)

    def masked(peer):
        peer.accept()
        while True:
            opcode, payload = peer.hear()
            peer.frame(opcode, payload, mask=b"\1\2\3\4")
            if opcode == 8:
                return

    def flood(peer):
        peer.accept()
        data = (b"\x81\x7e\x40\x00" + b"x" * 16384) * 16
        try:
            while True:
                peer.write(data)
        except Gone:
            pass

    def pings(peer):
        peer.accept()
        try:
            while True:
                peer.write((b"\x89\x7d" + b"p" * 125) * 100)
        except Gone:
            pass

    def endless(peer):
        peer.accept()
        peer.write(b"\x82\x7f" + struct.pack(">Q", 1 << 40))
        try:
            while True:
                peer.write(b"x" * (1 << 20))
        except Gone:
            pass

    def deaf(peer):
        """Takes nothing: reads the request, then never again."""
        peer.accept()
        time.sleep(4)

    CHAT = capture("04_ipv6.pcap")
    for name, handler, status, word in (
            ("an echo, byte by byte", bytewise, 0, ""),
            ("frames that are masked", masked, 0, ""),
            ("a 404", answering(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno"), 1, "answered 404 Not Found, not 101"),
            ("a 401", answering(b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n"), 1, "401 Unauthorized"),
            ("a redirection", answering(b"HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), 1, "302"),
            ("a phrase that wants to be obeyed", answering(b"HTTP/1.1 404 \x1b[2J\r\nContent-Length: 0\r\n\r\n"), 1, "404"),
            ("a 101 of somebody else", answering(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                                                 b"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"), 1, "Accept"),
            ("no HTTP", answering(b"220 smtp.example ESMTP\r\n"), 1, ""),
            ("a head without an end", answering(b"HTTP/1.1 101 Switching Protocols\r\nX: " + b"x" * 100000), 1, ""),
            ("frames and no answer", answering(b"\x81\x05Hello" * 100), 1, ""),
            ("silence", silent, 1, "did not answer the handshake within 0.5 s"),
            ("an early end", lambda peer: None, 1, "without an answer to the handshake"),
            ("an end behind the request", lambda peer: peer.request(), 1, "without an answer to the handshake"),
            ("an end behind the handshake", accepted_then(end="fin"), 1, "the connection before step"),
            ("a reset", accepted_then(end="reset"), 1, "the connection before step"),
            ("a close at once", accepted_then((8, struct.pack(">H", 1013) + b"later")), 1, "closed with 1013 before step "),
            ("silence behind the handshake", accepted_then(), 1, "of the server in vain: it had said 0"),
            ("one message that is missing", without(1), 1, "of the server in vain"),
            ("half a frame", accepted_then((1, b"half"), (1, b"x", None, False)), 1, ""),
            ("reserved bits and opcodes", accepted_then((1, b"x", None, True, 7), (11, b"x"), (15, b"")), 1, ""),
            ("a flood", flood, None, ""),
            ("a storm of pings", pings, 1, "in vain"),
            ("a message without an end", endless, 1, "in vain")):
        with Server(handler) as server:
            began = time.monotonic()
            result = run("replay", "--timeout", "0.5", CHAT, url(server), "-w", new)
            took = time.monotonic() - began
            told = run("--op", "close", "-q", "-o", os.devnull, new)
        check(f"{name}: exit status", result.status == status or status is None and result.status in (0, 1), result)
        check(f"{name}: says {word!r}", word in result.says and result.says.count("\n") == (1 if result.status else 0), result)
        check(f"{name}: nothing on standard output, nothing to obey", result.out == b"" and "\x1b" not in result.says, result)
        check(f"{name}: is over in time", took < 20, took)
        check(f"{name}: leaves a capture that can be read", told.status == 0, told)
        check(f"{name}: the server met no fault of ours", server.errors == [], server.errors)
        check(f"{name}: ended before it was large", os.path.getsize(new) < 1 << 30, os.path.getsize(new))

    # An answer that a client has to fail the connection for (RFC 6455 section 4.1, RFC 7692 section 5.1).
    EXTENSION = b"Sec-WebSocket-Extensions: "
    PMD = EXTENSION + b"permessage-deflate"
    UPGRADE = b"Upgrade: websocket"
    for name, answer, word in (
            ("03_chromium_deflate.pcap", PMD + b"; client_max_window_bits=7", "client_max_window_bits is not 8 to 15"),
            ("03_chromium_deflate.pcap", PMD + b"; level=9", "a parameter that RFC 7692 does not know"),
            ("03_chromium_deflate.pcap", PMD + b", permessage-deflate", "permessage-deflate 2 times"),
            ("03_chromium_deflate.pcap", EXTENSION + b"x-brotli", "x-brotli, which was not offered"),
            ("04_ipv6.pcap", PMD, "permessage-deflate, which was not offered"),
            ("02_pmd_default.pcap", PMD + b"; server_max_window_bits=9; server_max_window_bits=9", "a parameter is there twice"),
            ("04_ipv6.pcap", b"Sec-WebSocket-Protocol: chat", '"chat", which was not offered'),
            ("04_subprotocol.pcap", b"Sec-WebSocket-Protocol: other", '"other", which was not offered'),
            ("04_subprotocol.pcap", b"Sec-WebSocket-Protocol: chat, superchat", '"chat, superchat"'),
            ("04_ipv6.pcap", UPGRADE, "Connection is"),
            ("04_ipv6.pcap", b"Connection: Upgrade", "Upgrade is"),
            ("04_ipv6.pcap", b"Upgrade: h2c\r\nConnection: Upgrade", "Upgrade is \"h2c\""),
            ("04_subprotocol.pcap", b"Sec-WebSocket-Protocol: chat", ""),
            ("04_subprotocol.pcap", b"", ""),  # whether it goes on without one is the client's affair
            ("03_chromium_deflate.pcap", PMD, ""),
            ("04_ipv6.pcap", b"", "")):
        heard = []

        def unfit(peer):
            if answer.startswith((UPGRADE, b"Connection", b"Upgrade")):
                peer.accept(upgrade=answer + b"\r\n")
            else:
                peer.accept(answer + b"\r\n" if answer else b"")
            heard.append(peer.hear_frame())
            peer.drain()
        with Server(unfit) as server:
            result = run("replay", "--conn", "1", "--timeout", "0.5", capture(name), url(server), "-w", new)
        check(f"{answer}: fails the connection, and sends no frame", (heard == []) == bool(word), heard)
        check(f"{answer}: says why", word in result.says and ("a client has to fail" in result.says) == bool(word), result)
        check(f"{answer}: exit status", result.status == 1, result)

    with Server(deaf) as server:
        big = run("replay", "--timeout", "0.5", capture("02_pmd_bomb.pcap"), url(server), "--max-message", "600M", "-q")
        check("who takes nothing is not waited for", big.status in (1, 2) and big.says, big)

    with Server(accepted_then((8, struct.pack(">H", 4000)), end="last breath")) as server:
        result = run("replay", "--json", CHAT, url(server), "--timeout", "0.5")
        closes = [(e["dir"], e["code"]) for e in result.events("close")]
        check("a close in the last breath is answered", closes[:2] == [("s2c", 4000), ("c2s", 4000)], closes)

    def pinging(peer):
        peer.accept()
        for payload in (b"a", b"", b"x" * 125):
            peer.frame(9, payload)
            while peer.hear() != (10, payload):
                pass
        raise Gone
    with Server(pinging) as server:
        run("replay", capture("03_py_websockets_server.pcap"), url(server), "--timeout", "0.5")
        check("pings are answered with what was in them", server.errors == [], server.errors)

    # -- the step that waited -----------------------------------------------------------------------
    with Server(without(2)) as server:
        result = run("replay", "--timeout", "0.3", "--json", SOCKETIO, url(server))
        check("which step waited, for what, where in the recording",
              result.status == 1 and re.search(r"step \d+ of \d+ \((text|binary|ping|close), \d+ bytes?, packet \d+ of the recording\) waited 0.3 s for "
                                               r"message \d+ of the server in vain: it had said \d+", result.says), result)
        check("and the rest went on behind it", len([e for e in result.events("message") if e["dir"] == "c2s"]) == 14
              or len(result.events("close")) >= 1, result)

    # -- pace -------------------------------------------------------------------------------------------
    events = [e for e in run("--json", SOCKETIO).events() if e.get("conn") == 1]
    with Server(mirror(events)) as server:
        began = time.monotonic()
        fast = run("replay", SOCKETIO, url(server), "-q", "--apps")
        check("what rides on it is told as ever", "Socket.IO" in fast.text or "hello" in fast.text, fast)
        between = time.monotonic()
        slow = run("replay", "--pace", "recorded", "--json", SOCKETIO, url(server))
        check("fast, and at the recorded pace", fast.status == slow.status == 0 and time.monotonic() - between > 0.8, (fast, slow, time.monotonic() - between))

        def stamps(all_):
            return [float(e["ts"][17:-1]) for e in all_ if e["type"] == "message" and e["dir"] == "c2s"]
        old, new_ = stamps(events), stamps(slow.events())
        gaps = [((b - a) % 60, (d - c) % 60) for a, b, c, d in zip(old, old[1:], new_, new_[1:])]
        check("no distance is shorter than the recorded one", gaps and all(n >= o - 0.002 for o, n in gaps), gaps)

    # -- IPv6, names, nobody there ---------------------------------------------------------------------
    try:
        server = Server(echo, socket.AF_INET6)
    except OSError:
        print("no IPv6 on this machine")
    else:
        with server:
            result = run("replay", "--json", BASIC, f"ws://[::1]:{server.port}/x")
            shake = result.events("handshake")[0]
            check("IPv6", result.status == 0 and shake["server_ip"] == shake["client_ip"] == "::1" and shake["host"] == f"[::1]:{server.port}", result)
    with Server(echo) as server:
        result = run("replay", "--json", BASIC, url(server, host="localhost"))
        check("a name, whatever addresses it has besides", result.status == 0 and result.events("handshake")[0]["server_ip"] == "127.0.0.1", result)
        port = server.port
    refused("nobody listens", run("replay", "-q", BASIC, f"ws://127.0.0.1:{port}"), "refused")
    refused("a name that is none", run("replay", "-q", BASIC, "ws://no-such-host.invalid/", timeout=120), "no-such-host.invalid")

    # -- wss ---------------------------------------------------------------------------------------------
    made = certificate(tmp, subprocess.run)
    if made is None:
        print("no openssl: wss is left out")
    else:
        cert, context = made
        trusting = environment(SSL_CERT_FILE=cert)
        with Server(echo, tls=context) as server:
            there = url(server, "", "wss")
            refused("a certificate of nobody", run("replay", "-q", BASIC, there), "not trusted", "--insecure")
            result = run("replay", "--json", "--insecure", BASIC, there, "-w", new, "--print")
            check("--insecure", result.status == 0 and len(result.events("message")) == 20, result)
            check("what is saved is plaintext", b"Hello, WebSocket 1" in open(new, "rb").read() or b"101 Switching" in open(new, "rb").read())
            for host in ("127.0.0.1", "localhost"):
                result = run("replay", "-q", BASIC, url(server, "", "wss", host), env=trusting)
                check(f"trusted by SSL_CERT_FILE, as {host}", result.status == 0, result)
            os.mkdir(tmp + "/certs")
            os.link(cert, tmp + "/certs/own.pem")
            result = run("replay", "-q", BASIC, there, env=environment(SSL_CERT_DIR=tmp + "/certs"))
            check("trusted by SSL_CERT_DIR", result.status == 0, result)
            refused("plain text to a server of TLS", Result(2, b"", run("replay", "-q", "--timeout", "0.5", BASIC, url(server)).err), "wstrace")
        with Server(echo, tls=certificate(tmp, subprocess.run, "DNS:other.example")[1]) as server:
            refused("the certificate of another name", run("replay", "-q", BASIC, url(server, "", "wss", "localhost"), env=trusting), "not trusted", "ostname")
            refused("the certificate of another address", run("replay", "-q", BASIC, url(server, "", "wss"), env=trusting), "not trusted", "IP address")
        names = []

        def named(sock, name, _):
            names.append(name)
        cert, context = certificate(tmp, subprocess.run)
        context.sni_callback = named
        with Server(mirror([e for e in run("--json", SOCKETIO).events() if e.get("conn") == 1]), tls=context) as server:
            result = run("replay", SOCKETIO, url(server, "", "wss", "localhost"), "-w", new, env=trusting)
            run("snapshot", SOCKETIO, "-o", golden, "--force")
            result = run("check", new, golden)
            check("wss: check against the recording's golden", result.status == 0, result)
        check("the server is named in the hello", names == ["localhost"], names)
        with Server(silent) as server:
            refused("a server that does not go on with the handshake", run("replay", "-q", "--timeout", "0.4", BASIC, url(server, "", "wss")), "TLS")
        with Server(lambda peer: peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as server:
            refused("a server without TLS", run("replay", "-q", BASIC, url(server, "", "wss")), "TLS")
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        old.load_cert_chain(cert, tmp + "/key.pem")
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        with Server(echo, tls=old) as server:
            check("TLS 1.2", run("replay", "-q", BASIC, url(server, "", "wss"), env=trusting).status == 0)

    # -- servers that others wrote -------------------------------------------------------------------
    def spoken_to(name, process):
        """The process has printed its port; it echoes."""
        line = process.stdout.readline()
        try:
            if not line.strip().isdigit():
                print(f"no {name}: left out")
                return
            for name_ in (BASIC, SOCKETIO):
                result = run("replay", "--json", "--timeout", "2", name_, f"ws://127.0.0.1:{int(line)}")
                sent = [(e["op"], e.get("text"), e.get("b64")) for e in run("--json", name_).events("message") if e["dir"] == "c2s"]
                told = said(result.events(), 1)
                # What it had not sent yet when it heard the close stays unsaid.
                echoed = [m for m in told["s2c"] if m[0] != "close"]
                check(f"{name}: an echo of {os.path.basename(name_)}", echoed == sent[:len(echoed)] and len(echoed) > len(sent) // 2, result)
                check(f"{name}: no finding of level error or warning", all(e["level"] == "note" for e in result.events("problem")), result.events("problem"))
                if name_ == BASIC:
                    check(f"{name}: exit status 0", result.status == 0, result)
        finally:
            process.kill()
            process.communicate()

    spoken_to("websockets", subprocess.Popen([sys.executable, "-c", """
import asyncio, websockets
async def echo(ws, path=None):
    async for message in ws: await ws.send(message)
async def main():
    server = await websockets.serve(echo, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Future()
asyncio.run(main())"""], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))
    if shutil.which("node"):
        spoken_to("ws of node", subprocess.Popen(["node", "-e", """
const server = new (require("ws").WebSocketServer)({port: 0, host: "127.0.0.1"}, () => console.log(server.address().port));
server.on("connection", (s) => s.on("message", (data, binary) => s.send(data, {binary})));"""],
            env=environment(NODE_PATH=os.path.join(SOURCE, "build", "peers", "node_modules")), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL))

    # -- standard input -----------------------------------------------------------------------------
    with Server(echo) as server:
        result = run("replay", "-q", "-", url(server), stdin=None, data=open(BASIC, "rb").read())
        check("a recording from standard input", result.status == 0 and "Hello, WebSocket 1" in result.text, result)

    # -- signals -------------------------------------------------------------------------------------------
    for moment, handler in (("in the handshake", silent), ("while a step waits", accepted_then())):
        with Server(handler) as server:
            process = subprocess.Popen([TOOL, "replay", "--timeout", "60", CHAT, url(server), "-w", new, "--print"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=environment(), cwd=SOURCE)
            end = time.monotonic() + 20
            while not server.threads and time.monotonic() < end:
                time.sleep(0.05)
            time.sleep(0.7)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            check(f"SIGINT {moment}: what there is, exit status 1", process.returncode == 1 and b"cut short" in err and b"TCP connection" in out, (process.returncode, out, err))
            check(f"SIGINT {moment}: the packets are saved", run(new).status == 0)

done()

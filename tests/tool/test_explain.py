#!/usr/bin/env python3
"""explain: the RFCs' examples as the RFCs print them, captures, typed bytes, what is refused.

The words of RFC 6455 sections 1.3, 5.2, 5.7 and RFC 7692 section 7.2.3 are written out here; what
the tool says is held against them, not against what it said yesterday.
"""

import glob
import hashlib
import base64
import json
import os
import re
import subprocess
import sys

from toolcheck import BASIC, CAPTURES, DEFLATE, SOURCE, TOOL, check, directory, done, on_terminal, refused, run


def explain(*args, **more):
    return run("explain", *args, **more)


def data(*args, **more):
    got = explain("--json", *args, **more)
    check(f"{args}: exit status 0", got.status == 0, got)
    return [json.loads(line) for line in got.text.splitlines()]


def without(capture, packets, to):
    """The same pcap without these packets, counted from 1."""
    with open(capture, "rb") as file:
        old = file.read()
    new, at, n = old[:24], 24, 0
    while at < len(old):
        n, end = n + 1, at + 16 + int.from_bytes(old[at + 8:at + 12], "little")
        new, at = new + (b"" if n in packets else old[at:end]), end
    with open(to, "wb") as file:
        file.write(new)
    return to


def fields(frame):
    return {f["field"]: f["value"] for f in frame["fields"]}


# -- RFC 6455 section 5.7 -----------------------------------------------------------------------------
# (bytes, per frame: FIN, opcode, MASK, payload length; what the payload says)

RFC_5_7 = [
    ("0x81 0x05 0x48 0x65 0x6c 0x6c 0x6f", [(1, 1, 0, 5, "Hello")]),
    ("0x81 0x85 0x37 0xfa 0x21 0x3d 0x7f 0x9f 0x4d 0x51 0x58", [(1, 1, 1, 5, "Hello")]),
    ("0x01 0x03 0x48 0x65 0x6c", [(0, 1, 0, 3, "Hel")]),
    ("0x80 0x02 0x6c 0x6f", [(1, 0, 0, 2, None)]),
    ("0x01 0x03 0x48 0x65 0x6c\n0x80 0x02 0x6c 0x6f", [(0, 1, 0, 3, "Hel"), (1, 0, 0, 2, "lo")]),
    ("0x89 0x05 0x48 0x65 0x6c 0x6c 0x6f", [(1, 9, 0, 5, "Hello")]),
    ("0x8a 0x85 0x37 0xfa 0x21 0x3d 0x7f 0x9f 0x4d 0x51 0x58", [(1, 10, 1, 5, "Hello")]),
    ("0x82 0x7E 0x0100 " + "00" * 256, [(1, 2, 0, 256, None)]),
    ("0x82 0x7F 0x0000000000010000 " + "00" * 65536, [(1, 2, 0, 65536, None)]),
]
for text, expected in RFC_5_7:
    frames = data("--hex", "-", data=text.encode())
    check(f"{text[:40]}: as many frames", len(frames) == len(expected), frames)
    for frame, (fin, opcode, mask, length, says) in zip(frames, expected):
        f = fields(frame)
        check(f"{text[:40]}: FIN", f["fin"] == fin, f)
        check(f"{text[:40]}: opcode", f["opcode"] == opcode, f)
        check(f"{text[:40]}: MASK", f["mask"] == mask, f)
        check(f"{text[:40]}: length", f.get("extended_payload_length", f["payload_len"]) == length, f)
        if length > 125:
            check(f"{text[:40]}: how it is written", f["payload_len"] == (126 if length < 65536 else 127), f)
        if says:
            check(f"{text[:40]}: says {says}", frame.get("payload_text") == says, frame)
        check(f"{text[:40]}: nothing wrong", all(x["verdict"] == "" for x in frame["fields"]), frame)

# The figure, whole: a single-frame masked text message, row by row as section 5.2 draws it.
FIGURE = """\
  0                   1                   2                   3
  0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 +-+-+-+-+-------+-+-------------+-------------------------------+
 |F|R|R|R|opcode |M| Payload len |          Masking-key          |
 |I|S|S|S|  (4)  |A|     (7)     |          (MASK is 1)          |
 |N|V|V|V|       |S|             |                               |
 | |1|2|3|       |K|             |                               |
 |1|0|0|0|0 0 0 1|1|0 0 0 0 1 0 1|0 0 1 1 0 1 1 1 1 1 1 1 1 0 1 0|  81 85 37 fa
 +-+-+-+-+-------+-+-------------+-------------------------------+
 |    Masking-key (continued)    |         Payload Data          |
 |0 0 1 0 0 0 0 1 0 0 1 1 1 1 0 1|0 1 1 1 1 1 1 1 1 0 0 1 1 1 1 1|  21 3d 7f 9f
 +-------------------------------+---------------+---------------+
 |            Payload Data continued             |
 |0 1 0 0 1 1 0 1 0 1 0 1 0 0 0 1 0 1 0 1 1 0 0 0|                  4d 51 58
 +-----------------------------------------------+
"""
hello = explain("--hex", "81 85 37 fa 21 3d 7f 9f 4d 51 58")
check("the figure of a masked Hello", FIGURE in hello.text, hello)
check("unmasked letter by letter",
      re.findall(r"0\d{3} \d{4} +(\S\S) +(\S)$", hello.text.split("Unmasking")[1], re.M)
      == [("48", "H"), ("65", "e"), ("6c", "l"), ("6c", "l"), ("6f", "o")], hello)

# Every figure is the frame: the bits drawn, in order, are the bytes.
for text, _ in RFC_5_7:
    for part in explain("--hex", "-", data=text.encode()).text.split("\n\nFields")[:-1]:
        rows = re.findall(r"^ \|([01 |]+)\|\s+((?: ?[0-9a-f]{2})+)$", part, re.M)
        for bits, byte in rows:
            drawn = re.sub(r"[ |]", "", bits)
            check("a row's bits are its bytes", int(drawn, 2) == int(byte.replace(" ", ""), 16), (bits, byte))
        check("the figure is there", rows, part)

# -- RFC 7692 section 7.2.3 ---------------------------------------------------------------------------

RFC_7692 = [
    ("c1 07 f2 48 cd c9 c9 07 00", ["Hello"]),
    ("41 03 f2 48 cd 80 04 c9 c9 07 00", ["He", "Hello"]),
    ("c1 07 f2 48 cd c9 c9 07 00 c1 05 f2 00 11 00 00", ["Hello", "Hello"]),
    ("c1 0b 00 05 00 fa ff 48 65 6c 6c 6f 00", ["Hello"]),
    ("c1 08 f3 48 cd c9 c9 07 00 00", ["Hello"]),
    ("c1 0d f2 48 05 00 00 00 ff ff ca c9 c9 07 00", ["Hello"]),
]
for text, says in RFC_7692:
    frames = data("--hex", text)
    got = [f["inflating"].get("inflated_text") for f in frames]
    check(f"{text}: {says}", got == says, got)
window = data("--hex", RFC_7692[2][0])[1]["inflating"]["steps"]
match = [s for s in window if s["kind"] == "match"]
check("the second Hello repeats the first", len(match) == 1 and match[0]["length"] == 4
      and match[0]["distance"] == 5 and match[0]["from_msg"] == 1 and "ello" in match[0]["text"], window)

# -- RFC 6455 section 1.3 -----------------------------------------------------------------------------

shake = data(os.path.join(CAPTURES, "05_rfc6455_examples.pcap"), "1", "--base64")[0]
accept = shake["accept"]
key = accept["key"]
digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
check("the GUID", accept["guid"] == "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", accept)
check("SHA-1", bytes.fromhex(accept["sha1"].replace(" ", "")) == digest, accept)
check("base64", accept["base64"] == base64.b64encode(digest).decode() == accept["server"], accept)
check("the key's bytes", bytes.fromhex(shake["key_bytes"].replace(" ", "")) == base64.b64decode(key), shake)
walked = b"".join(bytes.fromhex(r["bytes"].replace(" ", "")) for r in shake["key_base64"])
# As section 1.3 prints it.
check("RFC 6455 section 1.3", key == "dGhlIHNhbXBsZSBub25jZQ==" and accept["server"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
      and accept["concatenation"] == "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
      and " ".join("0x" + b for b in accept["sha1"].split())
      == "0xb3 0x7a 0x4f 0x2c 0xc0 0x62 0x4f 0x16 0x90 0xf6 0x46 0x06 0xcf 0x38 0x59 0x45 0xb2 0xbe 0xc4 0xea"
      and accept["right"] is True, accept)
check("the base64 walk", walked == base64.b64decode(key), shake)

# -- every shipped capture: fits, speaks to no terminal, is data ----------------------------------------

documented = set(re.findall(r"`([a-z_0-9]+)`", open(os.path.join(SOURCE, "docs", "EXPLAIN.md"), encoding="utf-8").read()))


def keys(value):
    if isinstance(value, dict):
        return set(value).union(*(keys(v) for v in value.values()))
    return set().union(*(keys(v) for v in value)) if isinstance(value, list) else set()


shipped = sorted(glob.glob(os.path.join(CAPTURES, "*.pcap*")) + glob.glob(os.path.join(CAPTURES, "peers", "*.pcap")))
for name in [n for i, n in enumerate(shipped) if i % 3 == 0 or "hostile" in n or "examples" in n]:
    listed = explain("--json", name)
    if "damaged" in name:
        continue
    check(f"{name}: listed", listed.status == 0, listed)
    wide = [l for l in explain(name).text.splitlines() if len(l) > 80 and l.isascii()]
    check(f"{name}: the list fits 80 columns", not wide, wide[:2])
    for conn in json.loads(listed.text)["connections"][:1]:
        n = conn["explain"]
        for args in ([n], [n, "--close"], [f"{n}.1-{n}.6", "--utf8"]):
            if args[0] != n and not conn["frames_n"]:
                continue
            got = explain(name, *args, "--base64") if args == [n] else explain(name, *args)
            check(f"{name} {args}: exit status 0", got.status == 0, got)
            wide = [l for l in got.text.splitlines() if len(l) > 80 and l.isascii()]
            check(f"{name} {args}: fits 80 columns", not wide, wide[:2])
            check(f"{name} {args}: nothing for a terminal to obey",
                  not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", got.text), got)
            for line in explain("--json", name, *args).text.splitlines():
                unknown = keys(json.loads(line)) - documented
                check(f"{name} {args}: docs/EXPLAIN.md has every key", not unknown, unknown)

# -- frames of a capture --------------------------------------------------------------------------------

events = {e["n"]: e for e in run("--json", BASIC).events("frame")}
for frame in data(BASIC, "1.1-1.32"):
    e, f = events[frame["n"]], fields(frame)
    for name in ("fin", "rsv1", "rsv2", "rsv3"):
        check(f"1.{e['n']}: {name}", f[name] == int(e[name]), frame)
    check(f"1.{e['n']}: opcode, length", f["opcode"] == e["opcode"]
          and f.get("extended_payload_length", f["payload_len"]) == e["len"], frame)
    check(f"1.{e['n']}: key", not e["masked"] or
          [x for x in frame["fields"] if x["field"] == "masking_key"][0]["hex"] == e["mask_key"], frame)
    check(f"1.{e['n']}: header bytes", len(frame["header"]) == e["header_len"], frame)
    check(f"1.{e['n']}: its segments are whole", sum(s["n"] for s in frame["segments"]) == e["header_len"] + e["len"], frame)
    check(f"1.{e['n']}: and end in its packet", frame["segments"][-1]["pkt"] == e["pkt"] == frame["pkt"], frame)

ranges = [[f["n"] for f in data(BASIC, word)] for word in ("1.3", "1.3-1.5", "1.3-5")]
check("ranges", ranges == [[3], [3, 4, 5], [3, 4, 5]], ranges)
pkt = events[3]["pkt"]
check("--pkt", [f["n"] for f in data(BASIC, "--pkt", str(pkt))] == [n for n, e in events.items() if e["pkt"] == pkt])
with open(BASIC, "rb") as file:
    check("from standard input", explain("-", "1.3", stdin=file).out == explain(BASIC, "1.3").out)

# What is enough ends the reading: a capture that never ends need not be waited for.
for args, kind in (["1"], "handshake"), (["1.1-1.2"], "frame"):
    endless = subprocess.Popen([TOOL, "explain", "--json", "-", *args], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with open(BASIC, "rb") as file:
        endless.stdin.write(file.read()[:3000])
        endless.stdin.flush()
    said = endless.stdout.read()  # ends when the tool does
    check(f"{args} of a pipe that stays open", endless.wait(60) == 0
          and all(json.loads(line)["type"] == kind for line in said.splitlines()) and said, said)
    endless.stdin.close()
check("an ending is waited for", data(BASIC, "1", "1.1", "--close")[-1]["type"] == "closing")

unmask = data(BASIC, "1.1", "--all")[0]["unmasking"]
plain = "".join(chr(int(r["result"], 16)) for r in unmask)
check("unmasking: the sum is right", all(int(r["wire"], 16) ^ int(r["key"], 16) == int(r["result"], 16) for r in unmask), unmask)
message = run("--json", BASIC).events("message")[0]
check("unmasking: the text", plain == message["text"], (plain, message))

few, every = explain(DEFLATE, "1.15"), explain(DEFLATE, "1.15", "--all")
check("--all shows every byte", "more; --all shows them" in few.text and "--all" not in every.text, every)

wrong = explain(os.path.join(CAPTURES, "05_unmasked_client.pcap"), "1.1-1.3")
check("a broken rule is named at its field", "wrong: a client must mask every frame" in re.sub(r"\s+", " ", wrong.text), wrong)
check("and the finding stands under it", "frame.unmasked-client" in wrong.text, wrong)
beast = os.path.join(CAPTURES, "03_beast.pcap")
told = [json.loads(line)["detail"] for line in run("--json", beast).text.splitlines() if '"type":"problem"' in line]
check("a finding's words are those of a trace", data(beast, "1")[0]["findings"][0]["detail"] == told[0] and '"permessage' in told[0], told)

ending = data(BASIC, "1", "--close")[0]
check("the ending: close frames and TCP", [r["what"] for r in ending["closing"]][:2] == ["close frame"] * 2
      and any("FIN" in r["what"] for r in ending["closing"]), ending)
check("the ending: verdict", ending["verdict"].startswith("clean: the client closed first"), ending)

check("the ending: code as a number", [r["code"] for r in ending["closing"][:3]] == [1000, 1000, None] and ending["clean"], ending)

closes, failed = os.path.join(CAPTURES, "01_ws_plain_closes.pcap"), os.path.join(CAPTURES, "04_real_failures.pcap")
check("endings in the order of the command line", [e["conn"] for e in data(closes, "13", "2", "--close")] == [13, 2])
for capture, conn, tcp, words in ((closes, "14", "rst", "nobody sent a close frame"), (closes, "12", "fin", "1006"),
                                  (failed, "6", "eof", "not told: the capture ends"), (failed, "1", "open", "no WebSocket connection: the handshake was refused with 401"),
                                  (os.path.join(CAPTURES, "05_control_over_125.pcap"), "1", "fin", "left no time to answer"),
                                  (os.path.join(CAPTURES, "03_jetty.pcap"), "3", "rst", "the client had ended by then"),
                                  (os.path.join(CAPTURES, "03_jetty.pcap"), "4", "rst", "the server had ended by then")):
    end = data(capture, conn, "--close")[0]
    check(f"{capture} {conn}: {words}", words in end["verdict"] and end["tcp"] == tcp and not end["clean"], end)

# Packets of a capture with holes, without those of the client's close frame, the server's, or both: nobody failed to
# send one. (The last is a connection whose client's bytes were never captured.)
lossy = os.path.join(CAPTURES, "09_capture_loss_one.pcap")
with directory() as where:
    for lost, words in (((318,), "the server sent a close frame, and what came of it was not captured"),
                        ((319,), "the client sent a close frame, and what came of it was not captured"),
                        ((318, 319), "no close frame was found")):
        left = without(lossy, lost, os.path.join(where, "left.pcap"))
        end = data(left, "1", "--close")[0]
        check(f"without packets {lost}", end["verdict"].startswith("not told: " + words) and not end["clean"], end)
end = data(os.path.join(CAPTURES, "09_oneway_s2c.pcap"), "1", "--close")[0]
check("one direction captured: not the capture's end", "no answer is in the capture" in end["verdict"], end)
text = run("explain", failed, "1", "--close").text
check("of one refused nothing is said to be unknown that stands above", "FIN ACK" in text and "not told" not in text, text)

sys.path.insert(0, os.path.join(CAPTURES, "scripts"))
import wire  # noqa: E402

# Header lines: why they are there, and what is wrong with them.
for conn, part, line, words in (("6", "request", "Sec-WebSocket-Version: 8", "wrong: 13"), ("5", "request", "Connection: Upgrade", "proxies"),
                                ("1", "response", "Connection: close", "about HTTP"), ("3", "response", "Retry-After: 1", "ask again"),
                                ("4", "response", "Location: /chat", "where to ask"), ("5", "response", "Upgrade: websocket", "agrees")):
    why = {r["line"]: r["why"] for r in data(failed, conn)[0][part]}
    check(f"{conn} {line}", words in (why.get(line) or ""), why)
with directory() as tmp:
    for request, words, more in (("POST / HTTP/1.1", "must be GET", []), ("Connection: keep-alive", "must name Upgrade", []),
                                 ("Upgrade: h2c", "must name websocket", []),
                                 ("Connection: close", "one list", ["connection:Upgrade"]),
                                 ("Connection: close", "must name Upgrade", ["X-Connection: Upgrade", "Connection: upgrades"]),
                                 ("Upgrade: h2c", "one list", ["Upgrade: WebSocket"])):
        name = request.split()[0]
        w = wire.Wire()
        session = wire.Session(w).open()
        head = ["GET / HTTP/1.1", "Host: x", "Upgrade: websocket", "Connection: keep-alive, UPGRADE",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13"]
        head = [request if h.split()[0] == name or (name == "POST" and h.startswith("GET")) else h for h in head] + more
        session.write(wire.C2S, ("\r\n".join(head) + "\r\n\r\n").encode())
        session.write(wire.S2C, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                      b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
        session.write(wire.S2C, wire.Frame(wire.TEXT, b"hello").bytes())
        session.shut()
        path = os.path.join(tmp, "bent.pcap")
        with open(path, "wb") as file:
            file.write(wire.classic(w.packets))
        got = explain("--json", path, "1")
        if got.status == 0:  # what is no request for an upgrade makes no connection
            why = {r["line"]: r["why"] for r in json.loads(got.text)["request"]}
            check(f"{request}: {words}", words in (why.get(request) or ""), why)
            good = {k: v for k, v in why.items() if k != request and "Upgrade" not in words}
            check(f"{request}: the others are right", "wrong" not in str(good), good)

# What the words of a finding add: lighttpd's mod_wstunnel writes its close code as text; Mojolicious and Haskell's
# websockets compress an empty message to nothing.
with directory() as tmp:
    for frame, found, words in ((wire.Frame(wire.CLOSE, b"1000"), "close.code-invalid", "close code 12592, the characters '10'"),
                                (wire.Frame(wire.CLOSE, b"\x13\x88ab"), "close.code-invalid", "close code 5000"),
                                (wire.Frame(wire.CLOSE, b"\x31\x0aab"), "close.code-invalid", "close code 12554"),
                                (wire.Frame(wire.TEXT, b"", rsv=4), "message.bad-deflate",
                                 "no data at all; nothing is compressed to the byte 00"),
                                (wire.Frame(wire.TEXT, b"\xff", rsv=4), "message.bad-deflate",
                                 "the data are not valid (invalid block type), after 0 bytes of output")):
        w = wire.Wire()
        session = wire.Session(w).handshake(offer="permessage-deflate", agreed="permessage-deflate")
        session.write(wire.S2C, frame.bytes())
        session.shut()
        path = os.path.join(tmp, "words.pcap")
        with open(path, "wb") as file:
            file.write(wire.classic(w.packets))
        lines = [json.loads(line) for line in run("--json", path).text.splitlines()]
        detail = [line["detail"] for line in lines if line["type"] == "problem" and line["id"] == found]
        check(f"{found}: {words}", detail == [words], detail)

# Close frames that cross: each is sent before the other's has come.

with directory() as tmp:
    for crossed in (True, False):
        w = wire.Wire()
        session = wire.Session(w).handshake()
        before = dict(session.sent)
        session.write(wire.C2S, wire.Frame(wire.CLOSE, b"\x03\xe8", key=b"abcd").bytes())
        if crossed:
            w.packets.pop()  # the acknowledgment
            session.sent[wire.C2S] = before[wire.C2S]
        session.packet(wire.S2C, wire.PSH | wire.ACK, wire.Frame(wire.CLOSE, b"\x03\xe9").bytes())
        session.sent[wire.C2S] = before[wire.C2S] + 8
        session.shut()
        path = os.path.join(tmp, "crossed.pcap")
        with open(path, "wb") as file:
            file.write(wire.classic(w.packets))
        second = [r for r in data(path, "1", "--close")[0]["closing"] if r["what"] == "close frame"][1]
        check(f"crossed: {crossed}", ("crossed" in second["meaning"]) == crossed and "complete" in second["meaning"], second)

# -- UTF-8, and why not -----------------------------------------------------------------------------------

WHY = [
    ("c3 a9", ["é"]), ("f0 9f 98 80", ["😀"]), ("41 e2 82 ac", ["A", "€"]), ("20", ["(blank)"]), ("1b", ["\\x1b"]),
    ("80", ["none was begun"]), ("c0 af", ["overlong", "none was begun"]), ("c1 80", ["overlong", "none was begun"]),
    ("e0 80 80", ["overlong", "none", "none"]), ("f0 8f bf bf", ["overlong", "none", "none", "none"]),
    ("ed a0 80", ["surrogate", "none", "none"]), ("f4 90 80 80", ["U+10FFFF", "none", "none", "none"]),
    ("f5", ["U+10FFFF"]), ("f8", ["no character begins so"]), ("ff", ["no character begins so"]),
    ("c3 41", ["does not go on", "A"]), ("e2 82", ["2 bytes of 3; wrong: the text ends"]), ("f4", ["1 byte of 4; wrong"]),
]
for text, rows in WHY:
    walk = data("--utf8", "--hex", f"81 {len(text.split()):02x} {text}")[0]["utf8"]
    check(f"UTF-8 {text}", len(walk) == len(rows) and all(r in w["character"] for r, w in zip(rows, walk)), walk)
    for row in walk:
        check(f"UTF-8 {text}: code points", row["code_point"] in ("", "none")
              or chr(int(row["code_point"][2:], 16)) == bytes.fromhex(row["hex"].replace(" ", "")).decode(), row)

torn = explain("--hex", "81 7c " + "01" * 124).text.splitlines()
check("no escape is broken over two lines", not [l for l in torn if re.search(r"\\(x.?)?$", l)], torn)
check("four bytes fit 80 columns", max(map(len, explain("--utf8", "--hex", "81 05 41 f0 9f 98 80").text.splitlines())) <= 80)

# A text cut everywhere: the characters begun and gone on with are those of the text.
text = "aé日😀z".encode()
cuts = [(i, j) for i in range(len(text) + 1) for j in range(i, len(text) + 1)]
typed = "\n".join(f"{first:02x} {len(p):02x} {p.hex()}" for i, j in cuts
                  for first, p in ((0x01, text[:i]), (0x00, text[i:j]), (0x80, text[j:])))
walked = data("--utf8", "--hex", "-", data=typed.encode())
check("each cut is explained", len(walked) == 3 * len(cuts), len(walked))
for k, cut in enumerate(cuts):
    rows = [r for f in walked[3 * k:3 * k + 3] for r in f["utf8"]]
    found = "".join(chr(int(r["code_point"][2:], 16)) for r in rows if r["code_point"])
    check(f"cut at {cut}", found.encode() == text and "wrong" not in str(rows), rows)
stops = data("--utf8", "--hex", "01 01 c3 80 01 41")[1]["utf8"]
check("a character that does not go on in the next frame", "does not go on" in stops[0]["character"]
      and stops[1]["character"] == "A", stops)

# -- inside TLS -------------------------------------------------------------------------------------------

TLS = os.path.join(CAPTURES, "06_tls13_keyupdate.pcap")
opened = data(TLS, "1.1", "--keylog", TLS[:-4] + "keys")[0]
check("a key log opens it", opened["payload_text"] == "before key update", opened)
check("segments inside TLS have no TCP numbers", opened["segments"][0]["seq"] is None
      and opened["segments"][0]["relative"] is None, opened["segments"])
check("secrets in the capture", data(TLS[:-5] + "_dsb.pcapng", "1.1")[0] == opened)
closed = explain(TLS)
check("without keys: said so", "1 TLS connection could not be opened" in closed.text, closed)
H3 = os.path.join(CAPTURES, "07_h3_basic.pcap")
check("of QUIC, too", "1 TLS or QUIC connection could not be opened" in explain(H3, "--keylog", os.path.join(CAPTURES, "06_tls13_ccm.keys")).text)
check("quiz opens it, too", run("quiz", "--answers", "--seed", "1", TLS, "--keylog", TLS[:-4] + "keys").status == 0)

# -- HTTP/2 ---------------------------------------------------------------------------------------------

H2 = os.path.join(CAPTURES, "04_h2c.pcap")
shake = data(H2, "1")[0]
check("RFC 8441 section 4: the request of a stream", [l["line"] for l in shake["request"]][:2] == [":method: CONNECT", ":protocol: websocket"]
      and (shake["carrier"], shake["stream_id"], shake["accepted"]) == ("h2", 3, True), shake)
check("its answer", shake["response"][0]["line"] == ":status: 200" and shake["response"][0]["why"].startswith("yes"), shake)
check("no key, no accept value", not {"key", "accept", "request_segments"} & set(shake), shake)
told = explain(H2, "1").text
check("nothing of HTTP/1.1 is said to be missing", "not in the capture" not in told and "HTTP/2 stream 3" in " ".join(told.split()), told)
check("a packet that carries its request", [h["type"] for h in data(H2, "--pkt", str(shake["pkt"]))] == ["handshake"])
frame = data(H2, "1.2")[0]
check("bytes of a stream are not TCP's", frame["segments"][0]["seq"] is None and frame["segments"][0]["sequence"] == "bytes 0-5", frame["segments"])
ended = data(H2, "1", "--close")[0]
check("a stream ends, TCP goes on", [(r["who"], r["what"]) for r in ended["closing"]] == [("", "end of stream")] and ended["tcp"] == "fin", ended)

# -- holes ----------------------------------------------------------------------------------------------
# What the packets of a frame did not bring is what is missing of it: not all that stands behind the first hole.

HOLES = os.path.join(CAPTURES, "09_capture_loss_one.pcap")
for n in ("1.18", "1.37", "1.44", "1.58"):
    frame = data(HOLES, n)[0]
    length = fields(frame).get("extended_payload_length")
    lost = sum(run["n"] for run in frame["segments"] if run["pkt"] is None)
    check(f"{n}: what is missing", frame["payload_missing"].startswith(f"{lost} of {length} bytes are not "), frame)
one = explain("--hex", "81 02 48").text
check("one byte is", "1 of 2 bytes is there" in one and "1 of 2 bytes is not there" in one, one)

# -- typed bytes ----------------------------------------------------------------------------------------

same = [explain("--hex", spelling).out for spelling in
        ("8185 37fa213d 7f9f4d5158", "81:85:37:fa:21:3d:7f:9f:4d:51:58", "0x81,0x85,0x37,0xfa,0x21,0x3d,0x7f,0x9f,0x4d,0x51,0x58",
         "\\x81\\x85\\x37\\xfa\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58", "{0x81, 0x85,\n 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58}")]
check("all spellings are one", all(s == hello.out for s in same), same)
check("words without quotes", explain("--hex", "81", "85", "37", "fa", "21", "3d", "7f", "9f", "4d", "51", "58").out == hello.out)
for n in range(1, 11):
    cut = explain("--hex", "8185 37fa213d 7f9f4d5158".replace(" ", "")[:2 * n])
    check(f"cut after {n} bytes: explained as far as it goes", cut.status == 0 and ("cut" in cut.text or re.search("(is|are) there", cut.text)), cut)
refused("a packet of typed bytes", explain("--hex", "81 00", "--pkt", "3"), "--pkt is about a capture")
refused("how typed bytes ended", explain("--hex", "81 00", "--close"), "--close is about a capture")
nothing = explain("no/such.pcap", "1", "2.3", "--pkt", "4")
check("a capture that is not there: nothing is said of what is in it", nothing.status == 2 and nothing.out == b""
      and nothing.err.count(b"\n") == 1 and "No such file" in nothing.says, nothing)
refused("no hex", explain("--hex", "81 zz"), "'z'", "no hex digit")
refused("half a byte", explain("--hex", "81 853"), "odd number")
refused("nothing", explain("--hex", "  "), "no bytes")
check("one digit is a byte", explain("--hex", "81 5 48 65 6c 6c 6f").status == 0)
check("a stranger's escape stays one", b"\x1b" not in explain("--hex", "81 04 1b 5b 33 31").out)

# -- what is refused ------------------------------------------------------------------------------------

refused("no capture", explain(), "a capture")
refused("no such target", explain(BASIC, "one"), "names nothing", "--close")
refused("a range the wrong way round", explain(BASIC, "1.7-1.3"), "names nothing")
refused("a range over two connections", explain(BASIC, "1.3-2.4"), "names nothing")
refused("no such frame", explain(BASIC, "1.9999"), "connection 1 has 29 frames; there is no 1.9999")
refused("no such connection", explain(BASIC, "7"), "there is no connection 7")
refused("no frame of no connection", explain(BASIC, "7.1"), "there is no connection 7")
refused("no ending of no connection", explain(BASIC, "7", "--close"), "there is no connection 7")
refused("no frames", explain(failed, "1.1"), "connection 1 has no frames")
refused("a packet without", explain(BASIC, "--pkt", "1"), "packet 1 carries nothing")
partly = explain(BASIC, "1.1", "1.30")
check("one of two", partly.status == 2 and "Frame 1.1:" in partly.text and "there is no 1.30" in partly.says, partly)
check("a range that goes on", explain(BASIC, "1.29-1.99").status == 0)
check("the same ending twice is one", len(data(BASIC, "1", "1", "--close")) == 1)
examples = os.path.join(CAPTURES, "05_rfc6455_examples.pcap")
check("a packet that carries a part", [f["n"] for f in data(examples, "--pkt", "17")] == [8])
check("a packet that carries a head", [h["type"] for h in data(BASIC, "--pkt", "4")] == ["handshake"])
refused("--close of nothing", explain(BASIC, "--close"), "the number of a connection")
refused("--pkt x", explain(BASIC, "--pkt", "x"), "packet's number")
check("no such file", explain("nowhere.pcap", "1").status == 2)
check("explain --help", explain("--help").status == 0 and "--hex" in explain("--help").text)
check("into a full disk", explain(BASIC, stdout=open("/dev/full", "wb")).status == 2)

# -- on a terminal --------------------------------------------------------------------------------------

for columns in (80, 120):
    status, shown = on_terminal("explain", BASIC, "1.1", columns=columns)
    text = shown.decode()
    check("colour on a terminal", status == 0 and "\x1b[1;36m" in text, shown)
    bare = re.sub(r"\x1b\[[0-9;]*m", "", text).replace("\r", "")
    check("colour changes no word", columns != 80 or bare == explain(BASIC, "1.1").text, bare)
    check(f"fits {columns} columns", all(len(l) <= columns for l in bare.splitlines()))
check("no colour in a pipe", b"\x1b" not in explain(BASIC, "1.1").out)
check("--color always", b"\x1b[1;36m" in explain(BASIC, "1.1", "--color", "always").out)

# -- joined in the middle of compressed messages: the walk goes on behind what is not known -----------

with directory() as tmp:
    whole, joined, passed = os.path.join(CAPTURES, "02_pmd_default.pcap"), os.path.join(tmp, "joined.pcap"), 25
    with open(whole, "rb") as file:
        capture = file.read()
    at = 24
    for _ in range(passed):
        at += 16 + int.from_bytes(capture[at + 8:at + 12], "little")
    with open(joined, "wb") as file:
        file.write(capture[:24] + capture[at:])
    truth = {(e["first_pkt"] - passed, e["dir"], e["len"]): e["text"] for e in run("--json", whole).events("message") if "text" in e}
    told = {e["msg"]: e for e in run("--json", joined).events("message") if "text" in e and e["compressed"]}
    walked = 0
    for frame in data(joined, "1.1-1.60"):
        e, walk = told.get(frame.get("msg")), frame.get("inflating")
        if not e or not walk or not walk["whole"] or walk["inflated_bytes"] > 900:
            continue
        text = truth[e["first_pkt"], e["dir"], e["len"]]
        parts = walk["inflated_text"].replace('\\"', '"').split("…")
        check(f"message {e['msg']}: what is known is in it, in its order", re.fullmatch(".+".join(map(re.escape, parts)), text, re.S), walk)
        check(f"message {e['msg']}: how much is not", walk["inflated_bytes"] == e["len"] and walk.get("not_known", 0) == e["len"] - sum(len(p.encode()) for p in parts), walk)
        check(f"message {e['msg']}: all pieces are there", all(any(piece["text"] in part for part in parts) for piece in e.get("pieces", [])), walk)
        check(f"message {e['msg']}: a match that is not known says so", ("not_known" in walk) <= any("not known, from" in s["text"] or "…" in s["text"] for s in walk["steps"]), walk)
        walked += "not_known" in walk
    check("some are known in part", walked, walked)

done()

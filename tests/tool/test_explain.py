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

from toolcheck import BASIC, CAPTURES, DEFLATE, SOURCE, check, done, on_terminal, refused, run


def explain(*args, **more):
    return run("explain", *args, **more)


def data(*args, **more):
    got = explain("--json", *args, **more)
    check(f"{args}: exit status 0", got.status == 0, got)
    return [json.loads(line) for line in got.text.splitlines()]


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
            check(f"{text[:40]}: says {says}", frame.get("payload_text") == f'"{says}"', frame)
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
    check(f"{text}: {says}", got == [f'"{s}"' for s in says], got)
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
check("the base64 walk", walked == base64.b64decode(key), shake)

# -- every shipped capture: fits, speaks to no terminal, is data ----------------------------------------

shipped = sorted(glob.glob(os.path.join(CAPTURES, "*.pcap*")) + glob.glob(os.path.join(CAPTURES, "peers", "*.pcap")))
for name in [n for i, n in enumerate(shipped) if i % 3 == 0 or "hostile" in n or "examples" in n]:
    listed = explain("--json", name)
    if "damaged" in name:
        continue
    check(f"{name}: listed", listed.status == 0, listed)
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
                json.loads(line)

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

ending = data(BASIC, "1", "--close")[0]
check("the ending: close frames and TCP", [r["what"] for r in ending["closing"]][:2] == ["close frame"] * 2
      and any("FIN" in r["what"] for r in ending["closing"]), ending)
check("the ending: verdict", ending["verdict"].startswith("clean: the client closed first"), ending)

# -- typed bytes ----------------------------------------------------------------------------------------

same = [explain("--hex", spelling).out for spelling in
        ("8185 37fa213d 7f9f4d5158", "81:85:37:fa:21:3d:7f:9f:4d:51:58", "0x81,0x85,0x37,0xfa,0x21,0x3d,0x7f,0x9f,0x4d,0x51,0x58",
         "\\x81\\x85\\x37\\xfa\\x21\\x3d\\x7f\\x9f\\x4d\\x51\\x58", "{0x81, 0x85,\n 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58}")]
check("all spellings are one", all(s == hello.out for s in same), same)
check("words without quotes", explain("--hex", "81", "85", "37", "fa", "21", "3d", "7f", "9f", "4d", "51", "58").out == hello.out)
for n in range(1, 11):
    cut = explain("--hex", "8185 37fa213d 7f9f4d5158".replace(" ", "")[:2 * n])
    check(f"cut after {n} bytes: explained as far as it goes", cut.status == 0 and ("cut" in cut.text or "are there" in cut.text), cut)
refused("no hex", explain("--hex", "81 zz"), "'z'", "no hex digit")
refused("half a byte", explain("--hex", "81 853"), "odd number")
refused("nothing", explain("--hex", "  "), "no bytes")
check("one digit is a byte", explain("--hex", "81 5 48 65 6c 6c 6f").status == 0)
check("a stranger's escape stays one", b"\x1b" not in explain("--hex", "81 04 1b 5b 33 31").out)

# -- what is refused ------------------------------------------------------------------------------------

refused("no capture", explain(), "a capture")
refused("no such target", explain(BASIC, "one"), "names nothing")
refused("a range the wrong way round", explain(BASIC, "1.7-1.3"), "names nothing")
refused("a range over two connections", explain(BASIC, "1.3-2.4"), "names nothing")
refused("no such frame", explain(BASIC, "1.9999"), "nothing of the kind")
refused("no such connection", explain(BASIC, "7"), "nothing of the kind")
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

done()

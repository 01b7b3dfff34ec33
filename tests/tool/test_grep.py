#!/usr/bin/env python3
"""--grep: held against Python's own search through the events of a run without it."""

import base64
import os
import re
import struct
import sys
import unicodedata

from toolcheck import BASIC, CAPTURES, DEFLATE, check, directory, done, on_terminal, refused, run

sys.path.insert(0, os.path.join(CAPTURES, "scripts"))
from wire import BINARY, C2S, S2C, TEXT, Session, Wire, classic  # noqa: E402

LOSS = os.path.join(CAPTURES, "09_capture_loss_one.pcap")
FILES = [BASIC, DEFLATE, LOSS] + [os.path.join(CAPTURES, name) for name in (
    "01_ws_plain_frag.pcap", "01_ws_plain_closes.pcap", "02_pmd_fragmented.pcap", "07_h2c_prior.pcap",
    "08_socketio_websocket.pcap", "05_invalid_utf8.pcap", "05_reserved_opcodes_all.pcap", "09_net_loss.pcap")]
PATTERNS = ["", "e", "bye|hello", "^.", "[0-9]{3}", "a.*z$", "\\\\", "ö|日", "no such thing", "^$"]


def payload(event):
    """The bytes that are searched; None: none are."""
    if event["type"] == "close":
        return (event["reason"] or "").encode("utf-8", "surrogateescape")
    if event["type"] == "message" or (event["type"] == "frame" and event["opcode"] not in (0, 1, 2, 8)):
        if event.get("b64") is not None:
            return base64.b64decode(event["b64"])
        return (event.get("text") or "").encode("utf-8", "surrogateescape")
    return None


def in_pieces(event, regex):
    """Whether it is in what is known behind the payload. Nobody knows what stands around a piece: ^ and $ are nowhere."""
    pieces = [piece["text"].encode() for piece in event.get("pieces", [])]
    return not regex.pattern.endswith(b"$") and any(regex.search(b"?" + piece, 1) for piece in pieces)


def wanted(events, pattern, flags=0):
    """What is to pass: whole lines, in order."""
    regex = re.compile(pattern.encode(), flags | re.DOTALL)
    left, frame = [], None
    for e in events:
        if e["type"] in ("meta", "stats", "gap"):
            left.append(e)
        p = payload(e)
        if p is not None and (regex.search(p.replace(b"\0", b"\1")) or in_pieces(e, regex)):
            if frame and e["type"] != "frame":
                left.append(frame)
            left.append(e)
        part = e["type"] == "frame" and e["opcode"] in (0, 1, 2, 8)
        frame = e if part else None
    return left


for path in FILES:
    name, whole = os.path.basename(path), run("--json", path).events()
    for pattern in PATTERNS:
        result = run("--json", "--grep", pattern, path)
        if pattern == "":
            refused("an empty pattern", result)
            continue
        expected = wanted(whole, pattern)
        found = any(e["type"] in ("message", "close", "frame") for e in expected)
        check(f"{name} --grep {pattern!r}", result.events() == expected, result)
        check(f"{name} --grep {pattern!r}: the status", result.status == (0 if found else 1), result)
        check(f"{name} --grep {pattern!r}: the same by two threads",
              run("--json", "--grep", pattern, "--jobs", "2", path).out == result.out)
    check(f"{name}: case", run("--json", "--grep", "HELLO|BYE", "--ignore-case", path).events() ==
          wanted(whole, "HELLO|BYE", re.IGNORECASE))

whole = run("--json", BASIC).events()
result = run("--json", "--grep", "e", "--dir", "s2c", "--op", "text", BASIC)
check("with --dir and --op", result.events() == [
    e for e in wanted(whole, "e") if e["type"] in ("meta", "stats") or
    (e["dir"] == "s2c" and e.get("opcode", 1) == 1 and e.get("op", "") in ("text", ""))
    and e["type"] != "close"], result)

# What is not known may hold it.
result = run("--grep", "no such thing", "--max-payload", "4", BASIC)
check("cut payloads: nobody knows", result.status == 1 and "may match" in result.says, result)
texts = [e["text"] for e in run("--json", BASIC).events("message") if e.get("text") and re.fullmatch(r"[a-z ]{6,}", e["text"])]
for end in ("$", r"\b", r"\>", r"\'"):
    for text in texts[:3]:
        cut = next(n for n in range(4, 0, -1) if text[n - 1].isalpha())
        result = run("--json", "--grep", "^" + text[:cut] + end, "--max-payload", str(cut), BASIC)
        known = [e for e in result.events("message") if e["omitted"]]
        check(f"where a payload is cut is not its end: {text[:cut] + end!r}", known == [] and "may match" in result.says, result)
        result = run("--json", "--grep", "^" + text[:cut], "--max-payload", str(cut), BASIC)
        check("... but what is before is known", len([e for e in result.events("message") if e["omitted"]]) > 0, result)
result = run("--grep", "no such thing", os.path.join(CAPTURES, "05_deflate_garbage.pcap"))
check("what did not inflate: nobody knows", result.status == 1 and "may match" in result.says, result)
check("whole ones: it is known", run("--grep", "no such thing", BASIC).says == "")

# Text: the place that was found is on the line, and in colour.
result = run("--grep", "amet vol", "--max-text", "24", "--color", "always", BASIC)
line = next((l for l in result.text.splitlines() if "text" in l), "")
check("the place that was found", "\x1b[1;31mamet vol\x1b[0m" in line, result)
check("what is before it is counted", "+40 bytes …\"a beta \x1b" in line or re.search(r"\+\d+ bytes …\"", line), result)
before, shown, after = re.search(r'(?:\+(\d+) bytes …)?"([^"]*)"(?:… \+(\d+) bytes?)?', line).groups()
check("no byte is lost or counted twice",
      int(before or 0) + len(re.sub(r"\x1b\[[0-9;]*m", "", shown).encode()) + int(after or 0) == 60, result)
result = run("--grep", "h.llo ip", "--max-text", "12", BASIC)
check("a pattern's byte is not a character's end", "h\\xc3" not in result.text, result)
result = run("--grep", "h.", "--max-text", "12", "--color", "always", BASIC)
check("characters stay whole", "\\x" not in result.text.replace("\\x11", "") or "é" in result.text, result)
for columns in (60, 80, 100, 140):
    status, screen = on_terminal("--grep", "lo", BASIC, columns=columns)
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", l) for l in screen.decode().replace("\r", "").split("\n")]
    check(f"{columns} columns: no line is longer",
          all(len(l) <= columns for l in lines if " text " in l and columns >= 80) and status == 0, screen)

# On a terminal what was found is on its line, whatever stands around it.
AROUND = {"bytes": (BINARY, bytes(range(128, 256)) * 40), "zeros": (BINARY, bytes(300)), "quotes": (TEXT, b'{"a":"b","c":"\\\\d"},' * 300),
          "characters": (TEXT, "日本語".encode() * 200), "controls": (TEXT, b"\x1b[2J\x1b]0;x\x07" * 100), "marks": (TEXT, "a\u202e\u0301".encode() * 100),
          "letters": (TEXT, b"x" * 100000), "lines": (TEXT, b"\r\n\t" * 50), "nothing": (TEXT, b"")}
with directory() as tmp:
    wire = Wire()
    session = Session(wire)
    session.handshake()
    for op, around in AROUND.values():
        session.say(C2S, op, around + b"NEEDLE" + around)
        session.say(S2C, op, around + b"NEEDLE")
    session.close()
    path = os.path.join(tmp, "needles.pcap")
    with open(path, "wb") as file:
        file.write(classic(wire.packets))
    events = run("--json", "--grep", "NEEDLE", path).events("message")
    check("all are found", len(events) == 2 * len(AROUND), len(events))
    for columns in (60, 72, 80, 90, 109, 110, 132, 200):
        status, screen = on_terminal("--grep", "NEEDLE", path, columns=columns)
        lines = re.findall(r"^.*(?:text|binary) .*(?:\n {6,}.*)?$", screen.decode().replace("\r", ""), re.M)  # it may stand below
        check(f"{columns} columns: what was found is seen", len(lines) == len(events) and
              all("\x1b[1;31mNEEDLE\x1b[0m" in l for l in lines), screen)
        plain = [re.sub(r"\x1b\[[0-9;]*m", "", part) for l in lines for part in l.split("\n")]
        check(f"{columns} columns: nothing is obeyed", all(c.isprintable() or c in "\u0301" for l in plain for c in l), plain)
        wide = [sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in l) for l in plain]
        check(f"{columns} columns: no line is longer than that", columns < 72 or max(wide, default=0) <= columns, [*zip(wide, plain)])

# Joined in the middle of compressed messages: what is known of them is searched, and shown.
with directory() as tmp:
    path = os.path.join(tmp, "joined.pcap")
    with open(os.path.join(CAPTURES, "02_pmd_default.pcap"), "rb") as file:
        data = file.read()
    at = 24
    for _ in range(25):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    with open(path, "wb") as file:
        file.write(data[:24] + data[at:])
    whole = run("--json", path).events()
    pieces = [piece["text"] for e in whole for piece in e.get("pieces", [])]
    check("there are pieces", len(pieces) > 100, len(pieces))
    for pattern in ("volume", "^volume", "quote$", r"\bprice", "b.ta|日本語 "):
        result = run("--json", "--grep", pattern, path)
        sure = pattern.replace("\\b", "[^a-z]") if "\\b" in pattern else pattern
        found, expected = result.events("message"), [e for e in wanted(whole, sure) if e["type"] == "message"]
        if pattern.endswith("$"):  # nobody knows what stands behind what is known
            check(f"{pattern!r} in pieces", found == [e for e in expected if e["certain"]], result)
        elif sure == pattern:
            check(f"{pattern!r} in pieces", found == expected and (found or pattern[0] == "^"), result)
        else:  # nor whether a word begins where a piece does
            check(f"{pattern!r} in pieces", found and all(e in expected for e in found), result)
    result = run("--grep", "volume", "--color", "always", path)
    lines = [l for l in result.text.splitlines() if "text " in l]
    check("the place in a piece", lines and all("\x1b[1;31mvolume\x1b[0m" in l for l in lines), result)
    for columns in (80, 100, 132, 200):
        for args in ([], ["--grep", "volume"]):
            status, screen = on_terminal(*args, path, columns=columns)
            plain = re.sub(r"\x1b\[[0-9;]*m", "", screen.decode().replace("\r", "")).split("\n")
            wide = [sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in l) for l in plain if " text " in l]
            check(f"{columns} columns: no line with pieces is longer", wide and max(wide) <= columns, [*zip(wide, plain)])

refused("a pattern that is none", run("--grep", "(", BASIC), "--grep")
refused("a back reference", run("--grep", r"(a)\1", BASIC), "back references")
refused("--ignore-case alone", run("--ignore-case", BASIC), "--grep")
refused("lint --grep", run("lint", "--grep", "a", BASIC), "findings")
refused("--grep beside -w", run("--grep", "a", "-w", "/dev/null", BASIC), "--print")
done()

#!/usr/bin/env python3
"""quiz: the same questions for the same seed, every answer on the teacher's sheet is right by what
the timeline says, answers are graded. demo: every lesson is there and is what it says."""

import base64
import glob
import hashlib
import os
import re

from toolcheck import BASIC, CAPTURES, SOURCE, check, directory, done, refused, run

FRAG = os.path.join(CAPTURES, "01_ws_plain_frag.pcap")
DEFLATE = os.path.join(CAPTURES, "02_pmd_default.pcap")
CLOSES = os.path.join(CAPTURES, "01_ws_plain_closes.pcap")
OPS = ["continuation", "text", "binary"] + [f"reserved-{n}" for n in range(3, 8)] \
    + ["close", "ping", "pong"] + [f"reserved-{n}" for n in range(11, 16)]


def sheet(capture, seed, count):
    got = run("quiz", "--answers", "--seed", seed, "--count", count, capture)
    check(f"{capture} {seed}: a sheet", got.status == 0, got)
    parts = re.split(r"^Question \d+ of \d+: (\w+)\n", got.text, flags=re.M)[1:]
    found = []
    for topic, body in zip(parts[::2], parts[1::2]):
        text, rest = body.split("  answer: ", 1)
        found.append((topic, re.sub(r"\s+", " ", text).strip(), rest.split("\n", 1)[0], rest))
    return found


def truth(text, frames, keys):
    """The answer worked out from the question, RFC in hand; None: it needs the capture."""
    first = re.search(r"first byte of a frame is ([0-9a-f]{2})", text)
    begins = re.search(r"begins with the bytes ((?:[0-9a-f]{2} ?)+)", text)
    if "Which opcode" in text:
        return OPS[int(first.group(1), 16) & 15]
    if "last frame of its message" in text:
        return "yes" if int(first.group(1), 16) & 0x80 else "no"
    if "begins compressed" in text:
        return "yes" if int(first.group(1), 16) & 0x40 else "no"
    if "Who sent it" in text:
        return "client" if int(begins.group(1).split()[1], 16) & 0x80 else "server"
    if begins:
        b = bytes.fromhex(begins.group(1))
        n = b[1] & 127
        more = {126: 2, 127: 8}.get(n, 0)
        if "header have" in text:
            return str(2 + more + (4 if b[1] & 128 else 0))
        return str(int.from_bytes(b[2:2 + more], "big") if more else n)
    if "Unmask these" in text:
        key, wire = re.findall(r"((?:[0-9a-f]{2} ){3}[0-9a-f]{2})", text)[:2]
        return " ".join("%02x" % (a ^ b) for a, b in zip(bytes.fromhex(key), bytes.fromhex(wire)))
    if "Sec-WebSocket-Key" in text:
        key = re.search(r"Key: (\S+)", text).group(1)
        want = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
        check("the key is of the capture", key in keys, key)
        return re.search(r"([a-d])\) " + re.escape(want), text).group(1)
    code = re.search(r"the code (\d+) into", text)
    if code:
        c = int(code.group(1))
        return "yes" if 1000 <= c <= 1003 or 1007 <= c <= 1014 or 3000 <= c <= 4999 else "no"
    code = re.search(r"unmasked, with ([0-9a-f]{2}) ([0-9a-f]{2})", text)
    if code:
        return str(int(code.group(1) + code.group(2), 16))
    if "finishes message" in text:
        parts = re.findall(r"(\d+\.\d+) ([0-9a-f]{2})", text)
        for frame, byte in parts[1:]:
            if int(byte, 16) & 15 == 0 and int(byte, 16) & 128:
                return frame
    return None


for capture in (BASIC, FRAG, DEFLATE, CLOSES, os.path.join(CAPTURES, "03_chromium_deflate.pcap")):
    events = run("--json", capture).events()
    frames = {(e["conn"], e["n"]): e for e in events if e["type"] == "frame"}
    keys = {e["client_key"] for e in events if e["type"] == "handshake"}
    topics = set()
    for seed in range(3):
        questions = sheet(capture, seed, 60)
        check(f"{capture}: questions", len(questions) >= 12, questions)
        check(f"{capture}: all different", len({q[1] for q in questions}) == len(questions), questions)
        for topic, text, answer, rest in questions:
            topics.add(topic)
            check(f"{text}: {answer}", truth(text, frames, keys) == answer, (text, answer))
            see = re.search(r"see: wstrace explain \S+ (\d+)(?:\.(\d+))?", rest)
            if see and see.group(2):
                check(f"{text}: see", (int(see.group(1)), int(see.group(2))) in frames, rest)
    check(f"{capture}: many topics", topics >= {"opcodes", "lengths", "masking", "headers", "closing", "handshake"}, topics)

# -- graded ---------------------------------------------------------------------------------------------

same = [run("quiz", "--seed", "5", "--answers", FRAG).out for _ in range(2)]
check("the same seed, the same questions", same[0] == same[1])
check("another seed, others", same[0] != run("quiz", "--seed", "6", "--answers", FRAG).out)
check("without a seed, one is drawn", run("quiz", FRAG, "--answers").text.split("seed ")[1][0].isdigit())

answers = [q[2] for q in sheet(FRAG, 5, 10)]
right = run("quiz", "--seed", "5", FRAG, data="\n".join(answers).encode())
check("all right", right.status == 0 and "10 of 10 right" in right.text, right)
loud = run("quiz", "--seed", "5", FRAG, data="\n".join("  " + a.upper() + " " for a in answers).encode())
check("case and blanks do not count", "10 of 10 right" in loud.text, loud)
wrong = run("quiz", "--seed", "5", FRAG, data=b"nonsense\n" * 10)
check("all wrong", wrong.status == 1 and "0 of 10 right" in wrong.text, wrong)
check("wrong answers are explained", wrong.text.count("answer: ") == 10 and wrong.text.count("wrong\n") == 10, wrong)
none = run("quiz", "--seed", "5", FRAG, data=b"")
check("no answers", none.status == 1 and "10 not answered" in none.text, none)
early = run("quiz", "--seed", "5", FRAG, data=b"\nq\n")
check("passing, and ending", "passed" in early.text and "9 not answered" in early.text, early)
check("a very long answer", run("quiz", "--seed", "5", FRAG, data=b"x" * 100000 + b"\n").status == 1)
check("fits 80 columns", max(len(l) for l in right.text.splitlines() if "/" not in l) <= 80, right)
check("--count", len(sheet(FRAG, 1, 3)) == 3)

refused("no capture", run("quiz"), "a capture")
refused("two captures", run("quiz", FRAG, BASIC), "one too many")
refused("the capture where the answers come from", run("quiz", "-"), "standard input")
refused("nothing to ask", run("quiz", os.path.join(CAPTURES, "06_tls13_keyupdate.pcap")), "nothing in it")
with directory() as tmp:
    cut = os.path.join(tmp, "cut.pcap")
    whole = open(FRAG, "rb").read()
    with open(cut, "wb") as file:
        file.write(whole[:len(whole) * 3 // 4])
    result = run("quiz", "--seed", "1", cut, data=b"")
    check("a cut capture: asked about what is before, and said", result.status == 2 and "Question 1 of" in result.text
          and "cut.pcap: packet" in result.says and "nothing in it" not in result.says, result)
    check("... and the sheet", run("quiz", "--answers", "--seed", "1", cut).status == 2)
    asked = re.findall(r"see: wstrace explain \S+ (\S+)", run("quiz", "--answers", "--seed", "1", cut).text)
    check("... all of it is there", len(asked) > 3 and all(run("explain", cut, *a.split()).out != b"" for a in asked), asked)
    with open(cut, "wb") as file:
        file.write(whole[:30])
    result = run("quiz", cut)
    check("... of nothing: nothing", result.status == 2 and "nothing in it" in result.says, result)
nothing = run("quiz", "no/such.pcap")
check("no such capture: one word", nothing.status == 2 and nothing.err.count(b"\n") == 1, nothing)
with open(FRAG, "rb") as file:
    check("a sheet of standard input", run("quiz", "--answers", "-", stdin=file).status == 0)

with directory() as tmp:
    name = os.path.join(tmp.encode(), b"a\x1b[31m \xff.pcap")
    os.symlink(FRAG, name)
    sheet_ = run("quiz", "--answers", "--seed", "1", name)
    check("a name that would be obeyed is shown", sheet_.status == 0 and b"\x1b" not in sheet_.out and b"\\x1b" in sheet_.out, sheet_)

# -- demo -----------------------------------------------------------------------------------------------

listed = run("demo")
names = re.findall(r"^  (\S+) +\S", listed.text, re.M)
check("the list", listed.status == 0 and len(names) >= 14, listed)
check("seven labs have a lesson", sorted(re.findall(r"lab (\d)", listed.text)) == list("1234567"), listed)
with directory() as tmp:
    for name in names:
        path = os.path.join(tmp, name)
        check(f"demo {name}", run("demo", name, "-q").status == 0)
        wrote = run("demo", name, "--write", path)
        check(f"demo {name} --write", wrote.status == 0 and os.path.getsize(path) > 0, wrote)
        check(f"demo {name}: the same", run(path, "-q").out == run("demo", name, "-q").out)
    refused("not over a file", run("demo", names[0], "--write", os.path.join(tmp, names[0])), "File exists")
    piped = run("demo", names[0], "--write", "-")
    check("--write -", piped.out == open(os.path.join(tmp, names[0]), "rb").read())
check("options of a trace", run("demo", "frames", "--json").events("message") != [])
refused("no such lesson", run("demo", "nothing"), "no lesson")
refused("an option without a lesson", run("demo", "--json"), "name of a lesson")
for words in (["-i", "lo"], ["-r", BASIC], ["-ilo"], ["-qi", "lo"], ["--read", BASIC]):
    refused(f"demo with {words}", run("demo", "frames", *words), "demo traces its lesson alone")
refused("demo and a file", run("demo", "frames", BASIC), "one word too many")
check("demo -f", run("demo", "frames", "-f", "tcp port 1", "-q").says.startswith("wstrace: no packet passed") and
      run("demo", "frames", "-f", "tcp", "-q").out == run("demo", "frames", "-q").out)
check("help", run("demo", "--help").status == 0 and run("quiz", "-h").status == 0)

# -- what is to be seen is seen with the same keys ------------------------------------------------------------

SEALED = os.path.join(CAPTURES, "06_tls13_ccm")
told = run("quiz", "--answers", "--seed", "1", "--count", "3", SEALED + ".pcap", "--keylog", SEALED + ".keys").text
seen = [line.split()[2:] for line in told.splitlines() if line.startswith("  see: ")]
check("wss: a hint to what can be looked at", len(seen) == 3, told)
for words in seen:
    got = run(*words)
    check(f"{words}: it opens", got.status == 0 and ("Frame " in got.text or "handshake, accepted" in got.text), got)

done()

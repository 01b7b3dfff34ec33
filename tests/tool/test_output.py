#!/usr/bin/env python3
"""Where it goes and what it looks like: -o, pipes, full disks, closed descriptors, -t, --op …"""

import os
import re
import select
import shutil
import struct
import subprocess
import time

from toolcheck import (BASIC, CAPTURES, DEFLATE, SOURCE, TOOL, check, directory, done, environment, opened, refused,
                       run)

text, json_ = run(BASIC), run("--json", BASIC)

# -- -o --------------------------------------------------------------------------------------------

with directory() as tmp:
    out = os.path.join(tmp, "out")
    result = run("--json", "-o", out, BASIC)
    check("-o: nothing on stdout", result.status == 0 and result.out == b"" and result.err == b"", result)
    check("-o: the same bytes", open(out, "rb").read() == json_.out)
    run("-q", "-t", "--op", "close", "--output", out, BASIC)
    check("-o empties the file first", 0 < os.path.getsize(out) < len(json_.out))
    check("-o - is standard output", run("--json", "-o", "-", BASIC).out == json_.out)
    before = open(out, "rb").read()
    refused("an input that does not exist", run("-o", out, os.path.join(tmp, "no")))
    check("costs an old output nothing", open(out, "rb").read() == before)
    refused("-o in no directory", run("-o", os.path.join(tmp, "no", "out"), BASIC), "No such file")
    refused("-o a directory", run("-o", tmp, BASIC), tmp)

    copy = os.path.join(tmp, "copy.pcap")
    for link in ("copy.pcap", "hard.pcap", "soft.pcap"):
        shutil.copy(BASIC, copy)
        name = os.path.join(tmp, link)
        if link == "hard.pcap":
            os.link(copy, name)
        elif link == "soft.pcap":
            os.symlink(copy, name)
        refused(f"writing into its input by {link}", run("-o", name, copy), "input and output")
        check(f"{link}: the capture is as it was", open(copy, "rb").read() == open(BASIC, "rb").read())
    with open(copy, "ab") as f:
        result = run(copy, stdout=f)
    check(">> into the input", result.status == 2 and open(copy, "rb").read() == open(BASIC, "rb").read(), result)
    with open(copy, "rb") as f:
        refused("-o the file that is standard input", run("-o", copy, "-", stdin=f), "input and output")
    for option in ("-o", "-w", "--tls-plaintext", "--embed-keys"):
        keys = os.path.join(tmp, "keys.log")
        with open(keys, "w") as f:
            f.write("# the only copy\n")
        refused(f"{option} the key log", run("--keylog", keys, option, keys, BASIC), "input and output")
        check(f"{option}: the key log is as it was", open(keys).read() == "# the only copy\n")

# -- it cannot be written -----------------------------------------------------------------------------

for args in (["--json"], [], ["-l"]):
    result = run(*args, BASIC, stdout=open("/dev/full", "wb"))
    check(f"a full disk {args}: said once, status 2",
          result.status == 2 and result.says.count("\n") == 1 and "No space left" in result.says, result)
result = run("-o", "/dev/full", BASIC)
check("-o /dev/full names it", result.status == 2 and "/dev/full: No space left" in result.says, result)
closed = subprocess.run(["sh", "-c", '"$0" "$1" >&-', TOOL, BASIC], stderr=subprocess.PIPE, env=environment())
check("standard output closed: status 2", closed.returncode == 2 and b"Bad file" in closed.stderr, closed)
with directory() as tmp:
    copy = os.path.join(tmp, "copy.pcap")
    shutil.copy(BASIC, copy)
    subprocess.run(["sh", "-c", '"$0" "$1" <&- >&- 2>&-', TOOL, copy], env=environment())
    check("all three closed: no capture is written to", open(copy, "rb").read() == open(BASIC, "rb").read())

# -- a reader that goes away ----------------------------------------------------------------------------

pipe = f'"$0" $2 "$1" | head -n 1 >/dev/null; echo "${{PIPESTATUS[0]}}"'
for args in ("--json", "", "-l"):
    ended = subprocess.run(["bash", "-c", pipe, TOOL, DEFLATE, args], stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, env=environment(), timeout=60)
    check(f"| head -1 {args}: quiet", ended.stdout == b"0\n" and ended.stderr == b"", ended)
reading, writing = os.pipe()
os.close(reading)
result = run("--json", BASIC, stdout=writing)
os.close(writing)
check("a pipe without a reader: quiet, status 0", result.status == 0 and result.err == b"", result)

# -- promptness: what a packet brings shows before the next one comes ---------------------------------------

data = open(BASIC, "rb").read()
for args in (["--json"], []):
    process = subprocess.Popen([TOOL, *args, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    process.stdin.write(data[:-1])
    process.stdin.flush()
    got, end = b"", time.monotonic() + 20
    while time.monotonic() < end and got.count(b"\n") < 10:
        if select.select([process.stdout], [], [], 0.5)[0]:
            got += os.read(process.stdout.fileno(), 65536)
    check(f"from a pipe that stays open, lines come at once {args}", got.count(b"\n") >= 10, got)
    process.stdin.write(data[-1:])
    rest, err = process.communicate(timeout=20)
    whole = (got + rest).split(b"\n", 1)[1]
    check(f"and in the end all of them {args}",
          process.returncode == 0 and err == b""
          and whole == (json_ if args else text).out.split(b"\n", 1)[1], (process.returncode, err))
with open(DEFLATE, "rb") as file:
    data = file.read()
# As logrotate does with copytruncate.
with directory() as tmp:
    out = os.path.join(tmp, "out")
    process = subprocess.Popen([TOOL, "-l", "-o", out, "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    process.stdin.write(data[:-1])
    process.stdin.flush()
    end = time.monotonic() + 20
    while time.monotonic() < end and not (os.path.exists(out) and open(out, "rb").read().count(b"\n") >= 10):
        time.sleep(0.05)
    os.truncate(out, 0)
    process.communicate(data[-1:], timeout=20)
    after = open(out, "rb").read()
    check("an output that is emptied meanwhile has no hole", after != b"" and run(DEFLATE).out.endswith(after), after[:100])

process = subprocess.Popen([TOOL, "--jobs", "4", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
process.stdin.write(data[:-1])
process.stdin.flush()
got, end = b"", time.monotonic() + 20
while time.monotonic() < end and got.count(b" deflate ") < 10:
    if select.select([process.stdout], [], [], 0.5)[0]:
        got += os.read(process.stdout.fileno(), 65536)
check("compressed messages, too, whatever --jobs says", got.count(b" deflate ") >= 10, got)
process.stdin.close()
process.stdin = None
process.communicate(timeout=20)
check("-l prints the same", run("-l", BASIC).out == text.out and run("-l", "--json", BASIC).out == json_.out)

# -- what is shown --------------------------------------------------------------------------------------------

check("text: no colour into a pipe", b"\x1b" not in text.out, text)
check("--color always, into a pipe", b"\x1b[" in run("--color", "always", BASIC).out)
check("--color always, against NO_COLOR", b"\x1b[" in run("--color", "always", BASIC, env=environment(NO_COLOR="1")).out)
check("JSON has no colour", run("--json", "--color", "always", BASIC).out == json_.out)
quiet = run("-q", BASIC)
check("-q: no summary", text.out.startswith(quiet.out) and 0 < len(text.out) - len(quiet.out) < 400, quiet)
check("-q: JSON keeps its stats", run("-q", "--json", BASIC).out == json_.out)

messages = json_.events("message")
for direction in ("c2s", "s2c"):
    result = run("--json", "--dir", direction, BASIC)
    check(f"--dir {direction}", result.events("message") == [m for m in messages if m["dir"] == direction], result)
result = run("--json", "--op", "close,ping", BASIC)
check("--op close,ping", {f["op"] for f in result.events("frame")} <= {"close", "ping"}
      and not result.events("message") and result.events("close"), result)
check("--op 8,9 is the same", run("--json", "--op", "8,0x9", BASIC).out == result.out)
many = run("--json", BASIC, DEFLATE)
last = many.events("end")[-1]["conn"]
strange = os.path.join(CAPTURES, "04_hixie76.pcap")
result = run("lint", strange)
check("lint: a 101 that is not followed is no refusal", "  not followed\n" in result.text and "  refused\n" not in result.text, result)
result = run("--json", "--conn", last, BASIC, DEFLATE)
check("--conn", result.events("message") == [m for m in many.events("message") if m["conn"] == last]
      and result.events("stats") == many.events("stats"), result)
absent = run("--json", "--conn", 999, BASIC)
check("a connection that is not there is trouble, as in explain", absent.status == 2
      and absent.says == "wstrace: there is no connection 999; the capture has 1\n", absent)
check("the totals are told all the same", absent.events("stats") == json_.events("stats"), absent)

headers = run("--json", "--headers", BASIC).events("handshake")[0]
check("--headers", any(n.lower() == "upgrade" for n, _ in headers["request_headers"]), headers)
check("no headers without", "request_headers" not in json_.events("handshake")[0])
check("-v has headers, too", "Upgrade" in run("-v", BASIC).text or "upgrade" in run("-v", BASIC).text)

long = max(messages, key=lambda m: m["len"])
result = run("--json", "--max-payload", "3", BASIC)
cut = next(m for m in result.events("message") if m["msg"] == long["msg"] and m["conn"] == long["conn"])
check("--max-payload", cut["omitted"] == long["len"] - 3 and len(cut.get("text", "")) <= 3, cut)
check("--max-payload is told", any(p["id"] == "limit.payload" for p in result.events("problem")), result)
result = run("--json", "--max-message", "3", BASIC)
cut = next(m for m in result.events("message") if m["msg"] == long["msg"] and m["conn"] == long["conn"])
check("--max-message", cut["omitted"] == long["len"] - 3 and cut["len"] == long["len"], cut)
check("--max-message is told", any(p["id"] == "limit.message" for p in result.events("problem")), result)
one, all_ = run("--max-text", "1", BASIC), run("--max-text", "0", BASIC)
check("--max-text cuts with a mark", "…" in one.text and len(one.out) < len(text.out), one)
check("--max-text 0 cuts nothing", "…" not in all_.text, all_)

# -- comments in the capture ----------------------------------------------------------------------------------


def block(kind, body):
    length = 12 + len(body)
    return struct.pack("<II", kind, length) + body + struct.pack("<I", length)


def option(code, value):
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)


end = option(0, b"")
frame = bytes(60)
pcapng = (block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1) + option(1, b"about the file") + end)
          + block(1, struct.pack("<HHI", 1, 0, 0))
          + block(6, struct.pack("<IIIII", 0, 0, 0, len(frame), len(frame)) + frame
                  + option(1, b"look\x1b[2J here\nand there") + end))
result = run("-v", "-", data=pcapng)
check("-v: comments", result.status == 0 and "comment: about the file\n" in result.text
      and "comment on packet 1: look\\x1b[2J here\\nand there\n" in result.text, result)
check("no comments without", "comment" not in run("-", data=pcapng).text)
check("no comments in JSON", b"comment" not in run("-v", "--json", "-", data=pcapng).out)

# -- times -------------------------------------------------------------------------------------------------------

message = re.compile(r"^( ?\S+(?: \S+)?) +#1 ", re.M)
forms = {
    "": r"\d\d:\d\d:\d\d\.\d{6}",
    "-tt": r"\d{9,10}\.\d{6}",
    "-ttt": r"(\d\d:\d\d:\d\d|\d+)\.\d{6}",
    "-tttt": r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}",
    "-ttttt": r"(\d\d:\d\d:\d\d|\d+)\.\d{6}",
}
for flag, form in forms.items():
    result = run("-q", *([flag] if flag else []), BASIC)
    found = message.findall(result.text)
    check(f"times {flag or 'by default'}", found and all(re.fullmatch(form, t.strip()) for t in found), found[:3] or result)
result = run("-q", "-t", BASIC)
check("-t: none", result.text.lstrip().startswith("#1") and not re.search(r"\d\d:\d\d:\d\d\.", result.text), result)
check("-t -t is -tt", run("-t", "-t", BASIC).out == run("-tt", BASIC).out)
east = environment(TZ="EST-3")
check("text is local time", run(BASIC, env=east).out != text.out)
check("--utc is not", run("--utc", BASIC, env=east).out == text.out)
check("JSON is UTC", run("--json", BASIC, env=east).out == json_.out)
check("-tt knows no zone", run("-tt", BASIC, env=east).out == run("-tt", BASIC).out)

# -- the same capture, the same bytes ----------------------------------------------------------------------------

check("twice the same", run("--json", BASIC).out == json_.out and run(BASIC).out == text.out)

# -- how several connections ended: of each by its own frames -----------------------------------------

for name in ("01_ws_plain_closes", "04_h2c", "05_two_servers", "07_h2_resets", "03_beast", "01_ws_plain_basic"):
    capture = os.path.join(CAPTURES, name + ".pcap")
    words = [*opened(capture), capture]
    events = run("--json", *words).events()
    closes = {(e["conn"], e["dir"]) for e in events if e["type"] == "close"}
    said = [("ended without a close frame", "with one close frame only", "closed cleanly")[n] if n or e["tcp"] != "rst" else "reset"
            for e in events if e["type"] == "end" for n in [sum(c == e["conn"] for c, _ in closes)]]
    line = run(*words).text.splitlines()[-2]
    check(f"{name}: how they ended", not said[1:] and "closed" not in line
          or said[1:] and {what: int(n) for n, what in (part.split(" ", 1) for part in line.split(", "))} == {w: said.count(w) for w in said},
          (line, said))

done()

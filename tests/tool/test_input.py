#!/usr/bin/env python3
"""What is read: files, standard input, filters, how far, and what happens to damaged ones."""

import gzip
import os
import shutil
import struct
import subprocess

from toolcheck import BASIC, DEFLATE, SOURCE, check, directory, done, refused, run

basic, deflate = run("--json", BASIC), run("--json", DEFLATE)


def stats(result):
    return result.events("stats")[0]


def body(result):
    """All but `meta`, which names the sources."""
    return result.text.split("\n", 1)[1]


packets = stats(basic)["packets"]
check("a capture is read", basic.status == 0 and packets > 10 and basic.err == b"", basic)
check("meta says what was asked for", basic.events("meta")[0]["sources"] == [BASIC]
      and basic.events("meta")[0]["filter"] is None, basic)

# -- words: files or a filter ------------------------------------------------------------------

check("-r FILE is FILE", run("--json", "-r", BASIC).out == basic.out)
check("--read FILE is FILE", run("--json", "--read", BASIC).out == basic.out)
both = run("--json", BASIC, DEFLATE)
check("two files are one capture",
      stats(both)["packets"] == packets + stats(deflate)["packets"] and both.status == 0, both)
check("-r twice is two files", run("--json", "-r", BASIC, "-r", DEFLATE).out == both.out)
check("numbers go on",
      both.events("end")[-1]["conn"] == basic.events("end")[-1]["conn"] + deflate.events("end")[-1]["conn"], both)


def records(name):
    """The header of a classic little-endian capture, and its packets."""
    with open(name, "rb") as file:
        data = file.read()
    found, at = [], 24
    while at < len(data):
        end = at + 16 + int.from_bytes(data[at + 8:at + 12], "little")
        found.append(data[at:end])
        at = end
    return data[:24], found


def said(result):
    """What each direction said, in its order."""
    told = sorted(result.events("message") + result.events("close"), key=lambda e: (e["conn"], e["dir"]))
    return [{k: v for k, v in e.items() if k not in ("ts", "pkt", "first_pkt", "msg")} for e in told]


# A ring's files overlap a little: a file is closed while packets of another queue are on the way.
BURST = os.path.join(SOURCE, "captures/01_ws_plain_burst.pcap")
header, ring = records(BURST)
half, late = len(ring) // 2, 4
ring[half - late:half + late] = ring[half:half + late] + ring[half - late:half]
with directory() as tmp:
    files = [os.path.join(tmp, "ring_1.pcap"), os.path.join(tmp, "ring_2.pcap")]
    for name, part in zip(files, (ring[:half], ring[half:])):
        with open(name, "wb") as file:
            file.write(header + b"".join(part))
    burst, overlapping = run("--json", BURST), run("--json", *files)
check("files of a ring that overlap by eight packets say the same",
      said(overlapping) == said(burst) and len(said(burst)) > 600 and stats(overlapping)["gaps"] == 0, overlapping)

words = run("--json", "-r", BASIC, "tcp", "and", "not", "udp")
check("words behind -r are the filter", body(words) == body(basic), words)
check("meta has the filter", words.events("meta")[0]["filter"] == "tcp and not udp", words)
check("words in front of -r are, too", run("--json", "tcp", "-r", BASIC, "and not udp").out == words.out)
none = run("--json", "-r", BASIC, "udp")
check("a filter that nothing passes", none.status == 0 and stats(none)["packets"] == 0, none)
refused("a filter that is none", run("-r", BASIC, "tcp prot"), "tcp prot")
mixed = run("--json", BASIC, "tcp")
check("without -r a word is a file: what can be read is, then 2",
      mixed.status == 2 and "tcp: " in mixed.says and body(mixed) == body(basic), mixed)

# -- -f, -F ----------------------------------------------------------------------------------------

first = run("--json", "-f", "udp", BASIC, DEFLATE)
second = run("--json", BASIC, "-f", "udp", DEFLATE)
check("-f concerns the next file", first.status == 0 and stats(first)["packets"] == stats(deflate)["packets"], first)
check("and no other", stats(second)["packets"] == packets, second)
check("-f before -r", run("--json", "-f", "udp", "-r", BASIC, "-r", DEFLATE).out == first.out)
check("-f and a filter for all: both", stats(run("--json", "-f", "tcp", "-r", BASIC, "udp"))["packets"] == 0)
with directory() as tmp:
    path = os.path.join(tmp, "filter")
    with open(path, "w") as f:
        f.write("# only udp\nudp # here\nor (tcp and port 1) # and that\n")
    result = run("--json", "-F", path, BASIC)
    check("-F: the filter of a file, without its comments", result.status == 0 and stats(result)["packets"] == 0, result)
    result = run("--json", "-F", path, "-r", BASIC, "tcp")
    check("-F: other words are not used, and it says so",
          stats(result)["packets"] == 0 and "'tcp' is not used" in result.says, result)
    check("-F - is standard input", stats(run("--json", "-F", "-", BASIC, data=b"udp"))["packets"] == 0)
    refused("-F - beside -", run("-F", "-", "-"), "standard input")
    refused("-F of nothing", run("-F", os.path.join(tmp, "no"), BASIC), "No such file")
    refused("-F of a capture", run("-F", BASIC, BASIC), "no filter")
    refused("-F of something endless", run("-F", "/dev/zero", BASIC), "/dev/zero")

# -- -c --------------------------------------------------------------------------------------------

for n in (1, 5, packets, packets + 1):
    result = run("--json", "-c", n, BASIC)
    check(f"-c {n}", result.status == 0 and stats(result)["packets"] == min(n, packets), result)
check("-c counts over all files", stats(run("--json", "-c", packets + 2, BASIC, DEFLATE))["packets"] == packets + 2)
check("-c counts what passed the filter",
      stats(run("--json", "-c", 3, "-r", BASIC, "tcp[tcpflags] & tcp-push != 0"))["packets"] == 3)

# -- standard input, forms of files ------------------------------------------------------------------

data = open(BASIC, "rb").read()
check("- is standard input, a pipe", body(run("--json", "-", data=data)) == body(basic))
with open(BASIC, "rb") as f:
    check("- is standard input, a file", body(run("--json", "-r", "-", stdin=f)) == body(basic))
check("- compressed", body(run("--json", "-", data=gzip.compress(data))) == body(basic))
with directory() as tmp:
    for name in ("with blank.pcap", "-dash.pcap", "uml\u00e4ut.pcap", "esc\x1b[31m.pcap", "problems"):
        shutil.copy(BASIC, os.path.join(tmp, name))
        word = name if name != "-dash.pcap" and name != "problems" else "./" + name
        result = run("--json", word, cwd=tmp)
        check(f"a file called {name!r}", result.status == 0 and body(result) == body(basic), result)
        check(f"{name!r} in text", b"\x1b" not in run(word, cwd=tmp).out)
    os.mkfifo(os.path.join(tmp, "fifo"))
    feeder = subprocess.Popen(["cp", BASIC, os.path.join(tmp, "fifo")], stderr=subprocess.DEVNULL)
    result = run("--json", os.path.join(tmp, "fifo"))
    feeder.kill()
    feeder.wait()
    check("a named pipe", body(result) == body(basic), result)

# -- damage -------------------------------------------------------------------------------------------

with directory() as tmp:
    cut = os.path.join(tmp, "cut.pcap")
    with open(cut, "wb") as f:
        f.write(data[: len(data) // 2])
    result = run("--json", cut)
    whole = set(body(basic).splitlines())
    check("a cut file: exit status 2", result.status == 2, result)
    check("a cut file: packet and byte on stderr, one line",
          "cut.pcap: " in result.says and ": packet " in result.says and ", byte " in result.says
          and result.says.count("\n") == 1, result)
    check("a cut file: everything before is printed",
          len([l for l in result.text.splitlines() if l in whole]) >= 5, result)
    check("a cut file: the totals come all the same", result.events()[-1]["type"] == "stats", result)
    result = run("--json", cut, DEFLATE)
    check("the file after a cut one is read", result.status == 2
          and stats(result)["packets"] > stats(deflate)["packets"], result)
    result = run("--json", os.path.join(tmp, "no"), BASIC)
    check("a missing file beside a good one: read what can be, then 2",
          result.status == 2 and body(result) == body(basic) and "No such file" in result.says, result)
    refused("nothing but a missing file", run(os.path.join(tmp, "no")), "No such file")
    for name, content, words in (("empty", b"", "empty"), ("text", b"hello, this is no capture\n" * 9, "not a capture")):
        with open(os.path.join(tmp, name), "wb") as f:
            f.write(content)
        refused(f"a file that is {name}", run(os.path.join(tmp, name)), words)
    refused("a directory", run(tmp), tmp)
    if os.geteuid() != 0:
        os.chmod(cut, 0)
        refused("a file that must not be read", run(cut), "Permission denied")

# -- files of one recording in the order of a shell --------------------------------------------------------

with directory() as tmp:
    head, rest = records(BASIC)
    parts, names = max(1, len(rest) // 11), []
    for i in range(11):
        names.append(os.path.join(tmp, f"cap{i}"))
        with open(names[-1], "wb") as f:
            f.write(head + b"".join(rest[i * parts:(i + 1) * parts if i < 10 else None]))
    right, wrong = run(*names), run(*sorted(names))
    check("in order: not a word", right.err == b"" and "1 connection" in right.text, right)
    check("cap10 before cap2: once, and which", wrong.says.count("is older than") == 1 and wrong.status == 0
          and f"{names[2]} is older than {names[10]}, " in wrong.says, wrong)
    check("a pattern knows the order", run(os.path.join(tmp, "cap*")).err == b"")
    other = os.path.join(tmp, "other")
    shutil.copy(names[0], other)
    check("files that have nothing to do with each other are read in any", run(names[10], other).err == b"")

# -- cut packets ------------------------------------------------------------------------------------------

with directory() as tmp:
    name = os.path.join(tmp, "cut.pcap")
    for most in (80, 200):
        lost = []
        with open(BASIC, "rb") as f, open(name, "wb") as to:
            to.write(f.read(24))
            while head := f.read(16):
                n, wire = struct.unpack("<II", head[8:])
                data = f.read(n)
                lost += [n - most] if n > most else []
                to.write(head[:8] + struct.pack("<II", min(n, most), wire) + data[:most])
        told = [e for e in run("--json", name).events("problem") if e["id"] == "capture.cut"]
        check(f"packets cut at {most} bytes: told once, of the first",
              len(told) == 1 and told[0]["conn"] is None and told[0]["detail"].startswith(f"{lost[0]} bytes "), told)
    check("whole packets: nothing of that", "capture.cut" not in basic.text, basic)

# -- nothing found ---------------------------------------------------------------------------------------

tls = os.path.join(SOURCE, "captures", "06_tls13_keyupdate.pcap")
if os.path.exists(tls):
    result = run(tls)
    check("nothing found is no trouble", result.status == 0 and result.err == b"", result)
    check("and it says what was there", "no WebSocket" in result.text and "TLS" in result.text, result)
result = run("-r", BASIC, "udp")
check("nothing at all", result.status == 0 and "no WebSocket" in result.text, result)

done()

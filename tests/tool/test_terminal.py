#!/usr/bin/env python3
"""On a terminal: colour, NO_COLOR, TERM, progress that comes and goes."""

import os
import re
import struct
import sys
import unicodedata

from toolcheck import BASIC, CAPTURES, check, directory, done, environment, on_terminal, run

status, shown = on_terminal(BASIC)
check("colour on a terminal", status == 0 and b"\x1b[" in shown, shown)
for name, env in (("NO_COLOR=1", environment(NO_COLOR="1")), ("TERM=dumb", environment(TERM="dumb")),
                  ("no TERM", environment(TERM=None))):
    status, shown = on_terminal(BASIC, env=env)
    check(f"{name}: no colour", status == 0 and b"\x1b" not in shown and b"#1" in shown, shown)
check("an empty NO_COLOR is none", b"\x1b[" in on_terminal(BASIC, env=environment(NO_COLOR=""))[1])
check("--color never", b"\x1b" not in on_terminal("--color", "never", BASIC)[1])
check("--color always against NO_COLOR",
      b"\x1b[" in on_terminal("--color", "always", BASIC, env=environment(NO_COLOR="1"))[1])
status, shown = on_terminal("no-such-file\x1b[2J")
check("an error message is not obeyed", status == 2 and b"\x1b" not in shown, shown)
check("a short run shows no progress", b"%" not in on_terminal("--json", BASIC, stdout_too=False)[1])

# -- progress: a pipe that takes its time; the tool looks at the clock every 256 packets ------------------

data = open(BASIC, "rb").read()
header, first = data[:24], data[24:]
packet = first[: struct.unpack("<I", first[8:12])[0] + 16]
feed = [header, *[packet * 300, 0.4] * 8]  # three seconds: also where starting takes one

status, shown = on_terminal("--json", "-", stdout_too=False, feed=feed)
check("a long run shows progress", status == 0 and re.search(rb"\r\d+ packets\x1b\[K", shown), shown)
check("and takes it away in the end", shown.endswith(b"\r\x1b[K") and b"\n" not in shown, shown)
status, shown = on_terminal("--json", "-", stdout_too=False, feed=[*feed, packet[:-1]])
check("a message comes on a clean line", status == 2 and b"\r\x1b[Kwstrace: -: " in shown, shown)
for what, args, env in (("-q", ["-q"], None), ("TERM=dumb", [], environment(TERM="dumb"))):
    status, shown = on_terminal("--json", *args, "-", stdout_too=False, feed=feed, env=env)
    check(f"{what}: no progress", status == 0 and shown == b"", shown)
status, shown = on_terminal("--json", "-", feed=[*feed, data[24:]])
check("lines of output come on clean lines, too",
      b"\r\x1b[K{" in shown and not re.search(rb"packets\x1b\[K[^\r]", shown), shown[-600:])

# A file has an end, so there is a percentage; large enough to see it, if that is not too large.
with directory() as tmp:
    path, shown = os.path.join(tmp, "pile.pcap"), b""
    for megabytes in (32, 192):
        with open(path, "wb") as f:
            f.write(header)
            for _ in range(megabytes):
                f.write(packet * (1 + (1 << 20) // len(packet)))
        status, shown = on_terminal("--json", path, stdout_too=False, timeout=120)
        if b"%" in shown:
            break
    if b"%" in shown:
        check("progress says how far", re.search(rb"\r *\d+%  \d+ of \d+ MB  \d+ packets\x1b\[K", shown), shown[-200:])
    else:
        check("nothing was shown that has to be taken away", shown == b"", shown)

# -- a line of text ends with the terminal's ---------------------------------------------------------------


def plain(shown):
    return re.sub(r"\x1b\[[0-9;]*m", "", shown.decode().replace("\r", ""))


def columns_of(line):
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


every = sorted(name for name in os.listdir(CAPTURES) if name.endswith(".pcap") and name[:2] in ("01", "02", "03", "05", "08", "09"))
check("there are captures", len(every) > 40)
for capture in every:
    shown = plain(on_terminal("--no-apps", os.path.join(CAPTURES, capture), columns=80)[1]).splitlines()
    longest = max(shown, key=columns_of)
    check(f"{capture}: no line is wider than 80 columns", columns_of(longest) <= 80, longest)

for capture in ("01_ws_plain_basic.pcap", "02_pmd_default.pcap", "08_socketio_websocket.pcap"):
    path = os.path.join(CAPTURES, capture)
    for columns in (60, 80, 100, 132):
        status, shown = on_terminal("-q", path, columns=columns)
        lines = [line for line in plain(shown).splitlines() if re.search(r"[<>] +(text|binary|ping|pong|close) ", line)]
        longest = max(map(columns_of, lines))
        check(f"{capture}: no message is wider than {columns} columns", status == 0 and longest <= columns, longest)
        check(f"{capture}: on {columns} columns there is a mask only if there is room",
              any(" mask " in line for line in lines) == (columns >= 110), lines)
    check(f"{capture}: short payloads are whole", '"Hello' not in run("-q", path).text or
          re.search(r'"Hello[^"]*"\n', plain(on_terminal("-q", path, columns=80)[1])), capture)
    check(f"{capture}: with next to nothing left they go on below",
          re.search(r'^ {6}"[^"]', plain(on_terminal("-q", path, columns=40)[1]), re.M))
    check(f"{capture}: frames have their flags", " mask " in plain(on_terminal("-v", path, columns=80)[1]))
    whole = ("-q", "--max-text", "0", path)
    check(f"{capture}: unless all is asked for", '"… +' not in plain(on_terminal(*whole, columns=110)[1]))

# -- other lines go on below --------------------------------------------------------------------------------

sys.path.insert(0, os.path.join(CAPTURES, "scripts"))
from wire import C2S, TEXT, Session, Wire, classic  # noqa: E402

MESSAGE = re.compile(r"[<>] +(text|binary|cont|ping|pong|close) ")


def squeezed(text):
    return re.sub(r"\s+", "", text)


# -- findings alone ----------------------------------------------------------------------------------------

for capture in ("05_invalid_utf8.pcap", "06_tls13_ccm.pcap", "04_subprotocol.pcap"):
    path = os.path.join(CAPTURES, capture)
    piped = run("lint", path).text
    for columns in (60, 80, 200):
        shown = plain(on_terminal("lint", path, columns=columns)[1])
        findings = shown.split("\nlevel ")[0].splitlines()
        check(f"lint {capture}: no finding is wider than {columns} columns", max(map(columns_of, findings)) <= columns, shown)
        check(f"lint {capture}: on {columns} columns nothing is lost", "".join(piped.split()) in "".join(shown.split()), shown)


def folded(what, columns, *args, cut=False):
    """Nothing is wider than the terminal, no line is there that is not of the piped ones, no field is lost."""
    status, shown = on_terminal("-q", "--problems=all", *args, columns=columns)
    lines = plain(shown).splitlines()
    wide = [line for line in lines if columns_of(line) > columns]
    check(f"{what}: nothing is wider than {columns} columns", status == 0 and not wide, wide)
    piped = [line for line in run("-q", "--problems=all", *args).text.splitlines() if not MESSAGE.search(line)]
    together = squeezed("".join(lines))
    lost = [line for line in piped if squeezed(line) not in together and not re.search(r'"$|"… \+\d+ bytes$', line)]
    check(f"{what}: on {columns} columns no field is lost", cut or not lost, lost)
    return lines, piped


for capture in ("01_ws_plain_closes.pcap", "04_ipv6.pcap", "04_real_failures.pcap", "08_mqtt5.pcap", "09_net_loss.pcap"):
    for columns in (80, 100, 132):
        folded(capture, columns, os.path.join(CAPTURES, capture))

for capture in ("01_ws_plain_closes.pcap", "04_real_failures.pcap"):
    totals = plain(on_terminal("--problems=all", os.path.join(CAPTURES, capture), columns=44)[1]).splitlines()[-6:]
    check(f"{capture}: the totals are no wider than 44 columns", all(columns_of(line) <= 44 for line in totals), totals)

with directory() as tmp:
    path = os.path.join(tmp, "long.pcap")
    wire = Wire()
    talk = Session(wire, ("10.0.0.1", 40000), seed=1).handshake("/" + "way/" * 60)
    talk.frame(C2S, TEXT, "hello")
    with open(path, "wb") as f:
        f.write(classic(wire.packets))
    lines, piped = folded("a long URI", 80, path, cut=True)
    check("a long URI is cut, and says so", any(re.search(r"GET /way/\S*… \+\d+ bytes$", line) for line in lines), lines)
    check("but not in a pipe", "/" + "way/" * 60 in piped[0], piped)
    whole = plain(on_terminal("-q", "--max-text", "0", path, columns=80)[1])
    check("nor where all is asked for", "/" + "way/" * 60 in whole, whole)
    lines = plain(on_terminal("-q", BASIC, columns=80)[1]).splitlines()
    check("a field that does not fit stands below the first one",
          lines[1].startswith(" " * lines[0].index("127.0.0.1") + "101 Switching"), lines[:3])

done()

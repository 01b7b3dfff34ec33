#!/usr/bin/env python3
"""On a terminal: colour, NO_COLOR, TERM, progress that comes and goes."""

import os
import struct

from toolcheck import BASIC, TOOL, check, directory, done, environment, on_terminal

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

# -- progress: a file that is large enough to last a second, made of one packet many times -----------------

SLOW = 60  # seconds at most


def pile(path, megabytes):
    data = open(BASIC, "rb").read()
    header, first = data[:24], data[24:]
    length = struct.unpack("<I", first[8:12])[0] + 16
    block = first[:length] * (1 + (1 << 20) // length)
    with open(path, "wb") as f:
        f.write(header)
        for _ in range(megabytes):
            f.write(block)


with directory() as tmp:
    path, shown = os.path.join(tmp, "pile.pcap"), b""
    for megabytes in (64, 512, 2048):
        if os.statvfs(tmp).f_bavail * os.statvfs(tmp).f_frsize < megabytes * 3 << 20:
            break
        pile(path, megabytes)
        status, shown = on_terminal("--json", path, stdout_too=False, timeout=SLOW)
        if b"%" in shown:
            break
    else:
        megabytes = 0
    if b"%" in shown:
        check("progress says how far", b" MB  " in shown and b" packets" in shown, shown[-200:])
        check("progress is taken away", shown.endswith(b"\r\x1b[K"), shown[-200:])
        check("progress is no row of lines", b"\n" not in shown, shown[-200:])
        for what, more in (("-q", {}), ("TERM=dumb", {"env": environment(TERM="dumb")})):
            args = ["-q"] if what == "-q" else []
            status, shown = on_terminal("--json", *args, path, stdout_too=False, timeout=SLOW, **more)
            check(f"{what}: no progress", status == 0 and shown == b"", shown[-200:])
        cut = os.path.join(tmp, "pile.pcap")
        os.truncate(cut, os.path.getsize(cut) - 7)
        status, shown = on_terminal("--json", cut, stdout_too=False, timeout=SLOW)
        check("a message wipes the progress before it",
              status == 2 and b"\r\x1b[Kwstrace: " in shown and shown.count(b"\n") == 1, shown[-300:])
    else:
        print("no file was large enough to see progress on this machine")

done()

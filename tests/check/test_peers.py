#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real peers say the same at any speed: one golden for all of them, silent; what the server changes is caught.

Small here; tests/check/peers/check_peers.sh does all of it, with tcpdump, nginx and a browser.
"""
import glob
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "peers"))
import party  # noqa: E402,F401
import recordings  # noqa: E402
from toolcheck import check, directory, done, run, skip  # noqa: E402

SETTINGS = ["--ignore", "$..ts", "--ignore", "$.at", "--redact", "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}=ROOM"]
WORDS = {"word": ["message 4 from the server", "a line of prose"], "field": ['$.result.users[2] is new: "eve"'], "order": ['"n": 2', "another place"],
         "code": ["close from the server", "1001"], "ping": ["ping from the server and 1 more behind it were not expected", '"extra"']}


def judge(folder):
    """All recordings in a folder against the first of them."""
    captures = sorted(glob.glob(os.path.join(folder, "[np]*.pcap")))
    golden = os.path.join(folder, "session.golden")
    made = run("snapshot", *SETTINGS, captures[0], "-o", golden)
    check("snapshot", made.status == 0 and made.err == b"", made)
    for capture in captures:
        result = run("check", capture, golden)
        check(f"{os.path.basename(capture)}: the same", result.status == 0 and result.err == b"", result)
    changed = sorted(glob.glob(os.path.join(folder, "changed-*.pcap")))
    for capture in changed:
        what = os.path.basename(capture).split("-")[1]
        result = run("check", capture, golden)
        check(f"{os.path.basename(capture)}: caught", result.status == 1, result)
        for word in WORDS[what]:
            check(f"{os.path.basename(capture)}: says {word!r}", word in result.text, result)
        check(f"{os.path.basename(capture)}: nothing else", int(result.text.split(" difference")[0].split()[-1]) <= 2, result)
    print(f"{len(captures)} recordings the same, {len(changed)} changed ones caught")


if len(sys.argv) > 3:
    judge(sys.argv[3])
    done()
servers = [s for s in ("node", "python") if recordings.have(s)]
if not servers:
    skip("neither node with ws (.ci/deps test) nor python3-websockets is here")
with directory() as tmp:
    pairs = [(servers[0], servers[-1]), (servers[-1], servers[0])]
    for server, client in dict.fromkeys(pairs):
        for i, pace in enumerate((0, 3, 15)):
            recordings.play(f"{tmp}/{server}-{client}-{i}.pcap", server, client, tmp, pace=pace, deflate=i == 1)
        for change in recordings.CHANGES:
            recordings.play(f"{tmp}/changed-{change}-{server}.pcap", server, client, tmp, pace=2, change=change)
    judge(tmp)
done()

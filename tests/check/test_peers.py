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


def table(captures, same, changed, caught):
    """A line for each pair of peers: how many recordings, how many the same, which changes were caught."""
    pair = lambda capture: os.path.basename(capture).rsplit("-", 1)[0]  # noqa: E731
    print(f"{'server-client':<24} {'recorded':>8} {'the same':>8}  " + "  ".join(recordings.CHANGES))
    for name in sorted(set(map(pair, captures))):
        row = [f"{sum(pair(c) == name for c in list_of):>8}" for list_of in (captures, same)]
        for change in recordings.CHANGES:
            file = next((c for c in changed if os.path.basename(c) == f"changed-{change}-{name}.pcap"), None)
            row.append(f" {'-' if file is None else 'caught' if file in caught else 'MISSED':>{len(change) - 1}}")
        print(f"{name:<24} " + " ".join(row))


def judge(folder):
    """All recordings in a folder against the first of them."""
    same, caught = [], []
    captures = sorted(glob.glob(os.path.join(folder, "[np]*.pcap")))
    golden = os.path.join(folder, "session.golden")
    made = run("snapshot", *SETTINGS, captures[0], "-o", golden)
    check("snapshot", made.status == 0 and made.err == b"", made)
    for capture in captures:
        result = run("check", capture, golden)
        check(f"{os.path.basename(capture)}: the same", result.status == 0 and result.err == b"", result)
        same += [capture] if result.status == 0 else []
    changed = sorted(glob.glob(os.path.join(folder, "changed-*.pcap")))
    for capture in changed:
        what = os.path.basename(capture).split("-")[1]
        result = run("check", capture, golden)
        check(f"{os.path.basename(capture)}: caught", result.status == 1, result)
        if result.status == 1 and all(word in result.text for word in WORDS[what]):
            caught.append(capture)
        for word in WORDS[what]:
            check(f"{os.path.basename(capture)}: says {word!r}", word in result.text, result)
        check(f"{os.path.basename(capture)}: nothing else", int(result.text.split(" difference")[0].split()[-1]) <= 2, result)
    table(captures, same, changed, caught)
    print(f"{len(same)} of {len(captures)} recordings are the same, {len(caught)} of {len(changed)} changes were caught and named")


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
            check("a recording", recordings.record(f"{tmp}/{server}-{client}-{i}.pcap", server, client, tmp, pace=pace, deflate=i == 1))
        for change in recordings.CHANGES:
            check("a recording", recordings.record(f"{tmp}/changed-{change}-{server}-{client}.pcap", server, client, tmp, pace=2, change=change))
    judge(tmp)
done()

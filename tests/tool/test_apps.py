#!/usr/bin/env python3
"""What rides on WebSocket, on the command line: who says it, who does not, and that nothing else changes."""

import glob
import json
import os
import re
import struct

from toolcheck import BASIC, CAPTURES, check, done, run

FILES = sorted(glob.glob(os.path.join(CAPTURES, "08_*.pcap")))
BELOW = re.compile(r"^    \S.*$")  # a line of text that belongs to the one above it
HANDSHAKE = re.compile(r"^    (key|asked|headers|>|<)")


def without(events):
    return [{k: v for k, v in e.items() if k != "app"} for e in events]


def said(events):
    return [(e["conn"], e["msg"], e["app"]) for e in events if e["type"] == "message" and "app" in e]


check("there are captures", len(FILES) >= 5)
for path in FILES:
    name = os.path.basename(path)
    plain, apps = run("--json", path), run("--json", "--apps", path)
    check(f"{name}: JSON does not say it unasked", b'"app":' not in plain.out)
    check(f"{name}: nothing else changes", without(apps.events()) == plain.events())
    told = said(apps.events())
    check(f"{name}: something is said", sum(len(a["packets"]) for _, _, a in told) > 0)
    check(f"{name}: an end has the sums", all(
        e["app"][d]["packets"] == sum(
            len(a["packets"]) + a["omitted"] for m in apps.events("message") if m["conn"] == e["conn"] and m["dir"] == d
            for a in [m.get("app", {"packets": [], "omitted": 0})])
        for e in apps.events("end") if "app" in e for d in ("c2s", "s2c")))
    check(f"{name}: answers follow questions", all(
        p["answers"] < m["msg"] and p["after"] >= 0
        for m in apps.events("message") for p in m.get("app", {"packets": []})["packets"] if p["answers"]))
    check(f"{name}: with threads", run("--json", "--apps", "--jobs", "2", path).out == apps.out)

    # What was left out of the timeline has been heard nevertheless.
    for option in (["--dir", "s2c"], ["--op", "text"], ["--conn", "1"], ["--grep", "e"]):
        some = said(run("--json", "--apps", *option, path).events())
        check(f"{name} {option}: the same is said", all(one in told for one in some))

    text, bare = run(path), run("--no-apps", path)
    kept = [line for line in text.text.splitlines() if not BELOW.match(line) or HANDSHAKE.match(line)]
    check(f"{name}: text says it below the lines", kept == bare.text.splitlines() and kept != text.text.splitlines(), text)
    check(f"{name}: cut payloads say nothing", all(
        a["packets"] == [] for e in run("--json", "--apps", "--max-payload", "1", path).events("message")
        if e["omitted"] for a in [e.get("app", {"packets": []})]))
    cut = [e["omitted"] > 0 for e in run("--json", "--apps", "--max-payload", "1", path).events("message") if "app" in e]
    check(f"{name}: ... and text says why", run("--max-payload", "1", path).text.count("  not read: a limit cut it\n") == sum(cut), cut)

with open(os.path.join(CAPTURES, "08_socketio_websocket.pcap"), "rb") as file:
    data, at, packets = file.read(), 24, []
while at < len(data):
    end = at + 16 + struct.unpack_from("<I", data, at + 8)[0]
    packets.append(data[at:end])
    at = end
lost = data[:24] + b"".join(packets[:16] + packets[17:])  # the answer that later ones refer to
doubtful = [e for e in run("--json", "--apps", "-", data=lost).events("message") if "app" in e and not e["certain"]]
text = run("-", data=lost).text
check("what is not known whole is not read, and that is said", len(doubtful) > 0 and all(e["app"]["packets"] == [] for e in doubtful)
      and text.count("  not read: not all of it is known\n") == len(doubtful), text)
plain = run("--json", "--apps", BASIC)
check("where there is no such protocol nothing is said", b'"app":' not in plain.out)
check("nor in text", run(BASIC).out == run("--no-apps", BASIC).out)
lint = run("lint", FILES[0])
check("lint does not hear it", lint.out == run("lint", "--apps", FILES[0]).out)
report = run("report", FILES[0]).text
page = json.loads(report[report.index("[", report.index('id="data"')):report.index("</script>", report.index('id="data"'))])
check("a report has it", any(isinstance(e, dict) and e.get("type") == "message" and e["app"]["packets"] for e in page))
done()

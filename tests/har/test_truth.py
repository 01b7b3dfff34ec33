#!/usr/bin/env python3
"""Archives of the shipped captures, held against what the endpoints recorded: every message, every
control frame, every handshake. And against the specification, each of them."""

import base64
import glob
import hashlib
import os
import subprocess
import sys

import archive
from toolcheck import CAPTURES, SOURCE, TOOL, check, done

sys.path.insert(0, os.path.join(SOURCE, "tests", "truth"))
import check_truth as truth  # noqa: E402

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
archives = 0


def header(lines, name):
    values = [h["value"] for h in lines if h["name"].lower() == name]
    return ", ".join(values) if values else None


def handshake(entry):
    """What an event would say, out of the entry's own members."""
    request, response = entry["request"]["headers"], entry["response"]["headers"]
    key, accept = header(request, "sec-websocket-key"), header(response, "sec-websocket-accept")
    right = key and base64.b64encode(hashlib.sha1(key.encode("latin-1") + GUID).digest()).decode()
    target = entry["request"].get("_target") or "/" + entry["request"]["url"].split("://", 1)[1].partition("/")[2]
    version = header(request, "sec-websocket-version") or ""
    asked = entry["request"]["method"] != ""
    return {"status": entry["response"]["status"] or None, "accepted": entry["_accepted"],
            "uri": target if asked else None, "subprotocol": entry.get("_subprotocol"),
            "server_extensions": header(response, "sec-websocket-extensions"),
            "client_extensions": header(request, "sec-websocket-extensions"),
            "user_agent": header(request, "user-agent"), "version": int(version) if version.isdigit() else None,
            "client_key": key, "server_accept": accept, "accept_ok": accept == right if key and accept else
            False if key and entry["_accepted"] and entry["response"]["status"] == 101 else None,
            "tls": entry.get("_tls")}


def unit(item):
    data = archive.payload(item)
    sha, n = hashlib.sha256(data).hexdigest(), len(data)
    if item["opcode"] == 8:
        data = b"" if item.get("code") is None else item["code"].to_bytes(2, "big") + data
        sha, n = hashlib.sha256(data).hexdigest(), len(data)
    return {"opcode": item["opcode"], "length": n + item.get("_omitted", 0), "code": item.get("code"),
            "sha": None if item.get("_omitted") else sha}


def collect(entries):
    table = {}
    for e in entries:
        key = (f"{truth.endpoint(e['_clientIPAddress'], e['_clientPort'])}>"
               f"{truth.endpoint(e['serverIPAddress'], int(e['connection']))}")
        if "_streamId" in e:
            key += f"#{e['_streamId']}"
        c = table.setdefault(key, truth.Connection())
        c.control = getattr(c, "control", {"c2s": [], "s2c": []})
        c.handshakes.append(handshake(e))
        for item in e["_webSocketMessages"]:
            if item.get("_certain", True):
                c.units[{"send": "c2s", "receive": "s2c"}[item["type"]]].append(unit(item))
        for item in e.get("_webSocketControlFrames", []):
            if item.get("_complete", True):
                c.control[{"send": "c2s", "receive": "s2c"}[item["type"]]].append(unit(item))
    return table


def same(t, got):
    if t["opcode"] != got["opcode"]:
        return False
    if got["opcode"] == 8 and t["length"] == 1:
        return got["code"] is None  # one byte is no code
    return t["length"] == got["length"] and (got["sha"] is None or t["sha256"] == got["sha"])


def compare(told, entries, say):
    """As check_truth does; but an archive has two lists, so there is no order between them."""
    table, by_conn = collect(entries), {}
    for t in told or []:
        if t["kind"] in ("handshake", "message"):
            by_conn.setdefault(t["conn"], {"handshake": [], "message": []})[t["kind"]].append(t)
    partial = any("decodable" in t for t in told or [])
    for key, want in by_conn.items():
        got = table.pop(key, None)
        if got is None:
            if want["message"] and (not partial or any(t.get("decodable", True) for t in want["message"])):
                say(f"{key}: not there")
            continue
        truth.compare_handshakes(key, want["handshake"], got.handshakes, partial, say)
        for way in ("c2s", "s2c"):
            for what, units, data in (("messages", got.units, True), ("control frames", got.control, False)):
                mine = [t for t in want["message"] if t["dir"] == way and (t["opcode"] in (1, 2)) == data]
                truth.compare_units(f"{key} {way} {what}", mine, units[way], partial, say)
    for key, got in table.items():
        if any(h["accepted"] for h in got.handshakes) or got.units["c2s"] or got.units["s2c"]:
            say(f"{key}: a connection no endpoint knows")


def run(tool, files, extra):
    global archives
    r = subprocess.run([tool, "har", *extra, *files], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    log, wrong = archive.parse(r.stdout)
    check(f"{' '.join(map(os.path.basename, files))}: as HAR 1.2 says", not wrong, wrong)
    archives += 1
    return log["entries"], r.returncode, r.stderr.decode(errors="replace")


truth.run, truth.compare, truth.same = run, compare, same
peers = [f for f in glob.glob(os.path.join(CAPTURES, "peers", "*.pcap*")) if "bomb" not in f and "split" not in f]
for files, folder in (([CAPTURES], os.path.join(CAPTURES, "truth")),
                      (peers, os.path.join(CAPTURES, "peers", "truth"))):
    sys.argv = ["check_truth", "--tool", TOOL, "--truth-dir", folder, *files]
    check(f"{folder}: nothing differs", truth.main() == 0)
check("there were many", archives >= 140, archives)

# A comparison that cannot fail proves nothing.
entries = [{"_clientIPAddress": "1.1.1.1", "_clientPort": 1, "serverIPAddress": "2.2.2.2", "connection": "2",
            "_accepted": True, "request": {"method": "GET", "url": "ws://a/b", "headers": []},
            "response": {"status": 101, "headers": []},
            "_webSocketMessages": [{"type": "send", "time": 1, "opcode": 1, "data": "a"}]}]
line = {"conn": "1.1.1.1:1>2.2.2.2:2", "dir": "c2s", "kind": "message", "opcode": 1, "length": 1,
        "sha256": hashlib.sha256(b"a").hexdigest()}
for change, differs in (({}, False), ({"sha256": "0"}, True), ({"length": 2}, True), ({"dir": "s2c"}, True),
                        ({"opcode": 2}, True), ({"conn": "3.3.3.3:1>2.2.2.2:2"}, True)):
    said = []
    compare([{**line, **change}], entries, said.append)
    check(f"the comparison sees {change}", bool(said) == differs, said)

done()

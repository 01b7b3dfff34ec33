#!/usr/bin/env python3
"""wstrace har, as its users meet it: options, outputs, no room, signals, many connections, hostile
bytes, captures cut anywhere."""

import base64
import json
import os
import random
import signal
import struct
import subprocess
import time

import archive
from toolcheck import BASIC, CAPTURES, DEFLATE, TOOL, check, directory, done, environment, on_terminal, refused, run


def read(data):
    log, wrong = archive.parse(data)
    check("as HAR 1.2 says", not wrong, wrong[:9])
    return log


def har(*args, **more):
    result = run("har", *args, **more)
    return result, read(result.out)


def messages(log):
    return [m for e in log["entries"] for m in e["_webSocketMessages"]]


# -- a capture written by hand ---------------------------------------------------------------------------


class Pcap:
    def __init__(self, path):
        self.file, self.ns = open(path, "wb"), 1795176001 * 10**9
        self.file.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, 101))

    def tcp(self, conn, up, flags, seq, ack, data=b""):
        a, b = struct.pack("!IH", 0x0A000000 + conn // 50000, conn % 50000 + 10000), struct.pack("!IH", 0x0B000001, 80)
        src, dst = (a, b) if up else (b, a)
        segment = src[4:] + dst[4:] + struct.pack("!IIBBHHH", seq, ack, 5 << 4, flags, 65535, 0, 0) + data
        packet = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(segment), 0, 0, 64, 6, 0) + src[:4] + dst[:4] + segment
        self.ns += 1000
        self.file.write(struct.pack("<IIII", self.ns // 10**9, self.ns % 10**9, len(packet), len(packet)) + packet)


ASK = (b"GET /chat?n=%d HTTP/1.1\r\nHost: example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n%s\r\n")
YES = (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
       b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")


def frame(op, data, mask=False):
    n = len(data)
    size = struct.pack("!B", n | mask << 7) if n < 126 else struct.pack("!BH", 126 | mask << 7, n)
    return bytes([0x80 | op]) + size + (b"\0\0\0\0" if mask else b"") + data


def converse(pcap, conn, ups, downs, extra=b""):
    ask = ASK % (conn, extra)
    pcap.tcp(conn, True, 24, 1, 1, ask)
    down, up = YES + b"".join(downs), b"".join(ups)
    for i in range(0, len(down), 60000):
        pcap.tcp(conn, False, 24, 1 + i, 1 + len(ask), down[i:i + 60000])
    for i in range(0, len(up), 60000):
        pcap.tcp(conn, True, 24, 1 + len(ask) + i, 1 + len(down), up[i:i + 60000])


with directory() as tmp:
    # -- hostile bytes -------------------------------------------------------------------------------------
    path, out = os.path.join(tmp, "in.pcap"), os.path.join(tmp, "out.har")
    nasty = ["\x1b]0;owned\x07", "\0", "\"},{\"x\":[", "</script>\u2028\u202e", "\\ud800", "🦉" * 300, "\x7f\x80\ufeff"]
    broken = [b"\xed\xa0\x80", b"\xff", b"a\xc3", b"\xf4\x90\x80\x80"]
    pcap = Pcap(path)
    converse(pcap, 1, [frame(1, t.encode(), True) for t in nasty], [frame(2, b) for b in broken] +
             [frame(9, b"\x1b\0\xff"), frame(8, b"\x03\xe8bye\0")], b"X: \x1b[31m\xff\0\"\r\nCookie: a=\x1b; b=\"<\"\r\n")
    pcap.file.close()
    result, log = har(path)
    entry = log["entries"][0]
    check("texts are what was sent", [m["data"] for m in messages(log) if m["opcode"] == 1] == nasty, result)
    check("bytes are what was sent", [archive.payload(m) for m in messages(log) if m["opcode"] == 2] == broken, result)
    control = entry["_webSocketControlFrames"]
    check("a ping that is no text", archive.payload(control[0]) == b"\x1b\0\xff" and control[0]["_encoding"] == "base64", control)
    check("a close and its reason", (control[1]["code"], control[1]["data"]) == (1000, "bye\0"), control)
    check("HTTP Toolkit's close", entry["_webSocketClose"]["code"] == 1000 and entry["_webSocketClose"]["reason"] == "bye\0", entry)
    check("cookies", [(c["name"], c["value"]) for c in entry["request"]["cookies"]] == [("a", "\x1b"), ("b", '"<"')], entry)
    check("the query", entry["request"]["queryString"] == [{"name": "n", "value": "1"}], entry)

    # -- where it goes ---------------------------------------------------------------------------------------
    whole, log = har(DEFLATE)
    result = run("har", DEFLATE, "-o", out)
    check("-o: the same bytes", result.status == 0 and result.out == b"" and open(out, "rb").read() == whole.out, result)
    check("nothing is left beside it", os.listdir(tmp) == ["in.pcap", "out.har"] or sorted(os.listdir(tmp)) == ["in.pcap", "out.har"])
    status, shown = on_terminal("har", BASIC)
    check("not over a terminal", status == 2 and b"give -o FILE" in shown, shown)
    refused("the input as output", run("har", path, "-o", path), "input and output")
    check("as root or not, in a sandbox or not", run("har", "--no-sandbox", DEFLATE).out == whole.out)
    check("from standard input", read(run("har", "-", data=open(DEFLATE, "rb").read()).out)["entries"] == log["entries"])
    check("with threads", run("har", "--jobs", "2", DEFLATE).out == whole.out)
    result = run("har", BASIC, stdout=open("/dev/full", "wb"))
    check("a full device", result.status == 2 and result.says.count("\n") == 1 and "No space" in result.says, result)
    result = subprocess.run(f"'{TOOL}' har '{DEFLATE}' | head -c 20", shell=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    check("a closed pipe", result.stderr == b"" and len(result.stdout) == 20, result)
    appended = os.path.join(tmp, "appended")
    with open(appended, "wb") as f:
        f.write(b"before\n")
    with open(appended, "ab") as f:
        run("har", DEFLATE, stdout=f)
    check(">> appends", open(appended, "rb").read() == b"before\n" + whole.out)
    os.remove(appended)

    # -- selections, and that they are said --------------------------------------------------------------------
    events = run("--json", DEFLATE).events("message")
    result, log = har("--dir", "c2s", DEFLATE)
    check("--dir", len(messages(log)) == sum(e["dir"] == "c2s" for e in events) and "clients" in log["comment"], log.get("comment"))
    result, log = har("--op", "binary", DEFLATE)
    check("--op", {m["opcode"] for m in messages(log)} <= {2} and "opcode 2" in log["comment"], log.get("comment"))
    result, log = har("--conn", "1", DEFLATE)
    check("--conn", len(log["entries"]) == 1 and "connection 1" in log["comment"], log.get("comment"))
    check("--conn of none", run("har", "--conn", "99", DEFLATE).status == 2)
    result, log = har("--max-payload", "3", DEFLATE)
    check("--max-payload", all(len(archive.payload(m)) + m.get("_omitted", 0) == e["len"] for m, e in zip(messages(log), events))
          and any(m.get("_omitted") and m["comment"] for m in messages(log)), result)
    check("--problems none", not any("_problems" in e for e in har("--problems", "none", DEFLATE)[1]["entries"]))
    result, log = har("-c", "9", BASIC)
    proxied = har(os.path.join(CAPTURES, "04_proxy_protocol_v1.pcap"))[1]["entries"][0]
    check("whom a proxy speaks for", (proxied["_proxiedIPAddress"], proxied["_proxiedPort"]) == ("192.0.2.1", 5555), proxied)
    check("... where there is one", not any("_proxiedIPAddress" in e for e in har(DEFLATE)[1]["entries"]))
    check("-c", "first 9 packets" in log["comment"] and log["entries"][0]["comment"].startswith("not over"), log)

    # -- a capture that ends anywhere ----------------------------------------------------------------------------
    data, cut = open(path, "rb").read(), os.path.join(tmp, "cut.pcap")
    for n in [*range(0, len(data), 61), len(data) - 1]:
        with open(cut, "wb") as f:
            f.write(data[:n])
        result = run("har", cut)
        if result.out:
            got = [m["data"] for m in messages(read(result.out)) if m["opcode"] == 1]
            check(f"cut at {n}: a beginning", got == nasty[:len(got)], got)
        else:
            check(f"cut at {n}: no capture", result.status == 2, result)

    # -- no room -----------------------------------------------------------------------------------------------
    # Nowhere to lie: TMPDIR is not tried alone, so the namespace has no other writable place.
    big = os.path.join(tmp, "big.pcap")
    pcap, rnd = Pcap(big), random.Random(1)
    lines = [rnd.randbytes(30000) for _ in range(40)]
    for conn in range(1, 41):
        converse(pcap, conn, [frame(2, line, True) for line in lines[:2]], [frame(2, line) for line in lines])
    pcap.file.close()
    plain, log = har(big)
    check("nothing is lost by waiting", [archive.payload(m) for m in messages(log)] == (lines + lines[:2]) * 40 and plain.status == 0,
          (plain.status, plain.err))
    if os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"]).returncode == 0:
        def inside(kib_out, command, out_name="/mnt/out.har"):
            script = (f"mount -t tmpfs -o size={kib_out}k none /mnt && cd /mnt && {command}; s=$?; "
                      f"test -e {out_name} && cat {out_name}; exit $s")
            r = subprocess.run(["unshare", "-m", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment(), timeout=200)
            return r

        for kib in (40, 3000, 30000, 60000):
            r = inside(kib, f"'{TOOL}' har --no-sandbox -Z root '{big}' -o /mnt/out.har")
            check(f"{kib} KiB: said, status 2", r.returncode == 2 and b"No space left" in r.stderr, r.stderr)
            log = read(r.stdout)
            got = messages(log)
            check(f"{kib} KiB: as much as fits, and it says so",
                  "comment" in log and (kib < 100 or got) and len(got) < len(lines) * 42, (len(got), log.get("comment")))
            check(f"{kib} KiB: nothing wrong in it", all(archive.payload(m) in lines or m.get("_omitted") for m in got))
        r = inside(40, f"'{TOOL}' har '{big}' -o /mnt/out.har")
        check("in the sandbox, too", r.returncode == 2 and "comment" in read(r.stdout), r.stderr)
        # Read-only where they are: the tool may lie below them.
        locked = "".join(f"mount --bind {d} {d} && mount -o remount,bind,ro {d} && " for d in ("/var/tmp", "/tmp"))
        r = inside(40, f"{locked} TMPDIR=/proc '{TOOL}' har '{DEFLATE}'", "/no")
        check("no temporary file: said, and done without", r.returncode == 0 and r.stdout == whole.out and
              r.stderr.count(b"\n") == 1 and b"no temporary file (" in r.stderr, r.stderr)
    else:
        print("not root: no small file systems")

    # -- a limit for all payloads together -----------------------------------------------------------------------
    told = run("--json", DEFLATE).events("message")
    sizes = [len(m["text"].encode()) if "text" in m else len(base64.b64decode(m["b64"])) for m in told]
    all_of_it, log = har(DEFLATE)
    check("no limit is met", all_of_it.status == 0 and all_of_it.err == b"" and "comment" not in log, all_of_it.err)
    for most in (1, sizes[0] + 1, sum(sizes) // 2):
        result, log = har("--max-total", most, DEFLATE)
        got = messages(log)
        bare = [m for m in got if m.get("_omitted")]
        kept = sum(len(archive.payload(m)) for m in got)
        check(f"--max-total {most}: all messages are there", len(got) == len(told), (len(got), len(told)))
        check(f"--max-total {most}: whole, or without their payload", all(m["data"] == "" and "too large" in m["comment"] for m in bare)
              and sorted(len(archive.payload(m)) + m.get("_omitted", 0) for m in got) == sorted(sizes), bare[:2])
        check(f"--max-total {most}: no more than that", 0 < len(bare) and kept <= most, kept)
        check(f"--max-total {most}: said", result.status == 2 and f"{len(bare)} message" in result.says and "(--max-total)" in result.says
              and f"{most} byte{'s' * (most > 1)} in all" in result.says and f"{len(bare)} messages" in log["comment"], (result.says, log.get("comment")))
    escaped = os.path.join(tmp, "escaped.pcap")
    pcap = Pcap(escaped)
    converse(pcap, 0, [], [frame(1, b"\x01" * 1000), frame(1, b"ok"), frame(2, b"\x01" * 300), frame(1, "ä\x7f\"".encode() * 20)])
    pcap.file.close()
    for most, there in ((1200, 3), (6001, 3), (6002, 1), (6006, 2), (6006 + 402, 3), (10**4, 4)):
        result, log = har("--max-total", most, escaped)
        data = [m["data"] for m in messages(log)]
        check(f"--max-total {most}: it counts as it is written", sum(map(bool, data)) == there
              and sum(len(json.dumps(d)) for d in data if d) <= most, [len(d) for d in data])
    little = os.path.join(tmp, "little.pcap")
    pcap = Pcap(little)
    converse(pcap, 0, [], [frame(1, b"x" * 1000)] * 30 + [frame(1, b"little")])
    pcap.file.close()
    result, log = har("--max-total", 8, little)
    check("what is left out leaves room", [m["data"] for m in messages(log)] == [""] * 30 + ["little"], messages(log)[-1])
    result = run("har", "--max-total", "1", DEFLATE)
    check("one byte", "more than 1 byte in all" in result.says, result)
    for most in ("0", "x"):
        result = run("har", "--max-total", most, DEFLATE)
        check(f"--max-total {most}: none", result.status == 2 and "--max-total wants a size" in result.says, result)

    # -- many connections ------------------------------------------------------------------------------------------
    many, number = os.path.join(tmp, "many.pcap"), 60000
    pcap = Pcap(many)
    for conn in range(number):
        converse(pcap, conn, [frame(1, b"up %d" % conn, True)], [frame(1, b"down")])
    pcap.file.close()
    result, log = har(many)
    check("many: each has an entry", len(log["entries"]) == number, len(log["entries"]))
    check("many: with its own messages", all([m["data"] for m in e["_webSocketMessages"]] == ["down", f"up {i}"]
          for i, e in enumerate(log["entries"])))
    check("many: and its own address", all(e["request"]["url"] == f"ws://example.com/chat?n={i}" for i, e in enumerate(log["entries"])))

    # -- stopped ---------------------------------------------------------------------------------------------------
    process = subprocess.Popen([TOOL, "har", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               env=environment())
    process.stdin.write(open(BASIC, "rb").read())
    process.stdin.flush()
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    o, err = process.communicate(timeout=30)
    check("SIGINT: status 0, all that came", process.returncode == 0 and err == b"" and
          len(messages(read(o))) == len(messages(har(BASIC)[1])), (process.returncode, err))
    if os.geteuid() == 0:
        process = subprocess.Popen([TOOL, "har", "-i", "lo", "-o", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        said = process.stderr.readline()
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        o, err = process.communicate(timeout=30)
        check("live: SIGINT", process.returncode == 0 and b"listening on lo" in said and b"packets captured" in err, (said, err))
        check("live: a document", read(open(out, "rb").read())["_capture"]["connections"] >= 0)

    # -- what is refused, or not there ---------------------------------------------------------------------------
    entries = har(os.path.join(CAPTURES, "04_real_failures.pcap"))[1]["entries"]
    check("refused upgrades are there", {401, 404, 503} <= {e["response"]["status"] for e in entries} and
          all(not e["_webSocketMessages"] for e in entries if e["response"]["status"] >= 400), entries)
    entries = har(os.path.join(CAPTURES, "07_h2c_oneway_s2c.pcap"))[1]["entries"]
    check("picked up: nothing is made up", all(e["request"]["method"] == "" and e["response"]["status"] == 0 and
          e["_certain"] is False and "picked up" in e["comment"] for e in entries), entries[:1])
    entries = har(os.path.join(CAPTURES, "peers", "lost_one_of_320.pcap"))[1]["entries"]
    check("a gap is said", entries[0]["_gaps"] and entries[0]["_certain"] is False and "gap" in entries[0]["comment"], entries[0].get("comment"))

    # -- text that refers to what is not in the capture: the whole capture has it --------------------------------
    texts = {m["data"] for m in messages(har(DEFLATE)[1])}
    data, at = open(DEFLATE, "rb").read(), 24
    for _ in range(20):
        at += 16 + struct.unpack_from("<I", data, at + 8)[0]
    late = os.path.join(tmp, "late.pcap")
    with open(late, "wb") as f:
        f.write(data[:24] + data[at:])
    partly = [m for m in messages(har(late)[1]) if "_pieces" in m]
    check("pieces are told", len(partly) > 3 and all(m["_certain"] is False for m in partly), len(partly))
    for m in partly:
        pieces, end, shown = [(p["at"], p["text"].encode()) for p in m["_pieces"]], 0, ""
        length = m["_omitted"] + sum(len(text) for _, text in pieces)
        for place, text in pieces:
            shown += "…" * (place > end) + text.decode()
            end = place + len(text)
        check("... in places where the message has them", any(
            len(t) == length and all(t[place:place + len(text)] == text for place, text in pieces)
            for t in map(str.encode, texts)), m)
        check("... and data is what a viewer can show of them", m["data"] == shown + "…" * (end < length), m)
    shown, asked = len(partly), sum(len(json.dumps(m["data"], ensure_ascii=False).encode()) for m in partly)
    result, log = har("--max-total", asked, late)
    partly = [m for m in messages(log) if "_pieces" in m]
    check("--max-total counts pieces, too", 0 < len(partly) < shown and len(json.dumps(partly, ensure_ascii=False)) < 2 * asked, len(partly))

done()

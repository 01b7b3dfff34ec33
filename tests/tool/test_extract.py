#!/usr/bin/env python3
"""wstrace extract: the files hold what the endpoints say they sent, and nothing that lacks bytes looks
whole."""

import base64
import collections
import hashlib
import json
import os
import pwd
import resource
import shutil
import signal
import subprocess
import sys
import time

from toolcheck import BASIC, CAPTURES, DEFLATE, SOURCE, TOOL, check, directory, done, environment, on_terminal, opened, refused, run

sys.path.insert(0, os.path.join(SOURCE, "tests", "report"))
import made  # noqa: E402

PEERS = os.path.join(CAPTURES, "peers")


def files(folder):
    found = {}
    for name in os.listdir(folder):
        with open(os.path.join(folder, name), "rb") as file:
            found[name] = file.read()
    return found


def messages(*args):
    return [e for e in run("--json", *args).events("message")]


def payload(event):
    return event["text"].encode() if "text" in event else base64.b64decode(event["b64"])


def name(e):
    beginning = "" if e["certain"] and not e["omitted"] else ".beginning"
    return f"conn{e['conn']}-msg{e['msg']}-{e['dir']}{beginning}.{'txt' if 'text' in e else 'bin'}"


def as_told(events):
    return {name(e): payload(e) for e in events if e["certain"] or payload(e)}


with directory() as tmp:
    numbers = iter(range(10**6))

    def folder():
        return os.path.join(tmp, f"out{next(numbers)}")

    def extract(*args, **more):
        out = folder()
        result = run("extract", *args, "-o", out, **more)
        return result, files(out)

    # -- what the endpoints wrote down ----------------------------------------------------------------------
    for capture in ("01_ws_plain_frag", "02_pmd_default", "02_pmd_fragmented", "03_chromium_deflate", "07_h2c_prior", "09_net_reorder"):
        sent = collections.Counter()
        with open(os.path.join(CAPTURES, "truth", capture + ".ndjson"), encoding="utf-8") as truth:
            for line in map(json.loads, truth):
                if line["kind"] == "message" and line["opcode"] in (1, 2):
                    sent[line["dir"], line["opcode"], line["sha256"]] += 1
        result, got = extract(os.path.join(CAPTURES, capture + ".pcap"))
        wrote = collections.Counter((n.split("-")[2][:3], 1 if n.endswith(".txt") else 2, hashlib.sha256(b).hexdigest()) for n, b in got.items())
        check(f"{capture}: every message of both endpoints, and no other", result.status == 0 and sent and wrote == sent, result)
        check(f"{capture}: says how many", result.text == f"{len(got)} messages, {sum(map(len, got.values()))} bytes, in {len(got)} files\n", result)

    # -- what the timeline says, of whole captures and of those with holes ----------------------------------
    shipped = [os.path.join(d, f) for d in (CAPTURES, PEERS) for f in sorted(os.listdir(d)) if ".pcap" in f and "bomb" not in f]
    holes = 0
    for capture in shipped:
        args = [capture, *opened(capture)]
        told = messages(*args)
        result, got = extract(*args)
        holes += any(".beginning." in n for n in got)
        check(f"{os.path.basename(capture)}: the files are the timeline's messages", got == as_told(told), result)
    check("some of them have holes", holes >= 5, holes)

    # -- a file for each direction ----------------------------------------------------------------------------
    for capture in (BASIC, DEFLATE, os.path.join(CAPTURES, "01_ws_plain_closes.pcap")):
        told = collections.defaultdict(bytes)
        for e in messages(capture):
            told[f"conn{e['conn']}-{e['dir']}.bin"] += payload(e)
        result, got = extract("--stream", capture)
        check("--stream: payload behind payload", got == {n: b for n, b in told.items() if b}, result)
        conn, way = (1, "s2c") if "conn1-s2c.bin" in told else (1, "c2s")
        result = run("extract", "--conn", conn, "--dir", way, capture, "-o", "-")
        check("-o -: one of them", result.status == 0 and result.out == told[f"conn{conn}-{way}.bin"] and result.err == b"", result)
    result, got = extract("--stream", "--op", "binary", BASIC)
    check("--op", got["conn1-c2s.bin"] == b"".join(payload(e) for e in messages(BASIC) if e["dir"] == "c2s" and e["op"] == "binary"), result)

    lost = os.path.join(PEERS, "lost_one_of_320.pcap")
    told = messages(lost)
    at = next(i for i, e in enumerate(told) if not e["certain"])
    parts = [b"".join(map(payload, told[:at])), payload(told[at]), b"".join(map(payload, told[at + 1:]))]
    result, got = extract("--stream", lost)
    check("behind a hole a stream goes on in another file", got == {"conn1-c2s.bin": parts[0], "conn1-c2s.2.bin": parts[1], "conn1-c2s.3.bin": parts[2]}, result)
    check("... which is said", result.status == 0 and "1 hole in the streams" in result.says and "1 message is a beginning" in result.says, result)
    result = run("extract", "--conn", "1", "--dir", "c2s", lost, "-o", "-")
    check("standard output ends there", result.status == 2 and result.out == parts[0] and "lacks bytes behind" in result.says, result)

    # More streams than files are held open, each said to in turn; some end, some have holes.
    many = os.path.join(tmp, "many.pcap")
    capture, conns, want = made.Capture(many), [], collections.defaultdict(bytes)
    for _ in range(150):
        capture.open()
        conns.append((capture.port, capture.seq))
    for turn in range(4):
        for i, (port, seq) in enumerate(conns, 1):
            if i % 10 == turn:
                continue
            capture.port, capture.seq = port, seq
            for way, word in ((made.C2S, "c2s"), (made.S2C, "s2c")):
                said = f"{turn} {i} {word}\n".encode() * 3
                capture.send(way, made.frame(way, 1, said))
                want[f"conn{i}-{word}.bin"] += said
            if i % 7 == 0 and turn == 3:
                capture.end()
    capture.close()
    result, got = extract("--stream", many)
    check("300 streams, woven into each other", got == want, result)

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    result, got = extract("--stream", many, preexec_fn=few_files)
    check("... of which few can be open", got == want, result)
    result, some = extract("--stream", "--max-files", "100", many)
    check("--max-files", result.status == 2 and len(some) == 100 and all(got[n] == b for n, b in some.items()) and "left out: more than 100 files" in result.says, result)

    # Connections that have to go because there is no memory for so many.
    crowd = os.path.join(tmp, "crowd.pcap")
    capture = made.Capture(crowd)
    for i in range(1, 3001):
        capture.open()
        capture.send(made.S2C, made.frame(made.S2C, 1, b"one"))
    capture.close()
    ended = collections.Counter(e["tcp"] for e in run("--json", "--memory", "1M", crowd).events("end"))
    result, got = extract("--stream", "--memory", "1M", crowd)
    check("forgotten connections are counted", ended["evicted"] > 100 and len(got) == 3000 and
          f"{ended['evicted']} connections were forgotten for want of memory" in result.says, result)
    first = next(e["conn"] for e in run("--json", "--memory", "1M", crowd).events("end") if e["tcp"] == "evicted")
    result = run("extract", "--memory", "1M", "--conn", str(first), "--dir", "s2c", crowd, "-o", "-")
    check("... of standard output by the exit status", result.status == 2 and result.out == b"one" and
          "1 connection was forgotten" in result.says, result)

    # What lacks its beginning, or something between, is no whole stream either.
    late = os.path.join(tmp, "late.pcap")
    with open(BASIC, "rb") as file:
        data, at = file.read(), 24
    for _ in range(12):
        at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
    with open(late, "wb") as file:
        file.write(data[:24] + data[at:])
    told = [e for e in messages(late) if e["dir"] == "c2s"]
    result, got = extract("--stream", "--dir", "c2s", late)
    check("picked up: no first part", result.status == 0 and got == {"conn1-c2s.2.bin": b"".join(map(payload, told))}, result)
    check("... which is said", "1 stream was picked up without a handshake" in result.says, result)
    result = run("extract", "--conn", "1", "--dir", "c2s", late, "-o", "-")
    check("... of standard output by the exit status, too", result.status == 2 and result.out == b"".join(map(payload, told)), result)
    orphans = os.path.join(CAPTURES, "05_continuation_without_start.pcap")
    result, got = extract("--stream", orphans)
    check("frames of no message leave a hole", got == {"conn1-c2s.2.bin": b"good text", "conn1-s2c.2.bin": b"good text"} and "2 holes" in result.says, result)
    broken = os.path.join(tmp, "broken.pcap")
    capture = made.Capture(broken)
    capture.open()
    capture.send(made.S2C, made.frame(made.S2C, 2, b"before") + made.frame(made.S2C, 2, b"x" * 1000)[:600])
    capture.end()
    capture.close()
    for args in ((), ("--stream",)):
        result, got = extract(*args, broken)
        check("a message that breaks off is told of", result.status == 0 and list(got.values()) == [b"before"] and
              "1 message was begun, and never ended" in result.says, result)
    result = run("extract", "--conn", "1", "--dir", "s2c", broken, "-o", "-")
    check("... of standard output by the exit status, too", result.status == 2 and result.out == b"before", result)

    # -- limits -------------------------------------------------------------------------------------------------
    result, got = extract("--max-payload", "4", BASIC)
    check("--max-payload: beginnings are called so", result.status == 0 and got == as_told(messages("--max-payload", "4", BASIC)) and
          any(".beginning." in n for n in got) and "beginnings" in result.says, result)
    result, got = extract("--max-message", "100", os.path.join(CAPTURES, "01_ws_plain_frag.pcap"))
    check("--max-message", got == as_told(messages("--max-message", "100", os.path.join(CAPTURES, "01_ws_plain_frag.pcap"))), result)
    result, got = extract("--max-files", "5", BASIC)
    check("--max-files: 5 files", result.status == 2 and sorted(got) == sorted(f for f in as_told(messages(BASIC)) if int(f.split("-")[1][3:]) <= 5), result)

    # From the first message on that is too much there is nothing, in files or in streams.
    told = [m for m in (json.loads(line) for line in run("--json", BASIC).out.splitlines()) if m["type"] == "message"]
    sizes = [m["len"] for m in told]
    for room in (1, sizes[0], sizes[0] + sizes[1], sum(sizes) - 1, sum(sizes)):
        fit = 0
        while fit < len(sizes) and sum(sizes[:fit + 1]) <= room:
            fit += 1
        result, got = extract("--max-total", str(room), BASIC)
        check(f"--max-total {room}: {fit} messages", result.status == (2 if fit < len(sizes) else 0) and len(got) == fit and
              (f"{len(sizes) - fit} message" in result.says and "bytes in all (--max-total)" in result.says) == (fit < len(sizes)) and
              sum(len(b) for b in got.values()) == sum(sizes[:fit]), result)
        result, got = extract("--stream", "--max-total", str(room), BASIC)
        check(f"... of streams", result.status == (2 if fit < len(sizes) else 0) and sum(len(b) for b in got.values()) == sum(sizes[:fit]) and
              not any(".2." in n for n in got), result)

    def little_room():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))

    result, got = extract(os.path.join(CAPTURES, "01_ws_plain_frag.pcap"), preexec_fn=little_room)
    whole = as_told(messages(os.path.join(CAPTURES, "01_ws_plain_frag.pcap")))
    check("no room: what is there is whole, and what failed is gone", result.status == 2 and got and all(whole[n] == b for n, b in got.items())
          and "File too large" in result.says and len(got) < len(whole), result)

    def few_descriptors():
        resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))

    result, got = extract("--stream", many, preexec_fn=few_descriptors)
    check("few descriptors: fewer files are held open", result.status == 0 and got == want, result)

    # -- selection, and what is said ------------------------------------------------------------------------------
    result, got = extract("--dir", "s2c", "--op", "text", BASIC)
    check("--dir and --op", got == as_told([e for e in messages(BASIC) if e["dir"] == "s2c" and e["op"] == "text"]), result)
    result, got = extract("--grep", "e", BASIC)
    check("--grep", result.status == 0 and got == as_told(messages("--grep", "e", BASIC)), result)
    result, got = extract("--grep", "nobody says this", BASIC)
    check("--grep in vain", result.status == 1 and not got and result.text == "0 messages, 0 bytes, in 0 files\n", result)
    result, got = extract("--list", BASIC)
    check("--list", sorted(result.text.splitlines()) == sorted(got) and len(got) == 20, result)
    result, got = extract("-q", BASIC)
    check("-q", result.out == b"" and result.err == b"" and got, result)
    check("with threads", extract("--jobs", "2", DEFLATE)[1] == as_told(messages(DEFLATE)))
    check("without a sandbox", extract("--no-sandbox", DEFLATE)[1] == as_told(messages(DEFLATE)))
    result, got = extract("--conn", "99", BASIC)
    check("--conn of none", result.status == 2 and "no connection 99" in result.says and not got, result)

    sealed = os.path.join(CAPTURES, "06_chromium_tls12.pcap")
    result, got = extract(sealed)
    check("without its key TLS stays closed, and that is said", not got and "stayed closed and were not read: no key" in result.says, result)

    # -- where it goes ----------------------------------------------------------------------------------------------
    out = folder()
    os.mkdir(out)
    check("an empty folder will do, with a slash, too", run("extract", BASIC, "-o", out + "/").status == 0 and len(files(out)) == 20)
    refused("a folder that holds something", run("extract", BASIC, "-o", out), "there are files in it")
    check("... is left as it was", len(files(out)) == 20)
    refused("a file in its place", run("extract", BASIC, "-o", many), "Not a directory")
    refused("a folder of nowhere", run("extract", BASIC, "-o", os.path.join(tmp, "no", "where")), "No such file")
    refused("a capture that is not there", run("extract", os.path.join(tmp, "none.pcap"), "-o", folder()), "No such file")
    check("... costs no folder", not os.path.exists(os.path.join(tmp, f"out{next(numbers) - 1}")))
    refused("no folder", run("extract", BASIC), "-o FOLDER")
    refused("-o - of everything", run("extract", BASIC, "-o", "-"), "--conn and --dir")
    refused("-o - and --list", run("extract", BASIC, "--conn", "1", "--dir", "c2s", "--list", "-o", "-"), "--list")
    refused("--op of control frames", run("extract", "--op", "ping", BASIC, "-o", folder()), "--op text or binary")
    refused("--grep of a stream", run("extract", "--grep", "x", "--stream", BASIC, "-o", folder()), "--grep")
    status, shown = on_terminal("extract", BASIC, "--conn", "1", "--dir", "c2s", "-o", "-")
    check("not over a terminal", status == 2 and b"terminal" in shown, shown)
    result = run("extract", BASIC, "--conn", "1", "--dir", "c2s", "-o", "-", stdout=open("/dev/full", "wb"))
    check("a full device", result.status == 2 and result.says.count("\n") == 1 and "No space" in result.says, result)

    # -- as it comes --------------------------------------------------------------------------------------------------
    with open(many, "rb") as file:
        data = file.read()
    out = folder()
    process = subprocess.Popen([TOOL, "extract", "-", "-o", out], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment())
    process.stdin.write(data[:len(data) * 3 // 4])
    process.stdin.flush()
    end = time.monotonic() + 30
    while time.monotonic() < end and not (os.path.isdir(out) and len(os.listdir(out)) > 100):
        time.sleep(0.05)
    check("from a pipe, while it is open", os.path.isdir(out) and len(os.listdir(out)) > 100)
    process.send_signal(signal.SIGINT)
    process.stdin.close()
    said = process.stdout.read()
    check("ended by a signal, it says what there is", process.wait(30) == 0 and said.startswith(f"{len(os.listdir(out))} messages".encode()), said)

    long = os.path.join(tmp, "long.pcap")
    capture, conns = made.Capture(long), []
    for _ in range(100):
        capture.open()
        conns.append((capture.port, capture.seq))
    for turn in range(40):
        for capture.port, capture.seq in conns:
            capture.send(made.C2S, made.frame(made.C2S, 2, b"x" * 100))
    capture.close()
    with open(long, "rb") as file:
        data = file.read()
    out = folder()
    process = subprocess.Popen([TOOL, "extract", "--stream", "-", "-o", out], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, env=environment(), preexec_fn=few_files)
    process.stdin.write(data[:len(data) // 2])
    process.stdin.flush()
    end = time.monotonic() + 30
    while time.monotonic() < end and not (os.path.isdir(out) and len(os.listdir(out)) == 100):
        time.sleep(0.05)
    trap = os.path.join(out, "conn1-c2s.bin")
    os.unlink(trap)
    os.mkfifo(trap)
    try:
        said = process.communicate(data[len(data) // 2:], timeout=30)[1]
    except subprocess.TimeoutExpired:
        os.close(os.open(trap, os.O_RDONLY | os.O_NONBLOCK))  # lets go who waits for a reader
        process.kill()
        said = process.communicate()[1]
    status = process.returncode
    check("a pipe in a stream's place is not waited for", status == 2 and b"conn1-c2s.bin" in said, (status, said))

    # -- whose it is ----------------------------------------------------------------------------------------------------
    if os.geteuid() == 0:
        daemon = pwd.getpwnam("daemon")
        os.chmod(tmp, 0o755)
        out = folder()
        result = run("extract", BASIC, "-o", out, env=environment(SUDO_USER="daemon"))
        owners = {(os.stat(p).st_uid, os.stat(p).st_gid) for p in [out, *(os.path.join(out, f) for f in os.listdir(out))]}
        check("root's work is for who called sudo", result.status == 0 and owners == {(daemon.pw_uid, daemon.pw_gid)}, owners)
        victim, trap = os.path.join(tmp, "victim"), os.path.join(tmp, "trap")
        os.mkdir(victim)
        os.symlink(victim, trap)
        os.lchown(trap, daemon.pw_uid, daemon.pw_gid)
        result = run("extract", BASIC, "-o", trap, env=environment(SUDO_USER=None))
        check("a link that somebody laid is not followed", result.status == 2 and os.listdir(victim) == [], result)
        result = run("extract", BASIC, "-o", trap, env=environment(SUDO_USER="daemon"))
        check("... not for him either, where he may only read", result.status == 2 and os.listdir(victim) == [], result)

        def as_daemon():
            os.setgid(daemon.pw_gid)
            os.setuid(daemon.pw_uid)

        refused("a folder that one may only read", run("extract", BASIC, "-o", victim, preexec_fn=as_daemon), victim + ": Permission denied")
        circle = os.path.join(tmp, "circle")
        os.symlink(circle, circle)
        refused("links in a circle are not another user's", run("extract", BASIC, "-o", circle, preexec_fn=as_daemon), "Too many levels")

        # Between the look at the way and the folder's making: a link that comes then is not followed.
        if shutil.which("strace"):
            trap = os.path.join(tmp, "later")
            process = subprocess.Popen(["strace", "-qq", "-e", "trace=mkdirat", "-e", "inject=mkdirat:delay_enter=2s", TOOL, "extract", BASIC, "-o", trap + "/"],
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment(SUDO_USER=None, ASAN_OPTIONS="detect_leaks=0"))
            time.sleep(1)
            os.symlink(victim, trap)
            os.lchown(trap, daemon.pw_uid, daemon.pw_gid)
            process.wait(60)
            check("a link laid in between is not followed, slash or not", process.returncode != 0 and os.listdir(victim) == [], process.returncode)

done()

#!/usr/bin/env python3
"""The sandbox of the tool that users have, from inside: while it waits for the rest of a capture, each
of its threads is made to open a file, make a socket, start a program, and each time is refused. It
then reads on, and says what it would have said."""

import os
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tool"))

from toolcheck import BASIC, TOOL, check, directory, done, environment, run, skip  # noqa: E402

REACH = os.environ.get("WSTRACE_REACH")
REFUSED = ["open", "create", "unlink", "socket", "local-socket", "packet-socket", "exec", "fork", "kill", "code"]


def status(pid, thread):
    text = open(f"/proc/{pid}/task/{thread}/status").read()
    return {k: v.split() for k, v in re.findall(r"^(\w+):\t(.*)$", text, re.M)}


def confined(pid, seconds=30):
    """Until its system calls are filtered, and then until it waits for something."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if status(pid, pid)["Seccomp"] == ["2"] and status(pid, pid)["State"][0] == "S":
            return True
        time.sleep(0.02)
    return False


def reach(what, pid):
    for thread in os.listdir(f"/proc/{pid}/task"):
        inside = status(pid, thread)
        check(f"{what}: no capability, no way to any", inside["NoNewPrivs"] == ["1"] and
              all(int(inside[k][0], 16) == 0 for k in ("CapPrm", "CapEff", "CapInh")), inside)
        check(f"{what}: not root", os.geteuid() != 0 or "0" not in inside["Uid"], inside["Uid"])
        for _ in range(100):  # until it waits for something
            got = subprocess.run([REACH, thread], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            if got.returncode != 3:
                break
            time.sleep(0.02)
        if got.returncode == 77:
            skip(got.stderr.decode().strip())
        said = dict(line.split() for line in got.stdout.decode().splitlines())
        check(f"{what}: it can be made to do things", said.pop("itself", None) == "done", said)
        check(f"{what}: and all of them are refused", said == dict.fromkeys(REFUSED, "refused"), said)


def try_command(what, expected, *words):
    capture = open(BASIC, "rb").read()
    process = subprocess.Popen([TOOL, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment())
    process.stdin.write(capture[:3000])
    process.stdin.flush()
    check(f"{what}: it is inside before the capture has come to its end", confined(process.pid))
    reach(what, process.pid)
    out, err = process.communicate(capture[3000:], timeout=60)
    check(f"{what}: it reads on as if nothing had been", (process.returncode, out) == (expected.status, expected.out),
          (process.returncode, out[-200:], err))


if not REACH or "Seccomp" not in open("/proc/self/status").read():
    skip("no seccomp here")

data = open(BASIC, "rb").read()
with directory() as tmp:
    golden = os.path.join(tmp, "basic.golden")
    run("snapshot", BASIC, "-o", golden)
    for words in (["-"], ["--json", "-"], ["lint", "-"], ["report", "-"], ["explain", "-"],
                  ["quiz", "--answers", "--seed", "1", "-"], ["snapshot", "-"], ["check", "-", golden], ["diff", BASIC, "-"]):
        expected = run(*words, data=data)
        check(f"{' '.join(words)}: there is something to expect", expected.out or words[0] == "diff", expected)
        try_command(" ".join(words), expected, *words)

    # -- a suite: several captures at a time, each in a thread, and a report besides ------------------------
    names = [os.path.join(tmp, f"{c}.pcap") for c in "abc"]
    for name in names:
        os.mkfifo(name)
        shutil.copy(golden, name[:-5] + ".golden")
    os.unlink(golden)
    process = subprocess.Popen([TOOL, "check", "-j", "3", "--report", "junit=report.xml", tmp], cwd=tmp,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    pipes = []
    for name in names:  # it looks into one after another
        pipes.append(open(name, "wb", buffering=0))
        pipes[-1].write(data[:3000])
    check("check of a folder: it is inside", confined(process.pid))
    end = time.monotonic() + 30
    while len(os.listdir(f"/proc/{process.pid}/task")) < 4 and time.monotonic() < end:
        time.sleep(0.02)
    reach("check of a folder", process.pid)
    check("check of a folder: the report is not there yet", not os.path.exists(os.path.join(tmp, "report.xml")))
    for pipe in pipes:
        pipe.write(data[3000:])
        pipe.close()
    out, err = process.communicate(timeout=60)
    check("check of a folder: all is as expected", process.returncode == 0, (out, err))
    check("check of a folder: and so says the report",
          open(os.path.join(tmp, "report.xml")).read().count("<testcase") == 3, os.listdir(tmp))

# -- listening: a thread of its own takes packets from the kernel ---------------------------------------
if os.geteuid() == 0:
    with directory() as tmp, open(os.path.join(tmp, "err"), "wb") as err:
        process = subprocess.Popen([TOOL, "-i", "lo", "port 1"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=err, env=environment())
        check("-i: it is inside", confined(process.pid))
        end = time.monotonic() + 30
        while len(os.listdir(f"/proc/{process.pid}/task")) < 2 and time.monotonic() < end:
            time.sleep(0.02)
        reach("-i", process.pid)
        process.terminate()
        check("-i: SIGTERM ends it well", process.wait(30) == 0, open(os.path.join(tmp, "err")).read())
else:
    print("not root: listening is left out")

done()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The memory bars, measured: peak resident memory as the operating system counts it.

Captures come out of generators through pipes; only the two sizes of the last bar touch the disk,
and not in the quick version. Exit status 1: a bar is missed.
"""
import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

MIB = 1 << 20


class Memory:
    def __init__(self, args):
        self.args = args
        self.missed = []

    def run(self, generator, *options, more=()):
        """Peak bytes of wstrace, with `more` options, over what the generator writes; its truth; wstrace's last
        lines."""
        source = subprocess.Popen([os.path.join(self.args.programs, generator[0]), *generator[1:]],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        report, output = tempfile.TemporaryFile(), tempfile.NamedTemporaryFile()
        spent = os.path.join(self.args.programs, "spent")
        tail = 'exec "$@" 3>&%d' % report.fileno()
        sink = ("-o", output.name if "keep" in options else "/dev/null")
        subprocess.run(["sh", "-c", tail, "sh", spent, *sink, self.args.tool, "--json", *more, "-"],
                       stdin=source.stdout, pass_fds=[report.fileno()], check=False)
        source.stdout.close()
        truth = json.loads(source.stderr.read())
        source.wait()
        report.seek(0)
        words = report.read().split()
        if words[4] != b"0":
            sys.exit("wstrace ended with status %s" % words[4].decode())
        lines = []
        if "keep" in options:
            with open(output.name) as file:
                lines = [json.loads(line) for line in file]
        return int(words[3]) * 1024, truth, lines

    def libraries(self):
        """Peak bytes of a run that does nothing: what the system's libraries take when they are loaded."""
        report = tempfile.TemporaryFile()
        spent = os.path.join(self.args.programs, "spent")
        subprocess.run(["sh", "-c", 'exec "$@" 3>&%d' % report.fileno(), "sh", spent, "-o", "/dev/null",
                        self.args.tool, "--version"], pass_fds=[report.fileno()], check=True)
        report.seek(0)
        return int(report.read().split()[3]) * 1024

    def judge(self, what, figure, bar, unit, note=""):
        met = figure <= bar
        if not met:
            self.missed.append(what)
        verdict = "at most %7.1f  %-6s" % (bar, "met" if met else "MISSED")
        print("%-56s %9.1f %-4s%s  %s" % (what, figure, unit, verdict, note), flush=True)

    def crowd(self, kind, count, bar, what, more=()):
        # What has a cap (a flood's share, pick-ups) is reached by the few already, or by neither.
        few = count // (2 if self.args.quick else 100)
        base, _, _ = self.run(["crowd", kind, str(few), "-"], more=more)
        peak, _, _ = self.run(["crowd", kind, str(count), "-"], more=more)
        each, what = (peak - base) / (count - few), "%d %s" % (count, what)
        for limit in bar:
            self.judge(what, each, limit, "B", "each; %.1f MiB in all" % (peak / MIB))
        if not bar:
            print("%-56s %9.1f B" % (what, each), flush=True)


def quic(memory, count):
    """With secrets, which are other connections', each is looked into."""
    with tempfile.NamedTemporaryFile("w") as keys:
        keys.write("CLIENT_TRAFFIC_SECRET_0 %s %s\n" % ("00" * 32, "11" * 32))
        keys.flush()
        memory.crowd("quic", count, (5120,), "QUIC clients that nobody answers", ("--keylog", keys.name))
        beside(memory, count, ("--keylog", keys.name, "--memory", "16M"))


def beside(memory, count, more):
    """What nobody wants is forgotten before any WebSocket, whichever of TCP and QUIC it is."""
    _, truth, lines = memory.run(["crowd", "beside", str(count), "-"], "keep", more=more)
    whole = sum(line["type"] == "end" and line["clean"] for line in lines)
    if any(line.get("id") == "handshake.no-response" for line in lines):
        memory.missed.append("their answers are in the capture, and nobody may say that there are none")
    memory.judge("%d of them beside WebSocket, --memory 16M" % count, truth["c2s_msgs"] - whole, 0, "",
                 "connections not told to their end, of %d" % truth["c2s_msgs"])


def pieces(memory, count, base):
    """Bytes one by one, in no order: what malloc takes for each is of the budget, too."""
    peak, _, _ = memory.run(["crowd", "pieces", str(count), "-"], more=("--memory", "16M"))
    memory.judge("%d bytes that wait one by one, --memory 16M" % count, (peak - base) / MIB, 20, "MiB",
                 "more than one connection")


def calm(memory, count, base):
    """What a burst needed is the system's again when its connections are over: as sniffed, for the end of the
    capture has not come yet."""
    source = subprocess.Popen([os.path.join(memory.args.programs, "crowd"), "calm", str(count), "-"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    tool = subprocess.Popen([memory.args.tool, "--json", "-o", "/dev/null", "-"], stdin=subprocess.PIPE)
    while piece := source.stdout.read(1 << 16):
        tool.stdin.write(piece)
    tool.stdin.flush()
    source.wait()
    figures = {}
    for _ in range(50):  # until it has read what is in the pipe, which nobody says
        time.sleep(0.1)
        with open("/proc/%d/status" % tool.pid) as status:
            figures = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in status if line.startswith("Vm")}
        if figures["VmRSS"] - base <= 8 * MIB:
            break
    tool.stdin.close()
    if tool.wait():
        sys.exit("wstrace ended with status %d" % tool.returncode)
    memory.judge("behind a burst of %d connections" % (2 * count), (figures["VmRSS"] - base) / MIB, 8, "MiB",
                 "more than one connection; %.1f MiB in the burst" % (figures["VmHWM"] / MIB))


def flood(memory, count):
    peak, truth, lines = memory.run(["crowd", "flood", str(count), "-"], "keep")
    said = sum(line["type"] == "message" and line["certain"] for line in lines)
    ends = [line for line in lines if line["type"] == "end"]
    want = truth["c2s_msgs"] + truth["s2c_msgs"]
    whole = said == want and len(ends) == 1 and ends[0]["clean"]
    memory.judge("SYN flood of %d packets" % count, peak / MIB, 64, "MiB",
                 "%d of %d messages of the connection beside it" % (said, want))
    if not whole:
        memory.missed.append("the connection beside the flood: %d of %d messages" % (said, want))


def bomb(memory, count):
    peak, truth, lines = memory.run(["crowd", "bomb", str(count), "-"], "keep")
    memory.judge("a message of %.0f MB in a capture of %.0f kB" % (count / 1e6,
                                                                truth["file_bytes"] / 1e3),
                 peak / MIB, 64, "MiB")
    lengths = [line["len"] for line in lines if line["type"] == "message"]
    if lengths != [count]:
        memory.missed.append("the bomb's length: %s" % lengths)


def in_flight(memory, conns, size, file_bytes):
    peak, _, _ = memory.run(["gen", "--profile", "large", "--conns", str(conns), "--size", str(size),
                             "--bytes", file_bytes, "-o", "-"])
    bar = 2 * conns * size / MIB + 8
    memory.judge("%d messages of %.0f MiB in flight" % (conns, size / MIB), peak / MIB, bar, "MiB")


def sizes(memory, profile, small, large):
    """The same traffic, longer: what is held depends on connections, not on the capture."""
    # 20 MB are 28 messages of the large profile: enough for 4 connections to have one each on its way
    # at once, and again and again; not for the usual 20.
    conns = ["--conns", "4"] if profile == "large" else []
    # The median of five: how many pages of the libraries come along with those that are read is the
    # kernel's choice, and wavers by 2 %.
    peaks = [statistics.median(memory.run(["gen", "--profile", profile, *conns, "--bytes", size,
                                           "-o", "-"])[0] for _ in range(5))
             for size in (small, large)]
    growth = 100 * (peaks[1] / peaks[0] - 1)
    memory.judge("%s: %s against %s" % (profile, large, small), growth, 5, "%",
                 "%.1f and %.1f MiB" % (peaks[0] / MIB, peaks[1] / MIB))


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tool", required=True, help="the wstrace to measure: not one with sanitizers")
    p.add_argument("--programs", required=True, help="where gen, crowd, spent are")
    p.add_argument("--quick", action="store_true", help="seconds instead of minutes")
    args = p.parse_args()
    memory = Memory(args)
    few = 10 if args.quick else 1
    base, _, _ = memory.run(["crowd", "ws", "1", "-"])
    # The bar was set where libraries take 5.5 MiB (Debian 12). Where libpcap alone brings ten more of
    # them (Ubuntu 24.04), what we add to theirs counts.
    libraries = memory.libraries()
    memory.judge("one connection", base / MIB, max(8, libraries / MIB + 2.5), "MiB",
                 "%.1f MiB of it libraries" % (libraries / MIB))
    # Never fewer: with a tenth of them the figure wavers by 40 bytes.
    memory.crowd("ws", 100000, (1024, 512), "idle WebSocket connections")
    memory.crowd("deflate", 100000 // few, (), "the same, a few bytes deflated each way")
    for kind, what in (("syn", "flows of a SYN alone"), ("http", "flows of HTTP, kept alive"),
                       ("tls", "flows of TLS"), ("middle", "flows joined in the middle")):
        memory.crowd(kind, 1000000 // few, (200,), what)
    quic(memory, 20000)
    pieces(memory, 400000, base)
    calm(memory, 20000, base)
    flood(memory, 10000000 // (10 * few if args.quick else 1))
    bomb(memory, 512000000)
    in_flight(memory, 4, 4 * MIB, "100M" if args.quick else "400M")
    # The others need 20 MB before as many messages and flows are on their way as ever will be.
    for profile in ("small",) if args.quick else ("small", "large", "noise"):
        sizes(memory, profile, *(("5M", "50M") if args.quick else ("20M", "2G")))
    print("missed: " + "; ".join(memory.missed) if memory.missed else "every bar is met")
    return 1 if memory.missed else 0


if __name__ == "__main__":
    sys.exit(main())

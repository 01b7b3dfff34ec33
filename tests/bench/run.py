#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the contestants in turns over the same captures and prints medians and ratios.

What is compared is processor time (user + system), the least disturbed figure on a machine that
has other things to do; wall time is shown beside it. One core, files in the page cache, output to
/dev/null where nothing else is said. Exit status 1 when --check is given and a "must" is missed.
"""
import argparse
import json
import os
import shutil
import statistics
import struct
import subprocess
import sys
import tempfile

PROFILES = ("small", "large", "compressed", "many", "noise")
# ours divided by the yardstick: what must be reached, and what to reach for
LOOP = {"small": (2.5, 1.8), "large": (2.5, 2.0), "many": (4.5, 3.0), "noise": (0.9, 0.6)}
ZLIB = {"compressed": (1.15, 0.9)}
TSHARK = {"small": 1 / 60, "large": 1 / 15, "compressed": 1 / 8, "many": 1 / 50, "noise": 1 / 50}
TEXT = 1.3  # text output divided by JSON
UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}
TSHARK_FIELDS = ["-Y", "websocket", "-T", "fields", "-e", "frame.number", "-e", "frame.time_epoch",
                 "-e", "tcp.stream", "-e", "websocket.opcode", "-e", "websocket.payload"]


class Spent:
    """Processor seconds, wall seconds, peak memory of one run."""

    def __init__(self, words):
        user, system, self.wall = map(float, words[:3])
        self.cpu = user + system
        self.rss = int(words[3])  # KiB
        self.status = int(words[4])


class Bench:
    def __init__(self, args):
        self.args = args
        self.core = args.core if args.core >= 0 else max(os.sched_getaffinity(0))

    def program(self, name):
        return os.path.join(self.args.programs, name)

    def spend(self, command, sink=("-o", "/dev/null"), pinned=True):
        report = tempfile.TemporaryFile()
        ahead = ["chrt", "-f", "1"] if self.args.realtime else []
        launch = [*ahead, self.program("spent"), *(["-c", str(self.core)] if pinned else []), *sink]
        # descriptor 3 is where spent reports
        subprocess.run(["sh", "-c", 'exec "$@" 3>&%d' % report.fileno(), "sh", *launch, *command],
                       pass_fds=[report.fileno()], stderr=subprocess.DEVNULL, check=False)
        report.seek(0)
        spent = Spent(report.read().split())
        if spent.status:
            sys.exit("exit status %d: %s" % (spent.status, " ".join(command)))
        return spent

    def capture(self, profile, size, *options):
        """A generated file, or its stand-in, and what is in it; made once."""
        if self.args.capture:
            return self.given(size)
        name = "-".join([profile, size, *(o.lstrip("-") for o in options)]) + ".pcap"
        path = os.path.join(self.args.dir, name)
        if not os.path.exists(path + ".json"):
            command = [self.program("gen"), "--profile", profile, *options, "-o", path]
            if size != "own":
                command += ["--bytes", size]
            truth = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=True).stderr
            with open(path + ".json", "w") as out:
                out.write(truth)
        with open(path, "rb") as file:  # into the page cache
            while file.read(1 << 22):
                pass
        with open(path + ".json") as file:
            return path, json.load(file)

    def given(self, size):
        """The user's file, in the page cache; where less is asked for, as many packets of it."""
        path = self.args.capture
        with open(path, "rb") as file:
            while file.read(1 << 22):
                pass
        if size == self.args.cut:
            path = os.path.join(self.args.dir, "cut.pcap")
            cut_capture(self.args.capture, path, int(float(size.rstrip("kMG")) * UNITS[size[-1]]))
        return path, {"file_bytes": os.path.getsize(path)}

    def tool(self, *options):
        return [self.args.tool, *options]

    def jobs(self):
        """Does the tool have --jobs?"""
        text = subprocess.run(self.tool("--help"), stdout=subprocess.PIPE, text=True).stdout
        return "--jobs" in text

    def raw_zlib(self, path):
        ahead = ["chrt", "-f", "1"] if self.args.realtime else []
        out = subprocess.run([*ahead, "taskset", "-c", str(self.core), self.program("rawzlib"), path],
                             stdout=subprocess.PIPE, text=True, check=True).stdout
        return float(out.split()[0])


def cut_capture(source, target, size):
    """The first packets of a classic capture, some `size` bytes of them."""
    with open(source, "rb") as file:
        data = file.read(size)
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    end = at = 24
    while at <= len(data):
        end = at
        if at + 16 > len(data):
            break
        at += 16 + struct.unpack_from(order + "I", data, at + 8)[0]
    with open(target, "wb") as out:
        out.write(data[:end])


def median(runs, what):
    return statistics.median(getattr(run, what) for run in runs)


def interleave(bench, contestants, rounds):
    """A B C A B C …: what disturbs one round disturbs all. The first round warms up."""
    runs = {name: [] for name in contestants}
    for i in range(rounds + 1):
        for name, run in contestants.items():
            result = run()
            if i:
                runs[name].append(result)
    return runs


def mark(ratio, bar):
    if bar is None:
        return ""
    must, reach = bar
    verdict = "met, and what to reach for" if ratio <= reach else "met" if ratio <= must else "MISSED"
    return "must %.2f, reach %.2f: %s" % (must, reach, verdict)


def print_row(name, cpu, wall, rss, size, ratio="", note=""):
    print("  %-24s %8.3f %8.3f %9s %8.0f  %7s  %s"
          % (name, cpu, wall, "%.1f" % (rss / 1024) if rss else "", size / 1e6 / cpu if cpu else 0,
             ratio, note), flush=True)


def tshark(bench, profile, ours_per_byte):
    """On a smaller file, by bytes, its start taken off: it would take minutes."""
    if not shutil.which("tshark") or bench.args.no_tshark or bench.args.bare:
        return None
    path, truth = bench.capture(profile, bench.args.cut)
    nothing = os.path.join(bench.args.dir, "nothing.pcap")
    with open(path, "rb") as head, open(nothing, "wb") as out:
        out.write(head.read(24))
    command = ["tshark", "-n", "-r"]
    start = median([bench.spend(command + [nothing] + TSHARK_FIELDS) for _ in range(3)], "cpu")
    run = bench.spend(command + [path] + TSHARK_FIELDS)
    per_byte = (run.cpu - start) / truth["file_bytes"]
    ratio, bar = ours_per_byte / per_byte, TSHARK[profile]
    note = "ours is 1/%.0f; must 1/%.0f: %s" % (1 / ratio, 1 / bar,
                                               "met" if ratio <= bar else "MISSED")
    print_row("tshark -T fields, %s" % bench.args.cut, run.cpu - start, run.wall, run.rss,
              truth["file_bytes"], "", note)
    return ratio <= bar


def contents(truth):
    """Of a generated capture; of another one nobody has said."""
    if "packets" not in truth:
        return ""
    return ", %d packets, %d connections, %d messages" % (
        truth["packets"], truth["conns"], truth["c2s_msgs"] + truth["s2c_msgs"])


def more_contestants(bench, path, json_out, to_file, jobs):
    """Who is not needed for the ratios to pcap_loop and zlib."""
    contestants = {
        "json to a pipe": lambda: bench.spend(json_out, ("-p",)),
        "json to a file": lambda: bench.spend(json_out, ("-o", to_file)),
        "text": lambda: bench.spend(bench.tool(*(["--jobs", "1"] if jobs else []), path)),
    }
    if jobs:
        contestants["json --jobs 2"] = lambda: bench.spend(bench.tool("--json", "--jobs", "2", path),
                                                           pinned=False)
    if shutil.which("tcpflow"):
        flows = os.path.join(bench.args.dir, "flows")
        contestants["tcpflow"] = lambda: bench.spend(["tcpflow", "-q", "-o", flows, "-r", path])
    return contestants


def print_least(runs):
    """What others do on the machine only adds to processor time: the least of many rounds is steadier
    than their median."""
    ours = min(run.cpu for run in runs["json"])
    text = "%.2f x pcap_loop" % (ours / min(run.cpu for run in runs["pcap_loop"]))
    if "raw zlib" in runs:
        text = "%.2f x raw zlib" % (ours / min(runs["raw zlib"]))
    print("  least of all rounds: json is %s" % text, flush=True)


def table(bench, profile, jobs):
    """One profile: all contestants. Returns the list of bars missed."""
    args = bench.args
    options = ["--conns", str(args.conns)] if args.conns and profile == "compressed" else []
    path, truth = bench.capture(profile, args.bytes, *options)
    to_file = os.path.join(args.dir, "output")
    json_out = bench.tool("--json", *(["--jobs", "1"] if jobs else []), path)
    contestants = {
        "pcap_loop": lambda: bench.spend([bench.program("baseline"), path]),
        "json": lambda: bench.spend(json_out),
    }
    if not args.bare:
        contestants |= more_contestants(bench, path, json_out, to_file, jobs)
    if profile == "compressed":
        contestants["raw zlib"] = lambda: bench.raw_zlib(path)
    runs = interleave(bench, contestants, args.rounds)
    if os.path.exists(to_file):
        os.unlink(to_file)
    print("\n%s: %.0f MB%s" % (profile, truth["file_bytes"] / 1e6, contents(truth)))
    print("  %-24s %8s %8s %9s %8s  %7s" % ("median of %d" % args.rounds, "cpu s", "wall s",
                                          "RSS MiB", "MB/s", "x loop"))
    missed = []
    loop = median(runs["pcap_loop"], "cpu")
    ours = median(runs["json"], "cpu")
    for name, list_of in runs.items():
        if name == "raw zlib":
            zlib = statistics.median(list_of)
            note = "json is %.2f x; %s" % (ours / zlib, mark(ours / zlib, ZLIB[profile]))
            print_row(name, zlib, zlib, 0, truth["file_bytes"], "", note)
            if ours / zlib > ZLIB[profile][0]:
                missed.append("%s: %.2f x raw zlib" % (profile, ours / zlib))
            continue
        cpu = median(list_of, "cpu")
        note = ""
        if name == "json" and profile in LOOP:
            note = mark(ours / loop, LOOP[profile])
            if ours / loop > LOOP[profile][0]:
                missed.append("%s: %.2f x pcap_loop" % (profile, ours / loop))
        if name == "text":
            note = "%.2f x json; must %.1f: %s" % (cpu / ours, TEXT,
                                                  "met" if cpu <= TEXT * ours else "MISSED")
            if cpu > TEXT * ours:
                missed.append("%s: text %.2f x json" % (profile, cpu / ours))
        if name == "json --jobs 2":
            faster = median(runs["json"], "wall") / median(list_of, "wall")
            note = "%.2f x faster by the wall clock" % faster
            if profile == "compressed":
                note += "; must 1.8: %s" % ("met" if faster >= 1.8 else "MISSED")
                if faster < 1.8:
                    missed.append("compressed: --jobs 2 %.2f x faster" % faster)
        print_row(name, cpu, median(list_of, "wall"), max(run.rss for run in list_of),
                  truth["file_bytes"], "%.2f" % (cpu / loop), note)
    print_least(runs)
    if tshark(bench, profile, ours / truth["file_bytes"]) is False:
        missed.append("%s: tshark" % profile)
    return missed


# -- how cost grows -------------------------------------------------------------------------------

def grow(bench, title, steps):
    print("\n%s\n  %-24s %10s %8s %9s %12s %12s" % (title, "", "packets", "cpu s", "RSS MiB",
                                                   "ns a packet", "cpu / loop"))
    for label, profile, size, options in steps:
        path, truth = bench.capture(profile, size, *options)
        json_out = bench.tool("--json", "--jobs", "1", path)
        loop_out = [bench.program("baseline"), path]
        runs = interleave(bench, {"loop": lambda: bench.spend(loop_out),
                                  "json": lambda: bench.spend(json_out)}, bench.args.growth_rounds)
        cpu = median(runs["json"], "cpu")
        print("  %-24s %10d %8.3f %9.1f %12.0f %12.2f"
              % (label, truth["packets"], cpu, max(run.rss for run in runs["json"]) / 1024,
                 cpu * 1e9 / truth["packets"], cpu / median(runs["loop"], "cpu")), flush=True)
        if truth["file_bytes"] > 300e6:  # disk is somebody's
            os.unlink(path)
            os.unlink(path + ".json")


def growth(bench):
    grow(bench, "Size of the capture (small)",
         [(size, "small", size, ()) for size in ("20M", "200M", "2G")])
    grow(bench, "Size of the capture (large)",
         [(size, "large", size, ()) for size in ("20M", "200M", "2G")])
    # the same work, 2 million messages at least, by ever more connections at once
    grow(bench, "Concurrent connections (many)",
         [("%d" % n, "many", "own", ("--conns", str(n), "--msgs", str(max(2, 2000000 // n))))
          for n in (10, 1000, 10000, 100000, 1000000)])
    grow(bench, "Size of a message (large, 100 MB)",
         [("%d B" % n, "large", "100M" if n < 1 << 22 else "400M", ("--size", str(n), "--conns", "4"))
          for n in (64, 1024, 16384, 262144, 1 << 20, 1 << 22, 1 << 24)])


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tool", required=True, help="the wstrace to measure")
    p.add_argument("--programs", required=True, help="where gen, baseline, rawzlib, spent are")
    p.add_argument("--dir", required=True, help="where generated captures are kept")
    p.add_argument("--profile", action="append", choices=PROFILES, help="only these")
    p.add_argument("--capture", metavar="FILE",
                   help="a classic pcap file of yours instead of the generated one; with one --profile, "
                        "the one whose bars it is held against")
    p.add_argument("--bytes", default="200M", help="size of a capture (default 200M)")
    p.add_argument("--cut", default="10M", help="size for tshark (default 10M)")
    p.add_argument("--conns", type=int, help="connections of the compressed profile")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--quick", action="store_true", help="20M, three rounds, no tshark")
    p.add_argument("--bare", action="store_true",
                   help="only pcap_loop, JSON and raw zlib: for many rounds")
    p.add_argument("--no-tshark", action="store_true")
    p.add_argument("--growth", action="store_true", help="how cost grows, instead; writes 2 GB files")
    p.add_argument("--growth-rounds", type=int, default=3)
    p.add_argument("--core", type=int, default=-1, help="to pin to (default: the last)")
    p.add_argument("--realtime", action="store_true",
                   help="ahead of everything else on the machine (chrt): when others use it; root")
    p.add_argument("--check", action="store_true", help="exit status 1 when a must is missed")
    args = p.parse_args()
    if args.capture and (args.growth or len(args.profile or ()) != 1):
        p.error("--capture goes with one --profile")
    if args.quick:
        args.bytes, args.rounds, args.no_tshark = "20M", 3, True
    os.makedirs(args.dir, exist_ok=True)
    bench = Bench(args)
    print("core %d of %d, load %.1f; output to /dev/null where nothing else is said"
          % (bench.core, os.cpu_count(), os.getloadavg()[0]))
    if args.growth:
        growth(bench)
        return 0
    jobs = bench.jobs()
    missed = [m for profile in args.profile or PROFILES for m in table(bench, profile, jobs)]
    print("\n%s" % ("missed: " + "; ".join(missed) if missed else "every must is met"))
    return 1 if missed and args.check else 0


if __name__ == "__main__":
    sys.exit(main())

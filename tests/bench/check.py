#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a check costs beside a plain trace of the same capture.

In:  captures of the profiles, goldens that `wstrace snapshot` makes of them.
Out: processor and wall-clock time of `wstrace --json FILE`, `wstrace FILE` and `wstrace check FILE GOLDEN`,
     in turns, all output to /dev/null, on all cores; medians, and the check divided by the JSON trace.
Exit status 1 when --check is given and the must, 1.5 by the wall clock, is missed.
"""
import argparse
import os
import statistics
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from run import Bench, interleave, median  # noqa: E402

MUST = 1.5
PROFILES = ("small", "large", "compressed", "many")


def ratio(runs, what):
    """The median of the rounds' ratios: what disturbs a round disturbs both."""
    return statistics.median(getattr(c, what) / getattr(j, what) for c, j in zip(runs["check"], runs["trace --json"]))


def table(bench, profile):
    path, truth = bench.capture(profile, bench.args.bytes)
    golden = path + ".golden"
    subprocess.run(bench.tool("snapshot", "--force", path, "-o", golden), check=True)
    contestants = {"trace --json": ("--json", path), "trace": (path,), "check": ("check", path, golden)}
    runs = interleave(bench, {name: lambda words=words: bench.spend(bench.tool(*words), pinned=False)
                              for name, words in contestants.items()}, bench.args.rounds)
    print("\n%s: %.0f MB, %d messages, golden %.0f MB" % (profile, truth["file_bytes"] / 1e6,
                                                         truth["c2s_msgs"] + truth["s2c_msgs"], os.path.getsize(golden) / 1e6))
    for name, of in runs.items():
        print("  %-14s cpu %.3f s  wall %.3f s  RSS %.0f MiB" % (name, median(of, "cpu"), median(of, "wall"),
                                                               max(run.rss for run in of) / 1024))
    wall = ratio(runs, "wall")
    print("  check / trace --json: wall %.2f, cpu %.2f; must %.1f by the wall clock: %s"
          % (wall, ratio(runs, "cpu"), MUST, "met" if wall <= MUST else "MISSED"), flush=True)
    os.unlink(golden)
    return wall <= MUST


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tool", required=True, help="the wstrace to measure")
    p.add_argument("--programs", required=True, help="where gen and spent are")
    p.add_argument("--dir", required=True, help="where generated captures are kept")
    p.add_argument("--profile", action="append", choices=PROFILES, help="only these")
    p.add_argument("--bytes", default="100M", help="size of a capture (default 100M)")
    p.add_argument("--rounds", type=int, default=7)
    p.add_argument("--realtime", action="store_true", help="ahead of everything else on the machine (chrt); root")
    p.add_argument("--check", action="store_true", help="exit status 1 when the must is missed")
    p.set_defaults(capture=None)  # run.py's Bench takes one in place of a generated one
    args = p.parse_args()
    args.core = -1
    os.makedirs(args.dir, exist_ok=True)
    bench = Bench(args)
    met = [table(bench, profile) for profile in args.profile or PROFILES]
    return 1 if args.check and not all(met) else 0


if __name__ == "__main__":
    sys.exit(main())

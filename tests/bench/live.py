#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A live capture of so many small packets a second over a pair of virtual devices.

Makes two network namespaces and a veth pair between them, listens at one end with wstrace --json -o
/dev/null, sends the `small` profile at the other. Prints what was sent, captured and dropped, and the
processor time a second of wstrace, by thread. Needs root and ip(8); exit status 77 without.
Exit status 1 when --check is given and a packet was dropped or a core was full.
"""
import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time


def run(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Wire:
    """Two namespaces with a cable between them."""

    def __init__(self):
        self.names = ["wst-send-%d" % os.getpid(), "wst-hear-%d" % os.getpid()]

    def __enter__(self):
        a, b = self.names
        run("ip", "netns", "add", a)
        run("ip", "netns", "add", b)
        run("ip", "-n", a, "link", "add", "wst0", "type", "veth", "peer", "name", "wst1", "netns", b)
        for name, device in ((a, "wst0"), (b, "wst1")):
            # no address of its own: nobody answers
            run("ip", "netns", "exec", name, "sysctl", "-qw",
                "net.ipv6.conf.%s.disable_ipv6=1" % device)
            run("ip", "-n", name, "link", "set", device, "up")
        return self

    def __exit__(self, *_):
        for name in self.names:
            subprocess.run(["ip", "netns", "del", name], check=False, stderr=subprocess.DEVNULL)

    def inside(self, end, *words):
        return ["ip", "netns", "exec", self.names[end], *words]


def threads(pid):
    """Processor seconds so far, by thread."""
    tick = os.sysconf("SC_CLK_TCK")
    spent = {}
    for task in os.listdir("/proc/%d/task" % pid):
        with open("/proc/%d/task/%s/stat" % (pid, task)) as file:
            words = file.read().rsplit(")", 1)[1].split()
        spent[int(task)] = (int(words[11]) + int(words[12])) / tick
    return spent


def measure(args, path, rate):
    priority = ["chrt", "-f", "1"] if args.realtime else []
    with Wire() as wire:
        hear = subprocess.Popen(wire.inside(1, *priority, args.tool, "-i", "wst1", "--json",
                                            "-o", "/dev/null"),
                                stderr=subprocess.PIPE, text=True)
        time.sleep(1.5)
        before = threads(hear.pid)
        words = subprocess.run(wire.inside(0, *priority, os.path.join(args.programs, "send"), path,
                                           "wst0", str(rate)),
                               stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        after = threads(hear.pid)
        time.sleep(1)
        hear.send_signal(signal.SIGINT)
        told = hear.communicate()[1]
    sent, wall = int(words[0]), float(words[1])
    figure = {what: int(n) for n, what in
              re.findall(r"(\d+) packets? (captured|received by filter|dropped by kernel)", told)}
    busy = sorted(((after[t] - before.get(t, 0)) / wall for t in after), reverse=True)
    return sent, wall, figure, busy


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--tool", required=True)
    p.add_argument("--programs", required=True, help="where gen and send are")
    p.add_argument("--dir", required=True, help="where generated captures are kept")
    p.add_argument("--rate", type=float, action="append", help="packets a second (default 500000)")
    p.add_argument("--bytes", default="400M", help="of the capture that is sent (default 400M)")
    p.add_argument("--realtime", action="store_true",
                   help="ahead of everything else on the machine (chrt): when others use it")
    p.add_argument("--check", action="store_true")
    args = p.parse_args()
    if os.geteuid() != 0 or not shutil.which("ip"):
        print("needs root and ip(8)")
        return 77
    os.makedirs(args.dir, exist_ok=True)
    path = os.path.join(args.dir, "small-%s.pcap" % args.bytes)
    if not os.path.exists(path):
        subprocess.run([os.path.join(args.programs, "gen"), "--profile", "small", "--bytes",
                        args.bytes, "-o", path], check=True, stderr=subprocess.DEVNULL)
    bad = False
    print("%10s %10s %10s %10s %8s  %s" % ("asked/s", "sent/s", "sent", "captured", "dropped",
                                           "busy, by thread"))
    for rate in args.rate or [500000]:
        sent, wall, figure, busy = measure(args, path, rate)
        print("%10.0f %10.0f %10d %10d %8d  %s"
              % (rate, sent / wall, sent, figure.get("captured", -1),
                 figure.get("dropped by kernel", -1), " ".join("%.0f %%" % (100 * b) for b in busy)),
              flush=True)
        bad |= figure.get("captured") != sent or figure.get("dropped by kernel") != 0 or busy[0] > 0.99
    return 1 if bad and args.check else 0


if __name__ == "__main__":
    sys.exit(main())

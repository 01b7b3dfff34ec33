#!/usr/bin/env python3
"""-w: what is saved is what was asked for, in files that others can read; rotation; reading back."""

import os
import re
import struct
import subprocess
import time

from toolcheck import BASIC, CAPTURES, TOOL, check, directory, done, opened, refused, run


def packets(path):
    """(link type, [(ns, bytes)]) of a classic file with nanoseconds, in this machine's order."""
    data = open(path, "rb").read()
    magic, _, _, _, _, _, link = struct.unpack_from("=IHHiIII", data)
    assert magic == 0xa1b23c4d, hex(magic)
    at, all_ = 24, []
    while at < len(data):
        second, ns, n, wire = struct.unpack_from("=IIII", data, at)
        assert wire >= n
        all_.append((second * 10**9 + ns, data[at + 16:at + 16 + n]))
        at += 16 + n
    assert at == len(data)
    return link, all_


def timeline(*args):
    """Without what packet numbers and file names change, to the microsecond, and without what is said of packets
    that stood beside others."""
    beside = ('"type":"meta"', '"type":"stats"', "capture.time-backwards")
    out = run("--json", *args)
    return [re.sub(r'"(pkt|first_pkt|request_pkt|tcp_stream|packets|bytes|tcp_streams|response_pkt)":\d+', r'"\1":0', re.sub(r"(of packet )\d+", r"\1N", re.sub(r"(\.\d{6})000\b|(\.\d{6})000(?=Z)", r"\1\2", line)))
            for line in out.text.splitlines() if not any(word in line for word in beside)]


with directory() as tmp:
    def path(name):
        return os.path.join(tmp, name)

    # -- removed beneath it -------------------------------------------------------------------------
    # A recording of weeks that nobody will find: not found out from an exit status of 0.
    with open(BASIC, "rb") as file:
        capture = file.read()
    tool = subprocess.Popen([TOOL, "-q", "-w", path("gone.pcap"), "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    tool.stdin.write(capture[:len(capture) // 2])
    tool.stdin.flush()
    while not os.path.exists(path("gone.pcap")):
        time.sleep(0.01)
    time.sleep(0.5) # it is opened, too
    os.unlink(path("gone.pcap"))
    _, said = tool.communicate(capture[len(capture) // 2:])
    check("a file that was removed while it was written", tool.returncode == 2
          and said.decode() == f"wstrace: {path('gone.pcap')}: was removed while it was written, and what was in it is gone\n", said)

    # One file of a row: said, and the others are worth having.
    tool = subprocess.Popen([TOOL, "-q", "-C", "2K", "-w", path("part"), "-"], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    tool.stdin.write(capture[:3500])
    tool.stdin.flush()
    while not os.path.exists(path("part1")):
        time.sleep(0.01)
    time.sleep(0.5)
    os.unlink(path("part1"))
    _, said = tool.communicate(capture[3500:])
    check("one of a row that was removed while it was written", tool.returncode == 2 and os.path.exists(path("part2"))
          and said.decode() == f"wstrace: {path('part1')}: was removed while it was written, and what was in it is gone\n", said)

    # -- everything ---------------------------------------------------------------------------------
    saved = run("-w", path("all.pcap"), BASIC)
    check("-w: nothing printed, status 0", saved.status == 0 and saved.out == b"" and saved.err == b"", saved)
    check("-w: the same timeline", timeline(path("all.pcap")) == timeline(BASIC))
    saved = run("-w", path("all.pcapng"), BASIC)
    check("-w x.pcapng: the same timeline", timeline(path("all.pcapng")) == timeline(BASIC), saved)
    check("it is one", open(path("all.pcapng"), "rb").read(4) == b"\x0a\x0d\x0d\x0a")
    printed = run("--print", "-w", path("print.pcap"), BASIC)
    check("--print: both", printed.out == run(BASIC).out and packets(path("print.pcap")) == packets(path("all.pcap")))
    piped = run("-w", "-", BASIC)
    check("-w -: on standard output", piped.out == open(path("all.pcap"), "rb").read())
    check("-w - is read from a pipe", timeline("-") == [] or run("--json", "-", data=piped.out).status == 0)
    run("-w", path("five.pcap"), "-c", "5", BASIC)
    check("-c: as many", len(packets(path("five.pcap"))[1]) == 5)
    refused("a directory that is not there", run("-w", path("no/such.pcap"), BASIC), "no/such.pcap")
    check("-w /dev/full: status 2", run("-w", "/dev/full", BASIC).status == 2)

    # -- WebSocket only -------------------------------------------------------------------------------
    mixed = [os.path.join(CAPTURES, name) for name in
             ("06_tls13_keyupdate.pcap", "01_ws_plain_basic.pcap", "04_pipelined_gets.pcap", "01_ws_plain_closes.pcap")]
    run("-w", path("mixed.pcap"), *mixed)
    for choice in (("--conn", "1"), ("--dir", "c2s"), ("--op", "text")):
        refused(f"{choice[0]} does not choose what is saved", run(*choice, "--only-websocket", "-w", path("chosen.pcap"), *mixed), choice[0], "--print")
        check("... and nothing was", not os.path.exists(path("chosen.pcap")))
        both = run(*choice, "--print", "-w", path("chosen.pcap"), *mixed)
        check("... with --print it chooses what is printed", both.status == 0 and b"text" in both.out, both)
        os.unlink(path("chosen.pcap"))

    only = run("--only-websocket", "-w", path("only.pcap"), *mixed)
    check("--only-websocket: status 0", only.status == 0 and only.err == b"", only)
    check("--only-websocket: the same timeline", timeline(path("only.pcap")) ==
          [line for line in timeline(*mixed) if '"conn":null' not in line])  # but for others' TLS
    every, chosen = packets(path("mixed.pcap"))[1], packets(path("only.pcap"))[1]
    check("fewer packets", 0 < len(chosen) < len(every), (len(chosen), len(every)))

    def ports(packet):
        ip = packet[14:] if len(packet) > 14 else b""
        if len(ip) < 40 or ip[0] >> 4 != 4 or ip[9] != 6:
            return None
        at = (ip[0] & 15) * 4
        return tuple(sorted(struct.unpack_from("!HH", ip, at)))

    wanted = {e["tcp_stream"] for e in run("--json", path("mixed.pcap")).events("handshake")}
    flows = {ports(p) for _, p in chosen}
    check("every packet of the chosen connections, from the SYN on",
          sorted(chosen) == sorted(p for p in every if ports(p[1]) in flows), (len(flows), len(wanted)))
    check("and of no others", len(flows) == len(wanted), (flows, wanted))

    # What closes a QUIC connection is its packet, and so is what comes behind.
    for name in ("07_h3_basic", "07_h3_ends", "07_h3_refused"):
        capture, log = (os.path.join(CAPTURES, name + end) for end in (".pcap", ".keys"))
        run("--only-websocket", "-w", path("quic.pcap"), "--keylog", log, capture)
        run("-w", path("whole.pcap"), capture)
        check(f"{name}: the same packets, the same timeline", packets(path("quic.pcap")) == packets(path("whole.pcap")) and
              timeline("--keylog", log, path("quic.pcap")) == timeline("--keylog", log, capture),
              (len(packets(path("quic.pcap"))[1]), len(packets(path("whole.pcap"))[1])))

    # Of one direction it may not be known before the end what it is.
    def one_way(name, side):
        """What one end of the connections sent, of a capture that tells who asked."""
        capture = os.path.join(CAPTURES, name + ".pcap")
        keys = opened(capture)
        asked = run("--json", *keys, capture).events("handshake")
        clients = {e["client_port"] for e in asked}
        run("-w", path("both.pcap"), capture)
        link, all_ = packets(path("both.pcap"))
        half = [p for p in all_ if sender(p[1]) in clients] if side == "c2s" else \
               [p for p in all_ if sender(p[1]) is not None and sender(p[1]) not in clients]
        with open(path("half.pcap"), "wb") as out:
            out.write(struct.pack("=IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
            for ns, data in half:
                out.write(struct.pack("=IIII", ns // 10**9, ns % 10**9, len(data), len(data)) + data)
        return keys

    def sender(packet):
        """Of TCP and UDP in IPv4 behind Ethernet its port."""
        if len(packet) < 38 or packet[12:14] != b"\x08\x00" or packet[23] not in (6, 17):
            return None
        return struct.unpack_from("!H", packet, 14 + (packet[14] & 15) * 4)[0]

    for name, side in (("01_ws_plain_basic", "s2c"), ("01_ws_plain_basic", "c2s"), ("07_h2c_prior", "s2c"), ("07_h2c_prior", "c2s"),
                       ("07_h3_basic", "s2c"), ("07_h3_basic", "c2s"), ("07_h3_many", "s2c")):
        keys = one_way(name, side)
        for end in ("pcap", "pcapng"):
            only = run("--only-websocket", "-w", path("only." + end), *keys, path("half.pcap"))
            expected = timeline(*keys, path("half.pcap"))
            check(f"{name}, {side} alone, {end}: the same timeline", only.status == 0 and timeline(*keys, path("only." + end)) == expected and
                  any('"type":"message"' in line for line in expected), (only, len(expected)))
        check(f"{name}, {side} alone: all packets", packets(path("only.pcap")) == packets(path("half.pcap")) and "left out" not in only.says, only)
    one_way("01_ws_plain_basic", "s2c")
    run("-C", "1K", "--only-websocket", "-w", path("row.pcap"), path("half.pcap"))
    check("a row of files: all packets, too", sorted(p for n in os.listdir(tmp) if n.startswith("row.pcap") for p in packets(path(n))[1]) ==
          sorted(packets(path("half.pcap"))[1]))

    # What nobody can know is left out, and that is said.
    link, begins = packets(path("all.pcap"))
    with open(path("begins.pcap"), "wb") as out:
        out.write(struct.pack("=IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
        for ns, data in [p for p in begins if ports(p[1])][:3]:
            out.write(struct.pack("=IIII", ns // 10**9, ns % 10**9, len(data), len(data)) + data)
    only = run("--only-websocket", "-w", path("only.pcap"), path("begins.pcap"))
    check("three packets of nobody knows what: said", only.status == 0 and packets(path("only.pcap"))[1] == [] and
          "3 packets of 1 connection were left out" in only.says, only)

    # -- rotation -------------------------------------------------------------------------------------
    run("-C", "2K", "-w", path("c.pcap"), BASIC)
    parts = [path("c.pcap" + (str(i) if i else "")) for i in range(100)]
    parts = [p for p in parts if os.path.exists(p)]
    check("-C: several files", len(parts) >= 3, parts)
    joined = [p for part in parts for p in packets(part)[1]]
    check("-C: together all packets", joined == packets(path("all.pcap"))[1])
    check("-C: each begins when the one before is larger", all(os.path.getsize(p) > 2048 for p in parts[:-1]))
    back = run("--json", "-r", path("c.pcap*"))
    check("read back in one go", back.out.count(b"\n") > 50 and timeline("-r", path("c.pcap*")) == timeline(BASIC), back)
    run("-C", "2K", "-W", "2", "-w", path("ring.pcap"), BASIC)
    ring = sorted(n for n in os.listdir(tmp) if n.startswith("ring"))
    check("-C -W: a ring", ring == ["ring.pcap0", "ring.pcap1"], ring)
    tail = sorted(packets(path("ring.pcap0"))[1] + packets(path("ring.pcap1"))[1])
    check("that holds the last packets", tail == packets(path("all.pcap"))[1][-len(tail):])
    run("-r", path("ring.pcap*"), "-w", path("unrolled.pcap"))
    check("read back in the order of time", packets(path("unrolled.pcap"))[1] == tail)

    long = os.path.join(CAPTURES, "01_ws_plain_closes.pcap")
    run("-G", "1", "-w", path("g-%s.pcap"), BASIC)
    names = sorted(n for n in os.listdir(tmp) if n.startswith("g-"))
    first = packets(path("all.pcap"))[1][0][0] // 10**9
    check("-G: named by the first packet's time", names[:1] == [f"g-{first}.pcap"], names)
    check("-G: all packets", [p for n in names for p in packets(path(n))[1]] == packets(path("all.pcap"))[1])
    check("closes are read, too", run(long).status == 0)
    once = run("-G", "1", "-w", path("once.pcap"), BASIC)
    check("-G with one name for all: said", once.status == 0 and "has no %" in once.says, once)
    for name, more in (("g-%s.pcap", ()), ("one.pcap", ("-W", "1"))):
        well = run("-G", "1", *more, "-w", path(name), BASIC)
        check(f"-G {' '.join(more)} {name}: nothing to say", well.says == "", well)

    # -- a pattern --------------------------------------------------------------------------------------
    missing = run("-r", path("nothing-*.pcap"))
    refused("a pattern that matches nothing", missing, "nothing-*.pcap")

done()

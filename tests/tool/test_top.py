#!/usr/bin/env python3
"""top in an 80 x 24 terminal: keys are sent through tmux, and the screen is looked at."""

import os
import shlex
import shutil
import subprocess
import sys
import time

from toolcheck import BASIC, CAPTURES, TOOL, check, directory, done, environment, refused, run, skip

if not shutil.which("tmux"):
    skip("no tmux")
if "not in this build" in run("top", BASIC).says:
    skip("built without ncurses")

sys.path.insert(0, os.path.join(CAPTURES, "scripts"))
import wire  # noqa: E402

CLOSES = os.path.join(CAPTURES, "01_ws_plain_closes.pcap")


def storm(path, refusals):
    """One connection that stays open and says little, and then a client that is refused again and again."""
    w = wire.Wire()
    wire.Session(w).handshake("/live").say(wire.C2S, wire.TEXT, "still here")
    for i in range(refusals):
        s = wire.Session(w, client=(f"10.2.{i >> 8}.{i & 255}", 40000), seed=i).open()
        s.write(wire.C2S, b"GET /storm HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        s.write(wire.S2C, b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n")
        s.shut()
    with open(path, "wb") as file:
        file.write(wire.classic(w.packets))


def crowd(path, conns):
    """Connections that are open together and speak one after the other, twice; but one ended."""
    w = wire.Wire()
    all = [wire.Session(w, client=(f"10.3.{i >> 8}.{i & 255}", 40000), seed=i).handshake(f"/crowd{i}") for i in range(conns)]
    all[5].close()
    for turn in range(2):
        for s in all[:5] + all[6:]:
            s.say(wire.C2S, wire.TEXT, f"turn {turn}")
    with open(path, "wb") as file:
        file.write(wire.classic(w.packets))


class Screen:
    all = 0

    def __init__(self, tmp, *words, columns=80, rows=24, env="LC_ALL=C.UTF-8"):
        Screen.all += 1
        self.socket = os.path.join(tmp, f"tmux{Screen.all}")
        command = " ".join(map(shlex.quote, [TOOL, "top", *words]))
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(rows),
                  f"TZ=UTC {env} {command}; echo \"status $?\"; exec sleep 1000")

    def tmux(self, *words):
        return subprocess.run(["tmux", "-S", self.socket, *words], env=environment(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE).stdout.decode()

    def lines(self):
        return self.tmux("capture-pane", "-p").split("\n")

    def press(self, *keys):
        self.tmux("send-keys", *keys)

    def type(self, text):
        self.tmux("send-keys", "-l", text)

    def shows(self, what, good, seconds=40):
        """Waits until `good(lines)`; a machine may be busy."""
        end, lines = time.monotonic() + seconds, []
        while time.monotonic() < end:
            lines = self.lines()
            try:
                if good(lines):
                    check(what, True)
                    return lines
            except IndexError:
                pass
            time.sleep(0.1)
        check(what, False, "\n".join(lines))
        return lines

    def end(self):
        self.tmux("kill-server")


def numbers(lines):
    return [int(line.split()[0]) for line in lines[2:] if line[:4].strip().isdigit()]


with directory() as tmp:
    screen = Screen(tmp, BASIC, CLOSES)
    try:
        lines = screen.shows("a table of all connections", lambda l: len(numbers(l)) == 15)
        check("its head", "LAST MESSAGE" in lines[1] and "15 conns" in lines[0], lines[:2])
        check("sorted by traffic", numbers(lines)[:2] == [1, 12], numbers(lines))
        check("keys are named", "enter open" in lines[23] and "q quit" in lines[23], lines[23])
        check("nothing is wider than the screen", max(map(len, lines)) <= 80)
        screen.press("s")
        screen.shows("sorted by age", lambda l: "sorted by age" in l[23])
        screen.press("s")
        screen.shows("sorted by last message: the newest first", lambda l: "sorted by last" in l[23] and numbers(l)[0] > 12)
        screen.press("s")
        screen.shows("sorted by problems", lambda l: "sorted by problems" in l[23] and numbers(l)[:2] == [13, 15])
        screen.press("s")
        screen.shows("and by traffic again", lambda l: numbers(l)[0] == 1)

        # -- a filter --------------------------------------------------------------------------------
        screen.press("/")
        screen.type("RESETt")
        screen.press("BSpace")
        screen.shows("typed below", lambda l: l[23].startswith("/RESET"))
        screen.press("Enter")
        screen.shows("only what holds the text, whatever its case", lambda l: numbers(l) == [15] and "filter: RESET" in l[23])
        screen.press("Escape")
        screen.shows("everything again", lambda l: len(numbers(l)) == 15)

        # -- one connection ------------------------------------------------------------------------------
        screen.press("Home")
        screen.press("Enter")
        lines = screen.shows("the timeline of one", lambda l: l[1].startswith("#1 ") and "/chat" in l[1])
        check("its newest line is chosen: the end", any("closed cleanly" in line for line in lines[13:16]), lines)
        screen.press("Home")
        screen.shows("its first line: the handshake", lambda l: "open" in l[2] and "101 accepted" in l[2])
        screen.press("Down")
        lines = screen.shows("a frame below, bit by bit", lambda l: any("frame 1  FIN 1  RSV 000  opcode 1 (text)" in x for x in l[15:]))
        check("its key", any("key 01caee8d" in line for line in lines), lines)
        check("its payload as text", any(line.strip() == "Hello, WebSocket 1" for line in lines[15:]), lines)
        screen.press("x")
        screen.shows("and in hex", lambda l: any("0000  48 65 6c 6c 6f 2c 20 57 65 62 53 6f 63 6b 65 74 Hello,.WebSocket" in x for x in l))
        screen.press("/")
        screen.type("ping from")
        screen.press("Enter")
        screen.shows("a filter of lines", lambda l: sum("ping from client" in x for x in l[2:14]) == 2 and "Hello" not in "".join(l[2:14]))
        screen.press("p")
        screen.shows("p pauses", lambda l: l[0].startswith("PAUSED"))
        screen.press("p")
        screen.shows("and goes on", lambda l: not l[0].startswith("PAUSED"))
        screen.press("Escape")
        screen.press("Escape")
        screen.shows("back to the table", lambda l: len(numbers(l)) == 15)
        screen.press("q")
        screen.shows("q leaves with status 0, and the terminal is as it was", lambda l: "status 0" in l)
    finally:
        screen.end()

    # -- how it was closed, in the reason's own words ---------------------------------------------------
    screen = Screen(tmp, "--conn", "3", CLOSES)
    try:
        screen.shows("a table of one", lambda l: len(numbers(l)) == 1)
        screen.press("Enter")
        screen.shows("a reason is told from the code's name",
                     lambda l: sum('1000 normal closure "done"' in x for x in l[2:14]) == 2)
        screen.press("q")
    finally:
        screen.end()

    # -- more refused than are kept: they go, and not the one that is open ------------------------------
    storm(os.path.join(tmp, "storm.pcap"), 2010)
    screen = Screen(tmp, os.path.join(tmp, "storm.pcap"))
    try:
        lines = screen.shows("all of them", lambda l: "2011 conns" in l[0])
        check("the open one is kept", numbers(lines)[:1] == [1] and "/live" in lines[2], lines[:4])
        screen.shows("what was refused is over, and says with which status", lambda l: all(
            line[33:39].strip() == "-" and line.rstrip().endswith("503 refused") for line in l[3:23]))
        screen.press("q")
    finally:
        screen.end()

    # -- more are open than are kept: each is counted once --------------------------------------------
    crowd(os.path.join(tmp, "crowd.pcap"), 2010)
    screen = Screen(tmp, os.path.join(tmp, "crowd.pcap"))
    try:
        lines = screen.shows("each is counted once", lambda l: "2010 conns" in l[0] and len(numbers(l)) > 10)
        check("one that was forgotten did not begin in the middle", "joined" not in "".join(lines)
              and "was forgotten" in lines[2], lines[:4])
        screen.press("End")
        screen.shows("the last is there", lambda l: 2010 in numbers(l))
        screen.press("q")
    finally:
        screen.end()

    # -- narrower, wider, without UTF-8, hostile ---------------------------------------------------------
    for columns, rows, env in ((40, 8, "LC_ALL=C.UTF-8"), (200, 50, "LC_ALL=C.UTF-8"), (80, 24, "LC_ALL=C NO_COLOR=1")):
        screen = Screen(tmp, os.path.join(CAPTURES, "peers/hostile_bytes.pcap"), columns=columns, rows=rows, env=env)
        try:
            screen.shows(f"{columns}x{rows}: a table", lambda l: len(numbers(l)) >= 1)
            screen.press("Enter")
            lines = screen.shows(f"{columns}x{rows}: a connection", lambda l: l[1].startswith("#1"))
            check(f"{columns}x{rows}: nothing strange on the terminal",
                  all(c.isprintable() for line in lines for c in line), lines)
            screen.press("q")
            screen.shows(f"{columns}x{rows}: left", lambda l: "status 0" in l)
        finally:
            screen.end()

    # -- so low that lines, the one chosen in detail and the keys compete for rows ------------------------
    for rows in (12, 8, 6, 5):
        screen = Screen(tmp, CLOSES, columns=60, rows=rows)
        try:
            screen.shows(f"{rows} rows: a table", lambda l: len(numbers(l)) >= 1)
            screen.press("Enter")
            lines = screen.shows(f"{rows} rows: the connection, its newest line, the keys", lambda l: l[1].startswith("#")
                                 and "127.0.0.1:22007" in l[1] and l[rows - 1].startswith("esc back")
                                 and any(" end " in line for line in l[2:rows - 1]))
            check(f"{rows} rows: in detail where there is room",
                  any(line.startswith(" packet ") for line in lines[2:]) == (rows >= 6), lines)
        finally:
            screen.end()

    # -- connections that came to nothing ----------------------------------------------------------------
    asked = os.path.join(tmp, "asked.pcap")  # and no more
    run("-r", BASIC, "-c", "4", "-w", asked)
    for capture, words, status in ((os.path.join(CAPTURES, "04_hixie76.pcap"), "not followed", "101 "),
                                   (os.path.join(CAPTURES, "04_real_failures.pcap"), "refused", "401 "),
                                   (asked, "no response", "")):
        screen = Screen(tmp, capture)
        try:
            what = os.path.basename(capture)
            screen.shows(f"{what}: {words}", lambda l: any(line.endswith(" " + words) for line in l[2:]))
            screen.press("/")
            screen.type(words)
            screen.press("Enter")
            screen.shows(f"{what}: found by it", lambda l: f"filter: {words}" in l[23]
                         and all(line.endswith(" " + words) for line in l[2:23] if line))
            screen.press("Enter")
            screen.shows(f"{what}: a line says so, too", lambda l: any(f"  {status}{words}" in line for line in l[2:4]))
        finally:
            screen.end()

    # -- what rides on WebSocket -------------------------------------------------------------------------
    for columns, words in ((160, "/mqtt MQTT 127.0.0.1:"), (100, "/mqtt MQTT 127.0.0.1:"), (80, "/mqtt MQTT :"), (60, "/mqtt :")):
        screen = Screen(tmp, os.path.join(CAPTURES, "08_mqtt5.pcap"), columns=columns)
        try:
            lines = screen.shows(f"{columns} columns: {words}", lambda l: any(words in line for line in l[2:]))
            if columns == 160:
                check("bytes are called what they are", any(" DISCONNECT, " in line for line in lines[2:]), lines)
                screen.press("Enter")
                screen.shows("a connection's head says it", lambda l: l[1].startswith("#") and "  mqtt  MQTT" in l[1])
        finally:
            screen.end()

    # -- joined in the middle of compressed text: what is known of it ------------------------------------
    joined = os.path.join(tmp, "joined.pcap")
    with open(os.path.join(CAPTURES, "02_pmd_default.pcap"), "rb") as file:
        data = file.read()
    places = [24]
    while places[-1] < len(data):
        places.append(places[-1] + 16 + int.from_bytes(data[places[-1] + 8:places[-1] + 12], "little"))
    with open(joined, "wb") as file:
        file.write(data[:24] + data[places[25]:places[36]])
    text = next(e for e in run("--json", joined).events("message") if len(e.get("pieces", [])) > 2)
    known = "…".join([text["text"], *(piece["text"] for piece in text["pieces"])])
    screen = Screen(tmp, joined, columns=160)
    try:
        screen.shows("one that was joined", lambda l: len(numbers(l)) == 1)
        screen.press("Enter")
        screen.shows("the pieces of a message", lambda l: any(known[:30] in line for line in l))
    finally:
        screen.end()

    # -- what cannot be read is said after the screen is gone ----------------------------------------------
    screen = Screen(tmp, os.path.join(CAPTURES, "made_damaged.pcap"))
    try:
        screen.shows("a damaged file is shown", lambda l: "wstrace" in l[0] or "conns" in l[0])
        screen.press("C-c")
        screen.shows("what was wrong is said at the end", lambda l: any("made_damaged.pcap: packet" in x for x in l) and "status 2" in l)
    finally:
        screen.end()

    refused("a capture that is not there", run("top", os.path.join(tmp, "no.pcap")), "no.pcap")

done()

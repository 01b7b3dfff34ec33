#!/usr/bin/env python3
"""Loopback, with node's ws and with Chromium: the live timeline is what the endpoints sent; what was
given up is gone; SIGUSR1, -w and --only-websocket while it runs."""

import os
import re
import shutil
import signal
import subprocess
import time

from endpoints import Listening, Node, compare, need_root, server
from toolcheck import check, directory, done, run

need_root()


def status_of(pid):
    text = open(f"/proc/{pid}/status").read()
    return {k: v.split() for k, v in re.findall(r"^(\w+):\t(.*)$", text, re.M)}


with directory() as tmp:
    os.chmod(tmp, 0o755)
    node, port = server()
    listening = Listening(tmp, "--json", "-i", "lo", "--print", "--only-websocket", "-w", os.path.join(tmp, "saved.pcapng"),
                          f"tcp port {port}")
    inside = status_of(listening.process.pid)
    check("it is not root any more", set(inside["Uid"]) != {"0"} and "0" not in inside["Uid"], inside["Uid"])
    check("it has no capability", all(int(inside[k][0], 16) == 0 for k in ("CapPrm", "CapEff", "CapInh")), inside)
    check("it can gain no privileges", inside["NoNewPrivs"] == ["1"], inside["NoNewPrivs"])
    check("its system calls are filtered, in every thread",
          all("Seccomp:\t2" in open(f"/proc/{listening.process.pid}/task/{t}/status").read()
              for t in os.listdir(f"/proc/{listening.process.pid}/task")), inside.get("Seccomp"))

    clients = Node("client", "127.0.0.1", port, 6, 40, 1)
    clients.rest()
    check("six conversations end", listening.wait_events("end", 6))
    listening.process.send_signal(signal.SIGUSR1)
    check("SIGUSR1: the counters", listening.wait_for("dropped by kernel", 30), listening.said())
    check("and on it goes", listening.process.poll() is None)

    # -- a browser ---------------------------------------------------------------------------------------
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    browsed = None
    if chromium:
        browser = subprocess.Popen([chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                                    "--no-first-run", "--disable-background-networking", "--disable-component-update",
                                    "--disable-sync", "--disable-quic", "--disable-extensions", "--no-default-browser-check",
                                    f"--user-data-dir={tmp}/chromium", f"http://127.0.0.1:{port}/"],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                   start_new_session=True)
        end = time.monotonic() + 90
        while time.monotonic() < end and browser.poll() is None and (browsed or {}).get("path") != "/page":
            browsed = node.next(1) or browsed
        if browser.poll() is not None and (browsed or {}).get("path") != "/page": # Ubuntu's, without its snap, says that it wants it
            chromium = None
        try:
            os.killpg(browser.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        browser.wait()
    if chromium:
        check("the browser has talked", browsed and browsed.get("closed") == 3001, browsed)
        listening.wait_events("end", 7)
    else:
        print("no chromium that starts: that part is left out")

    check("SIGINT: status 0", listening.stop() == 0, listening.said())
    node.stop()
    events = listening.events()
    page = {e["conn"] for e in events if e["type"] == "handshake" and e["uri"] == "/page"}
    records = [r for r in clients.records + node.records]
    ports = {e["client_port"] for e in events if e["type"] == "handshake" and e["conn"] in page} if page else set()
    n = compare("node", [e for e in events if e.get("conn") not in page], [r for r in records if r.get("port") not in ports])
    check("480 messages", n == 480, n)
    if chromium:
        said = [e for e in events if e.get("conn") in page and e["type"] == "message" and e["dir"] == "c2s"]
        check("what the page sent", [(e["op"], e["len"]) for e in said] == [("text", 22), ("binary", 4), ("text", 70000)]
              and said[0]["text"] == "from a browser: äöü", [(e["op"], e["len"]) for e in said])
        back = [e for e in events if e.get("conn") in page and e["type"] == "message" and e["dir"] == "s2c"]
        check("what came back is the same", [e.get("text") for e in back] == [e.get("text") for e in said])
        check("its close", any(e["type"] == "close" and e["code"] == 3001 and e["reason"] == "enough"
                               for e in events if e.get("conn") in page))
    check("nothing was dropped, nothing is missing",
          not [e for e in events if e["type"] == "gap" or e.get("id") == "capture.dropped"])
    check("tcpdump's three lines", re.search(r"\d+ packets captured\n\d+ packets received by filter\n0 packets dropped by kernel\n$",
                                             listening.said()), listening.said())

    # -- what was saved meanwhile ---------------------------------------------------------------------
    saved = run("--json", os.path.join(tmp, "saved.pcapng"))
    check("the saved file says the same messages", saved.status == 0 and
          sorted(e.get("text") or e.get("b64") for e in saved.events("message")) ==
          sorted(e.get("text") or e.get("b64") for e in events if e["type"] == "message"), saved.err)
    check("the page itself, which is no WebSocket, is not in it",
          b"<script>" not in open(os.path.join(tmp, "saved.pcapng"), "rb").read())

done()

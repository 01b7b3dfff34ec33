#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The walls that users have: a replay works behind them, and both processes stand there."""
import os
import signal
import subprocess
import sys
import time

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "tool"), os.path.join(here, "..", "check")]
from servers import Server, certificate, echo  # noqa: E402
from toolcheck import BASIC, TOOL, check, directory, done, environment, run  # noqa: E402


def status_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="utf-8") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except OSError:
        return {}


def children(pid):
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and status_of(p).get("PPid") == str(pid)]


def silent(peer):
    peer.accept()
    peer.drain()


with directory() as tmp:
    with Server(echo) as server:
        result = run("replay", "--json", BASIC, f"ws://localhost:{server.port}")
        shake = result.events("handshake")[0]
        check("ws, with the real addresses", result.status == 0 and shake["server_port"] == server.port and shake["server_ip"] == "127.0.0.1", result)
    made = certificate(tmp, subprocess.run)
    if made:
        with Server(echo, tls=made[1]) as server:
            for words, env in ((["--insecure"], {}), ([], {"SSL_CERT_FILE": made[0]})):
                result = run("replay", "--json", *words, BASIC, f"wss://localhost:{server.port}", env=environment(**env))
                check(f"wss {words}", result.status == 0 and len(result.events("message")) == 20, result)
            result = run("replay", "-q", BASIC, f"wss://localhost:{server.port}")
            check("wss, of nobody", result.status == 2 and "not trusted" in result.says, result)
    else:
        print("no openssl: wss is left out")
    if os.path.exists("/proc/self/status"):
        with Server(silent) as server:
            process = subprocess.Popen([TOOL, "replay", "--timeout", "30", BASIC, f"ws://localhost:{server.port}"], stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=environment())
            time.sleep(2)
            own = status_of(process.pid)
            walled = [s for s in map(status_of, children(process.pid)) if s.get("Seccomp") == "2"]
            check("the parser is behind walls", own.get("Seccomp") == "2" and own["CapEff"].strip("0") == "", own)
            check("the one that is connected, too", len(walled) == 1 and walled[0]["CapEff"].strip("0") == "", walled)
            check("and is no more than the parser is", walled and walled[0]["Uid"] == own["Uid"] and walled[0]["NoNewPrivs"] == "1", walled)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
            check("SIGINT", process.returncode == 1 and b"cut short" in err, (process.returncode, err))
            time.sleep(1)
            check("nobody stays behind", not children(process.pid), children(process.pid))

done()

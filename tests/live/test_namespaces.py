#!/usr/bin/env python3
"""A veth pair between two network namespaces: as on a real cable, with its own addresses; and the
cable is pulled."""

import os
import subprocess

from endpoints import Listening, Node, compare, need_root, server
from toolcheck import check, directory, done, run, skip

need_root()
NAMES = [f"wst{os.getpid()}{end}" for end in "ab"]
LINKS = [f"wv{os.getpid() % 100000}{end}" for end in "ab"]
A, B = (["ip", "netns", "exec", name] for name in NAMES)


def ip(*words, **more):
    return subprocess.run(["ip", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)


def build():
    for name in NAMES:
        made = ip("netns", "add", name)
        if made.returncode:
            skip("no network namespaces here: " + made.stderr.decode().strip())
        entered = ip("netns", "exec", name, "true")
        if entered.returncode:  # as in a chroot that is no mount point
            skip("no way into network namespaces here: " + entered.stderr.decode().strip())
    cable()


def cable():
    made = ip("link", "add", LINKS[0], "netns", NAMES[0], "type", "veth", "peer", "name", LINKS[1], "netns", NAMES[1])
    if made.returncode:
        skip("no veth pairs here: " + made.stderr.decode().strip())
    for name, link, address in zip(NAMES, LINKS, ("10.99.7.1/24", "10.99.7.2/24")):
        ip("-n", name, "addr", "add", address, "dev", link, check=True)
        ip("-n", name, "link", "set", link, "up", check=True)
        ip("-n", name, "link", "set", "lo", "up", check=True)


try:
    build()
    with directory() as tmp:
        node, port = server("10.99.7.2", before=B)
        # Both the cable and the loopback beside it, where nothing passes.
        listening = Listening(tmp, "--json", "-i", LINKS[0], "-i", "lo", "tcp", before=A)
        clients = Node("client", "10.99.7.2", port, 4, 30, 7, before=A)
        clients.rest()
        check("four conversations end", listening.wait_events("end", 4))
        ip("-n", NAMES[0], "link", "set", LINKS[0], "down", check=True)
        check("the interface going down is said", listening.wait_for("went down", 30), listening.said())
        check("and does not end the other", listening.process.poll() is None)
        ip("-n", NAMES[0], "link", "set", LINKS[0], "up", check=True)
        check("and so is that it is up again", listening.wait_for("is up again", 30), listening.said())
        later = Node("client", "10.99.7.2", port, 2, 10, 8, before=A)
        later.rest()
        check("what is said from then on is heard", listening.wait_events("end", 6))
        n, renamed = 280, f"{LINKS[0]}n"
        # Kernels before 6.2 rename no interface that is up.
        if ip("-n", NAMES[0], "link", "set", LINKS[0], "name", renamed).returncode == 0:
            ip("-n", NAMES[0], "link", "add", LINKS[0], "type", "veth", "peer", "name", f"{LINKS[0]}o", check=True)
            again = Node("client", "10.99.7.2", port, 2, 10, 9, before=A)
            again.rest()
            check("one that is renamed is listened on, whoever has its name now", listening.wait_events("end", 8),
                  listening.said())
            later.records += again.records
            n += 40
            ip("-n", NAMES[0], "link", "del", LINKS[0], check=True)
            ip("-n", NAMES[0], "link", "set", renamed, "name", LINKS[0], check=True)
        status = listening.stop()
        check("status 2: not all was well", status == 2, (status, listening.said()))
        node.stop()
        events = listening.events()
        told = compare("veth", events, clients.records + later.records + node.records)
        check(f"{n} messages", told == n, told)
        check("from one address to the other",
              {(e["client_ip"], e["server_ip"]) for e in events if e["type"] == "handshake"} == {("10.99.7.1", "10.99.7.2")})
        check("stats end it", events[-1]["type"] == "stats")

        # -- two that are busy at once: each brings its packets by the block, and the oldest is told first ------
        pairs = [("10.99.7.2", B), ("127.0.0.1", A)]
        nodes = [server(host, before=where) for host, where in pairs]
        listening = Listening(tmp, "--json", "-i", LINKS[0], "-i", "lo", "tcp", before=A)
        clients = [Node("client", host, port, 2, 400, 3, before=A) for (host, _), (_, port) in zip(pairs, nodes)]
        records = [r for c in clients for r in c.rest()]
        check("four conversations end, of two interfaces", listening.wait_events("end", 4))
        check("two interfaces: status 0", listening.stop() == 0, listening.said())
        for node, _ in nodes:
            node.stop()
            records += node.records
        events = listening.events()
        told = compare("two interfaces", events, records)
        check("two interfaces: 3,200 messages", told == 3200, told)
        times = [sum(60**i * 10**9 * int(n) for i, n in enumerate(reversed(e["ts"][11:19].split(":")))) + int(e["ts"][20:29])
                 for e in events if "ts" in e]
        both = {e["client_ip"] for e in events if e["type"] == "handshake"}
        check("two interfaces: both are heard", both == {"10.99.7.1", "127.0.0.1"}, both)
        # Two processors may swap packets of one interface between the kernel's stamp and its buffer.
        early = [(before, t) for before, t in zip(times, times[1:]) if t < before - 200_000]
        check("two interfaces: told in order of time", not early, (len(early), len(times), early[:3]))

        # -- all interfaces: what goes through a tunnel is seen in it and before it, and told once -----------
        ends = ["10.99.7.1", "10.99.7.2"]
        made = [ip("-n", name, "link", "add", "wvx", "type", "vxlan", "id", "42", "local", here, "remote", there, "dstport", "4789")
                for name, here, there in zip(NAMES, ends, ends[::-1])]
        if not any(m.returncode for m in made):
            for name, address in zip(NAMES, ("10.99.8.1/24", "10.99.8.2/24")):
                ip("-n", name, "addr", "add", address, "dev", "wvx", check=True)
                ip("-n", name, "link", "set", "wvx", "up", check=True)
            saved = os.path.join(tmp, "tunnel.pcapng")
            node, port = server("10.99.8.2", before=B)
            listening = Listening(tmp, "--json", "-i", "any", "--print", "-w", saved, "--only-websocket", before=A)
            clients = Node("client", "10.99.8.2", port, 3, 20, 5, before=A)
            clients.rest()
            check("three conversations end", listening.wait_events("end", 3))
            check("through a tunnel: status 0", listening.stop() == 0, listening.said())
            node.stop()
            n = compare("through a tunnel", listening.events(), clients.records + node.records)
            check("through a tunnel: 120 messages", n == 120, n)
            told = [e for e in listening.events() if e["type"] in ("message", "close", "end")]
            check("through a tunnel: each once", len(told) == 120 + 6 + 3, len(told))
            back = run("--json", saved)
            n = compare("through a tunnel, saved", back.events(), clients.records + node.records)
            check("through a tunnel, saved: both copies of each", n == 120 and
                  back.events("stats")[0]["tcp_streams"] == 6, (n, back.events("stats")))
            for name in NAMES:
                ip("-n", name, "link", "del", "wvx", check=True)

        # -- and the only one: gone, it ends by itself, and keeps what it has. The second time it went down
        # before, and another one with its name comes: that is not waited for ------------------------------
        for how in (["link", "del", LINKS[0]], ["link", "set", LINKS[0], "down"]):
            node, port = server("10.99.7.2", before=B)
            saved = os.path.join(tmp, "saved.pcapng")
            listening = Listening(tmp, "--json", "-i", LINKS[0], "--print", "-w", saved, "tcp", before=A)
            clients = Node("client", "10.99.7.2", port, 2, 10, 7, before=A)
            clients.rest()
            check("two conversations end", listening.wait_events("end", 2))
            ip("-n", NAMES[0], *how, check=True)
            if how[1] == "set":
                check("it waits while the interface is down", listening.wait_for("went down", 30) and listening.process.poll() is None,
                      listening.said())
                ip("-n", NAMES[0], "link", "del", LINKS[0], check=True)
            cable()
            try:
                status = listening.process.wait(30)
            except subprocess.TimeoutExpired:
                status = listening.stop()
                check(f"{how[1]}: it ends by itself", False, listening.said())
            check(f"{how[1]}: status 2, and why", status == 2 and LINKS[0] in listening.said(), (status, listening.said()))
            check(f"{how[1]}: the counters are told", "packets captured\n" in listening.said(), listening.said())
            node.stop()
            events = listening.events()
            n = compare(how[1], events, clients.records + node.records)
            check(f"{how[1]}: 40 messages, and stats end it", n == 40 and events[-1]["type"] == "stats", n)
            back = run("--json", saved)
            check(f"{how[1]}: what was saved is whole", back.status == 0 and len(back.events("message")) == 40, back)
finally:
    for name in NAMES:
        ip("netns", "del", name)

done()

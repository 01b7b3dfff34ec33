#!/usr/bin/env python3
"""Falling behind on purpose: nobody reads the output while much more passes than may wait. What was
dropped is counted, told where it happened, and afterwards the timeline is right again."""

import base64
import json
import os
import re
import threading
import time

from endpoints import Listening, Node, need_root, server
from toolcheck import check, directory, done

need_root()

with directory() as tmp:
    node, port = server()
    reading, writing = os.pipe()
    listening = Listening(tmp, "--json", "-i", "lo", "-B", "1024", "--queue", "1M", f"tcp port {port}", stdout=writing)
    os.close(writing)
    flood = Node("flood", "127.0.0.1", port, 48)
    while flood.next().get("flooded") is None:
        pass
    check("that the output is stuck is said", listening.wait_for(" of packets wait", 60), listening.said())

    lines = []
    with os.fdopen(reading, "rb") as pipe:
        reader = threading.Thread(target=lambda: [lines.append(line) for line in pipe])
        reader.start()
        check("that it goes on is said", listening.wait_for("has caught up", 120), listening.said())
        flood.process.stdin.write(b"go\n")
        flood.process.stdin.flush()
        sent = [r for r in flood.rest() if "sha1" in r]
        node.stop()
        end = time.monotonic() + 60
        while not any(b'"after the flood 19"' in line for line in lines[-100:]) and time.monotonic() < end:
            time.sleep(0.05)
        check("SIGINT: status 0", listening.stop() == 0, listening.said())
        reader.join(60)

    events = [json.loads(line) for line in lines]
    dropped = [e for e in events if e.get("id") == "capture.dropped"]
    stats = events[-1]
    check("drops are told", len(dropped) >= 1, len(dropped))
    told = sum(int(e["detail"].split()[0]) for e in dropped)
    check("as many as are counted", told == stats["dropped"] > 0, (told, stats["dropped"]))
    check("and in tcpdump's words", re.search(rf"\n{stats['dropped']} packets dropped by kernel\n$", listening.said()), listening.said())
    gaps = [e for e in events if e["type"] == "gap"]
    check("what is missing is a gap", gaps and any(e["conn"] for e in gaps), gaps[:3])
    # By packets, not by times: what two processors stamp may change places on its way.
    order = [e["pkt"] for e in events if e.get("pkt")]
    check("the timeline never goes back", order == sorted(order))
    after = [e for e in events if e["type"] == "message" and (e.get("text") or "").startswith("after the flood")]
    check("afterwards everything is right again",
          [e["text"] for e in after] == [f"after the flood {k}" for k in range(20)] and all(e["certain"] for e in after)
          and len(sent) == 20, [e.get("text") for e in after])
    big = [e for e in events if e["type"] == "message" and e["op"] == "binary" and e["certain"] and e["omitted"] == 0]
    check("no message that was told is wrong", all(set(base64.b64decode(e["b64"])) <= {7} for e in big), len(big))

done()

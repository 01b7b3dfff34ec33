# SPDX-License-Identifier: MIT
"""The server of server.js, with python3-websockets: the same words, the same environment."""
import asyncio
import json
import os
import random
import time
import uuid

import websockets

PACE, CHANGE = float(os.environ["PACE"]) / 1000, os.environ.get("CHANGE", "")


def now():
    return int(time.time() * 1000)


async def main():
    over = asyncio.get_running_loop().create_future()

    async def session(ws, _path=None):
        async def say(value):
            await asyncio.sleep(random.random() * PACE)
            await ws.send(value if isinstance(value, (str, bytes)) else json.dumps(value))

        async def hear(good):
            while True:
                m = await ws.recv()
                if isinstance(m, str) and good(json.loads(m)):
                    return

        room = str(uuid.uuid4())
        await say({"room": room, "ts": now(), "type": "welcome"})
        await hear(lambda m: m.get("id") == 2)
        await say({"result": {"users": ["ann", "bob", "eve"] if CHANGE == "field" else ["ann", "bob"]}, "id": 2, "jsonrpc": "2.0"})
        await say({"jsonrpc": "2.0", "result": {"room": room, "ts": now()}, "id": 1})
        await say("a line of prose: héllo 日本語" if CHANGE == "word" else "a line of text: héllo 日本語")
        ticks = [0, 1, 2, 3, 4, 5]
        if CHANGE == "order":
            ticks[2:4] = [3, 2]
        for n in ticks:
            await say({"n": n, "at": now(), "type": "tick"})
        if CHANGE == "ping":
            await ws.ping("extra")
        await say((b"bytes " * 500))
        await hear(lambda m: m.get("type") == "bye")
        await asyncio.sleep(random.random() * PACE)
        await ws.close(1001 if CHANGE == "code" else 1000, "done")
        over.set_result(None)

    compression = "deflate" if os.environ.get("DEFLATE") == "1" else None
    async with websockets.serve(session, "127.0.0.1", 0, compression=compression, ping_interval=None, subprotocols=["chat.v1"]) as server:
        print(server.sockets[0].getsockname()[1], flush=True)
        await asyncio.wait_for(over, 30)


asyncio.run(main())

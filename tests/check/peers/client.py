# SPDX-License-Identifier: MIT
"""The client of client.js, with python3-websockets: client.py PORT."""
import asyncio
import json
import os
import random
import sys

import websockets

PACE = float(os.environ["PACE"]) / 1000


async def main():
    compression = "deflate" if os.environ.get("DEFLATE") == "1" else None
    async with websockets.connect(f"ws://127.0.0.1:{sys.argv[1]}/chat?user=ann", subprotocols=["chat.v1"], compression=compression,
                                  ping_interval=None) as ws:
        ready = asyncio.Event()

        async def listen():
            async for m in ws:
                if isinstance(m, bytes):
                    ready.set()

        async def say(value):
            await asyncio.sleep(random.random() * PACE)
            await ws.send(json.dumps(value, ensure_ascii=random.random() < .5))

        listening = asyncio.create_task(listen())
        await say({"id": 1, "jsonrpc": "2.0", "params": {"name": "Zoë"}, "method": "join"})
        await say({"method": "list", "jsonrpc": "2.0", "id": 2})
        for i in range(5):
            await say({"y": -i, "x": i * 10, "type": "move"})
        await ready.wait()
        await say({"type": "bye"})
        await listening

asyncio.run(asyncio.wait_for(main(), 30))

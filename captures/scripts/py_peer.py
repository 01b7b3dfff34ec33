#!/usr/bin/env python3
"""One echo peer in a given Python library, recording what the application sends and receives.
usage: py_peer.py server|client websockets|tornado|aiohttp|autobahn PORT EVENTFILE
server: echoes every message until the peer closes; client: sends the script below, then closes. Ends by itself (20 s at most)."""
import sys, json, hashlib, asyncio, os, signal
role, lib, port, evf = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
signal.alarm(20)
EV = open(evf, 'w', buffering=1)
def ev(side, conn, op, data, **more):
    if isinstance(data, str): data = data.encode()
    d = {('server', 'recv'): 'c2s', ('server', 'sent'): 's2c', ('client', 'sent'): 'c2s', ('client', 'recv'): 's2c'}[(role, side)]
    o = {'kind': 'message', 'conn': conn, 'dir': d, 'opcode': op, 'length': len(data), 'sha256': hashlib.sha256(data).hexdigest()}
    if op == 8 and len(data) >= 2: o['code'] = data[0] << 8 | data[1]; o['reason'] = data[2:].decode()
    elif len(data) <= 200 and op == 1: o['text'] = data.decode()
    o.update(more)
    EV.write(json.dumps({'side': side, 'o': o}) + '\n')
def cid(sockname, peername):
    me = f'{sockname[0]}:{sockname[1]}'; other = f'{peername[0]}:{peername[1]}'
    return f'{other}>{me}' if role == 'server' else f'{me}>{other}'
def closeb(code, reason): return b'' if code in (None, 1005, 1006) else bytes([code >> 8, code & 255]) + (reason or '').encode()
MSG = ['Hello from ' + lib, 'héllo wörld 日本語 😀', b'\x00\x01\x02\xff' * 20, '', b'', 'x' * 125, 'x' * 126, b'y' * 1000, 'repeat ' * 500, 'repeat ' * 500, bytes(range(256)) * 300, 'z' * 65535, 'z' * 65536]
op_of = lambda m: 1 if isinstance(m, str) else 2

async def do_websockets():
    import websockets
    from websockets.legacy.protocol import WebSocketCommonProtocol as P
    owf, orf = P.write_frame, P.read_frame
    def c(self): return cid(self.transport.get_extra_info('sockname'), self.transport.get_extra_info('peername'))
    async def wf(self, fin, opcode, data, *a, **k):
        if opcode >= 8: ev('sent', c(self), int(opcode), bytes(data))
        return await owf(self, fin, opcode, data, *a, **k)
    async def rf(self, *a, **k):
        f = await orf(self, *a, **k)
        if f.opcode >= 8: ev('recv', c(self), int(f.opcode), bytes(f.data))
        return f
    P.write_frame, P.read_frame = wf, rf
    if role == 'server':
        done = asyncio.Event()
        async def h(ws, path=None):
            try:
                async for m in ws:
                    ev('recv', c(ws), op_of(m), m); ev('sent', c(ws), op_of(m), m); await ws.send(m)
            finally: done.set()
        async with websockets.serve(h, '127.0.0.1', port, max_size=None): print('ready', flush=True); await done.wait(); await asyncio.sleep(0.3)
    else:
        async with websockets.connect(f'ws://127.0.0.1:{port}/py', max_size=None, close_timeout=2) as ws:
            for m in MSG: ev('sent', c(ws), op_of(m), m); await ws.send(m); r = await ws.recv(); ev('recv', c(ws), op_of(r), r)
            await (await ws.ping(b'py ping'))
            parts = ['frag one ', 'frag two ', '', 'frag three']; ev('sent', c(ws), 1, ''.join(parts), frames=len(parts)); await ws.send(parts); r = await ws.recv(); ev('recv', c(ws), op_of(r), r)
            parts = [b'b' * 5000, b'c' * 5000]; ev('sent', c(ws), 2, b''.join(parts), frames=2); await ws.send(parts); r = await ws.recv(); ev('recv', c(ws), op_of(r), r)
            await ws.close(1000, 'bye from websockets')

async def do_tornado():
    import tornado.web, tornado.websocket, tornado.httpserver
    if role == 'server':
        done = asyncio.Event()
        class H(tornado.websocket.WebSocketHandler):
            def get_compression_options(self): return {}
            def open(self, *a): s = self.ws_connection.stream.socket; self.c = cid(s.getsockname(), s.getpeername())
            def on_message(self, m): ev('recv', self.c, op_of(m), m); ev('sent', self.c, op_of(m), m); self.write_message(m, binary=isinstance(m, bytes))
            def on_ping(self, d): ev('recv', self.c, 9, d)
            def on_close(self): ev('recv', self.c, 8, closeb(self.close_code, self.close_reason)); done.set()
        srv = tornado.httpserver.HTTPServer(tornado.web.Application([('/.*', H)])); srv.listen(port, '127.0.0.1'); print('ready', flush=True); await done.wait(); await asyncio.sleep(0.3)
    else:
        ws = await tornado.websocket.websocket_connect(f'ws://127.0.0.1:{port}/py', compression_options={}); s = ws.protocol.stream.socket; c = cid(s.getsockname(), s.getpeername())
        for m in MSG: ev('sent', c, op_of(m), m); await ws.write_message(m, binary=isinstance(m, bytes)); r = await ws.read_message(); ev('recv', c, op_of(r), r)
        ev('sent', c, 9, b'py ping'); ws.ping(b'py ping'); await asyncio.sleep(0.1)
        ev('sent', c, 8, closeb(1000, 'bye from tornado')); ws.close(1000, 'bye from tornado'); await asyncio.sleep(0.5)

async def do_aiohttp():
    import aiohttp; from aiohttp import web, WSMsgType as W
    def m2(m, c):
        if m.type in (W.TEXT, W.BINARY): ev('recv', c, 1 if m.type == W.TEXT else 2, m.data); return True
        if m.type == W.PING: ev('recv', c, 9, m.data)
        if m.type == W.PONG: ev('recv', c, 10, m.data)
        if m.type == W.CLOSE: ev('recv', c, 8, closeb(m.data or None, m.extra))
    if role == 'server':
        done = asyncio.Event()
        async def h(req):
            ws = web.WebSocketResponse(compress=True, autoping=False, max_msg_size=0); await ws.prepare(req); c = cid(req.transport.get_extra_info('sockname'), req.transport.get_extra_info('peername'))
            while True:
                m = await ws.receive()
                if m2(m, c): ev('sent', c, 1 if m.type == W.TEXT else 2, m.data); await (ws.send_str(m.data) if m.type == W.TEXT else ws.send_bytes(m.data))
                elif m.type == W.PING: ev('sent', c, 10, m.data); await ws.pong(m.data)
                elif m.type in (W.CLOSE, W.CLOSED, W.CLOSING, W.ERROR): break
            done.set(); return ws
        app = web.Application(); app.router.add_get('/{x:.*}', h); r = web.AppRunner(app); await r.setup(); await web.TCPSite(r, '127.0.0.1', port).start(); print('ready', flush=True); await done.wait(); await asyncio.sleep(0.3)
    else:
        async with aiohttp.ClientSession() as S:
            async with S.ws_connect(f'http://127.0.0.1:{port}/py', compress=15, autoping=False, autoclose=False, max_msg_size=0) as ws:
                c = cid(ws.get_extra_info('sockname'), ws.get_extra_info('peername'))
                for m in MSG:
                    ev('sent', c, op_of(m), m); await (ws.send_str(m) if isinstance(m, str) else ws.send_bytes(m))
                    while not m2(x := await ws.receive(), c):
                        if x.type == W.PING: ev('sent', c, 10, x.data); await ws.pong(x.data)
                        elif x.type != W.PONG: raise SystemExit('unexpected ' + str(x))
                ev('sent', c, 9, b'py ping'); await ws.ping(b'py ping'); m2(await ws.receive(), c)
                ev('sent', c, 8, closeb(1000, 'bye from aiohttp')); await ws.close(code=1000, message=b'bye from aiohttp')

async def do_autobahn():
    from autobahn.asyncio.websocket import WebSocketServerProtocol as SP, WebSocketServerFactory as SF, WebSocketClientProtocol as CP, WebSocketClientFactory as CF
    from autobahn.websocket import compress as Z
    done = asyncio.Event()
    class Mix:
        def k(self): return cid(self.transport.get_extra_info('sockname'), self.transport.get_extra_info('peername'))
        def onPing(self, d): ev('recv', self.c, 9, d); ev('sent', self.c, 10, d); self.sendPong(d)
        def onPong(self, d): ev('recv', self.c, 10, d)
        def onCloseFrame(self, code, reasonRaw):
            ev('recv', self.c, 8, b'' if code is None else bytes([code >> 8, code & 255]) + (reasonRaw or b'')); return super().onCloseFrame(code, reasonRaw)
        def onClose(self, clean, code, reason): done.set()
    if role == 'server':
        class S(Mix, SP):
            def onOpen(self): self.c = self.k()
            def onMessage(self, p, b): ev('recv', self.c, 2 if b else 1, p); fs = 1000 if len(p) > 5000 else None; ev('sent', self.c, 2 if b else 1, p, frames=(len(p) + 999) // 1000 if fs else 1); self.sendMessage(p, b, fragmentSize=fs)
        f = SF(f'ws://127.0.0.1:{port}'); f.protocol = S
        f.setProtocolOptions(perMessageCompressionAccept=lambda offers: next((Z.PerMessageDeflateOfferAccept(o) for o in offers if isinstance(o, Z.PerMessageDeflateOffer)), None))
        srv = await asyncio.get_event_loop().create_server(f, '127.0.0.1', port); print('ready', flush=True); await done.wait(); await asyncio.sleep(0.3)
    else:
        class C(Mix, CP):
            def onOpen(self): self.c = self.k(); self.q = list(MSG) + [('frag', 'fragmented ' * 300)]; self.nxt()
            def nxt(self):
                if not self.q:
                    ev('sent', self.c, 9, b'py ping'); self.sendPing(b'py ping'); ev('sent', self.c, 8, closeb(1000, 'bye from autobahn')); self.sendClose(1000, 'bye from autobahn'); return
                m = self.q.pop(0); fs = None
                if isinstance(m, tuple): m = m[1]; fs = 700
                b = m.encode() if isinstance(m, str) else m; ev('sent', self.c, op_of(m), b, frames=(len(b) + fs - 1) // fs if fs else 1); self.sendMessage(b, isinstance(m, bytes), fragmentSize=fs)
            def onMessage(self, p, b): ev('recv', self.c, 2 if b else 1, p); self.nxt()
        f = CF(f'ws://127.0.0.1:{port}/py'); f.protocol = C
        f.setProtocolOptions(perMessageCompressionOffers=[Z.PerMessageDeflateOffer()], perMessageCompressionAccept=lambda r: Z.PerMessageDeflateResponseAccept(r) if isinstance(r, Z.PerMessageDeflateResponse) else None)
        await asyncio.get_event_loop().create_connection(f, '127.0.0.1', port); await done.wait(); await asyncio.sleep(0.2)
asyncio.run({'websockets': do_websockets, 'tornado': do_tornado, 'aiohttp': do_aiohttp, 'autobahn': do_autobahn}[lib]())

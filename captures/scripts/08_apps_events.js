'use strict';
// Application protocols between their own clients and servers. Beside the messages, the truth has a line
// {"kind":"packet"} for each packet of the protocol, as the receiving library read it (tests/truth/check_apps.py).
const L = require('./lib/lab'); const http = require('http'), WebSocket = require('ws');
const script = '08_apps_events.js'; let port = 22700;
async function one(name, made, contains, fn) {
  const p = ++port, file = `08_${name}.pcap`, T = new L.Truth(`08_${name}.ndjson`);
  T.packet = (conn, dir, o) => T.extra.push({ kind: 'packet', conn, dir, ...o });
  L.autotap(T); const cap = await new L.Cap(file, { filter: `tcp port ${p}` }).start();
  try { await L.withTimeout(fn(p, T), 20000, file); } catch (e) { console.error(file, 'FAILED', e); process.exitCode = 1; }
  await cap.stop(300); T.write(); L.manifest({ file, truth: `08_${name}.ndjson`, script, made, contains, check: 'messages' });
}
const listen = (h, p) => new Promise((r) => h.listen(p, '127.0.0.1', r));
const stop = (h) => { h.close(); if (h.closeAllConnections) h.closeAllConnections(); };

// -- Socket.IO: what its decoder emits; below it, what Engine.IO emits ---------------------------------
const TYPES = ['CONNECT', 'DISCONNECT', 'EVENT', 'ACK', 'CONNECT_ERROR', 'EVENT', 'ACK'];
function sioPacket(p, dir, eio) {
  let n = 0; const json = p.data === undefined ? undefined : JSON.parse(JSON.stringify(p.data, function (k, v) { const was = this[k]; return Buffer.isBuffer(was) || was instanceof ArrayBuffer ? { _placeholder: true, num: n++ } : v; }));
  let name = TYPES[p.type]; const event = name === 'EVENT'; if (n) name = 'BINARY_' + name; if (name === 'CONNECT_ERROR' && eio === 3) name = 'ERROR';
  const fields = {}; if (p.nsp !== '/') fields.namespace = p.nsp; if (event) fields.event = json[0]; if (p.id !== undefined) fields.id = String(p.id); if (n) fields.attachments = n;
  const o = { name, fields, error: p.type === 4 };
  if (name === 'CONNECT' && dir === 'c2s') { if (json) fields.auth = true; } else if (json !== undefined) o.json = json;
  if (name === 'CONNECT' && dir === 's2c' && json) fields.sid = json.sid; if (name === 'CONNECT_ERROR') fields.message = json.message;
  return o;
}
function enginePacket(p, bare) {
  if (p.type === 'message' && !bare) return null; if (p.type === 'open') { const d = JSON.parse(p.data), f = { sid: d.sid, upgrades: d.upgrades, ping_interval: d.pingInterval, ping_timeout: d.pingTimeout }; if (d.maxPayload) f.max_payload = d.maxPayload; return { name: 'open', fields: f }; }
  const o = { name: p.type, fields: {} }; if (p.data !== undefined) { if (typeof p.data === 'string') o.text = p.data; else o.b64 = Buffer.from(p.data).toString('base64'); } return o;
}
function tapEngine(T, e, conn, dir, bare) { e.on('packet', (p) => { const o = enginePacket(p, bare); if (o) T.packet(conn(), dir, o); }); }
const clientConn = (engine) => L.connClient(engine.transport.ws._socket);

async function sio(T, p, eio, Server, ioc) {
  const h = http.createServer(), opts = { pingInterval: 250, pingTimeout: 2000, transports: ['websocket'], perMessageDeflate: false };
  const io = Server(h, opts); await listen(h, p);
  io.engine.on('connection', (e) => { const conn = L.connServer(e.request.socket || e.request.connection); tapEngine(T, e, () => conn, 'c2s'); });
  const Client = eio === 4 ? require(require('path').join(require('path').dirname(require.resolve('socket.io')), 'client.js')).Client : require('sio2/lib/client'); const on = Client.prototype.ondecoded;
  Client.prototype.ondecoded = function (packet) { T.packet(L.connServer(this.conn.request.socket || this.conn.request.connection), 'c2s', sioPacket(packet, 'c2s', eio)); return on.call(this, packet); };
  io.on('connection', (s) => { s.on('hello', (a, cb) => cb({ ok: true, got: a })); s.on('bin', (a, b, cb) => { s.emit('bin-back', { b, n: 1 }); cb(b); }); s.emit('news', { text: 'héllo', list: [1, 2.5, null] }); s.on('ask-me', () => s.emit('who', 'are you', (n) => s.emit('thanks', n))); });
  io.of('/admin').on('connection', (s) => s.emit('admin-hi', 1));
  io.of('/closed').use((s, next) => next(Object.assign(new Error('not today'), { data: { code: 7 } })));
  const c = ioc(`http://127.0.0.1:${p}`, { transports: ['websocket'], auth: { token: 'x' }, autoConnect: false, forceNew: true });
  const od = c.io.ondecoded; c.io.ondecoded = function (packet) { T.packet(clientConn(c.io.engine), 's2c', sioPacket(packet, 's2c', eio)); return od.call(this, packet); };
  const connected = L.once(c, 'connect'); c.on('who', (x, cb) => cb('me')); c.open(); tapEngine(T, c.io.engine, () => clientConn(c.io.engine), 's2c'); await connected;
  for (let i = 0; i < 3; i++) await new Promise((r) => c.emit('hello', { i, text: 'x'.repeat(i * 20) }, r));
  const back = L.once(c, 'bin-back'); await new Promise((r) => c.emit('bin', Buffer.from([4, 1, 2, 3]), Buffer.alloc(0), r)); await back;
  const thanks = L.once(c, 'thanks'); c.emit('ask-me'); await thanks;
  const a = c.io.socket('/admin', {}); if (!a.active && a.open) a.open(); await L.once(a, 'admin-hi');
  const x = c.io.socket('/closed', {}); if (!x.active && x.open) x.open(); await Promise.race([L.once(x, 'connect_error'), L.once(x, 'error')]);
  await L.sleep(600); a.close(); c.close(); await L.sleep(150); Client.prototype.ondecoded = on; io.close(); stop(h);
}

(async () => {
  await one('socketio5', `socket.io ${require('socket.io/package.json').version} with its client`, 'Socket.IO 5 on Engine.IO 4: namespaces, a refused one, acknowledgements both ways, two attachments in an event', (p, T) => sio(T, p, 4, (h, o) => new (require('socket.io').Server)(h, o), require('socket.io-client')));
  await one('socketio4', `socket.io ${require('sio2/package.json').version} with its client`, 'the same in Socket.IO 4 on Engine.IO 3: the client pings, a byte 4 before attachments', (p, T) => sio(T, p, 3, require('sio2'), require('sioc2')));
  await one('engineio', `engine.io ${require('engine.io-client/package.json').version} client, engine.io server`, 'Engine.IO 4 alone: text and bytes', async (p, T) => {
    const eio = require('eio6'), { Socket } = require('engine.io-client'); const h = http.createServer(); const server = eio.attach(h, { pingInterval: 200, transports: ['websocket'] }); await listen(h, p);
    server.on('connection', (s) => { const conn = L.connServer(s.request.socket); tapEngine(T, s, () => conn, 'c2s', true); s.on('message', (d) => s.send(d)); });
    const c = new Socket(`ws://127.0.0.1:${p}`, { transports: ['websocket'] }); tapEngine(T, c, () => clientConn(c), 's2c', true); await L.once(c, 'open'); let n = 0; const all = new Promise((r) => c.on('message', () => { if (++n === 4) r(); })); for (const d of ['hello', '0', '2["not an event"]', Buffer.from([4, 255, 0])]) c.send(d); await all; await L.sleep(450); c.close(); await L.sleep(100); stop(h); });
  process.exit();
})().catch((e) => { console.error(e); process.exit(1); });

'use strict';
// Application protocols whose packets are JSON texts, between their own clients and servers. Beside the messages, the
// truth has a line {"kind":"packet"} for each packet, as its receiver read it (tests/truth/check_apps.py).
const L = require('./lib/lab'); const http = require('http'), WebSocket = require('ws');
const script = '08_apps_calls.js'; let port = 22730;
async function one(name, made, contains, fn) {
  const p = ++port, file = `08_${name}.pcap`, T = new L.Truth(`08_${name}.ndjson`);
  if (process.argv[2] && process.argv[2] !== name) return;
  T.packet = (conn, dir, o) => { for (const k in o.fields) if (o.fields[k] === undefined) delete o.fields[k]; T.extra.push(JSON.parse(JSON.stringify({ kind: 'packet', conn, dir, error: false, ...o }))); };
  L.autotap(T); const cap = await new L.Cap(file, { filter: `tcp port ${p}` }).start();
  try { await L.withTimeout(fn(p, T), 20000, file); } catch (e) { console.error(file, 'FAILED', e); process.exitCode = 1; }
  await cap.stop(300); T.write(); L.manifest({ file, truth: `08_${name}.ndjson`, script, made, contains, check: 'messages' });
}
const listen = (h, p) => new Promise((r) => h.listen(p, '127.0.0.1', r));
const stop = (h) => { h.close(); if (h.closeAllConnections) h.closeAllConnections(); };
// what `packet` makes of each message that a WebSocket takes
const taken = (T, s, conn, dir, packet, read = (d) => JSON.parse(d.toString())) => s.on('message', (d) => { for (const m of [].concat(packet(read(d), dir))) T.packet(conn, dir, m); });
const full = (o) => o && Object.keys(o).length ? o : undefined;

// -- GraphQL, both generations ---------------------------------------------------------------------------
function graphql(m) {
  const failed = m.type === 'error' || m.type === 'connection_error' ? m.payload : ['next', 'data'].includes(m.type) && m.payload.errors ? m.payload.errors : null, list = Array.isArray(failed);
  const o = { name: m.type, error: failed !== null, fields: { id: m.id, operation_name: m.payload?.operationName ?? undefined, errors: list ? failed.length : undefined, message: failed ? (list ? failed[0] : failed).message : undefined } };
  if (m.payload !== undefined && m.payload !== null) o.json = m.payload; return o;
}
const SCHEMA = 'type Query { hello(n: Int): String bad: String! } type Mutation { set(n: Int!): Int } type Subscription { count(to: Int!): Int }';
async function* count({ to }) { for (let i = 1; i <= to; i++) { await L.sleep(10); yield { count: i }; } }
const ROOTS = { hello: ({ n }) => `héllo ${n}`, bad: () => { throw new Error('out of order'); }, set: ({ n }) => n };

// -- WAMP: its router is below, for want of a small one --------------------------------------------------
const WAMP = { 1: ['HELLO', 'realm', 'inside'], 2: ['WELCOME', 'session', 'inside'], 3: ['ABORT', 'details', 'reason'], 4: ['CHALLENGE', 'auth_method', 'inside'], 5: ['AUTHENTICATE'], 6: ['GOODBYE', 'details', 'reason'], 8: ['ERROR', 'request_type', 'request', 'details', 'error'], 16: ['PUBLISH', 'request', 'options', 'topic'], 17: ['PUBLISHED', 'request', 'publication'], 32: ['SUBSCRIBE', 'request', 'options', 'topic'], 33: ['SUBSCRIBED', 'request', 'subscription'], 34: ['UNSUBSCRIBE', 'request', 'subscription'], 35: ['UNSUBSCRIBED', 'request', 'details'], 36: ['EVENT', 'subscription', 'publication', 'details'], 48: ['CALL', 'request', 'options', 'procedure'], 49: ['CANCEL', 'request', 'options'], 50: ['RESULT', 'request', 'details'], 64: ['REGISTER', 'request', 'options', 'procedure'], 65: ['REGISTERED', 'request', 'registration'], 66: ['UNREGISTER', 'request', 'registration'], 67: ['UNREGISTERED', 'request', 'details'], 68: ['INVOCATION', 'request', 'registration', 'details'], 69: ['INTERRUPT', 'request', 'options'], 70: ['YIELD', 'request', 'options'] };
function wamp(m) {
  const [name, ...words] = WAMP[m[0]], o = { name, error: m[0] === 8 || m[0] === 3, fields: {} }; let rest = m.slice(1 + words.length);
  if (m[0] === 5) { o.fields.signature = true; rest = []; }
  words.forEach((w, i) => { const v = m[1 + i]; if (w === 'request_type') o.fields[w] = WAMP[v][0]; else if (w === 'inside') { for (const k of ['authid', 'authrole', 'authmethod', 'authmethods']) o.fields[k] = v[k]; if (full(v)) o.json = v; } else o.fields[w] = w === 'details' || w === 'options' ? full(v) : v; });
  if (rest.length > 0) o.json = rest[0]; if (rest.length > 1) o.fields.arguments_kw = rest[1]; return o;
}
function router(s, write = JSON.stringify, read = JSON.parse) {
  const subs = new Map(), regs = new Map(), calls = new Map(); let id = 1000; const tx = (m) => s.send(write(m));
  s.on('message', (d) => {
    const m = read(d); switch (m[0]) {
      case 1: if (m[1] === 'closed') tx([3, { message: 'no such realm' }, 'wamp.error.no_such_realm']); else tx([4, 'ticket', {}]); break;
      case 5: tx([2, ++id, { roles: { broker: {}, dealer: {} }, authid: 'joe', authrole: 'user', authmethod: 'ticket' }]); break;
      case 32: subs.set(m[3], ++id); tx([33, m[1], id]); break;
      case 34: tx([35, m[1]]); break;
      case 16: if (m[2].acknowledge) tx([17, m[1], ++id]); if (subs.has(m[3])) tx([36, subs.get(m[3]), ++id, { topic: m[3] }, ...m.slice(4)]); break;
      case 64: if (regs.has(m[3])) tx([8, 64, m[1], {}, 'wamp.error.procedure_already_exists']); else { regs.set(m[3], ++id); tx([65, m[1], id]); } break;
      case 66: tx([67, m[1]]); break;
      case 48: if (!regs.has(m[3])) { tx([8, 48, m[1], {}, 'wamp.error.no_such_procedure']); break; } calls.set(++id, m[1]); tx([68, id, regs.get(m[3]), m[2].receive_progress ? { receive_progress: true } : {}, ...m.slice(4)]); break;
      case 49: for (const [k, v] of calls) if (v === m[1]) calls.delete(k); tx([8, 48, m[1], {}, 'wamp.error.canceled']); break;
      case 70: if (calls.has(m[1])) tx([50, calls.get(m[1]), m[2].progress ? { progress: true } : {}, ...m.slice(3)]); break;
      case 8: tx([8, 48, calls.get(m[2]), {}, ...m.slice(4)]); break;
      case 6: tx([6, {}, 'wamp.close.goodbye_and_out']); break;
    }
  });
}

// -- OCPP, JSON-RPC --------------------------------------------------------------------------------------
function ocpp(m) {
  const o = { name: [, , 'CALL', 'CALLRESULT', 'CALLERROR', 'CALLRESULTERROR', 'SEND'][m[0]], error: m.length === 5, fields: { message_id: m[1] } };
  if (m.length === 5) { o.fields.error_code = m[2]; o.fields.error_description = m[3]; if (full(m[4])) o.json = m[4]; return o; }
  if (m.length === 4) o.fields.action = m[2]; o.json = m[m.length - 1]; return o;
}
function jsonrpc(m) {
  if (Array.isArray(m)) return m.map(jsonrpc);
  if (m.method) { const o = { name: 'id' in m ? 'request' : 'notification', fields: { id: m.id, method: m.method } }; if ('params' in m) o.json = m.params; return o; }
  if (!m.error) return { name: 'result', fields: { id: m.id }, json: m.result };
  const o = { name: 'error', error: true, fields: { id: m.id, code: m.error.code, message: m.error.message } }; if ('data' in m.error) o.json = m.error.data; return o;
}

(async () => {
  const { buildSchema, execute, subscribe } = require('graphql');
  await one('graphql_transport', `graphql-ws ${require('graphql-ws/package.json').version} client and server`, 'graphql-transport-ws: queries, a mutation, results with errors, subscriptions to their end and left early, pings both ways', async (p, T) => {
    const { useServer } = await import('graphql-ws/use/ws'); const { createClient } = require('graphql-ws');
    const h = http.createServer(), wss = new WebSocket.Server({ server: h, path: '/graphql', handleProtocols: () => 'graphql-transport-ws' }); await listen(h, p); let conn, at;
    wss.on('connection', (s, q) => { conn = L.connServer(q.socket); at = s; });
    const d = useServer({ schema: buildSchema(SCHEMA), roots: { query: ROOTS, mutation: ROOTS, subscription: { count } }, jsonMessageReviver: (k, m) => { if (k === '') T.packet(conn, 'c2s', graphql(m)); return m; } }, wss);
    const c = createClient({ url: `ws://127.0.0.1:${p}/graphql`, webSocketImpl: WebSocket, keepAlive: 150, connectionParams: { token: 'abc' }, on: { message: (m) => T.packet(conn, 's2c', graphql(m)) } });
    const run = (o) => new Promise((r) => c.subscribe(o, { next() {}, error: r, complete: r }));
    const leave = c.subscribe({ query: 'subscription { count(to: 90) }' }, { next() {}, error() {}, complete() {} });
    await run({ query: 'query Hi($n: Int) { hello(n: $n) }', operationName: 'Hi', variables: { n: 1 } }); await run({ query: 'mutation { set(n: 7) }' }); await run({ query: '{ bad }' }); await run({ query: '{ nope }' });
    await run({ query: 'subscription { count(to: 2) }' }); at.send('{"type":"ping","payload":{"at":1}}'); await L.sleep(200); leave(); await L.sleep(50); await c.dispose(); await L.sleep(50); await d.dispose(); stop(h); });
  await one('graphql_older', `subscriptions-transport-ws ${require('subscriptions-transport-ws/package.json').version} client and server`, 'graphql-ws as it was before: start, data, stop, keep-alives, errors, a connection that is refused', async (p, T) => {
    const { SubscriptionServer, SubscriptionClient } = require('subscriptions-transport-ws'); const h = http.createServer(); await listen(h, p);
    const sv = SubscriptionServer.create({ schema: buildSchema(SCHEMA), rootValue: { ...ROOTS, count: (a) => (async function* () { for await (const v of count(a)) yield v; })() }, execute, subscribe, keepAlive: 120, onConnect: (q) => { if (!q.token) throw new Error('who are you?'); } }, { server: h, path: '/graphql' });
    sv.server.on('connection', (s, q) => taken(T, s, L.connServer(q.socket), 'c2s', graphql));
    const open = (params) => { const c = new SubscriptionClient(`ws://127.0.0.1:${p}/graphql`, { connectionParams: params, reconnect: false }, WebSocket); const got = c.processReceivedData; c.processReceivedData = function (x) { T.packet(L.connClient(c.client._socket), 's2c', graphql(JSON.parse(x))); return got.call(this, x); }; return c; };
    const no = open({}); await new Promise((r) => no.onDisconnected(r));
    const c = open({ token: 'abc' }); const run = (o) => new Promise((r) => c.request(o).subscribe({ next() {}, error: r, complete: r }));
    await run({ query: 'query Hi { hello(n: 1) }', operationName: 'Hi' }); await run({ query: '{ nope }' }); await run({ query: 'subscription { count(to: 2) }' });
    const s = c.request({ query: 'subscription { count(to: 90) }' }).subscribe({ next() {} }); await L.sleep(160); s.unsubscribe(); await L.sleep(40); c.close(); await L.sleep(50); sv.close(); stop(h); });
  await one('wamp2', `autobahn-js ${require('autobahn/package.json').version} client, a small router over npm ws`, 'wamp.2.json: a ticket asked for, topics, a call with progress, one that fails, one cancelled, revocations, a realm that is refused', async (p, T) => {
    const ab = require('autobahn'), h = http.createServer(), wss = new WebSocket.Server({ server: h, handleProtocols: (s) => s.has('wamp.2.json') && 'wamp.2.json' }); await listen(h, p); let conn;
    wss.on('connection', (s, q) => { conn = L.connServer(q.socket); taken(T, s, conn, 'c2s', wamp); router(s); });
    const json = new ab.serializer.JSONSerializer(), read = json.unserialize; json.unserialize = function (x) { const m = read.call(this, x); T.packet(conn, 's2c', wamp(m)); return m; };
    const open = (realm, talk) => new Promise((r, j) => { const cn = new ab.Connection({ url: `ws://127.0.0.1:${p}/ws`, realm, max_retries: 0, serializers: [json], authmethods: ['ticket'], authid: 'joe', onchallenge: () => 'secret' }); cn.onopen = async (se) => { try { await talk(se); cn.close(); } catch (e) { j(e); } }; cn.onclose = () => { r(); return true; }; cn.open(); });
    await open('realm1', async (se) => {
      const sub = await se.subscribe('com.lab.topic', () => {}); se.publish('com.lab.topic', ['unasked']); await se.publish('com.lab.topic', ['héllo'], { k: 'é' }, { acknowledge: true, exclude_me: false }); await se.unsubscribe(sub);
      const reg = await se.register('com.lab.add', async (a, kw, det) => { if (det.progress) for (let i = 0; i < 2; i++) { det.progress([i]); await L.sleep(5); } if (a[0] === 0) throw new ab.Error('com.lab.zero', ['no'], { a: 0 }); return a[0] === 9 ? L.sleep(80) : a[0] + a[1]; });
      await se.register('com.lab.add', () => {}).catch(() => {}); await se.call('com.lab.add', [2, 3]); await se.call('com.lab.add', [2, 3], {}, { receive_progress: true }); await se.call('com.lab.add', [0]).catch(() => {}); await se.call('com.lab.nope').catch(() => {});
      const late = se.call('com.lab.add', [9, 1]); late.cancel({ mode: 'kill' }); await late.catch(() => {}); await L.sleep(120); await se.unregister(reg); });
    await open('closed', async () => {}); await L.sleep(50); wss.close(); stop(h); });
  await one('wamp2_msgpack', `autobahn-js ${require('autobahn/package.json').version} client, a small router over npm ws`, 'wamp.2.msgpack: a topic, a call, one that fails, bytes in it', async (p, T) => {
    const ab = require('autobahn'), pack = require('msgpack5')(), h = http.createServer(), wss = new WebSocket.Server({ server: h, handleProtocols: (s) => s.has('wamp.2.msgpack') && 'wamp.2.msgpack' }); await listen(h, p); let conn;
    const plain = (m) => JSON.parse(JSON.stringify(m, (k, v) => v && v.type === 'Buffer' ? { b64: Buffer.from(v.data).toString('base64') } : v)), read = (d) => pack.decode(Buffer.from(d));
    wss.on('connection', (s, q) => { conn = L.connServer(q.socket); taken(T, s, conn, 'c2s', (m) => wamp(plain(m)), read); router(s, (m) => pack.encode(m).slice(), read); });
    const form = new ab.serializer.MsgpackSerializer(), was = form.unserialize; form.unserialize = function (x) { const m = was.call(this, x); T.packet(conn, 's2c', wamp(plain(m))); return m; };
    await new Promise((r, j) => { const cn = new ab.Connection({ url: `ws://127.0.0.1:${p}/ws`, realm: 'realm1', max_retries: 0, serializers: [form], authmethods: ['ticket'], authid: 'joe', onchallenge: () => 'secret' }); cn.onopen = async (se) => { try { await se.subscribe('com.lab.topic', () => {}); await se.publish('com.lab.topic', ['héllo', -70000, 1.5, null], { k: [true] }, { acknowledge: true, exclude_me: false }); await se.register('com.lab.len', (a) => a[0].length); await se.call('com.lab.len', [Buffer.from([0, 255, 7])]); await se.call('com.lab.nope').catch(() => {}); cn.close(); } catch (e) { j(e); } }; cn.onclose = () => { r(); return true; }; cn.open(); }); await L.sleep(50); wss.close(); stop(h); });
  await one('ocpp16', `ocpp-rpc ${require('ocpp-rpc/package.json').version} station and server`, 'ocpp1.6: calls of both sides, one that is not implemented', async (p, T) => {
    const { RPCServer, RPCClient } = require('ocpp-rpc'), server = new RPCServer({ protocols: ['ocpp1.6'], strictMode: false }); let station; let conn;
    const taken2 = (c, dir) => c.on('message', ({ message, outbound }) => { if (!outbound) T.packet(conn || L.connClient(cli._ws._socket), dir, ocpp(JSON.parse(message.toString()))); });
    server.on('client', (c) => { station = c; taken2(c, 'c2s'); c.handle('BootNotification', () => ({ status: 'Accepted', interval: 300, currentTime: new Date(0).toISOString() })); c.handle('Heartbeat', () => ({ currentTime: new Date(1).toISOString() })); });
    await server.listen(p, '127.0.0.1'); const cli = new RPCClient({ endpoint: `ws://127.0.0.1:${p}`, identity: 'CP001', protocols: ['ocpp1.6'] }); taken2(cli, 's2c'); cli.handle('Reset', () => ({ status: 'Accepted' }));
    await cli.connect(); conn = L.connClient(cli._ws._socket); await cli.call('BootNotification', { chargePointVendor: 'Läb', chargePointModel: 'X1' }); await cli.call('Heartbeat', {}); await cli.call('DataTransfer', { vendorId: 'x' }).catch(() => {});
    await station.call('Reset', { type: 'Soft' }); await station.call('UnlockConnector', { connectorId: 1 }).catch(() => {}); await cli.close(); await server.close(); });
  await one('jsonrpc_ws', `rpc-websockets client and server, npm ws for a batch`, 'JSON-RPC 2.0: requests, notifications of both sides, errors, a batch', async (p, T) => {
    const { Server, Client } = require('rpc-websockets'), sv = new Server({ port: p, host: '127.0.0.1' }); await new Promise((r) => sv.once('listening', r)); let conn;
    sv.wss.on('connection', (s, q) => { conn = L.connServer(q.socket); taken(T, s, conn, 'c2s', jsonrpc); setTimeout(() => s.readyState === 1 && s.send(JSON.stringify({ jsonrpc: '2.0', method: 'news', params: ['héllo'] })), 20); });
    sv.register('sum', (a) => a[0] + a[1]); sv.register('fail', () => { throw new Error('not today'); });
    const c = new Client(`ws://127.0.0.1:${p}`); await new Promise((r) => c.on('open', r)); c.socket.addEventListener ? c.socket.addEventListener('message', (e) => { for (const m of [].concat(jsonrpc(JSON.parse(e.data.toString())))) T.packet(conn, 's2c', m); }) : c.socket.socket.on('message', (d) => { for (const m of [].concat(jsonrpc(JSON.parse(d.toString())))) T.packet(conn, 's2c', m); });
    await c.call('sum', [5, 3]); await c.call('fail').catch(() => {}); await c.call('nope').catch(() => {}); c.notify('seen', { n: 1 }); await L.sleep(50); c.close(); await L.sleep(50);
    const w = new WebSocket(`ws://127.0.0.1:${p}`); await L.once(w, 'open'); const at = conn; w.on('message', (d) => { for (const m of [].concat(jsonrpc(JSON.parse(d.toString())))) T.packet(at, 's2c', m); });
    for (const m of [[{ jsonrpc: '2.0', id: 1, method: 'sum', params: [1, 2] }, { jsonrpc: '2.0', method: 'seen' }, { jsonrpc: '2.0', id: 'x', method: 'nope' }], { jsonrpc: '2.0', id: 3, method: 'sum', params: [1, 2] }]) { const g = L.once(w, 'message'); w.send(JSON.stringify(m)); await g; } w.close(1000); await L.sleep(50); await sv.close(); });
  await one('inspector', `node ${process.version} --inspect, npm ws`, 'the DevTools protocol of Node: neither mark nor path tell', async (p, T) => {
    const n = require('child_process').spawn(process.execPath, [`--inspect=127.0.0.1:${p}`, '-e', 'setTimeout(() => {}, 4000)'], { stdio: ['ignore', 'ignore', 'pipe'] }), url = await new Promise((r) => { let b = ''; n.stderr.on('data', (d) => { b += d; const m = /ws:\S+/.exec(b); if (m) r(m[0]); }); });
    const w = new WebSocket(url); await L.once(w, 'open'); const conn = L.connClient(w._socket); taken(T, w, conn, 's2c', jsonrpc); const ask = async (x) => { const text = typeof x === 'string' ? x : JSON.stringify(x), g = new Promise((r) => { const f = (d) => { if (!('method' in JSON.parse(d.toString()))) { w.off('message', f); r(); } }; w.on('message', f); }); if (typeof x !== 'string') T.packet(conn, 'c2s', jsonrpc(x)); w.send(text); await g; };
    await ask({ id: 1, method: 'Runtime.enable' }); await ask({ id: 2, method: 'Runtime.evaluate', params: { expression: '"hé" + 1' } }); await ask({ id: 3, method: 'Runtime.nope' }); await ask({ id: 4, method: 'Runtime.evaluate', params: { expression: 'nope()' } }); w.close(); await L.once(w, 'close'); n.kill(); await L.sleep(30); });
  process.exit();
})().catch((e) => { console.error(e); process.exit(1); });

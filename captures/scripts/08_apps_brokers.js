'use strict';
// MQTT, STOMP: their own clients against brokers. Beside the messages, the truth has a line {"kind":"packet"} for each
// packet, as the receiving library read it (tests/truth/check_apps.py); of the brokers' side of MQTT 5.0 as npm mqtt-packet did.
const L = require('./lib/lab'); const http = require('http'), { Duplex } = require('stream'), WebSocket = require('ws');
const script = '08_apps_brokers.js'; let port = 22720;
async function one(name, made, contains, fn) {
  const p = ++port, file = `08_${name}.pcap`, T = new L.Truth(`08_${name}.ndjson`);
  T.packet = (conn, dir, o) => T.extra.push({ kind: 'packet', conn, dir, ...o });
  L.autotap(T); const cap = await new L.Cap(file, { filter: `tcp port ${p}` }).start();
  try { await L.withTimeout(fn(p, T), 20000, file); } catch (e) { console.error(file, 'FAILED', e); process.exitCode = 1; }
  await cap.stop(300); T.write(); L.manifest({ file, truth: `08_${name}.ndjson`, script, made, contains, check: 'messages' });
}
const listen = (h, p) => new Promise((r) => h.listen(p, '127.0.0.1', r));
const stop = (h) => { h.close(); if (h.closeAllConnections) h.closeAllConnections(); };

// -- MQTT: what mqtt-packet read, in the words of the specification ------------------------------------------------
const words = (s) => s.replace(/[A-Z]/g, (c) => '_' + c.toLowerCase());
const CODES = { 4: { connack: ['Connection Accepted', 'Connection Refused, unacceptable protocol version', 'Connection Refused, identifier rejected', 'Connection Refused, Server unavailable', 'Connection Refused, bad user name or password', 'Connection Refused, not authorized'], suback: { 0: 'Maximum QoS 0', 1: 'Maximum QoS 1', 2: 'Maximum QoS 2', 128: 'Failure' } },
  5: { 0: 'Success', 4: 'Disconnect with Will Message', 16: 'No matching subscribers', 17: 'No subscription existed', 24: 'Continue authentication', 25: 'Re-authenticate', 135: 'Not authorized', 139: 'Server shutting down', 151: 'Quota exceeded' } };
function reason(cmd, version, code) { if (version < 5) return CODES[4][cmd][code]; if (cmd === 'suback' && code < 3) return 'Granted QoS ' + code; if (cmd === 'disconnect' && code === 0) return 'Normal disconnection'; return CODES[5][code]; }
function properties(f, all = {}, before = '', publish = false) {
  for (const [k, v] of Object.entries(all)) {
    const name = before + (k === 'willDelayInterval' ? 'delay_interval' : k === 'userProperties' ? 'user_property' : words(k.replace('QoS', 'Qos')));
    if (k === 'userProperties') f[name] = Object.entries(v).flatMap(([n, x]) => [].concat(x).map((y) => [n, y]));
    else if (k === 'authenticationData') f[name] = true;
    else if (k === 'subscriptionIdentifier') f[name] = publish ? [].concat(v) : v;
    else f[name] = Buffer.isBuffer(v) ? { b64: v.toString('base64') } : typeof v === 'boolean' ? +v : v;
  }
}
const body = (b) => { const t = b.toString(); return Buffer.from(t).equals(b) ? { text: t } : { b64: b.toString('base64') }; };
function mqttPacket(p, version, aliases) {
  const f = {}, o = { name: p.cmd.toUpperCase(), fields: f, error: false }; const five = version === 5; let codes;
  if (p.messageId) f.id = p.messageId;
  if (p.cmd === 'connect') {
    Object.assign(f, { protocol_name: p.protocolId, protocol_version: p.protocolVersion, keep_alive: p.keepalive, client_id: p.clientId }); f[five ? 'clean_start' : 'clean_session'] = p.clean;
    if (p.will) { f.will_topic = p.will.topic; f.will_qos = p.will.qos; if (p.will.retain) f.will_retain = true; properties(f, p.will.properties, 'will_'); Object.assign(o, body(p.will.payload)); }
    if (p.username !== undefined) f.user_name = p.username.toString(); if (p.password !== undefined) f.password = true;
  } else if (p.cmd === 'publish') {
    let topic = p.topic.toString(); const a = p.properties && p.properties.topicAlias; if (a && topic) aliases.set(a, topic); else if (a) topic = aliases.get(a);
    f.topic = topic; f.qos = p.qos; if (p.dup) f.dup = true; if (p.retain) f.retain = true; Object.assign(o, body(p.payload));
  } else if (p.cmd === 'subscribe') {
    const s = p.subscriptions; f.topic_filters = s.map((x) => x.topic); f.requested_qos = s.map((x) => x.qos); if (s.some((x) => x.nl)) f.no_local = s.map((x) => +x.nl); if (s.some((x) => x.rap)) f.retain_as_published = s.map((x) => +x.rap); if (s.some((x) => x.rh)) f.retain_handling = s.map((x) => x.rh);
  } else if (p.cmd === 'unsubscribe') f.topic_filters = p.unsubscriptions;
  else if (p.cmd === 'suback' || (p.cmd === 'unsuback' && five)) { codes = p.granted; f[five ? 'reason_codes' : 'return_codes'] = codes; f.reasons = codes.map((c) => reason(p.cmd, version, c)); o.error = codes.some((c) => c > 127); }
  if (p.cmd === 'connack') { f.session_present = p.sessionPresent; const c = five ? p.reasonCode : p.returnCode; f[five ? 'reason_code' : 'return_code'] = c; f.reason = reason(p.cmd, version, c); o.error = c > 0; }
  else if (five && ['puback', 'pubrec', 'pubrel', 'pubcomp', 'disconnect', 'auth'].includes(p.cmd) && p.length > (p.messageId ? 2 : 0)) { f.reason_code = p.reasonCode; f.reason = reason(p.cmd, version, p.reasonCode); o.error = p.reasonCode > 127; }
  properties(f, p.properties, '', p.cmd === 'publish'); return o;
}
// What is written while others write becomes one message; `pieces`: cut into messages of so many bytes.
function together(ws, pieces) {
  const d = new Duplex({ read() {}, write(b, e, cb) { waiting.push(b); setImmediate(flush); cb(); }, final(cb) { flush(); ws.close(1000); cb(); }, destroy(e, cb) { flush(); ws.close(); cb(e); } }); let waiting = [];
  function flush() { if (!waiting.length || ws.readyState !== 1) return; const all = Buffer.concat(waiting); waiting = []; for (let i = 0, n = 0; i < all.length; i += n) { n = pieces ? pieces() : all.length; ws.send(all.subarray(i, i + n)); } }
  ws.on('message', (b) => d.push(b)); ws.on('open', flush); ws.on('close', () => { d.push(null); setImmediate(() => d.destroy()); }); return d;
}
function tapMqtt(T, stream, conn, dir, state) { const parser = require('mqtt-packet').parser(); parser.on('packet', (p) => { if (p.cmd === 'connect') state.version = p.protocolVersion; T.packet(conn, dir, mqttPacket(p, state.version, state[dir])); }); parser.on('error', (e) => console.error('mqtt-packet', e)); const push = stream.push; stream.push = function (b) { if (b) { parser.settings = state.version === 5 ? { protocolVersion: 5 } : {}; parser.parse(b, { protocolVersion: state.version }); } return push.call(this, b); }; }

(async () => {
  const mqtt = require('mqtt'), mp = require('mqtt-packet'), { Aedes } = await import('aedes');
  await one('mqtt3', `npm mqtt ${require('mqtt/package.json').version} and aedes`, 'MQTT 3.1 and 3.1.1: a will, every QoS, retained, a refused password, a refused filter; several packets in a message', async (p, T) => {
    const br = await Aedes.createBroker(); br.authenticate = (c, u, pw, cb) => (u === 'mallory' ? cb(Object.assign(new Error('no'), { returnCode: 4 }), false) : cb(null, true)); br.authorizeSubscribe = (c, s, cb) => cb(null, s.topic === 'secret' ? null : s);
    const h = http.createServer(), wss = new WebSocket.Server({ server: h, handleProtocols: (s) => [...s][0] }); await listen(h, p); const states = new Map();
    wss.on('connection', (ws, q) => { const conn = L.connServer(ws._socket), st = { c2s: new Map(), s2c: new Map(), version: 4 }; states.set(conn, st); const s = together(ws); tapMqtt(T, s, conn, 'c2s', st); br.handle(s, q); });
    const client = (opts) => new Promise((ok, no) => { const c = new mqtt.MqttClient(() => { const ws = new WebSocket(`ws://127.0.0.1:${p}/mqtt`, opts.protocolVersion === 3 ? 'mqttv3.1' : 'mqtt'); const s = together(ws); ws.on('open', () => { const conn = L.connClient(ws._socket); tapMqtt(T, s, conn, 's2c', states.get(conn) || { c2s: new Map(), s2c: new Map(), version: 4 }); }); return s; }, { reconnectPeriod: 0, ...opts }); c.on('connect', () => ok(c)); c.on('error', no); });
    const sub = await client({ clientId: 'sub', keepalive: 1, protocolVersion: 4, protocolId: 'MQTT' }); let n = 0; const all = new Promise((r) => sub.on('message', () => { if (++n === 5) r(); }));
    await sub.subscribeAsync(['sensors/#', 'last'], { qos: 2 }); await sub.subscribeAsync('secret').catch(() => {});
    const pub = await client({ clientId: 'pub', protocolVersion: 3, protocolId: 'MQIsdp', username: 'alice', password: 'wonder', will: { topic: 'last', payload: Buffer.from('gone'), qos: 1, retain: true } });
    await Promise.all([0, 1, 2].map((q) => pub.publishAsync('sensors/t' + q, JSON.stringify({ q, v: 21.5 }), { qos: q, retain: q === 1 }))); await pub.publishAsync('sensors/é', L.noise(60, 3), { qos: 0 }); await L.sleep(30); pub.stream.destroy(); await L.withTimeout(all, 4000, 'messages');
    await client({ clientId: 'mallory', username: 'mallory', password: 'x', protocolVersion: 4, protocolId: 'MQTT' }).catch(() => {}); await sub.unsubscribeAsync('last'); await L.sleep(1200); await sub.endAsync(); await L.sleep(100); br.close(); wss.close(); stop(h); });
  await one('mqtt5', `npm mqtt ${require('mqtt/package.json').version}, a broker on npm mqtt-packet`, 'MQTT 5.0: properties, a topic alias, AUTH, reasons, a DISCONNECT by the server; packets cut anywhere into messages', async (p, T) => {
    const h = http.createServer(), wss = new WebSocket.Server({ server: h, handleProtocols: (s) => [...s][0] }); await listen(h, p); const r = L.rnd(5), states = new Map();
    wss.on('connection', (ws) => { const conn = L.connServer(ws._socket), st = { c2s: new Map(), s2c: new Map(), version: 5 }; states.set(conn, st); const s = together(ws, () => 1 + r() % 70); tapMqtt(T, s, conn, 'c2s', st); const parser = mp.parser({ protocolVersion: 5 }); const tx = (q) => mp.writeToStream(q, s, { protocolVersion: 5 }); let subs = null, id = 100;
      s.on('data', (b) => parser.parse(b)); parser.on('packet', (q) => { switch (q.cmd) {
        case 'connect': tx({ cmd: 'auth', reasonCode: 24, properties: { authenticationMethod: 'SCRAM', authenticationData: Buffer.from('challenge') } }); break;
        case 'auth': tx({ cmd: 'connack', reasonCode: 0, sessionPresent: false, properties: { assignedClientIdentifier: 'auto-1', serverKeepAlive: 30, receiveMaximum: 10, maximumQoS: 1, retainAvailable: true, topicAliasMaximum: 10, sharedSubscriptionAvailable: false, userProperties: { region: ['eu', 'north'] } } }); break;
        case 'subscribe': subs = q; tx({ cmd: 'suback', messageId: q.messageId, granted: q.subscriptions.map((x) => (x.topic === 'secret' ? 135 : x.qos)), properties: { reasonString: 'as you like it' } }); break;
        case 'unsubscribe': tx({ cmd: 'unsuback', messageId: q.messageId, granted: [0, 17] }); break;
        case 'publish': if (q.qos === 1) tx({ cmd: 'puback', messageId: q.messageId, reasonCode: q.topic === 'full' ? 151 : 16, properties: { reasonString: 'nobody listens' } }); if (q.qos === 2) tx({ cmd: 'pubrec', messageId: q.messageId });
          if (subs) { const a = { topicAlias: 3, subscriptionIdentifier: [7, 300], contentType: 'text/plain', correlationData: Buffer.from([0, 255]) }; tx({ cmd: 'publish', topic: 'back/1', payload: q.payload, qos: 1, messageId: ++id, properties: a }); tx({ cmd: 'publish', topic: '', payload: 'again', qos: 0, properties: { topicAlias: 3 } }); } break;
        case 'pubrel': tx({ cmd: 'pubcomp', messageId: q.messageId, reasonCode: 0 }); break; case 'pingreq': tx({ cmd: 'pingresp' }); break; } }); ws.bye = () => tx({ cmd: 'disconnect', reasonCode: 139, properties: { reasonString: 'maintenance', serverReference: 'other.example' } }); });
    const c = await new Promise((ok, no) => { const x = new mqtt.MqttClient(() => { const ws = new WebSocket(`ws://127.0.0.1:${p}/mqtt`, 'mqtt'); const s = together(ws, () => 1 + r() % 90); ws.on('open', () => { const conn = L.connClient(ws._socket); tapMqtt(T, s, conn, 's2c', states.get(conn)); }); return s; }, { protocolVersion: 5, protocolId: 'MQTT', clientId: '', clean: true, reconnectPeriod: 0, keepalive: 60, properties: { sessionExpiryInterval: 60, receiveMaximum: 5, topicAliasMaximum: 10, requestProblemInformation: true, authenticationMethod: 'SCRAM', authenticationData: Buffer.from('first'), userProperties: { app: 'lab' } }, will: { topic: 'bye', payload: Buffer.from([1, 200]), qos: 1, retain: false, properties: { willDelayInterval: 5, contentType: 'x/y', userProperties: { why: 'gone' } } } }); x.handleAuth = (q, cb) => cb(null, { cmd: 'auth', reasonCode: 24, properties: { authenticationMethod: 'SCRAM', authenticationData: Buffer.from('last') } }); x.on('connect', () => ok(x)); x.on('error', no); });
    await c.publishAsync('a/b', 'first', { qos: 1, properties: { messageExpiryInterval: 60, responseTopic: 'r/1', correlationData: Buffer.from('c1'), payloadFormatIndicator: true, userProperties: { 'a"b': 'é\u202e' } } });
    await c.subscribeAsync({ 'x/#': { qos: 1, nl: true, rap: true, rh: 2 }, secret: { qos: 0 } }, { properties: { subscriptionIdentifier: 300 } }).catch(() => {}); await c.publishAsync('full', L.noise(300, 5), { qos: 1 }).catch(() => {}); await c.publishAsync('a/2', 'twice', { qos: 2 }); await c.unsubscribeAsync(['x/#', 'y']).catch(() => {}); c.sendPing ? c.sendPing() : 0; await L.sleep(150);
    const gone = L.once(c, 'close'); for (const ws of wss.clients) ws.bye(); await Promise.race([gone, L.sleep(500)]); await L.sleep(100); wss.close(); stop(h); });
  // STOMP: both sides read with the parser of stompjs
  await one('stomp', `npm @stomp/stompjs, a broker on its parser`, 'STOMP 1.2: heart-beats, receipts, acknowledgements, escapes, a body with a NUL, a frame in several messages, two in one, an ERROR', async (p, T) => {
    const S = require('@stomp/stompjs'); const h = http.createServer(), wss = new WebSocket.Server({ server: h, handleProtocols: () => 'v12.stomp' }); await listen(h, p);
    const known = ['version', 'accept-version', 'host', 'server', 'session', 'login', 'heart-beat', 'destination', 'id', 'ack', 'subscription', 'message-id', 'transaction', 'receipt', 'receipt-id', 'message', 'content-type', 'content-length'];
    const tap = (conn, dir) => new S.Parser((raw) => { const f = S.FrameImpl.fromRawFrame(raw, !/^(CONNECT|STOMP|CONNECTED)$/.test(raw.command)), fields = {}; for (const k of known) if (k in f.headers) fields[k.replace(/-/g, '_')] = k === 'content-length' ? +f.headers[k] : f.headers[k]; if ('passcode' in f.headers) fields.passcode = true; const b = Buffer.from(f.binaryBody); T.packet(conn, dir, { name: f.command, fields, error: /^(ERROR|NACK)$/.test(f.command), ...(b.length ? body(b) : {}) }); }, () => T.packet(conn, dir, { name: 'heart-beat', fields: {} }));
    const esc = (v) => String(v).replace(/\\/g, '\\\\').replace(/\r/g, '\\r').replace(/\n/g, '\\n').replace(/:/g, '\\c'); const enc = (cmd, hd, b = '') => cmd + '\n' + Object.entries(hd).map(([k, v]) => k + ':' + (cmd === 'CONNECTED' ? v : esc(v))).join('\n') + '\n\n' + b + '\0';
    wss.on('connection', (s) => { const seen = tap(L.connServer(s._socket), 'c2s'); let id = 0, sub; const hb = setInterval(() => s.readyState === 1 && s.send('\n'), 250); s.on('close', () => clearInterval(hb)); const parser = new S.Parser((raw) => { const f = S.FrameImpl.fromRawFrame(raw, true), hd = f.headers; switch (f.command) { case 'CONNECT': s.send(enc('CONNECTED', { version: '1.2', 'heart-beat': '250,250', server: 'lab/1', session: 's:1' })); break; case 'SUBSCRIBE': sub = hd; break;
      case 'SEND': if (hd.destination === '/bad') { s.send(enc('ERROR', { message: 'no such\ndestination', 'receipt-id': hd.receipt, 'content-type': 'text/plain' }, 'é')); return; } if (sub) s.send(enc('MESSAGE', { destination: hd.destination, subscription: sub.id, 'message-id': ++id, ack: 'a' + id, 'content-length': f.binaryBody.length }, f.body) + (hd.receipt ? enc('RECEIPT', { 'receipt-id': hd.receipt }) : '')); return; }
      if (hd.receipt) s.send(enc('RECEIPT', { 'receipt-id': hd.receipt })); }, () => {}); s.on('message', (d) => { const t = d.toString(); seen.parseChunk(t); parser.parseChunk(t); }); });
    const c = new S.Client({ webSocketFactory: () => { const w = new WebSocket(`ws://127.0.0.1:${p}/stomp`, ['v12.stomp', 'v11.stomp']); w.on('open', () => { const seen = tap(L.connClient(w._socket), 's2c'); w.on('message', (d) => seen.parseChunk(d.toString())); }); return w; }, heartbeatIncoming: 250, heartbeatOutgoing: 250, reconnectDelay: 0, splitLargeFrames: true, maxWebSocketChunkSize: 700, connectHeaders: { login: 'alice', passcode: 'wonder', host: 'lab' } });
    await new Promise((r) => { c.onConnect = r; c.activate(); }); let n = 0; const all = new Promise((r) => c.subscribe('/topic/a', (m) => { m[n === 1 ? 'nack' : 'ack'](); if (++n === 4) r(); }, { id: 'sub:0', ack: 'client-individual', receipt: 'sub' }));
    const tx = c.begin('tx1'); c.publish({ destination: '/topic/a', body: 'in a transaction', headers: { transaction: 'tx1', odd: 'a:b\\c' } }); tx.commit(); c.publish({ destination: '/topic/a', body: 'a\0b' }); c.publish({ destination: '/topic/a:1', body: L.prose(1500, 4), headers: { receipt: 'r:1', 'content-type': 'text/plain' } }); c.publish({ destination: '/topic/a', body: '', skipContentLengthHeader: true }); await L.withTimeout(all, 4000, 'stomp'); await L.sleep(400); const err = new Promise((r) => { c.onStompError = r; }); c.publish({ destination: '/bad', body: 'x', headers: { receipt: 'r2' } }); await err; await L.sleep(50); await c.deactivate(); await L.sleep(50); wss.close(); stop(h); });
  process.exit();
})().catch((e) => { console.error(e); process.exit(1); });

'use strict';
// Application protocols between their own clients and servers. Beside the messages, the truth has a line
// {"kind":"packet"} for each packet of the protocol, as the receiving library read it (tests/truth/check_apps.py).
const L = require('./lib/lab'); const http = require('http'), WebSocket = require('ws');
const script = '08_apps_events.js', only = process.argv[2];
let port = 22700; // only: names that begin so
const version = (name) => JSON.parse(require('fs').readFileSync(require('path').join(
                                         __dirname, 'node_modules', name, 'package.json')))
                              .version;
async function one(name, made, contains, fn) {
    if (only && !name.startsWith(only)) return;
    const p = ++port, file = `08_${name}.pcap`, T = new L.Truth(`08_${name}.ndjson`);
    T.packet = (conn, dir, o) => T.extra.push({kind : 'packet', conn, dir, ...o});
    L.autotap(T);
    const cap = await new L.Cap(file, {filter : `tcp port ${p}`}).start();
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

// -- SignalR: what the client's own hub protocol reads and writes
// -------------------------------------
function hubPacket(m)
{
    const NAMES = [
        , 'Invocation', 'StreamItem', 'Completion', 'StreamInvocation', 'CancelInvocation', 'Ping',
        'Close', 'Ack', 'Sequence'
    ];
    const plain = (v) => JSON.parse(JSON.stringify(v, function(k) {
        const x = this[k];
        return x instanceof Uint8Array ? {b64 : Buffer.from(x).toString('base64')} : x;
    }));
    const fields = {}, o = {name : NAMES[m.type], fields, error : !!m.error};
    if (m.invocationId) fields.invocation_id = m.invocationId;
    if (m.target) fields.target = m.target;
    if (m.streamIds && !m.read) fields.stream_ids = m.streamIds;
    if (m.error) fields.error = m.error;
    if (m.allowReconnect !== undefined) fields.allow_reconnect = m.allowReconnect;
    if (m.arguments) o.json = plain(m.arguments);
    if (m.item !== undefined) o.json = plain(m.item);
    if (m.result !== undefined) o.json = plain(m.result);
    return o;
}
async function signalr(T, p, form)
{
    const sr = require('@microsoft/signalr'),
          {MessagePackHubProtocol} = require('@microsoft/signalr-protocol-msgpack'),
          msgpack = form === 'msgpack';
    const make = () => msgpack ? new MessagePackHubProtocol() : new sr.JsonHubProtocol(),
          mine = make(), theirs = make();
    let conn;
    const parse = mine.parseMessages;
    mine.parseMessages = function(...a) {
        const l = parse.apply(this, a);
        for (const m of l) T.packet(conn, 's2c', hubPacket({...m, read : msgpack}));
        return l;
    };
    const h = http.createServer(), wss = new WebSocket.Server({server : h});
    await listen(h, p);
    wss.on('connection', (s, q) => {
        conn = L.connServer(q.socket);
        T.packet(conn, 's2c', {name : 'HandshakeResponse', fields : {}});
        const bytes = (list) => Buffer.concat(list.map((m) => Buffer.from(theirs.writeMessage(m)))),
              send = (...list) => s.send(msgpack ? bytes(list) : bytes(list).toString());
        let shaken = false, up = 0, open = new Set();
        s.on('message', async (d) => {
            if (!shaken) {
                shaken = true;
                T.packet(
                    conn, 'c2s',
                    {name : 'HandshakeRequest', fields : JSON.parse(d.toString().slice(0, -1))});
                s.send(msgpack ? Buffer.from('{}\x1e') : '{}\x1e');
                return;
            }
            for (const m of readHub(theirs, msgpack, d)) {
                T.packet(conn, 'c2s', hubPacket(m));
                if (m.type === 1 && !m.invocationId) continue;
                if (m.type === 1 && m.target === 'Fail')
                    send({type : 3, invocationId : m.invocationId, error : 'it failed, é'});
                else if (m.type === 1 && m.target === 'Void')
                    send({type : 3, invocationId : m.invocationId});
                else if (m.type === 1 && m.target === 'Up')
                    up = m.invocationId;
                else if (m.type === 1)
                    send({type : 1, target : 'news', arguments : [ 'about ' + m.target ]},
                         {type : 3, invocationId : m.invocationId, result : {echo : m.arguments}});
                if (m.type === 4) {
                    open.add(m.invocationId);
                    for (let i = 0; i < 3; i++)
                        send({
                            type : 2,
                            invocationId : m.invocationId,
                            item : msgpack ? Buffer.from([ i, 255 ]) : {i}
                        });
                    if (m.target === 'Counter') send({type : 3, invocationId : m.invocationId});
                }
                if (m.type === 5) send({type : 3, invocationId : m.invocationId});
                if (m.type === 3 && up) {
                    send({type : 3, invocationId : up, result : 2}, {type : 6});
                    up = 0;
                }
            }
        });
        wss.ask = () =>
            send({type : 1, invocationId : 's1', target : 'ask', arguments : [ 'name?' ]});
        wss.bye = () => s.send(
            msgpack ? Buffer.concat([
                Buffer.from([ 7, 0x93, 7, 0xa3 ]), Buffer.from('bye'), Buffer.from([ 0xc2 ])
            ])
                    : JSON.stringify({type : 7, error : 'bye', allowReconnect : false}) + '\x1e');
    });
    const c = new sr.HubConnectionBuilder()
                  .withUrl(`http://127.0.0.1:${p}/hub`,
                           {skipNegotiation : true, transport : sr.HttpTransportType.WebSockets})
                  .withHubProtocol(mine)
                  .configureLogging(sr.LogLevel.None)
                  .build();
    c.keepAliveIntervalInMilliseconds = 150;
    c.on('news', () => {});
    c.on('ask', () => 'client');
    await c.start();
    await c.invoke('Echo', 1, -2.5, 'text é', null, [ true, {a : 12345678901} ]);
    await c.invoke('Void');
    await c.invoke('Fail').catch(() => {});
    await c.send('Quiet', msgpack ? new Uint8Array([ 1, 2, 3 ]) : 'x');
    await new Promise((r, j) =>
                          c.stream('Counter', 3).subscribe({next() {}, complete : r, error : j}));
    let n = 0;
    await new Promise((r) => {
        const sub = c.stream('Endless').subscribe({
            next() {
                if (++n === 3) {
                    sub.dispose();
                    r();
                }
            },
            complete() {},
            error() {}
        });
    });
    const subject = new sr.Subject(), up = c.invoke('Up', subject);
    await L.sleep(30);
    subject.next('a');
    subject.next({b : 1});
    subject.complete();
    await up;
    wss.ask();
    await L.sleep(400);
    const closed = new Promise((r) => c.onclose(r));
    wss.bye();
    await closed;
    await L.sleep(50);
    wss.close();
    stop(h);
}
// The client's protocols read what clients are sent; a hub reads two types more.
function readHub(protocol, msgpack, d)
{
    if (!msgpack) return d.toString().split('\x1e').filter(Boolean).map((x) => JSON.parse(x));
    const out = [], {decode} = require('@msgpack/msgpack');
    for (let at = 0; at < d.length;) {
        let n = 0, shift = 0, b;
        do {
            b = d[at++];
            n += (b & 127) * 2 ** shift;
            shift += 7;
        } while (b & 128);
        const a = decode(d.subarray(at, at + n));
        at += n;
        const [type, , id, x, y, z] = a;
        out.push({
            type,
            invocationId : id,
            ...(type === 1 || type === 4 ? {target : x, arguments : y, streamIds : z}
                : type === 2             ? {item : x}
                : type === 3             ? (x === 1 ? {error : y} : {result : y})
                                         : {})
        });
    }
    return out;
}

// -- Phoenix: what the server reads, by hand, and what the client's serializer decodes
// -----------------
const bytesOf = (...t) =>
    Buffer.concat([ Buffer.from(t.map((x) => x.length)), ...t.map((x) => Buffer.from(x)) ]);
async function phoenix(T, p, vsn)
{
    const one = vsn === '1.0.0';
    global.window = global.window || {};
    const {Socket} = one ? require('phoenix12') : await import('phoenix');
    let conn;
    const note = (dir, m, bytes) => {
        const own = /^phx_/.test(m.event) || (m.topic === 'phoenix' && m.event === 'heartbeat'),
              fields = {}, o = {
                  name : own             ? m.event
                         : dir === 'c2s' ? 'push'
                         : one           ? 'message'
                         : m.join_ref    ? 'push'
                                         : 'broadcast',
                  fields
              };
        for (const k of ['join_ref', 'ref'])
            if (m[k]) fields[k] = m[k];
        fields.topic = m.topic;
        if (!own) fields.event = m.event;
        let body = m.payload;
        if (m.event === 'phx_reply') {
            fields.status = body.status;
            body = body.response;
            o.error = fields.status === 'error';
        } else
            o.error = m.event === 'phx_error';
        if (bytes)
            o.b64 = Buffer.from(body).toString('base64');
        else
            o.json = body;
        T.packet(conn, dir, o);
    };
    const h = http.createServer(), wss = new WebSocket.Server({server : h});
    await listen(h, p);
    wss.on('connection', (s, q) => {
        conn = L.connServer(q.socket);
        const send = (join_ref, ref, topic, event, payload) => s.send(JSON.stringify(
            one ? {topic, event, payload, ref} : [ join_ref, ref, topic, event, payload ]));
        s.on('message', (d, binary) => {
            let m;
            if (binary) {
                const n = [...d.subarray(1, 5) ];
                let at = 5;
                const [join_ref, ref, topic, event] =
                    n.map((k) => d.subarray(at, at += k).toString());
                m = {join_ref, ref, topic, event, payload : d.subarray(at)};
            } else {
                const j = JSON.parse(d);
                m = Array.isArray(j)
                        ? {join_ref : j[0], ref : j[1], topic : j[2], event : j[3], payload : j[4]}
                        : j;
            }
            note('c2s', m, binary);
            const reply = (status, response) =>
                send(m.join_ref, m.ref, m.topic, 'phx_reply', {status, response});
            if (binary) {
                s.send(Buffer.concat(
                    [ Buffer.from([ 1 ]), bytesOf(m.join_ref, m.ref, m.topic, 'ok'), m.payload ]));
                s.send(Buffer.concat(
                    [ Buffer.from([ 0 ]), bytesOf(m.join_ref, m.topic, 'chunk'), m.payload ]));
                s.send(Buffer.concat(
                    [ Buffer.from([ 2 ]), bytesOf(m.topic, 'all'), Buffer.from('é') ]));
                return;
            }
            if (m.event === 'phx_join' && m.topic === 'room:closed')
                reply('error', {reason : 'closed'});
            else if (m.event !== 'tell')
                reply('ok', m.event === 'ask' ? {echo : m.payload} : {});
            if (m.event === 'tell') {
                send(null, null, m.topic, 'told', {who : 'all', é : 1});
                send(m.join_ref, null, m.topic, 'told', {who : 'you'});
            }
            if (m.event === 'crash') send(m.join_ref, m.join_ref, m.topic, 'phx_error', {});
            if (m.event === 'phx_leave') send(m.join_ref, m.join_ref, m.topic, 'phx_close', {});
        });
    });
    const socket = new Socket(
        `ws://127.0.0.1:${p}/socket`,
        {transport : WebSocket, vsn, params : {user : 'a b'}, heartbeatIntervalMs : 150});
    if (one) socket.onMessage((m) => note('s2c', m));
    const decode = socket.decode;
    socket.decode = (raw, cb) => decode.call(socket, raw, (m) => {
        const bytes = raw instanceof ArrayBuffer;
        note('s2c', m, bytes);
        cb(m);
    });
    const joined = (c) => new Promise((r) => c.join().receive('ok', r).receive('error', r)),
          push = (c, e, x) => new Promise((r) => c.push(e, x).receive('ok', r));
    socket.connect();
    const room = socket.channel('room:1', {as : 'guest'});
    await joined(room);
    await push(room, 'ask', {n : 1.5, text : 'é "x"'});
    room.push('tell', {});
    await joined(socket.channel('room:closed', {}));
    if (!one) await push(room, 'upload', new Uint8Array([ 0, 1, 255 ]).buffer);
    await push(room, 'crash', {});
    await L.sleep(400);
    await new Promise((r) => room.leave().receive('ok', r));
    await L.sleep(50);
    await new Promise((r) => socket.disconnect(r));
    await L.sleep(50);
    wss.close();
    stop(h);
}

// -- Action Cable: what the server reads, by hand, and what the client's connection is told
// -------------
async function cable(T, p)
{
    global.addEventListener = global.removeEventListener = () => {};
    global.document = {visibilityState : 'visible'};
    const {adapters, createConsumer} = await import('@rails/actioncable');
    adapters.WebSocket = WebSocket;
    let conn;
    const h = http.createServer(),
          wss = new WebSocket.Server({server : h, handleProtocols : (s) => [...s][0]});
    await listen(h, p);
    const ruby = (v) => JSON.stringify(v).replace(
        /[<>&]/g, (c) => '\\u00' + c.charCodeAt(0).toString(16)); // as ActiveSupport escapes
    const note = (dir, m) => {
        const f = {}, o = {
            name : m.command || m.type || 'message',
            fields : f,
            error : m.type === 'reject_subscription'
        };
        if (m.type === 'ping')
            f.message = m.message;
        else if (m.message !== undefined)
            o.json = m.message;
        if (m.data) {
            o.json = JSON.parse(m.data);
            f.action = o.json.action;
        }
        for (const k of ['reason', 'reconnect'])
            if (k in m) f[k] = m[k];
        if (m.identifier) {
            f.identifier = m.identifier;
            f.channel = JSON.parse(m.identifier).channel;
        }
        T.packet(conn, dir, o);
    };
    wss.on('connection', (s, q) => {
        conn = L.connServer(q.socket);
        const send = (o) => s.send(ruby(o));
        send({type : 'welcome'});
        let t = 1763828000;
        const pings = setInterval(() => send({type : 'ping', message : t += 3}), 100);
        s.on('close', () => clearInterval(pings));
        s.on('message', (d) => {
            const m = JSON.parse(d);
            note('c2s', m);
            if (m.command === 'subscribe')
                send({
                    identifier : m.identifier,
                    type : /Closed/.test(m.identifier) ? 'reject_subscription'
                                                       : 'confirm_subscription'
                });
            if (m.command === 'message')
                send({
                    identifier : m.identifier,
                    message : {said : JSON.parse(m.data), n : [ 1, 2 ]}
                });
            if (m.command === 'unsubscribe') {
                clearInterval(pings);
                send({type : 'disconnect', reason : 'server_restart', reconnect : false});
            }
        });
    });
    const consumer = createConsumer(`ws://127.0.0.1:${p}/cable`),
          events = consumer.connection.events, told = events.message;
    Object.getPrototypeOf(consumer.connection).events = {
        ...events,
        message(e) {
            note('s2c', JSON.parse(e.data));
            return told.call(this, e);
        }
    };
    const sub = (params) => new Promise((r) => {
        const s = consumer.subscriptions.create(
            params,
            {connected : () => r(s), rejected : () => r(s), received : (x) => s.got && s.got(x)});
    });
    const chat = await sub({channel : 'ChatChannel', room : '<1> é'});
    await sub({channel : 'ClosedChannel'});
    const back = new Promise((r) => { chat.got = r; });
    chat.perform('speak', {body : 'hé "llo"'});
    await back;
    await L.sleep(250);
    chat.unsubscribe();
    await L.sleep(200);
    consumer.disconnect();
    await L.sleep(50);
    wss.close();
    stop(h);
}

// -- Pusher: what the server reads, by hand, and what the client's connection emits
// -------------
async function pusher(T, p)
{
    const Pusher = require('pusher-js');
    let conn;
    const h = http.createServer(), wss = new WebSocket.Server({server : h});
    await listen(h, p);
    const note = (dir, m) => {
        const own = /^pusher(_internal)?:/.test(m.event), f = {}, o = {
            name : own ? m.event : 'event',
            fields : f,
            error : /error$/.test(m.event)
        };
        const data = typeof m.data === 'string' ? JSON.parse(m.data) : m.data;
        if (!own) f.event = m.event;
        if (m.channel) f.channel = m.channel;
        for (const k of ['channel', 'socket_id', 'activity_timeout', 'type', 'error', 'status', 'code', 'message'])
            if (own && data && k in data) f[k] = data[k];
        if (data && data.auth) f.auth = true;
        const user = own && data && (data.channel_data || data.user_data);
        if (user) o.json = JSON.parse(user);
        if (!own || /succeeded$|_count$|_events$/.test(m.event)) o.json = data;
        T.packet(conn, dir, o);
    };
    wss.on('connection', (s, q) => {
        conn = L.connServer(q.socket);
        const send = (o) => s.send(JSON.stringify(o)),
              told = (event, channel, data) => send({event, channel, data : JSON.stringify(data)});
        told('pusher:connection_established', undefined, {socket_id : '81.29', activity_timeout : 1});
        s.on('message', (d) => {
            const m = JSON.parse(d), channel = m.data && m.data.channel;
            note('c2s', m);
            if (m.event === 'pusher:ping') send({event : 'pusher:pong', data : {}});
            if (m.event === 'pusher:signin')
            {
                send({event : 'pusher:signin_success', data : {user_data : m.data.user_data}});
                send({event : 'pusher_internal:watchlist_events',
                      data : {events : [ {name : 'online', user_ids : [ '8' ]} ]}});
            }
            if (m.event === 'pusher:unsubscribe')
                send({event : 'pusher:error', data : {code : 4301, message : 'slow down'}});
            if (m.event === 'client-typing') told('price', 'news', {n : 1.50, of : 'é'});
            if (m.event !== 'pusher:subscribe') return;
            if (channel === 'private-closed')
                send({event : 'pusher:subscription_error', channel,
                      data : {type : 'AuthError', error : 'not yours', status : 403}});
            else
                told('pusher_internal:subscription_succeeded', channel,
                     /^presence/.test(channel) ? {presence : {count : 1, ids : [ '7' ], hash : {7 : {}}}} : {});
            if (channel !== 'cache-last') return;
            send({event : 'pusher:cache_miss', channel});
            told('pusher_internal:subscription_count', channel, {subscription_count : 2});
        });
    });
    const user = JSON.stringify({user_id : '7', user_info : {name : 'é'}});
    const c = new Pusher('key', {
        wsHost : '127.0.0.1', wsPort : p, wsPath : '/ws', forceTLS : false, cluster : 'x', enabledTransports : [ 'ws' ],
        enableStats : false,
        channelAuthorization : {customHandler : (x, r) => r(null, {auth : 'key:0123', channel_data : user})},
        userAuthentication : {customHandler : (x, r) => r(null, {auth : 'key:4567', user_data : '{"id":"7"}'})}
    });
    c.connection.bind('message', (m) => note('s2c', m));
    c.connection.bind('connected', () => note('s2c', {event : 'pusher:connection_established',
                                                      data : {socket_id : c.connection.socket_id, activity_timeout : 1}}));
    const all = [ 'news', 'presence-room', 'private-closed', 'cache-last' ].map((n) => c.subscribe(n));
    const said = (channel, event) => new Promise((r) => channel.bind(event, r));
    await said(all[1], 'pusher:subscription_succeeded');
    const back = said(all[0], 'price');
    all[1].trigger('client-typing', {at : [ 1, 2 ]});
    await back;
    c.signin();
    await L.sleep(1400);
    c.unsubscribe('news');
    await L.sleep(100);
    c.disconnect();
    await L.sleep(100);
    wss.close();
    stop(h);
}

(async () => {
    await one(
        'socketio5', `socket.io ${version('socket.io')} with its client`,
        'Socket.IO 5 on Engine.IO 4: namespaces, a refused one, acknowledgements both ways, two attachments in an event',
        (p, T) => sio(T, p, 4, (h, o) => new (require('socket.io').Server)(h, o),
                      require('socket.io-client')));
    await one(
        'socketio4', `socket.io ${version('sio2')} with its client`,
        'the same in Socket.IO 4 on Engine.IO 3: the client pings, a byte 4 before attachments',
        (p, T) => sio(T, p, 3, require('sio2'), require('sioc2')));
    await one('engineio', `engine.io ${version('engine.io-client')} client, engine.io server`,
              'Engine.IO 4 alone: text and bytes', async (p, T) => {
                  const eio = require('eio6'), {Socket} = require('engine.io-client');
                  const h = http.createServer();
                  const server = eio.attach(h, {pingInterval : 200, transports : [ 'websocket' ]});
                  await listen(h, p);
                  server.on('connection', (s) => {
                      const conn = L.connServer(s.request.socket);
                      tapEngine(T, s, () => conn, 'c2s', true);
                      s.on('message', (d) => s.send(d));
                  });
                  const c = new Socket(`ws://127.0.0.1:${p}`, {transports : [ 'websocket' ]});
                  tapEngine(T, c, () => clientConn(c), 's2c', true);
                  await L.once(c, 'open');
                  let n = 0;
                  const all = new Promise((r) => c.on('message', () => {
                      if (++n === 4) r();
                  }));
                  for (const d of ['hello', '0', '2["not an event"]', Buffer.from([ 4, 255, 0 ])])
                      c.send(d);
                  await all;
                  await L.sleep(450);
                  c.close();
                  await L.sleep(100);
                  stop(h);
              });
    for (const form of ['json', 'msgpack'])
        await one(
            `signalr_${form}`,
            `@microsoft/signalr ${version('@microsoft/signalr')} client, a hub of npm ws`,
            `SignalR in ${
                form}: calls both ways, streams both ways, a failure, a cancelled stream, pings, several in a message`,
            (p, T) => signalr(T, p, form));
    for (const vsn of ['2.0.0', '1.0.0'])
        await one(
            `phoenix${vsn[0]}`,
            `phoenix ${
                version(vsn[0] === '1' ? 'phoenix12' : 'phoenix')} client, channels on npm ws`,
            `Phoenix channels, serializer ${
                vsn}: joins, a refused one, pushes with a reply and without, heartbeats`,
            (p, T) => phoenix(T, p, vsn));
    await one('actioncable',
              `@rails/actioncable ${version('@rails/actioncable')} client, a cable on npm ws`,
              'Action Cable: subscriptions confirmed and rejected, an action, pings, a disconnect',
              (p, T) => cable(T, p));
    await one('pusher', `pusher-js ${version('pusher-js')} client, a server on npm ws`,
              'Pusher Channels: subscriptions accepted and refused, an empty cache, a user signed in, events of both sides, pings, an error',
              (p, T) => pusher(T, p));
    process.exit();
})().catch((e) => {
    console.error(e);
    process.exit(1);
});

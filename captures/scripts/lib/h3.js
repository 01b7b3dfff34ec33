'use strict';
// WebSockets over HTTP/3 (RFC 9220): npm ws on the streams of some QUIC stack, and the truth of both ends.
//
// A stack is an object of two functions:
//   serve({ host, port, keylog, onStream(stream, headers, conn) })   -> { close() }
//   connect({ host, port, keylog })  -> { conn, request(headers, fin), close(code), … }
// A stream is a Duplex with `id`, `respond(headers, fin)` (server), the event 'response' (client) and `reset(code)`.
const path = require('path'),
  dgram = require('dgram');
const WebSocket = require('ws');
const L = require('./lab');

const lib = path.join(path.dirname(require.resolve('ws')), 'lib');
const Deflate = require(path.join(lib, 'permessage-deflate'));
const extension = require(path.join(lib, 'extension'));
const MAX_MESSAGE = 64 << 20;

const deflater = (options, isServer) => new Deflate({ threshold: 0, ...options, isServer, maxPayload: MAX_MESSAGE });

/** npm ws on an HTTP/3 stream as if that were its socket, with a tap that writes the truth. */
function webSocketOn(stream, { T, conn, isServer, deflate, protocol }) {
  const ws = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 30000 });
  ws._isServer = isServer;
  ws._protocol = protocol || '';
  ws.binaryType = 'nodebuffer';
  if (deflate) ws._extensions[Deflate.extensionName] = deflate;
  ws.on('error', () => {});
  ws.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true,
    maxPayload: MAX_MESSAGE,
    skipUTF8Validation: false,
  });
  L.tapWs(T, ws, isServer ? 'server' : 'client', conn);
  return Object.assign(ws, { conn, stream });
}

/** What the server takes of an offer: the deflater and the header that says so. */
function acceptDeflate(options, offered) {
  const offer = options && offered && extension.parse(offered)[Deflate.extensionName];
  if (!offer) return {};
  const deflate = deflater(options, true);
  deflate.accept(offer);
  return { deflate, header: extension.format({ [Deflate.extensionName]: [deflate.params] }) };
}

/**
 * A server. o: T, stack, host, port, keylog, upgraded (several WebSockets have the same name: the truth tells each),
 * choose(path): what becomes of an extended CONNECT, as in lib/h2.js.
 */
async function serve(o) {
  const opened = new Map(),
    waiting = new Map();

  function accept(stream, base, { pmd, protocol = null, extra = {} }) {
    const { deflate, header = null } = acceptDeflate(pmd, base.offered);
    const answer = { ':status': '200', ...extra };
    if (header) answer['sec-websocket-extensions'] = header;
    if (protocol) answer['sec-websocket-protocol'] = protocol;
    o.T.hs({
      ...base,
      status: 200,
      extensions: header,
      protocol,
      tls: 'TLSv1.3',
      ...(o.upgraded ? { upgraded: true } : {}),
    });
    stream.respond(answer);
    const ws = webSocketOn(stream, { T: o.T, conn: base.conn, isServer: true, deflate, protocol });
    opened.set(base.conn, ws);
    if (o.onWebSocket) o.onWebSocket(ws, base.path);
    if (waiting.has(base.conn)) waiting.get(base.conn)(ws);
  }

  function onStream(stream, headers, connection) {
    stream.on('error', () => {});
    if (headers[':protocol'] !== 'websocket') {
      if (o.onRequest && o.onRequest(stream, headers)) return;
      stream.resume();
      stream.respond({ ':status': '200', 'content-type': 'text/plain', server: o.stack.name });
      stream.end(`you asked for ${headers[':path']}\n`.repeat(20));
      return;
    }
    const base = {
      conn: `${connection}#${stream.id}`,
      path: headers[':path'],
      offered: headers['sec-websocket-extensions'] || null,
    };
    const choice = o.choose ? o.choose(base.path) : {};
    if (choice.rst !== undefined) {
      o.T.note({ ...base, event: 'reset by the server without an answer', rst: choice.rst });
      stream.reset(choice.rst);
    } else if (choice.status) {
      o.T.hs({ ...base, status: choice.status, at: 'server' });
      stream.resume();
      stream.respond({ ':status': String(choice.status), 'content-type': 'text/plain', ...choice.headers });
      stream.end(choice.body === undefined ? 'no WebSocket here\n' : choice.body);
    } else {
      accept(stream, base, choice);
    }
  }

  const server = await o.stack.serve({ ...o, onStream });
  return {
    ...server,
    /** The server's side of a WebSocket, once it is there. */
    webSocket(conn) {
      if (opened.has(conn)) return opened.get(conn);
      return L.withTimeout(
        new Promise((resolve) => waiting.set(conn, resolve)),
        5000,
        `the server's side of ${conn}`,
      );
    },
  };
}

/** Opens a WebSocket: its client side, or { conn, status } when it was refused. o: pmd, protocols, extra, fields */
async function open(T, session, target, o = {}) {
  const offered = o.pmd && deflater({ clientMaxWindowBits: true, ...o.pmd }, false);
  const headers = {
    ':method': 'CONNECT',
    ':protocol': 'websocket',
    ':scheme': 'https',
    ':path': target,
    ':authority': session.authority,
    'sec-websocket-version': '13',
    origin: 'https://localhost',
    'user-agent': session.agent,
    ...o.fields,
  };
  const offer = offered ? extension.format({ [Deflate.extensionName]: offered.offer() }) : null;
  if (offer) headers['sec-websocket-extensions'] = offer;
  if (o.protocols) headers['sec-websocket-protocol'] = o.protocols.join(', ');
  const stream = await session.request(headers, false);
  stream.on('error', () => {});
  const conn = `${session.conn}#${stream.id}`;
  const closed = L.once(stream, 'close').then(() => [null]);
  const [answer] = await L.withTimeout(
    Promise.race([L.once(stream, 'response'), closed]),
    5000,
    `answer to ${target}`,
  );
  if (!answer) {
    T.note({ conn, at: 'client', event: 'stream closed without a response', path: target });
    return { conn, status: null };
  }
  const status = Number(answer[':status']);
  if (status !== 200) {
    T.hs({ conn, at: 'client', path: target, status, offered: offer });
    stream.resume();
    stream.end();
    await L.withTimeout(L.once(stream, 'end'), 3000, `end of ${target}`).catch((e) => console.error(e.message));
    await L.sleep(10);
    return { conn, status };
  }
  const accepted = answer['sec-websocket-extensions'];
  if (accepted) offered.accept(extension.parse(accepted)[Deflate.extensionName]);
  const protocol = answer['sec-websocket-protocol'];
  return webSocketOn(stream, { T, conn, isServer: false, deflate: accepted && offered, protocol });
}

async function get(session, target, fields = {}) {
  const request = await session.request(
    {
      ':method': 'GET',
      ':scheme': 'https',
      ':authority': session.authority,
      ':path': target,
      'user-agent': session.agent,
      ...fields,
    },
    true,
  );
  request.on('error', () => {});
  request.resume();
  await L.withTimeout(L.once(request, 'end'), 5000, `GET ${target}`);
}

/**
 * A UDP relay between client and server that loses, doubles and reorders. o: loss, dup, reorder (shares), seed, skip
 * (packets of each way that are spared), drop(way, number), hold(way, number): ms, rebind (the numbers of packets with
 * which the client gets another port). What is recorded is the client's side of it, or the server's (tap: 'server').
 */
async function relay(host, port, serverPort, o) {
  const family = host.includes(':') ? 'udp6' : 'udp4';
  const random = L.rnd(o.seed || 1),
    upstream = new Map(),
    names = new Map(),
    sent = { c2s: 0, s2c: 0 },
    counts = { lost: 0, doubled: 0, late: 0 };
  const chance = (share) => share && random() / 2 ** 32 < share;
  function pass(way, data, send) {
    const number = sent[way]++;
    if (o.drop && o.drop(way, number, data)) {
      counts.lost++;
      return;
    }
    if (number < (o.skip || 0)) {
      send(data);
      return;
    }
    if (chance(o.loss)) {
      counts.lost++;
      return;
    }
    if (chance(o.dup)) {
      counts.doubled++;
      send(data);
    }
    if (chance(o.reorder)) {
      counts.late++;
      setTimeout(() => send(data), o.late || 8);
      return;
    }
    const held = o.hold && o.hold(way, number, data);
    if (held) setTimeout(() => send(data), held);
    else send(data);
  }
  const front = dgram.createSocket(family);
  const sockets = [],
    firsts = new Map();
  front.on('message', (data, from) => {
    const key = `${from.address}:${from.port}`;
    if (!upstream.has(key) || (o.rebind || []).includes(sent.c2s)) {
      const socket = dgram.createSocket(family);
      const bound = new Promise((resolve) => socket.connect(serverPort, host, resolve));
      socket.on('message', (answer) => pass('s2c', answer, (d) => front.send(d, from.port, from.address)));
      socket.on('error', () => {});
      bound.then(() => {
        const there = L.ep(host, socket.address().port),
          here = L.ep(from.address, from.port);
        names.set(there, here);
        if (!firsts.has(here)) firsts.set(here, there);
      });
      upstream.set(key, { socket, bound });
      sockets.push(socket);
    }
    const { socket, bound } = upstream.get(key);
    bound.then(() =>
      pass('c2s', data, (d) => {
        try {
          socket.send(d);
        } catch (e) {
          /* closed */
        }
      }),
    );
  });
  await new Promise((resolve) => front.bind(port, host, resolve));
  return {
    counts,
    mapConn(conn) {
      const [client] = conn.split('>');
      return `${names.get(client)}>${L.ep(host, port)}`;
    },
    serverSide: (conn) => `${firsts.get(conn.split('>')[0])}>${L.ep(host, serverPort)}`,
    close() {
      front.close();
      for (const socket of sockets) socket.close();
    },
  };
}

/** One capture. o: name, port, stack, contains, choose, and scenario({ connect, open, get }), which plays it. */
async function record(o) {
  const T = new L.Truth(`${o.name}.ndjson`);
  T.note({ contains: o.contains });
  const host = o.host || '127.0.0.1';
  const keylog = path.join(L.KEYS, `${o.name}.keys`);
  require('fs').writeFileSync(keylog, '');
  const common = { ...o, host, keylog, T };
  if (o.relay) {
    common.relayPort = o.port + 500;
    common.relay = await relay(host, common.relayPort, o.port, o.relay);
    if (o.tap !== 'server') common.mapConn = common.relay.mapConn;
  }
  const server = await serve(common);
  const capture = await new L.Cap(`${o.name}.pcap`, {
    filter: o.filter || `udp port ${(o.tap !== 'server' && common.relayPort) || o.port}`,
    ...o.cap,
  }).start();
  const sessions = [];
  const play = {
    T,
    get,
    server,
    async connect(more = {}) {
      const session = await o.stack.connect({ ...common, ...o.client, ...more });
      if (o.tap === 'server') session.conn = common.relay.serverSide(session.conn);
      sessions.push(session);
      return session;
    },
    /** Both sides of a new WebSocket; the client's alone when it was refused. */
    async open(session, target, options) {
      const client = await open(T, session, target, options);
      return [client, client.stream && (await server.webSocket(client.conn))];
    },
  };
  try {
    await L.withTimeout(o.scenario(play), o.timeout || 20000, o.name);
  } catch (e) {
    console.error('FAILED', o.name, e);
    process.exitCode = 1;
  }
  if (!o.leave) for (const session of sessions) await session.close(0x100);
  await L.sleep(150);
  await capture.stop(300);
  await server.close();
  if (common.relay) {
    T.note({ event: 'relay', ...common.relay.counts });
    common.relay.close();
  }
  for (const session of sessions) if (session.destroy) session.destroy();
  T.write();
  L.manifest({
    file: `${o.name}.pcap`,
    truth: `${o.name}.ndjson`,
    script: o.script,
    keylog: `${o.name}.keys`,
    port: o.port,
    contains: o.contains,
    made: o.stack.made,
    check: 'messages',
  });
}

module.exports = { record, serve, open, get };

'use strict';
// WebSockets over HTTP/2 (RFC 8441): node http2 on both sides, and npm ws on the stream.
const fs = require('fs'), path = require('path'), http2 = require('http2');
const WebSocket = require('ws');
const L = require('./lab');

const lib = path.join(path.dirname(require.resolve('ws')), 'lib');
const Deflate = require(path.join(lib, 'permessage-deflate'));
const extension = require(path.join(lib, 'extension'));
const MAX_MESSAGE = 64 << 20;

const key = (name) => fs.readFileSync(path.join(L.KEYS, name));
const deflater = (options, isServer) => new Deflate({ threshold: 0, ...options, isServer, maxPayload: MAX_MESSAGE });

/** npm ws on an HTTP/2 stream as if that were its socket, with a tap that writes the truth. */
function webSocketOn(stream, { T, conn, isServer, deflate, protocol }) {
  const ws = new WebSocket(null, undefined, { autoPong: true, closeTimeout: 30000 });
  ws._isServer = isServer;
  ws._protocol = protocol || '';
  ws.binaryType = 'nodebuffer';
  if (deflate) ws._extensions[Deflate.extensionName] = deflate;
  ws.on('error', () => {});
  ws.setSocket(stream, Buffer.alloc(0), {
    allowSynchronousEvents: true, maxPayload: MAX_MESSAGE, skipUTF8Validation: false,
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
 * A server. o: T, port, tls (options, or nothing for h2c), keylog (name of a file), onRequest(stream, headers),
 * onWebSocket(ws, path), choose(path): what becomes of an extended CONNECT:
 *   { rst } a reset without answer, { status, headers, body } a refusal, { pmd, protocol } a WebSocket
 */
async function serve(o) {
  const settings = { enableConnectProtocol: true };
  const server = o.tls
    ? http2.createSecureServer({ key: key('rsa.key'), cert: key('rsa.crt'), settings, ...o.tls })
    : http2.createServer({ settings });
  const sessions = new Set(), opened = new Map(), waiting = new Map();

  function refuse(stream, { status, headers, body = 'no WebSocket here\n' }) {
    stream.respond({ ':status': status, 'content-type': 'text/plain', ...headers });
    stream.end(body);
  }

  function accept(stream, base, { pmd, protocol = null }) {
    const { deflate, header = null } = acceptDeflate(pmd, base.offered);
    const answer = { ':status': 200 };
    if (header) answer['sec-websocket-extensions'] = header;
    if (protocol) answer['sec-websocket-protocol'] = protocol;
    const { socket } = stream.session;
    const tls = o.tls ? { tls: socket.getProtocol(), cipher: socket.getCipher().standardName } : {};
    o.T.hs({ ...base, status: 200, extensions: header, protocol, ...tls });
    stream.respond(answer);
    const ws = webSocketOn(stream, { T: o.T, conn: base.conn, isServer: true, deflate, protocol });
    opened.set(base.conn, ws);
    if (o.onWebSocket) o.onWebSocket(ws, base.path);
    if (waiting.has(base.conn)) waiting.get(base.conn)(ws);
  }

  function connect(stream, headers) {
    const conn = `${L.connServer(stream.session.socket)}#${stream.id}`;
    const base = { conn, path: headers[':path'], offered: headers['sec-websocket-extensions'] || null };
    const choice = o.choose ? o.choose(base.path) : {};
    if (choice.rst !== undefined) {
      o.T.note({ ...base, event: 'reset by the server without an answer', rst: choice.rst });
      stream.close(choice.rst);
    } else if (choice.status) {
      o.T.hs({ ...base, status: choice.status, at: 'server' });
      refuse(stream, choice);
    } else {
      accept(stream, base, choice);
    }
  }

  function answer(stream, headers) {
    stream.respond({ ':status': 200, 'content-type': 'text/plain' });
    stream.end(`you asked for ${headers[':path']}\n`.repeat(20));
  }

  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('sessionError', () => {});
  if (o.keylog) {
    const file = path.join(L.KEYS, o.keylog);
    fs.writeFileSync(file, '');
    server.on('keylog', (line) => fs.appendFileSync(file, line));
  }
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if (headers[':protocol'] === 'websocket') connect(stream, headers);
    else (o.onRequest || answer)(stream, headers);
  });
  await new Promise((resolve) => server.listen(o.port, '127.0.0.1', resolve));
  return {
    /** The server's side of a WebSocket, once it is there. */
    webSocket(conn) {
      if (opened.has(conn)) return opened.get(conn);
      return L.withTimeout(new Promise((resolve) => waiting.set(conn, resolve)), 5000, `the server's side of ${conn}`);
    },
    close() {
      server.close();
      for (const session of sessions) session.destroy();
    },
  };
}

/** A client's HTTP/2 connection, once the server's SETTINGS are there. */
async function connect(port, tls) {
  const session = http2.connect(`${tls ? 'https' : 'http'}://127.0.0.1:${port}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  await L.withTimeout(L.once(session, 'remoteSettings'), 5000, 'SETTINGS');
  await L.sleep(20);
  return session;
}

/** Opens a WebSocket: its client side, or { conn, status } when it was refused. o: pmd, protocols */
async function open(T, session, target, o = {}) {
  const scheme = session.encrypted ? 'https' : 'http';
  const offered = o.pmd && deflater({ clientMaxWindowBits: true, ...o.pmd }, false);
  const headers = {
    ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': scheme, ':path': target,
    ':authority': `127.0.0.1:${session.socket.remotePort}`, 'sec-websocket-version': '13',
    origin: `${scheme}://127.0.0.1`, 'user-agent': 'node-http2',
  };
  const offer = offered ? extension.format({ [Deflate.extensionName]: offered.offer() }) : null;
  if (offer) headers['sec-websocket-extensions'] = offer;
  if (o.protocols) headers['sec-websocket-protocol'] = o.protocols.join(', ');
  const stream = session.request(headers, { endStream: false });
  stream.on('error', () => {});
  const closed = L.once(stream, 'close').then(() => [null]);
  const [answer] = await L.withTimeout(Promise.race([L.once(stream, 'response'), closed]), 5000, `answer to ${target}`);
  const conn = `${L.connClient(session.socket)}#${stream.id}`;
  if (!answer) {
    T.note({ conn, at: 'client', event: 'stream closed without a response', path: target, rst: stream.rstCode });
    return { conn, status: null };
  }
  const status = answer[':status'];
  if (status !== 200) {
    T.hs({ conn, at: 'client', path: target, status, offered: offer });
    stream.resume();
    await L.once(stream, 'end');
    stream.end();
    await L.sleep(10);
    return { conn, status };
  }
  const accepted = answer['sec-websocket-extensions'];
  if (accepted) offered.accept(extension.parse(accepted)[Deflate.extensionName]);
  const protocol = answer['sec-websocket-protocol'];
  return webSocketOn(stream, { T, conn, isServer: false, deflate: accepted && offered, protocol });
}

async function get(session, target) {
  const request = session.request({ ':path': target });
  request.resume();
  request.end();
  await L.once(request, 'end');
}

/** One capture. o: name, port, tls, contains, choose, and scenario({ connect, open, get }), which plays it. */
async function record(o) {
  const T = new L.Truth(`${o.name}.ndjson`);
  const keylog = o.tls ? `${o.name}.keys` : null;
  T.note({ contains: o.contains });
  const server = await serve({ ...o, T, keylog });
  const capture = await new L.Cap(`${o.name}.pcap`, { filter: `tcp port ${o.port}` }).start();
  const sessions = [];
  const play = {
    T,
    get,
    async connect() {
      const session = await connect(o.port, o.tls);
      sessions.push(session);
      return session;
    },
    /** Both sides of a new WebSocket; the client's alone when it was refused. */
    async open(session, target, options) {
      const client = await open(T, session, target, options);
      return [client, client.stream && await server.webSocket(client.conn)];
    },
  };
  try {
    await L.withTimeout(o.scenario(play), 20000, o.name);
  } catch (e) {
    console.error('FAILED', o.name, e);
    process.exitCode = 1;
  }
  for (const session of sessions) session.close();
  await L.sleep(100);
  for (const session of sessions) session.destroy();
  await capture.stop(300);
  server.close();
  T.write();
  L.manifest({
    file: `${o.name}.pcap`, truth: `${o.name}.ndjson`, script: o.script, keylog, port: o.port, contains: o.contains,
    made: 'node http2 client and server with npm ws on the stream', check: 'messages',
  });
}

module.exports = { record, serve, connect, open, get };

'use strict';
// Plain CONNECT (RFC 9113 §8.5, no :protocol) through an HTTP/2 proxy, and in its tunnels WebSockets of HTTP/1.1, with
// TLS and without. One key log for the TLS outside and inside. usage: node 07_h2_proxy.js
const fs = require('fs'), path = require('path'), net = require('net'), tls = require('tls');
const http = require('http'), https = require('https'), http2 = require('http2');
const WebSocket = require('ws');
const L = require('./lib/lab');
const { xfer, xfrag, bye } = require('./lib/wsrun');

const name = '07_h2_proxy_connect', script = '07_h2_proxy.js', PROXY = 22741, WS = 22742, WSS = 22743;
const CONNECT_ERROR = 10;
const contains = 'TLS 1.3 to an h2 proxy; plain CONNECT: #1 refused (502), #3 tunnel with an HTTP/1.1 WebSocket ' +
  '(deflate), #5 tunnel with TLS 1.3 and a wss in it, interleaved; #7 tunnel with an ordinary GET';
const keys = path.join(L.KEYS, `${name}.keys`);
const file = (n) => fs.readFileSync(path.join(L.KEYS, n));
const secure = { key: file('rsa.key'), cert: file('rsa.crt'), minVersion: 'TLSv1.3' };
const logKey = (line) => fs.appendFileSync(keys, line);
const listening = (server, port) => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve));

const T = new L.Truth(`${name}.ndjson`);
const tunnels = new Map(); // the port the proxy comes from -> the tunnel's name
const origins = new Map(); // the tunnel's name -> the WebSocket at its origin

async function origin(port, options) {
  const answer = (request, response) => response.end('origin');
  const server = options ? https.createServer(options, answer) : http.createServer(answer);
  server.on('keylog', logKey);
  new WebSocket.Server({ server, perMessageDeflate: { threshold: 0 } }).on('connection', (ws, request) => {
    const conn = tunnels.get(request.socket.remotePort);
    L.tapWs(T, ws, 'server', conn);
    ws.on('error', () => {});
    origins.set(conn, ws);
  });
  await listening(server, port);
  return server;
}

async function proxy() {
  const server = http2.createSecureServer(secure);
  server.on('keylog', logKey);
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    const [host, port] = headers[':authority'].split(':');
    if (host !== '127.0.0.1') {
      stream.respond({ ':status': 502 });
      stream.end('bad gateway');
      return;
    }
    const conn = `${L.connServer(stream.session.socket)}#${stream.id}`;
    const onward = net.connect(+port, host, () => {
      tunnels.set(onward.localPort, conn);
      stream.respond({ ':status': 200 });
      onward.pipe(stream).pipe(onward);
    });
    onward.on('error', () => stream.close(CONNECT_ERROR));
    stream.on('close', () => onward.destroy());
  });
  await listening(server, PROXY);
  return server;
}

async function tunnel(session, authority) {
  const stream = session.request({ ':method': 'CONNECT', ':authority': authority }, { endStream: false });
  stream.on('error', () => {});
  const [headers] = await L.once(stream, 'response');
  return { stream, status: headers[':status'], conn: `${L.connClient(session.socket)}#${stream.id}` };
}

/** A WebSocket through a tunnel of its own: both sides. */
async function webSocket(session, port, target) {
  const { stream, conn } = await tunnel(session, `127.0.0.1:${port}`);
  const inner = port === WSS;
  const createConnection = () => inner
    ? tls.connect({ socket: stream, rejectUnauthorized: false, servername: '' })
    : Object.assign(stream, { setNoDelay() {}, setKeepAlive() {} });
  const ws = new WebSocket(`${inner ? 'wss' : 'ws'}://127.0.0.1:${port}${target}`, {
    createConnection, perMessageDeflate: { threshold: 0 },
  });
  let answer;
  ws.on('upgrade', (response) => { answer = response; });
  await L.once(ws, 'open');
  L.tapWs(T, ws, 'client', conn);
  const extensions = answer.headers['sec-websocket-extensions'] || null;
  T.hs({ conn, path: target, status: answer.statusCode, extensions, protocol: null, tunnel: true, tls: 'TLSv1.3' });
  await L.sleep(20);
  return [ws, origins.get(conn)];
}

async function play(session) {
  const refused = await tunnel(session, 'example.invalid:80');
  T.note({ conn: refused.conn, event: 'CONNECT refused', status: refused.status });
  const [plain, plainServer] = await webSocket(session, WS, '/inside');
  const [inner, innerServer] = await webSocket(session, WSS, '/inside-tls');
  const ways = [[plain, plainServer, 'plain'], [inner, innerServer, 'tls'],
    [plainServer, plain, 'plain back'], [innerServer, inner, 'tls back']];
  for (let i = 0; i < 4; i++) {
    for (const [from, to, what] of ways) await xfer(from, to, i === 3 ? L.noise(6000, i) : `${what} ${i} in a tunnel`);
  }
  await xfrag(plain, plainServer, ['in ', 'three ', 'parts'], false);
  await bye(plain, plainServer, 1000, 'plain');
  await xfer(inner, innerServer, 'alone');
  await bye(innerServer, inner, 1001, 'tls');
  const { stream } = await tunnel(session, `127.0.0.1:${WS}`);
  stream.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  await L.once(stream, 'data');
  stream.end();
  await L.sleep(30);
}

(async () => {
  fs.writeFileSync(keys, '');
  T.note({ contains });
  await origin(WS);
  await origin(WSS, secure);
  await proxy();
  const capture = await new L.Cap(`${name}.pcap`, { filter: `tcp port ${PROXY}` }).start();
  const session = http2.connect(`https://127.0.0.1:${PROXY}`, { rejectUnauthorized: false });
  session.on('error', () => {});
  await L.once(session, 'remoteSettings');
  await L.withTimeout(play(session), 20000, name);
  session.close();
  await L.sleep(80);
  await capture.stop(300);
  T.write();
  L.manifest({
    file: `${name}.pcap`, truth: `${name}.ndjson`, script, keylog: `${name}.keys`, contains, port: PROXY,
    made: 'npm ws client through a node http2 proxy, npm ws origin', check: 'messages',
  });
  process.exit();
})().catch((e) => { console.error(e); process.exit(1); });

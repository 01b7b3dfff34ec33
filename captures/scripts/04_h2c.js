'use strict';
// HTTP/2 without TLS (prior knowledge), a WebSocket in it by extended CONNECT (RFC 8441): hello, echo, END_STREAM.
// Run with: node 04_h2c.js
const L = require('./lib/lab');
const http2 = require('http2');

const file = '04_h2c.pcap', truth = '04_h2c.ndjson', port = 22398;
const TEXT = 1;

function frame(text, masked) {
  const head = Buffer.from([0x80 | TEXT, (masked ? 0x80 : 0) | text.length]);
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0), Buffer.from(text)]); // the masking key is 0
}

function serve() {
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  server.on('stream', (stream, headers) => {
    stream.respond({ ':status': 200 });
    if (headers[':protocol']) stream.on('data', () => stream.write(frame('echo', false)));
    else stream.end('x');
  });
  return new Promise((resolve) => server.listen(port, '127.0.0.1', () => resolve(server)));
}

async function get(session, path) {
  const request = session.request({ ':path': path });
  request.resume();
  await L.once(request, 'end');
}

async function webSocket(session, T) {
  const stream = session.request({
    ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http', 'sec-websocket-version': '13',
  });
  const [answer] = await L.once(stream, 'response');
  const conn = `${L.connClient(session.socket)}#${stream.id}`;
  T.hs({ conn, path: '/chat', status: answer[':status'], extensions: null, protocol: null });
  stream.write(frame('hello', true));
  const [echo] = await L.once(stream, 'data');
  for (const note of ['sent', 'recv']) T[note](conn, 'c2s', TEXT, 'hello'); // it echoes only what came
  for (const note of ['sent', 'recv']) T[note](conn, 's2c', TEXT, echo.subarray(2));
  stream.close();
}

(async () => {
  const server = await serve();
  const T = new L.Truth(truth);
  const contains = 'HTTP/2 without TLS: the server sends SETTINGS first; GET; a WebSocket by extended CONNECT, ' +
    'hello and echo, ended by END_STREAM without close frames';
  T.note({ contains });
  const capture = await new L.Cap(file, { filter: `tcp port ${port}` }).start();
  const session = http2.connect(`http://127.0.0.1:${port}`);
  await L.once(session, 'remoteSettings');
  await get(session, '/');
  await webSocket(session, T);
  await L.sleep(50);
  session.close();
  server.close();
  await capture.stop();
  T.write();
  L.manifest({ file, truth, script: '04_h2c.js', made: 'node http2, both sides', contains, check: 'messages' });
})();

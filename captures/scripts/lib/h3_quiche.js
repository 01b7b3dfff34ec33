'use strict';
// The stack of lib/h3.js that is quiche (npm @currentspace/http3, node 24 or later).
const fs = require('fs'),
  path = require('path');
const http3 = require('@currentspace/http3');
const L = require('./lab');

const pem = (name) => fs.readFileSync(path.join(L.KEYS, name));
const runtime = { runtimeMode: 'portable' };

async function serve(o) {
  const server = http3.createSecureServer({
    key: pem('ec.key'),
    cert: pem('ec.crt'),
    disableRetry: true,
    ...runtime,
    ...o.quicServer,
  });
  server.on('error', (e) => console.error('server', e.message));
  server.on('session', (session) => session.on('error', () => {}));
  server.on('stream', (stream, headers) => {
    stream.reset = (code) => stream.close(code);
    const session =
      stream.session ||
      stream._session ||
      [...server._sessions.values()].find((s) => s._connHandle === stream._connHandle);
    o.onStream(stream, headers, `${L.ep(session.remoteAddress, session.remotePort)}>${L.ep(o.host, o.port)}`);
  });
  server.listen(o.port, o.host);
  await L.sleep(200);
  return { close: () => Promise.race([server.close(), L.sleep(1000)]) };
}

async function connect(o) {
  const authority = `${o.host.includes(':') ? `[${o.host}]` : o.host}:${o.port}`;
  // The native client writes no key log; the one in WebAssembly tells each line.
  const session = http3.connect(authority, {
    rejectUnauthorized: false,
    keylog: true,
    runtimeMode: 'wasm',
    ...o.quicClient,
  });
  session.on('error', () => {});
  session.on('keylog', (line) => {
    const text = line.toString().trim();
    if (/^[A-Z]/.test(text)) fs.appendFileSync(o.keylog, `${text}\n`);
  });
  await L.withTimeout(session.ready(), 5000, 'the handshake');
  const from = session._eventLoop.localAddress
    ? session._eventLoop.localAddress()
    : session._eventLoop.worker.localAddress();
  const local = from.address === '0.0.0.0' ? '127.0.0.1' : from.address === '::' ? '::1' : from.address;
  return {
    session,
    authority,
    agent: 'quiche',
    conn: `${L.ep(local, from.port)}>${L.ep(o.host, o.port)}`,
    request(headers, fin) {
      const stream = session.request(headers, { endStream: fin });
      stream.reset = (code) => stream.close(code);
      return stream;
    },
    close: (code = 0x100) => Promise.race([session.close(code, ''), L.sleep(500)]),
  };
}

module.exports = {
  name: 'quiche',
  made: 'quiche (npm @currentspace/http3) client and server, npm ws on the stream',
  serve,
  connect,
};

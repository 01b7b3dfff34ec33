'use strict';
// WebSockets over HTTP/2 between node http2 client and server: TLS 1.3, TLS 1.2 and none, several streams at once,
// refusals, and every way a stream can end. usage: node 07_h2_node.js [PART OF A NAME]
const L = require('./lib/lab');
const { record } = require('./lib/h2');
const { xfer, bye } = require('./lib/wsrun');
const S = require('./lib/scenarios');

const v13 = { minVersion: 'TLSv1.3' };
const v12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };
const { deflate } = S;
const talk = S.talkOver(2, 8000);
const CANCEL = 8, INTERNAL_ERROR = 2, REFUSED_STREAM = 7;

// -- one after the other -------------------------------------------------------------------------

async function tls12({ connect, open }) {
  const [client, server] = await open(await connect(), '/z', deflate);
  await talk(client, server, 1);
  await bye(server, client, 1000, 'done');
}

async function prior({ connect, open, get }) {
  const session = await connect();
  for (const [k, path] of ['/plain', '/ctx', '/wbits'].entries()) {
    const [client, server] = await open(session, path, deflate);
    await talk(client, server, k);
    await bye(client, server, 1000, `bye ${path}`);
    await get(session, `/after${path}`);
  }
}

function chooseWindow(path) {
  if (path === '/plain') return {};
  if (path === '/ctx') return deflate;
  return { pmd: { serverMaxWindowBits: 10, clientMaxWindowBits: 9, serverNoContextTakeover: true } };
}

// -- ends ------------------------------------------------------------------------------------

async function resets({ T, connect, open }) {
  const ended = (...args) => S.ended({ T, open }, ...args);
  const used = (...args) => S.used({ T, open }, ...args);
  let session = await connect();
  await ended(session, '/end_c', 'END_STREAM by the client first, no close frames', (c) => c.stream.end());
  await ended(session, '/end_s', 'END_STREAM by the server first, no close frames', (c, s) => s.stream.end());
  await ended(session, '/rst_c', 'RST_STREAM CANCEL by the client', (c) => c.stream.close(CANCEL));
  await ended(session, '/rst_s', 'RST_STREAM CANCEL by the server', (c, s) => s.stream.close(CANCEL));
  await ended(session, '/rst_mid', 'RST_STREAM INTERNAL_ERROR by the client amid a fragmented message',
    S.amid((c) => c.stream.close(INTERNAL_ERROR)));
  await ended(session, '/orderly', 'close frames', (c, s) => bye(c, s, 1000, 'orderly'));

  const [, one] = await used(session, '/open_goaway', 'GOAWAY and FIN by the server, stream open');
  const two = await used(session, '/open_goaway2', 'GOAWAY and FIN by the server, stream open', {});
  one.stream.session.goaway(0);
  await L.sleep(20);
  await xfer(...two, 'a message after GOAWAY');
  one.stream.session.destroy();
  await L.sleep(60);

  session = await connect();
  await ended(session, '/open_rst', 'TCP RST by the client, stream open', () => session.socket.resetAndDestroy());
  session = await connect();
  await ended(session, '/open_destroy', 'session destroyed by the client, stream open', () => session.destroy());
  session = await connect();
  await ended(session, '/open_eof', 'still open when the capture ends', () => {});
}

const RECORDINGS = [
  { name: '07_h2_two_streams', port: 22702, tls: v13, ...S.many,
    contains: 'three WebSockets at a time on one HTTP/2 connection over TLS 1.3, GETs between; messages and ' +
      'fragments interleaved; deflate with context takeover, deflate without (both sides), plain' },
  { name: '07_h2_node_tls12', port: 22704, tls: v12, choose: () => deflate, scenario: tls12,
    contains: 'TLS 1.2, deflate, the usual dialogue' },
  { name: '07_h2c_prior', port: 8080, choose: chooseWindow, scenario: prior,
    contains: 'h2c with prior knowledge: one plain WebSocket, one with deflate (context takeover), one with 9/10 ' +
      'window bits and no context takeover of the server; one after the other, a GET between' },
  { name: '07_h2_refused', port: 22706, ...S.refused(REFUSED_STREAM),
    contains: 'h2c: 403, 404, a reset (REFUSED_STREAM) without answer, a 302 with a WebSocket-like body, beside an ' +
      'accepted WebSocket that stays open all the while' },
  { name: '07_h2_resets', port: 22707, choose: () => deflate, scenario: resets,
    contains: 'h2c: streams ended by END_STREAM and by RST_STREAM, from either side, one amid a fragmented message, ' +
      'one orderly; GOAWAY and FIN, TCP RST, GOAWAY by the client with open streams; one open to the end' },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record({ ...recording, script: '07_h2_node.js' });
  process.exit();
})();

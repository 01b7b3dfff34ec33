'use strict';
// WebSockets over HTTP/2 between node http2 client and server: TLS 1.3, TLS 1.2 and none, several streams at once,
// refusals, and every way a stream can end. usage: node 07_h2_node.js [PART OF A NAME]
const L = require('./lib/lab');
const { record } = require('./lib/h2');
const { xfer, xfrag, bye } = require('./lib/wsrun');

const v13 = { minVersion: 'TLSv1.3' };
const v12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2', ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' };
const deflate = { pmd: {} };
const CANCEL = 8, INTERNAL_ERROR = 2, REFUSED_STREAM = 7;

/** The same each way: short, long and empty messages, a repeated one, fragments, a ping. */
async function talk(client, server, k) {
  for (const [from, to, seed] of [[client, server, k + 1], [server, client, k + 2]]) {
    const messages = [`Hello over HTTP/2 ${seed}`, 'héllo wörld 日本語 😀', '', L.prose(126, seed), L.noise(100, seed),
      L.noise(8000, seed), 'repeat '.repeat(200), 'repeat '.repeat(200)];
    for (const message of messages) await xfer(from, to, message);
    await xfrag(from, to, ['frag ', '', 'mented ', '日本'], false);
    const pong = L.once(from, 'pong');
    from.ping('h2 ping');
    await pong;
  }
}

// -- several streams at once -------------------------------------------------------------------

async function tick(pair, i, round) {
  const [client, server] = pair;
  await Promise.all([
    xfer(client, server, `{"type":"tick","ws":${i},"round":${round},"price":${100 + round}}`),
    xfer(server, client, round % 3 ? L.prose(50 * (round + 1), i + 1) : L.noise(900, round + 1)),
  ]);
}

/** A message in five fragments on every stream and each way, those of one between those of the others; pings amid. */
async function interleave(pairs) {
  const all = [...pairs.map((p) => p[0]), ...pairs.map((p) => p[1])];
  const arrived = Promise.all(all.map((ws) => L.once(ws, 'message')));
  for (let part = 0; part < 5; part++) {
    for (const [i, ws] of all.entries()) {
      ws.send(`part ${part} of ws ${i} `.repeat(part + 1), { fin: part === 4 });
      if (part === 2) ws.ping(`mid ${i}`);
      await L.sleep(1);
    }
  }
  await arrived;
  await L.sleep(30);
}

async function twoStreams({ connect, open, get }) {
  const session = await connect();
  await get(session, '/page');
  const context = await open(session, '/ctx', deflate);
  const meanwhile = get(session, '/other');
  const none = await open(session, '/noctx', { pmd: {}, protocols: ['chat', 'superchat'] });
  const plain = await open(session, '/plain?q=1&r=2');
  await meanwhile;
  const pairs = [context, none, plain];
  for (let round = 0; round < 12; round++) {
    await Promise.all(pairs.map((pair, i) => tick(pair, i, round)));
    if (round % 4 === 1) await get(session, `/poll/${round}`);
  }
  await interleave(pairs);
  await bye(...none, 3001, 'first');
  await xfer(...context, 'the others go on');
  await xfer(plain[1], plain[0], 'this one too');
  await bye(plain[1], plain[0], 1001, 'by the server');
  const fourth = await open(session, '/ctx', deflate);
  await xfer(...fourth, 'a fourth, with a fresh context');
  await xfer(...context, 'the first still goes on');
  await bye(context[1], context[0], 1000, 'by the server');
  await bye(...fourth);
}

function chooseContext(path) {
  if (path === '/ctx') return deflate;
  if (path !== '/noctx') return {};
  return { pmd: { serverNoContextTakeover: true, clientNoContextTakeover: true }, protocol: 'chat' };
}

// -- one after the other, refusals ---------------------------------------------------------------

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

async function refused({ connect, open }) {
  const session = await connect();
  await open(session, '/forbidden');
  const [client, server] = await open(session, '/chat', deflate);
  await xfer(client, server, 'accepted');
  await open(session, '/nowhere', deflate);
  await xfer(server, client, 'still here');
  await open(session, '/reset');
  await xfer(client, server, 'and here');
  await open(session, '/moved');
  await xfer(server, client, L.noise(500, 2));
  await bye(client, server, 1000, 'after the refused');
}

function chooseRefusal(path) {
  const looksLikeAFrame = Buffer.from('810548656c6c6f', 'hex');
  return {
    '/forbidden': { status: 403 },
    '/nowhere': { status: 404, body: '' },
    '/reset': { rst: REFUSED_STREAM },
    '/moved': { status: 302, headers: { location: '/chat' }, body: looksLikeAFrame },
  }[path] || deflate;
}

// -- ends ------------------------------------------------------------------------------------

async function resets({ T, connect, open }) {
  /** A WebSocket that has been used, and what will become of it. */
  async function used(session, path, event, options = deflate) {
    const [client, server] = await open(session, path, options);
    await xfer(client, server, `to the server ${path}`);
    await xfer(server, client, `to the client ${path}`);
    T.note({ conn: client.conn, event });
    return [client, server];
  }
  async function ended(...args) {
    const end = args.pop();
    await end(...await used(...args));
    await L.sleep(40);
  }

  let session = await connect();
  await ended(session, '/end_c', 'END_STREAM by the client first, no close frames', (c) => c.stream.end());
  await ended(session, '/end_s', 'END_STREAM by the server first, no close frames', (c, s) => s.stream.end());
  await ended(session, '/rst_c', 'RST_STREAM CANCEL by the client', (c) => c.stream.close(CANCEL));
  await ended(session, '/rst_s', 'RST_STREAM CANCEL by the server', (c, s) => s.stream.close(CANCEL));
  await ended(session, '/rst_mid', 'RST_STREAM INTERNAL_ERROR by the client amid a fragmented message', async (c) => {
    c.send('never fin', { fin: false });
    await L.sleep(10);
    c.send('ished', { fin: false });
    await L.sleep(20);
    c.stream.close(INTERNAL_ERROR);
  });
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
  { name: '07_h2_two_streams', port: 22702, tls: v13, choose: chooseContext, scenario: twoStreams,
    contains: 'three WebSockets at a time on one HTTP/2 connection over TLS 1.3, GETs between; messages and ' +
      'fragments interleaved; deflate with context takeover, deflate without (both sides), plain' },
  { name: '07_h2_node_tls12', port: 22704, tls: v12, choose: () => deflate, scenario: tls12,
    contains: 'TLS 1.2, deflate, the usual dialogue' },
  { name: '07_h2c_prior', port: 8080, choose: chooseWindow, scenario: prior,
    contains: 'h2c with prior knowledge: one plain WebSocket, one with deflate (context takeover), one with 9/10 ' +
      'window bits and no context takeover of the server; one after the other, a GET between' },
  { name: '07_h2_refused', port: 22706, choose: chooseRefusal, scenario: refused,
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

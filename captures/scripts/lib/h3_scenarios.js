'use strict';
// What is played over HTTP/3, whatever the QUIC stack: `choose` for the server, `scenario` for both ends.
const L = require('./lab');
const { xfer, bye } = require('./wsrun');
const { talkOver, ...S } = require('./scenarios');

const { deflate, ping, tick, used, ended } = S;
const talk = talkOver(3, 3000);
const NO_ERROR = 0x100,
  INTERNAL_ERROR = 0x102,
  REQUEST_REJECTED = 0x10b,
  REQUEST_CANCELLED = 0x10c;

const basic = {
  contains: 'one connection, one WebSocket: text, binary, empty, ping and pong, close 1000; both ways',
  choose: () => ({}),
  async scenario({ connect, open }) {
    const [client, server] = await open(await connect(), '/chat');
    for (const [from, to, seed] of [
      [client, server, 1],
      [server, client, 2],
    ]) {
      for (const message of [
        `Hello over HTTP/3 ${seed}`,
        'héllo wörld 日本語 😀',
        '',
        Buffer.alloc(0),
        L.noise(100, seed),
        L.prose(300, seed),
      ]) {
        await xfer(from, to, message);
      }
      await ping(from, 'h3 ping');
    }
    await bye(client, server, 1000, 'done');
  },
};

const dialogue = (what, times = 1, choice = deflate) => ({
  contains: `${what}; the usual dialogue, compressed`,
  choose: () => choice,
  async scenario({ connect, open }) {
    const session = await connect();
    for (let i = 0; i < times; i++) {
      const [client, server] = await open(session, `/talk/${i}`, deflate);
      await talk(client, server, i);
      await bye(client, server, 1000, 'done');
    }
  },
});

const many = {
  ...S.many,
  contains:
    'three WebSockets at a time on one connection, GETs between; messages and fragments interleaved; deflate with ' +
    'context takeover, deflate without (both sides) and a subprotocol, plain',
};

const refused = {
  ...S.refused(REQUEST_REJECTED),
  contains:
    '403, 404, a reset (H3_REQUEST_REJECTED) without answer, a 302 with a WebSocket-like body, beside an accepted ' +
    'WebSocket that stays open all the while',
};

// -- ends ----------------------------------------------------------------------------------------

const ends = {
  contains:
    'streams ended by FIN and by RESET_STREAM, from either side, one amid a fragmented message, one orderly; then ' +
    'CONNECTION_CLOSE with an open stream, by the client and by the server; one open to the end',
  choose: () => deflate,
  leave: true,
  async scenario(play) {
    let session = await play.connect();
    await ended(play, session, '/end_c', 'FIN by the client first, no close frames', (c) => c.stream.end());
    await ended(play, session, '/end_s', 'FIN by the server first, no close frames', (c, s) => s.stream.end());
    await ended(play, session, '/rst_c', 'RESET_STREAM H3_REQUEST_CANCELLED by the client', (c) =>
      c.stream.reset(REQUEST_CANCELLED),
    );
    await ended(play, session, '/rst_s', 'RESET_STREAM H3_REQUEST_CANCELLED by the server', (c, s) =>
      s.stream.reset(REQUEST_CANCELLED),
    );
    await ended(
      play,
      session,
      '/rst_mid',
      'RESET_STREAM H3_INTERNAL_ERROR by the client amid a fragmented message',
      S.amid((c) => c.stream.reset(INTERNAL_ERROR)),
    );
    await ended(play, session, '/orderly', 'close frames', (c, s) => bye(c, s, 1000, 'orderly'));
    const two = await used(play, session, '/open_goaway', 'CONNECTION_CLOSE by the client, stream open', {});
    await xfer(two[1], two[0], 'last words');
    await session.close(NO_ERROR);
    await L.sleep(60);
    session = await play.connect();
    await used(play, session, '/server_closes', 'CONNECTION_CLOSE by the server, stream open');
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(INTERNAL_ERROR));
    if (play.server.peer) play.server.peer.send('x', 2, -1, Buffer.concat([b, Buffer.from('server goes down')]));
    await L.sleep(60);
    session = await play.connect();
    await used(play, session, '/open_eof', 'still open when the capture ends, nothing is said');
  },
};

// -- sizes ---------------------------------------------------------------------------------------

const sizes = (list, what = '') => ({
  contains: `messages of ${list.join(', ')} bytes, text and binary, both ways, not compressed${what}`,
  choose: () => ({}),
  timeout: 60000,
  async scenario({ T, connect, open }) {
    T.brief = true;
    const [client, server] = await open(await connect(), '/sizes');
    for (const [from, to, seed] of [
      [client, server, 3],
      [server, client, 4],
    ]) {
      for (const size of list) {
        await xfer(from, to, L.ascii(size, seed));
        await xfer(from, to, L.noise(size, seed));
      }
    }
    await bye(client, server, 1000);
  },
});

// -- the transport ----------------------------------------------------------------------------------

/** Asks until the stack is ready for it: the update before must have been confirmed and three PTOs have passed. */
async function updateKeys(session, server) {
  for (let tries = 0; tries < 40; tries++) {
    const done = new Promise((resolve) => {
      if (server) server.peer.conn(1).onKey = resolve;
    });
    if (server) server.peer.send('k', 1);
    if (!(await (server ? done : session.updateKeys()))) return;
    await L.sleep(50);
  }
  throw new Error('no key update');
}

const keyUpdates = (times, by = 'client') => ({
  contains: `${times} key updates, begun by the ${by}, amid messages`,
  choose: () => deflate,
  async scenario({ connect, open, T, server }) {
    const session = await connect();
    const [c, s] = await open(session, '/updates', deflate);
    for (let i = 0; i < times; i++) {
      await xfer(c, s, `before update ${i} ${L.prose(200, i)}`);
      await xfer(s, c, `answer ${i} ${L.prose(100, i)}`);
      await updateKeys(session, by === 'server' && server);
      T.note({ conn: session.conn, event: 'key update', by });
    }
    await xfer(c, s, 'after the last');
    await xfer(s, c, 'and its answer');
    await bye(c, s, 1000);
  },
});

const migration = (times) => ({
  contains: `the client moves to another port ${times} times, amid messages; another connection ID each time`,
  choose: () => deflate,
  async scenario({ connect, open, T }) {
    const session = await connect();
    const [c, s] = await open(session, '/moves', deflate);
    for (let i = 0; i < times; i++) {
      await xfer(c, s, `before move ${i}`);
      await xfer(s, c, L.prose(300, i));
      T.note({ conn: session.conn, event: 'migration', to: await session.migrate() });
      await xfer(c, s, `after move ${i}`);
      await xfer(s, c, `answer after move ${i}`);
      await L.sleep(300);
    }
    const [c2, s2] = await open(session, '/opened/after/the/move', deflate);
    await xfer(c2, s2, 'opened on the new path');
    await bye(c2, s2, 1000);
    await bye(c, s, 1000, 'moved');
  },
});

const severalConnections = (count, what = '', more = () => ({})) => ({
  contains: `${count} connections at once, two WebSockets each${what}`,
  choose: () => deflate,
  async scenario({ connect, open }) {
    const pairs = [];
    for (let i = 0; i < count; i++) {
      const session = await connect(more(i));
      for (const path of ['/a', '/b']) pairs.push(await open(session, `${path}/${i}`, deflate));
    }
    for (let round = 0; round < 5; round++) await Promise.all(pairs.map((pair, i) => tick(pair, i, round)));
    for (const [i, pair] of pairs.entries()) await bye(...(i % 2 ? pair : [...pair].reverse()), 1000, `pair ${i}`);
  },
});

/** Much both ways for some seconds: what loss, reordering and duplication are played with. */
const stream = (what, rounds = 40) => ({
  contains: what,
  choose: (path) => (path === '/plain' ? {} : deflate),
  timeout: 60000,
  async scenario({ connect, open, get }) {
    const session = await connect();
    const pairs = [await open(session, '/plain'), await open(session, '/deflate', deflate)];
    for (let round = 0; round < rounds; round++) {
      await Promise.all(pairs.map((pair, i) => tick(pair, i, round)));
      if (round % 8 === 3) await get(session, `/poll/${round}`);
    }
    for (const pair of pairs) await xfer(pair[1], pair[0], L.noise(20000, 5));
    for (const pair of pairs) await xfer(pair[0], pair[1], L.prose(20000, 6));
    for (const pair of pairs) await bye(...pair, 1000, 'streamed');
  },
});

const early = {
  contains: '0-RTT: the second connection is resumed, its request goes out with the first packets',
  choose: () => deflate,
  async scenario({ connect, open, T }) {
    const first = await connect();
    const [a, b] = await open(first, '/first', deflate);
    await xfer(a, b, 'full handshake');
    await xfer(b, a, 'full handshake, back');
    await L.sleep(300);
    await bye(a, b, 1000);
    await first.close();
    await L.sleep(50);
    const second = await connect({ early: true });
    const [c, s] = await open(second, '/early', deflate);
    T.note({ conn: second.conn, event: 'resumed', info: second.c && second.c.info });
    await talk(c, s, 5);
    await bye(c, s, 1000, 'early');
    const [c2, s2] = await open(second, '/later', deflate);
    await xfer(c2, s2, 'opened after the handshake');
    await bye(c2, s2, 1000);
  },
};

/** Many requests with the same and with new fields: the QPACK tables fill and evict. */
const qpack = (what) => ({
  contains: `QPACK: ${what}; requests with repeated, new and long fields, WebSockets between and at the end`,
  choose: (path) =>
    path.startsWith('/no')
      ? { status: 403 }
      : { pmd: {}, extra: { 'x-answer': `of ${path}`, 'x-same': 'the same value each time' } },
  async scenario({ connect, open, get }) {
    const session = await connect();
    const cookie = 'session=8f2b6c1d-5a41-4f8e-9b56-0c5a4d6f7e81; theme=dark; lang=en-GB';
    const fields = { cookie, 'x-token': 'abcdefghijklmnop0123456789', 'accept-language': 'en-GB,en;q=0.9' };
    await get(session, '/start', fields);
    const held = await open(session, '/held', { pmd: {}, fields });
    await xfer(held[0], held[1], 'held open');
    for (let i = 0; i < 12; i++) {
      await get(session, `/asset/${i % 3}.js`, {
        ...fields,
        'x-request-id': `req-${i}`,
        [`x-new-${i}`]: L.ascii(20 + 13 * i, i + 1),
      });
      if (i % 4 !== 2) continue;
      const [c, s] = await open(session, `/ws/${i}`, {
        pmd: {},
        fields: { ...fields, 'x-request-id': `ws-${i}` },
        protocols: ['chat', 'v2.chat'],
      });
      await xfer(c, s, `round ${i}`);
      await xfer(s, c, L.prose(100, i));
      await bye(c, s, 1000);
    }
    await open(session, '/no', { fields });
    const burst = await Promise.all(
      [0, 1, 2, 3].map((i) =>
        open(session, `/burst/${i}`, {
          pmd: {},
          fields: { ...fields, 'x-burst': `number ${i} of four`, [`x-fresh-${i}`]: L.ascii(60, i + 40) },
        }),
      ),
    );
    for (const [i, [c, s]] of burst.entries()) {
      await xfer(c, s, `burst ${i}`);
      await xfer(s, c, `burst answer ${i}`);
    }
    await Promise.all(burst.map(([c, s]) => bye(c, s, 1000)));
    await xfer(held[1], held[0], 'still held');
    await bye(...held, 1000, 'let go');
  },
});

const negotiation = (version) => ({
  contains:
    `version negotiation: the client begins with 0x${version.toString(16)}, is told of version 1, ` +
    'and begins again with that',
  choose: () => deflate,
  async scenario({ connect, open, T }) {
    const first = await connect({ version, patient: true });
    await L.withTimeout(
      new Promise((resolve) => {
        first.c.onNegotiation = resolve;
      }),
      3000,
      'Version Negotiation',
    ).catch((e) => console.error(e.message));
    T.note({ conn: first.conn, event: 'Version Negotiation' });
    const [c, s] = await open(await connect(), '/negotiated', deflate);
    await talk(c, s, 2);
    await bye(c, s, 1000);
  },
});

const endless = {
  contains:
    'one DATA frame for all that is sent, each way, announced with a length (2^30 and 2^40) that is never reached; ' +
    'no FIN, then CONNECTION_CLOSE',
  choose: () => deflate,
  async scenario({ connect, open, get }) {
    const session = await connect();
    const [c, s] = await open(session, '/endless', deflate);
    const [c2, s2] = await open(session, '/endless/too');
    await talk(c, s, 3);
    await xfer(c2, s2, 'another at the same time');
    await xfer(s2, c2, L.noise(4000, 2));
    const concluded = L.once(c._receiver, 'conclude');
    c.close(1000, 'without FIN');
    await concluded;
    await L.sleep(50);
  },
};

/** Connections that only their connection IDs tell apart. */
const samePort = {
  contains:
    'three connections from one client port: one after the other, then two at once; ' +
    'only connection IDs tell them apart',
  choose: () => deflate,
  upgraded: true,
  async scenario({ connect, open, get, T, server }) {
    const first = await connect();
    let [c, s] = await open(first, '/first', deflate);
    await talk(c, s, 1);
    await bye(c, s, 1000, 'first');
    await first.close();
    await L.sleep(100);
    const second = await connect();
    await get(second, '/not/a/websocket');
    const a = await open(second, '/second', deflate);
    const third = await connect();
    await get(third, '/nor/this');
    await get(third, '/nor/that');
    const b = await open(third, '/third', deflate);
    for (let round = 0; round < 4; round++) await Promise.all([tick(a, 1, round), tick(b, 2, round)]);
    await bye(...a, 1000, 'second');
    await bye(...b, 1000, 'third');
  },
};

/** A handshake that fails: the client's protocol is not the server's. */
const failed = {
  contains: 'a handshake that fails: no common ALPN protocol, CONNECTION_CLOSE',
  choose: () => ({}),
  leave: true,
  async scenario({ connect }) {
    await connect({ patient: true });
    await L.sleep(500);
  },
};

const silent = {
  contains:
    'the client vanishes amid a fragmented message: no close frame, no FIN, no CONNECTION_CLOSE; ' +
    'the server sends again what nobody acknowledges',
  choose: () => deflate,
  leave: true,
  async scenario({ connect, open }) {
    const session = await connect();
    const [c, s] = await open(session, '/silent', deflate);
    await xfer(c, s, 'here');
    await xfer(s, c, 'and here');
    c.send('never to be fin', { fin: false });
    await L.sleep(30);
    session.destroy();
    await L.sleep(30);
    s.send('nobody reads this');
    await L.sleep(700);
  },
};

/** QUIC that carries something else than HTTP/3. */
const otherProtocol = {
  contains:
    'QUIC that is not HTTP/3 (ALPN "chat/1"): bytes of its own on its streams, also some that look like HTTP and ' +
    'like WebSocket frames',
  choose: () => ({}),
  onRaw(stream) {
    stream.on('error', () => {});
    stream.on('data', (data) => stream.write(Buffer.concat([Buffer.from('answer: '), data.subarray(0, 300)])));
    stream.on('end', () => stream.end());
  },
  async scenario({ connect }) {
    const session = await connect();
    const texts = [
      'hello',
      Buffer.from('810548656c6c6f', 'hex'),
      'GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
      L.noise(5000, 3),
      Buffer.from('0007810548656c6c6f', 'hex'),
    ];
    for (const text of texts) {
      const stream = await session.openRaw();
      stream.on('error', () => {});
      const answered = L.once(stream, 'data');
      stream.write(text);
      await L.withTimeout(answered, 3000, 'an answer');
      stream.end();
      await L.sleep(10);
    }
  },
};

const plainHttp = {
  contains: 'HTTP/3 without any WebSocket: GETs with answers of some size, nine requests',
  choose: () => ({}),
  async scenario({ connect, get }) {
    const session = await connect();
    for (let i = 0; i < 6; i++) await get(session, `/page/${i}`);
    await Promise.all([1, 2, 3].map((i) => get(session, `/together/${i}`, { 'x-n': `${i}` })));
  },
};

module.exports = {
  basic,
  dialogue,
  many,
  refused,
  ends,
  sizes,
  keyUpdates,
  migration,
  severalConnections,
  early,
  stream,
  negotiation,
  endless,
  samePort,
  failed,
  silent,
  otherProtocol,
  qpack,
  plainHttp,
  deflate,
  ping,
  talk,
  tick,
  used,
};

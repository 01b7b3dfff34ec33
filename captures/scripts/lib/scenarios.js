'use strict';
// What is played over HTTP/2 and HTTP/3 alike: `choose` for the server, `scenario` for both ends.
const L = require('./lab');
const { xfer, xfrag, bye } = require('./wsrun');

const deflate = { pmd: {} };

async function ping(from, data) {
  const pong = L.once(from, 'pong');
  from.ping(data);
  await pong;
}

/** The same each way: short, long and empty messages, a repeated one, fragments, a ping. */
const talkOver = (version, large) =>
  async function talk(client, server, k) {
    for (const [from, to, seed] of [
      [client, server, k + 1],
      [server, client, k + 2],
    ]) {
      const messages = [
        `Hello over HTTP/${version} ${seed}`,
        'héllo wörld 日本語 😀',
        '',
        L.prose(126, seed),
        L.noise(100, seed),
        L.noise(large, seed),
        'repeat '.repeat(200),
        'repeat '.repeat(200),
      ];
      for (const message of messages) await xfer(from, to, message);
      await xfrag(from, to, ['frag ', '', 'mented ', '日本'], false);
      await ping(from, `h${version} ping`);
    }
  };

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

const many = {
  choose(path) {
    if (path === '/ctx') return deflate;
    if (path !== '/noctx') return {};
    return { pmd: { serverNoContextTakeover: true, clientNoContextTakeover: true }, protocol: 'chat' };
  },
  async scenario({ connect, open, get }) {
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
  },
};

// -- refusals and ends ---------------------------------------------------------------------------

/** `rejected`: the code of a reset without an answer. */
const refused = (rejected) => ({
  choose(path) {
    const looksLikeAFrame = Buffer.from('810548656c6c6f', 'hex');
    return (
      {
        '/forbidden': { status: 403 },
        '/nowhere': { status: 404, body: '' },
        '/reset': { rst: rejected },
        '/moved': { status: 302, headers: { location: '/chat' }, body: looksLikeAFrame },
      }[path] || deflate
    );
  },
  async scenario({ connect, open }) {
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
  },
});

/** A WebSocket that has been used, and what will become of it. */
async function used({ T, open }, session, path, event, options = deflate) {
  const [client, server] = await open(session, path, options);
  await xfer(client, server, `to the server ${path}`);
  await xfer(server, client, `to the client ${path}`);
  T.note({ conn: client.conn, event });
  return [client, server];
}

/** The same, and `end(client, server)`. */
async function ended(play, session, path, event, end) {
  await end(...(await used(play, session, path, event)));
  await L.sleep(40);
}

/** A fragmented message that is never whole, and `reset(client)`. */
const amid = (reset) =>
  async function torn(client) {
    client.send('never fin', { fin: false });
    await L.sleep(10);
    client.send('ished', { fin: false });
    await L.sleep(20);
    reset(client);
  };

module.exports = { deflate, ping, talkOver, tick, many, refused, used, ended, amid };

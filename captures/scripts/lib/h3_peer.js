'use strict';
// The stack of lib/h3.js whose QUIC and HTTP/3 is a program of its own, told through its standard input and output
// what to do: h3/ngtcp2_peer.c, h3/quicgo_peer.go, h3/deno_peer.mjs. One process is all clients, another the server.
//   length u32, type u8, connection u32, stream i64, payload; all big-endian, length of what follows it
const { spawn } = require('child_process');
const path = require('path');
const { Duplex } = require('stream');
const L = require('./lab');

class PeerStream extends Duplex {
  constructor(peer, conn, id) {
    super({ allowHalfOpen: true, autoDestroy: true, emitClose: true });
    Object.assign(this, { peer, conn, id, over: false });
  }
  respond(headers, fin = false) {
    this.peer.send('h', this.conn, this.id, fields(headers, fin ? 1 : 0));
  }
  inform(headers) {
    this.peer.send('h', this.conn, this.id, fields(headers, 2));
  }
  reset(code) {
    const b = Buffer.alloc(8);
    b.writeBigUInt64BE(BigInt(code));
    this.peer.send('r', this.conn, this.id, b);
    setTimeout(() => this.destroy(), 20);
  }
  _read() {}
  _write(chunk, encoding, done) {
    this.peer.send('d', this.conn, this.id, chunk);
    done();
  }
  _final(done) {
    this.peer.send('f', this.conn, this.id);
    done();
  }
  _destroy(error, done) {
    this.over = true;
    done(error);
  }
}

function fields(headers, flags) {
  const parts = [Buffer.from([flags])];
  for (const [name, value] of Object.entries(headers)) {
    for (const one of Array.isArray(value) ? value : [value]) parts.push(Buffer.from(`${name}\0${one}\0`));
  }
  return Buffer.concat(parts);
}

function parseFields(payload) {
  const list = payload.subarray(1).toString().split('\0'),
    headers = {};
  for (let i = 0; i + 1 < list.length; i += 2) headers[list[i]] = list[i + 1];
  return headers;
}

/** The process, and the streams of its connections. */
class Peer {
  constructor(command, args, env, events = {}) {
    this.events = events;
    this.conns = new Map();
    this.child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'], env: { ...process.env, ...env } });
    this.child.on('error', (e) => console.error(e.message));
    this.child.stdin.on('error', () => {});
    process.once('exit', () => this.child.kill('SIGKILL'));
    this.ready = new Promise((resolve) => {
      this.onReady = resolve;
    });
    let rest = Buffer.alloc(0);
    this.child.stdout.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      while (rest.length >= 4) {
        const length = rest.readUInt32BE(0);
        if (rest.length < 4 + length) break;
        const m = rest.subarray(4, 4 + length);
        rest = rest.subarray(4 + length);
        this.event(
          String.fromCharCode(m[0]),
          m.readUInt32BE(1),
          Number(m.readBigInt64BE(5)),
          Buffer.from(m.subarray(13)),
        );
      }
    });
  }
  send(type, conn, stream = -1, payload = Buffer.alloc(0)) {
    const data = Buffer.isBuffer(payload) ? payload : Buffer.from(payload);
    const head = Buffer.alloc(17);
    head.writeUInt32BE(13 + data.length, 0);
    head.write(type, 4, 'latin1');
    head.writeUInt32BE(conn, 5);
    head.writeBigInt64BE(BigInt(stream), 9);
    this.child.stdin.write(Buffer.concat([head, data]));
  }
  conn(number) {
    if (!this.conns.has(number)) {
      const c = { number, streams: new Map(), asked: [], name: null };
      c.named = new Promise((resolve) => {
        c.onName = resolve;
      });
      c.established = new Promise((resolve) => {
        c.onEstablished = resolve;
      });
      c.closed = new Promise((resolve) => {
        c.onClosed = resolve;
      });
      this.conns.set(number, c);
    }
    return this.conns.get(number);
  }
  stream(number, id) {
    const c = this.conn(number);
    if (!c.streams.has(id)) c.streams.set(id, new PeerStream(this, number, id));
    return c.streams.get(id);
  }
  event(type, number, id, payload) {
    const c = this.conn(number),
      s = id >= 0 ? this.stream(number, id) : null;
    if (type === 'B') this.onReady();
    else if (type === 'N') {
      c.name = payload.toString();
      c.onName(c.name);
    } else if (type === 'E') {
      c.info = payload.toString();
      c.onEstablished(c.info);
    } else if (type === 'O') c.asked.shift()(s);
    else if (type === 'H') {
      const headers = parseFields(payload);
      if (this.events.onStream && !s.begun) {
        s.begun = true;
        this.events.onStream(s, headers, c.name);
      } else if (!this.events.onStream && headers[':status'] && headers[':status'][0] === '1')
        s.emit('informed', headers);
      else setImmediate(() => s.emit('response', headers)); // whoever asked has first to hear of its stream
    } else if (type === 'D') {
      if (this.events.onRaw && !s.begun) {
        s.begun = true;
        this.events.onRaw(s, c.name);
      }
      if (!s.over) s.push(payload);
    } else if (type === 'F') {
      if (!s.over) s.push(null);
    } else if (type === 'R') {
      s.rstCode = Number(payload.readBigUInt64BE(0));
      s.destroy();
    } else if (type === 'Z') setTimeout(() => s.destroy(), 5);
    else if (type === 'X') {
      for (const one of c.streams.values()) one.destroy();
      c.onClosed();
    } else if (type === 'V') c.onNegotiation && c.onNegotiation();
    else if (type === 'T') {
      this.ticket = true;
    } else if (type === 'P') {
      c.onPath && c.onPath(payload.toString());
    } else if (type === 'K') {
      if (c.onKey) c.onKey(payload.toString());
    } else if (type === 'L')
      console.error(
        path.basename(this.child.spawnfile),
        this.events.onStream ? 'server:' : 'client:',
        payload.toString(),
      );
  }
  quit() {
    this.child.kill('SIGKILL');
  }
}

/** A stack. kinds: { server: kind, client: kind }, each with command, args(o, role) and env(o, role) */
function makeStack({ name, made, server: serverKind, client: clientKind }) {
  async function serve(o) {
    const map = o.mapConn || ((conn) => conn);
    const events = { onStream: (stream, headers, conn) => o.onStream(stream, headers, map(conn)) };
    if (o.onRaw) events.onRaw = o.onRaw;
    const peer = new Peer(serverKind.command, serverKind.args('server', o), serverKind.env('server', o), events);
    await L.withTimeout(peer.ready, 8000, 'the server');
    await L.sleep(50);
    return { peer, close: () => peer.quit() };
  }

  async function connect(o) {
    if (!o.T.clients)
      o.T.clients = new Peer(clientKind.command, clientKind.args('client', o), clientKind.env('client', o));
    const peer = o.T.clients;
    await L.withTimeout(peer.ready, 8000, 'the client');
    const number = (peer.last = (peer.last || 0) + 1);
    const c = peer.conn(number);
    const port = o.relayPort || o.port;
    peer.send(
      'c',
      number,
      -1,
      `${o.host} ${port} ${o.early ? 1 : 0} ${o.cid === undefined ? 8 : o.cid} ${(o.version || 1).toString(16)}`,
    );
    const conn = await L.withTimeout(c.named, 3000, 'a socket');
    if (!o.early && !o.patient) {
      const info = await L.withTimeout(c.established, 8000, 'the handshake');
      o.T.note({
        conn,
        event: 'handshake completed',
        cipher: info.split(' ')[0],
        version: `0x${info.split(' ')[1]}`,
      });
      await L.sleep(20);
    }
    return {
      peer,
      c,
      conn,
      number,
      agent: clientKind.name,
      authority: `localhost:${o.port}`,
      request(headers, fin) {
        const opened = new Promise((resolve) => c.asked.push(resolve));
        peer.send('q', number, -1, fields(headers, fin ? 1 : 0));
        return L.withTimeout(opened, 5000, 'a stream');
      },
      openRaw() {
        const opened = new Promise((resolve) => c.asked.push(resolve));
        peer.send('o', number);
        return L.withTimeout(opened, 5000, 'a stream');
      },
      uni: (data) => peer.send('u', number, -1, data),
      async updateKeys() {
        const done = new Promise((resolve) => {
          c.onKey = resolve;
        });
        peer.send('k', number);
        return done;
      },
      async migrate() {
        const done = new Promise((resolve) => {
          c.onPath = resolve;
        });
        peer.send('m', number);
        return done;
      },
      goaway: () => peer.send('g', number),
      dataSize(size) {
        const b = Buffer.alloc(8);
        b.writeBigUInt64BE(BigInt(size));
        peer.send('s', number, -1, b);
      },
      close(code = 0x100) {
        const b = Buffer.alloc(8);
        b.writeBigUInt64BE(BigInt(code));
        peer.send('x', number, -1, b);
        return L.sleep(30);
      },
      destroy: () => peer.quit(),
    };
  }
  return { name, made, serve, connect };
}

const options = (o) => Object.entries(o || {}).map(([k, v]) => `${k}=${v}`);
const H3 = path.resolve(__dirname, '../h3');
const native = (name, command, before = [], cert = 'ec') => ({
  name,
  command,
  args: (role, o) => [
    ...before,
    ...(role === 'server'
      ? [
          'server',
          o.host,
          String(o.port),
          path.join(L.KEYS, `${o.cert || cert}.key`),
          path.join(L.KEYS, `${o.cert || cert}.crt`),
          ...options(o.serverOptions),
        ]
      : ['client', ...options(o.clientOptions)]),
  ],
  env: (role, o) => ({
    H3_CA: path.join(L.KEYS, 'h3ca.crt'),
    ...((role === 'client' && !o.keysOfServer) || (role === 'server' && o.keysOfServer)
      ? { SSLKEYLOGFILE: o.keylog }
      : { SSLKEYLOGFILE: '' }),
    ...o.env,
  }),
});

const kinds = {
  ngtcp2: native('ngtcp2', path.join(L.ROOT, 'h3', 'ngtcp2_peer')),
  quicgo: native('quic-go', path.join(L.ROOT, 'h3', 'quicgo_peer')),
  deno: native(
    'quinn',
    process.env.DENO || 'deno',
    ['run', '-A', '--unstable-net', '--quiet', path.join(H3, 'deno_peer.mjs')],
    'h3',
  ),
};

module.exports = { makeStack, kinds, Peer };

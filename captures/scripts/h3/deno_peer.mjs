// SPDX-License-Identifier: MIT
// An HTTP/3 peer on quinn (Deno's QUIC) whose HTTP/3 is written here, so that it can be odd where RFC 9114 allows it:
// reserved frames, settings and streams, DATA frames of no byte, long forms of integers, 103 before 200, trailers.
// Told what to do as h3/ngtcp2_peer.c is. needs: npm deno 2.9 or later.
// usage: deno run -A --unstable-net deno_peer.mjs server HOST PORT KEY CERT [NAME=VALUE…] | client [NAME=VALUE…]
const [role, ...rest] = Deno.args;
const isServer = role === 'server';
const options = { odd: 0, data: 1 << 20, alpn: 'h3', long: 0 };
for (const text of rest.slice(isServer ? 4 : 0)) {
  const [name, value] = text.split('=');
  options[name] = name === 'alpn' ? value : Number(value);
}
const utf8 = new TextEncoder(),
  text8 = new TextDecoder();
const H3_DATA = 0,
  H3_HEADERS = 1,
  H3_SETTINGS = 4;

// -- messages to and from the script -------------------------------------------------------------

let telling = Promise.resolve();
function tell(type, conn, stream, payload = new Uint8Array(0)) {
  const data = typeof payload === 'string' ? utf8.encode(payload) : payload;
  const m = new Uint8Array(17 + data.length),
    view = new DataView(m.buffer);
  view.setUint32(0, 13 + data.length);
  m[4] = type.charCodeAt(0);
  view.setUint32(5, conn);
  view.setBigInt64(9, BigInt(stream));
  m.set(data, 17);
  telling = telling.then(async () => {
    for (let at = 0; at < m.length;) at += await Deno.stdout.write(m.subarray(at));
  });
}

// -- integers, fields -----------------------------------------------------------------------------

function varint(value, least = 1) {
  const n = Math.max(least, value < 64 ? 1 : value < 16384 ? 2 : value < 2 ** 30 ? 4 : 8),
    out = new Uint8Array(n);
  let v = BigInt(value);
  for (let i = n; i--; v >>= 8n) out[i] = Number(v & 255n);
  out[0] |= { 1: 0, 2: 0x40, 4: 0x80, 8: 0xc0 }[n];
  return out;
}

function readVarint(b, at) {
  if (at >= b.length) return null;
  const n = 1 << (b[at] >> 6);
  if (at + n > b.length) return null;
  let v = BigInt(b[at] & 63);
  for (let i = 1; i < n; i++) v = (v << 8n) | BigInt(b[at + i]);
  return [Number(v), at + n];
}

function join(...parts) {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function prefixed(value, bits, first) {
  const max = (1 << bits) - 1;
  if (value < max) return Uint8Array.of(first | value);
  const out = [first | max];
  for (value -= max; value > 127; value >>= 7) out.push((value & 127) | 128);
  return Uint8Array.of(...out, value);
}

const STATIC = {
  ':method CONNECT': 15,
  ':method GET': 17,
  ':scheme https': 23,
  ':status 103': 24,
  ':status 200': 25,
  ':status 404': 27,
};
const STATIC_NAMES = {
  ':authority': 0,
  ':path': 1,
  ':method': 15,
  ':scheme': 22,
  ':status': 24,
  'content-type': 44,
  origin: 90,
  server: 92,
  'user-agent': 95,
};
const BY_INDEX = Object.fromEntries(Object.entries(STATIC).map(([k, v]) => [v, k.split(' ')]));
const NAME_BY_INDEX = Object.fromEntries(Object.entries(STATIC_NAMES).map(([k, v]) => [v, k]));

function encodeFields(list) {
  const parts = [Uint8Array.of(0, 0)];
  for (const [name, value] of list) {
    const whole = STATIC[`${name} ${value}`],
      known = STATIC_NAMES[name],
      v = utf8.encode(value),
      n = utf8.encode(name);
    if (whole !== undefined) parts.push(prefixed(whole, 6, 0xc0));
    else if (known !== undefined) parts.push(prefixed(known, 4, 0x50), prefixed(v.length, 7, 0), v);
    else parts.push(prefixed(n.length, 3, name.length % 2 ? 0x30 : 0x20), n, prefixed(v.length, 7, 0), v);
  }
  return join(...parts);
}

/** Only what encodeFields writes: the other end is this program too. */
function decodeFields(b) {
  let at = 2;
  const list = [];
  const number = (bits) => {
    const max = (1 << bits) - 1;
    let v = b[at++] & max;
    if (v === max)
      for (let shift = 0; ; shift += 7) {
        const c = b[at++];
        v += (c & 127) << shift;
        if (c < 128) break;
      }
    return v;
  };
  const string = (bits) => {
    const n = number(bits);
    at += n;
    return text8.decode(b.subarray(at - n, at));
  };
  while (at < b.length) {
    if (b[at] & 0x80) list.push(BY_INDEX[number(6)]);
    else if (b[at] & 0x40) {
      const name = NAME_BY_INDEX[number(4)];
      list.push([name, string(7)]);
    } else {
      const name = string(3);
      list.push([name, string(7)]);
    }
  }
  return list;
}

const fromScript = (payload) => {
  const p = text8.decode(payload.subarray(1)).split('\0'),
    list = [];
  for (let i = 0; i + 1 < p.length; i += 2) list.push([p[i], p[i + 1]]);
  return list;
};

// -- HTTP/3 ---------------------------------------------------------------------------------------

const frame = (type, payload, least = options.long) =>
  join(varint(type, least), varint(payload.length, least), payload);
let greased = 0;
const reserved = () => 0x21 + 0x1f * ((greased++ * 37) % 5000);
const noise = (n) => Uint8Array.from({ length: n }, (_, i) => (i * 73 + greased * 31) & 255);
const grease = () => (options.odd ? frame(reserved(), noise((greased * 17) % 90)) : new Uint8Array(0));

class Stream {
  constructor(conn, id, bidi) {
    Object.assign(this, {
      conn,
      id,
      buffer: new Uint8Array(0),
      left: 0,
      writing: Promise.resolve(),
      trailers: false,
    });
    this.writer = bidi.writable.getWriter();
    this.writer.closed.catch(() => {});
    this.read(bidi.readable.getReader());
  }
  write(bytes) {
    this.writing = this.writing.then(() => this.writer.write(bytes)).catch(() => {});
  }
  async read(reader) {
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        if (options.alpn !== 'h3') {
          tell('D', this.conn.number, this.id, value);
          continue;
        }
        this.buffer = join(this.buffer, value);
        this.frames();
      }
      tell('F', this.conn.number, this.id);
    } catch (e) {
      tell('R', this.conn.number, this.id, new Uint8Array(8));
    }
  }
  frames() {
    for (;;) {
      if (this.left) {
        // of a DATA frame
        const part = this.buffer.subarray(0, this.left);
        if (!part.length) return;
        this.left -= part.length;
        tell('D', this.conn.number, this.id, part.slice());
        this.buffer = this.buffer.slice(part.length);
        continue;
      }
      const type = readVarint(this.buffer, 0),
        length = type && readVarint(this.buffer, type[1]);
      if (length && type[0] === H3_DATA) {
        this.left = length[0];
        this.buffer = this.buffer.slice(length[1]);
        continue;
      }
      if (!length || this.buffer.length < length[1] + length[0]) return;
      const payload = this.buffer.subarray(length[1], length[1] + length[0]);
      this.buffer = this.buffer.slice(length[1] + length[0]);
      if (type[0] === H3_HEADERS) {
        const list = decodeFields(payload);
        if (list[0] && list[0][0][0] === ':')
          tell(
            'H',
            this.conn.number,
            this.id,
            join(Uint8Array.of(0), utf8.encode(list.map(([n, v]) => `${n}\0${v}\0`).join(''))),
          );
      }
    }
  }
  headers(list) {
    this.write(join(grease(), frame(H3_HEADERS, encodeFields(list)), grease()));
  }
  data(bytes) {
    if (options.endless) {
      // one DATA frame, announced longer than the stream will be
      if (!this.begun) this.write(join(varint(H3_DATA), varint(options.endless)));
      this.begun = true;
      this.write(bytes);
      return;
    }
    for (let at = 0; at < bytes.length; at += options.data) {
      if (options.odd)
        this.write(join(grease(), greased % 3 ? new Uint8Array(0) : frame(H3_DATA, new Uint8Array(0))));
      this.write(frame(H3_DATA, bytes.subarray(at, at + options.data)));
    }
  }
  finish() {
    if (options.endless && this.begun) return; // an unfinished frame may not be followed by FIN
    if (options.odd)
      this.write(
        join(
          frame(
            H3_HEADERS,
            encodeFields([
              ['x-checksum', 'none'],
              ['x-last', 'yes'],
            ]),
          ),
          grease(),
        ),
      );
    this.writing = this.writing.then(() => this.writer.close()).catch(() => {});
  }
}

class Conn {
  constructor(number, quic, name) {
    Object.assign(this, {
      number,
      quic,
      name,
      streams: new Map(),
      next: isServer ? 1 : 0,
      accepted: isServer ? 0 : 1,
    });
    conns.set(number, this);
  }
  add(bidi, id) {
    const s = new Stream(this, id, bidi);
    this.streams.set(id, s);
    return s;
  }
  async uni(...parts) {
    const stream = await this.quic.createUnidirectionalStream();
    const writer = stream.getWriter();
    for (const part of parts) {
      await writer.write(part);
      if (options.odd) await new Promise((r) => setTimeout(r, 3));
    }
    return writer;
  }
  async start() {
    if (options.alpn === 'h3') {
      const settings = [varint(0x06), varint(65536)];
      if (options.odd) settings.push(varint(reserved()), varint(12345678), varint(0x33), varint(1));
      if (isServer) settings.push(varint(0x08), varint(1));
      if (options.odd) await this.uni(varint(reserved(), 8), noise(50), noise(1500));
      this.control = await this.uni(
        varint(0),
        frame(H3_SETTINGS, join(...settings)),
        options.odd ? frame(reserved(), noise(30)) : new Uint8Array(0),
      );
      if (!options.odd) {
        await this.uni(varint(2));
        await this.uni(varint(3));
      }
    }
    this.readUnis();
    this.readBidis();
  }
  async readUnis() {
    try {
      for await (const s of this.quic.incomingUnidirectionalStreams)
        (async () => {
          for await (const part of s) void part;
        })().catch(() => {});
    } catch (e) {
      /* closed */
    }
  }
  async readBidis() {
    try {
      for await (const bidi of this.quic.incomingBidirectionalStreams) {
        this.add(bidi, this.accepted);
        this.accepted += 4;
      }
    } catch (e) {
      /* closed */
    }
    tell('X', this.number, -1);
  }
}

const conns = new Map();
const ep = (a) => (a.hostname.includes(':') ? `[${a.hostname}]:${a.port}` : `${a.hostname}:${a.port}`);
const transport = {
  keepAliveInterval: 5000,
  maxIdleTimeout: 20000,
  maxConcurrentBidirectionalStreams: 100,
  maxConcurrentUnidirectionalStreams: 20,
};

async function listen() {
  const [hostname, port, key, cert] = rest;
  const endpoint = new Deno.QuicEndpoint({ hostname, port: Number(port) });
  const listener = endpoint.listen({
    key: Deno.readTextFileSync(key),
    cert: Deno.readTextFileSync(cert),
    alpnProtocols: [options.alpn],
    ...transport,
  });
  tell('B', 0, -1);
  for (let number = 1; ; number++) {
    const quic = await listener.accept();
    const c = new Conn(number, quic, '');
    tell('N', number, -1, `${ep(quic.remoteAddr)}>${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`);
    c.start();
  }
}

let shared = null;
async function connect(number, words) {
  const [hostname, port] = words.split(' ');
  const endpoint = (options.shared && shared) || new Deno.QuicEndpoint({ hostname, port: 0 });
  shared = endpoint; // shared=1: all connections from one port
  tell('N', number, -1, `${ep(endpoint.addr)}>${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`);
  const quic = await Deno.connectQuic({
    endpoint,
    hostname,
    port: Number(port),
    serverName: 'localhost',
    alpnProtocols: [options.alpn],
    caCerts: [Deno.readTextFileSync(Deno.env.get('H3_CA'))],
    ...transport,
  });
  await new Conn(number, quic, '').start();
  tell('E', number, -1, 'TLS 00000001');
}

async function command(m) {
  const view = new DataView(m.buffer, m.byteOffset, m.length),
    type = String.fromCharCode(m[0]),
    number = view.getUint32(1);
  const payload = m.subarray(13),
    c = conns.get(number);
  let id = Number(view.getBigInt64(5));
  if (type === 'c') {
    await connect(number, text8.decode(payload));
    return;
  }
  if (!c) return;
  if (type === 'q' || type === 'o') {
    const bidi = await c.quic.createBidirectionalStream();
    id = c.next;
    c.next += 4;
    const s = c.add(bidi, id);
    tell('O', number, id);
    if (type === 'q') {
      s.headers(fromScript(payload));
      if (payload[0] & 1) s.finish();
    }
    return;
  }
  if (type === 'x') {
    c.quic.close({ closeCode: Number(view.getBigUint64(13)), reason: text8.decode(payload.subarray(8)) });
    return;
  }
  if (type === 'u') {
    (await c.uni(payload)).close();
    return;
  }
  if (type === 's') {
    options.data = Number(view.getBigUint64(13));
    return;
  }
  const s = c.streams.get(id);
  if (!s) return;
  if (type === 'h') {
    if (options.odd)
      s.headers([
        [':status', '103'],
        ['link', '</style.css>; rel=preload'],
      ]);
    s.headers(fromScript(payload));
    if (payload[0] & 1) s.finish();
  } else if (type === 'd') {
    if (options.alpn === 'h3') s.data(payload.slice());
    else s.write(payload.slice());
  } else if (type === 'f') {
    if (options.alpn === 'h3') s.finish();
    else s.writing = s.writing.then(() => s.writer.close()).catch(() => {});
  } else if (type === 'r') s.writer.abort(Number(view.getBigUint64(13))).catch(() => {});
}

if (isServer)
  listen().catch((e) => {
    tell('L', 0, -1, String(e));
  });
else tell('B', 0, -1);
let pending = new Uint8Array(0),
  busy = Promise.resolve();
for await (const chunk of Deno.stdin.readable) {
  pending = join(pending, chunk);
  while (pending.length >= 4) {
    const length = new DataView(pending.buffer, pending.byteOffset).getUint32(0);
    if (pending.length < 4 + length) break;
    const m = pending.slice(4, 4 + length);
    pending = pending.slice(4 + length);
    busy = busy.then(() => command(m)).catch((e) => tell('L', 0, -1, String((e && e.stack) || e)));
  }
}
Deno.exit(0);

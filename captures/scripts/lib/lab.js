'use strict';
process.setMaxListeners(200);
// Common helpers: tcpdump control, endpoint-recorded ground truth, deterministic payloads.
const { spawn, execFileSync } = require('child_process');
const fs = require('fs'), path = require('path'), crypto = require('crypto');
const ROOT = process.env.WSTRACE_RECORDED || path.resolve(__dirname, '../../../build/recorded'), SCRIPTS = path.resolve(__dirname, '..');
const CAPS = path.join(ROOT, 'captures'), TRUTH = path.join(ROOT, 'truth'), KEYS = path.join(ROOT, 'keys');
for (const d of [CAPS, TRUTH, KEYS, path.join(ROOT, 'run')]) fs.mkdirSync(d, { recursive: true });
const MANIFEST = path.join(ROOT, 'run', 'manifest.ndjson');
const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
const sha = (b) => crypto.createHash('sha256').update(b).digest('hex');

// --- deterministic payloads -------------------------------------------------
function rnd(seed) { let s = seed >>> 0 || 1; return () => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s; }; }
function noise(n, seed = 1) { const r = rnd(seed * 2654435761), b = Buffer.alloc(n); for (let i = 0; i < n; i++) b[i] = r() & 255; return b; }
const WORDS = 'alpha beta gamma delta {"id":1,"type":"tick"} price volume quote héllo wörld 日本語 emoji😀 lorem ipsum dolor sit amet'.split(' ');
function prose(n, seed = 1) { // exactly n bytes of valid UTF-8 text
  const r = rnd(seed * 40503 + 7); const parts = []; let have = 0;
  while (have < n) { const w = WORDS[r() % WORDS.length] + ' '; parts.push(w); have += Buffer.byteLength(w); }
  let b = Buffer.from(parts.join('')).subarray(0, n);
  while (b.subarray(Math.max(0, b.length - 4)).length && /\ufffd$/.test(b.toString('utf8', Math.max(0, b.length - 40)))) { b = Buffer.concat([b.subarray(0, b.length - 1)]); }
  return Buffer.concat([b, Buffer.alloc(n - b.length, 0x2e)]).toString('utf8');
}
function ascii(n, seed = 1) { const r = rnd(seed * 97 + 3); let s = ''; while (s.length < n) s += (r() % 10 ? String.fromCharCode(97 + r() % 26) : ' '); return s.slice(0, n); }

// --- tcpdump ----------------------------------------------------------------
class Cap {
  // opts: iface, filter, args[], tool 'tcpdump'|'dumpcap', netns
  constructor(file, opts = {}) { this.file = path.isAbsolute(file) ? file : path.join(CAPS, file); this.o = opts; }
  async start() {
    const o = this.o; let cmd, args, out = 'ignore';
    if (o.tool === 'dumpcap') {
      cmd = 'dumpcap'; args = ['-q', '-i', o.iface || 'lo', '-w', this.file, '-B', '64', ...(o.args || [])];
      if (o.filter) args.push('-f', o.filter);
    } else {
      // To a file that is open, as in recorder.py, and for its reason.
      out = fs.openSync(this.file, 'w');
      cmd = 'tcpdump'; args = ['-n', '-U', ...(o.immediate === false ? [] : ['--immediate-mode']), '-B', '65536', '-i', o.iface || 'lo', '-w', '-', ...(o.args || [])];
      if (!(o.args || []).includes('-s')) args.push('-s', '262144');
      if (o.filter) args.push(...o.filter.split(' '));
    }
    if (o.netns) { args = ['netns', 'exec', o.netns, cmd, ...args]; cmd = 'ip'; }
    this.err = '';
    this.p = spawn(cmd, args, { stdio: ['ignore', out, 'pipe'] });
    if (out !== 'ignore') fs.closeSync(out);
    const child = this.p; process.once('exit', () => { try { child.kill('SIGKILL'); } catch (e) {} });
    this.exited = new Promise((r) => this.p.on('exit', r));
    await new Promise((res, rej) => {
      const t = setTimeout(() => rej(new Error('capture did not start: ' + this.err)), 8000);
      this.p.stderr.on('data', (d) => { this.err += d; if (/listening on|File:/.test(this.err)) { clearTimeout(t); res(); } });
      this.p.on('exit', (c, by) => { clearTimeout(t); rej(new Error(`capture ended early, ${by || c}: ${this.err}`)); });
      this.p.on('error', (e) => { clearTimeout(t); rej(e); });
    });
    await sleep(o.tool === 'dumpcap' ? 500 : 150);
    return this;
  }
  async stop(wait = 500) {
    if (this.o.tool === 'dumpcap' || this.o.immediate === false) wait = Math.max(wait, 2500);
    await sleep(wait);
    this.p.removeAllListeners('exit');
    const done = new Promise((r) => this.p.on('exit', r));
    this.p.kill('SIGINT');
    await Promise.race([done, sleep(8000)]);
    const m = /(\d+) packets dropped by kernel/.exec(this.err);
    this.dropped = m ? +m[1] : 0;
    if (this.dropped) console.error('WARNING', this.file, 'kernel dropped', this.dropped);
  }
}

// --- ground truth -----------------------------------------------------------
// events: side 'sent'|'recv' for (conn, dir). Merged at the end: one line per message.
class Truth {
  constructor(file) { this.file = path.join(TRUTH, file); this.ev = []; this.extra = []; this.n = 0; }
  hs(o) { this.extra.push({ kind: 'handshake', ...o }); }
  note(o) { this.extra.push({ kind: 'note', ...o }); }
  add(side, conn, dir, opcode, data, more = {}) {
    const b = Buffer.isBuffer(data) ? data : data instanceof ArrayBuffer ? Buffer.from(data) : ArrayBuffer.isView(data) ? Buffer.from(data.buffer, data.byteOffset, data.byteLength) : Buffer.from(data === undefined || data === null ? '' : String(data));
    const o = { kind: 'message', conn, dir, opcode, length: b.length, sha256: sha(b) };
    if (opcode === 8) { if (b.length >= 2) { o.code = b.readUInt16BE(0); o.reason = b.subarray(2).toString('utf8'); } }
    else if (this.brief) { /* no payload in the truth file */ } else if (b.length <= 200) { const t = b.toString('utf8'); if (opcode === 1 || (opcode !== 2 && Buffer.from(t).equals(b))) o.text = t; else o.hex = b.toString('hex'); }
    Object.assign(o, more);
    this.ev.push({ side, o, t: process.hrtime.bigint() });
  }
  sent(conn, dir, opcode, data, more) { this.add('sent', conn, dir, opcode, data, more); }
  recv(conn, dir, opcode, data, more) { this.add('recv', conn, dir, opcode, data, more); }
  messages() {
    const groups = new Map();
    for (const e of this.ev) { const k = e.o.conn + '|' + e.o.dir; if (!groups.has(k)) groups.set(k, { sent: [], recv: [] }); groups.get(k)[e.side].push(e.o); }
    const out = []; this.mismatch = [];
    for (const [k, g] of groups) {
      const key = (o) => o.opcode + ':' + o.sha256;
      const used = new Array(g.recv.length).fill(-1); const list = [];
      for (const s of g.sent) {
        const i = g.recv.findIndex((r, j) => used[j] < 0 && key(r) === key(s));
        const m = { ...s, seen: 'sent' };
        if (i >= 0) { used[i] = list.length; const r = g.recv[i]; m.seen = 'both'; for (const f in r) if (!(f in m)) m[f] = r[f]; }
        list.push({ m, pos: list.length });
      }
      // messages only the receiver saw: put after the message it received just before
      g.recv.forEach((r, j) => { if (used[j] >= 0) return; let q = -1; for (let i = j - 1; i >= 0; i--) if (used[i] >= 0) { q = used[i]; break; } list.push({ m: { ...r, seen: 'recv' }, pos: q + 0.5 + j / 1e7 }); if (g.sent.length) this.mismatch.push(r); });
      list.sort((a, b) => a.pos - b.pos); list.forEach((x, i) => { x.m.seq = i; out.push(x.m); });
    }
    return out;
  }
  write() {
    const msgs = this.messages();
    const body = [...this.extra, ...msgs].map((o) => JSON.stringify(o)).join('\n') + '\n'; fs.writeFileSync(this.file, /\.gz$/.test(this.file) ? require('zlib').gzipSync(body) : body);
    const c = {};
    for (const m of msgs) { const k = m.dir + ' op' + m.opcode; c[k] = (c[k] || 0) + 1; }
    const seen = {}; for (const m of msgs) seen[m.seen] = (seen[m.seen] || 0) + 1;
    console.log(path.basename(this.file), JSON.stringify(c), JSON.stringify(seen), this.mismatch.length ? 'recv-only: ' + this.mismatch.length : '');
    return msgs;
  }
}

function manifest(o) { // {file, truth, script, made, contains, tshark:[opts], check:'messages'|'frames'|'none'}
  let lines = []; try { lines = fs.readFileSync(MANIFEST, 'utf8').split('\n').filter(Boolean).map((l) => JSON.parse(l)); } catch (e) {}
  lines = lines.filter((l) => l.file !== o.file); lines.push(o);
  fs.writeFileSync(MANIFEST, lines.map((l) => JSON.stringify(l)).join('\n') + '\n');
}

function ep(a, p) { a = String(a).replace(/^::ffff:/, ''); return a.includes(':') ? `[${a}]:${p}` : `${a}:${p}`; }
const connClient = (s) => `${ep(s.localAddress, s.localPort)}>${ep(s.remoteAddress, s.remotePort)}`;
const connServer = (s) => `${ep(s.remoteAddress, s.remotePort)}>${ep(s.localAddress, s.localPort)}`;

// --- tap of the npm "ws" library: record what its public layer sends and receives ---
function tapWs(T, ws, role, conn, opts = {}) {
  const out = role === 'client' ? 'c2s' : 's2c', inn = role === 'client' ? 's2c' : 'c2s';
  const s = ws._sender; const tb = (d) => Buffer.isBuffer(d) ? d : Buffer.from(typeof d === 'string' ? d : d === undefined ? '' : d);
  let frag = null;
  const send = s.send, ping = s.ping, pong = s.pong, close = s.close;
  s.send = function (data, o, cb) {
    const b = tb(data);
    if (!frag) frag = { op: o.binary ? 2 : 1, parts: [], compress: o.compress };
    frag.parts.push(Buffer.from(b));
    if (o.fin) { T.sent(conn, out, frag.op, Buffer.concat(frag.parts), { frames: frag.parts.length }); frag = null; }
    return send.call(this, data, o, cb);
  };
  s.ping = function (d, m, cb) { T.sent(conn, out, 9, tb(d)); return ping.call(this, d, m, cb); };
  s.pong = function (d, m, cb) { T.sent(conn, out, 10, tb(d)); return pong.call(this, d, m, cb); };
  s.close = function (code, data, m, cb) {
    let b = Buffer.alloc(0);
    if (code !== undefined) { b = Buffer.concat([Buffer.from([code >> 8, code & 255]), tb(data)]); }
    T.sent(conn, out, 8, b); return close.call(this, code, data, m, cb);
  };
  const r = ws._receiver;
  r.prependListener('message', (d, bin) => T.recv(conn, inn, (bin === undefined ? typeof d !== 'string' : bin) ? 2 : 1, Buffer.isBuffer(d) ? d : Array.isArray(d) ? Buffer.concat(d) : Buffer.from(d)));
  r.prependListener('ping', (d) => T.recv(conn, inn, 9, d));
  r.prependListener('pong', (d) => T.recv(conn, inn, 10, d));
  r.prependListener('conclude', (code, reason) => {
    T.recv(conn, inn, 8, code === 1005 ? Buffer.alloc(0) : Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]));
  });
  r.prependListener('error', (e) => T.note({ conn, at: role, event: 'receiver-error', message: e.message, code: e.code }));
}
// tap every WebSocket of every installed copy of npm ws (used under socket.io, mqtt, autobahn, ...)
let autoT = null;
function autotap(T) {
  const first = !autoT; autoT = T; if (!first) return;
  const copies = execFileSync('find', [path.join(SCRIPTS, 'node_modules'), '-path', '*/ws/lib/websocket.js']).toString().split('\n').filter(Boolean);
  for (const f of copies) {
    const W = require(f); const ss = W.prototype.setSocket;
    W.prototype.setSocket = function (socket, ...a) {
      const self = this;
      this.emit = function (ev, ...x) { if (ev === 'open') { delete self.emit; const conn = self._isServer ? connServer(socket) : connClient(socket); tapWs(autoT, self, self._isServer ? 'server' : 'client', conn); if (self._isServer) autoT.hs({ conn, at: 'server', extensions: Object.keys(self._extensions).join(', ') || null, protocol: self.protocol || null }); } return W.prototype.emit.call(self, ev, ...x); };
      return ss.call(this, socket, ...a);
    };
  }
}
const once = (em, ev) => new Promise((r) => em.once(ev, (...a) => r(a)));
const withTimeout = (p, ms, what) => Promise.race([p, new Promise((_, rej) => { const t = setTimeout(() => rej(new Error('timeout ' + what)), ms); t.unref(); })]);

module.exports = { ROOT, CAPS, TRUTH, KEYS, sleep, sha, noise, prose, ascii, rnd, Cap, Truth, manifest, connClient, connServer, ep, tapWs, autotap, once, withTimeout };
// load events written by another process (py_peer.py) into a Truth
Truth.prototype.load = function (f) { for (const l of fs.readFileSync(f, 'utf8').split('\n').filter(Boolean)) { const e = JSON.parse(l); this.ev.push(e); } };

'use strict';
// Mojolicious as server: it compresses an empty message to nothing at all. Run with: node 05_mojo.js
const L = require('./lib/lab'); const WebSocket = require('ws'); const { spawn } = require('child_process'); const net = require('net'); const fs = require('fs');
const port = 22099, file = '05_mojo_empty.pcap', script = '05_mojo.js';
const app = "use Mojolicious::Lite -signatures; use Mojo::WebSocket; $| = 1; { no warnings; no strict; my $b = \\&Mojo::WebSocket::build_frame; *Mojo::WebSocket::build_frame = sub { print unpack('H*', $_[6]), qq(\\n) if $_[5] == 8; $b->(@_) } } " + // tells what it closes with
  "websocket '/' => sub ($c) { $c->tx->with_compression; $c->on(text => sub ($c, $t) { $c->send({text => $t}) }) }; app->log->level('fatal'); app->start;";
const listening = () => new Promise((r) => { const s = net.connect(port, '127.0.0.1', () => { s.destroy(); r(true); }); s.on('error', () => r(false)); });
(async () => {
  const p = spawn('perl', ['-e', app, 'daemon', '-l', `http://127.0.0.1:${port}`], { stdio: ['ignore', 'pipe', 'ignore'] }); let closes = ''; p.stdout.on('data', (d) => { closes += d; });
  while (!await listening()) await L.sleep(50);
  const T = new L.Truth(file.replace('.pcap', '.ndjson')); const cap = await new L.Cap(file, { filter: `tcp port ${port}` }).start();
  const c = new WebSocket(`ws://127.0.0.1:${port}/`, { perMessageDeflate: { threshold: 0 } }); let hs;
  c.on('upgrade', (r) => { hs = { status: r.statusCode, extensions: r.headers['sec-websocket-extensions'] }; }); c.on('error', () => {});
  await L.once(c, 'open'); const conn = L.connClient(c._socket); L.tapWs(T, c, 'client', conn); T.hs({ conn, path: '/', ...hs });
  const over = L.once(c, 'close'), m = 'The quick brown fox jumps over the lazy dog, and over the lazy dog.';
  const echo = L.once(c, 'message'); c.send(m); await echo;
  for (const t of ['', m, m + ' Again.']) c.send(t); // in one go: the client fails at the first answer
  await over; await cap.stop(); for (const hex of closes.match(/^[0-9a-f]+$/gm)) T.sent(conn, 's2c', 8, Buffer.from(hex, 'hex')); T.write(); p.kill();
  const mark = (t) => t.kind !== 'message' ? t : { ...t, in_capture: true, decodable: !(t.dir === 's2c' && t.length === 0) }; // what npm ws takes for an empty message is no deflate data
  fs.writeFileSync(T.file, fs.readFileSync(T.file, 'utf8').trim().split('\n').map((l) => JSON.stringify(mark(JSON.parse(l))) + '\n').join(''));
  L.manifest({ file, truth: file.replace('.pcap', '.ndjson'), script, made: 'Mojolicious server, npm ws client', contains: 'empty compressed message without payload, compressed ones behind it', check: 'messages' });
})();

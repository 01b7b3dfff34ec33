'use strict';
// Two WebSocket servers at one HTTP server, each with a path of its own: what the one upgrades the other one refuses, on the same
// socket. Browsers say "Invalid frame header" then. Run with: node 05_two_servers.js
const L = require('./lib/lab'); const WebSocket = require('ws'); const http = require('http');
const port = 22097, file = '05_two_servers.pcap', script = '05_two_servers.js';
(async () => {
  const written = []; const server = http.createServer();
  server.on('upgrade', (q, socket) => { for (const f of ['write', 'end']) { const as = socket[f]; socket[f] = function (d, ...more) { if (d && typeof d !== 'function') written.push(Buffer.from(d)); return as.call(this, d, ...more); }; } });
  for (const path of ['/chat', '/news']) new WebSocket.Server({ server, path, perMessageDeflate: false }).on('connection', (w) => { w.on('error', () => {}); w.on('message', (m) => w.send(`${path}: ${m}`)); });
  await new Promise((r) => server.listen(port, '127.0.0.1', r));
  const T = new L.Truth(file.replace('.pcap', '.ndjson')); const cap = await new L.Cap(file, { filter: `tcp port ${port}` }).start();
  for (const path of ['/chat', '/elsewhere']) {
    const c = new WebSocket(`ws://127.0.0.1:${port}${path}`, { perMessageDeflate: false }); let conn, hs, error;
    c.on('upgrade', (r) => { conn = L.connClient(r.socket); hs = { status: r.statusCode }; }); c.on('open', () => { L.tapWs(T, c, 'client', conn); }); c.on('error', (e) => { error = e.message; });
    c.on('unexpected-response', (q, r) => { conn = L.connClient(r.socket); hs = { status: r.statusCode }; r.resume(); r.on('end', () => c.terminate()); });
    await L.once(c, 'close'); T.hs({ conn, path, ...hs }); if (error) T.note({ conn, at: 'client', event: 'error', message: error });
    const sent = Buffer.concat(written.splice(0)).toString('latin1'), refused = sent.lastIndexOf('HTTP/1.1 400');
    if (hs.status === 101) T.sent(conn, 's2c', 8, Buffer.from(sent.slice(refused + 2, refused + 86), 'latin1')); // "HT" is the header of a close frame of 84 bytes
    T.note({ conn, at: 'server', event: 'written behind the 101', message: sent.slice(refused) });
  }
  await cap.stop(); T.write(); server.close();
  L.manifest({ file, truth: file.replace('.pcap', '.ndjson'), script, made: 'npm ws, both sides', contains: 'a 101 and, behind it, the 400 of another WebSocket server at the same HTTP server; a refusal of both', check: 'messages' });
  setTimeout(() => process.exit(), 100);
})();

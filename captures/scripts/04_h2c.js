'use strict';
// HTTP/2 without TLS (prior knowledge), a WebSocket in it by extended CONNECT (RFC 8441). Run with: node 04_h2c.js
const L = require('./lib/lab'); const http2 = require('http2');
const file = '04_h2c.pcap', port = 22398, script = '04_h2c.js';
const frame = (text, masked) => Buffer.concat([Buffer.from([0x81, (masked ? 128 : 0) | text.length]), Buffer.alloc(masked ? 4 : 0), Buffer.from(text)]);
(async () => {
  const server = http2.createServer({ settings: { enableConnectProtocol: true } });
  server.on('stream', (s, h) => { s.respond({ ':status': 200 }); if (h[':protocol']) s.on('data', () => s.write(frame('echo', false))); else s.end('x'); });
  await new Promise((r) => server.listen(port, '127.0.0.1', r));
  const T = new L.Truth(file.replace('.pcap', '.ndjson')); const cap = await new L.Cap(file, { filter: `tcp port ${port}` }).start();
  const c = http2.connect(`http://127.0.0.1:${port}`); await L.once(c, 'remoteSettings');
  const get = c.request({ ':path': '/' }); get.resume(); await L.once(get, 'end');
  const s = c.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':path': '/chat', ':scheme': 'http', 'sec-websocket-version': '13' });
  await L.once(s, 'response'); s.write(frame('hello', true)); await L.once(s, 'data'); s.close(); await L.sleep(50); c.close(); server.close();
  await cap.stop(); T.note({ contains: 'HTTP/2 without TLS: the server sends SETTINGS first; GET; a WebSocket by extended CONNECT, hello and echo. Not read, but named' }); T.write();
  L.manifest({ file, truth: file.replace('.pcap', '.ndjson'), script, made: 'node http2, both sides', contains: 'HTTP/2 without TLS with a WebSocket inside', check: 'none' });
})();

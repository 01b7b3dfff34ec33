'use strict';
// What holds WebSockets over HTTP/2 up, and refuses them: a client that does not read for a while, refusals with a
// reason and with a code, GOAWAY with words amid a session. node http2 on both sides, no library of WebSocket.
// usage: node 07_h2_stalls.js FOLDER: NAME.pcap and NAME.ndjson, what both sides saw
const http2 = require('http2');
const fs = require('fs');
const path = require('path');
const crypto = require('crypto');
const { spawn } = require('child_process');

const NAME = '07_h2_stalls', PORT = 25950, WINDOW = 4096, LENGTH = 30000, HEAD = 4;
const { NGHTTP2_HTTP_1_1_REQUIRED, NGHTTP2_ENHANCE_YOUR_CALM } = http2.constants;
const folder = process.argv[2];
const truth = [], began = Date.now();
const note = (event) => truth.push({ kind: 'note', event, ms: Date.now() - began });
const payload = Buffer.alloc(LENGTH, 'window ');
const frame = Buffer.concat([Buffer.from([0x82, 126, LENGTH >> 8, LENGTH & 255]), payload]);
let connection;

const server = http2.createServer({ settings: { enableConnectProtocol: true } });
server.on('sessionError', () => {});
server.on('stream', (stream, headers) => {
  const place = headers[':path'];
  stream.on('error', () => {});
  if (place === '/four') {
    stream.respond({ ':status': 429, 'content-type': 'text/plain' });
    stream.end('three per user, and you have four');
  } else if (place === '/older') {
    stream.close(NGHTTP2_HTTP_1_1_REQUIRED);
  } else {
    stream.respond({ ':status': 200 });
    stream.write(frame, () => note(`${place}: the server could send all of it`));
  }
  if (place !== '/calm') return;
  setTimeout(() => {
    note('the server sends GOAWAY');
    stream.session.goaway(NGHTTP2_ENHANCE_YOUR_CALM, 0, Buffer.from('too many pings'));
  }, 300);
});

function ask(client, place) {
  const stream = client.request({ ':method': 'CONNECT', ':protocol': 'websocket', ':scheme': 'http', ':path': place,
    ':authority': '127.0.0.1', 'sec-websocket-version': '13' }, { endStream: false });
  const conn = () => `${connection}#${stream.id}`;
  stream.on('error', (e) => note(`${place}: ${e.message}`));
  stream.on('response', (h) => {
    truth.push({ kind: 'handshake', conn: conn(), path: place, status: h[':status'], offered: null });
    if (h[':status'] !== 200) return;
    const got = [];
    stream.on('data', (d) => {
      got.push(d);
      const all = Buffer.concat(got);
      if (all.length !== LENGTH + HEAD) return;
      const sha256 = crypto.createHash('sha256').update(all.subarray(HEAD)).digest('hex');
      truth.push({ kind: 'message', conn: conn(), dir: 's2c', opcode: 2, length: LENGTH, sha256, frames: 1, seen: 'both', seq: 0 });
      stream.emit('got');
    });
  });
  return stream;
}

server.listen(PORT, '127.0.0.1', () => {
  const tap = spawn('tcpdump', ['-i', 'lo', '-U', '-s0', '-w', path.join(folder, `${NAME}.pcap`), `tcp port ${PORT}`], { stdio: 'ignore' });
  setTimeout(() => {
    const client = http2.connect(`http://127.0.0.1:${PORT}`, { settings: { initialWindowSize: WINDOW } });
    client.on('error', () => {});
    client.on('remoteSettings', () => {
      connection = `127.0.0.1:${client.socket.localPort}>127.0.0.1:${PORT}`;
      ask(client, '/four').resume();
      ask(client, '/older');
      const slow = ask(client, '/slow');
      slow.once('response', () => {
        slow.pause();
        note('/slow: the client reads nothing');
        setTimeout(() => {
          note('/slow: the client reads');
          slow.resume();
        }, 2600);
      });
      slow.once('got', () => ask(client, '/calm'));
    });
  }, 800);
  setTimeout(() => {
    tap.kill();
    fs.writeFileSync(path.join(folder, `${NAME}.ndjson`), truth.map((line) => `${JSON.stringify(line)}\n`).join(''));
    process.exit();
  }, 5000);
});

// A WebSocket server or clients that talk to it (npm's ws), and what each of them sent, as one JSON
// object a line:  {"port":CLIENT'S,"dir":"c2s","op":"text","len":5,"sha1":"…"}  {…,"close":1000}
//
//   node talk.js server HOST                             prints {"listening":PORT} first
//   node talk.js client HOST PORT CONNECTIONS MESSAGES SEED
//   node talk.js flood HOST PORT MIB                     sends so many MiB, then twenty small ones
'use strict';
const crypto = require('crypto');
const http = require('http');
const {WebSocket, WebSocketServer} = require('ws');
const [role, host, port, ...numbers] = process.argv.slice(2);
const [connections, messages, seed] = numbers.map(Number);

const say = (record) => process.stdout.write(JSON.stringify(record) + '\n');
const sha1 = (data) => crypto.createHash('sha1').update(data).digest('hex');

function send(ws, clientPort, dir, data, record = true) {
  const bytes = Buffer.from(data);
  ws.send(data);
  if (record)
    say({port: clientPort, dir, op: typeof data === 'string' ? 'text' : 'binary', len: bytes.length, sha1: sha1(bytes)});
}

// The same numbers on every run.
let state = (seed || 1) >>> 0;
const random = (n) => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) % n;

function made() {
  const n = random(20) ? random(300) : random(70000);
  if (random(2)) return Array.from({length: n}, () => 'abcdefgh äöü€😀 \n'[random(14)]).join('');
  return Buffer.from(Array.from({length: n}, () => random(256)));
}

const page = `<script>
const ws = new WebSocket('ws://' + location.host + '/page', 'talk');
ws.binaryType = 'arraybuffer';
let echoed = 0;
ws.onopen = () => { ws.send('from a browser: äöü'); ws.send(new Uint8Array([0, 1, 2, 255])); ws.send('x'.repeat(70000)); };
ws.onmessage = () => { if (++echoed === 3) ws.close(3001, 'enough'); };
</script>`;

function server() {
  const web = http.createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html; charset=utf-8');
    response.end(page);
  });
  const sockets = new WebSocketServer({server: web, handleProtocols: (names) => [...names][0], perMessageDeflate: {threshold: 64}});
  sockets.on('connection', (ws, request) => {
    const from = request.socket.remotePort;
    ws.on('message', (data, binary) => {
      if (request.url === '/flood') return;
      send(ws, from, 's2c', binary ? data : data.toString());
    });
    ws.on('close', (code, reason) => say({port: from, closed: code, reason: reason.toString(), path: request.url}));
  });
  web.listen(0, host, () => say({listening: web.address().port}));
}

function client(i) {
  const ws = new WebSocket(`ws://${host}:${port}/talk/${i}`, {perMessageDeflate: i % 2 === 1});
  const from = () => ws._socket.localPort;
  let echoed = 0, at;
  ws.on('open', () => {
    at = from();
    for (let k = 0; k < messages; k++) send(ws, at, 'c2s', made());
    ws.ping('are you there');
  });
  ws.on('message', () => { if (++echoed === messages) ws.close(1000 + i % 2, 'done'); });
  ws.on('close', (code) => say({port: at, close: code}));
}

function flood() {
  const ws = new WebSocket(`ws://${host}:${port}/flood`, {perMessageDeflate: false});
  const bytes = Buffer.alloc(16384, 7);
  let left = connections * 64;
  const at = () => ws._socket.localPort;
  const more = () => {
    while (left > 0) {
      left--;
      ws.send(bytes);
      if (ws.bufferedAmount > 1 << 20) return setTimeout(more, 1);
    }
    say({flooded: at()});
  };
  ws.on('open', more);
  process.stdin.once('data', () => {
    for (let k = 0; k < 20; k++) send(ws, at(), 'c2s', `after the flood ${k}`);
    ws.close(1000);
  });
  ws.on('close', () => process.exit(0));
}

if (role === 'server') server();
else if (role === 'flood') flood();
else for (let i = 0; i < connections; i++) client(i);

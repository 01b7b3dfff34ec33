// SPDX-License-Identifier: MIT
// The client of the session, with npm ws: client.js PORT.
'use strict';
const WebSocket = require(process.env.WS_MODULE);
const pace = Number(process.env.PACE);
const pause = () => new Promise((done) => setTimeout(done, Math.random() * pace));
const ws = new WebSocket(`ws://127.0.0.1:${process.argv[2]}/chat?user=ann`, ['chat.v1'],
  { perMessageDeflate: process.env.DEFLATE === '1' ? { threshold: 0 } : false });
let ready;
const all = new Promise((done) => { ready = done; });
ws.on('message', (data, binary) => { if (binary) ready(); });
ws.on('close', () => process.exit(0));
ws.on('open', async () => {
  const say = async (value) => { await pause(); ws.send(typeof value === 'string' ? value : JSON.stringify(value)); };
  await say({ jsonrpc: '2.0', id: 1, method: 'join', params: { name: 'Zoë' } });
  await say({ jsonrpc: '2.0', id: 2, method: 'list' });
  for (let i = 0; i < 5; i++) await say({ type: 'move', x: i * 10, y: -i });
  await all;
  await say({ type: 'bye' });
});
setTimeout(() => process.exit(3), 30000);

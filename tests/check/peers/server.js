// SPDX-License-Identifier: MIT
// The server of the session that recordings.py plays, with npm ws. In the environment: PACE (ms that
// pauses are stretched to), DEFLATE, CHANGE (what somebody changed). Prints its port; ends with the session.
'use strict';
const { randomUUID } = require('crypto');
const { WebSocketServer } = require(process.env.WS_MODULE);
const pace = Number(process.env.PACE), change = process.env.CHANGE || '';
const pause = () => new Promise((done) => setTimeout(done, Math.random() * pace));

const wss = new WebSocketServer({
  host: '127.0.0.1', port: 0, perMessageDeflate: process.env.DEFLATE === '1' ? { threshold: 0 } : false,
  handleProtocols: (offered) => [...offered][0],
});
wss.on('listening', () => console.log(wss.address().port));
wss.on('connection', (ws) => {
  const heard = [];
  let wake = () => {};
  ws.on('message', (data, binary) => { if (!binary) heard.push(JSON.parse(data)); wake(); });
  ws.on('close', () => setTimeout(() => process.exit(0), 100));
  const hear = async (good) => { while (!heard.some(good)) await new Promise((done) => { wake = done; }); };
  const say = async (value) => { await pause(); ws.send(typeof value === 'string' ? value : JSON.stringify(value)); };
  (async () => {
    const room = randomUUID();
    await say({ type: 'welcome', room, ts: Date.now() });
    await hear((m) => m.id === 2);
    await say({ jsonrpc: '2.0', id: 2, result: { users: change === 'field' ? ['ann', 'bob', 'eve'] : ['ann', 'bob'] } });
    await say({ jsonrpc: '2.0', id: 1, result: { room, ts: Date.now() } });
    await say(change === 'word' ? 'a line of prose: héllo 日本語' : 'a line of text: héllo 日本語');
    const ticks = [0, 1, 2, 3, 4, 5];
    if (change === 'order') ticks.splice(2, 2, 3, 2);
    for (const n of ticks) await say({ type: 'tick', n, at: Date.now() });
    if (change === 'ping') ws.ping('extra');
    await pause();
    ws.send(Buffer.alloc(3000, 'bytes '));
    await hear((m) => m.type === 'bye');
    await pause();
    ws.close(change === 'code' ? 1001 : 1000, 'done');
  })();
});
setTimeout(() => process.exit(3), 30000);

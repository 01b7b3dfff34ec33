'use strict';
// A server's side of a browser's visit, over HTTP/2 and HTTP/3 alike: the page, what it fetches, WebSockets that echo,
// and what the page wrote down.
const fs = require('fs'),
  path = require('path');
const L = require('./lab');

const noise = (length, seed) => ({ noise: length, seed });
const times = (n, text) => ({ text, times: n });

/** What a page says: of the two largest messages, so many bytes. */
const messages = (version, binary, text) => [
  `Hello over HTTP/${version}`,
  'héllo wörld 日本語 😀',
  noise(4, 1),
  '',
  noise(0, 1),
  times(125, 'a'),
  times(126, 'b'),
  times(700, 'repeat '),
  times(700, 'repeat '),
  noise(binary, 4),
  times(text, 'z'),
];

function page(spec) {
  const code = fs.readFileSync(path.join(__dirname, 'page.js'), 'utf8');
  return (
    '<!doctype html><meta charset="utf-8"><title>wstrace</title><link rel="icon" href="data:,">' +
    `<script>const SPEC = ${JSON.stringify(spec)};\n${code}</script>`
  );
}

/** Echoes; what else it does is in the path. */
function echo(ws, target, reset) {
  let n = 0;
  const ends = {
    '/serverclose': () => ws.close(4002, 'server closes'),
    '/serverrst': () => reset(ws.stream),
    '/serverend': () => ws.stream.end(),
  };
  ws.on('message', (data, binary) => {
    if (target === '/frag' && data.length > 1000) {
      ws.send(data.subarray(0, 500), { binary, fin: false });
      ws.send(data.subarray(500, 900), { fin: false });
      ws.send(data.subarray(900), { fin: true });
    } else {
      ws.send(data, { binary });
    }
    n++;
    if (n === 3) ws.ping('server ping');
    if (n === 2 && ends[target]) setTimeout(ends[target], 20);
  });
}

/** The pages; `report` gets what the browser wrote down. */
function pages(spec, report) {
  function answer(stream, type, text) {
    stream.respond({ ':status': '200', ...(type && { 'content-type': type }) });
    stream.end(text);
  }
  return (stream, headers) => {
    let body = '';
    stream.setEncoding('utf8').on('data', (part) => {
      body += part;
    });
    if (headers[':method'] === 'POST') {
      stream.on('end', () => {
        answer(stream, null, 'ok');
        report(JSON.parse(body));
      });
    } else if (headers[':path'] === '/') {
      answer(stream, 'text/html', page(spec));
    } else {
      answer(stream, 'text/plain', `answer to ${headers[':path']}\n`.repeat(50));
    }
    return true;
  };
}

/**
 * One visit. o: name, spec, T, filter of the capture, reset(stream), serve({ onRequest, onWebSocket }): the server,
 * start(): { stop, err }, the browser.
 */
async function visit(o) {
  const { T } = o,
    conns = new Map(); // by path
  let report;
  const reported = new Promise((resolve) => {
    report = resolve;
  });
  const server = await o.serve({
    onRequest: pages(o.spec, report),
    onWebSocket(ws, target) {
      conns.set(target, ws.conn);
      echo(ws, target, o.reset);
      const { stream } = ws;
      stream.on('close', () => T.note({ conn: ws.conn, at: 'server', event: 'stream closed', rst: stream.rstCode }));
    },
  });
  const capture = await new L.Cap(`${o.name}.pcap`, { filter: o.filter }).start();
  const browser = o.start();
  const got = await L.withTimeout(reported, 60000, 'report').catch((e) => {
    console.error('FAILED', o.name, e.message, browser.err().slice(-900));
    process.exitCode = 1;
    return { events: [] };
  });
  await L.sleep(200);
  await browser.stop();
  await L.sleep(200);
  await capture.stop(500);
  await server.close();
  for (const { i, side, info, ...message } of got.events) {
    const conn = conns.get(o.spec[i].path) || null;
    if (info) T.note({ conn, at: 'client', ...info });
    else T.ev.push({ side, o: { kind: 'message', conn, ...message } });
  }
  T.note({ agent: got.agent });
  T.write();
}

module.exports = { messages, visit };

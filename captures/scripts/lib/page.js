// Runs in a browser (07_h2_browsers.js): opens the WebSockets of SPEC, writes down what they send and receive, and
// reports it to /report. The page that includes it defines
//   SPEC  [{ path, protocols, messages: [string | { text, times } | { noise: length, seed }], close: [code, reason],
//            refused, leave (open), serverEnds, parallel, poll (a fetch after each message) }]
'use strict';
const TEXT = 1, BINARY = 2, CLOSE = 8;
const events = [], digests = [];

const hex = (bytes) => Array.from(new Uint8Array(bytes), (x) => x.toString(16).padStart(2, '0')).join('');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function next(target, name) {
  return new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    setTimeout(() => reject(new Error(`timeout ${name}`)), 8000);
  });
}

/** The same bytes as noise() of lab.js. */
function noise(length, seed) {
  let s = (seed * 2654435761) >>> 0 || 1;
  return Uint8Array.from({ length }, () => {
    s ^= s << 13; s >>>= 0;
    s ^= s >>> 17;
    s ^= s << 5; s >>>= 0;
    return s & 255;
  });
}

function payload(message) {
  if (typeof message === 'string') return message;
  return message.times ? message.text.repeat(message.times) : noise(message.noise, message.seed);
}

function closePayload(code, reason) {
  if (!code || code === 1005) return new Uint8Array(0);
  return Uint8Array.of(code >> 8, code & 255, ...new TextEncoder().encode(reason || ''));
}

function log(i, side, opcode, data) {
  const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data);
  const event = { i, side, dir: side === 'sent' ? 'c2s' : 's2c', opcode, length: bytes.length };
  if (opcode === CLOSE && bytes.length >= 2) {
    event.code = bytes[0] << 8 | bytes[1];
    event.reason = new TextDecoder().decode(bytes.slice(2));
  }
  if (opcode === TEXT && bytes.length <= 200) event.text = new TextDecoder().decode(bytes);
  events.push(event);
  digests.push(crypto.subtle.digest('SHA-256', bytes).then((digest) => { event.sha256 = hex(digest); }));
}

const opcodeOf = (data) => (typeof data === 'string' ? TEXT : BINARY);

async function end(ws, i, spec) {
  const closed = next(ws, 'close');
  if (!spec.serverEnds) {
    log(i, 'sent', CLOSE, closePayload(...spec.close));
    ws.close(...spec.close);
  }
  const { code, reason } = await closed;
  if (code === 1006) events.push({ i, info: { event: 'close 1006' } });
  else log(i, 'recv', CLOSE, closePayload(code, reason));
}

async function play(i) {
  const spec = SPEC[i];
  const ws = new WebSocket(`wss://${location.host}${spec.path}`, spec.protocols || []);
  ws.binaryType = 'arraybuffer';
  if (spec.refused) {
    const { code } = await next(ws, 'close');
    events.push({ i, info: { event: 'refused', path: spec.path, code } });
    return;
  }
  await next(ws, 'open');
  ws.addEventListener('message', (e) => log(i, 'recv', opcodeOf(e.data), e.data));
  for (const m of spec.messages) {
    const data = payload(m);
    const echo = next(ws, 'message');
    log(i, 'sent', opcodeOf(data), data);
    ws.send(data);
    await echo;
    if (spec.poll) fetch(`/poll?i=${i}`).then((answer) => answer.text());
  }
  if (!spec.leave) await end(ws, i, spec);
}

async function one(i) {
  try {
    await play(i);
  } catch (e) {
    events.push({ i, info: { event: `error ${e.message}` } });
  }
}

(async () => {
  await fetch('/before').then((answer) => answer.text());
  const all = [...SPEC.keys()];
  for (const i of all.filter((k) => !SPEC[k].parallel)) await one(i);
  await Promise.all(all.filter((k) => SPEC[k].parallel).map(one));
  await sleep(150);
  await Promise.all(digests);
  await fetch('/report', { method: 'POST', body: JSON.stringify({ events, agent: navigator.userAgent }) });
})();

/* SPDX-License-Identifier: MIT
 *
 * In: what was chosen: a message, a frame, a gap, a handshake, an end. Out: what is known about it:
 * facts, findings, the payload as text, JSON or bytes, and its frames.
 * Refuses to lay out megabytes at once: the rest comes when asked for.
 */

const TEXT_SHOWN = 20000; /* characters of a payload shown at first */
const BYTES_SHOWN_FIRST = 2048; /* of a payload as bytes */

function makeDetail(close, openHandshake) {
  const box = $('detail');
  let kept = 'auto'; /* how payloads are shown; stays from message to message */
  let found = null; /* what the filter looks for */

  function show(item) {
    box.scrollTop = 0; /* now: when the rest is done it would have the page laid out again */
    const message = ['message', 'part'].includes(item.kind) ? item : item.message ?? item;
    const back = el('button', { type: 'button', class: 'back' }, 'Close');
    back.addEventListener('click', close);
    box.replaceChildren(el('header', {}, el('h2', {}, ...titleOf(item, message)), back), factsOf(item, message));
    if (message.findings) box.append(findingsOf(message));
    if (message.app) box.append(appSection(message.app));
    if (['handshake', 'request'].includes(item.kind)) box.append(linkToHandshake());
    if (message.data !== undefined && (message.kind === 'message' || message.data !== '')) box.append(payloadSection(message));
    const frames = message.parts ?? (message.kind === 'frame' ? [message] : []);
    if (frames.length > 0) box.append(frameSection(frames, item.kind === 'frame' ? item : frames[0]));
    light();
  }

  function linkToHandshake() {
    const button = el('button', { type: 'button' }, 'Show the handshake');
    button.addEventListener('click', openHandshake);
    return el('p', {}, button);
  }

  function payloadSection(message) {
    return makePayload(message, kept, light, (choice) => {
      kept = choice;
    });
  }

  function light() {
    lightFound('found-payload', [...box.querySelectorAll('.payload pre:not(.hexdump)')], found);
  }

  function lightAll(expression) {
    found = expression;
    light();
  }

  return { show, lightAll, empty: () => box.replaceChildren() };
}

/* -- what it is ---------------------------------------------------------------------------- */

const TITLES = { gap: 'Gap', handshake: 'Handshake', end: 'End' };

function titleOf(item, message) {
  const op = message.op && `${message.op[0].toUpperCase()}${message.op.slice(1)}`;
  if (message.kind === 'frame') return [`${op} frame ${message.conn.id}.${message.n}`];
  return [op ? `${op} message ${message.msg}` : TITLES[item.kind], el('span', { class: 'soft' }, `, connection ${item.conn.id}`)];
}

function factsOf(item, message) {
  const facts = el('dl', { class: 'facts' });
  const add = (name, ...value) => facts.append(el('dt', {}, name), el('dd', {}, ...value));
  const sent = ['message', 'part', 'frame', 'gap'].includes(message.kind);
  if (sent) add('direction', el('span', { class: message.c2s ? 'c2s' : 's2c' }, message.c2s ? 'client → server' : 'server → client'));
  if (item.t !== undefined) add('time', `${seconds(message.t)} s `, el('span', { class: 'soft fact' }, date(message.t)));
  if (message.pkt) add(message.firstPkt && message.firstPkt !== message.pkt ? 'packets' : 'packet', message.firstPkt && message.firstPkt !== message.pkt ? `${count(message.firstPkt)} to ${count(message.pkt)}` : count(message.pkt));
  if (message.kind === 'message') addMessage(message, add);
  if (message.kind === 'part') add('length', `${bytes(message.len)} on the wire`, el('p', { class: 'soft' }, 'Its end is not here: the capture ended first, bytes are missing, or the page was full.'));
  if (message.kind === 'frame') add('length', bytes(message.len));
  if (message.close) add('close', ...shown(closeWords(message.close)), ...reasonOf(message.close));
  if (message.kind === 'gap') add('missing', `${bytes(message.event.bytes)}${message.event.offset === null ? ', before the handshake' : ` at offset ${count(message.event.offset)}`}`);
  if (message.kind === 'end') add('end', endWords(message.event, message.conn));
  return facts;
}

function reasonOf(event) {
  if (event.reason === '') return [];
  return [' “', el('bdi', {}, ...(event.reason === null ? asText(fromBase64(event.reason_b64), false) : shown(event.reason))), '”'];
}

function addMessage(message, add) {
  const ratio = message.compressed && Number(message.len) > 0 ? ` (${Math.round((100 * Number(message.wire)) / Number(message.len))} %)` : '';
  add('length', bytes(message.len), message.compressed ? el('span', { class: 'soft' }, ` deflated to ${bytes(message.wire)}${ratio}`) : null);
  if (message.frames !== 1) add('frames', count(message.frames));
  if (!message.certain) add('certainty', 'uncertain: bytes are missing; what is shown of it is right');
  if (message.omitted && message.certain) add('shown', `not the last ${bytes(message.omitted)}: left out by a limit`);
  if (message.unknown) add('not known', bytes(message.unknown));
  if (message.unknown === null) add('shown', 'not all of what is known: a limit leaves some out');
}

function findingsOf(item) {
  return el('ul', { class: 'findings' }, ...item.findings.map(({ event }) =>
    el('li', { class: event.level }, el('b', {}, event.id), ' ', el('bdi', {}, ...shown(event.detail)), event.rfc ? el('span', { class: 'soft' }, ` ${event.rfc}`) : null)));
}

/* -- the payload --------------------------------------------------------------------------- */

const SHAPES = { text: 'Text', json: 'JSON', bytes: 'Bytes' };

/* drawn(): the payload in the page is another now. */
function makePayload(message, wanted, drawn, keep) {
  const pretty = message.utf8 ? prettyJson(knownText(message)) : null;
  const able = Object.keys(SHAPES).filter((shape) => (shape !== 'json' || pretty !== null) && (shape !== 'bytes' || !message.known));
  const body = el('div', { class: 'payload' });
  const choice = el('div', { class: 'choice', role: 'group', 'aria-label': 'Show the payload as' });
  const draw = (shape) => {
    for (const button of choice.children) button.setAttribute('aria-pressed', button.dataset.shape === shape);
    body.replaceChildren(...shapeOf(message, shape, pretty));
    drawn();
  };
  for (const shape of able) {
    const button = el('button', { type: 'button', 'data-shape': shape }, SHAPES[shape]);
    button.addEventListener('click', () => {
      keep(shape);
      draw(shape);
    });
    choice.append(button);
  }
  const copy = el('button', { type: 'button', class: 'copy' }, 'Copy');
  copy.addEventListener('click', () => copyText(copy, message));
  draw(able.includes(wanted) ? wanted : pretty !== null ? 'json' : message.utf8 ? 'text' : 'bytes');
  return el('section', {}, el('div', { class: 'bar' }, el('h3', {}, 'Payload'), choice, copy), body);
}

/* Objects and arrays only: a number or a word is no clearer for it. Numbers that would change their
 * value on the way stay text. */
function prettyJson(text) {
  if (!/^\s*[[{]/.test(text)) return null;
  try {
    const value = JSON.parse(text);
    const digits = text.match(/-?\d[\d.eE+-]{14,}/g) ?? [];
    return digits.some((number) => String(Number(number)) !== number) ? null : JSON.stringify(value, null, 2);
  } catch {
    return null;
  }
}

function shapeOf(message, shape, pretty) {
  if (shape === 'json') return [longText((n) => shown(pretty.slice(0, n), true), pretty.length)];
  if (shape === 'bytes') return [longBytes(payloadOf(message))];
  if (message.known) return [longText((n) => inPieces(message, n), message.known.length)];
  if (message.data === '') return [el('p', { class: 'soft' }, message.unknown ? 'nothing of it is known' : 'empty')];
  if (message.utf8) return [longText((n) => shown(clipEnd(message.data, n), true), message.data.length)];
  const data = payloadOf(message);
  return [longText((n) => asText(data.subarray(0, n), true), data.length)];
}

/* The first characters of what is known; how many bytes are not known between two pieces. Nodes. */
function inPieces(message, n) {
  const nodes = shown(clipEnd(message.data, n), true);
  let left = n - message.data.length;
  for (const { before, text } of message.pieces) {
    if (left <= 0) return nodes;
    nodes.push(unknownMark(before), ...shown(clipEnd(text, left), true));
    left -= text.length + 1;
  }
  return message.behind > 0 && left > 0 ? [...nodes, unknownMark(message.behind)] : nodes;
}

/* The number is no text of the page: it would be found, and copied, with the message. */
const unknownMark = (n) => el('span', { class: 'unknown', 'data-n': ` ${n}`, title: `${bytes(n)} that nobody knows: they repeat what is not in the capture` }, '…');

const clipEnd = (text, n) => (text.length <= n ? text : clip(text, n).slice(0, -1));

/* Preformatted, isolated from the page's direction; the rest on demand. */
function longText(part, length) {
  const pre = el('pre', { tabindex: '0', dir: 'auto' }, ...part(TEXT_SHOWN));
  if (length <= TEXT_SHOWN) return pre;
  const more = el('button', { type: 'button', class: 'more' }, `Show all ${count(length)}`);
  more.addEventListener('click', () => {
    pre.replaceChildren(...part(length));
    more.remove();
  });
  return el('div', {}, pre, more);
}

function byteLines(data, from, to, wide) {
  const lines = [];
  for (let at = from; at < to; at += wide) {
    const line = Array.from(data.subarray(at, at + wide));
    lines.push(`${hex(at, 5)}  ${line.map((c) => hex(c)).join(' ').padEnd(wide * 3)} ${line.map(letter).join('')}\n`);
  }
  return lines.join('');
}

function longBytes(data) {
  const wide = state.room >= 600 ? 16 : 8;
  const first = Math.min(data.length, BYTES_SHOWN_FIRST);
  const pre = el('pre', { tabindex: '0', class: 'hexdump' }, byteLines(data, 0, first, wide));
  if (data.length <= first) return pre;
  const more = el('button', { type: 'button', class: 'more' }, `Show all ${bytes(data.length)}`);
  more.addEventListener('click', () => {
    pre.append(byteLines(data, first, data.length, wide));
    more.remove();
  });
  return el('div', {}, pre, more);
}

/* Text as it was sent; bytes as hex. */
async function copyText(button, message) {
  const text = message.utf8 ? knownText(message) : Array.from(payloadOf(message), (c) => hex(c)).join(' ');
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'Not allowed here';
  }
  say(button.textContent);
  setTimeout(() => {
    button.textContent = 'Copy';
  }, 1500);
}

/* -- its frames ---------------------------------------------------------------------------- */

function frameSection(frames, first) {
  const name = el('span', { class: 'which', 'aria-live': 'polite' });
  const body = el('div');
  const back = el('button', { type: 'button', 'aria-label': 'Frame before' }, '‹');
  const next = el('button', { type: 'button', 'aria-label': 'Next frame' }, '›');
  let at = Math.max(0, frames.indexOf(first));
  const draw = () => {
    const frame = frames[at];
    name.textContent = `${frame.conn.id}.${frame.n}${frames.length > 1 ? `, ${count(at + 1)} of ${count(frames.length)}` : ''}`;
    back.disabled = at === 0;
    next.disabled = at === frames.length - 1;
    body.replaceChildren(makeFrameView(frame),
      el('p', { class: 'soft' }, `At offset ${count(frame.offset)} of what the ${frame.c2s ? 'client' : 'server'} sent; complete in packet ${count(frame.pkt)}.${frame.message?.compressed ? ` What deflate made of it: wstrace explain FILE ${frame.conn.id}.${frame.n}` : ''}`));
  };
  const step = (by) => () => {
    at += by;
    draw();
  };
  back.addEventListener('click', step(-1));
  next.addEventListener('click', step(1));
  draw();
  return el('section', {}, el('div', { class: 'bar' }, el('h3', {}, 'Frame ', name), frames.length > 1 ? el('div', { class: 'choice' }, back, next) : null), body);
}

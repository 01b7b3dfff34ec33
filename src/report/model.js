/* SPDX-License-Identifier: MIT
 *
 * In: the page's data, a JSON array that report.c describes. Out: connections with their frames,
 * messages and findings, and three orders of them: rows (messages, control frames, gaps), rungs
 * (everything that happened, for the ladder), findings.
 * Refuses nothing: an element it does not know is passed over.
 */

const TEXT = 1; /* RFC 6455 section 11.8 */
const CLOSE = 8;
const OPS = { 0: 'continuation', 1: 'text', 2: 'binary', 8: 'close', 9: 'ping', 10: 'pong' };
const opName = (opcode) => OPS[opcode] ?? `reserved-${opcode}`;

function readModel(elements) {
  const model = {
    meta: {}, stats: {}, report: elements[elements.length - 1], conns: new Map(), rows: [], rungs: [], findings: [],
  };
  epoch.base = BigInt(model.report.base);
  epoch.digits = model.report.nanos ? 9 : 6;
  elements.forEach((element, order) => {
    if (Array.isArray(element)) (element[0] === 'f' ? readFrame : readMessage)(model, element, order);
    else READ[element.type]?.(model, element, order);
  });
  for (const conn of model.conns.values()) settle(model, conn);
  model.rows.sort((a, b) => a.order - b.order); /* settle() adds some at the end */
  return model;
}

function connOf(model, id) {
  let conn = model.conns.get(id);
  if (!conn) {
    conn = { id, shake: null, end: null, frames: new Map(), messages: new Map(), rows: [], rungs: [], findings: [], first: 0 };
    model.conns.set(id, conn);
  }
  return conn;
}

/* Each item knows: kind, conn, c2s, t, pkt, order; and what is wrong with it. */
function take(model, item) {
  item.findings = null;
  if (item.conn.rungs.length === 0 && item.kind !== 'problem') item.conn.first = item.t;
  return item;
}

function addRow(model, item) {
  model.rows.push(item);
  item.conn.rows.push(item);
}

function addRung(model, item) {
  model.rungs.push(item);
  item.conn.rungs.push(item);
}

/* -- the many: arrays ---------------------------------------------------------------------- */

function readFrame(model, e, order) {
  const frame = take(model, {
    kind: 'frame', conn: connOf(model, e[1]), c2s: e[2] === 0, t: e[3], pkt: e[4], n: e[5], first: e[6], opcode: e[6] & 15,
    header: e[7], len: e[8], mask: e[9] || null, offset: e[10], msg: e[11], complete: e[12] === 1,
    firstPkt: e[13] || e[4], wireBytes: e[14] || null, message: null, close: null, utf8: e[15] === 1, data: e[16], omitted: e[17] ?? 0, order,
  });
  const conn = frame.conn;
  frame.op = opName(frame.opcode);
  conn.frames.set(frame.n, frame);
  addRung(model, frame);
  if (frame.msg) partsOf(conn, frame.msg).push(frame);
  else addRow(model, frame);
}

/* Frames come before their message; `parts` wait under its number. */
function partsOf(conn, msg) {
  let message = conn.messages.get(msg);
  if (!message) {
    message = { parts: [] };
    conn.messages.set(msg, message);
  }
  return message.parts;
}

function readMessage(model, e, order) {
  const conn = connOf(model, e[1]);
  const message = take(model, {
    kind: 'message', conn, c2s: e[2] === 0, t: e[3], pkt: e[4], msg: e[5], opcode: e[6], compressed: (e[7] & 1) === 1,
    certain: (e[7] & 2) === 2, firstPkt: e[8], frames: e[9], wire: e[10], len: e[11], omitted: e[12], utf8: e[13] === 1,
    data: e[14], parts: partsOf(conn, e[5]), order,
  });
  message.op = opName(message.opcode);
  if (!message.certain) readPieces(model, message, e[15] ?? []);
  for (const part of message.parts) part.message = message;
  conn.messages.set(message.msg, message);
  addRow(model, message);
}

/* What is known of a text behind `data`. unknown: bytes that nobody knows, unless a limit may have left some out, too.
 * known: all that is known, with a '…' for what is not. */
function readPieces(model, message, list) {
  const { max_payload: most, preview, short_from: from } = model.report;
  message.pieces = [];
  let at = toUtf8(message.utf8 ? message.data : '').length;
  let left = Number(message.omitted);
  for (let i = 0; i < list.length; i += 2) {
    const [place, text] = list.slice(i, i + 2);
    message.pieces.push({ before: place - at, text });
    at = place + toUtf8(text).length;
    left -= at - place;
  }
  message.behind = Number(message.len) - at;
  message.unknown = Number(message.len) <= (from && message.pkt >= from ? preview : most) ? left : null;
  if (list.length > 0) message.known = `${message.data}${message.pieces.map((piece) => `…${piece.text}`).join('')}${message.behind > 0 ? '…' : ''}`;
}

/* -- the rare: objects of docs/EVENTS.md --------------------------------------------------- */

/* RFC 3339 with 6 or 9 digits, as nanoseconds since the base. */
function sinceBase(ts) {
  const fraction = BigInt(ts.slice(20, -1).padEnd(9, '0'));
  return Number(BigInt(Date.parse(`${ts.slice(0, 19)}Z`)) * 1000000n + fraction - epoch.base);
}

function rare(model, e, order, kind) {
  return take(model, { kind, conn: connOf(model, e.conn), c2s: e.dir !== 's2c', t: sinceBase(e.ts), pkt: e.pkt, event: e, order });
}

const READ = {
  meta(model, e) {
    model.meta = e;
  },
  stats(model, e) {
    model.stats = e;
  },
  handshake(model, e, order) {
    const item = rare(model, e, order, 'handshake');
    item.conn.shake = item;
    addRung(model, item);
  },
  close(model, e) { /* right behind its frame */
    const frame = connOf(model, e.conn).rungs.at(-1);
    if (frame?.kind !== 'frame' || frame.opcode !== CLOSE) return;
    frame.close = { ...e, unseen: e.code === null && Number(frame.len) > 1 };
  },
  gap(model, e, order) {
    const item = rare(model, e, order, 'gap');
    addRow(model, item);
    addRung(model, item);
  },
  message(model, e) { /* right behind its element */
    const message = connOf(model, e.conn).messages.get(e.msg);
    if (message?.kind === 'message') message.app = e.app;
  },
  end(model, e, order) {
    const item = rare(model, e, order, 'end');
    item.conn.end = item;
    addRung(model, item);
  },
  problem(model, e, order) {
    const ofNone = e.conn === null;
    const item = { kind: 'problem', conn: ofNone ? null : connOf(model, e.conn), t: sinceBase(e.ts), pkt: e.pkt, event: e, order, on: null };
    model.findings.push(item);
    item.conn?.findings.push(item);
  },
};

/* -- when all is read ---------------------------------------------------------------------- */

const LEVELS = { note: 1, warning: 2, error: 3 };

/* The worst level of what was found about an item; null: nothing. */
function levelOf(item) {
  let worst = null;
  for (const finding of item.findings ?? []) {
    if (!worst || LEVELS[finding.event.level] > LEVELS[worst]) worst = finding.event.level;
  }
  return worst;
}

function settle(model, conn) {
  for (const [msg, message] of conn.messages) {
    if (message.kind === 'message') continue; /* else the capture ended inside, or the page did */
    const head = message.parts[0];
    const part = take(model, {
      kind: 'part', conn, c2s: head.c2s, t: head.t, pkt: head.pkt, msg, opcode: head.opcode, op: head.op, parts: message.parts,
      len: message.parts.reduce((sum, frame) => sum + Number(frame.len), 0), order: head.order,
    });
    for (const frame of part.parts) frame.message = part;
    conn.messages.set(msg, part);
    addRow(model, part);
  }
  conn.rows.sort((a, b) => a.order - b.order);
  for (const finding of conn.findings) {
    const { n, msg } = finding.event;
    const frame = n ? conn.frames.get(n) : null;
    finding.on = frame && !(frame.message && frame.message.kind === 'part') ? frame : conn.messages.get(msg) ?? frame ?? conn.shake;
    for (const item of new Set([frame, frame?.message, msg ? conn.messages.get(msg) : null])) {
      if (item) (item.findings ??= []).push(finding);
    }
  }
}

/* The row of the table that shows an item. */
const rowOf = (item) => (item.kind === 'frame' && item.message ? item.message : item);

/* -- words that several views use ---------------------------------------------------------- */

const typeOf = (item) => item.op ?? item.kind;

/* Where a connection leads: whose server, and what it was asked for there. */
function destinationOf(conn) {
  const shake = conn.shake?.event;
  if (!shake) return ['unknown', ''];
  const server = address(shake.server_ip, shake.server_port);
  return shake.uri === null ? [server, ''] : [shake.host ?? server, shake.uri];
}

const placeOf = (conn) => destinationOf(conn).join('');

const address = (ip, port) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

function closeWords(event) {
  if (event.code === null) return event.unseen ? 'code not captured' : 'no code';
  return `${event.code}${event.name ? ` ${event.name}` : ''}`;
}

/* Whether a limit left some of it out: of an uncertain message `omitted` counts what nobody knows, too. */
const isCut = (item) => (item.certain === false ? item.unknown === null : Boolean(item.omitted));

/* The text of an item, as far as it is known. */
const knownText = (item) => item.known ?? item.data;

/* What an item carries, as one line. Binary data as hex: most of them are no text. */
function preview(item, most) {
  if (item.kind === 'gap') return `${bytes(item.event.bytes)} never arrived in the capture`;
  if (item.kind === 'part') return `${some(item.parts.length, 'frame')} of a message whose end is not here`;
  if (item.close) {
    const reason = item.close.reason ?? '(reason is not UTF-8)';
    return `${closeWords(item.close)}${reason ? ` “${reason}”` : ''}`;
  }
  if (item.data === undefined) return '';
  if (item.utf8) return clip(knownText(item), most);
  if (item.app?.packets.length) return clip(appWords(item.app), most);
  const data = fromBase64(item.data.slice(0, Math.ceil(most / 4) * 4));
  return Array.from(data.subarray(0, Math.floor(most / 3)), (c) => hex(c)).join(' ');
}

/* What a filter by text looks at: the whole payload; bytes that are no text as Latin-1. */
function searched(item) {
  if (item.data === undefined) return item.close || item.kind === 'gap' ? preview(item, 1000) : '';
  if (item.utf8) return knownText(item);
  return item.app ? `${appWords(item.app)} ${atob(item.data)}` : atob(item.data);
}

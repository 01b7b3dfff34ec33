/* SPDX-License-Identifier: MIT
 *
 * In: a frame. Out: RFC 6455's figure filled with its bits, its bytes, its fields. Pointing at one
 * lights the same bits in the others.
 * Refuses to show payload bytes that do not follow from what was captured.
 */

const BYTES_SHOWN = 256; /* of a frame's payload */
const UNMASKED = 8; /* bytes in the table of unmasking: the key comes twice */

/* -- fields: which bits, what they say ------------------------------------------------------- */

const MEANINGS = {
  0: 'more of the message before', 1: 'begins a message in UTF-8', 2: 'begins a message of any bytes', 8: 'its sender sends no more', 9: 'asks for a pong', 10: 'answers a ping',
};

function fieldsOf(frame) {
  const fields = [];
  let at = 0;
  const add = (name, bits, value, meaning) => {
    fields.push({ name, from: at, to: at + bits, value, meaning });
    at += bits;
  };
  const bit = (shift) => (frame.first >> shift) & 1;
  const data = frame.opcode < CLOSE;
  add('FIN', 1, bit(7), bit(7) ? (data ? 'last frame of its message' : 'whole, as control frames are') : 'more frames follow');
  add('RSV1', 1, bit(6), bit(6) ? (frame.message?.compressed ? 'the message is compressed (RFC 7692)' : 'set, and nothing gives it a meaning') : '');
  add('RSV2', 1, bit(5), bit(5) ? 'set, and nothing gives it a meaning' : '');
  add('RSV3', 1, bit(4), bit(4) ? 'set, and nothing gives it a meaning' : '');
  add('opcode', 4, `0x${hex(frame.opcode, 1)}`, `${frame.op}${MEANINGS[frame.opcode] ? `: ${MEANINGS[frame.opcode]}` : ''}`);
  add('MASK', 1, frame.mask ? 1 : 0, frame.mask ? 'a masking key follows' : 'not masked');
  addLength(frame, add);
  if (frame.mask) add('masking key', 32, `0x${frame.mask}`, 'every payload byte is XORed with one of these four');
  add('payload', 8 * Math.min(Number(frame.len), 2 ** 40), '', `${bytes(frame.len)}${contentsOf(frame)}`);
  return fields;
}

/* RFC 6455 section 5.5.1: a close frame's payload begins with the code. */
function contentsOf(frame) {
  if (!frame.complete) return ', not all of them captured';
  const code = frame.close?.code;
  if (code === undefined || code === null) return '';
  return `: ${hex(code, 4).replace(/..$/, ' $&')} is code ${code}${Number(frame.len) > 2 ? ', then the reason' : ''}`;
}

function addLength(frame, add) {
  const extra = extraOf(frame);
  const seven = headerOf(frame)[1] & 0x7f;
  const meaning = seven === 126 ? 'the length is in the next 16 bits' : seven === 127 ? 'the length is in the next 64 bits' : bytes(seven);
  add('length', 7, seven, meaning);
  if (extra > 0) add('extended length', 8 * extra, count(frame.len), `${bytes(frame.len)}, most significant byte first`);
}

/* -- the view ---------------------------------------------------------------------------------- */

/* parts: every piece of the view that stands for a range of bits. */
function makeFrameView(frame) {
  const fields = fieldsOf(frame);
  const header = headerOf(frame);
  const payload = framePayload(frame, BYTES_SHOWN);
  const wire = payload && masked(payload, maskOf(frame));
  const parts = [];
  const part = (node, from, to, reach = [from, to]) => {
    parts.push({ node, from, to });
    node.dataset.reach = reach.join(' ');
    return node;
  };
  const view = el('div', { class: 'frame' },
    figure(fields, header, part), fieldTable(fields, part), dump(header, wire, payload, fields, Boolean(frame.conn.shake?.event.tls), part), unmasking(frame, header, payload, part));
  lights(view, parts);
  return view;
}

/* Pointing at a piece, or moving the focus to it, lights every piece that shares bits with its reach.
 * A click keeps it lit, until the next: on a screen that is touched nothing stays pointed at. */
function lights(view, parts) {
  let kept = null;
  const pieceOf = (event) => event.target.closest('[data-reach]');
  const light = (piece) => {
    const [from, to] = piece ? piece.dataset.reach.split(' ').map(Number) : [0, 0];
    for (const one of parts) one.node.classList.toggle('lit', one.from < to && from < one.to);
  };
  for (const type of ['pointerover', 'focusin']) view.addEventListener(type, (event) => light(pieceOf(event) ?? kept));
  for (const type of ['pointerleave', 'focusout']) view.addEventListener(type, () => light(kept));
  view.addEventListener('click', (event) => {
    const piece = pieceOf(event);
    kept?.classList.remove('kept');
    kept = piece === kept ? null : piece;
    kept?.classList.add('kept');
    light(kept);
  });
}

/* 32 bits a line, as the RFC draws it. A field that crosses lines has a cell on each; the payload has
 * the rest of the line, or one of its own, whatever its length. */
function figure(fields, header, part) {
  const grid = el('div', { class: 'figure', 'aria-hidden': 'true' });
  for (let bit = 0; bit < 32; bit++) grid.append(el('span', { class: 'number' }, bit % 8 === 0 || bit % 8 === 7 ? String(bit) : '·'));
  for (const field of fields) {
    if (field.name === 'payload') {
      if (field.to > field.from) grid.append(part(cell(field, `payload, ${field.meaning.replace(/[:,].*/, '')}`, [], 32 - (field.from % 32)), field.from, field.to));
      continue;
    }
    for (let from = field.from; from < field.to;) {
      const until = Math.min(field.to, (Math.floor(from / 32) + 1) * 32);
      const bits = [];
      for (let bit = from; bit < until; bit++) bits.push((header[bit >> 3] >> (7 - (bit & 7))) & 1);
      const name = from === field.from ? field.name : `${field.name} (goes on)`;
      grid.append(part(cell(field, name, bits, bits.length), from, until, [field.from, field.to]));
      from = until;
    }
  }
  return grid;
}

const classOf = (field) => `f-${field.name.replace(/ .*/, '').toLowerCase()}`;

function cell(field, name, bits, width) {
  const node = el('span', { class: `cell ${width === 1 ? 'one' : ''} ${classOf(field)}` },
    el('span', { class: 'name' }, name), el('span', { class: 'bits' }, ...bits.map((bit) => el('i', {}, String(bit)))));
  node.style.gridColumn = `span ${width}`;
  return node;
}

function fieldTable(fields, part) {
  const rows = fields.map((field) => part(
    el('tr', { tabindex: '0', class: classOf(field) },
      el('th', { scope: 'row' }, field.name), el('td', { class: 'num' }, field.name === 'payload' ? '' : String(field.to - field.from)),
      el('td', { class: 'mono' }, String(field.value)), el('td', {}, field.meaning)), field.from, field.to));
  return el('table', { class: 'fields' }, el('caption', { class: 'unseen' }, 'Fields of the frame'),
    el('thead', {}, el('tr', {}, ...['Field', 'Bits', 'Value', 'Meaning'].map((name) => el('th', { scope: 'col', class: name === 'Bits' && 'num' }, name)))), el('tbody', {}, ...rows));
}

/* -- bytes --------------------------------------------------------------------------------------- */

const fieldsAt = (fields, index) => fields.filter((field) => field.from < index * 8 + 8 && index * 8 < field.to);

function dump(header, wire, payload, fields, encrypted, part) {
  const all = header.concat(wire ? Array.from(wire) : []);
  const wide = state.room >= 520 ? 16 : 8;
  const box = el('div', { class: `dump wide${wide}`, tabindex: '0', role: 'application', 'aria-label': 'Bytes of the frame; arrow keys move from byte to byte' });
  const nodes = [];
  for (let at = 0; at < all.length; at += wide) {
    const line = all.slice(at, at + wide);
    const codes = line.map((c, i) => part(el('span', { class: `byte ${classOf(fieldsAt(fields, at + i).at(-1))}` }, hex(c)), (at + i) * 8, (at + i + 1) * 8));
    const letters = line.map((c, i) => {
      const of = at + i - header.length;
      return part(el('span', { class: of < 0 ? 'letter none' : 'letter' }, of < 0 ? '·' : letter(payload[of])), (at + i) * 8, (at + i + 1) * 8);
    });
    nodes.push(...codes);
    box.append(el('span', { class: 'at' }, hex(at, 4)), el('span', { class: 'codes' }, ...codes), el('span', { class: 'letters' }, ...letters));
  }
  walkable(box, nodes, all, fields, wide);
  const left = Number(fields.at(-1).to - fields.at(-1).from) / 8 - (wire ? wire.length : 0);
  const why = wire ? `${bytes(left)} more` : 'The bytes of this payload are not in the page: it was compressed, or parts of it are missing.';
  return el('div', {}, el('h4', {}, encrypted ? 'On the wire, inside of TLS' : 'On the wire'), box, left > 0 ? el('p', { class: 'soft' }, why) : null);
}

const letter = (c) => (c >= 0x20 && c < 0x7f ? String.fromCharCode(c) : '·');

/* Arrow keys in the dump: the byte meant is lit with its fields, and said. */
function walkable(box, nodes, all, fields, wide) {
  let at = -1;
  const steps = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide };
  box.addEventListener('keydown', (event) => {
    const step = steps[event.key];
    if (!step || nodes.length === 0) return;
    event.preventDefault();
    nodes[at]?.classList.remove('meant');
    at = Math.max(0, Math.min(nodes.length - 1, at < 0 ? 0 : at + step));
    nodes[at].classList.add('meant');
    nodes[at].dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
    say(`byte ${at}: ${hex(all[at])}, ${fieldsAt(fields, at).map((field) => field.name).join(', ')}`);
  });
}

/* RFC 6455 section 5.3: octet i of the payload is XORed with octet i mod 4 of the key. */
function unmasking(frame, header, payload, part) {
  const key = maskOf(frame);
  if (!key || !payload || payload.length === 0) return null;
  const first = Array.from(payload.subarray(0, UNMASKED));
  const at = (i) => (header.length + i) * 8;
  const keyAt = (i) => (header.length - 4 + (i & 3)) * 8;
  const line = (name, words, from) => el('tr', {}, el('th', { scope: 'row' }, name), ...words.map((word, i) => part(el('td', {}, word), from(i), from(i) + 8)));
  return el('div', {}, el('h4', {}, 'Unmasking'), el('table', { class: 'unmask' },
    el('caption', { class: 'unseen' }, 'Each byte on the wire, XORed with a byte of the key, is a byte of the payload'),
    el('tbody', {},
      line('wire', first.map((c, i) => hex(c ^ key[i & 3])), at), line('⊕ key', first.map((c, i) => hex(key[i & 3])), keyAt),
      line('= payload', first.map((c) => hex(c)), at), frame.message?.compressed ? null : line('as text', first.map(letter), at))));
}

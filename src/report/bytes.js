/* SPDX-License-Identifier: MIT
 *
 * In: what the events tell of a frame. Out: its bytes as they were on the wire.
 * Refuses to invent: where the payload's bytes do not follow from the events, there are none.
 */

function fromBase64(text) {
  const binary = atob(text);
  const out = new Uint8Array(binary.length);
  for (let i = 0; i < out.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

const toUtf8 = (text) => new TextEncoder().encode(text);

/* Bytes as text; what is not UTF-8 as \xff. Nodes. */
function asText(data, lines) {
  const nodes = [];
  const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  let at = 0;
  while (at < data.length) {
    const n = validLength(data, at);
    if (n > 0) nodes.push(...shown(strict.decode(data.subarray(at, at + n)), lines));
    at += n;
    if (at < data.length) nodes.push(el('span', { class: 'spelled' }, `\\x${hex(data[at++])}`));
  }
  return nodes;
}

/* How many bytes from `at` on are valid UTF-8 (RFC 3629). */
function validLength(data, from) {
  let at = from;
  while (at < data.length) {
    const c = data[at];
    const more = c < 0x80 ? 0 : c >= 0xc2 && c <= 0xdf ? 1 : c >= 0xe0 && c <= 0xef ? 2 : c >= 0xf0 && c <= 0xf4 ? 3 : -1;
    if (more < 0 || at + more >= data.length) break;
    const least = c === 0xe0 ? 0xa0 : c === 0xf0 ? 0x90 : 0x80;
    const most = c === 0xed ? 0x9f : c === 0xf4 ? 0x8f : 0xbf;
    if (more > 0 && (data[at + 1] < least || data[at + 1] > most)) break;
    if (more > 1 && (data[at + 2] & 0xc0) !== 0x80) break;
    if (more > 2 && (data[at + 3] & 0xc0) !== 0x80) break;
    at += more + 1;
  }
  return at - from;
}

/* The payload of a message or control frame as bytes: those that are in the page. */
function payloadOf(item) {
  if (item.data === undefined) return null;
  return item.utf8 ? toUtf8(item.data) : fromBase64(item.data);
}

/* -- a frame on the wire ------------------------------------------------------------------- */

const maskOf = (frame) => (frame.mask ? [0, 2, 4, 6].map((i) => parseInt(frame.mask.slice(i, i + 2), 16)) : null);
const extraOf = (frame) => frame.header - 2 - (frame.mask ? 4 : 0);

/*   0               1               2 …
 *  +-+-+-+-+-------+-+-------------+-------------------------------+
 *  |F|R|R|R| opcode|M| length (7)  | length (0, 16 or 64)          | masking key (0 or 32)
 *  +-+-+-+-+-------+-+-------------+-------------------------------+   RFC 6455 section 5.2
 */
function headerOf(frame) {
  const extra = extraOf(frame);
  const length = BigInt(frame.len);
  const seven = extra === 8 ? 127 : extra === 2 ? 126 : Number(length);
  const out = [frame.first, (frame.mask ? 0x80 : 0) | seven];
  for (let i = extra - 1; i >= 0; i--) out.push(Number((length >> BigInt(8 * i)) & 0xffn));
  return out.concat(maskOf(frame) ?? []);
}

/* The payload of a close frame follows from its event: the code in two bytes, then the reason. */
function closePayload(frame) {
  const { code, reason, reason_b64: bad } = frame.close;
  if (code === null) return null;
  const tail = reason === null ? fromBase64(bad) : toUtf8(reason);
  return Uint8Array.from([code >> 8, code & 0xff, ...tail]);
}

/* Where a frame's part of an uncompressed message begins; -1: it cannot be told. */
function placeInMessage(frame) {
  const message = frame.message;
  if (!message || message.compressed || !message.certain) return -1;
  let place = 0;
  for (const other of message.parts) {
    if (!other.complete) return -1;
    if (other === frame) return place;
    place += Number(other.len);
  }
  return -1;
}

/* The unmasked payload bytes that are known, at most `most`; null: none are. */
function framePayload(frame, most) {
  if (frame.wireBytes) return masked(fromBase64(frame.wireBytes), maskOf(frame));
  if (Number(frame.len) === 0) return new Uint8Array(0);
  if (frame.close) return closePayload(frame);
  if (frame.data !== undefined) return payloadOf(frame).subarray(0, most);
  const place = placeInMessage(frame);
  if (place < 0) return null;
  const all = payloadOf(frame.message);
  const end = Math.min(place + Number(frame.len), place + most, all.length);
  return place <= all.length ? all.subarray(place, end) : null;
}

function masked(payload, key) {
  return key ? payload.map((c, i) => c ^ key[i & 3]) : payload;
}

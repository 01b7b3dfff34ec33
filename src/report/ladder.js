/* SPDX-License-Identifier: MIT
 *
 * In: the rungs of the model. Out: the ladder: client left, server right, time down; an arrow for
 * each handshake and frame, a line across for what belongs to neither.
 * Refuses to draw time to scale, which would leave most of it empty: pauses are told instead.
 */

const PAUSE = 1e9; /* nanoseconds without a rung that are worth a word */

function makeLadder(choose, open) {
  const list = makeList($('rungs'), { height: 36, role: 'option', make: makeRung, fill: fillRung, choose, open, head: $('ends') });

  return {
    list,
    show(conns, one) {
      list.show(conns.flatMap((conn) => stepsOf(conn, conns.length > 1)));
      $('client').replaceChildren(...endOf(one, 'client'));
      $('server').replaceChildren(...endOf(one, 'server'));
    },
  };
}

function endOf(conn, side) {
  const shake = conn?.shake?.event;
  if (!shake) return [side];
  return [`${side} `, el('b', {}, address(shake[`${side}_ip`], shake[`${side}_port`]))];
}

/* What the list shows: rungs; a title before each connection when there are several; pauses. A
 * request is a rung of its own, at the time that the answer and the round trip tell. */
function stepsOf(conn, titled) {
  const steps = titled ? [{ kind: 'title', conn, t: conn.first }] : [];
  const pause = (from, to) => {
    if (from !== null && to - from >= PAUSE) steps.push({ kind: 'pause', conn, t: from, lasts: to - from });
  };
  let before = null;
  for (const rung of conn.rungs) {
    const start = rung.kind === 'handshake' && rung.event.rtt !== null ? rung.t - rung.event.rtt * 1e9 : rung.t;
    pause(before, start);
    if (rung.kind === 'handshake' && rung.event.method !== null) {
      steps.push((rung.request ??= { kind: 'request', conn, of: rung, t: start, c2s: true }));
      pause(start, rung.t);
    }
    if (rung.kind !== 'handshake' || rung.event.status !== null || rung.event.method === null) steps.push(rung);
    before = rung.t;
  }
  return steps;
}

function makeRung() {
  return el('div', {}, el('span', { class: 'time' }), el('span', { class: 'across' }, el('span', { class: 'label' })), el('span', { class: 'after' }));
}

function fillRung(node, rung) {
  const [time, across, after] = node.children;
  const arrow = ['frame', 'request'].includes(rung.kind) || (rung.kind === 'handshake' && rung.event.status !== null);
  const toServer = rung.kind === 'handshake' ? false : rung.c2s;
  const level = levelOf(rung);
  node.className = `row rung ${rung.kind} ${arrow ? 'arrow' : 'across-both'} ${toServer ? 'c2s' : 's2c'} ${rung.op ?? ''} ${level ?? ''}`;
  time.textContent = rung.kind === 'pause' || rung.kind === 'title' ? '' : stamp(rung.t);
  across.firstChild.replaceChildren(...labelOf(rung));
  after.replaceChildren(...(level ? [el('span', { class: `flag ${level}` }, SIGNS[level])] : []));
  node.setAttribute('aria-label', flat(`${time.textContent} ${arrow ? (toServer ? 'client to server: ' : 'server to client: ') : ''}${across.textContent} ${after.textContent}`.trim()));
}

const LABELS = {
  title: (rung) => [el('b', {}, `Connection ${rung.conn.id}`), ' ', el('bdi', {}, ...shown(clip(placeOf(rung.conn), 120)))],
  pause: (rung) => [`${lapse(rung.lasts, 1)} of silence`],
  request: (rung) => [el('b', {}, ...shown(rung.of.event.method ?? '')), ' ', ...shown(clip(rung.of.event.uri ?? '', 200))],
  handshake: ({ event }) => (event.status !== null ? [el('b', {}, String(event.status)), event.accepted ? ' WebSocket from here on' : ` ${refusal(event.status)}`] : ['joined in the middle: no handshake in the capture']),
  gap: (rung) => [`${bytes(rung.event.bytes)} never arrived in the capture (${rung.c2s ? 'client to server' : 'server to client'})`],
  end: ({ conn, event }) => [endWords(event, conn)],
  frame: (frame) => {
    const unfinished = !(frame.first & 0x80);
    return [el('b', {}, `${frame.op}${unfinished ? '…' : ''}`), ` ${count(frame.len)} `, el('span', { class: 'words' }, ...wordsOf(frame))];
  },
};
/* A fragment says what it carries, as far as that can be told; a compressed one nothing. */
function wordsOf(frame) {
  const { message } = frame;
  if (!message || message.parts.length === 1) return shown(preview(message ?? frame, 200));
  const part = message.compressed ? null : framePayload(frame, 200);
  if (!part) return [];
  return message.opcode === TEXT ? asText(part, false) : [Array.from(part.subarray(0, 70), (c) => hex(c)).join(' ')];
}

const labelOf = (rung) => LABELS[rung.kind]?.(rung) ?? [rung.kind];

const TCP_ENDS = {
  fin: 'TCP closed', rst: 'TCP reset', eof: 'the capture ended first', timeout: 'silent until given up', evicted: 'given up for want of memory',
};

const NO_REPLY = {
  none: ', not answered', late: ', too late to be answered', 'no-time': ', no time to answer', unseen: ', no answer captured', open: ', not answered yet',
};

/* A stream of HTTP/2 or HTTP/3 ends by itself, its connection goes on. */
function endWords(event, conn) {
  const stream = Number.isInteger(conn.shake?.event.stream_id);
  const tcp = TCP_ENDS[event.tcp] ?? event.tcp;
  const how = event.clean ? 'closed cleanly' : 'not closed cleanly';
  const who = event.by ? ` by the ${event.by}` : '';
  const code = event.code !== null ? ` with ${event.code}` : '';
  const tls = event.tls_by && !event.by && event.tls_by !== event.tcp_by ? `TLS ended by the ${event.tls_by} first; ` : '';
  const first = event.tcp === 'fin' && event.tcp_by && !tls ? ` by the ${event.tcp_by} first` : '';
  const reset = event.reset_by ? ` by the ${event.reset_by}` : '';
  const reply = NO_REPLY[event.no_reply] ?? '';
  return `End: ${how}${who}${code}${reply}; ${tls}${stream ? tcp.replace('TCP', 'stream') : tcp}${reset}${stream ? '' : first}`;
}

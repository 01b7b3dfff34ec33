/* SPDX-License-Identifier: MIT
 *
 * In: connections, findings. Out: the list of connections, the handshake pane, the problems pane.
 * Refuses to draw conclusions of its own: what is right or wrong is what the events say.
 */

const PICKED = 2000; /* connections in a phone's menu */
const HANDSHAKES_SHOWN = 500; /* in the table of all connections */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'; /* RFC 6455 section 1.3 */
const FINDINGS_SHOWN = 100; /* of one sort, at first */
const FINDINGS_MORE = 1000; /* with each click */

/* -- the list of connections ----------------------------------------------------------------- */

function makeConnections(model, choose) {
  const all = { id: 0 };
  const items = [all, ...model.conns.values()];
  const list = makeList($('connections'), {
    height: 54, role: 'option', choose: (item) => choose(item === all ? null : item),
    make: () => el('div', {}, el('span', { class: 'id' }), el('span', { class: 'where' }), el('span', { class: 'what' })),
    fill(node, item) {
      const [id, where, what] = node.children;
      node.className = `row connection ${levelOf(item) ?? ''}`;
      id.textContent = item === all ? '' : item.id;
      where.replaceChildren(...(item === all ? ['All connections'] : destinationOf(item).map((part) => el('bdi', {}, ...shown(clip(part, 200))))));
      what.textContent = item === all ? some(model.conns.size, 'connection') : summaryOf(item);
      node.title = item === all ? '' : flat(placeOf(item));
    },
  });
  list.show(items);
  const pick = $('pick');
  pick.append(...items.slice(0, PICKED).map((item) => el('option', { value: item.id }, item === all ? 'All connections' : `${item.id}  ${flat(clip(placeOf(item), 80))}`)));
  if (items.length > PICKED) pick.append(el('option', { disabled: true }, `${count(items.length - PICKED)} more, on a wider screen`));
  pick.addEventListener('change', () => choose(model.conns.get(Number(pick.value)) ?? null));
  return {
    mark(conn) {
      list.seek(conn ?? all);
      pick.value = conn?.id ?? 0;
    },
  };
}

/* Why there is no row, as far as it is known. */
function noneOf(conn) {
  const shake = conn?.shake?.event;
  if (!shake || shake.accepted) return 'No messages or control frames.';
  const why = conn.findings.map((finding) => finding.event.detail);
  return `No WebSocket came of it: ${[summaryOf(conn), ...why].join('; ')}.`;
}

function summaryOf(conn) {
  const shake = conn.shake?.event;
  if (shake && !shake.accepted && conn.rows.length === 0) return shake.status === null ? 'no answer' : `${refusal(shake.status)}: ${shake.status}`;
  const messages = conn.rows.filter((row) => row.kind === 'message').length;
  const worst = levelOf(conn);
  /* What no row of the messages shows; said in words, it need not be counted, too. */
  const missing = conn.findings.some((finding) => finding.event.id === 'close.missing');
  const other = conn.findings.filter((finding) => finding.event.level === worst && finding.event.id !== 'close.missing');
  const findings = worst && worst !== 'note' && other.length ? some(other.length, worst) : null;
  /* What does not fit is cut, and how long it took is the least. */
  return [some(messages, 'message'), missing ? 'no close' : null, findings, conn.end ? lapse(conn.end.event.duration * 1e9) : null].filter(Boolean).join(', ');
}

/* -- handshake ------------------------------------------------------------------------------- */

function showHandshake(conn, conns, choose) {
  $('handshake').replaceChildren(...(conn ? handshakeOf(conn) : [allHandshakes(conns, choose)]));
}

function handshakeOf(conn) {
  const shake = conn.shake?.event;
  const parts = [el('h2', {}, `Connection ${conn.id} `, el('bdi', { class: 'soft' }, ...shown(placeOf(conn))))];
  if (!shake) parts.push(el('p', { class: 'soft' }, 'Its handshake is not in this page.'));
  else if (shake.carrier === 'unknown') parts.push(el('p', {}, 'Joined in the middle: its handshake is not in the capture.'), network(shake));
  else parts.push(el('div', { class: 'twin' }, requestOf(shake), answerOf(shake)), agreement(shake), network(shake));
  if (conn.end) parts.push(...endOfConnection(conn));
  return parts;
}

/* Rows [name, value]; a value is a string (a stranger's), nodes, or null: not there. */
function pairs(title, rows) {
  return el('section', {}, el('h3', {}, title), el('dl', { class: 'facts' }, ...rows.flatMap(([name, value]) =>
    [el('dt', {}, name), el('dd', {}, ...(value === null || value === undefined ? [el('span', { class: 'soft' }, 'none')] : typeof value === 'string' ? [el('bdi', {}, ...shown(value))] : [value].flat()))])));
}

function headerTable(headers) {
  if (!headers) return null;
  return el('table', { class: 'headers' }, el('tbody', {}, ...headers.map(([name, value]) =>
    el('tr', {}, el('th', { scope: 'row' }, ...shown(name)), el('td', {}, el('bdi', {}, ...shown(value)))))));
}

function requestOf(shake) {
  return el('section', {}, el('h3', { class: 'c2s' }, 'Request'),
    el('p', { class: 'line mono' }, ...shown(`${shake.method ?? ''} ${shake.uri ?? ''}`)), headerTable(shake.request_headers));
}

function answerOf(shake) {
  const line = shake.status === null ? 'No answer in the capture' : `${shake.status}${shake.accepted ? ': WebSocket from here on' : `: ${refusal(shake.status)}`}`;
  return el('section', {}, el('h3', { class: 's2c' }, 'Answer'), el('p', { class: 'line mono' }, line), headerTable(shake.response_headers));
}

function verdict(good, yes, no) {
  return el('span', { class: good ? 'good' : 'error' }, good ? `✓ ${yes}` : `✗ ${no}`);
}

/* Of what has streams; TCP carries no HTTP/3. */
const carrierName = (shake) => shake.tcp_stream === null ? 'HTTP/3' : 'HTTP/2';

function agreement(shake) {
  const accept = shake.accept_ok === null ? [] : [' ', verdict(shake.accept_ok, 'what the key demands', 'not what the key demands'), el('p', { class: 'soft' }, `base64 of SHA-1 of the key followed by ${GUID} (RFC 6455 §4.2.2)`)];
  const deflate = shake.deflate;
  const keyless = shake.carrier === 'h2' || shake.carrier === 'h3';
  return pairs('What was agreed on', [
    ...(keyless && shake.client_key === null ? [] : [['key', shake.client_key]]),
    ...(keyless && shake.server_accept === null ? [] : [['accept', shake.server_accept === null ? null : [el('bdi', {}, ...shown(shake.server_accept)), ...accept]]]),
    ...(keyless ? [['proof', [`${carrierName(shake)} needs no key and no accept value `, el('span', { class: 'soft' }, '(RFC 8441 §5)')]]] : []),
    ...(shake.accept_ok === false ? [['expected', shake.accept_expected]] : []),
    ['version', shake.version === null ? null : String(shake.version)],
    ['subprotocols', shake.client_protocols.length ? shake.client_protocols.join(', ') : null], ['chosen', shake.subprotocol],
    ['extensions', shake.client_extensions], ['accepted', shake.server_extensions],
    ['compression', deflate ? [deflateWords(deflate)] : null],
  ]);
}

function deflateWords(d) {
  const side = (name, bits, fresh) => `${name} 2^${bits} bytes of history${fresh ? ', forgotten after each message' : ''}`;
  return `permessage-deflate; ${side('client', d.client_max_window_bits, d.client_no_context_takeover)}; ${side('server', d.server_max_window_bits, d.server_no_context_takeover)}`;
}

function network(shake) {
  return pairs('Where', [
    ['client', address(shake.client_ip, shake.client_port)], ['server', address(shake.server_ip, shake.server_port)],
    ...(shake.proxied_ip ? [['PROXY for', address(shake.proxied_ip, shake.proxied_port)]] : []),
    ['carrier', shake.carrier], ...(shake.tls ? [['TLS', [shake.tls.version, shake.tls.cipher, shake.tls.sni, shake.tls.alpn].filter(Boolean).join(', ')]] : []),
    ['round trip', shake.rtt === null ? null : lapse(shake.rtt * 1e9)],
    ['tcp.stream', shake.tcp_stream === null ? null : String(shake.tcp_stream)],
    ...(Number.isInteger(shake.stream_id) ? [[`${carrierName(shake)} stream`, String(shake.stream_id)]] : []),
    ['origin', shake.origin], ['user agent', shake.user_agent],
  ]);
}

function endOfConnection(conn) {
  const end = conn.end.event;
  const heads = ['frames', 'messages', 'bytes on the wire', 'bytes', 'gaps'].map((name) => el('th', { scope: 'col', class: 'num' }, name));
  const row = (name, kind, d) => el('tr', {}, el('th', { scope: 'row', class: kind }, name), ...[d.frames, d.messages, d.wire_bytes, d.bytes, d.gaps].map((n) => el('td', { class: 'num' }, count(n))));
  return [
    pairs('How it ended', [['end', endWords(end, conn).replace('End: ', '')], ['after', lapse(end.duration * 1e9)]]),
    el('div', { class: 'sideways' }, el('table', { class: 'totals' }, el('thead', {}, el('tr', {}, el('td'), ...heads)),
      el('tbody', {}, row('client → server', 'c2s', end.c2s), row('server → client', 's2c', end.s2c)))),
  ];
}

const HANDSHAKE_COLUMNS = [['#', 'num'], ['Time', 'num'], ['Status', 'num'], ['Where'], ['Accept value'], ['Subprotocol'], ['Compression'], ['Round trip', 'num']];

function allHandshakes(conns, choose) {
  const shaken = conns.filter((conn) => conn.shake);
  const rows = shaken.slice(0, HANDSHAKES_SHOWN).map((conn) => {
    const shake = conn.shake.event;
    const open = el('button', { type: 'button', class: 'link' }, String(conn.id));
    open.addEventListener('click', () => choose(conn));
    return el('tr', {}, el('td', { class: 'num' }, open), el('td', { class: 'num' }, seconds(conn.shake.t)), el('td', { class: 'num' }, shake.status === null ? '–' : String(shake.status)),
      el('td', {}, el('bdi', {}, ...shown(clip(placeOf(conn), 100)))), el('td', {}, shake.accept_ok === null ? '–' : verdict(shake.accept_ok, 'right', 'wrong')),
      el('td', {}, el('bdi', {}, ...shown(shake.subprotocol ?? '–'))), el('td', {}, shake.deflate ? 'deflate' : '–'), el('td', { class: 'num' }, shake.rtt === null ? '–' : lapse(shake.rtt * 1e9)));
  });
  return el('div', {}, el('h2', {}, 'Handshakes'), el('div', { class: 'sideways' }, el('table', { class: 'all' },
    el('thead', {}, el('tr', {}, ...HANDSHAKE_COLUMNS.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name)))),
    el('tbody', {}, ...rows))), shaken.length > HANDSHAKES_SHOWN ? el('p', { class: 'soft' }, `The first ${count(HANDSHAKES_SHOWN)} of ${count(shaken.length)}; choose a connection on the left to see others.`) : null);
}

/* -- problems -------------------------------------------------------------------------------- */

function showProblems(model, findings, jump) {
  const groups = new Map();
  for (const finding of findings) {
    const group = groups.get(finding.event.id);
    if (group) group.push(finding);
    else groups.set(finding.event.id, [finding]);
  }
  const ordered = [...groups.values()].sort((a, b) => LEVELS[b[0].event.level] - LEVELS[a[0].event.level] || b.length - a.length);
  $('problems').replaceChildren(...(ordered.length ? ordered.map((group) => groupOf(model, group, jump)) : [el('p', { class: 'hint' }, 'No findings.')]));
}

function groupOf(model, group, jump) {
  const { id, level, rfc } = group[0].event;
  const words = model.report.findings[id];
  const list = el('ul', { class: 'cases' });
  const more = el('button', { type: 'button', class: 'more' });
  const show = (most) => {
    const from = list.children.length;
    list.append(...group.slice(from, from + most).map((finding) => caseOf(finding, jump)));
    const left = group.length - list.children.length;
    more.hidden = left === 0;
    more.textContent = `Show ${left <= FINDINGS_MORE ? 'the other' : `${count(FINDINGS_MORE)} of the other`} ${count(left)}`;
  };
  show(FINDINGS_SHOWN);
  more.addEventListener('click', () => show(FINDINGS_MORE));
  return el('section', { class: `problem ${level}` },
    el('h3', {}, el('span', { class: `flag ${level}` }, level), ' ', el('span', { class: 'mono' }, id), el('span', { class: 'soft' }, ` ${rfc ?? ''} · `, el('span', { class: 'fact' }, some(group.length, 'time')))),
    words ? el('p', {}, `${words.meaning[0].toUpperCase()}${words.meaning.slice(1)}. `, el('span', { class: 'soft' }, `${words.advice}${words.advice.endsWith('?') ? '' : '.'}`)) : null, list, more);
}

function caseOf(finding, jump) {
  const { event } = finding;
  const where = event.n ? `frame ${event.conn}.${event.n}` : event.msg ? `connection ${event.conn}, message ${event.msg}` : event.conn ? `connection ${event.conn}` : `packet ${count(event.pkt)}`;
  const link = finding.conn ? el('button', { type: 'button', class: 'link' }, where) : el('span', {}, where);
  if (finding.conn) link.addEventListener('click', () => jump(finding));
  return el('li', {}, el('span', { class: 'time' }, stamp(finding.t)), link, el('bdi', {}, ...shown(event.detail)));
}

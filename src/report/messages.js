/* SPDX-License-Identifier: MIT
 *
 * In: rows of the model. Out: the table of messages, as the browser's own Network › Messages pane
 * has it, and what the filter leaves of it.
 * Refuses a regular expression that is none: the field says so, and nothing is hidden by it.
 */

const PREVIEW = 400; /* characters of a payload in a row: more than any screen is wide */
const AHEAD = 20; /* of them before what was looked for */

/* changed(expression): told when the filter is another. */
function makeMessages(choose, open, changed) {
  const filter = { text: '', found: null, dirs: new Set(), ops: new Set() };
  const list = makeList($('rows'), { height: 28, role: 'row', make: makeRow, fill: (node, row) => fillRow(node, row, filter.found), drawn: lightRows, choose, open, head: $('columns'), focus: $('grid') });
  let rows = [];
  let nothing = ''; /* said where there is no row */
  $('columns').append(...['#', null, 'Type', 'Data', null, 'Length', 'Time'].map((name, i) =>
    el('span', { class: COLUMNS[i], role: 'columnheader' }, name ?? el('span', { class: 'unseen' }, i === 1 ? 'Direction' : 'Notes'))));
  makeFilter(filter, apply);

  function lightRows() {
    lightFound('found-rows', filter.found ? [...$('rows').querySelectorAll('.row:not([hidden]) .data')] : [], filter.found);
  }

  function apply() {
    filter.found = expressionOf(filter.text, $('text'));
    const all = filter.dirs.size === 0 && filter.ops.size === 0 && !filter.found;
    const left = all ? rows : rows.filter((row) => passes(row, filter) && (!filter.found || filter.found.test(searched(row))));
    list.show(left);
    changed(filter.found);
    $('grid').setAttribute('aria-rowcount', left.length + 1);
    $('rows').classList.toggle('empty', left.length === 0);
    $('rows').dataset.empty = rows.length === 0 ? nothing : 'Nothing passes the filter.';
    $('count').textContent = left.length === rows.length ? some(rows.length, 'row') : `${count(left.length)} of ${some(rows.length, 'row')}`;
  }

  return {
    list,
    show(items, several, none) {
      rows = items;
      nothing = none;
      $('grid').classList.toggle('several', several);
      apply();
    },
  };
}

/* -- a row --------------------------------------------------------------------------------- */

const COLUMNS = ['conn', 'dir', 'type', 'data', 'flags', 'length', 'time'];

function makeRow() {
  return el('div', {}, ...COLUMNS.map((name) => el('span', { class: name, role: 'gridcell' })));
}

const SIGNS = { error: 'error', warning: 'warn', note: 'note' };

/* For a phone: opcodes with long names, in the words of the timeline. */
function briefOf(row) {
  if (row.op === 'continuation') return 'cont';
  return row.op?.startsWith('reserved-') ? `op ${row.opcode}` : typeOf(row);
}

function fillRow(node, row, found) {
  const [conn, dir, type, data, flags, length, time] = node.children;
  const level = levelOf(row);
  node.className = `row ${row.c2s ? 'c2s' : 's2c'} ${row.kind === 'message' ? 'message' : 'control'} ${row.kind === 'gap' ? 'gap' : ''} ${level ?? ''}`;
  conn.textContent = row.conn.id;
  dir.textContent = row.c2s ? '↑' : '↓';
  dir.setAttribute('aria-label', row.c2s ? 'client to server' : 'server to client');
  type.textContent = typeOf(row);
  type.dataset.brief = briefOf(row);
  data.className = `data ${row.utf8 || row.close || row.data === undefined || row.app?.packets.length ? '' : 'binary'}`;
  data.replaceChildren(...shown(previewAt(row, found)));
  flags.replaceChildren(...flagsOf(row, level));
  length.textContent = row.kind === 'gap' ? count(row.event.bytes) : count(row.len);
  time.textContent = stamp(row.t);
}

/* What was looked for is in sight: a text in which it comes late is shown from there. */
function previewAt(row, found) {
  const words = row.utf8 && row.data !== undefined ? knownText(row) : '';
  const at = found ? words.search(found) : -1;
  if (at < AHEAD * 2) return preview(row, PREVIEW);
  const from = /[\udc00-\udfff]/.test(words[at - AHEAD]) ? at - AHEAD + 1 : at - AHEAD;
  return `…${clip(words.slice(from, from + PREVIEW + 1), PREVIEW)}`;
}

function flagsOf(row, level) {
  const flags = [];
  if (level) flags.push(el('span', { class: `flag ${level}`, title: flat(row.findings.map((f) => f.event.detail).join('\n')) }, SIGNS[level]));
  if (row.kind === 'message' && !row.certain) flags.push(el('span', { class: 'flag warning', title: 'Bytes are missing; what is shown is right' }, 'uncertain'));
  if (appFails(row.app)) flags.push(el('span', { class: 'flag error', title: `${row.app.protocol} says that something failed` }, 'failed'));
  if (row.kind === 'part') flags.push(el('span', { class: 'flag warning', title: 'Its end is not here' }, 'unfinished'));
  if (isCut(row)) flags.push(el('span', { class: 'flag', title: row.certain === false ? 'A limit leaves some of it out' : `Without its last ${bytes(row.omitted)}` }, 'cut'));
  if (row.compressed) flags.push(el('span', { class: 'flag', title: `${bytes(row.wire)} on the wire` }, 'deflate'));
  if (row.frames > 1) flags.push(el('span', { class: 'flag' }, some(row.frames, 'frame')));
  return flags;
}

/* -- the filter ---------------------------------------------------------------------------- */

const TYPES = ['text', 'binary', 'ping', 'pong', 'close', 'other'];

function typeGroup(row) {
  const type = typeOf(row);
  return TYPES.includes(type) ? type : 'other';
}

function passes(row, filter) {
  if (filter.dirs.size && !filter.dirs.has(row.c2s ? 'c2s' : 's2c')) return false;
  return filter.ops.size === 0 || filter.ops.has(typeGroup(row));
}

/* Words, whatever their case; or /…/ with flags. null: everything matches. */
function expressionOf(text, field) {
  const expression = /^\/(.+)\/([imsu]*)$/s.exec(text);
  field.removeAttribute('aria-invalid');
  field.title = '';
  if (text === '') return null;
  try {
    return expression ? new RegExp(expression[1], expression[2]) : new RegExp(text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'), 'i');
  } catch (error) {
    field.setAttribute('aria-invalid', 'true');
    field.title = error.message;
    return null;
  }
}

/* None pressed: all pass. */
function makeFilter(filter, apply) {
  const toggle = (set, value, label, title) => {
    const button = el('button', { type: 'button', class: `chip ${value}`, 'aria-pressed': 'false', title }, label);
    button.addEventListener('click', () => {
      if (!set.delete(value)) set.add(value);
      button.setAttribute('aria-pressed', set.has(value));
      apply();
    });
    return button;
  };
  let waiting = 0;
  $('dirs').append(toggle(filter.dirs, 'c2s', '↑ sent', 'By the client'), toggle(filter.dirs, 's2c', '↓ received', 'By the client, from the server'));
  $('ops').append(...TYPES.map((type) => toggle(filter.ops, type, type, type === 'other' ? 'Reserved opcodes, gaps, fragments without their message' : '')));
  $('text').addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      filter.text = $('text').value;
      apply();
    }, 80);
  });
  $('filter').addEventListener('submit', (event) => event.preventDefault());
}

/* SPDX-License-Identifier: MIT
 *
 * In: the page about to be printed. Out: a plain version of it for paper: what the filter left, or
 * the ladder if that is in view; the handshake; the findings. On the screen there is never more than what is in view.
 * Refuses to print more than a reader would turn: the number of rows is stated.
 */

const PRINTED = 2000; /* rows */

function makePaper(model, state) {
  const paper = $('paper');
  addEventListener('beforeprint', () => {
    const conns = state.conn ? [state.conn] : [...model.conns.values()];
    paper.replaceChildren(state.view === 'ladder' ? printedLadder(state.ladder.list.items) : printedRows(state.messages.list.items));
    showHandshake(state.conn, conns, () => {});
    showProblems(model, state.conn ? state.conn.findings : model.findings, () => {});
  });
  addEventListener('afterprint', () => paper.replaceChildren());
}

const PRINTED_COLUMNS = [['#', 'num'], [''], ['Type'], ['Data'], ['Length', 'num'], ['Time', 'num']];

function printedRows(rows) {
  const lines = rows.slice(0, PRINTED).map((row) => el('tr', {}, el('td', { class: 'num' }, row.conn.id), el('td', {}, row.c2s ? '↑' : '↓'), el('td', {}, typeOf(row)),
    el('td', { class: 'data' }, ...shown(preview(row, 300))), el('td', { class: 'num' }, count(row.kind === 'gap' ? row.event.bytes : row.len)), el('td', { class: 'num' }, stamp(row.t))));
  return el('section', {}, el('h2', {}, 'Messages'), el('table', {}, el('thead', {}, el('tr', {}, ...PRINTED_COLUMNS.map(([name, kind]) => el('th', { scope: 'col', class: kind }, name)))), el('tbody', {}, ...lines)),
    rows.length > PRINTED ? el('p', { class: 'soft' }, `The first ${count(PRINTED)} of ${some(rows.length, 'row')}; filter before printing to choose others.`) : null);
}

function printedLadder(steps) {
  const rungs = steps.slice(0, PRINTED).map((step) => {
    const node = makeRung();
    fillRung(node, step);
    return node;
  });
  return el('section', {}, el('h2', {}, 'Ladder: client left, server right'), ...rungs,
    steps.length > PRINTED ? el('p', { class: 'soft' }, `The first ${count(PRINTED)} of ${some(steps.length, 'step')}; choose a connection before printing to see others.`) : null);
}

/* SPDX-License-Identifier: MIT
 *
 * In: the data in the page. Out: the page, alive: it alone knows all views, and what is chosen.
 * Refuses a page that was cut: it says that the file is not whole.
 */

/* room: how wide the detail is, in pixels. remembers: a timer. */
const state = { conn: null, item: null, view: 'messages', clock: false, messages: null, ladder: null, remembers: 0, room: 0 };

/* How a time is shown in rows: since the first event, or the time of day. */
const stamp = (t) => (state.clock ? timeOfDay(t) : seconds(t));

function openPage() {
  let elements;
  try {
    elements = JSON.parse($('data').textContent);
  } catch {
    $('title').textContent = 'This report is not whole';
    $('notices').append(el('p', { class: 'notice error', role: 'alert' }, 'Its data end too early: the file was cut, or wstrace is still writing it.'));
    return;
  }
  const model = readModel(elements);
  makeHead(model);
  connect(model);
}

/* -- the head -------------------------------------------------------------------------------- */

function makeHead(model) {
  const { meta, stats } = model;
  const title = (meta.sources ?? []).map((name) => name.replace(/.*\//, '')).join(', ');
  $('title').replaceChildren(...shown(clip(title, 120)));
  $('title').title = flat((meta.sources ?? []).join('\n'));
  document.title = `${flat(clip(title, 80))} – wstrace report`;
  const problems = stats.problems ?? {};
  const whole = (fact) => el('span', { class: 'fact' }, fact); /* no line ends inside */
  const facts = [
    some(stats.connections, 'connection'), stats.refused ? `${count(stats.refused)} refused` : null, some(stats.messages, 'message'), some(stats.frames, 'frame'),
    stats.gaps ? some(stats.gaps, 'gap') : null, model.report.lasts > 0 ? lapse(model.report.lasts) : null, `${some(stats.packets, 'packet')}, ${size(stats.bytes)}`,
    meta.filter ? el('span', {}, `filter: ${flat(meta.filter)}`) : null, epoch.base ? `from ${date(0).replace('T', ' ')}` : null,
  ].filter(Boolean);
  $('summary').append(...facts.flatMap((fact, i) => [i ? ' · ' : '', typeof fact === 'string' ? whole(fact) : fact]));
  for (const level of ['error', 'warning']) {
    if (problems[level]) $('summary').append(' · ', el('span', { class: `fact ${level}` }, some(problems[level], level)));
  }
  for (const words of noticesOf(model)) $('notices').append(el('p', { class: 'notice' }, words));
  document.querySelector('.traffic').hidden = model.rows.length === 0;
}

/* What the page does not hold. */
function noticesOf({ report, rows, stats, conns }) {
  const left = Object.entries(report.left_out).map(([type, n]) => some(n, type, type === 'gap' ? 'gaps' : `${type}${/s$|sh$/.test(type) ? 'es' : 's'}`));
  const cut = rows.some(isCut);
  return [
    conns.size === 0 ? `No WebSocket connections in what was read. ${othersOf(stats)}` : null,
    left.length ? `This page is full at ${size(report.max_page)}: from packet ${count(report.left_from)} on, ${left.join(', ')} are left out. Choose fewer with a filter or --conn, or allow more with --max-page.` : null,
    report.short_from ? `From packet ${count(report.short_from)} on, payloads are cut at ${bytes(report.preview)}, to leave room for what follows.` : null,
    cut && !report.short_from ? `Payloads are shown up to ${size(report.max_payload)}; rows say so where one is cut. --max-payload keeps more.` : null,
  ].filter(Boolean);
}

/* What else there was, for who expected something. */
function othersOf({ tcp_streams: all, quic, tls, http, other }) {
  const kinds = [tls ? `${count(tls)} like TLS, whose contents are not open` : null, http ? `${count(http)} plain HTTP` : null, other ? `${count(other)} something else` : null].filter(Boolean);
  const tcp = `${some(all, 'TCP connection')}${kinds.length ? `: ${kinds.join(', ')}` : ''}`;
  return `${tcp}${quic ? `; ${some(quic, 'QUIC connection')} that nothing here opens` : ''}.`;
}

/* -- what is chosen -------------------------------------------------------------------------- */

function connect(model) {
  const conns = [...model.conns.values()];
  const opened = (item) => choose(item, true);
  const detail = makeDetail(closeDetail, () => openView('handshake'));
  const messages = makeMessages(choose, opened, (found) => detail.lightAll(found));
  const ladder = makeLadder(choose, opened);
  const chart = makeChart(model, (item) => choose(item));
  const connections = makeConnections(model, chooseConn);
  state.messages = messages;
  state.ladder = ladder;

  function chooseConn(conn) {
    state.conn = conn;
    const findings = conn ? conn.findings : model.findings;
    connections.mark(conn);
    messages.show(conn ? conn.rows : model.rows, !conn && conns.length > 1, noneOf(conn ?? (conns.length === 1 ? conns[0] : null)));
    chart.show(conn ? conn.rows : model.rows, conn ? conn.first : 0);
    ladder.show(conn ? [conn] : conns, conn ?? (conns.length === 1 ? conns[0] : null));
    showHandshake(conn ?? (conns.length === 1 ? conns[0] : null), conns, chooseConn);
    showProblems(model, findings, jump);
    $('tab-problems').replaceChildren('Problems', ...(findings.length ? [' ', el('span', { class: 'badge' }, count(findings.length))] : []));
    remember();
  }

  function choose(item, focus = false) {
    if (item.kind === 'title') {
      chooseConn(item.conn);
      return;
    }
    if (item.kind === 'pause') return;
    state.item = item;
    document.body.classList.add('chosen');
    state.room = $('detail').clientWidth;
    messages.list.seek(rowOf(item));
    if (state.view === 'ladder') ladder.list.seek(item.kind === 'message' || item.kind === 'part' ? item.parts.at(-1) : item);
    detail.show(item.kind === 'request' ? { ...item.of, kind: 'handshake' } : item);
    chart.mark(item);
    if (focus) $('detail').focus();
    remember();
  }

  function closeDetail() {
    state.item = null;
    document.body.classList.remove('chosen');
    detail.empty();
    chart.mark(null);
    (state.view === 'ladder' ? ladder : messages).list.focus();
    remember();
  }

  /* To what a finding is about. */
  function jump(finding) {
    if (state.conn && state.conn !== finding.conn) chooseConn(finding.conn);
    if (!finding.on) return;
    openView(['frame', 'message', 'part'].includes(finding.on.kind) ? 'messages' : 'ladder');
    choose(finding.on);
  }

  makeViews((view) => {
    messages.list.redraw();
    ladder.list.redraw();
    if (state.item && view === 'ladder') choose(state.item);
  });
  makeClock(() => {
    messages.list.show(messages.list.items);
    ladder.list.show(ladder.list.items);
    showProblems(model, state.conn ? state.conn.findings : model.findings, jump);
  });
  makeTheme();
  document.body.classList.toggle('single', conns.length <= 1);
  makePaper(model, state);
  makeKeys(closeDetail);
  chooseConn(conns.length === 1 ? conns[0] : null);
  recall(model, chooseConn, choose);
}

/* -- the address: #3 is a connection, #3.7 its frame, as the other outputs name them ----------- */

/* Not for each row that an arrow key held down passes: browsers allow some hundred addresses in half a
 * minute. */
function remember() {
  clearTimeout(state.remembers);
  state.remembers = setTimeout(writeAddress, 300);
}

function writeAddress() {
  const frame = state.item?.parts?.[0] ?? state.item;
  const words = frame?.n ? `${frame.conn.id}.${frame.n}` : state.conn ? String(state.conn.id) : '';
  try {
    history.replaceState(null, '', words ? `#${words}` : location.pathname);
  } catch { /* a browser that allows no history in a local file */ }
}

function recall(model, chooseConn, choose) {
  const found = /^#(\d+)(?:\.(\d+))?$/.exec(state.asked);
  const conn = found && model.conns.get(Number(found[1]));
  if (!conn) return;
  chooseConn(conn);
  const frame = found[2] && conn.frames.get(Number(found[2]));
  if (frame) choose(frame);
}

/* -- views, clock, theme ------------------------------------------------------------------------ */

const VIEWS = ['messages', 'ladder', 'handshake', 'problems'];

function openView(view) {
  state.view = view;
  for (const name of VIEWS) {
    $(name).hidden = name !== view;
    $(`tab-${name}`).setAttribute('aria-selected', name === view);
    $(`tab-${name}`).tabIndex = name === view ? 0 : -1;
  }
  document.body.dataset.view = view;
  state.opened?.(view);
}

function makeViews(opened) {
  state.opened = opened;
  VIEWS.forEach((view, i) => {
    $(`tab-${view}`).addEventListener('click', () => openView(view));
    $(`tab-${view}`).addEventListener('keydown', (event) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (!step) return;
      const next = VIEWS[(i + step + VIEWS.length) % VIEWS.length];
      openView(next);
      $(`tab-${next}`).focus();
    });
  });
  openView('messages');
}

function makeClock(changed) {
  $('clock').addEventListener('click', () => {
    state.clock = !state.clock;
    $('clock').textContent = `Time: ${state.clock ? 'UTC' : 'from start'}`;
    changed();
  });
}

/* Keys that work everywhere; those of lists and of the dump are theirs. */
function makeKeys(closeDetail) {
  const help = $('help');
  $('keys').addEventListener('click', () => help.showModal());
  $('help-close').addEventListener('click', () => help.close());
  addEventListener('keydown', (event) => {
    const writing = event.target.matches('input, select');
    if (help.open || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === 'Escape' && state.item) closeDetail();
    else if (event.key === '?' && !writing) help.showModal();
    else if (event.key === '/' && !writing) {
      event.preventDefault();
      openView('messages');
      $('text').select();
    }
  });
}

/* As the system says, or as the reader does; kept where the browser lets a file keep something. */
function makeTheme() {
  const themes = ['system', 'light', 'dark'];
  let theme = 'system';
  const apply = () => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    $('theme').textContent = `Theme: ${theme}`;
  };
  try {
    theme = themes.includes(localStorage.getItem('wstrace-theme')) ? localStorage.getItem('wstrace-theme') : theme;
  } catch { /* not kept, then */ }
  $('theme').addEventListener('click', () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try {
      localStorage.setItem('wstrace-theme', theme);
    } catch { /* not kept, then */ }
    apply();
  });
  apply();
}

state.asked = location.hash;
openPage();

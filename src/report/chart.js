/* SPDX-License-Identifier: MIT
 *
 * In: rows of the model. Out: traffic over time as bars: what the client sent upwards, what the
 * server sent downwards. Pointing tells the numbers of a bar, choosing it goes to its first row.
 * Refuses nothing; bytes are those on the wire.
 */

const SVG = 'http://www.w3.org/2000/svg';
const CHART_HIGH = 84;
const MIDDLE = 34; /* where both directions meet; below the bars stand the times */
const BAR_HIGH = 31;

function svg(name, attributes, ...children) {
  const node = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function makeChart(model, go) {
  const box = $('chart');
  let rows = [];
  let start = 0; /* where the time axis begins */
  let bars = [];
  let scale = { from: 0, step: 1 };
  let at = -1;
  let marked = null;

  function draw() {
    const width = Math.max(280, box.clientWidth);
    const buckets = Math.floor(width / 5);
    const to = Math.max(rows.at(-1)?.t ?? 1, start + 1);
    scale = { from: Math.min(start, rows[0]?.t ?? start), step: 1, width };
    scale.step = (to - scale.from) / buckets || 1;
    bars = Array.from({ length: buckets }, () => ({ up: 0, down: 0, n: 0, first: null }));
    for (const row of rows) {
      const bar = bars[Math.min(buckets - 1, Math.max(0, Math.floor((row.t - scale.from) / scale.step)))];
      bar[row.c2s ? 'up' : 'down'] += wireBytes(row);
      bar.n++;
      bar.first ??= row;
    }
    at = -1;
    box.replaceChildren(picture(width, buckets));
    mark(marked);
  }

  function picture(width, buckets) {
    const most = Math.max(1, ...bars.map((bar) => Math.max(bar.up, bar.down)));
    const wide = width / buckets;
    const high = (n) => (n === 0 ? 0 : Math.max(1.5, (BAR_HIGH * n) / most));
    const image = svg('svg', { viewBox: `0 0 ${width} ${CHART_HIGH}`, width, height: CHART_HIGH, class: 'chart', tabindex: '0', role: 'slider', 'aria-label': 'Traffic over time', 'aria-valuemin': '0', 'aria-valuemax': String(buckets - 1), 'aria-valuenow': '0', 'aria-valuetext': summary() });
    bars.forEach((bar, i) => {
      const x = (i * wide + 0.5).toFixed(1);
      const w = (wide - 1).toFixed(1);
      if (bar.up) image.append(svg('rect', { class: 'up', x, width: w, y: (MIDDLE - high(bar.up)).toFixed(1), height: high(bar.up).toFixed(1) }));
      if (bar.down) image.append(svg('rect', { class: 'down', x, width: w, y: MIDDLE + 1, height: high(bar.down).toFixed(1) }));
    });
    image.append(svg('line', { class: 'axis', x1: 0, x2: width, y1: MIDDLE + 0.5, y2: MIDDLE + 0.5 }), ...(rows.length ? ticks(width) : []), svg('rect', { class: 'here', y: 0, height: MIDDLE + BAR_HIGH + 2, width: wide.toFixed(1), x: -99 }), svg('line', { class: 'chosen', y1: 0, y2: MIDDLE + BAR_HIGH + 2, x1: -99, x2: -99 }));
    return image;
  }

  const summary = () => rows.length === 0 ? 'No rows' : `${some(rows.length, 'row')} in ${lapse(scale.step * bars.length, 1)}; a bar is ${lapse(scale.step, 1)}, the highest ${size(Math.max(0, ...bars.map((bar) => Math.max(bar.up, bar.down))))}`;

  /* Round times, about one every 140 pixels. */
  function ticks(width) {
    const span = scale.step * bars.length;
    const rough = span / Math.max(2, width / 140);
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= rough);
    const digits = Math.max(0, Math.min(9, Math.ceil(-Math.log10(step / 1e9))));
    const marks = [];
    for (let t = Math.ceil(scale.from / step) * step; t <= scale.from + span; t += step) {
      const x = ((t - scale.from) / span) * width;
      const anchor = x < 30 ? 'start' : x > width - 40 ? 'end' : 'middle';
      marks.push(svg('line', { class: 'tick', x1: x.toFixed(1), x2: x.toFixed(1), y1: CHART_HIGH - 17, y2: CHART_HIGH - 13 }),
        svg('text', { x: x.toFixed(1), y: CHART_HIGH - 2, 'text-anchor': anchor }, `${seconds(Math.round(t), digits)} s`));
    }
    return marks;
  }

  function point(index) {
    const image = box.firstChild;
    at = Math.max(0, Math.min(bars.length - 1, index));
    const bar = bars[at];
    const begins = scale.from + at * scale.step;
    const words = `${seconds(begins, 3)} s, ${lapse(scale.step, 1)} long: ↑ ${size(bar.up)}, ↓ ${size(bar.down)}, ${some(bar.n, 'row')}`;
    image.querySelector('.here').setAttribute('x', ((at * scale.width) / bars.length).toFixed(1));
    image.setAttribute('aria-valuenow', at);
    image.setAttribute('aria-valuetext', words);
    $('reading').textContent = words;
  }

  function rest() {
    box.firstChild.querySelector('.here').setAttribute('x', -99);
    $('reading').textContent = `↑ client, ↓ server · ${summary()}`;
  }

  function mark(item) {
    marked = item;
    const x = item ? ((item.t - scale.from) / (scale.step * bars.length)) * scale.width : -99;
    for (const name of ['x1', 'x2']) box.firstChild.querySelector('.chosen').setAttribute(name, x.toFixed(1));
  }

  const under = (event) => Math.floor(((event.clientX - box.getBoundingClientRect().left) / box.clientWidth) * bars.length);
  const open = () => bars[at]?.first && go(bars[at].first);
  box.addEventListener('pointermove', (event) => point(under(event)));
  box.addEventListener('pointerleave', rest);
  box.addEventListener('click', (event) => {
    point(under(event));
    open();
  });
  box.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1, Home: -Infinity, End: Infinity }[event.key];
    if (step) point(Number.isFinite(step) ? at + step : step < 0 ? 0 : bars.length - 1);
    else if (event.key === 'Enter') open();
    else return;
    event.preventDefault();
  });
  let asked = 0;
  new ResizeObserver(() => {
    cancelAnimationFrame(asked);
    asked = requestAnimationFrame(() => box.firstChild?.getAttribute('width') !== String(Math.max(280, box.clientWidth)) && draw());
  }).observe(box);

  return {
    mark,
    show(items, from) {
      rows = items;
      start = from;
      draw();
      rest();
    },
  };
}

function wireBytes(row) {
  if (row.kind === 'gap') return 0;
  return Number(row.wire ?? row.len) || 0;
}

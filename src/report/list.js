/* SPDX-License-Identifier: MIT
 *
 * In: any number of items, all equally high. Out: a list that scrolls, of which only what is seen
 * exists: the rows in view, and a few more on both sides.
 * Refuses to move the focus around: the list has it, and tells with aria-activedescendant which row
 * is meant.
 */

const MOST_HIGH = 8e6; /* pixels; beyond 16 million browsers place elements wrongly */
const SPARE = 6; /* rows above and below the view */

/* how: { height, role, make(): node, fill(node, item), choose(item), open(item), drawn(), head, focus }.
 * head: what stands above the rows, told in --gutter how much of the box its scroll bar takes.
 * focus: who has the focus, if not the box itself (a grid has it, not its group of rows). */
function makeList(box, how) {
  const holder = how.focus ?? box;
  const space = el('div', { class: 'space', role: 'presentation' });
  const list = { items: [], at: -1, show, moveTo, redraw, seek, focus: () => holder.focus() };
  const pool = [];
  let asked = false;
  box.append(space);

  const tall = () => list.items.length * how.height;
  const high = () => Math.min(tall(), MOST_HIGH);

  /* The first row in view, and where it lies. Beyond MOST_HIGH the scroll bar's way stands for all
   * rows, and rows are placed from the view's top. */
  function seen() {
    const scrolled = box.scrollTop;
    if (tall() <= MOST_HIGH) return { first: Math.floor(scrolled / how.height), y: (i) => i * how.height };
    const way = Math.max(1, high() - box.clientHeight);
    const first = Math.floor((scrolled / way) * (list.items.length - Math.floor(box.clientHeight / how.height)));
    return { first, y: (i) => scrolled + (i - first) * how.height };
  }

  function draw() {
    asked = false;
    const { first, y } = seen();
    const from = Math.max(0, first - SPARE);
    const to = Math.min(list.items.length, first + Math.ceil(box.clientHeight / how.height) + SPARE);
    while (pool.length < to - from) {
      const node = how.make();
      node.classList.add('row');
      node.setAttribute('role', how.role);
      pool.push({ node, item: null });
      space.append(node);
    }
    /* Item i always uses the same node as long as the pool does not grow: scrolling by a row fills one. */
    for (let i = from; i < to; i++) put(pool[i % pool.length], i, y(i));
    for (const slot of pool) slot.node.hidden = slot.index === undefined || slot.index < from || slot.index >= to;
    how.head?.style.setProperty('--gutter', `${box.offsetWidth - box.clientWidth}px`);
    how.drawn?.();
  }

  function put(slot, index, y) {
    const item = list.items[index];
    slot.node.style.transform = `translateY(${y}px)`;
    if (slot.item !== item || slot.index !== index) {
      slot.item = item;
      slot.index = index;
      slot.node.id = `${box.id}-${index}`;
      if (how.role === 'row') slot.node.setAttribute('aria-rowindex', index + 2); /* 1: the head */
      else slot.node.setAttribute('aria-posinset', index + 1);
      if (how.role !== 'row') slot.node.setAttribute('aria-setsize', list.items.length);
      how.fill(slot.node, item);
    }
    slot.node.setAttribute('aria-selected', index === list.at);
  }

  function redraw() {
    if (!asked) requestAnimationFrame(draw);
    asked = true;
  }

  function show(items) {
    const kept = list.items[list.at];
    list.items = items;
    list.at = kept ? items.indexOf(kept) : -1;
    space.style.height = `${high()}px`;
    for (const slot of pool) slot.item = null;
    mark();
    draw();
  }

  function mark() {
    if (list.at < 0) holder.removeAttribute('aria-activedescendant');
    else holder.setAttribute('aria-activedescendant', `${box.id}-${list.at}`);
  }

  /* Brings row `index` into view: with `middle`, to the middle of it. */
  function reveal(index, middle) {
    const view = box.clientHeight;
    if (tall() > MOST_HIGH) {
      const { first } = seen();
      const fit = Math.floor(view / how.height);
      if (index >= first && index < first + fit - 1) return;
      box.scrollTop = ((index - fit / 2) / Math.max(1, list.items.length - fit)) * (high() - view);
      return;
    }
    const top = index * how.height;
    if (middle && (top < box.scrollTop || top + how.height > box.scrollTop + view)) box.scrollTop = top - view / 2;
    else if (top < box.scrollTop) box.scrollTop = top;
    else if (top + how.height > box.scrollTop + view) box.scrollTop = top + how.height - view;
  }

  function moveTo(index, middle = false) {
    if (list.items.length === 0) return;
    list.at = Math.max(0, Math.min(list.items.length - 1, index));
    reveal(list.at, middle);
    draw();
    mark();
  }

  /* Shows where `item` is, without choosing it again. */
  function seek(item) {
    const index = list.items.indexOf(item);
    if (index >= 0 && index !== list.at) moveTo(index, true);
    else if (index < 0) {
      list.at = -1;
      mark();
      draw();
    }
  }

  function go(index) {
    if (list.items.length === 0) return;
    moveTo(index);
    how.choose(list.items[list.at]);
  }

  const page = () => Math.max(1, Math.floor(box.clientHeight / how.height) - 1);
  const KEYS = {
    ArrowDown: () => go(list.at + 1),
    ArrowUp: () => go(Math.max(0, list.at - 1)),
    PageDown: () => go(list.at + page()),
    PageUp: () => go(Math.max(0, list.at - page())),
    Home: () => go(0),
    End: () => go(list.items.length - 1),
    Enter: () => list.at >= 0 && how.open?.(list.items[list.at]),
  };
  holder.addEventListener('keydown', (event) => {
    const act = event.altKey || event.ctrlKey || event.metaKey ? null : KEYS[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  box.addEventListener('scroll', redraw, { passive: true });
  box.addEventListener('click', (event) => {
    const node = event.target.closest('.row');
    const slot = pool.find((one) => one.node === node);
    if (slot) go(slot.index);
  });
  new ResizeObserver(redraw).observe(box);
  return list;
}

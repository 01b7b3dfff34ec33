/* SPDX-License-Identifier: MIT
 *
 * In: what the filter looks for, and pieces of the page that show text. Out: every place of it lit,
 * without a change to the page: ranges over its text nodes.
 * Refuses nothing: a browser without highlights of its own shows none.
 */

const LIT_MOST = 1000; /* places in one piece */

/* name: each piece of the page has a highlight of its own, ::highlight(name). expression: null for
 * none. */
function lightFound(name, boxes, expression) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.delete(name);
  if (!expression) return;
  const ranges = boxes.flatMap((box) => rangesOf(box, expression));
  if (ranges.length > 0) CSS.highlights.set(name, new Highlight(...ranges));
}

/* Text nodes of a box as one string; a place in it is a place in one of them. */
function rangesOf(box, expression) {
  const nodes = [];
  const walker = document.createTreeWalker(box, NodeFilter.SHOW_TEXT);
  let text = '';
  while (walker.nextNode()) {
    nodes.push({ node: walker.currentNode, from: text.length });
    text += walker.currentNode.data;
  }
  const ranges = [];
  let i = 0;
  const put = (range, side, at) => {
    while (i + 1 < nodes.length && nodes[i + 1].from < at + (side === 'setStart' ? 1 : 0)) i++;
    range[side](nodes[i].node, at - nodes[i].from);
  };
  for (const found of text.matchAll(new RegExp(expression.source, `g${expression.flags.replace('g', '')}`))) {
    if (found[0] === '') continue;
    const range = new Range();
    put(range, 'setStart', found.index);
    put(range, 'setEnd', found.index + found[0].length);
    if (ranges.push(range) === LIT_MOST) break;
  }
  return ranges;
}

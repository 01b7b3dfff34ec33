/* SPDX-License-Identifier: MIT
 *
 * In: numbers, times, a stranger's text. Out: words, and nodes to put into the page.
 * Refuses markup: text becomes text nodes, never HTML, and what would be hidden or turn its
 * neighbours around is spelled out. (The page's policy forbids innerHTML as well.)
 */

const $ = (id) => document.getElementById(id);

/* An element. Attributes by name; null, undefined and false are left out. Children: nodes, strings. */
function el(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (key === 'class') node.className = value;
    else node.setAttribute(key, value === true ? '' : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/* -- numbers ------------------------------------------------------------------------------- */

const grouped = new Intl.NumberFormat('en');

/* Numbers that a double cannot hold come as strings of digits. */
const count = (n) => grouped.format(typeof n === 'string' ? BigInt(n) : n);
/* Of an upgrade that no WebSocket came of: a 101 refuses nothing. */
const refusal = (status) => (status === 101 ? 'not followed' : 'refused');
const some = (n, one, many = `${one}s`) => `${count(n)} ${Number(n) === 1 ? one : many}`;
const bytes = (n) => some(n, 'byte');
const hex = (value, digits = 2) => value.toString(16).padStart(digits, '0');

function size(n) {
  const units = ['bytes', 'KiB', 'MiB', 'GiB'];
  let unit = 0;
  let value = Number(n);
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return unit === 0 ? bytes(n) : `${value.toFixed(value < 10 ? 1 : 0)} ${units[unit]}`;
}

/* -- times --------------------------------------------------------------------------------- */

/* What `t` counts from, and in how many digits a time is told. Set once, by the model. */
const epoch = { base: 0n, digits: 6 };

/* Cut, never rounded: a time must not be later than it was. */
function seconds(ns, digits = epoch.digits) {
  const n = Math.abs(ns);
  const fraction = String(Math.floor(n % 1e9)).padStart(9, '0').slice(0, digits);
  return `${ns < 0 ? '-' : ''}${Math.floor(n / 1e9)}${digits ? '.' : ''}${fraction}`;
}

function date(t) {
  const ns = epoch.base + BigInt(Math.round(t));
  const whole = ns >= 0n ? ns / 1000000000n : (ns - 999999999n) / 1000000000n;
  const fraction = String(ns - whole * 1000000000n).padStart(9, '0').slice(0, epoch.digits);
  return `${new Date(Number(whole) * 1000).toISOString().slice(0, 19)}.${fraction}Z`;
}
const timeOfDay = (t) => date(t).slice(11, -1);

/* A length of time in the words of the text timeline, cut as there: 12.345 s, 4.567 ms, 780 µs. `digits`: of what was not
 * measured fewer are enough. */
function lapse(ns, digits = 3) {
  const n = Math.round(ns); /* from the seconds of JSON */
  const cut = (unit) => {
    const power = 10 ** digits;
    return (Math.floor(n / (unit / power)) / power).toFixed(digits);
  };
  if (n < 1e6) return `${Math.floor(n / 1e3)} µs`;
  if (n < 1e9) return `${cut(1e6)} ms`;
  const s = Math.floor(n / 1e9);
  if (s < 60) return `${cut(1e9)} s`;
  return s < 3600 ? `${Math.floor(s / 60)} min ${s % 60} s` : `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}

/* -- a stranger's text --------------------------------------------------------------------- */

/* As in the other outputs: control characters, overrides and isolates, what takes no room. Not the
 * joiners U+200C and U+200D: Persian, Indic scripts and emoji are spelled with them. */
const HIDDEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e007f}\ud800-\udfff]/gu;
const SHORT = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\b': '\\b', '\f': '\\f' };

function spelled(character) {
  const code = character.codePointAt(0);
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex(code)}` : `\\u{${hex(code, 4)}}`);
}

/* Nodes: plain text, and what is hidden in it spelled out in a style of its own. `lines`: line
 * breaks and tabs stay what they are. */
function shown(text, lines = false) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(HIDDEN)) {
    if (lines && (found[0] === '\n' || found[0] === '\t')) continue;
    if (found.index > from) nodes.push(text.slice(from, found.index));
    nodes.push(el('span', { class: 'spelled' }, spelled(found[0])));
    from = found.index + found[0].length;
  }
  if (from < text.length) nodes.push(text.slice(from));
  return nodes;
}

/* The same as one string, for attributes and for a screen reader. */
const flat = (text) => text.replace(HIDDEN, spelled);

/* The first characters of a text, never half of one. */
function clip(text, most) {
  if (text.length <= most) return text;
  const half = /[\ud800-\udbff]/.test(text[most - 1]);
  return `${text.slice(0, half ? most - 1 : most)}…`;
}

/* Says it to who listens instead of looking. */
function say(text) {
  $('says').textContent = text;
}

/* SPDX-License-Identifier: MIT
 *
 * In: what a message says in its application's protocol, docs/APPS.md. Out: a section for the one
 * selected, a line for the table.
 */

const valueWords = (value) => {
  if (value === true) return 'yes';
  if (value === false) return 'no';
  if (value !== null && typeof value === 'object') return hexWords(value.b64);
  return String(value);
};

const hexWords = (base64) => Array.from(fromBase64(base64), (c) => hex(c)).join(' ');

/* "PUBLISH topic a/b qos 1 “21.5”": as the text of `wstrace` has it. */
function appWords(app) {
  return app.packets.map((packet) => {
    const fields = Object.entries(packet.fields).map(([name, value]) => (value === true ? name : `${name} ${valueWords(value)}`));
    const body = packet.text !== undefined ? `“${packet.text}”` : packet.b64 !== undefined ? hexWords(packet.b64) : '';
    return [packet.name, ...fields, body].filter(Boolean).join(' ');
  }).join('; ');
}

const appFails = (app) => app?.packets.some((packet) => packet.error) ?? false;

function appSection(app) {
  const section = el('section', { class: 'app' }, el('h3', {}, app.protocol));
  for (const packet of app.packets) section.append(packetOf(packet));
  if (app.omitted) section.append(el('p', { class: 'soft' }, `and ${some(app.omitted, 'packet')} more`));
  if (app.unfinished) section.append(el('p', { class: 'soft' }, 'It goes on in the next message.'));
  if (app.strange) section.append(el('p', { class: 'soft' }, 'Something in it is not of the protocol.'));
  return section;
}

function packetOf(packet) {
  const facts = el('dl', { class: 'facts' });
  const add = (name, ...value) => facts.append(el('dt', {}, name), el('dd', {}, ...value));
  for (const [name, value] of Object.entries(packet.fields)) add(name, el('bdi', {}, ...shown(valueWords(value))));
  if (packet.first_msg) add('begun', `in message ${packet.first_msg}`);
  if (packet.answers) add('answers', `message ${packet.answers}, after ${lapse(packet.after * 1e9)}`);
  if (packet.text !== undefined) add('carries', el('bdi', {}, ...shown(packet.text)));
  if (packet.b64 !== undefined) add('carries', hexWords(packet.b64));
  if (packet.omitted) add('shown', `not ${bytes(packet.omitted)} of what it carries`);
  return el('div', { class: packet.error ? 'packet error' : 'packet' }, el('h4', {}, packet.name), facts);
}

'use strict';
// WebSockets over HTTP/3 between quinn and quinn (h3/deno_peer.mjs), and all that RFC 9114 lets one do besides.
// needs: npm deno (DENO names its program), the certificates of h3/certs.sh; and h3/net.sh, but for 07_h3_gso_*.
// usage: node 07_h3_deno.js [PART OF A NAME]
const { record } = require('./lib/h3');
const { makeStack, kinds } = require('./lib/h3_peer');
const S = require('./lib/h3_scenarios');
const stack = makeStack({
  name: 'quinn',
  made: 'quinn (deno, HTTP/3 by hand), npm ws on the stream',
  server: kinds.deno,
  client: kinds.deno,
});
const odd = { clientOptions: { odd: 1 }, serverOptions: { odd: 1 } };

const RECORDINGS = [
  { name: '07_h3_quinn', port: 24301, ...S.many },
  {
    name: '07_h3_grease',
    port: 24302,
    ...odd,
    ...S.dialogue(
      'reserved frames, settings and unidirectional streams, DATA frames of no byte, 103 before 200, trailers',
      2,
    ),
  },
  {
    name: '07_h3_grease_split',
    port: 24303,
    clientOptions: { odd: 1, data: 3 },
    serverOptions: { odd: 1, data: 50 },
    ...S.dialogue('the same, DATA frames of at most 3 bytes (client) and 50 (server)'),
  },
  {
    name: '07_h3_long_integers',
    port: 24304,
    clientOptions: { long: 8 },
    serverOptions: { long: 4 },
    ...S.dialogue('types and lengths of HTTP/3 frames in 8 bytes (client) and 4 (server)'),
  },
  {
    name: '07_h3_gso_quinn',
    port: 24306,
    ...S.sizes([125, 5000, 20000], '; datagrams in batches (UDP_SEGMENT), seen whole on loopback'),
  },
  {
    name: '07_h3_gso_grease',
    port: 24307,
    ...odd,
    ...S.dialogue('datagrams in batches (UDP_SEGMENT); reserved frames, settings and streams', 2),
  },
  { name: '07_h3_quinn_sizes', port: 24305, ...S.sizes([0, 125, 126, 65535, 65536]) },
  { name: '07_h3_same_port', port: 24308, clientOptions: { shared: 1 }, ...S.samePort },
  {
    name: '07_h3_endless_data',
    port: 24309,
    clientOptions: { endless: 2 ** 30 },
    serverOptions: { endless: 2 ** 40 },
    ...S.endless,
  },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record({ stack, ...recording, script: '07_h3_deno.js' });
  process.exit();
})();

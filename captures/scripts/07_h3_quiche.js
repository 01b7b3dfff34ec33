'use strict';
// WebSockets over HTTP/3 between quiche and quiche, and between quiche and ngtcp2.
// needs: node 24 or later, npm @currentspace/http3, h3/build.sh.
// usage: node 07_h3_quiche.js [PART OF A NAME]
const L = require('./lib/lab');
const { record } = require('./lib/h3');
const S = require('./lib/h3_scenarios');
const { makeStack, kinds } = require('./lib/h3_peer');
const quiche = require('./lib/h3_quiche');
const ngtcp2 = makeStack({ name: 'ngtcp2', server: kinds.ngtcp2, client: kinds.ngtcp2 });
const client = { ...ngtcp2, made: 'quiche client and ngtcp2 server, npm ws on the stream', connect: quiche.connect };
const server = { ...quiche, made: 'ngtcp2 client and quiche server, npm ws on the stream', connect: ngtcp2.connect };

const RECORDINGS = [
  { name: '07_h3_basic', port: 24001, ...S.basic },
  { name: '07_h3_quiche_many', port: 24002, ...S.many },
  { name: '07_h3_quiche_retry', port: 24003, quicServer: { disableRetry: false }, ...S.dialogue('Retry') },
  { name: '07_h3_quiche_refused', port: 24004, ...S.refused },
  { name: '07_h3_quiche_sizes', port: 24005, ...S.sizes([0, 125, 126, 65535, 65536]) },
  { name: '07_h3_quiche_connections', port: 24006, ...S.severalConnections(3) },
  {
    name: '07_h3_quiche_qpack',
    port: 24007,
    quicServer: { qpackMaxTableCapacity: 4096, qpackBlockedStreams: 10 },
    ...S.qpack('quiche: static table and Huffman'),
  },
  { name: '07_h3_quiche_ngtcp2', port: 24008, stack: client, ...S.many },
  { name: '07_h3_ngtcp2_quiche', port: 24009, stack: server, ...S.many },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record({ stack: quiche, ...recording, script: '07_h3_quiche.js' });
  process.exit();
})();

'use strict';
// WebSockets over HTTP/3 between quic-go and quic-go, and between quic-go and ngtcp2 (h3/quicgo_peer.go and
// h3/ngtcp2_peer.c; h3/build.sh builds them). usage: node 07_h3_quicgo.js [PART OF A NAME]
const { record } = require('./lib/h3');
const { makeStack, kinds } = require('./lib/h3_peer');
const S = require('./lib/h3_scenarios');
const both = makeStack({
  name: 'quic-go',
  made: 'quic-go (HTTP/3 frames by hand), npm ws on the stream',
  server: kinds.quicgo,
  client: kinds.quicgo,
});
const client = makeStack({
  name: 'ngtcp2',
  made: 'quic-go client and ngtcp2 server, npm ws on the stream',
  server: kinds.ngtcp2,
  client: kinds.quicgo,
});
const server = makeStack({
  name: 'quic-go',
  made: 'ngtcp2 client and quic-go server, npm ws on the stream',
  server: kinds.quicgo,
  client: kinds.ngtcp2,
});

const RECORDINGS = [
  { name: '07_h3_quicgo', port: 24501, stack: both, ...S.many },
  {
    name: '07_h3_quicgo_retry',
    port: 24502,
    stack: both,
    serverOptions: { retry: 1 },
    ...S.dialogue('Retry, Initial tokens'),
  },
  { name: '07_h3_quicgo_early', port: 24503, stack: both, ...S.early },
  { name: '07_h3_quicgo_ends', port: 24504, stack: both, ...S.ends },
  { name: '07_h3_quicgo_ngtcp2', port: 24505, stack: client, ...S.many },
  { name: '07_h3_ngtcp2_quicgo', port: 24506, stack: server, ...S.many },
  {
    name: '07_h3_quicgo_loss',
    port: 24507,
    stack: both,
    relay: { loss: 0.03, reorder: 0.03, seed: 21 },
    ...S.stream('3 % lost, 3 % late'),
  },
  {
    name: '07_h3_quicgo_cid_0',
    port: 24508,
    stack: both,
    serverOptions: { cid: 0 },
    ...S.severalConnections(1, '; quic-go, connection IDs as it likes them'),
  },
  { name: '07_h3_quicgo_sizes', port: 24509, stack: both, ...S.sizes([0, 125, 126, 65535, 65536]) },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record({ ...recording, script: '07_h3_quicgo.js' });
  process.exit();
})();

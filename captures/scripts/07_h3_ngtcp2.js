'use strict';
// WebSockets over HTTP/3 between ngtcp2 and ngtcp2 (h3/ngtcp2_peer.c; h3/build.sh builds it).
// usage: node 07_h3_ngtcp2.js [PART OF A NAME]
const path = require('path');
const L = require('./lib/lab');
const { record } = require('./lib/h3');
const { makeStack, kinds } = require('./lib/h3_peer');
const S = require('./lib/h3_scenarios');
const stack = makeStack({
  name: 'ngtcp2',
  made: 'ngtcp2 and nghttp3 (own peers), npm ws on the stream',
  server: kinds.ngtcp2,
  client: kinds.ngtcp2,
});

const V2_DRAFT = 0x709a50c4,
  V2 = 0x6b3343cf;
const v2 = { env: { LD_LIBRARY_PATH: path.join(L.ROOT, 'h3') } }; // h3/patch_v2.py made it
const RECORDINGS = [
  { name: '07_h3_basic_ngtcp2', port: 24101, ...S.basic },
  { name: '07_h3_many', port: 24102, ...S.many },
  { name: '07_h3_refused', port: 24103, ...S.refused },
  { name: '07_h3_ends', port: 24104, ...S.ends },
  { name: '07_h3_sizes', port: 24105, ...S.sizes([0, 125, 126, 127, 65535, 65536, 1 << 20]) },
  { name: '07_h3_sizes_small', port: 24106, ...S.sizes([0, 1, 125, 126, 1199, 1200, 1201, 20000]) },
  {
    name: '07_h3_tiny_data',
    port: 24107,
    clientOptions: { data: 1 },
    serverOptions: { data: 1 },
    ...S.dialogue('every DATA frame holds one byte'),
  },
  {
    name: '07_h3_split_data',
    port: 24108,
    clientOptions: { data: 7 },
    serverOptions: { data: 100 },
    ...S.dialogue('DATA frames of at most 7 bytes (client) and 100 (server)', 2),
  },
  { name: '07_h3_qpack_static', port: 24109, ...S.qpack('static table and literals only') },
  {
    name: '07_h3_qpack_dynamic',
    port: 24110,
    clientOptions: { table: 4096, table_out: 4096, blocked: 100 },
    serverOptions: { table: 4096, table_out: 4096, blocked: 100 },
    ...S.qpack('dynamic tables of 4096 bytes both ways, streams may be blocked'),
  },
  {
    name: '07_h3_qpack_evict',
    port: 24111,
    clientOptions: { table: 600, table_out: 600, blocked: 0 },
    serverOptions: { table: 600, table_out: 600, blocked: 0 },
    ...S.qpack('dynamic tables of 600 bytes, entries are evicted'),
  },
  {
    name: '07_h3_qpack_noblock',
    port: 24112,
    clientOptions: { table: 4096, table_out: 4096 },
    serverOptions: { table: 4096, table_out: 4096 },
    ...S.qpack('dynamic tables of 4096 bytes, no stream may be blocked'),
  },
  {
    name: '07_h3_retry',
    port: 24113,
    serverOptions: { retry: 1 },
    ...S.dialogue('Retry: the server asks for address validation'),
  },
  {
    name: '07_h3_v2draft',
    port: 24114,
    client: { version: V2_DRAFT },
    ...S.dialogue('QUIC version 0x709a50c4 (a draft of version 2)'),
  },
  {
    name: '07_h3_v2draft_compatible',
    port: 24115,
    clientOptions: { prefer: V2_DRAFT },
    serverOptions: { prefer: V2_DRAFT },
    ...S.dialogue('compatible version negotiation: Initial of version 1, answered in 0x709a50c4'),
  },
  {
    name: '07_h3_v2draft_retry',
    port: 24116,
    client: { version: V2_DRAFT },
    serverOptions: { retry: 1 },
    ...S.dialogue('Retry in QUIC version 0x709a50c4'),
  },
  { name: '07_h3_key_update', port: 24117, ...S.keyUpdates(6) },
  { name: '07_h3_key_update_server', port: 24118, ...S.keyUpdates(4, 'server') },
  { name: '07_h3_cid_0', port: 24119, client: { cid: 0 }, ...S.dialogue('client connection ID of zero length') },
  {
    name: '07_h3_cid_20',
    port: 24120,
    client: { cid: 20 },
    serverOptions: { cid: 20 },
    ...S.dialogue('connection IDs of 20 bytes'),
  },
  {
    name: '07_h3_cid_mixed',
    port: 24121,
    serverOptions: { cid: 18 },
    ...S.severalConnections(4, ', client connection IDs of 3, 4, 8 and 17 bytes', (i) => ({ cid: [3, 4, 8, 17][i] })),
  },
  { name: '07_h3_migration', port: 24122, ...S.migration(3) },
  { name: '07_h3_early', port: 24123, ...S.early },
  { name: '07_h3_aes256', port: 24124, clientOptions: { cipher: 'AES-256-GCM' }, ...S.dialogue('AES-256-GCM') },
  {
    name: '07_h3_chacha20',
    port: 24125,
    clientOptions: { cipher: 'CHACHA20-POLY1305' },
    ...S.dialogue('ChaCha20-Poly1305'),
  },
  { name: '07_h3_ccm', port: 24126, clientOptions: { cipher: 'AES-128-CCM' }, ...S.dialogue('AES-128-CCM') },
  { name: '07_h3_chacha20_update', port: 24127, clientOptions: { cipher: 'CHACHA20-POLY1305' }, ...S.keyUpdates(3) },
  { name: '07_h3_aes256_update', port: 24128, clientOptions: { cipher: 'AES-256-GCM' }, ...S.keyUpdates(3) },
  {
    name: '07_h3_gso_ngtcp2',
    port: 24129,
    clientOptions: { gso: 1 },
    serverOptions: { gso: 1 },
    ...S.sizes([125, 20000, 65536], '; datagrams sent in batches (UDP_SEGMENT), seen whole on loopback'),
  },
  { name: '07_h3_connections', port: 24130, ...S.severalConnections(5) },
  { name: '07_h3_ipv6', port: 24131, host: '::1', ...S.many },
  { name: '07_h3_nothing', port: 24132, ...S.plainHttp },
  {
    name: '07_h3_hello_retry',
    port: 24133,
    clientOptions: { group: 'GROUP-SECP384R1:+GROUP-X25519' },
    serverOptions: { group: 'GROUP-X25519' },
    ...S.dialogue('HelloRetryRequest: another key share is asked for'),
  },
  {
    name: '07_h3_loss',
    port: 24140,
    relay: { loss: 0.03, seed: 7 },
    ...S.stream('3 % of the datagrams lost, either way, behind the tap: what the client sends is seen, lost or not'),
  },
  {
    name: '07_h3_reorder',
    port: 24141,
    relay: { reorder: 0.1, seed: 9 },
    ...S.stream('every tenth datagram late by 8 ms'),
  },
  {
    name: '07_h3_dup',
    port: 24142,
    relay: { dup: 0.1, seed: 11 },
    ...S.stream('every tenth datagram of the server doubled'),
  },
  {
    name: '07_h3_mix',
    port: 24143,
    relay: { loss: 0.05, reorder: 0.1, dup: 0.05, seed: 13 },
    ...S.stream('5 % lost, 10 % late, 5 % doubled', 30),
  },
  {
    name: '07_h3_qpack_blocked',
    port: 24144,
    clientOptions: { table: 4096, table_out: 4096, blocked: 100 },
    serverOptions: { table: 4096, table_out: 4096, blocked: 100 },
    relay: { reorder: 0.3, late: 15, seed: 3, loss: 0.03 },
    ...S.qpack('dynamic tables of 4096 bytes, datagrams late and lost: field sections wait for the encoder stream'),
  },
  {
    name: '07_h3_handshake_loss',
    port: 24145,
    relay: { drop: (way, n) => (way === 's2c' ? n === 0 : n === 1) },
    ...S.dialogue(
      'the first datagram of the server and the second of the client are lost: the handshake is sent again',
    ),
  },
  { name: '07_h3_v2', port: 24150, ...v2, client: { version: V2 }, ...S.dialogue('QUIC version 2 (0x6b3343cf)') },
  {
    name: '07_h3_v2_compatible',
    port: 24151,
    ...v2,
    clientOptions: { prefer: V2 },
    serverOptions: { prefer: V2 },
    ...S.dialogue('compatible version negotiation: Initial of version 1, answered in version 2'),
  },
  {
    name: '07_h3_v2_retry',
    port: 24152,
    ...v2,
    client: { version: V2 },
    serverOptions: { retry: 1 },
    ...S.dialogue('Retry in QUIC version 2'),
  },
  { name: '07_h3_v2_update', port: 24153, ...v2, client: { version: V2 }, ...S.keyUpdates(4) },
  { name: '07_h3_negotiation', port: 24160, serverOptions: { v1only: 1 }, ...S.negotiation(V2_DRAFT) },
  { name: '07_h3_silent', port: 24161, ...S.silent },
  {
    name: '07_h3_other_alpn',
    port: 24162,
    clientOptions: { alpn: 'chat/1' },
    serverOptions: { alpn: 'chat/1' },
    ...S.otherProtocol,
  },
  {
    name: '07_h3_big_certificate',
    port: 24163,
    cert: 'big',
    ...S.dialogue(
      'a certificate of 7 kB: CRYPTO frames in several datagrams, the server held back until the address is validated',
    ),
  },
  {
    name: '07_h3_crypto_reorder',
    port: 24164,
    cert: 'big',
    relay: { hold: (way, n) => (way === 's2c' && n < 6 ? [20, 5, 25, 0, 10, 2][n] : 0) },
    ...S.dialogue('a large certificate whose datagrams come in another order: CRYPTO frames out of order'),
  },
  {
    name: '07_h3_order_at_start',
    port: 24165,
    relay: {
      hold: (way, n) => (way === 'c2s' && n < 5 ? [0, 12, 0, 6, 0][n] : way === 's2c' && n < 4 ? [8, 0, 4, 0][n] : 0),
    },
    ...S.dialogue('the first datagrams of both come in another order: 1-RTT packets before the handshake is over'),
  },
  {
    name: '07_h3_rebinding',
    port: 24170,
    tap: 'server',
    relay: { rebind: [30, 60] },
    ...S.stream('a NAT gives the client another port twice, which it does not know: same connection IDs', 20),
  },
  {
    name: '07_h3_loss_server',
    port: 24171,
    tap: 'server',
    relay: { loss: 0.04, seed: 17 },
    ...S.stream(
      '4 % lost, seen from the server: what the client sends is lost before the tap, what the server sends behind it',
    ),
  },
  { name: '07_h3_update_reorder', port: 24172, relay: { reorder: 0.25, late: 12, seed: 5 }, ...S.keyUpdates(5) },
  {
    name: '07_h3_small_window',
    port: 24173,
    clientOptions: { window: 3000 },
    serverOptions: { window: 5000 },
    ...S.sizes([126, 20000], '; windows of 3000 and 5000 bytes'),
  },
  {
    name: '07_h3_failed',
    port: 24174,
    clientOptions: { alpn: 'h3' },
    serverOptions: { alpn: 'chat/1' },
    ...S.failed,
  },
  { name: '07_h3_connections_40', port: 24175, timeout: 60000, ...S.severalConnections(40) },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record({ stack, ...recording, script: '07_h3_ngtcp2.js' });
  process.exit();
})();

'use strict';
// Headless Chromium as client of an HTTP/3 server (RFC 9220, behind a feature switch of Chromium), and Firefox, which
// opens no WebSocket over HTTP/3. The server is h3/ngtcp2_peer.c. usage: node 07_h3_chromium.js [PART OF A NAME]
const fs = require('fs'),
  path = require('path'),
  crypto = require('crypto');
const { spawn } = require('child_process');
const L = require('./lib/lab');
const { serve } = require('./lib/h3');
const { makeStack, kinds } = require('./lib/h3_peer');
const { messages, visit } = require('./lib/browser');

const script = '07_h3_chromium.js';
const stack = makeStack({
  name: 'ngtcp2',
  made: 'Chromium, ngtcp2 and npm ws server',
  server: kinds.ngtcp2,
  client: kinds.ngtcp2,
});
const REQUEST_CANCELLED = 0x10c;
const deflate = { pmd: {} };
const MESSAGES = messages(3, 9000, 70000);

function browse(port, keys, extra = []) {
  const dir = path.join(L.ROOT, 'run', `chr3-${process.pid}`);
  fs.mkdirSync(dir, { recursive: true });
  const key = crypto
    .createPublicKey(fs.readFileSync(path.join(L.KEYS, 'ec.crt')))
    .export({ type: 'spki', format: 'der' });
  const spki = crypto.createHash('sha256').update(key).digest('base64');
  const child = spawn(
    '/usr/bin/chromium',
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--disable-extensions',
      '--disable-default-apps',
      '--no-proxy-server',
      '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1',
      '--enable-quic',
      `--origin-to-force-quic-on=127.0.0.1:${port}`,
      `--ignore-certificate-errors-spki-list=${spki}`,
      '--enable-features=EnableWebsocketsOverHttp3',
      `--ssl-key-log-file=${keys}`,
      `--user-data-dir=${dir}`,
      '--remote-debugging-port=0',
      ...extra,
      `https://127.0.0.1:${port}/`,
    ],
    { detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: dir } },
  );
  let err = '';
  child.stderr.on('data', (d) => {
    err += d;
  });
  const done = new Promise((resolve) => child.on('exit', resolve));
  const kill = (signal) => {
    try {
      process.kill(-child.pid, signal);
    } catch (e) {
      /* gone */
    }
  };
  return {
    err: () => err,
    async stop() {
      kill('SIGTERM');
      await Promise.race([done, L.sleep(4000)]);
      kill('SIGKILL');
      await L.sleep(200);
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

/**
 * Firefox, told by preferences that the server speaks HTTP/3 and by its policies whom to trust: for h3/net.sh, where
 * /etc/firefox is nobody else's.
 */
function firefox(port) {
  const folder = '/etc/firefox/policies',
    profile = path.join(L.ROOT, 'run', `ff3-${process.pid}`);
  fs.mkdirSync(folder, { recursive: true });
  fs.mkdirSync(profile, { recursive: true });
  fs.writeFileSync(
    path.join(folder, 'policies.json'),
    JSON.stringify({
      policies: {
        Certificates: { Install: [path.join(L.KEYS, 'h3ca.crt')] },
        DisableAppUpdate: true,
        DisableTelemetry: true,
      },
    }),
  );
  const preferences = {
    'network.proxy.type': 0,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'browser.safebrowsing.malware.enabled': false,
    'app.normandy.enabled': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'toolkit.telemetry.enabled': false,
    'network.http.http3.enable': true,
    'network.http.http3.disable_when_third_party_roots_found': false,
    'network.http.http3.alt-svc-mapping-for-testing': `localhost;h3=:${port}`,
    'network.http.http3.force-use-alt-svc-mapping-for-testing': true,
  };
  fs.writeFileSync(
    path.join(profile, 'user.js'),
    Object.entries(preferences)
      .map(([k, v]) => `user_pref("${k}", ${JSON.stringify(v)});\n`)
      .join(''),
  );
  const child = spawn(
    '/usr/bin/firefox-esr',
    ['--headless', '--no-remote', '--profile', profile, `https://localhost:${port}/`],
    {
      env: { ...process.env, HOME: profile },
      stdio: ['ignore', 'ignore', 'pipe'],
    },
  );
  let err = '';
  child.stderr.on('data', (d) => {
    err += d;
  });
  const exited = L.once(child, 'exit');
  return {
    err: () => err,
    async stop() {
      child.kill('SIGTERM');
      await Promise.race([exited, L.sleep(3000)]);
      child.kill('SIGKILL');
      fs.rmSync(profile, { recursive: true, force: true });
    },
  };
}

async function record(o) {
  const T = new L.Truth(`${o.name}.ndjson`),
    keys = path.join(L.KEYS, `${o.name}.keys`);
  fs.rmSync(keys, { force: true });
  T.note({ contains: o.contains });
  await visit({
    name: o.name,
    spec: o.spec,
    T,
    filter: `udp port ${o.port}`,
    reset: (stream) => stream.reset(REQUEST_CANCELLED),
    serve: (hears) =>
      serve({
        T,
        stack,
        host: '127.0.0.1',
        port: o.port,
        choose: o.choose,
        keylog: keys,
        serverOptions: o.serverOptions,
        env: o.env,
        cert: o.firefox && 'h3',
        keysOfServer: o.firefox,
        ...hears,
      }),
    start: () => (o.firefox ? firefox(o.port) : browse(o.port, keys, o.flags)),
  });
  L.manifest({
    file: `${o.name}.pcap`,
    truth: `${o.name}.ndjson`,
    script,
    keylog: `${o.name}.keys`,
    contains: o.contains,
    made: stack.made,
    port: o.port,
    check: 'messages',
  });
}

const table = { table: 4096, table_out: 4096, blocked: 100 };
const RECORDINGS = [
  {
    name: '07_h3_chromium',
    port: 24401,
    choose: (p) => (p === '/b' ? { pmd: {}, protocol: 'chat' } : deflate),
    serverOptions: table,
    contains:
      'page over HTTP/3, then three WebSockets one after the other with fetches going on: echo + close 1000, ' +
        'subprotocol + ' +
      'close without code, server fragments compressed; QPACK dynamic tables',
    spec: [
      { path: '/a', messages: MESSAGES, close: [1000, 'bye'], poll: true },
      { path: '/b', protocols: ['chat', 'superchat'], messages: MESSAGES.slice(0, 5), close: [] },
      { path: '/frag', messages: MESSAGES.slice(0, 9), close: [3000, 'fragments'] },
    ],
  },
  {
    name: '07_h3_chromium_ends',
    port: 24402,
    choose: (p) => (p === '/refused' ? { status: 403 } : deflate),
    contains:
      'Chromium: a close by the server, RESET_STREAM, FIN without close frames, one refused, ' +
        'two at once, one open when the browser is killed',
    spec: [
      { path: '/serverclose', messages: MESSAGES.slice(0, 2), serverEnds: true },
      { path: '/serverrst', messages: MESSAGES.slice(0, 2), serverEnds: true },
      { path: '/serverend', messages: MESSAGES.slice(0, 2), serverEnds: true },
      { path: '/refused', refused: true },
      { path: '/p1', messages: MESSAGES.slice(0, 7), close: [1000, 'p1'], parallel: true },
      { path: '/p2', messages: MESSAGES.slice(0, 7), close: [1000, 'p2'], parallel: true },
      { path: '/left', messages: MESSAGES.slice(0, 2), leave: true },
    ],
  },
  {
    name: '07_h3_chromium_v2',
    port: 24403,
    choose: () => deflate,
    env: { LD_LIBRARY_PATH: path.join(L.ROOT, 'h3') }, // h3/patch_v2.py
    flags: ['--quic-version=RFCv2'],
    contains: 'Chromium, QUIC version 2 (0x6b3343cf)',
    spec: [{ path: '/a', messages: MESSAGES.slice(0, 9), close: [1000, 'bye'] }],
  },
  {
    name: '07_h3_firefox',
    port: 24404,
    firefox: true,
    choose: () => deflate,
    serverOptions: table,
    contains: 'Firefox (neqo): a page and its fetches over HTTP/3, no WebSocket (Firefox opens none over HTTP/3)',
    spec: [],
  },
];

(async () => {
  const chosen = RECORDINGS.filter((r) => r.name.includes(process.argv[2] || ''));
  for (const recording of chosen) await record(recording);
  process.exit();
})();

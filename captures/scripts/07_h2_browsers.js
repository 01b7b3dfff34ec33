'use strict';
// Headless Chromium and Firefox as clients of a node http2 server (RFC 8441). Firefox gets the certificate of the
// recordings' own authority by its policies, which are put back afterwards.
// usage: node 07_h2_browsers.js [PART OF A NAME]
const fs = require('fs'), path = require('path'), { execFileSync, spawn } = require('child_process');
const L = require('./lib/lab');
const { serve } = require('./lib/h2');
const { chrome } = require('./lib/chrome');
const { messages, visit } = require('./lib/browser');

const script = '07_h2_browsers.js';
const CANCEL = 8;
const deflate = { pmd: {} };
const MESSAGES = messages(2, 30000, 100000);

/** One capture. o: name, port, spec, choose, tls, made, keylog (by the server), start(url): { stop, err } */
async function record(o) {
  const T = new L.Truth(`${o.name}.ndjson`);
  T.note({ contains: o.contains });
  await visit({
    name: o.name, spec: o.spec, T, filter: `tcp port ${o.port}`, reset: (stream) => stream.close(CANCEL),
    serve: (hears) => serve({
      T, port: o.port, tls: { minVersion: 'TLSv1.3', ...o.tls }, choose: o.choose, keylog: o.keylog, ...hears,
    }),
    start: () => o.start(`https://127.0.0.1:${o.port}/`),
  });
  L.manifest({
    file: `${o.name}.pcap`, truth: `${o.name}.ndjson`, script, keylog: `${o.name}.keys`, contains: o.contains,
    made: `${o.made} headless, node http2 and npm ws server`, port: o.port, check: 'messages',
  });
}

// -- the browsers ----------------------------------------------------------------------------

function chromium(name) {
  const keys = path.join(L.KEYS, `${name}.keys`);
  fs.rmSync(keys, { force: true });
  return (url) => chrome(url, ['--ignore-certificate-errors', `--ssl-key-log-file=${keys}`]);
}

/** A certificate of an authority that Firefox can be told to trust: it takes no self-signed one. */
function authority() {
  const file = (name) => path.join(L.KEYS, name);
  const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });
  if (!fs.existsSync(file('leaf.crt'))) {
    const extensions = file('leaf.ext');
    fs.writeFileSync(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n');
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('ca.key'), '-out', file('ca.crt'),
      '-days', '3650', '-subj', '/CN=wstrace recordings');
    openssl('req', '-newkey', 'rsa:2048', '-nodes', '-keyout', file('leaf.key'), '-out', file('leaf.csr'),
      '-subj', '/CN=localhost');
    openssl('x509', '-req', '-in', file('leaf.csr'), '-CA', file('ca.crt'), '-CAkey', file('ca.key'),
      '-CAcreateserial', '-days', '3650', '-extfile', extensions, '-out', file('leaf.crt'));
  }
  return { key: fs.readFileSync(file('leaf.key')), cert: fs.readFileSync(file('leaf.crt')), ca: file('ca.crt') };
}

const PREFERENCES = {
  'network.http.http2.websockets': true, 'network.http.spdy.websockets': true, 'network.proxy.type': 0,
  'network.captive-portal-service.enabled': false, 'network.connectivity-service.enabled': false,
  'browser.shell.checkDefaultBrowser': false, 'browser.safebrowsing.malware.enabled': false,
  'datareporting.policy.dataSubmissionEnabled': false, 'toolkit.telemetry.enabled': false,
  'app.normandy.enabled': false,
};

function firefox(ca) {
  const folder = '/etc/firefox/policies', policies = path.join(folder, 'policies.json');
  const before = fs.existsSync(policies) ? fs.readFileSync(policies) : null;
  const profile = path.join(L.ROOT, 'run', 'firefox');
  fs.rmSync(profile, { recursive: true, force: true });
  fs.mkdirSync(profile, { recursive: true });
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(policies, JSON.stringify({
    policies: { Certificates: { Install: [ca] }, DisableAppUpdate: true, DisableTelemetry: true },
  }));
  const lines = Object.entries(PREFERENCES).map(([k, v]) => `user_pref("${k}", ${v});\n`);
  fs.writeFileSync(path.join(profile, 'user.js'), lines.join(''));
  return (url) => {
    const child = spawn('/usr/bin/firefox-esr', ['--headless', '--no-remote', '--profile', profile, url], {
      env: { ...process.env, HOME: profile }, stdio: ['ignore', 'ignore', 'pipe'],
    });
    const exited = L.once(child, 'exit');
    let err = '';
    child.stderr.on('data', (data) => { err += data; });
    async function stop() {
      child.kill('SIGTERM');
      await Promise.race([exited, L.sleep(3000)]);
      child.kill('SIGKILL');
      fs.rmSync(profile, { recursive: true, force: true });
      if (before) fs.writeFileSync(policies, before);
      else fs.rmSync(policies);
    }
    return { stop, err: () => err };
  };
}

// -- the recordings --------------------------------------------------------------------------

const sharedProtocol = (target) => (target === '/b' ? { pmd: {}, protocol: 'chat' } : deflate);

function recordChromium() {
  const name = '07_h2_chromium';
  return record({
    name, port: 22721, made: 'Chromium', start: chromium(name), choose: sharedProtocol,
    contains: 'page over h2, then three WebSockets one after the other with fetches going on: echo and close 1000, ' +
      'subprotocol and close without code, server fragments compressed',
    spec: [
      { path: '/a', messages: MESSAGES, close: [1000, 'bye from page'], poll: true },
      { path: '/b', protocols: ['chat', 'superchat'], messages: MESSAGES.slice(0, 5), close: [] },
      { path: '/frag', messages: MESSAGES.slice(6, 10), close: [1000, ''] },
    ],
  });
}

function recordEnds() {
  const name = '07_h2_chromium_ends';
  const messages = MESSAGES.slice(0, 2), serverEnds = true;
  return record({
    name, port: 22723, made: 'Chromium', start: chromium(name), choose: () => deflate,
    contains: 'ends: close 4002 by the server, RST_STREAM CANCEL by the server, END_STREAM by the server without ' +
      'close frame, browser killed (SIGTERM) with an open WebSocket',
    spec: [
      { path: '/serverclose', messages, serverEnds }, { path: '/serverrst', messages, serverEnds },
      { path: '/serverend', messages, serverEnds }, { path: '/leave', messages: MESSAGES.slice(0, 3), leave: true },
    ],
  });
}

function recordFirefox() {
  const name = '07_h2_firefox';
  const { ca, ...tls } = authority();
  const choices = { '/no': { status: 403 }, '/plain': {} };
  return record({
    name, port: 22780, made: 'Firefox ESR', start: firefox(ca), tls, keylog: `${name}.keys`,
    choose: (target) => choices[target] || sharedProtocol(target),
    contains: 'page over h2, WebSockets one after the other and in parallel, one refused, one open at the end',
    spec: [
      { path: '/a', messages: MESSAGES, close: [1000, 'bye from page'], poll: true },
      { path: '/b', protocols: ['chat', 'superchat'], messages: MESSAGES.slice(0, 5), close: [] },
      { parallel: true, path: '/serverclose', messages: MESSAGES.slice(0, 2), serverEnds: true },
      { parallel: true, path: '/plain', messages: MESSAGES.slice(0, 9), close: [4999, 'z'] },
      { parallel: true, path: '/no', refused: true },
      { parallel: true, path: '/leave', messages: MESSAGES.slice(0, 3), leave: true },
    ],
  });
}

const RECORDINGS = {
  '07_h2_chromium': recordChromium, '07_h2_chromium_ends': recordEnds, '07_h2_firefox': recordFirefox,
};

(async () => {
  for (const name in RECORDINGS) if (name.includes(process.argv[2] || '')) await RECORDINGS[name]();
  process.exit();
})();

'use strict';
const { spawn } = require('child_process'); const fs = require('fs'), path = require('path'); const L = require('./lab');
let n = 0;
function chrome(url, extra = [], env = {}) {
  const dir = path.join(L.ROOT, 'run', `chr-${process.pid}-${++n}`); fs.mkdirSync(dir, { recursive: true });
  const p = spawn('/usr/bin/chromium', ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-extensions', '--disable-default-apps', '--no-proxy-server', '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1', `--user-data-dir=${dir}`, '--remote-debugging-port=0', ...extra, url], { detached: true, stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: dir, ...env } });
  let err = ''; p.stderr.on('data', (d) => { err += d; }); const done = new Promise((r) => p.on('exit', r));
  const kill = (s) => { try { process.kill(-p.pid, s); } catch (e) {} };
  const t = setTimeout(() => kill('SIGKILL'), 45000); t.unref();
  return { stop: async () => { kill('SIGTERM'); await Promise.race([done, L.sleep(4000)]); kill('SIGKILL'); await L.sleep(200); fs.rmSync(dir, { recursive: true, force: true }); }, err: () => err };
}
// page: runs connections one after the other. spec: [{url, protos, msgs:[['t','text']|['b',n,seed]|['rep',str,n]], close:[code,reason]|null, wait:ms}]
const PAGE = (spec, reportUrl) => `<!doctype html><meta charset="utf-8"><title>wstrace</title><link rel="icon" href="data:,"><script>
const SPEC = ${JSON.stringify(spec)}; const EV = [];
const hex = (b) => Array.from(new Uint8Array(b)).map(x => x.toString(16).padStart(2, '0')).join('');
async function log(i, side, dir, opcode, data) { const b = typeof data === 'string' ? new TextEncoder().encode(data) : new Uint8Array(data); const e = {i, side, dir, opcode, length: b.length}; EV.push(e); e.sha256 = hex(await crypto.subtle.digest('SHA-256', b)); if (opcode === 1 && b.length <= 200) e.text = new TextDecoder().decode(b); }
function noise(n, seed) { let s = (seed * 2654435761) >>> 0 || 1; const b = new Uint8Array(n); for (let i = 0; i < n; i++) { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; b[i] = s & 255; } return b; }
const mk = (m) => m[0] === 't' ? m[1] : m[0] === 'rep' ? m[1].repeat(m[2]) : m[0] === 'z' ? new Uint8Array(m[1]) : noise(m[1], m[2]);
const ev = (o, n) => new Promise((r, j) => { o.addEventListener(n, r, {once: true}); setTimeout(() => j(new Error('timeout ' + n)), 8000); });
const closeBytes = (c, r) => { if (!c || c === 1005 || c === 1006) return new Uint8Array(0); const t = new TextEncoder().encode(r || ''); const b = new Uint8Array(2 + t.length); b[0] = c >> 8; b[1] = c & 255; b.set(t, 2); return b; };
async function conn(i, s) { const w = new WebSocket(s.url, s.protos || []); w.binaryType = 'arraybuffer'; await ev(w, 'open'); w.addEventListener('message', (e) => log(i, 'recv', 's2c', typeof e.data === 'string' ? 1 : 2, e.data));
  EV.push({i, info: {extensions: w.extensions, protocol: w.protocol}});
  for (const m of s.msgs) { const d = mk(m); const g = ev(w, 'message'); log(i, 'sent', 'c2s', typeof d === 'string' ? 1 : 2, d); w.send(d); await g; }
  if (s.wait) await new Promise(r => setTimeout(r, s.wait));
  if (s.close === 'leave') return; const c = ev(w, 'close'); const a = s.close; if (a) log(i, 'sent', 'c2s', 8, closeBytes(...a)); else if (!s.serverCloses) log(i, 'sent', 'c2s', 8, new Uint8Array(0)); if (!s.serverCloses) { a ? w.close(...a) : w.close(); } const e = await c; if (e.code !== 1006) await log(i, 'recv', 's2c', 8, closeBytes(e.code, e.reason)); }
(async () => { let err = null; try { for (let i = 0; i < SPEC.length; i++) await conn(i, SPEC[i]); } catch (e) { err = String(e && e.message || e); } await new Promise(r => setTimeout(r, 150));
  await fetch(${JSON.stringify(reportUrl)}, {method: 'POST', body: JSON.stringify({ev: EV, err, ua: navigator.userAgent})}); })();
</script>`;
module.exports = { chrome, PAGE };

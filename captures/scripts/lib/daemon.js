'use strict';
// A server of another program: its configuration in a folder of its own, started, listened for, ended.
const fs = require('fs'), path = require('path'), net = require('net'), { spawn } = require('child_process'); const L = require('./lab');
const up = (port) => new Promise((r) => { const s = net.connect(port, '127.0.0.1', () => { s.destroy(); r(true); }); s.on('error', () => r(false)); });
// files: { name: text }; command(folder): [program, ...arguments]
async function daemon(name, port, files, command, user) {
  const dir = path.join(L.ROOT, 'run', name); fs.rmSync(dir, { recursive: true, force: true }); fs.mkdirSync(dir, { recursive: true, mode: 0o777 }); fs.chmodSync(dir, 0o777);
  for (const [f, text] of Object.entries(files)) { fs.mkdirSync(path.dirname(path.join(dir, f)), { recursive: true }); fs.writeFileSync(path.join(dir, f), text.replaceAll('@DIR@', dir)); }
  const [cmd, ...args] = command(dir), p = spawn(cmd, args, { cwd: dir, stdio: ['ignore', 'pipe', 'pipe'], detached: true, env: { ...process.env, HOME: dir } }); let log = '';
  for (const s of [p.stdout, p.stderr]) s.on('data', (d) => { log += d; }); const over = new Promise((r) => p.on('exit', r)), kill = (s) => { try { process.kill(-p.pid, s); } catch (e) {} }; process.on('exit', () => kill('SIGKILL'));
  for (let i = 0; !await up(port); i++) { if (i > 100) throw new Error(`${name} does not listen: ${log}`); await L.sleep(50); }
  return { dir, stop: async (signal = 'SIGTERM') => { kill(signal); await Promise.race([over, L.sleep(3000)]); kill('SIGKILL'); } };
}
module.exports = { daemon };

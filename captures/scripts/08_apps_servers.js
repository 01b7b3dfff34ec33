'use strict';
// XMPP and SIP: their own clients (@xmpp/client, JsSIP) against servers that are no libraries (Prosody, Kamailio). Beside
// the messages, the truth has a line {"kind":"packet"} for each packet, as the client's parser read it (tests/truth/check_apps.py).
// Debian: prosody kamailio kamailio-websocket-modules. usage: node 08_apps_servers.js
const L = require('./lib/lab'), { daemon } = require('./lib/daemon'); const WebSocket = require('ws'); global.WebSocket = WebSocket; const script = '08_apps_servers.js';
async function one(name, port, made, contains, packet, start, fn) {
  const file = `08_${name}.pcap`, T = new L.Truth(`08_${name}.ndjson`), { sent, recv } = T; L.autotap(T);
  const told = (f) => function (conn, dir, opcode, data, more) { if (opcode < 8) T.extra.push({ kind: 'packet', conn, dir, ...packet(String(data)) }); return f.call(T, conn, dir, opcode, data, more); }; T.sent = told(sent); T.recv = told(recv);
  const server = await start(port), cap = await new L.Cap(file, { filter: `tcp port ${port}` }).start(); try { await L.withTimeout(fn(port, T), 30000, file); } catch (e) { console.error(file, 'FAILED', e); process.exitCode = 1; }
  await cap.stop(300); await server.stop(); T.write(); L.manifest({ file, truth: `08_${name}.ndjson`, script, made, contains, check: 'messages' });
}
const event = (e, name) => L.withTimeout(new Promise((r) => e.once(name, r)), 5000, name);

// -- XMPP ----------------------------------------------------------------------------------------------------------
const KINDS = 'open close message presence iq stream:features stream:error auth challenge response authenticate continue next success failure abort enable enabled resume resumed failed r a'.split(' ');
const element = (parse) => (text) => {
  const e = parse(text), known = KINDS.includes(e.name), fields = known ? {} : { name: e.name }; for (const k of ['type', 'id', 'to', 'from', 'version', 'mechanism', 'h', 'see-other-uri']) if (k in e.attrs) fields[k.replace(/-/g, '_')] = e.attrs[k];
  const o = { name: known ? e.name : 'element', fields, error: /^(stream:error|failure|failed)$/.test(e.name) || (/^(message|presence|iq)$/.test(e.name) && e.attrs.type === 'error') }; const secret = /^(auth|challenge|response|authenticate|continue|next|success)$/.test(e.name);
  const why = (x) => { const c = x && x.children.find((c) => c.name && c.name !== 'text'); if (c) fields.condition = c.name; }; if (o.error) why(/^(message|presence|iq)$/.test(e.name) ? e.children.find((c) => c.name === 'error') : e);
  if (!secret && e.children.length) o.text = text.slice(text.indexOf('>') + 1, text.lastIndexOf('</')); return o; };
const PROSODY = (port) => `pidfile = "@DIR@/pid"; data_path = "@DIR@"; log = { error = "@DIR@/log" }
modules_enabled = { "roster", "saslauth", "disco", "ping", "posix", "websocket", "smacks" }; modules_disabled = { "s2s", "tls" }
c2s_ports = {}; s2s_ports = {}; https_ports = {}; http_ports = { ${port} }; http_interfaces = { "127.0.0.1" }
consider_websocket_secure = true; c2s_require_encryption = false; authentication = "internal_plain"
VirtualHost "localhost"
`;
const account = (password) => `return {\n\t["password"] = "${password}";\n};\n`;
const prosody = (port) => daemon('prosody', port, { 'prosody.cfg.lua': PROSODY(port), 'localhost/accounts/alice.dat': account('wonder'), 'localhost/accounts/bob.dat': account('builder') }, (dir) => ['sh', '-c', `chmod -R a+rwX ${dir}; exec prosody --config ${dir}/prosody.cfg.lua -F`]);
async function xmpp(port) {
  const { client, xml } = require('@xmpp/client');
  const user = (username, password) => { const x = client({ service: `ws://127.0.0.1:${port}/xmpp-websocket`, domain: 'localhost', username, password, resource: 'lab' }); x.reconnect.stop(); x.on('error', () => {}); x.got = []; x.on('stanza', (s) => x.got.push(s)); return x; };
  const until = async (x, f) => { for (let i = 0; !x.got.some(f); i++) { if (i > 150) throw new Error(`${x.jid} waits for ${f}`); await L.sleep(20); } };
  const a = user('alice', 'wonder'), b = user('bob', 'builder'); await a.start(); await b.start(); await b.send(xml('presence', {}, xml('status', {}, 'brb & "quoted" <é>')));
  await a.send(xml('message', { type: 'chat', to: b.jid.toString(), id: 'm1' }, xml('body', {}, 'hello bob, 日本語 <>&"\''))); await until(b, (s) => s.attrs.id === 'm1'); await b.send(xml('message', { type: 'chat', to: a.jid.toString(), id: 'm2' }, xml('body', {}, 'hi alice'), xml('active', 'http://jabber.org/protocol/chatstates'))); await until(a, (s) => s.attrs.id === 'm2');
  const ask = (to, what) => a.iqCaller.request(xml('iq', { type: 'get', ...(to && { to }) }, xml(...what)), 3000).catch(() => {}); await ask(b.jid.toString(), ['ping', 'urn:xmpp:ping']); await ask('nobody@localhost/x', ['query', 'jabber:iq:version']);
  const m = user('mallory', 'wrong'); await m.start().catch(() => {}); await m.stop().catch(() => {}); await L.sleep(50); await a.stop(); await b.stop();
}

// -- SIP -----------------------------------------------------------------------------------------------------------
const HEADERS = { 'Call-ID': 'call_id', CSeq: 'cseq', From: 'from', To: 'to', Contact: 'contact', 'Max-Forwards': 'max_forwards', Expires: 'expires', Event: 'event', Reason: 'reason', 'User-Agent': 'user_agent', Server: 'server', 'Content-Type': 'content_type', 'Content-Length': 'content_length' };
const sip = (text) => {
  if (text === '\r\n\r\n' || text === '\r\n') return { name: text.length === 4 ? 'ping' : 'pong', fields: {} };
  const m = require('jssip/lib/Parser').parseMessage(text, {}), asks = !m.status_code, fields = asks ? { method: m.method, request_uri: text.split(' ')[1] } : { status_code: m.status_code, reason_phrase: m.reason_phrase }; fields.branch = m.via_branch;
  for (const [h, k] of Object.entries(HEADERS)) { const v = m.getHeader(h); if (v !== undefined) fields[k] = /^(max_forwards|expires|content_length)$/.test(k) ? +v : v; } if (m.getHeader('Authorization')) fields.authorization = true;
  const body = text.slice(text.indexOf('\r\n\r\n') + 4); return { name: asks ? m.method : 'response', fields, error: m.status_code >= 400, ...(body && { text: body }) }; };
const KAMAILIO = (port) => `debug=0\nlog_stderror=yes\nchildren=1\ntcp_children=1\ntcp_accept_no_cl=yes\nauto_aliases=no\nlisten=tcp:127.0.0.1:${port}
mpath="/usr/lib/x86_64-linux-gnu/kamailio/modules/"\n${'sl tm rr pv maxfwd textops siputils usrloc registrar auth xhttp nathelper websocket'.split(' ').map((m) => `loadmodule "${m}.so"\n`).join('')}modparam("websocket", "keepalive_mechanism", 0)
modparam("registrar|nathelper", "received_avp", "$avp(received)")
server_header="Server: kamailio"
request_route {
  if (!mf_process_maxfwd_header("10")) { sl_send_reply("483", "Too Many Hops"); exit; }
  if (nat_uac_test(64)) { force_rport(); if (is_method("REGISTER")) fix_nated_register(); else if (is_method("INVITE|MESSAGE")) add_contact_alias(); }
  if (has_totag()) { if (loose_route()) { if ($du == $null) handle_ruri_alias(); t_relay(); exit; } if (is_method("ACK")) { if (t_check_trans()) t_relay(); exit; } sl_send_reply("404", "Not here"); exit; }
  if (is_method("REGISTER")) { if ($fU == "alice" && !pv_www_authenticate("lab.example", "wonder", "0")) { auth_challenge("lab.example", "0"); exit; } save("location"); exit; }
  record_route(); if (!lookup("location")) { sl_send_reply("404", "Not Found"); exit; }
  if (is_method("INVITE")) t_on_reply("1"); t_relay();
}
onreply_route[1] { if (nat_uac_test(64)) add_contact_alias(); }
event_route[xhttp:request] { if ($hdr(Upgrade) =~ "websocket") { ws_handle_handshake(); exit; } xhttp_reply("404", "Not Found", "text/plain", "no"); }
`;
const kamailio = (port) => daemon('kamailio', port, { cfg: KAMAILIO(port) }, (dir) => ['kamailio', '-DD', '-E', '-f', `${dir}/cfg`, '-m', '32', '-M', '8', '-Y', dir, '-P', `${dir}/pid`]);
// JsSIP asks WebRTC what to write into a call: a stub answers, no sound is sent.
function stubWebRtc() {
  const sdp = (k) => `v=0\r\no=- ${k} 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n`; global.window = global.self = global; global.MediaStream = class { getTracks() { return []; } getAudioTracks() { return []; } getVideoTracks() { return []; } }; global.RTCSessionDescription = class { constructor(d) { Object.assign(this, d); } };
  global.RTCPeerConnection = class { constructor() { Object.assign(this, { signalingState: 'stable', iceConnectionState: 'new', connectionState: 'new', iceGatheringState: 'complete' }); } addEventListener() {} removeEventListener() {} async createOffer() { return { type: 'offer', sdp: sdp(1) }; } async createAnswer() { return { type: 'answer', sdp: sdp(2) }; } async setLocalDescription(d) { this.localDescription = d; } async setRemoteDescription() {} addTrack() {} getSenders() { return []; } getReceivers() { return []; } close() { this.signalingState = 'closed'; } };
}
async function call(port, T) {
  stubWebRtc(); const J = require('jssip');
  const user = async (name) => { const u = new J.UA({ sockets: [new J.WebSocketInterface(`ws://127.0.0.1:${port}/`)], uri: `sip:${name}@lab.example`, password: 'wonder', session_timers: false, use_preloaded_route: false, user_agent: 'lab', register_expires: 600 }); const over = event(u, 'registered'); u.start(); u._transport.socket._ws.on('upgrade', (r) => T.hs({ conn: L.connClient(r.socket), at: 'client', status: r.statusCode, content_length: r.headers['content-length'] })); await over; return u; };
  const a = await user('alice'), b = await user('bob'); b.on('newRTCSession', ({ session, originator }) => { if (originator === 'remote') setTimeout(() => session.answer({ mediaStream: new MediaStream() }), 50); });
  await new Promise((r) => a.sendMessage('sip:nobody@lab.example', 'héllo', { eventHandlers: { succeeded: r, failed: r } }));
  const s = a.call('sip:bob@lab.example', { mediaStream: new MediaStream() }); await event(s, 'confirmed'); await L.sleep(50); const over = event(s, 'ended'); s.terminate(); await over; await L.sleep(100);
  a._transport.socket._ws.send('\r\n\r\n'); await L.sleep(100); a._transport.socket._ws.close(); b._transport.socket._ws.terminate(); await L.sleep(200);
}
(async () => {
  const version = (p) => require(`${p}/package.json`).version; const parse = require('@xmpp/xml/lib/parse.js');
  await one('xmpp', 22731, `Prosody 0.12, @xmpp/client ${version('@xmpp/client')}`, 'XMPP: SASL, a wrong password, stanzas between two users, an iq that fails, stream management', element(parse.default || parse), prosody, xmpp);
  await one('sip', 22732, `Kamailio 5.6, JsSIP ${version('jssip')}`, 'SIP: a registration that is challenged, a message to nobody, a call, a keep-alive', sip, kamailio, call); process.exit();
})().catch((e) => { console.error(e); process.exit(1); });

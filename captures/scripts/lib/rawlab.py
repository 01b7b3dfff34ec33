"""Scripted raw-socket peers: one capture, any number of connections, each a list of steps.
Every byte is recorded by the sender; the receiver checks that it got the same bytes."""
import socket, struct, os, sys, time, json, hashlib, subprocess, signal, base64, zlib, threading
from recorder import recorder
ROOT = os.environ.get('WSTRACE_RECORDED') or os.path.realpath(os.path.join(os.path.dirname(__file__), '../../../build/recorded'))
for _d in ('captures', 'truth', 'keys', 'run'): os.makedirs(f'{ROOT}/{_d}', exist_ok=True)
GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
KEY = b'dGhlIHNhbXBsZSBub25jZQ=='
accept = lambda k: base64.b64encode(hashlib.sha1(k + GUID).digest())
def request(path=b'/chat', key=KEY, extra=b'', ver=b'13', host=b'127.0.0.1', up=b'websocket', conn=b'Upgrade', method=b'GET', http=b'1.1'):
    return method + b' ' + path + b' HTTP/' + http + b'\r\nHost: ' + host + b'\r\nUpgrade: ' + up + b'\r\nConnection: ' + conn + b'\r\nSec-WebSocket-Key: ' + key + b'\r\nSec-WebSocket-Version: ' + ver + b'\r\n' + extra + b'\r\n'
def switching(key=KEY, extra=b'', acc=None):
    return b'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ' + (acc or accept(key)) + b'\r\n' + extra + b'\r\n'
class F:
    """one frame; mask: None = as the role demands, False/True forced; lenenc 7|16|64; rawlen = value in the length field"""
    n = 0
    def __init__(s, op, data=b'', fin=1, rsv=0, mask=None, key=None, lenenc=None, rawlen=None, violation=None, note=None, cut=None):
        if isinstance(data, str): data = data.encode()
        s.op, s.data, s.fin, s.rsv, s.mask, s.key, s.lenenc, s.rawlen, s.violation, s.note, s.cut = op, data, fin, rsv, mask, key, lenenc, rawlen, violation, note, cut
    def bytes(s, role):
        m = s.mask if s.mask is not None else role == 'c'; n = s.rawlen if s.rawlen is not None else len(s.data)
        e = s.lenenc or (7 if n < 126 else 16 if n < 65536 else 64); s.enc, s.masked = e, m
        b = bytes([s.fin << 7 | s.rsv << 4 | s.op]); mb = 128 if m else 0
        b += bytes([mb | n]) if e == 7 else bytes([mb | 126]) + struct.pack('>H', n) if e == 16 else bytes([mb | 127]) + struct.pack('>Q', n)
        d = s.data
        if m:
            F.n += 1; k = s.key if s.key is not None else hashlib.md5(b'mask%d' % F.n).digest()[:4]; s.key = k
            b += k; d = bytes(x ^ k[i & 3] for i, x in enumerate(d))
        b += d
        return b[:s.cut] if s.cut else b
    def rec(s, conn, d):
        o = {'kind': 'frame', 'conn': conn, 'dir': d, 'fin': s.fin, 'rsv': s.rsv, 'opcode': s.op, 'masked': bool(s.masked), 'length': s.rawlen if s.rawlen is not None else len(s.data), 'sent_payload': len(s.data), 'lenenc': s.enc, 'sha256': hashlib.sha256(s.data).hexdigest()}
        if s.masked: o['key'] = s.key.hex()
        if len(s.data) <= 64: o['payload_hex'] = s.data.hex()
        for k in ('violation', 'note', 'cut'):
            if getattr(s, k): o[k] = getattr(s, k)
        return o
class Z:
    def __init__(s, wbits=15): s.w = wbits; s.c = zlib.compressobj(9, zlib.DEFLATED, -wbits)
    def __call__(s, d, keep_tail=False, final=False):
        if isinstance(d, str): d = d.encode()
        if final:
            r = s.c.compress(d) + s.c.flush(zlib.Z_FINISH); s.c = zlib.compressobj(9, zlib.DEFLATED, -s.w); return r
        r = s.c.compress(d) + s.c.flush(zlib.Z_SYNC_FLUSH); return r if keep_tail else r[:-4]
class Lab:
    def __init__(s, script): s.script = script
    def capture(s, file, port, conns, contains, truth_messages=None, host='127.0.0.1', filt=None, check='messages', manifest=None, iface='lo', prepare=None):
        """conns: list of lists of steps.
        step: ('c'|'s', item...) item = bytes or F: written with ONE send();  ('c-'|'s-', ...) = do not wait for the peer to read it
              ('sleep', s) ('cfin',) ('sfin',) ('crst',) ('srst',) ('msg', dir, opcode, data, {extra}) = message truth; ('hs', {...}) = handshake truth"""
        path = f'{ROOT}/captures/{file}'; out = []
        ls = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET); ls.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); ls.bind((host, port));
        try: ls.setsockopt(socket.IPPROTO_TCP, 23, 16)
        except OSError: pass
        ls.listen(16); ls.settimeout(5)
        td = recorder(path, iface, *(filt or f'tcp port {port}').split())
        time.sleep(0.15)
        for ci, steps in enumerate(conns):
            opt = steps[0][1] if steps and steps[0][0] == 'opt' else {}; steps = steps[1:] if opt else steps
            c = socket.socket(ls.family); c.settimeout(5)
            if opt.get('cport'): c.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); c.bind((host, opt['cport']))
            tfo = None
            if opt.get('tfo'):
                tfo = b''.join(it.bytes('c') if isinstance(it, F) else it for it in steps[0][1:]); c.settimeout(None); c.sendto(tfo, 0x20000000, (host, port)); c.settimeout(5); steps = [('tfo',)] + list(steps[1:])
            else: c.connect((host, port))
            sv, _ = ls.accept(); sv.settimeout(5)
            for x in (c, sv): x.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            h = f'[{host}]' if ':' in host else host
            conn = f'{h}:{c.getsockname()[1]}>{h}:{port}'; seq = {'c2s': 0, 's2c': 0}; idx = 0; rst = False
            for st in steps:
                k = st[0]
                if k == 'tfo':
                    got = b''
                    while len(got) < len(tfo): got += sv.recv(len(tfo) - len(got))
                    continue
                if k == 'keepalive':
                    for x in (c, sv): x.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1); x.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1); x.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
                    continue
                if k == 'sleep': time.sleep(st[1]); continue
                if k == 'hs': out.append({'kind': 'handshake', 'conn': conn, **st[1]}); continue
                if k == 'note': out.append({'kind': 'note', 'conn': conn, **st[1]}); continue
                if k == 'msg':
                    d, op, data = st[1:4]; data = data.encode() if isinstance(data, str) else data
                    o = {'kind': 'message', 'conn': conn, 'dir': d, 'opcode': op, 'length': len(data), 'sha256': hashlib.sha256(data).hexdigest(), 'seq': seq[d], 'seen': 'both'}; seq[d] += 1
                    if op == 8:
                        if len(data) >= 2: o['code'] = data[0] << 8 | data[1]; o['reason'] = data[2:].decode('utf8', 'backslashreplace')
                    elif len(data) <= 200 and op == 1:
                        try: o['text'] = data.decode()
                        except UnicodeDecodeError: o['hex'] = data.hex()
                    if len(st) > 4: o.update(st[4])
                    out.append(o); continue
                if k in ('cfin', 'sfin'): (c if k[0] == 'c' else sv).shutdown(socket.SHUT_WR); time.sleep(0.02); continue
                if k in ('crst', 'srst'):
                    x = c if k[0] == 'c' else sv; x.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0)); x.close(); rst = True; time.sleep(0.05); continue
                role = k[0]; a, b = (c, sv) if role == 'c' else (sv, c); d = 'c2s' if role == 'c' else 's2c'; data = b''
                items = st[1:]
                for it in items:
                    if isinstance(it, F): data += it.bytes(role); out.append({**it.rec(conn, d), 'step': idx})
                    else: data += it
                idx += 1; nowait = k.endswith('-')
                if nowait and len(data) > 60000: raise SystemExit('too big for nowait')
                t = None
                if len(data) > 60000: t = threading.Thread(target=a.sendall, args=(data,)); t.start()
                else: a.sendall(data)
                s.pend = getattr(s, 'pend', {}); key = (id(b)); s.pend[key] = s.pend.get(key, b'') + data
                if not nowait:
                    want = s.pend.pop(key); got = b''
                    while len(got) < len(want):
                        x = b.recv(len(want) - len(got))
                        if not x: break
                        got += x
                    if got != want: print('MISMATCH', file, conn, len(got), len(want))
                if t: t.join()
                time.sleep(0.004)
            s.pend = {}
            for x in (c, sv):
                try: x.close()
                except OSError: pass
            time.sleep(0.02)
        ls.close(); time.sleep(0.3); td.send_signal(signal.SIGINT); td.wait(5)
        tf = file.replace('.pcap', '.ndjson'); open(f'{ROOT}/truth/{tf}', 'w').write(''.join(json.dumps(o, ensure_ascii=False) + '\n' for o in out))
        M = f'{ROOT}/run/manifest.ndjson'; L = [l for l in open(M).read().split('\n') if l and json.loads(l)['file'] != file] if os.path.exists(M) else []
        L.append(json.dumps({'file': file, 'truth': tf, 'script': s.script, 'made': 'raw-socket client and server, tcpdump -i ' + iface, 'contains': contains, 'check': check, **(manifest or {})}))
        open(M, 'w').write('\n'.join(L) + '\n')
        print(file, sum(o['kind'] == 'frame' for o in out), 'frames', sum(o['kind'] == 'message' for o in out), 'messages')

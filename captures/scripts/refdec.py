#!/usr/bin/env python3
"""Independent check decoder: pcap/pcapng(.gz) -> TCP streams -> HTTP/1.1 upgrade -> WebSocket frames -> messages.
Written only for these recordings, to prove that a capture holds what the endpoints say.
usage: refdec.py FILE...        -> NDJSON of messages (kind=message) and frames with --frames"""
import sys, struct, gzip, hashlib, json, zlib, re

def read_packets(fn):
    d = open(fn, 'rb').read()
    if d[:2] == b'\x1f\x8b': d = gzip.decompress(d)
    m = d[:4]
    if m in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1', b'\xa1\xb2\xc3\xd4', b'\xa1\xb2\x3c\x4d'):
        e = '<' if m[0] in (0xd4, 0x4d) else '>'
        lt = struct.unpack(e + 'I', d[20:24])[0] & 0xffff
        o = 24
        while o + 16 <= len(d):
            s, u, cl, wl = struct.unpack(e + 'IIII', d[o:o+16]); o += 16
            yield lt, d[o:o+cl], wl; o += cl
        return
    o = 0; e = '<'; ifs = []
    while o + 12 <= len(d):
        if d[o:o+4] == b'\x0a\x0d\x0d\x0a':
            e = '<' if d[o+8:o+12] == b'\x4d\x3c\x2b\x1a' else '>'; ifs = []
        t, ln = struct.unpack(e + 'II', d[o:o+8]); b = d[o+8:o+ln-4]
        if t == 1: ifs.append(struct.unpack(e + 'H', b[:2])[0])
        elif t == 6:
            i, _, _, cl, wl = struct.unpack(e + 'IIIII', b[:20]); yield ifs[i], b[20:20+cl], wl
        elif t == 3:
            wl = struct.unpack(e + 'I', b[:4])[0]; yield ifs[0], b[4:4+wl], wl
        o += ln

class Reasm:
    def __init__(s): s.frag = {}
    def l2(s, lt, p):
        try:
            if lt == 1: return s.ether(struct.unpack('>H', p[12:14])[0], p[14:])
            if lt == 113: return s.ether(struct.unpack('>H', p[14:16])[0], p[16:])
            if lt == 276: return s.ether(struct.unpack('>H', p[0:2])[0], p[20:])
            if lt in (101, 12, 228, 229): return s.ip(p)
            if lt == 0: return s.ip(p[4:])
        except (struct.error, IndexError): return None
    def ether(s, et, p):
        while et in (0x8100, 0x88a8, 0x9100): et = struct.unpack('>H', p[2:4])[0]; p = p[4:]
        if et in (0x0800, 0x86dd): return s.ip(p)
        if et == 0x8864: return s.ip(p[8:])
        if et == 0x8847:
            while not p[2] & 1: p = p[4:]
            return s.ip(p[4:])
    def ip(s, p):
        v = p[0] >> 4
        if v == 4:
            hl = (p[0] & 15) * 4; tl = struct.unpack('>H', p[2:4])[0]; pr = p[9]
            src = '.'.join(map(str, p[12:16])); dst = '.'.join(map(str, p[16:20]))
            fl = struct.unpack('>H', p[6:8])[0]; off = (fl & 0x1fff) * 8; mf = fl & 0x2000
            pay = p[hl:tl] if tl else p[hl:]
            if mf or off:
                pay = s.defrag((src, dst, pr, p[4:6]), off, mf, pay)
                if pay is None: return None
                tl = 0
            want = tl - hl if tl else len(pay)
        elif v == 6:
            pl = struct.unpack('>H', p[4:6])[0]; pr = p[6]; import ipaddress
            src = '[' + str(ipaddress.IPv6Address(p[8:24])) + ']'; dst = '[' + str(ipaddress.IPv6Address(p[24:40])) + ']'
            pay = p[40:40+pl] if pl else p[40:]; want = pl or len(pay)
            while pr in (0, 43, 60, 44):
                if pr == 44:
                    npr = pay[0]; o = struct.unpack('>H', pay[2:4])[0]
                    pay = s.defrag((src, dst, npr, pay[4:8]), o & ~7, o & 1, pay[8:]); pr = npr
                    if pay is None: return None
                    want = len(pay)
                else:
                    n = (pay[1] + 1) * 8; pr = pay[0]; pay = pay[n:]; want -= n
        else: return None
        if pr == 6: return ('tcp', src, dst, pay, want)
        if pr in (4, 41): return s.ip(pay)
        if pr == 47:
            f, et = struct.unpack('>HH', pay[:4]); o = 4
            for bit in (0x8000, 0x2000, 0x1000):
                if f & bit: o += 4
            if et == 0x6558: return s.l2(1, pay[o:])
            return s.ether(et, pay[o:])
        if pr == 17:
            sp, dp = struct.unpack('>HH', pay[:4])
            if 4789 in (sp, dp): return s.l2(1, pay[16:])
        return None
    def defrag(s, k, off, mf, pay):
        f = s.frag.setdefault(k, {'p': {}, 'end': None}); f['p'][off] = pay
        if not mf: f['end'] = off + len(pay)
        if f['end'] is None: return None
        o = 0; out = b''
        while o < f['end']:
            if o not in f['p']: return None
            out += f['p'][o]; o += len(f['p'][o])
        del s.frag[k]; return out

class Half:
    __slots__ = ('segs', 'isn', 'fin', 'first')
    def __init__(s): s.segs = []; s.isn = None; s.fin = None; s.first = None
    def stream(s):
        """reassembled prefix; stops at the first hole"""
        if s.isn is None:
            if not s.segs: return b'', False
            base = min(((q - s.segs[0][0] + (1 << 31)) & 0xffffffff) - (1 << 31) for q, _, _ in s.segs); base = (s.segs[0][0] + base) & 0xffffffff
        else: base = (s.isn + 1) & 0xffffffff
        L = []
        for q, b, want in s.segs:
            r = ((q - base + (1 << 31)) & 0xffffffff) - (1 << 31); L.append((r, b, want))
        L.sort(key=lambda x: x[0]); out = bytearray(); hole = False; pos = 0
        for r, b, want in L:
            if r < 0: b = b[-r:]; want += r; r = 0
            if r > pos: hole = True; break
            if r + len(b) > pos: out += b[pos - r:]; pos = r + len(b)
            if len(b) < want and r + want > pos: hole = True; break
        return bytes(out), hole

def flows(fn):
    R = Reasm(); F = {}; order = []; cur = {}
    for lt, p, wl in read_packets(fn):
        r = R.l2(lt, p)
        if not r or len(r[3]) < 20: continue
        _, src, dst, t, want = r
        sp, dp, seq, ack, of, fl = struct.unpack('>HHIIBB', t[:14]); hl = (of >> 4) * 4
        a, b = f'{src}:{sp}', f'{dst}:{dp}'; k = tuple(sorted((a, b)))
        if fl & 2 and not fl & 16 and k in cur and cur[k]['h'][a].isn not in (None, seq): del cur[k]
        if k not in cur:
            cur[k] = {'h': {a: Half(), b: Half()}, 'cli': None, 'k': k, 'pk': 0}; order.append(cur[k])
        c = cur[k]; h = c['h'][a]
        if fl & 2:
            h.isn = seq
            if not fl & 16: c['cli'] = a
            else: c['cli'] = b
        pay = t[hl:]; w = want - hl
        if w > 0: h.segs.append(((seq + (1 if fl & 2 else 0)) & 0xffffffff, pay[:w], w))
    return order

def http_head(b):
    i = b.find(b'\r\n\r\n')
    if i < 0: return None
    L = b[:i].split(b'\r\n'); hd = {}
    for l in L[1:]:
        n, _, v = l.partition(b':'); n = n.strip().lower().decode('latin1'); hd[n] = (hd[n] + ', ' if n in hd else '') + v.strip().decode('latin1')
    return L[0].decode('latin1'), hd, i + 4
def body_len(b, o, hd, req, status=None, method=None):
    if status is not None and (status in (204, 304) or 100 <= status < 200 or method == 'HEAD'): return o
    if 'chunked' in hd.get('transfer-encoding', ''):
        while True:
            i = b.find(b'\r\n', o)
            if i < 0: return None
            try: n = int(b[o:i].split(b';')[0], 16)
            except ValueError: return None
            o = i + 2 + n + 2
            if n == 0: return o
    if 'content-length' in hd: return o + int(hd['content-length'])
    return o if req else (o if status == 426 else len(b))

def ws_frames(b, o=0):
    out = []
    while o + 2 <= len(b):
        st = o; b0, b1 = b[o], b[o+1]; n = b1 & 127; o += 2; enc = 7
        if n == 126:
            if o + 2 > len(b): break
            n = struct.unpack('>H', b[o:o+2])[0]; o += 2; enc = 16
        elif n == 127:
            if o + 8 > len(b): break
            n = struct.unpack('>Q', b[o:o+8])[0]; o += 8; enc = 64
        key = None
        if b1 & 128:
            if o + 4 > len(b): break
            key = b[o:o+4]; o += 4
        if o + n > len(b):
            out.append({'fin': b0 >> 7, 'rsv': (b0 >> 4) & 7, 'op': b0 & 15, 'masked': b1 >> 7, 'len': n, 'enc': enc, 'off': st, 'partial': len(b) - o, 'data': b''}); return out, st
        d = b[o:o+n]; o += n
        if key and n:
            kk = (key * (n // 4 + 1))[:n]; d = (int.from_bytes(d, 'big') ^ int.from_bytes(kk, 'big')).to_bytes(n, 'big')
        out.append({'fin': b0 >> 7, 'rsv': (b0 >> 4) & 7, 'op': b0 & 15, 'masked': b1 >> 7, 'len': n, 'enc': enc, 'off': st, 'data': d})
    return out, o

def messages(frames, pmd):
    """pmd: None or dict(no_ctx, wbits)"""
    out = []; cur = None; z = None
    for f in frames:
        if 'partial' in f: break
        op = f['op']
        if op >= 8:
            out.append((op, f['data'], 1, False)); continue
        if op: cur = [op, [f['data']], f['rsv'] & 4, ]
        elif cur is None: out.append(('orphan', f['data'], 1, False)); continue
        else: cur[1].append(f['data'])
        if f['fin']:
            d = b''.join(cur[1]); comp = bool(cur[2] and pmd)
            if comp:
                if z is None or pmd['no_ctx']: z = zlib.decompressobj(-15)
                try: d = z.decompress(d + b'\0\0\xff\xff')
                except zlib.error as e: out.append(('badz', d, len(cur[1]), True)); z = None; cur = None; continue
                if z.eof: z = None
            out.append((cur[0], d, len(cur[1]), comp)); cur = None
    return out

def pmd_of(ext, side):
    m = re.search(r'permessage-deflate([^,]*)', ext or '')
    if not m: return None
    return {'no_ctx': (side + '_no_context_takeover') in m.group(1)}

def h2_streams(b, o):
    """frames of one direction -> {stream: {'h': [header lists], 'd': bytes, 'end': bool}}"""
    import hpack
    dec = hpack.Decoder(); dec.max_header_list_size = 1 << 20; S = {}; cur = None
    while o + 9 <= len(b):
        n = int.from_bytes(b[o:o+3], 'big'); t, fl = b[o+3], b[o+4]; sid = int.from_bytes(b[o+5:o+9], 'big') & 0x7fffffff; p = b[o+9:o+9+n]
        if len(p) < n: break
        o += 9 + n; st = S.setdefault(sid, {'h': [], 'd': bytearray(), 'end': False, 'rst': None})
        if t in (0, 1) and fl & 8: p = p[1:len(p)-p[0]]
        if t == 0: st['d'] += p
        elif t == 1:
            if fl & 0x20: p = p[5:]
            cur = bytearray(p)
            if fl & 4: st['h'].append(dec.decode(bytes(cur), raw=True))
        elif t == 9:
            cur += p
            if fl & 4: st['h'].append(dec.decode(bytes(cur), raw=True))
        elif t == 3: st['rst'] = int.from_bytes(p, 'big')
        if t in (0, 1) and fl & 1: st['end'] = True
    return S
def decode_h2(conn, C, S, holes):
    res = []; c = h2_streams(C, 24); s = h2_streams(S, 0)
    for sid, x in sorted(c.items()):
        if not x['h']: continue
        rq = dict(x['h'][0])
        if rq.get(b':protocol') != b'websocket': continue
        y = s.get(sid); rs = dict(y['h'][0]) if y and y['h'] else {}
        stt = int(rs.get(b':status', b'0')); ext = rs.get(b'sec-websocket-extensions', b'').decode() or None
        e = {'conn': f'{conn}#{sid}', 'statuses': [stt], 'up': stt == 200, 'ext': ext, 'holes': holes, 'cf': [], 'sf': [], 'c2s': [], 's2c': [], 'left': (0, 0)}
        if stt == 200:
            e['cf'], ce = ws_frames(bytes(x['d'])); e['sf'], se = ws_frames(bytes(y['d'])); e['left'] = (len(x['d']) - ce, len(y['d']) - se)
            e['c2s'] = messages(e['cf'], pmd_of(ext, 'client')); e['s2c'] = messages(e['sf'], pmd_of(ext, 'server'))
        res.append(e)
    return res
def decode(fn, want_frames=False, ws_ports=None):
    res = []
    for c in flows(fn):
        a, b = c['k']; cli = c['cli']
        sa, ha = c['h'][a].stream(); sb, hb = c['h'][b].stream()
        if cli is None:
            if sa[:4] in (b'GET ',): cli = a
            elif sb[:4] in (b'GET ',): cli = b
            else: cli = a if int(a.rsplit(':', 1)[1]) > int(b.rsplit(':', 1)[1]) else b
        srv = b if cli == a else a
        C, S = (sa, sb) if cli == a else (sb, sa)
        conn = f'{cli}>{srv}'
        if C.startswith(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'): res += decode_h2(conn, C, S, (ha, hb)); continue
        co = so = 0; up = None; statuses = []
        while up is None:
            q = http_head(C[co:])
            if not q or not re.match(r'[A-Z]+ \S+ HTTP/1', q[0]): break
            r = http_head(S[so:])
            while r and r[0].split(' ')[1][:1] == '1' and r[0].split(' ')[1] != '101': so += r[2]; r = http_head(S[so:])
            if not r or not r[0].startswith('HTTP/1'): break
            st = int(r[0].split(' ')[1]); statuses.append(st)
            if st == 101: up = (co + q[2], so + r[2], r[1]); break
            if q[0].startswith('CONNECT ') and 200 <= st < 300: co += q[2]; so += r[2]; continue
            n = body_len(C, co + q[2], q[1], True); m = body_len(S, so + r[2], r[1], False, st, q[0].split()[0])
            if n is None or m is None: break
            co, so = n, m
        if up is None:
            res.append({'conn': conn, 'statuses': statuses, 'up': False, 'c2s': [], 's2c': [], 'cf': [], 'sf': [], 'left': (len(C), len(S)), 'holes': (ha, hb)}); continue
        ext = up[2].get('sec-websocket-extensions')
        cf, ce = ws_frames(C, up[0]); sf, se = ws_frames(S, up[1])
        res.append({'conn': conn, 'statuses': statuses, 'up': True, 'ext': ext, 'c2s': messages(cf, pmd_of(ext, 'client')), 's2c': messages(sf, pmd_of(ext, 'server')), 'cf': cf, 'sf': sf, 'left': (len(C) - ce, len(S) - se), 'holes': (ha, hb)})
    return res
def rec(conn, d, m):
    op, b, fr, z = m; o = {'kind': 'message', 'conn': conn, 'dir': d, 'opcode': op, 'length': len(b), 'sha256': hashlib.sha256(b).hexdigest(), 'frames': fr, 'compressed': z}
    if op == 8 and len(b) >= 2: o['code'] = struct.unpack('>H', b[:2])[0]
    return o
def message(conn, way, opcode, payload):
    """A line of truth, but for who saw it."""
    line = {'kind': 'message', 'conn': conn, 'dir': way, 'opcode': opcode, 'length': len(payload),
            'sha256': hashlib.sha256(payload).hexdigest()}
    if opcode == 8 and payload:
        line.update(code=int.from_bytes(payload[:2], 'big'), reason=payload[2:].decode())
    elif opcode == 1 and len(payload) <= 200:
        line['text'] = payload.decode()
    return line
if __name__ == '__main__':
    fr = '--frames' in sys.argv
    for fn in [x for x in sys.argv[1:] if not x.startswith('--')]:
        for c in decode(fn):
            if fr:
                for d, k in (('c2s', 'cf'), ('s2c', 'sf')):
                    for f in c[k]: print(json.dumps({'conn': c['conn'], 'dir': d, **{x: f[x] for x in f if x != 'data'}, 'sha256': hashlib.sha256(f['data']).hexdigest()}))
            else:
                print(json.dumps({'kind': 'conn', 'conn': c['conn'], 'statuses': c['statuses'], 'up': c['up'], 'ext': c.get('ext'), 'left': c['left'], 'holes': c['holes']}))
                for d in ('c2s', 's2c'):
                    for m in c[d]: print(json.dumps(rec(c['conn'], d, m)))

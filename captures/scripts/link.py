#!/usr/bin/env python3
"""Userspace link between netns labA and labB (two TAP or TUN devices): loss, duplication, reordering, delay, IP
fragmentation, and a mirror port (veth labm0 -> labm1) with encapsulation. Ends on SIGTERM or after 60 s.
usage: link.py '{"loss":0.05,...}'"""
import os, sys, fcntl, struct, json, random, heapq, time, select, socket, ctypes, signal, subprocess
cfg = json.loads(sys.argv[1]); rnd = random.Random(cfg.get('seed', 1)); libc = ctypes.CDLL(None, use_errno=True)
signal.signal(signal.SIGTERM, lambda *a: sys.exit(0)); signal.alarm(60)
tun = cfg.get('mode') == 'tun'; root = os.open('/proc/self/ns/net', os.O_RDONLY)
def dev(ns, name, addr, addr6, mtu):
    fd = os.open('/run/netns/' + ns, os.O_RDONLY); assert libc.setns(fd, 0x40000000) == 0; os.close(fd)
    t = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK); fcntl.ioctl(t, 0x400454ca, struct.pack('16sH', name.encode(), (1 if tun else 2) | 0x1000))
    assert libc.setns(root, 0x40000000) == 0
    ip = lambda *a: subprocess.run(['ip', '-n', ns, *a], check=True)
    ip('addr', 'add', addr, 'dev', name); ip('-6', 'addr', 'add', addr6, 'dev', name, 'nodad'); ip('link', 'set', name, 'mtu', str(mtu), 'up'); ip('link', 'set', 'lo', 'up')
    for k, v in cfg.get('sysctl', {}).items(): subprocess.run(['ip', 'netns', 'exec', ns, 'sysctl', '-qw', f'{k}={v}'], check=True)
    return t
mtu = cfg.get('mtu', 1500)
A = dev('labA', 'tapA', '10.99.0.1/24', 'fd99::1/64', mtu); B = dev('labB', 'tapB', '10.99.0.2/24', 'fd99::2/64', mtu)
mir = None; M = cfg.get('mirror')
if M is not None: mir = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); mir.bind(('labm0', 0))
def ck(b):
    s = sum(struct.unpack('>%dH' % (len(b) // 2), b[:len(b) & ~1])) + (b[-1] << 8 if len(b) & 1 else 0)
    while s >> 16: s = (s & 0xffff) + (s >> 16)
    return ~s & 0xffff
def iph(proto, n, s='192.0.2.1', d='192.0.2.2', ident=[0]):
    ident[0] += 1; h = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + n, ident[0] & 0xffff, 0, 64, proto, 0, socket.inet_aton(s), socket.inet_aton(d)); return h[:10] + struct.pack('>H', ck(h)) + h[12:]
OUT = bytes.fromhex('02000000aa0202000000aa01'); vid = 100
def encap(f):
    e = M.get('encap'); eth, et, p = f[:12], f[12:14], f[14:]
    if e == 'vlan': return eth + b'\x81\x00' + struct.pack('>H', 5 << 13 | vid) + et + p
    if e == 'qinq': return eth + b'\x88\xa8' + struct.pack('>H', 200) + b'\x81\x00' + struct.pack('>H', vid) + et + p
    if et != b'\x08\x00' and e in ('mpls', 'pppoe', 'gre', 'ipip'): return None
    if e == 'mpls': return eth + b'\x88\x47' + struct.pack('>I', 1000 << 12 | 0 << 8 | 64) + struct.pack('>I', 2000 << 12 | 1 << 8 | 64) + p
    if e == 'pppoe': return eth + b'\x88\x64' + struct.pack('>BBHH', 0x11, 0, 0x1234, len(p) + 2) + b'\x00\x21' + p
    if e == 'gre': return OUT + b'\x08\x00' + iph(47, len(p) + 4) + b'\0\0\x08\0' + p
    if e == 'ipip': return OUT + b'\x08\x00' + iph(4, len(p)) + p
    if e == 'vxlan': u = struct.pack('>BBHI', 8, 0, 0, 42 << 8) + f; return OUT + b'\x08\x00' + iph(17, len(u) + 8) + struct.pack('>HHHH', 50000, 4789, len(u) + 8, 0) + u
    if e == 'erspan': g = struct.pack('>HHI', 0x1000, 0x88be, 1) + struct.pack('>HHI', 0x1000 | vid, 5, 7) + f; return OUT + b'\x08\x00' + iph(47, len(g)) + g
    return f
def mirror(f, d):
    if not mir or (M.get('dir') and M['dir'] != d): return
    if M.get('loss') and tcpdata(f) and rnd.random() < M['loss']: stat['mirror_lost'] += 1; return
    for _ in range(M.get('copies', 1)):
        x = encap(f)
        if x: mir.send(x)
def l3(f): return f[4:] if tun else f[14:]
def tcpdata(f):
    off = 4 if tun else 14; et = f[2:4] if tun else f[12:14]
    if et != b'\x08\x00': return et == b'\x86\xdd' and f[off + 6] == 6 and struct.unpack('>H', f[off+4:off+6])[0] > (f[off+40+12] >> 4) * 4
    ip = f[off:]; hl = (ip[0] & 15) * 4
    return ip[9] == 6 and struct.unpack('>H', ip[2:4])[0] > hl + (ip[hl + 12] >> 4) * 4
def fragment(f):
    m = cfg.get('frag'); off = 4 if tun else 14
    if not m or f[off-2:off] != b'\x08\x00' and not (tun and f[2:4] == b'\x08\x00'): return [f]
    ip = f[off:]; tl = struct.unpack('>H', ip[2:4])[0]
    if tl <= m or ip[6] & 0x40: return [f]
    hl = (ip[0] & 15) * 4; pay = ip[hl:tl]; step = (m - hl) & ~7; out = []
    for o in range(0, len(pay), step):
        c = pay[o:o + step]; h = bytearray(ip[:hl]); h[2:4] = struct.pack('>H', hl + len(c)); h[6:8] = struct.pack('>H', (o >> 3) | (0x2000 if o + step < len(pay) else 0)); h[10:12] = b'\0\0'; h[10:12] = struct.pack('>H', ck(bytes(h))); out.append(f[:off] + bytes(h) + c)
    stat['fragmented'] += 1
    if cfg.get('frag_reverse'): out.reverse()
    return out
stat = dict(pkts=0, lost=0, dup=0, reordered=0, fragmented=0, mirror_lost=0); q = []; seq = 0
def push(t, fd, f, d):
    global seq; seq += 1; heapq.heappush(q, (t, seq, fd, f, d))
print('ready', flush=True)
try:
    while True:
        now = time.monotonic()
        while q and q[0][0] <= now:
            _, _, fd, f, d = heapq.heappop(q)
            for x in fragment(f):
                mirror(x, d)
                try: os.write(fd, x)
                except OSError: pass
        to = max(0, q[0][0] - time.monotonic()) if q else 0.5
        r, _, _ = select.select([A, B], [], [], to)
        for fd in r:
            while True:
                try: f = os.read(fd, 65536)
                except BlockingIOError: break
                d = 'c2s' if fd == A else 's2c'; o = B if fd == A else A; stat['pkts'] += 1; t = time.monotonic() + cfg.get('delay', 0.0005)
                if tcpdata(f):
                    if rnd.random() < cfg.get('loss', 0): stat['lost'] += 1; continue
                    if rnd.random() < cfg.get('reorder', 0): t += cfg.get('reorder_delay', 0.004); stat['reordered'] += 1
                    if rnd.random() < cfg.get('dup', 0): push(t + 0.0007, o, f, d); stat['dup'] += 1
                push(t, o, f, d)
finally:
    if cfg.get('statfile'): json.dump(stat, open(cfg['statfile'], 'w'))

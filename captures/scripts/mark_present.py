#!/usr/bin/env python3
"""For captures that do not hold everything (capture loss, snaplen, one direction, mid-connection start): add to each truth
message
  in_capture: every byte of its frame(s) is in the capture file
  decodable:  in_capture, and (not compressed, or no context takeover in that direction, or every earlier compressed
              message of that direction is in the capture too)
The places of the frames are taken from a full capture of the same traffic (read with refdec.py).
usage: mark_present.py CAPTURE FULL_CAPTURE TRUTH_IN TRUTH_OUT"""
import sys, json, os, struct, hashlib; sys.path.insert(0, os.path.dirname(os.path.abspath(__file__))); import refdec
cap, full, tin, tout = sys.argv[1:5]
T = [json.loads(l) for l in open(tin) if l.strip()]
for t in T: t.pop('in_capture', None); t.pop('decodable', None)
ff = {c['k']: c for c in refdec.flows(full)}; pf = {c['k']: c for c in refdec.flows(cap)}; D = {c['conn']: c for c in refdec.decode(full)}; st = [0, 0, 0]
for conn, dc in D.items():
    cli, srv = conn.split('>')
    for d, a, fk in (('c2s', cli, 'cf'), ('s2c', srv, 'sf')):
        ms = [t for t in T if t['kind'] == 'message' and t['conn'] == conn and t['dir'] == d]
        if not ms: continue
        k = tuple(sorted((cli, srv))); h = ff[k]['h'][a]; base = (h.isn + 1) & 0xffffffff; frames = dc[fk]; stream, _ = h.stream()
        mi = []; cur = None
        for i, f in enumerate(frames):
            if f['op'] >= 8: mi.append((f['op'], f['data'], [i], False)); continue
            if f['op']: cur = [f['op'], [i], bool(f['rsv'] & 4)]
            else: cur[1].append(i)
            if f['fin']: mi.append((cur[0], None, cur[1], cur[2]))
        assert len(mi) == len(ms), (conn, d, len(mi), len(ms))
        iv = []
        if k in pf:
            for q, n in sorted((((q - base + (1 << 31)) & 0xffffffff) - (1 << 31), len(p)) for q, p, w in pf[k]['h'][a].segs if len(p)):
                if iv and q <= iv[-1][1]: iv[-1][1] = max(iv[-1][1], q + n)
                else: iv.append([q, q + n])
        end = [frames[i+1]['off'] if i + 1 < len(frames) else len(stream) for i in range(len(frames))]
        pmd = refdec.pmd_of(dc.get('ext'), 'client' if d == 'c2s' else 'server'); ctx = True
        for t, (op, _, fi, z) in zip(ms, mi):
            assert t['opcode'] == op, (conn, d, t, op)
            ok = all(any(x <= frames[i]['off'] and end[i] <= y for x, y in iv) for i in fi); t['in_capture'] = ok
            t['decodable'] = ok and (not z or pmd['no_ctx'] or ctx)
            if z and not ok: ctx = False
            st[0] += ok; st[1] += not ok; st[2] += t['decodable']
open(tout, 'w').write(''.join(json.dumps(t, ensure_ascii=False) + '\n' for t in T))
print(os.path.basename(cap), 'in capture', st[0], 'not', st[1], 'decodable', st[2])

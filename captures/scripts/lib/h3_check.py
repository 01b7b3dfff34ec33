#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads WebSockets over HTTP/3 from a capture with tshark's eyes and holds them against the truth.

tshark decrypts and finds the STREAM frames; putting the streams together, HTTP/3 frames, WebSocket frames and
inflating are done here. needs: tshark.  usage: h3_check.py [-v] NAME...   (in WSTRACE_RECORDED/captures, keys, truth)
07_h3_made.py uses it to tell what an incomplete capture still holds.
"""
import hashlib
import json
import os
import subprocess
import sys
import zlib

ROOT = os.environ.get('WSTRACE_RECORDED', 'build/recorded')
FIELDS = ['frame.number', 'quic.connection.number', 'udp.srcport', 'udp.dstport', 'quic.stream.stream_id',
          'quic.stream_data', 'quic.stream.off', 'quic.stream.offset', 'ip.src', 'ipv6.src']


def pieces(capture, keys):
    """(connection, source port, destination port, stream, offset, bytes, packet)"""
    command = ['tshark', '-n', '-r', capture, '-o', f'tls.keylog_file:{keys}', '-T', 'fields', '-E', 'separator=|',
               '-E', 'occurrence=a', '-E', 'aggregator=,']
    for f in FIELDS:
        command += ['-e', f]
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    for line in out.splitlines():
        f = dict(zip(FIELDS, line.split('|')))
        if not f.get('quic.stream.stream_id'):
            continue
        ids = [int(x, 0) for x in f['quic.stream.stream_id'].split(',')]
        datas = [d if all(x in '0123456789abcdef' for x in d) else '' for d in f['quic.stream_data'].split(',')]
        offs = f['quic.stream.off'].split(',')
        offsets = [int(x, 0) for x in f['quic.stream.offset'].split(',')] if f['quic.stream.offset'] else []
        conn = f['quic.connection.number'].split(',')[0]
        if len(datas) < len(ids):  # a STREAM frame of no byte: which one is not told
            datas += [''] * (len(ids) - len(datas))
        for i, stream in enumerate(ids):
            offset = offsets.pop(0) if offs[i] in ('1', 'True') else 0
            yield (conn, f['udp.srcport'], f['udp.dstport'], stream, offset, bytes.fromhex(datas[i]),
                   int(f['frame.number']))


def varint(b, at):
    n = 1 << (b[at] >> 6)
    if at + n > len(b):
        raise IndexError
    return int.from_bytes(b[at:at + n], 'big') & ((1 << (8 * n - 2)) - 1), at + n


class Half:
    """One way of one stream."""

    def __init__(self):
        self.parts = {}

    def add(self, offset, data):
        if data and len(self.parts.get(offset, b'')) < len(data):
            self.parts[offset] = data

    def bytes(self):
        out = bytearray()
        for offset in sorted(self.parts):
            data = self.parts[offset]
            if offset > len(out):
                break
            out[offset:offset + len(data)] = data if offset + len(data) > len(out) else out[offset:offset + len(data)]
        return bytes(out)

    def has(self, first, last):
        have = first
        for offset in sorted(self.parts):
            if offset <= have < offset + len(self.parts[offset]):
                have = offset + len(self.parts[offset])
        return have >= last


def data_of(stream):
    """(the DATA frames' payload, where each byte's frame stands: [(payload position, stream position)])"""
    payload, at, where = bytearray(), 0, []
    try:
        while at < len(stream):
            kind, p = varint(stream, at)
            length, p = varint(stream, p)
            if kind == 0:
                where.append((len(payload), p))
                payload += stream[p:p + length]
            at = p + length
    except IndexError:
        pass
    return bytes(payload), where


def messages(payload, deflate, no_context):
    """(opcode, data, first payload byte, last) of each message and control frame"""
    at, out, whole = 0, [], None
    inflater = zlib.decompressobj(-15)
    while at + 2 <= len(payload):
        begin = at
        fin, rsv1, op = payload[at] >> 7, payload[at] >> 6 & 1, payload[at] & 15
        masked, n = payload[at + 1] >> 7, payload[at + 1] & 127
        at += 2
        if n > 125:
            size = 2 if n == 126 else 8
            n = int.from_bytes(payload[at:at + size], 'big')
            at += size
        key = payload[at:at + 4] if masked else b''
        at += 4 if masked else 0
        data = payload[at:at + n]
        if len(data) < n:
            break
        at += n
        if masked and data:
            data = (int.from_bytes(data, 'big') ^ int.from_bytes((key * (n // 4 + 1))[:n], 'big')).to_bytes(n, 'big')
        if op >= 8:
            out.append((op, data, begin, at, False))
            continue
        if op:
            whole = [op, b'', rsv1, begin]
        if whole is None:
            break
        whole[1] += data
        if fin:
            if whole[2] and deflate:
                if no_context:
                    inflater = zlib.decompressobj(-15)
                whole[1] = inflater.decompress(whole[1] + b'\0\0\xff\xff')
            out.append((whole[0], whole[1], whole[3], at, bool(whole[2])))
            whole = None
    return out


def read(name, full=None):
    streams, ports = {}, {}
    keep = None
    if full:  # what tshark makes of the whole capture, without the packets that are left out: it needs the handshake
        with open(f'{ROOT}/run/{name}.kept', encoding='ascii') as file:
            keep = set(map(int, file.read().split()))
    found = pieces(f'{ROOT}/captures/{full or name}.pcap', f'{ROOT}/keys/{full or name}.keys')
    for conn, src, dst, stream, offset, data, packet in found:
        if keep is not None and packet not in keep:
            continue
        if conn not in ports:  # the server's port is below the system's choice of ports
            ports[conn] = (src, dst) if int(src) > int(dst) else (dst, src)
        way = 's2c' if src == ports[conn][1] else 'c2s'
        streams.setdefault((conn, stream), {'c2s': Half(), 's2c': Half()})[way].add(offset, data)
    return streams, ports


def truth_of(name):
    with open(f'{ROOT}/truth/{name}.ndjson', encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.strip()]


def compare(name, verbose):
    streams, ports = read(name)
    truth = truth_of(name)
    bad = total = 0
    used = set()
    for conn in dict.fromkeys(t['conn'] for t in truth if t['kind'] == 'message'):
        client, _, rest = conn.partition('>')
        stream = int(rest.split('#')[1])
        port = client.rsplit(':', 1)[1]
        hs = next((t for t in truth if t['kind'] == 'handshake' and t['conn'] == conn and t.get('status') == 200), {})
        ext = hs.get('extensions') or ''
        number = next((c for c, p in ports.items()
                       if p[0] == port and (c, stream) in streams and (c, stream) not in used), None)
        used.add((number, stream))
        for way, who in (('c2s', 'client'), ('s2c', 'server')):
            want = [(t['opcode'], t['sha256']) for t in truth
                    if t['kind'] == 'message' and t['conn'] == conn and t['dir'] == way]
            got = []
            if number is not None:
                payload, _ = data_of(streams[number, stream][way].bytes())
                got = [(m[0], hashlib.sha256(m[1]).hexdigest())
                       for m in messages(payload, 'deflate' in ext, f'{who}_no_context' in ext)]
            total += len(want)
            if want != got:
                bad += 1
                same = next((i for i, (a, b) in enumerate(zip(want, got)) if a != b), min(len(want), len(got)))
                if bad < 4:
                    print(f'{name} {conn} {way}: {len(got)} of {len(want)} messages, first difference at {same}')
            elif verbose:
                print(f'{name} {conn} {way}: {len(want)} ok')
    print(f'{name}: {total} messages, {len(ports)} connections, {"DIFFERS" if bad else "ok"}')
    return bad


def refers(stream):
    """Do the first fields of the stream need the dynamic table?"""
    _, at = varint(stream, 0)
    _, at = varint(stream, at)
    return stream[at] != 0


def holes(name, full, contains, begun=True):
    """The truth of a capture that is `full` without some packets; begun: the TLS handshake is in it."""
    whole, ports = read(full)
    left, _ = read(name, full)
    out = []
    place, fields = {}, {}
    truth = truth_of(full)

    def table_whole(number, way):
        """Is the encoder stream of that way all there?"""
        for (c, stream), halves in whole.items():
            data = halves[way].bytes()
            if c == number and stream % 4 == (2 if way == 'c2s' else 3) and data[:1] == b'\x02':
                return (left.get((c, stream), {}).get(way) or Half()).has(0, len(data))
        return True
    for conn in dict.fromkeys(t['conn'] for t in truth if t['kind'] == 'message'):
        client, _, rest = conn.partition('>')
        stream, port = int(rest.split('#')[1]), client.rsplit(':', 1)[1]
        number = next(c for c, p in ports.items() if p[0] == port and (c, stream) in whole)
        hs = next((t for t in truth if t['kind'] == 'handshake' and t['conn'] == conn and t.get('status') == 200), {})
        ext = hs.get('extensions') or ''
        asked = begun
        for way, who in (('c2s', 'client'), ('s2c', 'server')):
            payload, where = data_of(whole[number, stream][way].bytes())

            def at(position):
                base = max((w for w in where if w[0] <= position), default=(0, 0))
                return base[1] + position - base[0]
            half = left.get((number, stream), {}).get(way) or Half()
            if refers(whole[number, stream][way].bytes()) and not table_whole(number, way):
                asked = False
            flags, context = [], True
            for m in messages(payload, 'deflate' in ext, f'{who}_no_context' in ext):
                first, last = at(m[2]), at(m[3] - 1) + 1
                here = half.has(first, last)
                if m[4] and f'{who}_no_context' not in ext:
                    context = context and here
                flags.append((here, half.has(0, last) and begun, here and begun and (context or not m[4])))
            place[conn, way] = flags
            asked = asked and half.has(0, where[0][1] if where else 1)
        if not asked:  # no WebSocket without its request and answer
            for way in ('c2s', 's2c'):
                place[conn, way] = [(here, False, False) for here, _, _ in place[conn, way]]
        fields[conn] = asked
    seen = {}
    for t in truth:
        if t['kind'] == 'message':
            key = t['conn'], t['dir']
            i = seen[key] = seen.get(key, -1) + 1
            here, prefix, found = place[key][i]
            t = {**t, 'in_capture': here, 'decodable': prefix, 'recoverable': found}
        elif t['kind'] == 'handshake' and not fields.get(t['conn'], begun):
            t = {**t, 'in_capture': False}
        elif 'contains' in t:
            t = {**t, 'contains': f"{contains}; {t['contains']}"}
        out.append(t)
    with open(f'{ROOT}/truth/{name}.ndjson', 'w', encoding='utf-8') as file:
        file.writelines(json.dumps(t, ensure_ascii=False, separators=(',', ':')) + '\n' for t in out)
    count = [t for t in out if t['kind'] == 'message']
    print(name, len(count), 'messages', sum(t['in_capture'] for t in count), 'in capture',
          sum(t['decodable'] for t in count), 'decodable')


def main():
    verbose = '-v' in sys.argv
    return 1 if sum([compare(a, verbose) for a in sys.argv[1:] if a != '-v']) else 0


if __name__ == '__main__':
    sys.exit(main())

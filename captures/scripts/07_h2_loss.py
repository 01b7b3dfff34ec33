#!/usr/bin/env python3
"""Captures that lack something, from 07_h2c_prior (07_h2_node.js records it), with their truth:
  07_h2c_loss_2      without the client's first segment: preface and SETTINGS
  07_h2c_loss_7      without the answer to the first GET: a header block that later ones build on
  07_h2c_oneway_s2c  the server's packets alone
No segment that is taken out holds anything of a WebSocket, so every message stays in the capture. What can be read
then depends on the header blocks alone (captures/README.md: decodable, recoverable). usage: 07_h2_loss.py"""
import json
import os
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
from h2raw import DATA, HEADERS, PREFACE, manifest  # noqa: E402
from rawlab import ROOT  # noqa: E402

SOURCE, PORT, SCRIPT = '07_h2c_prior', 8080, '07_h2_loss.py'
FILE_HEADER, PACKET_HEADER, ETHERNET = 24, 16, 14


class Packet:
    """A record of the file, and the TCP segment in it: `at` is its place in its direction's bytes."""

    def __init__(self, record, start):
        ip = record[PACKET_HEADER + ETHERNET:]
        tcp = ip[(ip[0] & 15) * 4:struct.unpack('>H', ip[2:4])[0]]
        source, _, seq = struct.unpack('>HHI', tcp[:8])
        self.record, self.way = record, 's2c' if source == PORT else 'c2s'
        if tcp[13] & 2:
            start[self.way] = seq + 1
        self.payload = tcp[(tcp[12] >> 4) * 4:]
        self.at = (seq - start[self.way]) & 0xffffffff


def read_packets(path):
    whole, packets, start = open(path, 'rb').read(), [], {}
    place = FILE_HEADER
    while place < len(whole):
        size = PACKET_HEADER + struct.unpack('<I', whole[place + 8:place + 12])[0]
        packets.append(Packet(whole[place:place + size], start))
        place += size
    return whole[:FILE_HEADER], packets


def http2_frames(packets, way):
    """(place, type, stream) of every HTTP/2 frame of one direction; no packet is missing or comes twice."""
    whole = b''.join(p.payload for p in packets if p.way == way)
    place, frames = len(PREFACE) if way == 'c2s' else 0, []
    while place < len(whole):
        size, kind, _, stream = struct.unpack('>IBBI', b'\0' + whole[place:place + 9])
        frames.append((place, kind, stream))
        place += 9 + size
    return frames


def read_truth():
    with open(f'{ROOT}/truth/{SOURCE}.ndjson', encoding='utf-8') as file:
        return [t for t in map(json.loads, file) if t['kind'] in ('handshake', 'message')]


def write(name, header, packets, truth, contains):
    with open(f'{ROOT}/captures/{name}.pcap', 'wb') as file:
        file.write(header + b''.join(p.record for p in packets))
    with open(f'{ROOT}/truth/{name}.ndjson', 'w', encoding='utf-8') as file:
        for line in [{'kind': 'note', 'contains': contains}, *truth]:
            file.write(json.dumps(line, ensure_ascii=False) + '\n')
    manifest(f'{name}.pcap', truth=f'{name}.ndjson', script=SCRIPT, contains=contains, port=PORT, check='messages',
             made=f'{SOURCE}, packets left out')
    print(name, contains)


def stream_of(t):
    return int(t['conn'].partition('#')[2])


def lose(name, header, packets, lost, contains):
    """Without the packet `lost`."""
    truth, frames = read_truth(), http2_frames(packets, lost.way)
    end = lost.at + len(lost.payload)
    websockets = {stream_of(t) for t in truth}
    gone = [(kind, stream) for place, kind, stream in frames if lost.at <= place < end]
    assert gone and not any(stream in websockets for _, stream in gone)
    blocks_lost = any(kind == HEADERS for kind, _ in gone)
    later = {stream for place, kind, stream in frames if kind == HEADERS and place >= end}
    assert not any(kind == DATA and stream in websockets - later for place, kind, stream in frames if place >= end)
    for t in truth:
        t['in_capture'] = True
        if t['kind'] == 'message':
            t['decodable'] = stream_of(t) not in later
            t['recoverable'] = t['decodable'] or not blocks_lost
    write(name, header, [p for p in packets if p is not lost], truth, f'{SOURCE} {contains}')


def one_way(name, header, packets, contains):
    truth = read_truth()
    for t in truth:
        if t['kind'] == 'handshake':
            t['in_capture'] = False
        else:
            t.update(decodable=False, recoverable=False)
    write(name, header, [p for p in packets if p.way == 's2c'], truth, f'{SOURCE} {contains}')


def main():
    header, packets = read_packets(f'{ROOT}/captures/{SOURCE}.pcap')
    websockets = {stream_of(t) for t in read_truth()}
    first = next(p for p in packets if p.way == 'c2s' and p.payload)
    answer = next(place for place, kind, stream in http2_frames(packets, 's2c')
                  if kind == HEADERS and stream not in websockets)
    answering = next(p for p in packets if p.way == 's2c' and p.at <= answer < p.at + len(p.payload))
    lose('07_h2c_loss_2', header, packets, first, "without the client's first segment, preface and SETTINGS")
    lose('07_h2c_loss_7', header, packets, answering, 'without the answer to the first GET, HEADERS and DATA')
    one_way('07_h2c_oneway_s2c', header, packets,
            'server to client only; nothing has to be found, but what is told as certain must be true')


if __name__ == '__main__':
    main()

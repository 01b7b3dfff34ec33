#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What recordings become when the recorder misses packets, comes late or sees one way; and keys in the file.

In the truth of a capture with holes `in_capture` says that all bytes of a message are there, `decodable` that all
bytes of its stream up to its end are, `recoverable` what a reader gets that finds the next frame behind a hole.
needs: tshark, editcap.  usage: 07_h3_made.py
"""
import os
import random
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
import h3_check  # noqa: E402

ROOT = os.environ.get('WSTRACE_RECORDED', 'build/recorded')


def packets(path):
    with open(path, 'rb') as file:
        data = file.read()
    order = '<' if data[:4] in (b'\xd4\xc3\xb2\xa1', b'\x4d\x3c\xb2\xa1') else '>'
    at, out = 24, []
    while at + 16 <= len(data):
        size = struct.unpack(order + 'I', data[at + 8:at + 12])[0]
        out.append(data[at:at + 16 + size])
        at += 16 + size
    return data[:24], out


def server_sends(record):
    """Of Ethernet, IPv4, UDP: the lower port is the server's."""
    source, destination = struct.unpack('>HH', record[16 + 34:16 + 38])
    return source < destination


def make(name, full, contains, keep, begun=True):
    """keep(number from 1, record): is it left in?"""
    head, records = packets(f'{ROOT}/captures/{full}.pcap')
    kept = [i for i, r in enumerate(records, 1) if keep(i, r)]
    with open(f'{ROOT}/captures/{name}.pcap', 'wb') as file:
        file.write(head + b''.join(records[i - 1] for i in kept))
    with open(f'{ROOT}/run/{name}.kept', 'w', encoding='ascii') as file:
        file.write(' '.join(map(str, kept)))
    shutil.copy(f'{ROOT}/keys/{full}.keys', f'{ROOT}/keys/{name}.keys')
    h3_check.holes(name, full, f'{full}, {contains}', begun)


def lossy(share, seed, spared=12):
    dice = random.Random(seed)
    return lambda i, _: dice.random() >= share or i <= spared


def main():
    make('07_h3_missing_1', '07_h3_many', 'one packet in a hundred missing from the capture', lossy(.01, 3))
    make('07_h3_missing_5', '07_h3_many', 'one packet in twenty missing from the capture', lossy(.05, 4))
    make('07_h3_missing_mix', '07_h3_mix', 'one packet in fifty missing from the capture of a lossy network',
         lossy(.02, 5))
    make('07_h3_missing_tiny', '07_h3_split_data', 'one packet in fifty missing', lossy(.02, 6))
    make('07_h3_missing_qpack', '07_h3_qpack_dynamic',
         'one packet in twenty missing, with them parts of the encoder streams', lossy(.05, 7, 9))
    make('07_h3_gap', '07_h3_many', 'without the packets 60 to 90', lambda i, _: not 60 <= i <= 90)
    make('07_h3_midst', '07_h3_many', 'begins with packet 60: no handshake', lambda i, _: i >= 60, False)
    make('07_h3_oneway_c2s', '07_h3_many', "the client's packets alone", lambda i, r: not server_sends(r), False)
    make('07_h3_oneway_s2c', '07_h3_many', "the server's packets alone", lambda i, r: server_sends(r), False)
    make('07_h3_midst_updates', '07_h3_key_update', 'begins after the second key update', lambda i, _: i >= 24, False)
    full = '07_h3_many'
    subprocess.run(['editcap', '-F', 'pcapng', '--inject-secrets', f'tls,{ROOT}/keys/{full}.keys',
                    f'{ROOT}/captures/{full}.pcap', f'{ROOT}/captures/{full}_dsb.pcapng'], check=True)
    shutil.copy(f'{ROOT}/truth/{full}.ndjson', f'{ROOT}/truth/{full}_dsb.ndjson')


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each packet of an encrypted capture is left out in turn, as a tap that missed it would; then its beginning, as one
that came late would.

In:  captures with their key logs. Out: a line each; status 1 when anything is wrong:
  a message said to be certain that was not sent, or in another order than it was sent
  one that is not a part of any that was sent, though it is said to be uncertain
  a hole in the encrypted bytes that is passed over without a word
  a connection of TLS 1.3 whose handshake was left out, and of which nothing is read

usage: tls_drop.py [--tool WSTRACE] [-v] [CAPTURE...]
"""
import argparse
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

CAPTURES = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../../captures')
DEFAULT = ['06_tls13_keyupdate', '06_tls_connect_proxy', '06_tls12_cbc_no_etm', '06_tls13_chacha20']


def packets(data):
    """Where each record of a little-endian classic capture lies."""
    at, found = 24, []
    while at + 16 <= len(data):
        n = 16 + struct.unpack('<I', data[at + 8:at + 12])[0]
        found.append((at, n))
        at += n
    return found


def carries_data(packet):
    """Ethernet, IPv4, TCP with a payload."""
    ip = packet[16 + 14:]
    total, head = struct.unpack('>H', ip[2:4])[0], (ip[0] & 15) * 4
    return ip[9] == 6 and total > head + (ip[head + 12] >> 4) * 4


def said(tool, path, keys):
    run = subprocess.run([tool, '--json', '--keylog', keys, path], capture_output=True, check=False, timeout=120)
    if run.returncode:
        raise RuntimeError(f'exit status {run.returncode}: {run.stderr.decode(errors="replace")}')
    return [json.loads(line) for line in run.stdout.splitlines()]


def messages(events):
    """By stream and direction: (payload, certain)."""
    stream = {e['conn']: e['tcp_stream'] for e in events if e['type'] == 'handshake'}
    by = {}
    for e in events:
        if e['type'] == 'message':
            by.setdefault((stream[e['conn']], e['dir']), []).append((e['op'], e.get('text', e.get('b64')), e['certain']))
    return by


def wrong(whole, lossy):
    """What the lossy run says that the whole one did not."""
    found, kept = [], 0
    for key, got in lossy.items():
        sent, at = whole.get(key, []), 0
        for op, payload, certain in got:
            if not certain:
                if not any(s[0] == op and s[1].startswith((payload or '')[:-4]) for s in sent):
                    found.append(f'{key}: an uncertain {op} {payload!r:.40} that nobody sent')
                continue
            while at < len(sent) and sent[at][:2] != (op, payload):
                at += 1
            if at == len(sent):
                found.append(f'{key}: {op} {payload!r:.40} was not sent there')
                break
            at += 1
            kept += 1
    return found, kept


def join_late(tool, name, data, keys, whole):
    """Without the first third."""
    found = packets(data)
    with tempfile.TemporaryDirectory(prefix='wstrace-late-') as scratch:
        late = os.path.join(scratch, name + '.pcap')
        with open(late, 'wb') as file:
            file.write(data[:24] + data[found[len(found) // 3][0]:])
        got = messages(said(tool, late, keys))
    if 'tls13' not in name:
        return []
    stream = next(iter(whole))[0]
    bad, kept = wrong(whole, {(stream, way): told for (_, way), told in got.items()})
    return [f'without its beginning: {b}' for b in bad] if kept else ['without its beginning nothing is read']


def drop_each(tool, name, path, keys, verbose):
    with open(path, 'rb') as file:
        data = file.read()
    whole = messages(said(tool, path, keys))
    total = sum(len(m) for m in whole.values())
    bad, kept, runs = [], 0, 0
    with tempfile.TemporaryDirectory(prefix='wstrace-drop-') as scratch:
        lossy = os.path.join(scratch, name + '.pcap')
        for number, (at, n) in enumerate(packets(data), 1):
            if not carries_data(data[at:at + n]):
                continue
            with open(lossy, 'wb') as file:
                file.write(data[:at] + data[at + n:])
            events = said(tool, lossy, keys)
            found, k = wrong(whole, messages(events))
            told = any(e['type'] in ('gap', 'problem') for e in events)
            if k < total and not told:
                found.append('messages are missing, and nothing is said about it')
            bad += [f'without packet {number}: {f}' for f in found]
            if verbose:
                print(f'    without packet {number:3}: {k} of {total}')
            kept += k
            runs += 1
    bad += join_late(tool, name, data, keys, whole)
    print(f'{"wrong" if bad else "ok":5} {name}: each of {runs} packets left out; of {total} messages '
          f'{kept / max(runs, 1):.1f} are read on average')
    for line in bad[:10]:
        print('      ', line)
    return not bad and runs > 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('captures', nargs='*', help='with NAME.keys beside')
    options = parser.parse_args()
    files = options.captures or [os.path.join(CAPTURES, name + '.pcap') for name in DEFAULT]
    good = True
    for path in files:
        name = re.sub(r'\.pcap$', '', os.path.basename(path))
        good &= drop_each(options.tool, name, path, re.sub(r'\.pcap$', '.keys', path), options.verbose)
    return 0 if good else 1


if __name__ == '__main__':
    sys.exit(main())

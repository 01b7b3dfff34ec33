#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""HTTP/2 whose beginning was not captured: a tap that comes late, in the clear or with a key log.

In:  captures, those with NAME.keys beside them encrypted. Of each the first 1, 3, 10, 30 and 50 % of its packets are
     left out. Out: a line each; status 1 when anything is wrong:
  a message said to be certain that was not sent, or in another order than it was sent
  an accusation about HTTP/2 that is not raised where all packets are read
  of all messages whose packets were left, fewer than 9 in 10 are read (--least)

Not counted: a message of a stream that is zipped with what came before (it is read, and said to be uncertain); TLS
before 1.3, whose keys are made of both hellos, and a beginning between the hellos.

usage: late.py [--tool WSTRACE] [--least SHARE] [-v] [CAPTURE...]
"""
import argparse
import glob
import os
import re
import sys
import tempfile

from tls_drop import CAPTURES, packets, said, wrong

SHARES = [1, 3, 10, 30, 50]
SEALED = {'TLS 1.0', 'TLS 1.1', 'TLS 1.2'}


def told(events):
    """By what stays the same when the capture begins later: the client's port, the stream and the direction."""
    conns = {e['conn']: f"{e['client_port']}#{e['stream_id']}" for e in events if e['type'] == 'handshake'}
    found = {}
    for e in events:
        if e['type'] == 'message':
            found.setdefault((conns[e['conn']], e['dir']), []).append((e['op'], e.get('text', e.get('b64')), e['certain']))
    return found


def accused(events):
    return sum(e['type'] == 'problem' and e['id'] == 'http2.broken' for e in events)


def late(tool, path, scratch, verbose):
    name = re.sub(r'\.pcap$', '', os.path.basename(path))
    keys = re.sub(r'\.pcap$', '.keys', path)
    keys = keys if os.path.exists(keys) else os.devnull
    with open(path, 'rb') as file:
        data = file.read()
    found = packets(data)
    events = said(tool, path, keys)
    whole, bad, counts = told(events), [], [0, 0]
    old = any(e['type'] == 'handshake' and e['tls'] and e['tls']['version'] in SEALED for e in events)
    for share in SHARES:
        cut = max(1, len(found) * share // 100)
        if cut >= len(found):
            continue
        short = os.path.join(scratch, f'{name}.{share}.pcap')
        with open(short, 'wb') as file:
            file.write(data[:24] + data[found[cut][0]:])
        rest = said(tool, short, keys)
        got = told(rest)
        lies, kept = wrong(whole, got)
        left = sum(e['type'] == 'message' and e['first_pkt'] > cut for e in events)
        between = any(e['type'] == 'problem' and 'the ClientHello is not' in (e['detail'] or '') for e in rest)
        bad += [f'without {cut} packets: {line}' for line in lies]
        if accused(rest) > accused(events):
            bad.append(f'without {cut} packets: HTTP/2 is said to be broken')
        if verbose:
            print(f'    without {cut:4} of {len(found)}: {kept} of {left}')
        if not old and not between:
            unsure = sum(not certain for m in got.values() for _, _, certain in m)
            counts = [counts[0] + min(kept + unsure, left), counts[1] + left]
    return name, bad, counts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--least', type=float, default=0.9)
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('captures', nargs='*', help='with NAME.keys beside')
    options = parser.parse_args()
    files = options.captures or sorted(glob.glob(os.path.join(CAPTURES, '07_h2*.pcap')))
    good, counts = bool(files), [0, 0]
    with tempfile.TemporaryDirectory(prefix='wstrace-late-') as scratch:
        for path in files:
            name, bad, (kept, left) = late(options.tool, path, scratch, options.verbose)
            counts = [counts[0] + kept, counts[1] + left]
            good &= not bad
            print(f'{"wrong" if bad else "ok":5} {name}: {kept} of {left} messages are read')
            for line in bad[:10]:
                print('      ', line)
    share = counts[0] / max(counts[1], 1)
    print(f'{counts[0]} of {counts[1]} messages, {100 * share:.1f} %')
    return 0 if good and share >= options.least else 1


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Real traffic of sound endpoints: what is found has its reason in the endpoints' own records, and nothing is an
error but where the record shows it.

usage: test_good.py [CAPTURES TRUTH]     folders; families 01, 02, 03 and 08 are looked at
"""
import glob
import json
import os
import subprocess
import sys

from talk import SOURCE, TOOL

CAPTURES = sys.argv[1] if len(sys.argv) > 2 else os.path.join(SOURCE, 'captures')
TRUTH = sys.argv[2] if len(sys.argv) > 2 else os.path.join(SOURCE, 'captures/truth')
CLOSE, PING, PONG = 8, 9, 10
TOO_LARGE = 16 << 20  # --max-message


def closes(truth, way=None):
    return [t for t in truth if t['kind'] == 'message' and t['opcode'] == CLOSE and way in (None, t['dir'])]


def payloads(truth, opcode, way):
    return [t['sha256'] for t in truth if t['kind'] == 'message' and t['opcode'] == opcode and t['dir'] == way]


def other(way):
    return 's2c' if way == 'c2s' else 'c2s'


# What the records of the connection must say, so that a finding is right.
REASONS = {
    'close.missing': ('neither endpoint wrote down a close, or this one none',
                      lambda f, truth: not closes(truth) or (f['dir'] and not closes(truth, f['dir']))),
    'frame.mask-few': ('Boost.Beast 1.74 takes sixteen keys from one block', lambda f, truth: True),
    'handshake.deflate-unsaid': ('Boost.Beast, as a server, leaves out 15 bits that were asked for', lambda f, truth: True),
    'close.no-reply': ('one endpoint wrote down a close, the other none',
                       lambda f, truth: closes(truth, other(f['dir'])) and not closes(truth, f['dir'])),
    'close.not-awaited': ('its sender wrote down a close, the other endpoint none',
                          lambda f, truth: closes(truth, f['dir']) and not closes(truth, other(f['dir']))),
    'limit.message': ('a message larger than the limit',
                      lambda f, truth: any(t['kind'] == 'message' and t['length'] > TOO_LARGE for t in truth)),
    'handshake.stripped': ('nginx without the lines that pass an upgrade on: no WebSocket came of it',
                           lambda f, truth: not any(t['kind'] == 'message' for t in truth)),
    'handshake.refusal-body': ('what the server behind that nginx answers to a plain request',
                               lambda f, truth: f['detail'] == 'the answer says: plain http ok' and
                               not any(t['kind'] == 'message' for t in truth)),
    'control.pong-unasked': ('a pong whose payload is that of no ping',
                             lambda f, truth: set(payloads(truth, PONG, f['dir']))
                             - set(payloads(truth, PING, other(f['dir'])))
                             or len(payloads(truth, PONG, f['dir'])) > len(payloads(truth, PING, other(f['dir'])))),
    'message.compressed-larger': ('noise, compressed all the same',
                                  lambda f, truth: int(f['detail'].split()[0]) in
                                  [t.get('length') for t in truth if t['kind'] == 'message']),
    'close.client-first': ('both wrote down a close', lambda f, truth: closes(truth, 'c2s') and closes(truth, 's2c')),
    'handshake.body': ('Kamailio: the client got a 101 with a Content-Length',
                       lambda f, truth: any(t['kind'] == 'handshake' and t.get('status') == 101 and
                                            t.get('content_length') == '0' for t in truth)),
}
ERRORS = {'handshake.body'}
ONLY = {'frame.mask-few': '03_beast', 'handshake.deflate-unsaid': '03_beast'}  # what one peer does


def records(path):
    """conn of the truth -> its lines."""
    out = {}
    with open(path, encoding='utf-8') as file:
        for line in file:
            t = json.loads(line)
            out.setdefault(t.get('conn'), []).append(t)
    return out


def address(end):
    return f"{end['ip']}:{end['port']}"


def main():
    wrong = captures = 0
    told = {}
    paths = [p for family in ('01', '02', '03', '08') for p in sorted(glob.glob(f'{CAPTURES}/{family}_*.pcap*'))]
    for path in paths:
        name = os.path.basename(path).split('.')[0]
        truth = records(os.path.join(TRUTH, f'{name}.ndjson'))
        done = subprocess.run([TOOL, 'lint', '--json', path], capture_output=True, check=False)
        captures += 1
        errors = 0
        for line in map(json.loads, done.stdout.splitlines()):
            for f in line.get('findings', ()) if line['type'] == 'lint' else ():
                conn = f"{address(line['client'])}>{address(line['server'])}"
                errors += f['level'] == 'error'
                told[f['id']] = told.get(f['id'], 0) + 1
                why = REASONS.get(f['id'])
                if (f['level'] == 'error') != (f['id'] in ERRORS) or not why or ONLY.get(f['id'], name) != name or \
                        not why[1](f, truth.get(conn, [])):
                    wrong += 1
                    print(f"WRONG  {name}, connection {line['conn']} ({conn}): {f['level']} {f['id']}: {f['detail']}")
        if done.returncode != (errors > 0):
            wrong += 1
            print(f'WRONG  {name}: exit status {done.returncode}')
    for i, n in sorted(told.items()):
        print(f'{i:28} {n:4} connections and directions: {REASONS.get(i, ("?",))[0]}')
    print(f'{captures} captures, {wrong} wrong')
    return 1 if wrong or not captures else 0


sys.exit(main())

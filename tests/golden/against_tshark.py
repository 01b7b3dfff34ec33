#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the frames wstrace finds in a capture against those tshark finds.

In:  captures. Out: a line each, and what only one of them has. For the one who reads a new golden file:
where tshark is right (see README.md) they agree; it is no test, since tshark often is not. Beside an encrypted
capture lies its key log, NAME.keys, or rsa.key.

usage: against_tshark.py [--tool WSTRACE] CAPTURE...
"""
import argparse
import collections
import json
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as tree

FIELDS = ['frame.number', 'websocket.opcode', 'websocket.fin', 'websocket.masking_key',
          'websocket.payload_length', 'websocket.payload_length_ext_16', 'websocket.payload_length_ext_64']


def keys_of(path):
    """(key log, private key), None for what is not there."""
    log = re.sub(r'\.pcap(ng)?$', '.keys', path)
    key = os.path.join(os.path.dirname(path), 'rsa.key')
    return (log if os.path.exists(log) else None), (key if '_privkey' in path else None)


def by_tshark(path):
    words = ['tshark', '-n', '-r', path, '-o', 'tcp.reassemble_out_of_order:TRUE', '-2', '-Y', 'websocket',
             '-T', 'pdml']
    log, key = keys_of(path)
    words += ['-o', f'tls.keylog_file:{log}'] if log else []
    words += ['-o', f'uat:rsa_keys:"{key}",""'] if key else []
    out = subprocess.run(words, capture_output=True, check=False).stdout
    for packet in tree.fromstring(out).iter('packet'):
        number = int(packet.find("proto[@name='geninfo']/field[@name='num']").get('show'))
        for layer in packet.findall("proto[@name='websocket']"):
            field = {f.get('name'): f.get('show') for f in layer.iter('field')}
            length = field.get('websocket.payload_length_ext_64') or \
                field.get('websocket.payload_length_ext_16') or field['websocket.payload_length']
            yield (number, int(field['websocket.opcode']), field['websocket.fin'] in ('1', 'True'),
                   field.get('websocket.masking_key', '').replace(':', ''), int(length))


def by_wstrace(tool, path):
    log, key = keys_of(path)
    words = [*(['--keylog', log] if log else []), *(['--rsa-key', key] if key else [])]
    out = subprocess.run([tool, '--json', *words, path], capture_output=True, check=False).stdout
    for line in out.splitlines():
        e = json.loads(line)
        if e['type'] == 'frame':
            yield e['pkt'], e['opcode'], e['fin'], e['mask_key'] or '', e['len']


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('captures', nargs='+')
    options = parser.parse_args()
    for path in options.captures:
        theirs = collections.Counter(by_tshark(path))
        ours = collections.Counter(by_wstrace(options.tool, path))
        both = sum((theirs & ours).values())
        print(f'{both:5} frames of both, {sum((theirs - ours).values())} only tshark, '
              f'{sum((ours - theirs).values())} only wstrace  {os.path.basename(path)}')
        for name, rest in (('tshark ', theirs - ours), ('wstrace', ours - theirs)):
            for frame in sorted(rest)[:5]:
                print('        ', name, *frame)
    return 0


if __name__ == '__main__':
    sys.exit(main())

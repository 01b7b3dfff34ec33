#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds the frames wstrace finds in a capture against those tshark finds.

In:  captures. Out: a line each, and what only one of them has. For the one who reads a new golden file:
where tshark is right (see README.md) they agree; it is no test, since tshark often is not.

usage: against_tshark.py [--tool WSTRACE] CAPTURE...
"""
import argparse
import collections
import json
import os
import subprocess
import sys
import xml.etree.ElementTree as tree

FIELDS = ['frame.number', 'websocket.opcode', 'websocket.fin', 'websocket.masking_key',
          'websocket.payload_length', 'websocket.payload_length_ext_16', 'websocket.payload_length_ext_64']


def by_tshark(path):
    words = ['tshark', '-n', '-r', path, '-o', 'tcp.reassemble_out_of_order:TRUE', '-2', '-Y', 'websocket',
             '-T', 'pdml']
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
    out = subprocess.run([tool, '--json', path], capture_output=True, check=False).stdout
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

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what wstrace says of messages against what the endpoints' own libraries read.

In:  captures, and the truth of each, TRUTH_DIR/NAME.ndjson, with lines {"kind":"packet"}.
Out: a line per capture; below it, every difference. No capture with such lines is a failure.

Compared, for each connection and direction, in order: every packet's name; its fields, all of them,
unless the truth has none; `error`; its body (`text`, `b64`, `json`) where the truth has one.

usage: check_apps.py [--tool WSTRACE] --truth-dir DIR [-v] FILE|FOLDER...
"""
import argparse
import glob
import json
import os
import re
import subprocess
import sys

CAPTURE = re.compile(r'\.(pcap|pcapng|cap)\d*(\.gz)?$')
BODIES = ('text', 'b64', 'json')


def truth_of(path):
    """Packets by (connection, direction); none when the truth has no packets, or is not there."""
    table = {}
    if os.path.exists(path):
        with open(path, encoding='utf-8') as file:
            for line in file:
                t = json.loads(line)
                if t.get('kind') == 'packet':
                    table.setdefault((t['conn'], t['dir']), []).append(t)
    return table


def said_in(tool, capture):
    """The same of what wstrace says; and the messages that it calls strange."""
    run = subprocess.run([tool, '--no-sandbox', '--json', '--apps', '--utc', capture], capture_output=True,
                         check=True)
    table, names, strange = {}, {}, []
    for line in run.stdout.decode('utf-8').splitlines():
        e = json.loads(line)
        if e['type'] == 'handshake':
            names[e['conn']] = f"{e['client_ip']}:{e['client_port']}>{e['server_ip']}:{e['server_port']}"
        elif e['type'] == 'message' and 'app' in e:
            table.setdefault((names[e['conn']], e['dir']), []).extend(e['app']['packets'])
            if e['app']['strange'] or e['app']['omitted']:
                strange.append(f"message {e['msg']} of {names[e['conn']]}: {json.dumps(e['app'])[:200]}")
    return table, strange


def differences(true, said):
    if said['name'] != true['name']:
        yield f"name {said['name']}, truly {true['name']}"
        return
    if 'fields' in true and said['fields'] != true['fields']:
        yield f"{true['name']}: fields {json.dumps(said['fields'])}, truly {json.dumps(true['fields'])}"
    if 'error' in true and said['error'] != true['error']:
        yield f"{true['name']}: error {said['error']}, truly {true['error']}"
    for body in BODIES:
        if body in true and (body not in said or said[body] != true[body]):
            yield f"{true['name']}: {body} {json.dumps(said.get(body))[:200]}, truly {json.dumps(true[body])[:200]}"


def check(tool, capture, true):
    said, bad = said_in(tool, capture)
    for key in sorted(true):
        ours = said.get(key, [])
        for n, (t, s) in enumerate(zip(true[key], ours)):
            bad += [f'{key[0]} {key[1]}, packet {n}: {d}' for d in differences(t, s)]
        if len(true[key]) != len(ours):
            bad.append(f'{key[0]} {key[1]}: {len(ours)} packets, truly {len(true[key])}')
    bad += [f'{key[0]} {key[1]}: packets of which the truth knows nothing' for key in said
            if said[key] and key not in true]
    return bad


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--tool', default='build/release/wstrace')
    parser.add_argument('--truth-dir', required=True)
    parser.add_argument('-v', action='store_true')
    parser.add_argument('paths', nargs='+')
    args = parser.parse_args()
    files = []
    for path in args.paths:
        files += sorted(glob.glob(os.path.join(path, '*'))) if os.path.isdir(path) else [path]
    compared = failed = 0
    for file in files:
        if not CAPTURE.search(file):
            continue
        true = truth_of(os.path.join(args.truth_dir, CAPTURE.sub('', os.path.basename(file)) + '.ndjson'))
        if not true:
            continue
        bad = check(args.tool, file, true)
        compared += 1
        failed += bool(bad)
        if bad or args.v:
            print(f"{'DIFFERS' if bad else 'ok'} {os.path.basename(file)}: {sum(map(len, true.values()))} packets")
        for b in bad[:20]:
            print('   ', b)
    print(f'{compared} compared, {failed} differ')
    return 1 if failed or not compared else 0


sys.exit(main())

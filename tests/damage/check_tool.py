#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A damaged file, as the user of the tool meets it: all that can be decoded is printed, the error
says where, exit status 2. A file cut between two packets is a whole file: exit status 0.

usage: check_tool.py --tool WSTRACE CAPTURES
"""
import argparse
import gzip
import json
import os
import struct
import subprocess
import sys
import tempfile

found = []


def run(tool, path, *arguments):
    return subprocess.run([tool, *arguments, path], capture_output=True, check=False, timeout=60)


def events(run_):
    return [json.loads(line) for line in run_.stdout.decode('utf-8').splitlines()]


def timeline(run_):
    """What a later cut does not change: neither ends and totals, nor what is left unfinished."""
    return [e for e in events(run_) if e['type'] not in ('meta', 'end', 'stats', 'problem', 'gap')
            and e.get('complete', True) and e.get('certain', True)]


def boundaries(data):
    """Where the packets of a little-endian classic pcap end; the first is the file header's end."""
    at, ends = 24, [24]
    while at + 16 <= len(data):
        at += 16 + struct.unpack('<I', data[at + 8:at + 12])[0]
        ends.append(at)
    return ends


def expect(true, name, what, run_):
    if not true:
        found.append(f'{name}: {what}\n    {run_.stderr.decode(errors="replace").strip()[-300:]}')


def check_cuts(tool, folder, scratch, name):
    with open(os.path.join(folder, name), 'rb') as file:
        data = file.read()
    path = os.path.join(scratch, name)
    whole = timeline(run(tool, os.path.join(folder, name), '--json'))
    ends = boundaries(data)
    places = {n for end in ends[:: max(1, len(ends) // 8)] for n in (end, end + 3, end + 40)}
    for n in sorted(p for p in places if p < len(data)):
        with open(path, 'wb') as file:
            file.write(data[:n])
        got = run(tool, path, '--json')
        title = f'{name} cut to {n} bytes'
        status = 0 if n in ends else 2
        expect(got.returncode == status, title, f'exit status {got.returncode} instead of {status}', got)
        expect(bool(got.stderr) or status == 0, title, 'nothing on standard error', got)
        if got.returncode == 2:
            expect(any(c.isdigit() for c in got.stderr.decode(errors='replace').replace(path, '')), title,
                   'the error does not say where', got)
        lines = timeline(got)
        expect(lines == whole[:len(lines)], title, 'what comes before the cut is not the same', got)
        complete = sum(1 for end in ends if end <= n) - 1
        missing = [e for e in whole[len(lines):] if e['pkt'] <= complete]
        expect(not missing, title, f'{len(missing)} events of whole packets are missing', got)


def check_odd_files(tool, folder, scratch):
    with open(os.path.join(folder, '01_ws_plain_basic.pcap'), 'rb') as file:
        data = file.read()
    foreign = bytearray(data)
    foreign[20:24] = struct.pack('<I', 4711) # a link type nobody knows
    for name, content, says in (
            ('empty.pcap', b'', None), ('text.pcap', b'This is not a capture.\n' * 20, None),
            ('header.pcap', data[:20], None), ('link.pcap', bytes(foreign), '4711'),
            ('cut.pcap.gz', gzip.compress(data)[:-40], None),
            ('crc.pcap.gz', gzip.compress(data)[:-8] + bytes(8), None)):
        path = os.path.join(scratch, name)
        with open(path, 'wb') as file:
            file.write(content)
        got = run(tool, path, '--json')
        expect(got.returncode == 2, name, f'exit status {got.returncode} instead of 2', got)
        expect(bool(got.stderr), name, 'nothing on standard error', got)
        if says:
            expect(says in got.stderr.decode(errors='replace'), name, f'{says} is not named', got)
        events(got)
    got = run(tool, os.path.join(scratch, 'there is no such file'), '--json')
    expect(got.returncode == 2 and got.stderr, 'no such file', f'exit status {got.returncode}', got)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', required=True)
    parser.add_argument('folder')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        for name in ('01_ws_plain_basic.pcap', '05_rfc6455_examples.pcap', '02_pmd_default.pcap'):
            check_cuts(options.tool, options.folder, scratch, name)
        check_odd_files(options.tool, options.folder, scratch)
    print('\n'.join(found) or 'damaged files end as they should')
    return 1 if found else 0


sys.exit(main())

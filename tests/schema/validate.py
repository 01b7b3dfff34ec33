#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds real output against docs/events.schema.json, and against what a schema cannot say.

usage: validate.py [--tool WSTRACE] [--strict] [--extra-args 'ARGS'] FILE|FOLDER...
       validate.py --stdin [--strict] < EVENTS       without running anything
--strict: also refuse fields the schema does not name; our own output has none.
Exit: 0 fine, 1 differences, 77 python3-jsonschema is not installed.
"""
import argparse
import base64
import copy
import glob
import json
import os
import re
import shlex
import subprocess
import sys

try:
    from jsonschema import Draft202012Validator
except ImportError:
    print('skipped: python3-jsonschema is not installed (.ci/deps test)')
    sys.exit(77)

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
CAPTURE = re.compile(r'\.(pcap|pcapng|cap)\d*(\.gz)?$')
OPS = ['continuation', 'text', 'binary', *(f'reserved-{i}' for i in range(3, 8)),
       'close', 'ping', 'pong', *(f'reserved-{i}' for i in range(11, 16))]


def no_unknown_fields(schema):
    schema = copy.deepcopy(schema)
    for name, definition in schema['$defs'].items():
        if definition.get('type') == 'object' and 'properties' in definition:
            definition['additionalProperties'] = False
    return schema


class Schema:
    """A validator for each type: far faster than trying all nine."""

    def __init__(self, strict):
        with open(os.path.join(SOURCE, 'docs', 'events.schema.json'), encoding='utf-8') as file:
            schema = json.load(file)
        Draft202012Validator.check_schema(schema)
        self.types = schema['properties']['type']['enum']
        if strict:
            schema = no_unknown_fields(schema)
        self.of = {t: Draft202012Validator({'$defs': schema['$defs'], '$ref': f'#/$defs/{t}'})
                   for t in self.types}

    def errors(self, event):
        if not isinstance(event, dict) or event.get('type') not in self.of:
            yield 'not an event'
            return
        for error in self.of[event['type']].iter_errors(event):
            yield f"{'/'.join(map(str, error.absolute_path)) or event['type']}: {error.message[:300]}"


def problem_rows():
    """id -> (level, rfc) of include/wstrace/problems.def."""
    with open(os.path.join(SOURCE, 'include', 'wstrace', 'problems.def'), encoding='utf-8') as file:
        text = file.read()
    rows = re.findall(r'WST_PROBLEM_ROW\(\w+,\s*"([^"]+)",\s*WST_(\w+),\s*WST_\w+,\s*(NULL|"[^"]*")', text)
    return {i: (level.lower(), None if rfc == 'NULL' else rfc.strip('"')) for i, level, rfc in rows}


def payload_size(event):
    if 'text' in event:
        return len(event['text'].encode('utf-8'))
    return len(base64.b64decode(event['b64'], validate=True)) if 'b64' in event else None


class Invariants:
    """What holds between the lines of one timeline."""

    def __init__(self, complain, problems):
        self.say = complain
        self.problems = problems
        self.conns = {}         # number -> state
        self.pkt, self.ts = 0, None
        self.previous = None
        self.counts = dict(frames=0, messages=0, connections=0, refused=0, gaps=0)
        self.levels = dict(error=0, warning=0, note=0)
        self.found, self.found_of = {}, {}

    def expect(self, true, line, what):
        if not true:
            self.say(line, what)

    def event(self, line, e):
        kind = e['type']
        self.expect((kind == 'meta') == (line == 1), line, 'meta is the first line and only that')
        if self.previous and self.previous['type'] == 'stats':
            self.say(line, 'a line after stats')
        if 'pkt' in e:
            self.expect(e['pkt'] >= self.pkt, line, f"pkt goes back from {self.pkt} to {e['pkt']}")
            if e['pkt'] == self.pkt:
                self.expect(e['ts'] == self.ts, line, f"packet {e['pkt']} at {e['ts']}, before at {self.ts}")
            self.pkt, self.ts = max(self.pkt, e['pkt']), e['ts']
        conn = None
        if e.get('conn') is not None:
            if e['conn'] not in self.conns:
                self.expect(e['conn'] == len(self.conns) + 1, line, f"conn {e['conn']} is not the next")
                self.conns[e['conn']] = dict(n=0, msg=0, accepted=None, ended=False, of={}, done=set(),
                                             frames={'c2s': [], 's2c': []}, closes=[], pkt={},
                                             sums={d: dict(frames=0, messages=0, wire_bytes=0, bytes=0, gaps=0)
                                                   for d in ('c2s', 's2c')})
            conn = self.conns[e['conn']]
            self.expect(not conn['ended'], line, 'an event after its end')
        getattr(self, kind, lambda *_: None)(line, e, conn)
        self.previous = e

    def handshake(self, line, e, conn):
        self.expect(conn['accepted'] is None, line, 'a second handshake of one connection')
        conn['accepted'] = e['accepted']
        self.counts['connections' if e['accepted'] else 'refused'] += 1
        if e['accept_ok'] is not None:
            self.expect(e['accept_ok'] == (e['server_accept'] == e['accept_expected']), line, 'accept_ok')
        if e['request_pkt'] is not None:
            self.expect(e['request_pkt'] <= e['pkt'], line, 'request_pkt is later than pkt')
        if not e['accepted']:
            self.expect(e['deflate'] is None, line, 'refused, and yet deflate was agreed')

    def frame(self, line, e, conn):
        self.counts['frames'] += 1
        self.expect(conn['accepted'], line, 'a frame of a connection that was not accepted')
        conn['n'] += 1
        self.expect(e['n'] == conn['n'], line, f"n {e['n']} after {conn['n'] - 1}")
        self.expect(e['op'] == OPS[e['opcode']], line, 'op and opcode')
        length = 0 if e['header_len'] - 4 * e['masked'] == 2 else 2 if e['header_len'] - 4 * e['masked'] == 4 else 8
        self.expect(length or e['len'] < 126, line, 'len does not fit header_len')
        self.expect(length != 2 or e['len'] < 65536, line, 'len does not fit header_len')
        before = conn['frames'][e['dir']]
        if before:
            b = before[-1]
            end = b['offset'] + b['header_len'] + b['len']
            if conn['sums'][e['dir']]['gaps'] or not b['complete']:
                self.expect(e['offset'] > b['offset'], line, 'offset does not grow')
            else:
                self.expect(e['offset'] == end, line, f"offset {e['offset']} instead of {end}")
        before.append(e)
        if e['msg'] is not None:
            if e['msg'] not in conn['of']:
                conn['msg'] += 1
                self.expect(e['msg'] == conn['msg'], line, f"msg {e['msg']} after {conn['msg'] - 1}")
            conn['of'].setdefault(e['msg'], []).append(e)
            self.expect(e['msg'] not in conn['done'], line, 'a frame of a message that was complete')
        size = payload_size(e)
        if size is not None and e['complete']:
            self.expect(size + e.get('omitted', 0) == e['len'], line, f"payload of {size} bytes, len {e['len']}")
        sums = conn['sums'][e['dir']]
        sums['frames'] += 1

    def message(self, line, e, conn):
        self.counts['messages'] += 1
        frames = conn['of'].get(e['msg'], [])
        conn['done'].add(e['msg'])
        self.expect(len(frames) == e['frames'], line, f"frames {e['frames']}, printed {len(frames)}")
        self.expect(all(f['dir'] == e['dir'] for f in frames), line, 'frames of both directions')
        if frames and frames[0]['opcode'] in (1, 2):
            self.expect(frames[0]['op'] == e['op'], line, 'op of message and first frame')
        self.expect(e['first_pkt'] <= e['pkt'], line, 'first_pkt is later than pkt')
        if frames and all(f['complete'] for f in frames):
            self.expect(e['wire_len'] == sum(f['len'] for f in frames), line, 'wire_len')
        if e['certain']:
            self.expect(all(f['complete'] for f in frames), line, 'certain, though a frame is not complete')
            self.expect(payload_size(e) + e['omitted'] == e['len'], line, 'payload + omitted != len')
            if not e['compressed']:
                self.expect(e['len'] == e['wire_len'], line, 'len != wire_len, yet not compressed')
        sums = conn['sums'][e['dir']]
        sums['messages'] += 1

    def close(self, line, e, conn):
        p = self.previous
        self.expect(p['type'] == 'frame' and p['opcode'] == 8 and p['conn'] == e['conn'] and p['dir'] == e['dir'],
                    line, 'close does not follow its frame')
        if p['type'] == 'frame' and p['complete']:
            self.expect((e['code'] is None) == (p['len'] < 2), line, 'code and len of the close frame')
        conn['closes'].append(e)

    def gap(self, line, e, conn):
        self.counts['gaps'] += 1
        if e['dir']:
            conn['sums'][e['dir']]['gaps'] += 1

    def problem(self, line, e, conn):
        self.levels[e['level']] += 1
        for found in (self.found, self.found_of.setdefault(e['conn'], {})):
            found[e['id']] = found.get(e['id'], 0) + 1
        row = self.problems.get(e['id'])
        self.expect(row == (e['level'], e['rfc']), line, f"{e['id']} is not as problems.def has it: {row}")
        if e['n'] is not None:
            self.expect(conn and 1 <= e['n'] <= conn['n'], line, 'a problem of a frame that was not printed')

    def end(self, line, e, conn):
        self.expect(conn['accepted'], line, 'end of a connection that was not accepted')
        conn['ended'] = True
        for way in ('c2s', 's2c'):
            for name in ('frames', 'messages', 'gaps'):
                self.expect(e[way][name] == conn['sums'][way][name], line,
                            f"{way}.{name} {e[way][name]}, counted {conn['sums'][way][name]}")
        found = self.found_of.get(e['conn'], {})
        self.expect(e['findings'] == found, line, f"findings {e['findings']}, counted {found}")
        self.expect(sum(e['problems'].values()) == sum(found.values()), line, 'problems of the connection')
        sides = [c['dir'] for c in conn['closes']]
        self.expect(e['clean'] == (set(sides) == {'c2s', 's2c'}), line, 'clean')
        first = conn['closes'][0] if conn['closes'] else None
        self.expect(e['by'] == ({'c2s': 'client', 's2c': 'server'}[first['dir']] if first else None), line, 'by')
        self.expect(e['code'] == (first['code'] if first else None), line, 'code')

    def stats(self, line, e, _):
        for name, count in self.counts.items():
            self.expect(e[name] == count, line, f'{name} {e[name]}, counted {count}')
        self.expect(e['problems'] == self.levels, line, f"problems {e['problems']}, counted {self.levels}")
        self.expect(e['findings'] == self.found, line, f"findings {e['findings']}, counted {self.found}")
        for number, conn in self.conns.items():
            if conn['accepted']:
                self.expect(conn['ended'], line, f'connection {number} has no end')

    def finish(self, lines):
        self.expect(self.previous and self.previous['type'] == 'stats', lines, 'the last line is not stats')


def check_lines(output, schema, problems):
    found = []

    def say(line, what):
        found.append(f'line {line}: {what}')

    invariants = Invariants(say, problems)
    lines = output.split(b'\n')
    if lines[-1] != b'':
        say(len(lines), 'no newline at the end')
    lines = lines[:-1]
    for number, raw in enumerate(lines, 1):
        try:
            event = json.loads(raw.decode('utf-8', 'strict'))
        except ValueError as error:
            say(number, f'not JSON in UTF-8: {error}')
            continue
        errors = list(schema.errors(event))
        for error in errors:
            say(number, error)
        if not errors:
            invariants.event(number, event)
    invariants.finish(len(lines))
    return len(lines), found


def report(name, lines, found):
    if found:
        print(f'DIFFERS  {name}')
        for what in found[:15]:
            print(f'    {what}')
        if len(found) > 15:
            print(f'    … and {len(found) - 15} more')
    return lines


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default='build/release/wstrace')
    parser.add_argument('--strict', action='store_true')
    parser.add_argument('--stdin', action='store_true')
    parser.add_argument('--extra-args', default='')
    parser.add_argument('files', nargs='*')
    options = parser.parse_args()
    schema, problems = Schema(options.strict), problem_rows()
    if options.stdin:
        lines, found = check_lines(sys.stdin.buffer.read(), schema, problems)
        report('standard input', lines, found)
        return 1 if found else 0

    files = []
    for name in options.files:
        files += sorted(f for f in glob.glob(os.path.join(name, '*')) if CAPTURE.search(f)) \
            if os.path.isdir(name) else [name]
    total = bad = 0
    for path in files:
        command = [options.tool, '--json', '--problems', 'all', *shlex.split(options.extra_args)]
        runs = [subprocess.run(command + [path], capture_output=True, check=False)]
        runs.append(subprocess.run(command + ['--headers', path], capture_output=True, check=False))
        runs.append(subprocess.run(command + [path], capture_output=True, check=False))
        lines, found = check_lines(runs[0].stdout, schema, problems)
        found += [f'with --headers: {what}' for what in check_lines(runs[1].stdout, schema, problems)[1]]
        if runs[0].stdout != runs[2].stdout:
            found.append('two runs differ')
        for run in runs:
            if run.returncode not in (0, 2):
                found.append(f'exit status {run.returncode}: {run.stderr.decode(errors="replace")[-800:]}')
        total += report(os.path.basename(path), lines, found)
        bad += bool(found)
    print(f'{len(files)} captures, {total} lines, {bad} captures with differences')
    return 1 if bad or not files else 0


if __name__ == '__main__':
    sys.exit(main())

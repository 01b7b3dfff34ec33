#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Holds what wstrace reads in a capture against what the endpoints recorded while it was made.

In:  captures, and the truth of each, TRUTH_DIR/NAME.ndjson (captures/README.md tells its format).
Out: a line per capture; below it, every difference.

Compared, for each connection and direction, in order:
  messages     opcode, length, SHA-256 of the payload; close code and reason; ping, pong and
               reserved opcodes by their payload
  frames       fin, rsv, opcode, mask and key, length and how it is coded (where the truth has them)
  handshake    status, path, subprotocol, extensions, accept, version

A capture that lacks packets has truth lines with `decodable`. Then every decodable message must be
there, in order; and whatever is printed as certain must be a true message, never a wrong one. With
--recoverable more is asked, where the truth says `recoverable`: what a reader gets that finds the
next HTTP/2 frame behind a hole. A handshake that is not `in_capture` need not be there.

HTTP/2: `conn` is "client>server#stream", and a WebSocket is accepted by a status of 2xx. What is
`optional` no endpoint took, for it broke HTTP/2; it may be there, or not, but not half.

usage: check_truth.py [--tool WSTRACE] [--truth-dir DIR] [--extra-args 'ARGS'] [--keys-dir DIR]
                      [--recoverable] [-v] FILE|FOLDER...
"""
import argparse
import base64
import glob
import gzip
import hashlib
import itertools
import json
import os
import re
import shlex
import subprocess
import sys

# Captures whose truth has another name. First match wins; None: nothing may be found in it.
TRUTH_NAMES = [
    (r'.*_nokeys', None),                            # TLS without its secrets
    (r'09_fmt.*', '09_fmt'),                         # one recording, many file formats
    (r'made_.*', '01_ws_plain_basic'),               # the same in odd files
    (r'(06_.*)_(dsb|dsb_last|privkey)', r'\1'),      # the secrets come another way
    (r'(09_net_(?:loss|reorder|dup|mix))_(client|server)', r'\1'), # two taps on one wire
    (r'09_rotated.*', '09_rotated'),
]
# Files that are one capture together.
SEQUENCES = [r'(09_rotated)\.pcap\d*$', r'(09_rotated_ng)_\d+_\d+\.pcapng$']
# A message larger than the default cap is part of the truth of some.
EXTRA_ARGS = {'02_pmd_bomb': ['--max-message', '67108864']}
# What a capture that is damaged on purpose must end with.
EXPECTED_STATUS = {'made_damaged': 2}
CAPTURE = re.compile(r'\.(pcap|pcapng|cap)\d*(\.gz)?$')

CONTROL = {8, 9, 10}


def stem(path):
    return CAPTURE.sub('', os.path.basename(path))


def truth_name(name):
    for pattern, other in TRUTH_NAMES:
        m = re.fullmatch(pattern, name)
        if m:
            return m.expand(other) if other else None
    return name


def load_truth(directory, name):
    for path in (os.path.join(directory, name + '.ndjson'), os.path.join(directory, name + '.ndjson.gz')):
        if os.path.exists(path):
            with (gzip.open if path.endswith('.gz') else open)(path, 'rt', encoding='utf-8') as file:
                return [json.loads(line) for line in file if line.strip()]
    return None


def sha(data):
    return hashlib.sha256(data).hexdigest()


def payload_of(event):
    """The payload an event prints; None when it prints none."""
    if 'text' in event:
        return event['text'].encode('utf-8')
    if 'b64' in event:
        return base64.b64decode(event['b64'], validate=True)
    return None


def endpoint(ip, port):
    return f'[{ip}]:{port}' if ':' in ip else f'{ip}:{port}'


def brief(unit):
    parts = [f"op {unit['opcode']}", f"{unit['length']} bytes"]
    if unit.get('code') is not None:
        parts.append(f"code {unit['code']}")
    for key in ('text', 'reason'):
        if unit.get(key):
            parts.append(json.dumps(unit[key][:40], ensure_ascii=False))
    if unit.get('pkt'):
        parts.append(f"packet {unit['pkt']}")
    return ', '.join(parts)


# -- what wstrace says -----------------------------------------------------------------------

class Connection:
    """What was printed about the connections between one pair of addresses, in order."""

    def __init__(self):
        self.handshakes = []
        self.units = {'c2s': [], 's2c': []}   # messages and control frames
        self.frames = {'c2s': [], 's2c': []}
        self.uncertain = 0


def close_unit(frame, event):
    """A close payload is not printed; it is put together from code and reason."""
    unit = {'opcode': 8, 'length': frame['len'], 'pkt': frame['pkt'], 'code': event['code'],
            'reason': event['reason']}
    if event['code'] is not None:
        reason = event['reason'].encode('utf-8') if event['reason'] is not None \
            else base64.b64decode(event['reason_b64'], validate=True)
        unit['sha'] = sha(event['code'].to_bytes(2, 'big') + reason)
    elif frame['len'] == 0:
        unit['sha'] = sha(b'')
    else:
        unit['sha'] = None # one byte: not printed
    return unit


def collect(events):
    """Connections by "client>server"."""
    table, conns, last = {}, {}, {}
    for e in events:
        kind = e['type']
        if kind == 'handshake':
            key = f"{endpoint(e['client_ip'], e['client_port'])}>{endpoint(e['server_ip'], e['server_port'])}"
            if e.get('stream_id') is not None:
                key += f"#{e['stream_id']}"
            conns[e['conn']] = table.setdefault(key, Connection())
            conns[e['conn']].handshakes.append(e)
        elif kind == 'frame':
            c = conns[e['conn']]
            c.frames[e['dir']].append(e)
            last[e['conn']] = e
            if e['opcode'] > 2 and e['opcode'] != 8 and e['complete']:
                data = payload_of(e)
                c.units[e['dir']].append({'opcode': e['opcode'], 'length': e['len'], 'pkt': e['pkt'],
                                          'sha': None if data is None else sha(data)})
        elif kind == 'close':
            frame = last[e['conn']]
            if frame['complete']:
                conns[e['conn']].units[e['dir']].append(close_unit(frame, e))
        elif kind == 'message':
            c = conns[e['conn']]
            if not e['certain']:
                c.uncertain += 1
                continue
            data = payload_of(e)
            c.units[e['dir']].append({'opcode': {'text': 1, 'binary': 2}[e['op']], 'length': e['len'],
                                      'pkt': e['pkt'], 'text': e.get('text'),
                                      'sha': sha(data) if data is not None and not e['omitted'] else None})
    return table


# -- comparison --------------------------------------------------------------------------------

def same(truth, got):
    if truth['opcode'] != got['opcode'] or truth['length'] != got['length']:
        return False
    if got['sha'] is None:
        return got['opcode'] == 8 and truth['length'] == 1 and truth.get('code') is None
    if truth['sha256'] != got['sha']:
        return False
    return got['opcode'] != 8 or truth.get('code') == got['code']


def is_subsequence(small, large, equal):
    """The index in `small` of the first that has no place in `large`; None when all have."""
    rest = iter(range(len(large)))
    for i, s in enumerate(small):
        if not any(equal(s, large[j]) for j in rest):
            return i
    return None


def first_difference(want, got, equal):
    for i, (w, g) in enumerate(itertools.zip_longest(want, got)):
        if w is None or g is None or not equal(w, g):
            return i
    return None


def without_optional(want, got, equal):
    """`want`, and of its optional ones only those that are there."""
    if not any(t.get('optional') for t in want):
        return want
    kept, rest = [], list(got)
    for t in want:
        if rest and equal(t, rest[0]):
            rest.pop(0)
        elif t.get('optional'):
            continue
        kept.append(t)
    return kept


def compare_units(where, want, got, partial, say):
    if not partial:
        want = without_optional(want, got, same)
        i = first_difference(want, got, same)
        if i is not None:
            say(f'{where}: {len(got)} of {len(want)} messages; number {i}:\n'
                f'      truth    {brief(want[i]) if i < len(want) else "(no more)"}\n'
                f'      wstrace  {brief(got[i]) if i < len(got) else "(no more)"}')
        return
    must = [t for t in want if t.get('decodable', True)]
    i = is_subsequence(must, got, same)
    if i is not None:
        say(f'{where}: decodable message {i} of {len(must)} is missing: {brief(must[i])}')
    i = is_subsequence(got, want, lambda g, t: same(t, g))
    if i is not None:
        say(f'{where}: printed as certain, but no endpoint knows it: {brief(got[i])}')


def frame_tuple(t):
    length_bytes = {7: 0, 16: 2, 64: 8}[t['lenenc']]
    return (bool(t['fin']), t['rsv'], t['opcode'], bool(t['masked']), t['length'],
            2 + length_bytes + 4 * bool(t['masked']), t.get('key') if t['masked'] else None)


def frame_event_tuple(e):
    rsv = e['rsv1'] * 4 + e['rsv2'] * 2 + e['rsv3']
    return (e['fin'], rsv, e['opcode'], e['masked'], e['len'], e['header_len'], e['mask_key'])


def same_frame(t, e):
    a, b = frame_tuple(t), frame_event_tuple(e)
    return a[:6] == b[:6] and (a[6] is None or a[6] == b[6])


def compare_frames(where, want, got, say):
    """Frames whose header never came whole are not expected; nor what follows a frame that
    announces more than was sent: it is part of that payload."""
    want = [t for t in want if 'cut' not in t or t['cut'] >= frame_tuple(t)[5]]
    short = (i for i, t in enumerate(want) if t.get('sent_payload', t['length']) < t['length'])
    want = want[:next(short, len(want)) + 1]
    want = without_optional(want, got, same_frame)
    names = 'fin rsv opcode masked length header_len mask_key'.split()
    for i, (t, e) in enumerate(itertools.zip_longest(want, got)):
        if t is None or e is None:
            say(f'{where}: {len(got)} frames, truth has {len(want)}')
            return
        a, b = frame_tuple(t), frame_event_tuple(e)
        if t['masked'] and a[6] is None: # the key was not written down
            b = b[:6] + (None,)
        if a != b:
            diff = ', '.join(f'{n} {y!r} instead of {x!r}' for n, x, y in zip(names, a, b) if x != y)
            say(f'{where}: frame {i} (packet {e["pkt"]}): {diff}')
            return
        whole = t.get('sent_payload', t['length']) >= t['length'] and 'cut' not in t
        if e['complete'] != whole:
            say(f'{where}: frame {i} (packet {e["pkt"]}): complete is {e["complete"]}')
            return


def extension_names(value):
    return [part.split(';')[0].strip().lower() for part in (value or '').split(',') if part.strip()]


def compare_handshake(where, t, e, partial, say):
    def check(what, want, got):
        if want != got and not (partial and got is None):
            say(f'{where}: handshake: {what} is {got!r}, truth says {want!r}')

    if 'status' in t:
        check('status', t['status'], e['status'])
    if t.get('path') and e['uri'] != t['path'] and not (partial and e['uri'] is None):
        if not (e['uri'] or '').endswith(t['path']):
            check('uri', t['path'], e['uri'])
    if 'protocol' in t:
        check('subprotocol', t['protocol'] or None, e['subprotocol'])
    if 'extensions' in t:
        check('extensions', extension_names(t['extensions']), extension_names(e['server_extensions'])
              if e['server_extensions'] is not None or not partial else None)
        if t['extensions'] and '=' in t['extensions'] and 'at' not in t:
            squeeze = re.compile(r'[\s"]+')  # as sent: a value may be quoted
            if e['server_extensions'] is not None or not partial:
                check('extensions', squeeze.sub('', t['extensions']),
                      squeeze.sub('', e['server_extensions'] or ''))
    if t.get('offered'):
        if e['client_extensions'] is not None or not partial:
            check('offer', extension_names(t['offered']), extension_names(e['client_extensions']))
    if t.get('userAgent'):
        check('user agent', t['userAgent'], e['user_agent'])
    if isinstance(t.get('version'), int):
        check('version', t['version'], e['version'])
    if t.get('accept') == 'wrong':
        check('accept_ok', False, e['accept_ok'])
    elif t.get('accept') == 'absent':
        check('server_accept', None, e['server_accept'])
    elif e['accepted'] and e['status'] == 101 and e['client_key'] and t.get('version') != 'hixie-76':
        check('accept_ok', True, e['accept_ok'])
    if t.get('tls') and e['tls']:
        check('tls version', t['tls'].replace('v', ' '), e['tls']['version'].replace('v', ' '))


def opens(t):
    """101; over HTTP/2 also 2xx (101 there: in a tunnel that a plain CONNECT made)."""
    status = t.get('status', 101)
    return status == 101 or ('#' in t['conn'] and 200 <= status < 300)


def compare_handshakes(where, truth, events, partial, say):
    """`truth` also tells of plain requests, which are no upgrade attempts; and of one handshake
    twice, when client and server wrote it down."""
    good = [t for t in truth if opens(t) and t.get('upgraded', True)]
    if any(t.get('in_capture') is False for t in truth):
        return
    hixie = [t for t in good if t.get('version') == 'hixie-76']
    accepted = [e for e in events if e['accepted']]
    if hixie:
        if accepted:
            say(f'{where}: hixie-76 was taken for RFC 6455')
        return
    if any('upgraded' in t for t in truth): # written down by hand, one line each, in order
        if len(good) != len(accepted):
            say(f'{where}: {len(accepted)} accepted handshakes, truth has {len(good)}')
        for t, e in zip(good, accepted):
            compare_handshake(where, t, e, partial, say)
    elif good:
        if len(accepted) != 1:
            say(f'{where}: {len(accepted)} accepted handshakes, truth has 1')
        for t in good if accepted else []:
            compare_handshake(where, t, accepted[0], partial, say)
    refused = [e for e in events if not e['accepted'] and e['status'] is not None]
    wanted = [t for t in truth if not opens(t)]
    i = is_subsequence(refused, wanted, lambda e, t: e['status'] == t['status'])
    if i is not None:
        say(f'{where}: a refused handshake with status {refused[i]["status"]} the truth does not know')
    for t in wanted:
        if t.get('path') and not any(e['status'] == t['status'] and e['uri'] == t['path'] for e in refused):
            say(f'{where}: no refused handshake with status {t["status"]} for {t["path"]}')


def swapped(key):
    client, _, rest = key.partition('>')
    server, hash_, stream = rest.partition('#')
    return f'{server}>{client}{hash_}{stream}'


def compare(truth, events, say):
    """Calls `say` for each difference."""
    table = collect(events)
    by_conn = {}
    for t in truth or []:
        if t['kind'] in ('handshake', 'message', 'frame'):
            by_conn.setdefault(t['conn'], {'handshake': [], 'message': [], 'frame': []})[t['kind']].append(t)
    partial = any('decodable' in t for t in truth or [])
    silent = Connection()
    for key, want in by_conn.items():
        got = table.pop(key, None)
        if got is None:
            if swapped(key) in table:
                say(f'{key}: client and server are swapped')
                table.pop(swapped(key))
                continue
            if not want['message']:
                continue # nothing but plain requests, or none of the packets
            got = silent
        if got is not silent:
            compare_handshakes(key, want['handshake'], got.handshakes, partial, say)
        for way in ('c2s', 's2c'):
            compare_units(f'{key} {way}', [t for t in want['message'] if t['dir'] == way],
                          got.units[way], partial, say)
            if want['frame']:
                compare_frames(f'{key} {way}', [t for t in want['frame'] if t['dir'] == way],
                               got.frames[way], say)
    for key, got in table.items():
        if any(e['accepted'] for e in got.handshakes) or got.units['c2s'] or got.units['s2c']:
            say(f'{key}: a connection no endpoint knows')


# -- running -----------------------------------------------------------------------------------

def sequences(paths):
    """Groups of files, each read as one capture: (name, [files])."""
    groups = {}
    for path in paths:
        base = os.path.basename(path)
        name = next((m.group(1) for p in SEQUENCES if (m := re.match(p, base))), stem(path))
        if name in groups and not any(re.match(p, base) for p in SEQUENCES):
            name = base
        groups.setdefault(name, []).append(path)
    return sorted(groups.items())


def expand(arguments):
    for argument in arguments:
        if os.path.isdir(argument):
            yield from sorted(f for f in glob.glob(os.path.join(argument, '*')) if CAPTURE.search(f))
        else:
            yield argument


def run(tool, files, extra):
    process = subprocess.Popen([tool, '--json', *extra, *files], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE)
    out, err = process.communicate()
    return [json.loads(line) for line in out.splitlines()], process.returncode, err.decode(errors='replace')


def secrets_for(name, wanted, folder):
    """The arguments that open an encrypted capture; None: its secrets are not there."""
    if re.search('_dsb(_last)?$', name):  # they are in the capture
        return []
    option, path = ('--rsa-key', 'rsa.key') if name.endswith('_privkey') else ('--keylog', wanted + '.keys')
    path = os.path.join(folder, path)
    return [option, path] if os.path.exists(path) else None


def check(options, name, files):
    """(how it went, differences)"""
    wanted = truth_name(stem(files[0]))
    truth = load_truth(options.truth_dir, wanted) if wanted else []
    if truth is None:
        return f'no truth ({wanted}.ndjson)', ['no truth']
    if options.recoverable:
        for t in truth:
            t.update({'decodable': t['recoverable']} if 'recoverable' in t else {})
    extra = EXTRA_ARGS.get(wanted, []) + shlex.split(options.extra_args)
    if truth and (name.startswith('06_') or any('tls' in t for t in truth)):
        secrets = secrets_for(name, wanted, options.keys_dir or os.path.dirname(files[0]))
        if secrets is None:
            return 'skipped: needs its keys', []
        extra += secrets
    events, status, err = run(options.tool, files, extra)
    differences = []
    expected = EXPECTED_STATUS.get(name, 0)
    if status != expected:
        differences.append(f'exit status {status} instead of {expected}: {err.strip()[-600:]}')
    compare(truth, events, differences.append)
    messages = [t for t in truth if t['kind'] == 'message' and t.get('decodable', True)]
    return f'{len(messages)} messages', differences


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default='build/release/wstrace')
    parser.add_argument('--truth-dir', default='captures/truth')
    parser.add_argument('--extra-args', default='', help='more arguments for wstrace')
    parser.add_argument('--keys-dir', help='folder of NAME.keys and rsa.key; default: where the capture is')
    parser.add_argument('--recoverable', action='store_true', help='ask for more behind holes in HTTP/2')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('files', nargs='+')
    options = parser.parse_args()

    bad = done = skipped = 0
    for name, files in sequences(expand(options.files)):
        try:
            result, differences = check(options, name, files)
        except (OSError, ValueError, KeyError, TypeError) as error:
            result, differences = 'failed', [f'{type(error).__name__}: {error}']
        if differences:
            print(f'DIFFERS  {name}: {result}')
            for difference in differences[:20]:
                print(f'    {difference}')
            bad += 1
        elif result.startswith('skipped'):
            skipped += 1
            if options.verbose:
                print(f'skipped  {name}: {result}')
        elif options.verbose:
            print(f'ok       {name}: {result}')
        done += not result.startswith('skipped')
    print(f'{done} captures compared, {bad} differ, {skipped} skipped')
    return 1 if bad or not done else 0


if __name__ == '__main__':
    sys.exit(main())

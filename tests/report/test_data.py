#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The data in a report are the events that --json prints, for every shipped capture; its caps hold; no byte
of a capture is markup. Needs no browser."""
import base64
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from made import C2S, S2C, Capture, frame

TOOL = os.path.abspath(os.environ['WSTRACE'])
CAPTURES = os.path.join(os.environ['WSTRACE_SOURCE'], 'captures')
bad = []


def check(name, good, shown=''):
    if not good:
        bad.append(name)
        print(f'WRONG  {name} {str(shown)[:300]}')


def run(*words, **more):
    return subprocess.run([TOOL, *words], capture_output=True, stdin=subprocess.DEVNULL, timeout=120, check=False, **more)


def data_of(page):
    """The array between the tags; nothing in it may be markup."""
    text = page.decode('utf-8')
    block = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S).group(1)
    check('no markup in the data', not re.search('[<>&\u2028\u2029]', block))
    return json.loads(block)


def number(value):
    return int(value)


def frame_of(e):
    """A compact frame as the object that --json has, as far as both tell it."""
    first, header, length = e[6], e[7], number(e[8])
    f = {'type': 'frame', 'pkt': e[4], 'conn': e[1], 'dir': ('c2s', 's2c')[e[2]], 'n': e[5], 'fin': bool(first & 128), 'rsv1': bool(first & 64),
         'rsv2': bool(first & 32), 'rsv3': bool(first & 16), 'opcode': first & 15, 'masked': e[9] != 0, 'mask_key': e[9] or None,
         'header_len': header, 'len': length, 'offset': number(e[10]), 'msg': e[11] or None, 'complete': bool(e[12])}
    if len(e) > 15:
        f['text' if e[15] else 'b64'] = e[16]
        if e[17]:
            f['omitted'] = e[17]
    return f


def message_of(e):
    pieces = e[15] if len(e) > 15 else []
    known = {'pieces': [{'at': at, 'text': text} for at, text in zip(pieces[::2], pieces[1::2])]} if pieces else {}
    return {'type': 'message', 'pkt': e[4], 'conn': e[1], 'dir': ('c2s', 's2c')[e[2]], 'msg': e[5], 'op': {1: 'text', 2: 'binary'}[e[6]],
            'first_pkt': e[8], 'frames': e[9], 'wire_len': number(e[10]), 'len': number(e[11]), 'compressed': bool(e[7] & 1),
            'text' if e[13] else 'b64': e[14], 'omitted': number(e[12]), 'certain': bool(e[7] & 2), **known}


def events_of(data):
    for e in data[:-1]:
        yield (frame_of if e[0] == 'f' else message_of)(e) if isinstance(e, list) else e


def ns(ts):
    whole, fraction = ts[:-1].split('.')
    import calendar
    import time
    return calendar.timegm(time.strptime(whole, '%Y-%m-%dT%H:%M:%S')) * 10**9 + int(fraction.ljust(9, '0'))


def as_page(app, text):
    """What a page has of what a message says in its application's protocol."""
    if not app or not (app['packets'] or app['strange']):
        return None
    packets = []
    for p in app['packets'][:32]:
        p = dict(p)
        p.pop('json', None)
        if text and not p['first_msg']:
            for key in ('text', 'b64', 'omitted'):
                p.pop(key, None)
        packets.append(p)
    return {**app, 'packets': packets, 'omitted': app['omitted'] + max(0, len(app['packets']) - 32)}


def is_text_of(text, value):
    if not isinstance(text, str):
        return False
    try:
        return json.loads(text) == value
    except json.JSONDecodeError:
        return len(text) >= 900  # cut


def same_app(got, want):
    """JSON values are texts in a page: their digits are not to become a browser's numbers. Long ones are cut."""
    if got is None or want is None or len(got['packets']) != len(want['packets']):
        return got == want
    for one, other in zip(got['packets'], want['packets']):
        fields, meant = one.pop('fields'), other.pop('fields')
        if list(fields) != list(meant) or not all(value == fields[key] or is_text_of(fields[key], value) for key, value in meant.items()):
            return False
        if one.get('omitted', 0) and one.get('text'):
            other['text'], other['omitted'] = one['text'], one['omitted']
    return got == want


def fold(data, told):
    """What follows a message as an event of its own is put into it."""
    elements, events = [], []
    for element, event in zip(data, told):
        if isinstance(element, dict) and element.get('type') == 'message':
            check('it follows its message', events[-1]['type'] == 'message' and events[-1]['msg'] == element['msg'])
            events[-1]['app'] = element['app']
        else:
            elements.append(element)
            events.append(event)
    return elements, events


def compare(capture):
    name = os.path.relpath(capture, CAPTURES)
    page, lines = run('report', '--max-payload', '1G', '--max-page', '500M', capture), run('--json', '--apps', '--headers', '--problems', 'all', capture)
    check(f'{name}: exit status', page.returncode == lines.returncode, page.stderr)
    data, real = data_of(page.stdout), [json.loads(line) for line in lines.stdout.splitlines()]
    elements, told = fold(data, list(events_of(data)))
    check(f'{name}: number of events', len(told) == len(real), (len(told), len(real)))
    base = int(data[-1]['base'])
    for (got, want), compact in zip(zip(told, real), elements):
        if want['type'] == 'message':
            app = as_page(want.pop('app', None), want['op'] == 'text')
            said = got.pop('app', None)
            check(f'{name}: app', same_app(said, app), f'{said}\n       {app}')
        if isinstance(compact, list):
            check(f'{name}: time', base + compact[3] == ns(want['ts']) or not data[-1]['nanos'] and (base + compact[3]) // 1000 == ns(want['ts']) // 1000,
                  (want['ts'], compact))
            want = {k: v for k, v in want.items() if k not in ('ts', 'op' if want['type'] == 'frame' else '')}
            if got['type'] == 'frame' and not got.get('text', got.get('b64', 'x')):  # one says text, one b64: both empty
                got, want = ({k: v for k, v in d.items() if k not in ('text', 'b64')} for d in (got, want))
        check(f'{name}: event', got == want, f'{got}\n       {want}')


for capture in sorted(glob.glob(os.path.join(CAPTURES, '*.pcap*')) + glob.glob(os.path.join(CAPTURES, 'peers', '*.pcap*'))):
    if not re.search(r'bomb|256k|length_[24]g', capture):  # half a gigabyte inflated; megabytes of one letter
        compare(capture)

# -- the bytes on the wire where they follow from nothing else ------------------------------------------------------

with tempfile.TemporaryDirectory() as tmp:
    path = os.path.join(tmp, 'made.pcap')
    made = Capture(path)
    made.open()
    parts = [b'one ' * 50, b'two', b'three']
    wire = [frame(C2S, 1 if i == 0 else 0, p, fin=i == 2) for i, p in enumerate(parts)]
    made.send(C2S, wire[0] + wire[1])
    made.send(C2S, frame(C2S, 9, b'<ping>') + wire[2])
    made.send(S2C, frame(S2C, 1, 'tröt \u2028'.encode() * 40000))
    made.send(S2C, frame(S2C, 2, bytes(range(256)) * 500))
    made.end()
    made.close()
    data = data_of(run('report', path).stdout)
    frames = [e for e in data if isinstance(e, list) and e[0] == 'f']
    payloads = [base64.b64decode(e[14]) if e[14] else None for e in frames]
    heads = [w[6:] if len(w) < 132 else w[8:] for w in wire]
    check('parts of a message', payloads[0] == heads[0][:128] and payloads[1] == heads[1] and payloads[3] == heads[2], payloads)
    check('a plain frame follows from its message', payloads[2] is None and payloads[4] is None)
    check('where a frame began', frames[0][13] == frames[1][13] == 6 and frames[4][13] < frames[4][4], frames[0])
    text, binary = [e for e in data if isinstance(e, list) and e[0] == 'm'][1:]
    check('cut between characters', text[14] == ('tröt \u2028' * 40000).encode()[:65536].decode('utf-8', 'ignore'), len(text[14]))
    check('what was cut is counted', text[12] == text[11] - len(text[14].encode()) and binary[12] == 128000 - 65536, text[12])
    check('and is no finding', [e['id'] for e in data if isinstance(e, dict) and e['type'] == 'problem'] == ['close.missing'])

    # -- the caps: pages stay small, and tell what they lack -------------------------------------------------------------

    made = Capture(path)
    made.open()
    for i in range(3000):
        made.send(S2C, frame(S2C, 1, b'%d' % i * 100))
        if i == 0:
            made.send(C2S, frame(S2C, 1, b'no mask'))
    made.send(C2S, frame(S2C, 1, b'no mask'))
    made.end()
    made.close()
    page = run('report', '--max-page', '128K', path).stdout
    empty = len(run('report', '-c', '1', path).stdout)
    data = data_of(page)
    last, stats = data[-1], data[-2]
    kept = [e for e in data if isinstance(e, list)]
    check('the page is as large as it may be', 100 * 1024 < len(page) - empty < 136 * 1024, len(page) - empty)
    check('what is left out is counted', stats['type'] == 'stats' and len(kept) + last['left_out']['frame'] + last['left_out']['message'] ==
          stats['frames'] + stats['messages'], last)
    check('from which packet on', last['left_from'] >= max(e[4] for e in kept) >= last['left_from'] - 2 and last['short_from'] > 0, last)
    check('payloads are cut first', len(next(e for e in kept if e[0] == 'm' and e[4] > last['short_from'])[14]) == 256)
    check('ends and findings have room', sum(isinstance(e, dict) and e['type'] == 'end' for e in data) == 1 and
          sum(isinstance(e, dict) and e['type'] == 'problem' for e in data) == sum(stats['problems'].values()) == 3)
    check('findings are explained', set(last['findings']) == {'frame.unmasked-client', 'close.missing'} and last['findings']['frame.unmasked-client']['advice'])

    # -- the command --------------------------------------------------------------------------------------------------------

    out = os.path.join(tmp, 'page.html')
    check('into a file', run('report', path, '-o', out).returncode == 0 and open(out, 'rb').read().endswith(b'</html>\n'))
    before = open(out, 'rb').read()
    check('never onto its input', run('report', path, '-o', path).returncode == 2 and open(path, 'rb').read(4) == b'\xd4\xc3\xb2\xa1')
    check('an old page survives a missing capture', run('report', '/nowhere.pcap', '-o', out).returncode == 2 and open(out, 'rb').read() == before)
    check('the same bytes twice', run('report', path).stdout == before == run('report', path).stdout)
    check('a full disk is trouble', run('report', path, '-o', '/dev/full').returncode == 2)
    check('--json is no option of a report', b'unknown option --json' in run('report', '--json', path).stderr)
    check('help', b'--max-page' in run('report', '--help').stdout and run('report', '--help').returncode == 0)
    check('a page too large for browsers is refused', run('report', '--max-page', '1G', path).returncode == 2)
    only = data_of(run('report', '--conn', '1', '--op', 'text', '--dir', 'c2s', path).stdout)
    check('selection', {(e[0], e[2]) for e in only if isinstance(e, list)} == {('f', 0), ('m', 0)})

print(f'{len(bad)} wrong')
sys.exit(1 if bad else 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/PROBLEMS.md, docs/COVERAGE.md and the FINDINGS of the manual page are what problems.def, the sources and
the tests say. usage: test_docs.py [--write]
"""
import glob
import os
import re
import sys

from coverage import BESIDE, RFC6455, RFC7692, RFC8441, RFC9220
from rules import TABLE
from talk import SOURCE, rows_of

ROWS = rows_of()
FAMILIES = {'handshake': 'Handshakes', 'frame': 'Frames', 'message': 'Messages', 'close': 'Closing',
            'control': 'Pings and pongs', 'limit': 'Limits of wstrace', 'stream': 'After a loss', 'tcp': 'TCP',
            'capture': 'The capture', 'tls': 'TLS', 'quic': 'QUIC', 'http2': 'HTTP/2', 'http3': 'HTTP/3'}
JUDGED = ('handshake', 'frame', 'message', 'close', 'control', 'http2')
COVERED = JUDGED + ('http3',) # the tests of these are tests/unit/http3: what they are about is encrypted
wrong = 0


def say(what):
    global wrong
    wrong += 1
    print(f'WRONG  {what}')


def family(rule):
    return rule.split('.')[0]


def raisers():
    """id -> the source files that raise it."""
    by_name = {row[0]: i for i, row in ROWS.items()}
    out = {i: set() for i in ROWS}
    for path in glob.glob(os.path.join(SOURCE, 'src/**/*.c'), recursive=True):
        with open(path, encoding='utf-8') as file:
            text = file.read()
        for name in re.findall(r'(?<!== )\bWST_PROBLEM_([A-Z0-9_]+)\b', text):  # who compares raises none
            if name in by_name:
                out[by_name[name]].add(os.path.relpath(path, SOURCE))
    return out


def problems_page():
    families = list(dict.fromkeys(family(i) for i in ROWS))
    out = ['# What wstrace finds\n\n'
           'Made from [problems.def](../include/wstrace/problems.def) by `tests/judge/test_docs.py --write`; '
           '`wstrace problems ID` says the same.\nAn **error** breaks a MUST, a **warning** breaks a SHOULD or '
           'tells of doubtful data, a **note** is worth knowing.\nWhat is of a **peer** says what an endpoint did; '
           'the rest blames nobody: the capture lacks it, the network changed it, a limit cut it.\nIds stay: findings are added, never renamed. '
           'Which demand of the RFCs each is about: [COVERAGE.md](COVERAGE.md).\n']
    for f in families:
        if f not in FAMILIES:
            say(f'the family {f} of problems.def has no title in test_docs.py')
        out.append(f'\n## {FAMILIES.get(f, f)}\n\n| id | level | of | rule | means | advice |\n|---|---|---|---|---|---|\n')
        out += [f'| `{i}` | {level} | {"peer" if of == "peer" else ""} | {rfc or ""} | {meaning} | {advice} |\n'
                for i, (_, level, of, rfc, meaning, advice) in ROWS.items() if family(i) == f]
    return ''.join(out)


def coverage_page(sources):
    tests = {}
    for rule, kind, _, _ in TABLE:
        tests.setdefault(rule, {'breaks': 0, 'near': 0})[kind] += 1

    def row(section, who, word, demand, found):
        if isinstance(found, str):
            return f'| {section} | {who} | {word} | {demand} | {found} | | |\n'
        files = sorted(set().union(*(sources.get(i, set()) for i in found)))
        counts = [sum(tests.get(i, {}).get(k, 0) for i in found) for k in ('breaks', 'near')]
        return (f'| {section} | {who} | {word} | {demand} | ' + ', '.join(f'`{i}`' for i in found) + ' | '
                + ', '.join(f'`{f[4:]}`' for f in files) + f' | {counts[0]} + {counts[1]} |\n')

    head = ('| § | who | | demand | found as | raised in `src/` | tests |\n|---|---|---|---|---|---|---|\n')
    out = ['# What the RFCs demand, and what is found of it\n\n'
           'Every MUST and SHOULD of RFC 6455 §4 to §8, RFC 7692 §5 to §8, RFC 8441 and RFC 9220, in short, and the findings that tell '
           'when it is broken.\nA passive observer does not see everything: then it says why, or what shows it '
           'instead.\n\nThe list is `tests/judge/coverage.py`; `tests/judge/test_docs.py` writes this page '
           '(`--write`), and fails when it\ndiffers, when a finding stands nowhere here, or is raised nowhere. '
           'Tests: connections of `tests/judge/rules.py` that\nbreak the rule + those that come close and do not. '
           '`tests/judge/test_rules.py` plays them whole,\n`tests/judge/test_impaired.py` as a bad tap sees them. '
           'See also [AUTOBAHN.md](AUTOBAHN.md), and [PROBLEMS.md](PROBLEMS.md).\n\n## RFC 6455\n\n', head]
    out += [row(*r) for r in RFC6455]
    out += ['\n## RFC 7692\n\n', head]
    out += [row(*r) for r in RFC7692]
    out += ['\n## RFC 8441\n\nWith what it takes from RFC 9113 for WebSocket.\n\n', head]
    out += [row(*r) for r in RFC8441]
    out += ['\n## RFC 9220\n\nWith what it takes from RFC 9114 and RFC 9204 for WebSocket. Its tests are `tests/unit/http3` '
            'and `tests/unit/http1/test_extended.c`.\n\n', head]
    out += [row(*r) for r in RFC9220]
    out += ['\n## Beside them\n\n| found as | why |\n|---|---|\n']
    out += [f'| `{i}` | {why} |\n' for i, why in BESIDE.items()]
    return ''.join(out)


def check_coverage(sources):
    found = [i for r in RFC6455 + RFC7692 + RFC8441 + RFC9220 if not isinstance(r[4], str) for i in r[4]]
    for i in found:
        if i not in ROWS:
            say(f'coverage.py names {i}, which is no finding')
    for i in ROWS:
        if family(i) in COVERED and (i in found) == (i in BESIDE):
            say(f'{i} must stand in coverage.py, under a demand or beside them')
        if not sources[i]:
            say(f'{i} is raised nowhere')
        if family(i) in JUDGED and not {k for r, k, _, _ in TABLE if r == i} >= {'breaks', 'near'}:
            say(f'{i} has no connection that breaks it, or none that comes close')
    for rfc, rows in (('RFC 6455', RFC6455), ('RFC 7692', RFC7692)):
        for section, _, _, demand, ids in rows:
            if int(section.split('.')[0]) not in (range(4, 9) if rfc == 'RFC 6455' else range(5, 9)):
                say(f'{rfc} §{section}: not one of the sections')


BEGIN, END = '.\\" findings: made by tests/judge/test_docs.py --write\n', '.\\" end of findings\n'


def man_section():
    """mdoc of all findings, in the order of problems.def."""
    out = [BEGIN, '.Bl -tag -width Ds\n']
    for i, (_, level, _, _, meaning, _) in ROWS.items():
        text = meaning.replace('\\', '\\e').replace('–', '\\(en').replace('"', '\\(dq')
        out.append(f'.It Cm {i} Pq {level}\n{text}\n')
    return ''.join(out + ['.El\n', END])


def page(path, text, write):
    path = os.path.join(SOURCE, path)
    if write:
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)
    elif not os.path.exists(path) or open(path, encoding='utf-8').read() != text:
        say(f'{os.path.relpath(path, SOURCE)} is not what the sources say: test_docs.py --write')


def main():
    write, sources = '--write' in sys.argv, raisers()
    check_coverage(sources)
    page('docs/PROBLEMS.md', problems_page(), write)
    page('docs/COVERAGE.md', coverage_page(sources), write)
    with open(os.path.join(SOURCE, 'docs/wstrace.1'), encoding='utf-8') as file:
        manual = file.read()
    if BEGIN not in manual or END not in manual:
        say('the manual page has no place for the findings')
    else:
        before, rest = manual.split(BEGIN)
        page('docs/wstrace.1', before + man_section() + rest.split(END)[1], write)
    print(f'{len(ROWS)} findings, {len(RFC6455) + len(RFC7692) + len(RFC8441)} demands, {wrong} wrong')
    return 1 if wrong else 0


sys.exit(main())

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Golden files: what wstrace prints, byte for byte, held against what was read and found right.

In:  CASES, expected/NAME.FORMAT, the captures.
Out: a line per difference, as a unified diff; exit status 1 when there is one.

CASES has a line a case: NAME  CAPTURE[,CAPTURE…]  FORMATS  [OPTION…]. Formats are txt, json and err
(what stands on standard error; without it nothing may stand there). An option `status=N` says what the
exit status is, if not 0. Times of text are UTC and file names are relative to the top of the sources.

usage: run.py [--tool WSTRACE] [--source TOP] [--jobs N] [-v] [--update] [NAME…]
       NAME may hold * and ?. --update writes what NAMEs print now, after showing what changes; it
       asks for names, because every line written must have been read.
"""
import argparse
import difflib
import fnmatch
import os
import re
import shlex
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# Whether others can read a file of keys is a matter of the umask of whoever got the sources.
SHARED = re.compile(rb'wstrace: warning: [^\n]* can be read by others[^\n]*\n')
VERSION = re.compile(r'("tool":"wstrace","version":")[^"]*')


class Case:
    def __init__(self, line):
        words = shlex.split(line, comments=True)
        self.name, captures, formats, *self.options = words
        self.captures, self.formats = captures.split(','), formats.split(',')
        unknown = set(self.formats) - {'txt', 'json', 'err'}
        if unknown:
            raise ValueError(f'{self.name}: unknown format {", ".join(unknown)}')
        status = [o for o in self.options if o.startswith('status=')]
        self.options = [o for o in self.options if o not in status]
        self.status = int(status[0][7:]) if status else 0

    def path(self, form):
        return os.path.join(HERE, 'expected', f'{self.name}.{form}')


def read_cases():
    with open(os.path.join(HERE, 'CASES'), encoding='utf-8') as file:
        cases = [Case(line) for line in file if line.split('#')[0].strip()]
    names = [c.name for c in cases]
    twice = {n for n in names if names.count(n) > 1}
    if twice:
        raise ValueError(f'twice in CASES: {", ".join(sorted(twice))}')
    return cases


def run(tool, source, case, form, also=()):
    """(exit status, standard output, standard error) of one run."""
    # -r: what stands in OPTION without a dash is the filter
    files = [word for capture in case.captures for word in ('-r', capture)]
    words = [tool, *(['--json'] if form == 'json' else ['--utc']), *files, *case.options, *also]
    env = {k: v for k, v in os.environ.items() if k not in ('NO_COLOR', 'SSLKEYLOGFILE')} | {'LC_ALL': 'C.UTF-8', 'TERM': 'dumb'}
    done = subprocess.run(words, cwd=source, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          check=False, timeout=120)
    return done.returncode, done.stdout, SHARED.sub(b'', done.stderr)


def outputs(tool, source, case, also):
    """What the case prints, by format; and what is wrong with its exit status or standard error."""
    got, wrong = {}, []
    for form in case.formats:
        if form == 'err':
            continue
        status, out, err = run(tool, source, case, form, also)
        got[form] = VERSION.sub(r'\1*', out.decode('utf-8', 'surrogateescape'))
        if 'err' in case.formats:
            got['err'] = err.decode('utf-8', 'surrogateescape')
        elif err:
            wrong.append(f'{form}: standard error: {err.decode(errors="replace").strip()[:300]}')
        if status != case.status:
            wrong.append(f'{form}: exit status {status} instead of {case.status}')
    return got, wrong


def difference(case, form, got):
    path = case.path(form)
    want = ''
    if os.path.exists(path):
        with open(path, encoding='utf-8', errors='surrogateescape', newline='') as file:
            want = file.read()
    elif got == '':
        return None # a case that prints nothing still needs its file
    if want == got and os.path.exists(path):
        return None
    name = os.path.relpath(path)
    lines = difflib.unified_diff(want.splitlines(True), got.splitlines(True), name, name + ' (now)')
    return ''.join(line if line.endswith('\n') else line + '\n\\ no newline at the end\n' for line in lines)


def show(text):
    sys.stdout.write(text.encode('utf-8', 'surrogateescape').decode('utf-8', 'backslashreplace'))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--source', default=os.path.join(HERE, '../..'))
    parser.add_argument('--jobs', help='run everything with --jobs JOBS: nothing may differ')
    parser.add_argument('--update', action='store_true', help='write the named cases anew')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    tool, source = os.path.abspath(options.tool), os.path.abspath(options.source)
    if options.update and not options.names:
        parser.error('--update: name the cases you have read')

    also = ['--jobs', options.jobs] if options.jobs else []

    every = read_cases()
    cases = [c for c in every if not options.names or any(fnmatch.fnmatch(c.name, n) for n in options.names)]
    if not cases:
        parser.error('no such case')
    bad, seen = 0, 0
    for case in cases:
        got, wrong = outputs(tool, source, case, also)
        for form, text in got.items():
            seen += 1
            change = difference(case, form, text)
            if change is None:
                continue
            show(change)
            if options.update:
                os.makedirs(os.path.dirname(case.path(form)), exist_ok=True)
                with open(case.path(form), 'w', encoding='utf-8', errors='surrogateescape', newline='') as file:
                    file.write(text)
                print(f'written: {os.path.relpath(case.path(form))}')
            else:
                wrong.append(f'{form}: differs')
        for w in wrong:
            print(f'WRONG  {case.name}: {w}')
        bad += bool(wrong)
        if options.verbose and not wrong:
            print(f'ok     {case.name}')
    stray = set(os.listdir(os.path.join(HERE, 'expected'))) - \
        {os.path.basename(c.path(f)) for c in every for f in c.formats}
    for name in sorted(stray):
        print(f'WRONG  expected/{name}: no case in CASES')
    print(f'{len(cases)} cases, {seen} outputs, {bad + len(stray)} wrong')
    return 1 if bad or stray else 0


if __name__ == '__main__':
    sys.exit(main())

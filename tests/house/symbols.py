#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the built library holds: no global that can change, no exported name but wst_ ones, and all
that the public headers promise.

Reads `objdump -t` of libwstrace.a: nothing in .data or .bss (tables of constants that the loader
relocates lie in .data.rel.ro), `nm -D` of libwstrace.so, and the WST_API lines of include/.

usage: symbols.py BUILD
"""
import glob
import os
import re
import subprocess
import sys


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def promises(include):
    """Names that follow WST_API, of functions and of data."""
    names = set()
    for path in glob.glob(os.path.join(include, '*.h')):
        with open(path) as f:
            text = re.sub(r'^#.*$', '', f.read(), flags=re.MULTILINE)
        names |= set(re.findall(r'\bWST_API\b[^;(]*?\b(wst_\w+)\s*[(;]', text))
    return names


def main(build):
    if sys.platform != 'linux':
        print('not ELF: skipped')
        return 77
    bad = []
    member = ''
    for line in run('objdump', '-t', os.path.join(build, 'libwstrace.a')).splitlines():
        m = re.match(r'(\S+):\s+file format', line)
        if m:
            member = m.group(1)
        m = re.search(r'\s(\.t?(?:data|bss)(?:\.(?!rel\.ro)\S+)?)\s+([0-9a-f]+)\s+(?:\.\w+ )?(\S+)$', line)
        if m and int(m.group(2), 16) and not m.group(3).startswith('.'):
            bad.append(f'{member}: {m.group(3)} lies in {m.group(1)}: no globals')
        if re.search(r'\*COM\*', line):
            bad.append(f'{member}: {line.split()[-1]} is common: no globals')
    library = glob.glob(os.path.join(build, 'libwstrace.so.*.*.*'))[0]
    exported = [line.split()[-1] for line in run('nm', '-D', '--defined-only', library).splitlines()]
    bad += [f'{name} is exported' for name in exported if not name.startswith('wst_')]
    promised = promises(os.path.join(os.path.dirname(__file__), '..', '..', 'include', 'wstrace'))
    bad += [f'{name} is declared in include/, and nowhere defined' for name in sorted(promised - set(exported))]
    if not exported:
        bad.append('nothing is exported')
    if 'SONAME' not in run('objdump', '-p', library):
        bad.append('the shared library has no SONAME')
    print('\n'.join(bad) or f'{len(exported)} names exported, no globals')
    return 1 if bad else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
sys.exit(main(sys.argv[1]))

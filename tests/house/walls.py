#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The walls of the house hold.

The compiler refuses most calls into a neighbour, since a room sees only the public headers, base/
and itself. What it lets through is looked for here: "../", a foreign room by its path, a foreign
library, words a library has no business with, things at the top level that do not belong there.

usage: walls.py SOURCE
"""
import os
import re
import sys

TOP = {'CMakeLists.txt', 'CMakePresets.json', 'README.md', 'LICENSE',
       'src', 'include', 'captures', 'tests', 'docs', 'build'}
# Whose headers only these rooms may see.
FOREIGN = {'pcap': {'capture'}, 'cap-ng.h': {'live'}, 'seccomp.h': {'live'},
           'zlib.h': {'capture', 'replay', 'ws'}, 'nghttp2': {'http2'}, 'nghttp3': {'http3'}, 'openssl': {'check', 'explain', 'http1', 'quic', 'tls'}}
# But one file that two of them need does, too: its header shows nothing of it to the others.
SHARED = ('openssl', os.path.join('src', 'base', 'hkdf.c'))
# And one of the tool: a server that is spoken to through TLS is no capture.
SPOKEN = ('openssl', os.path.join('src', 'tool', 'secure.c'))
# A library does not print, exit, abort or read a clock.
FORBIDDEN = re.compile(r'\b(v?f?printf|puts|fputs|putchar|fputc|perror|exit|_exit|abort|assert|'
                       r'time|clock|clock_gettime|gettimeofday|getenv|setlocale|signal|sigaction)\s*\(|'
                       r'\b(stdout|stderr)\b')
# But one file does, which says what for: only what is faster may depend on it.
CLOCK = ('clock_gettime', os.path.join('src', 'base', 'stopwatch.c'))
# What one machine has and another does not: numbers go into bytes by value (base/slice.h). A capture's
# own order is another matter.
MACHINE = re.compile(r'\b(__int128|htobe\w+|htole\w+|be\d+toh|le\d+toh|[hn]to[hn][sl]|__builtin_bswap\d+)\b')
SWAPS = {os.path.join('src', 'capture', name) for name in ('classic.c', 'pcapng.c')}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)

found = []


def complain(path, line, what):
    found.append(f'{os.path.relpath(path, source)}:{line}: {what}')


def sources(*where):
    for folder, _, files in os.walk(os.path.join(source, *where)):
        for name in sorted(files):
            if name.endswith(('.c', '.h', '.def')):
                yield os.path.join(folder, name)


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def includes(path, text):
    for m in INCLUDE.finditer(text):
        line = text.count('\n', 0, m.start(2)) + 1
        if '../' in m.group(2):
            complain(path, line, f'includes {m.group(2)}: go through the door')
        yield line, m.group(1) == '<', m.group(2)


def check_public():
    for path in sources('include'):
        for line, angle, name in includes(path, read(path)):
            if not angle or ('/' in name and not name.startswith('wstrace/')):
                complain(path, line, f'a public header includes {name}')


def check_tool():
    own = os.path.join(source, 'src', 'tool')
    for path in sources('src', 'tool'):
        for line, angle, name in includes(path, read(path)):
            if not angle and not os.path.exists(os.path.join(own, name)):
                complain(path, line, f'the tool includes {name}: it is a guest')
            library = name.split('/')[0]
            if angle and library in FOREIGN and (library, os.path.relpath(path, source)) != SPOKEN:
                complain(path, line, f'the tool includes {name}')


def check_room(room, folder):
    near = [folder, os.path.join(source, 'src', 'base')]
    for path in sources('src', room):
        text = read(path)
        for line, angle, name in includes(path, text):
            library = name.split('/')[0]
            rooms = FOREIGN.get(library)
            if (library, os.path.relpath(path, source)) == SHARED:
                continue
            if angle and rooms and room not in rooms:
                complain(path, line, f'{name} belongs to {", ".join(sorted(rooms))}')
            if not angle and not any(os.path.exists(os.path.join(d, name)) for d in near):
                complain(path, line, f'{room} includes {name} of another room')
        check_words(path, text)


def check_words(path, text):
    bare = COMMENT.sub(lambda m: '\n' * m.group().count('\n'), text)
    for m in FORBIDDEN.finditer(bare):
        if (m.group().rstrip('( '), os.path.relpath(path, source)) == CLOCK:
            continue
        complain(path, bare.count('\n', 0, m.start()) + 1,
                 f'a library does not say {m.group().rstrip("( ")}')
    for m in MACHINE.finditer(bare):
        if m.group().startswith('__builtin_bswap') and os.path.relpath(path, source) in SWAPS:
            continue
        complain(path, bare.count('\n', 0, m.start()) + 1, f'{m.group()} depends on the machine')


def main():
    for name in os.listdir(source):
        if name not in TOP and not name.startswith('.'):
            complain(os.path.join(source, name), 0, 'does not belong at the top level')
    check_public()
    check_tool()
    src = os.path.join(source, 'src')
    for name in sorted(os.listdir(src)):
        path = os.path.join(src, name)
        if os.path.isdir(path) and name != 'tool':
            check_room(name, path)
        elif name.endswith('.c'):
            text = read(path)
            for line, angle, header in includes(path, text):
                if angle and header.split('/')[0] in FOREIGN:
                    complain(path, line, f'the corridor includes {header}')
            check_words(path, text)
    for path in sources('tests'):
        list(includes(path, read(path)))
    print('\n'.join(found) or 'the walls hold')
    return 1 if found else 0


if len(sys.argv) != 2:
    sys.exit(__doc__)
source = sys.argv[1]
sys.exit(main())

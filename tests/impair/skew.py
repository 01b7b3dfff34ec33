#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""One direction of a capture comes from another tap, whose clock is early or late: more than a round trip,
so that answers lie before their questions and acknowledgments before what they acknowledge.

In:  captures with truth (classic pcap, Ethernet, IPv4). The client of a connection is who sent its SYN, or else has
     the larger port. Out: a line a clock. Exit status 1 when a message that the endpoints recorded is not read, or is
     called something else; check_truth.py judges.

usage: skew.py [--tool WSTRACE] [--by MILLISECONDS]... [-v] [CAPTURE...]
"""
import argparse
import contextlib
import glob
import io
import os
import struct
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, '../truth')]
import check_truth  # noqa: E402
import shuffle  # noqa: E402

CAPTURES = os.path.join(HERE, '../../captures')
SYN, ACK = 2, 16
LATE, EARLY, ANY = 1, -1, 0
CLOSE = 'QUIC need not acknowledge what it closes behind'
MOVED = 'a path is used before the number that names it was captured'
RESET = "a reset right behind the other side's close frame overtakes it: what comes behind a reset is nobody's"
SPARED = {  # what cannot be read so, when servers are late or early, and why
    '04_expect_denied': (LATE, 'what the client sends behind a body that was refused lies before the refusal'),
    '04_socks4a': (EARLY, 'an answer of SOCKS without its request is not known from other bytes'),
    '03_jetty': (ANY, RESET),
    '05_caddy_stops': (ANY, RESET),
    '05_cowboy': (EARLY, RESET),
    '05_two_servers': (EARLY, RESET),
    '07_h3_chromium': (EARLY, 'so much of the server comes first that it is read as one whose beginning is missing'),
    '07_h3_ends': (LATE, CLOSE),
    '07_h3_migration': (ANY, MOVED),
    '08_xmpp': (EARLY, RESET),
    '09_snap96': (ANY, 'its heads are cut: frames are looked for, and too few lie together'),
    'made_damaged': (ANY, 'the damage is gone from the copy'),
}


def ends(packet):
    """(sender, receiver) of TCP or UDP."""
    if packet.flow:
        return packet.flow[:2], packet.flow[2:]
    data = packet.data
    if data[12:14] != b'\x08\0' or data[23:24] != b'\x11' or len(data) < 42:
        return None
    udp = 14 + (data[14] & 15) * 4
    sport, dport = struct.unpack('>HH', data[udp:udp + 4])
    return (data[26:30], sport), (data[30:34], dport)


def clients(packets):
    """By the two ends of each connection, the end that asked. Of UDP, who spoke first."""
    found = {}
    for p in packets:
        if not ends(p):
            continue
        one, other = ends(p)
        flags = p.data[14 + (p.data[14] & 15) * 4 + 13] if p.flow else None
        if not p.flow:
            found.setdefault(frozenset((one, other)), one)
        elif flags & (SYN | ACK) == SYN:
            found[frozenset((one, other))] = one
        elif flags & (SYN | ACK) == SYN | ACK:
            found.setdefault(frozenset((one, other)), other)
        else:
            found.setdefault(frozenset((one, other)), max(one, other, key=lambda end: end[1]))
    return found


def skewed(data, by):
    """The capture with all that servers sent `by` seconds later."""
    head, packets = shuffle.read_classic(data)
    unit = 10**9 if head[:4] == b'\x4d\x3c\xb2\xa1' else 10**6
    asked = clients(packets)
    timed = []
    for p in packets:
        at = p.when[0] * unit + p.when[1]
        if ends(p) and asked[frozenset(ends(p))] != ends(p)[0]:
            at += round(by * unit)
        timed.append((at, p))
    timed.sort(key=lambda t: t[0])
    return shuffle.write_classic(head, [p for _, p in timed], [divmod(at, unit) for at, _ in timed])


def spared(name, by):
    return name in SPARED and SPARED[name][0] in (ANY, LATE if by > 0 else EARLY)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', maxsplit=1)[0])
    parser.add_argument('--tool', default=os.environ.get('WSTRACE', 'build/release/wstrace'))
    parser.add_argument('--by', type=float, action='append', help='milliseconds that servers are late; may be repeated')
    parser.add_argument('-v', '--verbose', action='store_true')
    parser.add_argument('captures', nargs='*', help='with truth/NAME.ndjson beside, and NAME.keys')
    options = parser.parse_args()
    captures = options.captures or sorted(glob.glob(os.path.join(CAPTURES, '*.pcap')))
    folder = os.path.dirname(captures[0])
    bad = 0
    for by in options.by or (-50, -3, 3, 50):
        judge = argparse.Namespace(tool=options.tool, truth_dir=os.path.join(folder, 'truth'), extra_args='',
                                   keys_dir=folder, recoverable=True, verbose=False)
        done = wrong = 0
        with tempfile.TemporaryDirectory(prefix='wstrace-skew-') as scratch:
            for path in captures:
                name = check_truth.stem(path)
                copy = os.path.join(scratch, os.path.basename(path))
                if not check_truth.truth_name(name) or spared(name, by):
                    continue
                try:
                    with open(path, 'rb') as file:
                        data = skewed(file.read(), by / 1000)
                except ValueError:
                    continue  # another link type
                with open(copy, 'wb') as file:
                    file.write(data)
                with contextlib.redirect_stdout(io.StringIO()):
                    result, differences = check_truth.check(judge, name, [copy])
                done += not result.startswith('skipped')
                wrong += bool(differences)
                if differences or options.verbose:
                    print(f'  {"DIFFERS" if differences else "ok     "} {name}: {result}')
                for difference in differences[:6]:
                    print(f'      {difference}')
                os.remove(copy)
        print(f'servers {by:+g} ms: {done} captures compared, {wrong} differ')
        bad += wrong + (not done)
    return 1 if bad else 0


if __name__ == '__main__':
    sys.exit(main())

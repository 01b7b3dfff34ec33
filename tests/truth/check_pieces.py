#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Pieces of text, known though what they follow is not in the capture.

    check_pieces.py --tool build/wstrace FOLDER

Each capture with text is cut: its first packets missing, or one in the middle. What wstrace then tells
by the piece must be in the message of the whole capture, whose messages check_truth.py holds against what the
endpoints noted, at the very place it names.
"""
import argparse
import json
import os
import struct
import subprocess
import sys

CUTS = 12          # places in a capture
LARGEST = 400_000  # bytes of a capture
LEAST = 10_000     # pieces there must be in all: else nothing was tried


def packets(path):
    """Header and packets of a classic little-endian capture; None: another kind, or too large."""
    with open(path, 'rb') as file:
        data = file.read(LARGEST + 1)
    if data[:4] != b'\xd4\xc3\xb2\xa1' or len(data) > LARGEST:
        return None
    at, list_ = 24, []
    while at + 16 <= len(data):
        n = struct.unpack_from('<I', data, at + 8)[0]
        list_.append(data[at:at + 16 + n])
        at += 16 + n
    return data[:24], list_


def messages(tool, head, list_):
    process = subprocess.run([tool, '--json', '-'], input=head + b''.join(list_), capture_output=True, check=False)
    if process.returncode:  # a damaged capture
        return []
    return [e for e in map(json.loads, process.stdout.splitlines()) if e['type'] == 'message']


def key_of(event, packet):
    return packet, event['dir'], event['op'], event['wire_len'], event['len']


def wrong_in(event, texts):
    """What of it is at no such place in any of the texts."""
    pieces = [(piece['at'], piece['text'].encode()) for piece in event.get('pieces', [])]
    if any(all(text[at:at + len(piece)] == piece for at, piece in pieces) for text in texts):
        return []
    return pieces


def try_capture(tool, path, say):
    """How many pieces could be judged."""
    capture = packets(path)
    if not capture:
        return 0
    head, list_ = capture
    truth, n = {}, 0
    for e in messages(tool, head, list_):
        if e['certain'] and 'text' in e:
            truth.setdefault(key_of(e, e['first_pkt']), []).append(e['text'].encode())
    if not truth:
        return 0
    for cut in sorted({len(list_) * i // CUTS for i in range(1, CUTS)}):
        for missing in (range(cut), range(cut, cut + 1)):
            left = [p for i, p in enumerate(list_) if i not in missing]
            for e in messages(tool, head, left):
                first = e['first_pkt'] + (len(missing) if e['first_pkt'] > missing.start else 0)
                texts = truth.get(key_of(e, first), [])
                if 'pieces' not in e or not texts:  # nor is it certain in the whole capture
                    continue
                n += len(e['pieces'])
                for at, piece in wrong_in(e, texts):
                    say(f'{path}: without packets {missing}: {piece} is not at {at} of message {e["msg"]}')
    return n


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--tool', required=True)
    parser.add_argument('folder')
    options = parser.parse_args()
    faults = []
    n = sum(try_capture(options.tool, os.path.join(options.folder, name), faults.append)
            for name in sorted(os.listdir(options.folder)) if name.endswith('.pcap'))
    for fault in faults[:20]:
        print(fault)
    print(f'{n} pieces, {len(faults)} wrong')
    return 1 if faults or n < LEAST else 0


if __name__ == '__main__':
    sys.exit(main())

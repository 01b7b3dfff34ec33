#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Copies of libngtcp2 0.12 (Debian 12) whose draft of QUIC version 2 becomes the one of RFC 9369.

The draft differs in the version number, the salt of the Initial secrets and the key of Retry packets; labels
and packet types are the same. Only a recording needs it: LD_LIBRARY_PATH=FOLDER.  usage: patch_v2.py FOLDER
"""
import glob
import os
import sys

CHANGES = [
    (bytes.fromhex('709a50c4')[::-1], bytes.fromhex('6b3343cf')[::-1]),
    (bytes.fromhex('a707c203a59b47184a1d62ca570406ea7ae3e5d3'),
     bytes.fromhex('0dede3def700a6db819381be6e269dcbf9bd2ed9')),
    (bytes.fromhex('ba858dc7b43de5dbf87617ff4ab253db'), bytes.fromhex('8fb4b01b56ac48e260fbcbcead7ccc92')),
    (bytes.fromhex('141b99c239b03e785d6a2e9f'), bytes.fromhex('d86969bc2d7c6d9990efb04a')),
]
folder = sys.argv[1]
os.makedirs(folder, exist_ok=True)
for path in glob.glob('/usr/lib/*/libngtcp2.so.9') + glob.glob('/usr/lib/*/libngtcp2_crypto_gnutls.so.*'):
    with open(path, 'rb') as file:
        data = file.read()
    counts = [data.count(old) for old, _ in CHANGES]
    for old, new in CHANGES:
        data = data.replace(old, new)
    with open(os.path.join(folder, os.path.basename(path)), 'wb') as file:
        file.write(data)
    print(os.path.basename(path), counts)

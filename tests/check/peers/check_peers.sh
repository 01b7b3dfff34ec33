#!/bin/sh
# SPDX-License-Identifier: MIT
# Twenty recordings of each pair of peers, at four speeds, with and without deflate, through nginx, too, and one of
# each change at the server; all are held against one golden. As root, from the top of the sources:
#
#     tests/check/peers/check_peers.sh build/release/wstrace [COUNT [FOLDER]]
#
# With a FOLDER the recordings stay there, and a run that was interrupted goes on with what is in it. The result is
# one table; exit status 1 when a recording is not the same, a change is not caught, or a recording could not be had.
set -eu
here=$(dirname "$0")
out=${3:-}
if [ -z "$out" ]; then
    out=$(mktemp -d)
    trap 'rm -rf "$out"' EXIT
fi
status=0
python3 "$here/recordings.py" "$out" --count "${2:-20}" --tcpdump --nginx || status=$?
[ "$status" -ne 77 ] || exit 77
python3 "$here/../test_peers.py" "$1" . "$out" || status=1
exit "$status"

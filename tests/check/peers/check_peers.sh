#!/bin/sh
# SPDX-License-Identifier: MIT
# Twenty recordings of each pair of peers, at four speeds, with and without deflate, through nginx, too; all are held
# against one golden. As root, from the top of the sources: tests/check/peers/check_peers.sh build/dev/wstrace
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
here=$(dirname "$0")
python3 "$here/recordings.py" "$out" --count "${2:-20}" --tcpdump --nginx
python3 "$here/../test_peers.py" "$1" . "$out"

#!/bin/sh
# Chromium asks an HTTP/3 server (h3/ngtcp2_peer.c; h3/build.sh builds it) whose certificate it does not trust: five
# packets, the last of them its CONNECTION_CLOSE. Into the folder given: NAME.pcap, NAME.keys, what Chromium said.
# usage: 07_h3_certificate.sh FOLDER_OF_build.sh FOLDER
set -e
built=$1 to=$2 port=25901 name=07_h3_certificate
profile=$(mktemp -d)
trap 'kill $tap 2>/dev/null || true; rm -rf "$profile"' EXIT
sleep 20 | timeout 20 "$built/h3/ngtcp2_peer" server 127.0.0.1 $port "$built/keys/h3.key" "$built/keys/h3.crt" >"$profile/peer" &
tcpdump -i lo -w "$to/$name.pcap" -U "udp port $port" 2>"$profile/tap" &
tap=$!
sleep 1
SSLKEYLOGFILE=$to/$name.keys HOME=$profile timeout 15 chromium --headless --no-sandbox --disable-gpu --no-first-run \
    --disable-background-networking --no-proxy-server --enable-quic --origin-to-force-quic-on=127.0.0.1:$port \
    --user-data-dir="$profile" --dump-dom https://127.0.0.1:$port/ >"$profile/page" 2>"$to/$name.said" || true
sleep 1

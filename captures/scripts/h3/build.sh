#!/bin/sh
# The peers of the HTTP/3 recordings, into build/recorded/h3 or WSTRACE_RECORDED/h3; certificates into keys beside it.
# needs: libngtcp2-dev libngtcp2-crypto-gnutls-dev libnghttp3-dev libgnutls28-dev golang-go
#        golang-github-lucas-clemente-quic-go-dev (Debian 12)
set -e
here=$(cd "$(dirname "$0")" && pwd)
recorded=${WSTRACE_RECORDED:-$here/../../../build/recorded}
mkdir -p "$recorded/h3" "$recorded/keys"
cc -O1 -o "$recorded/h3/ngtcp2_peer" "$here/ngtcp2_peer.c" -lngtcp2 -lngtcp2_crypto_gnutls -lnghttp3 -lgnutls
GO111MODULE=off GOPATH=/usr/share/gocode go build -o "$recorded/h3/quicgo_peer" "$here/quicgo_peer.go"
python3 "$here/patch_v2.py" "$recorded/h3"
sh "$here/certs.sh" "$recorded/keys"

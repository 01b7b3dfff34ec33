#!/bin/sh
# Self-signed certificates (RSA and ECDSA) for the wss recordings, made once.
set -e
recorded=${WSTRACE_RECORDED:-$(dirname "$0")/../../build/recorded}
mkdir -p "$recorded/keys"
cd "$recorded/keys"
san=subjectAltName=DNS:localhost,IP:127.0.0.1
[ -s rsa.key ] || openssl req -x509 -newkey rsa:2048 -nodes -keyout rsa.key -out rsa.crt \
    -days 3650 -subj /CN=localhost -addext $san 2>/dev/null
[ -s ec.key ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes \
    -keyout ec.key -out ec.crt -days 3650 -subj /CN=localhost -addext $san 2>/dev/null

#!/bin/sh
# Certificates for localhost: one that is not its own issuer, as rustls wants it, and one of many names that does not
# fit into one datagram. usage: certs.sh FOLDER
set -e
cd "$1"
[ -s big.key ] && exit 0
ec='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
openssl req -x509 $ec -keyout h3ca.key -out h3ca.crt -days 3650 -subj /CN=recordings 2>/dev/null
openssl req $ec -keyout h3.key -out h3.csr -subj /CN=localhost 2>/dev/null
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=critical,CA:FALSE\n' > h3.ext
openssl x509 -req -in h3.csr -CA h3ca.crt -CAkey h3ca.key -CAcreateserial -days 3650 -extfile h3.ext \
    -out h3.crt 2>/dev/null
names=DNS:localhost
i=0
while [ $i -lt 200 ]; do
    names="$names,DNS:a-rather-long-name-number-$i.example"
    i=$((i + 1))
done
openssl req -x509 -newkey rsa:2048 -nodes -keyout big.key -out big.crt -days 3650 -subj /CN=localhost \
    -addext "subjectAltName=$names" 2>/dev/null

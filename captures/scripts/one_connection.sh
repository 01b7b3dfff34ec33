#!/bin/sh
# The lossy recordings hold two or three connections that show the same; one is shipped. Keeps the
# first connection of each and the lines of its truth.
set -e
recorded=${WSTRACE_RECORDED:-$(dirname "$0")/../../build/recorded}
captures=$recorded/captures
truth=$recorded/truth

one() { # one FROM TRUTH TO
    conn=$(sed -n 's/.*"kind": *"message", *"conn": *"\([^"]*\)".*/\1/p' "$truth/$2.ndjson" | sort | head -n 1)
    port=${conn%%>*}
    port=${port##*:}
    tcpdump -r "$captures/$1.pcap" -w - "tcp port $port" >"$captures/$3.pcap"
    grep -F "\"$conn\"" "$truth/$2.ndjson" >"$truth/$3.tmp"
    mv "$truth/$3.tmp" "$truth/$3.ndjson"
}
one 09_net_loss_server 09_net_loss 09_net_loss
one 09_net_reorder_client 09_net_reorder 09_net_reorder
one 09_net_dup_client 09_net_dup 09_net_dup
one 09_capture_loss 09_capture_loss 09_capture_loss_one

#!/bin/sh
# Records everything again: as root, about eight minutes. Each line can be run alone, in any order
# but for 07_h2_loss.py, 07_h3_made.py and made.py, which change what is there.
# Results: build/recorded/{captures,truth,keys}, or where WSTRACE_RECORDED says.
cd "$(dirname "$0")" || exit 1
set -x
sh mkcerts.sh
node 01_ws_plain.js
node 02_ws_deflate.js
node 03_peers_py.js
node --experimental-websocket 03_peers_node.js
node 03_proxies.js
node 03_chromium.js
python3 03_libraries.py
python3 04_handshake_raw.py
python3 04_go.py
node 04_handshake_real.js
node 04_h2c.js
python3 05_violations.py
node 05_mojo.js
node 05_proxies.js
python3 05_programs.py
python3 05_cowboy.py
node 06_tls.js
node 06_tls_more.js
node 07_h2_node.js
node 07_h2_browsers.js
node 07_h2_proxy.js
python3 07_h2_raw.py
python3 07_h2_violations.py
python3 07_h2_loss.py
sh h3/build.sh
sh h3/net.sh node 07_h3_ngtcp2.js
sh h3/net.sh node 07_h3_quicgo.js
sh h3/net.sh node 07_h3_quiche.js
sh h3/net.sh node 07_h3_deno.js
node 07_h3_deno.js gso
sh h3/net.sh node 07_h3_chromium.js
python3 07_h3_made.py
node 08_subprotocols.js
node 08_apps_events.js
node 08_apps_brokers.js
node 08_apps_servers.js
node 09_net.js
python3 09_raw.py
sh one_connection.sh
python3 made.py

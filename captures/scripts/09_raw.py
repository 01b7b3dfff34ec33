#!/usr/bin/env python3
"""port reuse, TCP Fast Open, keep-alive probes, half-close, linger. Re-executes itself in a netns of its own (labT)."""
import sys, os, struct, subprocess; sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)) + '/lib')
if len(sys.argv) < 2:
    subprocess.run(['ip', 'netns', 'del', 'labT'], stderr=subprocess.DEVNULL); subprocess.run(['ip', 'netns', 'add', 'labT'], check=True); subprocess.run(['ip', '-n', 'labT', 'link', 'set', 'lo', 'up'], check=True); subprocess.run(['ip', 'netns', 'exec', 'labT', 'sysctl', '-qw', 'net.ipv4.tcp_fastopen=3'])
    r = subprocess.run(['ip', 'netns', 'exec', 'labT', sys.executable, os.path.abspath(__file__), 'in']).returncode; subprocess.run(['ip', 'netns', 'del', 'labT']); sys.exit(r)
from rawlab import *
L = Lab('09_raw.py'); CL = struct.pack('>H', 1000)
HS = ('hs', {'status': 101, 'upgraded': True})
def talk(n=3): return [y for i in range(n) for y in (('c', F(1, f'hello {i}')), ('msg', 'c2s', 1, f'hello {i}'), ('s', F(1, f'echo {i}')), ('msg', 's2c', 1, f'echo {i}'))]
end = [('c', F(8, CL)), ('msg', 'c2s', 8, CL), ('s', F(8, CL)), ('msg', 's2c', 8, CL)]
L.capture('09_port_reuse.pcap', 22781, [[('opt', {'cport': 22999}), ('c', request(b'/first')), ('s', switching()), HS, *talk(2), ('c', F(1, 'first connection, cut', fin=0)), ('crst',)], [('opt', {'cport': 22999}), ('c', request(b'/second')), ('s', switching()), HS, *talk(3), *end, ('srst',)], [('opt', {'cport': 22999}), ('c', b'GET /plain HTTP/1.1\r\nHost: x\r\n\r\n'), ('s', b'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'), ('srst',)], [('opt', {'cport': 22999}), ('c', request(b'/fourth')), ('s', switching()), HS, *talk(1), *end]], 'four connections one after the other with the same addresses and ports (the first ends by RST within a fragmented message; the third is plain HTTP)')
L.capture('09_tcp_fast_open.pcap', 22782, [[('opt', {'tfo': 1}), ('c', request()), ('s', switching()), HS, *talk(1), *end], [('opt', {'tfo': 1}), ('c', request()), ('s', switching()), HS, *talk(2), *end]], 'TCP Fast Open: in the second connection the GET is in the SYN')
L.capture('09_keepalive.pcap', 22783, [[('c', request()), ('s', switching()), HS, ('keepalive',), *talk(1), ('sleep', 3.5), *talk(1), ('sleep', 2.5), *end]], 'TCP keep-alive probes between frames')
L.capture('09_half_close.pcap', 22784, [[('c', request()), ('s', switching()), HS, *talk(1), ('cfin',), ('s', F(1, 'after the FIN of the client')), ('msg', 's2c', 1, 'after the FIN of the client'), ('s', F(8, CL)), ('msg', 's2c', 8, CL), ('sfin',)]], 'client half-closes, server goes on sending')

"""A client that writes its frames by hand, against a real server; it records what it sends and hears."""
import os, socket, sys, time
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..'))
from rawlab import F, request
from refdec import message, messages, pmd_of, ws_frames


def key(n):
    return b'AAAAAAAAAAAAAAAAAAAA' + str(10 + n).encode() + b'=='


def listening(port):
    for _ in range(400):
        with socket.socket() as s:
            if not s.connect_ex(('127.0.0.1', port)):
                return
        time.sleep(0.05)
    sys.exit(f'nobody listens on port {port}')


def talk(truth, port, n, path, steps, early=b'', offer=b'', http=b'1.1', method=b'GET'):
    """Connection n. `steps`: (frames sent with one write, their payloads), answers are waited for behind each;
    `truth`: gets its lines."""
    tcp = socket.create_connection(('127.0.0.1', port), 5)
    tcp.settimeout(3)
    conn = f'127.0.0.1:{tcp.getsockname()[1]}>127.0.0.1:{port}'
    tcp.sendall(request(path, key(n), offer, host=b'127.0.0.1:%d' % port, http=http, method=method) + early)
    heard = b''
    while b'\r\n\r\n' not in heard and (more := tcp.recv(65536)):
        heard += more
    head, _, heard = heard.partition(b'\r\n\r\n')
    status = int(head.split()[1]) if head else None
    if head:
        truth.append({'kind': 'handshake', 'conn': conn, 'path': path.decode(), 'status': status, 'at': 'client'})
    else:
        truth.append({'kind': 'note', 'conn': conn, 'path': path.decode(), 'at': 'client', 'event': 'no answer; the server ended TCP'})
    if status == 101:
        fields = dict(line.lower().split(': ', 1) for line in head.decode().split('\r\n')[1:])
        agreed = fields.get('sec-websocket-extensions')
        for frames, payloads in steps:
            tcp.sendall(b''.join(f.bytes('c') for f in frames))
            for opcode, payload in payloads:
                truth.append({**message(conn, 'c2s', opcode, payload), 'seen': 'sent'})
            tcp.settimeout(0.3)
            try:
                while more := tcp.recv(65536):
                    heard += more
            except TimeoutError:
                pass
        for opcode, payload, _, _ in messages(ws_frames(heard)[0], pmd_of(agreed, 'server')):
            try:
                line = message(conn, 's2c', opcode, payload)
            except UnicodeDecodeError:
                line = {**message(conn, 's2c', 2, payload), 'opcode': 1, 'hex': payload.hex()}
            truth.append({**line, 'seen': 'recv'})
    tcp.close()
    time.sleep(0.1)


def say(*said):
    """Frames of whole messages, and those."""
    return [F(opcode, payload) for opcode, payload in said], said

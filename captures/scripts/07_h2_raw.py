#!/usr/bin/env python3
"""WebSockets over HTTP/2 by hand-made frames: header blocks, DATA frames and HTTP/1.1 upgrades of every shape that is
allowed. usage: 07_h2_raw.py [PART OF A NAME]   (needs python3-hpack)"""
import base64
import os
import random
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
from h2raw import *  # noqa: E402,F403
from rawlab import KEY, Z, request, switching  # noqa: E402

HELLO = bytes.fromhex('810548656c6c6f')  # a whole WebSocket frame
SMALL = [1, 2, 3, 5, 8, 13]


def words(n, seed):
    return ''.join(random.Random(seed).choices('abcdefghij klm', k=n))


def noise(n, seed):
    return random.Random(seed).randbytes(n)


def data_frames(stream, whole, sizes):
    return [data(stream, piece) for piece in pieces(whole, sizes)]


# -- DATA frames -----------------------------------------------------------------------------

FRAG_FRAMES = (
    'WebSocket frames cut into DATA frames at every odd place: #1 one byte per DATA frame; #3 many WebSocket '
    'frames in one DATA frame and frames cut anywhere; #5 PADDED DATA (padding that looks like WebSocket frames, '
    'only padding, 255), empty DATA; #7 deflate with context takeover, fragments, cut anywhere; DATA of #5/#7 '
    'interleaved; second connection: HTTP/2 frames cut into TCP segments of 1, 2, 3, 5, 8, 13 bytes; third: a '
    '40,000 byte DATA frame')


def one_byte_each(c, stream):
    for role, text in (CLIENT, 'one byte each'), (SERVER, 'and back'), (CLIENT, ''):
        c.write_each(role, data_frames(stream, c.message(role, stream, TEXT, text), [1]))
    c.write(SERVER, *data_frames(stream, c.message(SERVER, stream, TEXT, 'x' * 130), [1]))
    c.write_each(CLIENT, data_frames(stream, c.message(CLIENT, stream, PING_FRAME, b'ping'), [1]))
    pong = c.message(SERVER, stream, PONG_FRAME, b'ping')
    c.write(SERVER, *[data(stream, part) for part in (pong[:1], b'', pong[1:2], b'', b'', pong[2:])])


def many_in_one(c, stream, rng):
    whole = b''.join(c.message(CLIENT, stream, 1 + i % 2, f'message {i} ' * (i % 5)) for i in range(30))
    c.write(CLIENT, data(stream, whole))
    whole = b''.join(c.message(SERVER, stream, TEXT, f'answer {i} ' * i, frames=1 + i % 3) for i in range(30))
    sizes = rng.choices([1, 2, 3, 7, 40, 126, 127, 300], k=50)
    c.write_each(SERVER, pieces(b''.join(data_frames(stream, whole, sizes)), [777]))
    whole = c.message(CLIENT, stream, BINARY, noise(70000, 3))  # a header of 14 bytes, cut within each field
    cuts = [0, 1, 2, 5, 9, 10, 13, 14, 15, 16384, 32000, 48000, 60000, len(whole)]
    c.write(CLIENT, *[data(stream, whole[a:b]) for a, b in zip(cuts, cuts[1:])])


def padded_and_deflated(c, padded, deflated, z, rng):
    for k, pad in enumerate((0, 1, 7, 255, 254, 128)):
        role = SERVER if k % 2 else CLIENT
        whole = c.message(role, padded, TEXT, f'padded by {pad}')
        half = len(whole) // 2
        c.write(role, data(padded, whole[:half], pad=pad, padding=HELLO), data(padded, pad=pad),
                data(padded, whole[half:], pad=pad, padding=HELLO))
        text = f'{{"type":"deflated","n":{k},"text":"the same the same"}}'
        whole = c.message(role, deflated, TEXT, text, deflate=z[role], frames=1 + k % 4)
        for piece in pieces(whole, rng.choices([1, 2, 3, 9], k=20)):
            c.write(role, data(deflated, piece, pad=rng.choice([None, 0, 3])), data(deflated))


def interleaved(c, padded, deflated, z):
    five = c.message(CLIENT, padded, TEXT, 'interleaved on five ' * 10)
    seven = c.message(CLIENT, deflated, TEXT, 'interleaved on seven ' * 10, deflate=z[CLIENT], frames=3)
    out = b''
    for i in range(0, max(len(five), len(seven)), 5):
        out += data(padded, five[i:i + 5]) if i < len(five) else b''
        out += data(deflated, seven[i:i + 5]) if i < len(seven) else b''
    c.write(CLIENT, out)
    # A frame open over frames of the other stream and over control frames of HTTP/2.
    whole = c.message(SERVER, padded, TEXT, 'a frame with things amid it')
    amid = c.message(SERVER, deflated, TEXT, 'amid', deflate=z[SERVER])
    c.write(SERVER, data(padded, whole[:9]), frame(PING, 0, 0, b'12345678'), data(deflated, amid),
            frame(WINDOW_UPDATE, 0, padded, word(1000)), data(padded, whole[9:]))


def closes(c):
    last = c.message(CLIENT, 1, TEXT, 'last words') + c.close_frame(CLIENT, 1, 1000, 'end')
    c.write(CLIENT, data(1, last, end=True))
    c.write(SERVER, data(1, c.close_frame(SERVER, 1, 1000, 'end')), data(1, end=True))
    c.write(SERVER, data(3, c.close_frame(SERVER, 3, 1001, 'going')), data(3, end=True, pad=4))
    c.write(CLIENT, data(3, c.close_frame(CLIENT, 3, 1001, 'going'), end=True, pad=9))
    c.bye(5, 4321, 'five')
    c.bye(7, None)
    c.write(CLIENT, goaway())
    c.fin(CLIENT, SERVER)
    c.done()


def small_segments(capture):
    c = Connection(capture, start=False)
    c.write_each(CLIENT, pieces(PREFACE + settings((WINDOW, 65535)), SMALL))
    c.write_each(SERVER, pieces(settings(*NORMAL) + settings_ack(), [4, 1, 7]))
    c.write(CLIENT, settings_ack())
    c.write_each(CLIENT, pieces(c.headers(CLIENT, 1, c.request('/segments', OFFER)), SMALL))
    answer = [(':status', '200'), ('sec-websocket-extensions', DEFLATE)]
    c.write_each(SERVER, pieces(c.headers(SERVER, 1, answer), [1, 2, 3]))
    c.handshake(1, path='/segments', status=200, extensions=DEFLATE, offered=OFFER)
    z = {CLIENT: Z(), SERVER: Z()}
    for i in range(4):
        there = c.message(CLIENT, 1, TEXT, f'small segments {i}', deflate=z[CLIENT])
        c.write_each(CLIENT, pieces(data(1, there), SMALL))
        back = c.message(SERVER, 1, TEXT, f'small segments {i} back', deflate=z[SERVER])
        c.write_each(SERVER, pieces(data(1, back, pad=5), [9, 1, 13, 2]))
    c.bye(1)
    c.done()


def large_frame(capture):
    c = Connection(capture, client_settings=((MAX_FRAME, 1 << 20), (WINDOW, 1 << 20)),
                   server_settings=(*NORMAL, (MAX_FRAME, 65536), (WINDOW, 1 << 20)))
    c.open(1, '/bigframe')
    c.write(CLIENT, data(1, c.message(CLIENT, 1, BINARY, noise(40000, 9))))
    c.text(SERVER, 1, words(40000, 9))
    c.bye(1)
    c.done()


def frag_frames(capture):
    c, rng, z = Connection(capture), random.Random(7), {CLIENT: Z(), SERVER: Z()}
    c.open(1, '/bytes')
    one_byte_each(c, 1)
    c.open(3, '/many')
    many_in_one(c, 3, rng)
    c.open(5, '/padded')
    c.open(7, '/deflate', OFFER, DEFLATE)
    padded_and_deflated(c, 5, 7, z, rng)
    interleaved(c, 5, 7, z)
    closes(c)
    small_segments(capture)
    large_frame(capture)


# -- header blocks ---------------------------------------------------------------------------

HEADER_BLOCKS = (
    'h2c: HEADERS with CONTINUATION (40 kB of request headers; fragments of 0 and 1 byte; 20 kB of response '
    'headers), PADDED and PRIORITY HEADERS, SETTINGS_HEADER_TABLE_SIZE 0, 65536, 100 and changes in mid '
    'connection, eviction from the dynamic table, never-indexed and non-Huffman strings, 103 before 200, '
    'PUSH_PROMISE (its block changes the HPACK state), PRIORITY, PING, WINDOW_UPDATE, ALTSVC, unknown frame '
    'types, trailers (of a POST and of a WebSocket)')
ALTSVC, ORIGIN = 10, 12
PUSHED = ('x-pushed', 'into the table')
TRAILED = [('x-new', 'in the trailer'), ('x-ws-trailer', '1')]


def shapes(c):
    """Large blocks, odd fragments, padding, priority; frames of other types between."""
    c.open(1, '/large-headers', OFFER, DEFLATE, extra=[(f'x-large-{i}', words(900, i)) for i in range(60)],
           answer=[(f'x-answer-{i}', words(700, 100 + i)) for i in range(30)])
    c.text(CLIENT, 1, 'after 40 kB of headers', deflate=Z())
    c.text(SERVER, 1, 'after 20 kB of headers', deflate=Z())
    c.open(3, '/pieces', sent={'split': [1, 1, 0, 1, 5, 0, 0, 7]}, answered={'split': [0, 1, 0]})
    c.text(CLIENT, 3, 'pieces')
    c.text(SERVER, 3, 'pieces too')
    c.open(5, '/pad-prio', sent={'pad': 37, 'priority': (0x80000003, 200)}, answered={'pad': 0})
    c.text(CLIENT, 5, 'padded and with a priority')
    c.open(7, '/pad-prio-cont', OFFER, DEFLATE + '; server_no_context_takeover',
           sent={'pad': 255, 'priority': (1, 0), 'split': [10, 10]}, answered={'pad': 200, 'split': [1]})
    c.text(SERVER, 7, 'padded, priority, continuation', deflate=Z())
    c.write(CLIENT, frame(PRIORITY, 0, 9, struct.pack('>IB', 0, 15)), frame(PING, 0, 0, b'pingping'),
            frame(WINDOW_UPDATE, 0, 0, word(100000)), frame(0xbb, 0xff, 5, b'unknown frame type'), frame(0xf0, 0, 0))
    c.write(SERVER, frame(PING, ACK, 0, b'pingping'), frame(ORIGIN, 0, 0), frame(0x77, 4, 7, HELLO),
            frame(ALTSVC, 0, 0, struct.pack('>H', 18) + b'http://example.org' + b'h2=":8000"'))
    for stream in (1, 3, 5, 7):
        c.bye(stream, 1000, f'stream {stream}')


def pushed(c, stream, promised):
    """A GET with a push: the block of the promise goes through the same table as the answers."""
    asked = [(':method', 'GET'), (':scheme', 'http'), (':path', '/page'), (':authority', 'x')]
    promise = [(':method', 'GET'), (':scheme', 'http'), (':path', '/pushed'), (':authority', '127.0.0.1'),
               ('sec-websocket-extensions', DEFLATE), PUSHED]
    c.write(CLIENT, c.headers(CLIENT, stream, asked, end=True))
    c.write(SERVER, c.headers(SERVER, stream, promise, promise=promised, split=[12]))
    c.write(SERVER, c.headers(SERVER, stream, [(':status', '200'), ('content-type', 'text/html')]))
    c.write(SERVER, data(stream, b'<html>'), data(stream, HELLO, end=True))
    c.write(SERVER, c.headers(SERVER, promised, [(':status', '200'), PUSHED]))
    c.write(SERVER, data(promised, b'pushed body', end=True))


def post_with_trailers(c, stream):
    asked = [(':method', 'POST'), (':scheme', 'http'), (':path', '/post'), (':authority', 'x'), ('te', 'trailers')]
    c.write(CLIENT, c.headers(CLIENT, stream, asked))
    c.write(CLIENT, data(stream, b'body of the POST'))
    c.write(CLIENT, c.headers(CLIENT, stream, [('x-checksum', 'abc'), TRAILED[0]], end=True))
    c.write(SERVER, c.headers(SERVER, stream, [(':status', '200')]))
    c.write(SERVER, data(stream, b'done'))
    c.write(SERVER, c.headers(SERVER, stream, [('x-checksum', 'def'), ('grpc-status', '0')], end=True, split=[3]))


def early_and_trailers(c, stream):
    """103 first, and a 200 that names what the push put into the table; ended by trailers instead of DATA."""
    z = {CLIENT: Z(), SERVER: Z()}
    c.write(CLIENT, c.headers(CLIENT, stream, c.request('/early', OFFER)))
    c.write(SERVER, c.headers(SERVER, stream, [(':status', '103'), ('link', '</style.css>; rel=preload')]))
    c.write(SERVER, c.headers(SERVER, stream, [(':status', '200'), ('sec-websocket-extensions', DEFLATE), PUSHED]))
    c.handshake(stream, path='/early', status=200, extensions=DEFLATE, offered=OFFER)
    c.text(CLIENT, stream, 'after 103', deflate=z[CLIENT])
    c.text(SERVER, stream, 'after 103 too', deflate=z[SERVER])
    post_with_trailers(c, stream + 2)
    c.text(CLIENT, stream, 'after 103 again', deflate=z[CLIENT])
    c.write(CLIENT, data(stream, c.close_frame(CLIENT, stream, 1000, 'trailers')))
    c.write(CLIENT, c.headers(CLIENT, stream, TRAILED, end=True))
    c.write(SERVER, data(stream, c.close_frame(SERVER, stream, 1000, 'trailers')))
    c.write(SERVER, c.headers(SERVER, stream, [('grpc-status', '0')], end=True))
    c.open(stream + 4, '/after-trailers', OFFER, DEFLATE, extra=TRAILED)
    c.text(CLIENT, stream + 4, 'indexed from the trailers', deflate=Z())
    c.bye(stream + 4)


def table_sizes(capture):
    c = Connection(capture, client_settings=((HEADER_TABLE_SIZE, 65536),),
                   server_settings=((HEADER_TABLE_SIZE, 0), *NORMAL))
    opened = []

    def table(role, *sizes):
        """The encoder of `role` is told of these sizes."""
        for size in sizes:
            c.hpack[role].header_table_size = size

    def resized(role, *sizes):
        """The other side changes them by SETTINGS."""
        other = SERVER if role == CLIENT else CLIENT
        c.write(other, *[settings((HEADER_TABLE_SIZE, size)) for size in sizes])
        c.write(role, *[settings_ack() for _ in sizes])
        table(role, *sizes)

    def one(stream, name, **options):
        extra = [('x-same', 'same value ' * 5), ('x-sid', str(stream)), ('cookie', f'secret={name}', 'never indexed')]
        c.open(stream, f'/{name}', OFFER, DEFLATE, extra=extra,
               answer=[('server', 'raw'), ('x-same', 'back ' * 10)], **options)
        c.text(CLIENT, stream, f'{name} c', deflate=Z())
        c.text(SERVER, stream, f'{name} s', deflate=Z())
        opened.append(stream)

    table(CLIENT, 0)
    table(SERVER, 65536)
    one(1, 'table0')
    one(3, 'table0again', sent={'huffman': False}, answered={'huffman': False})
    resized(CLIENT, 65536)
    one(5, 'table65536')
    one(7, 'table65536again')
    fill = [(f'x-fill-{i}', words(1200, i)) for i in range(40)]
    filled = [(f'x-r-{i}', words(600, i)) for i in range(40)]
    for i in range(40):
        c.get(101 + 2 * i, f'/fill/{i}', [fill[i]], '204', [filled[i]])
    one(201, 'filled')
    c.get(203, '/old', [fill[i] for i in (0, 5, 20, 39)], '204', [filled[0], filled[39]])
    resized(SERVER, 100)
    one(205, 'server100')
    resized(CLIENT, 0, 4096)
    one(207, 'shrunk-and-grown')
    one(209, 'again')
    c.write(CLIENT, settings((HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 200), (0x33, 7), (MAX_FRAME, 20000)))
    c.write(SERVER, settings_ack())
    table(SERVER, 0, 200)
    one(211, 'twice-in-one-settings')
    for stream in opened:
        c.bye(stream, 1000, '')
    c.done()


def header_blocks(capture):
    c = Connection(capture)
    shapes(c)
    pushed(c, 9, 2)
    early_and_trailers(c, 11)
    c.fin(CLIENT)
    c.done()
    table_sizes(capture)


# -- from HTTP/1.1 ---------------------------------------------------------------------------

UPGRADE = (
    'Upgrade: h2c by HTTP/1.1 (101), then HTTP/2: the answer to the GET on stream 1, WebSockets by extended '
    'CONNECT on streams 3 and 5; second connection: client sends the preface in the same segment as its first '
    'streams, server SETTINGS in the segment of the 101, deflate; third: POST with a body and Upgrade: h2c; '
    'fourth: upgrade declined (200), then an HTTP/1.1 WebSocket on the same connection')
SWITCHING = b'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n'


def upgrade_request(method=b'GET', path=b'/', extra=b''):
    pairs = struct.pack('>HIHI', MAX_STREAMS, 100, WINDOW, 65535)
    return (method + b' ' + path + b' HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\n'
            b'Upgrade: h2c\r\nHTTP2-Settings: ' + base64.urlsafe_b64encode(pairs).rstrip(b'=') + b'\r\n' +
            extra + b'\r\n')


def first_answer(c):
    headers = c.headers(SERVER, 1, [(':status', '200'), ('content-type', 'text/plain')])
    return headers + data(1, b'the answer to the first request', end=True)


def upgraded_step_by_step(capture):
    c, z = Connection(capture, start=False), {CLIENT: Z(), SERVER: Z()}
    c.write(CLIENT, upgrade_request())
    c.write(SERVER, SWITCHING)
    c.write(SERVER, settings(*NORMAL))
    c.write(CLIENT, PREFACE, settings((WINDOW, 65535)))
    c.write(SERVER, settings_ack())
    c.write(SERVER, first_answer(c))
    c.write(CLIENT, settings_ack())
    c.open(3, '/plain')
    c.both(3)
    c.open(5, '/deflate', OFFER, DEFLATE)
    for i in range(4):
        c.text(CLIENT, 5, f'deflated {i}', deflate=z[CLIENT])
        c.text(SERVER, 5, f'deflated {i} back', deflate=z[SERVER])
        c.both(3, f' {i}')
    c.bye(5, 1000, 'five')
    c.bye(3, 1001, 'three')
    c.fin(CLIENT, SERVER)
    c.done()


def upgraded_at_once(capture):
    c = Connection(capture, start=False)
    c.write(CLIENT, upgrade_request(path=b'/index.html'))
    c.write(SERVER, SWITCHING, settings(*NORMAL), first_answer(c))
    c.write(CLIENT, PREFACE, settings(), settings_ack(), c.headers(CLIENT, 3, c.request('/at-once', OFFER)))
    answer = [(':status', '200'), ('sec-websocket-extensions', DEFLATE)]
    c.write(SERVER, settings_ack(), c.headers(SERVER, 3, answer))
    c.handshake(3, path='/at-once', status=200, extensions=DEFLATE, offered=OFFER)
    c.text(CLIENT, 3, 'at once', deflate=Z())
    c.write(SERVER, data(3, c.message(SERVER, 3, BINARY, noise(300, 1), deflate=Z())))
    c.bye(3)
    c.fin(CLIENT)
    c.done()


def upgraded_by_post(capture):
    c, body = Connection(capture, start=False), PREFACE + b'not a preface but a body'
    c.write(CLIENT, upgrade_request(b'POST', b'/post', b'Content-Length: %d\r\n' % len(body)), body)
    c.write(SERVER, SWITCHING)
    c.write(CLIENT, PREFACE, settings())
    c.write(SERVER, settings(*NORMAL), settings_ack(), first_answer(c))
    c.write(CLIENT, settings_ack())
    c.open(3, '/after-post')
    c.both(3)
    c.bye(3)
    c.done()


def declined(capture):
    c = Connection(capture, start=False)
    c.write(CLIENT, upgrade_request())
    c.write(SERVER, b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\ndeclined')
    c.write(CLIENT, request(b'/http1', KEY))
    c.write(SERVER, switching(KEY))
    c.handshake(None, path='/http1', status=101)
    for role, text in (CLIENT, 'over HTTP/1.1'), (SERVER, 'over HTTP/1.1 too'):
        c.write(role, c.message(role, None, TEXT, text))
    for role in CLIENT, SERVER:
        c.write(role, c.close_frame(role, None, 1000, 'bye'))
    c.done()


def upgrade(capture):
    upgraded_step_by_step(capture)
    upgraded_at_once(capture)
    upgraded_by_post(capture)
    declined(capture)


RECORDINGS = [
    ('07_h2c_frag_frames', 22705, FRAG_FRAMES, frag_frames),
    ('07_h2_continuation', 22708, HEADER_BLOCKS, header_blocks),
    ('07_h2c_upgrade', 22711, UPGRADE, upgrade),
]

if __name__ == '__main__':
    for name, port, contains, scenario in RECORDINGS:
        if not sys.argv[1:] or sys.argv[1] in name:
            with Capture('07_h2_raw.py', name, port, contains) as capture:
                scenario(capture)

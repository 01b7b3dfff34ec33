#!/usr/bin/env python3
"""What RFC 6455 and RFC 8441 forbid of a WebSocket over HTTP/2, and what RFC 9113 forbids of HTTP/2 with one in it.
usage: 07_h2_violations.py [PART OF A NAME]   (needs python3-hpack)"""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), 'lib'))
from h2raw import *  # noqa: E402,F403
from rawlab import F, KEY, accept  # noqa: E402

HELLO = bytes.fromhex('810548656c6c6f')  # WebSocket frames: from a server, from a client
MASKED_HELLO = bytes.fromhex('81850000000048656c6c6f')

# -- of the WebSocket, a stream each ---------------------------------------------------------

OF_WEBSOCKET = (
    'breaches of the WebSocket framing and of the extended CONNECT rules, one per stream; every stream was accepted '
    'and the messages went through, unless it says refused')


class Streams:
    """The streams of one connection, one after the other."""

    def __init__(self, c):
        self.c, self.last = c, -1

    def next(self):
        self.last += 2
        return self.last

    def open(self, path, violation=None, **options):
        stream, truth = self.next(), options.pop('truth', {})
        if violation:
            truth = {'violation': violation, **truth}
        self.c.open(stream, path, truth=truth, **options)
        return stream

    def asked(self, headers, end=False):
        stream = self.next()
        self.c.write(CLIENT, self.c.headers(CLIENT, stream, headers, end=end))
        return stream

    def answered(self, stream, *headers, end=False):
        self.c.write(SERVER, self.c.headers(SERVER, stream, headers, end=end))


def framing(c, streams):
    s = streams.open('/unmasked-client')
    c.both(s)
    c.text(CLIENT, s, 'not masked', mask=False, violation='client frame not masked')
    c.write(SERVER, data(s, c.close_frame(SERVER, s, 1002, 'unmasked'), end=True))
    c.write(CLIENT, reset(s, PROTOCOL_ERROR))

    s = streams.open('/masked-server')
    c.text(SERVER, s, 'masked', mask=True, violation='server frame masked')
    c.bye(s, 1002)

    cases = [('/rsv', F(TEXT, 'rsv1 without an extension', rsv=4, violation='RSV1 without extension'), 1002),
             ('/opcode3', F(3, b'reserved', violation='reserved opcode 3'), 1002),
             ('/badutf8', F(TEXT, b'bad \xff utf8', violation='invalid UTF-8'), 1007)]
    for path, f, code in cases:
        s = streams.open(path)
        c.write(CLIENT, data(s, c.frames(CLIENT, s, f)))
        c.told(CLIENT, s, f.op, f.data, after_violation=True)
        c.bye(s, code)

    s = streams.open('/after-close')
    c.write(CLIENT, data(s, c.close_frame(CLIENT, s)))
    c.text(CLIENT, s, 'data after close', violation='data after close')
    c.write(SERVER, data(s, c.close_frame(SERVER, s), end=True))
    c.write(CLIENT, data(s, end=True))


def accepted_all_the_same(c, streams):
    key = ('sec-websocket-key', KEY.decode())
    right, wrong = ('sec-websocket-accept', accept(KEY).decode()), ('sec-websocket-accept', accept(b'').decode())
    upgrade = [('connection', 'Upgrade'), ('upgrade', 'websocket')]
    cases = [
        ('/key', 'Sec-WebSocket-Key in an extended CONNECT', {'extra': [key]}),
        ('/key-accept', 'Sec-WebSocket-Key and Accept', {'extra': [key], 'answer': [right]}),
        ('/wrong-accept', 'Sec-WebSocket-Key and an Accept that does not fit', {'extra': [key], 'answer': [wrong]}),
        ('/upgrade', 'Connection and Upgrade headers (malformed in HTTP/2)', {'extra': upgrade}),
        ('/version8', 'version 8 accepted', {'version': '8', 'truth': {'version': 8}}),
        ('/noversion', 'no Sec-WebSocket-Version', {'version': None}),
        ('/noscheme', 'no :scheme', {'without': (':scheme',)}),
        ('/WebSocket', ':protocol WebSocket in capitals, accepted', {'protocol': 'WebSocket'}),
    ]
    for path, violation, options in cases:
        s = streams.open(path, violation, **options)
        c.both(s)
        c.bye(s)

    s = streams.asked(c.request(None))
    streams.answered(s, (':status', '200'))
    c.handshake(s, status=200, violation='no :path, accepted by the server')
    c.both(s)
    c.bye(s)

    s = streams.asked(c.request('/end'), end=True)
    streams.answered(s, (':status', '200'))
    c.handshake(s, path='/end', status=200, violation='END_STREAM on the extended CONNECT')
    c.write(SERVER, data(s, c.message(SERVER, s, TEXT, 'to a client that has ended'), end=True))

    s = streams.asked(c.request('/before200'))
    c.text(CLIENT, s, 'DATA before the 200')
    streams.answered(s, (':status', '200'))
    c.handshake(s, path='/before200', status=200, violation='client DATA before the 200')
    c.text(CLIENT, s, 'after the 200')
    c.bye(s)


def no_websockets(c, streams):
    s = streams.asked(c.request(None))
    c.write(SERVER, reset(s, PROTOCOL_ERROR))
    c.note(s, 'no :path: RST_STREAM PROTOCOL_ERROR by the server, no answer')

    s = streams.asked(c.request('/version7', version='7'))
    streams.answered(s, (':status', '400'), ('sec-websocket-version', '13, 8'), end=True)
    c.handshake(s, path='/version7', status=400)

    s = streams.asked(c.request('/status101'))
    streams.answered(s, (':status', '101'), ('upgrade', 'websocket'))
    c.note(s, '101 is not allowed in HTTP/2; reset by the client')
    c.write(CLIENT, reset(s, PROTOCOL_ERROR))

    s = streams.asked(c.request('/connect-udp', protocol='connect-udp'))
    streams.answered(s, (':status', '200'))
    c.write(CLIENT, data(s, b'\0' + HELLO))
    c.write(SERVER, data(s, HELLO, end=True))
    c.write(CLIENT, data(s, end=True))
    c.note(s, ':protocol connect-udp: not a WebSocket, though its bytes look like one')

    s = streams.next()
    c.get(s, '/get', [('sec-websocket-version', '13')], body=HELLO)
    c.note(s, 'GET whose body looks like a WebSocket frame: nothing to find')


def not_enabled(capture):
    """SETTINGS_ENABLE_CONNECT_PROTOCOL is not there, 0, taken back, not yet there."""
    def one(c, path, violation):
        c.open(1, path, truth={'violation': violation})
        c.both(1)
        c.bye(1)

    c = Connection(capture, server_settings=((MAX_STREAMS, 100),))
    one(c, '/not-enabled', 'extended CONNECT, but SETTINGS_ENABLE_CONNECT_PROTOCOL was not sent')
    c.write(CLIENT, c.headers(CLIENT, 3, c.request('/not-enabled-refused')))
    c.write(SERVER, reset(3, PROTOCOL_ERROR))
    c.note(3, 'RST_STREAM PROTOCOL_ERROR by the server, no answer')
    c.done()

    c = Connection(capture, server_settings=((ENABLE_CONNECT, 0),))
    one(c, '/enabled-0', 'SETTINGS_ENABLE_CONNECT_PROTOCOL = 0')
    c.done()

    c = Connection(capture)
    c.write(SERVER, settings((ENABLE_CONNECT, 0)))
    c.write(CLIENT, settings_ack())
    one(c, '/taken-back', 'SETTINGS_ENABLE_CONNECT_PROTOCOL taken back')
    c.done()

    c = Connection(capture, start=False)
    c.write(CLIENT, PREFACE, settings(), c.headers(CLIENT, 1, c.request('/early')))
    c.write(SERVER, settings(*NORMAL), settings_ack(), c.headers(SERVER, 1, [(':status', '200')]))
    c.handshake(1, path='/early', status=200, violation='extended CONNECT before the SETTINGS of the server')
    c.write(CLIENT, settings_ack())
    c.both(1)
    c.bye(1)
    c.done()


def of_websocket(capture):
    c = Connection(capture)
    streams = Streams(c)
    framing(c, streams)
    accepted_all_the_same(c, streams)
    no_websockets(c, streams)
    c.fin(CLIENT)
    c.done()
    not_enabled(capture)


# -- of HTTP/2, a connection each ------------------------------------------------------------

OF_HTTP2 = (
    'breaches of HTTP/2 itself, one connection each: what came before is to be read; after the breach the peer sends '
    'GOAWAY and closes. HPACK garbage, CONTINUATION interrupted, frame over 16384, padding longer than the frame, DATA '
    'on stream 0, SETTINGS of 7 bytes, stream id reused, DATA after END_STREAM, DATA after RST_STREAM, DATA on an idle '
    'stream, even stream id, preface missing its SETTINGS, HPACK size update over the limit, GOAWAY then new stream')
INDEX_127 = bytes.fromhex('ff807f')
TABLE_8_MIB = bytes.fromhex('3fe2ffff03')


def used(capture, path):
    """A connection with a WebSocket on stream 1 that has spoken both ways."""
    c = Connection(capture)
    c.open(1, path)
    c.both(1)
    return c


def breach(c, why, code, broken):
    """The client writes `broken`; the server goes away."""
    c.note(None, why)
    c.write(CLIENT, broken)
    c.write(SERVER, goaway(1, code, why))
    c.fin(SERVER, CLIENT)
    c.done()


class Optional:
    """What is told within, no endpoint took: a reader may tell of it or not."""

    def __init__(self, capture):
        self.truth, self.first = capture.truth, len(capture.truth)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for line in self.truth[self.first:]:
            if line['kind'] in ('message', 'frame'):
                line.update(optional=True, seen='sent')


def header_breaches(capture):
    c = used(capture, '/hpack-garbage')
    breach(c, 'HPACK garbage: COMPRESSION_ERROR', COMPRESSION_ERROR, frame(HEADERS, END_HEADERS, 3, b'\xff' * 20))

    c = used(capture, '/hpack-index')
    breach(c, 'HPACK index beyond the table', COMPRESSION_ERROR, frame(HEADERS, END_HEADERS, 3, INDEX_127))

    c = used(capture, '/hpack-size')
    block = TABLE_8_MIB + c.block(CLIENT, c.request('/x'))
    breach(c, 'HPACK size update over SETTINGS_HEADER_TABLE_SIZE', COMPRESSION_ERROR,
           frame(HEADERS, END_HEADERS, 3, block))

    c = used(capture, '/cont-interrupted')
    block = c.block(CLIENT, c.request('/never'))
    with Optional(capture):
        amid = c.frames(CLIENT, 1, F(TEXT, 'amid a header block', violation='DATA amid a header block'))
        c.told(CLIENT, 1, TEXT, 'amid a header block', after_violation=True)
    breach(c, 'DATA amid HEADERS and CONTINUATION', PROTOCOL_ERROR,
           frame(HEADERS, 0, 3, block[:10]) + data(1, amid) + frame(CONTINUATION, END_HEADERS, 3, block[10:]))


def frame_breaches(capture):
    c = used(capture, '/too-long')
    with Optional(capture):
        long = c.frames(CLIENT, 1, F(BINARY, bytes(20000), violation='DATA frame over SETTINGS_MAX_FRAME_SIZE'))
        c.told(CLIENT, 1, BINARY, bytes(20000), after_violation=True)
    breach(c, 'DATA frame of 20008 bytes, 16384 allowed', FRAME_SIZE_ERROR, data(1, long))

    c = used(capture, '/pad')
    breach(c, 'padding longer than the frame', PROTOCOL_ERROR, frame(DATA, PADDED, 1, b'\x50' + MASKED_HELLO))

    c = used(capture, '/data0')
    breach(c, 'DATA on stream 0', PROTOCOL_ERROR, data(0, MASKED_HELLO))

    c = used(capture, '/settings7')
    breach(c, 'SETTINGS of 7 bytes', FRAME_SIZE_ERROR, frame(SETTINGS, 0, 0, bytes(7)))

    c = used(capture, '/winup0')
    c.write(CLIENT, frame(WINDOW_UPDATE, 0, 1, word(0)))
    c.write(SERVER, reset(1, PROTOCOL_ERROR))
    c.note(1, 'WINDOW_UPDATE of 0: RST_STREAM')
    c.fin(CLIENT)
    c.done()


def goes_on(c):
    """Another stream of the connection is not touched."""
    c.open(3, '/goes-on')
    c.both(3)
    c.bye(3)
    c.done()


def stream_breaches(capture):
    c = used(capture, '/reused')
    c.bye(1)
    breach(c, 'stream id used again', PROTOCOL_ERROR, c.headers(CLIENT, 1, c.request('/reused-id')))

    c = used(capture, '/after-end')
    c.write(CLIENT, data(1, c.close_frame(CLIENT, 1), end=True))
    c.write(SERVER, data(1, c.close_frame(SERVER, 1)))
    c.note(1, 'DATA after END_STREAM: not received')
    with Optional(capture):
        c.text(CLIENT, 1, 'after END_STREAM', violation='DATA after END_STREAM')
    c.write(SERVER, reset(1, STREAM_CLOSED))
    goes_on(c)

    c = used(capture, '/after-rst')
    c.write(CLIENT, reset(1, CANCEL))
    c.note(1, 'DATA of the server that crossed the RST_STREAM: sent, not received')
    with Optional(capture):
        c.text(SERVER, 1, 'crossed the RST')
    goes_on(c)

    c = used(capture, '/idle')
    breach(c, 'DATA on an idle stream', PROTOCOL_ERROR, data(77, MASKED_HELLO))

    c = used(capture, '/even')
    breach(c, 'even stream id from the client', PROTOCOL_ERROR, c.headers(CLIENT, 4, c.request('/even-id')))


def connection_breaches(capture):
    c = used(capture, '/goaway')
    c.write(SERVER, goaway(1, text='bye'))
    c.write(CLIENT, c.headers(CLIENT, 3, c.request('/too-late')))
    c.note(3, 'opened after GOAWAY, never answered')
    c.both(1, ' after GOAWAY')
    c.bye(1)
    c.fin(CLIENT, SERVER)
    c.done()

    c = used(capture, '/cut')
    c.note(1, 'TCP FIN amid a DATA frame, amid a WebSocket frame')
    cut = c.frames(CLIENT, 1, F(TEXT, 'never w', rawlen=len('never whole'), note='cut by the TCP FIN'))
    whole = data(1, cut + b'hole')
    c.write(CLIENT, whole[:-4])
    c.fin(CLIENT, SERVER)
    c.done()

    c = Connection(capture, start=False)
    c.write(CLIENT, PREFACE)
    c.write(CLIENT, c.headers(CLIENT, 1, c.request('/no-settings')))
    c.write(SERVER, settings(*NORMAL), c.headers(SERVER, 1, [(':status', '200')]))
    c.handshake(1, path='/no-settings', status=200, violation='the client never sent SETTINGS')
    c.both(1)
    c.bye(1)
    c.done()


def of_http2(capture):
    header_breaches(capture)
    frame_breaches(capture)
    stream_breaches(capture)
    connection_breaches(capture)


RECORDINGS = [
    ('07_h2_violations', 22709, OF_WEBSOCKET, of_websocket),
    ('07_h2_violations_h2', 22710, OF_HTTP2, of_http2),
]

if __name__ == '__main__':
    for name, port, contains, scenario in RECORDINGS:
        if not sys.argv[1:] or sys.argv[1] in name:
            with Capture('07_h2_violations.py', name, port, contains) as capture:
                scenario(capture)

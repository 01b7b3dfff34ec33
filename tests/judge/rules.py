# SPDX-License-Identifier: MIT
"""For each rule of the judge connections that break it, and connections that come close and do not.

`breaks(ID, *others)`: lint finds exactly ID and `others` in the connection: what cannot be broken alone
names what it breaks, too. `near(ID, *others)`: lint finds only `others`.
"""
import zlib

from talk import (ACK, BINARY, C2S, CLOSE, CONT, DEFLATE, FIN, PING, PONG, PSH, S2C, TEXT, Deflater, Frame, Stream, Talk,
                  distance, h2_frame)

TABLE = []  # (id, 'breaks' | 'near', expected ids, function)


def row(kind, rule, others):
    def add(function):
        TABLE.append((rule, kind, {rule, *others} if kind == 'breaks' else set(others), function))
        return function
    return add


def breaks(rule, *others):
    return row('breaks', rule, others)


def near(rule, *others):
    return row('near', rule, others)


def handshake(kind, rule, *others, then=None, **how):
    """A row that is nothing but a handshake and a close."""
    def play(t):
        t.agree(**how)
        if then:
            then(t)
        t.bye()
    row(kind, rule, others)(play)


def refused(kind, rule, *others, status='400 Bad Request', **how):
    def play(t):
        t.agree(status=status, **how)
        t.shut()
    row(kind, rule, others)(play)


def frames(kind, rule, *others, offer=None):
    """A row that plays between a sound handshake and a sound close."""
    def add(function):
        def play(t):
            t.agree(offer=offer, agreed=offer)
            function(t)
            t.bye()
        row(kind, rule, others)(play)
        return function
    return add


def sent(kind, rule, *list_of_frames, others=(), offer=None):
    """Frames by (direction, opcode, data, options) between handshake and close."""
    def play(t):
        t.agree(offer=offer, agreed=offer)
        for way, opcode, data, how in list_of_frames:
            t.frame(way, opcode, data, **how)
        t.bye()
    row(kind, rule, others)(play)


B, N = 'breaks', 'near'
WINDOWS = f'{DEFLATE}; client_max_window_bits'

# -- handshake: the request -----------------------------------------------------------------------

handshake(B, 'handshake.method', method='POST')
handshake(N, 'handshake.method', path='http://example.com/chat')
handshake(B, 'handshake.http-version', http='HTTP/1.0')
handshake(N, 'handshake.http-version', http='HTTP/1.2')
for way in (C2S, S2C):
    handshake(B, 'handshake.line-end', bare=way)
refused(B, 'handshake.line-end', bare=S2C)
handshake(N, 'handshake.line-end', request={'X-Folded': 'one\r\n two'})
handshake(B, 'handshake.host', request={'Host': None})
handshake(B, 'handshake.host', request={'Host': ['a', 'b']})
handshake(N, 'handshake.host', request={'Host': None, 'host': 'example.com'})
handshake(B, 'handshake.upgrade', request={'Upgrade': 'websockets'})
handshake(B, 'handshake.upgrade', request={'Upgrade': None})
handshake(N, 'handshake.upgrade', request={'Upgrade': 'h2c, WebSocket'})
handshake(B, 'handshake.connection', request={'Connection': 'keep-alive'})
handshake(N, 'handshake.connection', request={'Connection': 'keep-alive, upgrade'})
refused(B, 'handshake.stripped', request={'Upgrade': None, 'Connection': 'close'}, status='426 Upgrade Required')
handshake(N, 'handshake.stripped', request={'Upgrade': None, 'upgrade': 'websocket'})


@breaks('handshake.key-missing')
def _(t):
    t.ask()
    t.send_request({'Sec-WebSocket-Key': None})
    t.send_answer()
    t.bye()


handshake(N, 'handshake.key-missing', request={'Sec-WebSocket-Key': None, 'sec-websocket-key': 'AAECAwQFBgcICQoLDA0ODw=='},
          key='AAECAwQFBgcICQoLDA0ODw==')
for key in ('AAECAwQFBgcICQoLDA0ODxA=', 'AAECAwQFBgcICQoLDA0O', 'AAECAwQFBgcICQoLDA0OD!==', 'x'):
    handshake(B, 'handshake.key-invalid', key=key)
handshake(N, 'handshake.key-invalid', key='/////////////////////w==')
handshake(N, 'handshake.key-invalid', key='++++++++++++++++++++++==')
handshake(B, 'handshake.version', request={'Sec-WebSocket-Version': '8'})
handshake(B, 'handshake.version', request={'Sec-WebSocket-Version': None})
handshake(B, 'handshake.version', request={'Sec-WebSocket-Version': '13, 13'})
handshake(N, 'handshake.version', request={'Sec-WebSocket-Version': ' 13\t'})
refused(B, 'handshake.version-unlisted', 'handshake.version', request={'Sec-WebSocket-Version': '14'},
        status='426 Upgrade Required')
refused(N, 'handshake.version-unlisted', 'handshake.version', request={'Sec-WebSocket-Version': '14'},
        status='426 Upgrade Required', answer={'Sec-WebSocket-Version': '13, 8'})
refused(N, 'handshake.version-unlisted', status='403 Forbidden')
handshake(B, 'handshake.header-repeated', request={'Sec-WebSocket-Version': ['13', '13']})
handshake(N, 'handshake.header-repeated', request={'Sec-WebSocket-Extensions': [DEFLATE, 'x-a']})
for kind, offered in ((B, 'chat, chat'), (B, 'chat, a/b'), (N, 'chat, Chat, , v1.json')):
    handshake(kind, 'handshake.subprotocol-bad', request={'Sec-WebSocket-Protocol': offered},
              answer={'Sec-WebSocket-Protocol': 'chat'})
FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0'
handshake(B, 'handshake.origin-missing', request={'User-Agent': FIREFOX})
handshake(B, 'handshake.origin-missing', request={'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 '
                                                  '(KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36'})
handshake(B, 'handshake.origin-missing', request={'User-Agent': 'Mozilla/5.0 (compatible; MSIE 10.0; Windows NT 6.2; '
                                                  'Trident/6.0)'})
handshake(N, 'handshake.origin-missing', request={'User-Agent': FIREFOX, 'Origin': 'null'})
handshake(N, 'handshake.origin-missing', request={'User-Agent': 'Python/3.11 websockets/10.4'})
handshake(N, 'handshake.origin-missing', request={'User-Agent': 'Mozilla/5.0 (Unix; U; Linux 6.1.0) http/2.9.8 Tcl/8.6.13'})
handshake(B, 'handshake.credentials', request={'Cookie': 'session=1'})
handshake(B, 'handshake.credentials', request={'Authorization': 'Basic dTpw'})
handshake(N, 'handshake.credentials', request={'X-Cookie': 'session=1', 'Proxy-Authorization': 'Basic dTpw'})


@breaks('handshake.hixie-76')
def _(t):
    t.ask()
    t.send_request({'Sec-WebSocket-Key': None, 'Sec-WebSocket-Version': None, 'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5',
                    'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00'})
    t.send_answer({'Sec-WebSocket-Accept': None})
    t.shut()


handshake(N, 'handshake.hixie-76', request={'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5'})


@breaks('handshake.key-reused')
def _(t):
    first = t.another()
    first.client = (t.client[0], t.client[1] + 1)
    first.agree(key='cmV1c2VkIGtleSwgMTYgIQ==').bye()
    t.agree(key='cmV1c2VkIGtleSwgMTYgIQ==')
    t.bye()


@breaks('handshake.key-reused')
def _(t):
    """By another host: only when so much time lies between that no capture turns them around."""
    t.another().agree(key='cmV1c2VkIGtleSwgMTYgIg==').bye()
    t.wait(1)
    t.agree(key='cmV1c2VkIGtleSwgMTYgIg==')
    t.bye()


@breaks('handshake.key-reused')
def _(t):
    """From the same port, as soon as the one before had ended."""
    first = t.another()
    first.client = t.client
    first.agree(key='cmV1c2VkIGtleSwgMTYgIw==').bye()
    t.agree(key='cmV1c2VkIGtleSwgMTYgIw==')
    t.bye()


@near('handshake.key-reused')
def _(t):
    """Asked again on the same connection, which had been refused."""
    t.ask(key='YXNrZWQgYWdhaW4sIDE2IQ==').send_request()
    t.send_answer(status='401 Unauthorized')
    t.open = lambda: None
    t.send_request({'Authorization': None})
    t.send_answer()
    t.bye()


@near('handshake.key-reused')
def _(t):
    """A proxy: the request goes on with the same key before its first leg has an answer."""
    leg = t.another()
    key = 'cHJveGllZCBrZXksIDE2IQ=='
    t.ask(key=key).send_request()
    leg.ask(key=key).send_request()
    leg.send_answer()
    t.send_answer()
    leg.bye()
    t.bye()


@breaks('handshake.early-client-data')
def _(t):
    t.ask(more=Frame(TEXT, b'early', key=b'\1\2\3\4').bytes())
    t.send_request()
    t.send_answer()
    t.bye()


@near('handshake.early-client-data')
def _(t):
    t.ask()
    t.send_request()
    t.send_answer(more=Frame(TEXT, b'with the 101').bytes())
    t.frame(C2S, TEXT, 'behind it')
    t.bye()


@breaks('handshake.no-response')
def _(t):
    t.ask()
    t.send_request()
    t.wait(3)
    t.shut()


@breaks('handshake.no-response', 'handshake.early-client-data')
def _(t):
    """Servers hang up on a client that does not wait: that they said nothing is all there is to see."""
    t.ask(more=Frame(TEXT, b'early', key=b'\1\2\3\4').bytes())
    t.send_request()
    t.shut()


@breaks('handshake.early-client-data')
def _(t):
    """It may be why the server refuses."""
    t.ask(more=Frame(TEXT, b'early', key=b'\1\2\3\4').bytes())
    t.send_request()
    t.send_answer(status='400 Bad Request')
    t.shut()


@near('handshake.early-client-data')
def _(t):
    """What is behind a request that is refused may be the next one."""
    t.ask(more=b'GET / HTTP/1.1\r\nHost: example.com\r\n\r\n')
    t.send_request()
    t.send_answer(status='400 Bad Request')
    t.shut()


@near('handshake.early-client-data')
def _(t):
    """The same, and what it begins with is missing."""
    t.ask()
    t.send_request()
    t.write(C2S, b'GET / HTTP/1.1\r\n')
    t.lose(lambda p: p.way == C2S and len(p) > 0, 1)
    t.wait(1)
    t.write(C2S, b'Host: example.com\r\n\r\n')
    t.send_answer(status='400 Bad Request')
    t.shut()


@near('handshake.early-client-data', 'handshake.no-response')
def _(t):
    """Nor is it known what the server made of it: the capture ends."""
    t.ask(more=b'GET / HTTP/1.1\r\nHost: example.com\r\n\r\n')
    t.send_request()


@near('handshake.early-client-data')
def _(t):
    """The tap has the client's first frame before the request, and lacks two of the packets of the SYNs: the frame
    acknowledges the answer, and the request's older acknowledgment takes nothing of that back."""
    t.agree()
    t.frame(C2S, TEXT, 'behind the answer')
    t.bye()
    own = [p for p in t.wire.packets if p.session is t]
    request, frame = [p for p in own if p.way == C2S and len(p)][:2]
    for p in own[1], own[2], frame:
        t.wire.packets.remove(p)
    frame.when = request.when
    t.wire.packets.insert(t.wire.packets.index(request), frame)


@near('handshake.no-response')
def _(t):
    t.ask()
    t.send_request()
    t.wait(30)
    t.send_answer()
    t.bye()


@breaks('handshake.picked-up')
def _(t):
    for i in range(40):
        t.frame(C2S, TEXT, f'{{"seq":{i},"type":"tick"}}')
        t.frame(S2C, TEXT, f'{{"ack":{i},"type":"tock"}}')
    t.bye()


handshake(N, 'handshake.picked-up')


@breaks('handshake.picked-up')
def _(t):
    """The same as of who does not wait, but for an answer: it is not in the capture."""
    t.ask()
    t.send_request()
    t.send_answer()
    t.frame(C2S, TEXT, 'early or not')
    t.bye()
    t.lose(lambda p: p.way == S2C and len(p) > 40, 0)


# -- handshake: the answer --------------------------------------------------------------------------

handshake(B, 'handshake.accept-wrong', answer={'Sec-WebSocket-Accept': 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='})
handshake(N, 'handshake.accept-wrong', key='dGhlIHNhbXBsZSBub25jZQ==',
          answer={'Sec-WebSocket-Accept': '  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= '})
handshake(B, 'handshake.accept-missing', answer={'Sec-WebSocket-Accept': None})
handshake(N, 'handshake.accept-missing', key='AQIDBAUGBwgJCgsMDQ4PEA==',
          answer={'Sec-WebSocket-Accept': None, 'sec-websocket-accept': 'C/0nmHhBztSRGR1CwL6Tf4ZjwpY='})
handshake(B, 'handshake.upgrade', answer={'Upgrade': None})
handshake(N, 'handshake.upgrade', answer={'Upgrade': 'WebSocket'})
handshake(B, 'handshake.connection', answer={'Connection': None})
handshake(N, 'handshake.connection', answer={'Connection': 'keep-alive, upgrade'})
handshake(B, 'handshake.body', answer={'Content-Length': '0'})
handshake(B, 'handshake.body', answer={'Transfer-Encoding': 'chunked'})
handshake(N, 'handshake.body', request={'Content-Length': '0'})
handshake(B, 'handshake.header-repeated', request={'Sec-WebSocket-Protocol': 'a, b'},
          answer={'Sec-WebSocket-Protocol': ['a', 'b']})
handshake(N, 'handshake.header-repeated', answer={'Set-Cookie': ['a', 'b']})
handshake(B, 'handshake.header-repeated', request={'Sec-WebSocket-Extensions': f'x-a, {DEFLATE}'},
          answer={'Sec-WebSocket-Extensions': ['x-a', DEFLATE]})
handshake(N, 'handshake.header-repeated', request={'Sec-WebSocket-Extensions': f'x-a, {DEFLATE}'},
          answer={'Sec-WebSocket-Extensions': f'x-a, {DEFLATE}'})
handshake(B, 'handshake.subprotocol-not-offered', request={'Sec-WebSocket-Protocol': 'chat'},
          answer={'Sec-WebSocket-Protocol': 'Chat'})
handshake(N, 'handshake.subprotocol-not-offered', request={'Sec-WebSocket-Protocol': ['a,b', 'c']},
          answer={'Sec-WebSocket-Protocol': 'c'})
handshake(B, 'handshake.subprotocol-several', request={'Sec-WebSocket-Protocol': 'a, b'},
          answer={'Sec-WebSocket-Protocol': 'a, b'})
handshake(N, 'handshake.subprotocol-several', request={'Sec-WebSocket-Protocol': 'a, b'},
          answer={'Sec-WebSocket-Protocol': 'b'})
handshake(B, 'handshake.subprotocol-none', request={'Sec-WebSocket-Protocol': 'a, b'})
handshake(N, 'handshake.subprotocol-none', request={'Sec-WebSocket-Protocol': ''})
handshake(B, 'handshake.extension-not-offered', agreed='x-turbo')
handshake(B, 'handshake.extension-not-offered', agreed=DEFLATE)
MANY = ', '.join(f'p{i}' for i in range(300))  # more than are kept: what was not seen is not held against the choice
for kind, offered, chosen in ((N, MANY, 'p200'), (N, MANY, 'p299'), (B, 'p0, p1', 'p2')):
    handshake(kind, 'handshake.subprotocol-not-offered', request={'Sec-WebSocket-Protocol': offered},
              answer={'Sec-WebSocket-Protocol': chosen})
handshake(B, 'handshake.upgrade', answer={'Upgrade': 'websockets'})
handshake(B, 'handshake.method', method='HEAD')
handshake(N, 'handshake.extension-not-offered', offer='Permessage-Deflate', agreed=DEFLATE)
for answer in ('server_max_window_bits=16', 'server_max_window_bits=7', 'server_max_window_bits',
               'client_max_window_bits', 'server_max_window_bits=08', 'turbo', 'server_no_context_takeover=1',
               'server_no_context_takeover; server_no_context_takeover', 'client_max_window_bits='):
    handshake(B, 'handshake.extension-bad', offer=WINDOWS, agreed=f'{DEFLATE}; {answer}')
for offer in ('client_max_window_bits=7', 'server_max_window_bits', 'turbo', 'client_no_context_takeover="x"'):
    handshake(B, 'handshake.extension-bad', offer=f'{DEFLATE}; {offer}')
handshake(B, 'handshake.extension-bad', offer='; x')
handshake(N, 'handshake.extension-bad', offer=f'{DEFLATE}; server_max_window_bits="1\\2"; client_max_window_bits="\\9", x; y="\\z"',
          agreed=f'{DEFLATE}; server_max_window_bits=12; client_max_window_bits="1\\1"')
handshake(B, 'handshake.extension-bad', offer=f'{DEFLATE}; server_max_window_bits="12\\"')
handshake(N, 'handshake.extension-bad', offer=WINDOWS, agreed=f'{DEFLATE} ;server_max_window_bits="15"; client_max_window_bits=8')
handshake(B, 'handshake.extension-twice', offer=DEFLATE, agreed=f'{DEFLATE}, {DEFLATE}')
handshake(N, 'handshake.extension-twice', offer=f'{DEFLATE}; server_no_context_takeover, {DEFLATE}', agreed=DEFLATE)
for offer, answer in ((DEFLATE, '; client_max_window_bits=12'),
                      (f'{DEFLATE}; server_no_context_takeover', ''),
                      (f'{DEFLATE}; server_max_window_bits=10', ''),
                      (f'{DEFLATE}; server_max_window_bits=10', '; server_max_window_bits=11')):
    handshake(B, 'handshake.deflate-unmatched', offer=offer, agreed=DEFLATE + answer)
for offer, answer in ((WINDOWS, '; client_max_window_bits=12'),
                      (DEFLATE, '; server_max_window_bits=12; server_no_context_takeover'),
                      (f'{DEFLATE}; server_max_window_bits=10', '; server_max_window_bits=9'),
                      (f'{DEFLATE}; client_no_context_takeover', ''),
                      (f'{DEFLATE}; server_max_window_bits=10, {DEFLATE}', ''),
                      (f'{DEFLATE}; server_max_window_bits=15; client_max_window_bits=15', '; server_max_window_bits=15')):
    handshake(N, 'handshake.deflate-unmatched', offer=offer, agreed=DEFLATE + answer)
for offer, answer in ((f'{DEFLATE}; server_max_window_bits=15; client_max_window_bits=15', '; client_max_window_bits=15'),
                      (f'{DEFLATE}; server_max_window_bits=10, {DEFLATE}; server_max_window_bits=15', ''),
                      (f'{DEFLATE}; server_max_window_bits=15, {DEFLATE}; server_max_window_bits=10', '')):
    handshake(B, 'handshake.deflate-unsaid', offer=offer, agreed=DEFLATE + answer)
handshake(N, 'handshake.deflate-unsaid', offer=f'{DEFLATE}; server_max_window_bits=15, {DEFLATE}', agreed=DEFLATE)
handshake(N, 'handshake.deflate-unsaid', offer=f'{DEFLATE}; server_max_window_bits=15', agreed=f'{DEFLATE}; server_max_window_bits=9')
handshake(B, 'handshake.deflate-unmatched', offer=f'{DEFLATE}; server_max_window_bits=14', agreed=DEFLATE)

# -- frames -----------------------------------------------------------------------------------------

BARE, ZERO = {'mask': False}, bytes(4)
sent(B, 'frame.unmasked-client', (C2S, TEXT, 'bare', BARE))
sent(N, 'frame.unmasked-client', (C2S, TEXT, '', {}), (S2C, TEXT, 'bare', {}))
sent(B, 'frame.masked-server', (S2C, TEXT, 'masked', {'mask': b'abcd'}))
sent(N, 'frame.masked-server', (C2S, TEXT, 'masked', {'mask': b'abcd'}))
for rsv in range(1, 8):
    sent(B, 'frame.rsv', (C2S, TEXT, 'x', {'rsv': rsv}))
sent(B, 'frame.rsv', (S2C, PING, b'', {'rsv': 2}), (C2S, PONG, b'', {}), offer=DEFLATE)
sent(N, 'frame.rsv', (C2S, TEXT, Deflater()(b'x'), {'rsv': 4}), offer=DEFLATE)

SAYS_HTTP = b'HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: 11\r\n\r\nBad Request'


@breaks('frame.http', 'close.no-reply')
def _(t):
    """Two WebSocket servers at one HTTP server: what one upgraded the other one refuses."""
    t.agree()
    t.write(S2C, SAYS_HTTP)
    t.frame(C2S, CLOSE, b'\x03\xea')
    t.shut()


@breaks('frame.http', 'close.missing')
def _(t):
    """Shorter than the frame its first two bytes would begin. No close frame is in it."""
    t.agree()
    t.write(S2C, b'HTTP/1.1 500 Oops\r\n\r\n')
    t.shut(first=C2S)


ASKS_HTTP = b'%s /%s HTTP/1.1\r\nHost: example.com\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nCookie: a=b\r\n\r\n'


def asks(method):
    @breaks('frame.http', 'close.not-awaited')
    def _(t):
        """A proxy that takes the connection for one of HTTP sends the next request on it."""
        t.agree()
        t.frame(C2S, TEXT, b'a frame')
        t.write(C2S, ASKS_HTTP % (method, b'chat'))
        t.frame(S2C, CLOSE, b'\x03\xea')
        t.shut()

    @breaks('frame.http', 'close.not-awaited')
    def _(t):
        """Longer than the frame its first two bytes would begin, in segments of few bytes."""
        t.agree()
        request = ASKS_HTTP % (method, b'x' * 99)
        for at in range(0, len(request), 40):
            t.write(C2S, request[at:at + 40])
        t.frame(S2C, CLOSE, b'\x03\xea')
        t.shut()

    @breaks('frame.http', 'close.no-reply')
    def _(t):
        """Shorter than that frame."""
        t.agree()
        t.write(C2S, method + b' / HTTP/1.1\r\nHost: a\r\n\r\n')
        t.frame(S2C, CLOSE, b'\x03\xea')
        t.wait(9)
        t.shut()


for asked in (b'GET', b'HEAD', b'POST', b'PUT', b'DELETE', b'OPTIONS', b'PATCH'):
    asks(asked)


@near('frame.http', 'frame.unmasked-client', 'frame.rsv', 'frame.orphan-continuation')
def _(t):
    """A line like that, but of no version, in the whole of a frame of 79 bytes, and in segments. The first of
    these holds the line's end: where that is lost, nobody can tell it from a request."""
    t.agree()
    for size in (81, 7):
        frame = b'POST /\r\n' + b'x' * 73
        for at in range(0, len(frame), size):
            t.write(C2S, frame[at:at + size])
    t.bye()


sent(N, 'frame.http', (S2C, TEXT, SAYS_HTTP, {}))
sent(N, 'frame.http', (C2S, TEXT, ASKS_HTTP % (b'GET', b''), {}))
sent(N, 'frame.http', (C2S, 7, b'T /' + b'x' * 66, {'rsv': 4, 'fin': False}), others=('frame.reserved-opcode', 'frame.rsv'))
sent(B, 'frame.rsv1-misplaced', (C2S, PING, b'', {'rsv': 4}), (S2C, PONG, b'', {}), offer=DEFLATE)
sent(B, 'frame.rsv1-misplaced', (S2C, TEXT, Deflater()(b'xyz')[:2], {'rsv': 4, 'fin': False}),
     (S2C, CONT, Deflater()(b'xyz')[2:], {'rsv': 4}), offer=DEFLATE)
sent(N, 'frame.rsv1-misplaced', (S2C, TEXT, Deflater()(b'xyz')[:2], {'rsv': 4, 'fin': False}),
     (S2C, CONT, Deflater()(b'xyz')[2:], {}), offer=DEFLATE)
for opcode in (3, 4, 5, 6, 7, 11, 12, 13, 14, 15):
    sent(B, 'frame.reserved-opcode', (C2S, opcode, b'', {}))
sent(N, 'frame.reserved-opcode', (C2S, TEXT, b'', {}), (C2S, BINARY, b'', {}))
for n, form in ((0, 16), (125, 16), (125, 64), (65535, 64)):
    sent(B, 'frame.length-not-minimal', (C2S, BINARY, bytes(n), {'form': form}))
for n in (125, 126, 65535, 65536):
    sent(N, 'frame.length-not-minimal', (C2S, BINARY, bytes(n), {}))
sent(B, 'frame.control-too-long', (C2S, PING, bytes(126), {}))
sent(N, 'frame.control-too-long', (C2S, PING, bytes(125), {}), (S2C, PONG, bytes(125), {}))
sent(B, 'frame.control-fragmented', (C2S, PING, b'1', {'fin': False}), (S2C, PONG, b'1', {}))
sent(N, 'frame.control-fragmented', (C2S, TEXT, 'a', {'fin': False}), (C2S, PING, b'1', {}),
     (S2C, PONG, b'1', {}), (C2S, CONT, 'b', {}))
sent(B, 'frame.orphan-continuation', (C2S, CONT, 'nothing before', {}))
sent(N, 'frame.orphan-continuation', (C2S, TEXT, 'a', {'fin': False}), (S2C, TEXT, 'whole', {}), (C2S, CONT, 'b', {}))
sent(B, 'frame.new-message-inside', (S2C, TEXT, 'a', {'fin': False}), (S2C, TEXT, 'b', {}))
sent(N, 'frame.new-message-inside', (S2C, TEXT, 'a', {'fin': False}), (C2S, TEXT, 'b', {}), (S2C, CONT, 'c', {}))


@breaks('frame.length-msb', 'frame.truncated', 'close.missing')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, b'some', declared=1 << 63 | 4, form=64)
    t.reset()


@near('frame.length-msb', 'frame.truncated', 'close.missing')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, b'some', declared=(1 << 63) - 1, form=64)
    t.reset()


@breaks('frame.truncated', 'close.missing')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, b'some', declared=100)
    t.shut()


@near('frame.truncated')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, bytes(100), mss=1)
    t.bye()


@breaks('frame.after-close')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(C2S, TEXT, 'one thing more')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


@breaks('frame.after-close', 'control.pong-unasked')
def _(t):
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'still there')
    t.frame(S2C, PONG, b'who asked?')
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.shut()


@breaks('frame.after-close', 'frame.unmasked-client', 'close.second')
def _(t):
    """By a client that masks nothing."""
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8', mask=False)
    t.frame(C2S, TEXT, 'one thing more', mask=False)
    t.frame(C2S, CLOSE, b'\3\xe8', mask=False)
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


@near('frame.after-close')
def _(t):
    """Nor when the capture lacks the end of it."""
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'still there')
    t.frame(C2S, CLOSE, b'\3\xe8')
    pong = Frame(PONG, b'still there').bytes()
    t.write(S2C, pong[:5])
    t.write(S2C, pong[5:])
    t.lose(lambda p: p.way == S2C and len(p), -1)
    t.shut()


@near('frame.after-close')
def _(t):
    """Who has received no close frame must answer a ping, whatever was sent (section 5.5.2)."""
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'still there')
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, PONG, b'still there')
    t.shut()


@near('frame.after-close')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, TEXT, 'what the server still had to say')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


def keys(kind, rule, numbers, *others):
    @frames(kind, rule, *others)
    def _(t):
        for n in numbers:
            t.frame(C2S, TEXT, 'masked', mask=n.to_bytes(4, 'big'))


keys(B, 'frame.mask-zero', [0])
keys(N, 'frame.mask-zero', [1])
sent(N, 'frame.mask-zero', (C2S, TEXT, '', {'mask': ZERO}))
keys(B, 'frame.mask-constant', [0x01020304] * 4)
keys(N, 'frame.mask-constant', [0x01020304] * 3)
keys(B, 'frame.mask-sequential', [7, 8, 9, 10, 11])
keys(B, 'frame.mask-sequential', [0xfffffff0, 0xfffffffa, 4, 14, 24])
keys(B, 'frame.mask-sequential', [n << 24 | 0x10203 for n in (5, 4, 3, 2, 1)])
for first in (0x1fe, 0x1fffe, 0x1fffffe, 0xfffffffe):  # counted in the other byte order, with a carry
    keys(B, 'frame.mask-sequential', [int.from_bytes((first + n & 0xffffffff).to_bytes(4, 'little'), 'big')
                                      for n in range(5)], *(['frame.mask-zero'] if first == 0xfffffffe else []))
keys(N, 'frame.mask-sequential', [7, 8, 9, 10, 12])
keys(B, 'frame.mask-few', [0xdeadbeef, 0x12345678] * 8)
keys(B, 'frame.mask-few', [0xa1b2c3d4, 0x11223344, 0x55667788, 0x99aabbcc] * 4)
CIRCLE = [n * 0x9e3779b1 & 0xffffffff ^ n << 7 for n in range(3, 19)]
keys(B, 'frame.mask-few', CIRCLE + CIRCLE[:4])  # a generator that runs in a circle
keys(B, 'frame.mask-few', CIRCLE + CIRCLE[:3] + CIRCLE[:4])
keys(N, 'frame.mask-few', CIRCLE + CIRCLE[:3] + [7, 70, 700])
keys(N, 'frame.mask-few', CIRCLE + CIRCLE[::-1])

# -- messages ---------------------------------------------------------------------------------------

for text in (b'\xff', b'\xc0\xaf', b'\xed\xa0\x80', b'\xf4\x90\x80\x80', b'ok \xe2\x82'):
    sent(B, 'message.invalid-utf8', (S2C, TEXT, text, {}))
    sent(B, 'message.invalid-utf8', (S2C, TEXT, text[:1], {'fin': False}), (S2C, CONT, text[1:], {}))
sent(B, 'message.invalid-utf8', (C2S, TEXT, Deflater()(b'\xff'), {'rsv': 4}), offer=DEFLATE)
for text in ('\U0010ffff'.encode(), b'\xed\x9f\xbf', b'\xee\x80\x80', b'\0'):
    sent(N, 'message.invalid-utf8', (S2C, TEXT, text[:1], {'fin': False}), (S2C, CONT, text[1:], {}))
sent(N, 'message.invalid-utf8', (S2C, BINARY, b'\xff', {}))


def failed_fast(kind, rule, *parts, others=(), **how):
    """The receiver does not wait for the rest of the text."""
    def play(t):
        t.agree(offer=DEFLATE, agreed=DEFLATE)
        for i, part in enumerate(parts):
            t.frame(C2S, CONT if i else TEXT, part, fin=False, rsv=how.get('rsv', 0) if not i else 0)
        t.frame(S2C, CLOSE, b'\3\xef')
        t.frame(C2S, CLOSE, b'\3\xef')
        t.shut()
    row(kind, rule, others)(play)


failed_fast(B, 'message.invalid-utf8', b'so far \xff')
failed_fast(B, 'message.invalid-utf8', b'so ', b'far \xed', b'\xa0')
failed_fast(B, 'message.invalid-utf8', Deflater()(b'so far \xff and so on'), rsv=4)
failed_fast(N, 'message.invalid-utf8', b'so far', b' so good \xed', others=('message.unfinished',))
failed_fast(N, 'message.invalid-utf8', Deflater()(b'so far so good \xed'), rsv=4, others=('message.unfinished',))


@breaks('message.invalid-utf8', 'frame.truncated', 'close.not-awaited')
def _(t):
    """Inside a frame."""
    t.agree()
    t.frame(C2S, TEXT, b'so far \xff', declared=20)
    t.frame(S2C, CLOSE, b'\3\xef')
    t.shut()


@near('message.invalid-utf8', 'frame.truncated', 'close.not-awaited')
def _(t):
    t.agree()
    t.frame(C2S, TEXT, b'so far \xed', declared=20)
    t.frame(S2C, CLOSE, b'\3\xef')
    t.shut()

sent(B, 'message.unfinished', (C2S, TEXT, 'a', {'fin': False}))
sent(N, 'message.unfinished', (C2S, TEXT, 'a', {'fin': False}), (C2S, CONT, '', {}))


@near('message.unfinished', 'message.incomplete')
def _(t):
    """The capture is over first."""
    t.agree()
    t.frame(C2S, TEXT, 'a', fin=False)


sent(B, 'message.bad-deflate', (S2C, BINARY, b'\xff\xff\xff', {'rsv': 4}), offer=DEFLATE)
sent(B, 'message.bad-deflate', (S2C, BINARY, Deflater()(bytes(range(200)))[:-20], {'rsv': 4}), offer=DEFLATE)
sent(B, 'message.bad-deflate', (S2C, BINARY, distance(601), {'rsv': 4}), offer=DEFLATE)  # before the beginning
sent(N, 'message.bad-deflate', (S2C, BINARY, Deflater().final(b'a final block'), {'rsv': 4}), offer=DEFLATE)
sent(N, 'message.bad-deflate', (S2C, BINARY, distance(600), {'rsv': 4}), offer=DEFLATE)


def without_takeover(kind, takeover):
    """Each message by itself was agreed on; the sender leans on the one before, or does not."""
    for way, name in ((C2S, 'client'), (S2C, 'server')):
        def play(t, way=way, name=name):
            t.agree(offer=f'{DEFLATE}; {name}_no_context_takeover', agreed=f'{DEFLATE}; {name}_no_context_takeover')
            deflater = Deflater(takeover=takeover)
            for _ in range(2):
                t.frame(way, TEXT, deflater(b'said once, and then said once more: said once'), rsv=4)
            t.bye()
        row(kind, 'message.bad-deflate', ())(play)


without_takeover(B, True)
without_takeover(N, False)


def window(kind, far, way, bits, *others, literal=2000, cuts=()):
    """`bits` of window agreed for `way`, and a distance of `far`."""
    name = 'client' if way == C2S else 'server'
    def play(t):
        t.agree(offer=f'{WINDOWS}; server_max_window_bits={bits}' if way == S2C else WINDOWS,
                agreed=f'{DEFLATE}; {name}_max_window_bits={bits}')
        data = distance(far, literal)
        edges = [0, *cuts, len(data)]
        for i, (a, b) in enumerate(zip(edges, edges[1:])):
            t.frame(way, CONT if i else BINARY, data[a:b], fin=i == len(cuts), rsv=0 if i else 4)
        t.bye()
    row(kind, 'message.window-exceeded', others)(play)


for bits in range(8, 15):
    literal = (1 << bits) + 10
    window(B, (1 << bits) + 1, S2C, bits, literal=literal)
    window(N, 1 << bits, S2C, bits, literal=literal)
window(B, 513, C2S, 9, cuts=(1, 600, 2003))
window(N, 512, C2S, 9, cuts=(1, 600, 2003))


@breaks('message.window-exceeded')
def _(t):
    """A compressor that was never told: its window is 32 KiB."""
    t.agree(offer=WINDOWS, agreed=f'{DEFLATE}; client_max_window_bits=10')
    noise, deflater = t.random.randbytes(3000), Deflater(bits=15)
    for _ in range(2):
        t.frame(C2S, BINARY, deflater(noise + bytes(100)), rsv=4)
    t.bye()


@near('message.window-exceeded')
def _(t):
    t.agree(offer=WINDOWS, agreed=f'{DEFLATE}; client_max_window_bits=10')
    noise, deflater = t.random.randbytes(3000), Deflater(bits=10)
    for _ in range(2):
        t.frame(C2S, BINARY, deflater(noise + bytes(100)), rsv=4)
    t.bye()


def noise(n):
    return zlib.compress(bytes(i * i * 7919 >> 3 & 255 for i in range(4 * n)), 9)[8:8 + n]


sent(B, 'message.compressed-larger', (C2S, BINARY, Deflater()(noise(64)), {'rsv': 4}), offer=DEFLATE)
sent(N, 'message.compressed-larger', (C2S, BINARY, Deflater()(noise(63)), {'rsv': 4}), offer=DEFLATE)
sent(N, 'message.compressed-larger', (C2S, BINARY, Deflater()(bytes(64)), {'rsv': 4}), offer=DEFLATE)
for kind, n in ((B, 9), (N, 8)):
    sent(kind, 'message.empty-fragments', (S2C, TEXT, '', {'fin': False}),
         *[(S2C, CONT, '', {'fin': False})] * (n - 1), (S2C, CONT, 'x', {}))


@breaks('message.incomplete')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, bytes(5000))
    t.lose(lambda p: p.way == S2C and len(p) == 1460, 1)
    for i in range(20):
        t.frame(S2C, TEXT, 'goes on')
    t.bye()


@near('message.incomplete')
def _(t):
    t.agree()
    t.frame(S2C, BINARY, bytes(5000))
    for i in range(20):
        t.frame(S2C, TEXT, 'goes on')
    t.bye()


@breaks('message.context-lost', 'message.incomplete')
def _(t):
    t.agree(offer=DEFLATE, agreed=DEFLATE)
    deflater, words = Deflater(), ' '.join(str(i * i) for i in range(2000)).encode()
    t.frame(S2C, TEXT, deflater(words), rsv=4)
    t.lose(lambda p: p.way == S2C and len(p) == 1460, 1)
    t.frame(S2C, TEXT, deflater(words[5000:6000]), rsv=4)
    t.bye()


@near('message.context-lost', 'message.incomplete')
def _(t):
    t.agree(offer=DEFLATE, agreed=f'{DEFLATE}; server_no_context_takeover')
    deflater, words = Deflater(takeover=False), ' '.join(str(i * i) for i in range(2000)).encode()
    t.frame(S2C, TEXT, deflater(words), rsv=4)
    t.lose(lambda p: p.way == S2C and len(p) == 1460, 1)
    t.frame(S2C, TEXT, deflater(words[5000:6000]), rsv=4)
    t.bye()

# -- close ------------------------------------------------------------------------------------------


def closes(kind, rule, data, *others):
    def play(t):
        t.agree()
        t.frame(C2S, CLOSE, data)
        t.frame(S2C, CLOSE, b'\3\xea')
        t.shut()
    row(kind, rule, others)(play)


closes(B, 'close.one-byte', b'\3')
closes(N, 'close.one-byte', b'')
closes(N, 'close.one-byte', b'\3\xe8')
for code in (0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535):
    closes(B, 'close.code-invalid', code.to_bytes(2, 'big'))
closes(B, 'close.code-invalid', b'1000 bye')
for code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999):
    closes(N, 'close.code-invalid', code.to_bytes(2, 'big'))
closes(B, 'close.reason-invalid-utf8', b'\3\xe8\xff')
closes(B, 'close.reason-invalid-utf8', b'\3\xe8' + 'é'.encode()[:1])
closes(N, 'close.reason-invalid-utf8', b'\3\xe8' + 'é'.encode() * 61)


@breaks('close.second')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


@near('close.second')
def _(t):
    """Both at once."""
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, CLOSE, b'\3\xe9')
    t.shut()


@breaks('close.missing')
def _(t):
    t.agree()
    t.frame(C2S, TEXT, 'x')
    t.shut()


@breaks('close.missing')
def _(t):
    t.agree()
    t.reset(C2S)


@breaks('close.missing')
def _(t):
    """Who could not answer any more is not to blame for that: it ended TCP before it was asked."""
    t.agree()
    t.packet(S2C, FIN | ACK)
    t.sent[S2C] += 1
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.packet(C2S, FIN | ACK)
    t.sent[C2S] += 1
    t.packet(S2C, ACK)


@breaks('close.missing')
def _(t):
    """The same, and the close frame is answered with a reset."""
    t.agree()
    t.packet(C2S, FIN | ACK)
    t.sent[C2S] += 1
    t.frame(S2C, CLOSE, b'\3\xe9')
    t.reset(C2S)


@near('close.missing')
def _(t):
    """Still open when the capture ends."""
    t.agree()
    t.frame(C2S, TEXT, 'x')


@breaks('close.no-reply')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.shut()


@breaks('close.no-reply')
def _(t):
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.reset(C2S)


@breaks('close.no-reply')
def _(t):
    """Captured behind the FIN that acknowledges it."""
    t.agree()
    t.sent[C2S] += 8
    t.packet(S2C, FIN | ACK)
    t.sent[S2C] += 1
    t.sent[C2S] -= 8
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.packet(C2S, FIN | ACK)
    t.sent[C2S] += 1


@near('close.no-reply', 'close.late')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.wait(20)
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


@breaks('close.late')
def _(t):
    """What the other side went on to say meanwhile is more than the message it was at."""
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe9')
    t.wait(2.6)
    t.frame(C2S, TEXT, 'a')
    t.frame(C2S, TEXT, 'b')
    t.wait(2.5)
    t.frame(C2S, CLOSE, b'\3\xe9')
    t.shut()


@near('close.late')
def _(t):
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe9')
    t.wait(4.9)
    t.frame(C2S, CLOSE, b'\3\xe9')
    t.shut()


@near('close.late')
def _(t):
    """It was begun in time; its end came late, as it does when a segment is lost and sent again."""
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    answer = Frame(CLOSE, b'\3\xe8' + b'so long ' * 4).bytes()
    for at in range(0, len(answer), 2): # more packets than a tap is late by: none passes over the wait
        if at == 18:
            t.wait(6)
        t.write(S2C, answer[at:at + 2])
    t.shut()


@breaks('close.not-awaited')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.shut(first=C2S)


@breaks('close.not-awaited')
def _(t):
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xea')
    t.reset(S2C)


@near('close.not-awaited', 'close.no-reply')
def _(t):
    """It was awaited."""
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.wait(2)
    t.shut(first=C2S)


def blames(kind, *list_of_frames, code=1002, others=(), offer=None):
    """The client blames the server for what that had sent by then: (opcode, data, options)."""
    def play(t):
        t.agree(offer=offer, agreed=offer)
        for opcode, data, how in list_of_frames:
            t.frame(S2C, opcode, data, **how)
        t.frame(C2S, CLOSE, code.to_bytes(2, 'big'))
        t.frame(S2C, CLOSE, code.to_bytes(2, 'big'))
        t.shut()
    row(kind, 'close.unexplained', others)(play)


EURO = '\u20ac'.encode()
AMID = (TEXT, EURO[:2], {'fin': False}), (PING, b'mid', {}), (CONT, EURO[2:], {'fin': False}), (CONT, b'', {})
blames(B, *AMID)
blames(B, (TEXT, b'hello', {}), code=1007)
blames(B, (TEXT, Deflater()(b'hello'), {'rsv': 4}), offer=DEFLATE, code=1007)
blames(N, (TEXT, b'hello', {}), code=1003)  # of a kind that is not wanted: that breaks no rule
blames(N)  # not a frame: it may be the handshake
blames(N, *AMID, (TEXT, b'hello', {'rsv': 2}), others=['frame.rsv'])
blames(N, (TEXT, EURO[1:], {}), code=1007, others=['message.invalid-utf8'])
blames(N, (TEXT, b'hello', {}), (CONT, b'', {}), others=['frame.orphan-continuation'])
blames(N, (BINARY, b'half', {'fin': False}), others=['message.unfinished'])


@near('close.unexplained', 'handshake.early-client-data')
def _(t):
    t.ask()
    t.send_request()
    t.frame(C2S, TEXT, b'too early')
    t.send_answer()
    t.frame(S2C, CLOSE, b'\3\xea')
    t.frame(C2S, CLOSE, b'\3\xea')
    t.shut()


@near('close.unexplained')
def _(t):
    """It says what it was told."""
    t.agree()
    t.frame(C2S, TEXT, b'hello')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, CLOSE, b'\3\xea')
    t.shut()


@breaks('close.client-first')
def _(t):
    t.agree()
    t.bye(first=C2S)


@near('close.client-first')
def _(t):
    t.agree()
    t.bye(by=S2C, first=S2C)


@breaks('close.trailing-bytes')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.write(C2S, b'GET / HTTP/1.1\r\n\r\n')
    t.shut()


@near('close.trailing-bytes', 'frame.after-close')
def _(t):
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, TEXT, 'a frame is a frame')
    t.shut()

# -- pings and pongs --------------------------------------------------------------------------------


@frames(B, 'control.ping-unanswered')
def _(t):
    t.frame(C2S, PING, b'are you there')
    t.wait(1.1)


@frames(N, 'control.ping-unanswered')
def _(t):
    t.frame(C2S, PING, b'are you there')
    t.wait(0.9)


@breaks('control.ping-unanswered')
def _(t):
    """The second one, sent when the other side had closed, needs no answer."""
    t.agree()
    t.frame(C2S, PING, b'are you there')
    t.wait(2)
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'are you')
    t.wait(2)
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.shut()


@near('control.ping-unanswered')
def _(t):
    t.agree()
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'are you there')
    t.wait(3)
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.shut()


@frames(N, 'control.ping-unanswered')
def _(t):
    """Only the most recent ping needs an answer."""
    for i in range(5):
        t.frame(C2S, PING, b'%d' % i)
    t.frame(S2C, PONG, b'4')
    t.wait(2)


@frames(N, 'control.ping-unanswered')
def _(t):
    """One pong for pings that cannot be told apart."""
    for i in range(3):
        t.frame(C2S, PING, b'')
    t.frame(S2C, PONG, b'')
    t.wait(2)


@frames(B, 'control.pong-late')
def _(t):
    t.frame(S2C, PING, b'?')
    t.wait(5.1)
    t.frame(C2S, PONG, b'?')


@frames(N, 'control.pong-late')
def _(t):
    t.frame(S2C, PING, b'?')
    t.wait(4.9)
    t.frame(C2S, PONG, b'?')


def wait_apart(t, seconds):
    """Before and after more packets than a tap is late by: none that is late passes over the wait."""
    for wait in (seconds, 0):
        for i in range(10):
            t.frame(C2S, TEXT, 'thank you')
        t.wait(wait)


@near('control.pong-late')
def _(t):
    """The end of the first pong is missing in the capture: it may have been in time."""
    t.agree()
    t.frame(C2S, PING, bytes(125))
    t.write(S2C, Frame(BINARY, bytes(1400)).bytes() + Frame(PONG, bytes(125)).bytes())
    t.lose(lambda p: p.way == S2C and len(p) == 1404 + 127 - 1460, 0)
    wait_apart(t, 6)
    t.frame(C2S, PING, bytes(125))
    t.frame(S2C, PONG, bytes(125))
    t.bye()


@near('control.pong-late', 'handshake.picked-up')
def _(t):
    """The client's frames must be found first, and are told when its pong has come."""
    t.agree()
    t.frame(C2S, PING, bytes(125))
    t.frame(S2C, PONG, bytes(125))
    t.lose(lambda p: p.way == C2S, 0)
    t.lose(lambda p: p.way == S2C, 0)
    t.lose(lambda p: p.way == C2S and len(p), 0)
    wait_apart(t, 6)
    t.frame(C2S, PING, bytes(125))
    t.frame(S2C, PONG, bytes(125))
    t.bye()


@near('control.pong-late', 'stream.resync')
def _(t):
    """Its beginning is missing, and the pong that came says the same; the close frame was captured before that."""
    t.agree()
    t.frame(C2S, PING, bytes(125))
    t.write(S2C, Frame(BINARY, bytes(1400)).bytes() + Frame(PONG, bytes(125)).bytes())
    t.lose(lambda p: p.way == S2C and len(p) == 1460, 0)
    wait_apart(t, 6)
    t.frame(C2S, PING, bytes(125))
    t.frame(S2C, PONG, bytes(125))
    pong = [p for p in t.wire.packets if p.session is t and p.way == S2C and len(p)][-1]
    t.bye()
    t.wire.packets.remove(pong)
    close = [p for p in t.wire.packets if p.session is t and p.way == S2C and len(p)][-1]
    at = t.wire.packets.index(close)
    pong.when = close.when
    t.wire.packets.insert(at + 1, pong)


@near('control.pong-late')
def _(t):
    """The tap sees the first ping after its pong; so it is answered, and not by the second pong, which says the same."""
    t.agree()
    first = len(t.wire.packets)
    t.frame(C2S, PING, b'again')
    t.frame(S2C, PONG, b'again')
    ping = t.wire.packets.pop(first)
    ping.when = t.wire.packets[-1].when
    t.wire.packets.append(ping)
    wait_apart(t, 6)
    t.frame(C2S, PING, b'again')
    t.frame(S2C, PONG, b'again')
    t.bye()


@near('control.pong-late')
def _(t):
    """It was begun in time; its end came late, as it does when a segment is lost and sent again."""
    t.agree()
    t.frame(C2S, PING, bytes(125))
    pong = Frame(PONG, bytes(125)).bytes()
    t.write(S2C, pong[:60])
    wait_apart(t, 6)
    t.write(S2C, pong[60:])
    t.bye()


@near('control.pong-late')
def _(t):
    """A later ping was answered at once, which does for this one, too (section 5.5.3)."""
    t.agree()
    t.frame(C2S, PING, b'one')
    t.frame(C2S, PING, b'two')
    t.frame(S2C, PONG, b'two')
    wait_apart(t, 6)
    t.frame(S2C, PONG, b'one')
    t.bye()


@frames(B, 'control.pong-unasked')
def _(t):
    t.frame(S2C, PONG, b'heartbeat')


@frames(B, 'control.pong-unasked')
def _(t):
    t.frame(C2S, PING, b'1')
    t.frame(S2C, PONG, b'2')


@frames(N, 'control.pong-unasked')
def _(t):
    for i in range(40):
        t.frame(C2S, PING, b'%d' % i)
    for i in range(40):
        t.frame(S2C, PONG, b'%d' % i)


@frames(N, 'control.pong-unasked')
def _(t):
    """A side that answers all may do so in any order."""
    for i in range(5):
        t.frame(C2S, PING, b'%d' % i)
    for i in (4, 0, 2, 1, 3):
        t.frame(S2C, PONG, b'%d' % i)


@frames(B, 'control.pong-unasked')
def _(t):
    """But each once."""
    for i in range(3):
        t.frame(C2S, PING, b'%d' % i)
    for i in (2, 0, 1, 0):
        t.frame(S2C, PONG, b'%d' % i)


@frames(B, 'control.pong-unasked')
def _(t):
    """However many pings had no pong of their own, for a later one was answered."""
    for i in range(20):
        t.frame(C2S, PING, b'a%d' % i)
        t.frame(C2S, PING, b'b%d' % i)
        t.frame(S2C, PONG, b'b%d' % i)
    t.frame(S2C, PONG, b'heartbeat')


@frames(N, 'control.ping-unanswered')
def _(t):
    """The pong is for the ping that waits, not for the one whose turn is over."""
    for payload in (b'', b'a'):
        t.frame(C2S, PING, payload)
    t.frame(S2C, PONG, b'a')
    t.wait(2)
    t.frame(C2S, PING, b'')
    t.frame(S2C, PONG, b'')
    t.wait(2)


@frames(B, 'control.ping-unanswered')
def _(t):
    for payload in (b'a', b'b'):
        t.frame(C2S, PING, payload)
    t.frame(S2C, PONG, b'b')
    t.frame(C2S, PING, b'c')
    t.wait(2)


@breaks('frame.after-close')
def _(t):
    """The ping must not be sent, but it is what the pong answers."""
    t.agree()
    t.frame(C2S, CLOSE, b'\3\xe8')
    t.frame(C2S, PING, b'still there')
    t.frame(S2C, PONG, b'still there')
    t.frame(S2C, CLOSE, b'\3\xe8')
    t.shut()


@frames(N, 'control.pong-unasked')
def _(t):
    t.frame(C2S, PING, bytes(125))
    t.frame(S2C, PING, b'')
    t.frame(S2C, PONG, bytes(125))
    t.frame(C2S, PONG, b'')


# -- HTTP/2: RFC 8441, RFC 9113 -------------------------------------------------------------------

def stream(kind, rule, *others, settings=None, request=None, answer=None):
    """A row that plays between the two ends of a stream's handshake and a sound close."""
    def add(function):
        def play(t):
            s = Stream(t, settings).agree(request, answer)
            s.frame(C2S, TEXT, b'a question')
            function(s)
            s.frame(S2C, TEXT, b'an answer')
            s.bye()
        row(kind, rule, others)(play)
        return function
    return add


def asked(kind, rule, *others, **how):
    """A row that is nothing but a handshake, two messages and a close."""
    stream(kind, rule, *others, **how)(lambda s: None)


asked(B, 'http2.not-enabled', settings={})
asked(B, 'http2.not-enabled', settings={Stream.CONNECT_PROTOCOL: 0})
asked(N, 'http2.not-enabled', settings={Stream.FRAME_SIZE: 65536, Stream.CONNECT_PROTOCOL: 1})
for field in (':scheme', ':path', ':authority'):
    asked(B, 'http2.pseudo-missing', request={field: None})
asked(N, 'http2.pseudo-missing', request={':path': '/?', ':scheme': 'http', ':authority': ''})
for field in ('connection', 'upgrade'):
    asked(B, 'http2.hop-header', request={field: 'upgrade'})
asked(N, 'http2.hop-header', request={'te': 'trailers', 'upgrade-insecure-requests': '1'})
asked(B, 'handshake.version', request={'sec-websocket-version': '8'})
asked(B, 'handshake.origin-missing', request={'user-agent': FIREFOX})
asked(N, 'handshake.origin-missing', request={'user-agent': FIREFOX, 'origin': 'https://example.com'})
asked(B, 'handshake.credentials', request={'cookie': 'session=1'})
asked(N, 'handshake.key-missing')
asked(N, 'handshake.accept-missing', answer={'server': 'h2'})
asked(B, 'handshake.subprotocol-not-offered', request={'sec-websocket-protocol': 'chat'},
      answer={'sec-websocket-protocol': 'other'})
asked(N, 'handshake.subprotocol-not-offered', request={'sec-websocket-protocol': 'chat'},
      answer={'sec-websocket-protocol': 'chat'})
asked(B, 'handshake.extension-not-offered', answer={'sec-websocket-extensions': DEFLATE})
asked(N, 'handshake.extension-not-offered', request={'sec-websocket-extensions': DEFLATE},
      answer={'sec-websocket-extensions': DEFLATE})


@stream(B, 'http2.broken')
def _(s):
    s.send(C2S, Stream.DATA, Frame(BINARY, bytes(20000), key=b'\1\2\3\4').bytes())


@stream(N, 'http2.broken', settings={Stream.CONNECT_PROTOCOL: 1, Stream.FRAME_SIZE: 32768})
def _(s):
    s.send(C2S, Stream.DATA, Frame(BINARY, bytes(20000), key=b'\1\2\3\4').bytes())


@stream(B, 'http2.broken')
def _(s):
    """More padding than bytes."""
    s.send(S2C, Stream.DATA, b'\x09four', 8)


@stream(N, 'http2.broken')
def _(s):
    """Nothing but padding; a frame of a type that nobody knows; a ping."""
    s.send(S2C, Stream.DATA, b'\x04four', 8)
    s.talk.write(C2S, h2_frame(0xbb, 77, b'grease') + h2_frame(6, 0, bytes(8)))


@breaks('http2.broken')
def _(t):
    """DATA behind END_STREAM."""
    s = Stream(t).agree()
    s.frame(C2S, CLOSE, b'\x03\xe8')
    s.frame(S2C, CLOSE, b'\x03\xe8')
    s.send(C2S, Stream.DATA, b'', Stream.END_STREAM)
    s.frame(C2S, TEXT, b'one more')
    s.send(S2C, Stream.DATA, b'', Stream.END_STREAM)
    t.shut()


@stream(N, 'frame.unmasked-client')
def _(s):
    s.frame(C2S, BINARY, bytes(range(256)))


@stream(B, 'frame.unmasked-client')
def _(s):
    s.send(C2S, Stream.DATA, Frame(TEXT, b'bare').bytes())


@breaks('close.missing')
def _(t):
    s = Stream(t).agree()
    s.frame(C2S, TEXT, b'and away')
    s.end(C2S)
    t.shut()


@breaks('close.missing')
def _(t):
    """The whole connection ends."""
    s = Stream(t).agree()
    s.frame(C2S, TEXT, b'and away')
    t.shut()


@near('close.client-first')
def _(t):
    """Which end of a stream comes first is nobody's concern."""
    Stream(t).agree().bye(C2S)


@breaks('http2.unread', 'stream.resync')
def _(t):
    """Behind a hole a header block refers to the newest field of the table, which is not known any more."""
    s = Stream(t).agree()
    for n in range(9):
        s.frame(S2C, TEXT, b'{"tick": %d, "of": "a session whose frames are long enough"}' % n)
    t.lose(lambda p: p.way == S2C and len(p) > 40, 4)
    t.write(S2C, h2_frame(Stream.HEADERS, 3, b'\x88\xbe', 4))
    s.bye()


@near('http2.unread', 'stream.resync')
def _(t):
    """The same hole, and a block of static fields."""
    s = Stream(t).agree()
    for n in range(9):
        s.frame(S2C, TEXT, b'{"tick": %d, "of": "a session whose frames are long enough"}' % n)
    t.lose(lambda p: p.way == S2C and len(p) > 40, 4)
    t.write(S2C, h2_frame(Stream.HEADERS, 3, b'\x88', 4))
    s.bye()

for kind, dir in ((B, S2C), (N, C2S)):
    @row(kind, 'http2.goaway', ())
    def _(t, dir=dir):
        """GOAWAY with NO_ERROR, of the server and of the client, with a WebSocket open"""
        s = Stream(t).agree()
        t.write(dir, h2_frame(7, 0, b'\0\0\0\1\0\0\0\0'))
        s.frame(C2S, TEXT, b'a question')
        s.bye()

for kind, pause in ((B, 2), (N, 0.5)):
    @row(kind, 'http2.window-closed', ())
    def _(t, pause=pause):
        s = Stream(t, settings={Stream.CONNECT_PROTOCOL: 1, 4: 16}).agree()
        s.frame(C2S, TEXT, b'ten bytes.')  # and six of the frame's header
        t.wait(pause)
        t.write(S2C, h2_frame(8, 1, (100).to_bytes(4, 'big')))
        s.bye()

for kind, answers in ((B, 0), (N, 1)):
    @row(kind, 'http2.ping-unanswered', ())
    def _(t, answers=answers):
        s = Stream(t).agree()
        t.write(S2C, h2_frame(6, 0, b'somebody'))
        if answers:
            t.write(C2S, h2_frame(6, 0, b'somebody', 1))
        t.wait(3)
        s.bye()

for kind, code in ((B, 2), (N, 8), (N, 0)):
    @row(kind, 'http2.reset', ('close.missing',))
    def _(t, code=code):
        """INTERNAL_ERROR; CANCEL, NO_ERROR (RFC 9113 section 7)"""
        s = Stream(t).agree()
        s.frame(C2S, TEXT, b'a question')
        s.send(S2C, Stream.RST_STREAM, code.to_bytes(4, 'big'))
        t.shut()

# -- what came later ---------------------------------------------------------------------------------

for kind, because in ((B, b'the session is unknown'), (N, b'Bad Request')):
    @row(kind, 'handshake.refusal-body', ())
    def _(t, because=because):
        t.ask()
        t.send_request()
        t.send_answer({'Content-Length': str(len(because))}, '400 Bad Request', more=because)
        t.shut()

refused(B, 'handshake.upgrade-unseen', status='426 Upgrade Required')
refused(N, 'handshake.upgrade-unseen', status='400 Bad Request')
refused(N, 'handshake.upgrade-unseen', 'handshake.http-version', status='426 Upgrade Required', http='HTTP/1.0')
refused(N, 'handshake.upgrade-unseen', 'handshake.method', status='426 Upgrade Required', method='POST')
refused(N, 'handshake.upgrade-unseen', 'handshake.key-missing', status='426 Upgrade Required', request={'Sec-WebSocket-Key': None})


@breaks('handshake.late', 'close.missing')
def _(t):
    t.ask()
    t.send_request()
    t.wait(3)
    t.packet(C2S, FIN | ACK)
    t.sent[C2S] += 1
    t.wait(1)
    t.send_answer()
    t.packet(S2C, FIN | ACK)
    t.sent[S2C] += 1
    t.packet(C2S, ACK)


@near('handshake.late')
def _(t):
    t.ask()
    t.send_request()
    t.wait(3)
    t.send_answer()
    t.bye()


sent(B, 'frame.rsv', (S2C, TEXT, Deflater()(b'hello hello'), {'rsv': 4}))  # and no word of UTF-8

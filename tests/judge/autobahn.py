# SPDX-License-Identifier: MIT
"""The cases of the Autobahn test suite: what its fuzzer sends, and what a strict endpoint must do about it.

Case numbers, payload sizes and reactions are those of github.com/crossbario/autobahn-testsuite, parts 1 to 7, 9, 10,
12 and 13. Its five files of test data are not here: bytes of the same kind are made instead.

In:  nothing. Out: CASES, each a list of writes of the fuzzer; a frame that an endpoint must fail the connection
over says so itself (`fails`: the close code).
"""
import random
import zlib

from wire import BINARY, CLOSE, PING, PONG, TEXT

CONT = 0
CASES = []  # of Case
KIB, MIB = 1 << 10, 1 << 20


class F:
    """A frame of the fuzzer. `fails`: a strict endpoint fails the connection over it, with this code."""

    def __init__(self, opcode, data=b'', fin=True, rsv=0, fails=None):
        self.opcode, self.data, self.fin, self.rsv, self.fails = opcode, data, fin, rsv, fails


class W:
    """One write: frames, in segments of `chop` bytes. `half`: only so many bytes of the last frame."""

    def __init__(self, *frames, chop=None, wait=0, half=None):
        self.frames, self.chop, self.wait, self.half = frames, chop, wait, half


class Case:
    """`ids`: what wstrace finds; `does`: what a strict endpoint does; `also`: notes that may come, too."""

    def __init__(self, number, what, does, writes, ids=(), also=(), offer=None, agreed=None, echo=None, full=None,
                 closes=True):
        self.number, self.what, self.does, self.ids, self.also = number, what, does, set(ids), set(also)
        self.writes = writes      # list of W, or a function that makes them, given `full`
        self.offer, self.agreed = offer, agreed
        self.echo = echo          # how the endpoint's compressor treats the echo: (payload -> wire) or None
        self.full = full          # scaled in everyday runs: what of
        self.closes = closes      # the fuzzer closes at the end
        CASES.append(self)


ECHO, FAIL, FAIL_TEXT, IGNORE = 'echoes', 'fails with 1002', 'fails with 1007', 'ignores what follows the close'
PONGS, CLOSES, UNDEFINED = 'answers', 'closes', 'is free to close as it likes'


def steps(*frames, **how):
    """Each frame in a write of its own."""
    return [W(f, **how) for f in frames]


def fragments(opcode, data, size):
    pieces = [data[i:i + size] for i in range(0, len(data), size)] or [b'']
    return [F(CONT if i else opcode, piece, fin=i == len(pieces) - 1) for i, piece in enumerate(pieces)]


HELLO = b'Hello, world!'
SOME = b'BAsd7&jh23'


def some(n):
    return (SOME * (n // len(SOME) + 1))[:n]


# -- 1 framing, 2 pings and pongs -------------------------------------------------------------------

for part, opcode, unit, name in ((1, TEXT, b'*', 'text'), (2, BINARY, b'\xfe', 'binary')):
    for i, n in enumerate((0, 125, 126, 127, 128, 65535, 65536, 65536), 1):
        chop = 997 if i == 8 else None
        Case(f'1.{part}.{i}', f'{name} of {n} bytes' + (', in chops of 997' if chop else ''), ECHO,
             [W(F(opcode, unit * n), chop=chop)])

Case('2.1', 'ping without payload', PONGS, [W(F(PING))])
Case('2.2', 'ping with text', PONGS, [W(F(PING, HELLO))])
Case('2.3', 'ping with bytes that are no text', PONGS, [W(F(PING, b'\x00\xff\xfe\xfd\xfc\xfb\x00\xff'))])
Case('2.4', 'ping of 125 bytes', PONGS, [W(F(PING, b'\xfe' * 125))])
Case('2.5', 'ping of 126 bytes', FAIL, [W(F(PING, b'\xfe' * 126, fails=1002))], ['frame.control-too-long'])
Case('2.6', 'ping of 125 bytes, byte by byte', PONGS, [W(F(PING, b'\xfe' * 125), chop=1)])
Case('2.7', 'pong nobody asked for', 'ignores it', [W(F(PONG))], ['control.pong-unasked'])
Case('2.8', 'pong nobody asked for, with payload', 'ignores it', [W(F(PONG, b'unsolicited pong payload'))],
     ['control.pong-unasked'])
Case('2.9', 'pong nobody asked for, then a ping', PONGS,
     steps(F(PONG, b'unsolicited pong payload'), F(PING, b'ping payload')), ['control.pong-unasked'])
Case('2.10', 'ten pings', PONGS, steps(*[F(PING, b'payload-%d' % i) for i in range(10)]))
Case('2.11', 'ten pings, byte by byte', PONGS, steps(*[F(PING, b'payload-%d' % i) for i in range(10)], chop=1))

# -- 3 reserved bits, 4 opcodes ---------------------------------------------------------------------

Case('3.1', 'text with RSV 1', FAIL, [W(F(TEXT, HELLO, rsv=1, fails=1002))], ['frame.rsv'])
for number, rsv, how in (('3.2', 2, 'frame by frame'), ('3.3', 3, 'in one chop'), ('3.4', 4, 'byte by byte')):
    three = F(TEXT, HELLO), F(TEXT, HELLO, rsv=rsv, fails=1002), F(PING)
    Case(number, f'text, text with RSV {rsv}, ping; {how}', FAIL,
         [W(*three)] if rsv == 3 else steps(*three, chop=1 if rsv == 4 else None), ['frame.rsv'])
Case('3.5', 'binary with RSV 5', FAIL, [W(F(BINARY, b'\x00\xff\xfe\xfd\xfc\xfb\x00\xff', rsv=5, fails=1002))],
     ['frame.rsv'])
Case('3.6', 'ping with RSV 6', FAIL, [W(F(PING, HELLO, rsv=6, fails=1002))], ['frame.rsv'])
Case('3.7', 'close with RSV 7', FAIL, [W(F(CLOSE, rsv=7, fails=1002))], ['frame.rsv'])

for part, first in ((1, 3), (2, 11)):
    for i in range(5):
        bad = F(first + i, HELLO if i in (1, 3, 4) else b'', fails=1002)
        all_ = [bad] if i < 2 else [F(TEXT, HELLO), bad, F(PING)]
        Case(f'4.{part}.{i + 1}', f'{"" if i < 2 else "text, "}opcode {first + i}{" with payload" if bad.data else ""}'
             + ('' if i < 2 else ', ping'), FAIL, steps(*all_), ['frame.reserved-opcode'])

# -- 5 fragments ------------------------------------------------------------------------------------

ONE, TWO, THREE, FOUR, FIVE = (b'fragment%d' % i for i in range(1, 6))
A, B_ = F(TEXT, ONE, fin=False), F(CONT, TWO)
P = F(PING, b'ping payload')
ORPHAN = F(CONT, b'non-continuation payload', fails=1002)
ORPHAN_OPEN = F(CONT, b'non-continuation payload', fin=False, fails=1002)
Case('5.1', 'ping in two fragments', FAIL, steps(F(PING, ONE, fin=False, fails=1002), B_),
     ['frame.control-fragmented', 'frame.orphan-continuation'])
Case('5.2', 'pong in two fragments', FAIL, steps(F(PONG, ONE, fin=False, fails=1002), B_),
     ['frame.control-fragmented', 'frame.orphan-continuation', 'control.pong-unasked'])
Case('5.3', 'text in two fragments', ECHO, steps(A, B_))
Case('5.4', 'text in two fragments, in one chop', ECHO, [W(A, B_)])
Case('5.5', 'text in two fragments, byte by byte', ECHO, steps(A, B_, chop=1))
Case('5.6', 'text in two fragments, a ping between', ECHO, steps(A, P, B_))
Case('5.7', 'the same in one chop', ECHO, [W(A, P, B_)])
Case('5.8', 'the same byte by byte', ECHO, steps(A, P, B_, chop=1))
for base, frame, word in ((9, ORPHAN, 'FIN'), (12, ORPHAN_OPEN, 'no FIN')):
    both = frame, F(TEXT, HELLO)
    for i, (how, writes) in enumerate((('in one chop', [W(*both)]), ('frame by frame', steps(*both)),
                                       ('byte by byte', steps(*both, chop=1)))):
        Case(f'5.{base + i}', f'a continuation of nothing ({word}), text; {how}', FAIL, writes,
             ['frame.orphan-continuation'])
Case('5.15', 'text in two fragments, a continuation of nothing (no FIN), text; in one chop', FAIL,
     [W(A, B_, F(CONT, THREE, fin=False, fails=1002), F(TEXT, FOUR))], ['frame.orphan-continuation'])
for number, fin in (('5.16', False), ('5.17', True)):
    again = [F(CONT, ONE, fin=fin, fails=1002), F(TEXT, TWO, fin=False), F(CONT, THREE)]
    Case(number, f'twice: a continuation of nothing ({"FIN" if fin else "no FIN"}), text in two fragments', FAIL,
         [W(*again, *again)], ['frame.orphan-continuation'])
Case('5.18', 'text in two fragments, both with the opcode of text; in one chop', FAIL,
     [W(A, F(TEXT, TWO, fails=1002))], ['frame.new-message-inside'])
for number, how in (('5.19', 'frame by frame'), ('5.20', 'each frame flushed')):
    Case(number, f'text in five fragments, a ping behind the second and the fourth; {how}', ECHO,
         steps(A, F(CONT, TWO, fin=False), F(PING, b'pongme 1!')) +
         [W(F(CONT, THREE, fin=False), wait=1), *steps(F(CONT, FOUR, fin=False), F(PING, b'pongme 2!'), F(CONT, FIVE))])

# -- 6 UTF-8 ----------------------------------------------------------------------------------------

KOSME = b'\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5'  # with the oxia of polytonic Greek: 11 bytes
Case('6.1.1', 'empty text', ECHO, [W(F(TEXT))])
Case('6.1.2', 'three empty fragments', ECHO, steps(F(TEXT, fin=False), F(CONT, fin=False), F(CONT)))
Case('6.1.3', 'three fragments, the first and the last empty', ECHO,
     steps(F(TEXT, fin=False), F(CONT, b'middle frame payload', fin=False), F(CONT)))
LONG = 'Hello-µ@ßöäüàá-UTF-8!!'.encode()
Case('6.2.1', 'valid text', ECHO, [W(F(TEXT, LONG))])
Case('6.2.2', 'valid text, cut between characters', ECHO, steps(F(TEXT, LONG[:12], fin=False), F(CONT, LONG[12:])))
Case('6.2.3', 'valid text in fragments of a byte', ECHO, steps(*fragments(TEXT, LONG, 1)))
Case('6.2.4', 'valid Greek text in fragments of a byte', ECHO, steps(*fragments(TEXT, KOSME, 1)))
SURROGATE = KOSME + b'\xed\xa0\x80edited'
Case('6.3.1', 'a surrogate inside a text', FAIL_TEXT, [W(F(TEXT, SURROGATE, fails=1007))], ['message.invalid-utf8'])
pieces = fragments(TEXT, SURROGATE, 1)
pieces[len(KOSME) + 1].fails = 1007
Case('6.3.2', 'the same in fragments of a byte', FAIL_TEXT, steps(*pieces), ['message.invalid-utf8'])

BEYOND = KOSME + b'\xf4\x90\x80\x80' + b'edited'  # no text from byte 12 on
for number, at, to, how in (('6.4.1', 11, 15, 'fragments'), ('6.4.2', 12, 13, 'fragments')):
    Case(number, f'text beyond U+10FFFF in three {how}, waits between: bytes 0–{at - 1}, –{to - 1}, the rest', FAIL_TEXT,
         [W(F(TEXT, BEYOND[:at], fin=False)), W(F(CONT, BEYOND[at:to], fin=False, fails=1007), wait=1),
          W(F(CONT, BEYOND[to:]), wait=1)], ['message.invalid-utf8'])
for number, at, to in (('6.4.3', 11, 15), ('6.4.4', 12, 13)):
    Case(number, f'the same in three chops of one frame: bytes 0–{at - 1}, –{to - 1}, the rest', FAIL_TEXT,
         [W(F(TEXT, BEYOND), half=at), W(F(TEXT, BEYOND, fails=1007), half=(at, to), wait=1)],
         ['message.invalid-utf8', 'frame.truncated', 'close.no-reply'])


def sequences():
    """(about, [bytes]) of cases 6.5 to 6.23; what of it is UTF-8 Python itself knows."""
    lonely = [bytes(x for b in range(*r) for x in (b, 32))
              for r in ((0xc0, 0xdf), (0xe0, 0xef), (0xf0, 0xf7), (0xf8, 0xfb), (0xfc, 0xfd))]
    cut = [b'\xc0', b'\xe0\x80', b'\xf0\x80\x80', b'\xf8\x80\x80\x80', b'\xfc\x80\x80\x80\x80', b'\xdf', b'\xef\xbf',
           b'\xf7\xbf\xbf', b'\xfb\xbf\xbf\xbf', b'\xfd\xbf\xbf\xbf\xbf']
    surrogates = [s.encode('utf-8', 'surrogatepass') for s in '\ud800 \udb7f \udb80 \udbff \udc00 \udf80 \udfff'.split()]
    pairs = [(a + b).encode('utf-8', 'surrogatepass') for a in '\ud800\udb7f\udb80\udbff' for b in '\udc00\udfff']
    yield 'valid text', [b'hello$world', 'hello¢world'.encode(), 'hello€world'.encode(), 'hello𤭢world'.encode(), KOSME]
    yield 'every prefix of a text', [KOSME[:i] for i in range(1, len(KOSME) + 1)]
    yield 'first character of a length', [b'\0', b'\xc2\x80', b'\xe0\xa0\x80', b'\xf0\x90\x80\x80']
    yield 'first of five and six bytes', [b'\xf8\x88\x80\x80\x80', b'\xfc\x84\x80\x80\x80\x80']
    yield 'last character of a length', [b'\x7f', b'\xdf\xbf', b'\xef\xbf\xbf', b'\xf4\x8f\xbf\xbf']
    yield 'last of four to six bytes', [b'\xf7\xbf\xbf\xbf', b'\xfb\xbf\xbf\xbf\xbf', b'\xfd\xbf\xbf\xbf\xbf\xbf']
    yield 'other edges', [b'\xed\x9f\xbf', b'\xee\x80\x80', b'\xef\xbf\xbd', b'\xf4\x8f\xbf\xbf', b'\xf4\x90\x80\x80']
    yield 'continuation bytes alone', [b'\x80', b'\xbf', *[(b'\x80\xbf' * 3)[:n] for n in range(2, 7)],
                                       bytes(range(0x80, 0xbf))]
    yield 'first bytes alone', lonely
    yield 'the last byte missing', cut
    yield 'many with the last byte missing', [b''.join(cut)]
    yield 'impossible bytes', [b'\xfe', b'\xff', b'\xfe\xfe\xff\xff']
    yield 'overlong slash', [b'\xc0\xaf', b'\xe0\x80\xaf', b'\xf0\x80\x80\xaf', b'\xf8\x80\x80\x80\xaf',
                             b'\xfc\x80\x80\x80\x80\xaf']
    yield 'longest overlong forms', [b'\xc1\xbf', b'\xe0\x9f\xbf', b'\xf0\x8f\xbf\xbf', b'\xf8\x87\xbf\xbf\xbf',
                                     b'\xfc\x83\xbf\xbf\xbf\xbf']
    yield 'overlong NUL', [b'\xc0\x80', b'\xe0\x80\x80', b'\xf0\x80\x80\x80', b'\xf8\x80\x80\x80\x80',
                           b'\xfc\x80\x80\x80\x80\x80']
    yield 'surrogates', surrogates
    yield 'pairs of surrogates', pairs
    planes = [chr(p << 16 | 0xfff0 | x) for p in range(17) for x in (14, 15)]
    nearly = [chr(c | x) for p in range(1, 17) for c in (p << 16 | 0xfff0,) for x in (14, 15)]
    assert planes[2:] == nearly
    yield 'no characters, but valid', [c.encode() for c in planes]
    yield 'specials', [chr(c).encode() for c in range(0xfff9, 0x10000)]


def is_text(data):
    try:
        data.decode()
        return True
    except UnicodeDecodeError:
        return False


for part, (about, list_of_bytes) in enumerate(sequences(), 5):
    for i, data in enumerate(list_of_bytes, 1):
        shown = data.hex() if len(data) <= 12 else f'{data[:10].hex()}… ({len(data)} bytes)'
        good = is_text(data)
        Case(f'6.{part}.{i}', f'{about}: `{shown}`', ECHO if good else FAIL_TEXT,
             [W(F(TEXT, data, fails=None if good else 1007))], [] if good else ['message.invalid-utf8'])

# -- 7 close ----------------------------------------------------------------------------------------

NORMAL = F(CLOSE, b'\3\xe8')
Case('7.1.1', 'text, close', ECHO, steps(F(TEXT, HELLO), NORMAL))
Case('7.1.2', 'two closes', IGNORE, [W(NORMAL, NORMAL)], ['close.second'])
Case('7.1.3', 'close, ping', IGNORE, [W(NORMAL, F(PING))], ['frame.after-close'])
Case('7.1.4', 'close, text', IGNORE, [W(NORMAL, F(TEXT, HELLO))], ['frame.after-close'])
Case('7.1.5', 'a fragment, close, the last fragment', IGNORE, [W(A, NORMAL, B_)], ['frame.after-close'])
Case('7.1.6', 'text of 256 KiB, text, close, ping', IGNORE,
     [W(F(TEXT, some(256 * KIB)), F(TEXT, HELLO), NORMAL, F(PING))], ['frame.after-close'])


def close(number, what, data, does, *ids):
    Case(number, what, does, [W(F(CLOSE, data, fails=None if not ids or does == UNDEFINED else 1007 if does == FAIL_TEXT else 1002))],
         ids)


close('7.3.1', 'close without payload', b'', CLOSES)
close('7.3.2', 'close of one byte', b'a', FAIL, 'close.one-byte')
close('7.3.3', 'close of a code', b'\3\xe8', CLOSES)
close('7.3.4', 'close with a reason', b'\3\xe8' + HELLO, CLOSES)
close('7.3.5', 'close with a reason of 123 bytes', b'\3\xe8' + b'*' * 123, CLOSES)
close('7.3.6', 'close with a reason of 124 bytes', b'\3\xe8' + b'*' * 124, FAIL, 'frame.control-too-long')
close('7.5.1', 'close with a reason that is no text', b'\3\xe8' + SURROGATE, FAIL_TEXT, 'close.reason-invalid-utf8')
for i, code in enumerate((1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999), 1):
    close(f'7.7.{i}', f'close {code}', code.to_bytes(2, 'big'), CLOSES)
for i, code in enumerate((0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999), 1):
    close(f'7.9.{i}', f'close {code}', code.to_bytes(2, 'big'), FAIL, 'close.code-invalid')
for i, code in enumerate((5000, 65535), 1):
    close(f'7.13.{i}', f'close {code}', code.to_bytes(2, 'big'), UNDEFINED, 'close.code-invalid')

# -- 9 limits, 10 fragments -------------------------------------------------------------------------


def size_name(n):
    return f'{n // MIB} MiB' if n >= MIB else f'{n // KIB} KiB' if n >= KIB else f'{n} bytes'


EVERYDAY = 256 * KIB  # a message's bytes when nobody asked for all
for part, opcode, name in ((1, TEXT, 'text'), (2, BINARY, 'binary')):
    for i, n in enumerate((64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB), 1):
        Case(f'9.{part}.{i}', f'{name} of {size_name(n)}', ECHO, full=n > EVERYDAY,
             writes=lambda full, o=opcode, n=n: [W(F(o, some(n if full else min(n, EVERYDAY))))])
for part, opcode, name in ((3, TEXT, 'text'), (4, BINARY, 'binary')):
    for i, n in enumerate((64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB), 1):
        Case(f'9.{part}.{i}', f'{name} of 4 MiB in fragments of {size_name(n)}', ECHO, full=True,
             writes=lambda full, o=opcode, n=n: [W(*fragments(o, b'*' * (4 * MIB if full else max(n, EVERYDAY)), n))])
for part, opcode, name in ((5, TEXT, 'text'), (6, BINARY, 'binary')):
    for i, n in enumerate((64, 128, 256, 512, 1024, 2048), 1):
        Case(f'9.{part}.{i}', f'{name} of 1 MiB in chops of {n}', ECHO, full=True,
             writes=lambda full, o=opcode, n=n: [W(F(o, some(MIB if full else EVERYDAY)), chop=n)])
for part, opcode, unit, name in ((7, TEXT, b'*', 'texts'), (8, BINARY, b'\xfe', 'binary messages')):
    for i, n in enumerate((0, 16, 64, 256, 1024, 4096), 1):
        Case(f'9.{part}.{i}', f'1000 {name} of {n} bytes', ECHO, full=True,
             writes=lambda full, o=opcode, u=unit, n=n: steps(*[F(o, u * n)] * (1000 if full else 100)))
Case('10.1.1', 'text of 65536 bytes in fragments of 1300', ECHO, [W(*fragments(TEXT, b'*' * 65536, 1300))])

# -- 12, 13 permessage-deflate ----------------------------------------------------------------------


def test_data():
    """(about, opcode, bytes) of the kinds that the suite sends."""
    rng = random.Random('autobahn')
    words = ['habe', 'nun', 'ach', 'Philosophie', 'Juristerei', 'und', 'Medizin', 'leider', 'auch', 'Theologie',
             'durchaus', 'studiert', 'mit', 'heißem', 'Bemühn']
    json_ = b''.join(b'{"id": %d, "name": "%s", "value": %d.%d, "tags": ["a", "b"]},\n'
                     % (i, rng.choice((b'alpha', b'beta', b'gamma')), rng.randrange(1000), rng.randrange(100))
                     for i in range(3000))
    bitmap = bytes((x * y // 300 + rng.randrange(6)) & 255 for y in range(400) for x in range(500))
    text = ' '.join(rng.choice(words) for _ in range(25000)).encode()
    html = b''.join(b'<tr class="row%d"><td>%d</td><td><a href="/item/%d">%x</a></td></tr>\n'
                    % (i & 1, i, i, rng.getrandbits(24)) for i in range(3000))
    pdf = b''.join(b'%d 0 obj\n<< /Length 900 >>\nstream\n%s\nendstream\nendobj\n' % (i, zlib.compress(rng.randbytes(880)))
                   for i in range(200))
    return (('JSON', TEXT, json_), ('a bitmap', BINARY, bitmap), ('German text', BINARY, text), ('HTML', TEXT, html),
            ('a PDF', BINARY, pdf))


SIZES = [(n, 0) for n in (16, 64, 256, 1024, 4096, 8192, 16384, 32768, 65536, 131072)]
SIZES += [(n, 256) for n in (8192, 16384, 32768, 65536, 131072)]
SIZES += [(131072, n) for n in (1024, 4096, 32768)]
DEFLATE = 'permessage-deflate'
ACCEPTS = '; client_no_context_takeover; client_max_window_bits'


def compressed(data, size, count, bits, takeover):
    """(payload, wire) of messages that go on where the one before ended. A window of 9 bits serves for 8, too:
    zlib then refers no further back than 250 bytes."""
    stream, at, data = None, 0, data + data
    for _ in range(count):
        message = data[at:at + size]
        at = (at + size) % (len(data) // 2)
        if not stream or not takeover:
            stream = zlib.compressobj(6, zlib.DEFLATED, -max(bits, 9))
        yield message, (stream.compress(message) + stream.flush(zlib.Z_SYNC_FLUSH))[:-4]


def deflated(number, what, data, opcode, size, cut, offer, agreed, bits=15, takeover=True):
    def writes(full):
        count = 1000 if full else max(3, min(40, 4096 // size))
        for message, wire in compressed(data, size, count, bits, takeover):
            frames = fragments(opcode, wire, cut or len(wire) or 1)
            frames[0].rsv = 4
            frames[-1].echo = F(opcode, wire, rsv=4)
            yield W(*frames)
    Case(number, f'1000 messages of {size} bytes{f" in fragments of {cut}" if cut else ""}, {what}', ECHO, writes,
         also=['message.compressed-larger'], offer=offer, agreed=agreed, full=True)


DATA = test_data()
for part, (about, opcode, data) in enumerate(DATA, 1):
    for i, (size, cut) in enumerate(SIZES, 1):
        deflated(f'12.{part}.{i}', about, data, opcode, size, cut, DEFLATE + ACCEPTS, DEFLATE)
for part, (takeover, bits, others) in enumerate(((True, 0, 0), (False, 0, 0), (True, 8, 0), (True, 15, 0), (False, 8, 0),
                                                 (False, 15, 0), (False, 8, 1)), 1):
    server = ('' if takeover else '; server_no_context_takeover') + (f'; server_max_window_bits={bits}' if bits else '')
    offer = DEFLATE + ACCEPTS + server
    if others:
        offer += f', {DEFLATE}{ACCEPTS}; server_no_context_takeover, {DEFLATE}{ACCEPTS}'
    for i, (size, cut) in enumerate(SIZES, 1):
        deflated(f'13.{part}.{i}', f'agreed on `{(server + server.replace("server", "client"))[2:] or "nothing more"}`',
                 DATA[0][2], DATA[0][1], size, cut, offer, DEFLATE + server + server.replace('server', 'client'),
                 bits or 15, takeover)

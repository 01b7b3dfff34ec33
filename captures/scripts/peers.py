#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The captures of ../peers: one for each thing that other readers of WebSocket traffic get wrong.

In:  nothing. Out: captures and truth, the same bytes on every run and every machine with the same zlib.

usage: peers.py [--into FOLDER] [NAME...]
"""
import argparse
import hashlib
import os
import struct
import zlib

from wire import (ACK, BINARY, C2S, CLOSE, PING, PONG, PSH, S2C, SECTION, TEXT, Deflater, Session,
                  Wire, block, classic, enhanced, interface, ndjson, option, squeeze)

DEFLATE = 'permessage-deflate'
NO_TAKEOVER = f'{DEFLATE}; server_no_context_takeover; client_no_context_takeover'
LOOPBACK = {'client': ('127.0.0.1', 50001), 'server': ('127.0.0.1', 8080)}
captures = {}


def capture(function):
    captures[function.__name__] = function
    return function


def one(path='/', deflate=None, **how):
    wire = Wire()
    return wire, Session(wire, **how).handshake(path, deflate, deflate)


def whole(wire):
    return {'.pcap': classic(wire.packets)}, wire.truth()


def compact(wire):
    return {'.pcap.gz': squeeze(classic(wire.packets))}, wire.truth()


def with_holes(wire, packets):
    """Truth of messages only: which frames a reader finds after a hole is its own affair."""
    truth = [t for t in wire.truth(packets, partial=True) if t['kind'] != 'frame']
    return {'.pcap': classic(packets)}, truth


def segments(session, way):
    """Packets with bytes after the handshake."""
    return [p for p in session.wire.packets if p.way == way and p.payload and p.place >= session.start[way]]


# -- wrong data ------------------------------------------------------------------------------

@capture
def context_loss():
    """One segment is missing. What follows was compressed against it."""
    wire, s = one('/accounts', DEFLATE)
    z = Deflater()
    for i in range(12):
        s.say(S2C, TEXT, '{"user":"%s","balance":%d}' % (('alice', 100), ('bobby', 250), ('carol', 975))[i % 3], z)
    s.close()
    lost = segments(s, S2C)[6]
    files, truth = with_holes(wire, [p for p in wire.packets if p is not lost])
    for t in truth:  # what leans on the lost message cannot be known
        if t['kind'] == 'message' and t['dir'] == S2C and t['opcode'] == TEXT:
            t['decodable'] = t['seq'] < 6
    return files, truth


@capture
def both_ways_fragments():
    """Loopback: both ends have the same address. Fragments of two messages run against each other."""
    wire, s = one(**LOOPBACK)
    for i, (a, b) in enumerate(zip(('client-1 ', 'client-2 ', 'client-3'),
                                   ('SERVER-1 ', 'SERVER-2 ', 'SERVER-3'))):
        s.frame(C2S, 0 if i else TEXT, a, fin=i == 2)
        s.frame(S2C, 0 if i else TEXT, b, fin=i == 2)
    s.message(C2S, TEXT, 'client-1 client-2 client-3')
    s.message(S2C, TEXT, 'SERVER-1 SERVER-2 SERVER-3')
    s.say(C2S, TEXT, 'and on')
    s.close()
    return whole(wire)


@capture
def bfinal():
    """A message whose last block is marked final (RFC 7692 §7.2.3.4), then ordinary ones."""
    wire, s = one('/', DEFLATE)
    for way in (C2S, S2C):
        z = Deflater()
        s.say(way, TEXT, 'before', z)
        text = b'the last block of this one says so'
        s.frame(way, TEXT, z.final(text), rsv=4)
        s.message(way, TEXT, text, compressed=True)
        s.say(way, TEXT, 'after the final block', z)
        s.say(way, TEXT, 'after the final block, again', z)
    s.close()
    return whole(wire)


@capture
def length_4g():
    """A frame of 2^32+5 bytes, of which the capture sees 40. Cut to 32 bits it has five."""
    wire, s = one()
    s.say(S2C, TEXT, 'before')
    s.frame(S2C, BINARY, 'Hello', declared=(1 << 32) + 5)
    s.write(S2C, b'\x81\x16no frame, only payload')
    s.say(C2S, TEXT, 'this direction goes on')
    s.shut()
    return whole(wire)


# -- missing data ----------------------------------------------------------------------------

@capture
def empty_final():
    """The last fragment carries nothing but FIN. Then a fragmented message with all its parts full."""
    wire, s = one()
    for way in (C2S, S2C):
        s.say(way, TEXT, 'complete all the same', cuts=(9, 21))
        s.say(way, TEXT, 'the next one', cuts=(4, 8))
    s.say(C2S, TEXT, 'begins empty', cuts=(0, 6))
    s.say(C2S, TEXT, 'empty within', cuts=(6, 6))
    s.close()
    return whole(wire)


def ticker(i):
    return f'{{"n":{i},"symbol":"{"ABCDEFGHIJ"[i % 10] * 3}","price":{(i * 7919) % 100000 / 100:.2f}}}'


def lost_one(way, mss, deflate=None):
    """320 messages; the packet that carries the 40th is not in the capture."""
    wire, s = one('/ticker', deflate)
    z = Deflater(takeover=deflate != NO_TAKEOVER) if deflate else None
    if mss:
        s.hold(way)
    for i in range(320):
        s.say(way, TEXT, ticker(i), z)
    if mss:
        s.release(way, mss)
    s.close()
    at = [t['_at'] for t in s.truth if t['kind'] == 'frame' and t['dir'] == way][39]
    lost = next(p for p in segments(s, way) if p.place <= at < p.place + len(p))
    return with_holes(wire, [p for p in wire.packets if p is not lost])


@capture
def lost_one_of_320():
    """Masked; segments cut the frames anywhere."""
    return lost_one(C2S, 536)


@capture
def lost_one_of_320_aligned():
    """Masked; a frame a segment."""
    return lost_one(C2S, None)


@capture
def lost_one_of_320_server():
    """Not masked; segments cut the frames anywhere."""
    return lost_one(S2C, 536)


@capture
def lost_one_of_320_deflate():
    """Compressed, each message by itself; segments cut the frames anywhere."""
    return lost_one(C2S, 536, NO_TAKEOVER)


def swapped(deflate=None):
    wire, s = one('/ticker', deflate)
    z = Deflater() if deflate else None
    s.hold(C2S)
    for i in range(305):
        s.say(C2S, TEXT, ticker(i), z)
    s.release(C2S, 300)
    s.close()
    data = segments(s, C2S)
    times = [p.when for p in wire.packets]
    a, b = (wire.packets.index(p) for p in data[2:4])
    wire.packets[a], wire.packets[b] = wire.packets[b], wire.packets[a]
    return {'.pcap': classic(wire.packets, times=times)}, wire.truth()


@capture
def swapped_one_of_305():
    """All packets are there; two of them in the wrong order."""
    return swapped()


@capture
def swapped_one_of_305_deflate():
    """The same, compressed with context takeover."""
    return swapped(DEFLATE)


def prose(size):
    line = b'The quick brown fox jumps over the lazy dog again and once more\n'
    return (line * (size // len(line) + 1))[:size]


@capture
def masked_256k():
    """A masked payload of 300,000 bytes, and one behind it."""
    wire, s = one(mss=8960)
    s.say(C2S, TEXT, prose(300_000))
    s.say(C2S, TEXT, 'after the large one')
    s.close()
    return compact(wire)


@capture
def deflate_256k():
    """A compressed message of more than 256 KiB on the wire (stored blocks), others behind it."""
    wire, s = one('/', DEFLATE, mss=8960)
    z = Deflater()
    s.say(C2S, TEXT, 'before the large one', z)
    large = prose(300_000)
    stored = b''.join(b'\0' + struct.pack('<HH', len(c), len(c) ^ 0xffff) + c
                      for c in (large[i:i + 50_000] for i in range(0, len(large), 50_000)))
    s.frame(C2S, TEXT, stored + b'\0', rsv=4)
    s.message(C2S, TEXT, large, compressed=True)
    z = zlib.compressobj(9, zlib.DEFLATED, -15, 8, zlib.Z_DEFAULT_STRATEGY, large[-32768:])
    for text in ('The quick brown fox jumps over the lazy dog, once more', 'after the large one'):
        body = (z.compress(text.encode()) + z.flush(zlib.Z_SYNC_FLUSH))[:-4]
        s.frame(C2S, TEXT, body, rsv=4)
        s.message(C2S, TEXT, text, compressed=True)
    s.close()
    return compact(wire)


@capture
def length_2g():
    """2^31+5 bytes announced in one direction of one connection: that direction is payload from there
    on. The other direction, and another connection, are none of its business."""
    wire, s = one('/first')
    t = Session(wire, client=('10.1.0.1', 50002), seed=2).handshake('/second')
    s.say(S2C, TEXT, 'before')
    s.frame(S2C, BINARY, 'Hello', declared=(1 << 31) + 5)
    for i in range(5):
        s.write(S2C, b'\x81\x0cpayload here')
        s.say(C2S, TEXT, f'first connection, client, {i}')
        t.say(C2S, TEXT, f'second connection, client, {i}')
        t.say(S2C, TEXT, f'second connection, server, {i}')
    t.close()
    s.shut()
    return whole(wire)


# -- never reported --------------------------------------------------------------------------

def violation(what, *, accept=None):
    def wrap(function):
        def make():
            wire = Wire()
            s = Session(wire).handshake(accept=accept)
            closed = function(s)
            if not closed:
                s.say(C2S, TEXT, 'well-formed')
                s.say(S2C, TEXT, 'well-formed')
                s.close()
            else:
                s.shut()
            return whole(wire)
        make.__name__, make.__doc__ = 'rule_' + function.__name__, what
        return capture(make)
    return wrap


@violation('A client frame without mask.')
def unmasked_client(s):
    s.say(C2S, TEXT, 'unmasked', mask=False, violation='not masked')


@violation('A server frame with mask.')
def masked_server(s):
    s.say(S2C, TEXT, 'masked', mask=b'\x37\xfa\x21\x3d', violation='masked')


@violation('A ping of 126 bytes, and its pong.')
def control_over_125(s):
    s.say(C2S, PING, b'p' * 126, violation='over 125 bytes')
    s.say(S2C, PONG, b'p' * 126, violation='over 125 bytes')


@violation('A ping without FIN.')
def control_fragmented(s):
    s.frame(C2S, PING, 'pi', fin=False, violation='control frame without FIN')
    s.message(C2S, PING, 'pi')


@violation('RSV1, RSV2, RSV3 and all of them, no extension agreed.')
def rsv(s):
    for bits in (4, 2, 1, 7):
        s.frame(C2S, TEXT, f'rsv {bits:03b}', rsv=bits, violation='reserved bits')
        s.message(C2S, TEXT, f'rsv {bits:03b}')


@violation('Text that is not UTF-8: bytes that never occur, a character cut short, a surrogate.')
def invalid_utf8(s):
    for text in (b'\xff\xfe', b'cut \xc3', b'\xed\xa0\x80'):
        s.say(C2S, TEXT, text, violation='not UTF-8')
    s.say(S2C, TEXT, b'caf\xc3\xa9', cuts=(4,))  # a character in two fragments is fine


@violation('Lengths in a longer form than they need.')
def length_not_minimal(s):
    s.say(C2S, TEXT, 'sixteen bits', form=16, violation='not minimal')
    s.say(S2C, TEXT, 'sixty-four bits', form=64, violation='not minimal')
    s.say(S2C, PING, 'ping', form=16, violation='not minimal')


@violation('A new text begins before the fragmented one has ended.')
def new_text_inside(s):
    s.frame(C2S, TEXT, 'begun, ', fin=False)
    s.fragments[C2S] = []
    s.say(C2S, TEXT, 'interrupted', violation='new message inside a fragmented one')


@violation('A close payload of one byte.')
def close_one_byte(s):
    s.frame(C2S, CLOSE, b'\x03', violation='one byte')
    s.message(C2S, CLOSE, b'\x03')
    s.frame(S2C, CLOSE, b'\x03\xea')
    s.message(S2C, CLOSE, b'\x03\xea')
    return True


@violation('Close codes that must not be sent: 999, 1005, 1006, on three connections.')
def close_codes(s):
    s.close(1005, 'no status', shut=False)
    for i, code in ((2, 999), (3, 1006)):
        t = Session(s.wire, client=('10.1.0.1', 50000 + i), seed=i).handshake()
        t.close(code, 'not allowed')
    return True


@violation('Text, ping and a second close after the close.')
def data_after_close(s):
    for opcode, data in ((CLOSE, b'\x03\xe8bye'), (TEXT, 'one more thing'), (PING, 'still there'),
                         (CLOSE, b'\x03\xe8bye')):
        s.frame(C2S, opcode, data)
        s.message(C2S, opcode, data)
    s.frame(S2C, CLOSE, b'\x03\xe8bye')
    s.message(S2C, CLOSE, b'\x03\xe8bye')
    return True


@violation('An accept value that does not belong to the key.', accept=b's3pPLMBiTxaQ9kYGzzhZRbK+xOo=')
def accept_wrong(s):
    s.say(C2S, TEXT, 'went on regardless')


# -- output ----------------------------------------------------------------------------------

@capture
def commas():
    """Four messages in one packet, with commas in them."""
    wire, s = one()
    s.hold(S2C)
    for text in ('a,b', 'c', '{"x":1,"y":[2,3]}', ','):
        s.say(S2C, TEXT, text)
    s.release(S2C)
    s.close()
    return whole(wire)


@capture
def bomb():
    """512 MiB of zeros in half a megabyte, then a small text in the same context."""
    wire, s = one('/', DEFLATE, mss=8960)
    z, size = Deflater(), 512 << 20
    chunk, digest, body = bytes(1 << 20), hashlib.sha256(), []
    for _ in range(size // len(chunk)):
        digest.update(chunk)
        body.append(z.stream.compress(chunk))
    body.append(z.stream.flush(zlib.Z_SYNC_FLUSH)[:-4])
    s.frame(S2C, BINARY, b''.join(body), rsv=4)
    s.message(S2C, BINARY, b'', compressed=True)
    s.truth[-1] |= {'length': size, 'sha256': digest.hexdigest()}
    s.say(S2C, TEXT, 'after the bomb', z)
    s.close()
    return compact(wire)


@capture
def hostile_bytes():
    """Payloads, a request target, a header and a reason that would speak to a terminal."""
    wire = Wire()
    s = Session(wire).handshake('/\x1b[31mred', more='X-Note: \x1b]0;owned\x07\r\n'
                                'Origin: http://\x1b[2Jexample.com\r\nUser-Agent: \udc9b31m\u202etxt\r\n')
    for text in ('\x1b[2J\x1b[Hcleared', '\x1b]0;new title\x07', 'over\rwritten\b\b\b', 'two\nlines\tand a tab',
                 'C1: \x9b31m, DEL: \x7f, NUL: \0', 'bidi: \u202eevil\u202c, zero width: a\u200bb',
                 'quotes: " and \\ and \\x1b'):
        s.say(S2C, TEXT, text)
    s.say(C2S, BINARY, b'\x1b]52;c;ZXZpbA==\x07\x9b\xff')
    s.say(C2S, PING, b'\x1b[5n')
    s.close(1000, '\x1b[8mhidden\x1b[0m')
    return whole(wire)


# -- files libpcap refuses, or reads without their blocks --------------------------------------

def talk():
    wire, s = one()
    s.say(C2S, TEXT, 'a message long enough to be cut by a short snap length, if it were one')
    s.say(S2C, TEXT, 'and its answer')
    s.close()
    return wire


def cooked(p):
    """LINKTYPE_LINUX_SLL2: protocol, reserved, interface, ARPHRD, packet type, address."""
    return b'\x08\0' + struct.pack('>HIHBB', 0, 2, 1, 4 if p.way == C2S else 0, 6) + b'\x02' + bytes(7) + p.ip()


@capture
def ng_two_links():
    """Two interfaces with two link types, every packet on both: what `dumpcap -i eth0 -i any` writes."""
    wire = talk()
    out = SECTION + interface(1, 262144, 'eth0') + interface(276, 262144, 'any')
    for p in wire.packets:
        out += enhanced(0, p.when, p.ethernet()) + enhanced(1, p.when + 2, cooked(p))
    return {'.pcapng': out}, wire.truth()


@capture
def ng_two_snaplens():
    """Two interfaces, one link type, two snap lengths: each direction came by its own."""
    wire = talk()
    out = SECTION + interface(1, 65535, 'eth0') + interface(1, 262144, 'eth1')
    for p in wire.packets:
        out += enhanced(p.way == S2C, p.when, p.ethernet())
    return {'.pcapng': out}, wire.truth()


@capture
def ng_caplen_over_snaplen():
    """Packets longer than the interface says they can be."""
    wire = talk()
    out = SECTION + interface(1, 96)
    for p in wire.packets:
        out += enhanced(0, p.when, p.ethernet())
    return {'.pcapng': out}, wire.truth()


@capture
def ng_two_raw():
    """Two interfaces without link layer."""
    wire = talk()
    out = SECTION + interface(101, 262144, 'tun0') + interface(101, 262144, 'tun1')
    for p in wire.packets:
        out += enhanced(p.way == S2C, p.when, p.ip())
    return {'.pcapng': out}, wire.truth()


@capture
def ng_gzip():
    """pcapng, gzip."""
    wire = talk()
    out = SECTION + interface(1, 262144) + b''.join(enhanced(0, p.when, p.ethernet()) for p in wire.packets)
    return {'.pcapng.gz': squeeze(out)}, wire.truth()


@capture
def ng_secrets_comments():
    """A decryption secrets block, and comments on the section, an interface and packets."""
    wire = talk()
    keys = b'CLIENT_RANDOM ' + b'5a' * 32 + b' ' + b'a5' * 48 + b'\n'
    out = block(0x0A0D0D0A, struct.pack('<IHHq', 0x1A2B3C4D, 1, 0, -1) +
                option(1, b'recorded at the desk, not in the field') + option(0, b''))
    out += block(1, struct.pack('<HHI', 1, 0, 262144) + option(1, b'the interface') + option(0, b''))
    out += block(10, struct.pack('<II', 0x544c534b, len(keys)) + keys)
    for i, p in enumerate(wire.packets):
        note = option(1, f'packet {i + 1}: look here'.encode()) + option(0, b'') if p.payload else b''
        out += enhanced(0, p.when, p.ethernet(), options=note)
    return {'.pcapng': out}, wire.truth()


@capture
def ng_big_block():
    """A custom block of 17 MiB before the packets."""
    wire = talk()
    out = SECTION + block(0x0BAD, struct.pack('<I', 32473) + bytes(17 << 20)) + interface(1, 262144)
    out += b''.join(enhanced(0, p.when, p.ethernet()) for p in wire.packets)
    return {'.pcapng.gz': squeeze(out)}, wire.truth()


# -- for the golden timelines alone -------------------------------------------------------------

@capture
def split():
    """One connection in two files: Ethernet, and from the middle of a frame on gzip without link layer."""
    wire, s = one()
    s.say(C2S, TEXT, 'whole in the first file')
    s.say(S2C, TEXT, 'begun in the first file, finished in the second', mss=30)
    s.say(C2S, TEXT, 'whole in the second file')
    s.close()
    cut = wire.packets.index(segments(s, S2C)[1])
    return {'_1.pcap': classic(wire.packets[:cut]),
            '_2.pcap.gz': squeeze(classic(wire.packets[cut:], link=101))}, wire.truth()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--into', default=os.path.join(os.path.dirname(os.path.abspath(__file__)), '../peers'))
    parser.add_argument('names', nargs='*')
    options = parser.parse_args()
    os.makedirs(os.path.join(options.into, 'truth'), exist_ok=True)
    for name in options.names or captures:
        files, truth = captures[name]()
        for suffix, data in files.items():
            with open(os.path.join(options.into, name + suffix), 'wb') as file:
                file.write(data)
            print(f'{len(data):8} {name}{suffix}')
        with open(os.path.join(options.into, 'truth', name + '.ndjson'), 'w', encoding='utf-8') as file:
            file.write(ndjson(truth))


if __name__ == '__main__':
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recordings sent again through a proxy: HTTP CONNECT and SOCKS 5, that do their work, refuse it, and mean harm."""
import base64
import os
import socket
import struct
import subprocess
import sys
import threading

sys.path[:0] = [os.path.dirname(os.path.abspath(__file__)),
                os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "tool")]
from servers import Gone, Server, certificate, echo, slowly  # noqa: E402
from toolcheck import BASIC, check, directory, done, environment, refused, run  # noqa: E402


def carry(peer, to):
    """Bytes both ways, until one side ends."""
    other = socket.create_connection(to)

    def back():
        try:
            while True:
                data = other.recv(65536)
                if not data:
                    break
                peer.write(data)
            peer.sock.shutdown(socket.SHUT_WR)
        except (OSError, Gone):
            pass
    thread = threading.Thread(target=back, daemon=True)
    thread.start()
    try:
        while True:
            if peer.buffer:
                other.sendall(peer.buffer)
                peer.buffer = b""
            peer.more()
    except (Gone, OSError):
        try:
            other.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    thread.join(30)
    other.close()


def http(heads, to, answer=b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n", bytewise=False):
    def handler(peer):
        heads.append(peer.request())
        slowly(peer, answer) if bytewise else peer.write(answer)
        if b" 200 " in answer:
            carry(peer, to)
    return handler


def socks(asked, to, login=None, reply=0, bound=b"\1\x7f\0\0\1\0\1", bytewise=False):
    def handler(peer):
        write = (lambda data: slowly(peer, data)) if bytewise else peer.write
        version, n = peer.take(2)
        methods = peer.take(n)
        assert version == 5 and 0 in methods
        if login and 2 not in methods:
            return write(b"\5\xff")
        write(b"\5" + (b"\2" if login else b"\0"))
        if login:
            assert peer.take(1) == b"\1"
            given = tuple(peer.take(peer.take(1)[0]).decode() for _ in range(2))
            write(b"\1" + (b"\0" if given == login else b"\1"))
        version, command, _, sort = peer.take(4)
        address = peer.take({1: 4, 4: 16}.get(sort) or peer.take(1)[0])
        asked.append((version, command, sort, address, struct.unpack(">H", peer.take(2))[0]))
        write(b"\5" + bytes([reply]) + b"\0" + bound)
        if reply == 0:
            carry(peer, to)
    return handler


def through(proxy, target, *more, scheme="http", login="", **kw):
    return run("replay", "--json", *more, "--proxy", f"{scheme}://{login}127.0.0.1:{proxy.port}", BASIC, target, **kw)


def all_said(result):
    """An echo server says as much as the recording's."""
    return result.status == 0 and result.err == b"" and len(result.events("message")) == 20 and result.events("handshake")[0]["status"] == 101


with directory() as tmp, Server(echo) as server:
    to = ("127.0.0.1", server.port)
    there = f"ws://127.0.0.1:{server.port}"

    # -- HTTP --------------------------------------------------------------------------------------
    for bytewise in (False, True):
        heads = []
        with Server(http(heads, to, bytewise=bytewise)) as proxy:
            result = through(proxy, there)
        check(f"CONNECT, {bytewise}", all_said(result), result)
        check("... names the server", heads == [b"CONNECT 127.0.0.1:%d HTTP/1.1\r\nHost: 127.0.0.1:%d" % (to[1], to[1])], heads)
        check("... and the packets have the proxy's address", result.events("handshake")[0]["server_port"] == proxy.port, result)
    check("the server is asked as without one", server.heads[-1].startswith(b"GET ") and b"Host: 127.0.0.1:%d\r\n" % to[1] in server.heads[-1]
          and b"roxy" not in server.heads[-1], server.heads[-1])
    heads = []
    with Server(http(heads, to)) as proxy:
        check("a name that only the proxy knows", all_said(through(proxy, f"ws://inside.invalid:{to[1]}")))
        check("... is asked for", heads[-1].startswith(b"CONNECT inside.invalid:%d HTTP/1.1\r\n" % to[1]), heads)
        check("an IPv6 address", all_said(through(proxy, "ws://[2001:db8::1]")))
        check("... in brackets", heads[-1].startswith(b"CONNECT [2001:db8::1]:80 HTTP/1.1\r\nHost: [2001:db8::1]:80"), heads)
        check("with a name and password", all_said(through(proxy, there, login="me:p%40ss:w%25@")))
        check("... RFC 7617", heads[-1].split(b"\r\n")[2:] == [b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss:w%")], heads)
        check("with a name alone", all_said(through(proxy, there, login="me@")) and heads[-1].endswith(b" " + base64.b64encode(b"me:")), heads)
        result = through(proxy, there, "--no-sandbox")
        check("in no sandbox", result.status == 0 and len(result.events("message")) == 20, result)
        made = certificate(tmp, subprocess.run)
        if made:
            with Server(echo, tls=made[1]) as secure:
                to = ("127.0.0.1", secure.port)
                with Server(http(heads, to)) as other:
                    result = through(other, f"wss://localhost:{secure.port}", env=environment(SSL_CERT_FILE=made[0]))
                    check("wss through it", all_said(result), result)
                    result = through(other, f"wss://elsewhere:{secure.port}", env=environment(SSL_CERT_FILE=made[0]))
                    check("... and the certificate is the server's, not the proxy's", result.status == 2 and "hostname mismatch" in result.says, result)
                to = ("127.0.0.1", server.port)
    for answer, words in ((b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 3\r\n\r\nno\n", "the proxy answered 407 Proxy Authentication Required, not 200"),
                          (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "the proxy answered 101 Switching Protocols, not 200"),
                          (b"HTTP/1.0 502 \x1b[31mBad\r\n\r\n", "the proxy answered 502 \\x1b[31mBad, not 200"), (b"SSH-2.0-x\r\n\r\n", "does not speak HTTP"),
                          (b"HTTP/1.1\r\n\r\n", "does not speak HTTP"), (b"HTTP/1.1 200 OK\r\nA: b", "the proxy ended the connection"), (b"", "the proxy ended the connection"),
                          (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 9000, "a head that has no end")):
        with Server(lambda peer, answer=answer: (peer.request(), peer.write(answer))) as proxy:
            result = through(proxy, there)
            check(f"{answer[:40]}", result.status == 2 and words in result.says and result.says.count("\n") == 1, result)
    quiet = threading.Event()
    with Server(lambda peer: (peer.request(), quiet.wait(20))) as proxy:
        result = through(proxy, there, "--timeout", "0.3")
        check("silence", result.status == 2 and "the proxy does not answer" in result.says, result)
        quiet.set()
        gone = proxy
    with Server(lambda peer: (peer.request(), slowly(peer, b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 99, 0.02))) as proxy:
        result = through(proxy, there, "--timeout", "0.3")
        check("slow bytes", result.status == 2 and "the proxy does not go on with its answer" in result.says, result)
    with Server(lambda peer: (peer.request(), peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)), peer.sock.close())) as proxy:
        result = through(proxy, there)
        check("a reset", result.status == 2 and "the proxy reset the connection" in result.says, result)
    with Server(http([], to, answer=b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")) as proxy:
        check("what comes before the answer is none", all_said(through(proxy, there)))
    result = through(gone, there)
    check("nobody there", result.status == 2 and f"the proxy's port {gone.port}: Connection refused" in result.says, result)

    # -- SOCKS 5 -----------------------------------------------------------------------------------
    for bytewise in (False, True):
        for bound in (b"\1\x7f\0\0\1\0\1", b"\4" + b"\0" * 18, b"\3\5local\0\1"):
            asked = []
            with Server(socks(asked, to, bytewise=bytewise, bound=bound)) as proxy:
                check(f"SOCKS, {bytewise}, {bound[:1]}", all_said(through(proxy, there, scheme="socks5")))
            check("... was asked for the address", asked == [(5, 1, 1, b"\x7f\0\0\1", to[1])], asked)
    asked = []
    with Server(socks(asked, to)) as proxy:
        for host, sort, bytes_ in (("inside.invalid", 3, b"inside.invalid"), ("[2001:db8::1]", 4, socket.inet_pton(socket.AF_INET6, "2001:db8::1"))):
            check(f"{host}", all_said(through(proxy, f"ws://{host}", scheme="socks5h")) and asked[-1] == (5, 1, sort, bytes_, 80), asked)
        check("a login that nobody asks for", all_said(through(proxy, there, scheme="socks5", login="a:b@")))
    with Server(socks([], to, login=("me", "p@ss"))) as proxy:
        check("with a name and password", all_said(through(proxy, there, scheme="socks5", login="me:p%40ss@")))
        result = through(proxy, there, scheme="socks5", login="me:no@")
        check("... wrong", result.status == 2 and "does not take this name and password" in result.says and "no@" not in result.says, result)
        result = through(proxy, there, scheme="socks5")
        check("... none", result.status == 2 and "wants a login" in result.says, result)
    for reply, words in ((2, "does not allow"), (5, "was refused by the server"), (99, "has failed")):
        with Server(socks([], to, reply=reply)) as proxy:
            result = through(proxy, there, scheme="socks5")
            check(f"reply {reply}", result.status == 2 and words in result.says, result)
    for answer, words in ((b"\4\0", "does not speak SOCKS 5"), (b"HTTP/1.1 400 Bad\r\n\r\n", "does not speak SOCKS 5"), (b"\5", "ended the connection"),
                          (b"\5\0\5\0\0\7\0\0\0", "what is no SOCKS 5"), (b"\5\0\4\0\0\1\0\0\0\0\0\0", "what is no SOCKS 5")):
        with Server(lambda peer, answer=answer: (peer.take(3), peer.write(answer))) as proxy:
            result = through(proxy, there, scheme="socks5")
            check(f"{answer}", result.status == 2 and words in result.says, result)

    # -- what is none ------------------------------------------------------------------------------
    for text, words in (("127.0.0.1:3128", "begins with http:// or socks5://"), ("https://h:1", "begins with"), ("http://", "names no host"), ("http://h:0", "no such port"),
                        ("http://h:x", "no number"), ("http://h:1/x", "behind its port"), ("http://a%zz@h:1", "name and password"), ("http://a%@h:1", "name and password"),
                        ("http://:x@h:1", "name and password"), ("http://a%00@h:1", "name and password"), (f"http://{'a' * 256}@h:1", "name and password"), ("http://::1:80", "brackets"),
                        ("http://me:%zz?@h:1", "percent-encoded"), ("http://m%3ae:%zz@h:1", "name and password"), ("http://m%3ae:x@h:1", "a colon")):
        result = run("replay", "--proxy", text, BASIC, there)
        refused(text[:40], result, words)
        check("... and no password is said", "%zz" not in result.says, result)

done()

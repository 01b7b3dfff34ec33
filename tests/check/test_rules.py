#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Rules: each is kept by one number and broken by the next; a syntax error is told with its place."""
import json
import os
import re
import sys
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from party import BINARY, C2S, CLOSE, PING, PONG, S2C, TEXT, Session, Wire, classic  # noqa: E402
from toolcheck import CAPTURES, check, directory, done, processor_time, refused, run  # noqa: E402

MS = 1000


class Talk:
    """A session whose times are known: each call says when it happens, in ms after the handshake."""

    def __init__(self, wire, path="/chat?x=1", port=50001, **how):
        self.wire = wire
        self.s = Session(wire, client=("10.1.0.1", port)).handshake(path, **how)
        self.zero = wire.now - wire.step  # the response; its ACK is behind it

    def at(self, ms, way, op, data):
        self.wire.now = self.zero + ms * MS - self.wire.step
        if op in (TEXT, BINARY):
            self.s.say(way, op, data)
        else:
            self.s.frame(way, op, data)
        return self


def make(path):
    wire = Wire(1)
    t = Talk(wire)
    t.at(100, S2C, TEXT, '{"type":"welcome","n":12345678901234567890,"f":1.50,"list":[1,2,{"deep":null}],"on":true,"é":"ü"}')
    t.at(200, C2S, TEXT, '{"type":"ask","id":7}')
    t.at(300, C2S, TEXT, '{"type":"ask","id":8}')
    t.at(600, S2C, TEXT, '{"type":"answer","id":8}')
    t.at(900, S2C, TEXT, '{"type":"answer","id":7}')
    t.at(1000, S2C, PING, "a")
    t.at(1001, S2C, PING, "b")
    t.at(1051, C2S, PONG, "b")
    t.at(1100, C2S, TEXT, "plain /slash/ \"quote\"\nline two")
    t.at(1200, C2S, BINARY, b"\x00\x01welcome\xff")
    t.at(1300, C2S, TEXT, '{"type":"ask","id":9}')
    t.at(3300, S2C, TEXT, "late")
    t.at(3400, C2S, PING, "unanswered")
    t.at(4000, C2S, CLOSE, b"\x03\xe9going")
    t.at(4001, S2C, CLOSE, b"\x03\xe8")
    t.s.shut()
    with open(path, "wb") as file:
        file.write(classic(wire.packets))
    return path


def spoken(tmp):
    """What messages say in their application's protocol: MQTT 3.1.1 as OASIS writes it, in bytes that JSON rules cannot read."""
    wire = Wire(1)
    t = Talk(wire, "/mqtt")
    t.at(100, C2S, BINARY, b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c")
    t.at(150, S2C, BINARY, b"\x20\2\0\0")
    t.at(200, C2S, BINARY, b"\x82\x08\0\1\0\3a/b\0")
    t.at(900, S2C, BINARY, b"\x90\3\0\1\x80")
    t.at(950, S2C, BINARY, b"\x30\x07\0\3a/bhi" + b"\x30\x07\0\3a/cho")
    t.at(1000, C2S, CLOSE, b"\x03\xe8")
    t.at(1001, S2C, CLOSE, b"\x03\xe8")
    t.s.shut()
    capture = os.path.join(tmp, "mqtt.pcap")
    with open(capture, "wb") as file:
        file.write(classic(wire.packets))
    for rule in ('message c2s app $.packets[0].name == "CONNECT" then message s2c app $.packets[0].name == "CONNACK" within 50ms',
                 'messages app $.protocol == "mqtt" == 5', 'messages app $.packets[*].name == "PUBLISH" == 1', 'message app $.packets[*].error == true',
                 'message s2c app $.packets[*].fields.topic == "a/c" and app $.packets[*].text == "hi"', 'no message c2s app $.packets[*].error == true',
                 'message app $.packets[*].after >= 0.7 within 1s', 'no message app $.packets[*].after > 0.7', 'no message json $.protocol',
                 'message s2c binary app $..topic ~ /^a/ within 2s'):
        result = run("check", capture, rules(tmp, rule + "\n"))
        check(f"{rule}: kept", result.status == 0 and result.err == b"", result)
    for rule, words in (('no message app $.packets[*].error == true', "there is one"), ('message c2s app $.packets[*].name == "PUBLISH"', "no such"),
                        ('message app $.packets[*].after > 0.8', "no such"), ('messages app $.packets[*].name == "PUBLISH" == 2', "there is one, ")):
        result = run("check", capture, rules(tmp, rule + "\n"))
        check(f"{rule}: broken", result.status == 1 and (words in result.text or words == "there is one, "), result)
    plain = os.path.join(tmp, "talk.pcap")
    result = run("check", plain, rules(tmp, "no message json $.x\nno message app $\nno message app $.protocol\n"))
    check("of no known protocol there is nothing, and that is said", result.status == 0 and b"hint: no known protocol" in result.err and b":2 is" in result.err, result)
    result = run("check", capture, rules(tmp, 'no message c2s app $.packets[*].name == "NONE"\n'))
    check("... where there is one, no hint", result.status == 0 and result.err == b"", result)
    with open(capture, "rb") as file:
        whole = file.read()
    with open(capture, "wb") as file:
        file.write(whole[:-60])
    result = run("check", capture, rules(tmp, 'no message app $.packets[*].name == "PINGREQ"\n'))
    check("what a capture lacks has no verdict here, either", result.status == 2, result)


def too_much(tmp):
    """Messages of which not all can be read: what may be in the rest is not guessed; what was read is so whatever the rest says."""
    def talk(name, path, *rows):
        wire = Wire(1)
        t = Talk(wire, path)
        for at, (way, op, data) in enumerate(rows, 1):
            t.at(at * 100, way, op, data)
        t.at(10000, C2S, CLOSE, b"\x03\xe8")
        t.at(10001, S2C, CLOSE, b"\x03\xe8")
        t.s.shut()
        capture = os.path.join(tmp, name)
        with open(capture, "wb") as file:
            file.write(classic(wire.packets))
        return capture

    def judged(capture, *rows):
        for rule, status in rows:
            result = run("check", capture, rules(tmp, rule + "\n"))
            check(f"{os.path.basename(capture)}: {rule}: {status}", result.status == status
                  and (status != 2 or b"could not be read in full" in result.err), result)

    def asks(n, data):
        return C2S, TEXT, '{"jsonrpc":"2.0","id":%d,"method":"m","params":%s}' % (n, data)

    def nest(depth):
        return "[" * depth + "]" * depth
    # read by the protocol, but what it carries nests too deep in what is printed of it
    judged(talk("deep.pcap", "/rpc", asks(1, "[]"), asks(2, nest(126))),
           ("message app $.packets[*].fields.id == 1", 0), ("no message app $.packets[*].fields.id == 2", 2), ("message app $.packets[*].fields.id == 2", 2),
           ("messages app $.packets[*].fields.id > 0 == 2", 2), ("no message app $.packets[*].fields.id == 1", 1), ("message json $.id == 2", 0),
           ("no message json $.error", 0))
    # too deep, or too many values, for the protocol and as JSON
    for name, data in (("deeper.pcap", nest(200)), ("many.pcap", "[%s]" % ",".join("0" * (1 << 20)))):
        judged(talk(name, "/rpc", asks(1, "[]"), asks(2, data)),
               ("message app $.packets[*].fields.id == 1", 0), ("no message app $.packets[*].fields.id == 2", 2), ("no message json $.id == 2", 2),
               ("message json $.id == 1", 0), ("message json $.id == 2", 2), ('messages json $.jsonrpc == "2.0" == 1', 2), ('messages json $.jsonrpc == "2.0" >= 1', 0),
               ("no message app $.packets[*].fields.id == 1", 1), ("reply within 1s", 2), ("messages == 2", 0))
    judged(talk("answer.pcap", "/rpc", asks(1, "[]"), (S2C, TEXT, '{"jsonrpc":"2.0","id":1,"result":%s}' % nest(200))), ("reply within 9s", 2))
    # of a packet over several messages a part is kept; of one with very many packets the first ones
    body = b"\0\3a/b" + b"x" * (3 << 20) + b"secret"
    packet = b"\x30" + b"\x8b\x80\xc0\x01" + body
    assert len(body) == 11 | 3 << 20
    connect = [(C2S, BINARY, b"\x10\x0d\0\4MQTT\4\2\0\x3c\0\1c"), (S2C, BINARY, b"\x20\2\0\0")]
    judged(talk("large.pcap", "/mqtt", *connect, *((S2C, BINARY, packet[at:at + (1 << 19)]) for at in range(0, len(packet), 1 << 19))),
           ("no message app $.packets[*].text ~ /secret/", 2), ("message app $.packets[*].text ~ /secret$/", 2), ("message app $.packets[*].text ~ /^xx/", 0),
           ('message app $.packets[*].name == "PUBLISH"', 0), ('message app $.packets[*].fields.topic == "a/b"', 0), ('no message app $.packets[*].name == "PUBLISH"', 1),
           ('message c2s app $.packets[*].name == "CONNECT"', 0), ('no message c2s app $.packets[*].name == "PINGREQ"', 0))
    judged(talk("row.pcap", "/mqtt", *connect, (C2S, BINARY, b"\xc0\0" * 300 + b"\xe0\0")),
           ('message app $.packets[*].name == "PINGREQ"', 0), ('message app $.packets[-1].name == "PINGREQ"', 2), ('message app $.packets[*].name == "DISCONNECT"', 2),
           ('no message app $.packets[*].name == "DISCONNECT"', 2), ('no message app $.packets[*].name == "PINGREQ"', 1),
           ('message app $.packets[200].name ~ /^PING/', 0), ('message c2s app $.packets[*].name != "DISCONNECT"', 0))
    # of a packet's values some find no room
    subscribe = b"\0\1" + (b"\xf0\0" + b"t" * 0xf000 + b"\0") * 2
    assert len(subscribe) == 122888
    judged(talk("filters.pcap", "/mqtt", *connect, (C2S, BINARY, b"\x82\x88\xc0\7" + subscribe)),
           ('message app $.packets[*].name == "SUBSCRIBE"', 0), ("no message app $..filters ~ /secret/", 2), ("message app $..filters ~ /t/", 2))
    cable = r'{"command":"message","identifier":"{\"channel\":\"C\"}","data":"{\"action\":\"secret\",\"x\":\"%s\"}"}'
    for size, status in ((100, 1), (100000, 2)):
        judged(talk("cable.pcap", "/cable", (S2C, TEXT, '{"type":"welcome"}'), (C2S, TEXT, cable % ("x" * size))),
               ('message app $.packets[*].name == "message"', 0), ("no message app $..action", status), ('no message app $..action == "secret"', status))
    # what is no MQTT leaves open where the next packet begins
    judged(talk("astray.pcap", "/mqtt", *connect, (S2C, BINARY, b"\xff\xff\xff\xff\xff"), (S2C, BINARY, b"\x90\3\0\1\x80")),
           ("no message app $.packets[*].error == true", 2), ("no message c2s app $.packets[*].error == true", 0))


def numbered(tmp):
    """Who asks and who answers, JSON-RPC and Socket.IO say by numbers; each side and each namespace counts for itself."""
    def talk(*rows):
        wire = Wire(1)
        t = Talk(wire)
        for ms, way, data in rows:
            t.at(ms, way, BINARY if isinstance(data, bytes) else TEXT, data)
        t.s.shut()
        path = os.path.join(tmp, "numbered.pcap")
        with open(path, "wb") as file:
            file.write(classic(wire.packets))
        return path

    rpc = [(100, C2S, '{"jsonrpc":"2.0","id":1,"method":"a"}'), (150, S2C, '{"jsonrpc":"2.0","id":1,"method":"b"}'),
           (200, S2C, '{"id":1,"jsonrpc":"2.0","result":[]}'), (350, C2S, '{"jsonrpc":"2.0","id":1,"error":{"code":1}}'), (360, C2S, '{"jsonrpc":"2.0","method":"told"}')]
    io = [(100, C2S, '420["a"]'), (110, C2S, '42/x,0["a"]'), (120, S2C, '451-0["b",{"_placeholder":true,"num":0}]'), (121, S2C, b"12"), (130, C2S, '42["told"]'),
          (200, S2C, '43/x,0[]'), (300, S2C, '430[]'), (320, C2S, '430[]')]
    end = [(2000, C2S, "the end")]
    for name, rows, text, words in [
            ("JSON-RPC", rpc, "reply within 201ms", None), ("... late", rpc, "reply within 199ms", "the answer to 1 came after 200.000 ms"),
            ("... one is missing", rpc[:3] + end, "reply within 1s", "1 message was not answered"), ("... both", rpc[:2] + end, "reply within 1s", "2 messages were not answered"),
            ("... time was too short", rpc[:2] + end, "reply within 2s", None), ("... an answer alone", rpc[2:4] + end, "reply within 1s", "no message asks"),
            ("... nobody asks", rpc[4:], "reply within 1s", "no message asks"), ("... an answer before", [rpc[2], rpc[0]] + end, "reply within 1s", "1 message was not answered"),
            ("Socket.IO", io, "reply within 201ms", None), ("... late", io, "reply within 199ms", "the answer to 0 came after 200.000 ms"),
            ("... its namespace", io[:5] + io[6:] + end, "reply within 1s", "1 message was not answered"), ("... the server's", io[:7] + end, "reply within 1s", "1 message was not answered"),
            ("... nobody asks", [io[4]] + end, "reply within 1s", "no message asks")]:
        result = run("check", talk(*sorted(rows, key=lambda row: row[0]) if name != "... an answer before" else [(50, *rows[0][1:])] + rows[1:]), rules(tmp, text))
        check(f"numbers: {name}", (result.status == 1 and words in result.text and ": 1 failure" in result.text) if words else (result.status, result.text.count("keeps")) == (0, 1), result)


def undecided_reports(tmp, late):
    """Rules without a verdict are in every report, with their lines; beside broken ones, too."""
    for broken in (False, True):
        path = {kind: os.path.join(tmp, f"u.{kind}") for kind in ("junit", "tap", "github", "json")}
        text = rules(tmp, "no deflate\nno subprotocol\nstatus == 101" + "\nmessages c2s < 2" * broken)
        result = run("check", *[w for kind in path for w in ("--report", f"{kind}={path[kind]}")], late, text)
        check("the exit status", result.status == (1 if broken else 2) and result.err.count(b"cannot be decided") == 3, result)
        one = json.load(open(path["json"]))["cases"][0]
        check("json: undecided", [u["line"] for u in one["undecided"]] == [1, 2, 3] and {u["conn"] for u in one["undecided"]} == {1}
              and all(u["what"] == "the handshake of connection #1 is not in the capture" for u in one["undecided"])
              and len(one["differences"]) == broken and one["status"] == ("different" if broken else "trouble"), one)
        case = xml.parse(path["junit"]).find(".//failure" if broken else ".//error")
        check("junit: undecided", case.text.count("cannot be decided: the handshake") == 3 and "x.rules:3" in case.text
              and (broken or "x.rules:1: cannot be decided" in case.get("message")), case.text)
        tap = open(path["tap"]).read()
        check("tap: undecided", tap.count("cannot be decided: the handshake") == 3 and tap.count("x.rules:") == 3 + broken
              and all(line.startswith(("TAP", "not ok 1", "#", "1..1")) for line in tap.splitlines()), tap)
        lines = open(path["github"]).read().splitlines()
        check("github: undecided", [re.search(r"x\.rules,line=(\d)", line).group(1) for line in lines] == (["4", "1", "2", "3"] if broken else ["1", "2", "3"])
              and sum("cannot be decided: the handshake" in line for line in lines) == 3, lines)
    cut = os.path.join(tmp, "cut-late.pcap")
    with open(late, "rb") as whole, open(cut, "wb") as file:
        file.write(whole.read()[:-10])
    result = run("check", "--report", "tap", cut, rules(tmp, "no deflate\nstatus == 101"))
    check("a capture that is cut hides none of them", result.status == 2 and b"truncated" in result.err and b"x.rules:1: cannot" in result.err
          and "truncated" in result.text and result.text.count("cannot be decided") == 2, result)


KEPT = r"""
connections == 1
connections != 0
refused == 0
message
message s2c ~ /"type":"welcome"/ within 100ms of handshake
message s2c ~ /"type":"welcome"/ within 100ms
message text c2s == "plain /slash/ \"quote\"\nline two"
largest < 64KiB
message c2s text == "plain /slash/ \"quote\"\nline two"
message ~ /\/slash\//
message ~ /PLAIN/i
message binary ~ /welcome/
message json $.type == "welcome"
message json $.n == 12345678901234567890
message json $.n ~ /^12345678901234567890$/
message json $.f == 1.5
message json $.f < 1.6 and json $.f > 1.4
message json $.list[2].deep == null
message json $..deep
message json $.list[-1].deep
message json $['list'][*] == 2
message json $.on == true
message json $.on != false
message json $['é'] == "ü"
message json $.type != "ask" and json $.id == 8 and ~ /answer/
message s2c json $.type == "welcome" then message c2s json $.id == 7 within 100ms then message s2c json $.id == 7 within 700ms
message c2s json $.type == "ask" then message s2c json $.id == 7 within 600ms
message c2s json $.type == "ask" then message s2c ~ /^late$/ within 2s
message c2s then message s2c within 3300ms of handshake
no message json $.type == "error"
no message s2c binary
no message s2c ~ /^late$/ within 3299ms
messages == 9
messages c2s == 5
messages c2s text == 4
messages c2s text >= 4
messages c2s text > 3
messages s2c binary == 0
messages json $.type == "ask" == 3
messages ~ /welcome/ == 2
pings == 3
pings c2s == 1
pongs == 1
pongs s2c == 0
closes == 2
bytes c2s binary == 10
bytes < 1K
largest binary <= 10
largest < 1K
status == 101
no subprotocol
no deflate
subprotocol != "x"
request header sec-websocket-version == "13"
request header Sec-WebSocket-Version ~ /^1[0-9]$/
request header Origin != "x"
response header Upgrade
no request header Origin
handshake within 1s
close code 1001
close c2s code 1000, 1001, 1002 reason == "going"
close s2c code 1000
close reason ~ /^go/
no problems
no problems of level warning
no problem frame.unmasked-client, close.reason-invalid-utf8
no gaps
reply $.id within 2702ms
pong within 602ms
duration < 5s
duration >= 4s
silence < 2001ms
silence >= 2s
"""

BROKEN = r"""
connections == 2 | there is 1
refused > 0 | there are 0
message s2c ~ /never/ | there is no such message
message s2c ~ /"type":"welcome"/ within 99ms of handshake | it came too late, after 100.000 ms
message c2s text == "plain" | no such
message ~ /PLAIN/ | no such
message text ~ /\xff/ | no such
message json $.type == "Welcome" | no such
message json $.n == 12345678901234567891.5e9 | no such
message json $.f == "1.5" | no such
message json $.list[3] | no such
message json $.on == "true" | no such
message json $.id == 8 and ~ /ask/ and json $.x | no such
message s2c json $.type == "welcome" then message s2c json $.type == "welcome" | message 2 of the row did not come
message c2s json $.id == 7 then message s2c json $.id == 7 within 699ms | message 2 of the row came too late, after 700.000 ms
message ~ /late/ then message ~ /welcome"/ | message 2 of the row did not come
message c2s ~ /nobody/ then message s2c | message 1 of the row did not come
message json $.on > 0 | no such
message json $.list[2].deep < 1 | no such
message json $.type >= 0 | no such
no message json $.id == 9 | there is one: "{\"type\":\"ask\",\"id\":9}"
no message s2c ~ /answer/ | (and 1 more)
no message s2c ~ /^late$/ within 3300ms | there is one
messages == 10 | there are 9
messages c2s text >= 5 | there are 4
messages c2s < 5 | there are 5
messages binary != 1 | there is 1
pings == 2 | there are 3
pongs == 0 | there is 1
closes > 2 | there are 2
bytes c2s binary == 11 | there are 10
largest binary < 10 | the largest has 10 bytes
status == 200 | it is 101
subprotocol | it is none
subprotocol == "x" | it is none
deflate | it was not agreed on
request header Origin | it is none
request header Sec-WebSocket-Version == "12" | it is "13"
no request header Host | it is "10.1.0.2:8080"
handshake within 1us | it took
close code 1000 | it was 1001 "going"
close s2c code 1001 | it was 1000
close s2c reason ~ /./ | it was 1000
no close | there was one: 1001 "going"
reply $.id within 699ms | 1 message was not answered
pong within 599ms | a ping was not answered
pong within 49ms | not answered
duration < 4s | it was 4.0
silence <= 1999ms | it was 2.000 s
"""

ERRORS = [
    ("foo", 1, "no such rule"),
    ("no foo", 4, "no such rule behind"),
    ("no", 3, "no such rule behind"),
    ("message ~ /a", 11, "no closing /"),
    ("message == \"a", 12, "no closing \""),
    ("message ~ /(/", 11, ""),
    ("message ~ /(a)\\1/", 11, "back references"),
    ("message ~ /((((a{99}){99}){99}){99})/", 11, "too many repetitions"),
    ("message ~ /a{,1000}{,1000}b/", 11, "too many repetitions"),
    ("message ~ a", 11, "an expression was expected"),
    ("message == 3", 13, "json $.path"),
    ("message == \"a\\x\"", 12, "are escapes here"),
    ("message = \"a\"", 9, "== was expected"),
    ("message json", 13, "a path was expected"),
    ("message app", 12, "a path was expected, such as $.packets[*].name"),
    ("message app $.a >", 18, "a value was expected"),
    ("message ap $.a", 9, "did you mean \"app\"?"),
    ("reply", 6, "a path was expected"),
    ("reply within", 13, "a time"),
    ("message json $.a.", 18, "a name, * or ["),
    ("message json $.a[?@.b]", 18, "filters"),
    ("message json $.a >", 19, "a value was expected"),
    ("message json $.a > \"b\"", 23, "== and !="),
    ("message json $.a == \"x\" foo", 25, "complete before this"),
    ("message within 2", 16, "a time was expected"),
    ("message within 2s of start", 22, "\"handshake\""),
    ("message then foo", 14, "\"message\""),
    ("message" + " then message" * 16, 216, "more than 16 messages"),
    ("message ~ /a/" + " and ~ /a/" * 8, 89, "more than 8 conditions"),
    ("messages c2s", 13, "==, !=, <"),
    ("messages >= x", 13, "a number was expected"),
    ("messages >= 1.5", 13, "a number was expected"),
    ("messages >= -1", 13, "a number was expected"),
    ("messages >= 99999999999999999999999", 13, "a number was expected"),
    ("bytes < 5X", 9, "a number of bytes"),
    ("close code", 11, "a close code"),
    ("close code 70000", 12, "a close code"),
    ("close code 1000,", 17, "a close code"),
    ("no problem frame.nonsense", 12, "the id of a finding"),
    ("no problems of level fatal", 22, "error, warning or note"),
    ("pong in 1s", 6, "\"within\""),
    ("pong within 1", 13, "a time was expected"),
    ("request Host", 9, "\"header\""),
    ("request header", 15, "the name of a header"),
    ("connection chat", 12, "*, a \"URI\""),
    ("connection \"/a\" b", 17, "complete before this"),
    ("duration < 5", 12, "a time was expected"),
    ("?", 1, "means nothing here"),
    ("\x1b[31mred", 1, "means nothing here"),
    ("x" * 5000, 1, "4096"),
    ("mesages >= 3", 1, "did you mean \"messages\"?"),
    ("Subprotocl", 1, "did you mean \"subprotocol\"?"),
    ("conection *", 1, "did you mean \"connection\"?"),
    ("no mesage", 4, "did you mean \"message\"?"),
    ("no status", 4, "cannot stand behind \"no\""),
    ("problems", 1, "stands only behind \"no\""),
    ("message c2s txet ~ /a/", 13, "did you mean \"text\"?"),
    ("message within 2s fo handshake", 19, "did you mean \"of\"?"),
    ("no problem frame.unmaskd-client", 12, "did you mean \"frame.unmasked-client\"?"),
    ("no problem frame.unmasked", 12, "did you mean \"frame.unmasked-client\"?"),
    ("message text c2s text", 18, "complete before this"),
]


def rules(tmp, text):
    path = os.path.join(tmp, "x.rules")
    with open(path, "wb") as file:
        file.write(text.encode() if isinstance(text, str) else text)
    return path


with directory() as tmp:
    capture = make(os.path.join(tmp, "talk.pcap"))
    kept = KEPT.strip().splitlines()
    result = run("check", capture, rules(tmp, KEPT))
    check("all of the rules that are kept", result.status == 0 and "keeps the rules of" in result.text, result)
    result = run("check", capture, rules(tmp, "".join(f"connection \"/chat\"\n{line}   # why\r\n" for line in kept[3:])))
    check("... by the address, and with the line ends of others", result.status == 0, result)
    for line in BROKEN.strip().splitlines():
        rule, words = line.rsplit(" | ", 1)
        result = run("check", capture, rules(tmp, "# one\n\n  " + rule + "\n"))
        check(f"{rule}: exit status 1", result.status == 1 and result.err == b"" and "1 failure\n" in result.text, result)
        check(f"{rule}: says {words}", rule + ": " in result.text and words in result.text and "x.rules:3" in result.text, result)
        if "connections" not in rule and "refused" not in rule:
            check(f"{rule}: packets to look at", "talk.pcap packet" in result.text, result)
    result = run("check", capture, rules(tmp, "\n".join(line.rsplit(" | ", 1)[0] for line in BROKEN.strip().splitlines())), "--max-differences", "0")
    broken = len(BROKEN.strip().splitlines())
    check("all that are broken", result.status == 1 and f": {broken} failures" in result.text, result)

    for line, column, words in ERRORS:
        result = run("check", capture, rules(tmp, "messages >= 0\n" + line + "\n"))
        refused(repr(line[:40]), result, f"x.rules:2:{column}: ", words)
    refused("no rule", run("check", capture, rules(tmp, "# nothing\n")), "there is no rule in it")
    refused("an empty file", run("check", capture, rules(tmp, "")), "there is no rule in it")
    refused("noise", run("check", capture, rules(tmp, bytes(range(256)) * 40)), "x.rules:1:")
    refused("1001 rules", run("check", capture, rules(tmp, "no gaps\n" * 1001)), "x.rules:1001:1: more than 1000 rules")
    refused("101 parts", run("check", capture, rules(tmp, "connection *\n" * 101)), "x.rules:100:", "more than 100")
    check("1000 rules", run("check", capture, rules(tmp, "no gaps\n" * 1000)).status == 0)
    began = processor_time()
    result = run("check", capture, rules(tmp, "message ~ /" + "(a*)*" * 200 + "b/\n" * 1))
    took = processor_time() - began
    check(f"an expression of stars, {took:.1f} s", result.status in (1, 2) and took < 20, result)

    # expressions find what is no longer than 8 KiB wherever it stands in a long text
    def said(name, payload):
        wire = Wire(1)
        t = Talk(wire)
        t.at(100, C2S, TEXT, payload)
        t.at(900, S2C, TEXT, "\0 id-17 \0")
        t.s.shut()
        with open(os.path.join(tmp, name), "wb") as file:
            file.write(classic(wire.packets))
        return os.path.join(tmp, name)

    def put(filler, *words):
        for place, word in words:
            filler = filler[:place] + word + filler[place + len(word):]
        return filler

    LIMIT = b"longer than 16 KiB"
    long = said("long.pcap", put("x" * 1000000, (16378, "needle"), (24570, "id-18 id-19"), (500000, "q" * 8000 + "password"), (999994, "secret")))
    for text, status, hint in [
            ("no message ~ /password/", 1, False), ("no message ~ /PASSWORD/i", 1, False), ("message ~ /needlex/", 0, False),
            ("no message ~ /nosuchword/", 0, False), ("no message ~ /^needle|needle$|^xneedle/", 0, False), ("message ~ /secret$/", 0, False),
            ("message ~ /[^q]qq+password/", 0, False), ("no message ~ /(ab|c){2,20}d?$/", 0, False), ("message ~ /^xxx/", 0, False),
            ("message ~ /^. id-17 .$/", 0, False), ("no message ~ /q+password/", 1, False), ("no message ~ /needle.*secret/", 2, True),
            ("no message ~ /needle.{3,}secret/", 2, True), ("no message s2c ~ /needle.*secret/", 0, False),
            ("no message ~ /needle.*secret/ and ~ /nosuchword/", 0, True), ("no message ~ /needle.*secret/\nno message ~ /password/", 1, True),
            ("messages ~ /needle.*secret/ == 0", 2, True), ("messages ~ /needle.*secret/ >= 1", 2, True), ("messages ~ /needle.*secret/ >= 0", 0, True)]:
        result = run("check", long, rules(tmp, text))
        check(f"a long text, {text!r}", result.status == status, result)
        check(f"a long text, {text!r}: said what is not certain", (LIMIT in result.err) == hint, result)
        if status == 2:
            check(f"a long text, {text!r}: the rule is named", b"x.rules:1: " in result.err, result)
    began = processor_time()
    result = run("check", said("square.pcap", "x" * 40000), rules(tmp, "no message ~ /x.*needle$/"))
    took = processor_time() - began
    check(f"an expression that takes the square, {took:.1f} s", result.status == 2 and took < 20, result)

    golden = os.path.join(tmp, "long.golden")
    def redacted(expression):
        result = run("snapshot", "--force", "--max-payload", "2M", "--redact", expression + "=ID", long, "-o", golden)
        with open(golden, encoding="utf-8") as file:
            return result, file.read()
    result, text = redacted("needle|id-[0-9]{2}|secret|q{0,9}password")
    check("redacting a long text", result.status == 0 and result.err == b"", result)
    check("... wherever it stands", "x<ID-1>x" in text and "x<ID-2> <ID-3>x" in text and "q<ID-4>x" in text and "x<ID-5>\"" in text
          and "\\u0000 <ID-6> \\u0000" in text, text[-300:])
    check("... and the rest stays", len(re.sub("<ID-.>", "", text.split('"')[1])) == 1000000 - 6 - 5 - 5 - 17 - 6, len(text))
    result, text = redacted("x+|q+")
    check("redacting all of a long text", result.status == 0 and LIMIT in result.err and not re.search("[xq]{2}", text.split('"')[1]), text[:300])
    short = said("short.pcap", "x")
    for pair, hints in [((long, short), b"long.pcap"), ((short, long), b"long.pcap")]:
        result = run("diff", "--redact", "needle.*secret=ID", *pair)
        check("diff says so of either", result.status == 1 and LIMIT in result.err and hints in result.err and result.err.count(LIMIT) == 1, result)

    # what the capture does not have: what was seen decides, the rest is left open
    def lossy(name, drop=(), begin=0, end=None):
        wire = Wire(1)
        t = Talk(wire)
        places = {}
        for ms, way, op, data in [(100, S2C, TEXT, "hello"), (200, C2S, TEXT, "x" * 83), (300, S2C, TEXT, '{"id":1}'), (400, C2S, TEXT, '{"id":1}'),
                                  (500, C2S, PING, "a"), (510, S2C, PONG, "a"), (600, C2S, TEXT, "last"), (700, C2S, CLOSE, b"\x03\xe8"),
                                  (701, S2C, CLOSE, b"\x03\xe8")]:
            places[ms] = len(wire.packets)
            t.at(ms, way, op, data)
        t.s.shut()
        packets = wire.packets[places.get(begin, 0):places[end] if end else None]
        packets = [p for i, p in enumerate(packets) if i not in [places[ms] for ms in drop]]
        with open(os.path.join(tmp, name), "wb") as file:
            file.write(classic(packets))
        return os.path.join(tmp, name)

    whole, lost, late, cut_off = lossy("whole.pcap"), lossy("lost.pcap", drop=(200,)), lossy("late.pcap", begin=300), lossy("off.pcap", end=600)
    LOST, LATE, HEAD, OFF = "89 bytes of connection #1 are missing", "the beginning of connection #1", "the handshake of connection #1", "the end of connection #1"
    table = [
            ("no message ~ /xxx/", 1, LOST, LATE, 1), ("no message c2s ~ /none/", 0, LOST, LATE, 0), ("no message s2c ~ /none/", 0, 0, LATE, 0),
            ("no message ~ /last/", 1, 1, 1, 0), ("message ~ /hello/", 0, 0, LATE, 0), ("message ~ /last/", 0, 0, 0, 1), ("message ~ /none/", 1, LOST, LATE, 1),
            ("message c2s ~ /xxx/ then message s2c ~ /id/", 0, LOST, LATE, 0), ("messages c2s >= 2", 0, 0, 0, 0), ("messages c2s >= 4", 1, LOST, LATE, 1),
            ("messages c2s < 3", 1, LOST, LATE, 0), ("messages c2s < 2", 1, 1, 1, 1), ("messages c2s == 3", 0, LOST, LATE, 1),
            ("messages c2s != 1", 0, 0, 0, 0), ("messages s2c <= 2", 0, 0, LATE, 0), ("largest < 50", 1, LOST, LATE, 1), ("bytes c2s < 1K", 0, LOST, LATE, 0),
            ("pings == 1", 0, LOST, LATE, 0), ("pong within 1s", 0, LOST, LATE, 0), ("reply $.id within 1s", 0, LOST, LATE, 0),
            ("message within 1h of handshake", 0, 0, HEAD, 0), ("no message ~ /hello/ within 1ms", 0, LOST, HEAD, 0),
            ("deflate", 1, 1, HEAD, 1), ("no deflate", 0, 0, HEAD, 0), ("no subprotocol", 0, 0, HEAD, 0), ("subprotocol == \"x\"", 1, 1, HEAD, 1),
            ("status == 101", 0, 0, HEAD, 0), ("handshake within 1h", 0, 0, HEAD, 0), ("no request header Cookie", 0, 0, HEAD, 0),
            ("close code 1000", 0, 0, 0, OFF), ("no close", 1, 1, 1, 0), ("duration < 1h", 0, 0, LATE, OFF), ("duration > 1ms", 0, 0, 0, 0),
            ("silence < 1m", 0, 0, 0, 0), ("silence < 10ms", 1, LOST, 1, 1), ("no problems", 0, LOST, LATE, 0), ("no gaps", 0, 1, 0, 0)]
    for column, capture_of in enumerate([whole, lost, late, cut_off], 1):
        for first in range(0, len(table), 15):
            rows = table[first:first + 15]
            result = run("check", capture_of, rules(tmp, "\n".join(row[0] for row in rows)))
            seen = [1 if f"x.rules:{n}," in result.text or f"x.rules:{n}\n" in result.text else
                    next((line for line in result.err.decode().splitlines() if f"x.rules:{n}: cannot be decided: " in line), 0) for n in range(1, len(rows) + 1)]
            for row, got in zip(rows, seen):
                right = got == row[column] if isinstance(row[column], int) else isinstance(got, str) and row[column] in got
                check(f"{row[0]} of {os.path.basename(capture_of)}: {row[column]}", right, got)
            status = 1 if 1 in seen else 2 if any(seen) else 0
            check(f"{os.path.basename(capture_of)}: exit status {status}", result.status == status, result)
    check("nothing but what has no verdict is trouble", run("check", late, rules(tmp, "no deflate")).status == 2)
    result = run("check", late, rules(tmp, "connection \"/chat\"\nno gaps"))
    check("joined in the middle, perhaps of this address", result.status == 2 and b"x.rules:1: cannot be decided: the address of connection #1" in result.err, result)
    result = run("check", late, rules(tmp, "connection \"/chat\"\nconnections >= 1"))
    check("... and one of the number", result.status == 2, result)
    undecided_reports(tmp, late)
    numbered(tmp)
    spoken(tmp)
    too_much(tmp)
    snapped = os.path.join(CAPTURES, "09_snap96.pcap")
    for text, status in [("no message ~ /wellcome/", 2), ("message ~ /quote/", 0), ("message c2s == \"volume quote volume beta\"", 2),
                         ("message ~ /volume beta$/", 2), ("messages > 20", 0), ("messages < 20", 1)]:
        check(f"cut packets, {text}", run("check", snapped, rules(tmp, text)).status == status, text)
    secret = os.path.join(CAPTURES, "06_tls13_ccm.pcap")
    for hinted, result in [("rules", run("check", secret, rules(tmp, "no gaps"))), ("snapshot", run("snapshot", secret))]:
        check(f"no secrets, {hinted}: a hint", result.status and b"hint: 1 TLS connection could not be read: no secrets for it (--keylog FILE)" in result.err, result)
    golden = os.path.join(tmp, "whole.golden")
    check("a golden of the whole", run("snapshot", whole, "-o", golden).status == 0)
    result = run("check", late, golden)
    check("... and a capture that began late: a hint", result.status == 1 and b"hint: 1 connection was joined in the middle" in result.err, result)
    result = run("check", secret, golden)
    check("... and one without secrets", result.status == 1 and b"hint: 1 TLS connection" in result.err, result)
    check("... no hint when all is there", b"hint" not in run("check", whole, rules(tmp, "no close")).err)
    for text in ("no message ~ /wellcome/", "messages <= 1000", "no message within 1s"):
        check(f"a lossy capture, {text}", run("check", os.path.join(CAPTURES, "09_capture_loss_one.pcap"), rules(tmp, text)).status == 2, text)

    # nobody asked
    result = run("check", said("unasked.pcap", "x"), rules(tmp, "\npong within 1h\nreply $.nope within 1us"))
    check("nothing speaks for a time", result.status == 1 and ": 2 failures" in result.text and "there was no ping" in result.text and "x.rules:2" in result.text
          and "no message has a value there" in result.text and "x.rules:3" in result.text, result)
    check("... nor need it", run("check", said("unasked.pcap", "x"), rules(tmp, "pong within 1h\npings >= 0")).status == 0)

    # parts: whom rules are about
    suite = os.path.join(CAPTURES, "04_subprotocol.pcap")
    for text, status, words in [
            ("messages == 2", 0, ""), ("messages == 6", 1, "3 failures"), ("connections == 3", 0, ""),
            ("connection \"/nobody\"\nno gaps", 1, "there is no such connection"),
            ("connection \"/nobody\"\nconnections == 0\nno gaps", 0, ""),
            ("connection ~ /^\\/ch.t$/\nconnections == 3", 0, ""), ("connection ~ /^ch/\nconnections == 0", 0, "")]:
        result = run("check", suite, rules(tmp, text))
        check(f"{text!r}: exit status {status}", result.status == status and words in result.text, result)
    empty = os.path.join(tmp, "empty.pcap")
    with open(capture, "rb") as whole, open(empty, "wb") as file:
        file.write(whole.read(24))
    result = run("check", empty, rules(tmp, "# why\nno gaps"))
    check("rules for nobody are not kept", result.status == 1 and "x.rules:2" in result.text, result)
    refused_one = os.path.join(CAPTURES, "04_real_failures.pcap")
    result = run("check", refused_one, rules(tmp, "refused >= 1"))
    check("upgrades that were refused", result.status == 0, result)
    result = run("check", os.path.join(CAPTURES, "05_unmasked_client.pcap"), rules(tmp, "no problems"))
    check("no problems", result.status == 1 and "frame.unmasked-client: " in result.text and "05_unmasked_client.pcap packet" in result.text, result)
    result = run("check", os.path.join(CAPTURES, "05_unmasked_client.pcap"), rules(tmp, "no problems except frame.unmasked-client"))
    check("... except", result.status == 0, result)
    result = run("check", os.path.join(CAPTURES, "09_capture_loss_one.pcap"), rules(tmp, "no gaps"))
    check("no gaps", result.status == 1 and "gaps, the first of" in result.text, result)
    result = run("check", "--report", "junit=" + os.path.join(tmp, "j.xml"), "--report", "github", capture, rules(tmp, "messages == 1"))
    check("reports have rules, too", "::error file=" in result.text and "x.rules,line=1" in result.text, result)
    h2 = os.path.join(CAPTURES, "04_h2c.pcap")
    result = run("check", h2, rules(tmp, 'status == 200\nrequest header :protocol == "websocket"\nrequest header Host ~ /:22398$/\nno request header Upgrade'))
    check("fields of HTTP/2; Host is :authority there", result.status == 0, result)
    result = run("snapshot", "--header", "Host", "--header", ":path", h2)
    check("... in a golden, too", '\n  request host: ' in result.text and '\n  request :path: ' in result.text, result)
    golden = os.path.join(tmp, "h2.golden")
    with open(golden, "wb") as file:
        file.write(result.out)
    check("... which it passes", run("check", h2, golden).status == 0)
    with open(golden, "wb") as file:
        file.write(result.out.replace(b'"hello"', b'"hallo"'))
    check("... and fails after a change", run("check", h2, golden).status == 1)
    truncated = os.path.join(tmp, "cut.pcap")
    with open(capture, "rb") as whole, open(truncated, "wb") as file:
        file.write(whole.read()[:-10])
    refused("a capture that is cut", run("check", truncated, rules(tmp, "messages == 9")), "truncated")

done()

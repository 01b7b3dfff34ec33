#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""snapshot, check and diff as their users meet them: exit status, updates, suites, reports, bad input."""
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
import time
import xml.etree.ElementTree as xml

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import party  # noqa: E402
from party import BINARY, C2S, Party, S2C, Session, Step, TEXT, Wire, classic  # noqa: E402
from toolcheck import BASIC, CAPTURES, DEFLATE, TOOL, check, directory, done, environment, processor_time, refused, run  # noqa: E402

HOME = environment(CI=None)
BUILD_SERVER = environment(CI="true")


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def write(path, text):
    with open(path, "w" if isinstance(text, str) else "wb") as file:
        file.write(text)
    return path


def same_and_different(tmp):
    golden = os.path.join(tmp, "basic.golden")
    made = run("snapshot", BASIC, "-o", golden)
    check("snapshot writes a file and says nothing", made.status == 0 and made.out + made.err == b"", made)
    check("snapshot to standard output is the same", run("snapshot", BASIC).text == read(golden))
    result = run("check", BASIC, golden)
    check("same: exit status 0, one line", result.status == 0 and result.text.count("\n") == 1 and result.err == b"", result)
    result = run("check", "-q", BASIC, golden)
    check("-q: no line", result.status == 0 and result.out == b"", result)
    result = run("check", DEFLATE, golden)
    check("another capture: exit status 1", result.status == 1 and result.err == b"", result)
    os.chmod(golden, 0o640)
    text = read(golden)
    write(golden, text.replace('"Hello, WebSocket 1"', '"Hello, WebSocket 2"'))
    result = run("check", BASIC, golden)
    for words in ("message 1 from the client", '"Hello, WebSocket 2"', '"Hello, WebSocket 1"', "01_ws_plain_basic.pcap packet ", "basic.golden:"):
        check(f"changed: says {words}", words in result.text, result)
    check("no colour where no terminal is", "\x1b" not in result.text, result)
    check("--color always", "\x1b[31m" in run("check", "--color", "always", BASIC, golden).text)

    before = read(golden)
    refused("--update on a build server", run("check", "--update", BASIC, golden, env=BUILD_SERVER), "CI=true", "--force")
    check("nothing was overwritten", read(golden) == before)
    result = run("check", "--update", BASIC, golden, env=HOME)
    check("--update shows, and ends well", result.status == 0 and "WebSocket 2" in result.text and "is updated" in result.text, result)
    check("--update rewrote", read(golden) == text)
    check("--update keeps rights", os.stat(golden).st_mode & 0o777 == 0o640)
    write(golden, before)
    result = run("check", "--update", "--force", BASIC, golden, env=BUILD_SERVER)
    check("--force updates there, too", result.status == 0 and read(golden) == text, result)
    write(golden, text.replace("\n\nconnection", "\n# why: a comment of ours\nno-control\n\nconnection", 1))
    run("check", "-u", BASIC, golden, env=HOME)
    check("--update keeps the head: comments and settings", "# why: a comment of ours\nno-control\n" in read(golden), read(golden)[:700])
    check("... and the settings count", "ping" not in read(golden).split("\nconnection")[1], read(golden)[-500:])
    fresh = os.path.join(tmp, "fresh.golden")
    result = run("check", "--update", BASIC, fresh, env=HOME)
    check("--update makes a golden that is missing", result.status == 0 and "is made" in result.text and read(fresh) == text, result)
    for kind in ("junit", "tap", "github", "json"):
        os.unlink(fresh)
        result = run("check", "--update", "--report", kind, BASIC, fresh, env=HOME)
        check(f"... and {kind} says so", result.status == 0 and ("there was no golden" in result.text or kind in ("github", "json")), result)
    check("no temporary files are left", sorted(os.listdir(tmp)) == ["basic.golden", "fresh.golden"], os.listdir(tmp))
    link = os.path.join(tmp, "link.golden")
    os.symlink("fresh.golden", link)
    write(fresh, before)
    run("check", "-u", BASIC, link, env=HOME)
    check("--update goes through links", os.path.islink(link) and read(fresh) == text)
    write(fresh, text.replace("\n", "\r\n"))
    check("line ends of version control do not matter", run("check", BASIC, fresh).status == 0)
    result = run("check", BASIC, "/dev/stdin", data=text.encode())
    check("a golden from standard input", result.status == 0, result)
    end, begin = os.pipe()
    writer = threading.Timer(0.5, lambda: (os.write(begin, text.encode()), os.close(begin)))
    writer.start()
    result = run("check", BASIC, f"/dev/fd/{end}", pass_fds=(end,))
    writer.join()
    os.close(end)
    check("a golden from what a shell calls <(...), when it comes", result.status == 0, result)
    pipe = os.path.join(tmp, "pipe.golden")
    os.mkfifo(pipe)
    writer = threading.Timer(0.5, write, (pipe, text))
    writer.daemon = True  # where nobody waits for it
    writer.start()
    result = run("check", BASIC, pipe)
    check("a golden from a pipe with a name, when somebody writes into it", result.status == 0, result)


def not_followed(tmp):
    path = os.path.join(CAPTURES, "04_hixie76.pcap")
    result = run("snapshot", path)
    check("a 101 to another protocol is no refusal", "\n  not followed, status 101\n" in result.text and "refused" not in result.text, result)


def written_and_read(tmp):
    """What the options say stands in the head, and means there what it said."""
    golden = os.path.join(tmp, "odd.golden")
    odd = [("--redact", "[0-9]{3} [a-z]=A_1"), ("--redact", "a=b=c=A"), ("--redact", "#\t\\[=A"), ("--redact", "\u00e9|\U0001f600=A"), ("--redact", "\ta\t=A"),
           ("--redact", "[ ]x[ ]=A"), ("--redact", "x  y=A"), ("--redact", "connection /=A"), ("--redact", "=*=A"), ("--ignore", "$['a b']"), ("--ignore", "$['  ']"),
           ("--ignore", "/[0-9]{3} x/"), ("--ignore", "/a/b/"), ("--ignore", "/ x /"), ("--ignore", "///"),
           ("--ignore", "$[\"it's\"]"), ("--ignore", "$['a\\\\']"), ("--ignore", "$.\u00e9"), ("--ignore", "$..*[-1]"), ("--reply", "$['#']"), ("--header", "*"),
           ("--header", "#"), ("--header", "!#$%&'*+-.^_`|~"), ("--drop-header", "#x"), ("--drop-header", "Cookie")]
    for option, value in odd:
        made = run("snapshot", "--force", option, value, BASIC, "-o", golden)
        word = option[2:]
        line = f"{word} {value.rpartition('=')[2]} {value.rpartition('=')[0]}" if word == "redact" else f"{word} {value}"
        check(f"{option} {value!r}: made", made.status == 0 and made.says == "", made)
        check(f"{option} {value!r}: a line of the head", f"\n{line}\n\n" in read(golden), read(golden)[:900])
        write(golden, read(golden).replace("\n\nconnection ", "\nno-control\n\nconnection ", 1))
        result = run("check", "--update", BASIC, golden, env=HOME)
        check(f"{option} {value!r}: read again", result.status == 0, result)
        result = run("diff", option, value, BASIC, BASIC)
        check(f"{option} {value!r}: of diff, too", result.status == 0 and "is the same" in result.text, result)
    write(golden, "\ufeff" + run("snapshot", BASIC).text)
    check("a golden behind U+FEFF", run("check", BASIC, golden).status == 0)
    rules = write(os.path.join(tmp, "marked.rules"), "\ufeffno gaps\n")
    check("rules behind U+FEFF", run("check", BASIC, rules).status == 0)


def overwriting(tmp):
    golden = os.path.join(tmp, "mine.golden")
    run("snapshot", "--ignore", "$.ts", BASIC, "-o", golden)
    write(golden, read(golden).replace("#\n", "# mine\n", 1))
    before = read(golden)
    for env in (HOME, BUILD_SERVER):
        refused("a golden over a golden", run("snapshot", BASIC, "-o", golden, env=env), golden, "check --update", "--force")
        check("... lives", read(golden) == before)
    result = run("snapshot", "--force", BASIC, "-o", golden)
    check("... unless by force", result.status == 0 and read(golden) == run("snapshot", BASIC).text, result)


def one_connection(tmp):
    """--conn: of a capture with several connections a golden of one; the numbers are those of the timeline."""
    capture = os.path.join(CAPTURES, "04_subprotocol.pcap")
    golden = os.path.join(tmp, "one.golden")
    of_all = read_connections(run("snapshot", capture).text)
    seen = [e for e in run("--json", capture).events("handshake")]
    check("three connections", len(of_all) == len(seen) == 3)
    for e in seen:
        one = read_connections(run("snapshot", "--conn", str(e["conn"]), capture).text)
        offered = f"offered {', '.join(e['client_protocols'])}\n" if e["client_protocols"] else None
        check(f"--conn {e['conn']}: one of them, and the right one",
              len(one) == 1 and one[0] in of_all and ((offered in one[0]) if offered else "offered" not in one[0]), one)
    result = run("snapshot", "--conn", "2", capture, "-o", golden)
    check("it stands in the head", result.status == 0 and "\nconn 2\n" in read(golden).split("\nconnection")[0], result)
    result = run("check", capture, golden)
    check("... and check holds that one against it", result.status == 0 and "(1 connection," in result.text, result)
    write(golden, read(golden).replace("\nconn 2\n", "\nconn 3\n"))
    result = run("check", capture, golden)
    check("... and another against another", result.status == 1 and "#3 of the capture" in result.text and "#2 of" not in result.text, result)
    result = run("check", "-u", capture, golden, env=HOME)
    check("... renewed, it is that one's", result.status == 0
          and read_connections(read(golden)) == read_connections(run("snapshot", "--conn", "3", capture).text), result)
    result = run("check", os.path.join(CAPTURES, "04_ipv6.pcap"), golden)
    check("a capture without it: missing, and why", result.status == 1 and b"there is no connection 3; the capture has 1" in result.err, result)
    refused("a golden of one that is not there", run("snapshot", "--conn", "4", capture), "there is no connection 4; the capture has 3")
    refused("... and a difference of two", run("diff", "--conn", "4", capture, capture), "there is no connection 4; the capture has 3")
    closed, open_ = os.path.join(CAPTURES, "06_tls13_ccm.pcap"), os.path.join(CAPTURES, "04_ipv6.pcap")
    for pair in ((closed, closed), (closed, open_), (open_, closed)):
        result = run("diff", "--conn", "1", *pair)
        check("diff --conn: what could not be read has none, and why", result.status == 2 and result.out == b"" and result.says
              == f"wstrace: {closed}: hint: 1 TLS connection could not be read: no secrets for it (--keylog FILE)\n"
                 f"wstrace: {closed}: there is no connection 1; the capture has 0\n", result)
    result = run("snapshot", "--conn", "1", closed)
    check("... nor a golden", result.status == 2 and "there is no connection 1; the capture has 0" in result.says and "hint: 1 TLS" in result.says, result)
    check("diff --conn", run("diff", "--conn", "2", capture, capture).text.endswith("(1 connection, 2 messages)\n"))
    for value in ("0", "x", "-1", "1,2"):
        refused(f"--conn {value}", run("snapshot", "--conn", value, capture), f"not '{value}'")
        refused(f"conn {value} in a head", run("check", capture, write(golden, f"wstrace golden 1\nconn {value}\n")), "the number of a connection was expected")
    refused("twice", run("check", capture, write(golden, "wstrace golden 1\nconn 1\nconn 2\n")), "a second connection")
    for option in (["--conn", "2"], ["--no-control"], ["--frames"], ["--strict-order"], ["--reply", "$.id"]):
        refused(f"check {option[0]}", run("check", *option, capture, golden), " ".join(option) + ": ", "stands in the head of the golden")


def read_connections(golden):
    """The parts of a golden, each with its connection's line."""
    return [part.rstrip("\n") + "\n" for part in golden.split("\nconnection ")[1:]]


def heads(tmp):
    """What a check needs stands in the head; what the head says of the capture is true."""
    capture = os.path.join(CAPTURES, "04_subprotocol.pcap")
    golden = os.path.join(tmp, "filtered.golden")
    port = run("--json", capture).events("handshake")[0]["client_port"]
    result = run("snapshot", "-f", f"tcp port {port}", capture, "-o", golden)
    check("snapshot -f stands in the head", result.status == 0 and f"\nfilter tcp port {port}\n" in read(golden) and read(golden).count("\nconnection ") == 1, result)
    result = run("check", capture, golden)
    check("... and check uses it", result.status == 0 and "(1 connection," in result.text, result)
    check("... in a suite, too", run("check", tmp, "--captures", tmp).status == 2 and run("check", capture, golden, golden).status == 0)
    check("... unless -f is given", run("check", "-f", "tcp", capture, golden).status == 1)
    with subprocess.Popen(["cat", golden], stdout=subprocess.PIPE) as cat:
        refused("... but not out of a pipe", run("check", capture, "/dev/stdin", stdin=cat.stdout), "give it by -f")
    long = write(os.path.join(tmp, "long.golden"), read(golden).replace("#\n", "#\n" + "# much\n" * 20_000, 1))
    refused("... nor behind a long head", run("check", capture, long), "give it by -f")
    check("... where -f helps", run("check", "-f", f"tcp port {port}", capture, long).status == 0)
    write(golden, read(golden).replace(f"tcp port {port}", "udx"))
    refused("a filter that is none", run("check", capture, golden), f'{golden}: filter "udx" on link type')
    refused("... of a golden whose capture is not there", run("check", capture + ".gz", golden), f'{golden}: filter "udx" on link type')
    refused("... of the command line", run("check", "-f", "udx", capture, golden), 'wstrace: filter "udx" on link type')
    write(golden, read(golden).replace("filter udx", "filter tcp\nfilter udp"))
    refused("two filters", run("check", capture, golden), "a second filter")
    made = os.path.join(tmp, "made.golden")
    check("check -u -f", run("check", "-u", "-f", "tcp", capture, made, env=HOME).status == 0 and "\nfilter tcp\n" in read(made))

    result = run("check", "-u", "-f", f"tcp port {port}", capture, made, env=HOME)
    check("... over another filter", result.status == 0 and "is updated" in result.text
          and f"\nfilter tcp port {port}\n" in read(made) and "\nfilter tcp\n" not in read(made), result)
    check("... and what stands below is what it picks", run("check", capture, made).status == 0 and read(made).count("\nconnection ") == 1, read(made))
    write(made, read(made).replace("\nfilter", "\n# only these\nfilter").replace("\n\nconnection", "\nmax-payload 4096\n\nconnection", 1))
    head = read(made).split("\nconnection")[0]
    result = run("check", "-q", "-u", "-f", f"port {port}", capture, made, env=HOME)
    check("... even when nothing else differs", result.status == 0 and result.text.startswith(f"{made} is updated (1 connection")
          and read(made).split("\nconnection")[0] == head.replace("filter tcp port", "filter port"), result)
    before = os.stat(made).st_mtime_ns
    check("... not when it is the same", run("check", "-u", "-f", f"port {port}", capture, made, env=HOME).status == 0 and os.stat(made).st_mtime_ns == before)
    result = run("check", "-u", "-f", "", capture, made, env=HOME)
    check("... -f '' takes it out", result.status == 0 and read(made).split("\nconnection")[0] == head.replace(f"filter tcp port {port}\n", ""), read(made))
    check("... and the next puts it in front of the settings", run("check", "-u", "-f", "tcp", capture, made, env=HOME).status == 0
          and read(made).split("\nconnection")[0] == head.replace(f" port {port}\n", "\n"), read(made))
    before = read(made)
    refused("... which is none", run("check", "-u", "-f", "tcp\nand tcp", capture, made, env=HOME), "--filter")
    refused("... nor this", run("check", "-u", "-f", "tcp prot", capture, made, env=HOME), "tcp prot")
    check("... and changes nothing", read(made) == before)
    check("... nor does a check without -u", run("check", "-f", "udp", capture, made).status == 1 and read(made) == before)

    os.unlink(made)
    run("snapshot", BASIC, "-o", made)
    result = run("check", "-u", capture, made, env=HOME)
    check("an update from another capture names it", result.status == 0 and "# What was said in 04_subprotocol.pcap: >" in read(made)
          and os.path.basename(BASIC) not in read(made), read(made)[:300])
    check("standard input is called so", "said in standard input: >" in run("snapshot", "-", stdin=open(BASIC, "rb")).text)

    secret = os.path.join(CAPTURES, "06_tls13_aes128gcm")
    head = "\n# Read from TLS: a capture without keys in it is checked with --keylog.\n"
    result = run("snapshot", "--keylog", secret + ".keys", secret + ".pcap")
    check("a golden of TLS says so, without a path", head in result.text and ".keys" not in result.text, result)
    check("... and no other does", "TLS" not in run("snapshot", BASIC).text)
    write(made, read(made).replace("\n", head, 1))
    check("... nor when it is renewed", run("check", "-u", BASIC, made, env=HOME).status == 0 and "TLS" not in read(made), read(made)[:300])

    for setting, capture in (("ignore $.pingInterval", "08_socketio_websocket.pcap"), ("redact SID [A-Za-z0-9_-]{17}AA[A-Z]", "08_socketio_websocket.pcap"),
                             ("ignore /h[a-z]*o/", "08_socketio_websocket.pcap"), ("no-control", "04_subprotocol.pcap")):
        capture = os.path.join(CAPTURES, capture)
        write(made, run("snapshot", capture).text.replace("\n\nconnection", f"\n{setting}\n\nconnection", 1))
        result = run("check", capture, made)
        check(f"{setting}, put into the head later: said", result.status == 1 and "--update renews that" in result.text, result)
        result = run("check", "-u", capture, made, env=HOME)
        check("... renewed", result.status == 0 and run("check", capture, made).status == 0, result)
        write(made, re.sub('(> text )"', '\\1"other', read(made).replace("7", "9")))
        result = run("check", capture, made)
        check("... and not said of others", result.status == 1 and "--update" not in result.text, result)


def ignored_texts(tmp):
    """A time in a text: that two messages had the same one is chance, so a name is wrong, and nothing is right."""
    def capture(name, *said):
        wire = Wire(7)
        s = Session(wire, client=("10.1.0.9", 40000), seed=1)
        s.handshake("/ticks?t=" + said[0])
        for text in said:
            s.say(S2C, TEXT, f"tick {text}".encode())
            s.say(S2C, TEXT, f'{{"at": {text}, "n": 1}}'.encode())
        s.close(1000, "at " + said[-1])
        return write(os.path.join(tmp, name), classic(wire.packets))

    golden, time_of_day = os.path.join(tmp, "ticks.golden"), "1[0-9]{12}"
    one, two = capture("one.pcap", "1795412324355", "1795412324355"), capture("two.pcap", "1795419999111", "1795419999112")
    other = capture("other.pcap", "1795419999111", "none")
    run("snapshot", "--redact", time_of_day + "=TIME", one, "-o", golden)
    check("times that have names", run("check", two, golden).status == 1)
    made = run("snapshot", "--force", "--ignore", f"/{time_of_day}/", one, "-o", golden)
    check("times that are ignored: as all that is ignored is written", made.status == 0 and read(golden).count("<ignored>") == 7
          and '< text "tick <ignored>"\n' in read(golden) and '{"at": "<ignored>", "n": 1}' in read(golden), read(golden))
    result = run("check", two, golden)
    check("... the same", result.status == 0, result)
    result = run("check", other, golden)
    check("... and one that is none is a difference", result.status == 1 and 'is text "tick none"' in result.text, result)
    made = run("snapshot", "--force", "--ignore", "/5[0-9]/", "--redact", time_of_day + "=TIME", one, "-o", golden)
    check("... the leftmost match counts", "<TIME-1>" in read(golden) and "<ignored>" not in read(golden), read(golden))
    result = run("check", one, golden)
    check("... of both sorts", result.status == 0, result)


def queries(tmp):
    """A query that has changed is told as such, not as one connection gone and another come."""
    golden = os.path.join(tmp, "query.golden")
    io = os.path.join(CAPTURES, "08_socketio_websocket.pcap")
    text = run("snapshot", io).text
    write(golden, text.replace("transport=websocket", "transport=other"))
    result = run("check", io, golden)
    check("a changed query", result.status == 1 and ": 1 difference\n" in result.text and "transport=other" in result.text and "transport=websocket" in result.text, result)
    write(golden, text.replace("connection /socket.io/", "connection /other/"))
    result = run("check", io, golden)
    check("... but not a changed path", result.status == 1 and "is missing" in result.text and "was not expected" in result.text, result)
    write(golden, re.sub("(?m)^  [<>] .*\n(    .*\n)*", "", text.replace("transport=websocket", "transport=other")))
    result = run("check", io, golden)
    check("... nor where little is equal", result.status == 1 and "this connection is missing" in result.text, result)


def trouble(tmp):
    golden = os.path.join(tmp, "basic.golden")
    run("snapshot", BASIC, "-o", golden)
    text = read(golden)
    missing = os.path.join(tmp, "missing")
    refused("a missing golden", run("check", BASIC, missing), missing, "No such file")
    refused("a missing capture", run("check", missing, golden), missing)
    refused("the wrong way round", run("check", golden, BASIC), "")
    refused("two captures", run("check", BASIC, BASIC), "is a capture, no golden and no rules; wstrace diff compares two captures")
    path = write(os.path.join(tmp, "some.rules"), "no gaps\n")
    refused("rules in the place of the capture", run("check", path, BASIC), f"{BASIC}: is a capture, which comes first")
    refused("settings for a golden that has its own", run("check", "--ignore", "$.ts", BASIC, golden), "head of the golden")
    refused("the golden as the capture", run("check", golden, golden), "is a golden; the capture comes first")
    refused("nothing", run("check"), "check wants a capture")
    refused("nothing is expected", run("check", BASIC), "what is expected of")
    refused("an unknown option", run("check", "--nonsense", BASIC, golden), "unknown option")
    refused("snapshot of nothing", run("snapshot"), "one capture")
    refused("diff of one", run("diff", BASIC), "two captures")
    refused("snapshot into its own input", run("snapshot", golden, "-o", golden), "input and output")
    refused("snapshot of a golden", run("snapshot", golden), "is a golden")
    copy = shutil.copy(BASIC, os.path.join(tmp, "copy.pcap"))
    refused("snapshot over its capture", run("snapshot", copy, "-o", copy), "input and output")
    check("the capture lives", open(copy, "rb").read() == open(BASIC, "rb").read())
    refused("no folder to write to", run("snapshot", BASIC, "-o", os.path.join(tmp, "no", "x.golden")), "No such file")
    os.unlink(copy)

    for option, value, words in [("--ignore", "x", "begins with $"), ("--ignore", "$[?@.a]", "filters are not read"), ("--ignore", "$.a[1:2]", "slices"),
                                 ("--ignore", "/x", "at the end"), ("--ignore", "/", "at the end"), ("--ignore", "//", "character 2"), ("--ignore", "/(/", "("),
                                 ("--ignore", "$.a.", "character 5"), ("--redact", "x", "REGEX=NAME"), ("--redact", "(=A", "("), ("--redact", "a=1", "a name is"),
                                 ("--header", "a b", "name of a header"), ("--max-payload", "-1", "size"), ("--reply", "$.a,", "")]:
        refused(f"{option} {value}", run("snapshot", option, value, BASIC), option, words)

    for value, place, words in [("hello=my name", 9, "a name is"), ("hello= A", 7, "a name is"), ("hello=", 7, "a name is"), ("=A", 1, "regular expression"),
                                (" a=A", 1, "[ ]"), ("a =A", 2, "[ ]")]:
        refused(f"--redact '{value}'", run("snapshot", "--redact", value, BASIC), f"'{value}', character {place}: ", words, "(wstrace snapshot --help tells more)")
    for option, value in [("--redact", "a\nb=A"), ("--redact", "a\rb=A"), ("--ignore", "$['a\nb']"), ("--reply", "$.a\n"), ("--header", "A\nignore $.x")]:
        refused(f"{option} {value!r}", run("snapshot", option, value, BASIC), option, "without line ends")
    refused("--drop-header '*'", run("snapshot", "--drop-header", "*", BASIC), "the name of one header")

    hostile = {
        "empty": (b"", ""),
        "noise": (os.urandom(4000), ":1"),
        "another version": (b"wstrace golden 2\n\n", "wstrace golden 1"),
        "no setting": (text.replace("#\n", "frobnicate 3\n", 1), ":2:1: unknown setting; there are ignore"),
        "nearly a setting": (text.replace("#\n", "ignor $.a\n", 1), ":2:1: unknown setting; did you mean \"ignore\"?"),
        "a bad path": (text.replace("\n\nconnection", "\nignore $[\n\nconnection", 1), ":10:"),
        "no connection": ("wstrace golden 1\n\n  > text \"a\"\n", ":3:"),
        "text at the margin": (text + "hello\n", "was expected"),
        "more of nothing": ("wstrace golden 1\n\nconnection /\n\n      xx\n", ":5:"),
        "a zero": (text.replace("accepted", "acc\0epted"), None),
        "an escape": (text.replace("accepted", "acc\x1b]0;pwned\x07epted"), None),
        "cut in the middle": (text[:len(text) // 2], None),
        "a line of 9 MB": (text + "  > text \"" + "a" * 9_000_000 + "\"\n", None),
        "lines of nothing": ("wstrace golden 1\n" + "\n" * 1_000_000, None),
        "100,000 connections": ("wstrace golden 1\n\n" + "connection /\n" * 100_000, None),
        "deep JSON": (text + "  > json " + "[" * 100_000 + "]" * 100_000 + "\n", None),
    }
    for what, (content, words) in hostile.items():
        path = write(os.path.join(tmp, "hostile.golden"), content)
        began = processor_time()
        result = run("check", BASIC, path)
        if words is None:
            check(f"golden with {what}: exit status 1", result.status == 1, result)
        else:
            refused(f"golden with {what}", result, "hostile.golden", words)
        check(f"golden with {what}: nothing steers the terminal", not set(result.text + result.says) & {"\x1b", "\x07", "\0"}, result)
        check(f"golden with {what}: soon", processor_time() - began < 20)
    path = os.path.join(tmp, "2g.golden")
    with open(path, "wb") as file:
        file.write(b"wstrace golden 1\n")
        file.truncate(2 << 30)
    began = processor_time()
    refused("a golden of 2 GB", run("check", BASIC, path), "2048 MiB", "512 MiB")
    check("... quickly", processor_time() - began < 2)
    os.unlink(path)

    # a capture that ends in the middle of a packet
    whole = open(BASIC, "rb").read()
    cut = write(os.path.join(tmp, "cut.pcap"), whole[:len(whole) * 2 // 3])
    before = read(golden)
    for args in (["check", cut, golden], ["check", "--update", "--force", cut, golden], ["diff", BASIC, cut], ["diff", cut, BASIC],
                 ["snapshot", "--force", cut, "-o", golden]):
        refused(" ".join(args[:-1]), run(*args, env=HOME), "cut.pcap: packet ", "truncated")
        check("... and nothing was overwritten", read(golden) == before)
    gaps = os.path.join(CAPTURES, "09_capture_loss_one.pcap")
    lossy = os.path.join(tmp, "lossy.golden")
    result = run("snapshot", gaps, "-o", lossy)
    check("a capture that lacks bytes: said", result.status == 0 and "lacks bytes" in result.says and "bytes are missing" in read(lossy), result)
    write(lossy, read(lossy).replace("connection ", "connection /other", 1))
    result = run("check", gaps, lossy)
    check("... and said when it differs", result.status == 1 and "The capture lacks bytes" in result.text, result)
    result = run("check", "-u", gaps, lossy, env=HOME)
    check("... and no update made of it", result.status == 2 and "--force" in result.says and "is updated" not in result.text, result)
    check("... a golden made of it says so", "\n# Bytes are missing from the capture (" in read(lossy), read(lossy)[:300])
    refused("... none is made where there was none", run("check", "-u", gaps, lossy + ".new", env=HOME), "--force")
    check("... at all", not os.path.exists(lossy + ".new"))

    # a recorder that failed leaves a capture without packets: no golden is given up for it
    nothing = write(os.path.join(tmp, "nothing.pcap"), whole[:24])
    kept = write(os.path.join(tmp, "kept.golden"), before)
    for path in (kept, lossy + ".new"):
        result = run("check", "-u", nothing, path, env=HOME)
        check("a capture of nothing: no update made of it", result.status == 2 and "no WebSocket connection" in result.says
              and "--force" in result.says and "is updated" not in result.text and "is made" not in result.text, result)
    check("... at all", read(kept) == before and not os.path.exists(lossy + ".new"))
    result = run("check", "-u", "--force", nothing, kept, env=HOME)
    check("... but with --force", result.status == 0 and "(0 connections, 0 messages)" in result.text
          and run("check", nothing, kept).status == 0, result)
    result = run("check", "-u", BASIC, lossy, env=HOME)
    check("... and it is no longer said when it is no longer true", result.status == 0 and "missing" not in read(lossy), read(lossy)[:300])
    result = run("check", "-u", "--force", gaps, lossy, env=HOME)
    check("... but again when it is", result.status == 0 and read(lossy).count("# Bytes are missing") == 1, read(lossy)[:300])
    result = run("check", gaps, lossy)
    check("... and can be checked against", result.status == 0 and "is the same as" in result.text, result)
    refused("no WebSocket in it", run("snapshot", write(os.path.join(tmp, "none.pcap"), whole[:24])), "none.pcap")
    check("a full disk", run("snapshot", BASIC, stdout=open("/dev/full", "w")).status == 2)
    check("a report on a full disk", run("check", BASIC, golden, stdout=open("/dev/full", "w")).status == 2)


def large(tmp):
    """A golden that is read by the piece, and as a whole only when something differs."""
    wire = party.Wire(1)
    session = party.Session(wire, client=("10.1.0.1", 50001)).handshake("/large")
    for i in range(120):
        session.say(S2C, TEXT, f"{i:03} " + "plain text, " * 4000)
    session.shut()
    capture = write(os.path.join(tmp, "large.pcap"), party.classic(wire.packets))
    golden = os.path.join(tmp, "large.golden")
    run("snapshot", "--redact", "[0-9]{3}[ ]=N", capture, "-o", golden)
    text = read(golden)
    check("a large golden", len(text) > 5 << 20, len(text))
    for what, other in (("is", text), ("with other line ends", text.replace("\n", "\r\n")), ("without its last line end", text[:-1]),
                        ("with a long head", text.replace("\n#\n", "\n" + "# much to say\n" * 20_000, 1))):
        write(golden, other.encode())
        result = run("check", capture, golden)
        check(f"a large golden as it {what}: the same", result.status == 0 and "is the same as" in result.text, result)
    for at in (0.01, 0.5, 0.99):
        place = text.index("plain", int(len(text) * at))
        write(golden, text[:place] + "other" + text[place + 5:])
        line = text[:place].count("\n") + 1
        result = run("check", capture, golden)
        check(f"a large golden that differs at {at}", result.status == 1 and "1 difference\n" in result.text and f"large.golden:{line}," in result.text, result)
    result = run("check", "--update", capture, golden, env=HOME)
    check("a large golden renewed", result.status == 0 and read(golden) == text, result)
    write(golden, text[:len(text) // 2])
    check("a large golden cut", run("check", capture, golden).status == 1)
    write(golden, "wstrace golden 1\n" + "# nothing\n" * 500_000)
    result = run("check", capture, golden)
    check("a large golden of nothing", result.status == 1 and "this connection was not expected" in result.text, result)


def suites(tmp):
    suite = os.path.join(tmp, "suite")
    os.makedirs(os.path.join(suite, "deep", "er"))
    for i in range(12):
        run("snapshot", *party.settings(), Party(i).write(os.path.join(suite, f"c{i:02}.pcap")), "-o", os.path.join(suite, f"c{i:02}.golden"))
    run("snapshot", BASIC, "-o", os.path.join(suite, "deep", "er", "basic.golden"))
    shutil.copy(BASIC, os.path.join(suite, "deep", "er", "basic.pcap"))
    result = run("check", suite)
    check("a suite that is as expected", result.status == 0 and result.err == b"" and result.text.count("is the same as") == 13
          and result.text.endswith("13 cases, 0 different, 0 in trouble\n"), result)
    check("a suite, quietly", run("check", "-q", suite).out == b"")
    p = Party(50)
    p.connections["bob"]["steps"]["line"] = Step(S2C, TEXT, "a % <line> & a ::\n\"word\"")
    p.write(os.path.join(suite, "c03.pcap"))
    p.connections["feed"]["code"] = 1011
    for key in list(p.connections["feed"]["steps"])[::2]:
        p.connections["feed"]["steps"][key] = Step(S2C, TEXT, f"was {key} once")
    p.connections["ann"]["path"] = "/chat?user=%0aann"
    p.write(os.path.join(suite, "c07.pcap"))
    write(os.path.join(suite, "c05.golden"), "nonsense")
    write(os.path.join(suite, "alone.golden"), "wstrace golden 1\n")
    shutil.copy(BASIC, os.path.join(suite, "nobody.pcap"))
    outs = {}
    for jobs in ("1", "2", "7"):
        reports = {kind: os.path.join(tmp, f"{kind}{jobs}") for kind in ("junit", "tap", "github", "json", "text")}
        result = run("check", "-j", jobs, *[w for kind, path in reports.items() for w in ("--report", f"{kind}={path}")], suite)
        check("a suite in trouble: exit status 2", result.status == 2, result)
        check("... says which", all(w in result.says for w in ("alone.golden: no capture of this name", "c05.golden", "nobody.pcap: nothing is expected")), result)
        check("... and goes on", "14 cases, 2 different, 2 in trouble" in result.text and "c11.golden (3 conn" in result.text, result)
        outs[jobs] = [result.text, result.says, *[read(reports[k]) for k in ("tap", "github", "text")]]
        outs[jobs].append([{k: v for k, v in c.items()} for c in json.loads(read(reports["json"]))["cases"]])
    check("the order does not depend on the workers", outs["1"] == outs["2"] == outs["7"])

    tree = xml.parse(os.path.join(tmp, "junit1")).getroot()
    cases = tree.findall(".//testcase")
    one = tree.find("testsuite")
    check("junit: totals", (one.get("tests"), one.get("failures"), one.get("errors")) == ("14", "2", "2"), one.attrib)
    check("junit: cases by name", [c.get("name") for c in cases[:3]] == ["alone.golden", "c00.golden", "c01.golden"] and cases[-1].get("name") == "deep/er/basic.golden",
          [c.get("name") for c in cases])
    failed = {c.get("name"): c.find("failure") for c in cases if c.find("failure") is not None}
    check("junit: failures", sorted(failed) == ["c03.golden", "c07.golden"], sorted(failed))
    check("junit: words survive", "a % <line> & a ::" in failed["c03.golden"].text and "<line>" in failed["c03.golden"].get("message"), failed["c03.golden"].text)
    check("junit: the connection", re.match("/[a-z]+.*: ", failed["c03.golden"].get("message")), failed["c03.golden"].get("message"))
    check("junit: packets", "c03.pcap packet" in failed["c03.golden"].text, failed["c03.golden"].text)
    tap = read(os.path.join(tmp, "tap1")).splitlines()
    check("tap: version and plan", tap[0] == "TAP version 13" and tap.count("1..14") == 1, tap[:3])
    results = [line for line in tap if line.startswith(("ok ", "not ok "))]
    check("tap: results", len(results) == 14 and sum(line.startswith("not ok") for line in results) == 4, results)
    check("tap: everything else is a comment", all(line.startswith("#") for line in tap if line not in results + ["TAP version 13", "1..14"]))
    github = read(os.path.join(tmp, "github1")).splitlines()
    check("github: ten annotations at most", 4 <= len(github) <= 10 and all(line.startswith("::error file=") for line in github), github)
    other = write(os.path.join(tmp, "other.golden"), re.sub("^  ([<>]) ", "  \\1 x", read(os.path.join(suite, "c00.golden")), flags=re.M))
    many = run("check", "--report", "github", "--report", f"json={tmp}/many", BASIC, other, other, other, other, os.path.join(tmp, "nothing.golden"))
    differences = sum(case["count"] for case in json.loads(read(os.path.join(tmp, "many")))["cases"])
    lines = re.findall("^::error.*", many.text, re.M)
    check("github: the last of the ten stands for all others", len(lines) == 10 and f"::and {differences + 1 - 9} more, here and elsewhere; " in lines[-1], lines[-1])
    check("github: a file and a line", any("c03.golden,line=" in line for line in github), github)
    result = run("check", "--report", "github", BASIC, f"./{os.path.relpath(suite)}//deep/.././c03.golden")
    check("github: a file as the repository has it", f"::error file={os.path.relpath(suite)}/c03.golden,line=" in result.text, result)
    check("github: nothing ends a line early", any("%25" in line and "%0A" in line for line in github), github)
    data = json.loads(read(os.path.join(tmp, "json1")))
    check("json: totals", (data["total"], data["different"], data["trouble"]) == (14, 2, 2), data["total"])
    d = next(c for c in data["cases"] if c["name"] == "c03.golden")["differences"][0]
    check("json: a difference", d["kind"] == "changed" and d["connection"] == "/chat?user=bob" and d["pkt"] > 0 and d["line"] > 0, d)
    result = run("check", "--report", "json", suite)
    check("a report on standard output is alone there", json.loads(result.text)["total"] == 14, result)
    result = run("check", "--report", "github", suite)
    check("annotations stand among the text", "::error " in result.text and "14 cases" in result.text, result)

    elsewhere = os.path.join(tmp, "elsewhere")
    os.makedirs(os.path.join(elsewhere, "deep", "er"))
    goldens = os.path.join(tmp, "goldens")
    shutil.copytree(os.path.join(suite, "deep"), os.path.join(goldens, "deep"))
    shutil.move(os.path.join(goldens, "deep", "er", "basic.pcap"), os.path.join(elsewhere, "deep", "er", "basic.pcap"))
    result = run("check", "--captures", elsewhere, goldens)
    check("--captures", result.status == 0 and result.text.count("is the same as") == 1, result)
    result = run("check", elsewhere)
    check("a folder of captures alone", result.status == 2 and "nothing was checked" in result.says, result)
    result = run("check", os.path.join(suite, "c00.pcap"))
    check("what lies beside a capture", result.status == 0 and "c00.golden" in result.text, result)
    result = run("check", os.path.join(suite, "c00.pcap"), os.path.join(suite, "c00.golden"), os.path.join(suite, "c01.golden"))
    check("one capture, two goldens", "2 cases" in result.text, result)
    result = run("check", "-u", suite, env=HOME)
    check("a suite is updated where it can be", result.status == 2 and run("check", os.path.join(suite, "c07.pcap")).status == 0, result)
    refused("a report nobody can write", run("check", "--report", "junit=" + os.path.join(tmp, "no", "x"), goldens, "--captures", elsewhere),
            "No such file")
    first = [line.partition(",title=")[2].partition("::")[0] for line in github]
    check("github: troubles, then one of each case", sorted(first[:2]) == ["alone.golden", "c05.golden"] and sorted(first[2:4]) == ["c03.golden", "c07.golden"], first)
    for pair in (["junit", "json"], ["github", "json"], ["text", "text"], ["tap", "github=-", "text"], [f"junit={tmp}/one", f"json={tmp}/./one"], [f"tap={suite}", f"json={suite}/"]):
        refused(f"two reports in one: {pair}", run("check", *[w for p in pair for w in ("--report", p)], suite), "both; each wants its own", "(wstrace check --help tells more)")
    result = run("check", "--report", "text", "--report", "github", suite)
    check("... but annotations may stand behind the lines", result.status == 2 and "::error " in result.text and " cases, " in result.text, result)
    shutil.copytree(suite, os.path.join(tmp, "round"))
    os.symlink("..", os.path.join(tmp, "round", "deep", "loop"))
    result = run("check", os.path.join(tmp, "round"))
    check("a link in a circle is one case in trouble", result.status == 2 and "deep/loop: leads back into a folder" in result.says and "c11.golden (3 conn" in result.text
          and "15 cases, " in result.text, result)
    rules = write(os.path.join(tmp, "no.rules"), "messages == 77\n")
    result = run("check", "-u", BASIC, rules, env=HOME)
    check("rules are not updated, and it is said", result.status == 1 and "no.rules: rules are not updated" in result.says, result)
    usual = lambda *words: run("check", *words, os.path.join(suite, "c01.golden"))
    check("the text is a report like the others: by default this one", all(
        usual(*words, "--report", "text").out == usual(*words).out for words in ([], ["-q"])))
    check("... all reports that an error names are in the help, and in the manual", all(
        word in run(command, "--help").text for command in ("check", "diff") for word in ("junit", "tap", "github", "json", "text")) and
        ".Cm text" in read(os.path.join(os.path.dirname(CAPTURES), "docs", "wstrace.1")))
    refused("an unknown report", run("check", "--report", "yaml", suite), "junit, tap, github, json")


def confined(tmp):
    """Nothing can be opened once packets are looked at; whoever opens for it writes over no input."""
    suite = os.path.join(tmp, "suite")
    os.mkdir(suite)
    os.chmod(tmp, 0o755)  # what is opened late is opened by whom root has become
    text = run("snapshot", BASIC).text
    for i in range(40):
        shutil.copy(BASIC, os.path.join(suite, f"c{i:02}.pcap"))
        write(os.path.join(suite, f"c{i:02}.golden"), text)
    few = run("check", suite, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (80, 80)))
    check("more captures than may be held open", few.status == 0 and few.err == b"" and few.text == run("check", suite).text, few)
    golden, capture = os.path.join(suite, "c00.golden"), os.path.join(suite, "c00.pcap")
    keys = shutil.copy(os.path.join(CAPTURES, "06_tls13_keyupdate.keys"), tmp)
    before = [read(golden), open(capture, "rb").read(), read(keys)]
    for name in (golden, capture, keys):
        refused("a report over " + name, run("check", "--keylog", keys, "--report", "tap=" + name, suite), name, "input and output")
        if name != golden:
            refused("a golden over " + name, run("snapshot", "--keylog", keys, capture, "-o", name), name, "input and output")
    check("none of them was touched", [read(golden), open(capture, "rb").read(), read(keys)] == before)
    nowhere = os.path.join(tmp, "nowhere")
    for target in ("/proc/self/fd/1", os.path.join(tmp, "no-such-file")):
        os.symlink(target, nowhere)
        refused("a golden over a link like /dev/stdout", run("snapshot", BASIC, "-o", nowhere), "is no file that can be replaced")
        check("... which stays", os.path.islink(nowhere) and sorted(os.listdir(tmp)) == ["06_tls13_keyupdate.keys", "nowhere", "suite"], os.listdir(tmp))
        os.unlink(nowhere)
    refused("a report over no file", run("check", "--report", "tap=" + tmp, suite), "is no file that can be replaced")

    os.chmod(golden, 0o640)
    shutil.copy(DEFLATE, capture)
    if os.geteuid() == 0:
        os.chown(golden, 4711, 4712)
    result = run("check", "-u", suite, env=HOME)
    st = os.stat(golden)
    check("a golden that is updated keeps its rights and its owner", result.status == 0 and read(golden) != before[0]
          and st.st_mode & 0o777 == 0o640 and (os.geteuid() != 0 or (st.st_uid, st.st_gid) == (4711, 4712)), (result.says, st))

    pipe = os.path.join(tmp, "pipe")
    os.mkfifo(pipe)
    feeder = threading.Thread(target=lambda: write(pipe, open(BASIC, "rb").read()))
    feeder.start()
    result = run("check", pipe, os.path.join(suite, "c01.golden"))
    feeder.join()
    check("a capture from a pipe with a name", result.status == 0, result)

    os.unlink(pipe)
    os.mkfifo(pipe)
    report = os.path.join(tmp, "report")
    process = subprocess.Popen([TOOL, "check", "--report", "tap=" + report, pipe, os.path.join(suite, "c01.golden")], env=environment())
    with open(pipe, "wb"):
        end = time.monotonic() + 30
        while not any(n.startswith("report.") for n in os.listdir(tmp)) and time.monotonic() < end:
            time.sleep(0.02)
        process.kill()
        process.wait()
        while any(n.startswith("report") for n in os.listdir(tmp)) and time.monotonic() < end:
            time.sleep(0.02)
    check("killed: no piece of a report is left", not any(n.startswith("report") for n in os.listdir(tmp)), os.listdir(tmp))


def acknowledgements(tmp):
    """Socket.IO: an acknowledgement stands behind its event, however the rest is mixed; before it, it is another session."""
    ASK, ASK2, OTHER, BIN, PIECE = '4217["ask"]', '4218["ask"]', '42/chat,17["ask"]', '452-/chat,9["up",{"_placeholder":true,"num":0}]', b"\x01\x02"
    GOT, GOT2, GOT_OTHER, GOT_BIN, NEWS = '4317["got"]', '4318["got"]', '43/chat,17["got"]', '43/chat,9["got"]', '42["news"]'
    BACK, GOT_BACK = '450-17["back"]', '461-17[{"_placeholder":true,"num":0}]'

    def said(name, *rows):
        wire = Wire(1)
        s = Session(wire).handshake("/socket.io/?EIO=4&transport=websocket")
        for row in rows:
            s.say(C2S if row[0] == ">" else S2C, BINARY if isinstance(row[1], bytes) else TEXT, row[1])
        s.shut()
        return write(os.path.join(tmp, name), classic(wire.packets))

    golden = os.path.join(tmp, "acks.golden")
    run("snapshot", said("one.pcap", (">", ASK), (">", ASK2), ("<", GOT), ("<", NEWS), ("<", GOT2), (">", OTHER), ("<", GOT_OTHER), (">", BIN), (">", PIECE), (">", PIECE),
                         ("<", GOT_BIN), ("<", BACK), (">", GOT_BACK), (">", PIECE)), "-o", golden)
    shown = [line for line in read(golden).splitlines() if line.startswith(("  > ", "  < "))]
    order = [next(i for i, line in enumerate(shown) if words in line) for words in ("> json 4217", "< json 4317", "> json 4218", "< json 42[", "< json 4318")]
    check("each behind its event", order == sorted(order) and [line[:11] for line in shown if "binary" in line or "9[" in line] == ["  > json 45", "  > binary ", "  > binary ", "  < json 43", "  > binary "], shown)
    for name, same, rows in [
            ("mixed otherwise", True, [(">", ASK), ("<", GOT), (">", ASK2), (">", OTHER), ("<", NEWS), ("<", GOT2), (">", BIN), (">", PIECE), ("<", GOT_OTHER), (">", PIECE),
                                       ("<", GOT_BIN), ("<", BACK), (">", GOT_BACK), (">", PIECE)]),
            ("before its event", False, [(">", ASK), ("<", GOT), ("<", NEWS), ("<", GOT2), (">", ASK2), (">", OTHER), ("<", GOT_OTHER), (">", BIN), (">", PIECE), (">", PIECE),
                                         ("<", GOT_BIN), ("<", BACK), (">", GOT_BACK), (">", PIECE)]),
            ("before its namespace's", False, [(">", ASK), (">", ASK2), ("<", GOT), ("<", NEWS), ("<", GOT2), ("<", GOT_OTHER), (">", OTHER), (">", BIN), (">", PIECE), (">", PIECE),
                                               ("<", GOT_BIN), ("<", BACK), (">", GOT_BACK), (">", PIECE)]),
            ("before all of its event", False, [(">", ASK), (">", ASK2), ("<", GOT), ("<", NEWS), ("<", GOT2), (">", OTHER), ("<", GOT_OTHER), (">", BIN), (">", PIECE),
                                                ("<", GOT_BIN), (">", PIECE), ("<", BACK), (">", GOT_BACK), (">", PIECE)]),
            ("before what the server asks", False, [(">", ASK), (">", ASK2), ("<", GOT), ("<", NEWS), ("<", GOT2), (">", OTHER), ("<", GOT_OTHER), (">", BIN), (">", PIECE), (">", PIECE),
                                                    ("<", GOT_BIN), (">", GOT_BACK), ("<", BACK), (">", PIECE)])]:
        result = run("check", said("other.pcap", *rows), golden)
        check(f"an acknowledgement, {name}: {'the same' if same else 'different'}", result.status == (0 if same else 1), result)
    for prefix in ("43", "4", "43x", "431-", "43-1", "45-", "45", "43/chat", "43/chat,", "43chat,1", "4/1", "459999999999999999999-/c,1", "0" * 70, "43/" + "c" * 55 + ",1"):
        check(f"what looks like one: {prefix[:24]}", run("snapshot", said("odd.pcap", ("<", f"{prefix}[]"), (">", f"{prefix}[]"), (">", b"x"))).status == 0)


def became(tmp):
    """What is changed is the same side's, and of one subject; what else differs is gone, or came. A front of what was said is not all of it."""
    def capture(name, *said):
        wire = party.Wire(1)
        s = party.Session(wire, client=("10.1.0.1", 50001)).handshake("/open")
        for way, text in said:
            s.say(way, TEXT, text)
        return write(os.path.join(tmp, name), party.classic(wire.packets))

    first = capture("first.pcap", (C2S, "one"), (S2C, "two"))
    golden = os.path.join(tmp, "first.golden")
    run("snapshot", first, "-o", golden)
    for name, said, words in (("more", [(C2S, "one"), (S2C, "two"), (S2C, "three")], ['message 2 from the server was not expected: text "three"']),
                              ("less", [(C2S, "one")], ['message 1 from the server is missing: text "two"']),
                              ("another", [(C2S, "one"), (S2C, "twos")], ['message 1 from the server: was text "two", is text "twos"']),
                              ("the other side's", [(C2S, "one"), (C2S, "twos")], ['message 1 from the server is missing: text "two"', 'message 2 from the client was not expected: text "twos"'])):
        other = capture("other.pcap", *said)
        for result in (run("check", other, golden), run("diff", first, other)):
            check(f"{name}: what it became", result.status == 1 and f": {len(words)} difference" in result.text and all(word in result.text for word in words), result)
    capture, text = os.path.join(CAPTURES, "04_subprotocol.pcap"), run("snapshot", os.path.join(CAPTURES, "04_subprotocol.pcap")).text
    for line, count in (("offered chats, superchat", 1), ("extension chat, superchat", 2)):
        write(golden, text.replace("offered chat, superchat", line))
        result = run("check", capture, golden)
        check(f"{line}: {count}", result.status == 1 and f": {count} difference" in result.text and result.text.count("is missing") == result.text.count("was not expected") == count - 1, result)


def diffs(tmp):
    one, other = Party(1), Party(2)
    other.connections["ann"]["steps"]["line"] = Step(S2C, TEXT, "a line of text\nand two more")
    a, b = one.write(os.path.join(tmp, "a.pcap")), other.write(os.path.join(tmp, "b.pcap"))
    result = run("diff", *party.settings(), a, b)
    check("diff: exit status 1", result.status == 1 and result.err == b"", result)
    for words in ("/chat?user=ann", "message 4 from the server", "- ", "and one more", "and two more", "a.pcap packet", "b.pcap packet", "1 difference\n"):
        check(f"diff: says {words}", words in result.text, result)
    paths = {kind: os.path.join(tmp, f"d.{kind}") for kind in ("junit", "tap", "github", "json")}
    wanted = [words for kind in paths for words in ("--report", f"{kind}={paths[kind]}")]
    reported = run("diff", *wanted, *party.settings(), a, b)
    check("diff --report: the text as without", reported.status == 1 and reported.text == result.text and reported.err == b"", reported)
    suite, case = (xml.parse(paths["junit"]).find(f".//{name}") for name in ("testsuite", "testcase"))
    check("... junit", suite.get("name") == "wstrace diff" and (case.get("classname"), case.get("name")) == ("wstrace.diff", b)
          and "message 4 from the server" in case.find("failure").get("message") and "time" not in suite.attrib, suite.attrib)
    check("... tap", read(paths["tap"]).startswith(f"TAP version 13\nnot ok 1 - {b}\n# /chat?user=ann: message 4"), read(paths["tap"]))
    check("... github", read(paths["github"]).startswith("::error file=") and "message 4 from the server" in read(paths["github"]), read(paths["github"]))
    one_case = json.loads(read(paths["json"]))["cases"][0]
    check("... json", (one_case["capture"], one_case["expected"], one_case["status"], one_case["count"]) == (b, a, "different", 1)
          and one_case["differences"][0]["expected_pkt"] and one_case["differences"][0]["pkt"], one_case)
    reported = run("diff", "--report", "tap", *party.settings(), a, a)
    check("... the same, to standard output", (reported.status, reported.text) == (0, f"TAP version 13\nok 1 - {a}\n1..1\n"), reported)
    reported = run("diff", "--report", "tap", a + ".none", b)
    check("... trouble", reported.status == 2 and b"a.pcap.none: No such file" in reported.err and "not ok 1" in reported.text and "No such file" in reported.text, reported)
    before = read(paths["json"])
    for words in (["--report", f"json={a}", a, b], ["--report", f"json={b}", a, b], ["--report", "yaml", a, b], ["--report", "tap", "--report", "json", a, b],
                  ["--report", f"json={tmp}/none/x", a, b], ["--report", f"json={paths['json']}", "-f", "tcp prot", a, a], ["--report", f"json={paths['json']}", a]):
        reported = run("diff", *words)
        check(f"... refused or trouble: {words[1][:12]} {words[-1][-6:]}", reported.status == 2 and reported.err, reported)
    check("... captures are whole", run("diff", "-q", a, a).status == run("diff", "-q", b, b).status == 0)
    check("... a report of trouble", json.loads(read(paths["json"]))["cases"][0]["status"] == "trouble" != json.loads(before)["cases"][0]["status"])
    check("diff --timing 1h", run("diff", *party.settings(), "--timing", "1h", a, a).status == 0)
    for value in ("0", "1x", "-1s", "0x10", "1e3", "1..2s", "s", "", "1 s", "999999999h"):
        refused(f"diff --timing '{value}'", run("diff", "--timing", value, a, a), "--timing wants a time above 0 such as", f"not '{value}'", "wstrace diff --help")
    closed, open_ = os.path.join(CAPTURES, "06_tls13_ccm.pcap"), os.path.join(CAPTURES, "04_ipv6.pcap")
    for pair, words in (((open_, closed), "is missing"), ((closed, open_), "was not expected")):
        result = run("diff", *pair)
        check(f"diff: a connection {words}, and why that may be", result.status == 1 and words in result.text and result.says
              == f"wstrace: {closed}: hint: 1 TLS connection could not be read: no secrets for it (--keylog FILE)\n", result)
    refused("diff --timing: what is given last counts", run("diff", "--timing", "1s", "--timing", "x", a, a), "not 'x'")
    check("diff --timing: all units, and quietly", all(run("diff", "-q", "--timing", value, a, a).out == b"" for value in ("250us", "1.5ms", "2", "2s", "1m", "1h")))
    result = run("diff", a, a, "--timing", "1ms")
    check("diff --timing: the same times", result.status == 0, result)
    wire = one.__class__(3)
    packets = wire.record()
    middle = packets[len(packets) // 2].when
    c = write(os.path.join(tmp, "c.pcap"), party.classic(packets))
    d = write(os.path.join(tmp, "d.pcap"), party.classic(packets, times=[p.when + (5_000_000 if p.when > middle else 0) for p in packets]))
    check("times do not matter", run("diff", c, d).status == 0)
    result = run("diff", "--timing", "2s", c, d)
    check("... unless asked for", result.status == 1 and "s of silence, not " in result.text and not re.search("^ +[-+] ", result.text, re.M), result)
    check("... with a threshold", run("diff", "--timing", "6s", c, d).status == 0)


for part in (large, same_and_different, not_followed, written_and_read, overwriting, one_connection, heads, ignored_texts, queries, trouble, suites, confined, acknowledgements, became, diffs):
    with directory() as folder:
        part(folder)
done()

#!/usr/bin/env python3
"""The command line: help, version, what is refused and how, the problems command."""

import os
import re
import shutil

from toolcheck import BASIC, SOURCE, check, directory, done, refused, run

# -- help -----------------------------------------------------------------------------------------

help_ = run("--help")
lines = help_.text.splitlines()
check("help: exit status 0, nothing on stderr", help_.status == 0 and help_.err == b"", help_)
check("help fits 100 columns", max(map(len, lines)) <= 100, max(lines, key=len))
check("help fits a tall screen of 90 lines", len(lines) <= 90, len(lines))
check("help: a blank column before what an option does",
      all(re.search(r"\S  +\S", l[2:]) for l in lines if re.match(r"  (-\w|    --)", l)), help_)
check("help: a blank column before what a command does", all(re.search(r"\S  +\S", l[7:]) for l in lines[:13]), lines[:13])
check("help: no blanks at the end of a line", all(l == l.rstrip() for l in lines), help_)
for word in ("Usage:", "problems", "--json", "-i, --interface", "Example"):
    check(f"help shows {word}", word in help_.text, help_)
check("-h is --help", run("-h").out == help_.out)
check("trace --help is --help", run("trace", "--help").out == help_.out)
check("help wins over missing files", run("--json", "-h").status == 0)
check("help into /dev/full", run("-h", stdout=open("/dev/full", "wb")).status == 2)

for command in ("explain", "lint", "report", "top", "quiz", "demo", "snapshot", "check", "diff", "replay", "problems"):
    of = run(command, "--help")
    check(f"{command} --help: its own, on 100 columns", of.status == 0 and of.err == b""
          and of.text.startswith(f"Usage: wstrace {command}")
          and all(len(l) <= 100 and l == l.rstrip() for l in of.text.splitlines()), of)
of = run("lint", "--help").text
check("lint --help: what says how a timeline looks is left out",
      "  -v, --verbose" in of and "--keylog" in of and not re.search(r"--max-text|--headers|--op\b|--problems|^  -[wtAX]\b", of, re.M), of)

version = run("--version")
check("version", version.status == 0 and re.fullmatch(r"wstrace \d+\.\d+\.\d+\n", version.text), version)

# -- what the table in the source has, the help has, and takes ------------------------------------

table = open(os.path.join(SOURCE, "src/tool/options.c"), encoding="utf-8").read()
rows = re.findall(r'^ *\{(?:NULL|"[^"]*"), (?:0|\'(.)\'), (?:NULL|"([a-z-]+)"), (?:NULL|"([^"]+)"), '
                  r"[^\n]*?(NULL|\"[^\"\n]*(?:\\\"[^\"\n]*)*\")\},?$", table, re.M)
check("the table is found", len(rows) > 25, rows)
for letter, name, value, text in rows:
    if text == "NULL":
        continue
    if letter:
        check(f"help shows -{letter}", re.search(rf"^  -{letter}\b", help_.text, re.M), help_)
    if name:
        check(f"help shows --{name}", re.search(rf"--{name}\b", help_.text), help_)
    word = f"-{letter}" if letter else f"--{name}" if name else None
    if word and value:
        refused(f"{word} without its value", run(word), word, value)

# -- refused ----------------------------------------------------------------------------------------

refused("no arguments", run(), "no capture named", "--help")
refused("an unknown long option", run("--frobnicate", BASIC), "--frobnicate", "--help")
refused("an unknown long option with a value", run("--frobnicate=1", BASIC), "--frobnicate ")
refused("an unknown letter", run("-j", BASIC), "-j", "--help")
refused("an unknown letter in a cluster", run("-nj", BASIC), "-j")
refused("lint -w without --print: nothing would be checked", run("lint", "-w", os.devnull, BASIC), "-w", "--print")
refused("-W without -w", run("-W", "3", BASIC), "-W", "-w")
refused("half an option that could be two", run("--co", "1"), "--conn", "--color")
refused("a flag with a value", run("--json=yes", BASIC), "--json")
refused("-c 0", run("-c", "0", BASIC), "-c")
for bad in ("x", "-1", "1x", " 1", "", "99999999999999999999999"):
    refused(f"-c {bad!r}", run("-c", bad, BASIC), "-c")
for bad in ("0", "16Q", "K", "1KK", "99999999999G", "-1"):
    refused(f"--max-message {bad!r}", run("--max-message", bad, BASIC), "--max-message")
refused("--memory 1K", run("--memory", "1K", BASIC), "--memory")
refused("--conn 0", run("--conn", "0", BASIC), "--conn")
refused("--dir", run("--dir", "up", BASIC), "--dir", "c2s")
refused("--op", run("--op", "text,spam", BASIC), "--op", "spam")
refused("--op 16", run("--op", "16", BASIC), "--op")
refused("--op with nothing", run("--op", "", BASIC), "--op")
refused("--op that ends in a comma", run("--op", "text,", BASIC), "--op")
refused("--color", run("--color", "sometimes", BASIC), "--color")
refused("six -t", run("-tttttt", BASIC), "-t")
refused("-r beside -i", run("-i", "lo", "-r", BASIC), "-i", "-r")
refused("two interfaces", run("-i", "lo", "-i", "lo"), "-i")
refused("no such interface: where to look", run("-i", "no-such-device"), "no-such-device", "wstrace -D")
refused("no such number of one", run("-i", "9999"), "9999", "wstrace -D")
refused("-f without a file", run(BASIC, "-f", "tcp"), "-f")
refused("two -f for one file", run("-f", "tcp", "-f", "udp", BASIC), "-f")
refused("standard input twice", run("-", "-"), "standard input")
refused("-G without -w", run("-G", "1", BASIC), "-w")
refused("-w over its own input", run("-w", BASIC, BASIC), "input and output")
refused("packets and text in one stream", run("-w", "-", "--print", BASIC), "standard output")
refused("an interface that is none", run("-i", "no-such-if0"), "no-such-if0")

# -- taken ------------------------------------------------------------------------------------------

for good in (["--max-message", "64K"], ["--max-message=1MiB"], ["--memory", "2gb"], ["--max-text", "0"],
             ["--op", "text,0x2,9"], ["-n"], ["-nlq"], ["--colour", "never"], ["--color=never"],
             ["-s", "0"], ["-p"], ["-B", "4096"], ["-y", "EN10MB"], ["--snapshot", "96"], ["--colo=auto"]):
    result = run(*good, BASIC)
    check(f"{good} is taken", result.status == 0 and result.err == b"", result)
check("options behind the file", run(BASIC, "--json").out == run("--json", BASIC).out)
check("the default command by its name", run("trace", BASIC).out == run(BASIC).out)
check("-- ends options", run("-q", "--", BASIC).out == run("-q", BASIC).out)
refused("a file that begins with a dash, behind --", run("--", "--json"), "--json: ")

# -- slips --------------------------------------------------------------------------------------------

for slip, meant in (("snpashot", "snapshot"), ("lnit", "lint"), ("chek", "check"), ("reprot", "report"), ("tpo", "top"), ("help", "--help")):
    refused(f"{slip}: the command that is meant", run(slip, "x.pcap"), slip, f"did you mean wstrace {meant}?")
check("a word far from all commands is a file", "did you mean" not in run("capture").says and "No such file" in run("capture").says)
with directory() as tmp:
    shutil.copy(BASIC, os.path.join(tmp, "lnit"))
    check("a file of that name is a file", run("lnit", cwd=tmp).out == run(BASIC).out)
refused("--jsno", run("--jsno", BASIC), "did you mean --json?")
refused("--conn twice", run("--conn", "1", "--conn", "2", BASIC), "--conn", "twice")
refused("--dir twice", run("--dir", "c2s", "--dir", "s2c", BASIC), "--dir", "twice")
refused("--stats of a file", run("--stats", "1", BASIC), "--stats", "-i")
refused("-w and -o without --print", run("-w", "/dev/null", "-o", "/dev/null", BASIC), "--print")
result = run("-w", "/dev/null", "--json", BASIC)
check("-w and --json: hint", result.status == 0 and result.out == b"" and "--print" in result.says, result)
for words in (["-r", BASIC, "tcp", "port", "9"], ["-f", "udp", BASIC], ["--json", "-r", BASIC, "udp"], ["-w", "/dev/null", "-r", BASIC, "udp"]):
    result = run(*words)
    check(f"{words}: a filter that nothing passes", result.status == 0 and result.says.startswith("wstrace: no packet passed the filter"), result)
check("a filter that something passes", run("-r", BASIC, "tcp").err == b"")

# -- names that want to be obeyed ---------------------------------------------------------------------

for name in (b"no\x1b[2Jsuch", b"no\nsuch", b"no\xffsuch", b"no\xc2\x9bsuch", "no\u202esuch".encode(),
             b"no\rsuch\t\x07"):
    result = run(name)
    refused(f"file {name!r}", result, "No such file")
    check(f"file {name!r}: shown, not obeyed",
          not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]", result.says), result)
    result = run("--dir", name, BASIC)
    check(f"value {name!r}: shown, not obeyed",
          not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e\udc80-\udcff]", result.says), result)

# -- problems -----------------------------------------------------------------------------------------

listed = run("problems")
rows = re.findall(r'WST_PROBLEM_ROW\(\w+, "([^"]+)", WST_(\w+)',
                  open(os.path.join(SOURCE, "include/wstrace/problems.def"), encoding="utf-8").read())
check("problems: exit status 0", listed.status == 0 and listed.err == b"", listed)
check("problems lists every row of the registry, with its level",
      [(l.split()[1], l.split()[0]) for l in listed.text.splitlines()]
      == [(id_, level.lower()) for id_, level in rows], listed)
one = run("problems", "frame.unmasked-client")
check("problems ID", one.status == 0 and "RFC 6455 §5.1" in one.text and "advice" in one.text, one)
check("problems FAMILY", run("problems", "close").text.count("meaning")
      == sum(id_.startswith("close.") for id_, _ in rows))
check("a family is a whole word", run("problems", "clos").status == 2)
unknown = run("problems", "frame.nonsense")
refused("an unknown finding", unknown, "frame.nonsense")
some = run("problems", "frame.nonsense", "frame.rsv")
check("a known one beside it is still explained", some.status == 2 and "frame.rsv" in some.text, some)
check("problems --help", run("problems", "--help").text.startswith("Usage: wstrace problems"))
refused("problems: unknown option", run("problems", "--json"), "--json")
check("problems into /dev/full", run("problems", stdout=open("/dev/full", "wb")).status == 2)
refused("a finding that is nearly one", run("problems", "frame.unmaskd-client"), "did you mean frame.unmasked-client?")
refused("the beginning of one", run("problems", "frame.unmasked"), "did you mean frame.unmasked-client?")
refused("the beginning of two", run("problems", "handshake.deflate"), "did you mean handshake.deflate-unmatched or handshake.deflate-unsaid?")
refused("a lesson that is nearly one", run("demo", "handshak"), "did you mean handshake?")

# -- what no command may differ in --------------------------------------------------------------------

for command in re.findall(r"^(?:Usage:|      ) wstrace \[?(\w+)", run("--help").text, re.M):
    for option in ("--version", "-V"):
        check(f"{command} {option}", run(command, option).text == run("--version").text)
    check(f"{command} --help", run(command, "--help").text.startswith("Usage: wstrace"))
refused("replay of nothing", run("replay"), "replay wants a capture and a URL")

# A capture in which nothing could be read must not look like one in which nobody spoke.
closed, words = os.path.join(SOURCE, "captures/06_tls13_ccm.pcap"), "1 TLS connection stayed closed and was not read: no key\n"
with directory() as tmp:
    empty = os.path.join(tmp, "none.pcap")
    with open(empty, "wb") as file:
        file.write(bytes.fromhex("d4c3b2a1020004000000000000000000ffff000001000000"))
    for command, what in (("har", "archive"), ("report", "page")):
        for capture, said in ((closed, words), (empty, "")):
            result = run(command, capture, "-o", os.path.join(tmp, "out"))
            check(f"{command}: none in it", result.status == 0 and result.says.replace("wstrace: ", "")
                  == said + f"no WebSocket connection was found: there is none in the {what}\n", result)
        check(f"{command}: nothing to say", run(command, BASIC, "-o", os.path.join(tmp, "out")).err == b"")
    refused("diff of nothing", run("diff", empty, empty), "nothing was compared")
    check("diff of what could not be read", run("diff", closed, closed).says.count("hint: 1 TLS connection could not be read") == 2)
    check("diff of something and nothing", run("diff", BASIC, empty).status == 1)
result = run("explain", closed, "1")
check("explain: why", result.status == 2 and words in result.says, result)
refused("quiz: why", run("quiz", "--answers", closed), "as far as it could be read: keys are missing")
check("explain says it once", run("explain", closed).err == b"")
refused("replay: why", run("replay", closed, "ws://h"), "1 TLS or QUIC connection could not be read: no secrets for it (--keylog FILE)")
result = run("replay", BASIC, "ws://127.0.0.1:1")
refused("replay to nobody: no figures of nothing", result, "Connection refused")
check("... but in JSON they belong there", run("replay", "--json", BASIC, "ws://127.0.0.1:1").text.count('"type":"stats"') == 1)

done()

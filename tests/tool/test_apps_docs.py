#!/usr/bin/env python3
"""docs/APPS.md keeps its word: a section for each protocol, with all packets and fields that the captures have and
the sources can say, and no others; what it shows is what the tool prints."""

import glob
import json
import os
import re
import shlex
import shutil
import subprocess

from toolcheck import CAPTURES, SOURCE, TOOL, check, done, environment, run

with open(os.path.join(SOURCE, "docs/APPS.md"), encoding="utf-8") as f:
    page = f.read()
with open(os.path.join(SOURCE, "include/wstrace/apps.def"), encoding="utf-8") as f:
    ROWS = re.findall(r'^WST_APP_ROW\(\w+, (\w+), "([^"]+)", "([^"]+)", "([^"]+)"\)', f.read(), re.M)
SHARED = {"socketio": ("engine.io", "socket.io")}  # one source, two protocols

# -- sections ----------------------------------------------------------------------------------------------------


def words_of(text):
    return {w for quoted in re.findall(r"`([^`]+)`", text) for w in re.split(r"[\s=]+", quoted)}


def rows_of(text):
    """Of each row: its packets, its fields, and the side that sends them, "" where both do or it does not say."""
    for row in re.findall(r"^\|(.*)\|$", text, re.M):
        columns = row.split("|")
        if columns[0].strip("- ") and columns[0].strip() != "packet":
            side = re.search(r"of the (client|server)", columns[0])
            yield words_of(columns[0]), words_of(columns[1]), side.group(1) if side else ""


def tables_of(text):
    """What stands in the first two columns: packets, and fields."""
    rows = list(rows_of(text))
    return set().union(*(r[0] for r in rows)), set().union(*(r[1] for r in rows))


check("apps.def has rows", len(ROWS) >= 13)
protocols = page.split("\n## Protocols\n")[1]
sections = dict(re.findall(r"^### (.+)\n((?:(?!### ).*\n?)*)", protocols, re.M))
check("sections are the rows of apps.def, in their order", list(sections) == [title for _, _, title, _ in ROWS],
      list(sections))
by_id = {i: sections.get(title, "") for _, i, title, _ in ROWS}
for _, i, title, where in ROWS:
    check(f"{title}: says its name in JSON, and where it is written down", f"\n`{i}`: {where}\n" in by_id[i])
    check(f"{title}: says how it is known", "\nKnown by " in by_id[i])
    check(f"{title}: has a table of packets", tables_of(by_id[i])[0])

# -- what the captures have ------------------------------------------------------------------------------------------

seen = set()
for path in sorted(glob.glob(os.path.join(CAPTURES, "08_*.pcap"))):
    for e in run("--json", "--apps", path).events("message"):
        app = e.get("app", {"packets": []})
        side = {"c2s": "client", "s2c": "server"}[e["dir"]]
        seen |= {(app["protocol"], p["name"], side, field) for p in app["packets"] for field in [None, *p["fields"]]}
check("captures have packets", len(seen) > 200)
for i, name, side, field in sorted(seen, key=str):
    if field is None:
        check(f"{i}: packet {name} of the {side} stands in its table",
              any(name in packets and by in ("", side) for packets, _, by in rows_of(by_id[i])))
    else:
        check(f"{i}: field {field} of {name} stands in its section", field in words_of(by_id[i]))

# -- what the sources can say -----------------------------------------------------------------------------------------

SAYS = re.compile(r"\b(?:wst_)?(?:say_(?!body|meant|read)|list_)\w+\(")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
NO_PACKETS = {"MQTT", "EIO"}  # what CONNECT and an address say
COMMENT = re.compile(r"/\*.*?\*/", re.S)


def arguments(text, at):
    """Of the call whose bracket opens before `at`."""
    depth, out, from_ = 1, [], at
    while depth:
        c = text[at]
        depth += (c in "([{") - (c in ")]}")
        if (c == "," and depth == 1) or depth == 0:
            out.append(text[from_:at])
            from_ = at + 1
        at += 1
    return out


def said_in(text):
    """Names that a source gives where something is said: packets, and fields."""
    packets, fields = set(), set()
    for call in SAYS.finditer(text):
        for argument in arguments(text, call.end())[1:]:
            if LITERAL.search(argument):  # the first with a literal is the name; what follows is a value
                (packets if "say_packet" in call.group() else fields).update(LITERAL.findall(argument))
                break
    return packets, fields


def listed_in(text, symbol):
    """Names that stand in its tables: packets, and fields."""
    packets = set(re.findall(r'\{"([\w:-]+)", (?:[A-Z]|read_)', text))  # rows that begin with a packet …
    fields = set(re.findall(r'\{(?:"[^"]*", )+"([a-z_]+)"(?:, \w+)?\}', text))  # … and that end with a field
    for table in re.findall(r"names\w*\[\w*\] = \{([^}]*)\}", text):
        (fields if symbol == "wamp" else packets).update(LITERAL.findall(table))
    for value in re.findall(r"\breturn ([^;()]*);", text):
        packets |= {w for w in LITERAL.findall(value) if re.fullmatch("[a-z]+", w)}
    packets |= {w for w in LITERAL.findall(text) if re.fullmatch("[A-Z][A-Z_]+", w)} - NO_PACKETS
    return packets, fields | {w for w in LITERAL.findall(text) if re.fullmatch("[a-z]+(?:_[a-z]+)+", w)}


for symbol, i, title, _ in ROWS:
    files = sorted(glob.glob(os.path.join(SOURCE, f"src/apps/{symbol}*.*")))
    texts = []
    for path in files:
        with open(path, encoding="utf-8") as f:
            texts.append(COMMENT.sub("", f.read()))
    if not files:
        check(f"{title}: has a source, or shares one", any(i in ids for ids in SHARED.values()))
        continue
    both = [said_in(t) for t in texts] + [listed_in(t, symbol) for t in texts]
    packets, names = (set().union(*(b[n] for b in both)) for n in (0, 1))
    check(f"{title}: names are found in its source", len(packets | names) >= 8, (packets, names))
    ids = SHARED.get(symbol, (i,))
    for name in sorted(packets):
        check(f"{title}: packet {name} of its source stands in its table", any(name in tables_of(by_id[one])[0] for one in ids))
    stands = set().union(*(words_of(by_id[one]) for one in ids))
    stands |= {w[len("will_"):] for w in stands if w.startswith("will_")}
    for name in sorted(names - {""}):
        check(f"{title}: {name} of its source stands in its section", name in stands)
    for below in re.findall(r"engine_names\[\w*\] = \{([^}]*)\}", "".join(texts)):  # packets of both
        for one in ids:
            check(f"{one}: all of Engine.IO's packets", set(LITERAL.findall(below)) <= tables_of(by_id[one])[0])
    literals = {w for t in texts for w in LITERAL.findall(t)}
    literals |= {"will_" + w for w in literals} if symbol == "mqtt" else set()
    for one in ids:
        for name in sorted(set().union(*tables_of(by_id[one]))):
            check(f"{one}: {name} of the tables is in the source", name in literals)

# -- what it shows ------------------------------------------------------------------------------------------------------


def in_order(shown, real):
    """`shown` is `real`; "..." stands for lines that are left out."""
    blocks = [b.strip("\n").split("\n") if b.strip("\n") else [] for b in re.split(r"^\.\.\.$", shown, flags=re.M)]
    at = 0
    for n, block in enumerate(blocks):
        places = range(at, len(real) - len(block) + 1) if n else [0]
        at = next((p + len(block) for p in places if real[p:p + len(block)] == block), None)
        if at is None:
            return False
    return not blocks[-1] or at == len(real)


check("in_order finds what is not there", in_order("a\n...\nc\n", ["a", "b", "c"]) and not in_order("a\nc\n", ["a", "b", "c"])
      and not in_order("a\n...\nb\n", ["a", "b", "c"]) and not in_order("...\nd\n...\n", ["a", "b", "c"]))

with_jq = shutil.which("jq")
if not with_jq:
    print("no jq: what it prints is not compared")


def printed(command):
    """Lines of `wstrace … [| jq …]`, or None: it failed, or cannot be run here."""
    words = shlex.split(command)
    if "|" not in words:
        return run(*words[1:]).text.splitlines()
    bar = words.index("|")
    ours = run(*words[1:bar])
    jq = subprocess.run(words[bar + 1:], input=ours.out, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    return jq.stdout.decode().splitlines() if ours.status == 0 and jq.returncode == 0 and not jq.stderr else None


examples = re.findall(r"^```\n\$ (wstrace .*)\n((?:(?!```).*\n)*)```", page, re.M)
check("there is an example of text, and one of JSON", len({"| jq" in c for c, _ in examples}) == 2)
for command, shown in examples:
    if with_jq or "| jq" not in command:
        real = printed(command)
        check(f"really printed by {command!r}", real is not None and shown.strip() and in_order(shown, real), real)

with open(os.path.join(SOURCE, "README.md"), encoding="utf-8") as f:
    both = page + f.read()
for command in re.findall(r"^(wstrace .*--apps .*\| jq .*?)(?: +#.*)?$", both, re.M) if with_jq else []:
    command = command.replace("day.pcapng", "captures/08_mqtt5.pcap").replace("> 0.5", "> 0.005")
    check(f"prints something: {command!r}", printed(command))
done()

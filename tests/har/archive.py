"""What the tests of archives share: HAR 1.2 as its specification words it, and what an archive says."""

import base64
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tool"))

# -- http://www.softwareishard.com/blog/har-12-spec/, a row an object: a member, its kind, whether it
# must be there. "X" is an object of that row, "[X]" a list of them. ------------------------------------

SPEC = {
    "log": {"version": ("version", True), "creator": ("creator", True), "browser": ("creator", False),
            "pages": ("[page]", False), "entries": ("[entry]", True), "comment": ("str", False)},
    "creator": {"name": ("str", True), "version": ("str", True), "comment": ("str", False)},
    "entry": {"pageref": ("str", False), "startedDateTime": ("date", True), "time": ("time", True),
              "request": ("request", True), "response": ("response", True), "cache": ("cache", True),
              "timings": ("timings", True), "serverIPAddress": ("ip", False), "connection": ("str", False),
              "comment": ("str", False)},
    "request": {"method": ("str", True), "url": ("url", True), "httpVersion": ("str", True),
                "cookies": ("[cookie]", True), "headers": ("[pair]", True), "queryString": ("[pair]", True),
                "postData": ("none", False), "headersSize": ("size", True), "bodySize": ("size", True),
                "comment": ("str", False)},
    "response": {"status": ("count", True), "statusText": ("str", True), "httpVersion": ("str", True),
                 "cookies": ("[cookie]", True), "headers": ("[pair]", True), "content": ("content", True),
                 "redirectURL": ("str", True), "headersSize": ("size", True), "bodySize": ("size", True),
                 "comment": ("str", False)},
    "cookie": {"name": ("str", True), "value": ("str", True), "path": ("str", False), "domain": ("str", False),
               "expires": ("date", False), "httpOnly": ("bool", False), "secure": ("bool", False),
               "sameSite": ("str", False), "comment": ("str", False)},  # sameSite: Chrome's
    "pair": {"name": ("str", True), "value": ("str", True), "comment": ("str", False)},
    "content": {"size": ("count", True), "compression": ("count", False), "mimeType": ("str", True),
                "text": ("str", False), "encoding": ("str", False), "comment": ("str", False)},
    "cache": {"beforeRequest": ("none", False), "afterRequest": ("none", False), "comment": ("str", False)},
    "timings": {"blocked": ("timing", False), "dns": ("timing", False), "connect": ("timing", False),
                "send": ("time", True), "wait": ("time", True), "receive": ("time", True),
                "ssl": ("timing", False), "comment": ("str", False)},
    # Chrome's, since version 76 (models/har/Log.ts); members of ours begin with an underscore.
    "message": {"type": ("way", True), "time": ("seconds", True), "opcode": ("data", True), "data": ("str", True),
                "comment": ("str", False)},
}

DATE = re.compile(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d(\.\d{3,})?Z")
number = (int, float)


def is_number(value):
    return isinstance(value, number) and not isinstance(value, bool)


KINDS = {
    "str": lambda v: isinstance(v, str),
    "bool": lambda v: isinstance(v, bool),
    "version": lambda v: v == "1.2",
    "date": lambda v: isinstance(v, str) and DATE.fullmatch(v),
    "time": lambda v: is_number(v) and v >= 0,
    "seconds": is_number,
    "timing": lambda v: is_number(v) and v >= -1,
    "count": lambda v: isinstance(v, int) and v >= 0,
    "size": lambda v: isinstance(v, int) and v >= -1,
    "ip": lambda v: isinstance(v, str) and re.fullmatch(r"[0-9a-f:.]+", v),
    # RFC 3986: what a URI is made of, and the brackets that browsers let stand.
    "url": lambda v: isinstance(v, str) and re.fullmatch(r"wss?://[^/?#]+([/?]([\w\-.~!$&'()*+,;=:@/?\[\]]|%[0-9a-fA-F]{2})*)?",
                                                         v, re.ASCII),
    "way": lambda v: v in ("send", "receive"),
    "data": lambda v: v in (1, 2),
    "none": lambda v: False,
}


def violations(value, kind="log", where="log"):
    """What of it is not as the specification says."""
    if kind.startswith("["):
        if not isinstance(value, list):
            return [f"{where} is no list"]
        return [v for i, one in enumerate(value) for v in violations(one, kind[1:-1], f"{where}[{i}]")]
    if kind in KINDS:
        return [] if KINDS[kind](value) else [f"{where} is {value!r:.80}"]
    if not isinstance(value, dict):
        return [f"{where} is no object"]
    found = [f"{where} lacks {name}" for name, (_, must) in SPEC[kind].items() if must and name not in value]
    for name, one in value.items():
        if name in SPEC[kind]:
            found += violations(one, SPEC[kind][name][0], f"{where}.{name}")
        elif not name.startswith("_"):
            found.append(f"{where} has a {name}")
    return found


def once(pairs):
    """A member that comes twice is one that readers disagree about."""
    assert len(pairs) == len({name for name, _ in pairs}), [name for name, _ in pairs]
    return dict(pairs)


def no_constant(name):
    raise ValueError(name)


def parse(data):
    """The log, and what is wrong with it."""
    text = data.decode("utf-8")
    log = json.loads(text, object_pairs_hook=once, parse_constant=no_constant)["log"]
    wrong = violations(log)
    if "\0" in text or re.search(r"[\x01-\x09\x0b-\x1f\x7f]", text):
        wrong.append("a control character")
    for i, entry in enumerate(log["entries"]):
        if entry.get("_resourceType") != "websocket":
            wrong.append(f"entry {i} is a {entry.get('_resourceType')}")
        wrong += violations(entry.get("_webSocketMessages"), "[message]", f"entry {i}")
        sum_ = sum(t for n, t in entry["timings"].items() if n != "ssl" and t > 0)
        if abs(entry["time"] - sum_) > 1e-6 * max(1, sum_):
            wrong.append(f"entry {i}: {entry['time']} is not the sum of its timings")
    dates = [entry["startedDateTime"] for entry in log["entries"]]
    if dates != sorted(dates):
        wrong.append("entries are not in order")
    return log, wrong


def payload(item):
    """The bytes of a message or control frame."""
    if item.get("_encoding") == "base64" or item["opcode"] == 2:
        return base64.b64decode(item["data"], validate=True)
    return item["data"].encode()

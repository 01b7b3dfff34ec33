#!/usr/bin/env python3
"""Encrypted captures: where keys come from, what is written with them, what is never written."""

import glob
import json
import os
import re
import shutil
import stat
import subprocess
import time

from toolcheck import BASIC, CAPTURES, TOOL, Result, check, directory, done, environment, keys_of, private, refused, run

UPDATE = os.path.join(CAPTURES, "06_tls13_keyupdate.pcap")
KEYS = os.path.join(CAPTURES, "06_tls13_keyupdate.keys")
RSA = os.path.join(CAPTURES, "06_tls12_rsa_aes128sha_privkey.pcap")
RSA_KEY = os.path.join(CAPTURES, "rsa.key")
RESUMED = os.path.join(CAPTURES, "06_tls12_resumption_sessionid.pcap")
PROXY = os.path.join(CAPTURES, "06_tls_connect_proxy.pcap")


def payloads(result):
    """What was said, in the order of each direction; neither times nor packets."""
    return [(e["conn"], e["dir"], e["op"], e.get("text"), e.get("b64")) for e in result.events("message")]


def without(capture, numbers, to):
    """A copy that lacks these packets."""
    with open(capture, "rb") as file:
        data = file.read()
    kept, at, number = data[:24], 24, 0
    while at < len(data):
        end, number = at + 16 + int.from_bytes(data[at + 8:at + 12], "little"), number + 1
        kept += b"" if number in numbers else data[at:end]
        at = end
    with open(to, "wb") as file:
        file.write(kept)
    return to


with directory() as scratch:
    # The client breaks off a stream that was accepted: where the server's packets of it were not captured, and the client
    # says that it has them, nobody says that there was no answer.
    ends = os.path.join(CAPTURES, "07_h3_ends.pcap")
    lacking = without(ends, {36, 39, 40, 44}, os.path.join(scratch, "ends.pcap"))
    result = run("--json", "--keylog", keys_of(ends), lacking)
    told = [e["detail"] for e in result.events("problem") if e["id"] == "handshake.no-response"]
    check("an answer in a packet that was not captured", len(told) == 1 and told[0].startswith(
        "no answer to the extended CONNECT was captured, and the client reset the stream"), told)

    own = private(KEYS, scratch, "own.keys")
    truth = run("--json", "--keylog", own, UPDATE)
    check("a key log opens it", truth.status == 0 and truth.err == b"" and len(payloads(truth)) == 10, truth)
    shake = truth.events("handshake")[0]["tls"]
    check("the handshake says with what", shake == {
        "version": "TLS 1.3", "cipher": "TLS_AES_256_GCM_SHA384", "sni": "localhost", "alpn": None}, shake)

    # -- where keys come from ------------------------------------------------------------------------
    for how, words, env in (
            ("twice", ["--keylog", own, "--keylog", own], {}),
            ("SSLKEYLOGFILE", [], {"SSLKEYLOGFILE": own}),
            ("both", ["--keylog", own], {"SSLKEYLOGFILE": own}),
            ("with others", ["--keylog", private(keys_of(PROXY), scratch, "p.keys"), "--keylog", own], {}),
            ("SSLKEYLOGFILE that is not there", ["--keylog", own], {"SSLKEYLOGFILE": scratch + "/none"})):
        got = run("--json", *words, UPDATE, env=environment(**env))
        check(f"keys, {how}", payloads(got) == payloads(truth) and got.err == b"", got)
    for name in ("06_tls13_keyupdate_dsb.pcapng", "06_tls13_keyupdate_dsb_last.pcapng"):
        got = run("--json", os.path.join(CAPTURES, name))
        check(f"{name} opens itself", payloads(got) == payloads(truth) and got.status == 0, got)
    with open(os.path.join(CAPTURES, "06_tls13_keyupdate_dsb.pcapng"), "rb") as file:
        got = run("--json", "-", data=file.read())
    check("secrets before the packets, from a pipe", payloads(got) == payloads(truth), got)
    with open(os.path.join(CAPTURES, "06_tls13_keyupdate_dsb_last.pcapng"), "rb") as file:
        got = run("--json", "-", data=file.read())
    check("secrets behind the packets cannot be had from a pipe: a note, no text",
          payloads(got) == [] and [e["id"] for e in got.events("problem")] == ["tls.no-key"], got)
    got = run("--json", "--rsa-key", private(RSA_KEY, scratch, "rsa.key"), RSA)
    check("a private key", len(payloads(got)) == 10 and got.err == b"", got)

    # -- what is refused -----------------------------------------------------------------------------
    refused("no such key log", run("--keylog", scratch + "/none", UPDATE), "none")
    refused("no such private key", run("--rsa-key", scratch + "/none", UPDATE), "none")
    refused("a key log as a private key", run("--rsa-key", own, UPDATE), "no RSA private key")
    encrypted = os.path.join(scratch, "encrypted.key")
    if shutil.which("openssl"):
        subprocess.run(["openssl", "rsa", "-aes128", "-passout", "pass:x", "-in", RSA_KEY, "-out", encrypted],
                       check=True, capture_output=True)
        os.chmod(encrypted, 0o600)
        refused("a private key with a password", run("--rsa-key", encrypted, RSA), "password")
    refused("plaintext to standard output", run("--tls-plaintext", "-", UPDATE), "standard output")
    refused("keys to standard output", run("--embed-keys", "-", UPDATE), "standard output")
    before = open(UPDATE, "rb").read()
    named = run("--embed-keys", os.path.join(scratch, "x.pcap"), UPDATE)
    check("a pcapng under the name of a pcap is said", named.status == 0 and "x.pcap will be a pcapng" in named.says, named)
    refused("an input as output", run("--embed-keys", UPDATE, UPDATE))
    refused("an input as output", run("--tls-plaintext", UPDATE, UPDATE))
    master, device = os.openpty()
    os.fchmod(device, 0o666)
    result = run("--tls-plaintext", os.ttyname(device), BASIC)
    check("a device keeps its rights", result.status == 0 and stat.S_IMODE(os.fstat(device).st_mode) == 0o666, result)
    os.close(master)
    os.close(device)
    check("and the input is as it was", open(UPDATE, "rb").read() == before)
    empty = os.path.join(scratch, "empty.keys")
    open(empty, "w").close()
    os.chmod(empty, 0o600)
    got = run("--keylog", empty, UPDATE)
    check("a key log without secrets is warned of", got.status == 0 and "no secret was found" in got.says, got)
    got = run("--keylog", private(keys_of(PROXY), scratch, "other.keys"), UPDATE)
    check("... and one whose secrets open nothing", got.status == 0 and re.search(r"the \d+ secrets of the key log belong to no", got.says) and "found" not in got.says, got)
    got = run("--keylog", own, BASIC)
    check("... but not where there is nothing to open", got.err == b"", got)
    for mode, warned in ((0o644, True), (0o640, True), (0o604, True), (0o600, False), (0o400, False)):
        os.chmod(own, mode)
        got = run("--keylog", own, UPDATE)
        check(f"mode {mode:o} is {'' if warned else 'not '}warned of", ("can be read by others" in got.says) == warned, got)
    os.chmod(own, 0o600)

    # -- without keys --------------------------------------------------------------------------------
    got = run("--json", UPDATE)
    note = got.events("problem")
    check("no key: one note", [e["id"] for e in note] == ["tls.no-key"] and got.status == 0, got)
    random = open(KEYS).readlines()[-1].split()[1]
    for word in ("localhost", "TLS 1.3", "TLS_AES_256_GCM_SHA384", random):
        check(f"that says {word}", word in note[0]["detail"], note)
    check("and is counted", got.events("stats")[0]["tls_no_key"] == 1, got)
    check("in text, too", "TLS, no key: 1" in run(UPDATE).text)
    swapped = os.path.join(scratch, "swapped.keys")
    with open(KEYS) as old, open(swapped, "w") as new:
        new.writelines(line.replace("a", "b") if "TRAFFIC" in line and random in line else line for line in old)
    with open(swapped) as file:
        lines = [line.split() for line in file]
    with open(swapped, "w") as file:  # the right randoms, other secrets
        file.writelines(f"{w[0]} {random} {w[2]}\n" for w in lines if len(w) == 3)
    os.chmod(swapped, 0o600)
    got = run("--json", "--keylog", swapped, UPDATE)
    check("wrong keys: one note, no text", [e["id"] for e in got.events("problem")] == ["tls.wrong-key"]
          and payloads(got) == [] and got.status == 0, got)

    # -- what is written -----------------------------------------------------------------------------
    for capture, words in ((UPDATE, ["--keylog", own]), (PROXY, ["--keylog", keys_of(PROXY)]),
                           (RESUMED, ["--keylog", keys_of(RESUMED)]), (RSA, ["--rsa-key", RSA_KEY])):
        name = os.path.basename(capture)
        whole = run("--json", *words, capture)
        plain, embedded = os.path.join(scratch, "plain.pcap"), os.path.join(scratch, "embedded.pcapng")
        got = run("--json", *words, "--tls-plaintext", plain, "--embed-keys", embedded, capture)
        check(f"{name}: what is printed stays the same", got.out == whole.out and got.status == 0, got)
        check(f"{name}: both files are warned of", got.says.count("warning: " + scratch) == 2, got)
        for path in (plain, embedded):
            check(f"{name}: only for its owner", stat.S_IMODE(os.stat(path).st_mode) == 0o600)
        check(f"{name}: the plaintext alone says the same", payloads(run("--json", plain)) == payloads(whole))
        again = run("--json", embedded)
        check(f"{name}: with its keys inside it opens itself",
              [{k: v for k, v in e.items() if k != "sources"} for e in again.events()[1:]] ==
              [{k: v for k, v in e.items() if k != "sources"} for e in whole.events()[1:]], again)
        stats = run("--json", plain).events("stats")[0]
        check(f"{name}: the plaintext is sound TCP", stats["gaps"] == 0 and
              run("--json", "--verify-checksums", plain).events("stats")[0]["messages"] == stats["messages"], stats)
    many = os.path.join(scratch, "many.keys")
    with open(many, "w") as file:
        for name in sorted(glob.glob(os.path.join(CAPTURES, "06_*.keys"))):
            file.write(open(name).read())
    os.chmod(many, 0o600)
    embedded = os.path.join(scratch, "own.pcapng")
    run("--keylog", many, "--embed-keys", embedded, UPDATE)
    inside = set(re.findall(rb"[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,}", open(embedded, "rb").read()))
    log = set(re.findall(rb"[A-Z_0-9]+ [0-9a-f]{64} [0-9a-f]{64,}", open(KEYS, "rb").read()))
    check("only the secrets of its connections go out", inside and inside <= log, inside - log)

    # -- QUIC is TLS, too, but is not called so ---------------------------------------------------------
    h3 = os.path.join(CAPTURES, "07_h3_basic.pcap")
    says = [run(*words, "--keylog", KEYS, h3) for words in ([], ["lint"], ["snapshot"])]
    check("QUIC that stayed closed: the summary", "TLS or QUIC, no key: 1" in says[0].text, says[0])
    check("... the secrets", "belong to no TLS or QUIC connection here" in says[0].says, says[0])
    check("... lint", "1 TLS or QUIC connection stayed closed" in says[1].says, says[1])
    check("... a hint", "1 TLS or QUIC connection could not be read" in says[2].says, says[2])
    # What a PROXY header says is of its TCP connection, not of a QUIC connection that came as early.
    with open(os.path.join(CAPTURES, "04_proxy_protocol_v1.pcap"), "rb") as file:
        packets = file.read()
    at = 24
    while b"PROXY TCP4" not in packets[24:at]:
        at += 16 + int.from_bytes(packets[at + 8:at + 12], "little")
    begun = os.path.join(scratch, "begun.pcap")
    with open(begun, "wb") as file:
        file.write(packets[:at])
    result = run("--json", begun, h3, "--keylog", h3.replace(".pcap", ".keys"))
    told = {e["carrier"]: "proxied_ip" in e for e in result.events("handshake")}
    check("PROXY before QUIC: not of that", told == {"h3": False, "http/1.1": True}, result)
    check("no key: the number is what it was", run("--json", "--keylog", KEYS, h3).events("stats")[0]["tls_no_key"] == 1)

    # -- a verdict about what stayed closed ------------------------------------------------------------
    for words in (["lint"], ["lint", "--json"], ["lint", "-v"]):
        closed = run(*words, UPDATE)
        check(f"{words}: nothing was checked, and that is no good verdict", closed.status == 2 and
              closed.says.endswith("wstrace: 1 TLS connection stayed closed and was not checked: no key\n"
                                   "wstrace: no WebSocket connection was found: nothing was checked\n"), closed)
        some = run(*words, UPDATE, BASIC)
        check(f"{words}: some of it was, and it is said what was not", some.status == 0 and
              "1 TLS connection stayed closed" in some.says and "nothing" not in some.says, some)
        opened = run(*words, "--keylog", own, UPDATE)
        check(f"{words}: with the key there is nothing to say", opened.status == 0 and opened.err == b"", opened)

    # Each of no connection is another's: the second of them is not "the first of 2".
    closed = [c for c in sorted(glob.glob(os.path.join(CAPTURES, "06_tls1*.pcap*")))
              if run("--json", c).text.count("client random") == 1]
    for some in (closed[:2], closed[:12]):
        randoms = [re.search("client random ([0-9a-f]+)", run(c).text).group(1) for c in some]
        text, told = run("lint", *some).text, run("lint", "--json", *some).events("lint")
        notes = [f for e in told for f in e["findings"] if e["conn"] is None and f["id"] == "tls.no-key"]
        check(f"lint of {len(some)}: all that stayed closed are named, as far as a screen goes",
              all((r in text) == (i < 10) for i, r in enumerate(randoms)), text)
        check("... and the others counted", len(notes) == min(len(some), 10) and sum(f["times"] for f in notes) == len(some)
              and f"the first of {len(some)}" not in text, notes)

    # -- secrets are never printed -------------------------------------------------------------------
    secrets = {line.split()[2] for line in open(KEYS) if len(line.split()) == 3}
    for words in (["--json"], ["--json", "--headers", "--problems=all"], ["-v"], ["-v", "--headers", "--max-text", "0"],
                  ["lint"], ["lint", "--json"]):
        command, options = (words[:1], words[1:]) if words[0] == "lint" else ([], words)
        for capture in (UPDATE, os.path.join(CAPTURES, "06_tls13_keyupdate_dsb.pcapng")):
            got = run(*command, *options, "--keylog", own, capture)
            said = (got.text + got.says).lower()
            check(f"{words}: no secret is printed", not any(s in said for s in secrets), words)

    # -- a key log that grows ------------------------------------------------------------------------
    with open(UPDATE, "rb") as file:
        data = file.read()
    later = os.path.join(scratch, "later.keys")
    process = subprocess.Popen([TOOL, "--json", "--keylog", later, "-"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    half = data.index(b"\x17\x03\x03", len(data) // 2)
    process.stdin.write(data[:half])
    process.stdin.flush()
    meta = process.stdout.readline()
    with open(KEYS) as old:
        lines = old.read()
    descriptor = os.open(later, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(descriptor, lines[:200].encode())
    time.sleep(0.05)
    os.write(descriptor, lines[200:].encode())
    os.close(descriptor)
    time.sleep(0.05)
    process.stdin.write(data[half:])
    out, err = process.communicate(timeout=60)
    got = Result(process.returncode, meta + out, err)
    check("secrets that come after the packets open them", payloads(got) == payloads(truth), got)
    check("that it was not there is said", got.says.count("\n") == 1 and "waiting for it" in got.says, got)
    stamps = [e["pkt"] for e in got.events() if "pkt" in e]
    check("the timeline does not go back", stamps == sorted(stamps), stamps)
    first = [e for e in got.events("message")][0]
    check("messages keep the packet they began in", first["first_pkt"] <= first["pkt"], first)

    # -- no core ---------------------------------------------------------------------------------------
    if os.path.exists("/proc/self/limits"):
        for words, none in ((["--keylog", own, "-"], True), (["-"], False)):
            process = subprocess.Popen([TOOL, "--json", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, env=environment())
            process.stdin.write(data[:24])
            process.stdin.flush()
            process.stdout.readline()  # keys are read before the first line
            try:
                with open(f"/proc/{process.pid}/limits") as file:
                    core = re.search(r"Max core file size\s+(\S+)\s+(\S+)", file.read()).groups()
                if none:
                    check("core dumps are off", core == ("0", "0"), core)
            except PermissionError:  # not dumpable: its files under /proc are root's
                check("core dumps are off", none)
            process.communicate(timeout=60)

done()

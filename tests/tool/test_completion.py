#!/usr/bin/env python3
"""What bash offers behind a word of wstrace that is not whole."""

import os
import shutil
import subprocess

from toolcheck import SOURCE, TOOL, check, directory, done

SCRIPT = os.path.join(SOURCE, "src/tool/completion.bash")
ASK = """source "$1"; shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_wstrace
printf '%s\\n' "${COMPREPLY[@]}"
"""

bash = shutil.which("bash")
if not bash or subprocess.run([bash, "-c", "((BASH_VERSINFO[0] >= 4))"], check=False).returncode:
    print("no bash of version 4 or later")
    raise SystemExit(77)


def offered(*words, tool=TOOL):
    """Behind `wstrace WORDS`, of which the last is not whole."""
    told = subprocess.run([bash, "-c", ASK, "bash", SCRIPT, tool, *words], capture_output=True, cwd=tmp, check=False)
    check(f"{words}: without a word of its own", told.returncode == 0 and told.stderr == b"", told)
    return told.stdout.decode().split()


with directory() as tmp:
    open(os.path.join(tmp, "lint-me.pcap"), "wb").close()
    check("commands", {"explain", "lint", "report", "top", "check", "trace"} <= set(offered("")))
    check("and no file among them", "lint-me.pcap" not in offered(""))
    check("a command, or a capture", offered("lint") == ["lint", "lint-me.pcap"], offered("lint"))
    check("options", offered("--ke") == ["--keylog"], offered("--ke"))
    check("those of a command", offered("snapshot", "--ig") == ["--ignore"] and offered("lint", "--ig") == [])
    check("of a command, also behind a file", offered("check", "a.pcap", "--rep") == ["--report"])
    check("findings", offered("problems", "frame.unmasked") == ["frame.unmasked-client"])
    check("lessons", offered("demo", "handsh") == ["handshake"], offered("demo", "handsh"))
    check("values", offered("lint", "--color", "") == ["auto", "always", "never"] and offered("--dir", "c") == ["c2s"])
    check("files are bash's affair", offered("lint", "lint") == [] and offered("-r", "lint") == [])
    named = os.path.join(tmp, "named")
    with open(named, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n[ \"$1\" = -D ] && printf '%s\\n' '1.eth0 (up)' '2.$(touch${IFS}x)' '3.`id`' 4.br-0.7:1\n:\n")
    os.chmod(named, 0o755)
    check("interfaces", offered("-i", "", tool=named) == ["eth0", "br-0.7:1"], offered("-i", "", tool=named))
    check("no name of one is a command", not os.path.exists(os.path.join(tmp, "x")))

done()

#!/usr/bin/env python3
"""What bash, zsh and fish offer behind a word of wstrace that is not whole. zsh and fish where they are installed."""

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


def installed(share):
    """The three scripts where an installation has them."""
    for name, place in (("bash", "bash-completion/completions/wstrace"), ("zsh", "zsh/site-functions/_wstrace"), ("fish", "fish/vendor_completions.d/wstrace.fish")):
        os.makedirs(os.path.dirname(os.path.join(share, place)))
        shutil.copy(os.path.join(SOURCE, f"src/tool/completion.{name}"), os.path.join(share, place))


# zsh without its line editor: what it would be told to offer.
ZSH = """compdef() { :; }
compadd() { shift; print -l -- "$@"; }
_files() { print FILES; }
source "$1"; shift
words=(wstrace "$@") CURRENT=$#words PREFIX=$words[-1]
_wstrace
"""


def other_shell(name, *words):
    path = os.path.dirname(TOOL) + os.pathsep + os.environ["PATH"]
    if name == "fish":
        command = ["fish", "--no-config", "-c", 'source $argv[1]; complete -C "$argv[2..]"', f"{tmp}/share/fish/vendor_completions.d/wstrace.fish", " ".join(("wstrace", *words))]
    else:
        command = ["zsh", "-f", "-c", ZSH, "zsh", f"{tmp}/share/zsh/site-functions/_wstrace", *words]
    told = subprocess.run(command, capture_output=True, cwd=tmp, check=False, env={**os.environ, "PATH": path, "HOME": tmp})
    check(f"{name}: {words}: without a word of its own", told.returncode == 0 and told.stderr == b"", told)
    return [line.split("\t")[0] for line in told.stdout.decode().splitlines()]


with directory() as tmp:
    installed(f"{tmp}/share")
    for shell in filter(shutil.which, ("zsh", "fish")):
        check(f"{shell}: commands", {"explain", "extract"} <= set(other_shell(shell, "ex")) and "lint" not in other_shell(shell, "ex"))
        check(f"{shell}: options", other_shell(shell, "--ke") == ["--keylog"], other_shell(shell, "--ke"))
        check(f"{shell}: those of a command", other_shell(shell, "check", "a.pcap", "--rep") == ["--report"])
        check(f"{shell}: findings", other_shell(shell, "problems", "frame.unmasked") == ["frame.unmasked-client"])
        check(f"{shell}: files", other_shell(shell, "-r", "sha") == {"zsh": ["FILES"], "fish": ["share/"]}[shell], other_shell(shell, "-r", "sha"))

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

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""docs/CHECKS.md: every example does what is shown.

A block marked `console` holds commands, each behind "$ ", and what they print. A block behind a line
"File `NAME`:" is that file. `test_docs.py --update` writes what is printed into the page, to be read.
"""
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.abspath(os.environ.get("WSTRACE_SOURCE", ".")), "tests/tool"))
update = "--update" in sys.argv
sys.argv = [a for a in sys.argv if a != "--update"]
from toolcheck import SOURCE, TOOL, check, directory, done, environment  # noqa: E402

PAGE = os.path.join(SOURCE, "docs", "CHECKS.md")
BLOCK = re.compile(r"(?:^File `([\w./-]+)`:\n\n)?^```(\w*)\n(.*?)^```$", re.M | re.S)
END = "== end of a command =="
ran = 0


def console(text, shell):
    """The block again, with what the commands print now."""
    global ran
    out = ""
    for command in re.findall(r"^\$ (.*(?:\n> .*)*)", text, re.M):
        shell.stdin.write(re.sub(r"\n> ", "\n", command) + f"\nstatus=$?; echo '{END}'; (exit $status)\n")
        shell.stdin.flush()
        out += "$ " + command + "\n"
        ran += 1
        while (line := shell.stdout.readline()) != END + "\n":
            if line == "":
                sys.exit(f"the shell ended at: {command}")
            out += line
    return out


with open(PAGE, encoding="utf-8") as file:
    page = file.read()
with directory() as tmp:
    os.symlink(TOOL, os.path.join(tmp, "wstrace"))
    os.symlink(os.path.join(SOURCE, "captures"), os.path.join(tmp, "captures"))
    env = environment(PATH=tmp + ":" + os.environ["PATH"], CI=None)
    shell = subprocess.Popen(["bash"], cwd=tmp, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                             text=True, encoding="utf-8")

    def block(match):
        name, kind, text = match.groups()
        if name:
            os.makedirs(os.path.dirname(os.path.join(tmp, name)), exist_ok=True)
            with open(os.path.join(tmp, name), "w", encoding="utf-8") as made:
                made.write(text)
        if kind != "console":
            return match.group(0)
        now = console(text, shell)
        check(f"the block prints what it shows:\n{text}", update or now == text, now)
        return match.group(0).replace(text, now)

    new = BLOCK.sub(block, page)

    # What build servers are told to do is what the tool understands.
    os.makedirs(os.path.join(tmp, "build"))
    commands = {c for text in re.findall(r"^```yaml\n(.*?)^```$", page, re.M | re.S) for c in re.findall(r"wstrace check .*", text)}
    check("build servers check", len(commands) == 2, commands)
    for command in commands:
        command = command.replace("build/captures", "suite").replace("tests/goldens", "suite")
        result = subprocess.run(["bash", "-c", command], cwd=tmp, env=dict(env, CI="true"), capture_output=True, check=False)
        check(command, result.returncode == 0 and result.stderr == b"" and os.path.getsize(os.path.join(tmp, "build/checks.xml")), result)
    shell.stdin.close()
    shell.wait(10)
check("commands were run", ran > 10, ran)
if update:
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(new)
done()

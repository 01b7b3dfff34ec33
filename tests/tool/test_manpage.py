#!/usr/bin/env python3
"""The manual page: clean, complete, and its examples do what it says."""

import os
import re
import shutil
import subprocess

from toolcheck import SOURCE, TOOL, check, directory, done, environment, run

PAGE = os.path.join(SOURCE, "docs", "wstrace.1")
page = open(PAGE, encoding="utf-8").read()

if shutil.which("mandoc"):
    lint = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", PAGE], stdout=subprocess.PIPE)
    check("mandoc has nothing to say", lint.returncode == 0 and lint.stdout == b"", lint.stdout)
else:
    print("mandoc is not here: lint left out")

# -- every option of the help is in the page, and the other way round ---------------------------------

commands = ("report", "har", "extract", "explain", "quiz", "demo", "snapshot", "check", "diff", "replay")
help_ = "".join(run(command, "--help").text + "\n" for command in commands) + run("--help").text
shown = help_.split("\n\nExample")[0]
in_help = set(re.findall(r"^  +(-\w)\b", shown, re.M)) | set(re.findall(r"(--[a-z][a-z-]+)", shown))
items = "\n".join(re.findall(r"^\.It .*Fl .*$", page, re.M))
in_page = {"-" + name for name in re.findall(r"Fl (-?[A-Za-z][a-z-]*)", items)}
in_page -= {"-tt", "-ttt", "-tttt", "-ttttt"}
check("the page has every option of the help", in_help <= in_page, sorted(in_help - in_page))
check("the help has every option of the page", in_page <= in_help, sorted(in_page - in_help))

# -- examples ------------------------------------------------------------------------------------------

examples = re.findall(r'^\.\\" run ?(\d*)\n\.Dl (.*)$', page, re.M)
check("there are examples", len(examples) >= 8, examples)
check("each marked one has its command", len(re.findall(r'^\.\\" run\b', page, re.M)) - 1 <= len(examples) + 1, examples)
with directory() as tmp:
    os.symlink(TOOL, os.path.join(tmp, "wstrace"))
    env = environment(PATH=tmp + ":" + os.environ["PATH"])
    for status, command in examples:
        command = command.replace("\\(aq", "'")
        missing = [f for f in re.findall(r"captures/\S+", command) if not os.path.exists(os.path.join(SOURCE, f))]
        check(f"{command}: its captures are shipped", not missing, missing)
        ended = subprocess.run(["bash", "-c", command], cwd=SOURCE, env=env, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=60)
        check(f"{command}: exit status {status or 0}", ended.returncode == int(status or 0), ended)
        check(f"{command}: prints something", ended.stdout or "/dev/null" in command, ended)
        check(f"{command}: quiet on stderr unless in trouble", bool(ended.stderr) == (status == '2'), ended)

# -- what it says about defaults, and about findings -----------------------------------------------------

check("no path of one machine", not re.search(r"/(home|root|work|tmp)/", page))

done()

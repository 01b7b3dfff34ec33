#!/usr/bin/env python3
"""The README keeps its word: the excerpt is real, the program compiles and runs, links lead somewhere."""

import os
import re
import shlex
import subprocess

from toolcheck import BASIC, SOURCE, TOOL, check, directory, done, environment, run

readme = open(os.path.join(SOURCE, "README.md"), encoding="utf-8").read()

# -- the excerpt: the command it names prints these lines in this order; "..." stands for others ------------

excerpts = re.findall(r"^\$ wstrace (.*)\n((?:(?!\$ |```).*\n)*)", readme, re.M)
check("there is an excerpt", excerpts)
for command, shown in excerpts:
    result = run(*shlex.split(command))
    real = iter(result.text.splitlines())
    for line in shown.splitlines():
        if line not in ("...", ""):
            check(f"really printed: {line!r}", any(line == r for r in real), result)

# -- commands: their options are options -----------------------------------------------------------------------

help_ = "".join(run(*command, "--help").text for command in ([], ["explain"], ["quiz"]))
for command in re.findall(r"^(?:.*\| )?wstrace (.*?)(?: +#.*| \|.*)?$", readme, re.M):
    for option in re.findall(r"(?<!\S)(--[a-z-]+|-\w)\b", command):
        check(f"{option} of {command!r} is in the help", re.search(rf"(?<!\S){option}\b", help_))

# -- a frame to type: it is there to its last byte ------------------------------------------------------------

typed = re.findall(r"^wstrace (explain --hex .*?)(?: +#.*)?$", readme, re.M)
check("there is a frame to type", typed)
for command in typed:
    result = run(*shlex.split(command))
    check(f"{command!r} is explained, whole", result.status == 0 and "not there" not in result.text, result)

# -- links, paths ------------------------------------------------------------------------------------------------

for target in re.findall(r"\]\(([^)#]+)\)", readme):
    check(f"link {target}", target.startswith("https://") or os.path.exists(os.path.join(SOURCE, target)))
check("no path of one machine", not re.search(r"/(home|root|work|tmp)/", readme))

# -- the program -----------------------------------------------------------------------------------------------------

program = re.search(r"```c\n(.*?)```", readme, re.S).group(1)
library = next((os.path.join(d, "libwstrace.so") for d in (os.path.dirname(TOOL), os.path.dirname(TOOL) + "/lib")
                if os.path.exists(os.path.join(d, "libwstrace.so"))), None)
if library is None:
    print("no libwstrace.so beside the tool: the program is left out")
    done()
with directory() as tmp:
    source, texts = os.path.join(tmp, "texts.c"), os.path.join(tmp, "texts")
    with open(source, "w", encoding="utf-8") as f:
        f.write(program)
    with open(library, "rb") as f:
        code = f.read()
    sanitizers = [s for s, mark in (("address", b"__asan_init"), ("thread", b"__tsan_init"), ("undefined", b"__ubsan_handle"))
                  if mark in code]
    compiler = shlex.split(os.environ.get("CC", "cc"))
    built = subprocess.run([*compiler, "-std=c11", "-Wall", "-Wextra", "-Wshadow", "-Wpedantic", "-Werror",
                            *([f"-fsanitize={','.join(sanitizers)}"] if sanitizers else []),
                            f"-I{SOURCE}/include", source, "-o", texts, library, f"-Wl,-rpath,{os.path.dirname(library)}"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check("the program compiles", built.returncode == 0, built.stdout.decode())
    if built.returncode == 0:
        ran = subprocess.run([texts, BASIC], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
        said = [("> " if m["dir"] == "c2s" else "< ") + m["text"]
                for m in run("--json", BASIC).events("message") if "text" in m]
        check("it prints the texts that --json has", ran.returncode == 0 and ran.stderr == b""
              and ran.stdout.decode() == "".join(s + "\n" for s in said), ran)
        failed = subprocess.run([texts, source], stderr=subprocess.PIPE,
                                env=environment(ASAN_OPTIONS="detect_leaks=0"))  # it leaves main at once
        check("and fails on what is no capture", failed.returncode == 2 and failed.stderr, failed)

done()

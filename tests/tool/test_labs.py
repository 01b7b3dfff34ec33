#!/usr/bin/env python3
"""The labs keep their word: every command on a sheet runs and prints what the sheet shows, the answers'
commands after it in the same folder; the minutes add up; every task has its answer; links lead somewhere.

A block that begins with ```console holds commands ("$ …") and what they print. "..." stands for any
lines; without it at an end, what is shown there is the first, or the last, that is printed. The
comment <!-- status N --> before a block gives the exit status of its last command.
"""

import glob
import os
import re
import shutil
import subprocess

from toolcheck import SOURCE, TOOL, check, directory, done, environment, run

LABS = os.path.join(SOURCE, "docs", "labs")
BLOCK = re.compile(r"^( *)(?:<!-- status (\d+) -->\n *)?```console\n(.*?)^\1```", re.M | re.S)


def blocks(text):
    """(commands, status of the last) of each block; a command with the lines shown under it."""
    for indent, status, body in BLOCK.findall(text):
        commands = []
        for line in body.splitlines():
            line = line[len(indent):]
            if line.startswith("$ "):
                commands.append((line[2:], []))
            else:
                commands[-1][1].append(line)
        yield commands, int(status or 0)


def printed(shown, real):
    """Whether the shown lines are what was printed, "..." standing for any lines."""
    pieces, piece = [], []
    for line in shown:
        if line == "...":
            pieces.append(piece)
            piece = []
        else:
            piece.append(line)
    pieces.append(piece)
    if len(pieces) == 1:
        return real == pieces[0]
    first, last = pieces[0], pieces[-1]
    at, end = len(first), len(real) - len(last)
    if real[:at] != first or at > end or real[end:] != last:
        return False
    for piece in pieces[1:-1]:
        while at + len(piece) <= end and real[at:at + len(piece)] != piece:
            at += 1
        if at + len(piece) > end:
            return False
        at += len(piece)
    return True


def sit(name, text, folder, env):
    for commands, status in blocks(text):
        for i, (command, shown) in enumerate(commands):
            bare = re.sub(r"'[^']*'", "", command)
            tools = [w for w in re.findall(r"(?:^|\| *)([a-z0-9]+)", bare) if w not in ("wstrace", "for")]
            missing = [t for t in tools if shutil.which(t, path=env["PATH"]) is None]
            if missing:
                print(f"{name}: {missing[0]} is not here: left out: {command}")
                continue
            ended = subprocess.run(["bash", "-c", command], cwd=folder, env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
            real = ended.stdout.decode("utf-8", "surrogateescape").splitlines()
            want = status if i == len(commands) - 1 else 0
            check(f"{name}: {command}: exit status {want}", ended.returncode == want, (ended.returncode, real[-5:]))
            check(f"{name}: {command}: prints what is shown", printed(shown, real), "\n".join(real)[:3000])


def tasks(text):
    return {n: body for n, body in re.findall(r"^## Task (\d+)\b.*?\n(.*?)(?=^## |\Z)", text, re.M | re.S)}


def questions(body):
    return [int(n) for n in re.findall(r"^(\d+)\. ", body, re.M)]


# -- the test itself can fail ------------------------------------------------------------------------------

check("all of it", printed(["a", "b"], ["a", "b"]) and not printed(["a"], ["a", "b"]))
check("the first, the last", printed(["a", "..."], ["a", "b"]) and not printed(["b", "..."], ["a", "b"]))
check("nothing between", not printed(["a", "c", "..."], ["a", "b", "c"]) and printed(["...", "b", "c", "..."], ["a", "b", "c"]))

# -- the sheets --------------------------------------------------------------------------------------------

sheets = sorted(glob.glob(os.path.join(LABS, "[1-9]-*.md")))
check("seven labs", len(sheets) == 7, sheets)
demo = dict(re.findall(r"^  (\S+) +lab (\d) ", run("demo").text, re.M))
readme = open(os.path.join(LABS, "README.md"), encoding="utf-8").read()
with directory() as tmp:
    os.symlink(TOOL, os.path.join(tmp, "wstrace"))
    env = environment(PATH=tmp + ":" + os.environ["PATH"])
    for path in sheets:
        name = os.path.basename(path)
        text = open(path, encoding="utf-8").read()
        answers = open(os.path.join(LABS, "answers", name), encoding="utf-8").read()
        minutes = [int(m) for m in re.findall(r"^\| (\d+) \|", text.split("| minutes |")[1].split("\n\n")[0], re.M)]
        check(f"{name}: 90 minutes", sum(minutes) == 90, minutes)
        for task, body in tasks(text).items():
            line = re.search(rf"^\| (\d+) \| task {task}: ", text, re.M)
            head = re.search(rf"^## Task {task}: .* \((\d+) minutes\)$", text, re.M)
            check(f"{name}: task {task} has its minutes", line and head and line.group(1) == head.group(1), task)
            check(f"{name}: task {task} has an answer", task in tasks(answers), sorted(tasks(answers)))
            asked = questions(body)
            check(f"{name}: task {task}: numbered", asked == list(range(1, len(asked) + 1)), asked)
        check(f"{name}: tasks", len(tasks(text)) >= 4 and len(tasks(text)) == len(tasks(answers)), tasks(text).keys())
        check(f"{name}: a quiz, and its sheet", "wstrace quiz --seed" in text and "--answers" in answers)
        lesson = [l for l, lab in demo.items() if lab == name[0]]
        check(f"{name}: begins with its lesson", len(lesson) == 1 and f"$ wstrace demo {lesson[0]} --write" in text, lesson)
        folder = os.path.join(tmp, name)
        os.mkdir(folder)
        sit(name, text, folder, env)
        sit("answers/" + name, answers, folder, env)
    folder = os.path.join(tmp, "teacher")
    os.mkdir(folder)
    sit("README.md", readme, folder, env)

# -- what is written ----------------------------------------------------------------------------------------

for path in sheets + glob.glob(os.path.join(LABS, "answers", "*.md")) + [os.path.join(LABS, "README.md")]:
    name = os.path.relpath(path, LABS)
    text = open(path, encoding="utf-8").read()
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        check(f"{name}: link {target}", os.path.exists(os.path.join(os.path.dirname(path), target)))
    for lesson in re.findall(r"wstrace demo ([a-z][a-z0-9-]*)", text):
        check(f"{name}: lesson {lesson}", re.search(rf"^  {lesson} ", run("demo").text, re.M))
    check(f"{name}: no path of one machine", not re.search(r"/(home|root|work|tmp)/", text))

done()

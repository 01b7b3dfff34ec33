#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wstrace's own goldens, held by its own check: said/*.golden, what was said in the shipped captures.

They guard what the byte-for-byte files beside them do not: that meaning stays when wording changes. And they
are held against what the endpoints recorded: every text they remember stands in the golden.
"""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.abspath(os.environ.get("WSTRACE_SOURCE", ".")), "tests/tool"))
from toolcheck import CAPTURES, SOURCE, check, done, environment, run  # noqa: E402

SAID = os.path.join(SOURCE, "tests/golden/said")
goldens = sorted(name[:-len(".golden")] for name in os.listdir(SAID) if name.endswith(".golden"))

result = run("check", "--captures", CAPTURES, SAID, env=environment(CI="true"))
check("all are the same", result.status == 0 and f"{len(goldens)} cases, 0 different, 0 in trouble" in result.text, result)
check("there are many", len(goldens) >= 20, goldens)

texts = 0
for name in goldens:
    with open(os.path.join(SAID, name + ".golden"), encoding="utf-8") as file:
        golden = file.read()
    quoted = "".join(re.findall(r'^ +(?:[<>] text )?"(.*)"$', golden, re.M))
    truth = next((os.path.join(CAPTURES, "truth", f) for f in os.listdir(os.path.join(CAPTURES, "truth")) if f.split(".")[0] == name), None)
    if truth is None:
        continue
    with open(truth, encoding="utf-8") as file:
        for line in map(json.loads, filter(None, file)):
            text = line.get("text")
            if line["kind"] != "message" or text is None or not text.isprintable() or text.lstrip()[:1] in "{[" or '"' in text or "\\" in text:
                continue
            if line.get("in_capture") is False or line.get("opcode") == 8:
                continue
            texts += 1
            check(f"{name}: {text[:60]!r}", text in golden or text in quoted, None)
check("endpoints remember texts", texts > 100, texts)
done()

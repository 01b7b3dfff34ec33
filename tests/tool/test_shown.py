#!/usr/bin/env python3
"""--max-payload limits what is shown. What is found does not depend on it."""

import collections
import glob
import os

from toolcheck import CAPTURES, check, done, run


def findings(path, *words):
    found = collections.Counter(e["id"] for e in run("--json", *words, path).events("problem"))
    del found["limit.payload"]
    return found


seen = collections.Counter()
for path in sorted(glob.glob(os.path.join(CAPTURES, "*.pcap*"))):
    whole = findings(path)
    seen += whole
    for most in ("0", "1", "10"):
        shown = findings(path, "--max-payload", most)
        check(f"{os.path.basename(path)} --max-payload {most}", shown == whole, [whole - shown, shown - whole])
check("there was something to hide", seen["message.invalid-utf8"] > 3 and seen["close.unexplained"] > 0, seen)
done()

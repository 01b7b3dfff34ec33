#!/usr/bin/env python3
"""Archives in the sandbox that users have, which builds with sanitizers do not: what tests/har/test_tool.py
asks of the other binary."""

import os
import runpy
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "har")
sys.path.insert(0, FOLDER)
runpy.run_path(os.path.join(FOLDER, "test_tool.py"), run_name="__main__")

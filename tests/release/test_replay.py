#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Replays in the sandbox that users have, which builds with sanitizers do not: what tests/check/test_replay.py
asks of the other binary."""
import os
import runpy

runpy.run_path(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "check", "test_replay.py"), run_name="__main__")

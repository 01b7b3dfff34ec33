"""What the tests of the tool share: running it, and saying what went wrong.

A test is started with the tool and the top of the sources as arguments, or with WSTRACE and
WSTRACE_SOURCE in the environment. Standard library only.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOOL = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.environ["WSTRACE"])
SOURCE = os.path.abspath(sys.argv[2] if len(sys.argv) > 2 else os.environ.get("WSTRACE_SOURCE", "."))
CAPTURES = os.path.join(SOURCE, "captures")
BASIC = os.path.join(CAPTURES, "01_ws_plain_basic.pcap")
DEFLATE = os.path.join(CAPTURES, "02_pmd_default.pcap")

failures = 0
checks = 0


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        self.text = out.decode("utf-8", "surrogateescape")
        self.says = err.decode("utf-8", "surrogateescape")

    def events(self, kind=None):
        lines = [json.loads(line) for line in self.text.splitlines()]
        return [e for e in lines if kind is None or e["type"] == kind]


def environment(**changes):
    """A calm environment: UTC, no terminal, no colour wishes; None takes a variable away."""
    env = dict(os.environ, TZ="UTC", TERM="xterm", LC_ALL="C.UTF-8")
    env.pop("NO_COLOR", None)
    env.pop("SSLKEYLOGFILE", None)
    for name, value in changes.items():
        env.pop(name, None)
        if value is not None:
            env[name] = value
    return env


def run(*args, stdin=subprocess.DEVNULL, data=None, cwd=None, env=None, timeout=240, **more):
    words = [TOOL, *[a if isinstance(a, bytes) else str(a) for a in args]]
    if data is not None:
        more["input"] = data
    else:
        more["stdin"] = stdin
    done = subprocess.run(words, stdout=more.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE,
                          cwd=cwd or SOURCE, env=env or environment(), timeout=timeout, **more)
    return Result(done.returncode, done.stdout or b"", done.stderr)


def on_terminal(*args, env=None, stdout_too=True, timeout=60, columns=100, feed=None):
    """Runs the tool with standard error (and output) on a pseudo-terminal; returns the status and
    what appeared there. `feed`: pieces for standard input, and seconds to wait between them."""
    import fcntl
    import struct
    import termios

    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([TOOL, *map(str, args)],
                               stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                               stdout=slave if stdout_too else subprocess.DEVNULL, stderr=slave,
                               cwd=SOURCE, env=env or environment())
    os.close(slave)
    for piece in feed or ():
        if isinstance(piece, bytes):
            process.stdin.write(piece)
            process.stdin.flush()
        else:
            time.sleep(piece)
    if feed:
        process.stdin.close()
    shown, end = b"", time.monotonic() + timeout
    while time.monotonic() < end:
        if not select.select([master], [], [], 0.2)[0]:
            if process.poll() is not None:
                break
            continue
        try:
            piece = os.read(master, 65536)
        except OSError:  # Linux says EIO when the last user of the other end has gone
            break
        if not piece:
            break
        shown += piece
    os.close(master)
    try:
        return process.wait(10), shown
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        return None, shown


def processor_time():
    """What commands took that have ended: a busy machine is no reason to fail."""
    return os.times().children_user + os.times().children_system


def check(what, good, result=None):
    """One expectation. `result` is shown when it fails."""
    global failures, checks
    checks += 1
    if good:
        return
    failures += 1
    print("FAIL:", what)
    if isinstance(result, Result):
        print("  status", result.status)
        print("  out   ", result.out[:600])
        print("  err   ", result.err[:600])
    elif result is not None:
        print("  got   ", repr(result)[:1200])


def refused(what, result, *words):
    """Exit status 2, nothing on standard output, one line that begins with the tool's name and
    holds the words."""
    check(what + ": exit status 2", result.status == 2, result)
    check(what + ": nothing on stdout", result.out == b"", result)
    check(what + ": one line on stderr",
          result.says.startswith("wstrace: ") and result.says.count("\n") == 1, result)
    for word in words:
        check(f"{what}: says {word!r}", word in result.says, result)


def keys_of(capture):
    """Where the secrets of a shipped capture lie, if it has any."""
    return re.sub(r"\.pcap(ng)?$", ".keys", capture)


def opened(capture):
    """The options that open it, if it is encrypted."""
    keys = keys_of(capture)
    return ["--keylog", keys] if os.path.exists(keys) else []


def private(path, folder, name=None):
    """A copy that only its owner can read."""
    copy = os.path.join(folder, name or os.path.basename(path))
    shutil.copy(path, copy)
    os.chmod(copy, 0o600)
    return copy


def directory():
    return tempfile.TemporaryDirectory(prefix="wstrace-test-")


def skip(why):
    print("SKIP:", why)
    sys.exit(77)


def done():
    print(f"{checks} checks, {failures} failed")
    sys.exit(1 if failures else 0)

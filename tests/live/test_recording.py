#!/usr/bin/env python3
"""What we tell others to record with, and record with ourselves: the script of docs/CHECKS.md, and both recorders of
captures/scripts. Each with the tcpdump that is here and with one like Ubuntu 24.04's first; and with one that fails."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time

from endpoints import NODE, TALK, compare, need_root, server
from toolcheck import SOURCE, check, directory, done, run, skip

LIB = os.path.join(SOURCE, "captures", "scripts", "lib")
sys.dont_write_bytecode = True
sys.path.append(LIB)
from recorder import recorder  # noqa: E402

need_root()
TCPDUMP = shutil.which("tcpdump")
if not TCPDUMP:
    skip("tcpdump is not installed")
PATH = os.environ["PATH"]
JS = """const { Cap } = require(process.argv[1]), [file, port, client] = process.argv.slice(2);
(async () => {
  const cap = await new Cap(file, { filter: 'tcp port ' + port }).start();
  require('child_process').execSync(client);
  await cap.stop();
  process.stderr.write(cap.err);
})().then(() => process.exit(0), (e) => { console.error(e.message); process.exit(1); });"""


def program(folder, name, text):
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def environment(folder):
    return dict(NODE, PATH=folder + os.pathsep + PATH, WSTRACE_RECORDED=os.path.join(folder, "recorded"))


def by_the_page(folder, port, client):
    """The page's own words, but for the port, and for sudo and npm, which are ours."""
    with open(os.path.join(SOURCE, "docs", "CHECKS.md"), encoding="utf-8") as page:
        script = re.search(r"```sh\n(#!/bin/sh\n# record.sh .*?)```", page.read(), re.S)[1]
    check("the page's script names its port", "8080" in script)
    with open(os.path.join(folder, "record.sh"), "w", encoding="utf-8") as file:
        file.write(script.replace("8080", str(port)))
    program(folder, "sudo", 'exec "$@"\n')
    program(folder, "npm", client + "\n")
    made = subprocess.run(["sh", os.path.join(folder, "record.sh"), os.path.join(folder, "page")], env=environment(folder),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
    check("the page's script ends as the tests did", made.returncode == 0, made)
    return os.path.join(folder, "page", "chat.pcap"), made.stderr


def in_node(folder, port, client):
    path = os.path.join(folder, "node.pcap")
    made = subprocess.run(["node", "-e", JS, os.path.join(LIB, "lab.js"), path, str(port), client], env=environment(folder),
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, timeout=60)
    if made.returncode:
        raise OSError(made.stderr.decode())
    return path, made.stderr


def in_python(folder, port, client):
    path = os.path.join(folder, "python.pcap")
    os.environ["PATH"] = environment(folder)["PATH"]
    try:
        process = recorder(path, "lo", "tcp", "port", str(port))
        try:
            subprocess.run(client, shell=True, env=NODE, check=True, timeout=60)
            time.sleep(0.5)
        finally:
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=10)[1]
    finally:
        os.environ["PATH"] = PATH
    return path, said


def records(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


with directory() as tmp:
    os.chmod(tmp, 0o700)
    here, ubuntu, broken = (os.path.join(tmp, name) for name in ("here", "ubuntu", "broken"))
    program(here, "tcpdump", f'exec {TCPDUMP} "$@"\n')
    program(ubuntu, "tcpdump", f'case " $* " in *" -Z "*) case " $* " in *" -w "*) kill -SEGV $$ ;; esac ;; esac\nexec {TCPDUMP} "$@"\n')
    program(broken, "tcpdump", "kill -SEGV $$\n")
    for folder in (here, ubuntu):
        for record in (by_the_page, in_node, in_python):
            what = f"{os.path.basename(folder)}, {record.__name__}"
            node, port = server()
            said = os.path.join(folder, record.__name__)
            try:
                path, told = record(folder, port, f"node '{TALK}' client 127.0.0.1 {port} 1 5 7 >'{said}'")
            except OSError as error:
                check(f"{what}: recorded", False, error)
                continue
            finally:
                node.stop()
            dropped = re.search(rb"(\d+) packets dropped by kernel", told)
            check(f"{what}: tcpdump came to its end", dropped, told)
            if not dropped or int(dropped[1]):
                continue  # on a busy machine it may lose some
            result = run("--json", path)
            check(f"{what}: the recording is whole", result.status == 0 and result.err == b"", result)
            n = compare(what, result.events(), records(said) + node.records)
            check(f"{what}: 10 messages", n == 10, n)
    for record in (in_node, in_python):
        begun = time.monotonic()
        try:
            record(broken, 1, "true")
            check(f"{record.__name__}: a tcpdump that fails is told of", False)
        except OSError as error:
            check(f"{record.__name__}: how it failed", "ended" in str(error), error)
        check(f"{record.__name__}: at once", time.monotonic() - begun < 20)

done()

#!/usr/bin/env python3
"""Root opens files for somebody: he gets them, he gets no more than he may have, and a link that another
user has laid is not followed."""

import ctypes
import os
import pwd
import stat
import subprocess

from toolcheck import BASIC, check, directory, done, environment, run, skip

if os.geteuid() != 0:
    skip("not root: files are opened with the rights of who started it")
try:
    user = pwd.getpwnam("daemon")
except KeyError:
    skip("there is no user daemon here")

SUDO = environment(SUDO_USER="daemon")
PLAIN = environment(SUDO_USER=None)


def owner(path):
    st = os.lstat(path)
    return st.st_uid, st.st_gid


with directory() as tmp:
    os.chmod(tmp, 0o755)
    theirs, ours, victim = (os.path.join(tmp, n) for n in ("theirs", "ours", "victim"))
    os.mkdir(theirs)
    os.chown(theirs, user.pw_uid, user.pw_gid)
    os.mkdir(ours, 0o755)

    def write_each(folder, env, **more):
        """Every way to write a file; (name, what came of it)."""
        path = lambda name: os.path.join(folder, name)  # noqa: E731
        ways = {"w.pcap": ("-w", BASIC), "row.pcap": ("-C", "1", "-w", BASIC), "text": ("-o", BASIC), "page.html": ("report", "-o", BASIC),
                "plain.pcap": ("--tls-plaintext", BASIC), "keys.pcapng": ("--embed-keys", BASIC), "basic.golden": ("snapshot", "-o", BASIC)}
        for name, (*options, capture) in ways.items():
            yield name, run(*options, path(name), capture, env=env, **more)

    def empty(folder):
        for name in os.listdir(folder):
            os.unlink(os.path.join(folder, name))

    # -- whose they are ---------------------------------------------------------------------------------
    for folder in (theirs, ours):
        for name, result in write_each(folder, SUDO):
            check(f"{name}: sudo's user gets it, wherever it is", result.status == 0 and
                  owner(os.path.join(folder, name)) == (user.pw_uid, user.pw_gid), result)
        private = stat.S_IMODE(os.stat(os.path.join(folder, "keys.pcapng")).st_mode)
        check("what is sensitive is his alone", private == 0o600, oct(private))
        empty(folder)
        for name, result in write_each(folder, PLAIN):
            check(f"{name}: root alone keeps it", result.status == 0 and owner(os.path.join(folder, name)) == (0, 0), result)
        empty(folder)
    # As in a container without capabilities: root may neither become him nor give him anything.
    libc, CHOWN, SETGID, SETUID, CAPBSET_DROP = ctypes.CDLL(None), 0, 6, 7, 24
    for name, result in write_each(ours, SUDO, preexec_fn=lambda: [libc.prctl(CAPBSET_DROP, c, 0, 0, 0) for c in (CHOWN, SETGID, SETUID)]):
        path = os.path.join(ours, name)
        check(f"{name}: root who may give nothing away keeps it", result.status == 0 and owner(path) == (0, 0)
              and os.path.getsize(path) > 0 and stat.S_IMODE(os.stat(path).st_mode) & 0o600 == 0o600, result)
    check("... and a golden has the usual rights", stat.S_IMODE(os.stat(os.path.join(ours, "basic.golden")).st_mode) & 0o044 == 0o044)
    empty(ours)

    def enter(NEWUSER=0x10000000):
        """As root of a user namespace, where his supplementary group is nobody's."""
        os.setgroups([4711])
        ready, mapped, me = os.pipe(), os.pipe(), os.getpid()
        if os.fork() == 0:
            try:
                os.read(ready[0], 1)
                for kind in ("uid", "gid"):
                    with open(f"/proc/{me}/{kind}_map", "w") as file:
                        file.write("0 0 100")
                os.write(mapped[1], b"m")
            finally:
                os._exit(0)
        os.close(mapped[1])
        possible = libc.unshare(NEWUSER) == 0
        os.write(ready[1], b"r")
        if not possible or os.read(mapped[0], 1) != b"m":
            raise OSError("no user namespaces here")

    try:
        for name, result in write_each(ours, SUDO, preexec_fn=enter):
            check(f"{name}: root with a group that is not mapped", result.status == 0 and
                  owner(os.path.join(ours, name)) == (user.pw_uid, user.pw_gid), result)
    except subprocess.SubprocessError:
        print("no user namespaces here: that part is left out")
    empty(ours)
    path = os.path.join(ours, "z.pcap")
    check("-Z: who it becomes gets it", run("-Z", "daemon", "-w", path, BASIC, env=PLAIN).status == 0 and owner(path)[0] == user.pw_uid)
    os.chown(path, 4711, 4712)
    check("a file that was there keeps its owner", run("-w", path, BASIC, env=SUDO).status == 0 and owner(path) == (4711, 4712), owner(path))
    empty(ours)

    # -- links ------------------------------------------------------------------------------------------
    def lay(folder, target, by):
        for name, _ in names:
            link = os.path.join(folder, name)
            os.symlink(target, link)
            os.lchown(link, by, -1)

    names = list(write_each(ours, PLAIN))
    empty(ours)
    with open(victim, "w") as file:
        file.write("precious")
    os.chmod(victim, 0o600)
    for env in (SUDO, PLAIN):
        lay(theirs, victim, user.pw_uid)
        for name, result in write_each(theirs, env):
            check(f"{name}: a stranger's link", result.status == 2 and name in result.says and "symbolic link" in result.says, result)
        check("what it leads to is untouched", open(victim).read() == "precious" and owner(victim) == (0, 0))
        empty(theirs)
    rooted, through = os.path.join(tmp, "rooted"), os.path.join(theirs, "through")
    os.mkdir(rooted, 0o700)
    for by, follows in ((user.pw_uid, False), (0, True)):
        for env in (SUDO, PLAIN):
            os.symlink(rooted, through)
            os.lchown(through, by, -1)
            for name, result in write_each(through, env):
                path = os.path.join(rooted, name)
                check(f"{name}: a folder behind root's own link" if follows else f"{name}: a folder behind a stranger's link",
                      (result.status == 0 and os.path.getsize(path) > 0) if follows else
                      (result.status == 2 and "symbolic link" in result.says and not os.listdir(rooted)), result)
            empty(rooted)
            os.unlink(through)
    # Root's own link, to what a stranger's link leads to; and links in a circle.
    os.symlink(rooted, through)
    os.lchown(through, user.pw_uid, -1)
    lay(ours, os.path.join(through, "precious"), 0)
    for name, result in write_each(ours, PLAIN):
        check(f"{name}: a stranger's link behind root's own", result.status == 2 and "symbolic link" in result.says and not os.listdir(rooted), result)
    empty(ours)
    os.unlink(through)
    os.symlink("round", os.path.join(ours, "round"))
    for name, result in write_each(os.path.join(ours, "round"), PLAIN):
        check(f"{name}: a circle", result.status == 2 and "links" in result.says.lower(), result)
    empty(ours)
    # A new file behind root's own link, by names like those that scripts make.
    os.symlink("../ours//.", os.path.join(rooted, "up"))
    for name, result in write_each(os.path.join(rooted, "up"), PLAIN):
        check(f"{name}: through a link that goes up", result.status == 0 and os.path.getsize(os.path.join(ours, name)) > 0, result)
    empty(ours)
    empty(rooted)
    if os.path.exists("/proc/self/cwd"):
        for name, result in write_each("/proc/self/cwd", PLAIN, cwd=ours):
            check(f"{name}: a link of /proc", result.status == 0 and os.path.getsize(os.path.join(ours, name)) > 0, result)
        empty(ours)
    elsewhere = os.path.join(tmp, "elsewhere")
    open(elsewhere, "w").close()
    lay(ours, elsewhere, 0)
    for name, result in write_each(ours, PLAIN):
        check(f"{name}: root's own link is followed", result.status == 0 and os.path.getsize(elsewhere) > 0
              and os.path.islink(os.path.join(ours, name)), result)
        os.truncate(elsewhere, 0)
    empty(ours)
    os.unlink(elsewhere)
    lay(ours, elsewhere, 0)
    for name, result in write_each(ours, PLAIN):
        if name == "basic.golden":
            check(f"{name}: root's own link that leads nowhere", result.status == 2 and "replaced" in result.says, result)
        else:
            check(f"{name}: root's own link to a file that is not there yet", result.status == 0 and os.path.getsize(elsewhere) > 0, result)
            os.unlink(elsewhere)
    piped = run("-w", "/dev/stdout", BASIC, env=PLAIN)
    check("/dev/stdout is a link, too", piped.status == 0 and piped.out == run("-w", "-", BASIC).out, piped)

done()

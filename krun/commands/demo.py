"""`krun demo`: a container made of nothing but this package, created and started as a client would.

Out of scope: being fast to import; this verb is for people.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time

from krun.commands.options import Argument, Arguments, Context, Option
from krun.errors import HostError, KrunError
from krun.execute.monitor import open_kvm
from krun.spec.default import default_config
from krun.sys import paths

SUMMARY = "run a container made by krun itself, in a VM, and say what it took"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS: tuple[Argument, ...] = ()

ID = "krun-demo"
NOT_IN_A_VM = "[not in a VM] "


def run(args: Arguments, context: Context) -> int:
    """Show the container in a VM; where that cannot be had, say why first and show it without one."""
    del args
    if os.geteuid() != 0:
        found = f"this is user {os.geteuid()}"
        raise HostError("the demo makes namespaces and needs root", found, "run it with sudo")
    monitor, prefix = context.monitor, ""
    if monitor != "none":
        try:
            os.close(open_kvm())
        except HostError as error:
            context.out(f"{error}\nHere is the same container with --monitor none, without a VM:\n")
            monitor = "none"
    if monitor == "none":
        prefix = NOT_IN_A_VM
    scratch = tempfile.mkdtemp(prefix="krun-demo-")
    try:
        bundle = make_bundle(scratch)
        base = (paths.launcher(), "--root", os.path.join(scratch, "state"), "--monitor", monitor)
        for line in show(base, bundle):
            context.out(f"{prefix}{line}\n")
    finally:
        shutil.rmtree(scratch)
    return 0


def make_bundle(directory: str) -> str:
    """Write a bundle whose root file system holds one program and two empty folders; return its path."""
    bundle = os.path.join(directory, "bundle")
    root = os.path.join(bundle, "rootfs")
    for folder in ("etc", "tmp"):
        os.makedirs(os.path.join(root, folder))
    shutil.copy(paths.libexec("demo"), os.path.join(root, "demo"))
    with open(os.path.join(root, "etc", "motd"), "w", encoding="utf-8") as file:
        file.write("a root file system made by krun demo\n")
    config = default_config()
    config["process"].update(terminal=False, args=["/demo"], user={"uid": 1000, "gid": 1000})
    config["hostname"] = ID
    with open(os.path.join(bundle, "config.json"), "w", encoding="utf-8") as file:
        json.dump(config, file, indent=2)
    return bundle


def show(base: tuple[str, ...], bundle: str) -> list[str]:
    """Create, start and delete the container; return its output and the times, line by line.

    Raises KrunError with what the failing verb said.
    """
    ours, theirs = os.pipe()
    try:
        created_ms = call((*base, "create", "--bundle", bundle, ID), stdout=theirs)
        started_ms = call((*base, "start", ID), stdout=subprocess.DEVNULL)
    except KrunError:
        os.close(ours)
        raise
    finally:
        os.close(theirs)
    with open(ours, encoding="utf-8", errors="replace") as output:
        lines = output.read().splitlines()
    # The output has ended, so the container is ending or has ended; force covers the moment in between.
    call((*base, "delete", "--force", ID), stdout=subprocess.DEVNULL)
    return [*lines, f"create took {created_ms:.1f} ms, start {started_ms:.1f} ms"]


def call(command: tuple[str, ...], stdout: int) -> float:
    """Run one verb as a process of its own, as a client does; return its milliseconds."""
    begin = time.perf_counter()
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        # A file, not a pipe: the container inherits it, and a pipe would stay open as long as it lives.
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=said, check=False)
        took_ms = (time.perf_counter() - begin) * 1000
        if done.returncode != 0:
            said.seek(0)
            raise KrunError(said.read().strip() or f"{' '.join(command)} ended with status {done.returncode}")
    return took_ms

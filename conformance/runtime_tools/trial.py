"""Runs one validation program against one runtime, in namespaces and a working directory of its own.

The mount and pid namespaces keep two trials, and whatever a hanging one leaves, apart; cgroups have no such
namespace here, so that programs that use the suite's two fixed cgroup paths run one after the other, on the
whole machine.  Out of scope: what the outcome is worth (verdict.py).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import programs
import tap

INSIDE = Path(__file__).resolve().parent / "inside.py"
CGROUPS_LOCK = Path("/run/krun-runtime-tools.lock")
# The suite's own two paths, without the controller's mount point.
FIXED_CGROUPS = ("cgrouptest", "testdir/cgrouptest/container", "testdir/cgrouptest", "testdir")
# Beyond the program's own time: deleting what it left.
CLEANUP_S = 60.0


class Runtime(NamedTuple):
    """A runtime under test."""

    name: str
    command: tuple[str, ...]
    """The program with its options; `--root DIR` is appended."""
    hide_unified: bool
    """Without the cgroup2 hierarchy of a hybrid host, which crun does not accept."""


class Trial(NamedTuple):
    """What a program said about a runtime."""

    program: str
    status: int
    """The program's exit status; 124: its time was up."""
    lines: tuple[tap.Line, ...]
    errors: tuple[str, ...]
    """What stands as `"error"` in diagnostics."""
    output: str
    stderr: str
    left: tuple[str, ...]
    """The containers that it did not delete."""
    seconds: float


def run(runtime: Runtime, program: str, cache: Path, timeout_s: float) -> Trial:
    """Run `program` of `cache` against the runtime.

    Needs root.  Raises OSError, and BrokenTrial when the trial itself could not be set up.
    """
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trial-") as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # a payload with a user namespace has to get through
        for companion in programs.COMPANIONS:
            shutil.copy2(cache / companion, folder / companion)
        wrapper = _wrapper(runtime, folder)
        with _cgroups(program), (folder / "left").open("w+b") as left:
            done = subprocess.run(
                [
                    *["unshare", "--mount", "--propagation", "slave", "--pid", "--fork", "--kill-child"],
                    *["--mount-proc", "--", sys.executable, "-I", str(INSIDE)],
                    *(["--hide-unified"] if runtime.hide_unified else []),
                    *[str(left.fileno()), str(wrapper), str(timeout_s)],
                    str(cache / "validation" / program),
                ],
                cwd=folder,
                env={"PATH": os.environ["PATH"], "HOME": "/root", "TMPDIR": scratch, "RUNTIME": str(wrapper)},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                pass_fds=[left.fileno()],
                timeout=timeout_s + CLEANUP_S,
                check=False,
            )
            left.seek(0)
            names = left.read()
        if not names:
            raise BrokenTrial(f"{program}: {done.stderr.decode(errors='replace').strip()}")
    output = done.stdout.decode(errors="replace")
    lines, errors = tap.parse(output)
    return Trial(
        program,
        done.returncode,
        tuple(lines),
        tuple(errors),
        output,
        done.stderr.decode(errors="replace"),
        tuple(json.loads(names)),
        time.monotonic() - began,
    )


class BrokenTrial(Exception):
    """The trial could not be carried out, which says nothing about the runtime."""


def _wrapper(runtime: Runtime, folder: Path) -> Path:
    """Write the program that stands for the runtime: the suite takes a path, not a command with options."""
    path = folder / "runtime"
    command = shlex.join([*runtime.command, "--root", str(folder / "root")])
    path.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
    path.chmod(0o755)
    return path


@contextlib.contextmanager
def _cgroups(program: str) -> Iterator[None]:
    """Give the suite's fixed cgroup paths to one program at a time, and remove what it leaves there."""
    if not program.startswith(("linux_cgroups_", "delete_")):
        yield
        return
    with CGROUPS_LOCK.open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
        for path in FIXED_CGROUPS:
            for cgroup in sorted(Path("/sys/fs/cgroup").glob(f"*/{path}")):
                with contextlib.suppress(OSError):
                    cgroup.rmdir()

"""Looking at processes and waiting for them by descriptor.

Out of scope: starting krun (runner.py).
"""

from __future__ import annotations

import os
import select
from collections.abc import Iterator
from pathlib import Path

TIMEOUT_S = 60.0


class Hang(AssertionError):
    """Something that had to happen has not happened in time."""


def pids() -> Iterator[int]:
    """Every process of this pid namespace at some moment."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def is_alive(pid: int) -> bool:
    """Tell whether `pid` is a process that is not a zombie: where pid 1 reaps late, zombies are dead."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")  # a name may be anything
    except (FileNotFoundError, ProcessLookupError):
        return False
    return text.rpartition(")")[2].split()[0] not in "ZX"


def children(pid: int) -> list[int]:
    """Return the children of every thread of `pid`; none when it is gone."""
    found: list[int] = []
    try:
        for task in os.listdir(f"/proc/{pid}/task"):
            found += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    except (FileNotFoundError, ProcessLookupError):
        return found
    return found


def wait_dead(pid: int, timeout_s: float = TIMEOUT_S) -> None:
    """Wait until process `pid` has ended, whoever's child it is.  Raises Hang when it has not in time."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        if not poll.poll(timeout_s * 1000):
            raise Hang(f"process {pid} is still alive after {timeout_s} s")
    finally:
        os.close(pidfd)

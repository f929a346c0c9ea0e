"""How a process ended, in words, and the end of processes that krun started itself."""

from __future__ import annotations

from krun import os
from krun.sys import signals
from krun.sys.files import read_document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Sequence


def ending(status: int) -> str:
    """Put a wait status into words: "exited with status 1", "was killed by SIGKILL"."""
    if os.WIFSIGNALED(status):
        return f"was killed by {signals.name_of(os.WTERMSIG(status))}"
    return f"exited with status {os.WEXITSTATUS(status)}"


def exit_status(status: int) -> int:
    """Return the exit status of a wait status as a shell has it: 128 + signal for a death by signal."""
    return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def kill_child(pid: int, pidfd: int) -> int | None:
    """Kill a child and wait for its end; return its wait status, None when it was waited for before."""
    signals.send(pidfd, signals.SIGKILL)
    try:
        return os.waitpid(pid, 0)[1]
    except ChildProcessError:
        return None


def kill_tree(pid: int, spared: Container[int]) -> None:
    """Kill a child that leads a process group, that group, and all that descends from the child.

    Sessions and groups of their own are no way out.  Nor is a daemon's, who leaves its parents, for a caller
    that adopts orphans (`native.adopt_orphans`): it has become a child, and `spared` are those that are not
    the child's.  The child itself is still to be waited for.
    """
    _kill_family([pid])
    _signal(-pid, signals.SIGKILL)
    while strays := [child for child in children(os.getpid()) if child != pid and child not in spared]:
        _kill_family(strays)
        for stray in strays:
            os.waitpid(stray, 0)


def _kill_family(heads: Sequence[int]) -> None:
    """Kill processes and their descendants.

    The list grows while it is walked: each is stopped before its children are counted.
    """
    family = list(heads)
    for member in family:
        _signal(member, signals.SIGSTOP)
        family += [child for child in children(member) if child not in family]
    for member in family:
        _signal(member, signals.SIGKILL)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return  # somebody else may have waited for it, or the last member have left the group


def children(pid: int) -> list[int]:
    """Return the children of all threads of a process."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            found += map(int, read_document(f"/proc/{pid}/task/{thread}/children").split())
    except FileNotFoundError:
        return found
    return found

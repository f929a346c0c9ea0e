"""How a process ended, in words, and the end of processes that krun started itself."""

from __future__ import annotations

import os

from krun.sys import signals


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

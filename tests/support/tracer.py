"""Follows a program and everything that it starts, and reports each image that is executed.

Run as a program of its own, because a tracer waits for every child that it has:

    tracer.py DESCRIPTOR COMMAND [ARGUMENT...]

The report is one JSON object a line on DESCRIPTOR: {"pid", "image", "sha256", "namespace"} for an execution,
{"pid", "executable", "namespace"} for a process or thread that is about to end, with what it has mapped with
execute permission, {"pid", "status"} for an end.  It ends when the last process does.

Out of scope: processes that are stopped and continued (SIGSTOP, SIGCONT).
"""

from __future__ import annotations

import hashlib
import json
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from ptrace.binding import ptrace_cont, ptrace_setoptions, ptrace_traceme
from ptrace.binding.func import (
    PTRACE_EVENT_EXEC,
    PTRACE_EVENT_EXIT,
    PTRACE_O_TRACECLONE,
    PTRACE_O_TRACEEXEC,
    PTRACE_O_TRACEEXIT,
    PTRACE_O_TRACEFORK,
    PTRACE_O_TRACEVFORK,
)

BIRTHS = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE
OPTIONS = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | BIRTHS
WALL = 0x40000000  # threads too, as wait(2) says


def start(command: Sequence[str]) -> int:
    """Start a program that is traced from its first instruction; it stands still at its execution."""
    pid = os.fork()
    if pid == 0:
        ptrace_traceme()
        os.kill(os.getpid(), signal.SIGSTOP)
        os.execv(command[0], command)
    os.waitpid(pid, 0)
    ptrace_setoptions(pid, OPTIONS)
    return pid


def executed(pid: int) -> dict[str, Any]:
    """Describe the image that a process has just begun to execute."""
    with open(f"/proc/{pid}/exe", "rb") as image:
        digest = hashlib.sha256(image.read()).hexdigest()
    links = (os.readlink(f"/proc/{pid}/{name}") for name in ("exe", "ns/pid"))
    return dict(zip(("pid", "image", "namespace", "sha256"), (pid, *links, digest), strict=True))


def ending(pid: int) -> dict[str, Any]:
    """Describe what a process or thread that is about to end could have executed."""
    executable = set()
    with open(f"/proc/{pid}/maps") as mappings:
        for line in mappings:
            _, protection, offset, _, _, *name = line.split(maxsplit=5)
            if "x" in protection:
                executable.add(name[0].rstrip("\n") if name else f"anonymous at {offset}")
    namespace = os.readlink(f"/proc/{pid}/ns/pid")
    return {"pid": pid, "executable": sorted(executable), "namespace": namespace}


def follow(first: int, report: int) -> None:
    """Report until no traced process is left."""

    def tell(what: dict[str, Any]) -> None:
        os.write(report, json.dumps(what).encode() + b"\n")

    known = {first}
    ptrace_cont(first)
    while True:
        try:
            pid, status = os.waitpid(-1, WALL)
        except ChildProcessError:
            return
        if not os.WIFSTOPPED(status):
            tell({"pid": pid, "status": os.waitstatus_to_exitcode(status)})
            continue
        event, number = status >> 16, os.WSTOPSIG(status)
        if event == PTRACE_EVENT_EXEC:
            tell(executed(pid))
        elif event == PTRACE_EVENT_EXIT:
            tell(ending(pid))
        # A new process begins with a SIGSTOP that is the tracer's own; events are no signals either.
        is_signal = event == 0 and pid in known
        known.add(pid)
        ptrace_cont(pid, number if is_signal else 0)


def main() -> None:
    """Trace the command line's program."""
    report = int(sys.argv[1])
    os.set_inheritable(report, False)
    follow(start(sys.argv[2:]), report)


if __name__ == "__main__":
    main()

"""A process that runs one runtime's commands and measures them.

Each runtime has a worker of its own, so that it can live in a mount namespace of its own; the orphaned inits
of its containers become the worker's children, which waits for them as a containerd-shim would.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

UNIFIED = "/sys/fs/cgroup/unified"
_CLONE_NEWNS, _MS_REC, _MS_PRIVATE, _MNT_DETACH = 0x20000, 0x4000, 1 << 18, 2
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class Measured(NamedTuple):
    """A command that has ended."""

    seconds: float
    status: int
    output: str


class Failed(Exception):
    """A command of a runtime failed."""


class Worker:
    """The other end of a worker process."""

    def __init__(self, *, hide_unified: bool) -> None:
        """Start the process."""
        ours, theirs = os.pipe(), os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(ours[1])
            os.close(theirs[0])
            _serve(os.fdopen(ours[0]), os.fdopen(theirs[1], "w"), hide_unified=hide_unified)
        os.close(ours[0])
        os.close(theirs[1])
        self._requests, self._answers = os.fdopen(ours[1], "w"), os.fdopen(theirs[0])

    def run(self, command: Sequence[str], output: Path) -> Measured:
        """Run a command to its end; its output goes to a file and is read back after the measurement."""
        answer = self._ask({"command": list(command), "output": os.fspath(output)})
        return Measured(answer["seconds"], answer["status"], output.read_text(errors="replace"))

    def wait(self, pid: int) -> None:
        """Wait until a container's init has ended."""
        self._ask({"wait": pid})

    def _ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._requests.write(json.dumps(request) + "\n")
        self._requests.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer


def _serve(requests: TextIO, answers: TextIO, *, hide_unified: bool) -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if hide_unified and os.path.ismount(UNIFIED):
        for result in (
            libc.unshare(_CLONE_NEWNS),
            libc.mount(b"none", b"/", None, _MS_REC | _MS_PRIVATE, None),
            libc.umount2(UNIFIED.encode(), _MNT_DETACH),
            # crun makes directories there nevertheless: not in the host's.
            libc.mount(b"none", UNIFIED.encode(), b"tmpfs", 0, None),
        ):
            if result != 0:
                raise OSError(ctypes.get_errno(), "cannot hide the unified hierarchy")
    for line in requests:
        request = json.loads(line)
        answers.write(json.dumps(_answer(request)) + "\n")
        answers.flush()
    os._exit(0)


def _answer(request: Mapping[str, Any]) -> dict[str, Any]:
    if "wait" in request:
        os.waitpid(request["wait"], 0)
        return {}
    command = request["command"]
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    before = time.perf_counter()
    pid = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
    status = os.waitpid(pid, 0)[1]
    return {"seconds": time.perf_counter() - before, "status": os.waitstatus_to_exitcode(status)}

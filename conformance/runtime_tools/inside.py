"""The first process of a trial's namespaces: runs a validation program, reaps what it orphans, cleans up.

    inside.py [--hide-unified] LEFT RUNTIME TIMEOUT_S PROGRAM

RUNTIME is the wrapper script that the program calls, too; PROGRAM runs in the working directory.  As the
first process of a pid namespace it takes everything along when it ends.  Exits with the program's status
(128 + the signal that ended it), or with 124 when the time was up; writes the containers that the program
left behind, which it deletes, to the descriptor LEFT as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

UNIFIED = "/sys/fs/cgroup/unified"
TIMED_OUT = 124
CLEANUP_S = 20.0


class _TimeUp(Exception):
    """The alarm rang."""


def _ring(_number: int, _frame: object) -> None:
    raise _TimeUp


def _run(command: Sequence[str], timeout_s: float) -> int:
    """Run the program and reap every orphan until it has ended."""
    signal.signal(signal.SIGALRM, _ring)
    # A fork without exec would leave the program as a child that subprocess, too, waits for.
    pid = os.posix_spawn(command[0], command, os.environ)
    signal.setitimer(signal.ITIMER_REAL, timeout_s)
    try:
        while True:
            ended, status = os.wait()
            if ended == pid:
                signal.setitimer(signal.ITIMER_REAL, 0)
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
    except _TimeUp:
        os.kill(pid, signal.SIGKILL)
        return TIMED_OUT


def _delete_what_is_left(runtime: str) -> list[str]:
    """Delete the containers that still exist; return their ids."""
    listed = subprocess.run(
        [runtime, "list", "--format", "json"], capture_output=True, timeout=CLEANUP_S, check=False
    )
    containers = json.loads(listed.stdout or b"null") or [] if listed.returncode == 0 else []
    left = [container["id"] for container in containers]
    for container in left:
        subprocess.run(
            [runtime, "delete", "--force", container],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=CLEANUP_S,
            check=False,
        )
    return left


def main(arguments: list[str]) -> int:
    """Run the trial."""
    if arguments[0] == "--hide-unified":
        arguments = arguments[1:]
        if os.path.ismount(UNIFIED):
            subprocess.run(["umount", UNIFIED], check=True)
            # crun makes directories there nevertheless: not in the host's.
            subprocess.run(["mount", "-t", "tmpfs", "none", UNIFIED], check=True)
    left_fd, runtime, timeout_s, *program = arguments
    os.set_inheritable(int(left_fd), False)  # the program and the runtime have nothing to do with it
    status = _run(program, float(timeout_s))
    try:
        left = _delete_what_is_left(runtime)
    except subprocess.TimeoutExpired:
        left = ["(the runtime does not answer)"]
    os.write(int(left_fd), json.dumps(left).encode())
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

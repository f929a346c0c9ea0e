"""What a run leaves when it is killed: its cgroups and what is in them, ended by a process that outlives it.

`begin` starts that process, and it waits for the end of a pipe that only the run holds: however the run ends,
it then ends what is in the cgroups whose names begin as it was told, and removes them.
What is not in such a cgroup ends with its parent (PR_SET_PDEATHSIG): test beds and kernels of their own.

Out of scope: what a test leaves behind while the run goes on (`leftovers`).
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from pathlib import Path

from support.leftovers import cgroups_named
from support.processes import wait_dead


def begin(*prefixes: str) -> int:
    """Start the process for cgroups with these prefixes; returns the descriptor that is to be held."""
    read_end, write_end = os.pipe()
    with open(os.devnull, "wb") as nothing:
        os.posix_spawn(
            sys.executable,
            [sys.executable, __file__, *prefixes],
            {"PYTHONPATH": str(Path(__file__).parent.parent)},
            file_actions=[
                (os.POSIX_SPAWN_DUP2, read_end, 0),
                (os.POSIX_SPAWN_DUP2, nothing.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, nothing.fileno(), 2),
            ],
            setsid=True,
        )
    os.close(read_end)
    return write_end


def end(prefix: str) -> None:
    """Kill what is in the cgroups that begin with `prefix`, and remove them."""
    for path in cgroups_named(prefix):
        while pids := [int(pid) for pid in (path / "cgroup.procs").read_text().split()]:
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            if (path / "freezer.state").exists():
                (path / "freezer.state").write_text("THAWED")  # on v1, what is frozen does not die
            for pid in pids:
                wait_dead(pid)
        path.rmdir()


def main(prefixes: list[str]) -> None:
    """Wait for the end of standard input, then end all that is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 1):
        continue
    for prefix in prefixes:
        end(prefix)


if __name__ == "__main__":
    main(sys.argv[1:])

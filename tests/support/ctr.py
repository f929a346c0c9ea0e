"""containerd's client `ctr` in a bed of its own, with one runtime.

Out of scope: the bed's life, which is containerd_bed.py's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from containerd_bed import ContainerdBed

from support.client import Answer, Client, cgroups_below
from support.processes import TIMEOUT_S


class Ctr(Client):
    """ctr with the runtime under test; containers have the bed's root file system."""

    def __init__(self, bed: ContainerdBed, runtime: str, binary: Path | None) -> None:
        """Use the daemon of `bed`; containers are run with `binary`, containerd's own choice without one."""
        self.bed, self.runtime, self.binary = bed, runtime, binary

    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run ctr and wait.  Raises subprocess.TimeoutExpired when it hangs."""
        return Answer(self.bed.ctr(*args, input=stdin, capture_output=True, timeout=TIMEOUT_S))

    def words(self, *options: str, name: str, command: tuple[str, ...]) -> list[str]:
        """Return the arguments that run a container."""
        binary = [] if self.binary is None else ["--runc-binary", str(self.binary)]
        # Without an image nothing sets it, and runc looks nowhere then.
        path = ["--env", "PATH=/bin"]
        cgroup = ["--cgroup", f"/{self.bed.cgroup}/{name}"]
        return ["run", *binary, *path, *cgroup, "--rootfs", *options, str(self.bed.rootfs), name, *command]

    def run(self, *command: str, name: str, options: tuple[str, ...] = (), stdin: bytes = b"") -> Answer:
        """Run a container in the foreground and remove it."""
        return self(*self.words("--rm", *options, name=name, command=command), stdin=stdin)

    def detach(self, name: str, *command: str) -> str:
        """Run a container in the background and return its name."""
        self.ok(*self.words("--detach", name=name, command=command))
        return name

    def popen(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start ctr; `options` are Popen's."""
        return subprocess.Popen(self.bed.ctr_command(*args), **options)

    def tasks(self) -> dict[str, str]:
        """Return the status of each task by its container."""
        lines = (line.split() for line in self.ok("tasks", "list").splitlines()[1:])
        return {name: status for name, _pid, status in lines}

    def remove(self, name: str) -> None:
        """Kill a container and remove it."""
        self.ok("tasks", "delete", "--force", name)
        self.ok("containers", "delete", name)

    def clean(self) -> list[str]:
        """Remove every container; returns the names of those that there were."""
        left = self.ok("containers", "list", "--quiet").split()
        for name in left:
            self("tasks", "delete", "--force", name)
            self("containers", "delete", name)
        return left

    def state_directories(self) -> list[str]:
        """Return the containers of which a runtime still holds a state."""
        script = "ls -d /run/containerd/runc/*/* 2>/dev/null; true"
        return self.bed.inside("sh", "-c", script, capture_output=True, text=True).stdout.split()

    def cgroups(self) -> list[Path]:
        """Return the cgroups of containers that are still there."""
        return cgroups_below(self.bed.cgroup)

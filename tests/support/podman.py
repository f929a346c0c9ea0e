"""podman and buildah in a bed of their own, with one runtime.

Out of scope: the bed's life, which is podman_bed.py's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from podman_bed import PodmanBed

from support.client import Answer, EngineClient, cgroups_below
from support.processes import TIMEOUT_S

IMAGE = "busybox"


class Podman(EngineClient):
    """podman with the runtime under test."""

    def __init__(self, bed: PodmanBed, runtime: str) -> None:
        """Use `bed`; containers are run with `runtime`."""
        self.bed, self.runtime = bed, runtime

    def command(self, *args: str) -> list[str]:
        """Return the command line of podman for `args`; it wants the bed's `variables`."""
        return self.bed.command("podman", "--runtime", self.runtime, *args)

    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run podman and wait.  Raises subprocess.TimeoutExpired when it hangs."""
        return self.call("podman", "--runtime", self.runtime, *args, stdin=stdin)

    def call(self, *words: str, stdin: bytes = b"") -> Answer:
        """Run any command as the bed's user, in its namespaces."""
        return Answer(self.bed.call(*words, input=stdin, capture_output=True, timeout=TIMEOUT_S))

    def words(self, *args: str, verb: str = "run") -> list[str]:
        """Return the arguments that make a container, or a pod, without a network in the bed's cgroup."""
        parent = [] if self.bed.user else [f"--cgroup-parent=/{self.bed.cgroup}"]
        network = [] if any(word.startswith(("--network", "--pod")) for word in args) else ["--network=none"]
        return [*verb.split(), *parent, *network, *args]

    def run(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run a container in the foreground and remove it: `args` are options, the image and the command."""
        return self(*self.words("--rm", *args), stdin=stdin)

    def output(self, *args: str, stdin: bytes = b"") -> str:
        """Run a container in the foreground, assert that it succeeds, return what it prints."""
        answer = self.run(*args, stdin=stdin)
        assert answer.status == 0, answer
        return answer.out

    def detach(self, name: str, *args: str) -> str:
        """Run a container in the background and return its name."""
        self.ok(*self.words("--detach", "--name", name, *args))
        return name

    def popen(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start podman; `options` are Popen's."""
        return subprocess.Popen(self.command(*args), env=self.bed.variables(), **options)

    def clean(self) -> list[str]:
        """Remove every container and pod; returns the names of those that there were."""
        left = self.ok("ps", "--all", "--format", "{{.Names}}").split()
        pods = self.ok("pod", "ls", "--format", "{{.Name}}").split()
        if left or pods:
            self.ok("pod", "rm", "--all", "--force")
            self.ok("rm", "--all", "--force", "--time", "0")
        return left + pods

    def state_directories(self) -> list[str]:
        """Return the containers of which a runtime still holds a state."""
        roots = [self.bed.user.runtime_dir] if self.bed.user else ["/run"]
        script = f"ls -d {' '.join(f'{root}/{self.runtime}/*' for root in roots)} 2>/dev/null; true"
        return self.call("sh", "-c", script).out.split()

    def cgroups(self) -> list[Path]:
        """Return the cgroups of containers that are still there; podman's own for conmon stays."""
        return [path for path in cgroups_below(self.bed.cgroup) if path.name != "conmon"]

"""The docker client against a test bed, with one runtime.

Out of scope: the daemon's life, which is testbed.py's.
"""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

from testbed import Testbed

from support.client import Answer, EngineClient, cgroups_below
from support.processes import TIMEOUT_S

IMAGE = "busybox"
READY = "echo ready; "


class Docker(EngineClient):
    """docker with the runtime under test."""

    def __init__(self, bed: Testbed, runtime: str) -> None:
        """Use the daemon of `bed`; containers are run with `runtime`."""
        self.bed, self.runtime = bed, runtime

    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run the client and wait.  Raises subprocess.TimeoutExpired when it hangs."""
        return Answer(self.bed.docker(*args, input=stdin, capture_output=True, timeout=TIMEOUT_S))

    def words(self, *args: str, verb: str = "run") -> list[str]:
        """Return the client's arguments that run, or create, a container with the runtime."""
        return [verb, "--runtime", self.runtime, *args]

    def run(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run a container in the foreground and remove it: `args` are options, the image and the command."""
        return self(*self.words("--rm", *args), stdin=stdin)

    def output(self, *args: str, stdin: bytes = b"") -> str:
        """Run a container in the foreground, assert that it succeeds, return what it prints."""
        answer = self.run(*args, stdin=stdin)
        assert answer.status == 0, answer
        return answer.out

    def popen(self, *args: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start the client for a container in the foreground and return it; `options` are Popen's."""
        return subprocess.Popen(self.bed.docker_command(*self.words(*args)), **options)

    def state_directories(self) -> list[str]:
        """Return the containers of which a runtime still holds a state."""
        script = "ls -d /run/docker/*/*/* /run/containerd/runc/*/* 2>/dev/null; true"
        listed = self.bed.inside("sh", "-c", script, capture_output=True, text=True).stdout.split()
        roots = self.bed.folder.glob("docker-exec/runtime-*/*/*")
        return [*(path for path in listed if "runtime" in path), *map(str, roots)]

    def cgroups(self) -> list[Path]:
        """Return the cgroups of containers that are still there."""
        return cgroups_below(self.bed.cgroup)


class Attached:
    """A container in the foreground of a client, which is known to have begun."""

    def __init__(self, docker: Docker, *args: str, name: str) -> None:
        """Start `args`, whose first output is the line `ready`, and wait for that."""
        self.docker, self.name = docker, name
        options = ["--interactive", "--name", name, *args]
        self.client = docker.popen(
            *options, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert self.client.stdout is not None
        line = self.client.stdout.readline()
        if line != b"ready\n":
            _, err = self.client.communicate(timeout=TIMEOUT_S)
            self.remove()
            raise AssertionError(f"the container does not begin: {line!r}, {err.decode(errors='replace')}")

    def status(self) -> int:
        """Wait for the container and return its exit status as the client gives it."""
        assert self.client.stdin is not None
        assert self.client.stdout is not None
        assert self.client.stderr is not None
        status = self.client.wait(TIMEOUT_S)
        for stream in (self.client.stdin, self.client.stdout, self.client.stderr):
            stream.close()
        return status

    def say(self, line: str) -> None:
        """Write a line to the payload's stdin."""
        assert self.client.stdin is not None
        self.client.stdin.write(line.encode() + b"\n")
        self.client.stdin.flush()

    def remove(self) -> None:
        """Remove the container, whatever it does."""
        self.docker.ok("rm", "--force", self.name)

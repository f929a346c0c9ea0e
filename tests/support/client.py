"""Clients of a runtime, each a program that is called with words, and what a call comes to.

Out of scope: the daemons and the folders that they work with (conformance/testbed).
"""

from __future__ import annotations

import json
import subprocess
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

from support.leftovers import cgroup_mounts


class Answer:
    """What a call came to."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        """Take what subprocess.run returned."""
        self.args, self.status = done.args, done.returncode
        self.out, self.err = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))

    def __repr__(self) -> str:
        """Show everything: this is what a failing assertion prints."""
        return f"<{' '.join(self.args)}: status {self.status}, stdout {self.out!r}, stderr {self.err!r}>"


class Client(ABC):
    """A client with the runtime under test."""

    @abstractmethod
    def __call__(self, *args: str, stdin: bytes = b"") -> Answer:
        """Run the client and wait.  Raises subprocess.TimeoutExpired when it hangs."""

    def ok(self, *args: str, stdin: bytes = b"") -> str:
        """Run the client, assert that it succeeds, return what it prints."""
        answer = self(*args, stdin=stdin)
        assert answer.status == 0, answer
        return answer.out


class EngineClient(Client):
    """The client of docker or podman."""

    def inspect(self, container: str) -> dict[str, Any]:
        """Return what the engine knows of a container."""
        (found,) = json.loads(self.ok("inspect", container))
        assert isinstance(found, dict)
        return found


def cgroups_below(name: str) -> list[Path]:
    """Return the cgroups right below one of this name, in every hierarchy."""
    tops = (mount / name for mount in cgroup_mounts())
    return [path for top in tops if top.is_dir() for path in top.iterdir() if path.is_dir()]

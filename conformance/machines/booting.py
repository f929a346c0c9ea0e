"""Booting a machine that is a program of the host's, to its end.

Out of scope: which program, and what it boots (`small_kernel`, `svm_machine`).
"""

from __future__ import annotations

import errno
import os
import shlex
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_TIED = ("setpriv", "--pdeathsig", "KILL")
_TOGETHER = ("unshare", "--pid", "--mount-proc", "--fork", "--kill-child")
"""A machine may be several processes, of which one does not end with the others."""


class Ended(NamedTuple):
    """How the command ended in the machine."""

    status: int
    output: str
    """Standard output and standard error together."""


class BootError(Exception):
    """The machine did not get to the end of the command."""


class Job:
    """A command that `system_init.sh` runs, in a directory of the host's that is /mnt in the machine."""

    def __init__(self, command: Sequence[str], shared: Path) -> None:
        """Lay the command down; nothing of an earlier one stays."""
        self.shared = shared.resolve()
        for leftover in ("output", "status"):
            (self.shared / leftover).unlink(missing_ok=True)
        (self.shared / "job").write_text(f"exec {shlex.join(command)}\n")

    def run(
        self, words: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None
    ) -> Ended:
        """Boot the machine of these words, and return how the command ended in it.

        Raises BootError, with what the console and the command said, when the machine ended before or did
        not end; FileNotFoundError when there is no such program.
        """
        try:
            console = boot(words, timeout_s, environment)
        except BootError as error:
            raise BootError(f"{error}\n{self._said()}") from None
        try:
            status = int((self.shared / "status").read_text())
        except (FileNotFoundError, ValueError):
            raise BootError(
                f"the machine ended before the command; console:\n{console}\n{self._said()}"
            ) from None
        return Ended(status=status, output=(self.shared / "output").read_text(errors="replace"))

    def _said(self) -> str:
        output = self.shared / "output"
        if not output.exists():
            return "the command was not begun"
        return f"the command's output:\n{output.read_text(errors='replace')}"


def boot(words: Sequence[str], timeout_s: float, environment: Mapping[str, str] | None = None) -> str:
    """Run the machine's program to its end; returns what it said on its console.

    It does not outlive its caller, however that ends.
    Raises BootError when it takes longer, FileNotFoundError when there is no such program.
    """
    if shutil.which(words[0]) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), words[0])
    with subprocess.Popen(
        [*_TIED, *(_TOGETHER if os.geteuid() == 0 else ()), *words],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as machine:
        try:
            console, _ = machine.communicate(timeout=timeout_s)
        except subprocess.TimeoutExpired:
            os.killpg(machine.pid, signal.SIGKILL)
            console, _ = machine.communicate()
            said = console.decode(errors="replace")
            raise BootError(f"still running after {timeout_s} s; console:\n{said}") from None
    return console.decode(errors="replace")

"""Booting a machine that is a program of the host's, to its end.

Out of scope: which program, and what it boots (`small_kernel`, `svm_machine`).
"""

from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
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

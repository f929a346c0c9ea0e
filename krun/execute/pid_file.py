"""The file in which a caller finds the pid of what it asked for."""

from __future__ import annotations

from krun import os
from krun.errors import HostError, symbol


def write_pid_file(path: str, pid: int) -> None:
    """Write a pid as callers want it: decimal, without a newline, the file appearing as a whole."""
    folder, name = os.path.split(path)
    new = os.path.join(folder, f".{name}.{os.getpid()}")
    try:
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.write(file, b"%d" % pid)
        finally:
            os.close(file)
        os.rename(new, path)
    except OSError as error:
        found = symbol(error)
        raise HostError(f"pid file {path}", f"cannot be written: {found}") from error

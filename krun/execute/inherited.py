"""Descriptors that krun's caller hands through to the payload: sockets of systemd's protocol, then others."""

from __future__ import annotations

import fcntl

from krun import os
from krun.errors import UsageError

FIRST = 3


def listen_fds() -> int:
    """Return how many sockets systemd's protocol says are for this process (sd_listen_fds(3))."""
    count = os.getenv("LISTEN_FDS")
    is_ours = os.getenv("LISTEN_PID") == str(os.getpid())
    return int(count) if is_ours and count.isascii() and count.isdecimal() else 0


def preserved(count: int) -> tuple[int, ...]:
    """Return the first `count` descriptors from 3 on.  Raises UsageError when the caller did not open one.

    krun's own are close-on-exec and so can be told from the caller's, which came through an exec.
    """
    files = range(FIRST, FIRST + count)
    for file in files:
        try:
            flags = fcntl.fcntl(file, fcntl.F_GETFD)
        except OSError:
            flags = fcntl.FD_CLOEXEC
        if flags & fcntl.FD_CLOEXEC:
            raise UsageError(f"--preserve-fds: descriptor {file} is not open")
    return tuple(files)

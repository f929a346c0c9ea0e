"""What krun's caller hands through to the payload: sockets of systemd's protocols, then other descriptors."""

from __future__ import annotations

import fcntl

from krun import os
from krun.errors import UsageError

FIRST = 3
_PODMANS = "1"  # LISTEN_PID as podman sets it: the payload's, whoever stands between
_MOST_NAMES = 4096


def listen_fds() -> tuple[int, str]:
    """Return how many sockets systemd's protocol hands over (sd_listen_fds(3)), and LISTEN_FDNAMES.

    They are for this process when LISTEN_PID is its pid, is 1, or is not there; else they were for one that
    has passed its environment on, and descriptor 3 may be anything.
    """
    count = os.getenv("LISTEN_FDS")
    is_ours = os.getenv("LISTEN_PID", _PODMANS) in (_PODMANS, str(os.getpid()))
    if not (is_ours and count.isascii() and count.isdecimal() and int(count) > 0):
        return 0, ""
    names = os.getenv("LISTEN_FDNAMES")
    return int(count), names if len(names) <= _MOST_NAMES else ""


def notify_address() -> str:
    """Return where this process's service manager is notified (sd_notify(3)), "" for nowhere."""
    address = os.getenv("NOTIFY_SOCKET")
    return address if address.startswith(("/", "@")) else ""


def withhold() -> None:
    """Let no descriptor above 2 reach what krun executes from now on, but those that it hands over itself.

    What the caller left open is meant for the payload, at most, and never for a hook.
    """
    for name in os.listdir("/proc/self/fd"):
        if int(name) >= FIRST:
            try:
                fcntl.fcntl(int(name), fcntl.F_SETFD, fcntl.FD_CLOEXEC)
            except OSError:
                continue  # the listing's own, which is closed by now


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

"""Descriptors of processes.  Out of scope: whose process it is (`krun.state.liveness`)."""

from __future__ import annotations

import errno

from krun import os


def open_pidfd(pid: int) -> int:
    """Return an owned pidfd of a process, a zombie included.  Raises ProcessLookupError when there is none.

    While a session or a process group goes by the pid of a process that is gone, older kernels (6.1 is one)
    say EINVAL of it: there is such a pid, but no process.
    """
    try:
        return os.pidfd_open(pid)
    except OSError as error:
        if error.errno == errno.EINVAL:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
        raise

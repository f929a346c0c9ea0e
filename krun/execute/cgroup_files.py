"""Reading, writing and making what cgroup file systems hold; the same for v1 and v2.

Plain system calls: this is on the way of every `create`, and the text layer of `open` would cost more than
the kernel does.  Errors of the kernel are OSError here.
Out of scope: what the files mean.
"""

from __future__ import annotations

import errno

from krun import os
from krun.sys.files import read_document
from krun.sys.pidfd import open_pidfd
from krun.sys.trees import directories

_MAKE_ATTEMPTS = 50
"""Another krun may remove a parent that its container brought along just when one is made in it."""


def write_file(path: str, value: str) -> None:
    """Write a value in one write, as the kernel wants it.  Raises OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, value.encode())
    finally:
        os.close(fd)


def parent_of(directory: str) -> str:
    """Return the directory that holds `directory`."""
    return directory.rpartition("/")[0]


def make_directory(directory: str, mount: str, made: list[str]) -> bool:
    """Make a cgroup below `mount`, and the parents that are missing; `made` gets whatever was made.

    Returns whether `directory` itself was made.  Raises OSError.
    """
    for attempt in range(1, _MAKE_ATTEMPTS + 1):
        try:
            os.mkdir(directory, 0o755)
        except FileExistsError:
            return False
        except FileNotFoundError:
            if directory == mount or attempt == _MAKE_ATTEMPTS:
                raise
            make_directory(parent_of(directory), mount, made)
        else:
            made.append(directory)
            return True
    raise AssertionError("the last attempt returns or raises")


def processes(directory: str) -> list[int]:
    """Return the pids in a cgroup and below it; none when it is gone.  Raises OSError."""
    pids: list[int] = []
    for above, name in directories(directory):
        try:
            pids += _processes_right_in(above, name)
        except OSError as error:
            # It was removed meanwhile; or is threaded, and the domain above lists its processes.
            if error.errno not in (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP):
                raise
    # A process of a pid namespace that is not ours reads as 0: nobody here could signal it.
    return [pid for pid in pids if pid != 0]


def _processes_right_in(above: int, name: str) -> list[int]:
    listing = os.open(f"{name}/cgroup.procs", os.O_RDONLY | os.O_CLOEXEC, dir_fd=above)
    try:
        return [int(line) for line in read_document(listing).split()]
    finally:
        os.close(listing)


def open_processes(directory: str) -> dict[int, int]:
    """Open a pidfd for each process of a cgroup; the caller closes them.

    Each was seen in the cgroup after its pidfd had been opened, so that none stands for a process that got
    the pid later.  Raises OSError.
    """
    opened: dict[int, int] = {}
    for pid in processes(directory):
        try:
            opened[pid] = open_pidfd(pid)
        except ProcessLookupError:
            continue
    still = set(processes(directory)) if opened else set()
    for pid in opened.keys() - still:
        os.close(opened.pop(pid))
    return opened


def remove_tree(directory: str) -> None:
    """Remove a cgroup and those below it, if it is there.  Raises OSError, EBUSY with processes inside."""
    try:
        os.rmdir(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in (errno.EBUSY, errno.ENOTEMPTY):
            raise
        for above, name in directories(directory):
            try:
                os.rmdir(name, dir_fd=above)
            except FileNotFoundError:
                continue

"""The namespaces of a process as files: which of them differ from krun's own, and who owns them.

Out of scope: which of them are joined in which order (`krun.plan.exec`), and the guard against a pid that is
used again while they are read (whoever holds the process's pidfd).
"""

from __future__ import annotations

import errno
import fcntl

from krun import os
from krun.errors import HostError
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

# The specification's name -> the file's name below /proc/PID/ns.
FILES: Mapping[str, str] = {
    "user": "user",
    "ipc": "ipc",
    "uts": "uts",
    "network": "net",
    "cgroup": "cgroup",
    "pid": "pid",
    "time": "time",
    "mount": "mnt",
}
_NS_GET_USERNS = 0xB701  # linux/nsfs.h


class JoinableNamespace(Record):
    """A namespace of another process that krun is not in."""

    type: str
    """The specification's name."""
    path: str
    is_owned: bool = True
    """Whether it belongs to that process's user namespace, whose root may join it."""


def namespaces_of(pid: int) -> tuple[JoinableNamespace, ...]:
    """Return the namespaces of a process that differ from krun's own.  Raises HostError."""
    found = []
    owner = _identity(f"/proc/{pid}/ns/user", pid)
    for type, file in FILES.items():
        path = f"/proc/{pid}/ns/{file}"
        try:
            if _identity(path, pid) == _identity(f"/proc/self/ns/{file}", pid):
                continue
        except FileNotFoundError:
            continue  # a kernel without this type
        is_owned = type == "user" or _owner(path) in (owner, None)
        found.append(JoinableNamespace(type=type, path=path, is_owned=is_owned))
    return tuple(found)


def pids_in_namespace(pid: int) -> list[int] | None:
    """Return every process of a process's pid namespace, sorted; None when it is krun's own."""
    wanted = _identity(f"/proc/{pid}/ns/pid", pid)
    if wanted == _identity("/proc/self/ns/pid", pid):
        return None
    found = []
    for name in os.listdir("/proc"):
        if not name.isdecimal():
            continue
        try:
            status = os.stat(f"/proc/{name}/ns/pid")
        except OSError:
            continue  # ended meanwhile, or not ours to look at
        if (status.st_dev, status.st_ino) == wanted:
            found.append(int(name))
    return sorted(found)


def _identity(path: str, pid: int) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except FileNotFoundError:
        if os.path.exists(f"/proc/{pid}/ns"):
            raise
        raise HostError(f"the namespaces of process {pid} cannot be read", "it has ended") from None
    except OSError as error:
        found = errno.errorcode.get(error.errno or 0, str(error))
        raise HostError(f"the namespaces of process {pid} cannot be read", found) from error
    return status.st_dev, status.st_ino


def _owner(path: str) -> tuple[int, int] | None:
    """Return the user namespace that owns a namespace; None when krun may not know."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            owner = fcntl.ioctl(file, _NS_GET_USERNS)
        finally:
            os.close(file)
    except OSError:
        return None
    try:
        status = os.fstat(owner)
        return status.st_dev, status.st_ino
    finally:
        os.close(owner)

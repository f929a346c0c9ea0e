"""The namespaces of a process as files: which of them differ from krun's own, and who owns them.

Out of scope: which of them are joined in which order (`krun.plan.exec`), and the guard against a pid that is
used again while they are read (whoever holds the process's pidfd).
"""

from __future__ import annotations

import fcntl

from krun import os
from krun.errors import HostError, symbol
from krun.sys import native
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
_CLONE_NEWUSER = 0x10000000


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


def root_group(path: str) -> int | None:
    """Return what group 0 of a user namespace is out here; None where it is nobody, or krun's own namespace.

    The file of a namespace tells no maps: a process that has entered it is looked at.  Raises OSError.
    """
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    told, tell = os.pipe2(os.O_CLOEXEC)
    hold, release = os.pipe2(os.O_CLOEXEC)
    pid = os.fork()
    if pid == 0:
        try:
            os.close(release)
            native.enter_namespace(namespace, _CLONE_NEWUSER)
            os.write(tell, b"entered")
            os.read(hold, 1)
        finally:
            os._exit(0)
    os.close(tell)
    try:
        maps = _read_text(f"/proc/{pid}/gid_map") if os.read(told, 7) else ""
    finally:
        for descriptor in (namespace, told, hold, release):
            os.close(descriptor)
        os.waitpid(pid, 0)
    lines = (line.split() for line in maps.splitlines())
    return next((int(outside) for inside, outside, _ in lines if inside == "0"), None)


def _read_text(path: str) -> str:
    with open(path, "rb") as file:
        return file.read().decode()


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
        found = symbol(error)
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

"""The root's mount of a container without a mount namespace: it stands in the runtime's own.

krun-init binds the root file system on itself and mounts all else in that mount, which is private; so
unmounting this one takes all of it away.  What identifies it later is the mount that it covers: the path
alone may be a mount of the caller's.

Out of scope: making it, which is krun-init's work, and containers that have a mount namespace.
"""

from __future__ import annotations

from krun import os
from krun.errors import KrunError, symbol
from krun.sys import native
from krun.sys.files import read_text

_MNT_DETACH = 2
_UMOUNT_NOFOLLOW = 8


def mount_of(path: str) -> int:
    """Return the id of the mount that shows at a path, as /proc/self/mountinfo has it.  Raises OSError."""
    return _place(path)[0]


def unmount(path: str, below: int) -> None:
    """Unmount what covers the mount `below` at `path`, with all that is in it; fine when nothing does.

    Raises KrunError.
    """
    try:
        _, point_of_root = _place(path)
    except OSError:
        return  # a mount point cannot have been removed
    # mountinfo's own escapes, proc_pid_mountinfo(5).
    escaped = point_of_root.replace("\\", "\\134").replace(" ", "\\040").replace("\t", "\\011")
    escaped = escaped.replace("\n", "\\012")
    for line in read_text("/proc/self/mountinfo").splitlines():
        _, parent, _, _, point, *_ = line.split(" ")
        if point == escaped and int(parent) == below:
            try:
                native.unmount(point_of_root, _MNT_DETACH | _UMOUNT_NOFOLLOW)
            except OSError as error:
                raise KrunError(
                    f"the container's root {path} cannot be unmounted: {symbol(error)}"
                ) from error


def _place(path: str) -> tuple[int, str]:
    """Return the id of the mount and the path without links of a directory.  Raises OSError."""
    fd = os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fields = read_text(f"/proc/self/fdinfo/{fd}").split()
        return int(fields[fields.index("mnt_id:") + 1]), os.readlink(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)

"""What a plan has to know of an image: the home directory of a user.

The image is hostile: paths are resolved inside its root, only regular files are read, and only so much.
Out of scope: groups and names, because `process.user` has numbers; a passwd that is mounted over it.
"""

from __future__ import annotations

import stat

from krun import os
from krun.sys import native

_USERS = "etc/passwd"
_MOST_BYTES = 1 << 20
_FIELDS = 7  # passwd(5): name, password, uid, gid, comment, home, shell


def home_of(rootfs: str, uid: int) -> str:
    """Return the home directory of `uid` in the image's passwd; `/` where that says nothing.

    rootfs: absolute path of the root file system on the host.
    """
    try:
        root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return "/"  # that it is missing is krun-init's to report
    try:
        passwd = _read(root)
    finally:
        os.close(root)
    return parse_home(passwd, uid)


def parse_home(passwd: str, uid: int) -> str:
    """Find the first line for `uid` that has a home directory."""
    for line in passwd.splitlines():
        fields = line.split(":")
        if len(fields) == _FIELDS and fields[2] == str(uid) and fields[5] != "" and "\0" not in fields[5]:
            return fields[5]
    return "/"


def _read(root: int) -> str:
    """Read the image's passwd.  It is opened for reading only after it has proved to be a regular file."""
    try:
        place = native.open_in_root(root, _USERS, os.O_PATH)
    except OSError:
        return ""
    try:
        if not stat.S_ISREG(os.fstat(place).st_mode):
            return ""
        fd = os.open(f"/proc/self/fd/{place}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return ""
    finally:
        os.close(place)
    try:
        return os.fsdecode(os.read(fd, _MOST_BYTES))
    finally:
        os.close(fd)

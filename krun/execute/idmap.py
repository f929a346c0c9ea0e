"""Writes the maps of a new user namespace.

Out of scope: `newuidmap`, which a plain user would need for more than one id.
"""

from __future__ import annotations

import errno

from krun import os
from krun.errors import HostError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import IdMaps


def write_maps(pid: int, maps: IdMaps) -> None:
    """Write uid_map, setgroups and gid_map of the process.  Raises HostError."""
    _write(f"/proc/{pid}/uid_map", maps.uid_lines)
    if maps.setgroups_deny:
        _write(f"/proc/{pid}/setgroups", "deny")
    _write(f"/proc/{pid}/gid_map", maps.gid_lines)


def _write(path: str, text: str) -> None:
    try:
        file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(file, text.encode("ascii"))  # the kernel takes a map in one write only
        finally:
            os.close(file)
    except OSError as error:
        what = os.path.basename(path)
        found = f"{what} refuses {' '.join(text.split())!r}: {errno.errorcode.get(error.errno or 0, error)}"
        hint = (
            "" if os.geteuid() == 0 else "maps of other ids than one's own need root in this version of krun"
        )
        raise HostError("the ids of the user namespace cannot be mapped", found, hint) from error

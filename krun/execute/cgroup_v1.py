"""What only cgroup v1 needs: the inheritance of cpusets, and the freezer.

Out of scope: everything that v1 and v2 share (`cgroup`).
"""

from __future__ import annotations

import select

from krun.execute.cgroup_files import parent_of, write_file
from krun.sys.files import read_text

_FIRST_PAUSE_MS = 1


def inherit_cpuset(directory: str, mount: str) -> None:
    """Give a cpuset without processors or memory nodes those of its parent, whose own come from further up.

    A fresh v1 cpuset is empty, and the kernel lets no process into an empty one.  Raises OSError.
    Source: cpuset(7), "cpuset.clone_children".
    """
    for file in ("cpuset.cpus", "cpuset.mems"):
        _inherited(directory, mount, file)


def _inherited(directory: str, mount: str, file: str) -> str:
    value = read_text(f"{directory}/{file}").strip()
    if value == "" and directory != mount:
        value = _inherited(parent_of(directory), mount, file)
        write_file(f"{directory}/{file}", value)
    return value


def is_frozen(directory: str) -> bool:
    """Tell whether a freezer cgroup is frozen, itself or by one above it.  Raises OSError."""
    return read_text(f"{directory}/freezer.state").strip() != "THAWED"


def begin_freezing(directory: str) -> None:
    """Freeze without waiting: from here on no process of the cgroup comes back to its own code to fork."""
    write_file(f"{directory}/freezer.state", "FROZEN")


def freeze(directory: str, timeout_ms: int) -> bool:
    """Freeze all processes of a cgroup; returns whether they stood still in time.  Raises OSError.

    The kernel announces nothing: FROZEN has to be written and the state read until it says so.
    Source: Documentation/admin-guide/cgroup-v1/freezer-subsystem.rst.
    """
    pause_ms, waited_ms = _FIRST_PAUSE_MS, 0
    timer = select.poll()
    begin_freezing(directory)
    while read_text(f"{directory}/freezer.state").strip() != "FROZEN":
        if waited_ms >= timeout_ms:
            return False
        timer.poll(pause_ms)
        waited_ms += pause_ms
        pause_ms *= 2
        begin_freezing(directory)
    return True


def thaw(directory: str) -> None:
    """Let the processes run again.  Raises OSError."""
    write_file(f"{directory}/freezer.state", "THAWED")

"""What only cgroup v2 needs: controllers handed down, delegation, the freezer and the kill file.

Out of scope: devices (`cgroup_bpf`), and everything that v1 and v2 share (`cgroup`).
"""

from __future__ import annotations

import select

from krun import os
from krun.execute.cgroup_files import parent_of, write_file
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_DELEGATE = "/sys/kernel/cgroup/delegate"
_DELEGATE_WITHOUT_LIST = ("cgroup.procs", "cgroup.subtree_control", "cgroup.threads")


def enable_controllers(directory: str, mount: str, wanted: Iterable[str]) -> None:
    """Have the cgroups above hand the controllers down to `directory`, as far as they can.

    A cgroup with processes of its own cannot, and one without the controller neither: that shows, and is an
    error, when a file of the controller is written.  Raises OSError.
    Source: Documentation/admin-guide/cgroup-v2.rst "Controlling Controllers".
    """
    available = read_text(f"{directory}/cgroup.controllers").split()
    missing = [name for name in wanted if name not in available]
    if not missing or directory == mount:
        return
    parent = parent_of(directory)
    enable_controllers(parent, mount, missing)
    try:
        write_file(f"{parent}/cgroup.subtree_control", " ".join(f"+{name}" for name in missing))
    except OSError:
        # All or nothing: one that cannot be had must not keep the others away.
        for name in missing:
            _try_to_enable(parent, name)


def _try_to_enable(parent: str, name: str) -> None:
    try:
        write_file(f"{parent}/cgroup.subtree_control", f"+{name}")
    except OSError:
        return


def delegate(directory: str, uid: int) -> None:
    """Give a cgroup, and those of its files that are made for it, to a user.  Raises OSError.

    Source: runtime-spec config-linux.md#cgroup-ownership.
    """
    try:
        files: Iterable[str] = read_text(_DELEGATE).split()
    except FileNotFoundError:
        files = _DELEGATE_WITHOUT_LIST
    os.chown(directory, uid, -1)
    for file in files:
        try:
            os.chown(f"{directory}/{file}", uid, -1)
        except FileNotFoundError:
            continue


def is_frozen(directory: str) -> bool:
    """Tell whether a cgroup is frozen, or about to be.  Raises OSError."""
    return read_text(f"{directory}/cgroup.freeze").strip() == "1"


def begin_freezing(directory: str) -> None:
    """Freeze without waiting: what comes back to its own code stops there.  Raises OSError."""
    write_file(f"{directory}/cgroup.freeze", "1")


def freeze(directory: str, timeout_ms: int) -> bool:
    """Freeze all processes of a cgroup; returns whether they stood still in time.  Raises OSError."""
    begin_freezing(directory)
    return wait_for_event(directory, "frozen 1", timeout_ms)


def thaw(directory: str) -> None:
    """Let the processes run again.  Raises OSError."""
    write_file(f"{directory}/cgroup.freeze", "0")


def kill(directory: str) -> bool:
    """Kill every process in a cgroup and below it at once.

    Returns False where the kernel (before 5.14) has no such file.  Raises OSError.
    """
    try:
        write_file(f"{directory}/cgroup.kill", "1")
    except FileNotFoundError:
        return False
    return True


def wait_for_event(directory: str, event: str, timeout_ms: int) -> bool:
    """Wait until `cgroup.events` says `event`, such as `populated 0`; a cgroup that is gone says so, too.

    Returns whether it did in time.  Raises OSError.
    """
    try:
        fd = os.open(f"{directory}/cgroup.events", os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        waiting = select.poll()
        waiting.register(fd, select.POLLPRI)
        while event not in os.pread(fd, 4096, 0).decode().splitlines():
            if not waiting.poll(timeout_ms):
                return False
        return True
    finally:
        os.close(fd)

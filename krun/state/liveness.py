"""Whether a process of the past is still there, guarded against its pid being used again.

A process is named by its pid and its start time; a pidfd that was opened before the start time was compared
holds on to exactly that process.  A zombie is dead: its parent may never come to reap it.

Whether it is frozen stands in its cgroup.
Out of scope: what a container's status follows from this (`store`), and freezing
(`krun.execute.cgroup_processes`).
"""

from __future__ import annotations

import errno

from krun import os
from krun.sys.pidfd import open_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def start_time(pid: int) -> int | None:
    """Return the start time of a living process in clock ticks since boot; None for the dead and zombies.

    Raises OSError where that cannot be found out: whom this krun has no descriptor to look at may well live.
    """
    try:
        file = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        stat = os.read(file, 4096)
    except ProcessLookupError:
        return None
    finally:
        os.close(file)
    # The name of the program stands in parentheses and may hold anything, so count from the last one.
    fields = stat[stat.rindex(b")") + 2 :].split()
    return None if fields[0] in (b"Z", b"X") else int(fields[19])


def is_alive(pid: int, pid_start: int) -> bool:
    """Tell whether that very process runs."""
    return pid > 0 and start_time(pid) == pid_start


def open_process(pid: int, pid_start: int) -> int | None:
    """Return an owned pidfd of that very process, None when it is dead."""
    if pid <= 0:
        return None
    try:
        pidfd = open_pidfd(pid)
    except ProcessLookupError:
        return None
    try:
        is_that_one = start_time(pid) == pid_start
    except BaseException:
        os.close(pidfd)
        raise
    if not is_that_one:
        os.close(pidfd)
        return None
    return pidfd


def wait_for_end(pidfd: int, timeout_ms: int | None = None) -> bool:
    """Wait until the process has ended (reaped or not); False when it has not within the time."""
    import select

    poll = select.poll()
    poll.register(pidfd, select.POLLIN)
    return bool(poll.poll(timeout_ms))


def is_frozen(cgroup: Mapping[str, Any]) -> bool:
    """Tell whether the cgroup of a container's record is frozen; without a freezer it is not.

    cgroup: the document that `krun.execute.cgroup_record.as_document` makes.
    Raises OSError where that cannot be found out.
    """
    is_v2 = cgroup["version"] == "v2"
    directory = cgroup["paths"].get("" if is_v2 else "freezer")
    if directory is None:
        return False
    try:
        file = os.open(
            f"{directory}/{'cgroup.freeze' if is_v2 else 'freezer.state'}", os.O_RDONLY | os.O_CLOEXEC
        )
    except FileNotFoundError:
        return False
    try:
        return os.read(file, 32).strip() in (b"1", b"FREEZING", b"FROZEN")
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise
        return False  # removed meanwhile
    finally:
        os.close(file)

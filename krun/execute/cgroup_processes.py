"""The processes of a container's cgroup: listed, frozen, signalled, killed.

Out of scope: the cgroup itself (`cgroup`); what v1 and v2 do each in its own way (`cgroup_v1`, `cgroup_v2`).
"""

from __future__ import annotations

import select

from krun import os
from krun.errors import HostError, symbol
from krun.execute import cgroup_v1, cgroup_v2
from krun.execute.cgroup_files import open_processes, processes
from krun.sys import signals
from krun.sys.cgroups import UNIFIED
from krun.sys.descriptors import MostDescriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from krun.execute.cgroup_record import CgroupRecord

    class Freezer(Protocol):
        """The freezer of one version; each function takes a directory and raises OSError."""

        def is_frozen(self, directory: str) -> bool:
            """Tell whether the cgroup is frozen, or about to be."""

        def begin_freezing(self, directory: str) -> None:
            """Freeze without waiting."""

        def freeze(self, directory: str, timeout_ms: int) -> bool:
            """Freeze; returns whether all processes stood still in time."""

        def thaw(self, directory: str) -> None:
            """Let the processes run again."""


DEATH_TIMEOUT_MS = 10000
"""How long a killed process may take to die; one in uninterruptible sleep may take for ever."""
_FREEZE_TIMEOUT_MS = 10000


def pids(record: CgroupRecord) -> list[int]:
    """Return the pids of every process in the cgroup and below it, sorted.  Raises HostError."""
    for directory in record.directories():
        try:
            return sorted(processes(directory))
        except OSError as error:
            raise HostError(f"cannot read cgroup {directory}", symbol(error)) from None
    return []


def is_frozen(record: CgroupRecord) -> bool:
    """Tell whether the container is paused.  Raises HostError."""
    directory = _freezer(record)
    try:
        return directory is not None and _version_of(record).is_frozen(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise HostError(f"cannot read cgroup {directory}", symbol(error)) from None


def freeze(record: CgroupRecord) -> None:
    """Stop every process of the container; returns when they stand still.  Raises HostError."""
    directory, version = _needed_freezer(record), _version_of(record)
    try:
        if not version.freeze(directory, _FREEZE_TIMEOUT_MS):
            version.thaw(directory)
            raise HostError(f"cannot freeze cgroup {directory}", "its processes did not stand still in time")
    except OSError as error:
        raise HostError(f"cannot freeze cgroup {directory}", symbol(error)) from None


def thaw(record: CgroupRecord) -> None:
    """Let the processes of the container run again.  Raises HostError."""
    directory = _needed_freezer(record)
    try:
        _version_of(record).thaw(directory)
    except OSError as error:
        raise HostError(f"cannot thaw cgroup {directory}", symbol(error)) from None


def _version_of(record: CgroupRecord) -> Freezer:
    return cgroup_v2 if record.version == "v2" else cgroup_v1


def _freezer(record: CgroupRecord) -> str | None:
    return record.paths.get(UNIFIED if record.version == "v2" else "freezer")


def _needed_freezer(record: CgroupRecord) -> str:
    directory = _freezer(record)
    if directory is None:
        raise HostError("the container has no freezer", "the host has no such cgroup controller")
    return directory


def signal_all(record: CgroupRecord, number: int) -> None:
    """Send a signal to every process of the container, once.  Raises HostError.

    They are stopped meanwhile, so that none forks away.  What is paused stays so, and gets it afterwards.
    """
    directory = _freezer(record) or next(iter(record.directories()), None)
    if directory is None:
        return
    try:
        with MostDescriptors():
            _close(_signal_in(record, directory, number, stop=not is_frozen(record)))
    except OSError as error:
        raise HostError(f"cannot signal cgroup {directory}", symbol(error)) from None


def kill_all(record: CgroupRecord) -> None:
    """Kill every process of the container, also of a paused one; returns when all are dead.

    A zombie is dead: its parent may take its time.  Raises HostError for what does not die in ten seconds.
    """
    unified = record.paths.get(UNIFIED)
    # cgroup2 first, also in a hybrid: it kills all at once, and little is left to find in the others.
    for directory in sorted(record.directories(), key=lambda d: d != unified):
        try:
            if directory == unified:
                cgroup_v2.kill(directory)
            if not processes(directory):
                continue
            with MostDescriptors():
                while found := _signal_in(record, directory, signals.SIGKILL, stop=True):
                    _wait_for_death(directory, found)
        except OSError as error:
            raise HostError(f"cannot kill the processes of cgroup {directory}", symbol(error)) from None


def _wait_for_death(directory: str, pidfds: dict[int, int]) -> None:
    """Wait until the processes are dead, and close their pidfds."""
    waiting = select.poll()
    alive = {pidfd: pid for pid, pidfd in pidfds.items()}
    try:
        for pidfd in alive:
            waiting.register(pidfd, select.POLLIN)
        while alive:
            ended = waiting.poll(DEATH_TIMEOUT_MS)
            if not ended:
                raise HostError(f"cgroup {directory}", f"processes {sorted(alive.values())} do not die")
            for pidfd, _ in ended:
                waiting.unregister(pidfd)
                del alive[pidfd]
    finally:
        _close(pidfds)


def _signal_in(record: CgroupRecord, directory: str, number: int, *, stop: bool) -> dict[int, int]:
    """Signal what is in one cgroup; with `stop`, all stand still meanwhile and run again afterwards.

    Returns pid -> pidfd, for the caller to close.  Raises OSError.
    """
    found = open_processes(directory)
    if not found:
        return found
    freezer = _freezer(record) if stop else None
    if freezer is None:
        _send(found, number)
        return found
    version = _version_of(record)
    version.begin_freezing(freezer)
    try:
        _close(found)
        found = open_processes(directory)
        _send(found, number)
    finally:
        version.thaw(freezer)
    return found


def _send(pidfds: dict[int, int], number: int) -> None:
    for pidfd in pidfds.values():
        signals.send(pidfd, number)


def _close(pidfds: dict[int, int]) -> None:
    while pidfds:
        os.close(pidfds.popitem()[1])

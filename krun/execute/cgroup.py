"""Making, limiting, entering, freezing, emptying and removing the cgroup of a container.

In this order in a `create`: `prepare` (looks only), the record goes into the state, `create`,
`open_entrance`, by which krun-init is born in it, `apply`.  Out of scope: what the cgroup should be
(`krun.plan.cgroups`); what is peculiar to v1, to v2, to limits and to device filters has files of its own
beside this one.
"""

from __future__ import annotations

import errno
import select

from krun import os
from krun.errors import HostError, KrunError
from krun.execute import cgroup_v1, cgroup_v2
from krun.execute.cgroup_files import (
    make_directory,
    open_processes,
    parent_of,
    processes,
    remove_tree,
    words,
    write_file,
)
from krun.sys import signals
from krun.sys.cgroups import UNIFIED
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from krun.plan.cgroups import CgroupPlan
    from krun.sys.descriptors import Descriptors

_DEATH_TIMEOUT_MS = 10000
"""How long a killed process may take to die; one in uninterruptible sleep may take for ever."""
_FREEZE_TIMEOUT_MS = 10000


class CgroupRecord(Record):
    """What the container's state keeps of its cgroup: enough for every verb after `create`."""

    version: str
    """`v1` or `v2`."""
    paths: Mapping[str, str]
    """Absolute directory by v1 controller, and UNIFIED for cgroup2."""
    kept: tuple[str, ...] = ()
    """Those of the directories that were there before and so outlive the container."""
    parents: tuple[str, ...] = ()
    """Directories above that were not there before, the deepest first; others may use them by now."""
    unit: str = ""
    """The scope of systemd that the cgroup belongs to."""
    is_user_unit: bool = False
    """Whether that is one of the user's own manager."""

    def directories(self) -> tuple[str, ...]:
        """Return each directory once."""
        return tuple(dict.fromkeys(self.paths.values()))


def as_document(record: CgroupRecord) -> dict[str, Any]:
    """Return the record in JSON's types."""
    document = {
        "version": record.version,
        "paths": dict(record.paths),
        "kept": list(record.kept),
        "parents": list(record.parents),
    }
    return {**document, "unit": record.unit, "userUnit": record.is_user_unit} if record.unit else document


def cgroup_record(document: Mapping[str, Any]) -> CgroupRecord:
    """Load what `as_document` gave.  Raises KeyError."""
    return CgroupRecord(
        version=document["version"],
        paths=document["paths"],
        kept=tuple(document["kept"]),
        parents=tuple(document["parents"]),
        unit=document.get("unit", ""),
        is_user_unit=document.get("userUnit", False),
    )


def prepare(plan: CgroupPlan) -> CgroupRecord:
    """Find out what is there already; changes nothing.

    The record is good for `remove` from now on, however far `create` gets.
    Raises HostError for a cgroup that is not fit: one with processes, or frozen.
    Source: runtime-spec config-linux.md#control-groups.
    """
    kept: list[str] = []
    parents: list[str] = []
    for directory, mount in _mounts(plan).items():
        if not os.path.isdir(directory):
            parents += _missing_parents(directory, mount)
            continue
        found = processes(directory)
        if found:
            raise HostError(f"cgroup {directory}", f"is not empty: {len(found)} processes")
        kept.append(directory)
    if plan.unit is not None:
        # What systemd makes it also removes, the slices above included.
        unit = plan.unit
        return CgroupRecord(version=plan.version, paths=plan.paths, unit=unit.name, is_user_unit=unit.is_user)
    record = CgroupRecord(
        version=plan.version, paths=plan.paths, kept=tuple(kept), parents=tuple(dict.fromkeys(parents))
    )
    if kept and is_frozen(record):
        raise HostError(f"cgroup {kept[0]}", "is frozen")
    return record


def _mounts(plan: CgroupPlan) -> dict[str, str]:
    """Return directory -> mount point, each directory once."""
    return {directory: plan.mounts[name] for name, directory in plan.paths.items()}


def _missing_parents(directory: str, mount: str) -> list[str]:
    missing = []
    parent = parent_of(directory)
    while parent != mount and not os.path.isdir(parent):
        missing.append(parent)
        parent = parent_of(parent)
    return missing


def create(plan: CgroupPlan, prepared: CgroupRecord | None = None) -> CgroupRecord:
    """Make the directories.

    prepared: what `prepare` returned, which is called otherwise.
    Returns the record to keep; it lacks the hierarchies that an optional plan may not enter.
    Raises HostError; what was made is removed then.
    """
    record = prepared or prepare(plan)
    made: list[str] = []
    left_out: set[str] = set()
    try:
        for directory, mount in _mounts(plan).items():
            try:
                if not make_directory(directory, mount, made) and directory not in record.kept:
                    raise HostError(f"cgroup {directory}", "was made by somebody else at the same time")
                if plan.optional and not os.access(f"{directory}/cgroup.procs", os.W_OK):
                    left_out.add(directory)  # it was there before, and is another's
            except OSError as error:
                if not (plan.optional and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)):
                    raise HostError(f"cannot make cgroup {directory}", words(error)) from None
                left_out.add(directory)
        paths = {name: path for name, path in plan.paths.items() if path not in left_out}
        _make_usable(plan, paths)
    except BaseException as error:
        _remove_made(made, error)
        raise
    changed: CgroupRecord = record.replace(paths=paths)
    return changed


def _make_usable(plan: CgroupPlan, paths: Mapping[str, str]) -> None:
    try:
        if "cpuset" in paths:
            cgroup_v1.inherit_cpuset(paths["cpuset"], plan.mounts["cpuset"])
        if UNIFIED in paths and plan.enable:
            cgroup_v2.enable_controllers(paths[UNIFIED], plan.mounts[UNIFIED], plan.enable)
    except OSError as error:
        raise HostError(f"cannot prepare cgroup {error.filename}", words(error)) from None


def _remove_made(made: list[str], error: BaseException) -> None:
    """Remove what was made, children first.  A parent that is in use by now belongs to who uses it."""
    for directory in reversed(made):
        try:
            os.rmdir(directory)
        except OSError as failure:
            if failure.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT) and isinstance(
                error, KrunError
            ):
                error.while_undoing(f"remove {directory}: {words(failure)}")


def apply(plan: CgroupPlan, record: CgroupRecord) -> None:
    """Write the limits, the device rules and the owner.

    Raises Unsupported with the property's JSON path when the kernel refuses a limit, HostError else.
    """
    # The other verbs need neither this nor the plan that it knows.
    from krun.execute.cgroup_settings import write_device_lines, write_settings

    write_settings(plan.settings, record.paths)
    undecided = [setting for setting in plan.settings if setting.otherwise is not None]
    if plan.unit is not None and undecided:
        from krun.execute.systemd import tell_limits

        # Which of two files the kernel has, and so what systemd should know, shows in the cgroup only.
        tell_limits(plan.unit.name, record.paths[UNIFIED], undecided, is_user=plan.unit.is_user)
    if plan.device_lines and "devices" in record.paths:
        write_device_lines(plan.device_lines, record.paths["devices"])
    if plan.version != "v2" or UNIFIED not in record.paths:
        return
    directory = record.paths[UNIFIED]
    if plan.device_filter:
        from krun.execute.cgroup_bpf import set_device_filter

        set_device_filter(directory, plan.device_filter)
    if plan.owner is not None:
        try:
            cgroup_v2.delegate(directory, plan.owner)
        except OSError as error:
            raise HostError(f"cannot give cgroup {directory} to uid {plan.owner}", words(error)) from None


class Entrance(Record):
    """What a new process enters the cgroup by while it is made; the descriptors are the opener's."""

    tasks: tuple[int, ...] = ()
    """The `tasks` files of the v1 hierarchies, open for writing."""
    unified: int = -1
    """The directory in cgroup2, -1 for none."""


def open_entrance(record: CgroupRecord, files: Descriptors) -> Entrance:
    """Open the cgroup for a process that is to be born in it; `files` takes over the descriptors.

    Far cheaper than `enter`, which makes the kernel wait for all its CPUs.  Raises HostError.
    """
    unified = record.paths.get(UNIFIED)
    try:
        tasks = tuple(
            files.add(os.open(f"{directory}/tasks", os.O_WRONLY | os.O_CLOEXEC))
            for directory in record.directories()
            if directory != unified
        )
        if unified is None:
            return Entrance(tasks)
        return Entrance(tasks, files.add(os.open(unified, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)))
    except OSError as error:
        raise HostError(f"cgroup {error.filename} cannot be entered", words(error)) from None


def enter(record: CgroupRecord, pid: int) -> None:
    """Move a process with all its threads into the cgroup, in every hierarchy.  Raises HostError."""
    for directory in record.directories():
        try:
            write_file(f"{directory}/cgroup.procs", str(pid))
        except OSError as error:
            raise HostError(f"process {pid} cannot enter cgroup {directory}", words(error)) from None


def pids(record: CgroupRecord) -> list[int]:
    """Return the pids of every process in the cgroup and below it, sorted.  Raises HostError."""
    for directory in record.directories():
        try:
            return sorted(processes(directory))
        except OSError as error:
            raise HostError(f"cannot read cgroup {directory}", words(error)) from None
    return []


def is_frozen(record: CgroupRecord) -> bool:
    """Tell whether the container is paused.  Raises HostError."""
    directory = _freezer(record)
    try:
        if directory is None:
            return False
        return cgroup_v2.is_frozen(directory) if record.version == "v2" else cgroup_v1.is_frozen(directory)
    except FileNotFoundError:
        return False
    except OSError as error:
        raise HostError(f"cannot read cgroup {directory}", words(error)) from None


def freeze(record: CgroupRecord) -> None:
    """Stop every process of the container; returns when they stand still.  Raises HostError."""
    directory = _needed_freezer(record)
    try:
        if record.version == "v1":
            cgroup_v1.freeze(directory)
        elif not cgroup_v2.freeze(directory, _FREEZE_TIMEOUT_MS):
            cgroup_v2.thaw(directory)
            raise HostError(f"cannot freeze {directory}", "its processes did not stand still in time")
    except OSError as error:
        raise HostError(f"cannot freeze {directory}", words(error)) from None


def thaw(record: CgroupRecord) -> None:
    """Let the processes of the container run again.  Raises HostError."""
    directory = _needed_freezer(record)
    try:
        if record.version == "v1":
            cgroup_v1.thaw(directory)
        else:
            cgroup_v2.thaw(directory)
    except OSError as error:
        raise HostError(f"cannot thaw {directory}", words(error)) from None


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
        _close(_signal_in(record, directory, number, stop=not is_frozen(record)))
    except OSError as error:
        raise HostError(f"cannot signal cgroup {directory}", words(error)) from None


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
            while found := _signal_in(record, directory, signals.SIGKILL, stop=True):
                _wait_for_death(directory, found)
        except OSError as error:
            raise HostError(f"cannot kill the processes of cgroup {directory}", words(error)) from None


def _wait_for_death(directory: str, pidfds: dict[int, int]) -> None:
    """Wait until the processes are dead, and close their pidfds."""
    waiting = select.poll()
    alive = {pidfd: pid for pid, pidfd in pidfds.items()}
    try:
        for pidfd in alive:
            waiting.register(pidfd, select.POLLIN)
        while alive:
            ended = waiting.poll(_DEATH_TIMEOUT_MS)
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
    _begin_freezing(record, freezer)
    try:
        _close(found)
        found = open_processes(directory)
        _send(found, number)
    finally:
        _thaw(record, freezer)
    return found


def _send(pidfds: dict[int, int], number: int) -> None:
    for pidfd in pidfds.values():
        signals.send(pidfd, number)


def _close(pidfds: dict[int, int]) -> None:
    while pidfds:
        os.close(pidfds.popitem()[1])


def _begin_freezing(record: CgroupRecord, freezer: str) -> None:
    cgroup_v1.begin_freezing(freezer) if record.version == "v1" else cgroup_v2.begin_freezing(freezer)


def _thaw(record: CgroupRecord, freezer: str) -> None:
    cgroup_v1.thaw(freezer) if record.version == "v1" else cgroup_v2.thaw(freezer)


def remove(record: CgroupRecord) -> None:
    """Remove the cgroup and those below it in every hierarchy, but for what was there before the container.

    What is gone is no error, so that it may be called after any failure, and again.  Processes that are still
    in there are killed: theirs is a container that is being deleted.  Parents that the container brought
    along go, too, unless others use them by now.
    Raises HostError for a cgroup that cannot be removed, after the others were.
    """
    failures = []
    if record.unit:
        from krun.execute import systemd  # with its library of D-Bus

        try:
            systemd.stop(record.unit, is_user=record.is_user_unit)
        except HostError as error:
            failures.append(str(error))
    for directory in record.directories():
        if directory in record.kept:
            continue
        try:
            _remove(record, directory)
        except OSError as error:
            failures.append(f"{directory}: {words(error)}")
    for directory in record.parents:
        try:
            os.rmdir(directory)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT):
                failures.append(f"{directory}: {words(error)}")
    if failures:
        raise HostError("cannot remove cgroup", ", ".join(failures))


def _remove(record: CgroupRecord, directory: str) -> None:
    try:
        remove_tree(directory)
    except OSError as error:
        if error.errno != errno.EBUSY:
            raise
        kill_all(record)
        if directory == record.paths.get(UNIFIED):
            cgroup_v2.wait_for_event(directory, "populated 0", _DEATH_TIMEOUT_MS)
        remove_tree(directory)

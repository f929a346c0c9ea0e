"""Making, limiting, entering and removing the cgroup of a container.

In this order in a `create`: `prepare` (looks only), the record goes into the state, `create`,
`open_entrance`, by which krun-init is born in it, `apply`.  Out of scope: what the cgroup should be
(`krun.plan.cgroups`); the processes in it, and what is peculiar to v1, to v2, to limits and to device
filters, have files of their own beside this one.
"""

from __future__ import annotations

import errno

from krun import os
from krun.errors import HostError, KrunError, symbol
from krun.execute import cgroup_v1, cgroup_v2
from krun.execute.cgroup_files import make_directory, parent_of, processes, remove_tree
from krun.execute.cgroup_processes import DEATH_TIMEOUT_MS, is_frozen, kill_all
from krun.execute.cgroup_record import CgroupRecord
from krun.sys.cgroups import UNIFIED
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.plan.cgroups import CgroupPlan
    from krun.sys.descriptors import Descriptors


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
            raise HostError(
                f"cgroup {directory}",
                f"is not empty: {len(found)} processes, {found[0]} for one",
                "end them, or set another $.linux.cgroupsPath",
            )
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


def create(plan: CgroupPlan, prepared: CgroupRecord) -> CgroupRecord:
    """Make the directories.

    prepared: what `prepare` returned.
    Returns the record to keep; it lacks the hierarchies that an optional plan may not enter.
    Raises HostError; what was made is removed then.
    """
    made: list[str] = []
    left_out: set[str] = set()
    try:
        for directory, mount in _mounts(plan).items():
            try:
                if not make_directory(directory, mount, made) and directory not in prepared.kept:
                    raise HostError(f"cgroup {directory}", "was made by somebody else at the same time")
                if plan.optional and not os.access(f"{directory}/cgroup.procs", os.W_OK):
                    left_out.add(directory)  # it was there before, and is another's
            except OSError as error:
                if not (plan.optional and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)):
                    raise HostError(f"cannot make cgroup {directory}", symbol(error)) from None
                left_out.add(directory)
        paths = {name: path for name, path in plan.paths.items() if path not in left_out}
        _make_usable(plan, paths)
    except BaseException as error:
        _remove_made(made, error)
        raise
    changed: CgroupRecord = prepared.replace(paths=paths)
    return changed


def _make_usable(plan: CgroupPlan, paths: Mapping[str, str]) -> None:
    try:
        if "cpuset" in paths:
            cgroup_v1.inherit_cpuset(paths["cpuset"], plan.mounts["cpuset"])
        if UNIFIED in paths and plan.enable:
            cgroup_v2.enable_controllers(paths[UNIFIED], plan.mounts[UNIFIED], plan.enable)
    except OSError as error:
        raise HostError(f"cannot prepare cgroup {error.filename}", symbol(error)) from None


def _remove_made(made: list[str], error: BaseException) -> None:
    """Remove what was made, children first.  A parent that is in use by now belongs to who uses it."""
    for directory in reversed(made):
        try:
            os.rmdir(directory)
        except OSError as failure:
            if failure.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT) and isinstance(
                error, KrunError
            ):
                error.while_undoing(f"remove {directory}: {symbol(failure)}")


def apply(plan: CgroupPlan, record: CgroupRecord) -> None:
    """Write the limits, the device rules and the owner.

    Raises Unsupported with the property's JSON path when the kernel refuses a limit, HostError else.
    """
    # The other verbs need neither this nor the plan that it knows.
    from krun.execute.cgroup_settings import write_device_lines, write_settings

    write_settings(plan.settings, record.paths)
    if plan.unit is not None:
        from krun.execute.systemd import tell_undecided

        tell_undecided(plan.unit, record.paths[UNIFIED], plan.settings)
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
            raise HostError(f"cannot give cgroup {directory} to uid {plan.owner}", symbol(error)) from None


class Entrance(Record):
    """What a new process enters the cgroup by while it is made; the descriptors are the opener's."""

    tasks: tuple[int, ...] = ()
    """The `tasks` files of the v1 hierarchies, open for writing."""
    unified: int = -1
    """The directory in cgroup2, -1 for none."""


def open_entrance(record: CgroupRecord, files: Descriptors) -> Entrance:
    """Open the cgroup for a process that is to be born in it; `files` takes over the descriptors.

    Far cheaper than to move it there, for which the kernel waits for all its CPUs.  Raises HostError.
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
        raise HostError(f"cgroup {error.filename} cannot be entered", symbol(error)) from None


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
            failures.append(f"{directory}: {symbol(error)}")
    for directory in record.parents:
        try:
            os.rmdir(directory)
        except OSError as error:
            if error.errno not in (errno.EBUSY, errno.ENOTEMPTY, errno.ENOENT):
                failures.append(f"{directory}: {symbol(error)}")
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
            cgroup_v2.wait_for_event(directory, "populated 0", DEATH_TIMEOUT_MS)
        remove_tree(directory)

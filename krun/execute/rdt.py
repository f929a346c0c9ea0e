"""Carries out the plan for Intel RDT, and takes it back.

The record names what goes with the container before it is made, so that `delete --force` finds it.
Out of scope: deciding; the plan has decided.
"""

from __future__ import annotations

from krun import os
from krun.errors import HostError, Unsupported, symbol
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from krun.execute.undo import Undo
    from krun.plan.rdt import RdtPlan

_PATH = "$.linux.intelRdt"


class RdtRecord(Record):
    """What the container's state keeps."""

    groups: tuple[str, ...]
    """The directories whose `tasks` a process of the container is written to, one after the other."""
    removed: tuple[str, ...]
    """The directories that go with the container, the deepest first."""


def as_document(record: RdtRecord) -> dict[str, Any]:
    """Return the record in JSON's types."""
    return {"groups": list(record.groups), "removed": list(record.removed)}


def rdt_record(document: Mapping[str, Any]) -> RdtRecord:
    """Load what `as_document` gave.  Raises KeyError."""
    return RdtRecord(tuple(document["groups"]), tuple(document["removed"]))


def prepare(plan: RdtPlan) -> RdtRecord:
    """Look what is there; changes nothing.

    Raises Unsupported for a class that has to be there and is not, or whose schemata are others.
    """
    exists = os.path.isdir(plan.directory)
    if plan.must_exist and not exists:
        raise Unsupported(f"{_PATH}.closID", f"there is no {plan.directory}, and no schemata to make it with")
    if exists and plan.compared:
        _compare(plan)
    groups, removed = [plan.directory], []
    if plan.is_own and not exists:
        removed.append(plan.directory)
    if plan.monitoring_group:
        groups.append(plan.monitoring_group)
        removed.insert(0, plan.monitoring_group)
    return RdtRecord(tuple(groups), tuple(removed))


def create(plan: RdtPlan, undo: Undo) -> None:
    """Make the class and the monitoring group, and write the schemata.  Raises Unsupported."""
    for directory in (plan.directory, plan.monitoring_group):
        if directory and not os.path.isdir(directory):
            _make(directory)
            undo.add(f"remove {directory}", lambda made=directory: os.rmdir(made))  # type: ignore[misc]  # bound now
        elif directory and directory == plan.monitoring_group:
            raise Unsupported(f"{_PATH}.enableMonitoring", f"{directory} is there already")
    for line in plan.schemata:
        try:
            _write(f"{plan.directory}/schemata", line)
        except OSError as error:
            raise Unsupported(_PATH, f"the kernel refuses the schema {line}: {symbol(error)}") from None


def enter(record: RdtRecord, pid: int) -> None:
    """Put a process into the container's groups.  Raises HostError."""
    for directory in record.groups:
        try:
            _write(f"{directory}/tasks", str(pid))
        except OSError as error:
            raise HostError(f"process {pid} cannot enter {directory}", symbol(error)) from None


def change(record: RdtRecord, lines: Sequence[str], undo: Undo) -> None:
    """Write lines into the schemata of a container's class; `undo` gets the old ones.  Raises HostError."""
    path = f"{record.groups[0]}/schemata"
    before = {line.partition(":")[0].strip(): line.strip() for line in _read(path).splitlines()}
    for line in lines:
        try:
            _write(path, line)
        except OSError as error:
            raise HostError(f"schema {line}", f"the kernel refuses it: {symbol(error)}") from None
        old = before.get(line.partition(":")[0].strip())
        if old is not None:
            undo.add(f"write {old} to {path}", lambda text=old: _write(path, text))  # type: ignore[misc]  # bound now


def remove(record: RdtRecord) -> None:
    """Remove what goes with the container; what is gone is no error.  Raises HostError."""
    for directory in record.removed:
        try:
            os.rmdir(directory)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise HostError(f"{directory} cannot be removed", symbol(error)) from None


def _compare(plan: RdtPlan) -> None:
    """Raise Unsupported when the class has other values than the configuration."""
    found = _values(_read(f"{plan.directory}/schemata").splitlines())
    for key, value in _values(plan.compared).items():
        if found.get(key) != value:
            there = found.get(key, "nothing")
            raise Unsupported(_PATH, f"{plan.directory} has {there} for {key[0]}:{key[1]}, wanted {value}")


def _values(lines: Sequence[str]) -> dict[tuple[str, str], str]:
    """Return (resource, cache) -> value.  A mask may be written with zeros in front and in capitals."""
    values = {}
    for line in lines:
        resource, _, domains = line.partition(":")
        for domain in domains.split(";"):
            number, _, value = domain.partition("=")
            plain = value.strip().lower().lstrip("0") or "0"
            values[resource.strip(), number.strip()] = plain
    return values


def _make(directory: str) -> None:
    try:
        os.mkdir(directory, 0o755)
    except OSError as error:
        raise Unsupported(_PATH, f"cannot make {directory}: {symbol(error)}") from None


def _read(path: str) -> str:
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(file, 1 << 16).decode()
        finally:
            os.close(file)
    except OSError as error:
        raise Unsupported(_PATH, f"cannot read {path}: {symbol(error)}") from None


def _write(path: str, line: str) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(file, f"{line}\n".encode())
    finally:
        os.close(file)

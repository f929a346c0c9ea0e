"""The record of a container, its status, and its state as the specification has it.

The record (`krun.json`) holds everything that later verbs need, so that they need neither the bundle nor the
configuration.  It is written before each thing that a killed `create` could leave behind.

Out of scope: files and processes (`store`, `liveness`).
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FORMAT = 1
"""The version of the record's format.  A krun refuses one that it does not know."""

CREATING = "creating"
CREATED = "created"
RUNNING = "running"
PAUSED = "paused"
STOPPED = "stopped"


def can_kill(status: str) -> bool:
    """Tell whether `kill` is allowed."""
    return status in (CREATED, RUNNING, PAUSED)


def can_pause(status: str) -> bool:
    """Tell whether `pause` is allowed; as with runc, also before the start, which then waits for `resume`."""
    return status in (CREATED, RUNNING)


def can_resume(status: str) -> bool:
    """Tell whether `resume` is allowed."""
    return status == PAUSED


def can_exec(status: str) -> bool:
    """Tell whether another process may be run in the container: its namespaces are there."""
    return status in (CREATED, RUNNING)


def can_delete(status: str) -> bool:
    """Tell whether `delete` is allowed without force; a created container is killed by it, as runc does."""
    return status in (CREATED, STOPPED)


class StoredHook(Record):
    """A hook that is still to be run: as the configuration has it."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    timeout: int | None = None


class Container(Record):
    """One container.  `pid` is 0 until there is an init; with `pid_start` it names one process for ever."""

    id: str
    bundle: str
    rootfs: str
    oci_version: str
    created: str  # RFC 3339 with nanoseconds, UTC
    owner_uid: int
    monitor: str
    annotations: Mapping[str, str] = {}
    has_process: bool = True  # whether the configuration has one, without which there is nothing to start
    ready: bool = False  # whether `create` has finished
    pid: int = 0
    pid_start: int = 0  # start time in clock ticks since boot, /proc/PID/stat field 22
    cgroup: Mapping[str, Any] | None = None  # as krun.execute.cgroup_record writes it
    covered_mount: int = 0  # without a mount namespace: the id of the mount that the root's own covers
    rdt: Mapping[str, Any] | None = None  # as krun.execute.rdt writes it
    poststart: tuple[StoredHook, ...] = ()
    poststop: tuple[StoredHook, ...] = ()


def to_document(container: Container) -> dict[str, Any]:
    """Return the record as JSON values."""
    document: dict[str, Any] = {"format": FORMAT}
    for name in Container._fields:
        document[name] = getattr(container, name)
    for name in ("poststart", "poststop"):
        document[name] = [
            {"path": hook.path, "args": hook.args, "env": hook.env, "timeout": hook.timeout}
            for hook in getattr(container, name)
        ]
    return document


def from_document(document: Any) -> Container:
    """Build the record from JSON values.  Raises ValueError when they are not one of krun's."""
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ValueError("is not a record of this version of krun")
    values = {name: document[name] for name in Container._fields if name in document}
    for name in ("poststart", "poststop"):
        values[name] = tuple(
            StoredHook(hook["path"], tuple(hook["args"]), tuple(hook["env"]), hook["timeout"])
            for hook in values.get(name, ())
        )
    try:
        return Container(**values)
    except TypeError as error:
        raise ValueError(f"is damaged: {error}") from error


def runtime_state(container: Container, status: str) -> dict[str, Any]:
    """Return the state of the specification (runtime.md#state); hooks read it on stdin."""
    state: dict[str, Any] = {"ociVersion": container.oci_version, "id": container.id, "status": status}
    if status != STOPPED:
        state["pid"] = container.pid
    state["bundle"] = container.bundle
    if container.annotations:
        state["annotations"] = container.annotations
    return state


def listing(container: Container, status: str) -> dict[str, Any]:
    """Return the state in the shape and order in which runc's `state` and `list` print it."""
    document: dict[str, Any] = {
        "ociVersion": container.oci_version,
        "id": container.id,
        "pid": 0 if status == STOPPED else container.pid,
        "status": status,
        "bundle": container.bundle,
        "rootfs": container.rootfs,
        "created": container.created,
    }
    if container.annotations:
        document["annotations"] = dict(container.annotations)
    document["owner"] = owner_name(container.owner_uid)
    return document


def owner_name(uid: int) -> str:
    """Return the name of a user, or the number of one without a name.  Root's needs no look-up."""
    if uid == 0:
        return "root"
    import pwd

    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"

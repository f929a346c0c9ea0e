"""Which cgroup hierarchies the host has, and where the caller stands in them.

Reads two files of procfs (and `cgroup.controllers` where there is a cgroup2); parsing is pure.
Out of scope: what a container's cgroup should be (`krun.plan.cgroups`), and every write.
"""

from __future__ import annotations

from krun.sys.files import read_text
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

V2_MOUNT = "/sys/fs/cgroup"


class Hierarchy(Record):
    """One mounted hierarchy."""

    mount: str
    """Absolute path of the mount point."""
    own: str
    """The caller's cgroup, as an absolute path below the mount point: `/` is the mount point itself."""


class CgroupFacts(Record):
    """The host's hierarchies.  A hybrid, v1 with a cgroup2 at its side, counts as `v1`."""

    version: str
    """`v1`, `v2` or `none`."""
    hierarchies: Mapping[str, Hierarchy] = {}
    """The v1 hierarchies by controller, a named one as `name=systemd`; co-mounted controllers share one."""
    unified: Hierarchy | None = None
    """The cgroup2 hierarchy."""
    controllers: tuple[str, ...] = ()
    """What the cgroup2 hierarchy offers at its mount point."""


NO_CGROUPS = CgroupFacts(version="none")


def cgroup_facts(document: Mapping[str, Any]) -> CgroupFacts:
    """Load what `as_document` gave, for plans made elsewhere.  Raises KeyError, TypeError."""
    unified = document.get("unified")
    return CgroupFacts(
        version=document["version"],
        hierarchies={name: Hierarchy(**place) for name, place in document.get("hierarchies", {}).items()},
        unified=None if unified is None else Hierarchy(**unified),
        controllers=tuple(document.get("controllers", ())),
    )


def as_document(facts: CgroupFacts) -> dict[str, Any]:
    """Return the facts in JSON's types."""
    unified = facts.unified
    return {
        "version": facts.version,
        "hierarchies": {name: {"mount": h.mount, "own": h.own} for name, h in facts.hierarchies.items()},
        "unified": None if unified is None else {"mount": unified.mount, "own": unified.own},
        "controllers": list(facts.controllers),
    }


def probe_cgroups() -> CgroupFacts:
    """Read the host's hierarchies.  Raises OSError where procfs cannot be read."""
    hierarchies, unified = parse_hierarchies(
        read_text("/proc/self/cgroup"), read_text("/proc/self/mountinfo")
    )
    controllers: tuple[str, ...] = ()
    if unified is not None:
        controllers = tuple(read_text(f"{unified.mount}/cgroup.controllers").split())
    return CgroupFacts(
        version=_version(hierarchies, unified),
        hierarchies=hierarchies,
        unified=unified,
        controllers=controllers,
    )


def parse_hierarchies(cgroup: str, mountinfo: str) -> tuple[dict[str, Hierarchy], Hierarchy | None]:
    """Match the lines of /proc/PID/cgroup with the mounts of /proc/PID/mountinfo; the first mount counts.

    Returns the v1 hierarchies by controller, and the cgroup2 hierarchy.
    Source: cgroups(7), proc_pid_mountinfo(5).
    """
    mounts = [m for line in mountinfo.splitlines() if " - cgroup" in line and (m := _mount(line)) is not None]
    hierarchies: dict[str, Hierarchy] = {}
    unified = None
    for line in cgroup.splitlines():
        number, names, path = line.split(":", 2)
        if number == "0" and names == "":
            unified = next((_hierarchy(m, path) for m in mounts if m[0] == "cgroup2"), None)
            continue
        controllers = names.split(",")
        for mount in mounts:
            if mount[0] == "cgroup" and controllers[0] in mount[3]:
                hierarchies.update(dict.fromkeys(controllers, _hierarchy(mount, path)))
                break
    return hierarchies, unified


def _version(hierarchies: Mapping[str, Hierarchy], unified: Hierarchy | None) -> str:
    if unified is not None and unified.mount == V2_MOUNT:
        return "v2"
    if any(not name.startswith("name=") for name in hierarchies):
        return "v1"
    return "none" if unified is None else "v2"


def _mount(line: str) -> tuple[str, str, str, tuple[str, ...]] | None:
    """Take type, root, mount point and super block options out of a line of mountinfo."""
    before, _, after = line.partition(" - ")
    fields = before.split(" ")
    kind, _source, options = after.split(" ", 2)
    if kind not in ("cgroup", "cgroup2"):
        return None
    return kind, _unescape(fields[3]), _unescape(fields[4]), tuple(options.split(","))


def _unescape(field: str) -> str:
    """Undo mountinfo's octal escapes of space, tab, newline and backslash."""
    if "\\" not in field:
        return field
    first, *rest = field.split("\\")
    return first + "".join(chr(int(part[:3], 8)) + part[3:] for part in rest)


def _hierarchy(mount: tuple[str, str, str, tuple[str, ...]], path: str) -> Hierarchy:
    _kind, root, point, _options = mount
    if root == "/":
        return Hierarchy(mount=point, own=path)
    # A bind mount of a part, as a container without a cgroup namespace sees it: /proc/self/cgroup counts from
    # the hierarchy's root, the mount point shows only what is below `root`.
    if path == root or path.startswith(root + "/"):
        return Hierarchy(mount=point, own=path[len(root) :] or "/")
    return Hierarchy(mount=point, own="/")

"""What a container's state keeps of its cgroup.

Out of scope: what is done with it (`cgroup`, `cgroup_processes`).
"""

from __future__ import annotations

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


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

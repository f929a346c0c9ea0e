"""What krun knows about the host when it makes a plan: frozen, and the same on every machine that reads it.

Facts come from `probe`, or from a JSON document (golden tests, plans for another host).
Out of scope: finding them out (`probe`), and everything that only the executor needs to know.
"""

from __future__ import annotations

from krun.host.cgroups import NO_CGROUPS, CgroupFacts, as_document, cgroup_facts
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class HostFacts(Record):
    """The host, as far as a plan depends on it."""

    kernel_release: str
    """As uname(2) has it."""
    euid: int
    """The effective uid of the runtime."""
    in_user_namespace: bool
    """Whether the runtime is in a user namespace that is not the host's first."""
    last_capability: int
    """The number of the last capability that the kernel knows."""
    bounding: int
    """The runtime's bounding set as a mask: nothing else can be granted."""
    seccomp: bool
    """Whether the kernel has seccomp filters."""
    apparmor: bool
    """Whether AppArmor is enabled."""
    selinux: bool
    """Whether SELinux is enabled."""
    kcore: bool
    """Whether /proc/kcore exists."""
    kvm: str
    """/dev/kvm: `usable`, `missing` or `not permitted`."""
    resctrl: str = ""
    """Where the resctrl file system is mounted; empty when it is not."""
    cgroups: CgroupFacts = NO_CGROUPS


def host_facts(document: Mapping[str, Any]) -> HostFacts:
    """Load what `facts_document` gave.  Raises TypeError for a missing or an unknown property."""
    values = dict(document)
    values["cgroups"] = cgroup_facts(values.get("cgroups", {"version": "none"}))
    return HostFacts(**values)


def facts_document(facts: HostFacts) -> dict[str, Any]:
    """Return the facts in JSON's types."""
    document: dict[str, Any] = {name: getattr(facts, name) for name in facts._fields}
    document["cgroups"] = as_document(facts.cgroups)
    return document

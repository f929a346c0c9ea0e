"""Hosts that are planned for."""

from __future__ import annotations

from typing import Any

from krun.host.cgroups import CgroupFacts
from krun.host.facts import HostFacts


def make_facts(cgroups: CgroupFacts, **changes: Any) -> HostFacts:
    """Return a host as its root sees it, with these cgroups and seccomp, without KVM and security modules."""
    facts = HostFacts(
        kernel_release="6.1.0",
        euid=0,
        in_user_namespace=False,
        last_capability=40,
        bounding=0,
        seccomp=True,
        apparmor=False,
        selinux=False,
        kcore=False,
        kvm="missing",
        cgroups=cgroups,
    )
    changed: HostFacts = facts.replace(**changes)
    return changed

"""Labels of the security modules: the process's AppArmor profile and SELinux label, the label of mounts.

Out of scope: policies; a profile that is not loaded is the kernel's to refuse.
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.plan.ops import Op
    from krun.spec.model import Process

UNCONFINED = "unconfined"

_UNLABELLED = frozenset({"proc", "sysfs", "cgroup", "cgroup2", "mqueue"})
"""File systems that take no `context`: their labels are the kernel's own."""


def label_operations(process: Process, facts: HostFacts) -> list[Op]:
    """Return the labels that the payload's exec takes on.

    Without AppArmor everything is unconfined, so that a configuration may say so.
    Raises Unsupported for a label whose module is not enabled.
    """
    program: list[Op] = []
    profile = process.apparmor_profile
    if profile and (profile != UNCONFINED or facts.apparmor):
        if not facts.apparmor:
            raise Unsupported("$.process.apparmorProfile", "AppArmor is not enabled on this host")
        program.append(ops.AppArmorProfile(profile=profile))
    if process.selinux_label:
        if not facts.selinux:
            raise Unsupported("$.process.selinuxLabel", "SELinux is not enabled on this host")
        program.append(ops.SelinuxLabel(label=process.selinux_label))
    return program


def mount_label_warnings(label: str, facts: HostFacts) -> tuple[str, ...]:
    """Warn of a mount label where nothing heeds it: there, no mount has a label that could be missing."""
    if not label or facts.selinux:
        return ()
    return ("$.linux.mountLabel: without effect, SELinux is not enabled on this host",)


def mount_context(label: str, fstype: str, facts: HostFacts) -> tuple[str, ...]:
    """Return the parameters that label a new file system; none for those that label themselves."""
    return (f"context={label}",) if label and facts.selinux and fstype not in _UNLABELLED else ()

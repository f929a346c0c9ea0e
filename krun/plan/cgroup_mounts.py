"""Mounts of type `cgroup` and `cgroup2`: what the container sees of its control groups.

With a cgroup namespace of its own it mounts the hierarchies, whose root the kernel makes its own cgroup.
Without one it gets its own cgroup bound, and nothing of the host's.  v1 hierarchies stand side by side in a
tmpfs, with a link for each controller of those that hold several, as on the host.

Out of scope: making the cgroups (`cgroups`).
"""

from __future__ import annotations

from krun import os
from krun.errors import HostError
from krun.plan import ops
from krun.plan.mount_options import (
    MOUNT_ATTR_NODEV,
    MOUNT_ATTR_NOEXEC,
    MOUNT_ATTR_NOSUID,
    MOUNT_ATTR_RDONLY,
    MS_REC,
    MS_SLAVE,
)
from krun.plan.namespaces import has_new
from krun.sys.cgroups import UNIFIED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.cgroups import Hierarchy
    from krun.host.facts import HostFacts
    from krun.plan.cgroups import CgroupPlan
    from krun.plan.mount_options import MountOptions
    from krun.plan.ops import Op
    from krun.spec.model import Spec

_DEFAULT = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC


def cgroup_operations(
    spec: Spec,
    facts: HostFacts,
    cgroup: CgroupPlan | None,
    *,
    fstype: str,
    destination: str,
    parsed: MountOptions,
) -> list[Op]:
    """Translate one mount of type `cgroup` (what the host has) or `cgroup2`.

    Raises HostError on a host that has no such hierarchy.
    """
    own = {} if cgroup is None or cgroup.optional else cgroup.paths
    if fstype == "cgroup2" or facts.cgroups.version == "v2":
        return _unified(spec, facts, own, destination, parsed)
    if facts.cgroups.version != "v1":
        raise HostError(
            f"cannot mount cgroups on {destination}", "no cgroup hierarchy is mounted on the host"
        )
    return _hierarchies(spec, facts.cgroups.hierarchies, own, destination, parsed)


def _unified(
    spec: Spec, facts: HostFacts, own: Mapping[str, str], destination: str, parsed: MountOptions
) -> list[Op]:
    """Mount cgroup2; a user namespace may only where it has a cgroup namespace too, and binds elsewhere."""
    propagation = parsed.propagation[0] if parsed.propagation else 0
    attr_set = parsed.attr_set | parsed.recursive_set
    confined = facts.in_user_namespace or spec.linux.namespace("user") is not None
    if has_new(spec.linux, "cgroup") or not confined:
        return [
            ops.Mount(
                fstype="cgroup2",
                source="cgroup",
                parameters=parsed.parameters,
                destination=destination,
                attr_set=attr_set,
                attr_clear=0,
                propagation=propagation,
            )
        ]
    unified = facts.cgroups.unified
    if unified is None:
        raise HostError(
            f"cannot mount cgroup2 on {destination}", "no cgroup2 hierarchy is mounted on the host"
        )
    return [_bind_own(own.get(UNIFIED), unified, destination, attr_set)]


def _hierarchies(
    spec: Spec,
    hierarchies: Mapping[str, Hierarchy],
    own: Mapping[str, str],
    destination: str,
    parsed: MountOptions,
) -> list[Op]:
    """Make a tmpfs with one directory for each v1 hierarchy."""
    propagation = parsed.propagation[0] if parsed.propagation else 0
    program: list[Op] = [
        ops.Mount(
            fstype="tmpfs",
            source="tmpfs",
            parameters=("mode=755",),
            destination=destination,
            attr_set=_DEFAULT,
            attr_clear=0,
            propagation=propagation,
        )
    ]
    attr_set = parsed.attr_set | parsed.recursive_set
    by_mount: dict[str, list[str]] = {}
    for controller, hierarchy in hierarchies.items():
        by_mount.setdefault(hierarchy.mount, []).append(controller)
    for mount, controllers in by_mount.items():
        name = os.path.basename(mount)
        below = f"{destination}/{name}"
        if has_new(spec.linux, "cgroup"):
            program.append(
                ops.Mount(
                    fstype="cgroup",
                    source=name,
                    parameters=tuple(controllers),
                    destination=below,
                    attr_set=_DEFAULT | attr_set,
                    attr_clear=0,
                    propagation=0,
                )
            )
        else:
            program.append(_bind_own(own.get(controllers[0]), hierarchies[controllers[0]], below, attr_set))
        program += [
            ops.MakeSymlink(target=name, path=f"{destination}/{controller}")
            for controller in controllers
            if controller != name and not controller.startswith("name=")
        ]
    if attr_set & MOUNT_ATTR_RDONLY:
        program.append(
            ops.SetMount(
                destination=destination, recursive=0, attr_set=MOUNT_ATTR_RDONLY, attr_clear=0, propagation=0
            )
        )
    return program


def _bind_own(own: str | None, hierarchy: Hierarchy, destination: str, attr_set: int) -> Op:
    """Bind the container's cgroup; without one the runtime's, which is not the container's to change."""
    if own is None:
        own = os.path.normpath(f"{hierarchy.mount}/{hierarchy.own}")
        attr_set |= MOUNT_ATTR_RDONLY  # CVE-2023-25809
    return ops.Bind(
        source=own,
        destination=destination,
        recursive=1,
        attr_set=attr_set,
        attr_clear=0,
        attr_recursive=0,
        propagation=MS_SLAVE | MS_REC,
    )

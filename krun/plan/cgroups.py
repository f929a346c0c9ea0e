"""The cgroup of a container: where it lies in each hierarchy, and what is written there.

Pure.  Out of scope: the translation of the limits (`resources`), the device list (`device_rules`), the cgroup
file systems that the container sees (`krun.plan.mounts`), and carrying this out (`krun.execute.cgroup`).
"""

from __future__ import annotations

from krun.errors import Fault, HostError, SpecError, Unsupported
from krun.plan.device_filter import device_filter
from krun.plan.device_rules import device_list, v1_lines
from krun.plan.resources import Setting, resource_settings
from krun.sys.cgroups import UNIFIED
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.cgroups import CgroupFacts, Hierarchy
    from krun.host.facts import HostFacts
    from krun.plan.model import Options
    from krun.plan.systemd import UnitPlan
    from krun.spec.model import Linux, Spec


class CgroupPlan(Record):
    """What to make, to write and to enter before the container's init goes on."""

    version: str
    """`v1` (also for a hybrid) or `v2`."""
    paths: Mapping[str, str]
    """Absolute directory of the container's cgroup by v1 controller, and UNIFIED for cgroup2; co-mounted
    controllers share one.  Init enters all of them."""
    mounts: Mapping[str, str]
    """The mount point that each of `paths` lies below."""
    settings: tuple[Setting, ...]
    """The limits, in an order that a fresh cgroup accepts."""
    device_lines: tuple[tuple[str, str], ...] = ()
    """v1: lines for the files of the device controller, as (file, line)."""
    device_filter: bytes = b""
    """v2: the eBPF program that decides about devices; empty when nothing is restricted."""
    enable: tuple[str, ...] = ()
    """The cgroup2 controllers to hand down to the container's cgroup."""
    owner: int | None = None
    """The host's uid that the cgroup is delegated to, v2 only."""
    unit: UnitPlan | None = None
    """The scope of systemd that the cgroup belongs to; systemd makes it then."""
    optional: bool = False
    """Whether a hierarchy where the caller may not make the directory is left out: an unprivileged caller
    that did not ask for a cgroup."""


def plan_cgroup(spec: Spec, facts: HostFacts, options: Options) -> CgroupPlan | None:
    """Plan the container's cgroup.  Returns None where there is to be none.

    `linux.cgroupsPath` is taken as runc takes it: an absolute path counts from the mount point of each
    hierarchy; a relative one from the caller's own cgroup, on v2 from its parent, because a cgroup with
    processes cannot hand controllers down; without a path, it is the relative path ID.  systemd's form of it
    is `plan_unit`'s.
    Raises SpecError for a wrong path, Unsupported for a limit that the host cannot set, HostError without
    cgroups.
    Source: runtime-spec config-linux.md#control-groups.
    """
    if options.cgroup_manager == "disabled":
        return None
    linux, cgroups = spec.linux, facts.cgroups
    unprivileged = facts.in_user_namespace or facts.euid != 0
    settings = resource_settings(linux.resources, cgroups)
    if cgroups.version == "none":
        if _is_lenient(options, unprivileged=unprivileged):
            return None
        raise HostError(
            "no cgroups", "no cgroup file system is mounted", "mount one, or use --cgroup-manager disabled"
        )
    if options.cgroup_manager == "systemd":
        return _in_systemd(spec, facts, options, settings)
    hierarchies = _hierarchies(cgroups)
    is_v2 = cgroups.version == "v2"
    path = _checked_path(linux.cgroups_path) or options.id
    plan = CgroupPlan(
        version=cgroups.version,
        paths={name: _directory(h, path, is_v2=is_v2) for name, h in hierarchies.items()},
        mounts={name: h.mount for name, h in hierarchies.items()},
        settings=settings,
        enable=_enabled(cgroups, settings),
        owner=_owner(spec) if is_v2 else None,
        optional=_is_lenient(options, unprivileged=unprivileged) and linux.cgroups_path == "",
    )
    if unprivileged:
        # The kernel lets such containers make no device node, and such a caller change no device list.
        return plan
    return _with_devices(plan, linux)


def _is_lenient(options: Options, *, unprivileged: bool) -> bool:
    """Tell whether a cgroup that was not asked for and may not be made is done without."""
    return unprivileged if options.rootless == "auto" else options.rootless == "true"


def _in_systemd(spec: Spec, facts: HostFacts, options: Options, settings: tuple[Setting, ...]) -> CgroupPlan:
    """Plan a scope of systemd.  It hands all controllers down to what is delegated."""
    from krun.plan.systemd import plan_unit  # others do without

    unit, path = plan_unit(spec.linux.cgroups_path, options.id, spec.annotations, settings, facts)
    unified = facts.cgroups.unified
    assert unified is not None
    plan = CgroupPlan(
        version="v2",
        paths={UNIFIED: unified.mount + path},
        mounts={UNIFIED: unified.mount},
        settings=settings,
        owner=_owner(spec),
        unit=unit,
    )
    return plan if unit.is_user else _with_devices(plan, spec.linux)


def _with_devices(plan: CgroupPlan, linux: Linux) -> CgroupPlan:
    devices = device_list(linux.resources.devices, linux.devices)
    changed: CgroupPlan
    if plan.version == "v2":
        changed = plan.replace(device_filter=b"" if devices.is_unrestricted() else device_filter(devices))
    elif "devices" in plan.paths:
        changed = plan.replace(device_lines=v1_lines(devices))
    else:
        raise Unsupported("$.linux.resources.devices", "the host has no cgroup controller devices")
    return changed


def _hierarchies(cgroups: CgroupFacts) -> dict[str, Hierarchy]:
    hierarchies = {} if cgroups.version == "v2" else dict(cgroups.hierarchies)
    if cgroups.unified is not None:
        hierarchies[UNIFIED] = cgroups.unified
    return hierarchies


def _enabled(cgroups: CgroupFacts, settings: tuple[Setting, ...]) -> tuple[str, ...]:
    """All controllers of a pure v2, so that statistics can be read; of a hybrid's cgroup2, what is used."""
    if cgroups.version == "v2":
        return cgroups.controllers
    used = {setting.controller for setting in settings if setting.controller not in cgroups.hierarchies}
    return tuple(name for name in cgroups.controllers if name in used)


def _checked_path(path: str) -> str:
    """Normalize a path, without resolving anything.  Raises SpecError for `..` and for the root."""
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise SpecError((Fault("$.linux.cgroupsPath", f"must not contain '..', got {path!r}"),))
    if path != "" and not parts:
        raise SpecError((Fault("$.linux.cgroupsPath", f"must name a cgroup below the root, got {path!r}"),))
    return ("/" if path.startswith("/") else "") + "/".join(parts)


def _directory(hierarchy: Hierarchy, path: str, *, is_v2: bool) -> str:
    if path.startswith("/"):
        return hierarchy.mount + path
    base = hierarchy.own.rpartition("/")[0] if is_v2 else hierarchy.own
    return f"{hierarchy.mount}{base.rstrip('/')}/{path}"


def _owner(spec: Spec) -> int | None:
    """Return the host's uid of the container's user where the container may manage its own cgroup.

    That is so with a new cgroup namespace and a writable cgroup mount.
    Source: runtime-spec config-linux.md#cgroup-ownership.
    """
    linux = spec.linux
    created = {namespace.type for namespace in linux.namespaces if namespace.path == ""}
    writable = any(
        mount.destination == "/sys/fs/cgroup" and mount.source == "cgroup" and "ro" not in mount.options
        for mount in spec.mounts
    )
    if "cgroup" not in created or not writable:
        return None
    uid = 0 if spec.process is None else spec.process.user.uid
    if "user" in created:
        for mapping in linux.uid_mappings:
            if mapping.container_id <= uid < mapping.container_id + mapping.size:
                return mapping.host_id + uid - mapping.container_id
        return None
    if any(namespace.type == "user" for namespace in linux.namespaces):
        return None  # joined: its maps are not in the configuration
    return uid or None

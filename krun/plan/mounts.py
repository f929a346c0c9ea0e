"""The configured mounts, in their order.

A read-only tmpfs, and whatever is mounted on /dev, stays writable until everything in it is made; `Mounted`
names those for `rootfs.protect_operations`.

Out of scope: single options (`mount_options`), cgroup file systems (`cgroup_mounts`), and how paths are
resolved inside the container, which is krun-init's business.
"""

from __future__ import annotations

from krun import os
from krun.errors import Unsupported
from krun.plan import ops
from krun.plan.cgroup_mounts import cgroup_operations
from krun.plan.idmapped import MOST, idmapping_of
from krun.plan.labels import mount_context
from krun.plan.mount_options import ATTRIBUTES, MOUNT_ATTR_RDONLY, parse_options
from krun.plan.notify import notify_mounts
from krun.plan.rootfs import host_propagation
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.plan.cgroups import CgroupPlan
    from krun.plan.idmapped import Idmapping
    from krun.plan.model import Options
    from krun.plan.mount_options import MountOptions
    from krun.plan.ops import Op
    from krun.spec.model import Mount, Spec


class Mounted(Record):
    """The mounts as operations, and what remains to be done and said about them."""

    opened: tuple[Op, ...]
    """What the stage does for them, before it enters a namespace."""
    program: tuple[Op, ...]
    readonly_later: tuple[str, ...]
    """Destinations to be made read-only when everything is in its place."""
    warnings: tuple[str, ...]


def plan_mounts(spec: Spec, facts: HostFacts, options: Options, cgroup: CgroupPlan | None) -> Mounted:
    """Translate `$.mounts`.  Raises Unsupported for what this version cannot do."""
    program: list[Op] = []
    opened: list[Op] = []
    readonly_later: list[str] = []
    warnings: list[str] = []
    for index, mount in enumerate((*spec.mounts, *notify_mounts(options))):
        path = f"$.mounts[{index}]"
        mapping = idmapping_of(mount, spec.linux, path)
        parsed = parse_options(mount.options)
        destination = container_path(mount.destination)
        if parsed.copy and (mount.type != "tmpfs" or parsed.remount or parsed.bind):
            raise Unsupported(f"{path}.options", "tmpcopyup is for a new tmpfs only")
        if parsed.remount:
            program += _remount(destination, parsed, path)
        elif parsed.bind or mount.type == "bind":
            source = _bind_source(mount, options, path)
            if mapping is None:
                program += _bind(source, destination, parsed)
            else:
                if len(opened) == MOST:
                    raise Unsupported(path, f"krun can map the ids of {MOST} mounts")
                program += _bind_idmapped(len(opened), source, destination, parsed)
                opened.append(_open_idmapped(source, parsed, mapping, host_propagation(spec.linux)))
            ignored = [name for name in parsed.parameters if name not in ATTRIBUTES]
            if ignored:
                warnings.append(f"{path}.options: without effect on a bind mount: {' '.join(ignored)}")
        elif mount.type == "":
            raise Unsupported(f"{path}.type", "is needed unless the mount is a bind or a remount")
        elif mount.type in ("cgroup", "cgroup2"):
            program += cgroup_operations(
                spec, facts, cgroup, fstype=mount.type, destination=destination, parsed=parsed
            )
        else:
            if parsed.attr_set & MOUNT_ATTR_RDONLY and (mount.type == "tmpfs" or destination == "/dev"):
                readonly_later.append(destination)
                parsed = _writable(parsed)
            label = mount_context(spec.linux.mount_label, mount.type, facts)
            program += _mount(mount, destination, parsed, label)
    return Mounted(
        opened=tuple(opened),
        program=tuple(program),
        readonly_later=tuple(readonly_later),
        warnings=tuple(warnings),
    )


def has_bound_dev(spec: Spec) -> bool:
    """Tell whether the configuration binds a directory on /dev: then krun makes no devices in it."""
    return any(
        (mount.is_bind or mount.type == "bind") and container_path(mount.destination) == "/dev"
        for mount in spec.mounts
    )


def container_path(path: str) -> str:
    """Return a path of the container as an absolute one, without `.`, `..` and doubled slashes."""
    return "/" + os.path.normpath("/" + path).lstrip("/")


def _mount(mount: Mount, destination: str, parsed: MountOptions, context: tuple[str, ...]) -> list[Op]:
    first = parsed.propagation[0] if parsed.propagation else 0
    return [
        ops.Mount(
            fstype=mount.type,
            source=mount.source or mount.type,
            parameters=(*parsed.parameters, *context),
            destination=destination,
            attr_set=parsed.attr_set | parsed.recursive_set,
            attr_clear=0,
            propagation=first,
            copy=int(parsed.copy),
        ),
        *_further_propagation(destination, parsed.propagation[1:]),
    ]


def _bind(source: str, destination: str, parsed: MountOptions) -> list[Op]:
    """Bind with the attributes of the top mount, those of all mounts below, or one after the other."""
    attr_set, attr_clear, below = _first_attributes(parsed)
    bind = ops.Bind(
        source=source,
        destination=destination,
        recursive=int(parsed.recursive_bind),
        attr_set=attr_set,
        attr_clear=attr_clear,
        attr_recursive=int(below),
        propagation=parsed.propagation[0] if parsed.propagation else 0,
    )
    return [bind, *_further_attributes(destination, parsed)]


def _bind_idmapped(index: int, source: str, destination: str, parsed: MountOptions) -> list[Op]:
    """Do the same with a mount that the stage has cloned."""
    attr_set, attr_clear, below = _first_attributes(parsed)
    bind = ops.BindIdmapped(
        index=index,
        source=source,
        destination=destination,
        attr_set=attr_set,
        attr_clear=attr_clear,
        attr_recursive=int(below),
        propagation=parsed.propagation[0] if parsed.propagation else 0,
    )
    return [bind, *_further_attributes(destination, parsed)]


def _open_idmapped(source: str, parsed: MountOptions, mapping: Idmapping, propagation: int) -> Op:
    return ops.OpenIdmapped(
        source=source,
        recursive=int(parsed.recursive_bind),
        map_recursive=int(mapping.recursive),
        propagation=propagation,
        uid_map=mapping.uid_map,
        gid_map=mapping.gid_map,
        namespace=mapping.namespace,
    )


def _first_attributes(parsed: MountOptions) -> tuple[int, int, bool]:
    """Return the attributes that a bind begins with, and whether they are for all mounts below."""
    if _is_only_below(parsed):
        return parsed.recursive_set, parsed.recursive_clear, True
    return parsed.attr_set, parsed.attr_clear, False


def _further_attributes(destination: str, parsed: MountOptions) -> list[Op]:
    """Return what follows a bind: the other attributes, the other changes of propagation."""
    program: list[Op] = []
    below = (parsed.recursive_set, parsed.recursive_clear)
    if below != (0, 0) and not _is_only_below(parsed):
        program.append(_set_attributes(destination, below, recursive=True))
    return [*program, *_further_propagation(destination, parsed.propagation[1:])]


def _is_only_below(parsed: MountOptions) -> bool:
    """Tell whether all attributes are for the mounts below as well."""
    top = (parsed.attr_set, parsed.attr_clear)
    return top == (0, 0) and (parsed.recursive_set, parsed.recursive_clear) != (0, 0)


def _remount(destination: str, parsed: MountOptions, path: str) -> list[Op]:
    """Change the attributes of what is mounted there.  A file system's own parameters stay as they are."""
    further = [name for name in parsed.parameters if name != "ro"]
    if further:
        raise Unsupported(
            f"{path}.options", f"a remount cannot change the file system itself: {' '.join(further)}"
        )
    program: list[Op] = []
    if (parsed.attr_set, parsed.attr_clear) != (0, 0):
        program.append(_set_attributes(destination, (parsed.attr_set, parsed.attr_clear), recursive=False))
    if (parsed.recursive_set, parsed.recursive_clear) != (0, 0):
        program.append(
            _set_attributes(destination, (parsed.recursive_set, parsed.recursive_clear), recursive=True)
        )
    return [*program, *_further_propagation(destination, parsed.propagation)]


def _set_attributes(destination: str, change: tuple[int, int], *, recursive: bool) -> Op:
    return ops.SetMount(
        destination=destination,
        recursive=int(recursive),
        attr_set=change[0],
        attr_clear=change[1],
        propagation=0,
    )


def _further_propagation(destination: str, propagation: tuple[int, ...]) -> list[Op]:
    """Return one operation for each change: `rslave, rshared` is a mount that receives and gives."""
    return [
        ops.SetMount(destination=destination, recursive=0, attr_set=0, attr_clear=0, propagation=flags)
        for flags in propagation
    ]


def _writable(parsed: MountOptions) -> MountOptions:
    changed: MountOptions = parsed.replace(
        attr_set=parsed.attr_set & ~MOUNT_ATTR_RDONLY,
        parameters=tuple(name for name in parsed.parameters if name != "ro"),
    )
    return changed


def _bind_source(mount: Mount, options: Options, path: str) -> str:
    """Return the absolute source: a relative one is relative to the bundle."""
    if mount.source == "":
        raise Unsupported(f"{path}.source", "is needed by a bind mount")
    return os.path.normpath(os.path.join(options.bundle, mount.source))

"""The maps of a new user namespace.

Out of scope: who writes them (`krun.execute.idmap`).
"""

from __future__ import annotations

from krun.errors import Fault, SpecError
from krun.plan.model import IdMaps
from krun.plan.namespaces import has_new

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.host.facts import HostFacts
    from krun.spec.model import IdMapping, Spec

MAX_EXTENTS = 340  # of one map, user_namespaces(7)


def plan_id_maps(spec: Spec, facts: HostFacts) -> IdMaps | None:
    """Return the maps of the new user namespace; None when there is none, or one is joined.

    Raises SpecError when a map is missing, or does not map uid 0 or gid 0, as which the container is built.
    """
    linux = spec.linux
    if not has_new(linux, "user"):
        return None
    faults = [
        *_faults("$.linux.uidMappings", linux.uid_mappings),
        *_faults("$.linux.gidMappings", linux.gid_mappings),
    ]
    if faults:
        raise SpecError(faults)
    process = spec.process
    if process is not None:
        for path, id, maps in (
            ("$.process.user.uid", process.user.uid, linux.uid_mappings),
            ("$.process.user.gid", process.user.gid, linux.gid_mappings),
        ):
            if host_id(maps, id) is None:
                raise SpecError((Fault(path, f"{id} is not mapped in the user namespace"),))
    unprivileged = facts.euid != 0
    gid_helper = unprivileged and not _is_one_id(linux.gid_mappings)
    return IdMaps(
        uid_lines=map_lines(linux.uid_mappings),
        gid_lines=map_lines(linux.gid_mappings),
        # The kernel wants it of who writes the map without privileges; newgidmap judges for itself.
        setgroups_deny=unprivileged and not gid_helper,
        uid_helper=unprivileged and not _is_one_id(linux.uid_mappings),
        gid_helper=gid_helper,
    )


def _is_one_id(maps: tuple[IdMapping, ...]) -> bool:
    """Tell whether the map is what a plain user may write: one id, which has to be their own."""
    return len(maps) == 1 and maps[0].size == 1


def map_lines(maps: tuple[IdMapping, ...]) -> str:
    """Return the text for `/proc/PID/uid_map`: a line `inside outside count` for each range."""
    return "".join(f"{m.container_id} {m.host_id} {m.size}\n" for m in maps)


def host_id(maps: tuple[IdMapping, ...], container_id: int) -> int | None:
    """Return what an id of the container is outside; None when it is not mapped."""
    for m in maps:
        if m.container_id <= container_id < m.container_id + m.size:
            return m.host_id + container_id - m.container_id
    return None


def _faults(path: str, maps: tuple[IdMapping, ...]) -> list[Fault]:
    if not maps:
        return [Fault(path, "is needed by the new user namespace")]
    faults = []
    if len(maps) > MAX_EXTENTS:
        faults.append(Fault(path, f"has {len(maps)} ranges, the kernel takes {MAX_EXTENTS}"))
    if host_id(maps, 0) is None:
        faults.append(Fault(path, "must map id 0, as which the container is built"))
    return faults

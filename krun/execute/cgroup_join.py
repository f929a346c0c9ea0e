"""Which cgroup a process enters that joins a running container: the container's own, or one below it.

Out of scope: entering it (`cgroup`).
"""

from __future__ import annotations

from krun import os
from krun.errors import HostError, symbol
from krun.sys.cgroups import UNIFIED
from krun.sys.files import read_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.execute.cgroup_record import CgroupRecord


def joinable(record: CgroupRecord, init: int) -> CgroupRecord:
    """Return the cgroups of a container as a process can enter them; `init` is the container's init.

    A cgroup2 that hands controllers down takes no processes.  A container with an init system in it does that
    and moves its init to a cgroup below; what joins goes there, too.  Raises HostError.
    """
    own = record.paths.get(UNIFIED)
    if own is None:
        return record
    try:
        if read_text(f"{own}/cgroup.subtree_control").strip() == "":
            return record
        below = _below(own, read_text(f"/proc/{init}/cgroup"))
    except OSError as error:
        raise HostError(f"cgroup {own} cannot be joined", symbol(error)) from None
    changed: CgroupRecord = record.replace(paths={**record.paths, UNIFIED: own + below})
    return changed


def _below(own: str, cgroups: str) -> str:
    """Return what a process's cgroup2 adds to the directory `own`; "" when it lies elsewhere.

    cgroups: the text of /proc/PID/cgroup.  Its paths count from the root of the hierarchy as krun sees it, so
    that `own` ends like one of the parents, wherever the hierarchy is mounted.
    """
    path = next((line[3:] for line in cgroups.splitlines() if line.startswith("0::")), "")
    parts = path.split("/")
    for end in range(len(parts), 1, -1):
        upper = "/".join(parts[:end])
        if own.endswith(upper):
            return path[len(upper) :]
    return ""


def below(record: CgroupRecord, paths: Mapping[str, str]) -> CgroupRecord:
    """Return cgroups below a container's: controller -> relative path, `*` for all that are not named.

    Raises HostError for one that is not there.
    """
    unknown = [name for name in paths if name != "*" and name not in record.paths]
    if unknown:
        raise HostError(f"cgroup controller {unknown[0]}", "the container has no such cgroup")
    changed = {}
    for name, directory in record.paths.items():
        path = paths.get(name, paths.get("*", ""))
        changed[name] = f"{directory}/{path}" if path else directory
        if not os.path.isdir(changed[name]):
            raise HostError(f"cgroup {changed[name]}", "is not there")
    replaced: CgroupRecord = record.replace(paths=changed)
    return replaced

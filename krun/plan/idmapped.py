"""Mounts whose ids are mapped: which mapping each one gets.

Such a mount is made by the stage, before it enters any namespace: only who has the file system's own user
namespace may map its ids.  Init then attaches it.

Out of scope: the maps of the container's user namespace (`idmap`), everything else about mounts (`mounts`).
"""

from __future__ import annotations

from krun.errors import Fault, SpecError, Unsupported
from krun.plan.idmap import map_lines
from krun.spec.model import IdMapping
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.spec.model import Linux, Mount

MOST = 64
"""How many mounts krun-init can hold (KR_STAGE_MOUNTS)."""

_WORDS = ("idmap", "ridmap")


class Idmapping(Record):
    """How the ids of a mount are mapped: by maps of its own, or as in a user namespace that is there."""

    recursive: bool
    """Whether the mounts below have the same mapping."""
    uid_map: str = ""
    """Lines as in /proc/PID/uid_map: an id of the file system, the id that it appears as, how many."""
    gid_map: str = ""
    namespace: str = ""
    """Path of the user namespace; empty when there are maps."""


def idmapping_of(mount: Mount, linux: Linux, path: str) -> Idmapping | None:
    """Return the mapping of a mount, None when it has none.

    Mappings alone are taken for the option, as runc takes them.  Without any, the container's user namespace
    is meant.
    Raises SpecError where that is missing, Unsupported for what is no bind mount.
    Source: runtime-spec config.md#linux-mount-options, `idmap`.
    """
    index = next((i for i, word in enumerate(mount.options) if word.partition("=")[0] in _WORDS), None)
    if index is None and not mount.uid_mappings and not mount.gid_mappings:
        return None
    place = f"{path}.uidMappings" if index is None else f"{path}.options[{index}]"
    if not (mount.is_bind or mount.type == "bind") or "remount" in mount.options:
        raise Unsupported(place, "only bind mounts can have their ids mapped")
    word = "" if index is None else mount.options[index]
    recursive = word.partition("=")[0] == "ridmap"
    if "=" in word:
        uids, gids = _written(word, place)
        return Idmapping(recursive, map_lines(uids), map_lines(gids))
    if mount.uid_mappings or mount.gid_mappings:
        return Idmapping(recursive, map_lines(mount.uid_mappings), map_lines(mount.gid_mappings))
    namespace = linux.namespace("user")
    if namespace is None:
        raise SpecError((Fault(place, f"{word} needs uidMappings and gidMappings, or a user namespace"),))
    if not namespace.is_new:
        return Idmapping(recursive, namespace=namespace.path)
    return Idmapping(recursive, map_lines(linux.uid_mappings), map_lines(linux.gid_mappings))


def _written(word: str, place: str) -> tuple[tuple[IdMapping, ...], tuple[IdMapping, ...]]:
    """Take `idmap=uids=0-1000-10#10-2000-5;gids=0-1000-10` apart, crun's way to write mappings."""
    parts = dict(part.partition("=")[::2] for part in word.partition("=")[2].split(";"))
    if set(parts) != {"uids", "gids"}:
        raise Unsupported(place, f"must have uids and gids, got {word!r}")
    return _ranges(parts["uids"], place), _ranges(parts["gids"], place)


def _ranges(text: str, place: str) -> tuple[IdMapping, ...]:
    ranges = []
    for triple in text.split("#"):
        numbers = triple.split("-")
        if len(numbers) != 3 or not all(n.isascii() and n.isdecimal() and len(n) <= 10 for n in numbers):
            raise Unsupported(place, f"must be made of FROM-TO-SIZE, got {triple!r}")
        ranges.append(IdMapping(*map(int, numbers)))
    return tuple(ranges)

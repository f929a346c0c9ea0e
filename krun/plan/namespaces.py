"""Namespaces: which are joined, which are made, and in which order.

The order is the kernel's law.  A namespace is opened before any is joined, because joining one may hide the
paths of the others.  With a *joined* user namespace that one comes first, so that its capabilities reach the
others, which it owns.  With a *new* user namespace the others are joined before it is made, while the
runtime's capabilities still count: they belong to somebody else.  What is made after it belongs to it.
A cgroup namespace is made by init, once the runtime has put init into its cgroup: its root is the cgroup
that its maker is in.

Out of scope: the maps of a user namespace (`idmap`), what happens inside (`rootfs`, `network`, …).
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.plan.ops import Op
    from krun.spec.model import Linux, TimeOffset

CLONE_NEWTIME = 0x00000080
CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

# Type -> flag, in the order of joining: the mount namespace last, because it changes what paths mean.
FLAGS: Mapping[str, int] = {
    "user": CLONE_NEWUSER,
    "ipc": CLONE_NEWIPC,
    "uts": CLONE_NEWUTS,
    "network": CLONE_NEWNET,
    "cgroup": CLONE_NEWCGROUP,
    "pid": CLONE_NEWPID,
    "time": CLONE_NEWTIME,
    "mount": CLONE_NEWNS,
}


def stage_operations(linux: Linux) -> list[Op]:
    """Return what the stage does before it makes init.

    Raises Unsupported for a user namespace without a mount namespace: its root may not mount in the host's.
    """
    if linux.namespace("mount") is None and linux.namespace("user") is not None:
        raise Unsupported("$.linux.namespaces", "a user namespace needs a mount namespace")
    path_of = {namespace.type: namespace.path for namespace in linux.namespaces}
    joined = [type for type in FLAGS if path_of.get(type, "") != ""]
    made = [type for type in FLAGS if path_of.get(type) == "" and type not in ("user", "cgroup")]

    program: list[Op] = [ops.OpenNamespace(type=FLAGS[type], path=path_of[type]) for type in joined]
    for type in joined:
        program.append(ops.JoinNamespace(type=FLAGS[type]))
        if type == "user":
            program.append(ops.BecomeRoot())
    if path_of.get("user") == "":
        program += [ops.Unshare(flags=CLONE_NEWUSER), ops.MapIds(), ops.BecomeRoot()]
    if made:
        program.append(ops.Unshare(flags=sum(FLAGS[type] for type in made)))
    if path_of.get("time") == "" and linux.time_offsets:
        program.append(ops.TimeOffsets(text=offsets_text(linux.time_offsets)))
    return program


def init_operations(linux: Linux) -> list[Op]:
    """Return what init does first: it makes the cgroup namespace that the stage could not make."""
    cgroup = linux.namespace("cgroup")
    if cgroup is not None and cgroup.is_new:
        return [ops.Unshare(flags=CLONE_NEWCGROUP)]
    return []


def offsets_text(offsets: Mapping[str, TimeOffset]) -> str:
    """Return the text for `/proc/self/timens_offsets`: a line `clock seconds nanoseconds` for each clock."""
    return "".join(f"{clock} {offset.secs} {offset.nanosecs}\n" for clock, offset in offsets.items())


def has_new(linux: Linux, type: str) -> bool:
    """Tell whether the container gets a namespace of that type of its own."""
    namespace = linux.namespace(type)
    return namespace is not None and namespace.is_new

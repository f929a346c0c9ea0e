"""Who the process is and what it may: user, groups, umask, capabilities, limits, no_new_privs.

Out of scope: the id maps (`idmap`), seccomp (`seccomp`) and security labels (`labels`).
"""

from __future__ import annotations

from krun.errors import Fault, SpecError
from krun.plan import ops
from krun.plan.scheduling import inherited_scheduling
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.facts import HostFacts
    from krun.plan.ops import Op, Rlimit
    from krun.spec.model import Linux, Process

# capabilities(7), in the order of their numbers.
CAPABILITIES: tuple[str, ...] = (
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
)

# getrlimit(2): name -> the kernel's number.
RLIMITS: Mapping[str, int] = {
    "RLIMIT_CPU": 0,
    "RLIMIT_FSIZE": 1,
    "RLIMIT_DATA": 2,
    "RLIMIT_STACK": 3,
    "RLIMIT_CORE": 4,
    "RLIMIT_RSS": 5,
    "RLIMIT_NPROC": 6,
    "RLIMIT_NOFILE": 7,
    "RLIMIT_MEMLOCK": 8,
    "RLIMIT_AS": 9,
    "RLIMIT_LOCKS": 10,
    "RLIMIT_SIGPENDING": 11,
    "RLIMIT_MSGQUEUE": 12,
    "RLIMIT_NICE": 13,
    "RLIMIT_RTPRIO": 14,
    "RLIMIT_RTTIME": 15,
}


class CapabilitySets(Record):
    """The five sets as masks (bit = number), as far as the host can grant them."""

    bounding: int = 0
    effective: int = 0
    permitted: int = 0
    inheritable: int = 0
    ambient: int = 0


def plan_capabilities(
    process: Process, linux: Linux, facts: HostFacts
) -> tuple[CapabilitySets, tuple[str, ...]]:
    """Return what can be granted of the configured sets, and a warning for what cannot.

    Absent capabilities are five empty sets.  In a user namespace of the container's everything that the
    kernel knows can be granted, elsewhere what the runtime has itself.
    Source: config.md#linux-process, "unknown or ungrantable capabilities are logged, not an error".
    """
    wanted = process.capabilities
    if wanted is None:
        return CapabilitySets(), ()
    known = (1 << (facts.last_capability + 1)) - 1
    grantable = known if linux.namespace("user") is not None else known & facts.bounding
    refused: dict[str, str] = {}

    def mask(names: tuple[str, ...], limit: int, why: str) -> int:
        bits = 0
        for name in names:
            number = _NUMBERS.get(name)
            if number is None or number > facts.last_capability:
                refused.setdefault(name, "unknown to the kernel" if number is not None else "unknown")
            elif not grantable >> number & 1:
                refused.setdefault(name, "krun does not have it")
            elif not limit >> number & 1:
                refused.setdefault(name, why)
            else:
                bits |= 1 << number
        return bits

    # What the kernel would refuse as a whole set is taken apart here: capabilities(7), "Transformation".
    bounding = mask(wanted.bounding, known, "")
    permitted = mask(wanted.permitted, known, "")
    inheritable = mask(wanted.inheritable, bounding, "inheritable but not in the bounding set")
    sets = CapabilitySets(
        bounding=bounding,
        permitted=permitted,
        effective=mask(wanted.effective, permitted, "effective but not permitted"),
        inheritable=inheritable,
        ambient=mask(
            wanted.ambient, permitted & inheritable, "ambient but not both permitted and inheritable"
        ),
    )
    return sets, tuple(
        f"$.process.capabilities: {name} is not granted: {why}" for name, why in refused.items()
    )


def user_operations(process: Process, sets: CapabilitySets) -> list[Op]:
    """Return the change from the container's root to its user, in the order that the kernel wants.

    The bounding set shrinks while CAP_SETPCAP is there, ids change while CAP_SETUID is, the sets come last.
    """
    user = process.user
    program: list[Op] = [
        ops.BoundCapabilities(bounding=sets.bounding),
        ops.User(
            uid=user.uid, gid=user.gid, groups=b"".join(g.to_bytes(4, "little") for g in user.additional_gids)
        ),
        ops.Capabilities(
            effective=sets.effective,
            permitted=sets.permitted,
            inheritable=sets.inheritable,
            ambient=sets.ambient,
        ),
    ]
    if user.umask is not None:
        program.append(ops.Umask(mask=user.umask))
    return program


def limit_operations(process: Process) -> list[Rlimit]:
    """Return the resource limits.  Raises SpecError for a type that Linux does not have."""
    program = []
    for index, limit in enumerate(process.rlimits):
        number = RLIMITS.get(limit.type)
        if number is None:
            raise SpecError((Fault(f"$.process.rlimits[{index}].type", f"there is no {limit.type!r}"),))
        program.append(ops.Rlimit(resource=number, soft=limit.soft, hard=limit.hard))
    return program


def inherited_operations(process: Process, linux: Linux) -> list[Op]:
    """Return what is set before any namespace is entered, because inside a user namespace nobody may.

    That is some of the scheduling, the OOM score adjustment, and with a user namespace the hard limits
    (CAP_SYS_RESOURCE counts on the host only), which krun-init raises where they are too low.  What is
    configured follows in `limit_operations`, and takes effect when the payload is executed.
    """
    program = inherited_scheduling(process, linux)
    if process.oom_score_adj is not None:
        program.append(ops.OomScoreAdj(value=process.oom_score_adj))
    if linux.namespace("user") is not None:
        program += [
            ops.Rlimit(resource=op.resource, soft=op.hard, hard=op.hard) for op in limit_operations(process)
        ]
    return program


_NUMBERS = {name: number for number, name in enumerate(CAPABILITIES)}

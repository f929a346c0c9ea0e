"""Seccomp: where the container's profile is applied, and what of it is refused.

The profile stays a record in the plan: whoever carries the plan out compiles it.
Out of scope: compiling (`krun.sys.native`) and evaluating it (the kernel or the monitor).
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.facts import HostFacts
    from krun.plan.ops import Op
    from krun.spec.model import Linux, Seccomp

# seccomp(2): the flags that a profile may ask for.
FLAGS: Mapping[str, int] = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1,
    "SECCOMP_FILTER_FLAG_LOG": 2,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 4,
}

# Known to the specification, and refused: they are for listeners.
REFUSED_ACTIONS: frozenset[str] = frozenset({"SCMP_ACT_NOTIFY"})

_NEEDS_LISTENER = "needs a listener, which this version does not support"


def check_seccomp(linux: Linux, facts: HostFacts) -> Seccomp | None:
    """Return the profile, if there is one.  Raises Unsupported for what cannot be had."""
    profile = linux.seccomp
    if profile is None:
        return None
    path = "$.linux.seccomp"
    if not facts.seccomp:
        raise Unsupported(path, "this kernel has no seccomp filters")
    if profile.listener_path:
        raise Unsupported(f"{path}.listenerPath", "seccomp listeners are not supported by this version")
    if profile.default_action in REFUSED_ACTIONS:
        raise Unsupported(f"{path}.defaultAction", f"{profile.default_action} {_NEEDS_LISTENER}")
    for index, rule in enumerate(profile.syscalls):
        if rule.action in REFUSED_ACTIONS:
            raise Unsupported(f"{path}.syscalls[{index}].action", f"{rule.action} {_NEEDS_LISTENER}")
    for index, flag in enumerate(profile.flags):
        if flag not in FLAGS:
            raise Unsupported(f"{path}.flags[{index}]", f"{flag} is not supported by this version")
    return profile


def lost_flags(profile: Seccomp, monitor: str) -> tuple[str, ...]:
    """Return a warning for what the monitor, which evaluates the profile itself, does not do.

    The other flags concern the loading into the kernel, which does not happen then.
    """
    if monitor == "none" or "SECCOMP_FILTER_FLAG_LOG" not in profile.flags:
        return ()
    return ("$.linux.seccomp.flags: SECCOMP_FILTER_FLAG_LOG: the monitor logs nothing",)


def seccomp_operation(profile: Seccomp) -> Op:
    """Return the loading of the profile into the kernel."""
    flags = 0
    for flag in profile.flags:
        flags |= FLAGS[flag]
    return ops.Seccomp(flags=flags, filter=profile)

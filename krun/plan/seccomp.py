"""Seccomp: where the container's profile is applied, and what of it is refused.

The profile stays a record in the plan: whoever carries the plan out compiles it.
Out of scope: compiling (`krun.sys.native`) and evaluating it (the kernel or the monitor).
"""

from __future__ import annotations

from krun.errors import Unsupported
from krun.plan import ops
from krun.plan.hooks import state_around_pid
from krun.sys.json import dumps

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from krun.host.facts import HostFacts
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Linux, Seccomp, Spec

# seccomp(2): the flags that a profile may ask for.
FLAGS: Mapping[str, int] = {
    "SECCOMP_FILTER_FLAG_TSYNC": 1 << 0,
    "SECCOMP_FILTER_FLAG_LOG": 1 << 1,
    "SECCOMP_FILTER_FLAG_SPEC_ALLOW": 1 << 2,
    "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV": 1 << 5,
}
_TSYNC = FLAGS["SECCOMP_FILTER_FLAG_TSYNC"]
_WAIT_KILLABLE = FLAGS["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]

NOTIFY = "SCMP_ACT_NOTIFY"
_CARRIER = "sendmsg"
"""The call with which krun-init sends the listener away.  Nobody could answer it before it has arrived."""


def check_seccomp(linux: Linux, facts: HostFacts, options: Options) -> Seccomp | None:
    """Return the profile, if there is one.  Raises Unsupported for what cannot be had."""
    profile = linux.seccomp
    if profile is None:
        return None
    if not facts.seccomp:
        raise Unsupported("$.linux.seccomp", "this kernel has no seccomp filters")
    for index, rule in enumerate(profile.syscalls):
        if rule.action != NOTIFY:
            continue
        for position, name in enumerate(rule.names):
            if reason := _unnotified(name, options.monitor):
                path = f"$.linux.seccomp.syscalls[{index}].names[{position}]"
                raise Unsupported(path, f"{name} cannot be notified{reason}")
    return profile


def _unnotified(name: str, monitor: str) -> str:
    """Return why nobody can be asked about a call; empty when it is possible."""
    if monitor == "none":
        return ": the listener itself is sent with it" if name == _CARRIER else ""
    from krun.plan._hypercalls import UNNOTIFIED  # of no use to most profiles

    why = " in a VM: it is not passed to the kernel as it is, and so could not go on (use --monitor none)"
    return why if name in UNNOTIFIED else ""


def has_listener(profile: Seccomp) -> bool:
    """Tell whether some calls are answered by a listener."""
    return any(rule.action == NOTIFY for rule in profile.syscalls)


def listener_path(profile: Seccomp | None) -> str:
    """Return the socket that wants the listener; without such calls `listenerPath` is ignored."""
    return profile.listener_path if profile is not None and has_listener(profile) else ""


def lost_flags(profile: Seccomp, monitor: str) -> tuple[str, ...]:
    """Return a warning for what the monitor, which evaluates the profile itself, does not do.

    The other flags concern the loading into the kernel, which does not happen then.
    """
    if monitor == "none" or "SECCOMP_FILTER_FLAG_LOG" not in profile.flags:
        return ()
    return ("$.linux.seccomp.flags: SECCOMP_FILTER_FLAG_LOG: the monitor logs nothing",)


def seccomp_operation(profile: Seccomp, spec: Spec, options: Options, status: str) -> Op:
    """Return the loading of the profile into the kernel; `status` is the container's by then.

    krun-init has one thread, so that there is none to be synchronized with, and the kernel does not take
    that together with a listener.  Without a listener it knows of no waiting for one.
    """
    flags = 0
    for flag in profile.flags:
        flags |= FLAGS[flag]
    if not has_listener(profile):
        return ops.Seccomp(flags=flags & ~_WAIT_KILLABLE, filter=profile)
    state = _process_state(profile, spec, options, status)
    return ops.SeccompNotify(flags=flags & ~_TSYNC, filter=profile, state=state)


def monitor_operations(profile: Seccomp | None, spec: Spec, options: Options, status: str) -> list[Op]:
    """Return what lets the monitor ask about calls of the profile, which it evaluates itself.

    The filter meets no call of krun-init's, so that it is loaded early; what goes wrong is `create`'s error.
    """
    if profile is None or options.monitor == "none" or not has_listener(profile):
        return []
    flags = _WAIT_KILLABLE if "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV" in profile.flags else 0
    return [ops.SeccompMonitor(flags=flags, state=_process_state(profile, spec, options, status))]


def _process_state(profile: Seccomp, spec: Spec, options: Options, status: str) -> tuple[str, ...]:
    """Return the container process state as JSON, cut where the pid of the process belongs.

    Source: runtime-spec config-linux.md#containerprocessstate.
    """
    head, tail = state_around_pid(spec, options, status)
    known: dict[str, object] = {"ociVersion": options.oci_version, "fds": ["seccompFd"]}
    if profile.listener_metadata:
        known["metadata"] = profile.listener_metadata
    before = dumps(known)[:-1] + ',"pid":'
    if options.init_pid:
        return before, f',"state":{head}{options.init_pid}{tail}}}'
    return before, f',"state":{head}', tail + "}"

"""Monitors: what is executed in the end, and so where the barrier and the seccomp profile have their place.

Out of scope: choosing the monitor (the host's administrator does) and its interface (specs/monitor.md).
"""

from __future__ import annotations

from krun.errors import HostError
from krun.plan import ops
from krun.plan.hooks import container_hook_operations
from krun.plan.seccomp import seccomp_operation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.plan.model import Options
    from krun.plan.ops import Op
    from krun.spec.model import Seccomp, Spec

MONITORS = ("builtin", "none")


def check_monitor(options: Options) -> None:
    """Raise HostError for an unknown monitor."""
    if options.monitor not in MONITORS:
        raise HostError(f"monitor {options.monitor!r}", "not supported", "use one of " + ", ".join(MONITORS))


def run_operations(
    spec: Spec,
    options: Options,
    args: tuple[str, ...],
    env: tuple[str, ...],
    profile: Seccomp | None,
    status: str,
) -> list[Op]:
    """Return the last operations: barrier, startContainer hooks, exec.

    profile: the one that is not loaded yet.  The monitor evaluates it on the guest's calls, krun-init loads
    it into the kernel: before the hooks, whose programs are the image's.  status: the container's by then.

    The monitor builds the VM before the barrier and waits there itself.  With startContainer hooks, which
    stand between the two, init waits; the hooks' programs are the image's, and so run in VMs of their own.
    """
    if options.monitor == "builtin":
        if not spec.hooks.start_container:
            return [ops.ExecuteMonitor(args=args, env=env, filter=profile, barrier=1)]
        return [
            ops.Barrier(),
            *container_hook_operations(
                spec, options, "startContainer", "created", monitor=True, profile=profile
            ),
            ops.ExecuteMonitor(args=args, env=env, filter=profile, barrier=0),
        ]
    program: list[Op] = [ops.Barrier()]
    if profile is not None:
        program.append(seccomp_operation(profile, spec, options, status))
    program += container_hook_operations(spec, options, "startContainer", "created")
    program.append(ops.Execute(args=args, env=env))
    return program

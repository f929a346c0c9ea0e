"""Ends a container and removes everything that its record names.

Works on whatever a killed krun has left, so nothing here may rely on a step having been taken.
"""

from __future__ import annotations

from krun import os
from krun.errors import KrunError
from krun.execute import cgroup, cgroup_processes
from krun.execute.cgroup_record import cgroup_record
from krun.state import liveness
from krun.state.model import STOPPED, Container, runtime_state
from krun.sys import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.log import Log
    from krun.state.store import Held

_END_MS = 10_000  # a killed process that is still there after this time hangs in the kernel


def destroy(container: Container, held: Held, log: Log) -> None:
    """Kill what still runs, remove the cgroup and the state, then run the poststop hooks.

    A poststop hook that fails is a warning.  Raises KrunError when a process cannot be killed, or a cgroup or
    a mount not be removed; the record stays then, so that it can be tried again.
    """
    kill_init(container)
    if container.cgroup is not None:
        record = cgroup_record(container.cgroup)
        cgroup_processes.kill_all(record)
        cgroup.remove(record)
    if container.rdt is not None:
        from krun.execute import rdt  # hardly any host has it

        rdt.remove(rdt.rdt_record(container.rdt))
    if container.covered_mount:
        from krun.execute import shared_root  # for containers without a mount namespace only

        shared_root.unmount(container.rootfs, container.covered_mount)
    held.remove()
    if container.poststop:
        from krun.execute.hooks import run_all_hooks

        run_all_hooks("poststop", container.poststop, runtime_state(container, STOPPED), log)


def kill_init(container: Container) -> None:
    """Kill the container's init, also a paused one, and wait for its end; fine when it has ended before."""
    pidfd = liveness.open_process(container.pid, container.pid_start)
    if pidfd is None:
        return
    try:
        signals.send(pidfd, signals.SIGKILL)
        thaw(container)
        if not liveness.wait_for_end(pidfd, _END_MS):
            raise KrunError(f'container "{container.id}": process {container.pid} does not end after SIGKILL')
    finally:
        os.close(pidfd)


def thaw(container: Container) -> None:
    """Let a paused container go on, so that it can die of a SIGKILL; nothing else is changed by it."""
    if container.cgroup is not None and liveness.is_frozen(container.cgroup):
        cgroup_processes.thaw(cgroup_record(container.cgroup))

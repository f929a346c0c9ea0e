"""Starts a created container: passes the barrier, then runs the poststart hooks.

Out of scope: the barrier itself (`barrier`).
"""

from __future__ import annotations

import os

from krun.errors import KrunError, WrongStatus
from krun.execute.barrier import release
from krun.state import liveness, store
from krun.state.model import RUNNING, Container, runtime_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.log import Log
    from krun.state.store import Held


def start_container(container: Container, held: Held, log: Log) -> None:
    """Start the container whose lock is held.

    When a poststart hook fails, the container is stopped and deleted (runtime.md#lifecycle).
    Raises WrongStatus unless it is created, PayloadError, HookError.
    """
    if container.cgroup is not None and liveness.is_frozen(container.cgroup):
        raise WrongStatus(container.id, f'container "{container.id}" cannot be started: it is paused')
    pidfd = liveness.open_process(container.pid, container.pid_start)
    if pidfd is None:
        raise WrongStatus(container.id, f'container "{container.id}" cannot be started: it has stopped')
    try:
        release(container.id, f"{held.path}/{store.FIFO}", f"{held.path}/{store.STARTED}", pidfd)
    finally:
        os.close(pidfd)
    if container.poststart:
        _run_poststart(container, held, log)


def _run_poststart(container: Container, held: Held, log: Log) -> None:
    from krun.execute.destroy import destroy
    from krun.execute.hooks import run_hooks
    from krun.execute.undo import in_symbols

    try:
        run_hooks("poststart", container.poststart, runtime_state(container, RUNNING))
    except KrunError as error:
        try:
            destroy(container, held, log)
        except (KrunError, OSError) as failure:
            error.while_undoing(f"delete the container: {in_symbols(failure)}")
        raise

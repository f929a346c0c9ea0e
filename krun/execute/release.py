"""Starts a created container: passes the barrier, with the startContainer hooks, then the poststart hooks.

Out of scope: the barrier itself (`barrier`).
"""

from __future__ import annotations

from krun import os
from krun.errors import HookError, KrunError, WrongStatus
from krun.execute.barrier import release
from krun.state import liveness, store
from krun.state.model import RUNNING, Container, runtime_state

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.log import Log
    from krun.state.store import Held


def start_container(container: Container, held: Held, log: Log) -> None:
    """Start the container whose lock is held, but for while poststart hooks run; they may delete it.

    When a startContainer or a poststart hook fails, the container is stopped and deleted, and the poststop
    hooks have run when the error comes out of here (runtime.md#lifecycle).
    Raises WrongStatus unless it is created, PayloadError, HookError.
    """
    if not container.has_process:
        raise WrongStatus(container.id, f'container "{container.id}" cannot be started: it has no process')
    if container.cgroup is not None and liveness.is_frozen(container.cgroup):
        raise WrongStatus(container.id, f'container "{container.id}" cannot be started: it is paused')
    pidfd = liveness.open_process(container.pid, container.pid_start)
    if pidfd is None:
        raise WrongStatus(container.id, f'container "{container.id}" cannot be started: it has stopped')
    is_there = True
    try:
        release(container.id, f"{held.path}/{store.FIFO}", f"{held.path}/{store.STARTED}", pidfd)
        if container.poststart:
            from krun.execute.hooks import run_hooks

            held.release()  # a hook that calls a verb would wait for ever
            try:
                run_hooks("poststart", container.poststart, runtime_state(container, RUNNING))
            finally:
                is_there = held.take_again()
    except HookError as error:
        if is_there:
            _destroy_after(error, container, held, log)
        raise
    finally:
        os.close(pidfd)


def _destroy_after(error: HookError, container: Container, held: Held, log: Log) -> None:
    from krun.execute.destroy import destroy
    from krun.execute.undo import in_symbols

    try:
        destroy(container, held, log)
    except (KrunError, OSError) as failure:
        error.while_undoing(f"delete the container: {in_symbols(failure)}")

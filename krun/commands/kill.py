"""`krun kill`: send a signal to a container's init, or to all its processes."""

from __future__ import annotations

from krun import os
from krun.commands.options import Argument, Option
from krun.errors import HostError, UsageError, WrongStatus
from krun.spec.ids import check_id
from krun.state import liveness, store
from krun.state.model import PAUSED, Container, can_kill
from krun.sys import signals

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "send a signal to a container"
OPTIONS = (Option("--all", "to all processes of the container, also when its init has ended", short="-a"),)
ARGUMENTS = (
    Argument("container-id", "the container"),
    Argument("signal", "number or name, by default SIGTERM", required=False),
)


def run(args: Arguments, context: Context) -> int:
    """Send the signal.  Raises WrongStatus, in words that clients look for, when nothing can receive it."""
    try:
        number = signals.number_of(args["signal"] or "SIGTERM")
    except ValueError as error:
        raise UsageError(f"kill: {error}") from error
    container = store.load(context.root, check_id(args["container-id"]))
    status = store.status(context.root, container)
    if args.flag("all"):
        signal_all(container, number)
        _thaw_killed(container, status, number)
        return 0
    pidfd = liveness.open_process(container.pid, container.pid_start) if can_kill(status) else None
    if pidfd is None:
        raise WrongStatus(container.id, f'cannot kill container "{container.id}": container not running')
    try:
        if not signals.send(pidfd, number):
            raise WrongStatus(container.id, f'cannot kill container "{container.id}": container not running')
    except PermissionError as error:
        raise HostError(f'cannot kill container "{container.id}"', "this user may not signal it") from error
    finally:
        os.close(pidfd)
    _thaw_killed(container, status, number)
    return 0


def _thaw_killed(container: Container, status: str, number: int) -> None:
    """What is frozen does not die: a SIGKILL ends the pause, as with runc; other signals wait for its end."""
    if status == PAUSED and number == signals.SIGKILL:
        from krun.execute.destroy import thaw

        thaw(container)


def signal_all(container: Container, number: int) -> None:
    """Signal whatever is in the container's cgroup; without one, init.  Nothing to signal is no error."""
    if container.cgroup is not None:
        from krun.execute import cgroup_processes
        from krun.execute.cgroup_record import cgroup_record

        cgroup_processes.signal_all(cgroup_record(container.cgroup), number)
        return
    pidfd = liveness.open_process(container.pid, container.pid_start)
    if pidfd is not None:
        try:
            signals.send(pidfd, number)
        finally:
            os.close(pidfd)

"""`krun start`: let the process of a created container run."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.execute.inherited import notify_address
from krun.execute.release import start_container
from krun.spec.ids import check_id
from krun.state import liveness, store
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "start the process of a created container"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Pass the barrier and run the poststart hooks; with a NOTIFY_SOCKET, wait until the payload is ready."""
    id = check_id(args["container-id"])
    if notify_address():
        return _start_and_wait(id, context)
    with store.hold(context.root, id) as held:
        start_container(store.load(context.root, id), held, context.log)
    return 0


def _start_and_wait(id: str, context: Context) -> int:
    from krun.execute.notify import open_notifier  # with parts of the compiler

    with Descriptors() as files:
        with store.hold(context.root, id) as held:
            container = store.load(context.root, id)
            init = liveness.open_process(container.pid, container.pid_start)
            notifier = None
            if init is not None:
                files.add(init)
                notifier = open_notifier(held.path, container.pid, context.log, files)
            start_container(container, held, context.log)
        if notifier is not None and init is not None:
            # Not under the lock: this takes as long as the payload likes.
            notifier.forward_until_ready(init)
    return 0

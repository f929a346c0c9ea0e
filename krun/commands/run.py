"""`krun run`: create, start, wait, delete; in the foreground krun stands for the container's process."""

from __future__ import annotations

from krun.commands import creation
from krun.commands.delete import delete
from krun.commands.options import Option
from krun.errors import NoSuchContainer
from krun.execute.console import Relay, connect, console_pair, take_master
from krun.execute.foreground import wait
from krun.execute.release import start_container
from krun.execute.undo import Undo
from krun.sys import signals
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context
    from krun.execute.notify import Notifier
    from krun.execute.run import Created
    from krun.state.store import Held

SUMMARY = "create and start a container, wait for its end and delete it"
OPTIONS = (
    *creation.OPTIONS,
    Option("--detach", "return when the process runs, and do not delete the container", short="-d"),
    Option("--keep", "do not delete the container when its process has ended"),
)
ARGUMENTS = creation.ARGUMENTS


def run(args: Arguments, context: Context) -> int:
    """Run the container; the exit status is its process's, 128 + N after a death by signal N."""
    arrivals = signals.Arrivals(signals.STOPPING)
    is_foreground = not args.flag("detach")
    can_relay = is_foreground and args["console-socket"] == ""
    request = creation.read_request(args, context, can_relay=can_relay)
    made: list[Created] = []
    notifiers: list[Notifier | None] = []
    with Descriptors() as files:

        def start(created: Created, held: Held) -> None:
            if request.has_notify:
                from krun.execute.notify import open_notifier

                main_pid = 0 if is_foreground else created.container.pid
                notifiers.append(open_notifier(held.path, main_pid, context.log, files))
            created.commit()
            start_container(created.container, held, context.log)
            creation.hand_over(args, created)
            made.append(created)

        console = master_end = -1
        if args["console-socket"]:
            console = files.add(connect("console socket", args["console-socket"]))
        elif request.plan.terminal:
            console, master_end = (files.add(end) for end in console_pair())
        creation.make_container(request, context, console, arrivals.fd, start)
        notifier = notifiers[0] if notifiers else None
        if not is_foreground:
            if notifier is not None:
                notifier.forward_until_ready(made[0].pidfd)
            return 0
        with Undo() as undo:
            # Where krun can stand for the process no longer, nobody would wait for it and delete it.
            if not args.flag("keep"):
                undo.add("delete the container", lambda: _delete(request.container.id, context))
            relay = Relay(take_master(master_end)) if master_end >= 0 else None
            status = wait(made[0].container.pid, made[0].pidfd, arrivals, relay, notifier)
            undo.keep()
    if not args.flag("keep"):
        _delete(request.container.id, context)
    return status


def _delete(id: str, context: Context) -> None:
    try:
        delete(id, context, force=True)
    except NoSuchContainer:
        return  # somebody else has deleted it meanwhile

"""`krun run`: create, start, wait, delete; in the foreground krun stands for the container's process."""

from __future__ import annotations

import os
import select

from krun.commands import creation
from krun.commands.delete import delete
from krun.commands.options import Option
from krun.errors import NoSuchContainer
from krun.execute.console import Relay, connect, console_pair, take_master
from krun.execute.processes import exit_status
from krun.execute.release import start_container
from krun.sys import signals
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context
    from krun.execute.run import Created
    from krun.state.store import Held
    from krun.sys.signals import Arrivals

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

    def start(created: Created, held: Held) -> None:
        start_container(created.container, held, context.log)
        creation.hand_over(args, created)
        made.append(created)

    with Descriptors() as files:
        console = master_end = -1
        if args["console-socket"]:
            console = files.add(connect("console socket", args["console-socket"]))
        elif request.plan.terminal:
            console, master_end = (files.add(end) for end in console_pair())
        creation.make_container(request, context, console, arrivals.fd, start)
        if not is_foreground:
            return 0
        relay = Relay(take_master(master_end)) if master_end >= 0 else None
        status = wait(made[0], arrivals, relay)
    if not args.flag("keep"):
        try:
            delete(request.container.id, context, force=True)
        except NoSuchContainer:
            return status  # somebody else has deleted it meanwhile
    return status


def wait(created: Created, arrivals: Arrivals, relay: Relay | None) -> int:
    """Wait for the end of init, which is a child; pass signals on to it and serve its terminal.

    Returns its exit status as a shell has it.
    """
    arrivals.catch(signals.FORWARDED)
    is_open = True
    try:
        while True:
            poll = select.poll()
            poll.register(created.pidfd, select.POLLIN)
            poll.register(arrivals.fd, select.POLLIN)
            if relay is not None and is_open:
                for file, events in relay.interests().items():
                    poll.register(file, events)
            ready = dict(poll.poll())
            for number in arrivals.take():
                if number == signals.SIGWINCH and relay is not None:
                    relay.resize()
                else:
                    signals.send(created.pidfd, number)
            if relay is not None and is_open:
                is_open = relay.serve(ready)
            if created.pidfd in ready:
                break
        if relay is not None:
            relay.drain()
    finally:
        if relay is not None:
            relay.close()
    return exit_status(os.waitpid(created.container.pid, 0)[1])

"""`krun create`: make a container that waits for `start`."""

from __future__ import annotations

from krun.commands import creation
from krun.sys import signals
from krun.sys.descriptors import Descriptors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "make a container from a bundle, ready to be started"
OPTIONS = creation.OPTIONS
ARGUMENTS = creation.ARGUMENTS


def run(args: Arguments, context: Context) -> int:
    """Make the container; a signal that asks krun to stop undoes what was done."""
    arrivals = signals.Arrivals(signals.STOPPING)
    request = creation.read_request(args, context)
    with Descriptors() as files:
        console = -1
        if args["console-socket"]:
            from krun.execute.console import connect

            console = files.add(connect("console socket", args["console-socket"]))
        creation.make_container(
            request, context, console, arrivals.fd, lambda created, _held: creation.hand_over(args, created)
        )
    return 0

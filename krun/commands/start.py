"""`krun start`: let the process of a created container run."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.execute.release import start_container
from krun.spec.ids import check_id
from krun.state import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "start the process of a created container"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Pass the barrier and run the poststart hooks."""
    id = check_id(args["container-id"])
    with store.hold(context.root, id) as held:
        start_container(store.load(context.root, id), held, context.log)
    return 0

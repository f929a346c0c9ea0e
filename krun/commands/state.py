"""`krun state`: print the state of a container as JSON."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.spec.ids import check_id
from krun.state import store
from krun.state.model import listing
from krun.sys import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "print the state of a container as JSON"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Print the specification's state, and what runc adds to it."""
    container = store.load(context.root, check_id(args["container-id"]))
    context.out(json.dumps(listing(container, store.status(context.root, container)), indent=2) + "\n")
    return 0

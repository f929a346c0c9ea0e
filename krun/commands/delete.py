"""`krun delete`: remove a container and everything that belongs to it."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.errors import NoSuchContainer, WrongStatus
from krun.execute.destroy import destroy, kill_init
from krun.spec.ids import check_id
from krun.state import store
from krun.state.model import can_delete

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "delete a container"
OPTIONS = (Option("--force", "kill it first if it runs; no error if it does not exist", short="-f"),)
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Delete what is created or stopped; with --force, also what runs and what a killed krun has left."""
    id = check_id(args["container-id"])
    if not args.flag("force"):
        delete(id, context, force=False)
        return 0
    try:
        # Before the lock is asked for: whoever holds it may be waiting for this very process.
        kill_init(store.load(context.root, id))
        delete(id, context, force=True)
    except NoSuchContainer:
        store.remove_unfinished(context.root, id)
    return 0


def delete(id: str, context: Context, *, force: bool) -> None:
    """Delete a container while holding its lock.

    Raises NoSuchContainer, and without force WrongStatus.
    """
    with store.hold(context.root, id, also_unfinished=force) as held:
        container = store.load(context.root, id)
        status = store.status_when_held(context.root, container)
        if not force and not can_delete(status):
            raise WrongStatus(id, f'cannot delete container "{id}" that is not stopped: {status}')
        destroy(container, held, context.log)

"""`krun resume`: let the processes of a paused container go on."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.errors import WrongStatus
from krun.execute.destroy import thaw
from krun.spec.ids import check_id
from krun.state import store
from krun.state.model import can_resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "let a paused container go on"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Thaw the container.  Raises WrongStatus when it is not paused, HostError."""
    id = check_id(args["container-id"])
    with store.hold(context.root, id):
        container = store.load(context.root, id)
        status = store.status_when_held(context.root, container)
        if not can_resume(status):
            raise WrongStatus(id, f'cannot resume container "{id}": container not paused: {status}')
        thaw(container)
    return 0

"""`krun pause`: stop all processes of a container where they are."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.errors import HostError, WrongStatus
from krun.execute import cgroup
from krun.spec.ids import check_id
from krun.state import store
from krun.state.model import can_pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "stop all processes of a container until it is resumed"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = (Argument("container-id", "the container"),)


def run(args: Arguments, context: Context) -> int:
    """Freeze the container; returns when all its processes stand still.  Raises WrongStatus, HostError."""
    id = check_id(args["container-id"])
    with store.hold(context.root, id):
        container = store.load(context.root, id)
        status = store.status_when_held(context.root, container)
        if not can_pause(status):
            raise WrongStatus(id, f'cannot pause container "{id}": container not running: {status}')
        if container.cgroup is None:
            raise HostError(f'cannot pause container "{id}"', "it has no cgroup")
        cgroup.freeze(cgroup.cgroup_record(container.cgroup))
    return 0

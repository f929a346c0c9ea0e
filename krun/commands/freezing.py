"""What `pause` and `resume` share: a container's lock, its status, and then its freezer.

No verb by itself.
"""

from __future__ import annotations

from krun.commands.options import Argument
from krun.errors import HostError, WrongStatus
from krun.execute.cgroup_record import cgroup_record
from krun.spec.ids import check_id
from krun.state import store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from krun.commands.options import Arguments, Context
    from krun.execute.cgroup_record import CgroupRecord

ARGUMENTS = (Argument("container-id", "the container"),)


def change_freezer(
    args: Arguments,
    context: Context,
    verb: str,
    needed: tuple[str, Callable[[str], bool]],
    change: Callable[[CgroupRecord], None],
) -> None:
    """Call `change` with the container's cgroup, if its status allows it.

    needed: what the container is said not to be where the status does not allow it, and what tells.
    Raises WrongStatus, and HostError for a container without a cgroup.
    """
    id = check_id(args["container-id"])
    with store.hold(context.root, id):
        container = store.load(context.root, id)
        status = store.status_when_held(context.root, container)
        word, is_allowed = needed
        if not is_allowed(status):
            raise WrongStatus(id, f'cannot {verb} container "{id}": container not {word}: {status}')
        if container.cgroup is None:
            raise HostError(f'cannot {verb} container "{id}"', "it has no cgroup")
        change(cgroup_record(container.cgroup))

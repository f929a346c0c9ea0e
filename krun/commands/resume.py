"""`krun resume`: let the processes of a paused container go on."""

from __future__ import annotations

from krun.commands import freezing
from krun.commands.options import Option
from krun.execute.cgroup_processes import thaw
from krun.state.model import can_resume

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "let a paused container go on"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = freezing.ARGUMENTS


def run(args: Arguments, context: Context) -> int:
    """Thaw the container.  Raises WrongStatus when it is not paused, HostError."""
    freezing.change_freezer(args, context, "resume", ("paused", can_resume), thaw)
    return 0

"""`krun pause`: stop all processes of a container where they are."""

from __future__ import annotations

from krun.commands import freezing
from krun.commands.options import Option
from krun.execute.cgroup_processes import freeze
from krun.state.model import can_pause

TYPE_CHECKING = False
if TYPE_CHECKING:
    from krun.commands.options import Arguments, Context

SUMMARY = "stop all processes of a container until it is resumed"
OPTIONS: tuple[Option, ...] = ()
ARGUMENTS = freezing.ARGUMENTS


def run(args: Arguments, context: Context) -> int:
    """Freeze the container; returns when all its processes stand still.  Raises WrongStatus, HostError."""
    freezing.change_freezer(args, context, "pause", ("running", can_pause), freeze)
    return 0

"""`krun list`: print the containers of the root."""

from __future__ import annotations

from krun.commands.options import Argument, Option
from krun.errors import UsageError
from krun.state import store
from krun.state.model import listing
from krun.sys import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from krun.commands.options import Arguments, Context

SUMMARY = "list the containers"
OPTIONS = (
    Option("--format", "table or json", short="-f", value="FORMAT", default="table"),
    Option("--quiet", "print ids only", short="-q"),
)
ARGUMENTS: tuple[Argument, ...] = ()

_COLUMNS = ("id", "pid", "status", "bundle", "created", "owner")
_NARROWEST = 12  # of a column, and the gap between two: as runc's table has them
_GAP = 3


def run(args: Arguments, context: Context) -> int:
    """Print a table, JSON or just the ids."""
    if args["format"] not in ("table", "json"):
        raise UsageError(f"list: --format: {args['format']!r} is neither table nor json")
    if args.flag("quiet"):
        context.out("".join(f"{container.id}\n" for container in store.load_all(context.root)))
        return 0
    listings = [listing(c, store.status(context.root, c)) for c in store.load_all(context.root)]
    context.out(json.dumps(listings) + "\n" if args["format"] == "json" else _table(listings))
    return 0


def _table(listings: list[dict[str, Any]]) -> str:
    rows = [[name.upper() for name in _COLUMNS], *([str(row[name]) for name in _COLUMNS] for row in listings)]
    widths = [max(_NARROWEST, *(len(row[i]) + _GAP for row in rows)) for i in range(len(_COLUMNS))]
    lines = ("".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "".join(f"{line.rstrip()}\n" for line in lines)

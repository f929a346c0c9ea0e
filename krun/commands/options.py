"""The words of the command line as data: what a verb takes, what it was given, and where it runs.

A verb is a module `krun/commands/NAME.py` with

    SUMMARY: str                       one line for `krun --help`
    OPTIONS: tuple[Option, ...]
    ARGUMENTS: tuple[Argument, ...]
    def run(args: Arguments, context: Context) -> int     the exit status; failures are raised as KrunError

Out of scope: reading argv (cli.py) and printing help (help.py).
"""

from __future__ import annotations

from krun.errors import UsageError
from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from krun.log import Log


class Option(Record):
    """One option.  `name` has its two dashes; `value` names what follows, "" makes the option a flag."""

    name: str
    help: str
    short: str = ""
    value: str = ""
    default: str = ""
    repeat: bool = False
    also: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The name by which `Arguments` knows the option."""
        return self.name[2:]

    @property
    def spellings(self) -> tuple[str, ...]:
        """Every way to write it; a long name may have one dash, as Go's flag package takes it."""
        short = (self.short,) if self.short else ()
        return (self.name, self.name[1:], *short, *self.also)


class Argument(Record):
    """One word that is no option.  `rest` takes all that follow, whatever they look like."""

    name: str
    help: str
    required: bool = True
    rest: bool = False


class Arguments(Record):
    """What a verb was given: option and argument names, each with its values in order."""

    values: Mapping[str, tuple[str, ...]]

    def __getitem__(self, name: str) -> str:
        """Return the last value of an option or argument; "" when there is none."""
        values = self.values.get(name, ())
        return values[-1] if values else ""

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value, in the order of the command line."""
        return self.values.get(name, ())

    def flag(self, name: str) -> bool:
        """Tell whether a flag is set; `--flag=false` unsets it."""
        return self[name] not in ("", "false", "0")

    def number(self, name: str) -> int:
        """Return the value as a number ≥ 0; 0 when there is none.  Raises UsageError for anything else."""
        text = self[name] or "0"
        if not (text.isascii() and text.isdecimal()):
            raise UsageError(f"--{name}: {text!r} is not a number")
        return int(text)


class Context(Record):
    """Where and how a verb runs: what the global options say, and the ways out."""

    root: str  # absolute directory of all containers' states
    log: Log
    out: Callable[[str], None]  # writes to standard output, each call in one piece
    monitor: str = ""  # "builtin", "none", or "" where the command line does not say
    cgroup_manager: str = "cgroupfs"  # "cgroupfs", "systemd" or "disabled"
    rootless: str = "auto"  # "auto", "true" or "false"

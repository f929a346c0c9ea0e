"""The operating system as krun calls it: the interpreter's own `posix` module, and paths.

The standard `os` is the same calls and a mutable environment; making its collection classes at import costs a
tenth of a whole `krun state`.  Names and behaviour are those of `os` and `os.path`.

Out of scope: what krun does not call.
"""

from __future__ import annotations

from posix import *  # noqa: F403 - the calls and constants that `os` has its own from
from posix import _exit as _exit
from posix import environ as environ
from posix import mkdir as mkdir

from krun.os import path as path

SEEK_SET = 0


def fsencode(name: str | bytes) -> bytes:
    """Return a path as the kernel takes it.  What was not UTF-8 when it came from there survives."""
    return name if isinstance(name, bytes) else name.encode("utf-8", "surrogateescape")


def fsdecode(name: bytes) -> str:
    """Return a path of the kernel's as text; `fsencode` gives the same bytes back."""
    return name.decode("utf-8", "surrogateescape")


def getenv(name: str, default: str = "") -> str:
    """Return a variable of the environment that krun was started with."""
    value = environ.get(fsencode(name))
    return default if value is None else fsdecode(value)


def makedirs(name: str, mode: int = 0o777) -> None:
    """Make a directory and those above it that are missing; one that is there is left as it is.

    Raises OSError, FileExistsError where something else has the name.
    """
    above = path.dirname(name)
    if above and above != name and not path.exists(above):
        makedirs(above)
    try:
        mkdir(name, mode)
    except FileExistsError:
        if not path.isdir(name):
            raise

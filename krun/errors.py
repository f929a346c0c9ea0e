"""The one tree of errors.  Each is a single line in lower case without a full stop; cli.py renders it once.

The words matter: clients read them (dockerd derives 126 and 127 from them), so what is krun's own must not
say "no such file or directory", "permission denied" or "executable file not found".
"""

from __future__ import annotations

import errno

from krun.types import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


# What krun-init and the monitor themselves find wrong, in words of their own; "E?" and "0" are no names.
_SELF_EVIDENT = frozenset({"ENOEXEC", "ELIBBAD", "ENOTSUP", "EOPNOTSUPP", "EPROTO", "EBADMSG", "E?", "0"})


def symbol(error: OSError) -> str:
    """Name an error of the kernel's: clients read a meaning into the C library's sentences."""
    return errno.errorcode.get(error.errno or 0, str(error))


class KrunError(Exception):
    """Anything that krun reports to its caller."""

    def __init__(self, message: str) -> None:
        """Take the whole line."""
        message = "\\n".join(message.splitlines())  # what is quoted in it may have been given with more
        super().__init__(message)
        self.message = message
        self.undoing: list[str] = []

    def while_undoing(self, what: str) -> None:
        """Attach what went wrong while undoing; it never hides this error."""
        self.undoing.append(what)

    def __str__(self) -> str:
        """Join the message and what went wrong while undoing."""
        return "; ".join([self.message, *(f"while undoing: {w}" for w in self.undoing)])


class UsageError(KrunError):
    """The command line is wrong."""


class Fault(Record):
    """One fault of a configuration: a JSON path such as `$.process.cwd`, and what is wrong there."""

    path: str
    message: str

    def __str__(self) -> str:
        """Write `path: message`."""
        return f"{self.path}: {self.message}"


class SpecError(KrunError):
    """The configuration is wrong.  `faults` holds every one that was found, at least one."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Take the faults in document order."""
        super().__init__("; ".join(str(fault) for fault in faults))
        self.faults = tuple(faults)


class Unsupported(SpecError):
    """The configuration asks for what this krun, or this host, cannot do."""

    def __init__(self, path: str, message: str) -> None:
        """Name the property by its JSON path."""
        super().__init__((Fault(path, message),))


class HostError(KrunError):
    """The host lacks something: what is needed, what was found, and what to do."""

    def __init__(self, needed: str, found: str, hint: str = "") -> None:
        """Build `needed: found; hint`."""
        super().__init__(f"{needed}: {found}" + (f"; {hint}" if hint else ""))
        self.needed, self.found, self.hint = needed, found, hint


class StageError(KrunError):
    """An operation of the plan failed in krun-init."""

    def __init__(self, index: int, operation: str, errno: int, reason: str) -> None:
        """Build `op 17: mount proc on /proc: EPERM`; `reason` says more than the errno where it can."""
        super().__init__(f"op {index}: {operation}: {reason}")
        self.index, self.operation, self.errno, self.reason = index, operation, errno, reason


class HookError(KrunError):
    """A hook failed.  `index` is its place among those of its `point`."""

    def __init__(self, point: str, index: int, path: str, reason: str) -> None:
        """Build `hook prestart[0] /path: reason`."""
        super().__init__(f"hook {point}[{index}] {path}: {reason}")
        self.point, self.index, self.path, self.reason = point, index, path, reason


class PayloadError(KrunError):
    """The program to run is missing or cannot run: what it is, why, what to do."""


class StateError(KrunError):
    """A container is not what the verb needs it to be."""


class NoSuchContainer(StateError):
    """There is no container of that id."""

    def __init__(self, id: str) -> None:
        """Say it in the words that clients look for."""
        super().__init__(f'container "{id}" does not exist')
        self.id = id


class ContainerExists(StateError):
    """The id is taken."""

    def __init__(self, id: str) -> None:
        """Say it in runc's words."""
        super().__init__(f'container with id exists: "{id}"')
        self.id = id


class WrongStatus(StateError):
    """The verb needs another status."""

    def __init__(self, id: str, message: str) -> None:
        """Take the sentence, which differs from verb to verb because clients read it."""
        super().__init__(message)
        self.id = id


def with_errno(name: str, text: str) -> str:
    """Return an error's words with the name of its errno, unless they say it, or all that there is to say.

    So do those about a program that is none, and those that clients look for (`exec: "x": …`).
    """
    if name in _SELF_EVIDENT or text == "" or text.startswith("exec: ") or text.endswith(f": {name}"):
        return text or name
    return f"{text}: {name}"

"""What has to be taken back when a step fails: in reverse order, all of it, whatever fails on the way.

Out of scope: a krun that is killed.  For that the record in the state directory names everything beforehand.
"""

from __future__ import annotations

from krun.errors import KrunError, symbol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self


class Undo:
    """A `with` block whose steps are undone if it ends by an exception, unless `keep` was called."""

    def __init__(self) -> None:
        """Begin with nothing to undo."""
        self._steps: list[tuple[str, Callable[[], object]]] = []

    def add(self, what: str, undo: Callable[[], object]) -> None:
        """Remember how to take back a step; `what` says in words what the undoing does."""
        self._steps.append((what, undo))

    def keep(self) -> None:
        """Forget all: what was done stays."""
        self._steps.clear()

    def __enter__(self) -> Self:
        """Begin the block."""
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        """Undo if there was an error; what fails meanwhile is attached, and hides nothing."""
        if error is None:
            return
        while self._steps:
            what, undo = self._steps.pop()
            try:
                undo()
            except (KrunError, OSError) as failure:
                why = in_symbols(failure)
                if isinstance(error, KrunError):
                    error.while_undoing(f"{what}: {why}")
                else:
                    error.add_note(f"while undoing: {what}: {why}")


def in_symbols(failure: KrunError | OSError) -> str:
    """Say what failed without the C library's sentences, in which clients would see a missing payload."""
    if isinstance(failure, KrunError):
        return str(failure)
    where = f"{failure.filename}: " if failure.filename else ""
    return f"{where}{symbol(failure)}"

"""Undoing: in reverse, all of it, and never in the way of the first cause."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from krun.errors import KrunError
from krun.execute.undo import Undo


class Steps:
    """Steps that note when they are undone."""

    def __init__(self) -> None:
        """Begin with none undone."""
        self.undone: list[str] = []

    def undo(self, name: str) -> Callable[[], None]:
        """Return what undoes the step `name`."""
        return lambda: self.undone.append(name)

    def take(self, *names: str, error: Exception | None = None, keep: bool = False) -> None:
        """Take these steps, the one called "stuck" not being undoable, and fail then if there is an error."""
        with Undo() as undo:
            for name in names:
                undo.add(f"undo {name}", self._fail if name == "stuck" else self.undo(name))
            if keep:
                undo.keep()
            if error is not None:
                raise error

    def _fail(self) -> None:
        raise KrunError("cannot")


def test_steps_are_undone_in_reverse() -> None:
    """The last made is the first to go."""
    steps = Steps()
    with pytest.raises(KrunError):
        steps.take("one", "two", "three", error=KrunError("broken"))
    assert steps.undone == ["three", "two", "one"]


def test_nothing_is_undone_after_success() -> None:
    """All that was made stays."""
    steps = Steps()
    steps.take("one", "two")
    assert steps.undone == []


def test_nothing_is_undone_that_is_to_stay() -> None:
    """Whatever fails after `keep`."""
    steps = Steps()
    with pytest.raises(KrunError):
        steps.take("one", error=KrunError("later"), keep=True)
    assert steps.undone == []


def test_what_fails_meanwhile_is_attached_and_stops_nothing() -> None:
    """One line with both."""
    steps = Steps()
    with pytest.raises(KrunError) as caught:
        steps.take("one", "stuck", "three", error=KrunError("broken"))
    assert steps.undone == ["three", "one"]
    assert str(caught.value) == "broken; while undoing: undo stuck: cannot"


def test_other_exceptions_are_undone_too() -> None:
    """A bug leaves nothing behind either."""
    steps = Steps()
    with pytest.raises(ZeroDivisionError):
        steps.take("one", error=ZeroDivisionError())
    assert steps.undone == ["one"]


def test_what_the_kernel_refuses_meanwhile_goes_by_its_symbol(tmp_path: Path) -> None:
    """The C library's words would make dockerd believe that the payload is missing."""
    error = KrunError("broken")
    undo = Undo()
    undo.add("remove the file", (tmp_path / "gone").unlink)
    with pytest.raises(KrunError), undo:
        raise error
    assert str(error) == f"broken; while undoing: remove the file: {tmp_path}/gone: ENOENT"
